// SPDX-License-Identifier: GPL-2.0
/*
 * A program that blocks or loops in read(2) or write(2), or a write(2) that waits for
 * memory, doesn't block anybody else: other operations on its file, cgroup and link
 * return while it is stuck. The read(2) or write(2) then completes as usual.
 *
 * Programs stay stuck until let_go(). So the tests don't depend on timing: a deadline
 * that is exceeded means that something hangs.
 */
#include <test_progs.h>
#include <poll.h>
#include <pthread.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "cgroup_stat_helpers.h"
#include "cgroup_stat_wait.skel.h"

#define NAME		"stuck"
#define STAT_FILE	"bpf.stat." NAME
#define PIN_PATH	"/sys/fs/bpf/cgroup_stat_wait"

#define TEXT		"what is written"

/* what the programs output for readers that don't get stuck */
#define OTHERS_DATA	7

/* A child process, so that it can be killed. It shares our open files. */
struct reader {
	pid_t pid;
	int uffd;	/* userfaultfd of its memory */
	int ret;	/* of pread(2) or write(2), or -errno */
	char buf[64];	/* what it read */
};

/* What the program does after let_go(). */
enum last_steps { RETURN, FAIL, THROW, LOAD_BADLY, OUTGROW };

/* A link at root, whose program gets stuck while root/child/STAT_FILE is read. */
struct scene {
	struct cgroup_stat_wait *skel;		/* of the program that gets stuck */
	struct cgroup_stat_wait *next_skel;	/* of the program to update to */
	bool sleeps;
	bool writes;	/* the file is written instead */
	bool allocates;	/* gets stuck when the kernel allocates the buffer for the write */
	bool swaps;	/* it is updated from, and to, a program of the other kind */
	enum last_steps steps;
	bool let_go;
	struct bpf_link *link;
	struct bpf_link *alloc_link;
	int root, child, other;
	int file;
	struct reader *reader;
};

typedef int (*op_fn)(struct scene *s);

static int base = -1;		/* parent directory of root */
static void *page;		/* faults in the memory of a reader until let_go() */
static struct reader *readers;	/* in memory shared with them */

static struct bpf_program *prog_of(struct cgroup_stat_wait *skel, bool sleeps)
{
	return sleeps ? skel->progs.sleeps : skel->progs.spins;
}

static struct bpf_link *attach(struct bpf_program *prog, int cgroup)
{
	return attach_stat(prog, cgroup, .name = NAME, .mode = 0666);
}

static int uffd_open(void)
{
	struct uffdio_register reg = {
		.range = { .start = (unsigned long)page, .len = getpagesize() },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_api api = { .api = UFFD_API };
	int uffd = syscall(__NR_userfaultfd, O_CLOEXEC);

	if (uffd < 0)
		return -errno;
	if (ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &reg)) {
		close(uffd);
		return -errno;
	}
	return uffd;
}

static void be_reader(struct scene *s, struct reader *reader, bool victim)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (s->sleeps)
		reader->uffd = uffd_open();
	if (victim)
		s->skel->bss->victim = syscall(__NR_getpid);
	if (s->writes)
		reader->ret = write_err(s->file, TEXT, strlen(TEXT));
	else
		reader->ret = pread_str(s->file, reader->buf, sizeof(reader->buf));
}

static bool start_reader(struct scene *s, struct reader *reader, bool victim)
{
	pid_t pid;

	*reader = (struct reader){ .uffd = -1, .ret = -ECHILD };

	pid = syscall(__NR_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		be_reader(s, reader, victim);
		_exit(0);
	}
	reader->pid = pid;
	return ASSERT_GT(pid, 0, "clone");
}

/* Returns the status of waitpid(2), or -1 for a reader that doesn't end. */
static int reap(struct reader *reader)
{
	int status = -1;

	if (wait_until(waitpid(reader->pid, &status, WNOHANG) == reader->pid))
		reader->pid = 0;
	return status;
}

