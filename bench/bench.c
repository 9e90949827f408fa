// SPDX-License-Identifier: GPL-2.0
/*
 * bench [-o OPERATION] FOLDER GROUP...: measures what bpf.stat files cost, compared
 * with other ways to do the same. Prints a line for each operation:
 *
 *	group <tab> operation <tab> unit <tab> value <tab> peer
 *
 * The value is a median, from which the overhead of measuring is subtracted. The peer
 * is the operation of the same group to compare with, or "-". FOLDER has the object
 * files of tools/bpf/cgroup_stat. With -o only that operation is run, and if it reads or
 * writes an open file, the memory that this deals with is printed:
 *
 *	object <tab> what <tab> address of the first byte <tab> of the last
 *
 * in whole cache lines, for functions.awk.
 *
 * Times are read from the clock, which counts instructions under QEMU's -icount.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "bench.skel.h"

#define ROOT		"/sys/fs/cgroup"
#define TOP		ROOT "/bench"
#define LEAF		"leaf"
#define CONTROLLERS	"+cpu +memory +pids"
#define PINS		"/sys/fs/bpf/bench"
#define USER		1000
#define MAX_LINKS	16
#define MAX_REPEATS	1001
#define NR_FEW		100
#define NR_MANY		1000
#define NR_WAITS	1000
#define MAX_POLLERS	100
#define NR_STORM	1000000
#define ARRAY_SIZE(a)	((int)(sizeof(a) / sizeof((a)[0])))

/* An operation, and optionally one that undoes it, which is measured as well. */
struct op {
	const char *name, *undo_name;
	const char *peer, *undo_peer;
	void (*run)(const struct op *op);
	void (*undo)(const struct op *op);
	void (*prepare)(const struct op *op);
	void (*finish)(const struct op *op);
	const char *dir;	/* below TOP, if not LEAF */
	int nr;			/* number of cgroups that it uses, if more than one */
	const char *file;	/* name of the file in each cgroup */
	const char *looked_up;	/* the same, but it isn't opened before */
	const char *pin;	/* name of an iterator's pin; with nr, prefix of the names */
	const char *values[2];	/* values to write alternately */
	int figures;		/* number of figures in the text; 0: it isn't parsed */
	bool tree;		/* it is that of memory_tree */
	const char *exported;	/* pattern of the files that the exporter reads */
	int links;		/* number of links to attach to dir */
	bool lazy;		/* attach them lazily */
	const char *notified;	/* name of the file that it notifies, if that is open */
	const char *watched;	/* name of that file or ".", to be watched by inotify */
	int pollers;		/* number of tasks that poll that file */
	bool user;		/* run it as the unprivileged user that owns dir */
};

/* A way to measure an operation. */
struct meter {
	const char *unit;
	void (*begin)(void);
	long (*end)(void);
};

static const char *objects, *only;
static bool found;	/* the operation @only exists */
static struct bench *skel;
static int pins = -1;
static char text[1 << 18];
static struct walked *walked;
static struct memory_figures tree[NR_MANY + 1];
static unsigned long long figures[NR_FIGURES];

/* The cgroups that the operation uses. */
static struct {
	int dir, file;		/* fds, 0 if not open */
	unsigned long long id;
	char pin[16];		/* name of the iterator's pin */
} cgroups[MAX_CGROUPS];
static int next_cgroup;		/* index of the first in which no name was looked up yet */

static void __attribute__((format(printf, 1, 2), noreturn)) die(const char *format, ...)
{
	int err = errno;
	va_list args;

	fprintf(stderr, "bench: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "%s%s\n", err ? ": " : "", err ? strerror(err) : "");
	exit(1);
}

static int check(int ret, const char *what)
{
	if (ret < 0)
		die("%s", what);
	return ret;
}

/* Returns a formatted name, which is never freed. */
static __attribute__((format(printf, 1, 2))) const char *named(const char *format, ...)
{
	va_list args;
	char *name;

	va_start(args, format);
	check(vasprintf(&name, format, args), "a name");
	va_end(args);
	return name;
}

/* Real-time priority: a task that an operation wakes up must not run before its end. */
static void set_priority(int policy, int priority)
{
	const struct sched_param param = { .sched_priority = priority };

	check(sched_setscheduler(0, policy, &param), "sched_setscheduler");
}

/* Meters */

static long begun;

static long read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static long now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

static void time_begin(void)
{
	begun = now();
}

static long time_end(void)
{
	return now() - begun;
}

/* How long the task waits: the time that passes without its running time. */
static long begun_running;

static void wait_begin(void)
{
	begun_running = read_clock(CLOCK_THREAD_CPUTIME_ID);
	time_begin();
}

static long wait_end(void)
{
	long time = time_end();

	return time - (read_clock(CLOCK_THREAD_CPUTIME_ID) - begun_running);
}

static void hold_begin(void)
{
	skel->bss->longest_hold = 0;
}

static long hold_end(void)
{
	return skel->bss->longest_hold;
}

static void bytes_begin(void)
{
	skel->bss->allocated = 0;
	skel->bss->watched = getpid();
}

static long bytes_end(void)
{
	skel->bss->watched = 0;
	return skel->bss->allocated;
}

/* Let workers, RCU and other tasks do what they were woken up for. */
static void pause_for_workers(void)
{
	usleep(20000);
}

/* How long the call took that a program made. */
static void call_begin(void)
{
	skel->bss->took = 0;
}

static long call_end(void)
{
	pause_for_workers();
	return skel->bss->took;
}

/* How long the function took that is traced, and what tracing adds to that. */
static long tracing;

static void trace_begin(void)
{
	skel->bss->calls = 0;
}

static long trace_end(void)
{
	pause_for_workers();
	if (skel->bss->calls > 1)
		die("%llu calls", skel->bss->calls);
	return skel->bss->calls ? skel->bss->traced - tracing : 0;
}

/* What a woken task executes, from the switch to it until its poll(2) has returned. */
static struct {
	long returned_at;	/* when the last poll(2) returned */
	int returns;		/* of all tasks */
} *woken;

static void woken_begin(void)
{
	skel->bss->switched_at = 0;
	woken->returned_at = 0;
}

static long woken_end(void)
{
	pause_for_workers();
	return woken->returned_at - skel->bss->switched_at;
}

static const struct meter by_time = { "time", time_begin, time_end };
static const struct meter by_wait = { "time", wait_begin, wait_end };
static const struct meter by_hold = { "time", hold_begin, hold_end };
static const struct meter by_bytes = { "bytes", bytes_begin, bytes_end };
static const struct meter by_call = { "time", call_begin, call_end };
static const struct meter by_trace = { "time", trace_begin, trace_end };
static const struct meter by_woken = { "time", woken_begin, woken_end };

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static long median(long *values, int n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}

/* Execute the instruction that counter.c recognizes. */
static inline __attribute__((always_inline)) void mark(const int row)
{
	asm volatile("nopl %c0(%%rax)" : : "i"(MARK_MAGIC + row) : "memory");
}

static long metered_run(const struct meter *meter, const struct op *op)
{
	meter->begin();
	mark(MARK_RUN);
	op->run(op);
	mark(MARK_END);
	return meter->end();
}

static long metered_undo(const struct meter *meter, const struct op *op)
{
	meter->begin();
	mark(MARK_UNDO);
	op->undo(op);
	mark(MARK_END);
	return meter->end();
}

static void nothing(const struct op *op)
{
}

/* The cost of measuring an empty function. Without marks, counter.c doesn't count it. */
static long overhead(const struct meter *meter)
{
	void (*volatile run)(const struct op *op) = nothing;
	long values[101];
	int i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		meter->begin();
		run(NULL);
		values[i] = meter->end();
	}
	return median(values, ARRAY_SIZE(values));
}

static void row(const char *group, const char *name, const char *unit, long value,
		const char *peer)
{
	printf("%s\t%s\t%s\t%ld\t%s\n", group, name, unit, value, peer ?: "-");
	fflush(stdout);
}

/*
 * Work that an operation defers to kworkers or RCU is done during the pause, and isn't
 * measured. Returns the value of op->name.
 */
static long measure(const char *group, const struct meter *meter, const struct op *op,
		    int repeats)
{
	static long runs[MAX_REPEATS], undos[MAX_REPEATS];
	int i, slot, warm_up = 2 + repeats / 10;
	long value;

	for (i = -warm_up; i < repeats; i++) {
		slot = i < 0 ? 0 : i;
		runs[slot] = metered_run(meter, op);
		if (!op->undo)
			continue;
		undos[slot] = metered_undo(meter, op);
		pause_for_workers();
	}

	value = median(runs, repeats) - overhead(meter);
	row(group, op->name, meter->unit, value, op->peer);
	if (op->undo)
		row(group, op->undo_name, meter->unit, median(undos, repeats) - overhead(meter),
		    op->undo_peer);
	return value;
}

/* Cgroups */

static void write_file(const char *dir, const char *file, const char *what)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = check(open(path, O_WRONLY), path);
	if (write(fd, what, strlen(what)) < 0)
		die("write %s to %s", what, path);
	close(fd);
}

static const char *path_of(const char *dir)
{
	static char path[256];

	snprintf(path, sizeof(path), TOP "%s%s", dir ? "/" : "", dir ?: "");
	return path;
}

static void make_dir(const char *dir, const char *controllers, uid_t owner)
{
	check(mkdir(path_of(dir), 0755), path_of(dir));
	if (owner)
		check(chown(path_of(dir), owner, owner), path_of(dir));
	if (controllers)
		write_file(path_of(dir), "cgroup.subtree_control", controllers);
}

/* Make @nr cgroups in @dir, if they don't exist yet. Sleep now and then for kworkers. */
static void make_children(const char *dir, int nr)
{
	char child[64];
	int i;

	if (!access(path_of(dir), F_OK))
		return;
	make_dir(dir, CONTROLLERS, 0);
	for (i = 0; i < nr; i++) {
		snprintf(child, sizeof(child), "%s/%d", dir, i);
		make_dir(child, NULL, 0);
		if (i % 100 == 99)
			usleep(20000);
	}
}

