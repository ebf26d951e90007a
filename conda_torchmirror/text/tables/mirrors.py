"""The automatic redirect, and `conda torch-mirror list|status|test|enable|disable`."""

from __future__ import annotations

from ..messages import Table

TEXT: Table = {
    "redirected": "{where} (conda torch-mirror disable turns this off)",
    "redirected_names": "{names} from {mirrors}",
    "redirected_more": "{names} and {count} more from {mirrors}",
    "read_upstream": "{names} from upstream; {mirror} has it: plugins.torchmirror_mirrors: "
    "[{listed}]",
    "packages_by_url": "packages that are named by their official URLs come from there and not "
    "from {mirrors}",
    "packages_by_url_listed": "packages that are named by their official URLs come from there and "
    "not from {mirrors}; conda torch-mirror rewrite FILE changes such a list",
    "own_alias_lacks": "{channel} from the official channel: your channel_alias leads to {mirror}, "
    "which does not have it",
    "own_lacking": "your custom_channels lead {channel} to {mirror}, which does not have it; "
    "`conda torch-mirror status` names the file",
    "own_misplaced": "your custom_channels give an address of {channel} at {mirror} where no "
    "channel is; `conda torch-mirror status` names the file",
    "own_alias_misplaced": "your channel_alias gives an address at {mirror} where no channel is; "
    "`conda torch-mirror status` names the file",
    "conda_lacks": "this conda has no {names}",
    "conda_ignores": "this conda does not take the address of {channel}",
    "not_redirected": "channels are read without mirrors: {detail}",
    "enabled": "Written: {file}",
    "enabled_for": "conda, mamba, micromamba and conda-lock read these channels from mirrors now:",
    "enabled_for_dry": "conda, mamba, micromamba and conda-lock would read these channels from "
    "mirrors:",
    "enable_upstream": "it stands for the official channels; `conda torch-mirror disable` has "
    "conda's own commands read them",
    "enabled_own": "Left as your own configuration has them: {names}",
    "enabled_upstream": "Still from upstream, because no mirror that you prefer is known "
    "to have them: {names}",
    "enabled_left": "{names}: {reason}",
    "enabled_dry": "Not written, because of --dry-run: {file}",
    "enabled_mamba": "mamba and micromamba find channels that are named, as `pytorch`; full "
    "https://conda.anaconda.org/... URLs, and files of explicit URLs, they read from upstream.",
    "enabled_undo": "`conda torch-mirror enable --hook-only{system}` removes the file; `conda "
    "torch-mirror disable{system}` keeps conda's own commands from mirrors too.",
    "hook_only": "Removed: {file}",
    "hook_only_dry": "Not removed, because of --dry-run: {file}",
    "hook_only_on": "Conda's own commands are redirected as they run.",
    "hook_only_other": "{file} maps channels as well; `conda torch-mirror enable --hook-only"
    "{system}` removes it.",
    "hook_only_other_off": "Conda's own commands are not redirected, because {file} holds the "
    "switch; `conda torch-mirror enable --hook-only{system}` removes it.",
    "disabled": "Conda's own commands are redirected no more; {file} holds that switch, and "
    "nothing else.",
    "disabled_dry": "Not written, because of --dry-run: {file}, which would hold the switch that "
    "keeps conda's own commands from mirrors",
    "disabled_undo": "`conda torch-mirror enable --hook-only{system}` turns the redirect on again; "
    "`conda torch-install` reads the channels that it chooses from at mirrors all the same, but "
    "with `--mirror upstream`.",
    "still_on": "Another file sets torchmirror_auto to true and counts more: {file}",
    "still_off": "Conda's own commands are not redirected as they run: torchmirror_auto is false "
    "in {file}",
    "still_enabled": "{file} still maps channels to mirrors; `conda torch-mirror disable{system}` "
    "ends that.",
    "still_own": "Your own configuration still leads these channels to mirrors: {names}",
    "test_mirror": "mirror",
    "test_answer": "answer",
    "test_file": "files",
    "test_index": "index",
    "test_sync": "sync",
    "test_yes": "yes",
    "test_no": "no",
    "test_head": (
        "One mirror, asked for {subdir}: its first answer, what it holds, how old its newest index "
        "is, and what it says of its last sync",
        "{count} mirrors, asked for {subdir}: the first answer, what they hold, how old their "
        "newest index is, and what they say of their last sync",
    ),
    "test_keep": "{mirror}, the first of them, has what was asked for: no other is needed.",
    "test_unknown": "Which of them has {specs} is not known: no file of it could be asked for.",
    "test_recommend": "{mirror} answers first of those that have what was asked for: `conda "
    "torch-mirror enable --mirror {mirror}` prefers it from now on, `conda torch-install --mirror "
    "{mirror}` once.",
    "test_none": "No mirror has all that was asked for; `conda torch-install --mirror upstream` "
    "reads the official channels.",
    "test_none_named": "None that was asked has all of it; `conda torch-mirror test` without names "
    "asks all mirrors that may be used here, and the official channels.",
    "test_none_at_all": "No mirror has all that was asked for, and the official channels do not "
    "answer.",
    "test_none_there": "Neither a mirror nor the official channels have all that was asked for.",
    "test_nobody": "Nothing answered: check the network, and the proxy that `conda config --show "
    "proxy_servers` or a variable such as `https_proxy` names.",
    "test_nobody_named": "Nothing answered: check the network, and the proxy that `conda config "
    "--show proxy_servers` or a variable such as `https_proxy` names; `conda torch-mirror test` "
    "without names asks all mirrors that may be used here.",
    "test_untrusted": "None of their certificates is accepted here: check `conda config --show "
    "ssl_verify` and the clock of this computer.",
    "test_others": "`torch-mirror test` asks for files of PyTorch only, and for none of {specs}",
    "test_no_files": "no files were asked for: the built-in index knows none of {specs} for "
    "{subdir} for certain",
    "test_files": "the files that were asked for: {files}",
    "setting_source": "it takes one of {known}, not {value}",
    "setting_truth": "it takes true or false, not {value}",
    "setting_place": "{name} in {file}",
    "setting_deep": "it is nested too deeply",
    "setting_empty": "an empty value",
    "setting_several": "a list or a map",
    "setting_wheels_alone": "wheels stand in where nothing of pytorch or conda-forge fits, so it "
    "takes one of these too; for wheels alone set `torchmirror_source: wheels`",
    "setting_list": "it takes a list of names, each on a line of its own after a dash",
    "setting_text": "it takes one text: the path of a file, or after `|` what would stand in it",
    "upstream_title": "the official channels",
}

