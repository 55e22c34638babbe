# SPDX-License-Identifier: GPL-2.0
# For people; kbuild reads Kbuild.
#
#   make setup     installs the Debian packages that all of these need; they do so themselves
#   make demo      the main job on a real Xen, with a PV dom0, a PVH dom0, and a PVH dom0 whose i915
#                  drives an emulated Intel GPU
#   make test      the tests: KUnit, real Xen, static checks
#   make test-all  the same, and what takes longer: random tests at full length, mutations
#   make stress    random tests with other seeds, and storms on a real Xen; ROUNDS=<number>
#   make devmap    of the tests, those of the patched Xen's map operation and of a driver domain
#   make bench     the benchmarks: figures and plots, into Documentation/bench/
#   make modules   the modules, for the running kernel or for KDIR=<kernel build directory>;
#                  xengt_i915 and xengt_gvt, too, with
#                  I915_SOURCE=<drivers/gpu/drm/i915 of the kernel's sources>
#   make modules_install   installs them for that kernel; depmod comes after it
#   make dkms      has DKMS install them, for the running kernel and each that is installed later;
#                  DKMS_OPTIONS=--i915: xengt_i915 and xengt_gvt, too; DKMS_OPTIONS="-k KERNEL":
#                  for another kernel than the running one
#   make dkms-remove       takes those away again
#   make tools     xen-targets, with which dom0 gives guests to a driver domain
#   make clean
#
# DEBIAN=12|13 with demo and test: the release whose Xen and Linux are booted (default: the machine's)

KDIR ?= /lib/modules/$(shell uname -r)/build
CONFIGS = CONFIG_XEN_GPU_MAP=m CONFIG_DRM_I915_XENGT=m CONFIG_DRM_I915_XENGT_BAR=m
ifneq ($(I915_SOURCE),)
CONFIGS += CONFIG_DRM_I915_XENGT_I915=m CONFIG_DRM_I915_XENGT_GVT=m I915_SOURCE=$(abspath $(I915_SOURCE))
endif

help:
	@sed -n 's/^#   //p' Makefile

modules clean modules_install:
	@[ -e $(KDIR)/Makefile ] || { echo "$(KDIR) is no build directory of a kernel: install its headers" \
		"(linux-headers-amd64), or name another one with KDIR=" >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) $(CONFIGS) $@
ifeq ($(I915_SOURCE),)
	@[ $@ != modules ] || echo "xengt_i915 and xengt_gvt are left out: they need" \
		"I915_SOURCE=DIR, see Documentation/xengt-gsm.rst"
endif

dkms:
	@[ "$(origin KDIR)" = file ] || { echo "DKMS knows kernels by their names, not by KDIR=:" \
		"make dkms DKMS_OPTIONS=\"-k KERNEL\"" >&2; exit 1; }
	tools/dkms/install.sh $(DKMS_OPTIONS)

dkms-remove:
	tools/dkms/install.sh --remove

tools:
	$(MAKE) -C tools/xen-targets

setup:
	tests/setup.sh

demo:
	tests/xen/demo.py

test:
	tests/run.sh

test-all:
	tests/run.sh -a

stress:
	tests/stress.sh

devmap:
	tests/xen/run.sh test_devmap.py test_driver.py -m 'not debug'

bench:
	bench/run.sh

.PHONY: help setup modules modules_install dkms dkms-remove tools clean demo test test-all stress devmap bench
