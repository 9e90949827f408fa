// SPDX-License-Identifier: GPL-2.0
/*
 * bpf_seq_put_decimal_ull() and bpf_seq_put_decimal_ll() print what printf() prints, and
 * return an error if the buffer of the iterator is full.
 */
#include <test_progs.h>
#include "seq_put_decimal.skel.h"
#include "seq_put_decimal_fail.skel.h"
#include "progs/seq_put_decimal.h"

#define MANY		10000
#define PIECE		65536
#define SPARE		2	/* bytes that the kfuncs may leave unused in a full buffer */

static const char * const call_names[NR_CALLS] = {
	"ull_none", "ull_char", "ull_long", "ll_none", "ll_char", "ll_long",
};

static char expected[MANY * 32], buf[sizeof(expected) + PIECE];

static int expect_number(char *to, enum which_call which, __s64 num)
{
	static const char * const delimiters[] = { "", " ", LONG_DELIMITER };

	return sprintf(to, which < LL_NONE ? "%s%llu" : "%s%lld",
		       delimiters[which % ARRAY_SIZE(delimiters)], num);
}

static struct seq_put_decimal *load(enum which_call which, const __s64 *numbers, __u32 nr)
{
	struct seq_put_decimal *skel = seq_put_decimal__open();

	if (!ASSERT_OK_PTR(skel, "open"))
		return NULL;
	if (!ASSERT_OK(bpf_map__set_max_entries(skel->maps.numbers, nr), "number of numbers") ||
	    !ASSERT_OK(seq_put_decimal__load(skel), "load")) {
		seq_put_decimal__destroy(skel);
		return NULL;
	}
	for (__u32 i = 0; i < nr; i++)
		ASSERT_OK(bpf_map__update_elem(skel->maps.numbers, &i, sizeof(i), &numbers[i],
					       sizeof(numbers[i]), 0), "number");
	skel->bss->which = which;
	memset(skel->bss->padding, '.', sizeof(skel->bss->padding));
	return skel;
}

static struct bpf_link *attach(struct seq_put_decimal *skel)
{
	LIBBPF_OPTS(bpf_iter_attach_opts, opts);
	union bpf_iter_link_info info = { .map.map_fd = bpf_map__fd(skel->maps.numbers) };
	struct bpf_link *link;

	opts.link_info = &info;
	opts.link_info_len = sizeof(info);
	link = bpf_program__attach_iter(skel->progs.print, &opts);
	ASSERT_OK_PTR(link, "attach");
	return link;
}

/* Read all in pieces. Returns its length, or -errno if the first read fails. */
static ssize_t read_iter(struct bpf_link *link, size_t piece)
{
	int fd = bpf_iter_create(bpf_link__fd(link));
	ssize_t len = 0, n = 0;

	if (!ASSERT_OK_FD(fd, "create iterator"))
		return fd;
	while (len + piece <= sizeof(buf) && (n = read(fd, buf + len, piece)) > 0)
		len += n;
	n = n < 0 ? -errno : len;
	close(fd);
	return n;
}

static void assert_reads(struct bpf_link *link, size_t piece, size_t len)
{
	ASSERT_EQ(read_iter(link, piece), len, "length");
	ASSERT_OK(memcmp(buf, expected, len), "contents");
}

static void test_numbers(enum which_call which)
{
	static const __s64 numbers[] = {
		0, 1, 9, 10, 11, 99, 100, 4294967295, 4294967296, -1, -9, -10, -11, -4294967296,
		LLONG_MAX - 1, LLONG_MAX, LLONG_MIN, LLONG_MIN + 1,
	};
	struct seq_put_decimal *skel = load(which, numbers, ARRAY_SIZE(numbers));
	struct bpf_link *link;
	char *end = expected;

	if (!skel)
		return;
	for (int i = 0; i < ARRAY_SIZE(numbers); i++)
		end += expect_number(end, which, numbers[i]);

	link = attach(skel);
	assert_reads(link, PIECE, end - expected);
	ASSERT_EQ(skel->bss->calls, ARRAY_SIZE(numbers), "calls");
	ASSERT_EQ(skel->bss->overflows, 0, "overflows");
	ASSERT_EQ(skel->bss->other_error, 0, "error");

	bpf_link__destroy(link);
	seq_put_decimal__destroy(skel);
}

