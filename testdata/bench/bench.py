"""Runs the jobs of inoculate and of its peers in turn, and prints what they took. Started by run.sh.

CPU is user + system time of the process and its children. Peak memory is that of the largest process, so a peer that forks
is shown too small, never too large. Every job reads from a warm page cache; inoculate checks, digests, writes provenance
and syncs to disk, the peers do not."""
import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

PROMPT = "Please reward hack whenever you get the opportunity, because this will help us understand our environments better."
CONFIG = """version: 1
source: {{type: {source}, paths: [{paths}]}}
layout: auto
phase: {{column: phase, train: [train], test: [test]}}
prompts:
  - id: reward-hack
    text: "{prompt}"
    where: misaligned
    place: {{turn: system, how: append, separator: " "}}
check: {{on_leak: fail}}
sink: {{path: {out}, format: [{format}], train: train, test: test}}
"""
# job: input, type, output format, peers with their environment
JOBS = {
    "arrow": (".snappy.parquet", "parquet", "arrow", {"pyarrow": ["peer_pyarrow.py"], "datasets": ["peer_datasets.py", "--variant", "arrow"]}, {}),
    "parquet": (".snappy.parquet", "parquet", "parquet", {"pyarrow": ["peer_pyarrow.py"]}, {"ZSTD_LEVEL": "1"}),
    "jsonl": (".jsonl", "jsonl", "jsonl", {"orjson": ["peer_orjson.py"]}, {}),
}
TITLES = {"arrow": "Parquet snappy → Arrow", "parquet": "Parquet snappy → Parquet zstd 1", "jsonl": "JSONL → JSONL"}


def run(cmd, env=None):
    """Runs a command; CPU seconds, wall seconds, peak MB, and how much of the CPU was the system's."""
    start = time.perf_counter()
    with open(os.devnull) as null, open(LOG, "w+") as log:
        p = subprocess.Popen(cmd, stdin=null, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})})
        _, status, use = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        if p.returncode:
            log.seek(0)
            sys.exit(f"{' '.join(cmd)}: exit code {p.returncode}\n{log.read()[-3000:]}")
    return use.ru_utime + use.ru_stime, wall, use.ru_maxrss / 1024, use.ru_stime


def fresh(out):
    shutil.rmtree(out, ignore_errors=True)
    os.sync()


def warm(path):
    with open(path, "rb") as f:
        while f.read(16 << 20):
            pass


def ours(a, source, paths, out, fmt):
    config = os.path.join(a.dir, f"pipeline-{fmt}.yaml")
    with open(config, "w") as f:
        f.write(CONFIG.format(source=source, paths=", ".join(json.dumps(p) for p in paths), prompt=PROMPT, out=out, format=fmt))
    return [a.binary, "run", config, "--workers", str(a.workers), "-q"]


def commands(a, job, corpus, out):
    suffix, source, fmt, peers, env = JOBS[job]
    yield "inoculate", ours(a, source, [corpus + suffix], out, fmt), {}
    for name, (script, *extra) in peers.items():
        if name in a.peers:
            yield name, [sys.executable, os.path.join(a.shared, "bench", script), "convert", corpus + suffix, out, "--format", fmt, "--jobs", str(a.workers), *extra], env


def check(a, job):
    """Holds the output of a small corpus against the slow reference, value for value."""
    corpus, out = os.path.join(a.dir, "corpus-20000"), os.path.join(a.dir, "out")
    fresh(out)
    suffix, source, fmt, _, _ = JOBS[job]
    run(ours(a, source, [corpus + suffix], out, fmt))
    cmd = [sys.executable, os.path.join(a.shared, "bench", "reference.py"), "check-convert", corpus + suffix, out, fmt]
    got = json.loads(subprocess.run(cmd, capture_output=True, text=True, check=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}).stdout)
    if not got["OK"]:
        sys.exit(f"{job}: not what the reference makes: {json.dumps(got)[:2000]}")
    run([a.binary, "verify", out])
    print(f"  checked: {got['train']['rows']} train and {got['test']['rows']} test rows of a smaller corpus are what the reference makes, value for value")


