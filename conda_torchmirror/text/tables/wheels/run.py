"""A run with wheels: mirrors and indexes, pip and its configuration, files."""

from __future__ import annotations

from ...messages import Table

TEXT: Table = {
    "reading_wheels": "Reading the wheels of {mirror}",
    "built_in_wheels": "from the built-in list of {date}: a preview; an installation reads the "
    "pages of the mirror",
    "partner_by_pip": (
        "{spec} is one wheel for every accelerator: pip takes it from the index of the other "
        "packages"
    ),
    "misspelt_pip": "`{spec}` goes to pip as it is written; did you mean `{nearest}`?",
    "misspelt_pip_alone": (
        "`{spec}` goes to pip as it is written, and the default set is taken beside it; did you "
        "mean `{nearest}`?"
    ),
    "torch_for_partner": "`{specs}` goes with PyTorch up to {torch}: no newer one is chosen",
    "derived_wheels": (
        "{count} of these wheels is known by the naming rules only, not from a listing",
        "{count} of these wheels are known by the naming rules only, not from a listing",
    ),
    "mirror_lacks_variants": (
        "{mirror} has no directory {variants} at {url}",
        "{mirror} has none of the directories {variants} at {url}",
    ),
    "mirror_lacks_fitting": "{mirror} has wheels, but none of torch for this platform and Python",
    "probe_no_links": "{mirror} sends something for {what} that is no page of links",
    "wheel_mirror_instead": "{mirrors} has no wheels of PyTorch: they come from {instead}",
    "wheel_other_hash": "{mirror} has {file} with another hash, and is passed over for it",
    "wheel_nowhere_else": "no other mirror than {mirror} is known for it",
    "wheels_without_hash": (
        "{mirror} gives no hash of {count} file: what it sends cannot be checked",
        "{mirror} gives no hash of {count} files: what it sends cannot be checked",
    ),
    "wheels_neither": "wheels, which `torchmirror_sources` allows, are no way out: {detail}",
    "other_gpu_wheels": "the {gpu} here runs wheels of PyTorch {torch} for {variant}: `{command}`",
    "variant_incomplete": "{variant} has no {name} for PyTorch {torch}, so its wheels for {chosen} "
    "are chosen",
    "newer_incomplete": "PyTorch {torch} is there, but no {name} that an official source states "
    "for it, so {chosen} is chosen",
    "newer_without_wheel": "PyTorch {torch} is there, but not the wheel of {name} {version} that "
    "belongs to it, so {chosen} is chosen",
    "no_wheel_at_all": "no wheel of torch is there for {subdir}",
    "no_such_wheel": "no wheel of `{spec}` is there for {subdir}, where the releases go from "
    "{first} to {last}",
    "no_such_wheel_built_in": "of the wheels for {subdir} in the built-in list, none that goes "
    "with the rest is `{spec}`: they go from {first} to {last}, and newer ones may be online",
    "no_wheel_of_variant": "no wheel for {variant} is what `{spec}` asks for",
    "no_variant": "no wheel for {variant} is there for {subdir}",
    "no_variant_but": "no wheel for {variant} is there for {subdir}; there are some for {there}",
    "wheel_needs_python": "{wheel} needs Python {needs}, and this is Python {python}",
    "only_prereleases": "what is there of torch are prereleases, up to {torch}, which are taken "
    "only where one is asked for",
    "wheel_yanked": "{wheel} is yanked, and not taken unless it is named exactly",
    "wheel_needs_torch": "{wheel} needs {needs} by its own METADATA, whatever its page says",
    "wheel_passed_over": "{wheel} is passed over: by its METADATA it needs {needs}",
    "dependent_breaks": "{package} of this environment needs `{needs}`, and does not go with "
    "{held}",
    "wheel_unread": (
        "what {names} needs beside the set is not known before the file is here: no "
        "METADATA of it was read",
        "what {names} need beside the set is not known before the files are here: no "
        "METADATA of them was read",
    ),
    "no_wheels_here": "no wheel of torch for this platform and Python is in {folder}",
    "wheel_hash_differs": "it does not have the size or the hash that its page gave",
    "wheel_file_name": "its name is not that of a wheel: `torch-2.7.1+cu126-cp312-cp312-"
    "manylinux_2_28_x86_64.whl` is one",
    "wheel_rename": "{file} is no name of a wheel: rename it to {name}",
    "wheel_in_part": "{file} is passed over: by its name it is not downloaded to its end",
    "wheel_file_other": "it is for {tags}, which is not {subdir}",
    "wheel_file_other_python": "it is for {tags}, which is not Python {python} on {subdir}",
    "wheel_file_broken": "it is no whole wheel: the download was cut off, or it is something else",
    "wheel_file_says": "what is in it is {name} {version}",
    "wheels_confirmed": (
        "the hash of {count} file is the one that {mirror} lists",
        "the hashes of {count} files are those that {mirror} lists",
    ),
    "wheels_unconfirmed": (
        "the hash of {count} file was not compared: {why}",
        "the hashes of {count} files were not compared: {why}",
    ),
    "uncompared_offline": "conda is offline",
    "uncompared_unread": "{mirror} cannot be read",
    "uncompared_unlisted": "{mirror} does not list that",
    "wheel_hash_of_mirror": "its sha256 is not the one that {mirror} lists",
    "rule_pip": "asked of pip beside the set: {pin} ({why})",
    "from_cache": "chosen from the wheels on this disk alone: conda is offline",
    "pip_unchecked": "`--insecure` does not hold for pip's own index: whether it is checked is for "
    "pip's own configuration to say",
    "conda_unheard": "{options}: for conda's part alone, and there is nothing for it to do",
    "wheels_not_by_date": "conda's `exclude_newer` is not applied to wheels: newer ones may be "
    "among these",
    "index_left": "{index} does not have {what}: once more with {instead}",
    "index_left_python": "{index} does not have {what} for this Python: once more with {instead}",
    "rest_fetched": (
        "the set needs {count} more package, {size}, from {index}: fetched before anything "
        "changes, and kept for other environments",
        "the set needs {count} more packages, {size}, from {index}: fetched before anything "
        "changes, and kept for other environments",
    ),
    "rest_short": "what was fetched is not all that pip needs: it looks for the rest at {instead}",
    "rest_not_fetched": "what the wheels need besides was not fetched: no index gave all of it "
    "with its hashes, and pip looks for it when it installs",
    "pip_unfinished": (
        "{packages} is there in part, as an installation was cut off: it is installed anew",
        "{packages} are there in part, as an installation was cut off: they are installed anew",
    ),
    "index_failed": "{index} could not be read by pip: once more with {instead}",
    "older_unread": "{release} and older ones are left out where not all their directories were "
    "read: name one, such as `torch=={release}`",
    "urls_set": "the set alone: what it needs besides is for pip to find",
    "uv_not_found": "uv, which `torchmirror_installer` asks for, is not on this computer: the "
    "environment's own pip installs",
    "pip_config_carried": "from pip's own configuration: {options}",
    "pip_config_index": "everything but PyTorch comes from your own index {index} ({source})",
    "pip_config_left": "of pip's own configuration this run leaves out {options} ({sources})",
    "pip_config_unreadable": "pip's configuration {files} cannot be read, and is left out",
    "wheels_not_built": "wheels are not installed by a file, builds of the channels are "
    "(`--source pytorch`, `--source conda-forge`)",
    "wheels_one_file": "one file on this disk at a time is completed with wheels",
    "file_wheels": "in {file}, wheels by address and hash stand in for {lines}",
    "file_wheels_bare": "in {file}, wheels by address stand in for {lines}; not all of their "
    "hashes are known here",
    "wheels_no_channel": "pip reads no channel; the Python of a new environment comes from those "
    "of conda's configuration",
    "wheels_no_solver": "it asks conda's solver for something, and pip has another one",
    "wheels_no_solve": "conda solves nothing here; pip finds the other packages when it installs",
    "wheels_no_upstream": "the hashes of wheels stand in the pages that their links are from",
    "dry_run_wheels": "Nothing was downloaded or changed (--dry-run).",
    # Why pip failed.
    "pip_hash": "a file is not the one whose hash its index gives",
    "pip_broken": "a wheel is not whole: it was cut off, or it is something else",
    "pip_space": "the disk is full",
    "pip_conflict": "no versions of the other packages go with the set",
    "pip_managed": "the environment says that {tool} must not change it",
    "pip_missing": "the index does not have {what}",
    "pip_unfit": "{tool} does not take the file of {what} for the Python and the system here",
    "pip_python": "{what} needs another Python than the environment has",
    "pip_network": "the index could not be read",
    "pip_other": "{tool} says",
    "pip_unstarted": "{tool} cannot be started",
    "pip_unchanged": "{tool} ended without an error, and {what} is not in the environment",
    "uv_log": "(the end of what uv says; all of it is in {file})",
    "pip_silent": "nothing",
}

#: Words around a decision for wheels; codes begin with `wheel.`.
SHOW: Table = {
    "place": "wheels",
    "rest": "other packages",
    "pip_default": "pip's own index",
    "no_index": "none: conda is offline",
    "no_index_needed": "none: all are on this disk",
    "variant": "variant",
    "from": "from",
    "cached": "this disk",
    "conda_first": "First, by conda:",
    "pip_run": "By the environment's own pip:",
    "uv_run": "By uv:",
    "more": ("{count} more package", "{count} more packages"),
    "pip_by_hand": "or by hand, without the page of links:",
}
