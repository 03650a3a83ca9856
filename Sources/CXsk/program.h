/* What program.c and pin.c share: an opened program. */
#pragma once

#include <xdp/libxdp.h>

struct cxsk_program {
	struct bpf_object *object;
	struct bpf_program *function;
	struct xdp_program *shared; /* set when attached through libxdp */
	int ifindex;
	enum xdp_attach_mode mode;
	int link; /* −1 when there is none */
};
