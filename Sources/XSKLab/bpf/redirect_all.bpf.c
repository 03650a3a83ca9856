/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Redirects every packet to one device, as it is: the kernel's own forwarding at its shortest, to compare with.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} egress_map SEC(".maps");

SEC("xdp")
int redirect_all(struct xdp_md *ctx)
{
	return bpf_redirect_map(&egress_map, 0, XDP_ABORTED);
}

char _license[] SEC("license") = "Dual BSD/GPL";
