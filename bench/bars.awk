# SPDX-License-Identifier: GPL-2.0
# bars.awk RESULTS.CSV: prints what results.gp draws: a few rows of the results, and how
# long their bars are in relation to the first one of the same panel. A line is
#
#	y <tab> name <tab> length <tab> length with parsing <tab> kind <tab> value
#
# The kind is "title" for the title of a panel, "ours" for what uses bpf.stat files, or
# "theirs".

BEGIN {
	FS = ","
	OFS = "\t"
}

{
	value[$3, $4] = $6
}

# Three digits, in the unit of the panel's first bar: for example 0.72M beside 66.4M
function short(number,    million) {
	million = first >= 1000000
	number /= million ? 1000000 : 1000
	return sprintf(number < 10 ? "%.2f" : number < 100 ? "%.1f" : "%.0f", number) \
		(million ? "M" : "k")
}

function panel(title) {
	y -= 0.4
	print y--, title, 0, 0, "title", ""
	first = 0
}

function of(group, operation) {
	if ((group, operation) in value)
		return value[group, operation]
	print "bars.awk: there is no row " group "," operation >"/dev/stderr"
	failed = 1
	exit
}

function bar(name, kind, group, operation, parsed,    all) {
	all = of(group, parsed ? parsed : operation)
	if (!first)
		first = all
	print y--, name, of(group, operation) / first, all / first, kind, short(all)
}

function memory(name, kind, operation, parse) {
	bar(name, kind, "memory", operation, parse ? operation " and parse" : "")
}

END {
	if (failed)
		exit 1
	panel("Read 17 memory figures of a cgroup")
	memory("memory.stat", "theirs", "pread memory.stat", 1)
	memory("bpf.stat.memory", "ours", "pread bpf.stat.memory", 1)
	memory("in binary", "ours", "pread bpf.stat.binary")
	panel("Read them of 1,000 cgroups")
	memory("1,000 x memory.stat", "theirs", "1000 cgroups: pread memory.stat", 1)
	memory("1,000 x bpf.stat.memory", "ours", "1000 cgroups: pread bpf.stat.memory", 1)
	memory("bpf.stat.memory_tree", "ours", "1000 cgroups: one pread bpf.stat.memory_tree", 1)
	memory("in binary", "ours", "1000 cgroups: one pread bpf.stat.memory_tree_bin")
	panel("Read one number")
	bar("cgroup.freeze", "theirs", "read", "pread cgroup.freeze")
	bar("bpf.stat.number", "ours", "read", "pread bpf.stat.number")
	panel("Write one number")
	bar("cpu.weight", "theirs", "knob", "pwrite cpu.weight")
	bar("bpf.stat.knob", "ours", "knob", "pwrite bpf.stat.knob")
}
