# Measures what GPU drivers do: each workload in each mode, on the Xen that runs. Runs in dom0; "only" can name one workload.
# Prints the figures as notes "result WORKLOAD MODE UPDATES SYNCS MICROSECONDS TRAPS MAPS UNMAPS
# PEAK IOTLB"; the host fills in the last number.
# shellcheck shell=dash disable=SC2154
. /lib/xengt/library.sh

bar0=0xe0000000
first=65536		# the share, in entries: 256 MiB of graphics addresses
count=65536
whole=524288		# 2 GiB
modes="naive strict nocache posted hybrid"

# How the modules are set up for a mode. The baselines:
#   naive    a hypercall for each entry, in its trap; a page that is not used any more is unmapped at once
#   strict   the same, but pages that are not used go to the idle list
#   nocache  hybrid, but a page that is not used any more is unmapped at once
set_mode() { # MODE
	mode=$1
	set_parameter idle_max 65536
	set_parameter idle_age_ms 1000
	case $1 in
	naive)
		mode=strict
		set_parameter idle_max 0
		;;
	nocache)
		mode=hybrid
		set_parameter idle_max 0
		;;
	esac
}

# For the host to fill in: the number between the last two marks
invalidations_here() {
	echo "{iotlb $((mark_number - 1)) $mark_number}"
}

# measure WORKLOAD MODE COMMAND...: with a new virtual GPU, after a first run that is not measured
measure() {
	local workload=$1 name=$2 answer maps unmaps peak

	shift 2
	[ -z "$only" ] || [ "$only" = "$workload" ] || return 0
	set_mode "$name"
	make_gpu a "$g1" bar0 $bar0 mode "$mode" mappable_base $((first << 12)) mappable_size $((count << 12)) \
		hidden_base ${hidden_base:-0} hidden_size ${hidden_size:-0} || return 1
	tell g1 bar0 $bar0 >/dev/null
	drain
	remember "$map_debug/domains/$g1" $gpu_debug/vgpus/a
	mark
	answer=$(tell g1 "$@") || not_ok "$workload, $name" "$answer"
	mark
	maps=$(($(since map_hypercalls) + $(since reval_hypercalls)))
	unmaps=$(since unmap_hypercalls)
	peak=$(domain "$g1" held_peak)
	note "result $workload $name $answer $(since traps) $maps $unmaps ${peak:-0} $(invalidations_here)"
	remove_gpu a
}

# Modes with a trap for each entry do only a part of the work (SHORT). Figures are compared for each entry.
each_mode() { # WORKLOAD SHORT LONG COMMAND; LENGTH in COMMAND is replaced by SHORT or LONG
	local m workload=$1 short=$2 long=$3 length

	shift 3
	for m in $modes; do
		case $m in
		naive | strict | posted) length=$short ;;
		*) length=$long ;;
		esac
		# shellcheck disable=SC2046
		measure "$workload" "$m" $(echo "$*" | sed "s/LENGTH/$length/")
	done
}

now_us() {
	awk '{ printf "%d", $1 * 1000000 }' /proc/uptime
}

# watch NAME MODE: counts the traps that are served within five seconds, of all guests
watch() {
	local start

	remember $gpu_debug/total $map_debug/total
	mark
	start=$(now_us)
	sleep 5
	answer="$(since traps) 0 $(($(now_us) - start)) $(since traps) $(since map_hypercalls) $(since unmap_hypercalls) 0"
	mark
	note "result $1 $2 $answer $(invalidations_here)"
}

# One guest with 1 or 2 vCPUs, all of which write all the time
vcpus() { # MODE
	local n

	[ -z "$only" ] || [ "$only" = vcpus ] || return 0
	set_mode "$1"
	for n in 1 2; do
		make_gpu a "$g1" bar0 $bar0 mode "$mode" mappable_base $((first << 12)) mappable_size $((count << 12)) || return 1
		tell g1 bar0 $bar0
		tell g1 storm $first 2048 0 1024 $n
		watch vcpus-$n "$1"
		tell g1 stop
		remove_gpu a
	done
}

# 1, 4 and 16 small guests, all of which write all the time
guests() { # MODE
	local n i id

	[ -z "$only" ] || [ "$only" = guests ] || return 0
	set_mode "$1"
	for n in 1 4 16; do
		for i in $(seq $n); do
			tiny_guest t$i "bar0=$bar0 first=$((262144 + 256 * i)) count=64 gfn=0x400 storm"
			make_gpu t$i "$(domid t$i)" bar0 $bar0 mode "$mode" mappable_base $(((262144 + 256 * i) << 12)) mappable_size 0x100000
		done
		for i in $(seq $n); do
			xl unpause t$i
		done
		for i in $(seq $n); do
			await 60 eval "[ \"\$(gpu t$i writes)\" -gt 100 ]"
		done
		watch guests-$n "$1"
		for i in $(seq $n); do
			id=$(domid t$i)
			destroy t$i
			await 30 gone "$id"
			remove_gpu t$i
		done
	done
}

works "the modules are loaded" load_modules
set_parameter balloon_delay_ms 10
works "the guest is up" start_guest g1 2
g1=$(domid g1)
works "there is room for RAM at its GTT" xl mem-max g1 266
works "it has pages" tell g1 pages 15000
tell g1 bar0 $bar0
tell g1 share $first $count

first=0 count=$whole
each_mode fill 4096 $whole wfill 0 LENGTH 4096
# The whole GTT is in two ranges, because a size of 4 GiB does not fit into PVINFO.
hidden_base=0x80000000 hidden_size=0x80000000
for entries in 1024 16384 262144 1048576; do
	measure grow-$((entries / 1024))Ki hybrid wfill 0 $entries 1024
done
hidden_base='' hidden_size=''
first=65536 count=65536
each_mode bind 12 200 wbind 7 $first $count LENGTH
each_mode media 2 200 wmedia $first 16 512 LENGTH
each_mode 3d 1 8 wcontexts 12000 16 LENGTH
each_mode storm 2 40 wmedia $first 16 512 LENGTH 16
for m in strict posted; do
	vcpus $m
done
destroy g1
for m in strict posted; do
	guests $m
done
works "everything unloads" unload xengt_testgpu xengt xen_gpu_map
finished
