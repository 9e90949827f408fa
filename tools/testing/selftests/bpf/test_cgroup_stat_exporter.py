#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Tests bpf-stat-exporter of tools/bpf/cgroup_stat, also with the real Prometheus.

usage: test_cgroup_stat_exporter.py BPFTOOL OBJECTS [TEST...]

OBJECTS is the directory that tools/bpf/cgroup_stat was built in by "make all exporter
tests", TEST is a function below without "test_". Needs root, cgroup v2 in
/sys/fs/cgroup, bpffs in /sys/fs/bpf, prometheus, promtool and prometheus-node-exporter;
prints TAP. Most tests run the exporter with the address and undefined behaviour
sanitizers, those with several scrapes at a time also with that for threads.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

PATIENCE = 600  # seconds to wait for an event
TOP = f"/sys/fs/cgroup/exporter-{os.getpid()}"
LABEL = TOP[len("/sys/fs/cgroup"):]
PINS = f"/sys/fs/bpf/exporter-{os.getpid()}"
OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3,*/*;q=0.1"
TYPES = {"counter", "gauge", "histogram", "unknown", "untyped"}
SAMPLE = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)(\{(?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)*\})? '
                    r"(-?[0-9.]+)")

results = []
tmp = tempfile.mkdtemp(prefix="exporter-")
BPFTOOL, OBJECTS = "", ""


def say(text):
    for line in str(text).splitlines():
        print("#", line)


def check(what, good, seen=""):
    results.append(bool(good))
    print("ok" if good else "not ok", len(results), what, flush=True)
    if not good:
        say(f"seen: {str(seen)[:5000]}")


def within(function):
    """Calls it until it returns something true, and returns that."""
    end = time.monotonic() + PATIENCE
    while True:
        found = function()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.1)


def write(path, text):
    with open(path, "wb", buffering=0) as file:
        file.write(text if isinstance(text, bytes) else text.encode())


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def make(*paths):
    for path in paths:
        os.makedirs(os.path.join(TOP, path), exist_ok=True)


def remove(path):
    """Removes a cgroup and its descendants."""
    for here, _, _ in os.walk(path, topdown=False):
        # who is in it may be exiting
        within(lambda here=here: not rmdir_fails(here))


def rmdir_fails(path):
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def bpftool(*args):
    done = subprocess.run([BPFTOOL, "cgroup", "stat", *args], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise RuntimeError(f"{args}: {done.stderr}")


@contextlib.contextmanager
def attached(program, name=None, *options):
    """Attaches a program to TOP while the block runs."""
    pin = f"{PINS}-{name or program}".replace(".", "-dot-")
    naming = ("name", name) if name else ()
    bpftool("attach", f"{OBJECTS}/{program}.bpf.o", TOP, pin, *naming, *options)
    try:
        yield pin
    finally:
        if os.path.exists(pin):
            bpftool("detach", pin)


def texts(name="text", mode="0666", *options):
    return attached("cgroup_stat_text", name, "mode", mode, *options)


def put(text, cgroup="", name="text"):
    write(os.path.join(TOP, cgroup, "bpf.stat." + name), text)


def exporter(*args, kind="-asan", **kwargs):
    command = [f"{OBJECTS}/bpf-stat-exporter{kind}", *args]
    return subprocess.run(command, capture_output=True, check=False, **kwargs)


def once(*args, **kwargs):
    """Returns the lines that it prints, without its own metrics."""
    done = exporter("--once", "--timeout", "600", *args, TOP, **kwargs)
    if done.returncode or done.stderr:
        raise RuntimeError(done)
    return [line for line in done.stdout.decode().splitlines()
            if "bpf_stat_exporter_" not in line]


def samples(lines):
    """Returns the values by name and labels."""
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def own(text, name):
    """Returns the values of one of the exporter's own metrics, by labels."""
    found = re.findall(rf"^bpf_stat_exporter_{name}(\{{.*\}})? (\S+)$", text, re.M)
    return {labels: float(value) for labels, value in found}


SUFFIXES = {"counter": {"_total"}, "histogram": {"_bucket", "_count", "_sum"}}


def sample_names(family, kind, openmetrics):
    """Returns the names that samples of a metric may have."""
    if kind == "counter" and not openmetrics:
        return {family}
    return {family + suffix for suffix in SUFFIXES.get(kind, {""})}


def taken_names(types):
    """Returns the metrics whose name belongs to another metric in OpenMetrics."""
    return [family + suffix for family, kind in types.items() if kind in SUFFIXES
            for suffix in SUFFIXES[kind] | {"_created"} if family + suffix in types]


def histogram_faults(family, values, openmetrics):
    """Returns what is wrong with the buckets of a histogram, by the other labels."""
    wrong, series = [], {}
    for sample, value in values.items():
        match = re.fullmatch(rf'{family}_bucket{{(.*),le="(.*)"}}', sample)
        if match:
            series.setdefault(match[1], []).append((float(match[2]), float(value)))
    for labels, buckets in series.items():
        bounds, counts = zip(*buckets)
        count = values.get(f"{family}_count{{{labels}}}")
        has_sum = f"{family}_sum{{{labels}}}" in values
        if sorted(set(bounds)) != list(bounds) or bounds[-1] != float("inf") or \
                sorted(counts) != list(counts):
            wrong.append((labels, buckets))
        if count is not None and float(count) != counts[-1]:
            wrong.append((labels, count, counts[-1]))
        if has_sum and count is None or openmetrics and count is not None and not has_sum:
            wrong.append((labels, "_count and _sum belong together"))
    return wrong


def faults(text, openmetrics):
    """Returns what is wrong in the output: order, names that come twice, syntax."""
    wrong, seen, types, family = [], {}, {}, None
    lines = text.split("\n")
    if lines.pop():
        wrong.append("no newline at the end")
    if openmetrics and lines.pop() != "# EOF":
        wrong.append("no EOF")
    for line in lines:
        word = line.split(" ")
        if re.search(r"[\0-\x1f\x7f]", line):
            wrong.append(line)
        if word[:2] == ["#", "TYPE"]:
            family = word[2]
            if family in types or word[3] not in TYPES:
                wrong.append(line)
            types[family] = word[3]
            seen[family] = {}
        elif word[0] == "#":
            if word[1] not in ("HELP", "UNIT") or word[2] != family:
                wrong.append(line)
        else:
            match = SAMPLE.fullmatch(line)
            if not match or not family or match[1] + (match[2] or "") in seen[family] or \
                    match[1] not in sample_names(family, types[family], openmetrics) or \
                    types[family] in SUFFIXES and match[3].startswith("-"):
                wrong.append(line)
            else:
                seen[family][match[1] + (match[2] or "")] = match[3]
    for family, kind in types.items():
        if kind == "histogram":
            wrong += histogram_faults(family, seen[family], openmetrics)
        elif not seen[family] and not family.startswith("bpf_stat_exporter_"):
            wrong.append(family + " has no sample")
    return wrong + (taken_names(types) if openmetrics else [])


class Server:
    """An exporter that serves TOP or a cgroup below it, on a port that is free."""

    def __init__(self, *args, kind="-asan", before=(), top=""):
        self.host, self.port, self.kind = "127.0.0.1", free_port(), kind
        self.errors = open(tmp + "/errors", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [*before, f"{OBJECTS}/bpf-stat-exporter{kind}", "--listen", str(self.port), *args,
             os.path.join(TOP, top)], stderr=self.errors,
            # libmicrohttpd's threads aren't waited for
            env=os.environ | {"TSAN_OPTIONS": "report_thread_leaks=0"})

    def __enter__(self):
        within(self.answers)
        return self

    def answers(self):
        try:
            return self.get("/")[0] == 200
        except OSError:
            return self.process.poll() is not None

    def get(self, path="/metrics", method="GET", **headers):
        """Returns the status, the content type and the text."""
        request = urllib.request.Request(f"http://{self.host}:{self.port}{path}", method=method,
                                         headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read().decode()

    def metrics(self, **headers):
        return self.get(**headers)[2]

    def status(self, field):
        found = re.search(rf"^{field}:\s*(\d+)", read(f"/proc/{self.process.pid}/status"), re.M)
        return int(found[1])

    def threads(self):
        return self.status("Threads")

    def __exit__(self, *_):
        self.process.terminate()
        status = self.process.wait(PATIENCE)
        self.errors.seek(0)
        said = self.errors.read()
        self.errors.close()
        check("the exporter ends without complaint", status == 0 and not said, (status, said))


def test_figures():
    make("a", "b")
    with texts():
        put("bytes 12\nstate on\nlimit max\nodd-key.x -3\nratio 0.25\nbytes 13\nhex 0x1\n", "a")
        put("# TYPE bytes counter\n# HELP bytes Says \"what\" \\ it is.\nbytes 7\n", "b")
        lines = once()
        check("flat keyed, with a comment about a key", lines == [
            "# TYPE bpf_stat_text_bytes_total counter",
            "# HELP bpf_stat_text_bytes_total Says 'what' \\\\ it is.",
            f'bpf_stat_text_bytes_total{{cgroup="{LABEL}/a"}} 12',
            f'bpf_stat_text_bytes_total{{cgroup="{LABEL}/b"}} 7',
            "# TYPE bpf_stat_text_odd_key_x untyped",
            "# HELP bpf_stat_text_odd_key_x odd-key.x in bpf.stat.text.",
            f'bpf_stat_text_odd_key_x{{cgroup="{LABEL}/a"}} -3',
            "# TYPE bpf_stat_text_ratio untyped",
            "# HELP bpf_stat_text_ratio ratio in bpf.stat.text.",
            f'bpf_stat_text_ratio{{cgroup="{LABEL}/a"}} 0.25',
        ], lines)
        done = exporter("--once", TOP).stdout.decode()
        check("what isn't a figure is counted",
              own(done, "skipped_total") == {'{file="bpf.stat.text"}': 4}, done)
        put("k 0\nlongest8 1\nlongest9 2\n", "a")
        put("k 3\nlongest9 5\nlongest8 4\n", "b")
        found = samples(once("--metric", "*longest*"))
        check("in another order", [*found.values()] == ["1", "4", "2", "5"] or
              [*found.values()] == ["4", "1", "5", "2"], found)
        put("# TYPE x_total counter\nx_total 1\n", "a")
        put("x_total 2\n", "b")
        lines = once()
        check("_total isn't added to what has it", lines[0] == "# TYPE bpf_stat_text_x_total counter" and
              samples(lines) == {f'bpf_stat_text_x_total{{cgroup="{LABEL}/a"}}': "1",
                                 f'bpf_stat_text_x_total{{cgroup="{LABEL}/b"}}': "2"}, lines)
        put("18446744073709551615\n", "a")
        put("8:0 rbytes=1 wbytes=2 x=max\n8:16 rbytes=3\n8:0 rbytes=4\n", "b")
        lines = once()
        check("a single number, and nested keyed", samples(lines) == {
            f'bpf_stat_text{{cgroup="{LABEL}/a"}}': "18446744073709551615",
            f'bpf_stat_text_rbytes{{cgroup="{LABEL}/b",key="8:0"}}': "1",
            f'bpf_stat_text_rbytes{{cgroup="{LABEL}/b",key="8:16"}}': "3",
            f'bpf_stat_text_wbytes{{cgroup="{LABEL}/b",key="8:0"}}': "2",
        }, lines)
        put(". rbytes=1\nx\\040y/z rbytes=2\n", "a")
        lines = once()
        check("a tree", samples(lines) == {
            f'bpf_stat_text_rbytes{{cgroup="{LABEL}/a"}}': "1",
            f'bpf_stat_text_rbytes{{cgroup="{LABEL}/a/x y/z"}}': "2",
            f'bpf_stat_text_rbytes{{cgroup="{LABEL}/b",key="8:0"}}': "1",
            f'bpf_stat_text_rbytes{{cgroup="{LABEL}/b",key="8:16"}}': "3",
            f'bpf_stat_text_wbytes{{cgroup="{LABEL}/b",key="8:0"}}': "2",
        }, lines)
        put("a 1\n 5\n b=5\n", "a")
        put("1\n", "b")
        check("a line without a key", samples(once()) == {
            f'bpf_stat_text_a{{cgroup="{LABEL}/a"}}': "1",
            f'bpf_stat_text{{cgroup="{LABEL}/b"}}': "1"}, once())
        put(". n=1\nx n=2 m=3\nx n=4\n", "a")
        check("of two lines for a path, the second one counts", samples(once("--match", "*/a*")) == {
            f'bpf_stat_text_n{{cgroup="{LABEL}/a"}}': "1",
            f'bpf_stat_text_n{{cgroup="{LABEL}/a/x"}}': "4"}, once())
        put(". n=1\nb n=2\n")
        check("a tree at the top: those below aren't read", samples(once()) == {
            f'bpf_stat_text_n{{cgroup="{LABEL}"}}': "1",
            f'bpf_stat_text_n{{cgroup="{LABEL}/b"}}': "2",
        }, once())
        check("nor by name", samples(once("--file", "bpf.stat.text")) == samples(once()))


