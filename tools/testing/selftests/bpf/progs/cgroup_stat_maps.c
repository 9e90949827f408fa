// SPDX-License-Identifier: GPL-2.0
/*
 * For test_bpftool_cgroup_stat.sh: a stat program whose maps can't be reused by an
 * update. One has the name of a map of knob.bpf.c, but another type. The names of two
 * are equal after the kernel has truncated them. All of them count reads.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#define ENOENT	2

struct counter {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
};

struct counter knobs SEC(".maps");
struct counter a_counter_of_reads SEC(".maps");
struct counter a_counter_of_reads_too SEC(".maps");

static int count(struct bpf_cgroup_stat_ctx *ctx, void *map)
{
	__u32 zero = 0;
	__u64 *nr = bpf_map_lookup_elem(map, &zero);

	if (!nr)
		return -ENOENT;
	*nr += 1;
	BPF_SEQ_PRINTF(ctx->meta->seq, "%llu\n", *nr);
	return 0;
}

SEC("cgroup/stat")
int maps(struct bpf_cgroup_stat_ctx *ctx)
{
	return count(ctx, &knobs) ?: count(ctx, &a_counter_of_reads) ?:
	       count(ctx, &a_counter_of_reads_too);
}

char _license[] SEC("license") = "GPL";
