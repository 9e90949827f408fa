#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# test_bpftool_cgroup_stat.sh BPFTOOL OBJECTS COMPLETION [TEST...]: tests the commands
# of "bpftool cgroup stat", and that they leave nothing behind when they fail.
#
# OBJECTS is the directory that tools/bpf/cgroup_stat was built in by "make all tests",
# COMPLETION is bpftool's completion for bash, TEST is a function below without "test_".
# Needs root, cgroup v2 in /sys/fs/cgroup, bpffs in /sys/fs/bpf, python3 and
# libbpf.so.1; prints TAP. If strace is installed, bpftool is also interrupted by
# signals and by system calls that fail: at one system call of each kind, or if TEST is
# interrupted_everywhere, at each one.

export LC_ALL=C
tools=$(dirname "$(realpath "$0")")/../../../bpf/cgroup_stat
unit=$tools/cgroup-stat@.service
watch=$tools/watch.py
root=/sys/fs/cgroup
top=$root/bpftool-stat-$$
pins=/sys/fs/bpf/bpftool-stat-$$
hist=$pins/hist
histo=bpf.stat.hist_oncpu
hist_pins='. ./hist ./hist-progs ./hist-progs/account_stretch ./hist-progs/hist_oncpu_ns '
hierarchy=name=bpftool-stat-$$	# of cgroup v1, as in /proc/self/cgroup
with_controllers=cpuacct,net_cls,name=bpftool-net-$$
nr_lines=26		# in a histogram: 24 buckets and two totals
patience=600		# seconds to wait for an event
nr=0
failed=0
everywhere=0
wrapper=()
tasks=()
bound=			# target of a bind mount
enabled=()		# cgroups whose subtree_control was changed
declare -A hierarchies	# of cgroup v1, by the directory that they are mounted on

# Reads Python expressions, one per line, and prints their values.
# shellcheck disable=SC2016
helper='
import ctypes
import glob
import json
import os
import re
import socket
import struct
import sys

lib = ctypes.CDLL("libbpf.so.1")


def ids(kind):
    """Returns the ids of all programs or links."""
    found, this = [], ctypes.c_uint32(0)
    while not getattr(lib, f"bpf_{kind}_get_next_id")(this, ctypes.byref(this)):
        found.append(this.value)
    return found


def pinned(path):
    """Returns the fdinfo of a pinned object."""
    fd = lib.bpf_obj_get(path.encode())
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as info:
        fields = dict(line.rstrip().split(":\t", 1) for line in info)
    os.close(fd)
    return fields


def said():
    """Returns the JSON output of the last bpftool command."""
    with open(sys.argv[1], encoding="utf-8") as text:
        return json.load(text)


def ours():
    return [link for link in said() if link["pinned"][0].startswith(sys.argv[2])]


def link(pin, name, prog_name, mode, cgroup, nr_files, hierarchy=0, flags=()):
    """Returns how bpftool must show a link."""
    info = pinned(pin)
    return {"id": int(info["link_id"]), "name": "bpf.stat." + name,
            "prog_id": int(info["prog_id"]), "prog_name": prog_name, "mode": mode,
            "cgroup_id": os.stat(cgroup).st_ino, "cgroup": cgroup, "hierarchy_id": hierarchy,
            "cookie": 0, "flags": list(flags), "nr_files": nr_files, "attached": True,
            "pinned": [pin]}


def rows(programs):
    """Returns link id, program id and name of all stat programs of a cgroup."""
    return [(row["link_id"], row["id"], row["name"]) for row in programs
            if row["attach_type"] == "cgroup_stat"]


def by_files(top):
    """Returns the figures of bpf.stat.memory, by the paths from the cgroup."""
    found = {}
    for path, _, _ in os.walk(top):
        try:
            with open(path + "/bpf.stat.memory", encoding="ascii") as lines:
                found[os.path.relpath(path, top)] = dict(line.split() for line in lines)
        except OSError:
            pass
    return found


def by_text(top):
    """Returns paths and figures of bpf.stat.memory_tree."""
    found = []
    with open(top + "/bpf.stat.memory_tree", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            path, *figures = line.split(" ")
            path = re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), path)
            found.append((path, dict(figure.strip().split("=") for figure in figures)))
    return found


def by_binary(top):
    """Returns the entries of bpf.stat.memory_tree_bin."""
    with open(top + "/bpf.stat.memory_tree_bin", "rb") as entries:
        return list(struct.iter_unpack("=2I19Q", entries.read()))


def is_tree(top):
    """Are all three the same?"""
    files, entries = by_files(top), by_binary(top)
    inodes = {"": os.stat(top + "/..").st_ino}
    for (path, figures), entry in zip(by_text(top), entries, strict=True):
        inodes[path] = os.stat(os.path.join(top, path)).st_ino
        if "/" in path or path == ".":
            parent, level = os.path.dirname(path), path.count("/") + (path != ".")
        else:
            parent, level = ".", 1
        if figures != files.pop(path) or entry != (
                160, level, inodes[path], inodes[parent],
                *(int(each) for each in figures.values())):
            return False
    return True


def is_whole(top, wanted):
    """Is no cgroup there twice, none of those missing, and no parent after its child?"""
    rows, ids = by_text(top), [entry[2] for entry in by_binary(top)]
    paths = [path for path, _ in rows]
    return (all(len(figures) == 17 for _, figures in rows) and
            len(set(paths)) == len(paths) and wanted <= set(paths) and
            not any(os.path.dirname(path) in paths[i:] for i, path in enumerate(paths)) and
            len(set(ids)) == len(ids) and
            {os.stat(os.path.join(top, path)).st_ino for path in wanted} <= set(ids))


def is_removed(top):
    """Removes a cgroup, which is freed later. Is it not shown?"""
    os.mkdir(top + "/gone")
    inode = os.stat(top + "/gone").st_ino
    os.rmdir(top + "/gone")
    return ("gone" not in dict(by_text(top)) and
            inode not in [entry[2] for entry in by_binary(top)])


def chain(top, names, leaves=()):
    """Creates a cgroup in another one for each name, and some in the last one."""
    here = os.open(top, os.O_DIRECTORY)
    for name in names + [None] * bool(leaves):
        control = os.open("cgroup.subtree_control", os.O_WRONLY, dir_fd=here)
        os.write(control, b"+memory")
        os.close(control)
        if name is None:
            break
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = below
    for leaf in leaves:
        os.mkdir(str(leaf), dir_fd=here)
    os.close(here)


def inside(cgroup, function):
    """Calls a function in a cgroup, and returns what it returns."""
    with open("/proc/self/cgroup", encoding="ascii") as lines:
        here = [line.rstrip()[3:] for line in lines if line.startswith("0::")][0]
    enter(cgroup)
    try:
        return function()
    finally:
        enter("/sys/fs/cgroup" + here)


def enter(cgroup):
    with open(cgroup + "/cgroup.procs", "w", encoding="ascii") as procs:
        procs.write("0")


ADDRESSES = {4: (socket.AF_INET, "127.0.0.1"), 6: (socket.AF_INET6, "::1")}


def tcp(version, ours, theirs):
    """Returns two TCP sockets of two cgroups, connected to each other."""
    family, address = ADDRESSES[version]
    listening = inside(theirs, lambda: socket.create_server((address, 0), family=family))
    connect = socket.create_connection
    with listening:
        one = inside(ours, lambda: connect(listening.getsockname()[:2]))
        return one, listening.accept()[0]


def udp(version, ours, theirs):
    """The same for UDP."""
    family, address = ADDRESSES[version]
    both = [inside(cgroup, lambda: socket.socket(family, socket.SOCK_DGRAM))
            for cgroup in (ours, theirs)]
    for each in both:
        each.bind((address, 0))
    both[0].connect(both[1].getsockname())
    both[1].connect(both[0].getsockname())
    return both


def send(from_to, *sizes):
    """Sends messages, and receives each by one call. Did all arrive?"""
    # recv(0) would be no call
    return all(from_to[0].send(b"x" * size) == size and
               len(from_to[1].recv(size or 1, socket.MSG_WAITALL)) == size for size in sizes)


def finds_nothing(sockets):
    """Makes calls that transfer nothing."""
    one, other = sockets
    one.setblocking(False)
    try:
        one.recv(1)
    except BlockingIOError:
        pass
    other.shutdown(socket.SHUT_WR)
    one.setblocking(True)
    return one.recv(1) == b""


def splice(from_to, size):
    """Sends by sendfile(2), and receives by splice(2)."""
    with open("/proc/self/exe", "rb") as file:
        sent = os.sendfile(from_to[0].fileno(), file.fileno(), 0, size)
    out, into = os.pipe()
    received = 0
    while received < sent:
        received += os.splice(from_to[1].fileno(), into, sent - received)
    os.close(out)
    os.close(into)
    return sent == received == size


def raw(ours):
    """Returns a raw socket, which receives what UDP sockets do, too."""
    return inside(ours, lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW,
                                              socket.IPPROTO_UDP))


def send_odd(from_to):
    """Sends a datagram in two pieces, and one that is too long for its receiver."""
    one, other = from_to
    one.send(b"x" * 3, socket.MSG_MORE)
    one.send(b"x" * 4)
    one.send(b"x" * 10)
    return len(other.recv(100)) == 7 and len(other.recv(2)) == 2


def shut(receiver):
    """Ends what a UDP socket receives. Does it find that out?"""
    receiver.shutdown(socket.SHUT_RD)
    return receiver.recv(1) == b""


def peek(from_to):
    """Sends a byte, and looks at it before it receives it."""
    from_to[0].send(b"x")
    return from_to[1].recv(1, socket.MSG_PEEK) == from_to[1].recv(1)


for line in sys.stdin:
    try:
        print(eval(line), flush=True)
    except Exception as exc:
        print(repr(exc), flush=True)
'

die() {
	echo "Bail out! $1"
	exit 1
}

# check WHAT COMMAND...
check() {
	local what=$1

	shift
	nr=$((nr + 1))
	if "$@"; then
		echo "ok $nr $what"
		return
	fi
	echo "not ok $nr $what"
	failed=1
	{
		echo "bpftool ${ran[*]}: status $status"
		cat "$tmp/said" "$tmp/error"
		echo "last answer: $answer"
	} | sed 's/^/# /'
}

# ask EXPRESSION: evaluate it, the value is in $answer
ask() {
	echo "${1//$'\n'/ }" >&"${python[1]}"
	read -r answer <&"${python[0]}"
}

holds() {
	ask "$1"
	[ "$answer" = True ]
}

