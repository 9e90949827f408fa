// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Find out which cgroup a directory is, and the path of a cgroup.
 *
 * A cgroup's id is unique only within its hierarchy: the root of each has id 1. The id
 * of a hierarchy is 0 for cgroup v2, and those of v1 are in /proc/self/cgroup.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "main.h"

/* The file handle of a cgroup directory, which consists of the cgroup's id. */
union cgroup_handle {
	struct file_handle fh;
	char buf[sizeof(struct file_handle) + sizeof(__u64)];
};

static unsigned long get_fs_type(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) ? 0 : fs.f_type;
}

bool is_cgroup_v1(int fd)
{
	return get_fs_type(fd) == CGROUP_SUPER_MAGIC;
}

bool is_cgroup_v2(int fd)
{
	return get_fs_type(fd) == CGROUP2_SUPER_MAGIC;
}

/* Returns an id that no other mount ever has, 0 if it can't be found. */
static __u64 get_mount_id(int fd)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID_UNIQUE, &stx) ||
	    !(stx.stx_mask & STATX_MNT_ID_UNIQUE))
		return 0;
	return stx.stx_mnt_id;
}

/*
 * Reads a line of /proc/self/cgroup. @name: controllers and name, empty for cgroup v2.
 * %255 below is HIERARCHY_NAME_SIZE - 1.
 */
static bool read_hierarchy(FILE *file, int *id, char name[HIERARCHY_NAME_SIZE])
{
	char *line = NULL;
	size_t size = 0;
	bool ret;

	name[0] = '\0';
	ret = getline(&line, &size, file) > 0 && sscanf(line, "%d:%255[^:]", id, name) > 0;
	free(line);
	return ret;
}

void get_hierarchy_name(int hierarchy_id, char name[HIERARCHY_NAME_SIZE])
{
	bool found = false;
	FILE *file;
	int id;

	file = hierarchy_id ? fopen("/proc/self/cgroup", "r") : NULL;
	while (file && !found && read_hierarchy(file, &id, name))
		found = id == hierarchy_id;
	if (file)
		fclose(file);
	if (!found)
		strcpy(name, hierarchy_id ? "unknown" : "cgroup v2");
}

/* Returns the id of the v1 hierarchy whose mounts have these options, -1 if not found. */
static int get_id_by_options(char *options)
{
	const struct mntent mount = { .mnt_opts = options };
	char name[HIERARCHY_NAME_SIZE], *last;
	int id, found = -1;
	FILE *file;

	file = fopen("/proc/self/cgroup", "r");
	while (file && found < 0 && read_hierarchy(file, &id, name)) {
		/* a name, or else a controller: no other hierarchy has the same */
		last = strrchr(name, ',');
		if (*name && hasmntopt(&mount, last ? last + 1 : name))
			found = id;
	}
	if (file)
		fclose(file);
	return found;
}

/* All mounts of a v1 hierarchy, and no others, have the device number of its directories. */
static int find_v1_hierarchy_id(int cgroup_fd)
{
	unsigned int major, minor;
	char *line = NULL;
	size_t size = 0;
	struct stat st;
	int id = -1;
	FILE *file;

	if (fstat(cgroup_fd, &st))
		return -1;

	file = fopen("/proc/self/mountinfo", "r");
	while (file && id < 0 && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%*d %*d %u:%u", &major, &minor) == 2 &&
		    makedev(major, minor) == st.st_dev)
			id = get_id_by_options(strrchr(line, ' ') + 1);
	}
	free(line);
	if (file)
		fclose(file);
	return id;
}

/* Remembers the last one: it is asked for each link, and a mount's doesn't change. */
static int get_v1_hierarchy_id(int cgroup_fd)
{
	__u64 mount_id = get_mount_id(cgroup_fd);
	static __u64 last_mount_id;
	static int last = -1;

	if (last < 0 || !mount_id || mount_id != last_mount_id) {
		last = find_v1_hierarchy_id(cgroup_fd);
		last_mount_id = mount_id;
	}
	return last;
}

int get_hierarchy_id(int cgroup_fd)
{
	if (is_cgroup_v2(cgroup_fd))
		return 0;
	return is_cgroup_v1(cgroup_fd) ? get_v1_hierarchy_id(cgroup_fd) : -1;
}

