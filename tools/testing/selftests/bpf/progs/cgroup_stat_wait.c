// SPDX-License-Identifier: GPL-2.0
#include <vmlinux.h>
#include <errno.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "bpf_experimental.h"
#include "bpf_kfuncs.h"

char _license[] SEC("license") = "GPL";

/* twice the deadline of the test */
#define SPIN_NS		(1200 * 1000000000ULL)

#define DATA_SIZE	4096	/* size of the buffer that the kernel allocates for a write */

struct cgroup *bpf_cgroup_acquire(struct cgroup *cgrp) __ksym;
void bpf_cgroup_release(struct cgroup *cgrp) __ksym;

__u32 victim;		/* the process that gets stuck; others get their output at once */
__u64 others;		/* the data that is output for others */
void *page;		/* in the victim's memory, sleeps() copies its data from there */
volatile bool stop;	/* ends the loop of spins() */
bool fails, throws, loads_badly, outgrows;

volatile bool inside;
long copied;		/* what bpf_copy_from_user() returned */

static bool is_victim(void)
{
	return (__u32)bpf_get_current_pid_tgid() == victim;
}

static int answer(struct bpf_cgroup_stat_ctx *ctx, __u64 data)
{
	struct cgroup *cgrp = bpf_cgroup_acquire(ctx->cgroup);

	if (!cgrp)
		return -ENOENT;
	BPF_SEQ_PRINTF(ctx->meta->seq, "cgroup %llu data %llu\n", cgrp->kn->id, data);
	bpf_cgroup_release(cgrp);
	return 0;
}

/* The written data must stay until the program ends, even if the file is gone. */
static bool has_text(struct bpf_cgroup_stat_ctx *ctx)
{
	static const char text[] = "what is written";
	const __u8 *data = bpf_cgroup_stat_data(ctx, sizeof(text));

	return data && ctx->len == sizeof(text) - 1 &&
	       !bpf_strncmp((const char *)data, sizeof(text), text);
}

/* Faults; the program's exception table makes the load return 0. */
static int load_badly(void)
{
	struct task_struct *nowhere;

	nowhere = bpf_rdonly_cast((void *)(1ULL << 63),
				  bpf_core_type_id_kernel(struct task_struct));
	return nowhere->pid;
}

/* Output more than the first buffer of seq_file has room for. */
static void outgrow(struct bpf_cgroup_stat_ctx *ctx)
{
	static const char much[5000];

	bpf_seq_write(ctx->meta->seq, much, sizeof(much));
}

/*
 * What the victim runs after let_go(). bpf_throw() needs the program's symbols to
 * unwind the stack, a fault needs its exception table.
 */
static int finish(struct bpf_cgroup_stat_ctx *ctx, __u64 data)
{
	int ret;

	if (loads_badly)
		data += 1 + load_badly();
	if (outgrows)
		outgrow(ctx);
	ret = !ctx->len || has_text(ctx) ? answer(ctx, data) : -EBADMSG;
	inside = false;
	return fails ? -ENODATA : ret;
}

SEC("cgroup/stat.s")
int sleeps(struct bpf_cgroup_stat_ctx *ctx)
{
	__u64 data = 0;
	int ret;

	if (!is_victim())
		return answer(ctx, others);

	inside = true;
	copied = bpf_copy_from_user(&data, sizeof(data), page);
	ret = finish(ctx, data);
	if (throws)
		bpf_throw(-ENODATA);
	return ret;
}

static int spin(__u32 i, __u64 *end)
{
	return stop || bpf_ktime_get_ns() > *end;
}

static int spin_on(__u32 i, __u64 *end)
{
	bpf_loop(1 << 20, spin, end, 0);
	return spin(0, end);
}

static void spin_until_stop(void)
{
	__u64 end = bpf_ktime_get_ns() + SPIN_NS;

	bpf_loop(1 << 23, spin_on, &end, 0);
}

SEC("cgroup/stat")
int spins(struct bpf_cgroup_stat_ctx *ctx)
{
	int ret;

	if (!is_victim())
		return answer(ctx, others);

	inside = true;
	spin_until_stop();
	ret = finish(ctx, stop);
	if (throws)
		bpf_throw(-ENODATA);
	return ret;
}

/* The victim gets stuck in kmalloc(), as if in direct reclaim, before its program runs. */
SEC("tp_btf/kmalloc")
int BPF_PROG(allocates, unsigned long call_site, const void *ptr, size_t size)
{
	if (!is_victim() || size != DATA_SIZE)
		return 0;

	inside = true;
	spin_until_stop();
	inside = false;
	return 0;
}