def test_histogram():
    make("a", "b")
    with texts():
        put("0_usec 4\n1_usec 0\n2_usec 5\n4194304_usec 1\nnr_waits 10\ntotal_usec 4200001\n", "a")
        put("1_usec 0\n0_usec 0\n2_usec 0\n4194304_usec 0\ntotal_usec 0\n", "b")
        lines = [line for line in once() if "seconds" in line and "/b" not in line]
        name = "bpf_stat_text_seconds"
        label = f'cgroup="{LABEL}/a"'
        check("buckets are cumulative, in seconds", lines == [
            f"# TYPE {name} histogram",
            f"# HELP {name} How often what took how long.",
            f'{name}_bucket{{{label},le="1e-06"}} 4',
            f'{name}_bucket{{{label},le="2e-06"}} 4',
            f'{name}_bucket{{{label},le="4.194304"}} 9',
            f'{name}_bucket{{{label},le="+Inf"}} 10',
            f"{name}_count{{{label}}} 10",
            f"{name}_sum{{{label}}} 4.200001",
        ], lines)
        found = samples(once())
        check("other figures of the file are there, the parts of the histogram aren't",
              f'bpf_stat_text_nr_waits{{{label}}}' in found and
              not [each for each in found if "usec" in each], found)
        check("the order of the lines doesn't matter",
              found[f'{name}_bucket{{cgroup="{LABEL}/b",le="+Inf"}}'] == "0", found)
        put("0_nsec 1\n1000000000_nsec 2\ntotal_nsec 2000000001\n", "a")
        found = samples(once("--match", "*/a"))
        check("in nanoseconds", found == {
            f'{name}_bucket{{{label},le="1.0"}}': "1",
            f'{name}_bucket{{{label},le="+Inf"}}': "3",
            f"{name}_count{{{label}}}": "3", f"{name}_sum{{{label}}}": "2.000000001"}, found)
        bounds = {100000: "0.0001", 1500000000: "1.5", 10**10: "10.0", 10**15 - 1: "999999.999999999",
                  10**15: "1000000.0", 2**63 + 1: "9223372036.854775809"}
        put("0_nsec 1\n" + "".join(f"{bound}_nsec 1\n" for bound in bounds), "a")
        found = re.findall(r'_bucket.*le="(.*)"', "\n".join(once("--match", "*/a")))
        check("bounds of any size", found == [*bounds.values(), "+Inf"], found)
        put("5_usec 1\ntotal_usec 3\n", "a")
        found = samples(once("--match", "*/a"))
        check("a single bucket is no histogram", found == {
            f'bpf_stat_text_5_usec{{{label}}}': "1",
            f'bpf_stat_text_total_usec{{{label}}}': "3"}, found)


