/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by bench.c, bench.bpf.c and counter.c. */
#ifndef BENCH_H
#define BENCH_H

#include "memory_tree.h"

#define MAX_CGROUPS	10000
#define NR_FIGURES	((int)(sizeof(struct memory_figures) / sizeof(__u64)))
#define IN_STAT		(NR_FIGURES - 2)	/* memory.stat lacks current and oom_kill */

/* The figures of one cgroup, as stored by a walk of cgroups. */
struct walked {
	unsigned long long id;
	struct memory_figures figures;
};

struct number_query {
	unsigned long long id;		/* in: id of the cgroup */
	unsigned long long value;	/* out: the cgroup's number */
};

#define CACHE_LINE	64

/* An object of the kernel that an operation deals with. */
struct object {
	char what[32];
	unsigned long long addr, size;
};

/*
 * bench.c executes a NOP with this operand before and after each measured operation,
 * which the plugin counter.c recognizes. The low byte is the row that begins, or
 * MARK_END.
 */
#define MARK_MAGIC	0x62636800
#define MARK_END	0
#define MARK_RUN	1
#define MARK_UNDO	2

#endif
