// SPDX-License-Identifier: GPL-2.0
/*
 * Failed allocations in the operations on cgroup_stat links and their files. Each
 * operation is tried again and again, and fault injection lets its first slab allocation
 * fail, then its second one, and so on, until it succeeds without getting so far. If it
 * fails, the errno must be right, nothing may be left, and the next try must succeed. If
 * it succeeds, because the kernel can do without that memory, nothing may be missing.
 *
 * Fault injection must be able to fail the Nth allocation of a task (fail-nth in
 * fault-injection.rst). Memory that is lost, or used after it was freed, is for the kernel
 * to find: use one with KASAN and kmemleak, and check its log.
 *
 * Files in all cgroups of cgroup v2, and of the v1 hierarchies that the test mounts, are
 * counted, so nobody else should create or remove cgroups meanwhile.
 */
#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"
#include "cgroup_util.h"
#include "bpf_stat_util.h"

#define TIME_LIMIT	(2 * PATIENCE)	/* seconds, for an operation */
#define TRIES		3	/* without a fault, after which an operation has no more points */

#define TOP_NAME	"test_subtree_fail"
#define MNT		"/mnt"	/* mounted over in a private mount namespace */
#define PINS		MNT "/bpf"
#define PIN		PINS "/pin"

#define LINE		8	/* bytes that the program outputs at a time */
#define OUTPUT		4800	/* more than the first buffer has room for */

static char hierarchy[PATH_MAX];	/* where cgroup2 is mounted */
static bool had_pids;			/* it had that controller enabled */
static int prog, other_prog;

/* Hierarchies of cgroup v1. The last one is only mounted by the operation. */
static const struct hierarchy {
	const char *dir;
	const char *name;
} v1[] = {
	{ MNT "/a", "test_subtree_fail_a" },
	{ MNT "/b", "test_subtree_fail_b" },
	{ MNT "/new", "test_subtree_fail_new" },
};

#define NEW	2

/* Cgroups. The last two are only made by the operations. */
static char *top, *fresh, *new_v2;
static const char new_v1[] = MNT "/a/x/new";
static char fresh_file[PATH_MAX], fresh_lazy_file[PATH_MAX];
static int top_fd;

/* Links that exist all the time. */
enum { ALL_1, ALL_2, ALL_LAZY, TOP, TOP_LAZY, TOP_V1, NR_LINKS };

static int links[NR_LINKS];

/* What an operation may change, and has to leave as it was if it fails. */
struct state {
	int entries;	/* files and directories in all hierarchies, and pins */
	int files;	/* sum of what the links[] say */
	int links;
	__u32 prog;	/* id of the program of links[TOP] */
};

struct operation {
	const char *name;
	void (*prepare)(void);	/* before each try */
	int (*run)(void);	/* returns a file descriptor or 0, or -1 with errno set */
	void (*undo)(void);
	int other_errno;	/* that it may fail with instead of ENOMEM */
	bool lingers;		/* what a failed try leaves goes with the next one */
	bool two_steps;		/* if the second one fails, nothing is undone */
	bool no_points;		/* it needn't allocate memory */
};

/* The operation being swept, for messages and for its functions. */
static const struct operation *current;
static int nth;
static int left_done;	/* how many times it failed after its first step */
static int made;	/* what it returned */
static int file = -1;	/* for it to read or write */
static int fail_nth;	/* the file by which its allocations fail */
static struct state before, done;

static void check_that(bool ok, const char *what)
{
	if (ok)
		return;
	ksft_print_msg("%s, allocation %d: %s (%s)\n", current->name, nth, what,
		       strerror(errno));
	exit(KSFT_FAIL);
}

#define check(cond)	check_that(cond, #cond)

static struct bpf_link_info link_info(int link)
{
	struct bpf_link_info info;

	memset(&info, 0, sizeof(info));
	check(!obj_info(link, &info, sizeof(info)));
	return info;
}

