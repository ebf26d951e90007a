"""Judge an installed PyTorch by the steps of a check: the result, its verdict, its causes.

`run` starts `check_torch.py`, which writes the steps; here they become a `Check`. Known messages of
loaders and drivers are explained by a stable code. Runs nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ..models import Notice
from ..selection.specs import marks
from ..text.messages import text
from .causes import LOADING, explain, keeping, not_started, sentence

CheckStatus = Literal["fine", "no_gpu", "broken"]
#: The exit code of each status.
EXIT_CODES: Mapping[str, int] = {"fine": 0, "no_gpu": 3, "broken": 1}
#: Exit code of an installation whose check failed, for whatever reason: the packages are there.
INSTALLED_BUT_FAILED = 3


#: Codes of the notice on a build for a GPU that could not be tried on one.
UNTRIED = ("gpu_untried", "gpu_hidden")


@dataclass(frozen=True)
class Tested:
    """One device on which a matrix product and a small convolution were computed.

    `error` is the message of the one that failed; `ok` says that both results were right.
    """

    index: int
    name: str
    arch: str | None = None
    ok: bool = False
    error: str | None = None


@dataclass(frozen=True)
class Partner:
    """A package that was imported beside torch."""

    name: str
    version: str | None = None
    error: str | None = None


#: The end of the build of a torch that pip installed.
OF_PIP = " (pip)"


@dataclass(frozen=True)
class Check:
    """The result. `status` is the verdict; `notices` explain it, the most important first.

    `cuda` is what torch was built for, `archs` the GPU code that it reports. `build` and `url` are
    those of conda's record, if conda installed it. `where` are the words that name the environment
    in a command, `keep` those that keep the CUDA of the build, `there` those that name what conda
    has installed. `seconds` is wall time.
    """

    status: CheckStatus
    python: str | None = None
    torch: str | None = None
    file: str | None = None
    cuda: str | None = None
    archs: tuple[str, ...] = ()
    sample: tuple[tuple[float, ...], ...] = ()
    partners: tuple[Partner, ...] = ()
    devices: tuple[Tested, ...] = ()
    mps: bool | None = None
    build: str | None = None
    url: str | None = None
    expect_gpu: bool = False
    error: str | None = None
    notices: tuple[Notice, ...] = ()
    where: str = ""
    keep: str = ""
    there: str = ""
    seconds: float = 0.0
    import_seconds: float | None = None

    @property
    def by_pip(self) -> bool:
        """Whether pip installed the torch that was checked."""
        return (self.build or "").endswith(OF_PIP)

    @property
    def exit_code(self) -> int:
        """The exit code: 0 fine, 3 no usable GPU though one is expected, 1 broken."""
        return EXIT_CODES[self.status]

    @property
    def exit_code_after(self) -> int:
        """The exit code at the end of an installation: 0 or 3."""
        return 0 if self.status == "fine" else INSTALLED_BUT_FAILED

    def hint(self, notice: Notice) -> str:
        """What to do about a notice; empty if there is nothing."""
        words = {"where": self.where, "keep": self.keep, "there": self.there}
        return sentence(notice, ".hint", by_pip=self.by_pip, **words)

    def document(self) -> dict[str, Any]:
        """The check as plain JSON values."""
        plain = asdict(replace(self, notices=()))
        del plain["where"], plain["keep"], plain["there"]
        plain["installed"] = dict(word.split("=", 1) for word in self.there.split())
        plain["exit_code"] = self.exit_code
        plain["notices"] = [
            {
                "code": notice.code,
                "facts": dict(notice.facts),
                "text": sentence(notice),
                "hint": self.hint(notice) or None,
            }
            for notice in self.notices
        ]
        return plain


@dataclass(frozen=True)
class CheckExit:
    """How the process ended: its exit code, None if it ran out of time, and its output."""

    code: int | None
    text: str


@dataclass(frozen=True)
class CheckSubject:
    """The subject of a check. `limit` and `seconds` are in seconds; `build` and `url` are those of
    conda's record. With `expect_gpu` None a GPU is expected if torch is built for one. `hidden_by`
    is the value of CUDA_VISIBLE_DEVICES where it hides every GPU of this machine. `there` is as for
    `Check`.
    """

    prefix: str
    expect_gpu: bool | None
    limit: float
    build: str | None
    url: str | None
    where: str
    seconds: float
    hidden_by: str | None = None
    there: str = ""

    @property
    def has_gpu(self) -> bool:
        """Whether this machine has a GPU, as far as is known."""
        return self.expect_gpu is not False or self.hidden_by is not None


@dataclass
class _Verdict:
    """The findings of the steps so far; `status` is the worst of them."""

    status: CheckStatus = "fine"
    notices: list[Notice] = field(default_factory=list)
    error: str | None = None

    def fail(self, status: CheckStatus, code: str, error: str | None = None, **facts: Any) -> None:
        if self.status == "fine" or status == "broken":
            self.status = status
        self.error = self.error or error
        if error:
            facts["error"] = error
        self.notices.append(Notice(code, facts))


def _steps(steps: Sequence[Mapping[str, Any]], kind: str) -> Iterator[Mapping[str, Any]]:
    return (step for step in steps if step.get("step") == kind)


def _first(steps: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    return next(_steps(steps, kind), {})


def judge(steps: Sequence[Mapping[str, Any]], ended: CheckExit, asked: CheckSubject) -> Check:
    """Judge the steps that the script wrote before its process ended."""
    torch, cuda = _first(steps, "torch"), _first(steps, "cuda")
    built_for_gpu = bool(torch.get("cuda") or torch.get("hip"))
    expect_gpu = built_for_gpu if asked.expect_gpu is None else asked.expect_gpu
    verdict = _Verdict()
    facts: dict[str, Any] = {"cuda": torch.get("cuda") or "this version"}

    def failed(status: CheckStatus, step: Mapping[str, Any], **more: Any) -> None:
        error = str(step["error"])
        # Other output may explain a failed import, but not a failure long after it.
        printed = explain(ended.text) if status == "broken" else None
        code = explain(error) or printed or "unexplained"
        if code == "torch_missing" and asked.build:
            by_pip = asked.build.endswith(OF_PIP)
            code = "wheel_files_missing" if by_pip else "torch_files_missing"
            more = {**more, "build": asked.build.removesuffix(OF_PIP)}
        if code == "module_missing" and (module := re.search(r"named '?([\w.]+)", error)):
            more = {**more, "module": module[1].partition(".")[0]}
        verdict.fail(status, code, error, **facts, **more)

    if "error" in torch:
        failed("broken", torch)
    for kind in ("sample", "partner"):
        for step in _steps(steps, kind):
            if "error" in step:
                failed("broken", step)
    if not _first(steps, "end") and "error" not in torch:
        _unfinished(verdict, steps, ended, asked)
    for kind in ("numpy", "partner"):
        for step in _steps(steps, kind):
            if kind == "numpy" and "error" in step:
                verdict.notices.append(Notice(explain(str(step["error"])) or "numpy_abi", facts))
            elif step.get("ops") is False:
                verdict.fail("broken", "partner_mismatch")
    devices = tuple(_tested(steps))
    if torch and "error" not in torch and verdict.status != "broken":
        _judge_gpu(verdict, steps, devices, expect_gpu, asked.hidden_by, failed)
    verdict.notices += _around(torch, asked, verdict.status)
    mps = _first(steps, "mps")
    end = steps[-1].get("seconds") if steps else None
    return Check(
        status=verdict.status,
        python=_first(steps, "python").get("version"),
        torch=torch.get("version"),
        file=torch.get("file"),
        cuda=torch.get("cuda"),
        archs=tuple(cuda.get("archs", ())),
        sample=tuple(tuple(row) for row in _first(steps, "sample").get("sample", ())),
        partners=tuple(_imported(steps)),
        devices=devices,
        mps=bool(mps.get("same")) if mps else None,
        build=asked.build,
        url=asked.url,
        expect_gpu=expect_gpu,
        error=verdict.error,
        notices=unique(verdict.notices),
        where=asked.where,
        keep=keeping(torch.get("cuda") or marks(asked.build or "").cuda, has_gpu=asked.has_gpu),
        there=asked.there,
        seconds=round(asked.seconds, 3),
        import_seconds=torch.get("seconds", end),
    )


def unique(notices: Sequence[Notice]) -> tuple[Notice, ...]:
    """Drop repeated notices. Their facts are dictionaries, so they cannot be hashed."""
    return tuple(notice for i, notice in enumerate(notices) if notice not in notices[:i])


def _unfinished(
    verdict: _Verdict, steps: Sequence[Mapping[str, Any]], ended: CheckExit, asked: CheckSubject
) -> None:
    """Report what a process that did not complete was doing, and how it ended."""
    last = steps[-1] if steps else {}
    kind = str(last.get("step", ""))
    step = {
        "": "step_python",
        "python": "step_import",
        "trying": "step_import",
        "found": "step_product",
        "convolving": "step_convolution",
    }.get(kind, "step_after")
    about = {"name": "torch" if kind == "python" else last.get("name")}
    doing = text(f"check.{step}", {**about, "library": last.get("library"), "kind": kind})
    # A GPU that hangs or crashes is not a broken import: the environment works on the CPU.
    status: CheckStatus = "no_gpu" if kind in ("found", "convolving") else "broken"
    if ended.code is None:
        verdict.fail(status, "timed_out", seconds=asked.limit, step=doing)
        return
    code = (None if steps else not_started(ended.code, ended.text)) or explain(ended.text)
    error = " ".join(ended.text.split())[-500:] or None
    if code:
        verdict.fail(status, code, error)
    elif ended.code == -getattr(signal, "SIGILL", 4) or ended.code & 0xFFFFFFFF == 0xC000001D:
        verdict.fail(status, "illegal_instruction", error)
    elif ended.code == -getattr(signal, "SIGBUS", 7):
        # A library file that is shorter than its header states causes this when it is mapped.
        verdict.fail(status, "truncated", error)
    else:
        verdict.fail(status, "crashed", error, reason=_reason(ended.code), step=doing)


def _reason(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return text("check.exit_code", {"number": str(code) if code < 0x80000000 else f"{code:#x}"})


def _tested(steps: Sequence[Mapping[str, Any]]) -> Iterator[Tested]:
    """Yield the devices; one without a result is where the process ended."""
    found = {step["index"]: step for step in _steps(steps, "found")}
    results = list(_steps(steps, "device"))
    convolutions = {step["index"]: result for step, result in _convolutions(steps)}
    for position, (index, step) in enumerate(found.items()):
        tried = [results[position] if position < len(results) else {}]
        if tried[0].get("same"):
            tried.append(convolutions.get(index, {}))
        error = next((str(result["error"]) for result in tried if "error" in result), None)
        if error is None and any(result.get("same") is False for result in tried):
            error = "wrong result"
        ok = all(result.get("same") for result in tried)
        yield Tested(index, str(step.get("name")), step.get("arch"), ok, error)


def _convolutions(
    steps: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield each convolution begun, with its result, which is empty if the process ended in it."""
    results = list(_steps(steps, "convolution"))
    for position, begun in enumerate(_steps(steps, "convolving")):
        yield begun, results[position] if position < len(results) else {}


