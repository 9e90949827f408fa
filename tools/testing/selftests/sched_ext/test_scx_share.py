#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Tests whether scx_share obeys its knobs, and whether their files exist while it runs.

usage: test_scx_share.py [BIN [TEST...]]

BIN is the directory with scx_share, tools/sched_ext/build/bin by default. Needs root,
cgroup v2 in /sys/fs/cgroup, and a machine that is idle otherwise, for some minutes;
prints TAP. CHURN=SECONDS sets how long cgroups are created and removed.
"""
import ctypes
import errno
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = "/sys/fs/cgroup"
TOP = f"{ROOT}/share-{os.getpid()}"
KNOBS = {"bpf.stat.share", "bpf.stat.slice_us", "bpf.stat.runtime"}
CPU1 = "/sys/devices/system/cpu/cpu1/online"
SETTLE = 1  # seconds to wait after a knob was changed
WINDOW = 5  # seconds to measure the CPU usage for
DEADLINE = 600  # seconds to wait for an event
CHURN = int(os.environ.get("CHURN", 30))  # seconds
USER = 1000  # an unprivileged user
NR_CPUS = os.cpu_count()
TOOLS = os.path.dirname(os.path.abspath(__file__)) + "/../../../sched_ext/build/bin"
PROGRAM = (sys.argv[1] if len(sys.argv) > 1 else TOOLS) + "/scx_share"
BPFTOOL = os.path.dirname(PROGRAM) + "/../sbin/bpftool"
BPFFS = "/sys/fs/bpf"
KSFT_SKIP = 4

scheduler = None
results = []


def say(text):
    for line in text.splitlines():
        print("#", line, flush=True)


def check(what, good, seen):
    results.append(bool(good))
    print("ok" if good else "not ok", len(results), what, flush=True)
    if not good:
        say(f"seen: {seen}")


def skip(what, why):
    results.append(True)
    print("ok", len(results), what, "# SKIP", why, flush=True)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def write(path, text):
    """Returns 0 or an errno."""
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, str(text).encode())
    except OSError as err:
        return err.errno
    finally:
        os.close(fd)
    return 0


def soon(condition):
    end = time.monotonic() + DEADLINE
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()


def state():
    return read("/sys/kernel/sched_ext/state")


def files():
    """Returns the names of all stat files, and how many cgroups have each of them."""
    found = [f for _, _, names in os.walk(ROOT) for f in names if f.startswith("bpf.stat.")]
    return {name: found.count(name) for name in found}


def start(*args):
    return subprocess.Popen([PROGRAM, *args], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def load(*args):
    """Start the scheduler. Returns its process once the knobs exist."""
    process = start(*args)
    line = process.stdout.readline()
    if "are in" not in line:
        raise SystemExit("Bail out! scx_share: " + line + process.communicate()[0])
    return process


def fork(action):
    """Run action() in a child process. Its exit status is 0 unless that raises."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            action()
            status = 0
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc(file=sys.stdout)
        finally:
            sys.stdout.flush()
            os._exit(status)
    return pid


def become(uid):
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def remove_soon(path):
    """Remove a cgroup. rmdir(2) fails with EBUSY until tasks that were killed have exited."""
    def remove():
        try:
            os.rmdir(path)
        except FileNotFoundError:
            pass
        except OSError as err:
            return err.errno != errno.EBUSY
        return True

    return soon(remove) and not os.path.exists(path)


