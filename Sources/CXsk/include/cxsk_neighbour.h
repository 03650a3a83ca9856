/*
 * Neighbour discovery without privileges: here because sockaddr_in6's scope and SO_BINDTODEVICE take headers that Swift
 * can't import.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Has the kernel look for a neighbour by sending it an empty UDP datagram, to the discard port, out of a device. `address` has
 * 4 or 16 bytes, as on the wire. 0 or -errno; the answer shows in the neighbour table.
 */
int cxsk_udp_nudge(int ifindex, bool is_ipv6, const uint8_t *_Nonnull address);
