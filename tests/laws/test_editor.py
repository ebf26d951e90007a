"""What holds for every environment file: the way back, doing it twice, and nothing else changed."""

from __future__ import annotations

import pytest
from fuzz import environments as made
from fuzz import laws
from hypothesis import given, settings
from hypothesis import strategies as st

from conda_torchmirror.envfiles.rewrite import rewrite

#: A machine that is shared takes its time.
unhurried = settings(deadline=None)

preferences = st.sampled_from(made.PREFERENCES)
JUNK = ("\t", "{{ x }}", "{% if a %}\n", "'", '"', "\r", "\n", "- ", "\x0b", ":", "#", "*a", "&a ")
subdirs = st.sampled_from([None, *made.SUBDIRS])


@given(made.environment_files(), preferences, st.booleans(), subdirs)
@unhurried
def test_the_way_back_restores_an_upstream_file(
    data: bytes, preference: tuple[str, ...], pip: bool, subdir: str | None
) -> None:
    there, back = laws.both(preference, subdir)
    rewritten = rewrite(data, there, pip=pip)
    assert rewritten.refused is None
    assert rewrite(rewritten.data, back, pip=pip).data == data


@given(
    made.environment_files(mirrored=True) | made.explicit_files() | made.requirement_files(),
    preferences,
    st.booleans(),
    subdirs,
)
@unhurried
def test_laws_of_any_file(
    data: bytes, preference: tuple[str, ...], pip: bool, subdir: str | None
) -> None:
    laws.check(data, preference, pip, subdir)


@given(made.explicit_files() | made.requirement_files(), preferences)
@unhurried
def test_the_way_back_of_lists(data: bytes, preference: tuple[str, ...]) -> None:
    there, back = laws.both(preference)
    rewritten = rewrite(data, there, pip=True)
    assert rewritten.refused is None
    assert rewrite(rewritten.data, back, pip=True).data == data


@given(made.environment_texts(mirrored=True), st.data())
@unhurried
def test_broken_files_keep_the_laws(text: str, data: st.DataObject) -> None:
    """A character put anywhere: most of these are no YAML any more."""
    at = data.draw(st.integers(0, len(text)))
    junk = data.draw(
        st.sampled_from(["\t", "{{ x }}", "{% if a %}\n", "'", "\r", "- ", "\x0b", ":"])
    )
    laws.check((text[:at] + junk + text[at:]).encode(), ("tuna",), True)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@unhurried
def test_any_bytes_are_survived(data: bytes) -> None:
    laws.check(data, ("tuna",), True)


@made.needs_real
@pytest.mark.parametrize(
    "preference",
    [
        made.PREFERENCES[0],
        *(pytest.param(one, marks=pytest.mark.slow) for one in made.PREFERENCES[1:]),
    ],
    ids=str,
)
def test_laws_of_the_real_files(preference: tuple[str, ...]) -> None:
    files = made.real_files()
    assert len(files) == 65
    for path in files:
        laws.check(path.read_bytes(), preference, pip=True)


@made.needs_real
def test_every_real_file_is_understood() -> None:
    there, back = laws.both(("tuna",))
    for path in made.real_files():
        data = path.read_bytes()
        rewritten = rewrite(data, there)
        assert rewritten.kind == "environment", path.name
        assert rewritten.refused is None, path.name
        if not rewrite(data, back).edits:
            assert rewrite(rewritten.data, back).data == data, path.name