# within COMMAND...: try until it succeeds or patience runs out
within() {
	local end=$((SECONDS + patience))

	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

# run ARG...: run bpftool ARG..., with stdout in $tmp/said and stderr in $tmp/error
run() {
	ran=("$@")
	"${wrapper[@]}" "$bpftool" "$@" >"$tmp/said" 2>"$tmp/error"
	status=$?
} 2>/dev/null	# bash prints a message when a signal ends a command

# look: list all that bpftool can leave behind in $seen
look() {
	seen=$(find "$root" "$tmp" -name 'bpf.stat.*'; find /sys/fs/bpf "$tmp/plain"
		cat /proc/mounts)
	ask '(ids("prog"), ids("link"))'
	seen+=$answer
}

# remember: keep that list for is_as_before
remember() {
	look
	before=$seen
}

is_as_before() {
	look
	[ "$seen" = "$before" ]
}

is_silent() {
	[ "$status" = 0 ] && [ ! -s "$tmp/said" ] && [ ! -s "$tmp/error" ]
}

has_said() {
	[ "$status" = 0 ] && [ -s "$tmp/said" ] && [ ! -s "$tmp/error" ]
}

# is_refused PATTERN: bpftool failed with a one-line message that matches, and left
# nothing behind
is_refused() {
	[ "$status" != 0 ] && [ ! -s "$tmp/said" ] && [ "$(wc -l <"$tmp/error")" = 1 ] &&
		grep -q '^Error: ' "$tmp/error" && grep -qiE -e "$1" "$tmp/error" &&
		within is_as_before
}

# says_only PATTERN: stderr is one line that matches
says_only() {
	[ "$(wc -l <"$tmp/error")" = 1 ] && grep -qE -e "$1" "$tmp/error"
}

is_interrupted() {
	[ "$status" != 0 ] && within is_as_before
}

# does WHAT ARG...: bpftool cgroup stat ARG... succeeds without output
does() {
	run cgroup stat "${@:2}"
	check "$1" is_silent
}

# shows WHAT ARG...: bpftool ARG... succeeds with output
shows() {
	run "${@:2}"
	check "$1" has_said
}

# is_refused_in_json ARG...: the last error message is also printed as JSON, by a single
# command and in a batch
is_refused_in_json() {
	local words option

	words=$(<"$tmp/error")
	for option in -j -p; do
		run $option "$@"
		ask "said()['error']"
		has_failed_with "$words" || return
		run $option batch file - <<<"$(printf "'%s' " "$@")"
		ask "[each['output']['error'] for each in said()][0]"
		has_failed_with "$words" || return
	done
}

has_failed_with() {
	[ "$status" != 0 ] && [ ! -s "$tmp/error" ] && [ "Error: $answer" = "$1" ]
}

# refuses_at_all WHAT PATTERN ARG...: bpftool ARG... is refused, also with -j and -p
refuses_at_all() {
	run "${@:3}"
	check "refused: $1" is_refused "$2"
	check "in JSON, too: $1" is_refused_in_json "${@:3}"
}

# refuses WHAT PATTERN ARG...: the same for bpftool cgroup stat ARG...
refuses() {
	refuses_at_all "$1" "$2" cgroup stat "${@:3}"
}

files() { find "$root" -name "$1" | sort; }
has_none() { [ -z "$(find "$root" "$tmp" -name "$1")" ]; }	# nor in cgroup v1
has_pins() { [ "$(cd "$pins" && find . | sort | tr '\n' ' ')" = "$1" ]; }
is_mode() { [ "$(stat -c %a "$1")" = "$2" ]; }
reads() { [ "$(cat "$1")" = "$2" ]; }
is_not() { [ "$(cat "$1")" != "$2" ]; }
has_progs() { holds "len(ids('prog')) == $1"; }
fails() { ! "$@" 2>/dev/null; }
value() { awk -v key="$1" '$1 == key { print $2 }' "$2"; }
is_above() { [ "$(value "$1" "$2")" -gt "$3" ]; }
is_between() { [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]; }
has_zeroes() { [ "$(grep -c ' 0$' "$1")" = $nr_lines ]; }
goes_on() { within is_above "$1" "$2" "$(value "$1" "$2")"; }

# has_files NAME CGROUP...: these cgroups have the file, and no others
has_files() {
	[ "$(files "$1")" = "$(printf "%s/$1\n" "${@:2}" | sort)" ]
}

# matches PATTERN: stdout matches, with all white space squeezed to single blanks
matches() {
	tr -s '[:space:]' ' ' <"$tmp/said" | grep -qE -e "$1"
}

# is_hist FILE COUNT: the file has all buckets in order, they add up to the line COUNT,
# and the total time is between the sums of their lower and upper bounds. The total may
# be slightly ahead of the buckets.
is_hist() {
	awk -v lines="$nr_lines" -v count="$2" '
		NF != 2 || $2 !~ /^[0-9]+$/ { bad = 1 }
		NR < lines - 1 {
			bad = bad || $1 != (NR > 1 ? 2 ^ (NR - 2) : 0) "_usec"
			sum += $2
			min += $1 * $2
			max += (NR > 1 ? 2 * $1 : 1) * $2
		}
		NR == lines - 2 && $2 { max = 2 ^ 63 }
		NR == lines - 1 && ($1 != count || $2 != sum) { bad = 1 }
		NR == lines && ($1 != "total_usec" || $2 < min || $2 > 1.1 * max) { bad = 1 }
		END { exit bad || NR != lines }' "$1"
}

# is_sum_of FILE PART...: each line is the sum of those in PART..., with totals rounded
is_sum_of() {
	awk -v parts=$(($# - 1)) '
		FILENAME == ARGV[1] { rest[$1] = $2; next }
		{ rest[$1] -= $2 }
		END {
			for (key in rest)
				if (rest[key] < 0 || rest[key] >= (key == "total_usec" ? parts : 1))
					bad = 1
			exit bad
		}' "$@"
}

# start_task CGROUP COMMAND...
start_task() {
	(echo $BASHPID >"$1/cgroup.procs" && exec "${@:2}") &
	tasks+=($!)
}

stop_tasks() {
	[ ${#tasks[@]} -gt 0 ] || return 0	# wait without arguments would wait for python, too
	kill -KILL "${tasks[@]}"
	wait "${tasks[@]}"
	tasks=()
} 2>/dev/null

# bind DIR TARGET: bind mount DIR on TARGET, until unbind
bind() { bound=$2 && mount --bind "$1" "$2"; }
unbind() { umount "$bound" && bound=; }

clean_up() {
	trap '' HUP INT TERM
	stop_tasks
	[ -z "$bound" ] || unbind
	rm -rf --one-file-system "$pins"
	for dir in "${!hierarchies[@]}"; do
		mountpoint -q "$dir" || mount_v1 "$dir" "${hierarchies[$dir]}"
		end_v1 "$dir" "${hierarchies[$dir]}"
	done
	umount "$tmp"/{plain,read-only}
	rm -rf --one-file-system "$tmp"
	[ ! -d "$top" ] || within find "$top" -type d -delete
	disable_memory
} 2>/dev/null

# options_v1 HIERARCHY: how to mount it. HIERARCHY is as in /proc/self/cgroup: some
# controllers, name=NAME, or both
options_v1() {
	[[ $1 = name=* ]] && echo "none,$1" || echo "xattr,$1"
}

mount_v1() { mount -t cgroup -o "$(options_v1 "$2")" none "$1"; }
hierarchy_id() { awk -F: -v name="$1" '$2 == name { print $1 }' /proc/self/cgroup; }

# is_used_v1 HIERARCHY: does one have the name or one of the controllers?
is_used_v1() {
	grep -qE "^[1-9][0-9]*:([^:]*,)?(${1//,/|})[,:]" /proc/self/cgroup
}

# begin_v1 DIR HIERARCHY: mount a new hierarchy of cgroup v1 on DIR
begin_v1() {
	mkdir -p "$1"
	if ! is_used_v1 "$2" && mount_v1 "$@"; then
		hierarchies[$1]=$2
		return
	fi
	echo "ok $((++nr)) $2 in cgroup v1 # SKIP it is used already or can't be mounted"
	return 1
} 2>/dev/null

# end_v1 DIR HIERARCHY: remove its cgroups, and unmount it. If the kernel hadn't freed
# these cgroups by then, it would keep the hierarchy. A remount, which takes the same
# options, fails as long as there are any.
end_v1() {
	within find "$1" -mindepth 1 -type d -delete &&
		within mount -o "remount,$(options_v1 "$2")" none "$1" &&
		umount "$1" && within fails is_used_v1 "$2" && unset "hierarchies[$1]"
} 2>/dev/null

# ends_v1 DIR HIERARCHY
ends_v1() {
	check "end $2" end_v1 "$@"
}

wanted() {
	[[ $only = "  " || $only = *" $1 "* ]]
}

test_object() {
	local file=$top/a/$histo figure collector

	does 'attach an object' attach "$objects/hist_oncpu.bpf.o" "$top" "$hist"
	check 'a file in every cgroup of the subtree' has_files $histo "$top"{,/a,/a/x,/b,/c}
	check 'for all to read' is_mode "$file" 444
	check 'pinned, with its other programs beside it' has_pins "$hist_pins"
	check 'a collector is pinned as a link' \
		holds "'link_type' in pinned('$hist-progs/account_stretch')"
	check 'a stat program is pinned as a program' \
		holds "'prog_type' in pinned('$hist-progs/hist_oncpu_ns')"
	start_task "$top/a" sh -c 'while :; do :; done'
	check 'the collector collects' within is_above total_usec "$file" 100000
	check 'hist_oncpu reads' is_hist "$file" nr_stretches

	ask "pinned('$hist')['link_id']"
	link=$answer
	figure=$(value total_usec "$file")
	does 'update by a pinned program' update "$hist" pinned "$hist-progs/hist_oncpu_ns"
	check 'another program, the same figures' is_above total_nsec "$file" "${figure}000"
	check 'the same link' holds "pinned('$hist')['link_id'] == '$link'"

	ask "pinned('$hist-progs/account_stretch')['link_id']"
	collector=$answer
	figure=$(value total_nsec "$file")
	does 'update by an object' update "$hist" "$objects/hist_oncpu.bpf.o"
	check 'its program, the same figures' is_above total_usec "$file" $((figure / 1000 - 1))
	check 'still the same link' holds "pinned('$hist')['link_id'] == '$link'"
	check 'pinned as before' has_pins "$hist_pins"
	check 'the old collector is gone' within holds "$collector not in ids('link')"
	check 'the new one collects' goes_on total_usec "$file"

	figure=$(value total_usec "$file")
	"$bpftool" prog load "$objects/knob.bpf.o" "$pins/knob" || die 'knob not loaded'
	does 'update by a program from elsewhere' update "$hist" pinned "$pins/knob"
	rm "$pins/knob"
	check 'it reads' reads "$file" 100
	check 'what was beside it stays' has_pins "$hist_pins"
	does 'update by an object with the maps of those' update "$hist" "$objects/hist_oncpu.bpf.o"
	check 'their figures' is_above total_usec "$file" $((figure - 1))
	figure=$(value total_usec "$file")
	does 'update with fresh maps' update "$hist" "$objects/hist_oncpu.bpf.o" fresh
	check 'new figures' is_between "$(value total_usec "$file")" 0 $((figure - 1))
	check 'that are collected' within is_above total_usec "$file" 100000

	does 'update by an object of one program' update "$hist" "$objects/knob.bpf.o"
	check 'nothing beside it' has_pins '. ./hist '
	check 'it reads' reads "$file" 100
	does 'update by a program that may sleep' update "$hist" "$objects/memory.bpf.o"
	does 'update by an object of many' update "$hist" "$objects/hist_oncpu.bpf.o"
	check 'they are beside it' has_pins "$hist_pins"
	check 'and collect' within is_above total_usec "$file" 100000
	stop_tasks

	ask "(fd := lib.bpf_obj_get(b'$hist'))"	# an open fd keeps the link when its pin is removed
	does 'detach' detach "$hist"
	check 'no files, though the link is held' has_none 'bpf.stat.*'
	check 'no pins' has_pins '. '
	ask 'os.close(fd)'
	check 'no collectors' within is_as_before
}

# stop_and_count PID: how many switches and stretches has a task in c had?
stop_and_count() {
	kill -STOP "$1"
	within grep -q '^State:.T' "/proc/$1/status"
	switches=$(awk '/ctxt_switches:/ { sum += $2 } END { print sum }' "/proc/$1/status")
	stretches=$(value nr_stretches "$top/c/$histo")
}

# During an update, both the old and the new collector are called at each switch.
test_count() {
	local object=$objects/hist_oncpu.bpf.o switches stretches uncounted i

	does 'attach an object' attach "$object" "$top" "$hist"
	start_task "$top/c" python3 -c 'import time
while True: time.sleep(0.0005)'
	within is_above nr_stretches "$top/c/$histo" 100
	stop_and_count "${tasks[-1]}"
	uncounted=$((switches - stretches))	# before it came to c
	kill -CONT "${tasks[-1]}"
	for ((i = 0; i < 20; i++)); do
		run cgroup stat update "$hist" "$object"
	done
	goes_on nr_stretches "$top/c/$histo"
	stop_and_count "${tasks[-1]}"
	answer="$stretches stretches, $switches switches, $uncounted before that"
	check 'each switch is counted once' [ $((switches - stretches)) = $uncounted ]
	stop_tasks
	does 'detach' detach "$hist"
}

# sleeps_of PID: how often it has gone to sleep
sleeps_of() {
	awk '/^voluntary_ctxt_switches:/ { print $2 }' "/proc/$1/status"
}

# A task in a and one in b compete for a CPU. A task in c sleeps most of the time. The
# other cgroups have no tasks.
test_runqlat() {
	local file=bpf.stat.runqlat begin elapsed first waited slept sleeps woken dir

	does 'attach runqlat' attach "$objects/runqlat.bpf.o" "$top" "$pins/runqlat"
	start_task "$top/a" taskset -c 0 sh -c 'while :; do :; done'
	start_task "$top/b" taskset -c 0 sh -c 'while :; do :; done'
	start_task "$top/c" python3 -c "import time
open('$tmp/sleeps', 'w')
while True: time.sleep(0.01)"
	# until then, it may sleep for a shorter time, to read files
	within [ -e "$tmp/sleeps" ]
	rm "$tmp/sleeps"
	for dir in "$top"/{a,b,c}; do
		within is_above nr_waits "$dir/$file" 20
	done

	begin=${EPOCHREALTIME/./}
	first=$(value total_usec "$top/$file")
	slept=$(value total_usec "$top/c/$file")
	sleeps=$(sleeps_of "${tasks[-1]}")
	woken=$(value nr_waits "$top/c/$file")
	within is_above total_usec "$top/$file" $((first + 2000000))
	waited=$(($(value total_usec "$top/$file") - first))
	slept=$(($(value total_usec "$top/c/$file") - slept))
	sleeps=$(($(sleeps_of "${tasks[-1]}") - sleeps))
	woken=$(($(value nr_waits "$top/c/$file") - woken))
	elapsed=$((${EPOCHREALTIME/./} - begin))
	stop_tasks
	answer="$waited of $elapsed us, $slept for $woken times in c, which slept $sleeps times"
	check 'two tasks, one CPU: one waits all the time' \
		is_between $waited $((elapsed / 2)) $((elapsed * 2))
	check 'who is woken up waits' [ $woken -ge 30 ]
	check 'who sleeps, for 10 ms each time, does not wait meanwhile' \
		[ $slept -le $((elapsed - (sleeps - 2) * 10000)) ]
	for dir in "$top" "$top/a" "$top/b"; do
		check "runqlat reads in ${dir#"$root/"}" is_hist "$dir/$file" nr_waits
		answer=$(($(value total_usec "$dir/$file") / $(value nr_waits "$dir/$file")))
		check 'they wait for a time slice' is_between "$answer" 200 200000
	done
	check 'a parent has what its children have' \
		is_sum_of "$top/$file" "$top"/{a,b,c}/$file
	check 'nothing waited where nothing ran' has_zeroes "$top/a/x/$file"
	first=$(<"$top/$file")
	within rmdir "$top/b"
	check 'what a removed child had stays with its parent' reads "$top/$file" "$first"
	mkdir "$top/b"
	check 'and not with its successor' has_zeroes "$top/b/$file"
	woken=$(value nr_waits "$top/c/$file")
	does 'update runqlat' update "$pins/runqlat" "$objects/runqlat.bpf.o"
	check 'with the figures that it had' is_above nr_waits "$top/c/$file" $((woken - 1))
	does 'update runqlat with fresh maps' update "$pins/runqlat" "$objects/runqlat.bpf.o" fresh
	check 'with none' is_between "$(value nr_waits "$top/c/$file")" 0 $((woken - 1))
	does 'detach runqlat' detach "$pins/runqlat"
}

# The pin is in a directory outside of bpffs, where bpftool mounts a bpffs.
test_knob() {
	local file=bpf.stat.knob

	: >"$tmp/plain/file"
	does 'attach knob' attach "$objects/knob.bpf.o" "$top" "$tmp/plain/knob" mode 0640
	check 'its mode' is_mode "$top/a/$file" 640
	echo 300 >"$top/a/$file"
	check 'set for a cgroup and its child' reads "$top/a/x/$file" 300
	check 'unset elsewhere' reads "$top/b/$file" 100
	does 'update knob' update "$tmp/plain/knob" "$objects/knob.bpf.o"
	check 'it is still set' reads "$top/a/x/$file" 300
	check 'and unset elsewhere' reads "$top/b/$file" 100
	does 'update knob with fresh maps' update "$tmp/plain/knob" "$objects/knob.bpf.o" fresh
	check 'it is not set' reads "$top/a/x/$file" 100
	does 'detach knob' detach "$tmp/plain/knob"
	check 'a BPF file system was mounted' umount "$tmp/plain"
	check 'on a directory that had a file' [ -e "$tmp/plain/file" ]
	rm "$tmp/plain/file"
	check 'and nothing more' within is_as_before
}

has_no_data() { [[ $(cat "$1" 2>&1) = *": No data available" ]]; }

# memory_v1 CGROUP: the figures of cgroup v1, by the names that memory.bpf.c has for them
memory_v1() {
	echo "current $(<"$1/memory.usage_in_bytes")"
	echo "kernel $(<"$1/memory.kmem.usage_in_bytes")"
	sed -n 's/^total_\(shmem\|inactive_file\|pgfault\|pgmajfault\|workingset_.*\) /\1 /p
		s/^total_rss /anon /p
		s/^total_cache /file /p
		s/^total_mapped_file /file_mapped /p
		s/^total_dirty /file_dirty /p
		s/^total_writeback /file_writeback /p' "$1/memory.stat"
	grep '^oom_kill ' "$1/memory.oom_control"
}

has_memory_of_v1() {
	[ "$(grep -vE '^(slab_reclaimable|pgscan|pgsteal) ' "$1/bpf.stat.memory" | sort)" = \
		"$(memory_v1 "$1" | sort)" ]
}

# memory in the hierarchy of the memory controller, and elsewhere
memory_in_v1() {
	local v1=$tmp/memory file=bpf.stat.memory

	begin_v1 "$v1" memory || return
	mkdir -p "$v1/a/x"
	does 'attach memory to all' attach "$objects/memory.bpf.o" all "$pins/memory"
	start_task "$v1/a/x" python3 -c "import time
anonymous = b'x' * (8 << 20)
open('$tmp/data', 'wb').write(anonymous)
open('$tmp/filled', 'wb')
while True: time.sleep(1000)"
	within [ -e "$tmp/filled" ]
	check 'memory has the figures of v1' within has_memory_of_v1 "$v1/a/x"
	check 'and of the descendants' within has_memory_of_v1 "$v1/a"
	check 'that is what was used' is_above anon "$v1/a/$file" $((8 << 20))
	check 'also for files' is_above file "$v1/a/$file" $(((8 << 20) - 1))
	check 'memory of the root' is_above anon "$v1/$file" $((8 << 20))
	check 'without current' fails grep current "$v1/$file"
	check 'no data in v2' has_no_data "$top/a/$file"
	check 'no data in another v1 hierarchy' has_no_data "$named/a/$file"
	stop_tasks
	rm "$tmp"/{data,filled}
	does 'detach memory' detach "$pins/memory"
	ends_v1 "$v1" memory
	check 'the memory controller is back in v2' grep -qw memory $root/cgroup.controllers
}

# hist_oncpu and runqlat of a task that is in the cgroup a of both hierarchies
hists_in_v1() {
	local name file hist_all=$pins/hist_oncpu

	for name in hist_oncpu runqlat; do
		file=bpf.stat.$name
		does "attach $name to all" attach "$objects/$name.bpf.o" all "$pins/$name"
		check "$name has data in v2" within is_above total_usec "$top/a/$file" 0
		check "$name has none in v1" has_no_data "$named/a/$file"
		check 'nor in the root there' has_no_data "$named/$file"
		check 'nor where nothing ran' has_no_data "$named/a/x/$file"
	done
	does 'update by another unit' update "$hist_all" pinned "$hist_all-progs/hist_oncpu_ns"
	check 'no data, either' has_no_data "$named/a/$histo"
	does 'detach hist_oncpu' detach "$pins/hist_oncpu"
	does 'detach runqlat' detach "$pins/runqlat"
}

# net and oom only count in v2. Their own tests do that with a link for all hierarchies.
counts_in_v1() {
	local name

	for name in net oom; do
		does "attach $name to all" attach "$objects/$name.bpf.o" all "$pins/$name"
		check "$name has data in v2" grep -q ' 0$' "$top/a/bpf.stat.$name"
		check "$name has none in v1" has_no_data "$named/a/bpf.stat.$name"
		does "detach $name" detach "$pins/$name"
	done
}

knob_in_v1() {
	local file=bpf.stat.knob

	does 'attach knob to all' attach "$objects/knob.bpf.o" all "$pins/knob" mode 0644
	echo 300 >"$named/a/$file"
	check 'a v1 cgroup has its number' reads "$named/a/$file" 300
	check 'its child inherits it' reads "$named/a/x/$file" 300
	check 'its parent does not' reads "$named/$file" 100
	check 'nor does v2' reads "$top/a/$file" 100
	does 'detach knob' detach "$pins/knob"
}

# The programs in cgroup v1 and v2, with one link for all hierarchies
test_v1_programs() {
	local named=$tmp/named before=$before

	within is_as_before
	begin_v1 "$named" "$hierarchy" || return
	mkdir -p "$named/a/x"
	memory_in_v1
	start_task "$top/a" sh -c 'while :; do sleep 0.01; done'
	echo "${tasks[-1]}" >"$named/a/cgroup.procs"
	hists_in_v1
	stop_tasks
	counts_in_v1
	knob_in_v1
	ends_v1 "$named" "$hierarchy"
	check 'nothing is left of that' within is_as_before
}

# Maps that can't be reused are named in the error message, and nothing is changed.
test_keep() {
	local before=$before file=$top/bpf.stat.knob nr_progs
	local object=$objects/cgroup_stat_maps.bpf.o

	within is_as_before
	does 'attach knob' attach "$objects/knob.bpf.o" "$top" "$pins/knob" mode 0644
	echo 300 >"$file"
	ask "len(ids('prog'))"
	nr_progs=$answer
	remember
	refuses 'another type of map' 'map knobs.* another type.*fresh' \
		update "$pins/knob" "$object"
	check 'nothing has changed' reads "$file" 300
	ask "pinned('$pins/knob')['prog_id']"
	refuses 'fresh with a program' 'fresh' update "$pins/knob" id "$answer" fresh
	refuses 'a word after fresh' 'again' update "$pins/knob" "$object" fresh again
	does 'fresh maps' update "$pins/knob" "$object" fresh
	check 'they are new' reads "$file" $'1\n1\n1'
	within has_progs "$nr_progs" # the old program is gone
	remember
	refuses 'maps whose names the kernel cuts to the same' 'map a_counter_of_reads.*begin' \
		update "$pins/knob" "$object"
	check 'those are as before' reads "$file" $'2\n2\n2'
	does 'detach it' detach "$pins/knob"
}

# is_pinned_as KIND NAME: NAME is pinned next to the stat program, as a KIND (link, prog)
is_pinned_as() {
	holds "'$1_type' in pinned('$pins/beside-progs/$2')"
}

test_beside() {
	local object=$objects/cgroup_stat_beside.bpf.o name

	within is_as_before
	does 'attach one with others beside it' attach "$object" "$top" "$pins/beside"
	check 'all of which are pinned' has_pins ". ./beside ./beside-progs $(
		printf './beside-progs/%s ' count_call count_packet count_switch dump_cgroups \
			dump_elems dump_tasks reset)"
	for name in count_switch dump_tasks; do
		check "as a link: $name" is_pinned_as link $name
	done
	for name in count_call count_packet dump_cgroups dump_elems reset; do
		check "as a program: $name" is_pinned_as prog $name
	done
	check 'the one that collects does' within is_not "$top/bpf.stat.beside" 0
	does 'update by the same' update "$pins/beside" "$object"
	check 'an iterator can be read' cat "$pins/beside-progs/dump_tasks"
	does 'detach' detach "$pins/beside"
	check 'nothing is left' within is_as_before
}

exit_in_a() {
	start_task "$top/a" true
	wait "${tasks[-1]}"
	unset 'tasks[-1]'
}

# is_watched COUNT...: what has been printed by watch.py since the file was attached
is_watched() {
	[ "$(cat "$tmp/watched")" = "$(printf '%s\n' "$@")" ]
}

# A program that wakes up who polls its file. It does so from a work, which the kernel
# cancels if its map isn't pinned. So does an update, which also makes a tail call.
test_wakes() {
	local object=$objects/cgroup_stat_exits.bpf.o file=$top/a/bpf.stat.exits watcher

	within is_as_before
	does 'attach a program with a work' attach "$object" "$top" "$pins/exits"
	check 'its map is pinned beside it' \
		has_pins '. ./exits ./exits-progs ./exits-progs/on_exit ./exits-progs/wake_ups '
	"$watch" "$file" >"$tmp/watched" 2>"$tmp/watch_error" &
	watcher=$!
	tasks+=("$watcher")
	check 'it is printed' within is_watched 0
	exit_in_a
	check 'and printed again when it changes' within is_watched 0 1
	does 'update it by the same' update "$pins/exits" "$object"
	exit_in_a
	check 'that goes on' within is_watched 0 1 2
	does 'update it by another' update "$pins/exits" "${object%.bpf.o}_call.bpf.o"
	check 'its array of programs is pinned, too' has_pins ". ./exits ./exits-progs $(
		printf './exits-progs/%s ' calls exits on_exit wake_ups)"
	exit_in_a
	check 'that goes on, too' within is_watched 0 1 2 3
	does 'update by fresh maps' update "$pins/exits" "$object" fresh
	exit_in_a
	check 'and with them' within is_watched 0 1 2 3 1
	does 'detach it' detach "$pins/exits"
	wait "$watcher"
	check 'that ends it' [ $? = 1 ]
	unset 'tasks[-1]'
	check 'and it says why' \
		[ "$(cat "$tmp/watch_error")" = "$file: No such device" ]
	check 'nothing is left' within is_as_before
	rm "$tmp"/watch*
}

# enable_memory CGROUP...: for their children. Remembers which have to be undone.
enable_memory() {
	local dir

	for dir; do
		! grep -qw memory "$dir/cgroup.subtree_control" || continue
		echo +memory 2>/dev/null >"$dir/cgroup.subtree_control" || return
		enabled=("$dir" "${enabled[@]}")
	done
}

disable_memory() {
	local dir

	for dir in "${enabled[@]}"; do
		[ ! -d "$dir" ] || echo -memory >"$dir/cgroup.subtree_control" || return
	done
	enabled=()
}

is_tree() { holds "is_tree('$1')"; }
has_paths() { holds "[path for path, _ in by_text('$1')] == ${*:2}"; }

# shows_at_once CGROUP: a task in it sees there what it has allocated before. Without a
# flush, it would see that only after two seconds. 64 pages for each CPU aren't flushed.
shows_at_once() {
	local i file mib=$((16 + $(nproc)))

	for ((i = 0; i < 10; i++)); do
		file=bpf.stat.memory_tree
		((i % 2)) || file+=_bin
		(echo $BASHPID >"$1/cgroup.procs" && exec python3 -c "import re, struct
before = b'x' * ($mib << 20)
read = open('$1/$file', 'rb').read()
anon = (struct.unpack('=2I19Q', read)[5] if '$file'.endswith('bin') else
        int(re.search(rb'anon=(\d+)', read)[1]))
exit(anon < $mib << 20)") || return
	done
}

# renew CGROUP: create and remove cgroups in it, in the background, each with a new name
renew() {
	python3 -c 'import itertools, os, sys
for i in itertools.count():
    path, old = f"{sys.argv[1]}/{i}", f"{sys.argv[1]}/{i - 3}"
    os.mkdir(path)
    with open(path + "/cgroup.subtree_control", "w") as control: control.write("+memory")
    os.mkdir(path + "/x")
    if i >= 3: os.rmdir(old + "/x"), os.rmdir(old)' "$1" &
	tasks+=($!)
}

has_failed() { [[ $(cat "$1" 2>&1 >/dev/null) = *": $2" ]]; }
remove_below() { find "$1" -mindepth 1 -type d -delete; }

# A subtree in one file, as text and in binary
test_tree() {
	local tree=bpf.stat.memory_tree dirs

	dirs=("$top/a/"$'b l\tt' "$top/a/b\\x2d" "$top/a/=" "$top/a/"$'\r\x7f\xc3\xbc')
	within is_as_before
	if ! enable_memory "$root" "$top" "$top"/{a,c}; then
		disable_memory
		echo "ok $((++nr)) memory_tree # SKIP the memory controller isn't in cgroup v2"
		return
	fi
	does 'attach memory' attach "$objects/memory.bpf.o" "$top" "$pins/memory"
	does 'attach memory_tree' attach "$objects/memory_tree.bpf.o" "$top" "$pins/tree"
	does 'and its binary variant' attach pinned "$pins/tree-progs/memory_tree_bin" \
		"$top" "$pins/tree_bin"
	start_task "$top/a/x" python3 -c "import time
anonymous = b'x' * (8 << 20)
open('$tmp/filled', 'wb')
while True: time.sleep(1000)"
	within [ -e "$tmp/filled" ]
	rm "$tmp/filled"
	check 'the tree has the figures of the files' within is_tree "$top"
	check 'that is what was used' holds \
		"int(dict(by_text('$top'))['a/x']['anon']) >= 8 << 20"
	check 'a file in the middle' within is_tree "$top/a"
	check 'shows what is below' has_paths "$top/a" "['.', 'x']"
	check 'a file at the end' within is_tree "$top/a/x"
	check 'shows itself' has_paths "$top/a/x" "['.']"

	mkdir "$top/b/y"
	check 'no data where the controller is not enabled' \
		has_failed "$top/b/y/$tree" 'No data available'
	check 'nor in binary' has_failed "$top/b/y/${tree}_bin" 'No data available'
	check 'and no line' holds \
		"sorted(path for path, _ in by_text('$top')) == ['.', 'a', 'a/x', 'b', 'c']"
	mkdir "${dirs[@]}"
	check 'odd names' has_paths "$top/a" \
		"['.', 'x', 'b l\tt', 'b\\\\x2d', '=', '\r\x7f\xfc']"
	check 'and their figures' within is_tree "$top/a"
	check 'are escaped' grep -qF 'b\040l\011t current=' "$top/a/$tree"
	check 'also \r and DEL' grep -q '^\\015\\177.. current=' "$top/a/$tree"
	check 'also backslashes' grep -qF 'b\134x2d current=' "$top/a/$tree"

	rmdir "$top/b/y" "${dirs[@]}"
	check 'what was removed is not shown' holds "all(is_removed('$top/a') for i in range(20))"
	check 'what was just allocated is' shows_at_once "$top/a/x"

	ask "chain('$top/c', ['d'] * 300)"
	check 'deep down' within is_tree "$top/c"
	remove_below "$top/c"
	ask "chain('$top/c', ['l' * 255] * 17)"
	check 'paths of more than 4096 characters' has_paths "$top/c" \
		"['.'] + ['/'.join(['l' * 255] * i) for i in range(1, 18)]"
	remove_below "$top/c"
	ask "chain('$top/c', ['l' * 240] * 15, range(1200))"
	check 'more than 4 MiB' has_failed "$top/$tree" 'Argument list too long'
	check 'less in binary' holds "len(by_binary('$top')) == 1220"
	check 'and below' holds "len(by_text('$top/c/' + '/'.join(['l' * 240] * 15))) == 1201"
	remove_below "$top/c"

	renew "$top/a"
	renew "$top/c"
	check 'all that stay, once, while others come and go' holds \
		"all(is_whole('$top', {'.', 'a', 'a/x', 'b', 'c'}) for i in range(50))"
	stop_tasks
	remove_below "$top/c"
	find "$top/a" -mindepth 1 -type d ! -path "$top/a/x" -delete
	does 'detach memory' detach "$pins/memory"
	does 'detach the binary one' detach "$pins/tree_bin"
	does 'detach the other' detach "$pins/tree"
	check 'disable the controller' disable_memory
	check 'nothing is left of it' within is_as_before
}

# eat CGROUP: start a process named "a b" in it that has three threads and needs more
# memory than its memory.max
eat() {
	echo 24M >"$1/memory.max"
	[ ! -e "$1/memory.swap.max" ] || echo 0 >"$1/memory.swap.max"
	start_task "$1" "$tmp/a b" -c "import threading, time
for i in range(2):
    threading.Thread(target=time.sleep, args=[1e6], daemon=True).start()
anonymous = b'x' * (64 << 20)"
}

# is_killed PID: wait for one of our tasks, which must be killed
is_killed() {
	wait "$1"
	[ $? = 137 ]
} 2>/dev/null

# start_sleeper CGROUP: start a task that is called sleep as soon as it is there
start_sleeper() {
	start_task "$1" sleep infinity
	within grep -q sleep "/proc/${tasks[-1]}/comm"
}

monotonic_usec() { python3 -c 'import time; print(time.monotonic_ns() // 1000)'; }

# is_worst PID: the OOM killer would take it before all others
is_worst() { [ "$(grep -lx 1000 /proc/[0-9]*/oom_score_adj)" = "/proc/$1/oom_score_adj" ]; }

# has_kills COUNT CGROUP...
has_kills() {
	local dir

	for dir in "${@:2}"; do
		[ "$(value kills "$dir/bpf.stat.oom")" = "$1" ] || return
	done
}

# has_oom CGROUP KILLS [PID COMM CGROUP_ID CGROUP_NAME]
has_oom() {
	[ "$(grep -v '^last_time_usec ' "$1/bpf.stat.oom")" = "kills $2${3:+
last_pid $3
last_comm $4
last_cgroup_id $5
last_cgroup $6}" ]
}

# A process that the OOM killer kills because of memory.max, with the others of its cgroup,
# and by SysRq
test_oom() {
	local dir="$top/a/o m" file=bpf.stat.oom group=$top/c/group outside=$top/b/y
	local begin end inode watcher last

	within is_as_before
	if ! enable_memory "$root" "$top" "$top"/{a,c}; then
		disable_memory
		echo "ok $((++nr)) oom # SKIP the memory controller isn't in cgroup v2"
		return
	fi
	ln -s "$(command -v python3)" "$tmp/a b"
	mkdir "$dir" "$group" "$outside"
	inode=$(stat -c %i "$dir")
	does 'attach oom to all' attach "$objects/oom.bpf.o" all "$pins/oom"
	check 'nothing was killed' has_oom "$dir" 0
	"$watch" "$top/$file" >"$tmp/watched" 2>/dev/null &
	watcher=$!
	check 'nor elsewhere' within is_watched 'kills 0'

	begin=$(monotonic_usec)
	eat "$dir"
	check 'what needs too much is killed' is_killed "${tasks[-1]}"
	end=$(monotonic_usec)
	last=("${tasks[-1]}" 'a\040b' "$inode" 'o\040m')
	check 'that is counted, and which one' has_oom "$dir" 1 "${last[@]}"
	check 'and when' is_between "$(value last_time_usec "$dir/$file")" "$begin" "$end"
	check 'as in memory.events' [ "$(value oom_kill "$dir/memory.events")" = 1 ]
	check 'in its parent, too' reads "$top/a/$file" "$(<"$dir/$file")"
	check 'and in the root' reads "$root/$file" "$(<"$dir/$file")"
	check 'not beside it' has_oom "$top/c" 0
	check 'the readers of the parent are woken up' \
		within is_watched 'kills 0' "$(<"$dir/$file")"
	within rmdir "$dir"
	check 'the parent keeps it when the cgroup is gone' has_oom "$top/a" 1 "${last[@]}"
	check 'as memory.events does' [ "$(value oom_kill "$top/a/memory.events")" = 1 ]
	mkdir "$dir"
	check 'its successor does not have it' has_oom "$dir" 0

	does 'update it by the same' update "$pins/oom" "$objects/oom.bpf.o"
	eat "$dir"
	check 'another one is killed' is_killed "${tasks[-1]}"
	check 'that is counted once' has_kills 1 "$dir"
	check 'and added to what was there' has_kills 2 "$top"{,/a}

	echo 1 >"$group/memory.oom.group"
	start_sleeper "$group"
	start_sleeper "$group"
	eat "$group"
	check 'one of a group is killed' is_killed "${tasks[-1]}"
	check 'and another one' is_killed "${tasks[-2]}"
	check 'and the last one' is_killed "${tasks[-3]}"
	check 'each is counted once' has_kills 3 "$group" "$top/c"
	check 'memory.events may count one of them twice' \
		is_between "$(value oom_kill "$group/memory.events")" 3 4
	check 'together with the others' has_kills 5 "$top"

	start_sleeper "$outside"
	echo 1000 >"/proc/${tasks[-1]}/oom_score_adj"
	check 'there is one to be killed by SysRq' is_worst "${tasks[-1]}"
	! is_worst "${tasks[-1]}" || echo f >/proc/sysrq-trigger || kill "${tasks[-1]}"
	check 'it is' is_killed "${tasks[-1]}"
	check 'that is counted without a memory controller' has_kills 1 "$outside" "$top/b"
	check 'as in the memory.events of its parent' \
		[ "$(value oom_kill "$top/b/memory.events")" = 1 ]
	check 'together with the others' has_kills 6 "$top"
	does 'detach it' detach "$pins/oom"
	wait "$watcher"
	rmdir "$dir" "$group" "$outside"
	rm "$tmp"/{watched,'a b'}
	tasks=()
	check 'disable the controller' disable_memory
	check 'nothing is left of it' within is_as_before
}

# memory_v2 CGROUP: the kernel's own figures for the lines of bpf.stat.memory
memory_v2() {
	{ printf 'current '; cat "$1"/memory.{current,stat,events}; } |
		awk 'NR == FNR { figure[$1] = $2; next } { print $1, figure[$1] }' \
			- "$1/bpf.stat.memory"
}

has_memory_of_v2() { [ "$(memory_v2 "$1")" = "$(<"$1/bpf.stat.memory")" ]; }

# Those of the figures that are 0 unless memory is short. So are file_writeback and
# workingset_refault_anon, but they take a disk and swap.
test_memory() {
	local dir=$top/a/m file=bpf.stat.memory name data=("$objects"/*.o)

	within is_as_before
	if ! enable_memory "$root" "$top" "$top/a"; then
		disable_memory
		echo "ok $((++nr)) memory # SKIP the memory controller isn't in cgroup v2"
		return
	fi
	ln -s "$(command -v python3)" "$tmp/a b"
	mkdir "$dir"
	does 'attach memory' attach "$objects/memory.bpf.o" "$top" "$pins/memory"
	does 'and memory_tree' attach "$objects/memory_tree.bpf.o" "$top" "$pins/tree"
	does 'and its binary variant' attach pinned "$pins/tree-progs/memory_tree_bin" \
		"$top" "$pins/tree_bin"
	eat "$dir"
	check 'what needs too much is killed' is_killed "${tasks[-1]}"
	echo 4M >"$dir/memory.max"
	for name in "${data[@]}"; do
		dd if="$name" iflag=nocache count=0 status=none	# others have read it before
	done
	(echo $BASHPID >"$dir/cgroup.procs" && cat "${data[@]}" "${data[@]}" >/dev/null)
	for name in pgscan pgsteal workingset_refault_file slab_reclaimable oom_kill; do
		check "$name has counted something" within is_above $name "$dir/$file" 0
	done
	check 'memory has the figures of v2' within has_memory_of_v2 "$dir"
	check 'and of the descendants' within has_memory_of_v2 "$top/a"
	check 'all of them' [ "$(wc -l <"$dir/$file")" = 17 ]
	check 'and so has the tree' within is_tree "$top/a"
	does 'detach the binary one' detach "$pins/tree_bin"
	does 'detach the other' detach "$pins/tree"
	within rmdir "$dir"
	check 'and of those that are gone' within has_memory_of_v2 "$top/a"
	for name in pgscan pgsteal workingset_refault_file oom_kill; do
		check "$name is kept" within is_above $name "$top/a/$file" 0
	done
	does 'detach memory' detach "$pins/memory"
	does 'attach memory to the root' attach "$objects/memory.bpf.o" $root "$pins/memory"
	check 'which has no current and no oom_kill' \
		[ "$(grep -cvE '^(current|oom_kill) ' $root/$file)" = 15 ]
	check 'nor 0 for these' [ "$(wc -l <$root/$file)" = 15 ]
	does 'detach memory' detach "$pins/memory"
	tasks=()
	rm "$tmp/a b"
	check 'disable the controller' disable_memory
	check 'nothing is left of it' within is_as_before
}

# has_net CGROUP TCP... UDP...: sent bytes, sent calls, received bytes, received calls
has_net() {
	[ "$(sed 's/.* //' "$1/bpf.stat.net" | tr '\n' ' ')" = "${*:2} " ]
}

# Sockets in a, b and c. The process that uses them is in none of these.
test_net() {
	local dir=$top/a/n file=bpf.stat.net version none='0 0 0 0'

	within is_as_before
	mkdir "$dir"
	does 'attach net to all' attach "$objects/net.bpf.o" all "$pins/net"
	check 'nothing was sent' has_net "$top" "$none" "$none"
	for version in 4 6; do
		if [ $version = 6 ] && [ ! -e /proc/sys/net/ipv6/conf/lo ]; then
			echo "ok $((++nr)) net over IPv6 # SKIP the kernel has no IPv6"
			continue
		fi
		does 'begin anew' update "$pins/net" "$objects/net.bpf.o" fresh
		ask "(pair := tcp($version, '$dir', '$top/b'))"
		check "TCP over IPv$version" holds "send(pair, 10000, 1, 300)"
		check 'sent bytes and calls' has_net "$dir" 10301 3 0 0 "$none"
		check 'received there' has_net "$top/b" 0 0 10301 3 "$none"
		check 'in the other direction' holds "send(pair[::-1], 70000)"
		check 'received' has_net "$dir" 10301 3 70000 1 "$none"
		check 'sent there' has_net "$top/b" 70000 1 10301 3 "$none"
		check 'in the parent' has_net "$top/a" 10301 3 70000 1 "$none"
		check 'both in the parent of both' has_net "$top" 80301 4 80301 4 "$none"
		check 'what fails or is the end' holds "finds_nothing(pair)"
		check 'is not counted' has_net "$top" 80301 4 80301 4 "$none"

		ask "(pair := udp($version, '$dir', '$top/b'))"
		check "UDP over IPv$version" holds "send(pair, 1000, 0, 1, 60000)"
		check 'sent bytes and datagrams' has_net "$dir" 10301 3 70000 1 61001 4 0 0
		check 'received there' has_net "$top/b" 70000 1 10301 3 0 0 61001 4
		check 'in the other direction' holds "send(pair[::-1], 7)"
		check 'received' has_net "$dir" 10301 3 70000 1 61001 4 7 1
		check 'a byte that is only looked at' holds "peek(pair)"
		check 'is counted when it is received' \
			has_net "$top/b" 70000 1 10301 3 7 1 61002 5
	done

	does 'update it by the same' update "$pins/net" "$objects/net.bpf.o"
	check 'it has what it had' has_net "$top/b" 70000 1 10301 3 7 1 61002 5
	does 'begin anew' update "$pins/net" "$objects/net.bpf.o" fresh
	ask "(pair := udp(4, '$dir', '$top/b'))"
	check 'two pieces of a datagram, and one too long' holds "send_odd(pair)"
	check 'three are sent' has_net "$dir" "$none" 17 3 0 0
	check 'and two received, as far as they fit' has_net "$top/b" "$none" 0 0 9 2
	ask "(odd := raw('$top/c'))"
	check 'what a raw socket receives, too' \
		holds "send(pair, 5) and len(odd.recv(100)) == 33"
	check 'is not counted there' has_net "$top/c" "$none" "$none"
	check 'a socket that is shut down' holds "shut(pair[1])"
	check 'has received nothing more' has_net "$top/b" "$none" 0 0 14 3
	does 'begin anew' update "$pins/net" "$objects/net.bpf.o" fresh
	ask "(pair := tcp(4, '$dir', '$top/b'))"
	check 'sendfile and splice' holds "splice(pair, 5000)"
	check 'are sent' is_above tcp_sent_calls "$dir/$file" 0
	check 'all of it' [ "$(value tcp_sent_bytes "$dir/$file")" = 5000 ]
	check 'and received' [ "$(value tcp_received_bytes "$top/b/$file")" = 5000 ]

	does 'begin anew' update "$pins/net" "$objects/net.bpf.o" fresh
	check 'the owner moves' holds "inside('$top/c', lambda: send(pair, 11))"
	check 'its socket does not' has_net "$dir" 11 1 0 0 "$none"
	check 'so that is where it sends' has_net "$top/c" "$none" "$none"
	ask "(unix := inside('$top/b', socket.socketpair))"
	check 'a Unix socket' holds "send(unix, 10)"
	check 'is not counted' has_net "$top" 11 1 11 1 "$none"
	ask "(fewer := udp(6, '$dir', '$top/c'))"
	check 'another one' holds "send(fewer, 5)"
	within rmdir "$dir"
	check 'the cgroup is removed' holds "send(pair, 100) and send(pair[::-1], 1000)"
	check 'its sockets belong to the parent' has_net "$top/a" 111 2 1000 1 5 1 0 0
	check 'the other side is where it was' has_net "$top/b" 1000 1 111 2 "$none"
	check 'all is in the parent of both' has_net "$top" 1111 3 1111 3 5 1 5 1
	mkdir "$dir"
	check 'its successor has nothing' has_net "$dir" "$none" "$none"
	ask "[each.close() for each in (*pair, *fewer, *unix, odd)]"
	does 'detach it' detach "$pins/net"
	rmdir "$dir"
	check 'nothing is left of it' within is_as_before
}

# An object that has a map with LIBBPF_PIN_BY_NAME
test_pinned() {
	local object=$objects/cgroup_stat_pinned.bpf.o file=$top/bpf.stat.pinned
	local before=$before pin=/sys/fs/bpf/cgroup_stat_nr nr_progs

	within is_as_before
	does 'attach knob by that name' \
		attach "$objects/knob.bpf.o" "$top/a" "$pins/knob" name pinned
	ask "len(ids('prog'))"
	nr_progs=$answer
	remember
	refuses 'a name that is taken' 'pinned exists' attach "$object" "$top" "$pins/pinned"
	does 'attach it by another' attach "$object" "$top" "$pins/pinned" name other mode 0644
	check 'a pin of its map' holds "'map_type' in pinned('$pin')"
	echo >"$top/bpf.stat.other"
	does 'detach it' detach "$pins/pinned"
	within has_progs "$nr_progs"
	check 'the pin stays' [ -e $pin ]
	remember
	refuses 'a name that is taken' 'pinned exists' attach "$object" "$top" "$pins/pinned"
	does 'detach knob' detach "$pins/knob"
	does 'attach it by its own name' attach "$object" "$top" "$pins/pinned"
	check 'with the map that is pinned' reads "$file" 1
	rm $pin
	does 'update it, though the pin has gone' update "$pins/pinned" "$object"
	check 'with the map that it had' reads "$file" 1
	check 'and a new pin' [ -e $pin ]
	does 'detach it' detach "$pins/pinned"
	rm $pin
	"$bpftool" map create $pin type array key 4 value 16 entries 1 name cgroup_stat_nr
	remember
	refuses 'a pin of another map' "$pin .* another value size" \
		attach "$object" "$top" "$pins/pinned"
	rm $pin
}

# Relative paths of pins
test_relative() {
	local before=$before object=$objects/knob.bpf.o taken='bpf.stat.knob exists'

	within is_as_before
	does 'attach knob' attach "$object" "$top/a" "$pins/knob"
	: >"$tmp/plain/file"
	cd "$tmp/plain" || return
	remember
	refuses 'a name that is taken, PATH in no bpffs' "$taken" attach "$object" "$top" knob
	refuses 'a name that is taken, PATH in ./' "$taken" attach "$object" "$top" ./knob
	refuses 'PATH that is a file elsewhere' "isn't on a BPF file system" \
		attach "$object" "$top/b" file
	refuses 'update what is a file elsewhere' "isn't on a BPF file system" update file "$object"
	does 'attach at a relative path' attach "$object" "$top/b" knob
	check 'one mount' [ "$(grep -c "^bpf $tmp/plain bpf" /proc/mounts)" = 1 ]
	check 'where it is pinned' [ -e "$tmp/plain/knob" ]
	does 'update it, though the mount is not seen from here' update knob "$object"
	does 'detach it' detach ./knob
	umount "$tmp/plain"
	check 'nothing is left' within is_as_before
	cd "$pins" || return
	does 'attach at a relative path in bpffs' attach "$object" "$top/b" new
	check 'where it is pinned' [ -e "$pins/new" ]
	does 'detach it' detach new
	check 'nothing is left' within is_as_before
	cd / || return
	rm "$tmp/plain/file"
	does 'detach knob' detach "$pins/knob"
}

# The paths that "Paths in bpffs" in prog_cgroup_stat.rst promises.
test_paths() {
	local before=$before object=$objects/knob.bpf.o tree=$pins/cgroup v1=$pins/cgroup-v1
	local file=${top##*/}/a/x/bpf.stat.knob

	does 'attach knob' attach "$object" "$top" "$pins/knob"
	ln -s "$root" "$tree"
	check 'a path in bpffs, through a symbolic link' reads "$tree/$file" 100
	does 'attach at such a path' attach "$object" "$tree/${top##*/}/b" "$pins/other" name other
	check 'its file' has_files bpf.stat.other "$top/b"
	does 'detach' detach "$pins/other"
	rm "$tree"

	mkdir "$tree"
	bind "$root" "$tree"
	check 'through a bind mount' reads "$tree/$file" 100
	run link show pinned "$pins/knob"
	check 'the cgroup is shown where it was before' matches " root $top files 5"
	remember
	refuses 'a pin there' "isn't on a BPF file system" \
		attach "$object" "$top/b" "$tree/pin" name other
	refuses 'a pin in a cgroup' "isn't on a BPF file system" \
		attach "$object" "$top/b" "$top/b/pin" name other
	refuses 'a pin that would hide mounts' "isn't on a BPF file system" \
		attach "$object" "$top/b" "$tmp/pin" name other
	refuses 'a pin that would hide them all' "isn't on a BPF file system" \
		attach "$object" "$top/b" /pin name other
	unbind
	rmdir "$tree"

	begin_v1 "$tmp/named" "$hierarchy" || return
	mkdir "$tmp/named/a" "$v1"
	ln -s "$tmp/named" "$v1/"
	does 'attach to cgroup v1 at a path in bpffs' attach "$object" "$v1/named" "$pins/other"
	check 'it reads' reads "$v1/named/a/bpf.stat.knob" 100
	does 'detach' detach "$pins/other"
	rm -r "$v1"
	ends_v1 "$tmp/named" "$hierarchy"
	does 'detach knob' detach "$pins/knob"
}

# run_unit KEY [BPFTOOL]: run a command of the systemd unit for the program $instance, with
# our paths, and with the variables that are set here instead of the unit's
run_unit() {
	local line CGROUP=${CGROUP-$(sed -n 's/^Environment=CGROUP=//p' "$unit")}
	local OPTIONS=${OPTIONS-$(sed -n 's/^Environment=OPTIONS=//p' "$unit")}

	line=$(sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$unit" |
		sed -n "s|/usr/sbin/bpftool|${2:-$bpftool}|g; s|/usr/lib/bpf|$objects|
			s|/sys/fs/bpf|$pins|g; s|%i|$instance|g; s|^$1=||p")
	eval "ran=(${line:-false})"
	"${ran[@]}" >"$tmp/said" 2>"$tmp/error"
	status=$?
}

unit_runs() {
	run_unit "$1"
	check "$1 of the systemd unit for $instance${2:+ $2}" is_silent
}

# unit_restarts WHAT: the unit can be stopped and started after WHAT
unit_restarts() {
	unit_runs ExecStop "after $1"
	check "nothing is left after $1" within is_as_before
	unit_runs ExecStart "after $1"
}

test_unit() {
	local old=/usr/sbin/bpftool instance tree=$top/a/x/bpf.stat.memory_tree

	for instance in hist_oncpu knob memory_tree net oom runqlat memory; do
		unit_runs ExecStartPre
		unit_runs ExecStart
		check "a file of $instance in every cgroup" [ -e "$top/a/x/bpf.stat.$instance" ]
		[ $instance != memory ] ||
			check 'memory has figures' is_above pgfault $root/bpf.stat.memory 0
		unit_runs ExecStop
		check 'no programs, links, pins and files of these' within is_as_before
	done

	instance=memory_tree
	CGROUP=$top/a OPTIONS='mode 0400 lazy' unit_runs ExecStart 'with options'
	check 'its file is made by who looks for it' is_mode "$tree" 400
	check 'only below that cgroup' [ ! -e "$top/b/${tree##*/}" ]
	CGROUP=$top/a OPTIONS='mode 0400 lazy' unit_runs ExecStop 'with options'
	check 'nothing is left of these' within is_as_before

	instance=knob
	OPTIONS='mode 0644' unit_runs ExecStart 'with a mode'
	echo 7 >"$top/bpf.stat.knob"
	unit_runs ExecReload
	check 'a reload keeps what was set' reads "$top/a/x/bpf.stat.knob" 7
	unit_runs ExecStop
	check 'nothing is left of it' within is_as_before

	instance=memory
	unit_runs ExecStart
	does 'detach it by hand' detach "$pins/memory"
	unit_restarts 'detach'
	run link detach pinned "$pins/memory"
	unit_restarts 'link detach'
	rm "$pins/memory"
	unit_restarts 'rm'
	unit_runs ExecStop 'in the end'

	if [ ! -x $old ] || $old cgroup stat help 2>/dev/null; then
		echo "ok $((++nr)) an old bpftool # SKIP there is none in $old"
		return
	fi
	run_unit ExecStartPre $old
	check 'refused: an old bpftool' [ "$status" = 1 ]
	check 'which one it takes is said' says_only "^$old has no cgroup stat: take that of"
}

# Four links: above at the top, at in a, below in a/x, fourth in c
test_programs() {
	local tag

	"$bpftool" prog load "$objects/knob.bpf.o" "$pins/knob" || die 'knob not loaded'
	ask "pinned('$pins/knob')['prog_tag']"
	tag=$answer
	ask "pinned('$pins/knob')['prog_id']"
	prog=$answer
	does 'attach a program by id' attach id "$prog" "$top" "$pins/above" name above
	does 'a pinned one' attach pinned "$pins/knob" "$top/a" "$pins/at"
	does 'by name' attach name knob "$top/a/x" "$pins/below" name b-e_l.ow mode 0600
	does 'by tag' attach tag "$tag" "$top/c" "$pins/fourth" mode 644 name fourth
	check 'a file by the name that was given' has_files bpf.stat.above "$top"{,/a,/a/x,/b,/c}
	check "or by the program's" has_files bpf.stat.knob "$top"{/a,/a/x}
	check 'or by a strange one' has_files bpf.stat.b-e_l.ow "$top/a/x"
	check 'with its mode' is_mode "$top/a/x/bpf.stat.b-e_l.ow" 600
	check 'in a cgroup that has no others below' has_files bpf.stat.fourth "$top/c"
	check 'with its mode, too' is_mode "$top/c/bpf.stat.fourth" 644
	check 'nothing beside them' has_pins '. ./above ./at ./below ./fourth ./knob '
	check 'all have that program' holds \
		"{pinned('$pins/' + pin)['prog_id'] for pin in
		 ('above', 'at', 'below', 'fourth')} == {'$prog'}"
}

test_show() {
	local above at below fourth where names="[link['name'][9:] for link in ours()]"

	above="link('$pins/above', 'above', 'knob', '0444', '$top', 5)"
	at="link('$pins/at', 'knob', 'knob', '0444', '$top/a', 2)"
	below="link('$pins/below', 'b-e_l.ow', 'knob', '0600', '$top/a/x', 1)"
	fourth="link('$pins/fourth', 'fourth', 'knob', '0644', '$top/c', 1)"

	shows 'show' cgroup stat show
	ask "${at}['id']"
	link=$answer
	where="pinned $pins/at "
	check 'a link in two lines' matches \
		"(^| )$link: bpf.stat.knob prog $prog knob mode 0444 root $top/a files 2 $where"
	for option in -j -p; do
		shows "show $option" $option cgroup stat show
		check 'all links, all fields' holds "ours() == [$above, $at, $below, $fourth]"
	done
	shows 'list a cgroup that has one' -j cgroup stat list "$top/b"
	check 'from above' holds "$names == ['above']"
	shows 'show one that has one of its own' -j cgroup stat show "$top/a"
	check 'that, and from above' holds "$names == ['above', 'knob']"
	shows 'show one further below' -j cgroup stat show "$top/a/x"
	check 'all from above' holds "$names == ['above', 'knob', 'b-e_l.ow']"
	shows 'show one that has none' -j cgroup stat show $root
	check 'none from below' holds 'ours() == []'
	shows 'show one in plain text' cgroup stat show "$top/c"
	check 'two links' matches '^[0-9]+: bpf.stat.above .* [0-9]+: bpf.stat.fourth '
	bind "$top/c" "$top/a/x"
	shows_links 'one mounted on another: what is visible there' "$top/a/x" "$pins/fourth"
	unbind

	run -j link show id "$link"
	check 'link show id' holds "{k: v for k, v in $at.items()
		if k not in ('prog_name', 'pinned', 'flags', 'cookie')}.items() <= said().items()"
	check 'its type' holds "said()['type'] == 'cgroup_stat'"
	run link show pinned "$pins/at"
	check 'link show pinned' matches "^$link: cgroup_stat prog $prog .*bpf.stat.knob"
	shows 'link show -f' -f -j link show
	check 'where it is pinned' holds \
		"[each['pinned'] for each in said() if each['id'] == $link] == [['$pins/at']]"

	at="(${at}['id'], $prog, 'knob')" above="(${above}['id'], $prog, 'knob')"
	below="(${below}['id'], $prog, 'knob')" fourth="(${fourth}['id'], $prog, 'knob')"
	shows 'cgroup show' cgroup show "$top/a"
	check 'a row' matches " $prog cgroup_stat .*knob"
	shows 'cgroup show -j' -j cgroup show "$top/a"
	check 'its own link' holds "rows(said()) == [$at]"
	shows 'cgroup show effective' -j cgroup show "$top/a" effective
	check "and its ancestors'" holds "sorted(rows(said())) == sorted([$above, $at])"
	shows 'cgroup tree' cgroup tree "$top"
	check 'a row under each cgroup' matches "$top/a .*$top/a/x $prog cgroup_stat .*knob"
	shows 'cgroup tree -j' -j cgroup tree "$top"
	check 'each link where its root is' holds \
		"{each['cgroup']: rows(each['programs']) for each in said()} ==
		 {'$top': [$above], '$top/a': [$at], '$top/a/x': [$below], '$top/c': [$fourth]}"
	run cgroup stat help
	check 'help' grep -q 'cgroup stat attach .*CGROUP' "$tmp/error"
}

# Links whose cgroup was removed, and links that were detached by other commands
test_gone() {
	local before=$before gone="[each for each in ours() if 'cgroup' not in each]"

	run link detach pinned "$pins/at"
	check 'link detach' has_none bpf.stat.knob
	within rmdir "$top/a/x"
	shows 'show links that are gone' -j cgroup stat show
	check 'without cgroup and files' holds \
		"[(each['pinned'], each['cgroup_id'], each['nr_files'], each['attached'])
		  for each in $gone] ==
		 [(['$pins/at'], 0, 0, False), (['$pins/below'], 0, 0, False)]"
	shows 'show them in plain text' cgroup stat show
	check 'gone' matches ' bpf.stat.b-e_l.ow prog [0-9]+ knob mode 0600 root gone files 0 '
	remember
	refuses 'update after its cgroup was removed' 'removed|gone' update "$pins/below" id "$prog"
	refuses 'by an object' 'removed|gone' update "$pins/below" "$objects/hist_oncpu.bpf.o"
	does 'detach it' detach "$pins/below"
	does 'detach what link detach detached' detach "$pins/at"
	mkdir "$top/a/x"

	run -j cgroup stat detach "$pins/fourth"
	check 'detach -j' holds 'said() in (None, {})'
	run -j cgroup stat detach "$pins/fourth"
	check 'detach -j of what is not there' holds "list(said()) == ['error']"
	does 'detach the last one' detach "$pins/above"
	rm "$pins/knob"
}

# shows_links WHAT DIR PIN...: show DIR lists the links with these pins, and no others
shows_links() {
	run -j cgroup stat show "$2"
	ask "' '.join(each['pinned'][0] for each in ours())"
	check "$1" [ "$answer" = "${*:3}" ]
}

# The three links are at cgroups with the same id, 1, and have the same file name.
test_hierarchies() {
	local object=$objects/knob.bpf.o start=$before named=$tmp/named net=$tmp/net
	local before=$before v2=$pins/v2 v1=$pins/v1 two=$pins/two new=$pins/new
	local twin=$tmp/twin id shown option pid inode dir
	local elsewhere="is cgroup v1, but its hierarchy isn't mounted in this mount namespace"

	within is_as_before
	begin_v1 "$net" "$with_controllers" || return
	begin_v1 "$named" "$hierarchy"
	mkdir "$named/a" "$net/a"
	does 'attach at the root of cgroup v2' attach "$object" $root "$v2"
	does 'of a v1 hierarchy with a name' attach "$object" "$named" "$v1"
	does 'of one with two controllers' attach "$object" "$net" "$two"
	check 'a file in each v1 cgroup' [ -e "$named/bpf.stat.knob" -a \
		-e "$named/a/bpf.stat.knob" -a -e "$net/a/bpf.stat.knob" ]

	ask "pinned('$v1')['link_id']"
	link=$answer
	id=$(hierarchy_id "$hierarchy")
	shown="[link('$v2', 'knob', 'knob', '0444', '$root', $(files bpf.stat.knob | wc -l)),
		link('$v1', 'knob', 'knob', '0444', '$named', 2, $id),
		link('$two', 'knob', 'knob', '0444', '$net', 2,
		     $(hierarchy_id "$with_controllers"))]"
	for option in -j -p; do
		shows "show $option" $option cgroup stat show
		check 'each has the path of its hierarchy' holds "ours() == $shown"
	done
	shows 'show' cgroup stat show
	check 'the same in plain text' matches \
		"root $root files .* root $named files 2 .* root $net files 2 "
	run link show id "$link"
	check 'link show has its path, too' matches " root $named files 2"
	shows_links 'show a cgroup of v2' "$top/a" "$v2"
	shows_links 'of a v1 hierarchy' "$named/a" "$v1"
	shows_links 'the root of another' "$net" "$two"
	remember
	refuses 'a name that is taken' "link $link \\(root $named\\) has it: .*detach $v1" \
		attach "$object" "$named/a" "$new"
	refuses 'taken somewhere' 'exists: link .*has it' attach "$object" all "$new"

	ask "rows([{'attach_type': 'cgroup_stat', 'link_id': $link, 'name': 'knob',
		    'id': int(pinned('$v1')['prog_id'])}])"
	shown=$answer
	shows 'cgroup show' -j cgroup show "$named"
	check 'its own link' holds "rows(said()) == $shown"
	shows 'cgroup show below' -j cgroup show "$named/a"
	check 'none' holds 'said() == []'
	shows 'cgroup show effective' -j cgroup show "$named/a" effective
	check 'that from above' holds "rows(said()) == $shown"
	run -j batch file - <<<"cgroup show $named/a effective"
	check 'in a batch, too' holds "[rows(each['output']) for each in said()] == [$shown]"
	run -j batch file - <<<"cgroup tree $named"
	check 'cgroup tree' holds "[(each['cgroup'], rows(each['programs']))
		for each in said()[0]['output']] == [('$named', $shown)]"

	bind "$named" "$top/c"
	shows_links 'v1 mounted on a directory of v2' "$top/c" "$v1"
	unbind
	bind "$named" "$net"
	shows 'show a hierarchy whose mount is hidden' cgroup stat show
	check 'not the path of what hides it' matches \
		" root id 1 in hierarchy .* \\($with_controllers\\), no path to it here files 2 "
	unbind

	does 'detach it' detach "$v1"
	does 'attach it further below' attach "$object" "$named/a" "$v1"
	ask "pinned('$v1')['link_id']"
	link=$answer
	remember
	refuses 'a name that is taken below' "link $link \\(root $named/a\\) has it" \
		attach "$object" "$named" "$new"

	begin_v1 "$twin" "$hierarchy-twin"
	mkdir "$twin/a"{,/b}
	check 'cgroups of two hierarchies have the same id' \
		[ "$(stat -c %i "$named/a")" = "$(stat -c %i "$twin/a")" ]
	bind "$named" "$twin/a/b"
	shows_links 'one mounted below the other' "$twin/a/b"
	unbind
	ends_v1 "$twin" "$hierarchy-twin"

	unshare -m sleep infinity &
	pid=$!
	tasks+=("$pid")
	within grep -q sleep "/proc/$pid/comm"
	inode=$(stat -c %i "$named/a")
	shown="id $inode in hierarchy $id \\($hierarchy\\), no path to it here"
	dir=/proc/$pid/root$named/a
	umount "$named"
	remember
	shows 'show while one is mounted elsewhere' cgroup stat show
	check 'what is known of its root' matches " mode 0444 root $shown files 1 "
	shows 'show -j' -j cgroup stat show
	check 'the same in JSON' holds "[(each['cgroup_id'], each['hierarchy_id'])
		for each in ours() if 'cgroup' not in each] == [($inode, $id)]"
	refuses 'show a directory of it' "$elsewhere" show "$dir"
	refuses_at_all 'cgroup show' "$elsewhere" cgroup show "$dir"
	run cgroup tree "$dir"
	check 'refused: cgroup tree' says_only "$elsewhere"
	refuses 'a name that is taken there' "a cgroup of the subtree has it: .*show" \
		attach "$object" "$dir" "$new"
	stop_tasks
	does 'detach what is at the root of cgroup v2' detach "$v2"
	does 'and of the other' detach "$two"
	check 'no files' has_none bpf.stat.knob
	remember
	refuses 'taken in a hierarchy that is not mounted' "link $link \\(root $shown\\) has it" \
		attach "$object" all "$new"
	mount_v1 "$named" "$hierarchy"
	shows_links 'mounted again' "$named/a" "$v1"
	does 'detach it' detach "$v1"
	ends_v1 "$named" "$hierarchy"
	ends_v1 "$net" "$with_controllers"
	before=$start
	check 'nothing is left' within is_as_before
}

