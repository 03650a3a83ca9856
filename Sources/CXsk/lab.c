#define _GNU_SOURCE
#include "CXsk.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <errno.h>
#include <net/if.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

int cxsk_lab_mount_sysfs(void)
{
	/* Private first: a shared /sys would carry the mount into the host's own namespace. */
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	return mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) ? -errno : 0;
}

int cxsk_lab_open_own_mounts(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%ld/ns/mnt", syscall(SYS_gettid));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int cxsk_lab_enter_mounts(int fd)
{
	char folder[PATH_MAX];

	/* setns() refuses a thread that shares root and working folder with others, and resets both. */
	if (!getcwd(folder, sizeof(folder)))
		return -errno;
	if (unshare(CLONE_FS) || setns(fd, CLONE_NEWNS))
		return -errno;
	return chdir(folder) ? -errno : 0;
}

/* The child's side: nothing here but system calls, since other threads may have held any lock at fork(). */
static void become(const char *path, char *const *arguments, char *const *environment, pid_t parent, int input,
		   int output, int errors, int report)
{
	sigset_t none;
	int code;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0); /* a terminal's Ctrl-C is the lab's business, not the child's */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		goto failed;
	if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(errors, 2) < 0)
		goto failed;
	syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
	execve(path, arguments, environment);
failed:
	code = errno;
	if (write(report, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

int cxsk_lab_spawn(const char *path, char *const *arguments, char *const *environment, int input, int output,
		   int errors)
{
	int report[2], code = 0;
	pid_t parent = getpid();

	if (pipe2(report, O_CLOEXEC))
		return -errno;
	pid_t child = fork();
	if (child == 0)
		become(path, arguments, environment, parent, input, output, errors, report[1]);
	if (child < 0)
		code = errno;
	close(report[1]);
	ssize_t count;
	do
		count = child < 0 ? 0 : read(report[0], &code, sizeof(code));
	while (count < 0 && errno == EINTR);
	close(report[0]);
	if (child > 0 && count > 0)
		waitpid(child, NULL, 0);
	return code ? -code : child;
}

int cxsk_lab_pidfd_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

int cxsk_lab_pidfd_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) ? -errno : 0;
}

int cxsk_lab_wait(int pidfd, pid_t pid, int milliseconds, int *status)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	int count = poll(&ended, 1, milliseconds);

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	if (count == 0)
		return 0;
	return waitpid(pid, status, 0) < 0 ? -errno : 1;
}

static int ethtool(const char *device, uint32_t command, uint32_t value)
{
	struct ethtool_value request = { .cmd = command, .data = value };
	struct ifreq interface = { .ifr_data = (void *)&request };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), code = 0;

	if (fd < 0)
		return -errno;
	strncpy(interface.ifr_name, device, IFNAMSIZ - 1);
	if (ioctl(fd, SIOCETHTOOL, &interface))
		code = -errno;
	close(fd);
	return code;
}

int cxsk_lab_offloads_off(const char *device)
{
	/* The order matters: segmentation depends on checksums. Flags 0 turns VLAN insertion (and LRO) off. */
	static const uint32_t commands[] = { ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_STXCSUM, ETHTOOL_SFLAGS };

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int code = ethtool(device, commands[i], 0);
		if (code)
			return code;
	}
	return 0;
}

int cxsk_lab_set_gro(const char *device, int on)
{
	return ethtool(device, ETHTOOL_SGRO, on != 0);
}

int cxsk_lab_packet_open(const char *device)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htobe16(ETH_P_ALL) };
	struct packet_mreq promiscuous = { .mr_type = PACKET_MR_PROMISC };
	int one = 1, room = 64 << 20, code; /* room: 30,000 frames; a bound, not taken in advance */

	address.sll_ifindex = promiscuous.mr_ifindex = (int)if_nametoindex(device);
	if (!address.sll_ifindex)
		return -errno;
	/* Protocol 0 until bound: no frame of another device slips in before. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)); /* as much as allowed is enough */
	if (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		code = -errno;
		close(fd);
		return code;
	}
	return fd;
}

/* Puts the tag of `aux` behind the two MAC addresses; the buffer has room for it. */
static size_t restore_vlan(uint8_t *frame, size_t length, const struct tpacket_auxdata *aux)
{
	uint16_t protocol = htobe16(aux->tp_status & TP_STATUS_VLAN_TPID_VALID ? aux->tp_vlan_tpid : ETH_P_8021Q);
	uint16_t tag = htobe16(aux->tp_vlan_tci);

	memmove(frame + 16, frame + 12, length - 12);
	memcpy(frame + 12, &protocol, 2);
	memcpy(frame + 14, &tag, 2);
	return length + 4;
}

