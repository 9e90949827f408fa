// SPDX-License-Identifier: GPL-2.0
#include <test_progs.h>
#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>
#include <linux/bits.h>
#include <linux/capability.h>
#include "cap_helpers.h"
#include "cgroup_stat.skel.h"
#include "cgroup_stat_fail.skel.h"
#include "cgroup_stat_helpers.h"
#include "cgroup_stat_rfc.skel.h"

#define PIN_PATH	"/sys/fs/bpf/cgroup_stat_test"
#define MAX_NAME	(64 - sizeof(PREFIX))	/* MAX_CFTYPE_NAME less prefix and NUL */
#define MAX_LINKS	64

/* TOP is the parent of ROOT and SIBLING. Most links are attached to ROOT. */
enum { TOP, ROOT, CHILD, GRANDCHILD, SIBLING, NR_CGROUPS };

static const char * const paths[NR_CGROUPS] = {
	"/stat", "/stat/root", "/stat/root/child", "/stat/root/child/grandchild",
	"/stat/sibling",
};

static int cg[NR_CGROUPS];

/* Returns a bit for each cgroup of the tree that has the file. */
static unsigned int who_has(const char *file)
{
	unsigned int bits = 0;

	for (int i = 0; i < NR_CGROUPS; i++)
		bits |= has_file(cg[i], file) ? BIT(i) : 0;
	return bits;
}

#define BITS_ROOT	(BIT(ROOT) | BIT(CHILD) | BIT(GRANDCHILD))

static int count_stat_files(int cg_fd)
{
	struct dirent *de;
	int nr = 0, fd;
	DIR *dir;

	fd = openat(cg_fd, ".", O_RDONLY | O_DIRECTORY);
	if (!ASSERT_OK_FD(fd, "open directory"))
		return -1;

	dir = fdopendir(fd);
	while ((de = readdir(dir)))
		nr += !strncmp(de->d_name, PREFIX, strlen(PREFIX));
	closedir(dir);
	return nr;
}

static void assert_no_files(void)
{
	for (int i = 0; i < NR_CGROUPS; i++)
		ASSERT_EQ(count_stat_files(cg[i]), 0, paths[i]);
}

static void test_subtree(struct cgroup_stat *skel)
{
	struct bpf_link *link;

	link = attach_stat(skel->progs.one, cg[ROOT], .name = "x");
	if (!ASSERT_OK_PTR(link, "attach"))
		return;

	ASSERT_EQ(who_has(PREFIX "x"), BITS_ROOT, "root and below, nowhere else");
	ASSERT_EQ(nr_files(link), 3, "nr_files");
	for (int i = ROOT; i <= GRANDCHILD; i++) {
		ASSERT_EQ(count_stat_files(cg[i]), 1, "listed");
		assert_file_reads(cg[i], PREFIX "x", "1\n");
	}

	bpf_link__destroy(link);
	assert_no_files();
}

static void test_mkdir_rmdir(struct cgroup_stat *skel)
{
	struct bpf_link *link;
	char buf[64];
	int new, file;

	link = attach_stat(skel->progs.one, cg[ROOT], .name = "x");
	if (!ASSERT_OK_PTR(link, "attach"))
		return;

	if (!ASSERT_OK(mkdirat(cg[GRANDCHILD], "new", 0755), "mkdir"))
		goto out;
	new = openat(cg[GRANDCHILD], "new", O_RDONLY);
	file = openat(new, PREFIX "x", O_RDONLY);
	ASSERT_OK_FD(file, "born with the file");
	assert_fd_reads(file, "1\n");
	ASSERT_EQ(nr_files(link), 4, "nr_files after mkdir");

	ASSERT_OK(unlinkat(cg[GRANDCHILD], "new", AT_REMOVEDIR), "rmdir");
	ASSERT_EQ(nr_files(link), 3, "nr_files after rmdir");
	ASSERT_EQ(pread_str(file, buf, sizeof(buf)), -ENODEV, "read of a file that's gone");
	close(file);
	close(new);
out:
	bpf_link__destroy(link);
}

