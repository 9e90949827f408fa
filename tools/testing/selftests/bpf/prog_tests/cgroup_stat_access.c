// SPDX-License-Identifier: GPL-2.0
/*
 * Permissions: a table of users (people), cgroups (places) and operations (deeds).
 * For each entry a child process takes the identity of the user, tries the operation
 * in the cgroup, and must get the errno of the table. Further tests are about file
 * descriptors that are used across cgroup namespaces, files whose owner or mode was
 * changed, and a read-only mount.
 */
#include <test_progs.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <linux/mount.h>
#include "cap_helpers.h"
#include "cgroup_stat_access.skel.h"
#include "cgroup_stat_helpers.h"

#define KNOB	PREFIX "knob"	/* mode 0644 */
#define SHARED	PREFIX "shared"	/* mode 0660 */
#define VICTIM	PREFIX "victim"	/* file of a link that a test updates, detaches or changes */

#define CAP(name)	(1ULL << CAP_##name)
#define CANT_BECOME	255	/* exit status: become() failed; not an errno */
#define FS_FD		100	/* file descriptor of the bpffs that the token is made from */

/*
 * The group of the delegated directory isn't the delegatee's primary group. So the
 * group of a file tells whether it comes from the directory or from the creator.
 */
enum { DELEGATEE_ID = 12001, MATE_ID, STRANGER_ID, GROUP_ID };

enum who {
	ROOT, ROOT_ADMIN, ROOT_NO_BPF, ROOT_NO_PERFMON, ROOT_CGROUPNS, STRANGER, MATE, DELEGATEE,
	BPF_STRANGER, BPF_DELEGATEE, USERNS_STRANGER, USERNS_DELEGATEE, USERNS_TOKEN,
	NR_WHO,
};

static const struct person {
	const char *name;
	id_t uid, gid;
	__u64 caps;
	int namespaces;
	bool token;
} people[NR_WHO] = {
	[ROOT]		   = { "root", 0, 0, ~0ULL },
	/* CAP_SYS_ADMIN implies CAP_BPF and CAP_PERFMON */
	[ROOT_ADMIN]	   = { "root_admin", 0, 0, CAP(SYS_ADMIN) },
	[ROOT_NO_BPF]	   = { "root_no_bpf", 0, 0, ~(CAP(SYS_ADMIN) | CAP(BPF)) },
	[ROOT_NO_PERFMON]  = { "root_no_perfmon", 0, 0, ~(CAP(SYS_ADMIN) | CAP(PERFMON)) },
	[ROOT_CGROUPNS]	   = { "root_cgroupns", 0, 0, ~0ULL, CLONE_NEWCGROUP },
	[STRANGER]	   = { "stranger", STRANGER_ID, STRANGER_ID },
	[MATE]		   = { "mate", MATE_ID, GROUP_ID },
	[DELEGATEE]	   = { "delegatee", DELEGATEE_ID, DELEGATEE_ID },
	[BPF_STRANGER]	   = { "bpf_stranger", STRANGER_ID, STRANGER_ID, CAP(BPF) | CAP(PERFMON) },
	[BPF_DELEGATEE]	   = { "bpf_delegatee", DELEGATEE_ID, DELEGATEE_ID,
			       CAP(BPF) | CAP(PERFMON) },
	/* with all capabilities, but only in the new user namespace */
	[USERNS_STRANGER]  = { "userns_stranger", STRANGER_ID, STRANGER_ID, 0, CLONE_NEWUSER },
	[USERNS_DELEGATEE] = { "userns_delegatee", DELEGATEE_ID, DELEGATEE_ID, 0,
			       CLONE_NEWUSER | CLONE_NEWCGROUP },
	/* as the one before, with a BPF token that delegates everything */
	[USERNS_TOKEN]	   = { "userns_token", DELEGATEE_ID, DELEGATEE_ID, 0,
			       CLONE_NEWUSER | CLONE_NEWCGROUP | CLONE_NEWNS, true },
};

/*
 * DELEGATED is the root of all cgroup namespaces. The delegatee creates the two
 * cgroups below it: OLDER before root attaches the links to ABOVE, BORN afterwards.
 */
enum where { ABOVE, DELEGATED, OLDER, BORN, NR_WHERE };

