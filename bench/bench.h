/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by bench.c, bench.bpf.c and counter.c. */
#ifndef BENCH_H
#define BENCH_H

#define MAX_CGROUPS	10000
#define NR_FIGURES	10

/* The figures of one cgroup, as stored by a walk of cgroups. */
struct figures {
	unsigned long long id;
	unsigned long long values[NR_FIGURES];
};

struct number_query {
	unsigned long long id;		/* in: id of the cgroup */
	unsigned long long value;	/* out: the cgroup's number */
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
