// SPDX-License-Identifier: GPL-2.0
/* Programs that the verifier refuses, in addition to those in cgroup_stat_fail.c. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include "bpf_misc.h"
#include "bpf_experimental.h"

char _license[] SEC("license") = "GPL";

struct locked {
	struct bpf_spin_lock lock;
	int value;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct locked);
} locked SEC(".maps");

int never;

SEC("cgroup/stat")
__failure __msg("program must be sleepable to call sleepable kfunc css_rstat_flush")
int flush_without_sleep(struct bpf_cgroup_stat_ctx *ctx)
{
	css_rstat_flush(&ctx->cgroup->self);
	return 0;
}

SEC("cgroup/stat.s")
__failure __msg("kernel func css_rstat_flush is sleepable within rcu_read_lock region")
int flush_under_rcu(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_rcu_read_lock();
	css_rstat_flush(&ctx->cgroup->self);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("cgroup/stat")
__failure __msg("program must be sleepable to call sleepable kfunc bpf_mem_cgroup_flush_stats")
int flush_memcg_without_sleep(struct bpf_cgroup_stat_ctx *ctx)
{
	struct mem_cgroup *memcg = bpf_get_mem_cgroup(&ctx->cgroup->self);

	if (!memcg)
		return 0;
	bpf_mem_cgroup_flush_stats(memcg);
	bpf_put_mem_cgroup(memcg);
	return 0;
}

SEC("cgroup/stat")
__failure __msg("sleepable helper bpf_copy_from_user#148 in non-sleepable prog")
int copy_without_sleep(struct bpf_cgroup_stat_ctx *ctx)
{
	char c;

	bpf_copy_from_user(&c, 1, (void *)8);
	return 0;
}

SEC("cgroup/stat.s")
__failure __msg("program of this type cannot use helper bpf_probe_write_user")
int sleepable_probe_write_user(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_probe_write_user((void *)8, "", 1);
	return 0;
}

SEC("cgroup/stat.s")
__failure __msg("program of this type cannot use helper bpf_send_signal")
int sleepable_send_signal(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_send_signal(9);
	return 0;
}

SEC("cgroup/stat.s")
__failure __msg("program of this type cannot use helper bpf_send_signal_thread")
int sleepable_send_signal_thread(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_send_signal_thread(9);
	return 0;
}

SEC("cgroup/stat.s")
__failure __msg("calling kernel function bpf_send_signal_task is not allowed")
int sleepable_send_signal_task(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_send_signal_task(bpf_get_current_task_btf(), 9, PIDTYPE_TGID, 0);
	return 0;
}

SEC("cgroup/stat.s")
__failure __msg("should have been in [-4095, 0]")
int sleepable_ret_positive(struct bpf_cgroup_stat_ctx *ctx)
{
	return 1;
}

SEC("cgroup/stat")
__failure __msg("Unreleased reference")
int keep_reference(struct bpf_cgroup_stat_ctx *ctx)
{
	return bpf_cgroup_acquire(ctx->cgroup) ? 0 : -1;
}

SEC("cgroup/stat")
__failure __msg("release kfunc bpf_cgroup_release expects referenced PTR_TO_BTF_ID")
int release_context(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_cgroup_release(ctx->cgroup);
	return 0;
}

SEC("cgroup/stat.s")
__failure __msg("kernel func bpf_iter_css_new requires RCU critical section protection")
int iterate_without_rcu(struct bpf_cgroup_stat_ctx *ctx)
{
	struct cgroup_subsys_state *pos;
	int nr = 0;

	bpf_for_each(css, pos, &ctx->cgroup->self, BPF_CGROUP_ITER_CHILDREN)
		nr++;
	return nr ? 0 : -1;
}

SEC("cgroup/stat")
__failure __msg("function calls are not allowed while holding a lock")
int write_under_lock(struct bpf_cgroup_stat_ctx *ctx)
{
	struct locked *v;
	int key = 0;

	v = bpf_map_lookup_elem(&locked, &key);
	if (!v)
		return 0;
	bpf_spin_lock(&v->lock);
	bpf_seq_write(ctx->meta->seq, "x", 1);
	bpf_spin_unlock(&v->lock);
	return 0;
}

SEC("cgroup/stat")
__failure __msg("the register R1 has smin=1 smax=1 should have been in [-4095, 0]")
int throw_positive(struct bpf_cgroup_stat_ctx *ctx)
{
	if (!never)
		bpf_throw(1);
	return 0;
}

SEC("cgroup/stat")
__failure __msg("bpf_throw would lead to reference leak")
int throw_with_reference(struct bpf_cgroup_stat_ctx *ctx)
{
	struct cgroup *cgrp = bpf_cgroup_acquire(ctx->cgroup);

	if (!cgrp)
		return 0;
	if (!never)
		bpf_throw(0);
	bpf_cgroup_release(cgrp);
	return 0;
}

__noinline int catch(__u64 cookie)
{
	return cookie;
}

SEC("cgroup/stat")
__exception_cb(catch)
__failure __msg("should have been in [-4095, 0]")
int catch_positive(struct bpf_cgroup_stat_ctx *ctx)
{
	if (!never)
		bpf_throw(1);
	return 0;
}

/* A global function that takes an iterator's context can't be passed this one. */
__noinline int of_iterator(struct bpf_iter__cgroup *ctx)
{
	bpf_seq_write(ctx->meta->seq, "x", 1);
	return 0;
}

