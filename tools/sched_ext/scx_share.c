// SPDX-License-Identifier: GPL-2.0
/*
 * Loads scx_share.bpf.c and attaches its knobs. The scheduler and the files are held
 * by file descriptors alone, so the kernel removes them when this process exits, even
 * if it is killed. Only a map with the knobs' values is pinned, if -k is given.
 */
#include <stdio.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <bpf/bpf.h>
#include <scx/common.h>
#include "scx_share.bpf.skel.h"

const char help_fmt[] =
"A sched_ext scheduler with knobs in every cgroup: bpf.stat.share, .slice_us, .runtime.\n"
"\n"
"See the top-level comment in .bpf.c for more details.\n"
"\n"
"cpu.weight and cpu.max have no effect while it runs.\n"
"\n"
"Usage: %s [-c CGROUP] [-k PATH] [-v]\n"
"\n"
"  -c CGROUP     Have the knobs in this v2 cgroup and below (default: /sys/fs/cgroup)\n"
"  -k PATH       Keep what is written to the knobs in a map that is pinned at PATH,\n"
"                and begin with what was kept there\n"
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

/* Only one scheduler can run. Prints an error if there is one. */
static bool is_another_running(void)
{
	char name[64] = "";
	FILE *f;

	f = fopen("/sys/kernel/sched_ext/root/ops", "r");
	if (!f)
		return false;
	if (fscanf(f, "%63s", name) != 1)
		name[0] = '\0';
	fclose(f);
	fprintf(stderr, "another sched_ext scheduler is running, stop it first: %s\n", name);
	return true;
}

/* Returns the link, or NULL after printing an error. */
static struct bpf_link *attach_scheduler(struct scx_share *skel)
{
	struct bpf_link *link;
	int err;

	link = bpf_map__attach_struct_ops(skel->maps.share_ops);
	if (link)
		return link;

	err = errno;
	if (err != EBUSY || !is_another_running())
		fprintf(stderr, "can't start the scheduler: %s\n", strerror(err));
	return NULL;
}

/* Returns true on success, or false after printing an error. */
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

static bool attach_tracepoint(struct bpf_program *prog, struct bpf_link **link)
{
	*link = bpf_program__attach(prog);
	if (!*link)
		fprintf(stderr, "can't attach %s: %s\n", bpf_program__name(prog), strerror(errno));
	return *link;
}

/* Pins the knobs' values at @path, for the next run. Prints an error if that fails. */
static bool keep_knobs(struct bpf_map *knobs, const char *path)
{
	if (!path || bpf_map__is_pinned(knobs))
		return true;
	if (!bpf_map__pin(knobs, path))
		return true;

	fprintf(stderr, "can't keep the knobs at %s: %s\n", path, strerror(errno));
	return false;
}

static bool is_on_cgroup2(int cgroup_fd)
{
	struct statfs fs;

	return !fstatfs(cgroup_fd, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static bool is_removed(int cgroup_fd)
{
	return faccessat(cgroup_fd, "cgroup.procs", F_OK, 0) && errno == ENOENT;
}

/*
 * Waits for a signal, the end of the scheduler or the removal of the cgroup. Returns
 * the exit status.
 */
static int wait_for_end(struct scx_share *skel, int cgroup_fd, const char *cgroup)
{
	while (!exit_req && !UEI_EXITED(skel, uei)) {
		if (is_removed(cgroup_fd)) {
			fprintf(stderr, "%s was removed, and the knobs with it\n", cgroup);
			return 1;
		}
		sleep(1);
	}
	return !exit_req;
}

/*
 * Attaches everything else before the scheduler, so that an error is found before the
 * scheduler gets any task. Returns the exit status.
 */
static int run(struct scx_share *skel, int cgroup_fd, const char *cgroup, const char *keep,
	       __u64 *ecode)
{
	bool kept = bpf_map__is_pinned(skel->maps.knobs);
	struct bpf_link *links[6] = {};
	int i, status = 1;

	if (attach_knob(skel->progs.share, cgroup_fd, cgroup, 0644, &links[0]) &&
	    attach_knob(skel->progs.slice_us, cgroup_fd, cgroup, 0644, &links[1]) &&
	    attach_knob(skel->progs.runtime, cgroup_fd, cgroup, 0444, &links[2]) &&
	    attach_tracepoint(skel->progs.share_cgroup_mkdir, &links[3]) &&
	    attach_tracepoint(skel->progs.share_cgroup_rmdir, &links[4]) &&
	    keep_knobs(skel->maps.knobs, keep))
		links[5] = attach_scheduler(skel);
	if (links[5]) {
		printf("bpf.stat.{share,slice_us,runtime} are in %s and below\n"
		       "cpu.weight and cpu.max have no effect while this scheduler runs\n", cgroup);
		fflush(stdout);
		status = wait_for_end(skel, cgroup_fd, cgroup);
	} else if (!kept && bpf_map__is_pinned(skel->maps.knobs)) {
		bpf_map__unpin(skel->maps.knobs, NULL);
	}

	for (i = 0; i < 6; i++)
		bpf_link__destroy(links[i]);
	if (links[5])
		*ecode = UEI_REPORT(skel, uei);
	return status;
}

static bool is_on_bpffs(const char *path)
{
	char *copy = strdup(path);
	struct statfs fs;
	bool ret;

	ret = copy && !statfs(dirname(copy), &fs) && fs.f_type == BPF_FS_MAGIC;
	free(copy);
	if (!ret)
		fprintf(stderr, "can't keep the knobs at %s: not on bpffs, usually /sys/fs/bpf\n",
			path);
	return ret;
}

int main(int argc, char **argv)
{
	const char *cgroup = "/sys/fs/cgroup", *keep = NULL;
	struct scx_share *skel;
	int opt, cgroup_fd, status;
	__u64 ecode;

	while ((opt = getopt(argc, argv, "c:k:vh")) != -1) {
		switch (opt) {
		case 'c':
			cgroup = optarg;
			break;
		case 'k':
			keep = optarg;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			fprintf(stderr, help_fmt, basename(argv[0]));
			return opt != 'h';
		}
	}
	if (optind < argc) {
		fprintf(stderr, "superfluous argument, see -h: %s\n", argv[optind]);
		return 1;
	}

	libbpf_set_print(libbpf_print_fn);
	signal(SIGINT, sigint_handler);
	signal(SIGTERM, sigint_handler);

	cgroup_fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup_fd < 0) {
		fprintf(stderr, "can't open %s: %s\n", cgroup, strerror(errno));
		return 1;
	}
	if (!is_on_cgroup2(cgroup_fd)) {
		fprintf(stderr, "%s isn't in cgroup v2, whose shares are obeyed: see -c\n", cgroup);
		return 1;
	}
	if (is_another_running() || (keep && !is_on_bpffs(keep)))
		return 1;
restart:
	ecode = 0;
	skel = SCX_OPS_OPEN(share_ops, scx_share);
	if (keep && !access(keep, F_OK))
		bpf_map__set_pin_path(skel->maps.knobs, keep);
	SCX_OPS_LOAD(skel, share_ops, scx_share, uei);
	status = run(skel, cgroup_fd, cgroup, keep, &ecode);
	scx_share__destroy(skel);

	if (UEI_ECODE_RESTART(ecode) && !exit_req)
		goto restart;
	return status;
}
