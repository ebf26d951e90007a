"""What is said of a choice of `--source auto`: why, and what the other source has."""

from __future__ import annotations

import shlex

import pytest
from support.auto_fixtures import CHANNEL, FORGE, cuda, on
from support.torches import record

pytest_plugins = ("support.auto_fixtures",)


def test_one_line_says_which_why_and_how_to_get_the_other(
    at_both, conda_in_process, monkeypatch, sandbox
):
    for version, says in {
        "12.9": "PyTorch 2.13.0 from the channel conda-forge (the channel pytorch ended with "
        "2.5.1); to choose 2.5.1: `--source pytorch`",
        "11.8": "PyTorch 2.5.1 from the channel pytorch: 2.13.0 of conda-forge needs driver "
        "525.60.13 or newer (builds for CUDA 12.9, 13.0 are too new: the override of `__cuda` "
        "says CUDA 11.8)",
    }.items():
        monkeypatch.setenv("CONDA_OVERRIDE_CUDA", version)
        done = conda_in_process("torch-install", "-d", "-n", "new").ok()
        assert says in done.words
        # A path is as long as it is, here with the name of a worker in it.
        shown = done.stdout.replace(str(sandbox.envs), "/envs").partition("The same in")[0]
        assert max(map(len, shown.splitlines())) <= 80


def test_the_driver_of_a_release_is_not_explained_by_another_release(conda_in_process):
    """2.5.1 of conda-forge is for CUDA 11 too, what is newer needs CUDA 12."""
    words = ("--cuda", "10.1", "--dry-run", "--offline", "--platform", "linux-64")
    done = conda_in_process("torch-install", *words).ok()
    assert "2.5.1 of conda-forge needs driver 450.80.02 or newer - pinned" in done.words


@pytest.mark.parametrize(("subdir", "driver"), [("win-64", "528.33"), ("linux-64", "525.60.13")])
def test_the_driver_is_the_lowest_one_though_a_sample_lacks_the_partner(
    conda_in_process, monkeypatch, subdir, driver
):
    """2.13.0 is there for CUDA 12 and 13; for Windows the sample has no torchvision for 12.8."""
    for name, value in cuda("11.4", "8.6").items():
        monkeypatch.setenv(name, value)
    words = ("torch-install", "-n", "new", "-d", "--offline", *on(subdir))
    says = f"2.13.0 of conda-forge needs driver {driver} or newer"
    assert says in conda_in_process(*words).ok().words


@pytest.mark.parametrize(
    ("driver", "arch", "says"),
    [
        ("11.4", "8.6", "as it has to be this release - "),
        ("11.0", "7.0", "as it has to be this release - "),
        ("12.4", "8.9", "as it has to be this release; left open, it is 2.13.0 of conda-forge - "),
    ],
    ids=["RTX 3060", "V100", "RTX 4090"],
)
@pytest.mark.parametrize("where", ["offline", "online"])
def test_what_a_named_release_would_be_left_open_is_what_it_then_is(
    at_both, conda_in_process, monkeypatch, driver, arch, says, where
):
    """For CUDA 11 both channels have 2.5.1, and then it is that of pytorch."""
    for name, value in cuda(driver, arch).items():
        monkeypatch.setenv(name, value)
    words = ("torch-install", "-d", "-n", "new", *on("linux-64"))
    words += ("--offline",) if where == "offline" else ()
    named = conda_in_process(*words, "pytorch=2.3").ok()
    assert f"PyTorch 2.3.1 from the channel pytorch, {says}" in named.words
    left_open = conda_in_process(*words, "pytorch").ok()
    of_forge = "from the channel conda-forge" in left_open.words
    assert of_forge == ("of conda-forge" in says)


@pytest.mark.parametrize(
    ("pin", "says"),
    [
        ("pytorch<2.4", "as 2.12.0 of conda-forge does not fit: the pin pytorch<2.4 ("),
        ("pytorch=2.3", "as 2.12.0 of conda-forge does not fit: the pin pytorch=2.3 ("),
        ("pytorch<2.11", "conda-forge has 2.10.0, which fits"),
    ],
)
def test_a_pin_of_the_release_is_the_reason_not_the_pythons_of_a_sample(
    conda_in_process, monkeypatch, pin, says
):
    """That the sample has 2.12.1 for Python 3.14 alone says nothing of a pin that keeps every build
    of it out."""
    monkeypatch.setenv("CONDA_PINNED_PACKAGES", pin)
    words = ("--cuda", "12.9", "--python", "3.11", *on("linux-64"))
    done = conda_in_process("torch-install", "-n", "new", "-d", "--offline", *words).ok()
    assert says in done.words
    assert "builds for Python" not in done.words


