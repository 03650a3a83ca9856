/*
 * Asking about devices and about this kernel's AF_XDP, without changing anything.
 *
 * In C because SIOCETHTOOL goes through a union of struct ifreq, mounts without a mount point (fsopen) have no Swift
 * spelling, and libbpf's option structs are built by macros. Each returns a non-negative value or a negative errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sends an ethtool command (struct ethtool_*, begins with its number) to a device of the calling thread's network
 * namespace; the answer overwrites it.
 */
int cxsk_ethtool(const char *_Nonnull device, void *_Nonnull command);

/*
 * A directory fd on a sysfs of the calling thread's network namespace, mounted nowhere: /sys shows the namespace of
 * whoever mounted it. Gone when the fd is closed. Needs CAP_SYS_ADMIN.
 */
int cxsk_open_own_sysfs(void);

/* Name and, if not 0, name length of a loaded BPF program. Needs CAP_SYS_ADMIN. */
int cxsk_bpf_program_name(uint32_t id, char *_Nonnull name, size_t capacity);

/*
 * Has a device take packets to any MAC address, until the fd that is returned is closed: an AF_PACKET socket that receives
 * nothing (protocol 0), with PACKET_MR_PROMISC. Needs CAP_NET_RAW.
 */
int cxsk_hold_promiscuous(int ifindex);

/* Loads a two-instruction XDP program, with support for fragments if asked for, and lets go of it. */
int cxsk_probe_xdp_load(bool fragments);
/* Creates an XSKMAP of one entry and lets go of it. */
int cxsk_probe_xsk_map(void);
/* Whether an AF_XDP socket's bind() knows all of `flags`; the socket stays unbound. */
int cxsk_probe_bind_flags(int socket, uint16_t flags);

/* libbpf's own idea of its version ("v1.1"). */
const char *_Nonnull cxsk_libbpf_version(void);
/* libxdp has no such function: the file that was loaded, whose name ends in its version ("…/libxdp.so.1.3.0"). */
int cxsk_libxdp_file(char *_Nonnull path, size_t capacity);
/* LINUX_VERSION_CODE of the headers this was compiled with: major << 16 | minor << 8 | patch (at most 255). */
uint32_t cxsk_headers_version(void);

/* Whether the calling thread holds capability `number` (CAP_*) in its effective set. */
bool cxsk_has_capability(uint32_t number);
/* Whether `path` is on a file system of type `magic` (statfs f_type). */
bool cxsk_is_file_system(const char *_Nonnull path, uint64_t magic);
