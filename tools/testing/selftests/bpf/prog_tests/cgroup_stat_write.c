// SPDX-License-Identifier: GPL-2.0
/*
 * Each write(2) to a file runs its program once with the written data, and fails with
 * the errno that the program returns. Most tests are run with sleepable programs as
 * well. The tests at the end are of the example program knob.bpf.c.
 */
#include <test_progs.h>
#include <ctype.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include "cgroup_stat_helpers.h"
#include "cgroup_stat_knob.skel.h"
#include "cgroup_stat_write.skel.h"

#define NAME		"write"
#define FILE_NAME	"bpf.stat." NAME
#define COOKIE		42
#define SOMEBODY	1000
#define DATA_SIZE	4096
#define MAX_WRITE	(DATA_SIZE - 1)
#define NR_RANDOM	1000
#define NR_CHANGES	2000	/* per thread */

/* Links are attached to TOP. */
enum { TOP, CHILD, GRANDCHILD, OTHER, NR_CGROUPS };

static const char * const paths[NR_CGROUPS] = {
	"/stat_write", "/stat_write/child", "/stat_write/child/grandchild", "/stat_write/other",
};

static int cg[NR_CGROUPS];
static struct cgroup_stat_write *skel;
static char text[2 << 20];	/* data to write, neighbouring bytes differ */

static struct bpf_link *attach(struct bpf_program *prog, __u32 mode)
{
	struct bpf_link *link;

	link = attach_stat(prog, cg[TOP], .name = NAME, .mode = mode, .cookie = COOKIE);
	ASSERT_OK_PTR(link, "attach");
	return link;
}

/* The tests run as root: the file's mode doesn't matter. */
static int open_in(int i, int flags)
{
	int fd = openat(cg[i], FILE_NAME, flags);

	ASSERT_OK_FD(fd, "open");
	return fd;
}

/* Check how often the program was run, and which data the last run got. */
static void assert_got(int runs, const char *from, size_t len)
{
	ASSERT_EQ(skel->bss->runs, runs, "runs");
	ASSERT_EQ(skel->bss->len, len, "length");
	ASSERT_OK(memcmp(skel->bss->data, from, len), "bytes");
	skel->bss->runs = 0;
}

static void test_sizes(int fd)
{
	static const char zeroes[DATA_SIZE];
	/* long ones first: later runs must not see their data */
	static const size_t taken[] = { MAX_WRITE, 4094, 100, 63, 64, 65, 7, 2, 1 };
	static const size_t refused[] = { MAX_WRITE + 1, DATA_SIZE + 1, 8192, sizeof(text) };
	size_t len;

	for (int i = 0; i < ARRAY_SIZE(taken); i++) {
		len = taken[i];
		ASSERT_EQ(write_err(fd, text, len), len, "write");
		assert_got(1, text, len);
		ASSERT_OK(memcmp(skel->bss->data + len, zeroes, DATA_SIZE - len), "zeroes behind");
	}

	for (int i = 0; i < ARRAY_SIZE(refused); i++)
		ASSERT_EQ(write_err(fd, text, refused[i]), -E2BIG, "too much");
	ASSERT_EQ(write_err(fd, text, 0), 0, "nothing");
	ASSERT_EQ(write_err(fd, NULL, 0), 0, "nothing, from nowhere");
	ASSERT_EQ(skel->bss->runs, 0, "runs");
}

static void test_context(int fd)
{
	ASSERT_EQ(write_err(fd, "x", 1), 1, "write");
	assert_got(1, "x", 1);
	ASSERT_EQ(skel->bss->cgroup_id, get_cgroup_id(paths[CHILD]), "cgroup");
	ASSERT_EQ(skel->bss->cookie, COOKIE, "cookie");
}

/* A program can tell who opened the file, as opposed to who writes. */
static void test_opener(int fd)
{
	skel->bss->opener = 1;
	ASSERT_EQ(write_err(fd, "x", 1), 1, "write");
	ASSERT_EQ(skel->bss->opener, 0, "root's file");

	ASSERT_OK(seteuid(SOMEBODY), "seteuid");
	fd = openat(cg[CHILD], FILE_NAME, O_WRONLY);
	ASSERT_OK(seteuid(0), "seteuid back");
	ASSERT_OK_FD(fd, "open");
	ASSERT_EQ(write_err(fd, "x", 1), 1, "write");
	ASSERT_EQ(skel->bss->opener, SOMEBODY, "somebody's file");
	close(fd);
}

