// SPDX-License-Identifier: GPL-2.0
/* Global functions and tail calls. */
#include <vmlinux.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>
#include "bpf_misc.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} next SEC(".maps");

int callee_ret;

/* Global functions, which freplace programs can replace. */
__noinline int describe(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_seq_write(ctx->meta->seq, "described ", 10);
	return ctx->cgroup->level;
}

__noinline int number(int n)
{
	barrier_var(n);
	return n;
}

__noinline int any_context(void *any __arg_ctx)
{
	struct bpf_cgroup_stat_ctx *ctx = any;

	BPF_SEQ_PRINTF(ctx->meta->seq, "cookie %llu ", bpf_get_attach_cookie(any));
	return 0;
}

SEC("cgroup/stat")
int functions(struct bpf_cgroup_stat_ctx *ctx)
{
	int level = describe(ctx);

	any_context(ctx);
	BPF_SEQ_PRINTF(ctx->meta->seq, "level %d number %d", level, number(7));
	return 0;
}

SEC("cgroup/stat")
int caller(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_seq_write(ctx->meta->seq, "calling, ", 9);
	bpf_tail_call(ctx, &next, 0);
	return -ENOENT;
}

SEC("cgroup/stat")
int callee(struct bpf_cgroup_stat_ctx *ctx)
{
	int ret = callee_ret;

	BPF_SEQ_PRINTF(ctx->meta->seq, "called with cookie %llu", bpf_get_attach_cookie(ctx));
	return ret < 0 && ret > -4096 ? ret : 0;
}

/* Tail calls itself until the limit is reached. */
SEC("cgroup/stat")
int again(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_seq_write(ctx->meta->seq, "+", 1);
	bpf_tail_call(ctx, &next, 0);
	return 0;
}

SEC("raw_tp")
int other_type(void *ctx)
{
	return 0;
}
