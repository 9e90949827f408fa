// SPDX-License-Identifier: GPL-2.0
/* Notifications from all kinds of programs that can send them. */
#include <vmlinux.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "bpf_misc.h"
#include "bpf_kfuncs.h"
#include "cgroup_stat_notify.h"

char _license[] SEC("license") = "GPL";

__u64 watched;		/* id of the cgroup that is notified by programs that get no id */
__u64 nr_notified;	/* how many of their notifications have found a file */
bool init_notified;

static int notify_named(struct cgroup *cgrp, enum which_name name)
{
	switch (name) {
	case OURS:
		return bpf_cgroup_stat_notify(cgrp, NOTIFY_NAME);
	case PREFIXED:
		return bpf_cgroup_stat_notify(cgrp, "bpf.stat." NOTIFY_NAME);
	case EMPTY:
		return bpf_cgroup_stat_notify(cgrp, "");
	case PATH:
		return bpf_cgroup_stat_notify(cgrp, "../bpf.stat." NOTIFY_NAME);
	case TOO_LONG:
		return bpf_cgroup_stat_notify(cgrp, LONGEST_NAME "5");
	case LONGEST:
		return bpf_cgroup_stat_notify(cgrp, LONGEST_NAME);
	default:
		return -EINVAL;
	}
}

SEC("syscall")
int notify(struct notify_args *args)
{
	struct cgroup *cgrp = bpf_cgroup_from_id(args->id);

	if (!cgrp)
		return -ESRCH;
	args->ret = notify_named(cgrp, args->name);
	bpf_cgroup_release(cgrp);
	return 0;
}

/* A cgroup that a map keeps, so that it can be notified after it was removed. */
struct kept {
	struct cgroup __kptr * cgrp;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kept);
} kept_cgroup SEC(".maps");

static struct cgroup *exchange(struct cgroup *cgrp)
{
	struct kept *kept;
	__u32 key = 0;

	kept = bpf_map_lookup_elem(&kept_cgroup, &key);
	return kept ? bpf_kptr_xchg(&kept->cgrp, cgrp) : cgrp;
}

SEC("syscall")
int keep(struct notify_args *args)
{
	struct cgroup *cgrp = bpf_cgroup_from_id(args->id);

	if (!cgrp)
		return -ESRCH;
	cgrp = exchange(cgrp);
	if (cgrp)
		bpf_cgroup_release(cgrp);
	return 0;
}

SEC("syscall")
int notify_kept(struct notify_args *args)
{
	struct cgroup *cgrp = exchange(NULL);

	if (!cgrp)
		return -ESRCH;
	args->ret = notify_named(cgrp, OURS);
	bpf_cgroup_release(cgrp);
	return 0;
}

/* Send args->count notifications. */
SEC("syscall")
int storm(struct notify_args *args)
{
	struct cgroup *cgrp = bpf_cgroup_from_id(args->id);
	__u64 count = args->count;
	int i, ret = 0;

	if (!cgrp)
		return -ESRCH;
	bpf_for(i, 0, count) {
		ret = bpf_cgroup_stat_notify(cgrp, NOTIFY_NAME);
		if (ret)
			break;
	}
	bpf_cgroup_release(cgrp);
	return ret;
}

/* A knob that notifies its own file when it is written, as long as the file is there. */
__u64 nr_writes;

SEC("cgroup/stat.s")
int knob(struct bpf_cgroup_stat_ctx *ctx)
{
	if (!ctx->len) {
		BPF_SEQ_PRINTF(ctx->meta->seq, "%llu\n", nr_writes);
		return 0;
	}
	__sync_fetch_and_add(&nr_writes, 1);
	return bpf_cgroup_stat_notify(ctx->cgroup, NOTIFY_NAME) ? -ENOENT : 0;
}

/*
 * Programs that can't sleep start a work. One map element for each of them.
 */
struct deferred {
	struct bpf_wq work;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NR_DEFERRED);
	__type(key, __u32);
	__type(value, struct deferred);
} works SEC(".maps");

static int notify_watched(void *map, int *key, void *value)
{
	struct cgroup *cgrp = bpf_cgroup_from_id(watched);

	if (!cgrp)
		return 0;
	if (!bpf_cgroup_stat_notify(cgrp, NOTIFY_NAME))
		__sync_fetch_and_add(&nr_notified, 1);
	bpf_cgroup_release(cgrp);
	return 0;
}

static int defer(__u32 key)
{
	struct deferred *deferred;

	deferred = bpf_map_lookup_elem(&works, &key);
	if (!deferred)
		return -ENOENT;
	bpf_wq_init(&deferred->work, &works, 0);
	bpf_wq_set_callback(&deferred->work, notify_watched, 0);
	return bpf_wq_start(&deferred->work, 0);
}

/* With the lock of a runqueue held. */
SEC("?tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	defer(FROM_SWITCH);
	return 0;
}

/* When a task is woken up, also one that waits for this file. */
SEC("?tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *task)
{
	defer(FROM_WAKING);
	return 0;
}

SEC("?xdp")
int on_xdp(struct xdp_md *ctx)
{
	defer(FROM_XDP);
	return XDP_PASS;
}

SEC("?tc")
int on_tc(struct __sk_buff *skb)
{
	defer(FROM_TC);
	return 0;
}

SEC("?cgroup_skb/egress")
int on_egress(struct __sk_buff *skb)
{
	defer(FROM_EGRESS);
	return 1;
}

SEC("?perf_event")
int on_perf_event(struct bpf_perf_event_data *ctx)
{
	defer(FROM_PERF_EVENT);
	return 0;
}

/* Programs that can sleep call the kfunc directly. */

SEC("?lsm.s/file_open")
int BPF_PROG(on_open, struct file *file)
{
	notify_watched(NULL, NULL, NULL);
	return 0;
}

SEC("?fentry.s/" SYS_PREFIX "sys_getpgid")
int on_getpgid(void *ctx)
{
	notify_watched(NULL, NULL, NULL);
	return 0;
}

/* With cgroup_mutex held. */
SEC("?iter.s/cgroup")
int on_iter(struct bpf_iter__cgroup *ctx)
{
	if (ctx->cgroup)
		notify_watched(NULL, NULL, NULL);
	return 0;
}

/* A scheduler that does no more than it has to. */
void scx_bpf_dsq_insert(struct task_struct *p, __u64 dsq_id, __u64 slice, __u64 enq_flags)
	__ksym __weak;

SEC("?struct_ops/notify_enqueue")
void BPF_PROG(notify_enqueue, struct task_struct *p, __u64 enq_flags)
{
	defer(FROM_ENQUEUE);
	scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, enq_flags);
}

SEC("?struct_ops.s/notify_init")
__s32 BPF_PROG(notify_init)
{
	notify_watched(NULL, NULL, NULL);
	init_notified = nr_notified;
	return 0;
}

SEC("?.struct_ops.link")
struct sched_ext_ops notify_ops = {
	.enqueue	= (void *)notify_enqueue,
	.init		= (void *)notify_init,
	.name		= "notify",
};