static void test_errors(int fd)
{
	static const struct {
		int ret, err;
	} cases[] = {
		{ -1, -EPERM }, { -EINVAL, -EINVAL }, { -EAGAIN, -EAGAIN }, { -E2BIG, -E2BIG },
		{ -511, -511 }, { -512, -EIO }, { -529, -EIO }, { -4095, -EIO },
	};
	off_t pos = lseek(fd, 0, SEEK_CUR);

	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		skel->bss->retval = cases[i].ret;
		ASSERT_EQ(write_err(fd, text, 10), cases[i].err, "write");
		assert_got(1, text, 10);
	}
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), pos, "the position stays");
	ASSERT_EQ(pwrite(fd, "x", 1, -1), -1, "before the beginning");
	ASSERT_EQ(write_err(fd, (void *)8, 1), -EFAULT, "from nowhere");
	ASSERT_EQ(skel->bss->runs, 0, "runs");
}

/* The second page of the buffer can't be read. */
static void test_bad_buffer(int fd)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!ASSERT_NEQ(pages, MAP_FAILED, "mmap"))
		return;
	ASSERT_OK(mprotect(pages + 4096, 4096, PROT_NONE), "mprotect");
	ASSERT_EQ(write_err(fd, pages + 4096 - 5, 10), -EFAULT, "half of it");
	ASSERT_EQ(skel->bss->runs, 0, "runs");
	ASSERT_EQ(write_err(fd, pages + 4096 - 5, 5), 5, "the good half");
	assert_got(1, pages + 4096 - 5, 5);
	munmap(pages, 8192);
}

static ssize_t do_write(int fd)
{
	return write(fd, "1\n", 2);
}

static ssize_t do_writev(int fd)
{
	struct iovec iov[] = { { "", 0 }, { "1", 1 }, { "\n", 1 } };

	return writev(fd, iov, ARRAY_SIZE(iov));
}

static ssize_t do_pwrite(int fd)
{
	return pwrite(fd, "1\n", 2, 1000);
}

static ssize_t do_pwritev2(int fd)
{
	struct iovec iov = { "1\n", 2 };

	return pwritev2(fd, &iov, 1, -1, RWF_APPEND);
}

static ssize_t do_write_nothing(int fd)
{
	return write(fd, "", 0);
}

static ssize_t do_write_4095(int fd)
{
	char spaces[MAX_WRITE];

	memset(spaces, ' ', sizeof(spaces));
	spaces[0] = '1';
	return write(fd, spaces, sizeof(spaces));
}

static ssize_t do_write_4097(int fd)
{
	return write(fd, text, 4097);
}

static ssize_t do_sendfile(int fd)
{
	int from = memfd_create("stat_write", 0);
	ssize_t ret = -1;

	if (write(from, "1\n", 2) == 2 && !lseek(from, 0, SEEK_SET))
		ret = sendfile(fd, from, NULL, 2);
	close(from);
	return ret;
}

static ssize_t do_splice(int fd)
{
	ssize_t ret = -1;
	int fds[2];

	if (pipe(fds))
		return -1;
	if (write(fds[1], "1\n", 2) == 2)
		ret = splice(fds[0], NULL, fd, NULL, 2, 0);
	close(fds[0]);
	close(fds[1]);
	return ret;
}

static ssize_t do_truncate(int fd)
{
	return ftruncate(fd, 0);
}

static ssize_t do_seek(int fd)
{
	return lseek(fd, 10, SEEK_END);
}

/*
 * All operations return the same and leave the same position as on a file of the
 * cgroup core that accepts the same text.
 */
static void test_as_builtin(int fd)
{
	static const struct {
		const char *name;
		ssize_t (*fn)(int fd);
		bool runs;
	} ways[] = {
		{ "write", do_write, true },
		{ "writev", do_writev, true },
		{ "pwrite", do_pwrite, true },
		{ "pwritev2", do_pwritev2, true },
		{ "write of nothing", do_write_nothing, false },
		{ "write of 4095 bytes", do_write_4095, true },
		{ "write of 4097 bytes", do_write_4097, false },
		{ "sendfile", do_sendfile, true },
		{ "splice", do_splice, true },
		{ "ftruncate", do_truncate, false },
		{ "lseek", do_seek, false },
	};
	static const int flags[] = { O_WRONLY, O_RDWR, O_WRONLY | O_APPEND, O_WRONLY | O_TRUNC };
	int ours, builtin, i, j, err;
	ssize_t ret;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ours = open_in(CHILD, flags[i]);
		builtin = openat(cg[CHILD], "cgroup.max.depth", flags[i]);
		ASSERT_OK_FD(builtin, "open");
		for (j = 0; j < ARRAY_SIZE(ways); j++) {
			errno = 0;
			ret = ways[j].fn(ours);
			err = errno;
			errno = 0;
			ASSERT_EQ(ret, ways[j].fn(builtin), ways[j].name);
			ASSERT_EQ(err, errno, "errno");
			ASSERT_EQ(lseek(ours, 0, SEEK_CUR), lseek(builtin, 0, SEEK_CUR),
				  "position");
			ASSERT_EQ(skel->bss->runs, ways[j].runs && ret > 0, "runs");
			skel->bss->runs = 0;
		}
		close(builtin);
		close(ours);
	}

	builtin = openat(cg[CHILD], "cgroup.max.depth", O_WRONLY);
	ASSERT_EQ(write_err(builtin, "max", 3), 3, "restore");
	close(builtin);
}

