"""Columns of a row in words, and out of words again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

_MOMENTS: Final = frozenset(
    {"entered_at", "scanned_at", "stored_at", "at", "marked_at", "lifted_at"}
)


def words(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Some columns of a row; moments to the microsecond in UTC."""
    held = {name: getattr(row, name) for name in names}
    return {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in held.items()
    }


def columns(said: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The columns again; the reverse of ``words``. Raises KeyError, ValueError."""
    return {
        name: datetime.fromisoformat(said[name]) if name in _MOMENTS and said[name] else said[name]
        for name in names
    }