test_all() {
	local object=$objects/knob.bpf.o start=$before named=$tmp/named net=$tmp/net
	local before=$before new=$pins/new all=$pins/all taken file row

	within is_as_before
	wrapper=(setpriv --bounding-set -sys_admin)
	refuses 'all without CAP_SYS_ADMIN' "to all: .*CAP_PERFMON and CAP_SYS_ADMIN" \
		attach "$object" all "$new"
	wrapper=()
	begin_v1 "$named" "$hierarchy" || return
	mkdir "$named/a"
	does 'attach to all' attach "$object" all "$all" mode 0640
	for file in {$root,"$top/a/x","$named/a"}/bpf.stat.knob; do
		check "has it: $file" is_mode "$file" 640
	done
	if begin_v1 "$net" "$with_controllers"; then
		mkdir "$net/a"
		check 'and so does what is mounted later' is_mode "$net/a/bpf.stat.knob" 640
	fi
	shows 'show' cgroup stat show
	check 'it has no root' matches \
		"bpf.stat.knob prog [0-9]+ knob mode 0640 every hierarchy files [0-9]+ pinned $all "
	shows 'show -j' -j cgroup stat show
	check 'in JSON' holds "[(each['cgroup_id'], each['hierarchy_id'], each['flags'],
		'cgroup' in each, each['nr_files'] >= $(find $root "$tmp" -name \
		bpf.stat.knob | wc -l)) for each in ours()] == [(0, 0, ['all'], False, True)]"
	ask "pinned('$all')['link_id']"
	link=$answer
	ask "pinned('$all')['prog_id']"
	row="($link, $answer, 'knob')"
	run link show id "$link"
	check 'link show, too' matches ' knob mode 0640 every hierarchy files '
	shows_links 'show a cgroup of v2' "$top/a/x" "$all"
	shows_links 'of v1' "$named/a" "$all"
	for file in "$top/a" "$named"; do
		shows 'cgroup show' -j cgroup show "$file"
		check 'not its own' holds 'rows(said()) == []'
		shows 'effective' -j cgroup show "$file" effective
		check 'that' holds "rows(said()) == [$row]"
	done

	remember
	taken="link $link \\(every hierarchy\\) has it: .*detach $all"
	refuses 'a name that all have, in v2' "$taken" attach "$object" "$top/a" "$new"
	refuses 'in v1' "$taken" attach "$object" "$named/a" "$new"
	refuses 'for all' "$taken" attach "$object" all "$new"
	does 'update it' update "$all" "$object"
	check 'the same link' holds "pinned('$all')['link_id'] == '$link'"
	run link detach pinned "$all"
	check 'link detach' has_none bpf.stat.knob
	shows 'show what was detached' cgroup stat show
	check 'gone' matches ' bpf.stat.knob prog [0-9]+ knob mode 0640 root gone files 0 '
	shows_links 'it is nowhere' "$named/a"
	does 'attach the name elsewhere' attach "$object" "$named/a" "$new"
	ask "pinned('$new')['link_id']"
	link=$answer
	remember
	refuses 'all, but one has it' "link $link \\(root $named/a\\) has it: .*detach $new" \
		attach "$object" all "$pins/another"
	does 'detach that one' detach "$new"
	does 'detach what was for all' detach "$all"

	mkdir "$top/c/all"
	cd "$top/c" || return
	does 'attach to a directory of that name' attach "$object" ./all "$new"
	check 'in no other' has_files bpf.stat.knob "$top/c/all"
	does 'detach it' detach "$new"
	cd / || return
	within rmdir "$top/c/all"
	ends_v1 "$named" "$hierarchy"
	[ -z "${hierarchies[$net]}" ] || ends_v1 "$net" "$with_controllers"
	before=$start
	check 'nothing is left' within is_as_before
}

