"""Rows as an entry states them, and tables held against what was stated last of each row.

A service hands ``Shape.stated(...)`` of the rows it made or changed to ``record`` as the fact
``rows``; ``Shape.removed`` says that a row is gone. The audit replays the entries of one owner.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from django.db import models

from lantai.ledger.audit import MISSING, Difference
from lantai.ledger.models import Entry, OpeningDestroyed
from lantai.lib.tlog.leaf import moment

UNKNOWN: Final = "日志中没有这一行的来历"
THERE: Final = "日志记有这一行"
GONE: Final = "表中没有这一行"


@dataclass(frozen=True)
class Shape:
    """How the log states the rows of a table.

    ``columns`` gives for each name in the log the look-up of its value, and ``key`` that of the
    name of a row. ``digested`` are stated by their SHA-256 only.
    """

    model: type[models.Model]
    key: str
    columns: Mapping[str, str]
    digested: frozenset[str] = frozenset()

    @property
    def table(self) -> str:
        return str(self.model._meta.db_table)  # noqa: SLF001 -- Django's documented name for it

    def stated(self, **of: Any) -> list[list[Any]]:
        """Rows as they are now, as an entry states them: table, key, columns."""
        return [[self.table, key, columns] for key, columns in self.held(**of).items()]

    def held(self, **of: Any) -> dict[str, dict[str, Any]]:
        """What the rows are, by their keys; ``of`` chooses them."""
        found: models.QuerySet[Any] = models.QuerySet(self.model).filter(**of).order_by("pk")
        return {
            str(key): {
                name: self._plain(name, value)
                for name, value in zip(self.columns, values, strict=True)
            }
            for key, *values in found.values_list(self.key, *self.columns.values()).iterator(2000)
        }

    def removed(self, key: str) -> list[Any]:
        """How an entry states that a row is gone."""
        return [self.table, key, None]

    def _plain(self, name: str, value: Any) -> Any:
        if name in self.digested:
            return hashlib.sha256(str(value).encode()).hexdigest()
        return plain(value)


@dataclass
class Stated:
    """What entries said last of a row: its columns, or None when it was removed."""

    columns: dict[str, Any] | None
    since: str


def replay(entries: Iterable[Entry]) -> tuple[dict[tuple[str, str], Stated], bool]:
    """What the entries of one owner, in their order, said last of each row.

    The second value tells whether all of them could be read: none was destroyed on purpose.
    """
    stated: dict[tuple[str, str], Stated] = {}
    whole = True
    for entry in entries:
        try:
            told = entry.facts.get("rows", ())
        except OpeningDestroyed:
            whole = False
            continue
        for table, key, columns in told:
            known = stated.setdefault((table, key), Stated({}, ""))
            known.since = moment(entry.at)
            known.columns = None if columns is None else (known.columns or {}) | columns
    return stated, whole


def differences(
    shape: Shape,
    held: Mapping[str, Mapping[str, Any]],
    stated: Mapping[tuple[str, str], Stated],
    *,
    whole: bool = True,
    columns_only: bool = False,
) -> Iterator[Difference]:
    """Compare rows of one table with what was stated of them.

    Where not all entries could be read (``whole``) a row without a statement is passed over;
    with ``columns_only`` somebody else tells of rows that are missing or unknown.
    """
    for key, row in held.items():
        said = stated.get((shape.table, key))
        if said is None or said.columns is None:
            if whole and not columns_only:
                yield Difference(shape.table, key, "", MISSING, UNKNOWN, said.since if said else "")
            continue
        for name, value in row.items():
            expected = said.columns.get(name, MISSING)
            if expected != value:
                yield Difference(shape.table, key, name, text(expected), text(value), said.since)
    for (table, key), said in stated.items():
        if columns_only:
            break
        if table == shape.table and said.columns is not None and key not in held:
            yield Difference(table, key, "", THERE, GONE, said.since)


def plain(value: Any) -> Any:
    """A value of a column as the log holds it: no floats, moments in UTC to the microsecond."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (bool, int)) or value is None:
        return value
    return str.__str__(value) if isinstance(value, str) else str(value)


def text(value: object) -> str:
    """A value as a difference shows it."""
    return MISSING if value is None else str(value)
