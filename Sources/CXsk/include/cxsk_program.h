/*
 * XDP programs: load, attach, detach.
 *
 * In C because libbpf's and libxdp's option structs are built by macros, and their log goes through variadic callbacks.
 * Two ways to attach:
 *  - a link of our own: the kernel removes it when the process dies, but nobody else can attach beside it;
 *  - libxdp's dispatcher: several programs share the device, where the kernel can load the dispatcher.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct cxsk_program;

/* Opens a program's object file from memory; nothing is loaded yet. NULL and a negative errno in *error.
 * function NULL: there is none, only maps, which cxsk_program_load() makes. */
struct cxsk_program *_Nullable cxsk_program_open(const void *_Nonnull image, size_t size, const char *_Nullable function,
						 int *_Nonnull error);
/* Sets the size of a map before the program is loaded. */
int cxsk_program_resize_map(struct cxsk_program *_Nonnull program, const char *_Nonnull map, uint32_t entries);
/* Has the program use a map that exists already instead of one of its own (fd ≥ 0), or go without it (fd < 0): then its
 * constants must be such that the verifier removes all uses. Before the program is loaded. */
int cxsk_program_share_map(struct cxsk_program *_Nonnull program, const char *_Nonnull map, int fd);
/* Sets the program's read-only data, which must be of exactly this size, before it is loaded. */
int cxsk_program_set_constants(struct cxsk_program *_Nonnull program, const void *_Nonnull data, size_t size);
/* Binds it to a device, before it is loaded: then it may call the driver's RX metadata functions (Linux 6.3). */
int cxsk_program_bind_device(struct cxsk_program *_Nonnull program, int ifindex);
/* Loads it as a program of its own. */
int cxsk_program_load(struct cxsk_program *_Nonnull program);
/* Attaches a loaded program through a link; flags: XDP_FLAGS_*_MODE. */
int cxsk_program_attach_link(struct cxsk_program *_Nonnull program, int ifindex, uint32_t flags);
/* Loads and attaches it through libxdp beside programs that are there already; generic: skb mode. */
int cxsk_program_attach_shared(struct cxsk_program *_Nonnull program, int ifindex, int generic);
void cxsk_program_detach(struct cxsk_program *_Nonnull program);
void cxsk_program_close(struct cxsk_program *_Nonnull program);

/* A map's file descriptor, owned by the program; negative if there is none. */
int cxsk_program_map(const struct cxsk_program *_Nonnull program, const char *_Nonnull map);

/* Map elements by fd. */
int cxsk_map_set(int map, uint32_t key, uint32_t value);
int cxsk_map_delete(int map, uint32_t key);

/* Whether the kernel lets a program put `length` bytes of metadata ahead of a packet with XDP's usual headroom: 1, 0, or a
 * negative errno if it can't be asked. */
int cxsk_metadata_is_accepted(uint32_t length);

/* The program that is attached to a device now: its id, 0 if none; *mode is XDP_ATTACHED_*. */
int cxsk_attached_program(int ifindex, uint32_t *_Nonnull id, uint8_t *_Nonnull mode);

/* The BPF link that a program is attached to a device by: 0 and its id, or a negative errno (ENOENT: it has none). */
int cxsk_program_link(uint32_t program, uint32_t *_Nonnull link);

/* What libbpf, libxdp and the verifier said during this thread's last failing call. */
const char *_Nonnull cxsk_program_log(void);
