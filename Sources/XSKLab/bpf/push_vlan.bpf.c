/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Tags every frame that a device is about to send, as a VLAN device on top of it would. The tag goes beside the frame (into
 * the skb); a device that can't send it so has it written into the frame.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} tag_map SEC(".maps"); /* TPID << 16 | TCI */

SEC("tc")
int push_vlan(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u32 *tag = bpf_map_lookup_elem(&tag_map, &key);

	if (tag)
		bpf_skb_vlan_push(skb, bpf_htons(*tag >> 16), *tag & 0xffff);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
