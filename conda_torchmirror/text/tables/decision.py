"""Sentences on a decision: headings, notices, and why builds were rejected."""

from __future__ import annotations

from ..messages import Table

#: Headings, labels, columns, and the request in one phrase; codes begin with `show.`.
SHOW: Table = {
    "plan": "plan",
    "machines": "machines",
    "source": "source",
    "headline": "PyTorch {torch} for {target}, Python {python}, {subdir}",
    "plan_head": "Plan of {date} for {target}, Python {python}, {subdir}",
    "on_cuda": "CUDA {cuda}",
    "on_cpu": "the CPU",
    "driver": "driver",
    "gpu": "gpu",
    "python": "python",
    "target": "prefix",
    "index": "index",
    "value_newest": "{value} (newest that fits)",
    "value_from": "{value} ({origin})",
    "index_origin": "{origin}",
    "index_dated": "{origin}, {date}",
    "url_at": "{url} ({mirror})",
    "driver_cuda": "CUDA {cuda} ({origin})",
    "driver_unusable": "{driver}, runs no CUDA",
    "driver_none": "no NVIDIA driver",
    "driver_unknown": "not known from here",
    "driver_cuda_there": "CUDA {cuda} ({origin})",
    "driver_unknown_there": "with a driver that is not known from here",
    "driver_not_asked": "not asked (--cuda {cuda})",
    "target_none": "not named yet: `-n NAME` or `-p PREFIX`",
    "package": "package",
    "version": "version",
    "build": "build",
    "size": "size",
    "known_from": "evidence",
    "record": "record",
    "listed": "listing",
    "derived": "naming rules",
    "left_to_solver": "(chosen by conda's solver)",
    "others": "solver",
    "others_more": "{specs} and {count} more (`-v` shows them): chosen by conda's solver",
    "others_solved": "{specs}: chosen by conda's solver",
    "see": "see {url}",
    "evidence": "What is known of this machine",
    "in_conda": "The same in plain conda:",
    "by_url": "The same in plain conda, from the mirror's URL:",
    "by_name": "or by name, where conda is pointed at the mirror:",
    "passed_over": "Why not newer releases or a higher CUDA",
    "passed_over_of": "and of {source}",
    "nothing_newer": "nothing better fell away: of what was asked for, this comes first",
    "builds": ("{reason} ({code}, {count} build)", "{reason} ({code}, {count} builds)"),
    "cause": "Cause: {cause}",
    "next_steps": "Next steps:",
    "asked_on": "on {subdir}",
    "asked_python": "for Python {python}",
    "asked_cpu": "on the CPU",
    "asked_cuda": "with CUDA {cuda}",
    "asked_variant": "for {cuda}",
    "asked_driver": "with the driver's CUDA {cuda}",
    "asked_built_in": "by the built-in index",
    "list_head": "PyTorch for {subdir}, {driver}; {index}",
    "list_head_of_all": "PyTorch for {subdir}, {driver}",
    "list_end": "{index}, ended with PyTorch {last} and Python {python}",
    "list_index": "{source} ({index} index)",
    "list_index_of": "{source} ({index} index, {date})",
    "list_index_part": "{source} ({index} index, {date}: some of its builds)",
    "list_release": "release",
    "list_cuda": "cuda",
    "list_python": "python",
    "list_cpu": "cpu",
    "list_legend": "* runs here",
    "list_none": "none of these runs here",
    "list_legend_there": "* runs on that machine",
    "list_none_there": "none of these runs on that machine",
    "list_empty": "no set of builds for {subdir} is {specs}; the index has PyTorch {first} to "
    "{last}",
    "list_older": (
        "and {count} older release, {last}: `-v` shows it",
        "and {count} older releases, down to {last}: `-v` shows them",
    ),
    "list_why": "{releases}: {reason}",
    "list_why_of": "{releases} of {source}: {reason}",
    "list_span": "{first} to {last}",
}

