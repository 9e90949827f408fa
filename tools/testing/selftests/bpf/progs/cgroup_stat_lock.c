// SPDX-License-Identifier: GPL-2.0
/* A bpf_spin_lock in a map value, taken on each read. */
#include <vmlinux.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

struct counters {
	struct bpf_spin_lock lock;
	__u64 reads;
	__u64 same;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct counters);
} counters SEC(".maps");

SEC("cgroup/stat")
int count_reads(struct bpf_cgroup_stat_ctx *ctx)
{
	struct counters *c;
	__u64 reads, same;
	int key = 0;

	c = bpf_map_lookup_elem(&counters, &key);
	if (!c)
		return -ENOENT;

	bpf_spin_lock(&c->lock);
	reads = ++c->reads;
	same = ++c->same;
	bpf_spin_unlock(&c->lock);

	BPF_SEQ_PRINTF(ctx->meta->seq, "%llu %llu", reads, same);
	return 0;
}
