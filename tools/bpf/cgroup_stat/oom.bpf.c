// SPDX-License-Identifier: GPL-2.0
/*
 * oom: how many processes did the OOM killer kill, and which one was the last?
 *
 * A process that is killed is counted in its cgroup and in all ancestors of it, so that
 * a parent includes its descendants, even those that were removed, and the root has all.
 * It doesn't matter whether a cgroup had reached its memory.max, as in memory.oom.group,
 * or the machine was out of memory, or somebody has used SysRq.
 *
 * The file is flat keyed. It has its first line only as long as nothing was killed:
 *
 *	kills 3			processes that were killed so far
 *	last_pid 4711		the last one of them, by its number outside of all containers
 *	last_comm python3	its name
 *	last_time_usec 6184320	when it was killed, by CLOCK_MONOTONIC
 *	last_cgroup_id 2342	the cgroup that it was in: inode number of the directory,
 *	last_cgroup worker	and the last component of its path
 *
 * In both names, backslashes, blanks and control characters are printed as in
 * /proc/mounts: a backslash and three octal digits. If its threads are in different
 * cgroups, its cgroup is that of one of them which still used its memory.
 *
 * A kill wakes up who waits for this file or an ancestor's with poll(2) or inotify, unless
 * the link gives the file another name than "oom".
 *
 * kills is oom_kill in memory.events, with these differences. memory.events may count a
 * process of a memory.oom.group twice. If the mount option memory_localevents is set, it
 * excludes descendants. In cgroups without the memory controller there is none, and the
 * root cgroup has none. It counts the process where its memory is charged, which is an
 * ancestor of the cgroup that it is in if the controller isn't enabled there.
 *
 * Not counted are processes that were exiting when the OOM killer found them, which it
 * only helps to end, those that share the memory of a process that is killed, and those
 * that others than the OOM killer of the kernel have killed, such as systemd-oomd. There
 * is one exception: a process that the kernel has killed for another reason, as at the
 * limit of its CPU time, is counted if the OOM killer then helps it to end.
 *
 * In cgroup v1 hierarchies, read(2) fails with ENODATA: kills are only counted in
 * cgroups of the default hierarchy, which is cgroup v2, wherever the memory controller is.
 *
 * When the machine is out of memory, it is too late to allocate some: so 700 bytes for a
 * cgroup and for each of its ancestors are allocated when its file is first read, and kept
 * until the cgroup is freed. If nobody has read it, they are allocated when a process is
 * killed. If that fails, the kill isn't counted in that cgroup and those below, so a
 * parent never shows less than the sum of its children. After 1,024 cgroups whose readers
 * wait to be woken up, others are not woken up before the next kill.
 *
 * Cost: about 1,200 x86 instructions for each kill, 330 more for each level of the
 * hierarchy down to its cgroup, and 1,400 where memory has to be allocated. 120 for each
 * signal of any kind. This is for all processes, also for those in cgroups that don't have
 * the file. A read takes 3,000, and 1,400 before the first kill.
 */
#include "escape.bpf.h"
#include "storage.bpf.h"
#include <bpf/bpf_tracing.h>

#define ENODATA		61
#define SIGKILL		9
#define SEND_SIG_PRIV	1	/* instead of a pointer: the kernel sends it */

#define COMM_SIZE	16
#define NAME_SIZE	256	/* of a directory's name, with NUL */
#define MAX_CHANGED	1024

struct kill {
	__u64 time_ns;
	__u64 cgroup_id;
	__u32 pid;
	char comm[COMM_SIZE];
	char cgroup[NAME_SIZE];
};

struct oom {
	struct bpf_spin_lock lock;
	__u32 is_changed;	/* the cgroup is in @changed */
	__u64 kills;
	struct kill last;
};

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct oom);
} ooms SEC(".maps");

/* Ids of the cgroups whose readers have to be woken up. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, MAX_CHANGED);
	__type(value, __u64);
} changed SEC(".maps");

struct work {
	struct bpf_wq wake_up;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work);
} works SEC(".maps");

/* The last process that the kernel has sent SIGKILL on this CPU, and on whose behalf. */
struct signal {
	__u64 sender;
	__u64 victim;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct signal);
} signals SEC(".maps");

static const __u32 only;	/* key */

static void wake_up_readers_of(struct cgroup *cgrp)
{
	struct oom *oom = bpf_cgrp_storage_get(&ooms, cgrp, NULL, 0);

	/* before the wake-up: a kill from now on must not take it for granted */
	if (oom)
		__sync_lock_test_and_set(&oom->is_changed, 0);
	bpf_cgroup_stat_notify(cgrp, "oom");
}

/* Runs in a kernel worker, and may sleep. */
static int wake_up_readers(void *map, int *key, void *value)
{
	struct cgroup *cgrp;
	__u64 id;

	bpf_repeat(MAX_CHANGED) {
		if (bpf_map_pop_elem(&changed, &id))
			break;
		/* if it was removed, that has woken them up */
		cgrp = bpf_cgroup_from_id(id);
		if (!cgrp)
			continue;
		wake_up_readers_of(cgrp);
		bpf_cgroup_release(cgrp);
	}
	return 0;
}

static void note_change(struct cgroup *cgrp, struct oom *oom)
{
	__u64 id = cgrp->kn->id;

	if (!__sync_lock_test_and_set(&oom->is_changed, 1) && bpf_map_push_elem(&changed, &id, 0))
		oom->is_changed = 0;
}

