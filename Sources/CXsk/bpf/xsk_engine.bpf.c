/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * The engine's XDP program with policy and metadata that need nothing of the driver: RX hash and RX timestamp are absent.
 *
 * A program of its own: the plain one, xsk_redirect, pays nothing for what nobody asked for.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

static __always_inline int hint_hash(struct xdp_md *ctx, __u32 *hash, __u32 *type)
{
	return -1;
}

static __always_inline int hint_timestamp(struct xdp_md *ctx, __u64 *timestamp)
{
	return -1;
}

static __always_inline int hint_vlan(struct xdp_md *ctx, __be16 *protocol, __u16 *tci)
{
	return -1;
}

#include "xsk_engine_body.h"