def _imported(steps: Sequence[Mapping[str, Any]]) -> Iterator[Partner]:
    names = [str(step.get("name")) for step in _steps(steps, "trying")]
    results = list(_steps(steps, "partner"))
    for position, name in enumerate(names):
        result = results[position] if position < len(results) else {"error": "not finished"}
        yield Partner(name, result.get("version"), result.get("error"))


def _judge_gpu(
    verdict: _Verdict,
    steps: Sequence[Mapping[str, Any]],
    devices: Sequence[Tested],
    expect_gpu: bool,
    hidden_by: str | None,
    failed: Callable[..., None],
) -> None:
    torch, cuda, mps = (_first(steps, kind) for kind in ("torch", "cuda", "mps"))
    for kind in ("mps", "device"):
        for position, step in enumerate(_steps(steps, kind)):
            device = devices[position] if kind == "device" and position < len(devices) else None
            if "error" in step:
                arch = device.arch if device else None
                failed("no_gpu", step, arch=arch)
            elif step.get("same") is False:
                verdict.fail("no_gpu", "wrong_result", device=step.get("device"))
    for begun, result in _convolutions(steps):
        facts = {"library": begun.get("library"), "device": f"cuda:{begun.get('index')}"}
        if "error" in result:
            code = explain(str(result["error"]))
            if code not in ("gpu_memory", "gpu_busy") and not LOADING.search(result["error"]):
                code = "convolution_fails"
            verdict.fail("no_gpu", code or "convolution_fails", str(result["error"]), **facts)
        elif result.get("same") is False:
            verdict.fail("no_gpu", "wrong_convolution", **facts)
    if mps.get("built") and not mps.get("available"):
        verdict.notices.append(Notice("mps_unavailable"))
    if not expect_gpu or verdict.status != "fine" or mps.get("same"):
        if not expect_gpu and any(device.ok for device in devices):
            verdict.notices.append(Notice("gpu_skipped"))
        elif verdict.status == "fine" and not devices and (torch.get("cuda") or torch.get("hip")):
            platform = f"CUDA {torch['cuda']}" if torch.get("cuda") else f"ROCm {torch['hip']}"
            if hidden_by is None:
                verdict.notices.append(Notice("gpu_untried", {"platform": platform}))
            else:
                # Quoted here: an empty value would not travel in a report.
                facts = {"platform": platform, "variable": f"CUDA_VISIBLE_DEVICES={hidden_by!r}"}
                verdict.notices.append(Notice("gpu_hidden", facts))
        return
    if not torch.get("cuda") and not torch.get("hip"):
        verdict.fail("no_gpu", "cpu_build")
    elif "error" in cuda:
        failed("no_gpu", cuda)
    elif not devices:
        said = [*cuda.get("warnings", ()), cuda.get("reason") or ""]
        message = " | ".join(filter(None, said)) or "torch.cuda.is_available() is False"
        failed("no_gpu", {"error": message})


def _around(torch: Mapping[str, Any], asked: CheckSubject, status: CheckStatus) -> Iterator[Notice]:
    """Yield notices on circumstances that are not faults but may explain one."""
    file = torch.get("file")
    if file and not _inside(file, asked.prefix):
        yield Notice("elsewhere", {"file": file})
    for name in ("PYTHONPATH", "PYTHONHOME"):
        if os.environ.get(name):
            yield Notice("ignored_variable", {"name": name})
    if status != "fine" and sys.platform.startswith("linux") and os.environ.get("LD_LIBRARY_PATH"):
        yield Notice("library_path")


def _inside(file: str, prefix: str) -> bool:
    try:
        return Path(file).resolve().is_relative_to(Path(prefix).resolve())
    except (OSError, ValueError):
        return True
