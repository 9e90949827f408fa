// SPDX-License-Identifier: GPL-2.0
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include "bpf_misc.h"

char _license[] SEC("license") = "GPL";

SEC("cgroup/stat")
__failure __msg("At program exit the register R0 has smin=1 smax=1 should have been in [-4095, 0]")
int ret_positive(struct bpf_cgroup_stat_ctx *ctx)
{
	return 1;
}

SEC("cgroup/stat")
__failure __msg("should have been in [-4095, 0]")
int ret_below_errnos(struct bpf_cgroup_stat_ctx *ctx)
{
	return -4096;
}

SEC("cgroup/stat")
__failure __msg("should have been in [-4095, 0]")
int ret_unknown(struct bpf_cgroup_stat_ctx *ctx)
{
	return bpf_get_prandom_u32();
}

SEC("cgroup/stat")
__failure __msg("invalid bpf_context access off=16 size=8")
int write_len(struct bpf_cgroup_stat_ctx *ctx)
{
	ctx->len = 1;
	return 0;
}

SEC("cgroup/stat")
__failure __msg("invalid bpf_context access off=8 size=8")
int write_cgroup(struct bpf_cgroup_stat_ctx *ctx)
{
	ctx->cgroup = NULL;
	return 0;
}

SEC("cgroup/stat")
__failure __msg("invalid bpf_context access off=24 size=8")
int read_past_end(struct bpf_cgroup_stat_ctx *ctx)
{
	return (*(volatile __u64 *)(ctx + 1)) ? 0 : -1;
}

SEC("cgroup/stat")
__failure __msg("invalid bpf_context access off=0 size=4")
int read_half_pointer(struct bpf_cgroup_stat_ctx *ctx)
{
	return *(volatile __u32 *)ctx ? 0 : -1;
}

SEC("cgroup/stat")
__failure __msg("invalid bpf_context access off=12 size=8")
int read_across_fields(struct bpf_cgroup_stat_ctx *ctx)
{
	long ret;

	asm volatile ("%[ret] = *(u64 *)(%[ctx] + 12)" : [ret]"=r"(ret) : [ctx]"r"(ctx));
	return ret ? 0 : -1;
}

SEC("cgroup/stat")
__failure __msg("program of this type cannot use helper bpf_send_signal")
int send_signal(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_send_signal(9);
	return 0;
}

SEC("cgroup/stat")
__failure __msg("program of this type cannot use helper bpf_send_signal_thread")
int send_signal_thread(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_send_signal_thread(9);
	return 0;
}

SEC("cgroup/stat")
__failure __msg("program of this type cannot use helper bpf_probe_write_user")
int probe_write_user(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_probe_write_user((void *)8, "", 1);
	return 0;
}

SEC("cgroup/stat")
__failure __msg("program of this type cannot use helper bpf_override_return")
int override_return(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_override_return((void *)ctx, 0);
	return 0;
}

SEC("cgroup/stat")
__failure __msg("func bpf_get_func_ip#173 not supported for program type")
int get_func_ip(struct bpf_cgroup_stat_ctx *ctx)
{
	return bpf_get_func_ip(ctx) ? 0 : -1;
}

SEC("cgroup/stat")
__failure __msg("calling kernel function bpf_send_signal_task is not allowed")
int send_signal_task(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_send_signal_task(bpf_get_current_task_btf(), 9, PIDTYPE_TGID, 0);
	return 0;
}
