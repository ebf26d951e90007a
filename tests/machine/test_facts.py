"""Facts as a document: what is written is read again, and nothing else is."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.machine_files import MACHINE, facts

from conda_torchmirror.exceptions.file import BadMachineFile, MachineFileTooNew
from conda_torchmirror.machine.evidence import DESCRIBED, REASONS, TOLD, TYPED
from conda_torchmirror.machine.facts import (
    FIELDS,
    document,
    dump,
    floor,
    parse,
    read,
)
from conda_torchmirror.machine.survey import overrides, survey
from conda_torchmirror.models import Facts, Gpu, Installed, Machine, Notice, Pin
from conda_torchmirror.text.messages import text

RELEASES = st.builds("{}.{}".format, st.integers(1, 20), st.integers(0, 9))
NAMES = st.text(string.ascii_letters + string.digits + " -()显卡", min_size=1).map(str.strip)
GPUS = st.lists(st.builds(Gpu, NAMES.filter(bool), st.none() | RELEASES), max_size=8).map(tuple)
REMARKS = st.lists(
    st.sampled_from(
        [
            Notice("machine.jetson", {"model": "Jetson Orin"}),
            Notice("machine.driver_hangs", {"seconds": 5.0}),
            Notice("machine.gpu_lowest", {"gpu": "A (8.6)", "others": "B (8.0)"}),
            Notice("machine.arch_unknown"),
        ]
    ),
    max_size=3,
    unique_by=lambda notice: notice.code,
).map(tuple)


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """Machines as a survey finds them."""
    subdir = draw(st.sampled_from(["linux-64", "linux-aarch64", "win-64", "osx-arm64"]))
    cuda = None if subdir.startswith("osx-") else draw(st.none() | RELEASES)
    python = draw(st.none() | RELEASES)
    return Machine(
        subdir,
        cuda=cuda,
        cuda_from=draw(st.sampled_from(["libcuda", "CONDA_OVERRIDE_CUDA"])) if cuda else "none",
        driver=draw(st.none() | st.builds("{}.{}.02".format, st.integers(1, 999), RELEASES)),
        cuda_arch=draw(st.none() | RELEASES) if cuda else None,
        gpus=draw(GPUS),
        python=python,
        python_from="prefix" if python else "newest",
        installed=draw(st.sampled_from([(), (Installed("pytorch", "2.5.1"),)])),
        pins=draw(st.sampled_from([(), (Pin("numpy<2", "conda-meta/pinned"),)])),
        wsl=draw(st.booleans()),
        failing=draw(st.booleans()),
        remarks=draw(REMARKS),
        glibc=draw(st.none() | RELEASES),
        osx=draw(st.none() | RELEASES),
    )


@given(machines())
def test_what_is_written_is_read_again(machine: Machine) -> None:
    found = parse(dump(machine).encode(), "there.json")
    travelled = machine._replace(installed=(), pins=(), history=())
    travelled = travelled._replace(cuda_from="--machine" if machine.cuda else "none")
    travelled = travelled._replace(python_from="--machine" if machine.python else "newest")
    assert found == Facts("there.json", travelled)


@given(st.data())
def test_whatever_a_driver_calls_itself_the_document_is_read(data: st.DataObject) -> None:
    """Facts come from drivers, files and variables, which may say anything."""
    words = st.text(max_size=400)
    machine = Machine(
        "linux-64",
        cuda=data.draw(st.none() | words),
        cuda_from=data.draw(words),
        driver=data.draw(st.none() | words),
        cuda_arch=data.draw(st.none() | words),
        gpus=(Gpu(data.draw(words), data.draw(st.none() | words)),),
        python=data.draw(st.none() | words),
        glibc=data.draw(st.none() | words),
        remarks=(Notice("machine.jetson", {"model": data.draw(words)}),),
    )
    found = parse(dump(machine).encode())
    assert found.machine.subdir == "linux-64"
    assert len(found.machine.gpus) == 1


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(st.sampled_from(sorted(FIELDS)), ODD)
def test_any_value_is_taken_as_a_machine_would_have_it_or_refused(
    field: str, value: object
) -> None:
    data = json.dumps({**facts(), field: value}).encode()
    try:
        found = parse(data)
    except BadMachineFile:
        return
    assert parse(dump(found.machine).encode()).machine == found.machine


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with pytest.raises(BadMachineFile):
        parse(data)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ('"wsl": false', '"wsl": true, "wsl": false'),
        ('"remarks": []', '"remarks": NaN'),
        ('"remarks": []', '"remarks": [{"code": "driver_hangs", "facts": {"seconds": 1e999}}]'),
        ('"remarks": []', '"remarks": [{"code": "jetson", "facts": {"model": "a", "model": "b"}}]'),
        ('"remarks": []', '"remarks": ' + "[" * 40_000),
    ],
    ids=["a key twice", "not a number", "infinite", "a key twice, inside", "too deep"],
)
def test_what_readers_of_json_understand_differently_is_refused(written, instead) -> None:
    data = json.dumps(facts(wsl=False, remarks=[]))
    assert written in data
    with pytest.raises(BadMachineFile) as caught:
        parse(data.replace(written, instead).encode(), "odd.json")
    assert "no JSON" in caught.value._cause


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_what_powershell_made_of_it_is_read(encoding: str) -> None:
    assert parse(dump(MACHINE).encode(encoding)).machine.cuda == "12.4"


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"owner": "me"}, "has a key `owner`"),
        ({"schema": 0}, "`schema`"),
        ({"schema": True}, "`schema`"),
        ({"schema": "1"}, "`schema`"),
        ({"kind": "conda-torchmirror plan"}, "is not what `conda torch-verify --facts` writes"),
        ({"subdir": "linux-64/../x"}, "`subdir`"),
        ({"cuda": 12.4}, "`cuda`"),
        ({"cuda": "12.4 or so"}, "`cuda`"),
        *[({field: "\uff12.\uff11"}, f"`{field}`") for field in ("cuda", "driver", "glibc")],
        ({"cuda": None}, "`cuda_arch`"),
        ({"subdir": "osx-64"}, "`cuda`"),
        ({"cuda_from": "--cuda"}, "`cuda_from`"),
        ({"driver": "550.54.14; rm"}, "`driver`"),
        ({"gpus": {}}, "`gpus`"),
        ({"gpus": [{"name": "A100"}]}, "`gpus`"),
        ({"gpus": [{"name": "A\x1b[2J", "arch": "8.0"}]}, "`gpus`"),
        ({"gpus": [{"name": "A", "arch": "8.0"}] * 65}, "`gpus`"),
        ({"wsl": 0}, "`wsl`"),
        ({"python": "3"}, "`python`"),
        ({"remarks": [{"code": "record_broken", "facts": {}}]}, "`remarks`"),
        ({"remarks": [{"code": "driver_hangs", "facts": {"seconds": "5"}}]}, "`remarks`"),
        ({"remarks": [{"code": "jetson", "facts": {"model": ["x"]}}]}, "`remarks`"),
    ],
)  # fmt: skip
def test_a_document_that_is_none_is_refused_by_the_field(changed, cause) -> None:
    with pytest.raises(BadMachineFile) as caught:
        parse(json.dumps({**facts(), **changed}).encode(), "odd.json")
    assert "odd.json" in str(caught.value)
    assert cause in caught.value._cause


@pytest.mark.parametrize("field", FIELDS)
def test_no_field_may_be_missing(field: str) -> None:
    found = facts()
    del found[field]
    with pytest.raises(BadMachineFile) as caught:
        parse(json.dumps(found).encode())
    assert f"`{field}` is missing" in caught.value._cause


def test_a_newer_version_says_so() -> None:
    newer = {**facts(), "schema": 2, "tpus": []}
    with pytest.raises(MachineFileTooNew, match="newer version"):
        parse(json.dumps(newer).encode())


def test_a_file_that_cannot_be_read_is_told_by_what_it_is(tmp_path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "large").write_bytes(b" " * 200_000)
    for name, cause in (("empty", "empty"), ("large", "bytes"), ("none", ""), (".", "folder")):
        with pytest.raises(BadMachineFile) as caught:
            read(str(tmp_path / name))
        assert cause in caught.value._cause


def test_the_document_names_no_person_and_no_computer(monkeypatch) -> None:
    remark = Notice("machine.record_broken", {"file": "/home/me/env", "package": "x"})
    dumped = dump(MACHINE._replace(remarks=(remark,), installed=(Installed("x", "1"),)))
    assert "/home/me" not in dumped
    assert set(document(MACHINE)) == {"kind", "schema", *FIELDS}


def test_every_remark_on_a_machine_can_travel() -> None:
    """With facts of the kinds that its sentence takes."""
    numbers = {"driver_hangs": {"seconds": 3.0}, "smi_hangs": {"seconds": 3.0}}
    codes = {*TOLD, *(code for codes in REASONS for code in codes)}
    stays = {"record_broken", "pins_unreadable", "pin_unreadable", "driver_shadowed"}
    for code in codes:
        remark = Notice(f"machine.{code}", numbers.get(code, {}))
        found = parse(dump(MACHINE._replace(remarks=(remark,))).encode())
        assert found.machine.remarks == (() if code in stays else (remark,))


def test_an_empty_value_travels_as_one() -> None:
    """It was `?` elsewhere, as if that were what hides the GPUs."""
    remark = Notice("machine.gpus_hidden", {"value": ""})
    there = parse(dump(MACHINE._replace(remarks=(remark,))).encode()).machine
    assert there.remarks == (remark,)
    assert "CUDA_VISIBLE_DEVICES='' hides every GPU" in text(remark.code, remark.facts)


# What a survey makes of them.


def described(name: str = "ampere", subdir: str = "linux-64", **more):
    found = parse(json.dumps(facts(name)).encode(), "there.json")
    return survey(subdir=subdir, prefix=None, facts=found, **more).machine


def codes(machine: Machine) -> list[str]:
    return [remark.code for remark in machine.remarks]


def test_nothing_of_this_machine_counts(monkeypatch) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "9.0")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", "3.5")
    monkeypatch.setenv("CONDA_OVERRIDE_GLIBC", "2.10")
    on = described()
    assert (on.cuda, on.cuda_from, on.cuda_arch) == ("12.4", "--machine", "8.6")
    assert (on.glibc, on.foreign, on.has_gpu) == ("2.35", False, True)
    assert codes(on) == [DESCRIBED]


def test_a_cuda_that_is_typed_wins_on_the_same_gpus() -> None:
    on = described(cuda="11.8")
    assert (on.cuda, on.cuda_from, on.cuda_arch, on.driver) == ("11.8", "--cuda", "8.6", None)
    assert codes(on) == [DESCRIBED, TYPED]
    assert on.remarks[1].facts == {"option": "--cuda 11.8", "value": "12.4", "file": "there.json"}
    assert codes(described(cuda="12.4")) == [DESCRIBED]


def test_cpu_that_is_typed_wins() -> None:
    on = described(cuda="cpu")
    assert (on.cuda, on.gpus, on.has_gpu) == (None, (), False)
    assert codes(on) == [DESCRIBED, TYPED]


def test_a_login_node_takes_the_cuda_that_is_typed() -> None:
    on = described("login", cuda="12.4")
    assert (on.cuda, on.cuda_from, codes(on)) == ("12.4", "--cuda", [DESCRIBED])


def test_a_python_that_is_typed_wins() -> None:
    found = parse(json.dumps(facts(python="3.11")).encode(), "there.json")
    plain = survey(subdir="linux-64", prefix=None, facts=found).machine
    assert (plain.python, plain.python_from) == ("3.11", "--machine")
    typed = survey(subdir="linux-64", prefix=None, python="3.12", facts=found).machine
    assert (typed.python, typed.python_from) == ("3.12", "--python")
    assert codes(typed) == [DESCRIBED, TYPED]


@pytest.mark.parametrize(("subdir", "cuda"), [("win-64", "12.4"), ("osx-arm64", None)])
def test_a_platform_that_is_typed_wins(subdir: str, cuda: str | None) -> None:
    on = described(subdir=subdir)
    assert (on.subdir, on.cuda, on.glibc) == (subdir, cuda, None)
    assert codes(on) == [DESCRIBED, TYPED]


@given(st.lists(machines(), min_size=1, max_size=4))
def test_what_machines_have_in_common_is_no_more_than_each_has(found: list[Machine]) -> None:
    found = [one._replace(subdir="linux-64") for one in found]
    common = floor(found)
    for one in found:
        for name in ("cuda", "driver", "cuda_arch", "glibc"):
            least, own = getattr(common, name), getattr(one, name)
            assert (
                least is None
                or own is None
                or tuple(map(int, least.split("."))) <= tuple(map(int, own.split(".")))
            )
        assert set(one.gpus) <= set(common.gpus)


def test_conda_is_told_what_is_there_and_what_is_not() -> None:
    assert overrides(MACHINE._replace(cuda_arch="8.6")) == {
        "CONDA_OVERRIDE_CUDA": "12.4",
        "CONDA_OVERRIDE_CUDA_ARCH": "8.6",
        "CONDA_OVERRIDE_GLIBC": "2.35",
    }
    assert overrides(Machine("osx-arm64", osx="14.1")) == {
        "CONDA_OVERRIDE_CUDA": "",
        "CONDA_OVERRIDE_CUDA_ARCH": "",
        "CONDA_OVERRIDE_OSX": "14.1",
    }
