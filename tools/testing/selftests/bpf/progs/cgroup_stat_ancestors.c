// SPDX-License-Identifier: GPL-2.0
/*
 * How long the tasks of a cgroup wait for a CPU, as earlier proposals of such files
 * showed it: without those of descendants, as the longest wait (wait_show) or as a sum
 * (latency).
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "bpf_experimental.h"

#define TASK_RUNNING	0

char _license[] SEC("license") = "GPL";

__u64 watched_id;	/* id of a cgroup */
int nr_runs;		/* how often latency() was run for it */

struct waits {
	__u64 nr;
	__u64 total_ns;
	__u64 max_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct waits);
} waits_of SEC(".maps");

/* When the wait of a task began; 0 if it doesn't wait. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} waiting_since SEC(".maps");

static void begin_wait(struct task_struct *task)
{
	__u64 *since;

	since = bpf_task_storage_get(&waiting_since, task, NULL,
				     BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (since && !*since)
		*since = bpf_ktime_get_ns();
}

/* Another CPU may do so at the same time. */
static void raise_to(__u64 *max, __u64 ns)
{
	__u64 old = *max, seen;

	while (old < ns && can_loop) {
		seen = __sync_val_compare_and_swap(max, old, ns);
		if (seen == old)
			break;
		old = seen;
	}
}

static void record(struct task_struct *task, __u64 ns)
{
	struct waits *waits;

	waits = bpf_cgrp_storage_get(&waits_of, task->cgroups->dfl_cgrp, NULL,
				     BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!waits)
		return;
	__sync_fetch_and_add(&waits->nr, 1);
	__sync_fetch_and_add(&waits->total_ns, ns);
	raise_to(&waits->max_ns, ns);
}

static void end_wait(struct task_struct *task)
{
	__u64 *since;

	since = bpf_task_storage_get(&waiting_since, task, NULL, 0);
	if (!since || !*since)
		return;
	record(task, bpf_ktime_get_ns() - *since);
	*since = 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task)
{
	/* a task that is still on the CPU was about to sleep and doesn't wait */
	if (!task->on_cpu)
		begin_wait(task);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int prev_state)
{
	if (prev->pid && (preempt || prev_state == TASK_RUNNING))
		begin_wait(prev);
	if (next->pid)
		end_wait(next);
	return 0;
}

static const struct waits none;

static const struct waits *get_waits(struct cgroup *cgrp)
{
	return bpf_cgrp_storage_get(&waits_of, cgrp, NULL, 0) ?: &none;
}

SEC("cgroup/stat")
int wait_show(struct bpf_cgroup_stat_ctx *ctx)
{
	BPF_SEQ_PRINTF(ctx->meta->seq, "%llu %llu\n", ctx->cgroup->kn->id,
		       get_waits(ctx->cgroup)->max_ns);
	return 0;
}

SEC("cgroup/stat")
int latency(struct bpf_cgroup_stat_ctx *ctx)
{
	const struct waits *waits = get_waits(ctx->cgroup);

	if (ctx->cgroup->kn->id == watched_id)
		__sync_fetch_and_add(&nr_runs, 1);
	BPF_SEQ_PRINTF(ctx->meta->seq, "nr %llu\ntotal_ns %llu\n", waits->nr, waits->total_ns);
	return 0;
}
