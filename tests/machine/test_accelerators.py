"""GPUs of AMD and Intel: which are found, and the wheels that are named for them."""

from __future__ import annotations

import pytest

from conda_torchmirror.machine import accelerators, nvidia, survey

CPU = "cpu_cores_count 16\nsimd_count 0\ngfx_target_version 0\n"
AMD = "cpu_cores_count 0\nsimd_count 96\ngfx_target_version 110000\n"


@pytest.fixture
def computer(tmp_path, monkeypatch):
    """`computer(kfd=[...], pci=[(vendor, device)])`: the files of a kernel."""
    monkeypatch.setattr(nvidia, "ROOT", str(tmp_path))

    def make(kfd=(), pci=()):
        for at, text in enumerate(kfd):
            node = tmp_path / "sys/class/kfd/kfd/topology/nodes" / str(at)
            node.mkdir(parents=True)
            (node / "properties").write_text(text)
        for at, (vendor, device) in enumerate(pci):
            folder = tmp_path / f"sys/bus/pci/devices/0000:0{at}:00.0"
            folder.mkdir(parents=True)
            (folder / "vendor").write_text(f"{vendor}\n")
            (folder / "device").write_text(f"{device}\n")

    return make


@pytest.mark.parametrize(
    ("kfd", "pci", "found"),
    [
        ((CPU, AMD), (), [("AMD gfx1100", "rocm6.4")]),
        ((CPU, AMD.replace("110000", "90010")), (), [("AMD gfx90a", "rocm6.4")]),
        ((CPU, AMD.replace("110000", "80003")), (), []),
        ((CPU,), (("0x8086", "0x56a0"),), [("Intel 56a0", "xpu")]),
        ((), (("0x8086", "0x3e92"), ("0x10de", "0x56a0")), []),
        ((), (), []),
    ],
    ids=["RX 7900", "MI200", "too old", "Arc A770", "integrated, and another maker's", "none"],
)
def test_what_is_found(computer, kfd, pci, found):
    computer(kfd, pci)
    told = [(n.facts["gpu"], n.facts["variant"]) for n in accelerators.notices()]
    assert told == found


@pytest.fixture
def preview(computer, condarc, conda_in_process, monkeypatch):
    """`preview(*words)`: on such a computer, without a driver of NVIDIA."""
    condarc(channels=["conda-forge"])
    monkeypatch.delenv("CONDA_OVERRIDE_CUDA")
    monkeypatch.setattr(survey, "_detected_cuda", lambda: None)
    monkeypatch.setattr(survey, "native_subdir", lambda: "linux-64")
    words = ("torch-install", "--dry-run", "--offline", "--python", "3.12", "--json")
    return lambda *more: conda_in_process(*words, *more).ok().json()["torchmirror"]["warnings"]


def offered(warnings):
    return [each["text"] for each in warnings if each["code"] == "other_gpu_wheels"]


@pytest.mark.parametrize(
    ("kfd", "pci", "variant"),
    [((CPU, AMD), (), "rocm6.4"), ((), (("0x8086", "0x56a0"),), "xpu")],
    ids=["AMD", "Intel"],
)
def test_a_cpu_build_names_the_wheels_that_run_there(
    computer, preview, conda_in_process, kfd, pci, variant
):
    computer(kfd, pci)
    [said] = offered(preview())
    command = said.split("`")[1]
    words = f"-n NEW --python 3.12 --cuda {variant} --source wheels --offline --dry-run"
    assert command == f"conda torch-install {words}"
    chosen = conda_in_process(*command.split()[1:], "--json").ok().json()
    assert chosen["torchmirror"]["selected"]["variant"] == variant


@pytest.mark.parametrize("words", [("--cuda", "cpu"), ("--cuda", "12.4"), ("pytorch=2.5.1=*",)])
def test_nothing_is_named_where_it_is_not_wanted(computer, preview, words):
    computer((CPU, AMD))
    assert offered(preview("--source", "pytorch", *words)) == []