SEC("cgroup/stat")
__failure __msg("Caller passes invalid args into func#1 ('of_iterator')")
int context_of_iterator(struct bpf_cgroup_stat_ctx *ctx)
{
	return of_iterator((void *)ctx) ? 0 : -1;
}

SEC("cgroup/stat")
__failure __msg("helper call is not allowed in probe")
int file_path(struct bpf_cgroup_stat_ctx *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	char path[16];

	bpf_d_path(&task->mm->exe_file->f_path, path, sizeof(path));
	return 0;
}

/* Some of these types are in the same kfunc hook (BTF_KFUNC_HOOK_TRACING). */
#define OTHER_TYPE(name, section)						\
SEC(section)									\
__failure __msg("calling kernel function bpf_cgroup_stat_data is not allowed")	\
int name(void *ctx)								\
{										\
	return bpf_cgroup_stat_data(ctx, 1) ? 1 : 0;				\
}

OTHER_TYPE(data_in_raw_tp, "raw_tp")
OTHER_TYPE(data_in_tp_btf, "tp_btf/sys_enter")
OTHER_TYPE(data_in_fentry, "fentry/bpf_fentry_test1")
OTHER_TYPE(data_in_fmod_ret, "fmod_ret/bpf_modify_return_test")
OTHER_TYPE(data_in_iter, "iter/cgroup")
OTHER_TYPE(data_in_sleepable_iter, "iter.s/cgroup")
OTHER_TYPE(data_in_lsm, "lsm/file_open")
OTHER_TYPE(data_in_tracepoint, "tp/syscalls/sys_enter_getpgid")
OTHER_TYPE(data_in_kprobe, "kprobe")
OTHER_TYPE(data_in_perf_event, "perf_event")
OTHER_TYPE(data_in_syscall, "syscall")
OTHER_TYPE(data_in_xdp, "xdp")
OTHER_TYPE(data_in_tc, "tc")
OTHER_TYPE(data_in_socket, "socket")
OTHER_TYPE(data_in_cgroup_skb, "cgroup_skb/egress")
OTHER_TYPE(data_in_cgroup_sysctl, "cgroup/sysctl")
OTHER_TYPE(data_in_cgroup_dev, "cgroup/dev")
OTHER_TYPE(data_in_sk_lookup, "sk_lookup")
OTHER_TYPE(data_in_sockops, "sockops")
OTHER_TYPE(data_in_sk_msg, "sk_msg")
OTHER_TYPE(data_in_sk_skb, "sk_skb/stream_verdict")
OTHER_TYPE(data_in_cgroup_sockopt, "cgroup/getsockopt")
OTHER_TYPE(data_in_cgroup_sock_addr, "cgroup/bind4")
OTHER_TYPE(data_in_cgroup_sock, "cgroup/sock_create")
OTHER_TYPE(data_in_sk_reuseport, "sk_reuseport")
OTHER_TYPE(data_in_lwt_in, "lwt_in")
OTHER_TYPE(data_in_flow_dissector, "flow_dissector")
OTHER_TYPE(data_in_raw_tp_writable, "raw_tp.w/sys_enter")
