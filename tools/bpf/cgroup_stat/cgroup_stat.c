// SPDX-License-Identifier: GPL-2.0
/*
 * Attach, update and detach cgroup stat programs.
 *
 * All that keeps an attached program alive is pinned in one directory of a BPF
 * file system, so it outlives this tool, and rm -r takes it away:
 *
 *	DIR/link		the link, the file bpf.stat.NAME itself
 *	DIR/programs/		the stat programs, which "update" chooses from
 *	DIR/collectors/		links of the programs that feed their maps
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/compiler.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static const char usage_text[] =
	"usage: cgroup_stat attach [-v] [-n NAME] [-m MODE] OBJ PROG CGROUP DIR\n"
	"       cgroup_stat update DIR PROG\n"
	"       cgroup_stat detach DIR\n"
	"\n"
	"attach  load the BPF object OBJ, attach all that it has but stat programs, let\n"
	"        PROG answer bpf.stat.NAME (its own name if there is no -n) in CGROUP and\n"
	"        below, with the permissions MODE (octal, 0444), and pin it all in DIR,\n"
	"        which is made on a BPF file system; -v shows what libbpf has to say\n"
	"update  let PROG, another stat program of that object, answer instead\n"
	"detach  remove the files, the programs and DIR\n";

static bool verbose;

static int __printf(1, 2) fail(const char *fmt, ...)
{
	va_list args;

	fputs("cgroup_stat: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return -1;
}

static int usage(void)
{
	fputs(usage_text, stderr);
	return -1;
}

static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return verbose ? vfprintf(stderr, fmt, args) : 0;
}

/* Pins in DIR: there are at most two levels, and one call needs one path. */
static const char *pin_path(const char *dir, const char *sub, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s%s%s", dir, sub, name ? "/" : "", name ?: "");
	return path;
}

static int remove_pins_in(const char *dir, const char *sub)
{
	struct dirent *entry;
	DIR *pins;

	pins = opendir(pin_path(dir, sub, NULL));
	if (!pins)
		return errno == ENOENT ? 0 : -1;

	while ((entry = readdir(pins))) {
		if (entry->d_name[0] != '.')
			unlink(pin_path(dir, sub, entry->d_name));
	}
	closedir(pins);

	return rmdir(pin_path(dir, sub, NULL));
}

static int remove_pins(const char *dir)
{
	/* The link goes last: as long as it is there, detach can be tried again. */
	if (remove_pins_in(dir, "programs") || remove_pins_in(dir, "collectors") ||
	    (unlink(pin_path(dir, "link", NULL)) && errno != ENOENT) || rmdir(dir))
		return fail("%s: not all removed (%s): rm -r the rest", dir, strerror(errno));

	return 0;
}

static bool is_stat_prog(const struct bpf_program *prog)
{
	return bpf_program__type(prog) == BPF_PROG_TYPE_CGROUP_STAT;
}

static const char *load_hint(int err)
{
	/* Without privileges libbpf leaves out the BTF, and EINVAL comes of it. */
	if (err == EPERM || geteuid())
		return "try as root: it takes CAP_BPF and CAP_PERFMON";
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_CGROUP_STAT, NULL) == 0)
		return "this kernel has no cgroup stat programs: it takes CONFIG_BPF_CGROUP_STAT";
	return "-v shows the verifier's reasons";
}

static struct bpf_object *load(const char *path)
{
	struct bpf_object *obj;
	char msg[64];
	int err;

	obj = bpf_object__open_file(path, NULL);
	if (!obj) {
		libbpf_strerror(errno, msg, sizeof(msg));
		fail("%s: %s: give a BPF object file (*.bpf.o)", path, msg);
		return NULL;
	}
	if (bpf_object__load(obj)) {
		err = errno;
		fail("%s: not loaded (%s): %s", path, strerror(err), load_hint(err));
		bpf_object__close(obj);
		return NULL;
	}