#: Where a channel is read from, and why; codes begin with `status.`.
STATUS: Table = {
    "label_auto": "automatic",
    "label_file": "file",
    "label_preference": "preference",
    "label_only": "allowed only",
    "mirrored": "redirected as commands run",
    "configured": "your own configuration ({source})",
    "enabled": "the file of `conda torch-mirror enable`",
    "default_channels": "your own default_channels ({source})",
    "channel_alias": "your own channel_alias",
    "alias_lacks": "your channel_alias leads to {mirror}, which does not have it, so it is read "
    "from the official channel",
    "alias_misplaced": "your own channel_alias ({source}) gives an address at {mirror} where no "
    "channel is: it takes the URL above the channels' names",
    "lacking": "your own configuration ({source}) leads it to {mirror}, which does not have it; "
    "remove that entry",
    "misplaced": "your own configuration ({source}) gives an address at {mirror} where no channel "
    "is: custom_channels takes the URL above the channel's name",
    "credentials": "left alone: it is read with credentials",
    "not_allowed": "allowlist_channels or denylist_channels keeps {mirror} out",
    "not_carried": "no mirror that you prefer is known to carry it",
    "elsewhere": "no mirror that you prefer is known to carry it; {mirror} does",
    "unfit_url": "cannot be redirected as commands run; `conda torch-mirror enable NAME` can",
    "url": "a URL of your own",
    "url_lacking": "a URL of your own, and {mirror} does not have that channel: write its name "
    "instead",
    "label": "{mirror} does not have this label",
    "off": "torchmirror_auto is off ({source})",
    "no_part": "not a part of defaults on {subdir}",
    "on": "on: conda's own commands are redirected as they run",
    "is_off": "off ({source})",
    "file": "{file}",
    "no_file": "none; `conda torch-mirror enable` writes one for mamba and others",
    "at": "{mirror}: {reason}",
    "file_off": "{file} (the off switch)",
}

#: Codes begin with `list.`; the first two put parts together anywhere.
LIST: Table = {
    "phrases": "{first}, {rest}",
    "clauses": "{first}; {rest}",
    "sentences": "{first}. {rest}",
    "mirror": "mirror",
    # How sure it is that a channel is there, or how it is had.
    "certain": "yes",
    "yes": "yes",
    "likely": "likely",
    "uncertain": "uncertain",
    "redirect": "redirect",
    "campus": "campus",
    "fault": "{places} cannot be used: {detail}",
    "legend": "The first column is your order of preference. yes, likely, uncertain: carried, and "
    "how sure; redirect: sent on to another site; campus: on campus only; -: not carried; ?: not "
    "known.",
    "dates": "By sources from {first} to {last}, not by asking; `conda torch-mirror test` asks, "
    "`--json` has every source.",
}