static void test_update(struct cgroup_stat *skel)
{
	LIBBPF_OPTS(bpf_link_update_opts, opts, .flags = BPF_F_REPLACE);
	struct bpf_link *link;
	int file, link_fd;

	link = attach_stat(skel->progs.one, cg[ROOT], .name = "x");
	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	link_fd = bpf_link__fd(link);

	file = openat(cg[CHILD], PREFIX "x", O_RDONLY);
	if (!ASSERT_OK_FD(file, "open"))
		goto out;
	assert_fd_reads(file, "1\n");

	ASSERT_OK(bpf_link__update_program(link, skel->progs.two), "update");
	assert_fd_reads(file, "2\n");
	ASSERT_OK(bpf_link__update_program(link, skel->progs.two), "update with the same");
	assert_fd_reads(file, "2\n");

	opts.old_prog_fd = bpf_program__fd(skel->progs.one);
	ASSERT_EQ(bpf_link_update(link_fd, bpf_program__fd(skel->progs.one), &opts), -EPERM,
		  "replace the wrong program");
	assert_fd_reads(file, "2\n");

	opts.old_prog_fd = bpf_program__fd(skel->progs.two);
	ASSERT_OK(bpf_link_update(link_fd, bpf_program__fd(skel->progs.one), &opts),
		  "replace the right program");
	assert_fd_reads(file, "1\n");

	ASSERT_EQ(bpf_link_update(link_fd, bpf_program__fd(skel->progs.other_type), NULL),
		  -EINVAL, "another program type");
	assert_fd_reads(file, "1\n");

	ASSERT_EQ(who_has(PREFIX "x"), BITS_ROOT, "name stays");
	close(file);
out:
	bpf_link__destroy(link);
}

/* A thread that reads the file all the time. */
struct reader {
	pthread_t thread;
	int file;
	volatile bool stop;
	volatile long nr_reads;
	volatile int err;
	char buf[8];		/* the result of the last read */
};

static void *read_on(void *arg)
{
	struct reader *reader = arg;
	int ret;

	while (!reader->stop) {
		ret = pread_str(reader->file, reader->buf, sizeof(reader->buf));
		if (ret < 0)
			reader->err = ret;
		reader->nr_reads++;
	}
	return NULL;
}

static bool start_reader(struct reader *reader)
{
	reader->file = openat(cg[CHILD], PREFIX "x", O_RDONLY);
	if (!ASSERT_OK_FD(reader->file, "open"))
		return false;
	return ASSERT_OK(pthread_create(&reader->thread, NULL, read_on, reader), "thread");
}

static void stop_reader(struct reader *reader)
{
	if (!reader->thread)
		return;
	reader->stop = true;
	pthread_join(reader->thread, NULL);
	close(reader->file);
	ASSERT_OK(reader->err, "reads");
}

/* Wait for two more reads: the second of them began after this was called. */
static bool wait_for_reads(struct reader *reader)
{
	long enough = reader->nr_reads + 2;

	return ASSERT_TRUE(wait_until(reader->nr_reads >= enough), "reads go on");
}

/* Update to a program that nothing but the link holds a reference on. */
static int update_to_clone(struct bpf_link *link, struct bpf_program *prog)
{
	int fd, err;

	fd = bpf_program__clone(prog, NULL);
	if (fd < 0)
		return fd;
	err = bpf_link_update(bpf_link__fd(link), fd, NULL);
	close(fd);
	return err;
}

static bool update_and_read(struct bpf_link *link, struct bpf_program *prog,
			    struct reader *readers, int nr, char expected)
{
	if (!ASSERT_OK(update_to_clone(link, prog), "update"))
		return false;
	for (int i = 0; i < nr; i++) {
		if (!wait_for_reads(&readers[i]) ||
		    !ASSERT_EQ(readers[i].buf[0], expected, "answered by the new program"))
			return false;
	}
	return true;
}

/* @born: the program that the link is attached with */
static void update_both_ways(struct cgroup_stat *skel, struct bpf_program *born)
{
	struct reader readers[2] = {};
	struct bpf_link *link;

	link = attach_stat(born, cg[ROOT], .name = "x");
	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	if (!start_reader(&readers[0]) || !start_reader(&readers[1]))
		goto out;

	for (int i = 0; i < 25; i++) {
		if (!update_and_read(link, skel->progs.one_sleepable, readers, 2, '1') ||
		    !update_and_read(link, skel->progs.two, readers, 2, '2'))
			break;
	}
out:
	for (int i = 0; i < ARRAY_SIZE(readers); i++)
		stop_reader(&readers[i]);
	bpf_link__destroy(link);
}

