// SPDX-License-Identifier: GPL-2.0
/*
 * bpf_cgroup_stat_notify() wakes up who waits for a change of a cgroup's file, in
 * whatever way, and whatever kind of program calls it.
 */
#include <test_progs.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "cgroup_stat_exits.skel.h"
#include "cgroup_stat_helpers.h"
#include "cgroup_stat_notify.skel.h"
#include "cgroup_stat_notify_fail.skel.h"
#include "network_helpers.h"
#include "progs/cgroup_stat_notify.h"

#define STAT_FILE	"bpf.stat." NOTIFY_NAME
#define CHANGED		(POLLPRI | POLLERR)
#define STORM		1000000
#define STORM_STEP	10000

enum { TOP, CHILD, OTHER, NR_CGROUPS };

static const char * const paths[NR_CGROUPS] = {
	"/stat_notify", "/stat_notify/child", "/stat_notify/other",
};

static int cg[NR_CGROUPS];

/*
 * Waiting for a change
 */

enum how { BY_POLL, BY_SELECT, BY_EPOLL, BY_EPOLL_EDGE, NR_HOWS };

static const char * const how_names[NR_HOWS] = { "poll", "select", "epoll", "epoll_edge" };

struct waiter {
	enum how how;
	int fd;
	int epoll_fd;
	int patience_ms;
	pthread_t thread;
	volatile pid_t tid;	/* set when the next system call is the one that waits */
	int events;		/* what it returned, 0 for none, or -errno */
};

static int wait_by_poll(struct waiter *waiter)
{
	struct pollfd poll_fd = { .fd = waiter->fd, .events = POLLPRI };
	int ret = poll(&poll_fd, 1, waiter->patience_ms);

	return ret < 0 ? -errno : poll_fd.revents;
}

/* select(2) reports POLLPRI as an exception, and POLLERR as readable. */
static int wait_by_select(struct waiter *waiter)
{
	struct timeval patience = {
		.tv_sec = waiter->patience_ms / 1000,
		.tv_usec = waiter->patience_ms % 1000 * 1000,
	};
	fd_set set;
	int ret;

	FD_ZERO(&set);
	FD_SET(waiter->fd, &set);
	ret = select(waiter->fd + 1, NULL, NULL, &set, &patience);
	return ret < 0 ? -errno : FD_ISSET(waiter->fd, &set) ? CHANGED : 0;
}

static int wait_by_epoll(struct waiter *waiter)
{
	struct epoll_event event = {};
	int ret = epoll_wait(waiter->epoll_fd, &event, 1, waiter->patience_ms);

	return ret < 0 ? -errno : (int)event.events;
}

static int wait_for_change(struct waiter *waiter)
{
	switch (waiter->how) {
	case BY_POLL:
		return wait_by_poll(waiter);
	case BY_SELECT:
		return wait_by_select(waiter);
	default:
		return wait_by_epoll(waiter);
	}
}

static int has_changed(struct waiter *waiter)
{
	struct waiter now = *waiter;

	now.patience_ms = 0;
	return wait_for_change(&now);
}

static void read_it(struct waiter *waiter)
{
	char buf[64];

	ASSERT_GT(pread_str(waiter->fd, buf, sizeof(buf)), 0, "read");
}

static bool init_epoll(struct waiter *waiter)
{
	struct epoll_event event = {
		.events = EPOLLPRI | (waiter->how == BY_EPOLL_EDGE ? EPOLLET : 0),
	};

	waiter->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return ASSERT_OK_FD(waiter->epoll_fd, "epoll_create") &&
	       ASSERT_OK(epoll_ctl(waiter->epoll_fd, EPOLL_CTL_ADD, waiter->fd, &event),
			 "epoll_ctl");
}

/* Open a file and read it. It needs close_waiter() even if it fails. */
static bool open_waiter(struct waiter *waiter, int dir, const char *file, enum how how)
{
	*waiter = (struct waiter){
		.how = how, .epoll_fd = -1, .patience_ms = DEADLINE_S * 1000,
	};
	waiter->fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	if (!ASSERT_OK_FD(waiter->fd, "open"))
		return false;
	read_it(waiter);
	return how < BY_EPOLL || init_epoll(waiter);
}

static void close_waiter(struct waiter *waiter)
{
	if (waiter->epoll_fd >= 0)
		close(waiter->epoll_fd);
	if (waiter->fd >= 0)
		close(waiter->fd);
}

