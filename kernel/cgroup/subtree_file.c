// SPDX-License-Identifier: GPL-2.0
/*
 * Subtree files: a cftype that belongs to a cgroup instead of a controller, and
 * is present in the directories of that cgroup and of all its descendants.
 *
 * Each cgroup has a list of the subtree files that are rooted at it, and one more
 * list has those that are present in every cgroup of every hierarchy. Adding a
 * subtree file creates the file in all cgroups of the subtree. Creating a cgroup,
 * or the root of a cgroup v1 hierarchy, creates the files that its ancestors and the
 * list for every hierarchy have. Removing it removes its files. Whoever does any of
 * this holds cgroup_mutex.
 *
 * A lazy subtree file is created in a cgroup when its name is first looked up there.
 * Listing a directory creates nothing, and shows those that were created before.
 * Otherwise, each task that lists a whole hierarchy, to find or to remove something,
 * would create all files.
 *
 * A subtree file holds no reference on its root cgroup, and the files hold none on
 * the subtree file. Removing the root cgroup also removes the subtree file from
 * the list. A reference on the root cgroup of a v1 hierarchy would keep the
 * hierarchy from being destroyed after it was unmounted, and so keep it from being
 * mounted again.
 *
 * Locking
 *
 * Opening, reading and listing never waits for cgroup_mutex, which may be held for
 * long. So lookups don't take it: subtree_file_mutex serializes the creation of lazy
 * files with their removal.
 *
 * The lists of subtree files change under cgroup_mutex. A subtree file is removed from
 * them under subtree_file_mutex, too, so one that was found under either mutex stays
 * there until the mutex is released. Lookups also search the lists under RCU, which is
 * why a subtree file must be freed after a grace period.
 *
 * The order is: i_rwsem of the directory, cgroup_mutex, subtree_file_mutex, and then
 * the locks of kernfs. A lookup waits for subtree_file_mutex while it holds i_rwsem
 * (shared or exclusive) and an active reference on the directory. rmdir(2) waits for
 * active references on the directory under cgroup_mutex. That can't deadlock, because
 * no holder of subtree_file_mutex waits for cgroup_mutex, for an i_rwsem, or for active
 * references on a directory:
 *
 * - A lookup that creates a file waits for memory and the locks of kernfs. If it must
 *   remove the file again, it may wait for active references on this file: others
 *   activate all nodes of a hierarchy now and then.
 * - Whoever removes lazy files holds cgroup_mutex already, and waits for active
 *   references on files. cgroup_file_open() and the callbacks of subtree files run
 *   with such a reference. They look up nothing, don't access user memory, and take
 *   neither mutex. A BPF program runs after the active protection was broken.
 * - rmdir(2) waits for active references on the directory after it has released
 *   subtree_file_mutex.
 *
 * Lockdep can't verify this, because it doesn't track active references on
 * directories.
 *
 * getdents(2) writes to user memory with kernfs_rwsem held, so a page fault there can
 * block changes in that hierarchy for long: mkdir(2) and rmdir(2) then wait with
 * cgroup_mutex held. A lookup that creates a file waits with subtree_file_mutex held,
 * and with it other such lookups, which can be killed, and rmdir(2) below a lazy file
 * in any hierarchy.
 */
#include <linux/cgroup_subtree_file.h>
#include <linux/cleanup.h>
#include <linux/cred.h>
#include <linux/rculist.h>

#include "cgroup-internal.h"

/* Protects creating and removing lazy files, see above. */
static DEFINE_MUTEX(subtree_file_mutex);

/* Subtree files of every cgroup. Changed under cgroup_mutex, see above. */
static LIST_HEAD(subtree_files_everywhere);

/* All subtree files, to look up their names. Protected by cgroup_mutex. */
static LIST_HEAD(subtree_files_added);

/* Cgroups in which lazy files were created. Protected by subtree_file_mutex. */
static LIST_HEAD(subtree_file_lazy_cgroups);

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

/* Under cgroup_mutex, or for a lazy file under subtree_file_mutex. */
static void subtree_file_count(struct cgroup *cgrp, struct cgroup_subtree_file *file, int n)
{
	WRITE_ONCE(file->nr_files, file->nr_files + n);
	if (!file->lazy)
		return;

	lockdep_assert_held(&subtree_file_mutex);
	if (!cgrp->nr_lazy_files)
		list_add(&cgrp->lazy_files_node, &subtree_file_lazy_cgroups);
	WRITE_ONCE(cgrp->nr_lazy_files, cgrp->nr_lazy_files + n);
	if (!cgrp->nr_lazy_files)
		list_del(&cgrp->lazy_files_node);
}

/*
 * Create the file in @cgrp, without activating it. It gets the owner and group of the
 * parent's directory, because it is the parent that distributes resources to its
 * children (cgroup-v2.rst, "Delegation").
 */
