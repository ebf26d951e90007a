"""What a run of torch-install says beside its choice, and what it hands on to conda."""

from __future__ import annotations

import argparse
import json

import pytest
from support.sites import ASK, FIRST, RUNTIME, TORCH

from conda_torchmirror.cli import install
from conda_torchmirror.handover import conda

pytest_plugins = ("support.site_fixtures",)


def told(result) -> list[str]:
    return [notice["code"] for notice in result.ok().json()["torchmirror"]["warnings"]]


@pytest.fixture
def preview(sites, run_conda):
    """`preview(*words)`: a dry run as JSON, over the sites."""
    return lambda *words: run_conda(*ASK, "--dry-run", "--json", *words)


@pytest.mark.parametrize(
    "content",
    ['{"name":', "[]", '{"name": "x", "version": "1", "build": "0", "channel": 5}'],
    ids=["cut off", "list", "number"],
)
def test_a_record_that_conda_cannot_read(preview, run_conda, prefix, content):
    """A look into the history for another notice ended in conda's traceback."""
    (prefix / "conda-meta/x-1-0.json").write_text(content)
    assert "machine.record_broken" in told(preview("-p", prefix))
    done = run_conda(*ASK, "-p", prefix)
    assert done.rc == 1
    assert done.stderr.lstrip().startswith("BrokenRecord: ")


def test_the_runtime_channel_that_cannot_be_read(sites, preview):
    sites.upstream.fail("*/nvidia/*", "server_error")
    found = preview()
    assert "runtime_unread" in told(found)
    # Then the solver takes the build: none is named.
    assert "pytorch-cuda=12.4" in found.json()["torchmirror"]["specs"]


def test_the_runtime_channel_that_lacks_a_package(sites, preview):
    sites.upstream.fail("*/nvidia/*", "stale", drop=lambda record: record["version"] == "12.4.127")
    found = preview()
    assert "runtime_lagging" in told(found)
    assert "pytorch-cuda=12.4" in found.json()["torchmirror"]["specs"]


def test_newer_releases_are_elsewhere(preview):
    [found] = [
        notice
        for notice in preview().ok().json()["torchmirror"]["warnings"]
        if notice["code"] == "newer_elsewhere"
    ]
    assert "CVE-2025-32434" in found["text"]
    assert found["url"]


def test_what_goes_to_the_solver_is_shown_and_a_likely_slip_is_said(sites, run_conda):
    words = ("torch-install", "--cuda", "12.4", "pytorch", "torchvison", "scikit-learn>=1")
    shown = " ".join(run_conda(*words, "--dry-run").ok().stdout.split())
    assert "solver torchvison, scikit-learn>=1: chosen by conda's solver" in shown
    found = run_conda(*words, "--dry-run", "--json").ok()
    warnings = found.json()["torchmirror"]["warnings"]
    assert [w["text"] for w in warnings if w["code"] == "misspelt"] == [
        "`torchvison` goes to conda's solver as it is written; did you mean `torchvision`?"
    ]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("pytroch", "pytorch"), ("2.5.1", "pytorch=2.5.1"), ("3.11", "--python 3.11")],
)
def test_a_slip_in_the_only_name_is_said_first(mirrored, conda_in_process, word, meant):
    words = ("torch-install", "--cuda", "12.4", word, "--dry-run", "--offline", "--json")
    found = conda_in_process(*words).ok().json()["torchmirror"]["warnings"]
    assert found[0]["text"] == (
        f"`{word}` goes to conda's solver as it is written, and the default set is taken beside "
        f"it; did you mean `{meant}`?"
    )


def test_without_channels_conda_forge_is_added(sites, condarc, preview):
    """New conda has no `defaults` on its own; old conda where the user wants none of it."""
    condarc(**{**sites.settings(), "channels": ["pytorch"]})
    found = preview()
    assert "no_channels" in told(found)
    names = [channel["name"] for channel in found.json()["torchmirror"]["channels"]]
    assert names == ["pytorch", "nvidia", "conda-forge"]


def test_a_preview_without_any_source_names_the_offline_one(sites, preview):
    for mirror in sites.all.values():
        mirror.refuse()
    found = preview()
    assert found.rc == 1
    hints = [hint["hint_code"] for hint in found.json()["guidance"]["hints"]]
    assert "preview_offline" in hints
    causes = found.json()["guidance"]["cause"].split("; ")
    assert len(causes) == len(set(causes))