static const struct {
	const char *name, *path;
} places[NR_WHERE] = {
	[ABOVE]	    = { "above", "/above" },
	[DELEGATED] = { "delegated", "/above/delegated" },
	[OLDER]	    = { "older", "/above/delegated/older" },
	[BORN]	    = { "born", "/above/delegated/born" },
};

enum what { LOAD, ATTACH, READ, WRITE, SHARE, HANDED, UPDATE, DETACH, BY_ID, NR_WHAT };

/* The errno that each operation fails with, 0 for success. */
static const int matrix[NR_WHO][NR_WHERE][NR_WHAT] = {
/*			    load   attach  r  write   share   h  u  d  by id */
[ROOT] = {
	[ABOVE ... BORN] = { 0,     0,      0, 0,      0,      0, 0, 0, 0 },
},
[ROOT_ADMIN] = {
	[ABOVE]		 = { 0,     0,      0, 0,      0,      0, 0, 0, 0 },
	[DELEGATED]	 = { 0,     EACCES, 0, 0,      0,      0, 0, 0, 0 },
	[OLDER ... BORN] = { 0,     EACCES, 0, EACCES, EACCES, 0, 0, 0, 0 },
},
[ROOT_NO_BPF ... ROOT_NO_PERFMON] = {
	[ABOVE ... BORN] = { EPERM, EPERM,  0, 0,      0,      0, 0, 0, EPERM },
},
/*
 * nsdelegate: a process in a cgroup namespace can't write the files of the namespace's
 * root, not even as root. It can write those of cgroups further up, if it has an fd.
 */
[ROOT_CGROUPNS] = {
	[ABOVE]		 = { 0,     0,      0, 0,      0,      0, 0, 0, 0 },
	[DELEGATED]	 = { 0,     0,      0, EPERM,  EPERM,  0, 0, 0, 0 },
	[OLDER ... BORN] = { 0,     0,      0, 0,      0,      0, 0, 0, 0 },
},
[STRANGER] = {
	[ABOVE ... BORN] = { EPERM, EPERM,  0, EACCES, EACCES, 0, 0, 0, EPERM },
},
/* A member of the delegated directory's group. */
[MATE] = {
	[ABOVE]		 = { EPERM, EPERM,  0, EACCES, EACCES, 0, 0, 0, EPERM },
	[DELEGATED]	 = { EPERM, EPERM,  0, EACCES, EACCES, 0, 0, 0, EPERM },
	[OLDER ... BORN] = { EPERM, EPERM,  0, EACCES, 0,      0, 0, 0, EPERM },
},
/* The files of the delegated cgroup belong to root, those below to the delegatee. */
[DELEGATEE] = {
	[ABOVE]		 = { EPERM, EPERM,  0, EACCES, EACCES, 0, 0, 0, EPERM },
	[DELEGATED]	 = { EPERM, EPERM,  0, EACCES, EACCES, 0, 0, 0, EPERM },
	[OLDER ... BORN] = { EPERM, EPERM,  0, 0,      0,      0, 0, 0, EPERM },
},
[BPF_STRANGER] = {
	[ABOVE ... BORN] = { 0,     EACCES, 0, EACCES, EACCES, 0, 0, 0, EPERM },
},
/*
 * Attaching takes write permission on the directory. A file belongs to the owner of
 * the parent directory.
 */
[BPF_DELEGATEE] = {
	[ABOVE]		 = { 0,     EACCES, 0, EACCES, EACCES, 0, 0, 0, EPERM },
	[DELEGATED]	 = { 0,     0,      0, EACCES, EACCES, 0, 0, 0, EPERM },
	[OLDER ... BORN] = { 0,     0,      0, 0,      0,      0, 0, 0, EPERM },
},
[USERNS_STRANGER] = {
	[ABOVE ... BORN] = { EPERM, EPERM,  0, EACCES, EACCES, 0, 0, 0, EPERM },
},
[USERNS_DELEGATEE] = {
	[ABOVE]		 = { EPERM, EPERM,  0, EACCES, EACCES, 0, 0, 0, EPERM },
	[DELEGATED]	 = { EPERM, EPERM,  0, EACCES, EACCES, 0, 0, 0, EPERM },
	[OLDER ... BORN] = { EPERM, EPERM,  0, 0,      0,      0, 0, 0, EPERM },
},
[USERNS_TOKEN] = {
	[ABOVE]		 = { 0,     EPERM,  0, EACCES, EACCES, 0, 0, 0, EPERM },
	[DELEGATED]	 = { 0,     EPERM,  0, EACCES, EACCES, 0, 0, 0, EPERM },
	[OLDER ... BORN] = { 0,     EPERM,  0, 0,      0,      0, 0, 0, EPERM },
},
};