static int get_cgroup_handle(int cgroup_fd, union cgroup_handle *handle)
{
	int mount_id;

	if (!is_cgroup_v1(cgroup_fd) && !is_cgroup_v2(cgroup_fd))
		return -1;

	handle->fh.handle_bytes = sizeof(__u64);
	return name_to_handle_at(cgroup_fd, "", &handle->fh, &mount_id,
				 AT_EMPTY_PATH);
}

__u64 get_cgroup_id(int cgroup_fd)
{
	union cgroup_handle handle;
	__u64 id;

	if (get_cgroup_handle(cgroup_fd, &handle))
		return 0;

	memcpy(&id, handle.fh.f_handle, sizeof(id));
	return id;
}

bool is_cgroup(int fd, int hierarchy_id, __u64 cgroup_id)
{
	return cgroup_id && get_cgroup_id(fd) == cgroup_id &&
	       get_hierarchy_id(fd) == hierarchy_id;
}

/* Returns -1 at the top of a mount: what that is mounted on is no parent. */
static int open_parent(int cgroup_fd)
{
	__u64 mount_id = get_mount_id(cgroup_fd);
	int fd;

	fd = openat(cgroup_fd, "..", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return -1;
	if (mount_id && get_mount_id(fd) == mount_id)
		return fd;

	close(fd);
	return -1;
}

/*
 * Is @ancestor_id the id of this cgroup or of one of its ancestors? Only ancestors
 * that are visible in its mount are found.
 */
bool cgroup_is_within(int cgroup_fd, int hierarchy_id, __u64 ancestor_id)
{
	bool found = false;
	int fd, up;

	if (!ancestor_id || get_hierarchy_id(cgroup_fd) != hierarchy_id)
		return false;

	fd = openat(cgroup_fd, ".", O_RDONLY | O_DIRECTORY);
	while (fd >= 0 && !found) {
		found = get_cgroup_id(fd) == ancestor_id;
		up = found ? -1 : open_parent(fd);
		close(fd);
		fd = up;
	}

	return found;
}

/* Returns the fd of the next mount of the hierarchy, -1 if there are no more. */
static int open_next_mount(FILE *mounts, int hierarchy_id)
{
	struct mntent *mnt;
	int fd;

	while ((mnt = getmntent(mounts))) {
		if (strncmp(mnt->mnt_type, "cgroup", strlen("cgroup")))
			continue;
		fd = open(mnt->mnt_dir, O_RDONLY | O_DIRECTORY);
		if (fd < 0)
			continue;
		if (get_hierarchy_id(fd) == hierarchy_id)
			return fd;
		close(fd);
	}

	return -1;
}

static int open_cgroup_by_id(int mount_fd, __u64 id)
{
	union cgroup_handle handle;

	/* get the handle of the mount's root for its other members, and replace the id */
	if (get_cgroup_handle(mount_fd, &handle))
		return -1;
	memcpy(handle.fh.f_handle, &id, sizeof(id));
	return open_by_handle_at(mount_fd, &handle.fh, O_RDONLY | O_DIRECTORY);
}

/*
 * A path from /proc/self/fd may be one of another mount or of a removed cgroup, and
 * doesn't lead to the cgroup then.
 */
static bool is_path_of_cgroup(const char *path, int hierarchy_id, __u64 cgroup_id)
{
	bool ret;
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return false;

	ret = is_cgroup(fd, hierarchy_id, cgroup_id);
	close(fd);
	return ret;
}

static char *get_path_in_mount(int mount_fd, int hierarchy_id, __u64 cgroup_id)
{
	char link[32], path[PATH_MAX];
	ssize_t n;
	int fd;

	fd = open_cgroup_by_id(mount_fd, cgroup_id);
	if (fd < 0)
		return NULL;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	close(fd);
	if (n < 0)
		return NULL;

	path[n] = '\0';
	return is_path_of_cgroup(path, hierarchy_id, cgroup_id) ? strdup(path) : NULL;
}

/* Some mounts may have only part of the hierarchy, or be hidden by others. */
char *get_cgroup_path(int hierarchy_id, __u64 cgroup_id)
{
	char *path = NULL;
	FILE *mounts;
	int fd;

	mounts = setmntent("/proc/self/mounts", "r");
	if (!mounts)
		return NULL;

	while (!path && (fd = open_next_mount(mounts, hierarchy_id)) >= 0) {
		path = get_path_in_mount(fd, hierarchy_id, cgroup_id);
		close(fd);
	}
	endmntent(mounts);
	return path;
}
