// SPDX-License-Identifier: GPL-2.0
/*
 * Output of all sizes and kinds. The test loads these programs twice: as they are, and
 * as sleepable programs.
 */
#include <vmlinux.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "seq_put_decimal.h"

char _license[] SEC("license") = "GPL";

#define PIECE		4096
#define MAX_ERRNO	4095

/* filled by the test, which compares what it reads with it */
char text[(5 << 20) + PIECE];

__u32 size;		/* of the output, in bytes */
__u32 step;		/* added to size in each run of growing() */
__u32 runs;
int retval;
__u64 btf_flags;
__s64 number;		/* what decimals() outputs, this often, after size bytes of text */
__u32 repeats;
__u32 overflows;	/* runs in which a kfunc returned -EOVERFLOW */

/* For the verifier, which checks the range of the return value. */
static int errno_or_0(int err)
{
	return err < 0 && err >= -MAX_ERRNO ? err : 0;
}

SEC("cgroup/stat")
int at_once(struct bpf_cgroup_stat_ctx *ctx)
{
	__u32 len = size;

	__sync_fetch_and_add(&runs, 1);
	if (len > sizeof(text))
		return -EINVAL;

	/* -EOVERFLOW is not passed on to the reader: seq_file runs it again */
	return errno_or_0(bpf_seq_write(ctx->meta->seq, text, len));
}

SEC("cgroup/stat")
int in_pieces(struct bpf_cgroup_stat_ctx *ctx)
{
	__u32 len = size, i;

	__sync_fetch_and_add(&runs, 1);
	if (len > sizeof(text) - PIECE)
		return -EINVAL;

	bpf_for(i, 0, len / PIECE)
		bpf_seq_write(ctx->meta->seq, text + i * PIECE, PIECE);
	bpf_seq_write(ctx->meta->seq, text + len / PIECE * PIECE, len % PIECE);

	return errno_or_0(retval);
}

/* Lines of 64 bytes, with the number of the run in each line. */
SEC("cgroup/stat")
int lines(struct bpf_cgroup_stat_ctx *ctx)
{
	__u32 run = __sync_fetch_and_add(&runs, 1), i;
	long err;

	bpf_for(i, 0, size / 64) {
		err = BPF_SEQ_PRINTF(ctx->meta->seq, "run %-10u line %-42u.\n", run, i);
		if (err)
			return errno_or_0(err);
	}
	return 0;
}

SEC("cgroup/stat")
int growing(struct bpf_cgroup_stat_ctx *ctx)
{
	__u32 len = size + step * __sync_fetch_and_add(&runs, 1);

	if (len > sizeof(text))
		len = sizeof(text);
	bpf_seq_write(ctx->meta->seq, text, len);
	return 0;
}

SEC("cgroup/stat")
int btf_small(struct bpf_cgroup_stat_ctx *ctx)
{
	struct rlimit64 limit = { .rlim_cur = 12, .rlim_max = 345 };
	struct btf_ptr ptr = {
		.ptr = &limit,
		.type_id = bpf_core_type_id_kernel(struct rlimit64),
	};

	return errno_or_0(bpf_seq_printf_btf(ctx->meta->seq, &ptr, sizeof(ptr), btf_flags));
}

SEC("cgroup/stat")
int btf_big(struct bpf_cgroup_stat_ctx *ctx)
{
	struct btf_ptr ptr = {
		.ptr = ctx->cgroup,
		.type_id = bpf_core_type_id_kernel(struct cgroup),
	};

	__sync_fetch_and_add(&runs, 1);
	return errno_or_0(bpf_seq_printf_btf(ctx->meta->seq, &ptr, sizeof(ptr), btf_flags));
}

static int put_decimals(struct seq_file *seq, __s64 num)
{
	return bpf_seq_put_decimal_ull(seq, "", num) ?:
	       bpf_seq_put_decimal_ull(seq, " ", num) ?:
	       bpf_seq_put_decimal_ull(seq, LONG_DELIMITER, num) ?:
	       bpf_seq_put_decimal_ll(seq, "", num) ?:
	       bpf_seq_put_decimal_ll(seq, " ", num) ?:
	       bpf_seq_put_decimal_ll(seq, LONG_DELIMITER, num);
}

SEC("cgroup/stat")
int decimals(struct bpf_cgroup_stat_ctx *ctx)
{
	__u32 len = size, i;
	int err = 0;

	__sync_fetch_and_add(&runs, 1);
	if (len > sizeof(text))
		return -EINVAL;

	bpf_seq_write(ctx->meta->seq, text, len);
	bpf_for(i, 0, repeats) {
		err = put_decimals(ctx->meta->seq, number);
		if (err)
			break;
	}
	if (err == -EOVERFLOW)
		__sync_fetch_and_add(&overflows, 1);
	return errno_or_0(err);
}
