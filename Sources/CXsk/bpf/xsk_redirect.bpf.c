/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * The engine's XDP program: a packet goes to the AF_XDP socket bound to the queue it came in on; a packet of a queue
 * that no socket wants goes on to the kernel's stack.
 *
 * bpf_redirect_map() returns the action in its last argument when the queue has no socket, so there is no lookup of
 * our own: when the engine dies its sockets leave the map and the device carries normal traffic again.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 256); /* resized to the device's queue count before load */
} xsks_map SEC(".maps");

/* "frags": without it a device whose MTU needs several buffers a packet refuses the program. */
SEC("xdp.frags")
int xsk_redirect(struct xdp_md *ctx)
{
	return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
}

char _license[] SEC("license") = "Dual BSD/GPL";
