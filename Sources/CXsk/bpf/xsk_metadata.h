/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Packet metadata: the layout that XDP programs write and Swift reads. Both include it.
 *
 *      ┌───────────────── length: the same for every packet of a program ─────────────┐
 *      │ size codes, keys 0…31 │ size codes, keys 32…63 │ values in key order │ unused │ packet …
 *      0                       8                        16                             length
 *
 * The block ends where the packet begins. A key's size code is two bits: bits 2k and 2k + 1 of the first word, for keys
 * from 32 on bits 2(k − 32) and 2(k − 32) + 1 of the second. An absent key has code 0 and takes no room, so a value's
 * place is the sum of the sizes of all smaller keys. Everything is in the processor's own byte order (little-endian on
 * the processors that the engine supports); values are packed, without regard to alignment.
 *
 * A descriptor does not say how long the metadata is, so the length is agreed on beforehand: a multiple of 4 bytes, as
 * the kernel wants.
 */
#pragma once

#include <linux/types.h>

enum {
	XSK_METADATA_HEADER_BYTES = 16,
	XSK_METADATA_KEYS = 64,
	/* Keys from here on are the deployment's own. */
	XSK_METADATA_DEPLOYMENT = 32,
};

/* Size codes. */
enum {
	XSK_METADATA_ABSENT = 0,
	XSK_METADATA_2_BYTES = 1,
	XSK_METADATA_4_BYTES = 2,
	XSK_METADATA_8_BYTES = 3,
};

/* The well-known keys; each always has the size that its comment says. 6…31 are kept for later ones. */
enum {
	XSK_METADATA_RX_HASH = 0,	  /* 4: the device's RX hash */
	XSK_METADATA_RX_TIMESTAMP = 1,	  /* 8: when the device received it, nanoseconds of the device's clock */
	XSK_METADATA_VLAN = 2,		  /* 4: outermost VLAN tag, TPID << 16 | TCI */
	XSK_METADATA_FLOW_TAG = 3,	  /* 2: FlowTag of PacketHeaders */
	XSK_METADATA_INGRESS_IFINDEX = 4, /* 4: the device it came in on */
	XSK_METADATA_MARK = 5,		  /* 4: as configured */
};

struct xsk_metadata_header {
	__u64 codes[2];
};

/* Functions of the driver that a program may use: NETDEV_XDP_RX_METADATA_* of the kernel's netdev family. */
enum {
	XSK_METADATA_HINT_TIMESTAMP = 1 << 0,
	XSK_METADATA_HINT_HASH = 1 << 1,
	XSK_METADATA_HINT_VLAN_TAG = 1 << 2,
};

/*
 * What a program is to write: read-only data of the program, set before it is loaded, so that the verifier removes the
 * code for everything else.
 */
struct xsk_metadata_settings {
	__u64 keys;   /* bit k: write key k */
	__u32 length; /* of the block, in bytes */
	__u32 mark;
	__u32 hints; /* XSK_METADATA_HINT_* */
	__u32 reserved;
};
