"""Measure the cost of planning from a page of 10,000 links to wheels.

    python benchmarks/bench_wheels.py [--links 10000] [--repeats 5] [--beside]

With `--beside`, which needs the test dependencies: whole dry runs and installations beside pip and,
where it is there, uv, from a server on loopback with such a page, whose wheels have metadata.
Otherwise prints the median CPU time of several processes in milliseconds, stage by stage: the
imports, reading the page, choosing, and the reasons where nothing fits. The page holds the names of
the built-in lists, all platforms and directories together, and further releases in the same forms
up to that number. For comparison, the time of a plain use of `packaging` for all names is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
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


def beside(count: int, repeats: int) -> None:
    """Measure whole runs: CPU and wall time of processes in ms, interleaved, medians."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support import isolation, wheel_files
    from support.mirror import Mirror
    from support.wheel_lab import PYTHON, TAG, write_lab
    from support.wheel_site import Site, put

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sandbox = isolation.Sandbox(folder / "world").create()
        platform = f"{TAG}-{TAG}-manylinux_2_28_x86_64"
        needs = ("filelock", "sympy", "networkx", "jinja2")
        torch = wheel_files.make(
            folder,
            "torch",
            "2.7.1+cu126",
            platform,
            requires=needs,
            padding=200_000_000,
            variant="cu126",
        )
        rest = [wheel_files.make(folder, need, "3.1") for need in needs]
        root = write_lab(folder / "channel") / "conda-forge"
        with (
            isolation.environment(sandbox.variables()),
            Mirror({"cloud/conda-forge": root}, {"conda-forge": "cloud"}) as channel,
            Site(folder / "site") as site,
        ):
            put(site, [torch], metadata=True)
            put(site, rest, "simple", metadata=True)
            listing = site.folder / "whl" / "cu126" / "torch" / "index.html"
            own = listing.read_text()
            page(listing, count)
            lines = listing.read_text().splitlines()
            others = [line for line in lines if "/torch-2.7.1" not in line]
            listing.write_text("\n".join([*others[: count - 1], own]))
            (sandbox.home / ".condarc").write_text(
                json.dumps(
                    {
                        "channels": ["conda-forge"],
                        "default_channels": [],
                        "custom_channels": channel.custom_channels(),
                        "plugins": {"torchmirror_auto": False},
                    }
                )
            )
            os.environ["PIP_INDEX_URL"] = site.simple
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
            own_conda = [sys.executable, "-m", "conda"]
            env = folder / "env"
            _timed([*own_conda, "create", "-y", "-q", "-p", str(env), "python", "pip"])
            venv = folder / "venv"
            _timed([str(env / "bin" / "python"), "-m", "venv", "--copies", str(venv)])
            python = str(venv / "bin" / "python")
            mirror = f"{site.wheels}/cu126/torch/"
            here = ["--find-links", mirror, "--index-url", site.simple]
            wheels = [*own_conda, "torch-install", "--source", "wheels", "--cuda", "12.6"]
            wheels += ["--mirror", site.wheels, "torch==2.7.1+cu126", "-p", str(env)]
            uv = shutil.which("uv", path=os.path.dirname(sys.executable)) or shutil.which("uv")
            by_uv = [str(uv), "pip", "install", "--python", python, *here, "--no-cache"]
            by_pip = [python, "-m", "pip", "install", "--no-cache-dir", *here]
            spec = "torch==2.7.1+cu126"
            plans = {
                "conda list": [*own_conda, "list", "-p", str(env)],
                "torch-install --dry-run": [*wheels, "--dry-run"],
                "pip install --dry-run": [*by_pip, "--dry-run", spec],
            }
            if uv:
                plans["uv pip install --dry-run"] = [*by_uv, "--dry-run", spec]
            print(f"{count} links, Python {PYTHON}; CPU and wall time in ms, median of {repeats}")
            _table(plans, repeats, ())
            installs = {
                "torch-install, nothing cached": [*wheels, "-y", "--no-check"],
                "torch-install, cached": [*wheels, "-y", "--no-check"],
                "pip install": [*by_pip, spec],
            }
            if uv:
                installs["uv pip install"] = [*by_uv, spec]
            undo = [
                [str(env / "bin" / "python"), "-m", "pip", "uninstall", "-q", "-y", "torch"],
                [python, "-m", "pip", "uninstall", "-q", "-y", "torch"],
            ]
            _table(installs, min(repeats, 3), undo, sandbox.root / "pkgs" / "torchmirror-wheels")


def _timed(words: list[str]) -> tuple[float, float]:
    """CPU and wall time of a process in seconds."""
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, os.times()
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\n{done.stdout}\n{done.stderr}")
    cpu = after.children_user + after.children_system
    return cpu - before.children_user - before.children_system, wall


def _table(
    commands: dict[str, list[str]],
    repeats: int,
    undo: Sequence[list[str]],
    cache: Path | None = None,
) -> None:
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for at in range(repeats + 1):  # the first round compiles modules, and does not count
        for name, words in commands.items():
            for before in undo:
                subprocess.run(before, capture_output=True, check=False)
            if cache is not None and name.endswith("nothing cached"):
                shutil.rmtree(cache, ignore_errors=True)
            found = _timed(words)
            if at:
                times[name].append(found)
    for name, rows in times.items():
        cpu, wall = (statistics.median(column) * 1000 for column in zip(*rows, strict=True))
        print(f"  {name:30} {cpu:7.0f} {wall:7.0f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--links", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--beside", action="store_true")
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if args.beside:
        beside(args.links, args.repeats)
        return
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
