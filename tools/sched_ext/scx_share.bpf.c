// SPDX-License-Identifier: GPL-2.0
/*
 * A sched_ext scheduler that is controlled by files in every cgroup's directory.
 *
 *	# echo 300 > /sys/fs/cgroup/web/bpf.stat.share
 *	# echo 2000 > /sys/fs/cgroup/web/bpf.stat.slice_us
 *	# cat /sys/fs/cgroup/web/bpf.stat.runtime
 *	84092115
 *
 * share	the cgroup's weight for sharing CPU time with its siblings, 1 to 10000,
 *		default 100
 * slice_us	how long its tasks run at a stretch while others wait, in microseconds,
 *		1000 to 100000, default 20000; slices end at a timer tick
 * runtime	CPU time that the cgroup and its descendants have used since the
 *		scheduler was loaded, up to the end of the last slice, in microseconds
 *
 * A cgroup whose share or slice_us isn't set inherits that of its parent. cpu.weight
 * and cpu.max have no effect while this scheduler runs. What was written to share and
 * slice_us is lost when it exits, unless the option -k is given.
 *
 * THE PATTERN, for schedulers that want knobs of their own:
 *
 * 1. A map of type BPF_MAP_TYPE_CGRP_STORAGE (@knobs) has a struct for each cgroup
 *    with the values that were written to its files. It is freed with the cgroup. The
 *    scheduler's own data for a cgroup is in another map (@cgrps), so that @knobs can
 *    be pinned and outlive the scheduler.
 * 2. For each file there is a program in SEC("cgroup/stat") that has the file's name
 *    and handles read(2) and write(2) in every cgroup. ctx->len is 0 on read, and
 *    ctx->cgroup is the cgroup, by which the storage is looked up. For a bad value the
 *    program returns an errno, which is what echo shows.
 * 3. The scheduler's callbacks look up the same storage by the task's cgroup. The
 *    value is one aligned word, so neither side takes a lock to access it. Data that
 *    is derived from the values is stored with the @knobs_gen that it is valid for.
 * 4. The loader attaches each program with bpf_program__attach_cgroup_stat(), which
 *    takes the files' mode and the topmost cgroup. It holds the links, and so the
 *    files exist, exactly as long as it runs the scheduler: see scx_share.c.
 * 5. A CALLBACK MUST NOT DROP THE LAST REFERENCE ON A CGROUP. Most callbacks run with
 *    a runqueue lock held. Dropping the last reference queues work, which wakes up a
 *    kworker, which takes the same lock: the machine deadlocks with interrupts
 *    disabled, and nothing is logged. So no reference is kept from one callback to
 *    the next, neither in a map nor elsewhere; the cgroup's id (@cgrp_id) is kept
 *    instead. A reference that is taken and dropped within one callback can't be the
 *    last one. Callbacks that don't sleep are RCU read-side critical sections, and
 *    after rmdir(2) has killed the percpu_ref of a cgroup, that can't drop to 0 before
 *    a grace period has passed. So it is enough that the cgroup wasn't killed before
 *    the callback began, or that somebody else holds a reference until it ends:
 *    - The task's css_set holds one on the cgroup that the task is in, until the task
 *      is freed, also if the task is exiting and the cgroup was removed long ago. A
 *      task that is being moved isn't exiting, so its cgroup wasn't killed before.
 *    - bpf_cgroup_from_id() finds a cgroup only until rmdir(2) has removed its
 *      directory, which comes before the kill.
 *    - A cgroup holds references on its ancestors until it is freed.
 * 6. A CALLBACK MUST NOT CREATE STORAGE FOR CGROUPS, for the same reason: the memory is
 *    charged to the cgroup that the scheduler was loaded in, and if that exceeds its
 *    memory.high, an allocation in an interrupt queues work. A cgroup's storage is
 *    created with the cgroup, see share_cgroup_mkdir() and share_init().
 *
 * THE SCHEDULER
 *
 * A share belongs to a cgroup, whatever its number of tasks, and divides the part of
 * its parent. The tasks that are in a cgroup itself compete with its child cgroups like
 * one more child that has the default share. The tasks of one cgroup take turns,
 * whatever their nice values.
 *
 * A task's cgroup is always that of the default hierarchy, cgroup v2. No controller has
 * to be enabled there: even if the cpu controller is mounted as cgroup v1, shares are
 * obeyed, and its cpu.shares and cpu.cfs_quota_us have no effect. A share in a v1
 * hierarchy would have none either, so scx_share refuses to attach to one.
 *
 * This is start-time fair queueing (Goyal, Vin, Cheng 1996) with cgroups as flows.
 * Each cgroup has a virtual clock. A slice that a task waits for is tagged with the
 * current value of its cgroup's clock, which then advances by the slice divided by the
 * cgroup's part of the machine. That part is the cgroup's share divided by the sum of
 * the shares of all siblings that have runnable tasks, multiplied over all levels. All
 * tasks wait in one queue in the order of their tags, and a CPU takes the first one
 * that may run on it.
 *
 * At first the clock advances by that part of the slice which the task usually uses.
 * Otherwise a cgroup with many tasks that sleep soon would get less than its share.
 * When the slice ends, the clock is corrected by the time that was really used. A slice
 * is free if no other task waited for the CPU. Kernel threads go first, and their time
 * isn't charged to any cgroup.
 *
 * A task doesn't wait much longer than MAX_WAIT_NS, because a clock can't get further
 * ahead of the queue than that. So a cgroup whose share amounts to less than one slice
 * in that time gets more than its share. Shares are parts of the whole machine: what a
 * cgroup can't get on the CPUs that its tasks are bound to isn't made up for on others.
 * A removed cgroup's clock is lost: if each task is run in a new cgroup, the tasks
 * together may get more than the share of the parent.
 */
