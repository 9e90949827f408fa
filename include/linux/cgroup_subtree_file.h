/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_CGROUP_SUBTREE_FILE_H
#define _LINUX_CGROUP_SUBTREE_FILE_H

#include <linux/cgroup-defs.h>

/*
 * Names of subtree files begin with this. No cgroup may have such a name, so
 * whether one is taken depends on subtree files alone.
 */
#define CGROUP_SUBTREE_FILE_PREFIX	"bpf.stat."

/* How many subtree files may be rooted at one cgroup */
#define CGROUP_SUBTREE_FILES_MAX	64

/**
 * struct cgroup_subtree_file - a file in every cgroup of a subtree
 * @cft: what the file is; the owner sets name and callbacks of the first, the
 *	 second stays zero and ends the array
 * @mode: permission bits that the file is made with, set by the owner
 * @root: top of the subtree; %NULL before the file is added, after it is
 *	  removed and once the top was removed. Protected by cgroup_mutex.
 * @nr_files: how many cgroups have the file. Protected by cgroup_mutex.
 * @node: on @root's cgroup->subtree_files. Protected by cgroup_mutex.
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
