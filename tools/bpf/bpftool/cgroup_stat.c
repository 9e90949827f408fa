// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * bpftool cgroup stat: links of BPF programs that answer files bpf.stat.NAME
 *
 * A link is pinned at PATH. If its program comes from an object with other
 * programs, the directory PATH-progs has what keeps those: a link for each that
 * is attached elsewhere, and the further stat programs, which PATH can be
 * updated to.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/err.h>

#include <bpf/bpf.h>
#include <bpf/hashmap.h>
#include <bpf/libbpf.h>

#include "json_writer.h"
#include "main.h"

#define STAT_FILE_PREFIX	"bpf.stat."

/* A program that isn't the one that answers, but from the same object. */
struct other_prog {
	const char *name;
	int fd;			/* what is to be pinned */
	struct bpf_link *link;	/* of that fd; NULL for a stat program */
};

/* The program that is to answer, and what comes with it. */
struct stat_prog {
	int fd;
	const char *name;
	char name_buf[MAX_PROG_FULL_NAME];
	struct bpf_object *obj;		/* NULL if it was loaded before */
	const char *obj_path;
	struct other_prog *others;
	int nr_others;
};

/* Paths of the pins that belong to a link. */
struct stat_pins {
	const char *link;
	char progs[PATH_MAX];		/* of the programs that came with it */
	char new_progs[PATH_MAX];	/* while an update replaces them */
};

static int init_pins(struct stat_pins *pins, const char *path)
{
	size_t size = sizeof(pins->progs);

	pins->link = path;
	snprintf(pins->progs, size, "%s-progs", path);
	if (snprintf(pins->new_progs, size, "%s-progs-new", path) < (int)size)
		return 0;

	p_err("%s: %s", path, strerror(ENAMETOOLONG));
	return -1;
}

static int remove_dir(const char *path)
{
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	dir = opendir(path);
	if (!dir)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;

	while (!err && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			err = unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);

	return err ?: rmdir(path);
}

/* Those that would end us have to wait until all pins are there, or none. */
static void get_fatal_signals(sigset_t *signals)
{
	static const int fatal[] = { SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM };
	struct sigaction action;
	size_t i;

	sigemptyset(signals);
	for (i = 0; i < ARRAY_SIZE(fatal); i++) {
		/* one that is ignored would be pending all the same */
		if (!sigaction(fatal[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(signals, fatal[i]);
	}
}

static void block_signals(sigset_t *old)
{
	sigset_t signals;

	get_fatal_signals(&signals);
	sigprocmask(SIG_BLOCK, &signals, old);
}

static void restore_signals(const sigset_t *old)
{
	sigprocmask(SIG_SETMASK, old, NULL);
}

static bool is_interrupted(void)
{
	sigset_t signals, pending;

	get_fatal_signals(&signals);
	sigpending(&pending);
	sigandset(&pending, &pending, &signals);
	if (sigisemptyset(&pending))
		return false;

	p_err("interrupted, nothing was changed");
	return true;
}

static bool is_stat_prog(const struct bpf_program *prog)
{
	return bpf_program__type(prog) == BPF_PROG_TYPE_CGROUP_STAT;
}

static struct bpf_program *first_stat_prog(const struct bpf_object *obj)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj) {
		if (is_stat_prog(prog) && bpf_program__autoload(prog))
			return prog;
	}
	return NULL;
}

static const char *load_hint(int err)
{
	if (err == EPERM)
		return "try as root, it takes CAP_BPF and CAP_PERFMON";
	/* It can't be loaded without privileges either, and that is EINVAL, too. */
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_CGROUP_STAT, NULL) <= 0)
		return geteuid() ? "try as root, it takes CAP_BPF and CAP_PERFMON" :
				   "this kernel has no cgroup stat programs";
	return "'bpftool -d' shows why";
}

static int attach_other(struct other_prog *other, const struct bpf_program *prog)
{
	other->name = bpf_program__name(prog);
	if (is_stat_prog(prog)) {
		other->fd = bpf_program__fd(prog);
		return 0;
	}

	other->link = bpf_program__attach(prog);
	if (!other->link) {
		p_err("can't attach program %s (SEC(\"%s\")): %s: 'bpftool -d' shows why",
		      other->name, bpf_program__section_name(prog), strerror(errno));
		return -1;
	}
	other->fd = bpf_link__fd(other->link);
	return 0;
}