#include <scx/common.bpf.h>

char _license[] SEC("license") = "GPL";

extern const __u8 *bpf_cgroup_stat_data(struct bpf_cgroup_stat_ctx *ctx,
					const size_t rdonly_buf_size) __ksym;
extern int bpf_seq_put_decimal_ull(struct seq_file *seq, const char *delimiter__str,
				   u64 num) __ksym;

#define NSEC_PER_USEC	1000ULL
#define NSEC_PER_SEC	1000000000ULL

enum {
	SHARED_DSQ	= 0,
	ROOT_CGROUP_ID	= 1,
	DATA_SIZE	= 64,			/* longer than any number and than "default" */

	SHARE_DFL	= 100,
	SHARE_MIN	= 1,
	SHARE_MAX	= 10000,

	SLICE_US_DFL	= 20000,
	SLICE_US_MIN	= 1000,
	SLICE_US_MAX	= 100000,
};

/* Maximum that a clock is ahead of the queue: a third of sched_ext's watchdog timeout. */
#define MAX_WAIT_NS	(10 * NSEC_PER_SEC)
/* Maximum that a clock is behind, if the cgroup hasn't enough tasks to use its share. */
#define MAX_CREDIT_NS	NSEC_PER_SEC
/* Minimum that is charged in advance: enough digits for the ratio of shares. */
#define MIN_USUAL_NS	(50 * NSEC_PER_USEC)
/* Time over which a share that has become idle fades out, see recent_shares(). */
#define FADE_NS		(NSEC_PER_SEC / 2)

UEI_DEFINE(uei);

struct knobs {
	u32		share;
	u32		slice_us;
};

/* The values that were written to a cgroup's files; 0 if none was. */
struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct knobs);
} knobs SEC(".maps");

struct cgrp_ctx {
	struct knobs	now;		/* values that are set here or inherited */
	u64		gen;		/* value of @knobs_gen when @now was computed */

	u64		runtime;	/* in ns, including the descendants' */
	u64		clock;		/* virtual clock: tag of the next slice */

	u32		nr_runnable;	/* runnable tasks of the cgroup itself */
	u32		counted;	/* share that is in the parent's @children, 0: idle */
	u64		children;	/* sum of the children's @counted */
	u64		recent;		/* last result of recent_shares() */
	u64		recent_at;	/* time of that */
};

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct cgrp_ctx);
} cgrps SEC(".maps");

/* Protected by the lock of the task's runqueue. */
struct task_ctx {
	u64		cgrp_id;	/* cgroup whose @nr_runnable has the task, 0: none */
	u64		seen;		/* sum_exec_runtime up to which time is booked */
	u64		usual;		/* average time that it used of its last slices */
	u64		slice;		/* time that was charged in advance, 0: none */
	u64		charge;		/* by how much the clock advanced for @slice */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_ctx);
} tasks SEC(".maps");

/* Incremented by each write to a knob. */
u64 knobs_gen = 1;

/*
 * The virtual time of the queue. It is advanced to the tag of each task that is taken
 * from the queue, and by the time that tasks run while others wait. So it passes the
 * tag of every waiting task at some time.
 */
static u64 queue_clock;

/*
 * Protects the members of all struct cgrp_ctx, except @runtime, which is updated
 * atomically. Values that are read without the lock are used for one slice only.
 */
private(LOCK) struct bpf_spin_lock lock;

