/*
 * Instructions that Swift has no spelling for.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

/* The processor's time-stamp counter: constant rate, not core clock cycles. Not ordered with the code around it. */
static inline uint64_t cxsk_timestamp(void)
{
#if defined(__x86_64__)
	return __rdtsc();
#elif defined(__aarch64__)
	uint64_t value;
	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
	return value;
#endif
}

/* As cxsk_timestamp(), after everything before it has been executed: for measuring. */
static inline uint64_t cxsk_timestamp_ordered(void)
{
#if defined(__x86_64__)
	unsigned int processor;
	uint64_t value = __rdtscp(&processor);
	_mm_lfence();
	return value;
#elif defined(__aarch64__)
	uint64_t value;
	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value) : : "memory");
	return value;
#endif
}

/* Waits until everything written before is in the cache or in memory, so that what comes next is not measured with it. */
static inline void cxsk_finish_writes(void)
{
#if defined(__x86_64__)
	_mm_mfence();
#elif defined(__aarch64__)
	__asm__ volatile("dsb sy" : : : "memory");
#endif
}

/* Asks for the cache line of `address`; never faults, whatever the address. */
static inline void cxsk_prefetch(const void *_Nullable address)
{
	__builtin_prefetch(address, 0, 3);
}

/* Tells the core that this is a spin loop. */
static inline void cxsk_spin_hint(void)
{
#if defined(__x86_64__)
	_mm_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Writes the cache lines of `length` bytes back to memory and evicts them from every cache level: for measuring what comes
 * from memory. */
static inline void cxsk_evict(const void *_Nonnull address, size_t length)
{
	const char *line = (const char *)((uintptr_t)address & ~(uintptr_t)63);
	const char *end = (const char *)address + length;

	for (; line < end; line += 64) {
#if defined(__x86_64__)
		_mm_clflush(line);
#elif defined(__aarch64__)
		__asm__ volatile("dc civac, %0" : : "r"(line) : "memory");
#endif
	}
	cxsk_finish_writes();
}
