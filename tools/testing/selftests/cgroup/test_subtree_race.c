// SPDX-License-Identifier: GPL-2.0
/*
 * Races between all operations on the files of cgroup_stat links: cgroups are created
 * and removed, links are attached to them with names that collide, updated, pinned,
 * detached and closed. Meanwhile the files are read and written in various ways, and
 * programs wake up processes that wait for a change of a file. Some links are for every
 * hierarchy, some are lazy, and a cgroup v1 hierarchy is mounted and unmounted.
 *
 *	test_subtree_race [SECONDS [SEED]]
 *
 * Each racer is a process that does random operations in a loop. They may fail, but
 * only with the errors in the table ops[], which did() checks. From time to time all
 * racers pause, and the files must be those of the links that exist. At the end
 * everything is removed, and the numbers of cgroups, files, links and programs must be
 * what they were at the beginning. Other bugs are for the kernel to find: use one with
 * lockdep and KASAN, and check its log.
 *
 * The cgroups of the whole machine are counted, so nobody else may create or remove any
 * meanwhile, and there must be no other v1 hierarchy.
 *
 * If the kernel has failslab, allocations fail at random for some of the racers.
 */
#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest.h"
#include "cgroup_util.h"
#include "bpf_stat_util.h"

#define SECONDS		10	/* unless told otherwise */
#define ROUND		5	/* seconds between pauses */
#define MAX_DEPTH	3	/* of the tree of cgroups */
#define MAX_RACERS	48
#define MAX_PINS	3
#define MAX_MESSAGES	20
#define WITNESS		"witness"	/* names that no racer attaches */
#define LAZY_WITNESS	"lazy_witness"
#define MNT		"/mnt"	/* mounted over in a private mount namespace */
#define PINS		MNT "/bpf"
#define V1		MNT "/v1"	/* read-only unless the v1 hierarchy is mounted */
#define V1_NAME		"test_subtree_race"
#define SLEEP_ADDR	0x10000000	/* page faults here are delayed, programs sleep on them */
#define PROG_ERRNO	ENOTUNIQ	/* only returned by programs */
#define SHORT_LEN	2
#define MAX_WRITE	4095
#define CHUNK		448	/* fits on the BPF stack */
#define CHUNKS		10	/* in long output, together more than a page */
#define LONG_LEN	(CHUNK * CHUNKS)

/*
 * The operations of racers, and the errors that they may fail with
 */

enum op {
	MKDIR, RMDIR, CHANGE_DIR, CHANGE_FILE, WALK, SPAWN, KILL,
	OPEN_CGROUP, LOAD, ATTACH, CLOSE_LINK, DETACH, FIND_LINK, FIND_PROG,
	UPDATE, UPDATE_REPLACE, UPDATE_GONE,
	INFO, FDINFO, PIN, GET_PIN, UNPIN,
	OPEN, READ, READ_PIECE, READ_HELD, READ_ASLEEP, WRITE, WRITE_ASLEEP,
	MOUNT, UMOUNT, RENAME, ATTACH_ALL, ATTACH_LAZY, ATTACH_ALL_LAZY, LOOK_UP,
	WATCH, READ_WATCHED, NOTIFY, WAKE_UP,
	NR_OPS,
};

#define MAX_EXCUSES	5

static const struct {
	const char *name;
	struct excuse {
		int err;
		const char *why;
	} excuses[MAX_EXCUSES];
} ops[NR_OPS] = {
	[MKDIR] = { "mkdir", { { EEXIST, "exists" },
			       { ENOENT, "no parent" },
			       { ENODEV, "parent is being removed" },
			       { EROFS, "not mounted" } } },
	[RMDIR] = { "rmdir", { { ENOENT, "not there" },
			       { EBUSY, "has children or processes" },
			       { ENODEV, "is being removed" },
			       { EROFS, "not mounted" } } },
	[CHANGE_DIR] = { "chmod and chown of a directory", { { ENOENT, "not there" },
							     { EROFS, "not mounted" } } },
	[CHANGE_FILE] = { "chmod and chown of a file", { { ENOENT, "not there" } } },
	[WALK] = { "walk", { { ENOENT, "a directory went under it" } } },
	[SPAWN] = { "clone into cgroup", { { ENOENT, "not there" },
					   { ENODEV, "is being removed" } } },
	[KILL] = { "cgroup.kill", { { ENOENT, "not there" },
				    { ENODEV, "is being removed" } } },
	[OPEN_CGROUP] = { "open of a cgroup", { { ENOENT, "not there" } } },
	[LOAD] = { "load of a program" },
	[ATTACH] = { "attach", { { EEXIST, "name is taken" },
				 { ENODEV, "cgroup was removed" },
				 { EBADF, "not mounted" } } },
	[CLOSE_LINK] = { "close of a link" },
	[DETACH] = { "detach" },
	[FIND_LINK] = { "link by id", { { ENOENT, "closed" } } },
	[FIND_PROG] = { "program by id", { { ENOENT, "replaced and freed" } } },
	[UPDATE] = { "update", { { ENOLINK, "detached, or cgroup removed" } } },
	[UPDATE_REPLACE] = { "update, replace", { { ENOLINK, "detached, or cgroup removed" },
						  { EPERM, "has another program" } } },
	[UPDATE_GONE] = { "update refused after detach" },
	[INFO] = { "info" },
	[FDINFO] = { "fdinfo" },
	[PIN] = { "pin", { { EEXIST, "path is taken" } } },
	[GET_PIN] = { "get of a pin", { { ENOENT, "not there" } } },
	[UNPIN] = { "unpin", { { ENOENT, "not there" } } },
	[OPEN] = { "open", { { ENOENT, "not there" },
			     { ENODEV, "is being removed" } } },
	[READ] = { "read", { { ENODEV, "file is gone" },
			     { PROG_ERRNO, "the program's answer" } } },
	[READ_PIECE] = { "read of a piece", { { ENODEV, "file is gone" },
					      { PROG_ERRNO, "the program's answer" } } },
	[READ_HELD] = { "read of a held file", { { ENODEV, "file is gone" },
						 { PROG_ERRNO, "the program's answer" } } },
	[READ_ASLEEP] = { "read, perhaps asleep", { { ENODEV, "file is gone" },
						    { PROG_ERRNO, "the program's answer" } } },
	[WRITE] = { "write", { { ENODEV, "file is gone" },
			       { PROG_ERRNO, "the program's answer" } } },
	[WRITE_ASLEEP] = { "write, perhaps asleep", { { ENODEV, "file is gone" },
						      { PROG_ERRNO, "the program's answer" } } },
	[MOUNT] = { "mount", { { EBUSY, "is mounted" },
			       { ENOENT, "unmounted after the path was looked up" } } },
	[UMOUNT] = { "umount", { { EINVAL, "not mounted" },
				 { EBUSY, "in use" } } },
	[RENAME] = { "rename of a v1 cgroup", { { ENOENT, "not there" },
						{ EEXIST, "exists" },
						{ ENODEV, "is being removed" },
						{ EXDEV, "mounted or unmounted meanwhile" },
						{ EROFS, "not mounted" } } },
	[ATTACH_ALL] = { "attach to every hierarchy", { { EEXIST, "name is taken" } } },
	[ATTACH_LAZY] = { "attach lazily", { { EEXIST, "name is taken" },
					     { ENODEV, "cgroup was removed" },
					     { EBADF, "not mounted" } } },
	[ATTACH_ALL_LAZY] = { "attach lazily to every hierarchy",
			      { { EEXIST, "name is taken" } } },
	[LOOK_UP] = { "look-up", { { ENOENT, "not there" } } },
	[WATCH] = { "watch of a file" },
	[READ_WATCHED] = { "read of a watched file", { { ENODEV, "file is gone" },
						       { PROG_ERRNO, "the program's answer" } } },
	[NOTIFY] = { "notification of a change" },
	[WAKE_UP] = { "wake-up because a file is gone" },
};