static struct task_ctx *task_ctx(struct task_struct *p)
{
	return bpf_task_storage_get(&tasks, p, NULL, 0);
}

/*
 * Returns the context of @cgrp's ancestor at @level, which may be @cgrp itself. It is
 * valid until the program ends, since that is an RCU read-side critical section.
 */
static struct cgrp_ctx *cgrp_ctx(struct cgroup *cgrp, int level)
{
	struct cgroup *ancestor = bpf_cgroup_ancestor(cgrp, level);
	struct cgrp_ctx *cgc;

	if (!ancestor)
		return NULL;
	cgc = bpf_cgrp_storage_get(&cgrps, ancestor, NULL, 0);
	bpf_cgroup_release(ancestor);
	return cgc;
}

/*
 * Returns the cgroup whose @nr_runnable has the task, with a reference that the caller
 * must drop before the callback ends. Returns NULL if there is none, or if the task
 * was moved and the cgroup that it came from has been removed.
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

/* The sum of all shares that compete in a cgroup: its children's and its own tasks'. */
static u64 active_shares(struct cgrp_ctx *cgc)
{
	return cgc->children + (cgc->nr_runnable ? SHARE_DFL : 0);
}

/*
 * The same, but a share that becomes idle fades out over FADE_NS. If a cgroup's part
 * of the machine changed whenever a task wakes up for a moment, the charge for a slice
 * would depend on which tasks happen to be runnable at that time.
 *
 * The caller must hold @lock, and must call this before it takes away a share, so that
 * @recent still includes that.
 */
static u64 recent_shares(struct cgrp_ctx *cgc, u64 now)
{
	u64 shares = active_shares(cgc), age;

	/* another CPU may have called this after the caller read the time */
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
 * Updates @counted of a cgroup and @children of its parent. Returns true if they
 * changed. The share of a removed cgroup isn't counted, even if its @nr_runnable still
 * has a task that was moved out of it.
 */
static bool count_in_parent(struct cgroup *cgrp)
{
	struct cgrp_ctx *cgc = cgrp_ctx(cgrp, cgrp->level);
	struct cgrp_ctx *parent = cgrp_ctx(cgrp, cgrp->level - 1);
	u64 now = scx_bpf_now();
	u32 share = 0, was;

	if (!cgc || !parent)
		return false;

	bpf_spin_lock(&lock);
	/* with the lock held, or this could overwrite what share_cgroup_rmdir() counts */
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
 * Calls count_in_parent() for @cgrp and its ancestors: for all of them if @all, or else
 * only until nothing changes. Each level is computed from the values that it has when
 * the lock is taken, so the sums are right after concurrent calls in any order.
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

/* Overrides @now by the values that are set in @cgrp's ancestor at @level, if any. */
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
 * Updates @now of a cgroup and of its ancestors if a knob was written since. Returns
 * the context of @cgrp, or NULL if one of them has none.
 */
static struct cgrp_ctx *refresh(struct cgroup *cgrp)
{
	struct cgrp_ctx *cgc = cgrp_ctx(cgrp, cgrp->level);
	struct knobs now = { SHARE_DFL, SLICE_US_DFL };
	u64 gen = READ_ONCE(knobs_gen);
	int level;

	if (cgc && cgc->gen == gen)
		return cgc;

	bpf_for(level, 0, cgrp->level + 1) {
		cgc = cgrp_ctx(cgrp, level);
		if (!cgc)
			break;
		inherit(&now, cgrp, level);

		bpf_spin_lock(&lock);
		if (time_after(gen, cgc->gen)) {
			cgc->now = now;
			cgc->gen = gen;
		}
		bpf_spin_unlock(&lock);
	}

	count(cgrp, true);
	return cgc;
}

/* Removes a task from @nr_runnable of the cgroup that it was added to by enter(). */
static void leave(struct task_struct *p, struct task_ctx *taskc)
{
	struct cgroup *cgrp = counts_in(p, taskc);
	u64 now = scx_bpf_now();
	struct cgrp_ctx *cgc;
	u32 left = 1;

	taskc->cgrp_id = 0;
	if (!cgrp)	/* removed: share_cgroup_rmdir() has updated the parents' sums */
		return;
	cgc = cgrp_ctx(cgrp, cgrp->level);
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
 * Adds a runnable task to @nr_runnable of the cgroup that it is in now. Kernel threads
 * aren't added, because they work for all cgroups.
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
		/* a cgroup isn't compensated for the time in which it was idle */
		if (!others && time_before(cgc->clock, queue_clock))
			cgc->clock = queue_clock;
		bpf_spin_unlock(&lock);
		taskc->cgrp_id = cgrp->kn->id;
	}
	if (!others)
		count(cgrp, false);
	bpf_cgroup_release(cgrp);
}

/* Adds the time that a task has run to @runtime of @cgrp and of all its ancestors. */
static void book(struct cgroup *cgrp, u64 used)
{
	struct cgrp_ctx *cgc;
	int level;

	bpf_for(level, 0, cgrp->level + 1) {
		cgc = cgrp_ctx(cgrp, level);
		if (cgc)
			__sync_fetch_and_add(&cgc->runtime, used);
	}
}

/* The clock advanced by @charge for @slice: correct that for the time that was used. */
static void correct(struct cgroup *cgrp, u64 slice, u64 charge, u64 used)
{
	struct cgrp_ctx *cgc = cgrp_ctx(cgrp, cgrp->level);

	if (!cgc)
		return;
	if (used > NSEC_PER_SEC)
		used = NSEC_PER_SEC;	/* MAX_WAIT_NS * used must fit in 64 bits */
	bpf_spin_lock(&lock);
	cgc->clock += charge * used / slice - charge;
	bpf_spin_unlock(&lock);
}

/* Books the time that a task has run since the last call, and corrects the charge. */
static void settle(struct task_struct *p, struct task_ctx *taskc)
{
	u64 used = p->se.sum_exec_runtime - taskc->seen;
	u64 slice = taskc->slice, charge = taskc->charge;
	struct cgroup *cgrp;

	taskc->seen += used;
	taskc->slice = 0;
	if (slice) {
		__sync_fetch_and_add(&queue_clock, used);
		if (used)	/* 0: it was dequeued before it could run */
			taskc->usual = (taskc->usual + used) / 2;
		if (taskc->usual < MIN_USUAL_NS)
			taskc->usual = MIN_USUAL_NS;
	}

	cgrp = counts_in(p, taskc);
	if (cgrp && slice)
		correct(cgrp, slice, charge, used);
	/* its cgroup was removed: book the time where it is now, or it would be lost */
	if (!cgrp && taskc->cgrp_id)
		cgrp = bpf_cgroup_acquire(p->cgroups->dfl_cgrp);
	if (!cgrp)
		return;
	book(cgrp, used);
	bpf_cgroup_release(cgrp);
}

/* By how much the clock advances: the slice divided by the cgroup's part of the machine. */
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
		cgc = cgrp_ctx(cgrp, cgrp->level - up - 1);
		if (!cgc)
			break;
	}
	return charge;
}

