// SPDX-License-Identifier: GPL-2.0
/*
 * Loads scx_share.bpf.c and attaches its knobs. All that it holds, the scheduler
 * and the files, it holds by file descriptors alone: however it ends, they go.
 */
#include <stdio.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <scx/common.h>
#include "scx_share.bpf.skel.h"

const char help_fmt[] =
"A sched_ext scheduler with knobs in every cgroup: bpf.stat.share, .slice_us, .runtime.\n"
"\n"
"See the top-level comment in .bpf.c for more details.\n"
"\n"
"Usage: %s [-c CGROUP] [-v]\n"
"\n"
"  -c CGROUP     Have the knobs in this cgroup and below (default: /sys/fs/cgroup)\n"
"  -v            Print libbpf debug messages\n"
"  -h            Display this help and exit\n";

static bool verbose;
static volatile int exit_req;

static int libbpf_print_fn(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_DEBUG && !verbose)
		return 0;
	return vfprintf(stderr, format, args);
}

static void sigint_handler(int sig)
{
	exit_req = 1;
}

/* Returns the link, or NULL with a word about what to do. */
static struct bpf_link *attach_scheduler(struct scx_share *skel)
{
	struct bpf_link *link;
	char name[64] = "";
	FILE *f;

	link = bpf_map__attach_struct_ops(skel->maps.share_ops);
	if (link)
		return link;

	if (errno != EBUSY) {
		fprintf(stderr, "can't start the scheduler: %s\n", strerror(errno));
		return NULL;
	}
	f = fopen("/sys/kernel/sched_ext/root/ops", "r");
	if (f) {
		if (fscanf(f, "%63s", name) != 1)
			name[0] = '\0';
		fclose(f);
	}
	fprintf(stderr, "another sched_ext scheduler is running, stop it first: %s\n", name);
	return NULL;
}

/* Returns whether it worked, with a word about what to do if it didn't. */
static bool attach_knob(struct bpf_program *prog, int cgroup_fd, const char *cgroup,
			__u32 mode, struct bpf_link **link)
{
	LIBBPF_OPTS(bpf_cgroup_stat_opts, opts, .mode = mode);

	*link = bpf_program__attach_cgroup_stat(prog, cgroup_fd, &opts);
	if (*link)
		return true;

	fprintf(stderr, "can't attach bpf.stat.%s to %s: %s%s\n", bpf_program__name(prog),
		cgroup, strerror(errno),
		errno == EEXIST ? ", bpftool link says who has that name" : "");
	return false;
}

/* Runs until it is told to end, or sched_ext ends it. Returns the exit status. */
static int run(struct scx_share *skel, struct bpf_link *scheduler, int cgroup_fd,
	       const char *cgroup)
{
	struct bpf_link *knobs[3] = {};
	int i, status = 1;

	if (attach_knob(skel->progs.share, cgroup_fd, cgroup, 0644, &knobs[0]) &&
	    attach_knob(skel->progs.slice_us, cgroup_fd, cgroup, 0644, &knobs[1]) &&
	    attach_knob(skel->progs.runtime, cgroup_fd, cgroup, 0444, &knobs[2])) {
		printf("bpf.stat.{share,slice_us,runtime} are in %s and below\n", cgroup);
		fflush(stdout);
		while (!exit_req && !UEI_EXITED(skel, uei))
			sleep(1);
		status = !exit_req;
	}

	for (i = 0; i < 3; i++)
		bpf_link__destroy(knobs[i]);
	bpf_link__destroy(scheduler);
	return status;
}

int main(int argc, char **argv)
{
	const char *cgroup = "/sys/fs/cgroup";
	int opt, cgroup_fd, status;
	struct bpf_link *scheduler;
	struct scx_share *skel;
	__u64 ecode;

	while ((opt = getopt(argc, argv, "c:vh")) != -1) {
		switch (opt) {
		case 'c':
			cgroup = optarg;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			fprintf(stderr, help_fmt, basename(argv[0]));
			return opt != 'h';
		}
	}

	libbpf_set_print(libbpf_print_fn);
	signal(SIGINT, sigint_handler);
	signal(SIGTERM, sigint_handler);

	cgroup_fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup_fd < 0) {
		fprintf(stderr, "can't open %s: %s\n", cgroup, strerror(errno));
		return 1;
	}
restart:
	status = 1;
	ecode = 0;
	skel = SCX_OPS_OPEN(share_ops, scx_share);
	SCX_OPS_LOAD(skel, share_ops, scx_share, uei);
	scheduler = attach_scheduler(skel);
	if (scheduler) {
		status = run(skel, scheduler, cgroup_fd, cgroup);
		ecode = UEI_REPORT(skel, uei);
	}
	scx_share__destroy(skel);

	if (UEI_ECODE_RESTART(ecode) && !exit_req)
		goto restart;
	return status;
}