static int attach_others(struct stat_prog *stat)
{
	struct bpf_program *prog;
	int nr_progs = 0;

	bpf_object__for_each_program(prog, stat->obj)
		nr_progs++;
	stat->others = calloc(nr_progs, sizeof(*stat->others));
	if (!stat->others) {
		p_err("mem alloc failed");
		return -1;
	}

	bpf_object__for_each_program(prog, stat->obj) {
		if (bpf_program__fd(prog) == stat->fd || !bpf_program__autoload(prog))
			continue;
		if (attach_other(&stat->others[stat->nr_others], prog))
			return -1;
		stat->nr_others++;
	}
	return 0;
}

/* Load what is to answer, and attach what comes with it. */
static int load_stat_prog(struct stat_prog *stat)
{
	struct bpf_program *prog;
	int err;

	if (!stat->obj)
		return 0;

	set_max_rlimit();
	if (bpf_object__load(stat->obj)) {
		err = errno;
		p_err("can't load %s: %s: %s", stat->obj_path, strerror(err), load_hint(err));
		return -1;
	}

	prog = first_stat_prog(stat->obj);
	stat->fd = bpf_program__fd(prog);
	return attach_others(stat);
}

static int open_object(struct stat_prog *stat, const char *path)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct bpf_program *prog;
	char msg[64];

	if (verifier_logs)
		/* log_level1 + log_level2 + stats, but not stable UAPI */
		opts.kernel_log_level = 1 + 2 + 4;

	stat->obj_path = path;
	stat->obj = bpf_object__open_file(path, &opts);
	if (!stat->obj) {
		libbpf_strerror(errno, msg, sizeof(msg));
		p_err("can't open %s: %s: give a BPF object file or a PROG", path, msg);
		return -1;
	}

	prog = first_stat_prog(stat->obj);
	if (!prog) {
		p_err("%s has no cgroup stat program, none in SEC(\"cgroup/stat\")", path);
		return -1;
	}
	stat->name = bpf_program__name(prog);
	return 0;
}

static int get_loaded_prog(struct stat_prog *stat, int *argc, char ***argv)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	const char *type;

	stat->fd = prog_parse_fd(argc, argv);
	if (stat->fd < 0)
		return -1;

	if (bpf_prog_get_info_by_fd(stat->fd, &info, &len)) {
		p_err("can't get prog info: %s", strerror(errno));
		return -1;
	}
	if (info.type != BPF_PROG_TYPE_CGROUP_STAT) {
		type = libbpf_bpf_prog_type_str(info.type);
		p_err("program %u is no cgroup stat program, its type is %s", info.id,
		      type ?: "unknown");
		return -1;
	}

	get_prog_full_name(&info, stat->fd, stat->name_buf, sizeof(stat->name_buf));
	stat->name = stat->name_buf;
	return 0;
}

/* The keyword that @arg is, or is short for. */
static const char *prog_keyword(const char *arg)
{
	static const char * const keywords[] = { "id", "pinned", "tag", "name" };
	size_t i;

	for (i = 0; *arg && i < ARRAY_SIZE(keywords); i++) {
		if (is_prefix(arg, keywords[i]))
			return keywords[i];
	}
	return NULL;
}

/*
 * A keyword, or an object of that name? Nobody abbreviates one where a file has that
 * name, and what would be CGROUP behind an object is nothing to follow a keyword.
 */
static bool may_be_object(const char *keyword, int argc, char **argv)
{
	struct stat st;

	if (access(argv[0], F_OK))
		return false;
	if (strcmp(argv[0], keyword) || argc < 2)
		return true;
	return !stat(argv[1], &st) && S_ISDIR(st.st_mode);
}

static int check_keyword(const char *keyword, int argc, char **argv)
{
	if (may_be_object(keyword, argc, argv)) {
		p_err("'%s' is a file, and the keyword '%s': write ./%s for the file",
		      argv[0], keyword, argv[0]);
		return -1;
	}
	if (argc < 2) {
		p_err("'%s' needs an argument: say which program", argv[0]);
		return -1;
	}
	return 0;
}

