// SPDX-License-Identifier: GPL-2.0
/*
 * Files bpf.stat.<name> in cgroup directories, answered by BPF programs.
 *
 * One link stands for a file in every cgroup of a subtree. The files are made
 * and removed as a subtree file of the cgroup core, which the link embeds; here
 * are the program type, what runs a program when its file is read or written,
 * and the link.
 *
 * The link holds no reference on the cgroup, the files hold none on the link.
 * An active reference on a file's kernfs node keeps the link, because removing
 * the file waits for it. But programs may take long, and nobody shall wait for
 * one: the handler takes references on what it needs, breaks the active
 * protection and doesn't look at the link again.
 */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/cgroup.h>
#include <linux/cgroup_subtree_file.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#define CGROUP_STAT_PREFIX_LEN	(sizeof(CGROUP_SUBTREE_FILE_PREFIX) - 1)
#define CGROUP_STAT_NAME_CHARS	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"	\
				"abcdefghijklmnopqrstuvwxyz"	\
				"0123456789_.-"
#define CGROUP_STAT_MAX_OUTPUT	SZ_4M
#define CGROUP_STAT_DATA_SIZE	SZ_4K	/* of what is written, with at least one NUL */

struct bpf_cgroup_stat_link {
	struct bpf_link link;
	struct cgroup_subtree_file file;
	u64 cookie;
};

/* A program's context, and what bpf_cgroup_stat_data() finds from there. */
struct cgroup_stat_ctx_kern {
	struct bpf_cgroup_stat_ctx ctx;
	u8 *data;		/* CGROUP_STAT_DATA_SIZE bytes; NULL: the file is read */
	size_t data_valid;	/* as far as @data was written or cleared, at least 1 */
};

static struct bpf_cgroup_stat_link *cgroup_stat_link(const struct bpf_link *link)
{
	return container_of(link, struct bpf_cgroup_stat_link, link);
}

/*
 * RCU alone wouldn't do for a program that runs for long: when its last
 * reference is put, what describes it (symbols, exception table) goes at once.
 * A count of zero means that an update has just put another program there. RCU
 * is enough to look at the old one's count, even if it is sleepable: it is freed
 * after a grace period of RCU Tasks Trace, which implies one of RCU.
 */
static struct bpf_prog *cgroup_stat_get_prog(const struct bpf_cgroup_stat_link *link)
{
	struct bpf_prog *prog;

	guard(rcu)();

	do {
		prog = bpf_prog_inc_not_zero(READ_ONCE(link->link.prog));
	} while (IS_ERR(prog));
	return prog;
}

static int cgroup_stat_run_prog(const struct bpf_prog *prog,
				struct bpf_cgroup_stat_ctx *ctx, u64 cookie)
{
	struct bpf_trace_run_ctx run_ctx = { .bpf_cookie = cookie };
	struct bpf_run_ctx *old_run_ctx;
	int ret;

	if (prog->sleepable) {
		rcu_read_lock_trace();
		migrate_disable();
		might_fault();
	} else {
		rcu_read_lock_dont_migrate();
	}

	old_run_ctx = bpf_set_run_ctx(&run_ctx.run_ctx);
	ret = bpf_prog_run(prog, ctx);
	bpf_reset_run_ctx(old_run_ctx);

	if (prog->sleepable) {
		migrate_enable();
		rcu_read_unlock_trace();
	} else {
		rcu_read_unlock_migrate();
	}
	return ret;
}

/* The rest is cleared by bpf_cgroup_stat_data(), as far as a program asks for it. */
static int cgroup_stat_copy_data(struct cgroup_stat_ctx_kern *ctx, const char *buf)
{
	ctx->data = kmalloc(CGROUP_STAT_DATA_SIZE, GFP_KERNEL);
	if (!ctx->data)
		return -ENOMEM;

	memcpy(ctx->data, buf, ctx->data_valid);
	return 0;
}