struct tally {
	long done;
	long excused[MAX_EXCUSES];
	long no_memory;
};

enum phase { RUN, PAUSE, STOP };

/* Shared by all processes, accessed atomically. */
static struct {
	enum phase phase;
	int paused;		/* number of racers */
	int failures;		/* errors that aren't in ops[] */
	int faults;		/* wrong results */
	int slept;		/* page faults that were delayed */
	struct tally tally[NR_OPS];
	enum op last[MAX_RACERS];
	__u32 links[6];		/* ids of links that were attached recently */
} *shared;

/* index of the racer that this process runs */
static int self;
static unsigned int seed;
static bool lacks_memory;

static char hierarchy[PATH_MAX - 64];	/* where cgroup2 is mounted */
static char top[PATH_MAX];
static int storage = -1;	/* a map of type BPF_MAP_TYPE_CGRP_STORAGE */
static int constants = -1;	/* a map that holds names[] */
static int notify;		/* BTF id of bpf_cgroup_stat_notify() */

#define get(var)	__atomic_load_n(&(var), __ATOMIC_SEQ_CST)
#define set(var, val)	__atomic_store_n(&(var), val, __ATOMIC_SEQ_CST)
#define add(var, val)	__atomic_add_fetch(&(var), val, __ATOMIC_SEQ_CST)

static int choose(int n)
{
	return rand_r(&seed) % n;
}

static void failed(enum op op, int err)
{
	if (add(shared->failures, 1) <= MAX_MESSAGES)
		ksft_print_msg("%s: %s, which isn't right there\n", ops[op].name, strerror(err));
}

/* Count an operation, and check its error. Returns @ret. */
static long did(enum op op, long ret)
{
	struct tally *tally = &shared->tally[op];
	int err = errno, i;

	set(shared->last[self], op);
	if (ret >= 0) {
		add(tally->done, 1);
		return ret;
	}
	for (i = 0; i < MAX_EXCUSES; i++) {
		if (err == ops[op].excuses[i].err) {
			add(tally->excused[i], 1);
			return ret;
		}
	}
	if (err == ENOMEM && lacks_memory)
		add(tally->no_memory, 1);
	else
		failed(op, err);
	return ret;
}

static void fault(const char *what, long got, long want)
{
	if (add(shared->faults, 1) <= MAX_MESSAGES)
		ksft_print_msg("%s: %ld, not %ld\n", what, got, want);
}

static void expect(const char *what, long got, long want)
{
	if (got != want)
		fault(what, got, want);
}

/* Names of links. */
static const char names[][16] = { "race_a", "race_b", "race_c", WITNESS, LAZY_WITNESS };

#define NR_NAMES	((int)ARRAY_SIZE(names) - 2)	/* those that racers attach */
#define LETTER(name)	('a' + (name))

/*
 * Programs. They output the link's cookie, a letter that stands for the link's name. So
 * a reader can tell whether the output is that of the right link.
 */

enum kind {
	SHORT,		/* outputs two letters, and accesses its cgroup */
	LONG,		/* outputs more than the first buffer has room for */
	FAILING,	/* returns an errno */
	SLEEPABLE,	/* as SHORT, but sleeps first, and notifies a file in its cgroup */
	NR_KINDS,
};

static int progs[NR_KINDS];

static struct {
	struct bpf_insn insns[256];
	int cnt;
} code;

#define MOV(d, s)	INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOV_IMM(d, i)	INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define ADD_IMM(d, i)	INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define LOAD_PTR(d, s, o) INSN(BPF_LDX | BPF_MEM | BPF_DW, d, s, o, 0)
#define PUSH(o, s)	INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, s, o, 0)
#define CALL(f)		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define EXIT		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static void emit(struct bpf_insn insn)
{
	code.insns[code.cnt++] = insn;
}

static void emit_imm64(int reg, int src, __u64 imm)
{
	emit(INSN(BPF_LD | BPF_DW | BPF_IMM, reg, src, 0, imm));
	emit(INSN(0, 0, 0, 0, imm >> 32));
}

static void emit_return(int ret)
{
	emit(MOV_IMM(BPF_REG_0, ret));
	emit(EXIT);
}

/* Fill the last @len bytes of the stack with the cookie, which is a letter. */
static void emit_letters(int len)
{
	int off;

	emit(MOV(BPF_REG_1, BPF_REG_6));
	emit(CALL(BPF_FUNC_get_attach_cookie));
	emit_imm64(BPF_REG_1, 0, 0x0101010101010101);
	emit(INSN(BPF_ALU64 | BPF_MUL | BPF_X, BPF_REG_0, BPF_REG_1, 0, 0));
	for (off = -len; off < 0; off += 8)
		emit(PUSH(off, BPF_REG_0));
}

/* Output the first @len bytes of what emit_letters(@size) has put on the stack. */
static void emit_output(int size, int len)
{
	/* r1 = ctx->meta->seq; both members are at offset 0 */
	emit(LOAD_PTR(BPF_REG_1, BPF_REG_6, 0));
	emit(LOAD_PTR(BPF_REG_1, BPF_REG_1, 0));
	emit(MOV(BPF_REG_2, BPF_REG_10));
	emit(ADD_IMM(BPF_REG_2, -size));
	emit(MOV_IMM(BPF_REG_3, len));
	emit(CALL(BPF_FUNC_seq_write));
}

/*
 * Get cgroup storage for ctx->cgroup (at offset 8), which accesses the memory of the
 * cgroup.
 */
static void emit_touch(void)
{
	emit_imm64(BPF_REG_1, BPF_PSEUDO_MAP_FD, storage);
	emit(LOAD_PTR(BPF_REG_2, BPF_REG_6, 8));
	emit(MOV_IMM(BPF_REG_3, 0));
	emit(MOV_IMM(BPF_REG_4, BPF_LOCAL_STORAGE_GET_F_CREATE));
	emit(CALL(BPF_FUNC_cgrp_storage_get));
}

/* Read a page of the reader's memory; sleeps for as long as the page fault takes. */
static void emit_sleep(void)
{
	emit(MOV(BPF_REG_1, BPF_REG_10));
	emit(ADD_IMM(BPF_REG_1, -8));
	emit(MOV_IMM(BPF_REG_2, 8));
	emit(MOV_IMM(BPF_REG_3, SLEEP_ADDR));
	emit(CALL(BPF_FUNC_copy_from_user));
	emit(INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0));
	emit_return(-EFAULT);
}