	return obj;
}

static struct bpf_program *find_stat_prog(struct bpf_object *obj, const char *name)
{
	struct bpf_program *prog;

	prog = bpf_object__find_program_by_name(obj, name);
	if (prog && is_stat_prog(prog))
		return prog;

	fprintf(stderr, "cgroup_stat: %s: no stat program of this object: choose from", name);
	bpf_object__for_each_program(prog, obj) {
		if (is_stat_prog(prog))
			fprintf(stderr, " %s", bpf_program__name(prog));
	}
	fputc('\n', stderr);
	return NULL;
}

static int make_dir(const char *path)
{
	struct statfs fs;

	if (mkdir(path, 0700)) {
		if (errno == EEXIST)
			return fail("%s: exists: detach it, or name another", path);
		return fail("%s: %s: name a new directory on a BPF file system",
			    path, strerror(errno));
	}
	if (statfs(path, &fs) || fs.f_type != BPF_FS_MAGIC) {
		rmdir(path);
		return fail("%s: not on a BPF file system: try below /sys/fs/bpf (mount -t bpf)",
			    path);
	}

	return 0;
}

/* Pin @link and let go of it: only its pin keeps it then. */
static int pin_link(struct bpf_link *link, const char *path)
{
	int err;

	if (!link)
		return -errno;

	err = bpf_link__pin(link, path);
	if (!err)
		bpf_link__disconnect(link);
	bpf_link__destroy(link);
	return err;
}

static int pin_programs(struct bpf_object *obj, const char *dir)
{
	struct bpf_program *prog;
	const char *name;
	int err;

	if (mkdir(pin_path(dir, "programs", NULL), 0700) ||
	    mkdir(pin_path(dir, "collectors", NULL), 0700))
		return fail("%s: %s", dir, strerror(errno));

	bpf_object__for_each_program(prog, obj) {
		name = bpf_program__name(prog);
		if (is_stat_prog(prog))
			err = bpf_program__pin(prog, pin_path(dir, "programs", name));
		else
			err = pin_link(bpf_program__attach(prog),
				       pin_path(dir, "collectors", name));
		if (err)
			return fail("%s: not attached and pinned (%s): attach with -v to see why",
				    name, strerror(-err));
	}

	return 0;
}

static const char *attach_hint(int err)
{
	switch (err) {
	case EEXIST:
		return "another link has that name there, above or below: take another with -n";
	case EINVAL:
		return "a name has letters, digits and _.-; a mode is octal, within 0666";
	case ENAMETOOLONG:
		return "give a shorter name with -n";
	case EBADF:
		return "name a directory of cgroup2, usually below /sys/fs/cgroup";
	case EOPNOTSUPP:
		return "it takes cgroup v2";
	case E2BIG:
		return "64 links are rooted at this cgroup: detach some";
	case EACCES:
	case EPERM:
		return "it takes CAP_BPF, CAP_PERFMON and the right to mkdir there: try as root";
	default:
		return "nothing was attached";
	}
}

static int pin_stat(struct bpf_program *prog, const char *cgroup, const char *dir,
		    const struct bpf_cgroup_stat_opts *opts)
{
	struct bpf_link *link;
	int fd, err;

	fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail("%s: %s: name a cgroup's directory", cgroup, strerror(errno));

	link = bpf_program__attach_cgroup_stat(prog, fd, opts);
	err = errno;
	close(fd);
	if (!link)
		return fail("bpf.stat.%s in %s: %s: %s", opts->name, cgroup, strerror(err),
			    attach_hint(err));

	err = pin_link(link, pin_path(dir, "link", NULL));
	if (err)
		return fail("%s: link not pinned (%s)", dir, strerror(-err));

	return 0;
}

