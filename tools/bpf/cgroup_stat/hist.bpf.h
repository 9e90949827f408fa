/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Histograms of times, one for each cgroup, each with what its descendants have:
 * include this, call hist_charge() for each time, and hist_print() to answer the file.
 *
 * 700 bytes of memory for each cgroup to which a time was charged, until it is gone.
 */
#ifndef __HIST_BPF_H
#define __HIST_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

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

/* Shortest time that bucket @i takes, in microseconds: 0, 1, 2, 4, ... */
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

	hist = bpf_cgrp_storage_get(&hists, cgrp, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!hist)
		return false;

	/* Time first: hist_print() reads it last, so that it lacks none of those counted. */
	__sync_fetch_and_add(&hist->total_ns, ns);
	__sync_fetch_and_add(&hist->buckets[bucket], 1);
	return true;
}

/*
 * Charge a time to the cgroup that @task is in, and to all cgroups above it. When
 * there is no memory to be had, it is left out in that cgroup and below: a parent
 * never shows less than its children together.
 *
 * May be called with a runqueue locked, where the last reference of a cgroup mustn't
 * be dropped: that queues work, and the wakeup of the kworker wants the lock, too. The
 * references that are dropped here aren't the last ones. The task's css_set holds its
 * cgroup, or if the task is being moved, the cgroup hadn't been removed when this RCU
 * read-side critical section began, and keeps its base reference until that ends; and
 * a cgroup holds its ancestors.
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

/* What a cgroup shows to which nothing was charged: a read doesn't create storage. */
static const struct hist hist_empty;

/*
 * Print a line for each bucket, then the number of times, called @nr_name, and their
 * sum, all in units of @ns_per_unit nanoseconds.
 */
static void hist_print(struct cgroup *cgrp, struct seq_file *seq, const char *nr_name,
		       __u64 ns_per_unit, const char *unit)
{
	const struct hist *hist;
	__u64 min, nr, sum = 0;
	int i;

	hist = bpf_cgrp_storage_get(&hists, cgrp, NULL, 0) ?: &hist_empty;

	bpf_for(i, 0, HIST_BUCKETS) {
		min = hist_bucket_min(i) * NSEC_PER_USEC / ns_per_unit;
		nr = hist->buckets[i];
		sum += nr;
		BPF_SEQ_PRINTF(seq, "%llu_%s %llu\n", min, unit, nr);
	}
	BPF_SEQ_PRINTF(seq, "%s %llu\n", nr_name, sum);
	BPF_SEQ_PRINTF(seq, "total_%s %llu\n", unit, hist->total_ns / ns_per_unit);
}

#endif
