"""Lets Babel find the sentences of templates and the labels of rules, without gettext installed.

``babel.cfg`` names these as extractors. Rules know no Django, so their labels are marked by where
they stand: in a table whose name ends in ``LABELS``, in the choices of a model, in a class of the
catalogue. The filter ``said`` looks them up.
"""

import ast
import io
import re
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

from babel.messages.extract import extract_python
from django.utils.translation.template import templatize

Found = tuple[int, str, Any, list[str]]


def extract(
    template: IO[bytes],
    keywords: Mapping[str, Any],
    comment_tags: Collection[str],
    options: Mapping[str, Any],
) -> Iterator[Found]:
    """Yield the sentences that a template translates, each with its line."""
    code = templatize(template.read().decode(), origin="template")
    found: Iterator[Any] = extract_python(io.BytesIO(code.encode()), keywords, comment_tags, {})
    yield from found


_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_TABLES = re.compile(r"LABELS$|^HEADINGS$|^_SUBCLASSES$")


def labels(
    source: IO[bytes],
    keywords: Mapping[str, Any],
    comment_tags: Collection[str],
    options: Mapping[str, Any],
) -> Iterator[Found]:
    """Yield the labels that the tables and choices of a module hold, each with its line."""
    for node in ast.walk(ast.parse(source.read())):
        if isinstance(node, ast.ClassDef) and "TextChoices" in ast.unparse(node).split(":")[0]:
            yield from _texts(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(_TABLES.search(ast.unparse(name)) for name in names) and node.value:
                yield from _texts(node.value)


def _texts(tree: ast.AST) -> Iterator[Found]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            continue
        if _CHINESE.search(node.value):
            yield node.lineno, "gettext", node.value, []