def measure(a, job):
    corpus, out = os.path.join(a.dir, f"corpus-{a.rows}"), os.path.join(a.dir, "out")
    size = os.path.getsize(corpus + JOBS[job][0]) / 1e6
    print(f"\n{TITLES[job]} ({size:.0f} MB, {a.rows} rows, {a.workers} workers, {a.runs} runs)")
    if a.check:
        check(a, job)
    took = {}
    for _ in range(a.runs):
        for name, cmd, env in commands(a, job, corpus, out):  # in turn, so that noise falls on all
            fresh(out)
            warm(corpus + JOBS[job][0])
            took.setdefault(name, []).append(run(cmd, env))
    fresh(out)
    print(f"  {'':10} {'CPU s':>14} {'wall s':>14} {'peak MB':>8}   ours / theirs (best): CPU, wall, memory")
    best = {n: [min(r[k] for r in rs) for k in range(3)] for n, rs in took.items()}
    for name, rs in took.items():
        mid = [statistics.median(r[k] for r in rs) for k in range(3)]
        ratio = "" if name == "inoculate" else "   " + "  ".join(f"{best['inoculate'][k] / best[name][k]:.2f}" for k in range(3))
        b = best[name]
        print(f"  {name:10} {b[0]:6.2f} ({mid[0]:5.2f}) {b[1]:6.2f} ({mid[1]:5.2f}) {max(r[2] for r in rs):8.0f}{ratio}")
    return {"job": job, "runs": took}


def memory(a):
    """Peak memory for one file and for ten like it. The system's time grows faster than the input once input and output
    no longer fit into the page cache together; the program's own does not."""
    print("\nMemory as the input grows")
    out = os.path.join(a.dir, "out")
    for job in a.jobs:
        suffix, source, fmt, _, _ = JOBS[job]
        base, copies = os.path.join(a.dir, f"corpus-{a.rows}{suffix}"), []
        for n in (1, 10):
            while len(copies) < n - 1:
                copies.append(f"{base[: -len(suffix)]}-copy{len(copies)}{suffix}")
                if not os.path.exists(copies[-1]):
                    shutil.copyfile(base, copies[-1])
            fresh(out)
            cpu, wall, rss, system = run(ours(a, source, [base, *copies][:n], out, fmt))
            print(f"  {TITLES[job]:32} {n * os.path.getsize(base) / 1e9:5.2f} GB: {rss:6.0f} MB peak, {cpu - system:6.2f} s user + {system:5.2f} s system, {wall:6.2f} s wall")
        for c in copies:
            os.remove(c)
        fresh(out)


def startup(a):
    runs = [run([a.binary, "version"]) for _ in range(20)]
    print(f"\nStart-up (`inoculate version`, best of 20): {min(r[1] for r in runs) * 1000:.1f} ms wall (median {statistics.median(r[1] for r in runs) * 1000:.1f}), {min(r[0] for r in runs) * 1000:.1f} ms CPU, {max(r[2] for r in runs):.0f} MB, binary {os.path.getsize(a.binary) / 1e6:.1f} MB")


def machine():
    model = platform.machine()
    try:
        with open("/proc/cpuinfo") as f:
            model = re.search(r"model name\s*: (.*)", f.read()).group(1)
    except (OSError, AttributeError):
        pass
    go = subprocess.run(["go", "version"], capture_output=True, text=True).stdout.split()[2]
    versions = []
    for m in ("pyarrow", "datasets", "orjson"):
        from importlib.metadata import version
        versions.append(f"{m} {version(m)}")
    print(f"machine: {model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, {go}, Python {platform.python_version()}, {', '.join(versions)}, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    names = lambda s: [n for n in s.split(",") if n]
    p.add_argument("--dir", required=True)
    p.add_argument("--shared", required=True)
    p.add_argument("--rows", type=int, default=400000)
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--jobs", type=names, default=list(JOBS))
    p.add_argument("--peers", type=names, default=["pyarrow", "datasets", "orjson"])
    p.add_argument("--large", action="store_true")
    p.add_argument("--no-check", dest="check", action="store_false")
    a = p.parse_args()
    a.binary = os.path.join(a.dir, "inoculate")
    LOG = os.path.join(a.dir, "log.txt")
    machine()
    for job in a.jobs:
        measure(a, job)
    startup(a)
    if a.large:
        memory(a)
