// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * bpftool cgroup stat: links of BPF programs that answer files bpf.stat.NAME
 *
 * A link is pinned at PATH. If the object file has other programs, they are kept
 * by pins in the directory PATH-progs: if libbpf can attach a program, its link is
 * pinned there, else the program itself. The latter are for instance more stat
 * programs, to which PATH can be updated. Maps with timers, works or programs are
 * pinned there, too: the kernel cancels or removes these when user space doesn't hold
 * the map any more.
 *
 * A bpftool that changes these pins holds a lock on the directory PATH-progs-new.
 * The pins for PATH-progs are made in there first, in a directory whose name is the
 * id of the stat program that they belong to. When the link has that program, this
 * directory takes the place of PATH-progs. If bpftool is killed, the next one knows
 * by the name whether the link was updated: it either finishes the update or removes
 * these pins.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/err.h>
#include <linux/magic.h>
#include <linux/mount.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/hashmap.h>
#include <bpf/libbpf.h>

#include "json_writer.h"
#include "main.h"

#define STAT_FILE_PREFIX	"bpf.stat."
#define OLD_PROGS		"old"		/* in the locked directory: previous PATH-progs */
#define MAX_USED_MAPS		64		/* of a program, as in the kernel */
#define EVERYWHERE		-2		/* instead of a cgroup's fd: CGROUP is "all" */
#define KNOWN_FLAGS		(BPF_F_CGROUP_STAT_ALL | BPF_F_CGROUP_STAT_LAZY)

/* What the object has besides the program that answers the file, and must be pinned. */
struct other_obj {
	const char *name;
	int fd;			/* to be pinned: of @link, or else of the program or map */
	struct bpf_link *link;	/* NULL for a map, or if libbpf can't attach the program */
	struct bpf_map *map;	/* NULL for a program */
};

/*
 * A map that the object wants to be pinned. libbpf would pin it when the object is
 * loaded, but it must not stay pinned if a later step fails.
 */
struct map_pin {
	struct bpf_map *map;
	char *path;
	bool made;
};

/* The program that is to answer the file, and the rest of its object. */
struct stat_prog {
	int fd;
	const char *name;
	char name_buf[MAX_PROG_FULL_NAME];
	struct bpf_object *obj;		/* NULL if the program was loaded already */
	const char *obj_path;
	struct other_obj *others;
	int nr_others;
	char staged[16];		/* name of the directory where they are pinned first */
	struct map_pin *map_pins;
	int nr_map_pins;
};

/* What attach takes after PATH. */
struct attach_opts {
	const char *name;	/* NULL: that of the program */
	__u32 mode;		/* 0: the kernel's default */
	bool lazy;
};

/* The pins that belong to a link. */
struct stat_pins {
	char link[PATH_MAX];	/* path of the link's pin */
	char dir[PATH_MAX];	/* path of the directory that has all the pins */
	const char *name;	/* in @dir: the link's pin */
	char progs[PATH_MAX];	/* in @dir: directory with the other programs' pins */
	char lock[PATH_MAX];	/* in @dir: directory that is locked */
	int dir_fd;
	int lock_fd;
	sigset_t signals;	/* signal mask before the lock was taken */
	int mount_fd;		/* locked, @dir_fd is a new bpffs to be mounted on it; or -1 */
};

/* Maps of the programs that an update replaces. The new programs may use them. */
struct old_maps {
	struct bpf_map_info *infos;	/* first those of the link's program */
	int nr;
	int nr_own;			/* number of those of the link's program */
};

