// SPDX-License-Identifier: GPL-2.0
/*
 * Readers get exactly the output of the program, for all sizes of the output and all
 * ways to read a file. Each test is run with sleepable programs as well.
 */
#include <test_progs.h>
#include <linux/btf.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "cgroup_stat_helpers.h"
#include "cgroup_stat_output.skel.h"
#include "progs/seq_put_decimal.h"

#define CGROUP		"/stat_output"
#define FILE_NAME	PREFIX "output"
#define MAX_OUTPUT	(4 << 20)
#define MIB		(1 << 20)
#define LINE_LEN	64
#define POISON		0xa5

static struct cgroup_stat_output *skel;
static const char *text;	/* what the programs output */
static int cg = -1;
static char buf[6 * MIB];

static void fill_text(void)
{
	char *to = skel->bss->text;

	/* all byte values, and no two equal pages */
	for (unsigned int i = 0; i < sizeof(skel->bss->text); i++)
		to[i] = i * 2654435761u >> 24;
	text = to;
}

/* seq_file begins with a page, and doubles its buffer until the output is smaller. */
static unsigned int runs_for(size_t len)
{
	unsigned int runs = 1;

	for (size_t size = 4096; size <= len && size <= MAX_OUTPUT; size *= 2)
		runs++;
	return runs;
}

static void set_output(size_t size, int retval)
{
	skel->bss->size = size;
	skel->bss->step = 0;
	skel->bss->retval = retval;
	skel->bss->runs = 0;
}

static int open_file(void)
{
	return openat(cg, FILE_NAME, O_RDONLY);
}

static ssize_t read_pieces(int fd, char *to, size_t piece)
{
	ssize_t len = 0, n = 0;

	while (len + piece <= sizeof(buf) && (n = read(fd, to + len, piece)) > 0)
		len += n;
	return n < 0 ? -errno : len;
}

static void assert_text(ssize_t got, size_t off, size_t len, const char *what)
{
	if (ASSERT_EQ(got, len, what))
		ASSERT_OK(memcmp(buf, text + off, len), "contents");
}

static void assert_pread(int fd, size_t len, off_t off, size_t expected, const char *what)
{
	assert_text(pread(fd, buf, len, off), off, expected, what);
}

/* Check that a read fails without writing to the buffer. */
static void assert_fails(int fd, off_t off, int err, const char *what)
{
	ssize_t ret;

	memset(buf, POISON, sizeof(buf));
	ret = pread(fd, buf, sizeof(buf), off);
	ASSERT_EQ(ret < 0 ? -errno : ret, err, what);
	ASSERT_TRUE((__u8)buf[0] == POISON && !memcmp(buf, buf + 1, sizeof(buf) - 1),
		    "nothing handed out");
}

static void test_sizes(int fd)
{
	static const size_t sizes[] = {
		1, 4095, 4096, 4097, 10000, MIB - 1, MIB, 2 * MIB, MAX_OUTPUT - 1, MAX_OUTPUT,
	};

	for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
		int fresh = open_file();

		set_output(sizes[i], 0);
		assert_text(read(fresh, buf, sizeof(buf)), 0, sizes[i], "size");
		ASSERT_EQ(skel->bss->runs, runs_for(sizes[i]), "runs");
		ASSERT_EQ(read(fresh, buf, sizeof(buf)), 0, "end");
		close(fresh);

		assert_pread(fd, sizeof(buf), 0, sizes[i], "with the buffer of before");
	}
}

static void test_too_big(int fd)
{
	static const size_t sizes[] = { MAX_OUTPUT + 1, 5 * MIB };

	for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
		int fresh = open_file();

		set_output(sizes[i], 0);
		assert_fails(fresh, 0, -E2BIG, "read");
		ASSERT_EQ(skel->bss->runs, runs_for(sizes[i]), "the buffer stops growing");

		skel->bss->runs = 0;
		assert_fails(fresh, 0, -E2BIG, "read again");
		ASSERT_EQ(skel->bss->runs, 1, "the buffer doesn't grow again");
		assert_fails(fresh, 100, -E2BIG, "read in the middle");
		assert_fails(fresh, MAX_OUTPUT, -E2BIG, "read what is too much");

		set_output(MAX_OUTPUT, 0);
		assert_pread(fresh, sizeof(buf), 0, MAX_OUTPUT, "as much as is allowed");
		close(fresh);
	}
}

