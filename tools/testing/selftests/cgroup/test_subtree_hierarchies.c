// SPDX-License-Identifier: GPL-2.0
/*
 * The files of cgroup_stat links in cgroup v1 hierarchies, which come and go with
 * mount(2) and umount(2), and the files of links for every cgroup of every hierarchy.
 *
 * All mounts are in a mount namespace of the test's own, below a tmpfs. After each test,
 * the v1 hierarchies that it has left are cleared and unmounted, and there must not be
 * more kernfs nodes than before.
 *
 * test_subtree_hierarchies TEST... runs only these, for example test_remount.
 * test_subtree_hierarchies /PATH is what the kernel runs as a release agent: it removes
 * this cgroup of the hierarchy AGENT.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/limits.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "kselftest.h"
#include "cgroup_util.h"
#include "subtree_util.h"

#define V1		"subtree_test"	/* name of a v1 hierarchy */
#define AGENT		"subtree_agent"	/* that of one with a release agent */
#define WALK		MNT "/walk"	/* hierarchies are mounted here to count files */
#define MAX_V1		64
#define SLEEP_ADDR	0x10000000	/* programs sleep on a page fault here */

static long nodes;	/* number of kernfs nodes before the first test, or -1 */
static int last_id;	/* no v1 hierarchy had a higher id then */

/*
 * V1 hierarchies
 */

/*
 * Those that exist, mounted or not. Each is described by its controllers and its name, in
 * the format of mount options.
 */
static struct v1 {
	int id;
	char what[128];
} v1[MAX_V1];

static int count_v1(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];
	int nr = 0;

	check(file);
	while (fgets(line, sizeof(line), file)) {
		/* the line of the default hierarchy is "0::/..." */
		check(nr < MAX_V1);
		nr += sscanf(line, "%d:%127[^:]", &v1[nr].id, v1[nr].what) == 2;
	}
	fclose(file);
	return nr;
}

static int hierarchy_id(const char *what)
{
	int nr = count_v1();

	while (nr--) {
		if (!strcmp(v1[nr].what, what))
			return v1[nr].id;
	}
	return -1;
}

/* Mount in a directory below MNT. Returns its path, or NULL with errno set. */
static char *mount_at(const char *dir, const char *type, const char *options)
{
	char *path = cg_name(MNT, dir);

	check(path && (!mkdir(path, 0755) || errno == EEXIST));
	return mount("none", path, type, 0, options) ? NULL : path;
}

static char *mount_named(const char *name)
{
	char options[64], *path;

	snprintf(options, sizeof(options), "none,name=%s", name);
	path = mount_at(name, "cgroup", options);
	check(path);
	return path;
}

/* A controller can't be mounted if cgroups of another hierarchy use it. */
static int cant_mount(const char *options)
{
	ksft_print_msg("a v1 hierarchy can't be mounted with %s: %s\n", options, strerror(errno));
	return KSFT_SKIP;
}

/*
 * The options of the file system that is mounted on @dir. To mount cgroup2 with others
 * would change those of all its mounts.
 */
static char *mounted_options(const char *dir)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[2 * PATH_MAX], path[PATH_MAX], *options = NULL;

	check(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %*s %*s %*s %4095s", path) == 1 && !strcmp(path, dir)) {
			free(options);
			options = strdup(strrchr(line, ' ') + 1);
		}
	}
	fclose(file);
	check(options);
	options[strcspn(options, "\n")] = '\0';
	return options;
}

/*
 * Unmount a v1 hierarchy. It is destroyed if it has no cgroups, but those that were
 * removed count until they are freed. A remount is refused as long as there are any.
 */
static void unmount(const char *dir)
{
	char *options = mounted_options(dir);

	check(wait_until(!mount(NULL, dir, NULL, MS_REMOUNT, options)));
	free(options);
	check(!umount(dir));
}

/* The same, and wait until the hierarchy is gone. */
static void unmount_for_good(const char *dir)
{
	int nr = count_v1();

	unmount(dir);
	check(wait_until(count_v1() < nr));
}

/* If the hierarchy of that name is dying, but isn't destroyed, mount(2) never returns. */
static bool can_be_mounted(const char *name)
{
	int status;
	pid_t pid;

	pid = fork();
	check(pid >= 0);
	if (!pid) {
		mount_named(name);
		_exit(KSFT_PASS);
	}
	if (wait_until(waitpid(pid, &status, WNOHANG) == pid))
		return WIFEXITED(status) && WEXITSTATUS(status) == KSFT_PASS;
	kill(pid, SIGKILL);
	ksft_print_msg("mounting %s takes more than %d s\n", name, PATIENCE);
	return false;
}

/* Add up what @count returns for all hierarchies, mounted or not. */
static int sum_everywhere(int (*count)(const char *top, const char *name), const char *name)
{
	int sum = count(hierarchy, name), nr = count_v1();

	while (nr--) {
		check(!mount("none", WALK, "cgroup", 0, v1[nr].what));
		sum += count(WALK, name);
		check(!umount(WALK));
	}
	return sum;
}

static int count_everywhere(const char *name)
{
	return sum_everywhere(count_files_below, name);
}

static int count_cgroups(const char *top, const char *unused)
{
	return count_cgroups_below(top);
}

static int count_cgroups_everywhere(void)
{
	return sum_everywhere(count_cgroups, NULL);
}

/*
 * Links
 */

static int attach_all_prog(int prog_fd, const char *name)
{
	return attach_with_flags(prog_fd, NULL, name, BPF_F_CGROUP_STAT_ALL);
}

static int attach_all(const char *name)
{
	return attach_all_prog(prog, name);
}

/* A lazy link to @cgroup, or for every cgroup if that is NULL. */
static int attach_lazy(int prog_fd, const char *cgroup, const char *name)
{
	__u32 all = cgroup ? 0 : BPF_F_CGROUP_STAT_ALL;

	return attach_with_flags(prog_fd, cgroup, name, BPF_F_CGROUP_STAT_LAZY | all);
}

/* Returns nr_files of the link, or -1 if the hierarchies have more or fewer files. */
static int files_of(int link, const char *name)
{
	check(link >= 0);
	return agreed(link, count_everywhere(name));
}

/*
 * Programs that output which cgroup they were run for
 */

struct ids {
	__u64 cgroup;
	__u64 hierarchy;
};

/*
 * The BTF of the kernel, for the offsets of the ids in struct cgroup and others: the
 * programs are written in machine code, so there is no libbpf to relocate them.
 */
static struct btf_header *kernel_btf;

static void read_btf(void)
{
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY), len = 0, ret;
	struct stat st;

	check(fd >= 0 && !fstat(fd, &st));
	kernel_btf = malloc(st.st_size);
	check(kernel_btf);
	while ((ret = read(fd, (char *)kernel_btf + len, st.st_size - len)) > 0)
		len += ret;
	check_eq(len, st.st_size);
	close(fd);
}

static size_t btf_type_size(const struct btf_type *type)
{
	int vlen = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return sizeof(*type) + sizeof(__u32);
	case BTF_KIND_ARRAY:
		return sizeof(*type) + sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return sizeof(*type) + vlen * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return sizeof(*type) + vlen * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return sizeof(*type) + vlen * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return sizeof(*type) + vlen * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return sizeof(*type) + vlen * sizeof(struct btf_var_secinfo);
	default:
		return sizeof(*type);
	}
}

/* The offset of a member in a structure of the kernel. */
static int offset_of(const char *structure, const char *member)
{
	char *base = (char *)kernel_btf + kernel_btf->hdr_len, *pos = base + kernel_btf->type_off;
	char *end = pos + kernel_btf->type_len, *strings = base + kernel_btf->str_off;
	const struct btf_member *members;
	const struct btf_type *type;
	int i;

	for (; pos < end; pos += btf_type_size(type)) {
		type = (const void *)pos;
		if (BTF_INFO_KIND(type->info) != BTF_KIND_STRUCT ||
		    strcmp(strings + type->name_off, structure))
			continue;
		members = (const void *)(type + 1);
		for (i = 0; i < BTF_INFO_VLEN(type->info); i++) {
			if (!strcmp(strings + members[i].name_off, member))
				return BTF_MEMBER_BIT_OFFSET(members[i].offset) / 8;
		}
	}
	ksft_print_msg("the kernel's BTF doesn't have %s.%s\n", structure, member);
	check(false);
	return -1;
}