static void *be_waiter(void *arg)
{
	__u64 end = get_time_ns() + DEADLINE_S * 1000000000ULL;
	struct waiter *waiter = arg;

	waiter->tid = sys_gettid();
	waiter->events = wait_for_change(waiter);
	/* poll(2) and select(2) then look once more, although nobody has woken them up */
	if (get_time_ns() >= end)
		waiter->events = 0;
	return NULL;
}

/* /proc/<pid>/syscall begins with "running", or with the number of the system call. */
static bool is_blocked(pid_t tid)
{
	char path[64], buf[128];

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	return tid && read_file(AT_FDCWD, path, buf, sizeof(buf)) > 0 &&
	       buf[0] >= '0' && buf[0] <= '9';
}

/* Returns when the waiter is asleep. */
static bool start_waiting(struct waiter *waiter)
{
	waiter->tid = 0;
	return ASSERT_OK(pthread_create(&waiter->thread, NULL, be_waiter, waiter), "thread") &&
	       ASSERT_TRUE(wait_until(is_blocked(waiter->tid)), "it waits");
}

static void assert_wakes(struct waiter *waiter)
{
	pthread_join(waiter->thread, NULL);
	ASSERT_EQ(waiter->events, CHANGED, "what it is told");
}

/*
 * Notifying
 */

static int run_prog(struct bpf_program *prog, struct notify_args *args)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(*args));
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	return err ?: opts.retval;
}

static __u64 id_of(int cgroup)
{
	struct stat st;

	return fstat(cgroup, &st) ? 0 : st.st_ino;
}

/* Returns what the kfunc returns. */
static int notify_as(struct cgroup_stat_notify *skel, int cgroup, enum which_name name)
{
	struct notify_args args = { .id = id_of(cgroup), .name = name };

	return run_prog(skel->progs.notify, &args) ?: args.ret;
}

static int notify(struct cgroup_stat_notify *skel, int cgroup)
{
	return notify_as(skel, cgroup, OURS);
}

static struct bpf_link *attach(struct cgroup_stat_notify *skel, int cgroup, __u32 flags)
{
	struct bpf_link *link;

	link = attach_stat(skel->progs.knob, cgroup, .name = NOTIFY_NAME, .mode = 0644,
			   .flags = flags);
	ASSERT_OK_PTR(link, "attach");
	return link;
}

/*
 * The tests
 */

/* A waiter wakes up, and is told until it reads; edge-triggered epoll tells it once. */
static void test_wakes(struct cgroup_stat_notify *skel, enum how how)
{
	int told = how == BY_EPOLL_EDGE ? 0 : CHANGED;
	struct waiter waiter;

	if (!open_waiter(&waiter, cg[CHILD], STAT_FILE, how))
		goto out;
	ASSERT_EQ(has_changed(&waiter), 0, "before");
	if (!start_waiting(&waiter))
		goto out;
	ASSERT_OK(notify(skel, cg[CHILD]), "notify");
	assert_wakes(&waiter);
	ASSERT_EQ(has_changed(&waiter), told, "before it has read");
	read_it(&waiter);
	ASSERT_EQ(has_changed(&waiter), 0, "after it has read");

	ASSERT_OK(notify(skel, cg[CHILD]), "notify");
	ASSERT_OK(notify(skel, cg[CHILD]), "notify");
	ASSERT_EQ(has_changed(&waiter), CHANGED, "two more");
	ASSERT_EQ(has_changed(&waiter), told, "told once for both");
	read_it(&waiter);
	ASSERT_EQ(has_changed(&waiter), 0, "after it has read");
out:
	close_waiter(&waiter);
}

static void test_wakes_all(struct cgroup_stat_notify *skel)
{
	struct waiter waiters[2 * NR_HOWS];
	int i, nr = 0;

	for (; nr < ARRAY_SIZE(waiters); nr++) {
		if (!open_waiter(&waiters[nr], cg[CHILD], STAT_FILE, nr % NR_HOWS) ||
		    !start_waiting(&waiters[nr])) {
			close_waiter(&waiters[nr]);
			break;
		}
	}
	ASSERT_OK(notify(skel, cg[CHILD]), "notify");
	for (i = 0; i < nr; i++) {
		assert_wakes(&waiters[i]);
		close_waiter(&waiters[i]);
	}
}

