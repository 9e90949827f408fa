// SPDX-License-Identifier: GPL-2.0
/*
 * A cgroup_stat link creates a file bpf.stat.<name> in every cgroup of a subtree. These
 * tests check when the files exist, who owns them, and how they can be used. They call
 * bpf(2) directly, without libbpf and a BPF compiler.
 *
 * test_subtree_file TEST... runs only these, for example test_contents.
 * test_subtree_file --hold attaches a link to the root of the hierarchy and
 * keeps it until its stdin is closed, for running other tests under a link.
 */
#define _GNU_SOURCE

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"
#include "cgroup_util.h"
#include "subtree_util.h"

#define V1		"test_subtree_file"	/* name of a v1 hierarchy */

#define MAX_NAME	54	/* MAX_CFTYPE_NAME without the prefix and NUL */

/*
 * Files and cgroups
 */

/* Returns nr_files of the link, or -1 if the hierarchy has more or fewer files. */
static int files_of(int link, const char *name)
{
	check(link >= 0);
	return agreed(link, count_files(name));
}

/*
 * Processes
 */

static int do_load(void *name)
{
	return load_empty(name);
}

static int do_mkdir(void *path)
{
	return mkdir(path, 0755);
}

/*
 * Read the cgroup's file until that fails, and return the errno. After the first read
 * write a byte to the pipe @arg.
 */
static int read_on(const char *cgroup, void *arg)
{
	int fd = open_file(cgroup, NAME);
	int *ready = arg;
	char c;

	if (pread(fd, &c, 1, 0) < 0 || write(*ready, "", 1) != 1)
		return SETUP_FAILED;
	while (pread(fd, &c, 1, 0) >= 0)
		usleep(1000);
	return errno;
}

/* Start read_on() as a process in the cgroup and wait for its first read. */
static pid_t start_reader(const char *cgroup)
{
	int ready[2];
	pid_t pid;
	char c;

	check(!pipe(ready));
	pid = cg_run_nowait(cgroup, read_on, &ready[1]);
	check(pid > 0);
	close(ready[1]);
	check(read(ready[0], &c, 1) == 1);
	close(ready[0]);
	return pid;
}

static bool becomes(const char *cgroup, const char *key, long value)
{
	return wait_until(cg_read_key_long(cgroup, "cgroup.events", key) == value);
}

/*
 * Where and when files exist
 */

/* The link's root and all of its descendants have the file, other cgroups don't. */
static int test_present_in_whole_subtree(const char *top)
{
	char *a = new_cgroup(top, "a"), *sibling = new_cgroup(top, "sibling");
	char *b = new_cgroup(a, "b"), *c = new_cgroup(b, "c"), *d = new_cgroup(a, "d");
	struct bpf_link_info info;
	struct stat st;
	int link;

	new_cgroup(sibling, "nephew");
	link = attach(a, NAME);
	check(link >= 0);
	check(has_file(a, NAME) && has_file(b, NAME) && has_file(c, NAME) && has_file(d, NAME));
	check_eq(files_of(link, NAME), 4);

	info = link_info(link);
	check(!stat(a, &st));
	check_eq(info.type, BPF_LINK_TYPE_CGROUP_STAT);
	check_eq(info.cgroup_stat.cgroup_id, st.st_ino);
	return KSFT_PASS;
}

/* With a link at the root of the hierarchy all cgroups have the file. */
static int test_present_in_whole_hierarchy(const char *top)
{
	int cgroups = count_cgroups_below(hierarchy), link = attach(hierarchy, NAME);

	check(link >= 0);
	check(has_file(hierarchy, NAME) && has_file(top, NAME));
	check_eq(files_of(link, NAME), cgroups);
	check(has_file(new_cgroup(top, "new"), NAME));
	check_eq(files_of(link, NAME), cgroups + 1);
	check(!close(link));
	check_eq(count_files(NAME), 0);
	return KSFT_PASS;
}

/* Only the close(2) of the last fd removes the files. They are gone when it returns. */
static int test_gone_after_last_close(const char *top)
{
	char *a = new_cgroup(top, "a");
	int link = attach(top, NAME), copy;

	check(link >= 0);
	copy = dup(link);
	check(copy >= 0);
	check(!close(link));
	check_eq(files_of(copy, NAME), 2);
	check(!close(copy));
	check(!has_file(top, NAME) && !has_file(a, NAME));
	check_eq(count_files(NAME), 0);
	check(!has_file(new_cgroup(top, "new"), NAME));
	return KSFT_PASS;
}

/* BPF_LINK_DETACH removes the files although the link is still open. */
static int test_gone_after_detach(const char *top)
{
	int link = attach(top, NAME), other;

	new_cgroup(top, "a");
	check_eq(files_of(link, NAME), 2);
	check(!link_detach(link));
	check_eq(files_of(link, NAME), 0);
	check(!has_file(new_cgroup(top, "new"), NAME));

	other = attach(top, NAME);
	check_eq(files_of(other, NAME), 3);
	check(!close(link));
	check_eq(files_of(other, NAME), 3);
	return KSFT_PASS;
}

/* A pinned link keeps its files. They go some time after the pin is unlinked. */
static int test_gone_after_unpin(const char *top)
{
	int link = attach(top, NAME);

	check(link >= 0);
	if (mount_privately("bpf", "bpf", 0, NULL)) {
		ksft_perror("bpffs can't be mounted");
		return KSFT_SKIP;
	}
	check(!obj_pin(link, MNT "/pin"));
	check(!close(link));
	check(has_file(top, NAME) && has_file(new_cgroup(top, "a"), NAME));
	check(!unlink(MNT "/pin"));
	check(wait_until(!count_files(NAME)));
	return KSFT_PASS;
}

/* The root of a link can be removed. The link has no files afterwards. */
static int test_gone_with_root_cgroup(const char *top)
{
	char *a = new_cgroup(top, "a");
	int link = attach(a, NAME), other;

	check_eq(files_of(link, NAME), 1);
	check(!rmdir(a));
	check_eq(files_of(link, NAME), 0);
	check(is_gone(link));

	check(!has_file(new_cgroup(top, "a"), NAME));
	other = attach(top, NAME);
	check_eq(files_of(other, NAME), 2);
	check(!link_detach(link) && !close(link));
	check_eq(files_of(other, NAME), 2);
	return KSFT_PASS;
}