/* Doesn't look up files, since their dentries would keep removed kernfs nodes. */
static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	char child[PATH_MAX];
	struct dirent *entry;
	int count = 0;

	check(dir);
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		count++;
		if (entry->d_type != DT_DIR)
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
		count += count_entries(child);
	}
	closedir(dir);
	return count;
}

static struct state get_state(void)
{
	struct state state = {
		.entries = count_entries(hierarchy) + count_entries(MNT),
		.links = count_links(),
		.prog = link_info(links[TOP]).prog_id,
	};
	int i;

	for (i = 0; i < NR_LINKS; i++)
		state.files += link_info(links[i]).cgroup_stat.nr_files;
	return state;
}

static void print_state(const char *when, const struct state *state)
{
	ksft_print_msg("%s: %d files and directories, %d files of links, %d links, program %u\n",
		       when, state->entries, state->files, state->links, state->prog);
}

static bool is_state(const struct state *want)
{
	struct state state = get_state();

	return !memcmp(&state, want, sizeof(state));
}

static void check_state(const char *when, const struct state *want)
{
	struct state state = get_state();

	if (is_state(want))
		return;
	ksft_print_msg("%s, allocation %d:\n", current->name, nth);
	print_state(when, &state);
	print_state("that should be", want);
	exit(KSFT_FAIL);
}

/*
 * The operations
 */

/* With @cgroup_fd 0, attach to every hierarchy. */
static int attach(int cgroup_fd, const char *name, __u32 flags)
{
	union bpf_attr attr = link_attr(prog, cgroup_fd, name);

	attr.link_create.stat_mode = 0644;
	attr.link_create.flags = flags | (cgroup_fd ? 0 : BPF_F_CGROUP_STAT_ALL);
	return link_create(&attr);
}

static int run_attach(void)
{
	return attach(top_fd, "new", 0);
}

static int run_attach_all(void)
{
	return attach(0, "new", 0);
}

static int run_attach_lazily(void)
{
	return attach(top_fd, "new", BPF_F_CGROUP_STAT_LAZY);
}

static int run_attach_all_lazily(void)
{
	return attach(0, "new", BPF_F_CGROUP_STAT_LAZY);
}

static void close_made(void)
{
	close(made);
}

static int run_mkdir(void)
{
	return mkdir(new_v2, 0755);
}

static void undo_mkdir(void)
{
	check(!rmdir(new_v2));
}

static int run_mkdir_v1(void)
{
	return mkdir(new_v1, 0755);
}

static void undo_mkdir_v1(void)
{
	check(!rmdir(new_v1));
}

/*
 * If this fails after it has set up the hierarchy, that is destroyed some time later, or
 * stays until the next mount finds it and it is unmounted. That's not due to links.
 */
static int run_mount(void)
{
	return mount_v1(v1[NEW].dir, v1[NEW].name);
}

static void undo_mount(void)
{
	check(umount_v1(v1[NEW].dir, v1[NEW].name));
}

/*
 * A new file has no dentry and no inode yet. A lazy one doesn't exist, and if it is
 * created, it first inherits root's group.
 */
static void make_fresh(void)
{
	check(!rmdir(fresh) && !mkdir(fresh, 0755) && !chmod(fresh, 02755));
}

static int run_open(void)
{
	return open(fresh_file, O_RDONLY);
}

/* The file is created, and then opened. Its inode is allocated in between. */
static int run_open_lazy(void)
{
	return open(fresh_lazy_file, O_RDONLY);
}

static void undo_open_lazy(void)
{
	close(made);
	make_fresh();
}

/* An open file that was never read or written has no buffer yet. */
static void open_fresh(void)
{
	close(file);
	file = open(fresh_file, O_RDWR);
	check(file >= 0);
}

static int run_read(void)
{
	char buf[2 * OUTPUT];
	int len = read(file, buf, sizeof(buf));

	check(len < 0 || len == OUTPUT);
	return len < 0 ? -1 : 0;
}

