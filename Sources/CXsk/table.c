#define _GNU_SOURCE
#include "CXsk.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int cxsk_table_set(int map, const void *key, const void *value, enum cxsk_table_change change)
{
	static const uint64_t flags[] = {
		[CXSK_TABLE_PUT] = BPF_ANY,
		[CXSK_TABLE_ADD] = BPF_NOEXIST,
		[CXSK_TABLE_REWRITE] = BPF_EXIST | BPF_F_LOCK,
	};

	return bpf_map_update_elem(map, key, value, flags[change]);
}

int cxsk_table_remove(int map, const void *key)
{
	return bpf_map_delete_elem(map, key);
}

int cxsk_table_sum(int map, uint32_t element, uint64_t *first, uint64_t *second)
{
	/* The kernel writes a value for each CPU that there could be. */
	int cpus = libbpf_num_possible_cpus();
	struct {
		uint64_t first, second;
	} *values;

	if (cpus < 0)
		return cpus;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	int error = bpf_map_lookup_elem(map, &element, values);
	*first = *second = 0;
	for (int cpu = 0; !error && cpu < cpus; cpu++) {
		*first += values[cpu].first;
		*second += values[cpu].second;
	}
	free(values);
	return error;
}

static int make_inner(void)
{
	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "xsk_fence_inner", sizeof(uint32_t), sizeof(uint32_t), 1, NULL);
}

int cxsk_fence_open(void)
{
	int inner = make_inner();
	if (inner < 0)
		return inner;
	LIBBPF_OPTS(bpf_map_create_opts, options, .inner_map_fd = (uint32_t)inner);
	int fence = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "xsk_fence", sizeof(uint32_t), sizeof(uint32_t), 1,
				   &options);
	close(inner);
	return fence;
}

int cxsk_fence_wait(int fence)
{
	uint32_t place = 0;
	int inner = make_inner();
	if (inner < 0)
		return inner;
	int error = bpf_map_update_elem(fence, &place, &inner, BPF_ANY);
	close(inner);
	return error;
}

int cxsk_coarse_time_is_there(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_ktime_get_coarse_ns, NULL);
}
