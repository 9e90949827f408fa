#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh BPFTOOL OBJECTS SCX_SHARE: shows cgroup stat programs at work; needs root
# and cgroup v2
#
# OBJECTS is the folder that this folder's Makefile built in, SCX_SHARE is scx_share
# as built in tools/sched_ext. All output that is shown is checked as well: the exit
# status is 0 only if every step gave the expected result. The demo removes all that
# it has created, also when it fails or is interrupted.

export LC_ALL=C
root=/sys/fs/cgroup
link=/sys/fs/bpf/hist_oncpu
web_link=/sys/fs/bpf/web_only
memory_link=/sys/fs/bpf/memory
tree_link=/sys/fs/bpf/memory_tree
knob_link=/sys/fs/bpf/knob
pins=({$link,$web_link,$memory_link,$tree_link,$knob_link}{,-progs})
file=bpf.stat.hist_oncpu
memory=bpf.stat.memory
tree=bpf.stat.memory_tree
knob=bpf.stat.knob
share=bpf.stat.share
somebody='setpriv --reuid=1000 --regid=1000 --clear-groups'
on_tmpfs=/dev/shm/demo.data
mib=$((1 << 20))
patience=600		# seconds to wait for what should happen soon
nr_lines=26		# of hist_oncpu: 24 buckets and two sums
steps=0
tasks=()
enabled=()		# controllers that the demo has enabled

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

# expect WHAT SEEN COMMAND...: fails unless COMMAND succeeds. WHAT is expected and
# SEEN was found, as text for the user.
expect() {
	local what=$1 seen=$2

	shift 2
	"$@" || fail "$what" "$seen"
	say "ok: $what"
}

# run COMMAND: runs a command and shows it with its output, which is kept in $out
run() {
	say "# $1"
	out=$(eval "$1" 2>&1) || fail "success of: $1" "status $?, $out"
	[ -z "$out" ] || say "$out"
}

# within COMMAND...: retries until it succeeds, for at most $patience seconds
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
memory_of() { value "$2" < "$1/$memory"; }
knobs() { cat "${@/%//$knob}" | tr '\n' ' '; }
usage() { value usage_usec < "$1/cpu.stat"; }
ran_for() { [ "$(total "$1")" -ge "$2" ] 2> /dev/null; }
is_tree_of_cache() { [[ $1 = '. anon='*$'\n'"cache anon=$2" ]]; }
is_empty() { grep -qx 'populated 0' "$1/cgroup.events"; }
has_no_files() { [ -z "$(find $root -name 'bpf.stat.*')" ]; }
is_between() { (($1 >= $2 && $1 <= $3)); }
is_about_mib() { is_between "$1" $(($2 * mib)) $((($2 + 4) * mib)); }
has_none() { [ "$(memory_of "$1" "$2")" = 0 ]; }
is_near() { is_between "$1" $(($2 * 4 / 5 - 200000)) $(($2 * 6 / 5 + 200000)); }
none_exists() { [ -z "$(ls -d "$@" 2> /dev/null)" ]; }
is_stopped() { grep -qs ') T ' "/proc/$1/stat"; }
none_runs() { ! kill -0 "$@" 2> /dev/null; }
no_scheduler() { grep -qx disabled /sys/kernel/sched_ext/state; }
is_in() { awk -v unit="_$1" '/sec/ { n++; ok += index($1, unit) > 0 } END { exit !n || ok < n }'; }

# Is the histogram on stdin consistent? Its buckets must add up to nr_stretches, and
# total_* must be between the minimum and the maximum that the buckets allow.
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

# Prints the figures of memory.current, memory.stat and memory.events for the keys in
# $memory
from_kernel() {
	{ printf 'current '; cat "$1"/memory.{current,stat,events}; } |
		awk 'NR == FNR { figure[$1] = $2; next } { print $1, figure[$1] }' - "$1/$memory"
}

# Succeeds if the figures didn't change between two reads. Sets $out to them, and
# $kernel to the kernel's own figures, read in between.
stands_still() {
	out=$(< "$1/$memory")
	kernel=$(from_kernel "$1")
	[ "$(< "$1/$memory")" = "$out" ]
}

