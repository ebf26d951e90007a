"""The plugin settings: from files and variables, on every conda, and what follows from them."""

from __future__ import annotations

import json

import pytest
from conda.base.context import Context, context
from support.isolation import reset_conda

from conda_torchmirror.exceptions.mirror import BadSetting
from conda_torchmirror.mirrors.registry import DEFAULT_MIRRORS, built_in
from conda_torchmirror.mirrors.urls import MirrorError
from conda_torchmirror.redirect import settings
from conda_torchmirror.redirect.settings import Settings

LAB = {"lab": {"roots": ["https://lab.example/anaconda"], "channels": {"pytorch": None}}}


@pytest.mark.parametrize(
    ("written", "name", "value"),
    [
        ({"torchmirror_auto": False}, "auto", False),
        ({"torchmirror_mirrors": ["nju", "tuna"]}, "mirrors", ("nju", "tuna")),
        ({"torchmirror_sources": ["pytorch", "wheels"]}, "sources", ("pytorch", "wheels")),
        ({"torchmirror_fallback": False}, "fallback", False),
        ({"torchmirror_flexible": False}, "flexible", False),
        ({"torchmirror_http": True}, "http", True),
        ({"torchmirror_registry": "~/mirrors.yml"}, "registry", "~/mirrors.yml"),
        ({"torchmirror_only": ["Lab"]}, "only", ("lab",)),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_condarc_sets_it(condarc, written, name, value):
    assert getattr(settings.read(), name) == getattr(Settings(), name)
    condarc(plugins=written)
    assert getattr(settings.read(), name) == value


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("AUTO", "false", "auto", False),
        ("MIRRORS", "nju, tuna", "mirrors", ("nju", "tuna")),
        ("SOURCES", "conda-forge,wheels", "sources", ("conda-forge", "wheels")),
        ("INSTALLER", "uv", "installer", "uv"),
        ("HTTP", "yes", "http", True),
        ("ONLY", "lab", "only", ("lab",)),
    ],
)
def test_the_environment_sets_it(sandbox, monkeypatch, variable, text, name, value):
    monkeypatch.setenv(f"CONDA_PLUGINS_TORCHMIRROR_{variable}", text)
    reset_conda()
    assert getattr(settings.read(), name) == value


@pytest.mark.parametrize("own", ["pytorch", "conda-forge,pytorch", "pytorch,wheels"])
def test_a_variable_narrows_the_sources_of_a_file(condarc, monkeypatch, own):
    """Conda joins the lists of a file and a variable, so that one could only add wheels."""
    condarc(plugins={"torchmirror_sources": ["conda-forge", "pytorch", "wheels"]})
    monkeypatch.setenv("CONDA_PLUGINS_TORCHMIRROR_SOURCES", own)
    reset_conda()
    assert settings.read().sources == tuple(own.split(","))


def test_without_any_the_defaults_hold_and_conda_types_nothing(sandbox, monkeypatch):
    def refuse(self: object) -> None:
        raise AssertionError("asked")

    monkeypatch.delenv("CONDA_PLUGINS_TORCHMIRROR_CHECK_HASHES", raising=False)
    reset_conda()
    monkeypatch.setattr(Context, "plugins", property(refuse))
    assert vars(settings.read()) == {}


def test_conda_lists_each_with_its_meaning(sandbox, run_conda):
    declared = {setting.name: setting for setting in settings.declared()}
    assert set(declared) == {settings.PREFIX + name for name in settings.DESCRIPTIONS}
    assert all(setting.description for setting in declared.values())
    for name in declared:
        assert hasattr(context.plugins, name)


def system(sandbox, **plugins: object) -> None:
    """Write the administrator's rc file."""
    folder = sandbox.system / "etc"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"  {name}: {value}" for name, value in plugins.items()]
    (folder / ".condarc").write_text("\n".join(["plugins:", *lines]) + "\n")
    reset_conda()


@pytest.mark.parametrize(
    ("theirs", "ours", "allowed"),
    [
        pytest.param("[lab]", None, ("lab",), id="the-system-alone"),
        pytest.param("[lab]", ["tuna"], ("lab",), id="a-user-cannot-widen"),
        pytest.param("[lab, tuna]", ["tuna"], ("tuna",), id="a-user-can-narrow"),
        pytest.param("[lab]  #!final", ["tuna"], ("lab",), id="final"),
    ],
)
def test_what_an_administrator_allows_binds(sandbox, condarc, theirs, ours, allowed):
    if ours:
        condarc(plugins={"torchmirror_only": ours})
    system(sandbox, torchmirror_only=theirs)
    assert settings.read().only == allowed


def test_the_environment_cannot_widen_it_either(sandbox, monkeypatch):
    monkeypatch.setenv("CONDA_PLUGINS_TORCHMIRROR_ONLY", "tuna,nju")
    system(sandbox, torchmirror_only="[lab]")
    assert settings.read().only == ("lab",)


