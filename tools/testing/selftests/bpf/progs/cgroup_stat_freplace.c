// SPDX-License-Identifier: GPL-2.0
/* Replacements for functions of cgroup_stat_flow.c and of other_type() below. */
#include <vmlinux.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

SEC("?freplace/describe")
int new_describe(struct bpf_cgroup_stat_ctx *ctx)
{
	BPF_SEQ_PRINTF(ctx->meta->seq, "replaced, cookie %llu ", bpf_get_attach_cookie(ctx));
	return 0;
}

SEC("?freplace/number")
int new_number(int n)
{
	return -1;
}

SEC("?freplace/functions")
int new_program(struct bpf_cgroup_stat_ctx *ctx)
{
	return -ENODATA;
}

SEC("?freplace/functions")
int return_positive(struct bpf_cgroup_stat_ctx *ctx)
{
	return 1;
}

SEC("?freplace/describe")
int send_signal(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_send_signal(9);
	return 0;
}

SEC("?freplace/number")
int send_signal_task(int n)
{
	bpf_send_signal_task(bpf_get_current_task_btf(), 9, PIDTYPE_TGID, 0);
	return 0;
}

SEC("?freplace/describe")
int probe_write_user(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_probe_write_user((void *)8, "", 1);
	return 0;
}

SEC("?freplace/describe")
int flush(struct bpf_cgroup_stat_ctx *ctx)
{
	css_rstat_flush(&ctx->cgroup->self);
	return 0;
}

__noinline int number(int n)
{
	barrier_var(n);
	return n;
}

/* A program that is allowed to send signals. */
SEC("?raw_tp")
int other_type(void *ctx)
{
	return number(0);
}
