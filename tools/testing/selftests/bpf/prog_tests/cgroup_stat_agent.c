// SPDX-License-Identifier: GPL-2.0
/*
 * A node agent attaches a program, pins the link and is killed. The agents that are
 * started after it take over the pinned link and update its program. Meanwhile pollers
 * read the file, and no read may fail or be answered by a program that was replaced.
 */
#include <test_progs.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "cgroup_stat_agent.skel.h"
#include "cgroup_stat_helpers.h"

#define NAME		"agent"
#define STAT_FILE	"bpf.stat." NAME
#define PIN_PATH	"/sys/fs/bpf/cgroup_stat_agent"
#define COOKIE		42
#define NR_AGENTS	3

/* The results of an agent, in memory shared with the test. */
struct report {
	int attach_err;		/* of attaching; all agents use the same name */
	int err;		/* of pinning the link or taking it over */
	struct bpf_link_info info;	/* of the pinned link that it took over */
	char name[64];
	__u32 prog_id;		/* of the program it loaded */
	volatile bool done;
};

/* A thread that reads the file all the time. */
struct poller {
	pthread_t thread;
	int (*read)(struct poller *poller, char *buf, size_t size);
	int file;
	volatile long nr_reads;
	volatile int version;	/* the result of the last read */
	volatile int err;	/* the first error of a read */
	volatile long nr_errors;
	long nr_backward;
};

static int cg = -1;
static volatile bool stop_polling;

static struct bpf_link *attach(struct bpf_program *prog)
{
	return attach_stat(prog, cg, .name = NAME, .cookie = COOKIE);
}

static struct cgroup_stat_agent *load_version(int version)
{
	struct cgroup_stat_agent *skel = cgroup_stat_agent__open();

	if (!skel)
		return NULL;
	skel->rodata->version = version;
	if (!cgroup_stat_agent__load(skel))
		return skel;
	cgroup_stat_agent__destroy(skel);
	return NULL;
}

static int pread_file(struct poller *poller, char *buf, size_t size)
{
	return pread_str(poller->file, buf, size);
}

static int open_and_read(struct poller *poller, char *buf, size_t size)
{
	return read_file(cg, STAT_FILE, buf, size);
}

static void poll_once(struct poller *poller)
{
	char buf[64];
	int ret, version;

	ret = poller->read(poller, buf, sizeof(buf));
	if (ret >= 0 && sscanf(buf, "version %d\n", &version) != 1)
		ret = -EBADMSG;
	if (ret < 0) {
		poller->err = poller->err ?: ret;
		poller->nr_errors++;
		return;
	}

	poller->nr_backward += version < poller->version;
	poller->version = version;
	poller->nr_reads++;
}

static void *run_poller(void *arg)
{
	while (!stop_polling) {
		poll_once(arg);
		usleep(100);	/* leave CPU time to the agents */
	}
	return NULL;
}

static bool start_poller(struct poller *poller)
{
	poller->file = openat(cg, STAT_FILE, O_RDONLY);
	if (!ASSERT_OK_FD(poller->file, "open"))
		return false;
	return ASSERT_OK(pthread_create(&poller->thread, NULL, run_poller, poller),
			 "pthread_create");
}

static void stop_poller(struct poller *poller)
{
	if (!poller->thread)
		return;
	pthread_join(poller->thread, NULL);
	close(poller->file);
	ASSERT_EQ(poller->nr_errors, 0, "reads that failed");
	ASSERT_EQ(poller->nr_backward, 0, "reads answered by a program that was replaced");
}

/* Check that the poller goes on reading, and reads the output of this version. */
static bool assert_polls(struct poller *poller, int version)
{
	long nr_reads = poller->nr_reads;

	wait_until(poller->nr_errors ||
		   (poller->version == version && poller->nr_reads > nr_reads + 20));
	return ASSERT_EQ(poller->err, 0, "a read failed") &&
	       ASSERT_EQ(poller->version, version, "what it reads") &&
	       ASSERT_GT(poller->nr_reads, nr_reads + 20, "it goes on");
}

/* Take over the link that the previous agent pinned. */
static int take_over(struct cgroup_stat_agent *skel, struct report *report)
{
	struct bpf_link_info *info = &report->info;
	__u32 len = sizeof(*info);
	struct bpf_link *link;
	int err;

	link = bpf_link__open(PIN_PATH);
	if (!link)
		return -errno;

	info->cgroup_stat.name = ptr_to_u64(report->name);
	info->cgroup_stat.name_len = sizeof(report->name);
	err = bpf_link_get_info_by_fd(bpf_link__fd(link), info, &len);
	return err ?: bpf_link__update_program(link, skel->progs.answer);
}

/* Nothing is closed here: the agent is killed, and the kernel does it. */
static int be_agent(int version, struct report *report)
{
	struct cgroup_stat_agent *skel = load_version(version);
	struct bpf_prog_info info;
	struct bpf_link *link;
	int err;

	if (!skel)
		return -errno;
	err = get_prog_info(skel->progs.answer, &info);
	if (err)
		return err;
	report->prog_id = info.id;

	link = attach(skel->progs.answer);
	report->attach_err = link ? 0 : -errno;
	return link ? bpf_link__pin(link, PIN_PATH) : take_over(skel, report);
}

static pid_t start_agent(int version, struct report *report)
{
	pid_t pid = fork();

	if (pid)
		return pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	report->err = be_agent(version, report);
	report->done = true;
	for (;;)
		pause();
}

static void kill_agent(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	if (ASSERT_EQ(waitpid(pid, &status, 0), pid, "waitpid"))
		ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "killed");
}