GARBAGE = [b"\0\0\0", b"a\0b 1\n", b"\n\n\n", b" 1\n", b"1 \n", b"a  1\n", b"a 1 2\n", b"=\n", b"a =\n",
           b"a =1\n", b"a b=\n", b"a b=1=2\n", b"# TYPE\n", b"# TYPE a\n# HELP a\n", b"# TYPE  counter\n",
           b"# HELP a \0\n", b"# HELP a \xff\x01\r\na 1\n", b"a\x01\x7f\0 x=1\n", b"\xff\xfe 1\n", b"a\xff=1 b=2\n", b"-\n", b".\n", b"a .\n", b"a -.5\n", b"a 1.2.3\n",
           b"a 1e5\n", b"a " + b"9" * 30 + b"\n", b"k" * 200 + b" 1\n", b"x" * 2000, b". =1\n",
           b". a=1 \\", b". a=1\n\\04 a=1\n\\777 a=2\n\\000 a=3\n", b"\"\\ a=1\n", b"{} 1\n",
           b"18446744073709551616_usec 1\n0_usec -1\n1_usec 0.5\n", b"_ 1\n__ 2\n",
           b"a-b 1\na_b 2\na.b 3\n", b"seconds 1\nseconds_sum 1\n0_usec 1\n1_usec 2\n",
           b"# TYPE x counter\nx -1\n", b"# TYPE x counter\nx 1\nx_created 5\n", b"0_usec 1\n1_usec 2\n",
           b"0_usec 1\n01_usec 5\n1_usec 2\n1000_nsec 3\n2_usec 4\ntotal_usec 9\n",
           b"0_usec 1\n1_usec 2\ntotal_usec -1\n", b"seconds_created 1\n0_usec 1\n1_usec 3\ntotal_usec 3\n"]


def test_garbage():
    make("a", "b")
    with texts(), texts("a-b"), texts("a.b"):
        put("good 1\n", "b")
        put("x 1\n", "b", "a-b")
        put("x 2\n", "b", "a.b")
        wrong = []
        with Server("--timeout", "600") as server:
            for text in GARBAGE:
                put(text, "a")
                out = server.metrics(Accept=OPENMETRICS)
                good = f'bpf_stat_text_good{{cgroup="{LABEL}/b"}} 1\n' in out
                if faults(out, True) or not good:
                    wrong.append((text, faults(out, True), out))
        check(f"{len(GARBAGE)} kinds of garbage", not wrong, wrong)
        make("c")
        put("0_usec 18446744073709551615\n1_usec 1\n", "a")
        put("0_usec 99999999999999999999\n1_usec 1\n", "c")
        put("0_usec 1\n1_usec 2\n", "b")
        done = exporter("--once", TOP).stdout.decode()
        check("counts that are too large", "/a" not in done and "/c" not in done and
              f'bpf_stat_text_seconds_count{{cgroup="{LABEL}/b"}} 3\n' in done and
              own(done, "skipped_total")['{file="bpf.stat.text"}'] == 2, done)
        for path in "a", "b", "c":
            put("good 1\n", path)
        found = samples(once())
        check("of two files that make the same name, one is shown",
              len([each for each in found if each.startswith("bpf_stat_a_b_x")]) == 1, found)
        with texts("exporter"):
            put("cgroups 5\nerrors 6\n", "a", "exporter")
            done = exporter("--once", TOP).stdout.decode()
            check("names of the exporter's own", not faults(done, False) and
                  'cgroups{' not in done and own(done, "skipped_total")['{file="bpf.stat.exporter"}'] == 2, done)
        put("!big", "a")
        done = exporter("--once", "--timeout", "600", TOP)
        out = done.stdout.decode()
        check("4 MiB without a newline", not done.returncode and not done.stderr and
              f'bpf_stat_text_good{{cgroup="{LABEL}/b"}} 1\n' in out and
              own(out, "skipped_total").get('{file="bpf.stat.text"}') == 1, done)
        put("!key", "a")
        out = exporter("--once", "--timeout", "600", TOP).stdout.decode()
        check("4 MiB in front of figures", "xxxx" not in out and
              own(out, "skipped_total").get('{file="bpf.stat.text"}') == 1, out)
        put("!help", "a")
        out = exporter("--once", "--timeout", "600", TOP).stdout.decode()
        check("4 MiB of help are cut", 2000 < max(map(len, out.splitlines())) < 3000, out)
        put(". n=1\nx n=1" + " y" * 1001 + "\nlast n=5\n", "a")
        found = samples(once())
        check("many words that aren't figures, before one that is",
              found.get(f'bpf_stat_text_n{{cgroup="{LABEL}/a/last"}}') == "5", found)
        put("".join(f"k{i} {i}\n" for i in range(210)), "a")
        put("".join(f"m{i} {i}\n" for i in range(210)), "b")
        found = samples(once())
        check("more keys than there may be",
              sum(each.startswith("bpf_stat_text_") for each in found) == 256, len(found))


def test_long():
    """The output is sent in pieces, which end anywhere."""
    files = range(140)
    make(*(f"c{i}" for i in files))
    with texts():
        for i in files:
            put(f"# HELP k{i} {'h' * 1900}\nk{i} {i}\n", f"c{i}")
        found = samples(once())
        missing = [i for i in files if found.get(f'bpf_stat_text_k{i}{{cgroup="{LABEL}/c{i}"}}') != str(i)]
        check("figures with long help", not missing, missing)


def test_limits():
    """A histogram that isn't whole isn't shown."""
    files = range(200)
    make(*(f"c{i}" for i in files))
    with texts():
        for i in 0, 1:
            put("".join(f"{150 * i + n}_usec 1\n" for n in range(150)) + "x 1\n", f"c{i}")
        done = exporter("--once", TOP).stdout.decode()
        check("more buckets than there may be", "_usec" not in done and "_seconds_bucket" not in done and
              own(done, "skipped_total")['{file="bpf.stat.text"}'] >= 44, done)
        for i in files:
            put("".join(f"{n} k=1\n" for n in range(85)) +
                "".join(f"{n}_usec 1\n" for n in range(140)), f"c{i}")
        done = exporter("--once", "--timeout", "600", TOP).stdout.decode()
        found = re.findall(r"^bpf_stat_text_seconds_count.* (\d+)$", done, re.M)
        check("more rows than there is room for", own(done, "incomplete") == {"": 1} and
              100 < len(found) < 200 and set(found) == {"140"}, found)


