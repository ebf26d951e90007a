"""What commands and errors say, held against the files in `tests/translations/golden/`."""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import conda_torchmirror
from conda_torchmirror.exceptions.base import TorchMirrorError
from conda_torchmirror.models import Notice
from conda_torchmirror.text import language
from conda_torchmirror.text.layout import width, wrapped
from conda_torchmirror.verify import verdict
from conda_torchmirror.verify.verdict import Check, Partner

from . import running

GOLDEN = Path(__file__).parents[1] / "translations" / "golden"
LANGUAGES = (language.ENGLISH, language.CHINESE)


def too_wide(sections: dict[str, str]) -> list[str]:
    """Lines wider than the terminal which could be broken: no command, URL or path."""
    return [
        line
        for text in sections.values()
        for line in text.splitlines()
        if width(line) > 80
        and not re.search(r"^ *(`?conda |export |set |\$env)|://|ROOT|^[+-]", line)
    ]


def told(result: running.Result) -> str:
    """What went to standard error, with an error of ours as both condas can print it."""
    if isinstance(error := result.error, TorchMirrorError):
        return shown(error)
    assert "Traceback" not in result.stderr, result
    return result.stderr


def shown(error: TorchMirrorError) -> str:
    return "\n".join([*wrapped(str(error.message), f"{type(error).__name__}: "), *error._advice()])


def plain(said: str, sandbox, folder: Path) -> str:
    """Without what differs from run to run."""
    for path, instead in ((folder, "ROOT"), (sandbox.root, "ROOT"), (sys.prefix, "BASE")):
        said = re.sub(re.escape(os.path.realpath(path)), instead, said)
        said = said.replace(str(path), instead)
    said = re.sub(r"(?m)^(---|\+\+\+) (\S+)\t.*$", r"\1 \2", said)
    return "\n".join(line.rstrip() for line in said.strip("\n").splitlines())


def below(name: str, parser) -> Iterator[tuple[str, object]]:
    yield name, parser
    for action in parser._actions:
        if isinstance(action.choices, dict):
            for word, its in action.choices.items():
                if isinstance(its, ArgumentParser):
                    yield from below(f"{name} {word}", its)


def ours(parser) -> str:
    """The help without what conda itself has in it: usage, and options of its own helpers."""
    from conda_torchmirror.text.messages import text
    from conda_torchmirror.text.tables.options import HELP

    own = {text(f"help.{code}") for code in HELP if code != "json"}
    formatter = parser._get_formatter()
    formatter.add_text(parser.description)
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if action.help in own]
        actions += [a for a in group._group_actions if isinstance(a, _SubParsersAction)]
        if actions:
            formatter.start_section(group.title if group.title in own else None)
            formatter.add_arguments(actions)
            formatter.end_section()
    formatter.add_text(parser.epilog)
    return formatter.format_help()


#: A verdict of each kind on an environment.
CHECKS = {
    "fine": Check("fine", python="3.12.4", torch="2.5.1", cuda="12.4", sample=((0.1, 0.2, 0.3),)),
    "on the GPU": Check(
        "fine",
        python="3.12.4",
        torch="2.5.1",
        cuda="12.4",
        build="py3.12_cuda12.4_cudnn9.1.0_0",
        url="https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch/linux-64/pytorch.conda",
        partners=(Partner("torchvision", "0.20.1", None), Partner("torchaudio", None, "x")),
        devices=(verdict.Tested(0, "NVIDIA A100", "8.0", True, None),),
    ),
    "no GPU tried": Check(
        "fine",
        python="3.12.4",
        torch="2.5.1",
        cuda="12.4",
        notices=(Notice("gpu_untried", {"platform": "CUDA 12.4"}),),
        where=" -n new",
    ),
    "no GPU": Check(
        "no_gpu",
        python="3.12.4",
        torch="2.5.1",
        cuda="12.4",
        archs=("sm_50", "sm_80", "sm_90"),
        devices=(verdict.Tested(0, "NVIDIA GeForce RTX 5090", "12.0", False, "no kernel image"),),
        error="CUDA error: no kernel image is available for execution on the device",
        notices=(Notice("no_kernel_image", {}), Notice("machine.wsl", {})),
        where=" -n new",
    ),
    "broken": Check(
        "broken",
        python="3.12.4",
        error="libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent",
        notices=(Notice("mkl_ijit", {}),),
        where=" -n new",
    ),
}


#: What stands for a fact; another is its own name in capitals.
FACTS = {
    "channel": "pytorch",
    "cuda": "12.4",
    "count": 3,
    "file": "environment.yml",
    "folder": "plans/lesson",
    "here": "win-64",
    "instead": "nju",
    "mirror": "tuna",
    "mirrors": "tuna, nju",
    "names": "numpy tqdm",
    "native": "linux-64",
    "package": "numpy",
    "path": "environment.yml",
    "pin": "mkl<2024.1",
    "needed": "mkl<2024.1",
    "python": "/envs/lesson/bin/python",
    "prefix": "/envs/lesson",
    "size": "1.57 GB",
    "spec": "pytorch=2.3",
    "source": "conda-forge",
    "status": 404,
    "subdir": "linux-64",
    "torch": "2.5.1",
    "total": 42,
    "tried": "tuna, nju, upstream",
    "url": "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch/linux-64",
    "what": "pytorch-2.5.1.conda",
    "where": " -n lesson",
}


def errors() -> list[type[TorchMirrorError]]:
    package = Path(conda_torchmirror.__file__).parent / "exceptions"
    for path in package.glob("*.py"):
        import_module(f"{conda_torchmirror.__name__}.exceptions.{path.stem}")
    found, waiting = [], [TorchMirrorError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if hasattr(kind, "code") and kind.__module__.startswith(conda_torchmirror.__name__):
            found.append(kind)
    return sorted(found, key=lambda kind: kind.__name__)
