"""The check after: real interpreters, and a `torch` that breaks in the ways the real one does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conda_torchmirror import verify as module
from conda_torchmirror.models import Notice
from conda_torchmirror.verify import (
    KNOWN,
    TEXT,
    Check,
    environment,
    examine,
    explain,
    lines,
    report,
    sentence,
    verify,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the environments here are POSIX venvs")

#: A torch with just what the check touches. `KNOBS` says how it breaks.
TORCH = """
import os, signal, sys, time, types, warnings
KNOBS = {knobs!r}
if "print" in KNOBS:
    print(KNOBS["print"], file=sys.stderr, flush=True)
if "signal" in KNOBS:
    os.kill(os.getpid(), KNOBS["signal"])
if "sleep" in KNOBS:
    time.sleep(KNOBS["sleep"])
if "import_error" in KNOBS:
    raise ImportError(KNOBS["import_error"])
if "needs" in KNOBS and os.environ.get(KNOBS["needs"][0]) != KNOBS["needs"][1]:
    raise ImportError("no " + KNOBS["needs"][0])

__version__ = KNOBS.get("version", "2.3.1")
version = types.SimpleNamespace(cuda=KNOBS.get("cuda"), hip=None)

class Tensor:
    def __init__(self, device="cpu"):
        self.device = device
    def __matmul__(self, other):
        if "kernel_error" in KNOBS and self.device in KNOBS.get("bad", [self.device]):
            if self.device != "cpu":
                raise RuntimeError(KNOBS["kernel_error"])
        if "kernel_signal" in KNOBS and self.device != "cpu":
            os.kill(os.getpid(), KNOBS["kernel_signal"])
        if "kernel_sleep" in KNOBS and self.device != "cpu":
            time.sleep(KNOBS["kernel_sleep"])
        return self
    def __mod__(self, other): return self
    __add__ = __mod__
    def reshape(self, *shape): return self
    def float(self): return self
    def to(self, device): return Tensor(str(device))
    def cpu(self): return self
    def tolist(self): return [[0.25, 0.5, 0.75]] * 5
    def numpy(self):
        if "numpy_error" in KNOBS:
            raise RuntimeError(KNOBS["numpy_error"])
        return types.SimpleNamespace(tolist=lambda: [1.0, 1.0])

def rand(*shape):
    if "rand_error" in KNOBS:
        raise RuntimeError(KNOBS["rand_error"])
    return Tensor()
arange = ones = lambda *shape: Tensor()
equal = lambda left, right: left.device == "cpu" or not KNOBS.get("wrong")

def _available():
    if "warning" in KNOBS:
        warnings.warn(KNOBS["warning"])
    return bool(KNOBS.get("gpus"))
def _init():
    raise RuntimeError(KNOBS.get("init_error", "No CUDA GPUs are available"))