static void let_go(struct scene *s)
{
	static __u64 served[4096 / sizeof(__u64)] __aligned(4096) = { 1 };
	struct uffdio_copy copy = {
		.dst = (unsigned long)page,
		.src = (unsigned long)served,
		.len = sizeof(served),
	};

	if (s->let_go)
		return;
	s->let_go = true;

	if (s->sleeps)
		ASSERT_OK(ioctl(s->reader->uffd, UFFDIO_COPY, &copy), "serve the page");
	else
		s->skel->bss->stop = true;
}

/* Returns whether the reader is waiting for the page. */
static bool has_faulted(int uffd)
{
	struct pollfd poll_uffd = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;

	return poll(&poll_uffd, 1, DEADLINE_S * 1000) == 1 &&
	       read(uffd, &msg, sizeof(msg)) == sizeof(msg) &&
	       msg.event == UFFD_EVENT_PAGEFAULT &&
	       msg.arg.pagefault.address == (unsigned long)page;
}

static bool get_stuck(struct scene *s)
{
	s->reader = &readers[0];
	if (!start_reader(s, s->reader, true))
		return false;
	if (!ASSERT_TRUE(wait_until(s->skel->bss->inside), "the program runs"))
		return false;
	return !s->sleeps || ASSERT_TRUE(has_faulted(s->reader->uffd), "and waits for the page");
}

static bool make_cgroups(struct scene *s)
{
	if (!ASSERT_OK(mkdirat(base, "root", 0755), "mkdir root") ||
	    !ASSERT_OK(mkdirat(base, "root/child", 0755), "mkdir child") ||
	    !ASSERT_OK(mkdirat(base, "root/other", 0755), "mkdir other"))
		return false;

	s->root = openat(base, "root", O_RDONLY);
	s->child = openat(base, "root/child", O_RDONLY);
	s->other = openat(base, "root/other", O_RDONLY);
	return true;
}