static void make_cgroups(void)
{
	write_file(ROOT, "cgroup.subtree_control", CONTROLLERS " +io");
	make_dir(NULL, CONTROLLERS " +io", 0);
	make_dir(LEAF, NULL, 0);
	make_dir("parent", CONTROLLERS, 0);
	make_dir("user", CONTROLLERS, USER);
	make_dir("io", "+io", 0);
	make_dir("io-user", "+io", USER);
	make_dir("io-memory", "+io +memory", 0);
	make_dir("io-memory-user", "+io +memory", USER);
}

static void close_cgroups(void)
{
	int i;

	for (i = 0; i < MAX_CGROUPS; i++) {
		if (cgroups[i].dir)
			close(cgroups[i].dir);
		if (cgroups[i].file)
			close(cgroups[i].file);
	}
	memset(cgroups, 0, sizeof(cgroups));
	next_cgroup = 0;
}

/* Open op->dir, or its children if there is op->nr, and op->file in each of them. */
static void open_cgroups(const struct op *op)
{
	int nr = op->nr ?: 1, i;
	struct stat st;
	char name[64];

	close_cgroups();
	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), op->nr ? "%s/%d" : "%s", op->dir ?: LEAF, i);
		cgroups[i].dir = check(open(path_of(name), O_RDONLY | O_DIRECTORY), name);
		check(fstat(cgroups[i].dir, &st), name);
		cgroups[i].id = st.st_ino;
		if (op->pin)
			snprintf(cgroups[i].pin, sizeof(cgroups[i].pin),
				 op->nr ? "%s-%d" : "%s", op->pin, i);
		if (!op->file)
			continue;
		cgroups[i].file = openat(cgroups[i].dir, op->file, O_RDWR);
		if (cgroups[i].file < 0)
			cgroups[i].file = check(openat(cgroups[i].dir, op->file, O_RDONLY),
						op->file);
	}
}

/* Charge memory to a cgroup and leave it allocated, so that not all figures are 0. */
static void charge(const char *dir)
{
	const size_t size = 64 << 10;
	static int file = -1;
	char *memory;

	if (file < 0)
		file = check(memfd_create("bench", 0), "memfd_create");
	write_file(path_of(dir), "cgroup.procs", "0");
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	check(write(file, memory, size / 4), "write to memory");
	write_file(ROOT, "cgroup.procs", "0");
}

static void charge_children(const char *dir, int nr)
{
	char child[64];
	int i;

	for (i = 0; i < nr; i++) {
		snprintf(child, sizeof(child), "%s/%d", dir, i);
		charge(child);
	}
}

/* BPF */

static int fd_of(const struct bpf_program *prog)
{
	return bpf_program__fd(prog);
}

static void load_skel(void)
{
	skel = bench__open_and_load();
	if (!skel)
		die("load the programs");
	walked = mmap(NULL, MAX_CGROUPS * sizeof(*walked), PROT_READ, MAP_SHARED | MAP_POPULATE,
		      bpf_map__fd(skel->maps.walked), 0);
	if (walked == MAP_FAILED)
		die("map what a walk leaves");
	check(mkdir(PINS, 0700), PINS);
	pins = check(open(PINS, O_RDONLY | O_DIRECTORY), PINS);
}

static struct bpf_link *attach_probe(const struct bpf_program *prog)
{
	struct bpf_link *link = bpf_program__attach(prog);

	if (!link)
		die("attach %s", bpf_program__name(prog));
	return link;
}

/* Load a program of tools/bpf/cgroup_stat/@object.bpf.c. */
static int load_stat(const char *object, const char *name)
{
	struct bpf_object *obj;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", objects, object);
	obj = bpf_object__open(path);
	if (!obj || bpf_object__load(obj))
		die("load %s", path);
	return fd_of(bpf_object__find_program_by_name(obj, name));
}

static int attach_stat_fd(int prog, int cgroup, const char *name, int mode, bool lazy)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .cgroup_stat.name = name,
		    .cgroup_stat.mode = mode,
		    .flags = lazy ? BPF_F_CGROUP_STAT_LAZY : 0);

	return check(bpf_link_create(prog, cgroup, BPF_CGROUP_STAT, &opts), name);
}

static int attach_stat(int prog, const char *dir, const char *name, int mode, bool lazy)
{
	int cgroup = check(open(path_of(dir), O_RDONLY | O_DIRECTORY), "open a cgroup");
	int link = attach_stat_fd(prog, cgroup, name, mode, lazy);

	close(cgroup);
	return link;
}

static int create_iter(const struct bpf_program *prog, unsigned long long id, int order)
{
	union bpf_iter_link_info info = { .cgroup.cgroup_id = id, .cgroup.order = order };

	LIBBPF_OPTS(bpf_link_create_opts, opts, .iter_info = &info,
		    .iter_info_len = sizeof(info));
	return check(bpf_link_create(fd_of(prog), 0, BPF_TRACE_ITER, &opts), "attach an iterator");
}

static void pin_iter(const struct bpf_program *prog, unsigned long long id, int order,
		     const char *name)
{
	LIBBPF_OPTS(bpf_obj_pin_opts, opts, .file_flags = BPF_F_PATH_FD, .path_fd = pins);
	int link = create_iter(prog, id, order);

	check(bpf_obj_pin_opts(link, name, &opts), "pin an iterator");
	close(link);
}

/* The file's buffer is allocated by the first read. */
static void show_objects(const struct op *op)
{
	union bpf_iter_link_info info = { .task.pid = getpid() };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info,
		    .link_info_len = sizeof(info));
	struct bpf_link *link = bpf_program__attach_iter(skel->progs.show_objects, &opts);
	struct object object;
	int fd;

	check(pread(cgroups[0].file, text, sizeof(text), 0), op->file);
	skel->bss->shown_fd = cgroups[0].file;
	skel->bss->is_stat_file = !strncmp(op->file, "bpf.stat.", 9);
	fd = check(bpf_iter_create(bpf_link__fd(link)), "iterate files");
	while (read(fd, &object, sizeof(object)) == sizeof(object))
		printf("object\t%s\t%016llx\t%016llx\n", object.what,
		       object.addr & -CACHE_LINE,
		       (object.addr + object.size - 1) | (CACHE_LINE - 1));
	close(fd);
	bpf_link__destroy(link);
}

/* Reading */

/* Returns the number of the figure that memory.bpf.c calls so, or -1. */
static inline int figure(const char *name, size_t len)
{
	static const struct { const char *name; size_t len; } wanted[] = {
#define WANTED(name) { name, sizeof(name) - 1 }
		WANTED("current"), WANTED("anon"), WANTED("file"), WANTED("kernel"),
		WANTED("shmem"), WANTED("file_mapped"), WANTED("file_dirty"),
		WANTED("inactive_file"), WANTED("pgfault"), WANTED("pgmajfault"),
		WANTED("file_writeback"), WANTED("slab_reclaimable"),
		WANTED("workingset_refault_anon"), WANTED("workingset_refault_file"),
		WANTED("pgscan"), WANTED("pgsteal"), WANTED("oom_kill"),
	};
	_Static_assert(sizeof(wanted) / sizeof(*wanted) == NR_FIGURES, "all figures");
	int i;

	for (i = 0; i < NR_FIGURES; i++)
		if (wanted[i].len == len && !memcmp(wanted[i].name, name, len))
			return i;
	return -1;
}

/* Parse lines "<name> <number>". Returns how many figures there are. */
static int parse(const char *at)
{
	const char *blank, *end;
	int i, found = 0;

	for (; (blank = strchr(at, ' ')); at = end + 1) {
		end = strchr(blank, '\n');
		if (!end)
			break;
		i = figure(at, blank - at);
		if (i < 0)
			continue;
		figures[i] = strtoull(blank + 1, NULL, 10);
		found++;
	}
	return found;
}

/* Parse lines "<path> <name>=<number> ...". */
static int parse_tree(const char *at)
{
	const char *name, *equals;
	int i, line, found = 0;
	char *end;

	for (line = 0; line < ARRAY_SIZE(tree) && (at = strchr(at, ' ')); line++) {
		for (; *at == ' '; at = end, found++) {
			name = at + 1;
			equals = strchr(name, '=');
			i = equals ? figure(name, equals - name) : -1;
			if (i < 0)
				return found;
			((__u64 *)&tree[line])[i] = strtoull(equals + 1, &end, 10);
		}
	}
	return found;
}

/* Not inline, so that it costs nothing if the text isn't parsed. */
static __attribute__((noinline)) void parse_text(const struct op *op, int len)
{
	text[len] = '\0';
	errno = 0;
	if ((op->tree ? parse_tree(text) : parse(text)) != op->figures)
		die("%s: not %d figures", op->name, op->figures);
}

static void use(const struct op *op, int len)
{
	if (len <= 0)
		die("%s", op->name);
	if (op->figures)
		parse_text(op, len);
}

static void pread_files(const struct op *op)
{
	int i, nr = op->nr ?: 1;

	for (i = 0; i < nr; i++)
		use(op, pread(cgroups[i].file, text, sizeof(text) - 1, 0));
}

static void open_read_close(const struct op *op, int dir, const char *name)
{
	int fd = check(openat(dir, name, O_RDONLY), name);

	use(op, read(fd, text, sizeof(text) - 1));
	close(fd);
}

static void open_files(const struct op *op)
{
	int i, nr = op->nr ?: 1;

	for (i = 0; i < nr; i++)
		open_read_close(op, cgroups[i].dir, op->file);
}

static void open_pins(const struct op *op)
{
	int i, nr = op->nr ?: 1;

	for (i = 0; i < nr; i++)
		open_read_close(op, pins, cgroups[i].pin);
}