cuda = types.SimpleNamespace(
    is_available=_available,
    init=_init,
    device_count=lambda: len(KNOBS.get("gpus", [])),
    get_arch_list=lambda: ["sm_50", "sm_90"],
    get_device_name=lambda i: KNOBS["gpus"][i][0],
    get_device_capability=lambda i: tuple(KNOBS["gpus"][i][1]),
)
"""

#: For the slow tests: a virtual or conda environment in which `import torch` works.
REAL = os.environ.get("TORCHMIRROR_TEST_TORCH")

A100 = ["NVIDIA A100", [8, 0]]
RTX = ["NVIDIA GeForce RTX 5090", [12, 0]]

MakeTorch = Callable[..., str]


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a Python and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=True, with_pip=False)
    (folder / "conda-meta").mkdir()
    (folder / "conda-meta" / "history").touch()
    return folder


def site_packages(prefix: Path) -> Path:
    [folder] = prefix.glob("lib/python3*/site-packages")
    return folder


@pytest.fixture
def prefix(bare: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "env"
    shutil.copytree(bare, folder, symlinks=True)
    return folder


@pytest.fixture
def make_torch(prefix: Path) -> MakeTorch:
    """`make_torch(**knobs)`: install a torch that breaks so; returns the prefix."""

    def make(**knobs: Any) -> str:
        folder = site_packages(prefix) / "torch"
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").write_text(TORCH.format(knobs=knobs), encoding="utf-8")
        return str(prefix)

    return make


def package(prefix: Path, name: str, text: str) -> None:
    (site_packages(prefix) / f"{name}.py").write_text(text, encoding="utf-8")


def codes(check: Check) -> list[str]:
    return [notice.code for notice in check.notices if notice.code != "ignored_variable"]


def test_a_cpu_build_where_no_gpu_is_expected(make_torch: MakeTorch) -> None:
    check = verify(make_torch(), expect_gpu=False)
    assert (check.status, check.exit_code) == ("fine", 0)
    assert (check.torch, check.cuda) == ("2.3.1", None)
    assert check.sample == ((0.25, 0.5, 0.75),) * 5
    assert check.python == ".".join(map(str, sys.version_info[:3]))
    assert codes(check) == []


def test_a_cpu_build_where_a_gpu_is_expected(make_torch: MakeTorch) -> None:
    check = verify(make_torch(), expect_gpu=True)
    assert (check.exit_code, codes(check)) == (3, ["cpu_build"])


def test_working_gpus(make_torch: MakeTorch) -> None:
    check = verify(make_torch(cuda="12.1", gpus=[A100, RTX]), expect_gpu=True)
    assert (check.status, codes(check)) == ("fine", [])
    assert [(d.index, d.name, d.arch, d.ok) for d in check.devices] == [
        (0, "NVIDIA A100", "8.0", True),
        (1, "NVIDIA GeForce RTX 5090", "12.0", True),
    ]
    assert check.archs == ("sm_50", "sm_90")


def test_a_gpu_that_nobody_expected_is_no_failure(make_torch: MakeTorch) -> None:
    check = verify(make_torch(cuda="12.1", gpus=[A100]), expect_gpu=False)
    assert (check.status, codes(check)) == ("fine", ["gpu_skipped"])


def test_one_gpu_of_two_without_code(make_torch: MakeTorch) -> None:
    """As an RTX 50 with the channel's newest build: available, and the first kernel fails."""
    error = "CUDA error: no kernel image is available for execution on the device"
    prefix = make_torch(cuda="12.4", gpus=[A100, RTX], kernel_error=error, bad=["cuda:1"])
    check = verify(prefix, expect_gpu=True)
    assert (check.exit_code, codes(check)) == (3, ["no_kernel_image"])
    assert [device.ok for device in check.devices] == [True, False]
    assert "(compute capability 12.0)" in sentence(check.notices[0])
    assert error in (check.devices[1].error or "")


@pytest.mark.parametrize(
    ("knobs", "code"),
    [
        ({"wrong": True}, "wrong_result"),
        ({"kernel_error": "CUDA out of memory. Tried to allocate"}, "gpu_memory"),
        (
            {"kernel_error": "the provided PTX was compiled with an unsupported toolchain."},
            "ptx_toolchain",
        ),
        ({"kernel_error": "something nobody has seen"}, "unexplained"),
        ({"kernel_signal": 11}, "crashed"),
        ({"kernel_sleep": 60}, "timed_out"),
    ],
    ids=["wrong product", "memory", "PTX", "unknown", "crash", "hang"],
)
def test_a_gpu_that_fails(make_torch: MakeTorch, knobs: dict[str, Any], code: str) -> None:
    check = verify(make_torch(cuda="12.1", gpus=[A100], **knobs), expect_gpu=True, limit=4)
    assert (check.exit_code, codes(check)) == (3, [code])
    assert (check.torch, check.devices[0].ok) == ("2.3.1", False)


#: What torch says where a GPU is expected and none can be used. Sources: torch/cuda/__init__.py,
#: c10/cuda/CUDAFunctions.cpp, aten/src/ATen/cuda/detail/CUDAHooks.cpp of 2.3.
UNUSABLE = [
    (
        "CUDA initialization: The NVIDIA driver on your system is too old (found version 11040).",
        "driver_too_old",
    ),
    (
        (
            "CUDA initialization: Found no NVIDIA driver on your system. Please check that you have"
            " an NVIDIA GPU and installed a driver"
        ),
        "driver_missing",
    ),
    (
        (
            "CUDA initialization: CUDA unknown error - this may be due to an incorrectly set up"
            " environment, e.g. changing env variable CUDA_VISIBLE_DEVICES after program start."
        ),
        "cuda_unknown",
    ),
    (
        (
            "CUDA initialization: Unexpected error from cudaGetDeviceCount(). Error 803: system has"
            " unsupported display driver / cuda driver combination"
        ),
        "driver_mixed",
    ),
]


