// SPDX-License-Identifier: GPL-2.0
/* Store the cgroup's id in different kinds of memory, wait, and output it. */
#include <vmlinux.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>
#include "bpf_experimental.h"

char _license[] SEC("license") = "GPL";

#define WAIT_NS		(600 * 1000000000ULL)

struct scratch {
	__u64 cgroup_id;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct scratch);
} percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct scratch);
} of_tasks SEC(".maps");

volatile bool inside;	/* the first run has begun, and waits for the second one */
volatile bool met;

static int is_over(__u32 i, __u64 *end)
{
	return met || bpf_ktime_get_ns() > *end;
}

static int wait_on(__u32 i, __u64 *end)
{
	bpf_loop(1 << 10, is_over, end, 0);
	return is_over(0, end);
}

static void wait_for_second(void)
{
	__u64 end = bpf_ktime_get_ns() + WAIT_NS;

	bpf_loop(1 << 23, wait_on, &end, 0);
}

static int show_later(struct bpf_cgroup_stat_ctx *ctx, struct scratch *scratch)
{
	scratch->cgroup_id = ctx->cgroup->kn->id;
	if (inside) {
		met = true;
	} else {
		inside = true;
		wait_for_second();
	}
	barrier();
	BPF_SEQ_PRINTF(ctx->meta->seq, "%llu\n", scratch->cgroup_id);
	return 0;
}

SEC("cgroup/stat")
int in_percpu_array(struct bpf_cgroup_stat_ctx *ctx)
{
	struct scratch *scratch;
	int key = 0;

	scratch = bpf_map_lookup_elem(&percpu, &key);
	return scratch ? show_later(ctx, scratch) : -ENOENT;
}

SEC("cgroup/stat")
int on_stack(struct bpf_cgroup_stat_ctx *ctx)
{
	struct scratch scratch;

	return show_later(ctx, &scratch);
}

SEC("cgroup/stat")
int in_task_storage(struct bpf_cgroup_stat_ctx *ctx)
{
	struct scratch *scratch;

	scratch = bpf_task_storage_get(&of_tasks, bpf_get_current_task_btf(), NULL,
				       BPF_LOCAL_STORAGE_GET_F_CREATE);
	return scratch ? show_later(ctx, scratch) : -ENOMEM;
}

SEC("cgroup/stat")
int in_object(struct bpf_cgroup_stat_ctx *ctx)
{
	struct scratch *scratch = bpf_obj_new(typeof(*scratch));

	if (!scratch)
		return -ENOMEM;
	show_later(ctx, scratch);
	bpf_obj_drop(scratch);
	return 0;
}