/* What an agent would have to do that doesn't know whether there are new cgroups. */
static void list_dirs(const struct op *op)
{
	DIR *dir;
	int i;

	for (i = 0; i < op->nr; i++) {
		dir = fdopendir(check(openat(cgroups[i].dir, ".", O_RDONLY), "open a directory"));
		while (readdir(dir))
			;
		closedir(dir);
	}
}

static int one_iter = -1;

static void create_read_close(const struct op *op)
{
	int fd = bpf_iter_create(one_iter);

	use(op, read(fd, text, sizeof(text) - 1));
	close(fd);
}

/* Read all output of a pinned iterator. Returns the result of the last read(2). */
static int read_walk(const struct op *op, int *len)
{
	int fd = openat(pins, op->pin, O_RDONLY);
	int ret;

	*len = 0;
	while ((ret = read(fd, text + *len, sizeof(text) - 1 - *len)) > 0)
		*len += ret;
	close(fd);
	return ret;
}

static void walk_text(const struct op *op)
{
	int len, ret = read_walk(op, &len);

	use(op, ret < 0 ? ret : len);
}

static void walk_map(const struct op *op)
{
	int len;

	skel->bss->nr_walked = 0;
	check(read_walk(op, &len), op->name);
	errno = 0;
	if (skel->bss->nr_walked != op->nr ||
	    walked[op->nr - 1].id != cgroups[op->nr - 1].id)
		die("%s: not %d cgroups", op->name, op->nr);
}

/* A value by other ways */

static void run_prog(const struct bpf_program *prog, struct number_query *query)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (query) {
		opts.ctx_in = query;
		opts.ctx_size_in = sizeof(*query);
	}
	if (bpf_prog_test_run_opts(fd_of(prog), &opts) || opts.retval)
		die("run %s", bpf_program__name(prog));
}

static void run_empty(const struct op *op)
{
	run_prog(skel->progs.run_empty, NULL);
}

static void run_number(const struct op *op)
{
	struct number_query query = { .id = cgroups[0].id };

	run_prog(skel->progs.run_number, &query);
	figures[0] = query.value;
}

static void lookup_by_id(const struct op *op)
{
	int map = bpf_map__fd(skel->maps.by_id);

	check(bpf_map_lookup_elem(map, &cgroups[0].id, &figures[0]), "look up an id");
}

/* Looking up names, each time in a cgroup in which it wasn't looked up before */

static void open_first(const struct op *op)
{
	close(check(openat(cgroups[next_cgroup++].dir, op->looked_up, O_RDONLY), op->looked_up));
}

static void miss_first(const struct op *op)
{
	if (!faccessat(cgroups[next_cgroup++].dir, op->looked_up, F_OK, 0) || errno != ENOENT)
		die("look up %s", op->looked_up);
}

/* The same in one cgroup */

static void open_again(const struct op *op)
{
	next_cgroup = 0;
	open_first(op);
}

static void miss_again(const struct op *op)
{
	next_cgroup = 0;
	miss_first(op);
}

/* Drop all dentries that aren't in use. Some survive the first time. */
static void drop_dentries(const struct op *op)
{
	write_file("/proc/sys/vm", "drop_caches", "2");
	write_file("/proc/sys/vm", "drop_caches", "2");
}

/* Turning knobs */

static const char *next_value(const struct op *op)
{
	static int turn;

	return op->values[turn ^= 1];
}

static void pwrite_file(const struct op *op)
{
	const char *value = next_value(op);

	check(pwrite(cgroups[0].file, value, strlen(value), 0), op->file);
}

static void open_write_close(const struct op *op)
{
	const char *value = next_value(op);
	int fd = check(openat(cgroups[0].dir, op->file, O_WRONLY), op->file);

	check(write(fd, value, strlen(value)), op->file);
	close(fd);
}

static void update_by_id(const struct op *op)
{
	int map = bpf_map__fd(skel->maps.by_id);

	figures[0]++;
	check(bpf_map_update_elem(map, &cgroups[0].id, &figures[0], BPF_ANY), "update by id");
}

static void update_by_fd(const struct op *op)
{
	int map = bpf_map__fd(skel->maps.numbers);

	figures[0]++;
	check(bpf_map_update_elem(map, &cgroups[0].dir, &figures[0], BPF_ANY), "update by fd");
}

static void set_xattr(const struct op *op)
{
	const char *value = next_value(op);

	check(fsetxattr(cgroups[0].dir, "user.knob", value, strlen(value), 0), "setxattr");
}

/* Mkdir */

static void make_new(const struct op *op)
{
	check(mkdirat(cgroups[0].dir, "new", 0755), "mkdir");
}

static void remove_new(const struct op *op)
{
	check(unlinkat(cgroups[0].dir, "new", AT_REMOVEDIR), "rmdir");
}

/* Returns the average length of the names of the memory controller's files. */
static int name_length(int *nr)
{
	struct dirent *entry;
	int sum = 0;
	DIR *dir;

	*nr = 0;
	make_dir("io-memory/new", NULL, 0);
	dir = opendir(path_of("io-memory/new"));
	if (!dir)
		die("list a cgroup");
	while ((entry = readdir(dir))) {
		/* memory.pressure exists without the memory controller, too */
		if (strncmp(entry->d_name, "memory.", 7) ||
		    !strcmp(entry->d_name, "memory.pressure"))
			continue;
		sum += strlen(entry->d_name);
		++*nr;
	}
	closedir(dir);
	rmdir(path_of("io-memory/new"));
	return (sum + *nr / 2) / *nr;
}

static int links[MAX_LINKS];

/* Attach links whose files' names are as long as those of the memory controller. */
static void attach_links(const struct op *op)
{
	int i, length = name_length(&(int){ 0 });
	char name[64];

	for (i = 0; i < op->links; i++) {
		snprintf(name, sizeof(name), "%0*d", length - (int)strlen("bpf.stat."), i);
		links[i] = attach_stat(fd_of(skel->progs.two_bytes), op->dir, name, 0, op->lazy);
	}
}

static void detach_links(const struct op *op)
{
	int i;

	for (i = 0; i < op->links; i++)
		close(links[i]);
}

/* Subtrees */

static int subtree_link = -1;

static void attach(const struct op *op)
{
	subtree_link = attach_stat_fd(fd_of(skel->progs.two_bytes), cgroups[0].dir, "subtree", 0,
				      op->lazy);
}

static void attach_all(const struct op *op)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .cgroup_stat.name = "subtree",
		    .flags = BPF_F_CGROUP_STAT_ALL);

	subtree_link = check(bpf_link_create(fd_of(skel->progs.two_bytes), 0, BPF_CGROUP_STAT,
					     &opts), "attach to every hierarchy");
}

static void detach(const struct op *op)
{
	check(bpf_link_detach(subtree_link), "detach");
	close(subtree_link);
}

static int next_prog(struct bpf_program *one, struct bpf_program *other)
{
	static bool turn;

	turn = !turn;
	return fd_of(turn ? other : one);
}

static void update(const struct op *op)
{
	int prog = next_prog(skel->progs.two_bytes, skel->progs.two_others);

	check(bpf_link_update(subtree_link, prog, NULL), "update");
}

static void attach_iters(const struct op *op)
{
	int i;

	for (i = 0; i < op->nr; i++)
		pin_iter(skel->progs.iter_two_bytes, cgroups[i].id, BPF_CGROUP_ITER_SELF_ONLY,
			 cgroups[i].pin);
}

static void detach_iters(const struct op *op)
{
	int i;

	for (i = 0; i < op->nr; i++)
		check(unlinkat(pins, cgroups[i].pin, 0), "unpin an iterator");
}

static void update_iters(const struct op *op)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_PATH_FD, .path_fd = pins);
	int prog = next_prog(skel->progs.iter_two_bytes, skel->progs.iter_two_others);
	int i, link;

	for (i = 0; i < op->nr; i++) {
		link = check(bpf_obj_get_opts(cgroups[i].pin, &opts), "open a pinned iterator");
		check(bpf_link_update(link, prog, NULL), "update an iterator");
		close(link);
	}
}

/* Run a task in the background. It sets its priority. */
static pid_t start_task(void (*run)(const struct op *op), const struct op *op)
{
	pid_t pid = check(fork(), "fork");

	if (pid)
		return pid;

	check(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
	run(op);
	exit(0);
}

static void stop_task(pid_t pid)
{
	check(kill(pid, SIGKILL), "kill");
	check(waitpid(pid, NULL, 0), "waitpid");
}

/* The exporter */

#define EXPORTER_PORT	"9778"

static pid_t exporter;

static int connect_to_exporter(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(atoi(EXPORTER_PORT)) };
	int fd = check(socket(AF_INET, SOCK_STREAM, 0), "socket");

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	close(fd);
	return -1;
}

/* Returns the number of samples that have labels if they are to be counted. */
static int scrape_all(bool count)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
				      "Connection: close\r\n\r\n";
	int i, len, samples = 0, fd = check(connect_to_exporter(), "connect to the exporter");

	check(write(fd, request, sizeof(request) - 1), "ask the exporter");
	while ((len = check(read(fd, text, sizeof(text)), "read from the exporter")))
		for (i = 0; count && i < len; i++)
			samples += text[i] == '}';
	close(fd);
	return samples;
}

static void scrape(const struct op *op)
{
	scrape_all(false);
}

/* Of memory.stat only those figures that bpf.stat.memory has, too. */
static void be_exporter(const struct op *op)
{
	static const char *const names[] = {
		"anon", "file", "kernel", "shmem", "file_mapped", "file_dirty", "inactive_file",
		"pgfault", "pgmajfault", "file_writeback", "slab_reclaimable",
		"workingset_refault_anon", "workingset_refault_file", "pgscan", "pgsteal",
	};
	const char *path = named("%s/bpf-stat-exporter", objects);
	const char *args[64] = { path, "--listen", EXPORTER_PORT, "--timeout", "3600",
				 "--file", op->exported };
	int i, n = 7;

	for (i = 0; op->figures == IN_STAT && i < ARRAY_SIZE(names); i++) {
		args[n++] = "--metric";
		args[n++] = named("memory_stat_%s", names[i]);
	}
	args[n++] = path_of(op->dir);
	execv(path, (char **)args);
	die("%s", path);
}