@pytest.mark.parametrize(("warning", "code"), UNUSABLE, ids=[code for _, code in UNUSABLE])
def test_a_gpu_that_torch_does_not_see(make_torch: MakeTorch, warning: str, code: str) -> None:
    check = verify(make_torch(cuda="12.1", warning=warning), expect_gpu=True)
    assert (check.exit_code, codes(check)) == (3, [code])
    assert verify(make_torch(cuda="12.1", warning=warning), expect_gpu=False).exit_code == 0


def test_no_word_from_torch_is_told_as_well(make_torch: MakeTorch) -> None:
    check = verify(make_torch(cuda="12.1"), expect_gpu=True)
    assert (check.exit_code, codes(check)) == (3, ["gpu_unseen"])


#: Messages of loaders as reports quote them: (message, code, where).
BROKEN = [
    (
        (
            "/opt/env/lib/python3.11/site-packages/torch/lib/libtorch_cpu.so: undefined symbol:"
            " iJIT_NotifyEvent"
        ),
        "mkl_ijit",  # pytorch issue 123097
    ),
    (
        "libcudnn.so.8: cannot open shared object file: No such file or directory",
        "cudnn",
    ),
    (
        "libmkl_intel_lp64.so.2: cannot open shared object file: No such file or directory",
        "mkl_missing",
    ),
    (
        (
            "/opt/env/lib/libcusparse.so.12: undefined symbol: __nvJitLinkAddData_12_1, version"
            " libnvJitLink.so.12"
        ),
        "cuda_library",  # pytorch issue 111469
    ),
    (
        "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.28' not found (required by libc10.so)",
        "glibc_old",
    ),
    (
        (
            '[WinError 126] The specified module could not be found. Error loading "C:\\torch\\lib'
            '\\c10.dll" or one of its dependencies.'
        ),
        "dll_missing",
    ),
    ('[WinError 126] 找不到指定的模块。 Error loading "C:\\torch\\lib\\c10.dll"', "dll_missing"),
    ('[WinError 127] 找不到指定的程序。 Error loading "C:\\torch\\lib\\c10.dll"', "dll_procedure"),
    (
        (
            "[WinError 1114] A dynamic link library (DLL) initialization routine failed."
            ' Error loading "C:\\torch\\lib\\c10.dll"'
        ),
        "dll_init",
    ),
    ("DLL load failed while importing _C: The specified module could not be found.", "dll_missing"),
    ("/opt/env/lib/libtorch.so: file too short", "truncated"),
    ("undefined symbol: _ZN3c105ErrorC2ENS_14SourceLocationESs", "undefined_symbol"),
    ("libtorch_cuda.so: cannot open shared object file: No such file", "library_missing"),
    ("No module named 'typing_extensions'", "module_missing"),
    ("a message nobody has seen", "unexplained"),
]


@pytest.mark.parametrize(
    ("message", "code"), BROKEN, ids=[f"{c}-{i}" for i, (_, c) in enumerate(BROKEN)]
)
def test_a_broken_import_is_explained(make_torch: MakeTorch, message: str, code: str) -> None:
    check = verify(make_torch(import_error=message), expect_gpu=True)
    assert (check.status, check.exit_code) == ("broken", 1)
    assert codes(check) == [code]
    assert message in (check.error or "")


def test_an_environment_without_torch(prefix: Path) -> None:
    check = verify(str(prefix), expect_gpu=False)
    assert (check.exit_code, codes(check)) == (1, ["torch_missing"])


def test_an_environment_without_python(tmp_path: Path) -> None:
    check = verify(str(tmp_path), expect_gpu=False)
    assert (check.exit_code, codes(check)) == (1, ["no_python"])


