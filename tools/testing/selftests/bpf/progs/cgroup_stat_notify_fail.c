// SPDX-License-Identifier: GPL-2.0
/* Calls of bpf_cgroup_stat_notify() that the verifier refuses. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "bpf_misc.h"
#include "bpf_experimental.h"

char _license[] SEC("license") = "GPL";

char writable[] = "writable";

SEC("cgroup/stat")
__failure __msg("program must be sleepable to call sleepable kfunc bpf_cgroup_stat_notify")
int without_sleep(struct bpf_cgroup_stat_ctx *ctx)
{
	return bpf_cgroup_stat_notify(ctx->cgroup, "x");
}

SEC("tp_btf/cgroup_mkdir")
__failure __msg("program must be sleepable to call sleepable kfunc bpf_cgroup_stat_notify")
int BPF_PROG(in_tracepoint, struct cgroup *cgrp, const char *path)
{
	bpf_cgroup_stat_notify(cgrp, "x");
	return 0;
}

SEC("cgroup/stat.s")
__failure __msg("kernel func bpf_cgroup_stat_notify is sleepable within rcu_read_lock region")
int under_rcu(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_rcu_read_lock();
	bpf_cgroup_stat_notify(ctx->cgroup, "x");
	bpf_rcu_read_unlock();
	return 0;
}

SEC("cgroup/stat.s")
__failure __msg("kernel func bpf_cgroup_stat_notify is sleepable within non-preemptible region")
int without_preemption(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_preempt_disable();
	bpf_cgroup_stat_notify(ctx->cgroup, "x");
	bpf_preempt_enable();
	return 0;
}

/* kernfs may hold kernfs_rwsem, which the kfunc takes. */
SEC("lsm.s/inode_free_security")
__failure __msg("calling kernel function bpf_cgroup_stat_notify is not allowed")
int BPF_PROG(freeing_inode, struct inode *inode)
{
	struct cgroup *cgrp = bpf_cgroup_from_id(1);

	if (!cgrp)
		return 0;
	bpf_cgroup_stat_notify(cgrp, "x");
	bpf_cgroup_release(cgrp);
	return 0;
}

SEC("cgroup/stat.s")
__failure __msg("R2 does not point to a readonly map")
int changing_name(struct bpf_cgroup_stat_ctx *ctx)
{
	return bpf_cgroup_stat_notify(ctx->cgroup, writable);
}

SEC("cgroup/stat.s")
__failure __msg("R2 doesn't point to a const string")
int name_on_stack(struct bpf_cgroup_stat_ctx *ctx)
{
	char name[8] = "x";

	return bpf_cgroup_stat_notify(ctx->cgroup, name);
}

SEC("cgroup/stat.s")
__failure __msg("NULL pointer")
int no_cgroup(struct bpf_cgroup_stat_ctx *ctx)
{
	return bpf_cgroup_stat_notify(NULL, "x");
}

SEC("cgroup/stat.s")
__failure __msg("must be referenced or trusted")
int untrusted_cgroup(struct bpf_cgroup_stat_ctx *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return bpf_cgroup_stat_notify(task->cgroups->dfl_cgrp, "x");
}
