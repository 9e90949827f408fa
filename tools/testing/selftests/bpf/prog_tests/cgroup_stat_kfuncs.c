// SPDX-License-Identifier: GPL-2.0
/*
 * BPF features in stat programs: kfuncs, maps, timers, functions, tail calls, freplace,
 * exceptions. Most tests are run with sleepable programs as well.
 */
#include <test_progs.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "bpf_util.h"
#include "cgroup_stat_flow.skel.h"
#include "cgroup_stat_flush.skel.h"
#include "cgroup_stat_freplace.skel.h"
#include "cgroup_stat_helpers.h"
#include "cgroup_stat_kfuncs.skel.h"
#include "cgroup_stat_kfuncs_fail.skel.h"
#include "cgroup_stat_kptr.skel.h"
#include "cgroup_stat_lock.skel.h"
#include "cgroup_stat_storage.skel.h"
#include "cgroup_stat_throw.skel.h"
#include "cgroup_stat_timer.skel.h"

#define FILE_NAME	PREFIX "kfuncs"
#define COOKIE		42
#define MIB		(1UL << 20)
#define NR_READS	300	/* per thread */

/* Links are attached to TOP. The memory controller isn't enabled in NO_MEMORY. */
enum { TOP, CHILD, OTHER, NO_MEMORY, NR_CGROUPS };

static const char * const paths[NR_CGROUPS] = {
	"/stat_kfuncs", "/stat_kfuncs/child", "/stat_kfuncs/other", "/stat_kfuncs/other/no_memory",
};

static int cg[NR_CGROUPS];

static struct bpf_link *attach(struct bpf_program *prog)
{
	struct bpf_link *link;

	link = attach_stat(prog, cg[TOP], .name = "kfuncs", .cookie = COOKIE);
	ASSERT_OK_PTR(link, "attach");
	return link;
}

static void assert_reads(int dir, const char *expected)
{
	assert_file_reads(dir, FILE_NAME, expected);
}

static void assert_fails(int dir, int err, const char *what)
{
	char buf[256];

	ASSERT_EQ(read_file(dir, FILE_NAME, buf, sizeof(buf)), err, what);
}

/* Attach a program, check what it outputs in one cgroup, and detach it. */
static void assert_shows(struct bpf_program *prog, int i, const char *expected)
{
	struct bpf_link *link = attach(prog);

	assert_reads(cg[i], expected);
	bpf_link__destroy(link);
}

/*
 * Start a process in a cgroup. Returns after the process has called @work(); the
 * process then stays there until end_child().
 */