static struct cgroup_stat_access *skel;
static int cg[NR_WHERE];
static int handed[NR_WHERE];	/* descriptors of the knobs, opened by root */
static struct bpf_link *victim;
static int token;		/* or 0 */
static __u8 value;		/* what the next writer writes */

/*** Taking an identity, in a child process ***/

/* setresuid() empties the effective set of a user's capabilities, but not root's. */
static int set_identity(const struct person *person)
{
	id_t uid = person->uid, gid = person->gid;

	if (prctl(PR_SET_KEEPCAPS, !!person->caps) || setgroups(0, NULL) ||
	    setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -errno;

	return uid ? cap_enable_effective(person->caps, NULL) :
		     cap_disable_effective(~person->caps, NULL);
}

static int map_root_to(const char *file, id_t id)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %d 1", id);
	return write_file(AT_FDCWD, file, map);
}

static int enter_namespaces(const struct person *person)
{
	/* setresuid() cleared it, and then /proc/self belongs to root */
	if (prctl(PR_SET_DUMPABLE, 1) || unshare(person->namespaces))
		return -errno;
	if (!(person->namespaces & CLONE_NEWUSER))
		return 0;

	return write_file(AT_FDCWD, "/proc/self/setgroups", "deny") ?:
	       map_root_to("/proc/self/uid_map", person->uid) ?:
	       map_root_to("/proc/self/gid_map", person->gid);
}

/* Stops until root has set what the new bpffs delegates, see delegate_bpf_to(). */
static int get_token(void)
{
	int fs = syscall(__NR_fsopen, "bpf", 0), dir;

	if (fs < 0 || dup2(fs, FS_FD) < 0)
		return -errno;
	raise(SIGSTOP);

	dir = openat(syscall(__NR_fsmount, fs, 0, 0), ".", O_RDONLY);
	token = bpf_token_create(dir, NULL);
	return token < 0 ? token : 0;
}

static int become(const struct person *person)
{
	int err = 0;

	if (person->namespaces & CLONE_NEWCGROUP)
		err = write_file(cg[DELEGATED], "cgroup.procs", "0");

	err = err ?: set_identity(person) ?: enter_namespaces(person);
	return err || !person->token ? err : get_token();
}

static int delegate_bpf(int fs)
{
	static const char * const keys[] = {
		"delegate_cmds", "delegate_maps", "delegate_progs", "delegate_attachs",
	};

	for (int i = 0; i < ARRAY_SIZE(keys); i++)
		if (syscall(__NR_fsconfig, fs, FSCONFIG_SET_STRING, keys[i], "any", 0))
			return -errno;
	return syscall(__NR_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

static void delegate_bpf_to(pid_t pid)
{
	int status, pidfd, fs;

	if (!ASSERT_EQ(waitpid(pid, &status, WUNTRACED), pid, "wait for it to stop") ||
	    !ASSERT_TRUE(WIFSTOPPED(status), "stopped"))
		return;

	pidfd = syscall(__NR_pidfd_open, pid, 0);
	fs = syscall(__NR_pidfd_getfd, pidfd, FS_FD, 0);
	if (ASSERT_OK_FD(fs, "pidfd_getfd"))
		ASSERT_OK(delegate_bpf(fs), "delegate");
	close(fs);
	close(pidfd);
	kill(pid, SIGCONT);
}

/* @act returns 0 or -errno. */
static pid_t start_as(enum who who, int (*act)(enum where where), enum where where)
{
	pid_t pid = fork();

	if (!pid)
		_exit(become(&people[who]) ? CANT_BECOME : -act(where));
	if (people[who].token)
		delegate_bpf_to(pid);
	return pid;
}

/* Returns what @act returned. */
static int wait_for(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) == CANT_BECOME)
		return -ECHILD;
	return -WEXITSTATUS(status);
}

static int run_as(enum who who, int (*act)(enum where where), enum where where)
{
	return wait_for(start_as(who, act, where));
}