/* A failed lookup leaves no negative dentry that hides the file once it exists. */
static int test_seen_after_vain_lookup(const char *top)
{
	int i, link;

	for (i = 0; i < 3; i++) {
		check(!has_file(top, NAME));
		link = attach(top, NAME);
		check(link >= 0);
		check(has_file(top, NAME));
		check(!close(link));
	}
	check(!has_file(top, NAME));
	return KSFT_PASS;
}

static int count_entries(DIR *dir, const char *name)
{
	struct dirent *entry;
	int found = 0;

	rewinddir(dir);
	while ((entry = readdir(dir)))
		found += entry->d_type == DT_REG && !strcmp(entry->d_name, name);
	return found;
}

/* readdir(3) returns the file once, also if the directory was opened before. */
static int test_listed(const char *top)
{
	char *a = new_cgroup(top, "a");
	DIR *dir = opendir(a);
	int link;

	check(dir);
	check_eq(count_entries(dir, STAT_PREFIX NAME), 0);
	link = attach(top, NAME);
	check(link >= 0);
	check_eq(count_entries(dir, STAT_PREFIX NAME), 1);
	check(!close(link));
	check_eq(count_entries(dir, STAT_PREFIX NAME), 0);
	return KSFT_PASS;
}

/* New cgroups have the file, and removed ones leave none behind. */
static int test_born_with_file(const char *top)
{
	int link = attach(top, NAME), depth;
	const char *path[8] = { top };

	for (depth = 1; depth < ARRAY_SIZE(path); depth++) {
		path[depth] = new_cgroup(path[depth - 1], "deeper");
		check(has_file(path[depth], NAME));
		check_eq(files_of(link, NAME), depth + 1);
	}
	while (--depth) {
		check(!rmdir(path[depth]));
		check_eq(files_of(link, NAME), depth);
	}
	return KSFT_PASS;
}

static int test_mkdir_rmdir_many_times(const char *top)
{
	char *a = cg_name(top, "a"), *b = cg_name(a, "b");
	int link = attach(top, NAME), i;

	for (i = 0; i < 500; i++) {
		check(!mkdir(a, 0755) && has_file(a, NAME));
		check(!mkdir(b, 0755) && has_file(b, NAME));
		check_eq(link_info(link).cgroup_stat.nr_files, 3);
		check(!rmdir(b) && !rmdir(a));
		check_eq(link_info(link).cgroup_stat.nr_files, 1);
	}
	check_eq(files_of(link, NAME), 1);
	return KSFT_PASS;
}

static int test_nodes_are_freed(const char *top)
{
	char *a = cg_name(top, "a");
	int link, i;
	long before;

	for (i = 0; i < 10; i++)
		new_cgroup(top, (char[]){ 'b' + i, 0 });
	before = settled_nodes();
	if (before < 0) {
		ksft_perror("no count of kernfs nodes, CONFIG_SLUB_DEBUG");
		return KSFT_SKIP;
	}

	for (i = 0; i < 100; i++) {
		link = attach(top, NAME);
		check(!mkdir(a, 0755) && !rmdir(a));
		check(attach(top, NAME) < 0 && errno == EEXIST);
		check(!close(link));
	}
	check(nodes_went(before));
	return KSFT_PASS;
}

/* The limits on cgroups still work, and a mkdir that they refuse leaves no file. */
static int test_limits_unaffected(const char *top)
{
	int link = attach(top, NAME), other = attach(top, "other");

	check(other >= 0);
	check(!cg_write(top, "cgroup.max.descendants", "1"));
	new_cgroup(top, "a");
	check_eq(cg_read_key_long(top, "cgroup.stat", "nr_descendants "), 1);
	check(fails(mkdir(cg_name(top, "b"), 0755), EAGAIN));
	check_eq(files_of(link, NAME), 2);

	check(!cg_write(top, "cgroup.max.descendants", "max"));
	check(!cg_write(top, "cgroup.max.depth", "1"));
	new_cgroup(top, "b");
	check(fails(mkdir(cg_name(top, "b/c"), 0755), EAGAIN));
	check_eq(files_of(link, NAME), 3);
	return KSFT_PASS;
}

/*
 * Contents
 */

static int test_contents(const char *top)
{
	int letter_x = load_letter('x'), letter_y = load_letter('y'), fd;
	char *a = new_cgroup(top, "a"), c;

	check(letter_x >= 0 && letter_y >= 0);
	check(attach(top, "empty") >= 0);
	check(attach_prog(letter_x, top, "x") >= 0);
	check(attach_prog(letter_y, a, "y") >= 0);

	check(reads(top, "empty", "") && reads(a, "empty", ""));
	check(reads(top, "x", "x\n") && reads(a, "x", "x\n") && reads(a, "y", "y\n"));

	fd = open_file(a, "x");
	check(read(fd, &c, 1) == 1 && c == 'x');
	check(read(fd, &c, 1) == 1 && c == '\n');
	check_eq(read(fd, &c, 1), 0);
	check(pread(fd, &c, 1, 1) == 1 && c == '\n');
	check_eq(pread(fd, &c, 1, 2), 0);
	return KSFT_PASS;
}

/* Root can open a read-only file for writing, but write(2) fails. */
static int test_write_refused(const char *top)
{
	int letter = load_letter('x'), fd;

	check(attach_prog(letter, top, NAME) >= 0);
	fd = open(stat_file(top, NAME), O_RDWR);
	check(fd >= 0);
	check(fails(write(fd, "1", 1), EINVAL));
	check(reads(top, NAME, "x\n"));
	return KSFT_PASS;
}

/*
 * Names
 */

/* Links with different names are independent. */
static int test_two_names(const char *top)
{
	char *a = new_cgroup(top, "a");
	int first = attach(top, "first"), second = attach(top, "second");

	check_eq(files_of(first, "first"), 2);
	check_eq(files_of(second, "second"), 2);
	new_cgroup(a, "b");
	check_eq(files_of(first, "first"), 3);
	check_eq(files_of(second, "second"), 3);
	check(!close(first));
	check_eq(count_files("first"), 0);
	check_eq(files_of(second, "second"), 3);
	return KSFT_PASS;
}