/* Call bpf_cgroup_stat_notify(ctx->cgroup, names[@name]). There may be no such file. */
static void emit_notify(int name)
{
	emit(LOAD_PTR(BPF_REG_1, BPF_REG_6, 8));
	emit_imm64(BPF_REG_2, BPF_PSEUDO_MAP_VALUE, (name * sizeof(names[0])) << 32 | constants);
	emit(INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, notify));
	emit(INSN(BPF_JMP32 | BPF_JEQ | BPF_K, BPF_REG_0, 0, 3, 0));
	emit(INSN(BPF_JMP32 | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, -ENOENT));
	emit_return(-EINVAL);
}

static int load(enum kind kind)
{
	int ret = 0, i;

	code.cnt = 0;
	emit(MOV(BPF_REG_6, BPF_REG_1));
	switch (kind) {
	case FAILING:
		ret = -PROG_ERRNO;
		break;
	case LONG:
		emit_letters(CHUNK);
		for (i = 0; i < CHUNKS; i++)
			emit_output(CHUNK, CHUNK);
		break;
	default:
		if (kind == SLEEPABLE) {
			emit_sleep();
			emit_notify(choose(NR_NAMES));
		}
		emit_touch();
		emit_letters(8);
		emit_output(8, SHORT_LEN);
		break;
	}
	emit_return(ret);
	return prog_load("race", code.insns, code.cnt,
			 kind == SLEEPABLE ? BPF_F_SLEEPABLE : 0);
}

/* Returns an fd of a shared program, or of a new one that only its links will hold. */
static int some_prog(enum kind kind)
{
	if (lacks_memory || choose(4))
		return fcntl(progs[kind], F_DUPFD_CLOEXEC, 0);
	return did(LOAD, load(kind));
}

/* Load the BTF for the storage's keys and values: type id 1 is int. */
static int load_btf(void)
{
	static const struct {
		struct btf_header header;
		struct btf_type type;
		__u32 integer;
		char strings[5];
	} btf = {
		.header = {
			.magic = BTF_MAGIC, .version = BTF_VERSION,
			.hdr_len = sizeof(struct btf_header),
			.type_len = sizeof(struct btf_type) + sizeof(__u32),
			.str_off = sizeof(struct btf_type) + sizeof(__u32),
			.str_len = 5,
		},
		.type = { .name_off = 1, .info = BTF_KIND_INT << 24, .size = sizeof(int) },
		.integer = BTF_INT_SIGNED << 24 | 8 * sizeof(int),
		.strings = "\0int",
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.btf = ptr_to_u64(&btf);
	attr.btf_size = offsetof(typeof(btf), strings) + sizeof(btf.strings);
	return sys_bpf(BPF_BTF_LOAD, &attr);
}

static int create_storage(void)
{
	union bpf_attr attr;
	int btf = load_btf(), map;

	if (btf < 0)
		return -1;
	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_CGRP_STORAGE;
	attr.map_flags = BPF_F_NO_PREALLOC;
	attr.key_size = sizeof(int);
	attr.value_size = sizeof(int);
	attr.btf_fd = btf;
	attr.btf_key_type_id = 1;
	attr.btf_value_type_id = 1;
	map = sys_bpf(BPF_MAP_CREATE, &attr);
	close(btf);
	return map;
}

/* The verifier takes values of a map for constants if neither side can write them. */
static int create_constants(void)
{
	union bpf_attr attr;
	int map, key = 0;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.map_flags = BPF_F_RDONLY_PROG;
	attr.key_size = sizeof(key);
	attr.value_size = sizeof(names);
	attr.max_entries = 1;
	map = sys_bpf(BPF_MAP_CREATE, &attr);

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = map;
	attr.key = ptr_to_u64(&key);
	attr.value = ptr_to_u64(names);
	if (sys_bpf(BPF_MAP_UPDATE_ELEM, &attr))
		return -1;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = map;
	return sys_bpf(BPF_MAP_FREEZE, &attr) ? -1 : map;
}

/*
 * Cgroups
 */

static const char * const dirs[] = { "a", "b" };

static int name_index(const char *name)
{
	int i;

	for (i = 0; i < NR_NAMES; i++) {
		if (!strcmp(name, names[i]))
			return i;
	}
	return -1;
}

/* Append the name of a random child to the path. */
static void descend(char *path)
{
	strcat(path, "/");
	strcat(path, dirs[choose(ARRAY_SIZE(dirs))]);
}

static const char *some_root(void)
{
	return choose(4) ? top : V1;
}

/* The path of a random cgroup, which may not exist, at least @min_depth below @root. */
static void some_cgroup_below(const char *root, char *path, int min_depth)
{
	int depth = min_depth + choose(MAX_DEPTH + 1 - min_depth);

	snprintf(path, PATH_MAX, "%s", root);
	while (depth--)
		descend(path);
}

static void some_cgroup(char *path, int min_depth)
{
	some_cgroup_below(some_root(), path, min_depth);
}

static void stat_path(char *path, const char *cgroup, const char *name)
{
	snprintf(path, PATH_MAX, "%s/" STAT_PREFIX "%s", cgroup, name);
}

/* The path of a random file, which may not exist; returns its index in names[]. */
static int some_file(char *path)
{
	int name = choose(NR_NAMES);
	char cgroup[PATH_MAX];

	some_cgroup(cgroup, 0);
	stat_path(path, cgroup, names[name]);
	return name;
}

static void make_cgroups(void)
{
	int depth = 1 + choose(MAX_DEPTH);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", some_root());
	while (depth--) {
		descend(path);
		did(MKDIR, mkdir(path, 0755));
	}
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type == FTW_DP)
		did(RMDIR, rmdir(path));
	return 0;
}

/* Remove a cgroup, alone or with its descendants. It may be the root of links. */
static void remove_cgroups(void)
{
	char path[PATH_MAX];

	some_cgroup(path, 1);
	if (choose(6))
		did(RMDIR, rmdir(path));
	else
		did(WALK, nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS));
}

static void change_modes(void)
{
	char path[PATH_MAX];

	some_cgroup(path, 0);
	did(CHANGE_DIR, chmod(path, choose(2) ? 02755 : 0755));
	did(CHANGE_DIR, chown(path, choose(3), choose(3)));
	some_file(path);
	did(CHANGE_FILE, chmod(path, choose(2) ? 0600 : 0644));
	did(CHANGE_FILE, chown(path, choose(3), choose(3)));
}

/*
 * The v1 hierarchy
 */

static bool is_v1_mounted(void)
{
	struct statfs fs;

	return !statfs(V1, &fs) && fs.f_type == CGROUP_SUPER_MAGIC;
}

static bool be_mounted(void)
{
	return is_v1_mounted() || !mount_v1(V1, V1_NAME);
}

static void mount_and_umount(void)
{
	if (choose(2))
		did(MOUNT, mount_v1(V1, V1_NAME));
	else
		did(UMOUNT, umount2(V1, choose(3) ? 0 : MNT_DETACH));
}

static void rename_cgroups(void)
{
	char path[PATH_MAX], new_path[PATH_MAX];

	some_cgroup_below(V1, path, 0);
	strcpy(new_path, path);
	descend(path);
	descend(new_path);
	did(RENAME, rename(path, new_path));
}

static int look(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return 0;
}