/*** The operations ***/

/* For functions that don't return 0 on success: returns -errno or 0. */
static int err_of(int ret)
{
	return ret < 0 ? ret : 0;
}

static int read_fd(int fd)
{
	__u8 c;
	ssize_t len = pread(fd, &c, 1, 0);

	return len < 0 ? -errno : len != 1 ? -ENODATA : c;
}

static int write_fd(int fd)
{
	int ret = write_err(fd, &value, 1);

	return ret < 0 ? ret : ret != 1 ? -ENOSPC : 0;
}

static int read_in(enum where where, const char *file)
{
	int fd = openat(cg[where], file, O_RDONLY), ret;

	if (fd < 0)
		return -errno;
	ret = read_fd(fd);
	close(fd);
	return ret;
}

static int write_in(enum where where, const char *file, int flags)
{
	int fd = openat(cg[where], file, flags), ret;

	if (fd < 0)
		return -errno;
	ret = write_fd(fd);
	close(fd);
	return ret;
}

static int load(enum where where)
{
	return err_of(load_empty_prog(BPF_CGROUP_STAT, token));
}

/* Attach a program that root loaded, or that is loaded here by means of the token. */
static int attach(enum where where)
{
	int prog = token ? load_empty_prog(BPF_CGROUP_STAT, token) :
			   bpf_program__fd(skel->progs.knob);
	int fd = create_stat_link(prog, cg[where], "new");

	if (fd < 0)
		return fd;
	return has_file(cg[where], PREFIX "new") ? 0 : -ENOENT;
}

static int read_knob(enum where where)
{
	return err_of(read_in(where, KNOB));
}

static int write_knob(enum where where)
{
	return write_in(where, KNOB, O_WRONLY);
}

static int write_shared(enum where where)
{
	return write_in(where, SHARED, O_RDWR);
}

static int use_handed(enum where where)
{
	int ret = read_fd(handed[where]);

	return ret < 0 ? ret : write_fd(handed[where]);
}

static int update_victim(enum where where)
{
	return bpf_link__update_program(victim, skel->progs.silent);
}

static int detach_victim(enum where where)
{
	return bpf_link__detach(victim);
}

static int get_victim_by_id(enum where where)
{
	struct bpf_link_info info;
	int err = get_link_info(victim, &info);

	return err ?: err_of(bpf_link_get_fd_by_id(info.id));
}

/*** Whether an operation had an effect, checked by root ***/

static bool is_written(enum where where)
{
	return read_in(where, KNOB) == value;
}

static bool is_updated(enum where where)
{
	return read_in(where, VICTIM) == -ENODATA;
}

static bool is_detached(enum where where)
{
	return !has_file(cg[where], VICTIM);
}

static const struct {
	const char *name;
	int (*act)(enum where where);
	bool (*is_done)(enum where where);
	bool needs_victim;
} deeds[NR_WHAT] = {
	[LOAD]	 = { "load", load },
	[ATTACH] = { "attach", attach },
	[READ]	 = { "read", read_knob },
	[WRITE]	 = { "write", write_knob, is_written },
	[SHARE]	 = { "open a 0660 file for both, write", write_shared, is_written },
	[HANDED] = { "read and write what root opened", use_handed, is_written },
	[UPDATE] = { "update what root attached", update_victim, is_updated, true },
	[DETACH] = { "detach what root attached", detach_victim, is_detached, true },
	[BY_ID]	 = { "get a link by id", get_victim_by_id, NULL, true },
};

static struct bpf_link *attach_link(enum where where, const char *name, __u32 mode)
{
	struct bpf_link *link;

	link = attach_stat(skel->progs.knob, cg[where], .name = name, .mode = mode);
	ASSERT_OK_PTR(link, name);
	return link;
}

static void check_cell(enum who who, enum where where, enum what what)
{
	int err = matrix[who][where][what];
	char cell[96];

	snprintf(cell, sizeof(cell), "%s, %s: %s", people[who].name, places[where].name,
		 deeds[what].name);
	victim = deeds[what].needs_victim ? attach_link(where, "victim", 0) : NULL;
	value++;

	ASSERT_EQ(run_as(who, deeds[what].act, where), -err, cell);
	if (deeds[what].is_done)
		ASSERT_EQ(deeds[what].is_done(where), !err, cell);
	bpf_link__destroy(victim);
}

