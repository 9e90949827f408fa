// SPDX-License-Identifier: GPL-2.0
/* Sleepable programs that flush statistics before they read them. */
#include <vmlinux.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

__u64 watched_id;
int flushed;

/* Called by css_rstat_flush() for each CPU with pending updates of the cgroup. */
SEC("fentry/bpf_rstat_flush")
int BPF_PROG(on_flush, struct cgroup *cgrp, struct cgroup *parent, int cpu)
{
	if (cgrp->kn->id == watched_id)
		__sync_fetch_and_add(&flushed, 1);
	return 0;
}

SEC("cgroup/stat.s")
int flush(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_preempt_disable();
	css_rstat_updated(&ctx->cgroup->self, bpf_get_smp_processor_id());
	bpf_preempt_enable();
	css_rstat_flush(&ctx->cgroup->self);
	BPF_SEQ_PRINTF(ctx->meta->seq, "flushed %d", flushed);
	return 0;
}

SEC("cgroup/stat.s")
int memory(struct bpf_cgroup_stat_ctx *ctx)
{
	int anon = bpf_core_enum_value(enum node_stat_item, NR_ANON_MAPPED);
	struct mem_cgroup *memcg = bpf_get_mem_cgroup(&ctx->cgroup->self);

	if (!memcg)
		return -ENODATA;
	bpf_mem_cgroup_flush_stats(memcg);
	BPF_SEQ_PRINTF(ctx->meta->seq, "usage %lu anon %lu", bpf_mem_cgroup_usage(memcg),
		       bpf_mem_cgroup_page_state(memcg, anon));
	bpf_put_mem_cgroup(memcg);
	return 0;
}
