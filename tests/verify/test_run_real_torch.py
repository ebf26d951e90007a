"""The check on a real PyTorch, where the caller has made an environment with one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.torches import codes, site_packages

from conda_torchmirror.machine import nvidia
from conda_torchmirror.verify.run import verify

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the environments here are POSIX venvs")


#: A virtual or conda environment in which `import torch` works; `.ci/run` makes one.
REAL = os.environ.get("TORCHMIRROR_TEST_TORCH")


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


#: Whether the environment's torch is to be tried on this machine's GPU.
needs_gpu = pytest.mark.skipif(not nvidia.signs(), reason="this machine has no NVIDIA driver")


def test_a_real_build(real: Path) -> None:
    check = verify(str(real), expect_gpu=False)
    of_gpu = ["gpu_skipped" if check.devices else "gpu_untried"] if check.cuda else []
    assert (check.status, codes(check)) == ("fine", of_gpu)
    assert all(0 <= value < 1 for row in check.sample for value in row)
    if check.cuda is None:
        assert codes(verify(str(real), expect_gpu=True)) == ["cpu_build"]


@needs_gpu
def test_a_real_gpu(real: Path) -> None:
    check = verify(str(real), expect_gpu=True)
    if check.cuda is None:
        pytest.skip("this PyTorch is for the CPU")
    assert (check.status, codes(check)) == ("fine", [])
    assert check.devices
    assert all(device.ok for device in check.devices)


@needs_gpu
@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"CUDA_VISIBLE_DEVICES": ""}, "gpu_unseen"),
        # Code that the driver would compile is all that counts then, and builds have none for it.
        ({"CUDA_FORCE_PTX_JIT": "1"}, "no_kernel_image"),
    ],
    ids=["hidden", "no machine code"],
)
def test_a_real_gpu_that_cannot_be_used(
    real: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], code: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    check = verify(str(real), expect_gpu=True)
    if check.cuda is None:
        pytest.skip("this PyTorch is for the CPU")
    assert (check.exit_code, codes(check)) == (3, [code])


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