static void check_person(enum who who)
{
	for (enum where where = 0; where < NR_WHERE; where++)
		for (enum what what = 0; what < NR_WHAT; what++)
			check_cell(who, where, what);
}

static void test_matrix(void)
{
	for (enum who who = 0; who < NR_WHO; who++)
		if (test__start_subtest(people[who].name))
			check_person(who);
}

/*** File descriptors that are used across cgroup namespaces ***/

static void assert_writes(int fd, int err, const char *name)
{
	value++;
	ASSERT_EQ(write_fd(fd), err, name);
}

static bool enter_cgroupns(void)
{
	return ASSERT_OK(write_file(cg[DELEGATED], "cgroup.procs", "0"), "join") &&
	       ASSERT_OK(unshare(CLONE_NEWCGROUP), "unshare");
}

static void leave_cgroupns(int home)
{
	ASSERT_OK(setns(home, CLONE_NEWCGROUP), "setns");
	ASSERT_OK(join_root_cgroup(), "join root");
}

/* @err: what writes to a file that was opened inside of the namespace return */
static void cross_border(enum where where, int err)
{
	int home = open("/proc/self/ns/cgroup", O_RDONLY);
	int outside = openat(cg[where], KNOB, O_WRONLY), inside;

	if (!ASSERT_OK_FD(home, "open namespace") || !ASSERT_OK_FD(outside, "open outside") ||
	    !enter_cgroupns())
		return;
	inside = openat(cg[where], KNOB, O_WRONLY);
	ASSERT_OK_FD(inside, "open inside");
	assert_writes(inside, err, "opened and written inside");
	assert_writes(outside, 0, "opened outside, written inside");

	leave_cgroupns(home);
	assert_writes(inside, err, "opened inside, written outside");
	assert_writes(outside, 0, "opened and written outside");
	close(inside);
	close(outside);
	close(home);
}

static void test_border(void)
{
	cross_border(ABOVE, 0);
	cross_border(DELEGATED, -EPERM);
	cross_border(OLDER, 0);
}

/* nsdelegate applies even if the process inside owns the file. */
static void test_border_owner(void)
{
	if (!ASSERT_OK(fchownat(cg[DELEGATED], KNOB, DELEGATEE_ID, -1, 0), "chown"))
		return;
	value++;
	ASSERT_OK(run_as(DELEGATEE, write_knob, DELEGATED), "from outside");
	ASSERT_TRUE(is_written(DELEGATED), "written");
	value++;
	ASSERT_EQ(run_as(USERNS_DELEGATEE, write_knob, DELEGATED), -EPERM, "from inside");
	ASSERT_FALSE(is_written(DELEGATED), "written");
	ASSERT_OK(fchownat(cg[DELEGATED], KNOB, 0, -1, 0), "chown back");
}

/*** Owner and mode, initial and changed ***/

static void assert_owner(int dir, const char *file, id_t uid, id_t gid, mode_t mode)
{
	struct stat st;

	if (!ASSERT_OK(fstatat(dir, file, &st, 0), file))
		return;
	ASSERT_EQ(st.st_uid, uid, "uid");
	ASSERT_EQ(st.st_gid, gid, "gid");
	ASSERT_EQ(st.st_mode, S_IFREG | mode, "mode");
}

static void test_owner(void)
{
	assert_owner(cg[ABOVE], KNOB, 0, 0, 0644);
	assert_owner(cg[DELEGATED], KNOB, 0, 0, 0644);
	assert_owner(cg[OLDER], KNOB, DELEGATEE_ID, GROUP_ID, 0644);
	assert_owner(cg[BORN], KNOB, DELEGATEE_ID, GROUP_ID, 0644);
	assert_owner(cg[OLDER], SHARED, DELEGATEE_ID, GROUP_ID, 0660);
	assert_owner(cg[BORN], SHARED, DELEGATEE_ID, GROUP_ID, 0660);

	/* it doesn't matter who creates the cgroup */
	ASSERT_OK(mkdirat(cg[DELEGATED], "roots", 0755), "mkdir");
	assert_owner(cg[DELEGATED], "roots/" KNOB, DELEGATEE_ID, GROUP_ID, 0644);

	/* the owner of the parent at the time when the file is created counts */
	ASSERT_OK(fchown(cg[DELEGATED], STRANGER_ID, STRANGER_ID), "chown");
	ASSERT_OK(mkdirat(cg[DELEGATED], "later", 0755), "mkdir");
	assert_owner(cg[DELEGATED], "later/" KNOB, STRANGER_ID, STRANGER_ID, 0644);
	assert_owner(cg[DELEGATED], "roots/" KNOB, DELEGATEE_ID, GROUP_ID, 0644);
	assert_owner(cg[DELEGATED], KNOB, 0, 0, 0644);

	ASSERT_OK(fchown(cg[DELEGATED], DELEGATEE_ID, GROUP_ID), "chown back");
	unlinkat(cg[DELEGATED], "later", AT_REMOVEDIR);
	unlinkat(cg[DELEGATED], "roots", AT_REMOVEDIR);
}

