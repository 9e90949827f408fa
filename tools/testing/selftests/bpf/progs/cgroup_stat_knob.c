// SPDX-License-Identifier: GPL-2.0
/* The example program itself, to be tested as it is. */
#include "../../../../bpf/cgroup_stat/knob.bpf.c"
