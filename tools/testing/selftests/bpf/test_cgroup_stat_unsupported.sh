#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# test_cgroup_stat_unsupported.sh BUILD: on a kernel without cgroup stat programs,
# are libbpf and the loader clear about it, and is nothing left? BUILD is the
# folder that tools/bpf/cgroup_stat was built in. Takes root, cgroup v2 in
# /sys/fs/cgroup and bpffs in /sys/fs/bpf; prints TAP.

build=$1
root=/sys/fs/cgroup
pins=/sys/fs/bpf/unsupported-$$
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

# attach OBJECT PROGRAM [-v]: what is said is in $said
attach() {
	said=$("$build/cgroup_stat" attach ${3:+"$3"} "$build/$1" "$2" $root "$pins" 2>&1)
}

says() {
	printf '%s\n' "$said" | grep -qF "$1"
}

test_object() {
	! attach "$1" "$2"
	report $? "$2: not attached"
	# that's where libbpf_probe_bpf_prog_type() returns 0
	says "this kernel has no cgroup stat programs"
	report $? "$2: the loader says why"
	[ "$(printf '%s\n' "$said" | wc -l)" = 1 ]
	report $? "$2: in one line"

	! attach "$1" "$2" -v
	report $? "$2: not attached either when libbpf speaks"
	says "prog '$2': this kernel doesn't support program type 'cgroup_stat'"
	report $? "$2: libbpf says why"

	[ ! -e "$pins" ] && [ -z "$(find $root -name 'bpf.stat.*')" ]
	report $? "$2: nothing left"
}

trap 'rm -rf "$pins"' EXIT
trap 'exit 143' HUP INT TERM

said="this kernel has them"
! grep -qw bpf_cgroup_stat_link_attach /proc/kallsyms
report $? "a kernel without cgroup stat programs"
test_object hist_oncpu.bpf.o histo_on_cpu
test_object memory.bpf.o memory
echo "1..$nr"
exit $failed