/* In the root cgroup, which has no parent, the file belongs to root. */
static void test_top(void)
{
	int top = get_root_cgroup(), link;

	if (!ASSERT_OK_FD(top, "open root") ||
	    !ASSERT_OK(fchown(top, STRANGER_ID, STRANGER_ID), "chown"))
		return;
	link = create_stat_link(bpf_program__fd(skel->progs.knob), top, "new");
	if (ASSERT_OK_FD(link, "attach")) {
		assert_owner(top, PREFIX "new", 0, 0, 0444);
		close(link);
	}
	ASSERT_OK(fchown(top, 0, 0), "chown back");
	close(top);
}

static void test_setgid(void)
{
	if (!ASSERT_OK(fchown(cg[OLDER], -1, MATE_ID), "chown") ||
	    !ASSERT_OK(fchmod(cg[OLDER], 02755), "chmod"))
		return;
	victim = attach_link(ABOVE, "victim", 0);
	if (!victim)
		return;

	assert_owner(cg[OLDER], VICTIM, DELEGATEE_ID, GROUP_ID, 0444);
	ASSERT_OK(mkdirat(cg[OLDER], "child", 0755), "mkdir");
	assert_owner(cg[OLDER], "child/" VICTIM, DELEGATEE_ID, MATE_ID, 0444);

	unlinkat(cg[OLDER], "child", AT_REMOVEDIR);
	bpf_link__destroy(victim);
	ASSERT_OK(fchmod(cg[OLDER], 0755), "chmod back");
	ASSERT_OK(fchown(cg[OLDER], -1, DELEGATEE_ID), "chown back");
}

static int read_victim(enum where where)
{
	return err_of(read_in(where, VICTIM));
}

static int write_victim(enum where where)
{
	return write_in(where, VICTIM, O_WRONLY);
}

/* A file is created with @link_mode, then @who changes its mode or owner. */
struct change {
	const char *name;
	__u32 link_mode;
	enum where where;
	enum who who;
	mode_t mode;	/* 0: unchanged */
	id_t uid, gid;	/* 0: unchanged */
	int err;
	/* then @user reads or writes it */
	enum who user;
	int (*use)(enum where where);
	int use_err;
};

