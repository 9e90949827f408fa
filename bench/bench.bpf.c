// SPDX-License-Identifier: GPL-2.0
/*
 * The programs that bench.c measures besides those in tools/bpf/cgroup_stat: the
 * minimum that a file can do, the same for its peers, programs that notify those who
 * wait for a file, and programs that measure how long cgroup_mutex is held, how long
 * functions of the kernel take, and how much memory is allocated.
 */
#include "memory.bpf.c"	/* the iterators print the same as memory() */
#include <bpf/bpf_tracing.h>
#include "bench.h"

#define ENOENT	2
#define EINVAL	22

/* One number for each cgroup, in cgroup storage and in a map by the cgroup's id. */
struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_CGROUPS);
	__type(key, __u64);
	__type(value, __u64);
} by_id SEC(".maps");

SEC("cgroup/stat")
int two_bytes(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_seq_write(ctx->meta->seq, "0\n", 2);
	return 0;
}

/* Link updates replace two_bytes() by this. */
SEC("cgroup/stat")
int two_others(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_seq_write(ctx->meta->seq, "1\n", 2);
	return 0;
}

SEC("cgroup/stat")
int number(struct bpf_cgroup_stat_ctx *ctx)
{
	__u64 *value = bpf_cgrp_storage_get(&numbers, ctx->cgroup, NULL, 0);

	bpf_seq_put_decimal_ull(ctx->meta->seq, "", value ? *value : 0);
	bpf_seq_write(ctx->meta->seq, "\n", 1);
	return 0;
}

SEC("cgroup/stat")
int number_printf(struct bpf_cgroup_stat_ctx *ctx)
{
	__u64 *value = bpf_cgrp_storage_get(&numbers, ctx->cgroup, NULL, 0);

	BPF_SEQ_PRINTF(ctx->meta->seq, "%llu\n", value ? *value : 0);
	return 0;
}

__u8 first_byte;

SEC("cgroup/stat")
int trivial_knob(struct bpf_cgroup_stat_ctx *ctx)
{
	const __u8 *data = bpf_cgroup_stat_data(ctx, 1);

	if (!data)
		return -EINVAL;

	first_byte = *data;
	return 0;
}

SEC("iter/cgroup")
int iter_two_bytes(struct bpf_iter__cgroup *ctx)
{
	if (ctx->cgroup)
		bpf_seq_write(ctx->meta->seq, "0\n", 2);
	return 0;
}

SEC("iter/cgroup")
int iter_two_others(struct bpf_iter__cgroup *ctx)
{
	if (ctx->cgroup)
		bpf_seq_write(ctx->meta->seq, "1\n", 2);
	return 0;
}

/* Get the figures as memory() does, which flushes those of the descendants, too. */
static bool get(struct cgroup *cgrp, bool flush, struct memory_figures *figures)
{
	struct mem_cgroup *memcg = bpf_get_mem_cgroup(&cgrp->self);

	if (!memcg)
		return false;

	if (flush)
		bpf_mem_cgroup_flush_stats(memcg);
	get_figures(memcg, figures);
	bpf_put_mem_cgroup(memcg);
	return true;
}

SEC("iter.s/cgroup")
int iter_memory(struct bpf_iter__cgroup *ctx)
{
	struct cgroup *cgrp = ctx->cgroup;
	struct memory_figures figures;

	if (cgrp && get(cgrp, true, &figures))
		print_figures(ctx->meta->seq, cgrp, &figures);
	return 0;
}

/* The same for a subtree: a line with the cgroup's id comes first. */
SEC("iter.s/cgroup")
int walk_memory(struct bpf_iter__cgroup *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct cgroup *cgrp = ctx->cgroup;
	struct memory_figures figures;

	if (!cgrp || !get(cgrp, !ctx->meta->seq_num, &figures))
		return 0;

	bpf_seq_put_decimal_ull(seq, "id ", cgrp->kn->id);
	bpf_seq_write(seq, "\n", 1);
	print_figures(seq, cgrp, &figures);
	return 0;
}

/* The same as numbers. */
SEC("cgroup/stat.s")
int binary(struct bpf_cgroup_stat_ctx *ctx)
{
	struct walked walked = { .id = ctx->cgroup->kn->id };

	if (!get(ctx->cgroup, true, &walked.figures))
		return -ENODATA;

	bpf_seq_write(ctx->meta->seq, &walked, sizeof(walked));
	return 0;
}

