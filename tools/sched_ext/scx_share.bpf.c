// SPDX-License-Identifier: GPL-2.0
/*
 * A sched_ext scheduler that is told per cgroup what to do, by files.
 *
 *	# echo 300 > /sys/fs/cgroup/web/bpf.stat.share
 *	# echo 2000 > /sys/fs/cgroup/web/bpf.stat.slice_us
 *	# cat /sys/fs/cgroup/web/bpf.stat.runtime
 *	84092115
 *
 * share	a cgroup's part of the CPU time in relation to its siblings', 1 to
 *		10000, 100 unless it is set
 * slice_us	for how many microseconds its tasks run at a stretch while others
 *		wait, 1000 to 100000; the kernel ends slices at its timer tick
 * runtime	microseconds that the cgroup and its descendants have used since the
 *		scheduler was loaded, up to the end of the last slice
 *
 * cpu.weight and cpu.max have no effect while this scheduler runs. What was written
 * to share and slice_us is lost when it ends, unless it is told to keep it (-k).
 *
 * THE PATTERN, for schedulers that want knobs of their own:
 *
 * 1. A map of type BPF_MAP_TYPE_CGRP_STORAGE (@knobs) has a struct for each cgroup
 *    with what was written to its files. It goes with the cgroup. It is a map of its
 *    own, apart from what the scheduler keeps for a cgroup (@cgrps), so that it can
 *    be pinned and outlive the scheduler.
 * 2. A program in SEC("cgroup/stat") for each file answers read(2) and write(2) in
 *    every cgroup: ctx->len tells which of the two, ctx->cgroup where, and the
 *    storage is looked up by that. It has the name of the file. Bad values are
 *    refused with an errno, which is what echo shows.
 * 3. The scheduler's callbacks look up the same storage by the task's cgroup. The
 *    value is one aligned word, so neither side takes a lock for it. What has been
 *    derived from a value carries the @knobs_gen that it was derived from.
 * 4. The loader attaches each program with bpf_program__attach_cgroup_stat(), with
 *    the mode and the topmost cgroup. It keeps the links, and so the files, exactly
 *    as long as it runs the scheduler: see scx_share.c.
 * 5. NO CALLBACK DROPS THE LAST REFERENCE OF A CGROUP. Most callbacks run with a
 *    runqueue locked. Dropping the last reference queues work, that wakes a kworker,
 *    and the wakeup wants the same lock: the machine hangs, with interrupts off and
 *    without a word. So no reference is kept from one callback to the next, neither
 *    in a map nor elsewhere. What has to be remembered is the cgroup's id (@cgrp_id).
 *    A reference that is taken and dropped within one callback can't be the last:
 *    the callback is an RCU read-side critical section, and a cgroup keeps its base
 *    reference for a grace period after rmdir(2).
 *    - The cgroup that a task is in is held by the task's css_set, or if the task
 *      is being moved, was not yet removed when the callback began.
 *    - bpf_cgroup_from_id() finds a cgroup only until rmdir(2) has removed its
 *      directory, and the base reference is dropped after that.
 *    - An ancestor is held by its descendants.
 *
 * THE SCHEDULER
 *
 * Shares belong to cgroups, whatever their number of tasks, and nest. The cgroup is
 * the one of the unified hierarchy that the task is in; no controller has to be on
 * there. A cgroup's own tasks are to its child cgroups like one more child that has
 * the default share. Within a cgroup tasks take turns, without regard to nice.
 *
 * This is start-time fair queueing (Goyal, Vin, Cheng 1996) with the cgroups as
 * flows. Every slice that a task waits for gets a tag, which is where its cgroup's
 * virtual clock stands. The clock then goes on by the slice, the slower the greater
 * the cgroup's part of the machine is: its share over those of all siblings that
 * have something to run, multiplied over all levels. All tasks wait in one queue,
 * lowest tag first, and CPUs take the first one that may run on them. A slice is
 * charged as far as the task usually uses it, so that many who sleep soon don't
 * crowd their own cgroup out; what it really was is settled when it ends. A slice that
 * nobody else waited for is free. Kernel threads go first and cost nobody anything.
 *
 * Nobody waits much longer than MAX_WAIT_NS: that bounds how far ahead of the queue a
 * clock may be, at the expense of shares that would ask for less than one slice in
 * that time. Shares are parts of the whole machine. Where tasks are bound to some
 * of its CPUs, the others can't make up for it. And what a cgroup owes is gone when
 * the cgroup is: whoever runs every task in a new one isn't held to the parent's share.
 */