static void assert_found(struct report *report, __u32 prog_id)
{
	ASSERT_EQ(report->attach_err, -EEXIST, "the name is taken");
	ASSERT_STREQ(report->name, STAT_FILE, "name");
	ASSERT_EQ(report->info.type, BPF_LINK_TYPE_CGROUP_STAT, "type");
	ASSERT_EQ(report->info.prog_id, prog_id, "the program of the agent before");
	ASSERT_EQ(report->info.cgroup_stat.cgroup_id, get_cgroup_id("/agent"), "cgroup_id");
	ASSERT_EQ(report->info.cgroup_stat.cookie, COOKIE, "cookie");
	ASSERT_EQ(report->info.cgroup_stat.mode, 0444, "mode");
	ASSERT_EQ(report->info.cgroup_stat.nr_files, 1, "nr_files");
}

static bool assert_all_poll(struct poller *pollers, int nr, int version)
{
	for (int i = 0; i < nr; i++)
		if (!assert_polls(&pollers[i], version))
			return false;
	return true;
}

static bool start_pollers(struct poller *pollers, int nr)
{
	for (int i = 0; i < nr; i++)
		if (!start_poller(&pollers[i]))
			return false;
	return true;
}

/* Start an agent, check its file, kill it, check the file again. */
static bool live(int version, struct report *report, struct poller *pollers, int nr)
{
	pid_t pid = start_agent(version, report);
	bool ok;

	if (!ASSERT_GT(pid, 0, "fork"))
		return false;
	ok = ASSERT_TRUE(wait_until(report->done), "the agent has its file") &&
	     ASSERT_OK(report->err, "the agent's errors");
	/* the file exists once the first agent has attached */
	if (ok && version == 1)
		ok = start_pollers(pollers, nr);

	ok = ok && assert_all_poll(pollers, nr, version);
	kill_agent(pid);
	return ok && assert_all_poll(pollers, nr, version);
}

static void unpin(void)
{
	ASSERT_OK(unlink(PIN_PATH), "unpin");
	/* unlinking a pin puts the link from a work item */
	ASSERT_TRUE(wait_until(!has_file(cg, STAT_FILE)), "the file goes with the pin");
}

static void test_takeover(void)
{
	struct poller pollers[] = { { .read = pread_file }, { .read = open_and_read } };
	struct report *reports;

	reports = mmap(NULL, NR_AGENTS * sizeof(*reports), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!ASSERT_NEQ(reports, MAP_FAILED, "mmap"))
		return;

	stop_polling = false;
	for (int i = 0; i < NR_AGENTS; i++) {
		if (!live(i + 1, &reports[i], pollers, ARRAY_SIZE(pollers)))
			break;
		if (i)
			assert_found(&reports[i], reports[i - 1].prog_id);
		else
			ASSERT_OK(reports[i].attach_err, "the first agent attaches");
	}
	stop_polling = true;
	for (int i = 0; i < ARRAY_SIZE(pollers); i++)
		stop_poller(&pollers[i]);
	unpin();
	munmap(reports, NR_AGENTS * sizeof(*reports));
}

/* Returns how many times the program must have been run. */
static int read_all_ways(void)
{
	struct poller poller = { .file = openat(cg, STAT_FILE, O_RDONLY) };
	const int nr = 100;
	char buf[64];

	for (int i = 0; i < nr; i++) {
		ASSERT_GT(pread_file(&poller, buf, sizeof(buf)), 0, "pread");
		ASSERT_GT(open_and_read(&poller, buf, sizeof(buf)), 0, "open and read");
	}

	/* a read(2) at the end of the file doesn't run the program */
	ASSERT_GT(read(poller.file, buf, sizeof(buf)), 0, "read");
	ASSERT_EQ(read(poller.file, buf, sizeof(buf)), 0, "read at the end");
	close(poller.file);
	return 2 * nr + 1;
}

static void test_stats(struct bpf_program *prog)
{
	struct bpf_prog_info before, after;
	struct bpf_link *link;
	int stats, nr_reads;

	link = attach(prog);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (!ASSERT_OK_FD(stats, "bpf_enable_stats"))
		goto out;

	ASSERT_OK(get_prog_info(prog, &before), "info");
	nr_reads = read_all_ways();
	ASSERT_OK(get_prog_info(prog, &after), "info");
	ASSERT_EQ(after.run_cnt - before.run_cnt, nr_reads, "run_cnt");
	ASSERT_GT(after.run_time_ns, before.run_time_ns, "run_time_ns");
	close(stats);
out:
	bpf_link__destroy(link);
}

static void test_stats_of(bool sleepable)
{
	struct cgroup_stat_agent *skel = load_version(1);

	if (!ASSERT_OK_PTR(skel, "load"))
		return;
	test_stats(sleepable ? skel->progs.answer_sleepable : skel->progs.answer);
	cgroup_stat_agent__destroy(skel);
}

void test_cgroup_stat_agent(void)
{
	if (!ASSERT_OK(setup_cgroup_environment(), "cgroup environment"))
		goto out;
	cg = create_and_get_cgroup("/agent");
	if (!ASSERT_OK_FD(cg, "create cgroup"))
		goto out;

	if (test__start_subtest("takeover"))
		test_takeover();
	if (test__start_subtest("stats"))
		test_stats_of(false);
	if (test__start_subtest("stats_sleepable"))
		test_stats_of(true);

	close(cg);
	remove_cgroup("/agent");
out:
	cleanup_cgroup_environment();
}
