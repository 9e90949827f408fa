// SPDX-License-Identifier: GPL-2.0
/*
 * Links in cgroup v1 hierarchies, and links for every cgroup of every hierarchy, as users
 * of libbpf see them. selftests/cgroup/test_subtree_hierarchies tests what becomes of
 * the files when hierarchies are mounted and unmounted.
 */
#include <test_progs.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "cap_helpers.h"
#include "cgroup_stat_helpers.h"
#include "cgroup_stat_hierarchies.skel.h"

#define V1_NAME		"name=cgroup_stat"
#define NAME		"test_hierarchies"

/* TOP and CHILD are in the default hierarchy, V1 is the root of a v1 hierarchy. */
enum { TOP, CHILD, NR_V2, V1 = NR_V2, V1_CHILD, NR_CGROUPS };

static const char * const paths[NR_V2] = {
	"/stat", "/stat/child",
};

static char v1_path[32];
static int cg[NR_CGROUPS];
static int v1_id;		/* of the v1 hierarchy */

/* Returns the id of the v1 hierarchy as /proc shows it, or 0. */
static int read_v1_id(void)
{
	char line[256];
	int id = 0;
	FILE *file;

	file = fopen("/proc/self/cgroup", "r");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (strstr(line, ":" V1_NAME ":"))
			id = atoi(line);
	fclose(file);
	return id;
}

/* The mount is in the mount namespace that setup_cgroup_environment() has made. */
static bool mount_v1(void)
{
	cg[V1] = -1;
	cg[V1_CHILD] = -1;
	strcpy(v1_path, "/tmp/cgroup_stat_v1.XXXXXX");
	if (!ASSERT_OK_PTR(mkdtemp(v1_path), "mount point"))
		return false;
	if (!ASSERT_OK(mount("none", v1_path, "cgroup", 0, "none," V1_NAME), "mount"))
		return false;

	cg[V1] = open(v1_path, O_RDONLY | O_DIRECTORY);
	ASSERT_OK(mkdirat(cg[V1], "child", 0755), "mkdir");
	cg[V1_CHILD] = openat(cg[V1], "child", O_RDONLY | O_DIRECTORY);
	v1_id = read_v1_id();
	return ASSERT_OK_FD(cg[V1_CHILD], "open") && ASSERT_GT(v1_id, 0, "hierarchy id");
}

static void umount_v1(void)
{
	if (cg[V1] < 0) {
		rmdir(v1_path);
		return;
	}
	close(cg[V1_CHILD]);
	unlinkat(cg[V1], "child", AT_REMOVEDIR);
	close(cg[V1]);
	/*
	 * The hierarchy would stay if it were unmounted before the removed cgroup is freed.
	 * Until then, a remount fails.
	 */
	ASSERT_TRUE(wait_until(!mount(NULL, v1_path, NULL, MS_REMOUNT, "none," V1_NAME)),
		    "removed cgroups are freed");
	ASSERT_OK(umount(v1_path), "umount");
	ASSERT_OK(rmdir(v1_path), "remove the mount point");
}

/* Check what the program outputs in cg[@which]; the inode number is the cgroup's id. */
static void assert_reads_ids(int which, const char *file, const char *how)
{
	char expected[64];
	struct stat st;

	if (!ASSERT_OK(fstat(cg[which], &st), "stat"))
		return;
	snprintf(expected, sizeof(expected), "%d:%llu%s\n", which < NR_V2 ? 0 : v1_id,
		 (unsigned long long)st.st_ino, how);
	assert_file_reads(cg[which], file, expected);
}

static void assert_file_nowhere(const char *file)
{
	for (int i = 0; i < NR_CGROUPS; i++)
		ASSERT_FALSE(has_file(cg[i], file), "no file");
}

static void assert_taken(struct bpf_program *prog, int cgroup, __u32 flags, const char *what)
{
	struct bpf_link *link = attach_stat(prog, cgroup, .name = NAME, .flags = flags);

	ASSERT_EQ(libbpf_get_error(link), -EEXIST, what);
	bpf_link__destroy(link);
}

