// SPDX-License-Identifier: GPL-2.0
/*
 * A cgroup_stat link with BPF_F_CGROUP_STAT_LAZY creates a cgroup's file when its name is
 * first looked up there. These tests check when that happens, by which system calls, and
 * that in all else the files are the same as those that a link creates at once.
 *
 * Many functions of the harness look up names: access(2) in has_file() and stat(2) in
 * owned_by() create files. The walk of count_files() doesn't, since it only looks up names
 * that it has found in a directory. Lazy links in cgroup v1, and such for every hierarchy,
 * are tested in test_subtree_hierarchies.c.
 *
 * test_subtree_lazy TEST... runs only these, for example test_rmdir.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/bpf.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "kselftest.h"
#include "cgroup_util.h"
#include "subtree_util.h"

#define LAZY		BPF_F_CGROUP_STAT_LAZY
#define ALL		BPF_F_CGROUP_STAT_ALL
#define FROM		"from"		/* cgroup that is renamed to a file's name */
#define NR_LINKS	16
#define ROUNDS		200

/*
 * Links and files
 */

static int attach_lazy_prog(int prog_fd, const char *cgroup, const char *name)
{
	int link = attach_with_flags(prog_fd, cgroup, name, LAZY);

	check(link >= 0);
	return link;
}

static int attach_lazy(const char *cgroup, const char *name)
{
	return attach_lazy_prog(prog, cgroup, name);
}

/* Returns nr_files of the link, or -1 if directories list more or fewer files. */
static int files_of(int link, const char *name)
{
	return agreed(link, count_files(name));
}

/* Is it in the list of a cgroup without children? */
static bool lists(const char *cgroup, const char *name)
{
	return count_files_below(cgroup, name) == 1;
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	check(!stat(path, &st));
	return st.st_ino;
}

static void drop_dentries(void)
{
	check_eq(write_text("/proc/sys/vm/drop_caches", "2", 1), 1);
}

static int do_read(void *path)
{
	char buf[8];

	return read_text(path, buf, sizeof(buf)) < 0 ? -1 : 0;
}

/*
 * System calls that look up a name. What they return if it is there, and if not.
 */

static int closed(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd;
}

static int by_open(const char *path)
{
	return closed(open(path, O_RDONLY));
}

static int by_open_path(const char *path)
{
	return closed(open(path, O_PATH));
}

static int by_open_creat(const char *path)
{
	return closed(open(path, O_RDONLY | O_CREAT, 0644));
}

static int by_openat2(const char *path)
{
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS };

	return closed(syscall(__NR_openat2, AT_FDCWD, path, &how, sizeof(how)));
}

static int by_stat(const char *path)
{
	struct stat st;

	return stat(path, &st);
}

static int by_access(const char *path)
{
	return access(path, F_OK);
}

static int by_mkdir(const char *path)
{
	return mkdir(path, 0755);
}

static int by_symlink(const char *path)
{
	return symlink("x", path);
}

static int by_unlink(const char *path)
{
	return unlink(path);
}

/* There is a cgroup of the name FROM in the same directory. */
static int by_rename(const char *path)
{
	char from[PATH_MAX];

	snprintf(from, sizeof(from), "%.*s/" FROM, (int)(strrchr(path, '/') - path), path);
	return rename(from, path);
}

static int by_inotify(const char *path)
{
	int fd = inotify_init1(IN_CLOEXEC), ret;

	check(fd >= 0);
	ret = inotify_add_watch(fd, path, IN_MODIFY);
	close(fd);
	return ret;
}

union handle {
	struct file_handle handle;
	char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

static int get_handle(const char *path, union handle *handle)
{
	int mount_id;

	memset(handle, 0, sizeof(*handle));
	handle->handle.handle_bytes = MAX_HANDLE_SZ;
	return name_to_handle_at(AT_FDCWD, path, &handle->handle, &mount_id, 0);
}

static int by_handle(const char *path)
{
	union handle handle;

	return get_handle(path, &handle);
}

static const struct way {
	const char *name;
	int (*look_up)(const char *path);
	int missing;	/* errno if there is no file */
	int found;	/* errno if there is one; 0: success */
} ways[] = {
	{ "open", by_open, ENOENT },
	{ "open with O_PATH", by_open_path, ENOENT },
	{ "open with O_CREAT", by_open_creat, EACCES },
	{ "openat2", by_openat2, ENOENT },
	{ "stat", by_stat, ENOENT },
	{ "access", by_access, ENOENT },
	{ "mkdir", by_mkdir, EINVAL, EEXIST },
	{ "symlink", by_symlink, EPERM, EEXIST },
	{ "unlink", by_unlink, ENOENT, EPERM },
	{ "rename", by_rename, EPERM, ENOTDIR },
	{ "inotify_add_watch", by_inotify, ENOENT },
	{ "name_to_handle_at", by_handle, ENOENT },
};

static bool returns(const struct way *way, const char *path, int err)
{
	int ret = way->look_up(path);

	if (err ? fails(ret, err) : ret >= 0)
		return true;
	ksft_print_msg("%s returned %d\n", way->name, ret);
	return false;
}

static bool finds(const struct way *way, const char *path)
{
	return returns(way, path, way->found);
}

static bool misses(const struct way *way, const char *path)
{
	return returns(way, path, way->missing);
}

/*
 * When files are created
 */

/* Attaching creates no file, the first lookup creates one, and others use that. */
static int test_created_by_first_lookup(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b"), *c = new_cgroup(b, "c");
	int letter = load_letter('x'), link;
	long nodes = settled_nodes();

	if (nodes < 0) {
		ksft_perror("no count of kernfs nodes, CONFIG_SLUB_DEBUG");
		return KSFT_SKIP;
	}
	link = attach_lazy_prog(letter, top, NAME);
	check_eq(files_of(link, NAME), 0);
	check_eq(count_nodes(), nodes);

	check(reads(b, NAME, "x\n"));
	check_eq(files_of(link, NAME), 1);
	check_eq(count_nodes(), nodes + 1);
	check(reads(b, NAME, "x\n"));
	check_eq(files_of(link, NAME), 1);
	check_eq(count_nodes(), nodes + 1);

	check(reads(c, NAME, "x\n") && reads(top, NAME, "x\n"));
	check_eq(files_of(link, NAME), 3);
	check_eq(count_nodes(), nodes + 3);

	check(!close(link));
	check_eq(count_files(NAME), 0);
	check(!has_file(b, NAME) && !has_file(c, NAME) && !has_file(top, NAME));
	check(nodes_went(nodes));
	return KSFT_PASS;
}

/* A file is created by each system call that looks up its name, and found by the next. */
static int test_created_by_each_way(const char *top)
{
	char *a = new_cgroup(top, "a"), *file = stat_file(a, NAME);
	int i, link;

	new_cgroup(a, FROM);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		link = attach_lazy(top, NAME);
		check_eq(nr_files(link), 0);
		check(finds(&ways[i], file));
		check_eq(files_of(link, NAME), 1);
		check(finds(&ways[i], file));
		check_eq(files_of(link, NAME), 1);
		check(!close(link));
		check(misses(&ways[i], file));
	}
	return KSFT_PASS;
}

