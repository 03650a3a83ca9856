/*
 * A key's place in a cache line of sorted keys. In C because Swift has no name for the vector instructions that make it
 * three compares instead of seven: of a comparison's result Swift can't take the bits (movmskps, pmovmskb).
 */
#pragma once

#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/*
 * How many of the 7 keys that a line begins with are less than `key`; the eighth is INT32_MAX. Keys are signed here: an
 * unsigned key has its top bit flipped.
 */
static inline unsigned cxsk_keys_below(const uint32_t *line, int32_t key)
{
#if defined(__SSE2__)
	__m128i wanted = _mm_set1_epi32(key);
	__m128i low = _mm_cmpgt_epi32(wanted, _mm_load_si128((const __m128i *)(const void *)line));
	__m128i high = _mm_cmpgt_epi32(wanted, _mm_load_si128((const __m128i *)(const void *)(line + 4)));
	/* Two bits a key; keys are in order, so the bits that are set are the lowest. Bit 16 ends the search. */
	unsigned bits = (unsigned)_mm_movemask_epi8(_mm_packs_epi32(low, high));
	return (unsigned)__builtin_ctz(~bits) >> 1;
#else
	unsigned count = 0;
	for (int place = 0; place < 7; place++)
		count += (int32_t)line[place] < key;
	return count;
#endif
}