/* With a first scrape, which opens the files, and must have all figures. */
static void start_exporter(const struct op *op)
{
	int fd, samples;

	exporter = start_task(be_exporter, op);
	while ((fd = connect_to_exporter()) < 0) {
		errno = 0;
		if (waitpid(exporter, NULL, WNOHANG))
			die("the exporter doesn't start");
		usleep(10000);
	}
	close(fd);
	samples = scrape_all(true);
	errno = 0;
	if (samples < op->figures * NR_MANY)
		die("%s: %d samples", op->name, samples);
}

static void stop_exporter(const struct op *op)
{
	stop_task(exporter);
}

/* Notifications */

static int nr_notified;

static void notify(const struct op *op)
{
	struct number_query query = { .id = cgroups[0].id };

	nr_notified++;
	run_prog(skel->progs.run_notify, &query);
}

static void notify_missing(const struct op *op)
{
	struct number_query query = { .id = cgroups[0].id };

	run_prog(skel->progs.run_notify_missing, &query);
}

/* The cgroup has no tasks, so it is frozen at once, and cgroup.events is notified. */
static void freeze_or_thaw(const struct op *op)
{
	static bool frozen;

	nr_notified++;
	frozen = !frozen;
	check(pwrite(cgroups[0].file, frozen ? "1" : "0", 1, 0), op->file);
}

static void start_wq(const struct op *op)
{
	nr_notified++;
	run_prog(skel->progs.run_wq_start, NULL);
}

/* It is still pending when it is started again, so there is only one notification. */
static void start_wq_twice(const struct op *op)
{
	run_prog(skel->progs.run_wq_start, NULL);
	start_wq(op);
}

static void start_wq_irqs_off(const struct op *op)
{
	nr_notified++;
	run_prog(skel->progs.run_wq_start_irqs_off, NULL);
}

static pid_t pollers[MAX_POLLERS];
static int notified = -1, inotify = -1;

/* Wait for a change of the file and read it, for ever. */
static void poll_forever(const struct op *op)
{
	struct pollfd file = { .events = POLLPRI };

	set_priority(SCHED_OTHER, 0);
	file.fd = check(openat(cgroups[0].dir, op->notified, O_RDONLY), op->notified);
	for (;;) {
		check(pread(file.fd, text, sizeof(text), 0), op->notified);
		check(poll(&file, 1, -1), "poll");
		woken->returned_at = now();
		__atomic_add_fetch(&woken->returns, 1, __ATOMIC_RELAXED);
		if (file.revents != (POLLPRI | POLLERR))
			die("poll(2) reports %#x for %s", file.revents, op->notified);
	}
}

/* Returns the number of events that are queued, and removes them. */
static int read_inotify(void)
{
	char events[4096], *at;
	int n = 0, len;

	while ((len = read(inotify, events, sizeof(events))) > 0)
		for (at = events; at < events + len; n++)
			at += sizeof(struct inotify_event) + ((struct inotify_event *)at)->len;
	if (errno != EAGAIN)
		die("read from inotify");
	errno = 0;
	return n;
}

static void notify_watched(const struct op *op)
{
	read_inotify();
	notify(op);
}

static void start_readers(const struct op *op)
{
	const char *path = named("%s/%s", path_of(op->dir), op->watched ?: "");
	int i;

	if (op->notified)
		notified = check(openat(cgroups[0].dir, op->notified, O_RDONLY), op->notified);
	if (op->watched) {
		inotify = check(inotify_init1(IN_NONBLOCK), "inotify");
		check(inotify_add_watch(inotify, path, IN_MODIFY), path);
	}
	for (i = 0; i < op->pollers; i++)
		pollers[i] = start_task(poll_forever, op);
	skel->bss->watched = pollers[0];
	pause_for_workers();
	nr_notified = woken->returns = 0;
}

static void stop_readers(const struct op *op)
{
	int i;

	if (woken->returns != op->pollers * nr_notified)
		die("%d tasks poll, %d notifications, but poll(2) returned %d times", op->pollers,
		    nr_notified, woken->returns);
	for (i = 0; i < op->pollers; i++)
		stop_task(pollers[i]);
	if (op->notified)
		close(notified);
	if (op->watched)
		close(inotify);
}

/* Groups */

/* Returns the value of op->name. */
static long run_op(const char *group, const struct meter *meter, const struct op *op,
		   int repeats)
{
	long value;

	if (only && strcmp(only, op->name) && strcmp(only, op->undo_name ?: ""))
		return 0;

	found = true;
	open_cgroups(op);
	if (op->prepare)
		op->prepare(op);
	if (only && op->file && !op->nr)
		show_objects(op);
	check(setegid(op->user ? USER : 0), "setegid");
	check(seteuid(op->user ? USER : 0), "seteuid");
	value = measure(group, meter, op, repeats);
	check(seteuid(0), "seteuid");
	check(setegid(0), "setegid");
	if (op->finish)
		op->finish(op);
	return value;
}

static void run_ops(const char *group, const struct meter *meter, const struct op *ops, int nr,
		    int repeats)
{
	int i;

	for (i = 0; i < nr; i++)
		run_op(group, meter, &ops[i], repeats);
}

#define FREEZE		"pread cgroup.freeze"
#define OPEN_FREEZE	"open+read+close cgroup.freeze"
#define SIX_DIGITS	"pread pids.max of six digits"

/* Set the number of a cgroup, in all ways in which programs store it. */
static void set_number(const char *dir, unsigned long long number)
{
	open_cgroups(&(struct op){ .dir = dir });
	check(bpf_map_update_elem(bpf_map__fd(skel->maps.numbers), &cgroups[0].dir, &number,
				  BPF_ANY), "set a number");
	check(bpf_map_update_elem(bpf_map__fd(skel->maps.by_id), &cgroups[0].id, &number,
				  BPF_ANY), "set a number");
}

static void bench_read(void)
{
	static const struct op ops[] = {
		{ .name = "pread bpf.stat.two_bytes", .peer = FREEZE,
		  .run = pread_files, .file = "bpf.stat.two_bytes" },
		{ .name = "pread bpf.stat.number", .peer = FREEZE,
		  .run = pread_files, .file = "bpf.stat.number" },
		{ .name = "pread bpf.stat.number_printf", .peer = FREEZE,
		  .run = pread_files, .file = "bpf.stat.number_printf" },
		{ .name = "pread bpf.stat.number of six digits", .peer = SIX_DIGITS,
		  .run = pread_files, .file = "bpf.stat.number", .dir = "six" },
		{ .name = FREEZE,
		  .run = pread_files, .file = "cgroup.freeze" },
		{ .name = "pread pids.current", .peer = FREEZE,
		  .run = pread_files, .file = "pids.current" },
		{ .name = SIX_DIGITS,
		  .run = pread_files, .file = "pids.max", .dir = "six" },
		{ .name = "BPF_PROG_RUN an empty program", .peer = FREEZE,
		  .run = run_empty },
		{ .name = "BPF_PROG_RUN number by cgroup id", .peer = FREEZE,
		  .run = run_number },
		{ .name = "map look-up by cgroup id", .peer = FREEZE,
		  .run = lookup_by_id },
		{ .name = "open+read+close bpf.stat.two_bytes", .peer = OPEN_FREEZE,
		  .run = open_files, .file = "bpf.stat.two_bytes" },
		{ .name = "open+read+close bpf.stat.number", .peer = OPEN_FREEZE,
		  .run = open_files, .file = "bpf.stat.number" },
		{ .name = OPEN_FREEZE,
		  .run = open_files, .file = "cgroup.freeze" },
		{ .name = "open+read+close pids.current", .peer = OPEN_FREEZE,
		  .run = open_files, .file = "pids.current" },
		{ .name = "open+read+close pinned cgroup_iter", .peer = OPEN_FREEZE,
		  .run = open_pins, .pin = "two_bytes" },
		{ .name = "bpf_iter_create+read+close", .peer = OPEN_FREEZE,
		  .run = create_read_close },
	};
	int links[] = {
		attach_stat(fd_of(skel->progs.two_bytes), NULL, "two_bytes", 0, false),
		attach_stat(fd_of(skel->progs.number), NULL, "number", 0, false),
		attach_stat(fd_of(skel->progs.number_printf), NULL, "number_printf", 0, false),
	};
	int i;

	make_dir("six", NULL, 0);
	write_file(path_of("six"), "pids.max", "123456");
	set_number("six", 123456);
	set_number(LEAF, 1);	/* as long as what cgroup.freeze prints */
	pin_iter(skel->progs.iter_two_bytes, cgroups[0].id, BPF_CGROUP_ITER_SELF_ONLY, "two_bytes");
	one_iter = create_iter(skel->progs.iter_two_bytes, cgroups[0].id,
			       BPF_CGROUP_ITER_SELF_ONLY);
	run_ops("read", &by_time, ops, ARRAY_SIZE(ops), MAX_REPEATS);
	for (i = 0; i < ARRAY_SIZE(links); i++)
		close(links[i]);
}

#define IN_TREE		(NR_FIGURES * (NR_MANY + 1))

/* Do lines and entries follow in the order of the directories, which is that of mkdir? */
static void check_tree(const char *line, const struct memory_tree_entry *entries)
{
	char path[16] = ". ";
	int i;

	for (i = -1; i < NR_MANY; i++, entries++) {
		if (i >= 0)
			snprintf(path, sizeof(path), "%d ", i);
		if (strncmp(line, path, strlen(path)) || (i >= 0 && entries->id != cgroups[i].id))
			die("memory_tree: cgroup %d isn't in its place", i);
		line = strchr(line, '\n') + 1;
	}
	if (*line)
		die("memory_tree: there is more after the last cgroup");
}