/* Nested subtrees: a cgroup has the files of all links at it and its ancestors. */
static int test_nested_roots(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b"), *c = new_cgroup(b, "c");
	int outer = attach(a, "outer"), inner = attach(b, "inner");
	char *in_a, *in_b, *in_c;

	check_eq(files_of(outer, "outer"), 3);
	check_eq(files_of(inner, "inner"), 2);
	check(has_file(b, "inner") && has_file(c, "inner") && !has_file(a, "inner"));

	in_a = new_cgroup(a, "new");
	in_b = new_cgroup(b, "new");
	in_c = new_cgroup(c, "new");
	check(has_file(in_a, "outer") && has_file(in_b, "outer") && has_file(in_c, "outer"));
	check(!has_file(in_a, "inner") && has_file(in_b, "inner") && has_file(in_c, "inner"));

	check(!close(outer));
	check_eq(count_files("outer"), 0);
	check_eq(files_of(inner, "inner"), 4);
	return KSFT_PASS;
}

/* attach fails if a link at the cgroup, an ancestor or a descendant has the name. */
static int test_name_taken(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b"), *c = new_cgroup(b, "c");
	char *sibling, *left;
	int link = attach(b, NAME), all, other;

	/* cgroups that are visited before the one with the name, and after it */
	left = new_cgroup(top, "left");
	sibling = new_cgroup(a, "sibling");
	check_eq(files_of(link, NAME), 2);
	all = count_all_files();

	check(fails(attach(b, NAME), EEXIST));
	check(fails(attach(c, NAME), EEXIST));
	check(fails(attach(a, NAME), EEXIST));
	check(fails(attach(top, NAME), EEXIST));
	check(fails(attach(hierarchy, NAME), EEXIST));
	check_eq(count_all_files(), all);
	check_eq(files_of(link, NAME), 2);
	new_cgroup(left, "new");
	new_cgroup(sibling, "new");
	check_eq(files_of(link, NAME), 2);

	/* a sibling can have the name, and once the link is gone all cgroups can */
	other = attach(sibling, NAME);
	check_eq(link_info(other).cgroup_stat.nr_files, 2);
	check(!close(other));
	check(!close(link));
	link = attach(top, NAME);
	check_eq(files_of(link, NAME), 8);
	return KSFT_PASS;
}

/* Names consist of letters, digits, '_', '.' and '-'. All other bytes are refused. */
static int test_name_characters(const char *top)
{
	int before = count_all_files(), c, link;
	char name[] = "a?b";

	for (c = 1; c < 256; c++) {
		name[1] = c;
		link = attach(top, name);
		if (isalnum(c) || strchr("_.-", c)) {
			check(link >= 0);
			check(has_file(top, name));
			check(!close(link));
		} else {
			check(fails(link, EINVAL));
		}
	}
	check(fails(attach(top, "?"), EINVAL));
	check(fails(attach(top, "a/"), EINVAL));
	check(fails(attach(top, "../a"), EINVAL));
	check(fails(attach(top, ""), EINVAL));
	check_eq(count_all_files(), before);

	check(attach(top, ".") >= 0 && has_file(top, "."));
	check(attach(top, "..") >= 0 && has_file(top, ".."));
	return KSFT_PASS;
}

static int test_name_length(const char *top)
{
	char name[PATH_MAX + 2];
	int link;

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	check(fails(attach(top, name), ENAMETOOLONG));
	name[MAX_NAME + 1] = '\0';
	check(fails(attach(top, name), ENAMETOOLONG));
	name[MAX_NAME] = '\0';
	link = attach(top, name);
	check(link >= 0);
	check(has_file(top, name));
	check(has_file(new_cgroup(top, "a"), name));
	check_eq(files_of(link, name), 2);
	return KSFT_PASS;
}

/* The kernel reads no byte behind the NUL of the name. */
static int test_name_pointer(const char *top)
{
	long page = sysconf(_SC_PAGESIZE);
	char *mem = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(mem != MAP_FAILED && !munmap(mem + page, page));
	mem[page - 2] = 'n';
	mem[page - 1] = '\0';
	check(attach(top, &mem[page - 2]) >= 0);
	check(has_file(top, "n"));
	mem[page - 1] = 'n';
	check(fails(attach(top, &mem[page - 2]), EFAULT));
	check(fails(attach(top, &mem[page]), EFAULT));
	check(!has_file(top, "nn"));
	return KSFT_PASS;
}

/* A link without a name takes that of its program. */
static int test_default_name(const char *top)
{
	int named = load_empty("fifteen_letters"), nameless = load_empty("");

	check(named >= 0 && nameless >= 0);
	check(fails(attach_prog(nameless, top, NULL), EINVAL));
	check(attach_prog(named, top, NULL) >= 0);
	check(has_file(top, "fifteen_letters"));
	check(attach_prog(nameless, top, NAME) >= 0);
	check(has_file(top, NAME));
	return KSFT_PASS;
}

/* A cgroup can be the root of 64 links. Links rooted elsewhere don't count. */
static int test_links_per_cgroup(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b");
	int before = count_all_files(), links[MAX_LINKS], i;

	check(attach(top, "above") >= 0);
	check(attach(b, "below") >= 0);
	for (i = 0; i < MAX_LINKS; i++) {
		links[i] = attach(a, link_name(i));
		check(links[i] >= 0);
	}
	check(fails(attach(a, NAME), E2BIG));
	check_eq(count_files(NAME), 0);
	check(attach(b, "below_too") >= 0);
	check_eq(count_all_files() - before, 3 + 1 + 2 * MAX_LINKS + 1);

	check(!close(links[MAX_LINKS / 2]));
	links[0] = attach(a, NAME);
	check_eq(files_of(links[0], NAME), 2);
	check(fails(attach(a, "again"), E2BIG));
	return KSFT_PASS;
}

/* The names of cgroups must not begin with the prefix of stat files. */
static int test_reserved_names(const char *top)
{
	static const char * const fine[] = { "bpf", "bpf.stat", "bpf.statx", "bpf_stat.x",
					     "BPF.STAT.x", "x.bpf.stat.x" };
	int i, link;

	check(fails(mkdir(cg_name(top, STAT_PREFIX), 0755), EINVAL));
	check(fails(mkdir(cg_name(top, STAT_PREFIX NAME), 0755), EINVAL));
	check(fails(mkdir(cg_name(top, STAT_PREFIX NAME "/a"), 0755), ENOENT));
	for (i = 0; i < ARRAY_SIZE(fine); i++)
		new_cgroup(top, fine[i]);

	/* if the file exists, the VFS fails before the kernel checks the name */
	link = attach(top, NAME);
	check(link >= 0);
	check(fails(mkdir(cg_name(top, STAT_PREFIX), 0755), EINVAL));
	check(fails(mkdir(cg_name(top, STAT_PREFIX "other"), 0755), EINVAL));
	check(fails(mkdir(cg_name(top, STAT_PREFIX NAME), 0755), EEXIST));
	check(fails(mkdir(cg_name(top, STAT_PREFIX NAME "/a"), 0755), ENOTDIR));
	check_eq(files_of(link, NAME), 1 + ARRAY_SIZE(fine));
	return KSFT_PASS;
}

