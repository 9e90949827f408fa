// SPDX-License-Identifier: GPL-2.0
/* The program that people copy, as it is. */
#include "../../../../bpf/cgroup_stat/knob.bpf.c"
