// SPDX-License-Identifier: GPL-2.0
/*
 * A program can be preempted, and another task may then run the same program on the
 * same CPU for another cgroup. Which memory keeps its contents, and which is
 * overwritten by the other run?
 */
#include <test_progs.h>
#include <pthread.h>
#include <sched.h>
#include "cgroup_stat_helpers.h"
#include "cgroup_stat_scratch.skel.h"

#define NAME		"scratch"
#define STAT_FILE	"bpf.stat." NAME

enum { TOP, FIRST, SECOND, NR_CGROUPS };

static const char * const paths[NR_CGROUPS] = {
	"/scratch", "/scratch/first", "/scratch/second",
};

static int cg[NR_CGROUPS];

struct reader {
	pthread_t thread;
	int cgroup;
	int ret;
	__u64 id;		/* the cgroup id that it read */
};

static int run_on_cpu_0(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus) ? -errno : 0;
}

static int read_id(int cgroup, __u64 *id)
{
	char buf[32];
	int ret = read_file(cgroup, STAT_FILE, buf, sizeof(buf));

	*id = strtoull(buf, NULL, 10);
	return ret < 0 ? ret : 0;
}

static void *run_reader(void *arg)
{
	struct reader *reader = arg;

	reader->ret = run_on_cpu_0() ?: read_id(reader->cgroup, &reader->id);
	return NULL;
}

static bool start_reader(struct reader *reader)
{
	return ASSERT_OK(pthread_create(&reader->thread, NULL, run_reader, reader), "thread");
}

static void join_reader(struct reader *reader)
{
	pthread_join(reader->thread, NULL);
	ASSERT_OK(reader->ret, "read");
}

/* Let the second reader run while the first one is in the middle of its program. */
static void meet(struct cgroup_stat_scratch *skel, struct reader *first, struct reader *second)
{
	skel->bss->inside = false;
	skel->bss->met = false;
	if (!start_reader(first))
		return;
	while (!skel->bss->inside && !first->ret)
		usleep(1000);
	if (start_reader(second))
		join_reader(second);
	join_reader(first);
	ASSERT_TRUE(skel->bss->met, "the second one ran while the first one waited");
}

/* @is_private: the second run doesn't overwrite what the first run stored */
static void test_scratch(struct cgroup_stat_scratch *skel, struct bpf_program *prog,
			 bool is_private)
{
	__u64 first_id = get_cgroup_id(paths[FIRST]), second_id = get_cgroup_id(paths[SECOND]);
	struct reader first = { .cgroup = cg[FIRST] }, second = { .cgroup = cg[SECOND] };
	struct bpf_link *link;

	link = attach_stat(prog, cg[TOP], .name = NAME);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;

	meet(skel, &first, &second);
	ASSERT_EQ(second.id, second_id, "the second reader's own");
	ASSERT_EQ(first.id, is_private ? first_id : second_id, "the first reader's");
	bpf_link__destroy(link);
}

void test_cgroup_stat_scratch(void)
{
	struct cgroup_stat_scratch *skel;

	skel = cgroup_stat_scratch__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open and load"))
		return;
	if (!setup_tree(cg, paths, NR_CGROUPS) || write_sysctl(NO_STALLS, "1"))
		goto out;

	if (test__start_subtest("percpu_array_is_shared"))
		test_scratch(skel, skel->progs.in_percpu_array, false);
	if (test__start_subtest("stack"))
		test_scratch(skel, skel->progs.on_stack, true);
	if (test__start_subtest("task_storage"))
		test_scratch(skel, skel->progs.in_task_storage, true);
	if (test__start_subtest("object"))
		test_scratch(skel, skel->progs.in_object, true);
	write_sysctl(NO_STALLS, "0");
out:
	cleanup_tree(cg, NR_CGROUPS);
	cgroup_stat_scratch__destroy(skel);
}
