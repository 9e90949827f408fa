// SPDX-License-Identifier: GPL-2.0
/*
 * Files bpf.stat.<name> in cgroup directories, answered by BPF programs.
 *
 * A BPF link represents one such file in every cgroup of a subtree, or of all
 * hierarchies. The link embeds a struct cgroup_subtree_file, by which the cgroup core
 * creates and removes the files. This file implements the program type, the handlers
 * that run the program when a file is read or written, and the link.
 *
 * The link holds no reference on the cgroup, and the files hold none on the link.
 * While a handler holds an active reference on the file's kernfs node, the link
 * can't be freed, because removing the file waits for active references. But a
 * program may run for a long time or sleep, and removing the file must not wait
 * for it. So the handler takes a reference on the cgroup, breaks the active
 * protection and must not access the link after that.
 *
 * The handler takes no reference on the program: all readers of a link would write
 * the same cache line. It is in an RCU Tasks Trace read-side critical section
 * instead, from before it looks at the link until the program has ended. Whoever
 * takes a program from a link puts the link's reference after a grace period.
 */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/cgroup.h>
#include <linux/cgroup_subtree_file.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/rcupdate_trace.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#define CGROUP_STAT_PREFIX_LEN	(sizeof(CGROUP_SUBTREE_FILE_PREFIX) - 1)
#define CGROUP_STAT_NAME_CHARS	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"	\
				"abcdefghijklmnopqrstuvwxyz"	\
				"0123456789_.-"
#define CGROUP_STAT_FLAGS	(BPF_F_CGROUP_STAT_ALL | BPF_F_CGROUP_STAT_LAZY)
#define CGROUP_STAT_MAX_OUTPUT	SZ_4M
#define CGROUP_STAT_DATA_SIZE	SZ_4K	/* for the bytes written and at least one NUL */

struct bpf_cgroup_stat_link {
	struct bpf_link link;
	struct cgroup_subtree_file file;
	u64 cookie;
	u32 flags;		/* BPF_F_CGROUP_STAT_* */
};

/* The program's context, followed by what bpf_cgroup_stat_data() needs. */
struct cgroup_stat_ctx_kern {
	struct bpf_cgroup_stat_ctx ctx;
	u8 *data;		/* CGROUP_STAT_DATA_SIZE bytes, NULL on read */
	size_t data_valid;	/* number of bytes of @data that are initialized */
};

static struct bpf_cgroup_stat_link *cgroup_stat_link(const struct bpf_link *link)
{
	return container_of(link, struct bpf_cgroup_stat_link, link);
}

/* The caller is in an RCU Tasks Trace read-side critical section. */
static int cgroup_stat_run_prog(const struct bpf_prog *prog,
				struct bpf_cgroup_stat_ctx *ctx, u64 cookie)
{
	struct bpf_trace_run_ctx run_ctx = { .bpf_cookie = cookie };
	struct bpf_run_ctx *old_run_ctx;
	int ret;

	if (prog->sleepable) {
		migrate_disable();
		might_fault();
	} else {
		rcu_read_lock_dont_migrate();
	}

	old_run_ctx = bpf_set_run_ctx(&run_ctx.run_ctx);
	ret = bpf_prog_run(prog, ctx);
	bpf_reset_run_ctx(old_run_ctx);

	if (prog->sleepable)
		migrate_enable();
	else
		rcu_read_unlock_migrate();
	return ret;
}

/* bpf_cgroup_stat_data() clears the rest of the buffer, as far as it is asked for. */
static int cgroup_stat_copy_data(struct cgroup_stat_ctx_kern *ctx, const char *buf)
{
	ctx->data = kmalloc(CGROUP_STAT_DATA_SIZE, GFP_KERNEL);
	if (!ctx->data)
		return -ENOMEM;

	memcpy(ctx->data, buf, ctx->data_valid);
	return 0;
}

/*
 * Run the program for one read or write. @buf holds the bytes written, and is
 * %NULL on read.
 *
 * The caller holds an active reference on the file's kernfs node. Once the active
 * protection is broken, the link, the file and the open file's private data may be
 * freed at any time. @seq and @buf belong to the caller and stay valid.
 *
 * Removing the file waits for active references with cgroup_mutex held. So memory,
 * whose allocation may sleep, must be allocated after the protection was broken. The
 * program must be taken from the link before that, and RCU Tasks Trace protects it
 * from then on, so the allocation is within the read-side critical section.
 */