#: Codes for origins, facts and indexes, in English as in documents; they begin with `origin.`.
ORIGIN: Table = {
    "--cuda": "--cuda",
    "--machine": "--machine",
    "--python": "--python",
    "CONDA_OVERRIDE_CUDA": "CONDA_OVERRIDE_CUDA",
    "libcuda": "libcuda",
    "file": "file",
    "prefix": "prefix",
    "built-in": "built-in",
    "cache": "cache",
    "live": "live",
}

#: Why builds are rejected, each a sentence of its own, used after a release, in a cause and alone.
#: A code is `clash.` and those of a `models.Rejection`. Fields that begin with `own_` are of the
#: machine or request; those of the build can hold several values, such as `12.1, 12.4`.
CLASH: Table = {
    "cuda_too_new.driver_runs.cuda": "builds for CUDA {cuda} are too new: the driver runs CUDA "
    "{own_cuda} or older",
    "cuda_too_new.prefix_has.cuda": "builds for CUDA {cuda} are above the environment's {own_cuda}",
    "cuda_too_new.option_says.cuda": "builds for CUDA {cuda} are too new for `--cuda {own_cuda}`",
    "cuda_too_new.override_says.cuda": "builds for CUDA {cuda} are too new: the override of "
    "`__cuda` says CUDA {own_cuda}",
    "cuda_too_new.file_says.cuda": "builds for CUDA {cuda} are above the {own_cuda} of the file",
    "minor_version_only.driver_strict.cuda": "builds for CUDA {cuda} are newer than the driver's "
    "CUDA {own_cuda}, and --cuda-compat is strict",
    "minor_version_only.named_strict.cuda": "builds for CUDA {cuda} are newer than CUDA "
    "{own_cuda}, and --cuda-compat is strict",
    "driver_too_old.driver.cuda_floor": "builds for CUDA {cuda} need driver {driver}, and this is "
    "driver {own_driver}",
    "driver_unusable.driver_unusable.cuda": "builds for CUDA {cuda} need the NVIDIA driver, which "
    "does not run",
    "driver_unusable.gpu_unusable.cuda": "builds for CUDA {cuda} need the driver of this machine's "
    "GPU ({own_gpus}), which does not run",
    "driver_unusable.override_unusable.cuda": "builds for CUDA {cuda} cannot be held against the "
    "driver, as the override of `__cuda` names no version",
    "cuda_build.cpu_asked.cuda": "builds for CUDA {cuda} are no CPU builds, and a CPU build is "
    "asked for",
    "cuda_build.cpu_asked.cuda_build": "CUDA builds are none for the CPU, which is asked for",
    "cuda_build.no_driver.cuda": "builds for CUDA {cuda} need an NVIDIA driver, and there is none",
    "cuda_build.no_driver.cuda_build": "CUDA builds need an NVIDIA driver, and there is none",
    "cuda_build.driver_unknown.cuda": "builds for CUDA {cuda} need an NVIDIA driver, and nothing "
    "is known of one",
    "cuda_build.driver_unknown.cuda_build": "CUDA builds need an NVIDIA driver, and nothing is "
    "known of one",
    "cuda_unknown.cuda_to_compare.no_cuda_version": "builds that name no CUDA version cannot be "
    "compared with the driver's",
    "cpu_build.cuda_asked.cpu_only": "CPU builds use no CUDA, and CUDA {own_cuda} is asked for",
    "cpu_build.gpu_there.cpu_only": "CPU builds do not use the NVIDIA GPU that is there",
    "cpu_build.driver_there.cpu_only": "CPU builds use no GPU, and an NVIDIA driver is there",
    "python_mismatch.python_there.python": "builds for Python {python} do not go with Python "
    "{own_python} ({own_origin})",
    "python_mismatch.free_threaded_there.python": "builds for the usual Python {python} do not go "
    "with the free-threaded one ({own_origin})",
    "pinned.pin.spec": "the pin {own_spec} ({own_source}) keeps {spec} out",
    "pinned.pin.cuda": "the pin {own_spec} ({own_source}) keeps builds for CUDA {cuda} out",
    "pinned.pin.python": "the pin {own_spec} ({own_source}) keeps builds for Python {python} out",
    "pinned.pin.cpu_only": "the pin {own_spec} ({own_source}) keeps CPU builds out",
    "pinned.pin.cuda_build": "the pin {own_spec} ({own_source}) keeps CUDA builds out",
    "pinned.pin.dependency": "the pin {own_spec} ({own_source}) keeps out what needs `{spec}`",
    "pinned.spec.dependency": "`{own_spec}` keeps out what needs `{spec}`",
    "pinned.spec.spec": "`{own_spec}` keeps {spec} out",
    "pinned.spec.cuda": "`{own_spec}` keeps builds for CUDA {cuda} out",
    "pinned.spec.python": "`{own_spec}` keeps builds for Python {python} out",
    "pinned.spec_for.python": "`{own_spec}` has builds for Python {own_pythons} only, and these "
    "are for {python}",
    "pinned.spec_without.python": "`{own_spec}` has no build for Python {python}, which these are "
    "for",
    "pinned.pin_for.python": "the pin {own_spec} ({own_source}) has builds for Python "
    "{own_pythons} only, and these are for {python}",
    "pinned.pin_without.python": "the pin {own_spec} ({own_source}) has no build for Python "
    "{python}, which these are for",
    "pinned.spec.cpu_only": "`{own_spec}` keeps CPU builds out",
    "pinned.spec.cuda_build": "`{own_spec}` keeps CUDA builds out",
    "arch_missing.gpu_arch.code_for": "builds with code for {architectures} do not run on a GPU of "
    "compute capability {own_arch}",
    "arch_missing.gpu_arch.code_from": "builds with code from {arch} upward do not run on a GPU of "
    "compute capability {own_arch}",
    "arch_missing.gpu_arch.code_unknown": "no source says that these builds have code for compute "
    "capability {own_arch}, a device that no other code serves",
    "arch_missing.gpu_arch.code_never": "no release of this channel has code for {major}.x, and "
    "this is a GPU of compute capability {own_arch}",
    "arch_missing.gpu_arch.code_first": "no build before PyTorch {torch} with CUDA {cuda} has code "
    "for {major}.x, and this is a GPU of compute capability {own_arch}",
    "arch_missing.gpu_arch.code_first_cuda": "no build for a CUDA before {cuda} has code for "
    "{major}.x, and this is a GPU of compute capability {own_arch}",
    "cudnn_too_new.gpu_arch.cudnn_from": "builds with cuDNN {cudnn} need a GPU of {arch} or "
    "higher, and this is one of compute capability {own_arch}",
    "glibc_too_old.glibc_there.glibc_from": "these builds need glibc {version} or newer, and this "
    "system has glibc {own_version}",
    "macos_too_old.macos_there.macos_from": "these builds need macOS {version} or newer, and this "
    "is macOS {own_version}",
    "partner_missing.partner_asked.no_partner": "this channel has no {name} for {torch}, and "
    "{own_name} is asked for",
    "partner_missing.partner_asked.no_partner_sample": "no {name} for {torch} is in the built-in "
    "index, which has some of the builds, and {own_name} is asked for",
    "partner_missing.partner_there.no_partner_sample": "no {name} for {torch} is in the built-in "
    "index, which has some of the builds, and {own_name} {own_version} is installed",
    "partner_missing.partner_asked.partner_unknown": "no {name} is known for this platform, and "
    "{own_name} is asked for",
    "partner_missing.partner_there.no_partner": "this channel has no {name} for {torch}, and "
    "{own_name} {own_version} is installed",
    "partner_missing.partner_there.partner_unknown": "no {name} is known for this platform, and "
    "{own_name} {own_version} is installed",
    "partner_missing.partner_asked.no_wheel": "no wheel of {name} {version} is there for "
    "{torch} and {variant}, and {own_name} is asked for",
    "partner_missing.partner_asked.no_wheel_python": "no wheel of {name} {version} is there for "
    "{torch}, {variant} and Python {python}, and {own_name} is asked for",
    "partner_missing.partner_there.no_wheel_python": "no wheel of {name} {version} is there for "
    "{torch}, {variant} and Python {python}, and {own_name} {own_version} is installed",
    "partner_missing.partner_there.no_wheel": "no wheel of {name} {version} is there for "
    "{torch} and {variant}, and {own_name} {own_version} is installed",
    "partner_missing.partner_asked.no_pairing": "no official source says which {name} goes with "
    "{torch}, and {own_name} is asked for",
    "partner_missing.partner_there.no_pairing": "no official source says which {name} goes with "
    "{torch}, and {own_name} {own_version} is installed",
    "partner_missing.spec_asked.partner_is": "{partner} goes with {torch}, and `{own_spec}` is "
    "asked for",
}

