"""Help texts: commands, and the options that conda does not have. Codes begin with `help.`."""

from __future__ import annotations

from ..messages import Table

HELP: Table = {
    # `conda torch-install`.
    "choice": "Choice of the build",
    "specs": "What to install; without a spec: pytorch torchvision torchaudio.",
    "file": "An environment.yml (not a list of specs): the PyTorch in it is chosen; may be "
    "repeated.",
    "cuda": "auto, cpu, or the highest CUDA that the driver runs: 12.4 or cu124; for wheels "
    "rocm6.4 and xpu too.",
    "cuda_compat": "strict: no CUDA newer than the driver's, even of the same major version.",
    "python": "The Python of a new environment, or a change of it, such as 3.11.",
    "machine": "For the machine whose facts `conda torch-verify --facts` wrote to FILE; with "
    "several: one plan for all that need the same.",
    "source": "Where builds come from; auto (default) takes the better of both channels, and "
    "wheels are installed by pip.",
    "install_mirror": "tuna (default), upstream, another name, or a URL; may be repeated.",
    "no_fallback": "Stop where the first mirror fails.",
    "check_upstream": "Compare the hashes of the chosen builds with the official channel's own.",
    "allow_cpu": "Take a CPU build where no CUDA build fits.",
    "solve": "With --dry-run: go on to conda's solver.",
    "explain": "Say why newer releases do not fit.",
    "list": "Show what this platform can have, and stop.",
    "plans": "Plans and downloads",
    "urls": "Print URLs with hashes instead of installing; with --solve those of all packages.",
    "print": "Print the choice, with the mirrors, as a command or file of another tool, and stop. "
    "TOOL is one of %(choices)s.",
    "save_plan": "Solve, and save the result instead of installing it.",
    "with_packages": "With --save-plan: put the packages into DIR as well, for machines without a "
    "network.",
    "plan": "Install what --save-plan saved, here or elsewhere.",
    "download_only": "Only fill conda's package cache.",
    "no_check": "Do not try PyTorch after it is installed.",
    "force_reinstall": "Reinstall the packages.",
    "copy": "Copy files instead of linking them.",
    "install_examples": "examples:\n"
    "  conda torch-install -n new --python 3.11\n"
    "  conda torch-install pytorch=2.3 torchvision --cuda 12.1\n"
    "  conda torch-install --dry-run --platform win-64 --cuda 12.4 --python 3.12\n"
    "  conda torch-install -f environment.yml\n"
    "  conda torch-install --list --cuda 11.8\n"
    "  conda torch-install -n new --source wheels\n"
    "  conda torch-install --print pixi --cuda 12.4 --python 3.12\n"
    "  conda torch-install -n new --save-plan plan\n"
    "  conda torch-install -n new --plan plan\n",
    # Commands of torch-mirror.
    "mirror_list": "Show the mirrors that are known, and what they carry.",
    "mirror_status": "Show where channels are read from now, and why.",
    "mirror_test": "Ask the mirrors: which answer, how soon, and what they hold.",
    "mirror_enable": "Write a condarc file, by which mamba and conda-lock use mirrors too.",
    "mirror_disable": "Turn mirrors off, for conda's own commands too.",
    "mirror_rewrite": "Point the channels in files at mirrors, and change nothing else in them.",
    "mirror_upstream": "Point the channels in files back at the official ones, to share them.",
    "mirror_examples": "examples:\n"
    "  conda torch-mirror list\n"
    "  conda torch-mirror status\n"
    "  conda torch-mirror test\n"
    "  conda torch-mirror enable --mirror auto\n"
    "  conda torch-mirror cache --print nginx > nginx.conf\n"
    "  conda torch-mirror disable\n"
    "  conda torch-mirror rewrite environment.yml\n"
    "  conda torch-mirror upstream --check environment.yml\n",
    "mirror_cache": "Print the configuration of a cache in front of the mirrors, or check one.",
    # Their options.
    "cache_channels": "More channels that the cache has to carry.",
    "cache_print": "nginx: the configuration of the cache; registry, condarc, pip: those of its "
    "clients.",
    "cache_check": "Compare what nginx has kept in DIR with the indexes there, and delete what "
    "differs.",
    "cache_dir": "The folder that nginx writes into; default: torch-cache.",
    "cache_port": "Where clients ask; the numbers after it are used on loopback; default: 8080.",
    "cache_url": "How clients reach the cache, such as http://cache.lab:8080.",
    "cache_dry_run": "With --check: only say what would be deleted.",
    "status_channels": "More channels to show.",
    "test_mirrors": "Names or URLs, upstream for the official channels; default: those that may be "
    "used here.",
    "test_spec": "Ask for the files of this release, such as pytorch=2.3; may be repeated.",
    "test_timeout": "For the whole test, at most 600; default: 10.",
    "enable_channels": "Default: defaults, conda-forge, bioconda, and those of PyTorch and its "
    "relatives.",
    "mirror": "A name, auto for all, or a URL; may be repeated.",
    "hook_only": "Remove the file again, and redirect only conda's own commands, as they run.",
    "system": "For everybody who uses this conda: in condarc.d of the base environment.",
    "files": "environment.yml, an explicit list or, with --pip, requirements.txt; - reads standard "
    "input and writes standard output.",
    "pip": "Include pip's index options: PyPI, and the wheels of PyTorch.",
    "diff": "Show what would change, and stop.",
    "check": "Exit with 1 if anything would change, and stop.",
    "no_backup": "Keep no FILE.bak.",
    "json": "Report all output as json.",
    "wheel_dir": "Install from the wheels in DIR, which a download manager brought.",
    "quiet": "Report errors only.",
    "urls_aria2": "The same as an input file of aria2c.",
    # Errors that argparse shows after the name of an argument.
    "empty_value": "its value is empty",
    # What is wrong with a command line.
    "usage_choice": "{of} takes one of {all}, not `{value}`",
    "usage_no_value": "{of} needs a value",
    "usage_missing": "{of} is missing",
    "usage_beside": "{of} and {other} do not go together",
    "usage_ambiguous": "`{value}` may mean {all}",
    "usage_number": "{of} takes a whole number, not `{value}`",
    "usage_takes_none": "{of} takes no value, so not `{value}`",
    "usage_option": "`{value}` is no option of this command",
    "usage_word": "`{value}` is not expected here",
    "usage_other": "`{value}` begins another command",
    "usage_page": "`-f {value}` names a page of wheels, as pip's `-f` does, and no environment "
    "file",
    "other_command": "the same here: `{command}`",
    "other_left_out": "leave `{value}` out, and what is an option of that command alone",
    "usage_of": "{of}: {said}",
    "usage_together": "write the words in a row, with no option between them",
    "usage_meant": "did you mean `{nearest}`?",
    "usage_help": "`{command} --help` shows the options",
    "pip_index": "it is an option of pip: leave it out, and add `--source wheels`; `--mirror URL` "
    "names another mirror of wheels, and `torch==2.7.1+cu126` the CUDA",
    "pip_index_command": "it is an option of pip: leave it out, and add `--source wheels`: "
    "`{command}`",
    "pip_list": "it is an option of pip: write the packages here, or name an environment file: "
    "`-f environment.yml`",
    "pip_upgrade": "leave it out: the newest release that fits is chosen anyway",
    "pip_nightly": "nightly builds are not chosen here: leave their index and `--pre` out; with "
    "`--source wheels` it is the newest release that fits",
    "pip_leave": "it is an option of pip: leave it out",
    "bad_seconds": "it takes seconds, more than 0 and at most {most}",
    # torch-verify.
    "verify": "Check",
    "require_gpu": "No usable GPU is a failure (exit code 3).",
    "report": "Write the result to FILE as well, to be handed in.",
    "facts": "Print the facts of this machine as JSON, for --machine; needs no PyTorch.",
    "collect": "Show the reports (`torch-verify --json > HOST.json`) in DIR as one table. Exit "
    "code 0: all work; 3: some not on the GPU; 1: anything else.",
    "verify_examples": "examples:\n"
    "  conda torch-verify -n new\n"
    "  conda torch-verify -n new --require-gpu --report check.txt\n"
    "  conda torch-verify --facts > node.json\n"
    "  conda torch-verify --collect reports\n",
}

#: Why a match spec, or a word that asks for wheels, cannot be used.
SPEC: Table = {
    "wheel_word": "it is none that pip takes, as `torch==2.7.1`, `torch>=2.6` and "
    "`torch==2.7.1+cu126` are",
    "wheel_word_of_conda": "it is a package of conda's, no use to pip: say `{option}` instead",
    "wheel_word_of_cuda": "{name} is a package of conda's, which pip has no use for: `--cuda` says "
    "which CUDA wheels are for, as `--cuda 12.6` does",
    "wheel_word_inside": "{name} is a package of conda's, and wheels of torch bring their own: "
    "leave it out",
    "wheel_word_more": "a version alone can be asked for: no address, no marker",
    "wheel_word_extras": "the extras {extras} are packages, to be named by themselves",
    "spec_half": "no version follows its operator",
    "spec_digits": "it has a number of more digits than any version has",
    "spec_ignored": "conda would read over `{part}` without a word",
    "spec_several": "it names several packages",
    "spec_no_package": "it names no package",
    "spec_unknown_field": "no build can be chosen by its {field}",
    "spec_variant": "no conda build is for {variant}",
}
