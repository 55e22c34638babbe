#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Static checks: the modules build without a warning with W=1 for each kernel that is supported, and under sparse; all C
# files are what checkpatch.pl --strict wants, comments are what kernel-doc wants, every export has one, the
# documentation is what Sphinx wants, and has every counter and no other, what the mutations of the code change is
# there, shell scripts are what shellcheck wants (its warnings and errors).
#
#   tests/static/run.sh [-a]
#     -a  also kernels between the oldest, Debian's, and the newest
#
# KDIR: the kernel build directory (default: that of the running kernel, or of any that is installed).
# LINUX_TARBALL: the kernel source, for checkpatch.pl.
# XENGT_BUILD: where logs of the compiler are kept, for as long as the sources are the same (default: .build).
#
# Nothing is built in the project's own directory. Prints a line "ok - ..." or "not ok - ..." for each
# check of each file; the last line is "N passed, N failed".
set -euo pipefail

repo=$(cd "$(dirname "$0")/../.." && pwd)
cache=${XENGT_BUILD:-$repo/.build}/compile
sources=(Kbuild Kconfig Makefile include drivers tests/xen/testgpu)
# Those of each release of Debian, and the newest in its backports
kernels=(12:6.1 13:6.12 13:7.3)
between=(13:7.2)
# Where the sources of i915 are put, below those that are compiled
from_i915=I915_SOURCE=i915-source/drivers/gpu/drm/i915
passed=0
failed=0

kernel_dir()
{
	local dir

	for dir in ${KDIR:+"$KDIR"} "/lib/modules/$(uname -r)/build" /lib/modules/*/build; do
		[ -e "$dir/Makefile" ] || continue
		echo "$dir"
		return
	done
}

# result NAME FILE: a check, and what it complained about.
result()
{
	if [ -s "$2" ]; then
		echo "not ok - $1"
		sed 's/^/    /' "$2"
		failed=$((failed + 1))
	else
		echo "ok - $1"
		passed=$((passed + 1))
	fi
}

# All files of a kind that belong to the project, below its directory.
files()
{
	(cd "$repo" && find . \( -name .git -o -name '.kunit*' -o -name .build \) -prune -o \
		-type f \( "$@" \) -print | sed 's|^\./||' | grep -v '\.mod\.c$' | sort)
}

# The modules' sources in a directory, without what has been built from them.
copy_sources()
{
	rm -rf "$1"
	mkdir -p "$1"
	(cd "$repo" && rsync -aR --exclude='*.o' --exclude='*.ko' --exclude='*.mod*' --exclude='.*.cmd' --exclude='.*.d' \
		"${sources[@]}" "$1/")
}

# A digest of a directory's files and of words.
digest()
{
	local dir=$1
	shift

	{ (cd "$dir" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) && echo "$@"; } | sha256sum | cut -c 1-32
}

# compile NAME KERNEL COMMAND...: make's log, of now or of an earlier time when all was the same, in $tmp/log. COMMAND is
# make, or what runs it elsewhere, with the sources in $tmp/src and those in $i915 below
# them.
compile()
{
	local name=$1 kernel=$2 key
	shift 2

	copy_sources "$tmp/src"
	key=$(digest "$tmp/src" "$name" "$kernel" "$@")
	if [ ! -s "$cache/$key" ]; then
		mkdir -p "$cache"
		cp -r "$i915" "$tmp/src/i915-source"
		if "$@" >"$tmp/log" 2>&1; then
			echo "all is made" >>"$tmp/log"
		fi
		cp "$tmp/log" "$cache/$key"
	fi
	cp "$cache/$key" "$tmp/log"
	find "$cache" -type f -mtime +30 -delete
}

# build NAME KERNEL COMMAND...: what is said about our files.
build()
{
	compile "$@"
	if [ "$(tail -n 1 "$tmp/log")" != "all is made" ]; then
		cp "$tmp/log" "$tmp/said"
	else
		grep -E '(warning|error):' "$tmp/log" | grep -vE '^/usr/src/|/i915-source/|/device_model/gvt/' >"$tmp/said" || true
	fi
	result "$1, Linux $2" "$tmp/said"
	if [ -s "$tmp/said" ]; then
		echo "matrix: compile; $1; Linux $2; 0; 1"
	else
		echo "matrix: compile; $1; Linux $2; 1; 0"
	fi
}

# have_i915 SERIES: sets $i915 to the directory of the sources of i915, with which xengt_i915 is built.
have_i915()
{
	i915=$("$repo/tests/debian.sh" i915 "$1" 2>"$tmp/said") || {
		result "the sources of Linux $1 can be had" "$tmp/said"
		return 1
	}
	i915=${i915%/drivers/gpu/drm/i915}
}

build_here()
{
	local kdir
	local -a make

	kdir=$(kernel_dir)
	here=$(make -s -C "$kdir" kernelrelease)
	have_i915 "$(cut -d . -f 1-2 <<<"$here")" || return 0
	make=(make -j"$(nproc)" -C "$tmp/src" modules KDIR="$kdir" "$from_i915")
	build "W=1" "$here" "${make[@]}" W=1 CONFIG_DRM_I915_XENGT_TEST_GPU=m
	build "sparse" "$here" "${make[@]}" C=2
}

# build_elsewhere DEBIAN:KERNEL: for a kernel of a release or of its backports, by the release's compiler.
build_elsewhere()
{
	local debian=${1%:*} series=${1#*:} root release

	if ! root=$("$repo/tests/debian.sh" root "$debian" 2>"$tmp/said") ||
			! release=$("$repo/tests/debian.sh" headers "$debian" "$series" 2>"$tmp/said"); then
		result "the headers of Linux $series can be had" "$tmp/said"
		return
	fi
	have_i915 "$series" || return 0
	build "W=1" "$release" "$repo/tests/debian.sh" in "$root" "$tmp/src" make -j"$(nproc)" -C /mnt modules \
		KDIR="/usr/src/linux-headers-$release" "$from_i915" W=1 CONFIG_DRM_I915_XENGT_TEST_GPU=m
}

# What the rules of the kernel are not meant for: programs of user space; a hypervisor, which does say
# ENOSYS, its fake of the kernel's own typedefs, and threads that have to take turns; code for several
# releases of the kernel, and a macro whose argument is a function's name; what is put into files of the
# kernel's own.
exceptions()
{
	case $1 in
	tests/xen/testgpu/*) ;;
	tests/xen/no-lockdep.h)
		echo --ignore=LOCKDEP ;;
	tests/xen/*|tests/gpu/*)
		echo --ignore=PREFER_KERNEL_TYPES,VOLATILE,PREFER_DEFINED_ATTRIBUTE_MACRO ;;
	tests/kunit/fake_*|tests/kunit/um-shim/*)
		echo --ignore=ENOSYS,NEW_TYPEDEFS,YIELD ;;
	tests/kunit/modules.c)
		echo --ignore=NEW_TYPEDEFS ;;
	drivers/gpu/drm/i915/gvt/xen/compat.h|drivers/gpu/drm/i915/gvt/xen/device_model/compat.h)
		echo --ignore=LINUX_VERSION_CODE,CONSTANT_COMPARISON ;;
	*/device_model/in_parser.h|*/device_model/instead_of_kvm.h)
		echo --ignore=MACRO_WITH_FLOW_CONTROL,LOGGING_CONTINUATION ;;
	*/device_model/in_handlers.h)
		echo --ignore=COMPLEX_MACRO ;;
	tests/kunit/compat.h)
		echo --ignore=MACRO_ARG_PRECEDENCE,LINUX_VERSION_CODE,CONSTANT_COMPARISON ;;
	bench/native/gvt_environment.h)
		echo --ignore=AVOID_BUG ;;
	esac
}

