// SPDX-License-Identifier: GPL-2.0
/*
 * runqlat: how long do the tasks of a cgroup wait for a CPU?
 *
 * A wait begins when a task is runnable but doesn't run: it is woken up, it is new,
 * or another task replaces it on the CPU, because it is preempted or yields, or
 * because its cgroup has used up cpu.max. The wait ends when the task gets a CPU.
 * This works for all scheduling classes, sched_ext included.
 *
 * The wait is then charged to the cgroup that the task is in now, even if it was in
 * another one when the wait began, and to all its ancestors, so that a parent
 * includes its descendants, even those that were removed. The idle task doesn't
 * wait. A wait isn't counted before it has ended, nor if it began before the
 * program was attached.
 *
 * The file is flat keyed and always has all of its lines:
 *
 *	0_usec 4		waits of less than 1 us
 *	1_usec 38		of 1 us up to, but not including, 2 us
 *	2_usec 117		of 2 us up to 4 us
 *	...
 *	4194304_usec 0		of about 4 s, and all longer ones
 *	nr_waits 2710		the sum of the lines above
 *	total_usec 6184320	how long they lasted together
 *
 * In cgroup v1 hierarchies, read(2) fails with ENODATA: waits are only charged to
 * cgroups of the default hierarchy, which is cgroup v2. hist.bpf.h explains why.
 *
 * Cost: about 130 x86 instructions for each wakeup, and 1,000 for a task's first,
 * which allocates its storage. Up to 300 for each context switch, and 120 more for
 * each level of the hierarchy down to the task's cgroup. All CPUs share the counters.
 * A read takes 11,000 instructions, almost all of them for printing. 300 bytes of
 * memory for each task that has waited, and 700 for each cgroup in which one has,
 * until the task or cgroup is freed. If memory for a cgroup can't be allocated, the
 * wait isn't charged to that cgroup and those below, so a parent never shows less
 * than the sum of its children.
 */
#include "hist.bpf.h"
#include <bpf/bpf_tracing.h>

#define TASK_RUNNING	0

/* When the wait of a task began; 0 if it doesn't wait. Freed with the task. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} waiting_since SEC(".maps");

/*
 * All callers hold the lock of the task's runqueue, which protects @waiting_since.
 * The exception is a task that wakes itself up: on_wakeup() ignores it, because it is
 * on the CPU.
 */
static void begin_wait(struct task_struct *task)
{
	__u64 *since;

	since = bpf_task_storage_get(&waiting_since, task, NULL,
				     BPF_LOCAL_STORAGE_GET_F_CREATE);
	/* if it was preempted before it could sleep, it is waiting already */
	if (since && !*since)
		*since = bpf_ktime_get_ns();
}

static void end_wait(struct task_struct *task)
{
	__u64 now, *since;

	since = bpf_task_storage_get(&waiting_since, task, NULL, 0);
	if (!since || !*since)
		return;

	/* the clocks of two CPUs may differ by some nanoseconds */
	now = bpf_ktime_get_ns();
	hist_charge(task, now > *since ? now - *since : 0);
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

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *task)
{
	begin_wait(task);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev,
	     struct task_struct *next, unsigned int prev_state)
{
	if (prev->pid && (preempt || prev_state == TASK_RUNNING))
		begin_wait(prev);
	if (next->pid)
		end_wait(next);
	return 0;
}

SEC("cgroup/stat")
int runqlat(struct bpf_cgroup_stat_ctx *ctx)
{
	return hist_print(ctx->cgroup, ctx->meta->seq, "\nnr_waits ", NSEC_PER_USEC, "_usec ");
}

char _license[] SEC("license") = "GPL";
