#define _GNU_SOURCE
#include "CXsk.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <errno.h>
#include <net/if.h>
#include <sys/socket.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <linux/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#ifndef BPF_F_XDP_HAS_FRAGS /* 5.18 */
#define BPF_F_XDP_HAS_FRAGS (1U << 5)
#endif

int cxsk_ethtool(const char *device, void *command)
{
	struct ifreq request = { 0 };
	int error = 0;

	if (strlen(device) >= sizeof(request.ifr_name))
		return -ENODEV;
	strcpy(request.ifr_name, device);
	request.ifr_data = command;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCETHTOOL, &request) < 0)
		error = -errno;
	close(fd);
	return error;
}

int cxsk_open_own_sysfs(void)
{
	int context = (int)syscall(SYS_fsopen, "sysfs", FSOPEN_CLOEXEC);

	if (context < 0)
		return -errno;
	int mount = -1;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	int error = errno;
	close(context);
	return mount < 0 ? -error : mount;
}

int cxsk_bpf_program_name(uint32_t id, char *name, size_t capacity)
{
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0)
		return fd;
	int error = bpf_obj_get_info_by_fd(fd, &info, &length);
	close(fd);
	if (error)
		return error;
	snprintf(name, capacity, "%s", info.name);
	return (int)strlen(name);
}

int cxsk_hold_promiscuous(int ifindex)
{
	struct packet_mreq membership = { .mr_ifindex = ifindex, .mr_type = PACKET_MR_PROMISC };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof(membership)) == 0)
		return fd;
	int error = -errno;
	close(fd);
	return error;
}

int cxsk_probe_xdp_load(bool fragments)
{
	/* r0 = XDP_PASS; exit */
	const struct bpf_insn instructions[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = fragments ? BPF_F_XDP_HAS_FRAGS : 0);
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "xsk_probe", "Dual BSD/GPL", instructions, 2, &options);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int cxsk_probe_xsk_map(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "xsk_probe", sizeof(uint32_t), sizeof(uint32_t), 1, NULL);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int cxsk_probe_bind_flags(int socket, uint16_t flags)
{
	/* No device has index 0. xsk_bind() refuses unknown flags (EINVAL) before it looks for the device (ENODEV). */
	struct sockaddr_xdp address = { .sxdp_family = AF_XDP, .sxdp_flags = flags };

	if (bind(socket, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	return errno == ENODEV ? 0 : -errno;
}

const char *cxsk_libbpf_version(void)
{
	return libbpf_version_string();
}

int cxsk_libxdp_file(char *path, size_t capacity)
{
	Dl_info info;
	char resolved[PATH_MAX];

	if (!dladdr((void *)libxdp_set_print, &info) || !realpath(info.dli_fname, resolved))
		return -ENOENT;
	snprintf(path, capacity, "%s", resolved);
	return (int)strlen(path);
}

uint32_t cxsk_headers_version(void)
{
	return LINUX_VERSION_CODE;
}

bool cxsk_has_capability(uint32_t number)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (number >= 32 * _LINUX_CAPABILITY_U32S_3 || syscall(SYS_capget, &header, data))
		return false;
	return data[number / 32].effective >> (number % 32) & 1;
}

bool cxsk_is_file_system(const char *path, uint64_t magic)
{
	struct statfs status;

	return statfs(path, &status) == 0 && (uint64_t)status.f_type == magic;
}