class Cgroup:
    """A cgroup below TOP with tasks that use all the CPU they get."""

    def __init__(self, name, tasks=0, cpus=None):
        self.path = f"{TOP}/{name}"
        self.tasks = []
        os.makedirs(self.path)
        for _ in range(tasks):
            self.tasks.append(self.spawn(cpus))

    def spawn(self, cpus):
        pid = os.fork()
        if not pid:
            while True:
                pass
        write(self.path + "/cgroup.procs", pid)
        if cpus:
            os.sched_setaffinity(pid, cpus)
        return pid

    def set(self, knob, value):
        return write(f"{self.path}/bpf.stat.{knob}", f"{value}\n")

    def get(self, knob):
        return read(f"{self.path}/bpf.stat.{knob}")

    def used(self):
        """Returns the CPU time in microseconds, from cpu.stat."""
        return int(re.search(r"usage_usec (\d+)", read(self.path + "/cpu.stat"))[1])

    def switches(self):
        """Returns how often its tasks were preempted."""
        pattern = r"nonvoluntary_ctxt_switches:\s+(\d+)"
        return sum(int(re.search(pattern, read(f"/proc/{t}/status"))[1]) for t in self.tasks)

    def remove(self):
        write(self.path + "/cgroup.kill", 1)
        for task in self.tasks:
            os.waitpid(task, 0)
        remove_soon(self.path)


def uses(cgroups):
    """Returns the fraction of the CPU time that each of the cgroups uses."""
    time.sleep(SETTLE)
    before = [c.used() for c in cgroups]
    time.sleep(WINDOW)
    used = [c.used() - b for c, b in zip(cgroups, before)]
    return [u / max(sum(used), 1) for u in used]


def check_uses(what, cgroups, parts):
    """Each cgroup's CPU time must be within 10% of its part. Since the CPUs of a virtual
    machine don't run all the time, there are three attempts."""
    asked = [p / sum(parts) for p in parts]
    seen = []
    for _ in range(3):
        seen.append(uses(cgroups))
        if all(abs(s - a) <= a / 10 for s, a in zip(seen[-1], asked)):
            break
    else:
        check(what, False, f"{seen}, asked for {asked}")
        return
    check(what, True, None)


def test_values():
    c = Cgroup("values")
    child = Cgroup("values/child")

    seen = [c.get("share"), c.get("slice_us"), c.get("runtime")]
    check("defaults", seen == ["100", "20000", "0"], seen)
    seen = [c.set("share", 300), c.get("share"), child.get("share"), child.set("share", 7),
            c.get("share"), child.get("share"), child.set("share", "default"),
            child.get("share"), c.set("share", "default"), child.get("share")]
    check("children inherit until set", seen == [0, "300", "300", 0, "300", "7", 0, "300", 0,
                                                 "100"], seen)
    for knob, low, high in ("share", 1, 10000), ("slice_us", 1000, 100000):
        seen = [c.set(knob, low), c.get(knob), c.set(knob, high), c.get(knob)]
        check(f"{knob}: the limits are in", seen == [0, str(low), 0, str(high)], seen)
        seen = [c.set(knob, v) for v in (low - 1, high + 1, -1, 2 ** 64, -2 ** 64)]
        check(f"{knob}: ERANGE", seen == [errno.ERANGE] * 5, seen)
        seen = [c.set(knob, v) for v in ("x", "", " 100", "100x", "100 ", "defaul", "default ",
                                         "+100", "0x100", "-")]
        check(f"{knob}: EINVAL", seen == [errno.EINVAL] * 10, seen)
        check(f"{knob}: unchanged", c.get(knob) == str(high), c.get(knob))
    check("runtime can't be written", c.set("runtime", 1) == errno.EINVAL, c.get("runtime"))
    child.remove()
    c.remove()


def test_shares():
    a, b = Cgroup("a", NR_CPUS), Cgroup("b", 4 * NR_CPUS)

    check_uses("1:1, with one task against four", [a, b], [1, 1])
    b.set("share", 300)
    check_uses("1:3", [a, b], [1, 3])
    a.set("share", 900)
    check_uses("3:1", [a, b], [3, 1])
    a.set("share", "default")
    b.set("share", "default")
    check_uses("1:1 again", [a, b], [1, 1])

    ours = int(a.get("runtime"))
    use = a.used()
    check("runtime is what cpu.stat says", use * 0.9 < ours <= use, f"{ours}, {use}")
    a.remove()
    b.remove()