/* No other file of that or another cgroup is affected. */
static void test_only_this_file(struct cgroup_stat_notify *skel)
{
	struct waiter other_cgroup, parent, other_name, built_in;
	struct bpf_link *link;

	link = attach_stat(skel->progs.knob, cg[TOP], .name = NOTIFY_NAME "2");
	if (!ASSERT_OK_PTR(link, "attach another"))
		return;
	open_waiter(&other_cgroup, cg[OTHER], STAT_FILE, BY_POLL);
	open_waiter(&parent, cg[TOP], STAT_FILE, BY_POLL);
	open_waiter(&other_name, cg[CHILD], STAT_FILE "2", BY_POLL);
	open_waiter(&built_in, cg[CHILD], "cgroup.events", BY_POLL);

	ASSERT_OK(notify(skel, cg[CHILD]), "notify");
	ASSERT_EQ(has_changed(&other_cgroup), 0, "another cgroup");
	ASSERT_EQ(has_changed(&parent), 0, "the parent");
	ASSERT_EQ(has_changed(&other_name), 0, "another name");
	ASSERT_EQ(has_changed(&built_in), 0, "cgroup.events");

	close_waiter(&built_in);
	close_waiter(&other_name);
	close_waiter(&parent);
	close_waiter(&other_cgroup);
	bpf_link__destroy(link);
}