static void read_tree(struct memory_tree_entry *entries)
{
	static const struct op op = { .name = "tree", .figures = IN_TREE, .tree = true };
	const size_t size = (NR_MANY + 1) * sizeof(*entries);
	int dir = check(open(path_of("many"), O_RDONLY | O_DIRECTORY), "many");
	int fd = check(openat(dir, "bpf.stat.memory_tree_bin", O_RDONLY), "memory_tree_bin");

	open_read_close(&op, dir, "bpf.stat.memory_tree");
	if (read(fd, entries, size + 1) != (ssize_t)size)
		die("memory_tree_bin: not %d entries", NR_MANY + 1);
	check_tree(text, entries);
	close(fd);
	close(dir);
}

/* Do all files and the mapped array have the same figures of cgroup @i? */
static bool same_figures(int i, const struct memory_tree_entry *entry)
{
	static const struct op op = { .name = "compare", .figures = NR_FIGURES };
	struct walked binary;

	check(pread(cgroups[i].file, &binary, sizeof(binary), 0), "read in binary");
	open_read_close(&op, cgroups[i].dir, "bpf.stat.memory");
	return !memcmp(&walked[i].figures, figures, sizeof(figures)) &&
	       !memcmp(&binary, &walked[i], sizeof(binary)) &&
	       !memcmp(&tree[i + 1], figures, sizeof(figures)) &&
	       !memcmp(&entry->figures, figures, sizeof(figures));
}

/* Figures may change between two reads, when the kernel reclaims memory: try again. */
static void compare_figures(const struct op *walk)
{
	static struct memory_tree_entry entries[NR_MANY + 2];
	int i, tries;

	errno = 0;
	for (tries = 0; tries < 100; tries++) {
		walk_map(walk);
		read_tree(entries);
		for (i = 0; i < walk->nr && same_figures(i, &entries[i + 1]); i++)
			;
		if (i == walk->nr)
			return;
	}
	die("cgroup %d: the figures differ", i);
}

#define STAT_PARSED	"pread memory.stat and parse"
#define OPEN_PARSED	"open+read+close memory.stat and parse"
#define MANY		"1000 cgroups: "
#define WALK_MAP	"one cgroup_iter into a mapped array"

static void bench_memory_one(void)
{
	static const struct op ops[] = {
		{ .name = "pread bpf.stat.memory", .peer = STAT_PARSED,
		  .run = pread_files, .file = "bpf.stat.memory" },
		{ .name = "pread bpf.stat.memory and parse", .peer = STAT_PARSED,
		  .run = pread_files, .file = "bpf.stat.memory", .figures = NR_FIGURES },
		{ .name = "pread bpf.stat.binary", .peer = STAT_PARSED,
		  .run = pread_files, .file = "bpf.stat.binary" },
		{ .name = "pread memory.stat", .peer = STAT_PARSED,
		  .run = pread_files, .file = "memory.stat" },
		{ .name = STAT_PARSED,
		  .run = pread_files, .file = "memory.stat", .figures = IN_STAT },
		{ .name = "open+read+close bpf.stat.memory", .peer = OPEN_PARSED,
		  .run = open_files, .file = "bpf.stat.memory" },
		{ .name = "open+read+close bpf.stat.memory and parse", .peer = OPEN_PARSED,
		  .run = open_files, .file = "bpf.stat.memory", .figures = NR_FIGURES },
		{ .name = "open+read+close pinned cgroup_iter", .peer = OPEN_PARSED,
		  .run = open_pins, .pin = "memory" },
		{ .name = "open+read+close pinned cgroup_iter and parse", .peer = OPEN_PARSED,
		  .run = open_pins, .pin = "memory", .figures = NR_FIGURES },
		{ .name = "open+read+close memory.stat", .peer = OPEN_PARSED,
		  .run = open_files, .file = "memory.stat" },
		{ .name = OPEN_PARSED,
		  .run = open_files, .file = "memory.stat", .figures = IN_STAT },
	};

	open_cgroups(&(struct op){ 0 });
	pin_iter(skel->progs.iter_memory, cgroups[0].id, BPF_CGROUP_ITER_SELF_ONLY, "memory");
	run_ops("memory", &by_time, ops, ARRAY_SIZE(ops), MAX_REPEATS);
}

/*
 * One iterator for all cgroups is measured with a mapped array only. Its text output
 * would be too long for it: the number of cgroups that fit is printed.
 */
static void bench_memory_many(void)
{
	static const struct op ops[] = {
		{ .name = MANY "pread bpf.stat.memory", .peer = MANY STAT_PARSED,
		  .run = pread_files, .file = "bpf.stat.memory", .dir = "many", .nr = NR_MANY },
		{ .name = MANY "pread bpf.stat.memory and parse", .peer = MANY STAT_PARSED,
		  .run = pread_files, .file = "bpf.stat.memory", .dir = "many", .nr = NR_MANY,
		  .figures = NR_FIGURES },
		{ .name = MANY "pread bpf.stat.binary", .peer = MANY STAT_PARSED,
		  .run = pread_files, .file = "bpf.stat.binary", .dir = "many", .nr = NR_MANY },
		{ .name = MANY "pread memory.stat", .peer = MANY STAT_PARSED,
		  .run = pread_files, .file = "memory.stat", .dir = "many", .nr = NR_MANY },
		{ .name = MANY STAT_PARSED,
		  .run = pread_files, .file = "memory.stat", .dir = "many", .nr = NR_MANY,
		  .figures = IN_STAT },
		{ .name = MANY "open+read+close bpf.stat.memory", .peer = MANY OPEN_PARSED,
		  .run = open_files, .file = "bpf.stat.memory", .dir = "many", .nr = NR_MANY },
		{ .name = MANY "open+read+close pinned cgroup_iters", .peer = MANY OPEN_PARSED,
		  .run = open_pins, .pin = "memory", .dir = "many", .nr = NR_MANY },
		{ .name = MANY OPEN_PARSED, .peer = MANY STAT_PARSED,
		  .run = open_files, .file = "memory.stat", .dir = "many", .nr = NR_MANY,
		  .figures = IN_STAT },
		{ .name = MANY WALK_MAP, .peer = MANY STAT_PARSED,
		  .run = walk_map, .pin = "walk_map", .dir = "many", .nr = NR_MANY },
		{ .name = MANY "one pread bpf.stat.memory_tree", .peer = MANY STAT_PARSED,
		  .run = pread_files, .file = "bpf.stat.memory_tree", .dir = "many" },
		{ .name = MANY "one pread bpf.stat.memory_tree and parse", .peer = MANY STAT_PARSED,
		  .run = pread_files, .file = "bpf.stat.memory_tree", .dir = "many",
		  .figures = IN_TREE, .tree = true },
		{ .name = MANY "one pread bpf.stat.memory_tree_bin", .peer = MANY WALK_MAP,
		  .run = pread_files, .file = "bpf.stat.memory_tree_bin", .dir = "many" },
		{ .name = MANY "one open+read+close bpf.stat.memory_tree",
		  .peer = MANY OPEN_PARSED,
		  .run = open_files, .file = "bpf.stat.memory_tree", .dir = "many" },
		{ .name = MANY "one open+read+close bpf.stat.memory_tree_bin",
		  .peer = MANY WALK_MAP,
		  .run = open_files, .file = "bpf.stat.memory_tree_bin", .dir = "many" },
	};
	static const struct op walk = { .dir = "many", .nr = NR_MANY, .pin = "walk" };
	static const struct op map = { .dir = "many", .nr = NR_MANY, .pin = "walk_map",
				       .file = "bpf.stat.binary" };
	struct op top = { .dir = "many" };
	int i, len;

	open_cgroups(&top);
	pin_iter(skel->progs.walk_memory, cgroups[0].id, BPF_CGROUP_ITER_CHILDREN, "walk");
	pin_iter(skel->progs.walk_memory_map, cgroups[0].id, BPF_CGROUP_ITER_CHILDREN, "walk_map");
	open_cgroups(&(struct op){ .dir = "many", .nr = NR_MANY, .pin = "memory" });
	for (i = 0; i < NR_MANY; i++)
		pin_iter(skel->progs.iter_memory, cgroups[i].id, BPF_CGROUP_ITER_SELF_ONLY,
			 cgroups[i].pin);
	run_ops("memory", &by_time, ops, ARRAY_SIZE(ops), 9);
	if (only)
		return;

	open_cgroups(&map);
	compare_figures(&map);
	read_walk(&walk, &len);
	text[len] = '\0';
	row("memory", MANY "how many one cgroup_iter can show as text", "cgroups",
	    parse(text) / NR_FIGURES, NULL);
}

/* The same for as many cgroups as one iterator can print. */
static void bench_memory_few(void)
{
	static const struct op ops[] = {
		{ .name = "100 cgroups: pread bpf.stat.memory and parse",
		  .run = pread_files, .file = "bpf.stat.memory", .dir = "few", .nr = NR_FEW,
		  .figures = NR_FIGURES },
		{ .name = "100 cgroups: one cgroup_iter as text and parse",
		  .peer = "100 cgroups: pread bpf.stat.memory and parse",
		  .run = walk_text, .pin = "walk_few", .dir = "few",
		  .figures = NR_FIGURES * NR_FEW },
	};
	struct op top = { .dir = "few" };

	open_cgroups(&top);
	pin_iter(skel->progs.walk_memory, cgroups[0].id, BPF_CGROUP_ITER_CHILDREN, "walk_few");
	run_ops("memory", &by_time, ops, ARRAY_SIZE(ops), 101);
}

static int attach_tree(const char *name)
{
	return attach_stat(load_stat("memory_tree", name), "many", name, 0, false);
}

static void bench_memory(void)
{
	int links[4], i;

	make_children("many", NR_MANY);
	make_children("few", NR_FEW);
	charge(LEAF);
	charge_children("many", NR_MANY);
	charge_children("few", NR_FEW);
	sleep(3); /* small changes show only after the periodic flush, every two seconds */
	links[0] = attach_stat(load_stat("memory", "memory"), NULL, "memory", 0, false);
	links[1] = attach_stat(fd_of(skel->progs.binary), NULL, "binary", 0, false);
	links[2] = attach_tree("memory_tree");
	links[3] = attach_tree("memory_tree_bin");
	bench_memory_one();
	bench_memory_few();
	bench_memory_many();
	for (i = 0; i < ARRAY_SIZE(links); i++)
		close(links[i]);
}

