"""Sentences on existing files that are read or rewritten: results, what stayed, why one is left."""

from __future__ import annotations

from ..messages import Table

#: `torch-mirror rewrite` and `upstream`; codes begin with `file.`.
TEXT: Table = {
    "missing": "there is no such file",
    "dangling_link": "it is a link to a file that is not there",
    "url_offline": "nothing is fetched offline",
    "url_status": "the server answers {status}",
    "url_unreachable": "the server cannot be reached",
    "folder": "it is a folder; name the files in it",
    "not_a_file": "it is not a regular file",
    "too_large": "it has {size} bytes, and no such file has more than {limit}",
    "closed": "it is closed, so nothing can be read from it",
    "unreadable": "it cannot be read: {problem}",
    "read_only": "it is read-only; `chmod u+w` it (on Windows `attrib -r`), or use `--diff` to "
    "only look",
    "folder_read_only": "the folder {folder} is read-only, so nothing can be put beside the file",
    "backup_is_folder": "the backup would be {backup}, which is a folder; use `--no-backup`",
    "write_failed": "it could not be written and is as it was: {problem}",
    "disk_full": "its disk is full",
    "quota_used_up": "your quota on its disk is used up",
    "disk_read_only": "its disk is read-only",
    "not_permitted": "your account has no permission for it",
    "not_there": "there is no such file or folder",
    "no_temporary": "no folder for temporary files can be written, there or elsewhere",
    "no_folder": "what should be a folder in its path is a file",
    "is_folder": "it is a folder",
    "name_too_long": "its name is too long for the file system",
    "disk_failing": "its disk reports an error",
    "file_too_large": "it would be larger than its file system, or a limit of this process, allows",
    "too_many_open": "more files are open than the system allows",
    "space_kept": "packages are kept as archives and unpacked, so they take more",
    "space_copied": "the packages are copied there, for machines without a network",
    "space_unpacked": "packages are unpacked there, and take more than their archives",
    "output": "standard output",
    "output_lost": "{file} cannot be written, and the run ends there: {problem}",
    "other_run": "another run has been writing in its folder for half a minute",
    "locked": "another run has been working in {folder} for half a minute; try again",
    "changes_all_the_time": "another program keeps writing it; try again when that is done",
    "binary": "it is not a text file",
    "utf16_without_bom": "it seems to be UTF-16 without a byte order mark, which conda cannot "
    "read either; save it as UTF-8",
    "not_unicode": "it is neither UTF-8 nor UTF-16, and conda reads nothing else; save it as UTF-8",
    "foreign_lock": "it is a lock file of {tool}, whose checks an edit would break; change its "
    "input and make it anew: `{command}`",
    "foreign_file": "it is {tool}, whose channels are no entries that this command edits; change "
    "them there by hand",
    "is_explicit": "a list of exact packages",
    "is_specs": "a list of specs",
    "is_requirements": "a list of requirements",
    "is_manifest": "a TOML file",
    "is_lock": "a lock file",
    "is_of_tool": "{tool}",
    "is_configuration": "conda's own configuration",
    # What a file of another tool is, for `foreign_file` and `is_of_tool`.
    "tool.github_actions": "a GitHub Actions workflow",
    "tool.circleci": "a CircleCI configuration",
    "tool.azure_pipeline": "an Azure pipeline",
    "tool.gitlab_ci": "a GitLab CI configuration",
    "tool.travis_ci": "a Travis CI configuration",
    "tool.appveyor": "an AppVeyor configuration",
    "tool.pre_commit": "a pre-commit configuration",
    "tool.read_the_docs": "a Read the Docs configuration",
    "tool.compose": "a Compose file",
    "tool.kubernetes": "a Kubernetes manifest",
    "tool.anaconda_project": "an anaconda-project file",
    "tool.recipe": "a conda recipe",
    "tool.script": "a script",
    "tool.dockerfile": "a Dockerfile",
    "tool.ini": "an INI file",
    "manifest": "it is a TOML file; name its channels there by hand",
    "conda_configuration": "it is conda's own configuration; `conda torch-mirror enable` sets "
    "mirrors there",
    "not_environment": "it is neither an environment file (it has no `channels` and no "
    "`dependencies`), nor an explicit list, a list of specs, a lock file or pip requirements",
    "not_yaml": "line {line} is no valid YAML ({problem}), and its channel list is not plain "
    "enough to be edited without reading the rest; mend that line first",
    "unsafe_edit": "the edited file would not read the same in other places; please report it",
    "not_carried": "{channel} stays: not carried by {mirrors}",
    "defaults_left": "`defaults` stays: it is a list of your own configuration, which `conda "
    "torch-mirror enable` points at mirrors",
    "named_spec_stays": "`{channel}::` in a dependency stays a name, which a conda without this "
    "plugin reads from upstream unless `conda torch-mirror enable` is in force",
    "unusual_url": "{entry} stays: it is spelled in a way that could not be restored",
    "plain_http_left": "{entry} stays: this mirror's address cannot keep in mind that it was http",
    "secret_left": "{entry} stays: it carries a password or token",
    "unknown_host": "{entry} stays: its host is no mirror that is known here",
    "alias_left": "the alias *{entry} stays: its anchor is no channel entry",
    "shared_left": "{entry} stays: an alias repeats it in another place",
    "escaped_left": "{entry} stays: it is written with escapes or over several lines",
    "not_text_left": "an entry that is a list or a mapping stays",
    "merge_left": "what `<<` merges in stays",
    "pip_left": "the pip options stay; `--pip` includes them",
    "specs_name_no_channels": "a list of specs names no channel, so there is nothing to do",
    "no_pypi_mirror": "{option} stays: no PyPI mirror at {mirrors}",
    "no_wheel_mirror": "{option} {url} stays: no wheels of PyTorch at {mirrors}",
    "wheel_layout": "{option} {url} stays: no counterpart that this option can read at {mirrors}",
    "wheels_elsewhere": "{option} {url} stays: mirrors carry releases for one CUDA version only",
    "same_channel": "lines {lines} now name the same channel, {channel}; all are kept, the first "
    "one counts",
    "duplicate_key": "the key `{key}` stands more than once, which conda does not read; every one "
    "was edited",
    "diff_of_utf16": "the file is {codec}, to which neither `patch` nor `git apply` can apply this "
    "diff; run the command without `--diff`",
    "diff_not_exact": "the diff cannot be applied: a password or control characters in the file "
    "are not shown; run the command without `--diff`",
    "several_pip_sections": "the file has several `pip` sections, and conda installs only the last "
    "one; join them",
    "several_documents": "the file has {documents} documents, and conda reads files with one "
    "only; every one was edited",
    "edited_by_lines": "line {line} is no valid YAML ({problem}); only the channel list, which is "
    "plain, was edited",
    "read_by_lines": "line {line} is no valid YAML ({problem}); only the channel list was read",
    "tar_bz2_may_be_gone": "of the .tar.bz2 packages ({packages}) some may be missing: kept by "
    "{mirrors} only where there is no .conda of the same build",
    "odd_section": "a section is empty, or not of the kind that conda expects",
    "broken_yaml": "line {line} is no valid YAML: {problem}",
    "more_documents": "it has several YAML documents, and conda reads one",
    "no_mapping": "it holds {found}, where the keys `channels` and `dependencies` should stand",
    "odd_key": "`{key}` holds {found}, where {wanted} should stand",
    "odd_item": "an entry of `dependencies` is {found}, where a text such as `numpy` or "
    "`numpy=1.26` should stand",
    "nothing": "nothing",
    "a_text": "a text",
    "a_number": "a number or the like",
    "a_list": "a list",
    "a_mapping": "a mapping",
    "stdin": "standard input",
    "failed": "{file} is left as it is: {why}",
    "changed": "{file}: {entries} changed",
    "changed_with_backup": "{file}: {entries} changed; the former file is {backup}",
    "would_change": "{file}: {entries} would change",
    "unchanged": "{file}: nothing to change",
    "entries": ("{count} entry", "{count} entries"),
    "only_upstream": "upstream stands for the official channels; `conda torch-mirror upstream "
    "FILE` points a file back at them",
    "others_carry": " ({others} would: `{options}`)",
    "at_line": "line {line}: {said}",
    "times": " ({count} times)",
    "total.changed": "{count} changed",
    "total.failed": "{count} left because of an error",
    "total.unchanged": "{count} had nothing to change",
    "total.would_change": "{count} would change",
}