/* Common shell commands. The program is run once for each write(2). */
static void test_shell(int fd)
{
	static const struct {
		const char *command, *last;
		int runs;
	} cases[] = {
		{ "echo 300 > %s", "300\n", 1 },
		{ "echo 300 >> %s", "300\n", 1 },
		{ "echo -n 300 > %s", "300", 1 },
		{ "printf '%%s %%s\\n' a b > %s", "a b\n", 1 },
		{ "printf abcdefgh | dd of=%s bs=3 2>/dev/null", "gh", 3 },
		{ "printf abcdefgh | dd of=%s bs=1 2>/dev/null", "h", 8 },
		{ "printf abcdef | dd of=%s bs=6 seek=2 conv=notrunc 2>/dev/null", "abcdef", 1 },
		{ ": > %s", NULL, 0 },
	};
	char file[PATH_MAX], command[PATH_MAX + 128];

	if (!ASSERT_OK(path_of(fd, file, sizeof(file)), "path"))
		return;

	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(command, sizeof(command), cases[i].command, file);
		ASSERT_OK(system(command), command);
		if (cases[i].last)
			assert_got(cases[i].runs, cases[i].last, strlen(cases[i].last));
		ASSERT_EQ(skel->bss->runs, 0, "runs");
	}

	skel->bss->retval = -ENXIO;
	snprintf(command, sizeof(command), "echo 1 2>&1 >%s | grep -q 'I/O error\\|No such device'",
		 file);
	ASSERT_OK(system(command), "the shell says why");
}

/* One program handles both. */
static void test_write_and_read(int fd)
{
	char buf[16] = "";

	ASSERT_EQ(write_err(fd, "abc", 3), 3, "write");
	ASSERT_EQ(skel->bss->reads, 0, "reads");
	ASSERT_EQ(pread(fd, buf, sizeof(buf), 0), 3, "read");
	ASSERT_STREQ(buf, "abc", "what was written");
	ASSERT_EQ(skel->bss->reads, 1, "reads");
	assert_got(1, "abc", 3);
}

static void test_output(int fd)
{
	struct bpf_link *link = attach(skel->progs.output, 0222);
	int out = open_in(TOP, O_WRONLY);

	ASSERT_EQ(write_err(out, "x", 1), 1, "write");
	ASSERT_EQ(skel->bss->printed, -EOVERFLOW, "bpf_seq_printf");
	ASSERT_EQ(skel->bss->written, -EOVERFLOW, "bpf_seq_write");
	ASSERT_EQ(skel->bss->btf_printed, 0, "bpf_seq_printf_btf");
	ASSERT_EQ(skel->bss->put_ull, -EOVERFLOW, "bpf_seq_put_decimal_ull");
	ASSERT_EQ(skel->bss->put_ll, -EOVERFLOW, "bpf_seq_put_decimal_ll");
	close(out);
	bpf_link__destroy(link);
}

static void assert_data(bool some, const char *what)
{
	ASSERT_EQ(skel->bss->has_one, some, what);
	ASSERT_EQ(skel->bss->has_all, some, what);
	ASSERT_FALSE(skel->bss->has_more, "more than there can be");
}

static void test_data_sizes(int fd)
{
	struct bpf_link *link = attach(skel->progs.sizes, 0666);
	int out = open_in(TOP, O_RDWR);
	char c;

	ASSERT_EQ(write_err(out, "x", 1), 1, "write");
	assert_data(true, "written");
	skel->bss->has_more = true;
	ASSERT_EQ(read(out, &c, 1), 0, "read");
	assert_data(false, "read");
	close(out);
	bpf_link__destroy(link);
}