@pytest.mark.parametrize(
    ("knobs", "code"),
    [
        ({"signal": 11}, "crashed"),
        ({"signal": 4}, "illegal_instruction"),
        (
            {"signal": 6, "print": "OMP: Error #15: Initializing libiomp5.so, but found it"},
            "openmp_twice",
        ),
        ({"sleep": 60}, "timed_out"),
        ({"rand_error": "no"}, "unexplained"),
    ],
    ids=["SIGSEGV", "SIGILL", "OpenMP", "hang", "rand"],
)
def test_a_torch_that_does_not_come_to_an_end(
    make_torch: MakeTorch, knobs: dict[str, Any], code: str
) -> None:
    began = time.monotonic()
    check = verify(make_torch(**knobs), expect_gpu=False, limit=3)
    assert (check.exit_code, codes(check)) == (1, [code])
    assert time.monotonic() - began < 10
    if code in ("crashed", "timed_out"):
        assert "import torch" in sentence(check.notices[0])


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("__version__ = '0.18.1'", "fine", None),
        (
            "raise RuntimeError('operator torchvision::nms does not exist')",
            "broken",
            "partner_mismatch",
        ),
        (
            (
                "import types\n__version__ = '0.18'\n"
                "extension = types.SimpleNamespace(_has_ops=lambda: False)"
            ),
            "broken",
            "partner_mismatch",
        ),
        ("import os; os.kill(os.getpid(), 11)", "broken", "crashed"),
    ],
    ids=["fine", "nms", "no ops", "crash"],
)
def test_partners_are_imported_too(
    make_torch: MakeTorch, prefix: Path, text: str, status: str, code: str | None
) -> None:
    package(prefix, "torchvision", text)
    check = verify(make_torch(), expect_gpu=False, partners=("torchvision",))
    assert (check.status, codes(check)) == (status, [code] if code else [])
    assert [partner.name for partner in check.partners] == ["torchvision"]
    assert (check.partners[0].version is not None) == ("__version__" in text)


def test_partners_that_are_installed_are_found(make_torch: MakeTorch, prefix: Path) -> None:
    record(prefix, *VISION)
    record(prefix, *CUDA_BUILD)
    package(prefix, "torchvision", "__version__ = '0.18.1'")
    check = verify(make_torch(), expect_gpu=False)
    assert [(partner.name, partner.version) for partner in check.partners] == [
        ("torchvision", "0.18.1")
    ]
    assert check.build == CUDA_BUILD[2]
    assert (
        check.url
        == f"https://conda.anaconda.org/pytorch/linux-64/pytorch-2.3.1-{check.build}.tar.bz2"
    )


def test_numpy_2_with_an_old_build_is_a_note(make_torch: MakeTorch, prefix: Path) -> None:
    package(prefix, "numpy", "")
    torch = make_torch(numpy_error="Numpy is not available")
    file = site_packages(prefix) / "torch" / "__init__.py"
    file.write_text("import numpy\n" + file.read_text("utf-8"), encoding="utf-8")
    check = verify(torch, expect_gpu=False)
    assert (check.status, codes(check)) == ("fine", ["numpy_abi"])