# says_lazy WHAT TEXT JSON: bpftool shows our only link like this. JSON is how it differs
# from the link $lazy.
says_lazy() {
	local option

	shows "show $1" cgroup stat show
	check "$1, in plain text" matches " $2 pinned "
	for option in -j -p; do
		shows "show $option $1" $option cgroup stat show
		check "$1, in JSON" holds "ours() == [{**$lazy, **$3}]"
	done
	run link show id "$link"
	check "$1, by link show" matches " ${2#* * * } "
}

lazy_object() {
	local object=$objects/hist_oncpu.bpf.o row
	local text="$histo prog [0-9]+ hist_oncpu mode 0444 root $top lazy files"
	local lazy="link('$hist', 'hist_oncpu', 'hist_oncpu', '0444', '$top', 0, flags=['lazy'])"

	does 'attach an object lazily' attach "$object" "$top" "$hist" lazy
	check 'pinned with its other programs beside it' has_pins "$hist_pins"
	ask "pinned('$hist')['link_id']"
	link=$answer
	check 'no file is listed' has_none $histo
	says_lazy 'that there are none' "$text 0" '{}'
	shows_links 'show a cgroup that has no file yet' "$top/a/x" "$hist"
	shows_links 'one that will have none' $root
	ask "($link, int(pinned('$hist')['prog_id']), 'hist_oncpu')"
	row=$answer
	shows 'cgroup show effective' -j cgroup show "$top/a/x" effective
	check 'it is listed' holds "rows(said()) == [$row]"
	shows 'cgroup tree' -j cgroup tree "$top"
	check 'where its root is' holds "[(each['cgroup'], rows(each['programs']))
		for each in said()] == [('$top', [$row])]"
	check 'all that has created none' has_none $histo

	check 'one can be read, nothing ran there' has_zeroes "$top/a/$histo"
	check 'that created it, and no other' has_files $histo "$top/a"
	says_lazy 'that there is one' "$text 1" "{'nr_files': 1}"
	start_task "$top/a" sh -c 'while :; do :; done'
	check 'there is data in it' within is_above total_usec "$top/a/$histo" 100000
	check 'also where nobody has looked' is_above total_usec "$top/$histo" 100000
	stop_tasks
	mkdir "$top/c/new"
	check 'a new cgroup is born without' has_files $histo "$top"{,/a}
	check 'but has it' has_zeroes "$top/c/new/$histo"
	says_lazy 'that there are three' "$text 3" "{'nr_files': 3}"
	within rmdir "$top/c/new"
	says_lazy 'that one was removed' "$text 2" "{'nr_files': 2}"

	does 'update it' update "$hist" "$object"
	check 'the same link' holds "pinned('$hist')['link_id'] == '$link'"
	says_lazy 'that it is lazy as before' "$text 2" "{'nr_files': 2}"
	check 'a file that was there reads' is_hist "$top/a/$histo" nr_stretches
	check 'so does another' is_hist "$top/b/$histo" nr_stretches
	remember
	refuses 'a name that it has where there is no file' \
		"link $link \\(root $top\\) has it: .*detach $hist" \
		attach "$object" "$top/a/x" "$pins/new"
	does 'detach it' detach "$hist"
	check 'all are gone' has_none $histo
	check 'and none is created' fails cat "$top"{,/a,/b,/c}/$histo
}

