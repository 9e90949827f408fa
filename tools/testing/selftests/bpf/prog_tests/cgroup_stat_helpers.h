/* SPDX-License-Identifier: GPL-2.0 */
/* Helpers shared by the tests of bpf.stat.<name> files. */
#ifndef CGROUP_STAT_HELPERS_H
#define CGROUP_STAT_HELPERS_H

#include <test_progs.h>
#include <grp.h>
#include "testing_helpers.h"
#include "cgroup_helpers.h"

#define PREFIX		"bpf.stat."
#define DEADLINE_S	600	/* generous, so that only a bug exceeds it */

/* Poll until @cond is true, at most DEADLINE_S; returns whether it is. */
#define wait_until(cond) ({						\
	__u64 ___end = get_time_ns() + DEADLINE_S * 1000000000ULL;	\
	bool ___ok;							\
	while (!(___ok = (cond)) && get_time_ns() < ___end)		\
		usleep(1000);						\
	___ok;								\
})

/* Take the identity of a user without privileges. Returns 0 or -errno. */
static inline int become_nobody(void)
{
	const id_t id = 65534;

	if (setgroups(0, NULL) || setresgid(id, id, id) || setresuid(id, id, id))
		return -errno;
	return 0;
}

/* For write_sysctl(): a program that spins looks to RCU like a CPU that hangs. */
#define NO_STALLS	"/sys/module/rcupdate/parameters/rcu_cpu_stall_suppress"

#define NR_THREADS	4

/* Run @fn in NR_THREADS threads at the same time. It returns NULL, or what went wrong. */
static inline void run_threads(void *(*fn)(void *arg))
{
	pthread_t threads[NR_THREADS];
	void *wrong;
	int nr;

	for (nr = 0; nr < NR_THREADS; nr++)
		if (!ASSERT_OK(pthread_create(&threads[nr], NULL, fn, NULL), "thread"))
			break;
	while (nr--) {
		pthread_join(threads[nr], &wrong);
		ASSERT_NULL(wrong, "what went wrong in a thread");
	}
}

/* Subtests that are run twice: NAME, and NAME_sleepable with sleepable programs. */
static inline bool start_subtest_of(const char *name, bool sleepable)
{
	char full[64];

	snprintf(full, sizeof(full), "%s%s", name, sleepable ? "_sleepable" : "");
	return test__start_subtest(full);
}

/* Make cgroups, parents first, and open them. Needs cleanup_tree() even if it fails. */
static inline bool setup_tree(int *fds, const char * const *paths, int nr)
{
	memset(fds, -1, nr * sizeof(*fds));
	if (!ASSERT_OK(setup_cgroup_environment(), "cgroup environment"))
		return false;

	for (int i = 0; i < nr; i++) {
		fds[i] = create_and_get_cgroup(paths[i]);
		if (!ASSERT_OK_FD(fds[i], paths[i]))
			return false;
	}
	return true;
}

static inline void cleanup_tree(const int *fds, int nr)
{
	for (int i = 0; i < nr; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	cleanup_cgroup_environment();
}

/* The next three return a length or -errno. */

static inline int pread_str(int fd, char *buf, size_t size)
{
	ssize_t len = pread(fd, buf, size - 1, 0);

	buf[len < 0 ? 0 : len] = '\0';
	return len < 0 ? -errno : len;
}

static inline int read_file(int dir, const char *file, char *buf, size_t size)
{
	int fd, ret;

	buf[0] = '\0';
	fd = openat(dir, file, O_RDONLY);
	if (fd < 0)
		return -errno;
	ret = pread_str(fd, buf, size);
	close(fd);
	return ret;
}

static inline int write_err(int fd, const void *from, size_t len)
{
	ssize_t ret = write(fd, from, len);

	return ret < 0 ? -errno : ret;
}

/* Returns 0 or -errno. */
static inline int write_file(int dir, const char *file, const char *str)
{
	int fd, ret;

	fd = openat(dir, file, O_WRONLY);
	if (fd < 0)
		return -errno;
	ret = write_err(fd, str, strlen(str));
	close(fd);
	return ret < 0 ? ret : 0;
}

static inline bool has_file(int dir, const char *file)
{
	return !faccessat(dir, file, F_OK, 0);
}

static inline void assert_fd_reads(int fd, const char *expected)
{
	char buf[256];

	ASSERT_EQ(pread_str(fd, buf, sizeof(buf)), strlen(expected), "length");
	ASSERT_STREQ(buf, expected, "contents");
}

static inline void assert_file_reads(int dir, const char *file, const char *expected)
{
	char buf[256];

	ASSERT_EQ(read_file(dir, file, buf, sizeof(buf)), strlen(expected), "length");
	ASSERT_STREQ(buf, expected, "contents");
}

/* The path of an open file; returns 0 or -errno. */
static inline int path_of(int fd, char *path, size_t size)
{
	char link[32];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, size - 1);
	if (len < 0)
		return -errno;
	path[len] = '\0';
	return 0;
}