static void test_update_sleepable(struct cgroup_stat *skel)
{
	update_both_ways(skel, skel->progs.one);
	update_both_ways(skel, skel->progs.one_sleepable);
}

/* Check that a link is detached, or its root cgroup removed, and that it stays so. */
static void assert_gone(struct bpf_link *link, struct bpf_program *prog)
{
	struct bpf_link_info info;

	ASSERT_EQ(bpf_link_update(bpf_link__fd(link), bpf_program__fd(prog), NULL), -ENOLINK,
		  "update");
	ASSERT_OK(get_link_info(link, &info), "info");
	ASSERT_EQ(info.cgroup_stat.cgroup_id, 0, "cgroup_id");
	ASSERT_EQ(info.cgroup_stat.hierarchy_id, 0, "hierarchy_id");
	ASSERT_EQ(info.cgroup_stat.nr_files, 0, "nr_files");
	ASSERT_OK(bpf_link__detach(link), "detach");
}

static void test_detach(struct cgroup_stat *skel)
{
	struct bpf_link *link, *again;
	char buf[64];
	int file;

	link = attach_stat(skel->progs.one, cg[ROOT], .name = "x");
	if (!ASSERT_OK_PTR(link, "attach"))
		return;

	file = openat(cg[GRANDCHILD], PREFIX "x", O_RDONLY);
	ASSERT_OK_FD(file, "open");
	assert_fd_reads(file, "1\n");

	ASSERT_OK(bpf_link__detach(link), "detach");
	assert_no_files();
	ASSERT_EQ(pread_str(file, buf, sizeof(buf)), -ENODEV, "read");
	assert_gone(link, skel->progs.two);

	again = attach_stat(skel->progs.two, cg[ROOT], .name = "x");
	ASSERT_OK_PTR(again, "the name is free");
	ASSERT_EQ(pread_str(file, buf, sizeof(buf)), -ENODEV, "read from the old file");

	bpf_link__destroy(link);
	ASSERT_EQ(who_has(PREFIX "x"), BITS_ROOT, "the new link's files stay");
	bpf_link__destroy(again);
	assert_no_files();
	close(file);
}

static void test_root_removed(struct cgroup_stat *skel)
{
	struct bpf_link *link;
	char buf[64];
	int dir, file;

	if (!ASSERT_OK(mkdirat(cg[CHILD], "doomed", 0755), "mkdir"))
		return;
	dir = openat(cg[CHILD], "doomed", O_RDONLY);
	link = attach_stat(skel->progs.one, dir, .name = "x");
	if (!ASSERT_OK_PTR(link, "attach"))
		goto out;
	file = openat(dir, PREFIX "x", O_RDONLY);
	ASSERT_OK_FD(file, "open");

	ASSERT_OK(unlinkat(cg[CHILD], "doomed", AT_REMOVEDIR), "rmdir");
	ASSERT_EQ(pread_str(file, buf, sizeof(buf)), -ENODEV, "read");
	assert_gone(link, skel->progs.two);

	/* a new cgroup of the same name is not the root of the link */
	ASSERT_OK(mkdirat(cg[CHILD], "doomed", 0755), "mkdir again");
	ASSERT_EQ(who_has(PREFIX "x"), 0, "no file");
	ASSERT_FALSE(has_file(cg[CHILD], "doomed/" PREFIX "x"), "no file in the new cgroup");
	close(file);
	bpf_link__destroy(link);
out:
	close(dir);
	unlinkat(cg[CHILD], "doomed", AT_REMOVEDIR);
}

/* Attach to @second while a link at @first has the same name. */
static void collide(struct cgroup_stat *skel, int first, int second)
{
	struct bpf_link *link, *other;
	unsigned int had;
	int nr;

	link = attach_stat(skel->progs.one, cg[first], .name = "x");
	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	had = who_has(PREFIX "x");
	nr = nr_files(link);
	ASSERT_GT(nr, 0, "nr_files");

	other = attach_stat(skel->progs.two, cg[second], .name = "x");
	ASSERT_ERR_PTR(other, "attach to a taken name");
	ASSERT_EQ(errno, EEXIST, "errno");
	ASSERT_EQ(who_has(PREFIX "x"), had, "nothing left behind");
	ASSERT_EQ(nr_files(link), nr, "nr_files");

	other = attach_stat(skel->progs.two, cg[second], .name = "y");
	ASSERT_OK_PTR(other, "another name");
	bpf_link__destroy(other);
	ASSERT_EQ(who_has(PREFIX "x"), had, "the first link's files stay");

	bpf_link__destroy(link);
	assert_no_files();
}

