/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Punt and verdicts, on the tables of xsk_policy.h. For XDP programs; the includer has `settings`.
 */
#pragma once

#include <linux/icmpv6.h>

#include "xsk_packet.h"
#include "xsk_policy_maps.h"
#include "xsk_settings.h"

/* The packet is for whoever comes next. */
#define UNDECIDED (-1)

/* This CPU's own element: nobody else writes it, and XDP programs don't interrupt each other. */
static __always_inline void count(__u32 place, __u64 bytes)
{
	struct xsk_count *element = bpf_map_lookup_elem(&counts, &place);

	if (element) {
		element->packets++;
		element->bytes += bytes;
	}
}

static __always_inline int punts(__u32 kind)
{
	return settings.policy.punt >> kind & 1;
}

static __always_inline int is_own4(const __be32 *address)
{
	struct xsk_own4_key key = { *address, settings.policy.group };

	return bpf_map_lookup_elem(&own4, &key) != NULL;
}

static __always_inline int is_own6(const __be32 *address)
{
	struct xsk_own6_key key = { { address[0], address[1], address[2], address[3] }, settings.policy.group };

	return bpf_map_lookup_elem(&own6, &key) != NULL;
}

static __always_inline int is_extra(__u32 class, __u32 number)
{
	struct xsk_extra_key key = { class << 24 | number, settings.policy.group };

	return bpf_map_lookup_elem(&extras, &key) != NULL;
}

/* ARP for IPv4 over Ethernet (RFC 826), behind the EtherType. */
struct arp {
	__be16 hardware_type, protocol_type;
	__u8 hardware_length, protocol_length;
	__be16 operation;
	__u8 sender_hardware[6], sender[4], target_hardware[6], target[4];
};

static __always_inline int punt_arp(const struct ethernet *frame, void *end)
{
	struct arp *arp = frame->payload;

	if (!punts(XSK_PUNT_OWN_NEIGHBOURS))
		return XSK_PUNT_ARP;
	if ((void *)(arp + 1) > end)
		return UNDECIDED;
	return is_own4((__be32 *)arp->target) ? XSK_PUNT_ARP : UNDECIDED;
}

/*
 * ICMPv6 that only neighbours can have sent: neighbour discovery has hop limit 255 (RFC 4861), which no router leaves,
 * listener queries have 1 and come behind a hop-by-hop header (RFC 3810), which is 8 bytes then.
 */
static __always_inline int punt_icmpv6(const struct ip_header *ip, void *end)
{
	const struct ipv6hdr *header = ip->header;
	const __u8 *icmp = ip->transport;
	__u8 protocol = ip->protocol;

	if (protocol == 0 /* hop-by-hop */) {
		if ((void *)(icmp + 8) > end || icmp[1])
			return UNDECIDED;
		protocol = icmp[0];
		icmp += 8;
	}
	if (protocol != IPPROTO_ICMPV6 || (void *)(icmp + 8) > end)
		return UNDECIDED;
	if (punts(XSK_PUNT_LISTENER) && icmp[0] == 130 && header->hop_limit == 1)
		return XSK_PUNT_LISTENER;
	if (!punts(XSK_PUNT_NEIGHBOUR) || icmp[0] < 133 || icmp[0] > 137 || header->hop_limit != 255)
		return UNDECIDED;
	if (!punts(XSK_PUNT_OWN_NEIGHBOURS))
		return XSK_PUNT_NEIGHBOUR;
	/* 135 is the solicitation: its target is the address that is asked for. */
	if (icmp[0] != 135 || (void *)(icmp + 24) > end)
		return UNDECIDED;
	return is_own6((const __be32 *)(icmp + 8)) ? XSK_PUNT_NEIGHBOUR : UNDECIDED;
}

/* Configured protocols and services: not what a router only passes on. */
static __always_inline int punt_group(const struct ip_header *ip, void *end)
{
	__u32 ports;

	if (punts(XSK_PUNT_PROTOCOL) && is_extra(XSK_EXTRA_PROTOCOL, ip->protocol))
		return XSK_PUNT_PROTOCOL;
	if (punts(XSK_PUNT_SERVICE) && !transport_ports(ip, end, &ports) &&
	    is_extra(XSK_EXTRA_SERVICE, (__u32)ip->protocol << 16 | bpf_ntohs(ports >> 16)))
		return XSK_PUNT_SERVICE;
	return UNDECIDED;
}

/* The kind that the packet is punted as. */
static __always_inline int punt(const struct ethernet *frame, const struct ip_header *ip, void *end)
{
	if (punts(XSK_PUNT_ETHERTYPE) && is_extra(XSK_EXTRA_ETHERTYPE, bpf_ntohs(frame->protocol)))
		return XSK_PUNT_ETHERTYPE;
	if (ip->version == 4) {
		__be32 destination = *ip->destination;

		if (punts(XSK_PUNT_IPV4) && is_own4(ip->destination))
			return XSK_PUNT_IPV4;
		if ((destination & bpf_htonl(0xf0000000)) != bpf_htonl(0xe0000000) && destination != bpf_htonl(0xffffffff))
			return UNDECIDED;
		return punt_group(ip, end);
	}
	if (ip->version == 6) {
		int kind;

		if (punts(XSK_PUNT_IPV6) && is_own6(ip->destination))
			return XSK_PUNT_IPV6;
		if (punts(XSK_PUNT_NEIGHBOUR) || punts(XSK_PUNT_LISTENER)) {
			kind = punt_icmpv6(ip, end);
			if (kind != UNDECIDED)
				return kind;
		}
		return *(const __u8 *)ip->destination == 0xff ? punt_group(ip, end) : UNDECIDED;
	}
	if (punts(XSK_PUNT_ARP) && frame->protocol == bpf_htons(ETH_P_ARP))
		return punt_arp(frame, end);
	return UNDECIDED;
}

