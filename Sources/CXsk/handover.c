#define _GNU_SOURCE
#include "CXsk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef SO_PEERPIDFD /* 6.5 */
#define SO_PEERPIDFD 77
#endif

/* Connections that wait for the listener: more are told to come again, and their kernel memory is bounded. */
#define BACKLOG 16
#define MOST_DESCRIPTORS 4

static int close_with(int fd, int code)
{
	close(fd);
	return -code;
}

/* The address of a name in an open directory: the path behind it may be longer than an address. */
static int address_in(int directory, const char *name, struct sockaddr_un *address)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	int length = snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", directory, name);

	return length < 0 || (size_t)length >= sizeof(address->sun_path) ? -ENAMETOOLONG : 0;
}

int cxsk_packet_listen(int directory, const char *name, mode_t mode)
{
	struct sockaddr_un address;
	int code = address_in(directory, name, &address);

	if (code)
		return code;
	/* A link that somebody put there is removed, not followed. */
	if (unlinkat(directory, name, 0) && errno != ENOENT)
		return -errno;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* bind() gives the file the socket's own mode, less the umask. */
	if (fchmod(fd, mode) || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return close_with(fd, errno);
	if (fchmodat(directory, name, mode, 0) || listen(fd, BACKLOG))
		return close_with(fd, errno);
	return fd;
}

/* Opens the folder of a path and answers it; *name is the rest. */
static int open_folder(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	size_t length = slash ? (size_t)(slash - path) : 0;

	if (length >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, path, length);
	folder[length] = 0;
	*name = slash ? slash + 1 : path;
	int fd = open(!slash ? "." : length == 0 ? "/" : folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int address_of(const char *path, struct sockaddr_un *address, int *folder)
{
	const char *name;

	*folder = -1;
	if (strlen(path) < sizeof(address->sun_path)) {
		/* No need of /proc, which a container may lack. */
		memset(address, 0, sizeof(*address));
		address->sun_family = AF_UNIX;
		strcpy(address->sun_path, path);
		return 0;
	}
	*folder = open_folder(path, &name);
	return *folder < 0 ? *folder : address_in(*folder, name, address);
}

int cxsk_packet_connect(const char *path, int milliseconds)
{
	struct timeval timeout = { .tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000 };
	struct sockaddr_un address;
	int folder, code = address_of(path, &address, &folder);
	int fd = code ? -1 : socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (!code && fd < 0)
		code = -errno;
	if (!code) {
		/* SO_SNDTIMEO also bounds connect(), which waits while the listener's queue is full. */
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
			code = close_with(fd, errno);
	}
	if (folder >= 0)
		close(folder);
	return code ? code : fd;
}

union ancillary {
	struct cmsghdr alignment;
	char bytes[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
};

long cxsk_packet_receive(int fd, void *buffer, size_t size, int *fds, int capacity, int *count, int *whole)
{
	union ancillary ancillary;
	struct iovec part = { .iov_base = buffer, .iov_len = size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = ancillary.bytes };
	ssize_t length;

	if (capacity < 0 || capacity > MOST_DESCRIPTORS)
		return -EINVAL;
	message.msg_controllen = capacity ? CMSG_SPACE((size_t)capacity * sizeof(int)) : 0;
	*count = 0;
	do
		length = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		size_t bytes = header->cmsg_len - CMSG_LEN(0);
		/* CMSG_SPACE is rounded up: the kernel may have had room for one more. */
		for (size_t i = 0; i < bytes / sizeof(int); i++) {
			int received;

			memcpy(&received, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
			if (*count < capacity) {
				fds[(*count)++] = received;
			} else {
				close(received);
				message.msg_flags |= MSG_CTRUNC;
			}
		}
	}
	*whole = !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
	return length;
}

long cxsk_packet_send(int fd, const void *buffer, size_t size, const int *fds, int count)
{
	union ancillary ancillary = { .bytes = { 0 } };
	struct iovec part = { .iov_base = (void *)buffer, .iov_len = size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t length;

	if (count < 0 || count > MOST_DESCRIPTORS)
		return -EINVAL;
	if (count) {
		message.msg_control = ancillary.bytes;
		message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, (size_t)count * sizeof(int));
	}
	do
		length = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (length < 0 && errno == EINTR);
	return length < 0 ? -errno : length;
}

int cxsk_peer_process(int fd, pid_t *process, uid_t *user)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return -errno;
	*process = peer.pid;
	*user = peer.uid;
	return 0;
}

int cxsk_peer_pidfd(int fd)
{
	int pidfd = -1;
	socklen_t size = sizeof(pidfd);

	return getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) ? -errno : pidfd;
}

int cxsk_pidfd_lives(int pidfd)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	return poll(&end, 1, 0) == 0;
}

int cxsk_socket_family(int fd)
{
	int family;
	socklen_t size = sizeof(family);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) ? -errno : family;
}

uint64_t cxsk_socket_network(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) ? 0 : cookie;
}

int cxsk_socket_busy_poll(int fd, int microseconds, int budget)
{
	const struct {
		int name, value;
	} options[] = { { SO_PREFER_BUSY_POLL, 1 }, { SO_BUSY_POLL, microseconds }, { SO_BUSY_POLL_BUDGET, budget } };

	for (int i = 0; i < 3; i++) {
		if (!setsockopt(fd, SOL_SOCKET, options[i].name, &options[i].value, sizeof(int)))
			continue;
		int code = errno, off = 0;
		while (i-- > 0)
			setsockopt(fd, SOL_SOCKET, options[i].name, &off, sizeof(off));
		return -code;
	}
	return 0;
}

int cxsk_memfd_fits(int fd, uint64_t bytes)
{
	const int needed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	struct statfs system;
	struct stat file;

	/* Only what memfd_create() makes has seals at all; huge pages have a file system of their own. */
	if (fstatfs(fd, &system) || (uint64_t)system.f_type != TMPFS_MAGIC)
		return -EBADF;
	int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & needed) != needed)
		return -EPERM;
	if (fstat(fd, &file))
		return -errno;
	if ((uint64_t)file.st_size < bytes)
		return -EFBIG;
	/* A hole would be filled, and charged, when the memory is registered. */
	return (uint64_t)file.st_blocks * 512 < bytes ? -ENODATA : 0;
}

void *cxsk_map_lent(int fd, size_t bytes, int *guard, int *error)
{
	struct uffdio_api api = { .api = UFFD_API,
				  .features = UFFD_FEATURE_SIGBUS | UFFD_FEATURE_MISSING_SHMEM };
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	*guard = -1;
	if (memory == MAP_FAILED) {
		*error = errno;
		return NULL;
	}
	struct uffdio_register range = {
		.range = { .start = (uintptr_t)memory, .len = bytes },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int watch = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (watch >= 0 && !ioctl(watch, UFFDIO_API, &api) && !ioctl(watch, UFFDIO_REGISTER, &range))
		*guard = watch;
	else if (watch >= 0)
		close(watch);
	return memory;
}
