"""A run with wheels: mirrors and indexes, pip and its configuration, files."""

from __future__ import annotations

from ...messages import Table

TEXT: Table = {
    "reading_wheels": "Reading the wheels of {mirror}",
    "built_in_wheels": "from the built-in list of {date}: a preview; an installation reads the "
    "pages of the mirror",
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
    "wheel_unread": (
        "what {names} needs beside the set is not known before the file is here: its mirror "
        "serves no metadata",
        "what {names} need beside the set is not known before the files are here: their mirror "
        "serves no metadata",
    ),
    "index_left": "{index} does not have {what}: once more with {instead}",
    "index_failed": "{index} could not be read by pip: once more with {instead}",
    "pip_config_carried": "from pip's own configuration: {options}",
    "pip_config_index": "everything but PyTorch comes from your own index {index} ({source})",
    "pip_config_left": "of pip's own configuration this run leaves out {options} ({sources})",
    "pip_config_unreadable": "pip's configuration {files} cannot be read, and is left out",
    "wheels_not_built": "for builds of the channels it does; leave it out, or use `--source "
    "pytorch` or `--source conda-forge`",
    "dry_run_wheels": "Nothing was downloaded or changed (--dry-run).",
    # Why pip failed.
    "pip_hash": "a file is not the one whose hash its index gives",
    "pip_space": "the disk is full",
    "pip_conflict": "no versions of the other packages go with the set",
    "pip_managed": "the environment says that pip must not change it",
    "pip_missing": "the index does not have {what}",
    "pip_network": "the index could not be read",
    "pip_other": "pip says",
}

#: Words around a decision for wheels; codes begin with `wheel.`.
SHOW: Table = {
    "place": "wheels",
    "rest": "other packages",
    "pip_default": "pip's own index",
    "variant": "variant",
    "from": "from",
    "cached": "this disk",
    "conda_first": "First, by conda:",
    "pip_run": "By the environment's own pip:",
    "pip_by_hand": "or by hand, without the page of links:",
}
