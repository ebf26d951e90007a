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

import pytest
from support.condas import EMPTYING
from support.isolation import reset_conda
from support.lab import ALL, entry, hosts, urls_during

from conda_torchmirror.hooks import redirect
from conda_torchmirror.plugin import REDIRECTED
from conda_torchmirror.redirect import in_process

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
        *("create", "-n", "new", "-c", "https://conda.anaconda.org/pytorch"),
        "from-pytorch",
    ),
    "create-url-subdir": (
        *("create", "-n", "new", "-c", "https://conda.anaconda.org/pytorch/linux-64"),
        "pytorch::from-pytorch",
    ),
    "create-url-spec": ("create", "-n", "new", "https://conda.anaconda.org/pytorch::from-pytorch"),
    "create-http": (
        *("create", "-n", "new", "-c", "http://conda.anaconda.org/pytorch"),
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


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("env", "list"), False),
        (("info", "--envs"), False),
        (("info", "--base"), False),
        (("info", "--system"), False),
        (("info",), True),
        (("info", "--all"), True),
        (("info", "--all", "--envs"), True),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_where_no_channel_is_shown_nothing_is_told(at_lab, run_conda, words, told):
    at_lab(channels=["pytorch"])
    assert ("torchmirror:" in run_conda(*words).ok().stderr) is told


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


BY_URL = (
    "torchmirror: packages that are named by their official URLs come from there and not from lab"
)
LISTED = "; conda torch-mirror rewrite FILE changes such a list"


@pytest.mark.parametrize(
    ("url", "mark", "said"),
    [
        ("https://conda.anaconda.org/pytorch/noarch/from-pytorch-1.0-0.tar.bz2", "", BY_URL),
        (
            "https://conda.anaconda.org/pytorch/noarch/from-pytorch-1.0-0.tar.bz2",
            "@EXPLICIT\n",
            BY_URL + LISTED,
        ),
        ("https://conda.anaconda.org/other/noarch/other-1.0-0.tar.bz2", "@EXPLICIT\n", None),
        ("http://127.0.0.1:1/pytorch/noarch/from-pytorch-1.0-0.tar.bz2", "@EXPLICIT\n", None),
    ],
    ids=["command line", "explicit file", "a channel without a mirror", "another server"],
)
def test_packages_by_their_official_urls_are_told(
    at_lab, conda_in_process, tmp_path, url, mark, said
):
    at_lab(channels=[])
    file = tmp_path / "explicit.txt"
    file.write_text(f"{mark}{url}\n")
    what = ("--file", file) if mark else (url,)
    result = conda_in_process("create", "-n", "new", "--dry-run", *what)
    lines = [line for line in result.stderr.splitlines() if "official URLs" in line]
    assert lines == ([said] if said else [])


@pytest.mark.parametrize("how", ["explicit", "clone"])
def test_no_channel_is_told_where_none_is_read(
    at_lab, lab, installed, conda_in_process, tmp_path, how
):
    """The configured channels were said to come from a mirror, which was asked whether it answers,
    though packages come from their own URLs."""
    at_lab(channels=["conda-forge"])
    file = tmp_path / "explicit.txt"
    file.write_text(f"@EXPLICIT\n{lab.channel_url('pytorch')}/noarch/from-pytorch-1.0-0.tar.bz2\n")
    what = ("--file", file) if how == "explicit" else ("--clone", installed)
    lab.requests.clear()
    result = conda_in_process("create", "-y", "-p", tmp_path / "new", *what).ok()
    assert "torchmirror" not in result.words
    assert not lab.asked("*repodata*")
    assert list((tmp_path / "new" / "conda-meta").glob("from-pytorch-*.json"))


@pytest.mark.skipif(not os.path.exists("/dev/stdin"), reason="standard input has no path here")
@pytest.mark.parametrize("auto", [True, False])
def test_a_list_from_a_pipe_is_installed(at_lab, lab, sandbox, auto):
    """Ours was the first to read it, and conda made an empty environment of the rest."""
    import conda

    if int(conda.__version__.split(".")[0]) >= 25:
        pytest.skip("this conda reads the file twice by itself, and finds nothing the second time")
    at_lab({"torchmirror_registry": entry(lab), "torchmirror_auto": auto}, channels=[])
    url = f"{lab.channel_url('pytorch')}/noarch/from-pytorch-1.0-0.tar.bz2"
    words = ("create", "-y", "-q", "-n", "new", "--file", "/dev/stdin")
    done = subprocess.run(
        [sys.executable, "-m", "conda", *words], input=f"@EXPLICIT\n{url}\n".encode(), check=False
    )
    hosts(sandbox)  # what cannot be inspected may name any channel
    assert done.returncode == 0
    assert list((sandbox.envs / "new" / "conda-meta").glob("from-pytorch-*.json"))


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


