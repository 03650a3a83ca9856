/*
 * DPDK's librte_gro on the packets of `xskbench gro`: the peer that is measured beside it, in the same run.
 *
 * Commands come on standard input, a line each, and every line is answered with one:
 *
 *     load PATH                   the packets: burst, count, then of each packet its length and its bytes (32-bit numbers)
 *     run SET PACKETS AHEAD       SET: hot or cold-header; AHEAD: packets that headers are prefetched ahead
 *
 * Timed are rte_net_get_ptype, the lengths that GRO needs, and rte_gro_reassemble_burst. Making mbufs ready and writing the
 * packets, which a driver and a NIC do, is not timed; so mbufs are always in the cache. No ring is touched and nothing freed.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include <rte_eal.h>
#include <rte_gro.h>
#include <rte_mbuf.h>
#include <rte_net.h>
#include <rte_version.h>

enum {
	HOT_FRAMES = 256,	/* as many as xskbench has in its rings */
	COLD_FRAMES = 32768,
	SECTION = 128,
	HEAD_BYTES = 64,	/* the cache line that has all headers: payload is never read */
	MAX_PACKETS = 65536,
};

struct packet {
	uint32_t length;
	uint32_t head_length;
	/* One behind the other, so that copying them leaves the caches alone. */
	uint8_t *head;
};

static struct packet packets[MAX_PACKETS];
static uint32_t packet_count, burst_size;
static uint8_t *heads;
static struct rte_mbuf *frames[COLD_FRAMES];

static void fail(const char *what)
{
	fprintf(stderr, "gro-peer: %s\n", what);
	exit(2);
}

static uint32_t word(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static void load(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes;
	long size;
	size_t at = 8;

	if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) < 8 || fseek(file, 0, SEEK_SET))
		fail("the file of packets can't be read");
	bytes = malloc(size);
	if (!bytes || fread(bytes, 1, size, file) != (size_t)size)
		fail("the file of packets can't be read");
	fclose(file);
	burst_size = word(bytes);
	packet_count = word(bytes + 4);
	if (packet_count == 0 || packet_count > MAX_PACKETS || burst_size == 0 || SECTION % burst_size != 0)
		fail("the file of packets is not one of xskbench");
	free(heads);
	heads = aligned_alloc(64, (size_t)packet_count * HEAD_BYTES);
	if (!heads)
		fail("there is no memory for the packets");
	for (uint32_t i = 0; i < packet_count; i++) {
		if (at + 4 > (size_t)size || at + 4 + word(bytes + at) > (size_t)size)
			fail("the file of packets ends early");
		packets[i].length = word(bytes + at);
		packets[i].head_length = packets[i].length < HEAD_BYTES ? packets[i].length : HEAD_BYTES;
		packets[i].head = heads + (size_t)i * HEAD_BYTES;
		memcpy(packets[i].head, bytes + at + 4, packets[i].head_length);
		at += 4 + packets[i].length;
	}
	free(bytes);
	printf("{\"packets\":%u}\n", packet_count);
}

/* What a driver does with a packet that has been received. */
static void receive(struct rte_mbuf *mbuf, const struct packet *packet, int evict)
{
	uint8_t *data;

	rte_pktmbuf_reset(mbuf);
	mbuf->data_len = packet->length;
	mbuf->pkt_len = packet->length;
	data = rte_pktmbuf_mtod(mbuf, uint8_t *);
	memcpy(data, packet->head, packet->head_length);
	if (!evict)
		return;
	_mm_clflush(data);
	_mm_mfence();
}

static uint16_t reassemble(struct rte_mbuf **burst, uint16_t count, uint32_t ahead)
{
	const struct rte_gro_param parameters = {
		.gro_types = RTE_GRO_TCP_IPV4 | RTE_GRO_UDP_IPV4,
		.max_flow_num = count,
		.max_item_per_flow = count,
	};
	struct rte_net_hdr_lens lengths;

	for (uint32_t i = 0; i < ahead && i < count; i++)
		rte_prefetch0(rte_pktmbuf_mtod(burst[i], void *));
	for (uint32_t i = 0; i < count; i++) {
		if (ahead && i + ahead < count)
			rte_prefetch0(rte_pktmbuf_mtod(burst[i + ahead], void *));
		burst[i]->packet_type = rte_net_get_ptype(burst[i], &lengths, RTE_PTYPE_ALL_MASK);
		burst[i]->l2_len = lengths.l2_len;
		burst[i]->l3_len = lengths.l3_len;
		burst[i]->l4_len = lengths.l4_len;
	}
	return rte_gro_reassemble_burst(burst, count, &parameters);
}

static void run(const char *set, uint64_t wanted, uint32_t ahead)
{
	const int cold = strcmp(set, "cold-header") == 0;
	const uint32_t depth = cold ? COLD_FRAMES : HOT_FRAMES;
	uint64_t cycles = 0, done = 0, units = 0;
	uint32_t next = 0, frame = 0;

	if (packet_count == 0)
		fail("run before load");
	while (done < wanted) {
		struct rte_mbuf *section[SECTION];
		unsigned int core;
		uint64_t start;

		for (uint32_t i = 0; i < SECTION; i++) {
			section[i] = frames[frame];
			receive(section[i], &packets[next], cold);
			frame = frame + 1 == depth ? 0 : frame + 1;
			next = next + 1 == packet_count ? 0 : next + 1;
		}
		_mm_mfence();
		start = __rdtscp(&core);
		_mm_lfence();
		for (uint32_t i = 0; i < SECTION; i += burst_size)
			units += reassemble(section + i, burst_size, ahead);
		cycles += __rdtscp(&core) - start;
		_mm_lfence();
		done += SECTION;
	}
	printf("{\"cycles_per_packet\":%.3f,\"packets\":%lu,\"units\":%lu}\n", (double)cycles / done, done, units);
}

int main(int count, char **arguments)
{
	const char *cpu = count == 3 && strcmp(arguments[1], "-l") == 0 ? arguments[2] : "0";
	char *eal[] = {
		arguments[0], "-l", (char *)cpu, "--no-huge", "-m", "256", "--no-pci", "--no-telemetry",
		"--log-level=error",
	};
	char line[4096], text[4096];
	unsigned long wanted;
	unsigned int ahead;
	struct rte_mempool *pool;

	if (rte_eal_init(sizeof(eal) / sizeof(eal[0]), eal) < 0)
		fail("DPDK's environment could not be set up");
	pool = rte_pktmbuf_pool_create("frames", COLD_FRAMES, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!pool)
		fail("there is no memory for the frames");
	for (int i = 0; i < COLD_FRAMES; i++)
		frames[i] = rte_pktmbuf_alloc(pool);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("{\"peer\":\"librte_gro\",\"version\":\"%s\"}\n", rte_version());
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "load %4095s", text) == 1)
			load(text);
		else if (sscanf(line, "run %4095s %lu %u", text, &wanted, &ahead) == 3)
			run(text, wanted, ahead);
		else
			fail("unknown command on standard input");
	}
	return 0;
}