static int reserved_names_v1(void *unused)
{
	check(!mkdir(MNT "/a", 0755));
	check(fails(mkdir(MNT "/" STAT_PREFIX, 0755), EINVAL));
	check(fails(mkdir(MNT "/a/" STAT_PREFIX NAME, 0755), EINVAL));
	check(fails(rename(MNT "/a", MNT "/" STAT_PREFIX), EINVAL));
	check(fails(rename(MNT "/a", MNT "/" STAT_PREFIX NAME), EINVAL));
	check(!access(MNT "/a", F_OK));
	check(!rename(MNT "/a", MNT "/bpf.stat"));
	check(!rename(MNT "/bpf.stat", MNT "/bpf.statx"));
	return 0;
}

/* The same in cgroup v1, where cgroups can be renamed as well. */
static int test_reserved_names_v1(const char *top)
{
	int err;

	if (mount_privately("none", "cgroup", 0, "none,name=" V1)) {
		ksft_perror("a v1 hierarchy can't be mounted");
		return KSFT_SKIP;
	}
	err = in_child(reserved_names_v1, NULL);
	check(!remove_descendants(MNT));
	check(umount_v1(MNT, V1));
	check_eq(err, 0);
	return KSFT_PASS;
}

/*
 * Modes and owners
 */

static int attach_mode(const char *cgroup, __u32 mode)
{
	union bpf_attr attr = link_attr(prog, open_cgroup(cgroup), NAME);

	attr.link_create.stat_mode = mode;
	return link_create(&attr);
}

static int test_mode(const char *top)
{
	static const __u32 modes[] = { 0, 0400, 0040, 0004, 0440, 0404, 0044, 0444,
				       02, 020, 0200, 0222, 0600, 0644, 0666 };
	mode_t want;
	int i, link;
	char *a;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		want = S_IFREG | (modes[i] ?: 0444);
		link = attach_mode(top, modes[i]);
		check(link >= 0);
		check_eq(link_info(link).cgroup_stat.mode, want & 0777);
		a = new_cgroup(top, "a");
		check_eq(mode_of(stat_file(top, NAME)), want);
		check_eq(mode_of(stat_file(a, NAME)), want);
		check(!rmdir(a) && !close(link));
	}
	return KSFT_PASS;
}

static int test_mode_refused(const char *top)
{
	static const __u32 nonsense[] = { 01, 010, 0100, 0111, 0555, 0777, 01444, 02444, 04444,
					  S_IFREG | 0444, 1U << 31 };
	int i;

	for (i = 0; i < ARRAY_SIZE(nonsense); i++)
		check(fails(attach_mode(top, nonsense[i]), EINVAL));
	check_eq(count_files(NAME), 0);
	return KSFT_PASS;
}

/* The permission bits apply. */
static int test_mode_obeyed(const char *top)
{
	char *file = stat_file(top, NAME);
	int link = attach_mode(top, 0400);

	check(link >= 0);
	check_eq(as_user(0, do_open, file), EACCES);
	check(!close(link));
	link = attach_mode(top, 0404);
	check(link >= 0);
	check_eq(as_user(0, do_open, file), 0);
	return KSFT_PASS;
}

static int do_chmod(void *path)
{
	return chmod(path, 0640);
}

static int do_chown(void *path)
{
	return chown(path, 1, -1);
}

/* Mode and owner can be changed, and are lost with the file. */
static int test_chmod_chown(const char *top)
{
	char *a = new_cgroup(top, "a"), *file = stat_file(a, NAME);
	int link = attach(top, NAME);

	check(link >= 0);
	check(!chmod(file, 0400) && !chown(file, 1, 2));
	check_eq(mode_of(file), S_IFREG | 0400);
	check(owned_by(file, 1, 2));
	check(owned_by(stat_file(top, NAME), 0, 0));
	check_eq(as_user(0, do_chmod, file), EPERM);
	check_eq(as_user(0, do_chown, file), EPERM);

	check(!chown(file, TEST_UID, 2));
	check_eq(as_user(0, do_chmod, file), 0);
	check_eq(mode_of(file), S_IFREG | 0640);
	check_eq(as_user(0, do_chown, file), EPERM);
	check(owned_by(file, TEST_UID, 2));

	check(!close(link));
	check(attach(top, NAME) >= 0);
	check_eq(mode_of(file), S_IFREG | 0444);
	check(owned_by(file, 0, 0));
	return KSFT_PASS;
}

/* A file belongs to the owner and group of the parent of its cgroup's directory. */
static int test_owner_is_parents(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b"), *c = new_cgroup(b, "c"), *new;

	check(!chown(a, 1, 2) && !chown(b, 3, 4) && !chown(c, 5, 6));
	check(attach(a, NAME) >= 0);
	check(owned_by(stat_file(a, NAME), 0, 0));
	check(owned_by(stat_file(b, NAME), 1, 2));
	check(owned_by(stat_file(c, NAME), 3, 4));

	/* also in cgroups that are created after the link */
	new = new_cgroup(c, "new");
	check(owned_by(stat_file(new, NAME), 5, 6));
	check(owned_by(stat_file(new_cgroup(new, "new"), NAME), 0, 0));
	return KSFT_PASS;
}

/* This also holds for the file in the root of a link. */
static int test_owner_in_link_root(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b");

	check(!chown(a, 1, 2) && !chown(b, 3, 4));
	check(attach(b, NAME) >= 0);
	check(owned_by(stat_file(b, NAME), 1, 2));
	return KSFT_PASS;
}

/* A chown(2) of the parent directory doesn't change existing files. */
static int test_owner_chown_not_followed(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b");

	check(attach(top, NAME) >= 0);
	check(!chown(a, 1, 2));
	check(owned_by(stat_file(b, NAME), 0, 0));
	check(owned_by(stat_file(new_cgroup(a, "new"), NAME), 1, 2));
	return KSFT_PASS;
}