#: Why known-bad pairs are kept apart; codes begin with `rule.` and are those of `data/rules.json`.
RULE: Table = {
    "mkl_ijit": "undefined symbol iJIT_NotifyEvent with MKL 2024.1 and newer",
    "numpy_2": "releases before 2.3 were built against NumPy 1",
    "numpy_2_win": "on Windows 2.3.1 and 2.4.0 fail with NumPy 2 as well",
}

#: Demands that no build meets.
CAUSE: Table = {
    "and_more": "{reason} (and {count} more like it)",
    "no_release": "no build in the channel matches these specs",
    "detail_of": "{source}: {detail}",
    "unread_of": "{source} could not be read: {detail}",
    "no_such_release": "the channel has no `{spec}` for {subdir}, where its releases go from "
    "{first} to {last}",
    "no_such_release_sample": "the built-in index has no `{spec}` for {subdir}: it knows some of "
    "the builds from {first} to {last}",
    "cpu_builds_known": "of what is asked for, the built-in index knows CPU builds only",
    "nothing_for_platform": "the channel has no build of PyTorch for {subdir}",
    "no_such_release_built_in": "the built-in index has no `{spec}` for {subdir}: it knows {first} "
    "to {last}, and only the channel's own index, without `--offline`, has what is older",
    "no_such_release_known": "the built-in index has no `{spec}` for {subdir}: it knows {first} to "
    "{last}",
    "no_such_build_sample": "the built-in index, which has some of the builds, knows no `{spec}` "
    "for {subdir}",
    "no_such_build": "no build of that release for {subdir} is `{spec}`",
    "no_such_cuda": "no build of the channel for {subdir} is made for `{spec}`",
    "no_such_cuda_built_in": "no build of the built-in index for {subdir} is made for `{spec}`",
    "no_such_hidden": "of the builds for {subdir} that conda's settings do not hide, none is "
    "`{spec}`",
    "nothing_hidden": "of what conda's settings do not hide, nothing is a build of PyTorch for "
    "{subdir}",
    "build_of_conda_forge": "`{spec}` is named as the builds of conda-forge are, and the channel "
    "`pytorch` has none of those",
    "spec_of_platform": "`{spec}` asks for {of}, and the choice is for {subdir}",
    "build_of_platform": "`{spec}` is named as the builds of {of} are, not those of {subdir}",
    "contradict": "`{first}` and `{second}` exclude each other",
    "no_release_built_in": "no build in the built-in index, which knows {first} to {last}, "
    "matches these specs",
}