/* { OBJ | PROG }; nothing is loaded yet. */
static int parse_stat_prog(struct stat_prog *stat, int *argc, char ***argv)
{
	const char *path = **argv, *keyword = prog_keyword(path);

	stat->fd = -1;
	if (keyword)
		return check_keyword(keyword, *argc, *argv) ?: get_loaded_prog(stat, argc, argv);

	NEXT_ARGP();
	return open_object(stat, path);
}

/* Let those that are pinned now live without us. */
static void leave_others(struct stat_prog *stat)
{
	int i;

	for (i = 0; i < stat->nr_others; i++) {
		if (!stat->others[i].link)
			continue;
		/* libbpf then forgets the fd, which batch mode would keep */
		bpf_link__disconnect(stat->others[i].link);
		close(stat->others[i].fd);
	}
}

static void put_stat_prog(struct stat_prog *stat)
{
	int i;

	for (i = 0; i < stat->nr_others; i++)
		bpf_link__destroy(stat->others[i].link);
	free(stat->others);

	if (stat->obj)
		bpf_object__close(stat->obj);
	else if (stat->fd >= 0)
		close(stat->fd);
}

static int pin_in_dir(int fd, const char *dir, const char *name)
{
	char path[PATH_MAX];
	int err;

	err = pathname_concat(path, sizeof(path), dir, name);
	if (!err)
		err = bpf_obj_pin(fd, path);
	if (err)
		p_err("can't pin program %s in %s: %s", name, dir, strerror(-err));
	return err;
}

static int pin_others(const struct stat_prog *stat, const char *dir)
{
	int i, err;

	if (!stat->nr_others)
		return 0;

	if (mkdir(dir, 0700)) {
		p_err("can't create directory %s: %s%s", dir, strerror(errno),
		      errno == EEXIST ? ": remove it (rm -r) and try again" : "");
		return -1;
	}

	for (i = 0; i < stat->nr_others; i++) {
		err = pin_in_dir(stat->others[i].fd, dir, stat->others[i].name);
		if (err) {
			remove_dir(dir);
			return err;
		}
	}
	return 0;
}

static int open_cgroup(const char *path)
{
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		p_err("can't open cgroup %s: %s: name a cgroup's directory", path,
		      strerror(errno));
	return fd;
}

/* The buffer for the name has to stay as long as @info is used. */
static int get_stat_info(int fd, struct bpf_link_info *info, char *name, __u32 name_size)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	if (bpf_link_get_info_by_fd(fd, info, &len))
		return -errno;
	if (info->type != BPF_LINK_TYPE_CGROUP_STAT)
		return -EINVAL;

	info->cgroup_stat.name = ptr_to_u64(name);
	info->cgroup_stat.name_len = name_size;
	return bpf_link_get_info_by_fd(fd, info, &len) ? -errno : 0;
}

/* NULL and 0 if it is of another type, or has gone meanwhile. */
static int get_stat_link_by_id(__u32 id, struct cgroup_stat_link **link)
{
	int fd, err;

	*link = NULL;
	fd = bpf_link_get_fd_by_id(id);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;

	*link = calloc(1, sizeof(**link));
	err = *link ? get_stat_info(fd, &(*link)->info, (*link)->name, sizeof((*link)->name)) :
		      -ENOMEM;
	close(fd);
	if (!err)
		return 0;

	free(*link);
	*link = NULL;
	return err == -EINVAL ? 0 : err;
}

/* In the order of their ids; to be freed even if this fails. */
int get_cgroup_stat_links(struct cgroup_stat_link **links)
{
	__u32 id = 0;
	int err;

	*links = NULL;
	while (!bpf_link_get_next_id(id, &id)) {
		err = get_stat_link_by_id(id, links);
		if (err)
			return err;
		if (*links)
			links = &(*links)->next;
	}
	return errno == ENOENT ? 0 : -errno;
}

