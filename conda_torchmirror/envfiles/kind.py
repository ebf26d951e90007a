"""Recognizing the kind of a file by its content alone.

Kinds: explicit (`@EXPLICIT`), lock (of pixi, conda-lock, or an export of conda in their formats),
requirements (pip's), specs (conda's lists of match specs), environment, and empty. Other files that
people keep beside these are recognized as `Foreign`, so that the refusal can say what works.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from ..text.messages import text as words

Kind = Literal["environment", "requirements", "explicit", "lock", "specs", "empty"]


@dataclass(frozen=True)
class Foreign:
    """A file that is not edited: a code, the tool that it is of, and the command that remakes it,
    if any. `tool` is a name, or for `foreign_file` the code of a phrase, below `file.tool`."""

    code: str
    tool: str
    command: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """The facts of the sentence on it."""
        phrase = self.code == "foreign_file"
        tool = words(f"file.tool.{self.tool}") if phrase else self.tool
        return {"tool": tool, "command": self.command}


_EXPLICIT = re.compile(r"^[ \t]*@EXPLICIT[ \t]*\r?$", re.M)
_PACKAGE_URL = re.compile(r"^[ \t]*https?://\S+?\.(?:conda|tar\.bz2)(?:#|[ \t]*\r?$)", re.M)

#: Lock files that have a URL for each package and a hash only for the package itself, so that they
#: can be edited. All marks of a row must match.
_URL_LOCKS = (
    (r"^metadata:", r"^package:", r"content_hash:"),  # conda-lock
    (r"^version: *\d", r"^environments:", r"^packages:"),  # pixi, rattler-lock, conda workspaces
)

#: Lock files that an edit would break: the tool, its command, and marks that all must match.
_LOCKS = (
    ("anaconda-project", "anaconda-project lock", (r"^locking_enabled:",)),
    ("poetry", "poetry lock", (r"^\[\[package\]\]", r"^content-hash *=")),
    ("uv", "uv lock", (r"^\[\[package\]\]", r"^requires-python *=", r"^version *= *\d")),
    ("pdm", "pdm lock", (r"^\[\[package\]\]", r"^lock_version *=")),
    ("pylock.toml", "pip lock", (r"^lock-version *=", r"^created-by *=")),
    ("pipenv", "pipenv lock", (r'^[ \t]*"_meta" *:', r'"pipfile-spec" *:')),
    ("npm", "npm install", (r'"lockfileVersion" *:',)),
)  # fmt: skip

_LOCK_PATTERNS = [
    (tool, command, [re.compile(mark, re.M) for mark in marks]) for tool, command, marks in _LOCKS
]
_URL_LOCK_PATTERNS = [[re.compile(mark, re.M) for mark in marks] for marks in _URL_LOCKS]

_TOML = re.compile(r"^\[\[?[\w.\"' -]+\]\]?[ \t]*(?:#.*)?\r?$", re.M)
_TOML_PAIR = re.compile(r"^[\w.\"'-]+[ \t]*=[ \t]*(?:[\"'\[{]|true\b|false\b|[+-]?\d)", re.M)
_INI = re.compile(
    r"^\[[\w.: -]+\][ \t]*\r?\n(?:[ \t]*[#;].*\n|[ \t]*\r?\n)*[\w.-]+[ \t]*[=:]", re.M
)
#: Not a line of Python, which begins alike: `from a import b`.
_DOCKERFILE = re.compile(r"^FROM[ \t]+\S+(?![ \t]+import\b)(?!\S)", re.M | re.I)
_DOCKERFILE_START = re.compile(r"(?:ARG|FROM)[ \t]+\S+(?![ \t]+import\b)(?!\S)", re.I)
_TOP_KEY = re.compile(r"^[\"']?([A-Za-z_][\w-]*)[\"']?[ \t]*:(?=\s|$)", re.M)

#: YAML files of other tools: the code, top-level keys that must all be present, and keys of which
#: one must be. They identify the file, since no environment file has such a combination of keys.
_YAML_FILES: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = tuple(
    (code, frozenset(every.split()), frozenset(one.split()))
    for code, every, one in (
        ("github_actions", "jobs", "on"),
        ("circleci", "jobs version", "workflows orbs executors"),
        ("azure_pipeline", "", "pool trigger"),
        ("gitlab_ci", "", "stages before_script after_script"),
        ("travis_ci", "language", "script install matrix jobs"),
        ("appveyor", "", "build_script test_script"),
        ("pre_commit", "repos", ""),
        ("read_the_docs", "version build", "conda python sphinx mkdocs"),
        ("compose", "services", ""),
        ("kubernetes", "apiVersion kind", ""),
        ("anaconda_project", "", "env_specs downloads"),
        ("anaconda_project", "commands", "packages dependencies"),
        ("recipe", "package", "build source requirements about"),
        ("recipe", "outputs", "recipe build"),
    )
)

#: A line of pip's requirements, other than blank lines and comments.
_REQUIREMENT = re.compile(
    r"""(?:
        -{1,2}[A-Za-z][\w-]*(?:[ =].*)?                                   # an option
      | [A-Za-z0-9][\w.-]*[ ]*(?:\[[^\]]*\])?[ ]*                         # a name, extras
        (?:(?:===|==|~=|!=|<=|>=|<|>)[^=].*|@[ ]*\S.*|\(.*\).*|;.*|--\S.*|\\)?
      | (?:git|hg|svn|bzr)\+\S+.*                                         # a repository
      | (?:https?|file|ftp)://\S+.*                                       # a URL
      | \.{0,2}/\S*.* | \S+\.(?:whl|zip|tar\.gz)(?:[ ;].*)?               # a path
      | \$\{[A-Z_]+\}.*
    )""",
    re.X,
)

#: A line with one match spec of conda's.
_SPEC = re.compile(
    r"""(?:(?:https?://[^\s\[\]]+?|[A-Za-z0-9_./-]+)::)?           # a channel
        [A-Za-z0-9_*][\w.*-]*                                      # a name
        (?:[ ]*(?:[=<>!~]=?|===)[^\[\]]* | [ ]+[\d*][^\[\]=]*)?    # a version, a build
        (?:\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)?\])?""",
    re.X,
)
#: Syntax of match specs that pip's requirements cannot have: `::`, a single `=`, keys in brackets.
_CONDA_ONLY = re.compile(
    r"^\S+?::|^[A-Za-z0-9_][\w.-]*[ ]*=[ ]*[\dvV*]"
    r"|\[[ ]*(?:version|build|build_number|channel|subdir|md5|sha256|url|fn)[ ]*="
)
#: The header that `conda export --format requirements` and `conda list --export` write.
_CONDA_HEAD = re.compile(r"^# \$ conda create --name <env> --file <this file>", re.M)

#: Keys of conda's configuration: the parameters of 24.7.1 and of 26.7 (main of 2026-08-21) and
#: their aliases, from its class `Context`, without those that other files have too. A test compares
#: the list with the installed conda.
CONFIGURATION_KEYS = frozenset(
    """
    add_anaconda_token add_binstar_token add_pip_as_python_dependency aggressive_update_packages
    allow_conda_downgrades allow_cycles allow_non_channel_urls allow_softlinks
    allowlist_channels always_copy always_softlink always_yes anaconda_upload auto_activate
    auto_activate_base auto_stack auto_update_conda binstar_upload bld_path changeps1
    channel_alias channel_priority channel_settings client_cert client_cert_key client_ssl_cert
    client_ssl_cert_key conda-build conda_build cooldown cooldown_exclude
    create_default_packages croot custom_channels custom_multichannels default_activation_env
    default_channels default_python default_threads denylist_channels deps_modifier
    disallowed_packages download_only dry_run enable_private_envs env_prompt envs_dirs envs_path
    envvars_force_uppercase error_upload_url exclude_newer exclude_newer_package execute_threads
    experimental_solver export_platforms extra_safety_checks fetch_threads force_32bit
    force_reinstall force_remove ignore_pinned local_repodata_ttl migrated_channel_aliases
    migrated_custom_channels no_lock no_plugins non_admin_enabled notify_outdated_conda
    number_channel_notices offline override_channels_enabled override_virtual_packages
    path_conflict pinned_packages pip_interop_enabled pkgs_dirs plugins
    prefix_data_interoperability protect_frozen_envs proxy_servers register_envs
    remote_backoff_factor remote_connect_timeout_secs remote_max_retries
    remote_read_timeout_secs repodata_fns repodata_threads repodata_use_shards repodata_use_zst
    report_errors reporters restore_free_channel rollback_enabled root_dir root_prefix
    safety_checks sat_solver self_update separate_format_cache shortcuts_only show_channel_urls
    signing_metadata_url_base solver solver_ignore_timestamps  ssl_verify
    target_prefix_override unsatisfiable_hints unsatisfiable_hints_check_depth update_modifier
    use_index_cache use_local use_only_tar_bz2 verbosity verify_ssl verify_threads
    whitelist_channels
    """.split()  # noqa: SIM905
)

#: Keys of which a configuration with channels has one.
_OF_CHANNELS = frozenset(("channels", "channel_alias", "custom_channels", "default_channels"))


def is_configuration(keys: Collection[str]) -> bool:
    """Whether a YAML file with these keys is conda's own configuration."""
    own = not CONFIGURATION_KEYS.isdisjoint(keys)
    return own and not _OF_CHANNELS.isdisjoint(keys) and "dependencies" not in keys


