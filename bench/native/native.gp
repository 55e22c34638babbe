# SPDX-License-Identifier: GPL-2.0
# gnuplot -e "data='FILE'; out='FILE.svg'" native.gp, with the columns of table.py -d
set terminal svg size 860,450 font "sans,11" background "white"
set output out
set multiplot layout 1,2
set logscale x 2
set logscale y
set xrange [900:1200000]
set yrange [10:4000]
set format x ""
set xtics ("1 Ki" 1024, "4 Ki" 4096, "16 Ki" 16384, "64 Ki" 65536, "256 Ki" 262144, "1 Mi" 1048576)
set ytics (10, 20, 50, 100, 200, 500, 1000, 2000)
set grid
set key below maxcols 2 samplen 2 font ",10"
set bmargin 10
set xlabel "mappings"
set ylabel "ns for each GFN"
set title "map + release, the GFN in use"
plot data using 1:4 with linespoints title "red-black trees", \
     data using 1:2 with linespoints title "pv", \
     data using 1:3 with linespoints title "physmap", \
     data using 1:9 with linespoints title "physmap, batches of 512", \
     data using 1:7 with lines dashtype 2 title "red-black trees, 1 Ki used", \
     data using 1:5 with lines dashtype 2 title "pv, 1 Ki used"
set title "release + map, no other user"
plot data using 1:13 with linespoints title "red-black trees", \
     data using 1:11 with linespoints title "pv (revived)", \
     data using 1:12 with linespoints title "physmap (revived)"