/* Signals that would kill bpftool are blocked until either all pins exist or none. */
static void get_fatal_signals(sigset_t *signals)
{
	static const int fatal[] = { SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM };
	struct sigaction action;
	size_t i;

	sigemptyset(signals);
	for (i = 0; i < ARRAY_SIZE(fatal); i++) {
		/* an ignored signal that is blocked would become pending, too */
		if (!sigaction(fatal[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(signals, fatal[i]);
	}
}

static void block_signals(sigset_t *old)
{
	sigset_t signals;

	get_fatal_signals(&signals);
	sigprocmask(SIG_BLOCK, &signals, old);
}

static void restore_signals(const sigset_t *old)
{
	sigprocmask(SIG_SETMASK, old, NULL);
}

static bool is_interrupted(void)
{
	sigset_t signals, pending;

	get_fatal_signals(&signals);
	sigpending(&pending);
	sigandset(&pending, &pending, &signals);
	if (sigisemptyset(&pending))
		return false;

	p_err("interrupted, nothing was changed");
	return true;
}

static DIR *open_dir(int parent_fd, const char *name)
{
	DIR *dir;
	int fd;

	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static int remove_pins(int parent_fd, const char *name);

static int empty_dir(int parent_fd, const char *name)
{
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	dir = open_dir(parent_fd, name);
	if (!dir)
		return -1;

	while (!err && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			err = remove_pins(dirfd(dir), entry->d_name);
	}
	closedir(dir);
	return err;
}

/* Remove a pin or a directory of pins, if it exists. */
static int remove_pins(int parent_fd, const char *name)
{
	if (!unlinkat(parent_fd, name, 0) || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -1;
	return empty_dir(parent_fd, name) ?: unlinkat(parent_fd, name, AT_REMOVEDIR);
}

static bool exists(int dir_fd, const char *name)
{
	return !faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

static bool is_on_bpffs(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

/* Make a BPF file system that isn't mounted. Closing its fd releases it. */
static int make_bpffs(void)
{
	int fs_fd, fd = -1;

	fs_fd = syscall(__NR_fsopen, "bpf", FSOPEN_CLOEXEC);
	if (fs_fd < 0)
		return -1;

	if (!syscall(__NR_fsconfig, fs_fd, FSCONFIG_SET_STRING, "source", "bpf", 0) &&
	    !syscall(__NR_fsconfig, fs_fd, FSCONFIG_SET_STRING, "mode", "0700", 0) &&
	    !syscall(__NR_fsconfig, fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = syscall(__NR_fsmount, fs_fd, FSMOUNT_CLOEXEC, 0);
	close(fs_fd);
	return fd;
}

/* The mount hides the directory's content, so it must be the last step. */
static int mount_bpffs(const struct stat_pins *pins)
{
	struct statfs fs;
	int err;

	if (pins->mount_fd < 0)
		return 0;

	/* somebody other than bpftool doesn't take the lock */
	if (!statfs(pins->dir, &fs) && (unsigned long)fs.f_type == BPF_FS_MAGIC) {
		p_err("somebody has mounted a BPF file system on %s meanwhile: try again",
		      pins->dir);
		return -1;
	}

	err = syscall(__NR_move_mount, pins->dir_fd, "", pins->mount_fd, "",
		      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	if (err)
		p_err("can't mount a BPF file system on %s: %s", pins->dir, strerror(errno));
	return err;
}

static int open_pins_dir(struct stat_pins *pins)
{
	pins->dir_fd = open(pins->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (pins->dir_fd < 0)
		p_err("can't open %s: %s", pins->dir, strerror(errno));
	return pins->dir_fd < 0 ? -1 : 0;
}

/*
 * A second BPF file system on the same directory would hide the first one's pins. So a
 * bpftool that is to mount one locks the directory until it has.
 */
static int lock_mount_dir(struct stat_pins *pins)
{
	int err;

	pins->mount_fd = openat(pins->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = pins->mount_fd < 0 ? -1 : flock(pins->mount_fd, LOCK_EX | LOCK_NB);
	if (err && errno == EWOULDBLOCK) {
		p_info("another bpftool mounts a BPF file system on %s: waiting for it",
		       pins->dir);
		err = flock(pins->mount_fd, LOCK_EX);
	}
	if (err)
		p_err("can't lock %s: %s", pins->dir, strerror(errno));
	return err;
}

static int replace_by_bpffs(struct stat_pins *pins)
{
	if (lock_mount_dir(pins))
		return -1;

	/* is there one by now? */
	close(pins->dir_fd);
	if (open_pins_dir(pins))
		return -1;
	if (is_on_bpffs(pins->dir_fd)) {
		close(pins->mount_fd);
		pins->mount_fd = -1;
		return 0;
	}

	close(pins->dir_fd);
	pins->dir_fd = make_bpffs();
	if (pins->dir_fd >= 0)
		return 0;

	p_err("can't mount a BPF file system on %s: %s: name a file on one, usually below /sys/fs/bpf",
	      pins->dir, strerror(errno));
	return -1;
}

static int init_pins(struct stat_pins *pins, const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	pins->name = slash ? slash + 1 : path;
	if (!*pins->name || strchr(pins->name, '.')) {
		p_err("bad path '%s': end it with a name that has no dot", path);
		return -1;
	}

	if (strlen(path) >= sizeof(dir)) {
		p_err("%s: %s", path, strerror(ENAMETOOLONG));
		return -1;
	}
	/* absolute: a relative path wouldn't see what will be mounted on the directory */
	snprintf(dir, sizeof(dir), "%.*s.", (int)(pins->name - path), path);
	if (!realpath(dir, pins->dir)) {
		p_err("no directory for %s: %s: name a file on bpffs, usually below /sys/fs/bpf",
		      path, strerror(errno));
		return -1;
	}

	snprintf(pins->progs, sizeof(pins->progs), "%s-progs", pins->name);
	snprintf(pins->lock, sizeof(pins->lock), "%s-progs-new", pins->name);
	if (!pathname_concat(pins->link, sizeof(pins->link), pins->dir, pins->name))
		return 0;

	p_err("%s: %s", path, strerror(ENAMETOOLONG));
	return -1;
}

/* Are file systems mounted below @dir, which is an absolute path? */
static bool has_mounts_below(const char *dir)
{
	size_t len = strcmp(dir, "/") ? strlen(dir) : 0;
	const struct mntent *mnt;
	FILE *mounts;

	mounts = setmntent("/proc/mounts", "r");
	if (!mounts)
		return true;

	do
		mnt = getmntent(mounts);
	while (mnt && (strncmp(mnt->mnt_dir, dir, len) || mnt->mnt_dir[len] != '/' ||
		       !mnt->mnt_dir[len + 1]));
	endmntent(mounts);
	return mnt;
}

/* A mount on a directory hides all that is below: that mustn't be cgroups or mounts. */
static bool is_mountable(const struct stat_pins *pins)
{
	return !is_cgroup_v1(pins->dir_fd) && !is_cgroup_v2(pins->dir_fd) &&
	       !has_mounts_below(pins->dir);
}

/* @may_mount: mount a BPF file system on the directory if it isn't on one */
static int open_pins(struct stat_pins *pins, const char *path, bool may_mount)
{
	pins->dir_fd = -1;
	pins->lock_fd = -1;
	pins->mount_fd = -1;
	if (init_pins(pins, path) || open_pins_dir(pins))
		return -1;
	if (is_on_bpffs(pins->dir_fd))
		return 0;

	if (may_mount && !block_mount && !exists(pins->dir_fd, pins->name) && is_mountable(pins))
		return replace_by_bpffs(pins);

	p_err("%s isn't on a BPF file system: name a file on one, usually below /sys/fs/bpf",
	      pins->link);
	return -1;
}

static bool is_ours(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_uid == geteuid();
}

static bool was_removed(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && !st.st_nlink;
}

static int open_lock(const struct stat_pins *pins)
{
	int fd;

	do {
		if (mkdirat(pins->dir_fd, pins->lock, 0700) && errno != EEXIST)
			return -1;
		fd = openat(pins->dir_fd, pins->lock,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	} while (fd < 0 && errno == ENOENT); /* the previous holder just removed it */

	return fd;
}

/* Another user could have made it, to keep us out or to access our pins. */
static void report_foreign_lock(const struct stat_pins *pins, bool is_held)
{
	if (is_held)
		p_err("%s/%s: another user's bpftool is at work: try again", pins->dir,
		      pins->lock);
	else
		p_err("%s/%s: another user made it: remove it (rm -r)", pins->dir, pins->lock);
}

/*
 * Replace PATH-progs by the directory @staged. RENAME_EXCHANGE would do it at once, but
 * after that, @staged would be the name of the previous PATH-progs.
 */
static int replace_others(const struct stat_pins *pins, const char *staged)
{
	if (renameat(pins->dir_fd, pins->progs, pins->lock_fd, OLD_PROGS) && errno != ENOENT)
		return -1;
	/* there is no PATH-progs without pins */
	if (!unlinkat(pins->lock_fd, staged, AT_REMOVEDIR))
		return 0;
	return renameat(pins->lock_fd, staged, pins->dir_fd, pins->progs);
}

/* Returns the id of the program that the pinned link has, 0 if there is no such link. */
static __u32 linked_prog_id(const struct stat_pins *pins)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_PATH_FD,
		    .path_fd = pins->dir_fd);
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	int fd;

	fd = bpf_obj_get_opts(pins->name, &opts);
	if (fd < 0)
		return 0;

	if (get_fd_type(fd) != BPF_OBJ_LINK || bpf_link_get_info_by_fd(fd, &info, &len))
		info.prog_id = 0;
	close(fd);
	return info.prog_id;
}

/* Finish or undo what a bpftool has left that was killed. */
static int clean_pins(const struct stat_pins *pins)
{
	char staged[16];
	int err = 0;

	snprintf(staged, sizeof(staged), "%u", linked_prog_id(pins));
	if (exists(pins->lock_fd, staged))
		err = replace_others(pins, staged);
	if (!err)
		err = empty_dir(pins->lock_fd, ".");
	if (err)
		p_err("can't clean up after an update of %s that was killed: %s: remove %s/%s (rm -r)",
		      pins->link, strerror(errno), pins->dir, pins->lock);
	return err;
}

/*
 * The kernel drops the lock when its holder exits, and a directory that a killed
 * bpftool left behind can be locked again. Fatal signals are blocked from here to
 * close_pins(), except while this waits for the lock.
 */
static int lock_pins(struct stat_pins *pins)
{
	bool is_waiting = false, is_held;
	int fd, err;

	for (;;) {
		block_signals(&pins->signals);
		fd = open_lock(pins);
		if (fd < 0)
			break;
		is_held = flock(fd, LOCK_EX | LOCK_NB);
		if (!is_ours(fd)) {
			report_foreign_lock(pins, is_held);
			close(fd);
			restore_signals(&pins->signals);
			return -1;
		}
		if (!is_held && !was_removed(fd)) {
			pins->lock_fd = fd;
			return clean_pins(pins);
		}
		restore_signals(&pins->signals);

		if (is_held && !is_waiting) {
			p_info("another bpftool changes %s: waiting for it", pins->link);
			is_waiting = true;
		}
		err = flock(fd, LOCK_EX);
		close(fd);
		if (err)
			break;
	}

	p_err("can't lock %s/%s: %s%s", pins->dir, pins->lock, strerror(errno),
	      errno == EACCES ? ": try as root" : "");
	restore_signals(&pins->signals);
	return -1;
}

static void close_pins(struct stat_pins *pins)
{
	if (pins->lock_fd >= 0) {
		/* fails if clean_pins() did */
		unlinkat(pins->dir_fd, pins->lock, AT_REMOVEDIR);
		close(pins->lock_fd);
		restore_signals(&pins->signals);
	}
	if (pins->dir_fd >= 0)
		close(pins->dir_fd);
	if (pins->mount_fd >= 0)
		close(pins->mount_fd);
}

static bool is_stat_prog(const struct bpf_program *prog)
{
	return bpf_program__type(prog) == BPF_PROG_TYPE_CGROUP_STAT;
}

static struct bpf_program *first_stat_prog(const struct bpf_object *obj)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj) {
		if (is_stat_prog(prog) && bpf_program__autoload(prog))
			return prog;
	}
	return NULL;
}

static const char *load_hint(int err)
{
	if (err == EPERM)
		return "try as root, it takes CAP_BPF and CAP_PERFMON";
	/* loading an unknown type and loading without privileges both fail with EINVAL */
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_CGROUP_STAT, NULL) <= 0)
		return geteuid() ? "try as root, it takes CAP_BPF and CAP_PERFMON" :
				   "this kernel has no cgroup stat programs";
	return "'bpftool -d' shows why";
}

/*
 * Some iterators need a parameter to be attached, such as the map to iterate over.
 * SEC() can't express it, so libbpf fails to attach them.
 */
static bool is_iter_of_something(const struct bpf_program *prog, int err)
{
	return bpf_program__expected_attach_type(prog) == BPF_TRACE_ITER &&
	       (err == -EINVAL || err == -EBADF);
}

/*
 * Attach one program, or leave @link alone if libbpf can't attach its type. Only
 * bpf_object__attach_skeleton() tells that from a failure to attach.
 */
static int attach_as_skeleton(struct bpf_program *prog, struct bpf_link **link)
{
	struct bpf_prog_skeleton prog_skel = {
		.name = bpf_program__name(prog),
		.prog = &prog,
		.link = link,
	};
	struct bpf_object_skeleton skel = {
		.sz = sizeof(skel),
		.progs = &prog_skel,
		.prog_cnt = 1,
		.prog_skel_sz = sizeof(prog_skel),
	};
	int err;

	err = bpf_object__attach_skeleton(&skel);
	return is_iter_of_something(prog, err) ? 0 : err;
}

static int attach_other(struct other_obj *other, struct bpf_program *prog)
{
	int err;

	other->name = bpf_program__name(prog);
	err = attach_as_skeleton(prog, &other->link);
	if (err) {
		p_err("can't attach program %s (SEC(\"%s\")): %s: 'bpftool -d' shows why",
		      other->name, bpf_program__section_name(prog), strerror(-err));
		return -1;
	}
	other->fd = other->link ? bpf_link__fd(other->link) : bpf_program__fd(prog);
	return 0;
}

/* Does the type have a bpf_timer or the like, which may be in a struct within it? */
static bool has_async_member(const struct btf *btf, __u32 type_id)
{
	static const char * const async[] = { "bpf_timer", "bpf_wq", "bpf_task_work" };
	const struct btf_type *type;
	__u32 i;

	type = btf__type_by_id(btf, btf__resolve_type(btf, type_id));
	if (!type || !btf_is_struct(type))
		return false;

	for (i = 0; i < ARRAY_SIZE(async); i++) {
		if (!strcmp(btf__name_by_offset(btf, type->name_off), async[i]))
			return true;
	}
	for (i = 0; i < btf_vlen(type); i++) {
		if (has_async_member(btf, btf_members(type)[i].type))
			return true;
	}
	return false;
}

/* Does the map lose its content when user space doesn't hold it any more? */
static bool must_be_held(const struct bpf_object *obj, const struct bpf_map *map)
{
	const struct btf *btf = bpf_object__btf(obj);

	if (!bpf_map__autocreate(map))
		return false;
	if (bpf_map__type(map) == BPF_MAP_TYPE_PROG_ARRAY)
		return true;
	return btf && has_async_member(btf, bpf_map__btf_value_type_id(map));
}

/* Before prepare_maps(): a map that is reused has type ids of the previous object. */
static void find_held_maps(struct stat_prog *stat)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, stat->obj) {
		if (must_be_held(stat->obj, map))
			stat->others[stat->nr_others++].map = map;
	}
}

static int alloc_others(struct stat_prog *stat)
{
	struct bpf_program *prog;
	struct bpf_map *map;
	int nr = 0;

	bpf_object__for_each_program(prog, stat->obj)
		nr++;
	bpf_object__for_each_map(map, stat->obj)
		nr++;
	stat->others = calloc(nr, sizeof(*stat->others));
	if (stat->others)
		return 0;

	p_err("mem alloc failed");
	return -1;
}

static int attach_others(struct stat_prog *stat)
{
	struct other_obj *other;
	struct bpf_program *prog;

	for (other = stat->others; other < stat->others + stat->nr_others; other++) {
		other->name = bpf_map__name(other->map);
		other->fd = bpf_map__fd(other->map);
	}

	bpf_object__for_each_program(prog, stat->obj) {
		if (bpf_program__fd(prog) == stat->fd || !bpf_program__autoload(prog))
			continue;
		if (attach_other(&stat->others[stat->nr_others], prog))
			return -1;
		stat->nr_others++;
	}
	return 0;
}

static int add_map(struct old_maps *old, __u32 id)
{
	struct bpf_map_info *infos, *info;
	__u32 len = sizeof(*info);
	int i, fd, err;

	for (i = 0; i < old->nr; i++) {
		if (old->infos[i].id == id)
			return 0;
	}

	infos = realloc(old->infos, (old->nr + 1) * sizeof(*infos));
	if (!infos)
		return -ENOMEM;
	old->infos = infos;

	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return -errno;
	info = &infos[old->nr];
	memset(info, 0, sizeof(*info));
	err = bpf_map_get_info_by_fd(fd, info, &len);
	close(fd);
	if (!err)
		old->nr++;
	return err;
}

static int add_maps_of_prog(struct old_maps *old, int prog_fd)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	__u32 ids[MAX_USED_MAPS];
	__u32 i;
	int err;

	info.nr_map_ids = ARRAY_SIZE(ids);
	info.map_ids = ptr_to_u64(ids);
	err = bpf_prog_get_info_by_fd(prog_fd, &info, &len);
	if (!err && info.nr_map_ids > ARRAY_SIZE(ids))
		err = -E2BIG;

	for (i = 0; !err && i < info.nr_map_ids; i++)
		err = add_map(old, ids[i]);
	return err;
}

static int add_maps_of_link(struct old_maps *old, int link_fd)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	int fd, err;

	err = bpf_link_get_info_by_fd(link_fd, &info, &len);
	if (err)
		return err;

	fd = bpf_prog_get_fd_by_id(info.prog_id);
	if (fd < 0)
		return -errno;
	err = add_maps_of_prog(old, fd);
	close(fd);
	return err;
}

static int add_maps_of_pin(struct old_maps *old, int dir_fd, const char *name)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_PATH_FD, .path_fd = dir_fd);
	int fd, err;

	fd = bpf_obj_get_opts(name, &opts);
	if (fd < 0)
		return -errno;

	switch (get_fd_type(fd)) {
	case BPF_OBJ_LINK:
		err = add_maps_of_link(old, fd);
		break;
	case BPF_OBJ_PROG:
		err = add_maps_of_prog(old, fd);
		break;
	default:
		err = 0;
	}
	close(fd);
	return err;
}

static int add_maps_of_dir(struct old_maps *old, DIR *dir)
{
	struct dirent *entry;
	int err = 0;

	while (!err && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			err = add_maps_of_pin(old, dirfd(dir), entry->d_name);
	}
	return err;
}

/* Sets *@progs to NULL and returns 0 if there is no PATH-progs. */
static int open_progs(const struct stat_pins *pins, DIR **progs)
{
	*progs = open_dir(pins->dir_fd, pins->progs);
	if (!*progs && errno != ENOENT) {
		p_err("can't open %s-progs: %s: give 'fresh' for new maps", pins->link,
		      strerror(errno));
		return -1;
	}
	if (!*progs || is_ours(dirfd(*progs)))
		return 0;

	p_err("%s-progs: another user made it: give 'fresh' for new maps", pins->link);
	closedir(*progs);
	return -1;
}

static int find_old_maps(struct old_maps *old, int link_fd, const struct stat_pins *pins)
{
	DIR *progs;
	int err;

	if (open_progs(pins, &progs))
		return -1;

	err = add_maps_of_link(old, link_fd);
	old->nr_own = old->nr;
	if (progs) {
		err = err ?: add_maps_of_dir(old, progs);
		closedir(progs);
	}
	if (err)
		p_err("can't get the maps of %s: %s: %sgive 'fresh' for new ones", pins->link,
		      strerror(-err), err == -EPERM ? "it takes CAP_SYS_ADMIN, or " : "");
	return err;
}

/* The kernel truncates the names of maps. */
static bool is_name_of(const struct bpf_map_info *info, const char *name)
{
	return !strncmp(info->name, name, sizeof(info->name) - 1);
}

static struct bpf_map_info *find_in(struct bpf_map_info *info, int nr, const char *name,
				    bool *is_ambiguous)
{
	struct bpf_map_info *found = NULL;

	for (; nr; nr--, info++) {
		if (!is_name_of(info, name))
			continue;
		/* id is 0: keep_map() gave it to another map of the object */
		if (found || !info->id)
			*is_ambiguous = true;
		found = info;
	}
	return found;
}

static struct bpf_map_info *find_old_map(const struct old_maps *old, const char *name,
					 bool *is_ambiguous)
{
	*is_ambiguous = false;
	return find_in(old->infos, old->nr_own, name, is_ambiguous) ?:
	       find_in(old->infos + old->nr_own, old->nr - old->nr_own, name, is_ambiguous);
}

/* Returns what differs between an existing map and the object's, NULL if nothing. */
static const char *map_difference(const struct bpf_map *map, const struct bpf_map_info *info)
{
	/*
	 * Flags that may differ: these two belong to an fd rather than to a map, and
	 * the kernel sets BPF_F_RDONLY_PROG in all maps of the types below.
	 */
	__u32 not_told = BPF_F_RDONLY | BPF_F_WRONLY;

	if (info->type == BPF_MAP_TYPE_DEVMAP || info->type == BPF_MAP_TYPE_DEVMAP_HASH)
		not_told |= BPF_F_RDONLY_PROG;

	if (info->type != bpf_map__type(map))
		return "type";
	if (info->key_size != bpf_map__key_size(map))
		return "key size";
	if (info->value_size != bpf_map__value_size(map))
		return "value size";
	/* 0: libbpf or the kernel derives it from the number of CPUs */
	if (bpf_map__max_entries(map) && info->max_entries != bpf_map__max_entries(map))
		return "number of entries";
	if ((info->map_flags | not_told) != (bpf_map__map_flags(map) | not_told))
		return "set of flags";
	if (info->map_extra != bpf_map__map_extra(map))
		return "map_extra";
	return NULL;
}

static int keep_map(struct bpf_map *map, struct bpf_map_info *info)
{
	int fd, err;

	fd = bpf_map_get_fd_by_id(info->id);
	if (fd < 0)
		return -errno;

	err = bpf_map__reuse_fd(map, fd);
	close(fd);
	info->id = 0;
	return err;
}

/* Does the object define the map's contents: variables, programs or maps? */
static bool has_own_contents(const struct bpf_map *map)
{
	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
	case BPF_MAP_TYPE_STRUCT_OPS:
		return true;
	default:
		return bpf_map__is_internal(map);
	}
}

