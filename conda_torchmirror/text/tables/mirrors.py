"""The automatic redirect, and `conda torch-mirror list|status|test|enable|disable`."""

from __future__ import annotations

from ..messages import Table

TEXT: Table = {
    "redirected": "{where} (conda torch-mirror disable turns this off)",
    "redirected_names": "{names} from {mirrors}",
    "redirected_more": "{names} and {count} more from {mirrors}",
    "read_upstream": "{names} from upstream; {mirror} has it: plugins.torchmirror_mirrors: "
    "[{listed}]",
    "not_redirected": "channels are read without mirrors: {detail}",
    "enabled": "Written: {file}",
    "enabled_for": "conda, mamba, micromamba and conda-lock read these channels from mirrors now:",
    "enabled_own": "left as your own configuration has them: {names}",
    "enabled_upstream": "still from upstream, for want of a preferred mirror that has it: {names}",
    "enabled_undo": "`conda torch-mirror disable` removes the file.",
    "hook_only": "No file of ours is left; conda's own commands are redirected as they run.",
    "disabled": "Mirrors are off. {file} holds the switch, and nothing else; `conda torch-mirror "
    "enable` turns them on again.",
    "still_on": "another file sets torchmirror_auto to true and wins over ours: {file}",
    "still_off": "another file sets torchmirror_auto to false and wins over ours: {file}",
    "test_head": "{count} mirrors, asked for {subdir}: the first answer, what they hold, how old "
    "their newest index is, and what they say of their last sync",
    "test_files": "the files that were asked for: {files}",
    "upstream_title": "the official channels",
}

#: Where a channel is read from, and why; codes begin with `status.`.
STATUS: Table = {
    "mirrored": "redirected as commands run",
    "configured": "your own configuration ({source})",
    "enabled": "the file of `conda torch-mirror enable`",
    "default_channels": "your own default_channels ({source})",
    "channel_alias": "your own channel_alias",
    "credentials": "left alone: it is read with credentials",
    "not_allowed": "allowlist_channels or denylist_channels keeps {mirror} out",
    "not_carried": "no mirror that you prefer carries it",
    "elsewhere": "no mirror that you prefer carries it; {mirror} does",
    "unfit_url": "cannot be redirected as commands run; `conda torch-mirror enable NAME` can",
    "url": "a URL of your own",
    "label": "{mirror} does not have this label",
    "off": "torchmirror_auto is off ({source})",
    "no_part": "not a part of defaults on {subdir}",
    "on": "on: conda's own commands are redirected as they run",
    "is_off": "off ({source})",
    "file": "{file}",
    "no_file": "none; `conda torch-mirror enable` writes one for mamba and others",
    "file_off": "{file} (the off switch)",
}

#: Codes begin with `list.`.
LIST: Table = {
    "legend": "The first column is your order of preference. yes, likely, uncertain: carried, and "
    "how sure; redirect: sent on to another site; campus: on campus only; -: not carried; ?: not "
    "known.",
    "dates": "By sources from {first} to {last}, not by asking; `conda torch-mirror test` asks, "
    "`--json` has every source.",
}
