/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * The engine's program with everything that can be configured. The includer has defined the three hints that
 * xsk_metadata_writer.h describes.
 */
#pragma once

#include "xsk_metadata_writer.h"
#include "xsk_policy_decide.h"

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 256); /* resized to the device's queue count before load */
} xsks_map SEC(".maps");

SEC("xdp.frags")
int xsk_engine(struct xdp_md *ctx)
{
	int answer = decide(ctx);

	if (answer != UNDECIDED)
		return answer;
	answer = bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
	/* Packets for the stack have none: its GRO would compare it, and merge nothing. */
	if (answer == XDP_REDIRECT && settings.metadata.length)
		write_metadata(ctx);
	return answer;
}

char _license[] SEC("license") = "Dual BSD/GPL";