@pytest.mark.parametrize("mirrors", [(), ("--mirror", "second")], ids=["", "mirror"])
@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["", "json"])
def test_a_mirror_that_nobody_prefers_is_named_where_the_last_place_fails(
    sites, conda_in_process, mirrors, as_json
):
    """Only a notice on the decision did, which a run with `--json` that fails does not show."""
    sites.upstream.fail("*/nvidia/*", "blocked")
    found = conda_in_process(*ASK, "-n", "new", *mirrors, *as_json)
    assert found.rc == 1
    preferred = " ".join(mirrors) or "--mirror first --mirror second"
    way = f"third is known to carry `nvidia`: add `{preferred} --mirror third`"
    assert way in found.words
    if as_json:
        assert [h["hint_code"] for h in found.json()["guidance"]["hints"]][-1] == "mirror_with_it"


def test_without_fallback_the_error_says_that_there_is_one(sites, conda_in_process):
    sites.first.refuse()
    # In this process, for which the stand-in of the official channel is the official one.
    found = conda_in_process(*ASK, "--dry-run", "--json", "--no-fallback")
    assert "allow_fallback" in [hint["hint_code"] for hint in found.json()["guidance"]["hints"]]
    # None is where only one place was named.
    sites.upstream.refuse()
    words = ("--dry-run", "--json", "--no-fallback", "--mirror", "upstream")
    found = conda_in_process(*ASK, *words)
    assert found.rc == 1
    assert "allow_fallback" not in [h["hint_code"] for h in found.json()["guidance"]["hints"]]


def test_a_solved_preview_needs_no_environment(sites, run_conda):
    """It is solved as for a new one; base is not asked."""
    found = run_conda(*ASK, "--dry-run", "--solve", "--json").ok().json()
    linked = {package["name"] for package in found["actions"]["LINK"]}
    assert {"pytorch", "python"} <= linked


def test_offline_nothing_is_solved_by_the_built_in_index(sites, run_conda):
    found = run_conda(*ASK, "--dry-run", "--solve", "--offline", "-n", "new")
    assert (found.rc, "NothingCachedToSolve" in found.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "way"),
    [
        (("--dry-run", "--solve"), "leave_solve_out"),
        (("--urls", "--solve"), "leave_solve_out"),
        (("--print", "explicit"), "print_unsolved"),
    ],
    ids=["preview", "urls", "print"],
)
def test_what_needs_a_solve_is_told_what_does_without(sites, conda_in_process, words, way):
    found = conda_in_process(*ASK, *words, "--offline", "-n", "new", "--json")
    hints = [hint["hint_code"] for hint in found.json()["guidance"]["hints"]]
    assert hints == ["go_online", way]
    if way == "print_unsolved":
        offered = ("--print", "environment.yml")
        assert "pytorch=" in conda_in_process(*ASK, *offered, "--offline", "-n", "new").ok().stdout


@pytest.mark.parametrize("words", [(), ("--source", "wheels")], ids=["channels", "wheels"])
def test_without_a_network_nobody_waits_for_retries(conda_in_process, sandbox, monkeypatch, words):
    """The official channel is probed where no mirror is known by DNS; conda would wait for it."""
    from urllib3.util.retry import Retry

    waited = []
    monkeypatch.setattr(Retry, "sleep", lambda *_: waited.append(1))
    done = conda_in_process("torch-install", *words, "--cuda", "cpu", "--dry-run", "--json")
    assert "this computer seems to have no network" in done.json()["guidance"]["cause"]
    hints = [hint["hint_code"] for hint in done.json()["guidance"]["hints"]]
    assert hints == ["check_network", "preview_offline"]
    assert (done.rc, waited) == (1, [])
    assert sandbox.take_blocked()
    offered = ("--cuda", "cpu", "--dry-run", "--offline")
    conda_in_process("torch-install", *words, *offered).ok()


@pytest.mark.parametrize("fault", ["no_ranges", "blocked", "elsewhere"])
def test_the_official_channel_is_not_left_for_an_odd_answer_to_a_probe(
    sites, condarc, conda_in_process, make_mirror, fault
):
    """Conda reads it: it asks for the whole index, and follows a redirect to any host."""
    settings, known = sites.settings("first"), sites.registry()
    known["mirrors"]["first"]["roots"] = ["https://first.invalid/anaconda"]
    sites.file.write_text(json.dumps(known))
    condarc(**settings)

    def odd(exchange):
        if exchange.headers.get("Range") != FIRST:
            exchange.serve()
        elif fault == "elsewhere":
            exchange.send(302, b"", {"Location": "https://elsewhere.invalid/index"})
        else:
            exchange.send(416 if fault == "no_ranges" else 403, b"")

    sites.upstream.fail("*/repodata.json*", odd)
    done = conda_in_process(*ASK, "--dry-run", "--json", "-n", "new")
    assert "mirror_left" in told(done)
    assert sites.upstream.asked("/pytorch/linux-64/repodata.json")