#: Which source, and why: codes begin with `source.`; `other_` fields are of the one not taken.
SOURCE: Table = {
    "newer": "PyTorch {version} from the channel {source}, which has the newest that runs here; "
    "to choose {other_version}: `--source {other_source}`",
    "newer.ended": "PyTorch {version} from the channel {source} (the channel {other_source} "
    "ended with {other_last}); to choose {other_version}: `--source {other_source}`",
    "newer.ended_mirror": "PyTorch {version} from the channel {source} (the channel {other_source} "
    "ended with {other_last}), all of it from {mirror}; to choose {other_version}: `--source "
    "{other_source}`",
    "newer.alone": "PyTorch {version} from the channel {source}; the channel {other_source}, which "
    "ended with {other_last}, has nothing that fits here",
    "newer.needs": "PyTorch {version} from the channel {source}, as {other_version} of "
    "{other_source} does not fit: {other_reason}",
    "newer.driver": "PyTorch {version} from the channel {source}: {other_version} of "
    "{other_source} needs driver {other_driver} or newer ({other_reason})",
    "newer.driver_alone": "PyTorch {version} from the channel {source}: {other_version} of "
    "{other_source} needs driver {other_driver} or newer",
    "newer.no_record": "PyTorch {version} from the channel {source}; {other_source} has "
    "{other_version}, which fits, and the built-in index of {other_date} has no whole set of it: "
    "an installation takes it",
    "only": "PyTorch {version} from the channel {source}, as {other_source} has nothing that fits "
    "here",
    "only.in_part": "PyTorch {version} from the channel {source}, as the built-in index has no "
    "build of {other_source} that fits; an installation reads the channel",
    "bound": "PyTorch {version} from the channel {source}, which this environment already uses",
    "bound.newer": "PyTorch {version} from the channel {source}, which this environment already "
    "uses; for {other_version}, best in a new one: `{command}`",
    "asked.newer": "PyTorch {version} from the channel {source}, as asked; {other_source} has "
    "{other_version}, which fits",
    "release": "PyTorch {version} from the channel {source}, as it has to be this release",
    "release.newer": "PyTorch {version} from the channel {source}, as it has to be this "
    "release; left open, it is {other_version} of {other_source}",
    "release.ended": "PyTorch {version} from the channel {source}: the channel {other_source} "
    "ended with {other_last}",
    "wheels.only": "PyTorch {version} by wheels, with pip, as `torchmirror_sources` allows: no "
    "build of conda fits",
    "wheels.bound": "PyTorch {version} by wheels, with pip, as `torchmirror_sources` allows: the "
    "PyTorch of this environment is pip's",
    "offline": "PyTorch {version} from the channel {source}, though {other_source} may have a "
    "newer one: {other_reason}",
}

