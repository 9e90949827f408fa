// SPDX-License-Identifier: GPL-2.0
/*
 * hist_oncpu: how long do the tasks of a cgroup stay on the CPU at a stretch?
 *
 * A stretch ends when the scheduler puts another task on the CPU. It is then
 * charged to the cgroup that the task is in and to all cgroups above it, so
 * that a parent includes its descendants, removed ones too. The idle task is
 * not counted. A task that nobody displaces shows up when it leaves the CPU.
 *
 * The file is flat keyed, and all of its lines are always there:
 *
 *	0_usec 4		stretches of less than 1 us
 *	1_usec 38		of 1 us up to, but not including, 2 us
 *	2_usec 117		of 2 us up to 4 us
 *	...
 *	4194304_usec 0		of about 4 s, and all longer ones
 *	nr_stretches 2710	the sum of the lines above
 *	total_usec 6184320	how long they lasted together
 *
 * Cost: some 170 instructions of x86 for each context switch, and 125 more for
 * each level of the hierarchy down to the task's cgroup; all CPUs share the
 * counters. 50,000 for a read, which go into printing. 700 bytes of memory for
 * each cgroup in which something ran, until it is gone. When there is no memory
 * to be had, the stretch is left out in that cgroup and below: a parent never
 * shows less than its children together.
 */
#include "hist.bpf.h"
#include <bpf/bpf_tracing.h>

/* When the task that is on this CPU got there; 0 until the first switch. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} oncpu_since SEC(".maps");

SEC("tp_btf/sched_switch")
int BPF_PROG(account_stretch, bool preempt, struct task_struct *prev)
{
	__u64 now, ns, *since;
	__u32 key = 0;

	since = bpf_map_lookup_elem(&oncpu_since, &key);
	if (!since)
		return 0;

	now = bpf_ktime_get_ns();
	ns = *since ? now - *since : 0;
	*since = now;
	if (ns && prev->pid)
		hist_charge(prev, ns);
	return 0;
}

SEC("cgroup/stat")
int hist_oncpu(struct bpf_iter__cgroup *ctx)
{
	hist_print(ctx->cgroup, ctx->meta->seq, "nr_stretches", NSEC_PER_USEC, "usec");
	return 0;
}

/* The same in nanoseconds, to be put in its place by a link update. */
SEC("cgroup/stat")
int hist_oncpu_ns(struct bpf_iter__cgroup *ctx)
{
	hist_print(ctx->cgroup, ctx->meta->seq, "nr_stretches", 1, "nsec");
	return 0;
}

char _license[] SEC("license") = "GPL";
