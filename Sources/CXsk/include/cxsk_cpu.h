/*
 * Instructions that Swift has no spelling for.
 */
#pragma once

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