@pytest.mark.parametrize(
    "own",
    [
        {"channel_alias": "https://conda.company.example/cloud"},
        {"custom_channels": {"conda-forge": "https://conda.company.example/cloud"}},
    ],
    ids=lambda own: next(iter(own)),
)
def test_a_server_of_ones_own_is_not_called_a_mirror(condarc, conda_in_process, own):
    condarc(**own)
    done = conda_in_process("torch-install", "--cuda", "12.9", "--dry-run", "--offline").ok()
    assert "ended with 2.5.1); to choose 2.5.1" in done.words
    assert "all of it from" not in done.words


def test_the_json_has_why_and_the_other_source(preview_auto):
    assert preview_auto(**cuda("12.9"))["selected"]["other"] == {
        **{"source": CHANNEL, "version": "2.5.1", "last": "2.5.1"},
        "needs": None,
    }
    other = preview_auto(**cuda("11.8"))["selected"]["other"]
    assert (other["source"], other["version"]) == (FORGE, "2.13.0")
    assert other["needs"]["code"] == "cuda_too_new"
    assert other["needs"]["driver"] == "525.60.13"


def test_what_is_chosen_is_where_the_line_leads(preview_auto):
    """The command for the other source gives what the line says."""
    other = preview_auto(**cuda("12.9"))["selected"]["other"]
    found = preview_auto("--source", other["source"], **cuda("12.9"))["selected"]
    assert found["builds"][0]["version"] == other["version"]


def test_an_environment_keeps_its_channel_and_newer_is_named(preview_auto, old_torch):
    """Row 25."""
    found = preview_auto("torchvision", **cuda("12.9"))
    chosen = found["selected"]
    assert {build["name"]: build["version"] for build in chosen["builds"]}[
        "torchvision"
    ] == "0.20.1"
    assert (chosen["source"], chosen["why"]) == (CHANNEL, "bound")
    assert chosen["other"]["version"] == "2.13.0"


def test_what_is_named_for_a_new_environment_is_what_that_gets(preview_auto, sandbox):
    """The Python of the one that is there does not bind it: 2.7.1 was named for Python 3.9."""
    meta = sandbox.envs / "new" / "conda-meta"
    meta.mkdir(parents=True)
    (meta / "history").touch()
    record(meta.parent, CHANNEL, "1.12.1", "py3.9_cuda11.3_cudnn8.3.2_0", channel=CHANNEL)
    record(meta.parent, "python", "3.9.19", "h0_0", channel=FORGE)
    found = preview_auto("pytorch=2.3", **cuda("12.4", "8.6"))
    assert found["selected"]["why"] == "bound"
    [line] = [w["text"] for w in found["warnings"] if w["code"] == "source_chosen"]
    command = shlex.split(line.split("`")[1])
    assert command[:4] == ["conda", "torch-install", "-n", "NEW"]
    taken = preview_auto(*command[4:], "-n", "other")["selected"]
    version = taken["builds"][0]["version"]
    assert version == found["selected"]["other"]["version"]
    assert f"for {version}, best in a new one" in line


def test_where_neither_has_it_both_are_named_and_the_way_out_works(
    at_both, conda_in_process, monkeypatch, preview_auto
):
    """Row 10."""
    for name, value in cuda("13.0", "12.0").items():
        monkeypatch.setenv(name, value)
    done = conda_in_process("torch-install", "-d", "-n", "new", "pytorch=2.5.1")
    assert done.rc == 1
    said = " ".join(done.stderr.split())
    assert "no build of the channels `pytorch`, `conda-forge` fits" in said
    assert "leave the release open: pytorch 2.13.0 has what fits" in said
    assert preview_auto("pytorch")["selected"]["builds"][0]["version"] == "2.13.0"


@pytest.mark.parametrize("word", ["pytorch/linux-64::pytorch=2.3", "pytorch=2.3[subdir=linux-64]"])
def test_a_platform_in_a_spec_says_nothing_of_the_release(preview_auto, word):
    """It was taken for a spec that no release of the channel admits."""
    assert preview_auto(word)["selected"]["builds"][0]["version"].startswith("2.3")


def test_names_of_both_sides_are_refused(at_both, conda_in_process):
    result = conda_in_process("torch-install", "-d", "pytorch=2.6", "pytorch-cuda=12.4")
    assert result.rc == 2
    assert "`pytorch-cuda=12.4` and `pytorch=2.6` contradict each other" in " ".join(
        result.stderr.split()
    )


