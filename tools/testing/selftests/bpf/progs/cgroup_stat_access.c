// SPDX-License-Identifier: GPL-2.0
/* A knob that stores one byte per cgroup, and a program that outputs nothing. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u8);
} values SEC(".maps");

SEC("cgroup/stat")
int knob(struct bpf_cgroup_stat_ctx *ctx)
{
	const __u8 *written = bpf_cgroup_stat_data(ctx, 1);
	__u8 *value = bpf_cgrp_storage_get(&values, ctx->cgroup, NULL,
					   BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!value)
		return -1;
	if (written)
		*value = *written;
	else
		bpf_seq_write(ctx->meta->seq, value, 1);
	return 0;
}

SEC("cgroup/stat")
int silent(struct bpf_cgroup_stat_ctx *ctx)
{
	return 0;
}
