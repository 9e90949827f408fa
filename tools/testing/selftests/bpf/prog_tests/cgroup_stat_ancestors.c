// SPDX-License-Identifier: GPL-2.0
/*
 * What earlier proposals of such files could do, and how it is done now. They are listed
 * in Documentation/bpf/prog_cgroup_stat.rst, "Earlier proposals".
 */
#include <test_progs.h>
#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "cgroup_hierarchical_stats.skel.h"
#include "cgroup_iter.skel.h"
#include "cgroup_iter_memcg.h"
#include "cgroup_iter_memcg.skel.h"
#include "cgroup_stat_ancestors.skel.h"
#include "cgroup_stat_ancestors_iter.skel.h"
#include "cgroup_stat_helpers.h"
#include "cgroup_stat_rfc.skel.h"
#include "iters_css_task.skel.h"

#define WAIT_FILE	PREFIX "wait"
#define LATENCY_FILE	PREFIX "latency"
#define ID_FILE		PREFIX "id"
#define HIST_FILE	PREFIX "hist_oncpu"

#define BPFFS_DIR	"/sys/fs/bpf/cgroup_stat_ancestors"	/* for root only */
#define PIN_PATH	BPFFS_DIR "/pin"
#define TREE_PATH	BPFFS_DIR "/cgroup"	/* leads to the root cgroup */

#define WAIT_NS		(20 * 1000000ULL)
#define CANT_BECOME	255	/* exit status: not an errno */

/* Most links are attached to TOP. */
enum { TOP, CHILD, GRANDCHILD, SIBLING, NR_CGROUPS };

static const char * const paths[NR_CGROUPS] = {
	"/ancestors", "/ancestors/child", "/ancestors/child/grandchild", "/ancestors/sibling",
};

static int cg[NR_CGROUPS];

static bool has_file_anywhere(const char *file)
{
	for (int i = 0; i < NR_CGROUPS; i++)
		if (has_file(cg[i], file))
			return true;
	return false;
}

static bool has_file_everywhere(const char *file)
{
	for (int i = 0; i < NR_CGROUPS; i++)
		if (!has_file(cg[i], file))
			return false;
	return true;
}

/* Pin a link in bpffs, and let nothing else hold it. */
static bool hand_to_bpffs(struct bpf_link *link)
{
	int err;

	if (!ASSERT_OK_PTR(link, "attach"))
		return false;
	err = bpf_link__pin(link, PIN_PATH);
	bpf_link__destroy(link);
	return ASSERT_OK(err, "pin");
}

static void unpin(const char *file)
{
	ASSERT_OK(unlink(PIN_PATH), "unpin");
	/* unlinking a pin puts the link from a work item */
	ASSERT_TRUE(wait_until(!has_file_anywhere(file)), "the files go with the pin");
}

/* Returns 0 or -errno. */
static int path_in(int dir, const char *name, char *path, size_t size)
{
	int err = path_of(dir, path, size);
	size_t len;

	if (err)
		return err;
	len = strlen(path);
	snprintf(path + len, size - len, "/%s", name);
	return 0;
}

/* Read a file as a user without privileges. Returns 0 or -errno. */
static int nobody_reads(const char *path, const char *expected)
{
	char buf[256];
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		if (become_nobody())
			_exit(CANT_BECOME);
		status = read_file(AT_FDCWD, path, buf, sizeof(buf));
		_exit(status < 0 ? -status : strcmp(buf, expected) ? EBADMSG : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) == CANT_BECOME)
		return -ECHILD;
	return -WEXITSTATUS(status);
}

/*** Waits for a CPU, whose length is known ***/

/*
 * A task that waits on purpose: it has the same CPU as the test, and as a real-time task
 * of lower priority doesn't run as long as the test does. No other task is involved, so
 * this doesn't depend on how busy the machine is.
 */
struct waiter {
	pid_t pid;
	__u64 born;
	int fd;			/* to ask it, and to receive its answer */
	cpu_set_t all_cpus;
};

