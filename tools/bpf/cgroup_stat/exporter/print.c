// SPDX-License-Identifier: GPL-2.0
/*
 * OpenMetrics 1.0.0, or the text format 0.0.4 of Prometheus. The samples are the same in
 * both. They differ in what comes before, and in "# EOF" at the end.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "exporter.h"

#define BLOCK	48
#define OWN	"bpf_stat_exporter_"

static const char *const type_names[2][4] = {
	[TEXT] = { "untyped", "counter", "gauge", "histogram" },
	[OPENMETRICS] = { "unknown", "counter", "gauge", "histogram" },
};

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && !strcmp(text + len - end_len, end);
}

/* The samples of a counter end with _total, which isn't part of the name in OpenMetrics. */
void print_head(struct text *out, enum format format, const char *family, enum type type,
		const char *help)
{
	const char *suffix = type == COUNTER && format == TEXT ? "_total" : "";

	text_printf(out, "# TYPE %s%s %s\n", family, suffix, type_names[format][type]);
	if (format == OPENMETRICS && ends_with(family, "_bytes"))
		text_printf(out, "# UNIT %s bytes\n", family);
	if (format == OPENMETRICS && ends_with(family, "_seconds"))
		text_printf(out, "# UNIT %s seconds\n", family);
	text_printf(out, "# HELP %s%s ", family, suffix);
	text_add_help(out, help);
	text_puts(out, "\n");
}

static int compare_hashes(const void *a, const void *b)
{
	return (a > b) - (a < b);
}

static void *hash_of(const char *family, const char *suffix)
{
	struct text name = { 0 };
	uint64_t hash;

	text_puts(&name, family);
	text_puts(&name, suffix);
	hash = text_hash(name.at, name.len);
	free(name.at);
	return (void *)hash;
}

/*
 * Different keys may make the same name: a-b and a_b. Only the first one is shown, as a
 * scrape with a metric twice is refused as a whole.
 */
static bool claim(void **used, const char *family, const char *const *suffixes)
{
	const char *const *suffix;

	if (!strncmp(family, OWN, strlen(OWN)))
		return false;
	for (suffix = suffixes; *suffix; suffix++)
		if (tfind(hash_of(family, *suffix), used, compare_hashes))
			return false;
	for (suffix = suffixes; *suffix; suffix++)
		must(tsearch(hash_of(family, *suffix), used, compare_hashes));
	return true;
}

static bool claim_column(void **used, const struct column *column)
{
	static const char *const plain[] = { "", NULL };
	static const char *const counter[] = { "", "_total", "_created", NULL };

	return claim(used, column->family, column->type == COUNTER ? counter : plain);
}

/*
 * Copies whole blocks, which is faster: up to BLOCK - 1 bytes behind the source are read,
 * and as many behind the copy are written.
 */
static char *copy_blocks(char *to, const char *from, size_t len)
{
	size_t i;

	for (i = 0; i < len; i += BLOCK)
		memcpy(to + i, from + i, BLOCK);
	return to + len;
}

/* There are BLOCK bytes behind the name, and behind the labels of the table. */
static void add_sample(struct text *out, const struct table *table, size_t row,
		       const struct text *name, const struct value *value)
{
	size_t label = label_len(table, row);
	char *at;

	text_reserve(out, name->len + label + sizeof(value->text) + 3 + BLOCK);
	at = copy_blocks(out->at + out->len, name->at, name->len);
	at = copy_blocks(at, label_of(table, row), label);
	*at++ = '}';
	*at++ = ' ';
	memcpy(at, value->text, sizeof(value->text));
	at += value->len;
	*at++ = '\n';
	out->len = at - out->at;
}

static void print_rows(struct printer *printer, const struct column *column, struct text *out)
{
	struct table *table = printer->table;
	struct text name = { 0 };
	size_t row;

	text_printf(&name, "%s%s{", column->family, column->type == COUNTER ? "_total" : "");
	text_reserve(&name, BLOCK);
	text_reserve(&table->labels, BLOCK);
	for (row = printer->row; row < column->nr_values && out->len < MAX_CHUNK; row++)
		if (column->values[row].len)
			add_sample(out, table, row, &name, &column->values[row]);
	printer->row = row;
	free(name.at);
}

