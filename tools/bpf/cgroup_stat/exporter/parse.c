// SPDX-License-Identifier: GPL-2.0
/*
 * What a file may have, as described in Documentation/admin-guide/cgroup-v2.rst:
 *
 *	300			a single number
 *	pgfault 988		flat keyed
 *	8:0 rbytes=1 wbytes=2	nested keyed
 *	# TYPE pgfault counter	a comment, as Prometheus knows it, about a key; HELP likewise
 *
 * If the first line is nested keyed and begins with ".", the file has figures of its
 * cgroup and of all descendants, by their paths from there, as that of memory_tree.
 * Everything else is skipped and counted.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "exporter.h"

struct parser {
	struct table *table;
	const struct cgroup *cgroup;
	bool tree;
	bool first;
	ssize_t row;		/* of this cgroup, -1: not yet */
	unsigned long skipped;
	struct text label, decoded;
	size_t prefix;		/* length of what all labels begin with */
};

/*
 * Number of digits, looking at eight bytes at a time: those that are none get their highest
 * bit set. There is a byte behind the text that is none.
 */
static inline size_t nr_digits(const char *at)
{
	uint64_t word;
	size_t n;

	for (n = 0;; n += sizeof(word)) {
		memcpy(&word, at + n, sizeof(word));
		word = le64toh(word) ^ 0x3030303030303030;
		word = ((word + 0x7676767676767676) | word) & 0x8080808080808080;
		if (word)
			return n + __builtin_ctzll(word) / 8;
	}
}

/* Length of the number at @at, up to what ends it; 0 if it is none, or too long. */
static size_t number_len(const char *at)
{
	size_t sign = *at == '-', len = nr_digits(at + sign), fraction;

	if (!len)
		return 0;
	len += sign;
	if (at[len] == '.') {
		fraction = nr_digits(at + len + 1);
		if (!fraction)
			return 0;
		len += 1 + fraction;
	}
	return len <= MAX_NUMBER ? len : 0;
}

static bool is_key(const char *at, const char *end)
{
	if (at == end || end - at > MAX_KEY)
		return false;
	for (; at < end; at++)
		if (*at <= ' ' || *at >= 0x7f)
			return false;
	return true;
}

/* Puts a figure into the row. Returns false if it is none. */
static bool put(struct parser *parser, ssize_t row, const char *key, const char *key_end,
		const char *number, const char *end)
{
	size_t len = number_len(number);
	struct column *column;

	if (!len || number + len != end || (key != key_end && !is_key(key, key_end)))
		return false;
	column = table_column(parser->table, key, key_end - key);
	if (!column || table_value(column, row))
		return false;
	if (column->stored)
		table_set(parser->table, column, row, number, len);
	return true;
}

/*
 * The same for as many figures as have the keys that follow in the table, as they usually do.
 * This is where most of the time is spent. Returns where that ends: the next figure, which
 * has to be looked at more closely, or not before @end.
 */
static const char *put_usual(struct parser *parser, ssize_t row, const char *at,
			     const char *end, char separator, char delimiter)
{
	struct table *table = parser->table;

	for (; at < end && table->next < table->nr_columns; table->next++) {
		struct column *column = table->columns[table->next];
		const char *number = at + column->key_len + 1;
		size_t len;

		if (!column_is_next(column, at) || number[-1] != separator)
			break;
		len = nr_digits(number);
		if (!len || len > MAX_NUMBER || (number[len] != delimiter && number + len != end) ||
		    table_value(column, row))
			break;
		if (column->stored)
			table_set(table, column, row, number, len);
		at = number + len + 1;
	}
	return at;
}

static bool begin_row(struct parser *parser)
{
	if (parser->row < 0) {
		parser->label.len = parser->prefix;
		text_add(&parser->label, "\"", 1);
		parser->row = table_row(parser->table, &parser->label);
	}
	return parser->row >= 0;
}

static bool flat_line(struct parser *parser, const char *key, const char *key_end,
		      const char *number, const char *end)
{
	return number_len(number) && begin_row(parser) &&
	       put(parser, parser->row, key, key_end, number, end);
}

static bool is_octal(const char *at, const char *end)
{
	return end - at >= 4 && *at == '\\' && at[1] >= '0' && at[1] <= '3' &&
	       at[2] >= '0' && at[2] <= '7' && at[3] >= '0' && at[3] <= '7';
}

