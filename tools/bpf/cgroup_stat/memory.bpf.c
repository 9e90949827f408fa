// SPDX-License-Identifier: GPL-2.0
/*
 * memory: what a cgroup's memory goes to, in ten figures
 *
 * These are the figures that node agents pick from memory.stat and
 * memory.current. They have the same names here, and the same meaning: a cgroup
 * includes its descendants. The file is flat keyed, sizes are in bytes:
 *
 *	current 60817408	all that is charged, as memory.current has it
 *	anon 35061760		anonymous memory in use
 *	file 25296896		page cache, tmpfs and shared memory included
 *	kernel 208896		what the kernel holds on the cgroup's behalf
 *	shmem 16777216		that part of file which is tmpfs or shared memory
 *	file_mapped 65536	that part of file which is mapped
 *	file_dirty 8388608	that part of file which has yet to be written
 *	inactive_file 8519680	that part of file which reclaim looks at first
 *	pgfault 988		page faults so far
 *	pgmajfault 1		those of them that had to wait for I/O
 *
 * What is usually called the working set is current less inactive_file. The root
 * cgroup has no line "current", because what is used outside of all other cgroups
 * isn't charged to it; it has no memory.current either.
 *
 * A cgroup for which the memory controller isn't enabled has no figures of its
 * own: what runs there is charged to an ancestor. Read that one's file; read(2)
 * of this one fails with ENODATA. So it does in every cgroup when the controller
 * is mounted as cgroup v1, or disabled.
 *
 * The figures are as fresh as those in memory.stat: some 64 changes for each CPU
 * may be missing, for up to two seconds.
 *
 * Cost: for a read what there is to flush, as in memory.stat, and little more.
 * Nothing otherwise.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define ENODATA	61

/* Which number an item has depends on how the kernel was configured. */
#define node_stat(memcg, item)		\
	bpf_mem_cgroup_page_state(memcg, bpf_core_enum_value(enum node_stat_item, item))
#define memcg_stat(memcg, item)		\
	bpf_mem_cgroup_page_state(memcg, bpf_core_enum_value(enum memcg_stat_item, item))
#define vm_event(memcg, item)		\
	bpf_mem_cgroup_vm_events(memcg, bpf_core_enum_value(enum vm_event_item, item))

static void print_stats(struct mem_cgroup *memcg, struct seq_file *seq)
{
	BPF_SEQ_PRINTF(seq,
		       "anon %lu\n"
		       "file %lu\n"
		       "kernel %lu\n"
		       "shmem %lu\n"
		       "file_mapped %lu\n"
		       "file_dirty %lu\n"
		       "inactive_file %lu\n"
		       "pgfault %lu\n"
		       "pgmajfault %lu\n",
		       node_stat(memcg, NR_ANON_MAPPED),
		       node_stat(memcg, NR_FILE_PAGES),
		       memcg_stat(memcg, MEMCG_KMEM),
		       node_stat(memcg, NR_SHMEM),
		       node_stat(memcg, NR_FILE_MAPPED),
		       node_stat(memcg, NR_FILE_DIRTY),
		       node_stat(memcg, NR_INACTIVE_FILE),
		       vm_event(memcg, PGFAULT),
		       vm_event(memcg, PGMAJFAULT));
}

/* Sleepable, because the flush may wait for others that flush. */
SEC("cgroup/stat.s")
int memory(struct bpf_cgroup_stat_ctx *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct cgroup *cgrp = ctx->cgroup;
	struct mem_cgroup *memcg;

	/* of this cgroup, or none: it doesn't look further up */
	memcg = bpf_get_mem_cgroup(&cgrp->self);
	if (!memcg)
		return -ENODATA;

	bpf_mem_cgroup_flush_stats(memcg);
	if (cgrp->level)
		BPF_SEQ_PRINTF(seq, "current %lu\n", bpf_mem_cgroup_usage(memcg));
	print_stats(memcg, seq);

	bpf_put_mem_cgroup(memcg);
	return 0;
}

char _license[] SEC("license") = "GPL";