/* A file whose dentry was freed is found again, not created again. */
static int test_found_without_dentry(const char *top)
{
	char *a = new_cgroup(top, "a");
	int link = attach_lazy_prog(load_letter('x'), top, NAME);
	ino_t ino;

	check(reads(a, NAME, "x\n"));
	ino = inode_of(stat_file(a, NAME));
	drop_dentries();
	check_eq(files_of(link, NAME), 1);
	drop_dentries();
	check(reads(a, NAME, "x\n"));
	check_eq(inode_of(stat_file(a, NAME)), ino);
	check_eq(files_of(link, NAME), 1);
	return KSFT_PASS;
}

/* New cgroups can have the file, and mkdir(2) creates none. */
static int test_new_cgroups(const char *top)
{
	int link = attach_lazy_prog(load_letter('x'), top, NAME), depth;
	const char *path[8] = { top };

	for (depth = 1; depth < ARRAY_SIZE(path); depth++)
		path[depth] = new_cgroup(path[depth - 1], "deeper");
	check_eq(files_of(link, NAME), 0);
	check(reads(path[7], NAME, "x\n"));
	check_eq(files_of(link, NAME), 1);
	check(reads(path[4], NAME, "x\n"));
	check_eq(files_of(link, NAME), 2);
	check(lists(path[7], NAME) && lists(path[5], NAME));
	while (--depth)
		check(!rmdir(path[depth]));
	check_eq(files_of(link, NAME), 0);
	return KSFT_PASS;
}

/* Create cgroups and remove them. Returns how many kernfs nodes they had. */
static long nodes_of_cgroups(const char *top, int nr)
{
	long before = settled_nodes(), nodes;
	int i;

	for (i = 0; i < nr; i++)
		check(!cg_create(cg_name_indexed(top, "many", i)));
	nodes = count_nodes() - before;
	for (i = 0; i < nr; i++)
		check(!rmdir(cg_name_indexed(top, "many", i)));
	check(nodes_went(before));
	return nodes;
}

/* Without lookups, cgroups take as many kernfs nodes as without lazy links. */
static int test_mkdir_creates_no_nodes(const char *top)
{
	int links[NR_LINKS], i;
	long nodes;

	if (count_nodes() < 0) {
		ksft_perror("no count of kernfs nodes, CONFIG_SLUB_DEBUG");
		return KSFT_SKIP;
	}
	nodes = nodes_of_cgroups(top, 10);
	check(nodes > 10);
	for (i = 0; i < NR_LINKS; i++)
		links[i] = attach_lazy(top, link_name(i));
	check_eq(nodes_of_cgroups(top, 1000), 100 * nodes);
	for (i = 0; i < NR_LINKS; i++)
		check_eq(nr_files(links[i]), 0);
	return KSFT_PASS;
}

/* Only names of lazy links are created, and only below the roots of the links. */
static int test_other_names(const char *top)
{
	static const char * const others[] = {
		STAT_PREFIX, STAT_PREFIX "x" NAME, STAT_PREFIX NAME "x", STAT_PREFIX NAME ".",
		STAT_PREFIX STAT_PREFIX NAME, "bpf.stat", "bpf.stat" NAME, "BPF.STAT." NAME, NAME,
	};
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b");
	int link = attach_lazy(a, NAME), all = count_all_files(), i;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		check(fails(by_open(cg_name(b, others[i])), ENOENT));
	check(fails(mkdir(cg_name(b, STAT_PREFIX "other"), 0755), EINVAL));
	check(!has_file(top, NAME) && !has_file(hierarchy, NAME));
	check(!has_file(new_cgroup(top, "sibling"), NAME));
	check_eq(count_all_files(), all);
	check_eq(files_of(link, NAME), 0);
	check(has_file(b, NAME) && has_file(a, NAME));
	check_eq(files_of(link, NAME), 2);
	return KSFT_PASS;
}

