#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh BUILD: watch a cgroup stat program at work; needs root and cgroup v2
#
# BUILD is the folder that this folder's Makefile built in. Whatever is shown is
# checked as well: the exit status is 0 only if all was as it should be. All
# that the demo makes is gone when it ends, however it ends.

root=/sys/fs/cgroup
pins=/sys/fs/bpf/hist_oncpu
web_pins=/sys/fs/bpf/web_only
file=bpf.stat.hist_oncpu
patience=30		# seconds to wait for what should happen soon
nr_lines=26		# 24 buckets and two sums
steps=0
tasks=()

say() { printf '%s\n' "$*"; }
step() { printf '\n=== %d. %s\n' $((++steps)) "$1"; }

die() {
	say "demo.sh: $1" >&2
	exit 1
}

fail() {
	printf 'FAILED: expected: %s\n        seen:     %s\n' "$1" "$2"
	exit 1
}

# expect WHAT SEEN COMMAND...: the command is the check, the rest is for people
expect() {
	local what=$1 seen=$2

	shift 2
	"$@" || fail "$what" "$seen"
	say "ok: $what"
}

# run COMMAND: show a command and what it prints, keep that in $out
run() {
	say "# $1"
	out=$(eval "$1" 2>&1) || fail "success of: $1" "status $?, $out"
	[ -z "$out" ] || say "$out"
}