def test_a_denied_channel_is_condas_own_error(sites, condarc, run_conda):
    context = pytest.importorskip("conda.base.context")
    if not hasattr(context, "validate_channels"):
        settings = {"allowlist_channels": ["https://elsewhere.example/allowed"]}
    else:
        settings = {"denylist_channels": ["pytorch"]}
    condarc(**{**sites.settings("first"), **settings})
    found = run_conda(*ASK, "-n", "new", "--no-fallback")
    assert found.rc == 1
    assert "Channel" in found.stderr
    assert not sites.fetched(RUNTIME)["first"]


def test_a_mirror_that_is_denied_by_its_url_is_no_source(sites, condarc, run_conda):
    context = pytest.importorskip("conda.base.context")
    if not hasattr(context, "validate_channels"):
        pytest.skip("this conda has no denylist_channels")
    url = f"{sites.first.url}/anaconda/cloud/pytorch"
    condarc(**{**sites.settings("first"), "denylist_channels": [url]})
    run_conda(*ASK, "-n", "new", "--no-fallback").ok()
    assert not sites.fetched(TORCH)["first"]


def test_a_frozen_environment_is_condas_own_error(sites, run_conda, prefix):
    helpers = pytest.importorskip("conda.cli.helpers")
    if not hasattr(helpers, "add_parser_frozen_env"):
        pytest.skip("this conda knows no frozen environments")
    (prefix / "conda-meta" / "frozen").write_text("{}")
    found = run_conda(*ASK, "-p", prefix)
    assert found.rc == 1
    assert "frozen" in found.stderr.lower()
    assert run_conda(*ASK, "-p", prefix, "--override-frozen").ok()


# What is handed on

WORDS = {
    "--freeze-installed": ["--freeze-installed"],
    "--no-deps": ["--no-deps"],
    "--force-reinstall": ["--force-reinstall"],
    "--copy": ["--copy"],
    "-C": ["--use-index-cache"],
    "-k": ["--insecure"],
    "-y": ["--yes"],
    "-q": ["--quiet"],
    "--offline": ["--offline"],
    "-v": ["--verbose"],
    "-vv": ["--verbose", "--verbose"],
    "--strict-channel-priority": ["--strict-channel-priority"],
    "--no-channel-priority": ["--no-channel-priority"],
    "--repodata-fn=current_repodata.json": ["--repodata-fn", "current_repodata.json"],
    "--no-pin": ["--no-pin"],
    "--solver=classic": ["--solver", "classic"],
    "--update-all": ["--update-all"],
    "--use-local": ["--use-local"],
    "--override-channels": ["--override-channels"],
    # Ours, or said in another way.
    "--cuda=12.4": [],
    "--name=new": [],
    "--channel=bioconda": [],
    "--dry-run": [],
    "--json": [],
    "--platform=win-64": [],
}


@pytest.mark.parametrize("word", WORDS)
def test_condas_own_options_are_handed_on(conda_in_process, word):
    conda_in_process("info", "--json").ok()  # loads the solvers that the parser names
    parser = argparse.ArgumentParser()
    install.configure_install(parser)
    words = parser.parse_args([word])
    known = conda.accepted("install")
    found = conda.taken(install.passed(words.conda_actions, words), "install")
    wanted = WORDS[word]
    if wanted and wanted[0] not in known:
        wanted = []
    assert found == wanted


def test_they_reach_conda(sites, run_conda, prefix):
    run_conda(*ASK, "-p", prefix, "--no-deps").ok()
    found = {path.name.split("-")[0] for path in (prefix / "conda-meta").glob("*.json")}
    assert found == {"pytorch"}


@pytest.mark.parametrize(
    ("word", "row"),
    [
        ("pytorch-cuda=12.1=ha16c6d3_6", "pytorch-cuda 12.1 ha16c6d3_6"),
        ("pytorch-cuda=12.1=ha16*", "pytorch-cuda 12.1 (chosen by conda's solver)"),
        ("pytorch-cuda=12.1", "pytorch-cuda 12.1 (chosen by conda's solver)"),
    ],
)
def test_a_build_that_is_asked_for_is_not_left_to_the_solver(conda_in_process, word, row):
    words = ("--dry-run", "--offline", "-n", "new", "--platform", "linux-64", "--cuda", "12.4")
    assert row in conda_in_process("torch-install", *words, "pytorch=2.4", word).ok().words


@pytest.mark.parametrize(("more", "says"), [("", False), ("  - tqdm\n", True)])
def test_specs_for_the_solver_are_told_where_there_are_any(conda_in_process, tmp_path, more, says):
    file = tmp_path / "one.yml"
    file.write_text(f"channels: [pytorch]\ndependencies:\n  - pytorch=2.4\n{more}")
    words = ("--dry-run", "--offline", "-n", "new", "--platform", "linux-64", "--cuda", "cpu")
    shown = conda_in_process("torch-install", *words, "-f", file).ok().words
    assert "`pytorch=2.4` became the builds above" in shown
    assert ("other spec" in shown) is says
