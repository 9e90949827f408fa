/* SPDX-License-Identifier: GPL-2.0 */
/* Helpers shared by the tests of bpf.stat.<name> files. */
#ifndef CGROUP_STAT_HELPERS_H
#define CGROUP_STAT_HELPERS_H

#include <test_progs.h>
#include "cgroup_helpers.h"

#define PREFIX		"bpf.stat."
#define DEADLINE_S	600	/* generous: only a bug takes longer, however busy the machine is */

/* Poll until @cond is true, at most DEADLINE_S; returns whether it is. */
#define wait_until(cond) ({						\
	bool ___ok;							\
	for (int ___i = DEADLINE_S * 1000; !(___ok = (cond)) && ___i; ___i--)	\
		usleep(1000);						\
	___ok;								\
})

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

#endif /* CGROUP_STAT_HELPERS_H */