static void test_v1(struct cgroup_stat_hierarchies *skel)
{
	struct bpf_link *link, *other;
	struct bpf_link_info info;
	struct stat st;

	link = attach_stat(skel->progs.ids, cg[V1], .name = NAME);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;

	assert_reads_ids(V1, PREFIX NAME, "");
	assert_reads_ids(V1_CHILD, PREFIX NAME, "");
	ASSERT_FALSE(has_file(cg[TOP], PREFIX NAME), "file in another hierarchy");

	ASSERT_OK(fstat(cg[V1], &st), "stat");
	ASSERT_OK(get_link_info(link, &info), "info");
	ASSERT_EQ(info.cgroup_stat.cgroup_id, st.st_ino, "cgroup_id");
	ASSERT_EQ(info.cgroup_stat.hierarchy_id, v1_id, "hierarchy_id");
	ASSERT_EQ(info.cgroup_stat.flags, 0, "flags");
	ASSERT_EQ(info.cgroup_stat.nr_files, 2, "nr_files");

	other = attach_stat(skel->progs.ids, cg[TOP], .name = NAME);
	ASSERT_OK_PTR(other, "the same name in another hierarchy");
	bpf_link__destroy(other);
	assert_taken(skel->progs.ids, cg[V1_CHILD], 0, "the same name in the same hierarchy");

	bpf_link__destroy(link);
	assert_file_nowhere(PREFIX NAME);
}

static struct bpf_link *attach_to_all(struct bpf_program *prog)
{
	return attach_stat(prog, 0, .name = NAME, .flags = BPF_F_CGROUP_STAT_ALL);
}

static void test_all(struct cgroup_stat_hierarchies *skel)
{
	struct bpf_link_info info;
	struct bpf_link *link;

	link = attach_to_all(skel->progs.ids);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;

	for (int i = 0; i < NR_CGROUPS; i++)
		assert_reads_ids(i, PREFIX NAME, "");
	ASSERT_OK(get_link_info(link, &info), "info");
	ASSERT_EQ(info.cgroup_stat.cgroup_id, 0, "cgroup_id");
	ASSERT_EQ(info.cgroup_stat.hierarchy_id, 0, "hierarchy_id");
	ASSERT_EQ(info.cgroup_stat.flags, BPF_F_CGROUP_STAT_ALL, "flags");
	ASSERT_GE(info.cgroup_stat.nr_files, NR_CGROUPS, "nr_files");

	ASSERT_OK(mkdirat(cg[V1_CHILD], "new", 0755), "mkdir");
	ASSERT_TRUE(has_file(cg[V1_CHILD], "new/" PREFIX NAME), "born with the file");
	ASSERT_OK(unlinkat(cg[V1_CHILD], "new", AT_REMOVEDIR), "rmdir");

	bpf_link__destroy(link);
	assert_file_nowhere(PREFIX NAME);
}

/* The link is updated to a program that may sleep, and back; then it is detached. */
static void test_all_update(struct cgroup_stat_hierarchies *skel)
{
	struct bpf_link_info info;
	struct bpf_link *link;

	link = attach_to_all(skel->progs.ids);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;

	ASSERT_OK(bpf_link__update_program(link, skel->progs.ids_sleepable), "update");
	for (int i = 0; i < NR_CGROUPS; i++)
		assert_reads_ids(i, PREFIX NAME, " sleepable");
	ASSERT_OK(bpf_link__update_program(link, skel->progs.ids), "update back");
	assert_reads_ids(V1_CHILD, PREFIX NAME, "");

	ASSERT_OK(bpf_link__detach(link), "detach");
	assert_file_nowhere(PREFIX NAME);
	ASSERT_EQ(bpf_link__update_program(link, skel->progs.ids), -ENOLINK, "update after that");
	ASSERT_OK(get_link_info(link, &info), "info");
	ASSERT_EQ(info.cgroup_stat.flags, BPF_F_CGROUP_STAT_ALL, "flags");
	ASSERT_EQ(info.cgroup_stat.nr_files, 0, "nr_files");
	bpf_link__destroy(link);
}

static void test_all_lazy(struct cgroup_stat_hierarchies *skel)
{
	__u32 flags = BPF_F_CGROUP_STAT_ALL | BPF_F_CGROUP_STAT_LAZY;
	struct bpf_link_info info;
	struct bpf_link *link;

	link = attach_stat(skel->progs.ids, 0, .name = NAME, .flags = flags);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;

	ASSERT_OK(get_link_info(link, &info), "info");
	ASSERT_EQ(info.cgroup_stat.flags, flags, "flags");
	ASSERT_EQ(info.cgroup_stat.cgroup_id, 0, "cgroup_id");
	ASSERT_EQ(info.cgroup_stat.nr_files, 0, "nr_files");
	ASSERT_EQ(info.cgroup_stat.attached, 1, "attached");

	for (int i = 0; i < NR_CGROUPS; i++)
		assert_reads_ids(i, PREFIX NAME, "");
	ASSERT_EQ(nr_files(link), NR_CGROUPS, "nr_files after they were read");
	assert_taken(skel->progs.ids, cg[V1_CHILD], 0, "eager after lazy");
	assert_taken(skel->progs.ids, 0, BPF_F_CGROUP_STAT_ALL, "all after all");

	ASSERT_OK(bpf_link__detach(link), "detach");
	assert_file_nowhere(PREFIX NAME);
	ASSERT_OK(get_link_info(link, &info), "info");
	ASSERT_EQ(info.cgroup_stat.attached, 0, "attached");
	bpf_link__destroy(link);
}

