"""The check after: does PyTorch work in an environment, and on its GPU? By trying, or by looking.

`data/check_torch.py` runs in the environment's own Python, as `conda run` would start it but
without the time that a second conda takes: conda's activator says which variables and scripts,
PYTHONPATH and PYTHONHOME are not inherited, and the process is ended at a time limit. What comes
back is a `Check`; known messages of loaders and drivers are explained by a stable code. `examine`
is the part that `conda doctor` can do: the installed records against the machine, nothing run.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .models import Build, Choice, Machine, Notice, Pin

if TYPE_CHECKING:
    from .machine import Survey

#: Seconds for everything. A first import from a slow disk under a virus scanner takes minutes.
LIMIT = 300.0
PARTNERS = ("torchvision", "torchaudio")
_SCRIPT = Path(__file__).parent / "data" / "check_torch.py"

Status = Literal["fine", "no_gpu", "broken"]
_EXIT: Mapping[Status, int] = {"fine": 0, "no_gpu": 3, "broken": 1}

#: Messages that mean one known thing: (code, pattern). The first that is found explains.
KNOWN: tuple[tuple[str, str], ...] = (
    ("mkl_ijit", r"iJIT_NotifyEvent|iJIT_IsProfilingActive"),
    ("openmp_twice", r"OMP: Error #15|already initialized\. *OMP"),
    ("numpy_abi", r"_ARRAY_API not found|compiled using NumPy 1\.x|Numpy is not available"),
    ("partner_mismatch", r"operator torchvision::\w+ does not exist|custom C\+\+ ops"),
    ("driver_too_old", r"driver on your system is too old|CUDA driver version is insufficient"),
    ("ptx_toolchain", r"PTX was compiled with an unsupported toolchain"),
    ("no_kernel_image", r"no kernel image is available|CUDA capability sm_\d+ is not compatible"),
    ("driver_mixed", r"unsupported display driver / cuda driver combination"),
    ("gpu_busy", r"CUDA-capable device\(s\) is/are busy|all CUDA-capable devices are busy"),
    ("gpu_memory", r"CUDA out of memory|CUDA error: out of memory"),
    ("driver_missing", r"Found no NVIDIA driver|CUDA driver initialization failed"),
    ("cuda_unknown", r"CUDA unknown error"),
    ("gpu_unseen", r"No CUDA GPUs are available|no CUDA-capable device is detected"),
    ("cudnn", r"libcudnn|cudnn\w*64_|CUDNN_STATUS_|cuDNN error"),
    ("glibc_old", r"version [`']GLIBC(XX)?_[\d.]+' not found"),
    ("mkl_missing", r"libmkl_\w+|mkl_\w+\.\d\.dll"),
    (
        "cuda_library",
        r"lib(cudart|cublas|cufft|curand|cusolver|cusparse|nvJitLink|nccl|cupti)\w*\.",
    ),
    ("dll_procedure", r"WinError 127\b"),
    ("dll_init", r"WinError 1114\b"),
    ("dll_missing", r"WinError 126\b|DLL load failed"),
    ("truncated", r"file too short|invalid ELF header|truncated|not a valid Win32 application"),
    ("undefined_symbol", r"undefined symbol|Symbol not found|symbol lookup error"),
    ("library_missing", r"cannot open shared object file|Library not loaded"),
    ("torch_missing", r"No module named '?torch'?(?![\w.])"),
    ("module_missing", r"No module named"),
)

#: English sentences by code; `.hint` says what to do.
TEXT = {
    "mkl_ijit": "MKL 2024.1 and newer lack a symbol that this PyTorch build needs.",
    "mkl_ijit.hint": 'Run `conda install "mkl<2024.1"` in this environment.',
    "openmp_twice": "Two copies of the OpenMP library are loaded, mostly one of conda's and one of "
    "pip's.",
    "openmp_twice.hint": "Do not set KMP_DUPLICATE_LIB_OK. Install NumPy, SciPy and the like with "
    "conda too, or make a fresh environment.",
    "numpy_abi": "This PyTorch was built against NumPy 1, and NumPy 2 is installed.",
    "numpy_abi.hint": 'Run `conda install "numpy<2"` in this environment.',
    "partner_mismatch": "torchvision was built for another PyTorch, so its operators are missing.",
    "partner_mismatch.hint": "Install the matching set with `conda torch-install`.",
    "driver_too_old": "The NVIDIA driver is too old for CUDA {cuda}.",
    "driver_too_old.hint": "Update the driver, or run `conda torch-install`, which takes a build "
    "that this driver runs.",
    "ptx_toolchain": "The driver is older than CUDA {cuda}, and has to compile code for this GPU, "
    "which it cannot.",
    "ptx_toolchain.hint": "Update the driver, or run `conda torch-install --cuda-compat strict`.",
    "no_kernel_image": "This build has no code for this GPU{of_arch}.",
    "no_kernel_image.hint": "`conda torch-install --explain` says which builds have.",
    "driver_mixed": "Parts of the NVIDIA driver have different versions, as after an update "
    "without a restart.",
    "driver_mixed.hint": "Restart the machine.",
    "gpu_busy": "Another program has the GPU for itself.",
    "gpu_busy.hint": "`nvidia-smi` shows which; wait for it, then run `conda torch-verify` again.",
    "gpu_memory": "The GPU's memory is taken by other programs.",
    "gpu_memory.hint": "`nvidia-smi` shows which; close one, then run `conda torch-verify` again.",
    "gpu_unseen": "There is a driver, but no GPU that this process may use.",
    "gpu_unseen.hint": "Look at CUDA_VISIBLE_DEVICES; on a cluster, run on a node with a GPU.",
    "driver_missing": "PyTorch finds no NVIDIA driver.",
    "driver_missing.hint": "Install NVIDIA's driver; in a container, start it with GPU support.",
    "cuda_unknown": "CUDA could not start, as after a machine slept with the driver loaded.",
    "cuda_unknown.hint": "Restart the machine, or reload the kernel module nvidia_uvm.",
    "cudnn": "cuDNN cannot be loaded, or another version of it is found first.",
    "cudnn.hint": "Look for a cuDNN on LD_LIBRARY_PATH or PATH; the environment brings its own.",
    "glibc_old": "This build needs a newer C library than the system has.",
    "glibc_old.hint": "Take an older release, or a newer system or container image.",
    "mkl_missing": "MKL, which this build needs, is missing or has another major version.",
    "mkl_missing.hint": "Run `conda install mkl` in this environment.",
    "cuda_library": "A CUDA library is missing, or another version of it is found first.",
    "cuda_library.hint": "Unset LD_LIBRARY_PATH and try again; if that does not help, make a "
    "fresh environment.",
    "dll_procedure": "A DLL is found, but in a version that does not fit (WinError 127).",
    "dll_procedure.hint": "Another program's DLL comes first on PATH, or pip and conda are mixed; "
    "try a fresh environment.",
    "dll_init": "A DLL could not be initialised (WinError 1114).",
    "dll_init.hint": "Install the current Microsoft Visual C++ Redistributable (x64).",
    "dll_missing": "A DLL, or one that it needs, is not found (WinError 126).",
    "dll_missing.hint": "Install the current Microsoft Visual C++ Redistributable (x64); then "
    "reinstall with `conda torch-install`.",
    "truncated": "A file of the installation is damaged or incomplete.",
    "truncated.hint": "Run `conda clean --packages`, then install again with --force-reinstall.",
    "undefined_symbol": "Two libraries that do not belong together are loaded.",
    "undefined_symbol.hint": "Mostly pip and conda packages are mixed, or a partner is of another "
    "release; install the matching set into a fresh environment.",
    "library_missing": "A library that PyTorch needs is not in the environment.",
    "library_missing.hint": "Install again with --force-reinstall.",
    "torch_missing": "PyTorch is not installed in this environment.",
    "torch_missing.hint": "Run `conda torch-install`.",
    "module_missing": "A Python package that is needed is missing.",
    "module_missing.hint": "Install it with conda in this environment.",
    "unexplained": "{error}",
    "unexplained.hint": "Search the message above in PyTorch's issues.",
    "no_python": "There is no Python in this environment.",
    "no_python.hint": "Run `conda torch-install` to install Python and PyTorch.",
    "crashed": "Python ended with {reason} while it was busy with: {step}.",
    "crashed.hint": "Mostly libraries that do not belong together; try a fresh environment.",
    "illegal_instruction": "This build uses instructions that this computer's CPU does not have.",
    "illegal_instruction.hint": "Take another release, or the build of conda-forge.",
    "timed_out": "It was not done after {seconds:g} seconds, while busy with: {step}.",
    "timed_out.hint": "Run `conda torch-verify` again; the first run of a new installation is the "
    "slowest.",
    "cpu_build": "This is a CPU build, though a GPU is expected.",
    "cpu_build.hint": "Run `conda torch-install`; `--cuda cpu` if a CPU build is what you want.",
    "wrong_result": "{device} computes a wrong product.",
    "wrong_result.hint": "Try another driver or release; do not trust results of this GPU.",
    "elsewhere": "PyTorch is loaded from {file}, which is outside this environment.",
    "elsewhere.hint": "`pip uninstall` that copy, or set PYTHONNOUSERSITE=1.",
    "ignored_variable": "{name} is set and was not passed on; with it Python may load something "
    "else.",
    "library_path": "LD_LIBRARY_PATH is set; libraries in it are found before the environment's.",
    "gpu_skipped": "A GPU works, though none was expected.",
    "torch_twice": "{pip} of pip and {conda} of conda lie in the same place.",
    "torch_twice.hint": "Remove pip's with `pip uninstall torch`, then reinstall conda's with "
    "`conda torch-install`, or make a fresh environment.",
    "cpuonly_left": "The package cpuonly keeps this environment on CPU builds.",
    "cpuonly_left.hint": "If it is to use the GPU, run `conda remove cpuonly`, then "
    "`conda torch-install`.",
    "set_mismatch": "{partner} was built for `{spec}`, and {torch} is installed.",
    "set_mismatch.hint": "Install the matching set with `conda torch-install`.",
    "rule_broken": "{installed} does not go with {torch}: {why}.",
    "rule_broken.hint": 'Run `conda install "{pin}"` in this environment.',
    "pin_missing": "{torch} needs `{pin}` ({why}); `conda update --all` would undo that.",
    "pin_missing.hint": "Add the line `{pin}` to conda-meta/pinned of the environment.",
    "mps_unavailable": "This build has MPS, but macOS offers no GPU to it.",
}


@dataclass(frozen=True)
class Tested:
    """One device on which a matrix product was tried. `error` is the message where it failed."""

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


@dataclass(frozen=True)
class Check:
    """What came out. `status` is the verdict; `notices` explain it, the first one most.

    `cuda` is what torch was built for, `archs` the GPU code that it says it has. `build` and `url`
    are those of conda's record, where conda installed it. `seconds` is wall time.
    """

    status: Status
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
    seconds: float = 0.0
    import_seconds: float | None = None

    @property
    def exit_code(self) -> int:
        """0 fine, 3 no usable GPU though one is expected, 1 broken."""
        return _EXIT[self.status]

    def document(self) -> dict[str, Any]:
        """The check as plain JSON values."""
        plain = asdict(self)
        plain["exit_code"] = self.exit_code
        plain["notices"] = [
            {
                "code": notice.code,
                "facts": dict(notice.facts),
                "text": sentence(notice),
                "hint": sentence(notice, ".hint") or None,
            }
            for notice in self.notices
        ]
        return plain


def sentence(notice: Notice, part: str = "") -> str:
    """Return the English sentence of a notice, or its `.hint`; empty where there is none."""
    template = TEXT.get(notice.code + part, "")
    facts = {"cuda": "this version", "of_arch": "", **notice.facts}
    return template.format_map(facts)


def explain(text: str) -> str | None:
    """Return the code of the known cause that a message of a loader or driver has."""
    for code, pattern in KNOWN:
        if re.search(pattern, text, re.IGNORECASE):
            return code
    return None


def verify(
    prefix: str,
    *,
    expect_gpu: bool,
    partners: Sequence[str] | None = None,
    limit: float = LIMIT,
) -> Check:
    """Try PyTorch in the environment at `prefix`, for at most `limit` seconds.

    `partners` are imported too; None takes those that are installed. Raises nothing of its own.
    """
    python = python_of(prefix)
    if not os.path.exists(python):
        return Check("broken", expect_gpu=expect_gpu, notices=(Notice("no_python"),))
    names = _installed_partners(prefix) if partners is None else partners
    with tempfile.TemporaryDirectory(prefix="torch-verify-") as folder:
        out = os.path.join(folder, "steps")
        began = time.monotonic()
        ended = _run(prefix, [python, str(_SCRIPT), out, *names], folder, limit)
        seconds = time.monotonic() - began
        steps = _read(out)
    build, url = _origin(prefix)
    return _judge(steps, ended, _Asked(prefix, expect_gpu, limit, build, url, seconds))


def python_of(prefix: str) -> str:
    """Return the path of an environment's Python."""
    return os.path.join(prefix, *(("python.exe",) if os.name == "nt" else ("bin", "python")))


