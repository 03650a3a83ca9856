#define _GNU_SOURCE
#include "CXsk.h"
#include "program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#ifndef BPF_F_XDP_DEV_BOUND_ONLY /* 6.3: the program uses a device's functions, but runs on the CPU */
#define BPF_F_XDP_DEV_BOUND_ONLY (1U << 6)
#endif

/* Both libraries print to standard error by default; a library of ours must not. */
static _Thread_local char log_text[2048];

static void log_append(const char *format, va_list arguments)
{
	size_t used = strlen(log_text);

	vsnprintf(log_text + used, sizeof(log_text) - used, format, arguments);
}

static int log_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN)
		log_append(format, arguments);
	return 0;
}

static int log_libxdp(enum libxdp_print_level level, const char *format, va_list arguments)
{
	if (level == LIBXDP_WARN)
		log_append(format, arguments);
	return 0;
}

static void log_set_up(void)
{
	libbpf_set_print(log_libbpf);
	libxdp_set_print(log_libxdp);
}

static void log_begin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, log_set_up);
	log_text[0] = 0;
}

const char *cxsk_program_log(void)
{
	return log_text;
}

struct cxsk_program *cxsk_program_open(const void *image, size_t size, const char *function, int *error)
{
	struct cxsk_program *program = calloc(1, sizeof(*program));

	log_begin();
	*error = -ENOMEM;
	if (!program)
		return NULL;
	program->link = -1;
	program->object = bpf_object__open_mem(image, size, NULL);
	if (!program->object) {
		*error = -errno;
		free(program);
		return NULL;
	}
	if (!function)
		return program;
	program->function = bpf_object__find_program_by_name(program->object, function);
	if (!program->function) {
		*error = -ENOENT;
		cxsk_program_close(program);
		return NULL;
	}
	bpf_program__set_type(program->function, BPF_PROG_TYPE_XDP);
	return program;
}

int cxsk_program_resize_map(struct cxsk_program *program, const char *name, uint32_t entries)
{
	struct bpf_map *map = bpf_object__find_map_by_name(program->object, name);

	return map ? bpf_map__set_max_entries(map, entries) : -ENOENT;
}

int cxsk_program_share_map(struct cxsk_program *program, const char *name, int fd)
{
	struct bpf_map *map = bpf_object__find_map_by_name(program->object, name);

	if (!map)
		return -ENOENT;
	return fd < 0 ? bpf_map__set_autocreate(map, false) : bpf_map__reuse_fd(map, fd);
}

int cxsk_program_set_constants(struct cxsk_program *program, const void *data, size_t size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(program->object, ".rodata");

	return map ? bpf_map__set_initial_value(map, data, size) : -ENOENT;
}

int cxsk_program_bind_device(struct cxsk_program *program, int ifindex)
{
	bpf_program__set_ifindex(program->function, (uint32_t)ifindex);
	return bpf_program__set_flags(program->function,
				      bpf_program__flags(program->function) | BPF_F_XDP_DEV_BOUND_ONLY);
}

int cxsk_program_load(struct cxsk_program *program)
{
	log_begin();
	return bpf_object__load(program->object);
}

int cxsk_program_attach_link(struct cxsk_program *program, int ifindex, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);

	log_begin();
	int link = bpf_link_create(bpf_program__fd(program->function), ifindex, BPF_XDP, &options);
	if (link < 0)
		return link;
	program->link = link;
	return 0;
}

int cxsk_program_attach_shared(struct cxsk_program *program, int ifindex, int generic)
{
	enum xdp_attach_mode mode = generic ? XDP_MODE_SKB : XDP_MODE_NATIVE;

	log_begin();
	struct xdp_program *shared =
		xdp_program__from_bpf_obj(program->object, bpf_program__section_name(program->function));
	long error = libxdp_get_error(shared);
	if (error)
		return (int)error;
	/* Frags support is asked for by the section's name where the program is loaded alone; here libxdp must know. */
	error = xdp_program__attach(shared, ifindex, mode, 0);
	if (error) {
		xdp_program__close(shared);
		return (int)error;
	}
	program->shared = shared;
	program->ifindex = ifindex;
	program->mode = mode;
	return 0;
}

void cxsk_program_detach(struct cxsk_program *program)
{
	if (program->link >= 0) {
		/* Closing alone is not enough: a child process between fork and exec holds the descriptor a moment longer. */
		bpf_link_detach(program->link);
		close(program->link);
	}
	program->link = -1;
	if (program->shared) {
		xdp_program__detach(program->shared, program->ifindex, program->mode, 0);
		xdp_program__close(program->shared);
		program->shared = NULL;
	}
}

void cxsk_program_close(struct cxsk_program *program)
{
	cxsk_program_detach(program);
	bpf_object__close(program->object);
	free(program);
}

int cxsk_program_map(const struct cxsk_program *program, const char *map)
{
	return bpf_object__find_map_fd_by_name(program->object, map);
}

int cxsk_map_set(int map, uint32_t key, uint32_t value)
{
	return bpf_map_update_elem(map, &key, &value, BPF_ANY);
}

int cxsk_map_delete(int map, uint32_t key)
{
	return bpf_map_delete_elem(map, &key);
}

/* Runs `return bpf_xdp_adjust_meta(ctx, -length)` on a packet of zeros. */
int cxsk_metadata_is_accepted(uint32_t length)
{
	const struct bpf_insn program[] = {
		/* r1 is the context. */
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = -(int32_t)length },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_xdp_adjust_meta },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const uint8_t packet[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof(packet), .repeat = 1);

	log_begin();
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "xsk_probe", "Dual BSD/GPL", program,
			       sizeof(program) / sizeof(program[0]), NULL);
	if (fd < 0)
		return fd;
	int error = bpf_prog_test_run_opts(fd, &options);
	close(fd);
	return error ? error : options.retval == 0;
}

int cxsk_program_link(uint32_t program, uint32_t *link)
{
	uint32_t id = 0;
	int error;

	log_begin();
	while ((error = bpf_link_get_next_id(id, &id)) == 0) {
		struct bpf_link_info info = { 0 };
		uint32_t length = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue; /* gone meanwhile */
		error = bpf_obj_get_info_by_fd(fd, &info, &length);
		close(fd);
		if (error || info.type != BPF_LINK_TYPE_XDP || info.prog_id != program)
			continue;
		*link = id;
		return 0;
	}
	return error;
}

int cxsk_attached_program(int ifindex, uint32_t *id, uint8_t *mode)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	log_begin();
	int error = bpf_xdp_query(ifindex, 0, &query);
	if (error)
		return error;
	*mode = query.attach_mode;
	*id = query.prog_id ? query.prog_id : query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
	return 0;
}