#: Environment files of `torch-install -f`.
INPUT: Table = {
    "file_no_torch": "among its conda packages there is nothing to choose",
    "file_torch_by_pip": "its pip section installs {lines}, and beside pip's torch none of "
    "conda's can stand",
    "file_narrowed_all": "{file}: {specs} became the builds above",
    "file_narrowed": (
        "{file}: {specs} became the builds above; {count} other spec goes to the solver as written",
        "{file}: {specs} became the builds above; {count} other specs go to the solver as written",
    ),
    "file_section_after": (
        "{file}: the {section} section ({count} line) is installed after that",
        "{file}: the {section} section ({count} lines) is installed after that",
    ),
    "file_section_kept": (
        "{file}: the {section} section ({count} line) is not part of it",
        "{file}: the {section} section ({count} lines) is not part of it",
    ),
    "file_pip_over": "{file}: its pip section has {lines}, which pip puts over conda's",
    "file_variables": "{file}: set in the environment after that: {names}",
    "file_prefix_foreign": "{file}: its prefix {prefix} is one of another system, and not used",
    "file_name_unusable": "{file}: `{name}` cannot be the name of an environment, and is not used",
    "file_remark": "{file}: {remark}",
    "file_pip_added": "{file} has a pip section and does not name pip: conda's pip is installed "
    "along",
    "file_variables_set": "Variables are set: {names}",
    "file_left_out": "{file}: `{spec}` is left out, as `{option}` takes its place",
    "file_metapackage_out": "{file}: `{spec}` is left out: it is for conda-forge's pytorch, and "
    "`pytorch-cuda` says here that a CUDA build is wanted",
    "file_cuda": "no NVIDIA driver was found here; {file} asks for CUDA {cuda}, so this is for a "
    "machine that runs it (`--cuda cpu` takes a CPU build)",
    "file_any_cuda": "no NVIDIA driver was found here; {file} leaves the version of CUDA open, "
    "so this is for a machine that runs CUDA {cuda} (`--cuda cpu` takes a CPU build)",
    "file_channel_added": "{file} does not name the channel `{channel}`, which these builds need: "
    "it is added for this run, behind the others",
    "file_bound": "conda is to install {pin} with this file: a line of it says so ({why})",
    "file_against_rule": "{file} asks for `{spec}`, though PyTorch needs {pin} ({why}); the "
    "solver gets it as written",
    # Why a file does not hold the facts of a machine.
    "facts_empty": "it is empty",
    "facts_no_json": "it is no JSON",
    "facts_other_kind": "it is not what `conda torch-verify --facts` writes",
    "facts_unknown": "it has a key `{field}`, which no such file has",
    "facts_missing": "its key `{field}` is missing",
    "facts_field": "the value of `{field}` is not as such a file has it",
}
