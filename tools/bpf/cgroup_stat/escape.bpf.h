/* SPDX-License-Identifier: GPL-2.0 */
/* How to print names that may contain any character, as in /proc/mounts. */
#ifndef __ESCAPE_BPF_H
#define __ESCAPE_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

/* one that is printed as a backslash and three octal digits */
static bool is_odd(__u8 c)
{
	return c <= ' ' || c == '\\' || c == 0x7f;
}

/* Print the string in an array of @size characters. */
static __always_inline void print_escaped(struct seq_file *seq, const char *text, __u32 size)
{
	char escape[4] = "\\";
	__u32 i;
	__u8 c;

	bpf_for(i, 0, size) {
		if (i >= size || !text[i])
			break;
		c = text[i];
		if (!is_odd(c)) {
			bpf_seq_write(seq, &text[i], 1);
			continue;
		}
		escape[1] = '0' + (c >> 6);
		escape[2] = '0' + (c >> 3 & 7);
		escape[3] = '0' + (c & 7);
		bpf_seq_write(seq, escape, sizeof(escape));
	}
}

#endif