/* Returns the mask of the only event, 0 if there is none, -1 if there are more. */
static int next_event(int fd, int patience_ms, char *name)
{
	char buf[8 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	struct inotify_event *event = (struct inotify_event *)buf;
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	ssize_t len;

	if (poll(&poll_fd, 1, patience_ms) != 1)
		return 0;
	len = read(fd, buf, sizeof(buf));
	strcpy(name, event->len ? event->name : "");
	return len == sizeof(*event) + event->len ? (int)event->mask : -1;
}

static void assert_one_event(int fd, const char *name)
{
	char got[NAME_MAX + 1] = "";

	ASSERT_EQ(next_event(fd, DEADLINE_S * 1000, got), IN_MODIFY, "event");
	ASSERT_STREQ(got, name, "its name");
	ASSERT_EQ(next_event(fd, 0, got), 0, "no other event");
}

static int watch(int cgroup, const char *file)
{
	char path[PATH_MAX];
	int fd;

	if (!ASSERT_OK(path_of(cgroup, path, sizeof(path) - NAME_MAX - 1), "path"))
		return -1;
	strcat(path, file);
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	ASSERT_OK_FD(fd, "inotify_init");
	ASSERT_GE(inotify_add_watch(fd, path, IN_MODIFY), 0, "inotify_add_watch");
	return fd;
}

static void test_inotify(struct cgroup_stat_notify *skel)
{
	int file = watch(cg[CHILD], "/" STAT_FILE), dir = watch(cg[CHILD], "");

	ASSERT_OK(notify(skel, cg[OTHER]), "notify another");
	ASSERT_OK(notify(skel, cg[CHILD]), "notify");
	assert_one_event(file, "");
	assert_one_event(dir, STAT_FILE);
	close(file);
	close(dir);
}

static void test_errors(struct cgroup_stat_notify *skel)
{
	static const struct {
		enum which_name name;
		int err;
		const char *what;
	} cases[] = {
		{ OURS, 0, "a name" },
		{ PREFIXED, -ENOENT, "a name with the prefix" },
		{ EMPTY, -ENOENT, "an empty name" },
		{ PATH, -ENOENT, "a path" },
		{ TOO_LONG, -ENAMETOOLONG, "a name that is too long" },
		{ LONGEST, -ENOENT, "a name of the maximum length" },
	};
	struct bpf_link *link;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		ASSERT_EQ(notify_as(skel, cg[CHILD], cases[i].name), cases[i].err, cases[i].what);

	link = attach_stat(skel->progs.knob, cg[CHILD], .name = LONGEST_NAME);
	ASSERT_OK_PTR(link, "attach with a long name");
	ASSERT_OK(notify_as(skel, cg[CHILD], LONGEST), "a file with that name");
	ASSERT_EQ(notify_as(skel, cg[OTHER], LONGEST), -ENOENT, "not in this cgroup");
	bpf_link__destroy(link);
	ASSERT_EQ(notify_as(skel, cg[CHILD], LONGEST), -ENOENT, "after detach");
}

/* The cgroup is removed, but the program has a reference on it. */
static void test_removed_cgroup(struct cgroup_stat_notify *skel)
{
	struct notify_args args = {};
	int fd;

	fd = create_and_get_cgroup("/stat_notify/removed");
	if (!ASSERT_OK_FD(fd, "mkdir"))
		return;
	args.id = id_of(fd);
	close(fd);
	ASSERT_OK(run_prog(skel->progs.keep, &args), "keep it");
	ASSERT_OK(run_prog(skel->progs.notify_kept, &args), "notify");
	ASSERT_OK(args.ret, "while it exists");

	ASSERT_OK(run_prog(skel->progs.keep, &args), "keep it again");
	remove_cgroup("/stat_notify/removed");
	ASSERT_OK(run_prog(skel->progs.notify_kept, &args), "notify");
	ASSERT_EQ(args.ret, -ENOENT, "after it was removed");
}

static void test_lazy(struct cgroup_stat_notify *skel)
{
	struct bpf_link *link;
	struct waiter waiter;

	link = attach(skel, cg[CHILD], BPF_F_CGROUP_STAT_LAZY);
	ASSERT_EQ(notify(skel, cg[CHILD]), -ENOENT, "nobody has looked it up");
	ASSERT_EQ(nr_files(link), 0, "it doesn't create the file");
	if (!open_waiter(&waiter, cg[CHILD], STAT_FILE, BY_POLL))
		goto out;
	if (!start_waiting(&waiter))
		goto out;
	ASSERT_OK(notify(skel, cg[CHILD]), "notify");
	assert_wakes(&waiter);
out:
	close_waiter(&waiter);
	bpf_link__destroy(link);
}

/* A write notifies the file that is written, and the handlers' own open file. */
static void test_writer(struct cgroup_stat_notify *skel)
{
	struct waiter waiter;
	int fd;

	if (!open_waiter(&waiter, cg[CHILD], STAT_FILE, BY_POLL) || !start_waiting(&waiter))
		goto out;
	ASSERT_OK(write_file(cg[CHILD], STAT_FILE, "1"), "write");
	assert_wakes(&waiter);

	fd = openat(cg[CHILD], STAT_FILE, O_RDWR | O_CLOEXEC);
	close(waiter.fd);
	waiter.fd = fd;
	read_it(&waiter);
	ASSERT_EQ(write_err(fd, "1", 1), 1, "write");
	ASSERT_EQ(has_changed(&waiter), CHANGED, "by a write of its own");
out:
	close_waiter(&waiter);
}

static int bytes_queued(int inotify)
{
	int bytes = -1;

	ioctl(inotify, FIONREAD, &bytes);
	return bytes;
}

/* A million of them leave no more behind than one. */
static void test_storm(struct cgroup_stat_notify *skel)
{
	struct notify_args args = { .id = id_of(cg[CHILD]), .count = STORM_STEP };
	int fd = watch(cg[CHILD], "/" STAT_FILE), i, err = 0;
	struct waiter waiter, other;

	open_waiter(&other, cg[OTHER], STAT_FILE, BY_POLL);
	if (!open_waiter(&waiter, cg[CHILD], STAT_FILE, BY_EPOLL_EDGE) ||
	    !start_waiting(&waiter) || !start_waiting(&other))
		goto out;
	for (i = 0; !err && i < STORM; i += STORM_STEP)
		err = run_prog(skel->progs.storm, &args);
	ASSERT_OK(err, "storm");
	assert_wakes(&waiter);
	ASSERT_OK(notify(skel, cg[CHILD]), "one more");
	ASSERT_EQ(has_changed(&waiter), CHANGED, "epoll has it");
	ASSERT_EQ(has_changed(&waiter), 0, "and no other");

	ASSERT_OK(notify(skel, cg[OTHER]), "notify another");
	assert_wakes(&other);

	/* inotify merges events that are the same and haven't been read */
	ASSERT_TRUE(wait_until(bytes_queued(fd)), "inotify has it");
	ASSERT_EQ(bytes_queued(fd), sizeof(struct inotify_event), "as one event");
out:
	close_waiter(&waiter);
	close_waiter(&other);
	close(fd);
}

/*
 * Notifications from each kind of program
 */

static int run_packet(struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &pkt_v4, .data_size_in = sizeof(pkt_v4));

	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

static struct bpf_link *attach_perf_event(struct bpf_program *prog)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000,
	};
	int fd = syscall(__NR_perf_event_open, &attr, 0, -1, -1, 0);

	return fd < 0 ? NULL : bpf_program__attach_perf_event(prog, fd);
}

static struct bpf_link *attach_iter(struct bpf_program *prog)
{
	union bpf_iter_link_info info = {
		.cgroup = { .order = BPF_CGROUP_ITER_SELF_ONLY, .cgroup_fd = cg[OTHER] },
	};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts);

	opts.link_info = &info;
	opts.link_info_len = sizeof(info);
	return bpf_program__attach_iter(prog, &opts);
}