static size_t expected_lines(char *to, unsigned int run, size_t size)
{
	for (size_t i = 0; i < size / LINE_LEN; i++)
		sprintf(to + i * LINE_LEN, "run %-10u line %-42zu.\n", run, i);
	return size / LINE_LEN * LINE_LEN;
}

static void assert_lines(const char *from, ssize_t got, unsigned int run, size_t size,
			 const char *what)
{
	char *expected = malloc(size + 1);

	if (ASSERT_OK_PTR(expected, "malloc") &&
	    ASSERT_EQ(got, expected_lines(expected, run, size), what))
		ASSERT_OK(memcmp(from, expected, got), "lines");
	free(expected);
}

static void test_lines(int fd)
{
	set_output(MIB, 0);
	assert_lines(buf, read(fd, buf, sizeof(buf)), runs_for(MIB) - 1, MIB, "1 MiB of text");
	assert_lines(buf, pread(fd, buf, sizeof(buf), 0), runs_for(MIB), MIB, "once more");

	set_output(MAX_OUTPUT + LINE_LEN, 0);
	assert_fails(fd, 0, -E2BIG, "too many");
}

/* What is read in pieces is the output of a single run. */
static void test_pieces(int fd)
{
	const size_t size = 20000 / LINE_LEN * LINE_LEN;
	static const size_t pieces[] = { 1, 63, 4095, 4096, 4097 };

	for (int i = 0; i < ARRAY_SIZE(pieces); i++) {
		int fresh = open_file();

		set_output(size, 0);
		assert_lines(buf, read_pieces(fresh, buf, pieces[i]), runs_for(size) - 1, size,
			     "all pieces");
		ASSERT_EQ(skel->bss->runs, runs_for(size), "runs");
		close(fresh);
	}

	set_output(MIB, 0);
	assert_lines(buf, read_pieces(fd, buf, 4095), runs_for(MIB) - 1, MIB, "1 MiB");
}

static void test_nul_bytes(int fd)
{
	const size_t size = 10000;

	memset(skel->bss->text, 0, size - 1);
	set_output(size, 0);
	assert_pread(fd, sizeof(buf), 0, size, "NUL bytes");
	ASSERT_EQ(buf[5000], 0, "NUL");
	fill_text();
}

static void test_nothing(int fd)
{
	set_output(0, 0);
	ASSERT_EQ(read(fd, buf, sizeof(buf)), 0, "read");
	ASSERT_EQ(skel->bss->runs, 1, "runs");
	ASSERT_EQ(pread(fd, buf, sizeof(buf), 10), 0, "pread");
	ASSERT_EQ(read(fd, buf, 0), 0, "read of 0 bytes");

	set_output(10, 0);
	ASSERT_EQ(read(fd, buf, 0), 0, "read of 0 bytes");
	ASSERT_EQ(skel->bss->runs, 0, "which doesn't run the program");
	assert_text(read(fd, buf, sizeof(buf)), 0, 10, "now there is something");
	set_output(0, -EPERM);
	assert_fails(fd, 0, -EPERM, "an error and nothing else");
}

static void test_errors(int fd)
{
	static const struct {
		int ret, err;
	} cases[] = {
		{ -1, -EPERM }, { -EOVERFLOW, -EOVERFLOW }, { -E2BIG, -E2BIG },
		{ -511, -511 }, { -512, -EIO }, { -529, -EIO }, { -4095, -EIO },
	};
	static const size_t sizes[] = { 100, 10000 };
	struct iovec iov[] = { { buf, 10 }, { buf + 10, 10000 } };

	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		for (int j = 0; j < ARRAY_SIZE(sizes); j++) {
			int fresh = open_file();

			set_output(sizes[j], cases[i].ret);
			assert_fails(fresh, 0, cases[i].err, "read");
			ASSERT_EQ(skel->bss->runs, runs_for(sizes[j]), "runs");
			assert_fails(fresh, 50, cases[i].err, "read in the middle");
			ASSERT_EQ(readv(fresh, iov, 2), -1, "readv");
			ASSERT_EQ(-errno, cases[i].err, "errno");
			close(fresh);
		}

		set_output(MAX_OUTPUT + 1, cases[i].ret);
		assert_fails(fd, 0, -E2BIG, "too much before the error");

		set_output(10000, 0);
		assert_pread(fd, sizeof(buf), 0, 10000, "read without an error");
	}
}

