#define _GNU_SOURCE
#include "CXsk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(cxsk_piece) == sizeof(struct iovec), "a piece is an iovec");
_Static_assert(offsetof(cxsk_piece, length) == offsetof(struct iovec, iov_len), "a piece is an iovec");

int cxsk_tap_open(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

static int set_name(struct ifreq *request, const char *name)
{
	memset(request, 0, sizeof(*request));
	if (strlen(name) >= sizeof(request->ifr_name))
		return -ENAMETOOLONG;
	strcpy(request->ifr_name, name);
	return 0;
}

int cxsk_tap_attach(int fd, const char *name, int first)
{
	struct ifreq request;
	int error = set_name(&request, name);
	int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE | (first ? IFF_TUN_EXCL : 0);

	if (error)
		return error;
	request.ifr_flags = (short)flags;
	return ioctl(fd, TUNSETIFF, &request) < 0 ? -errno : 0;
}

int cxsk_tap_set_header(int fd, int bytes)
{
	return ioctl(fd, TUNSETVNETHDRSZ, &bytes) < 0 ? -errno : 0;
}

int cxsk_tap_set_offloads(int fd, uint32_t flags)
{
	return ioctl(fd, TUNSETOFFLOAD, (unsigned long)flags) < 0 ? -errno : 0;
}

/* A request about a device goes through any socket of its namespace. */
static int link_request(unsigned long number, struct ifreq *request)
{
	int error = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (ioctl(fd, number, request) < 0)
		error = -errno;
	close(fd);
	return error;
}

int cxsk_link_set_address(const char *name, const uint8_t *address)
{
	struct ifreq request;
	int error = set_name(&request, name);

	if (error)
		return error;
	request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(request.ifr_hwaddr.sa_data, address, 6);
	return link_request(SIOCSIFHWADDR, &request);
}

int cxsk_link_set_mtu(const char *name, int mtu)
{
	struct ifreq request;
	int error = set_name(&request, name);

	if (error)
		return error;
	request.ifr_mtu = mtu;
	return link_request(SIOCSIFMTU, &request);
}

int cxsk_link_set_up(const char *name)
{
	struct ifreq request;
	int error = set_name(&request, name);

	if (!error)
		error = link_request(SIOCGIFFLAGS, &request);
	if (error)
		return error;
	request.ifr_flags |= IFF_UP;
	return link_request(SIOCSIFFLAGS, &request);
}

long cxsk_tap_write(int fd, const cxsk_piece *pieces, int count)
{
	ssize_t written = writev(fd, (const struct iovec *)pieces, count);

	return written < 0 ? -errno : written;
}

long cxsk_tap_read(int fd, void *buffer, size_t size)
{
	ssize_t length = read(fd, buffer, size);

	return length < 0 ? -errno : length;
}