@pytest.mark.parametrize(
    ("asked", "chosen", "expected"),
    [
        pytest.param((), Settings(), ("tuna", "nju"), id="nothing-set"),
        pytest.param((), Settings(mirrors=("nju",)), ("nju",), id="setting"),
        pytest.param(("sjtu",), Settings(mirrors=("nju",)), ("sjtu",), id="asked-for"),
        pytest.param(("auto",), Settings(), ("tuna", "nju", "sjtu", "sustech", "ustc"), id="auto"),
        pytest.param(
            ("ustc", "auto"),
            Settings(),
            ("ustc", "tuna", "nju", "sjtu", "sustech"),
            id="auto-after-one",
        ),
        pytest.param(
            (), Settings(registry=json.dumps(LAB)), ("lab", "tuna", "nju"), id="own-first"
        ),
        pytest.param(
            (), Settings(registry=json.dumps(LAB), only=("lab",)), ("lab",), id="only-lab"
        ),
        pytest.param(
            (), Settings(mirrors=("nju",), only=("tuna",)), ("tuna",), id="setting-not-allowed"
        ),
        pytest.param((), Settings(mirrors=("upstream",)), ("upstream",), id="upstream"),
        pytest.param(("TUNA",), Settings(), ("tuna",), id="case"),
        pytest.param(
            ("https://M.example/Cloud",), Settings(), ("https://M.example/Cloud",), id="url"
        ),
    ],
)
def test_preference(asked, chosen, expected):
    assert settings.preference(asked, chosen, settings.registry(chosen)) == expected


def test_a_mirror_that_is_asked_for_and_not_allowed_is_an_error():
    with pytest.raises(MirrorError, match="no other mirrors than nju"):
        settings.preference(("tuna",), Settings(only=("nju",)), built_in())


def test_a_url_may_be_what_is_allowed():
    """It was dropped, and everything came from upstream."""
    only = Settings(only=("https://m.example/cloud",))
    assert settings.preference((), only, built_in()) == ("https://m.example/cloud",)


def test_the_default_is_tuna_first_and_never_has_nvidia():
    assert DEFAULT_MIRRORS[0] == "tuna"
    for name in DEFAULT_MIRRORS:
        mirror = built_in()[name]
        assert mirror.confidence["conda"] == "certain"
        assert "conda" in mirror.chosen
        assert mirror.url_of("nvidia", "linux-64") is None
    carried = [built_in()[name] for name in DEFAULT_MIRRORS]
    for channel in ("pytorch", "conda-forge", "pkgs/main", "pkgs/r", "pkgs/msys2"):
        assert any(mirror.url_of(channel, "win-64") for mirror in carried)


@pytest.mark.parametrize("held", ["", " 3", " [a]", " text"], ids=["nothing", "3", "list", "text"])
def test_plugins_that_is_no_map_sets_nothing(sandbox, held):
    sandbox.condarc.write_text(f"plugins:{held}\n")
    reset_conda()
    assert settings.read().auto
    assert settings.source_of("torchmirror_auto") is None


@pytest.mark.parametrize("held", [None, 3, ["a"]], ids=["nothing", "3", "list"])
def test_nor_does_it_hide_what_another_file_sets(sandbox, condarc, held):
    """Conda cannot merge the two, and would end with an error of its own."""
    condarc(plugins=held)
    system(sandbox, torchmirror_auto="false")
    assert not settings.read().auto
    assert settings.source_of("torchmirror_auto") == str(sandbox.system / "etc" / ".condarc")


def test_a_key_with_nothing_under_it_is_no_source_of_a_channel(sandbox, condarc):
    own = condarc(custom_channels={"pytorch": "https://mine.invalid/cloud"})
    system = sandbox.system / "etc" / ".condarc"
    system.parent.mkdir(parents=True, exist_ok=True)
    for path, text in ((system, own.read_text()), (own, "custom_channels:\n")):
        path.write_text(text)
    reset_conda()
    assert settings.source_of("custom_channels", "pytorch") == str(system)


BAD = {
    "truth": ({"torchmirror_auto": "perhaps"}, "true or false, not 'perhaps'"),
    "truth-list": ({"torchmirror_auto": [True]}, "true or false, not a list or a map"),
    "truth-nothing": ({"torchmirror_auto": None}, "true or false, not an empty value"),
    "list-map": ({"torchmirror_mirrors": {"a": "b"}}, "a list of names"),
    "list-text": ({"torchmirror_mirrors": "nju"}, "a list of names"),
    "list-nothing": ({"torchmirror_mirrors": None}, "a list of names"),
    "list-numbers": ({"torchmirror_mirrors": [1]}, "a list of names"),
    "list-nested": ({"torchmirror_only": [["lab"]]}, "a list of names"),
    "only-map": ({"torchmirror_only": {"lab": 1}}, "a list of names"),
    "registry-map": ({"torchmirror_registry": LAB}, "one text"),
    "registry-list": ({"torchmirror_registry": ["a"]}, "one text"),
    "registry-nothing": ({"torchmirror_registry": None}, "one text"),
}