/* seq_file would call traverse() for ever on -EAGAIN, so readers get -EIO. */
static void test_eagain(int fd)
{
	set_output(10000, -EAGAIN);
	assert_fails(fd, 0, -EIO, "read");
	assert_fails(fd, 50, -EIO, "read in the middle");
	assert_fails(fd, 20000, -EIO, "read beyond the end");
}

static void test_error_later(int fd)
{
	set_output(10000, 0);
	assert_text(read(fd, buf, 100), 0, 100, "begin");

	skel->bss->retval = -EPERM;
	assert_text(read(fd, buf, sizeof(buf)), 100, 9900, "the rest was there already");
	ASSERT_EQ(read(fd, buf, sizeof(buf)), 0, "end");
	assert_fails(fd, 0, -EPERM, "read from the beginning");
}

static void test_lseek(int fd)
{
	const size_t size = 20000;

	set_output(size, 0);
	assert_text(read(fd, buf, 10), 0, 10, "begin");
	assert_text(read(fd, buf, 10), 10, 10, "and on");

	ASSERT_EQ(lseek(fd, 0, SEEK_SET), 0, "back");
	assert_text(read(fd, buf, 10), 0, 10, "begin again");

	ASSERT_EQ(lseek(fd, 9000, SEEK_SET), 9000, "forth");
	assert_text(read(fd, buf, 5000), 9000, 5000, "middle");

	ASSERT_EQ(lseek(fd, -7000, SEEK_CUR), 7000, "relative");
	assert_text(read(fd, buf, sizeof(buf)), 7000, size - 7000, "to the end");
	ASSERT_EQ(read(fd, buf, sizeof(buf)), 0, "end");

	ASSERT_EQ(lseek(fd, size, SEEK_SET), size, "to the end");
	ASSERT_EQ(read(fd, buf, sizeof(buf)), 0, "nothing there");
	ASSERT_EQ(lseek(fd, 1LL << 40, SEEK_SET), 1LL << 40, "far beyond the end");
	ASSERT_EQ(read(fd, buf, sizeof(buf)), 0, "nothing there");
	ASSERT_EQ(lseek(fd, -1, SEEK_SET), -1, "before the beginning");

	ASSERT_EQ(lseek(fd, size - 1, SEEK_SET), size - 1, "back to the last byte");
	assert_text(read(fd, buf, sizeof(buf)), size - 1, 1, "last byte");
}

static void test_pread(int fd)
{
	const size_t size = 10000;

	set_output(size, 0);
	assert_pread(fd, 10, 9000, 10, "before anything was read");
	assert_pread(fd, 5000, 4095, 5000, "across pages");
	assert_pread(fd, 100, size - 1, 1, "last byte");
	ASSERT_EQ(pread(fd, buf, 100, size), 0, "at the end");
	ASSERT_EQ(pread(fd, buf, 100, size + 1), 0, "beyond the end");
	ASSERT_EQ(pread(fd, buf, 100, 1LL << 40), 0, "far beyond the end");
	ASSERT_EQ(pread(fd, buf, 100, -1), -1, "before the beginning");
	assert_text(read(fd, buf, 10), 0, 10, "the position stays");

	set_output(100, 0);
	ASSERT_EQ(pread(fd, buf, 100, 5000), 0, "beyond the end, now that there is less");
	assert_text(read(fd, buf, sizeof(buf)), 10, 90, "the position stays");

	set_output(MAX_OUTPUT, 0);
	assert_pread(fd, 100, MAX_OUTPUT - 1, 1, "last byte of all");
	ASSERT_EQ(pread(fd, buf, 100, MAX_OUTPUT), 0, "beyond it");
}

/* Two open files have separate positions and buffers. */
static void test_two_fds(int fd)
{
	const size_t size = 100 * LINE_LEN;
	static char other[sizeof(buf)];
	int fd2 = open_file();

	set_output(size, 0);
	ASSERT_EQ(read(fd, buf, 100), 100, "one");
	ASSERT_EQ(read(fd2, other, 4095), 4095, "the other");
	ASSERT_EQ(read(fd, buf + 100, sizeof(buf) - 100), size - 100, "the rest");
	ASSERT_EQ(read(fd2, other + 4095, sizeof(other) - 4095), size - 4095, "the rest");

	/* of each file the first run overflowed the buffer, the second one counts */
	assert_lines(buf, size, 1, size, "one");
	assert_lines(other, size, 3, size, "the other");
	close(fd2);
}