# Tools that look up a name without listing it
lazy_globs() {
	local file=bpf.stat.other

	"$bpftool" prog load "$objects/knob.bpf.o" "$pins/knob" || die 'knob not loaded'
	does 'attach a program lazily' \
		attach pinned "$pins/knob" "$top" "$pins/other" lazy mode 0640 name other
	check 'a glob for names finds none' fails ls "$top"/a/bpf.stat.*
	check 'stat creates it with its mode' is_mode "$top/a/x/$file" 640
	check 'a glob with that name finds all' \
		[ "$(cd "$top" && echo */$file)" = "a/$file b/$file c/$file" ]
	check 'and has created them' has_files $file "$top"{/a,/a/x,/b,/c}
	does 'detach it' detach "$pins/other"
	does 'options in another order' \
		attach pinned "$pins/knob" "$top" "$pins/other" name other l mode 0400
	check 'python finds all by glob' holds \
		"sorted(glob.glob('$top/*/$file')) == ['$top/' + each + '/$file' for each in 'abc']"
	check 'with that mode' is_mode "$top/c/$file" 400
	does 'detach it' detach "$pins/other"
	rm "$pins/knob"
}

lazy_all() {
	local object=$objects/knob.bpf.o all=$pins/all new=$pins/new named=$tmp/named
	local file=bpf.stat.knob text="bpf.stat.knob prog [0-9]+ knob mode 0640" taken
	local lazy="{k: v for k, v in link('$all', 'knob', 'knob', '0640', '$top', 0,
		flags=['all', 'lazy']).items() if k != 'cgroup'}"

	does 'attach to all lazily' attach "$object" all "$all" lazy mode 0640
	ask "pinned('$all')['link_id']"
	link=$answer
	check 'no file is listed' has_none $file
	says_lazy 'that it is everywhere' "$text every hierarchy lazy files 0" "{'cgroup_id': 0}"
	shows_links 'show whatever cgroup' "$top/b" "$all"
	remember
	taken="link $link \\(every hierarchy\\) has it: .*detach $all"
	refuses 'a name that all have, without a file' "$taken" attach "$object" "$top/a" "$new"
	refuses 'for all' "$taken" attach "$object" all "$new" lazy
	check 'it can be read' reads "$top/b/$file" 100
	says_lazy 'that there is one' "$text every hierarchy lazy files 1" \
		"{'cgroup_id': 0, 'nr_files': 1}"
	if begin_v1 "$named" "$hierarchy"; then
		mkdir "$named/a"
		check 'none in what is mounted' fails ls "$named"{,/a}/bpf.stat.*
		check 'it can be read there' reads "$named/a/$file" 100
		says_lazy 'that there are two' "$text every hierarchy lazy files 2" \
			"{'cgroup_id': 0, 'nr_files': 2}"
		ends_v1 "$named" "$hierarchy"
		says_lazy 'that one went with it' "$text every hierarchy lazy files 1" \
			"{'cgroup_id': 0, 'nr_files': 1}"
	fi

	run link detach pinned "$all"
	check 'link detach' has_none $file
	says_lazy 'that it is gone' "$text root gone lazy files 0" \
		"{'cgroup_id': 0, 'attached': False}"
	shows_links 'it is nowhere' "$top/b"
	does 'attach the name elsewhere' attach "$object" "$top/a" "$new" lazy
	ask "pinned('$new')['link_id']"
	link=$answer
	remember
	refuses 'all, but one has it' "link $link \\(root $top/a\\) has it: .*detach $new" \
		attach "$object" all "$pins/another"
	does 'detach that one' detach "$new"
	does 'detach what was for all' detach "$all"
}

