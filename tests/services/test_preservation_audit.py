"""Rows of kept versions against the log: a package taken away together with its row is missed."""

from pathlib import Path
from typing import Any

import pytest
from django.db.models import QuerySet
from ledger_factories import publish
from preservation_factories import (
    LATER,
    add_late_material,
    forget,
    forget_everything,
    new_dossier,
    preserve,
)

from lantai.dossiers.models import Dossier
from lantai.ledger import queries as ledger
from lantai.ledger.services import destroy_opening
from lantai.preservation import audit, services
from lantai.preservation.models import Kept

pytestmark = pytest.mark.django_db


@pytest.fixture
def dossier(home: Path) -> Dossier:
    """A dossier with two kept versions."""
    made = new_dossier()
    preserve(made)
    add_late_material(made)
    preserve(made, LATER)
    return made


def told() -> list[tuple[str, str, str]]:
    return [(one.table, one.key, one.field) for one in audit.check_rows()]


def test_what_was_acknowledged_agrees_with_the_log(dossier: Dossier) -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("column", "value", "field"),
    [
        ("inventory_sha512", "0" * 128, "inventory_sha512"),
        ("version", 7, ""),
        ("store", "secret", ""),
    ],
)
def test_a_row_that_was_changed_is_told(
    dossier: Dossier, column: str, value: Any, field: str
) -> None:
    QuerySet(Kept).filter(version=2).update(**{column: value})

    assert ("preservation_kept", f"store/{dossier.uid}/v2", field) in told()


def test_rows_that_were_taken_away_are_told(dossier: Dossier) -> None:
    forget(Kept)

    assert told() == [
        ("preservation_kept", f"store/{dossier.uid}/v1", ""),
        ("preservation_kept", f"store/{dossier.uid}/v2", ""),
    ]


def test_a_row_nobody_entered_is_told(dossier: Dossier) -> None:
    row = Kept.objects.get(version=2)
    Kept.objects.create(
        dossier=dossier, version=3, inventory_sha512=row.inventory_sha512, at=LATER, by="x"
    )

    assert told() == [("preservation_kept", f"store/{dossier.uid}/v3", "")]


def test_a_rebuilt_database_agrees_with_the_log(dossier: Dossier) -> None:
    forget_everything()

    services.rebuild(by="ops", at=LATER)

    assert told() == []


def test_where_an_opening_was_destroyed_rows_are_passed_over(dossier: Dossier) -> None:
    publish()
    entry = ledger.entries(action=audit.KEPT).last()
    assert entry
    destroy_opening(entry=entry, reason="依法删除", by="archivist", at=LATER)

    assert told() == []
