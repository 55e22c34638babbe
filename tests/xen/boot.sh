#!/bin/bash
# Boots Xen in QEMU with a PV or a PVH dom0 that runs one suite of tests/xen/dom0, or of bench/xen, and passes on the lines that
# it reports.
# Usage: boot.sh pv|strict|pvh SUITE [ONLY [SKIP]]    exit status 0 when the suite came to its end; what it found is in its
#                                                     lines; 3 when nothing was heard of it any more
#   strict: a PV dom0 whose devices reach its own memory and what it maps
#   ONLY: the name of the one check to run, for suites that have several
#   SKIP: the names of checks not to run, with commas between them
#   XENGT_XEN=FILE            another hypervisor, uncompressed
#   XENGT_XEN_OPTIONS=WORDS   more for the hypervisor's command line
#   XENGT_RUN=NAME            the name of the logs, if not KIND
# The full logs stay in the build directory: log/KIND-SUITE.{report,console,iommu,hung}.
#
# No KVM and no GPU are needed. The CPU's flags and number:
#   -smap     a PV dom0 dies at once under this emulator's SMAP
#   -rdtscp   a PVH dom0 dies: the emulator reports an intercepted RDTSCP as RDTSC
#   -xsave    takes AVX away: its state is suspected where xl, in a PVH dom0, found its heap corrupted
#   +svm      gives PVH guests, with nested paging
#   one CPU for a PVH dom0: the emulator can deliver an interrupt that VMRUN injects a second time when the CPU is interrupted
#             by another one before the next #VMEXIT (helper_vmrun leaves exception_index set), and the kernel dies of it when
#             that hits its entry code; a PV dom0 does not run under VMRUN and has two
# The edu device is the DMA engine that plays the GPU; its transfers go through the emulated AMD IOMMU, whose invalidations
# are traced. Writes to PCI configuration space are traced too: dom0 marks places in that trace with them, and a line
# "iotlb FROM TO WANTED NAME" of its report is a check of the number of invalidations between two marks, done here; the number is
# put at the end of a line "count-iotlb FROM TO TEXT". "iotlb-of DOMID FROM TO WANTED NAME" is about one domain's context. A line "faults FROM TO WANTED NAME" is a check of the number of pages to which the
# IOMMU refused DMA (this emulator knows no fault log entry for a page that is not there: it is a translation to 0); WANTED can be "some".
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
build=${XENGT_BUILD:-$project/.build/xen}
kind=${1:-}
suite=${2:-}
only=${3:-}
skip=${4:-}
silence=${XENGT_SILENCE:-300}	# seconds without a line before it counts as hung
longest=${XENGT_LONGEST:-1500}	# seconds in all
qemu=

die() {
	echo "boot: error: $*" >&2
	exit 2
}

case $kind in
pv) dom0='' cpus=2 ;;
strict) dom0="dom0-iommu=strict" cpus=2 ;;
pvh) dom0="dom0=pvh" cpus=1 ;;
*) die "usage: boot.sh pv|strict|pvh SUITE [ONLY [SKIP]]" ;;
esac
[ -e "$here/dom0/$suite.sh" ] || [ -e "$project/bench/xen/$suite.sh" ] || die "no suite $suite"
hypervisor=${XENGT_XEN:-$build/xen.elf}
[ -s "$hypervisor" ] || die "no hypervisor $hypervisor"
traces=(-trace 'amdvi_*inval' -trace amdvi_translation_result -trace pci_cfg_write)
[ -s "$build/dom0.cpio" ] || die "nothing built in $build: run build.sh first"

log=$build/log/${XENGT_RUN:-$kind}-$suite
mkdir -p "$build/log"
rm -f "$log".*

stop() {
	[ -z "$qemu" ] || kill "$qemu" 2>/dev/null || true
}
trap stop EXIT

