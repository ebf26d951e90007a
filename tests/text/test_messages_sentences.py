"""Every sentence stands in a table or on the class of an error, has all its facts, and is used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from string import Formatter

import pytest

import conda_torchmirror
from conda_torchmirror.text import messages, tables
from conda_torchmirror.text.messages import plural, text

PACKAGE = Path(conda_torchmirror.__file__).parent
TABLES = Path(tables.__file__).parent

#: What begins the codes of a table with this name; the others have nothing before them.
SUBJECTS = {
    ("machine", "TEXT"): "machine.",
    ("check", "TEXT"): "check.",
    ("files", "TEXT"): "file.",
    ("decision", "SHOW"): "show.",
    ("decision", "CLASH"): "clash.",
    ("decision", "RULE"): "rule.",
    ("decision", "ORIGIN"): "origin.",
    ("decision", "SOURCE"): "source.",
    ("mirrors", "STATUS"): "status.",
    ("mirrors", "LIST"): "list.",
    ("hints", "HINT"): "hint.",
    ("options", "HELP"): "help.",
    ("comments", "SHOW"): "print.",
    ("run", "SHOW"): "wheel.",
}
#: What a package leaves out of the codes of its notices, because what shows them adds it.
ADDED = {
    "machine": ("machine.",),
    "verify": ("check.",),
    "cli": ("check.",),
    "envfiles": ("file.",),
    "hooks": ("hint.",),
}
#: Calls that show their words or make an error of them.
SHOWING = frozenset(("say", "warn", "print", "bullet", "wrapped"))
#: Arguments of argparse that are shown.
SHOWN = frozenset(("help", "description", "epilog", "title", "summary"))
#: Modules whose words are not in a table, and why.
APART = {
    "plugin": "every command of conda loads it, so that `conda --help` can name ours",
    "redirect.settings": "every command of conda loads it; conda shows the descriptions",
    "verify.check_torch": "runs in another environment, and prints codes",
}
#: Modules below `text`, whose errors own their words: whole sentences with fields, filled by
#: `mirrors.urls.MirrorError` in English and by `text.messages.fill` in any language.
OWNING = frozenset(
    (
        *("envfiles.channel_entry", "mirrors.registry", "mirrors.schema", "mirrors.urls"),
        "redirect.own.registry",
    )
)
#: Modules with words that have to come home. This list only ever gets shorter.
ASTRAY: frozenset[str] = frozenset()


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if TABLES not in path.parents:
            name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
            yield name, ast.parse(path.read_text(encoding="utf-8"))


MODULES = dict(modules())


def every() -> dict[str, messages.Sentence]:
    found: dict[str, messages.Sentence] = {}
    for path in TABLES.rglob("*.py"):
        below = ".".join(path.relative_to(TABLES).with_suffix("").parts)
        module = import_module(f"{tables.__name__}.{below}")
        for name, table in vars(module).items():
            if name.isupper() and isinstance(table, dict):
                for code, sentence in table.items():
                    whole = SUBJECTS.get((path.stem, name), "") + code
                    assert whole not in found, f"{whole} stands in two tables"
                    found[whole] = sentence
    return found


EVERY = every()


def fields(sentence: messages.Sentence) -> set[str]:
    parts = (sentence,) if isinstance(sentence, str) else sentence
    return {name for part in parts for _, name, _, _ in Formatter().parse(part) if name}


def name_of(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def words(node: ast.AST | None) -> Iterator[str]:
    """Constant texts of an expression that read as words, none of a call's own arguments."""
    if node is None or isinstance(node, ast.Call):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if re.search(r"[A-Za-z]{2,} +[A-Za-z(]|^[a-z]+ $|^ [a-z]", node.value):
            yield node.value
        return
    for child in ast.iter_child_nodes(node):
        yield from words(child)


