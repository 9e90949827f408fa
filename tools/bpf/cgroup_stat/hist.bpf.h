/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A histogram of times for each cgroup, which includes the times of its descendants.
 * A program that includes this file calls hist_charge() for each time, and
 * hist_print() when the file is read.
 *
 * Times are only charged to cgroups of the default hierarchy, that is cgroup v2. To
 * find a task's cgroup in a v1 hierarchy, bpf_task_get_cgroup1() takes css_set_lock,
 * and a program that may be called with a runqueue lock held must not do that: whoever
 * moves a task to another cgroup takes the two in the opposite order.
 *
 * Uses 700 bytes of memory for each cgroup that a time was charged to, until the
 * cgroup is freed.
 */
#ifndef __HIST_BPF_H
#define __HIST_BPF_H

#include "storage.bpf.h"

#define ENODATA		61

#define HIST_BUCKETS	24
#define NSEC_PER_USEC	1000

struct hist {
	__u64 total_ns;
	__u64 buckets[HIST_BUCKETS];
};

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct hist);
} hists SEC(".maps");

/* Shortest time that counts in bucket @i, in microseconds: 0, 1, 2, 4, ... */
static __u64 hist_bucket_min(int i)
{
	return i ? 1ULL << (i - 1) : 0;
}

static int hist_bucket_of(__u64 usec)
{
	int i;

	for (i = 0; i < HIST_BUCKETS - 1 && usec; i++)
		usec >>= 1;

	return i;
}

static bool hist_add(struct cgroup *cgrp, int bucket, __u64 ns)
{
	struct hist *hist;

	hist = get_storage(&hists, cgrp, NULL);
	if (!hist)
		return false;

	/*
	 * Add the time before it is counted: hist_print() reads the total last, which
	 * then includes all times that it has read from the buckets.
	 */
	__sync_fetch_and_add(&hist->total_ns, ns);
	__sync_fetch_and_add(&hist->buckets[bucket], 1);
	return true;
}

/*
 * Charge a time to the cgroup of the default hierarchy that @task is in, and to all
 * its ancestors, beginning at the root. If memory for a cgroup can't be allocated, the
 * time isn't charged to that cgroup and those below, so a parent never shows less than
 * the sum of its children.
 *
 * May be called with a runqueue lock held. Then the last reference on a cgroup must
 * not be dropped: that queues work, and waking up the kworker takes a runqueue lock,
 * too. The references that are dropped here can't be the last ones. The task's
 * css_set holds a reference on its cgroup. If the task is being moved out of it, the
 * cgroup hadn't been removed when this RCU read-side critical section began, and its
 * base reference isn't dropped before the section ends. A cgroup holds references on
 * its ancestors.
 */
static void hist_charge(struct task_struct *task, __u64 ns)
{
	struct cgroup *cgrp = task->cgroups->dfl_cgrp, *ancestor;
	int bucket = hist_bucket_of(ns / NSEC_PER_USEC);
	bool added;
	int level;

	bpf_for(level, 0, cgrp->level + 1) {
		ancestor = bpf_cgroup_ancestor(cgrp, level);
		if (!ancestor)
			break;
		added = hist_add(ancestor, bucket, ns);
		bpf_cgroup_release(ancestor);
		if (!added)
			break;
	}
}

/* Printed for a cgroup that has no storage yet: reading its file doesn't create it. */
static const struct hist hist_empty;

/*
 * Print a line for each bucket, then the number of times on a line that begins with
 * @nr_name, then the sum of the times. One @unit has @ns_per_unit nanoseconds. The two
 * strings must be constants: "\nnr_waits ", "_usec ". Returns what the program has to
 * return: 0, or -ENODATA for a cgroup of a v1 hierarchy.
 */
static int hist_print(struct cgroup *cgrp, struct seq_file *seq, const char *nr_name,
		      __u64 ns_per_unit, const char *unit)
{
	const struct hist *hist;
	__u64 min, nr, sum = 0;
	int i;

	/* the default hierarchy has id 0 */
	if (cgrp->root->hierarchy_id)
		return -ENODATA;

	hist = bpf_cgrp_storage_get(&hists, cgrp, NULL, 0) ?: &hist_empty;

	bpf_for(i, 0, HIST_BUCKETS) {
		min = hist_bucket_min(i) * NSEC_PER_USEC / ns_per_unit;
		nr = hist->buckets[i];
		sum += nr;
		/* two calls, each with a constant string */
		if (i)
			bpf_seq_put_decimal_ull(seq, "\n", min);
		else
			bpf_seq_put_decimal_ull(seq, "", min);
		bpf_seq_put_decimal_ull(seq, unit, nr);
	}
	bpf_seq_put_decimal_ull(seq, nr_name, sum);
	bpf_seq_write(seq, "\ntotal", sizeof("\ntotal") - 1);
	bpf_seq_put_decimal_ull(seq, unit, hist->total_ns / ns_per_unit);
	bpf_seq_write(seq, "\n", 1);
	return 0;
}

#endif
