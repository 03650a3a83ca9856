/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * The traffic generator's XDP program, run by BPF_PROG_TEST_RUN with live frames: each run writes the headers of one
 * frame and redirects it to a device.
 *
 * The kernel recycles the pages of live frames without restoring them, and whoever received a frame may have changed
 * it: all headers are written every time, and every value that varies is worked out from the template's, never from
 * what is in the frame.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define HEADER_BYTES 64
#define PORTS_BITS 14 /* flows of one source address; more flows take further source addresses */

/* The same layout is written by LiveFrameProgram.swift. Fields of the template are in host byte order. */
struct live_frames_config {
	__u32 ifindex;
	__u32 flows;
	__u16 family; /* 4, 6, or 0: nothing varies */
	__u16 tcp; /* else UDP */
	__u16 port; /* source port of flow 0 */
	__u16 address; /* last 16 bits of the source address of flow 0 */
	__u16 ip_checksum; /* of flow 0 */
	__u16 transport_checksum; /* of flow 0; 0 with UDP: not in use */
	__u32 interval_ps; /* picoseconds between frames, at most a millisecond; 0: none */
	__u8 header[HEADER_BYTES];
};

struct live_frames_state {
	__u64 sent;
	__u64 flow;
	__u64 due_ps; /* when the next frame may go */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct live_frames_config);
	__uint(max_entries, 1);
} config_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct live_frames_state);
	__uint(max_entries, 1);
} state_map SEC(".maps");

/* RFC 1624: `checksum` after two 16-bit fields that it covers have grown by these amounts, modulo 2^16. */
static __always_inline __u16 adjusted(__u16 checksum, __u16 old1, __u16 new1, __u16 old2, __u16 new2)
{
	__u32 sum = (__u16)~checksum;

	sum += (__u16)~old1;
	sum += new1;
	sum += (__u16)~old2;
	sum += new2;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

static __always_inline void put16(void *at, __u16 value)
{
	*(__u16 *)at = bpf_htons(value);
}

static __always_inline __u16 transport_checksum(const struct live_frames_config *config, __u16 port, __u16 address)
{
	__u16 value = adjusted(config->transport_checksum, config->port, port, config->address, address);

	return value || config->tcp ? value : 0xffff; /* zero means "none" in UDP */
}

static __always_inline void vary(void *data, void *end, const struct live_frames_config *config, __u32 flow)
{
	__u16 port = config->port + (flow & ((1 << PORTS_BITS) - 1));
	__u16 address = config->address + (flow >> PORTS_BITS);
	/* Ethernet 14; IPv4 20, checksum at 10, source ends at 16; IPv6 40, source ends at 24. */
	__u32 source_end = config->family == 4 ? 14 + 16 : 14 + 24;
	void *transport = data + (config->family == 4 ? 14 + 20 : 14 + 40);
	void *checksum = transport + (config->tcp ? 16 : 6);

	if (checksum + 2 > end || transport + 2 > end)
		return;
	if (config->family == 4)
		put16(data + 14 + 10, adjusted(config->ip_checksum, config->address, address, 0, 0));
	put16(data + source_end - 2, address);
	put16(transport, port);
	if (config->tcp || config->transport_checksum)
		put16(checksum, transport_checksum(config, port, address));
}

static long wait_step(__u32 step, void *due)
{
	return bpf_ktime_get_ns() >= *(__u64 *)due;
}

/*
 * Spins until the next frame is due: starting a run costs the kernel some 20 ms, so it can't be paced from outside.
 * A run that has fallen more than a millisecond behind does not make up for it.
 */
static __always_inline void pace(struct live_frames_state *state, __u32 interval_ps)
{
	__u64 now = bpf_ktime_get_ns(), due = state->due_ps / 1000;

	if (now > due + 1000000)
		state->due_ps = now * 1000;
	else if (now < due)
		bpf_loop(1 << 17, wait_step, &due, 0); /* bounded: a few milliseconds */
	state->due_ps += interval_ps;
}

SEC("xdp")
int live_frames(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 key = 0;
	struct live_frames_config *config = bpf_map_lookup_elem(&config_map, &key);
	struct live_frames_state *state = bpf_map_lookup_elem(&state_map, &key);

	if (!config || !state || data + HEADER_BYTES > end)
		return XDP_ABORTED;
	__builtin_memcpy(data, config->header, HEADER_BYTES);
	if (config->family) {
		__u64 flow = state->flow;

		if (flow >= config->flows)
			flow = 0;
		state->flow = flow + 1;
		vary(data, end, config, (__u32)flow);
	}
	if (config->interval_ps)
		pace(state, config->interval_ps);
	state->sent++;
	return bpf_redirect(config->ifindex, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