static int run_at(int priority)
{
	struct sched_param param = { .sched_priority = priority };

	return sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER, &param);
}

static void answer_all(int cgroup, int fd)
{
	char c;

	if (write_file(cgroup, "cgroup.procs", "0") || run_at(1))
		_exit(errno);
	while (read(fd, &c, 1) == 1)
		if (write(fd, &c, 1) != 1)
			break;
	_exit(0);
}

static void stop_waiter(struct waiter *waiter)
{
	int status;

	close(waiter->fd);
	ASSERT_OK(run_at(0), "normal priority");
	ASSERT_OK(sched_setaffinity(0, sizeof(waiter->all_cpus), &waiter->all_cpus), "all CPUs");
	if (waiter->pid < 0)
		return;
	if (ASSERT_EQ(waitpid(waiter->pid, &status, 0), waiter->pid, "waitpid"))
		ASSERT_EQ(status, 0, "it ends by itself");
}

/* wchan is "0" as long as it is on the run queue. */
static bool is_asleep(const struct waiter *waiter)
{
	char path[32], where[64];

	snprintf(path, sizeof(path), "/proc/%d/wchan", waiter->pid);
	return read_file(AT_FDCWD, path, where, sizeof(where)) > 0 && strcmp(where, "0");
}

/*
 * Let the next wait begin by a wakeup. Without this, it begins when the task is preempted
 * by the test, which its answer has woken up.
 */
static void let_sleep(const struct waiter *waiter)
{
	ASSERT_TRUE(wait_until(is_asleep(waiter)), "it goes to sleep");
}

/* Let it wait for @ns or longer. Returns for how long it has waited at least, or 0. */
static __u64 wait_for(struct waiter *waiter, __u64 ns)
{
	__u64 begin, end;
	char c = 'x';

	if (!ASSERT_EQ(send(waiter->fd, &c, 1, MSG_NOSIGNAL), 1, "ask it"))
		return 0;
	begin = get_time_ns();
	do
		end = get_time_ns();
	while (end - begin < ns);
	return ASSERT_EQ(read(waiter->fd, &c, 1), 1, "it runs") ? end - begin : 0;
}

/* The programs may fail to do this, because they can't wait for locks. */
static void create_storage(const struct bpf_map *map, int fd)
{
	__u64 zeroes[3] = {};
	int err;

	err = bpf_map__update_elem(map, &fd, sizeof(fd), zeroes, bpf_map__value_size(map),
				   BPF_NOEXIST);
	ASSERT_TRUE(!err || err == -EEXIST, "create storage");
}

static void create_all_storage(const struct cgroup_stat_ancestors *skel,
			       const struct waiter *waiter, int cgroup)
{
	int pidfd = syscall(SYS_pidfd_open, waiter->pid, 0);

	create_storage(skel->maps.waiting_since, pidfd);
	create_storage(skel->maps.waits_of, cgroup);
	close(pidfd);
}

/* Needs stop_waiter() if it succeeds. */
static bool start_waiter(const struct cgroup_stat_ancestors *skel, struct waiter *waiter,
			 int cgroup)
{
	cpu_set_t cpu;
	int fds[2];

	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	if (!ASSERT_OK(sched_getaffinity(0, sizeof(cpu), &waiter->all_cpus), "get CPUs") ||
	    !ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), "socketpair"))
		return false;

	waiter->fd = fds[0];
	waiter->born = get_time_ns();
	waiter->pid = -1;
	if (ASSERT_OK(sched_setaffinity(0, sizeof(cpu), &cpu), "one CPU") &&
	    ASSERT_OK(run_at(2), "priority"))
		waiter->pid = fork();
	if (!waiter->pid) {
		close(fds[0]);
		answer_all(cgroup, fds[1]);
	}
	close(fds[1]);
	/* when it has answered, it is in the cgroup, and has its priority */
	if (ASSERT_GT(waiter->pid, 0, "fork") && wait_for(waiter, 1)) {
		create_all_storage(skel, waiter, cgroup);
		return true;
	}
	stop_waiter(waiter);
	return false;
}