/*
 * Called with an active reference on the file's kernfs node. Once that is
 * broken, link and file may go any time, and so may the open file's private
 * data. The seq_file and @buf, which is %NULL on read, are the caller's own.
 *
 * Removing the file waits under cgroup_mutex until the active protection is
 * broken, so memory is allocated after that.
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
	struct bpf_prog *prog;
	int ret = 0;

	prog = cgroup_stat_get_prog(link);
	cgroup_get(cgrp);
	kernfs_break_active_protection(kn);

	if (buf)
		ret = cgroup_stat_copy_data(&ctx, buf);
	if (!ret)
		ret = cgroup_stat_run_prog(prog, &ctx.ctx, cookie);
	kfree(ctx.data);
	bpf_prog_put(prog);

	kernfs_unbreak_active_protection(kn);
	cgroup_put(cgrp);

	/* -ERESTARTSYS and below mean something inside the kernel only */
	return (ret > 0 || ret <= -ERESTARTSYS) ? -EIO : ret;
}

static int cgroup_stat_seq_show(struct seq_file *seq, void *v)
{
	int ret = cgroup_stat_run(seq->private, seq, NULL, 0);

	/* seq_file comes again with a bigger buffer */
	if (seq_has_overflowed(seq) && seq->size <= CGROUP_STAT_MAX_OUTPUT)
		return 0;
	if (seq->count > CGROUP_STAT_MAX_OUTPUT)
		return -E2BIG;

	/* seq_file's traverse() would retry on -EAGAIN for ever */
	return ret == -EAGAIN ? -EIO : ret;
}

