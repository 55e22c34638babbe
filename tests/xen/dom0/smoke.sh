# The rig itself: a Linux guest answers, tiny guests come and go. Not part of the tests; in tests/xen
# "python3 -m harness.boot pv smoke" tries the rig alone.
# shellcheck shell=dash
. /lib/xengt/library.sh

modprobe i915 && note "i915 loaded"
note "books 0: $(books 0)"
if start_guest g1; then note "guest up: $(domid g1)"; else note "no guest: $(cat /tmp/xl.out)"; fi
tell g1 pages 64
note "gfn 3: $(tell g1 gfn 3) books: $(books "$(domid g1)")"
tell g1 fill 0 64 7
works "check" tell g1 check 0 64 7
works "out" tell g1 out 3 2
note "books: $(books "$(domid g1)")"
works "in" tell g1 in 3 2
note "books: $(books "$(domid g1)")"
mark
mark
invalidations "none" 0
destroy g1
note "destroyed"
crashes=0
n=${only:-10}
while [ "$n" -gt 0 ]; do
	tiny_guest t "bar0=0xe0000000 first=0 count=16 gfn=0x400" || { note "xl: $?: $(cat /tmp/xl.out)"; crashes=$((crashes + 1)); }
	xl unpause t || crashes=$((crashes + 1))
	destroy t || crashes=$((crashes + 1))
	n=$((n - 1))
	note "round $n, $crashes crashes"
done
note "$(xl list | tr '\n' ';')"
note "$crashes crashes"
finished