# each NAME FUNCTION FILE...: checks each file with a function that prints what it complains about, as
# many at a time as there are CPUs.
each()
{
	local name=$1 check=$2 file
	shift 2

	rm -rf "$tmp/each"
	mkdir "$tmp/each"
	# shellcheck disable=SC2016
	printf '%s\0' "$@" | xargs -0 -P "$(nproc)" -I{} \
		bash -c '"$1" "$2" >"$tmp/each/${2//\//,}" 2>&1 || true' _ "$check" {}
	for file; do
		result "$name: $file" "$tmp/each/${file//\//,}"
	done
}

style_of()
{
	local except

	except=$(exceptions "$1")
	cd "$repo"
	perl "$tmp/scripts/checkpatch.pl" --no-tree --strict --no-summary --max-line-length=100 \
		${except:+"$except"} --terse --file "$1"
}

comments_of()
{
	cd "$repo"
	perl "$tmp/scripts/kernel-doc" -none -Werror "$1"
}

check_style()
{
	local all documented tarball=${LINUX_TARBALL:-}

	[ -n "$tarball" ] || tarball=$("$repo/tests/debian.sh" source 6.1)
	tar xJf "$tarball" -C "$tmp" --strip-components=1 --wildcards '*/scripts/checkpatch.pl' \
		'*/scripts/spelling.txt' '*/scripts/const_structs.checkpatch' '*/scripts/kernel-doc' \
		'*/Documentation/sphinx/*.py'
	mapfile -t all < <(files -name '*.[ch]')
	each checkpatch style_of "${all[@]}"
	mapfile -t documented < <(printf '%s\n' "${all[@]}" | grep -v '^tests/')
	each kernel-doc comments_of "${documented[@]}"
}