static int run_write(void)
{
	int len = write(file, "1\n", 2);

	check(len < 0 || len == 2);
	return len < 0 ? -1 : 0;
}

static int run_pin(void)
{
	return obj_pin(links[TOP], PIN);
}

static void undo_pin(void)
{
	check(!unlink(PIN));
}

static int run_info(void)
{
	struct bpf_link_info info;

	memset(&info, 0, sizeof(info));
	return obj_info(links[ALL_1], &info, sizeof(info));
}

static int run_update(void)
{
	return link_update(links[TOP], other_prog, -1);
}

static void undo_update(void)
{
	check(!link_update(links[TOP], prog, -1));
}

static const struct operation operations[] = {
	{ "attach to a subtree", NULL, run_attach, close_made },
	{ "attach to every hierarchy", NULL, run_attach_all, close_made },
	{ "attach lazily to a subtree", NULL, run_attach_lazily, close_made },
	{ "attach lazily to every hierarchy", NULL, run_attach_all_lazily, close_made },
	{ "mkdir", NULL, run_mkdir, undo_mkdir },
	{ "mkdir, cgroup v1", NULL, run_mkdir_v1, undo_mkdir_v1 },
	{ "mount, cgroup v1", NULL, run_mount, undo_mount, .lingers = true },
	{ "open", make_fresh, run_open, close_made },
	{ "open of a lazy file", make_fresh, run_open_lazy, undo_open_lazy, .two_steps = true },
	{ "read", open_fresh, run_read },
	{ "write", open_fresh, run_write },
	{ "pin", NULL, run_pin, undo_pin, .other_errno = ENOSPC /* bpf_get_inode() */ },
	{ "info", NULL, run_info, .no_points = true },
	{ "update", NULL, run_update, undo_update },
};

/*
 * The sweep
 */

/* Let the nth allocation from now on fail. */
static void arm(void)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nth);

	check(pwrite(fail_nth, text, len, 0) == len);
}

/* Returns whether that allocation was reached. */
static bool disarm(void)
{
	char left;

	check(pread(fail_nth, &left, 1, 0) == 1);
	check(pwrite(fail_nth, "0", 1, 0) == 1);
	return left == '0';
}

static void prepare(void)
{
	if (current->prepare)
		current->prepare();
}

static void undo(void)
{
	if (current->undo)
		current->undo();
	check_state("undone", &before);
}

static void try_without_fault(void)
{
	prepare();
	made = current->run();
	check_that(made >= 0, "it fails without a fault");
}

static void check_failure(bool hit, int err)
{
	errno = err;
	check_that(hit, "it fails, but not because of that");
	check_that(err == ENOMEM || err == current->other_errno, "that's the wrong errno");
	if (current->two_steps && is_state(&done))
		left_done++;
	else if (!current->lingers)
		check_state("failed", &before);
}

/* Try with a fault, and complete it without if it fails; returns whether it did. */
static bool try_with_fault(bool *hit)
{
	int err;

	prepare();
	arm();
	made = current->run();
	err = errno;
	*hit = disarm();
	if (made >= 0)
		return false;
	check_failure(*hit, err);
	try_without_fault();
	return true;
}

/*
 * Slabs need memory for themselves now and then, so the number of points varies. That's
 * why the sweep goes on for a few tries after the first one that hasn't got so far.
 */
static int sweep(void)
{
	int points = 0, failed = 0, spared = 0;
	bool hit;

	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR);
	check(fail_nth >= 0);
	prepare();
	before = get_state();
	try_without_fault();
	done = get_state();
	undo();

	for (nth = 1; spared < TRIES; nth++) {
		failed += try_with_fault(&hit);
		check_state("done", &done);
		undo();
		points += hit;
		spared += !hit;
	}
	ksft_print_msg("%s: %d points, %d failed\n", current->name, points, failed);
	if (current->two_steps)
		check(left_done && left_done < failed);
	return points || current->no_points ? KSFT_PASS : KSFT_FAIL;
}

