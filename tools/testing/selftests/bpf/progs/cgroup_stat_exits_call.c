// SPDX-License-Identifier: GPL-2.0
/*
 * An update of cgroup_stat_exits.c that uses the same maps. It answers by a tail call,
 * and has other types, so that ids in its BTF differ.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#define ENOENT	2

struct call_map {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int (struct bpf_cgroup_stat_ctx *ctx));
};

extern struct call_map calls;

/* The first program of the object is the one that bpftool attaches. */
SEC("cgroup/stat")
int call_exits(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_tail_call(ctx, &calls, 0);
	return -ENOENT;
}

#include "cgroup_stat_exits.c"

struct call_map calls SEC(".maps") = {
	.values = { [0] = (void *)&exits },
};
