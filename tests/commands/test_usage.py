"""What is wrong with a command line is said in a sentence, with the word that was likely meant."""

from __future__ import annotations

import pytest
from support.torches import record

from conda_torchmirror import __main__

INSTALL, MIRROR = "torch-install", "torch-mirror"
CASES = {
    "a command": ((MIRROR, "tset"), "COMMAND takes one of list, status, test", "test"),
    "a value": ((INSTALL, "--source", "pytroch"), "--source takes one of auto,", "pytorch"),
    "another word for it": ((MIRROR, "use", "tuna"), "not `use`", "enable"),
    "its opposite": ((MIRROR, "off"), "not `off`", "disable"),
    "the tool for a source": ((INSTALL, "--source", "pip"), "not `pip`", "wheels"),
    "a tool": ((MIRROR, "cache", "--print", "ngnix"), "not `ngnix`", "nginx"),
    "an option": ((INSTALL, "--cudaa", "12.4"), "`--cudaa` is no option", "--cuda"),
    "an option below": ((MIRROR, "status", "--jsn"), "`--jsn` is no option", "--json"),
    "an option with a value": (("torch-verify", "--repot=x"), "`--repot` is no", "--report"),
    # These were a channel `uda`, a folder `ython`, an environment `ame`, and three short options.
    "one hyphen": ((INSTALL, "-d", "-cuda", "12.4"), "`-cuda` is no option", "--cuda"),
    "one before a folder": ((INSTALL, "-python", "3.11"), "`-python` is no", "--python"),
    "one before a name": (("torch-verify", "-name", "t"), "`-name` is no option", "--name"),
    "one before a flag": ((INSTALL, "-dry-run"), "`-dry-run` is no option", "--dry-run"),
    "one with a value": ((INSTALL, "-d", "-cuda=12"), "`-cuda` is no option", "--cuda"),
    "no value": ((INSTALL, "--cuda"), "--cuda needs a value", None),
    "no file": ((MIRROR, "rewrite"), "FILE is missing", None),
    "two that exclude each other": (
        (MIRROR, "rewrite", "--diff", "--check", "x"),
        "together",
        None,
    ),
    "half an option": ((INSTALL, "--ch"), "`--ch` may mean --check-upstream, --channel", None),
    "no number": ((MIRROR, "cache", "--port", "x"), "--port takes a whole number", None),
    "a value too many": ((INSTALL, "--explain=x"), "--explain takes no value", None),
    "a word too many": ((MIRROR, "list", "x"), "`x` is not expected here", None),
    "unlike any option": ((INSTALL, "--envs"), "`--envs` is no option", None),
    "an empty value": ((INSTALL, "--python", ""), "--python: its value is empty", None),
}


@pytest.mark.parametrize("name", CASES)
def test_a_sentence_and_the_nearest_word(conda_in_process, name):
    words, says, nearest = CASES[name]
    result = conda_in_process(*words)
    assert result.rc == 2
    said = " ".join(result.stderr.split())
    assert says in said
    assert "usage:" not in said
    assert ("did you mean" in said) is (nearest is not None)
    if nearest:
        assert f"did you mean `{nearest}`?" in said
    # The command that is offered is there.
    command = said.rpartition(" --help` shows")[0].rpartition("`conda ")[2].split()
    help_of = conda_in_process(*command, "--help")
    assert help_of.rc == 0
    assert nearest is None or nearest in help_of.stdout


@pytest.mark.parametrize(
    ("option", "meant"), [("--cpu", "cpu"), ("--cpu-only", "cpu"), ("--gpu", "auto")]
)
def test_an_option_for_a_kind_of_build(conda_in_process, option, meant):
    said = conda_in_process(INSTALL, option, "-d").stderr
    assert f"`{option}` is no option" in said
    assert f"did you mean `--cuda {meant}`?" in said
    assert "--cuda" not in conda_in_process("torch-verify", option).stderr


def test_in_the_readers_language(run_conda):
    said = run_conda(MIRROR, "tset", env={"CONDA_TORCHMIRROR_LANG": "zh"}).stderr
    assert "是不是想写 `test`？" in said
    assert "conda torch-mirror: COMMAND" in said
    assert "did you mean" not in said


def test_what_hides_in_a_word_is_not_printed(conda_in_process):
    assert "\x1b" not in conda_in_process(MIRROR, "list", "--\x1b[31m").stderr


def test_without_conda_too(capsys):
    with pytest.raises(SystemExit) as end:
        __main__.main(["rewrite", "--dif", "--nobackup", "x.yml"])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "did you mean `--no-backup`?" in said
    assert "python -m conda_torchmirror rewrite --help" in said


PIP = {
    "--index-url": (("https://download.pytorch.org/whl/cu121",), "add `--source wheels`"),
    "-i": (("https://mirror.example/simple",), "add `--source wheels`"),
    "--extra-index-url=x": ((), "add `--source wheels`"),
    "-r": (("requirements.txt",), "`-f environment.yml`"),
    "-U": ((), "the newest release that fits is chosen anyway"),
    "--upgrade": ((), "the newest release that fits is chosen anyway"),
    "--user": ((), "it is an option of pip: leave it out"),
}