/* Remove what an operation may have left. */
static void tidy(void)
{
	rmdir(new_v2);
	rmdir(new_v1);
	umount(v1[NEW].dir);
	unlink(PIN);
}

/* Sweep in a process of its own, whose files are closed when it exits. */
static bool run(const struct operation *op, long *nodes)
{
	int status;
	pid_t pid;

	current = op;
	pid = fork();
	if (!pid) {
		alarm(TIME_LIMIT);
		exit(sweep());
	}
	if (waitpid(pid, &status, 0) != pid)
		ksft_exit_fail_perror("waiting for a process");
	if (WIFSIGNALED(status))
		ksft_print_msg("%s was killed, perhaps after %d s\n", op->name, TIME_LIMIT);
	if (!status && (*nodes < 0 || nodes_went(*nodes)))
		return true;
	tidy();
	*nodes = settled_nodes();
	return false;
}

/*
 * What operations need
 */

static struct failslab_file failslab[] = {
	{ "ignore-gfp-wait", "N" },	/* let allocations fail that may sleep */
	{ "cache-filter", "N" },
	{ "verbose", "0" },
};

/* Load a program that outputs more than a page, and ignores what is written. */
static int load(void)
{
	const struct bpf_insn insns[] = {
		/* r6 = ctx->meta->seq; both members are at offset 0 */
		INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_6, BPF_REG_1, 0, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_6, BPF_REG_6, 0, 0),
		INSN(BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, -LINE, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_7, 0, 0, OUTPUT / LINE),
		/* do bpf_seq_write(r6, r10 - LINE, LINE) while (--r7) */
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_6, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -LINE),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, LINE),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_seq_write),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_7, 0, 0, -1),
		INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_7, 0, -7, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return prog_load("fail", insns, ARRAY_SIZE(insns), 0);
}

static char *new_cgroup(const char *parent, const char *name)
{
	char *cgroup = cg_name(parent, name);

	if (!cgroup || cg_create(cgroup))
		ksft_exit_fail_perror(name);
	return cgroup;
}

/*
 * Five cgroups. The file that is new in one of them first inherits root's group. New
 * cgroups have a controller, for which memory is allocated after their files were created.
 */
static void make_cgroups(void)
{
	char *setgid;

	new_cgroup(hierarchy, TOP_NAME);
	new_cgroup(new_cgroup(top, "a"), "b");
	fresh = new_cgroup(top, "fresh");
	setgid = new_cgroup(top, "setgid");
	if (chown(top, -1, 1) || chmod(setgid, 02755) ||
	    cg_write(top, "cgroup.subtree_control", "+pids"))
		ksft_exit_fail_perror(top);
	new_v2 = cg_name(top, "new");
	snprintf(fresh_file, sizeof(fresh_file), "%s/" STAT_PREFIX "top", fresh);
	snprintf(fresh_lazy_file, sizeof(fresh_lazy_file), "%s/" STAT_PREFIX "top_lazy", fresh);
}

/* A run that was interrupted may have left the hierarchy, with its cgroups. */
static void make_hierarchy(const struct hierarchy *h)
{
	if (mount_v1(h->dir, h->name) || remove_descendants(h->dir))
		ksft_exit_fail_perror(h->dir);
	new_cgroup(new_cgroup(h->dir, "x"), "y");
}

static void make_mounts(void)
{
	int i;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", MNT, "tmpfs", 0, NULL) || mkdir(PINS, 0755) ||
	    mount("bpf", PINS, "bpf", 0, NULL))
		ksft_exit_fail_perror("mounting bpffs at " PINS);
	for (i = 0; i < ARRAY_SIZE(v1); i++) {
		if (mkdir(v1[i].dir, 0755))
			ksft_exit_fail_perror(v1[i].dir);
	}
	for (i = 0; i < NEW; i++)
		make_hierarchy(&v1[i]);
}