#: Notices on a choice.
NOTICES: Table = {
    "source_chosen": "PyTorch {version} from the channel {source}, as asked",
    "minor_version_compat": "CUDA {cuda} is newer than the driver's {driver}; NVIDIA's "
    "minor-version compatibility lets it run, without PTX (`--cuda-compat strict` refuses it)",
    "gpus_without_code": "these builds have no code for {gpus}, on which PyTorch would fail; a "
    "newer release may have, and CUDA_VISIBLE_DEVICES can leave a GPU out",
    "cuda_below_asked": "no build of {torch} for CUDA {asked} itself fits: {cuda} is the highest "
    "that does, and runs there",
    "cuda_below_sample": "no {torch} for CUDA {asked} is in the built-in index; {cuda} runs there",
    "cuda_narrowed": "CUDA {cuda}, as specs or pins ask; it runs on a driver for CUDA {asked}",
    "python_unsuited": "`{spec}` likely has no build for Python {python} ({needs} has)",
    "python_without": "no build of `{spec}` for Python {python} is in the channels that were read",
    "cpu_no_driver": "no NVIDIA driver was found, so this is a CPU build; for a machine that has "
    "one say `--cuda 12.4`",
    "cpu_no_gpu": "no GPU that CUDA can use was found, so this is a CPU build; for a machine that "
    "has one say `--cuda 12.4`",
    "cpu_mac": "macOS has no CUDA: this build uses the CPU",
    "cpu_no_driver_mac": "macOS has no CUDA: this build uses the CPU, and Apple's GPU by MPS",
    "cpu_foreign": "nothing is known from here of the driver of that machine, so this is a CPU "
    "build; for one with an NVIDIA GPU say `--cuda 12.4`",
    "cpu_allowed": "no CUDA build fits, so this is a CPU build (`--allow-cpu`)",
    "partner_left_out": "{name} is left out: {channel} has none for PyTorch {torch}; the newest "
    "there with `{words}` is PyTorch {last}",
    "partner_left_out_cuda": "{name} is left out: {channel} has none for PyTorch {torch} with CUDA "
    "{cuda}; with `{words}` it is CUDA {last_cuda}",
    "partner_left_out_cpu": "{name} is left out: {channel} has none for PyTorch {torch} with CUDA "
    "{cuda}; with `{words}` it is a CPU build",
    "partner_left_out_always": "{name} is left out: {channel} has none for PyTorch {torch}, nor "
    "for any other that fits here",
    "partner_unrecorded": "{name} is left out: the built-in index has none for PyTorch {torch}; an "
    "installation reads the channel",
    "partner_along": "{installed} would not fit any more, so {chosen} is chosen along",
    "partner_open": "{partner} was made for PyTorch {since} and goes with all later releases, so "
    "with {torch}",
    "runtime_lagging": "{build} needs `{lacks}`, which the runtime channel lacks: left to the "
    "solver",
    "runtime_unread": "the runtime channel could not be read, so no build of pytorch-cuda is "
    "named: {detail}",
    "built_in": "from the built-in index of {date}: a preview; an installation reads the channel",
    "sample_newer": "{source} has {version}, which fits: an installation, which reads the "
    "channel, takes it",
    "derived": (
        "{count} of these builds is known by the naming rules only, not from a record",
        "{count} of these builds are known by the naming rules only, not from a record",
    ),
    "undated": (
        "{count} of these builds has no date in the built-in index, so `exclude_newer` was not "
        "applied to it; an installation applies it",
        "{count} of these builds have no date in the built-in index, so `exclude_newer` was not "
        "applied to them; an installation applies it",
    ),
    "excluded_newer": (
        "{count} build is newer than conda's `exclude_newer` allows, and counts as not there",
        "{count} builds are newer than conda's `exclude_newer` allows, and count as not there",
    ),
    "skipped_records": (
        "{count} unusable record of the index was skipped",
        "{count} unusable records of the index were skipped",
    ),
    "flexible_priority": "channel_priority is strict; this installation runs with flexible, "
    "because the channel `pytorch` hides newer image libraries otherwise",
    "no_channels": "no channels are configured, so conda-forge is added for everything else",
    "custom_mirror": "the channel `{channel}` comes from your own `{key}`",
    "channels_left_out": "not asked in this run: {channels}; PyTorch comes from {channel}",
    "cudnn_pinned": "pinned for this installation only: {pins} (newer cuDNN does not run on a GPU "
    "of compute capability {arch})",
    "cudnn_asked": "asked for along with it, as no pin applies in this run: {pins} (newer cuDNN "
    "does not run on a GPU of compute capability {arch})",
    "channel_end": "the channel `pytorch` ended with PyTorch {last} and Python {python}; newer "
    "ones are on conda-forge",
    "newer_elsewhere": "releases below {fixed}: do not load untrusted files ({id})",
    "rule_pin": "pinned for this installation only: {pin} ({why})",
    "rule_asked": "asked for along with it, as no pin applies in this run: {pin} ({why})",
    "rule_installed": "{installed} is installed and contradicts the pin {pin}; the solver has to "
    "replace it",
    "against_rule": "`{spec}` is asked for, though PyTorch needs {pin} ({why}); the solver gets "
    "it as written",
    "rule_keep": "to keep it through a later `conda update --all`, add {pins} to {file}",
    "rule_keep_all": "to keep them through a later `conda update --all`, add to {file}, a line "
    "each: {pins}",
    "pip_torch_there": "pip has put {packages} into the environment; an installation stops there",
    "narrowed_by": "{packages} goes with PyTorch {torch}, by the records of the channel, and not "
    "with {instead}: so {torch} is chosen",
    "narrowed_build_by": "of PyTorch {torch} the build is chosen that {packages} goes with, by the "
    "records of the channel",
    "beside_unread": "an installation reads {channels} too, and takes a release that the packages "
    "from there go with (`--dry-run --solve` shows it)",
    "other_unmet": "`{package}` goes with no set that fits here: its newest build wants {wanted}",
    "partner_elsewhere": "`{spec}` is not of the channel `{channel}`, and goes to conda's solver "
    "as it is written",
    "toolkit_holds_back": "`cudatoolkit` brings CUDA to releases up to 1.12; without it {torch} "
    "fits, as newer ones take pytorch-cuda",
    "misspelt_alone": "`{spec}` goes to conda's solver as it is written, and the default set is "
    "taken beside it; did you mean `{nearest}`?",
    "misspelt": "`{spec}` goes to conda's solver as it is written; did you mean `{nearest}`?",
    "python_changes": "the environment's Python {old} becomes {new}",
    "dry_run": "Dry run: nothing was solved or changed.",
}
