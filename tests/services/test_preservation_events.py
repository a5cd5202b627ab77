"""What a package tells of the log: every entry proven, and a proof alone makes no version."""

import base64
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from ledger_factories import publish, record
from preservation_factories import (
    LATER,
    NOON,
    add_late_material,
    forget,
    new_dossier,
    preserve,
    said,
    stored,
    told,
)

from lantai.dossiers.models import Dossier
from lantai.ledger import queries as ledger
from lantai.ledger import services as log
from lantai.ledger.models import Cosigned, Disclosure, Entry, Head, SigningIntent
from lantai.ledger.services import destroy_opening
from lantai.lib.tlog import merkle, note
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.suite import INTL, SM, LogSuite

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dossier() -> Dossier:
    return new_dossier()


def proven(file: dict[str, Any], event: dict[str, Any], suite: LogSuite = INTL) -> Checkpoint:
    """Check the proof of an event with the log's public key; return the head it leads to."""
    proof, name = event["proof"], "path" if suite is INTL else "path_sm"
    text = file["heads"][proof["head"]]["checkpoint" if suite is INTL else "checkpoint_sm"]
    signed = note.parse(text)
    key = note.VerifierKey.parse(ledger.verifier_key(stream="records", suite=suite))
    assert note.verified(signed, [key], checks=suite.checks)
    head = Checkpoint.parse(signed.text)
    merkle.verify_inclusion(
        index=event["index"],
        size=head.size,
        leaf_hash=suite.tree.leaf(base64.b64decode(event["leaf"])),
        proof=[base64.b64decode(file["hashes"][place]) for place in proof[name]],
        root=head.root,
        suite=suite.tree,
    )
    return head


@pytest.mark.parametrize("suite", [INTL, SM])
def test_every_event_under_a_signed_head_is_proven_in_the_package(
    home: Path, dossier: Dossier, suite: LogSuite
) -> None:
    record(300)
    add_late_material(dossier)
    record(10)
    publish()
    preserve(dossier)

    file = said(home, dossier, "events.json")

    heads = [proven(file, event, suite) for event in file["events"]]
    assert [event["action"] for event in file["events"]] == [
        "dossiers.dossier.entered",
        "dossiers.material.added",
    ]
    assert len({head.size for head in heads}) == 1
    assert len(file["hashes"]) == len(set(file["hashes"]))


def test_an_event_under_no_head_is_told_as_such_and_proven_in_the_next_version(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)
    first = said(home, dossier, "events.json")
    publish()
    add_late_material(dossier)

    preserve(dossier, LATER)

    file = said(home, dossier, "events.json")
    assert (first["heads"], first["hashes"]) == ([], [])
    assert [event["proof"] for event in first["events"]] == [None]
    by_action = {event["action"]: event for event in file["events"]}
    assert proven(file, by_action["dossiers.dossier.entered"])
    assert by_action["dossiers.material.added"]["proof"] is None


def test_a_newer_head_alone_makes_no_version(home: Path, dossier: Dossier) -> None:
    publish()
    preserve(dossier)
    before = stored(home)
    record(5)
    publish()

    again = preserve(dossier, LATER)

    assert again is None
    assert stored(home) == before


def test_what_preservation_does_is_told_in_the_next_version_and_makes_none(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)

    again = preserve(dossier, LATER)
    add_late_material(dossier)
    preserve(dossier, LATER)

    assert again is None
    assert [event["action"] for event in told(home, dossier)] == [
        "dossiers.dossier.entered",
        "preservation.dossier.kept",
        "dossiers.material.added",
    ]


def test_events_the_log_has_lost_stay_in_the_package_with_their_proofs(
    home: Path, dossier: Dossier
) -> None:
    publish()
    preserve(dossier)
    first = said(home, dossier, "events.json")
    head = proven(first, first["events"][0])
    for model in (Disclosure, Entry, Head, SigningIntent, Cosigned):
        forget(model)
    (home / "log").rename(home / "log-away")
    add_late_material(dossier)
    publish()

    preserve(dossier, LATER)

    file = said(home, dossier, "events.json")
    old, *new = file["events"]
    assert {**old, "proof": None} == {**first["events"][0], "proof": None}
    assert [event["action"] for event in new] == ["dossiers.material.added"]
    assert proven(file, old) == head
    assert proven(file, new[0]).size == 1


def test_a_published_log_that_does_not_prove_its_rows_stops_the_package(
    home: Path, dossier: Dossier
) -> None:
    publish()
    for tile in (home / "log" / "records" / "tile" / "0").rglob("*"):
        if tile.is_file():
            tile.chmod(0o600)
            tile.write_bytes(bytes(len(tile.read_bytes())))

    with pytest.raises(ledger.LogDamaged):
        preserve(dossier)

    assert not dossier.kept.exists()


def test_an_opening_destroyed_since_is_not_carried_into_the_next_version(
    home: Path, dossier: Dossier
) -> None:
    publish()
    preserve(dossier)
    entry = ledger.entries(subject=f"dossier:{dossier.uid}", action="dossiers.dossier.entered")[0]
    destroy_opening(entry=entry, reason="依法删除", by="archivist", at=LATER)

    preserve(dossier, LATER)

    file = said(home, dossier, "events.json")
    event = file["events"][0]
    assert (event["salt"], event["content"], event["withheld"]) == (None, None, "destroyed")
    assert proven(file, event)


def test_the_shared_hashes_keep_the_proofs_small(home: Path, dossier: Dossier) -> None:
    with transaction.atomic():
        for number in range(60):
            log.record(
                at=NOON,
                action="dossiers.paper.handed",
                actor="wang",
                subject=f"dossier:{dossier.uid}",
                facts={"number": number},
            )
    record(2000)
    publish()

    preserve(dossier)

    file = said(home, dossier, "events.json")
    paths = sum(len(event["proof"]["path"]) for event in file["events"])
    assert len(file["events"]) == 61
    assert paths == sum(len(event["proof"]["path_sm"]) for event in file["events"])
    assert len(file["hashes"]) < paths / 2
    assert len(file["heads"]) == 1