static void test_collision(struct cgroup_stat *skel)
{
	struct bpf_link *link, *other;

	collide(skel, ROOT, ROOT);
	collide(skel, ROOT, CHILD);
	collide(skel, GRANDCHILD, ROOT);
	/* the conflict is in the last cgroup in pre-order */
	collide(skel, SIBLING, TOP);

	link = attach_stat(skel->progs.one, cg[ROOT], .name = "x");
	other = attach_stat(skel->progs.two, cg[SIBLING], .name = "x");
	ASSERT_OK_PTR(link, "attach");
	ASSERT_OK_PTR(other, "the same name in another subtree");
	bpf_link__destroy(link);
	ASSERT_EQ(who_has(PREFIX "x"), BIT(SIBLING), "independent");
	bpf_link__destroy(other);
	assert_no_files();
}

/* Returns a file descriptor of a cgroup that was removed after it was opened. */
static int open_removed(int parent)
{
	int fd;

	mkdirat(parent, "removed", 0755);
	fd = openat(parent, "removed", O_RDONLY);
	return unlinkat(parent, "removed", AT_REMOVEDIR) ? -1 : fd;
}

static void test_errors(struct cgroup_stat *skel)
{
	static const char too_long[] =
		"a234567890b234567890c234567890d234567890e234567890f2345";
	int prog = bpf_program__fd(skel->progs.one);
	int file = openat(cg[ROOT], "cgroup.procs", O_RDONLY);
	int removed = open_removed(cg[ROOT]);
	int tmp = open("/tmp", O_RDONLY);
	struct {
		const char *what;
		int fd;
		const char *name;
		__u32 mode, flags;
		int err;
	} cases[] = {
		{ "flag 2",		 cg[ROOT], "x", 0, 1U << 2, -EINVAL },
		{ "flag 31",		 cg[ROOT], "x", 0, 1U << 31, -EINVAL },
		{ "execute bit",	 cg[ROOT], "x", 0544, 0, -EINVAL },
		{ "setuid bit",		 cg[ROOT], "x", 04444, 0, -EINVAL },
		{ "file type",		 cg[ROOT], "x", 0100444, 0, -EINVAL },
		{ "no name",		 cg[ROOT], "", 0, 0, -EINVAL },
		{ "slash",		 cg[ROOT], "a/b", 0, 0, -EINVAL },
		{ "newline",		 cg[ROOT], "a\n", 0, 0, -EINVAL },
		{ "space",		 cg[ROOT], " a", 0, 0, -EINVAL },
		{ "not ASCII",		 cg[ROOT], "\xe4", 0, 0, -EINVAL },
		{ "bad pointer",	 cg[ROOT], (char *)8, 0, 0, -EFAULT },
		{ "name too long",	 cg[ROOT], too_long, 0, 0, -ENAMETOOLONG },
		{ "no fd",		 -1, "x", 0, 0, -EBADF },
		{ "no cgroup",		 tmp, "x", 0, 0, -EBADF },
		{ "no directory",	 file, "x", 0, 0, -EBADF },
		{ "removed cgroup",	 removed, "x", 0, 0, -ENODEV },
	};
	struct bpf_link *link;
	int fd;

	ASSERT_EQ(strlen(too_long), MAX_NAME + 1, "one more than fits");
	ASSERT_OK_FD(file, "open a file");
	ASSERT_OK_FD(removed, "remove a cgroup");

	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = cases[i].flags);

		opts.cgroup_stat.name = cases[i].name;
		opts.cgroup_stat.mode = cases[i].mode;
		fd = bpf_link_create(prog, cases[i].fd, BPF_CGROUP_STAT, &opts);
		if (!ASSERT_EQ(fd, cases[i].err, cases[i].what) && fd >= 0)
			close(fd);
	}
	assert_no_files();

	link = attach_stat(skel->progs.one, cg[ROOT], .name = too_long + 1);
	ASSERT_OK_PTR(link, "the longest name that fits");
	ASSERT_EQ(count_stat_files(cg[GRANDCHILD]), 1, "its file");
	bpf_link__destroy(link);

	ASSERT_EQ(bpf_link_create(bpf_program__fd(skel->progs.other_type), cg[ROOT],
				  BPF_CGROUP_STAT, NULL), -EINVAL, "program of another type");
	ASSERT_EQ(bpf_link_create(prog, cg[ROOT], BPF_CGROUP_DEVICE, NULL), -EINVAL,
		  "another attach type");
	close(file);
	close(removed);
	close(tmp);
}