static bool open_scene(struct scene *s)
{
	struct cgroup_stat_wait__bss *bss = s->skel->bss;

	bss->victim = 0;
	bss->others = OTHERS_DATA;
	bss->page = page;
	bss->stop = false;
	bss->inside = false;
	bss->fails = s->steps == FAIL;
	bss->throws = s->steps == THROW;
	bss->loads_badly = s->steps == LOAD_BADLY;
	bss->outgrows = s->steps == OUTGROW;
	s->root = -1;
	s->child = -1;
	s->other = -1;
	s->file = -1;

	if (!make_cgroups(s))
		return false;
	if (s->allocates) {
		s->alloc_link = bpf_program__attach(s->skel->progs.allocates);
		if (!ASSERT_OK_PTR(s->alloc_link, "attach to kmalloc"))
			return false;
	}
	s->link = attach(prog_of(s->skel, s->sleeps != s->swaps), s->root);
	if (!ASSERT_OK_PTR(s->link, "attach"))
		return false;
	if (s->swaps && !ASSERT_OK(bpf_link__update_program(s->link,
							    prog_of(s->skel, s->sleeps)),
				   "update to another kind"))
		return false;
	s->file = openat(s->child, STAT_FILE, O_RDWR);
	return ASSERT_OK_FD(s->file, "open");
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_scene(struct scene *s)
{
	if (s->reader && s->reader->pid > 0) {
		kill(s->reader->pid, SIGKILL);
		s->skel->bss->stop = true;
		reap(s->reader);
	}
	if (s->reader)
		close_fd(&s->reader->uffd);
	unlink(PIN_PATH);
	bpf_link__destroy(s->link);
	bpf_link__destroy(s->alloc_link);
	close_fd(&s->file);
	close_fd(&s->child);
	close_fd(&s->other);
	close_fd(&s->root);

	/* some tests have removed them already */
	unlinkat(base, "root/child", AT_REMOVEDIR);
	unlinkat(base, "root/other", AT_REMOVEDIR);
	ASSERT_OK(unlinkat(base, "root", AT_REMOVEDIR), "remove what is left");
}

/* A cgroup's id is the inode number of its directory. */
static __u64 id_of(int cgroup)
{
	struct stat st;

	return fstat(cgroup, &st) ? 0 : st.st_ino;
}

static void expect(char *line, size_t size, __u64 cgroup_id, __u64 data)
{
	snprintf(line, size, "cgroup %llu data %llu\n", cgroup_id, data);
}

/* A reader got the output of the program, a write(2) returned the length. */
static void assert_done(struct scene *s, struct reader *reader, __u64 cgroup_id, __u64 data)
{
	char line[64];

	if (s->writes) {
		ASSERT_EQ(reader->ret, strlen(TEXT), "all of it was written");
		return;
	}
	expect(line, sizeof(line), cgroup_id, data);
	ASSERT_EQ(reader->ret, strlen(line), "length");
	ASSERT_STREQ(reader->buf, line, "what the program wrote");
}

/* Read a file as another process that doesn't get stuck. Returns 0 or -errno. */
static int read_file_of(int cgroup)
{
	char line[64], buf[64];
	int ret;

	ret = read_file(cgroup, STAT_FILE, buf, sizeof(buf));
	if (ret < 0)
		return ret;
	expect(line, sizeof(line), id_of(cgroup), OTHERS_DATA);
	return strcmp(buf, line) ? -EBADMSG : 0;
}

static int op_other_cgroup(struct scene *s)
{
	return read_file_of(s->other);
}

static int op_same_cgroup(struct scene *s)
{
	return read_file_of(s->child);
}

/* Other writers don't overwrite the data that the stuck program was passed. */
static int op_other_writes(struct scene *s)
{
	static const char text[4095] = "something else";
	int fd, i, ret = 0;

	fd = openat(s->child, STAT_FILE, O_WRONLY);
	if (fd < 0)
		return -errno;
	for (i = 0; i < 100 && !ret; i++)
		if (write(fd, text, sizeof(text)) != sizeof(text))
			ret = -errno;
	close(fd);
	return ret;
}

static int op_mkdir_rmdir(struct scene *s)
{
	int fd, ret;

	if (mkdirat(s->other, "new", 0755))
		return -errno;
	fd = openat(s->other, "new", O_RDONLY);
	ret = read_file_of(fd);
	close_fd(&fd);
	return unlinkat(s->other, "new", AT_REMOVEDIR) ? -errno : ret;
}

static int op_info(struct scene *s)
{
	return nr_files(s->link) == 3 ? 0 : -EBADMSG;
}

static int op_fdinfo(struct scene *s)
{
	char path[64], buf[1024];
	int ret;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", bpf_link__fd(s->link));
	ret = read_file(AT_FDCWD, path, buf, sizeof(buf));
	if (ret < 0)
		return ret;
	return strstr(buf, "\nnr_files:\t3\n") ? 0 : -EBADMSG;
}

static int op_pin_unpin(struct scene *s)
{
	return bpf_link__pin(s->link, PIN_PATH) ?: bpf_link__unpin(s->link);
}

static int op_update(struct scene *s)
{
	return bpf_link__update_program(s->link, prog_of(s->next_skel, s->sleeps != s->swaps)) ?:
	       read_file_of(s->child);
}

static int op_close_file(struct scene *s)
{
	int fd = s->file;

	s->file = -1;
	return close(fd) ? -errno : 0;
}

static int op_rmdir(struct scene *s)
{
	if (unlinkat(s->root, "child", AT_REMOVEDIR))
		return -errno;
	return nr_files(s->link) == 2 ? read_file_of(s->other) : -EBADMSG;
}

/*
 * The stuck program keeps its cgroup from being freed, although other cgroups that are
 * removed later are freed. The open fds of file and directory don't hold a reference.
 */
static int op_rmdir_lasts(struct scene *s)
{
	if (unlinkat(s->root, "child", AT_REMOVEDIR))
		return -errno;

	for (int i = 0; i < 3; i++) {
		if (mkdirat(s->root, "new", 0755) || unlinkat(s->root, "new", AT_REMOVEDIR))
			return -errno;
		if (!wait_until(nr_dying(s->root) <= 1))
			return -ETIMEDOUT;
	}
	return nr_dying(s->root) == 1 ? 0 : -EBADMSG;
}

static bool has_any_file(struct scene *s)
{
	return has_file(s->child, STAT_FILE) || has_file(s->other, STAT_FILE);
}

static int op_detach(struct scene *s)
{
	return bpf_link__detach(s->link) ?: has_any_file(s);
}

static int op_close_link(struct scene *s)
{
	bpf_link__destroy(s->link);
	s->link = NULL;
	return has_any_file(s);
}

static int op_last_unpin(struct scene *s)
{
	int err;

	err = bpf_link__pin(s->link, PIN_PATH);
	if (err)
		return err;
	bpf_link__destroy(s->link);
	s->link = NULL;
	if (!has_file(s->child, STAT_FILE) || unlink(PIN_PATH))
		return -EBADMSG;
	/* unlinking a pin puts the link from a work item */
	return wait_until(!has_any_file(s)) ? 0 : -ETIMEDOUT;
}

/* Remove file, link and cgroups under the stuck program, and create them again. */
static int op_all_gone(struct scene *s)
{
	int err;

	err = op_update(s) ?: op_close_file(s) ?: op_close_link(s);
	if (err)
		return err;
	if (unlinkat(s->root, "child", AT_REMOVEDIR) ||
	    unlinkat(s->root, "other", AT_REMOVEDIR) || unlinkat(base, "root", AT_REMOVEDIR))
		return -errno;

	close_fd(&s->root);
	close_fd(&s->child);
	close_fd(&s->other);
	if (!make_cgroups(s))
		return -ENOENT;
	s->link = attach(prog_of(s->next_skel, s->sleeps), s->root);
	return s->link ? read_file_of(s->child) : -errno;
}

struct op_thread {
	struct scene *scene;
	op_fn op;
	int ret;
};

static void *run_op(void *arg)
{
	struct op_thread *thread = arg;

	thread->ret = thread->op(thread->scene);
	return NULL;
}

/* The check that all tests are about: @op returns while the program is stuck. */
static bool assert_at_once(struct scene *s, op_fn op, const char *name)
{
	struct op_thread arg = { s, op };
	struct timespec deadline;
	pthread_t thread;
	int err;

	ASSERT_TRUE(s->skel->bss->inside, "stuck before");
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += DEADLINE_S;
	if (!ASSERT_OK(pthread_create(&thread, NULL, run_op, &arg), "pthread_create"))
		return false;

	err = pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &deadline);
	if (!ASSERT_OK(err, "it doesn't wait for the program")) {
		let_go(s);
		pthread_join(thread, NULL);
		return false;
	}
	ASSERT_TRUE(s->skel->bss->inside, "stuck after");
	return ASSERT_OK(arg.ret, name);
}

