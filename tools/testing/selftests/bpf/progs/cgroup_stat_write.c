// SPDX-License-Identifier: GPL-2.0
/*
 * Store what is written, and output it on read. The test loads these programs twice:
 * as they are, and as sleepable programs.
 */
#include <vmlinux.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char _license[] SEC("license") = "GPL";

#define DATA_SIZE	4096
#define LESS		64

/* of the last write, padded with zeroes */
__u8 data[DATA_SIZE];
__u64 len;
__u64 cgroup_id;
__u64 cookie;
__u32 opener;
int runs;		/* caused by writes */
int reads;
int retval;

static int take(struct bpf_cgroup_stat_ctx *ctx)
{
	/* the second call clears more of the buffer than the first, and keeps the data */
	const __u8 *less = bpf_cgroup_stat_data(ctx, LESS);
	const __u8 *from = bpf_cgroup_stat_data(ctx, DATA_SIZE);
	int ret = retval;

	__sync_fetch_and_add(&runs, 1);
	if (!from || from != less)
		return -EINVAL;

	bpf_probe_read_kernel(data, sizeof(data), from);
	len = ctx->len;
	cgroup_id = ctx->cgroup->kn->id;
	cookie = bpf_get_attach_cookie(ctx);
	opener = ctx->meta->seq->file->f_cred->euid.val;
	return ret <= 0 && ret >= -4095 ? ret : 0;
}

SEC("cgroup/stat")
int note(struct bpf_cgroup_stat_ctx *ctx)
{
	__u64 size = len;

	if (ctx->len)
		return take(ctx);

	__sync_fetch_and_add(&reads, 1);
	if (size < sizeof(data))
		bpf_seq_write(ctx->meta->seq, data, size);
	return 0;
}

/* Leaves a '2' in data, so that the test can tell it from note(). */
SEC("cgroup/stat")
int note_second(struct bpf_cgroup_stat_ctx *ctx)
{
	int ret = ctx->len ? take(ctx) : 0;

	data[0] = '2';
	return ret;
}

long printed, written, btf_printed, put_ull, put_ll;

/* Output on write(2) must fail. */
SEC("cgroup/stat")
int output(struct bpf_cgroup_stat_ctx *ctx)
{
	struct rlimit64 limit = {};
	struct btf_ptr ptr = {
		.ptr = &limit,
		.type_id = bpf_core_type_id_kernel(struct rlimit64),
	};

	printed = BPF_SEQ_PRINTF(ctx->meta->seq, "%d\n", 1);
	written = bpf_seq_write(ctx->meta->seq, "1\n", 2);
	btf_printed = bpf_seq_printf_btf(ctx->meta->seq, &ptr, sizeof(ptr), 0);
	put_ull = bpf_seq_put_decimal_ull(ctx->meta->seq, "", 1);
	put_ll = bpf_seq_put_decimal_ll(ctx->meta->seq, "", 1);
	return 0;
}

bool has_one, has_all, has_more;

/* Which sizes does bpf_cgroup_stat_data() accept? */
SEC("cgroup/stat")
int sizes(struct bpf_cgroup_stat_ctx *ctx)
{
	has_one = bpf_cgroup_stat_data(ctx, 1);
	has_all = bpf_cgroup_stat_data(ctx, DATA_SIZE);
	has_more = bpf_cgroup_stat_data(ctx, DATA_SIZE + 1);
	return 0;
}