def test_nested():
    a, b = Cgroup("a"), Cgroup("b", NR_CPUS)
    left, right = Cgroup("a/left", NR_CPUS), Cgroup("a/right", 3 * NR_CPUS)

    a.set("share", 300)
    left.set("share", 100)
    right.set("share", 100)
    check_uses("3/8, 3/8, 1/4", [left, right, b], [3, 3, 2])
    above, below = int(a.get("runtime")), int(left.get("runtime")) + int(right.get("runtime"))
    check("a parent's runtime has its descendants'", above >= below > 0, f"{above}, {below}")

    write(right.path + "/cgroup.freeze", 1)
    check_uses("an idle sibling's part goes to its siblings", [left, b], [3, 1])
    for c in left, right, a, b:
        c.remove()


def test_own_tasks():
    parent, other = Cgroup("parent", NR_CPUS), Cgroup("other", NR_CPUS)
    child = Cgroup("parent/child", NR_CPUS)

    child.set("share", 300)
    check_uses("own tasks are like one more child", [parent, child, other], [4, 3, 4])
    for cgroup in child, parent, other:
        cgroup.remove()


def test_move():
    a, b = Cgroup("a"), Cgroup("b", 2 * NR_CPUS)

    a.set("share", 300)
    time.sleep(SETTLE)
    for task in b.tasks[:NR_CPUS]:
        write(a.path + "/cgroup.procs", task)
    a.tasks, b.tasks = b.tasks[:NR_CPUS], b.tasks[NR_CPUS:]
    check_uses("tasks that were moved count where they are", [a, b], [3, 1])
    a.remove()
    b.remove()


def test_sleepers():
    """Tasks that sleep before each tick get no extra time, and all of it is accounted."""
    hogs, naps = Cgroup("hogs", NR_CPUS), Cgroup("naps")
    nap = "import time\nwhile 1:\n e = time.perf_counter() + .0005\n" \
          " while time.perf_counter() < e: pass\n time.sleep(.0001)"
    run = "while :; do /bin/true; done"

    for command in [["python3", "-c", nap]] * 20 * NR_CPUS + [["sh", "-c", run]] * NR_CPUS:
        naps.tasks.append(os.spawnvp(os.P_NOWAIT, command[0], command))
        write(naps.path + "/cgroup.procs", naps.tasks[-1])
    time.sleep(3 * SETTLE)
    parts = [uses([naps, hogs])[0] for _ in range(2)]
    check("many short naps are no way round shares", 0.45 < min(parts) < 0.55, parts)
    ours, use = int(naps.get("runtime")), naps.used()
    check("runtime has what short-lived tasks used", use * 0.8 < ours <= use * 1.02, [ours, use])
    hogs.remove()
    naps.remove()


def test_slice():
    a, b = Cgroup("a", NR_CPUS), Cgroup("b", NR_CPUS)
    rates = []

    for slice_us in 20000, 2000:
        a.set("slice_us", slice_us)
        b.set("slice_us", slice_us)
        time.sleep(SETTLE)
        before = a.switches() + b.switches()
        time.sleep(WINDOW)
        rates.append((a.switches() + b.switches() - before) / WINDOW)
    check("a tenth of slice_us makes more than five times as many switches",
          rates[1] >= 5 * rates[0] > 0, rates)
    a.remove()
    b.remove()


def test_tiny_share():
    a, b = Cgroup("a", 1), Cgroup("b", 2 * NR_CPUS)

    a.set("share", 1)
    b.set("share", 10000)
    time.sleep(SETTLE)
    before = a.used()
    time.sleep(15)
    used = a.used() - before
    check("the least of shares is no starvation", 0 < used < 1e6, used)
    a.remove()
    b.remove()


def test_affinity():
    a, b, c = Cgroup("a", 1, {0}), Cgroup("b", 3, {0}), Cgroup("c", 1)
    where = set()

    a.set("share", 300)
    check_uses("on one CPU", [a, b], [3, 1])
    for _ in range(200):
        where |= {read(f"/proc/{t}/stat").rsplit(")", 1)[1].split()[36] for t in a.tasks + b.tasks}
        time.sleep(0.01)
    check("bound tasks stay where they are bound", where == {"0"}, where)
    for cgroup in a, b, c:
        cgroup.remove()


