/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EXPORTER_H
#define EXPORTER_H

#include <limits.h>
#include <linux/compiler.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PREFIX		"bpf.stat."
#define NSEC_PER_SEC	1000000000ULL

/* Limits that bound what a scrape takes */
#define MAX_CGROUPS	(1 << 16)
#define MAX_NAMES	1024		/* of files */
#define MAX_COLUMNS	256		/* figures in the files of one name */
#define MAX_TABLE	(64 << 20)	/* bytes, for the files of one name */
#define MAX_FILE	(8 << 20)	/* bytes, twice what a bpf.stat file can have */
#define MAX_KEY		127		/* bytes in a key */
#define MAX_NUMBER	23		/* and in a figure */
#define MAX_HELP	2048		/* in a comment */
#define MAX_LABEL	(4 * PATH_MAX)	/* in front of nested figures: a path, all of it escaped */
#define FILE_SLACK	(MAX_KEY + MAX_NUMBER + 8) /* zeroes that may be read behind a file */
#define MAX_OPEN	16384		/* each holds as much memory of the kernel as was read, */
#define MAX_KEPT	8192		/* so one that has more bytes isn't kept open */
#define MAX_LATE	4		/* files of one name that a scrape leaves behind */
#define MAX_STUCK	8		/* files of one name; more of that name aren't read */
#define MAX_LEFT	64		/* the same for those of all names */
#define MAX_PAUSE	64		/* scrapes, see struct file */
#define MAX_ERRNO	512
#define MAX_CHUNK	(128 << 10)	/* of output */

/* main.c */

struct patterns {
	const char *pattern[64];
	size_t nr;
};

struct options {
	const char *top;	/* directory of the cgroup */
	const char *listen;
	const char *output;
	bool once;
	struct patterns files, cgroups, metrics;
	int max_depth;		/* below the top, -1: any */
	uint64_t timeout;	/* of a scrape, in nanoseconds */
};

extern struct options options;

void __noreturn __printf(1, 2) die(const char *format, ...);
void *must(void *memory);
bool matches(const struct patterns *patterns, const char *text);
uint64_t now(void);
int wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t ns);

/* text.c: a buffer that grows, and names and labels as the formats demand */

struct text {
	char *at;
	size_t len, size;
};

void text_grow(struct text *text, size_t len);

/* Make room for so many more characters, and a NUL. */
static inline void text_reserve(struct text *text, size_t len)
{
	if (text->size - text->len <= len)
		text_grow(text, len);
}

static inline void text_add(struct text *text, const char *what, size_t len)
{
	text_reserve(text, len);
	memcpy(text->at + text->len, what, len);
	text->len += len;
}

/* Writes up to 20 digits, which end before @end. Returns where they begin. */
static inline char *number_before(char *end, uint64_t number)
{
	do {
		*--end = '0' + number % 10;
		number /= 10;
	} while (number);
	return end;
}

void text_puts(struct text *text, const char *what);
char *text_string(struct text *text);
void __printf(2, 3) text_printf(struct text *text, const char *format, ...);
void text_add_name(struct text *text, const char *what, size_t len);
void text_add_label(struct text *text, const char *what, size_t len);
void text_add_help(struct text *text, const char *what);
void text_add_number(struct text *text, uint64_t number);
void text_add_seconds(struct text *text, __uint128_t ns);
void text_add_bound(struct text *text, uint64_t ns);
uint64_t text_hash(const char *what, size_t len);

/* table.c: the figures in all files of one name */

enum type { UNKNOWN, COUNTER, GAUGE, HISTOGRAM };

#define NO_BOUND	UINT64_MAX

struct value {
	char text[MAX_NUMBER];
	unsigned char len;	/* 0: there is none */
};

struct column {
	char key[MAX_KEY + 1];	/* as in the file, "" if that is a single number */
	size_t key_len;
	uint64_t last_mask;	/* which bytes of its last word belong to it */
	char *family;		/* name of the metric */
	char *help;
	enum type type;
	bool wanted;		/* by --metric */
	bool stored;		/* that, or part of a histogram */
	uint64_t bound;		/* lower bound of this bucket, in ns, or NO_BOUND */
	uint64_t sum_unit;	/* unit of the sum of a histogram, in ns, or 0 */
	struct value *values;	/* one for each row */
	size_t nr_values;
};

struct table {
	const char *file;
	const char *base;	/* of the names of the metrics */
	struct column *columns[MAX_COLUMNS];
	int nr_columns, next;
	struct text labels;
	size_t *rows;		/* where their labels begin, and where the last one ends */
	size_t nr_rows, max_rows;
	uint32_t *by_label;	/* hash table of rows */
	size_t max_by_label;
	size_t bytes;
	bool full;
	size_t nr_whole;	/* rows, if it is full */
	bool cut;		/* there were more buckets */
	bool unknown;		/* see parse_binary() */
	unsigned long skipped;
};

void table_init(struct table *table, const char *file, const char *base);
void table_free(struct table *table);
struct column *table_column(struct table *table, const char *key, size_t len);
void column_set_type(struct column *column, enum type type);