static int cgroup_stat_run(struct kernfs_open_file *of, struct seq_file *seq,
			   const char *buf, size_t len)
{
	struct bpf_cgroup_stat_link *link =
		container_of(of_cft(of), struct bpf_cgroup_stat_link, file.cft[0]);
	struct cgroup *cgrp = of_css(of)->cgroup;
	struct kernfs_node *kn = of->kn;
	struct bpf_iter_meta meta = { .seq = seq };
	struct cgroup_stat_ctx_kern ctx = {
		.ctx.meta = &meta,
		.ctx.cgroup = cgrp,
		.ctx.len = len,
		.data_valid = len,
	};
	u64 cookie = link->cookie;
	const struct bpf_prog *prog;
	int ret = 0;

	rcu_read_lock_trace();
	prog = READ_ONCE(link->link.prog);
	cgroup_get(cgrp);
	kernfs_break_active_protection(kn);

	if (buf)
		ret = cgroup_stat_copy_data(&ctx, buf);
	if (!ret)
		ret = cgroup_stat_run_prog(prog, &ctx.ctx, cookie);
	rcu_read_unlock_trace();
	kfree(ctx.data);

	kernfs_unbreak_active_protection(kn);
	cgroup_put(cgrp);

	/* error numbers from ERESTARTSYS on are internal to the kernel */
	return (ret > 0 || ret <= -ERESTARTSYS) ? -EIO : ret;
}

static int cgroup_stat_seq_show(struct seq_file *seq, void *v)
{
	int ret = cgroup_stat_run(seq->private, seq, NULL, 0);

	/* seq_file retries with a bigger buffer */
	if (seq_has_overflowed(seq) && seq->size <= CGROUP_STAT_MAX_OUTPUT)
		return 0;
	if (seq->count > CGROUP_STAT_MAX_OUTPUT)
		return -E2BIG;

	/* traverse() in seq_file would retry on -EAGAIN forever */
	return ret == -EAGAIN ? -EIO : ret;
}

static ssize_t cgroup_stat_write(struct kernfs_open_file *of, char *buf, size_t nbytes,
				 loff_t off)
{
	/* no buffer for output; programs can take the opener's credentials from ->file */
	struct seq_file seq = { .file = of->file };
	int ret;

	/* cft->max_write_len must not be set, see cgroup_add_subtree_file() */
	if (nbytes >= CGROUP_STAT_DATA_SIZE)
		return -E2BIG;

	ret = cgroup_stat_run(of, &seq, buf, nbytes);
	return ret ?: nbytes;
}

static void bpf_cgroup_stat_link_release(struct bpf_link *link)
{
	cgroup_rm_subtree_file(&cgroup_stat_link(link)->file);
}

static int bpf_cgroup_stat_link_detach(struct bpf_link *link)
{
	bpf_cgroup_stat_link_release(link);
	return 0;
}

/* After a grace period of RCU and RCU Tasks Trace, see cgroup_add_subtree_file(). */
static void bpf_cgroup_stat_link_dealloc(struct bpf_link *link)
{
	kfree(cgroup_stat_link(link));
}

/*
 * A link's reference on a program, to be put after a grace period: the last
 * bpf_prog_put() removes the program's symbols and exception table at once.
 */
struct cgroup_stat_put {
	struct bpf_prog *prog;
	struct rcu_head rcu;
};

static void cgroup_stat_put_prog(struct rcu_head *rcu)
{
	struct cgroup_stat_put *put = container_of(rcu, struct cgroup_stat_put, rcu);

	bpf_prog_put(put->prog);
	kfree(put);
}

static int bpf_cgroup_stat_link_update(struct bpf_link *link, struct bpf_prog *new_prog,
				       struct bpf_prog *old_prog)
{
	struct cgroup_stat_put *put;
	int ret = 0;

	put = kmalloc_obj(*put, GFP_KERNEL_ACCOUNT);
	if (!put)
		return -ENOMEM;

	/* serialize against other updates and the removal of the root cgroup */
	cgroup_lock();
	if (!cgroup_stat_link(link)->file.added)
		ret = -ENOLINK;
	else if (old_prog && link->prog != old_prog)
		ret = -EPERM;
	else if (new_prog->type != link->prog->type)
		ret = -EINVAL;
	else
		put->prog = xchg(&link->prog, new_prog);
	cgroup_unlock();