/* An array that the reader has mapped. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_CGROUPS);
	__type(key, __u32);
	__type(value, struct walked);
} walked SEC(".maps");

int nr_walked;

SEC("iter.s/cgroup")
int walk_memory_map(struct bpf_iter__cgroup *ctx)
{
	__u32 key = ctx->meta->seq_num;
	struct cgroup *cgrp = ctx->cgroup;
	struct walked *to;

	if (!cgrp)
		return 0;

	to = bpf_map_lookup_elem(&walked, &key);
	if (to && get(cgrp, !key, &to->figures)) {
		to->id = cgrp->kn->id;
		nr_walked++;
	}
	return 0;
}

SEC("syscall")
int run_empty(void *ctx)
{
	return 0;
}

/* Returns the number of the cgroup whose id the caller passes. */
SEC("syscall")
int run_number(struct number_query *query)
{
	struct cgroup *cgrp = bpf_cgroup_from_id(query->id);
	__u64 *value;

	if (!cgrp)
		return 1;

	value = bpf_cgrp_storage_get(&numbers, cgrp, NULL, 0);
	query->value = value ? *value : 0;
	bpf_cgroup_release(cgrp);
	return 0;
}

/* Longest time that cgroup_mutex was held. The machine has only one CPU. */
extern const void cgroup_mutex __ksym;

__u64 longest_hold;
static __u64 held_since;

SEC("fexit/mutex_lock")
int BPF_PROG(hold_begin, struct mutex *lock)
{
	if (lock == (void *)&cgroup_mutex)
		held_since = bpf_ktime_get_ns();
	return 0;
}

SEC("fentry/mutex_unlock")
int BPF_PROG(hold_end, struct mutex *lock)
{
	__u64 ns;

	if (lock != (void *)&cgroup_mutex)
		return 0;

	ns = bpf_ktime_get_ns() - held_since;
	if (ns > longest_hold)
		longest_hold = ns;
	return 0;
}

/*
 * Number of bytes that the process @watched has got from the slab allocator, without
 * the nodes of radix trees. One of these has the inode numbers of 64 files, so not each
 * mkdir allocates as many.
 */
int watched;
__u64 allocated;

static void account(__u64 bytes)
{
	if ((__u32)bpf_get_current_pid_tgid() == watched)
		allocated += bytes;
}

SEC("tp_btf/kmalloc")
int BPF_PROG(on_kmalloc, unsigned long call_site, const void *ptr, size_t bytes_req,
	     size_t bytes_alloc)
{
	account(bytes_alloc);
	return 0;
}

SEC("tp_btf/kmem_cache_alloc")
int BPF_PROG(on_cache_alloc, unsigned long call_site, const void *ptr, struct kmem_cache *cache)
{
	if (cache->object_size != bpf_core_type_size(struct xa_node))
		account(cache->size);
	return 0;
}

/* Notifications. How long the last call took, without reading the clock. */
__u64 took;

#define TIMED(call)							\
({									\
	__u64 first = bpf_ktime_get_ns(), begun = bpf_ktime_get_ns();	\
	long ret = (call);						\
									\
	took = bpf_ktime_get_ns() - begun - (begun - first);		\
	ret;								\
})

SEC("syscall")
int run_notify(struct number_query *query)
{
	struct cgroup *cgrp = bpf_cgroup_from_id(query->id);
	int err;

	if (!cgrp)
		return 1;

	err = TIMED(bpf_cgroup_stat_notify(cgrp, "notify"));
	bpf_cgroup_release(cgrp);
	return err;
}

SEC("syscall")
int run_notify_missing(struct number_query *query)
{
	struct cgroup *cgrp = bpf_cgroup_from_id(query->id);
	int err;

	if (!cgrp)
		return 1;

	err = TIMED(bpf_cgroup_stat_notify(cgrp, "missing"));
	bpf_cgroup_release(cgrp);
	return err != -ENOENT;
}

static long notify_once(__u32 i, struct cgroup **cgrp)
{
	return bpf_cgroup_stat_notify(*cgrp, "notify") != 0;
}

/* Fails if a notification fails: the loop ends then. */
SEC("syscall")
int run_storm(struct number_query *query)
{
	struct cgroup *cgrp = bpf_cgroup_from_id(query->id);
	int rounds;

	if (!cgrp)
		return 1;

	rounds = TIMED(bpf_loop(query->value, notify_once, &cgrp, 0));
	bpf_cgroup_release(cgrp);
	return rounds != query->value;
}

/* The same for programs that can't sleep: a worker notifies. */
struct deferred {
	struct bpf_wq wq;
	__u64 id;		/* of the cgroup */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct deferred);
} deferred SEC(".maps");

static int notify_deferred(void *map, int *key, void *value)
{
	struct deferred *work = value;
	struct cgroup *cgrp = bpf_cgroup_from_id(work->id);

	if (!cgrp)
		return 0;

	bpf_cgroup_stat_notify(cgrp, "notify");
	bpf_cgroup_release(cgrp);
	return 0;
}

static struct deferred *get_deferred(void)
{
	return bpf_map_lookup_elem(&deferred, &(int){ 0 });
}

