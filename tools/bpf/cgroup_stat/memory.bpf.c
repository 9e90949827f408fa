// SPDX-License-Identifier: GPL-2.0
/*
 * memory: what a cgroup's memory goes to, in ten figures
 *
 * These are the figures that node agents use from memory.stat and memory.current.
 * They have the same names here and the same meaning: those of a cgroup include its
 * descendants. The file is flat keyed, sizes are in bytes:
 *
 *	current 60817408	all memory that is charged, as in memory.current
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
 * What is usually called the working set is current minus inactive_file. The root
 * cgroup has no line "current", and no memory.current either, because memory that
 * is used outside of all other cgroups isn't charged to it.
 *
 * In a cgroup for which the memory controller isn't enabled, read(2) fails with
 * ENODATA: its memory is charged to an ancestor, whose file has the figures. It fails
 * in every cgroup if the controller is disabled.
 *
 * If the memory controller is mounted as cgroup v1, the figures are in the files of
 * its hierarchy, and read(2) fails with ENODATA in all others, including cgroup v2.
 * They include descendants there, too, so they are those of the lines total_* in
 * memory.stat: anon is total_rss, file is total_cache, and shmem, inactive_file,
 * pgfault and pgmajfault have the same names. file_mapped is total_mapped_file, and
 * file_dirty is total_dirty. current is memory.usage_in_bytes, but the root cgroup
 * has no such line there, either. kernel is memory.kmem.usage_in_bytes.
 *
 * The figures are as recent as those in memory.stat: about 64 changes per CPU may
 * be missing, for up to two seconds.
 *
 * Cost: a read flushes the statistics, as a read of memory.stat does, and takes
 * little more. There is no cost otherwise.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define ENODATA	61

/* An item's number depends on the kernel's configuration, so take it from its BTF. */
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

/* Sleepable, because the flush may sleep while others flush. */
SEC("cgroup/stat.s")
int memory(struct bpf_cgroup_stat_ctx *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct cgroup *cgrp = ctx->cgroup;
	struct mem_cgroup *memcg;

	/* NULL if the controller isn't enabled here, or is in another hierarchy */
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
