// SPDX-License-Identifier: GPL-2.0
/* The argument of bpf_throw() is what the program returns. */
#include <vmlinux.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>
#include "bpf_experimental.h"

char _license[] SEC("license") = "GPL";

int never;	/* always 0, unknown to the compiler */

SEC("cgroup/stat")
int throw_errno(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_seq_write(ctx->meta->seq, "lost", 4);
	if (!never)
		bpf_throw(-EPERM);
	return 0;
}

/* an error code below -511, for use inside of the kernel */
SEC("cgroup/stat")
int throw_below_errnos(struct bpf_cgroup_stat_ctx *ctx)
{
	if (!never)
		bpf_throw(-529);
	return 0;
}

static __noinline int throw_at(int level)
{
	if (level > 0)
		bpf_throw(0);
	return level;
}

__noinline int throw_far_down(struct bpf_cgroup_stat_ctx *ctx)
{
	throw_at(ctx->cgroup->level);
	bpf_seq_write(ctx->meta->seq, " not reached", 12);
	return 0;
}

SEC("cgroup/stat")
int throw_zero(struct bpf_cgroup_stat_ctx *ctx)
{
	bpf_seq_write(ctx->meta->seq, "kept", 4);
	throw_far_down(ctx);
	bpf_seq_write(ctx->meta->seq, " not reached", 12);
	return -EIO;
}

/* Overflows the first buffer, so that the program is run again. */
SEC("cgroup/stat")
int throw_after_overflow(struct bpf_cgroup_stat_ctx *ctx)
{
	static const char page[4096];

	bpf_seq_write(ctx->meta->seq, page, sizeof(page));
	if (!never)
		bpf_throw(-EPERM);
	return 0;
}

__noinline int catch(__u64 cookie)
{
	return cookie == 17 ? -ENODATA : -EIO;
}

SEC("cgroup/stat")
__exception_cb(catch)
int throw_and_catch(struct bpf_cgroup_stat_ctx *ctx)
{
	if (!never)
		bpf_throw(17);
	return 0;
}
