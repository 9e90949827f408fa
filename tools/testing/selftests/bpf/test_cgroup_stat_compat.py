#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
A bpftool and a libbpf that are older than cgroup stat programs must list them and
their links without errors.

usage: test_cgroup_stat_compat.py NEW_BPFTOOL OBJECTS

NEW_BPFTOOL is one that can attach them, OBJECTS the directory that
tools/bpf/cgroup_stat was built in. The installed bpftool and libbpf.so.1 are tested,
unless BPFTOOL and LIBBPF in the environment name others. Needs root, cgroup v2 in
/sys/fs/cgroup and bpffs in /sys/fs/bpf; prints TAP.
"""
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys

BPFTOOL = os.environ.get("BPFTOOL", "bpftool")
STATS = "/proc/sys/kernel/bpf_stats_enabled"
LIBBPF = os.environ.get("LIBBPF", "libbpf.so.1")
CGROUP = f"/sys/fs/cgroup/compat-{os.getpid()}"
FILE = CGROUP + "/bpf.stat.hist_oncpu"
LINK = f"/sys/fs/bpf/compat-{os.getpid()}"
PROGS = LINK + "-progs"
PROG = PROGS + "/hist_oncpu_ns"
OTHER_LINK = PROGS + "/account_stretch"  # of a type that old versions know

results = []


def say(text):
    for line in text.splitlines():
        print("#", line)


def check(what, good, seen):
    results.append(bool(good))
    print("ok" if good else "not ok", len(results), what)
    if not good:
        say(f"seen: {seen}")


def skip(what, why):
    results.append(True)
    print("ok", len(results), what, "# SKIP", why)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def entries(text, obj_id):
    """Returns what bpftool printed about an object, parsed if it is JSON."""
    if not text.startswith(("[", "{")):
        return re.findall(rf"^{obj_id}: .*", text, re.M)
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return [e for e in (found if isinstance(found, list) else [found]) if e.get("id") == obj_id]


def check_show(flags, kind, which, obj_id, status, fields):
    """The object must be shown once, in JSON with these fields, and without errors."""
    done = run(BPFTOOL, *flags, kind, "show", *which)
    found = entries(done.stdout, obj_id)
    good = len(found) == 1 and done.returncode == status and not done.stderr
    if good and isinstance(found[0], dict):
        good = fields.items() <= found[0].items() and '"error"' not in done.stdout
    check(" ".join(["bpftool", *flags, kind, "show", *which[:1]]), good, done)


def test_bpftool(kind, pin, other_pin, fields):
    """Check bpftool's show commands. Returns the id of the object."""
    obj_id = json.loads(run(BPFTOOL, "-j", kind, "show", "pinned", pin).stdout or "{}").get("id")
    # for a single link bpftool fails, even for one of a type that it knows
    status = run(BPFTOOL, kind, "show", "pinned", other_pin).returncode

    for flags in [], ["-j"], ["-p"]:
        check_show(flags, kind, [], obj_id, 0, fields)
        check_show(flags, kind, ["id", str(obj_id)], obj_id, status, fields)
        check_show(flags, kind, ["pinned", pin], obj_id, status, fields)
    check_show(["-f"], kind, [], obj_id, 0, fields)
    check_show(["-f", "-j"], kind, [], obj_id, 0, fields | {"pinned": [pin]})
    return obj_id


def info_of(lib, fd, size=256):
    """Returns an error code, and type and id, the first fields of bpf_{prog,link}_info."""
    info, size = (ctypes.c_uint32 * 64)(), ctypes.c_uint32(size)
    err = lib.bpf_obj_get_info_by_fd(fd, info, ctypes.byref(size))
    return (err, *info[:2])


def infos_of_all(lib, kind):
    infos, obj_id = [], ctypes.c_uint32(0)
    while not getattr(lib, f"bpf_{kind}_get_next_id")(obj_id, ctypes.byref(obj_id)):
        fd = getattr(lib, f"bpf_{kind}_get_fd_by_id")(obj_id)
        if fd >= 0:
            infos.append(info_of(lib, fd))
            os.close(fd)
    return infos


def test_libbpf(lib, kind, pin, obj_id):
    fd = lib.bpf_obj_get(pin.encode())
    check(f"libbpf opens a pinned {kind}", fd >= 0, os.strerror(-fd))
    # sizes of struct bpf_link_info: the first, that of Linux 6.12, larger than any
    infos = [info_of(lib, fd, size) for size in (16, 64, 256)]
    check(f"libbpf gets info of a {kind}", set(infos) == {(0, infos[0][1], obj_id)}, infos)
    os.close(fd)

    infos_of_all_now = infos_of_all(lib, kind)
    check(f"libbpf gets info of all {kind}s", infos[0] in infos_of_all_now, infos_of_all_now)

    type_str = getattr(lib, f"libbpf_bpf_{kind}_type_str")
    type_str.restype = ctypes.c_char_p
    name = type_str(infos[0][1])
    what = f"libbpf has no name of the {kind}'s type"
    if name == b"cgroup_stat":
        # this libbpf is not an old one
        skip(what, "this libbpf knows them already")
    else:
        check(what, name is None, name)


def read_file(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def write_file(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def run_stats():
    done = run(BPFTOOL, "-j", "prog", "show", "pinned", PROG)
    shown = json.loads(done.stdout or "{}")
    return shown.get("run_cnt", 0), shown.get("run_time_ns", 0)


def test_run_counts():
    before = read_file(STATS)
    write_file(STATS, "1")
    try:
        stats = [run_stats()]
        for _ in range(3):
            read_file(FILE)
        stats.append(run_stats())
    finally:
        write_file(STATS, before)
    (cnt, time), (cnt_after, time_after) = stats
    check("bpftool prog show counts the reads, and their time",
          cnt_after - cnt == 3 and time_after > time, stats)


def test_all():
    say(run(BPFTOOL, "version").stdout)
    prog_id = test_bpftool("prog", PROG, PROG, {"name": "hist_oncpu_ns"})
    link_id = test_bpftool("link", LINK, OTHER_LINK, {"prog_id": prog_id})
    done = run(BPFTOOL, "prog", "dump", "xlated", "id", str(prog_id))
    check("bpftool prog dump xlated", "exit" in done.stdout and not done.returncode, done)

    test_run_counts()

    lib = ctypes.CDLL(LIBBPF)
    lib.libbpf_version_string.restype = ctypes.c_char_p
    say(f"libbpf {lib.libbpf_version_string().decode()}")
    test_libbpf(lib, "prog", PROG, prog_id)
    test_libbpf(lib, "link", LINK, link_id)

    done = run(BPFTOOL, "link", "detach", "pinned", LINK)
    check("bpftool link detach", not done.returncode and not os.path.exists(FILE), done)
    check_show([], "link", [], link_id, 0, {})
    check_show(["-j"], "link", [], link_id, 0, {"prog_id": prog_id})


def attach(bpftool, objects):
    """Attach a program that is pinned, too, so that an old bpftool can show it."""
    for command in (["attach", f"{objects}/hist_oncpu.bpf.o", CGROUP, LINK],
                    ["update", LINK, "pinned", PROG]):
        done = run(bpftool, "cgroup", "stat", *command)
        if done.returncode:
            sys.exit(f"Bail out! {done.stderr}")


def main(bpftool, objects):
    try:
        os.mkdir(CGROUP)
        attach(bpftool, objects)
        test_all()
    finally:
        shutil.rmtree(PROGS, ignore_errors=True)
        if os.path.exists(LINK):
            os.unlink(LINK)
        os.rmdir(CGROUP)
        print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(*sys.argv[1:]))