/* bpf(2) is called directly: libbpf can't set target_fd and cgroup_root to two fds. */
static void test_target_fd(struct cgroup_stat *skel)
{
	union bpf_attr attr = {
		.link_create = {
			.prog_fd = bpf_program__fd(skel->progs.one),
			.target_fd = cg[ROOT],
			.attach_type = BPF_CGROUP_STAT,
			.cgroup_root = cg[ROOT],
		},
	};
	int fd;

	fd = syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	if (!ASSERT_EQ(fd < 0 ? -errno : fd, -EINVAL, "target_fd") && fd >= 0)
		close(fd);

	attr.link_create.target_fd = 0;
	fd = syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	if (ASSERT_OK_FD(fd, "all but target_fd was right"))
		close(fd);
}

static void test_limit(struct cgroup_stat *skel)
{
	struct bpf_link *links[MAX_LINKS] = {}, *more;
	char name[16];
	int i;

	for (i = 0; i < MAX_LINKS; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		links[i] = attach_stat(skel->progs.one, cg[CHILD], .name = name);
		if (!ASSERT_OK_PTR(links[i], name))
			goto out;
	}
	ASSERT_EQ(count_stat_files(cg[GRANDCHILD]), MAX_LINKS, "all there");

	ASSERT_ERR_PTR(attach_stat(skel->progs.one, cg[CHILD], .name = "more"), "one too many");
	ASSERT_EQ(errno, E2BIG, "errno");
	ASSERT_FALSE(has_file(cg[GRANDCHILD], PREFIX "more"), "nothing left behind");

	more = attach_stat(skel->progs.one, cg[ROOT], .name = "more");
	ASSERT_OK_PTR(more, "another cgroup has a count of its own");
	bpf_link__destroy(more);

	bpf_link__destroy(links[7]);
	links[7] = attach_stat(skel->progs.one, cg[CHILD], .name = "more");
	ASSERT_OK_PTR(links[7], "there is room again");
out:
	for (i = 0; i < MAX_LINKS; i++)
		bpf_link__destroy(links[i]);
	assert_no_files();
}

static void test_retval(struct cgroup_stat *skel)
{
	static const struct {
		int ret, err;
	} cases[] = {
		{ -EPERM, -EPERM }, { -EAGAIN, -EIO }, { -ENODATA, -ENODATA },
		{ -511, -511 }, { -512, -EIO }, { -529, -EIO }, { -4095, -EIO },
	};
	struct bpf_link *link;
	char buf[64];
	int file;

	link = attach_stat(skel->progs.return_error, cg[ROOT], .name = "x");
	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	file = openat(cg[ROOT], PREFIX "x", O_RDONLY);

	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		skel->bss->retval = cases[i].ret;
		ASSERT_EQ(pread_str(file, buf, sizeof(buf)), cases[i].err, "errno");
		/* seq_file gets to an offset by traverse() */
		ASSERT_EQ(pread(file, buf, 1, 1) < 0 ? -errno : 0, cases[i].err, "at an offset");
	}

	skel->bss->retval = 0;
	assert_fd_reads(file, "lost\n");
	close(file);
	bpf_link__destroy(link);
}

static void test_context(struct cgroup_stat *skel)
{
	const unsigned long long cookie = 0x1122334455667788;
	char expected[128];
	struct bpf_link *link;

	link = attach_stat(skel->progs.whoami, cg[ROOT], .name = "x", .cookie = cookie);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;

	for (int i = ROOT; i <= GRANDCHILD; i++) {
		snprintf(expected, sizeof(expected),
			 "cgroup %llu session 0 seq 0 len 0 cookie %llu\n",
			 get_cgroup_id(paths[i]), cookie);
		assert_file_reads(cg[i], PREFIX "x", expected);
	}

	ASSERT_OK(bpf_link__update_program(link, skel->progs.narrow), "update");
	assert_file_reads(cg[CHILD], PREFIX "x", "r\n");
	bpf_link__destroy(link);
}

