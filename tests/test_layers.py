"""The architecture, read from the imports of every module: order, edges to the outside, seams."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support.imports import PACKAGE, dotted, imported, modules, own_imports, package_of, parsed

#: From the ground up: each may import those before it, never those behind it.
ORDER = (
    "mirrors",
    "proxy",
    "models",
    "options",
    "selection",
    "text",
    "exceptions",
    "envfiles",
    "machine",
    "index",
    "redirect",
    "handover",
    "transport",
    "verify",
    "plans",
    "install",
    "hooks",
    "cli",
    "plugin",
    "__main__",
)

#: What leads out of this process or into conda.
OUTSIDE = frozenset(
    ("conda", "requests", "urllib3", "subprocess", "socket", "ssl", "http", "ctypes")
)
#: Packages, and modules of others, that touch nothing outside: facts in, facts out.
PURE = ("models", "options", "mirrors", "proxy", "selection", "text", "envfiles", "index.builtin")
#: Modules of pure packages that may, and what.
EDGES: dict[str, frozenset[str]] = {
    "text.language": frozenset(("ctypes",)),  # Windows tells its language to C alone
}

#: No package has more modules, no module more lines.
ROOMS, LINES = 9, 400

#: Arrows that run the wrong way today, as (module, package). This list only ever gets shorter.
KNOWN: frozenset[tuple[str, str]] = frozenset()
#: Modules that are too long today. This list only ever gets shorter.
LONG: frozenset[str] = frozenset()
#: Pure modules that touch the outside today. This list only ever gets shorter.
TOUCHING: frozenset[str] = frozenset()


@cache
def outside(path: Path) -> set[str]:
    """The packages of `OUTSIDE` that a module imports when it runs."""
    return imported(path) & OUTSIDE


def wrong_way() -> set[tuple[str, str]]:
    found = set()
    for path in modules():
        for one in own_imports(path):
            target = package_of(one.target)
            if target in ORDER and ORDER.index(target) > ORDER.index(package_of(one.module)):
                found.add((one.module, target))
    return found


def test_every_package_has_its_place():
    there = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in modules()}
    assert there == set(ORDER)


@pytest.mark.parametrize("page", ["how-it-works.md", "how-it-works-zh.md"])
def test_the_documented_order_is_this_one(page):
    text = (Path(__file__).parents[1] / "docs" / page).read_text(encoding="utf-8")
    named = [word for word in re.findall(r"`(\w+)`", text) if word in ORDER]
    assert tuple(dict.fromkeys(named)) == ORDER[:-1]  # `__main__` runs what `cli` does


def test_imports_run_one_way():
    found = wrong_way()
    assert found - KNOWN == set()
    assert KNOWN - found == set(), "no longer there: take it out of KNOWN"


def test_what_decides_touches_nothing():
    touching = {
        dotted(path): found
        for path in modules()
        if {dotted(path), package_of(dotted(path))}.intersection(PURE)
        and (found := outside(path) - EDGES.get(dotted(path), frozenset()))
    }
    assert set(touching) == TOUCHING, touching


@pytest.mark.parametrize(
    "package",
    sorted(p.parent.relative_to(PACKAGE).as_posix() for p in PACKAGE.glob("*/**/__init__.py")),
)
def test_a_package_is_seen_at_a_glance(package):
    rooms = [path for path in (PACKAGE / package).glob("*.py") if path.name != "__init__.py"]
    assert len(rooms) <= ROOMS, sorted(path.name for path in rooms)
    tree = parsed(PACKAGE / package / "__init__.py")
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1, "a docstring and nothing else"


def test_no_module_is_long():
    long = {
        dotted(path)
        for path in modules()
        if len(path.read_text(encoding="utf-8").splitlines()) > LINES
    }
    assert long == LONG


#: The packages that may send requests, start processes and call C libraries; conda is for all that
#: are not pure.
REACH = {
    "requests": {"index", "transport"},
    "urllib3": {"index", "transport"},
    "socket": {"transport"},
    "ssl": {"transport"},
    "http": {"transport"},
    "subprocess": {"handover", "machine", "verify"},
    "ctypes": {"machine", "text"},
}

#: The seams: where an import of ours stands in a function, by module, with the packages that it
#: leads to. Each keeps a command from loading what it does not run.
SEAMS = {
    "plugin": {"cli", "handover", "hooks", "redirect"},
    # Only after a failure is it asked what of conda's cache is damaged.
    "cli.install": {"handover"},
    "cli.mirror": {"cli"},
    "cli.install_output": {"cli", "handover", "install", "plans", "selection", "text", "verify"},
    # Only what fails is cleaned for being shown.
    "handover.interrupts": {"exceptions"},
    # Offline nothing is dropped.
    "index.cache": {"index"},
    # A preview by the built-in index reads no other one.
    "index.sources": {"index"},
    # Only a GPU of another maker asks what wheels there are.
    "install.decide": {"install"},
    # Few runs have options of conda's.
    "install.task": {"handover"},
    # Few files have torch in their pip section alone.
    "install.files.advice": {"install"},
    # What is said of a file, of further packages, and what would help where nothing fits.
    "install.attempt": {"install"},
    "install.sources.answer": {"install"},
    "install.sources.refusal": {"install"},
    # Only where words contradict each other is it asked which may be left out.
    "install.sources.given": {"install"},
    # Wheels stand in only where the settings allow pip and conda has nothing.
    "install.sources.wheels": {"install"},
    "install.run": {"handover", "install", "plans", "transport", "verify"},
    # A preview of wheels fetches and installs nothing.
    "install.wheels.run": {"install", "plans"},
    # Most pages are written so that one expression reads their tags.
    "index.wheels.pages": {"index"},
    # What is pasted from another tool's guide is looked at where it is.
    "cli.deferred": {"cli"},
    # A command whose channels no mirror has reads no settings and decides nothing; only commands
    # that fetch an index look for emptied ones, and for mirrors that answer.
    "hooks.redirect": {"exceptions", "hooks", "index", "redirect", "text"},
    # Nobody is asked where the answers are remembered; which URLs are mirrors', after a failure.
    "hooks.fallback": {"hooks", "index", "models", "redirect", "text", "transport"},
    # The automatic redirect knows most channels by name, and needs no addresses.
    "mirrors.registry": {"mirrors"},
    "redirect.named_channels": {"mirrors"},
    # Few users map channels by themselves: only theirs are held against the registry.
    "redirect.policy": {"redirect"},
    # What is wrong with this conda is told, once in a blue moon.
    "redirect.in_process": {"exceptions", "text"},
    # The automatic redirect only asks whose the file is; `enable` and `disable` write it.
    "redirect.condarc": {"envfiles", "exceptions"},
    "redirect.configuration": {"text"},
    # A registry of one's own is read where one is set, and what is wrong in a setting told.
    "redirect.settings": {"exceptions", "redirect", "text"},
    "redirect.answer_log": {"text"},
    # A preview that solves nothing asks for no further channels.
    "transport.routes": {"redirect"},
    # Hardly ever is standard output lost.
    "text.output": {"text"},
    # A table is loaded with its first sentence, translations with the first that is not English.
    # Few sentences offer a command with a path in it.
    "text.messages": {"selection", "text"},
}


@pytest.mark.parametrize("outer", sorted(REACH))
def test_requests_processes_and_c_libraries_have_their_packages(outer):
    found = {package_of(dotted(path)) for path in modules() if outer in outside(path)}
    assert found <= REACH[outer]


def test_imports_in_functions_are_seams():
    found = {
        (one.module, package_of(one.target))
        for path in modules()
        for one in own_imports(path)
        if one.inside
    }
    seams = {(module, package) for module, packages in SEAMS.items() for package in packages}
    assert found - seams == set(), "import it at the top"
    assert seams - found == set(), "no longer there: take it out of SEAMS"


#: Where argparse has its place: the command line, and what hands its words to it.
COMMAND_LINE = {"cli", "plugin", "__main__"}


def test_a_namespace_ends_in_the_command_line():
    naming = {
        dotted(path)
        for path in modules()
        for node in ast.walk(parsed(path))
        if (isinstance(node, ast.ImportFrom) and node.module == "argparse")
        or (isinstance(node, ast.Import) and any(name.name == "argparse" for name in node.names))
    }
    assert {package_of(module) for module in naming} == COMMAND_LINE, naming


#: What may write to standard output or standard error: the command line, and conda's hooks.
PRINTERS = frozenset(("cli", "hooks", "__main__"))
#: What writes there.
PRINTING = frozenset(("say", "warn", "emit", "put"))


def test_stages_return_and_print_nothing():
    printing = {
        dotted(path)
        for path in modules()
        for one in own_imports(path)
        if one.target in {"text.output", *(f"text.output.{name}" for name in PRINTING)}
        and package_of(one.module) not in PRINTERS
    }
    assert printing == set()


#: The one writer of whole files, and what nobody else calls.
WRITER = "envfiles.file_io"
#: Opens a file to lock it, and leaves it empty.
LOCKS = "handover.environment_lock"
#: A huge index is unpacked into a file without which it would be in memory; nobody else sees it.
SCRATCH = "proxy.listed"
#: What opens the null device where a standard stream is closed.
STREAMS = "handover.interrupts"
WRITES = frozenset(
    ("write_text", "write_bytes", "mkstemp", "NamedTemporaryFile", "fdopen", "replace")
)


def writes(tree: ast.Module) -> Iterator[str]:
    """The calls that write a file, or put one in the place of another."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            last = name.rpartition(".")[2]
            if (last in WRITES and (last != "replace" or name == "os.replace")) or (
                last == "open"
                and any(
                    isinstance(word, ast.Constant)
                    and isinstance(word.value, str)
                    and set(word.value) & set("wax+")
                    and set(word.value) <= set("wax+rbt")
                    for word in [*node.args, *(one.value for one in node.keywords)]
                )
            ):
                yield ast.unparse(node)


