#define _GNU_SOURCE
#include "CXsk.h"

#include <errno.h>
#include <linux/capability.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* An address of `length` bytes; '@' in front stands for the abstract namespace where that is allowed. */
static int unix_address(struct sockaddr_un *address, socklen_t *size, const char *path, size_t length, int abstract)
{
	/* A path needs room for the zero behind it. */
	if (length == 0 || length >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, length);
	*size = offsetof(struct sockaddr_un, sun_path) + length;
	if (abstract && path[0] == '@')
		address->sun_path[0] = 0;
	else
		*size += 1;
	return 0;
}

static int close_with(int fd, int code)
{
	close(fd);
	return -code;
}

int cxsk_unix_listen(const char *path, size_t length, mode_t mode)
{
	struct sockaddr_un address;
	socklen_t size;
	int fd, code = unix_address(&address, &size, path, length, 0);

	if (code)
		return code;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* bind() gives the file the socket's own mode (net/unix/af_unix.c): there is no moment with another one. */
	if (fchmod(fd, mode) || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 128))
		return close_with(fd, errno);
	return fd;
}

int cxsk_unix_connect(const char *path, size_t length, int milliseconds)
{
	struct timeval timeout = { .tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000 };
	struct sockaddr_un address;
	socklen_t size;
	int fd, code = unix_address(&address, &size, path, length, 0);

	if (code)
		return code;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* SO_SNDTIMEO also bounds connect(), which waits while the listener's queue is full. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (struct sockaddr *)&address, size))
		return close_with(fd, errno);
	return fd;
}

int cxsk_peer_user(int fd, uid_t *user)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return -errno;
	*user = peer.uid;
	return 0;
}

int cxsk_tcp_listen(const char *address, uint16_t *port)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	struct sockaddr_storage bound;
	socklen_t size = sizeof(bound);
	char service[8];
	int fd, code, one = 1;

	snprintf(service, sizeof(service), "%u", *port);
	if (getaddrinfo(address, service, &hints, &found))
		return -EINVAL;
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		code = -errno;
		freeaddrinfo(found);
		return code;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	code = bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, 128) ? errno : 0;
	freeaddrinfo(found);
	if (!code && getsockname(fd, (struct sockaddr *)&bound, &size))
		code = errno;
	if (code)
		return close_with(fd, code);
	*port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
						  : ((struct sockaddr_in *)&bound)->sin_port);
	return fd;
}

int cxsk_accept(int fd)
{
	int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	return connection < 0 ? -errno : connection;
}

int cxsk_notify(const char *socket_name, size_t length, const char *text, size_t text_length)
{
	struct sockaddr_un address;
	socklen_t size;
	int fd, code = unix_address(&address, &size, socket_name, length, 1);

	if (code)
		return code;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Whoever started us and does not read is no reason to wait. */
	if (sendto(fd, text, text_length, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, size) < 0)
		return close_with(fd, errno);
	close(fd);
	return 0;
}

int cxsk_thread_keep_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	for (int word = 0; word < 2; word++) {
		uint32_t mask = (uint32_t)(keep >> 32 * word);

		data[word].effective &= mask;
		data[word].permitted &= mask;
		data[word].inheritable &= mask;
	}
	/* Ambient ones go with the permitted and inheritable ones (capabilities(7)). */
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}
