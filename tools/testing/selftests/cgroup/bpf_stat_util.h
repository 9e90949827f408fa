/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of cgroup_stat programs and links: bpf(2) by hand, no libbpf, no BPF
 * compiler. Unless it says otherwise, what returns an int returns -1 on failure,
 * with errno set, else 0 or a file descriptor.
 */
#ifndef BPF_STAT_UTIL_H
#define BPF_STAT_UTIL_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <unistd.h>

#define STAT_PREFIX	"bpf.stat."

/* Seconds, for an event to happen on a busy machine: what takes longer hangs. */
#define PATIENCE	600

/* Poll until the condition is true; returns whether it ever was. */
#define wait_until(cond) ({						\
	bool ___ok;							\
	for (long ___i = PATIENCE * 100; !(___ok = (cond)) && ___i; ___i--)	\
		usleep(10000);						\
	___ok;								\
})

#define INSN(c, d, s, o, i) \
	((struct bpf_insn) { .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

int sys_bpf(int cmd, union bpf_attr *attr);
__u64 ptr_to_u64(const void *ptr);

int prog_load(const char *name, const struct bpf_insn *insns, int cnt, __u32 flags);

/* What link_create wants for an ordinary link, to be varied by the tests. */
union bpf_attr link_attr(int prog_fd, int cgroup_fd, const char *name);
int link_create(union bpf_attr *attr);
int link_detach(int link);
int obj_info(int fd, void *info, int len);
int obj_pin(int fd, const char *path);

/* Remove the cgroups below a cgroup. */
int remove_descendants(const char *cgroup);
/* The same, and kill who runs in them or in the cgroup first. */
int clear_cgroup(const char *cgroup);

/*
 * How many kernfs nodes there are, of all kinds, when none is left that is about to
 * go; -1 if that can't be told. kernfs knows a node by its number as long as somebody
 * holds it, so one that is never put isn't lost, and nothing but its memory tells
 * that it is there. A directory's dentries hold nodes of files that were removed in it.
 */
long settled_nodes(void);
/* Wait until there are no more than these. */
bool nodes_went(long nodes);

#endif /* BPF_STAT_UTIL_H */
