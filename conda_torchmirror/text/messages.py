"""Every sentence that a person reads, by its stable code. Facts are filled in with `str.format`.

A second language is a second dictionary with the same codes and the same fields. Never translated:
codes, JSON keys, command names.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

#: Subjects with sentences in a module of their own, by what their codes begin with.
SUBJECTS = {
    "machine": "tables.machine",
    "fact": "tables.facts",
    "show": "tables.decision",
    "check": "tables.check",
    "file": "tables.files",
}

TEXT: dict[str, str] = {
    # Errors, `.cause` behind the code of an error says why.
    "bad_cuda": "`--cuda {value}` is not understood",
    "bad_cuda.cause": "it takes auto, cpu, or a CUDA version such as 12.4 or cu124",
    "bad_python": "`--python {value}` is not understood",
    "bad_python.cause": "it takes a version such as 3.11",
    "bad_python_spec": "`{spec}` does not name one version of Python",
    "bad_python_spec.cause": "builds are for one minor version each: `python=3.11`",
    "contradiction": "`{first}` and `{second}` contradict each other",
    "contradiction.cause": "one of them has to be left out",
    "solve_alone": "`--solve` goes with `--dry-run`",
    "solve_alone.cause": "it takes a preview on to conda's solver; an installation always solves",
    "solve_preview": "add `--dry-run`, or leave `--solve` out to install",
    "bad_spec": "`{spec}` is not a match spec that conda can read",
    "bad_spec.cause": "{detail}",
    "other_channel": "`{spec}` names the channel `{channel}`",
    "other_channel.cause": "torch-install chooses exact builds of the channel `pytorch`; for"
    " another channel use `conda install {spec}`",
    "bad_mirror": "`--mirror {value}` is not understood",
    "bad_mirror.cause": "{detail}",
    "no_environment": "no environment is named, and none but base is active",
    "no_environment.cause": "base holds conda itself and is only touched when it is named",
    "foreign_platform": "`--platform {subdir}` is for previews and new environments",
    "foreign_platform.cause": "{prefix} exists and holds packages for {native}",
    "no_fitting_build": "no build of the channel `pytorch` fits: {request}",
    "no_fitting_build.cause": "{detail}",
    "unknown_platform": "nothing is known about {subdir} without the network",
    "unknown_platform.cause": "conda has no cached index of `{channel}` for {subdir}, and the"
    " built-in one does not cover it",
    "nothing_cached": "the index of `{channel}` for {subdir} is not in conda's cache",
    "nothing_cached.cause": "conda is offline, and an installation never goes by the built-in"
    " index",
    "nothing_cached_to_solve": "the index of `{channel}` for {subdir} is not in conda's cache",
    "nothing_cached_to_solve.cause": "conda is offline, and its solver needs the channel's own"
    " index",
    "leave_solve_out": "leave `--solve` out: the built-in index is enough for a preview",
    "channel_missing": "{mirror} does not have the channel `{channel}` for {subdir}",
    "channel_missing.cause": "{url} answers {status}",
    "channel_forbidden": "{mirror} refuses the channel `{channel}`",
    "channel_forbidden.cause": "{url} answers 403: mirrors do so to a network that downloaded too"
    " much; it has nothing to do with an account",
    "channel_unreachable": "the channel `{channel}` could not be read from {mirror}",
    "channel_unreachable.cause": "{url}: {detail}",
    "channel_tls": "no secure connection to {mirror}",
    "channel_tls.cause": "{url}: {detail}",
    "channel_broken": "what {mirror} sent for `{channel}` is not an index",
    "channel_broken.cause": "{url}: {detail}",
    "pin_conflict": "the pin `{pin}` ({source}) contradicts `{needed}`",
    "pin_conflict.cause": "PyTorch {torch} needs `{needed}`: {why}",
    "history_conflict": "`{spec}`, which was asked for in this environment, contradicts `{needed}`",
    "history_conflict.cause": "PyTorch {torch} needs `{needed}`: {why}",
    "change_spec": '`conda install {where} "{needed}"` replaces it; then run this again',
    "repeat_spec": 'to keep it all the same, name it here as well: "{spec}"',
    "pip_torch": "pip has put {packages} into {prefix}",
    "pip_torch.cause": "conda would unpack its own files over pip's, and neither would work",
    "shadowed": "strict channel priority hides a package that this set needs",
    "shadowed.cause": "the channel `{channel}` comes first and carries `{package}`, so that newer"
    " ones of other channels are not considered",
    # Hints.
    "name_environment": "name one: `conda torch-install -n NAME`; it is created if it is not there",
    "preview_first": "`conda torch-install --dry-run` shows the choice without an environment",
    "preview_platform": "use `--dry-run` for a preview, or `-n NEW` for a new environment",
    "go_online": "run once without `--offline`",
    "preview_offline": "`--dry-run --offline` previews from conda's cache or the built-in index",
    "allow_fallback": "without `--no-fallback` other sources are tried",
    "other_mirror": "name another source: `--mirror upstream` or `--mirror URL`",
    "do_not_retry": "do not try again at once; open the URL in a browser, it says whom to write to",
    "check_network": "check the network, and the proxy that `conda config --show proxy_servers`"
    " names",
    "check_certificates": "check `conda config --show ssl_verify` and the clock of this computer",
    "clean_index": "the broken copy was removed from conda's cache; try again later",
    "change_pin": "change or remove that pin",
    "newer_release": "or ask for a newer release",
    "pip_uninstall": "remove pip's first: `{python} -m pip uninstall {names}`",
    "fresh_environment": "or install into a new environment: `conda torch-install -n NEW`",
    "allow_flexible": "let this one transaction run with flexible priority:"
    " `plugins: {{torchmirror_flexible: true}}` in .condarc",
    "use_cpu": "`--cuda cpu` or `--allow-cpu` takes a CPU build",
    "use_python": "Pythons with a build: {pythons}; name one with `--python` and `-n NEW`",
    "use_minor": "`--cuda-compat minor` takes CUDA {cuda}, which the driver runs by minor-version"
    " compatibility",
    "upgrade_driver": "a driver of at least {driver} runs CUDA {cuda}",
    "use_conda_forge": "conda-forge has builds for this GPU from PyTorch {since} on, up to {torch}"
    " with CUDA {cuda}: `conda install -c conda-forge pytorch-gpu`",
    "use_wheels": "pip wheels have code for this GPU from PyTorch {since} on, up to {torch} with"
    " {tag}",
    "older_release": "leave the release open: {torch} has what fits",
    "open_versions": "leave the versions open: {torch} has what fits",
    "other_channel_has": "PyTorch {torch} is in the channel `{channel}`, from which torch-install"
    " does not choose; the official command is `{command}`",
    "see_list": "`{command}` shows what there is",
    "change_pins": "change the pin that is in the way: {pins}",
    "name_cuda": "`--cuda 12.4` chooses for a driver that will run that CUDA, and asks none here",
    "drop_partner": "leave {names} out, or ask for another release",
    # Why a build fell away: {machine} and {build} are the two facts (`messages_facts`).
    "cuda_too_new": "{build}, {machine}",
    "minor_version_only": "{build}, {machine}",
    "driver_too_old": "{build}, {machine}",
    "driver_unusable": "{build}, but {machine}",
    "cuda_build": "{build}, but {machine}",
    "cuda_unknown": "{build}, needed is {machine}",
    "cpu_build": "{build}, but {machine}",
    "python_mismatch": "for {build}, not for {machine}",
    "pinned": "{build} is kept out by the pin {machine}",
    "arch_missing": "{build}, not for a {machine}",
    "partner_missing": "{build}, and {machine}",
    "and_more": "{fact} (and {count} more like it)",
    "no_release": "no build in the channel matches these specs",
    "no_release_built_in": "no build in the built-in index, which knows {first} to {last}, matches"
    " these specs",
    # Notices.
    "minor_version_compat": "CUDA {cuda} is newer than the driver's {driver}; NVIDIA's"
    " minor-version compatibility lets it run, without PTX (`--cuda-compat strict` refuses it)",
    "cuda_below_asked": "no build of {torch} for CUDA {asked} itself: {cuda} is the highest that"
    " fits, and runs there",
    "cuda_narrowed": "CUDA {cuda}, as the specs ask; it runs on a driver for CUDA {asked}",
    "cpu_no_driver": "no NVIDIA driver was found, so this is a CPU build; for a machine that has"
    " one say `--cuda 12.4`",
    "cpu_no_gpu": "no GPU that CUDA can use was found, so this is a CPU build; for a machine that"
    " has one say `--cuda 12.4`",
    "cpu_no_driver_mac": "on macOS there is one build, which uses the CPU and Apple's MPS",
    "cpu_foreign": "nothing is known from here of the driver of that machine, so this is a CPU"
    " build; for one with an NVIDIA GPU say `--cuda 12.4`",
    "cpu_allowed": "no CUDA build fits, so this is a CPU build (`--allow-cpu`)",
    "partner_along": "{installed} would not fit any more, so {chosen} is chosen along",
    "runtime_lagging": "{build} needs `{lacks}`, which the runtime channel lacks: left to the"
    " solver",
    "runtime_unread": "the runtime channel could not be read, so no build of pytorch-cuda is named:"
    " {detail}",
    "built_in": "from the built-in index of {date}: a preview; an installation reads the channel",
    "derived": "{count} of these builds are known by the naming rules only, not from a record",
    "skipped_records": "{count} unusable records of the index were skipped",
    "flexible_priority": "channel_priority is strict; this hand-over runs with flexible, because"
    " the channel `pytorch` hides newer image libraries otherwise",
    "no_channels": "no channels are configured, so conda-forge is added for everything else",
    "channel_upstream": "`{channel}` comes from upstream; {mirror} has it: {options}",
    "others_mirrored": "also read: {where}",
    "custom_mirror": "the channel `pytorch` comes from your own `custom_channels`",
    "newer_elsewhere": "{last} is the last release of this channel; newer ones are on conda-forge"
    " (releases below {fixed}: do not load untrusted files, {id})",
    "rule_pin": "pinned for this hand-over: {pin} ({why})",
    "rule_installed": "{installed} is installed and contradicts the pin {pin}; the solver has to"
    " replace it",
    "against_rule": "`{spec}` is asked for, though PyTorch needs {pin} ({why}); the solver gets it"
    " as written",
    "rule_keep": "to keep it through a later `conda update --all`, add {pins} to {file}",
    "rule_keep_all": "to keep them through a later `conda update --all`, add to {file}, a line"
    " each: {pins}",
    "cpuonly_removed": "{spec} keeps the environment on CPU builds and is removed first",
    "pip_torch_there": "pip has put {packages} into the environment; an installation stops there",
    "python_changes": "the environment's Python {old} becomes {new}",
    "dry_run": "Dry run: nothing was solved or changed.",
    # Mirrors that fail, and fallback. `probe_*` goes on behind the name of a mirror.
    "probe_refused": "refuses connections",
    "probe_dns": "is not known by DNS",
    "probe_tls": "offers no valid TLS connection ({detail})",
    "probe_timeout": "did not send {what} in time",
    "probe_reset": "cut the connection for {what}",
    "probe_unreachable": "cannot be reached ({detail})",
    "probe_proxy": "cannot be reached through the proxy ({detail})",
    "probe_blocked": "has shut out this network (403; identifier: {identifier}; write to:"
    " {support})",
    "probe_forbidden": "refuses {what} (403)",
    "probe_unauthorized": "asks for a log-in for {what} (401)",
    "probe_not_found": "does not have {what} (404)",
    "probe_busy": "is busy ({status})",
    "probe_server_error": "fails with {status} for {what}",
    "probe_bad_status": "answers {status} for {what}",
    "probe_insecure": "redirects {what} to {host} without TLS, which is refused",
    "probe_foreign": "redirects {what} to {host}, which is no known mirror: refused, as nothing"
    " vouches for what would come from there",
    "probe_redirect_dead": "redirects {what} to {host}, which cannot be reached ({detail})",
    "probe_redirect_loop": "redirects {what} in a circle",
    "probe_html": "sends a web page instead of {what}",
    "probe_not_the_file": "sends something else instead of {what}",
    "probe_wrong_size": "has another {what} than its index says ({detail})",
    "probe_broken": "sends an index that cannot be read ({detail})",
    "probe_hash": "sent {what} with another content than its index says",
    "probe_behind": "has an old index, without {what}",
    "probe_other_choice": "has other builds than those that were agreed on",
    "mirror_left": "{mirror} {why}: {channels} from {instead}",
    "mirror_left_before": "{mirror} {why} ({minutes} min ago, not asked again): {channels} from"
    " {instead}",
    "test_head": "{count} mirrors, asked for {subdir}: the first answer, what they hold, how old"
    " their newest index is, and what they say of their last sync",
    "test_files": "the files that were asked for: {files}",
    "test_failed": "{mirror} {why}",
    "test_offline": "conda is offline, so no mirror can be asked",
    "upstream_title": "the official channels",
    "mirror_sends_on": "{mirror} sends requests for `{channel}` on to {host}",
    "index_zst_old": "{mirror}'s compressed index of `{channel}` is older than the plain one, which"
    " is used",
    "index_zst_broken": "{mirror}'s compressed index of `{channel}` is broken; the plain one is"
    " used",
    "index_behind": "{mirror}'s index is old: it lacks {what}, which the channel has",
    "index_outdated": "the hash of {what} is not the one in the built-in index; the official"
    " channel confirms the new one",
    "upstream_confirms": "the official channel confirms the hashes of the chosen builds",
    "no_source": "the channel `{channel}` cannot be had from {tried}",
    "no_source.cause": "{detail}",
    "test_mirrors": "`conda torch-mirror test` shows which mirrors answer; `--mirror NAME` or"
    " `--mirror URL` names one",
    "write_to_support": "{mirror} unblocks networks on request: write to {support}, with the"
    " identifier {identifier}",
    "hash_conflict": "{mirror} offers another {what} than the official channel",
    "hash_conflict.cause": "sha256 {found} at {mirror}, {expected} upstream",
    "hash_unconfirmed": "the hash of {what} at {mirror} could not be confirmed",
    "hash_unconfirmed.cause": "{because}, and the official channel cannot be asked: {detail}",
    "tell_operators": "do not install it; tell the mirror's operators, and use `--mirror upstream`"
    " or another one",
    "accept_hashes": "to go by the mirror's index alone: `plugins: {{torchmirror_check_hashes:"
    " false}}` in .condarc",
    # Saved plans and lists of URLs.
    "plan_saved": "Plan saved in {folder}: {count} packages, {size} to download in all.",
    "plan_next": "Nothing was installed. `conda torch-install --plan {folder} -n NEW` carries it"
    " out, here or on another {subdir} machine.",
    "plan_size": "{count} packages, {size}; {lacking} of them ({download}) have to be downloaded.",
    "plan_at_hand": "{count} packages, {size}; nothing has to be downloaded.",
    "downloaded": "The package cache is filled; nothing was installed.",
    "plan_no_driver": "the plan is for CUDA {cuda}, and no NVIDIA driver was found here: PyTorch"
    " will run on the CPU",
    "plan_driver": "the plan is for CUDA {cuda}, but the driver here runs only CUDA {driver}",
    "plan_credentials": "{channels} was read with a token or password, which a plan never holds:"
    " carry it out where conda is configured with that channel, or with its packages cached",
    "plan_local": "{names} came from files of this computer; elsewhere the plan needs them cached",
    "plan_takes_no_choice": "`--plan` does not go with {options}",
    "plan_takes_no_choice.cause": "what is installed was decided when the plan was saved",
    "plan_folder_taken": "{folder} is not overwritten",
    "plan_folder_taken.cause": "{detail}, so it is no saved plan",
    "plan_missing": "there is no saved plan in {folder}",
    "plan_missing.cause": "{file} is not there",
    "plan_altered": "the plan in {folder} is not as it was saved",
    "plan_altered.cause": "{detail}",
    "plan_too_new": "the plan in {folder} was saved by a newer version",
    "plan_too_new.cause": "its format is {schema}, which this version does not know",
    "plan_other_platform": "the plan is for {subdir}, and this is {here}",
    "plan_other_platform.cause": "packages of another platform do not run here",
    "plan_not_cached": "{count} of the plan's {total} packages ({size}) are not in the package"
    " cache",
    "plan_not_cached.cause": "conda is offline, so it cannot download {names}",
    "plan_in_the_way": "{prefix} holds packages that the plan does without: {names}",
    "plan_in_the_way.cause": "they had to leave the environment that the plan was made for, and"
    " conda removes nothing when it installs from a list of files",
    "plan_without_address": "{names} cannot be part of a plan",
    "plan_without_address.cause": "{prefix} does not say where it came from",
    "leftover_first": "`{name}` has to leave the environment first",
    "leftover_first.cause": "it keeps the environment on CPU builds, so that there is nothing to"
    " plan or to download yet",
    "other_folder": "name another folder, or remove this one",
    "save_again": "save it again: `conda torch-install --save-plan {folder}`",
    "plan_for_here": "save one for this platform: `conda torch-install --platform {here}"
    " --save-plan DIR`",
    "plan_download_only": "fill the cache where there is a network: `conda torch-install --plan"
    " {folder} --download-only`",
    "plan_urls": "or put the files of `conda torch-install --plan {folder} --urls` into {folder}",
    "newer_version": "update conda-torchmirror",
    "remove_names": "remove them: `conda remove --force -p {prefix} {names}`",
    "remove_name": "remove it: `conda remove -p {prefix} {name}`",
    "urls_total": "{count} files, {size}",
    "urls_total_part": "{count} files, {size} and {unknown} of unknown size",
    "urls_total_unknown": "{count} files of unknown size",
    "urls_no_hash": "{count} of them without a known hash",
    "urls_family": "what conda's solver adds is not among them: `--solve` lists it too",
    "urls_beside_plan": "saved in {folder}, they are found by `conda torch-install --plan"
    " {folder}`",
    # Next steps for errors of conda's own commands.
    "hint.runtime_channel": "`{name}` is in the channel `nvidia`, which few mirrors carry: add"
    " `-c nvidia`, or let `conda torch-install` choose builds and channels",
    "hint.torch_channel": "`{name}` is in the channel `pytorch`: add `-c pytorch`, or let"
    " `conda torch-install` choose builds and channels",
    "hint.mirror_forbids": "{mirror} refuses this network, as mirrors do after too many downloads:"
    " do not try again at once; `conda torch-mirror test` shows which mirrors answer",
    # The automatic redirect, and `conda torch-mirror list|status|enable|disable`.
    "redirected": "{where} (conda torch-mirror disable turns this off)",
    "read_upstream": "{names} from upstream; {mirror} has it: plugins.torchmirror_mirrors:"
    " [{listed}]",
    "not_redirected": "channels are read without mirrors: {detail}",
    "unknown_conda": "this version of conda cannot be pointed at mirrors",
    "unknown_conda.cause": "{detail}",
    "newer_plugin": "look for a newer conda-torchmirror",
    "persist": "`conda torch-mirror enable` does it by a file, which every conda reads",
    "bad_registry": "the mirrors of your own cannot be used",
    "bad_registry.cause": "{detail}",
    "foreign_file": "{file} is not ours",
    "foreign_file.cause": "it was not written by `conda torch-mirror enable`, so it stays as it is",
    "move_file": "move that file away, and try again",
    "cannot_write": "{file} cannot be written",
    "cannot_write.cause": "{detail}",
    "nothing_to_enable": "no mirror carries {channels} for {subdir}",
    "nothing_to_enable.cause": "your mirrors are: {mirrors}",
    "see_mirrors": "`conda torch-mirror list` shows which mirror carries what",
    "enabled": "Written: {file}",
    "enabled_for": "conda, mamba, micromamba and conda-lock read these channels from mirrors now:",
    "enabled_own": "left as your own configuration has them: {names}",
    "enabled_upstream": "still from upstream, for want of a preferred mirror that has it: {names}",
    "enabled_undo": "`conda torch-mirror disable` removes the file.",
    "hook_only": "No file of ours is left; conda's own commands are redirected as they run.",
    "disabled": "Mirrors are off. {file} holds the switch, and nothing else;"
    " `conda torch-mirror enable` turns them on again.",
    "still_on": "another file sets torchmirror_auto to true and wins over ours: {file}",
    "still_off": "another file sets torchmirror_auto to false and wins over ours: {file}",
    "status.mirrored": "redirected as commands run",
    "status.configured": "your own configuration ({source})",
    "status.enabled": "the file of `conda torch-mirror enable`",
    "status.default_channels": "your own default_channels ({source})",
    "status.channel_alias": "your own channel_alias",
    "status.credentials": "left alone: it is read with credentials",
    "status.not_allowed": "allowlist_channels or denylist_channels keeps {mirror} out",
    "status.not_carried": "no mirror that you prefer carries it",
    "status.elsewhere": "no mirror that you prefer carries it; {mirror} does",
    "status.unfit_url": "cannot be redirected as commands run; `conda torch-mirror enable NAME`"
    " can",
    "status.url": "a URL of your own",
    "status.label": "{mirror} does not have this label",
    "status.off": "torchmirror_auto is off ({source})",
    "status.no_part": "not a part of defaults on {subdir}",
    "status.on": "on: conda's own commands are redirected as they run",
    "status.is_off": "off ({source})",
    "status.file": "{file}",
    "status.no_file": "none; `conda torch-mirror enable` writes one for mamba and others",
    "status.file_off": "{file} (the off switch)",
    # Environment files of `torch-install -f`.
    "file_not_readable": "{file} cannot be read as an environment file",
    "file_not_readable.cause": "{detail}",
    "not_environment_file": "{file} is {what}, not an environment file",
    "not_environment_file.cause": "`torch-install -f` takes an environment.yml",
    "file_explicit": "`conda create -n NEW --file {file}` installs exactly what it lists",
    "file_specs": "put its specs on the command line: `conda torch-install SPEC ...`",
    "file_export": "name its packages in an environment.yml, or on the command line",
    "file_lock": "what it was made from can be used, or the lock made anew: `{command}`",
    "file_section": "{file} has a section `{section}`, which conda cannot install",
    "file_remove_section": "take the section out of the file, and install it in another way",
    "files_disagree": "the files name different environments: {names}",
    "files_disagree.cause": "one run has one environment",
    "name_one": "name it: `-n NAME` or `-p PREFIX`",
    "no_torch_in_file": "{file} asks for none of pytorch, torchvision, torchaudio and torchtext",
    "no_torch_in_file.cause": "{detail}",
    "file_no_torch": "among its conda packages there is nothing to choose",
    "file_torch_by_pip": "its pip section installs {lines}, and beside pip's torch none of conda's"
    " can stand",
    "file_name_torch": "name them beside the file: `conda torch-install -f {path} pytorch"
    " torchvision`",
    "file_as_it_is": "`conda env create -f {path}` takes the file as it is, and chooses nothing",
    "file_other_channel": "{file} takes `{spec}` from the channel `{channel}`",
    "file_other_channel.cause": "torch-install chooses exact builds of the channel `pytorch`",
    "file_elsewhere": "{file} asks for `{spec}`",
    "file_elsewhere.cause": "it is a package of conda-forge that needs conda-forge's own pytorch;"
    " torch-install chooses from the channel `pytorch`",
    "file_remove_spec": "take it out of the file: a CUDA build is chosen without it",
    "section_failed": "the {section} section of {file} could not be installed",
    "section_failed.cause": "{detail}; the conda packages are installed in {prefix}, and the"
    " variables of the file are not set yet",
    "run_again": "mend the section, and run the same command again",
    "file_narrowed": "{file}: {specs} became the builds above; {count} other specs go to the solver"
    " as written",
    "file_section_after": "{file}: the {section} section ({count} lines) is installed after that",
    "file_section_kept": "{file}: the {section} section ({count} lines) is not part of it",
    "file_pip_over": "{file}: its pip section has {lines}, which pip puts over conda's",
    "file_variables": "{file}: the variables {names} are set after that",
    "file_variables_set": "Variables are set: {names}",
    "file_left_out": "{file}: `{spec}` is left out, as `{option}` takes its place",
    "file_cuda": "no NVIDIA driver was found here; {file} asks for CUDA {cuda}, so this is for a"
    " machine that runs it (`--cuda cpu` takes a CPU build)",
    "file_channel_added": "{file} does not name the channel `{channel}`, which these builds need:"
    " it is added for this run, behind the others",
    "file_against_rule": "{file} asks for `{spec}`, though PyTorch needs {pin} ({why}); the solver"
    " gets it as written",
    "list.legend": "The first column is your order of preference. yes, likely, uncertain: carried,"
    " and how sure; redirect: sent on to another site; campus: on campus only; -: not carried;"
    " ?: not known.",
    "list.dates": "By sources from {first} to {last}, not by asking; `conda torch-mirror test`"
    " asks, `--json` has every source.",
}


def text(code: str, facts: Mapping[str, Any] | None = None, *, default: str | None = None) -> str:
    """The sentence for a code, with its facts.

    Raises: KeyError for a code without a sentence, unless a default is given.
    """
    found = _template(code)
    if found is None:
        if default is None:
            raise KeyError(code)
        found = default
    return found.format_map(facts or {})


def _template(code: str) -> str | None:
    """The one look-up of sentences."""
    subject, _, rest = code.partition(".")
    if module := SUBJECTS.get(subject):
        found: str | None = import_module(f"{__package__}.{module}").TEXT.get(rest)
        return found
    return TEXT.get(code)
