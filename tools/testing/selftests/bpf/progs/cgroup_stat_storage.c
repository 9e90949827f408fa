// SPDX-License-Identifier: GPL-2.0
/* Cgroup local storage, written by one program and output by another. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include "bpf_misc.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} calls SEC(".maps");

SEC("fentry/" SYS_PREFIX "sys_getpgid")
int count_calls(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 *nr;

	nr = bpf_cgrp_storage_get(&calls, task->cgroups->dfl_cgrp, NULL,
				  BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (nr)
		__sync_fetch_and_add(nr, 1);
	return 0;
}

SEC("cgroup/stat")
int show_calls(struct bpf_cgroup_stat_ctx *ctx)
{
	__u64 *nr = bpf_cgrp_storage_get(&calls, ctx->cgroup, NULL, 0);

	BPF_SEQ_PRINTF(ctx->meta->seq, "%llu calls", nr ? *nr : 0);
	return 0;
}
