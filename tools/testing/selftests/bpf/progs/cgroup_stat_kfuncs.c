// SPDX-License-Identifier: GPL-2.0
/* Kfuncs that give information on the cgroup whose file is read. */
#include <vmlinux.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "bpf_experimental.h"

char _license[] SEC("license") = "GPL";

__u64 wanted_id;

/* The ids of all ancestors, from the root of the hierarchy down. */
SEC("cgroup/stat")
int ancestors(struct bpf_cgroup_stat_ctx *ctx)
{
	struct cgroup *cgrp = ctx->cgroup, *ancestor;
	int level;

	bpf_for(level, 0, cgrp->level + 1) {
		ancestor = bpf_cgroup_ancestor(cgrp, level);
		if (!ancestor)
			return -ENOENT;
		BPF_SEQ_PRINTF(ctx->meta->seq, "%llu ", ancestor->kn->id);
		bpf_cgroup_release(ancestor);
	}
	return 0;
}

SEC("cgroup/stat")
int acquire(struct bpf_cgroup_stat_ctx *ctx)
{
	struct cgroup *cgrp = bpf_cgroup_acquire(ctx->cgroup);

	if (!cgrp)
		return -ENOENT;
	BPF_SEQ_PRINTF(ctx->meta->seq, "%llu ", cgrp->kn->id);
	bpf_cgroup_release(cgrp);
	return 0;
}

SEC("cgroup/stat")
int from_id(struct bpf_cgroup_stat_ctx *ctx)
{
	struct cgroup *cgrp = bpf_cgroup_from_id(wanted_id);

	if (!cgrp)
		return -ENOENT;
	BPF_SEQ_PRINTF(ctx->meta->seq, "level %d", cgrp->level);
	bpf_cgroup_release(cgrp);
	return 0;
}

SEC("cgroup/stat")
int children(struct bpf_cgroup_stat_ctx *ctx)
{
	struct cgroup_subsys_state *pos;

	bpf_rcu_read_lock();
	bpf_for_each(css, pos, &ctx->cgroup->self, BPF_CGROUP_ITER_CHILDREN)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%llu ", pos->cgroup->kn->id);
	bpf_rcu_read_unlock();
	return 0;
}

static int count_tasks(struct cgroup *cgrp, unsigned int flags)
{
	struct task_struct *task;
	int nr = 0;

	bpf_for_each(css_task, task, &cgrp->self, flags)
		nr++;
	return nr;
}

SEC("cgroup/stat")
int tasks(struct bpf_cgroup_stat_ctx *ctx)
{
	int processes = count_tasks(ctx->cgroup, CSS_TASK_ITER_PROCS);
	int threads = count_tasks(ctx->cgroup, 0);

	BPF_SEQ_PRINTF(ctx->meta->seq, "%d processes, %d threads", processes, threads);
	return 0;
}

/* Without a flush: the figures may be out of date. */
SEC("cgroup/stat")
int memory(struct bpf_cgroup_stat_ctx *ctx)
{
	int anon = bpf_core_enum_value(enum node_stat_item, NR_ANON_MAPPED);
	struct mem_cgroup *memcg = bpf_get_mem_cgroup(&ctx->cgroup->self);

	if (!memcg)
		return -ENODATA;
	BPF_SEQ_PRINTF(ctx->meta->seq, "usage %lu anon %lu", bpf_mem_cgroup_usage(memcg),
		       bpf_mem_cgroup_page_state(memcg, anon));
	bpf_put_mem_cgroup(memcg);
	return 0;
}