long cxsk_lab_packet_receive(int fd, void *buffer, size_t size, int milliseconds)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	union {
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		struct cmsghdr alignment;
	} control;
	struct iovec part = { .iov_base = buffer, .iov_len = size - 4 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	int count = poll(&readable, 1, milliseconds);
	if (count <= 0)
		return count < 0 && errno != EINTR ? -errno : 0;
	ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC);
	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if ((size_t)length > part.iov_len)
		return -EMSGSIZE;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_PACKET && header->cmsg_type == PACKET_AUXDATA && length >= 12) {
		struct tpacket_auxdata aux;
		memcpy(&aux, CMSG_DATA(header), sizeof(aux));
		if (aux.tp_status & TP_STATUS_VLAN_VALID)
			return (long)restore_vlan(buffer, (size_t)length, &aux);
	}
	return length;
}

void cxsk_lab_stream_fill(uint64_t *state, uint64_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++) { /* splitmix64 */
		uint64_t word = *state += 0x9e3779b97f4a7c15;

		word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
		word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
		words[i] = htole64(word ^ (word >> 31));
	}
}

uint64_t cxsk_lab_stream_mix(uint64_t hash, const void *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t word;

		memcpy(&word, (const char *)bytes + 8 * i, sizeof(word));
		hash = (hash ^ le64toh(word)) * 0x00000100000001b3;
		hash ^= hash >> 29;
	}
	return hash;
}

static int say_nothing(enum libbpf_print_level level, const char *format, va_list values)
{
	(void)level, (void)format, (void)values;
	return 0;
}

/* What went wrong is in the error number: libbpf would print lines of its own besides. */
cxsk_lab_object *cxsk_lab_object_load(const void *image, size_t size, int *error)
{
	struct bpf_object *object = bpf_object__open_mem(image, size, NULL);
	libbpf_print_fn_t before;

	if (!object) {
		*error = -errno;
		return NULL;
	}
	before = libbpf_set_print(say_nothing);
	*error = bpf_object__load(object);
	libbpf_set_print(before);
	if (*error) {
		bpf_object__close(object);
		return NULL;
	}
	return (cxsk_lab_object *)object;
}

void cxsk_lab_object_close(cxsk_lab_object *object)
{
	bpf_object__close((struct bpf_object *)object);
}

int cxsk_lab_program_fd(const cxsk_lab_object *object, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name((const struct bpf_object *)object, name);

	return program ? bpf_program__fd(program) : -ENOENT;
}

int cxsk_lab_map_fd(const cxsk_lab_object *object, const char *name)
{
	return bpf_object__find_map_fd_by_name((const struct bpf_object *)object, name);
}

int cxsk_lab_map_set(int map, uint32_t key, const void *value)
{
	return bpf_map_update_elem(map, &key, value, BPF_ANY) ? -errno : 0;
}

int cxsk_lab_map_sum(int map, uint32_t key, uint32_t value_size, uint32_t offset, uint64_t *sum)
{
	int cpus = libbpf_num_possible_cpus(), code = 0;
	size_t stride = (value_size + 7U) & ~7U; /* as the kernel lays out the values of a per-CPU map */

	if (cpus < 0)
		return cpus;
	if (offset + sizeof(uint64_t) > value_size)
		return -EINVAL;
	char *values = calloc((size_t)cpus, stride);
	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(map, &key, values))
		code = -errno;
	*sum = 0;
	for (int i = 0; i < cpus; i++) {
		uint64_t value;
		memcpy(&value, values + (size_t)i * stride + offset, sizeof(value));
		*sum += value;
	}
	free(values);
	return code;
}

int cxsk_lab_attach_xdp(int program, int ifindex, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
	int link = bpf_link_create(program, ifindex, BPF_XDP, &options);

	return link < 0 ? -errno : link;
}

int cxsk_lab_attach_egress(int program, int ifindex)
{
	enum { TCX_EGRESS = 47 }; /* BPF_TCX_EGRESS: newer than the headers */
	int link = bpf_link_create(program, ifindex, (enum bpf_attach_type)TCX_EGRESS, NULL);

	return link < 0 ? -errno : link;
}

static void ignore_signal(int number)
{
	(void)number;
}

#define INTERRUPT_SIGNAL (SIGRTMAX - 3)

pid_t cxsk_lab_accept_interrupts(void)
{
	struct sigaction action = { .sa_handler = ignore_signal }; /* no SA_RESTART: it is there to interrupt */
	sigset_t set;

	sigaction(INTERRUPT_SIGNAL, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, INTERRUPT_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return (pid_t)syscall(SYS_gettid);
}

void cxsk_lab_interrupt(pid_t thread)
{
	syscall(SYS_tgkill, getpid(), thread, INTERRUPT_SIGNAL);
}

int cxsk_lab_run_live(int program, const void *frame, uint32_t size, uint32_t repeat, uint32_t batch)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = size, .repeat = (int)repeat,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = batch);

	return bpf_prog_test_run_opts(program, &options) ? -errno : 0;
}