/* If the programs to be replaced use a map of this name, reuse it. */
static int use_old_map(struct bpf_map *map, const struct old_maps *old)
{
	const char *name = bpf_map__name(map);
	struct bpf_map_info *info;
	const char *difference;
	bool is_ambiguous;
	int err;

	if (has_own_contents(map))
		return 0;
	info = find_old_map(old, name, &is_ambiguous);
	if (!info)
		return 0;

	if (is_ambiguous) {
		p_err("can't keep map %s: there are two whose names begin like that: give 'fresh' for new maps",
		      name);
		return -1;
	}
	difference = map_difference(map, info);
	if (difference) {
		p_err("can't keep map %s: the new one has another %s: give 'fresh' for new maps",
		      name, difference);
		return -1;
	}
	err = keep_map(map, info);
	if (err)
		p_err("can't keep map %s: %s: give 'fresh' for new maps", name, strerror(-err));
	return err;
}

/* Returns 1 if the map pinned at @path is reused, 0 if there is none, -1 on error. */
static int use_pinned_map(struct bpf_map *map, const char *path)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	const char *difference;
	int fd, err;

	fd = bpf_obj_get(path);
	if (fd < 0 && errno == ENOENT)
		return 0;

	err = fd < 0 ? -errno : bpf_map_get_info_by_fd(fd, &info, &len);
	difference = err ? NULL : map_difference(map, &info);
	if (!err && !difference)
		err = bpf_map__reuse_fd(map, fd);
	if (fd >= 0)
		close(fd);

	if (difference)
		p_err("can't use %s for map %s: the new one has another %s: remove it, or rename the map",
		      path, bpf_map__name(map), difference);
	else if (err)
		p_err("can't use %s for map %s: %s", path, bpf_map__name(map), strerror(-err));
	else
		return 1;
	return -1;
}