static const struct change changes[] = {
	{ "owner's chmod", 0644, OLDER, DELEGATEE, 0600, 0, 0, 0,
	  STRANGER, read_victim, EACCES },
	{ "owner's chmod to all", 0644, BORN, DELEGATEE, 0666, 0, 0, 0,
	  STRANGER, write_victim, 0 },
	{ "owner's chmod in a namespace", 0644, BORN, USERNS_DELEGATEE, 0666, 0, 0, 0,
	  STRANGER, write_victim, 0 },
	{ "owner's chgrp to his group", 0660, OLDER, DELEGATEE, 0, 0, DELEGATEE_ID, 0,
	  MATE, write_victim, EACCES },
	{ "owner's chgrp to another", 0660, OLDER, DELEGATEE, 0, 0, STRANGER_ID, EPERM,
	  MATE, write_victim, 0 },
	{ "owner's chown", 0644, OLDER, DELEGATEE, 0, STRANGER_ID, 0, EPERM,
	  STRANGER, write_victim, EACCES },
	{ "root's chown", 0644, OLDER, ROOT, 0, STRANGER_ID, 0, 0,
	  STRANGER, write_victim, 0 },
	{ "delegatee's chmod in his root", 0644, DELEGATED, DELEGATEE, 0666, 0, 0, EPERM,
	  DELEGATEE, write_victim, EACCES },
	{ "delegatee's chown in his root", 0644, DELEGATED, DELEGATEE, 0, DELEGATEE_ID, 0, EPERM,
	  DELEGATEE, write_victim, EACCES },
	{ "stranger's chmod", 0644, OLDER, STRANGER, 0666, 0, 0, EPERM,
	  STRANGER, write_victim, EACCES },
	{ "group's chmod", 0660, OLDER, MATE, 0600, 0, 0, EPERM,
	  MATE, write_victim, 0 },

	/* chmod can't allow reads (writes) if the link's mode has no read (write) bit */
	{ "read-only", 0444, OLDER, ROOT, 0, 0, 0, 0,
	  ROOT, write_victim, EINVAL },
	{ "read-only, chmod", 0444, OLDER, DELEGATEE, 0666, 0, 0, 0,
	  DELEGATEE, write_victim, EINVAL },
	{ "read-only, chmod, read", 0444, OLDER, DELEGATEE, 0666, 0, 0, 0,
	  STRANGER, read_victim, 0 },
	{ "write-only", 0200, OLDER, ROOT, 0, 0, 0, 0,
	  ROOT, read_victim, EINVAL },
	{ "write-only, chmod", 0200, OLDER, DELEGATEE, 0666, 0, 0, 0,
	  DELEGATEE, read_victim, EINVAL },
	{ "write-only, chmod, write", 0200, OLDER, DELEGATEE, 0666, 0, 0, 0,
	  STRANGER, write_victim, 0 },
	/* otherwise the file's current permission bits count, but not for root */
	{ "no bits left, root", 0644, OLDER, DELEGATEE, 0001, 0, 0, 0,
	  ROOT, write_victim, 0 },
	{ "no bits left, owner", 0644, OLDER, DELEGATEE, 0001, 0, 0, 0,
	  DELEGATEE, read_victim, EACCES },
	{ "group only", 0060, OLDER, ROOT, 0, 0, 0, 0,
	  MATE, write_victim, 0 },
	{ "group only, owner", 0060, OLDER, ROOT, 0, 0, 0, 0,
	  DELEGATEE, write_victim, EACCES },
};

static const struct change *change;

static int change_victim(enum where where)
{
	if (change->mode && fchmodat(cg[where], VICTIM, change->mode, 0))
		return -errno;
	if (fchownat(cg[where], VICTIM, change->uid ?: -1, change->gid ?: -1, 0))
		return -errno;
	return 0;
}

static void check_change(void)
{
	victim = attach_link(ABOVE, "victim", change->link_mode);
	if (!victim)
		return;
	value++;

	ASSERT_EQ(run_as(change->who, change_victim, change->where), -change->err, change->name);
	ASSERT_EQ(run_as(change->user, change->use, change->where), -change->use_err,
		  change->name);
	ASSERT_EQ(is_written(change->where), change->use == write_victim && !change->use_err,
		  change->name);
	bpf_link__destroy(victim);
}

static void test_changes(void)
{
	for (change = changes; change < changes + ARRAY_SIZE(changes); change++)
		check_change();
}

/* A changed owner and mode are lost with the file. */
static void test_forgotten(void)
{
	victim = attach_link(ABOVE, "victim", 0644);
	if (!victim)
		return;
	ASSERT_OK(fchownat(cg[OLDER], VICTIM, STRANGER_ID, -1, 0), "chown");
	ASSERT_OK(fchmodat(cg[OLDER], VICTIM, 0600, 0), "chmod");
	assert_owner(cg[OLDER], VICTIM, STRANGER_ID, GROUP_ID, 0600);
	bpf_link__destroy(victim);

	victim = attach_link(ABOVE, "victim", 0644);
	if (!victim)
		return;
	assert_owner(cg[OLDER], VICTIM, DELEGATEE_ID, GROUP_ID, 0644);
	bpf_link__destroy(victim);
}

/*** A read-only mount ***/

/* <sys/mount.h> conflicts with <linux/mount.h> in some versions of glibc. */
static int sys_mount(const char *from, const char *to, unsigned long flags, const char *data)
{
	return syscall(__NR_mount, from, to, NULL, flags, data);
}