static void print_column_head(struct printer *printer, const struct column *column,
			      struct text *out)
{
	struct text help = { 0 };

	if (column->help)
		text_puts(&help, column->help);
	else if (column->key_len)
		text_printf(&help, "%s in %s.", column->key, printer->table->file);
	else
		text_printf(&help, "The number in %s.", printer->table->file);
	print_head(out, printer->format, column->family, column->type, text_string(&help));
	free(help.at);
}

/* A counter can't be negative. Returns false if no other value is left. */
static bool drop_negative(struct table *table, struct column *column)
{
	bool any = false;
	size_t row;

	for (row = 0; row < column->nr_values; row++) {
		struct value *value = &column->values[row];

		if (value->len && *value->text == '-') {
			value->len = 0;
			table->skipped++;
		}
		any |= value->len;
	}
	return any;
}

static bool begin_column(struct printer *printer, struct column *column, struct text *out)
{
	/* which comes back behind the name */
	if (column->type == COUNTER && ends_with(column->family, "_total"))
		column->family[strlen(column->family) - strlen("_total")] = '\0';
	if (column->type == COUNTER && !drop_negative(printer->table, column))
		return false;
	if (!claim_column(&printer->used, column)) {
		printer->table->skipped++;
		return false;
	}
	print_column_head(printer, column, out);
	return true;
}

static bool is_part_of_histogram(const struct printer *printer, const struct column *column)
{
	return (printer->nr_buckets || printer->table->cut) &&
	       (column->bound != NO_BOUND || column == printer->sum);
}

static void next_column(struct printer *printer)
{
	printer->column++;
	printer->row = 0;
	printer->begun = false;
}

static void print_column(struct printer *printer, struct text *out)
{
	struct column *column = printer->table->columns[printer->column];

	if (!printer->begun)
		printer->begun = column->nr_values && column->wanted &&
				 !is_part_of_histogram(printer, column) &&
				 begin_column(printer, column, out);
	if (printer->begun)
		print_rows(printer, column, out);
	if (!printer->begun || printer->row == column->nr_values)
		next_column(printer);
}

/* Adds the number to the sum. Returns false if it isn't a count. */
static bool add_count(const struct value *value, uint64_t *sum)
{
	uint64_t count = 0;
	int i;

	for (i = 0; i < value->len; i++) {
		if (value->text[i] < '0' || value->text[i] > '9' ||
		    __builtin_mul_overflow(count, 10, &count) ||
		    __builtin_add_overflow(count, value->text[i] - '0', &count))
			return false;
	}
	return !__builtin_add_overflow(*sum, count, sum);
}

/* Sets the cumulative counts of a row. Returns false if there are none. */
static bool get_counts(struct printer *printer, size_t row, uint64_t *counts)
{
	bool any = false;
	uint64_t sum = 0;
	int i;

	for (i = 0; i < printer->nr_buckets; i++) {
		const struct value *value = table_value(printer->buckets[i], row);

		if (value && !add_count(value, &sum)) {
			printer->table->skipped++;
			return false;
		}
		any |= !!value;
		counts[i] = sum;
	}
	return any;
}

static void add_name(const struct printer *printer, size_t row, const char *suffix,
		     struct text *out)
{
	const struct table *table = printer->table;

	text_puts(out, table->base);
	text_puts(out, suffix);
	text_add(out, label_of(table, row), label_len(table, row));
}

static void print_count(const struct printer *printer, size_t row, uint64_t count,
			struct text *out)
{
	add_name(printer, row, "_seconds_count{", out);
	text_puts(out, "} ");
	text_add_number(out, count);
	text_puts(out, "\n");
}

/* In OpenMetrics, there may be a count only if there is a sum. */
static void print_count_and_sum(const struct printer *printer, size_t row, uint64_t count,
				struct text *out)
{
	const struct column *sum = printer->sum;
	const struct value *value = sum ? table_value(sum, row) : NULL;
	uint64_t total = 0;
	bool has_sum = value && add_count(value, &total);

	if (has_sum || printer->format == TEXT)
		print_count(printer, row, count, out);
	if (!has_sum)
		return;
	add_name(printer, row, "_seconds_sum{", out);
	text_puts(out, "} ");
	text_add_seconds(out, (__uint128_t)total * sum->sum_unit);
	text_puts(out, "\n");
}

