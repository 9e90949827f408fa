// SPDX-License-Identifier: GPL-2.0
/*
 * Files are read by a thread, because a BPF program may take any time, and nothing ends a
 * read(2) before the program does. If one file takes too long, the thread is left behind
 * with it, and another one goes on with the next file. The file isn't read again before
 * the thread has returned, so there is one such thread for each file at most. After that
 * it has a pause, which is twice as long each time, as it may be as slow as before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exporter.h"

struct reader {
	struct reader *next;		/* of those that were left behind */
	struct table *table;
	size_t at, last;		/* the cgroups to read from, by number */
	int name;
	bool left;			/* nobody waits for it, it frees itself */
	bool done;
	bool refused;			/* a file that should have been read */
	atomic_bool stop;
	int covered;			/* depth of one whose file had its descendants */
	bool top_covered;
	struct file *file;		/* that it reads now */
	uint64_t since;
	char *cgroup;			/* label of the cgroup, once it is left behind */
	char *buffer;
	size_t size;
};

static unsigned long errors[MAX_ERRNO];	/* so far, by errno */

/* Protects what readers share with those who wait for them. */
pthread_mutex_t reader_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t progress = PTHREAD_COND_INITIALIZER;
static struct reader *stuck;
static int nr_left;			/* that are stuck */

/* The cgroup only exists as long as the reader isn't left behind. */
static int open_file(struct reader *reader, const struct cgroup *cgroup)
{
	int len = -1, name = reader->name;
	char path[4096];

	pthread_mutex_lock(&reader_lock);
	if (!reader->left)
		len = snprintf(path, sizeof(path), "%s/%s", cgroup->path, names[name].file);
	pthread_mutex_unlock(&reader_lock);
	if (len < 0 || len >= (int)sizeof(path))
		return len < 0 ? -ENODEV : -ENAMETOOLONG;

	len = openat(top_fd, path, O_RDONLY | O_CLOEXEC);
	return len < 0 ? -errno : len;
}

/* One pread(2) gets all if the buffer is larger than that. */
static ssize_t read_whole(struct reader *reader, int fd)
{
	ssize_t len;

	for (;;) {
		len = pread(fd, reader->buffer, reader->size - FILE_SLACK, 0);
		if (len < 0)
			return -errno;
		if (len < (ssize_t)reader->size - FILE_SLACK) {
			memset(reader->buffer + len, 0, FILE_SLACK);
			return len;
		}
		if (reader->size >= MAX_FILE)
			return -E2BIG;
		reader->size *= 2;
		free(reader->buffer);
		reader->buffer = must(malloc(reader->size));
	}
}

/* A file that was open may be that of a link which is gone, and there may be a new one. */
static ssize_t read_file(struct reader *reader, const struct cgroup *cgroup, int *fd)
{
	ssize_t len;

	if (*fd >= 0) {
		len = read_whole(reader, *fd);
		if (len != -ENODEV)
			return len;
		close(*fd);
	}
	*fd = open_file(reader, cgroup);
	return *fd < 0 ? *fd : read_whole(reader, *fd);
}

/* A file or cgroup that is gone is no error, and neither is one that has no data. */
static void count_error(struct file *file, bool gone, int err)
{
	file->absent = gone;
	if (!gone && err != ENODATA && err < MAX_ERRNO)
		errors[err]++;
}

/* If a file that was just opened can't be read, that is what its program says. */
static bool is_gone(int fd, ssize_t err)
{
	return fd < 0 && (err == -ENOENT || err == -ENODEV);
}

static void unlink_reader(struct reader *reader)
{
	struct reader **at = &stuck;

	while (*at != reader)
		at = &(*at)->next;
	*at = reader->next;
}

/* With reader_lock held: a reader that was left behind has finished its file at last. */
static void come_back(struct reader *reader, int fd)
{
	struct file *file = reader->file;

	if (fd >= 0)
		close(fd);
	nr_left--;
	names[file->name].nr_stuck--;
	file->busy = false;
	if (file->dropped)
		free(file);
	unlink_reader(reader);
	free(reader->cgroup);
	free(reader->buffer);
	free(reader);
}

/*
 * Whether a file isn't read this time, because it takes too long, or did so, or because too
 * many are stuck.
 */
static bool is_refused(struct file *file)
{
	if (file->busy)
		return true;
	if (file->pauses) {
		file->pauses--;
		return true;
	}
	return names[file->name].nr_stuck >= MAX_STUCK || nr_left >= MAX_LEFT;
}

