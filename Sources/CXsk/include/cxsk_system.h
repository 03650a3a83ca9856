/*
 * System calls and library calls that Swift can't spell: GNU-only functions, variadic ones, and option structs that
 * are built by macros. Each returns 0 (or a non-negative value) or a negative errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Threads: pthread_setaffinity_np and pthread_setname_np need _GNU_SOURCE. */
int cxsk_thread_pin(uint32_t cpu);
int cxsk_thread_name(const char *_Nonnull name);
/* CPUs that this thread may run on, lowest first, at most `capacity`; their count. */
int cxsk_allowed_cpus(uint32_t *_Nonnull cpus, int capacity);
/* Keeps the calling thread (and threads it starts) off the given CPUs, unless nothing would be left. */
int cxsk_thread_avoid(const uint32_t *_Nonnull cpus, int count);

/* Memory. */
/* Maps anonymous memory: huge pages of 2^huge_page_shift bytes, or for 0 plain ones, placed so that the kernel can make
 * them transparent huge pages. *bytes is rounded up to whole (2 MiB) pages. */
void *_Nullable cxsk_map_anonymous(size_t *_Nonnull bytes, uint32_t huge_page_shift, int *_Nonnull error);
int cxsk_memfd_create(const char *_Nonnull name);
int cxsk_memfd_seal(int fd);
/* Whether nobody can shrink the file under a mapping of it any more. */
bool cxsk_memfd_is_sealed(int fd);
/* Prefers pages of `bytes` at `address` on NUMA node `node`; a no-op (0) where there is one node. */
int cxsk_numa_prefer(void *_Nonnull address, size_t bytes, int node);

/* Wake-ups of an AF_XDP socket: sendto() transmits (and busy-polls RX), recvfrom() busy-polls RX. */
int cxsk_wake_tx(int fd);
int cxsk_wake_rx(int fd);

/* An eventfd that wakes a thread out of poll(): made, rung, silenced. */
int cxsk_bell_open(void);

/* epoll_create1(2) and EPOLL_CTL_ADD for EPOLLIN: a descriptor that is readable when a member is. -errno on refusal. */
int cxsk_wake_set_open(void);
int cxsk_wake_set_add(int set, int fd);
void cxsk_bell_ring(int fd);
void cxsk_bell_silence(int fd);

/* Network namespaces: unshare()/setns() of the calling thread only. */
int cxsk_unshare_network(void);
int cxsk_enter_network(int fd);
int cxsk_open_own_network(void);
/* SO_NETNS_COOKIE of the calling thread's namespace; 0 if the kernel has none. */
uint64_t cxsk_network_cookie(void);
/* Detaches the calling thread's mounts, so that it may mount a sysfs of its network namespace. */
int cxsk_unshare_mounts(void);
