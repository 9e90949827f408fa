// SPDX-License-Identifier: GPL-2.0
/*
 * The cgroups below the top, and their files.
 *
 * To list a cgroup's directory takes several times as long as to read a file in it. So a
 * walk only looks at each directory that it knows. st_ino is the id of the cgroup, which
 * a new one at the same path hasn't got, and st_nlink says how many children it has. If
 * those that are known are all alive, and as many, there are no others.
 *
 * Neither that nor inotify tells when a link is attached. The top is listed each time:
 * if that shows another file, everything is listed again. Links that are attached
 * further down are found when everything is listed anyway, once a minute.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "exporter.h"

#define LIST_EVERY	(60 * NSEC_PER_SEC)

struct name names[MAX_NAMES];
int nr_names;
struct cgroup **cgroups;
size_t nr_cgroups;
bool left_out, top_gone;
int top_fd, nr_open, max_open;
bool all_literal, new_at_top;

static struct cgroup *top;
static char *top_path;		/* absolute */
static size_t path_begins;	/* in labels, behind that of the top */
static size_t nr_known;
static bool names_left_out;
static uint64_t listed_at;
static bool list_all;

static struct cgroup *new_cgroup(char *label, int depth)
{
	struct cgroup *cgroup = must(calloc(1, sizeof(*cgroup)));

	cgroup->label = label;
	cgroup->path = depth ? label + path_begins : ".";
	cgroup->depth = depth;
	cgroup->wanted = matches(&options.cgroups, label);
	nr_known++;
	return cgroup;
}

static void file_close(struct file *file)
{
	if (file->fd < 0)
		return;
	close(file->fd);
	file->fd = -1;
	nr_open--;
}

static void drop_file(struct file *file)
{
	bool busy;

	names[file->name].nr_files--;

	/* a thread that is stuck frees it when it returns */
	pthread_mutex_lock(&reader_lock);
	busy = file->busy;
	file->dropped = busy;
	pthread_mutex_unlock(&reader_lock);
	if (busy)
		return;
	file_close(file);
	free(file);
}

static void drop_contents(struct cgroup *cgroup);

static void drop_cgroup(struct cgroup *cgroup)
{
	drop_contents(cgroup);
	free(cgroup->label);
	free(cgroup);
	nr_known--;
}

static void drop_contents(struct cgroup *cgroup)
{
	size_t i;

	for (i = 0; i < cgroup->nr_files; i++)
		drop_file(cgroup->files[i]);
	for (i = 0; i < cgroup->nr_children; i++)
		drop_cgroup(cgroup->children[i]);
	free(cgroup->files);
	free(cgroup->children);
	cgroup->files = NULL;
	cgroup->children = NULL;
	cgroup->nr_files = 0;
	cgroup->nr_children = 0;
	cgroup->max_children = 0;
	cgroup->listed = false;
}

/* bpf.stat.memory is called bpf_stat_memory, memory.stat is called memory_stat. */
static int name_of(const char *file)
{
	struct text base = { 0 };
	int i;

	for (i = 0; i < nr_names; i++)
		if (!strcmp(names[i].file, file))
			return i;
	if (nr_names == MAX_NAMES) {
		names_left_out = true;
		return -1;
	}

	text_add_name(&base, file, strlen(file) - (is_binary(file) ? strlen("_bin") : 0));
	names[nr_names].file = must(strdup(file));
	names[nr_names].base = text_string(&base);
	return nr_names++;
}

/* Hash table of the cgroups of the last walk, by number plus one */
static uint32_t *by_id;
static size_t max_by_id, nr_by_id;

static uint32_t *find_id(uint64_t id)
{
	size_t mask = max_by_id - 1, i;

	for (i = id * 0x9e3779b97f4a7c15ULL >> 32 & mask; by_id[i]; i = (i + 1) & mask)
		if (cgroups[by_id[i] - 1]->ino == id)
			break;
	return &by_id[i];
}

static void index_ids(void)
{
	size_t i;

	for (max_by_id = 256; max_by_id < 2 * nr_cgroups; max_by_id *= 2)
		;
	free(by_id);
	by_id = must(calloc(max_by_id, sizeof(*by_id)));
	for (i = 0; i < nr_cgroups; i++)
		*find_id(cgroups[i]->ino) = i + 1;
	nr_by_id = nr_cgroups;
}

/* Returns NULL if the last walk hasn't seen it. */
const struct cgroup *cgroup_by_id(uint64_t id)
{
	uint32_t *found;

	if (!nr_by_id)
		index_ids();
	found = find_id(id);
	return *found ? cgroups[*found - 1] : NULL;
}

