// SPDX-License-Identifier: GPL-2.0
/*
 * Subtree files: a cftype that belongs to a cgroup instead of a controller, and
 * is present in the directories of that cgroup and of all its descendants.
 *
 * Each cgroup has a list of the subtree files that are rooted at it, and one more
 * list has those that are present in every cgroup of every hierarchy. Adding a
 * subtree file creates the file in all cgroups of the subtree. Creating a cgroup,
 * or the root of a cgroup v1 hierarchy, creates the files that its ancestors and the
 * list for every hierarchy have. Removing it removes its files. All of this is
 * protected by cgroup_mutex.
 *
 * A subtree file holds no reference on its root cgroup, and the files hold none on
 * the subtree file. Removing the root cgroup also removes the subtree file from
 * the list. A reference on the root cgroup of a v1 hierarchy would keep the
 * hierarchy from being destroyed after it was unmounted, and so keep it from being
 * mounted again.
 */
#include <linux/cgroup_subtree_file.h>
#include <linux/cred.h>

#include "cgroup-internal.h"

/* Subtree files of every cgroup. Protected by cgroup_mutex. */
static LIST_HEAD(subtree_files_everywhere);

/* All subtree files, to look up their names. Protected by cgroup_mutex. */
static LIST_HEAD(subtree_files_added);

/*
 * Lockdep class for the active references of all subtree files. A key in struct
 * cgroup_subtree_file couldn't be unregistered safely: a handler that broke its
 * active protection may return after the structure was freed.
 */
static struct lock_class_key subtree_file_active_key;

/* Replace the group that a new file inherits from a setgid directory. */
static int subtree_file_set_group(struct kernfs_node *kn, kgid_t gid)
{
	struct iattr iattr = { .ia_valid = ATTR_GID, .ia_gid = gid };
	kuid_t kn_uid;
	kgid_t kn_gid;

	kernfs_get_owner(kn, &kn_uid, &kn_gid);
	return gid_eq(kn_gid, gid) ? 0 : kernfs_setattr(kn, &iattr);
}

/*
 * Create the file in @cgrp, not active yet. It gets the owner and group of the
 * parent's directory, because it is the parent that distributes resources to its
 * children (cgroup-v2.rst, "Delegation").
 */
static int subtree_file_create(struct cgroup *cgrp, struct cgroup_subtree_file *file)
{
	struct cgroup *parent = cgroup_parent(cgrp);
	struct cftype *cft = file->cft;
	kuid_t uid = GLOBAL_ROOT_UID;
	kgid_t gid = GLOBAL_ROOT_GID;
	struct kernfs_node *kn;
	int ret;

	if (parent)
		kernfs_get_owner(parent->kn, &uid, &gid);

	/* the security label must not depend on the current task's credentials */
	scoped_with_kernel_creds() {
		kn = __kernfs_create_file(cgrp->kn, cft->name, file->mode, uid, gid, 0,
					  cft->kf_ops, cft, NULL,
					  &subtree_file_active_key);
	}
	if (IS_ERR(kn))
		return PTR_ERR(kn);

	ret = subtree_file_set_group(kn, gid);
	if (ret) {
		kernfs_remove(kn);
		return ret;
	}

	file->nr_files++;
	return 0;
}

static int subtree_file_activate(struct cgroup *cgrp, struct cgroup_subtree_file *file)
{
	/* can't be NULL: cgroup_mutex has been held since the file was created */
	struct kernfs_node *kn = kernfs_find_and_get(cgrp->kn, file->cft->name);

	kernfs_activate(kn);
	kernfs_put(kn);
	return 0;
}

/* Return: 1 if no cgroup has the file any more, so that a walk can end. */
static int subtree_file_remove(struct cgroup *cgrp, struct cgroup_subtree_file *file)
{
	/* if creating @cgrp failed, it may not have this file */
	if (!kernfs_remove_by_name(cgrp->kn, file->cft->name))
		file->nr_files--;
	return !file->nr_files;
}

static int subtree_file_walk(struct cgroup *root, struct cgroup_subtree_file *file,
			     int (*fn)(struct cgroup *cgrp, struct cgroup_subtree_file *file))
{
	struct cgroup_subsys_state *d_css;
	struct cgroup *dsct;
	int ret;

	cgroup_for_each_live_descendant_pre(dsct, d_css, root) {
		ret = fn(dsct, file);
		if (ret)
			return ret;
	}
	return 0;
}

