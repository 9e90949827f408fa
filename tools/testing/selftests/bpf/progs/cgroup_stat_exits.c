// SPDX-License-Identifier: GPL-2.0
/*
 * bpf.stat.exits: the number of processes that have exited in a cgroup and its
 * descendants. It can be polled: a change wakes up who waits for it, also in the
 * ancestors.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} counts SEC(".maps");

/* A cgroup whose count has changed. It has an element until its readers are woken up. */
struct wake_up {
	struct bpf_wq work;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u64);	/* id of the cgroup */
	__type(value, struct wake_up);
} wake_ups SEC(".maps");

/* Runs in a kernel worker, and may sleep. */
static int wake_up_readers(void *map, int *key, void *value)
{
	__u64 id = *(__u64 *)key;
	struct cgroup *cgrp;

	/* before the wake-up: a change from now on must not find this element pending */
	bpf_map_delete_elem(&wake_ups, &id);

	/* if it was removed, that has woken them up */
	cgrp = bpf_cgroup_from_id(id);
	if (!cgrp)
		return 0;
	bpf_cgroup_stat_notify(cgrp, "exits");
	bpf_cgroup_release(cgrp);
	return 0;
}

/* Call this after the count has changed. */
static void schedule_wake_up(struct cgroup *cgrp)
{
	struct wake_up *wake_up, new = {};
	__u64 id = cgrp->kn->id;

	bpf_map_update_elem(&wake_ups, &id, &new, BPF_NOEXIST);
	wake_up = bpf_map_lookup_elem(&wake_ups, &id);
	if (!wake_up)
		return;

	/* if there was an element, its work is initialized, and may be pending */
	bpf_wq_init(&wake_up->work, &wake_ups, 0);
	bpf_wq_set_callback(&wake_up->work, wake_up_readers, 0);
	bpf_wq_start(&wake_up->work, 0);
}

static void count_in(struct cgroup *cgrp)
{
	__u64 *count;

	count = bpf_cgrp_storage_get(&counts, cgrp, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (count)
		__sync_fetch_and_add(count, 1);
	schedule_wake_up(cgrp);
}

static void count_exit(struct cgroup *cgrp)
{
	struct cgroup *ancestor;
	int level;

	bpf_for(level, 0, cgrp->level + 1) {
		ancestor = bpf_cgroup_ancestor(cgrp, level);
		if (!ancestor)
			break;
		count_in(ancestor);
		bpf_cgroup_release(ancestor);
	}
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task, bool group_dead)
{
	struct cgroup *cgrp;

	if (!group_dead)
		return 0;

	cgrp = bpf_cgroup_acquire(task->cgroups->dfl_cgrp);
	if (!cgrp)
		return 0;
	count_exit(cgrp);
	bpf_cgroup_release(cgrp);
	return 0;
}

SEC("cgroup/stat")
int exits(struct bpf_cgroup_stat_ctx *ctx)
{
	__u64 *count = bpf_cgrp_storage_get(&counts, ctx->cgroup, NULL, 0);

	BPF_SEQ_PRINTF(ctx->meta->seq, "%llu\n", count ? *count : 0);
	return 0;
}