def test_files_are_written_in_one_place():
    written = {dotted(path): found for path in modules() if (found := list(writes(parsed(path))))}
    assert written.pop(WRITER)
    assert len(written.pop(LOCKS)) == 1
    assert len(written.pop(SCRATCH)) == 1
    assert len(written.pop(STREAMS)) == 1
    assert written == {}


#: Public types whose name another one has today. This list only ever gets shorter.
TWICE: frozenset[str] = frozenset()

#: Packages whose modules are named after the subject of another package: what it says, shows,
#: raises or does within conda's own commands.
FACETS = frozenset(("cli", "exceptions", "hooks", "text"))
#: The stages of a package in their order stand in a module of this name.
STAGES = "run"


def types_of(tree: ast.Module) -> Iterator[str]:
    """The classes and type aliases of a module, those for type checking among them."""
    body = [
        *tree.body,
        *(node for part in tree.body if isinstance(part, ast.If) for node in part.body),
    ]
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
            yield ast.unparse(node.target)
        elif isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("Literal["):
            yield ast.unparse(node.targets[0])


def test_a_type_has_its_name_alone():
    places: dict[str, list[str]] = {}
    for path in modules():
        for name in types_of(parsed(path)):
            if not name.startswith("_"):
                places.setdefault(name, []).append(dotted(path))
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert set(twice) == TWICE, twice