static void print_buckets(struct printer *printer, size_t row, struct text *out)
{
	uint64_t counts[MAX_COLUMNS];
	int i;

	if (!get_counts(printer, row, counts))
		return;

	for (i = 0; i < printer->nr_buckets; i++) {
		add_name(printer, row, "_seconds_bucket{", out);
		text_puts(out, printer->le[i]);
		text_add_number(out, counts[i]);
		text_puts(out, "\n");
	}
	print_count_and_sum(printer, row, counts[i - 1], out);
}

/* Whether the name of any of its samples is wanted */
static bool is_wanted(const char *family, const char *const *suffix)
{
	struct text name = { 0 };
	bool wanted = false;

	for (; *suffix && !wanted; suffix++) {
		name.len = 0;
		text_printf(&name, "%s%s", family, *suffix);
		wanted = matches(&options.metrics, name.at);
	}
	free(name.at);
	return wanted;
}

static bool begin_histogram(struct printer *printer, struct text *out)
{
	static const char *const suffixes[] = { "", "_bucket", "_count", "_sum", "_created", NULL };
	const struct table *table = printer->table;
	const struct known *known = known_figure(table->file, "");
	struct text family = { 0 };
	bool good;

	text_printf(&family, "%s_seconds", table->base);
	good = is_wanted(text_string(&family), suffixes) &&
	       claim(&printer->used, family.at, suffixes);
	if (good)
		print_head(out, printer->format, family.at, HISTOGRAM,
			   known ? known->help : "How often what took how long.");
	free(family.at);
	return good;
}

static void print_histogram(struct printer *printer, struct text *out)
{
	size_t nr_rows = printer->table->nr_rows;

	if (!printer->begun)
		printer->begun = printer->nr_buckets && begin_histogram(printer, out);
	while (printer->begun && printer->row < nr_rows && out->len < MAX_CHUNK)
		print_buckets(printer, printer->row++, out);
	if (!printer->begun || printer->row == nr_rows)
		next_column(printer);
}

static int compare_bounds(const void *a, const void *b)
{
	const struct column *const *one = a, *const *other = b;

	return ((*one)->bound > (*other)->bound) - ((*one)->bound < (*other)->bound);
}

/* A bucket ends where the next one begins. */
static void set_le(struct printer *printer, int bucket)
{
	struct text le = { 0 };

	text_puts(&le, ",le=\"");
	if (bucket + 1 < printer->nr_buckets)
		text_add_bound(&le, printer->buckets[bucket + 1]->bound);
	else
		text_puts(&le, "+Inf");
	text_puts(&le, "\"} ");
	printer->le[bucket] = text_string(&le);
}

void printer_begin(struct printer *printer, struct table *table)
{
	int i;

	printer->table = table;
	printer->column = -1;
	printer->row = 0;
	printer->begun = false;
	printer->nr_buckets = 0;
	printer->sum = NULL;
	for (i = 0; i < table->nr_columns; i++) {
		struct column *column = table->columns[i];

		if (column->bound != NO_BOUND && column->nr_values)
			printer->buckets[printer->nr_buckets++] = column;
		if (column->sum_unit)
			printer->sum = column;
	}
	/* a single one is just a figure, and some of them are wrong as a whole */
	if (printer->nr_buckets == 1 || table->cut)
		printer->nr_buckets = 0;
	qsort(printer->buckets, printer->nr_buckets, sizeof(*printer->buckets), compare_bounds);
	for (i = 0; i < printer->nr_buckets; i++)
		set_le(printer, i);
}

/* Adds about MAX_CHUNK bytes. Returns whether there may be more. */
bool printer_step(struct printer *printer, struct text *out)
{
	while (out->len < MAX_CHUNK && printer->column < printer->table->nr_columns) {
		if (printer->column < 0)
			print_histogram(printer, out);
		else
			print_column(printer, out);
	}
	return printer->column < printer->table->nr_columns;
}

void printer_end(struct printer *printer)
{
	while (printer->nr_buckets)
		free(printer->le[--printer->nr_buckets]);
}

static void keep(void *hash)
{
}

void printer_free(struct printer *printer)
{
	tdestroy(printer->used, keep);
}
