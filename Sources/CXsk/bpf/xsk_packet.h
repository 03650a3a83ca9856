/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * As much of a packet as policy and metadata need: VLAN tags, addresses and ports, and the flow hash of
 * FlowKey.hash(seed:) of PacketHeaders, seed 0.
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
	__u16 vlan[2]; /* of the tags, outermost first: 0x1000 | VID; 0 where there is none */
};

struct ip_header {
	void *header;
	const __be32 *source, *destination;
	void *transport;  /* behind the header: not yet compared with the packet's end */
	__u8 version;	  /* 4 or 6; 0: no IP, or the header is cut short */
	__u8 protocol;	  /* of IPv6: the next header */
	__u8 is_fragment; /* of IPv4; those of IPv6 have another protocol */
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
		frame->vlan[i] = 0x1000 | (bpf_ntohs(vlan->tci) & 0xfff);
		frame->tags++;
		protocol = vlan->protocol;
		next = vlan + 1;
	}
	frame->protocol = protocol;
	frame->payload = next;
}

/* `ip` is zero before. */
static __always_inline void parse_ip(const struct ethernet *frame, void *end, struct ip_header *ip)
{
	if (!frame->payload)
		return;
	if (frame->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *header = frame->payload;

		if ((void *)(header + 1) > end || header->version != 4 || header->ihl < 5)
			return;
		ip->header = header;
		ip->source = &header->saddr;
		ip->destination = &header->daddr;
		ip->transport = (void *)header + header->ihl * 4;
		ip->protocol = header->protocol;
		ip->is_fragment = (header->frag_off & bpf_htons(0x3fff)) != 0;
		ip->version = 4;
	} else if (frame->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *header = frame->payload;

		if ((void *)(header + 1) > end || header->version != 6)
			return;
		ip->header = header;
		ip->source = header->saddr.in6_u.u6_addr32;
		ip->destination = header->daddr.in6_u.u6_addr32;
		ip->transport = header + 1;
		ip->protocol = header->nexthdr;
		ip->version = 6;
	}
}

/*
 * Source port in the lower half, destination port in the upper one, as in memory, where they stand in plain sight: TCP or
 * UDP, no fragment, no IPv6 extension header. Userspace, which can do more, does the rest.
 */
static __always_inline int transport_ports(const struct ip_header *ip, void *end, __u32 *ports)
{
	if (!ip->version || ip->is_fragment || (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP))
		return -1;
	if (ip->transport + 4 > end)
		return -1;
	*ports = *(__u32 *)ip->transport;
	return 0;
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

/* The hash of a packet whose ports stand in plain sight. */
static __always_inline int flow_hash(const struct ethernet *frame, void *end, __u64 *hash)
{
	struct ip_header ip = {};
	__u32 ports;

	parse_ip(frame, end, &ip);
	if (transport_ports(&ip, end, &ports))
		return -1;
	*hash = mix(two_words(ip.source), flow_identity(ports, ip.protocol, ip.version));
	if (ip.version == 4)
		return 0;
	*hash ^= mix(two_words(ip.source + 2) ^ 0xd6e8feb86659fd93ULL, two_words(ip.destination) ^ 0xa0761d6478bd642fULL);
	*hash = mix(*hash ^ 0xe7037ed1a0b428dbULL, two_words(ip.destination + 2) ^ 0x8ebc6af09c88c6e3ULL);
	return 0;
}
