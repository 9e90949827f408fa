// SPDX-License-Identifier: GPL-2.0
/*
 * bpf-stat-exporter [OPTION]... [CGROUP]: shows the figures in bpf.stat files to Prometheus
 *
 * It serves those of CGROUP, by default /sys/fs/cgroup, and all cgroups below it, at
 * http://127.0.0.1:9778/metrics, in OpenMetrics or in the older text format, as the client
 * accepts. With --once it prints them, for the textfile collector of node_exporter.
 *
 * There is nothing to configure: the line "pgfault 988" of bpf.stat.memory becomes
 * bpf_stat_memory_pgfault_total{cgroup="/web"} 988, without _total if it isn't known to be a
 * counter. Lines such as "16_usec 3" become a histogram, bpf_stat_runqlat_seconds.
 * See parse.c for what a file may have.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "exporter.h"

#define PATIENCE	6	/* seconds */

struct options options = {
	.top = "/sys/fs/cgroup",
	.listen = "127.0.0.1:9778",
	.max_depth = -1,
	.timeout = PATIENCE * NSEC_PER_SEC,
};

static const char usage[] =
	"usage: bpf-stat-exporter [OPTION]... [CGROUP]\n"
	"Serves the figures in the bpf.stat files of CGROUP (default: /sys/fs/cgroup) and of\n"
	"all cgroups below it to Prometheus.\n"
	"\n"
	"  --listen [ADDRESS:]PORT  default: 127.0.0.1:9778; not used with a socket of systemd\n"
	"  --once             print them to stdout instead, and exit\n"
	"  -o, --output FILE  with --once: replace FILE when all is there\n"
	"  --match PATTERN    only cgroups whose path from the mount point matches\n"
	"  --max-depth N      only cgroups up to N levels below CGROUP\n"
	"  --file PATTERN     only files of that name, such as bpf.stat.mem*; a name without\n"
	"                     wildcards also finds lazy files, and may be another's: memory.stat\n"
	"  --metric PATTERN   only metrics of that name, such as bpf_stat_memory_*\n"
	"  --timeout SECONDS  time for reading (default: 6); what takes longer is left out\n"
	"\n"
	"PATTERN is one of the shell, where * also matches slashes. If such an option is given\n"
	"several times, one of them has to match.\n";

void die(const char *format, ...)
{
	int err = errno;
	va_list args;

	fprintf(stderr, "bpf-stat-exporter: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "%s%s\n", err ? ": " : "", err ? strerror(err) : "");
	exit(1);
}

void *must(void *memory)
{
	if (!memory)
		die("no memory");
	return memory;
}

bool matches(const struct patterns *patterns, const char *text)
{
	size_t i;

	for (i = 0; i < patterns->nr; i++)
		if (!fnmatch(patterns->pattern[i], text, 0))
			return true;
	return !patterns->nr;
}

uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * NSEC_PER_SEC + time.tv_nsec;
}

int wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t ns)
{
	const struct timespec until = {
		.tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC,
	};

	return pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, &until);
}

static void add_pattern(struct patterns *patterns, const char *pattern)
{
	errno = 0;
	if (patterns->nr == ARRAY_SIZE(patterns->pattern))
		die("more than %zu patterns: use wildcards", patterns->nr);
	patterns->pattern[patterns->nr++] = pattern;
}

static double parse_number(const char *option, const char *text, double least, double most)
{
	char *end;
	double value = strtod(text, &end);

	errno = 0;
	if (end == text || *end || !(value >= least && value <= most))
		die("--%s %s: it has to be a number from %g to %g", option, text, least, most);
	return value;
}

static void set_option(int option, const char *value)
{
	switch (option) {
	case 'l':
		options.listen = value;
		break;
	case '1':
		options.once = true;
		break;
	case 'o':
		options.output = value;
		break;
	case 'm':
		add_pattern(&options.cgroups, value);
		break;
	case 'd':
		options.max_depth = parse_number("max-depth", value, 0, 1 << 16);
		break;
	case 'f':
		add_pattern(&options.files, value);
		break;
	case 'M':
		add_pattern(&options.metrics, value);
		break;
	case 't':
		options.timeout = parse_number("timeout", value, 0.01, 3600) * NSEC_PER_SEC;
		break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	default:
		fputs("Try bpf-stat-exporter --help.\n", stderr);
		exit(1);
	}
}

static void parse_options(int argc, char **argv)
{
	static const struct option names[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "once", no_argument, NULL, '1' },
		{ "output", required_argument, NULL, 'o' },
		{ "match", required_argument, NULL, 'm' },
		{ "max-depth", required_argument, NULL, 'd' },
		{ "file", required_argument, NULL, 'f' },
		{ "metric", required_argument, NULL, 'M' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, "ho:", names, NULL)) >= 0)
		set_option(option, optarg);
	errno = 0;
	if (argc - optind > 1)
		die("%s: there can be only one cgroup", argv[optind + 1]);
	if (optind < argc)
		options.top = argv[optind];
	if (options.output && !options.once)
		die("-o goes with --once");
}

/* Files are kept open, but the process must have some left for other uses. */
static void set_max_open(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		die("RLIMIT_NOFILE");
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	max_open = limit.rlim_cur / 2 < MAX_OPEN ? (int)(limit.rlim_cur / 2) : MAX_OPEN;
}

static char temporary[4096];

static void remove_temporary(void)
{
	if (*temporary)
		unlink(temporary);
}

static void end_by_signal(int signal)
{
	remove_temporary();
	_exit(128 + signal);
}

/*
 * A program that doesn't return keeps the process that reads its file, even if that was killed.
 * So that cron doesn't add one process after the other, there is one at a time: it has a lock
 * on this file until it is gone.
 */
static void lock_output(void)
{
	char path[4096];
	int fd;

	if (snprintf(path, sizeof(path), "%s.lock", options.output) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		die("%s", options.output);
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		die("%s", path);
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return;
	if (errno != EWOULDBLOCK)
		die("%s", path);
	errno = 0;
	die("%s: another process still writes it, or waits for a program to return",
	    options.output);
}

/* In the same directory, by a name that node_exporter doesn't read. */
static FILE *open_output(void)
{
	FILE *file;
	int fd;

	if (!options.output)
		return stdout;
	lock_output();
	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", options.output) >=
	    (int)sizeof(temporary)) {
		*temporary = '\0';
		errno = ENAMETOOLONG;
		die("%s", options.output);
	}
	atexit(remove_temporary);
	signal(SIGHUP, end_by_signal);
	signal(SIGINT, end_by_signal);
	signal(SIGTERM, end_by_signal);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		*temporary = '\0';
		die("%s", options.output);
	}
	file = must(fdopen(fd, "w"));
	if (fchmod(fd, 0644))
		die("%s", temporary);
	return file;
}

static void once(void)
{
	struct scrape *scrape = scrape_begin(TEXT, UINT64_MAX);
	FILE *file = open_output();
	struct text out = { 0 };
	bool more, failed;

	do {
		out.len = 0;
		more = scrape_step(scrape, &out);
		if (out.len)
			fwrite(out.at, 1, out.len, file);
	} while (more);
	/* a reader that is stuck keeps the process, which must not keep a pipe open */
	failed = ferror(file);
	failed |= !!fclose(file);
	if (failed)
		die("%s", options.output ?: "stdout");
	if (options.output && rename(temporary, options.output))
		die("%s", options.output);
	*temporary = '\0';
	free(out.at);
	scrape_end(scrape);
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	set_max_open();
	cgroups_init();
	if (options.once)
		once();
	else
		serve();
	return 0;
}
