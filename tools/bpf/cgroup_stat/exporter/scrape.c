// SPDX-License-Identifier: GPL-2.0
/*
 * A scrape reads the files of one name, prints that, and goes on with the next name, so
 * that it never holds the figures of more than one. The time that is spent in reading is
 * limited. If the limit is reached, the rest is left out.
 */
#include <stdlib.h>
#include <string.h>

#include "exporter.h"

struct scrape {
	struct printer printer;
	struct table table;
	bool walked, printing, incomplete, ended;
	int name;		/* whose files are in the table */
	uint64_t left, took;	/* time for reading */
	uint64_t until;		/* when reading ends, whatever took the time */
	struct limits limits;	/* for the name that is read */
	size_t nr_cgroups;	/* as of the last reading */
	int nr_names, nr_open;
};

struct scrape *scrape_begin(enum format format, uint64_t until)
{
	struct scrape *scrape = must(calloc(1, sizeof(*scrape)));
	uint64_t left = until - now();

	scrape->printer.format = format;
	scrape->left = left < options.timeout ? left : options.timeout;
	scrape->limits.least = scrape->left / 8;
	scrape->until = until;
	scrape->name = -1;
	return scrape;
}

/* One scrape at a time has the turn, and with it the cgroups and their files. */
static pthread_mutex_t turn_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_ends = PTHREAD_COND_INITIALIZER;
static bool is_taken;

static bool begin_turn(uint64_t deadline)
{
	bool good;
	int err = 0;

	pthread_mutex_lock(&turn_lock);
	while (is_taken && !err)
		err = wait_until(&turn_ends, &turn_lock, deadline);
	good = !is_taken;
	is_taken = true;
	pthread_mutex_unlock(&turn_lock);
	return good;
}

static void end_turn(void)
{
	pthread_mutex_lock(&turn_lock);
	is_taken = false;
	pthread_cond_signal(&turn_ends);
	pthread_mutex_unlock(&turn_lock);
}

/* In its turn */
static void read_name(struct scrape *scrape)
{
	struct table *table = &scrape->table;
	int name = ++scrape->name;

	if (!name)
		cgroups_check();
	/* names are found by a walk */
	if (!name && !all_literal) {
		cgroups_walk();
		scrape->walked = true;
	}
	/* those of links that are gone */
	while (name < nr_names && !names[name].nr_files)
		name = ++scrape->name;
	if (name >= nr_names)
		return;
	table_init(table, names[name].file, names[name].base);
	scrape->incomplete |= !collect(table, name, &scrape->limits, &scrape->walked);
	scrape->incomplete |= table->full;
	table_end(table);
	printer_begin(&scrape->printer, table);
	scrape->printing = true;
}

/* Read the files of the next name. Returns false if there is none. */
static bool read_next(struct scrape *scrape)
{
	uint64_t began = now(), deadline = began + scrape->left, took;
	uint64_t least = scrape->limits.least;

	/* the first reading has found all names */
	if (scrape->name >= 0 && scrape->name + 1 >= scrape->nr_names)
		return false;
	if (deadline > scrape->until)
		deadline = scrape->until;
	if (began + least > deadline || !begin_turn(deadline - least)) {
		scrape->incomplete = true;
		return false;
	}
	scrape->limits.deadline = deadline;
	read_name(scrape);
	scrape->incomplete |= left_out || top_gone;
	scrape->nr_cgroups = nr_cgroups;
	scrape->nr_names = nr_names;
	scrape->nr_open = nr_open;
	end_turn();
	took = now() - began;
	scrape->took += took;
	scrape->left -= took < scrape->left ? took : scrape->left;
	return scrape->printing;
}

static void gauge(struct scrape *scrape, struct text *out, const char *family, const char *help)
{
	print_head(out, scrape->printer.format, family, GAUGE, help);
	text_puts(out, family);
	text_puts(out, " ");
}

static void print_skipped(const struct scrape *scrape, struct text *out)
{
	int i;

	for (i = 0; i < scrape->nr_names; i++) {
		if (!names[i].skipped)
			continue;
		text_puts(out, "bpf_stat_exporter_skipped_total{file=\"");
		text_add_label(out, names[i].file, strlen(names[i].file));
		text_printf(out, "\"} %lu\n", (unsigned long)names[i].skipped);
	}
}

/* What the exporter tells about itself. */
static void print_own(struct scrape *scrape, struct text *out)
{
	enum format format = scrape->printer.format;

	gauge(scrape, out, "bpf_stat_exporter_cgroups", "Cgroups that were looked at.");
	text_printf(out, "%zu\n", scrape->nr_cgroups);
	gauge(scrape, out, "bpf_stat_exporter_open_files", "Files that are kept open.");
	text_printf(out, "%d\n", scrape->nr_open);
	gauge(scrape, out, "bpf_stat_exporter_incomplete",
	      "1 if there is more than is shown: a limit was reached, or a program is late.");
	text_printf(out, "%d\n", scrape->incomplete);
	gauge(scrape, out, "bpf_stat_exporter_read_seconds",
	      "How long reading took, with waiting.");
	text_add_seconds(out, scrape->took);
	text_puts(out, "\n");
	print_head(out, format, "bpf_stat_exporter_errors", COUNTER,
		   "Files that could not be read, by error.");
	print_errors(out);
	print_head(out, format, "bpf_stat_exporter_skipped", COUNTER,
		   "What isn't a figure, by file.");
	print_skipped(scrape, out);
	print_head(out, format, "bpf_stat_exporter_stuck_seconds", GAUGE,
		   "Files whose program doesn't return, and for how long.");
	print_stuck(out);
	if (format == OPENMETRICS)
		text_puts(out, "# EOF\n");
}

static void end_name(struct scrape *scrape)
{
	names[scrape->name].skipped += scrape->table.skipped;
	printer_end(&scrape->printer);
	table_free(&scrape->table);
	scrape->printing = false;
}

/* Adds the next part of the output. Returns whether there is more. */
bool scrape_step(struct scrape *scrape, struct text *out)
{
	if (scrape->printing) {
		if (!printer_step(&scrape->printer, out))
			end_name(scrape);
	} else if (!scrape->ended && !read_next(scrape)) {
		print_own(scrape, out);
		scrape->ended = true;
	}
	return !scrape->ended;
}

/* Also called for one that has not ended. */
void scrape_end(struct scrape *scrape)
{
	if (scrape->printing)
		end_name(scrape);
	printer_free(&scrape->printer);
	free(scrape);
}
