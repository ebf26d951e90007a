"""The step that leaves an environment file to conda, for what environment and platform is asked.

Conda's `env create` does not look at what else the command line of `torch-install` says, fails for
an environment that is there, and takes one file.
"""

from __future__ import annotations

from collections.abc import Sequence

from conda.base.context import context, locate_prefix_by_name
from conda.exceptions import CondaError

from ...index.match import read
from ...machine.environment import is_environment
from ...models import Notice
from ...options import NEW, InstallOptions
from ...selection.facts.names import CUDA_NAMES, CUDNN, GPU_METAPACKAGE, PIP_NAMES, RUNTIMES
from ...selection.plan import typed
from ...selection.specs import build_of, marks, package_name, wheel_variant
from ...text.sanitize import safe
from .environment_file import EnvironmentFile, target

#: Packages that one system alone has, of which every export from there holds some.
_OF_SYSTEM = {
    "linux": ("_libgcc_mutex", "libgcc-ng", "libstdcxx-ng", "ld_impl_linux-64"),
    "win": ("vc", "vc14_runtime", "vs2015_runtime", "ucrt"),
}
#: Packages that no Mac of these years has; cuda-version is for every system.
_OF_CUDA = (GPU_METAPACKAGE, *RUNTIMES, *CUDNN, *CUDA_NAMES[1:])


def step(files: Sequence[EnvironmentFile], asked: InstallOptions | None) -> tuple[Notice, ...]:
    """The step to have conda install a file as it is; none for several files, or if it cannot.

    `asked` are the options that were typed, or those that the file's environment was added to.
    """
    if len(files) != 1 or any(map(_as_pip_names_it, files[0].specs)) or not takes(files[0]):
        return ()
    lines = (*files[0].specs, *files[0].pip)
    if any(_is_of_another(line, context.subdir) for line in lines):
        return ()
    where = _where(files, asked)
    if _is_there(files, where):
        command = command_of(files, asked, "update")
    else:
        platform = ("--platform", asked.subdir) if asked and asked.subdir else ()
        command = command_of(files, asked, "create", *platform)
    return (Notice("file_as_it_is", {"command": command}),)


def takes(file: EnvironmentFile) -> bool:
    """Whether every conda takes a file for what it is. 24.7 goes by the end of the name, and reads
    a .txt, as editors on Windows name it, as a list of packages; 26.7 looks into it."""
    return "://" in file.path or file.path.endswith((".yml", ".yaml"))


def command_of(
    files: Sequence[EnvironmentFile], asked: InstallOptions | None, verb: str, *more: str
) -> str:
    """Conda's command for the first of the files, with these words before `-f`."""
    words = ("conda", "env", verb, *_where(files, asked), *more, "-f", safe(files[0].path))
    return typed(words)


def _as_pip_names_it(spec: str) -> bool:
    """Whether conda has no such package or version: `torch`, `torchvision==0.18.1+cu121`."""
    found = read(spec)
    return package_name(spec) == PIP_NAMES[0] or bool(found.variant)


def _is_of_another(spec: str, subdir: str) -> bool:
    """Whether a spec, or a line for pip, is for packages of another system."""
    name, system = package_name(spec), subdir.partition("-")[0]
    built = wheel_variant(spec) or build_of(spec) or ""
    if system == "osx" and (name in _OF_CUDA or marks(built).cuda):
        return True
    return any(name in names for of, names in _OF_SYSTEM.items() if of != system)


def _where(files: Sequence[EnvironmentFile], asked: InstallOptions | None) -> tuple[str, ...]:
    """The words that name the environment; none where the file does, as conda reads it."""
    name, prefix, _ = target(files)
    if asked and asked.prefix:
        return ("-p", asked.prefix)
    if asked and asked.name:
        return () if asked.name == name else ("-n", asked.name)
    if name:
        return ()
    # Conda passes over a prefix in the file, and over the name base stops.
    return ("-p", prefix) if prefix else ("-n", NEW)


def _is_there(files: Sequence[EnvironmentFile], where: Sequence[str]) -> bool:
    """Whether the environment that these words, or else the file, name is there."""
    if where[:1] == ("-p",):
        return is_environment(where[1])
    name = where[1] if where else target(files)[0]
    try:
        return name is not None and is_environment(locate_prefix_by_name(name))
    except CondaError:
        return False