/*** The proposal of January 2022: a view of a cgroup, exposed in its directory ***/

/* Returns the longest wait of the tasks in cg[@i]. */
static __u64 read_max(int i)
{
	unsigned long long max = 0;
	char buf[64], expected[64];
	int nr;

	ASSERT_GT(read_file(cg[i], WAIT_FILE, buf, sizeof(buf)), 0, "read");
	nr = sscanf(buf, "%*u %llu", &max);
	ASSERT_EQ(nr, 1, "value");
	snprintf(expected, sizeof(expected), "%llu %llu\n", get_cgroup_id(paths[i]), max);
	ASSERT_STREQ(buf, expected, "id and value");
	return max;
}

static struct bpf_link *attach_wait_show(struct cgroup_stat_ancestors *skel)
{
	return attach_stat(skel->progs.wait_show, cg[TOP], .name = "wait");
}

static void check_waits(struct waiter *waiter)
{
	__u64 waited, max, longer;

	waited = wait_for(waiter, WAIT_NS);
	max = read_max(CHILD);
	ASSERT_GE(max, waited, "it counts");
	ASSERT_LT(max, get_time_ns() - waiter->born, "what is possible");

	let_sleep(waiter);
	waited = wait_for(waiter, read_max(CHILD) + WAIT_NS);
	longer = read_max(CHILD);
	ASSERT_GE(longer, waited, "a longer one counts");

	wait_for(waiter, 1);
	ASSERT_GE(read_max(CHILD), longer, "a shorter one doesn't");
}

static void test_view(struct cgroup_stat_ancestors *skel)
{
	struct waiter waiter;
	struct bpf_link *link;

	link = attach_wait_show(skel);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;

	ASSERT_EQ(read_max(CHILD), 0, "no tasks, no waits");
	if (start_waiter(skel, &waiter, cg[CHILD])) {
		check_waits(&waiter);
		stop_waiter(&waiter);
	}
	ASSERT_EQ(read_max(TOP), 0, "by cgroup");
	ASSERT_EQ(read_max(GRANDCHILD), 0, "by cgroup");
	bpf_link__destroy(link);
}

static void test_view_unpinned(struct cgroup_stat_ancestors *skel)
{
	if (!hand_to_bpffs(attach_wait_show(skel)))
		return;
	ASSERT_TRUE(has_file_everywhere(WAIT_FILE), "the pin keeps the files");
	read_max(SIBLING);
	unpin(WAIT_FILE);
}

/* The command was to write "rm" to the file, now it is BPF_LINK_DETACH. */
static void test_view_removed(struct cgroup_stat_ancestors *skel)
{
	struct bpf_link *link;

	if (!hand_to_bpffs(attach_wait_show(skel)))
		return;
	link = bpf_link__open(PIN_PATH);
	if (ASSERT_OK_PTR(link, "open the pin")) {
		ASSERT_OK(bpf_link__detach(link), "detach");
		ASSERT_FALSE(has_file_anywhere(WAIT_FILE), "gone at once");
		bpf_link__destroy(link);
	}
	ASSERT_OK(access(PIN_PATH, F_OK), "the pin is left");
	unpin(WAIT_FILE);
}

static void test_view_written(struct cgroup_stat_ancestors *skel)
{
	static const char * const words[] = { "xxx", "rm", "rm\n" };
	struct bpf_link *link;

	link = attach_wait_show(skel);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	for (int i = 0; i < ARRAY_SIZE(words); i++)
		ASSERT_EQ(write_file(cg[CHILD], WAIT_FILE, words[i]), -EINVAL, "write");
	ASSERT_TRUE(has_file_everywhere(WAIT_FILE), "the files are still there");
	ASSERT_EQ(read_max(SIBLING), 0, "and read");
	bpf_link__destroy(link);
}