SEC("syscall")
int run_wq_init(struct number_query *query)
{
	struct deferred *work = get_deferred();

	if (!work)
		return 1;

	work->id = query->id;
	return bpf_wq_init(&work->wq, &deferred, 0) ?:
	       bpf_wq_set_callback(&work->wq, notify_deferred, 0);
}

SEC("syscall")
int run_wq_start(void *ctx)
{
	struct deferred *work = get_deferred();

	return work ? TIMED(bpf_wq_start(&work->wq, 0)) : 1;
}

/* As in sched_switch. An interrupt follows, which starts it. */
static int start_irqs_off(struct deferred *work)
{
	unsigned long flags;
	int err;

	bpf_local_irq_save(&flags);
	err = bpf_wq_start(&work->wq, 0);
	bpf_local_irq_restore(&flags);
	return err;
}

SEC("syscall")
int run_wq_start_irqs_off(void *ctx)
{
	struct deferred *work = get_deferred();

	return work ? TIMED(start_irqs_off(work)) : 1;
}

/* How long the last call of a function took, with these programs, and number of calls. */
__u64 traced, calls;
static __u64 called_at;

#define TRACE(function)						\
SEC("fentry/" #function)					\
int begin_##function(void *ctx)					\
{								\
	called_at = bpf_ktime_get_ns();				\
	return 0;						\
}								\
								\
SEC("fexit/" #function)						\
int end_##function(void *ctx)					\
{								\
	traced = bpf_ktime_get_ns() - called_at;		\
	calls++;						\
	return 0;						\
}

TRACE(bpf_cgroup_stat_notify)
TRACE(cgroup_file_notify)
TRACE(kernfs_notify_workfn)

/* When the process @watched was first switched to, 0 if it wasn't yet. */
__u64 switched_at;

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	if (next->pid == watched && !switched_at)
		switched_at = bpf_ktime_get_ns();
	return 0;
}

/* Lists the memory that a read or write of the file @shown_fd deals with. */
int shown_fd;
bool is_stat_file;

#define THREAD_SIZE	16384

#define SHOW_BYTES(seq, name, at, bytes)				\
({									\
	struct object object = {					\
		.what = name, .addr = (__u64)(at), .size = (bytes),	\
	};								\
									\
	bpf_seq_write(seq, &object, sizeof(object));			\
})
#define SHOW(seq, name, ptr)	SHOW_BYTES(seq, name, ptr, sizeof(*(ptr)))

extern const void __per_cpu_offset __ksym;
extern const void pcpu_base_addr __ksym;
extern const void pcpu_unit_size __ksym;

static __u64 read_word(const void *from, __u32 size)
{
	__u64 word = 0;

	bpf_probe_read_kernel(&word, size, from);
	return word;
}

static void show_cgroup(struct seq_file *to, const struct kernfs_node *kn)
{
	struct cgroup *cgrp = bpf_core_cast(kn->__parent->priv, struct cgroup);
	__u64 count = cgrp->self.refcnt.percpu_count_ptr & ~3UL;

	SHOW(to, "kernfs node", kn);
	SHOW(to, "cgroup", cgrp);
	SHOW_BYTES(to, "per CPU", count + read_word(&__per_cpu_offset, 8), 8);
}

static void show_program(struct seq_file *to, const struct kernfs_node *kn)
{
	struct bpf_cgroup_stat_link *link;
	struct bpf_prog *prog;

	link = container_of(kn->priv, struct bpf_cgroup_stat_link, file.cft[0]);
	link = bpf_core_cast(link, struct bpf_cgroup_stat_link);
	prog = link->link.prog;
	SHOW(to, "program", prog);
	SHOW(to, "program", prog->aux);
	SHOW(to, "link", link);
}

SEC("iter/task_file")
int show_objects(struct bpf_iter__task_file *ctx)
{
	struct seq_file *to = ctx->meta->seq, *seq;
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct kernfs_open_file *of;

	if (!task || !file || ctx->fd != shown_fd)
		return 0;

	seq = bpf_core_cast(file->private_data, struct seq_file);
	of = bpf_core_cast(seq->private, struct kernfs_open_file);
	SHOW_BYTES(to, "task and its stack", task->stack, THREAD_SIZE);
	SHOW(to, "task and its stack", task);
	SHOW_BYTES(to, "per CPU", read_word(&pcpu_base_addr, 8), read_word(&pcpu_unit_size, 4));
	SHOW(to, "open file", file);
	SHOW(to, "open file", seq);
	SHOW(to, "open file", of);
	SHOW_BYTES(to, "open file", seq->buf, seq->size);
	show_cgroup(to, of->kn);
	if (is_stat_file)
		show_program(to, of->kn);
	return 0;
}
