"""The check after: real interpreters, and a `torch` that breaks in the ways the real one does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.torches import (
    A100,
    CUDA_BUILD,
    RTX,
    TORCH,
    VISION,
    bare_environment,
    copy,
    install_torch,
    package,
    record,
    site_packages,
)

from conda_torchmirror.models import Notice
from conda_torchmirror.text.tables.check import TEXT
from conda_torchmirror.verify import run as trying
from conda_torchmirror.verify import static, verdict
from conda_torchmirror.verify.causes import KNOWN, explain
from conda_torchmirror.verify.report import lines, report
from conda_torchmirror.verify.run import environment, verify
from conda_torchmirror.verify.verdict import Check, sentence

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the environments here are POSIX venvs")

#: For the slow tests: a virtual or conda environment in which `import torch` works.
REAL = os.environ.get("TORCHMIRROR_TEST_TORCH")

MakeTorch = Callable[..., str]


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bare_environment(tmp_path_factory.mktemp("bare"))


@pytest.fixture
def prefix(bare: Path, tmp_path: Path) -> Path:
    return copy(bare, tmp_path / "env")


@pytest.fixture
def make_torch(prefix: Path) -> MakeTorch:
    """`make_torch(**knobs)`: install a torch that breaks so; returns the prefix."""
    return partial(install_torch, prefix)


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


@pytest.mark.parametrize(
    ("knobs", "code"),
    [
        # https://github.com/pytorch/pytorch/issues: cuDNN 9 on GPUs below compute capability 5.0
        ({"convolution_error": "cuDNN error: CUDNN_STATUS_ARCH_MISMATCH"}, "convolution_fails"),
        (
            {"convolution_error": "GET was unable to find an engine to execute this computation"},
            "convolution_fails",
        ),
        ({"convolution_error": "CUDNN_STATUS_NOT_INITIALIZED"}, "convolution_fails"),
        ({"convolution_error": "CUDA error: no kernel image is available"}, "convolution_fails"),
        ({"convolution_error": "CUDA out of memory. Tried to allocate"}, "gpu_memory"),
        ({"convolution_error": "libcudnn_ops_infer.so.8: cannot open shared object file"}, "cudnn"),
        ({"convolution_error": "cuDNN version incompatibility: 8.7.0, but found 8.2.1"}, "cudnn"),
        ({"convolution_wrong": True}, "wrong_convolution"),
        ({"convolution_signal": 11}, "crashed"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value.values())),
)
def test_a_gpu_that_multiplies_and_does_not_convolve(
    make_torch: MakeTorch, knobs: dict[str, Any], code: str
) -> None:
    prefix = make_torch(cuda="12.1", gpus=[A100, RTX], bad_convolution=["cuda:1"], **knobs)
    check = verify(prefix, expect_gpu=True, limit=20)
    assert (check.exit_code, codes(check)) == (3, [code])
    assert [device.ok for device in check.devices] == [True, False]
    assert "cuDNN" in sentence(check.notices[0]) or code == "gpu_memory"


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
    assert re.search(r"torch +2\.3\.1 \(CUDA 12\.4\), Python 3", said)
    assert TEXT["gpu_unseen.hint"] in re.sub(r"\s+", " ", said)
    assert max(map(len, said.splitlines())) <= 80


def test_a_report_can_be_handed_in(make_torch: MakeTorch) -> None:
    """Five lines of figures and the verdict; no path, so no name of a person or a machine."""
    prefix = make_torch(cuda="12.1", gpus=[A100])
    text = report(verify(prefix, expect_gpu=True), system="Linux x86_64")
    assert "result: fine (exit code 0)" in text
    assert len(re.findall(r"^  0\.2500  0\.5000  0\.7500$", text, re.MULTILINE)) == 5
    assert prefix not in text
    assert str(Path.home()) not in text


def test_every_code_has_a_sentence_and_a_way_on() -> None:
    modules = (trying, verdict, static)
    source = "".join(Path(module.__file__).read_text("utf-8") for module in modules)
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


def old_pythons() -> list[str]:
    """Interpreters of other versions on this machine: torch 1.8 came for 3.6 and newer."""
    root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    return sorted(map(str, root.glob("versions/3.*/bin/python")))


@pytest.mark.parametrize(
    "python", old_pythons() or [sys.executable], ids=lambda p: p.split("/")[-3]
)
def test_the_script_runs_on_other_pythons(python: str, tmp_path: Path) -> None:
    script = Path(trying.__file__).with_name("check_torch.py")
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