static void walk(void)
{
	char path[PATH_MAX];

	some_cgroup(path, 0);
	did(WALK, nftw(path, look, 16, FTW_PHYS));
}

/* Let a lazy witness be created, which nobody opens, or look for any other file. */
static void look_up(void)
{
	char cgroup[PATH_MAX], path[PATH_MAX];

	some_cgroup(cgroup, 0);
	stat_path(path, cgroup, choose(2) ? LAZY_WITNESS : names[choose(NR_NAMES)]);
	did(LOOK_UP, access(path, F_OK));
}

/*
 * Readers
 */

/* The output must be that of a link with this name. */
static void check_letters(const char *buf, int len, int name)
{
	while (len--) {
		if (buf[len] == LETTER(name))
			continue;
		fault("a letter that was read", buf[len], LETTER(name));
		return;
	}
}

static void read_whole(enum op op, const char *path, int name)
{
	char buf[2 * LONG_LEN];
	int fd, ret, len = 0;

	fd = did(OPEN, open(path, O_RDONLY | O_CLOEXEC));
	if (fd < 0)
		return;
	while ((ret = did(op, read(fd, buf + len, sizeof(buf) - len))) > 0)
		len += ret;
	check_letters(buf, len, name);
	if (!ret && len != SHORT_LEN)
		expect("length of what was read", len, LONG_LEN);
	close(fd);
}

static void read_files(void)
{
	char path[PATH_MAX];
	int name = some_file(path);

	read_whole(READ, path, name);
}

/* Read a file piecewise, by read(2) or pread(2). */
static void read_pieces(void)
{
	char path[PATH_MAX], buf[LONG_LEN];
	int name = some_file(path), by_read = choose(2), fd, ret, len, pos = 0;

	fd = did(OPEN, open(path, O_RDONLY | O_CLOEXEC));
	if (fd < 0)
		return;
	for (;;) {
		len = 1 + choose(600);
		ret = did(READ_PIECE, by_read ? read(fd, buf, len) : pread(fd, buf, len, pos));
		if (ret <= 0)
			break;
		check_letters(buf, ret, name);
		pos += ret;
		/* a pread(2) at another offset makes seq_file start over at the next read */
		if (!choose(20))
			did(READ_PIECE, pread(fd, buf, 1, choose(LONG_LEN)));
	}
	close(fd);
}

/* Keep some files open for longer, and read them now and then. */
static void hold_files(void)
{
	static struct {
		int fd;
		int name;
	} held[16];
	char path[PATH_MAX], buf[LONG_LEN];
	int i = choose(ARRAY_SIZE(held)), ret;

	if (!held[i].fd) {
		held[i].name = some_file(path);
		ret = did(OPEN, open(path, O_RDONLY | O_CLOEXEC));
		held[i].fd = ret < 0 ? 0 : ret;
		return;
	}
	if (choose(2))
		lseek(held[i].fd, 0, SEEK_SET);
	ret = did(READ_HELD, read(held[i].fd, buf, sizeof(buf)));
	if (ret > 0)
		check_letters(buf, ret, held[i].name);
	if (choose(ret < 0 ? 2 : 8))
		return;
	close(held[i].fd);
	held[i].fd = 0;
}

/* Returns whether the file was still there. A program's errno is as good as content. */
static bool read_watched(int fd)
{
	char buf[LONG_LEN];

	return did(READ_WATCHED, pread(fd, buf, sizeof(buf), 0)) >= 0 || errno == PROG_ERRNO;
}

/* Open a file, read it, and add it to the epoll; returns -1 if that fails. */
static int watch_some_file(int epoll)
{
	struct epoll_event event = { .events = EPOLLPRI | EPOLLET };
	char path[PATH_MAX];
	int fd;

	some_file(path);
	fd = did(OPEN, open(path, O_RDONLY | O_CLOEXEC));
	if (fd < 0)
		return -1;
	if (read_watched(fd) && !did(WATCH, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)))
		return fd;
	close(fd);
	return -1;
}

static int wait_for_event(int epoll, int milliseconds)
{
	struct epoll_event event;

	if (epoll_wait(epoll, &event, 1, milliseconds) == 1)
		return 0;
	errno = ETIMEDOUT;
	return -1;
}

/*
 * Wait for a change of a file, but not for long, and read it, again and again. When it is
 * gone, and the wait was in vain, then the removal's wake-up must still come: nothing else
 * causes an event that is edge-triggered. Don't wait for it for so long that the pause
 * after this step is given up.
 */
static void watch_files(void)
{
	static int epoll = -1, fd = -1;
	bool changed;

	if (epoll < 0)
		epoll = did(WATCH, epoll_create1(EPOLL_CLOEXEC));
	if (epoll < 0)
		return;
	if (fd < 0) {
		fd = watch_some_file(epoll);
		return;
	}
	changed = !wait_for_event(epoll, 50);
	if (read_watched(fd)) {
		if (changed)
			did(NOTIFY, 0);
		return;
	}
	if (errno == ENODEV)
		did(WAKE_UP, changed ? 0 : wait_for_event(epoll, PATIENCE * 500));
	close(fd);
	fd = -1;
}

static int userfaultfd(void)
{
	return syscall(__NR_userfaultfd, O_CLOEXEC);
}

/*
 * Serve page faults of programs with a delay. Some delays are long enough for a cgroup
 * or program to be freed, if it isn't referenced.
 */
static void *serve_faults(void *arg)
{
	unsigned int my_seed = seed;
	int fd = (long)arg;
	struct uffd_msg msg;
	struct uffdio_copy copy = {
		.dst = SLEEP_ADDR,
		.len = sysconf(_SC_PAGESIZE),
	};

	copy.src = ptr_to_u64(calloc(1, copy.len));
	while (read(fd, &msg, sizeof(msg)) == sizeof(msg)) {
		usleep(rand_r(&my_seed) % 10 ? rand_r(&my_seed) % 100000 : 1500000);
		add(shared->slept, 1);
		while (ioctl(fd, UFFDIO_COPY, &copy) && errno == EAGAIN)
			usleep(1000);
	}
	return NULL;
}

static void delay_faults(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register page = {
		.range = { .start = SLEEP_ADDR, .len = sysconf(_SC_PAGESIZE) },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = userfaultfd();
	pthread_t thread;

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &page) ||
	    pthread_create(&thread, NULL, serve_faults, (void *)(long)fd))
		fault("errno of userfaultfd", errno, 0);
}

/* Make sleepable programs that this process runs sleep on a page fault. */
static void be_slow(void)
{
	static bool slow;

	if (!slow)
		delay_faults();
	slow = true;
	madvise((void *)SLEEP_ADDR, sysconf(_SC_PAGESIZE), MADV_DONTNEED);
}

static void read_sleeping(void)
{
	char path[PATH_MAX];
	int name = some_file(path);

	be_slow();
	read_whole(READ_ASLEEP, path, name);
}

/*
 * Writers. A write(2) returns the whole length or an error.
 */

static void write_whole(enum op op)
{
	static const char text[MAX_WRITE];
	int fd, len = 1 + choose(choose(10) ? 10 : MAX_WRITE);
	char path[PATH_MAX];
	long ret;

	some_file(path);
	fd = did(OPEN, open(path, O_WRONLY | O_CLOEXEC));
	if (fd < 0)
		return;
	while ((ret = did(op, write(fd, text, len))) >= 0) {
		expect("length of what was written", ret, len);
		if (choose(2))
			break;
	}
	close(fd);
}

