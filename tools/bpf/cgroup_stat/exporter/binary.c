// SPDX-License-Identifier: GPL-2.0
/*
 * bpf.stat.memory_tree_bin has the figures of bpf.stat.memory_tree in binary, with the ids of
 * cgroups instead of their paths. The kernel needn't print them then, and nobody has to parse
 * that. The paths are those of the last walk, and an id that it hasn't seen asks for another.
 */
#include <stdlib.h>
#include <string.h>

#include "../memory_tree.h"
#include "exporter.h"

#define FIGURE(name)	{ #name, offsetof(struct memory_tree_entry, figures.name) }

static const struct figure {
	const char *key;
	size_t at;
} figures[] = {
	FIGURE(current), FIGURE(anon), FIGURE(file), FIGURE(kernel), FIGURE(shmem),
	FIGURE(file_mapped), FIGURE(file_dirty), FIGURE(inactive_file), FIGURE(pgfault),
	FIGURE(pgmajfault), FIGURE(file_writeback), FIGURE(slab_reclaimable),
	FIGURE(workingset_refault_anon), FIGURE(workingset_refault_file), FIGURE(pgscan),
	FIGURE(pgsteal), FIGURE(oom_kill),
};

struct binary {
	struct table *table;
	struct column *columns[ARRAY_SIZE(figures)];
	struct text label;
};

bool is_binary(const char *file)
{
	return !strcmp(file, PREFIX "memory_tree_bin");
}

/* The root cgroup has neither, see memory_tree.h. */
static bool is_missing(const struct memory_tree_entry *entry, const struct figure *figure)
{
	return !entry->parent_id &&
	       (!strcmp(figure->key, "current") || !strcmp(figure->key, "oom_kill"));
}

static void put_number(struct table *table, struct column *column, size_t row, uint64_t number)
{
	/* of which table_set() copies MAX_NUMBER bytes */
	char digits[2 * MAX_NUMBER], *end = digits + MAX_NUMBER, *at = number_before(end, number);

	table_set(table, column, row, at, end - at);
}

static void put_entry(struct binary *binary, const struct memory_tree_entry *entry,
		      const struct cgroup *cgroup)
{
	struct table *table = binary->table;
	uint64_t number;
	ssize_t row;
	size_t i;

	binary->label.len = 0;
	text_puts(&binary->label, "cgroup=\"");
	text_add_label(&binary->label, cgroup->label, strlen(cgroup->label));
	text_puts(&binary->label, "\"");
	row = table_row(table, &binary->label);
	for (i = 0; row >= 0 && i < ARRAY_SIZE(figures); i++) {
		struct column *column = binary->columns[i];

		if (!column || !column->stored || figures[i].at + sizeof(number) > entry->size ||
		    is_missing(entry, &figures[i]) || table_value(column, row))
			continue;
		memcpy(&number, (const char *)entry + figures[i].at, sizeof(number));
		put_number(table, column, row, number);
	}
}

/*
 * Sets table->unknown if there is a cgroup that the last walk hasn't seen. If that is parsed
 * again after a walk, figures that are there already stay as they are.
 */
void parse_binary(struct table *table, int depth, const char *data, size_t len)
{
	const size_t least = offsetof(struct memory_tree_entry, figures);
	struct binary binary = { .table = table };
	const struct cgroup *cgroup;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(figures); i++)
		binary.columns[i] = table_column(table, figures[i].key, strlen(figures[i].key));
	while (len >= least) {
		const struct memory_tree_entry *entry = (const void *)data;

		if (entry->size < least || entry->size > len || entry->size % sizeof(uint64_t))
			break;
		data += entry->size;
		len -= entry->size;
		if (options.max_depth >= 0 && depth + (int)entry->level > options.max_depth)
			continue;
		cgroup = cgroup_by_id(entry->id);
		table->unknown |= !cgroup;
		if (cgroup && cgroup->wanted)
			put_entry(&binary, entry, cgroup);
	}
	table->skipped += !!len;
	free(binary.label.at);
}