static void read_iter(struct bpf_link *link)
{
	int fd = bpf_iter_create(bpf_link__fd(link));
	char buf[64];

	ASSERT_OK_FD(fd, "iterator");
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
}

static const struct {
	const char *prog;
	struct bpf_link *(*attach)(struct bpf_program *prog);	/* NULL: libbpf knows how */
	int (*run)(struct bpf_program *prog);	/* instead of attaching it */
} kinds[] = {
	{ "on_switch" },
	{ "on_waking" },
	{ "on_xdp", .run = run_packet },
	{ "on_tc", .run = run_packet },
	{ "on_egress", .run = run_packet },
	{ "on_perf_event", attach_perf_event },
	{ "on_open" },
	{ "on_getpgid" },
	{ "on_iter", attach_iter },
};

/* Do what programs may be attached to. */
static void trigger(struct bpf_link *link, const char *name)
{
	if (!strcmp(name, "on_iter"))
		read_iter(link);
	close(open("/dev/null", O_RDONLY | O_CLOEXEC));
	syscall(__NR_getpgid, 0);
	usleep(1000);
}

/* Perf events need a task that runs for some time, so this is called until it is true. */
static bool has_notified(struct cgroup_stat_notify *skel, struct bpf_link *link, int i)
{
	trigger(link, kinds[i].prog);
	return skel->bss->nr_notified;
}

static struct cgroup_stat_notify *load_one(const char *name)
{
	struct cgroup_stat_notify *skel = cgroup_stat_notify__open();
	struct bpf_program *prog;

	if (!ASSERT_OK_PTR(skel, "open"))
		return NULL;
	prog = bpf_object__find_program_by_name(skel->obj, name);
	bpf_program__set_autoload(prog, true);
	if (!ASSERT_OK(cgroup_stat_notify__load(skel), "load")) {
		cgroup_stat_notify__destroy(skel);
		return NULL;
	}
	skel->bss->watched = id_of(cg[CHILD]);
	return skel;
}

static bool start_kind(struct bpf_program *prog, int i, struct bpf_link **link)
{
	if (kinds[i].run)
		return ASSERT_OK(kinds[i].run(prog), "run");
	*link = kinds[i].attach ? kinds[i].attach(prog) : bpf_program__attach(prog);
	return ASSERT_OK_PTR(*link, "attach");
}

static void test_kind(int i)
{
	struct cgroup_stat_notify *skel = load_one(kinds[i].prog);
	struct bpf_link *link = NULL;
	struct waiter waiter;
	bool started;

	if (!skel)
		return;
	if (!open_waiter(&waiter, cg[CHILD], STAT_FILE, BY_POLL) || !start_waiting(&waiter))
		goto out;
	started = start_kind(bpf_object__find_program_by_name(skel->obj, kinds[i].prog), i, &link);
	if (started)
		ASSERT_TRUE(wait_until(has_notified(skel, link, i)), "notifies");
	else
		notify(skel, cg[CHILD]);
	assert_wakes(&waiter);
	bpf_link__destroy(link);
out:
	close_waiter(&waiter);
	cgroup_stat_notify__destroy(skel);
}

/* A scheduler may sleep in its init(), and starts a work in enqueue(). */
static void test_sched_ext(void)
{
	struct cgroup_stat_notify *skel = cgroup_stat_notify__open();
	struct bpf_link *link = NULL;
	struct waiter waiter;

	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_program__set_autoload(skel->progs.notify_enqueue, true);
	bpf_program__set_autoload(skel->progs.notify_init, true);
	bpf_map__set_autocreate(skel->maps.notify_ops, true);
	if (!ASSERT_OK(cgroup_stat_notify__load(skel), "load"))
		goto destroy;
	skel->bss->watched = id_of(cg[CHILD]);

	if (!open_waiter(&waiter, cg[CHILD], STAT_FILE, BY_POLL) || !start_waiting(&waiter))
		goto out;
	link = bpf_map__attach_struct_ops(skel->maps.notify_ops);
	if (!ASSERT_OK_PTR(link, "attach"))
		notify(skel, cg[CHILD]);
	assert_wakes(&waiter);
	ASSERT_TRUE(skel->bss->init_notified, "from init()");
	if (link)
		ASSERT_TRUE(wait_until(skel->bss->nr_notified > 1), "from enqueue()");
	bpf_link__destroy(link);
out:
	close_waiter(&waiter);
destroy:
	cgroup_stat_notify__destroy(skel);
}

