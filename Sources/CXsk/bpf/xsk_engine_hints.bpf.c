/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * The engine's XDP program with policy, and metadata from the driver, by the kernel's RX metadata functions
 * (Documentation/networking/xdp-rx-metadata.rst; Linux 6.3, the VLAN tag 6.8).
 *
 * It must be bound to its device at load (BPF_F_XDP_DEV_BOUND_ONLY): the verifier puts the driver's own functions in the
 * place of the calls. Only functions that the driver was found to have are called; a kernel that lacks one has no driver
 * with it, so its call is in code that the verifier removes.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#include "xsk_settings.h"

extern const volatile struct xsk_program_settings settings;

/* The kernel's own is an enum of this size; libbpf compares kinds and sizes, not names. */
enum xdp_rss_hash_type { XDP_RSS_TYPE_NONE = 0 };

extern int bpf_xdp_metadata_rx_hash(const struct xdp_md *ctx, __u32 *hash, enum xdp_rss_hash_type *type) __ksym __weak;
extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx, __u64 *timestamp) __ksym __weak;
extern int bpf_xdp_metadata_rx_vlan_tag(const struct xdp_md *ctx, __be16 *protocol, __u16 *tci) __ksym __weak;

static __always_inline int hint_hash(struct xdp_md *ctx, __u32 *hash, __u32 *type)
{
	enum xdp_rss_hash_type kind = XDP_RSS_TYPE_NONE;

	if (!(settings.metadata.hints & XSK_METADATA_HINT_HASH) || bpf_xdp_metadata_rx_hash(ctx, hash, &kind))
		return -1;
	*type = kind;
	return 0;
}

static __always_inline int hint_timestamp(struct xdp_md *ctx, __u64 *timestamp)
{
	if (!(settings.metadata.hints & XSK_METADATA_HINT_TIMESTAMP))
		return -1;
	return bpf_xdp_metadata_rx_timestamp(ctx, timestamp);
}

static __always_inline int hint_vlan(struct xdp_md *ctx, __be16 *protocol, __u16 *tci)
{
	if (!(settings.metadata.hints & XSK_METADATA_HINT_VLAN_TAG))
		return -1;
	return bpf_xdp_metadata_rx_vlan_tag(ctx, protocol, tci);
}

#include "xsk_engine_body.h"
