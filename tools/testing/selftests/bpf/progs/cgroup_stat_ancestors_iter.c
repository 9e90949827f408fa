// SPDX-License-Identifier: GPL-2.0
/*
 * An iterator that can return 1 to end its walk, which no stat program may return. So
 * cgroup_id_printer() is not a program here: it has no section name and is called by one.
 * It is hidden, as the verifier would refuse a global function with an iterator's context.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#pragma push_macro("SEC")
#undef SEC
#define SEC(...) __hidden
#include "cgroup_iter.c"
#pragma pop_macro("SEC")

char LICENSE[] SEC("license") = "GPL";

SEC("cgroup/stat")
int id(struct bpf_cgroup_stat_ctx *ctx)
{
	cgroup_id_printer((struct bpf_iter__cgroup *)ctx);
	return 0;
}