#define SCRAPE		MANY "scrape of "
#define SCRAPE_STAT	SCRAPE "memory.stat"

/* The same figures by the exporter, and what it costs to look for new cgroups. */
static void bench_exporter(void)
{
	static const struct op ops[] = {
		{ .name = SCRAPE "bpf.stat.memory", .peer = SCRAPE_STAT,
		  .exported = "bpf.stat.m*y", .figures = NR_FIGURES },
		{ .name = SCRAPE "bpf.stat.memory_tree", .peer = SCRAPE_STAT,
		  .exported = "bpf.stat.memory_tree", .figures = NR_FIGURES },
		{ .name = SCRAPE "bpf.stat.memory_tree_bin", .peer = SCRAPE_STAT,
		  .exported = "bpf.stat.memory_tree_bin", .figures = NR_FIGURES },
		{ .name = SCRAPE_STAT, .exported = "memory.sta[t]", .figures = IN_STAT },
		{ .name = SCRAPE "no file", .peer = SCRAPE_STAT, .exported = "no*" },
	};
	static const struct op lists = {
		.name = MANY "list the directories", .peer = SCRAPE "no file",
		.run = list_dirs, .dir = "many", .nr = NR_MANY,
	};
	int links[3], i;

	make_children("many", NR_MANY);
	charge_children("many", NR_MANY);
	links[0] = attach_stat(load_stat("memory", "memory"), "many", "memory", 0, false);
	links[1] = attach_stat(load_stat("memory_tree", "memory_tree"), "many", "memory_tree", 0,
			       true);
	links[2] = attach_stat(load_stat("memory_tree", "memory_tree_bin"), "many",
			       "memory_tree_bin", 0, true);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		struct op op = ops[i];

		op.run = scrape;
		op.prepare = start_exporter;
		op.finish = stop_exporter;
		op.dir = "many";
		run_op("exporter", &by_time, &op, 9);
	}
	run_op("exporter", &by_time, &lists, 9);
	for (i = 0; i < ARRAY_SIZE(links); i++)
		close(links[i]);
}

#define WEIGHT		"pwrite cpu.weight"
#define OPEN_WEIGHT	"open+write+close cpu.weight"

static void bench_knob(void)
{
	static const struct op ops[] = {
		{ .name = "pwrite bpf.stat.trivial", .peer = WEIGHT,
		  .run = pwrite_file, .file = "bpf.stat.trivial", .values = { "100", "200" } },
		{ .name = "pwrite bpf.stat.knob", .peer = WEIGHT,
		  .run = pwrite_file, .file = "bpf.stat.knob", .values = { "100", "200" } },
		{ .name = WEIGHT,
		  .run = pwrite_file, .file = "cpu.weight", .values = { "100", "200" } },
		{ .name = "map update by cgroup id", .peer = WEIGHT, .run = update_by_id },
		{ .name = "cgroup storage update by cgroup fd", .peer = WEIGHT,
		  .run = update_by_fd },
		{ .name = "setxattr on the cgroup", .peer = WEIGHT,
		  .run = set_xattr, .values = { "100", "200" } },
		{ .name = "open+write+close bpf.stat.trivial", .peer = OPEN_WEIGHT,
		  .run = open_write_close, .file = "bpf.stat.trivial", .values = { "100", "200" } },
		{ .name = "open+write+close bpf.stat.knob", .peer = OPEN_WEIGHT,
		  .run = open_write_close, .file = "bpf.stat.knob", .values = { "100", "200" } },
		{ .name = OPEN_WEIGHT,
		  .run = open_write_close, .file = "cpu.weight", .values = { "100", "200" } },
	};
	int links[] = {
		attach_stat(fd_of(skel->progs.trivial_knob), NULL, "trivial", 0200, false),
		attach_stat(load_stat("knob", "knob"), NULL, "knob", 0644, false),
	};

	run_ops("knob", &by_time, ops, ARRAY_SIZE(ops), MAX_REPEATS);
	close(links[0]);
	close(links[1]);
}

static long size_of_struct(const char *name)
{
	struct btf *btf = btf__load_vmlinux_btf();
	long size;

	if (!btf)
		die("load the kernel's BTF");
	size = check(btf__resolve_size(btf, btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT)),
		     name);
	btf__free(btf);
	return size;
}

/* Doesn't use BPF, so that it runs on the unpatched kernel, too. */
static void bench_mkdir(void)
{
	static const struct op ops[] = {
		{ .name = "mkdir", .undo_name = "rmdir",
		  .peer = "mkdir unpatched", .undo_peer = "rmdir unpatched",
		  .run = make_new, .undo = remove_new, .dir = "parent" },
		{ .name = "mkdir by a user", .undo_name = "rmdir by a user",
		  .peer = "mkdir by a user unpatched", .undo_peer = "rmdir by a user unpatched",
		  .run = make_new, .undo = remove_new, .dir = "user", .user = true },
	};

	/* the search time of the percpu allocator depends on what is allocated already */
	make_children("many", NR_MANY);
	run_ops("mkdir", &by_time, ops, ARRAY_SIZE(ops), 301);
	if (!only)
		row("mkdir", "struct cgroup", "bytes", size_of_struct("cgroup"),
		    "struct cgroup unpatched");
}

#define OPEN_PROCS	"first open+close cgroup.procs"
#define MISS_FIRST	"first look-up of a missing name"
#define MISS_STAT	"first look-up of a missing bpf.stat name"
#define MISS_AGAIN	"next look-up of a missing bpf.stat name"

/* Doesn't use BPF either. */
static void bench_lookup(void)
{
	static const struct op ops[] = {
		{ .name = OPEN_PROCS, .peer = OPEN_PROCS " unpatched",
		  .run = open_first, .looked_up = "cgroup.procs", .dir = "many", .nr = NR_MANY },
		{ .name = MISS_FIRST, .peer = MISS_FIRST " unpatched",
		  .run = miss_first, .looked_up = "missing", .dir = "many", .nr = NR_MANY },
		{ .name = MISS_STAT, .peer = MISS_STAT " unpatched",
		  .run = miss_first, .looked_up = "bpf.stat.missing", .dir = "many",
		  .nr = NR_MANY },
		{ .name = MISS_AGAIN, .peer = MISS_AGAIN " unpatched",
		  .run = miss_again, .looked_up = "bpf.stat.missing" },
	};

	make_children("many", NR_MANY);
	run_ops("lookup", &by_time, ops, ARRAY_SIZE(ops), 301);
}

static void bench_new(const char *group, const struct meter *meter, bool user, int repeats)
{
	static const int nr_links[] = { 0, 1, 4, MAX_LINKS };
	const char *who = user ? " by a user" : "";
	struct op op = { .run = make_new, .undo = remove_new, .user = user };
	int i;

	op.peer = named("mkdir 0 links%s", who);
	op.undo_peer = named("rmdir 0 links%s", who);
	op.dir = user ? "user" : "parent";
	op.prepare = attach_links;
	op.finish = detach_links;
	for (i = 0; i < ARRAY_SIZE(nr_links); i++) {
		op.name = named("mkdir %d links%s", nr_links[i], who);
		op.undo_name = named("rmdir %d links%s", nr_links[i], who);
		op.links = nr_links[i];
		run_op(group, meter, &op, repeats);
	}
	op.name = named("mkdir %d lazy links%s", MAX_LINKS, who);
	op.undo_name = named("rmdir %d lazy links%s", MAX_LINKS, who);
	op.lazy = true;
	run_op(group, meter, &op, repeats);

	/* io depends on memory: enabling io enables memory, but doesn't show its files */
	op = (struct op){ .run = make_new, .undo = remove_new, .user = user };
	op.name = named("mkdir without memory files%s", who);
	op.undo_name = named("rmdir without memory files%s", who);
	op.dir = user ? "io-user" : "io";
	run_op(group, meter, &op, repeats);
	op.name = named("mkdir with memory files%s", who);
	op.undo_name = named("rmdir with memory files%s", who);
	op.dir = user ? "io-memory-user" : "io-memory";
	run_op(group, meter, &op, repeats);
}

static void bench_links(void)
{
	static const struct op elsewhere = {
		.name = "mkdir a link elsewhere", .undo_name = "rmdir a link elsewhere",
		.peer = "mkdir 0 links", .undo_peer = "rmdir 0 links",
		.run = make_new, .undo = remove_new, .dir = "parent",
	};
	int nr, link, length = name_length(&nr);

	bench_new("links", &by_time, false, 101);
	link = attach_stat(fd_of(skel->progs.two_bytes), LEAF, "elsewhere", 0, false);
	run_op("links", &by_time, &elsewhere, 101);
	close(link);
	bench_new("links", &by_time, true, 101);
	if (only)
		return;
	row("links", "memory files of a cgroup", "files", nr, NULL);
	row("links", "length of their names", "bytes", length, NULL);
}

static void bench_bytes(void)
{
	struct bpf_link *probes[] = {
		attach_probe(skel->progs.on_kmalloc),
		attach_probe(skel->progs.on_cache_alloc),
	};

	bench_new("bytes", &by_bytes, false, 5);
	bench_new("bytes", &by_bytes, true, 5);
	bpf_link__destroy(probes[0]);
	bpf_link__destroy(probes[1]);
}

