// SPDX-License-Identifier: GPL-2.0
/* Calls of the kfuncs that print numbers, which the verifier refuses. */
#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "bpf_misc.h"
#include "bpf_experimental.h"

char _license[] SEC("license") = "GPL";

char writable[] = "writable";

SEC("iter/bpf_map")
__failure __msg("R2 does not point to a readonly map")
int changing_delimiter(struct bpf_iter__bpf_map *ctx)
{
	bpf_seq_put_decimal_ull(ctx->meta->seq, writable, 1);
	return 0;
}

SEC("iter/bpf_map")
__failure __msg("R2 doesn't point to a const string")
int delimiter_on_stack(struct bpf_iter__bpf_map *ctx)
{
	char delimiter[8] = "x";

	bpf_seq_put_decimal_ll(ctx->meta->seq, delimiter, 1);
	return 0;
}

SEC("iter/bpf_map")
__failure __msg("NULL pointer passed to trusted R2")
int no_delimiter(struct bpf_iter__bpf_map *ctx)
{
	bpf_seq_put_decimal_ull(ctx->meta->seq, NULL, 1);
	return 0;
}

SEC("iter/bpf_map")
__failure __msg("NULL pointer passed to trusted R1")
int no_file(struct bpf_iter__bpf_map *ctx)
{
	bpf_seq_put_decimal_ll(NULL, "", 1);
	return 0;
}

SEC("iter/bpf_map")
__failure __msg("must be referenced or trusted")
int untrusted_file(struct bpf_iter__bpf_map *ctx)
{
	struct seq_file *seq = bpf_core_cast(ctx->meta->seq, struct seq_file);

	bpf_seq_put_decimal_ull(seq, "", 1);
	return 0;
}

SEC("iter/bpf_map")
__failure __msg("expected pointer to STRUCT seq_file")
int other_structure(struct bpf_iter__bpf_map *ctx)
{
	bpf_seq_put_decimal_ull((void *)ctx->meta, "", 1);
	return 0;
}

/* The file is trusted, but somebody else prints to it. */
SEC("fentry/seq_write")
__failure __msg("calling kernel function bpf_seq_put_decimal_ull is not allowed")
int BPF_PROG(file_of_others, struct seq_file *seq)
{
	bpf_seq_put_decimal_ull(seq, "", 1);
	return 0;
}

SEC("fentry/seq_write")
__failure __msg("calling kernel function bpf_seq_put_decimal_ll is not allowed")
int BPF_PROG(signed_to_file_of_others, struct seq_file *seq)
{
	bpf_seq_put_decimal_ll(seq, "", 1);
	return 0;
}
