"""`conda torch-mirror rewrite` and `upstream` from the command line, and the same without conda."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from conda_torchmirror.envfiles.pip_options import PYPI

M = "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud"
OLD = (
    "name: lab\nchannels:\n  - pytorch  # first\n  - nvidia\n  - defaults\ndependencies: [python]\n"
)
NEW = OLD.replace("- pytorch", f"- {M}/pytorch")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "environment.yml"
    file.write_bytes(OLD.encode())
    return file


def test_there_and_back(sandbox, conda_in_process, path):
    result = conda_in_process("torch-mirror", "rewrite", path).ok()
    assert path.read_bytes() == NEW.encode()
    assert path.with_name("environment.yml.bak").read_bytes() == OLD.encode()
    assert f"1 entry changed; the former file is {path}.bak" in " ".join(result.stdout.split())
    assert f"line 3: pytorch -> {M}/pytorch" in result.stdout
    assert "line 4: nvidia stays: not carried by tuna" in result.stdout
    conda_in_process("torch-mirror", "upstream", "--no-backup", path).ok()
    assert path.read_bytes() == OLD.encode()


def test_the_official_channels_are_no_mirror_to_point_at(sandbox, conda_in_process, path):
    result = conda_in_process("torch-mirror", "rewrite", "--mirror", "upstream", path)
    assert result.rc == 2
    assert "`conda torch-mirror upstream FILE`" in result.words
    assert path.read_bytes() == OLD.encode()
    conda_in_process("torch-mirror", "upstream", "--mirror", "upstream", path).ok()


def test_text_fits_a_terminal(sandbox, run_conda, path):
    result = run_conda("torch-mirror", "rewrite", path.name, "nowhere.yml", cwd=path.parent)
    assert result.rc == 1
    assert result.stdout == (
        "environment.yml: 1 entry changed; the former file is environment.yml.bak\n"
        f"  line 3: pytorch -> {M}/pytorch\n"
        "  - line 4: nvidia stays: not carried by tuna, nju (sustech would:\n"
        "    `--mirror tuna --mirror nju --mirror sustech`)\n"
        "  - line 5: `defaults` stays: it is a list of your own configuration, which\n"
        "    `conda torch-mirror enable` points at mirrors\n"
        "\n"
        "1 changed, 1 left because of an error\n"
    )
    assert result.stderr == "nowhere.yml is left as it is: there is no such file\n"


@pytest.mark.parametrize(("page", "language"), [("rewriting.md", "en"), ("rewriting-zh.md", "zh")])
def test_the_how_to_shows_what_is_said(sandbox, run_conda, path, page, language):
    page = (ROOT / "docs" / page).read_text(encoding="utf-8")
    command, _, shown = page.partition("```console\n$ ")[2].partition("```")[0].partition("\n")
    path.write_text(
        "name: lab\nchannels:\n  - pytorch\n  - nvidia\n  - https://conda.anaconda.org/conda-forge/\n"
        "  - http://conda.anaconda.org/bioconda\n  - defaults\ndependencies: [python]\n"
    )
    chosen = {"CONDA_TORCHMIRROR_LANG": language, "PYTHONIOENCODING": "utf-8"}
    result = run_conda(*command.split()[1:], cwd=path.parent, env=chosen).ok()
    assert result.stdout == shown


def test_long_urls_are_put_below(sandbox, conda_in_process, path):
    path.write_text(OLD.replace("pytorch", "https://conda.anaconda.org/conda-forge/linux-64"))
    out = conda_in_process("torch-mirror", "rewrite", path).ok().stdout
    assert (
        "  line 3: https://conda.anaconda.org/conda-forge/linux-64\n"
        f"       -> {M}/conda-forge/linux-64\n"
    ) in out


def test_check(sandbox, conda_in_process, path):
    assert conda_in_process("torch-mirror", "rewrite", "--check", path).rc == 1
    assert path.read_bytes() == OLD.encode()
    result = conda_in_process("torch-mirror", "upstream", "--check", path)
    assert result.rc == 0
    assert result.stdout.split() == f"{path}: nothing to change".split()


def test_the_diff_is_all_that_is_on_standard_output(sandbox, run_conda, path):
    result = run_conda("torch-mirror", "rewrite", "--diff", path.name, cwd=path.parent).ok()
    assert result.stdout.splitlines()[:2] == ["--- a/environment.yml", "+++ b/environment.yml"]
    assert result.stdout.splitlines()[2:][-8:] == [
        "@@ -1,6 +1,6 @@",
        " name: lab",
        " channels:",
        "-  - pytorch  # first",
        f"+  - {M}/pytorch  # first",
        "   - nvidia",
        "   - defaults",
        " dependencies: [python]",
    ]
    assert "1 entry would change" in result.stderr
    assert path.read_bytes() == OLD.encode()


def test_quiet(sandbox, conda_in_process, path):
    result = conda_in_process("torch-mirror", "rewrite", "-q", path, path.with_name("no.yml"))
    assert (result.rc, result.stdout) == (1, "")
    assert "there is no such file" in " ".join(result.stderr.split())


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_filter_keeps_the_encoding(sandbox, codec):
    command = [sys.executable, "-m", "conda", "torch-mirror", "rewrite", "-"]
    data = OLD.replace("\n", "\r\n").replace("first", "第一").encode(codec)
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    assert done.stdout.decode(codec) == NEW.replace("\n", "\r\n").replace("first", "第一")
    assert b"standard input: 1 entry changed" in done.stderr


def test_a_filter_that_cannot_gives_back_what_it_got(sandbox, run_conda):
    text = "dependencies:\n\t- x\n  channels: ]\n"
    result = run_conda("torch-mirror", "rewrite", "-", input=text)
    assert (result.rc, result.stdout) == (1, text)
    assert "standard input is left as it is" in result.stderr


# JSON


def test_json_is_one_document(sandbox, run_conda, path):
    missing = path.with_name("no.yml")
    result = run_conda("torch-mirror", "rewrite", "--json", path, missing)
    found = result.json()
    assert (result.rc, found["success"]) == (1, False)
    ours = found["torchmirror"]
    assert (ours["schema"], ours["direction"], ours["mirrors"][0]) == (1, "rewrite", "tuna")
    done, failed = ours["files"]
    assert (done["path"], done["status"], done["kind"]) == (str(path), "changed", "environment")
    assert done["edits"] == [
        {"start": 24, "end": 31, "line": 3, "old": "pytorch", "new": f"{M}/pytorch"}
    ]
    assert [notice["code"] for notice in done["notices"]] == ["not_carried", "defaults_left"]
    assert done["backup"] == f"{path}.bak"
    assert (failed["status"], failed["error"]["code"]) == ("failed", "missing")
    assert failed["error"]["text"] == "there is no such file"


@pytest.mark.parametrize(("option", "rc"), [("--check", 1), ("--diff", 0)])
def test_json_without_writing(sandbox, run_conda, path, option, rc):
    result = run_conda("torch-mirror", "rewrite", "--json", option, path)
    assert (result.rc, result.json()["success"]) == (rc, rc == 0)
    (file,) = result.json()["torchmirror"]["files"]
    assert file["status"] == "would_change"
    assert ("diff" in file) == (option == "--diff")
    assert path.read_bytes() == OLD.encode()


def test_json_of_a_filter_has_the_text(sandbox, run_conda):
    result = run_conda("torch-mirror", "rewrite", "--json", "-", input=OLD).ok()
    assert result.json()["torchmirror"]["files"][0]["content"] == NEW


# Mirrors


def test_another_mirror(sandbox, conda_in_process, path):
    conda_in_process("torch-mirror", "rewrite", "--mirror", "sustech", path).ok()
    assert "sustech.edu.cn" in path.read_text()
    conda_in_process("torch-mirror", "rewrite", "--mirror", "nju", path).ok()
    assert "mirror.nju.edu.cn/anaconda/cloud/pytorch" in path.read_text()
    conda_in_process("torch-mirror", "upstream", path).ok()
    assert path.read_text() == OLD


def test_the_settings_count(condarc, conda_in_process, path):
    condarc(plugins={"torchmirror_mirrors": ["nju"]})
    conda_in_process("torch-mirror", "rewrite", path).ok()
    assert "mirror.nju.edu.cn/anaconda/cloud/pytorch" in path.read_text()


def test_the_platform_counts(sandbox, run_conda, path):
    """A channel that the mirror has for other platforms only stays."""
    found = {
        subdir: run_conda(
            "torch-mirror", "rewrite", "--diff", "--json", path, env={"CONDA_SUBDIR": subdir}
        ).json()["torchmirror"]["files"][0]["edits"]
        for subdir in ("linux-64", "linux-s390x")
    }
    assert found["linux-64"]
    assert found["linux-s390x"] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--mirror", "tunna"], "Did you mean tuna?"),
        (["--mirror", "http://mirror.lab/conda"], "http"),
        (["--diff", "--check"], "do not go together"),
        (["--no-such-option"], "`--no-such-option` is no option"),
    ],
)
def test_what_cannot_be_used(sandbox, run_conda, path, words, says):
    result = run_conda("torch-mirror", "rewrite", *words, path)
    assert result.rc == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert path.read_bytes() == OLD.encode()


def test_a_file_is_needed(sandbox, run_conda):
    assert run_conda("torch-mirror", "rewrite").rc == 2


def test_pip_is_left_unless_it_is_asked_for(sandbox, conda_in_process, path):
    path.write_text(f"-i {PYPI}\ntorch\n")
    assert conda_in_process("torch-mirror", "rewrite", path).ok().stdout.count("--pip") == 1
    conda_in_process("torch-mirror", "rewrite", "--pip", path).ok()
    assert path.read_text() == "-i https://pypi.tuna.tsinghua.edu.cn/simple\ntorch\n"


@pytest.mark.parametrize("closed", [0, 1, 2])
@pytest.mark.parametrize("words", [("-",), ("--diff", "PATH"), ("PATH",)], ids=" ".join)
def test_a_closed_stream_is_no_traceback(sandbox, path, closed, words):
    code = f"import os, runpy, sys; os.close({closed}); os.execv(sys.executable, sys.argv[1:])"
    named = [str(path) if word == "PATH" else word for word in words]
    command = [sys.executable, "-m", "conda", "torch-mirror", "rewrite", *named]
    done = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, input=OLD
    )
    if closed == 0 and words == ("-",):
        assert done.returncode == 1
        assert "standard input is left as it is: it is closed" in " ".join(done.stderr.split())
    else:
        assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr


# Without conda

_NO_CONDA = """
import sys
sys.modules["conda"] = None
from conda_torchmirror.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def without_conda(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _NO_CONDA, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_no_conda_is_needed(sandbox, path):
    assert without_conda("upstream", "--check", path).returncode == 0
    assert without_conda("rewrite", "--no-backup", path).returncode == 0
    assert path.read_text() == NEW
    done = without_conda("upstream", "--check", "--json", path)
    assert (done.returncode, json.loads(done.stdout)["success"]) == (1, False)
    done = without_conda("rewrite", "--mirror", "tunna", path)
    assert done.returncode == 2
    assert "Did you mean tuna?" in done.stderr
    assert without_conda("list").returncode == 2


def test_the_hooks_of_pre_commit(sandbox, path):
    hooks = YAML(typ="safe").load(ROOT / ".pre-commit-hooks.yaml")
    entries = {hook["id"]: hook["entry"].split() for hook in hooks}
    for words in entries.values():
        assert words[:3] == ["python", "-m", "conda_torchmirror"]
    check, fix = (words[3:] for words in entries.values())
    path.write_text(NEW)
    assert without_conda(*check, path).returncode == 1
    assert without_conda(*fix, path).returncode == 0
    assert path.read_text() == OLD
    assert without_conda(*check, path).returncode == 0
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_the_mirror_of_an_offered_option_is_the_url_that_was_given(sandbox, conda_in_process, path):
    """By its host alone, which the sentence calls it, it would not be found."""
    url = "https://mirror.lab.example/conda"
    words = ("torch-mirror", "rewrite", "--check", path, "--mirror", url)
    said = " ".join(conda_in_process(*words).stdout.split())
    assert "not carried by mirror.lab.example" in said
    assert f"`--mirror {url} --mirror sustech`" in said
