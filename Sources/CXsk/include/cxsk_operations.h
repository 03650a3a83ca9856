/*
 * What operating a process needs of C: addresses of sockets, which are unions and casts, the credentials of a peer
 * (GNU-only), and capabilities, which glibc leaves to the kernel's headers. Each returns 0 (or a non-negative value) or a
 * negative errno.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Listens on a path; the socket's file appears with `mode`, whatever the umask allows beyond it. EADDRINUSE if it exists. */
int cxsk_unix_listen(const char *_Nonnull path, size_t length, mode_t mode);
/* Connects, or ECONNREFUSED if nobody listens there any more; reads and writes give up after `milliseconds`. */
int cxsk_unix_connect(const char *_Nonnull path, size_t length, int milliseconds);
/* The effective user of whoever connected (SO_PEERCRED). */
int cxsk_peer_user(int fd, uid_t *_Nonnull user);
/* Listens on a numeric IPv4 or IPv6 address; *port is what was asked for, then what was bound. */
int cxsk_tcp_listen(const char *_Nonnull address, uint16_t *_Nonnull port);
/* A connection, not blocking; EAGAIN if there is none. */
int cxsk_accept(int fd);

/* Sends one datagram to a UNIX socket: a path, or a name behind '@' in the abstract namespace (sd_notify(3)). */
int cxsk_notify(const char *_Nonnull socket, size_t length, const char *_Nonnull text, size_t text_length);

/* Takes all capabilities but the given (bit n: capability n) from the calling thread, and from what it starts. */
int cxsk_thread_keep_capabilities(uint64_t keep);