def test_pythonpath_and_pythonhome_do_not_reach_it(
    make_torch: MakeTorch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They belong to the Python that conda runs in; `conda run` would pass them on."""
    (tmp_path / "torch.py").write_text("raise ImportError('the wrong one')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    check = verify(make_torch(), expect_gpu=False)
    assert check.status == "fine"
    told = [n.facts["name"] for n in check.notices if n.code == "ignored_variable"]
    assert told == ["PYTHONPATH", "PYTHONHOME"]


def test_a_torch_outside_the_environment_is_named(prefix: Path, tmp_path: Path) -> None:
    """As one in the user's own site-packages, which shadows the environment's."""
    elsewhere = tmp_path / "user"
    elsewhere.mkdir()
    (elsewhere / "torch.py").write_text(TORCH.format(knobs={}), encoding="utf-8")
    (site_packages(prefix) / "user.pth").write_text(str(elsewhere), encoding="utf-8")
    check = verify(str(prefix), expect_gpu=False)
    assert (check.status, codes(check)) == ("fine", ["elsewhere"])


@pytest.mark.parametrize("how", ["script", "state"])
def test_it_runs_in_an_activated_environment(make_torch: MakeTorch, prefix: Path, how: str) -> None:
    torch = make_torch(needs=("OF_THE_ENVIRONMENT", "yes it's"))
    assert verify(torch, expect_gpu=False).status == "broken"
    if how == "script":
        folder = prefix / "etc" / "conda" / "activate.d"
        folder.mkdir(parents=True)
        text = 'echo "noise"; export OF_THE_ENVIRONMENT="yes it\'s"\n'
        (folder / "a b.sh").write_text(text, encoding="utf-8")
    else:
        state = {"env_vars": {"OF_THE_ENVIRONMENT": "yes it's"}}
        (prefix / "conda-meta" / "state").write_text(json.dumps(state), encoding="utf-8")
    assert verify(torch, expect_gpu=False).status == "fine"


def test_a_script_of_the_environment_that_hangs_is_ended(
    make_torch: MakeTorch, prefix: Path
) -> None:
    folder = prefix / "etc" / "conda" / "activate.d"
    folder.mkdir(parents=True)
    (folder / "hang.sh").write_text("sleep 60\n", encoding="utf-8")
    began = time.monotonic()
    check = verify(make_torch(), expect_gpu=False, limit=1)
    assert (check.exit_code, codes(check)) == (1, ["timed_out"])
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("active", [None, "same", "other"])
def test_the_environment_comes_first_whatever_is_active(
    prefix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, active: str | None
) -> None:
    if active:
        folder = str(prefix if active == "same" else tmp_path / "other")
        monkeypatch.setenv("CONDA_SHLVL", "1")
        monkeypatch.setenv("CONDA_PREFIX", folder)
        monkeypatch.setenv("PATH", os.pathsep.join((f"{folder}/bin", os.environ["PATH"])))
    found, leaving, entering = environment(str(prefix))
    assert found["PATH"].split(os.pathsep)[0] == str(prefix / "bin")
    assert found["CONDA_PREFIX"] == str(prefix)
    assert (leaving, entering) == ((), ())
    assert all(isinstance(value, str) for value in found.values())


def test_a_damaged_state_file_does_not_hide_the_check(make_torch: MakeTorch, prefix: Path) -> None:
    (prefix / "conda-meta" / "state").write_text("not json", encoding="utf-8")
    assert verify(make_torch(), expect_gpu=False).status == "fine"


def test_the_document_is_plain_json(make_torch: MakeTorch) -> None:
    check = verify(make_torch(cuda="12.4", gpus=[A100], wrong=True), expect_gpu=True)
    document = json.loads(json.dumps(check.document()))
    assert (document["status"], document["exit_code"]) == ("no_gpu", 3)
    assert document["devices"][0]["name"] == "NVIDIA A100"
    assert document["notices"][0]["text"] == "cuda:0 computes a wrong product."


def test_text_says_verdict_facts_and_what_to_do(make_torch: MakeTorch) -> None:
    check = verify(make_torch(cuda="12.4"), expect_gpu=True)
    said = "\n".join(lines(check))
    assert said.startswith("PyTorch works, but not on the GPU.")
    assert "torch: 2.3.1 (CUDA 12.4)" in said
    assert TEXT["gpu_unseen.hint"] in said


def test_a_report_can_be_handed_in(make_torch: MakeTorch) -> None:
    """Five lines of figures and the verdict; no path, so no name of a person or a machine."""
    prefix = make_torch(cuda="12.1", gpus=[A100])
    text = report(verify(prefix, expect_gpu=True), system="Linux x86_64")
    assert "result: fine (exit code 0)" in text
    assert len(re.findall(r"^  0\.2500  0\.5000  0\.7500$", text, re.MULTILINE)) == 5
    assert prefix not in text
    assert str(Path.home()) not in text


def test_every_code_has_a_sentence_and_a_way_on() -> None:
    source = Path(module.__file__).read_text("utf-8")
    used = set(re.findall(r'(?:Notice\(|fail\([\w"]+, )"(\w+)"', source)) | {c for c, _ in KNOWN}
    assert used - TEXT.keys() == set()
    assert {code for code, _ in KNOWN} <= {key[:-5] for key in TEXT if key.endswith(".hint")}


def test_sentences_need_no_fact_that_is_missing() -> None:
    for code, _ in KNOWN:
        assert sentence(Notice(code, {"error": "x"}))
        assert sentence(Notice(code), ".hint")


@pytest.mark.parametrize(("message", "code"), BROKEN + UNUSABLE, ids=str)
def test_explanations_stand_in_a_longer_text(message: str, code: str) -> None:
    assert (explain(f"Traceback\n  File x\n{message}\nmore") or "unexplained") == code


def record(prefix: Path, name: str, version: str, build: str, *depends: str) -> None:
    """Write what conda writes when it installs a package."""
    fn = f"{name}-{version}-{build}"
    text = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": 0,
        "channel": "https://conda.anaconda.org/pytorch/linux-64",
        "subdir": "linux-64",
        "fn": f"{fn}.tar.bz2",
        "url": f"https://conda.anaconda.org/pytorch/linux-64/{fn}.tar.bz2",
        "depends": depends,
        "files": [],
    }
    (prefix / "conda-meta" / f"{fn}.json").write_text(json.dumps(text), encoding="utf-8")


CUDA_BUILD = (
    "pytorch",
    "2.3.1",
    "py3.11_cuda12.1_cudnn8.9.2_0",
    "pytorch-cuda >=12.1,<12.2",
    "pytorch-mutex 1.0 cuda",
    "mkl >=2018",
    "python >=3.11,<3.12.0a0",
)
CPU_BUILD = ("pytorch", "2.3.1", "py3.11_cpu_0", "pytorch-mutex 1.0 cpu")
VISION = ("torchvision", "0.18.1", "py311_cu121", "pytorch 2.3.1")


@pytest.mark.parametrize(
    ("records", "cuda", "arch", "expected"),
    [
        pytest.param([], "12.4", "8.6", [], id="nothing"),
        pytest.param([CUDA_BUILD, VISION], "12.4", "8.6", [], id="fits"),
        pytest.param([CUDA_BUILD], "12.0", "8.6", [], id="minor-version compatibility"),
        pytest.param([CUDA_BUILD], "11.8", "8.6", ["driver_too_old"], id="driver"),
        pytest.param([CUDA_BUILD], "12.8", "12.0", ["no_kernel_image"], id="RTX 50"),
        pytest.param([CUDA_BUILD], "", "", [], id="no driver"),
        pytest.param([CPU_BUILD], "12.4", "8.6", ["cpu_build"], id="CPU build"),
        pytest.param([CPU_BUILD], "", "", [], id="CPU build without a GPU"),
        pytest.param(
            [CPU_BUILD, ("cpuonly", "2.0", "0")], "12.4", "8.6", ["cpuonly_left"], id="cpuonly"
        ),
        pytest.param(
            [CUDA_BUILD, ("torchvision", "0.19.0", "py311_cu121", "pytorch 2.4.0")],
            "12.4",
            "8.6",
            ["set_mismatch"],
            id="partner of another release",
        ),
        pytest.param(
            [CUDA_BUILD, ("mkl", "2024.2.0", "0")], "12.4", "8.6", ["rule_broken"], id="mkl"
        ),
        pytest.param(
            [CUDA_BUILD, ("mkl", "2023.1.0", "0")], "12.4", "8.6", ["pin_missing"], id="no pin"
        ),
    ],
)
def test_the_static_part_needs_no_torch_to_run(
    prefix: Path,
    condarc: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    records: list[tuple[str, ...]],
    cuda: str,
    arch: str,
    expected: list[str],
) -> None:
    condarc()
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", cuda)
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", arch)
    for entry in records:
        record(prefix, *entry)
    found = examine(str(prefix))
    assert [notice.code for notice in found] == expected
    assert all(sentence(notice) and sentence(notice, ".hint") for notice in found)


def test_a_pin_of_the_environment_ends_the_advice(
    prefix: Path, condarc: Callable[..., Path]
) -> None:
    condarc()
    record(prefix, *CUDA_BUILD)
    record(prefix, "mkl", "2023.1.0", "0")
    (prefix / "conda-meta" / "pinned").write_text("mkl<2024.1\n", encoding="utf-8")
    assert examine(str(prefix)) == ()


def test_torch_of_pip_over_torch_of_conda(prefix: Path, condarc: Callable[..., Path]) -> None:
    condarc()
    record(prefix, *CPU_BUILD)
    version = ".".join(map(str, sys.version_info[:2]))
    record(prefix, "python", f"{version}.1", "h_0")
    folder = site_packages(prefix) / "torch-2.7.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: torch\nVersion: 2.7.1\n", encoding="utf-8")
    (folder / "INSTALLER").write_text("pip\n", encoding="utf-8")
    [notice] = examine(str(prefix))
    assert (notice.code, notice.facts["pip"]) == ("torch_twice", "torch 2.7.1")


def old_pythons() -> list[str]:
    """Interpreters of other versions on this machine: torch 1.8 came for 3.6 and newer."""
    root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    return sorted(map(str, root.glob("versions/3.*/bin/python")))


@pytest.mark.parametrize(
    "python", old_pythons() or [sys.executable], ids=lambda p: p.split("/")[-3]
)
def test_the_script_runs_on_other_pythons(python: str, tmp_path: Path) -> None:
    script = Path(module.__file__).parent / "data" / "check_torch.py"
    (tmp_path / "torch.py").write_text(TORCH.format(knobs={"cuda": "12.1"}), encoding="utf-8")
    done = subprocess.run(
        [python, str(script), str(tmp_path / "out")],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line) for line in (tmp_path / "out").read_text("utf-8").splitlines()]
    assert steps[-1]["step"] == "end"


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, by hard links, of an environment with a real torch, which the caller has made."""
    if REAL is None:
        pytest.skip("TORCHMIRROR_TEST_TORCH names no environment with a real PyTorch")
    folder = tmp_path_factory.mktemp("real") / "env"

    def link(source: str, target: str) -> str:
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError:
            shutil.copy2(source, target, follow_symlinks=False)
        return target

    shutil.copytree(REAL, folder, symlinks=True, copy_function=link)
    (folder / "conda-meta").mkdir(exist_ok=True)
    return folder


@pytest.mark.slow
def test_a_real_cpu_build(real: Path) -> None:
    check = verify(str(real), expect_gpu=False)
    assert (check.status, codes(check)) == ("fine", [])
    assert all(0 <= value < 1 for row in check.sample for value in row)
    if check.cuda is None:
        assert codes(verify(str(real), expect_gpu=True)) == ["cpu_build"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda file: file.unlink(), "library_missing"),
        (lambda file: file.write_bytes(file.read_bytes()[:1000]), "truncated"),
        (lambda file: file.write_bytes(b"not a library"), "truncated"),
    ],
    ids=["missing", "cut short", "garbage"],
)
def test_a_real_build_that_was_damaged(
    real: Path, tmp_path: Path, damage: Callable[[Path], object], code: str
) -> None:
    file = site_packages(real) / "torch" / "lib" / "libc10.so"
    kept = tmp_path / "kept"
    shutil.move(file, kept)
    try:
        shutil.copy(kept, file)
        damage(file)
        check = verify(str(real), expect_gpu=False)
    finally:
        file.unlink(missing_ok=True)
        shutil.move(kept, file)
    assert (check.exit_code, codes(check)) == (1, [code])


@pytest.mark.slow
@pytest.mark.benchmark
def test_the_check_costs_little_more_than_the_import(real: Path) -> None:
    """The bound: 50 ms beyond `python -c "import torch"`.

    Processor time of interleaved runs, the least of each: wall time says more of a busy machine.
    """
    python = str(real / "bin" / "python")
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def cost(run: Callable[[], object]) -> float:
        before = os.times()
        run()
        return sum(os.times()[:4]) - sum(before[:4])

    def plain() -> object:
        return subprocess.run([python, "-c", "import torch"], check=True, env=own)

    def checked() -> object:
        return verify(str(real), expect_gpu=False)

    pairs = [(cost(plain), cost(checked)) for _ in range(10)]
    least, most = min(p for p, _ in pairs), min(c for _, c in pairs)
    print(
        f"\nimport torch {least:.3f} s, the check {(most - least) * 1e3:+.0f} ms (processor time)"
    )
    assert most - least < 0.05
