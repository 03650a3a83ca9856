/*
 * Preloaded (LD_PRELOAD) into programs, makes this kernel one from before 6.4 for them: no rings of an AF_XDP socket can be
 * mapped once it is bound (net/xdp/xsk.c, xsk_mmap), whoever has bound it. With XSK_TEST_UNCONFINED set a socket that is
 * confined to a device can be bound to another, as before July 2023.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FAMILY_XDP 44

/* Sockets that are not bound are told apart by what receiving from them answers. */
static int is_bound(int fd)
{
	int family = 0, before = errno;
	socklen_t size = sizeof(family);
	int bound = fd >= 0 && !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) && family == FAMILY_XDP &&
		    (recvfrom(fd, NULL, 0, MSG_DONTWAIT, NULL, NULL) >= 0 || errno != ENXIO);

	errno = before;
	return bound;
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	if (!(flags & MAP_ANONYMOUS) && is_bound(fd)) {
		errno = EBUSY;
		return MAP_FAILED;
	}
	return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	return mmap(address, length, protection, flags, fd, offset);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	if (level == SOL_SOCKET && option == SO_BINDTOIFINDEX && getenv("XSK_TEST_UNCONFINED"))
		return 0;
	return (int)syscall(SYS_setsockopt, fd, level, option, value, size);
}
