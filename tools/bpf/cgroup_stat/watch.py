#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""watch.py FILE: print a cgroup's file, and print it again when it has changed.

It works with bpf.stat files whose programs call bpf_cgroup_stat_notify(), and with
cgroup.events, memory.events and the like.
"""
import os
import select
import sys


def watch(path):
    """Only returns by an exception, for example when the file is removed."""
    file = open(path, "rb", buffering=0)
    changes = select.poll()
    changes.register(file, select.POLLPRI)
    while True:
        # before waiting, since a change is reported until the file is read
        file.seek(0)
        content = file.read()
        print(content.decode(errors="replace"), end="", flush=True)
        changes.poll()


if len(sys.argv) != 2:
    sys.exit(f"usage: {os.path.basename(sys.argv[0])} FILE")
try:
    watch(sys.argv[1])
except (KeyboardInterrupt, BrokenPipeError):
    sys.stderr.close()
except OSError as error:
    sys.exit(f"{sys.argv[1]}: {error.strerror}")