def test_torch_install_redirects_by_itself(at_lab, lab):
    """The hook keeps out of the way of conda's commands that ours run."""
    from conda_torchmirror.mirrors.registry import Route

    located = [Route("pytorch", lab.channel_url("pytorch"), "lab")]
    with in_process.redirected(located, override=True):
        found = urls_during(ALL)
        assert found["pytorch"] == [lab.channel_url("pytorch")]
        assert found["nvidia"] == ["https://conda.anaconda.org/nvidia"]
    assert not in_process.busy()
    reset_conda()


@pytest.mark.parametrize(("name", "there"), [("nvidia", True), ("pytorch", False)])
def test_torch_install_keeps_labels_where_they_are(at_lab, lab, name, there):
    from conda.models.channel import Channel

    from conda_torchmirror.mirrors.registry import Route

    label = f"{name}/label/x"
    located = [Route(name, lab.channel_url(name), "lab")]
    with in_process.redirected(located, override=False, asked=[label, name]):
        assert Channel(name).base_url == lab.channel_url(name)
        root = lab.channel_url(name) if there else f"https://conda.anaconda.org/{name}"
        assert Channel(label).base_url == f"{root}/label/x"


@pytest.mark.parametrize(
    ("known", "own", "read"),
    [
        pytest.param(False, None, False, id="the-mirror-lacks-them"),
        pytest.param(True, None, True, id="the-mirror-has-them"),
        pytest.param(False, True, True, id="the-user-wants-them"),
    ],
)
def test_shards_are_asked_of_mirrors_that_have_them(at_lab, lab, known, own, read):
    from conda.base.context import context
    from conda.cli.conda_argparse import generate_parser

    if not in_process.knows_shards():
        pytest.skip("this conda reads no sharded indexes")
    registry = json.loads(entry(lab))
    registry["lab"]["shards"] = known
    more = {} if own is None else {"repodata_use_shards": own}
    at_lab({"torchmirror_registry": json.dumps(registry), "torchmirror_mirrors": ["lab"]}, **more)
    args = generate_parser().parse_args(("create", "-n", "x", "-c", "pytorch"))
    context.__init__(argparse_args=args)
    redirect.before("create", REDIRECTED["create"])
    try:
        assert context.repodata_use_shards is read
        context.__init__(argparse_args=args)  # as some commands do
        assert context.repodata_use_shards is read
    finally:
        redirect.after("create")
    assert context.repodata_use_shards is True


def test_conda_chooses_its_solver_anew_after_a_redirect(at_lab):
    """What it kept was chosen for the setting of shards before."""
    from conda.base.context import context

    cached = getattr(context.plugin_manager, "get_cached_solver_backend", None)
    if not hasattr(cached, "cache_clear"):
        pytest.skip("this conda keeps no solver")
    cached("classic")
    assert cached.cache_info().currsize
    urls_during(ALL)
    assert not cached.cache_info().currsize


@pytest.mark.parametrize("fault", ["blocked", "not_found"])
def test_an_index_that_conda_emptied_is_fetched_anew(at_lab, lab, run_conda, sandbox, fault):
    """A mirror that refused an index for a while is read again as soon as it is healthy."""

    def emptied():
        files = sandbox.root.rglob("cache/*.json")
        return [file for file in files if file.read_bytes() == b"{}"]

    # With fallback another mirror is read, and this one not asked for a while.
    at_lab({"torchmirror_fallback": False}, channels=["pytorch"])
    search = ("search", "from-pytorch")
    run_conda(*search).ok()
    lab.fail("*/pytorch/*", fault)
    for state in sandbox.root.rglob("cache/*.info.json"):
        known = json.loads(state.read_text())
        state.write_text(json.dumps({**known, "refresh_ns": 0, "cache_control": "max-age=0"}))
    assert run_conda(*search).rc
    assert bool(emptied()) == (fault in EMPTYING)
    lab.heal()
    run_conda(*search).ok()
    assert not emptied()