# within COMMAND...: try until it succeeds or patience runs out
within() {
	local end=$((SECONDS + patience))

	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

value() { awk -v key="$1" '$1 == key { print $2 }'; }	# of a key, from stdin
now_usec() { say "${EPOCHREALTIME/[.,]/}"; }
total() { value total_usec < "$1/$file"; }
total_nsec() { value total_nsec < "$1/$file"; }
usage() { value usage_usec < "$1/cpu.stat"; }
ran_for() { [ "$(total "$1")" -ge "$2" ] 2> /dev/null; }
is_empty() { grep -qx 'populated 0' "$1/cgroup.events"; }
has_no_files() { [ -z "$(find $root -name 'bpf.stat.*')" ]; }
is_between() { (($1 >= $2 && $1 <= $3)); }
is_near() { is_between "$1" $(($2 * 4 / 5 - 200000)) $(($2 * 6 / 5 + 200000)); }
none_exists() { [ -z "$(ls -d "$@" 2> /dev/null)" ]; }
none_runs() { ! kill -0 "$@" 2> /dev/null; }
is_in() { awk -v unit="_$1" '/sec/ { n++; ok += index($1, unit) > 0 } END { exit !n || ok < n }'; }

# A histogram on stdin agrees with itself: its buckets add up to nr_stretches,
# and total_* lies between the shortest and the longest that they can stand for.
is_consistent() {
	awk 'NF != 2 || $2 !~ /^[0-9]+$/ { bad = 1 }
	     /^[0-9]/ { sum += $2; min += $1 * $2 }
	     /^0_/ { max += $2 * (/nsec/ ? 1000 : 1) }
	     /^[1-9]/ { max += 2 * $1 * $2 }
	     /^4194304/ && $2 { max += 1e18 }
	     /^nr_stretches/ { nr = $2 }
	     /^total_[nu]sec/ { total = $2; seen++ }
	     END { exit bad || seen != 1 || sum != nr || total < min || total > max * 1.05 }'
}

# start_hog CGROUP: a loop that would take all of CPU 0
start_hog() {
	say "# taskset -c 0 sh -c 'while :; do :; done' &"
	taskset -c 0 sh -c 'while :; do :; done' &
	tasks+=($!)
	disown $!	# or bash reports its death
	run "echo $! > $1/cgroup.procs"
}

# ask: have the reader read once more through its descriptor; answer in $out
ask() {
	local line

	out=
	say >&"${reader[1]}"
	while read -r -t $patience line <&"${reader[0]}"; do
		[ "$line" != end ] || return 0
		out+=${out:+$'\n'}$line
	done
	fail "an answer from the reader" "${out:-nothing}"
}

clean_up() {
	local dir

	trap '' HUP INT TERM
	kill -KILL "${tasks[@]}"
	for dir in "$pins" "$web_pins"; do
		[ ! -e "$dir" ] || rm -r "$dir"
	done
	for dir in $root/demo/{late,batch,web} ${made_demo:+$root/demo}; do
		[ ! -e "$dir" ] || { within is_empty "$dir" && rmdir "$dir"; }
	done
	[ -z "$enabled_cpu" ] || echo -cpu > $root/cgroup.subtree_control
	made_demo='' enabled_cpu=''
} 2> /dev/null

build=$1
[ "$(id -u)" = 0 ] || die "try as root"
[ -x "$build/cgroup_stat" ] || die "no cgroup_stat in '$build': name the folder that was built in"
[ "$(stat -fc %T $root)" = cgroup2fs ] || die "no cgroup v2: mount -t cgroup2 none $root"
[ "$(stat -fc %T /sys/fs/bpf)" = bpf_fs ] || die "no bpffs: mount -t bpf none /sys/fs/bpf"
grep -qw cpu $root/cgroup.controllers || die "no cpu controller: set CONFIG_FAIR_GROUP_SCHED"
for dir in "$root/demo" "$pins" "$web_pins"; do
	[ ! -e "$dir" ] || die "$dir exists: remove it"
done
PATH=$(realpath "$build"):$PATH
object=$(realpath "$build")/hist_oncpu.bpf.o
cd $root || exit 1
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "bpf.stat on $(uname -r): how long do tasks stay on the CPU, cgroup by cgroup?"

step "Two cgroups compete for one CPU, one with three times the weight"
grep -qw cpu cgroup.subtree_control || { enabled_cpu=1; run "echo +cpu > cgroup.subtree_control"; }
made_demo=1
run "mkdir demo"
run "echo +cpu > demo/cgroup.subtree_control"
run "mkdir demo/web demo/batch"
run "echo 300 > demo/web/cpu.weight"
start_hog demo/web
start_hog demo/batch
expect "a task in each of them" "$(cat demo/{web,batch}/cgroup.procs | tr '\n' ' ')" \
	[ "$(cat demo/{web,batch}/cgroup.procs)" = "$(printf '%s\n' "${tasks[@]}")" ]

step "Attach hist_oncpu at the top: one link, one file in every directory"
attached_at=$(now_usec)
run "cgroup_stat attach -n hist_oncpu $object histo_on_cpu $root $pins"
declare -A used shown
for dir in demo/web demo/batch demo; do
	used[$dir]=$(usage $dir) shown[$dir]=$(total $dir)
done
run "find $root -name $file"
expect "the file in all $(find $root -type d | wc -l) directories, and nowhere else" "$out" \
	[ "$(say "$out" | sort)" = "$(find $root -type d -printf "%p/$file\n" | sort)" ]

step "What it shows: two cgroups and their parent"
within ran_for demo 2000000 || fail "2000000 usec in demo" "$(total demo)"
for dir in demo/web demo/batch demo; do
	used[$dir]=$(($(usage $dir) - used[$dir]))
	run "cat $dir/$file"
	ran=$(value total_usec <<< "$out")
	growth=$((ran - shown[$dir])) shown[$dir]=$ran
	expect "its buckets agree with its sums" "the above" is_consistent <<< "$out"
	expect "it grew by $growth usec, cpu.stat by about as much: ${used[$dir]}" \
		"$growth" is_near "$growth" "${used[$dir]}"
done
elapsed=$(($(now_usec) - attached_at))
web=${shown[demo/web]} batch=${shown[demo/batch]} demo=${shown[demo]}
both_now=$(($(total demo/web) + $(total demo/batch)))
expect "all $nr_lines lines are there" "$(wc -l <<< "$out")" [ "$(wc -l <<< "$out")" = $nr_lines ]
expect "web, the heavier one, ran at least 1.5 times as long as batch" "$web and $batch usec" \
	[ $((2 * web)) -ge $((3 * batch)) ]
expect "demo has what both had before, and at most what both have now" \
	"$demo usec, $((web + batch)) before, $both_now now" \
	is_between "$demo" $((web + batch)) $both_now
expect "that is no more than one CPU can give" "$demo usec in $elapsed usec" \
	[ "$demo" -le $elapsed ]

step "A cgroup that is made now has the file at once; nothing ran in it, so all is 0"
run "mkdir demo/late"
run "grep -c ' 0\$' demo/late/$file"
expect "$nr_lines zeros" "$out" [ "$out" = $nr_lines ]

step "Move a task there: the figures follow it"
run "echo ${tasks[1]} > demo/late/cgroup.procs"
within ran_for demo/late 1 || fail "demo/late to get time" "$(cat demo/late/$file)"
batch=$(total demo/batch)
within ran_for demo/late 300000 || fail "300000 usec in demo/late" "$(total demo/late)"
run "grep -v ' 0\$' demo/late/$file"
expect "its buckets agree with its sums" "the above" is_consistent <<< "$out"
run "grep total demo/batch/$file"
expect "batch stands still" "first $batch, then $out" [ "$out" = "total_usec $batch" ]

step "Replace the program by one that shows nanoseconds, under a reader that keeps its file open"
# shellcheck disable=SC2016 # perl's variables
coproc reader {
	exec perl -e '$| = 1;
		open(my $file, "<", $ARGV[0]) or die "$ARGV[0]: $!\n";
		while (<STDIN>) {
			my $n = sysseek($file, 0, 0) && sysread($file, my $text, 65536);
			print defined $n ? $text : "$!\n", "end\n";
		}' demo/web/$file 2>&1
}
tasks+=($!)
disown $!
ask
say "reader: $(grep total <<< "$out")"
before=$(value total_usec <<< "$out")
expect "microseconds only" "$out" is_in usec <<< "$out"
run "cgroup_stat update $pins histo_on_cpu_ns"
ask
say "reader: $(grep total <<< "$out")"
after=$(value total_nsec <<< "$out")
expect "nanoseconds only, through the same descriptor" "$out" is_in nsec <<< "$out"
expect "counting on from the figure before" "$before usec, then $after nsec" \
	[ "$((after / 1000))" -ge "$before" ]
expect "its buckets agree with its sums" "$out" is_consistent <<< "$out"

step "rmdir takes the file along; the parent keeps what was counted"
run "kill ${tasks[1]}"
within is_empty demo/late || fail "an empty demo/late" "$(cat demo/late/cgroup.procs)"
others() { say $(($(total_nsec demo/web) + $(total_nsec demo/batch))); }
late=$(total_nsec demo/late)
run "rmdir demo/late"
expect "no demo/late" "$(ls -d demo/late 2>&1)" [ ! -e demo/late ]
min=$((late + $(others))) demo=$(total_nsec demo) max=$((late + $(others)))
expect "demo still includes late's $late nsec" "$demo nsec, not from $min to $max" \
	is_between "$demo" $min $max

step "A second link, in one subtree only, readable by root only; detach it"
run "cgroup_stat attach -n web_only -m 0400 $object histo_on_cpu demo/web $web_pins"
run "find $root -name bpf.stat.web_only -printf '%m %p\n'"
expect "one file, mode 400" "$out" [ "$out" = "400 $root/demo/web/bpf.stat.web_only" ]
run "cgroup_stat detach $web_pins"
gone=("demo/web/bpf.stat.web_only" "$web_pins")
expect "neither file nor pins when that returns" "one of ${gone[*]}" none_exists "${gone[@]}"
expect "the first one is still there" "$(ls demo/web)" [ -e demo/web/$file ]

step "Unpin the first link: its files go with it"
run "rm -r $pins"
within has_no_files || fail "no bpf.stat file anywhere" "$(find $root -name 'bpf.stat.*')"
say "ok: no bpf.stat file anywhere"

step "Clean up"
clean_up
gone=("$root/demo" "$pins" "$web_pins")
expect "no demo cgroup, no pins" "one of ${gone[*]}" none_exists "${gone[@]}"
within none_runs "${tasks[@]}" || fail "the tasks to be gone" "$(ps -p "${tasks[*]}")"
say "ok: no tasks"

say
say "All $steps steps were as they should be."