@pytest.mark.parametrize("option", PIP)
def test_an_option_of_pip(conda_in_process, option):
    """What the command of pytorch.org has; the nearest word to `--index-url` was `--insecure`."""
    values, says = PIP[option]
    result = conda_in_process(INSTALL, "-d", "torch", option, *values)
    assert result.rc == 2
    said = " ".join(result.stderr.split())
    assert f"`{option.partition('=')[0]}` is no option of this command" in said
    assert says in said
    assert "did you mean" not in said


def test_the_pre_of_pip_is_no_short_form_of_prefix(conda_in_process, tmp_path, monkeypatch):
    """The word after it became the folder of a new environment."""
    monkeypatch.chdir(tmp_path)
    result = conda_in_process(INSTALL, "-d", "--pre", "torch")
    assert result.rc == 2
    assert "`--pre` is no option of this command" in result.stderr
    folder = conda_in_process(INSTALL, "-d", "--offline", "--pref", tmp_path / "new", "--json")
    assert folder.ok().json()["prefix"] == str(tmp_path / "new")


def test_an_environment_without_its_option(conda_in_process):
    said = conda_in_process("torch-verify", "torch").stderr
    assert "did you mean `-n torch`?" in said
    assert "did you mean" not in conda_in_process("torch-verify", "a/b").stderr


OF_PYTORCH = "https://download.pytorch.org/whl"
#: What guides show, typed after `conda torch-install`, and the command that is offered.
PASTED = {
    f"torch==2.3.1+cu121 torchvision --index-url {OF_PYTORCH}/cu121": "torch==2.3.1+cu121 "
    "torchvision --source wheels",
    f"pip3 install torch torchvision torchaudio --index-url {OF_PYTORCH}/cu118": "torch==2.7.1"
    "+cu118 torchvision torchaudio --source wheels",
    f"pip install torch==2.1.0 torchvision --index-url {OF_PYTORCH}/cu118": "torch==2.1.0+cu118 "
    "torchvision --source wheels",
    f"pip install torch=2.1 --index-url {OF_PYTORCH}/cu118": "torch=2.1 --source wheels "
    "--cuda cu118",
    f"pip install torch --index-url {OF_PYTORCH}/cu130": "torch --source wheels --cuda cu130",
    f"torch torchvision --platform win-64 --index-url {OF_PYTORCH}/cu121": "torch==2.5.1+cu121 "
    "torchvision --platform win-64 --source wheels",
    f"pip install torch torchvision==0.16.0 --index-url {OF_PYTORCH}/cu121": "torch==2.1.0+cu121 "
    "torchvision==0.16.0 --source wheels",
    f"pip install torch torchvision>=0.16 --index-url {OF_PYTORCH}/cu121": "torch "
    '"torchvision>=0.16" --source wheels --cuda cu121',
    f"pip install torch --python 3.8 --index-url {OF_PYTORCH}/cu118": "torch==2.4.1+cu118 "
    "--python 3.8 --source wheels",
    f"pip install torch --python=3.7 --index-url {OF_PYTORCH}/cu121": "torch --python=3.7 "
    "--source wheels --cuda cu121",
    f"-n torch torch --index-url {OF_PYTORCH}/cu121": "-n torch torch==2.5.1+cu121 --source wheels",
    # Where torch is not the only one that is named, or in another spelling.
    f"pip install torch Torchvision==0.16.0 --index-url {OF_PYTORCH}/cu121": "torch "
    "Torchvision==0.16.0 --source wheels --cuda cu121",
    f"pip install torch torch==2.1.0 --index-url {OF_PYTORCH}/cu121": "torch torch==2.1.0 "
    "--source wheels --cuda cu121",
    f"pip install torch==2.1.0+cu118 -i {OF_PYTORCH}/cu118 --extra-index-url {OF_PYTORCH}/cu121": (
        "torch==2.1.0+cu118 --source wheels"
    ),
    f"pip install torch --cuda=cpu --index-url {OF_PYTORCH}/cu121": "torch --cuda=cpu "
    "--source wheels",
    f"-n x torch --index-url={OF_PYTORCH}/cpu": "-n x torch --source wheels --cuda cpu",
    f"uv pip install torch --index-url {OF_PYTORCH}/rocm6.4": "torch --source wheels "
    "--cuda rocm6.4",
    f"torch==1.9.0+cu111 torchaudio==0.9.0 -f {OF_PYTORCH}/torch_stable.html": "torch==1.9.0+cu111 "
    "torchaudio==0.9.0 --source wheels",
    "torch -f https://mirror.example/pytorch-wheels/cu121/": "torch==2.5.1+cu121 --source wheels "
    "--mirror https://mirror.example/pytorch-wheels",
    "torch -f https://mirror.example/pytorch-wheels/cu121": "torch==2.5.1+cu121 --source wheels "
    "--mirror https://mirror.example/pytorch-wheels",
    "python -m pip install -U torch -i https://mirror.example/simple --user": "torch "
    "--source wheels",
    f"--pre torch torchvision --index-url {OF_PYTORCH}/cu128": "torch==2.11.0+cu128 torchvision "
    "--source wheels",
    "torch --no-cache-dir -i https://mirror.example/simple --trusted-host mirror.example": "torch "
    "--source wheels",
    "pip install torch": "torch",
    "conda install pytorch=2.5.1 pytorch-cuda=12.4 -c pytorch -c nvidia": "pytorch=2.5.1 "
    "pytorch-cuda=12.4 -c pytorch -c nvidia",
    "mamba create -n x python=3.11 pytorch": "-n x python=3.11 pytorch",
}