/* The tag of a slice that begins now: the cgroup's clock, limited relative to the queue's. */
static u64 tag_of(struct cgrp_ctx *cgc)
{
	u64 clock = cgc->clock, first = queue_clock;

	if (time_before(clock, first - MAX_CREDIT_NS))
		return first - MAX_CREDIT_NS;
	if (time_after(clock, first + MAX_WAIT_NS))
		return first + MAX_WAIT_NS;
	return clock;
}

/* Length of a cgroup's slices. Shortened if very many tasks wait, to keep to MAX_WAIT_NS. */
static u64 slice_of(struct cgrp_ctx *cgc)
{
	u64 slice = cgc->now.slice_us * NSEC_PER_USEC;
	s32 queued = scx_bpf_dsq_nr_queued(SHARED_DSQ);

	if (queued > 0 && slice * queued > MAX_WAIT_NS)
		return MAX_WAIT_NS / queued;
	return slice;
}

/* The context of a runnable task's cgroup. If the task was moved, that is the new one. */
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
 * Charges a task's cgroup for a slice, and returns the slice's tag. Kernel threads
 * always get the lowest possible tag. Other tasks that aren't counted in a cgroup,
 * because there was no memory for its storage, take turns with the rest.
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
		return p->flags & PF_KTHREAD ? queue_clock - MAX_CREDIT_NS : queue_clock + slice;
	cost = charge_of(cgrp, cgc, slice);
	bpf_cgroup_release(cgrp);
	taskc->charge = cost;

	bpf_spin_lock(&lock);
	tag = tag_of(cgc);
	cgc->clock = tag + cost;
	bpf_spin_unlock(&lock);
	return tag;
}

/* No lock is needed: a race between CPUs sets the clock back by a slice at most. */
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

	/* the CPU is idle, so no task waits for it: nothing is charged */
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

	/* share_select_cpu() was called, and found no idle CPU */
	if (enq_flags & SCX_ENQ_CPU_SELECTED)
		return;
	cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