static bool count_in(struct cgroup *cgrp, const struct kill *kill)
{
	struct oom *oom;

	oom = get_storage(&ooms, cgrp, NULL);
	if (!oom)
		return false;

	bpf_spin_lock(&oom->lock);
	oom->kills++;
	oom->last = *kill;
	bpf_spin_unlock(&oom->lock);
	note_change(cgrp, oom);
	return true;
}

/* Begins at the root, so that a parent never shows less than its children. */
static void count(struct cgroup *cgrp, const struct kill *kill)
{
	struct cgroup *ancestor;
	bool counted;
	int level;

	bpf_for(level, 0, cgrp->level + 1) {
		ancestor = bpf_cgroup_ancestor(cgrp, level);
		if (!ancestor)
			break;
		counted = count_in(ancestor, kill);
		bpf_cgroup_release(ancestor);
		if (!counted)
			break;
	}
}

/*
 * The OOM killer sends SIGKILL to a process and then marks it as its victim. It also marks
 * processes to which it sends no signal, because they are exiting, and may send a signal
 * to a process that it has marked before. It holds the victim's task_lock() from the
 * signal to the mark, so both programs run on the same CPU, and no other task runs there
 * in between.
 */
SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int sig, struct kernel_siginfo *info, struct task_struct *task)
{
	struct signal *signal;

	if (sig != SIGKILL || (__u64)info != SEND_SIG_PRIV || task->signal->oom_mm)
		return 0;

	signal = bpf_map_lookup_elem(&signals, &only);
	if (signal) {
		signal->sender = bpf_get_current_task();
		signal->victim = (__u64)task;
	}
	return 0;
}

/* Also false if this program has run before: it is called twice during an update. */
static bool is_killed(const struct task_struct *task)
{
	struct signal *signal = bpf_map_lookup_elem(&signals, &only);

	if (!signal || signal->sender != bpf_get_current_task() || signal->victim != (__u64)task)
		return false;
	signal->victim = 0;
	return true;
}

static void start_work(void)
{
	struct work *work = bpf_map_lookup_elem(&works, &only);

	if (!work)
		return;
	bpf_wq_init(&work->wake_up, &works, 0);
	bpf_wq_set_callback(&work->wake_up, wake_up_readers, 0);
	bpf_wq_start(&work->wake_up, 0);
}

SEC("tp_btf/mark_victim")
int BPF_PROG(on_mark, struct task_struct *task)
{
	struct cgroup *cgrp = task->cgroups->dfl_cgrp;
	struct kill kill = {};

	if (!is_killed(task))
		return 0;

	kill.time_ns = bpf_ktime_get_ns();
	kill.cgroup_id = cgrp->kn->id;
	kill.pid = task->tgid;
	bpf_probe_read_kernel_str(kill.comm, sizeof(kill.comm), task->group_leader->comm);
	bpf_probe_read_kernel_str(kill.cgroup, sizeof(kill.cgroup), cgrp->kn->name);
	count(cgrp, &kill);
	start_work();
	return 0;
}

static void print_oom(struct seq_file *seq, __u64 kills, const struct kill *last)
{
	bpf_seq_put_decimal_ull(seq, "kills ", kills);
	if (kills) {
		bpf_seq_put_decimal_ull(seq, "\nlast_pid ", last->pid);
		bpf_seq_write(seq, "\nlast_comm ", sizeof("\nlast_comm ") - 1);
		print_escaped(seq, last->comm, sizeof(last->comm));
		bpf_seq_put_decimal_ull(seq, "\nlast_time_usec ", last->time_ns / 1000);
		bpf_seq_put_decimal_ull(seq, "\nlast_cgroup_id ", last->cgroup_id);
		bpf_seq_write(seq, "\nlast_cgroup ", sizeof("\nlast_cgroup ") - 1);
		print_escaped(seq, last->cgroup, sizeof(last->cgroup));
	}
	bpf_seq_write(seq, "\n", 1);
}

/* Allocate now what a kill needs, see above. */
static void prepare(struct cgroup *cgrp)
{
	struct work *work = bpf_map_lookup_elem(&works, &only);
	struct cgroup *ancestor;
	int level;

	if (work)
		bpf_wq_init(&work->wake_up, &works, 0);

	bpf_for(level, 0, cgrp->level + 1) {
		ancestor = bpf_cgroup_ancestor(cgrp, level);
		if (!ancestor)
			break;
		get_storage(&ooms, ancestor, NULL);
		bpf_cgroup_release(ancestor);
	}
}

SEC("cgroup/stat")
int oom(struct bpf_cgroup_stat_ctx *ctx)
{
	struct cgroup *cgrp = ctx->cgroup;
	struct kill last = {};
	__u64 kills = 0;
	struct oom *oom;

	/* the default hierarchy has id 0 */
	if (cgrp->root->hierarchy_id)
		return -ENODATA;

	oom = bpf_cgrp_storage_get(&ooms, cgrp, NULL, 0);
	if (!oom) {
		prepare(cgrp);
	} else if (oom->kills) {
		bpf_spin_lock(&oom->lock);
		kills = oom->kills;
		last = oom->last;
		bpf_spin_unlock(&oom->lock);
	}
	print_oom(ctx->meta->seq, kills, &last);
	return 0;
}

char _license[] SEC("license") = "GPL";