	if (ret)
		kfree(put);
	else
		call_rcu_tasks_trace(&put->rcu, cgroup_stat_put_prog);
	return ret;
}

/* A snapshot of the link's state that may change, taken under cgroup_mutex. */
struct cgroup_stat_state {
	u64 cgroup_id;
	u32 hierarchy_id;
	u32 nr_files;
	u32 attached;
};

static struct cgroup_stat_state cgroup_stat_get_state(const struct bpf_cgroup_stat_link *link)
{
	const struct cgroup_subtree_file *file = &link->file;
	struct cgroup_stat_state state = {};

	cgroup_lock();
	state.attached = file->added;
	if (file->added)
		state.nr_files = READ_ONCE(file->nr_files);
	if (file->added && file->root) {
		state.cgroup_id = cgroup_id(file->root);
		state.hierarchy_id = file->root->root->hierarchy_id;
	}
	cgroup_unlock();
	return state;
}

static void bpf_cgroup_stat_link_show_fdinfo(const struct bpf_link *link, struct seq_file *seq)
{
	const struct bpf_cgroup_stat_link *stat_link = cgroup_stat_link(link);
	struct cgroup_stat_state state = cgroup_stat_get_state(stat_link);

	seq_printf(seq,
		   "name:\t%s\n"
		   "mode:\t%04o\n"
		   "cgroup_id:\t%llu\n"
		   "hierarchy_id:\t%u\n"
		   "nr_files:\t%u\n"
		   "cookie:\t%llu\n"
		   "flags:\t0x%x\n"
		   "attached:\t%u\n",
		   stat_link->file.cft->name, stat_link->file.mode, state.cgroup_id,
		   state.hierarchy_id, state.nr_files, stat_link->cookie, stat_link->flags,
		   state.attached);
}

static int cgroup_stat_copy_name(char __user *ubuf, u32 ulen, const char *name)
{
	size_t len = strlen(name), copied;

	if (!ubuf)
		return 0;

	copied = min_t(size_t, len, ulen - 1);
	if (copy_to_user(ubuf, name, copied) || put_user('\0', ubuf + copied))
		return -EFAULT;
	return copied < len ? -ENOSPC : 0;
}

static int bpf_cgroup_stat_link_fill_link_info(const struct bpf_link *link,
					       struct bpf_link_info *info)
{
	const struct bpf_cgroup_stat_link *stat_link = cgroup_stat_link(link);
	const char *name = stat_link->file.cft->name;
	struct cgroup_stat_state state;
	char __user *ubuf = u64_to_user_ptr(info->cgroup_stat.name);
	u32 ulen = info->cgroup_stat.name_len;

	if (!ubuf != !ulen)
		return -EINVAL;

	state = cgroup_stat_get_state(stat_link);
	info->cgroup_stat.name_len = strlen(name) + 1;
	info->cgroup_stat.mode = stat_link->file.mode;
	info->cgroup_stat.cgroup_id = state.cgroup_id;
	info->cgroup_stat.cookie = stat_link->cookie;
	info->cgroup_stat.hierarchy_id = state.hierarchy_id;
	info->cgroup_stat.flags = stat_link->flags;
	info->cgroup_stat.nr_files = state.nr_files;
	info->cgroup_stat.attached = state.attached;

	return cgroup_stat_copy_name(ubuf, ulen, name);
}

static const struct bpf_link_ops bpf_cgroup_stat_link_lops = {
	.release = bpf_cgroup_stat_link_release,
	.dealloc_deferred = bpf_cgroup_stat_link_dealloc,
	.detach = bpf_cgroup_stat_link_detach,
	.update_prog = bpf_cgroup_stat_link_update,
	.show_fdinfo = bpf_cgroup_stat_link_show_fdinfo,
	.fill_link_info = bpf_cgroup_stat_link_fill_link_info,
};

/*
 * Only set the handlers that @mode has a permission bit for. Without a handler,
 * read(2) or write(2) fails with EINVAL, even for root.
 */
static int cgroup_stat_set_mode(struct cgroup_subtree_file *file, u32 mode)
{
	if (mode & ~0666)
		return -EINVAL;

	file->mode = mode ?: 0444;
	if (file->mode & 0444)
		file->cft->seq_show = cgroup_stat_seq_show;
	if (file->mode & 0222)
		file->cft->write = cgroup_stat_write;
	return 0;
}

