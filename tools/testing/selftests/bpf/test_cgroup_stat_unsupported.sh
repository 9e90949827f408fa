#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# test_cgroup_stat_unsupported.sh BPFTOOL OBJECTS: on a kernel without cgroup stat
# programs, libbpf and bpftool must say so and leave nothing behind. OBJECTS is the
# directory that tools/bpf/cgroup_stat was built in. Needs root, cgroup v2 in
# /sys/fs/cgroup and bpffs in /sys/fs/bpf; prints TAP.

bpftool=$1
objects=$2
root=/sys/fs/cgroup
link=/sys/fs/bpf/unsupported-$$
nr=0
failed=0

# report STATUS WHAT
report() {
	nr=$((nr + 1))
	if [ "$1" = 0 ]; then
		echo "ok $nr $2"
	else
		echo "not ok $nr $2"
		printf '%s\n' "$said" | sed 's/^/# /'
		failed=1
	fi
}

# attach NAME [OPTION]: run bpftool; its output is in $said
attach() {
	said=$("$bpftool" ${2:+"$2"} cgroup stat attach "$objects/$1.bpf.o" $root "$link" 2>&1)
}

says() {
	printf '%s\n' "$said" | grep -qF "$1"
}

# test_object NAME: of an object whose stat program has the same name
test_object() {
	! attach "$1"
	report $? "$1: not attached"
	# bpftool says this if libbpf_probe_bpf_prog_type() returns 0
	says "this kernel has no cgroup stat programs"
	report $? "$1: bpftool says why"
	[ "$(printf '%s\n' "$said" | wc -l)" = 1 ]
	report $? "$1: in one line"

	! attach "$1" --debug
	report $? "$1: not attached either when libbpf speaks"
	says "prog '$1': this kernel doesn't support program type 'cgroup_stat'"
	report $? "$1: libbpf says why"

	[ ! -e "$link" ] && [ ! -e "$link-progs" ] && [ -z "$(find $root -name 'bpf.stat.*')" ]
	report $? "$1: nothing left"
}

# Commands that list links show none and succeed.
test_none() {
	said=$("$bpftool" -j cgroup stat show 2>&1)
	printf '%s\n' "$said" | grep -qxF '[]'
	report $? "bpftool cgroup stat show"
	said=$("$bpftool" cgroup tree 2>&1)
	report $? "bpftool cgroup tree"
}

trap 'rm -rf "$link" "$link-progs"' EXIT
trap 'exit 143' HUP INT TERM

said="this kernel has them"
! grep -qw bpf_cgroup_stat_link_attach /proc/kallsyms
report $? "a kernel without cgroup stat programs"
test_object hist_oncpu
test_object memory
test_none
echo "1..$nr"
exit $failed