static pid_t start_child(int i, void (*work)(void))
{
	int fds[2];
	pid_t pid;
	char c;

	if (!ASSERT_OK(pipe(fds), "pipe"))
		return -1;

	pid = fork();
	if (!pid) {
		if (write_file(cg[i], "cgroup.procs", "0"))
			_exit(1);
		work();
		if (write(fds[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	close(fds[1]);
	ASSERT_EQ(read(fds[0], &c, 1), 1, "child");
	close(fds[0]);
	return pid;
}

static void end_child(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	ASSERT_EQ(waitpid(pid, NULL, 0), pid, "waitpid");
}

static void test_ancestors(bool sleepable)
{
	struct cgroup_stat_kfuncs *skel = LOAD(cgroup_stat_kfuncs, sleepable);
	char expected[256];

	if (!skel)
		return;
	/* the id of the root cgroup is 1 */
	snprintf(expected, sizeof(expected), "1 %llu %llu %llu ", get_cgroup_id(""),
		 get_cgroup_id(paths[TOP]), get_cgroup_id(paths[CHILD]));
	assert_shows(skel->progs.ancestors, CHILD, expected);
	cgroup_stat_kfuncs__destroy(skel);
}

static void test_acquire(bool sleepable)
{
	struct cgroup_stat_kfuncs *skel = LOAD(cgroup_stat_kfuncs, sleepable);
	char expected[256];

	if (!skel)
		return;
	snprintf(expected, sizeof(expected), "%llu ", get_cgroup_id(paths[OTHER]));
	assert_shows(skel->progs.acquire, OTHER, expected);
	cgroup_stat_kfuncs__destroy(skel);
}

static void test_from_id(bool sleepable)
{
	struct cgroup_stat_kfuncs *skel = LOAD(cgroup_stat_kfuncs, sleepable);
	struct bpf_link *link;

	if (!skel)
		return;
	link = attach(skel->progs.from_id);

	skel->bss->wanted_id = 1;
	assert_reads(cg[CHILD], "level 0");
	/* level 0 is the root, level 1 the working directory of cgroup_helpers */
	skel->bss->wanted_id = get_cgroup_id(paths[NO_MEMORY]);
	assert_reads(cg[CHILD], "level 4");
	skel->bss->wanted_id = ~0ULL;
	assert_fails(cg[CHILD], -ENOENT, "no such cgroup");

	bpf_link__destroy(link);
	cgroup_stat_kfuncs__destroy(skel);
}

static void test_children(bool sleepable)
{
	struct cgroup_stat_kfuncs *skel = LOAD(cgroup_stat_kfuncs, sleepable);
	struct bpf_link *link;
	char expected[256];

	if (!skel)
		return;
	link = attach(skel->progs.children);

	snprintf(expected, sizeof(expected), "%llu %llu ", get_cgroup_id(paths[CHILD]),
		 get_cgroup_id(paths[OTHER]));
	assert_reads(cg[TOP], expected);
	snprintf(expected, sizeof(expected), "%llu ", get_cgroup_id(paths[NO_MEMORY]));
	assert_reads(cg[OTHER], expected);
	assert_reads(cg[CHILD], "");

	bpf_link__destroy(link);
	cgroup_stat_kfuncs__destroy(skel);
}

static void *wait_for_ever(void *arg)
{
	pause();
	return NULL;
}

static void start_two_threads(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, wait_for_ever, NULL) ||
	    pthread_create(&thread, NULL, wait_for_ever, NULL))
		_exit(1);
}

static void do_nothing(void)
{
}

static void test_tasks(bool sleepable)
{
	struct cgroup_stat_kfuncs *skel = LOAD(cgroup_stat_kfuncs, sleepable);
	pid_t one, three;
	struct bpf_link *link;

	if (!skel)
		return;
	link = attach(skel->progs.tasks);

	assert_reads(cg[CHILD], "0 processes, 0 threads");
	one = start_child(CHILD, do_nothing);
	assert_reads(cg[CHILD], "1 processes, 1 threads");
	three = start_child(CHILD, start_two_threads);
	assert_reads(cg[CHILD], "2 processes, 4 threads");
	assert_reads(cg[TOP], "0 processes, 0 threads");
	end_child(one);
	assert_reads(cg[CHILD], "1 processes, 3 threads");
	end_child(three);
	assert_reads(cg[CHILD], "0 processes, 0 threads");

	bpf_link__destroy(link);
	cgroup_stat_kfuncs__destroy(skel);
}

static void touch_memory(void)
{
	if (mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
		_exit(1);
}

static unsigned long anon_of_memory_stat(void)
{
	char buf[4096];

	ASSERT_GT(read_file(cg[CHILD], "memory.stat", buf, sizeof(buf)), 0, "memory.stat");
	ASSERT_STRNEQ(buf, "anon ", 5, "anon");
	return strtoul(buf + 5, NULL, 10);
}

static unsigned long memory_current(void)
{
	char buf[64];

	ASSERT_GT(read_file(cg[CHILD], "memory.current", buf, sizeof(buf)), 0, "memory.current");
	return strtoul(buf, NULL, 10);
}

/* Pending per-CPU updates may make a difference between two reads. */
static void assert_about(unsigned long figure, unsigned long expected, const char *what)
{
	ASSERT_LT(figure, expected + MIB, what);
	ASSERT_GT(figure + MIB, expected, what);
}

static void assert_memory(struct bpf_program *prog, bool flushes)
{
	pid_t child = start_child(CHILD, touch_memory);
	struct bpf_link *link = attach(prog);
	unsigned long usage = 0, anon = 0;
	char buf[256];
	int figures;

	if (!flushes)
		anon_of_memory_stat();
	ASSERT_GT(read_file(cg[CHILD], FILE_NAME, buf, sizeof(buf)), 0, "read");
	figures = sscanf(buf, "usage %lu anon %lu", &usage, &anon);
	ASSERT_EQ(figures, 2, "figures");

	ASSERT_GE(anon, 8 * MIB, "anonymous memory");
	assert_about(anon, anon_of_memory_stat(), "as in memory.stat");
	assert_about(usage, memory_current(), "as in memory.current");
	assert_fails(cg[NO_MEMORY], -ENODATA, "no memory controller");

	bpf_link__destroy(link);
	end_child(child);
}

static void test_memory(bool sleepable)
{
	struct cgroup_stat_kfuncs *skel = LOAD(cgroup_stat_kfuncs, sleepable);

	if (!skel)
		return;
	assert_memory(skel->progs.memory, false);
	cgroup_stat_kfuncs__destroy(skel);
}

static void test_flush_memory(void)
{
	struct cgroup_stat_flush *skel = LOAD(cgroup_stat_flush, false);

	if (!skel)
		return;
	assert_memory(skel->progs.memory, true);
	cgroup_stat_flush__destroy(skel);
}

static void test_flush_rstat(void)
{
	struct cgroup_stat_flush *skel = LOAD(cgroup_stat_flush, false);
	struct bpf_link *link;

	if (!skel)
		return;
	skel->bss->watched_id = get_cgroup_id(paths[NO_MEMORY]);
	skel->links.on_flush = bpf_program__attach(skel->progs.on_flush);
	ASSERT_OK_PTR(skel->links.on_flush, "attach to the flush");
	link = attach(skel->progs.flush);

	assert_reads(cg[NO_MEMORY], "flushed 1");
	assert_reads(cg[NO_MEMORY], "flushed 2");
	assert_reads(cg[CHILD], "flushed 2");

	bpf_link__destroy(link);
	cgroup_stat_flush__destroy(skel);
}

static void call_3_times(void)
{
	for (int i = 0; i < 3; i++)
		getpgid(0);
}

static void test_storage(bool sleepable)
{
	struct cgroup_stat_storage *skel = LOAD(cgroup_stat_storage, sleepable);
	pid_t a, b, c;
	struct bpf_link *link;

	if (!skel)
		return;
	skel->links.count_calls = bpf_program__attach(skel->progs.count_calls);
	ASSERT_OK_PTR(skel->links.count_calls, "attach to getpgid");
	link = attach(skel->progs.show_calls);

	assert_reads(cg[CHILD], "0 calls");
	a = start_child(CHILD, call_3_times);
	b = start_child(CHILD, call_3_times);
	c = start_child(OTHER, call_3_times);
	assert_reads(cg[CHILD], "6 calls");
	assert_reads(cg[OTHER], "3 calls");
	assert_reads(cg[TOP], "0 calls");

	end_child(a);
	end_child(b);
	end_child(c);
	bpf_link__destroy(link);
	cgroup_stat_storage__destroy(skel);
}

static void *read_often(void *arg)
{
	int fd = openat(cg[CHILD], FILE_NAME, O_RDONLY);
	unsigned long long reads, same;
	char buf[64] = "";
	long wrong = 0;

	for (int i = 0; i < NR_READS; i++)
		wrong += pread(fd, buf, sizeof(buf) - 1, 0) <= 0 ||
			 sscanf(buf, "%llu %llu", &reads, &same) != 2 || reads != same;
	close(fd);
	return (void *)wrong;
}

static void test_spin_lock(bool sleepable)
{
	struct cgroup_stat_lock *skel = LOAD(cgroup_stat_lock, sleepable);
	struct bpf_link *link;
	char expected[64];

	if (!skel)
		return;
	link = attach(skel->progs.count_reads);

	run_threads(read_often);
	snprintf(expected, sizeof(expected), "%1$d %1$d", NR_THREADS * NR_READS + 1);
	assert_reads(cg[CHILD], expected);
	bpf_link__destroy(link);
	cgroup_stat_lock__destroy(skel);
}

/* Cgroups are freed by RCU callbacks and work items, so this may take a while. */
static void assert_dying(int nr, const char *what)
{
	wait_until(nr_dying(cg[TOP]) == nr);
	ASSERT_EQ(nr_dying(cg[TOP]), nr, what);
}

static void read_and_remove(const char *name, char *expected, size_t size)
{
	char path[64];
	int dir;

	if (!ASSERT_OK(mkdirat(cg[TOP], name, 0755), "mkdir"))
		return;
	snprintf(path, sizeof(path), "%s/%s", paths[TOP], name);
	snprintf(expected, size, "%llu ", get_cgroup_id(path));

	dir = openat(cg[TOP], name, O_RDONLY);
	assert_reads(dir, "");
	close(dir);
	ASSERT_OK(unlinkat(cg[TOP], name, AT_REMOVEDIR), "rmdir");
}

static void test_kptr_cgroup(bool sleepable)
{
	struct cgroup_stat_kptr *skel = LOAD(cgroup_stat_kptr, sleepable);
	struct bpf_link *link;
	char expected[64];

	if (!skel)
		return;
	link = attach(skel->progs.last_cgroup);
	assert_dying(0, "before");

	read_and_remove("kept", expected, sizeof(expected));
	assert_dying(1, "the map keeps it");
	assert_reads(cg[CHILD], expected);
	assert_dying(0, "the program let it go");

	snprintf(expected, sizeof(expected), "%llu ", get_cgroup_id(paths[CHILD]));
	assert_reads(cg[OTHER], expected);
	bpf_link__destroy(link);
	cgroup_stat_kptr__destroy(skel);
}

/* The cgroup is still in the map when the map is freed. */
static void test_kptr_freed_with_map(bool sleepable)
{
	struct cgroup_stat_kptr *skel = LOAD(cgroup_stat_kptr, sleepable);
	struct bpf_link *link;
	char expected[64];

	if (!skel)
		return;
	link = attach(skel->progs.last_cgroup);
	read_and_remove("kept", expected, sizeof(expected));
	bpf_link__destroy(link);
	assert_dying(1, "the map keeps it");

	cgroup_stat_kptr__destroy(skel);
	assert_dying(0, "the map is gone");
}

static void read_child_file(void)
{
	char buf[64];

	if (read_file(cg[CHILD], FILE_NAME, buf, sizeof(buf)) < 0)
		_exit(1);
}

static void test_kptr_task(bool sleepable)
{
	struct cgroup_stat_kptr *skel = LOAD(cgroup_stat_kptr, sleepable);
	struct bpf_link *link;
	char expected[64];
	pid_t child;

	if (!skel)
		return;
	link = attach(skel->progs.last_task);

	assert_reads(cg[CHILD], "");
	snprintf(expected, sizeof(expected), "%d ", getpid());
	assert_reads(cg[CHILD], expected);

	child = start_child(OTHER, read_child_file);
	end_child(child);
	snprintf(expected, sizeof(expected), "%d ", child);
	assert_reads(cg[CHILD], expected);

	bpf_link__destroy(link);
	cgroup_stat_kptr__destroy(skel);
}

/* struct alarm of the BPF program; struct bpf_timer is opaque, 16 bytes */
struct alarm_value {
	__u64 timer[2];
	__u64 fired;
};

static unsigned long long times_fired(struct cgroup_stat_timer *skel)
{
	struct alarm_value value = {};
	int key = 0;

	ASSERT_OK(bpf_map__lookup_elem(skel->maps.alarms, &key, sizeof(key), &value,
				       sizeof(value), 0), "lookup");
	return value.fired;
}

static void test_timer(bool sleepable)
{
	struct cgroup_stat_timer *skel = LOAD(cgroup_stat_timer, sleepable);
	struct bpf_link *link;

	if (!skel)
		return;
	link = attach(skel->progs.set_alarm);
	assert_reads(cg[CHILD], "fired 0");
	assert_fails(cg[CHILD], -EBUSY, "already set");
	bpf_link__destroy(link);
	bpf_program__unload(skel->progs.set_alarm);

	assert_fails(cg[CHILD], -ENOENT, "the file is gone");
	ASSERT_EQ(times_fired(skel), 0, "not yet");
	skel->bss->may_fire = true;
	wait_until(times_fired(skel) >= 3);
	ASSERT_EQ(times_fired(skel), 3, "without link and file");
	cgroup_stat_timer__destroy(skel);
}

/* Link, program and map go away while the timer is armed. */
static void test_timer_cancelled(bool sleepable)
{
	struct cgroup_stat_timer *skel = LOAD(cgroup_stat_timer, sleepable);

	if (!skel)
		return;
	assert_shows(skel->progs.set_alarm, CHILD, "fired 0");
	ASSERT_EQ(times_fired(skel), 0, "it runs");
	cgroup_stat_timer__destroy(skel);
}

static void test_functions(bool sleepable)
{
	struct cgroup_stat_flow *skel = LOAD(cgroup_stat_flow, sleepable);

	if (!skel)
		return;
	assert_shows(skel->progs.functions, CHILD, "described cookie 42 level 3 number 7");
	cgroup_stat_flow__destroy(skel);
}

static int set_next(struct cgroup_stat_flow *skel, struct bpf_program *prog)
{
	int fd = bpf_program__fd(prog), key = 0;

	return bpf_map__update_elem(skel->maps.next, &key, sizeof(key), &fd, sizeof(fd), BPF_ANY);
}

static void test_tail_call(bool sleepable)
{
	struct cgroup_stat_flow *skel = LOAD(cgroup_stat_flow, sleepable);
	struct bpf_link *link;
	int key = 0;

	if (!skel)
		return;
	link = attach(skel->progs.caller);

	assert_fails(cg[CHILD], -ENOENT, "nothing to call");
	ASSERT_OK(set_next(skel, skel->progs.callee), "set");
	assert_reads(cg[CHILD], "calling, called with cookie 42");
	skel->bss->callee_ret = -ENODATA;
	assert_fails(cg[CHILD], -ENODATA, "what the callee returns");
	ASSERT_OK(bpf_map__delete_elem(skel->maps.next, &key, sizeof(key), 0), "delete");
	assert_fails(cg[CHILD], -ENOENT, "nothing to call again");

	bpf_link__destroy(link);
	cgroup_stat_flow__destroy(skel);
}

static void test_tail_call_limit(bool sleepable)
{
	struct cgroup_stat_flow *skel = LOAD(cgroup_stat_flow, sleepable);

	if (!skel)
		return;
	ASSERT_OK(set_next(skel, skel->progs.again), "set");
	/* the first run and MAX_TAIL_CALL_CNT (33) calls */
	assert_shows(skel->progs.again, CHILD, "++++++++++++++++++++++++++++++++++");
	cgroup_stat_flow__destroy(skel);
}

/* A sleepable program can't tail call one that isn't, nor the reverse. */
static void test_tail_call_mixed(void)
{
	struct cgroup_stat_flow *atomic = LOAD(cgroup_stat_flow, false);
	struct cgroup_stat_flow *sleepable = LOAD(cgroup_stat_flow, true);

	if (atomic && sleepable) {
		ASSERT_OK(set_next(atomic, atomic->progs.callee), "same kind");
		ASSERT_OK(set_next(sleepable, sleepable->progs.callee), "same kind, sleepable");
		ASSERT_EQ(set_next(atomic, sleepable->progs.callee), -EINVAL, "sleepable");
		ASSERT_EQ(set_next(sleepable, atomic->progs.callee), -EINVAL, "not sleepable");
		ASSERT_EQ(set_next(atomic, atomic->progs.other_type), -EINVAL, "another type");
	}
	cgroup_stat_flow__destroy(atomic);
	cgroup_stat_flow__destroy(sleepable);
}

static void test_throw(bool sleepable)
{
	struct cgroup_stat_throw *skel = LOAD(cgroup_stat_throw, sleepable);
	struct bpf_link *link;

	if (!skel)
		return;
	link = attach(skel->progs.throw_zero);

	assert_reads(cg[CHILD], "kept");
	ASSERT_OK(bpf_link__update_program(link, skel->progs.throw_errno), "update");
	assert_fails(cg[CHILD], -EPERM, "an errno");
	ASSERT_OK(bpf_link__update_program(link, skel->progs.throw_below_errnos), "update");
	assert_fails(cg[CHILD], -EIO, "one of the kernel's own");
	ASSERT_OK(bpf_link__update_program(link, skel->progs.throw_after_overflow), "update");
	assert_fails(cg[CHILD], -EPERM, "after too much output");
	ASSERT_OK(bpf_link__update_program(link, skel->progs.throw_and_catch), "update");
	assert_fails(cg[CHILD], -ENODATA, "what the exception callback returns");

	bpf_link__destroy(link);
	cgroup_stat_throw__destroy(skel);
}

/* Load one program of the object. It is to replace @func of @target. */
static struct cgroup_stat_freplace *load_freplace(const char *name, const char *func, int target,
						  char *log, size_t size)
{
	struct cgroup_stat_freplace *skel = cgroup_stat_freplace__open();
	struct bpf_program *prog;

	if (!ASSERT_OK_PTR(skel, "open"))
		return NULL;
	prog = bpf_object__find_program_by_name(skel->obj, name);
	bpf_program__set_autoload(prog, true);
	if (log)
		bpf_program__set_log_buf(prog, log, size);
	if (func)
		ASSERT_OK(bpf_program__set_attach_target(prog, target, func), "target");
	if (cgroup_stat_freplace__load(skel)) {
		cgroup_stat_freplace__destroy(skel);
		return NULL;
	}
	return skel;
}

static void test_freplace(void)
{
	static const struct {
		const char *prog, *func, *shows;
		int err;
	} cases[] = {
		{ "new_describe", "describe", "replaced, cookie 42 cookie 42 level 0 number 7" },
		{ "new_number", "number", "described cookie 42 level 3 number -1" },
		{ "new_program", "functions", "", -ENODATA },
	};
	struct cgroup_stat_flow *skel = LOAD(cgroup_stat_flow, false);
	struct cgroup_stat_freplace *ext;
	struct bpf_link *link, *ext_link;
	struct bpf_program *prog;
	char buf[256];
	int ret;

	if (!skel)
		return;
	link = attach(skel->progs.functions);

	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		ext = load_freplace(cases[i].prog, cases[i].func,
				    bpf_program__fd(skel->progs.functions), NULL, 0);
		if (!ASSERT_OK_PTR(ext, cases[i].prog))
			continue;
		prog = bpf_object__find_program_by_name(ext->obj, cases[i].prog);
		ext_link = bpf_program__attach(prog);
		ASSERT_OK_PTR(ext_link, "attach freplace");
		ret = read_file(cg[CHILD], FILE_NAME, buf, sizeof(buf));
		ASSERT_EQ(ret, cases[i].err ?: strlen(cases[i].shows), "read");
		ASSERT_STREQ(buf, cases[i].shows, "replaced");

		bpf_link__destroy(ext_link);
		assert_reads(cg[CHILD], "described cookie 42 level 3 number 7");
		cgroup_stat_freplace__destroy(ext);
	}

	bpf_link__destroy(link);
	cgroup_stat_flow__destroy(skel);
}

/* A replacement must not do what a stat program isn't allowed to do. */
static void test_freplace_refused(void)
{
	static const struct {
		const char *prog, *func, *msg;
	} cases[] = {
		{ "return_positive", "functions", "should have been in [-4095, 0]" },
		{ "send_signal", "describe",
		  "program of this type cannot use helper bpf_send_signal" },
		{ "send_signal_task", "number",
		  "calling kernel function bpf_send_signal_task is not allowed" },
		{ "probe_write_user", "describe",
		  "program of this type cannot use helper bpf_probe_write_user" },
		{ "flush", "describe", "Extension program may sleep, while original does not" },
	};
	struct cgroup_stat_flow *skel = LOAD(cgroup_stat_flow, false);
	struct cgroup_stat_freplace *ext;
	static char log[64 * 1024];

	if (!skel)
		return;
	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		log[0] = '\0';
		ext = load_freplace(cases[i].prog, cases[i].func,
				    bpf_program__fd(skel->progs.functions), log, sizeof(log));
		ASSERT_NULL(ext, cases[i].prog);
		ASSERT_HAS_SUBSTR(log, cases[i].msg, "log");
		cgroup_stat_freplace__destroy(ext);
	}
	cgroup_stat_flow__destroy(skel);
}

/*
 * A replacement that was verified for a raw tracepoint program, which may send signals,
 * can't be attached to a stat program.
 */
static void test_freplace_of_other_type(void)
{
	struct cgroup_stat_flow *skel = LOAD(cgroup_stat_flow, false);
	struct cgroup_stat_freplace *other, *ext = NULL;
	struct bpf_link *link;

	other = load_freplace("other_type", NULL, 0, NULL, 0);
	if (!ASSERT_OK_PTR(other, "other type") || !skel)
		goto out;
	ext = load_freplace("send_signal_task", "number", bpf_program__fd(other->progs.other_type),
			    NULL, 0);
	if (!ASSERT_OK_PTR(ext, "freplace"))
		goto out;

	link = bpf_program__attach_freplace(ext->progs.send_signal_task,
					    bpf_program__fd(skel->progs.functions), "number");
	ASSERT_ERR_PTR(link, "attach to a stat program");
	ASSERT_EQ(errno, EINVAL, "errno");
	link = bpf_program__attach(ext->progs.send_signal_task);
	ASSERT_OK_PTR(link, "attach to its own target");
	bpf_link__destroy(link);
out:
	cgroup_stat_freplace__destroy(ext);
	cgroup_stat_freplace__destroy(other);
	cgroup_stat_flow__destroy(skel);
}

static void test_prog_run(bool sleepable)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct cgroup_stat_flow *skel = LOAD(cgroup_stat_flow, sleepable);
	__u64 ctx[3] = {};

	if (!skel)
		return;
	ASSERT_EQ(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.functions), &opts),
		  -ENOTSUPP, "without a context");
	opts.ctx_in = ctx;
	opts.ctx_size_in = sizeof(ctx);
	ASSERT_EQ(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.functions), &opts),
		  -ENOTSUPP, "with one");
	cgroup_stat_flow__destroy(skel);
}