/* Returns false if it isn't to be read. */
static bool begin_file(struct reader *reader, struct file *file)
{
	bool refused;

	pthread_mutex_lock(&reader_lock);
	refused = is_refused(file);
	reader->refused |= refused;
	if (!refused) {
		reader->file = file;
		reader->since = now();
	}
	pthread_mutex_unlock(&reader_lock);
	return !refused;
}

/* That of the top is kept in any case, as it may be the only one. */
static bool may_be_kept(const struct reader *reader, ssize_t len)
{
	return len >= 0 && (len <= MAX_KEPT || !reader->at) && nr_open < max_open;
}

/* Keep the file open, if that is worth it. Returns false if the reader was left behind. */
static bool end_file(struct reader *reader, int fd, ssize_t len)
{
	struct file *file = reader->file;
	bool gone = is_gone(fd, len), left;

	pthread_mutex_lock(&reader_lock);
	left = reader->left;
	if (left) {
		come_back(reader, fd);
	} else {
		reader->file = NULL;
		file->pause = 0;
		/* there may be another one by now, so the next walk looks for it */
		if (gone && (file->listed || file->fd >= 0))
			cgroups[reader->at]->listed = false;
		nr_open -= file->fd >= 0;
		file->fd = -1;
		if (fd >= 0 && may_be_kept(reader, len)) {
			file->fd = fd;
			nr_open++;
			fd = -1;
		}
		if (len < 0)
			count_error(file, gone, -len);
	}
	pthread_mutex_unlock(&reader_lock);
	if (!left && fd >= 0)
		close(fd);
	return !left;
}

/* Returns false if the reader was left behind meanwhile, and doesn't exist any more. */
static bool read_one(struct reader *reader, struct cgroup *cgroup, struct file *file)
{
	int fd = file->fd;
	ssize_t len;

	if (!begin_file(reader, file))
		return true;
	len = read_file(reader, cgroup, &fd);
	if (!end_file(reader, fd, len))
		return false;
	if (len < 0)
		return true;
	if (is_binary(names[reader->name].file))
		parse_binary(reader->table, cgroup->depth, reader->buffer, len);
	else if (!parse_file(reader->table, cgroup, reader->buffer, len))
		return true;
	reader->covered = cgroup->depth;
	reader->top_covered |= !cgroup->depth;
	return true;
}

static void *run_reader(void *arg)
{
	struct reader *reader = arg;

	for (; reader->at < reader->last && !reader->stop && !reader->table->full; reader->at++) {
		struct cgroup *cgroup = cgroups[reader->at];
		struct file *file;

		if (reader->covered >= 0 && cgroup->depth > reader->covered)
			continue;
		reader->covered = -1;
		file = cgroup_file(cgroup, reader->name);
		/* that of the top may have the figures of all */
		if (file && !file->absent && (cgroup->wanted || !cgroup->depth) &&
		    !read_one(reader, cgroup, file))
			return NULL;
	}
	pthread_mutex_lock(&reader_lock);
	reader->done = true;
	pthread_cond_broadcast(&progress);
	pthread_mutex_unlock(&reader_lock);
	return NULL;
}

/* With reader_lock held: go on without this reader. Its file is its own from now on. */
static void leave_behind(struct reader *reader)
{
	struct file *file = reader->file;

	reader->left = true;
	reader->table = NULL;
	reader->cgroup = must(strdup(cgroups[reader->at]->label));
	reader->next = stuck;
	stuck = reader;
	nr_left++;
	names[file->name].nr_stuck++;
	file->busy = true;
	file->pause = file->pause ? 2 * file->pause : 1;
	if (file->pause > MAX_PAUSE)
		file->pause = MAX_PAUSE;
	file->pauses = file->pause;
	nr_open -= file->fd >= 0;
	file->fd = -1;
}

/* Returns false if it was left behind, and sets where the next one has to begin. */
static bool wait_for(struct reader *reader, uint64_t deadline, uint64_t patience,
		     struct reader *next)
{
	bool done;

	pthread_mutex_lock(&reader_lock);
	while (!reader->done) {
		uint64_t late = (reader->file ? reader->since : now()) + patience;

		if (now() >= deadline)
			reader->stop = true;
		if (reader->file && now() >= late) {
			next->at = reader->at + 1;
			next->refused = true;
			leave_behind(reader);
			break;
		}
		wait_until(&progress, &reader_lock,
			   now() < deadline && deadline < late ? deadline : late);
	}
	done = reader->done;
	pthread_mutex_unlock(&reader_lock);
	return done;
}

static struct reader *start_reader(const struct reader *like, pthread_t *thread)
{
	struct reader *reader = must(malloc(sizeof(*reader)));
	pthread_attr_t attr;
	int err;