static void test_dup_fd(int fd)
{
	int fd2 = dup(fd);

	set_output(10000, 0);
	assert_text(read(fd, buf, 100), 0, 100, "one");
	assert_text(read(fd2, buf, 5000), 100, 5000, "the other goes on");
	ASSERT_EQ(skel->bss->runs, runs_for(10000), "in what the first one got");
	close(fd);
	assert_text(read(fd2, buf, sizeof(buf)), 5100, 4900, "the first one closed");
	ASSERT_EQ(dup2(fd2, fd), fd, "give it back");
	close(fd2);
}

static void *read_often(void *arg)
{
	char *to = malloc(MIB + 1);
	long wrong = 0;
	int fd;

	for (int i = 0; to && i < 20; i++) {
		fd = open_file();
		wrong += read(fd, to, MIB + 1) != MIB || memcmp(to, text, MIB);
		close(fd);
	}
	free(to);
	return (void *)(to ? wrong : -1);
}

static void test_at_the_same_time(int fd)
{
	set_output(MIB, 0);
	run_threads(read_often);
}

/* Returns 0, or the number of the check that failed. */
static int read_as_nobody(int inherited)
{
	int fd;

	if (become_nobody())
		return 1;
	if (openat(cg, "cgroup.procs", O_WRONLY) >= 0 || errno != EACCES)
		return 2;
	fd = open_file();
	if (fd < 0)
		return 3;

	set_output(MIB, 0);
	if (read(fd, buf, sizeof(buf)) != MIB || memcmp(buf, text, MIB))
		return 4;
	if (pread(inherited, buf, sizeof(buf), 0) != MIB || memcmp(buf, text, MIB))
		return 5;
	set_output(MAX_OUTPUT + 1, 0);
	if (pread(fd, buf, sizeof(buf), 0) >= 0 || errno != E2BIG)
		return 6;
	if (skel->bss->runs != runs_for(MAX_OUTPUT + 1) - runs_for(MIB) + 1)
		return 7;
	if (pread(fd, buf, sizeof(buf), MAX_OUTPUT) >= 0 || errno != E2BIG)
		return 8;
	set_output(100, -529);
	if (pread(fd, buf, sizeof(buf), 0) >= 0 || errno != EIO)
		return 9;
	return 0;
}

static void test_nobody(int fd)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		_exit(read_as_nobody(fd));
	if (!ASSERT_GT(pid, 0, "fork"))
		return;
	ASSERT_EQ(waitpid(pid, &status, 0), pid, "waitpid");
	ASSERT_EQ(status, 0, "what went wrong, in the second byte");
}

static void test_growing(int fd)
{
	set_output(5000, 0);
	skel->bss->step = 5000;
	assert_text(read(fd, buf, sizeof(buf)), 0, 15000, "the third run fits");
	ASSERT_EQ(skel->bss->runs, 3, "runs");
	assert_pread(fd, sizeof(buf), 0, 25000, "the fourth doesn't, but the fifth");
}

static void test_growing_too_much(int fd)
{
	set_output(5000, 0);
	skel->bss->step = MIB;
	assert_fails(fd, 0, -E2BIG, "always ahead of the buffer");
	ASSERT_EQ(skel->bss->runs, runs_for(5 * MIB), "runs");

	set_output(5000, 0);
	assert_pread(fd, sizeof(buf), 0, 5000, "it has stopped growing");
}

static ssize_t sendfile_all(int to, int from, off_t *off)
{
	ssize_t len = 0, n;

	while ((n = sendfile(to, from, off, sizeof(buf))) > 0)
		len += n;
	return n < 0 ? -errno : len;
}