static void write_files(void)
{
	write_whole(WRITE);
}

static void write_sleeping(void)
{
	be_slow();
	write_whole(WRITE_ASLEEP);
}

/*
 * Links
 */

static bool is_ours(const struct bpf_link_info *info, const char *name)
{
	return info->type == BPF_LINK_TYPE_CGROUP_STAT && name_index(name) >= 0;
}

static bool is_all(const struct bpf_link_info *info)
{
	return info->cgroup_stat.flags & BPF_F_CGROUP_STAT_ALL;
}

static bool is_lazy(const struct bpf_link_info *info)
{
	return info->cgroup_stat.flags & BPF_F_CGROUP_STAT_LAZY;
}

/* Get a link's info and its name without the prefix. */
static int get_info(int link, struct bpf_link_info *info, char *name, int len)
{
	char file[NAME_MAX + 1] = "";
	int ret;

	memset(info, 0, sizeof(*info));
	info->cgroup_stat.name = ptr_to_u64(file);
	info->cgroup_stat.name_len = sizeof(file);
	ret = obj_info(link, info, sizeof(*info));
	snprintf(name, len, "%s", file + strlen(STAT_PREFIX));
	return ret;
}

static void check_info(int link, struct bpf_link_info *info)
{
	char name[NAME_MAX];

	if (did(INFO, get_info(link, info, name, sizeof(name))))
		return;
	expect("a link's name is ours", is_ours(info, name), true);
	expect("a link's cookie", info->cgroup_stat.cookie, name[strlen(name) - 1]);
	expect("a link's mode", info->cgroup_stat.mode, 0644);
	expect("a link has a cgroup while it is attached, unless it is for all",
	       !!info->cgroup_stat.cgroup_id, info->cgroup_stat.attached && !is_all(info));
	if (!is_lazy(info) || !info->cgroup_stat.attached)
		expect("a link has files while it is attached",
		       !!info->cgroup_stat.nr_files, info->cgroup_stat.attached);
}

static void check_fdinfo(int link)
{
	char path[64], buf[1024];
	int ret;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", link);
	ret = read_text(path, buf, sizeof(buf));
	errno = -ret;
	if (did(FDINFO, ret) >= 0)
		expect("a name in fdinfo", !!strstr(buf, "name:\t" STAT_PREFIX "race_"), true);
}

/* Returns a new file descriptor of a link that was attached recently. */
static int some_link(void)
{
	__u32 id = get(shared->links[choose(ARRAY_SIZE(shared->links))]);

	return id ? did(FIND_LINK, fd_by_id(BPF_LINK_GET_FD_BY_ID, id)) : -1;
}

static void close_link(int link)
{
	did(CLOSE_LINK, close(link));
}

static enum op attach_op(__u32 flags)
{
	static const enum op ops_of_flags[] = {
		[0] = ATTACH,
		[BPF_F_CGROUP_STAT_ALL] = ATTACH_ALL,
		[BPF_F_CGROUP_STAT_LAZY] = ATTACH_LAZY,
		[BPF_F_CGROUP_STAT_ALL | BPF_F_CGROUP_STAT_LAZY] = ATTACH_ALL_LAZY,
	};

	return ops_of_flags[flags];
}

/* Attach a program to a cgroup, or to every hierarchy if @cgroup_fd is 0. */
static int attach_to(int cgroup_fd)
{
	int name = choose(NR_NAMES), prog = some_prog(choose(NR_KINDS)), link;
	union bpf_attr attr;

	if (prog < 0)
		return -1;
	attr = link_attr(prog, cgroup_fd, names[name]);
	attr.link_create.flags = cgroup_fd ? 0 : BPF_F_CGROUP_STAT_ALL;
	if (choose(2))
		attr.link_create.flags |= BPF_F_CGROUP_STAT_LAZY;
	attr.link_create.stat_cookie = LETTER(name);
	attr.link_create.stat_mode = 0644;
	link = did(attach_op(attr.link_create.flags), link_create(&attr));
	close(prog);
	return link;
}

static int attach_somewhere(void)
{
	struct bpf_link_info info;
	char cgroup[PATH_MAX];
	int cgroup_fd = 0, link;

	if (choose(6)) {
		some_cgroup(cgroup, 0);
		cgroup_fd = did(OPEN_CGROUP, dirfd_open_opath(cgroup));
		if (cgroup_fd < 0)
			return -1;
	}
	link = attach_to(cgroup_fd);
	if (cgroup_fd)
		close(cgroup_fd);
	if (link < 0)
		return -1;
	check_info(link, &info);
	set(shared->links[choose(ARRAY_SIZE(shared->links))], info.id);
	return link;
}

/* Detach the link, and check that it has no cgroup and can't be updated afterwards. */
static void detach(int link)
{
	struct bpf_link_info info;

	did(DETACH, link_detach(link));
	check_info(link, &info);
	expect("a detached link is attached", info.cgroup_stat.attached, 0);
	if (!link_update(link, progs[SHORT], -1))
		fault("result of updating a detached link", 0, -1);
	else
		did(UPDATE_GONE, errno == ENOLINK ? 0 : -1);
}

static void attach_links(void)
{
	static int held[3];
	int *link = &held[choose(ARRAY_SIZE(held))];

	if (*link <= 0) {
		*link = attach_somewhere();
		return;
	}
	if (choose(2))
		detach(*link);
	close_link(*link);
	*link = 0;
}

static void detach_links(void)
{
	int link = some_link();

	if (link < 0)
		return;
	if (!choose(4))
		detach(link);
	close_link(link);
}

/* Update with BPF_F_REPLACE, which fails if another update comes first. */
static void update_if(int link, int prog)
{
	struct bpf_link_info info;
	int old;

	check_info(link, &info);
	old = did(FIND_PROG, fd_by_id(BPF_PROG_GET_FD_BY_ID, info.prog_id));
	if (old < 0)
		return;
	did(UPDATE_REPLACE, link_update(link, prog, old));
	close(old);
}

static void update_links(void)
{
	int link = some_link(), prog;

	if (link < 0)
		return;
	prog = some_prog(choose(NR_KINDS));
	if (choose(2))
		did(UPDATE, link_update(link, prog, -1));
	else
		update_if(link, prog);
	close(prog);
	close_link(link);
}

/* Links for every hierarchy that exist during the whole race. */
static int witness, lazy_witness;

static int files_of(int link)
{
	struct bpf_link_info info;

	memset(&info, 0, sizeof(info));
	return obj_info(link, &info, sizeof(info)) ? -1 : (int)info.cgroup_stat.nr_files;
}

static void inspect_links(void)
{
	struct bpf_link_info info;
	int link = some_link(), i;

	/* often, so that it's also read while lookups change it */
	for (i = 0; i < 100; i++)
		did(INFO, files_of(lazy_witness));
	if (link < 0)
		return;
	check_info(link, &info);
	check_fdinfo(link);
	close_link(link);
}

static int get_pin(const char *path)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.pathname = ptr_to_u64(path);
	return sys_bpf(BPF_OBJ_GET, &attr);
}

