/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * All that the engine's program is told before it is loaded: its read-only data. The verifier knows these values, and
 * removes the code, and with it the tables, of everything that is not asked for.
 */
#pragma once

#include "xsk_metadata.h"
#include "xsk_policy.h"

struct xsk_program_settings {
	struct xsk_metadata_settings metadata; /* length 0: none is written */
	struct xsk_policy_settings policy;
};