/* Removed descendants of a cgroup that are still referenced; or -errno. */
static inline int nr_dying(int cgroup)
{
	static const char key[] = "nr_dying_descendants ";
	char buf[4096], *value;
	int ret;

	ret = read_file(cgroup, "cgroup.stat", buf, sizeof(buf));
	value = ret < 0 ? NULL : strstr(buf, key);
	return value ? atoi(value + strlen(key)) : -EBADMSG;
}

/* A program that returns 0 and does nothing else; @token_fd may be 0. */
static inline int load_empty_prog(enum bpf_attach_type type, int token_fd)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type);
	struct bpf_insn insns[] = { BPF_MOV64_IMM(BPF_REG_0, 0), BPF_EXIT_INSN() };

	opts.token_fd = token_fd;
	opts.prog_flags = token_fd ? BPF_F_TOKEN_FD : 0;
	return bpf_prog_load(BPF_PROG_TYPE_CGROUP_STAT, "x", "GPL", insns, ARRAY_SIZE(insns),
			     &opts);
}

static inline void set_sleepable(struct bpf_object *obj)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj)
		if (bpf_program__type(prog) == BPF_PROG_TYPE_CGROUP_STAT)
			bpf_program__set_flags(prog, BPF_F_SLEEPABLE);
}

/* Open and load a skeleton; @sleepable makes all of its stat programs sleepable. */
#define LOAD(name, sleepable)						\
({									\
	typeof(name##__open()) ___skel = name##__open();		\
									\
	if (___skel && (sleepable))					\
		set_sleepable(___skel->obj);				\
	if (___skel && name##__load(___skel)) {				\
		name##__destroy(___skel);				\
		___skel = NULL;						\
	}								\
	ASSERT_OK_PTR(___skel, "load " #name);				\
	___skel;							\
})

/* The options follow as initializers: attach_stat(prog, fd, .name = "x"). */
#define attach_stat(prog, cgroup, ...)					\
({									\
	LIBBPF_OPTS(bpf_cgroup_stat_opts, ___opts, __VA_ARGS__);	\
									\
	bpf_program__attach_cgroup_stat(prog, cgroup, &___opts);	\
})

/* The same without a struct bpf_link: returns a file descriptor or -errno. */
static inline int create_stat_link(int prog_fd, int cgroup, const char *name)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);

	opts.cgroup_stat.name = name;
	return bpf_link_create(prog_fd, cgroup, BPF_CGROUP_STAT, &opts);
}

static inline int get_prog_info(struct bpf_program *prog, struct bpf_prog_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, len);
	return bpf_prog_get_info_by_fd(bpf_program__fd(prog), info, &len);
}

static inline int get_link_info(struct bpf_link *link, struct bpf_link_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, len);
	return bpf_link_get_info_by_fd(bpf_link__fd(link), info, &len);
}

/* Returns how many files a link has, or -errno. */
static inline int nr_files(struct bpf_link *link)
{
	struct bpf_link_info info;

	return get_link_info(link, &info) ?: info.cgroup_stat.nr_files;
}

#endif /* CGROUP_STAT_HELPERS_H */
