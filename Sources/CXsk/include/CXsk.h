/*
 * CXsk: the C boundary of swift-xsk. One header per concern; see each for why it exists.
 */
#pragma once

#include "../bpf/xsk_settings.h"
#include "cxsk_abi.h"
#include "cxsk_cpu.h"
#include "cxsk_device.h"
#include "cxsk_handover.h"
#include "cxsk_keys.h"
#include "cxsk_lab.h"
#include "cxsk_neighbour.h"
#include "cxsk_operations.h"
#include "cxsk_pin.h"
#include "cxsk_program.h"
#include "cxsk_ring.h"
#include "cxsk_spawn.h"
#include "cxsk_system.h"
#include "cxsk_tap.h"
#include "cxsk_table.h"