check_exports()
{
	local file symbol

	: >"$tmp/said"
	for file in $(files -name '*.c'); do
		while read -r symbol; do
			grep -q "^ \* $symbol() - \|^ \* $symbol - " "$repo/$file" ||
				echo "$file: $symbol is exported and has no kernel-doc" >>"$tmp/said"
			grep -rq "^.. kernel-doc:: $file\$" "$repo/Documentation" ||
				echo "$file: $symbol is exported, and no page of the documentation shows it" >>"$tmp/said"
		done < <(sed -n 's/^EXPORT_SYMBOL[_A-Z]*(\(\w*\).*/\1/p' "$repo/$file")
	done
	result "kernel-doc: every export" "$tmp/said"
}

# Sphinx with the kernel's extension for comments, but without its configuration. A newer Python complains about
# that extension.
check_documentation()
{
	PYTHONWARNINGS=ignore PYTHONPATH=$tmp/Documentation/sphinx sphinx-build -q -C -D extensions=kerneldoc \
		-D highlight_language=none -D kerneldoc_srctree="$repo" -D kerneldoc_bin="$tmp/scripts/kernel-doc" -b dummy \
		-d "$tmp/doctrees" "$repo/Documentation" "$tmp/documentation" >"$tmp/said" 2>&1 || echo "exit status $?" >>"$tmp/said"
	result "documentation: Sphinx" "$tmp/said"
}

# check_counters MODULE DIRECTORY: what debugfs shows is in the module's part of counters.rst, and the reverse.
check_counters()
{
	local dir=$repo/drivers/gpu/drm/i915/gvt/xen/$2

	# A counter's name is a term of a list of definitions, alone or in a row, perhaps marked as a gauge.
	awk -v module="$1" '/^===/ && last != "" { part = last } { last = $0 } part == module' \
		"$repo/Documentation/counters.rst" |
		grep -E '^[a-z0-9_]+( \(gauge\))?(, [a-z0-9_]+)*$' | grep -vxE 'xen_gpu_map|xengt' |
		sed 's/ (gauge)//' | tr -s ', ' '\n' | sort >"$tmp/documented"
	{
		sed -n 's/^COUNTER(\w*, \(\w*\), \w*),$/\1/p' "$dir/counter_list.h"
		# The backend's properties are in a file of their own, and described in a sentence.
		sed -n 's/^\tseq_printf(m, "\([a-z0-9_]*\) .*/\1/p' "$dir"/*.c |
			grep -vxE 'name|isolates|batched_unmap|sees_frames'
	} | sort >"$tmp/shown"
	{
		[ -s "$tmp/shown" ] || echo "no counters found"
		comm -23 "$tmp/shown" "$tmp/documented" | sed 's/$/ is not documented/'
		comm -13 "$tmp/shown" "$tmp/documented" | sed 's/$/ is documented, and there is none/'
	} >"$tmp/said"
	result "counters.rst: $1" "$tmp/said"
}

# The functions that design.rst names are in the files that it names with them.
check_design()
{
	local function file

	: >"$tmp/said"
	while read -r function; do
		grep -rqE "\\b$function\\(" "$repo/drivers" --include='*.c' ||
			echo "Documentation/design.rst: there is no $function()" >>"$tmp/said"
	done < <(grep -oE '``[a-z_0-9]+\(\)' "$repo/Documentation/design.rst" | tr -d '`()' | sort -u)
	while read -r file; do
		[ -e "$repo/drivers/gpu/drm/i915/gvt/xen/$file" ] || [ -e "$repo/$file" ] ||
			echo "Documentation/design.rst: there is no $file" >>"$tmp/said"
	done < <(grep -oE '``(map|vgpu|include)/[a-z_/]+\.[ch]' "$repo/Documentation/design.rst" | tr -d '`' | sort -u)
	result "design.rst: what it names is there" "$tmp/said"
}

# Files depend on each other in one direction, as the layers of design.rst say.
check_layers()
{
	"$repo/tests/static/layers.py" >"$tmp/said" 2>&1 || echo "exit status $?" >>"$tmp/said"
	result "design.rst: the layers" "$tmp/said"
}

# What tests/kunit/mutations.toml wants to change is there, and so is what has to notice.
check_mutations()
{
	"$repo/tests/kunit/mutations.py" --check >"$tmp/said" 2>&1 || echo "exit status $?" >>"$tmp/said"
	result "mutations.toml: what it names is there" "$tmp/said"
}

check_scripts()
{
	local file

	for file in $(files -name '*.sh'); do
		(cd "$repo" && shellcheck -s bash -S warning -e SC2154 -f gcc "$file") >"$tmp/said" 2>&1 || true
		result "shellcheck: $file" "$tmp/said"
	done
}

[ "${1:-}" != -a ] || kernels+=("${between[@]}")
"$repo/tests/setup.sh"
mkdir -p "$cache"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export repo tmp
export -f exceptions style_of comments_of

build_here
for kernel in "${kernels[@]}"; do
	[[ $here == "${kernel#*:}".* ]] || build_elsewhere "$kernel"
done
check_style
check_exports
check_documentation
check_counters xen_gpu_map map
check_counters xengt vgpu
check_design
check_layers
check_mutations
check_scripts
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
