/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Programs for the cases of the kernel's AF_XDP list that are about XDP: each changes or drops packets on their way to
 * the queue's socket.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 256);
} xsks_map SEC(".maps");

static __u32 seen; /* packets, over all queues: the tests use one */
static __u32 stamp;

static __always_inline int to_socket(struct xdp_md *ctx)
{
	return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_DROP);
}

/* Keeps the first packet of every two. */
SEC("xdp.frags")
int drop_half(struct xdp_md *ctx)
{
	if (seen++ & 1)
		return XDP_DROP;
	return to_socket(ctx);
}

SEC("xdp.frags")
int shrink_tail(struct xdp_md *ctx)
{
	if (bpf_xdp_adjust_tail(ctx, -128))
		return XDP_DROP;
	return to_socket(ctx);
}

/* Takes away more than the last fragment of a 9000-byte packet. */
SEC("xdp.frags")
int shrink_fragment(struct xdp_md *ctx)
{
	if (bpf_xdp_adjust_tail(ctx, -4096))
		return XDP_DROP;
	return to_socket(ctx);
}

SEC("xdp.frags")
int grow_tail(struct xdp_md *ctx)
{
	if (bpf_xdp_adjust_tail(ctx, 32))
		return XDP_DROP;
	return to_socket(ctx);
}

/* Puts a running number into the eight bytes ahead of the packet. */
SEC("xdp.frags")
int number_packets(struct xdp_md *ctx)
{
	if (bpf_xdp_adjust_meta(ctx, -8))
		return XDP_DROP;

	void *data = (void *)(long)ctx->data;
	__u64 *metadata = (void *)(long)ctx->data_meta;

	if ((void *)(metadata + 1) > data)
		return XDP_DROP;
	*metadata = 0xabcd000000000000ULL + stamp++;
	return to_socket(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
