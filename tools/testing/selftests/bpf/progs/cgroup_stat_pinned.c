// SPDX-License-Identifier: GPL-2.0
/*
 * For test_bpftool_cgroup_stat.sh: a stat program that counts writes in a map with
 * LIBBPF_PIN_BY_NAME.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#define ENOENT	2

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, __u64);
} cgroup_stat_nr SEC(".maps");

SEC("cgroup/stat")
int pinned(struct bpf_cgroup_stat_ctx *ctx)
{
	__u32 zero = 0;
	__u64 *nr = bpf_map_lookup_elem(&cgroup_stat_nr, &zero);

	if (!nr)
		return -ENOENT;
	if (ctx->len)
		__sync_fetch_and_add(nr, 1);
	else
		BPF_SEQ_PRINTF(ctx->meta->seq, "%llu\n", *nr);
	return 0;
}

/* A second program, so that there are more pins that can fail. */
SEC("cgroup/stat")
int pinned_twice(struct bpf_cgroup_stat_ctx *ctx)
{
	return pinned(ctx);
}

char _license[] SEC("license") = "GPL";