void free_cgroup_stat_links(struct cgroup_stat_link *links)
{
	struct cgroup_stat_link *next;

	for (; links; links = next) {
		next = links->next;
		free(links);
	}
}

static struct hashmap *get_link_pins(void)
{
	struct hashmap *pins;

	pins = hashmap__new(hash_fn_for_key_as_id, equal_fn_for_key_as_id, NULL);
	if (IS_ERR(pins)) {
		p_err("failed to create hashmap for pinned paths");
		return NULL;
	}
	build_pinned_obj_table(pins, BPF_OBJ_LINK);
	return pins;
}

/* The path of the topmost cgroup, to be freed; NULL if it can't be found. */
static char *get_root_path(const struct bpf_link_info *info)
{
	/* ids repeat between hierarchies, and only that of cgroup v2 has this one */
	return info->cgroup_stat.hierarchy_id ? NULL : get_cgroup_path(info->cgroup_stat.cgroup_id);
}

bool cgroup_has_stat_file(int cgroup_fd, const struct bpf_link_info *info)
{
	return !info->cgroup_stat.hierarchy_id &&
	       cgroup_is_within(cgroup_fd, info->cgroup_stat.cgroup_id);
}

/* Do the subtrees of a cgroup and of a link have a cgroup in common? */
static bool subtrees_overlap(int cgroup_fd, const struct bpf_link_info *info)
{
	char *root;
	bool ret;
	int fd;

	if (cgroup_has_stat_file(cgroup_fd, info))
		return true;

	root = get_root_path(info);
	fd = root ? open(root, O_RDONLY | O_DIRECTORY) : -1;
	free(root);
	if (fd < 0)
		return false;

	ret = cgroup_is_within(fd, get_cgroup_id(cgroup_fd));
	close(fd);
	return ret;
}

static void report_holder(const struct bpf_link_info *info)
{
	const char *file = u64_to_ptr(info->cgroup_stat.name);
	char *root = get_root_path(info);
	struct hashmap *pins = get_link_pins();
	char *pin = NULL;

	if (pins && hashmap__find(pins, info->id, &pin))
		p_err("%s exists: link %u at %s has it (bpftool cgroup stat detach %s)",
		      file, info->id, root ?: "another cgroup", pin);
	else
		p_err("%s exists: link %u at %s has it (bpftool link detach id %u)",
		      file, info->id, root ?: "another cgroup", info->id);

	delete_pinned_obj_table(pins);
	free(root);
}

static void report_taken(int cgroup_fd, const char *name)
{
	struct cgroup_stat_link *links, *link;

	get_cgroup_stat_links(&links);
	for (link = links; link; link = link->next) {
		if (!strcmp(link->name + strlen(STAT_FILE_PREFIX), name) &&
		    subtrees_overlap(cgroup_fd, &link->info))
			break;
	}

	if (link)
		report_holder(&link->info);
	else
		p_err("%s%s exists, above or below: give another name with 'name'",
		      STAT_FILE_PREFIX, name);
	free_cgroup_stat_links(links);
}

static const char *attach_hint(int err)
{
	switch (err) {
	case EINVAL:
		return "a name has letters, digits and _.- only";
	case ENAMETOOLONG:
		return "give a shorter name with 'name'";
	case EBADF:
		return "name a cgroup's directory, usually below /sys/fs/cgroup";
	case EOPNOTSUPP:
		return "it takes cgroup v2";
	case ENODEV:
		return "the cgroup was removed";
	case E2BIG:
		return "64 links are rooted at this cgroup, detach one";
	case EACCES:
	case EPERM:
		return "it takes CAP_BPF, CAP_PERFMON and write permission on the cgroup";
	default:
		return "nothing was attached";
	}
}

static int create_link(const struct stat_prog *stat, int cgroup_fd, const char *cgroup,
		       __u32 mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int fd;

	opts.cgroup_stat.name = stat->name;
	opts.cgroup_stat.mode = mode;
	fd = bpf_link_create(stat->fd, cgroup_fd, BPF_CGROUP_STAT, &opts);
	if (fd >= 0)
		return fd;

	if (errno == EEXIST)
		report_taken(cgroup_fd, stat->name);
	else
		p_err("can't attach %s%s to %s: %s: %s", STAT_FILE_PREFIX, stat->name, cgroup,
		      strerror(errno), attach_hint(errno));
	return -1;
}

