// SPDX-License-Identifier: GPL-2.0
/* What the figures of the programs in tools/bpf/cgroup_stat are. */
#include <string.h>

#include "exporter.h"

/* memory stands for memory_tree, too, which has the same figures. */
static const struct known figures[] = {
	{ "memory", "current", GAUGE, "All memory that is charged, in bytes." },
	{ "memory", "anon", GAUGE, "Anonymous memory in use, in bytes." },
	{ "memory", "file", GAUGE, "Page cache, tmpfs and shared memory, in bytes." },
	{ "memory", "kernel", GAUGE, "What the kernel holds on the cgroup's behalf, in bytes." },
	{ "memory", "shmem", GAUGE, "Part of file: tmpfs and shared memory, in bytes." },
	{ "memory", "file_mapped", GAUGE, "Part of file that is mapped, in bytes." },
	{ "memory", "file_dirty", GAUGE, "Part of file that has yet to be written, in bytes." },
	{ "memory", "inactive_file", GAUGE,
	  "Part of file that reclaim looks at first, in bytes." },
	{ "memory", "pgfault", COUNTER, "Page faults." },
	{ "memory", "pgmajfault", COUNTER, "Page faults that had to wait for I/O." },
	{ "memory", "file_writeback", GAUGE, "Part of file that is being written, in bytes." },
	{ "memory", "slab_reclaimable", GAUGE, "Part of kernel that can be freed, in bytes." },
	{ "memory", "workingset_refault_anon", COUNTER,
	  "Anonymous pages that were reclaimed and needed again soon." },
	{ "memory", "workingset_refault_file", COUNTER,
	  "Pages of files that were reclaimed and needed again soon." },
	{ "memory", "pgscan", COUNTER, "Pages that reclaim has looked at." },
	{ "memory", "pgsteal", COUNTER, "Pages that were reclaimed." },
	{ "memory", "oom_kill", COUNTER, "Processes that the OOM killer has killed." },
	{ "oom", "kills", COUNTER, "Processes that the OOM killer has killed." },
	{ "oom", "last_pid", GAUGE, "The process that was killed last." },
	{ "oom", "last_time_usec", GAUGE,
	  "When it was killed, by CLOCK_MONOTONIC, in microseconds." },
	{ "oom", "last_cgroup_id", GAUGE, "The cgroup that it was in." },
	{ "net", "tcp_sent_bytes", COUNTER, "Bytes that TCP sockets accepted to be sent." },
	{ "net", "tcp_sent_calls", COUNTER, "Calls that sent to TCP sockets." },
	{ "net", "tcp_received_bytes", COUNTER, "Bytes that were read from TCP sockets." },
	{ "net", "tcp_received_calls", COUNTER, "Calls that read from TCP sockets." },
	{ "net", "udp_sent_bytes", COUNTER, "Bytes in datagrams that were sent." },
	{ "net", "udp_sent_calls", COUNTER, "Datagrams that were sent." },
	{ "net", "udp_received_bytes", COUNTER, "Bytes in datagrams that were received." },
	{ "net", "udp_received_calls", COUNTER, "Datagrams that were received." },
	{ "knob", "", GAUGE, "The number of the knob, or what it inherits." },
	{ "runqlat", "", UNKNOWN, "How long tasks waited for a CPU." },
	{ "runqlat", "nr_waits", COUNTER, "How often tasks waited for a CPU." },
	{ "hist_oncpu", "", UNKNOWN, "How long tasks stayed on the CPU at a stretch." },
	{ "hist_oncpu", "nr_stretches", COUNTER, "Stretches on the CPU." },
};

/* The help of a histogram is that of the key "". */
const struct known *known_figure(const char *file, const char *key)
{
	size_t i;

	if (strncmp(file, PREFIX, strlen(PREFIX)))
		return NULL;
	file += strlen(PREFIX);
	if (!strcmp(file, "memory_tree") || !strcmp(file, "memory_tree_bin"))
		file = "memory";
	if (!strcmp(file, "hist_oncpu_ns"))
		file = "hist_oncpu";
	for (i = 0; i < ARRAY_SIZE(figures); i++)
		if (!strcmp(figures[i].file, file) && !strcmp(figures[i].key, key))
			return &figures[i];
	return NULL;
}
