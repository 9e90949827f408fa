// SPDX-License-Identifier: GPL-2.0
/*
 * memory_tree: what the memory of a cgroup and its descendants goes to, in one read
 *
 * The file is nested keyed. It has a line for its own cgroup, which is called ".", and
 * one for each descendant, by its path from there. A cgroup comes before its
 * descendants. The figures are those of bpf.stat.memory, see memory.bpf.c:
 *
 *	. current=60817408 anon=35061760 file=25296896 kernel=208896 shmem=16777216 ...
 *	web current=4096000 anon=2830336 file=851968 kernel=90112 shmem=0 ...
 *	web/frontend current=2048000 anon=1415168 file=425984 kernel=45056 shmem=0 ...
 *
 * In a path, backslashes, blanks and control characters are printed as in /proc/mounts:
 * a backslash and three octal digits. So the first blank of a line ends the path.
 *
 * memory_tree_bin prints the same figures in binary, with ids instead of paths, see
 * memory_tree.h. Both show the cgroups below a directory, even to users who can't search
 * that directory: choose a mode that fits.
 *
 *	# bpftool cgroup stat attach memory_tree.bpf.o /sys/fs/cgroup /sys/fs/bpf/tree \
 *		mode 0400 lazy
 *	# bpftool cgroup stat attach pinned /sys/fs/bpf/tree-progs/memory_tree_bin \
 *		/sys/fs/cgroup /sys/fs/bpf/tree_bin mode 0400 lazy
 *
 * Cgroups whose memory isn't accounted on its own, because no controller requires it,
 * are left out: it is charged to an ancestor. The read itself fails with ENODATA in such
 * a cgroup, and in hierarchies without the memory controller, as for bpf.stat.memory.
 *
 * The statistics are flushed once for all, and are as recent as those of memory.stat.
 * The walk doesn't take cgroup_mutex, so cgroups can be created and removed meanwhile.
 * No cgroup is shown twice, and none is missing that was there all the time. One whose
 * mkdir had not returned when the read began, or whose rmdir was called before it ended,
 * may be shown or not. If a cgroup is removed and another one created at the same path,
 * both may be shown; the later line is that of the new one. A cgroup may be shown
 * without its parent, if both were being created. In cgroup v1, where cgroups can be
 * renamed, a line may have the old path or the new one. The lines aren't of the same
 * instant: children may add up to more than their parent.
 *
 * The buffer begins with one page and is doubled until all fits, and each time the
 * walk begins again. It stays as large until the file is closed. So if you keep the
 * file open and read with pread(2), one walk is enough from the second time on. If
 * the output is longer than 4 MiB, some 10,000 cgroups with paths of 60 characters, or
 * 26,000 in binary, read(2) fails with E2BIG: read the files of the children instead.
 *
 * Cost of a walk, in x86 instructions: 4,700 for each cgroup, and for each component of
 * its path 250 plus 27 for each character; 1,400 in binary. The walk is one RCU read-side
 * critical section. It needs no memory but seq_file's buffer, and there is no cost
 * without readers.
 */
#include "escape.bpf.h"
#include "memory.bpf.h"

#define ENODATA		61

#define NAME_SIZE	256	/* of a directory's name, with NUL */

struct name {
	char text[NAME_SIZE];
};

/* Not static, so that the verifier looks at the loop only once. */
__noinline int is_plain(const struct name *name)
{
	int i;

	if (!name)
		return false;

	for (i = 0; i < NAME_SIZE; i++)
		if (is_odd(name->text[i]))
			return !name->text[i];

	return false;
}

static void print_name(struct seq_file *seq, struct cgroup *cgrp)
{
	struct name name;
	long len;

	/* -1 for the terminating NUL */
	len = bpf_probe_read_kernel_str(&name, sizeof(name), cgrp->kn->name) - 1;
	if (len <= 0 || len >= sizeof(name))
		return;

	if (is_plain(&name))
		bpf_seq_write(seq, &name, len);
	else
		print_escaped(seq, name.text, sizeof(name.text));
}

/* Print the path from the cgroup at @top, a level, to its descendant @cgrp. */
static void print_path(struct seq_file *seq, struct cgroup *cgrp, int top)
{
	struct cgroup *ancestor;
	int level;

	if (cgrp->level == top)
		bpf_seq_write(seq, ".", 1);

	bpf_for(level, top + 1, cgrp->level + 1) {
		ancestor = bpf_cgroup_ancestor(cgrp, level);
		if (!ancestor)
			break;
		if (level > top + 1)
			bpf_seq_write(seq, "/", 1);
		print_name(seq, ancestor);
		bpf_cgroup_release(ancestor);
	}
}

