/*
 * Starting a program that is to outlive its parent.
 *
 * In C because code between fork() and exec is none of Swift's, and posix_spawn()'s attribute for a new session is GNU-only.
 * Each returns 0 (or a non-negative value) or a negative errno.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/*
 * Starts `path` in a session of its own, with standard input from /dev/null, our standard output and error, no other
 * descriptors, default signal handling and no blocked signals. Returns the pid; the child is ours to wait for.
 */
int cxsk_spawn_session(const char *_Nonnull path, char *_Nullable const *_Nonnull arguments,
		       char *_Nullable const *_Nonnull environment);
/* A descriptor that becomes readable when the process ends, whoever's child it is. */
int cxsk_process_open(pid_t pid);
/* Signals through that descriptor: a number that was given to another process meanwhile is never hit. */
int cxsk_process_signal(int process, int signal);