def test_a_cuda_that_the_sample_lacks_is_not_denied_of_the_channel(conda_in_process):
    """conda-forge has PyTorch 2.10.0 for CUDA 13.0; that no record of it has been seen on linux-64
    is another matter. Of the channel `pytorch` all is known."""

    def told(*words: str) -> dict[str, str]:
        done = conda_in_process("torch-install", "-d", "--offline", "--json", "-n", "new", *words)
        warnings = done.ok().json()["torchmirror"]["warnings"]
        return {warning["code"]: warning["text"] for warning in warnings}

    of_sample = told("pytorch=2.10", "--cuda", "13.0")
    assert of_sample["cuda_below_sample"] == (
        "no 2.10.0 for CUDA 13.0 is in the built-in index; 12.9 runs there"
    )
    assert "cuda_below_asked" not in of_sample
    of_channel = told("pytorch=2.5.1", "--cuda", "12.8")
    assert of_channel["cuda_below_asked"].startswith("no build of 2.5.1 for CUDA 12.8 itself fits")
    assert "cuda_below_sample" not in of_channel


@pytest.mark.parametrize(
    ("words", "machine", "fits"),
    [
        (("pytorch=*=cuda126*",), ("linux-aarch64", "12.6"), "2.7.1"),
        # 2.7.1 is the newest with such a build, and the sample has it.
        (("pytorch=*=cuda126*",), ("linux-64", "12.6"), None),
        (("pytorch=2.7=cuda126*",), ("win-64", "12.6"), None),
        (("pytorch>=2.6=cuda13*",), ("win-64", "13.0"), "2.13.0"),
        # A build for 12.0 may run with any later CUDA 12.
        (("pytorch=2.3", "cuda-version=12.4"), ("linux-64", "12.4"), None),
        (("pytorch", "cuda-version=12.8"), ("linux-64", "12.8"), None),
        # A build for CUDA comes before a newer one for the CPU that is allowed.
        (
            ("--source", FORGE, "--allow-cpu", "--python", "3.13"),
            ("linux-64", "11.8"),
            "2.5.1",
        ),
    ],
)
def test_what_a_preview_says_of_the_channel_is_what_the_channel_gives(
    conda_in_process, preview_auto, condarc, monkeypatch, words, machine, fits
):
    """2.13.0 was told to fit what only builds for CUDA 12.6 do."""
    subdir, version = machine
    words = (*words, *on(subdir))
    live = preview_auto(*words, **cuda(version))["selected"]["builds"][0]["version"]
    condarc(channels=[FORGE])
    done = conda_in_process("torch-install", "-d", "--offline", "--json", "-n", "new", *words)
    ours = done.ok().json()["torchmirror"]
    told = {one["code"]: one["text"] for one in ours["warnings"]}.get("sample_newer")
    assert (told is None) == (fits is None)
    assert (f"conda-forge has {fits}," in told) if told else True
    assert live == (fits or ours["selected"]["builds"][0]["version"])