struct file *cgroup_file(const struct cgroup *cgroup, int name)
{
	size_t i;

	for (i = 0; i < cgroup->nr_files; i++)
		if (cgroup->files[i]->name == name)
			return cgroup->files[i];
	return NULL;
}

static struct file *add_file(struct cgroup *cgroup, const char *filename, bool literal)
{
	int name = name_of(filename);
	struct file *file;

	if (name < 0)
		return NULL;
	file = cgroup_file(cgroup, name);
	if (file)
		return file;

	file = must(calloc(1, sizeof(*file)));
	file->name = name;
	file->fd = -1;
	file->absent = true;
	file->literal = literal;
	cgroup->files = must(realloc(cgroup->files,
				     (cgroup->nr_files + 1) * sizeof(*cgroup->files)));
	cgroup->files[cgroup->nr_files++] = file;
	names[name].nr_files++;
	return file;
}

static bool is_literal(const char *pattern)
{
	return !strpbrk(pattern, "*?[\\");
}

/*
 * Files that are asked for by their names may be lazy, which a listing doesn't show. That of
 * the top is tried at each scrape, see collect().
 */
static void add_literal_files(struct cgroup *cgroup)
{
	const struct patterns *files = &options.files;
	struct file *file;
	size_t i;

	for (i = 0; i < files->nr; i++) {
		if (!is_literal(files->pattern[i]))
			continue;
		file = add_file(cgroup, files->pattern[i], true);
		if (file && cgroup != top)
			file->absent = false;
	}
}

/* The binary files that come with those of text are called *_bin. */
static bool is_file_wanted(const char *name)
{
	size_t len = strlen(name);

	if (len > 4 && !strcmp(name + len - 4, "_bin"))
		return false;
	return options.files.nr ? matches(&options.files, name) :
				  !strncmp(name, PREFIX, strlen(PREFIX));
}

static void see_file(struct cgroup *cgroup, const char *name)
{
	struct file *file;

	if (!is_file_wanted(name))
		return;
	file = add_file(cgroup, name, false);
	if (!file)
		return;
	file->listed = true;
	if (file->absent && cgroup == top)
		new_at_top = true;
	file->absent = false;
}

static int compare_labels(const void *a, const void *b)
{
	const struct cgroup *const *one = a, *const *other = b;

	return strcmp((*one)->label, (*other)->label);
}

/* Add a child, unless it is one of the first ones, which are sorted. */
static void see_child(struct cgroup *cgroup, const char *name, size_t nr_sorted)
{
	struct cgroup key, *at_key = &key;
	struct text label = { 0 };

	text_puts(&label, cgroup->label);
	if (label.len > 1)
		text_puts(&label, "/");
	text_puts(&label, name);
	key.label = text_string(&label);
	if (nr_sorted && bsearch(&at_key, cgroup->children, nr_sorted, sizeof(at_key),
				 compare_labels)) {
		free(label.at);
		return;
	}
	if (nr_known == MAX_CGROUPS) {
		left_out = true;
		free(label.at);
		return;
	}
	if (cgroup->nr_children == cgroup->max_children) {
		cgroup->max_children = 2 * cgroup->max_children + 1;
		cgroup->children = must(realloc(cgroup->children, cgroup->max_children *
						sizeof(*cgroup->children)));
	}
	cgroup->children[cgroup->nr_children++] = new_cgroup(label.at, cgroup->depth + 1);
}

static void drop_unseen_files(struct cgroup *cgroup)
{
	size_t i, kept = 0;

	for (i = 0; i < cgroup->nr_files; i++) {
		struct file *file = cgroup->files[i];

		if (file->listed || file->literal)
			cgroup->files[kept++] = file;
		else
			drop_file(file);
	}
	cgroup->nr_files = kept;
}

