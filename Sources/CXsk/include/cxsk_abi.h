/*
 * The kernel's AF_XDP interface, and what of it is newer than the distribution's headers (Debian 12: kernel 6.1).
 *
 * Newer constants are defined here under the kernel's own names if the headers lack them, and are probed at run time:
 * a kernel that does not know one refuses it, and the engine goes on without.
 */
#pragma once

#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <stdint.h>

/*
 * <sys/socket.h> is not included: Swift would then see the C library's socket types as this module's and no longer find
 * them in its own. What is needed of it stands here.
 */

#ifndef XDP_USE_SG /* 6.6: bind flag, packets may span several descriptors */
#define XDP_USE_SG (1 << 4)
#endif
#ifndef XDP_PKT_CONTD /* 6.6: descriptor option, the packet continues in the next descriptor */
#define XDP_PKT_CONTD (1 << 0)
#endif
#ifndef XDP_MAX_TX_SKB_BUDGET /* 6.17: socket option, descriptors one sendto() transmits in copy mode */
#define XDP_MAX_TX_SKB_BUDGET 9
#endif
#ifndef SO_PREFER_BUSY_POLL /* 5.11 */
#define SO_PREFER_BUSY_POLL 69
#endif
#ifndef SO_BUSY_POLL_BUDGET /* 5.11 */
#define SO_BUSY_POLL_BUDGET 70
#endif
/* Names that Swift can't import (macros with casts or shifts), as typed constants. */
static const int CXSK_AF_XDP = 44;   /* AF_XDP */
static const int CXSK_SOL_XDP = 283; /* SOL_XDP */
static const uint16_t CXSK_BIND_SHARED_UMEM = XDP_SHARED_UMEM;
static const uint16_t CXSK_BIND_COPY = XDP_COPY;
static const uint16_t CXSK_BIND_ZEROCOPY = XDP_ZEROCOPY;
static const uint16_t CXSK_BIND_NEED_WAKEUP = XDP_USE_NEED_WAKEUP;
static const uint16_t CXSK_BIND_SG = XDP_USE_SG;
static const uint32_t CXSK_UMEM_UNALIGNED_CHUNKS = XDP_UMEM_UNALIGNED_CHUNK_FLAG;
static const uint32_t CXSK_RING_NEED_WAKEUP = XDP_RING_NEED_WAKEUP;
static const uint32_t CXSK_DESCRIPTOR_CONTINUES = XDP_PKT_CONTD;
static const uint32_t CXSK_OPTIONS_ZEROCOPY = XDP_OPTIONS_ZEROCOPY;
static const int64_t CXSK_PAGE_OFFSET_RX = XDP_PGOFF_RX_RING;
static const int64_t CXSK_PAGE_OFFSET_TX = XDP_PGOFF_TX_RING;
static const int64_t CXSK_PAGE_OFFSET_FILL = XDP_UMEM_PGOFF_FILL_RING;
static const int64_t CXSK_PAGE_OFFSET_COMPLETION = XDP_UMEM_PGOFF_COMPLETION_RING;
static const uint32_t CXSK_XDP_FLAGS_DRV = XDP_FLAGS_DRV_MODE;
static const uint32_t CXSK_XDP_FLAGS_SKB = XDP_FLAGS_SKB_MODE;
