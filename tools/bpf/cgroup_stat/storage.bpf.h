/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __STORAGE_BPF_H
#define __STORAGE_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

/*
 * Look up a cgroup's storage in @map, or create it with the contents of @value (zeroes if
 * NULL). To create it also fails if another CPU creates it at the same time, or storage
 * of that cgroup for another map: so try again. Returns NULL if memory is short, or the
 * cgroup is being removed.
 */
static __always_inline void *get_storage(void *map, struct cgroup *cgrp, void *value)
{
	return bpf_cgrp_storage_get(map, cgrp, value, BPF_LOCAL_STORAGE_GET_F_CREATE) ?:
	       bpf_cgrp_storage_get(map, cgrp, value, BPF_LOCAL_STORAGE_GET_F_CREATE) ?:
	       bpf_cgrp_storage_get(map, cgrp, NULL, 0);
}

#endif
