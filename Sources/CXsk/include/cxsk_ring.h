/*
 * The memory ordering of AF_XDP's rings (include/uapi/linux/if_xdp.h; net/xdp/xsk_queue.h).
 *
 * One side writes entries and then releases the producer index; the other acquires the producer index, reads entries,
 * and then releases the consumer index. Swift's Atomic type can't be laid over memory that the kernel maps, so these
 * few accessors are C; all are inlined, and on x86 each is one plain mov.
 */
#pragma once

#include <stdint.h>

static inline uint32_t cxsk_load_acquire(const uint32_t *_Nonnull index)
{
	return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static inline uint32_t cxsk_load_relaxed(const uint32_t *_Nonnull index)
{
	return __atomic_load_n(index, __ATOMIC_RELAXED);
}

static inline void cxsk_store_release(uint32_t *_Nonnull index, uint32_t value)
{
	__atomic_store_n(index, value, __ATOMIC_RELEASE);
}

static inline void cxsk_store_relaxed(uint32_t *_Nonnull index, uint32_t value)
{
	__atomic_store_n(index, value, __ATOMIC_RELAXED);
}

/* Keeps what a counter page's writer changes between its two sequence numbers between them (see CounterPageMemory). */
static inline void cxsk_full_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/*
 * Counters of the counter page have one writer and any number of readers in other processes: a relaxed load and store
 * is enough (an atomic add would lock the bus for every packet), and no reader sees a torn value.
 */
static inline uint64_t cxsk_counter_load(const uint64_t *_Nonnull counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static inline void cxsk_counter_store(uint64_t *_Nonnull counter, uint64_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

static inline void cxsk_counter_store_release(uint64_t *_Nonnull counter, uint64_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELEASE);
}

static inline uint64_t cxsk_counter_load_acquire(const uint64_t *_Nonnull counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}
