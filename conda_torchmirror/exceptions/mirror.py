"""Errors about mirrors: their settings, files that are written for them, their test."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile

from conda import CondaError
from conda.base.context import context

from ..models import Notice
from ..selection import shell
from ..text.messages import N_, REFUSALS, of_os_error, text
from ..text.sanitize import safe
from .base import TorchMirrorError


class UnknownConda(TorchMirrorError):
    """This conda lacks an internal name that the in-process redirect patches."""

    code = "unknown_conda"
    message = N_("this version of conda cannot be pointed at mirrors")
    cause = N_("{detail}")
    facts = ("detail",)
    hints = ("newer_plugin", "persist")


class BadRegistry(TorchMirrorError):
    """The setting `torchmirror_registry`, or another that names mirrors, cannot be used.

    `places` is the setting at fault, with its file or variable.
    """

    code = "bad_registry"
    message = N_("your settings of mirrors cannot be used")
    cause = N_("{detail}")
    facts = ("detail", "places")
    hints = ("mend_mirrors",)


class BadSetting(TorchMirrorError):
    """One of our settings has an invalid value."""

    code = "bad_setting"
    message = N_("the setting {name} in {file} cannot be used")
    cause = N_("{detail}")
    facts = ("name", "file", "detail")
    hints = ("mend_setting",)


class BadCondarc(TorchMirrorError):
    """A key of conda's configuration has a value of another form than conda reads, at which it
    fails with an error of Python's."""

    code = "bad_condarc"
    message = N_("`{key}` in {file} has a form that conda does not read")
    cause = N_("conda's own commands end in an error report there")
    facts = ("key", "file")
    hints = ("describe_key",)

    @classmethod
    def behind(cls, error: Exception) -> BadCondarc | None:
        """Return the error for the first such key, which is behind an error of Python's; None for
        one of conda's, and if conda reads every key or says itself what is wrong."""
        for name in () if isinstance(error, CondaError) else context.parameter_names:
            try:
                getattr(context, name)
            except CondaError:
                continue
            except Exception:
                key = name.lstrip("_")
                files = [file for file, raw in context.raw_data.items() if key in raw]
                # Commands and variables hold no lists of lists.
                files = [str(file) for file in files if file not in ("cmd_line", "envvars")]
                return cls(key=key, file=safe(", ".join(files) or ".condarc"))
        return None


class ForeignFile(TorchMirrorError):
    """The file that we would write or remove is not one that we wrote."""

    code = "foreign_file"
    message = N_("{file} is not ours")
    cause = N_("it was not written by `conda torch-mirror enable`, so it stays as it is")
    facts = ("file",)
    hints = ("move_file",)


class CacheClosed(TorchMirrorError):
    """A package cache, such as one that several accounts share, cannot be read by this account."""

    code = "cache_closed"
    message = N_("{folder} cannot be read")
    cause = N_("it is one of `pkgs_dirs`, your account has no permission for it, and conda stops")
    facts = ("folder",)

    @classmethod
    def behind(cls, error: BaseException) -> CacheClosed | None:
        """Return the error if conda could not list a package cache; None for any other."""
        folder = error.filename if isinstance(error, PermissionError) else None
        if folder not in context.pkgs_dirs:
            return None
        try:
            os.listdir(folder)
        except PermissionError:
            command = shell.command(("chmod", "-R", "a+rX", safe(str(folder))))
            ways = [Notice("open_cache", {"command": command}), Notice("leave_cache_out")]
            return cls(folder=folder, ways=ways)
        return None  # it is about writing to it


