// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE

#include <errno.h>
#include <ftw.h>
#include <linux/btf.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest.h"
#include "cgroup_util.h"
#include "bpf_stat_util.h"

#define NODES		"/sys/kernel/slab/kernfs_node_cache/"
#define VMLINUX_BTF	"/sys/kernel/btf/vmlinux"
#define FAILSLAB	"/sys/kernel/debug/failslab/"

time_t now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

int sys_bpf(int cmd, union bpf_attr *attr)
{
	return syscall(__NR_bpf, cmd, attr, sizeof(*attr));
}

__u64 ptr_to_u64(const void *ptr)
{
	return (unsigned long)ptr;
}

int prog_load(const char *name, const struct bpf_insn *insns, int cnt, __u32 flags)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_STAT;
	attr.expected_attach_type = BPF_CGROUP_STAT;
	attr.insns = ptr_to_u64(insns);
	attr.insn_cnt = cnt;
	attr.prog_flags = flags;
	attr.license = ptr_to_u64("GPL");
	snprintf(attr.prog_name, sizeof(attr.prog_name), "%s", name);
	return sys_bpf(BPF_PROG_LOAD, &attr);
}

union bpf_attr link_attr(int prog_fd, int cgroup_fd, const char *name)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = prog_fd;
	attr.link_create.attach_type = BPF_CGROUP_STAT;
	attr.link_create.cgroup_root = cgroup_fd;
	attr.link_create.stat_name = ptr_to_u64(name);
	return attr;
}

int link_create(union bpf_attr *attr)
{
	return sys_bpf(BPF_LINK_CREATE, attr);
}

int link_detach(int link)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_detach.link_fd = link;
	return sys_bpf(BPF_LINK_DETACH, &attr);
}

int link_update(int link, int prog, int old_prog)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_update.link_fd = link;
	attr.link_update.new_prog_fd = prog;
	if (old_prog >= 0) {
		attr.link_update.flags = BPF_F_REPLACE;
		attr.link_update.old_prog_fd = old_prog;
	}
	return sys_bpf(BPF_LINK_UPDATE, &attr);
}

int obj_info(int fd, void *info, int len)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = fd;
	attr.info.info = ptr_to_u64(info);
	attr.info.info_len = len;
	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

int obj_pin(int fd, const char *path)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.pathname = ptr_to_u64(path);
	attr.bpf_fd = fd;
	return sys_bpf(BPF_OBJ_PIN, &attr);
}

int fd_by_id(int cmd, __u32 id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_id = id;	/* a union: prog_id is at the same place */
	return sys_bpf(cmd, &attr);
}

__u32 next_id(int cmd, __u32 id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.start_id = id;
	return sys_bpf(cmd, &attr) ? 0 : attr.next_id;
}

/* Read the kernel's BTF; returns NULL if there is none. */
static struct btf_header *read_btf(void)
{
	FILE *file = fopen(VMLINUX_BTF, "r");
	struct stat st;
	void *btf;

	if (!file)
		return NULL;
	btf = fstat(fileno(file), &st) ? NULL : malloc(st.st_size);
	if (btf && fread(btf, 1, st.st_size, file) != st.st_size) {
		free(btf);
		btf = NULL;
	}
	fclose(file);
	return btf;
}

static const struct btf_type *next_type(const struct btf_type *type)
{
	static const size_t more[NR_BTF_KINDS] = {
		[BTF_KIND_INT] = sizeof(__u32),
		[BTF_KIND_ARRAY] = sizeof(struct btf_array),
		[BTF_KIND_VAR] = sizeof(struct btf_var),
		[BTF_KIND_DECL_TAG] = sizeof(struct btf_decl_tag),
	}, members[NR_BTF_KINDS] = {
		[BTF_KIND_STRUCT] = sizeof(struct btf_member),
		[BTF_KIND_UNION] = sizeof(struct btf_member),
		[BTF_KIND_ENUM] = sizeof(struct btf_enum),
		[BTF_KIND_ENUM64] = sizeof(struct btf_enum64),
		[BTF_KIND_FUNC_PROTO] = sizeof(struct btf_param),
		[BTF_KIND_DATASEC] = sizeof(struct btf_var_secinfo),
	};
	int kind = BTF_INFO_KIND(type->info);

	return (void *)(type + 1) + more[kind] + members[kind] * BTF_INFO_VLEN(type->info);
}

static __u32 func_id(const struct btf_header *btf, const char *name)
{
	const void *data = (void *)btf + btf->hdr_len;
	const struct btf_type *type = data + btf->type_off, *end = (void *)type + btf->type_len;
	const char *strings = data + btf->str_off;
	__u32 id;

	for (id = 1; type < end; id++, type = next_type(type)) {
		if (BTF_INFO_KIND(type->info) >= NR_BTF_KINDS)
			return 0;
		if (BTF_INFO_KIND(type->info) == BTF_KIND_FUNC &&
		    !strcmp(strings + type->name_off, name))
			return id;
	}
	return 0;
}

