#define _GNU_SOURCE
#include "CXsk.h"
#include "program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Maps of one program that are looked through; ours have a dozen at most. */
#define MOST_MAPS 64

int cxsk_is_bpf_folder(const char *path)
{
	struct statfs system;

	return statfs(path, &system) ? -errno : (uint64_t)system.f_type == BPF_FS_MAGIC;
}

int cxsk_program_pin_link(const struct cxsk_program *program, const char *path)
{
	return program->link < 0 ? -EINVAL : bpf_obj_pin(program->link, path);
}

int cxsk_program_pin_map(const struct cxsk_program *program, const char *map, const char *path)
{
	int fd = cxsk_program_map(program, map);

	return fd < 0 ? fd : bpf_obj_pin(fd, path);
}

void cxsk_program_release_link(struct cxsk_program *program)
{
	if (program->link >= 0)
		close(program->link);
	program->link = -1;
}

int cxsk_pinned_open(const char *path)
{
	return bpf_obj_get(path);
}

int cxsk_link_facts(int link, uint32_t *program, uint32_t *ifindex)
{
	struct bpf_link_info info = { 0 };
	uint32_t length = sizeof(info);
	int error = bpf_obj_get_info_by_fd(link, &info, &length);

	if (error)
		return error;
	if (info.type != BPF_LINK_TYPE_XDP)
		return -EINVAL;
	*program = info.prog_id;
	*ifindex = info.xdp.ifindex;
	return 0;
}

int cxsk_socket_map_facts(int map, uint32_t *id, uint32_t *entries)
{
	struct bpf_map_info info = { 0 };
	uint32_t length = sizeof(info);
	int error = bpf_obj_get_info_by_fd(map, &info, &length);

	if (error)
		return error;
	if (info.type != BPF_MAP_TYPE_XSKMAP)
		return -EINVAL;
	*id = info.id;
	*entries = info.max_entries;
	return 0;
}

int cxsk_program_has_map(uint32_t program, uint32_t map)
{
	uint32_t maps[MOST_MAPS];
	struct bpf_prog_info info = { .nr_map_ids = MOST_MAPS, .map_ids = (uint64_t)(uintptr_t)maps };
	uint32_t length = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(program);

	if (fd < 0)
		return fd;
	int error = bpf_obj_get_info_by_fd(fd, &info, &length);
	close(fd);
	if (error)
		return error;
	for (uint32_t i = 0; i < info.nr_map_ids && i < MOST_MAPS; i++)
		if (maps[i] == map)
			return 1;
	return 0;
}

int cxsk_link_detach(int link)
{
	return bpf_link_detach(link);
}