/* The link comes last: nobody reads a file whose collectors aren't there. */
static int pin_all(struct bpf_object *obj, struct bpf_program *prog, const char *cgroup,
		   const char *dir, const struct bpf_cgroup_stat_opts *opts)
{
	sigset_t signals, pending;
	int err;

	/* One that hits between two pins has to wait until they can be removed. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);

	if (make_dir(dir))
		return -1;
	err = pin_programs(obj, dir) || pin_stat(prog, cgroup, dir, opts);
	sigpending(&pending);
	sigandset(&pending, &pending, &signals);
	if (err || !sigisemptyset(&pending)) {
		remove_pins(dir);
		err = -1;
	}

	sigprocmask(SIG_UNBLOCK, &signals, NULL);
	return err;
}

static int parse_mode(const char *arg, __u32 *mode)
{
	char *end;

	errno = 0;
	*mode = strtoul(arg, &end, 8);
	if (errno || end == arg || *end)
		return fail("%s: no mode: give octal permissions such as 0400", arg);

	return 0;
}

static int attach(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_cgroup_stat_opts, opts);
	struct bpf_program *prog;
	struct bpf_object *obj;
	int opt, err = -1;

	while ((opt = getopt(argc, argv, "vn:m:")) != -1) {
		switch (opt) {
		case 'v':
			verbose = true;
			break;
		case 'n':
			opts.name = optarg;
			break;
		case 'm':
			if (parse_mode(optarg, &opts.mode))
				return -1;
			break;
		default:
			return usage();
		}
	}
	argv += optind;
	if (argc - optind != 4)
		return usage();

	obj = load(argv[0]);
	if (!obj)
		return -1;

	prog = find_stat_prog(obj, argv[1]);
	if (prog) {
		opts.name = opts.name ?: bpf_program__name(prog);
		err = pin_all(obj, prog, argv[2], argv[3], &opts);
	}
	bpf_object__close(obj);
	return err;
}

static int open_link(const char *dir)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	int fd;

	fd = bpf_obj_get(pin_path(dir, "link", NULL));
	if (fd < 0)
		return fail("%s: %s: name a directory that attach made", dir, strerror(errno));
	if (!bpf_link_get_info_by_fd(fd, &info, &len) &&
	    info.type == BPF_LINK_TYPE_CGROUP_STAT)
		return fd;

	close(fd);
	return fail("%s/link: no link of a cgroup stat program: name a directory that attach made",
		    dir);
}

static int update(int argc, char **argv)
{
	int link_fd, prog_fd, err;

	if (argc != 3)
		return usage();

	link_fd = open_link(argv[1]);
	if (link_fd < 0)
		return -1;

	prog_fd = bpf_obj_get(pin_path(argv[1], "programs", argv[2]));
	if (prog_fd < 0) {
		close(link_fd);
		return fail("%s: %s: name a program in %s/programs", argv[2], strerror(errno),
			    argv[1]);
	}

	err = bpf_link_update(link_fd, prog_fd, NULL);
	if (err == -ENOLINK)
		fail("%s: its cgroup was removed: detach it", argv[1]);
	else if (err)
		fail("%s: not updated (%s)", argv[1], strerror(-err));
	close(prog_fd);
	close(link_fd);
	return err;
}

static int detach(int argc, char **argv)
{
	int fd, err;

	if (argc != 2)
		return usage();

	fd = open_link(argv[1]);
	if (fd < 0)
		return -1;

	/* The files are gone when this returns; without it, soon after unlink. */
	err = bpf_link_detach(fd);
	if (err)
		fail("%s: not detached (%s)", argv[1], strerror(-err));
	else
		err = remove_pins(argv[1]);
	close(fd);
	return err;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	int err;

	libbpf_set_print(print_libbpf);

	if (!strcmp(command, "attach"))
		err = attach(argc - 1, argv + 1);
	else if (!strcmp(command, "update"))
		err = update(argc - 1, argv + 1);
	else if (!strcmp(command, "detach"))
		err = detach(argc - 1, argv + 1);
	else
		err = usage();

	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