static void assert_not_pinned(int fd, const char *name, const char *what)
{
	char path[PATH_MAX];

	ASSERT_OK(path_in(cg[CHILD], name, path, sizeof(path)), "path");
	ASSERT_EQ(bpf_obj_pin(fd, path), -EPERM, what);
	ASSERT_FALSE(has_file(cg[CHILD], name), "no file");
}

/* Programs, maps and links could be pinned in cgroupfs, which is for bpffs. */
static void test_view_objects(struct cgroup_stat_ancestors *skel)
{
	struct bpf_link *link;

	assert_not_pinned(bpf_program__fd(skel->progs.wait_show), "bpf_obj", "program");
	assert_not_pinned(bpf_map__fd(skel->maps.waits_of), "bpf_obj", "map");
	assert_not_pinned(bpf_link__fd(skel->links.on_switch), "bpf_obj", "link");
	link = attach_stat(skel->progs.wait_show, cg[SIBLING], .name = "wait");
	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	assert_not_pinned(bpf_link__fd(link), WAIT_FILE, "a link of such files");
	bpf_link__destroy(link);
}

/*** The proposal of February 2022: a view that sub-directories of bpffs inherit ***/

static void assert_only_pin(void)
{
	DIR *dir = opendir(BPFFS_DIR);
	struct dirent *de;
	int nr = 0;

	if (!ASSERT_OK_PTR(dir, "opendir"))
		return;
	while ((de = readdir(dir))) {
		if (de->d_name[0] == '.')
			continue;
		ASSERT_STREQ(de->d_name, "pin", "what is in bpffs");
		nr++;
	}
	ASSERT_EQ(nr, 1, "files in bpffs");
	closedir(dir);
}

static void assert_latency(int cgroup, __u64 min_nr, __u64 min_ns, __u64 max_ns)
{
	unsigned long long nr = 0, ns = 0;
	char buf[64];
	int matched;

	ASSERT_GT(read_file(cgroup, LATENCY_FILE, buf, sizeof(buf)), 0, "read");
	matched = sscanf(buf, "nr %llu\ntotal_ns %llu\n", &nr, &ns);
	ASSERT_EQ(matched, 2, "contents");
	ASSERT_GE(nr, min_nr, "nr");
	ASSERT_GE(ns, min_ns, "total_ns");
	ASSERT_LE(ns, max_ns, "total_ns");
}

static void measure_latency(const struct cgroup_stat_ancestors *skel, int cgroup)
{
	struct waiter waiter;
	__u64 waited;

	if (!start_waiter(skel, &waiter, cgroup))
		return;
	waited = wait_for(&waiter, WAIT_NS);
	let_sleep(&waiter);
	waited += wait_for(&waiter, WAIT_NS);
	assert_latency(cgroup, 2, waited, get_time_ns() - waiter.born);
	stop_waiter(&waiter);
}

/* Check that a removed cgroup's file doesn't run the program, and create it again. */
static void assert_not_run(struct cgroup_stat_ancestors *skel, int *cgroup)
{
	char buf[64];
	struct stat st;
	int file, nr;

	if (!ASSERT_OK(fstat(*cgroup, &st), "stat"))
		return;
	skel->bss->watched_id = st.st_ino;
	file = openat(*cgroup, LATENCY_FILE, O_RDONLY);
	ASSERT_GT(pread_str(file, buf, sizeof(buf)), 0, "read");
	nr = skel->bss->nr_runs;
	ASSERT_GT(nr, 0, "run");

	ASSERT_OK(unlinkat(cg[GRANDCHILD], "new", AT_REMOVEDIR), "rmdir");
	ASSERT_EQ(pread_str(file, buf, sizeof(buf)), -ENODEV, "read");
	ASSERT_EQ(read_file(*cgroup, LATENCY_FILE, buf, sizeof(buf)), -ENOENT, "open");
	ASSERT_EQ(skel->bss->nr_runs, nr, "not run");
	close(file);
	close(*cgroup);

	ASSERT_OK(mkdirat(cg[GRANDCHILD], "new", 0755), "mkdir again");
	*cgroup = openat(cg[GRANDCHILD], "new", O_RDONLY);
	assert_file_reads(*cgroup, LATENCY_FILE, "nr 0\ntotal_ns 0\n");
}

