# SPDX-License-Identifier: GPL-2.0
# functions.awk SYSTEM.MAP COUNTS: prints the counts of counter.c by function:
#
#	row <tab> function <tab> instructions
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

FNR == NR {
	if ($2 ~ /^[tTwW]$/) {
		address[++nr_symbols] = $1
		name[nr_symbols] = $3
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
	addr = sprintf("%16s", $1)
	gsub(/ /, "0", addr)
	if (!(addr in known))
		known[addr] = symbol(addr)
	here[known[addr]] += $2
}

END {
	end_stretch()
	for (key in values) {
		split(key, part, SUBSEP)
		if (value = median(values[key], stretches[part[1]]))
			print part[1] "\t" part[2] "\t" value
	}
}
