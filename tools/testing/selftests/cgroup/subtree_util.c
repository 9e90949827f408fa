// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"
#include "cgroup_util.h"
#include "subtree_util.h"

#define TIME_LIMIT	(2 * PATIENCE)	/* seconds, for a test */

char hierarchy[PATH_MAX];
int prog = -1;
static pid_t runner;	/* the process that runs the tests */

static void fail(void)
{
	if (getpid() == runner)
		ksft_exit_fail_msg("the tests can't go on\n");
	exit(KSFT_FAIL);
}

void check_that(bool ok, const char *what, const char *test, int line)
{
	if (ok)
		return;
	ksft_print_msg("%s, line %d: %s (%s)\n", test, line, what, strerror(errno));
	fail();
}

void check_equal(long got, long want, const char *what, const char *test, int line)
{
	if (got == want)
		return;
	ksft_print_msg("%s, line %d: %s is %ld, not %ld\n", test, line, what, got, want);
	fail();
}

bool fails(long ret, int err)
{
	if (ret >= 0)
		errno = 0;
	return ret < 0 && errno == err;
}

int load_empty(const char *name)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return prog_load(name, insns, ARRAY_SIZE(insns), 0);
}

int load_letter(char letter)
{
	const struct bpf_insn insns[] = {
		/* r1 = ctx->meta->seq; both members are at offset 0 */
		INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_1, 0, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_1, 0, 0),
		INSN(BPF_ST | BPF_MEM | BPF_B, BPF_REG_10, 0, -2, letter),
		INSN(BPF_ST | BPF_MEM | BPF_B, BPF_REG_10, 0, -1, '\n'),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -2),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 2),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_seq_write),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return prog_load("letter", insns, ARRAY_SIZE(insns), 0);
}

int open_cgroup(const char *cgroup)
{
	int fd = dirfd_open_opath(cgroup);

	check(fd >= 0);
	return fd;
}

int attach_with_flags(int prog_fd, const char *cgroup, const char *name, __u32 flags)
{
	int cgroup_fd = cgroup ? open_cgroup(cgroup) : 0, link, err;
	union bpf_attr attr = link_attr(prog_fd, cgroup_fd, name);

	attr.link_create.flags = flags;
	link = link_create(&attr);
	err = errno;
	if (cgroup)
		close(cgroup_fd);
	errno = err;
	return link;
}

int attach_prog(int prog_fd, const char *cgroup, const char *name)
{
	return attach_with_flags(prog_fd, cgroup, name, 0);
}

int attach(const char *cgroup, const char *name)
{
	return attach_prog(prog, cgroup, name);
}

struct bpf_link_info link_info(int link)
{
	struct bpf_link_info info;

	memset(&info, 0, sizeof(info));
	check(!obj_info(link, &info, sizeof(info)));
	return info;
}

int nr_files(int link)
{
	check(link >= 0);
	return link_info(link).cgroup_stat.nr_files;
}

int agreed(int link, int seen)
{
	int told = nr_files(link);

	if (told == seen)
		return told;
	ksft_print_msg("the link speaks of %d files, but %d are there\n", told, seen);
	return -1;
}

bool is_gone(int link)
{
	struct bpf_link_info info = link_info(link);

	return !info.cgroup_stat.attached && !info.cgroup_stat.cgroup_id &&
	       !info.cgroup_stat.hierarchy_id && !info.cgroup_stat.nr_files &&
	       fails(link_update(link, prog, -1), ENOLINK);
}

bool fdinfo_has(int fd, const char *line)
{
	char path[64], buf[1024];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	check(read_text(path, buf, sizeof(buf)) > 0);
	return strstr(buf, line);
}

char *new_cgroup(const char *parent, const char *name)
{
	char *cgroup = cg_name(parent, name);

	check(cgroup && !cg_create(cgroup));
	return cgroup;
}

char *stat_file(const char *cgroup, const char *name)
{
	char *file;

	check(asprintf(&file, "%s/" STAT_PREFIX "%s", cgroup, name) > 0);
	return file;
}

bool has_file(const char *cgroup, const char *name)
{
	char *file = stat_file(cgroup, name);
	bool found = !access(file, F_OK);

	free(file);
	return found;
}

int open_file(const char *cgroup, const char *name)
{
	int fd = open(stat_file(cgroup, name), O_RDONLY);

	check(fd >= 0);
	return fd;
}

bool reads(const char *cgroup, const char *name, const char *text)
{
	char buf[64];

	return read_text(stat_file(cgroup, name), buf, sizeof(buf)) == (ssize_t)strlen(text) &&
	       !strcmp(buf, text);
}

mode_t mode_of(const char *path)
{
	struct stat st;

	check(!stat(path, &st));
	return st.st_mode;
}

bool owned_by(const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	check(!stat(path, &st));
	if (st.st_uid == uid && st.st_gid == gid)
		return true;
	ksft_print_msg("%s: owner %u:%u, not %u:%u\n", path, st.st_uid, st.st_gid, uid, gid);
	errno = 0;
	return false;
}

static struct {
	char name[NAME_MAX + 1];	/* name to count; empty: all stat files */
	int files;
	int dirs;
} walk;

