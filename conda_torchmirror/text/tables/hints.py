"""Hints on what to do next, shared by several errors of ours, or for errors of conda's own."""

from __future__ import annotations

from ..messages import Table

TEXT: Table = {
    "solve_preview": "add `--dry-run`, or leave `--solve` out to install",
    "print_wheels": "choose wheels with `--source wheels`: `{command}`",
    "print_conda": "print for a tool that takes conda packages: `--print conda`",
    "print_urls": "`--urls` prints the addresses of the wheels with their hashes",
    "print_pip": "or `--print pip`, `--print uv`",
    "print_linux": "`--platform linux-64` chooses for a container on Linux",
    "print_file": "leave these parts out, or install from the file: without `--print`",
    "source_auto": "for this run leave the setting out: add `--source auto`",
    "leave_solve_out": "leave `--solve` out: the built-in index is enough for a preview",
    "print_unsolved": "print the choice alone, which the built-in index is enough for: "
    "`--print environment.yml`",
    "change_spec": "`conda install {where} {needed}` replaces it; then run this again",
    "repeat_spec": "to keep it all the same, name it here as well: {spec}",
    "name_environment": "add `-n NAME`, which is created if it is not there",
    "preview_first": "or add `--dry-run`, which shows the choice without an environment",
    "see_environments": "`conda env list` shows the environments that there are",
    "make_environment": "`conda torch-install{where}` makes it, with PyTorch",
    "name_to_verify": "add `-n NAME`, the environment with PyTorch",
    "preview_platform": "use `--dry-run` for a preview, or `-n NEW` for a new environment",
    "mend_setting": "correct or remove it in {file}; `conda torch-mirror disable` works all the "
    "same",
    "command_line": "the command line",
    "describe_key": "correct or remove it; `conda config --describe {key}` shows its form",
    "mend_subdir": "correct or remove `subdir` in {file}",
    "mend_channel": "correct or remove it; conda's own commands cannot read it either",
    "mend_mirrors": "correct or remove {places}; `conda torch-mirror disable` works all the same",
    "channel_forbidden": "`allowlist_channels` or `denylist_channels` of conda's configuration "
    "keeps that channel out",
    "needs_network": " (needs a network)",
    "go_online": "run once online: without `--offline`, `CONDA_OFFLINE`, and `offline` in .condarc",
    "bring_packages": "or save a plan where there is a network, by `--save-plan DIR "
    "--with-packages`: its folder is all that is needed here",
    "known_platforms": "the built-in index covers {platforms}: `--platform` chooses for one of "
    "them",
    "look_online": "whether `{channel}` has anything for {subdir} is seen online: run it without "
    "`--offline`, `CONDA_OFFLINE`, and `offline` in .condarc",
    "preview_offline": "`--dry-run --offline`, with nothing to save or fetch, previews from "
    "conda's cache or the built-in index",
    "mirror_with_it": "{mirror} is known to carry `{channel}`: add `{options}`",
    "around_own": "your own `{key}` in {file} leads `{channel}` there: `--mirror {instead}` reads "
    "it from {instead} in this run",
    "url_name": "write `{name}` in place of `{word}`: by its name it is read from the next mirror "
    "that answers",
    "url_name_listed": "write `{name}` in place of `{word}` in {file}: by its name it is read from "
    "the next mirror that answers",
    "url_leave_out": "leave `{word}` out, unless packages from there are needed",
    "url_leave_out_listed": "take `{word}` out of {file}, unless packages from there are needed",
    "url_of_defaults": "your own `default_channels` in {file} lead `{channel}` there: take that "
    "list out, and `defaults` is read from the next mirror that answers",
    "url_enabled": "the file of `conda torch-mirror enable` leads `{channel}` there: `conda "
    "torch-mirror enable --hook-only{system}` removes it, and the next mirror that answers is "
    "taken",
    "allow_fallback": "without `--no-fallback` other sources are tried",
    "other_mirror": "name another source: `--mirror upstream` or `--mirror URL`",
    "do_not_retry": "do not try again at once; open the URL in a browser, it says whom to write to",
    "check_network": "check the network, and the proxy that `conda config --show proxy_servers` "
    "or a variable such as `https_proxy` names",
    "check_certificates": "check `conda config --show ssl_verify` and the clock of this computer",
    "check_settings": "check what goes into every request: `.netrc` in the home folder, the "
    "timeouts of `conda config --show`, which must be above 0, and the files that `conda config "
    "--show ssl_verify client_ssl_cert client_ssl_cert_key` and variables such as "
    "`REQUESTS_CA_BUNDLE` name",
    "clean_index": "the broken copy was removed from conda's cache; try again later",
    "list_releases": "`conda torch-install --list` shows the releases with their Pythons and CUDAs",
    "spec_meant": "did you mean `{specs}`?",
    "spec_words": "write each package as a word of its own: `{specs}`",
    "spec_at_mirror": "write `{spec} --mirror {mirror}`, if that mirror is meant",
    "leave_one_out": "leave out {first}, or {second}",
    "leave_words_out": "leave out {words}",
    "spec_form": "write NAME, NAME=VERSION or NAME=VERSION=BUILD, such as `pytorch=2.5.1`",
    "wheel_word_form": "write NAME or NAME==VERSION, such as `torch==2.5.1`",
    "cache_help": "`conda torch-mirror cache --help` shows the options",
    "leave_options": "leave {options} out, or choose conda packages: `--source auto`",
    "leave_print_or": "leave out either `--print` or {options}",
    "leave_list_or": "leave out either `--list` or {options}",
    "urls_joined": "write `--urls=aria2`",
    "save_beside": "add `--save-plan DIR`, or leave `--with-packages` out",
    "leave_file_out": "leave it out: wheels are then taken from mirrors",
    "leave_file_out_online": "or leave it out where there is a network: wheels are then taken from "
    "mirrors",
    "classic_solver": "add `--solver classic`, conda's own",
    "pip_uninstall": "remove pip's first: `{python} -m pip uninstall {names}`",
    "free_space": "`conda clean --tarballs --packages` removes cached packages that no environment "
    "uses",
    "other_disk": "`conda config --prepend pkgs_dirs FOLDER` keeps packages on another disk; `-p "
    "FOLDER` puts a new environment there",
    "open_cache": "whoever filled it lets everybody read it: `{command}`",
    "leave_cache_out": "or leave it out of `pkgs_dirs`: what it holds is then downloaded",
    "environment_elsewhere": "or `-p FOLDER` puts a new environment on another disk",
    "make_room_at": "make room on the disk of {folder}, then run the same command again",
    "make_writable": "make {folder} writable for your account, then run the same command again",
    "make_parent": "make the folder that it should be in, then run the same command again",
    "move_from_path": "move that file or folder away, then run the same command again",
    "set_tmpdir": "or set the variable `TMPDIR` (`TEMP` on Windows) to a folder that can be "
    "written",
    "raise_limit": "`ulimit -a` shows the limits of this shell; raise one that is reached, then "
    "run the same command again",
    "check_folder": "check {folder} and its disk, then run the same command again",
    "other_place": "or name another place for {option}",
    "delete_half_made": "delete the folder, if nothing in it is yours, and run the same again",
    "after_other_run": "run the same command again when the other run is done",
    "fresh_environment": "or run the same command with `-n NEW`, which makes a new environment",
    "in_new_environment": "in a new environment {torch} fits: `{command}`",
    "new_with_request": "or install into a new environment: `{new}`",
    "allow_flexible": "let this one transaction run with flexible priority: `plugins: "
    "{{torchmirror_flexible: true}}` in .condarc",
    "other_priority": "run it without strict priority: `{command}`",
    "built_in_part": "the built-in index of {date} has only some of the builds of `{channel}`: "
    "run once online",
    "unread_fits": "{torch} of the channel {source} fits, as far as the built-in index knows: run "
    "this again when the channel can be read",
    "use_source": "{torch} of the channel {source} fits: `{command}`",
    "use_cpu": "`--cuda cpu` or `--allow-cpu` takes a CPU build",
    "use_cpu_only": "`--cuda cpu` takes a CPU build",
    "use_cpu_instead": "`--cuda cpu` instead of {words} takes a CPU build",
    "use_python": "Pythons with a build: {pythons}; in a new environment: `{command}`",
    "use_wheel_set": "wheels of PyTorch {torch} from {variant} fit: `{command}`",
    "use_minor": "`--cuda-compat minor` takes CUDA {cuda}, which the driver runs by minor-version "
    "compatibility",
    "upgrade_driver": "a driver of at least {driver} runs CUDA {cuda}",
    "upgrade_driver_override": "a driver of at least {driver} runs CUDA {cuda}, which the override "
    "of `__cuda` then has to say",
    "leave_cuda": "leave `--cuda` out: {torch} with CUDA {cuda} fits",
    "less_without_cuda": "ask for less, without `--cuda`{online}: `{command}` takes {torch}",
    "other_cuda": "`--cuda {cuda}` takes {torch}, for a driver that runs that CUDA",
    "use_conda_forge": (
        "conda-forge has builds of PyTorch {torch} that fit, with CUDA {cuda}{online}: `{command}`",
        "conda-forge has builds that fit from PyTorch {since} on, up to {torch} with CUDA "
        "{cuda}{online}: `{command}`",
    ),
    "use_conda_forge_cpu": (
        "conda-forge has CPU builds of PyTorch {torch} that fit{online}: `{command}`",
        "conda-forge has CPU builds that fit from PyTorch {since} on, up to {torch}{online}: "
        "`{command}`",
    ),
    "use_wheels": (
        "pip wheels of PyTorch {torch} have code for this GPU, with {tag}",
        "pip wheels of PyTorch {since} to {torch} have code for this GPU, the last with {tag}",
    ),
    "older_release": "leave the release open: {torch} has what fits",
    "newer_release": "leave the release open: {torch} of the channel {channel} has no such limit",
    "name_torch": "name pytorch too, which leaves its release open: `{command}` takes {torch}",
    "open_versions": "leave the versions open: {torch} has what fits",
    "other_channel_has": "PyTorch {torch} is in the channel `{channel}`, from which torch-install "
    "does not choose; the official command, for a new environment: `{command}`",
    "other_channel_command": "the official command for the channel `{channel}`, for a new "
    "environment: `{command}`",
    "by_this_mirror": "what is read from that mirror: `{command}`",
    "see_list": "`{command}` shows what there is",
    "change_pins": "change the pin that is in the way: {pins}",
    "name_cuda": "`--cuda {cuda}` chooses for a driver that will run that CUDA, and asks none here",
    "open_build": "ask for `{instead}` instead of `{spec}`: here it is {found}",
    "open_variant": "ask for `{instead}` instead of `{spec}`: {variant} has the whole set",
    "other_variant": "the wheels for {variant} are whole: `{command}`",
    "open_partner": "ask for `{instead}` instead of `{spec}`: that goes with {torch}",
    "torch_instead": "ask for `{instead}` instead of `{spec}`: here it is {found}",
    "name_alone": "name `{instead}`, to do without {names}: here it is {found}",
    "drop_partner": "leave {names} out",
    "drop_cuda": "leave {words} out: {torch} with CUDA {cuda} fits",
    "drop_cuda_cpu": "leave {words} out: {torch} for the CPU fits",
    "less_of_conda_forge": "ask for less{online}: `{command}` takes PyTorch {torch} of conda-forge",
    "less_of_wheels": "ask for less: `{command}` takes wheels of PyTorch {torch} from {variant}",
    "ask_less": "ask for less: `{command}` takes {torch}",
    "test_mirrors": "`conda torch-mirror test` shows which mirrors answer; `--mirror NAME` or "
    "`--mirror URL` names one",
    "other_place_listed": "take another mirror of those that `conda torch-mirror list` shows: by "
    "`--mirror NAME`, or for a plan by the setting `torchmirror_mirrors`",
    "write_to_support": "{mirror} unblocks networks on request: write to {support}, with the "
    "identifier {identifier}",
    "tell_operators": "do not install it; tell the mirror's operators, and use `--mirror "
    "upstream` or another one",
    "leave_check_upstream": "leave `--check-upstream` out: the official channel is then asked only "
    "where a hash differs from the built-in index",
    "accept_hashes": "to go by the mirror's index alone: `plugins: {{torchmirror_check_hashes: "
    "false}}` in .condarc",
    "other_folder": "name another folder, a new or an empty one",
    "save_first": "save one where there is a network: `conda torch-install --save-plan DIR`",
    "plan_copy_wheels": "copy {folder} to the machine that is to install them, and run there: "
    "`{command}`",
    "plan_names_after": "leave that out of the plan, `{command}`, and install it afterwards with "
    "pip",
    "plans_beside": "in {folder} there are others: {plans}",
    "plans_within": "it holds plans for machines of several kinds; name that of this one: {plans}",
    "leave_channel_out": "leave the channel out: a build of {channels} is chosen",
    "channel_out_says": "without `-c {channel}` the same command says what keeps builds out here, "
    "and what fits",
    "conda_takes_it": '`conda install -n NAME "{spec}"` takes it from there, and chooses nothing',
    "plan_alone": "carry it out as it was saved: `{command}`",
    "plan_another": "leave `--plan` out, to decide anew",
    "save_again": "save it again: `conda torch-install --save-plan DIR`",
    "give_login": "give the log-in as `USER:PASSWORD@` before {host} in its address, or in "
    "the file `~/.netrc`",
    "plan_for_here": "save one for this platform: `{command}`",
    "plan_for_system": "save one here, for this system: `{command}`",
    "fresh_for_plan": "carry it out in an environment with Python {python}: `conda create -n NEW "
    "python={python} pip`, then `conda torch-install -n NEW --plan {folder}`",
    "plan_in_new": "carry it out in a new environment, whose Python it brings along: `conda "
    "torch-install -n NEW --plan {folder}`",
    "plan_bring_pip": "bring one, `{command}`, and run the same command again",
    "plan_download_only": "fill the cache where there is a network: `conda torch-install --plan "
    "{folder} --download-only`",
    "plan_again": "run the same command again when one of them answers: what is here is kept",
    "plan_anew": "if the channel has exchanged that file, a new plan has the hash of the new one: "
    "`conda torch-install --save-plan DIR`",
    "plan_bring": "or put {file} into {folder} from a machine that has it; its hash is checked",
    "plan_urls": "or put the files of `conda torch-install --plan {folder} --urls` into {folder}",
    "write_reports": "on each machine, `conda torch-verify -n NAME --json > HOST.json` writes one",
    "print_facts": "on that machine, `conda torch-verify --facts > FILE` writes them",
    "machines_preview": "`--dry-run`, and no other such option, shows which need the same",
    "machines_one": "or name one of the files: those that need the same can have the same",
    "newer_version": "update conda-torchmirror",
    "remove_names": "remove them: `conda remove -p {prefix} {names}`",
    "delete_record": "delete that file, run `conda install{where} {package}`, then this again",
    "delete_unpacked": "delete the folder {folder}, and run the same command again, which unpacks "
    "or downloads it anew; if it ends so once more, the package is broken in its channel: take "
    "another version or build",
    "other_build": "take another version or build of it, and tell those who make the channel",
    "run_anew": "run the same command again: the package is whole now",
    "delete_list": "delete that file, and run the same command again: conda makes it anew",
    "answer_yes": "add `-y`, which is yes to every question, or `--dry-run` for a preview",
    "correct_line": "correct that line, or remove it",
    "save_as_utf8": "save it as UTF-8, without a byte order mark",
    "confirm_change": "confirm it: `{command}`",
    "newer_plugin": "look for a newer conda-torchmirror",
    "persist": "`conda torch-mirror enable` does it by a file, which every conda reads",
    "move_file": "move that file away, and try again",
    "see_mirrors": "`conda torch-mirror list` shows which mirror carries what",
    "see_status": "`conda torch-mirror status` shows where each channel is read from, and why",
    "file_save_first": "save what is to be read in a file, and name that after `-f`",
    "of_cmd": "the lines with `set` are for cmd, as in the Anaconda Prompt; in PowerShell they are "
    "`$env:NAME = 'VALUE'`",
    "file_near": "did you mean `-f {path}`?",
    "file_none_there": "name the file with its folder; in {folder} there is no environment file",
    "file_no_folder": "name the file with its folder; there is no folder {folder}",
    "file_check_address": "check the address in a browser",
    "file_download": "or download it in another way, and name the file after `-f`",
    "file_in_folder": "name a file that is there: `-f {path}`",
    "file_readable": "mend that, or name another file after `-f`",
    "file_form": "correct it, and run the same command again; `conda env export --from-history` "
    "shows the form of such a file",
    "file_mend_line": "mend that line, or the one before it, and run the same command again",
    "file_one_document": "keep the document that is wanted, in a file of its own",
    "file_correct": "correct it in the file, and run the same command again",
    "file_explicit": "`conda create -n NEW --file {file}` installs exactly what it lists",
    "file_specs": "put its specs on the command line: `conda torch-install SPEC ...`",
    "file_requirements": "name its PyTorch on the command line: `conda torch-install SPEC ...`; "
    "afterwards pip installs the list without these lines",
    "file_export": "name its packages in an environment.yml, or on the command line",
    "file_configuration": "conda reads it by itself where it is `~/.condarc`; name the packages on "
    "the command line",
    "file_source": "use the file that it was made from, such as environment.yml",
    "file_lock": "what it was made from can be used, or the lock made anew: `{command}`",
    "file_remove_section": "take the section out of the file, and install it in another way",
    "name_one": "name it: `-n NAME` or `-p PREFIX`",
    "file_torch_to_conda": "take them out of the pip section, and name pytorch among the "
    "dependencies",
    "file_name_torch": "name them beside the file: `{command}`",
    "remove_partner": "take it out first: `conda remove{where} {name}`; then run this again",
    "leave_partner_out": "leave it out, or install it into an environment of its own",
    "make_without_defaults": "make it without: `conda create {where} --no-default-packages`; then "
    "run this again",
    "unfreeze": "let the solver change them: `{command}`",
    "read_along": "let the solver read it too: `{command}`",
    "read_along_flexible": "let the solver read it too, without strict priority: `{command}`",
    "ask_as_pinned": "ask for it as it is needed: `{command}`",
    "take_with_partner": "a set that it goes with: `{command}`",
    "allow_newer": (
        "{count} build is newer than conda's `exclude_newer` allows: `conda config --show "
        "exclude_newer`",
        "{count} builds are newer than conda's `exclude_newer` allows: `conda config --show "
        "exclude_newer`",
    ),
    "allow_packed": (
        "{count} .conda build is hidden by conda's setting: `conda config --show use_only_tar_bz2`",
        "{count} .conda builds are hidden by conda's setting: `conda config --show "
        "use_only_tar_bz2`",
    ),
    "file_leave_mirror": "in {file}, leave `{word}` out of the channels: then `{command}` reads "
    "from that mirror",
    "file_without_channel": "in {file}, write {instead} instead of {lines}: then a build that fits "
    "is chosen",
    "file_keep_lines": "keep the lines for this system, in a file of their own for each system",
    "file_as_it_is": "`{command}` takes the file as it is, and chooses nothing",
    "file_as_it_is_in_vain": "`{command}` takes the file as it is, but no GPU build of its "
    "PyTorch runs on this GPU",
    "file_family_alone": "other lines of {file} are exact builds, which go with no other PyTorch: "
    "take that without the file, `{command}`, and install what else is needed after it",
    "file_on_platform": "the file is of {subdir}: `--platform {subdir}` previews it, and there "
    "`{command}` takes it as it is",
    "file_export_anew": "for any platform, export it there anew: `conda env export --from-history`",
    "file_change_pins": "in {file}, change {lines} or leave it out",
    "file_open_lines": "in {file}, leave the version of {opened} open: then `{command}` takes "
    "{torch}",
    "file_leave_lines": "in {file}, leave {left} out: then `{command}` takes {torch}",
    "file_open_and_leave": "in {file}, leave the version of {opened} open and {left} out: then "
    "`{command}` takes {torch}",
    "file_bare_lines": "in {file}, write {opened} without channel and version: then `{command}` "
    "takes {torch}",
    "file_bare_and_leave": "in {file}, write {opened} without channel and version, and leave "
    "{left} out: then `{command}` takes {torch}",
    "choose_from": "`--source {source}` chooses from that channel",
    "file_remove_spec": "write `pytorch` instead: a build that fits is chosen for it",
    "run_again": "mend the section, and run the same command again",
    "wheel_mirror_url": "give the URL above the directories of the variants: it ends before `cpu` "
    "or `cu126`",
    "remove_for_wheels": "remove it first: `conda remove{where} {names}`",
    "new_for_wheels": "or run the same command with `-n NEW`, which makes a new environment",
    "with_subdir": "set the variable `CONDA_SUBDIR` to `{there}`, and run the same command again",
    "python_first": "change it first: `conda install{where} python={python}`; then run this again",
    "make_room": "make room by conda, then run this again: `{command}`",
    "pip_again": "the files of the set are kept: run the same command again when the index answers",
    "ask_for_prerelease": "ask for them: `{command}`",
    "name_exactly": "name the yanked files by their versions, to take them all the same: "
    "`{instead}`",
    "choose_anew": "run the same command again: the file is kept, and the choice goes by what it "
    "says",
    "pip_repair": "`{program}` does not run on this computer: repair or remove it, and run the "
    "same command again",
    "pip_owned": "conda's {packages} stays as it is, and no versions of the other packages go "
    "with it: run the same command with `-n NEW`, which makes a new environment",
    "pip_look": "look whether `{tool}` on this computer is the program of that name; without "
    "`torchmirror_installer` the environment's own pip installs",
    "pip_offline": "run once online: {what} is neither in the environment nor on this disk",
    "complete_file": "write the wheels into a file for `conda env create -f` with `{command}`",
    "fetch_wheels": "fetch them where there is a network: `{command}`",
    "fetch_set": "the addresses of all files of a set: `{command}`",
    "wheels_in_folder": "or put them into a folder, and name that with `--wheel-dir FOLDER`",
    "leave_source_out": "leave `--source` out, or say `--source wheels`",
    "wheel_bring_again": "copy {file} again from where it came, or download it again",
    "fetch_again": "remove it, and fetch it again",
    "pip_word": "correct `{what}` or leave it out: no index that was asked has it for this Python "
    "and platform",
    "pip_other_index": "set `index-url` of pip's own configuration to an index that has {what}; "
    "asked were {indexes}",
}

