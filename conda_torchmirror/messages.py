"""Every sentence that a person reads, by its stable code. Facts are filled in with `str.format`.

A second language is a second dictionary with the same codes and the same fields. Never translated:
codes, JSON keys, command names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TEXT: dict[str, str] = {
    # Errors, `.cause` behind the code of an error says why.
    "bad_cuda": "`--cuda {value}` is not understood",
    "bad_cuda.cause": "it takes auto, cpu, or a CUDA version such as 12.4 or cu124",
    "bad_python": "`--python {value}` is not understood",
    "bad_python.cause": "it takes a version such as 3.11",
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
    "channel_missing": "{mirror} does not have the channel `{channel}` for {subdir}",
    "channel_missing.cause": "{url} answers 404",
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
    "use_conda_forge": "conda-forge has builds for this GPU, up to PyTorch {torch} with CUDA"
    " {cuda}: `conda install -c conda-forge pytorch-gpu`",
    "use_wheels": "pip wheels with {tag} have code for this GPU, up to PyTorch {torch}",
    "older_release": "leave the release open: {torch} has what fits",
    "see_list": "`conda torch-install --list` shows what there is",
    "change_pins": "change the pin that is in the way: {pins}",
    "drop_partner": "leave {names} out, or ask for another release",
    # Why a build fell away: {machine} and {build} are the two facts.
    "cuda_too_new": "{build}, {machine}",
    "minor_version_only": "{build}, {machine}",
    "driver_too_old": "{build}, {machine}",
    "cuda_build": "{build}, but {machine}",
    "cuda_unknown": "{build}, needed is {machine}",
    "cpu_build": "{build}, but {machine}",
    "python_mismatch": "for {build}, not for {machine}",
    "pinned": "{build} is kept out by the pin {machine}",
    "arch_missing": "{build}, not for a {machine}",
    "partner_missing": "{build}, and {machine}",
    # Notices.
    "minor_version_compat": "CUDA {cuda} is newer than the driver's {driver}; NVIDIA's"
    " minor-version compatibility lets it run, without PTX (`--cuda-compat strict` refuses it)",
    "cuda_below_asked": "no build of {torch} for CUDA {asked} itself: {cuda} is the highest that"
    " fits, and runs there",
    "cpu_no_driver": "no NVIDIA driver was found, so this is a CPU build; for a machine that has"
    " one say `--cuda 12.4`",
    "cpu_no_driver_mac": "on macOS there is one build, which uses the CPU and Apple's MPS",
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
    "custom_mirror": "the channel `pytorch` comes from your own `custom_channels`",
    "newer_elsewhere": "2.5.1 is the last release of this channel; newer ones are on conda-forge"
    " (releases below 2.6: do not load untrusted files, CVE-2025-32434)",
    "rule_pin": "pinned for this hand-over: {pin} ({why})",
    "rule_installed": "{installed} is installed and contradicts the pin {pin}; the solver"
    " replaces it",
    "rule_keep": "to keep it through a later `conda update --all`, add {pin} to {file}",
    "cpuonly_removed": "{spec} keeps the environment on CPU builds and is removed first",
    "pip_torch_there": "pip has put {packages} into the environment; an installation stops there",
    "python_changes": "the environment's Python {old} becomes {new}",
    "dry_run": "Dry run: nothing was solved or changed.",
}


def text(code: str, facts: Mapping[str, Any] | None = None, *, default: str | None = None) -> str:
    """The sentence for a code, with its facts.

    Raises: KeyError for a code without a sentence, unless a default is given.
    """
    template = TEXT.get(code, default) if default is not None else TEXT[code]
    return str(template).format_map(facts or {})
