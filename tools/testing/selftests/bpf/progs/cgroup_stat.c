// SPDX-License-Identifier: GPL-2.0
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

int retval;

SEC("cgroup/stat")
int one(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_seq_write(ctx->meta->seq, "1\n", 2);
	return 0;
}

SEC("cgroup/stat")
int two(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_seq_write(ctx->meta->seq, "2\n", 2);
	return 0;
}

SEC("cgroup/stat.s")
int one_sleepable(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_seq_write(ctx->meta->seq, "1\n", 2);
	return 0;
}

/* Outputs all fields of the context. */
SEC("cgroup/stat")
int whoami(struct bpf_cgroup_stat_ctx *ctx)
{
	struct bpf_iter_meta *meta = ctx->meta;
	static const char fmt[] = "cgroup %llu session %llu seq %llu len %llu cookie %llu\n";
	__u64 args[] = {
		ctx->cgroup->kn->id, meta->session_id, meta->seq_num, ctx->len,
		bpf_get_attach_cookie(ctx),
	};

	bpf_seq_printf(meta->seq, fmt, sizeof(fmt), args, sizeof(args));
	return 0;
}

SEC("cgroup/stat")
int return_error(struct bpf_cgroup_stat_ctx *ctx)
{
	int ret = retval;

	bpf_seq_write(ctx->meta->seq, "lost\n", 5);
	if (ret > 0 || ret < -4095)
		return 0;
	return ret;
}

/* A program may load parts of ctx->len. */
SEC("cgroup/stat")
int narrow(struct bpf_cgroup_stat_ctx *ctx)
{
	__u32 hi = *((volatile __u32 *)&ctx->len + 1);
	__u8 lo = *(volatile __u8 *)&ctx->len;

	bpf_seq_write(ctx->meta->seq, hi || lo ? "w\n" : "r\n", 2);
	return 0;
}

SEC("cgroup/stat")
int name_of_more_than_fifteen_characters(struct bpf_cgroup_stat_ctx *ctx)
{
	return 0;
}

SEC("socket")
int other_type(void *ctx)
{
	return 0;
}
