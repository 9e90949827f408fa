// SPDX-License-Identifier: GPL-2.0
/*
 * The sample program of the proposal that started it, word for word but for
 * SEC() and expose_buckets(), which was left open: programs written for it, and
 * for a cgroup iterator, load as they are.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

static void expose_buckets(struct cgroup *cgrp, struct seq_file *seq)
{
	BPF_SEQ_PRINTF(seq, "level %d\n", cgrp->level);
}

SEC("cgroup/stat")
int histo_on_cpu(struct bpf_iter__cgroup *ctx) {
    struct seq_file *seq = ctx->meta->seq;
    struct cgroup *cgrp = ctx->cgroup;
    if (cgrp)
        expose_buckets(cgrp, seq);
    return 0;
}
