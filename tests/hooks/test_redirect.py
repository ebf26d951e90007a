"""The automatic redirect: real commands of conda, and servers that log who was asked.

Nothing but loopback can be reached, and every try is recorded: a channel that is not redirected
shows as a refused host, and fails the test that did not expect it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from support.isolation import reset_conda
from support.lab import entry, hosts

from conda_torchmirror.hooks import commands, redirect
from conda_torchmirror.mirrors import lookup
from conda_torchmirror.mirrors import registry as registry_module
from conda_torchmirror.redirect import in_process, named_channels, policy, settings

pytest_plugins = ("support.lab_fixtures",)

UPSTREAM = {"conda.anaconda.org", "repo.anaconda.com"}
FILES = {
    "names": "name: new\nchannels:\n  - pytorch\n  - nodefaults\ndependencies:\n  - from-pytorch\n",
    "urls": "channels: ['https://conda.anaconda.org/pytorch', https://conda.anaconda.org/conda-forge/]\n"
    "dependencies: [from-pytorch, from-conda-forge]\n",
    "specs": "channels:\n- conda-forge   # first\n- pytorch\ndependencies:\n"
    "- pytorch::from-pytorch\n- conda-forge::from-conda-forge\n",
    "label": "channels:\n  - nvidia/label/cuda-12.4.0\ndependencies:\n"
    "  - from-nvidia-label-cuda-12-4-0\n",
    "defaults": "channels: [defaults]\ndependencies: [from-pkgs-main, from-pkgs-r]\n",
    "pkgs-url": "channels: [https://repo.anaconda.com/pkgs/main]\ndependencies: [from-pkgs-main]\n",
}

COMMANDS = {
    "create": ("create", "-n", "new", "-c", "pytorch", "from-pytorch"),
    "create-spec": ("create", "-n", "new", "pytorch::from-pytorch"),
    "create-url": (
        "create",
        "-n",
        "new",
        "-c",
        "https://conda.anaconda.org/pytorch",
        "from-pytorch",
    ),
    "create-url-subdir": (
        *("create", "-n", "new", "-c", "https://conda.anaconda.org/pytorch/linux-64"),
        "pytorch::from-pytorch",
    ),
    "create-url-spec": ("create", "-n", "new", "https://conda.anaconda.org/pytorch::from-pytorch"),
    "create-http": (
        "create",
        "-n",
        "new",
        "-c",
        "http://conda.anaconda.org/pytorch",
        "from-pytorch",
    ),
    "create-bracket": ("create", "-n", "new", "from-pytorch[channel=pytorch]"),
    "create-label": (
        *("create", "-n", "new", "-c", "nvidia/label/cuda-12.4.0"),
        "from-nvidia-label-cuda-12-4-0",
    ),
    "create-defaults": ("create", "-n", "new", "-c", "defaults", "from-pkgs-main", "from-pkgs-r"),
    "create-pkgs": ("create", "-n", "new", "-c", "pkgs/main", "from-pkgs-main"),
    "create-other": ("create", "-n", "new", "-c", "bioconda", "from-bioconda"),
    "install": ("install", "-n", "have", "-c", "conda-forge", "from-conda-forge"),
    "update": ("update", "-n", "have", "-c", "pytorch", "--all"),
    "search": ("search", "-c", "pytorch", "from-pytorch"),
    "search-spec": ("search", "conda-forge::from-conda-forge"),
    "search-url": ("search", "https://conda.anaconda.org/pytorch::from-pytorch"),
}
CHANGES = ("create", "install", "update")


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_ask_the_mirror_alone(at_lab, lab, installed, conda_in_process, sandbox, name):
    words = COMMANDS[name]
    lab.requests.clear()
    options = ("--dry-run",) if words[0] in CHANGES else ()
    override = () if "defaults" in name or "-c" not in words else ("--override-channels",)
    at_lab(channels=None if override else ["conda-forge"])
    result = conda_in_process(*words, *override, *options)
    print(result)
    assert not hosts(sandbox)
    assert lab.asked("*/repodata.json*")
    assert result.rc == 0


@pytest.mark.parametrize("name", FILES)
def test_environment_files_need_no_edit(at_lab, lab, run_conda, sandbox, tmp_path, name):
    import conda

    new = int(conda.__version__.split(".")[0]) >= 25
    text = FILES[name]
    if new:  # conda 26.7 asks its servers for a channel of this name
        text = text.replace("  - nodefaults\n", "")
    at_lab(channels=["defaults"] if name == "defaults" else None)
    file = tmp_path / "environment.yml"
    file.write_text(text)
    where = () if "name:" in text else ("-p", sandbox.envs / "new")
    result = run_conda("env", "create", "-f", file, *where)
    print(result)
    assert result.rc == 0
    assert not hosts(sandbox)
    assert lab.asked("*.tar.bz2")
    listed = run_conda("list", "-p", sandbox.envs / "new", "--json").json()
    assert {package["channel"] for package in listed} <= {
        *("pytorch", "conda-forge", "pkgs/main", "pkgs/r", "nvidia/label/cuda-12.4.0")
    }
    lab.requests.clear()
    run_conda("env", "update", "-f", file, "-p", sandbox.envs / "new").ok()
    assert not hosts(sandbox)
    assert lab.asked("*/repodata.json*")


@pytest.mark.parametrize("name", ["create", "create-url", "create-spec", "search", "install"])
def test_turned_off_no_mirror_is_asked(at_lab, lab, installed, conda_in_process, sandbox, name):
    lab.requests.clear()
    at_lab({"torchmirror_auto": False}, channels=["conda-forge"])
    conda_in_process(*COMMANDS[name])
    assert hosts(sandbox) & UPSTREAM
    assert not lab.requests


def test_export_names_the_channel_and_not_the_mirror(installed, run_conda, lab):
    for command in (("export",), ("env", "export")):
        text = run_conda(*command, "-p", installed).ok().stdout
        assert re.search(r"channels:\n *- pytorch\n", text)
        assert str(lab.port) not in text
    listed = run_conda("list", "-p", installed, "--show-channel-urls").ok().stdout
    assert re.search(r"from-pytorch .* pytorch *$", listed, re.MULTILINE)
    assert str(lab.port) not in listed


def test_commands_that_only_look_at_what_is_installed(
    installed, lab, run_conda, sandbox, tmp_path, at_lab
):
    lab.requests.clear()
    file = tmp_path / "environment.yml"
    file.write_text("channels: [pytorch]\ndependencies: [from-pytorch]\n")
    run_conda("compare", "-p", installed, file).ok()
    run_conda("doctor", "-p", installed)
    run_conda("rename", "-p", installed, sandbox.envs / "other").ok()
    run_conda("remove", "-y", "-q", "-p", sandbox.envs / "other", "--all").ok()
    assert not hosts(sandbox)
    assert not (sandbox.envs / "other" / "conda-meta" / "history").exists()


def test_packages_of_defaults_are_not_reinstalled(at_lab, lab, run_conda, sandbox):
    """An environment from before the redirect: its records name upstream."""
    prefix = sandbox.envs / "old"
    at_lab(channels=["defaults"])
    run_conda("create", "-y", "-q", "-p", prefix, "from-pkgs-main").ok()
    for file in (prefix / "conda-meta").glob("*.json"):
        text = file.read_text()
        file.write_text(text.replace(f"{lab.url}/anaconda", "https://repo.anaconda.com"))
        assert "repo.anaconda.com/pkgs/main" in file.read_text()
    for words in (("install", "from-pkgs-r"), ("update", "--all")):
        found = run_conda(*words, "-p", prefix, "--dry-run", "--json").json()
        linked = {package["name"] for package in found.get("actions", {}).get("LINK", ())}
        assert "from-pkgs-main" not in linked
    listed = run_conda("list", "-p", prefix, "--show-channel-urls").ok().stdout
    assert re.search(r"from-pkgs-main .* defaults *$", listed, re.MULTILINE)
    assert not hosts(sandbox)


LINE = "torchmirror: pytorch from lab (conda torch-mirror disable turns this off)\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param((), LINE, id="plain"),
        pytest.param(("--json",), "", id="json"),
        pytest.param(("-q",), "", id="quiet"),
    ],
)
def test_one_line_says_what_was_redirected(at_lab, conda_in_process, words, said):
    command = ("create", "-n", "new", "-c", "pytorch", "--override-channels", "--dry-run")
    result = conda_in_process(*command, "from-pytorch", *words)
    assert [line for line in result.stderr.splitlines(True) if "torchmirror" in line] == (
        [said] if said else []
    )
    assert "torchmirror" not in result.stdout


def test_nothing_redirected_nothing_said(at_lab, conda_in_process, tmp_path, small):
    at_lab(channels=[(small / "pytorch").as_uri()])
    result = conda_in_process("create", "-n", "new", "--dry-run", "from-pytorch").ok()
    assert "torchmirror" not in result.stderr


def test_what_another_mirror_has_is_told(at_lab, conda_in_process, sandbox, lab):
    at_lab({"torchmirror_registry": entry(lab), "torchmirror_mirrors": ["lab"]})
    registry = json.loads(entry(lab))
    registry["lab"]["channels"].pop("nvidia")
    at_lab({"torchmirror_registry": json.dumps(registry), "torchmirror_mirrors": ["lab"]})
    result = conda_in_process("search", "-c", "pytorch", "-c", "nvidia", "--override-channels", "x")
    lines = [line for line in result.stderr.splitlines() if "torchmirror" in line]
    assert lines == [
        LINE.strip(),
        "torchmirror: nvidia from upstream; sustech has it:"
        " plugins.torchmirror_mirrors: [lab, sustech]",
    ]
    assert hosts(sandbox) == {"conda.anaconda.org"}


def state() -> tuple[Any, ...]:
    """Everything that the redirect changes in this process."""
    from conda.base import context as module
    from conda.models.channel import Channel

    ours = sorted(name for name in os.environ if name.startswith("TORCHMIRROR_PARENT"))
    names = ("pytorch", "defaults", "https://conda.anaconda.org/pytorch", "nvidia/label/x")
    return (
        module.SEARCH_PATH,
        module.Context.custom_multichannels,
        ours,
        dict(module.context.custom_channels),
        [Channel(name).urls() for name in names],
    )


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("create", "-n", "x", "-c", "pytorch", "from-pytorch", "-d"), id="dry-run"),
        pytest.param(("search", "-c", "pytorch", "not-there"), id="failing"),
        pytest.param(("info",), id="info"),
    ],
)
def test_a_long_lived_process_is_as_before(at_lab, words):
    from conda.cli.main import main_subshell

    at_lab(channels=["defaults", "pytorch"])
    before = state()
    for _ in range(2):
        try:
            main_subshell(*words)
        except Exception:
            in_process.undo()  # what the next command does
        assert state() == before


def test_another_command_of_the_process_sees_conda_as_it_is(at_lab, capsys, sandbox):
    from conda.cli.main import main_subshell

    before = state()
    with pytest.raises(Exception, match="not-there"):
        main_subshell("search", "-c", "pytorch", "--override-channels", "not-there")
    assert in_process.active()
    capsys.readouterr()
    main_subshell("config", "--show-sources")
    assert "redirect" not in capsys.readouterr().out
    assert state() == before


def test_redirecting_twice_is_redirecting_once(at_lab, lab):
    from argparse import Namespace

    from conda.base.context import context
    from conda.models.channel import Channel

    plain = state()
    above = f"{lab.url}/anaconda/cloud"
    for _ in range(2):
        in_process.apply([("pytorch", above, False)], Namespace(**context._argparse_args))
        assert Channel("pytorch").base_url == f"{above}/pytorch"
    in_process.undo()
    in_process.undo()
    assert state() == plain


def urls_during(words: tuple[str, ...]) -> dict[str, list[str]]:
    """What names resolve to while a command runs, by the hook that conda itself calls."""
    from conda.base.context import context
    from conda.cli.conda_argparse import generate_parser
    from conda.models.channel import Channel

    context.__init__(argparse_args=generate_parser().parse_args(words))
    redirect.before(words[0])
    names = ("pytorch", "conda-forge", "nvidia", "defaults", "https://conda.anaconda.org/pytorch")
    try:
        return {name: [str(url) for url in Channel(name).base_urls] for name in names}
    finally:
        redirect.after(words[0])


ALL = ("create", "-n", "x", "-c", "pytorch", "-c", "conda-forge", "-c", "nvidia", "-c", "defaults")


def test_a_users_own_channels_win(at_lab, lab):
    at_lab(custom_channels={"pytorch": "https://mine.invalid/cloud"})
    found = urls_during(ALL)
    assert found["pytorch"] == ["https://mine.invalid/cloud/pytorch"]
    assert found["conda-forge"] == [f"{lab.url}/anaconda/cloud/conda-forge"]
    assert found["defaults"] == [f"{lab.url}/anaconda/pkgs/main", f"{lab.url}/anaconda/pkgs/r"]


def test_the_builtin_mapping_stays(at_lab):
    from conda.models.channel import Channel

    def base() -> str:
        return str(Channel("pkgs/pro").base_url)

    before = base()
    from conda.base.context import context
    from conda.cli.conda_argparse import generate_parser

    context.__init__(argparse_args=generate_parser().parse_args(ALL))
    redirect.before("create")
    assert in_process.active()
    assert base() == before == "https://repo.anaconda.com/pkgs/pro"


@pytest.mark.parametrize("source", ["condarc", "environment"])
def test_default_channels_that_are_set_are_left_alone(at_lab, lab, monkeypatch, source):
    if source == "condarc":
        at_lab(default_channels=["https://mine.invalid/main"])
    else:
        monkeypatch.setenv("CONDA_DEFAULT_CHANNELS", "https://mine.invalid/main")
    found = urls_during(ALL)
    assert found["defaults"] == ["https://mine.invalid/main"]
    assert found["pytorch"] == [f"{lab.url}/anaconda/cloud/pytorch"]


def test_an_alias_of_ones_own_is_left_alone(at_lab, lab):
    at_lab(channel_alias="https://mine.invalid/conda")
    found = urls_during(ALL)
    assert found["pytorch"] == ["https://mine.invalid/conda/pytorch"]
    assert found["https://conda.anaconda.org/pytorch"] == ["https://conda.anaconda.org/pytorch"]


def _has_denylist() -> bool:
    from conda.base.context import context

    return hasattr(context, "denylist_channels")


@pytest.mark.parametrize(
    ("lists", "redirected"),
    [
        pytest.param({"allowlist_channels": ["pytorch"]}, True, id="by-name"),
        pytest.param(
            {"allowlist_channels": ["https://conda.anaconda.org/pytorch"]}, False, id="upstream-url"
        ),
        pytest.param({"allowlist_channels": ["{lab}"]}, True, id="mirror-url"),
        pytest.param({"whitelist_channels": ["conda-forge"]}, False, id="another"),
        pytest.param({"denylist_channels": ["{lab}"]}, False, id="denied"),
        pytest.param(
            {"denylist_channels": ["https://elsewhere.invalid/x"]}, True, id="other-denied"
        ),
    ],
)
def test_the_administrators_lists_are_obeyed(at_lab, lab, lists, redirected):
    here = lab.channel_url("pytorch")
    more = {key: [item.format(lab=here) for item in items] for key, items in lists.items()}
    at_lab({"torchmirror_mirrors": ["lab"]}, **more)
    if "denylist_channels" in lists and not _has_denylist():
        pytest.skip("this conda has no denylist_channels")
    around = policy.UserConfig(settings.read())
    verdict = policy.decide(["pytorch"], around)[0]
    assert verdict.code == ("mirrored" if redirected else "not_allowed")


def test_a_denied_mirror_is_left_for_the_next(at_lab, lab):
    if not _has_denylist():
        pytest.skip("this conda has no denylist_channels")
    at_lab(denylist_channels=[lab.channel_url("pytorch")])
    verdicts = policy.decide(["pytorch", "nvidia"], policy.UserConfig(settings.read()))
    assert [v.mirror for v in verdicts] == ["tuna", "lab"]


@pytest.mark.parametrize(
    "channel",
    [
        "https://conda.anaconda.org/t/secret-token/pytorch",
        "https://user:password@conda.anaconda.org/pytorch",
    ],
    ids=["token", "password"],
)
def test_credentials_never_get_to_a_mirror(at_lab, lab, conda_in_process, sandbox, channel):
    result = conda_in_process("search", "-c", channel, "--override-channels", "from-pytorch")
    assert hosts(sandbox) == {"conda.anaconda.org"}
    assert not lab.requests
    assert "torchmirror" not in result.stderr


def test_a_channel_with_an_auth_handler_is_left_alone(at_lab):
    at_lab(channel_settings=[{"channel": "pytorch", "auth": "mine"}])
    around = policy.UserConfig(settings.read())
    assert [v.code for v in policy.decide(["pytorch", "nvidia"], around)] == [
        "credentials",
        "mirrored",
    ]


def test_a_label_that_the_mirror_lacks_stays_at_upstream(at_lab, lab, conda_in_process, sandbox):
    words = ("-c", "pytorch/label/rc", "-c", "pytorch", "--override-channels")
    conda_in_process("search", *words, "from-pytorch")
    assert hosts(sandbox) == {"conda.anaconda.org"}
    assert not lab.asked("*/label/*")


def test_a_mirror_that_is_named_by_url_keeps_names(at_lab, lab):
    found = urls_during(("create", "-n", "x", "-c", lab.channel_url("pytorch")))
    assert found["pytorch"] == [lab.channel_url("pytorch")]
    elsewhere = urls_during(("create", "-n", "x", "-c", "https://other.invalid/pytorch"))
    assert elsewhere["pytorch"] == ["https://conda.anaconda.org/pytorch"]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(7), RecursionError()], ids=repr)
def test_nothing_leaves_the_hook(at_lab, conda_in_process, monkeypatch, error):
    def fail(*args: Any) -> None:
        raise error

    monkeypatch.setattr(policy, "decide", fail)
    at_lab(channels=["pytorch"])
    result = conda_in_process("info").ok()
    said = [line for line in result.stderr.splitlines() if "torchmirror" in line]
    assert said == [
        f"torchmirror: channels are read without mirrors: {type(error).__name__}"
        + (f": {error}" if str(error) else "")
    ]


def test_keyboard_interrupt_leaves_the_hook(at_lab, monkeypatch):
    def interrupt(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(policy, "decide", interrupt)
    with pytest.raises(KeyboardInterrupt):
        urls_during(ALL)


@pytest.mark.parametrize(
    "name", [f"{module}.{path}" for module, path in in_process.PRIVATE], ids=lambda n: n
)
def test_a_name_that_conda_renames_means_no_redirect(at_lab, monkeypatch, capsys, name):
    module, path = next(pair for pair in in_process.PRIVATE if ".".join(pair) == name)
    monkeypatch.setattr(in_process, "PRIVATE", ((module, f"{path}_renamed"),))
    before = state()
    found = urls_during(ALL)
    assert found["pytorch"] == ["https://conda.anaconda.org/pytorch"]
    assert f"this conda has no {name}_renamed" in capsys.readouterr().err
    assert state() == before


def test_a_conda_that_does_not_heed_us_is_left_alone(at_lab, monkeypatch, capsys, tmp_path):
    """As a conda would that calls `custom_channels` something else one day."""
    for name in ("pytorch", "conda-forge", "nvidia", "defaults"):
        (tmp_path / f"{name}.yml").write_text("{show_channel_urls: true}\n")
    monkeypatch.setattr(in_process, "REDIRECTS", tmp_path)
    before = state()
    found = urls_during(ALL)
    assert found["pytorch"] == ["https://conda.anaconda.org/pytorch"]
    assert "does not take the address of pytorch" in capsys.readouterr().err
    assert state() == before


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"torchmirror_mirrors": ["tsinghua"]}, "No mirror is named 'tsinghua'"),
        ({"torchmirror_registry": "/not/there.yml"}, "cannot be read"),
        ({"torchmirror_registry": "a: [\nb"}, "neither YAML nor JSON"),
        ({"torchmirror_auto": "perhaps"}, "torchmirror_auto"),
        ({"torchmirror_mirrors": ["http://other.invalid/cloud"]}, "is not https"),
    ],
    ids=["name", "file", "yaml", "bool", "http"],
)
def test_a_bad_setting_is_told_and_conda_goes_on(at_lab, conda_in_process, setting, said):
    at_lab(setting, channels=["pytorch"])
    result = conda_in_process("info").ok()
    assert said in result.stderr
    assert "https://conda.anaconda.org/pytorch" in result.stdout


def test_a_closed_standard_error_is_no_error(at_lab, sandbox):
    script = "import sys; sys.stderr.close(); from conda.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", script, "info", "--base"], capture_output=True, check=False
    )
    assert done.returncode == 0


#: Shell functions, which no hook is called for.
SHELL = {"activate", "deactivate"}


def test_every_command_of_this_conda_is_in_the_table():
    from argparse import _SubParsersAction

    from conda.cli.conda_argparse import generate_parser

    found: set[str] = set()

    def collect(parser: Any) -> None:
        name = parser.get_default("func")
        plugin = parser.get_default("_plugin_subcommand")
        if plugin is not None:
            found.add(plugin.name)
        elif isinstance(name, str):
            found.add(name.split(".")[-2].replace("main_", ""))
        for action in parser._actions:
            if isinstance(action, _SubParsersAction):
                for below in action.choices.values():
                    collect(below)

    collect(generate_parser())
    ours = {*commands.REDIRECTED, *commands.PLAIN}
    assert {name.removeprefix("mock_") for name in found} - ours - SHELL <= {"check", "env"}
    assert not set(commands.REDIRECTED) & commands.PLAIN
    assert {"run", "config", "clean"} <= commands.PLAIN


def test_nothing_to_redirect_imports_next_to_nothing(sandbox):
    script = (
        "import sys, json\n"
        "from conda.cli.main import main_subshell\n"
        "main_subshell('list', '-p', sys.argv[1])\n"
        "print(json.dumps([n for n in sys.modules if n.startswith('conda_torchmirror')]))\n"
    )
    prefix = sandbox.envs / "empty"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta" / "history").touch()
    env = {**os.environ, "CONDA_CHANNELS": "mine"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(prefix)],
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    light = (
        "plugin",
        "hooks",
        "hooks.commands",
        "hooks.redirect",
        "redirect",
        "redirect.named_channels",
    )
    assert loaded <= {"conda_torchmirror", *(f"conda_torchmirror.{name}" for name in light)}


def test_redirecting_imports_no_more_than_it_can_afford(sandbox, condarc):
    script = (
        "import sys, json\n"
        "from conda.base.context import context\n"
        "from conda.models.channel import Channel\n"
        "from conda_torchmirror.plugin import _before\n"
        "context.__init__()\n"
        "_before('info')\n"
        "print(json.dumps([Channel('pytorch').base_url, *sys.modules]))\n"
    )
    condarc(channels=["pytorch", "defaults"])
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    url, *modules = json.loads(done.stdout)
    assert url == "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch"
    assert done.stderr.startswith("torchmirror: pytorch from tuna; defaults from tuna, nju (")
    ours = {name.partition(".")[2] for name in modules if name.startswith("conda_torchmirror.")}
    assert ours == {
        *("plugin", "hooks", "hooks.commands", "hooks.redirect"),
        *("redirect", "redirect.named_channels", "redirect.settings", "redirect.policy"),
        *("redirect.in_process", "mirrors", "mirrors.lookup", "text", "text.messages"),
    }


def test_the_quick_lookup_is_the_registrys_own():
    """`lookup` and `mirrors` read the same file in two ways; nothing may differ."""
    written, known = lookup.built_in(), registry_module.registry()
    assert tuple(written) == tuple(known)
    assert lookup.on_its_own(written) == registry_module.automatic()
    subdirs = (
        "linux-64",
        "linux-aarch64",
        "linux-ppc64le",
        "osx-64",
        "osx-arm64",
        "win-64",
        "noarch",
    )
    for name, mirror in known.items():
        asked = {
            *mirror.channels,
            "pytorch",
            "nvidia/label/cuda-12.4.0",
            "numba/label/x",
            "nowhere",
        }
        for channel in asked:
            for subdir in subdirs:
                assert lookup.url_of(written[name], channel, subdir) == mirror.url_of(
                    channel, subdir
                ), (name, channel, subdir)
    for subdir in subdirs:
        assert policy.parts_of_defaults(subdir) == registry_module.parts_of_defaults(subdir)


def test_there_is_a_file_for_every_channel_of_the_registry():
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe")
    for name, entry_ in lookup.built_in().items():
        for channel in entry_["channels"]:
            base = channel.partition("/label/")[0]
            assert in_process.redirectable(base), (name, channel)
    files = [p for p in in_process.REDIRECTS.glob("*.yml") if p.stem != "defaults"]
    for path in files:
        name = path.stem
        assert yaml.load(path) == {
            "custom_channels": {
                name: f"${{{in_process.variable(name)}}}",
                "pkgs/pro": "https://repo.anaconda.com",
            },
            "migrated_custom_channels": {name: "https://conda.anaconda.org"},
        }
        assert yaml.load(path.parent / "label" / path.name) == {
            "custom_channels": {f"{name}/label": "https://conda.anaconda.org"}
        }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("channels:\n  - pytorch\n  - nvidia\ndependencies:\n  - rdkit\n", "pytorch nvidia"),
        ("channels:\n- a # why\n\n# more\n-  'b'\nname: c\n", "a b"),
        ('channels: [a, "b",\n  c]\ndependencies: [d]', "a b c"),
        ('{"channels": ["a", "b"], "dependencies": ["c"]}', ""),
        ("name: x\r\nchannels:\r\n  - a\r\ndependencies:\r\n  - b\r\n", "a"),
        ("dependencies:\n - pytorch::pytorch=2.3\n - numpy\n", "pytorch"),
        ("pytorch/linux-64::pytorch\nnumpy\n", "pytorch"),
        ("https://conda.anaconda.org/pytorch/linux-64/pytorch-1.0-0.conda#abc\n", ""),
        (
            "channels: [https://repo.anaconda.com/pkgs/main/, conda-forge/label/x]",
            "pkgs/main conda-forge",
        ),
        ("channels:\n  - ../../etc\n  - .hidden\n  - -x\n", ""),
    ],
)
def test_channels_of_a_file(text, names):
    found = named_channels.NamedChannels()
    found.file(text)
    assert " ".join(found.asked) == names


def test_a_file_in_utf_16_is_read(tmp_path):
    file = tmp_path / "environment.yml"
    file.write_bytes("channels: [pytorch]\n".encode("utf-16"))
    found = named_channels.mentioned({"file": str(file)}, ())
    assert list(found.asked) == ["pytorch"]


@pytest.mark.parametrize(
    "arguments",
    [{"file": "https://host.invalid/environment.yml"}, {"remote_definition": "user/env"}],
    ids=["url", "remote"],
)
def test_what_cannot_be_looked_into_counts_as_every_channel(arguments):
    found = named_channels.mentioned(arguments, ())
    assert {"pytorch", "conda-forge", "defaults"} <= set(named_channels.candidates(found))


def test_torch_install_redirects_by_itself(at_lab, lab):
    """The hook keeps out of the way of conda's commands that ours run."""
    from argparse import Namespace

    from conda.base.context import context

    from conda_torchmirror.models import Route

    located = [Route("pytorch", lab.channel_url("pytorch"), "lab")]
    with in_process.redirected(located, Namespace(**context._argparse_args), override=True):
        found = urls_during(ALL)
        assert found["pytorch"] == [lab.channel_url("pytorch")]
        assert found["nvidia"] == ["https://conda.anaconda.org/nvidia"]
    assert not in_process.busy()
    reset_conda()


@pytest.mark.parametrize(("name", "there"), [("nvidia", True), ("pytorch", False)])
def test_torch_install_keeps_labels_where_they_are(at_lab, lab, name, there):
    from argparse import Namespace

    from conda.models.channel import Channel

    from conda_torchmirror.models import Route

    label = f"{name}/label/x"
    located = [Route(name, lab.channel_url(name), "lab")]
    with in_process.redirected(located, Namespace(channel=[label, name]), override=False):
        assert Channel(name).base_url == lab.channel_url(name)
        root = lab.channel_url(name) if there else f"https://conda.anaconda.org/{name}"
        assert Channel(label).base_url == f"{root}/label/x"
