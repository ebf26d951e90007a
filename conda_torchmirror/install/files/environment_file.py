"""An environment file as conda itself reads it: one record for conda 24.7 and 26.7 alike.

Checks which files `torch-install -f` accepts, and turns any failure of conda's reader on others
into one clear error. After the transaction, installs what conda's `install` does not read from a
file: the pip section and the variables. Decides nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from conda import CondaError
from conda.base.constants import PREFIX_NAME_DISALLOWED_CHARS
from conda.base.context import context
from conda.common.path import expand
from conda.core.prefix_data import PrefixData
from conda.env.env import from_file
from conda.env.installers.base import get_installer
from conda.exceptions import CondaHTTPError, InvalidInstaller

from ...envfiles.file_io import FileTrouble
from ...envfiles.file_io import read as read_bytes
from ...envfiles.kind import Foreign, is_configuration, recognise, top_keys
from ...envfiles.source_text import UnreadableText, decode
from ...exceptions.file import (
    EnvironmentFileNotFound,
    FileAsSpec,
    FileNotReadable,
    FilesDisagree,
    FileSection,
    FileSelectors,
    NotEnvironmentFile,
    SectionFailed,
)
from ...models import Notice
from ...redirect import configuration
from ...selection.specs import package_name
from ...text.messages import text
from ...text.sanitize import safe
from . import shape

#: The codes of the sentences for what another kind of file is, and for the command that takes it.
#: The key is a `kind.Kind`, the code of a `kind.Foreign`, or that of conda's configuration.
_INSTEAD: Mapping[str, tuple[str, str]] = {
    "explicit": ("is_explicit", "file_explicit"),
    "specs": ("is_specs", "file_specs"),
    "requirements": ("is_requirements", "file_requirements"),
    "manifest": ("is_manifest", "file_export"),
    "lock": ("is_lock", "file_source"),
    "foreign_lock": ("is_lock", "file_lock"),
    "foreign_file": ("is_of_tool", "file_export"),
    "conda_configuration": ("is_configuration", "file_configuration"),
}

_ROOT = ("base", "root")
#: A prefix of another operating system.
_FOREIGN_PREFIX = re.compile("/" if os.name == "nt" else r"[A-Za-z]:[\\/]|\\\\")
#: A dependency with a selector of conda-build's, such as `# [linux]`.
_SELECTOR = re.compile(r"^[ \t]*-[ \t]+(?P<spec>[^#\n]+?)[ \t]+#[ \t]*\[[^\]\n]+\]", re.M)
#: What conda prints when it adds pip, for which there is a notice of our own in both languages.
_NAGGED = re.compile(r"Warning: you have pip-installed dependencies.*?still nagging you\. ?")


@dataclass(frozen=True)
class EnvironmentFile:
    """The content of an environment file.

    `specs` are the conda dependencies as they are written in the file, `sections` the other lists
    among the dependencies, by installer (such as pip). `pip_added` says that pip is among the specs
    for the pip section, without being written in the file. `remark` is what conda prints about
    parts that it ignores.
    """

    path: str
    name: str | None = None
    prefix: str | None = None
    channels: tuple[str, ...] = ()
    specs: tuple[str, ...] = ()
    sections: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    pip_added: bool = False
    remark: str = ""

    @property
    def pip(self) -> tuple[str, ...]:
        """The lines of the pip section."""
        return self.sections.get("pip", ())


def read(path: str) -> EnvironmentFile:
    """Read the environment file at a path or URL.

    Raises: EnvironmentFileNotFound, NotEnvironmentFile, FileNotReadable, FileSection,
    FileSelectors.
    """
    where = path if "://" in path else expand(path)
    if context.offline and re.match("(?:https?|ftp|s3)://", where):
        # Conda takes what it does not fetch for an empty file.
        raise _unfetched(path, text("file.url_offline"), Notice("go_online"))
    content = _check_kind(path, where)
    said = StringIO()
    try:
        with redirect_stdout(said):
            found = from_file(where)
        result = _taken(where, found)
    except CondaHTTPError as error:
        status = (getattr(error, "_kwargs", None) or {}).get("status_code")
        # Conda's word for no answer at all is 000.
        answered = str(status or 0).strip("0")
        why = text("file.url_status" if answered else "file.url_unreachable", {"status": status})
        way = Notice("file_check_address" if answered else "check_network")
        raise _unfetched(path, why, way) from error
    except Exception as error:
        # Errors of the YAML parser, and bugs of conda's reader on data of another shape.
        why, way = shape.fault(content) or (_detail(error), Notice("file_correct"))
        raise FileNotReadable(file=path, detail=why, ways=[way]) from error
    _check_sections(path, result)
    _check_selectors(path, content, result)
    remark, times = _NAGGED.subn("", " ".join(said.getvalue().split()))
    return replace(result, remark=remark, pip_added=bool(times))


def short(file: EnvironmentFile) -> str:
    """The name of a file without its folders."""
    return safe(re.split(r"[\\/]", file.path)[-1])


def target(
    files: Sequence[EnvironmentFile],
) -> tuple[str | None, str | None, list[Notice]]:
    """The name, else the prefix, of the environment that the files name, and notices on it.

    Ignores the name base, which is there because a file was exported from base by mistake, a name
    that is none for conda, such as the path that old ones exported, and a prefix of another
    operating system.

    Raises: FilesDisagree.
    """
    unusable = [file for file in files if PREFIX_NAME_DISALLOWED_CHARS & {*(file.name or "")}]
    names = sorted({file.name for file in files if file.name and file not in unusable})
    if len(names) > 1:
        raise FilesDisagree(names=", ".join(map(safe, names)))
    notices = [
        Notice("file_name_unusable", {"file": short(file), "name": safe(str(file.name))})
        for file in unusable
    ]
    if names:
        return None if names[0] in _ROOT else names[0], None, notices
    for file in reversed(files):
        if file.prefix and _FOREIGN_PREFIX.match(file.prefix):
            facts = {"file": short(file), "prefix": safe(file.prefix)}
            notices.append(Notice("file_prefix_foreign", facts))
        elif file.prefix:
            return None, file.prefix, notices
    return None, None, notices


def _check_kind(path: str, where: str) -> str:
    """Refuse a file that is not there and, by its content, one of another kind, which conda would
    misread or fail on. Return the text, "" for a URL, which is left to conda.

    Raises: EnvironmentFileNotFound, NotEnvironmentFile, FileNotReadable.
    """
    if "://" in where:
        return ""
    try:
        content = decode(read_bytes(Path(where))).text
    except FileTrouble as trouble:
        why = text(f"file.{trouble.code}", trouble.facts)
        if trouble.code in ("missing", "dangling_link"):
            ways = [_near(path, Path(where))]
            raise EnvironmentFileNotFound(file=path, detail=why, ways=ways) from trouble
        raise FileNotReadable(file=path, detail=why, ways=[_instead(where, trouble)]) from trouble
    except UnreadableText as trouble:
        detail = text(f"file.{trouble.code}")
        raise FileNotReadable(file=path, detail=detail, ways=[Notice("file_form")]) from trouble
    kind = recognise(content)
    facts = kind.facts if isinstance(kind, Foreign) else {"tool": "", "command": ""}
    code = kind.code if isinstance(kind, Foreign) else kind
    if code is None and is_configuration(top_keys(content)):
        code = "conda_configuration"
    if code is not None and code in _INSTEAD:
        what, way = _INSTEAD[code]
        told, ways = text(f"file.{what}", facts), [Notice(way, {**facts, "file": path})]
        raise NotEnvironmentFile(file=path, what=told, ways=ways)
    if isinstance(kind, Foreign):
        raise FileNotReadable(file=path, detail=text(f"file.{kind.code}", facts))
    return content


def refuse_as_spec(words: Iterable[str]) -> None:
    """Refuse a word with the ending of such files that is one, given without `-f`: what conda finds
    is that no channel has a package of that name.

    Raises: FileAsSpec, NotEnvironmentFile, FileNotReadable.
    """
    for word in words:
        if Path(expand(word)).is_file():
            _check_kind(word, expand(word))
            raise FileAsSpec(file=word, ways=[Notice("file_near", {"path": safe(word)})])


def _unfetched(path: str, why: str, way: Notice) -> FileNotReadable:
    """The error for a URL that is not read."""
    return FileNotReadable(file=path, detail=why, ways=[way, Notice("file_download")])


def _near(path: str, missing: Path) -> Notice:
    """The next step for a file that is not there: the one beside it that is likely meant."""
    import difflib  # only a file that is not there needs it

    try:
        there = sorted(path.name for path in missing.parent.iterdir() if path.is_file())
    except OSError:
        return Notice("file_no_folder", {"folder": safe(str(missing.parent))})
    alike = [name for name in there if Path(name).suffix in (missing.suffix, ".yml", ".yaml")]
    if near := difflib.get_close_matches(missing.name, alike, n=1, cutoff=0.6):
        return Notice("file_near", {"path": safe(str(Path(path).with_name(near[0])))})
    if found := [name for name in there if re.search(r"\.ya?ml$", name)]:
        return Notice("file_in_folder", {"path": safe(str(Path(path).with_name(found[0])))})
    return Notice("file_none_there", {"folder": safe(str(missing.parent))})


def _instead(where: str, trouble: FileTrouble) -> Notice:
    """The next step for a file of which nothing can be read."""
    if trouble.code in ("not_a_file", "closed"):
        return Notice("file_save_first")
    if trouble.code == "folder":
        found = sorted(path for path in Path(where).glob("*.y*ml") if path.is_file())
        return Notice("file_in_folder", {"path": str(found[0])} if found else {"path": "FILE"})
    return Notice("file_readable")


def _taken(where: str, found: Any) -> EnvironmentFile:
    """Convert conda's object. Takes the specs from its `raw`, as they are written in the file:
    conda's own form of a spec loses the host of a channel that is a URL."""
    channels = tuple(map(str, found.channels or ()))
    for name, value in (("dependencies", found.dependencies.raw), ("variables", found.variables)):
        if isinstance(value, str) or (name == "dependencies" and isinstance(value, Mapping)):
            raise TypeError(f"{name}: {value}")
    for name, value in (("name", found.name), ("prefix", found.prefix)):
        if isinstance(value, (list, tuple, Mapping)):
            raise TypeError(f"{name}: {value}")
    if len(channels) > 1 and all(len(channel) == 1 for channel in channels):
        # Conda has read a string as a list of its characters.
        raise TypeError(f"channels: {''.join(channels)}")
    raw = [item for item in found.dependencies.raw or () if not isinstance(item, Mapping)]
    specs = [str(item).strip() for item in raw]
    sections: dict[str, tuple[str, ...]] = {}
    # From `raw` too: of two sections for one installer conda itself keeps only the last.
    for item in found.dependencies.raw or ():
        for name, lines in item.items() if isinstance(item, Mapping) else ():
            if isinstance(lines, str):
                raise TypeError(f"{name}: {lines}")
            if lines:
                before = sections.get(str(name), ())
                sections[str(name)] = (*before, *map(str, lines))
    added = [spec for spec in found.dependencies.get("conda", ()) if spec == "pip"]
    if added and not any(re.match(r"(?:.*::)?pip(?![\w.-])", spec) for spec in specs):
        specs += added
    return EnvironmentFile(
        path=where,
        # YAML reads a name of digits as a number.
        name=str(found.name) if found.name else None,
        prefix=str(found.prefix) if found.prefix else None,
        channels=channels,
        specs=tuple(specs),
        sections=sections,
        variables={str(name): str(value) for name, value in (found.variables or {}).items()},
    )