/* Links with nested subtrees, lazy or not, are independent. */
static int test_several_links(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b");
	int outer = attach_lazy_prog(load_letter('o'), top, "outer");
	int inner = attach_lazy_prog(load_letter('i'), a, "inner");
	int eager = attach_prog(load_letter('e'), top, "eager");

	check_eq(files_of(eager, "eager"), 3);
	check(reads(b, "inner", "i\n") && reads(b, "outer", "o\n") && reads(b, "eager", "e\n"));
	check(reads(a, "outer", "o\n") && !has_file(top, "inner"));
	check_eq(files_of(outer, "outer"), 2);
	check_eq(files_of(inner, "inner"), 1);
	check_eq(files_of(eager, "eager"), 3);

	check(!close(outer));
	check_eq(count_files("outer"), 0);
	check(reads(b, "inner", "i\n") && reads(b, "eager", "e\n") && !has_file(b, "outer"));
	check(!close(eager));
	check_eq(count_files("eager"), 0);
	check(reads(a, "inner", "i\n"));
	check_eq(files_of(inner, "inner"), 2);
	return KSFT_PASS;
}

/*
 * Listing and patterns
 */

/* Does the command, run in the cgroup's directory, succeed and output exactly this? */
static bool prints(const char *cgroup, const char *command, const char *text)
{
	char buf[1024], *line;
	FILE *output;
	size_t len;

	check(asprintf(&line, "cd '%s' && %s", cgroup, command) > 0);
	output = popen(line, "r");
	check(output);
	len = fread(buf, 1, sizeof(buf) - 1, output);
	buf[len] = '\0';
	if (!pclose(output) && !strcmp(buf, text))
		return true;
	ksft_print_msg("%s: '%s'\n", command, buf);
	errno = 0;
	return false;
}

/* A directory lists the files that were created. To list it creates none. */
static int test_listing_creates_nothing(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(top, "b");
	int link = attach_lazy(top, NAME);

	check(prints(top, "find . -name 'bpf.stat.*'", ""));
	check(prints(top, "ls -lR . | grep -c bpf.stat || :", "0\n"));
	check(prints(top, "echo */bpf.stat.*", "*/bpf.stat.*\n"));
	check_eq(files_of(link, NAME), 0);

	check(has_file(a, NAME));
	check(lists(a, NAME) && !lists(b, NAME));
	check(prints(top, "find . -name 'bpf.stat.*'", "./a/" STAT_PREFIX NAME "\n"));
	check(prints(top, "ls -lR . | grep -c bpf.stat", "1\n"));
	check(prints(top, "echo */bpf.stat.*", "a/" STAT_PREFIX NAME "\n"));
	check_eq(files_of(link, NAME), 1);
	return KSFT_PASS;
}

/* Patterns match files that don't exist yet, if their last component is the name. */
static int test_shell(const char *top)
{
	int link = attach_lazy_prog(load_letter('x'), top, NAME), other;

	new_cgroup(top, "a");
	new_cgroup(new_cgroup(top, "b"), "c");
	check(prints(top, "cat */" STAT_PREFIX NAME, "x\nx\n"));
	check_eq(files_of(link, NAME), 2);

	other = attach_lazy_prog(load_letter('y'), top, "other");
	check(prints(top, "grep . */" STAT_PREFIX "other",
		     "a/" STAT_PREFIX "other:y\nb/" STAT_PREFIX "other:y\n"));
	check_eq(files_of(other, "other"), 2);
	check(prints(top, "cat */*/" STAT_PREFIX "other", "y\n"));
	check_eq(files_of(other, "other"), 3);
	check_eq(files_of(link, NAME), 2);
	return KSFT_PASS;
}

static int test_glob(const char *top)
{
	int link = attach_lazy(top, NAME);
	glob_t found;

	new_cgroup(top, "a");
	new_cgroup(top, "b");
	check_eq(glob(stat_file(cg_name(top, "*"), "*"), 0, NULL, &found), GLOB_NOMATCH);
	check_eq(files_of(link, NAME), 0);
	check(!glob(stat_file(cg_name(top, "*"), NAME), 0, NULL, &found));
	check_eq(found.gl_pathc, 2);
	check_eq(files_of(link, NAME), 2);
	return KSFT_PASS;
}

static int test_python(const char *top)
{
	char *a = new_cgroup(top, "a");
	int link, other;

	if (system("command -v python3 >/dev/null")) {
		ksft_print_msg("no python3, whose glob and pathlib are tested\n");
		return KSFT_SKIP;
	}
	new_cgroup(top, "b");
	link = attach_lazy(top, NAME);
	other = attach_lazy(top, "other");
	check(prints(top, "python3 -c 'import glob; print(len(glob.glob(\"*/"
		     STAT_PREFIX NAME "\")))'", "2\n"));
	check_eq(files_of(link, NAME), 2);
	check(prints(top, "python3 -c 'import pathlib; print(len(list(pathlib.Path().glob(\"*/"
		     STAT_PREFIX "other\"))))'", "2\n"));
	check_eq(files_of(other, "other"), 2);
	check(lists(a, NAME) && lists(a, "other"));
	return KSFT_PASS;
}

/*
 * Names that were looked up in vain
 */

/*
 * A name that was looked up in vain is found as soon as there is a link, and no more when
 * it is gone, whichever system calls are used.
 */