def test_errors():
    make("a", "b")
    with texts(), texts("secret", "0600"):
        put("x 1\n", "a")
        put("!error", "b")
        out = exporter("--once", TOP).stdout.decode()
        check("an error is counted, ENODATA isn't",
              own(out, "errors_total") == {'{errno="EIO"}': 1} and "/a" in out, out)
        with Server() as server:
            for word, errno in ("!none", "ENOENT"), ("!device", "ENODEV"):
                put(word, "b")
                out = server.metrics()
                check(f"{errno} of a program is one, too",
                      own(out, "errors_total").get(f'{{errno="{errno}"}}') == 1, out)
            put("x 2\n", "b")
            check("which is read again", paths(server) == {"/a": "1", "/b": "2"}, server.metrics())
            put("!error", "b")
        put("y 1\n", "a", "secret")
        done = exporter("--once", TOP, user=65534, group=65534, extra_groups=[])
        out = done.stdout.decode()
        check("what it may not read is counted", done.returncode == 0 and
              own(out, "errors_total") == {'{errno="EIO"}': 1, '{errno="EACCES"}': 3}, done)


def names_of(lines):
    return sorted(re.search(rf'"{LABEL}(.*?)"', each)[1] for each in samples(lines))


def test_options():
    make("a/b/c", "a/d", "e")
    with texts(), texts("other"):
        for path in "", "a", "a/b", "a/b/c", "a/d", "e":
            put("x 1\ny 1\n", path)
        put("1\n", "e", "other")
        every = ["", "/a", "/a/b", "/a/b/c", "/a/d", "/e"]
        one = ("--metric", "bpf_stat_text_x")
        for args, wanted in (
                ((), every), (("--max-depth", "0"), [""]), (("--max-depth", "1"), ["", "/a", "/e"]),
                (("--match", "*/a"), ["/a"]), (("--match", "*/a/*"), ["/a/b", "/a/b/c", "/a/d"]),
                (("--match", "*/e", "--match", "*/d"), ["/a/d", "/e"]), (("--match", "x"), [])):
            found = names_of(once(*args, *one))
            check(f"cgroups by {args}", found == wanted, found)
        put(". x=1\na x=2\na/b x=3\n")
        for args in ("--max-depth", "1"), ("--match", "*[!b]"):
            found = names_of(once(*args, *one))
            check(f"cgroups in a tree by {args}", found == ["", "/a"], found)
        for args in ("--file", "bpf.stat.text"), ("--file", "bpf.stat.t*"):
            found = samples(once(*args, "--match", "*/a/b", *one))
            check("the tree is that of a cgroup that isn't wanted itself", found == {
                f'bpf_stat_text_x{{cgroup="{LABEL}/a/b"}}': "3"}, found)
        put("# TYPE n counter\nn 1\n0_usec 1\n1_usec 2\ntotal_usec 1\n")
        for name, nr in ("n", 1), ("n_total", 1), ("seconds", 4), ("seconds_count", 4), ("n_", 0):
            found = samples(once("--max-depth", "0", "--metric", "bpf_stat_text_" + name))
            check(f"--metric by {name}", len(found) == nr, found)
        found = samples(once("--file", "bpf.stat.oth*"))
        check("--file", found == {f'bpf_stat_other{{cgroup="{LABEL}/e"}}': "1"}, found)
        found = samples(once("--file", "cgroup.max.depth", "--file", "pids.max",
                             "--file", "cgroup.stat", "--max-depth", "0"))
        check("files of others", f'cgroup_stat_nr_descendants{{cgroup="{LABEL}"}}' in found, found)
    with texts("lazy", "0666", "lazy"):
        found = exporter("--once", TOP).stdout.decode()
        check("a lazy file that nobody has named isn't found", "bpf_stat_lazy" not in found, found)
        put("x 1\n", "a/b", "lazy")
        found = samples(once("--file", "bpf.stat.lazy"))
        check("one that is named is", found == {f'bpf_stat_lazy_x{{cgroup="{LABEL}/a/b"}}': "1"}, found)


def test_usage():
    for args, words in (
            (("--nonsense",), "unrecognized option"), (("--once", "/tmp"), "no cgroup's directory"),
            (("--once", TOP, TOP), "only one cgroup"), (("-o", "/tmp/x"), "goes with --once"),
            (("--max-depth", "-1"), "has to be a number"), (("--timeout", "0"), "has to be a number"),
            (("--timeout", "nan"), "has to be a number"), (("--once", TOP + "/none"), "No such file"),
            (("--listen", "nowhere"), "give an address"), (("--listen", "localhost:1x"), "give an address"),
            (("--listen", "192.0.2.1:1"), "Cannot assign"), (("--once", "-o", "/proc/x", TOP), "/proc/x"),
            (("--match", "x") * 65, "more than 64"), (("--once", "-o", tmp, TOP), tmp)):
        done = exporter(*args, kind="")
        lines = done.stderr.decode().splitlines()
        check(f"refused: {' '.join(args)[:60]}", done.returncode == 1 and not done.stdout and
              words in done.stderr.decode() and len(lines) <= 2, done)
    os.unlink(tmp + ".lock")
    check("nothing is left", not temporary_files(tmp))
    check("--help", exporter("--help", kind="").stdout.startswith(b"usage:"))


def temporary_files(path):
    """Returns those that it writes to before it renames them."""
    folder, name = os.path.split(path)
    return [each for each in os.listdir(folder)
            if each.startswith(name + ".") and each != name + ".lock"]


