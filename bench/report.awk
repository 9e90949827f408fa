# SPDX-License-Identifier: GPL-2.0
# report.awk -v unit= -v csv= -v kernel= -v date= TSV...: prints the results of bench.c
# as a table, with the ratio of each operation to its peer, writes them to the file
# csv, and checks the targets. The exit status is 1 if a target is missed.

BEGIN {
	FS = "\t"
}

{
	$3 = $3 == "time" ? unit : $3
	n++
	group[n] = $1
	if (!seen[$1]++)
		groups[++nr_groups] = $1
	operation[n] = $2
	units[n] = $3
	peer[n] = $5
	value[$1, $2] = $4
	measured_in[$1, $2] = $3
}

function of(group, operation) {
	if ((group, operation) in value)
		return value[group, operation]
	lacking = lacking "; not measured: " operation
	return 0
}

function ratio(i,    base) {
	base = peer[i] == "-" ? 0 : value[group[i], peer[i]]
	return base ? sprintf("%.3f", value[group[i], operation[i]] / base) : ""
}

function print_row(i) {
	printf "  %-60s %12d %7s%s\n", operation[i], value[group[i], operation[i]], ratio(i),
		units[i] == unit ? "" : "  " units[i]
	print kernel "," date "," group[i] "," operation[i] "," units[i] "," \
		value[group[i], operation[i]] "," (peer[i] == "-" ? "" : peer[i]) "," \
		ratio(i) >csv
}

# Rows of a group may come from several files.
function print_groups(    g, i) {
	print "kernel,date,group,operation,unit,value,peer,ratio" >csv
	for (g = 1; g <= nr_groups; g++) {
		printf "\n%-62s %12s %7s\n", groups[g], "", "ratio"
		for (i = 1; i <= n; i++)
			if (group[i] == groups[g])
				print_row(i)
	}
}

# A target is met if @is is at most @limit.
function target(what, is, limit,    word) {
	word = "met   "
	if (lacking || is > limit) {
		word = "MISSED"
		missed++
	}
	printf "%s %s: %.1f, at most %.1f%s\n", word, what, is, limit, lacking
	lacking = ""
}

function at_most(times, group, operation, base) {
	target(operation ", " times " x " base, of(group, operation), times * of(group, base))
}

function at_most_more(limit, group, operation, base) {
	target(operation ", " measured_in[group, operation] " more than " base,
	       of(group, operation) - of(group, base), limit)
}

# Compares what a link's file adds to mkdir with what a memory controller's file adds.
function share(group, who, per,    link, file) {
	link = (of(group, "mkdir 16 links" who) - of(group, "mkdir 0 links" who)) / 16
	file = (of(group, "mkdir with memory files" who) - \
		of(group, "mkdir without memory files" who)) / of("links", "memory files of a cgroup")
	target("a link adds to mkdir" who ", " per ", 1.1 x a built-in file",
	       link, 1.1 * file)
}

