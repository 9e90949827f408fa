# SPDX-License-Identifier: GPL-2.0
# functions.awk SYSTEM.MAP OBJECTS COUNTS: prints the counts of counter.c by function:
#
#	row <tab> function <tab> instructions
#
# If stores were counted, it prints by function and by what they write to, which is one
# of the objects that bench.c has printed, or else the symbol:
#
#	row <tab> function: what <tab> stores
#
# The row is the number of the mark. The value is the median over all stretches of
# that row, so that a function that only an interrupt calls has 0 and isn't printed.

# Addresses are compared as text, since mawk has no strtonum() and a double has too few
# bits for them. All addresses have 16 digits.
function symbol(addr,    low, high, middle) {
	if (addr < "ffffffff80000000")
		return addr < "8000000000000000" ? "(user)" : "(BPF)"
	if (addr >= "ffffffffa0000000")
		return "(BPF)"
	low = 1
	high = nr_symbols
	while (low < high) {
		middle = int((low + high + 1) / 2)
		if (address[middle] <= addr)
			low = middle
		else
			high = middle - 1
	}
	return name[low]
}

# The CPU entry areas are mapped at fffffe0000000000.
function object(addr,    i) {
	if (addr < "8000000000000000")
		return "user memory"
	if (addr >= "fffffe0000000000" && addr < "fffffe8000000000")
		return "per CPU"
	for (i = 1; i <= nr_objects; i++)
		if (first[i] <= addr && addr <= last[i])
			return what[i]
	return addr < "ffffffff80000000" ? "other memory" : symbol(addr)
}

function padded(addr) {
	addr = sprintf("%16s", addr)
	gsub(/ /, "0", addr)
	return addr
}

function end_stretch(    function_name) {
	for (function_name in here)
		values[row, function_name] = values[row, function_name] " " here[function_name]
	delete here
}

# list has no values for those of the total stretches in which the function wasn't
# called. They count as 0.
function median(list, total,    value, n, i, j, tmp) {
	n = split(list, value, " ")
	if (n <= total / 2)
		return 0
	for (i = 2; i <= n; i++) {
		tmp = value[i] + 0
		for (j = i - 1; j > 0 && value[j] + 0 > tmp; j--)
			value[j + 1] = value[j]
		value[j + 1] = tmp
	}
	i = int(total / 2) + 1 - (total - n)
	return value[i] + 0
}

FNR == 1 {
	nr_files++
}

nr_files == 1 {
	if ($2 ~ /^[tTwWdDbBrR]$/) {
		address[++nr_symbols] = $1
		name[nr_symbols] = $3
	}
	next
}

nr_files == 2 {
	if ($1 == "object") {
		split($0, part, "\t")
		what[++nr_objects] = part[2]
		first[nr_objects] = part[3]
		last[nr_objects] = part[4]
	}
	next
}

$1 == "stretch" {
	end_stretch()
	row = $2
	stretches[row]++
	next
}

{
	if (!($1 in known))
		known[$1] = symbol(padded($1))
	if ($3 && !($3 in written))
		written[$3] = ": " object(padded($3))
	here[known[$1] written[$3]] += $2
}

END {
	end_stretch()
	for (key in values) {
		split(key, part, SUBSEP)
		if (value = median(values[key], stretches[part[1]]))
			print part[1] "\t" part[2] "\t" value
	}
}
