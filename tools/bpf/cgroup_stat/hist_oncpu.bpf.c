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
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define NR_BUCKETS	24
#define NSEC_PER_USEC	1000

struct hist {
	__u64 total_ns;
	__u64 buckets[NR_BUCKETS];
};

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct hist);
} hists SEC(".maps");

/* When the task that is on this CPU got there; 0 until the first switch. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} oncpu_since SEC(".maps");

/* Shortest stretch that bucket @i takes, in microseconds. */
static __u64 bucket_min(int i)
{
	return i ? 1ULL << (i - 1) : 0;
}

static int bucket_of(__u64 usec)
{
	int i;

	for (i = 0; i < NR_BUCKETS - 1 && usec; i++)
		usec >>= 1;

	return i;
}

static bool charge(struct cgroup *cgrp, int bucket, __u64 ns)
{
	struct hist *hist;

	hist = bpf_cgrp_storage_get(&hists, cgrp, NULL,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!hist)
		return false;

	/* Time first: print_hist() reads it last, so it never lacks a stretch. */
	__sync_fetch_and_add(&hist->total_ns, ns);
	__sync_fetch_and_add(&hist->buckets[bucket], 1);
	return true;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(account_stretch, bool preempt, struct task_struct *prev)
{
	struct cgroup *cgrp, *ancestor;
	__u64 now, ns, *since;
	__u32 key = 0;
	int bucket, level;
	bool charged;

	since = bpf_map_lookup_elem(&oncpu_since, &key);
	if (!since)
		return 0;

	now = bpf_ktime_get_ns();
	ns = *since ? now - *since : 0;
	*since = now;
	if (!ns || !prev->pid)
		return 0;

	bucket = bucket_of(ns / NSEC_PER_USEC);
	/*
	 * The runqueue is locked, where the last reference of a cgroup mustn't be dropped:
	 * that queues work, and the wakeup of the kworker wants the lock, too. These aren't
	 * the last ones. The task's css_set holds its cgroup, or if the task is being moved,
	 * the cgroup hadn't been removed when this RCU read-side critical section began, and
	 * keeps its base reference until after it; and a cgroup holds its ancestors.
	 */
	cgrp = prev->cgroups->dfl_cgrp;
	bpf_for(level, 0, cgrp->level + 1) {
		ancestor = bpf_cgroup_ancestor(cgrp, level);
		if (!ancestor)
			break;
		charged = charge(ancestor, bucket, ns);
		bpf_cgroup_release(ancestor);
		if (!charged)
			break;
	}

	return 0;
}

/* What a cgroup shows in which nothing ran: a read makes no counters. */
static const struct hist never_ran;

static void print_hist(struct cgroup *cgrp, struct seq_file *seq,
		       __u64 ns_per_unit, const char *unit)
{
	const struct hist *hist;
	__u64 min, nr, sum = 0;
	int i;

	hist = bpf_cgrp_storage_get(&hists, cgrp, NULL, 0) ?: &never_ran;

	bpf_for(i, 0, NR_BUCKETS) {
		min = bucket_min(i) * NSEC_PER_USEC / ns_per_unit;
		nr = hist->buckets[i];
		sum += nr;
		BPF_SEQ_PRINTF(seq, "%llu_%s %llu\n", min, unit, nr);
	}
	BPF_SEQ_PRINTF(seq, "nr_stretches %llu\n", sum);
	BPF_SEQ_PRINTF(seq, "total_%s %llu\n", unit, hist->total_ns / ns_per_unit);
}

SEC("cgroup/stat")
int hist_oncpu(struct bpf_iter__cgroup *ctx)
{
	print_hist(ctx->cgroup, ctx->meta->seq, NSEC_PER_USEC, "usec");
	return 0;
}

/* The same in nanoseconds, to be put in its place by a link update. */
SEC("cgroup/stat")
int hist_oncpu_ns(struct bpf_iter__cgroup *ctx)
{
	print_hist(ctx->cgroup, ctx->meta->seq, 1, "nsec");
	return 0;
}

char _license[] SEC("license") = "GPL";