# enable CONTROLLER: enables it for the children of the root cgroup
enable() {
	grep -qw "$1" cgroup.subtree_control && return
	enabled+=("-$1")
	run "echo +$1 > cgroup.subtree_control"
}

start_scheduler() {
	say "# scx_share -c $root/demo &"
	"$scx_share" -c $root/demo &
	tasks+=($!)
	disown $!
}

# chart SECONDS: shows each second how web and batch share the CPU. Sets $out to the
# part that web had in all that time, in percent.
chart() {
	local bar end=$((SECONDS + $1)) first_web first_batch web batch part

	first_web=$(usage demo/web) first_batch=$(usage demo/batch)
	while ((SECONDS < end)); do
		web=$(usage demo/web) batch=$(usage demo/batch)
		sleep 1
		web=$(($(usage demo/web) - web)) batch=$(($(usage demo/batch) - batch))
		part=$((100 * web / (web + batch)))
		printf -v bar '%*s' $((part / 2)) ''
		printf -v bar '%-50s' "${bar// /#}"
		say "  web |${bar// /-}| batch  $part : $((100 - part))"
	done
	web=$(($(usage demo/web) - first_web)) batch=$(($(usage demo/batch) - first_batch))
	out=$((100 * web / (web + batch)))
}

# shares WEB BATCH: writes both knobs, and expects the CPU to be shared accordingly,
# give or take 10 %
shares() {
	local asked=$((100 * $1 / ($1 + $2)))

	run "echo $1 > demo/web/$share; echo $2 > demo/batch/$share"
	chart 2
	chart 5
	expect "$asked % for web, $((100 - asked)) % for batch" "$out %" \
		is_between $((out * 100)) $((asked * 90)) $((asked * 110))
}

# start_hog CGROUP: starts an endless loop on CPU 0
start_hog() {
	say "# taskset -c 0 sh -c 'while :; do :; done' &"
	taskset -c 0 sh -c 'while :; do :; done' &
	tasks+=($!)
	disown $!	# otherwise bash reports when it is killed
	run "echo $! > $1/cgroup.procs"
}