static void assert_result(struct scene *s, __u64 cgroup_id)
{
	switch (s->steps) {
	case RETURN:
		assert_done(s, s->reader, cgroup_id, 1);
		break;
	case LOAD_BADLY:
		assert_done(s, s->reader, cgroup_id, 2);
		break;
	case FAIL:
	case THROW:
		ASSERT_EQ(s->reader->ret, -ENODATA, "what the program returned");
		break;
	case OUTGROW:
		/* the program can't be run again with a larger buffer: the file is gone */
		if (s->writes)
			assert_done(s, s->reader, cgroup_id, 1);
		else
			ASSERT_EQ(s->reader->ret, -ENODEV, "a bigger buffer comes too late");
		break;
	}
}

static void assert_ends(struct scene *s, __u64 cgroup_id)
{
	let_go(s);
	ASSERT_OK(reap(s->reader), "the stuck reader ends");
	ASSERT_FALSE(s->skel->bss->inside, "the program has ended");
	assert_result(s, cgroup_id);
}

static void test_op(struct scene *s, op_fn op, const char *name)
{
	__u64 id;

	if (!open_scene(s))
		goto out;
	id = id_of(s->child);
	if (!get_stuck(s))
		goto out;

	assert_at_once(s, op, name);
	assert_ends(s, id);
out:
	close_scene(s);
}