def top_keys(text: str) -> frozenset[str]:
    """The keys at the left margin of a YAML file, without parsing it."""
    return frozenset(_TOP_KEY.findall(text))


def recognise(text: str) -> Kind | Foreign | None:
    """The kind of a file; None if it has to be parsed as YAML to tell. Takes linear time."""
    if _EXPLICIT.search(text):
        return "explicit"
    if any(all(mark.search(text) for mark in marks) for marks in _URL_LOCK_PATTERNS):
        return "lock"
    content = list(_content(text))
    if not content:
        return "empty"
    if _PACKAGE_URL.match(content[0]) and all(map(_PACKAGE_URL.match, content)):
        return "explicit"
    if all(map(_SPEC.fullmatch, content)) and (
        _CONDA_HEAD.search(text) or any(map(_CONDA_ONLY.search, content))
    ):
        return "specs"
    if all(map(_REQUIREMENT.fullmatch, content)):
        return "requirements"
    return _foreign(text, content[0])


def _foreign(text: str, first: str) -> Foreign | None:
    """Recognize a file of another tool, or return None. `first` is the first line with content."""
    for tool, command, marks in _LOCK_PATTERNS:
        if all(mark.search(text) for mark in marks):
            return Foreign("foreign_lock", tool, command)
    if text.startswith("#!"):
        return Foreign("foreign_file", "script")
    if _DOCKERFILE_START.match(first) and _DOCKERFILE.search(text):
        return Foreign("foreign_file", "dockerfile")
    if _TOML.search(text) and _TOML_PAIR.search(text):
        return Foreign("manifest", "TOML")
    if first.startswith("[") and _INI.search(text):
        return Foreign("foreign_file", "ini")
    keys = top_keys(text)
    for tool, every, one in _YAML_FILES:
        if every <= keys and (not one or one & keys):
            return Foreign("foreign_file", tool)
    return None


def _content(text: str) -> list[str]:
    """The logical lines of a requirements file, without comments."""
    lines = []
    joined = ""
    for raw in text.splitlines():
        bare = re.sub(r"(?:^|\s)#.*", "", raw) if "#" in raw else raw
        line = " ".join(bare.split())
        if line.endswith("\\"):
            joined += line[:-1] + " "
            continue
        line = (joined + line).strip()
        joined = ""
        if line:
            lines.append(line)
    return [*lines, joined.strip()] if joined.strip() else lines
