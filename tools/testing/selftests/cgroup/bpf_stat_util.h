/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of cgroup_stat programs and links that call bpf(2) directly, without libbpf
 * and a BPF compiler. Unless noted otherwise, functions that return an int return 0 or a
 * file descriptor, or -1 with errno set.
 */
#ifndef BPF_STAT_UTIL_H
#define BPF_STAT_UTIL_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#define STAT_PREFIX	"bpf.stat."

/* Seconds to wait for an event, long enough for a busy machine. */
#define PATIENCE	600

/* Poll until the condition is true, at most PATIENCE; returns whether it is. */
#define wait_until(cond) ({						\
	time_t ___end = now_seconds() + PATIENCE;			\
	bool ___ok;							\
	while (!(___ok = (cond)) && now_seconds() < ___end)		\
		usleep(10000);						\
	___ok;								\
})

time_t now_seconds(void);

#define INSN(c, d, s, o, i) \
	((struct bpf_insn) { .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

int sys_bpf(int cmd, union bpf_attr *attr);
__u64 ptr_to_u64(const void *ptr);

int prog_load(const char *name, const struct bpf_insn *insns, int cnt, __u32 flags);

/* The attributes for link_create(), which tests may modify before the call. */
union bpf_attr link_attr(int prog_fd, int cgroup_fd, const char *name);
int link_create(union bpf_attr *attr);
int link_detach(int link);
/* An @old_prog of -1 stands for any. */
int link_update(int link, int prog, int old_prog);
int obj_info(int fd, void *info, int len);
int obj_pin(int fd, const char *path);
/* @cmd is BPF_LINK_GET_FD_BY_ID or BPF_PROG_GET_FD_BY_ID. */
int fd_by_id(int cmd, __u32 id);
/* @cmd is BPF_LINK_GET_NEXT_ID or BPF_PROG_GET_NEXT_ID; returns 0 after the last one. */
__u32 next_id(int cmd, __u32 id);
/* Returns the BTF id of a kernel function that programs can call, 0 if there is none. */
__u32 kfunc_id(const char *name);
/* Count all cgroup_stat links, and all cgroup_stat programs. */
int count_links(void);
int count_progs(void);

/* Mount the cgroup v1 hierarchy of this name, without controllers. */
int mount_v1(const char *dir, const char *name);
/* Does it exist? This is also true for some time after it was unmounted. */
bool v1_exists(const char *name);
/* Unmount it and wait until it is gone. Its cgroups must have been removed. */
bool umount_v1(const char *dir, const char *name);

/* Remove the cgroups below a cgroup. */
int remove_descendants(const char *cgroup);
/* The same, but first kill all processes in the cgroup and below. */
int clear_cgroup(const char *cgroup);

/*
 * Returns the number of all kernfs nodes, or -1 if it isn't available. It tells whether a
 * reference on a node was leaked, which nothing else does: the idr of kernfs still points
 * to such a node, so that kmemleak doesn't report it. Note that the dentries of a
 * directory hold references on the nodes of files that were removed from it.
 */
long count_nodes(void);
/* The same, once the pending removals are done. */
long settled_nodes(void);
/* Wait until there are at most that many; returns whether there are. */
bool nodes_went(long nodes);

/* A file of failslab's in debugfs, and a value for it. */
struct failslab_file {
	const char *name;
	char *value;
	char old[32];
};

/* Write the values, in this order. Returns false if the kernel has no failslab. */
bool set_failslab(struct failslab_file *files, int nr_files);
/* Write the values that the files had before, in reverse order. */
void restore_failslab(struct failslab_file *files, int nr_files);

#endif /* BPF_STAT_UTIL_H */