static void test_info(struct cgroup_stat *skel)
{
	const char *name = PREFIX "x.y-Z_0";
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	char buf[64], fdinfo[64], line[128];
	struct bpf_link *link;
	struct stat st;
	FILE *f;
	int fd;

	link = attach_stat(skel->progs.one, cg[ROOT], .name = "x.y-Z_0", .mode = 0440,
			   .cookie = 7);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	fd = bpf_link__fd(link);

	ASSERT_OK(get_link_info(link, &info), "info without a buffer");
	ASSERT_EQ(info.type, BPF_LINK_TYPE_CGROUP_STAT, "type");
	ASSERT_EQ(info.cgroup_stat.name_len, strlen(name) + 1, "name_len");
	ASSERT_EQ(info.cgroup_stat.mode, 0440, "mode");
	ASSERT_EQ(info.cgroup_stat.cgroup_id, get_cgroup_id(paths[ROOT]), "cgroup_id");
	ASSERT_EQ(info.cgroup_stat.cookie, 7, "cookie");
	ASSERT_EQ(info.cgroup_stat.hierarchy_id, 0, "hierarchy_id of the default hierarchy");
	ASSERT_EQ(info.cgroup_stat.flags, 0, "flags");
	ASSERT_EQ(info.cgroup_stat.nr_files, 3, "nr_files");
	ASSERT_EQ(info.cgroup_stat.attached, 1, "attached");

	memset(&info, 0, sizeof(info));
	info.cgroup_stat.name = ptr_to_u64(buf);
	info.cgroup_stat.name_len = strlen(name) + 1;
	ASSERT_OK(bpf_link_get_info_by_fd(fd, &info, &len), "info with a buffer that just fits");
	ASSERT_STREQ(buf, name, "name");

	info.cgroup_stat.name_len = strlen(name);
	ASSERT_EQ(bpf_link_get_info_by_fd(fd, &info, &len), -ENOSPC, "one too small");
	ASSERT_STREQ(buf, PREFIX "x.y-Z_", "cut and terminated");

	info.cgroup_stat.name_len = 0;
	ASSERT_EQ(bpf_link_get_info_by_fd(fd, &info, &len), -EINVAL, "buffer without a size");
	info.cgroup_stat.name = 0;
	info.cgroup_stat.name_len = 8;
	ASSERT_EQ(bpf_link_get_info_by_fd(fd, &info, &len), -EINVAL, "size without a buffer");
	info.cgroup_stat.name = 8;
	ASSERT_EQ(bpf_link_get_info_by_fd(fd, &info, &len), -EFAULT, "bad buffer");

	ASSERT_OK(fstatat(cg[CHILD], name, &st, 0), "stat");
	ASSERT_EQ(st.st_mode, S_IFREG | 0440, "mode of the file");

	snprintf(fdinfo, sizeof(fdinfo), "/proc/self/fdinfo/%d", fd);
	f = fopen(fdinfo, "r");
	if (ASSERT_OK_PTR(f, "fdinfo")) {
		char expected[][64] = {
			"link_type:\tcgroup_stat\n", "name:\t" PREFIX "x.y-Z_0\n",
			"mode:\t0440\n", "cgroup_id:\t", "hierarchy_id:\t0\n", "nr_files:\t3\n",
			"cookie:\t7\n", "flags:\t0x0\n", "attached:\t1\n",
		};
		unsigned int seen = 0;

		snprintf(expected[3], sizeof(expected[3]), "cgroup_id:\t%llu\n",
			 get_cgroup_id(paths[ROOT]));
		while (fgets(line, sizeof(line), f))
			for (int i = 0; i < ARRAY_SIZE(expected); i++)
				seen |= !strcmp(line, expected[i]) << i;
		ASSERT_EQ(seen, (1U << ARRAY_SIZE(expected)) - 1, "lines of fdinfo");
		fclose(f);
	}
	bpf_link__destroy(link);
}

