/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_CGROUP_SUBTREE_FILE_H
#define _LINUX_CGROUP_SUBTREE_FILE_H

#include <linux/cgroup-defs.h>

/*
 * Prefix of the names of subtree files. No cgroup may have such a name, so a new
 * subtree file can only collide with another one.
 */
#define CGROUP_SUBTREE_FILE_PREFIX	"bpf.stat."

/* Maximum number of subtree files that are rooted at one cgroup */
#define CGROUP_SUBTREE_FILES_MAX	64

/**
 * struct cgroup_subtree_file - a file in every cgroup of a subtree
 * @cft: the cftype, whose name and callbacks the owner sets, and a zeroed one that
 *	 terminates the array
 * @mode: permission bits for creating the files, set by the owner
 * @root: top of the subtree; %NULL before the file is added, and after the file or
 *	  its top cgroup was removed. Protected by cgroup_mutex.
 * @nr_files: number of cgroups that have the file. Protected by cgroup_mutex.
 * @node: entry in the list @root->subtree_files. Protected by cgroup_mutex.
 */
struct cgroup_subtree_file {
	struct cftype		cft[2];
	umode_t			mode;
	struct cgroup		*root;
	unsigned int		nr_files;
	struct list_head	node;
};

int cgroup_add_subtree_file(struct cgroup *root, struct cgroup_subtree_file *file);
void cgroup_rm_subtree_file(struct cgroup_subtree_file *file);

#endif /* _LINUX_CGROUP_SUBTREE_FILE_H */
