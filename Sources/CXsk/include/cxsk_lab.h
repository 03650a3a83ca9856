/*
 * What the lab (namespaces, veth pairs, traffic) needs of C: fork() with code between it and exec, requests that hide
 * behind unions or variadic calls, and the few libbpf calls of the traffic generator. Each returns 0 (or a non-negative
 * value) or a negative errno.
 */
#pragma once

#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Namespaces. Mounts a sysfs of the calling thread's network on /sys; its mounts must be its own already. */
int cxsk_lab_mount_sysfs(void);
int cxsk_lab_open_own_mounts(void);
/* Moves the calling thread into the mount namespace, keeping its working folder. */
int cxsk_lab_enter_mounts(int fd);

/*
 * Starts `path`; it is killed when the calling *thread* ends (prctl(2), PR_SET_PDEATHSIG), for which posix_spawn() has
 * no attribute. The child has its own process group and only the three given descriptors. Returns the pid.
 */
int cxsk_lab_spawn(const char *_Nonnull path, char *_Nullable const *_Nonnull arguments,
		   char *_Nullable const *_Nonnull environment, int input, int output, int errors);
int cxsk_lab_pidfd_open(pid_t pid);
/* Signals through the pidfd: a number that was given to another process meanwhile is never hit. */
int cxsk_lab_pidfd_signal(int pidfd, int signal);
/* 0 if it still runs after `milliseconds`, else 1 with the status of waitpid(2). */
int cxsk_lab_wait(int pidfd, pid_t pid, int milliseconds, int *_Nonnull status);

/* Device features by the old ethtool commands (one feature group each): linux/ethtool.h. */
int cxsk_lab_offloads_off(const char *_Nonnull device);
int cxsk_lab_set_gro(const char *_Nonnull device, int on);

/* An AF_PACKET socket of the calling thread's network, promiscuous, blind to what the host itself sends. */
int cxsk_lab_packet_open(const char *_Nonnull device);
/* A frame's length, 0 after `milliseconds` without one. A VLAN tag that the kernel took out is put back. */
long cxsk_lab_packet_receive(int fd, void *_Nonnull buffer, size_t size, int milliseconds);

/*
 * The words of a pseudo-random stream and their digest. In C because tests run unoptimised, where Swift takes a hundred
 * times as long and a transfer would measure nothing else.
 */
void cxsk_lab_stream_fill(uint64_t *_Nonnull state, uint64_t *_Nonnull words, size_t count);
/* `hash` after `count` words of eight bytes (first byte lowest) at any alignment. */
uint64_t cxsk_lab_stream_mix(uint64_t hash, const void *_Nonnull bytes, size_t count);

/* The BPF objects of the lab; `cxsk_lab_object` is libbpf's struct bpf_object. */
typedef struct cxsk_lab_object cxsk_lab_object;
cxsk_lab_object *_Nullable cxsk_lab_object_load(const void *_Nonnull image, size_t size, int *_Nonnull error);
void cxsk_lab_object_close(cxsk_lab_object *_Nonnull object);
int cxsk_lab_program_fd(const cxsk_lab_object *_Nonnull object, const char *_Nonnull name);
int cxsk_lab_map_fd(const cxsk_lab_object *_Nonnull object, const char *_Nonnull name);
int cxsk_lab_map_set(int map, uint32_t key, const void *_Nonnull value);
/* The sum over all CPUs of 64 bits of an element of a per-CPU map, `offset` bytes into it. */
int cxsk_lab_map_sum(int map, uint32_t key, uint32_t value_size, uint32_t offset, uint64_t *_Nonnull sum);
/* Attaches an XDP program until the returned link is closed; `flags`: XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE. */
int cxsk_lab_attach_xdp(int program, int ifindex, uint32_t flags);
/* Attaches a tc program to what a device sends, until the returned link is closed. */
int cxsk_lab_attach_egress(int program, int ifindex);
/*
 * Lets cxsk_lab_interrupt() end a system call of the calling thread with EINTR, by a real-time signal with an empty
 * handler; returns the thread's id. Sent too early it is lost: repeat it until the call has returned.
 */
pid_t cxsk_lab_accept_interrupts(void);
void cxsk_lab_interrupt(pid_t thread);
/* BPF_PROG_TEST_RUN with live frames: runs the program `repeat` times, its frames go where it sends them. */
int cxsk_lab_run_live(int program, const void *_Nonnull frame, uint32_t size, uint32_t repeat, uint32_t batch);
