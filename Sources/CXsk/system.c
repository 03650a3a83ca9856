#define _GNU_SOURCE
#include "CXsk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <numa.h>
#include <numaif.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

int cxsk_thread_pin(uint32_t cpu)
{
	cpu_set_t set;

	if (cpu >= CPU_SETSIZE)
		return -EINVAL;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return -pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

int cxsk_thread_name(const char *name)
{
	return -pthread_setname_np(pthread_self(), name);
}

int cxsk_allowed_cpus(uint32_t *cpus, int capacity)
{
	cpu_set_t set;
	int count = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -errno;
	for (uint32_t cpu = 0; cpu < CPU_SETSIZE && count < capacity; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[count++] = cpu;
	return count;
}

int cxsk_thread_avoid(const uint32_t *cpus, int count)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -errno;
	for (int i = 0; i < count; i++)
		if (cpus[i] < CPU_SETSIZE)
			CPU_CLR(cpus[i], &set);
	if (CPU_COUNT(&set) == 0)
		return 0;
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

/* A transparent huge page needs 2 MiB of address space that begins at a multiple of 2 MiB. */
#define HUGE_PAGE ((size_t)1 << 21)

static void *map_plain(size_t bytes)
{
	size_t length = (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	char *start = mmap(NULL, length + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		return MAP_FAILED;
	size_t before = (HUGE_PAGE - (uintptr_t)start % HUGE_PAGE) % HUGE_PAGE;
	char *aligned = start + before;
	if (before)
		munmap(start, before);
	munmap(aligned + length, HUGE_PAGE - before);
	madvise(aligned, length, MADV_HUGEPAGE); /* only advice: plain pages do as well */
	return aligned;
}

void *cxsk_map_anonymous(size_t *bytes, uint32_t huge_page_shift, int *error)
{
	size_t page = huge_page_shift ? (size_t)1 << huge_page_shift : HUGE_PAGE;
	size_t length = (*bytes + page - 1) & ~(page - 1);
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (int)(huge_page_shift << MAP_HUGE_SHIFT);
	void *memory = huge_page_shift ? mmap(NULL, length, PROT_READ | PROT_WRITE, flags, -1, 0) : map_plain(*bytes);

	if (memory == MAP_FAILED) {
		*error = errno;
		return NULL;
	}
	*bytes = length;
	return memory;
}

int cxsk_memfd_create(const char *name)
{
	int fd = (int)syscall(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return fd < 0 ? -errno : fd;
}

int cxsk_memfd_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ? -errno : 0;
}

bool cxsk_memfd_is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK);
}

static int numa_nodes(void)
{
	return numa_available() < 0 ? 1 : numa_num_configured_nodes();
}

int cxsk_numa_prefer(void *address, size_t bytes, int node)
{
	if (node < 0 || numa_nodes() < 2)
		return 0;
	unsigned long mask[16] = { 0 };
	if ((size_t)node >= sizeof(mask) * 8)
		return -EINVAL;
	mask[(size_t)node / (8 * sizeof(long))] = 1UL << ((size_t)node % (8 * sizeof(long)));
	return mbind(address, bytes, MPOL_PREFERRED, mask, sizeof(mask) * 8, 0) ? -errno : 0;
}

int cxsk_wake_tx(int fd)
{
	return sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ? -errno : 0;
}

int cxsk_wake_rx(int fd)
{
	return recvfrom(fd, NULL, 0, MSG_DONTWAIT, NULL, NULL) < 0 ? -errno : 0;
}

int cxsk_bell_open(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

int cxsk_wake_set_open(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int cxsk_wake_set_add(int set, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

void cxsk_bell_ring(int fd)
{
	eventfd_write(fd, 1);
}

void cxsk_bell_silence(int fd)
{
	eventfd_t value;

	eventfd_read(fd, &value);
}

int cxsk_unshare_network(void)
{
	return unshare(CLONE_NEWNET) ? -errno : 0;
}

int cxsk_enter_network(int fd)
{
	return setns(fd, CLONE_NEWNET) ? -errno : 0;
}

int cxsk_open_own_network(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%ld/ns/net", syscall(SYS_gettid));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

uint64_t cxsk_network_cookie(void)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length);
	close(fd);
	return cookie;
}

int cxsk_unshare_mounts(void)
{
	return unshare(CLONE_NEWNS) ? -errno : 0;
}
