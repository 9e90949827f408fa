// SPDX-License-Identifier: GPL-2.0
/*
 * attach OBJECT CGROUP: attaches a stat program as bpf.stat.attached, reads the file of the
 * cgroup, and exits, which detaches it. scripts/test-debs compiles this as a user of the
 * package libbpf-bpfstat-dev does.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_cgroup_stat_opts, opts, .name = "attached");
	struct bpf_program *prog;
	struct bpf_object *obj;
	struct bpf_link *link;
	char path[4096], text[64];
	ssize_t len;
	int cgroup, file;

	if (argc != 3)
		return 2;
	obj = bpf_object__open(argv[1]);
	if (!obj || bpf_object__load(obj))
		return 1;
	prog = bpf_object__next_program(obj, NULL);
	cgroup = open(argv[2], O_RDONLY | O_DIRECTORY);
	link = bpf_program__attach_cgroup_stat(prog, cgroup, &opts);
	if (!link) {
		perror("attach");
		return 1;
	}
	snprintf(path, sizeof(path), "%s/bpf.stat.attached", argv[2]);
	file = open(path, O_RDONLY);
	len = read(file, text, sizeof(text));
	if (len <= 0) {
		perror(path);
		return 1;
	}
	return write(STDOUT_FILENO, text, len) != len;
}
