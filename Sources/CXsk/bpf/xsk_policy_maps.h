/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * The tables of xsk_policy.h. One set of them serves all ports of an engine: xsk_tables.bpf.c makes them, programs use
 * those. Sizes here are placeholders; they are set before the tables are made.
 */
#pragma once

#include <bpf/bpf_helpers.h>

#include "xsk_policy.h"

/* struct xsk_verdict as the kernel has to see it. */
struct verdict {
	__u64 decision;
	__u64 expires;
	__u32 largest;
	struct bpf_spin_lock lock;
};

_Static_assert(sizeof(struct verdict) == sizeof(struct xsk_verdict), "one layout");
_Static_assert(__builtin_offsetof(struct verdict, lock) == __builtin_offsetof(struct xsk_verdict, lock), "one layout");

#define POLICY_MAP(name, map_type, key_type, value_type)                                                           \
	struct {                                                                                                   \
		__uint(type, map_type);                                                                            \
		__uint(max_entries, 1);                                                                            \
		__type(key, key_type);                                                                             \
		__type(value, value_type);                                                                         \
	} name SEC(".maps")

POLICY_MAP(own4, BPF_MAP_TYPE_HASH, struct xsk_own4_key, __u32);
POLICY_MAP(own6, BPF_MAP_TYPE_HASH, struct xsk_own6_key, __u32);
POLICY_MAP(extras, BPF_MAP_TYPE_HASH, struct xsk_extra_key, __u32);
POLICY_MAP(flows4, BPF_MAP_TYPE_HASH, struct xsk_flow4_key, struct verdict);
POLICY_MAP(flows6, BPF_MAP_TYPE_HASH, struct xsk_flow6_key, struct verdict);
POLICY_MAP(sources4, BPF_MAP_TYPE_HASH, struct xsk_source4_key, struct verdict);
POLICY_MAP(sources6, BPF_MAP_TYPE_HASH, struct xsk_source6_key, struct verdict);
/* struct xsk_verdict_state: one write here ends all verdicts. */
POLICY_MAP(verdict_state, BPF_MAP_TYPE_ARRAY, __u32, __u64);
/* Devices that redirected packets leave by: port to ifindex. A device that is not there, or takes none, has no entry. */
POLICY_MAP(egress, BPF_MAP_TYPE_DEVMAP_HASH, __u32, __u32);
POLICY_MAP(counts, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct xsk_count);
