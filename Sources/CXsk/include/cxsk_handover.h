/*
 * Packets with file descriptors over UNIX sockets, and who is at the other end.
 *
 * In C because ancillary data is laid out by macros, and the credentials of a peer are GNU-only. Each returns 0 (or a
 * non-negative value) or a negative errno.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Listens on `name` (SOCK_SEQPACKET) in an open directory, which may lie deeper than the 108 bytes of an address reach.
 * What is there under that name is removed first. The socket's file appears with `mode`.
 */
int cxsk_packet_listen(int directory, const char *_Nonnull name, mode_t mode);
/* Connects to a path of any length; reads and writes give up after `milliseconds`. */
int cxsk_packet_connect(const char *_Nonnull path, int milliseconds);

/*
 * One packet: its length, 0 at the end of the connection. At most `capacity` descriptors (4 at most) that came with it are
 * in `fds`, close-on-exec, `*count` of them; the kernel closes others. `*whole` is 0 if it was longer than `size`, or brought
 * more descriptors.
 */
long cxsk_packet_receive(int fd, void *_Nonnull buffer, size_t size, int *_Nonnull fds, int capacity,
			 int *_Nonnull count, int *_Nonnull whole);
/* Sends one packet, with `count` descriptors (4 at most); never waits if the socket does not. */
long cxsk_packet_send(int fd, const void *_Nonnull buffer, size_t size, const int *_Nullable fds, int count);

/* The process and its effective user that connected (SO_PEERCRED). *process is 0 if it is in no PID namespace of ours. */
int cxsk_peer_process(int fd, pid_t *_Nonnull process, uid_t *_Nonnull user);
/* A descriptor of that process (SO_PEERPIDFD, Linux 6.5), which tells it from a later one with the same number. */
int cxsk_peer_pidfd(int fd);
/* Whether the process of a pidfd lives. */
int cxsk_pidfd_lives(int pidfd);

/* A socket's address family; ENOTSOCK if it is none. */
int cxsk_socket_family(int fd);
/* The network namespace that a socket was made in (SO_NETNS_COOKIE); 0 if the kernel does not tell. */
uint64_t cxsk_socket_network(int fd);
/* SO_PREFER_BUSY_POLL, SO_BUSY_POLL and SO_BUSY_POLL_BUDGET; if one is refused, the others are undone. */
int cxsk_socket_busy_poll(int fd, int microseconds, int budget);

/* Whether a memory file is one of tmpfs (EBADF), sealed against shrinking, growing and further seals (EPERM), of at least
 * `bytes` bytes (EFBIG), whose pages are all there (ENODATA): whoever touched them first is charged for them. */
int cxsk_memfd_fits(int fd, uint64_t bytes);

/*
 * Maps a memory file that another process lends. A page that is not there is not made: whatever asks for it, the kernel's
 * registration of a UMEM included, fails instead (userfaultfd(2), UFFD_FEATURE_SIGBUS), so that the lender can't have pages
 * charged to this process by taking them away in the right moment. As long as *guard is open; −1 where the kernel has no such
 * thing. NULL and *error if the file can't be mapped.
 */
void *_Nullable cxsk_map_lent(int fd, size_t bytes, int *_Nonnull guard, int *_Nonnull error);