def test_crowded():
    """Two tasks bound to one CPU can't get their shares. All tasks must run nevertheless."""
    if NR_CPUS == 1:
        skip("bound tasks besides free ones", "there is one CPU")
        return

    bound = [Cgroup(name, 1, {0}) for name in "ab"]
    free = [Cgroup(name, 1, set(range(1, NR_CPUS))) for name in "cd"]
    bound[0].set("share", 1000)
    time.sleep(SETTLE)
    a, b, c, d = parts = uses(bound + free)
    check("bound tasks besides free ones", min(a, b) > 0.02 and 0.8 < c / d < 1.25, parts)
    for cgroup in bound + free:
        cgroup.remove()


def test_kthreads():
    """RCU grace periods need kernel threads, which mustn't queue behind all other tasks."""
    what = "kernel threads don't wait for those who take turns"
    if NR_CPUS == 1 or os.uname().machine != "x86_64":
        skip(what, "membarrier() doesn't wait on one CPU, its number is x86-64's")
        return

    membarrier = 324, 1, 0, 0  # MEMBARRIER_CMD_GLOBAL
    hogs = [Cgroup(name, 8 * NR_CPUS) for name in "ab"]
    seen = []

    for hog in hogs:
        hog.set("slice_us", 20000)
    time.sleep(SETTLE)
    for _ in range(5):
        begin = time.monotonic()
        status = ctypes.CDLL(None).syscall(*membarrier)
        seen.append(DEADLINE if status else time.monotonic() - begin)
    check(what, max(seen) < 0.3, seen)
    for hog in hogs:
        hog.remove()


def test_hotplug():
    what = "a CPU goes and comes back"
    if not os.path.exists(CPU1):
        skip(what, "there is one CPU")
        return

    a, b = Cgroup("a", NR_CPUS), Cgroup("b", NR_CPUS)
    a.set("share", 300)
    write(CPU1, 0)
    try:
        check_uses(what + ": while it's away", [a, b], [3, 1])
    finally:
        write(CPU1, 1)
    before, begin = a.used() + b.used(), time.monotonic()
    check_uses(what + ": when it's back", [a, b], [3, 1])
    used = (a.used() + b.used() - before) / 1e6 / (time.monotonic() - begin)
    check(what + ": and is used", used > NR_CPUS - 0.5, used)
    a.remove()
    b.remove()