def test_a_module_is_named_for_one_subject():
    """Modules of one name are about one thing: the twin of a subject in a package of its own kind
    (`wheels`, `files`), or in one of `FACETS`."""
    places: dict[str, list[str]] = {}
    for path in modules():
        package, *rest = dotted(path).split(".")
        if len(rest) == 1 and package not in FACETS and rest != [STAGES]:
            places.setdefault(rest[0], []).append(dotted(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


#: Where the names of the channel `pytorch` and of its runtime channel are written, as data and text
#: do; the health check of conda is called by the first as well.
CHANNEL_NAMES = {"index.sources", "selection.facts.names", "plugin"}


def test_the_names_of_a_source_stand_in_the_source():
    found = {
        dotted(path)
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and node.value in ("pytorch", "nvidia")
    }
    assert found == CHANNEL_NAMES


#: What is read in one place: the attribute or function that reads it, and the modules that may
#: name it.
READERS = {
    # The name in a match spec: `selection.specs.package_name`, and conda's own parser.
    "get_exact_value": {"index.match"},
    # Where the Python of an environment is: conda says so.
    "get_python_short_path": {"machine.environment"},
}


@pytest.mark.parametrize("name", READERS)
def test_one_reader(name):
    found = {
        dotted(path)
        for path in modules()
        for node in ast.walk(parsed(path))
        if (isinstance(node, ast.Attribute) and node.attr == name)
        or (isinstance(node, ast.Name) and node.id == name)
    }
    assert found == READERS[name]


#: Modules that import by a name in a string, and what: never a module of ours.
BY_NAME = {
    "proxy.listed": "the zstandard that this conda has",
    "redirect.in_process": "the modules of conda that `PRIVATE` lists, to look whether it has them",
}


def test_dispatch_is_code():
    found = {
        dotted(path)
        for path in modules()
        for node in ast.walk(parsed(path))
        if (isinstance(node, ast.Attribute) and node.attr == "import_module")
        or (isinstance(node, ast.Name) and node.id in ("import_module", "__import__"))
    }
    assert found == set(BY_NAME)