#include <scx/common.bpf.h>

char _license[] SEC("license") = "GPL";

extern const __u8 *bpf_cgroup_stat_data(struct bpf_cgroup_stat_ctx *ctx,
					const size_t rdonly_buf_size) __ksym;

#define NSEC_PER_USEC	1000ULL
#define NSEC_PER_SEC	1000000000ULL

enum {
	SHARED_DSQ	= 0,
	DATA_SIZE	= 64,			/* more than a number or the word have */

	SHARE_DFL	= 100,
	SHARE_MIN	= 1,
	SHARE_MAX	= 10000,

	SLICE_US_DFL	= 20000,
	SLICE_US_MIN	= 1000,
	SLICE_US_MAX	= 100000,
};

/* How far a clock may go ahead of the queue: a third of sched_ext's patience. */
#define MAX_WAIT_NS	(10 * NSEC_PER_SEC)
/* And stay behind, where a cgroup hasn't enough tasks to use its share. */
#define MAX_CREDIT_NS	NSEC_PER_SEC
/* The least that is charged in advance: enough digits for the ratio of shares. */
#define MIN_USUAL_NS	(50 * NSEC_PER_USEC)
/* For how long it matters, less and less, that others had something to run. */
#define FADE_NS		(NSEC_PER_SEC / 2)

UEI_DEFINE(uei);

struct knobs {
	u32		share;
	u32		slice_us;
};

/* What was written to a cgroup's files, 0: nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct knobs);
} knobs SEC(".maps");

struct cgrp_ctx {
	struct knobs	now;		/* what was set here or is inherited */
	u64		gen;		/* @now is of this @knobs_gen */

	u64		runtime;	/* in ns, with the descendants' */
	u64		clock;		/* tag of the next slice */

	u32		nr_runnable;	/* own tasks, not the descendants' */
	u32		counted;	/* share that the parent counts, 0: idle */
	u64		children;	/* sum of the children's @counted */
	u64		recent;		/* what active_shares() was up to @recent_at */
	u64		recent_at;
};

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct cgrp_ctx);
} cgrps SEC(".maps");

/* Written under the lock of the task's runqueue. */
struct task_ctx {
	u64		cgrp_id;	/* where it counts as runnable, 0: nowhere */
	u64		seen;		/* its sum_exec_runtime when last looked at */
	u64		usual;		/* use of its last slices, on average */
	u64		slice;		/* that was charged, 0: free */
	u64		charge;		/* by which the clock went on for it */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_ctx);
} tasks SEC(".maps");

/* Goes on whenever somebody turns a knob. */
u64 knobs_gen = 1;

/*
 * Where the queue is: the highest tag that was taken from it, or what has been run
 * since while others waited. So it passes the tag of every task that waits.
 */
static u64 queue_clock;

/*
 * Protects @gen, @now, @clock and what follows @clock, in all cgroups. What is read
 * without it is used for one slice only.
 */
private(LOCK) struct bpf_spin_lock lock;

static struct task_ctx *task_ctx(struct task_struct *p)
{
	return bpf_task_storage_get(&tasks, p, NULL, 0);
}

/* Of the ancestor at @level, or @cgrp itself; valid until the program ends. */
static struct cgrp_ctx *cgrp_ctx(struct cgroup *cgrp, int level, u64 flags)
{
	struct cgroup *ancestor = bpf_cgroup_ancestor(cgrp, level);
	struct cgrp_ctx *cgc;

	if (!ancestor)
		return NULL;
	cgc = bpf_cgrp_storage_get(&cgrps, ancestor, NULL, flags);
	bpf_cgroup_release(ancestor);
	return cgc;
}

/*
 * Returns the cgroup that a task counts in, with a reference that the caller has to
 * drop before the callback ends. NULL if it counts nowhere, or was moved and the
 * cgroup that it came from has been removed.
 */
