# SPDX-License-Identifier: GPL-2.0
# gnuplot -e "csv='<file>'; unit='<unit>'" results.gp: prints the results as bars, in
# SVG. Operations that use bpf.stat files and their peers have different colours.
set terminal svg size 1300,1000 font "sans-serif,11" background "white"
set datafile separator ","
set multiplot layout 3,2 title sprintf("bpf.stat files and their peers, in thousands of %s", unit)
set style fill solid 0.8
set border 3
set tics nomirror
set ytics noenhanced
set grid xtics
set lmargin 44
unset key

# Prints operation, value, and whether it uses bpf.stat files, without a prefix that all
# operations have.
rows(group, pattern) = sprintf("<awk -F, -v g='%s' -v p='%s' \
	'$3 == g && $4 ~ p { ours = $4 ~ /bpf[.]stat|links/; sub(/^1000 cgroups: /, \"\", $4); \
	print $4 \",\" $6 / 1000 \",\" ours }' '%s' | tac", group, pattern, csv)
# Prints the number of cgroups and the value.
series(what) = sprintf("<awk -F, -v w='^%s [0-9]+ cgroups$' '$3 ~ /^(subtree|lazy)$/ && $4 ~ w { \
	match($4, /[0-9]+/); print substr($4, RSTART, RLENGTH) \",\" $6 / 1000 }' '%s'", what, csv)

array titles[5] = ["read one value", "ten figures of the memory controller", \
	"ten figures of each of 1000 cgroups", "turn a knob", "mkdir"]
array groups[5] = ["read", "memory", "memory", "knob", "links"]
array patterns[5] = ["", "^[po]", "^1000 .*: (pread|open|one)", "", "^mkdir [0-9]"]
set xrange [0:*]
do for [i = 1:5] {
	set title titles[i]
	if (i == 3) { set xtics 20000 } else { set xtics autofreq }
	plot rows(groups[i], patterns[i]) using ($2 / 2):0:($2 / 2):(0.4):($3 > 0 ? 1 : 2):ytic(1) \
		with boxxyerror lc variable
}

set title "a number of cgroups"
set lmargin 10
set tics nomirror autofreq
set logscale xy
set xrange [5:20000]
set yrange [0.1:*]
set format "%g"
set xlabel "cgroups"
set key outside
plot for [what in "attach detach update 'attach lazily' 'detach lazily'"] \
		series(what) using 1:2 with linespoints title what, \
	for [what in "pin unpin"] series(what." iterators") using 1:2 with linespoints dt 2 \
		title what." iterators"
unset multiplot
