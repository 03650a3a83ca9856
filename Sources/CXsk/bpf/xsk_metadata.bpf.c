/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * The engine's XDP program with metadata that needs nothing of the driver: RX hash and RX timestamp are absent.
 *
 * A program of its own: the plain one, xsk_redirect, pays nothing for metadata that nobody asked for.
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

#include "xsk_metadata_writer.h"

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 256); /* resized to the device's queue count before load */
} xsks_map SEC(".maps");

SEC("xdp.frags")
int xsk_metadata(struct xdp_md *ctx)
{
	write_metadata(ctx);
	return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
}

char _license[] SEC("license") = "Dual BSD/GPL";