/* Keep libbpf from pinning the map. pin_maps() does that when all else has worked. */
static int defer_pin(struct stat_prog *stat, struct bpf_map *map)
{
	struct map_pin *pin = &stat->map_pins[stat->nr_map_pins];

	pin->map = map;
	pin->path = strdup(bpf_map__pin_path(map));
	if (!pin->path || bpf_map__set_pin_path(map, NULL)) {
		free(pin->path);
		p_err("mem alloc failed");
		return -1;
	}
	stat->nr_map_pins++;
	return 0;
}

static int prepare_map(struct stat_prog *stat, struct bpf_map *map, const struct old_maps *old)
{
	int ret;

	if (!bpf_map__autocreate(map))
		return 0;
	if (!bpf_map__pin_path(map))
		return use_old_map(map, old);

	ret = use_pinned_map(map, bpf_map__pin_path(map));
	if (ret)
		return ret < 0 ? ret : bpf_map__set_pin_path(map, NULL);
	return defer_pin(stat, map) ?: use_old_map(map, old);
}

static int prepare_maps(struct stat_prog *stat, const struct old_maps *old)
{
	struct bpf_map *map;
	int nr_maps = 0;

	bpf_object__for_each_map(map, stat->obj)
		nr_maps++;
	stat->map_pins = calloc(nr_maps + 1, sizeof(*stat->map_pins));
	if (!stat->map_pins) {
		p_err("mem alloc failed");
		return -1;
	}

	bpf_object__for_each_map(map, stat->obj) {
		if (prepare_map(stat, map, old))
			return -1;
	}
	return 0;
}

static int name_staged(struct stat_prog *stat)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (bpf_prog_get_info_by_fd(stat->fd, &info, &len)) {
		p_err("can't get prog info: %s", strerror(errno));
		return -1;
	}
	snprintf(stat->staged, sizeof(stat->staged), "%u", info.id);
	return 0;
}

/* Load the object, if there is one, and attach its other programs. */
static int load_stat_prog(struct stat_prog *stat, const struct old_maps *old)
{
	struct bpf_program *prog;
	int err;

	if (!stat->obj)
		return 0;
	if (alloc_others(stat))
		return -1;
	find_held_maps(stat);
	if (prepare_maps(stat, old))
		return -1;

	set_max_rlimit();
	if (bpf_object__load(stat->obj)) {
		err = errno;
		p_err("can't load %s: %s: %s", stat->obj_path, strerror(err), load_hint(err));
		return -1;
	}

	prog = first_stat_prog(stat->obj);
	stat->fd = bpf_program__fd(prog);
	return name_staged(stat) ?: attach_others(stat);
}

static int open_object(struct stat_prog *stat, const char *path)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct bpf_program *prog;
	char msg[64];

	if (verifier_logs)
		/* log_level1 + log_level2 + stats, but not stable UAPI */
		opts.kernel_log_level = 1 + 2 + 4;

	stat->obj_path = path;
	stat->obj = bpf_object__open_file(path, &opts);
	if (!stat->obj) {
		libbpf_strerror(errno, msg, sizeof(msg));
		p_err("can't open %s: %s: give a BPF object file or a PROG", path, msg);
		return -1;
	}

	prog = first_stat_prog(stat->obj);
	if (!prog) {
		p_err("%s has no cgroup stat program, none in SEC(\"cgroup/stat\")", path);
		return -1;
	}
	stat->name = bpf_program__name(prog);
	return 0;
}

