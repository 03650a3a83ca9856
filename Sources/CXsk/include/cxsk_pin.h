/*
 * XDP programs that outlive the process that attached them: their link and a map of theirs pinned in a BPF file system.
 *
 * In C because libbpf's options and the kernel's info structures are unions and macros. Each returns 0 (or a non-negative
 * value) or a negative errno.
 */
#pragma once

#include <stdint.h>

struct cxsk_program;

/* 1 if a path is in a BPF file system, 0 if not. */
int cxsk_is_bpf_folder(const char *_Nonnull path);

/* Pins the link by which cxsk_program_attach_link() attached a program, or a map of the program's. */
int cxsk_program_pin_link(const struct cxsk_program *_Nonnull program, const char *_Nonnull path);
int cxsk_program_pin_map(const struct cxsk_program *_Nonnull program, const char *_Nonnull map,
			 const char *_Nonnull path);
/* Lets go of the link without detaching the program: it stays as long as the link is pinned. */
void cxsk_program_release_link(struct cxsk_program *_Nonnull program);

/* Opens what is pinned. */
int cxsk_pinned_open(const char *_Nonnull path);
/* A link's program and the device that it is attached to, in the namespace of that device; *ifindex 0: it is gone. EINVAL if
 * it is no link of an XDP program. */
int cxsk_link_facts(int link, uint32_t *_Nonnull program, uint32_t *_Nonnull ifindex);
/* A map's id and size. EINVAL if it is no XSKMAP. */
int cxsk_socket_map_facts(int map, uint32_t *_Nonnull id, uint32_t *_Nonnull entries);
/* 1 if a program uses a map, 0 if not. */
int cxsk_program_has_map(uint32_t program, uint32_t map);
/* Detaches the program of a link, whoever else holds the link. */
int cxsk_link_detach(int link);
