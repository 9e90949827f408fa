// SPDX-License-Identifier: GPL-2.0
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

/* Output the ids of the cgroup and of its hierarchy. */
static int print_ids(struct bpf_cgroup_stat_ctx *ctx, const char *how)
{
	BPF_SEQ_PRINTF(ctx->meta->seq, "%d:%llu%s\n", ctx->cgroup->root->hierarchy_id,
		       ctx->cgroup->kn->id, how);
	return 0;
}

SEC("cgroup/stat")
int ids(struct bpf_cgroup_stat_ctx *ctx)
{
	return print_ids(ctx, "");
}

SEC("cgroup/stat.s")
int ids_sleepable(struct bpf_cgroup_stat_ctx *ctx)
{
	return print_ids(ctx, " sleepable");
}