static struct kernfs_node *subtree_file_new_node(struct cgroup *cgrp,
						 struct cgroup_subtree_file *file)
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
		return kn;

	ret = subtree_file_set_group(kn, gid);
	if (ret) {
		kernfs_remove(kn);
		return ERR_PTR(ret);
	}

	subtree_file_count(cgrp, file, 1);
	return kn;
}

static int subtree_file_create(struct cgroup *cgrp, struct cgroup_subtree_file *file)
{
	return PTR_ERR_OR_ZERO(subtree_file_new_node(cgrp, file));
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
	/* @cgrp may not have it if creating @cgrp failed, or if the file is lazy */
	if (!kernfs_remove_by_name(cgrp->kn, file->cft->name))
		subtree_file_count(cgrp, file, -1);
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

/* Remove a lazy file from all cgroups in which it was created. */
static void subtree_file_remove_lazy(struct cgroup_subtree_file *file)
{
	struct cgroup *cgrp, *tmp;

	list_for_each_entry_safe(cgrp, tmp, &subtree_file_lazy_cgroups, lazy_files_node) {
		if (!file->nr_files)
			break;
		if (!file->root || cgroup_is_descendant(cgrp, file->root))
			subtree_file_remove(cgrp, file);
	}
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
	list_add_tail_rcu(&file->node, subtree_file_list(file));
	list_add_tail(&file->added_node, &subtree_files_added);
}

static void subtree_file_unlink(struct cgroup_subtree_file *file)
{
	scoped_guard(mutex, &subtree_file_mutex) {
		if (file->lazy)
			subtree_file_remove_lazy(file);
		list_del_rcu(&file->node);
	}
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

	if (!file->lazy)
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
 * If @file->lazy is set, no file is created now, nor when a cgroup is: it appears in
 * a cgroup when its name is first looked up in the directory. If it can't be created
 * then, the lookup fails with ENOMEM.
 *
 * If it isn't set, from then on mkdir(2) below @root fails with ENOMEM if the file
 * can't be created, and so does mount(2) of a v1 hierarchy if @root is %NULL.
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
 * After the file was removed, a grace period of RCU must pass before @file is freed.
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
 * Context: Process context, may sleep. Takes cgroup_mutex and subtree_file_mutex, and
 *	    waits for callbacks that hold an active reference.
 */
void cgroup_rm_subtree_file(struct cgroup_subtree_file *file)
{
	cgroup_lock();
	if (file->added) {
		/* many files, so don't let lookups wait for subtree_file_mutex meanwhile */
		if (!file->lazy)
			subtree_file_for_each(file, subtree_file_remove);
		subtree_file_unlink(file);
	}
	cgroup_unlock();
}

/* Under subtree_file_mutex or RCU. */
static struct cgroup_subtree_file *subtree_files_find_lazy(struct list_head *files,
							   const char *name)
{
	struct cgroup_subtree_file *file;

	list_for_each_entry_rcu(file, files, node, lockdep_is_held(&subtree_file_mutex)) {
		if (file->lazy && !strcmp(file->cft->name, name))
			return file;
	}
	return NULL;
}

/* The lazy file that @cgrp should have under this name, if any. */
static struct cgroup_subtree_file *subtree_file_find_lazy(struct cgroup *cgrp, const char *name)
{
	struct cgroup_subtree_file *file;
	struct cgroup *pos;

	for (pos = cgrp; pos; pos = cgroup_parent(pos)) {
		file = subtree_files_find_lazy(&pos->subtree_files, name);
		if (file)
			return file;
	}
	return subtree_files_find_lazy(&subtree_files_everywhere, name);
}

static bool subtree_file_is_missing(struct cgroup *cgrp, const char *name)
{
	struct kernfs_node *kn;
	bool missing;

	scoped_guard(rcu) {
		if (!subtree_file_find_lazy(cgrp, name))
			return false;
	}

	/* if this is out of date, creating the file fails with EEXIST */
	if (!READ_ONCE(cgrp->nr_lazy_files))
		return true;

	kn = kernfs_find_and_get(cgrp->kn, name);
	missing = !kn;
	kernfs_put(kn);
	return missing;
}

static int subtree_file_create_lazy(struct cgroup *cgrp, const char *name)
{
	struct cgroup_subtree_file *file;
	struct kernfs_node *kn;

	scoped_cond_guard(mutex_kill, return -EINTR, &subtree_file_mutex) {
		/*
		 * Either may have been removed meanwhile. Today, i_rwsem keeps rmdir(2)
		 * away from lookups, but kernfs promises the active reference only.
		 */
		file = subtree_file_find_lazy(cgrp, name);
		if (!file || cgroup_is_dead(cgrp))
			return 0;

		kn = subtree_file_new_node(cgrp, file);
		if (IS_ERR(kn))
			return kn == ERR_PTR(-EEXIST) ? 0 : PTR_ERR(kn);

		kernfs_activate(kn);
	}
	return 0;
}

/* Not inline, so that lookups of other names needn't save the registers that this uses. */
static noinline int subtree_file_lookup(struct cgroup *cgrp, const char *name)
{
	if (!subtree_file_is_missing(cgrp, name))
		return 1;

	return subtree_file_create_lazy(cgrp, name) ?: 1;
}

/**
 * cgroup_lookup_subtree_file - create a lazy subtree file that is looked up
 * @kn: directory of a cgroup
 * @name: name that is looked up there
 *
 * This is the callback lookup of struct kernfs_syscall_ops. No negative dentry is
 * created for a name that subtree files can have, whether there is one or not, so
 * that adding a lazy one doesn't have to invalidate dentries in the whole subtree.
 *
 * Context: Process context, may sleep. The caller must hold an active reference on
 *	    @kn, which keeps the cgroup. Takes subtree_file_mutex.
 * Return: %0 if subtree files can't have that name; %1 if they can, whether @kn has
 *	   it now or not; %-ENOMEM if out of memory, %-EINTR if the task was killed.
 */
int cgroup_lookup_subtree_file(struct kernfs_node *kn, const char *name)
{
	if (!cgroup_name_reserved(name))
		return 0;

	return subtree_file_lookup(kn->priv, name);
}

static int subtree_files_create(struct cgroup *cgrp, struct list_head *files)
{
	struct cgroup_subtree_file *file;
	int ret;

	list_for_each_entry(file, files, node) {
		ret = file->lazy ? 0 : subtree_file_create(cgrp, file);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * cgroup_populate_subtree_files - create the subtree files of a new cgroup
 * @cgrp: the cgroup, whose directory isn't active yet
 *
 * Lazy ones aren't created. The files are left inactive: the caller activates them
 * with the directory.
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

	if (list_empty(&subtree_files_added))
		return 0;

	for (pos = cgroup_parent(cgrp); pos; pos = cgroup_parent(pos)) {
		ret = subtree_files_create(cgrp, &pos->subtree_files);
		if (ret)
			return ret;
	}
	return subtree_files_create(cgrp, &subtree_files_everywhere);
}

/* Return: true if there are lazy ones, which aren't removed. */
static bool subtree_files_remove_eager(struct cgroup *cgrp, struct list_head *files)
{
	struct cgroup_subtree_file *file;
	bool has_lazy = false;

	list_for_each_entry(file, files, node) {
		if (file->lazy)
			has_lazy = true;
		else
			subtree_file_remove(cgrp, file);
	}
	return has_lazy;
}

static void subtree_files_remove_lazy(struct cgroup *cgrp, struct list_head *files)
{
	struct cgroup_subtree_file *file;

	list_for_each_entry(file, files, node) {
		if (!cgrp->nr_lazy_files)
			return;
		if (file->lazy)
			subtree_file_remove(cgrp, file);
	}
}

/**
 * cgroup_clear_subtree_files - remove the subtree files of a cgroup
 * @cgrp: the cgroup, without live descendants: a dying one, or the root of a
 *	  hierarchy that is being destroyed or couldn't be set up
 *
 * Subtree files that are rooted at @cgrp have no files left after that. They are
 * removed from its list, and their member added becomes false.
 *
 * Context: Process context, may sleep. The caller must hold cgroup_mutex. Takes
 *	    subtree_file_mutex, and waits for callbacks that hold an active reference.
 */
void cgroup_clear_subtree_files(struct cgroup *cgrp)
{
	struct cgroup_subtree_file *file, *tmp;
	struct cgroup *pos;
	bool has_lazy;

	lockdep_assert_held(&cgroup_mutex);

	if (list_empty(&subtree_files_added))
		return;

	has_lazy = subtree_files_remove_eager(cgrp, &subtree_files_everywhere);
	for (pos = cgrp; pos; pos = cgroup_parent(pos))
		has_lazy |= subtree_files_remove_eager(cgrp, &pos->subtree_files);

	/*
	 * Later lookups find that @cgrp is dead. A root isn't, but there are none: its
	 * hierarchy isn't mounted.
	 */
	if (has_lazy) {
		guard(mutex)(&subtree_file_mutex);
		for (pos = cgrp; pos && cgrp->nr_lazy_files; pos = cgroup_parent(pos))
			subtree_files_remove_lazy(cgrp, &pos->subtree_files);
		subtree_files_remove_lazy(cgrp, &subtree_files_everywhere);
	}

	list_for_each_entry_safe(file, tmp, &cgrp->subtree_files, node)
		subtree_file_unlink(file);
}