test_lazy() {
	local start=$before
	local before=$before

	within is_as_before
	lazy_object
	lazy_globs
	lazy_all
	before=$start
	check 'nothing is left' within is_as_before
}

# Characters in paths that JSON strings must escape
test_json() {
	local odd=$'"\\\t\r\b\f\x01\x1f\x7f\'\xc3\xbc'
	local dir=$top/b/$odd pin=$pins/$odd$'\n' option
	local py_odd="'\\x22\\\\\\t\\r\\b\\f\\x01\\x1f\\x7f\\'\\xfc'"
	local py_dir="('$top/b/' + $py_odd)" py_pin="('$pins/' + $py_odd + '\\n')"

	mkdir "$dir"
	does 'attach where paths are odd' attach "$objects/knob.bpf.o" "$dir" "$pin"
	for option in -j -p; do
		shows "show $option" $option cgroup stat show
		check 'odd paths' holds \
			"ours() == [link($py_pin, 'knob', 'knob', '0444', $py_dir, 1)]"
	done
	shows 'cgroup tree -j' -j cgroup tree "$top"
	check 'an odd cgroup' holds "[each['cgroup'] for each in said()] == [$py_dir]"
	run -j cgroup stat attach "$objects/knob.bpf.o" "$dir" "$pins/new"
	check 'odd paths in an error' holds \
		"all(each in said()['error'] for each in ($py_dir, $py_pin))"
	does 'detach' detach "$pin"
	rmdir "$dir"

	run -j cgroup show "$top"
	check 'cgroup show -j, and there are none' holds 'said() == []'
	run -j batch file - <<<"cgroup show $top"
	check 'in a batch, too' holds "[each['output'] for each in said()] == [[]]"
}