def test_stress():
    """Create and remove cgroups with tasks while stress-ng runs."""
    if not shutil.which("stress-ng"):
        skip("stress-ng", "there is no stress-ng")
        return

    c = Cgroup("stress")
    stress = subprocess.Popen(["stress-ng", "--cpu", "4", "--fork", "4", "--switch", "4",
                               "--timeout", "20", "--temp-path", "/tmp"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              preexec_fn=lambda: write(c.path + "/cgroup.procs", os.getpid()))
    made = 0
    while stress.poll() is None:
        short = Cgroup(f"stress/{made}", 2)
        short.set("share", 1 + made * 37 % 10000)
        short.set("slice_us", 1000 + made * 997 % 99000)
        time.sleep(0.05)
        short.remove()
        made += 1
    said = stress.communicate()[0]
    check("stress-ng with cgroups that come and go", stress.returncode == 0 and made > 10,
          f"{made} cgroups, {said}")
    check("the scheduler has withstood it", state() == "enabled", state())
    a, b = Cgroup("stress/a", NR_CPUS), Cgroup("b", NR_CPUS)
    c.set("share", 300)
    check_uses("and lost no count", [a, b], [3, 1])
    for cgroup in a, b, c:
        cgroup.remove()


NAPPING = "import time\nwhile 1:\n e = time.time() + .09\n" \
          " while time.time() < e: pass\n time.sleep(.001)"


def spawn_napping(path):
    """Start a task on the last CPU that runs for 90 ms, sleeps for 1 ms, and so on."""
    def begin():
        write(path + "/cgroup.procs", os.getpid())
        os.sched_setaffinity(0, {NR_CPUS - 1})

    return subprocess.Popen(["python3", "-c", NAPPING], preexec_fn=begin)


def leave_by_move(home, turns):
    with spawn_napping(home) as task:
        for _ in range(turns):
            os.mkdir(home + "/y")
            write(home + "/y/cgroup.procs", task.pid)
            time.sleep(random.uniform(0.001, 0.005))
            write(home + "/cgroup.procs", task.pid)
            os.rmdir(home + "/y")
        task.kill()


def leave_by_kill(home, turns):
    for _ in range(turns):
        os.mkdir(home + "/y")
        with spawn_napping(home + "/y") as task:
            time.sleep(random.uniform(0.001, 0.005))
            task.kill()
            remove_soon(home + "/y")


def leave_by_cgroup_kill(home, turns):
    for _ in range(turns):
        os.mkdir(home + "/y")
        tasks = [spawn_napping(home + "/y") for _ in range(3)]
        time.sleep(random.uniform(0.001, 0.005))
        write(home + "/y/cgroup.kill", 1)
        remove_soon(home + "/y")
        for task in tasks:
            task.wait()


def check_counts(what, home):
    """
    Check the shares: a task that is still counted where it has left would change them. It
    has the default share, so that shares that are much smaller make it conspicuous.
    """
    a, b = Cgroup(f"{home}/a", NR_CPUS), Cgroup(f"{home}/b", NR_CPUS)
    other = Cgroup("other", NR_CPUS)
    a.set("share", 3)
    b.set("share", 1)
    check_uses(what, [a, b, other], [3, 1, 4])
    for cgroup in a, b, other:
        cgroup.remove()


def test_release():
    """
    The scheduler mustn't drop the last reference of a cgroup: that hangs the machine. So
    remove cgroups right after a runnable task has left them.
    """
    home = Cgroup("home")
    home.set("slice_us", 100000)
    for root, _, names in os.walk(home.path):
        for path in [root] + [f"{root}/{name}" for name in names]:
            os.chown(path, USER, USER)
    for how, uid, leave, turns in [("moved by a user", USER, leave_by_move, 60),
                                   ("moved by root", 0, leave_by_move, 60),
                                   ("killed", 0, leave_by_kill, 15),
                                   ("killed with their cgroup", 0, leave_by_cgroup_kill, 10)]:
        say(f"test_release: {how}")
        # the user's child must start in home: it may not move tasks out of other cgroups
        write(home.path + "/cgroup.procs", os.getpid())
        done = os.waitpid(fork(lambda leave=leave, turns=turns, uid=uid:
                               [become(uid), leave(home.path, turns)]), 0)[1] == 0
        write(ROOT + "/cgroup.procs", os.getpid())
        check(f"no hang when tasks are {how}", done and state() == "enabled", [done, state()])
    home.set("slice_us", "default")
    home.set("share", 100)
    check_counts("and no count was lost", "home")
    home.remove()


def churn(top, end):
    """Do random operations with cgroups and runnable tasks, then remove all of them."""
    tasks, paths = [], []

    def forget(task):
        task.kill()
        task.wait()
        tasks.remove(task)

    while time.monotonic() < end or paths:
        deed = random.choice(["make", "spawn", "move", "move", "turn", "kill", "remove", "remove"])
        if time.monotonic() >= end:
            deed = "kill" if tasks else "remove"
        if deed == "make" and len(paths) < 8:
            paths.append(random.choice(paths + [top]) + f"/{random.randrange(10 ** 9)}")
            os.mkdir(paths[-1])
        elif deed == "remove" and paths:
            path = random.choice(paths)
            try:
                os.rmdir(path)
                paths.remove(path)
            except OSError:
                pass  # it has tasks or children
        elif deed == "spawn" and paths and len(tasks) < 6:
            tasks.append(spawn_napping(random.choice(paths)))
        elif deed == "move" and tasks:
            write(random.choice(paths + [top]) + "/cgroup.procs", random.choice(tasks).pid)
        elif deed == "turn" and paths:
            knob, low, high = random.choice([("share", 1, 10000), ("slice_us", 1000, 100000)])
            write(f"{random.choice(paths)}/bpf.stat.{knob}", random.randint(low, high))
        elif deed == "kill" and tasks:
            forget(random.choice(tasks))
        time.sleep(random.uniform(0, 0.005))


def test_churn():
    """Move and kill tasks and change knobs in cgroups that are created and removed."""
    seed = random.randrange(2 ** 32)
    say(f"test_churn: seed {seed}, for {CHURN} s")
    home = Cgroup("churn")
    tops = [Cgroup(f"churn/{i}") for i in range(2)]
    end = time.monotonic() + CHURN
    pids = []

    for i, top in enumerate(tops):
        pids.append(fork(lambda i=i, top=top: [random.seed(seed + i), churn(top.path, end)]))
    status = [os.waitpid(pid, 0)[1] for pid in pids]
    check("no hang where cgroups come and go", not any(status) and state() == "enabled",
          [status, state()])
    for i, top in enumerate(tops):
        check_counts(f"and no count was lost there, {i}", f"churn/{i}")
        top.remove()
    home.remove()


def test_keep():
    """With -k the values of knobs survive a restart of the scheduler."""
    global scheduler

    kept = BPFFS + f"/share-{os.getpid()}"
    c = Cgroup("keep")
    child = Cgroup("keep/child")
    scheduler.send_signal(signal.SIGINT)
    scheduler.wait()
    scheduler = load("-k", kept)
    c.set("share", 300)
    scheduler.kill()
    scheduler.wait()
    check("-k: the map stays", soon(lambda: not files()) and os.path.exists(kept), files())
    scheduler = load("-k", kept)
    seen = [c.get("share"), child.get("share"), c.get("slice_us")]
    check("-k: and has the values", seen == ["300", "300", "20000"], seen)
    a, b = Cgroup("keep/child/a", NR_CPUS), Cgroup("b", NR_CPUS)
    check_uses("-k: which the scheduler obeys", [a, b], [3, 1])
    for cgroup in a, b:
        cgroup.remove()
    scheduler.send_signal(signal.SIGINT)
    scheduler.wait()
    os.unlink(kept)
    failed = start("-k", "/tmp/share")
    said = failed.communicate()[0]
    check("-k: not on bpffs", failed.returncode == 1 and not files() and
          said == "can't keep the knobs at /tmp/share: not on bpffs, usually /sys/fs/bpf\n", said)
    scheduler = load()
    check("without -k values are lost", c.get("share") == "100", c.get("share"))
    for cgroup in child, c:
        cgroup.remove()


def test_taken():
    """If the name of a knob is taken, the scheduler isn't even started."""
    global scheduler

    prog, link, kept = (f"{BPFFS}/{name}-{os.getpid()}" for name in ("prog", "link", "knobs"))

    def bpftool(*args):
        subprocess.run([BPFTOOL, *args], check=True, stdout=subprocess.DEVNULL)

    bpftool("prog", "pin", "name", "runtime", prog)
    scheduler.send_signal(signal.SIGINT)
    scheduler.wait()
    bpftool("cgroup", "stat", "attach", "pinned", prog, TOP, link, "name", "slice_us")
    before = read("/sys/kernel/sched_ext/enable_seq")
    failed = start("-k", kept)
    said = failed.communicate()[0]
    check("a name that is taken", failed.returncode == 1 and
          said.endswith(f"can't attach bpf.stat.slice_us to {ROOT}: File exists, "
                        "bpftool link says who has that name\n"), said)
    check("is found before the scheduler runs", read("/sys/kernel/sched_ext/enable_seq") == before
          and not os.path.exists(kept) and set(files()) == {"bpf.stat.slice_us"}, files())
    bpftool("cgroup", "stat", "detach", link)
    os.unlink(prog)
    scheduler = load()


def test_v1():
    """Shares belong to cgroups of cgroup v2, even if the cpu controller isn't there."""
    v1 = tempfile.mkdtemp()
    if subprocess.run(["mount", "-t", "cgroup", "-o", "cpu", "none", v1], check=False).returncode:
        os.rmdir(v1)
        skip("the cpu controller in cgroup v1", "it can't be mounted")
        return

    try:
        failed = start("-c", v1)
        said = failed.communicate()[0]
        check("a cgroup v1 directory is refused", failed.returncode == 1 and
              said == f"{v1} isn't in cgroup v2, whose shares are obeyed: see -c\n", said)
        a, b = Cgroup("a", NR_CPUS), Cgroup("b", NR_CPUS)
        a.set("share", 300)
        check_uses("the cpu controller in cgroup v1", [a, b], [3, 1])
        for cgroup in a, b:
            cgroup.remove()
    finally:
        subprocess.run(["umount", v1], check=True)
        os.rmdir(v1)


def test_second():
    before = files()
    second = start()
    said = second.communicate()[0]
    check("a second one says what to do", second.returncode == 1 and
          said == "another sched_ext scheduler is running, stop it first: share\n", said)
    check("and leaves nothing", files() == before and state() == "enabled", files())


def check_gone(how, status, word):
    global scheduler

    good = soon(lambda: not files() and state() == "disabled")
    check(f"{how}: no scheduler, no knob", good, f"{files()}, {state()}")
    said = scheduler.communicate()[0]
    check(f"{how}: exit status and reason", scheduler.returncode == status and word in said,
          f"{scheduler.returncode}, {said}")
    scheduler = None


def test_ends():
    global scheduler

    scheduler.send_signal(signal.SIGINT)
    check_gone("Ctrl-C", 0, "unregistered from user space")
    scheduler = load("-c", TOP)
    seen = files()
    check("-c: knobs only there", seen == dict.fromkeys(KNOBS, 1), seen)
    scheduler.kill()
    check_gone("SIGKILL", -signal.SIGKILL, "")
    scheduler = load()
    write("/proc/sysrq-trigger", "S")
    check_gone("ejected", 1, "disabled by sysrq-S")
    c = Cgroup("gone")
    scheduler = load("-c", c.path)
    c.remove()
    check_gone("its cgroup was removed", 1, f"{c.path} was removed, and the knobs with it\n")
    for args, error in [(["-c", "/nowhere"], "can't open /nowhere: No such file or directory\n"),
                        (["-v", TOP], f"superfluous argument, see -h: {TOP}\n")]:
        failed = start(*args)
        said = failed.communicate()[0]
        check(f"wrong: {args[0]}", failed.returncode == 1 and not files() and said == error, said)


TESTS = [test_values, test_shares, test_nested, test_own_tasks, test_move, test_sleepers, test_slice,
         test_tiny_share, test_affinity, test_crowded, test_kthreads, test_hotplug, test_stress,
         test_release, test_churn, test_keep, test_taken, test_v1, test_second, test_ends]


def main():
    global scheduler

    unknown = set(sys.argv[2:]) - {test.__name__ for test in TESTS}
    if unknown:
        sys.exit(f"no such test: {unknown.pop()}")
    print("TAP version 13")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not os.access(PROGRAM, os.X_OK):
        print("1..0 # SKIP there is no", PROGRAM)
        return KSFT_SKIP
    os.mkdir(TOP)
    try:
        scheduler = load()
        said = scheduler.stdout.readline()
        check("it says what it doesn't obey", "cpu.weight and cpu.max have no effect" in said, said)
        seen = files()
        check("in every cgroup are the three knobs", set(seen) == KNOBS and
              set(seen.values()) == {sum(1 for _ in os.walk(ROOT))}, seen)
        for test in TESTS:
            if len(sys.argv) < 3 or test.__name__ in sys.argv[2:]:
                say(test.__name__)
                test()
            if scheduler and state() != "enabled":
                raise SystemExit(f"Bail out! {test.__name__} got the scheduler ejected")
    finally:
        write(TOP + "/cgroup.kill", 1)
        if scheduler:
            scheduler.kill()
        for path, _, _ in os.walk(TOP, topdown=False):
            remove_soon(path)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
