/*
 * TAP devices with virtio-net headers (linux/if_tun.h): made, set up, written and read.
 *
 * In C because ioctl() is variadic and struct ifreq hides behind unions; reading and writing are functions of their own
 * so that the check of the packet path can tell these system calls from others. Each returns 0 (or a non-negative value)
 * or a negative errno.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What the stack may hand over unfinished (TUNSETOFFLOAD). USO is newer than the distribution's headers (6.2). */
static const uint32_t CXSK_TUN_CSUM = 0x01;
static const uint32_t CXSK_TUN_TSO4 = 0x02;
static const uint32_t CXSK_TUN_TSO6 = 0x04;
static const uint32_t CXSK_TUN_TSO_ECN = 0x08;
static const uint32_t CXSK_TUN_USO4 = 0x20;
static const uint32_t CXSK_TUN_USO6 = 0x40;

/* A piece of a packet: laid out as struct iovec, which would make <sys/uio.h>'s types this module's. */
typedef struct cxsk_piece {
	const void *_Nullable base;
	size_t length;
} cxsk_piece;

/* Opens /dev/net/tun: non-blocking, and closed on exec. */
int cxsk_tap_open(void);
/*
 * Makes the descriptor a queue of TAP device `name` (several queues, virtio-net headers, no packet information) in the
 * calling thread's network namespace. first: makes the device; -EBUSY if there is one of that name.
 */
int cxsk_tap_attach(int fd, const char *_Nonnull name, int first);
/* TUNSETVNETHDRSZ: bytes of the virtio-net header, of all queues. */
int cxsk_tap_set_header(int fd, int bytes);
/* TUNSETOFFLOAD, of all queues. */
int cxsk_tap_set_offloads(int fd, uint32_t flags);

/* Of a device in the calling thread's network namespace. */
int cxsk_link_set_address(const char *_Nonnull name, const uint8_t *_Nonnull address);
int cxsk_link_set_mtu(const char *_Nonnull name, int mtu);
int cxsk_link_set_up(const char *_Nonnull name);

/* One packet: writev(2) and read(2). The number of bytes. */
long cxsk_tap_write(int fd, const cxsk_piece *_Nonnull pieces, int count);
long cxsk_tap_read(int fd, void *_Nonnull buffer, size_t size);
