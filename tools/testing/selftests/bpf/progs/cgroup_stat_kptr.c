// SPDX-License-Identifier: GPL-2.0
/* Kptrs in a map: the task that read last, and the cgroup that was read last. */
#include <vmlinux.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

struct last_read {
	struct cgroup __kptr * cgrp;
	struct task_struct __kptr * task;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct last_read);
} last_read SEC(".maps");

SEC("cgroup/stat")
int last_cgroup(struct bpf_cgroup_stat_ctx *ctx)
{
	struct last_read *last;
	struct cgroup *cgrp;
	int key = 0;

	last = bpf_map_lookup_elem(&last_read, &key);
	if (!last)
		return -ENOENT;
	cgrp = bpf_cgroup_acquire(ctx->cgroup);
	if (!cgrp)
		return -ENOENT;

	cgrp = bpf_kptr_xchg(&last->cgrp, cgrp);
	if (!cgrp)
		return 0;
	BPF_SEQ_PRINTF(ctx->meta->seq, "%llu ", cgrp->kn->id);
	bpf_cgroup_release(cgrp);
	return 0;
}

SEC("cgroup/stat")
int last_task(struct bpf_cgroup_stat_ctx *ctx)
{
	struct last_read *last;
	struct task_struct *task;
	int key = 0;

	last = bpf_map_lookup_elem(&last_read, &key);
	if (!last)
		return -ENOENT;
	task = bpf_task_acquire(bpf_get_current_task_btf());
	if (!task)
		return -ENOENT;

	task = bpf_kptr_xchg(&last->task, task);
	if (!task)
		return 0;
	BPF_SEQ_PRINTF(ctx->meta->seq, "%d ", task->tgid);
	bpf_task_release(task);
	return 0;
}