static void pin_path(char *path, int len, int i)
{
	snprintf(path, len, PINS "/%d", i);
}

static void pin_links(void)
{
	struct bpf_link_info info;
	int link = some_link();
	char path[32];

	pin_path(path, sizeof(path), choose(MAX_PINS));
	if (link >= 0) {
		did(PIN, obj_pin(link, path));
		close_link(link);
	}
	pin_path(path, sizeof(path), choose(MAX_PINS));
	link = did(GET_PIN, get_pin(path));
	if (link >= 0) {
		check_info(link, &info);
		close_link(link);
	}
	pin_path(path, sizeof(path), choose(MAX_PINS));
	did(UNPIN, unlink(path));
}

/*
 * Processes in cgroups
 */

/* In a process in the cgroup: read its files, and sleep for a while. */
static int dwell(const char *cgroup, void *unused)
{
	char path[PATH_MAX];
	int name;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (name = 0; name < NR_NAMES; name++) {
		stat_path(path, cgroup, names[name]);
		read_whole(READ, path, name);
	}
	usleep(choose(500000));
	return 0;
}

static void populate_and_kill(void)
{
	char path[PATH_MAX];
	int ret;

	signal(SIGCHLD, SIG_IGN);
	some_cgroup_below(top, path, 1);
	did(SPAWN, cg_run_nowait(path, dwell, NULL));
	if (choose(3))
		return;
	some_cgroup_below(top, path, 1);
	ret = cg_write(path, "cgroup.kill", "1");
	errno = -ret;
	did(KILL, ret);
}

/*
 * The race
 */

static const struct racer {
	const char *name;
	void (*step)(void);
	int count;
	int delay;		/* maximum between steps, in microseconds */
	bool lacks_memory;	/* only run if there is failslab */
} racers[] = {
	{ "make", make_cgroups, 2, 5000 },
	{ "remove", remove_cgroups, 3, 5000 },
	{ "attach", attach_links, 3, 30000 },
	{ "detach", detach_links, 1, 100000 },
	{ "update", update_links, 2, 10000 },
	{ "inspect", inspect_links, 1, 5000 },
	{ "pin", pin_links, 1, 20000 },
	{ "kill", populate_and_kill, 1, 20000 },
	{ "change", change_modes, 1, 10000 },
	{ "walk", walk, 1, 20000 },
	{ "look up", look_up, 2, 2000 },
	{ "read", read_files, 2, 2000 },
	{ "pieces", read_pieces, 1, 2000 },
	{ "hold", hold_files, 1, 2000 },
	{ "watch", watch_files, 3, 2000 },
	{ "sleep", read_sleeping, 2, 2000 },
	{ "write", write_files, 2, 2000 },
	{ "write asleep", write_sleeping, 1, 2000 },
	{ "mount", mount_and_umount, 2, 50000 },
	{ "rename", rename_cgroups, 1, 20000 },
	{ "make without memory", make_cgroups, 1, 10000, true },
	{ "mount without memory", mount_and_umount, 1, 50000, true },
	{ "attach without memory", attach_links, 1, 20000, true },
	{ "look up without memory", look_up, 1, 2000, true },
	{ "read without memory", read_files, 1, 2000, true },
	{ "watch without memory", watch_files, 1, 2000, true },
};

static struct {
	const struct racer *racer;
	pid_t pid;
} running[MAX_RACERS];
static int nr_running;
static bool have_failslab;

static void step_aside(void)
{
	add(shared->paused, 1);
	while (get(shared->phase) == PAUSE)
		usleep(1000);
	add(shared->paused, -1);
}

static void race(const struct racer *racer)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	lacks_memory = racer->lacks_memory;
	if (lacks_memory && write_text("/proc/self/make-it-fail", "1", 1) != 1)
		fault("errno of make-it-fail", errno, 0);
	while (get(shared->phase) != STOP) {
		racer->step();
		if (get(shared->phase) == PAUSE)
			step_aside();
		usleep(choose(racer->delay));
	}
	_exit(0);
}

static void start(const struct racer *racer)
{
	pid_t pid;

	if (nr_running == MAX_RACERS)
		ksft_exit_fail_msg("there are more than %d racers\n", MAX_RACERS);
	pid = fork();
	if (pid < 0)
		ksft_exit_fail_perror("fork");
	if (!pid) {
		self = nr_running;
		seed += nr_running;
		race(racer);
	}
	running[nr_running].racer = racer;
	running[nr_running++].pid = pid;
}

static void start_all(void)
{
	int i, n;

	for (i = 0; i < ARRAY_SIZE(racers); i++) {
		for (n = 0; n < racers[i].count; n++) {
			if (have_failslab || !racers[i].lacks_memory)
				start(&racers[i]);
		}
	}
}

static bool all_paused(void)
{
	return get(shared->paused) == nr_running;
}

static bool none_paused(void)
{
	return !get(shared->paused);
}

/* Reap the racers that have ended; returns whether all have. */
static bool all_ended(void)
{
	bool ended = true;
	int i, status;

	for (i = 0; i < nr_running; i++) {
		if (!running[i].pid)
			continue;
		if (waitpid(running[i].pid, &status, WNOHANG) != running[i].pid) {
			ended = false;
			continue;
		}
		running[i].pid = 0;
		if (status)
			fault("exit status of a racer", status, 0);
	}
	return ended;
}

/* Racers hang in the kernel or have died: report them and exit. */
static void give_up(const char *what)
{
	int i;

	ksft_print_msg("after %d seconds there are racers that haven't %s\n", PATIENCE, what);
	for (i = 0; i < nr_running; i++) {
		if (running[i].pid)
			ksft_print_msg("pid %d, %s: last finished: %s\n", running[i].pid,
				       running[i].racer->name, ops[get(shared->last[i])].name);
	}
	ksft_exit_fail_msg("the race hangs\n");
}

static void enter(enum phase phase, bool (*reached)(void), const char *what)
{
	set(shared->phase, phase);
	if (!wait_until(reached()))
		give_up(what);
}

/*
 * Comparing links and files
 */

/* All cgroups of both hierarchies, and which files are listed in them. */
static struct {
	__u64 id;
	bool is_v1;
	int parent;
	unsigned int files;	/* one bit per name in names[] */
} seen[1024];
static int nr_seen, nr_seen_files, nr_seen_witness, nr_seen_lazy_witness;

/* All names have been looked up in all cgroups, so that even lazy files are there. */
static bool looked_up;

static int see_dir(const char *path, __u64 id, bool is_v1, int parent);

static int see_entry(const char *dir, const struct dirent *entry, int cgroup)
{
	const char *name = entry->d_name;
	char path[PATH_MAX];
	int i;

	if (entry->d_type == DT_DIR && name[0] != '.') {
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		return see_dir(path, entry->d_ino, seen[cgroup].is_v1, cgroup);
	}
	if (strncmp(name, STAT_PREFIX, strlen(STAT_PREFIX)))
		return 0;
	nr_seen_witness += !strcmp(name, STAT_PREFIX WITNESS);
	nr_seen_lazy_witness += !strcmp(name, STAT_PREFIX LAZY_WITNESS);
	i = name_index(name + strlen(STAT_PREFIX));
	if (i >= 0) {
		seen[cgroup].files |= 1 << i;
		nr_seen_files++;
	}
	return 0;
}