static int cgroup_stat_set_name(struct cftype *cft, const char __user *uname,
				const struct bpf_prog *prog)
{
	char *name = cft->name + CGROUP_STAT_PREFIX_LEN;
	const size_t size = sizeof(cft->name) - CGROUP_STAT_PREFIX_LEN;
	long len;

	strscpy(cft->name, CGROUP_SUBTREE_FILE_PREFIX);

	if (uname)
		len = strncpy_from_user(name, uname, size);
	else
		len = strscpy(name, prog->aux->name, size);

	if (len < 0)
		return len;
	if (!len)
		return -EINVAL;
	if (len == size)
		return -ENAMETOOLONG;
	if (name[strspn(name, CGROUP_STAT_NAME_CHARS)])
		return -EINVAL;
	return 0;
}

static struct bpf_cgroup_stat_link *cgroup_stat_link_alloc(const union bpf_attr *attr,
							   struct bpf_prog *prog)
{
	struct bpf_cgroup_stat_link *link __free(kfree) = kzalloc_obj(*link, GFP_USER);
	int ret;

	if (!link)
		return ERR_PTR(-ENOMEM);

	ret = cgroup_stat_set_mode(&link->file, attr->link_create.stat_mode);
	if (ret)
		return ERR_PTR(ret);

	ret = cgroup_stat_set_name(link->file.cft,
				   u64_to_user_ptr(attr->link_create.stat_name), prog);
	if (ret)
		return ERR_PTR(ret);

	link->cookie = attr->link_create.stat_cookie;
	link->flags = attr->link_create.flags;
	link->file.lazy = link->flags & BPF_F_CGROUP_STAT_LAZY;
	bpf_link_init_sleepable(&link->link, BPF_LINK_TYPE_CGROUP_STAT, &bpf_cgroup_stat_link_lops,
				prog, attr->link_create.attach_type, true);
	return no_free_ptr(link);
}

/*
 * Create the files of a subtree, if the caller has the permissions for mkdir(2) in
 * the directory at its top.
 */
static int cgroup_stat_add_subtree(u32 cgroup_root, struct cgroup_subtree_file *file)
{
	CLASS(fd_raw, f)(cgroup_root);
	struct cgroup_subsys_state *css;
	const struct path *path;
	int ret;

	if (fd_empty(f))
		return -EBADF;

	path = &fd_file(f)->f_path;
	css = css_tryget_online_from_dir(path->dentry, NULL);
	if (IS_ERR(css))
		return PTR_ERR(css) == -ENOENT ? -ENODEV : PTR_ERR(css);

	ret = mnt_want_write(path->mnt);
	if (ret)
		goto out_put;

	ret = path_permission(path, MAY_WRITE | MAY_EXEC);
	if (!ret)
		ret = cgroup_add_subtree_file(css->cgroup, file);
	mnt_drop_write(path->mnt);
out_put:
	css_put(css);
	return ret;
}

/**
 * bpf_cgroup_stat_link_attach - create a cgroup stat link and its files
 * @attr: attributes of BPF_LINK_CREATE
 * @prog: the program; on success the link takes over the caller's reference
 *
 * Context: Process context, may sleep. Takes cgroup_mutex.
 * Return: file descriptor of the new link on success; negative errno otherwise, see
 *	   Documentation/bpf/prog_cgroup_stat.rst. No file is left on failure.
 */
int bpf_cgroup_stat_link_attach(const union bpf_attr *attr, struct bpf_prog *prog)
{
	const size_t end = offsetofend(union bpf_attr, link_create.stat_cookie);
	bool all = attr->link_create.flags & BPF_F_CGROUP_STAT_ALL;
	struct bpf_cgroup_stat_link *link;
	struct bpf_link_primer primer;
	int ret;

	if (attr->link_create.flags & ~CGROUP_STAT_FLAGS || attr->link_create.target_fd)
		return -EINVAL;
	if (all && attr->link_create.cgroup_root)
		return -EINVAL;

	/* reserved for new fields, which must not be silently ignored */
	if (memchr_inv((const void *)attr + end, 0, sizeof(*attr) - end))
		return -EINVAL;

	/*
	 * The program runs in every task that reads or writes a file, so these
	 * capabilities are needed in the initial user namespace.
	 */
	if (!bpf_capable() || !perfmon_capable())
		return -EPERM;

	/* there is no directory whose permissions could be checked */
	if (all && !capable(CAP_SYS_ADMIN))
		return -EPERM;

	link = cgroup_stat_link_alloc(attr, prog);
	if (IS_ERR(link))
		return PTR_ERR(link);

	ret = bpf_link_prime(&link->link, &primer);
	if (ret) {
		kfree(link);
		return ret;
	}

	if (all)
		ret = cgroup_add_subtree_file(NULL, &link->file);
	else
		ret = cgroup_stat_add_subtree(attr->link_create.cgroup_root, &link->file);
	if (ret) {
		bpf_link_cleanup(&primer);
		return ret;
	}

	return bpf_link_settle(&primer);
}

