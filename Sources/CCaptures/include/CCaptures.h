/*
 * CCaptures: libpcap and zlib's CRC-32, as much of them as `Captures` calls. Their own headers stay behind this one:
 * <pcap/pcap.h> includes <sys/socket.h>, which Swift's Glibc module has, too.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* libpcap's own handles: pcap_t and pcap_dumper_t. */
struct pcap;
struct pcap_dumper;

/* A link type as captures name it (LINKTYPE_…), or as libpcap numbers raw IP on other systems. */
enum {
	CCAPTURES_ETHERNET = 1,
	CCAPTURES_RAW_HERE = 12,
	CCAPTURES_RAW_OPENBSD = 14,
	CCAPTURES_RAW = 101,
	CCAPTURES_IPV4 = 228,
	CCAPTURES_IPV6 = 229,
};

/* Bytes of a message's buffer (PCAP_ERRBUF_SIZE), and the most bytes of one packet that libpcap reads or writes
 * (its MAXIMUM_SNAPLEN). */
enum { CCAPTURES_MESSAGE = 256, CCAPTURES_SNAPLEN = 262144 };

enum { CCAPTURES_BAD_TIME = -2 };

struct ccaptures_record {
	int64_t seconds;
	uint32_t nanoseconds;
	/* Bytes of the packet when it was captured, and how many of them are in the file. */
	uint32_t length;
	uint32_t captured;
};

/* Opens a capture, pcap or pcapng, whose time stamps come as nanoseconds. Takes `fd` over, also when it fails: then NULL,
 * and `message` says why. */
struct pcap *_Nullable ccaptures_open(int fd, char *_Nonnull message);
int ccaptures_link_type(struct pcap *_Nonnull reader);
/* libpcap's name of a link type, such as LINUX_SLL; NULL if it has none. */
const char *_Nullable ccaptures_link_name(int type);
/* The next packet: 1, and its bytes are valid until the next call; 0 at the end; -1 if the capture is damaged, and
 * CCAPTURES_BAD_TIME if the packet's time stamp has a fraction of a second or more. */
int ccaptures_next(
	struct pcap *_Nonnull reader, struct ccaptures_record *_Nonnull record,
	const uint8_t *_Nullable *_Nonnull bytes);
const char *_Nonnull ccaptures_message(struct pcap *_Nonnull reader);
void ccaptures_close(struct pcap *_Nonnull reader);

/* Begins a capture (pcap, nanoseconds) in `fd`, which it takes over, also when it fails. */
struct pcap_dumper *_Nullable ccaptures_create(int fd, int link_type, char *_Nonnull message);
/* Adds a packet; `bytes` may be NULL if it has none. 0, or the negative errno of a failed write. */
int ccaptures_write(
	struct pcap_dumper *_Nonnull writer, const struct ccaptures_record *_Nonnull record,
	const uint8_t *_Nullable bytes);
int ccaptures_flush(struct pcap_dumper *_Nonnull writer);
/* Closes the file. Call ccaptures_flush first to learn whether all could be written. */
void ccaptures_finish(struct pcap_dumper *_Nonnull writer);

/* An instruction of classic BPF (struct bpf_insn). */
struct ccaptures_instruction {
	uint16_t code;
	uint8_t jump_true;
	uint8_t jump_false;
	uint32_t operand;
};

/* Compiles a filter expression for Ethernet. The number of instructions, of which the first `room` are written; -1, and
 * `message` says why. */
int ccaptures_compile(
	const char *_Nonnull expression, int snap_length, struct ccaptures_instruction *_Nonnull instructions, int room,
	char *_Nonnull message);
/* Whether a program matches a packet, as libpcap runs it (bpf_filter): for tests of whoever runs it otherwise. */
int ccaptures_matches(
	const struct ccaptures_instruction *_Nonnull instructions, const uint8_t *_Nonnull packet, uint32_t length,
	uint32_t captured);

/* CRC-32 (IEEE 802.3) of `count` bytes that follow those whose CRC is `crc`; of nothing it is 0. */
uint32_t ccaptures_crc32(uint32_t crc, const void *_Nullable bytes, size_t count);
