#include "CCaptures.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

_Static_assert(CCAPTURES_MESSAGE == PCAP_ERRBUF_SIZE, "libpcap writes that much");

static FILE *stream(int fd, const char *mode, char *message)
{
	FILE *file = fdopen(fd, mode);

	if (file == NULL) {
		snprintf(message, CCAPTURES_MESSAGE, "%s", strerror(errno));
		close(fd);
	}
	return file;
}

struct pcap *ccaptures_open(int fd, char *message)
{
	FILE *file = stream(fd, "rb", message);

	if (file == NULL)
		return NULL;
	pcap_t *reader = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, message);
	if (reader == NULL)
		fclose(file); /* it closes the file only of a capture that it opened */
	return reader;
}

int ccaptures_link_type(struct pcap *reader)
{
	return pcap_datalink(reader);
}

const char *ccaptures_link_name(int type)
{
	return pcap_datalink_val_to_name(type);
}

int ccaptures_next(struct pcap *reader, struct ccaptures_record *record, const uint8_t **bytes)
{
	struct pcap_pkthdr *header;
	const u_char *data;

	errno = 0;
	switch (pcap_next_ex(reader, &header, &data)) {
	case 1:
		/* libpcap takes what the record says, be it more than a second. */
		if (header->ts.tv_usec < 0 || header->ts.tv_usec > 999999999)
			return CCAPTURES_BAD_TIME;
		/* A pcap file has 32 bits without a sign, which libpcap takes as signed: after 2038 they come out negative. */
		record->seconds = header->ts.tv_sec < 0 ? (int64_t)(uint32_t)header->ts.tv_sec : header->ts.tv_sec;
		record->nanoseconds = (uint32_t)header->ts.tv_usec;
		record->length = header->len;
		record->captured = header->caplen;
		*bytes = data;
		return 1;
	case PCAP_ERROR_BREAK:
		return 0;
	default:
		return -1;
	}
}

const char *ccaptures_message(struct pcap *reader)
{
	return pcap_geterr(reader);
}

void ccaptures_close(struct pcap *reader)
{
	pcap_close(reader);
}

struct pcap_dumper *ccaptures_create(int fd, int link_type, char *message)
{
	FILE *file = stream(fd, "wb", message);

	if (file == NULL)
		return NULL;
	pcap_t *kind =
		pcap_open_dead_with_tstamp_precision(link_type, CCAPTURES_SNAPLEN, PCAP_TSTAMP_PRECISION_NANO);
	pcap_dumper_t *writer = NULL;
	if (kind == NULL) {
		snprintf(message, CCAPTURES_MESSAGE, "out of memory");
	} else {
		writer = pcap_dump_fopen(kind, file);
		if (writer == NULL)
			snprintf(message, CCAPTURES_MESSAGE, "%s", pcap_geterr(kind));
		pcap_close(kind);
	}
	if (kind == NULL)
		fclose(file); /* pcap_dump_fopen closes it when the header can't be written */
	return writer;
}

int ccaptures_write(struct pcap_dumper *writer, const struct ccaptures_record *record, const uint8_t *bytes)
{
	struct pcap_pkthdr header;

	memset(&header, 0, sizeof(header));
	header.ts.tv_sec = record->seconds;
	header.ts.tv_usec = record->nanoseconds;
	header.len = record->length;
	header.caplen = record->captured;
	errno = 0;
	pcap_dump((u_char *)writer, &header, bytes ? bytes : (const u_char *)"");
	/* pcap_dump says nothing of failures; the stream remembers them. */
	if (ferror(pcap_dump_file(writer)))
		return errno ? -errno : -EIO;
	return 0;
}

int ccaptures_flush(struct pcap_dumper *writer)
{
	errno = 0;
	if (pcap_dump_flush(writer) == 0 && !ferror(pcap_dump_file(writer)))
		return 0;
	return errno ? -errno : -EIO;
}

void ccaptures_finish(struct pcap_dumper *writer)
{
	pcap_dump_close(writer);
}

_Static_assert(sizeof(struct ccaptures_instruction) == sizeof(struct bpf_insn), "the same eight bytes");

int ccaptures_compile(
	const char *expression, int snap_length, struct ccaptures_instruction *instructions, int room, char *message)
{
	pcap_t *kind = pcap_open_dead(CCAPTURES_ETHERNET, snap_length);
	struct bpf_program program;
	int count = -1;

	if (kind == NULL) {
		snprintf(message, CCAPTURES_MESSAGE, "out of memory");
		return -1;
	}
	if (pcap_compile(kind, &program, expression, 1, PCAP_NETMASK_UNKNOWN)) {
		snprintf(message, CCAPTURES_MESSAGE, "%s", pcap_geterr(kind));
	} else {
		count = (int)program.bf_len;
		memcpy(instructions, program.bf_insns, sizeof(*instructions) * (size_t)(count < room ? count : room));
		pcap_freecode(&program);
	}
	pcap_close(kind);
	return count;
}

int ccaptures_matches(
	const struct ccaptures_instruction *instructions, const uint8_t *packet, uint32_t length, uint32_t captured)
{
	return bpf_filter((const struct bpf_insn *)instructions, packet, length, captured) != 0;
}

uint32_t ccaptures_crc32(uint32_t crc, const void *bytes, size_t count)
{
	/* For NULL zlib answers the CRC of nothing, whatever it was given. */
	return bytes == NULL ? crc : (uint32_t)crc32_z(crc, bytes, count);
}