static int test_found_after_vain_lookup(const char *top)
{
	char *a = new_cgroup(top, "a"), *file = stat_file(a, NAME);
	int round, before, after, link, letter = load_letter('x');

	new_cgroup(a, FROM);
	for (round = 0; round < 7; round++) {
		for (before = 0; before < ARRAY_SIZE(ways); before++) {
			for (after = 0; after < ARRAY_SIZE(ways); after++) {
				check(misses(&ways[before], file));
				link = attach_lazy_prog(letter, round % 2 ? a : top, NAME);
				check(finds(&ways[after], file));
				check_eq(nr_files(link), 1);
				check(reads(a, NAME, "x\n"));
				check(!close(link));
				check(misses(&ways[before], file));
			}
		}
	}
	return KSFT_PASS;
}

struct lookup {
	const struct way *way;
	const char *path;
};

static int do_miss(void *arg)
{
	const struct lookup *lookup = arg;

	return !misses(lookup->way, lookup->path);
}

/* The same if others looked it up: another process, a user, and through another mount. */
static int test_found_after_vain_lookup_by_others(const char *top)
{
	char *a = new_cgroup(top, "a"), *file = stat_file(a, NAME);
	struct lookup lookup = { .path = stat_file(MNT "/a", NAME) };
	int i, link;

	new_cgroup(a, FROM);
	check(!mount_privately(top, NULL, MS_BIND, NULL));
	for (i = 0; i < 4 * ARRAY_SIZE(ways); i++) {
		lookup.way = &ways[i % ARRAY_SIZE(ways)];
		check_eq(in_child(do_miss, &lookup), 0);
		check_eq(as_user(0, do_open, file), ENOENT);
		if (i % 4 == 1)
			drop_dentries();
		link = attach_lazy(top, NAME);
		if (i % 4 == 2)
			drop_dentries();
		if (i % 2)
			check_eq(as_user(0, do_open, file), 0);
		check(finds(lookup.way, lookup.path));
		check(finds(lookup.way, file));
		check_eq(nr_files(link), 1);
		check(!link_detach(link));
		if (i % 4 == 3)
			drop_dentries();
		check_eq(as_user(0, do_open, file), ENOENT);
		check_eq(in_child(do_miss, &lookup), 0);
		check(misses(lookup.way, file));
		check(!close(link));
	}
	return KSFT_PASS;
}

/* A lookup in vain doesn't hide the file of a link that isn't lazy, and vice versa. */
static int test_found_after_other_kind(const char *top)
{
	char *a = new_cgroup(top, "a");
	int i, link;

	for (i = 0; i < 10; i++) {
		check(!has_file(a, NAME));
		link = attach_with_flags(prog, top, NAME, i % 2 ? LAZY : 0);
		check(has_file(a, NAME));
		check_eq(files_of(link, NAME), i % 2 ? 1 : 2);
		check(!close(link));
	}
	return KSFT_PASS;
}

/* A file can be opened by its handle until it is removed. */
static int test_file_handle(const char *top)
{
	char *a = new_cgroup(top, "a"), *file = stat_file(a, NAME), c;
	int link = attach_lazy_prog(load_letter('x'), top, NAME), dir = open(top, O_RDONLY), fd;
	union handle handle;

	check(dir >= 0);
	check(!get_handle(file, &handle));
	check_eq(files_of(link, NAME), 1);
	fd = open_by_handle_at(dir, &handle.handle, O_RDONLY);
	check(fd >= 0);
	check(read(fd, &c, 1) == 1 && c == 'x');
	drop_dentries();
	check(closed(open_by_handle_at(dir, &handle.handle, O_RDONLY)) >= 0);

	check(!link_detach(link));
	check(fails(open_by_handle_at(dir, &handle.handle, O_RDONLY), ESTALE));
	attach_lazy(top, NAME);
	check(has_file(a, NAME));
	check(fails(open_by_handle_at(dir, &handle.handle, O_RDONLY), ESTALE));
	return KSFT_PASS;
}

/*
 * Modes and owners
 */

static int attach_lazy_mode(const char *cgroup, __u32 mode)
{
	union bpf_attr attr = link_attr(prog, open_cgroup(cgroup), NAME);
	int link;

	attr.link_create.flags = LAZY;
	attr.link_create.stat_mode = mode;
	link = link_create(&attr);
	check(link >= 0);
	return link;
}

static int test_mode(const char *top)
{
	static const __u32 modes[] = { 0, 0400, 0004, 0444, 0200, 0222, 0600, 0644, 0666 };
	char *a = new_cgroup(top, "a");
	int i, link;

	check(!chmod(a, 02777));
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		link = attach_lazy_mode(top, modes[i]);
		check_eq(mode_of(stat_file(a, NAME)), S_IFREG | (modes[i] ?: 0444));
		check(!close(link));
	}
	return KSFT_PASS;
}

/* The owner is that of the parent's directory at the time of the first lookup. */
static int test_owner(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b"), *c = new_cgroup(b, "c");

	attach_lazy(top, NAME);
	check(!chown(a, 1, 2) && !chown(b, 3, 4) && !chown(c, 5, 6));
	check(owned_by(stat_file(a, NAME), 0, 0));
	check(owned_by(stat_file(b, NAME), 1, 2));
	check(!chown(a, 7, 8) && !chown(b, 9, 10));
	check(owned_by(stat_file(b, NAME), 1, 2));
	check(owned_by(stat_file(c, NAME), 9, 10));
	check(owned_by(stat_file(new_cgroup(a, "new"), NAME), 7, 8));
	return KSFT_PASS;
}