static long print_figures(struct seq_file *seq, struct cgroup *cgrp,
			  const struct memory_figures *figures)
{
	if (!is_root(cgrp))
		bpf_seq_put_decimal_ull(seq, " current=", figures->current);
	bpf_seq_put_decimal_ull(seq, " anon=", figures->anon);
	bpf_seq_put_decimal_ull(seq, " file=", figures->file);
	bpf_seq_put_decimal_ull(seq, " kernel=", figures->kernel);
	bpf_seq_put_decimal_ull(seq, " shmem=", figures->shmem);
	bpf_seq_put_decimal_ull(seq, " file_mapped=", figures->file_mapped);
	bpf_seq_put_decimal_ull(seq, " file_dirty=", figures->file_dirty);
	bpf_seq_put_decimal_ull(seq, " inactive_file=", figures->inactive_file);
	bpf_seq_put_decimal_ull(seq, " pgfault=", figures->pgfault);
	bpf_seq_put_decimal_ull(seq, " pgmajfault=", figures->pgmajfault);
	bpf_seq_put_decimal_ull(seq, " file_writeback=", figures->file_writeback);
	bpf_seq_put_decimal_ull(seq, " slab_reclaimable=", figures->slab_reclaimable);
	bpf_seq_put_decimal_ull(seq, " workingset_refault_anon=", figures->workingset_refault_anon);
	bpf_seq_put_decimal_ull(seq, " workingset_refault_file=", figures->workingset_refault_file);
	bpf_seq_put_decimal_ull(seq, " pgscan=", figures->pgscan);
	bpf_seq_put_decimal_ull(seq, " pgsteal=", figures->pgsteal);
	if (!is_root(cgrp))
		bpf_seq_put_decimal_ull(seq, " oom_kill=", figures->oom_kill);
	return bpf_seq_write(seq, "\n", 1);
}

static bool get_figures_of(struct cgroup_subsys_state *css, struct memory_figures *figures)
{
	struct mem_cgroup *memcg;

	/* those that are being created, or were removed and aren't freed yet */
	if ((css->flags & (CSS_ONLINE | CSS_DYING)) != CSS_ONLINE)
		return false;

	memcg = bpf_get_mem_cgroup(css);
	if (!memcg)
		return false;

	get_figures(memcg, figures);
	bpf_put_mem_cgroup(memcg);
	return true;
}

static struct mem_cgroup *get_flushed(struct cgroup *cgrp)
{
	struct mem_cgroup *memcg = bpf_get_mem_cgroup(&cgrp->self);

	if (memcg)
		bpf_mem_cgroup_flush_stats(memcg);
	return memcg;
}

SEC("cgroup/stat.s")
int memory_tree(struct bpf_cgroup_stat_ctx *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct cgroup *cgrp = ctx->cgroup;
	struct cgroup_subsys_state *css;
	struct memory_figures figures;
	struct mem_cgroup *memcg;
	int err = -ENODATA;

	memcg = get_flushed(cgrp);
	if (!memcg)
		return -ENODATA;

	bpf_rcu_read_lock();
	bpf_for_each(css, css, &memcg->css, BPF_CGROUP_ITER_DESCENDANTS_PRE) {
		if (!get_figures_of(css, &figures))
			continue;
		err = 0;
		print_path(seq, css->cgroup, cgrp->level);
		/* if the buffer is full, this run is for nothing */
		if (print_figures(seq, css->cgroup, &figures))
			break;
	}
	bpf_rcu_read_unlock();
	bpf_put_mem_cgroup(memcg);
	return err;
}

/* The same in binary. */
SEC("cgroup/stat.s")
int memory_tree_bin(struct bpf_cgroup_stat_ctx *ctx)
{
	struct memory_tree_entry entry = { .size = sizeof(entry) };
	struct cgroup *cgrp = ctx->cgroup;
	struct cgroup_subsys_state *css;
	struct mem_cgroup *memcg;
	int err = -ENODATA;

	memcg = get_flushed(cgrp);
	if (!memcg)
		return -ENODATA;

	bpf_rcu_read_lock();
	bpf_for_each(css, css, &memcg->css, BPF_CGROUP_ITER_DESCENDANTS_PRE) {
		if (!get_figures_of(css, &entry.figures))
			continue;
		err = 0;
		entry.level = css->cgroup->level - cgrp->level;
		entry.id = css->cgroup->kn->id;
		entry.parent_id = css->parent ? css->parent->cgroup->kn->id : 0;
		if (bpf_seq_write(ctx->meta->seq, &entry, sizeof(entry)))
			break;
	}
	bpf_rcu_read_unlock();
	bpf_put_mem_cgroup(memcg);
	return err;
}

char _license[] SEC("license") = "GPL";