#define LOAD(size, d, s, o)	INSN(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define STORE(o, s)		INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, s, o, 0)
#define MOV(d, s)		INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOV_IMM(d, i)		INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define ADD_IMM(d, i)		INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define CALL(f)			INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)

/*
 * Load a program that outputs struct ids. If it is sleepable, it reads SLEEP_ADDR of the
 * reader's memory first.
 */
static int load_ids(__u32 flags)
{
	const struct bpf_insn insns[] = {
		MOV(BPF_REG_6, BPF_REG_1),
		MOV(BPF_REG_1, BPF_REG_10),
		ADD_IMM(BPF_REG_1, -8),
		MOV_IMM(BPF_REG_2, 8),
		MOV_IMM(BPF_REG_3, SLEEP_ADDR),
		CALL(flags & BPF_F_SLEEPABLE ? BPF_FUNC_copy_from_user :
					       BPF_FUNC_probe_read_user),
		/* r7 = ctx->cgroup; ids.cgroup = r7->kn->id */
		LOAD(BPF_DW, BPF_REG_7, BPF_REG_6, 8),
		LOAD(BPF_DW, BPF_REG_1, BPF_REG_7, offset_of("cgroup", "kn")),
		LOAD(BPF_DW, BPF_REG_1, BPF_REG_1, offset_of("kernfs_node", "id")),
		STORE(-16, BPF_REG_1),
		/* ids.hierarchy = r7->root->hierarchy_id */
		LOAD(BPF_DW, BPF_REG_1, BPF_REG_7, offset_of("cgroup", "root")),
		LOAD(BPF_W, BPF_REG_1, BPF_REG_1, offset_of("cgroup_root", "hierarchy_id")),
		STORE(-8, BPF_REG_1),
		/* r1 = ctx->meta->seq; both members are at offset 0 */
		LOAD(BPF_DW, BPF_REG_1, BPF_REG_6, 0),
		LOAD(BPF_DW, BPF_REG_1, BPF_REG_1, 0),
		MOV(BPF_REG_2, BPF_REG_10),
		ADD_IMM(BPF_REG_2, -16),
		MOV_IMM(BPF_REG_3, sizeof(struct ids)),
		CALL(BPF_FUNC_seq_write),
		MOV_IMM(BPF_REG_0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return prog_load("ids", insns, ARRAY_SIZE(insns), flags);
}

/* Does the open file say that it is the one of this cgroup? */
static bool tells(int fd, __u64 cgroup_id, int hierarchy_id)
{
	struct ids ids;

	if (pread(fd, &ids, sizeof(ids), 0) != sizeof(ids))
		return false;
	if (ids.cgroup == cgroup_id && ids.hierarchy == hierarchy_id)
		return true;
	ksft_print_msg("cgroup %llu of hierarchy %llu, not %llu of %d\n", ids.cgroup,
		       ids.hierarchy, cgroup_id, hierarchy_id);
	errno = 0;
	return false;
}

static __u64 cgroup_id(const char *cgroup)
{
	struct stat st;

	check(!stat(cgroup, &st));
	return st.st_ino;
}

static bool tells_where(const char *cgroup, const char *name, const char *what)
{
	int fd = open_file(cgroup, name);
	bool ret = tells(fd, cgroup_id(cgroup), hierarchy_id(what));

	close(fd);
	return ret;
}

/*
 * A thread that reads a file and sleeps in the program, or lists a directory and sleeps
 * when the next entry is stored.
 */
struct sleeper {
	pthread_t thread;
	int file;
	int faults;
	struct ids ids;
	ssize_t ret;
};

static void *read_asleep(void *arg)
{
	struct sleeper *sleeper = arg;

	sleeper->ret = read(sleeper->file, &sleeper->ids, sizeof(sleeper->ids));
	return NULL;
}

static void *list_asleep(void *arg)
{
	struct sleeper *sleeper = arg;

	sleeper->ret = syscall(__NR_getdents64, sleeper->file, SLEEP_ADDR, sysconf(_SC_PAGESIZE));
	return NULL;
}

static void start_sleeper(struct sleeper *sleeper, void *(*fn)(void *arg), int file)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register page = {
		.range = { .start = SLEEP_ADDR, .len = sysconf(_SC_PAGESIZE) },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffd_msg msg;

	check(mmap((void *)SLEEP_ADDR, page.range.len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
	      (void *)SLEEP_ADDR);
	sleeper->file = file;
	sleeper->faults = syscall(__NR_userfaultfd, O_CLOEXEC);
	check(sleeper->faults >= 0);
	check(!ioctl(sleeper->faults, UFFDIO_API, &api));
	check(!ioctl(sleeper->faults, UFFDIO_REGISTER, &page));
	check(!pthread_create(&sleeper->thread, NULL, fn, sleeper));
	check_eq(read(sleeper->faults, &msg, sizeof(msg)), sizeof(msg));
}

static void wake_sleeper(struct sleeper *sleeper)
{
	struct uffdio_zeropage page = {
		.range = { .start = SLEEP_ADDR, .len = sysconf(_SC_PAGESIZE) },
	};

	check(!ioctl(sleeper->faults, UFFDIO_ZEROPAGE, &page));
	check(!pthread_join(sleeper->thread, NULL));
	check(!close(sleeper->faults));
}

/*
 * Where and when files exist in a v1 hierarchy
 */

static int test_v1_whole_hierarchy(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a"), *b = new_cgroup(a, "b"), *c;
	int link = attach(root, NAME);

	check_eq(files_of(link, NAME), 3);
	check(has_file(root, NAME) && has_file(a, NAME) && has_file(b, NAME));
	c = new_cgroup(b, "c");
	check(has_file(c, NAME));
	check_eq(files_of(link, NAME), 4);
	check(!rmdir(c));
	check_eq(files_of(link, NAME), 3);

	check(!link_detach(link));
	check(is_gone(link));
	check_eq(count_everywhere(NAME), 0);
	check(!has_file(new_cgroup(a, "new"), NAME));
	return KSFT_PASS;
}

static int test_v1_subtree(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a"), *b = new_cgroup(a, "b"), buf[8];
	int dir = open_cgroup(a), link = attach(a, NAME), fd;
	union bpf_attr attr = link_attr(prog, dir, NAME);

	check(!has_file(new_cgroup(root, "sibling"), NAME));
	check_eq(files_of(link, NAME), 2);
	check(has_file(a, NAME) && has_file(b, NAME));

	/* the link can't be used after its root was removed, nor can the root */
	fd = open_file(b, NAME);
	check(!rmdir(b) && !rmdir(a));
	check(is_gone(link));
	check(fails(read(fd, buf, sizeof(buf)), ENODEV));
	check(fails(link_create(&attr), ENODEV));
	check(!has_file(new_cgroup(root, "a"), NAME));
	return KSFT_PASS;
}

/* The program runs for the cgroup in whose directory the file is. */
static int test_v1_contents(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a"), *b = new_cgroup(a, "b");
	int link = attach_prog(load_ids(0), root, NAME);
	int sublink = attach_prog(load_ids(0), b, "sub");
	struct bpf_link_info info = link_info(link), subinfo = link_info(sublink);

	check(tells_where(root, NAME, "name=" V1));
	check(tells_where(a, NAME, "name=" V1));
	check(tells_where(new_cgroup(b, "c"), NAME, "name=" V1));
	check(tells_where(b, "sub", "name=" V1));

	check_eq(info.cgroup_stat.cgroup_id, cgroup_id(root));
	check_eq(info.cgroup_stat.hierarchy_id, hierarchy_id("name=" V1));
	check_eq(info.cgroup_stat.flags, 0);
	check(fdinfo_has(link, "flags:\t0x0\n"));
	check_eq(subinfo.cgroup_stat.cgroup_id, cgroup_id(b));
	check_eq(subinfo.cgroup_stat.hierarchy_id, hierarchy_id("name=" V1));
	return KSFT_PASS;
}

/* A file belongs to the owner of the parent's directory, that of the root to root. */
static int test_v1_owner(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a"), *b = new_cgroup(a, "b");

	check(!chown(root, 1, 2) && !chown(a, 3, 4));
	check(attach(root, NAME) >= 0);
	check(owned_by(stat_file(root, NAME), 0, 0));
	check(owned_by(stat_file(a, NAME), 1, 2));
	check(owned_by(stat_file(b, NAME), 3, 4));
	check(owned_by(stat_file(new_cgroup(a, "new"), NAME), 3, 4));
	return KSFT_PASS;
}

/*
 * Kinds of hierarchies. Each test mounts one, and lets files and cgroups come and go.
 */

/* Return: KSFT_PASS, or KSFT_SKIP if such a hierarchy can't be mounted. */
static int live(const char *type, const char *options, const char *what)
{
	char *root = mount_at(V1, type, options), *a, *b;
	int link, sublink, lazy, fd;

	if (!root)
		return cant_mount(options ?: type);
	a = new_cgroup(root, "a");
	link = attach_prog(load_ids(0), root, NAME);
	sublink = attach_prog(load_ids(0), a, "sub");
	lazy = attach_lazy(load_ids(0), root, "lazy");
	b = new_cgroup(a, "b");
	check_eq(files_of(link, NAME), 3);
	check_eq(files_of(sublink, "sub"), 2);
	check(tells_where(root, NAME, what) && tells_where(a, NAME, what));
	check(tells_where(b, NAME, what) && tells_where(b, "sub", what));
	check_eq(files_of(lazy, "lazy"), 0);
	check(tells_where(root, "lazy", what) && tells_where(b, "lazy", what));
	check_eq(files_of(lazy, "lazy"), 2);

	fd = open_file(b, NAME);
	check(!rmdir(b));
	check(fails(read(fd, &(char){}, 1), ENODEV));
	check_eq(files_of(link, NAME), 2);
	check_eq(files_of(lazy, "lazy"), 1);
	check(!close(sublink));
	check_eq(count_everywhere("sub"), 0);
	check(!rmdir(a));
	check(!close(fd));
	unmount_for_good(root);
	check(is_gone(link) && is_gone(lazy));
	return 0;
}

static int test_cpuset(const char *top)
{
	return live("cgroup", "cpuset", "cpuset");
}

static int test_cpuset_noprefix(const char *top)
{
	return live("cgroup", "cpuset,noprefix", "cpuset");
}

static int test_cpuset_file_system(const char *top)
{
	return live("cpuset", NULL, "cpuset");
}

static int test_cpu_and_cpuacct(const char *top)
{
	return live("cgroup", "cpu,cpuacct", "cpu,cpuacct");
}

static int test_memory(const char *top)
{
	return live("cgroup", "memory", "memory");
}

static int test_pids_and_freezer(const char *top)
{
	return live("cgroup", "pids,freezer,name=" V1, "freezer,pids,name=" V1);
}

static int test_blkio(const char *top)
{
	return live("cgroup", "blkio", "blkio");
}

static int test_net_cls(const char *top)
{
	return live("cgroup", "net_cls", "net_cls");
}

static int test_favordynmods(const char *top)
{
	return live("cgroup", "none,favordynmods,name=" V1, "name=" V1);
}

static int test_xattr(const char *top)
{
	return live("cgroup", "none,xattr,name=" V1, "name=" V1);
}

/* Extended attributes are lost with the file. */
static int test_xattr_of_file(const char *top)
{
	char *root = mount_at(V1, "cgroup", "none,xattr,name=" V1), value[8];
	int link = attach(root, NAME);

	check(link >= 0);
	check(!setxattr(stat_file(root, NAME), "trusted.a", "1", 1, 0));
	check_eq(getxattr(stat_file(root, NAME), "trusted.a", value, sizeof(value)), 1);
	check(!close(link));
	check(attach(root, NAME) >= 0);
	check(fails(getxattr(stat_file(root, NAME), "trusted.a", value, sizeof(value)), ENODATA));
	return KSFT_PASS;
}

/* A new cpuset is a copy of its parent. It has the files of a new cgroup. */
static int test_clone_children(const char *top)
{
	char *root = mount_at(V1, "cgroup", "cpuset,clone_children"), *a, *b;
	int link;

	if (!root)
		return cant_mount("cpuset,clone_children");
	link = attach_prog(load_ids(0), root, NAME);
	a = new_cgroup(root, "a");
	b = new_cgroup(a, "b");
	check(!cg_read_strcmp(b, "cgroup.clone_children", "1\n"));
	check(cg_read_strcmp(b, "cpuset.cpus", "\n"));
	check_eq(files_of(link, NAME), 3);
	check(tells_where(a, NAME, "cpuset") && tells_where(b, NAME, "cpuset"));
	return KSFT_PASS;
}

/*
 * What cgroup v2 doesn't have
 */

static int enter(void *cgroup)
{
	return cg_enter_current(cgroup);
}

/* Remove a cgroup that became empty, as the kernel's usermode helper. */
static int run_agent(const char *path)
{
	if (mount_privately("none", "cgroup", 0, "name=" AGENT))
		return KSFT_FAIL;
	return rmdir(cg_name(MNT, path)) ? KSFT_FAIL : KSFT_PASS;
}

static int test_release_agent(const char *top)
{
	char *root = mount_named(AGENT), agent[PATH_MAX] = "", buf[8], *a;
	int link = attach(root, NAME), fd;

	check(readlink("/proc/self/exe", agent, sizeof(agent) - 1) > 0);
	check(!cg_write(root, "release_agent", agent));
	check(!cg_write(root, "notify_on_release", "1"));
	a = new_cgroup(root, "a");
	fd = open_file(a, NAME);
	check_eq(files_of(link, NAME), 2);
	check_eq(in_child(enter, a), 0);
	check(wait_until(access(a, F_OK)));
	check_eq(files_of(link, NAME), 1);
	check(fails(read(fd, buf, sizeof(buf)), ENODEV));
	return KSFT_PASS;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && !strcmp(text + len - end_len, end);
}

/* A cgroup that is renamed keeps its files and links. Only the path changes. */
static int test_rename(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a"), *b = cg_name(root, "b");
	int link = attach_prog(load_ids(0), root, NAME), sublink = attach(a, "sub");
	char *open_path, target[PATH_MAX] = "";
	int fd = open_file(a, NAME), id = hierarchy_id("name=" V1);

	check_eq(files_of(link, NAME), 2);
	check(!rename(a, b));
	check(tells(fd, cgroup_id(b), id));
	check(asprintf(&open_path, "/proc/self/fd/%d", fd) > 0);
	check(readlink(open_path, target, sizeof(target) - 1) > 0);
	check(ends_with(target, "/b/" STAT_PREFIX NAME));
	check_eq(files_of(link, NAME), 2);
	check_eq(files_of(sublink, "sub"), 1);
	check(access(a, F_OK) && has_file(b, NAME) && has_file(b, "sub"));
	check_eq(link_info(sublink).cgroup_stat.cgroup_id, cgroup_id(b));

	check(has_file(new_cgroup(b, "c"), "sub"));
	check(!has_file(new_cgroup(root, "a"), "sub"));
	check_eq(files_of(link, NAME), 4);
	check(!rmdir(cg_name(b, "c")) && !rmdir(b));
	check(is_gone(sublink));
	check(!tells(fd, 0, 0) && errno == ENODEV);
	return KSFT_PASS;
}

/* A cgroup can't get the name of a file, and files can't be renamed. */
static int test_rename_refused(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a");
	int link = attach(root, NAME);

	check(fails(rename(a, stat_file(root, "x")), EINVAL));
	check(fails(rename(a, stat_file(root, NAME)), ENOTDIR));
	check(fails(rename(stat_file(root, NAME), cg_name(root, "x")), ENOTDIR));
	check(fails(rename(stat_file(root, NAME), stat_file(root, "x")), EINVAL));
	check(fails(rename(stat_file(root, NAME), a), EISDIR));
	check(has_file(root, NAME) && has_file(a, NAME));
	check_eq(files_of(link, NAME), 2);
	return KSFT_PASS;
}

static void *move_and_read(void *cgroup)
{
	char tid[32];

	snprintf(tid, sizeof(tid), "%ld\n", syscall(__NR_gettid));
	check(!cg_write(cgroup, "tasks", "0"));
	check(!cg_read_strstr(cgroup, "tasks", tid));
	check(tells_where(cgroup, NAME, "name=" V1));
	return NULL;
}

/* Processes and single threads are moved and listed, and read the files where they are. */
static int test_pid_lists(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a"), *b = new_cgroup(root, "b");
	int link = attach_prog(load_ids(0), root, NAME);
	pthread_t thread;
	char pid[32];

	snprintf(pid, sizeof(pid), "%d\n", getpid());
	check(!cg_read_strstr(root, "cgroup.procs", pid));
	check(!cg_write(a, "cgroup.procs", "0"));
	check(cg_read_strstr(root, "cgroup.procs", pid));
	check(!cg_read_strstr(a, "cgroup.procs", pid) && !cg_read_strstr(a, "tasks", pid));
	check(tells_where(a, NAME, "name=" V1));

	check(!pthread_create(&thread, NULL, move_and_read, b));
	check(!pthread_join(thread, NULL));
	check(fails(rmdir(a), EBUSY));
	check(!cg_write(root, "tasks", "0"));
	check(cg_read_strstr(a, "tasks", pid));
	check(!rmdir(a));
	check_eq(files_of(link, NAME), 2);
	return KSFT_PASS;
}

static int write_in_namespace(void *cgroup)
{
	int fd;

	if (cg_enter_current(cgroup) || unshare(CLONE_NEWCGROUP))
		_exit(SETUP_FAILED);
	fd = open(stat_file(cgroup, NAME), O_WRONLY);
	return fd < 0 ? fd : write(fd, "1", 1);
}

/* There is no nsdelegate: the file of a namespace's root can be written from inside. */
static int test_v1_write_in_namespace(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a");
	union bpf_attr attr = link_attr(prog, open_cgroup(root), NAME);

	attr.link_create.stat_mode = 0666;
	check(link_create(&attr) >= 0);
	check_eq(in_child(write_in_namespace, a), 0);
	return KSFT_PASS;
}

/*
 * Remount and umount
 */

/* Mount a hierarchy with one controller, which a remount then changes. */
static char *mount_changeable(void)
{
	return mount_at(V1, "cgroup", "cpuset,name=" V1);
}

static void change_controllers(const char *root)
{
	static const char * const options[] = {
		"cpuset,pids,name=" V1, "pids,name=" V1, "name=" V1, "freezer,name=" V1,
	};
	int i, id = hierarchy_id("cpuset,name=" V1);

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		check(!mount(NULL, root, NULL, MS_REMOUNT, options[i]));
		check_eq(hierarchy_id(options[i]), id);
	}
}

/* Files stay when a remount adds or removes controllers. */
static int test_remount(const char *top)
{
	char *root = mount_changeable();
	int link, fd, id = hierarchy_id("cpuset,name=" V1);

	if (!root)
		return cant_mount("cpuset");
	link = attach_prog(load_ids(0), root, NAME);
	fd = open_file(root, NAME);
	change_controllers(root);
	check(tells(fd, cgroup_id(root), id));
	check_eq(files_of(link, NAME), 1);
	check(has_file(new_cgroup(root, "a"), NAME));
	check_eq(files_of(link, NAME), 2);
	return KSFT_PASS;
}

/* A link keeps no hierarchy, which can be mounted again when it is gone. */
static int test_umount(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a");
	int link = attach(root, NAME), other = attach(root, "other"), in_a = attach(a, "a");
	int id = hierarchy_id("name=" V1);

	check_eq(files_of(link, NAME), 2);
	check(!rmdir(a));
	check(is_gone(in_a));
	unmount(root);
	check(wait_until(is_gone(link)));
	check(wait_until(is_gone(other)));

	check(can_be_mounted(V1));
	check(hierarchy_id("name=" V1) != id);
	check(!has_file(root, NAME) && !has_file(root, "other"));
	check(!link_detach(link) && !close(link));
	link = attach(root, NAME);
	check_eq(files_of(link, NAME), 1);
	return KSFT_PASS;
}

/* mount(2) waits until the old hierarchy is gone. */
static int test_umount_and_mount(const char *top)
{
	char *root = mount_named(V1);
	int links[5], i;

	for (i = 0; i < ARRAY_SIZE(links); i++) {
		links[i] = attach(root, NAME);
		check_eq(files_of(links[i], NAME), 1);
		check(!umount(root));
		check(can_be_mounted(V1));
		check(is_gone(links[i]));
		check(!has_file(root, NAME));
	}
	return KSFT_PASS;
}

/* A hierarchy with cgroups stays when it is unmounted, and so do the files. */
static int test_umount_with_cgroups(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a");
	int link = attach_prog(load_ids(0), root, NAME), id = hierarchy_id("name=" V1);

	check(!umount(root));
	check_eq(hierarchy_id("name=" V1), id);
	check_eq(files_of(link, NAME), 2);
	check(can_be_mounted(V1));
	check(tells_where(root, NAME, "name=" V1) && tells_where(a, NAME, "name=" V1));
	check_eq(hierarchy_id("name=" V1), id);

	check(!rmdir(a));
	unmount(root);
	check(wait_until(is_gone(link)));
	return KSFT_PASS;
}

/* The open file of a hierarchy that was unmounted still works, and keeps it. */
static int test_lazy_umount(const char *top)
{
	char *root = mount_named(V1);
	int link = attach_prog(load_ids(0), root, NAME), fd = open_file(root, NAME);
	int id = hierarchy_id("name=" V1);
	__u64 root_id = cgroup_id(root);

	check(fails(umount(root), EBUSY));
	check(!umount2(root, MNT_DETACH));
	check(!has_file(root, NAME));
	check(tells(fd, root_id, id));
	check_eq(files_of(link, NAME), 1);
	check(!close(fd));
	check(wait_until(is_gone(link)));
	check(can_be_mounted(V1));
	check(!has_file(root, NAME));
	return KSFT_PASS;
}

/* A program that runs keeps the hierarchy after a lazy umount, until it returns. */
static int test_lazy_umount_asleep(const char *top)
{
	char *root = mount_named(V1);
	int link = attach_prog(load_ids(BPF_F_SLEEPABLE), root, NAME);
	int id = hierarchy_id("name=" V1), fd = open_file(root, NAME);
	__u64 root_id = cgroup_id(root);
	struct sleeper sleeper;

	start_sleeper(&sleeper, read_asleep, fd);
	check(!umount2(root, MNT_DETACH) && !close(fd));
	check_eq(files_of(link, NAME), 1);
	check_eq(hierarchy_id("name=" V1), id);

	wake_sleeper(&sleeper);
	check_eq(sleeper.ret, sizeof(struct ids));
	check_eq(sleeper.ids.cgroup, root_id);
	check_eq(sleeper.ids.hierarchy, id);
	check(wait_until(is_gone(link)));
	check(can_be_mounted(V1));
	return KSFT_PASS;
}

/* A link in a hierarchy that only a running program keeps can be detached at once. */
static int test_lazy_umount_and_detach_asleep(const char *top)
{
	char *root = mount_named(V1);
	int link = attach_prog(load_ids(BPF_F_SLEEPABLE), root, NAME);
	int id = hierarchy_id("name=" V1), fd = open_file(root, NAME);
	__u64 root_id = cgroup_id(root);
	struct sleeper sleeper;

	start_sleeper(&sleeper, read_asleep, fd);
	check(!umount2(root, MNT_DETACH) && !close(fd));
	check(!close(link));
	check_eq(count_everywhere(NAME), 0);

	wake_sleeper(&sleeper);
	check_eq(sleeper.ret, sizeof(struct ids));
	check_eq(sleeper.ids.cgroup, root_id);
	check_eq(sleeper.ids.hierarchy, id);
	check(wait_until(hierarchy_id("name=" V1) < 0));
	return KSFT_PASS;
}

/*
 * Names
 */

/* Hierarchies are independent. */
static int test_same_name_in_hierarchies(const char *top)
{
	char *first = mount_named(V1), *second = mount_named(V1 "2");
	int in_v2 = attach(hierarchy, NAME), in_first = attach(first, NAME);
	int in_second = attach(new_cgroup(second, "a"), NAME), nr = nr_files(in_v2);

	check_eq(nr_files(in_first), 1);
	check_eq(nr_files(in_second), 1);
	check_eq(count_everywhere(NAME), nr + 2);
	check(!close(in_v2));
	check_eq(count_everywhere(NAME), 2);
	unmount_for_good(first);
	check(is_gone(in_first));
	check_eq(files_of(in_second, NAME), 1);
	return KSFT_PASS;
}

static int test_v1_name_taken(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a"), *b = new_cgroup(a, "b");
	int link = attach(a, NAME);

	new_cgroup(root, "sibling");
	check(fails(attach(root, NAME), EEXIST));
	check(fails(attach(a, NAME), EEXIST));
	check(fails(attach(b, NAME), EEXIST));
	check_eq(files_of(link, NAME), 2);
	check(!close(link));
	link = attach(root, NAME);
	check_eq(files_of(link, NAME), 4);
	return KSFT_PASS;
}

/*
 * Every hierarchy
 */

/* Every cgroup has the file, and new ones are born with it. */
static int test_all(const char *top)
{
	char *first = mount_named(V1), *second = mount_named(V1 "2");
	char *a = new_cgroup(first, "a"), *b = new_cgroup(top, "b");
	int cgroups = count_cgroups_everywhere(), link = attach_all(NAME);

	check_eq(files_of(link, NAME), cgroups);
	check(has_file(hierarchy, NAME) && has_file(top, NAME) && has_file(b, NAME));
	check(has_file(first, NAME) && has_file(a, NAME) && has_file(second, NAME));

	check(has_file(new_cgroup(a, "new"), NAME));
	check(has_file(new_cgroup(b, "new"), NAME));
	check(has_file(new_cgroup(second, "new"), NAME));
	check_eq(files_of(link, NAME), cgroups + 3);
	check(!rmdir(cg_name(a, "new")) && !rmdir(cg_name(b, "new")));
	check_eq(files_of(link, NAME), cgroups + 1);

	check(!close(link));
	check_eq(count_everywhere(NAME), 0);
	check(!has_file(new_cgroup(a, "new"), NAME) && !has_file(new_cgroup(b, "new"), NAME));
	check(!has_file(mount_named(V1 "3"), NAME));
	return KSFT_PASS;
}

static int test_all_contents(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a");
	int fd;

	check(attach_all_prog(load_ids(0), NAME) >= 0);
	check(tells_where(root, NAME, "name=" V1));
	check(tells_where(a, NAME, "name=" V1));
	fd = open_file(top, NAME);
	check(tells(fd, cgroup_id(top), 0));
	fd = open_file(hierarchy, NAME);
	check(tells(fd, cgroup_id(hierarchy), 0));
	return KSFT_PASS;
}

static int test_all_owner(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a"), *b = new_cgroup(top, "b");

	check(!chown(root, 1, 2) && !chown(top, 3, 4));
	check(attach_all(NAME) >= 0);
	check(owned_by(stat_file(root, NAME), 0, 0) && owned_by(stat_file(a, NAME), 1, 2));
	check(owned_by(stat_file(hierarchy, NAME), 0, 0) && owned_by(stat_file(b, NAME), 3, 4));
	check(owned_by(stat_file(new_cgroup(root, "new"), NAME), 1, 2));
	check(owned_by(stat_file(mount_named(V1 "2"), NAME), 0, 0));
	return KSFT_PASS;
}

/* A detached link still says that it was for every hierarchy. */
static int test_all_info(const char *top)
{
	int link = attach_all(NAME), nr = nr_files(link);
	struct bpf_link_info info = link_info(link);

	check(nr >= 2);
	check_eq(info.type, BPF_LINK_TYPE_CGROUP_STAT);
	check_eq(info.cgroup_stat.flags, BPF_F_CGROUP_STAT_ALL);
	check_eq(info.cgroup_stat.cgroup_id, 0);
	check_eq(info.cgroup_stat.hierarchy_id, 0);
	check_eq(info.cgroup_stat.mode, 0444);
	check(fdinfo_has(link, "flags:\t0x1\n") && fdinfo_has(link, "cgroup_id:\t0\n"));
	check(fdinfo_has(link, "hierarchy_id:\t0\n") && !fdinfo_has(link, "nr_files:\t0\n"));

	check(!link_detach(link));
	check(is_gone(link));
	check_eq(link_info(link).cgroup_stat.flags, BPF_F_CGROUP_STAT_ALL);
	check(fdinfo_has(link, "flags:\t0x1\n") && fdinfo_has(link, "nr_files:\t0\n"));
	check_eq(count_everywhere(NAME), 0);
	return KSFT_PASS;
}

static int test_all_update(const char *top)
{
	char *root = mount_named(V1);
	int link = attach_all_prog(load_letter('x'), NAME), letter_y = load_letter('y');
	char c;
	int fd;

	check(link >= 0);
	check(reads(root, NAME, "x\n") && reads(top, NAME, "x\n"));
	fd = open_file(root, NAME);
	check(!link_update(link, letter_y, -1));
	check(reads(root, NAME, "y\n") && reads(top, NAME, "y\n"));
	check(pread(fd, &c, 1, 0) == 1 && c == 'y');
	check(fails(link_update(link, prog, prog), EPERM));
	check(!link_update(link, load_letter('z'), letter_y));
	check(reads(new_cgroup(root, "a"), NAME, "z\n") && reads(top, NAME, "z\n"));
	check(!link_detach(link));
	check(fails(link_update(link, prog, -1), ENOLINK));
	check(fails(pread(fd, &c, 1, 0), ENODEV));
	return KSFT_PASS;
}

/* The default hierarchy is included where it isn't mounted. */
static int test_all_without_v2(const char *top)
{
	char *root = mount_named(V1), *options = mounted_options(hierarchy), *v2;
	int cgroups = count_cgroups_everywhere(), link;

	/* run_test() needs the mount */
	check(!unshare(CLONE_NEWNS));
	while (!access(top, F_OK))
		check(!umount2(hierarchy, MNT_DETACH));
	link = attach_all_prog(load_ids(0), NAME);
	check_eq(nr_files(link), cgroups);
	v2 = mount_at("v2", "cgroup2", options);
	check(v2);
	check_eq(count_files_below(v2, NAME), count_cgroups_below(v2));
	check(has_file(root, NAME));
	return KSFT_PASS;
}

/* Links for every hierarchy include v1 hierarchies that aren't mounted. */
static int test_all_without_v1(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a");
	int cgroups, link;

	check(!umount(root));
	cgroups = count_cgroups_everywhere();
	link = attach_all_prog(load_ids(0), NAME);
	check_eq(files_of(link, NAME), cgroups);
	mount_named(V1);
	check(tells_where(root, NAME, "name=" V1) && tells_where(a, NAME, "name=" V1));
	return KSFT_PASS;
}

/* A hierarchy that is mounted later is born with the file, and takes it along. */
static int test_all_mounted_later(const char *top)
{
	int link = attach_all_prog(load_ids(0), NAME), cgroups = files_of(link, NAME), own;
	char *root, *a;

	check(attach_all("other") >= 0);
	root = mount_named(V1);
	check(has_file(root, NAME) && has_file(root, "other"));
	check(tells_where(root, NAME, "name=" V1));
	check_eq(files_of(link, NAME), cgroups + 1);
	a = new_cgroup(root, "a");
	check(tells_where(a, NAME, "name=" V1));
	check_eq(files_of(link, NAME), cgroups + 2);
	own = attach(root, "own");
	check_eq(files_of(own, "own"), 2);

	check(!rmdir(a));
	unmount(root);
	check(wait_until(nr_files(link) == cgroups));
	check(wait_until(is_gone(own)));
	check_eq(files_of(link, NAME), cgroups);
	check(can_be_mounted(V1));
	check(has_file(root, NAME) && has_file(root, "other") && !has_file(root, "own"));
	check_eq(files_of(link, NAME), cgroups + 1);
	return KSFT_PASS;
}

/*
 * A v1 hierarchy with controllers that is mounted later has the file, and keeps it when
 * a remount changes the controllers.
 */
static int test_all_remount(const char *top)
{
	int link = attach_all_prog(load_ids(0), NAME), cgroups = files_of(link, NAME), fd, id;
	char *root = mount_changeable();

	if (!root)
		return cant_mount("cpuset");
	check(tells_where(root, NAME, "cpuset,name=" V1));
	fd = open_file(root, NAME);
	id = hierarchy_id("cpuset,name=" V1);
	change_controllers(root);
	check(tells(fd, cgroup_id(root), id));
	check_eq(files_of(link, NAME), cgroups + 1);
	check(has_file(new_cgroup(root, "a"), NAME));
	check_eq(files_of(link, NAME), cgroups + 2);
	return KSFT_PASS;
}

/* A hierarchy that only a running program keeps has the file until that returns. */
static int test_all_lazy_umount(const char *top)
{
	int link = attach_all_prog(load_ids(BPF_F_SLEEPABLE), NAME), cgroups = nr_files(link);
	char *root = mount_named(V1);
	int id = hierarchy_id("name=" V1), fd = open_file(root, NAME);
	struct sleeper sleeper;

	start_sleeper(&sleeper, read_asleep, fd);
	check(!umount2(root, MNT_DETACH) && !close(fd));
	check_eq(files_of(link, NAME), cgroups + 1);
	wake_sleeper(&sleeper);
	check_eq(sleeper.ret, sizeof(struct ids));
	check_eq(sleeper.ids.hierarchy, id);
	check(wait_until(nr_files(link) == cgroups));
	check(can_be_mounted(V1));
	check_eq(files_of(link, NAME), cgroups + 1);
	return KSFT_PASS;
}

static int test_all_threaded(const char *top)
{
	char *domain = new_cgroup(top, "domain"), *t = new_cgroup(domain, "t");
	int link = attach_all_prog(load_letter('x'), NAME), cgroups = nr_files(link);

	check(!cg_write(t, "cgroup.type", "threaded"));
	check(reads(domain, NAME, "x\n") && reads(t, NAME, "x\n"));
	check(reads(new_cgroup(t, "u"), NAME, "x\n"));
	check_eq(files_of(link, NAME), cgroups + 1);
	return KSFT_PASS;
}

/* A link to @cgroup and one for every hierarchy can't have the same name. */
static void check_collision(const char *cgroup)
{
	int link = attach(cgroup, NAME), nr = files_of(link, NAME), files = count_everywhere("");

	check(nr > 0);
	check(fails(attach_all(NAME), EEXIST));
	check_eq(count_everywhere(""), files);
	check_eq(files_of(link, NAME), nr);
	check(!close(link));

	link = attach_all(NAME);
	nr = files_of(link, NAME);
	files = count_everywhere("");
	check(nr > 0);
	check(fails(attach(cgroup, NAME), EEXIST));
	check_eq(count_everywhere(""), files);
	check_eq(files_of(link, NAME), nr);
	check(!close(link));
	check_eq(count_everywhere(NAME), 0);
}

static int test_all_name_taken(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a"), *b = new_cgroup(a, "b");

	check(attach_all("bystander") >= 0);
	check(attach(a, "other") >= 0);
	check_collision(hierarchy);
	check_collision(new_cgroup(top, "a"));
	check_collision(root);
	check_collision(a);
	check_collision(b);
	return KSFT_PASS;
}

static int test_all_name_taken_by_all(const char *top)
{
	int link = attach_all(NAME), nr = files_of(link, NAME), files = count_everywhere("");

	check(fails(attach_all(NAME), EEXIST));
	check_eq(count_everywhere(""), files);
	check_eq(files_of(link, NAME), nr);
	check(!close(link));
	link = attach_all(NAME);
	check_eq(files_of(link, NAME), nr);
	return KSFT_PASS;
}

/* Until a hierarchy that was unmounted is gone, its names are taken. */
static int test_all_name_taken_in_unmounted(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a");
	int link = attach(a, NAME);

	check(!umount(root));
	check(fails(attach_all(NAME), EEXIST));
	check_eq(files_of(link, NAME), 1);
	mount_named(V1);
	check(!rmdir(a));
	check(attach_all(NAME) >= 0);
	return KSFT_PASS;
}

/* There can be 64 links for every hierarchy, and another 64 to each cgroup. */
static int test_all_links(const char *top)
{
	char *a = new_cgroup(top, "a"), *root, name[32];
	int files = count_everywhere(""), cgroups = count_cgroups_everywhere();
	int links[MAX_LINKS], own[MAX_LINKS], i;

	for (i = 0; i < MAX_LINKS; i++) {
		links[i] = attach_all(link_name(i));
		check_eq(nr_files(links[i]), cgroups);
	}
	check(fails(attach_all(NAME), E2BIG));
	check_eq(count_everywhere(NAME), 0);
	for (i = 0; i < MAX_LINKS; i++) {
		snprintf(name, sizeof(name), "own%d", i);
		own[i] = attach(a, name);
		check_eq(nr_files(own[i]), 1);
	}
	check(fails(attach(a, NAME), E2BIG));
	check_eq(count_everywhere("") - files, MAX_LINKS * cgroups + MAX_LINKS);

	root = mount_named(V1);
	check_eq(count_files_below(root, ""), MAX_LINKS);
	check(attach(root, NAME) >= 0);
	check(!close(links[MAX_LINKS / 2]));
	links[MAX_LINKS / 2] = attach_all("again");
	check_eq(files_of(links[MAX_LINKS / 2], "again"), cgroups + 1);
	check(fails(attach_all("more"), E2BIG));
	return KSFT_PASS;
}

static int test_all_needs_capabilities(const char *top)
{
	union bpf_attr attr = link_attr(prog, 0, NAME);
	__u64 every = ~0ULL >> (63 - CAP_LAST_CAP);

	attr.link_create.flags = BPF_F_CGROUP_STAT_ALL;
	check_eq(as_user(BPF_CAPS, do_link_create, &attr), EPERM);
	check_eq(as_user(every & ~CAP(CAP_SYS_ADMIN), do_link_create, &attr), EPERM);
	check_eq(as_user(0, do_link_create, &attr), EPERM);
	check_eq(as_user(BPF_CAPS | CAP(CAP_SYS_ADMIN), do_link_create, &attr), 0);
	if (!access("/proc/self/ns/user", F_OK))
		check_eq(in_child(do_attach_in_user_namespace, &attr), EPERM);
	check_eq(count_everywhere(NAME), 0);
	return KSFT_PASS;
}

static int test_all_attributes_refused(const char *top)
{
	int roots[] = { open_cgroup(hierarchy), open_cgroup(top), prog, -1 }, i;
	union bpf_attr attr = link_attr(prog, 0, NAME), bad;

	attr.link_create.flags = BPF_F_CGROUP_STAT_ALL;
	for (i = 0; i < ARRAY_SIZE(roots); i++) {
		bad = attr;
		bad.link_create.cgroup_root = roots[i];
		check(fails(link_create(&bad), EINVAL));
	}
	for (i = 2; i < 32; i++) {
		bad = attr;
		bad.link_create.flags |= 1U << i;
		check(fails(link_create(&bad), EINVAL));
	}
	bad = attr;
	bad.link_create.target_fd = roots[0];
	check(fails(link_create(&bad), EINVAL));
	check_eq(count_everywhere(NAME), 0);
	check(link_create(&attr) >= 0);
	return KSFT_PASS;
}

/* With BPF_F_CGROUP_STAT_ALL, cgroup_root 0 isn't taken for a file descriptor. */
static int test_all_ignores_stdin(const char *top)
{
	int cgroups = count_cgroups_everywhere(), link;

	check(dup2(open_cgroup(top), 0) == 0);
	link = attach_all(NAME);
	check_eq(files_of(link, NAME), cgroups);
	check(!close(link) && !close(0));
	link = attach_all(NAME);
	check_eq(files_of(link, NAME), cgroups);
	return KSFT_PASS;
}

/*
 * Lazy links
 */

/* What v1 has beside live(): a cgroup can be renamed, also to the name of a file. */
static int test_v1_created_by_lookup(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a"), *b = new_cgroup(root, "b");
	char *c = cg_name(root, "c"), *file = stat_file(root, NAME);
	int link, round;

	for (round = 0; round < 3; round++) {
		check(!has_file(a, NAME));
		check(fails(rename(b, file), EINVAL));
		check(fails(mkdir(file, 0755), EINVAL));

		link = attach_lazy(load_ids(0), root, NAME);
		check_eq(files_of(link, NAME), 0);
		check(tells_where(a, NAME, "name=" V1));
		check_eq(files_of(link, NAME), 1);
		check(fails(rename(b, file), ENOTDIR));
		check_eq(files_of(link, NAME), 2);
		check(fails(mkdir(file, 0755), EEXIST));

		check(!rename(a, c));
		check(tells_where(c, NAME, "name=" V1) && access(a, F_OK));
		check(!rename(b, a));
		check(tells_where(a, NAME, "name=" V1));
		check_eq(files_of(link, NAME), 3);
		check(!rename(a, b) && !rename(c, a));

		check(!close(link));
		check_eq(count_everywhere(NAME), 0);
	}
	return KSFT_PASS;
}

/* The file can be created in each cgroup of hierarchies that were or are mounted. */
static int test_all_created_by_lookup(const char *top)
{
	char *first = mount_named(V1), *a = new_cgroup(first, "a"), *second, *b;
	int link;

	check(!has_file(a, NAME) && !has_file(top, NAME));
	link = attach_lazy(load_ids(0), NULL, NAME);
	check_eq(files_of(link, NAME), 0);
	second = mount_named(V1 "2");
	b = new_cgroup(second, "b");
	check_eq(files_of(link, NAME), 0);

	check(tells_where(a, NAME, "name=" V1) && tells_where(b, NAME, "name=" V1 "2"));
	check(tells_where(second, NAME, "name=" V1 "2"));
	check(has_file(top, NAME) && has_file(hierarchy, NAME));
	check_eq(files_of(link, NAME), 5);
	check(!rmdir(a));
	check_eq(files_of(link, NAME), 4);

	check(!link_detach(link));
	check(is_gone(link));
	check_eq(count_everywhere(NAME), 0);
	check(!has_file(first, NAME) && !has_file(second, NAME) && !has_file(top, NAME));
	return KSFT_PASS;
}

static int test_all_created_for_owner(const char *top)
{
	char *root = mount_named(V1), *a = new_cgroup(root, "a"), *b = new_cgroup(top, "b");

	check(attach_lazy(prog, NULL, NAME) >= 0);
	check(!chown(root, 1, 2) && !chown(top, 3, 4));
	check(owned_by(stat_file(root, NAME), 0, 0) && owned_by(stat_file(a, NAME), 1, 2));
	check(owned_by(stat_file(hierarchy, NAME), 0, 0) && owned_by(stat_file(b, NAME), 3, 4));
	return KSFT_PASS;
}

/* Without files, only info's attached tells such a link from one that was detached. */
static int test_all_lazy_info(const char *top)
{
	int link = attach_lazy(prog, NULL, NAME);
	struct bpf_link_info info = link_info(link);

	check_eq(info.cgroup_stat.flags, BPF_F_CGROUP_STAT_ALL | BPF_F_CGROUP_STAT_LAZY);
	check_eq(info.cgroup_stat.cgroup_id, 0);
	check_eq(info.cgroup_stat.hierarchy_id, 0);
	check_eq(info.cgroup_stat.nr_files, 0);
	check_eq(info.cgroup_stat.attached, 1);
	check(fdinfo_has(link, "flags:\t0x3\n") && fdinfo_has(link, "attached:\t1\n"));

	check(!link_detach(link));
	check(is_gone(link));
	check(fdinfo_has(link, "flags:\t0x3\n") && fdinfo_has(link, "attached:\t0\n"));
	return KSFT_PASS;
}

/* A hierarchy takes its files along. Mounted again, it can have them again. */
static int test_all_created_and_unmounted(const char *top)
{
	int link = attach_lazy(load_ids(0), NULL, NAME);
	char *root = mount_named(V1), *a = new_cgroup(root, "a");

	check(tells_where(a, NAME, "name=" V1) && tells_where(root, NAME, "name=" V1));
	check(has_file(top, NAME));
	check_eq(files_of(link, NAME), 3);
	check(!rmdir(a));
	unmount(root);
	check(wait_until(nr_files(link) == 1));

	check(can_be_mounted(V1));
	check_eq(files_of(link, NAME), 1);
	check(tells_where(root, NAME, "name=" V1));
	check_eq(files_of(link, NAME), 2);
	return KSFT_PASS;
}

/* A hierarchy that has cgroups keeps its files without being mounted, until detach. */
static int test_all_created_and_unmounted_with_cgroups(const char *top)
{
	int link = attach_lazy(load_ids(0), NULL, NAME);
	char *root = mount_named(V1), *a = new_cgroup(root, "a");

	check(has_file(a, NAME));
	check(!umount(root));
	check_eq(files_of(link, NAME), 1);
	check(can_be_mounted(V1));
	check(tells_where(a, NAME, "name=" V1) && tells_where(root, NAME, "name=" V1));
	check_eq(files_of(link, NAME), 2);

	check(!umount(root));
	check(!link_detach(link));
	check_eq(count_everywhere(NAME), 0);
	return KSFT_PASS;
}

static pid_t start_lookup(const char *file)
{
	pid_t pid = fork();

	check(pid >= 0);
	if (!pid)
		_exit(access(file, F_OK) ? KSFT_FAIL : KSFT_PASS);
	return pid;
}

/* Does the process sleep in a lookup that creates a file? */
static bool sleeps_in_lookup(pid_t pid)
{
	/* it has exited if nothing blocked it */
	check(proc_read_strstr(pid, false, "stat", ") Z "));
	return !proc_read_strstr(pid, false, "stat", ") D ") &&
	       !proc_read_strstr(pid, false, "stack", "subtree_file_");
}

/*
 * A process can be killed while its lookup waits for another one's. That one waits for a
 * process that sleeps while it lists a directory, which blocks changes of its hierarchy.
 */
static int test_killed_while_waiting(const char *top)
{
	char *root = mount_named(V1), *in_v1 = stat_file(root, NAME), dots[48];
	char *in_v2 = stat_file(new_cgroup(top, "a"), NAME);
	int link = attach_lazy(prog, NULL, NAME), dir = open(top, O_RDONLY | O_DIRECTORY), status;
	pid_t creator, waiter;
	struct sleeper sleeper;

	if (access("/proc/self/stack", F_OK)) {
		ksft_perror("no stacks of tasks, CONFIG_STACKTRACE");
		return KSFT_SKIP;
	}
	/* "." and ".." are stored without the lock of the hierarchy */
	check_eq(syscall(__NR_getdents64, dir, dots, sizeof(dots)), sizeof(dots));
	start_sleeper(&sleeper, list_asleep, dir);
	creator = start_lookup(in_v2);
	check(wait_until(sleeps_in_lookup(creator)));
	waiter = start_lookup(in_v1);
	check(wait_until(sleeps_in_lookup(waiter)));

	check(!kill(waiter, SIGKILL));
	check(wait_until(waitpid(waiter, &status, WNOHANG) == waiter));
	check(WIFSIGNALED(status));
	check_eq(waitpid(creator, &status, WNOHANG), 0);

	wake_sleeper(&sleeper);
	check(sleeper.ret > 0);
	check_eq(exit_status(creator), KSFT_PASS);
	check_eq(files_of(link, NAME), 1);
	check(has_file(root, NAME));
	check_eq(files_of(link, NAME), 2);
	return KSFT_PASS;
}

/*
 * The layout that systemd calls hybrid: v2 without controllers, and beside it a v1
 * hierarchy with a name and one for each controller.
 */

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return type == FTW_D && !has_file(path, NAME);
}

/* Does every directory have the file, and list it once? */
static bool has_one_file_each(const char *root)
{
	return !nftw(root, visit, 16, FTW_PHYS | FTW_MOUNT) &&
	       count_files_below(root, NAME) == count_cgroups_below(root);
}

static int test_hybrid(const char *top)
{
	const struct {
		const char *dir, *type, *options;
	} mounts[] = {
		{ "hybrid/unified", "cgroup2", mounted_options(hierarchy) },
		{ "hybrid/systemd", "cgroup", "none,xattr,name=" V1 },
		{ "hybrid/cpuset", "cgroup", "cpuset,clone_children" },
		{ "hybrid/cpu,cpuacct", "cgroup", "cpu,cpuacct" },
		{ "hybrid/memory", "cgroup", "memory" },
		{ "hybrid/pids", "cgroup", "pids" },
		{ "hybrid/freezer", "cgroup", "freezer" },
		{ "hybrid/blkio", "cgroup", "blkio" },
		{ "hybrid/net_cls", "cgroup", "net_cls" },
	};
	char *roots[ARRAY_SIZE(mounts)];
	int link, i;

	check(mount_at("hybrid", "tmpfs", "mode=755"));
	for (i = 0; i < ARRAY_SIZE(mounts); i++) {
		roots[i] = mount_at(mounts[i].dir, mounts[i].type, mounts[i].options);
		if (!roots[i])
			return cant_mount(mounts[i].options);
	}
	for (i = 1; i < ARRAY_SIZE(mounts); i++)
		new_cgroup(new_cgroup(roots[i], "system.slice"), "a.service");

	link = attach_all(NAME);
	for (i = 0; i < ARRAY_SIZE(mounts); i++)
		check(has_one_file_each(roots[i]));
	check_eq(files_of(link, NAME), count_cgroups_everywhere());

	new_cgroup(top, "new");
	for (i = 1; i < ARRAY_SIZE(mounts); i++)
		new_cgroup(roots[i], "new");
	for (i = 0; i < ARRAY_SIZE(mounts); i++)
		check(has_one_file_each(roots[i]));

	check(!close(link));
	for (i = 0; i < ARRAY_SIZE(mounts); i++)
		check_eq(count_files_below(roots[i], NAME), 0);
	return KSFT_PASS;
}

static const struct subtree_test tests[] = {
	T(test_v1_whole_hierarchy),
	T(test_v1_subtree),
	T(test_v1_contents),
	T(test_v1_owner),
	T(test_cpuset),
	T(test_cpuset_noprefix),
	T(test_cpuset_file_system),
	T(test_cpu_and_cpuacct),
	T(test_memory),
	T(test_pids_and_freezer),
	T(test_blkio),
	T(test_net_cls),
	T(test_favordynmods),
	T(test_xattr),
	T(test_xattr_of_file),
	T(test_clone_children),
	T(test_release_agent),
	T(test_rename),
	T(test_rename_refused),
	T(test_pid_lists),
	T(test_v1_write_in_namespace),
	T(test_remount),
	T(test_umount),
	T(test_umount_and_mount),
	T(test_umount_with_cgroups),
	T(test_lazy_umount),
	T(test_lazy_umount_asleep),
	T(test_lazy_umount_and_detach_asleep),
	T(test_same_name_in_hierarchies),
	T(test_v1_name_taken),
	T(test_all),
	T(test_all_contents),
	T(test_all_owner),
	T(test_all_info),
	T(test_all_update),
	T(test_all_without_v2),
	T(test_all_without_v1),
	T(test_all_mounted_later),
	T(test_all_remount),
	T(test_all_lazy_umount),
	T(test_all_threaded),
	T(test_all_name_taken),
	T(test_all_name_taken_by_all),
	T(test_all_name_taken_in_unmounted),
	T(test_all_links),
	T(test_all_needs_capabilities),
	T(test_all_attributes_refused),
	T(test_all_ignores_stdin),
	T(test_v1_created_by_lookup),
	T(test_all_created_by_lookup),
	T(test_all_created_for_owner),
	T(test_all_lazy_info),
	T(test_all_created_and_unmounted),
	T(test_all_created_and_unmounted_with_cgroups),
	T(test_killed_while_waiting),
	T(test_hybrid),
};

static int newest_id(void)
{
	int nr = count_v1(), id = 0;

	while (nr--)
		id = v1[nr].id > id ? v1[nr].id : id;
	return id;
}

/* Clear and unmount the v1 hierarchies that a test has left. */
static int tidy(void *unused)
{
	int nr = count_v1();

	/* mount(2) may never return, see can_be_mounted() */
	alarm(2 * PATIENCE);
	check(!mount_privately("none", "tmpfs", 0, NULL));
	while (nr--) {
		if (v1[nr].id <= last_id || !mount_at("v1", "cgroup", v1[nr].what))
			continue;
		check(!remove_descendants(MNT "/v1"));
		unmount(MNT "/v1");
	}
	return 0;
}

/*
 * A dentry keeps the node of its file, also after the file was removed. In the default
 * hierarchy's root, these are the files of controllers that have moved to v1.
 */
static bool has_more_nodes(void)
{
	if (count_nodes() <= nodes)
		return false;
	check_eq(write_text("/proc/sys/vm/drop_caches", "2", 1), 1);
	return count_nodes() > nodes;
}

static void set_up_mounts(void)
{
	check(!mount_privately("none", "tmpfs", 0, NULL));
	check(!mkdir(WALK, 0755));
}

/*
 * A hierarchy that was unmounted before its removed cgroups were freed goes when it is
 * mounted and unmounted again. Let that not happen while a test counts files.
 */
static int end_unmounted(void *unused)
{
	set_up_mounts();
	return count_everywhere(NAME);
}

/* Run a test with a mount namespace of its own, and check that nothing is left. */
static int run_and_tidy(const struct subtree_test *test)
{
	pid_t pid = fork();
	int ret;

	if (!pid) {
		set_up_mounts();
		exit(run_test(test));
	}
	ret = exit_status(pid);
	check_eq(in_child(tidy, NULL), 0);
	check(wait_until(newest_id() <= last_id));
	if (nodes < 0 || wait_until(!has_more_nodes()))
		return ret;
	ksft_print_msg("%s: %ld kernfs nodes, %ld before\n", test->name, count_nodes(), nodes);
	nodes = settled_nodes();
	return KSFT_FAIL;
}

int main(int argc, char **argv)
{
	if (argc > 1 && argv[1][0] == '/')
		return run_agent(argv[1]);
	ksft_print_header();
	set_up_tests();
	read_btf();
	check_eq(in_child(end_unmounted, NULL), 0);
	nodes = settled_nodes();
	last_id = newest_id();
	if (nodes < 0)
		ksft_print_msg("no count of kernfs nodes, CONFIG_SLUB_DEBUG\n");
	run_tests(tests, ARRAY_SIZE(tests), run_and_tidy, argv + 1);
}
