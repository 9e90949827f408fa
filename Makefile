# SPDX-License-Identifier: GPL-2.0
# A target runs the script of the same name in scripts/, which describes what it does.

help:
	@echo 'make demo      boot a kernel with bpf.stat and watch it at work'
	@echo 'make test      all tests; the last line counts them (TESTS="cgroup bpf": only these)'
	@echo 'make soak      tests that take long: races of minutes, also on a kernel with'
	@echo '               KCSAN, and killing bpftool anywhere'
	@echo 'make check     those of the tests that boot nothing: style, sparse, shellcheck'
	@echo 'make docs      the documentation, as HTML in build/docs'
	@echo 'make bench     what it costs, in instructions, beside what else one could do'
	@echo '               (KVM=1: in nanoseconds; make bench-check fails on a missed target)'
	@echo 'make shell     a shell in the booted machine, with bpftool and programs to try'
	@echo 'make kernel    build/plain, the kernel'
	@echo 'make tree      build/linux, its source with this repository laid over it'
	@echo '               (KERNEL_SRC=dir-or-tarball: not from Debian;'
	@echo '                DEBIAN_MIRROR=address: not from the mirror of this machine)'
	@echo 'make debs      build/debs, packages for Debian 13: a kernel with Debian'\''s configuration,'
	@echo '               bpftool, programs, exporter (an hour on two cores, 10 GB)'
	@echo 'make image     build/bpf.stat.qcow2, a Debian machine with these packages, for QEMU'
	@echo 'make test-debs install, use and purge the packages on such a machine'
	@echo 'make series    build/series, the patches as they can be posted'
	@echo '               (make series-check: do they apply, compile and satisfy checkpatch?)'
	@echo 'make refresh   write the .patch files anew from what was edited in build/linux'
	@echo 'make env       a shell in the build environment'
	@echo 'make clean     remove build/; make distclean: and what was downloaded'

tree refresh:
	@scripts/$@

env:
	@scripts/env bash -i

kernel: tree
	@scripts/kernel

shell: kernel
	@scripts/shell

demo: kernel
	@scripts/demo

check: kernel
	@scripts/check

debs: tree
	@scripts/debs

image test-debs:
	@scripts/$@

series: tree
	@scripts/series

series-check: kernel
	@scripts/series check

docs: tree
	@scripts/docs

bench: kernel
	@scripts/bench

bench-check: kernel
	@scripts/bench check

test:
	@scripts/test $(TESTS)

soak:
	@scripts/test interrupted long_race data_race

clean:
	@rm -rf build

distclean: clean
	@rm -rf "$${XDG_CACHE_HOME:-$${HOME:-/root}/.cache}/bpf.stat"

.PHONY: help tree refresh env kernel shell demo check debs image test-debs series series-check docs bench bench-check test soak clean distclean