/* Call @fn for all cgroups that @file is for, until it returns something else than 0. */
static int subtree_file_for_each(struct cgroup_subtree_file *file,
				 int (*fn)(struct cgroup *cgrp, struct cgroup_subtree_file *file))
{
	struct cgroup_root *root;
	int ret;

	if (file->root)
		return subtree_file_walk(file->root, file, fn);

	for_each_root(root) {
		ret = subtree_file_walk(&root->cgrp, file, fn);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * Create all files before any of them is activated, so that on failure only files
 * have to be removed that userspace couldn't see.
 */
static int subtree_file_create_all(struct cgroup_subtree_file *file)
{
	int ret;

	ret = subtree_file_for_each(file, subtree_file_create);
	if (!ret)
		return subtree_file_for_each(file, subtree_file_activate);

	subtree_file_for_each(file, subtree_file_remove);
	return ret;
}

/* The subtree files that have the same root as @file. */
static struct list_head *subtree_file_list(struct cgroup_subtree_file *file)
{
	return file->root ? &file->root->subtree_files : &subtree_files_everywhere;
}

/* %NULL stands for every hierarchy, as in struct cgroup_subtree_file. */
static bool subtrees_overlap(struct cgroup *a, struct cgroup *b)
{
	return !a || !b || cgroup_is_descendant(a, b) || cgroup_is_descendant(b, a);
}

/* No other file can have the name, see CGROUP_SUBTREE_FILE_PREFIX. */
static bool subtree_file_name_taken(struct cgroup_subtree_file *file)
{
	struct cgroup_subtree_file *pos;

	list_for_each_entry(pos, &subtree_files_added, added_node) {
		if (!strcmp(pos->cft->name, file->cft->name) &&
		    subtrees_overlap(pos->root, file->root))
			return true;
	}
	return false;
}

static void subtree_file_link(struct cgroup_subtree_file *file)
{
	file->added = true;
	list_add_tail(&file->node, subtree_file_list(file));
	list_add_tail(&file->added_node, &subtree_files_added);
}

static void subtree_file_unlink(struct cgroup_subtree_file *file)
{
	list_del(&file->node);
	list_del(&file->added_node);
	file->added = false;
	file->root = NULL;
	cgroup_exit_cftypes(file->cft);
}

static int subtree_file_add(struct cgroup_subtree_file *file)
{
	int ret;

	if (file->root && cgroup_is_dead(file->root))
		return -ENODEV;

	if (list_count_nodes(subtree_file_list(file)) >= CGROUP_SUBTREE_FILES_MAX)
		return -E2BIG;

	if (subtree_file_name_taken(file))
		return -EEXIST;

	ret = cgroup_init_cftypes(NULL, file->cft);
	if (ret)
		return ret;

	ret = subtree_file_create_all(file);
	if (ret) {
		cgroup_exit_cftypes(file->cft);
		return ret;
	}

	subtree_file_link(file);
	return 0;
}

/**
 * cgroup_add_subtree_file - create a file in every cgroup of a subtree
 * @root: top of the subtree, in any hierarchy; %NULL for every cgroup of every
 *	  hierarchy
 * @file: the file, zeroed except for the members that its owner sets
 *
 * The file appears in @root and all its descendants, and from then on in every
 * cgroup that is created below @root, until cgroup_rm_subtree_file() is called or
 * @root is removed. The root cgroup of a cgroup v1 hierarchy is removed some time
 * after the hierarchy was unmounted, if it had no other cgroups.
 *
 * In each cgroup the file gets the owner and group that the parent's directory has
 * when the file is created. In a hierarchy's root cgroup it belongs to root.
 *
 * If @root is %NULL, hierarchies that aren't mounted are included, and a v1
 * hierarchy that is mounted later has the file, too.
 *
 * From then on, mkdir(2) below @root fails with ENOMEM if the file can't be created,
 * and so does mount(2) of a v1 hierarchy if @root is %NULL.
 *
 * The callbacks of @file->cft are called with an active reference on the kernfs
 * node held. Removing the file waits for active references with cgroup_mutex held,
 * so a callback that may take long must break the active protection. After that,
 * it must not access @file, the structure that @file is embedded in, or the open
 * file's private data: they may have been freed.
 *
 * kernfs uses the file's kernfs_ops once more after seq_show() has returned, so
 * they must neither be freed with @file nor access it. They are static, and don't
 * access @file at that point, if @file->cft has no max_write_len and no
 * seq_start(). It must not have flags either, and its name must begin with
 * CGROUP_SUBTREE_FILE_PREFIX.
 *
 * Context: Process context, may sleep. Takes cgroup_mutex.
 * Return: %0 on success; %-ENODEV if @root was removed, %-E2BIG if too many
 *	   subtree files have the same @root, %-EEXIST if a cgroup of the subtree,
 *	   or of any hierarchy if @root is %NULL, has a file of that name, %-ENOMEM
 *	   if out of memory, %-EINVAL if @file->cft isn't as described above. No
 *	   file is left on failure.
 */
int cgroup_add_subtree_file(struct cgroup *root, struct cgroup_subtree_file *file)
{
	int ret;

	if (WARN_ON_ONCE(file->cft->seq_start || file->cft->max_write_len ||
			 file->cft->flags || !cgroup_name_reserved(file->cft->name)))
		return -EINVAL;

	cgroup_lock();
	file->root = root;
	ret = subtree_file_add(file);
	cgroup_unlock();
	return ret;
}

/**
 * cgroup_rm_subtree_file - remove a file from every cgroup that has it
 * @file: the file; may have been removed before
 *
 * On return, callbacks of @file may still be running only if they broke their
 * active protection, and none will be called any more.
 *
 * Context: Process context, may sleep. Takes cgroup_mutex, and waits for callbacks
 *	    that hold an active reference.
 */
void cgroup_rm_subtree_file(struct cgroup_subtree_file *file)
{
	cgroup_lock();
	if (file->added) {
		subtree_file_for_each(file, subtree_file_remove);
		subtree_file_unlink(file);
	}
	cgroup_unlock();
}

static int subtree_files_create(struct cgroup *cgrp, struct list_head *files)
{
	struct cgroup_subtree_file *file;
	int ret;

	list_for_each_entry(file, files, node) {
		ret = subtree_file_create(cgrp, file);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * cgroup_populate_subtree_files - create the subtree files of a new cgroup
 * @cgrp: the cgroup, whose directory isn't active yet
 *
 * The files are left inactive: the caller activates them with the directory.
 *
 * Context: Process context, may sleep. The caller must hold cgroup_mutex.
 * Return: %0 on success, %-ENOMEM if out of memory. On failure some of the files
 *	   may exist, and the caller must remove them by
 *	   cgroup_clear_subtree_files().
 */
int cgroup_populate_subtree_files(struct cgroup *cgrp)
{
	struct cgroup *pos;
	int ret;

	lockdep_assert_held(&cgroup_mutex);

	for (pos = cgroup_parent(cgrp); pos; pos = cgroup_parent(pos)) {
		ret = subtree_files_create(cgrp, &pos->subtree_files);
		if (ret)
			return ret;
	}
	return subtree_files_create(cgrp, &subtree_files_everywhere);
}

static void subtree_files_remove(struct cgroup *cgrp, struct list_head *files)
{
	struct cgroup_subtree_file *file;

	list_for_each_entry(file, files, node)
		subtree_file_remove(cgrp, file);
}

/**
 * cgroup_clear_subtree_files - remove the subtree files of a cgroup
 * @cgrp: the cgroup, without live descendants: a dying one, or the root of a
 *	  hierarchy that is being destroyed or couldn't be set up
 *
 * Subtree files that are rooted at @cgrp have no files left after that. They are
 * removed from its list, and their member added becomes false.
 *
 * Context: Process context, may sleep. The caller must hold cgroup_mutex. Waits
 *	    for callbacks that hold an active reference.
 */
void cgroup_clear_subtree_files(struct cgroup *cgrp)
{
	struct cgroup_subtree_file *file, *tmp;
	struct cgroup *pos;

	lockdep_assert_held(&cgroup_mutex);

	for (pos = cgrp; pos; pos = cgroup_parent(pos))
		subtree_files_remove(cgrp, &pos->subtree_files);
	subtree_files_remove(cgrp, &subtree_files_everywhere);

	list_for_each_entry_safe(file, tmp, &cgrp->subtree_files, node)
		subtree_file_unlink(file);
}