static int get_loaded_prog(struct stat_prog *stat, int *argc, char ***argv)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	const char *type;

	stat->fd = prog_parse_fd(argc, argv);
	if (stat->fd < 0)
		return -1;

	if (bpf_prog_get_info_by_fd(stat->fd, &info, &len)) {
		p_err("can't get prog info: %s", strerror(errno));
		return -1;
	}
	if (info.type != BPF_PROG_TYPE_CGROUP_STAT) {
		type = libbpf_bpf_prog_type_str(info.type);
		p_err("program %u is no cgroup stat program, its type is %s", info.id,
		      type ?: "unknown");
		return -1;
	}

	get_prog_full_name(&info, stat->fd, stat->name_buf, sizeof(stat->name_buf));
	stat->name = stat->name_buf;
	return 0;
}

/* Returns the keyword that @arg is or abbreviates, NULL if there is none. */
static const char *prog_keyword(const char *arg)
{
	static const char * const keywords[] = { "id", "pinned", "tag", "name" };
	size_t i;

	for (i = 0; *arg && i < ARRAY_SIZE(keywords); i++) {
		if (is_prefix(arg, keywords[i]))
			return keywords[i];
	}
	return NULL;
}

static bool is_all(const char *cgroup)
{
	return !strcmp(cgroup, "all");
}

/*
 * Could argv[0] be an object file, although it is or abbreviates a keyword? It can
 * if there is a file of that name, and either it is an abbreviation, or what follows
 * is missing, "all" or a directory: that is a CGROUP, which follows an object file.
 */
static bool may_be_object(const char *keyword, int argc, char **argv)
{
	struct stat st;

	if (access(argv[0], F_OK))
		return false;
	if (strcmp(argv[0], keyword) || argc < 2 || is_all(argv[1]))
		return true;
	return !stat(argv[1], &st) && S_ISDIR(st.st_mode);
}

static int check_keyword(const char *keyword, int argc, char **argv)
{
	if (may_be_object(keyword, argc, argv)) {
		p_err("'%s' is a file, and the keyword '%s': write ./%s for the file",
		      argv[0], keyword, argv[0]);
		return -1;
	}
	if (argc < 2) {
		p_err("'%s' needs an argument: say which program", argv[0]);
		return -1;
	}
	return 0;
}

/* Parse { OBJ | PROG }. An object is opened, but not loaded yet. */
static int parse_stat_prog(struct stat_prog *stat, int *argc, char ***argv)
{
	const char *path = **argv, *keyword = prog_keyword(path);

	stat->fd = -1;
	if (keyword)
		return check_keyword(keyword, *argc, *argv) ?: get_loaded_prog(stat, argc, argv);

	NEXT_ARGP();
	return open_object(stat, path);
}

/* Close the links of the other programs without detaching them: they are pinned. */
static void leave_others(struct stat_prog *stat)
{
	int i;

	for (i = 0; i < stat->nr_others; i++) {
		if (!stat->others[i].link)
			continue;
		/*
		 * Then libbpf closes no fd, and batch mode must not leak them. Only that
		 * of a perf event can't be reached, and stays open until bpftool exits.
		 */
		bpf_link__disconnect(stat->others[i].link);
		close(stat->others[i].fd);
	}
}

static void put_stat_prog(struct stat_prog *stat)
{
	int i;

	for (i = 0; i < stat->nr_others; i++)
		bpf_link__destroy(stat->others[i].link);
	free(stat->others);

	for (i = 0; i < stat->nr_map_pins; i++)
		free(stat->map_pins[i].path);
	free(stat->map_pins);

	if (stat->obj)
		bpf_object__close(stat->obj);
	else if (stat->fd >= 0)
		close(stat->fd);
}

static int pin_at(int fd, int dir_fd, const char *name)
{
	LIBBPF_OPTS(bpf_obj_pin_opts, opts, .file_flags = BPF_F_PATH_FD, .path_fd = dir_fd);

	return bpf_obj_pin_opts(fd, name, &opts);
}

/* Pin the other objects in the locked directory, from where replace_others() takes them. */
static int pin_others(const struct stat_prog *stat, const struct stat_pins *pins)
{
	char path[PATH_MAX];
	int i, err;

	if (!stat->obj)
		return 0;

	err = mkdirat(pins->lock_fd, stat->staged, 0700);
	if (err) {
		p_err("can't create a directory in %s/%s: %s", pins->dir, pins->lock,
		      strerror(errno));
		return err;
	}

	for (i = 0; i < stat->nr_others; i++) {
		err = pathname_concat(path, sizeof(path), stat->staged, stat->others[i].name) ?:
		      pin_at(stat->others[i].fd, pins->lock_fd, path);
		if (err) {
			p_err("can't pin %s: %s", stat->others[i].name, strerror(-err));
			return err;
		}
	}
	return 0;
}

static int pin_maps(const struct stat_prog *stat)
{
	struct map_pin *pin;
	int i, err;

	for (i = 0; i < stat->nr_map_pins; i++) {
		pin = &stat->map_pins[i];
		err = bpf_map__pin(pin->map, pin->path);
		if (err) {
			p_err("can't pin map %s at %s: %s", bpf_map__name(pin->map), pin->path,
			      strerror(-err));
			return err;
		}
		pin->made = true;
	}
	return 0;
}

static int pin_all(const struct stat_prog *stat, const struct stat_pins *pins)
{
	return pin_others(stat, pins) ?: pin_maps(stat);
}

static void unpin_all(const struct stat_prog *stat, const struct stat_pins *pins)
{
	int i;

	empty_dir(pins->lock_fd, ".");
	for (i = 0; i < stat->nr_map_pins; i++) {
		if (stat->map_pins[i].made)
			unlink(stat->map_pins[i].path);
	}
}

static int open_cgroup(const char *path)
{
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		p_err("can't open cgroup %s: %s: name a cgroup's directory", path,
		      strerror(errno));
	return fd;
}

/* Sets @info to point to @name, which has to stay valid as long as @info is used. */
static int get_stat_info(int fd, struct bpf_link_info *info, char *name, __u32 name_size)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	if (bpf_link_get_info_by_fd(fd, info, &len))
		return -errno;
	if (info->type != BPF_LINK_TYPE_CGROUP_STAT)
		return -EINVAL;

	info->cgroup_stat.name = ptr_to_u64(name);
	info->cgroup_stat.name_len = name_size;
	return bpf_link_get_info_by_fd(fd, info, &len) ? -errno : 0;
}

/* Sets *@link to NULL and returns 0 if it is of another type or doesn't exist any more. */
static int get_stat_link_by_id(__u32 id, struct cgroup_stat_link **link)
{
	int fd, err;

	*link = NULL;
	fd = bpf_link_get_fd_by_id(id);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;

	*link = calloc(1, sizeof(**link));
	err = *link ? get_stat_info(fd, &(*link)->info, (*link)->name, sizeof((*link)->name)) :
		      -ENOMEM;
	close(fd);
	if (!err)
		return 0;

	free(*link);
	*link = NULL;
	return err == -EINVAL ? 0 : err;
}

/* Lists all links in the order of their ids. The list must be freed even on failure. */
int get_cgroup_stat_links(struct cgroup_stat_link **links)
{
	__u32 id = 0;
	int err;

	*links = NULL;
	while (!bpf_link_get_next_id(id, &id)) {
		err = get_stat_link_by_id(id, links);
		if (err)
			return err;
		if (*links)
			links = &(*links)->next;
	}
	return errno == ENOENT ? 0 : -errno;
}

void free_cgroup_stat_links(struct cgroup_stat_link *links)
{
	struct cgroup_stat_link *next;

	for (; links; links = next) {
		next = links->next;
		free(links);
	}
}

static struct hashmap *get_link_pins(void)
{
	struct hashmap *pins;

	pins = hashmap__new(hash_fn_for_key_as_id, equal_fn_for_key_as_id, NULL);
	if (IS_ERR(pins))
		return NULL;

	/* fails if one mount hides another, or pins go meanwhile: take what was found */
	build_pinned_obj_table(pins, BPF_OBJ_LINK);
	return pins;
}

