// SPDX-License-Identifier: GPL-2.0
#include <vmlinux.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>
#include "seq_put_decimal.h"

char _license[] SEC("license") = "GPL";

#define MAX_PADDING	(9 * 65536)	/* a page may have 64 KiB */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __s64);
} numbers SEC(".maps");

char padding[MAX_PADDING];	/* filled by the test */
__u32 padding_len;		/* how much of it is output before the first number */
__u32 which;			/* enum which_call */

int calls, overflows;
int other_error;

static int put(struct seq_file *seq, __s64 num)
{
	switch (which) {
	case ULL_NONE:
		return bpf_seq_put_decimal_ull(seq, "", num);
	case ULL_CHAR:
		return bpf_seq_put_decimal_ull(seq, " ", num);
	case ULL_LONG:
		return bpf_seq_put_decimal_ull(seq, LONG_DELIMITER, num);
	case LL_NONE:
		return bpf_seq_put_decimal_ll(seq, "", num);
	case LL_CHAR:
		return bpf_seq_put_decimal_ll(seq, " ", num);
	case LL_LONG:
		return bpf_seq_put_decimal_ll(seq, LONG_DELIMITER, num);
	default:
		return -EINVAL;
	}
}

SEC("iter/bpf_map_elem")
int print(struct bpf_iter__bpf_map_elem *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	__u32 *key = ctx->key, len = padding_len;
	__s64 *num = ctx->value;
	int err;

	if (!key || !num)
		return 0;

	if (!*key && len <= sizeof(padding))
		bpf_seq_write(seq, padding, len);

	calls++;
	err = put(seq, *num);
	if (err == -EOVERFLOW)
		overflows++;
	else if (err)
		other_error = err;
	return 0;
}
