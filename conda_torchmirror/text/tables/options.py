"""Help texts: commands, and the options that conda does not have. Codes begin with `help.`."""

from __future__ import annotations

from ..messages import Table

HELP: Table = {
    # Commands of torch-mirror.
    "mirror_list": "Show the mirrors that are known, and what they carry.",
    "mirror_status": "Show where channels are read from now, and why.",
    "mirror_test": "Ask the mirrors: which answer, how soon, and what they hold.",
    "mirror_enable": "Let other tools (mamba, conda-lock) read channels from mirrors too, by a "
    "condarc file.",
    "mirror_disable": "Turn mirrors off: remove that file, and redirect no command of conda's.",
    "mirror_rewrite": "Point the channels in files at mirrors, and change nothing else in them.",
    "mirror_upstream": "Point them back at the official channels, so that a file can be shared.",
    # Their options.
    "status_channels": "More channels to show.",
    "test_mirrors": "Names or URLs, upstream for the official channels; default: those in question "
    "here.",
    "test_spec": "Ask for the files of this release, such as pytorch=2.3; may be repeated.",
    "test_timeout": "For the whole test; default: 10.",
    "enable_channels": "Default: defaults, conda-forge, bioconda, and those of PyTorch and its "
    "relatives.",
    "mirror": "A name, auto for all, or a URL; may be repeated.",
    "hook_only": "Remove the file, and redirect conda's own commands as they run.",
    "system": "For everybody who uses this conda: in condarc.d of the base environment.",
    "files": "environment.yml, an explicit list or, with --pip, requirements.txt; - is a filter.",
    "pip": "Include pip's index options: PyPI, and the wheels of PyTorch.",
    "diff": "Show what would change, and stop.",
    "check": "Exit with 1 if anything would change, and stop.",
    "no_backup": "Keep no FILE.bak.",
    "json": "Report all output as json.",
    "quiet": "Report errors only.",
    # torch-verify.
    "verify": "Check",
    "require_gpu": "No usable GPU is a failure (exit code 3).",
    "report": "Write the result to FILE as well, to be handed in.",
}
