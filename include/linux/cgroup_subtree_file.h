/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_CGROUP_SUBTREE_FILE_H
#define _LINUX_CGROUP_SUBTREE_FILE_H

#include <linux/cgroup-defs.h>

/*
 * Prefix of the names of subtree files. No cgroup may have such a name, so a new
 * subtree file can only collide with another one.
 */
#define CGROUP_SUBTREE_FILE_PREFIX	"bpf.stat."

/*
 * Maximum number of subtree files that are rooted at the same cgroup. Those that are
 * for every hierarchy have a limit of their own, which is the same.
 */
#define CGROUP_SUBTREE_FILES_MAX	64

/**
 * struct cgroup_subtree_file - a file in every cgroup of a subtree
 * @cft: the cftype, whose name and callbacks the owner sets, and a zeroed one that
 *	 terminates the array
 * @mode: permission bits for creating the files, set by the owner
 * @lazy: create the file in a cgroup when it is looked up there, set by the owner
 * @added: true from when the file is added until it, or its top cgroup, is removed
 * @root: top of the subtree; %NULL for every hierarchy. Only valid if @added.
 * @nr_files: number of cgroups that have the file now. Owners must read it with
 *	      READ_ONCE(): if @lazy, lookups change it without cgroup_mutex.
 * @node: entry in the list @root->subtree_files, or in that for every hierarchy
 * @added_node: entry in the list of all subtree files
 *
 * The members from @added on are protected by cgroup_mutex. For the exceptions, see
 * @nr_files, and subtree_file.c for @node.
 */
struct cgroup_subtree_file {
	struct cftype		cft[2];
	umode_t			mode;
	bool			lazy;
	bool			added;
	struct cgroup		*root;
	unsigned int		nr_files;
	struct list_head	node;
	struct list_head	added_node;
};

int cgroup_add_subtree_file(struct cgroup *root, struct cgroup_subtree_file *file);
void cgroup_rm_subtree_file(struct cgroup_subtree_file *file);

#endif /* _LINUX_CGROUP_SUBTREE_FILE_H */