static struct cgroup *counts_in(struct task_struct *p, struct task_ctx *taskc)
{
	struct cgroup *cgrp;

	if (!taskc->cgrp_id)
		return NULL;
	cgrp = bpf_cgroup_acquire(p->cgroups->dfl_cgrp);
	if (cgrp && cgrp->kn->id == taskc->cgrp_id)
		return cgrp;
	if (cgrp)
		bpf_cgroup_release(cgrp);
	return bpf_cgroup_from_id(taskc->cgrp_id);
}

/* What competes in a cgroup: its children and, like one more, its own tasks. */
static u64 active_shares(struct cgrp_ctx *cgc)
{
	return cgc->children + (cgc->nr_runnable ? SHARE_DFL : 0);
}

/*
 * The same, but what goes idle fades away: if the part that a cgroup has changed
 * whenever somebody wakes up for a moment, slices would be charged by who happens to
 * wait when they end. To be called with the lock held, and before there is less.
 */
static u64 recent_shares(struct cgrp_ctx *cgc, u64 now)
{
	u64 shares = active_shares(cgc), age;

	/* another CPU may have been here since the caller looked at the clock */
	if (time_before(now, cgc->recent_at))
		now = cgc->recent_at;
	age = now - cgc->recent_at;
	if (cgc->recent > shares && age < FADE_NS)
		shares += (cgc->recent - shares) * (FADE_NS - age) / FADE_NS;
	cgc->recent = shares;
	cgc->recent_at = now;
	return shares;
}

/*
 * Brings what the parent counts for a cgroup up to date. Returns whether it changed.
 * A cgroup that was removed counts nothing, even if a task that was moved out of it
 * hasn't been taken out here yet.
 */
static bool count_in_parent(struct cgroup *cgrp)
{
	struct cgrp_ctx *cgc = cgrp_ctx(cgrp, cgrp->level, 0);
	struct cgrp_ctx *parent = cgrp_ctx(cgrp, cgrp->level - 1, 0);
	u64 now = scx_bpf_now();
	u32 share = 0, was;

	if (!cgc || !parent)
		return false;

	bpf_spin_lock(&lock);
	/* under the lock, or share_cgroup_rmdir() could be overtaken */
	if ((cgrp->self.flags & CSS_ONLINE) && active_shares(cgc))
		share = cgc->now.share;
	recent_shares(parent, now);
	was = cgc->counted;
	cgc->counted = share;
	parent->children += share;
	parent->children -= was;
	bpf_spin_unlock(&lock);

	return share != was;
}

/*
 * The same for all levels from @cgrp upwards, or only as far as something changes.
 * Each level is computed anew from what is there when the lock is taken, so that
 * callers on several CPUs end with the right sums in whatever order they come.
 */
static void count(struct cgroup *cgrp, bool all)
{
	struct cgroup *ancestor;
	bool changed;
	int up;

	bpf_for(up, 0, cgrp->level) {
		ancestor = bpf_cgroup_ancestor(cgrp, cgrp->level - up);
		if (!ancestor)
			return;
		changed = count_in_parent(ancestor);
		bpf_cgroup_release(ancestor);
		if (!changed && !all)
			return;
	}
}

/* What was written in the ancestor at @level, or @cgrp itself, counts in @cgrp, too. */
static void inherit(struct knobs *now, struct cgroup *cgrp, int level)
{
	struct cgroup *ancestor = bpf_cgroup_ancestor(cgrp, level);
	struct knobs *set;
	u32 share, slice_us;

	if (!ancestor)
		return;
	set = bpf_cgrp_storage_get(&knobs, ancestor, NULL, 0);
	bpf_cgroup_release(ancestor);
	if (!set)
		return;

	share = READ_ONCE(set->share);
	slice_us = READ_ONCE(set->slice_us);
	if (share)
		now->share = share;
	if (slice_us)
		now->slice_us = slice_us;
}

/*
 * Brings @now up to date in a cgroup and those above, and makes the storage that
 * isn't there yet. Returns NULL if there is no memory or the cgroup is going.
 */
static struct cgrp_ctx *refresh(struct cgroup *cgrp)
{
	struct cgrp_ctx *cgc = cgrp_ctx(cgrp, cgrp->level, 0);
	struct knobs now = { SHARE_DFL, SLICE_US_DFL };
	u64 gen = READ_ONCE(knobs_gen);
	int level;