/* Whether the text begins with the key. It is compared word by word, which is faster. */
static inline bool column_is_next(const struct column *column, const char *text)
{
	uint64_t a, b;
	size_t i;

	for (i = 0;; i += sizeof(a)) {
		memcpy(&a, text + i, sizeof(a));
		memcpy(&b, column->key + i, sizeof(b));
		if (i + sizeof(a) >= column->key_len)
			return !((a ^ b) & column->last_mask);
		if (a != b)
			return false;
	}
}

ssize_t table_row(struct table *table, const struct text *label);
bool table_grow(struct table *table, struct column *column, size_t row);
void table_clear_row(struct table *table, size_t row);
void table_end(struct table *table);

static inline const char *label_of(const struct table *table, size_t row)
{
	return table->labels.at + table->rows[row];
}

static inline size_t label_len(const struct table *table, size_t row)
{
	return table->rows[row + 1] - table->rows[row];
}

/* Returns NULL if there is none. */
static inline const struct value *table_value(const struct column *column, size_t row)
{
	return row < column->nr_values && column->values[row].len ? &column->values[row] : NULL;
}

/* There is room, or the table is full from now on. */
static inline void table_set(struct table *table, struct column *column, size_t row,
			     const char *number, size_t len)
{
	struct value *value;

	if (row >= column->nr_values && !table_grow(table, column, row))
		return;

	value = &column->values[row];
	/* of a fixed size, as that is faster: there is as much behind the text of a file */
	memcpy(value->text, number, sizeof(value->text));
	value->len = len;
}

/* known.c: types and help of the figures that are known */

struct known {
	const char *file, *key;
	enum type type;
	const char *help;
};

const struct known *known_figure(const char *file, const char *key);

/* parse.c: the text of a file becomes rows of a table */

struct cgroup;

/* Returns whether it has the figures of all descendants, too. FILE_SLACK bytes follow. */
bool parse_file(struct table *table, const struct cgroup *cgroup, const char *text, size_t len);

/* binary.c: a file in binary does, too */

bool is_binary(const char *file);
void parse_binary(struct table *table, int depth, const char *data, size_t len);

/* cgroups.c: cgroups and their files, all for the scrape that has the turn, see scrape.c */

struct name {
	char *file;		/* as in the directory */
	char *base;		/* of the names of its metrics */
	size_t nr_files;	/* that are called so */
	int nr_stuck;
	size_t size;		/* of a buffer that was large enough */
	atomic_ulong skipped;	/* lines so far that aren't figures */
};

struct file {
	int name;		/* index of names */
	int fd;			/* -1: not open */
	bool absent;
	bool literal;		/* it may be lazy, and isn't listed then */
	bool listed;
	bool busy;		/* a thread that was left behind reads it; reader_lock */
	bool dropped;		/* and frees it then; reader_lock */
	unsigned char pause;	/* in how many scrapes it isn't read, as it took too long, */
	unsigned char pauses;	/* and how many that are yet */
};

struct cgroup {
	char *label;		/* path below the mount point, begins with a slash */
	const char *path;	/* below the top, "." for the top itself */
	uint64_t ino;		/* the id of the cgroup, 0 before it was looked at */
	int depth;
	bool wanted, listed;
	struct file **files;
	size_t nr_files;
	struct cgroup **children;
	size_t nr_children, max_children;
};

extern struct name names[MAX_NAMES];
extern int nr_names;
extern struct cgroup **cgroups;	/* as of the last walk, each before its descendants */
extern size_t nr_cgroups;
extern bool left_out;		/* cgroups or files, by the last walk */
extern bool top_gone;		/* as of the last cgroups_check() */
extern int top_fd, nr_open, max_open;
extern bool all_literal;	/* files are looked up by name, so none has to be searched */
extern bool new_at_top;		/* a file: the next walk looks for more of it */

void cgroups_init(void);
void cgroups_check(void);
void cgroups_walk(void);
const struct cgroup *cgroup_by_id(uint64_t id);
struct file *cgroup_file(const struct cgroup *cgroup, int name);

/* read.c: reads files in a thread, which is left behind if it gets stuck */

struct limits {
	uint64_t deadline;
	uint64_t least;		/* time that has to be left to begin with reading */
};

extern pthread_mutex_t reader_lock;

/* Looks for cgroups if it has to, and nobody has. Returns false if it isn't complete. */
bool collect(struct table *table, int name, const struct limits *limits, bool *walked);
void print_stuck(struct text *out);
void print_errors(struct text *out);

/* print.c: a table becomes text */

enum format { TEXT, OPENMETRICS };

struct printer {
	enum format format;
	struct table *table;
	int column;		/* -1: the histogram is next */
	bool begun;		/* the head of that is printed */
	size_t row;
	struct column *buckets[MAX_COLUMNS];
	char *le[MAX_COLUMNS];	/* their last labels */
	int nr_buckets;
	struct column *sum;	/* that of the histogram */
	void *used;		/* hashes of the names of metrics so far, by tsearch(3) */
};

void printer_begin(struct printer *printer, struct table *table);
bool printer_step(struct printer *printer, struct text *out);
void printer_end(struct printer *printer);
void printer_free(struct printer *printer);
void print_head(struct text *out, enum format format, const char *family, enum type type,
		const char *help);

/* scrape.c: all of that, step by step */

struct scrape *scrape_begin(enum format format, uint64_t until);
bool scrape_step(struct scrape *scrape, struct text *out);
void scrape_end(struct scrape *scrape);

/* http.c */

void serve(void);

#endif