static int walk_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *base = path + ftw->base;

	if (type == FTW_D)
		walk.dirs++;
	else if (!strncmp(base, STAT_PREFIX, strlen(STAT_PREFIX)) &&
		 (!walk.name[0] || !strcmp(base + strlen(STAT_PREFIX), walk.name)))
		walk.files++;
	return 0;
}

static void walk_cgroups(const char *top, const char *name)
{
	memset(&walk, 0, sizeof(walk));
	snprintf(walk.name, sizeof(walk.name), "%s", name);
	check(!nftw(top, walk_one, 16, FTW_PHYS | FTW_MOUNT));
}

int count_files_below(const char *top, const char *name)
{
	walk_cgroups(top, name);
	return walk.files;
}

int count_cgroups_below(const char *top)
{
	walk_cgroups(top, "");
	return walk.dirs;
}

int count_files(const char *name)
{
	return count_files_below(hierarchy, name);
}

int count_all_files(void)
{
	return count_files("");
}

char *link_name(int i)
{
	char *name;

	check(asprintf(&name, "link%d", i) > 0);
	return name;
}

int exit_status(pid_t pid)
{
	int status;

	check(pid > 0);
	check(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int in_child(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (!pid)
		_exit(fn(arg) < 0 ? errno : 0);
	return exit_status(pid);
}

struct user_call {
	__u64 caps;
	int (*fn)(void *arg);
	void *arg;
};

static int become_user(__u64 caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .permitted = caps, .effective = caps },
		{ .permitted = caps >> 32, .effective = caps >> 32 },
	};

	if (prctl(PR_SET_KEEPCAPS, 1) || setgroups(0, NULL) ||
	    setresgid(TEST_UID, TEST_UID, TEST_UID) ||
	    setresuid(TEST_UID, TEST_UID, TEST_UID))
		return -1;
	return syscall(__NR_capset, &header, data);
}

static int call_as_user(void *arg)
{
	struct user_call *call = arg;

	if (become_user(call->caps))
		_exit(SETUP_FAILED);
	return call->fn(call->arg);
}

int as_user(__u64 caps, int (*fn)(void *arg), void *arg)
{
	struct user_call call = { .caps = caps, .fn = fn, .arg = arg };

	return in_child(call_as_user, &call);
}

int do_link_create(void *attr)
{
	return link_create(attr);
}

int do_open(void *path)
{
	return open(path, O_RDONLY);
}

int do_attach_in_user_namespace(void *attr)
{
	if (unshare(CLONE_NEWUSER))
		_exit(SETUP_FAILED);
	return link_create(attr);
}

int mount_privately(const char *source, const char *type, int flags, const char *options)
{
	check(!unshare(CLONE_NEWNS));
	check(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	return mount(source, MNT, type, flags, options);
}

void set_up_tests(void)
{
	umask(022);
	runner = getpid();
	if (cg_find_unified_root(hierarchy, sizeof(hierarchy), NULL))
		ksft_exit_skip("cgroup v2 isn't mounted\n");
	prog = load_empty("");
	if (prog < 0 && errno == EINVAL)
		ksft_exit_skip("the kernel has no cgroup_stat programs\n");
	if (prog < 0)
		ksft_exit_fail_perror("loading a cgroup_stat program");
}

int run_test(const struct subtree_test *test)
{
	char *top = cg_name(hierarchy, program_invocation_short_name);
	int before, after, ret;
	pid_t pid;

	/* a run that was interrupted may have left it behind */
	check(top && (!cg_create(top) || errno == EEXIST));
	check(!clear_cgroup(top));
	before = count_all_files();

	pid = fork();
	if (!pid) {
		check(!cg_enter_current(top));
		alarm(TIME_LIMIT);
		exit(test->fn(top));
	}
	ret = exit_status(pid);
	if (ret < 0)
		ksft_print_msg("%s was killed, perhaps after %d s\n", test->name, TIME_LIMIT);

	check(!clear_cgroup(top));
	after = count_all_files();
	check(!rmdir(top));
	free(top);
	if (after == before)
		return ret;
	ksft_print_msg("%s left %d files behind\n", test->name, after - before);
	return KSFT_FAIL;
}

static bool is_wanted(const struct subtree_test *test, char **names)
{
	if (!*names)
		return true;
	while (*names && strcmp(*names, test->name))
		names++;
	return *names;
}

void run_tests(const struct subtree_test *tests, int nr_tests,
	       int (*run)(const struct subtree_test *test), char **names)
{
	int i, nr_wanted = 0;

	for (i = 0; i < nr_tests; i++)
		nr_wanted += is_wanted(&tests[i], names);
	if (!nr_wanted)
		ksft_exit_fail_msg("there is no test %s\n", *names);

	ksft_set_plan(nr_wanted);
	for (i = 0; i < nr_tests; i++) {
		if (!is_wanted(&tests[i], names))
			continue;
		switch (run(&tests[i])) {
		case KSFT_PASS:
			ksft_test_result_pass("%s\n", tests[i].name);
			break;
		case KSFT_SKIP:
			ksft_test_result_skip("%s, for the reason above\n", tests[i].name);
			break;
		default:
			ksft_test_result_fail("%s\n", tests[i].name);
			break;
		}
	}
	ksft_finished();
}
