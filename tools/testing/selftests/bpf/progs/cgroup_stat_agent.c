// SPDX-License-Identifier: GPL-2.0
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

const volatile int version;

static int say_version(struct bpf_cgroup_stat_ctx *ctx)
{
	BPF_SEQ_PRINTF(ctx->meta->seq, "version %d\n", version);
	return 0;
}

SEC("cgroup/stat")
int answer(struct bpf_cgroup_stat_ctx *ctx)
{
	return say_version(ctx);
}

SEC("cgroup/stat.s")
int answer_sleepable(struct bpf_cgroup_stat_ctx *ctx)
{
	return say_version(ctx);
}
