// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "exporter.h"

void text_grow(struct text *text, size_t len)
{
	text->size = 2 * text->size + len + 64;
	text->at = must(realloc(text->at, text->size));
}

void text_puts(struct text *text, const char *what)
{
	text_add(text, what, strlen(what));
}

/* What was added, as a string, which the caller frees. */
char *text_string(struct text *text)
{
	text_add(text, "", 1);
	return text->at;
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list args, again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	text_reserve(text, len);
	vsnprintf(text->at + text->len, len + 1, format, again);
	text->len += len;
	va_end(again);
	va_end(args);
}

/* Part of the name of a metric: what it may not have becomes an underscore. */
void text_add_name(struct text *text, const char *what, size_t len)
{
	size_t i;

	text_reserve(text, len);
	for (i = 0; i < len; i++)
		text->at[text->len++] = isalnum((unsigned char)what[i]) ? what[i] : '_';
}

/* What needs no escaping anywhere */
static bool is_plain(char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* Length of the UTF-8 character at @at, or 0 if it isn't one that can be printed. */
static size_t utf8_len(const unsigned char *at, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2, i;
	uint32_t code;

	if (*at < 0x80)
		return *at >= ' ' && *at < 0x7f;
	if (*at < 0xc0 || *at >= 0xf8 || len > left)
		return 0;

	code = *at & (0x7f >> len);
	for (i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	return len;
}

/*
 * Text for a label or for help, with @quote instead of a quotation mark. Bytes that aren't
 * UTF-8 and control characters become \xHH, with the backslash escaped.
 */
static void add_escaped(struct text *text, const char *what, size_t len, const char *quote)
{
	size_t n;

	for (; len; what += n, len -= n) {
		for (n = 0; n < len && is_plain(what[n]); n++)
			;
		text_add(text, what, n);
		if (n)
			continue;
		n = utf8_len((const unsigned char *)what, len);
		if (*what == '"')
			text_puts(text, quote);
		else if (*what == '\\')
			text_puts(text, "\\\\");
		else if (n)
			text_add(text, what, n);
		else
			text_printf(text, "\\\\x%02x", (unsigned char)*what);
		n = n ?: 1;
	}
}

void text_add_label(struct text *text, const char *what, size_t len)
{
	add_escaped(text, what, len, "\\\"");
}

/* The same in both formats: only OpenMetrics knows \" here. */
void text_add_help(struct text *text, const char *what)
{
	add_escaped(text, what, strlen(what), "'");
}

void text_add_number(struct text *text, uint64_t number)
{
	char digits[20], *end = digits + sizeof(digits), *at = number_before(end, number);

	text_add(text, at, end - at);
}

/* With at least one digit after the point. */
void text_add_seconds(struct text *text, __uint128_t ns)
{
	char digits[16];
	int len;

	text_add_number(text, ns / NSEC_PER_SEC);
	len = snprintf(digits, sizeof(digits), ".%09u", (unsigned int)(ns % NSEC_PER_SEC));
	while (len > 2 && digits[len - 1] == '0')
		len--;
	text_add(text, digits, len);
}

/*
 * The same for the label le: as Go prints it, which OpenMetrics asks for, so that Prometheus
 * needn't write it otherwise. Numbers that %g might round keep all of their digits.
 */
void text_add_bound(struct text *text, uint64_t ns)
{
	char number[32];

	if (ns >= 1000000 * NSEC_PER_SEC) {
		text_add_seconds(text, ns);
		return;
	}
	snprintf(number, sizeof(number), "%.15g", (double)ns / NSEC_PER_SEC);
	text_puts(text, number);
	if (!strpbrk(number, ".e"))
		text_puts(text, ".0");
}

/* By eight bytes at a time, as each row has a label */
uint64_t text_hash(const char *what, size_t len)
{
	uint64_t hash = len, word;

	for (; len >= sizeof(word); what += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, what, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 29;
	}
	for (; len; what++, len--)
		hash = (hash ^ (unsigned char)*what) * 0x100000001b3ULL;
	return hash ^ hash >> 32;
}
