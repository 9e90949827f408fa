/* SPDX-License-Identifier: GPL-2.0 */
/* What bench.c and bench.bpf.c share. */
#ifndef BENCH_H
#define BENCH_H

#define MAX_CGROUPS	10000
#define NR_FIGURES	10

/* What a walk leaves of a cgroup. */
struct figures {
	unsigned long long id;
	unsigned long long values[NR_FIGURES];
};

struct number_query {
	unsigned long long id;		/* in: which cgroup */
	unsigned long long value;	/* out: its number */
};

/*
 * Around what is measured bench.c executes an instruction that does nothing, a
 * NOP with this operand. The plugin counter.c knows it by that. The low byte says
 * which row begins, or that it ends.
 */
#define MARK_MAGIC	0x62636800
#define MARK_END	0
#define MARK_RUN	1
#define MARK_UNDO	2

#endif