/* Root can open(2) the file in any mode, but read(2) and write(2) fail. */
static void test_modes(int fd)
{
	static const __u32 modes[] = { 0444, 0400, 0004, 0222, 0200, 0020, 0644, 0666, 0602, 0 };
	struct bpf_link *link;
	struct stat st;
	__u32 mode;
	char c;

	for (int i = 0; i < ARRAY_SIZE(modes); i++) {
		mode = modes[i] ?: 0444;
		skel->bss->runs = 0;
		skel->bss->reads = 0;
		skel->bss->len = 1;
		link = attach(skel->progs.note, modes[i]);
		fd = open_in(CHILD, O_RDWR);
		ASSERT_OK(fstat(fd, &st), "fstat");
		ASSERT_EQ(st.st_mode, S_IFREG | mode, "mode");

		ASSERT_EQ(write_err(fd, "x", 1), mode & 0222 ? 1 : -EINVAL, "write");
		ASSERT_EQ(pread(fd, &c, 1, 0) < 0 ? -errno : 1, mode & 0444 ? 1 : -EINVAL, "read");
		ASSERT_OK(fchmod(fd, 0666), "fchmod");
		ASSERT_EQ(write_err(fd, "x", 1), mode & 0222 ? 1 : -EINVAL, "write after chmod");
		ASSERT_EQ(skel->bss->runs, mode & 0222 ? 2 : 0, "runs");
		ASSERT_EQ(skel->bss->reads, !!(mode & 0444), "reads");
		close(fd);
		bpf_link__destroy(link);
	}
}

static void test_update(int fd)
{
	struct bpf_link *link = attach(skel->progs.note, 0666);

	fd = open_in(CHILD, O_WRONLY);
	ASSERT_EQ(write_err(fd, "a", 1), 1, "write");
	assert_got(1, "a", 1);
	ASSERT_OK(bpf_link__update_program(link, skel->progs.note_second), "update");
	ASSERT_EQ(write_err(fd, "b", 1), 1, "write to the same fd");
	assert_got(1, "2", 1);
	ASSERT_OK(bpf_link__update_program(link, skel->progs.note), "update back");
	ASSERT_EQ(write_err(fd, "c", 1), 1, "write once more");
	assert_got(1, "c", 1);
	close(fd);
	bpf_link__destroy(link);
}

/* A thread that replaces one program by the other, and back, with BPF_F_REPLACE. */
struct replacer {
	struct bpf_link *link;
	int progs[2];
	long done[2];	/* successful updates to each of progs */
	int wrong;
};

static void *replace_often(void *arg)
{
	LIBBPF_OPTS(bpf_link_update_opts, opts, .flags = BPF_F_REPLACE);
	struct replacer *r = arg;
	int err;

	for (int i = 0; i < 10 * NR_CHANGES && !r->wrong; i++) {
		opts.old_prog_fd = r->progs[!(i & 1)];
		err = bpf_link_update(bpf_link__fd(r->link), r->progs[i & 1], &opts);
		if (!err)
			r->done[i & 1]++;
		else if (err != -EPERM)
			r->wrong = err;
	}
	return NULL;
}

/* No update is lost: between two updates to one program there is one to the other. */
static void test_replace_concurrent(int fd)
{
	struct bpf_link *link = attach(skel->progs.note, 0666);
	struct replacer replacers[4];
	pthread_t threads[ARRAY_SIZE(replacers)];
	long there = 0, back = 0;
	int nr;

	for (nr = 0; nr < ARRAY_SIZE(replacers); nr++) {
		replacers[nr] = (struct replacer){
			.link = link,
			.progs = { bpf_program__fd(skel->progs.note),
				   bpf_program__fd(skel->progs.note_second) },
		};
		if (!ASSERT_OK(pthread_create(&threads[nr], NULL, replace_often,
					      &replacers[nr]), "thread"))
			break;
	}
	while (nr--) {
		pthread_join(threads[nr], NULL);
		ASSERT_OK(replacers[nr].wrong, "update");
		there += replacers[nr].done[1];
		back += replacers[nr].done[0];
	}
	ASSERT_GT(there, 0, "updates");
	fd = open_in(CHILD, O_WRONLY);
	ASSERT_EQ(write_err(fd, "x", 1), 1, "write");
	ASSERT_EQ(there - back, skel->bss->data[0] == '2', "one at a time");
	close(fd);
	bpf_link__destroy(link);
}

static void test_detach(int fd)
{
	struct bpf_link *link = attach(skel->progs.note, 0666);

	fd = open_in(CHILD, O_RDWR);
	ASSERT_EQ(write_err(fd, "a", 1), 1, "write");
	assert_got(1, "a", 1);
	ASSERT_OK(bpf_link__detach(link), "detach");
	ASSERT_EQ(write_err(fd, "b", 1), -ENODEV, "write after detach");
	ASSERT_EQ(write_err(fd, text, MAX_WRITE + 1), -ENODEV, "so much, too");
	ASSERT_EQ(skel->bss->runs, 0, "runs");
	close(fd);
	bpf_link__destroy(link);
}

