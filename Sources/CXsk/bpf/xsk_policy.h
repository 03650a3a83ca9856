/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * What the XDP program decides by itself: the layouts of its tables' keys and values, which the program and Swift both
 * include. A packet goes this way, and the first that takes it has it:
 *
 *      punt (it is the host's own) ─► verdict of its flow ─► verdict of its source ─► metadata ─► socket ─► stack
 *
 * Addresses and transport ports are in network order, as in the packet; everything else is in the processor's own order.
 * No structure has padding that the compiler chose: a table compares keys byte by byte.
 */
#pragma once

#include <linux/types.h>

/* What is punted, and why; also the places of the counters. Bits of xsk_policy_settings.punt are 1 << these. */
enum {
	XSK_PUNT_IPV4 = 0,	/* to an IPv4 address of the host's own, fragments too */
	XSK_PUNT_IPV6 = 1,	/* to an IPv6 address of the host's own, fragments too */
	XSK_PUNT_ARP = 2,	/* RFC 826 */
	XSK_PUNT_NEIGHBOUR = 3, /* ICMPv6 133 … 137, RFC 4861 */
	XSK_PUNT_LISTENER = 4,	/* multicast listener queries, ICMPv6 130, RFC 2710 and 3810 */
	XSK_PUNT_ETHERTYPE = 5, /* a configured EtherType */
	XSK_PUNT_PROTOCOL = 6,	/* a configured IP protocol, to a group or broadcast */
	XSK_PUNT_SERVICE = 7,	/* a configured protocol and destination port, to a group or broadcast */
	XSK_PUNT_KINDS = 8,
	/* Not a kind: of ARP and neighbour solicitations only those that ask for an own address, and no router discovery. */
	XSK_PUNT_OWN_NEIGHBOURS = 31,
	/* Not a kind: packets with VLAN tags are not punted. */
	XSK_PUNT_ONLY_UNTAGGED = 30,
};

/* Bits of xsk_policy_settings.verdicts. */
enum {
	XSK_VERDICTS_FLOWS = 1 << 0,
	XSK_VERDICTS_SOURCES = 1 << 1,
};

struct xsk_policy_settings {
	__u32 port;	/* the engine's number of the device */
	__u32 punt;	/* bits of kinds */
	__u32 verdicts; /* XSK_VERDICTS_* */
	__u32 group;	/* ports of one group punt alike */
};

/* The host's own addresses, group by group. */
struct xsk_own4_key {
	__be32 address;
	__u32 group;
};

struct xsk_own6_key {
	__be32 address[4];
	__u32 group;
};

/* What else is the host's: a number of a class, group by group. */
enum {
	XSK_EXTRA_ETHERTYPE = 1, /* number: the EtherType */
	XSK_EXTRA_PROTOCOL = 2,	 /* number: the IP protocol */
	XSK_EXTRA_SERVICE = 3,	 /* number: IP protocol << 16 | destination port */
};

struct xsk_extra_key {
	__u32 what; /* class << 24 | number */
	__u32 group;
};

/* Where a packet came in: a verdict holds for one port and one VLAN. */
struct xsk_origin {
	__u16 port;    /* the engine's number of the device */
	__u16 vlan[2]; /* outer and inner tag: XSK_VLAN_PRESENT | VID; 0 where there is none */
	__u8 protocol; /* of a flow; 0 for a source */
	__u8 reserved; /* 0 */
};

enum { XSK_VLAN_PRESENT = 0x1000 };

struct xsk_flow4_key {
	__be32 source, destination;
	__be16 source_port, destination_port;
	struct xsk_origin origin;
};

struct xsk_flow6_key {
	__be32 source[4], destination[4];
	__be16 source_port, destination_port;
	struct xsk_origin origin;
};

struct xsk_source4_key {
	__be32 source;
	struct xsk_origin origin;
};

struct xsk_source6_key {
	__be32 source[4];
	struct xsk_origin origin;
};

/*
 * A verdict. Userspace changes nothing of an entry in place but `expires`, which is one aligned word: whatever a program
 * reads of it meanwhile belongs together. `lock` is the kernel's, and what lets userspace write in place (BPF_F_LOCK).
 */
struct xsk_verdict {
	__u64 decision; /* generation << 32 | action << 16 | number */
	__u64 expires;	/* CLOCK_MONOTONIC nanoseconds */
	__u32 largest;	/* XSK_VERDICT_REDIRECT: a longer frame is not redirected; bytes with the Ethernet header */
	__u32 lock;	/* struct bpf_spin_lock */
};

/* What holds for all verdicts; the only element of its table. One word, so that it changes as a whole. */
struct xsk_verdict_state {
	__u32 generation; /* verdicts of another one don't count */
	__u32 present;	  /* XSK_VERDICTS_*: there are verdicts of this kind. The others are not looked for */
};

enum {
	XSK_VERDICT_DROP = 1,	  /* number: the reason, 0 … 255 */
	XSK_VERDICT_REDIRECT = 2, /* number: the egress port, 0 … 255 */
};

/* One element of the table of counters, for each CPU. */
struct xsk_count {
	__u64 packets;
	__u64 bytes;
};

/* Places in it. */
enum {
	XSK_COUNT_DROPPED = 0,	    /* + reason */
	XSK_COUNT_REDIRECTED = 256, /* + egress port */
	XSK_COUNT_PUNTED = 512,	    /* + port * XSK_PUNT_KINDS + kind */
};