/*
 * seq_file and kernfs serialize reads and writes of the same open file. So a second
 * reader of it waits for the first one.
 */
static void test_same_file(struct scene *s)
{
	struct reader *second = &readers[1];
	__u64 id;

	if (!open_scene(s))
		goto out;
	id = id_of(s->child);
	if (!get_stuck(s) || !start_reader(s, second, false))
		goto out;

	usleep(100000);
	ASSERT_TRUE(s->skel->bss->inside, "stuck");
	ASSERT_EQ(waitpid(second->pid, NULL, WNOHANG), 0, "the second reader waits");
	assert_ends(s, id);
	ASSERT_OK(reap(second), "the second reader ends");
	close_fd(&second->uffd);
	assert_done(s, second, id, OTHERS_DATA);
out:
	close_scene(s);
}

static void test_kill(struct scene *s)
{
	int status;

	if (!open_scene(s) || !get_stuck(s))
		goto out;

	kill(s->reader->pid, SIGKILL);
	status = reap(s->reader);
	ASSERT_TRUE(status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		    "killed");
	ASSERT_FALSE(s->skel->bss->inside, "the program has ended");
	ASSERT_EQ(s->skel->bss->copied, -EFAULT, "bpf_copy_from_user");
	ASSERT_OK(read_file_of(s->child), "read by another");
out:
	close_scene(s);
}

static bool prog_exists(__u32 id)
{
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static __u32 prog_id(struct bpf_program *prog)
{
	struct bpf_prog_info info;

	return ASSERT_OK(get_prog_info(prog, &info), "info") ? info.id : 0;
}

/*
 * Nothing but the reader keeps the stuck program, once @op has taken it from its link.
 * Until the program ends, its symbols and exception table must stay, not just its
 * instructions.
 */
static void test_released(struct scene *s, op_fn op, const char *name)
{
	__u64 child_id;
	__u32 id;

	s->skel = cgroup_stat_wait__open_and_load();
	if (!ASSERT_OK_PTR(s->skel, "open and load"))
		return;
	if (!open_scene(s))
		goto out;
	child_id = id_of(s->child);
	id = prog_id(prog_of(s->skel, s->sleeps));
	bpf_program__unload(prog_of(s->skel, s->sleeps));
	if (!get_stuck(s))
		goto out;

	if (assert_at_once(s, op, name)) {
		/*
		 * A program that sleeps isn't protected by RCU. The second grace period
		 * lets the callbacks that waited for the first one run. A program that
		 * spins would hold them up.
		 */
		if (s->sleeps)
			ASSERT_OK(kern_sync_rcu() ?: kern_sync_rcu(), "wait for RCU");
		ASSERT_TRUE(prog_exists(id), "a running program exists");
	}
	assert_ends(s, child_id);
	ASSERT_TRUE(wait_until(!prog_exists(id)), "the program goes after its reader");
out:
	close_scene(s);
	cgroup_stat_wait__destroy(s->skel);
}

static const struct {
	const char *name;
	op_fn fn;
	enum last_steps steps;
} ops[] = {
	{ "other_cgroup", op_other_cgroup },
	{ "same_cgroup", op_same_cgroup },
	{ "other_writes", op_other_writes },
	{ "mkdir_rmdir", op_mkdir_rmdir },
	{ "info", op_info },
	{ "fdinfo", op_fdinfo },
	{ "pin_unpin", op_pin_unpin },
	{ "close_file", op_close_file },
	{ "rmdir", op_rmdir },
	{ "detach", op_detach },
	{ "close_link", op_close_link },
	{ "last_unpin", op_last_unpin },
	{ "all_gone", op_all_gone },
	{ "all_gone_error", op_all_gone, FAIL },
	{ "all_gone_outgrown", op_all_gone, OUTGROW },
};

static const struct {
	const char *name;
	op_fn fn;
	enum last_steps steps;
	bool swaps;
} released[] = {
	{ "replaced_return", op_update, RETURN },
	{ "replaced_throw", op_update, THROW },
	{ "replaced_load_badly", op_update, LOAD_BADLY },
	{ "replaced_by_other_kind", op_update, RETURN, true },
	{ "closed_return", op_close_link, RETURN },
	{ "closed_throw", op_close_link, THROW },
	{ "closed_load_badly", op_close_link, LOAD_BADLY },
	{ "all_gone_throw", op_all_gone, THROW },
	{ "all_gone_load_badly", op_all_gone, LOAD_BADLY },
};

static bool start_subtest(const struct scene *s, const char *what)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s%s",
		 s->allocates ? "allocates" : s->sleeps ? "sleeps" : "spins",
		 s->writes ? "write_" : "", what);
	return test__start_subtest(name);
}

