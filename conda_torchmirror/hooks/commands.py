"""The commands of conda that the automatic redirect is for. The only place that owns their names.

A name is what conda hands to a pre-command hook: the last part of the module that runs the
command (`conda env create` is `env_create` on 24.7 and `create` on 26.7, `conda env export` is
`export`, `conda env list` is `info`, `conda uninstall` is `remove`), or a plugin's own name
(`doctor`, which is `check` too on 26.7; `repoquery` of conda-libmamba-solver; `exec` of conda-exec;
`global` of conda-global; `workspace` and `ws` of conda-workspaces; `pypi` of conda-pypi: these call
the solver directly). Imports nothing: every command loads it.
"""

from __future__ import annotations

#: Shows or uses what is installed, so that the channels in the environment's history count.
INSTALLED = 1
#: Reads channels, or shows their URLs: the user is told which of them are redirected.
READS = 2
#: Reads a manifest of its own, whose channels are not looked into: any channel may be read.
ANY = 4

#: `conda export` and `conda env export`; see `exports` for what becomes of them on new conda.
EXPORT = "export"
#: What conda's parser has these two run.
EXPORTS = frozenset(("conda.cli.main_export.execute", "conda.cli.main_env_export.execute"))

#: Every command that reads or writes packages, or shows channels; never `run`, `config`, `clean`.
REDIRECTED: dict[str, int] = {
    "check": INSTALLED,
    "compare": INSTALLED,
    "create": READS,
    "doctor": INSTALLED,
    "env_create": READS,  # 24.7 only
    "env_remove": INSTALLED,  # 24.7 only
    "env_update": INSTALLED | READS,
    "exec": READS,
    EXPORT: INSTALLED,
    "global": READS | ANY,
    "info": READS,
    "install": INSTALLED | READS,
    "list": INSTALLED,
    "pypi": INSTALLED | READS,
    "remove": INSTALLED | READS,
    "rename": INSTALLED,
    "repoquery": INSTALLED | READS,
    "search": READS,
    "update": INSTALLED | READS,
    "workspace": READS | ANY,
    "ws": READS | ANY,
}

#: Options of `info` that show no channel unless `--all` is there; `env list` is `info --envs`.
WITHOUT_CHANNELS = ("base", "envs", "license", "system")

#: Commands that must see conda as it is, where a former command of this process was redirected.
#: `notices` is one of them: mirrors do not carry what channels announce.
PLAIN = frozenset(
    [
        *("clean", "commands", "config", "env_config", "env_vars", "init", "notices", "package"),
        *("plugins", "run", "torch-install", "torch-mirror", "torch-verify"),
    ]
)