static bool is_child(const struct cgroup *cgroup, const struct dirent *entry)
{
	return entry->d_type == DT_DIR && cgroup->depth != options.max_depth &&
	       strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static bool list(struct cgroup *cgroup)
{
	size_t i, nr_sorted = cgroup->nr_children;
	struct dirent *entry;
	DIR *dir;
	int fd;

	fd = openat(top_fd, cgroup->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		left_out |= errno != ENOENT;
		cgroup->listed = false;
		return false;
	}
	dir = must(fdopendir(fd));
	for (i = 0; i < cgroup->nr_files; i++)
		cgroup->files[i]->listed = false;
	if (nr_sorted)
		qsort(cgroup->children, nr_sorted, sizeof(*cgroup->children), compare_labels);
	while ((entry = readdir(dir))) {
		if (entry->d_type == DT_REG)
			see_file(cgroup, entry->d_name);
		else if (is_child(cgroup, entry))
			see_child(cgroup, entry->d_name, nr_sorted);
	}
	closedir(dir);
	drop_unseen_files(cgroup);
	add_literal_files(cgroup);
	cgroup->listed = true;
	return true;
}

static void add_to_walk(struct cgroup *cgroup)
{
	static size_t max;

	if (nr_cgroups == max) {
		max = max ? 2 * max : 256;
		cgroups = must(realloc(cgroups, max * sizeof(*cgroups)));
	}
	cgroups[nr_cgroups++] = cgroup;
}

static bool visit(struct cgroup *cgroup);

/* Visit children from that number on. Those that are gone are dropped. */
static void visit_children(struct cgroup *cgroup, size_t first)
{
	size_t i, kept = first;

	for (i = first; i < cgroup->nr_children; i++) {
		if (visit(cgroup->children[i]))
			cgroup->children[kept++] = cgroup->children[i];
		else
			drop_cgroup(cgroup->children[i]);
	}
	cgroup->nr_children = kept;
}

/* Returns false if it is gone. */
static bool visit(struct cgroup *cgroup)
{
	bool deepest = cgroup->depth == options.max_depth;
	struct stat st;
	size_t seen;

	if (fstatat(top_fd, cgroup->path, &st, AT_SYMLINK_NOFOLLOW)) {
		left_out |= errno != ENOENT;
		return false;
	}
	if (st.st_ino != cgroup->ino)
		drop_contents(cgroup);
	cgroup->ino = st.st_ino;
	add_to_walk(cgroup);
	if (!deepest)
		visit_children(cgroup, 0);
	seen = cgroup->nr_children;
	if (cgroup->listed && !list_all && (deepest || seen == st.st_nlink - 2))
		return true;
	if (list(cgroup) && !deepest)
		visit_children(cgroup, seen);
	return true;
}

/* Look for new cgroups and files. Links that were attached at the top are seen at once. */
void cgroups_walk(void)
{
	nr_cgroups = 0;
	nr_by_id = 0;
	left_out = names_left_out;
	if (listed_at && !all_literal)
		list(top);
	list_all = !listed_at || new_at_top || now() - listed_at >= LIST_EVERY;
	new_at_top = false;
	if (list_all)
		listed_at = now();
	visit(top);
}

/*
 * At the beginning of a scrape: the top may have been removed and made again. As a reader may
 * be about to use the descriptor, it keeps its number.
 */
void cgroups_check(void)
{
	int fd = open(top_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	top_gone = fd < 0 || fstat(fd, &st);
	if (!top_gone && st.st_ino != top->ino) {
		top_gone = dup3(fd, top_fd, O_CLOEXEC) < 0;
		drop_contents(top);
		add_literal_files(top);
		top->ino = st.st_ino;
		nr_cgroups = 1;
		nr_by_id = 0;
		listed_at = 0;
	}
	if (fd >= 0)
		close(fd);
}

/* The path from the mount point, of a directory whose path is absolute. */
static char *below_mount_point(const char *path)
{
	char *parent = must(strdup(path));
	size_t len = strlen(path);
	struct stat st, above;
	char *slash;

	if (stat(path, &st))
		die("%s", path);
	while ((slash = strrchr(parent, '/'))) {
		*slash = '\0';
		if (stat(*parent ? parent : "/", &above) || above.st_dev != st.st_dev)
			break;
		len = strlen(parent);
	}
	free(parent);
	return must(strdup(path[len] ? path + len : "/"));
}

/* The first cgroup is there from the start, for files that have the figures of all. */
void cgroups_init(void)
{
	char path[PATH_MAX];
	struct statfs fs;
	struct stat st;
	size_t i;

	if (!realpath(options.top, path))
		die("%s", options.top);
	top_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top_fd < 0 || fstatfs(top_fd, &fs) || fstat(top_fd, &st))
		die("%s", path);
	errno = 0;
	if (fs.f_type != CGROUP2_SUPER_MAGIC && fs.f_type != CGROUP_SUPER_MAGIC)
		die("%s is no cgroup's directory: name one, such as /sys/fs/cgroup", path);

	top_path = must(strdup(path));
	top = new_cgroup(below_mount_point(path), 0);
	top->ino = st.st_ino;
	path_begins = top->label[1] ? strlen(top->label) + 1 : 1;
	add_literal_files(top);
	add_to_walk(top);
	all_literal = options.files.nr;
	for (i = 0; i < options.files.nr; i++)
		all_literal &= is_literal(options.files.pattern[i]);
}
