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

/* Sets the bound if the key is that of a bucket, such as 16_usec. */
static void set_bound(struct column *column)
{
	char *end;
	uint64_t n, unit;

	column->bound = NO_BOUND;
	if (!strcmp(column->key, "total_usec"))
		column->sum_unit = 1000;
	if (!strcmp(column->key, "total_nsec"))
		column->sum_unit = 1;
	if (*column->key < '0' || *column->key > '9')
		return;

	n = strtoull(column->key, &end, 10);
	unit = !strcmp(end, "_usec") ? 1000 : !strcmp(end, "_nsec");
	if (unit && n < NO_BOUND / unit)
		column->bound = n * unit;
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
	column->type = known->type;
	column->help = must(strdup(known->help));
}

static struct column *add_column(struct table *table, const char *key, size_t len)
{
	struct column *column;

	if (table->nr_columns == MAX_COLUMNS)
		return NULL;

	column = must(calloc(1, sizeof(*column)));
	memcpy(column->key, key, len);
	column->key_len = len;
	memset(&column->last_mask, 0xff, len ? (len - 1) % sizeof(column->last_mask) + 1 :
					       sizeof(column->last_mask));
	set_bound(column);
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

static bool may_take(struct table *table, size_t bytes)
{
	if (table->bytes + bytes > MAX_TABLE) {
		table->full = true;
		return false;
	}
	table->bytes += bytes;
	return true;
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

	if (!may_take(table, (max - table->max_rows) * (sizeof(*table->rows) + 8)))
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
	if (!may_take(table, label->len))
		return -1;
	text_add(&table->labels, label->at, label->len);
	*found = ++table->nr_rows;
	table->rows[table->nr_rows] = table->labels.len;
	return table->nr_rows - 1;
}

bool table_grow(struct table *table, struct column *column)
{
	size_t old = column->nr_values, nr = table->max_rows;

	if (!may_take(table, (nr - old) * sizeof(*column->values)))
		return false;

	column->values = must(realloc(column->values, nr * sizeof(*column->values)));
	memset(column->values + old, 0, (nr - old) * sizeof(*column->values));
	column->nr_values = nr;
	return true;
}