	if (cgc && cgc->gen == gen)
		return cgc;

	bpf_for(level, 0, cgrp->level + 1) {
		cgc = cgrp_ctx(cgrp, level, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (!cgc)
			return NULL;
		inherit(&now, cgrp, level);

		bpf_spin_lock(&lock);
		if (time_after(gen, cgc->gen)) {
			cgc->now = now;
			cgc->gen = gen;
		}
		bpf_spin_unlock(&lock);
	}

	count(cgrp, true);
	return cgrp_ctx(cgrp, cgrp->level, 0);
}

/* Takes a task out of the cgroup that it counts in. */
static void leave(struct task_struct *p, struct task_ctx *taskc)
{
	struct cgroup *cgrp = counts_in(p, taskc);
	u64 now = scx_bpf_now();
	struct cgrp_ctx *cgc;
	u32 left = 1;

	taskc->cgrp_id = 0;
	if (!cgrp)	/* share_cgroup_rmdir() has done the rest */
		return;
	cgc = cgrp_ctx(cgrp, cgrp->level, 0);
	if (cgc) {
		bpf_spin_lock(&lock);
		recent_shares(cgc, now);
		left = --cgc->nr_runnable;
		bpf_spin_unlock(&lock);
	}
	if (!left)
		count(cgrp, false);
	bpf_cgroup_release(cgrp);
}

/*
 * Lets a runnable task count in the cgroup that it's in now. Kernel threads don't
 * count: everybody waits for what they do.
 */
static void enter(struct task_struct *p, struct task_ctx *taskc)
{
	struct cgrp_ctx *cgc;
	struct cgroup *cgrp;
	u32 others = 1;

	if (p->flags & PF_KTHREAD)
		return;
	cgrp = bpf_cgroup_acquire(p->cgroups->dfl_cgrp);
	if (!cgrp)
		return;
	cgc = refresh(cgrp);
	if (cgc) {
		bpf_spin_lock(&lock);
		others = cgc->nr_runnable++;
		/* an idle cgroup has no claim to the time that has passed since */
		if (!others && time_before(cgc->clock, queue_clock))
			cgc->clock = queue_clock;
		bpf_spin_unlock(&lock);
		taskc->cgrp_id = cgrp->kn->id;
	}
	if (!others)
		count(cgrp, false);
	bpf_cgroup_release(cgrp);
}

/* Books what a task has run in @cgrp and all cgroups above. */
static void book(struct cgroup *cgrp, u64 used)
{
	struct cgrp_ctx *cgc;
	int level;

	bpf_for(level, 0, cgrp->level + 1) {
		cgc = cgrp_ctx(cgrp, level, 0);
		if (cgc)
			__sync_fetch_and_add(&cgc->runtime, used);
	}
}

/* Corrects a cgroup's clock for a slice that was charged and has been used in part. */
static void correct(struct cgroup *cgrp, u64 slice, u64 charge, u64 used)
{
	struct cgrp_ctx *cgc = cgrp_ctx(cgrp, cgrp->level, 0);

	if (!cgc)
		return;
	if (used > NSEC_PER_SEC)
		used = NSEC_PER_SEC;	/* of MAX_WAIT_NS * used there are 64 bits */
	bpf_spin_lock(&lock);
	cgc->clock += charge * used / slice - charge;
	bpf_spin_unlock(&lock);
}

/* Books what a task has run, and settles what was charged for that. */
static void settle(struct task_struct *p, struct task_ctx *taskc)
{
	u64 used = p->se.sum_exec_runtime - taskc->seen;
	u64 slice = taskc->slice, charge = taskc->charge;
	struct cgroup *cgrp;

	taskc->seen += used;
	taskc->slice = 0;
	if (slice) {
		__sync_fetch_and_add(&queue_clock, used);
		if (used)	/* it may have been taken out of the queue */
			taskc->usual = (taskc->usual + used) / 2;
		if (taskc->usual < MIN_USUAL_NS)
			taskc->usual = MIN_USUAL_NS;
	}

	cgrp = counts_in(p, taskc);
	if (cgrp && slice)
		correct(cgrp, slice, charge, used);
	/* for those above, where it was removed: what the new place has in common with it */
	if (!cgrp && taskc->cgrp_id)
		cgrp = bpf_cgroup_acquire(p->cgroups->dfl_cgrp);
	if (!cgrp)
		return;
	book(cgrp, used);
	bpf_cgroup_release(cgrp);
}

/* How far the clock goes for a slice, by the cgroup's part of the machine. */
static u64 charge_of(struct cgroup *cgrp, struct cgrp_ctx *cgc, u64 slice)
{
	u64 now = scx_bpf_now(), shares, charge = slice;
	u32 share = SHARE_DFL;
	int up;

	bpf_for(up, 0, cgrp->level + 1) {
		bpf_spin_lock(&lock);
		shares = recent_shares(cgc, now);
		bpf_spin_unlock(&lock);

		if (share && shares > share)
			charge = charge * shares / share;
		if (charge > MAX_WAIT_NS)
			return MAX_WAIT_NS;

		share = cgc->counted;
		cgc = cgrp_ctx(cgrp, cgrp->level - up - 1, 0);
		if (!cgc)
			break;
	}
	return charge;
}

/* Where a slice that begins now would be tagged. */
static u64 tag_of(struct cgrp_ctx *cgc)
{
	u64 clock = cgc->clock, first = queue_clock;

	if (time_before(clock, first - MAX_CREDIT_NS))
		return first - MAX_CREDIT_NS;
	if (time_after(clock, first + MAX_WAIT_NS))
		return first + MAX_WAIT_NS;
	return clock;
}

/* How long a cgroup's slices are; with very many tasks all have to be shorter. */
static u64 slice_of(struct cgrp_ctx *cgc)
{
	u64 slice = cgc->now.slice_us * NSEC_PER_USEC;
	s32 queued = scx_bpf_dsq_nr_queued(SHARED_DSQ);

	if (queued > 0 && slice * queued > MAX_WAIT_NS)
		return MAX_WAIT_NS / queued;
	return slice;
}

/* The context of the cgroup that a runnable task is in, which may be a new one. */
static struct cgrp_ctx *cgrp_of(struct task_struct *p, struct task_ctx *taskc)
{
	struct cgrp_ctx *cgc;
	struct cgroup *cgrp;

