/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * No program: the tables that all ports of an engine share. They live as long as the engine, whatever becomes of the
 * programs on single devices, and so do the counters in them.
 */
#include <linux/bpf.h>

#include "xsk_policy_maps.h"

char _license[] SEC("license") = "Dual BSD/GPL";