static bool is_empty(int cgroup)
{
	char buf[64];

	return read_file(cgroup, "cgroup.events", buf, sizeof(buf)) > 0 &&
	       strstr(buf, "populated 0");
}

static void test_inherited(struct cgroup_stat_ancestors *skel)
{
	char path[PATH_MAX], buf[64];
	int new;

	if (!hand_to_bpffs(attach_stat(skel->progs.latency, cg[TOP])))
		return;
	ASSERT_TRUE(has_file_everywhere(LATENCY_FILE), "in all that are there");
	if (!ASSERT_OK(mkdirat(cg[GRANDCHILD], "new", 0755), "mkdir"))
		goto out;
	new = openat(cg[GRANDCHILD], "new", O_RDONLY);
	assert_file_reads(new, LATENCY_FILE, "nr 0\ntotal_ns 0\n");
	assert_only_pin();

	measure_latency(skel, new);
	ASSERT_TRUE(wait_until(is_empty(new)), "its task is gone");
	ASSERT_OK(path_in(new, LATENCY_FILE, path, sizeof(path)), "path");
	read_file(AT_FDCWD, path, buf, sizeof(buf));
	ASSERT_OK(nobody_reads(path, buf), "read without privileges");

	assert_not_run(skel, &new);
	close(new);
	unlinkat(cg[GRANDCHILD], "new", AT_REMOVEDIR);
out:
	unpin(LATENCY_FILE);
}

/*** Cgroup iterators, upstream since August 2022 ***/

/* What upstream's selftests load as an iterator is loaded as a stat program. */
static void make_stat(struct bpf_program *prog)
{
	bpf_program__set_type(prog, BPF_PROG_TYPE_CGROUP_STAT);
	bpf_program__set_expected_attach_type(prog, BPF_CGROUP_STAT);
}

static void read_iter(struct bpf_program *prog, int cgroup, enum bpf_cgroup_iter_order order,
		      char *buf, size_t size)
{
	LIBBPF_OPTS(bpf_iter_attach_opts, opts);
	union bpf_iter_link_info info = { .cgroup = { .cgroup_fd = cgroup, .order = order } };
	struct bpf_link *link;
	ssize_t len;
	int fd;

	buf[0] = '\0';
	opts.link_info = &info;
	opts.link_info_len = sizeof(info);
	link = bpf_program__attach_iter(prog, &opts);
	if (!ASSERT_OK_PTR(link, "attach the iterator"))
		return;
	fd = bpf_iter_create(bpf_link__fd(link));
	while ((len = read(fd, buf, size - 1)) > 0) {
		buf += len;
		size -= len;
		buf[0] = '\0';
	}
	ASSERT_EQ(len, 0, "read the iterator");
	close(fd);
	bpf_link__destroy(link);
}

/*
 * As there is a file for each cgroup, each is the first of its walk, and none has the
 * call at the end.
 */
static void compare_outputs(struct bpf_program *iter)
{
	static const char first[] = "prologue\n", last[] = "epilogue\n";
	char file[64], all[256] = "", walk[256];

	strcat(all, first);
	for (int i = 0; i < NR_CGROUPS; i++) {
		read_file(cg[i], ID_FILE, file, sizeof(file));
		if (!ASSERT_STRNEQ(file, first, strlen(first), "the first of its walk"))
			return;
		strcat(all, file + strlen(first));
		strcat(file, last);
		read_iter(iter, cg[i], BPF_CGROUP_ITER_SELF_ONLY, walk, sizeof(walk));
		ASSERT_STREQ(file, walk, paths[i]);
	}

	strcat(all, last);
	read_iter(iter, cg[TOP], BPF_CGROUP_ITER_DESCENDANTS_PRE, walk, sizeof(walk));
	ASSERT_STREQ(all, walk, "the whole walk");
}

