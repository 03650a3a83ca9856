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
#define SHORTEST 60 /* bytes of the shortest frame: Ethernet's 64 without FCS */
#define PORTS_BITS 14 /* flows of one source address; more flows take further source addresses */
#define MAX_CLASSES 16
#define MAX_SCHEDULE 256
#define PROBE_BYTES 18 /* ProbePayload.swift */

/* Frames of one length. */
struct live_frames_class {
	__u16 length;
	__u16 ip_checksum; /* of flow 0 */
	__u16 transport_checksum; /* of flow 0, with a probe of zeros; 0 with UDP: not in use */
	__u16 unused;
	__u8 header[HEADER_BYTES];
};

/* The same layout is written by LiveFrameProgram.swift. Fields of the template are in host byte order. */
struct live_frames_config {
	__u64 window_ns; /* with an interval: frames that are not due so soon after the first are not sent; 0: all are */
	__u64 probe; /* the stream's number in the upper 16 bits, where probes have the sequence number below it */
	__u32 ifindex;
	__u32 flows;
	__u16 family; /* 4, 6, or 0: nothing varies */
	__u16 tcp; /* else UDP */
	__u16 port; /* source port of flow 0 */
	__u16 address; /* last 16 bits of the source address of flow 0 */
	__u32 interval_ps; /* picoseconds between frames, at most a millisecond; 0: none. Changed while it runs */
	__u16 probe_offset; /* 0: frames are no probes */
	__u16 time_every; /* every how many probes one has a time; 0: none */
	__u32 buffer_length; /* of the frames as the kernel hands them in: the longest class's */
	__u32 schedule_length; /* 1: always class 0 */
	__u8 schedule[MAX_SCHEDULE]; /* classes in turn */
	struct live_frames_class classes[MAX_CLASSES];
};

struct live_frames_state {
	__u64 sent;
	__u64 flow;
	__u64 due_ps; /* when the next frame may go */
	__u64 bytes;
	__u64 step; /* in the schedule */
	__u64 untimed; /* probes until the next that has a time */
	__u64 first_ns; /* when the first frame went */
	__u64 held_ns; /* how long it was kept from sending, moments that it made up for left out */
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

static __always_inline __u16 folded(__u64 sum)
{
	sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The 16-bit words of a number in network order, summed up. */
static __always_inline __u64 words(__u64 value)
{
	return (value >> 32) + (value & 0xffffffff);
}

static __always_inline void put16(void *at, __u16 value)
{
	*(__u16 *)at = bpf_htons(value);
}

static long wait_step(__u32 step, void *due)
{
	return bpf_ktime_get_ns() >= *(__u64 *)due;
}

/*
 * Spins until the next frame is due: starting a run costs the kernel some 20 ms, so it can't be paced from outside.
 * A run that has fallen more than a millisecond behind does not make up for it. False: the window is over.
 */
static __always_inline int pace(struct live_frames_state *state, __u32 interval_ps, __u64 window_ns)
{
	__u64 now = bpf_ktime_get_ns(), due = state->due_ps / 1000;

	if (!state->first_ns) {
		state->first_ns = now;
		state->due_ps = now * 1000;
		due = now;
	}
	if (window_ns && now - state->first_ns >= window_ns)
		return 0;
	if (now > due + 1000000) {
		state->held_ns += now - due;
		state->due_ps = now * 1000;
	} else if (now < due) {
		bpf_loop(1 << 17, wait_step, &due, 0); /* bounded: a few milliseconds */
	}
	state->due_ps += interval_ps;
	return 1;
}

/*
 * Flow, probe and checksums (RFC 1624: a checksum after fields that it covers have changed). Ethernet has 14 bytes;
 * IPv4 20, its checksum at 10, its source ending at 16; IPv6 40, its source ending at 24.
 */
static __always_inline void vary(void *data, void *end, const struct live_frames_config *config,
				 const struct live_frames_class *class, __u32 flow,
				 struct live_frames_state *state)
{
	__u16 port = config->port + (flow & ((1 << PORTS_BITS) - 1));
	__u16 address = config->address + (flow >> PORTS_BITS);
	__u64 change = (__u64)(__u16)~config->port + port + (__u16)~config->address + address;
	__u64 sum = (__u16)~class->transport_checksum + change;
	void *transport = data + (config->family == 4 ? 14 + 20 : 14 + 40);
	void *checksum = transport + (config->tcp ? 16 : 6);
	__u32 offset = config->probe_offset & 127;

	if (checksum + 2 > end || transport + 2 > end)
		return;
	if (offset) {
		void *probe = data + offset;
		__u64 first = config->probe | (state->sent & 0xffffffffffff);
		__u64 time = 0;

		if (probe + PROBE_BYTES > end)
			return;
		if (state->untimed) {
			state->untimed--;
		} else if (config->time_every) {
			state->untimed = config->time_every - 1;
			time = bpf_ktime_get_ns();
		}
		*(__u64 *)(probe + 2) = bpf_cpu_to_be64(first);
		*(__u64 *)(probe + 10) = bpf_cpu_to_be64(time);
		sum += words(first) + words(time);
	}
	if (config->family == 4) {
		put16(data + 14 + 10, ~folded((__u64)(__u16)~class->ip_checksum + (__u16)~config->address + address));
		put16(data + 14 + 16 - 2, address);
	} else {
		put16(data + 14 + 24 - 2, address);
	}
	put16(transport, port);
	if (config->tcp || class->transport_checksum) {
		__u16 value = ~folded(sum);

		put16(checksum, value || config->tcp ? value : 0xffff); /* zero means "none" in UDP */
	}
}

SEC("xdp")
int live_frames(struct xdp_md *ctx)
{
	__u32 key = 0, class_index = 0;
	struct live_frames_config *config = bpf_map_lookup_elem(&config_map, &key);
	struct live_frames_state *state = bpf_map_lookup_elem(&state_map, &key);

	if (!config || !state)
		return XDP_ABORTED;
	if (config->interval_ps && !pace(state, config->interval_ps, config->window_ns))
		return XDP_DROP;
	if (config->schedule_length > 1) {
		__u64 step = state->step;

		if (step >= config->schedule_length)
			step = 0;
		state->step = step + 1;
		class_index = config->schedule[step & (MAX_SCHEDULE - 1)] & (MAX_CLASSES - 1);
	}
	struct live_frames_class *class = &config->classes[class_index];
	/* The kernel gives each frame its full length back before the next run. */
	if (class->length != config->buffer_length &&
	    bpf_xdp_adjust_tail(ctx, (int)class->length - (int)config->buffer_length))
		return XDP_ABORTED;
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + SHORTEST > end)
		return XDP_ABORTED;
	__builtin_memcpy(data, class->header, SHORTEST);
	if (data + HEADER_BYTES <= end)
		__builtin_memcpy(data + SHORTEST, class->header + SHORTEST, HEADER_BYTES - SHORTEST);
	if (config->family) {
		__u64 flow = state->flow;

		if (flow >= config->flows)
			flow = 0;
		state->flow = flow + 1;
		vary(data, end, config, class, (__u32)flow, state);
	}
	state->sent++;
	state->bytes += class->length;
	return bpf_redirect(config->ifindex, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