@pytest.mark.parametrize(("written", "said"), BAD.values(), ids=BAD)
def test_a_value_of_another_shape_is_named_with_its_file(sandbox, condarc, written, said):
    condarc(plugins=written)
    with pytest.raises(BadSetting) as caught:
        settings.read()
    assert next(iter(written)) in str(caught.value.message)
    assert str(sandbox.condarc) in str(caught.value.message)
    assert said in caught.value.dump_map()["guidance"]["cause"]


@pytest.mark.parametrize(("written", "said"), BAD.values(), ids=BAD)
def test_it_stands_in_no_other_commands_way(condarc, conda_in_process, written, said):
    """Conda's own go on, mirrors can be turned off, and our commands end without a traceback."""
    condarc(plugins=written, channels=["pytorch"])
    name = next(iter(written))
    done = conda_in_process("info").ok()
    assert "https://conda.anaconda.org/pytorch" in done.stdout
    assert name in done.stderr
    assert said in done.stderr
    assert "Next steps" not in done.stderr
    for words in (("status",), ("list",), ("enable", "pytorch")):
        failed = conda_in_process("torch-mirror", *words)
        assert failed.rc == 1
        assert said in " ".join(failed.stderr.split())
        assert "Traceback" not in failed.stderr
    assert name in conda_in_process("torch-mirror", "disable").ok().stdout
    assert conda_in_process("info").ok().stdout
    conda_in_process("torch-mirror", "enable", "--hook-only").ok()


def test_a_variable_is_named_as_it_is_set(sandbox, monkeypatch):
    monkeypatch.setenv("CONDA_PLUGINS_TORCHMIRROR_AUTO", "perhaps")
    reset_conda()
    with pytest.raises(BadSetting) as caught:
        settings.read()
    assert "in CONDA_PLUGINS_TORCHMIRROR_AUTO cannot be used" in str(caught.value.message)


#: Of every setting, a value that is not the default, as a variable has it.
OTHER = {
    "auto": "false",
    "mirrors": "nju,tuna",
    "fallback": "false",
    "flexible": "false",
    "source": "conda-forge",
    "sources": "pytorch,wheels",
    "installer": "uv",
    "check": "false",
    "check_hashes": "false",
    "http": "true",
    "registry": "/mirrors.yml",
    "only": "nju,tuna",
    "language": "zh",
}


@pytest.fixture
def alone(sandbox, monkeypatch):
    """No setting of ours by variable."""
    for name in settings.DESCRIPTIONS:
        monkeypatch.delenv(f"CONDA_PLUGINS_TORCHMIRROR_{name.upper()}", raising=False)


@pytest.mark.parametrize("name", settings.DESCRIPTIONS)
def test_a_variable_and_a_file_mean_the_same(alone, condarc, monkeypatch, name):
    default, text = getattr(Settings, name), OTHER[name]
    value = text.split(",") if isinstance(default, tuple) else yaml_of(text)
    condarc(plugins={f"torchmirror_{name}": value})
    by_file = getattr(settings.read(), name)
    condarc()
    monkeypatch.setenv(f"CONDA_PLUGINS_TORCHMIRROR_{name.upper()}", text)
    reset_conda()
    assert getattr(settings.read(), name) == by_file != default


def yaml_of(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text, text)


@pytest.mark.parametrize("empty", ["", "  "])
@pytest.mark.parametrize("name", settings.DESCRIPTIONS)
def test_an_empty_variable_is_not_set(alone, condarc, monkeypatch, name, empty):
    """Conda takes it for false, so that an emptied variable would lift the check of hashes."""
    monkeypatch.setenv(f"CONDA_PLUGINS_TORCHMIRROR_{name.upper()}", empty)
    reset_conda()
    assert getattr(settings.read(), name) == getattr(Settings, name)
    text = OTHER[name]
    listed = isinstance(getattr(Settings, name), tuple)
    condarc(plugins={f"torchmirror_{name}": text.split(",") if listed else yaml_of(text)})
    reset_conda()
    assert getattr(settings.read(), name) != getattr(Settings, name)
    assert str(settings.source_of(f"torchmirror_{name}")).endswith("condarc")


@pytest.mark.parametrize("word", ["0", "1", "on", "No", "TRUE"])
def test_words_for_true_and_false_are_condas(sandbox, monkeypatch, word):
    monkeypatch.setenv("CONDA_PLUGINS_TORCHMIRROR_AUTO", word)
    reset_conda()
    assert settings.read().auto == (word in ("1", "on", "TRUE"))