/* Of a path below the file's cgroup, where blanks and the like are written as \040 */
static void decode(struct text *path, const char *at, const char *end)
{
	char c;

	for (path->len = 0; at < end; at++) {
		c = *at;
		if (is_octal(at, end)) {
			c = (at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0');
			at += 3;
		}
		text_add(path, &c, 1);
	}
}

/* Whether a descendant is wanted, or the cgroup itself if @len is 0. */
static bool is_wanted(const struct parser *parser, const char *path, size_t len)
{
	struct text whole = { 0 };
	int depth = parser->cgroup->depth;
	bool wanted;
	size_t i;

	if (options.max_depth < 0 && !options.cgroups.nr)
		return true;
	text_puts(&whole, parser->cgroup->label);
	if (len && whole.len > 1)
		text_puts(&whole, "/");
	for (i = 0; i < len; i++) {
		depth += !i || path[i] == '/';
		text_add(&whole, path + i, 1);
	}
	wanted = (options.max_depth < 0 || depth <= options.max_depth) &&
		 matches(&options.cgroups, text_string(&whole));
	free(whole.at);
	return wanted;
}

/* The label of a line in a tree. Returns false if it isn't wanted. */
static bool label_descendant(struct parser *parser, const char *path, size_t len)
{
	if (len == 1 && *path == '.')
		len = 0;
	if (memchr(path, '\\', len)) {
		decode(&parser->decoded, path, path + len);
		path = parser->decoded.at;
		len = parser->decoded.len;
	}
	if (!is_wanted(parser, path, len))
		return false;
	if (len && parser->cgroup->label[1])
		text_add(&parser->label, "/", 1);
	text_add_label(&parser->label, path, len);
	return true;
}

/* Words after the first one are key=number. */
static void nested_line(struct parser *parser, const char *key, const char *key_end,
			const char *end)
{
	const char *at = key_end + 1, *word_end, *equals;
	struct text *label = &parser->label;
	size_t nr_rows = parser->table->nr_rows;
	ssize_t row;

	label->len = parser->prefix;
	if (!parser->tree) {
		text_puts(label, "\",key=\"");
		text_add_label(label, key, key_end - key);
	} else if (!label_descendant(parser, key, key_end - key)) {
		return;
	}
	text_add(label, "\"", 1);
	row = table_row(parser->table, label);
	if (row < 0)
		return; /* the table is full, which is shown elsewhere */
	/* of two cgroups of the same path, the second one is not gone yet */
	if (parser->tree && row < (ssize_t)nr_rows)
		table_clear_row(parser->table, row);

	parser->table->next = 0;
	for (;;) {
		at = put_usual(parser, row, at, end, '=', ' ');
		if (at >= end)
			return;
		word_end = memchr(at, ' ', end - at) ?: end;
		equals = memchr(at, '=', word_end - at);
		if (!equals || equals == at || !put(parser, row, at, equals, equals + 1, word_end))
			parser->skipped++;
		at = word_end + 1;
	}
}

/* # TYPE key counter, # HELP key text */
static void comment(struct parser *parser, const char *at, const char *end)
{
	bool type = !strncmp(at, "# TYPE ", 7);
	struct column *column;
	const char *key_end;

	if (!type && strncmp(at, "# HELP ", 7))
		return;
	at += 7;
	key_end = memchr(at, ' ', end - at);
	if (!key_end || !is_key(at, key_end))
		return;
	column = table_column(parser->table, at, key_end - at);
	if (!column)
		return;

	at = key_end + 1;
	if (!type && !column->help)
		column->help = must(strndup(at, end - at < MAX_HELP ? end - at : MAX_HELP));
	if (type && end - at == 7 && !memcmp(at, "counter", 7))
		column_set_type(column, COUNTER);
	if (type && end - at == 5 && !memcmp(at, "gauge", 5))
		column_set_type(column, GAUGE);
}

static void parse_line(struct parser *parser, const char *at, const char *end)
{
	const char *blank = memchr(at, ' ', end - at);
	bool nested = blank && memchr(blank + 1, '=', end - blank - 1);
	bool first = parser->first, good = true;

	if (at == end)
		return;
	if (*at == '#') {
		comment(parser, at, end);
		return;
	}
	if (first)
		parser->tree = nested && blank - at == 1 && *at == '.';
	parser->first = false;
	/* of a cgroup that isn't wanted, a tree may have descendants that are */
	if (!parser->tree && !parser->cgroup->wanted)
		return;
	if (blank == at || (nested && blank - at > MAX_LABEL))
		good = false;
	else if (nested)
		nested_line(parser, at, blank, end);
	else if (blank)
		good = flat_line(parser, at, blank, blank + 1, end);
	else
		good = first && flat_line(parser, at, at, at, end);
	if (!good)
		parser->skipped++;
}

bool parse_file(struct table *table, const struct cgroup *cgroup, const char *text, size_t len)
{
	struct parser parser = { .table = table, .cgroup = cgroup, .first = true, .row = -1 };
	const char *at = text, *text_end = text + len, *end;

	text_puts(&parser.label, "cgroup=\"");
	text_add_label(&parser.label, cgroup->label, strlen(cgroup->label));
	parser.prefix = parser.label.len;
	for (;;) {
		if (parser.row >= 0)
			at = put_usual(&parser, parser.row, at, text_end, ' ', '\n');
		if (at >= text_end)
			break;
		end = memchr(at, '\n', text_end - at) ?: text_end;
		parse_line(&parser, at, end);
		at = end + 1;
	}
	table->skipped += parser.skipped;
	free(parser.label.at);
	free(parser.decoded.at);
	return parser.tree;
}
