"""Explaining, by the file's own keys, why conda's reader fails on an environment file.

Conda does not validate the data, so its own errors are about Python types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ...models import Notice
from ...text.messages import text

#: The keys that conda reads, with the type of their value as a code of `tables.files`.
_KEYS: Mapping[str, str] = {
    "name": "a_text",
    "prefix": "a_text",
    "channels": "a_list",
    "dependencies": "a_list",
    "variables": "a_mapping",
}


def fault(content: str) -> tuple[str, Notice] | None:
    """The fault as a sentence, and the next step; None for a file of the right shape."""
    try:
        found = list(YAML(typ="safe", pure=True).load_all(content))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = str(getattr(error, "problem", None) or error).partition("\n")[0]
        facts = {"line": mark.line + 1 if mark else "?", "problem": said}
        return text("file.broken_yaml", facts), Notice("file_mend_line")
    except (ValueError, RecursionError):  # from huge numbers and deep nesting
        return None
    if len(found) > 1:
        return text("file.more_documents"), Notice("file_one_document")
    why = _of_data(found[0] if found else None)
    return (why, Notice("file_form")) if why else None


def _of_data(data: Any) -> str | None:
    if not isinstance(data, Mapping):
        return text("file.no_mapping", {"found": _kind(data)})
    for key, wanted in _KEYS.items():
        code = _code(data.get(key))
        # Any key may be missing, and all but the lists may be empty.
        fine = key not in data or (code == "nothing" and key not in ("channels", "dependencies"))
        if not fine and code != wanted and (wanted, code) != ("a_text", "a_number"):
            facts = {"key": key, "found": _kind(data[key]), "wanted": text(f"file.{wanted}")}
            return text("file.odd_key", facts)
    for item in data.get("dependencies", ()):
        if isinstance(item, Mapping):
            for name, lines in item.items():
                if lines and not isinstance(lines, list):
                    facts = {"key": name, "found": _kind(lines), "wanted": text("file.a_list")}
                    return text("file.odd_key", facts)
        elif not isinstance(item, str):
            return text("file.odd_item", {"found": _kind(item)})
    return None


def _kind(value: Any) -> str:
    return text(f"file.{_code(value)}")


def _code(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return "a_text"
    if isinstance(value, Mapping):
        return "a_mapping"
    return "a_list" if isinstance(value, list) else "a_number"