# churn CGROUP: create and remove cgroups in it, in the background
churn() {
	python3 -c 'import os, sys
paths = [f"{sys.argv[1]}/{i}" for i in range(4)]
paths += [f"{path}/{i}" for path in paths for i in range(2)]
while True:
    for path in paths: os.mkdir(path)
    for path in reversed(paths): os.rmdir(path)' "$1" &
	tasks+=($!)
}

# is_stable EXPECTED ARG...: EXPECTED holds for each of 50 runs of bpftool -j ARG...
is_stable() {
	local i

	for ((i = 0; i < 50; i++)); do
		run -j "${@:2}"
		[ "$status" = 0 ] && holds "$1" || return
	done
}

# may_be_shown CGROUP [ARG...]: bpftool cgroup show succeeds, or finds no such cgroup
may_be_shown() {
	local i

	for ((i = 0; i < 50; i++)); do
		run cgroup show "$@"
		[ "$status" = 0 ] || says_only "can't open cgroup $1" || return
	done
}

test_churn() {
	does 'attach at the top' attach "$objects/knob.bpf.o" "$top" "$pins/knob"
	churn "$top/b"
	check 'cgroup tree while cgroups come and go' is_stable \
		"[(each['cgroup'], len(each['programs'])) for each in said()] == [('$top', 1)]" \
		cgroup tree "$top/"
	check 'all that stay, effective' is_stable \
		"{'$top' + each for each in ('', '/a', '/a/x', '/b', '/c')} <=
		 {each['cgroup'] for each in said()}" \
		cgroup tree "$top" effective
	check 'cgroup show of one that comes and goes' may_be_shown "$top/b/3"
	check 'effective, too' may_be_shown "$top/b/3" effective
	stop_tasks
	rmdir "$top"/b/*/*/ "$top"/b/*/ 2>/dev/null
	run cgroup tree "$top/bogus"
	check 'refused: a tree that is not there' says_only "bogus: No such file"
	does 'detach' detach "$pins/knob"
}

# $link at $top/a has the name already.
test_taken() {
	local taken="$histo exists: link $link \\(root $top/a\\) has it: .*detach $hist"
	local object=$objects/hist_oncpu.bpf.o

	refuses 'a name that is taken there' "$taken" attach "$object" "$top/a" "$pins/new"
	refuses 'above' "$taken" attach "$object" "$top/a/x" "$pins/new"
	refuses 'below' "$taken" attach "$object" "$top" "$pins/new"
	does 'attach it elsewhere' attach "$object" "$top/b" "$pins/new"
	does 'and detach' detach "$pins/new"
}

test_usage() {
	local good=("$objects/knob.bpf.o" "$top" "$pins/new")

	run cgroup stat bogus
	check 'refused: no such command' [ $status != 0 -a ! -s "$tmp/said" ]
	run -j cgroup stat bogus
	check 'in JSON, too' holds 'said() is None'
	run -j batch file - <<<'cgroup stat bogus'
	check 'and in a batch' holds "[each['output'] for each in said()] == [None]"
	refuses 'attach nothing' 'argument' attach
	refuses 'attach without PATH' 'argument' attach "${good[@]:0:2}"
	refuses 'attach a program without PATH' 'path' attach id "$prog" "$top"
	refuses 'update nothing' 'argument' update
	refuses 'update without program' 'argument' update "$hist"
	refuses 'detach nothing' 'argument' detach
	refuses 'an argument too many for detach' 'again' detach "$hist" again
	refuses 'an argument too many for show' 'again' show "$top" again
	refuses 'an unknown keyword' 'bogus' attach "${good[@]}" bogus 1
	refuses 'no name after name' 'name|argument' attach "${good[@]}" name
	refuses 'no mode after mode' 'mode|argument' attach "${good[@]}" mode
	refuses 'two names' "'name' is given twice" attach "${good[@]}" name a name b
	refuses 'two modes' "'mode' is given twice" attach "${good[@]}" mode 0444 mode 0400
	refuses 'lazy twice' "'lazy' is given twice" attach "${good[@]}" lazy mode 0400 lazy
	for word in name mode lazy; do
		refuses "$word instead of PATH" "'$word' goes after .* ./$word" \
			attach "${good[@]:0:2}" $word
		refuses "$word before PATH" "'$word' goes after .* ./$word" \
			attach "${good[@]:0:2}" $word "$pins/new"
		refuses "$word before CGROUP" "'$word' goes after .* ./$word" \
			attach "${good[0]}" $word "${good[@]:1}"
		refuses "$word for update" "'$word' goes with attach" \
			update "$hist" "${good[0]}" fresh $word
	done
	for mode in '' rw 0999 01444 0444x 0; do
		refuses "mode '$mode'" "mode" attach "${good[@]}" mode "$mode"
	done
	for name in '' a/b 'a b' 'a+b'; do
		refuses "name '$name'" "name" attach "${good[@]}" name "$name"
	done
	refuses 'a name of 256 characters' 'name.*(long|short)' \
		attach "${good[@]}" name "$(printf '%256s' '' | tr ' ' x)"
	refuses 'a PATH of 4096 characters' 'name too long' \
		detach "$pins/$(printf '%4096s' '' | tr ' ' x)"
	for keyword in id pinned tag name n; do
		refuses "no argument after $keyword" 'argument' update "$hist" $keyword
	done
}

# Object files whose names are keywords, or prefixes of keywords
test_keyword() {
	local new=$pins/new

	mkdir "$tmp/keyword"
	cd "$tmp/keyword" || return
	cp "$objects/knob.bpf.o" id
	cp "$objects/knob.bpf.o" n
	refuses 'an object called n' '\./n' attach n "$top/b" "$new"
	refuses 'called id' '\./id' attach id "$top/b" "$new"
	refuses 'update by one called n' '\./n' update "$hist" n
	refuses 'by one called id' '\./id' update "$hist" id
	refuses 'a keyword that may be a file' '\./n' attach n hist_oncpu "$top/b" "$new"
	refuses 'an object called id for all' '\./id' attach id all "$new"
	refuses 'an object of no name' "can't open" attach '' "$top/b" "$new"
	does 'attach one by its path' attach ./n "$top/b" "$new"
	does 'detach' detach "$new"
	does 'a keyword beside a file' attach id "$prog" "$top/b" "$new" name new
	does 'detach' detach "$new"
	cd / || return
}

# Other commands, which don't support stat programs
test_elsewhere() {
	refuses_at_all 'cgroup attach' 'bpftool cgroup stat attach' \
		cgroup attach "$top" cgroup_stat id "$prog"
	refuses_at_all 'cgroup detach' 'bpftool cgroup stat detach' \
		cgroup detach "$top" cgroup_stat id "$prog"
	refuses_at_all 'prog run' 'bpftool cgroup stat attach' prog run id "$prog" repeat 1
}

# Make objects that are refused. The last two are copies of memory.bpf.o, with another
# program type, and with a program that isn't sleepable, which the verifier refuses.
make_objects() {
	: >"$tmp/empty.bpf.o"
	echo 'no object' >"$tmp/text.bpf.o"
	head -c 5000 "$objects/memory.bpf.o" >"$tmp/truncated.bpf.o"
	sed 's,cgroup/stat\.s,syscall\x00\x00\x00\x00\x00\x00,g' \
		"$objects/memory.bpf.o" >"$tmp/other.bpf.o"
	sed 's,cgroup/stat\.s,cgroup/stat\x00\x00,g' \
		"$objects/memory.bpf.o" >"$tmp/refused.bpf.o"
}

test_wrong() {
	local object=$objects/hist_oncpu.bpf.o new=$pins/new collector kind

	make_objects
	refuses 'an object that is not there' 'No such file' attach "$tmp/none.bpf.o" "$top" "$new"
	for kind in empty text truncated refused; do
		refuses "an object: $kind" "$kind.bpf.o" attach "$tmp/$kind.bpf.o" "$top" "$new"
	done
	refuses 'an object without stat program' 'stat program' \
		attach "$tmp/other.bpf.o" "$top" "$new"
	refuses 'no such id' 'id|No such' attach id 4294967295 "$top" "$new"
	refuses 'no such name' 'no.*prog|prog.*no' attach name bogus "$top" "$new"
	refuses 'no such pin' 'No such' attach pinned "$pins/bogus" "$top" "$new"
	ask "pinned('$hist-progs/account_stretch')['prog_id']"
	collector=$answer
	refuses 'a program of another type' 'stat program|type' attach id "$collector" "$top" "$new"

	refuses 'no such cgroup' 'No such file' attach "$object" "$top/bogus" "$new"
	refuses 'a file for a cgroup' 'director' attach "$object" "$top/cgroup.procs" "$new"
	refuses 'a directory for a cgroup' 'cgroup' attach "$object" "$tmp" "$new"
	refuses 'show no such cgroup' 'No such file' show "$top/bogus"
	refuses 'show a directory for a cgroup' 'is no cgroup' show "$tmp"
	refuses_at_all 'by cgroup show' 'is no cgroup' cgroup show "$tmp"

	refuses 'a pin for PATH' 'exists' attach "$object" "$top/b" "$hist"
	refuses 'PATH in no directory' "exist|No such" attach "$object" "$top/b" "$pins/bogus/new"
	refuses 'PATH in a read-only directory' 'Read-only' \
		attach "$object" "$top/b" "$tmp/read-only/new"
	run -n cgroup stat attach "$object" "$top/b" "$tmp/plain/new"
	check 'refused: PATH not on a BPF file system' is_refused 'BPF file system|bpffs'
	mkdir "$new-progs"
	remember
	refuses 'a PATH-progs that exists' 'exist' attach "$object" "$top/b" "$new"
	rmdir "$new-progs"
	remember

	refuses 'update what is not there' 'No such file' update "$new" id "$prog"
	refuses 'update another link' 'stat' update "$hist-progs/account_stretch" id "$prog"
	refuses 'update a program' 'link' update "$hist-progs/hist_oncpu_ns" id "$prog"
	refuses 'update by another type' 'stat program|type' update "$hist" id "$collector"
	refuses 'update by no object' 'text.bpf.o' update "$hist" "$tmp/text.bpf.o"
	refuses 'detach what is not there' 'No such file' detach "$new"
	refuses 'detach another link' 'stat' detach "$hist-progs/account_stretch"
	refuses 'detach a program' 'link' detach "$hist-progs/hist_oncpu_ns"
	refuses 'detach a directory' 'link|pin' detach "$hist-progs"

	chown 1 "$hist-progs"
	remember
	refuses "another user's PATH-progs" 'another user made it: give .fresh' \
		update "$hist" "$object"
	chown 0 "$hist-progs"
	mv "$hist-progs" "$pins/progs"
	ln -s "$pins/progs" "$hist-progs"
	remember
	refuses 'a symbolic link for PATH-progs' 'Not a directory: give .fresh' \
		update "$hist" "$object"
	rm "$hist-progs"
	mv "$pins/progs" "$hist-progs"
	remember

	wrapper=(setpriv --bounding-set -sys_admin)
	refuses 'get the maps without CAP_SYS_ADMIN' 'takes CAP_SYS_ADMIN, or give .fresh' \
		update "$hist" "$object"
	does 'update with fresh maps without it' update "$hist" "$object" fresh
	wrapper=()
	does 'update' update "$hist" "$object"
	ask "pinned('$hist')['prog_id']"
	prog=$answer
	ask "len(ids('prog'))"
	remember

	wrapper=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	refuses 'attach by somebody' 'root|CAP_BPF|permi' attach "$object" "$top/b" "$new"
	refuses 'detach by somebody' 'root|permi' detach "$hist"
	refuses 'show by somebody' 'root' show
	wrapper=()
}

# A lock serializes the commands that change the pins of a link.
test_together() {
	local object=$objects/hist_oncpu.bpf.o lock=$hist-progs-new fd i pids=()

	ask "len(ids('prog'))"
	nr_progs=$answer
	start_task "$top/a" sh -c 'while :; do sleep 0.01; done'
	mkdir "$lock"
	exec {fd}<"$lock"
	flock $fd
	"$bpftool" cgroup stat update "$hist" "$object" {fd}<&- 2>"$tmp/error" &
	check 'an update waits for another' within grep -q 'another.*waiting' "$tmp/error"
	check 'and has loaded nothing' has_progs "$nr_progs"
	exec {fd}<&-
	wait $!
	status=$?
	check 'then it is done' [ $status = 0 ]
	check 'as it should be' is_whole

	for i in {1..12}; do
		"$bpftool" cgroup stat update "$hist" "$object" 2>>"$tmp/error" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
		status=$?
		check 'one of twelve updates' [ $status = 0 ]
	done
	check 'the last one as it should be' is_whole

	mkdir "$lock"
	chown 1 "$lock"
	remember
	refuses "another user's directory" "$lock: another user made it: remove" \
		update "$hist" "$object"
	exec {fd}<"$lock"
	flock $fd
	refuses "another user's lock" "$lock: another user's bpftool is at work" \
		update "$hist" "$object"
	exec {fd}<&-
	rmdir "$lock"
	remember
	stop_tasks
	attach_together "$objects/knob.bpf.o" "$tmp/plain"
}

# attach_together OBJ DIR: where one bpffs has to be mounted for all
attach_together() {
	local fd i pids=()

	exec {fd}<"$2"
	flock $fd
	for i in 1 2 3 4; do
		"$bpftool" cgroup stat attach "$1" "$top/b" "$2/new$i" name "new$i" \
			{fd}<&- 2>"$tmp/error$i" &
		pids+=($!)
		check 'an attach waits for another' within grep -q 'another.*waiting' "$tmp/error$i"
	done
	exec {fd}<&-
	for i in "${pids[@]}"; do
		wait "$i"
		status=$?
		check 'one of four attached' [ $status = 0 ]
	done
	for i in 1 2 3 4; do
		does 'its pin is seen' detach "$2/new$i"
	done
	check 'one BPF file system was mounted' umount "$2"
	check 'nothing is left' within is_as_before
}

# find_points KINDS ARG...: list in points[] the system calls of the command that create
# something which an error has to undo, or remove something, each as NAME:COUNT for
# inject. Unless $everywhere is set, only the last one of each kind is listed, when
# there is most to undo. All KINDS of them have to be there.
find_points() {
	local makers='OBJ_PIN|LINK_CREATE|RAW_TRACEPOINT_OPEN|LINK_UPDATE' kind
	local calls='bpf,mkdirat,renameat,renameat2,unlinkat,fsopen,fsmount,move_mount'

	wrapper=(strace -o "$tmp/trace" -e "trace=$calls")
	does "$2 under strace" "${@:2}"
	wrapper=()
	mapfile -t points < <(awk -F'[(,]' -v makers="BPF_($makers)" -v everywhere=$everywhere '
		{ nr[$1]++ }
		/ = [0-9]+$/ && ($1 != "bpf" || $2 ~ makers) {
			kind = everywhere ? NR : $1 ($1 == "bpf" ? $2 : "")
			if (kind in point)
				delete order[point[kind]]
			point[kind] = NR
			order[NR] = $1 ":" nr[$1]
		}
		END {
			for (i = 1; i <= NR; i++)
				if (i in order)
					print order[i]
		}' "$tmp/trace")
	answer=${points[*]}
	for kind in $1; do
		check "$2 has such calls: $kind" has_point "$kind"
	done
}

has_point() { [[ " ${points[*]}" = *" $1"* ]]; }

# inject WHAT POINT ARG...: run the command, with WHAT (for strace) at that system call
inject() {
	wrapper=(strace -o "$tmp/trace" -e "trace=${2%:*}" -e "inject=${2%:*}:$1:when=${2#*:}")
	run cgroup stat "${@:3}"
	injected=("${wrapper[@]}")
	wrapper=()
}

# lacks_memory POINT ARG...: the system call fails with ENOMEM
lacks_memory() {
	[[ $1 != unlinkat:* ]] || return 0	# that takes none
	inject error=ENOMEM "$@"
	check "no memory at $1 of $2" is_refused 'memory'
	wrapper=("${injected[@]}")
	check 'in JSON, too' is_refused_in_json "${ran[@]}"
	wrapper=()
}

# An update was done completely or not at all: all pins are there, no program too many,
# and the file shows the figures of the collector that is attached.
is_whole() {
	has_pins "$hist_pins" && within has_progs "$nr_progs" &&
		is_hist "$top/a/$histo" nr_stretches && goes_on nr_stretches "$top/a/$histo"
}

# undo PATH: what attach has done
undo() {
	does 'detach' detach "$1"
	umount "$tmp/plain" 2>/dev/null
	rm -f /sys/fs/bpf/cgroup_stat_nr
	check 'nothing is left' within is_as_before
}

# interrupt_attach KINDS OBJ CGROUP PATH
interrupt_attach() {
	local points point i what new=$4

	find_points "$1" attach "${@:2}"
	undo "$new"
	for i in "${!points[@]}"; do
		point=${points[i]}
		what="SIG${signals[i % 3]} at $point of attach"
		lacks_memory "$point" attach "${@:2}"
		inject "signal=${signals[i % 3]}" "$point" attach "${@:2}"
		if [[ $point = @(renameat|unlinkat|move_mount)* && -e $new ]]; then
			check "$what, when it was done" [ "$status" != 0 ]
			undo "$new"
		else
			check "$what" is_interrupted
		fi
		inject signal=KILL "$point" attach "${@:2}"
		[ -e "$new" ] || run cgroup stat attach "${@:2}"
		check "attached after SIGKILL at $point" [ -e "$new" ]
		undo "$new"
	done
}

# Whatever is next at a PATH finishes or undoes an update that was killed.
after_killed_update() {
	local point=$1

	inject signal=KILL "$point" update "${@:2}"
	run cgroup stat update "$hist" "$tmp/refused.bpf.o"
	check "an update that fails after SIGKILL at $point" [ "$status" != 0 ]
	check 'as if that had not been, or all of it' is_whole
	inject signal=KILL "$point" update "${@:2}"
	does "a pinned program after SIGKILL at $point" \
		update "$hist" pinned "$hist-progs/hist_oncpu_ns"
	check 'pinned as before' has_pins "$hist_pins"
	check 'nothing else is loaded' within has_progs $((nr_progs - 1))
	check 'it shows what is collected' goes_on total_nsec "$top/a/$histo"
	inject signal=KILL "$point" update "${@:2}"
	does "update after SIGKILL at $point" update "${@:2}"
	check 'as if nothing had been' is_whole
}

# interrupt_update PATH OBJ fresh: with maps of its own, so that it matters which
# collector is there
interrupt_update() {
	local points point i updated=

	ask "len(ids('prog'))"	# an update doesn't change their number
	nr_progs=$answer
	find_points 'bpf mkdirat renameat unlinkat' update "$@"
	within is_whole
	for i in "${!points[@]}"; do
		point=${points[i]}
		[[ $point != renameat* ]] || updated=1
		remember
		if [ ! $updated ]; then
			lacks_memory "$point" update "$@"
		elif [[ $point = renameat* ]]; then
			inject error=ENOMEM "$point" update "$@"
			check "no memory at $point of update" \
				says_only "updated .* isn't replaced: .*memory"
			run cgroup stat update "$hist" "$tmp/refused.bpf.o"
			check 'finished by the next' is_whole
		fi
		inject "signal=${signals[i % 3]}" "$point" update "$@"
		check "SIG${signals[i % 3]} at $point of update" is_whole
		after_killed_update "$point" "$@"
	done
}

# Either it has the one program of that object, and nothing else, or it is as it was.
is_knob_or_whole() {
	if [ "$(wc -l <"$top/a/$histo")" = 1 ]; then
		has_pins '. ./hist ' && within has_progs $((nr_progs - 2))
	else
		is_whole
	fi
}

interrupt_update_to_one() {
	local points point object=$objects/hist_oncpu.bpf.o

	find_points 'bpf mkdirat renameat unlinkat' update "$hist" "$objects/knob.bpf.o"
	for point in "${points[@]}"; do
		does 'update by many' update "$hist" "$object"
		inject signal=KILL "$point" update "$hist" "$objects/knob.bpf.o"
		run cgroup stat update "$hist" "$tmp/refused.bpf.o"
		check "one program or all after SIGKILL at $point" is_knob_or_whole
	done
	does 'update by many' update "$hist" "$object"
	check 'they are as before' is_whole
}

# An error of what finds the processes that hold a link
show_without_processes() {
	local call

	strace -o "$tmp/trace" -e trace=bpf "$bpftool" cgroup stat show >"$tmp/said"
	call=$(grep -n '^bpf(BPF_ITER_CREATE' "$tmp/trace")
	wrapper=(strace -o "$tmp/trace" -e trace=bpf -e "inject=bpf:error=ENOMEM:when=${call%%:*}")
	run cgroup stat show
	check 'no memory to find processes' is_refused 'PID iterator'
	check 'in JSON, too' is_refused_in_json cgroup stat show
	wrapper=()
}

test_interrupted() {
	local object=$objects/hist_oncpu.bpf.o signals=(TERM INT HUP)

	command -v strace >/dev/null || {
		echo "ok $((++nr)) interrupted # SKIP there is no strace"
		return
	}
	make_objects
	show_without_processes
	interrupt_attach 'bpf mkdirat renameat unlinkat' "$object" "$top/b" "$pins/new"
	interrupt_attach 'bpf' "$objects/cgroup_stat_pinned.bpf.o" "$top/b" "$pins/new"
	interrupt_attach 'bpf fsopen fsmount mkdirat renameat move_mount unlinkat' \
		"$object" "$top/b" "$tmp/plain/new"

	start_task "$top/a" sh -c 'while :; do sleep 0.01; done'
	interrupt_update "$hist" "$object" fresh
	interrupt_update_to_one
	stop_tasks
}

test_interrupted_everywhere() {
	everywhere=1
	test_interrupted
}

# completes WHAT EXPECTED WORD...: the completions are those in EXPECTED, in any order
completes() {
	COMP_WORDS=(bpftool "${@:3}")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMP_LINE=${COMP_WORDS[*]}
	COMP_POINT=${#COMP_LINE}
	COMPREPLY=()
	_bpftool bpftool "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}" 2>/dev/null
	answer=${COMPREPLY[*]}
	# shellcheck disable=SC2086 # words
	check "completion: $1" \
		[ "$(printf '%s\n' "${COMPREPLY[@]}" | sort)" = "$(printf '%s\n' $2 | sort)" ]
}

test_completion() {
	local kinds='id pinned tag name'

	if [ ! -e /usr/share/bash-completion/bash_completion ]; then
		echo "ok $((++nr)) completion # SKIP there is no bash-completion"
		return
	fi
	# shellcheck disable=SC1091
	. /usr/share/bash-completion/bash_completion
	# shellcheck disable=SC1090
	. "$completion"
	PATH=${bpftool%/*}:$PATH
	mkdir -p "$tmp/here/folder"
	: >"$tmp/here/object"
	cd "$tmp/here" || return
	completes 'cgroup' stat cgroup sta
	completes 'commands' 'attach update show list detach help' cgroup stat ''
	completes 'a command' attach cgroup stat att
	completes 'attach' "object folder $kinds" cgroup stat attach ''
	"$bpftool" -j prog show >"$tmp/said"
	ask "' '.join(str(each['id']) for each in said())"
	completes 'program ids' "$answer" cgroup stat attach id ''
	completes 'a cgroup or all' 'folder all' cgroup stat attach object ''
	completes 'all' all cgroup stat attach object al
	completes 'a cgroup after a program' 'folder all' cgroup stat attach id 1 ''
	completes 'PATH' 'object folder' cgroup stat attach object folder ''
	completes 'options' 'name mode lazy' cgroup stat attach object folder path ''
	completes 'options after a program' 'name mode lazy' cgroup stat attach id 1 folder path ''
	completes 'the other options' 'name lazy' cgroup stat attach object folder path mode 0400 ''
	completes 'what goes with lazy' 'name mode' cgroup stat attach object folder path lazy ''
	completes 'lazy' lazy cgroup stat attach object folder path la
	completes 'update' 'object folder' cgroup stat update ''
	completes 'what to update by' "object folder $kinds" cgroup stat update path ''
	completes 'the option of update' fresh cgroup stat update path object ''
	completes 'none with a program' '' cgroup stat update path id 1 ''
	completes 'detach' 'object folder' cgroup stat detach ''
	completes 'nothing more' '' cgroup stat detach path ''
	completes 'show' folder cgroup stat show ''
	cd / || return
}

[ $# -ge 3 ] || die "usage: $0 BPFTOOL OBJECTS COMPLETION [TEST...]"
bpftool=$(realpath "$1")
objects=$(realpath "$2")
completion=$(realpath "$3")
only=" ${*:4} "
[ "$(id -u)" = 0 ] || die 'try as root'
[ "$(stat -fc %T $root)" = cgroup2fs ] || die "no cgroup v2 in $root"
[ "$(stat -fc %T /sys/fs/bpf)" = bpf_fs ] || die 'no bpffs in /sys/fs/bpf'
for file in "$bpftool" "$objects"/{hist_oncpu,knob,memory,memory_tree,net,oom,runqlat}.bpf.o \
	"$objects"/cgroup_stat_{beside,exits,exits_call,maps,pinned}.bpf.o "$completion" "$unit" \
	"$watch"; do
	[ -e "$file" ] || die "$file is not there"
done

tmp=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir -p "$top"/{a/x,b,c} "$pins" "$tmp"/{plain,read-only}
mount -t bpf -o ro none "$tmp/read-only" || die 'no bpffs to be read only'
coproc python { exec python3 -c "$helper" "$tmp/said" "$pins"; }

remember
for test in object count runqlat knob v1_programs memory tree net oom keep beside wakes \
	    pinned relative paths unit programs show gone hierarchies all lazy json churn; do
	! wanted $test || test_$test
done

does 'attach what the rest is tried beside' attach "$objects/hist_oncpu.bpf.o" "$top/a" "$hist"
ask "pinned('$hist')['link_id']"
link=$answer
ask "pinned('$hist')['prog_id']"
prog=$answer
remember
for test in taken usage keyword elsewhere wrong together interrupted completion; do
	! wanted $test || test_$test
done
[[ $only != *' interrupted_everywhere '* ]] || test_interrupted_everywhere
run cgroup stat detach "$hist"
check 'nothing left in the end' has_pins '. '
echo "1..$nr"
[ $failed = 0 ]