/* Returns the path of the link's root cgroup, to be freed, or NULL if not found. */
static char *get_root_path(const struct bpf_link_info *info)
{
	if (!info->cgroup_stat.cgroup_id)
		return NULL;
	return get_cgroup_path(info->cgroup_stat.hierarchy_id, info->cgroup_stat.cgroup_id);
}

static bool is_everywhere(const struct bpf_link_info *info)
{
	return info->cgroup_stat.attached && info->cgroup_stat.flags & BPF_F_CGROUP_STAT_ALL;
}

/* Returns which cgroups the link is for, to be freed. */
static char *describe_root(const struct bpf_link_info *info)
{
	char hierarchy[HIERARCHY_NAME_SIZE], *root, *text;
	int hierarchy_id = info->cgroup_stat.hierarchy_id;
	int n;

	if (!info->cgroup_stat.attached)
		return strdup("root gone");
	if (is_everywhere(info))
		return strdup("every hierarchy");

	root = get_root_path(info);
	if (root) {
		n = asprintf(&text, "root %s", root);
	} else {
		get_hierarchy_name(hierarchy_id, hierarchy);
		n = asprintf(&text, "root id %llu in hierarchy %d (%s), no path to it here",
			     info->cgroup_stat.cgroup_id, hierarchy_id, hierarchy);
	}
	free(root);
	return n < 0 ? NULL : text;
}

bool cgroup_has_stat_file(int cgroup_fd, const struct bpf_link_info *info)
{
	return is_everywhere(info) ||
	       cgroup_is_within(cgroup_fd, info->cgroup_stat.hierarchy_id,
				info->cgroup_stat.cgroup_id);
}

/* Do a cgroup's subtree, or all cgroups, and a link's have a cgroup in common? */
static bool subtrees_overlap(int cgroup_fd, const struct bpf_link_info *info)
{
	char *root;
	bool ret;
	int fd;

	if (cgroup_fd == EVERYWHERE)
		return info->cgroup_stat.attached;
	if (cgroup_has_stat_file(cgroup_fd, info))
		return true;

	root = get_root_path(info);
	fd = root ? open(root, O_RDONLY | O_DIRECTORY) : -1;
	free(root);
	if (fd < 0)
		return false;

	ret = cgroup_is_within(fd, get_hierarchy_id(cgroup_fd), get_cgroup_id(cgroup_fd));
	close(fd);
	return ret;
}

static void report_holder(const struct bpf_link_info *info)
{
	const char *file = u64_to_ptr(info->cgroup_stat.name);
	char *root = describe_root(info);
	struct hashmap *pins = get_link_pins();
	char *pin = NULL;

	if (pins && hashmap__find(pins, info->id, &pin))
		p_err("%s exists: link %u (%s) has it: bpftool cgroup stat detach %s",
		      file, info->id, root ?: "", pin);
	else
		p_err("%s exists: link %u (%s) has it: bpftool link detach id %u",
		      file, info->id, root ?: "", info->id);

	delete_pinned_obj_table(pins);
	free(root);
}

static void report_taken(int cgroup_fd, const char *name)
{
	struct cgroup_stat_link *links, *link;

	get_cgroup_stat_links(&links);
	for (link = links; link; link = link->next) {
		if (!strcmp(link->name + strlen(STAT_FILE_PREFIX), name) &&
		    subtrees_overlap(cgroup_fd, &link->info))
			break;
	}

	if (link)
		report_holder(&link->info);
	else
		p_err("%s%s exists: a cgroup of the subtree has it: 'bpftool cgroup stat show' lists the links",
		      STAT_FILE_PREFIX, name);
	free_cgroup_stat_links(links);
}

static const char *attach_hint(int err, bool all)
{
	switch (err) {
	case EINVAL:
		return "a name has letters, digits and _.- only";
	case ENAMETOOLONG:
		return "give a shorter name with 'name'";
	case EBADF:
		return "name a cgroup's directory, usually below /sys/fs/cgroup";
	case ENODEV:
		return "the cgroup was removed";
	case E2BIG:
		return all ? "64 links are attached to all, detach one" :
			     "64 links are rooted at this cgroup, detach one";
	case EACCES:
	case EPERM:
		return all ? "it takes CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN" :
			     "it takes CAP_BPF, CAP_PERFMON and write permission on the cgroup";
	default:
		return "nothing was attached";
	}
}

static int create_link(const struct stat_prog *stat, int cgroup_fd, const char *cgroup,
		       const struct attach_opts *attach)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	const char *name = attach->name ?: stat->name;
	bool all = cgroup_fd == EVERYWHERE;
	int fd;

	opts.flags = (all ? BPF_F_CGROUP_STAT_ALL : 0) |
		     (attach->lazy ? BPF_F_CGROUP_STAT_LAZY : 0);
	opts.cgroup_stat.name = name;
	opts.cgroup_stat.mode = attach->mode;
	fd = bpf_link_create(stat->fd, all ? 0 : cgroup_fd, BPF_CGROUP_STAT, &opts);
	if (fd >= 0)
		return fd;

	if (errno == EEXIST)
		report_taken(cgroup_fd, name);
	else
		p_err("can't attach %s%s to %s: %s: %s", STAT_FILE_PREFIX, name, cgroup,
		      strerror(errno), attach_hint(errno, all));
	return -1;
}

static int pin_attached(const struct stat_prog *stat, int link_fd, const struct stat_pins *pins)
{
	int err;

	if (pin_all(stat, pins))
		goto unpin;

	err = pin_at(link_fd, pins->dir_fd, pins->name);
	if (err) {
		p_err("can't pin the link (%s): %s", pins->link, strerror(-err));
		goto unpin;
	}
	if (is_interrupted())
		goto unpin_link;
	if (stat->obj && replace_others(pins, stat->staged)) {
		p_err("can't create %s-progs: %s", pins->link, strerror(errno));
		goto unpin_link;
	}
	if (!mount_bpffs(pins))
		return 0;

unpin_link:
	unlinkat(pins->dir_fd, pins->name, 0);
	remove_pins(pins->dir_fd, pins->progs);
unpin:
	unpin_all(stat, pins);
	return -1;
}

static int attach_and_pin(struct stat_prog *stat, int cgroup_fd, const char *cgroup,
			  const struct stat_pins *pins, const struct attach_opts *opts)
{
	const struct old_maps none = {};
	int link_fd, err;

	if (load_stat_prog(stat, &none))
		return -1;

	link_fd = create_link(stat, cgroup_fd, cgroup, opts);
	if (link_fd < 0)
		return -1;

	err = pin_attached(stat, link_fd, pins);
	if (err) /* the link would exist until bpffs puts it, some time after unlink */
		bpf_link_detach(link_fd);
	else
		leave_others(stat);
	close(link_fd);
	return err;
}

static int check_unused(const struct stat_pins *pins)
{
	if (exists(pins->dir_fd, pins->name)) {
		p_err("%s already exists: detach it, or give another path", pins->link);
		return -1;
	}
	if (exists(pins->dir_fd, pins->progs)) {
		p_err("%s-progs already exists: remove it, or give another path", pins->link);
		return -1;
	}
	return 0;
}

static int parse_mode(const char *arg, __u32 *mode)
{
	unsigned long value;
	char *end;

	value = strtoul(arg, &end, 8);
	if (*end || !value || value & ~0666UL) {
		p_err("bad mode '%s': give octal permissions within 0666, such as 0400", arg);
		return -1;
	}

	*mode = value;
	return 0;
}

static bool is_attach_option(const char *arg)
{
	return !strcmp(arg, "name") || !strcmp(arg, "mode") || !strcmp(arg, "lazy");
}

/* A PATH that was left out would be taken from the options. */
static int check_order(const char *arg)
{
	if (!is_attach_option(arg))
		return 0;

	p_err("'%s' goes after CGROUP and PATH: if it is one of them, write ./%s", arg, arg);
	return -1;
}

static int check_once(const char *option, bool is_set)
{
	if (!is_set)
		return 0;

	p_err("'%s' is given twice: give it once", option);
	return -1;
}