	if (taskc->cgrp_id != p->cgroups->dfl_cgrp->kn->id) {
		leave(p, taskc);
		enter(p, taskc);
	}
	cgrp = counts_in(p, taskc);
	if (!cgrp)
		return NULL;
	cgc = refresh(cgrp);
	bpf_cgroup_release(cgrp);
	return cgc;
}

/*
 * Charges a task's cgroup for a slice, and returns its tag. Tasks that count in no
 * cgroup, as kernel threads, always have the most credit.
 */
static u64 charge(struct task_struct *p, struct task_ctx *taskc, struct cgrp_ctx *cgc,
		  u64 slice)
{
	struct cgroup *cgrp;
	u64 cost, tag;

	if (taskc->usual < slice)
		slice = taskc->usual;
	taskc->slice = slice;
	taskc->charge = 0;
	cgrp = cgc ? counts_in(p, taskc) : NULL;
	if (!cgrp)
		return queue_clock - MAX_CREDIT_NS;
	cost = charge_of(cgrp, cgc, slice);
	bpf_cgroup_release(cgrp);
	taskc->charge = cost;

	bpf_spin_lock(&lock);
	tag = tag_of(cgc);
	cgc->clock = tag + cost;
	bpf_spin_unlock(&lock);
	return tag;
}

/* Without the lock: that two CPUs may set it back by a slice doesn't matter. */
static void advance_queue(u64 tag)
{
	if (time_after(tag, queue_clock))
		queue_clock = tag;
}

s32 BPF_STRUCT_OPS(share_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	u64 slice = SLICE_US_DFL * NSEC_PER_USEC;
	struct cgrp_ctx *cgc;
	bool is_idle = false;
	s32 cpu;

	cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);
	if (!is_idle)
		return cpu;

	/* nobody waits for this CPU: free */
	cgc = bpf_cgrp_storage_get(&cgrps, p->cgroups->dfl_cgrp, NULL, 0);
	if (cgc && cgc->gen)
		slice = slice_of(cgc);
	scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice, 0);
	return cpu;
}