/*
 * The program in the documentation
 */

static int read_count(int fd)
{
	char buf[32];

	return pread_str(fd, buf, sizeof(buf)) > 0 ? atoi(buf) : -1;
}

static void exit_in(int cgroup)
{
	pid_t pid = fork();

	if (!pid)
		_exit(!!write_file(cgroup, "cgroup.procs", "0"));
	ASSERT_EQ(waitpid(pid, NULL, 0), pid, "waitpid");
}

static void exit_in_child(void)
{
	exit_in(cg[CHILD]);
}

static void set_scheduling(int policy, int priority, const cpu_set_t *cpus)
{
	struct sched_param param = { .sched_priority = priority };

	ASSERT_OK(sched_setscheduler(0, policy, &param), "sched_setscheduler");
	ASSERT_OK(sched_setaffinity(0, sizeof(*cpus), cpus), "sched_setaffinity");
}

/*
 * The last process of a cgroup exits, which is removed at once. Since this is a real-time
 * task on the same CPU as the process, the worker runs after that.
 */
static void exit_and_remove(void)
{
	int fd = create_and_get_cgroup("/stat_notify/child/new");
	cpu_set_t cpus, first;

	ASSERT_OK(sched_getaffinity(0, sizeof(cpus), &cpus), "sched_getaffinity");
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	set_scheduling(SCHED_FIFO, 1, &first);
	exit_in(fd);
	close(fd);
	remove_cgroup("/stat_notify/child/new");
	set_scheduling(SCHED_OTHER, 0, &cpus);
}

/* Readers in a cgroup and in its parent are woken up, and read the new count. */
static void assert_counted(void (*let_exit)(void), int count)
{
	struct waiter child, top;

	if (open_waiter(&child, cg[CHILD], PREFIX "exits", BY_POLL) && start_waiting(&child)) {
		if (open_waiter(&top, cg[TOP], PREFIX "exits", BY_POLL) && start_waiting(&top)) {
			let_exit();
			assert_wakes(&top);
			ASSERT_EQ(read_count(top.fd), count, "count of the parent");
		}
		close_waiter(&top);
		assert_wakes(&child);
		ASSERT_EQ(read_count(child.fd), count, "count");
	}
	close_waiter(&child);
}

static void test_exits(void)
{
	struct cgroup_stat_exits *skel = cgroup_stat_exits__open_and_load();
	struct bpf_link *link;

	if (!ASSERT_OK_PTR(skel, "open and load"))
		return;
	link = attach_stat(skel->progs.exits, cg[TOP]);
	if (ASSERT_OK_PTR(link, "attach") &&
	    ASSERT_OK(cgroup_stat_exits__attach(skel), "attach to the tracepoint")) {
		assert_counted(exit_in_child, 1);
		assert_counted(exit_in_child, 2);
		assert_counted(exit_and_remove, 3);
	}
	bpf_link__destroy(link);
	cgroup_stat_exits__destroy(skel);
}

static const struct {
	const char *name;
	void (*test)(struct cgroup_stat_notify *skel);
} tests[] = {
	{ "wakes_all", test_wakes_all },
	{ "only_this_file", test_only_this_file },
	{ "inotify", test_inotify },
	{ "errors", test_errors },
	{ "removed_cgroup", test_removed_cgroup },
	{ "writer", test_writer },
	{ "storm", test_storm },
};

static void test_all(struct cgroup_stat_notify *skel)
{
	struct bpf_link *link = attach(skel, cg[TOP], 0);
	int i;

	for (i = 0; i < NR_HOWS; i++) {
		if (test__start_subtest(how_names[i]))
			test_wakes(skel, i);
	}
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (test__start_subtest(tests[i].name))
			tests[i].test(skel);
	}
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (test__start_subtest(kinds[i].prog))
			test_kind(i);
	}
	if (test__start_subtest("sched_ext"))
		test_sched_ext();
	bpf_link__destroy(link);

	if (test__start_subtest("lazy"))
		test_lazy(skel);
	if (test__start_subtest("exits"))
		test_exits();
}

void test_cgroup_stat_notify(void)
{
	struct cgroup_stat_notify *skel;

	RUN_TESTS(cgroup_stat_notify_fail);

	skel = cgroup_stat_notify__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open and load"))
		return;
	if (setup_tree(cg, paths, NR_CGROUPS))
		test_all(skel);
	cleanup_tree(cg, NR_CGROUPS);
	cgroup_stat_notify__destroy(skel);
}