/* This is so in the root of a link, too. */
static int test_owner_in_link_root(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b");

	check(!chown(a, 1, 2) && !chown(b, 3, 4));
	attach_lazy(b, NAME);
	check(owned_by(stat_file(b, NAME), 1, 2));
	return KSFT_PASS;
}

/* The setgid bit of a directory has no effect on the group of the file. */
static int test_owner_in_setgid_directory(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b");

	check(!chown(a, 1, 2) && !chown(b, 3, 4) && !chmod(b, 02755));
	attach_lazy(top, NAME);
	check(owned_by(stat_file(b, NAME), 1, 2));
	check_eq(mode_of(stat_file(b, NAME)), S_IFREG | 0444);
	return KSFT_PASS;
}

/* Users who may read the file can create it. It doesn't belong to them. */
static int test_created_by_user(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b"), *file = stat_file(b, NAME);
	int link = attach_lazy_prog(load_letter('x'), top, NAME);

	check(!chown(a, 1, 2));
	check_eq(as_user(0, do_read, file), 0);
	check_eq(files_of(link, NAME), 1);
	check(owned_by(file, 1, 2));
	check(reads(b, NAME, "x\n"));
	check(!close(link));

	/* whoever may not search the directory can't look up anything there */
	link = attach_lazy(top, NAME);
	check(!chmod(b, 0700));
	check_eq(as_user(0, do_open, file), EACCES);
	check_eq(files_of(link, NAME), 0);
	check(!chmod(b, 0755) && !close(link));

	/* a user who may not open the file creates it nevertheless */
	link = attach_lazy_mode(top, 0400);
	check_eq(as_user(0, do_open, file), EACCES);
	check_eq(files_of(link, NAME), 1);
	return KSFT_PASS;
}

/* What the redirection "echo 1 >file" does. */
static int do_redirect(void *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	return fd < 0 || write(fd, "1\n", 2) != 2 ? -1 : 0;
}

/* The first use can be a redirection, also by those who can't create files there. */
static int test_created_by_redirection(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b"), *file = stat_file(b, NAME);
	int link = attach_lazy_mode(top, 0644);

	check_eq(as_user(0, do_redirect, file), EACCES);
	check(!close(link));

	check(!chown(a, TEST_UID, TEST_UID));
	check_eq(as_user(0, do_redirect, file), EACCES);
	link = attach_lazy_mode(top, 0644);
	check_eq(as_user(0, do_redirect, file), 0);
	check_eq(files_of(link, NAME), 1);
	check(owned_by(file, TEST_UID, TEST_UID));

	/* this file belongs to root, since the parent does */
	check_eq(as_user(0, do_redirect, stat_file(a, NAME)), EACCES);
	check(prints(a, "echo 1 >" STAT_PREFIX NAME, ""));
	return KSFT_PASS;
}

/*
 * Mounts and namespaces
 */