static void test_rmdir(int fd)
{
	struct bpf_link *link = attach(skel->progs.note, 0666);

	ASSERT_OK(mkdirat(cg[CHILD], "new", 0755), "mkdir");
	fd = openat(cg[CHILD], "new/" FILE_NAME, O_WRONLY);
	ASSERT_OK_FD(fd, "open");
	ASSERT_EQ(write_err(fd, "a", 1), 1, "write");
	assert_got(1, "a", 1);
	ASSERT_OK(unlinkat(cg[CHILD], "new", AT_REMOVEDIR), "rmdir");
	ASSERT_EQ(write_err(fd, "b", 1), -ENODEV, "write after rmdir");
	ASSERT_EQ(skel->bss->runs, 0, "runs");
	close(fd);
	bpf_link__destroy(link);
}

static const struct {
	const char *name;
	void (*fn)(int fd);	/* of CHILD's file; -1 if @attaches */
	bool attaches;		/* attaches its program by itself */
} tests[] = {
	{ "sizes", test_sizes },
	{ "context", test_context },
	{ "opener", test_opener },
	{ "errors", test_errors },
	{ "bad_buffer", test_bad_buffer },
	{ "as_builtin", test_as_builtin },
	{ "shell", test_shell },
	{ "write_and_read", test_write_and_read },
	{ "output", test_output, true },
	{ "data_sizes", test_data_sizes, true },
	{ "modes", test_modes, true },
	{ "update", test_update, true },
	{ "replace_concurrent", test_replace_concurrent, true },
	{ "detach", test_detach, true },
	{ "rmdir", test_rmdir, true },
};

static void run_test(int i)
{
	struct bpf_link *link = NULL;
	int fd = -1;

	skel->bss->runs = 0;
	skel->bss->reads = 0;
	skel->bss->retval = 0;
	if (!tests[i].attaches) {
		link = attach(skel->progs.note, 0666);
		fd = open_in(CHILD, O_RDWR);
	}
	tests[i].fn(fd);
	close(fd);
	bpf_link__destroy(link);
}

static void run_tests(bool sleepable)
{
	skel = LOAD(cgroup_stat_write, sleepable);
	if (!skel)
		return;
	for (int i = 0; i < ARRAY_SIZE(tests); i++)
		if (start_subtest_of(tests[i].name, sleepable))
			run_test(i);
	cgroup_stat_write__destroy(skel);
}

/*
 * knob.bpf.c: 100 by default, 1 to 10000
 */

static int knob_fd[NR_CGROUPS];

static int open_knob(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDWR);

	ASSERT_OK_FD(fd, "open");
	return fd;
}

static long long get_knob(int fd)
{
	char buf[32] = "", *end;
	long long value;

	if (pread(fd, buf, sizeof(buf) - 1, 0) <= 0)
		return -1;
	value = strtoll(buf, &end, 10);
	return strcmp(end, "\n") ? -1 : value;
}

static int set_knob(int fd, const char *to)
{
	return write_err(fd, to, strlen(to));
}

static void assert_knobs(long long top, long long child, long long grandchild, long long other)
{
	ASSERT_EQ(get_knob(knob_fd[TOP]), top, paths[TOP]);
	ASSERT_EQ(get_knob(knob_fd[CHILD]), child, paths[CHILD]);
	ASSERT_EQ(get_knob(knob_fd[GRANDCHILD]), grandchild, paths[GRANDCHILD]);
	ASSERT_EQ(get_knob(knob_fd[OTHER]), other, paths[OTHER]);
}

static void test_knob_inherits(void)
{
	assert_knobs(100, 100, 100, 100);
	ASSERT_EQ(set_knob(knob_fd[CHILD], "300\n"), 4, "set");
	assert_knobs(100, 300, 300, 100);
	ASSERT_EQ(set_knob(knob_fd[TOP], "7"), 1, "set without a newline");
	assert_knobs(7, 300, 300, 7);
	ASSERT_EQ(set_knob(knob_fd[GRANDCHILD], "1"), 1, "the least");
	ASSERT_EQ(set_knob(knob_fd[OTHER], "0000000000000000000000000010000\n"), 32, "the most");
	assert_knobs(7, 300, 1, 10000);

	ASSERT_EQ(set_knob(knob_fd[CHILD], "default\n"), 8, "unset");
	assert_knobs(7, 7, 1, 10000);
	ASSERT_EQ(set_knob(knob_fd[GRANDCHILD], "default"), 7, "unset");
	assert_knobs(7, 7, 7, 10000);
	ASSERT_EQ(set_knob(knob_fd[GRANDCHILD], "default"), 7, "unset again");
	ASSERT_EQ(set_knob(knob_fd[OTHER], "default\n"), 8, "unset");
	ASSERT_EQ(set_knob(knob_fd[TOP], "default\n"), 8, "unset");
	assert_knobs(100, 100, 100, 100);
}