#: For errors of conda's own commands; codes begin with `hint.`.
HINT: Table = {
    "runtime_channel": "`{name}` is in the channel `nvidia`, which few mirrors carry: add `-c "
    "nvidia`, or let `conda torch-install` choose builds and channels",
    "torch_channel": "`{name}` is in the channel `pytorch`: add `-c pytorch`, or let `conda "
    "torch-install` choose builds and channels",
    "failed_again": "{why}; the same command, run again, reads `{channel}` from {instead}",
    "failed_enabled": "{why}; the file of `conda torch-mirror enable` leads `{channel}` there: "
    "`conda torch-mirror enable --mirror {instead}` leads it elsewhere",
    "failed_enabled_alone": "{why}; the file of `conda torch-mirror enable` leads `{channel}` "
    "there: `conda torch-mirror enable --hook-only{system}` removes it",
    "failed_own": "{why}; your own `{key}` in {file} leads `{channel}` there: without that entry, "
    "the next mirror that answers is taken",
    "failed_here": "{why}; {step}",
    "failed_test": "{why}; `conda torch-mirror test` shows which mirrors answer",
    "mirror_forbids": "{mirror} refuses this network, as mirrors do after too many downloads: do "
    "not try again at once; `conda torch-mirror test` shows which mirrors answer",
}
