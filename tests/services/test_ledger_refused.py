"""A log that contradicts what witnesses saw is signed no more; one that lies stops nobody."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ledger_factories import NOON, publish, record, remove, roll_back_to
from quorum_factories import (
    Liar,
    MemoryWitness,
    ask,
    checkpoint,
    forget_the_files,
    policy_text,
    rewrite_history,
    set_policy,
    three,
    wire,
)

from lantai.ledger import files, finality, incidents, queries, quorum, witnesses
from lantai.ledger.models import Cosigned, Entry, Head, SigningIntent
from lantai.ledger.queries import RolledBack
from lantai.ledger.witnesses import Answer, collect
from lantai.lib.refusals import Conflict, NotFound, Unacceptable
from lantai.lib.tlog import note
from lantai.lib.tlog.witness import SIZE_TYPE

pytestmark = pytest.mark.django_db


@pytest.fixture
def peers(settings: Any) -> list[MemoryWitness]:
    """Three witnesses, and a policy that wants all of them."""
    made = three()
    set_policy(settings, policy_text(made))
    return made


def test_a_rolled_back_database_signs_nothing_more_and_the_evidence_is_kept(
    peers: list[MemoryWitness], home: Path
) -> None:
    record(5)
    signed = publish()
    ask(peers)
    roll_back_to(3)
    forget_the_files(home)
    older = publish()  # the whole directory is old: nothing in it speaks against it

    with pytest.raises(RolledBack, match="见证方称已见证到 5 条，而本日志只有 3 条"):
        ask(peers)

    record()
    with pytest.raises(RolledBack, match="已停签"):
        publish()
    assert [head.size for head in Head.objects.filter(stream="records")] == [3]
    kept = incidents.kept(home)
    assert {each.witness for each in kept} == {"w1", "w2", "w3"}
    assert all(each.proven and each.asked == older.note for each in kept)
    assert all(each.shown.startswith(signed.note) for each in kept)
    entered = Entry.objects.filter(action="ledger.witness.refused")
    assert {entry.facts["witness"] for entry in entered} == {"w1", "w2", "w3"}
    assert {entry.facts["evidence_sha256"] for entry in entered} == {each.digest for each in kept}


def test_rewritten_history_is_refused_by_witnesses_and_not_signed_again(
    peers: list[MemoryWitness], home: Path
) -> None:
    record(3)
    publish()
    ask(peers)
    forget_the_files(home)
    rewrite_history(4)
    publish()

    with pytest.raises(RolledBack, match="不认可本日志 4 条处的树根"):
        ask(peers)

    record()
    with pytest.raises(RolledBack, match="已停签"):
        publish()
    assert all(each.proven and each.status == 422 for each in incidents.kept(home))
    assert checkpoint(home).split("\n")[1] == "4"


def test_a_fork_at_the_same_size_is_refused_and_not_signed_again(
    peers: list[MemoryWitness], home: Path
) -> None:
    record(3)
    first = publish()
    ask(peers)
    forget_the_files(home)
    rewrite_history(3)
    second = publish()

    with pytest.raises(RolledBack, match="不认可本日志 3 条处的树根"):
        ask(peers)

    kept = incidents.kept(home)[0]
    assert note.parse(kept.shown).text == note.parse(first.note).text
    assert note.parse(kept.asked).text == note.parse(second.note).text
    assert kept.proven


def test_a_refusal_met_again_is_kept_once(peers: list[MemoryWitness], home: Path) -> None:
    record(5)
    publish()
    ask(peers)
    roll_back_to(3)
    forget_the_files(home)
    publish()
    with pytest.raises(RolledBack):
        ask(peers)
    asked = len(peers[0].asked)

    with pytest.raises(RolledBack):
        ask(peers, after=timedelta(minutes=20))

    assert len(peers[0].asked) == asked
    assert len(incidents.kept(home)) == 3
    assert Entry.objects.filter(action="ledger.witness.refused").count() == 3


def test_signing_is_resumed_by_a_person_once_the_right_backup_is_back(
    peers: list[MemoryWitness], home: Path
) -> None:
    record(5)
    publish()
    ask(peers)
    held = list(Entry.objects.filter(index__gte=3).order_by("index").values())
    heads = list(Head.objects.values())
    intents = list(SigningIntent.objects.values())
    whole = checkpoint(home)
    roll_back_to(3)
    forget_the_files(home)
    publish()
    with pytest.raises(RolledBack):
        ask(peers)
    with pytest.raises(RolledBack):
        witnesses.resume(stream="records", reason="试一试", by="ops", at=NOON, send=wire(*peers))
    still = incidents.standing(home, "records")
    roll_back_to(3)
    remove(Head)
    remove(SigningIntent)
    Entry.objects.bulk_create([Entry(**row) for row in held])
    Head.objects.bulk_create([Head(**row) for row in heads])
    SigningIntent.objects.bulk_create([SigningIntent(**row) for row in intents])
    (home / "log/records/checkpoint").write_text(whole)
    files.write_tiles(home / "log/records", old=0, new=5, rows=queries.rows_of(stream="records"))

    witnesses.resume(
        stream="records", reason="已恢复最新备份", by="ops", at=NOON, send=wire(*peers)
    )

    assert still is not None
    assert incidents.standing(home, "records") is None
    assert publish().size == 6
    said = Entry.objects.get(action="ledger.signing.resumed")
    assert said.facts == {
        "stream": "records",
        "reason": "已恢复最新备份",
        "evidence_sha256": still.digest,
    }
    assert len(incidents.kept(home)) == 3


def test_signing_that_was_not_stopped_is_not_resumed(peers: list[MemoryWitness]) -> None:
    record()
    publish()

    with pytest.raises(NotFound, match="没有停签"):
        witnesses.resume(stream="records", reason="无", by="ops", at=NOON, send=wire(*peers))

    assert Entry.objects.count() == 1


def test_signing_is_not_resumed_without_a_reason_or_while_the_witness_is_silent(
    peers: list[MemoryWitness], home: Path
) -> None:
    record(5)
    publish()
    ask(peers)
    roll_back_to(3)
    forget_the_files(home)
    publish()
    with pytest.raises(RolledBack):
        ask(peers)
    for peer in peers:
        peer.down = True
    entries = Entry.objects.count()

    with pytest.raises(Unacceptable, match="理由"):
        witnesses.resume(stream="records", reason=" ", by="ops", at=NOON, send=wire(*peers))
    with pytest.raises(Conflict, match="仍未认可本日志"):
        witnesses.resume(stream="records", reason="查过了", by="ops", at=NOON, send=wire(*peers))

    assert incidents.standing(home, "records") is not None
    assert Entry.objects.count() == entries


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (Answer(409, SIZE_TYPE, b"900\n"), "已见证到 900 条"),
        (Answer(422, "text/plain", b"no"), "不认可本日志 1 条处"),
    ],
    ids=["larger", "inconsistent"],
)
def test_a_witness_that_contradicts_and_shows_nothing_stops_nobody(
    settings: Any, home: Path, says: Answer, words: str
) -> None:
    liar = Liar("liar.example")
    liar.says = says
    honest = three()
    set_policy(settings, policy_text([liar, *honest], least="3"))
    entry = record()
    publish()

    heard = collect(stream="records", at=NOON, send=wire(liar, *honest))

    (kept,) = incidents.kept(home)
    assert heard.cosigned == ("w1", "w2", "w3")
    assert (kept.witness, kept.proven, kept.shown) == ("liar", False, "")
    assert words in kept.why
    assert finality.standing_of(entry).said == "已见证（3/4）"
    assert publish().size == 2  # the act itself, and that a witness refused


def test_what_a_witness_shows_counts_only_under_our_own_signature(
    settings: Any, home: Path
) -> None:
    liar = Liar("liar.example")
    set_policy(settings, policy_text([liar]))
    record()
    own = publish().note
    liar.says = Answer(409, SIZE_TYPE, b"900\n")
    liar.shows = own.replace("\n1\n", "\n900\n", 1).encode()

    collect(stream="records", at=NOON, send=wire(liar))

    assert [each.proven for each in incidents.kept(home)] == [False]
    assert incidents.standing(home, "records") is None


def test_a_round_that_another_overtook_is_no_incident(
    peers: list[MemoryWitness], home: Path
) -> None:
    record()
    stale = publish()
    record()
    publish()
    ask(peers)
    remove(Cosigned)

    words = witnesses._ask_all(["w1"], quorum.in_force(), head=stale, send=wire(*peers))

    assert words[0].contradicts
    assert witnesses._overtaken(words[0], stale)
    assert not witnesses._is_proven(words[0], stream="records")
    assert incidents.kept(home) == ()