static void test_knob_refuses(void)
{
	static const struct {
		const char *text;
		int err;
	} cases[] = {
		{ "\n", -EINVAL }, { " ", -EINVAL }, { "x", -EINVAL }, { "-", -EINVAL },
		{ "+5", -EINVAL }, { " 5", -EINVAL }, { "5 ", -EINVAL }, { "5\n\n", -EINVAL },
		{ "\n5", -EINVAL }, { "5 6", -EINVAL }, { "5x", -EINVAL }, { "0x10", -EINVAL },
		{ "5.0", -EINVAL }, { "1e3", -EINVAL }, { "--5", -EINVAL }, { "- 5", -EINVAL },
		{ "defaul", -EINVAL }, { "defaults", -EINVAL }, { "default\n\n", -EINVAL },
		{ "Default", -EINVAL }, { " default", -EINVAL }, { "default 5", -EINVAL },
		{ "0", -ERANGE }, { "-1", -ERANGE }, { "-0\n", -ERANGE }, { "10001\n", -ERANGE },
		{ "4294967297", -ERANGE }, { "18446744073709551617", -ERANGE },
		{ "-9223372036854775809", -ERANGE }, { "9223372036854775808", -ERANGE },
		{ "99999999999999999999999999999999999999999999999999999999999999999999999",
		  -ERANGE },
		{ "00000000000000000000000000000005", -EINVAL },	/* 32 characters */
	};

	ASSERT_EQ(set_knob(knob_fd[CHILD], "300\n"), 4, "set");
	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(set_knob(knob_fd[CHILD], cases[i].text), cases[i].err, cases[i].text);
		assert_knobs(100, 300, 300, 100);
	}
	ASSERT_EQ(write_err(knob_fd[CHILD], "5\0", 2), -EINVAL, "NUL");
	ASSERT_EQ(write_err(knob_fd[CHILD], "5\0\n", 3), -EINVAL, "NUL");
	ASSERT_EQ(write_err(knob_fd[CHILD], "default\0", 8), -EINVAL, "NUL");
	ASSERT_EQ(write_err(knob_fd[CHILD], text, MAX_WRITE), -EINVAL, "much");
	ASSERT_EQ(write_err(knob_fd[CHILD], text, MAX_WRITE + 1), -E2BIG, "too much");
	assert_knobs(100, 300, 300, 100);
}

/* Make random input: arbitrary bytes, characters of valid input, or digits. */
static size_t make_up(char *to, size_t size)
{
	static const char digits[] = "0123456789", few[] = "0123456789-+\n xdefault";
	size_t len = 1 + rand() % (rand() % 4 ? 6 : size - 1);
	int kind = rand() % 4;

	for (int i = 0; i < len; i++)
		to[i] = !kind ? rand() : kind == 1 ? few[rand() % (sizeof(few) - 1)] :
			digits[rand() % (sizeof(digits) - 1)];
	if (kind == 2)
		to[len++] = '\n';
	to[len] = '\0';
	return len;
}

/* Is it a number that the knob takes? Parsed independently of the BPF program. */
static bool is_good(const char *from, size_t len, long long *value)
{
	char *end;

	if (!isdigit(from[0]) && from[0] != '-')
		return false;
	*value = strtoll(from, &end, 10);
	if (*end == '\n')
		end++;
	return end == from + len && *value >= 1 && *value <= 10000;
}

static void test_knob_random(void)
{
	unsigned int seed = time(NULL);
	long long before, value;
	int taken = 0, err;
	char buf[200];
	size_t len;

	printf("seed %u\n", seed);
	srand(seed);
	for (int i = 0; i < NR_RANDOM; i++) {
		before = get_knob(knob_fd[CHILD]);
		len = make_up(buf, sizeof(buf) - 1);
		err = write_err(knob_fd[CHILD], buf, len);
		if (!is_good(buf, len, &value)) {
			if (!ASSERT_TRUE(err == -EINVAL || err == -ERANGE, "refused") ||
			    !ASSERT_EQ(get_knob(knob_fd[CHILD]), before, "unchanged"))
				return;
			continue;
		}
		if (!ASSERT_EQ(err, len, "taken as a whole") ||
		    !ASSERT_EQ(get_knob(knob_fd[CHILD]), value, "changed"))
			return;
		taken++;
	}
	ASSERT_GT(taken, 0, "some were good");
	ASSERT_LT(taken, NR_RANDOM, "some weren't");
}

/*
 * Each writer writes one of these words. The threads return NULL, or the first wrong
 * result.
 */
static const char * const words[] = { "1", "22", "333", "4444", "default" };