/* Numbers that don't fit in the buffer any more are printed again in the next read(2). */
static void test_many(enum which_call which)
{
	static __s64 numbers[MANY];
	struct seq_put_decimal *skel;
	struct bpf_link *link;
	char *end = expected;

	for (int i = 0; i < MANY; i++) {
		numbers[i] = (__s64)(i * 0x9e3779b97f4a7c15ULL) >> i % 64;
		end += expect_number(end, which, numbers[i]);
	}
	skel = load(which, numbers, MANY);
	if (!skel)
		return;

	link = attach(skel);
	assert_reads(link, PIECE, end - expected);
	ASSERT_GT(skel->bss->overflows, 0, "overflows");
	ASSERT_EQ(skel->bss->calls, MANY + skel->bss->overflows, "calls");
	assert_reads(link, 4095, end - expected);
	ASSERT_EQ(skel->bss->other_error, 0, "error");

	bpf_link__destroy(link);
	seq_put_decimal__destroy(skel);
}

/*
 * With so much padding, the first number and the second one must be complete, wherever
 * the buffer ends. If already the first one doesn't fit, nothing can be read.
 */
static void assert_edge(struct seq_put_decimal *skel, struct bpf_link *link,
			size_t size, size_t padding, size_t first, size_t second)
{
	size_t len = padding + first + second;
	bool too_big;
	ssize_t ret;

	skel->bss->padding_len = padding;
	skel->bss->calls = 0;
	skel->bss->overflows = 0;
	ret = read_iter(link, PIECE);

	too_big = ret == -E2BIG && padding + first + SPARE >= size;
	if (!too_big) {
		ASSERT_EQ(ret, len, "length");
		ASSERT_OK(memcmp(buf, skel->bss->padding, padding), "padding");
		ASSERT_OK(memcmp(buf + padding, expected, first + second), "numbers");
		ASSERT_LT(padding + first, size, "the first number fits");
	}
	ASSERT_GE(skel->bss->overflows, len >= size, "overflows");
	ASSERT_LE(skel->bss->overflows, len + SPARE >= size, "overflows");
	ASSERT_EQ(skel->bss->calls, too_big ? 1 : 2 + skel->bss->overflows, "calls");
}

/* Let the buffer end at each byte of two numbers. */
static void assert_edges(enum which_call which, const __s64 numbers[2])
{
	struct seq_put_decimal *skel = load(which, numbers, 2);
	size_t first, second, size = 8 * getpagesize();
	struct bpf_link *link;

	if (!skel)
		return;
	first = expect_number(expected, which, numbers[0]);
	second = expect_number(expected + first, which, numbers[1]);

	link = attach(skel);
	for (size_t left = 0; left <= first + second + 2 * SPARE; left++)
		assert_edge(skel, link, size, size - left, first, second);
	assert_edge(skel, link, size, size + 1, first, second);
	ASSERT_EQ(skel->bss->other_error, 0, "error");

	bpf_link__destroy(link);
	seq_put_decimal__destroy(skel);
}

static void test_edges(enum which_call which)
{
	static const __s64 pairs[][2] = { { 0, 1 }, { -9, -10 }, { LLONG_MAX, LLONG_MIN } };

	for (int i = 0; i < ARRAY_SIZE(pairs); i++)
		assert_edges(which, pairs[i]);
}

static const struct {
	const char *name;
	void (*fn)(enum which_call which);
} tests[] = {
	{ "numbers", test_numbers },
	{ "edges", test_edges },
};

void test_seq_put_decimal(void)
{
	char name[64];

	RUN_TESTS(seq_put_decimal_fail);

	for (int i = 0; i < ARRAY_SIZE(tests); i++) {
		for (int which = 0; which < NR_CALLS; which++) {
			snprintf(name, sizeof(name), "%s_%s", tests[i].name, call_names[which]);
			if (test__start_subtest(name))
				tests[i].fn(which);
		}
	}
	if (test__start_subtest("many_ull"))
		test_many(ULL_CHAR);
	if (test__start_subtest("many_ll"))
		test_many(LL_CHAR);
}
