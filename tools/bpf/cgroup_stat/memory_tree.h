/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The output of memory_tree_bin is an array of entries, in the byte order of the
 * machine. Read it by one pread(2) at offset 0, with a buffer that it doesn't fill: at
 * another offset, or after another read, it may be of another walk. It has at most
 * 4 MiB.
 *
 * A cgroup comes before its descendants. Build the tree by the ids: while cgroups are
 * being created, a parent may be missing. Later versions may add figures at the end of
 * an entry, so go to the next entry by @size.
 */
#ifndef __MEMORY_TREE_H
#define __MEMORY_TREE_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* As the lines of the same names in bpf.stat.memory, see memory.bpf.c. */
struct memory_figures {
	__u64 current;		/* 0 in the root cgroup, which has none */
	__u64 anon;
	__u64 file;
	__u64 kernel;
	__u64 shmem;
	__u64 file_mapped;
	__u64 file_dirty;
	__u64 inactive_file;
	__u64 pgfault;
	__u64 pgmajfault;
	__u64 file_writeback;
	__u64 slab_reclaimable;
	__u64 workingset_refault_anon;
	__u64 workingset_refault_file;
	__u64 pgscan;
	__u64 pgsteal;
	__u64 oom_kill;		/* 0 in the root cgroup, which has none */
};

struct memory_tree_entry {
	__u32 size;		/* of this entry, in bytes */
	__u32 level;		/* 0 for the cgroup of the file, 1 for its children */
	__u64 id;		/* of the cgroup: the inode number of its directory */
	__u64 parent_id;	/* 0 for the root cgroup */
	struct memory_figures figures;
};

#endif
