// SPDX-License-Identifier: GPL-2.0
/*
 * For test_cgroup_stat_exporter.py: bpf.stat.text shows what was written to it. If that
 * begins with one of these words, it does what the word says:
 *
 *	!error	read(2) fails with EIO
 *	!none	read(2) fails with ENOENT
 *	!device	read(2) fails with ENODEV
 *	!big	there are almost 4 MiB of text without a newline
 *	!key	the same with " n=1" behind it
 *	!help	the same in a comment, before the line "n 1"
 *	!spin	read(2) doesn't return before something else is written
 *	!free	as long as this is the last that was written anywhere, no read(2) spins
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#define ENOENT		2
#define EIO		5
#define ENODEV		19
#define EINVAL		22
#define ENOMEM		12
#define ENODATA		61

#define TEXT_SIZE	2048
#define MANY		(1 << 23)	/* the most that a loop can have */
#define SPIN_NS		(1200 * 1000000000ULL)	/* twice the deadline of the test */

struct text {
	__u32 len;
	char data[TEXT_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct text);
} texts SEC(".maps");

static bool is_word(const struct text *text, char letter)
{
	const volatile char *data = text->data;

	return data[0] == '!' && data[1] == letter;
}

static volatile bool is_free;

static int store(struct bpf_cgroup_stat_ctx *ctx)
{
	const __u8 *data = bpf_cgroup_stat_data(ctx, TEXT_SIZE);
	struct text *text;

	if (!data || ctx->len > TEXT_SIZE)
		return -EINVAL;
	text = bpf_cgrp_storage_get(&texts, ctx->cgroup, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!text)
		return -ENOMEM;
	bpf_probe_read_kernel(text->data, TEXT_SIZE, data);
	text->len = ctx->len;
	is_free = is_word(text, 'f');
	return 0;
}

static int show_much(const struct text *text, struct seq_file *seq)
{
	static const char much[4000] = { [0 ... 3999] = 'x' };
	int i;

	if (is_word(text, 'h'))
		bpf_seq_write(seq, "# HELP n ", 9);
	bpf_for(i, 0, 1000)
		bpf_seq_write(seq, much, sizeof(much));
	if (is_word(text, 'h'))
		bpf_seq_write(seq, "\nn 1\n", 5);
	if (is_word(text, 'k'))
		bpf_seq_write(seq, " n=1\n", 5);
	return 0;
}

static int spin(const struct text *text)
{
	__u64 end = bpf_ktime_get_ns() + SPIN_NS;
	int i, j;

	bpf_for(i, 0, MANY) {
		if (!is_word(text, 's') || is_free || bpf_ktime_get_ns() > end)
			break;
		bpf_for(j, 0, 10000)
			if (!is_word(text, 's'))
				break;
	}
	return -ENODATA;
}

SEC("cgroup/stat.s")
int text(struct bpf_cgroup_stat_ctx *ctx)
{
	struct text *text;
	__u32 len;

	if (ctx->len)
		return store(ctx);

	text = bpf_cgrp_storage_get(&texts, ctx->cgroup, NULL, 0);
	if (!text)
		return -ENODATA;
	if (is_word(text, 'e'))
		return -EIO;
	if (is_word(text, 'n'))
		return -ENOENT;
	if (is_word(text, 'd'))
		return -ENODEV;
	if (is_word(text, 'b') || is_word(text, 'k') || is_word(text, 'h'))
		return show_much(text, ctx->meta->seq);
	if (is_word(text, 's'))
		return spin(text);
	len = text->len;
	if (len > TEXT_SIZE)
		return -EINVAL;
	bpf_seq_write(ctx->meta->seq, text->data, len);
	return 0;
}

char _license[] SEC("license") = "GPL";