/* The setgid bit of a directory has no effect on the group of the stat file. */
static int test_owner_in_setgid_directory(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b");
	char *new;

	check(!chown(a, 1, 2) && !chown(b, 3, 4) && !chmod(b, 02755));
	check(attach(a, NAME) >= 0);
	check(owned_by(stat_file(b, NAME), 1, 2));

	new = new_cgroup(b, "new");
	check_eq(mode_of(new) & 07000, S_ISGID);
	check(owned_by(new, 0, 4));
	check(owned_by(stat_file(new, NAME), 3, 4));
	check_eq(mode_of(stat_file(new, NAME)), S_IFREG | 0444);
	return KSFT_PASS;
}

/* A user who creates a cgroup owns its directory, but not the stat file. */
static int test_owner_after_users_mkdir(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = cg_name(a, "b"), *c = cg_name(b, "c");

	check(attach(top, NAME) >= 0);
	check(!chown(a, 1, 2) && !chmod(a, 0777));
	check_eq(as_user(0, do_mkdir, b), 0);
	check(owned_by(b, TEST_UID, TEST_UID));
	check(owned_by(stat_file(b, NAME), 1, 2));
	check_eq(as_user(0, do_mkdir, c), 0);
	check(owned_by(stat_file(c, NAME), TEST_UID, TEST_UID));
	return KSFT_PASS;
}

struct owner_check {
	union bpf_attr attr;
	const char *file;
	uid_t uid;
	gid_t gid;
};

static int attach_and_check_owner(void *arg)
{
	struct owner_check *expected = arg;

	if (link_create(&expected->attr) < 0)
		return -1;
	if (owned_by(expected->file, expected->uid, expected->gid))
		return 0;
	errno = EINVAL;
	return -1;
}

/* Neither does a user who creates the link own the file. */
static int test_owner_after_users_attach(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b");
	struct owner_check in_b = {
		.attr = link_attr(prog, open_cgroup(b), NAME),
		.file = stat_file(b, NAME), .uid = 1, .gid = 2,
	}, in_hierarchy_root = {
		.attr = link_attr(prog, open_cgroup(hierarchy), NAME),
		.file = stat_file(hierarchy, NAME), .uid = 0, .gid = 0,
	};

	check(!chown(a, 1, 2) && !chown(b, TEST_UID, TEST_UID));
	check_eq(as_user(BPF_CAPS, attach_and_check_owner, &in_b), 0);
	check_eq(as_user(BPF_CAPS | CAP(CAP_DAC_OVERRIDE), attach_and_check_owner,
			 &in_hierarchy_root), 0);
	return KSFT_PASS;
}

/*
 * Files and other features of cgroups
 */

static int read_in_threaded(const char *domain, void *thread_cgroup)
{
	return !(!cg_enter_current_thread(thread_cgroup) && reads(thread_cgroup, NAME, "x\n") &&
		 reads(domain, NAME, "x\n"));
}

static int test_threaded(const char *top)
{
	char *domain = new_cgroup(top, "domain"), *t = new_cgroup(domain, "t"), *u;
	int link = attach_prog(load_letter('x'), top, NAME), later;

	check(link >= 0);
	check(!cg_write(t, "cgroup.type", "threaded"));
	check(reads(domain, NAME, "x\n") && reads(t, NAME, "x\n"));

	u = new_cgroup(t, "u");
	check(!cg_read_strcmp(u, "cgroup.type", "domain invalid\n"));
	check(reads(u, NAME, "x\n"));
	check(!cg_write(u, "cgroup.type", "threaded"));
	check(reads(u, NAME, "x\n"));
	check_eq(files_of(link, NAME), 4);
	later = attach(top, "later");
	check_eq(files_of(later, "later"), 4);

	check_eq(cg_run(domain, read_in_threaded, t), 0);
	check(!rmdir(u) && !rmdir(t));
	check_eq(files_of(link, NAME), 2);
	check_eq(files_of(later, "later"), 2);
	return KSFT_PASS;
}

/* cgroup.kill kills processes that read the file. */
static int test_kill_populated(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b"), *c = new_cgroup(b, "c");
	int link = attach_prog(load_letter('x'), top, NAME), i, status;
	pid_t pids[3];

	check_eq(files_of(link, NAME), 4);
	pids[0] = start_reader(a);
	pids[1] = start_reader(c);
	pids[2] = start_reader(c);
	check(fails(rmdir(c), EBUSY));
	check_eq(files_of(link, NAME), 4);

	check(!cg_write(a, "cgroup.kill", "1"));
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		check(waitpid(pids[i], &status, 0) == pids[i]);
		check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	check(becomes(a, "populated ", 0));
	check(reads(c, NAME, "x\n"));
	check(!rmdir(c) && !rmdir(b) && !rmdir(a));
	check_eq(files_of(link, NAME), 1);
	return KSFT_PASS;
}

/* The files of a frozen cgroup can be read, including those created while it is frozen. */
static int test_read_frozen(const char *top)
{
	char *a = new_cgroup(top, "a");
	int link = attach_prog(load_letter('x'), top, NAME);

	check(link >= 0);
	start_reader(a);
	check(!cg_write(a, "cgroup.freeze", "1"));
	check(becomes(a, "frozen ", 1));
	check(reads(a, NAME, "x\n"));
	check(reads(new_cgroup(a, "new"), NAME, "x\n"));
	check(attach_prog(load_letter('y'), top, "other") >= 0);
	check(reads(a, "other", "y\n"));
	return KSFT_PASS;
}

/* A frozen reader doesn't block detach and rmdir. Its next read fails. */
static int test_detach_under_frozen_reader(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(top, "b");
	int link = attach_prog(load_letter('x'), top, NAME);
	pid_t reader;

	check(link >= 0);
	reader = start_reader(a);
	check(!cg_write(a, "cgroup.freeze", "1"));
	check(becomes(a, "frozen ", 1));
	check(!rmdir(b));
	check(!link_detach(link));
	check_eq(files_of(link, NAME), 0);
	check(!cg_write(a, "cgroup.freeze", "0"));
	check_eq(exit_status(reader), ENODEV);
	return KSFT_PASS;
}

/*
 * Open files
 */

/*
 * After the file is gone, an open file still returns what seq_file has buffered. All
 * other reads fail.
 */