/* The program also counts its cgroup's tasks. */
static void compare_tasks(struct iters_css_task *iter, struct iters_css_task *stat)
{
	char buf[256];

	if (!ASSERT_OK(join_cgroup(paths[CHILD]), "join"))
		return;
	for (int i = 0; i < NR_CGROUPS; i++) {
		read_file(cg[i], ID_FILE, buf, sizeof(buf));
		ASSERT_EQ(stat->bss->css_task_cnt, i == CHILD, "tasks");
		read_iter(iter->progs.cgroup_id_printer, cg[i], BPF_CGROUP_ITER_SELF_ONLY, buf,
			  sizeof(buf));
		ASSERT_EQ(iter->bss->css_task_cnt, i == CHILD, "the iterator's tasks");
	}
	ASSERT_OK(join_root_cgroup(), "leave");
}

static struct iters_css_task *load_printer(bool as_stat)
{
	struct iters_css_task *skel = iters_css_task__open();

	if (!skel)
		return NULL;
	bpf_program__set_autoload(skel->progs.iter_css_task_for_each, false);
	bpf_program__set_autoload(skel->progs.cgroup_id_printer, true);
	if (as_stat)
		make_stat(skel->progs.cgroup_id_printer);
	skel->bss->target_pid = getpid();
	if (!iters_css_task__load(skel))
		return skel;
	iters_css_task__destroy(skel);
	return NULL;
}

static void test_iterator(struct cgroup_stat_ancestors *skel)
{
	struct iters_css_task *iter = load_printer(false), *stat = load_printer(true);
	struct bpf_link *link;

	if (!ASSERT_OK_PTR(iter, "load as an iterator") ||
	    !ASSERT_OK_PTR(stat, "load the same as a stat program"))
		goto out;
	link = attach_stat(stat->progs.cgroup_id_printer, cg[TOP], .name = "id");
	if (!ASSERT_OK_PTR(link, "attach"))
		goto out;

	compare_outputs(iter->progs.cgroup_id_printer);
	compare_tasks(iter, stat);
	bpf_link__destroy(link);
out:
	iters_css_task__destroy(stat);
	iters_css_task__destroy(iter);
}

/* That of upstream's test cgroup_iter can return 1: a stat program calls it. */
static void test_iterator_called(struct cgroup_stat_ancestors *skel)
{
	struct cgroup_stat_ancestors_iter *stat = cgroup_stat_ancestors_iter__open_and_load();
	struct cgroup_iter *iter = cgroup_iter__open_and_load();
	struct bpf_link *link;

	if (!ASSERT_OK_PTR(iter, "load the iterator") ||
	    !ASSERT_OK_PTR(stat, "load the stat program"))
		goto out;
	link = attach_stat(stat->progs.id, cg[TOP]);
	if (!ASSERT_OK_PTR(link, "attach"))
		goto out;
	compare_outputs(iter->progs.cgroup_id_printer);
	bpf_link__destroy(link);
out:
	cgroup_iter__destroy(iter);
	cgroup_stat_ancestors_iter__destroy(stat);
}

/* Load one program of an object as a stat program: it is refused for what it returns. */
static void assert_returns_wrong(struct bpf_object *obj, const char *name)
{
	struct bpf_program *prog;
	char *log;
	int err;

	bpf_object__for_each_program(prog, obj) {
		bool it = !strcmp(bpf_program__name(prog), name);

		bpf_program__set_autoload(prog, it);
		if (it)
			make_stat(prog);
	}
	set_sleepable(obj);

	if (start_libbpf_log_capture())
		return;
	err = bpf_object__load(obj);
	log = stop_libbpf_log_capture();
	ASSERT_EQ(err, -EINVAL, name);
	ASSERT_HAS_SUBSTR(log, "should have been in [-4095, 0]", name);
	free(log);
}

