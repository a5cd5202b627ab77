"""Copies, damage and repair as the log states them, and the rows held against that."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from lantai.ledger import queries as ledger
from lantai.ledger import statements
from lantai.ledger.audit import Difference
from lantai.ledger.statements import Shape
from lantai.preservation.models import Copied, Damage, Mended

COPIED_ACTION: Final = "preservation.package.copied"
FOUND: Final = "preservation.damage.found"
REPAIRED: Final = "preservation.damage.repaired"
UNREPAIRABLE: Final = "preservation.damage.unrepairable"
COPIED: Final = Shape(
    Copied,
    "pk",
    {"kept": "kept__pk"} | {name: name for name in ("address", "inventory_sha512", "at", "by")},
)
DAMAGE: Final = Shape(
    Damage,
    "pk",
    {
        name: name
        for name in ("place", "name", "path", "code", "what", "before", "found_at", "found_by")
    },
)
MENDED: Final = Shape(
    Mended,
    "pk",
    {"damage": "damage__pk"} | {name: name for name in ("source", "after", "at", "by")},
)


def check_rows() -> Iterator[Difference]:
    """Yield every difference between what was copied, found and put right, and the log."""
    for shapes, actions in (
        ((COPIED,), (COPIED_ACTION,)),
        ((DAMAGE, MENDED), (FOUND, REPAIRED, UNREPAIRABLE)),
    ):
        entries = ledger.entries(stream="records").filter(action__in=actions).order_by("index")
        told, whole = statements.replay(entries.iterator(chunk_size=2000))
        yield from chain.from_iterable(
            statements.differences(shape, shape.held(), told, whole=whole) for shape in shapes
        )