static int parse_attach_opts(int argc, char **argv, struct attach_opts *opts)
{
	while (argc) {
		if (is_prefix(*argv, "name")) {
			NEXT_ARG();
			if (check_once("name", opts->name) || !REQ_ARGS(1))
				return -1;
			opts->name = GET_ARG();
		} else if (is_prefix(*argv, "mode")) {
			NEXT_ARG();
			if (check_once("mode", opts->mode) || !REQ_ARGS(1))
				return -1;
			if (parse_mode(GET_ARG(), &opts->mode))
				return -1;
		} else if (is_prefix(*argv, "lazy")) {
			NEXT_ARG();
			if (check_once("lazy", opts->lazy))
				return -1;
			opts->lazy = true;
		} else {
			p_err("expected no more arguments, 'name', 'mode' or 'lazy', got: '%s'?",
			      *argv);
			return -1;
		}
	}
	return 0;
}

static int attach_at(struct stat_prog *stat, const char *cgroup, const char *path,
		     const struct attach_opts *opts)
{
	struct stat_pins pins;
	int fd, err;

	fd = is_all(cgroup) ? EVERYWHERE : open_cgroup(cgroup);
	if (fd == -1)
		return -1;

	err = open_pins(&pins, path, true);
	if (!err)
		err = lock_pins(&pins) ?: check_unused(&pins);
	if (!err)
		err = attach_and_pin(stat, fd, cgroup, &pins, opts);
	close_pins(&pins);
	if (fd >= 0)
		close(fd);
	return err;
}

static int parse_and_attach(struct stat_prog *stat, int argc, char **argv)
{
	struct attach_opts opts = {};
	const char *cgroup, *path;

	if (argc < 2) {
		p_err("attach needs a cgroup and a path to pin the link at");
		return -1;
	}
	cgroup = GET_ARG();
	path = GET_ARG();
	if (check_order(cgroup) || check_order(path) || parse_attach_opts(argc, argv, &opts))
		return -1;

	return attach_at(stat, cgroup, path, &opts);
}

static int do_attach(int argc, char **argv)
{
	struct stat_prog stat = {};
	int err;

	if (!REQ_ARGS(3))
		return -1;

	err = parse_stat_prog(&stat, &argc, &argv);
	if (!err)
		err = parse_and_attach(&stat, argc, argv);
	put_stat_prog(&stat);

	if (!err && json_output)
		jsonw_null(json_wtr);
	return err;
}

static int open_pinned_stat_link(const char *path)
{
	struct bpf_link_info info;
	char name[NAME_MAX + 1];
	int fd;

	fd = open_obj_pinned(path, true, NULL);
	if (fd < 0) {
		p_err("can't open %s: %s: 'bpftool cgroup stat show' lists pinned links",
		      path, strerror(errno));
		return -1;
	}

	if (get_fd_type(fd) == BPF_OBJ_LINK && !get_stat_info(fd, &info, name, sizeof(name)))
		return fd;

	p_err("%s is no pinned cgroup stat link: 'bpftool cgroup stat show' lists those", path);
	close(fd);
	return -1;
}

static int update_link(int link_fd, const struct stat_prog *stat, const char *path)
{
	int err;

	err = bpf_link_update(link_fd, stat->fd, NULL);
	if (err == -ENOLINK)
		p_err("can't update %s: its cgroup was removed, or it was detached: detach it",
		      path);
	else if (err)
		p_err("can't update %s: %s", path, strerror(-err));
	return err;
}

static int load_and_update(struct stat_prog *stat, int link_fd, const struct stat_pins *pins,
			   const struct old_maps *old)
{
	if (load_stat_prog(stat, old))
		return -1;

	if (pin_all(stat, pins) || is_interrupted() || update_link(link_fd, stat, pins->link)) {
		unpin_all(stat, pins);
		return -1;
	}

	leave_others(stat);
	if (!stat->obj)
		return 0;
	if (!replace_others(pins, stat->staged) && !empty_dir(pins->lock_fd, "."))
		return 0;

	p_err("updated %s, but %s-progs isn't replaced: %s: try again, or detach it", pins->link,
	      pins->link, strerror(errno));
	return -1;
}

/* @is_fresh: don't reuse the maps of the programs that are replaced */
static int update_at(struct stat_prog *stat, const struct stat_pins *pins, bool is_fresh)
{
	struct old_maps old = {};
	int fd, err = 0;

	fd = open_pinned_stat_link(pins->link);
	if (fd < 0)
		return -1;

	if (stat->obj && !is_fresh)
		err = find_old_maps(&old, fd, pins);
	if (!err)
		err = load_and_update(stat, fd, pins, &old);
	free(old.infos);
	close(fd);
	return err;
}

static int parse_fresh(const struct stat_prog *stat, int argc, char **argv, bool *is_fresh)
{
	*is_fresh = argc && is_prefix(*argv, "fresh");
	if (*is_fresh)
		NEXT_ARG();
	if (argc && is_attach_option(*argv)) {
		p_err("'%s' goes with attach: to change it, detach the link and attach it again",
		      *argv);
		return -1;
	}
	if (argc)
		return BAD_ARG();
	if (!*is_fresh || stat->obj)
		return 0;

	p_err("a program that is loaded has its maps: 'fresh' goes with an object file");
	return -1;
}

static int do_update(int argc, char **argv)
{
	struct stat_prog stat = {};
	struct stat_pins pins;
	bool is_fresh;
	int err;

	if (!REQ_ARGS(2))
		return -1;

	err = open_pins(&pins, GET_ARG(), false);
	if (err)
		goto close_pins;

	/* the lock first: PROG may be pinned in PATH-progs */
	err = lock_pins(&pins);
	if (err)
		goto close_pins;

	err = parse_stat_prog(&stat, &argc, &argv) ?: parse_fresh(&stat, argc, argv, &is_fresh);
	if (!err)
		err = update_at(&stat, &pins, is_fresh);
	put_stat_prog(&stat);
close_pins:
	close_pins(&pins);

	if (!err && json_output)
		jsonw_null(json_wtr);
	return err;
}

static int detach_and_unpin(int fd, const struct stat_pins *pins)
{
	/* removes the files before it returns; unlink does that some time later */
	if (bpf_link_detach(fd)) {
		p_err("can't detach %s: %s", pins->link, strerror(errno));
		return -1;
	}

	/* the link's pin is removed last: detach can be tried again while it exists */
	if (remove_pins(pins->dir_fd, pins->progs) || unlinkat(pins->dir_fd, pins->name, 0)) {
		p_err("detached %s, but can't remove all pins: %s: try again, or rm -r them",
		      pins->link, strerror(errno));
		return -1;
	}
	return 0;
}

static int detach_at(const struct stat_pins *pins)
{
	int fd, err;

	fd = open_pinned_stat_link(pins->link);
	if (fd < 0)
		return -1;

	err = detach_and_unpin(fd, pins);
	close(fd);
	return err;
}

static int do_detach(int argc, char **argv)
{
	struct stat_pins pins;
	const char *path;
	int err;

	if (!REQ_ARGS(1))
		return -1;
	path = GET_ARG();
	if (argc)
		return BAD_ARG();

	err = open_pins(&pins, path, false);
	if (!err)
		err = lock_pins(&pins) ?: detach_at(&pins);
	close_pins(&pins);

	if (!err && json_output)
		jsonw_null(json_wtr);
	return err;
}

static void get_prog_name(__u32 id, char *name, size_t size)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd;

	name[0] = '\0';
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return;

	if (!bpf_prog_get_info_by_fd(fd, &info, &len))
		get_prog_full_name(&info, fd, name, size);
	close(fd);
}

static void show_flags_json(__u32 flags, json_writer_t *wtr)
{
	jsonw_name(wtr, "flags");
	jsonw_start_array(wtr);
	if (flags & BPF_F_CGROUP_STAT_ALL)
		jsonw_string(wtr, "all");
	if (flags & BPF_F_CGROUP_STAT_LAZY)
		jsonw_string(wtr, "lazy");
	flags &= ~KNOWN_FLAGS;
	if (flags)
		jsonw_printf(wtr, "\"0x%x\"", flags);
	jsonw_end_array(wtr);
}