static void bench_one_subtree(const char *group, const struct meter *meter, int nr, bool peers,
			      int repeats)
{
	const char *dir = named("subtree-%d", nr);
	struct op ops[] = {
		{ .name = named("attach %d cgroups", nr),
		  .undo_name = named("detach %d cgroups", nr),
		  .peer = named("pin iterators %d cgroups", nr),
		  .undo_peer = named("unpin iterators %d cgroups", nr),
		  .run = attach, .undo = detach, .dir = dir },
		{ .name = named("update %d cgroups", nr),
		  .peer = named("update iterators %d cgroups", nr),
		  .run = update, .prepare = attach, .finish = detach, .dir = dir },
		{ .name = named("pin iterators %d cgroups", nr),
		  .undo_name = named("unpin iterators %d cgroups", nr),
		  .run = attach_iters, .undo = detach_iters, .dir = dir, .nr = nr,
		  .pin = "subtree" },
		{ .name = named("update iterators %d cgroups", nr),
		  .run = update_iters, .prepare = attach_iters, .finish = detach_iters,
		  .dir = dir, .nr = nr, .pin = "subtree" },
	};

	make_children(dir, nr);
	if (!peers)
		ops[0].peer = ops[0].undo_peer = ops[1].peer = NULL;
	run_ops(group, meter, ops, peers ? 4 : 2, repeats);
}

static void bench_subtree(void)
{
	bench_one_subtree("subtree", &by_time, 10, true, 101);
	bench_one_subtree("subtree", &by_time, 100, true, 51);
	bench_one_subtree("subtree", &by_time, 1000, true, 11);
	bench_one_subtree("subtree", &by_time, 10000, true, 5);
}

/* Mount a cgroup v1 hierarchy without controllers, with @nr cgroups below the root. */
static void make_v1(const char *name, int nr)
{
	const char *path = named("/tmp/bench-%s", name);
	int i;

	check(mkdir(path, 0755), path);
	check(mount("none", path, "cgroup", 0, named("none,name=%s", name)), path);
	for (i = 0; i < nr; i++)
		check(mkdir(named("%s/%d", path, i), 0755), path);
}

/* Number of cgroups in all hierarchies */
static int count_all(void)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);

	attach_all(NULL);
	check(bpf_link_get_info_by_fd(subtree_link, &info, &len), "link info");
	detach(NULL);
	return info.cgroup_stat.nr_files;
}

/* Attach to 1,000 cgroups in three hierarchies. To be run in a boot of its own. */
static void bench_all(void)
{
	static const struct op op = {
		.name = "attach to 1000 cgroups of 3 hierarchies",
		.undo_name = "detach from 1000 cgroups of 3 hierarchies",
		.run = attach_all, .undo = detach,
	};

	make_v1("one", NR_MANY / 3);
	make_v1("two", NR_MANY / 3);
	make_children("all", NR_MANY - 1 - count_all());
	if (count_all() != NR_MANY)
		die("%d cgroups", count_all());
	run_ops("all", &by_time, &op, 1, 11);
}

/*
 * How long is cgroup_mutex held by the operations on subtrees, with peers for the
 * smallest only, and by other operations that take it?
 */
static void bench_hold(void)
{
	static const struct op ops[] = {
		{ .name = "mkdir", .undo_name = "rmdir", .run = make_new, .undo = remove_new,
		  .dir = "parent" },
		{ .name = "pread bpf.stat.memory", .run = pread_files, .file = "bpf.stat.memory" },
		{ .name = "open+read+close pinned cgroup_iter of memory",
		  .run = open_pins, .pin = "hold" },
		{ .name = MANY WALK_MAP,
		  .run = walk_map, .pin = "hold_walk", .dir = "many", .nr = NR_MANY },
	};
	struct bpf_link *probes[] = {
		attach_probe(skel->progs.hold_begin),
		attach_probe(skel->progs.hold_end),
	};
	struct op many = { .dir = "many" };
	int link;

	/* first, for the same state of the percpu allocator as in bench_mkdir() */
	run_ops("hold", &by_hold, ops, 1, 11);
	bench_one_subtree("hold", &by_hold, 10, true, 11);
	bench_one_subtree("hold", &by_hold, 100, false, 11);
	bench_one_subtree("hold", &by_hold, 1000, false, 5);
	bench_one_subtree("hold", &by_hold, 10000, false, 3);

	make_children("many", NR_MANY);
	link = attach_stat(load_stat("memory", "memory"), NULL, "memory", 0, false);
	open_cgroups(&many);
	pin_iter(skel->progs.walk_memory_map, cgroups[0].id, BPF_CGROUP_ITER_CHILDREN, "hold_walk");
	open_cgroups(&(struct op){ 0 });
	pin_iter(skel->progs.iter_memory, cgroups[0].id, BPF_CGROUP_ITER_SELF_ONLY, "hold");
	run_ops("hold", &by_hold, ops + 1, ARRAY_SIZE(ops) - 1, 11);
	close(link);
	bpf_link__destroy(probes[0]);
	bpf_link__destroy(probes[1]);
}

/*
 * Apart from the group "subtree", because the idr of the links' ids takes a bit more
 * time after a few thousand links.
 */
static void bench_lazy_attach(void)
{
	struct op op = {
		.peer = "attach lazily 10 cgroups", .undo_peer = "detach lazily 10 cgroups",
		.run = attach, .undo = detach, .lazy = true,
	};
	int nr;

	for (nr = 10; nr <= 10000; nr *= 10) {
		op.name = named("attach lazily %d cgroups", nr);
		op.undo_name = named("detach lazily %d cgroups", nr);
		op.dir = named("subtree-%d", nr);
		make_children(op.dir, nr);
		run_op("lazy", &by_time, &op, 101);
	}
}

/* Opens of a lazy file, the first of which creates it, and of one that exists. */
static void bench_lazy_open(void)
{
	static const struct op ops[] = {
		{ .name = "first open+close bpf.stat.eager",
		  .run = open_first, .looked_up = "bpf.stat.eager", .dir = "many",
		  .nr = NR_MANY },
		{ .name = "first open+close bpf.stat.lazy",
		  .peer = "first open+close bpf.stat.eager",
		  .run = open_first, .looked_up = "bpf.stat.lazy", .dir = "many",
		  .nr = NR_MANY },
		{ .name = "first open+close bpf.stat.lazy2 beside bpf.stat.lazy",
		  .peer = "first open+close bpf.stat.eager",
		  .run = open_first, .looked_up = "bpf.stat.lazy2", .dir = "many",
		  .nr = NR_MANY },
		{ .name = "next open+close bpf.stat.eager",
		  .run = open_again, .looked_up = "bpf.stat.eager", .dir = "many",
		  .nr = NR_MANY },
		{ .name = "next open+close bpf.stat.lazy",
		  .peer = "next open+close bpf.stat.eager",
		  .run = open_again, .looked_up = "bpf.stat.lazy", .dir = "many",
		  .nr = NR_MANY },
		{ .name = "open+close bpf.stat.eager without a dentry",
		  .run = open_first, .looked_up = "bpf.stat.eager", .dir = "many",
		  .nr = NR_MANY, .prepare = drop_dentries },
		{ .name = "open+close bpf.stat.lazy without a dentry",
		  .peer = "open+close bpf.stat.eager without a dentry",
		  .run = open_first, .looked_up = "bpf.stat.lazy", .dir = "many",
		  .nr = NR_MANY, .prepare = drop_dentries },
	};
	int links[3];

	make_children("many", NR_MANY);
	links[0] = attach_stat(fd_of(skel->progs.two_bytes), "many", "eager", 0, false);
	links[1] = attach_stat(fd_of(skel->progs.two_bytes), "many", "lazy", 0, true);
	links[2] = attach_stat(fd_of(skel->progs.two_bytes), "many", "lazy2", 0, true);
	run_ops("lazy", &by_time, ops, ARRAY_SIZE(ops), 301);
	close(links[0]);
	close(links[1]);
	close(links[2]);
}

/* Attach and detach all the time. In the pauses RCU frees the files. */
static void attach_forever(const struct op *op)
{
	set_priority(SCHED_FIFO, 1);
	open_cgroups(&(struct op){ .dir = op->dir });
	for (;;) {
		attach(op);
		pause_for_workers();
		detach(op);
		pause_for_workers();
	}
}

/*
 * The longest time that an operation waits for other tasks, such as one that runs
 * @beside at a lower priority. The operation preempts it each time at another point of
 * what it does. Returns the average.
 */
static long measure_wait(const char *group, const struct op *op,
			 void (*beside)(const struct op *op))
{
	pid_t pid = beside ? start_task(beside, op) : 0;
	const long none = overhead(&by_wait);
	long longest = none, sum = 0, wait;
	int i;

	for (i = 0; i < NR_WAITS; i++) {
		usleep(100 + i % 97);
		wait_begin();
		op->run(op);
		wait = wait_end();
		sum += wait - none;
		if (wait > longest)
			longest = wait;
	}
	if (pid)
		stop_task(pid);
	row(group, op->name, by_wait.unit, longest - none, op->peer);
	return sum / NR_WAITS;
}

#define WAIT		"longest wait of a first open"

/*
 * A task that opens a lazy file may have to wait until kernfs has added or removed some
 * other file, but not until a link is attached or detached.
 */
static void bench_lazy_wait(void)
{
	struct op op = { .name = WAIT, .run = open_first, .looked_up = "bpf.stat.lazy",
			 .dir = "subtree-10000", .nr = 2 * NR_WAITS };
	int link;

	if (only)
		return;

	link = attach_stat(fd_of(skel->progs.two_bytes), op.dir, "lazy", 0, true);
	open_cgroups(&op);
	set_priority(SCHED_FIFO, 2);
	measure_wait("lazy", &op, NULL);
	op.name = WAIT " beside attach and detach 10000 cgroups";
	measure_wait("lazy", &op, attach_forever);
	set_priority(SCHED_FIFO, 1);
	close(link);
}

static void bench_lazy(void)
{
	bench_lazy_attach();
	bench_lazy_open();
	bench_lazy_wait();
}

static struct bpf_link *probes[2];

static void start_tracing(const struct bpf_program *begin, const struct bpf_program *end)
{
	probes[0] = attach_probe(begin);
	probes[1] = attach_probe(end);
}

static void stop_tracing(void)
{
	bpf_link__destroy(probes[0]);
	bpf_link__destroy(probes[1]);
}

