/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * As much of a packet as the metadata needs: VLAN tags, and the flow hash of FlowKey.hash(seed:) of PacketHeaders, seed 0.
 */
#pragma once

#include <bpf/bpf_endian.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

struct vlan_header {
	__be16 tci;
	__be16 protocol; /* of what follows */
};

struct ethernet {
	void *payload;	 /* behind the tags; NULL if the frame ends before */
	__be16 protocol; /* of the payload */
	__u16 tags;
	__u32 tag; /* the outermost: TPID << 16 | TCI, host order */
};

static __always_inline int is_vlan(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

/* Up to two tags; `frame` is zero before. */
static __always_inline void parse_ethernet(void *data, void *end, struct ethernet *frame)
{
	struct ethhdr *header = data;
	void *next = header + 1;
	__be16 protocol;

	if (next > end)
		return;
	protocol = header->h_proto;
#pragma unroll
	for (int i = 0; i < 2; i++) {
		struct vlan_header *vlan = next;

		if (!is_vlan(protocol))
			break;
		if ((void *)(vlan + 1) > end)
			return;
		if (i == 0)
			frame->tag = (__u32)bpf_ntohs(protocol) << 16 | bpf_ntohs(vlan->tci);
		frame->tags++;
		protocol = vlan->protocol;
		next = vlan + 1;
	}
	frame->protocol = protocol;
	frame->payload = next;
}

/* The upper half of a 128-bit product: the machine has no such multiplication. */
static __always_inline __u64 multiply_high(__u64 a, __u64 b)
{
	__u64 a0 = (__u32)a, a1 = a >> 32, b0 = (__u32)b, b1 = b >> 32;
	__u64 low = a0 * b0, left = a1 * b0, right = a0 * b1;
	__u64 middle = (low >> 32) + (__u32)left + (__u32)right;

	return a1 * b1 + (left >> 32) + (right >> 32) + (middle >> 32);
}

static __always_inline __u64 mix(__u64 a, __u64 b)
{
	return multiply_high(a, b) ^ a * b;
}

static __always_inline __u64 two_words(const __be32 *words)
{
	return (__u64)words[1] << 32 | words[0];
}

/* FlowKey.identity: ports as in memory, protocol, IP version. */
static __always_inline __u64 flow_identity(__u32 ports, __u8 protocol, __u64 version)
{
	return (version << 40 | (__u64)protocol << 32 | ports) ^ 0x9e3779b97f4a7c15ULL;
}

/*
 * The hash of a packet whose ports stand in plain sight: TCP or UDP, no fragment, no IPv6 extension header. Userspace,
 * which can do more, does the rest.
 */
static __always_inline int flow_hash(const struct ethernet *frame, void *end, __u64 *hash)
{
	void *transport;
	__u8 protocol;

	if (!frame->payload)
		return -1;
	if (frame->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = frame->payload;

		if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5 || ip->frag_off & bpf_htons(0x3fff))
			return -1;
		protocol = ip->protocol;
		transport = (void *)ip + ip->ihl * 4;
		if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) || transport + 4 > end)
			return -1;
		*hash = mix(two_words(&ip->saddr), flow_identity(*(__u32 *)transport, protocol, 4));
		return 0;
	}
	if (frame->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = frame->payload;
		const __be32 *source, *destination;

		if ((void *)(ip + 1) > end || ip->version != 6)
			return -1;
		protocol = ip->nexthdr;
		transport = ip + 1;
		if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) || transport + 4 > end)
			return -1;
		source = ip->saddr.in6_u.u6_addr32;
		destination = ip->daddr.in6_u.u6_addr32;
		*hash = mix(two_words(source), flow_identity(*(__u32 *)transport, protocol, 6));
		*hash ^= mix(two_words(source + 2) ^ 0xd6e8feb86659fd93ULL, two_words(destination) ^ 0xa0761d6478bd642fULL);
		*hash = mix(*hash ^ 0xe7037ed1a0b428dbULL, two_words(destination + 2) ^ 0x8ebc6af09c88c6e3ULL);
		return 0;
	}
	return -1;
}