static __always_inline struct xsk_origin origin_of(const struct ethernet *frame, __u8 protocol)
{
	struct xsk_origin origin = { settings.policy.port, { frame->vlan[0], frame->vlan[1] }, protocol, 0 };

	return origin;
}

/* Whether the frame holds as much as its IP header claims: no device is sent what userspace would have dropped. */
static __always_inline int is_whole(struct xdp_md *ctx, const struct ip_header *ip, __u64 bytes)
{
	__u64 room = bytes - (ip->header - (void *)(long)ctx->data);

	if (ip->version == 4) {
		const struct iphdr *header = ip->header;
		__u32 total = bpf_ntohs(header->tot_len);

		return total >= header->ihl * 4U && total <= room;
	}
	return sizeof(struct ipv6hdr) + bpf_ntohs(((const struct ipv6hdr *)ip->header)->payload_len) <= room;
}

/*
 * Carries an entry's verdict out. An entry that userspace deletes meanwhile is not used for another key before every
 * program that may have found it has ended (VerdictTable sees to that).
 */
static __always_inline int apply(struct xdp_md *ctx, const struct ip_header *ip, const struct verdict *entry,
				 __u32 generation)
{
	__u64 decision = entry->decision, bytes;
	__u32 number = decision & 0xff;

	if (generation != decision >> 32 || entry->expires <= bpf_ktime_get_coarse_ns())
		return UNDECIDED;
	bytes = bpf_xdp_get_buff_len(ctx);
	if ((decision >> 16 & 0xffff) == XSK_VERDICT_DROP) {
		count(XSK_COUNT_DROPPED + number, bytes);
		return XDP_DROP;
	}
	/* What the device would not take is userspace's to judge. */
	if (bytes > entry->largest || !is_whole(ctx, ip, bytes))
		return UNDECIDED;
	if (bpf_redirect_map(&egress, number, 0) != XDP_REDIRECT)
		return UNDECIDED;
	count(XSK_COUNT_REDIRECTED + number, bytes);
	return XDP_REDIRECT;
}

static __always_inline int flow_verdict(struct xdp_md *ctx, const struct ethernet *frame, const struct ip_header *ip,
					void *end, __u32 generation)
{
	struct verdict *entry = NULL;
	__u32 ports;

	if (transport_ports(ip, end, &ports))
		return UNDECIDED;
	if (ip->version == 4) {
		struct xsk_flow4_key key = { *ip->source, *ip->destination, ports & 0xffff, ports >> 16,
					     origin_of(frame, ip->protocol) };

		entry = bpf_map_lookup_elem(&flows4, &key);
	} else {
		struct xsk_flow6_key key = { { ip->source[0], ip->source[1], ip->source[2], ip->source[3] },
					     { ip->destination[0], ip->destination[1], ip->destination[2],
					       ip->destination[3] },
					     ports & 0xffff,
					     ports >> 16,
					     origin_of(frame, ip->protocol) };

		entry = bpf_map_lookup_elem(&flows6, &key);
	}
	return entry ? apply(ctx, ip, entry, generation) : UNDECIDED;
}

static __always_inline int source_verdict(struct xdp_md *ctx, const struct ethernet *frame, const struct ip_header *ip,
					  __u32 generation)
{
	struct verdict *entry = NULL;

	if (ip->version == 4) {
		struct xsk_source4_key key = { *ip->source, origin_of(frame, 0) };

		entry = bpf_map_lookup_elem(&sources4, &key);
	} else {
		struct xsk_source6_key key = { { ip->source[0], ip->source[1], ip->source[2], ip->source[3] },
					       origin_of(frame, 0) };

		entry = bpf_map_lookup_elem(&sources6, &key);
	}
	return entry ? apply(ctx, ip, entry, generation) : UNDECIDED;
}

/* The flow's verdict goes before its source's. */
static __always_inline int verdict(struct xdp_md *ctx, const struct ethernet *frame, const struct ip_header *ip, void *end)
{
	__u32 place = 0, generation, present;
	__u64 *state, both;

	if (!settings.policy.verdicts)
		return UNDECIDED;
	state = bpf_map_lookup_elem(&verdict_state, &place);
	if (!state)
		return UNDECIDED;
	/* struct xsk_verdict_state, read at once. */
	both = *(volatile __u64 *)state;
	generation = both;
	present = both >> 32;
	if (settings.policy.verdicts & present & XSK_VERDICTS_FLOWS) {
		int answer = flow_verdict(ctx, frame, ip, end, generation);

		if (answer != UNDECIDED)
			return answer;
	}
	if (settings.policy.verdicts & present & XSK_VERDICTS_SOURCES)
		return source_verdict(ctx, frame, ip, generation);
	return UNDECIDED;
}

/* An XDP action, or UNDECIDED. */
static __always_inline int decide(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethernet frame = {};
	struct ip_header ip = {};
	int answer;

	if (!settings.policy.punt && !settings.policy.verdicts)
		return UNDECIDED;
	parse_ethernet((void *)(long)ctx->data, end, &frame);
	if (!frame.payload)
		return UNDECIDED;
	parse_ip(&frame, end, &ip);
	if (settings.policy.punt && !(punts(XSK_PUNT_ONLY_UNTAGGED) && frame.vlan[0])) {
		answer = punt(&frame, &ip, end);
		if (answer != UNDECIDED) {
			count(XSK_COUNT_PUNTED + settings.policy.port * XSK_PUNT_KINDS + answer,
			      bpf_xdp_get_buff_len(ctx));
			return XDP_PASS;
		}
	}
	return ip.version ? verdict(ctx, &frame, &ip, end) : UNDECIDED;
}