/* An iterator ends its walk by returning 1. A stat program has no walk, and returns 0. */
static void test_iterator_ends(struct cgroup_stat_ancestors *skel)
{
	struct cgroup_hierarchical_stats *hierarchical = cgroup_hierarchical_stats__open();
	struct cgroup_iter_memcg *memcg = cgroup_iter_memcg__open();
	struct cgroup_iter *iter = cgroup_iter__open();

	if (ASSERT_OK_PTR(hierarchical, "open") && ASSERT_OK_PTR(memcg, "open") &&
	    ASSERT_OK_PTR(iter, "open")) {
		assert_returns_wrong(hierarchical->obj, "dumper");
		assert_returns_wrong(memcg->obj, "cgroup_memcg_query");
		assert_returns_wrong(iter->obj, "cgroup_id_printer");
	}
	cgroup_iter__destroy(iter);
	cgroup_iter_memcg__destroy(memcg);
	cgroup_hierarchical_stats__destroy(hierarchical);
}

/*** The RFC of February 2026, approach 1: /sys/fs/bpf/cgroup/<cgroup tree>/hist_oncpu ***/

/* The path below TREE_PATH that is that of @file in cg[@i]. */
static void path_in_tree(int i, const char *file, char *path, size_t size)
{
	char root[PATH_MAX], in_cgroupfs[PATH_MAX];
	int fd = get_root_cgroup();

	ASSERT_OK(path_of(fd, root, sizeof(root)), "path of the root");
	close(fd);
	ASSERT_OK(path_in(cg[i], file, in_cgroupfs, sizeof(in_cgroupfs)), "path");
	snprintf(path, size, TREE_PATH "%s", in_cgroupfs + strlen(root));
}

/* The files are those in cgroupfs, and so they come and go with their cgroups. */
static void check_tree(void)
{
	char path[PATH_MAX], expected[32];

	for (int i = 0; i < NR_CGROUPS; i++) {
		path_in_tree(i, HIST_FILE, path, sizeof(path));
		read_file(cg[i], HIST_FILE, expected, sizeof(expected));
		assert_file_reads(AT_FDCWD, path, expected);
	}

	ASSERT_OK(mkdirat(cg[SIBLING], "new", 0755), "mkdir");
	path_in_tree(SIBLING, "new/" HIST_FILE, path, sizeof(path));
	read_file(cg[SIBLING], "new/" HIST_FILE, expected, sizeof(expected));
	assert_file_reads(AT_FDCWD, path, expected);
	ASSERT_OK(unlinkat(cg[SIBLING], "new", AT_REMOVEDIR), "rmdir");
	ASSERT_ERR(access(path, F_OK), "the file goes with its cgroup");
	ASSERT_EQ(errno, ENOENT, "errno");

	/* a directory there is a cgroup */
	path_in_tree(SIBLING, "new", path, sizeof(path));
	ASSERT_OK(mkdir(path, 0755), "mkdir in bpffs");
	assert_file_reads(cg[SIBLING], "new/" HIST_FILE, expected);
	ASSERT_OK(rmdir(path), "rmdir in bpffs");
	ASSERT_FALSE(has_file(cg[SIBLING], "new"), "no cgroup");
}

/* Who may read them depends on both paths. */
static void check_tree_access(void)
{
	char path[PATH_MAX], expected[32];

	read_file(cg[CHILD], HIST_FILE, expected, sizeof(expected));
	ASSERT_OK(path_in(cg[CHILD], HIST_FILE, path, sizeof(path)), "path");
	ASSERT_OK(nobody_reads(path, expected), "in cgroupfs");
	path_in_tree(CHILD, HIST_FILE, path, sizeof(path));
	ASSERT_EQ(nobody_reads(path, expected), -EACCES, "in a directory for root only");
	ASSERT_OK(chmod(BPFFS_DIR, 0711), "chmod");
	ASSERT_OK(nobody_reads(path, expected), "in one for all");
	ASSERT_OK(chmod(BPFFS_DIR, 0700), "chmod back");
}