/* Files are created through read-only mounts, as lookups in other file systems work. */
static int test_read_only_mount(const char *top)
{
	char *a = new_cgroup(top, "a");
	int link;

	check(!mount_privately(top, NULL, MS_BIND, NULL));
	check(!mount(NULL, MNT, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	check(fails(attach_with_flags(prog, MNT, NAME, LAZY), EROFS));
	link = attach_lazy_prog(load_letter('x'), top, NAME);
	check(reads(MNT "/a", NAME, "x\n"));
	check_eq(files_of(link, NAME), 1);
	check(reads(a, NAME, "x\n"));
	check_eq(files_of(link, NAME), 1);
	return KSFT_PASS;
}

/* As in a container: the cgroup is the root of a mount in namespaces of its own. */
static int create_in_namespaces(const char *cgroup, void *unused)
{
	int flags = CLONE_NEWCGROUP | (access("/proc/self/ns/user", F_OK) ? 0 : CLONE_NEWUSER);
	char *inside = stat_file(MNT, NAME), *outside = stat_file(cgroup, NAME);

	check(!unshare(flags));
	check(!mount_privately("none", "cgroup2", 0, NULL));
	check(!access(MNT "/child", F_OK));
	check(reads(MNT, NAME, "x\n") && reads(MNT "/child", NAME, "x\n"));
	check_eq(inode_of(inside), inode_of(outside));
	return KSFT_PASS;
}

static int test_namespaces(const char *top)
{
	char *a = new_cgroup(top, "a");
	int link = attach_lazy_prog(load_letter('x'), top, NAME);

	new_cgroup(a, "child");
	check_eq(cg_run(a, create_in_namespaces, NULL), KSFT_PASS);
	check_eq(files_of(link, NAME), 2);
	check(reads(a, NAME, "x\n"));
	check_eq(files_of(link, NAME), 2);
	return KSFT_PASS;
}

static int test_threaded(const char *top)
{
	char *domain = new_cgroup(top, "domain"), *t = new_cgroup(domain, "t");
	int link = attach_lazy_prog(load_letter('x'), top, NAME);

	check(!cg_write(t, "cgroup.type", "threaded"));
	check(reads(t, NAME, "x\n") && reads(domain, NAME, "x\n"));
	check_eq(files_of(link, NAME), 2);
	return KSFT_PASS;
}

/*
 * When files go
 */

/* A lookup in the directory of a removed cgroup creates nothing. */
static int test_removed_directory(const char *top)
{
	char *a = new_cgroup(top, "a");
	int link = attach_lazy(top, NAME), dir = open_cgroup(a);

	check(!rmdir(a));
	check(fails(openat(dir, STAT_PREFIX NAME, O_RDONLY), ENOENT));
	check(fails(faccessat(dir, STAT_PREFIX NAME, F_OK, 0), ENOENT));
	check(has_file(new_cgroup(top, "a"), NAME));
	check(fails(openat(dir, STAT_PREFIX NAME, O_RDONLY), ENOENT));
	check_eq(files_of(link, NAME), 1);
	return KSFT_PASS;
}

/* A cgroup that is removed takes its files along. A new one of the same name has none. */
static int test_rmdir(const char *top)
{
	char *a = new_cgroup(top, "a"), buf[8];
	int link = attach_lazy(top, NAME), other = attach_lazy(top, "other"), fd;

	check(has_file(top, NAME) && has_file(a, "other"));
	fd = open_file(a, NAME);
	check_eq(files_of(link, NAME), 2);
	check(!rmdir(a));
	check_eq(files_of(link, NAME), 1);
	check_eq(files_of(other, "other"), 0);
	check(fails(read(fd, buf, sizeof(buf)), ENODEV));

	new_cgroup(top, "a");
	check_eq(files_of(link, NAME), 1);
	check(fails(read(fd, buf, sizeof(buf)), ENODEV));
	check(has_file(a, NAME));
	check_eq(files_of(link, NAME), 2);
	return KSFT_PASS;
}

static int test_rmdir_many_times(const char *top)
{
	char *a = cg_name(top, "a"), *b = cg_name(a, "b");
	int link = attach_lazy(top, NAME), i;

	for (i = 0; i < 500; i++) {
		check(!mkdir(a, 0755) && !mkdir(b, 0755));
		check(!(i & 1) || has_file(a, NAME));
		check(!(i & 2) || has_file(b, NAME));
		check_eq(nr_files(link), !!(i & 1) + !!(i & 2));
		check(!rmdir(b));
		check_eq(nr_files(link), i & 1);
		check(!rmdir(a));
		check_eq(nr_files(link), 0);
	}
	return KSFT_PASS;
}

/* The root of a link can be removed, whether it has the file or not. */
static int test_root_removed(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = cg_name(a, "b");
	int with = attach_lazy(a, "with"), without = attach_lazy(a, "without"), fd, again;
	char buf[8];

	new_cgroup(a, "b");
	check(has_file(b, "with"));
	fd = open_file(a, "with");
	check_eq(files_of(with, "with"), 2);
	check(!rmdir(b) && !rmdir(a));
	check(is_gone(with) && is_gone(without));
	check_eq(count_files("with"), 0);
	check(fails(read(fd, buf, sizeof(buf)), ENODEV));

	new_cgroup(top, "a");
	check(!has_file(a, "with") && !has_file(a, "without"));
	again = attach_lazy(top, "with");
	check(has_file(a, "with"));
	check(!link_detach(with) && !close(with));
	check_eq(files_of(again, "with"), 1);
	return KSFT_PASS;
}

/* When detach or close(2) return, all files are gone, and none is created any more. */
static int test_detach(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b"), *c = new_cgroup(b, "c"), buf[8];
	int other = attach_lazy(top, "other"), link, in_a, in_c, i;

	check(has_file(b, "other") && has_file(c, "other"));
	for (i = 0; i < 4; i++) {
		link = attach_lazy_prog(load_letter('x'), i % 2 ? top : a, NAME);
		in_a = open_file(a, NAME);
		in_c = open_file(c, NAME);
		check_eq(read(in_a, buf, sizeof(buf)), 2);
		check_eq(files_of(link, NAME), 2);

		check(i < 2 ? !link_detach(link) : !close(link));
		check_eq(count_files(NAME), 0);
		check(fails(pread(in_a, buf, sizeof(buf), 0), ENODEV));
		check(fails(read(in_c, buf, sizeof(buf)), ENODEV));
		check(!has_file(a, NAME) && !has_file(b, NAME) && !has_file(top, NAME));
		check(i >= 2 || is_gone(link));
		check_eq(files_of(other, "other"), 2);
	}
	return KSFT_PASS;
}

/* The last close(2) of several fds counts. */
static int test_last_close(const char *top)
{
	int link = attach_lazy(top, NAME), copy = dup(link);

	check(copy >= 0);
	check(has_file(top, NAME));
	check(!close(link));
	check(has_file(new_cgroup(top, "a"), NAME));
	check_eq(files_of(copy, NAME), 2);
	check(!close(copy));
	check_eq(count_files(NAME), 0);
	return KSFT_PASS;
}

/* An update replaces the program of files that exist, and of those to come. */
static int test_update(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(top, "b"), c;
	int link = attach_lazy_prog(load_letter('x'), top, NAME), letter_y = load_letter('y'), fd;

	fd = open_file(a, NAME);
	check(pread(fd, &c, 1, 0) == 1 && c == 'x');
	check(!link_update(link, letter_y, -1));
	check_eq(files_of(link, NAME), 1);
	check(pread(fd, &c, 1, 0) == 1 && c == 'y');
	check(reads(a, NAME, "y\n") && reads(b, NAME, "y\n"));
	check(fails(link_update(link, prog, prog), EPERM));
	check(!link_update(link, load_letter('z'), letter_y));
	check(reads(b, NAME, "z\n") && reads(top, NAME, "z\n"));
	check(!link_detach(link));
	check(fails(link_update(link, prog, -1), ENOLINK));
	return KSFT_PASS;
}

/*
 * Names and limits
 */

static int attach_kind(const char *cgroup, __u32 lazy)
{
	return attach_with_flags(prog, cgroup, NAME, lazy | (cgroup ? 0 : ALL));
}

/* A link to @first keeps one to @second from having its name, until it is detached. */
static void check_collision(const char *first, __u32 first_lazy, const char *second,
			    __u32 second_lazy, const char *create_in)
{
	int link = attach_kind(first, first_lazy), other, nr, files;

	check(link >= 0);
	check(!create_in || has_file(create_in, NAME));
	nr = nr_files(link);
	files = count_all_files();
	check(fails(attach_kind(second, second_lazy), EEXIST));
	check_eq(count_all_files(), files);
	check_eq(nr_files(link), nr);
	check(!close(link));

	other = attach_kind(second, second_lazy);
	check(other >= 0);
	check(!close(other));
}

static int test_name_taken(const char *top)
{
	char *a = new_cgroup(top, "a"), *b = new_cgroup(a, "b"), *sibling = new_cgroup(top, "s");
	const char *roots[4] = { top, a, b, NULL };
	int i, j, link, other;

	for (i = 0; i < ARRAY_SIZE(roots); i++) {
		for (j = 0; j < ARRAY_SIZE(roots); j++) {
			check_collision(roots[i], 0, roots[j], LAZY, NULL);
			check_collision(roots[i], LAZY, roots[j], 0, NULL);
			check_collision(roots[i], LAZY, roots[j], 0, b);
			check_collision(roots[i], LAZY, roots[j], LAZY, NULL);
			check_collision(roots[i], LAZY, roots[j], LAZY, b);
		}
	}

	/* subtrees that don't overlap can have the same name */
	link = attach_lazy(a, NAME);
	other = attach_lazy(sibling, NAME);
	check(has_file(b, NAME) && has_file(a, NAME) && has_file(sibling, NAME));
	check_eq(nr_files(link), 2);
	check_eq(nr_files(other), 1);
	check(!close(link));
	check_eq(files_of(other, NAME), 1);
	check(has_file(sibling, NAME) && !has_file(b, NAME));
	return KSFT_PASS;
}

/* 64 links can be rooted at a cgroup, or be for every one, whether they are lazy or not. */
static void check_limit(const char *cgroup, const char *look_in)
{
	__u32 all = cgroup ? 0 : ALL;
	int links[MAX_LINKS], i;

	for (i = 0; i < MAX_LINKS; i++) {
		links[i] = attach_with_flags(prog, cgroup, link_name(i), all | (i ? LAZY : 0));
		check(links[i] >= 0);
	}
	check(fails(attach_kind(cgroup, LAZY), E2BIG));
	check(fails(attach_kind(cgroup, 0), E2BIG));
	check(!has_file(look_in, NAME));
	for (i = 1; i < MAX_LINKS; i++) {
		check_eq(nr_files(links[i]), 0);
		check(has_file(look_in, link_name(i)));
		check_eq(nr_files(links[i]), 1);
	}
	check(!close(links[0]));
	links[0] = attach_kind(cgroup, LAZY);
	check(links[0] >= 0);
	check(fails(attach_with_flags(prog, cgroup, "more", all), E2BIG));
	while (i--)
		check(!close(links[i]));
}

static int test_limit(const char *top)
{
	char *a = new_cgroup(top, "a");

	check_limit(top, a);
	check_limit(NULL, a);
	return KSFT_PASS;
}

/*
 * Who may attach
 */

static int test_attach_needs_permission(const char *top)
{
	char *a = new_cgroup(top, "a");
	union bpf_attr attr = link_attr(prog, open_cgroup(a), NAME);

	attr.link_create.flags = LAZY;
	check_eq(as_user(BPF_CAPS, do_link_create, &attr), EACCES);
	check_eq(as_user(BPF_CAPS | CAP(CAP_DAC_OVERRIDE), do_link_create, &attr), 0);
	check_eq(as_user(CAP(CAP_BPF) | CAP(CAP_DAC_OVERRIDE), do_link_create, &attr), EPERM);
	check(!chown(a, TEST_UID, -1));
	check_eq(as_user(BPF_CAPS, do_link_create, &attr), 0);
	check_eq(as_user(0, do_link_create, &attr), EPERM);

	attr = link_attr(prog, 0, NAME);
	attr.link_create.flags = ALL | LAZY;
	check_eq(as_user(BPF_CAPS, do_link_create, &attr), EPERM);
	check_eq(as_user(BPF_CAPS | CAP(CAP_SYS_ADMIN), do_link_create, &attr), 0);
	check(!has_file(a, NAME));
	return KSFT_PASS;
}

static int test_attach_refused(const char *top)
{
	char *a = new_cgroup(top, "a");
	int dir = open_cgroup(a);
	union bpf_attr attr = link_attr(prog, dir, NAME);
	__u32 flag;

	for (flag = 1; flag; flag <<= 1) {
		attr.link_create.flags = flag | LAZY;
		if (flag != LAZY)
			check(fails(link_create(&attr), EINVAL));
	}
	attr.link_create.flags = LAZY;
	check(!rmdir(a));
	check(fails(link_create(&attr), ENODEV));
	attr.link_create.cgroup_root = prog;
	check(fails(link_create(&attr), EBADF));
	check(fails(attach_with_flags(prog, top, "a/b", LAZY), EINVAL));
	check(fails(attach_with_flags(prog, top, "", LAZY), EINVAL));
	check(!has_file(top, NAME));
	return KSFT_PASS;
}

/*
 * What the link tells
 */

static int test_info(const char *top)
{
	struct bpf_link_info info;
	struct stat st;
	int link = attach_lazy_mode(top, 0640), eager = attach(top, "eager");

	check(!stat(top, &st));
	info = link_info(link);
	check_eq(info.type, BPF_LINK_TYPE_CGROUP_STAT);
	check_eq(info.cgroup_stat.flags, LAZY);
	check_eq(info.cgroup_stat.mode, 0640);
	check_eq(info.cgroup_stat.cgroup_id, st.st_ino);
	check_eq(info.cgroup_stat.nr_files, 0);
	check_eq(info.cgroup_stat.attached, 1);
	check(fdinfo_has(link, "flags:\t0x2\n") && fdinfo_has(link, "attached:\t1\n"));
	check(fdinfo_has(link, "nr_files:\t0\n"));
	check(has_file(top, NAME));
	check(fdinfo_has(link, "nr_files:\t1\n"));

	check(!link_detach(link));
	check(is_gone(link));
	check_eq(link_info(link).cgroup_stat.flags, LAZY);
	check(fdinfo_has(link, "flags:\t0x2\n") && fdinfo_has(link, "attached:\t0\n"));
	check(fdinfo_has(link, "nr_files:\t0\n") && fdinfo_has(link, "cgroup_id:\t0\n"));

	check_eq(link_info(eager).cgroup_stat.flags, 0);
	check_eq(link_info(eager).cgroup_stat.attached, 1);
	check(fdinfo_has(eager, "flags:\t0x0\n") && fdinfo_has(eager, "attached:\t1\n"));
	return KSFT_PASS;
}

/*
 * Four processes that do nothing but create and remove lazy files, look for them and read
 * their number, for kernels with KASAN or KCSAN.
 */

struct hammer {
	const char *top;
	int link;
};

static void start_hammer(pid_t *pid, int (*fn)(struct hammer *hammer), struct hammer *hammer)
{
	*pid = fork();
	check(*pid >= 0);
	if (!*pid)
		_exit(fn(hammer));
}

static int create_and_rmdir(struct hammer *hammer)
{
	const char *cgroup = cg_name(hammer->top, "hammer");
	int round;

	for (round = 0; round < ROUNDS; round++) {
		if (mkdir(cgroup, 0755) || !has_file(cgroup, NAME) || rmdir(cgroup))
			return KSFT_FAIL;
	}
	return KSFT_PASS;
}

static int attach_and_detach(struct hammer *hammer)
{
	int round;

	for (round = 0; round < ROUNDS; round++) {
		if (close(attach_lazy(hammer->top, "second")))
			return KSFT_FAIL;
	}
	return KSFT_PASS;
}

static int look_up_forever(struct hammer *hammer)
{
	while (has_file(hammer->top, NAME)) {
		has_file(hammer->top, "second");
		has_file(hammer->top, "third");	/* searched for in the whole list */
	}
	return KSFT_FAIL;
}

static int count_forever(struct hammer *hammer)
{
	while (nr_files(hammer->link) <= 2)
		;
	return KSFT_FAIL;
}

static int test_hammer(const char *top)
{
	struct hammer hammer = { top, attach_lazy(top, NAME) };
	pid_t creator, attacher, looker, counter;

	start_hammer(&looker, look_up_forever, &hammer);
	start_hammer(&counter, count_forever, &hammer);
	start_hammer(&creator, create_and_rmdir, &hammer);
	start_hammer(&attacher, attach_and_detach, &hammer);
	check_eq(exit_status(creator), KSFT_PASS);
	check_eq(exit_status(attacher), KSFT_PASS);
	check(!kill(looker, SIGKILL) && !kill(counter, SIGKILL));
	check_eq(exit_status(looker), -1);
	check_eq(exit_status(counter), -1);

	check_eq(files_of(hammer.link, NAME), 1);
	return KSFT_PASS;
}

static const struct subtree_test tests[] = {
	T(test_created_by_first_lookup),
	T(test_created_by_each_way),
	T(test_found_without_dentry),
	T(test_new_cgroups),
	T(test_mkdir_creates_no_nodes),
	T(test_other_names),
	T(test_several_links),
	T(test_listing_creates_nothing),
	T(test_shell),
	T(test_glob),
	T(test_python),
	T(test_found_after_vain_lookup),
	T(test_found_after_vain_lookup_by_others),
	T(test_found_after_other_kind),
	T(test_file_handle),
	T(test_mode),
	T(test_owner),
	T(test_owner_in_link_root),
	T(test_owner_in_setgid_directory),
	T(test_created_by_user),
	T(test_created_by_redirection),
	T(test_read_only_mount),
	T(test_namespaces),
	T(test_threaded),
	T(test_removed_directory),
	T(test_rmdir),
	T(test_rmdir_many_times),
	T(test_root_removed),
	T(test_detach),
	T(test_last_close),
	T(test_update),
	T(test_name_taken),
	T(test_limit),
	T(test_attach_needs_permission),
	T(test_attach_refused),
	T(test_info),
	T(test_hammer),
};

int main(int argc, char **argv)
{
	ksft_print_header();
	set_up_tests();
	run_tests(tests, ARRAY_SIZE(tests), run_test, argv + 1);
}
