"""What leaves an environment, saved plans, lists of URLs, and how a plan is handed over."""

from __future__ import annotations

from ..messages import Table

TEXT: Table = {
    "channel_changes": (
        "the environment's PyTorch of the channel {of} gives way to that of {channel}, in one "
        "transaction: {removed} leaves the environment",
        "the environment's PyTorch of the channel {of} gives way to that of {channel}, in one "
        "transaction: {removed} leave the environment",
    ),
    "toolkit_beside": "a build that runs with the CUDA of {specs} is chosen: torch takes no "
    "extension that is compiled for another",
    "orphans_removed": (
        "so does {count} package that came along with it and that nothing else needs",
        "so do {count} packages that came along with it and that nothing else needs",
    ),
    "orphans_unknown": (
        "so does {count} package that nothing else needs: {names}; of a clone, or an explicit "
        "list, it is not known what was asked for: name it beside PyTorch to keep it",
        "so do {count} packages that nothing else needs: {names}; of a clone, or an explicit list, "
        "it is not known what was asked for: name beside PyTorch what is to stay",
    ),
    "strangers_removed": "{removed} goes with builds of another source than {source}, and is "
    "removed in the same transaction",
    "runtime_removed": "no build for the CPU needs {spec}, which leaves the environment",
    "cuda_removed": (
        "{count} package that only the former build for CUDA needed leaves the environment",
        "{count} packages that only the former build for CUDA needed leave the environment",
    ),
    "cuda_stays": (
        "{count} package that only the former build for CUDA needed stays: of a clone, or an "
        "explicit list, it is not known what was asked for; to remove it: `{command}`",
        "{count} packages that only the former build for CUDA needed stay: of a clone, or an "
        "explicit list, it is not known what was asked for; to remove them: `{command}`",
    ),
    "toolkit_stays": "{spec} was asked for and stays, though no build for the CPU needs it; to "
    "remove it: `{command}`",
    "after_either": "and after either of them:",
    "cpuonly_removed": "{spec} keeps the environment on CPU builds, and leaves it",
    "metapackage_removed": "{spec} goes with no build of this set, and leaves the environment",
    "pins_beside": "what is chosen and pinned here applies together with {pins}; of the two, conda "
    "by itself, as in a command that is typed by hand, may take the pin alone",
    "listed_there": (
        "{count} package here came by its address, as in a clone or from an explicit list: conda "
        "by itself keeps to that very build, so that a command that is typed by hand may find no "
        "solution where this run does",
        "{count} packages here came by their addresses, as in a clone or from an explicit list: "
        "conda by itself keeps to those very builds, so that a command that is typed by hand may "
        "find no solution where this run does",
    ),
    "plan_saved": (
        "Plan saved in {folder}: {count} package, {size} to download.",
        "Plan saved in {folder}: {count} packages, {size} to download in all.",
    ),
    "plan_unsaved": (
        "Not saved in {folder}, because of --dry-run: a plan of {count} package, {size} to "
        "download.",
        "Not saved in {folder}, because of --dry-run: a plan of {count} packages, {size} to "
        "download in all.",
    ),
    "plan_next": "Nothing was installed. `{command}` carries it out, "
    "and downloads what is not there yet. For another {subdir} machine, copy the folder: "
    "{document} and {explicit} are all that it needs.",
    "plan_offline": "For a machine without a network, put the files of `conda torch-install "
    "--plan {folder} --urls` into the folder as well.",
    "machines_plans": (
        "These {machines} machines need {count} plan:",
        "These {machines} machines need {count} plans:",
    ),
    "machines_failed": "No plan for {files}:",
    "plan_with_packages": "The packages are in {folder} as well: it is all that a machine without "
    "a network needs.",
    "plan_without_archives": "Of {names} this cache has no archive any more, so they are not in "
    "{folder}; `conda torch-install --plan {folder} --urls` lists where they are.",
    "plan_size": (
        "{count} package, {size}; to be downloaded: {lacking} ({download}).",
        "{count} packages, {size}; to be downloaded: {lacking} ({download}).",
    ),
    "plan_at_hand": (
        "{count} package, {size}; nothing has to be downloaded.",
        "{count} packages, {size}; nothing has to be downloaded.",
    ),
    "space_free": "Free in {folder}: {free}.",
    "plan_no_family": "None of its packages is PyTorch or one that was chosen with it.",
    "plan_against_pins": "the plan has {packages}, which pins of the environment keep out "
    "({pins}): a plan is carried out as it is",
    "plan_removes": "in the same transaction leaves the environment what the plan does without: "
    "{names}",
    "plan_as_planned": "{prefix} is as planned; nothing is changed",
    "plan_no_driver": "the plan is for CUDA {cuda}, and no NVIDIA driver was found here: PyTorch "
    "will run on the CPU",
    "plan_driver": "the plan is for CUDA {cuda}, but the driver here runs only CUDA {driver}",
    "plan_gpu": "the plan's PyTorch, for CUDA {cuda}, does not run on the GPU here, which has "
    "compute capability {arch}",
    "plan_credentials": "{channels} was read with a token or password, which a plan never holds: "
    "carry it out where conda is configured with that channel, or with its packages cached",
    "plan_login": "{hosts} was read with a log-in, which a plan never holds: carry it out where "
    "`torchmirror_mirrors`, pip's `index-url` or `~/.netrc` has one, or with the files beside it",
    "print_credentials": "read here with a token or password, which is not printed: {channels}; "
    "whoever uses this needs one of their own",
    "print_options_left": "not in this text, as conda alone takes them: {options}",
    "print_renamed": "the environment is called {name} there: not every tool takes `{asked}`",
    "print_pip_python": "the command is for an environment with Python {python}",
    "plan_rest_by_pip": "what the wheels need besides is no part of the plan: pip takes it from "
    "its index when the plan is carried out",
    "plan_local": "{names} came from files of this computer; elsewhere the plan needs them cached",
    "plan_spoilt": (
        "{names} in {folder} is not the file of the plan: it was cut off or damaged on the way; "
        "copy or download it again",
        "{names} in {folder} are not the files of the plan: they were cut off or damaged on the "
        "way; copy or download them again",
    ),
    "downloaded": "The package cache is filled; nothing was installed.",
    "urls_total": ("{count} file, {size}", "{count} files, {size}"),
    "urls_total_part": (
        "{count} file, {size}, and {unknown} of unknown size",
        "{count} files, {size}, and {unknown} of unknown size",
    ),
    "urls_total_unknown": ("{count} file of unknown size", "{count} files of unknown size"),
    "urls_no_hash": "{count} of them without a known hash",
    "urls_family": "what conda's solver adds is not among them: `--solve` lists it too",
    "urls_beside_plan": "saved in {folder}, they are found by `conda torch-install --plan "
    "{folder}`",
    # Why the environment's pip cannot carry a plan out.
    "plan_pip_none": "there is none",
    "plan_pip_old": "it is pip {here}, and {oldest} is the oldest that sees them",
    # Why a folder is refused for a plan.
    "plan_at_file": "it is a file",
    "plan_at_others": "it holds {name}",
    "plan_at_other_kind": "its {file} is not one of torch-install",
    # Why a plan is not as it was saved.
    "plan_large": "it has {size} bytes, and no plan has more than {limit}",
    "plan_deep": "it is nested more deeply than a plan is",
    "plan_no_number": "{word} is no number",
    "plan_other_kind": "{file} is of another kind",
    "plan_field": "{file} is not as a plan is written: {field}",
    "plan_checksum": "{explicit} does not have the checksum that {file} gives",
    "plan_edited": "{file} does not have the checksum that stands in it",
    "plan_differs": "{explicit} and {file} do not name the same packages",
}
