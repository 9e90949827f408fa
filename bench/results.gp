# SPDX-License-Identifier: GPL-2.0
# gnuplot -e "bars='<file>'; unit='<unit>'" results.gp: draws the bars of bars.awk, in
# SVG, with letters that are large enough at half the width.
set terminal svg size 900,820 font "sans-serif,28" background "white"
set datafile separator "\t"
unset border
unset tics
set margins 0, 0, 0, 0
set xrange [-1.08:1.32]
set yrange [-16.3:1.3]
set style fill solid noborder
set label unit at 1.3, -0.4 right
set key at 1.3, 1.2 horizontal reverse Left samplen 1 width 2

array kinds[2] = ["theirs", "ours"]
array names[2] = ["today", "bpf.stat"]
array dark[2] = [0x808080, 0x1b6ec2]
array pale[2] = [0xcccccc, 0xa6cdf0]

at(kind, x) = strcol(5) eq kind ? x : NaN
is_bar(x) = strcol(5) eq "title" ? NaN : x
bold(text) = "{/:Bold ".text."}"
plot bars using (-1.06):(at("title", $1)):(bold(strcol(2))) with labels left notitle, \
	bars using (-0.02):(is_bar($1)):2 with labels right noenhanced notitle, \
	bars using ($4 + 0.02):(is_bar($1)):6 with labels left noenhanced notitle, \
	for [i = 1:2] bars using ($3 / 2):(at(kinds[i], $1)):($3 / 2):(0.38) \
		with boxxyerror lc rgb dark[i] title names[i], \
	for [i = 1:2] bars using (($3 + $4) / 2):(at(kinds[i], $1)):(($4 - $3) / 2):(0.38) \
		with boxxyerror lc rgb pale[i] title i == 1 ? "parsing" : ""
