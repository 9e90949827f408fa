// SPDX-License-Identifier: GPL-2.0
/*
 * hist_oncpu: how long do the tasks of a cgroup stay on the CPU at a stretch?
 *
 * A stretch ends when the scheduler puts another task on the CPU. It is then
 * charged to the cgroup that the task is in and to all its ancestors, so that a
 * parent includes its descendants, even those that were removed. The idle task
 * isn't counted. A stretch isn't counted before it has ended. While the programs are
 * being replaced by an update that keeps their maps, both old and new ones are called
 * at the end of a stretch, and only the first one counts it.
 *
 * The file is flat keyed and always has all of its lines:
 *
 *	0_usec 4		stretches of less than 1 us
 *	1_usec 38		of 1 us up to, but not including, 2 us
 *	2_usec 117		of 2 us up to 4 us
 *	...
 *	4194304_usec 0		of about 4 s, and all longer ones
 *	nr_stretches 2710	the sum of the lines above
 *	total_usec 6184320	how long they lasted together
 *
 * In cgroup v1 hierarchies, read(2) fails with ENODATA: stretches are only charged to
 * cgroups of the default hierarchy, which is cgroup v2. hist.bpf.h explains why.
 *
 * Cost: about 170 x86 instructions for each context switch, and 125 more for each
 * level of the hierarchy down to the task's cgroup. All CPUs share the counters. A
 * read takes 11,000 instructions, almost all of them for printing. 700 bytes of
 * memory for each cgroup in which a task ran, until the cgroup is freed. If memory
 * for a cgroup can't be allocated, the stretch isn't charged to that cgroup and those
 * below, so a parent never shows less than the sum of its children.
 */
#include "hist.bpf.h"
#include <bpf/bpf_tracing.h>

/* The last switch that was counted on this CPU; all 0 before the first one. */
struct last_switch {
	__u64 time;
	__u64 nr;		/* of the switches that this CPU had by then */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct last_switch);
} last_switches SEC(".maps");

extern const struct rq runqueues __ksym;

SEC("tp_btf/sched_switch")
int BPF_PROG(account_stretch, bool preempt, struct task_struct *prev)
{
	const struct rq *rq = bpf_this_cpu_ptr(&runqueues);
	struct last_switch *last;
	__u64 now, ns;
	__u32 key = 0;

	last = bpf_map_lookup_elem(&last_switches, &key);
	if (!last || last->nr == rq->nr_switches)
		return 0;

	now = bpf_ktime_get_ns();
	ns = last->time ? now - last->time : 0;
	last->time = now;
	last->nr = rq->nr_switches;
	if (ns && prev->pid)
		hist_charge(prev, ns);
	return 0;
}

SEC("cgroup/stat")
int hist_oncpu(struct bpf_iter__cgroup *ctx)
{
	return hist_print(ctx->cgroup, ctx->meta->seq, "\nnr_stretches ", NSEC_PER_USEC, "_usec ");
}

/* The same in nanoseconds. A link update can replace hist_oncpu() by it. */
SEC("cgroup/stat")
int hist_oncpu_ns(struct bpf_iter__cgroup *ctx)
{
	return hist_print(ctx->cgroup, ctx->meta->seq, "\nnr_stretches ", 1, "_nsec ");
}

char _license[] SEC("license") = "GPL";