static ssize_t cgroup_stat_write(struct kernfs_open_file *of, char *buf, size_t nbytes,
				 loff_t off)
{
	/* no room for output; the file says who opened it, for programs that care */
	struct seq_file seq = { .file = of->file };
	int ret;

	/* not by cft->max_write_len, see cgroup_add_subtree_file() */
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

static void bpf_cgroup_stat_link_dealloc(struct bpf_link *link)
{
	kfree(cgroup_stat_link(link));
}

static int bpf_cgroup_stat_link_update(struct bpf_link *link, struct bpf_prog *new_prog,
				       struct bpf_prog *old_prog)
{
	int ret = 0;

	/* against other updates and the removal of the root */
	cgroup_lock();
	if (!cgroup_stat_link(link)->file.root)
		ret = -ENOLINK;
	else if (old_prog && link->prog != old_prog)
		ret = -EPERM;
	else if (new_prog->type != link->prog->type)
		ret = -EINVAL;
	else
		old_prog = xchg(&link->prog, new_prog);
	cgroup_unlock();

	if (!ret)
		bpf_prog_put(old_prog);
	return ret;
}

/* What changes while the link lives, as of one moment. */
struct cgroup_stat_state {
	u64 cgroup_id;
	u32 hierarchy_id;
	u32 nr_files;
};

static struct cgroup_stat_state cgroup_stat_get_state(const struct bpf_cgroup_stat_link *link)
{
	struct cgroup_stat_state state = {};
	struct cgroup *root;

	cgroup_lock();
	root = link->file.root;
	if (root) {
		state.cgroup_id = cgroup_id(root);
		state.hierarchy_id = root->root->hierarchy_id;
		state.nr_files = link->file.nr_files;
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
		   "cookie:\t%llu\n",
		   stat_link->file.cft->name, stat_link->file.mode, state.cgroup_id,
		   state.hierarchy_id, state.nr_files, stat_link->cookie);
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
	info->cgroup_stat.flags = 0;
	info->cgroup_stat.nr_files = state.nr_files;

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

/* A direction that the mode forbids to all gets no handler. */
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
	bpf_link_init(&link->link, BPF_LINK_TYPE_CGROUP_STAT, &bpf_cgroup_stat_link_lops, prog,
		      attr->link_create.attach_type);
	return no_free_ptr(link);
}

/* Make the files, if the caller may write to the directory @path, as for mkdir. */
static int cgroup_stat_add_files(const struct path *path, struct cgroup_subtree_file *file)
{
	struct cgroup_subsys_state *css;
	int ret;

	css = css_tryget_online_from_dir(path->dentry, NULL);
	if (IS_ERR(css))
		return PTR_ERR(css) == -ENOENT ? -ENODEV : PTR_ERR(css);

	ret = -EOPNOTSUPP;
	if (!cgroup_on_dfl(css->cgroup))
		goto out_put;

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
 * bpf_cgroup_stat_link_attach - BPF_LINK_CREATE of BPF_CGROUP_STAT
 * @attr: attributes of the system call
 * @prog: the program; its reference goes over to the link on success
 *
 * Context: Process context, no locks held. Takes cgroup_mutex.
 * Return: fd of the new link, or -errno with nothing left behind.
 */
int bpf_cgroup_stat_link_attach(const union bpf_attr *attr, struct bpf_prog *prog)
{
	const size_t end = offsetofend(union bpf_attr, link_create.stat_cookie);
	struct bpf_cgroup_stat_link *link;
	struct bpf_link_primer primer;
	int ret;

	if (attr->link_create.flags || attr->link_create.target_fd)
		return -EINVAL;

	/* room for fields to come, which mustn't be ignored */
	if (memchr_inv((const void *)attr + end, 0, sizeof(*attr) - end))
		return -EINVAL;

	/* it runs in whoever uses a file: a user namespace's capabilities won't do */
	if (!bpf_capable() || !perfmon_capable())
		return -EPERM;

	CLASS(fd_raw, f)(attr->link_create.cgroup_root);
	if (fd_empty(f))
		return -EBADF;

	link = cgroup_stat_link_alloc(attr, prog);
	if (IS_ERR(link))
		return PTR_ERR(link);

	ret = bpf_link_prime(&link->link, &primer);
	if (ret) {
		kfree(link);
		return ret;
	}

	ret = cgroup_stat_add_files(&fd_file(f)->f_path, &link->file);
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
	/* would hit whoever happens to use the file */
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
 * bpf_cgroup_stat_data - what is being written to the file
 * @ctx: the program's context
 * @rdonly_buf_size: how many bytes to give access to, a constant
 *
 * The first @ctx->len bytes are those that were written, the rest is zero. They
 * can only be read, and stay until the program returns.
 *
 * Return: the bytes; %NULL if the file is read, or @rdonly_buf_size is more than
 *	   4096.
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

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(cgroup_stat_kfunc_ids)
BTF_ID_FLAGS(func, bpf_cgroup_stat_data, KF_RET_NULL)
BTF_KFUNCS_END(cgroup_stat_kfunc_ids)

BTF_ID_LIST_SINGLE(cgroup_stat_send_signal_id, func, bpf_send_signal_task)

/* Programs of other types share the hook, and with it both sets and filters. */
static int cgroup_stat_kfunc_filter(const struct bpf_prog *prog, u32 kfunc_id)
{
	bool is_cgroup_stat = resolve_prog_type(prog) == BPF_PROG_TYPE_CGROUP_STAT;

	if (btf_id_set8_contains(&cgroup_stat_kfunc_ids, kfunc_id))
		return is_cgroup_stat ? 0 : -EACCES;
	/* would hit whoever happens to use the file */
	return is_cgroup_stat && kfunc_id == cgroup_stat_send_signal_id[0] ? -EACCES : 0;
}

static const struct btf_kfunc_id_set cgroup_stat_kfunc_set = {
	.owner	= THIS_MODULE,
	.set	= &cgroup_stat_kfunc_ids,
	.filter	= cgroup_stat_kfunc_filter,
};

static int __init cgroup_stat_kfunc_init(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_CGROUP_STAT, &cgroup_stat_kfunc_set);
}
late_initcall(cgroup_stat_kfunc_init);

const struct bpf_prog_ops cgroup_stat_prog_ops = {
};

const struct bpf_verifier_ops cgroup_stat_verifier_ops = {
	.get_func_proto		= cgroup_stat_func_proto,
	.is_valid_access	= cgroup_stat_is_valid_access,
};