/*
 * Dispatches the task with the lowest tag that may run on this CPU. @prev, whose slice
 * has ended, isn't in the queue yet: it gets another slice unless a task in the queue
 * has a lower tag than that slice would get.
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

/* If this callback exists, sched_ext updates sum_exec_runtime before share_quiescent(). */
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

/* This fails if somebody else creates storage of that cgroup at the same time: try again. */
static void create_ctx(struct cgroup *cgrp)
{
	if (!bpf_cgrp_storage_get(&cgrps, cgrp, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE))
		bpf_cgrp_storage_get(&cgrps, cgrp, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* Creates what the callbacks need in a new cgroup, see rule 6 of THE PATTERN. */
SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(share_cgroup_mkdir, struct cgroup *cgrp, const char *path)
{
	if (!cgrp->root->hierarchy_id)
		create_ctx(cgrp);
	return 0;
}

/*
 * When a cgroup is removed, its @nr_runnable may still have a task that was moved out
 * of it, and leave() can't find the cgroup any more. So stop counting its share now.
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

/* Without these callbacks, sched_ext ends the scheduler when a CPU goes on or offline. */
void BPF_STRUCT_OPS(share_cpu_online, s32 cpu)
{
}

void BPF_STRUCT_OPS(share_cpu_offline, s32 cpu)
{
}

/* The same as share_cgroup_mkdir() for the cgroups that exist already. */
static void create_storage(void)
{
	struct cgroup *root = bpf_cgroup_from_id(ROOT_CGROUP_ID);
	struct cgroup_subsys_state *css;

	if (!root)
		return;
	bpf_rcu_read_lock();
	bpf_for_each(css, css, &root->self, BPF_CGROUP_ITER_DESCENDANTS_PRE)
		create_ctx(css->cgroup);
	bpf_rcu_read_unlock();
	bpf_cgroup_release(root);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(share_init)
{
	create_storage();
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

/* Does @text end after the first @used bytes, apart from a newline? */
static bool ends_after(const char *text, u64 len, u64 used)
{
	if (used >= DATA_SIZE)
		return false;
	return len == used || (len == used + 1 && text[used] == '\n');
}

/* Parses what was written. @value is set to 0 for "default". */
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
	/* bpf_strtol() would skip leading blanks */
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

/* Computes the values that are in effect in @cgrp, for a read of a knob. */
static void knobs_of(struct cgroup *cgrp, struct knobs *now)
{
	int level;

	bpf_for(level, 0, cgrp->level + 1)
		inherit(now, cgrp, level);
}

enum knob { KNOB_SHARE, KNOB_SLICE_US };

/* Handles a write to a knob. */
static int turn(struct bpf_cgroup_stat_ctx *ctx, enum knob knob, s64 min, s64 max)
{
	struct knobs *set;
	u32 value;
	int err;

	err = parse(ctx, min, max, &value);
	if (err)
		return err;
	set = bpf_cgrp_storage_get(&knobs, ctx->cgroup, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!set)	/* somebody else may have created storage at the same time */
		set = bpf_cgrp_storage_get(&knobs, ctx->cgroup, NULL,
					   BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!set)
		return -ENOMEM;

	if (knob == KNOB_SHARE)
		WRITE_ONCE(set->share, value);
	else
		WRITE_ONCE(set->slice_us, value);
	__sync_fetch_and_add(&knobs_gen, 1);
	return 0;
}

static int print(struct seq_file *seq, u64 value)
{
	bpf_seq_put_decimal_ull(seq, "", value);
	bpf_seq_write(seq, "\n", 1);
	return 0;
}

SEC("cgroup/stat")
int share(struct bpf_cgroup_stat_ctx *ctx)
{
	struct knobs now = { SHARE_DFL, SLICE_US_DFL };

	if (ctx->len)
		return turn(ctx, KNOB_SHARE, SHARE_MIN, SHARE_MAX);
	knobs_of(ctx->cgroup, &now);
	return print(ctx->meta->seq, now.share);
}

SEC("cgroup/stat")
int slice_us(struct bpf_cgroup_stat_ctx *ctx)
{
	struct knobs now = { SHARE_DFL, SLICE_US_DFL };

	if (ctx->len)
		return turn(ctx, KNOB_SLICE_US, SLICE_US_MIN, SLICE_US_MAX);
	knobs_of(ctx->cgroup, &now);
	return print(ctx->meta->seq, now.slice_us);
}

SEC("cgroup/stat")
int runtime(struct bpf_cgroup_stat_ctx *ctx)
{
	struct cgrp_ctx *cgc = cgrp_ctx(ctx->cgroup, ctx->cgroup->level);

	return print(ctx->meta->seq, cgc ? cgc->runtime / NSEC_PER_USEC : 0);
}