static void test_sendfile(int fd)
{
	int mem = memfd_create("stat_output", 0);
	off_t off = 5000;

	if (!ASSERT_OK_FD(mem, "memfd_create"))
		return;

	set_output(MIB, 0);
	ASSERT_EQ(sendfile_all(mem, fd, NULL), MIB, "all of it");
	assert_text(pread(mem, buf, sizeof(buf), 0), 0, MIB, "what was sent");

	ASSERT_OK(ftruncate(mem, 0) ?: lseek(mem, 0, SEEK_SET), "empty");
	ASSERT_EQ(sendfile(mem, fd, &off, 10000), 10000, "from the middle");
	assert_text(pread(mem, buf, sizeof(buf), 0), 5000, 10000, "what was sent");

	ASSERT_OK(ftruncate(mem, 0) ?: lseek(mem, 0, SEEK_SET), "empty");
	off = 0;
	set_output(100, -EPERM);
	ASSERT_EQ(sendfile_all(mem, fd, &off), -EPERM, "error");
	set_output(100, -512);
	ASSERT_EQ(sendfile_all(mem, fd, &off), -EIO, "error of the kernel's own");
	set_output(MAX_OUTPUT + 1, 0);
	ASSERT_EQ(sendfile_all(mem, fd, &off), -E2BIG, "too much");
	ASSERT_EQ(pread(mem, buf, sizeof(buf), 0), 0, "nothing was sent");
	close(mem);
}

static void test_splice(int fd)
{
	int fds[2];

	if (!ASSERT_OK(pipe(fds), "pipe"))
		return;

	set_output(10000, 0);
	ASSERT_EQ(splice(fd, NULL, fds[1], NULL, 5000, 0), 5000, "begin");
	ASSERT_EQ(splice(fd, NULL, fds[1], NULL, MIB, 0), 5000, "rest");
	ASSERT_EQ(splice(fd, NULL, fds[1], NULL, MIB, 0), 0, "end");
	close(fds[1]);
	assert_text(read_pieces(fds[0], buf, 10000), 0, 10000, "what came out");
	close(fds[0]);
}

/* The first page of the buffer is writable, the second one is not. */
static void test_bad_buffer(int fd)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!ASSERT_NEQ(pages, MAP_FAILED, "mmap"))
		return;
	ASSERT_OK(mprotect(pages + 4096, 4096, PROT_NONE), "mprotect");

	set_output(10000, 0);
	ASSERT_EQ(read(fd, pages + 4096, 4096), -1, "read into a bad page");
	ASSERT_EQ(errno, EFAULT, "errno");
	ASSERT_EQ(read(fd, pages, 8192), 4096, "read into a good and a bad one");
	ASSERT_OK(memcmp(pages, text, 4096), "contents");
	assert_text(read(fd, buf, sizeof(buf)), 4096, 10000 - 4096, "the rest isn't lost");
	munmap(pages, 8192);
}

static void assert_btf(int fd, __u64 flags, const char *expected)
{
	ssize_t len;

	skel->bss->btf_flags = flags;
	len = pread(fd, buf, sizeof(buf) - 1, 0);
	buf[len < 0 ? 0 : len] = '\0';
	ASSERT_STREQ(buf, expected, "BTF");
}

static void test_btf_small(int fd)
{
	set_output(0, 0);
	assert_btf(fd, 0,
		   "(struct rlimit64){\n .rlim_cur = (__u64)12,\n .rlim_max = (__u64)345,\n}\n");
	assert_btf(fd, BTF_F_COMPACT,
		   "(struct rlimit64){.rlim_cur = (__u64)12,.rlim_max = (__u64)345,}");
	assert_btf(fd, BTF_F_COMPACT | BTF_F_NONAME, "{12,345,}");
}

static void test_btf_big(int fd)
{
	ssize_t len;

	set_output(0, 0);
	skel->bss->btf_flags = BTF_F_ZERO;
	len = read(fd, buf, sizeof(buf) - 1);
	if (!ASSERT_GT(len, 4096, "more than the first buffer takes"))
		return;
	ASSERT_EQ(skel->bss->runs, runs_for(len), "runs");

	buf[len] = '\0';
	ASSERT_STRNEQ(buf, "(struct cgroup){\n", 17, "begin");
	ASSERT_STREQ(buf + len - 3, "\n}\n", "end");
	/* level 0 is the root, level 1 the working directory of cgroup_helpers */
	ASSERT_HAS_SUBSTR(buf, "\n .level = (int)2,\n", "level");
}

/* What decimals() outputs. */
static size_t expect_decimals(char *to, size_t size, __s64 num, int repeats)
{
	char *end = to + size;

	memcpy(to, text, size);
	while (repeats--)
		end += sprintf(end, "%llu %llu%s%llu%lld %lld%s%lld", num, num, LONG_DELIMITER, num,
			       num, num, LONG_DELIMITER, num);
	return end - to;
}

