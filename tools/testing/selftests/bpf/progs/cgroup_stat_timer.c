// SPDX-License-Identifier: GPL-2.0
/* A timer that is started by a read and goes on after the file is gone. */
#include <vmlinux.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

#define CLOCK_MONOTONIC		1
#define PERIOD			1000000		/* ns */
#define TIMES			3

struct alarm_value {
	struct bpf_timer timer;
	__u64 fired;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct alarm_value);
} alarms SEC(".maps");

volatile bool may_fire;	/* until then the timer only restarts itself */

static int on_alarm(void *map, int *key, struct alarm_value *alarm)
{
	if (may_fire)
		alarm->fired++;
	if (alarm->fired < TIMES)
		bpf_timer_start(&alarm->timer, PERIOD, 0);
	return 0;
}

SEC("cgroup/stat")
int set_alarm(struct bpf_cgroup_stat_ctx *ctx)
{
	struct alarm_value *alarm;
	int key = 0;

	alarm = bpf_map_lookup_elem(&alarms, &key);
	if (!alarm)
		return -ENOENT;
	if (bpf_timer_init(&alarm->timer, &alarms, CLOCK_MONOTONIC) ||
	    bpf_timer_set_callback(&alarm->timer, on_alarm) ||
	    bpf_timer_start(&alarm->timer, PERIOD, 0))
		return -EBUSY;

	BPF_SEQ_PRINTF(ctx->meta->seq, "fired %llu", alarm->fired);
	return 0;
}