#define NOTIFIED	"bpf.stat.notify"
#define EVENTS		"cgroup.events"

/* Returns the value for a file that isn't open. */
static long bench_notified(const char *file, const struct meter *meter, const struct op *how)
{
	static const int nr_pollers[] = { 0, 1, 10, MAX_POLLERS };
	struct op op = *how;
	long value;
	int i;

	op.name = named("notify %s not open", file);
	op.peer = "notify " EVENTS " not open";
	op.dir = "notify";
	op.prepare = start_readers;
	op.finish = stop_readers;
	value = run_op("notify", meter, &op, 101);
	op.notified = file;
	for (i = 0; i < ARRAY_SIZE(nr_pollers); i++) {
		op.name = named("notify %s %d pollers", file, nr_pollers[i]);
		op.peer = named("notify " EVENTS " %d pollers", nr_pollers[i]);
		op.pollers = nr_pollers[i];
		run_op("notify", meter, &op, 101);
	}
	return value;
}

/* The kernel's own notifications are part of other work, so they are traced. */
static void bench_notify_calls(void)
{
	static const struct op missing = {
		.name = "notify a missing file", .peer = "notify " NOTIFIED " not open",
		.run = notify_missing, .dir = "notify",
	};
	static const struct op traced = {
		.name = "notify " NOTIFIED " not open with tracing",
		.peer = "notify " NOTIFIED " not open", .run = notify, .dir = "notify",
	};
	static const struct op freeze = { .run = freeze_or_thaw, .file = "cgroup.freeze" };
	long value;

	run_op("notify", &by_call, &missing, 101);
	value = bench_notified(NOTIFIED, &by_call, &(struct op){ .run = notify });
	start_tracing(skel->progs.begin_bpf_cgroup_stat_notify,
		      skel->progs.end_bpf_cgroup_stat_notify);
	tracing = run_op("notify", &by_trace, &traced, 101) - value;
	stop_tracing();
	start_tracing(skel->progs.begin_cgroup_file_notify, skel->progs.end_cgroup_file_notify);
	bench_notified(EVENTS, &by_trace, &freeze);
	stop_tracing();
}

/* What is done later: by the woken task, and by the worker that deals with inotify. */
static void bench_notify_deferred(void)
{
	static const struct op poller = {
		.name = "return of a woken task from poll(2)", .run = notify, .dir = "notify",
		.prepare = start_readers, .finish = stop_readers, .notified = NOTIFIED,
		.pollers = 1,
	};
	static const struct op ops[] = {
		{ .name = "work after a notification", .run = notify, .dir = "notify",
		  .prepare = start_readers, .finish = stop_readers, .notified = NOTIFIED },
		{ .name = "work after a notification with inotify on the file",
		  .peer = "work after a notification", .run = notify_watched, .dir = "notify",
		  .prepare = start_readers, .finish = stop_readers, .notified = NOTIFIED,
		  .watched = NOTIFIED },
		{ .name = "work after a notification with inotify on the directory",
		  .peer = "work after a notification", .run = notify_watched, .dir = "notify",
		  .prepare = start_readers, .finish = stop_readers, .notified = NOTIFIED,
		  .watched = "." },
	};
	struct bpf_link *probe = attach_probe(skel->progs.on_switch);

	run_op("notify", &by_woken, &poller, 101);
	bpf_link__destroy(probe);
	start_tracing(skel->progs.begin_kernfs_notify_workfn,
		      skel->progs.end_kernfs_notify_workfn);
	run_ops("notify", &by_trace, ops, ARRAY_SIZE(ops), 101);
	stop_tracing();
}

/* For programs that can't sleep. A poller shows that the work really notifies. */
static void bench_notify_wq(void)
{
	static const struct { const char *name; void (*run)(const struct op *op); } ways[] = {
		{ "bpf_wq_start", start_wq },
		{ "bpf_wq_start with interrupts disabled", start_wq_irqs_off },
		{ "bpf_wq_start of work that is pending", start_wq_twice },
	};
	struct op op = {
		.peer = "notify " NOTIFIED " not open", .dir = "notify", .notified = NOTIFIED,
		.pollers = 1, .prepare = start_readers, .finish = stop_readers,
	};
	struct number_query query;
	int i;

	open_cgroups(&(struct op){ .dir = "notify" });
	query.id = cgroups[0].id;
	run_prog(skel->progs.run_wq_init, &query);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		op.name = ways[i].name;
		op.run = ways[i].run;
		run_op("notify", &by_call, &op, 101);
	}
}

static void notify_often(unsigned long long times)
{
	struct number_query query = { .id = cgroups[0].id, .value = times };

	run_prog(skel->progs.run_storm, &query);
}

static void notify_forever(const struct op *op)
{
	set_priority(SCHED_OTHER, 0);
	open_cgroups(&(struct op){ .dir = "notify" });
	for (;;)
		notify_often(10000);
}

/* Each look-up takes the same semaphore as a notification. */
static void look_up_forever(const struct op *op)
{
	set_priority(SCHED_OTHER, 0);
	open_cgroups(&(struct op){ .dir = "notify" });
	for (;;)
		miss_again(&(struct op){ .looked_up = "bpf.stat.missing" });
}

static int nr_made;

/* Without rmdir, because the workers that it leaves its work to hold cgroup_mutex. */
static void make_next(const struct op *op)
{
	check(mkdirat(cgroups[0].dir, named("new-%d", nr_made++), 0755), "mkdir");
}

static void remove_made(void)
{
	while (nr_made) {
		check(unlinkat(cgroups[0].dir, named("new-%d", --nr_made), AT_REMOVEDIR), "rmdir");
		if (!(nr_made % 100))
			pause_for_workers();
	}
}

static void queued_events(const char *name)
{
	int n = read_inotify();

	if (!n)
		die("%s: there is none", name);
	row("notify", name, "events", n, NULL);
}

/* With a pause often enough, so that the scheduler lets workers run in these only. */
static void bench_notify_million(void)
{
	long took = 0;
	int i;

	start_tracing(skel->progs.begin_kernfs_notify_workfn,
		      skel->progs.end_kernfs_notify_workfn);
	skel->bss->calls = 0;
	for (i = 0; i < 10; i++) {
		notify_often(NR_STORM / 10);
		took += skel->bss->took;
		pause_for_workers();
	}
	row("notify", "one of 10 x 100000 notifications", by_call.unit, took / NR_STORM,
	    "notify " NOTIFIED " 0 pollers");
	row("notify", "work after 10 x 100000 notifications", "times", skel->bss->calls, NULL);
	queued_events("inotify after 10 x 100000 notifications");
	stop_tracing();
}

static void bench_pread_wait(const char *beside, void (*run)(const struct op *op))
{
	const struct op op = { .name = named("longest wait of a pread%s", beside),
			       .run = pread_files, .file = "cgroup.freeze", .dir = "notify" };

	open_cgroups(&op);
	measure_wait("notify", &op, run);
}

static void bench_mkdir_wait(const char *beside, void (*run)(const struct op *op))
{
	const struct op op = { .name = named("longest wait of a mkdir%s", beside),
			       .run = make_next };
	long average;

	open_cgroups(&op);
	average = measure_wait("notify", &op, run);
	if (run)
		row("notify", named("average wait of a mkdir%s", beside), by_wait.unit, average,
		    NULL);
	remove_made();
}

/* As many notifications as possible: what they leave behind, and who waits for them. */
static void bench_notify_storm(void)
{
	static const struct op op = { .dir = "notify", .notified = NOTIFIED,
				      .watched = NOTIFIED };

	if (only)
		return;

	open_cgroups(&op);
	start_readers(&op);
	bench_notify_million();
	bench_pread_wait("", NULL);
	bench_pread_wait(" beside notifications", notify_forever);
	bench_mkdir_wait("", NULL);
	bench_mkdir_wait(" beside look-ups", look_up_forever);
	bench_mkdir_wait(" beside notifications", notify_forever);
	queued_events("inotify after notifications beside other tasks");
	stop_readers(&op);
}

static void bench_notify(void)
{
	int link;

	make_dir("notify", NULL, 0);
	link = attach_stat(fd_of(skel->progs.two_bytes), "notify", "notify", 0, false);
	woken = mmap(NULL, sizeof(*woken), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	if (woken == MAP_FAILED)
		die("mmap");
	bench_notify_calls();
	bench_notify_deferred();
	bench_notify_wq();
	bench_notify_storm();
	close(link);
}

static const struct {
	const char *name;
	void (*run)(void);
	bool bpf;
} groups[] = {
	{ "read", bench_read, true },
	{ "memory", bench_memory, true },
	{ "knob", bench_knob, true },
	{ "mkdir", bench_mkdir, false },
	{ "lookup", bench_lookup, false },
	{ "links", bench_links, true },
	{ "bytes", bench_bytes, true },
	{ "subtree", bench_subtree, true },
	{ "hold", bench_hold, true },
	{ "lazy", bench_lazy, true },
	{ "notify", bench_notify, true },
	{ "exporter", bench_exporter, true },
	{ "all", bench_all, true },
};

static void run_group(const char *name)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (strcmp(groups[i].name, name))
			continue;
		if (groups[i].bpf && !skel)
			load_skel();
		return groups[i].run();
	}
	errno = 0;
	die("there is no group %s", name);
}

int main(int argc, char **argv)
{
	const struct rlimit files = { 3 * MAX_CGROUPS, 3 * MAX_CGROUPS };
	int option;

	while ((option = getopt(argc, argv, "o:")) == 'o')
		only = optarg;
	if (option != -1 || argc - optind < 2) {
		fputs("usage: bench [-o OPERATION] FOLDER GROUP...\n", stderr);
		return 1;
	}
	objects = argv[optind++];
	check(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
	set_priority(SCHED_FIFO, 1);
	make_cgroups();
	for (; optind < argc; optind++)
		run_group(argv[optind]);
	errno = 0;
	if (!found)
		die("there is no operation %s", only);
	return 0;
}
