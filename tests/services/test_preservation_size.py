"""What keeping costs does not grow with the dossier, nor with how many were kept before.

Rows are entered in batches of a few hundred, so a large dossier asks a few queries more, not one
a page.
"""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection, reset_queries
from django.test.utils import CaptureQueriesContext
from ledger_factories import publish
from preservation_factories import (
    LATER,
    add_late_material,
    forget_everything,
    new_dossier,
    preserve,
)

from lantai.dossiers.models import Dossier, Page
from lantai.preservation import services

pytestmark = pytest.mark.django_db(transaction=True)


def asked(work: Callable[[], object]) -> int:
    """How many queries a piece of work asks."""
    with CaptureQueriesContext(connection) as seen:
        work()
    return len(seen)


def test_a_dossier_of_300_pages_asks_no_more_than_one_of_10(home: Path) -> None:
    small = new_dossier()
    add_late_material(small, pages=5)
    large = new_dossier(number=1)
    add_late_material(large, name="many", pages=298)
    publish()

    first, second = (asked(lambda one=one: preserve(one)) for one in (small, large))
    again, again_large = (asked(lambda one=one: preserve(one, LATER)) for one in (small, large))

    assert Page.objects.filter(material__dossier=large).count() == 300
    assert second - first <= 2
    assert again == again_large
    assert first < 40


def test_a_rebuilt_dossier_of_300_pages_asks_no_more_than_one_of_10(home: Path) -> None:
    counts = []
    dossier = new_dossier()
    for pages in (5, 290):
        add_late_material(dossier, name=f"many-{pages}", pages=pages)
        preserve(dossier)
        forget_everything()
        counts.append(asked(lambda: services.rebuild(by="ops", at=LATER)))
        dossier = Dossier.objects.get()

    assert counts[1] - counts[0] <= 5


def test_memory_does_not_grow_with_how_many_are_kept(home: Path) -> None:
    dossiers = [new_dossier(), *(new_dossier(number=number) for number in range(1, 30))]
    for dossier in dossiers[:10]:
        preserve(dossier)
    tracemalloc.start()
    try:
        for dossier in dossiers[10:20]:
            preserve(dossier)
            reset_queries()
        _, half = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for dossier in dossiers[20:]:
            preserve(dossier)
            reset_queries()
        _, whole = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert whole < half * 1.1