class CannotWrite(TorchMirrorError):
    """A file or folder that was named or is configured cannot be written or removed."""

    code = "cannot_write"
    message = N_("{file} cannot be written")
    cause = N_("{detail}")
    facts = ("file", "detail")

    @classmethod
    def of(
        cls, error: OSError, file: str | Path, option: str = "", others: Sequence[Notice] = ()
    ) -> CannotWrite:
        """Return the error for an OSError on this file, with a next step that fits the errno.

        `option` is the command-line option that sets the place; `others` are further next steps.
        """
        path = Path(os.path.abspath(file))
        way = _WAYS.get(REFUSALS.get(error.errno, ""), "check_folder")
        ways = [Notice(way, {"folder": safe(str(_closed(path)))})]
        if any(path.is_relative_to(folder) for folder in context.pkgs_dirs):
            first = [Notice("free_space")] if way == "make_room_at" else ways
            ways = [*first, Notice("other_disk")]
        elif option:
            ways.append(Notice("other_place", {"option": option}))
        return cls(file=safe(str(file)), detail=of_os_error(error), ways=[*ways, *others])

    @classmethod
    def of_one(cls, error: OSError, places: Sequence[str]) -> CannotWrite | CacheClosed:
        """Return the error for an OSError that may name its file. If it does not, it is about the
        first of these places; where a disk is full, about the fullest of them, of the home and of
        the file that standard output goes to."""
        if closed := CacheClosed.behind(error):
            return closed
        if error.filename or error.errno != errno.ENOSPC:
            return cls.of(error, error.filename or places[0])
        written = os.path.realpath("/dev/stdout")  # where the system has that
        output = [written] if os.path.isfile(written) else []
        return cls.of(error, min([*places, os.path.expanduser("~"), *output], key=_free))

    @classmethod
    def of_cache(cls) -> CannotWrite:
        """Return the error for a conda that can write to none of its package caches."""
        folder = Path(context.pkgs_dirs[0])
        try:
            # On Windows `tempfile` takes a refusal for a name that is taken, and goes on trying.
            if os.name != "nt":
                TemporaryFile(dir=_closed(folder)).close()
        except OSError as error:
            return cls.of(error, folder)
        return cls.of(PermissionError(errno.EACCES, ""), folder)

    @classmethod
    def of_temporary(cls) -> CannotWrite:
        """The error where Python finds no folder for temporary files."""
        names = ("TMPDIR", "TEMP", "TMP")
        folder = next(filter(None, map(os.environ.get, names)), os.path.join(os.sep, "tmp"))
        ways = [Notice("check_folder", {"folder": safe(folder)}), Notice("set_tmpdir")]
        return cls(file=safe(folder), detail=text("file.no_temporary"), ways=ways)


#: The first next step for each refusal of the system (`text.messages.REFUSALS`).
_WAYS = {
    "disk_full": "make_room_at",
    "quota_used_up": "make_room_at",
    "disk_read_only": "make_writable",
    "not_permitted": "make_writable",
    "not_there": "make_parent",
    "no_folder": "move_from_path",
    "is_folder": "move_from_path",
    "other_run": "after_other_run",
    "file_too_large": "raise_limit",
    "too_many_open": "raise_limit",
}


def _free(folder: str) -> int:
    """The free space for a folder in bytes, the most if it is unknown."""
    path = Path(os.path.abspath(folder))
    there = next((place for place in (path, *path.parents) if os.path.isdir(place)), path)
    try:
        return shutil.disk_usage(there).free
    except OSError:
        return sys.maxsize


def _closed(path: Path) -> Path:
    """Return what keeps a path from being written: itself, or the nearest existing folder.

    Its name may be too long for any, by which `Path.exists` raises.
    """
    if os.path.exists(path) and not os.access(path, os.W_OK):
        return path
    return next(folder for folder in path.parents if os.path.isdir(folder))


class NothingToEnable(TorchMirrorError):
    """None of the preferred mirrors carries any of the channels."""

    code = "nothing_to_enable"
    message = N_("no mirror carries {channels} for {subdir}")
    cause = N_("your mirrors are: {mirrors}")
    facts = ("channels", "subdir", "mirrors")
    hints = ("see_mirrors",)


class OwnChannels(TorchMirrorError):
    """Every channel that a preferred mirror carries is settled by conda's configuration: mapped
    there, read with credentials, or kept from mirrors by the administrator's lists."""

    code = "own_channels"
    message = N_("there is nothing to write, as these stay as they are: {channels}")
    cause = N_("conda's configuration decides where they are read from")
    facts = ("channels",)
    hints = ("see_status",)


class ChannelIsGroup(TorchMirrorError):
    """The user's `custom_multichannels` give a channel's name to a group of channels."""

    code = "channel_is_group"
    message = N_("`{channel}` stands for a group of channels here, and is to be read as one")
    cause = N_(
        "custom_multichannels in conda's configuration has a group of that name; give it another "
        "one, or lead the channel to another place by custom_channels"
    )
    facts = ("channel",)
    hints = ("see_status",)


class OfflineTest(TorchMirrorError):
    """`torch-mirror test` was run while conda is offline."""

    code = "test_offline"
    message = N_("conda is offline, so no mirror can be asked")
    hints = ("go_online",)