function judge(    i, nr, verb) {
	print "\ntargets"
	at_most(1, "read", "pread bpf.stat.number", "pread cgroup.freeze")
	at_most(1, "read", "pread bpf.stat.number of six digits", "pread pids.max of six digits")
	at_most(1, "read", "pread bpf.stat.number of six digits",
		"BPF_PROG_RUN number by cgroup id")
	at_most(1.05, "read", "open+read+close bpf.stat.two_bytes", "open+read+close cgroup.freeze")
	at_most(0.09, "memory", "pread bpf.stat.memory", "pread memory.stat and parse")
	at_most(0.155, "memory", "open+read+close bpf.stat.memory",
		"open+read+close memory.stat and parse")
	at_most(0.08, "memory", "1000 cgroups: one pread bpf.stat.memory_tree",
		"1000 cgroups: pread memory.stat and parse")
	at_most(1.15, "memory", "1000 cgroups: one pread bpf.stat.memory_tree_bin",
		"1000 cgroups: one cgroup_iter into a mapped array")
	at_most(1, "knob", "pwrite bpf.stat.knob", "pwrite cpu.weight")
	for (i = 1; i <= 4; i++) {
		verb = (i % 2 ? "mkdir" : "rmdir") (i > 2 ? " by a user" : "")
		at_most(1.01, "mkdir", verb, verb " unpatched")
		verb = (i % 2 ? "mkdir" : "rmdir") " %s" (i > 2 ? " by a user" : "")
		at_most_more(250, "links", sprintf(verb, "16 lazy links"), sprintf(verb, "0 links"))
	}
	target("mkdir, instructions more than unpatched, by function",
	       of("functions", "mkdir in all"), 100)
	target("rmdir, instructions more than unpatched, by function",
	       of("functions", "rmdir in all"), 100)
	at_most_more(0, "mkdir", "struct cgroup", "struct cgroup unpatched")
	at_most_more(0, "bytes", "mkdir 16 lazy links", "mkdir 0 links")
	at_most_more(0, "bytes", "mkdir 16 lazy links by a user", "mkdir 0 links by a user")
	at_most_more(80, "lookup", "first open+close cgroup.procs",
		     "first open+close cgroup.procs unpatched")
	at_most_more(80, "lookup", "first look-up of a missing name",
		     "first look-up of a missing name unpatched")
	share("links", "", "instructions")
	share("links", " by a user", "instructions")
	share("bytes", "", "bytes")
	share("bytes", " by a user", "bytes")
	for (nr = 100; nr <= 10000; nr *= 10)
		target("attach " nr " cgroups, for each of them",
		       of("subtree", "attach " nr " cgroups") / (nr + 1), 3000)
	target("attach to 1000 cgroups of 3 hierarchies, for each of them",
	       of("all", "attach to 1000 cgroups of 3 hierarchies") / 1000, 3000)
	for (nr = 100; nr <= 10000; nr *= 10)
		target("update " nr " cgroups, as for 10", of("subtree", "update " nr " cgroups"),
		       of("subtree", "update 10 cgroups"))
	at_most(1.02, "lazy", "attach lazily 10000 cgroups", "attach lazily 10 cgroups")
	at_most(1.02, "lazy", "detach lazily 10000 cgroups", "detach lazily 10 cgroups")
	at_most(1.3, "lazy", "first open+close bpf.stat.lazy", "first open+close bpf.stat.eager")
	at_most(1.02, "lazy", "next open+close bpf.stat.lazy", "next open+close bpf.stat.eager")
	at_most(1.5, "lazy", "longest wait of a first open beside attach and detach 10000 cgroups",
		"first open+close bpf.stat.lazy")
	at_most(1.4, "notify", "notify bpf.stat.notify not open", "notify cgroup.events not open")
	at_most(1.25, "notify", "notify bpf.stat.notify 1 pollers", "notify cgroup.events 1 pollers")
	at_most(1.1, "notify", "notify bpf.stat.notify 100 pollers",
		"notify cgroup.events 100 pollers")
	at_most(1, "notify", "bpf_wq_start", "notify bpf.stat.notify not open")
	at_most(0.4, "notify", "one of 10 x 100000 notifications",
		"notify bpf.stat.notify 0 pollers")
	target("events after a million notifications",
	       of("notify", "inotify after 10 x 100000 notifications"), 1)
	target("events after notifications beside other tasks",
	       of("notify", "inotify after notifications beside other tasks"), 1)
	target("longest wait of a pread beside notifications, 0.1 x pread cgroup.freeze",
	       of("notify", "longest wait of a pread beside notifications"),
	       0.1 * of("read", "pread cgroup.freeze"))
	target("average wait of a mkdir beside notifications, 0.05 x mkdir",
	       of("notify", "average wait of a mkdir beside notifications"),
	       0.05 * of("mkdir", "mkdir"))
	at_most(0.25, "exporter", "1000 cgroups: scrape of bpf.stat.memory",
		"1000 cgroups: scrape of memory.stat")
	at_most(0.12, "exporter", "1000 cgroups: scrape of bpf.stat.memory_tree_bin",
		"1000 cgroups: scrape of memory.stat")
	at_most(0.16, "exporter", "1000 cgroups: scrape of bpf.stat.memory_tree",
		"1000 cgroups: scrape of memory.stat")
	target("stores to the program by pread bpf.stat.number",
	       of("stores", "pread bpf.stat.number: program"), 0)
	target("stores to the link by pread bpf.stat.number",
	       of("stores", "pread bpf.stat.number: link"), 0)
	target("stores to the program by pwrite bpf.stat.knob",
	       of("stores", "pwrite bpf.stat.knob: program"), 0)
	target("stores to the link by pwrite bpf.stat.knob",
	       of("stores", "pwrite bpf.stat.knob: link"), 0)
	print missed ? "targets missed: " missed : "all targets are met"
}

END {
	print_groups()
	if (unit == "instructions")
		judge()
	exit(missed > 0)
}