static int see_dir(const char *path, __u64 id, bool is_v1, int parent)
{
	int cgroup = nr_seen, ret = 0;
	struct dirent *entry;
	DIR *dir;

	if (++nr_seen > ARRAY_SIZE(seen))
		return -1;
	dir = opendir(path);
	if (!dir)
		return -1;
	seen[cgroup].id = id;
	seen[cgroup].is_v1 = is_v1;
	seen[cgroup].parent = parent;
	seen[cgroup].files = 0;
	while (!ret && (entry = readdir(dir)))
		ret = see_entry(path, entry, cgroup);
	closedir(dir);
	return ret;
}

static bool see_hierarchy(const char *path, bool is_v1)
{
	struct stat st;

	return !stat(path, &st) && !see_dir(path, st.st_ino, is_v1, -1);
}

/*
 * Fill seen[]. To be called while racers pause; returns false if a cgroup vanished. If
 * the v1 hierarchy isn't mounted, it may exist all the same, so mount it.
 */
static bool see_all(void)
{
	nr_seen = 0;
	nr_seen_files = 0;
	nr_seen_witness = 0;
	nr_seen_lazy_witness = 0;
	return be_mounted() && see_hierarchy(hierarchy, false) && see_hierarchy(V1, true);
}

/* Is seen[@cgroup] one that the link is for? Ids are only unique within a hierarchy. */
static bool is_for(const struct bpf_link_info *info, int cgroup)
{
	if (is_all(info))
		return true;
	if (seen[cgroup].is_v1 != !!info->cgroup_stat.hierarchy_id)
		return false;
	for (; cgroup >= 0; cgroup = seen[cgroup].parent) {
		if (seen[cgroup].id == info->cgroup_stat.cgroup_id)
			return true;
	}
	return false;
}

static char disagreement[256];

static __printf(1, 2) bool disagree(const char *how, ...)
{
	va_list args;

	va_start(args, how);
	vsnprintf(disagreement, sizeof(disagreement), how, args);
	va_end(args);
	return false;
}

/*
 * Check that each cgroup of the subtree has the file, unless it is lazy and not all were
 * looked up, and that nr_files says so.
 */
static bool agrees(const struct bpf_link_info *info, const char *name)
{
	int told = info->cgroup_stat.nr_files;
	int bit = 1 << name_index(name), i, cgroups = 0, files = 0;

	/* detached, but not closed yet */
	if (!info->cgroup_stat.attached)
		return true;
	for (i = 0; i < nr_seen; i++) {
		if (!is_for(info, i))
			continue;
		cgroups++;
		files += !!(seen[i].files & bit);
	}
	return (files == told && (files == cgroups || (is_lazy(info) && !looked_up))) ||
	       disagree("link below %llu, hierarchy %u: %d files, but %d of %d cgroups have %s",
			info->cgroup_stat.cgroup_id, info->cgroup_stat.hierarchy_id, told,
			files, cgroups, name);
}

/* As agrees(). Also true for other links, and for links that were closed meanwhile. */
static bool id_agrees(__u32 id, int *files)
{
	int link = fd_by_id(BPF_LINK_GET_FD_BY_ID, id);
	struct bpf_link_info info;
	char name[NAME_MAX + 1];
	bool ok = true;

	if (link < 0)
		return true;
	if (!get_info(link, &info, name, sizeof(name)) && is_ours(&info, name)) {
		*files += info.cgroup_stat.nr_files;
		ok = agrees(&info, name);
	}
	close(link);
	return ok;
}

static struct {
	int links;
	int progs;
	int files;	/* of the eager witness */
	long nodes;
} before;

static bool witness_agrees(int link, int seen_files, bool in_all)
{
	int told = files_of(link);

	return (told == seen_files && (seen_files == nr_seen || !in_all)) ||
	       disagree("%d cgroups, a link for all speaks of %d files, %d are there",
			nr_seen, told, seen_files);
}

/* Check that each cgroup has their files, and that nr_files says so. */
static bool witnesses_agree(void)
{
	return witness_agrees(witness, nr_seen_witness, true) &&
	       witness_agrees(lazy_witness, nr_seen_lazy_witness, looked_up);
}

/* Check that the files in both hierarchies are exactly those of the links. */
static bool links_agree(void)
{
	int files = 0;
	__u32 id = 0;

	if (!see_all())
		return disagree("the cgroups can't be walked: %s", strerror(errno));
	if (!witnesses_agree())
		return false;
	while ((id = next_id(BPF_LINK_GET_NEXT_ID, id))) {
		if (!id_agrees(id, &files))
			return false;
	}
	return files == nr_seen_files ||
	       disagree("links speak of %d files, %d are there", files, nr_seen_files);
}

static int look_up_in(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char file[PATH_MAX];
	int i;

	if (type != FTW_D)
		return 0;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		stat_path(file, path, names[i]);
		access(file, F_OK);
	}
	return 0;
}

/* Create the lazy files, and drop the dentries of files that were removed. */
static bool look_all_up(const char *path)
{
	return !nftw(path, look_up_in, 16, FTW_PHYS);
}

/* As links_agree(), before and after all names have been looked up in all cgroups. */
static bool all_agree(void)
{
	bool ok;

	if (!links_agree())
		return false;
	if (!look_all_up(hierarchy) || !look_all_up(V1))
		return disagree("not all can be looked up: %s", strerror(errno));
	looked_up = true;
	ok = links_agree();
	looked_up = false;
	return ok;
}

static bool remove_v1(void)
{
	return be_mounted() && !remove_descendants(V1) && umount_v1(V1, V1_NAME);
}

static bool no_dying_cgroups(void)
{
	return !cg_read_key_long(top, "cgroup.stat", "nr_dying_descendants ");
}

static bool no_files(void)
{
	return see_all() && !nr_seen_files;
}

static bool links_as_before(void)
{
	return count_links() == before.links;
}

static bool progs_as_before(void)
{
	return count_progs() == before.progs;
}

/*
 * Memory that runs out
 */

static struct failslab_file failslab[] = {
	{ "probability", "0" },	/* until all other values are set */
	{ "task-filter", "Y" },
	{ "ignore-gfp-wait", "N" },
	{ "cache-filter", "N" },
	{ "interval", "20" },	/* the kernel warns if kmalloc() and then vmalloc() fail */
	{ "space", "0" },
	{ "times", "-1" },
	{ "verbose", "0" },
	{ "probability", "40" },
};

/*
 * The tests
 */

static void print_tally(enum op op)
{
	const struct tally *tally = &shared->tally[op];
	int i;

	ksft_print_msg("%s: %ld", ops[op].name, tally->done);
	for (i = 0; i < MAX_EXCUSES; i++) {
		if (tally->excused[i])
			printf(", %s %ld", ops[op].excuses[i].why, tally->excused[i]);
	}
	if (tally->no_memory)
		printf(", no memory %ld", tally->no_memory);
	printf("\n");
}

static bool each_succeeded(void)
{
	int op;

	for (op = 0; op < NR_OPS; op++) {
		if (!get(shared->tally[op].done))
			return false;
	}
	return get(shared->slept);
}