static int pin_all(const struct stat_prog *stat, int link_fd, const struct stat_pins *pins)
{
	int err;

	err = pin_others(stat, pins->progs);
	if (err)
		return err;

	err = bpf_obj_pin(link_fd, pins->link);
	if (err) {
		p_err("can't pin the link (%s): %s", pins->link, strerror(-err));
		goto unpin_others;
	}
	if (!is_interrupted())
		return 0;

	unlink(pins->link);
unpin_others:
	if (stat->nr_others)
		remove_dir(pins->progs);
	return -1;
}

static int attach_and_pin(struct stat_prog *stat, int cgroup_fd, const char *cgroup,
			  const struct stat_pins *pins, __u32 mode)
{
	int link_fd, err;
	sigset_t signals;

	if (load_stat_prog(stat) || mount_bpffs_for_file(pins->link))
		return -1;

	link_fd = create_link(stat, cgroup_fd, cgroup, mode);
	if (link_fd < 0)
		return -1;

	block_signals(&signals);
	err = pin_all(stat, link_fd, pins);
	if (err) /* a pin that was removed keeps the link for a moment */
		bpf_link_detach(link_fd);
	else
		leave_others(stat);
	restore_signals(&signals);

	close(link_fd);
	return err;
}

/* What can be known before anything is loaded. */
static int check_pins(const struct stat_pins *pins)
{
	const char *slash = strrchr(pins->link, '/');
	const char *name = slash ? slash + 1 : pins->link;
	char dir[PATH_MAX];

	if (!*name || strchr(name, '.')) {
		p_err("can't pin at %s: end it with a name that has no dot", pins->link);
		return -1;
	}

	snprintf(dir, sizeof(dir), "%.*s.", (int)(name - pins->link), pins->link);
	if (access(dir, F_OK)) {
		p_err("can't pin at %s: %s: name a file on bpffs, usually below /sys/fs/bpf",
		      pins->link, strerror(errno));
		return -1;
	}

	if (!access(pins->link, F_OK)) {
		p_err("%s already exists: detach it, or give another path", pins->link);
		return -1;
	}
	if (!access(pins->progs, F_OK)) {
		p_err("%s already exists: remove it, or give another path", pins->progs);
		return -1;
	}
	return 0;
}

static int parse_mode(const char *arg, __u32 *mode)
{
	unsigned long value;
	char *end;

	value = strtoul(arg, &end, 8);
	if (*end || !value || value & ~0666UL) {
		p_err("bad mode '%s': give octal permissions within 0666, such as 0400", arg);
		return -1;
	}

	*mode = value;
	return 0;
}

static int parse_attach_opts(int argc, char **argv, const char **name, __u32 *mode)
{
	while (argc) {
		if (is_prefix(*argv, "name")) {
			NEXT_ARG();
			if (!REQ_ARGS(1))
				return -1;
			*name = GET_ARG();
		} else if (is_prefix(*argv, "mode")) {
			NEXT_ARG();
			if (!REQ_ARGS(1))
				return -1;
			if (parse_mode(GET_ARG(), mode))
				return -1;
		} else {
			p_err("expected no more arguments, 'name' or 'mode', got: '%s'?",
			      *argv);
			return -1;
		}
	}
	return 0;
}

static int parse_and_attach(struct stat_prog *stat, int argc, char **argv)
{
	struct stat_pins pins;
	const char *cgroup;
	__u32 mode = 0;
	int fd, err;

	if (argc < 2) {
		p_err("attach needs a cgroup and a path to pin the link at");
		return -1;
	}
	cgroup = GET_ARG();
	if (init_pins(&pins, GET_ARG()) ||
	    parse_attach_opts(argc, argv, &stat->name, &mode) || check_pins(&pins))
		return -1;

	fd = open_cgroup(cgroup);
	if (fd < 0)
		return -1;

	err = attach_and_pin(stat, fd, cgroup, &pins, mode);
	close(fd);
	return err;
}

