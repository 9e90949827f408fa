// SPDX-License-Identifier: GPL-2.0
/*
 * A table has a row for each cgroup, or each line of a nested keyed file, and a column
 * for each key. Both formats demand that all samples of a metric come together, which is
 * a column, while each file has a row.
 */
#include <stdlib.h>
#include <string.h>

#include "exporter.h"

void table_init(struct table *table, const char *file, const char *base)
{
	memset(table, 0, sizeof(*table));
	table->file = file;
	table->base = base;
}

static void column_free(struct column *column)
{
	free(column->family);
	free(column->help);
	free(column->values);
	free(column);
}

void table_free(struct table *table)
{
	int i;

	for (i = 0; i < table->nr_columns; i++)
		column_free(table->columns[i]);
	free(table->labels.at);
	free(table->rows);
	free(table->by_label);
	memset(table, 0, sizeof(*table));
}

/* The bound of a bucket, such as 16_usec, or NO_BOUND. */
static uint64_t bound_of(const char *key, size_t len)
{
	const size_t suffix_len = strlen("_usec");
	uint64_t n, unit;
	char *end;

	if (*key < '0' || *key > '9' || (*key == '0' && key[1] != '_'))
		return NO_BOUND;
	n = strtoull(key, &end, 10);
	if (key + len - end != (ssize_t)suffix_len)
		return NO_BOUND;
	unit = !memcmp(end, "_usec", suffix_len) ? 1000 : !memcmp(end, "_nsec", suffix_len);
	return unit && n < NO_BOUND / unit ? n * unit : NO_BOUND;
}

/* There can't be two buckets with the same bound: 1000_nsec besides 1_usec is just a figure. */
static void set_bound(struct column *column, const struct table *table)
{
	int i;

	column->bound = bound_of(column->key, column->key_len);
	for (i = 0; i < table->nr_columns; i++)
		if (table->columns[i]->bound == column->bound)
			column->bound = NO_BOUND;
	if (!strcmp(column->key, "total_usec"))
		column->sum_unit = 1000;
	if (!strcmp(column->key, "total_nsec"))
		column->sum_unit = 1;
}

/* A counter may also be wanted by its name with _total. */
void column_set_type(struct column *column, enum type type)
{
	struct text name = { 0 };

	column->type = type;
	if (type != COUNTER)
		return;
	text_printf(&name, "%s_total", column->family);
	column->wanted |= matches(&options.metrics, name.at);
	column->stored |= column->wanted;
	free(name.at);
}

static void set_family(struct column *column, const struct table *table)
{
	const struct known *known = known_figure(table->file, column->key);
	struct text name = { 0 };

	text_puts(&name, table->base);
	if (column->key_len)
		text_puts(&name, "_");
	text_add_name(&name, column->key, column->key_len);
	column->family = text_string(&name);
	column->wanted = matches(&options.metrics, column->family);
	if (!known)
		return;
	column_set_type(column, known->type);
	column->help = must(strdup(known->help));
}

static struct column *add_column(struct table *table, const char *key, size_t len)
{
	struct column *column;

	if (table->nr_columns == MAX_COLUMNS) {
		table->cut |= bound_of(key, len) != NO_BOUND;
		return NULL;
	}

	column = must(calloc(1, sizeof(*column)));
	memcpy(column->key, key, len);
	column->key_len = len;
	memset(&column->last_mask, 0xff, len ? (len - 1) % sizeof(column->last_mask) + 1 :
					       sizeof(column->last_mask));
	set_bound(column, table);
	set_family(column, table);
	column->stored = column->wanted || column->bound != NO_BOUND || column->sum_unit;
	table->columns[table->nr_columns++] = column;
	return column;
}

static bool is_key(const struct column *column, const char *key, size_t len)
{
	return column->key_len == len && !memcmp(column->key, key, len);
}

/* Returns NULL if there are too many. */
struct column *table_column(struct table *table, const char *key, size_t len)
{
	int i;

	for (i = 0; i < table->nr_columns; i++)
		if (is_key(table->columns[i], key, len))
			break;
	table->next = i + 1;
	return i < table->nr_columns ? table->columns[i] : add_column(table, key, len);
}

/* If there is no room, that row and the ones behind it aren't whole, see table_end(). */
static bool may_take(struct table *table, size_t bytes, size_t row)
{
	if (table->bytes + bytes <= MAX_TABLE) {
		table->bytes += bytes;
		return true;
	}
	if (!table->full || row < table->nr_whole)
		table->nr_whole = row;
	table->full = true;
	return false;
}

/* Where the number of the row with that label is, plus one, or has to be put. */
static uint32_t *find_label(const struct table *table, const char *label, size_t len)
{
	size_t mask = table->max_by_label - 1, i;

	for (i = text_hash(label, len) & mask; table->by_label[i]; i = (i + 1) & mask) {
		size_t row = table->by_label[i] - 1;

		if (label_len(table, row) == len && !memcmp(label_of(table, row), label, len))
			break;
	}
	return &table->by_label[i];
}

static bool grow_rows(struct table *table)
{
	size_t max = table->max_rows ? 2 * table->max_rows : 256, row;

	if (!may_take(table, (max - table->max_rows) * (sizeof(*table->rows) + 8),
		      table->nr_rows))
		return false;

	table->rows = must(realloc(table->rows, (max + 1) * sizeof(*table->rows)));
	table->rows[table->nr_rows] = table->labels.len;
	table->max_rows = max;
	table->max_by_label = 2 * max;
	free(table->by_label);
	table->by_label = must(calloc(table->max_by_label, sizeof(*table->by_label)));
	for (row = 0; row < table->nr_rows; row++)
		*find_label(table, label_of(table, row), label_len(table, row)) = row + 1;
	return true;
}

/* Returns the number of the row with that label, or -1 if there is no room for it. */
ssize_t table_row(struct table *table, const struct text *label)
{
	uint32_t *found;

	if (table->nr_rows == table->max_rows && !grow_rows(table))
		return -1;
	found = find_label(table, label->at, label->len);
	if (*found)
		return *found - 1;
	if (!may_take(table, label->len, table->nr_rows))
		return -1;
	text_add(&table->labels, label->at, label->len);
	*found = ++table->nr_rows;
	table->rows[table->nr_rows] = table->labels.len;
	return table->nr_rows - 1;
}

bool table_grow(struct table *table, struct column *column, size_t row)
{
	size_t old = column->nr_values, nr = table->max_rows;

	if (!may_take(table, (nr - old) * sizeof(*column->values), row))
		return false;

	column->values = must(realloc(column->values, nr * sizeof(*column->values)));
	memset(column->values + old, 0, (nr - old) * sizeof(*column->values));
	column->nr_values = nr;
	return true;
}

void table_clear_row(struct table *table, size_t row)
{
	int i;

	for (i = 0; i < table->nr_columns; i++)
		if (row < table->columns[i]->nr_values)
			table->columns[i]->values[row].len = 0;
}

/* When all is read: drop rows that aren't whole. */
void table_end(struct table *table)
{
	int i;

	if (!table->full)
		return;
	table->nr_rows = table->nr_whole;
	for (i = 0; i < table->nr_columns; i++)
		if (table->columns[i]->nr_values > table->nr_rows)
			table->columns[i]->nr_values = table->nr_rows;
}