static void *write_often(void *word)
{
	int fd = open_knob(cg[CHILD], "bpf.stat.knob");
	long ret, wrong = 0;

	for (int i = 0; i < NR_CHANGES && !wrong; i++) {
		ret = set_knob(fd, word);
		wrong = ret == strlen(word) ? 0 : ret;
	}
	close(fd);
	return (void *)wrong;
}

static bool is_one_of_them(long long value)
{
	for (int i = 0; i < ARRAY_SIZE(words) - 1; i++)
		if (value == atoi(words[i]))
			return true;
	return value == 100;
}

/* Read the knob of CHILD, or of a cgroup that inherits the value. */
static void *read_often(void *path)
{
	int fd = open_knob(cg[CHILD], path);
	long value, wrong = 0;

	for (int i = 0; i < NR_CHANGES && !wrong; i++) {
		value = get_knob(fd);
		wrong = is_one_of_them(value) ? 0 : value ?: -ENODATA;
	}
	close(fd);
	return (void *)wrong;
}

static void test_knob_concurrent(void)
{
	static const struct {
		void *(*fn)(void *arg);
		const char *arg;
	} tasks[] = {
		{ write_often, words[0] }, { write_often, words[1] }, { write_often, words[2] },
		{ write_often, words[3] }, { write_often, words[4] },
		{ read_often, "bpf.stat.knob" }, { read_often, "grandchild/bpf.stat.knob" },
	};
	pthread_t threads[ARRAY_SIZE(tasks)];
	void *wrong;
	int nr;

	for (nr = 0; nr < ARRAY_SIZE(tasks); nr++)
		if (!ASSERT_OK(pthread_create(&threads[nr], NULL, tasks[nr].fn,
					      (void *)tasks[nr].arg), "thread"))
			break;
	while (nr--) {
		pthread_join(threads[nr], &wrong);
		ASSERT_EQ((long)wrong, 0, tasks[nr].arg);
	}
}

/*
 * The first writes to the knob of a new cgroup, at the same time, each by an open file
 * of its own; thread 0 reads.
 */
#define NR_FIRST	4
#define NR_NEW_CGROUPS	300

static struct {
	pthread_barrier_t barrier;
	int fds[NR_FIRST];
	bool stop;
} first;

static void *write_first(void *arg)
{
	long i = (long)arg, ret, wrong = 0;

	for (;;) {
		pthread_barrier_wait(&first.barrier);
		if (first.stop)
			return (void *)wrong;
		if (i) {
			ret = set_knob(first.fds[i], words[i]);
			wrong = wrong ?: ret == strlen(words[i]) ? 0 : ret;
		}
		for (int n = 0; !i && n < 10; n++) {
			ret = get_knob(first.fds[i]);
			wrong = wrong ?: is_one_of_them(ret) ? 0 : ret ?: -ENODATA;
		}
		pthread_barrier_wait(&first.barrier);
	}
}

static void test_knob_first_writes(void)
{
	pthread_t threads[NR_FIRST];
	void *wrong;
	long i;

	first.stop = false;
	pthread_barrier_init(&first.barrier, NULL, NR_FIRST + 1);
	for (i = 0; i < NR_FIRST; i++)
		ASSERT_OK(pthread_create(&threads[i], NULL, write_first, (void *)i), "thread");

	for (int round = 0; round < NR_NEW_CGROUPS; round++) {
		ASSERT_OK(mkdirat(cg[CHILD], "new", 0755), "mkdir");
		for (i = 0; i < NR_FIRST; i++)
			first.fds[i] = open_knob(cg[CHILD], "new/bpf.stat.knob");
		pthread_barrier_wait(&first.barrier);
		pthread_barrier_wait(&first.barrier);
		for (i = 0; i < NR_FIRST; i++)
			close(first.fds[i]);
		ASSERT_OK(unlinkat(cg[CHILD], "new", AT_REMOVEDIR), "rmdir");
	}

	first.stop = true;
	pthread_barrier_wait(&first.barrier);
	for (i = 0; i < NR_FIRST; i++) {
		pthread_join(threads[i], &wrong);
		ASSERT_EQ((long)wrong, 0, i ? words[i] : "read");
	}
	pthread_barrier_destroy(&first.barrier);
}