void BPF_STRUCT_OPS(share_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *taskc = task_ctx(p);
	u64 slice = SLICE_US_DFL * NSEC_PER_USEC, tag = queue_clock - MAX_CREDIT_NS;
	struct cgrp_ctx *cgc;
	s32 cpu;

	if (taskc) {
		settle(p, taskc);
		cgc = cgrp_of(p, taskc);
		if (cgc)
			slice = slice_of(cgc);
		tag = charge(p, taskc, cgc, slice);
	}
	scx_bpf_dsq_insert_vtime(p, SHARED_DSQ, slice, tag, enq_flags);

	/* share_select_cpu() has looked for an idle CPU already, where it was called */
	if (enq_flags & SCX_ENQ_CPU_SELECTED)
		return;
	cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

/*
 * Lets @prev, whose slice is over, go on for another one if nobody waits for this
 * CPU whose tag is lower than its next one would be: it isn't in the queue yet.
 */
void BPF_STRUCT_OPS(share_dispatch, s32 cpu, struct task_struct *prev)
{
	struct task_ctx *taskc = NULL;
	struct cgrp_ctx *cgc = NULL;
	struct task_struct *p;
	bool waits = false;
	u64 tag, slice;

	if (prev && (prev->scx.flags & SCX_TASK_QUEUED)) {
		taskc = task_ctx(prev);
		if (taskc) {
			settle(prev, taskc);
			cgc = cgrp_of(prev, taskc);
		}
	}

	bpf_for_each(scx_dsq, p, SHARED_DSQ, 0) {
		if (!bpf_cpumask_test_cpu(cpu, p->cpus_ptr) ||
		    (is_migration_disabled(p) && scx_bpf_task_cpu(p) != cpu))
			continue;
		tag = p->scx.dsq_vtime;
		waits = true;
		if (cgc && !time_before(tag, tag_of(cgc)))
			break;
		if (scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p, SCX_DSQ_LOCAL, 0)) {
			advance_queue(tag);
			return;
		}
	}

	if (taskc && cgc) {
		slice = slice_of(cgc);
		if (waits)
			advance_queue(charge(prev, taskc, cgc, slice));
		scx_bpf_task_set_slice(prev, slice);
	}
}

/* Its presence brings sum_exec_runtime up to date before share_quiescent(). */
void BPF_STRUCT_OPS(share_stopping, struct task_struct *p, bool runnable)
{
}

void BPF_STRUCT_OPS(share_runnable, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *taskc = task_ctx(p);

	if (taskc)
		enter(p, taskc);
}

void BPF_STRUCT_OPS(share_quiescent, struct task_struct *p, u64 deq_flags)
{
	struct task_ctx *taskc = task_ctx(p);

	if (!taskc)
		return;
	settle(p, taskc);
	leave(p, taskc);
}

/*
 * A task that was moved out may still count in a cgroup when that is removed, and
 * doesn't find it any more when it leaves: nothing there counts from now on.
 */
SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(share_cgroup_rmdir, struct cgroup *cgrp, const char *path)
{
	count(cgrp, false);
	return 0;
}

s32 BPF_STRUCT_OPS(share_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	struct task_ctx *taskc;

	taskc = bpf_task_storage_get(&tasks, p, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!taskc)
		return -ENOMEM;
	taskc->seen = p->se.sum_exec_runtime;
	taskc->usual = SLICE_US_DFL * NSEC_PER_USEC;
	return 0;
}

/* The presence of these two tells sched_ext that CPUs may come and go. */
void BPF_STRUCT_OPS(share_cpu_online, s32 cpu)
{
}

void BPF_STRUCT_OPS(share_cpu_offline, s32 cpu)
{
}

s32 BPF_STRUCT_OPS_SLEEPABLE(share_init)
{
	return scx_bpf_create_dsq(SHARED_DSQ, -1);
}