def loose(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Words that are shown or raised where they stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            shown = [k.value for k in node.keywords if k.arg in SHOWN]
            if name_of(node) in SHOWING:
                shown += node.args
            for part in shown:
                yield from ((node.lineno, word) for word in words(part))
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            given = (*node.exc.args, *(k.value for k in node.exc.keywords))
            for part in given:
                yield from ((node.lineno, word) for word in words(part))


#: Modules whose built-in errors have words for a developer: none reaches a person as it is.
INTERNAL = frozenset(
    (
        "envfiles.source_text",
        "envfiles.yaml_outline",
        "exceptions.base",
        "index.builtin",
        "index.repodata",
        "index.wheels.builtin",
        "machine.driver_calls",
    )
)


def test_no_sentence_is_shown_or_raised_from_elsewhere():
    found = {
        name: list(loose(tree))
        for name, tree in MODULES.items()
        if name not in APART | dict.fromkeys(INTERNAL | OWNING)
    }
    found = {name: told for name, told in found.items() if told}
    assert {n: f for n, f in found.items() if n not in ASTRAY} == {}
    assert ASTRAY - found.keys() == set(), "came home: take it out of ASTRAY"


#: What a table shows that is a name or a command's own word in every language.
CELLS = frozenset(("pypi", "wheels", "defaults"))


def parts_of(name: str, function: ast.AST) -> Iterator[ast.AST]:
    """The expressions that a local name is made of: its values, and what is added to it."""
    for node in ast.walk(function):
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                yield node.value
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == f"{name}.append":
            yield from node.args


def cells(node: ast.AST, tree: ast.Module, within: ast.AST, seen: frozenset[str]) -> Iterator[str]:
    """The words that stand in what is given to `columns`, in functions of the module too."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and re.search("[A-Za-z]{2}", node.value):
            yield node.value
    elif isinstance(node, ast.Name) and node.id not in seen:
        for part in parts_of(node.id, within):
            yield from cells(part, tree, within, seen | {node.id})
    elif isinstance(node, ast.Call):
        called = next(
            (f for f in tree.body if isinstance(f, ast.FunctionDef) and f.name == name_of(node)),
            None,
        )
        if called is not None and called.name not in seen:
            for one in ast.walk(called):
                if isinstance(one, (ast.Return, ast.Yield)) and one.value is not None:
                    yield from cells(one.value, tree, called, seen | {called.name})
    elif isinstance(node, (ast.Tuple, ast.List, ast.Starred, ast.BoolOp, ast.IfExp, ast.BinOp)):
        for child in ast.iter_child_nodes(node):
            if not (isinstance(node, ast.IfExp) and child is node.test):
                yield from cells(child, tree, within, seen)
    elif isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        yield from cells(node.elt, tree, within, seen)
        itself = {name.id for name in ast.walk(node.elt) if isinstance(name, ast.Name)}
        asked = {arg.id for call in calls(node.elt) for arg in call.args if hasattr(arg, "id")}
        for generator in node.generators:
            if ast.unparse(generator.target) in itself - asked:
                yield from cells(generator.iter, tree, within, seen)


def test_no_label_of_a_table_is_written_elsewhere():
    found = {
        (name, word)
        for name, tree in MODULES.items()
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
        for call in calls(function)
        if name_of(call) == "columns"
        for word in cells(call.args[0], tree, function, frozenset())
        if word not in CELLS
    }
    assert found == set()


#: Phrases such as `a lock file` in the value of a module's own name, and where they may stand.
PHRASE = re.compile(r"(?:an?|the|it|its|no|this|that) [A-Za-z][^|\\]*")


QUOTED = {"cli.deferred": "argparse's own messages, to be told by ours"}


def test_no_phrase_is_kept_in_a_constant():
    found = {
        (name, node.value)
        for name, tree in MODULES.items()
        if name not in APART | QUOTED
        for statement in tree.body
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None
        for node in ast.walk(statement.value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if PHRASE.fullmatch(node.value)
    }
    assert found == set()


def test_errors_below_text_have_whole_sentences_with_fields():
    for name in OWNING:
        for node in ast.walk(MODULES[name]):
            if isinstance(node, ast.Raise):
                glued = [one for one in ast.walk(node) if isinstance(one, ast.JoinedStr)]
                assert not any(list(words(one)) for one in glued), (name, node.lineno)


#: What writes to standard output beside `text.output`, and what.
WRITING = {
    "machine.driver_calls": "rows for the process that started it",
    "verify.check_torch": "rows for the process that started it",
    "cli.files.rewrite": "the edited bytes of a filter, which are the product",
}


def test_nothing_prints_but_output():
    found = {
        name
        for name, tree in MODULES.items()
        for call in calls(tree)
        if (isinstance(call.func, ast.Name) and call.func.id == "print")
        or ast.unparse(call.func).endswith(("stdout.write", "stderr.write", "buffer.write"))
    }
    found |= {name for name, tree in MODULES.items() if "sys.stdout.write" in ast.unparse(tree)}
    assert found - {"text.output"} <= WRITING.keys()


def told() -> Iterator[tuple[str, int, str, ast.expr | None]]:
    """Codes that are written where a sentence is asked for, with the expression of their facts."""
    for module, tree in MODULES.items():
        for call in calls(tree):
            name = name_of(call)
            if name not in ("Notice", "text", "plural", "shown", "Reason") or not call.args:
                continue
            first = call.args[0]
            if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                continue
            code = f"show.{first.value}" if name == "shown" else first.value
            if name == "shown":
                facts: ast.expr | None = ast.Dict(
                    [ast.Constant(k.arg) if k.arg else None for k in call.keywords],
                    [k.value for k in call.keywords],
                )
            elif name == "plural":
                facts = call.args[2] if len(call.args) > 2 else None
            else:
                facts = call.args[1] if len(call.args) > 1 else None
            yield module, call.lineno, code, facts


def known(module: str, code: str) -> list[str]:
    package = module.partition(".")[0]
    added = ("", *ADDED.get(package, ()))
    found = [before + code for before in added if before + code in EVERY]
    if package == "selection":
        found += [whole for whole in EVERY if code in sides(whole)]
    return found


def sides(whole: str) -> tuple[str, ...]:
    """The two sides of a clash that a code names: that of machine or request, that of the build."""
    parts = whole.split(".")
    return tuple(parts[2:]) if parts[0] == "clash" else ()


def needed(whole: str, code: str) -> set[str]:
    """The facts that a notice with this code has to bring to a sentence."""
    wanted = fields(EVERY[whole])
    if not sides(whole):
        return wanted
    of_build = {name for name in wanted if not name.startswith("own_")}
    own = {name.removeprefix("own_") for name in wanted - of_build}
    return own if sides(whole)[0] == code else of_build


TOLD = list(told())


def test_every_code_has_a_sentence():
    assert len(TOLD) > 150
    # NVML has a function of this name too.
    asked = [row for row in TOLD if row[0] != "machine.driver_calls"]
    assert [(m, line, c) for m, line, c, _ in asked if not known(m, c)] == []


def test_the_facts_of_a_sentence_are_given():
    """As far as they are written there: facts in a variable, or laid over others, are not seen."""
    lacking = []
    for module, line, code, facts in TOLD:
        given: set[str] = set()
        if isinstance(facts, ast.Dict):
            if any(not isinstance(key, ast.Constant) for key in facts.keys):
                continue
            given = {key.value for key in facts.keys}
        elif facts is not None:
            continue
        # The count comes with `plural`, the mirror with what failed (`transport.failures`).
        later = {"count", "mirror"} if code.startswith("probe_") else {"count"}
        wanted = [needed(whole, code) - later for whole in known(module, code)]
        if wanted and not any(need <= given for need in wanted):
            lacking.append((module, line, code, sorted(min(wanted, key=len) - given)))
    # The hints of an error are filled with the facts of the error.
    assert [row for row in lacking if row[0] != "machine.driver_calls"] == []


def test_every_sentence_is_used():
    there: set[str] = set()
    for tree in MODULES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                there.add(node.value)
    for path in (PACKAGE / "data").glob("*.json"):
        there |= set(re.findall(r'"(\w+)"', path.read_text(encoding="utf-8")))
    # Written in the package as f"probe_{code}" and the like.
    made = re.compile(
        r"probe_\w+|(own|entry)_\w+|\w+_dry|help\.mirror_\w+|file\.((total|tool)\.\w+|\w+_left)|"
        r"check\.static_\w+|"
        r"pip_(hash|space|broken|conflict|managed|missing|python|network|unstarted|other|unchanged|unfit)"
    )

    def used(code: str) -> bool:
        if sides(code):
            return there.issuperset(code.split(".")[1:])
        short = code.partition(".")[2].removesuffix(".hint")
        return code in there or bool(short and short in there) or made.fullmatch(code) is not None

    unused = [code for code in EVERY if not used(code)]
    assert unused == []


def test_a_reason_says_what_it_speaks_of():
    # It follows "Cause:" as well as a release, and has to be understood after both.
    subject = re.compile(
        r"((these |CPU |CUDA )?builds|no \S+|this channel|the pin|`\{own_spec\}`|\{partner\}) .*"
        r"\b(are|is|need|has|have|do|use|keeps|goes|cannot)\b"
    )
    reasons = [EVERY[code] for code in EVERY if code.startswith("clash.")]
    assert [reason for reason in reasons if not subject.match(str(reason))] == []


@pytest.mark.parametrize("code", sorted(EVERY))
def test_a_sentence_is_found_and_filled(code):
    sentence = EVERY[code]
    facts = dict.fromkeys(fields(sentence), 7)
    assert "?" not in text(code, facts).replace(str(sentence), "") or "?" in str(sentence)
    if not isinstance(sentence, str):
        one, many = plural(code, 1, facts), plural(code, 2, facts)
        assert one != many
        assert "1" in one or "{count}" not in sentence[0]