static int mount_read_only(enum where where)
{
	char path[PATH_MAX];

	if (path_of(cg[where], path, sizeof(path)) || unshare(CLONE_NEWNS) ||
	    sys_mount(path, path, MS_BIND, NULL) ||
	    sys_mount(NULL, path, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL))
		return -ECHILD;
	cg[where] = open(path, O_RDONLY);
	return cg[where] < 0 ? -ECHILD : 0;
}

static int attach_read_only(enum where where)
{
	return mount_read_only(where) ?: attach(where);
}

static int write_read_only(enum where where)
{
	return mount_read_only(where) ?: write_knob(where);
}

static void test_read_only(void)
{
	ASSERT_EQ(run_as(ROOT, attach_read_only, DELEGATED), -EROFS, "attach");
	ASSERT_EQ(run_as(ROOT, write_read_only, DELEGATED), -EROFS, "write");
}

/*** Setup ***/

/* setup_cgroup_environment() mounts without nsdelegate, which turns it off globally. */
static bool remount_nsdelegate(void)
{
	int top = get_root_cgroup(), err;
	char path[PATH_MAX];

	err = path_of(top, path, sizeof(path));
	close(top);
	return ASSERT_OK(err, "path of the root") &&
	       ASSERT_OK(sys_mount(NULL, path, MS_REMOUNT, "nsdelegate"), "remount");
}

static bool open_place(enum where where)
{
	cg[where] = create_and_get_cgroup(places[where].path);
	return ASSERT_OK_FD(cg[where], places[where].path);
}

/* See "Model of Delegation" in Documentation/admin-guide/cgroup-v2.rst. */
static bool delegate(int dir)
{
	static const char * const files[] = {
		".", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads",
	};

	for (int i = 0; i < ARRAY_SIZE(files); i++)
		if (!ASSERT_OK(fchownat(dir, files[i], DELEGATEE_ID, GROUP_ID, 0), files[i]))
			return false;
	return true;
}

static int make_dir(enum where where)
{
	return mkdirat(cg[DELEGATED], places[where].name, 0755) ? -errno : 0;
}

static bool open_delegatees(enum where where)
{
	return ASSERT_OK(run_as(DELEGATEE, make_dir, where), "delegatee's mkdir") &&
	       open_place(where);
}

static bool open_handed(void)
{
	for (enum where where = 0; where < NR_WHERE; where++) {
		handed[where] = openat(cg[where], KNOB, O_RDWR);
		if (!ASSERT_OK_FD(handed[where], "open for others"))
			return false;
	}
	return true;
}

static void close_all(const int *fds)
{
	for (enum where where = 0; where < NR_WHERE; where++)
		if (fds[where] >= 0)
			close(fds[where]);
}

static const struct {
	const char *name;
	void (*fn)(void);
} tests[] = {
	{ "border", test_border },
	{ "border_owner", test_border_owner },
	{ "owner", test_owner },
	{ "top", test_top },
	{ "setgid", test_setgid },
	{ "changes", test_changes },
	{ "forgotten", test_forgotten },
	{ "read_only", test_read_only },
};

static void run_tests(void)
{
	struct bpf_link *knob = attach_link(ABOVE, "knob", 0644);
	struct bpf_link *shared = attach_link(ABOVE, "shared", 0660);

	if (!knob || !shared || !open_delegatees(BORN) || !open_handed())
		goto out;

	test_matrix();
	for (int i = 0; i < ARRAY_SIZE(tests); i++)
		if (test__start_subtest(tests[i].name))
			tests[i].fn();
out:
	close_all(handed);
	bpf_link__destroy(shared);
	bpf_link__destroy(knob);
}

void test_cgroup_stat_access(void)
{
	memset(cg, -1, sizeof(cg));
	memset(handed, -1, sizeof(handed));
	skel = cgroup_stat_access__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open and load"))
		return;

	if (!ASSERT_OK(setup_cgroup_environment(), "cgroup environment"))
		goto out;
	if (remount_nsdelegate() && open_place(ABOVE) && open_place(DELEGATED) &&
	    delegate(cg[DELEGATED]) && open_delegatees(OLDER))
		run_tests();
	close_all(cg);
	cleanup_cgroup_environment();
out:
	cgroup_stat_access__destroy(skel);
}
