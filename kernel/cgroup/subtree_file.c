// SPDX-License-Identifier: GPL-2.0
/*
 * Subtree files: a cftype that belongs to a cgroup instead of a controller, and
 * is present in the directories of that cgroup and of all its descendants.
 *
 * Each cgroup has a list of the subtree files that are rooted at it. Adding a
 * subtree file creates the file in all cgroups of the subtree. Creating a cgroup
 * creates the files that its ancestors list, removing a cgroup removes its files.
 * All of this is protected by cgroup_mutex.
 *
 * A subtree file holds no reference on its root cgroup, and the files hold none on
 * the subtree file. Removing the root cgroup also removes the subtree file from
 * the list. A reference on the root cgroup of a cgroup v1 hierarchy would keep the
 * hierarchy from being destroyed after it was unmounted, and so keep it from being
 * mounted again.
 */
#include <linux/cgroup_subtree_file.h>
#include <linux/cred.h>

#include "cgroup-internal.h"

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

static void subtree_file_activate(struct cgroup *cgrp, struct cgroup_subtree_file *file)
{
	/* can't be NULL: cgroup_mutex has been held since the file was created */
	struct kernfs_node *kn = kernfs_find_and_get(cgrp->kn, file->cft->name);

	kernfs_activate(kn);
	kernfs_put(kn);
}

static void subtree_file_remove(struct cgroup *cgrp, struct cgroup_subtree_file *file)
{
	/* if creating @cgrp failed, it may not have this file */
	if (!kernfs_remove_by_name(cgrp->kn, file->cft->name))
		file->nr_files--;
}

/*
 * Remove the file from @root and its descendants. Stop before @end, in pre-order,
 * unless it is %NULL.
 */
static void subtree_file_remove_all(struct cgroup *root, struct cgroup_subtree_file *file,
				    struct cgroup *end)
{
	struct cgroup_subsys_state *d_css;
	struct cgroup *dsct;

	cgroup_for_each_live_descendant_pre(dsct, d_css, root) {
		if (dsct == end)
			break;
		subtree_file_remove(dsct, file);
	}
}

/*
 * Create all files before any of them is activated, so that on failure only files
 * have to be removed that userspace couldn't see.
 */
static int subtree_file_create_all(struct cgroup *root, struct cgroup_subtree_file *file)
{
	struct cgroup_subsys_state *d_css;
	struct cgroup *dsct;
	int ret;

	cgroup_for_each_live_descendant_pre(dsct, d_css, root) {
		ret = subtree_file_create(dsct, file);
		if (ret) {
			subtree_file_remove_all(root, file, dsct);
			return ret;
		}
	}

	cgroup_for_each_live_descendant_pre(dsct, d_css, root)
		subtree_file_activate(dsct, file);
	return 0;
}

static void subtree_file_unlink(struct cgroup_subtree_file *file)
{
	list_del(&file->node);
	file->root = NULL;
	cgroup_exit_cftypes(file->cft);
}

static int subtree_file_add(struct cgroup *root, struct cgroup_subtree_file *file)
{
	int ret;

	if (cgroup_is_dead(root))
		return -ENODEV;

	if (list_count_nodes(&root->subtree_files) >= CGROUP_SUBTREE_FILES_MAX)
		return -E2BIG;

	ret = cgroup_init_cftypes(NULL, file->cft);
	if (ret)
		return ret;

	ret = subtree_file_create_all(root, file);
	if (ret) {
		cgroup_exit_cftypes(file->cft);
		return ret;
	}

	file->root = root;
	list_add_tail(&file->node, &root->subtree_files);
	return 0;
}

/**
 * cgroup_add_subtree_file - create a file in every cgroup of a subtree
 * @root: top of the subtree, in any hierarchy
 * @file: the file, zeroed except for the members that its owner sets
 *
 * The file appears in @root and all its descendants, and from then on in every
 * cgroup that is created below @root, until cgroup_rm_subtree_file() is called or
 * @root is removed. The root cgroup of a cgroup v1 hierarchy is removed some time
 * after the hierarchy was unmounted. In each cgroup it gets the owner and group that the parent's
 * directory has when the file is created. In the hierarchy's root cgroup it belongs
 * to root.
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
 *	   subtree files are rooted at @root, %-EEXIST if a cgroup of the subtree
 *	   has a file of that name, %-ENOMEM if out of memory, %-EINVAL if
 *	   @file->cft isn't as described above. No file is left on failure.
 */
int cgroup_add_subtree_file(struct cgroup *root, struct cgroup_subtree_file *file)
{
	int ret;

	if (WARN_ON_ONCE(file->cft->seq_start || file->cft->max_write_len ||
			 file->cft->flags || !cgroup_name_reserved(file->cft->name)))
		return -EINVAL;

	cgroup_lock();
	ret = subtree_file_add(root, file);
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
	if (file->root) {
		subtree_file_remove_all(file->root, file, NULL);
		subtree_file_unlink(file);
	}
	cgroup_unlock();
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
	struct cgroup_subtree_file *file;
	struct cgroup *pos;
	int ret;

	lockdep_assert_held(&cgroup_mutex);

	for (pos = cgroup_parent(cgrp); pos; pos = cgroup_parent(pos)) {
		list_for_each_entry(file, &pos->subtree_files, node) {
			ret = subtree_file_create(cgrp, file);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/**
 * cgroup_clear_subtree_files - remove the subtree files of a cgroup that goes
 * @cgrp: the cgroup, without live descendants: a dying one, or the root of a
 *	  hierarchy that is being destroyed
 *
 * Subtree files that are rooted at @cgrp have no files left after that. They are
 * removed from its list, and their root becomes %NULL.
 *
 * Context: Process context, may sleep. The caller must hold cgroup_mutex. Waits
 *	    for callbacks that hold an active reference.
 */
void cgroup_clear_subtree_files(struct cgroup *cgrp)
{
	struct cgroup_subtree_file *file, *tmp;
	struct cgroup *pos;

	lockdep_assert_held(&cgroup_mutex);

	for (pos = cgrp; pos; pos = cgroup_parent(pos)) {
		list_for_each_entry(file, &pos->subtree_files, node)
			subtree_file_remove(cgrp, file);
	}

	list_for_each_entry_safe(file, tmp, &cgrp->subtree_files, node)
		subtree_file_unlink(file);
}
