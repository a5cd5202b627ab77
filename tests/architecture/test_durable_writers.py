"""Whoever puts files on disk stands in docs/explanation/durable-writers.md with a test of it."""

import ast
import re
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCE = CHECKOUT / "src"
TABLE = CHECKOUT / "docs" / "explanation" / "durable-writers.md"

# Calls that change files, by the module they are named with; None is any object (a Path).
CALLS: dict[str | None, frozenset[str]] = {
    "os": frozenset(
        [
            "fsync",
            "fdatasync",
            "sync",
            "link",
            "symlink",
            "rename",
            "replace",
            "unlink",
            "remove",
            "rmdir",
            "mkdir",
            "makedirs",
            "truncate",
            "ftruncate",
            "mkfifo",
        ]
    ),
    "disk": frozenset(
        [
            "create",
            "overwrite",
            "move",
            "unlink",
            "remove",
            "make_folder",
            "force_all",
            "force_folder",
        ]
    ),
    "shutil": frozenset(["copy", "copy2", "copyfile", "copyfileobj", "copytree", "move", "rmtree"]),
    "sqlite3": frozenset({"connect"}),
    "obstore": frozenset(["put", "put_async", "delete", "delete_async", "copy", "rename"]),
    None: frozenset(
        [
            "write_bytes",
            "write_text",
            "touch",
            "mkdir",
            "rmdir",
            "unlink",
            "rename",
            "hardlink_to",
            "symlink_to",
            "write_whole",
            "make_directories",
            "sync_directory",
            "make_directory",
        ]
    ),
}
WRITING = re.compile(r"O_(CREAT|WRONLY|RDWR|APPEND|TRUNC)|['\"][wxa]b?\+?['\"]")


def changes_files(call: ast.Call) -> bool:
    match call.func:
        case ast.Name(id="open") | ast.Attribute(attr="open" | "fdopen"):
            return bool(WRITING.search(ast.unparse(call)))
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in CALLS:
            return name in CALLS[module]
        case ast.Attribute(attr="replace"):  # of a path; a text's has two, a moment's has names
            return len(call.args) == 1 and not call.keywords
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name in CALLS[None]
    return False


@cache
def writers() -> dict[str, int]:
    """The modules with calls that change files, and how many."""
    found = {}
    for path in sorted((SOURCE / "lantai").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        if count := sum(map(changes_files, calls)):
            module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
            found[module.removesuffix(".__init__")] = count
    return found


def rows() -> dict[str, list[str]]:
    """The modules of the tables, each with the tests of its row."""
    found = {}
    for line in TABLE.read_text("utf-8").splitlines():
        if row := re.match(r"\| `(lantai[\w.]*)` \|", line):
            found[row[1]] = re.findall(r"`(tests/[\w./]+\.py)`", line)
    return found


def test_every_writer_of_files_stands_in_the_table() -> None:
    assert len(writers()) > 15
    assert set(writers()) - set(rows()) == set()


def test_the_table_names_no_writer_that_is_none() -> None:
    assert set(rows()) - set(writers()) == set()


def test_every_test_the_table_names_is_there() -> None:
    named = {test for tests in rows().values() for test in tests}

    assert {test for test in named if not (CHECKOUT / test).is_file()} == set()


def test_every_writer_of_what_must_last_has_a_test() -> None:
    lasting = TABLE.read_text("utf-8").partition("## What need not")[0]
    kept = [module for module in rows() if f"| `{module}` |" in lasting]

    assert len(kept) > 12
    assert [module for module in kept if not rows()[module]] == []