static bool memory_ran_out(void)
{
	return get(shared->tally[MKDIR].no_memory) && get(shared->tally[ATTACH].no_memory) &&
	       get(shared->tally[LOOK_UP].no_memory);
}

static bool all_happened(void)
{
	return each_succeeded() && (!have_failslab || memory_ran_out());
}

/*
 * Run the racers; returns whether links and files agreed in all pauses. This takes
 * longer than @seconds on a slow machine, until each operation has succeeded once.
 */
static bool run(int seconds)
{
	time_t end = now_seconds() + seconds, late = end + PATIENCE;
	bool ok = true;

	do {
		sleep(seconds < ROUND ? seconds : ROUND);
		enter(PAUSE, all_paused, "paused");
		if (!wait_until(all_agree())) {
			ksft_print_msg("%s\n", disagreement);
			ok = false;
		}
		enter(RUN, none_paused, "gone on");
	} while (now_seconds() < end || (now_seconds() < late && !all_happened()));
	enter(STOP, all_ended, "ended");
	return ok;
}

static void remove_pins(void)
{
	char path[32];
	int i;

	for (i = 0; i < MAX_PINS; i++) {
		pin_path(path, sizeof(path), i);
		unlink(path);
	}
}

static int attach_witness(const char *name, __u32 flags)
{
	union bpf_attr attr = link_attr(progs[SHORT], 0, name);
	int link;

	attr.link_create.flags = BPF_F_CGROUP_STAT_ALL | flags;
	link = link_create(&attr);
	if (link < 0)
		ksft_exit_fail_perror("attaching to every hierarchy");
	return link;
}

static void make_witnesses(void)
{
	witness = attach_witness(WITNESS, 0);
	lazy_witness = attach_witness(LAZY_WITNESS, BPF_F_CGROUP_STAT_LAZY);
	before.links = count_links();
	before.files = files_of(witness);
	if (!see_all())
		ksft_exit_skip("there are more than %d cgroups\n", (int)ARRAY_SIZE(seen));
}

/* One that was unmounted may still have to be destroyed. */
static bool has_other_hierarchies(void)
{
	char buf[4096];

	return read_text("/proc/self/cgroup", buf, sizeof(buf)) < 0 ||
	       strncmp(buf, "0::", 3) || strchr(buf, '\n')[1];
}

/* Mount bpffs for the pins, and make a mount point that can't be written to. */
static void make_mounts(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", MNT, "tmpfs", 0, NULL) || mkdir(PINS, 0755) || mkdir(V1, 0755) ||
	    mount("none", MNT, NULL, MS_REMOUNT | MS_RDONLY, NULL) ||
	    mount("none", PINS, "bpf", 0, NULL))
		ksft_exit_fail_perror("mounting at " MNT);
	if (!be_mounted())
		ksft_exit_skip("the kernel has no cgroup v1\n");
	if (!remove_v1())
		ksft_exit_fail_perror("unmounting a new v1 hierarchy");
}

static void prepare(void)
{
	enum kind kind;
	int fd;

	if (cg_find_unified_root(hierarchy, sizeof(hierarchy), NULL))
		ksft_exit_skip("cgroup v2 isn't mounted\n");
	snprintf(top, sizeof(top), "%s/test_subtree_race", hierarchy);
	if (!wait_until(!has_other_hierarchies()))
		ksft_exit_skip("there are cgroup v1 hierarchies\n");
	fd = userfaultfd();
	if (fd < 0)
		ksft_exit_skip("the kernel has no userfaultfd\n");
	close(fd);

	/* a run that was interrupted may have left it behind */
	if ((cg_create(top) && errno != EEXIST) || clear_cgroup(top) || rmdir(top))
		ksft_exit_fail_perror(top);
	before.nodes = settled_nodes();
	if (cg_create(top))
		ksft_exit_fail_perror(top);
	before.progs = count_progs();

	storage = create_storage();
	if (storage < 0)
		ksft_exit_fail_perror("making a map for values in cgroups");
	constants = create_constants();
	if (constants < 0)
		ksft_exit_fail_perror("making a map for constants");
	notify = kfunc_id("bpf_cgroup_stat_notify");
	for (kind = 0; kind < NR_KINDS; kind++) {
		progs[kind] = load(kind);
		if (progs[kind] < 0 && errno == EINVAL && !kind)
			ksft_exit_skip("the kernel has no cgroup_stat programs\n");
		if (progs[kind] < 0)
			ksft_exit_fail_perror("loading a program");
	}

	make_mounts();
	make_witnesses();
	if (mmap((void *)SLEEP_ADDR, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		ksft_exit_fail_perror("mapping a page for programs to read");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		ksft_exit_fail_perror("mapping memory for all");
}

static void drop_programs(void)
{
	enum kind kind;

	for (kind = 0; kind < NR_KINDS; kind++)
		close(progs[kind]);
	close(storage);
	close(constants);
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : SECONDS;
	bool agreed;
	int op;

	if (argc > 3 || seconds <= 0) {
		fprintf(stderr, "usage: %s [SECONDS [SEED]]\n", argv[0]);
		return KSFT_FAIL;
	}
	seed = argc > 2 ? strtoul(argv[2], NULL, 0) : time(NULL);
	umask(022);
	ksft_print_header();
	prepare();
	ksft_set_plan(12);
	ksft_print_msg("%d seconds, seed %u\n", seconds, seed);

	/* let allocations fail in tasks that have set make-it-fail */
	have_failslab = set_failslab(failslab, ARRAY_SIZE(failslab));
	start_all();
	agreed = run(seconds);
	if (have_failslab)
		restore_failslab(failslab, ARRAY_SIZE(failslab));
	for (op = 0; op < NR_OPS; op++)
		print_tally(op);

	ksft_test_result(agreed, "links and files agreed whenever all paused\n");
	ksft_test_result(each_succeeded(), "each operation succeeded, and programs slept\n");
	ksft_test_result(!shared->failures, "nothing failed but what may\n");
	ksft_test_result(!shared->faults, "nothing was read or told that can't be\n");
	if (have_failslab)
		ksft_test_result(memory_ran_out(), "memory ran out in mkdir, attach and look-up\n");
	else
		ksft_test_result_skip("the kernel has no failslab\n");

	remove_pins();
	ksft_test_result(wait_until(links_as_before()), "all links went\n");
	ksft_test_result(wait_until(no_files()), "all files went\n");
	ksft_test_result(!clear_cgroup(top) && wait_until(no_dying_cgroups()),
			 "all cgroups went\n");
	ksft_test_result(remove_v1(), "the v1 hierarchy went\n");
	ksft_test_result(wait_until(files_of(witness) == before.files) &&
			 wait_until(files_of(lazy_witness) == before.files),
			 "links for every hierarchy have a file for each cgroup that is left\n");
	close(witness);
	close(lazy_witness);
	drop_programs();
	ksft_test_result(wait_until(progs_as_before()), "all programs went\n");
	rmdir(top);
	look_all_up(hierarchy);
	if (before.nodes >= 0)
		ksft_test_result(nodes_went(before.nodes), "no kernfs nodes are left\n");
	else
		ksft_test_result_skip("no count of kernfs nodes, CONFIG_SLUB_DEBUG\n");
	ksft_finished();
}