static const struct bpf_func_proto *
cgroup_stat_func_proto(enum bpf_func_id func_id, const struct bpf_prog *prog)
{
	switch (func_id) {
	/* these act on the current task, which is just a reader or writer of the file */
	case BPF_FUNC_probe_write_user:
	case BPF_FUNC_send_signal:
	case BPF_FUNC_send_signal_thread:
		return NULL;
	default:
		return tracing_prog_func_proto(func_id, prog);
	}
}

BTF_ID_LIST(cgroup_stat_ctx_btf_ids)
BTF_ID(struct, bpf_iter_meta)
BTF_ID(struct, cgroup)

static bool cgroup_stat_is_ptr_access(int size, u32 btf_id, struct bpf_insn_access_aux *info)
{
	if (size != sizeof(u64))
		return false;

	info->btf = bpf_get_btf_vmlinux();
	if (IS_ERR_OR_NULL(info->btf))
		return false;

	info->btf_id = btf_id;
	info->reg_type = PTR_TO_BTF_ID | PTR_TRUSTED;
	return true;
}

static bool cgroup_stat_is_valid_access(int off, int size, enum bpf_access_type type,
					const struct bpf_prog *prog,
					struct bpf_insn_access_aux *info)
{
	if (type != BPF_READ || off % size)
		return false;

	switch (off) {
	case bpf_ctx_range_ptr(struct bpf_cgroup_stat_ctx, meta):
		return cgroup_stat_is_ptr_access(size, cgroup_stat_ctx_btf_ids[0], info);
	case bpf_ctx_range_ptr(struct bpf_cgroup_stat_ctx, cgroup):
		return cgroup_stat_is_ptr_access(size, cgroup_stat_ctx_btf_ids[1], info);
	case bpf_ctx_range(struct bpf_cgroup_stat_ctx, len):
		return true;
	default:
		return false;
	}
}

__bpf_kfunc_start_defs();

/**
 * bpf_cgroup_stat_data - get the bytes that are being written to the file
 * @ctx: the program's context
 * @rdonly_buf_size: number of bytes that the program may access, a constant
 *
 * The first @ctx->len bytes are those that were written, the rest is zero. The
 * memory is read-only and valid until the program returns.
 *
 * Return: Pointer to the bytes; %NULL if the file is being read, or if
 *	   @rdonly_buf_size is more than 4096.
 */
__bpf_kfunc const u8 *bpf_cgroup_stat_data(struct bpf_cgroup_stat_ctx *ctx,
					   const size_t rdonly_buf_size)
{
	struct cgroup_stat_ctx_kern *kern =
		container_of(ctx, struct cgroup_stat_ctx_kern, ctx);

	if (!kern->data || rdonly_buf_size > CGROUP_STAT_DATA_SIZE)
		return NULL;

	if (rdonly_buf_size > kern->data_valid) {
		memset(kern->data + kern->data_valid, 0, rdonly_buf_size - kern->data_valid);
		kern->data_valid = rdonly_buf_size;
	}
	return kern->data;
}

/**
 * bpf_cgroup_stat_notify - wake up who waits for a change of a cgroup's file
 * @cgrp: the cgroup
 * @name__str: name of the file without the prefix, a constant
 *
 * poll(2) on the file reports POLLPRI and POLLERR until the file is read, and inotify
 * reports IN_MODIFY. Call this after whatever the file shows has changed. Several calls
 * may be reported as one.
 *
 * Only sleepable programs may call this, because finding the file takes a semaphore.
 * Others can call it from the callback of a bpf_wq.
 *
 * Context: Process context, may sleep. Takes the kernfs_rwsem of the hierarchy, which
 *	    kernfs may hold while it allocates or releases an inode. So this can't be
 *	    called in memory reclaim or in the LSM hook inode_free_security.
 * Return: %0 on success; %-ENOENT if there is no such file, which includes that the
 *	   cgroup was removed, or that the link is lazy and nobody has looked up the
 *	   file; %-ENAMETOOLONG if no file can have a name of that length; %-EDEADLK
 *	   in memory reclaim.
 */
