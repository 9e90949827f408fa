// SPDX-License-Identifier: GPL-2.0
/*
 * The programs that bench.c measures besides those in tools/bpf/cgroup_stat: the
 * minimum that a file can do, the same for its peers, programs that notify those who
 * wait for a file, and programs that measure how long cgroup_mutex is held, how long
 * functions of the kernel take, and how much memory is allocated.
 */
#include "memory.bpf.c"	/* for print_stats(): the iterators print the same as memory() */
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

static struct mem_cgroup *get_flushed(struct cgroup *cgrp)
{
	struct mem_cgroup *memcg;

	memcg = bpf_get_mem_cgroup(&cgrp->self);
	if (memcg)
		bpf_mem_cgroup_flush_stats(memcg);
	return memcg;
}

SEC("iter.s/cgroup")
int iter_memory(struct bpf_iter__cgroup *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct cgroup *cgrp = ctx->cgroup;
	struct mem_cgroup *memcg;

	memcg = cgrp ? get_flushed(cgrp) : NULL;
	if (!memcg)
		return 0;

	BPF_SEQ_PRINTF(seq, "current %lu\n", bpf_mem_cgroup_usage(memcg));
	print_stats(memcg, seq);
	bpf_put_mem_cgroup(memcg);
	return 0;
}

/* The same for many cgroups: a line with the cgroup's id comes first. */
SEC("iter.s/cgroup")
int walk_memory(struct bpf_iter__cgroup *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct cgroup *cgrp = ctx->cgroup;
	struct mem_cgroup *memcg;

	memcg = cgrp ? get_flushed(cgrp) : NULL;
	if (!memcg)
		return 0;

	BPF_SEQ_PRINTF(seq, "id %llu\ncurrent %lu\n", cgrp->kn->id,
		       bpf_mem_cgroup_usage(memcg));
	print_stats(memcg, seq);
	bpf_put_mem_cgroup(memcg);
	return 0;
}

/* Get the same figures as numbers, without printing them. */
static void get_figures(struct mem_cgroup *memcg, struct cgroup *cgrp, struct figures *to)
{
	to->id = cgrp->kn->id;
	to->values[0] = bpf_mem_cgroup_usage(memcg);
	to->values[1] = node_stat(memcg, NR_ANON_MAPPED);
	to->values[2] = node_stat(memcg, NR_FILE_PAGES);
	to->values[3] = memcg_stat(memcg, MEMCG_KMEM);
	to->values[4] = node_stat(memcg, NR_SHMEM);
	to->values[5] = node_stat(memcg, NR_FILE_MAPPED);
	to->values[6] = node_stat(memcg, NR_FILE_DIRTY);
	to->values[7] = node_stat(memcg, NR_INACTIVE_FILE);
	to->values[8] = vm_event(memcg, PGFAULT);
	to->values[9] = vm_event(memcg, PGMAJFAULT);
}

SEC("cgroup/stat.s")
int binary(struct bpf_cgroup_stat_ctx *ctx)
{
	struct mem_cgroup *memcg = get_flushed(ctx->cgroup);
	struct figures figures;

	if (!memcg)
		return -ENODATA;

	get_figures(memcg, ctx->cgroup, &figures);
	bpf_put_mem_cgroup(memcg);
	bpf_seq_write(ctx->meta->seq, &figures, sizeof(figures));
	return 0;
}

/* An array that the reader has mapped. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_CGROUPS);
	__type(key, __u32);
	__type(value, struct figures);
} walked SEC(".maps");

__u64 nr_walked;

SEC("iter.s/cgroup")
int walk_memory_map(struct bpf_iter__cgroup *ctx)
{
	__u32 key = ctx->meta->seq_num;
	struct cgroup *cgrp = ctx->cgroup;
	struct mem_cgroup *memcg;
	struct figures *to;

	memcg = cgrp ? get_flushed(cgrp) : NULL;
	if (!memcg)
		return 0;

	to = bpf_map_lookup_elem(&walked, &key);
	if (to) {
		get_figures(memcg, cgrp, to);
		nr_walked++;
	}
	bpf_put_mem_cgroup(memcg);
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