def test_once():
    path = tmp + "/out.prom"
    with texts():
        put("x 1\n")
        write(path, "old")
        old = open(path, encoding="utf-8")
        done = exporter("--once", "-o", path, TOP)
        out = read(path)
        check("the file is replaced, not written to", not done.returncode and not done.stdout and
              old.read() == "old" and f'bpf_stat_text_x{{cgroup="{LABEL}"}} 1\n' in out, done)
        old.close()
        check("others can read it", os.stat(path).st_mode & 0o777 == 0o644)
        put("!spin")
        child = subprocess.Popen([f"{OBJECTS}/bpf-stat-exporter-asan", "--once", "--timeout", "3600",
                                  "-o", path, TOP])
        within(lambda: temporary_files(path))
        child.terminate()
        put("x 2\n")
        child.wait(PATIENCE)
        check("interrupted, it leaves the old one and nothing else",
              read(path) == out and not temporary_files(path), os.listdir(tmp))
        with open("/dev/full", "wb") as full:
            done = subprocess.run([f"{OBJECTS}/bpf-stat-exporter-asan", "--once", TOP], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        check("a full disk is an error", done.returncode == 1 and b"No space" in done.stderr, done)


def refuses(address, port):
    try:
        socket.create_connection((address, port)).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass # it is about to be closed
    return False


def test_http():
    odd = ['quo"te', "back\\slash", "grün", "blank x"]
    make("a", *odd)
    bad = os.path.join(TOP.encode(), b"bad\xff")
    os.mkdir(bad)
    with texts():
        for path in odd:
            put("x 1\n", path)
        put("# TYPE x counter\nx 1\n", "a")
        write(bad + b"/bpf.stat.text", "x 1\n")
        with Server() as server:
            status, kind, text = server.get(Accept=OPENMETRICS)
            check("OpenMetrics", status == 200 and not faults(text, True) and
                  kind == "application/openmetrics-text; version=1.0.0; charset=utf-8", (kind, text))
            status, kind, other = server.get()
            check("the older format", status == 200 and not faults(other, False) and
                  kind == "text/plain; version=0.0.4; charset=utf-8", (kind, other))
            status, kind, _ = server.get(Accept="text/plain;q=0.9,application/openmetrics-text;q=0.1")
            check("what is accepted rather", kind.startswith("text/plain"), kind)
            labels = {re.search(r'"(.*)"', line)[1][len(LABEL):] for line in text.splitlines()
                      if line.startswith("bpf_stat_text_x_total")}
            check("labels are escaped", labels == {"/a", '/quo\\"te', "/back\\\\slash", "/grün",
                                                    "/blank x", "/bad\\\\xff"}, labels)
            port = free_port()
            other = Server("--listen", f":{port}")
            other.port = port
            with other:
                check("a port alone", other.get("/")[0] == 200)
                check("is on the loopback alone", refuses("127.0.0.2", port))
            other = Server("--listen", f"[::1]:{port}")
            other.host, other.port = "[::1]", port
            with other:
                check("an address of IPv6", other.get("/")[0] == 200)
                check("is listened on alone", refuses("127.0.0.1", port))
            check("HEAD", server.get(method="HEAD")[::2] == (200, ""))
            check("POST", server.get(method="POST")[0] == 405)
            check("another path", server.get("/else")[0] == 404)
            check("the page at the top", "/metrics" in server.get("/")[2])
    os.rmdir(bad)


def test_socket():
    with texts(), socket.create_server(("127.0.0.1", 0)) as listening:
        put("x 1\n")
        # as its unit does: another user, no capabilities, no network but the socket
        command = ("LISTEN_FDS=1 LISTEN_PID=$$ exec unshare -n setpriv --reuid 65534 --regid 65534 "
                   "--clear-groups --bounding-set=-all --no-new-privs "
                   f"{OBJECTS}/bpf-stat-exporter-asan {TOP} 3<&{listening.fileno()}")
        child = subprocess.Popen(["bash", "-c", command], pass_fds=[listening.fileno()])
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/metrics"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            text = answer.read().decode()
        check("a socket of systemd", "bpf_stat_text_x{" in text, text)
        child.terminate()
        check("it ends", child.wait(PATIENCE) == 0)


def paths(server):
    found = re.findall(rf'^bpf_stat_text_x{{cgroup="{LABEL}(.*)"}} (\S+)$', server.metrics(), re.M)
    return dict(found)


def test_top():
    """The top is removed and made again."""
    with texts():
        for args in (), ("--file", "bpf.stat.text"):
            make("top")
            put("x 1\n", "top")
            with Server("--timeout", "600", *args, top="top") as server:
                check(f"before {args}", paths(server) == {"/top": "1"}, paths(server))
                remove(TOP + "/top")
                text = server.metrics()
                check("the top is gone", "bpf_stat_text" not in text and
                      own(text, "incomplete") == {"": 1}, text)
                make("top/below")
                put("x 2\n", "top")
                put("x 3\n", "top/below")
                text = server.metrics()
                check("and there again", paths(server) == {"/top": "2", "/top/below": "3"} and
                      own(text, "incomplete") == {"": 0}, text)
            remove(TOP + "/top")


def test_changes():
    make("a/b")
    with texts(), Server("--timeout", "600") as server:
        put("x 1\n", "a/b")
        check("before", paths(server) == {"/a/b": "1"}, paths(server))
        make("a/c/d", "new")
        for i, path in enumerate(("a/c/d", "new", "a")):
            put(f"x {i}\n", path)
        wanted = {"/a/b": "1", "/a/c/d": "0", "/new": "1", "/a": "2"}
        check("new cgroups", paths(server) == wanted, paths(server))
        check("are counted", own(server.metrics(), "cgroups") == {"": 6}, server.metrics())
        remove(TOP + "/a/c")
        make("a/e")
        put("x 9\n", "a/e")
        wanted = {"/a/b": "1", "/a/e": "9", "/new": "1", "/a": "2"}
        check("as many removed and made", paths(server) == wanted, paths(server))
        remove(TOP + "/a")
        make("a/z")
        put("x 5\n", "a/z")
        check("another one at the same path", paths(server) == {"/a/z": "5", "/new": "1"}, paths(server))
        remove(TOP + "/new")
        check("one that is gone isn't missed", own(server.metrics(), "incomplete") == {"": 0})
        make("new")
        knob = f'\nbpf_stat_knob{{cgroup="{LABEL}/new"}}'
        for what in "with another link", "which is attached again":
            bpftool("attach", f"{OBJECTS}/knob.bpf.o", TOP + "/new", PINS)
            check(what, knob in server.metrics())
            bpftool("detach", PINS)
            check("and gone", knob not in server.metrics())
        before = own(server.metrics(), "open_files")
        with attached("knob"):
            check("a link that is attached later",
                  server.metrics().count("\nbpf_stat_knob{") == 4, server.metrics())
        check("and gone", "\nbpf_stat_knob{" not in server.metrics() and
              own(server.metrics(), "open_files") == before, server.metrics())
        with attached("knob"):
            check("and back", server.metrics().count("\nbpf_stat_knob{") == 4, server.metrics())
            before = own(server.metrics(), "open_files")
        with attached("knob"):
            text = server.metrics()
            check("and replaced between two scrapes", text.count("\nbpf_stat_knob{") == 4 and
                  own(text, "open_files") == before, text)
        # what is gone is looked for by the next scrape
        server.metrics()
        server.metrics()
        bpftool("attach", f"{OBJECTS}/knob.bpf.o", TOP + "/a", PINS)
        check("further down, it's found after some time",
              within(lambda: server.metrics().count("\nbpf_stat_knob{") == 2), server.metrics())
        bpftool("detach", PINS)
        put("x 1\n", "new")
        server.metrics()
        before = own(server.metrics(), "open_files")[""]
        put("!big", "new")
        server.metrics()
        check("a long file isn't kept open", own(server.metrics(), "open_files") == {"": before - 1},
              server.metrics())
        check("no errors", not own(server.metrics(), "errors_total"), server.metrics())
    with Server("--file", "bpf.stat.text") as server:
        check("nothing yet", not paths(server))
        with texts("text", "0666", "lazy"):
            put("x 1\n")
            put("x 2\n", "a/z")
            check("a lazy one that is attached later", paths(server) == {"": "1", "/a/z": "2"},
                  server.metrics())
    with Server("--file", "bpf.stat.text", "--match", "*/z") as server:
        check("nothing yet that matches", not paths(server) and not paths(server))
        with texts("text", "0666", "lazy"):
            put("x 1\n")
            put("x 2\n", "a/z")
            check("a lazy one below a cgroup that doesn't match", paths(server) == {"/a/z": "2"},
                  server.metrics())


def test_open_files():
    make(*(f"c{i}" for i in range(60)))
    with texts(), Server("--timeout", "600", before=("prlimit", "--nofile=80")) as server:
        for i in range(60):
            put("x 1\n", f"c{i}")
        for _ in range(2):
            text = server.metrics()
            check("more files than may be open", text.count("\nbpf_stat_text_x{") == 60 and
                  own(text, "open_files") == {"": 40} and not own(text, "errors_total"), text)


def go_down(levels):
    """Makes cgroups in each other. Returns how many there can be."""
    here = os.open(TOP, os.O_RDONLY)
    try:
        for level in range(levels):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        write(f"/proc/self/fd/{here}/bpf.stat.text", "x 7\n")
    finally:
        os.close(here)


def come_up(levels):
    for level in reversed(range(levels)):
        os.rmdir(TOP + "/d" * (level + 1))


def test_binary():
    tree, binary = ("--file", "bpf.stat.memory_tree"), ("--file", "bpf.stat.memory_tree_bin")

    def told(*args):
        return [line.replace("memory_tree_bin", "memory_tree") for line in once(*args)]

    def differences(*args):
        """Lines of either one alone. What was charged per CPU may be seen later."""
        found = []

        def same():
            found[:] = set(told(*binary, *args)) ^ set(once(*tree, *args))
            return not found

        within(same)
        return found

    write("/sys/fs/cgroup/cgroup.subtree_control", "+memory")
    write(TOP + "/cgroup.subtree_control", "+memory")
    make("a/b", "a/c d", 'q"\\')
    write(TOP + "/a/cgroup.subtree_control", "+memory")
    subprocess.run(["true"], check=True, preexec_fn=lambda: write(TOP + "/a/b/cgroup.procs", "0"))
    with attached("memory_tree", None, "lazy") as pin:
        bpftool("attach", "pinned", pin + "-progs/memory_tree_bin", TOP, pin + "-bin", "lazy")
        found = differences()
        check("binary: the same as in text", not found, found)
        seen = told(*binary)
        check("binary: figures that aren't 0",
              float(samples(seen)[f'bpf_stat_memory_tree_pgfault_total{{cgroup="{LABEL}/a/b"}}']), seen)
        for options in (("--max-depth", "1"), ("--match", "*[!b]"), ("--match", "*/a/*"),
                        ("--metric", "*anon")):
            found = differences(*options)
            check(f"binary: the same with {options}", told(*binary, *options) and not found, found)
        with Server(*binary) as server:
            first = server.metrics()
            make("late/r")
            remove(TOP + "/a/b")
            second = server.metrics()
            check("binary: a new cgroup", '/late"}' not in first and '/late"}' in second, second)
            check("binary: one that is gone", '/a/b"}' in first and '/a/b"}' not in second, second)
        bpftool("detach", pin + "-bin")
        bpftool("attach", "pinned", pin + "-progs/memory_tree_bin", "/sys/fs/cgroup", pin + "-bin", "lazy")
        seen = exporter("--once", *binary, "--max-depth", "0", "/sys/fs/cgroup").stdout.decode()
        bpftool("detach", pin + "-bin")
        check("binary: what the root cgroup hasn't got", 'tree_anon{cgroup="/"}' in seen and
              not re.search("tree_(current|oom_kill)", seen), seen)
    with texts("memory_tree_bin"):
        entry = struct.pack("=IIQQ", 160, 0, os.stat(TOP).st_ino, 1) + bytes(136)
        for what, junk in (("nothing", b""), ("text", b"current 1\n" * 9), ("zeroes", bytes(200)),
                           ("an entry that isn't whole", entry[:-8]), ("too long", b"\xff" + entry[1:]),
                           ("a size that is odd", b"\x21" + entry[1:])):
            put(junk, name="memory_tree_bin")
            done = exporter("--once", *binary, TOP)
            out = done.stdout.decode()
            good = not junk or own(out, "skipped_total")
            check(f"binary: {what}", good and "memory_tree_anon{" not in out and
                  not done.returncode and not done.stderr, done)
        put(entry, name="memory_tree_bin")
        check("binary: an entry", f'bpf_stat_memory_tree_anon{{cgroup="{LABEL}"}} 0' in once(*binary))


def test_deep():
    levels = 500
    with texts(), Server("--timeout", "600") as server:
        go_down(levels)
        found = paths(server)
        check(f"{levels} levels", found == {"/d" * levels: "7"}, list(found)[:1])
        check("are complete", own(server.metrics(), "incomplete") == {"": 0})
        come_up(levels)
        check("and gone", not paths(server))


def stuck(server, **headers):
    text = server.metrics(**headers)
    return {re.search(rf'"{LABEL}(.*?)"', labels)[1] for labels in own(text, "stuck_seconds")}, text


def idle(server):
    """Whether it only waits: for a signal, and for connections. The sanitizer has a thread, too."""
    return server.threads() == 2 + (server.kind == "-tsan")


def test_stuck():
    others = [f"other_{i}" for i in range(4)]
    more, last = [f"more/{i}" for i in range(6)], [f"last/{i}" for i in range(3)]
    make("a", "b", *more, *last)
    with contextlib.ExitStack() as stack:
        for name in "text", *others:
            stack.enter_context(texts(name))
        # programs that spin must not take the CPU from tasks of low priority, as RCU waits for these
        server = stack.enter_context(Server("--timeout", "80", before=("chrt", "-i", "0")))

        def has_others(text):
            return all(f'bpf_stat_{name}{{cgroup="{LABEL}/a"}} 1\n' in text for name in others)

        def has_path(path, text):
            return f'bpf_stat_text_x{{cgroup="{LABEL}{path}"}} 1\n' in text

        for path in "", "b", *more, *last:
            put("x 1\n", path)
        for name in others:
            put("1\n", "a", name)
        server.metrics()
        put("!spin", "a")
        named, text = stuck(server)
        check("a file that is stuck is named", named == {"/a"} and
              own(text, "incomplete") == {"": 1}, text)
        check("the rest is served", has_path("", text) and has_path("/b", text) and has_others(text), text)
        for _ in range(3):
            named, text = stuck(server)
        check("no other scrape waits for it", named == {"/a"} and
              own(text, "incomplete") == {"": 1} and has_path("/b", text), text)
        check("there is one thread for it", within(lambda: server.threads() == 3), server.threads())
        for path in more:
            put("!spin", path)
        named, text = stuck(server)
        check("not all are waited for in one scrape, which has time for other names", len(named) == 5 and
              has_others(text) and own(text, "incomplete") == {"": 1}, text)
        within(lambda: len(stuck(server)[0]) == 7)
        named, text = stuck(server)
        check("all others are served, also of the same name", len(named) == 7 and has_others(text) and
              all(has_path(path, text) for path in ("", "/b", "/last/0", "/last/1", "/last/2")), text)
        check("none is read twice in a scrape", not own(text, "skipped_total"), text)
        for path in last:
            put("!spin", path)
        within(lambda: len(stuck(server)[0]) == 8)
        stuck(server)
        named, text = stuck(server)
        check("after eight, more of the same name aren't read", len(named) == 8 and
              not has_path("/b", text) and within(lambda: server.threads() == 10),
              (text, server.threads()))
        check("others are", has_others(text), text)
        # a cgroup whose file is read can be removed
        remove(TOP + "/a")
        named, text = stuck(server)
        check("one that is removed is still named", "/a" in named, named)
        make("a")
        for path in more + last:
            put("x 1\n", path)
        within(lambda: len(stuck(server)[0]) == 1)
        put("!spin", "a")
        stuck(server)
        within(lambda: server.threads() == 4)
        named, text = stuck(server)
        check("and once if it is there again, and stuck", named == {"/a"} and
              not faults(text, False), (server.threads(), text))
        check("they are read again when they return", within(lambda: all(
            has_path("/" + path, text) for text in [server.metrics()] for path in more + last)),
            server.metrics())
        put("!free")
        check("also those in the removed cgroup", within(lambda: not stuck(server)[0]), server.metrics())


def test_slow():
    hurry = {"X-Prometheus-Scrape-Timeout-Seconds": "80"}
    make("a", "b")
    with texts(), Server("--timeout", "2400", kind="-tsan", before=("chrt", "-i", "0")) as server:
        put("x 1\n", "b")
        server.metrics()
        for _ in range(3):
            put("!spin", "a")
            found = within(lambda: stuck(server, **hurry)[0] == {"/a"})
            check("it goes by the time that Prometheus has", found)
            put("x 2\n", "a")
            check("the program returns at last", within(lambda: idle(server)))
        for _ in range(4):
            text = server.metrics()
            check("a file that was late three times is left out four times", f'"{LABEL}/a"' not in text and
                  f'"{LABEL}/b"' in text and own(text, "incomplete") == {"": 1}, text)
        text = server.metrics()
        check("and then read", f'bpf_stat_text_x{{cgroup="{LABEL}/a"}} 2\n' in text and
              own(text, "incomplete") == {"": 0}, text)
        check("also the next time", f'"{LABEL}/a"' in server.metrics())
        put("!spin", "a")
        within(lambda: stuck(server, **hurry)[0] == {"/a"})
        put("x 3\n", "a")
        within(lambda: idle(server))
        check("late once more, it's left out once", paths(server) == {"/b": "1"} and
              paths(server) == {"/a": "3", "/b": "1"}, server.metrics())
        put("!spin", "a")
        within(lambda: stuck(server, **hurry)[0] == {"/a"})
        remove(TOP + "/a")
        check("its cgroup is gone", stuck(server)[0] == {"/a"} and paths(server) == {"/b": "1"},
              server.metrics())
        put("!free")
        check("and it returns", within(lambda: not stuck(server)[0]) and within(lambda: idle(server)))


def spins(pid):
    """Whether a thread is in a program that doesn't return: it is in the kernel for long."""
    try:
        return any(int(read(f"/proc/{pid}/task/{thread}/stat").rsplit(")", 1)[1].split()[12]) > 100
                   for thread in os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return False


def test_exit():
    """A reader that is stuck keeps the process, but nothing that others wait for."""
    with texts():
        put("!spin")
        child = subprocess.Popen([f"{OBJECTS}/bpf-stat-exporter", "--once", "--timeout", "20", TOP],
                                 stdout=subprocess.PIPE)
        seen = []
        thread = threading.Thread(target=lambda: seen.append(child.stdout.read()), daemon=True)
        thread.start()
        thread.join(PATIENCE)
        check("it closes stdout", seen and b"stuck_seconds{" in seen[0] and child.poll() is None, seen)
        put("x 1\n")
        check("it ends", child.wait(PATIENCE) == 0)
        path = tmp + "/exit.prom"
        for timeout, event in ("20", path), ("3600", path + ".lock"):
            command = [f"{OBJECTS}/bpf-stat-exporter", "--once", "--timeout", timeout, "-o", path, TOP]
            put("!spin")
            child = subprocess.Popen(command)
            within(lambda event=event: os.path.exists(event))
            within(lambda child=child: spins(child.pid))
            child.terminate()
            done = subprocess.run(command, capture_output=True, check=False)
            check("with -o, no other one joins it", done.returncode == 1 and
                  b"still" in done.stderr and child.poll() is None and not temporary_files(path), done)
            put("x 1\n")
            child.wait(PATIENCE)
            check("when it has ended, one does", subprocess.run(command, check=False).returncode == 0
                  and "bpf_stat_text_x{" in read(path))
            os.unlink(path)
            os.unlink(path + ".lock")
        with Server("--timeout", "20", kind="") as server:
            put("!spin")
            within(lambda: stuck(server)[0])
            server.process.terminate()
            check("it closes its socket", within(lambda: refuses("127.0.0.1", server.port)) and
                  server.process.poll() is None)
            put("x 1\n")


@contextlib.contextmanager
def small_buffers():
    """Output doesn't fit into the buffers of a socket while the block runs."""
    path = "/proc/sys/net/ipv4/tcp_wmem"
    before = read(path)
    write(path, "4096 16384 65536")
    try:
        yield
    finally:
        write(path, before)


def slow(server, clients):
    """Adds a client that doesn't read more than the beginning of the answer."""
    client = socket.create_connection(("127.0.0.1", server.port))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    if client.recv(12) != b"HTTP/1.1 200":
        client.close()
        return False
    clients.append(client)
    return True


def test_late_client():
    """When most of the time is over that Prometheus has, nothing more is read."""
    make(*(f"c{i}" for i in range(60)))
    with small_buffers(), texts("one"), texts("two"), Server("--timeout", "600") as server, \
            socket.create_connection(("127.0.0.1", server.port)) as client:
        for i in range(60):
            for name in "one", "two":
                put("".join(f"key_{n} {n}\n" for n in range(100)), f"c{i}", name)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /metrics HTTP/1.0\r\nX-Prometheus-Scrape-Timeout-Seconds: 30\r\n\r\n")
        client.recv(12)
        time.sleep(19)
        with client.makefile("rb") as answer:
            text = answer.read().decode()
        check("the rest is left out", own(text, "incomplete") == {"": 1} and
              ("bpf_stat_one_" in text) + ("bpf_stat_two_" in text) == 1, text)


def scrape_often(server, wrong, times):
    """Scrapes until so many are answered, as there may be too many at a time."""
    for i in range(times):
        status, _, text = within(lambda i=i: answered(server, OPENMETRICS if i % 2 else "*/*"))
        if status != 200 or faults(text, i % 2) or "bpf_stat_text_x{" not in text:
            wrong.append((status, text))


def answered(server, accept):
    answer = server.get(Accept=accept)
    return answer if answer[0] != 503 else None


def test_concurrent():
    for kind in "-asan", "-tsan":
        make(*(f"c{i}" for i in range(60)))
        with small_buffers(), texts(), texts("other"), \
                Server("--timeout", "600", kind=kind) as server:
            for i in range(60):
                put(f"x {i}\n", f"c{i}")
                put("".join(f"key_{n} {n}\n" for n in range(100)), f"c{i}", "other")
            clients, wrong = [], []
            accepted = [slow(server, clients), slow(server, clients)]
            threads = [threading.Thread(target=scrape_often, args=(server, wrong, 5))
                       for _ in range(2)]
            for thread in threads:
                thread.start()
            for i in range(10):
                make(f"c{i}/below")
                put("x 1\n", f"c{i}/below")
            for i in range(10):
                remove(f"{TOP}/c{i}/below")
            for thread in threads:
                thread.join()
            check(f"scrapes at a time, beside slow clients and changes {kind}", not wrong, wrong[:3])
            # those of the threads may still be about to end
            within(lambda: accepted.append(slow(server, clients)) or sum(accepted) == 4)
            check("too many at a time are refused", server.get()[0] == 503)
            for client in clients:
                client.close()
            check("when they are gone, there is room", within(lambda: server.get()[0] == 200))
        remove(TOP)
        os.mkdir(TOP)


def test_many():
    links = 16
    make(*(f"c{i}" for i in range(1000)))
    with contextlib.ExitStack() as stack:
        for i in range(links):
            stack.enter_context(attached("hist_oncpu" if i else "runqlat", f"hist-{i}"))
        server = stack.enter_context(Server("--timeout", "600", kind=""))
        text = server.metrics()
        memory = server.status("VmHWM")
        say(f"{len(text)} bytes of output, {memory} kB of memory")
        check("all are there", text.count('_seconds_count{') == links * 1001, len(text))
        check("memory is a fraction of the output", memory < len(text) / 1024 / 4, memory)
        before = server.status("VmRSS")
        for _ in range(3):
            server.metrics()
        check("and doesn't grow", server.status("VmRSS") < 1.2 * before, server.status("VmRSS"))


def promtool(text):
    return subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True,
                          check=False)


def test_promtool():
    write("/sys/fs/cgroup/cgroup.subtree_control", "+memory")
    write(TOP + "/cgroup.subtree_control", "+memory")
    make("a/b")
    with contextlib.ExitStack() as stack:
        for program in "memory", "net", "oom", "knob", "runqlat", "hist_oncpu", "memory_tree":
            stack.enter_context(attached(program))
        out = exporter("--once", "--timeout", "600", TOP).stdout.decode()
        done = promtool(out)
        check("promtool check metrics", not done.returncode and not done.stdout and not done.stderr, done)
        missing = [each for each in ("memory_current", "memory_pgfault_total", "net_tcp_sent_bytes_total",
                                     "oom_kills_total", "knob", "runqlat_seconds_count",
                                     "hist_oncpu_seconds_sum", "memory_tree_current")
                   if f'\nbpf_stat_{each}{{cgroup="{LABEL}/a"}} ' not in out]
        check("the figures of all programs are there", missing == ["oom_kills_total"] or not missing, missing)
    with texts():
        for i, text in enumerate(GARBAGE):
            make(f'g"{i}\\')
            put(text, f'g"{i}\\')
        out = exporter("--once", "--timeout", "600", TOP).stdout.decode()
        done = promtool(out)
        check("it can read what comes of garbage", out.count("\nbpf_stat_text") > 20 and
              done.returncode != 1 and "error" not in done.stderr, done)
        check("but not all", promtool("a{ 1\n").returncode == 1)
    done = promtool("bpf_stat_text_x 1\n")
    check("promtool complains of something else", done.returncode, done)


class Daemon:
    """One that serves HTTP on a free port, until the block ends."""

    def __init__(self, port, path, *command):
        self.url = f"http://127.0.0.1:{port}"
        self.path = path
        self.log = open(tmp + "/log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def __enter__(self):
        if not within(lambda: self.get(self.path) or self.process.poll() is not None):
            say("it doesn't answer")
        return self

    def get(self, path, **query):
        try:
            url = f"{self.url}{path}?{urllib.parse.urlencode(query)}"
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return answer.read().decode()
        except OSError:
            return ""

    def query(self, expression):
        """Returns what Prometheus answers, as values by cgroup; None if it refuses."""
        answer = json.loads(self.get("/api/v1/query", query=expression) or "{}")
        if answer.get("status") != "success":
            return None
        found = answer.get("data", {}).get("result", [])
        return {each["metric"].get("cgroup", ""): float(each["value"][1]) for each in found
                if each["value"][1] != "NaN"}

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def work_in(path):
    """Returns a process there that runs often and sends."""
    make(path)
    script = ("import socket, time\na, b = socket.socketpair(socket.AF_UNIX)\n"
              "s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname())\n"
              "d, _ = s.accept()\nwhile True:\n c.send(b'x' * 1000); d.recv(1000); time.sleep(0.01)\n")
    return subprocess.Popen(
        ["bash", "-c", f'echo 0 >"{TOP}/{path}/cgroup.procs"; exec python3 -c "$1"', "bash", script])


def documented_queries():
    """Returns those of the exporter's README."""
    path = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                        "../../../bpf/cgroup_stat/exporter/README.rst")
    table = read(path).split("\nPROMQL\n")[1].split("\nEXAMPLES\n")[0]
    return re.findall(r"  ``(.*)``$", table, re.M)


def check_queries(prometheus):
    queries = documented_queries()
    types = json.loads(prometheus.get("/api/v1/metadata"))["data"]
    check("the README has queries", len(queries) > 10, queries)
    for query in queries:
        # there are no services of systemd here, nothing that would cause an alert, and no node_exporter
        here = query.replace("/system.slice", LABEL)
        is_alert = " > " in query or " == " in query
        found = within(lambda here=here, is_alert=is_alert: prometheus.query(here) or
                       is_alert and prometheus.query(here) is not None)
        unknown = set(re.findall(r"bpf_stat_exporter\w+", query)) - types.keys()
        check(query, found and not unknown, (prometheus.query(here), unknown))


def test_prometheus():
    write("/sys/fs/cgroup/cgroup.subtree_control", "+memory")
    write(TOP + "/cgroup.subtree_control", "+memory")
    port = free_port()
    with contextlib.ExitStack() as stack:
        for program in "runqlat", "hist_oncpu", "net", "memory", "oom":
            stack.enter_context(attached(program))
        stack.enter_context(texts())
        for i, text in enumerate(GARBAGE):
            make(f'g"{i}\\')
            put(text, f'g"{i}\\')
        server = stack.enter_context(Server("--timeout", "600", kind=""))
        write(tmp + "/prometheus.yml", json.dumps({
            "global": {"scrape_interval": "30s", "scrape_timeout": "30s"},
            "scrape_configs": [{"job_name": "cgroups", "static_configs": [
                {"targets": [f"127.0.0.1:{server.port}"]}]}]}))
        worker = work_in("web")
        prometheus = stack.enter_context(Daemon(
            port, "/-/ready", "prometheus", f"--config.file={tmp}/prometheus.yml",
            f"--storage.tsdb.path={tmp}/tsdb", f"--web.listen-address=127.0.0.1:{port}"))
        web = LABEL + "/web"
        quantile = within(lambda: prometheus.query(
            "histogram_quantile(0.9, rate(bpf_stat_runqlat_seconds_bucket[5m]))").get(web))
        check("histogram_quantile over runqlat", quantile and 0 < quantile < 4.2, quantile)
        rate = within(lambda: prometheus.query("rate(bpf_stat_net_tcp_sent_bytes_total[5m])").get(web))
        check("rate of a counter", rate and rate > 0, rate)
        check_queries(prometheus)
        types = json.loads(prometheus.get("/api/v1/metadata"))["data"]
        check("types and units arrive", types["bpf_stat_runqlat_seconds"][0]["type"] == "histogram" and
              types["bpf_stat_net_tcp_sent_bytes"][0]["unit"] == "bytes", types)
        targets = json.loads(prometheus.get("/api/v1/targets"))["data"]["activeTargets"]
        check("Prometheus has no complaint", targets[0]["health"] == "up" and
              not targets[0]["lastError"], targets)
        with open(tmp + "/log", encoding="utf-8") as log:
            bad = [line for line in log if re.search(r"level=(warn|error)", line)]
        check("nor in its log", not bad, bad)
        worker.kill()
        worker.wait()


def test_node_exporter():
    port = free_port()
    folder = tmp + "/textfile"
    os.mkdir(folder)
    with attached("runqlat"), attached("knob"):
        done = exporter("--once", "--timeout", "600", "-o", folder + "/bpf_stat.prom", TOP)
        check("--once -o", not done.returncode and not done.stderr, done)
    with Daemon(port, "/metrics", "prometheus-node-exporter", "--collector.disable-defaults",
                "--collector.textfile", f"--collector.textfile.directory={folder}",
                f"--web.listen-address=127.0.0.1:{port}") as node:
        text = node.get("/metrics")
    check("node_exporter shows it", f'\nbpf_stat_knob{{cgroup="{LABEL}"}} 100\n' in text and
          f'bpf_stat_runqlat_seconds_count{{cgroup="{LABEL}"}}' in text, text)
    check("without an error", "\nnode_textfile_scrape_error 0\n" in text, text)
    check("and how old it is", re.search(r'\nnode_textfile_mtime_seconds{file=".*bpf_stat\.prom"} ', text), text)


def run_test(name):
    began = time.monotonic()
    os.mkdir(TOP)
    try:
        globals()["test_" + name]()
    except Exception as error:
        check(f"{name}: {error!r}", False, traceback.format_exc())
    finally:
        remove(TOP)
        say(f"{name} took {time.monotonic() - began:.1f} s")


def main(tests):
    every = [name[5:] for name in globals() if name.startswith("test_")]
    try:
        for name in tests or every:
            run_test(name)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
        print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    BPFTOOL, OBJECTS = sys.argv[1:3]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[3:]))