static int test_open_across_rmdir(const char *top)
{
	char *a = new_cgroup(top, "a"), buf[8];
	int link = attach_prog(load_letter('x'), top, NAME), fresh, done, half;

	check(link >= 0);
	fresh = open_file(a, NAME);
	done = open_file(a, NAME);
	half = open_file(a, NAME);
	check_eq(read(done, buf, sizeof(buf)), 2);
	check_eq(read(half, buf, 1), 1);
	check(!rmdir(a));
	check_eq(files_of(link, NAME), 1);

	check(fails(read(fresh, buf, sizeof(buf)), ENODEV));
	check(fails(pread(done, buf, sizeof(buf), 0), ENODEV));
	check(read(half, buf, sizeof(buf)) == 1 && buf[0] == '\n');
	check(fails(read(half, buf, sizeof(buf)), ENODEV));

	/* a new cgroup of the same name doesn't change that */
	check(has_file(new_cgroup(top, "a"), NAME));
	check(fails(pread(done, buf, sizeof(buf), 0), ENODEV));
	return KSFT_PASS;
}

static int test_open_across_detach(const char *top)
{
	int link = attach_prog(load_letter('x'), top, NAME), fresh, done, half;
	char buf[8];

	check(link >= 0);
	fresh = open_file(top, NAME);
	done = open_file(top, NAME);
	half = open_file(top, NAME);
	check_eq(read(done, buf, sizeof(buf)), 2);
	check_eq(read(half, buf, 1), 1);
	check(!link_detach(link));

	check(fails(read(fresh, buf, sizeof(buf)), ENODEV));
	check(fails(pread(done, buf, sizeof(buf), 0), ENODEV));
	check(read(half, buf, sizeof(buf)) == 1 && buf[0] == '\n');
	check(fails(read(half, buf, sizeof(buf)), ENODEV));

	/* a new link of the same name doesn't change that */
	check(attach_prog(load_letter('y'), top, NAME) >= 0);
	check(fails(pread(done, buf, sizeof(buf), 0), ENODEV));
	check(reads(top, NAME, "y\n"));
	return KSFT_PASS;
}

static bool prog_exists(__u32 id)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	check(fd >= 0 || errno == ENOENT);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* An open file holds no reference on the link or its program. */
static int test_open_keeps_nothing(const char *top)
{
	int letter = load_letter('x'), link = attach_prog(letter, top, NAME);
	char *a = new_cgroup(top, "a"), buf[8];
	struct bpf_prog_info info;
	int fd, top_fd;

	check(link >= 0);
	fd = open_file(a, NAME);
	top_fd = open_file(top, NAME);
	check_eq(read(fd, buf, sizeof(buf)), 2);
	memset(&info, 0, sizeof(info));
	check(!obj_info(letter, &info, sizeof(info)));
	check(!rmdir(a));
	check(!close(letter));
	check(prog_exists(info.id));
	check(!close(link));
	check_eq(count_files(NAME), 0);

	/* programs are freed after a grace period */
	check(wait_until(!prog_exists(info.id)));
	check(fails(pread(top_fd, buf, sizeof(buf), 0), ENODEV));
	check(!close(fd) && !close(top_fd));
	return KSFT_PASS;
}

/*
 * Waiting for a change
 */

/*
 * Each of these tells whether there is a change, or waits for one. They wait without a
 * time limit, because poll(2) and select(2) look once more when the time is up, and then
 * find a change that they weren't woken up for.
 */

static bool poll_changes(int fd, bool block)
{
	struct pollfd pfd = { .fd = fd, .events = POLLPRI };
	struct timespec none = {};

	return ppoll(&pfd, 1, block ? NULL : &none, NULL) == 1 &&
	       pfd.revents == (POLLPRI | POLLERR);
}

static bool epoll_changes(int fd, bool block, __u32 events)
{
	struct epoll_event event = { .events = events };
	int epoll = epoll_create1(0), ret;

	check(!epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	ret = epoll_pwait(epoll, &event, 1, block ? -1 : 0, NULL);
	close(epoll);
	return ret == 1 && event.events == (events & (EPOLLPRI | EPOLLERR));
}

static bool level_changes(int fd, bool block)
{
	return epoll_changes(fd, block, EPOLLPRI | EPOLLERR);
}

static bool edge_changes(int fd, bool block)
{
	return epoll_changes(fd, block, EPOLLPRI | EPOLLERR | EPOLLET);
}

/* EPOLLEXCLUSIVE can't be used with EPOLLPRI. */
static bool exclusive_changes(int fd, bool block)
{
	return epoll_changes(fd, block, EPOLLERR | EPOLLEXCLUSIVE);
}

static bool select_changes(int fd, bool block)
{
	struct timespec none = {};
	fd_set exceptions;

	FD_ZERO(&exceptions);
	FD_SET(fd, &exceptions);
	return pselect(fd + 1, NULL, NULL, &exceptions, block ? NULL : &none, NULL) == 1;
}

static const struct waiter {
	const char *name;
	bool (*changes)(int fd, bool block);
	long syscall;
} waiters[] = {
	{ "poll", poll_changes, SYS_ppoll },
	{ "epoll, level-triggered", level_changes, SYS_epoll_pwait },
	{ "epoll, edge-triggered", edge_changes, SYS_epoll_pwait },
	{ "epoll, exclusive", exclusive_changes, SYS_epoll_pwait },
	{ "epoll, also exclusive", exclusive_changes, SYS_epoll_pwait },
	{ "select", select_changes, SYS_pselect6 },
};

static int poll_now(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLPRI | POLLIN | POLLOUT };

	check(poll(&pfd, 1, 0) == 1);
	return pfd.revents;
}

/* A change is reported until the file is read, by each open file on its own. */
static int test_poll_until_read(const char *top)
{
	int fd, other, i;
	char c;

	check(attach_prog(load_letter('x'), top, NAME) >= 0);
	fd = open_file(top, NAME);
	other = open_file(top, NAME);
	check_eq(poll_now(fd), POLLPRI | POLLERR | POLLIN | POLLOUT);
	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		check(waiters[i].changes(fd, false));

	check_eq(pread(fd, &c, 1, 0), 1);
	check_eq(poll_now(fd), POLLIN | POLLOUT);
	check_eq(poll_now(other), POLLPRI | POLLERR | POLLIN | POLLOUT);
	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		check(!waiters[i].changes(fd, false) && waiters[i].changes(other, false));
	return KSFT_PASS;
}