void cgroup_stat_dump_json(const struct bpf_link_info *info, json_writer_t *wtr)
{
	char *root = get_root_path(info);
	char prog_name[MAX_PROG_FULL_NAME], mode[16];

	get_prog_name(info->prog_id, prog_name, sizeof(prog_name));
	snprintf(mode, sizeof(mode), "%04o", info->cgroup_stat.mode);

	jsonw_string_field(wtr, "name", u64_to_ptr(info->cgroup_stat.name));
	jsonw_string_field(wtr, "prog_name", prog_name);
	jsonw_string_field(wtr, "mode", mode);
	jsonw_lluint_field(wtr, "cgroup_id", info->cgroup_stat.cgroup_id);
	if (root)
		jsonw_string_field(wtr, "cgroup", root);
	jsonw_uint_field(wtr, "hierarchy_id", info->cgroup_stat.hierarchy_id);
	jsonw_lluint_field(wtr, "cookie", info->cgroup_stat.cookie);
	show_flags_json(info->cgroup_stat.flags, wtr);
	jsonw_uint_field(wtr, "nr_files", info->cgroup_stat.nr_files);
	jsonw_bool_field(wtr, "attached", info->cgroup_stat.attached);
	free(root);
}

static void show_files_plain(const struct bpf_link_info *info)
{
	__u32 flags = info->cgroup_stat.flags;
	char *root = describe_root(info);

	printf("  mode %04o  %s", info->cgroup_stat.mode, root ?: "");
	if (flags & BPF_F_CGROUP_STAT_LAZY)
		printf("  lazy");
	flags &= ~KNOWN_FLAGS;
	if (flags)
		printf("  flags 0x%x", flags);
	printf("  files %u", info->cgroup_stat.nr_files);
	if (info->cgroup_stat.cookie)
		printf("  cookie %llu", info->cgroup_stat.cookie);
	free(root);
}

void cgroup_stat_dump_plain(const struct bpf_link_info *info)
{
	char prog_name[MAX_PROG_FULL_NAME];

	get_prog_name(info->prog_id, prog_name, sizeof(prog_name));
	printf("\n\tname %s  prog_name %s", (const char *)u64_to_ptr(info->cgroup_stat.name),
	       prog_name);
	show_files_plain(info);
}

static void show_link_json(const struct bpf_link_info *info, struct hashmap *pins)
{
	struct hashmap_entry *entry;

	jsonw_start_object(json_wtr);
	jsonw_uint_field(json_wtr, "id", info->id);
	jsonw_uint_field(json_wtr, "prog_id", info->prog_id);
	cgroup_stat_dump_json(info, json_wtr);

	jsonw_name(json_wtr, "pinned");
	jsonw_start_array(json_wtr);
	hashmap__for_each_key_entry(pins, entry, info->id)
		jsonw_string(json_wtr, entry->pvalue);
	jsonw_end_array(json_wtr);

	emit_obj_refs_json(refs_table, info->id, json_wtr);
	jsonw_end_object(json_wtr);
}

static void show_link_plain(const struct bpf_link_info *info, struct hashmap *pins)
{
	char prog_name[MAX_PROG_FULL_NAME];
	struct hashmap_entry *entry;

	get_prog_name(info->prog_id, prog_name, sizeof(prog_name));
	printf("%u: %s  prog %u %s", info->id, (const char *)u64_to_ptr(info->cgroup_stat.name),
	       info->prog_id, prog_name);
	show_files_plain(info);

	hashmap__for_each_key_entry(pins, entry, info->id)
		printf("\n\tpinned %s", (const char *)entry->pvalue);
	emit_obj_refs_plain(refs_table, info->id, "\n\tpids ");
	printf("\n");
}

/* @cgroup_fd: show only links that have a file in this cgroup; -1: show all */
static void show_links(const struct cgroup_stat_link *link, struct hashmap *pins, int cgroup_fd)
{
	if (json_output)
		jsonw_start_array(json_wtr);

	for (; link; link = link->next) {
		if (cgroup_fd >= 0 && !cgroup_has_stat_file(cgroup_fd, &link->info))
			continue;
		if (json_output)
			show_link_json(&link->info, pins);
		else
			show_link_plain(&link->info, pins);
	}

	if (json_output)
		jsonw_end_array(json_wtr);
}

/* Returns 0 also if this bpftool can't find processes, since it was built without BPF. */
static int get_link_holders(void)
{
	int err = build_obj_refs_table(&refs_table, BPF_OBJ_LINK);

	if (!err || err == -ENOTSUP)
		return 0;

	/* it has said what is wrong */
	if (!IS_ERR(refs_table))
		delete_obj_refs_table(refs_table);
	return err;
}

static int show_with_holders(const struct cgroup_stat_link *links, int cgroup_fd)
{
	struct hashmap *pins;
	int err;

	err = get_link_holders();
	if (err)
		return err;

	pins = get_link_pins();
	if (pins) {
		show_links(links, pins, cgroup_fd);
	} else {
		p_err("mem alloc failed");
		err = -1;
	}
	delete_pinned_obj_table(pins);
	delete_obj_refs_table(refs_table);
	return err;
}

static int show(int cgroup_fd)
{
	struct cgroup_stat_link *links;
	int err;

	err = get_cgroup_stat_links(&links);
	if (err)
		p_err("can't list links: %s%s", strerror(-err),
		      err == -EPERM ? ": try as root" : "");
	else
		err = show_with_holders(links, cgroup_fd);

	free_cgroup_stat_links(links);
	return err;
}

int check_cgroup(int cgroup_fd, const char *path)
{
	if (get_hierarchy_id(cgroup_fd) >= 0)
		return 0;

	if (is_cgroup_v1(cgroup_fd))
		p_err("%s is cgroup v1, but its hierarchy isn't mounted in this mount namespace: mount it, or use nsenter -m",
		      path);
	else
		p_err("%s is no cgroup: %s", path, attach_hint(EBADF, false));
	return -1;
}

static int do_show(int argc, char **argv)
{
	const char *path;
	int fd, err;

	if (!argc)
		return show(-1);

	path = GET_ARG();
	if (argc)
		return BAD_ARG();

	fd = open_cgroup(path);
	if (fd < 0)
		return -1;

	err = check_cgroup(fd, path) ?: show(fd);
	close(fd);
	return err;
}

static int do_help(int argc, char **argv)
{
	if (json_output) {
		jsonw_null(json_wtr);
		return 0;
	}

	fprintf(stderr,
		"Usage: %1$s cgroup stat { show | list } [CGROUP]\n"
		"       %1$s cgroup stat attach { OBJ | PROG } { CGROUP | all } PATH\n"
		"                           [name NAME] [mode MODE] [lazy]\n"
		"       %1$s cgroup stat update PATH { OBJ [fresh] | PROG }\n"
		"       %1$s cgroup stat detach PATH\n"
		"       %1$s cgroup stat help\n"
		"\n"
		"       " HELP_SPEC_PROGRAM "\n"
		"       " HELP_SPEC_OPTIONS " |\n"
		"                    {-n|--nomount} }\n"
		"",
		bin_name);

	return 0;
}

static const struct cmd cmds[] = {
	{ "show",	do_show },
	{ "list",	do_show },
	{ "attach",	do_attach },
	{ "update",	do_update },
	{ "detach",	do_detach },
	{ "help",	do_help },
	{ 0 }
};

int do_cgroup_stat(int argc, char **argv)
{
	libbpf_print_fn_t print = NULL;
	int err;

	/* an error is reported by one line; libbpf's messages are shown with --debug */
	if (!verifier_logs)
		print = libbpf_set_print(libbpf_print_none);
	err = cmd_select(cmds, argc, argv, do_help);
	if (!verifier_logs)
		libbpf_set_print(print);

	if (err)
		return -1;

	errno = 0; /* batch mode takes a non-zero errno for an error */
	return 0;
}