/* Files are created when they are looked up; has_file() does that, listing doesn't. */
static void test_lazy(struct cgroup_stat *skel)
{
	struct bpf_link_info info;
	struct bpf_link *link;

	ASSERT_EQ(who_has(PREFIX "x"), 0, "looked up before there is a link");
	link = attach_stat(skel->progs.one, cg[ROOT], .name = "x",
			   .flags = BPF_F_CGROUP_STAT_LAZY);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;

	assert_no_files();
	ASSERT_OK(get_link_info(link, &info), "info");
	ASSERT_EQ(info.cgroup_stat.flags, BPF_F_CGROUP_STAT_LAZY, "flags");
	ASSERT_EQ(info.cgroup_stat.nr_files, 0, "nr_files");
	ASSERT_EQ(info.cgroup_stat.attached, 1, "attached");

	assert_file_reads(cg[CHILD], PREFIX "x", "1\n");
	ASSERT_EQ(nr_files(link), 1, "nr_files after open");
	ASSERT_EQ(count_stat_files(cg[CHILD]), 1, "listed");
	ASSERT_EQ(count_stat_files(cg[ROOT]), 0, "listed elsewhere");

	ASSERT_OK(bpf_link__update_program(link, skel->progs.two), "update");
	assert_file_reads(cg[CHILD], PREFIX "x", "2\n");
	assert_file_reads(cg[GRANDCHILD], PREFIX "x", "2\n");

	ASSERT_EQ(who_has(PREFIX "x"), BITS_ROOT, "root and below, nowhere else");
	ASSERT_EQ(nr_files(link), 3, "nr_files");
	ASSERT_OK(bpf_link__detach(link), "detach");
	assert_no_files();
	ASSERT_EQ(who_has(PREFIX "x"), 0, "looked up after detach");
	ASSERT_OK(get_link_info(link, &info), "info");
	ASSERT_EQ(info.cgroup_stat.attached, 0, "attached");
	bpf_link__destroy(link);
}

static void test_names(struct cgroup_stat *skel)
{
	const char *prog_name = "name_of_more_than_fifteen_characters";
	struct bpf_link_create_opts *no_opts = NULL;
	struct bpf_link *link;
	char file[64];
	int fd;

	link = bpf_program__attach_cgroup_stat(skel->progs.name_of_more_than_fifteen_characters,
					       cg[ROOT], NULL);
	ASSERT_OK_PTR(link, "attach");
	snprintf(file, sizeof(file), PREFIX "%s", prog_name);
	ASSERT_TRUE(has_file(cg[ROOT], file), "libbpf passes the whole name");
	bpf_link__destroy(link);

	fd = bpf_link_create(bpf_program__fd(skel->progs.name_of_more_than_fifteen_characters),
			     cg[ROOT], BPF_CGROUP_STAT, no_opts);
	ASSERT_OK_FD(fd, "link_create");
	snprintf(file, sizeof(file), PREFIX "%.15s", prog_name);
	ASSERT_TRUE(has_file(cg[ROOT], file), "the kernel has what BPF_PROG_LOAD took");
	close(fd);
	assert_no_files();
}

static void test_pin(struct cgroup_stat *skel)
{
	struct bpf_link *link;

	link = attach_stat(skel->progs.one, cg[ROOT], .name = "x");
	if (!ASSERT_OK_PTR(link, "attach"))
		return;

	if (!ASSERT_OK(bpf_link__pin(link, PIN_PATH), "pin"))
		goto out;
	bpf_link__destroy(link);
	ASSERT_EQ(who_has(PREFIX "x"), BITS_ROOT, "the pin keeps the link");

	link = bpf_link__open(PIN_PATH);
	ASSERT_OK_PTR(link, "open the pin");
	ASSERT_OK(bpf_link__update_program(link, skel->progs.two), "update");
	bpf_link__destroy(link);
	link = NULL;

	ASSERT_OK(unlink(PIN_PATH), "unpin");
	/* unlinking a pin puts the link from a work item */
	ASSERT_TRUE(wait_until(!who_has(PREFIX "x")), "the files go with the pin");
	assert_no_files();
out:
	bpf_link__destroy(link);
}