def _installed_partners(prefix: str) -> tuple[str, ...]:
    from .machine import inspect, native_subdir

    found = inspect(subdir=native_subdir(), prefix=prefix, cuda="cpu").installed
    return tuple(name for name in PARTNERS if any(package.name == name for package in found))


def _origin(prefix: str) -> tuple[str | None, str | None]:
    """Return build string and URL of conda's own record of pytorch."""
    try:
        from conda.core.prefix_data import PrefixData

        record = PrefixData(prefix).get("pytorch", None)
    except Exception:
        return None, None
    return (record.build, str(record.url or "") or None) if record else (None, None)


@dataclass(frozen=True)
class _Ended:
    """How the process ended: its code, None where it ran out of time, and what it printed."""

    code: int | None
    text: str


@dataclass(frozen=True)
class _Asked:
    prefix: str
    expect_gpu: bool
    limit: float
    build: str | None
    url: str | None
    seconds: float


def _read(path: str) -> list[dict[str, Any]]:
    steps = []
    with contextlib.suppress(OSError), open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            with contextlib.suppress(ValueError):
                steps.append(json.loads(line))
    return steps


def environment(prefix: str) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
    """Return the variables of an activated environment, and the scripts to leave and enter it.

    Without PYTHONPATH and PYTHONHOME: they belong to the Python that conda was started with.
    """
    from conda.activate import CmdExeActivator, PosixActivator

    inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            activator = CmdExeActivator() if os.name == "nt" else PosixActivator()
            built = activator.build_activate(prefix)
    except Exception:
        # The way to the libraries is what matters; a broken state file must not hide the check.
        folders = [os.path.dirname(python_of(prefix)), inherited.get("PATH", "")]
        path = os.pathsep.join(filter(None, folders))
        return {**inherited, "PATH": path, "CONDA_PREFIX": prefix}, (), ()
    variables = {k: v for k, v in inherited.items() if k not in built["unset_vars"]}
    for name, value in {**built["set_vars"], **built["export_vars"]}.items():
        variables[name] = str(value)
    return variables, tuple(built["deactivate_scripts"]), tuple(built["activate_scripts"])