static int do_attach(int argc, char **argv)
{
	struct stat_prog stat = {};
	int err;

	if (!REQ_ARGS(3))
		return -1;

	err = parse_stat_prog(&stat, &argc, &argv);
	if (!err)
		err = parse_and_attach(&stat, argc, argv);
	put_stat_prog(&stat);

	if (!err && json_output)
		jsonw_null(json_wtr);
	return err;
}

static int open_pinned_stat_link(const char *path)
{
	struct bpf_link_info info;
	char name[NAME_MAX + 1];
	int fd;

	fd = open_obj_pinned(path, true, NULL);
	if (fd < 0) {
		p_err("can't open %s: %s: 'bpftool cgroup stat show' lists pinned links",
		      path, strerror(errno));
		return -1;
	}

	if (get_fd_type(fd) == BPF_OBJ_LINK && !get_stat_info(fd, &info, name, sizeof(name)))
		return fd;

	p_err("%s is no pinned cgroup stat link: 'bpftool cgroup stat show' lists those", path);
	close(fd);
	return -1;
}

static int update_link(int link_fd, const struct stat_prog *stat, const char *path)
{
	int err;

	err = bpf_link_update(link_fd, stat->fd, NULL);
	switch (err) {
	case 0:
		break;
	case -ENOLINK:
		p_err("can't update %s: its cgroup was removed, or it was detached: detach it",
		      path);
		break;
	case -EINVAL:
		p_err("can't update %s: the new program may sleep, the first one may not: detach it and attach that",
		      path);
		break;
	default:
		p_err("can't update %s: %s", path, strerror(-err));
	}
	return err;
}

/* The new ones are in use from here on. */
static int replace_others(const struct stat_prog *stat, const struct stat_pins *pins)
{
	int err;

	/* At no time are those in use without a pin that detach looks for. */
	if (!stat->nr_others)
		err = remove_dir(pins->progs);
	else if (access(pins->progs, F_OK))
		err = rename(pins->new_progs, pins->progs);
	else
		err = renameat2(AT_FDCWD, pins->new_progs, AT_FDCWD, pins->progs,
				RENAME_EXCHANGE) ?: remove_dir(pins->new_progs);
	if (!err)
		return 0;

	p_err("updated %s, but %s isn't replaced: %s", pins->link, pins->progs,
	      strerror(errno));
	return -1;
}

static int update_and_pin(struct stat_prog *stat, int link_fd, const struct stat_pins *pins)
{
	int err;

	err = pin_others(stat, pins->new_progs);
	if (err)
		return err;

	err = is_interrupted() ? -EINTR : update_link(link_fd, stat, pins->link);
	if (!err)
		leave_others(stat);
	else if (stat->nr_others)
		remove_dir(pins->new_progs);
	return err;
}

static int load_and_update(struct stat_prog *stat, int link_fd, const struct stat_pins *pins)
{
	sigset_t signals;
	int err;

	if (load_stat_prog(stat))
		return -1;

	block_signals(&signals);
	err = update_and_pin(stat, link_fd, pins);
	if (!err && stat->obj)
		err = replace_others(stat, pins);
	restore_signals(&signals);
	return err;
}

static int do_update(int argc, char **argv)
{
	struct stat_prog stat = {};
	struct stat_pins pins;
	int fd, err;

	if (!REQ_ARGS(2))
		return -1;
	if (init_pins(&pins, GET_ARG()))
		return -1;

	fd = open_pinned_stat_link(pins.link);
	if (fd < 0)
		return -1;

	err = parse_stat_prog(&stat, &argc, &argv);
	if (!err && argc)
		err = BAD_ARG();
	if (!err)
		err = load_and_update(&stat, fd, &pins);
	put_stat_prog(&stat);
	close(fd);

	if (!err && json_output)
		jsonw_null(json_wtr);
	return err;
}

static int detach_and_unpin(int fd, const struct stat_pins *pins)
{
	/* The files are gone when this returns; without it, soon after unlink. */
	if (bpf_link_detach(fd)) {
		p_err("can't detach %s: %s", pins->link, strerror(errno));
		return -1;
	}

	/* The link goes last: as long as it is there, this can be tried again. */
	if (remove_dir(pins->progs) || remove_dir(pins->new_progs) || unlink(pins->link)) {
		p_err("detached %s, but can't remove all pins: %s: try again, or rm -r them",
		      pins->link, strerror(errno));
		return -1;
	}
	return 0;
}