/* Returns the number of the system call that a process sleeps in, or -1. */
static long syscall_of(pid_t pid)
{
	char buf[256] = "";

	proc_read_text(pid, false, "syscall", buf, sizeof(buf));
	return isdigit(buf[0]) ? atol(buf) : -1;
}

/* Wait for a change of a file until it is removed. It is reported ever after. */
static int wait_for_end(const struct waiter *waiter, int fd)
{
	char c;

	check(waiter->changes(fd, true));
	check(fails(pread(fd, &c, 1, 0), ENODEV));
	check(waiter->changes(fd, true));
	return KSFT_PASS;
}

/* Start a process for each kind of waiter, and wait until all of them sleep. */
static void start_waiters(const char *file, int link, pid_t *pids)
{
	int fd = open(file, O_RDONLY), i;
	char c;

	check(fd >= 0 && pread(fd, &c, 1, 0) == 1);
	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		pids[i] = fork();
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(link);
			exit(wait_for_end(&waiters[i], fd));
		}
		check(wait_until(syscall_of(pids[i]) == waiters[i].syscall));
	}
	close(fd);
}

static bool all_wake_up(const pid_t *pids)
{
	int i, status;

	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		if (!wait_until(waitpid(pids[i], &status, WNOHANG) == pids[i])) {
			ksft_print_msg("%s doesn't wake up\n", waiters[i].name);
			return false;
		}
		if (status)
			return false;
	}
	return true;
}

static int test_detach_wakes_up(const char *top)
{
	int link = attach_prog(load_letter('x'), top, NAME);
	pid_t pids[ARRAY_SIZE(waiters)];

	start_waiters(stat_file(top, NAME), link, pids);
	check(!link_detach(link));
	check(all_wake_up(pids));
	return KSFT_PASS;
}

static int test_close_wakes_up(const char *top)
{
	int link = attach_prog(load_letter('x'), top, NAME);
	pid_t pids[ARRAY_SIZE(waiters)];

	start_waiters(stat_file(top, NAME), link, pids);
	check(!close(link));
	check(all_wake_up(pids));
	return KSFT_PASS;
}

/* So does a rmdir of the file's cgroup, which may be the root of the link. */
static int test_rmdir_wakes_up(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b");
	int link = attach_prog(load_letter('x'), a, NAME);
	pid_t pids[ARRAY_SIZE(waiters)];

	start_waiters(stat_file(b, NAME), link, pids);
	check(!rmdir(b));
	check(all_wake_up(pids));

	start_waiters(stat_file(a, NAME), link, pids);
	check(!rmdir(a));
	check(all_wake_up(pids));
	return KSFT_PASS;
}

/* The same goes for files of the kernel itself. */
static int test_rmdir_wakes_up_others(const char *top)
{
	char *a = new_cgroup(top, "a");
	pid_t pids[ARRAY_SIZE(waiters)];

	start_waiters(cg_name(a, "cgroup.events"), -1, pids);
	check(!rmdir(a));
	check(all_wake_up(pids));
	return KSFT_PASS;
}

static int read_event(int inotify)
{
	struct inotify_event event;

	check(wait_until(read(inotify, &event, sizeof(event)) == sizeof(event)));
	return event.mask;
}

/* inotify reports a rmdir, if nobody has the file open. */
static int test_rmdir_inotify(const char *top)
{
	char *a = new_cgroup(top, "a");
	int inotify = inotify_init1(IN_NONBLOCK);

	check(attach(top, NAME) >= 0);
	check(inotify_add_watch(inotify, stat_file(a, NAME), IN_ALL_EVENTS) >= 0);
	check(!rmdir(a));
	check_eq(read_event(inotify), IN_DELETE_SELF);
	check_eq(read_event(inotify), IN_IGNORED);
	return KSFT_PASS;
}

/*
 * Who may attach, and to what
 */

/* Attaching takes the same permissions on the directory as creating a cgroup. */
static int test_attach_needs_permission(const char *top)
{
	char *a = new_cgroup(top, "a");
	union bpf_attr attr = link_attr(prog, open_cgroup(a), NAME);

	check_eq(as_user(BPF_CAPS, do_link_create, &attr), EACCES);
	check_eq(as_user(BPF_CAPS | CAP(CAP_DAC_OVERRIDE), do_link_create, &attr), 0);
	check(!chown(a, TEST_UID, -1));
	check_eq(as_user(BPF_CAPS, do_link_create, &attr), 0);
	check(!chmod(a, 0577));
	check_eq(as_user(BPF_CAPS, do_link_create, &attr), EACCES);
	check(!chmod(a, 0677));
	check_eq(as_user(BPF_CAPS, do_link_create, &attr), EACCES);
	check(!chmod(a, 0300));
	check_eq(as_user(BPF_CAPS, do_link_create, &attr), 0);
	check_eq(count_files(NAME), 0);
	return KSFT_PASS;
}

static int test_attach_needs_capabilities(const char *top)
{
	union bpf_attr attr = link_attr(prog, open_cgroup(top), NAME);
	__u64 others = ~0ULL >> (63 - CAP_LAST_CAP) & ~BPF_CAPS & ~CAP(CAP_SYS_ADMIN);

	check(!chown(top, TEST_UID, TEST_UID));
	check_eq(as_user(BPF_CAPS, do_load, ""), 0);
	check_eq(as_user(0, do_load, ""), EPERM);
	check_eq(as_user(CAP(CAP_BPF), do_load, ""), EPERM);
	check_eq(as_user(CAP(CAP_PERFMON), do_load, ""), EPERM);

	/* a program that was loaded by root takes the same capabilities to attach */
	check_eq(as_user(BPF_CAPS, do_link_create, &attr), 0);
	check_eq(as_user(0, do_link_create, &attr), EPERM);
	check_eq(as_user(CAP(CAP_BPF), do_link_create, &attr), EPERM);
	check_eq(as_user(CAP(CAP_PERFMON), do_link_create, &attr), EPERM);
	check_eq(as_user(others, do_link_create, &attr), EPERM);
	check_eq(count_files(NAME), 0);
	return KSFT_PASS;
}

static int do_load_in_user_namespace(void *name)
{
	if (unshare(CLONE_NEWUSER))
		_exit(SETUP_FAILED);
	return load_empty(name);
}

