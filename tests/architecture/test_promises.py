"""The promises of the house, held by reading the source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCE = CHECKOUT / "src" / "lantai"
RECORD_APPS = (
    "identity",
    "dossiers",
    "access",
    "imaging",
    "cases",
    "preservation",
    "certificates",
)
MOST_LINES = 500

# Verbs that are no act of anyone by themselves; each with its reason.
RECORDED_BY_CALLER = {
    "identity.services.office_day",  # arithmetic
    "identity.services.office_clock",  # arithmetic
    "identity.services.require",  # asks; a refusal is recorded by access.note_refused
    "identity.services.may",  # asks
}


def _python(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*.py")) if "migrations" not in path.parts)


def _services() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every public function of a service module, with its dotted name."""
    for app in RECORD_APPS:
        home = SOURCE / app
        modules = [home / "services.py"] if (home / "services.py").exists() else []
        if (home / "services").is_dir():
            modules += sorted((home / "services").glob("*.py"))
        for module in modules:
            if module.name.startswith("_"):
                continue
            for node in ast.parse(module.read_text()).body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    yield f"{app}.services.{node.name}", node


def _atomic(node: ast.FunctionDef) -> bool:
    return any("atomic" in ast.unparse(decorator) for decorator in node.decorator_list)


ACTS = [(name, node) for name, node in _services() if _atomic(node)]


def test_there_are_acts_to_look_at() -> None:
    assert len(ACTS) > 30


@pytest.mark.parametrize(("name", "node"), ACTS, ids=[name for name, _ in ACTS])
def test_an_act_is_keyword_only_and_told_by_whom_and_when(name: str, node: ast.FunctionDef) -> None:
    keywords = {argument.arg for argument in node.args.kwonlyargs}

    assert not node.args.args, f"{name} takes positional arguments"
    assert {"by", "at"} <= keywords, f"{name} takes {sorted(keywords)}"


@pytest.mark.parametrize(("name", "node"), ACTS, ids=[name for name, _ in ACTS])
def test_an_act_says_what_it_promises(name: str, node: ast.FunctionDef) -> None:
    assert ast.get_docstring(node), f"{name} has no docstring"


def test_views_ask_queries_and_never_the_tables() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{number}"
        for path in _python(SOURCE / "web")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(r"\.objects\b", line)
    ]

    assert found == []


def test_no_file_is_too_long_to_be_read_in_one_sitting() -> None:
    files = [
        path
        for folder, endings in (
            (SOURCE, ("*.py", "*.html", "*.typ")),
            (CHECKOUT / "tests", ("*.py",)),
            (CHECKOUT / "frontend", ("*.js", "*.css", "*.mjs")),
        )
        for ending in endings
        for path in folder.rglob(ending)
        if "migrations" not in path.parts and "dist" not in path.parts
    ]

    long = {
        str(path.relative_to(CHECKOUT)): len(path.read_text().splitlines())
        for path in files
        if len(path.read_text().splitlines()) > MOST_LINES
    }

    assert long == {}


def test_nothing_is_left_for_later_in_the_source() -> None:
    marks = re.compile(
        "TO" + "DO|FIX" + "ME|XX" + "X|NotImplemented" + "Error|pragma: no " + "cover"
    )

    found = [
        str(path.relative_to(CHECKOUT))
        for path in [*_python(SOURCE), *_python(CHECKOUT / "tests")]
        if marks.search(path.read_text())
    ]

    assert found == []


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    marks = re.compile(r"mark\.(?:ski" + r"p|xfai" + r"l)|pytest\.ski" + "p")

    found = [
        str(path.relative_to(CHECKOUT))
        for path in _python(CHECKOUT / "tests")
        if marks.search(path.read_text())
    ]

    assert found == []


def test_nothing_in_the_source_waits_for_a_while() -> None:
    found = [
        str(path.relative_to(CHECKOUT))
        for path in [*_python(SOURCE), *_python(CHECKOUT / "tests")]
        if "time.sle" + "ep(" in path.read_text()
    ]

    assert found == []


def test_every_folder_of_tests_is_run() -> None:
    told = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    files = (CHECKOUT / "tests").rglob("test_*.py")

    folders = {str(path.parent.relative_to(CHECKOUT)) for path in files}

    assert [folder for folder in sorted(folders) if folder not in told] == []
