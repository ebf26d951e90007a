"""Measure the cost of planning from a page of 10,000 links to wheels.

    python benchmarks/bench_wheels.py [--links 10000] [--repeats 5]

Prints the median CPU time of several processes in milliseconds, stage by stage: the imports,
reading the page, choosing, and the reasons where nothing fits. The page holds the names of the
built-in lists, all platforms and directories together, and further releases in the same forms up to
that number. For comparison, the time of a plain use of `packaging` for all names is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("imports", "page", "choice", "refusal", "total", "packaging alone")

#: Runs in a process of its own: `page` is the file, `python` the target's or "".
CODE = """
import json, sys, time
import conda.base.context  # what any command of conda has loaded
start = time.process_time()
from conda_torchmirror.index.wheels import pages
from conda_torchmirror.models import Machine
from conda_torchmirror.selection.wheels import advice, choose, request
from conda_torchmirror.selection.wheels.tables import FAMILY
from conda_torchmirror.selection.wheels.tags import WheelTarget
body = open(sys.argv[1], "rb").read()
python = sys.argv[2] or None
times = {"imports": time.process_time() - start}

def stage(name, run):
    begun = time.process_time()
    found = run()
    times[name] = time.process_time() - begun
    return found

at = pages.Address("https://wheels.test/whl/torch/", "")
on = Machine("linux-64", cuda="13.0", cuda_arch="8.9", python=python)
target = WheelTarget("linux-64", [python] if python else [f"3.{n}" for n in range(6, 20)])

def keep(name):
    parts = name.removesuffix(".whl").rsplit("-", 3)
    return name.partition("-")[0] in FAMILY and bool(target.fit("-".join(parts[1:])))

links = stage("page", lambda: pages.parse(body, at, "text/html", keep))
found = stage("choice", lambda: choose.choose(request.read([]), on, links))
assert isinstance(found, choose.WheelSet), found
times["total"] = sum(times.values())
never = request.read(["torch==2.99"])
stage("refusal", lambda: advice.find(never, on, links))

from packaging.utils import parse_wheel_filename
names = [link.filename for link in pages.parse(body, at, "text/html")]
stage("packaging alone", lambda: [parse_wheel_filename(name) for name in names])
about = {"links": len(names), "kept": len(links), "set": found.torch.link.filename}
print(json.dumps({**about, **times}))
"""


def page(path: Path, count: int) -> None:
    """Write a page with links of all platforms and directories."""
    from conda_torchmirror.index.wheels import builtin

    known = [
        link
        for subdir in builtin.platforms()
        if (list_ := builtin.load(subdir))
        for link in list_.links
    ]
    rows = {(link.variant, link.filename) for link in known}
    for patch in range(10, 99):
        if len(rows) >= count:
            break
        rows |= {
            (link.variant, link.filename.replace("torch-2.7.1", f"torch-2.6.{patch}", 1))
            for link in known
            if link.filename.startswith("torch-2.7.1")
        }
    lines = [
        f'<a href="/whl/{f"{variant}/" if variant else ""}{name.replace("+", "%2B")}'
        f'#sha256={"0" * 64}" data-dist-info-metadata="true">{name}</a><br/>'
        for variant, name in sorted(rows)[:count]
    ]
    head = "<!DOCTYPE html>\n<html><body>\n<h1>Links for torch</h1>\n"
    path.write_text(head + "\n".join(lines) + "\n</body></html>\n", encoding="utf-8")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--links", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "torch.html"
        page(path, args.links)
        print(f"{path.stat().st_size / 1e6:.1f} MB, CPU time in ms, median of {args.repeats}")
        for python in ("3.12", ""):
            found = [
                json.loads(
                    subprocess.run(
                        [sys.executable, "-c", CODE, str(path), python],
                        capture_output=True,
                        check=True,
                        cwd=ROOT,
                        env={**os.environ, "PYTHONPATH": str(ROOT)},
                    ).stdout
                )
                for _ in range(args.repeats)
            ]
            first = found[0]
            who = f"Python {python}" if python else "any Python"
            print(f"{who}: {first['links']} links, {first['kept']} kept, {first['set']}")
            for stage in STAGES:
                print(f"  {stage:16} {statistics.median(f[stage] for f in found) * 1000:6.0f}")


if __name__ == "__main__":
    main()
