// SPDX-License-Identifier: GPL-2.0
/*
 * knob: one number per cgroup, to be read and written
 *
 *	# bpftool cgroup stat attach knob.bpf.o /sys/fs/cgroup /sys/fs/bpf/knob mode 0644
 *	# echo 300 > web/bpf.stat.knob
 *	# cat web/frontend/bpf.stat.knob
 *	300
 *	# echo default > web/bpf.stat.knob
 *
 * A cgroup whose knob isn't set inherits the number of its parent. If no ancestor's
 * is set either, the number is knob_default. Writing "default" unsets the knob. A
 * write fails with EINVAL if it is neither that word nor a decimal number of up to 31
 * characters, and with ERANGE if the number is less than knob_min or more than
 * knob_max. The three are constants that a loader can set.
 *
 * This works in all hierarchies, whether cgroup v1 or v2. A cgroup inherits from its
 * ancestors in its own hierarchy, so the knobs of one hierarchy don't affect another.
 *
 * A program that uses the number calls knob_of() if it is in this object. One in
 * another object shares the map @knobs.
 */
#include "storage.bpf.h"

#define ENOMEM		12
#define EINVAL		22
#define ERANGE		34

#define DATA_SIZE	32	/* longer than any number and than "default" */
#define S64_MAX		(~0ULL >> 1)
#define UNSET		(-(__s64)S64_MAX - 1)	/* less than knob_min */

const volatile __s64 knob_default = 100;
const volatile __s64 knob_min = 1;
const volatile __s64 knob_max = 10000;

/*
 * The number or UNSET, for each cgroup whose knob was ever written. It is read and
 * written without a lock, because it is a single word.
 */
struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __s64);
} knobs SEC(".maps");

static __s64 knob_of(struct cgroup *cgrp)
{
	__s64 *knob, value;
	struct cgroup *ancestor;
	int up;

	bpf_for(up, 0, cgrp->level + 1) {
		ancestor = bpf_cgroup_ancestor(cgrp, cgrp->level - up);
		if (!ancestor)
			break;
		knob = bpf_cgrp_storage_get(&knobs, ancestor, NULL, 0);
		value = knob ? *(volatile __s64 *)knob : UNSET;
		bpf_cgroup_release(ancestor);
		if (value != UNSET)
			return value;
	}
	return knob_default;
}

static int set(struct cgroup *cgrp, __s64 value)
{
	__s64 *knob;

	/* create the storage with the value, so that no reader finds it without */
	knob = get_storage(&knobs, cgrp, &value);
	if (!knob)
		return -ENOMEM;

	*(volatile __s64 *)knob = value;
	return 0;
}

/* Does @text end after the first @used bytes, apart from a newline? */
static bool ends_after(const char *text, __u64 len, __u64 used)
{
	if (used >= DATA_SIZE)
		return false;
	return len == used || (len == used + 1 && text[used] == '\n');
}

/* bpf_strtol() would skip leading blanks, and takes three times as long. */
static int parse(const char *text, __u64 len, __s64 *value)
{
	int i, first = text[0] == '-';
	__u64 number = 0;
	__u8 digit;

	for (i = first; i < DATA_SIZE; i++) {
		digit = text[i] - '0';
		if (digit > 9)
			break;
		if (number > S64_MAX / 10)
			return -ERANGE;
		number = 10 * number + digit;
	}
	if (i == first || !ends_after(text, len, i))
		return -EINVAL;
	if (number > S64_MAX)
		return -ERANGE;

	*value = first ? -number : number;
	return *value < knob_min || *value > knob_max ? -ERANGE : 0;
}

static int write_knob(struct cgroup *cgrp, const char *text, __u64 len)
{
	static const char word[] = "default";
	const int word_len = sizeof(word) - 1;
	__s64 value;
	int err;

	if (!bpf_strncmp(text, word_len, word) && ends_after(text, len, word_len))
		return set(cgrp, UNSET);

	err = parse(text, len, &value);
	return err ?: set(cgrp, value);
}

SEC("cgroup/stat")
int knob(struct bpf_cgroup_stat_ctx *ctx)
{
	const char *text;

	if (!ctx->len) {
		bpf_seq_put_decimal_ll(ctx->meta->seq, "", knob_of(ctx->cgroup));
		bpf_seq_write(ctx->meta->seq, "\n", 1);
		return 0;
	}

	text = (const char *)bpf_cgroup_stat_data(ctx, DATA_SIZE);
	if (!text)
		return -EINVAL;

	return write_knob(ctx->cgroup, text, ctx->len);
}

char _license[] SEC("license") = "GPL";