static void make_links(void)
{
	int top_v1_fd = dirfd_open_opath(MNT "/a/x"), i;

	top_fd = dirfd_open_opath(top);
	prog = load();
	other_prog = load();
	links[ALL_1] = attach(0, "all_1", 0);
	links[ALL_2] = attach(0, "all_2", 0);
	links[ALL_LAZY] = attach(0, "all_lazy", BPF_F_CGROUP_STAT_LAZY);
	links[TOP] = attach(top_fd, "top", 0);
	links[TOP_LAZY] = attach(top_fd, "top_lazy", BPF_F_CGROUP_STAT_LAZY);
	links[TOP_V1] = attach(top_v1_fd, "top_v1", 0);
	for (i = 0; i < NR_LINKS; i++) {
		if (links[i] < 0)
			ksft_exit_fail_perror("attaching");
	}
	close(top_v1_fd);
}

static void drop_links(void)
{
	int i;

	for (i = 0; i < NR_LINKS; i++)
		close(links[i]);
	close(prog);
	close(other_prog);
	close(top_fd);
}

static bool remove_cgroups(void)
{
	int i;

	for (i = 0; i < NEW; i++) {
		if (remove_descendants(v1[i].dir) || !umount_v1(v1[i].dir, v1[i].name))
			return false;
	}
	return !remove_descendants(top) && !rmdir(top);
}

static void set_up(void)
{
	if (cg_find_unified_root(hierarchy, sizeof(hierarchy), NULL))
		ksft_exit_skip("cgroup v2 isn't mounted\n");
	if (access("/proc/thread-self/fail-nth", F_OK))
		ksft_exit_skip("no /proc/thread-self/fail-nth, CONFIG_FAULT_INJECTION\n");
	had_pids = !cg_read_strstr(hierarchy, "cgroup.subtree_control", "pids");
	if (cg_write(hierarchy, "cgroup.subtree_control", "+pids"))
		ksft_exit_skip("cgroup v2 doesn't have the pids controller\n");

	/* a run that was interrupted may have left it behind */
	top = cg_name(hierarchy, TOP_NAME);
	if (!top || (cg_create(top) && errno != EEXIST) || remove_descendants(top) || rmdir(top))
		ksft_exit_fail_perror(TOP_NAME);
	if (!set_failslab(failslab, ARRAY_SIZE(failslab)))
		ksft_exit_skip("no failslab in debugfs, CONFIG_FAILSLAB\n");
}

int main(void)
{
	int nr_progs, nr_links, i;
	long first_nodes, nodes;

	umask(022);
	ksft_print_header();
	set_up();
	first_nodes = settled_nodes();
	nr_progs = count_progs();
	nr_links = count_links();
	make_cgroups();
	make_mounts();
	make_links();
	nodes = settled_nodes();

	ksft_set_plan(ARRAY_SIZE(operations) + 4);
	for (i = 0; i < ARRAY_SIZE(operations); i++)
		ksft_test_result(run(&operations[i], &nodes), "%s\n", operations[i].name);

	drop_links();
	ksft_test_result(count_links() == nr_links, "all links went\n");
	ksft_test_result(wait_until(count_progs() == nr_progs), "all programs went\n");
	ksft_test_result(remove_cgroups(), "all cgroups and hierarchies went\n");
	if (first_nodes < 0)
		ksft_test_result_skip("no count of kernfs nodes, CONFIG_SLUB_DEBUG\n");
	else
		ksft_test_result(nodes_went(first_nodes), "no kernfs nodes are left\n");
	restore_failslab(failslab, ARRAY_SIZE(failslab));
	if (!had_pids)
		cg_write(hierarchy, "cgroup.subtree_control", "-pids");
	ksft_finished();
}
