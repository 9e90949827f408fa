/* SPDX-License-Identifier: GPL-2.0 */
/* How to get the figures that memory.bpf.c describes. */
#ifndef __MEMORY_BPF_H
#define __MEMORY_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "memory_tree.h"

/* An item's number depends on the kernel's configuration, so take it from its BTF. */
#define node_stat(memcg, item)		\
	bpf_mem_cgroup_page_state(memcg, bpf_core_enum_value(enum node_stat_item, item))
#define memcg_stat(memcg, item)		\
	bpf_mem_cgroup_page_state(memcg, bpf_core_enum_value(enum memcg_stat_item, item))
#define vm_event(memcg, item)		\
	bpf_mem_cgroup_vm_events(memcg, bpf_core_enum_value(enum vm_event_item, item))

/* The memory that is used outside of all other cgroups isn't charged to the root. */
static bool has_current(const struct cgroup *cgrp)
{
	return cgrp->level;
}

static void get_figures(struct mem_cgroup *memcg, struct memory_figures *figures)
{
	figures->current = has_current(memcg->css.cgroup) ? bpf_mem_cgroup_usage(memcg) : 0;
	figures->anon = node_stat(memcg, NR_ANON_MAPPED);
	figures->file = node_stat(memcg, NR_FILE_PAGES);
	figures->kernel = memcg_stat(memcg, MEMCG_KMEM);
	figures->shmem = node_stat(memcg, NR_SHMEM);
	figures->file_mapped = node_stat(memcg, NR_FILE_MAPPED);
	figures->file_dirty = node_stat(memcg, NR_FILE_DIRTY);
	figures->inactive_file = node_stat(memcg, NR_INACTIVE_FILE);
	figures->pgfault = vm_event(memcg, PGFAULT);
	figures->pgmajfault = vm_event(memcg, PGMAJFAULT);
}

#endif
