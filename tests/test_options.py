"""Options as words: what the parser reads of them is what they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.offered import changed, read

from conda_torchmirror.install import request
from conda_torchmirror.models import Request
from conda_torchmirror.options import ALONE, NEW, InstallOptions, again, listing, words
from conda_torchmirror.selection.plan import offered

_NAMES = st.sampled_from(("pytorch=2.5", "torchvision", "numpy<2", "conda-forge::tqdm", "a b"))
_PASSED = (
    ("--no-pin",),
    ("--solver", "classic"),
    ("--freeze-installed",),
    ("--repodata-fn", "a.json", "--repodata-fn", "b.json"),
    ("--offline",),
    ("--insecure",),
    ("--strict-channel-priority",),
)
#: Endings by what they set together.
_ENDS = (
    {},
    {"dry_run": True},
    {"dry_run": True, "solve": True},
    {"action": "list"},
    {"action": "urls", "urls": "plain"},
    {"action": "urls", "urls": "aria2", "solve": True},
    {"action": "print", "tool": "pixi"},
    {"action": "save", "save": "d e", "with_packages": True},
    {"action": "save", "save": "d", "urls": "plain", "dry_run": True},
    {"action": "download", "download": True},
    {"action": "install", "check": False},
)


@st.composite
def _options(draw) -> InstallOptions:
    maybe = st.lists(_NAMES, max_size=3, unique=True)
    channels = tuple(draw(st.lists(st.sampled_from(("own", "https://a.b/c")), max_size=2)))
    alone = bool(channels) and draw(st.booleans())
    passed = tuple(draw(st.lists(st.sampled_from(_PASSED), max_size=4, unique=True)))
    where = draw(st.sampled_from(({}, {"name": "new"}, {"prefix": "/a b/c"})))
    found = {**where, **draw(st.sampled_from(_ENDS))}
    return InstallOptions(
        specs=tuple(draw(maybe)),
        files=tuple(draw(st.lists(st.sampled_from(("a.yml", "b c.yml")), max_size=2))),
        subdir=draw(st.sampled_from((None, "win-64"))),
        channels=channels,
        override_channels=alone,
        cuda=draw(st.sampled_from(("auto", "12.4", "cpu"))),
        cuda_compat=draw(st.sampled_from(("minor", "strict"))),
        python=draw(st.sampled_from((None, "3.12"))),
        source=draw(st.sampled_from(("", "auto", "pytorch"))),
        allow_cpu=draw(st.booleans()),
        mirrors=tuple(draw(st.lists(st.sampled_from(("nju", "upstream")), max_size=2))),
        fallback=draw(st.booleans()),
        check_upstream=draw(st.booleans()),
        machines=tuple(draw(st.sampled_from(((), ("a.json",), ("a.json", "b.json"))))),
        passed=passed + ((("--override-channels",),) if alone else ()),
        **found,
    )


@given(_options())
def test_words_are_read_as_the_options_that_they_are_of(asked):
    line = words(asked)
    assert line[:2] == ["conda", "torch-install"]
    assert changed(asked, read(line[2:])) == set()


@given(_options())
def test_a_list_reads_the_same_channels_for_the_same_machine(asked):
    found = listing(asked)
    assert changed(found, read(words(found)[2:])) == set()
    for name in ("subdir", "cuda", "source", "mirrors", "fallback", "machines"):
        assert getattr(found, name) == getattr(asked, name)


def test_defaults_are_not_said():
    assert words(InstallOptions()) == ["conda", "torch-install"]
    talk = InstallOptions(as_json=True, explain=True, passed=(("--yes",), ("--verbose",) * 2))
    assert words(talk) == ["conda", "torch-install"]


def test_wheel_files_say_which_source_it_is():
    given = InstallOptions(source="wheels", wheel_dir="d")
    assert words(given) == ["conda", "torch-install", "--wheel-dir", "d"]


# What is asked for differently stands in other words, and nothing else does


def _bare(asked: Request) -> Request:
    return asked._replace(specs={name: (name,) for name in asked.specs}, pins=())


@pytest.mark.parametrize(
    ("typed", "opened"),
    [
        ("pytorch=2.5 samtools torchvision=0.20", "pytorch samtools torchvision"),
        ("torch==2.4.1+cu121", "pytorch"),
        ("pytorch::pytorch=2.5 scipy", "pytorch scipy"),
        ("pytorch>=2 pytorch<2.4", "pytorch"),
        ("pytorch-gpu", "pytorch"),
        ("scipy", "scipy"),
    ],
)
def test_opened_specs_replace_their_own_words(typed, opened):
    asked = InstallOptions(specs=tuple(typed.split()), mirrors=("nju",))
    before = request.of(asked, "auto")
    assert again(asked, before, before) == asked
    found = again(asked, before, _bare(before))
    assert " ".join(found.specs) == opened
    assert found._replace(specs=()) == asked._replace(specs=())


def test_another_python_replaces_the_one_that_was_typed():
    for asked in (
        InstallOptions(specs=("python=3.13", "pytorch")),
        InstallOptions(specs=("pytorch",), python="3.13"),
    ):
        before = request.of(asked, "auto")
        found = again(asked, before, before, python="3.12", new=True)
        assert offered(found) == f"conda torch-install -n {NEW} --python 3.12 pytorch"


def test_the_release_of_an_environment_is_named_for_a_new_one():
    asked = InstallOptions(specs=("scipy",), name="lab")
    made = request.of(asked, "auto")
    kept = made._replace(specs={**made.specs, "pytorch": ("pytorch==2.5.1",)})
    assert again(asked, kept, kept).specs == ("scipy",)
    assert again(asked, kept, kept, new=True).specs == ("scipy", "pytorch==2.5.1")


@pytest.mark.parametrize(
    ("source", "kept", "channels"),
    [
        ("conda-forge", ("own",), ("own",)),
        ("conda-forge", (), ("conda-forge",)),
        ("auto", (), ()),
    ],
)
def test_channels_alone_are_some_channels(source, kept, channels):
    """Conda takes no `--override-channels` without a channel, which was offered."""
    asked = InstallOptions(channels=("pytorch", "own"), override_channels=True)
    before = request.of(asked, "auto")
    after = before._replace(source=source, channels=(*kept, ALONE))
    found = again(asked, before, after)
    assert found.channels == channels
    assert found.override_channels is bool(channels)


def test_a_part_of_the_default_set_is_asked_for_with_the_rest():
    before = request.make([])
    one = before._replace(specs={**before.specs, "pytorch": ("pytorch=2.1",)})
    found = again(InstallOptions(), before, one)
    assert found.specs == ("pytorch=2.1", "torchvision")
    every = again(InstallOptions(), before, one._replace(wishes=()))
    assert every.specs == ("pytorch=2.1", "torchvision", "torchaudio")