def _run(prefix: str, argv: list[str], folder: str, limit: float) -> _Ended:
    variables, leaving, entering = environment(prefix)
    variables.update(PYTHONIOENCODING="utf-8", PYTHONUNBUFFERED="1")
    if leaving or entering:
        argv = _through_shell(argv, folder, (*leaving, *entering))
    with tempfile.TemporaryFile() as out:
        try:
            process = subprocess.Popen(  # noqa: S603
                argv,
                env=variables,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=os.name != "nt",
            )
        except OSError as error:
            return _Ended(error.errno or 1, str(error))
        code: int | None = None
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if code is None:
                _end(process)
        out.seek(0)
        return _Ended(code, out.read(1 << 20).decode("utf-8", "replace"))


def _through_shell(argv: list[str], folder: str, scripts: Sequence[str]) -> list[str]:
    """Write a script that sources activation scripts and becomes the command."""
    if os.name == "nt":
        path = os.path.join(folder, "run.bat")
        # The file is UTF-8, so that a prefix may have any name.
        lines = ["@ECHO OFF", "CHCP 65001 >NUL", *(f'CALL "{script}"' for script in scripts)]
        lines += [subprocess.list2cmdline(argv).replace("%", "%%"), "EXIT /B %ERRORLEVEL%"]
        Path(path).write_text("\r\n".join(lines), encoding="utf-8")
        return [os.environ.get("COMSPEC", "cmd.exe"), "/d", "/c", path]
    from shutil import which

    path = os.path.join(folder, "run.sh")
    sourced = [f". {shlex.quote(script)} >/dev/null 2>&1" for script in scripts]
    Path(path).write_text("\n".join([*sourced, f"exec {shlex.join(argv)}"]), encoding="utf-8")
    return [which("bash") or which("sh") or "/bin/sh", path]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process with all that it started; one that hangs in the kernel is left behind."""
    with contextlib.suppress(OSError):
        if os.name == "nt":
            taskkill = os.path.expandvars(r"%SystemRoot%\System32\taskkill.exe")
            subprocess.run(  # noqa: S603
                [taskkill, "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False
            )
        else:
            os.killpg(process.pid, signal.SIGKILL)
    try:
        process.wait(2.0)
    except subprocess.TimeoutExpired:
        process.returncode = -9  # keeps the interpreter from waiting for it at exit


@dataclass
class _Verdict:
    """Collects what the steps say, worst first in `status`."""

    status: Status = "fine"
    notices: list[Notice] = field(default_factory=list)
    error: str | None = None

    def fail(self, status: Status, code: str, error: str | None = None, **facts: Any) -> None:
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


def _judge(steps: Sequence[Mapping[str, Any]], ended: _Ended, asked: _Asked) -> Check:
    torch, cuda = _first(steps, "torch"), _first(steps, "cuda")
    verdict = _Verdict()
    facts: dict[str, Any] = {"cuda": torch.get("cuda") or "this version"}

    def failed(status: Status, step: Mapping[str, Any], **more: Any) -> None:
        error = str(step["error"])
        # What else was printed explains a failed import, but not what happened long after it.
        printed = explain(ended.text) if status == "broken" else None
        code = explain(error) or printed or "unexplained"
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
        _judge_gpu(verdict, steps, devices, asked, failed)
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
        expect_gpu=asked.expect_gpu,
        error=verdict.error,
        notices=_unique(verdict.notices),
        seconds=round(asked.seconds, 3),
        import_seconds=torch.get("seconds", end),
    )


def _unique(notices: Sequence[Notice]) -> tuple[Notice, ...]:
    """Keep the first of equal notices; their facts are dictionaries, so they cannot be hashed."""
    return tuple(notice for i, notice in enumerate(notices) if notice not in notices[:i])


def _unfinished(
    verdict: _Verdict, steps: Sequence[Mapping[str, Any]], ended: _Ended, asked: _Asked
) -> None:
    """Say what a process that did not come to its end was doing, and how it ended."""
    last = steps[-1] if steps else {}
    kind = str(last.get("step", ""))
    doing = {
        "": "starting Python",
        "python": "import torch",
        "trying": f"import {last.get('name')}",
        "found": f"a matrix product on {last.get('name')}",
    }.get(kind, f"the step after {kind}")
    # A GPU that hangs or crashes is not a broken import: the environment works on the CPU.
    status: Status = "no_gpu" if kind == "found" else "broken"
    if ended.code is None:
        verdict.fail(status, "timed_out", seconds=asked.limit, step=doing)
        return
    code = explain(ended.text)
    error = " ".join(ended.text.split())[-500:] or None
    if code:
        verdict.fail(status, code, error)
    elif ended.code == -getattr(signal, "SIGILL", 4) or ended.code & 0xFFFFFFFF == 0xC000001D:
        verdict.fail(status, "illegal_instruction", error)
    elif ended.code == -getattr(signal, "SIGBUS", 7):
        # What a library that ends before its own header says it does gives when it is mapped.
        verdict.fail(status, "truncated", error)
    else:
        verdict.fail(status, "crashed", error, reason=_reason(ended.code), step=doing)


def _reason(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}" if code < 0x80000000 else f"exit code {code:#x}"


def _tested(steps: Sequence[Mapping[str, Any]]) -> Iterator[Tested]:
    """Yield the devices; one that was found and gave no result is where the process ended."""
    found = {step["index"]: step for step in _steps(steps, "found")}
    results = list(_steps(steps, "device"))
    for position, (index, step) in enumerate(found.items()):
        result = results[position] if position < len(results) else {}
        error = result.get("error")
        if result and not error and not result.get("same"):
            error = "wrong result"
        yield Tested(
            index, str(step.get("name")), step.get("arch"), bool(result.get("same")), error
        )


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
    asked: _Asked,
    failed: Callable[..., None],
) -> None:
    torch, cuda, mps = (_first(steps, kind) for kind in ("torch", "cuda", "mps"))
    for kind in ("mps", "device"):
        for position, step in enumerate(_steps(steps, kind)):
            device = devices[position] if kind == "device" and position < len(devices) else None
            if "error" in step:
                arch = device.arch if device else None
                failed("no_gpu", step, of_arch=f" (compute capability {arch})" if arch else "")
            elif step.get("same") is False:
                verdict.fail("no_gpu", "wrong_result", device=step.get("device"))
    if mps.get("built") and not mps.get("available"):
        verdict.notices.append(Notice("mps_unavailable"))
    if not asked.expect_gpu or verdict.status != "fine" or mps.get("same"):
        if not asked.expect_gpu and any(device.ok for device in devices):
            verdict.notices.append(Notice("gpu_skipped"))
        return
    if not torch.get("cuda") and not torch.get("hip"):
        verdict.fail("no_gpu", "cpu_build")
    elif "error" in cuda:
        failed("no_gpu", cuda)
    elif not devices:
        said = [*cuda.get("warnings", ()), cuda.get("reason") or ""]
        message = " | ".join(filter(None, said)) or "torch.cuda.is_available() is False"
        failed("no_gpu", {"error": message})


def _around(torch: Mapping[str, Any], asked: _Asked, status: Status) -> Iterator[Notice]:
    """Yield what is not wrong in itself, but explains much."""
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


def examine(prefix: str) -> tuple[Notice, ...]:
    """Return what is wrong with an environment's PyTorch, without running it.

    For `conda doctor`: the installed records against this machine and each other. Empty where
    there is nothing to say, or no torch.
    """
    from conda.base.context import context

    from .machine import FAMILY, survey

    found = survey(subdir=context.subdir, prefix=prefix)
    records = _builds(prefix, FAMILY)
    torch = records.get("pytorch")
    pip = [p for p in found.machine.installed if p.channel == "pypi" and p.name == "torch"]
    notices: list[Notice] = []
    if torch and pip:
        facts = {"pip": f"torch {pip[0].version}", "conda": f"pytorch {torch.version}"}
        notices.append(Notice("torch_twice", facts))
    if torch:
        notices += _against_machine(torch, found, "cpuonly" in records)
        notices += _against_each_other(torch, records, found.machine)
    return _unique(notices)


def _builds(prefix: str, names: Sequence[str]) -> dict[str, Build]:
    from conda.core.prefix_data import PrefixData

    data = PrefixData(prefix)
    records = {name: data.get(name, None) for name in names}
    return {
        name: Build(
            name=name,
            version=record.version,
            build=record.build,
            build_number=record.build_number,
            subdir=record.subdir,
            depends=tuple(record.depends or ()),
            constrains=tuple(record.constrains or ()),
        )
        for name, record in records.items()
        if record is not None
    }


def _against_machine(torch: Build, found: Survey, cpuonly: bool) -> Iterator[Notice]:
    from .builds import facts, number
    from .compat import COMPAT_SINCE, runs_on, tables

    machine, built = found.machine, facts(torch).cuda
    if built is None:
        if machine.has_gpu and not machine.subdir.startswith("osx-"):
            yield Notice("cpuonly_left" if cpuonly else "cpu_build")
        return
    if machine.cuda is None:
        return
    mine, runs = number(built), number(machine.cuda)
    # The driver's own system counts: in WSL 2 that is Windows.
    floor = tables().driver_floor(built, "win-64" if found.driver_os == "windows" else "linux-64")
    by_minor = mine[0] == runs[0] >= COMPAT_SINCE
    if mine > runs and by_minor and machine.driver and floor:
        by_minor = number(machine.driver) >= number(floor)
    if mine > runs and not by_minor:
        yield Notice("driver_too_old", {"cuda": built})
    carried = tables().architectures(torch.version, built, torch.subdir)
    arch = machine.cuda_arch
    if arch and carried and not runs_on(arch, carried, ptx=mine <= runs):
        yield Notice("no_kernel_image", {"of_arch": f" (compute capability {arch})"})


def _against_each_other(
    torch: Build, records: Mapping[str, Build], machine: Machine
) -> Iterator[Notice]:
    from . import rules
    from .builds import PARTNERS, dependency
    from .catalog import admits

    name = f"pytorch {torch.version}"
    for partner in filter(None, map(records.get, PARTNERS)):
        spec = dependency(partner, "pytorch")
        if spec and not admits(spec, "pytorch", torch.version, torch.build):
            facts = {"partner": f"{partner.name} {partner.version}", "spec": spec, "torch": name}
            yield Notice("set_mismatch", facts)
    for rule in rules.applying(Choice((torch,), machine.python or ""), admits):
        facts = {"pin": rule.pin, "why": rule.why, "torch": name}
        if package := rules.contradicted(rule, machine.installed, admits):
            yield Notice("rule_broken", {**facts, "installed": f"{package.name} {package.version}"})
        elif rule.name in records and not any(_pinned(rule.name, pin) for pin in machine.pins):
            yield Notice("pin_missing", facts)


def _pinned(name: str, pin: Pin) -> bool:
    return re.split(r"[<>=!~ \[]", pin.spec.rpartition("::")[2].strip(), maxsplit=1)[0] == name


def lines(check: Check) -> list[str]:
    """Return the check as lines of English text: the verdict first, then facts, then advice."""
    verdict = {
        "fine": "PyTorch works.",
        "no_gpu": "PyTorch works, but not on the GPU.",
        "broken": "PyTorch does not work.",
    }[check.status]
    text = [verdict, *(f"  {name}: {value}" for name, value in _facts(check))]
    for notice in check.notices:
        text.append(f"  {sentence(notice)}")
        if hint := sentence(notice, ".hint"):
            text.append(f"    {hint}")
    if check.error and check.status != "fine":
        text.append(f"  Message: {check.error}")
    return text


def _facts(check: Check) -> Iterator[tuple[str, str]]:
    if check.torch:
        built = f"CUDA {check.cuda}" if check.cuda else "CPU"
        yield "torch", f"{check.torch} ({built}), Python {check.python}"
    if check.build:
        yield "build", check.build
    if check.url:
        yield "from", check.url
    for partner in check.partners:
        yield partner.name, partner.version or "does not load"
    for device in check.devices:
        result = "computes correctly" if device.ok else f"fails: {device.error or 'no result'}"
        yield f"GPU {device.index}", f"{device.name} ({device.arch}) {result}"
    if check.mps is not None:
        yield "MPS", "computes correctly" if check.mps else "not used"


def report(check: Check, *, system: str = "") -> str:
    """Return a short text that can be handed in: no paths, no names of people or machines."""
    import platform

    text = [
        "conda torch-verify",
        f"date: {time.strftime('%Y-%m-%d %H:%M')}",
        f"system: {system or f'{platform.system()} {platform.machine()}'}",
        f"result: {check.status} (exit code {check.exit_code})",
        *(f"{name}: {value}" for name, value in _facts(check)),
    ]
    if check.sample:
        text.append("torch.rand(5, 3):")
        text += ["  " + "  ".join(f"{value:.4f}" for value in row) for row in check.sample]
    text += [f"note: {sentence(n)}" for n in check.notices if n.code not in ("elsewhere",)]
    return "\n".join(text) + "\n"
