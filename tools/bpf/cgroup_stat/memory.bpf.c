// SPDX-License-Identifier: GPL-2.0
/*
 * memory: what a cgroup's memory goes to, in 17 figures
 *
 * These are the figures that node agents use from memory.stat, memory.current and
 * memory.events. They have the same names here and the same meaning: those of a cgroup
 * include its descendants. The file is flat keyed, sizes are in bytes:
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
 *	pgmajfault 1		those of them that had to wait for I/O, so far
 *	file_writeback 0	that part of file which is being written
 *	slab_reclaimable 81920	that part of kernel which reclaim can free: dentries, inodes
 *	workingset_refault_anon 0
 *	workingset_refault_file 12
 *				pages that were reclaimed and needed again soon, so far
 *	pgscan 2048		pages that reclaim has looked at so far
 *	pgsteal 1960		pages that it has reclaimed so far
 *	oom_kill 0		processes that the OOM killer has killed so far
 *
 * What is usually called the working set is current minus inactive_file. The root
 * cgroup has no lines "current" and "oom_kill", and no memory.current and memory.events
 * either: memory that is used outside of all other cgroups isn't charged to it, and
 * the kills in its descendants aren't added up there.
 *
 * The figures that are called "so far" never decrease, all others may. Those of a cgroup
 * include what its descendants had before they were removed. If the mount option
 * memory_localevents is set, oom_kill excludes descendants, as memory.events then does.
 *
 * In a cgroup for which the memory controller isn't enabled, read(2) fails with
 * ENODATA: its memory is charged to an ancestor, whose file has the figures. It fails
 * in every cgroup if the controller is disabled.
 *
 * If the memory controller is mounted as cgroup v1, the figures are in the files of
 * its hierarchy, and read(2) fails with ENODATA in all others, including cgroup v2.
 * They include descendants there, too, so they are those of the lines total_* in
 * memory.stat: anon is total_rss, file is total_cache, and shmem, inactive_file,
 * pgfault, pgmajfault and workingset_refault_* have the same names. file_mapped is
 * total_mapped_file, file_dirty is total_dirty, and file_writeback is total_writeback.
 * current is memory.usage_in_bytes, but the root cgroup has no such line there, either.
 * kernel is memory.kmem.usage_in_bytes. The kernel has no file for slab_reclaimable,
 * pgscan and pgsteal there. oom_kill is that of memory.oom_control, and excludes
 * descendants; the root cgroup has none here.
 *
 * The figures are as recent as those in memory.stat: about 64 changes per CPU may
 * be missing, for up to two seconds.
 *
 * Cost: a read flushes the statistics, as a read of memory.stat does. It takes 6,000
 * x86 instructions if no updates are pending. There is no cost otherwise.
 */
#include "memory.bpf.h"

#define ENODATA	61

static void print_figures(struct seq_file *seq, struct cgroup *cgrp,
			  const struct memory_figures *figures)
{
	if (!is_root(cgrp)) {
		bpf_seq_put_decimal_ull(seq, "current ", figures->current);
		bpf_seq_write(seq, "\n", 1);
	}
	bpf_seq_put_decimal_ull(seq, "anon ", figures->anon);
	bpf_seq_put_decimal_ull(seq, "\nfile ", figures->file);
	bpf_seq_put_decimal_ull(seq, "\nkernel ", figures->kernel);
	bpf_seq_put_decimal_ull(seq, "\nshmem ", figures->shmem);
	bpf_seq_put_decimal_ull(seq, "\nfile_mapped ", figures->file_mapped);
	bpf_seq_put_decimal_ull(seq, "\nfile_dirty ", figures->file_dirty);
	bpf_seq_put_decimal_ull(seq, "\ninactive_file ", figures->inactive_file);
	bpf_seq_put_decimal_ull(seq, "\npgfault ", figures->pgfault);
	bpf_seq_put_decimal_ull(seq, "\npgmajfault ", figures->pgmajfault);
	bpf_seq_put_decimal_ull(seq, "\nfile_writeback ", figures->file_writeback);
	bpf_seq_put_decimal_ull(seq, "\nslab_reclaimable ", figures->slab_reclaimable);
	bpf_seq_put_decimal_ull(seq, "\nworkingset_refault_anon ",
				figures->workingset_refault_anon);
	bpf_seq_put_decimal_ull(seq, "\nworkingset_refault_file ",
				figures->workingset_refault_file);
	bpf_seq_put_decimal_ull(seq, "\npgscan ", figures->pgscan);
	bpf_seq_put_decimal_ull(seq, "\npgsteal ", figures->pgsteal);
	if (!is_root(cgrp))
		bpf_seq_put_decimal_ull(seq, "\noom_kill ", figures->oom_kill);
	bpf_seq_write(seq, "\n", 1);
}

/* Sleepable, because the flush may sleep while others flush. */
SEC("cgroup/stat.s")
int memory(struct bpf_cgroup_stat_ctx *ctx)
{
	struct memory_figures figures;
	struct mem_cgroup *memcg;

	/* NULL if the controller isn't enabled here, or is in another hierarchy */
	memcg = bpf_get_mem_cgroup(&ctx->cgroup->self);
	if (!memcg)
		return -ENODATA;

	bpf_mem_cgroup_flush_stats(memcg);
	get_figures(memcg, &figures);
	bpf_put_mem_cgroup(memcg);

	print_figures(ctx->meta->seq, ctx->cgroup, &figures);
	return 0;
}

char _license[] SEC("license") = "GPL";