static void test_all(const struct scene first)
{
	struct scene s;

	for (int i = 0; i < ARRAY_SIZE(ops); i++) {
		s = first;
		s.steps = ops[i].steps;
		if (start_subtest(&s, ops[i].name))
			test_op(&s, ops[i].fn, ops[i].name);
	}

	for (int i = 0; i < ARRAY_SIZE(released); i++) {
		s = first;
		s.steps = released[i].steps;
		s.swaps = released[i].swaps;
		if (start_subtest(&s, released[i].name))
			test_released(&s, released[i].fn, released[i].name);
	}

	s = first;
	if (start_subtest(&s, "same_file"))
		test_same_file(&s);
	/* a program that spins holds up RCU grace periods, so that no cgroup is freed */
	s = first;
	if (s.sleeps && start_subtest(&s, "rmdir_lasts"))
		test_op(&s, op_rmdir_lasts, "rmdir_lasts");
	s = first;
	if (s.sleeps && start_subtest(&s, "killed"))
		test_kill(&s);
}

void test_cgroup_stat_wait(void)
{
	struct cgroup_stat_wait *skel, *next;
	struct scene scene;

	skel = cgroup_stat_wait__open_and_load();
	next = cgroup_stat_wait__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open and load") || !ASSERT_OK_PTR(next, "open and load"))
		goto out;
	next->bss->others = OTHERS_DATA;

	page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	readers = mmap(NULL, 2 * sizeof(*readers), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!ASSERT_NEQ(page, MAP_FAILED, "mmap") || !ASSERT_NEQ(readers, MAP_FAILED, "mmap"))
		goto out;

	if (!ASSERT_OK(setup_cgroup_environment(), "cgroup environment"))
		goto out_cgroups;
	base = create_and_get_cgroup("/wait");
	if (!ASSERT_OK_FD(base, "create cgroup"))
		goto out_cgroups;

	test_all((struct scene){ .skel = skel, .next_skel = next, .sleeps = true });
	/* a program that spins is an RCU read-side critical section of that length */
	if (write_sysctl(NO_STALLS, "1"))
		goto out_base;
	test_all((struct scene){ .skel = skel, .next_skel = next });
	test_all((struct scene){ .skel = skel, .next_skel = next, .sleeps = true, .writes = true });
	scene = (struct scene){ .skel = skel, .next_skel = next, .allocates = true };
	scene.writes = true;
	test_all(scene);
	write_sysctl(NO_STALLS, "0");

out_base:
	close_fd(&base);
	remove_cgroup("/wait");
out_cgroups:
	cleanup_cgroup_environment();
out:
	munmap(page, getpagesize());
	munmap(readers, 2 * sizeof(*readers));
	cgroup_stat_wait__destroy(next);
	cgroup_stat_wait__destroy(skel);
}
