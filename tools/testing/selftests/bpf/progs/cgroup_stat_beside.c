// SPDX-License-Identifier: GPL-2.0
/*
 * For test_bpftool_cgroup_stat.sh: an object with a stat program, two programs that
 * bpf_program__attach() can attach, and others that it can't.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

__u64 events;

SEC("cgroup/stat")
int beside(struct bpf_cgroup_stat_ctx *ctx)
{
	BPF_SEQ_PRINTF(ctx->meta->seq, "%llu\n", events);
	return 0;
}

SEC("raw_tp/sched_switch")
int count_switch(void *ctx)
{
	__sync_fetch_and_add(&events, 1);
	return 0;
}

SEC("iter/task")
int dump_tasks(struct bpf_iter__task *ctx)
{
	return 0;
}

SEC("iter/cgroup")
int dump_cgroups(struct bpf_iter__cgroup *ctx)
{
	return 0;
}

SEC("iter/bpf_map_elem")
int dump_elems(struct bpf_iter__bpf_map_elem *ctx)
{
	return 0;
}

SEC("syscall")
int reset(void *ctx)
{
	events = 0;
	return 0;
}

SEC("kprobe")
int BPF_KPROBE(count_call)
{
	__sync_fetch_and_add(&events, 1);
	return 0;
}

SEC("tc")
int count_packet(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&events, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