static void test_all_collision(struct cgroup_stat_hierarchies *skel)
{
	struct bpf_link *link;

	link = attach_to_all(skel->progs.ids);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	assert_taken(skel->progs.ids, cg[CHILD], 0, "v2 after all");
	assert_taken(skel->progs.ids, cg[V1_CHILD], 0, "v1 after all");
	assert_taken(skel->progs.ids, 0, BPF_F_CGROUP_STAT_ALL, "all after all");
	bpf_link__destroy(link);
	assert_file_nowhere(PREFIX NAME);

	for (int i = 0; i < NR_CGROUPS; i++) {
		link = attach_stat(skel->progs.ids, cg[i], .name = NAME);
		if (!ASSERT_OK_PTR(link, "attach to one"))
			return;
		assert_taken(skel->progs.ids, 0, BPF_F_CGROUP_STAT_ALL, "all after one");
		bpf_link__destroy(link);
		assert_file_nowhere(PREFIX NAME);
	}
}

/* The same by bpf_link_create(), where the kernel gets the cgroup as it is given. */
static void test_all_errors(struct cgroup_stat_hierarchies *skel)
{
	int prog = bpf_program__fd(skel->progs.ids);
	struct {
		const char *what;
		int fd;
		__u32 flags;
		int err;
	} cases[] = {
		{ "with a cgroup", cg[TOP], BPF_F_CGROUP_STAT_ALL, -EINVAL },
		{ "with fd -1", -1, BPF_F_CGROUP_STAT_ALL, -EINVAL },
		{ "without the flag", 0, 0, -EBADF },
		{ "with another flag", 0, BPF_F_CGROUP_STAT_ALL | 1U << 31, -EINVAL },
	};
	int fd;

	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = cases[i].flags,
			    .cgroup_stat.name = NAME);

		fd = bpf_link_create(prog, cases[i].fd, BPF_CGROUP_STAT, &opts);
		if (!ASSERT_EQ(fd, cases[i].err, cases[i].what) && fd >= 0)
			close(fd);
	}
	assert_file_nowhere(PREFIX NAME);
}

static void test_all_capabilities(struct cgroup_stat_hierarchies *skel)
{
	struct bpf_link *link;
	__u64 old;

	if (!ASSERT_OK(cap_disable_effective(1ULL << CAP_SYS_ADMIN, &old), "drop CAP_SYS_ADMIN"))
		return;
	link = attach_to_all(skel->progs.ids);
	ASSERT_EQ(libbpf_get_error(link), -EPERM, "attach to all");
	bpf_link__destroy(link);
	link = attach_stat(skel->progs.ids, cg[V1], .name = NAME);
	ASSERT_OK_PTR(link, "attach to one");
	bpf_link__destroy(link);
	ASSERT_OK(cap_enable_effective(old, NULL), "restore capabilities");
	assert_file_nowhere(PREFIX NAME);
}

static const struct {
	const char *name;
	void (*fn)(struct cgroup_stat_hierarchies *skel);
} tests[] = {
	{ "v1", test_v1 },
	{ "all", test_all },
	{ "all_update", test_all_update },
	{ "all_lazy", test_all_lazy },
	{ "all_collision", test_all_collision },
	{ "all_errors", test_all_errors },
	{ "all_capabilities", test_all_capabilities },
};

/* Serial, because links for every hierarchy have files in the cgroups of other tests. */
void serial_test_cgroup_stat_hierarchies(void)
{
	struct cgroup_stat_hierarchies *skel;

	skel = cgroup_stat_hierarchies__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open and load"))
		return;

	if (!setup_tree(cg, paths, NR_V2))
		goto out;
	if (mount_v1())
		for (int i = 0; i < ARRAY_SIZE(tests); i++)
			if (test__start_subtest(tests[i].name))
				tests[i].fn(skel);
	umount_v1();
out:
	cleanup_tree(cg, NR_V2);
	cgroup_stat_hierarchies__destroy(skel);
}