void BPF_STRUCT_OPS(share_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

SCX_OPS_DEFINE(share_ops,
	       .select_cpu		= (void *)share_select_cpu,
	       .enqueue			= (void *)share_enqueue,
	       .dispatch		= (void *)share_dispatch,
	       .runnable		= (void *)share_runnable,
	       .stopping		= (void *)share_stopping,
	       .quiescent		= (void *)share_quiescent,
	       .init_task		= (void *)share_init_task,
	       .cpu_online		= (void *)share_cpu_online,
	       .cpu_offline		= (void *)share_cpu_offline,
	       .init			= (void *)share_init,
	       .exit			= (void *)share_exit,
	       .name			= "share");

/* Is there nothing behind the first @used bytes, but a newline? */
static bool ends_after(const char *text, u64 len, u64 used)
{
	if (used >= DATA_SIZE)
		return false;
	return len == used || (len == used + 1 && text[used] == '\n');
}

/* 0 in @value stands for "default". */
static int parse(struct bpf_cgroup_stat_ctx *ctx, s64 min, s64 max, u32 *value)
{
	static const char word[] = "default";
	const int word_len = sizeof(word) - 1;
	long used, number;
	const char *text;

	text = (const char *)bpf_cgroup_stat_data(ctx, DATA_SIZE);
	if (!text || ctx->len >= DATA_SIZE)
		return -EINVAL;
	if (!bpf_strncmp(text, word_len, word) && ends_after(text, ctx->len, word_len)) {
		*value = 0;
		return 0;
	}
	/* bpf_strtol() would pass over blanks */
	if (text[0] != '-' && (text[0] < '0' || text[0] > '9'))
		return -EINVAL;

	used = bpf_strtol(text, DATA_SIZE, 10, &number);
	if (used == -ERANGE)
		return -ERANGE;
	if (used < 0 || !ends_after(text, ctx->len, used))
		return -EINVAL;
	if (number < min || number > max)
		return -ERANGE;

	*value = number;
	return 0;
}

/* What a read of a knob shows. */
static void knobs_of(struct cgroup *cgrp, struct knobs *now)
{
	int level;

	bpf_for(level, 0, cgrp->level + 1)
		inherit(now, cgrp, level);
}

enum knob { KNOB_SHARE, KNOB_SLICE_US };

/* What a write to a knob does. */
static int turn(struct bpf_cgroup_stat_ctx *ctx, enum knob knob, s64 min, s64 max)
{
	struct knobs *set;
	u32 value;
	int err;

	err = parse(ctx, min, max, &value);
	if (err)
		return err;
	set = bpf_cgrp_storage_get(&knobs, ctx->cgroup, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!set)	/* another writer may have been quicker */
		set = bpf_cgrp_storage_get(&knobs, ctx->cgroup, NULL, 0);
	if (!set)
		return -ENOMEM;

	if (knob == KNOB_SHARE)
		WRITE_ONCE(set->share, value);
	else
		WRITE_ONCE(set->slice_us, value);
	__sync_fetch_and_add(&knobs_gen, 1);
	return 0;
}

SEC("cgroup/stat")
int share(struct bpf_cgroup_stat_ctx *ctx)
{
	struct knobs now = { SHARE_DFL, SLICE_US_DFL };

	if (ctx->len)
		return turn(ctx, KNOB_SHARE, SHARE_MIN, SHARE_MAX);
	knobs_of(ctx->cgroup, &now);
	BPF_SEQ_PRINTF(ctx->meta->seq, "%u\n", now.share);
	return 0;
}

SEC("cgroup/stat")
int slice_us(struct bpf_cgroup_stat_ctx *ctx)
{
	struct knobs now = { SHARE_DFL, SLICE_US_DFL };

	if (ctx->len)
		return turn(ctx, KNOB_SLICE_US, SLICE_US_MIN, SLICE_US_MAX);
	knobs_of(ctx->cgroup, &now);
	BPF_SEQ_PRINTF(ctx->meta->seq, "%u\n", now.slice_us);
	return 0;
}

SEC("cgroup/stat")
int runtime(struct bpf_cgroup_stat_ctx *ctx)
{
	struct cgrp_ctx *cgc = cgrp_ctx(ctx->cgroup, ctx->cgroup->level, 0);

	BPF_SEQ_PRINTF(ctx->meta->seq, "%llu\n", cgc ? cgc->runtime / NSEC_PER_USEC : 0);
	return 0;
}
