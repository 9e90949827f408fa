// SPDX-License-Identifier: GPL-2.0
/*
 * Subtree files: a cftype that belongs to no controller but to a cgroup, and
 * is present in the directories of that cgroup and of all its descendants.
 *
 * Each cgroup lists the subtree files that are rooted there. Adding one makes
 * the file in the whole subtree, a cgroup that is created later makes the files
 * that its ancestors list, and a cgroup that is removed takes its own along.
 * All of it happens under cgroup_mutex. Neither does a subtree file pin its
 * root, nor do the files pin the subtree file: being on the list is the only
 * tie between them.
 */
#include <linux/cgroup_subtree_file.h>
#include <linux/cred.h>

#include "cgroup-internal.h"

/*
 * One class for all: handlers may outlive their subtree file, so a key in there
 * could never be unregistered safely.
 */
static struct lock_class_key subtree_file_active_key;

/* A setgid directory gives its own group to what is made in it. */
static int subtree_file_set_group(struct kernfs_node *kn, kgid_t gid)
{
	struct iattr iattr = { .ia_valid = ATTR_GID, .ia_gid = gid };
	kuid_t kn_uid;
	kgid_t kn_gid;

	kernfs_get_owner(kn, &kn_uid, &kn_gid);
	return gid_eq(kn_gid, gid) ? 0 : kernfs_setattr(kn, &iattr);
}

/*
 * Make the file in @cgrp, inactive. The parent distributes what its children
 * may have, so it's the owner of the parent directory who gets the file.
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

	/* the security label mustn't depend on who causes the file to be made */
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
	/* made before, under the same cgroup_mutex: it is there */
	struct kernfs_node *kn = kernfs_find_and_get(cgrp->kn, file->cft->name);

	kernfs_activate(kn);
	kernfs_put(kn);
}

static void subtree_file_remove(struct cgroup *cgrp, struct cgroup_subtree_file *file)
{
	/* a cgroup whose creation failed may not have it */
	if (!kernfs_remove_by_name(cgrp->kn, file->cft->name))
		file->nr_files--;
}

/* Remove the file from @root and its descendants before @end, in pre-order. */
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
 * All files are made before the first is activated: on failure only files that
 * nobody has seen are removed.
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
 * cgroup_add_subtree_file - make a file in every cgroup of a subtree
 * @root: top of the subtree, on the default hierarchy
 * @file: the file, zeroed but for what its owner sets
 *
 * @file appears in @root and all its descendants, and from then on in every
 * cgroup that is created below @root, until cgroup_rm_subtree_file() or the
 * removal of @root. In cgroup C it belongs to the owner and group of C's parent
 * directory as they are when it is made, in the topmost cgroup to root.
 *
 * The callbacks of @file->cft run with an active reference on the kernfs node.
 * The removal of files waits for those under cgroup_mutex, so a callback that
 * may take long has to break the active protection. From then on @file, what it
 * is embedded in, and the open file's private data may be gone.
 *
 * After seq_show() kernfs uses its ops once more, so they must outlive @file:
 * @file->cft has seq_show() and write(), whose ops are static, but neither
 * seq_start() nor a max_write_len. It has no flags either, and its name begins
 * with CGROUP_SUBTREE_FILE_PREFIX.
 *
 * Context: Process context. Takes cgroup_mutex, may sleep.
 * Return: %0 on success; %-ENODEV if @root was removed, %-E2BIG if too many
 *	   files are rooted there, %-EEXIST if a cgroup of the subtree has a
 *	   file of that name, %-ENOMEM; %-EINVAL if @file->cft isn't as above.
 *	   No file is left on failure.
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
 * @file: the file; nothing is done if it isn't there any more
 *
 * On return no callback of @file runs but those that broke their active
 * protection, and none will be called.
 *
 * Context: Process context. Takes cgroup_mutex, waits for callbacks that hold
 *	    an active reference.
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
 * cgroup_populate_subtree_files - make the subtree files of a new cgroup
 * @cgrp: the cgroup, not visible yet
 *
 * The files are left inactive and go live with the directory.
 *
 * Context: cgroup_mutex held.
 * Return: %0 on success, %-ENOMEM. On failure some of the files may have been
 *	   made: cgroup_clear_subtree_files() removes them.
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
 * cgroup_clear_subtree_files - remove the subtree files of a dying cgroup
 * @cgrp: the cgroup
 *
 * Subtree files that are rooted at @cgrp have no file left after that and are
 * gone for good.
 *
 * Context: cgroup_mutex held. Waits for callbacks that hold an active reference.
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
