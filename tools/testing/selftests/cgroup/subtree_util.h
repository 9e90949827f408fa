/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of the files of cgroup_stat links. run_test() runs each test in a process
 * and a cgroup of its own, with a time limit. A test exits at the first check that
 * fails, and needs no clean-up: what it has opened, allocated or mounted (in a private
 * mount namespace) goes away with the process. run_test() removes the cgroups, and
 * checks that no file was left behind.
 */
#ifndef SUBTREE_UTIL_H
#define SUBTREE_UTIL_H

#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "bpf_stat_util.h"

#define NAME		"kselftest"
#define MAX_LINKS	64	/* rooted at one cgroup */
#define MNT		"/mnt"	/* mounted over in private namespaces only */

#define CAP(cap)	(1ULL << (cap))
#define BPF_CAPS	(CAP(CAP_BPF) | CAP(CAP_PERFMON))

#define SETUP_FAILED	255	/* exit status, not an errno */

extern char hierarchy[PATH_MAX];	/* where cgroup2 is mounted */
extern int prog;			/* a program that outputs nothing */

void check_that(bool ok, const char *what, const char *test, int line);
void check_equal(long got, long want, const char *what, const char *test, int line);

#define check(cond)		check_that(cond, #cond, __func__, __LINE__)
#define check_eq(got, want)	check_equal(got, want, #got, __func__, __LINE__)

/* Did a system call fail with this errno? */
bool fails(long ret, int err);

/* Load a program that outputs nothing. */
int load_empty(const char *name);
/* Load a program that outputs the letter and a newline. */
int load_letter(char letter);

int open_cgroup(const char *cgroup);
/* Without a cgroup, cgroup_root is 0, as BPF_F_CGROUP_STAT_ALL requires. */
int attach_with_flags(int prog_fd, const char *cgroup, const char *name, __u32 flags);
int attach_prog(int prog_fd, const char *cgroup, const char *name);
int attach(const char *cgroup, const char *name);
struct bpf_link_info link_info(int link);
int nr_files(int link);
/* Returns nr_files of the link, or -1 if that isn't how many were seen. */
int agreed(int link, int seen);
/* Is the link detached, or its root gone? */
bool is_gone(int link);
/* Does fdinfo have this line? */
bool fdinfo_has(int fd, const char *line);
char *link_name(int i);

char *new_cgroup(const char *parent, const char *name);
char *stat_file(const char *cgroup, const char *name);
bool has_file(const char *cgroup, const char *name);
int open_file(const char *cgroup, const char *name);
/* Does the file have exactly this content? */
bool reads(const char *cgroup, const char *name, const char *text);
mode_t mode_of(const char *path);
bool owned_by(const char *path, uid_t uid, gid_t gid);

/* Count a cgroup's and its descendants' files of this name; empty: all stat files. */
int count_files_below(const char *top, const char *name);
int count_cgroups_below(const char *top);
/* Returns how many cgroups of the default hierarchy have a file of this name. */
int count_files(const char *name);
int count_all_files(void);

int exit_status(pid_t pid);
/* Call fn(arg) in a child process. Returns 0, or the errno it failed with. */
int in_child(int (*fn)(void *arg), void *arg);
/* The same with the uid TEST_UID and only these capabilities. */
int as_user(__u64 caps, int (*fn)(void *arg), void *arg);
int do_link_create(void *attr);
int do_open(void *path);
int do_attach_in_user_namespace(void *attr);
/* Mount in a private mount namespace, so that it is unmounted when the test exits. */
int mount_privately(const char *source, const char *type, int flags, const char *options);

#define T(x) { x, #x }
struct subtree_test {
	int (*fn)(const char *top);
	const char *name;
};

/* Find the hierarchy, and load the program. Exits if there are none. */
void set_up_tests(void);
/* Run a test in a cgroup of its own, and check that it leaves no file behind. */
int run_test(const struct subtree_test *test);
/*
 * Run tests, each by @run, print their results and exit. @names are the tests to run, and
 * then NULL; all are run if there are none.
 */
void run_tests(const struct subtree_test *tests, int nr_tests,
	       int (*run)(const struct subtree_test *test), char **names);

#endif /* SUBTREE_UTIL_H */