start() {
	local xen="console=com1 com1=115200 loglvl=warning guest_loglvl=warning dom0_mem=1024M spec-ctrl=no watchdog=0 $dom0 ${XENGT_XEN_OPTIONS:-}"
	local linux="console=hvc0 loglevel=4 panic=-1 oops=panic mitigations=off nowatchdog rcupdate.rcu_cpu_stall_suppress=1"

	exec timeout -k 10 "$longest" qemu-system-x86_64 -machine q35 -cpu max,-smap,+svm,-rdtscp,-xsave \
		-accel tcg,thread=multi -smp "${XENGT_CPUS:-$cpus}" -m 2560 -display none -no-reboot -monitor "unix:$log.monitor,server=on,wait=off" -net none -vga none -nodefaults \
		-device amd-iommu,intremap=on -device edu,dma_mask=0xffffffffffffffff \
		"${traces[@]}" -D "$log.iommu" \
		-chardev "socket,id=console,path=$log.serial,server=on,wait=off,logfile=$log.console" -serial chardev:console -chardev stdio,id=report,signal=off -device isa-debugcon,iobase=0x7e9,chardev=report \
		-kernel "$hypervisor" -append "$xen" -initrd "$build/vmlinux $linux suite=$suite kind=$kind only=$only skip=${skip//,/,,},$build/dom0.cpio" \
		</dev/null 2>"$log.qemu"
}

broken() { # WHY
	echo "boot: $kind dom0, suite $suite: $1; the end of $log.console:" >&2
	tr -d '\r' <"$log.console" 2>/dev/null | grep -v '^$' | tail -n 25 | sed 's/^/    /' >&2
	[ ! -s "$log.qemu" ] || tail -n 5 "$log.qemu" >&2
	exit "${2:-1}"
}

# What the CPUs do, and what Xen knows of its domains, before it is all gone.
look_inside() {
	timeout 120 python3 "$here/hung.py" "$log.monitor" "$log.serial" >"$log.hung" 2>&1 || true
	echo "boot: nothing heard for $silence seconds; this is what it looks like inside:" >&2
	tail -n "${XENGT_HUNG_LINES:-150}" "$log.hung" | sed 's/^/    /' >&2
}

# What is between two marks in the trace, of one event; what dom0's own boot writes to that register is not taken for a mark
events() { # EVENT FROM TO
	awk -v event="$1" -v from="$(printf '0x%x' "$2")" -v to="$(printf '0x%x' "$3")" '
		$1 == "pci_cfg_write" && $2 == "edu" && $4 == "@0x3c" { if ($6 == from) { on = 1; n = 0 } else if ($6 == to) on = 0 }
		$1 == event && on { line[n++] = $0 }
		END { for (i = 0; i < n; i++) print line[i] }' "$log.iommu"
}

count_invalidations() { # FROM TO [DOMID]
	events amdvi_pages_inval "$1" "$2" | awk -v domain="${3:+$(printf '0x%x' "$3")}" 'domain == "" || domain == $(NF - 1)' | wc -l
}

# Pages: there is a refusal for each 4 bytes.
count_faults() { # FROM TO
	events amdvi_translation_result "$1" "$2" | awk '$NF == "0x0" { print substr($5, 1, length($5) - 3) }' | sort -u | wc -l
}

# Sets the line to the result of a check.
check() { # SEEN WANTED NAME...
	local seen=$1 wanted=$2

	shift 2
	if [ "$seen" = "$wanted" ] || { [ "$wanted" = some ] && [ "$seen" -gt 0 ]; }; then
		line="ok $*"
	else
		line="not ok $*: $seen, not $wanted"
	fi
}

# What the host has to find out for a line of the report
look_up() { # LINE
	local words

	read -r -a words <<<"$1"
	case ${words[0]:-} in
	iotlb) check "$(count_invalidations "${words[1]}" "${words[2]}")" "${words[@]:3}" ;;
	iotlb-of) check "$(count_invalidations "${words[2]}" "${words[3]}" "${words[1]}")" "${words[@]:4}" ;;
	faults) check "$(count_faults "${words[1]}" "${words[2]}")" "${words[@]:3}" ;;
	count-iotlb) line="${words[*]:3} $(count_invalidations "${words[1]}" "${words[2]}")" ;;
	esac
}

exec {lines}< <(start)
qemu=$!
while true; do
	status=0
	IFS= read -r -t "$silence" line <&"$lines" || status=$?
	if [ "$status" -gt 128 ]; then
		look_inside
		broken "nothing heard for $silence seconds" 3
	elif [ "$status" != 0 ]; then
		broken "it ended too early"
	fi
	look_up "$line"
	printf '%4d %s\n' "$SECONDS" "$line" >>"$log.report"
	[ "$line" = "# end" ] && break
	echo "$line"
done
exit 0