# start_hoarder CGROUP: starts a task that allocates three kinds of memory and then
# stops itself
start_hoarder() {
	# shellcheck disable=SC2016 # perl's variables
	(echo "$BASHPID" > "$1/cgroup.procs" && exec perl -e '
		sub fill {
			my ($path, $mib) = @_;
			open($files{$path}, ">", $path) or die "$path: $!\n";
			syswrite($files{$path}, "x" x (1 << 20)) or die "$path: $!\n" for 1..$mib;
		}
		fill($ARGV[0], 8);
		fill($ARGV[1], 16);
		vec($anonymous, (32 << 20) - 1, 8) = 1;
		kill("STOP", $$)' "$on_disk" "$on_tmpfs") &
	tasks+=($!)
	disown $!
}

# ask: makes the reader read its open file again, and sets $out to the content
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
	for dir in "${pins[@]}" "$on_disk" "$on_tmpfs"; do
		[ ! -e "$dir" ] || rm -r "$dir"
	done
	for dir in "$root"/demo/many/*/ $root/demo/{many,late,cache} \
		   $root/demo/{web/frontend,web,batch/job,batch} ${made_demo:+$root/demo}; do
		[ ! -e "$dir" ] || { within is_empty "$dir" && rmdir "$dir"; }
	done
	echo "${enabled[*]}" > $root/cgroup.subtree_control
	made_demo='' enabled=()
} 2> /dev/null

bpftool=$1
objects=$2
scx_share=$3
[ "$(id -u)" = 0 ] || die "try as root"
[ -x "$bpftool" ] || die "no bpftool in '$bpftool': build it in tools/bpf/bpftool"
[ -e "$objects/memory.bpf.o" ] || die "no objects in '$objects': name the folder that was built in"
[ -x "$scx_share" ] || die "no scx_share in '$scx_share': build it in tools/sched_ext"
[ "$(cat /sys/kernel/sched_ext/state 2> /dev/null)" = disabled ] ||
	die "no sched_ext, or another scheduler is running: see /sys/kernel/sched_ext"
[ "$(stat -fc %T $root)" = cgroup2fs ] || die "no cgroup v2: mount -t cgroup2 none $root"
[ "$(stat -fc %T /sys/fs/bpf)" = bpf_fs ] || die "no bpffs: mount -t bpf none /sys/fs/bpf"
grep -qw cpu $root/cgroup.controllers ||
	die "no cpu controller in cgroup v2: set CONFIG_FAIR_GROUP_SCHED, unmount cgroup v1"
grep -qw memory $root/cgroup.controllers ||
	die "no memory controller in cgroup v2: set CONFIG_MEMCG, unmount cgroup v1"
bpftool=$(realpath "$bpftool")
objects=$(realpath "$objects")
scx_share=$(realpath "$scx_share")
on_disk=$objects/demo.data
[ "$(stat -fc %T "$objects")" != tmpfs ] || die "$objects is on a tmpfs: build on a disk"
for path in "$root/demo" "${pins[@]}" "$on_disk" "$on_tmpfs"; do
	[ ! -e "$path" ] || die "$path exists: remove it"
done
bpftool() { "$bpftool" "$@"; }
object=$objects/hist_oncpu.bpf.o
cd $root || exit 1
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "bpf.stat on $(uname -r): how long do tasks stay on the CPU, cgroup by cgroup?"

step "Two cgroups compete for one CPU, one with three times the weight"
enable cpu
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
run "bpftool cgroup stat attach $object $root $link"
declare -A used shown
# two assignments: bash 5.2 loses a trap between two command substitutions in one
for dir in demo/web demo/batch demo; do
	used[$dir]=$(usage $dir)
	shown[$dir]=$(total $dir)
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
web_now=$(total demo/web)
both_now=$((web_now + $(total demo/batch)))
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
run "bpftool cgroup stat update $link pinned $link-progs/hist_oncpu_ns"
ask
say "reader: $(grep total <<< "$out")"
after=$(value total_nsec <<< "$out")
expect "nanoseconds only, through the same descriptor" "$out" is_in nsec <<< "$out"
expect "counting on from the figure before" "$before usec, then $after nsec" \
	[ "$((after / 1000))" -ge "$before" ]
expect "its buckets agree with its sums" "$out" is_consistent <<< "$out"

step "rmdir takes the file along; the parent keeps what was counted"
run "kill ${tasks[1]}"
unset 'tasks[1]'
within is_empty demo/late || fail "an empty demo/late" "$(cat demo/late/cgroup.procs)"
others() { say $(($(total_nsec demo/web) + $(total_nsec demo/batch))); }
late=$(total_nsec demo/late)
run "rmdir demo/late"
expect "no demo/late" "$(ls -d demo/late 2>&1)" [ ! -e demo/late ]
min=$((late + $(others)))
demo=$(total_nsec demo)
max=$((late + $(others)))
expect "demo still includes late's $late nsec" "$demo nsec, not from $min to $max" \
	is_between "$demo" $min $max

step "A second link, in one subtree only, readable by root only; detach it"
run "bpftool cgroup stat attach $object demo/web $web_link name web_only mode 0400"
run "find $root -name bpf.stat.web_only -printf '%m %p\n'"
expect "one file, mode 400" "$out" [ "$out" = "400 $root/demo/web/bpf.stat.web_only" ]
run "bpftool cgroup stat detach $web_link"
gone=("demo/web/bpf.stat.web_only" "$web_link"{,-progs})
expect "neither file nor pins when that returns" "one of ${gone[*]}" none_exists "${gone[@]}"
expect "the first one is still there" "$(ls demo/web)" [ -e demo/web/$file ]

step "A program that sleeps, beside the first one: what a cgroup's memory goes to"
enable memory
run "bpftool cgroup stat attach $objects/memory.bpf.o $root $memory_link"
run "ls -d demo/bpf.stat.*"
expect "both files" "$out" [ "$out" = "$(printf 'demo/%s\n' $file $memory)" ]
run "! cat demo/web/$memory"
expect "an error where the memory controller isn't enabled, and not an ancestor's figures" \
	"$out" [ "${out##*: }" = "No data available" ]

step "A task fills 8 MiB of page cache, 16 MiB of tmpfs and 32 MiB of memory of its own"
run "echo +memory > demo/cgroup.subtree_control"
run "mkdir demo/cache"
start_hoarder demo/cache
within is_stopped "${tasks[-1]}" || fail "it to be done" "$(< demo/cache/$memory)"
run "cat demo/cache/$memory"
anon=$(value anon <<< "$out")
page_cache=$(value file <<< "$out")
shmem=$(value shmem <<< "$out")
current=$(value current <<< "$out")
both=$((anon + page_cache))
nr_figures=$(grep -cE '^[a-z_]+ [0-9]+$' <<< "$out")
expect "17 figures" "$nr_figures" [ "$nr_figures" = 17 ]
expect "anon has the task's own 32 MiB" "$anon" is_about_mib "$anon" 32
expect "shmem has the 16 MiB of $on_tmpfs" "$shmem" is_about_mib "$shmem" 16
expect "file has them, too, and the 8 MiB of $on_disk" "$page_cache" \
	[ "$page_cache" -ge $((shmem + 8 * mib)) ]
expect "current has it all" "$current, not $both" [ "$current" -ge $both ]
within stands_still demo/cache || fail "figures that stand still" "$(< demo/cache/$memory)"
expect "all are those of memory.current, memory.stat and memory.events" \
	"$(diff <(say "$out") <(say "$kernel"))" [ "$out" = "$kernel" ]

step "The same for all cgroups of a subtree in one read, by a link that is lazy"
run "bpftool cgroup stat attach $objects/memory_tree.bpf.o $root $tree_link lazy"
run "cut -d ' ' -f 1-4 demo/$tree"
lines=$(cut -d ' ' -f 1,3 <<< "$out")
expect "a line for each cgroup, the last one with the anon of demo/cache" "$lines" \
	is_tree_of_cache "$lines" "$anon"
run "bpftool cgroup stat detach $tree_link"
run "kill -KILL ${tasks[-1]}"
unset 'tasks[-1]'
within has_none demo/cache anon || fail "no more anon" "$(memory_of demo/cache anon)"
say "ok: no more anon"
left=$(memory_of demo/cache file)
expect "the page cache stays when the task has gone" "first $page_cache, then $left" \
	is_between "$left" $((24 * mib)) "$page_cache"
run "bpftool cgroup stat detach $memory_link"
left=$(find $root -name $memory)
expect "no $memory anywhere" "$left" [ -z "$left" ]
expect "the first one is still there" "$(ls demo/cache)" [ -e demo/cache/$file ]

step "Unpin the first link: its files go with it"
run "rm -r $link $link-progs"
within has_no_files || fail "no bpf.stat file anywhere" "$(find $root -name 'bpf.stat.*')"
say "ok: no bpf.stat file anywhere"

step "A knob: set in a parent, seen in its child, and garbage is refused"
run "bpftool cgroup stat attach $objects/knob.bpf.o $root $knob_link mode 0644"
run "mkdir demo/web/frontend"
all=(demo demo/batch demo/web demo/web/frontend)
run "grep . ${all[*]/%//$knob}"
expect "the default everywhere" "$out" [ "$(knobs "${all[@]}")" = "100 100 100 100 " ]
run "echo 300 > demo/web/$knob"
run "grep . ${all[*]/%//$knob}"
expect "web and its child have it, and nobody else" "$out" \
	[ "$(knobs "${all[@]}")" = "100 100 300 300 " ]
run "! echo 3oo > demo/web/$knob"
expect "no number, no success" "$out" [ "${out##*: }" = "Invalid argument" ]
run "! echo 30000 > demo/web/$knob"
expect "nor with too big a number" "$out" [ "${out##*: }" = "Numerical result out of range" ]
expect "nothing changed" "$(knobs "${all[@]}")" [ "$(knobs "${all[@]}")" = "100 100 300 300 " ]
run "echo default > demo/web/$knob"
expect "the default again" "$(knobs "${all[@]}")" [ "$(knobs "${all[@]}")" = "100 100 100 100 " ]

step "Somebody else turns the knobs below the cgroup that was delegated to him, and no others"
run "chown 1000 demo/batch demo/batch/cgroup.procs demo/batch/cgroup.subtree_control"
run "$somebody mkdir demo/batch/job"
run "ls -ln demo/batch/$knob demo/batch/job/$knob demo/web/$knob"
run "$somebody sh -c 'echo 200 > demo/batch/job/$knob'"
expect "his child's knob" "$(knobs demo/batch/job)" [ "$(knobs demo/batch/job)" = "200 " ]
run "! $somebody sh -c 'echo 200 > demo/batch/$knob'"
expect "not his own root's, which its parent distributes" "$out" \
	[ "${out##*: }" = "Permission denied" ]
run "! $somebody sh -c 'echo 200 > demo/web/$knob'"
expect "not that of somebody else's cgroup" "$out" [ "${out##*: }" = "Permission denied" ]
expect "nothing changed" "$(knobs "${all[@]}")" [ "$(knobs "${all[@]}")" = "100 100 100 100 " ]
run "bpftool cgroup stat detach $knob_link"
expect "no bpf.stat file anywhere" "$(find $root -name 'bpf.stat.*')" has_no_files

step "Lazily: one link over hundreds of cgroups, and a file only where somebody looks"
run "mkdir demo/many demo/many/{001..300}"
run "bpftool cgroup stat attach $objects/knob.bpf.o $root $knob_link lazy"
nr_cgroups=$(find $root -type d | wc -l)
run "bpftool cgroup stat show demo/many/123"
expect "no files in $nr_cgroups cgroups" "$out" grep -q ' lazy  files 0$' <<< "$out"
run "cat demo/many/123/$knob"
expect "that cgroup has one nevertheless" "$out" [ "$out" = 100 ]
run "bpftool cgroup stat show demo/many/123"
expect "one file in $nr_cgroups cgroups" "$out" grep -q ' lazy  files 1$' <<< "$out"
run "find $root -name $knob"
expect "the one that was read" "$out" [ "$out" = "$root/demo/many/123/$knob" ]
run "bpftool cgroup stat detach $knob_link"
expect "no bpf.stat file anywhere" "$(find $root -name 'bpf.stat.*')" has_no_files
run "rmdir demo/many/{001..300} demo/many"

step "A scheduler with knobs: scx_share gives web and batch what their shares say"
say "One task in web against two in batch, all on CPU 0:"
start_hog demo/batch
start_hog demo/batch
start_scheduler
within [ -e demo/web/$share ] || fail "$share in demo/web" "$(ls demo/web)"
run "grep . demo/web/bpf.stat.{share,slice_us,runtime}"
shares 100 100
shares 300 100
shares 100 300
shares 900 100
run "! echo 0 > demo/web/$share"
expect "no share of nothing" "$out" [ "${out##*: }" = "Numerical result out of range" ]
run "kill -INT ${tasks[-1]}"
within has_no_files || fail "no bpf.stat file anywhere" "$(find $root -name 'bpf.stat.*')"
say "ok: the scheduler goes, and takes its knobs along"
# The knobs go first: sched_ext is still disabling the scheduler then
within no_scheduler || fail "no scheduler" "$(cat /sys/kernel/sched_ext/state)"
say "ok: no scheduler"

step "Clean up"
clean_up
gone=("$root/demo" "${pins[@]}" "$on_disk" "$on_tmpfs")
expect "no demo cgroup, no pins, no data" "one of ${gone[*]}" none_exists "${gone[@]}"
within none_runs "${tasks[@]}" || fail "the tasks to be gone" "$(ps -p "${tasks[*]}")"
say "ok: no tasks"

say
say "All $steps steps were as they should be."
