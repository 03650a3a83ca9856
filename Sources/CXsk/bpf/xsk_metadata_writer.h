/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Writes packet metadata, in the layout of xsk_metadata.h. For XDP programs.
 *
 * The includer has defined the three hints as functions that answer 0, or an error if the driver does not know:
 *
 *	static int hint_hash(struct xdp_md *ctx, __u32 *hash, __u32 *type);
 *	static int hint_timestamp(struct xdp_md *ctx, __u64 *timestamp);
 *	static int hint_vlan(struct xdp_md *ctx, __be16 *protocol, __u16 *tci);
 */
#pragma once

#include "xsk_packet.h"
#include "xsk_settings.h"

const volatile struct xsk_program_settings settings = {};

/* XDP_RSS_L4 of the kernel's enum xdp_rss_hash_type: ports are in the hash. */
#define RSS_TYPE_L4 (1U << 3)

struct metadata_writer {
	void *cursor; /* where the next value goes */
	void *end;    /* the packet's first byte */
	__u64 codes;
};

static __always_inline int wants(__u32 key)
{
	return (settings.metadata.keys >> key) & 1;
}

/* Values are added in key order. One that does not fit is left out: the settings' length is too small for their keys. */
#define DEFINE_PUT(bits, code)                                                                                     \
	static __always_inline void put_##bits(struct metadata_writer *writer, __u32 key, __u##bits value)         \
	{                                                                                                          \
		if (writer->cursor + sizeof(value) > writer->end)                                                  \
			return;                                                                                    \
		*(__u##bits *)writer->cursor = value;                                                              \
		writer->cursor += sizeof(value);                                                                   \
		writer->codes |= (__u64)(code) << (2 * key);                                                       \
	}

DEFINE_PUT(16, XSK_METADATA_2_BYTES)
DEFINE_PUT(32, XSK_METADATA_4_BYTES)
DEFINE_PUT(64, XSK_METADATA_8_BYTES)

/* The tag that the device took off, or else the outermost one that is still in the frame. */
static __always_inline int vlan_tag(struct xdp_md *ctx, const struct ethernet *frame, __u32 *tag)
{
	__be16 protocol = 0;
	__u16 tci = 0;

	if (!hint_vlan(ctx, &protocol, &tci)) {
		*tag = (__u32)bpf_ntohs(protocol) << 16 | tci;
		return 0;
	}
	*tag = frame->tag;
	return frame->tags ? 0 : -1;
}

/*
 * FlowTag.init(hash:) and FlowTag.init(_:seed:) of PacketHeaders, bit for bit. A hash without ports in it would put all
 * flows between two hosts under one tag, so then the software hash is the better hint.
 */
static __always_inline int flow_tag(const struct ethernet *frame, void *end, int has_hash, __u32 hash, __u32 type,
				    __u16 *tag)
{
	__u64 flow;

	if (has_hash && type & RSS_TYPE_L4) {
		*tag = (hash ^ hash >> 16) & 0x3fff;
		return 0;
	}
	if (flow_hash(frame, end, &flow))
		return -1;
	*tag = flow & 0x3fff;
	return 0;
}

/*
 * Makes room ahead of the packet and writes the block. Where the driver has no room for metadata nothing is written, and
 * the reader finds every key absent: the engine clears a frame's header before the kernel gets the frame.
 */
static __always_inline void write_metadata(struct xdp_md *ctx)
{
	struct metadata_writer writer = {};
	struct xsk_metadata_header *header;
	struct ethernet frame = {};
	__u32 hash = 0, type = 0, tag;
	__u64 timestamp = 0;
	__u16 flow;
	int has_hash;
	void *end;

	if (bpf_xdp_adjust_meta(ctx, -(int)settings.metadata.length))
		return;
	header = (void *)(long)ctx->data_meta;
	writer.end = (void *)(long)ctx->data;
	writer.cursor = header + 1;
	if (writer.cursor > writer.end)
		return;
	end = (void *)(long)ctx->data_end;
	if (wants(XSK_METADATA_VLAN) || wants(XSK_METADATA_FLOW_TAG))
		parse_ethernet(writer.end, end, &frame);

	has_hash = (wants(XSK_METADATA_RX_HASH) || wants(XSK_METADATA_FLOW_TAG)) && !hint_hash(ctx, &hash, &type);
	if (wants(XSK_METADATA_RX_HASH) && has_hash)
		put_32(&writer, XSK_METADATA_RX_HASH, hash);
	if (wants(XSK_METADATA_RX_TIMESTAMP) && !hint_timestamp(ctx, &timestamp))
		put_64(&writer, XSK_METADATA_RX_TIMESTAMP, timestamp);
	if (wants(XSK_METADATA_VLAN) && !vlan_tag(ctx, &frame, &tag))
		put_32(&writer, XSK_METADATA_VLAN, tag);
	if (wants(XSK_METADATA_FLOW_TAG) && !flow_tag(&frame, end, has_hash, hash, type, &flow))
		put_16(&writer, XSK_METADATA_FLOW_TAG, flow);
	if (wants(XSK_METADATA_INGRESS_IFINDEX))
		put_32(&writer, XSK_METADATA_INGRESS_IFINDEX, ctx->ingress_ifindex);
	if (wants(XSK_METADATA_MARK))
		put_32(&writer, XSK_METADATA_MARK, settings.metadata.mark);
	header->codes[0] = writer.codes;
	header->codes[1] = 0;
}
