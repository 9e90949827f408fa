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
#define memory_event(memcg, item)	\
	bpf_mem_cgroup_memory_events(memcg, bpf_core_enum_value(enum memcg_memory_event, item))

/* The kernel has a counter for each kind of reclaim. */
static __u64 pgscan(struct mem_cgroup *memcg)
{
	return node_stat(memcg, PGSCAN_KSWAPD) + node_stat(memcg, PGSCAN_DIRECT) +
	       node_stat(memcg, PGSCAN_PROACTIVE) + node_stat(memcg, PGSCAN_KHUGEPAGED);
}

static __u64 pgsteal(struct mem_cgroup *memcg)
{
	return node_stat(memcg, PGSTEAL_KSWAPD) + node_stat(memcg, PGSTEAL_DIRECT) +
	       node_stat(memcg, PGSTEAL_PROACTIVE) + node_stat(memcg, PGSTEAL_KHUGEPAGED);
}

/*
 * The memory that is used outside of all other cgroups isn't charged to the root, and
 * the events of its descendants aren't added up there.
 */
static bool is_root(const struct cgroup *cgrp)
{
	return !cgrp->level;
}

static void get_figures(struct mem_cgroup *memcg, struct memory_figures *figures)
{
	bool root = is_root(memcg->css.cgroup);

	figures->current = root ? 0 : bpf_mem_cgroup_usage(memcg);
	figures->anon = node_stat(memcg, NR_ANON_MAPPED);
	figures->file = node_stat(memcg, NR_FILE_PAGES);
	figures->kernel = memcg_stat(memcg, MEMCG_KMEM);
	figures->shmem = node_stat(memcg, NR_SHMEM);
	figures->file_mapped = node_stat(memcg, NR_FILE_MAPPED);
	figures->file_dirty = node_stat(memcg, NR_FILE_DIRTY);
	figures->inactive_file = node_stat(memcg, NR_INACTIVE_FILE);
	figures->pgfault = vm_event(memcg, PGFAULT);
	figures->pgmajfault = vm_event(memcg, PGMAJFAULT);
	figures->file_writeback = node_stat(memcg, NR_WRITEBACK);
	figures->slab_reclaimable = node_stat(memcg, NR_SLAB_RECLAIMABLE_B);
	figures->workingset_refault_anon = node_stat(memcg, WORKINGSET_REFAULT_ANON);
	figures->workingset_refault_file = node_stat(memcg, WORKINGSET_REFAULT_FILE);
	figures->pgscan = pgscan(memcg);
	figures->pgsteal = pgsteal(memcg);
	figures->oom_kill = root ? 0 : memory_event(memcg, MEMCG_OOM_KILL);
}

#endif