/* A run whose output doesn't fit in the buffer notices that, and only a later one counts. */
static void assert_decimals(size_t size, __s64 num, int repeats)
{
	static char expected[MIB];
	size_t len = expect_decimals(expected, size, num, repeats);
	int fd = open_file();

	set_output(size, 0);
	skel->bss->number = num;
	skel->bss->repeats = repeats;
	skel->bss->overflows = 0;

	if (ASSERT_EQ(read(fd, buf, sizeof(buf)), len, "length"))
		ASSERT_OK(memcmp(buf, expected, len), "contents");
	ASSERT_EQ(skel->bss->overflows, skel->bss->runs - 1, "overflows");
	ASSERT_GE(skel->bss->runs, runs_for(len), "runs");
	/* the kfuncs may leave two bytes of the buffer unused */
	ASSERT_LE(skel->bss->runs, runs_for(len + 2), "runs");
	close(fd);
}

static void test_decimals(int fd)
{
	static const __s64 numbers[] = {
		0, 1, 9, 10, -1, -9, -10, LLONG_MAX, LLONG_MIN, LLONG_MIN + 1,
	};

	for (int i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_decimals(0, numbers[i], 1);
		assert_decimals(0, numbers[i], 1000);
	}
}

/* Let the buffer end at each byte of the numbers. */
static void test_decimals_edges(int fd)
{
	static const __s64 numbers[] = { 0, -9, LLONG_MIN };

	for (int i = 0; i < ARRAY_SIZE(numbers); i++) {
		for (int left = -2; left < 650; left++) {
			assert_decimals(4096 - left, numbers[i], 1);
			assert_decimals(8192 - left, numbers[i], 1);
		}
	}
}

static const struct {
	const char *name, *prog;
	void (*fn)(int fd);
} tests[] = {
	{ "sizes_at_once", "at_once", test_sizes },
	{ "sizes_in_pieces", "in_pieces", test_sizes },
	{ "too_big_at_once", "at_once", test_too_big },
	{ "too_big_in_pieces", "in_pieces", test_too_big },
	{ "lines", "lines", test_lines },
	{ "read_in_pieces", "lines", test_pieces },
	{ "nul_bytes", "at_once", test_nul_bytes },
	{ "nothing", "in_pieces", test_nothing },
	{ "errors", "in_pieces", test_errors },
	{ "eagain", "in_pieces", test_eagain },
	{ "error_later", "in_pieces", test_error_later },
	{ "lseek", "in_pieces", test_lseek },
	{ "pread", "in_pieces", test_pread },
	{ "two_fds", "lines", test_two_fds },
	{ "dup_fd", "in_pieces", test_dup_fd },
	{ "at_the_same_time", "in_pieces", test_at_the_same_time },
	{ "nobody", "in_pieces", test_nobody },
	{ "growing", "growing", test_growing },
	{ "growing_too_much", "growing", test_growing_too_much },
	{ "sendfile", "in_pieces", test_sendfile },
	{ "splice", "in_pieces", test_splice },
	{ "bad_buffer", "in_pieces", test_bad_buffer },
	{ "btf_small", "btf_small", test_btf_small },
	{ "btf_big", "btf_big", test_btf_big },
	{ "decimals", "decimals", test_decimals },
	{ "decimals_edges", "decimals", test_decimals_edges },
};

static void run_test(struct bpf_program *prog, void (*fn)(int fd))
{
	struct bpf_link *link;
	int fd;

	link = attach_stat(prog, cg, .name = "output");
	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	fd = open_file();
	if (ASSERT_OK_FD(fd, "open")) {
		fn(fd);
		close(fd);
	}
	bpf_link__destroy(link);
}

static void run_tests(bool sleepable)
{
	skel = LOAD(cgroup_stat_output, sleepable);
	if (!skel)
		return;
	fill_text();

	for (int i = 0; i < ARRAY_SIZE(tests); i++)
		if (start_subtest_of(tests[i].name, sleepable))
			run_test(bpf_object__find_program_by_name(skel->obj, tests[i].prog),
				 tests[i].fn);
	cgroup_stat_output__destroy(skel);
}

void test_cgroup_stat_output(void)
{
	if (!ASSERT_OK(setup_cgroup_environment(), "cgroup environment"))
		return;
	cg = create_and_get_cgroup(CGROUP);
	if (ASSERT_OK_FD(cg, "cgroup")) {
		run_tests(false);
		run_tests(true);
		close(cg);
	}
	cleanup_cgroup_environment();
}