@pytest.mark.parametrize("words", PASTED)
def test_another_installers_command(conda_in_process, words):
    """`pip` and `install` became packages, and a page of wheels an environment file."""
    result = conda_in_process(INSTALL, *words.split())
    assert result.rc == 2
    command = f"conda torch-install {PASTED[words]}"
    said = " ".join(result.stderr.split()).replace(" --no-check", "")  # of these tests
    assert f"`{command}`" in said
    again = conda_in_process(*command.split()[1:], "--dry-run", "--offline", "--cuda-compat=no")
    assert "--cuda-compat takes one of minor" in again.stderr, "everything else is understood"


@pytest.mark.parametrize("how", ["-p", "-n", "active"])
def test_a_pasted_page_is_for_the_python_of_the_environment(
    conda_in_process, sandbox, monkeypatch, how
):
    """As pip takes the newest torch of the page that has a wheel for it."""
    prefix = sandbox.envs / "old"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta" / "history").touch()
    record(prefix, "python", "3.8.19", "h0_0", channel="conda-forge")
    words = {"-p": ("-p", str(prefix)), "-n": ("-n", "old"), "active": ()}[how]
    if how == "active":
        monkeypatch.setenv("CONDA_PREFIX", str(prefix))
    page = f"{OF_PYTORCH}/cu118"
    result = conda_in_process(INSTALL, "pip", "install", *words, "torch", "--index-url", page)
    assert "torch==2.4.1+cu118" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        "pip install -r requirements.txt",
        "pip install torch --target lib",
        f"pip install torch -i {OF_PYTORCH}/nightly/cu126",
        # pip looks on both, and takes the higher release.
        f"pip install torch -i {OF_PYTORCH}/cu118 --extra-index-url {OF_PYTORCH}/cu121",
    ],
)
def test_another_installers_command_without_a_counterpart(conda_in_process, words):
    said = " ".join(conda_in_process(INSTALL, *words.split()).stderr.split())
    assert "`pip install` begins another command" in said
    assert "leave `pip install` out" in said


@pytest.mark.parametrize("pre", ["--pre ", ""])
def test_the_command_for_nightly_builds(conda_in_process, pre):
    """Its options were told one by one, and never that nightly builds are not chosen."""
    words = f"{pre}torch torchvision --index-url {OF_PYTORCH}/nightly/cu128"
    said = " ".join(conda_in_process(INSTALL, *words.split()).stderr.split())
    assert "nightly builds are not chosen here: leave their index and `--pre` out" in said


def test_a_package_and_an_environment_may_be_called_so(conda_in_process):
    words = ("-n", "pip", "pytorch", "uv", "pip", "--cuda", "cpu", "--offline")
    assert "uv, pip" in conda_in_process(INSTALL, "-d", *words).ok().stdout


@pytest.mark.parametrize(
    "words",
    [
        (INSTALL, "-d", "pytorch", "-n", "torch", "numpy>=1"),
        (INSTALL, "-n", "torch", "pytorch", "-y", "numpy>=1"),
        (MIRROR, "rewrite", "one.yml", "--diff", "numpy>=1"),
    ],
    ids=" ".join,
)
def test_words_with_an_option_between_them(conda_in_process, words):
    """As in conda they are not read; the step offered was another environment, of that name."""
    said = " ".join(conda_in_process(*words).stderr.split())
    assert "`numpy>=1` is not expected here" in said
    assert "write the words in a row, with no option between them" in said
    assert "did you mean" not in said


@pytest.mark.parametrize("verb", ["install", "create"])
def test_a_verb_that_torch_install_stands_for_is_no_package(conda_in_process, verb):
    refused = conda_in_process(INSTALL, verb, "pytorch", "-d")
    assert refused.rc == 2
    assert f"`{verb}` begins another command" in refused.stderr
    assert "`conda torch-install pytorch -d" in refused.stderr
    # As a value it is one.
    shown = conda_in_process(INSTALL, "-n", verb, "-d", "--offline", "--json").ok().json()
    assert shown["prefix"].endswith(verb)