static int do_detach(int argc, char **argv)
{
	struct stat_pins pins;
	int fd, err;

	if (!REQ_ARGS(1))
		return -1;
	if (init_pins(&pins, GET_ARG()))
		return -1;
	if (argc)
		return BAD_ARG();

	fd = open_pinned_stat_link(pins.link);
	if (fd < 0)
		return -1;

	err = detach_and_unpin(fd, &pins);
	close(fd);

	if (!err && json_output)
		jsonw_null(json_wtr);
	return err;
}

static void get_prog_name(__u32 id, char *name, size_t size)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd;

	name[0] = '\0';
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return;

	if (!bpf_prog_get_info_by_fd(fd, &info, &len))
		get_prog_full_name(&info, fd, name, size);
	close(fd);
}

static void show_flags_json(__u32 flags, json_writer_t *wtr)
{
	jsonw_name(wtr, "flags");
	jsonw_start_array(wtr);
	/* none has a name yet */
	if (flags)
		jsonw_printf(wtr, "\"0x%x\"", flags);
	jsonw_end_array(wtr);
}

void cgroup_stat_dump_json(const struct bpf_link_info *info, json_writer_t *wtr)
{
	char *root = get_root_path(info);
	char prog_name[MAX_PROG_FULL_NAME], mode[16];

	get_prog_name(info->prog_id, prog_name, sizeof(prog_name));
	snprintf(mode, sizeof(mode), "%04o", info->cgroup_stat.mode);

	jsonw_string_field(wtr, "name", u64_to_ptr(info->cgroup_stat.name));
	jsonw_string_field(wtr, "prog_name", prog_name);
	jsonw_string_field(wtr, "mode", mode);
	jsonw_lluint_field(wtr, "cgroup_id", info->cgroup_stat.cgroup_id);
	if (root)
		jsonw_string_field(wtr, "cgroup", root);
	jsonw_uint_field(wtr, "hierarchy_id", info->cgroup_stat.hierarchy_id);
	jsonw_lluint_field(wtr, "cookie", info->cgroup_stat.cookie);
	show_flags_json(info->cgroup_stat.flags, wtr);
	jsonw_uint_field(wtr, "nr_files", info->cgroup_stat.nr_files);
	free(root);
}

static void show_files_plain(const struct bpf_link_info *info)
{
	char *root = get_root_path(info);

	printf("  mode %04o", info->cgroup_stat.mode);
	if (root)
		printf("  root %s", root);
	else if (info->cgroup_stat.cgroup_id)
		printf("  root id %llu", info->cgroup_stat.cgroup_id);
	else
		printf("  root gone");
	if (info->cgroup_stat.flags)
		printf("  flags 0x%x", info->cgroup_stat.flags);
	printf("  files %u", info->cgroup_stat.nr_files);
	if (info->cgroup_stat.cookie)
		printf("  cookie %llu", info->cgroup_stat.cookie);
	free(root);
}

void cgroup_stat_dump_plain(const struct bpf_link_info *info)
{
	char prog_name[MAX_PROG_FULL_NAME];

	get_prog_name(info->prog_id, prog_name, sizeof(prog_name));
	printf("\n\tname %s  prog_name %s", (const char *)u64_to_ptr(info->cgroup_stat.name),
	       prog_name);
	show_files_plain(info);
}

static void show_link_json(const struct bpf_link_info *info, struct hashmap *pins)
{
	struct hashmap_entry *entry;

	jsonw_start_object(json_wtr);
	jsonw_uint_field(json_wtr, "id", info->id);
	jsonw_uint_field(json_wtr, "prog_id", info->prog_id);
	cgroup_stat_dump_json(info, json_wtr);

	jsonw_name(json_wtr, "pinned");
	jsonw_start_array(json_wtr);
	hashmap__for_each_key_entry(pins, entry, info->id)
		jsonw_string(json_wtr, entry->pvalue);
	jsonw_end_array(json_wtr);

	emit_obj_refs_json(refs_table, info->id, json_wtr);
	jsonw_end_object(json_wtr);
}