static bool attach_hist(void)
{
	struct cgroup_stat_rfc *skel = cgroup_stat_rfc__open_and_load();
	bool ok;

	ok = ASSERT_OK_PTR(skel, "load") &&
	     hand_to_bpffs(attach_stat(skel->progs.histo_on_cpu, cg[TOP], .name = "hist_oncpu"));
	cgroup_stat_rfc__destroy(skel);
	return ok;
}

static void check_all_of_tree(void)
{
	char path[PATH_MAX];

	check_tree();
	check_tree_access();
	path_in_tree(CHILD, HIST_FILE, path, sizeof(path));
	unpin(HIST_FILE);
	ASSERT_ERR(access(path, F_OK), "the files go with the pin");
	path_in_tree(CHILD, "", path, sizeof(path));
	ASSERT_OK(access(path, F_OK), "the directories stay");
}

static void test_bpffs_symlink(struct cgroup_stat_ancestors *skel)
{
	char root[PATH_MAX];
	int fd = get_root_cgroup();

	ASSERT_OK(path_of(fd, root, sizeof(root)), "path of the root");
	close(fd);
	if (!attach_hist())
		return;
	if (ASSERT_OK(symlink(root, TREE_PATH), "symlink"))
		check_all_of_tree();
	ASSERT_OK(unlink(TREE_PATH), "unlink");
}

static void test_bpffs_mount(struct cgroup_stat_ancestors *skel)
{
	char root[PATH_MAX], path[PATH_MAX];
	int fd = get_root_cgroup(), pin;

	ASSERT_OK(path_of(fd, root, sizeof(root)), "path of the root");
	close(fd);
	if (!attach_hist())
		return;
	if (!ASSERT_OK(mkdir(TREE_PATH, 0755), "mkdir") ||
	    !ASSERT_OK(mount(root, TREE_PATH, NULL, MS_BIND, NULL), "mount"))
		goto out;

	pin = bpf_obj_get(PIN_PATH);
	path_in_tree(TOP, "pin", path, sizeof(path));
	ASSERT_EQ(bpf_obj_pin(pin, path), -EPERM, "it is cgroupfs, not bpffs");
	close(pin);
	check_all_of_tree();
	ASSERT_OK(umount(TREE_PATH), "umount");
out:
	ASSERT_OK(rmdir(TREE_PATH), "rmdir");
}

static const struct {
	const char *name;
	void (*fn)(struct cgroup_stat_ancestors *skel);
} tests[] = {
	{ "view", test_view },
	{ "view_unpinned", test_view_unpinned },
	{ "view_removed", test_view_removed },
	{ "view_written", test_view_written },
	{ "view_objects", test_view_objects },
	{ "inherited", test_inherited },
	{ "iterator", test_iterator },
	{ "iterator_called", test_iterator_called },
	{ "iterator_ends", test_iterator_ends },
	{ "bpffs_symlink", test_bpffs_symlink },
	{ "bpffs_mount", test_bpffs_mount },
};

void test_cgroup_stat_ancestors(void)
{
	struct cgroup_stat_ancestors *skel;

	skel = cgroup_stat_ancestors__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open and load"))
		return;
	if (!ASSERT_OK(cgroup_stat_ancestors__attach(skel), "attach what records"))
		goto out;

	if (setup_tree(cg, paths, NR_CGROUPS) && ASSERT_OK(mkdir(BPFFS_DIR, 0700), "mkdir")) {
		for (int i = 0; i < ARRAY_SIZE(tests); i++)
			if (test__start_subtest(tests[i].name))
				tests[i].fn(skel);
		ASSERT_OK(rmdir(BPFFS_DIR), "nothing left in bpffs");
	}
	cleanup_tree(cg, NR_CGROUPS);
out:
	cgroup_stat_ancestors__destroy(skel);
}
