// SPDX-License-Identifier: GPL-2.0
/*
 * The sample program of the RFC, unchanged but for SEC() and expose_buckets(), which
 * the RFC doesn't define. It shows that a program written for the RFC or for a cgroup
 * iterator loads as it is.
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