	*reader = *like;
	reader->size = names[reader->name].size ?: 1 << 16;
	reader->buffer = must(malloc(reader->size));
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 1 << 18);
	err = pthread_create(thread, &attr, run_reader, reader);
	pthread_attr_destroy(&attr);
	if (!err)
		return reader;
	pthread_mutex_lock(&reader_lock);
	errors[err]++;
	pthread_mutex_unlock(&reader_lock);
	free(reader->buffer);
	free(reader);
	return NULL;
}

/*
 * Read the files of these cgroups. Returns false if it isn't complete.
 *
 * The first file that doesn't return takes a quarter of the time that is left, the next one
 * half as much, and so on. So at least half of it remains for the files of other names. But with
 * too little time, files that are fast enough would seem to be stuck.
 */
static bool read_range(struct table *table, int name, size_t first, size_t last,
		       const struct limits *limits, bool *top_covered)
{
	struct reader like = { .table = table, .name = name, .at = first, .last = last,
			       .covered = -1 };
	uint64_t began = now(), deadline = limits->deadline, patience;
	struct reader *reader;
	bool complete;
	pthread_t thread;
	int late;

	if (first == last)
		return true;
	if (began + limits->least > deadline)
		return false;
	patience = (deadline - began) / 4;
	for (late = 0; like.at < last; late++) {
		reader = late < MAX_LATE && now() < deadline ? start_reader(&like, &thread) : NULL;
		if (!reader)
			return false;
		if (!wait_for(reader, deadline, patience, &like)) {
			pthread_detach(thread);
			if (patience / 2 >= limits->least / 4)
				patience /= 2;
			continue;
		}
		pthread_join(thread, NULL);
		/* so that the next scrape needn't read a long file several times */
		names[name].size = reader->size;
		complete = reader->at >= last && !reader->refused;
		*top_covered = reader->top_covered;
		free(reader->buffer);
		free(reader);
		return complete;
	}
	return false;
}

/*
 * If all files are known by name, nothing has to be searched before that of the top was read,
 * which may have the figures of all cgroups. In any case such a file is tried, as there may
 * be a new link.
 */
bool collect(struct table *table, int name, const struct limits *limits, bool *walked)
{
	struct file *file = cgroup_file(cgroups[0], name);
	bool retry = file && file->literal && file->absent;
	bool top_covered = false, complete;

	if (retry)
		file->absent = false;
	complete = read_range(table, name, 0, all_literal ? 1 : nr_cgroups, limits, &top_covered);
	new_at_top |= retry && !file->absent;
	if (table->unknown && !*walked) {
		cgroups_walk();
		*walked = true;
		complete = read_range(table, name, 0, 1, limits, &top_covered);
	}
	if (!all_literal || top_covered)
		return complete;
	if (!*walked || new_at_top)
		cgroups_walk();
	*walked = true;
	return read_range(table, name, 1, nr_cgroups, limits, &top_covered) && complete;
}

/* Whether the same path is in the list once more, as that of a cgroup that was removed. */
static bool is_listed_again(const struct reader *reader)
{
	const struct reader *other;

	for (other = reader->next; other; other = other->next)
		if (other->name == reader->name && !strcmp(other->cgroup, reader->cgroup))
			return true;
	return false;
}

void print_stuck(struct text *out)
{
	struct reader *reader;

	pthread_mutex_lock(&reader_lock);
	for (reader = stuck; reader; reader = reader->next) {
		if (is_listed_again(reader))
			continue;
		text_puts(out, "bpf_stat_exporter_stuck_seconds{cgroup=\"");
		text_add_label(out, reader->cgroup, strlen(reader->cgroup));
		text_puts(out, "\",file=\"");
		text_add_label(out, names[reader->name].file, strlen(names[reader->name].file));
		text_puts(out, "\"} ");
		text_add_seconds(out, now() - reader->since);
		text_puts(out, "\n");
	}
	pthread_mutex_unlock(&reader_lock);
}

void print_errors(struct text *out)
{
	int err;

	pthread_mutex_lock(&reader_lock);
	for (err = 1; err < MAX_ERRNO; err++) {
		if (!errors[err])
			continue;
		text_puts(out, "bpf_stat_exporter_errors_total{errno=\"");
		if (strerrorname_np(err))
			text_puts(out, strerrorname_np(err));
		else
			text_add_number(out, err);
		text_printf(out, "\"} %lu\n", errors[err]);
	}
	pthread_mutex_unlock(&reader_lock);
}
