#define _GNU_SOURCE
#include "CXsk.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int cxsk_udp_nudge(int ifindex, bool is_ipv6, const uint8_t *address)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(9), .sin6_scope_id = (uint32_t)ifindex };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(9) };
	char name[IF_NAMESIZE];
	ssize_t sent;
	int fd;

	if (!if_indextoname((unsigned int)ifindex, name))
		return -errno;
	fd = socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* Where even this is refused (before kernel 5.7), routes decide, which mostly comes to the same. */
	setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name) + 1);
	memcpy(&six.sin6_addr, address, is_ipv6 ? 16 : 0);
	memcpy(&four.sin_addr, address, is_ipv6 ? 0 : 4);
	sent = sendto(fd, "", 0, 0, is_ipv6 ? (struct sockaddr *)&six : (struct sockaddr *)&four,
		      is_ipv6 ? sizeof(six) : sizeof(four));
	sent = sent < 0 ? -errno : 0;
	close(fd);
	return (int)sent;
}
