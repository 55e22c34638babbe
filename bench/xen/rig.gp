# SPDX-License-Identifier: GPL-2.0
# Entries written per second on a real Xen, as multiples of what the mode "naive" does. Needs data and out.
set terminal svg size 900,420 font "sans,12" background "white"
set output out
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8 border -1
set logscale y
set yrange [0.3:*]
set grid y
set ylabel "entries written per second, times naive"
set key outside top center horizontal
set xtics rotate by -30
plot for [i=0:1] for [c=2:5] data index i using c:xtic(1) title (i == 1 ? word("strict nocache posted hybrid", c - 1) : "") linecolor c