static void show_link_plain(const struct bpf_link_info *info, struct hashmap *pins)
{
	char prog_name[MAX_PROG_FULL_NAME];
	struct hashmap_entry *entry;

	get_prog_name(info->prog_id, prog_name, sizeof(prog_name));
	printf("%u: %s  prog %u %s", info->id, (const char *)u64_to_ptr(info->cgroup_stat.name),
	       info->prog_id, prog_name);
	show_files_plain(info);

	hashmap__for_each_key_entry(pins, entry, info->id)
		printf("\n\tpinned %s", (const char *)entry->pvalue);
	emit_obj_refs_plain(refs_table, info->id, "\n\tpids ");
	printf("\n");
}

/* @cgroup_fd: only links that have a file in this cgroup, -1: all */
static void show_links(const struct cgroup_stat_link *link, struct hashmap *pins, int cgroup_fd)
{
	if (json_output)
		jsonw_start_array(json_wtr);

	for (; link; link = link->next) {
		if (cgroup_fd >= 0 && !cgroup_has_stat_file(cgroup_fd, &link->info))
			continue;
		if (json_output)
			show_link_json(&link->info, pins);
		else
			show_link_plain(&link->info, pins);
	}

	if (json_output)
		jsonw_end_array(json_wtr);
}

static int show(int cgroup_fd)
{
	struct cgroup_stat_link *links;
	struct hashmap *pins;
	int err;

	pins = get_link_pins();
	if (!pins)
		return -1;

	err = get_cgroup_stat_links(&links);
	if (err) {
		p_err("can't list links: %s%s", strerror(-err),
		      err == -EPERM ? ": try as root" : "");
	} else {
		build_obj_refs_table(&refs_table, BPF_OBJ_LINK);
		show_links(links, pins, cgroup_fd);
		delete_obj_refs_table(refs_table);
	}

	free_cgroup_stat_links(links);
	delete_pinned_obj_table(pins);
	return err;
}

static int do_show(int argc, char **argv)
{
	const char *path;
	int fd, err;

	if (!argc)
		return show(-1);

	path = GET_ARG();
	if (argc)
		return BAD_ARG();

	fd = open_cgroup(path);
	if (fd < 0)
		return -1;

	if (get_cgroup_id(fd)) {
		err = show(fd);
	} else {
		p_err("%s is no cgroup v2: %s", path, attach_hint(EBADF));
		err = -1;
	}
	close(fd);
	return err;
}

static int do_help(int argc, char **argv)
{
	if (json_output) {
		jsonw_null(json_wtr);
		return 0;
	}

	fprintf(stderr,
		"Usage: %1$s cgroup stat { show | list } [CGROUP]\n"
		"       %1$s cgroup stat attach { OBJ | PROG } CGROUP PATH [name NAME] [mode MODE]\n"
		"       %1$s cgroup stat update PATH { OBJ | PROG }\n"
		"       %1$s cgroup stat detach PATH\n"
		"       %1$s cgroup stat help\n"
		"\n"
		"       " HELP_SPEC_PROGRAM "\n"
		"       " HELP_SPEC_OPTIONS " |\n"
		"                    {-n|--nomount} }\n"
		"",
		bin_name);

	return 0;
}

static const struct cmd cmds[] = {
	{ "show",	do_show },
	{ "list",	do_show },
	{ "attach",	do_attach },
	{ "update",	do_update },
	{ "detach",	do_detach },
	{ "help",	do_help },
	{ 0 }
};

int do_cgroup_stat(int argc, char **argv)
{
	libbpf_print_fn_t print = NULL;
	int err;

	/* One line says what is wrong; all that libbpf knows is for --debug. */
	if (!verifier_logs)
		print = libbpf_set_print(libbpf_print_none);
	err = cmd_select(cmds, argc, argv, do_help);
	if (!verifier_logs)
		libbpf_set_print(print);

	if (err)
		return -1;

	errno = 0; /* batch mode would take it for an error */
	return 0;
}