/* Capabilities in a user namespace other than the initial one are not enough. */
static int test_attach_in_user_namespace(const char *top)
{
	union bpf_attr attr = link_attr(prog, open_cgroup(top), NAME);

	if (access("/proc/self/ns/user", F_OK)) {
		ksft_perror("no user namespaces");
		return KSFT_SKIP;
	}
	check_eq(in_child(do_attach_in_user_namespace, &attr), EPERM);
	check_eq(in_child(do_load_in_user_namespace, ""), EPERM);
	return KSFT_PASS;
}

static int test_attach_read_only_mount(const char *top)
{
	int link;

	check(!mount_privately(top, NULL, MS_BIND, NULL));
	link = attach(MNT, NAME);
	check_eq(files_of(link, NAME), 1);
	check(!close(link));

	check(!mount(NULL, MNT, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	check(fails(attach(MNT, NAME), EROFS));
	check(!has_file(top, NAME));
	check(attach(top, NAME) >= 0);
	return KSFT_PASS;
}

static int attach_fd(int fd)
{
	union bpf_attr attr = link_attr(prog, fd, NAME);

	return link_create(&attr);
}

/* cgroup_root must be a directory of a cgroup that exists, opened with any flags. */
static int test_cgroup_root_refused(const char *top)
{
	char *a = new_cgroup(top, "a");
	int fd = open_cgroup(a), link;

	check(fails(attach_fd(-1), EBADF));
	check(fails(attach_fd(prog), EBADF));
	check(fails(attach_fd(open("/proc", O_RDONLY | O_DIRECTORY)), EBADF));
	check(fails(attach_fd(cg_open(a, "cgroup.procs", O_RDONLY)), EBADF));
	check(fails(attach_fd(cg_open(a, "cgroup.procs", O_PATH)), EBADF));

	link = attach(a, "other");
	check(fails(attach_fd(open_file(a, "other")), EBADF));
	check(!close(link));

	check(!rmdir(a));
	check(fails(attach_fd(fd), ENODEV));
	new_cgroup(top, "a");
	check(fails(attach_fd(fd), ENODEV));
	check(!close(fd));
	check(fails(attach_fd(fd), EBADF));
	check_eq(count_files(NAME), 0);

	check(attach_fd(open(top, O_RDONLY | O_DIRECTORY)) >= 0);
	return KSFT_PASS;
}

static int attach_flags(const char *cgroup, __u32 flags, __u32 target_fd)
{
	union bpf_attr attr = link_attr(prog, open_cgroup(cgroup), NAME);

	attr.link_create.flags = flags;
	attr.link_create.target_fd = target_fd;
	return link_create(&attr);
}

/* BPF_F_CGROUP_STAT_ALL is refused because there is a cgroup_root. */
static int test_flags_refused(const char *top)
{
	__u32 flag;

	for (flag = 1; flag; flag <<= 1) {
		if (flag != BPF_F_CGROUP_STAT_LAZY)
			check(fails(attach_flags(top, flag, 0), EINVAL));
	}
	check(fails(attach_flags(top, 0, 1), EINVAL));
	check(fails(attach_flags(top, 0, open_cgroup(top)), EINVAL));
	check(fails(attach_flags(top, 0, -1), EINVAL));
	check_eq(count_files(NAME), 0);
	check(attach_flags(top, 0, 0) >= 0);
	return KSFT_PASS;
}

/* The bytes behind the last field must be 0, they are reserved for new fields. */
static int test_more_fields_refused(const char *top)
{
	size_t end = offsetof(union bpf_attr, link_create.stat_cookie) + sizeof(__u64), i;
	int cgroup_fd = open_cgroup(top);
	union bpf_attr attr;

	for (i = end; i < sizeof(attr); i++) {
		attr = link_attr(prog, cgroup_fd, NAME);
		((char *)&attr)[i] = 1;
		check(fails(link_create(&attr), EINVAL));
	}
	check_eq(count_files(NAME), 0);

	attr = link_attr(prog, cgroup_fd, NAME);
	((char *)&attr)[end - 1] = 1;
	check(link_create(&attr) >= 0);
	return KSFT_PASS;
}

static const struct subtree_test tests[] = {
	T(test_present_in_whole_subtree),
	T(test_present_in_whole_hierarchy),
	T(test_gone_after_last_close),
	T(test_gone_after_detach),
	T(test_gone_after_unpin),
	T(test_gone_with_root_cgroup),
	T(test_seen_after_vain_lookup),
	T(test_listed),
	T(test_born_with_file),
	T(test_mkdir_rmdir_many_times),
	T(test_nodes_are_freed),
	T(test_limits_unaffected),
	T(test_contents),
	T(test_write_refused),
	T(test_two_names),
	T(test_nested_roots),
	T(test_name_taken),
	T(test_name_characters),
	T(test_name_length),
	T(test_name_pointer),
	T(test_default_name),
	T(test_links_per_cgroup),
	T(test_reserved_names),
	T(test_reserved_names_v1),
	T(test_mode),
	T(test_mode_refused),
	T(test_mode_obeyed),
	T(test_chmod_chown),
	T(test_owner_is_parents),
	T(test_owner_in_link_root),
	T(test_owner_chown_not_followed),
	T(test_owner_in_setgid_directory),
	T(test_owner_after_users_mkdir),
	T(test_owner_after_users_attach),
	T(test_threaded),
	T(test_kill_populated),
	T(test_read_frozen),
	T(test_detach_under_frozen_reader),
	T(test_open_across_rmdir),
	T(test_open_across_detach),
	T(test_open_keeps_nothing),
	T(test_poll_until_read),
	T(test_detach_wakes_up),
	T(test_close_wakes_up),
	T(test_rmdir_wakes_up),
	T(test_rmdir_wakes_up_others),
	T(test_rmdir_inotify),
	T(test_attach_needs_permission),
	T(test_attach_needs_capabilities),
	T(test_attach_in_user_namespace),
	T(test_attach_read_only_mount),
	T(test_cgroup_root_refused),
	T(test_flags_refused),
	T(test_more_fields_refused),
};

static int hold(void)
{
	char c;

	if (attach(hierarchy, "hold") < 0) {
		perror("attaching to the root of the hierarchy");
		return KSFT_FAIL;
	}
	puts("held");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return KSFT_PASS;
}

int main(int argc, char **argv)
{
	bool is_holder = argc > 1 && !strcmp(argv[1], "--hold");

	if (!is_holder)
		ksft_print_header();
	set_up_tests();
	if (is_holder)
		return hold();
	run_tests(tests, ARRAY_SIZE(tests), run_test, argv + 1);
}
