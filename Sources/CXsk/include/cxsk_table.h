/*
 * BPF maps as tables with keys and values of any layout, and what the kernel can be asked about them.
 *
 * In C because bpf(2) takes a union of structures. Each returns 0 (or a non-negative value) or a negative errno.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum cxsk_table_change {
	CXSK_TABLE_PUT,	   /* a new entry, or another value for one that exists */
	CXSK_TABLE_ADD,	   /* -EEXIST if there is one */
	CXSK_TABLE_REWRITE /* -ENOENT if there is none; written in place, under the value's bpf_spin_lock */
};

/* Key and value are as large as the map's. -E2BIG: the table is full. */
int cxsk_table_set(int map, const void *_Nonnull key, const void *_Nonnull value, enum cxsk_table_change change);
int cxsk_table_remove(int map, const void *_Nonnull key);

/* The sums over all CPUs of an element of a per-CPU array of pairs of 64-bit counters. */
int cxsk_table_sum(int map, uint32_t element, uint64_t *_Nonnull first, uint64_t *_Nonnull second);

/*
 * Waits until every XDP program that ran when it was called has ended: what they found in a map they don't use any more.
 * The kernel does so whenever a map of maps is changed (maybe_wait_bpf_programs() in kernel/bpf/syscall.c, since 4.20), so
 * a fence is one of those. To be closed with close().
 */
int cxsk_fence_open(void);
int cxsk_fence_wait(int fence);

/* Whether XDP programs may ask for the coarse monotonic time (Linux 5.11): 1, 0, or a negative errno if the kernel can't
 * be asked. */
int cxsk_coarse_time_is_there(void);