/* The value of a removed cgroup is lost. */
static void test_knob_of_dead(void)
{
	int fd;

	ASSERT_OK(mkdirat(cg[CHILD], "new", 0755), "mkdir");
	fd = open_knob(cg[CHILD], "new/bpf.stat.knob");
	ASSERT_EQ(set_knob(fd, "5"), 1, "set");
	ASSERT_OK(unlinkat(cg[CHILD], "new", AT_REMOVEDIR), "rmdir");
	ASSERT_EQ(set_knob(fd, "6"), -ENODEV, "set");
	close(fd);

	ASSERT_OK(mkdirat(cg[CHILD], "new", 0755), "mkdir");
	fd = open_knob(cg[CHILD], "new/bpf.stat.knob");
	ASSERT_EQ(get_knob(fd), 100, "of another one of that name");
	close(fd);
	ASSERT_OK(unlinkat(cg[CHILD], "new", AT_REMOVEDIR), "rmdir");
}

static void run_knob_test(struct cgroup_stat_knob *knob, void (*fn)(void))
{
	struct bpf_link *link;

	if (!ASSERT_OK(cgroup_stat_knob__load(knob), "load"))
		return;
	link = attach_stat(knob->progs.knob, cg[TOP], .mode = 0644);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;

	for (int i = 0; i < NR_CGROUPS; i++)
		knob_fd[i] = open_knob(cg[i], "bpf.stat.knob");
	fn();
	for (int i = 0; i < NR_CGROUPS; i++)
		close(knob_fd[i]);
	bpf_link__destroy(link);
}

/* With other constants, set in the program's .rodata before it is loaded. */
static void test_knob_constants(void)
{
	assert_knobs(0, 0, 0, 0);
	ASSERT_EQ(set_knob(knob_fd[CHILD], "-20\n"), 4, "the least");
	assert_knobs(0, -20, -20, 0);
	ASSERT_EQ(set_knob(knob_fd[CHILD], "-21"), -ERANGE, "less");
	ASSERT_EQ(set_knob(knob_fd[CHILD], "20"), -ERANGE, "more");
	ASSERT_EQ(set_knob(knob_fd[CHILD], "19"), 2, "the most");
	assert_knobs(0, 19, 19, 0);
}

/* Attached to the root cgroup: all cgroups inherit its value. */
static void test_knob_in_root(void)
{
	struct cgroup_stat_knob *knob = cgroup_stat_knob__open_and_load();
	int root = get_root_cgroup(), fd, child;
	struct bpf_link *link = NULL;

	if (!ASSERT_OK_FD(root, "root") || !ASSERT_OK_PTR(knob, "load"))
		goto out;
	link = attach_stat(knob->progs.knob, root, .name = "root_knob", .mode = 0644);
	if (!ASSERT_OK_PTR(link, "attach"))
		goto out;
	fd = open_knob(root, "bpf.stat.root_knob");
	child = open_knob(cg[CHILD], "bpf.stat.root_knob");
	ASSERT_EQ(get_knob(child), 100, "default");
	ASSERT_EQ(set_knob(fd, "300\n"), 4, "set");
	ASSERT_EQ(get_knob(fd), 300, "the root's");
	ASSERT_EQ(get_knob(child), 300, "inherited from the root");
	ASSERT_EQ(set_knob(fd, "default\n"), 8, "unset");
	ASSERT_EQ(get_knob(child), 100, "default again");
	close(child);
	close(fd);
out:
	bpf_link__destroy(link);
	cgroup_stat_knob__destroy(knob);
	close(root);
}

static const struct {
	const char *name;
	void (*fn)(void);
	bool sets_constants;
} knob_tests[] = {
	{ "knob_inherits", test_knob_inherits },
	{ "knob_refuses", test_knob_refuses },
	{ "knob_random", test_knob_random },
	{ "knob_concurrent", test_knob_concurrent },
	{ "knob_first_writes", test_knob_first_writes },
	{ "knob_of_dead", test_knob_of_dead },
	{ "knob_in_root", test_knob_in_root },
	{ "knob_constants", test_knob_constants, true },
};

static void run_knob_tests(void)
{
	struct cgroup_stat_knob *knob;

	for (int i = 0; i < ARRAY_SIZE(knob_tests); i++) {
		if (!test__start_subtest(knob_tests[i].name))
			continue;
		knob = cgroup_stat_knob__open();
		if (!ASSERT_OK_PTR(knob, "open"))
			return;
		if (knob_tests[i].sets_constants) {
			knob->rodata->knob_default = 0;
			knob->rodata->knob_min = -20;
			knob->rodata->knob_max = 19;
		}
		run_knob_test(knob, knob_tests[i].fn);
		cgroup_stat_knob__destroy(knob);
	}
}

void test_cgroup_stat_write(void)
{
	for (int i = 0; i < sizeof(text); i++)
		text[i] = 'a' + i % 23;

	if (setup_tree(cg, paths, NR_CGROUPS)) {
		run_tests(false);
		run_tests(true);
		run_knob_tests();
	}
	cleanup_tree(cg, NR_CGROUPS);
}