def _check_sections(path: str, found: EnvironmentFile) -> None:
    for name in found.sections:
        try:
            get_installer(name)
        except InvalidInstaller as error:
            raise FileSection(file=path, section=name) from error


def _check_selectors(path: str, content: str, found: EnvironmentFile) -> None:
    """Refuse lines with selectors for several systems if they differ: conda reads all of them.

    Raises: FileSelectors.
    """
    asked: dict[str, set[str]] = {}
    for spec in found.specs:
        words = "".join(spec.partition("#")[0].split()).rpartition("::")[2]
        asked.setdefault(package_name(spec), set()).add(words)
    for line in _SELECTOR.finditer(content):
        name = package_name(line["spec"].strip("\"' "))
        if len(asked.get(name, ())) > 1:
            raise FileSelectors(file=path, name=safe(name))


def _detail(error: Exception) -> str:
    """The error in one line, for a file without a fault that `shape` finds, or one at a URL."""
    if isinstance(error, (TypeError, AttributeError, KeyError)):
        return text("file.odd_section")
    if isinstance(error, RecursionError):
        return text("setting_deep")
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return safe(" ".join(lines)[:300]) or type(error).__name__


class SetVariables(NamedTuple):
    """The names of variables that were set in an environment."""

    names: tuple[str, ...]


def finish(
    files: Sequence[EnvironmentFile], prefix: str, *, quiet: bool
) -> tuple[dict[str, list[str]], SetVariables | None]:
    """Install the sections and set the variables; return the installed packages as in conda's JSON.

    Uses conda's own installers, as `conda env create` does, in the folder of each file. `quiet`
    hides their output.

    Raises: SectionFailed; the conda packages are installed by then.
    """
    actions: dict[str, list[str]] = {}
    for file in files:
        # Paths in the section are relative to the folder of this file.
        words = configuration.arguments(file=file.path)
        for name, lines in file.sections.items():
            try:
                with redirect_stdout(StringIO()) if quiet else nullcontext():
                    done = get_installer(name).install(prefix, list(lines), words, file)
            except CondaError as error:
                raise SectionFailed(
                    file=safe(file.path), section=name, prefix=prefix, detail=safe(str(error))
                ) from error
            if done:
                actions.setdefault(name.upper(), []).extend(done)
    variables = {name: value for file in files for name, value in file.variables.items()}
    if not variables:
        return actions, None
    PrefixData(prefix).set_environment_env_vars(variables)
    return actions, SetVariables(tuple(sorted(variables)))