def test_a_jetson_is_told_that_the_channel_has_builds_for_it(conda_in_process, monkeypatch):
    """Of these the built-in index has none, and it was said that no build fits."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA_ARCH", "8.7")
    words = ("-d", "--offline", "--json", "--platform", "linux-aarch64", "--source", FORGE)
    done = conda_in_process("torch-install", *words, "-n", "new", "--cuda", "12.6")
    hints = {hint["hint_code"] for hint in done.json()["guidance"]["hints"]}
    assert done.rc == 1
    assert "built_in_part" in hints


@pytest.mark.parametrize(
    ("words", "other"),
    [
        (("-c", FORGE, "-c", CHANNEL, "pytorch=2.0"), ("2.0.0", "no_record")),
        (
            ("-c", FORGE, "-c", CHANNEL, "pytorch=2.1", "torchvision", "--python", "3.10"),
            ("2.1.2", "no_record"),
        ),
        # It was said not to fit for its builds for Python 3.14, of which the sample has some.
        (
            ("-c", FORGE, "-c", CHANNEL, "torchvision", "cuda-version=12.1", "--python", "3.12"),
            ("2.5.1", "no_record"),
        ),
        # The tables begin with 2.0.
        (("-c", FORGE, "-c", CHANNEL, "pytorch=1.13"), (None, "in_part")),
    ],
)
def test_a_sample_of_the_first_channel_does_not_speak_for_it(
    conda_in_process, preview_auto, condarc, words, other
):
    """It was said to have nothing that fits, and an installation takes its builds."""
    version, code = other
    live = preview_auto(*words, **cuda("12.9"))["selected"]
    condarc(channels=[FORGE])
    done = conda_in_process("torch-install", "-d", "--offline", "--json", "-n", "new", *words)
    chosen = done.ok().json()["torchmirror"]["selected"]
    assert chosen["source"] == CHANNEL
    assert chosen["other"]["version"] == version
    assert chosen["other"]["needs"]["code"] == code
    if version:
        assert (live["source"], live["builds"][0]["version"]) == (FORGE, version)


# --explain and --list


@pytest.mark.parametrize(
    ("words", "machine", "says"),
    [
        ((), cuda("11.8"), "2.13.0 builds for CUDA 12.9, 13.0 are too new: the override"),
        ((), cuda("12.9", "3.7"), "2.13.0 builds with code for"),
        (("torchaudio",), cuda("12.9"), "2.13.0 this channel has no torchaudio for"),
        (
            ("--python", "3.8"),
            cuda("12.9"),
            "2.13.0 builds for Python 3.10, 3.11, 3.12, 3.13",
        ),
    ],
    ids=["driver", "gpu", "torchaudio", "python"],
)
def test_why_not_the_newest(at_both, conda_in_process, monkeypatch, words, machine, says):
    for name, value in machine.items():
        monkeypatch.setenv(name, value)
    done = conda_in_process("torch-install", "-d", "--explain", "-n", "new", *words).ok()
    assert says in done.words
    assert "runs on the CPU only" not in done.words


def test_the_list_has_both_sources_on_one_screen(at_both, conda_in_process, monkeypatch):
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.9")
    lines = conda_in_process("torch-install", "--list").ok().stdout.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    titles = [line for line in lines if line.startswith((FORGE, CHANNEL))]
    assert titles[0].startswith("conda-forge (live index")
    assert titles[1].startswith("pytorch (live index")
    assert "ended with PyTorch 2.5.1" in titles[1]
    assert lines[lines.index(titles[0]) + 1].split()[0] == "2.13.0"
    assert lines[lines.index(titles[1]) + 1].split()[0] == "2.5.1,"


def test_the_list_as_json_says_whose_each_row_is(at_both, conda_in_process):
    found = conda_in_process("torch-install", "--list", "--json", "--cuda", "12.9").ok().json()
    ours = found["torchmirror"]
    assert ours["source"] == "auto"
    assert [one["source"] for one in ours["sources"]] == [CHANNEL, FORGE]
    newest = ours["list"][0]
    assert (newest["version"], newest["source"]) == ("2.13.0", FORGE)
    assert {row["source"] for row in ours["list"] if row["version"] == "2.5.1"} == {CHANNEL, FORGE}


@pytest.mark.parametrize(
    ("words", "variables", "row"),
    [
        # torchvision for CUDA 13.0 needs the C library that pytorch for it does.
        ((), {**cuda("13.0"), "CONDA_OVERRIDE_GLIBC": "2.17"}, "2.13.0 13.0 12.9 cpu"),
        # The real records of torchvision name a cuDNN, as pytorch's do.
        (("--offline",), cuda("12.9", "3.7"), "2.8.0 12.9 3.12 3.13"),
        # Until 0.27 torchvision is for CUDA 12.9, where pytorch is for 12.8.
        (
            ("torchvision", *on("win-64"), "--cuda-compat", "strict"),
            cuda("12.8"),
            "2.12.1, 2.12.0 13.0 12.8 cpu 3.10 3.11",
        ),
    ],
    ids=["glibc", "cuDNN", "strict"],
)
def test_what_does_not_run_here_is_listed(
    at_both, conda_in_process, monkeypatch, words, variables, row
):
    """Builds whose partner does not run here were not: the channel seemed to have none."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    done = conda_in_process("torch-install", "--list", "--source", FORGE, *words).ok()
    assert any(" ".join(line.split()).startswith(row) for line in done.stdout.splitlines())


def test_a_python_is_not_offered_where_a_partner_is_beyond_the_driver(
    at_both, conda_in_process, monkeypatch
):
    """Every other Python was, and all were refused alike."""
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.8")
    words = ("pytorch=2.12", "torchvision", "--cuda-compat", "strict", "--python", "3.13")
    done = conda_in_process("torch-install", "-d", "--json", "-n", "new", *words, *on("win-64"))
    hints = {hint["hint_code"] for hint in done.json()["guidance"]["hints"]}
    assert {"use_minor", "drop_partner"} <= hints
    assert "use_python" not in hints
