/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the BPF programs and the test. */
#ifndef CGROUP_STAT_NOTIFY_H
#define CGROUP_STAT_NOTIFY_H

#define NOTIFY_NAME	"notify"
#define LONGEST_NAME	"a_name_of_fifty_four_characters_is_as_long_as_can_be_4"

enum which_name { OURS, PREFIXED, EMPTY, PATH, TOO_LONG, LONGEST };

enum deferred_from {
	FROM_SWITCH, FROM_WAKING, FROM_XDP, FROM_TC, FROM_EGRESS, FROM_PERF_EVENT,
	FROM_ENQUEUE, NR_DEFERRED,
};

struct notify_args {
	__u64 id;		/* of the cgroup */
	__u64 count;
	enum which_name name;
	int ret;		/* out: what the kfunc returned */
};

#endif /* CGROUP_STAT_NOTIFY_H */