static int load_without(__u64 caps)
{
	__u64 old;
	int fd;

	if (!ASSERT_OK(cap_disable_effective(caps, &old), "drop capabilities"))
		return -1;
	fd = load_empty_prog(BPF_CGROUP_STAT, 0);
	ASSERT_OK(cap_enable_effective(old, NULL), "restore capabilities");

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static int attach_without(struct cgroup_stat *skel, __u64 caps)
{
	__u64 old;
	int fd;

	if (!ASSERT_OK(cap_disable_effective(caps, &old), "drop capabilities"))
		return -1;
	fd = create_stat_link(bpf_program__fd(skel->progs.one), cg[ROOT], "x");
	ASSERT_OK(cap_enable_effective(old, NULL), "restore capabilities");

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static void test_capabilities(struct cgroup_stat *skel)
{
	const __u64 admin = 1ULL << CAP_SYS_ADMIN;
	const __u64 bpf = 1ULL << CAP_BPF, perfmon = 1ULL << CAP_PERFMON;

	ASSERT_OK(load_without(0), "load with all");
	ASSERT_OK(load_without(admin), "load with CAP_BPF and CAP_PERFMON");
	ASSERT_EQ(load_without(admin | bpf), -EPERM, "load without CAP_BPF");
	ASSERT_EQ(load_without(admin | perfmon), -EPERM, "load without CAP_PERFMON");

	ASSERT_OK(attach_without(skel, 0), "attach with all");
	ASSERT_OK(attach_without(skel, admin), "attach with CAP_BPF and CAP_PERFMON");
	ASSERT_EQ(attach_without(skel, admin | bpf), -EPERM, "attach without CAP_BPF");
	ASSERT_EQ(attach_without(skel, admin | perfmon), -EPERM, "attach without CAP_PERFMON");
	assert_no_files();
}

static void test_load(void)
{
	ASSERT_EQ(load_empty_prog(0, 0), -EINVAL, "no expected_attach_type");
	ASSERT_EQ(load_empty_prog(BPF_TRACE_ITER, 0), -EINVAL, "wrong expected_attach_type");
}

static void test_rfc(void)
{
	struct cgroup_stat_rfc *skel;
	char expected[32], *log;
	struct bpf_link *link;

	skel = cgroup_stat_rfc__open_and_load();
	if (!ASSERT_OK_PTR(skel, "load"))
		return;

	/* libbpf doesn't know which cgroup to attach to, so it skips the program */
	if (start_libbpf_log_capture())
		goto out;
	ASSERT_OK(cgroup_stat_rfc__attach(skel), "auto-attach");
	log = stop_libbpf_log_capture();
	ASSERT_STREQ(log, "", "not a word");
	free(log);
	ASSERT_NULL(skel->links.histo_on_cpu, "skipped");
	ASSERT_ERR_PTR(bpf_program__attach(skel->progs.histo_on_cpu), "attach without a cgroup");
	ASSERT_EQ(errno, EOPNOTSUPP, "errno");

	link = bpf_program__attach_cgroup_stat(skel->progs.histo_on_cpu, cg[TOP], NULL);
	if (!ASSERT_OK_PTR(link, "attach"))
		goto out;

	/* the working directory of cgroup_helpers is at level 1 */
	for (int i = TOP, level = 2; i <= GRANDCHILD; i++, level++) {
		snprintf(expected, sizeof(expected), "level %d\n", level);
		assert_file_reads(cg[i], PREFIX "histo_on_cpu", expected);
	}
	bpf_link__destroy(link);
out:
	cgroup_stat_rfc__destroy(skel);
}

static const struct {
	const char *name;
	void (*fn)(struct cgroup_stat *skel);
} tests[] = {
	{ "subtree", test_subtree },
	{ "mkdir_rmdir", test_mkdir_rmdir },
	{ "update", test_update },
	{ "update_sleepable", test_update_sleepable },
	{ "detach", test_detach },
	{ "root_removed", test_root_removed },
	{ "collision", test_collision },
	{ "errors", test_errors },
	{ "target_fd", test_target_fd },
	{ "limit", test_limit },
	{ "retval", test_retval },
	{ "context", test_context },
	{ "info", test_info },
	{ "lazy", test_lazy },
	{ "names", test_names },
	{ "pin", test_pin },
	{ "capabilities", test_capabilities },
};

void test_cgroup_stat(void)
{
	struct cgroup_stat *skel;

	RUN_TESTS(cgroup_stat_fail);
	if (test__start_subtest("load"))
		test_load();

	skel = cgroup_stat__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open and load"))
		return;

	if (!setup_tree(cg, paths, NR_CGROUPS))
		goto out;

	for (int i = 0; i < ARRAY_SIZE(tests); i++)
		if (test__start_subtest(tests[i].name))
			tests[i].fn(skel);
	if (test__start_subtest("rfc"))
		test_rfc();
out:
	cleanup_tree(cg, NR_CGROUPS);
	cgroup_stat__destroy(skel);
}