__bpf_kfunc int bpf_cgroup_stat_notify(struct cgroup *cgrp, const char *name__str)
{
	char name[MAX_CFTYPE_NAME] = CGROUP_SUBTREE_FILE_PREFIX;
	struct kernfs_node *kn;

	if (current->flags & PF_MEMALLOC)
		return -EDEADLK;

	if (strscpy(name + CGROUP_STAT_PREFIX_LEN, name__str,
		    sizeof(name) - CGROUP_STAT_PREFIX_LEN) < 0)
		return -ENAMETOOLONG;

	kn = kernfs_find_and_get(cgrp->kn, name);
	if (!kn)
		return -ENOENT;

	kernfs_notify(kn);
	kernfs_put(kn);
	return 0;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(cgroup_stat_kfunc_ids)
BTF_ID_FLAGS(func, bpf_cgroup_stat_data, KF_RET_NULL)
BTF_KFUNCS_END(cgroup_stat_kfunc_ids)

BTF_ID_LIST_SINGLE(cgroup_stat_send_signal_id, func, bpf_send_signal_task)

/*
 * Other program types share BTF_KFUNC_HOOK_TRACING, so this is called for their
 * programs and for their kfuncs, too.
 */
static int cgroup_stat_kfunc_filter(const struct bpf_prog *prog, u32 kfunc_id)
{
	bool is_cgroup_stat = resolve_prog_type(prog) == BPF_PROG_TYPE_CGROUP_STAT;

	if (btf_id_set8_contains(&cgroup_stat_kfunc_ids, kfunc_id))
		return is_cgroup_stat ? 0 : -EACCES;
	/* refused like the helpers bpf_send_signal() and bpf_send_signal_thread() */
	return is_cgroup_stat && kfunc_id == cgroup_stat_send_signal_id[0] ? -EACCES : 0;
}

static const struct btf_kfunc_id_set cgroup_stat_kfunc_set = {
	.owner	= THIS_MODULE,
	.set	= &cgroup_stat_kfunc_ids,
	.filter	= cgroup_stat_kfunc_filter,
};

BTF_KFUNCS_START(cgroup_stat_notify_ids)
BTF_ID_FLAGS(func, bpf_cgroup_stat_notify, KF_SLEEPABLE)
BTF_KFUNCS_END(cgroup_stat_notify_ids)

BTF_ID_LIST(cgroup_stat_inode_free_id)
#ifdef CONFIG_BPF_LSM
BTF_ID(func, bpf_lsm_inode_free_security)
#else
BTF_ID_UNUSED
#endif

/* The last reference on an inode may be put with kernfs_rwsem held. */
static int cgroup_stat_notify_filter(const struct bpf_prog *prog, u32 kfunc_id)
{
	if (!btf_id_set8_contains(&cgroup_stat_notify_ids, kfunc_id))
		return 0;
	return prog->type == BPF_PROG_TYPE_LSM &&
	       prog->aux->attach_btf_id == cgroup_stat_inode_free_id[0] ? -EACCES : 0;
}

static const struct btf_kfunc_id_set cgroup_stat_notify_set = {
	.owner	= THIS_MODULE,
	.set	= &cgroup_stat_notify_ids,
	.filter	= cgroup_stat_notify_filter,
};

static int __init cgroup_stat_kfunc_init(void)
{
	int ret;

	ret = register_btf_kfunc_id_set(BPF_PROG_TYPE_CGROUP_STAT, &cgroup_stat_kfunc_set);
	/* for all program types, as the data that files show can come from any of them */
	return ret ?: register_btf_kfunc_id_set(BPF_PROG_TYPE_UNSPEC, &cgroup_stat_notify_set);
}
late_initcall(cgroup_stat_kfunc_init);

const struct bpf_prog_ops cgroup_stat_prog_ops = {
};

const struct bpf_verifier_ops cgroup_stat_verifier_ops = {
	.get_func_proto		= cgroup_stat_func_proto,
	.is_valid_access	= cgroup_stat_is_valid_access,
};