__u32 kfunc_id(const char *name)
{
	struct btf_header *btf = read_btf();
	__u32 id = btf ? func_id(btf, name) : 0;

	free(btf);
	return id;
}

int count_links(void)
{
	struct bpf_link_info info;
	int link, count = 0;
	__u32 id = 0;

	while ((id = next_id(BPF_LINK_GET_NEXT_ID, id))) {
		link = fd_by_id(BPF_LINK_GET_FD_BY_ID, id);
		if (link < 0)
			continue;
		memset(&info, 0, sizeof(info));
		count += !obj_info(link, &info, sizeof(info)) &&
			 info.type == BPF_LINK_TYPE_CGROUP_STAT;
		close(link);
	}
	return count;
}

int count_progs(void)
{
	struct bpf_prog_info info;
	int prog, count = 0;
	__u32 id = 0;

	while ((id = next_id(BPF_PROG_GET_NEXT_ID, id))) {
		prog = fd_by_id(BPF_PROG_GET_FD_BY_ID, id);
		if (prog < 0)
			continue;
		memset(&info, 0, sizeof(info));
		count += !obj_info(prog, &info, sizeof(info)) &&
			 info.type == BPF_PROG_TYPE_CGROUP_STAT;
		close(prog);
	}
	return count;
}

static int remove_cgroup(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return type == FTW_DP && ftw->level ? cg_destroy(path) : 0;
}

int remove_descendants(const char *cgroup)
{
	return nftw(cgroup, remove_cgroup, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

int clear_cgroup(const char *cgroup)
{
	cg_killall(cgroup);
	if (cg_read_key_long_poll(cgroup, "cgroup.events", "populated ", 0,
				  PATIENCE * 100, 10000)) {
		errno = EBUSY;
		return -1;
	}
	return remove_descendants(cgroup);
}

int mount_v1(const char *dir, const char *name)
{
	char options[64];

	snprintf(options, sizeof(options), "none,name=%s", name);
	return mount("none", dir, "cgroup", 0, options);
}

bool v1_exists(const char *name)
{
	char line[64];

	snprintf(line, sizeof(line), ":name=%s:", name);
	return !proc_read_strstr(0, true, "cgroup", line);
}

bool umount_v1(const char *dir, const char *name)
{
	char options[64];

	/*
	 * The hierarchy stays if it has cgroups when it is unmounted. Those that were
	 * removed count until they are freed. A remount fails as long as there are any.
	 */
	snprintf(options, sizeof(options), "none,name=%s", name);
	return wait_until(!mount(NULL, dir, NULL, MS_REMOUNT, options)) && !umount(dir) &&
	       wait_until(!v1_exists(name));
}

long count_nodes(void)
{
	char buf[4096];

	/* free the empty slabs first: objects in per-CPU slabs count as used */
	if (write_text(NODES "shrink", "1", 1) != 1 ||
	    read_text(NODES "objects", buf, sizeof(buf)) < 0)
		return -1;
	return atol(buf);
}

static bool is_settled(long *nodes)
{
	long last = *nodes;

	sleep(1);
	*nodes = count_nodes();
	return *nodes == last;
}

/* Removed cgroups are freed step by step, each after another RCU grace period. */
long settled_nodes(void)
{
	long nodes = count_nodes();

	if (!wait_until(is_settled(&nodes)))
		ksft_print_msg("kernfs nodes come and go without end\n");
	return nodes;
}

static bool has_more_nodes(long nodes)
{
	long now = count_nodes();

	return now < 0 || now > nodes;
}

bool nodes_went(long nodes)
{
	if (wait_until(!has_more_nodes(nodes)))
		return true;
	ksft_print_msg("%ld kernfs nodes, %ld before\n", count_nodes(), nodes);
	return false;
}

static bool write_failslab(const char *name, char *value)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), FAILSLAB "%s", name);
	return write_text(path, value, strlen(value)) >= 0;
}

bool set_failslab(struct failslab_file *files, int nr_files)
{
	char path[PATH_MAX];
	int i;

	for (i = 0; i < nr_files; i++) {
		snprintf(path, sizeof(path), FAILSLAB "%s", files[i].name);
		if (read_text(path, files[i].old, sizeof(files[i].old)) < 0 ||
		    !write_failslab(files[i].name, files[i].value)) {
			restore_failslab(files, i);
			return false;
		}
	}
	return true;
}

void restore_failslab(struct failslab_file *files, int nr_files)
{
	while (nr_files--)
		write_failslab(files[nr_files].name, files[nr_files].old);
}