static const struct {
	const char *name;
	void (*both)(bool sleepable);
	void (*once)(void);
} tests[] = {
	{ "ancestors", test_ancestors },
	{ "acquire", test_acquire },
	{ "from_id", test_from_id },
	{ "children", test_children },
	{ "tasks", test_tasks },
	{ "memory", test_memory },
	{ "flush_memory", .once = test_flush_memory },
	{ "flush_rstat", .once = test_flush_rstat },
	{ "storage", test_storage },
	{ "spin_lock", test_spin_lock },
	{ "kptr_cgroup", test_kptr_cgroup },
	{ "kptr_freed_with_map", test_kptr_freed_with_map },
	{ "kptr_task", test_kptr_task },
	{ "timer", test_timer },
	{ "timer_cancelled", test_timer_cancelled },
	{ "functions", test_functions },
	{ "tail_call", test_tail_call },
	{ "tail_call_limit", test_tail_call_limit },
	{ "tail_call_mixed", .once = test_tail_call_mixed },
	{ "throw", test_throw },
	{ "freplace", .once = test_freplace },
	{ "freplace_refused", .once = test_freplace_refused },
	{ "freplace_of_other_type", .once = test_freplace_of_other_type },
	{ "prog_run", test_prog_run },
};

static void run_test(int i)
{
	if (tests[i].once) {
		if (test__start_subtest(tests[i].name))
			tests[i].once();
		return;
	}
	if (start_subtest_of(tests[i].name, false))
		tests[i].both(false);
	if (start_subtest_of(tests[i].name, true))
		tests[i].both(true);
}

void test_cgroup_stat_kfuncs(void)
{
	RUN_TESTS(cgroup_stat_kfuncs_fail);

	if (setup_tree(cg, paths, NR_CGROUPS) &&
	    ASSERT_OK(enable_controllers(paths[TOP], "memory"), "memory controller"))
		for (int i = 0; i < ARRAY_SIZE(tests); i++)
			run_test(i);
	cleanup_tree(cg, NR_CGROUPS);
}
