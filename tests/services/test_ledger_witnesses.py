"""Heads are cosigned by others; a log that contradicts what they saw is not signed any more."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ledger_factories import NOON, differences, publish, record, remove, rewrite
from quorum_factories import (
    SPOKEN_AT,
    Liar,
    MemoryWitness,
    ask,
    checkpoint,
    lines_under,
    policy_text,
    set_policy,
    three,
    wire,
)

from lantai.ledger import files, finality, incidents, queries
from lantai.ledger.models import Cosigned
from lantai.ledger.witnesses import Answer, collect
from lantai.lib import bundle, verify
from lantai.lib.tlog import cosignature, note
from lantai.lib.tlog.witness import SIZE_TYPE

pytestmark = pytest.mark.django_db
SPOKEN = datetime.fromtimestamp(SPOKEN_AT, UTC)


@pytest.fixture
def peers(settings: Any) -> list[MemoryWitness]:
    """Three witnesses, and a policy that wants all of them."""
    made = three()
    set_policy(settings, policy_text(made))
    return made


def test_without_a_policy_nobody_is_asked_and_our_own_signature_is_final() -> None:
    entry = record()
    publish()

    heard = collect(stream="records", at=NOON, send=wire())

    standing = finality.standing_of(entry)
    assert heard.words == ()
    assert (standing.sealed, standing.final, standing.required) == (True, True, False)
    assert standing.said == "仅本机构签名，未设见证"
    assert finality.witness_state() == ()


def test_an_entry_is_provisional_until_the_quorum_is_there(peers: list[MemoryWitness]) -> None:
    entry = record()
    before = finality.standing_of(entry)
    publish()
    alone = finality.standing_of(entry)
    peers[1].down = peers[2].down = True
    ask(peers)
    one = finality.standing_of(entry)
    peers[1].down = peers[2].down = False
    ask(peers, everyone=True)

    final = finality.standing_of(entry)

    assert before.said == "暂定（尚未进入已签名的日志）"
    assert alone.said == "暂定（见证 0/3，待法定数）"
    assert one.said == "暂定（见证 1/3，待法定数）"
    assert (one.final, one.witnesses, one.missing) == (False, (("w1", SPOKEN),), ("w2", "w3"))
    assert final.said == "已见证（3/3）"
    assert final.final
    assert [name for name, _ in final.witnesses] == ["w1", "w2", "w3"]
    assert (final.size, final.head_at) == (1, NOON)


def test_the_published_checkpoint_carries_the_words_and_the_next_head_starts_anew(
    peers: list[MemoryWitness], home: Path
) -> None:
    record()
    first = publish()
    ask(peers)
    cosigned = checkpoint(home)
    again = publish()
    record()
    second = publish()

    assert cosigned.startswith(first.note)
    assert lines_under(cosigned) == 4
    assert again == first
    assert checkpoint(home) == second.note
    assert differences() == []


def test_a_stop_between_rows_and_checkpoint_is_mended_by_the_next_signing(
    peers: list[MemoryWitness], home: Path
) -> None:
    record()
    head = publish()
    ask(peers)
    cosigned = checkpoint(home)
    files.write_checkpoint(home / "log/records", head.note)

    publish()

    assert checkpoint(home) == cosigned


def test_a_checkpoint_cut_among_the_words_is_written_again(
    peers: list[MemoryWitness], home: Path
) -> None:
    record()
    publish()
    ask(peers)
    cosigned = checkpoint(home)
    (home / "log/records/checkpoint").write_text(cosigned[:-40])

    publish()

    assert checkpoint(home) == cosigned


def test_growth_is_shown_by_a_proof_from_what_each_witness_saw_last(
    peers: list[MemoryWitness],
) -> None:
    record(3)
    publish()
    ask(peers)
    peers[2].down = True
    record(300)
    publish()
    ask(peers)
    record(5)
    publish()
    peers[2].down = False

    heard = ask(peers, after=timedelta(minutes=6))

    assert heard.cosigned == ("w1", "w2", "w3")
    assert [request.old for request in peers[0].asked] == [0, 3, 303]
    assert [request.old for request in peers[2].asked] == [0, 3]


def test_a_witness_that_was_asked_by_an_older_program_is_asked_from_its_own_size(
    peers: list[MemoryWitness],
) -> None:
    record(3)
    publish()
    ask(peers)
    remove(Cosigned)
    record(4)
    publish()

    heard = ask(peers)

    assert heard.cosigned == ("w1", "w2", "w3")
    assert [request.old for request in peers[0].asked] == [0, 0, 3]


def test_an_idle_head_is_cosigned_anew_after_ten_minutes_and_not_before(
    peers: list[MemoryWitness], home: Path
) -> None:
    entry = record()
    publish()
    ask(peers)
    for peer in peers:
        peer.time += 600
    early = ask(peers, after=timedelta(minutes=9, seconds=59))

    late = ask(peers, after=timedelta(minutes=10))

    assert early.words == ()
    assert late.cosigned == ("w1", "w2", "w3")
    assert len(peers[0].asked) == 2
    newest = cosignature.cosignatures(
        note.parse(checkpoint(home)), tuple(peer.key for peer in peers)
    )
    assert [word.time for word in newest] == [SPOKEN_AT + 600] * 3
    assert finality.standing_of(entry).witnesses[0] == ("w1", SPOKEN)


def test_a_witness_that_fails_is_left_alone_for_longer_each_time(
    peers: list[MemoryWitness],
) -> None:
    record()
    publish()
    peers[0].down = True
    ask(peers)
    soon = ask(peers, after=timedelta(seconds=4))
    second = ask(peers, after=timedelta(seconds=5))
    third = ask(peers, after=timedelta(seconds=14))

    state = finality.witness_state()[0]

    assert soon.words == ()
    assert [word.name for word in second.words] == ["w1"]
    assert third.words == ()
    assert (state.witness, state.stream, state.error) == (
        "w1",
        "records",
        "见证方没有应答：连接被拒绝",
    )
    assert state.error_at == NOON + timedelta(seconds=5)
    assert (state.size, state.behind, state.time) == (0, 1, None)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(200, "text/plain", b""), "见证签名不实"),
        (Answer(200, "text/html", b"<html>\n"), "见证签名不实"),
        (Answer(404, "text/plain", b""), "尚未登记本日志"),
        (Answer(403, "text/plain", b""), "不认本日志的签名"),
        (Answer(503, "text/plain", b""), "暂时不能保存"),
        (Answer(500, "text/plain", b""), "拒绝了请求（500）"),
        (Answer(302, "text/plain", b""), "拒绝了请求（302）"),
        (Answer(409, "text/plain", b"900\n"), "拒绝了请求（409）"),
        (Answer(409, SIZE_TYPE, b"9" * 40 + b"\n"), "拒绝了请求（409）"),
        (Answer(409, SIZE_TYPE, b"-1\n"), "拒绝了请求（409）"),
        (Answer(409, SIZE_TYPE, b"0\n"), "每次所称的条数都不同"),
    ],
)
def test_an_answer_that_is_none_is_an_error_of_that_witness_alone(
    settings: Any, home: Path, answer: Answer, words: str
) -> None:
    liar = Liar("liar.example")
    liar.says = answer
    set_policy(settings, policy_text([liar]))
    entry = record()
    publish()

    (word,) = collect(stream="records", at=NOON, send=wire(liar)).words

    assert words in word.error
    assert Cosigned.objects.count() == 0
    assert not finality.standing_of(entry).final
    assert incidents.kept(home) == ()


def test_a_false_signature_is_not_stored_and_not_published(settings: Any, home: Path) -> None:
    liar, other = Liar("liar.example"), MemoryWitness("liar.example")
    set_policy(settings, policy_text([liar]))
    record()
    head = publish()
    text = note.parse(head.note).text
    true = cosignature.cosign(text, name=liar.name, private=liar.private, time=SPOKEN_AT)
    wrong = note.Signature(true.name, true.key_id, true.value[:-1] + bytes([true.value[-1] ^ 1]))
    foreign = cosignature.cosign(text, name=other.name, private=other.private, time=SPOKEN_AT)
    errors = []
    for line in (wrong, foreign):
        liar.says = Answer(200, "text/plain", line.line.encode())
        heard = collect(stream="records", at=NOON, everyone=True, send=wire(liar))
        errors += [word.error for word in heard.words]

    assert "见证签名不实" in errors[0]
    assert "没有（或不止一个）" in errors[1]
    assert Cosigned.objects.count() == 0
    assert checkpoint(home) == head.note


def test_a_witness_that_lost_its_memory_is_not_asked_to_begin_again(
    peers: list[MemoryWitness],
) -> None:
    record(3)
    publish()
    ask(peers)
    peers[0].heads.clear()
    record(2)
    publish()

    heard = ask(peers)

    assert heard.cosigned == ("w2", "w3")
    assert "丢失了自己的记录" in heard.words[0].error
    assert peers[0].heads == {}


def test_a_row_put_in_by_hand_makes_nothing_final(peers: list[MemoryWitness]) -> None:
    entry = record()
    publish()
    peers[2].down = True
    ask(peers)
    line = Cosigned.objects.get(witness="w2").line
    Cosigned.objects.create(
        stream="records", size=1, witness="w3", line=line, time=SPOKEN_AT, at=NOON
    )
    Cosigned.objects.create(
        stream="records", size=1, witness="w3", line="— w3 AAAA", time=SPOKEN_AT + 1, at=NOON
    )

    standing = finality.standing_of(entry)

    assert (standing.final, standing.missing) == (False, ("w3",))


def test_a_word_changed_in_its_row_does_not_count(peers: list[MemoryWitness], home: Path) -> None:
    entry = record()
    head = publish()
    ask(peers)
    row = Cosigned.objects.get(witness="w1")
    rewrite(Cosigned, {"witness": "w1"}, line=row.line[:-8] + "AAAAAAA=")

    publish()

    assert finality.standing_of(entry).missing == ("w1",)
    assert lines_under(checkpoint(home)) == 3
    assert checkpoint(home).startswith(head.note)


def test_proofs_lead_to_the_newest_head_with_quorum(peers: list[MemoryWitness]) -> None:
    entry = record(2)
    publish()
    ask(peers)
    later = record()
    publish()
    peers[0].down = True
    ask(peers)

    behind, ahead = queries.sealed(entry), queries.sealed_together([entry, later])[0]

    assert "\n2\n" in behind.proof
    assert lines_under("lantai" + behind.proof.partition("\n\nlantai")[2]) == 4
    assert "\n3\n" in ahead.proof
    assert lines_under("lantai" + ahead.proof.partition("\n\nlantai")[2]) == 3


def test_a_bundle_is_accepted_under_the_policy_once_the_quorum_is_there(
    peers: list[MemoryWitness],
) -> None:
    statement = {"about": "test"}
    entry = record(statement_sha256=bundle.digest(statement))
    publish()
    policy = policy_text(peers)
    key = queries.verifier_key(stream="records")
    peers[0].down = True
    ask(peers)
    early = bundle.build(statement=statement, entries=[queries.sealed(entry)], files={})
    peers[0].down = False
    ask(peers, everyone=True)

    final = bundle.build(statement=statement, entries=[queries.sealed(entry)], files={})

    assert not verify.verify(early, keys=[key], policy=policy).valid
    assert verify.verify(early, keys=[key]).valid
    assert verify.verify(final, keys=[key], policy=policy).valid


def test_groups_of_a_policy_are_each_needed(settings: Any) -> None:
    city, first, second = three()
    text = policy_text([city, first, second]).replace(
        "group peers all w1 w2 w3\n", "group peers all w2 w3\ngroup both all w1 peers\n"
    )
    set_policy(settings, text.replace("quorum peers", "quorum both"))
    entry = record()
    publish()
    city.down = True
    collect(stream="records", at=NOON, send=wire(city, first, second))
    without = finality.standing_of(entry)
    city.down = False
    collect(stream="records", at=NOON, everyone=True, send=wire(city, first, second))

    standing = finality.standing_of(entry)

    assert (without.final, without.missing) == (False, ("w1",))
    assert standing.final


def test_a_quorum_that_came_after_a_long_outage_of_one_group_is_found(settings: Any) -> None:
    city, first, second = three()
    text = policy_text([city, first, second]).replace(
        "group peers all w1 w2 w3\n", "group peers any w2 w3\ngroup both all w1 peers\n"
    )
    set_policy(settings, text.replace("quorum peers", "quorum both"))
    entry = record()
    publish()
    city.down = True
    collect(stream="records", at=NOON, send=wire(city, first, second))
    for size in range(2, 90):
        Cosigned.objects.bulk_create(
            Cosigned(stream="records", size=size, witness=name, line="—", time=1, at=NOON)
            for name in ("w2", "w3")
        )
    record(90)
    publish()
    city.down = False

    collect(stream="records", at=NOON, everyone=True, send=wire(city, first, second))

    assert finality.standing_of(entry).size == 91
    assert finality.final_up_to(stream="records") == 91


def test_a_policy_without_quorum_asks_and_waits_for_nobody(settings: Any) -> None:
    (witness, *_) = three()
    set_policy(settings, f"witness w1 {witness.key} {witness.address}\nquorum none\n")
    entry = record()
    publish()
    before = finality.standing_of(entry)

    heard = collect(stream="records", at=NOON, send=wire(witness))

    assert heard.cosigned == ("w1",)
    assert (before.final, before.required) == (True, False)
    assert finality.provisional_since() is None


def test_the_oldest_entry_without_quorum_tells_since_when(peers: list[MemoryWitness]) -> None:
    record(2)
    publish()
    first = finality.provisional_since()
    ask(peers)
    done = finality.provisional_since()
    later = record()

    since = finality.provisional_since()

    assert (first, done, since) == (NOON, None, later.at)
    assert finality.final_up_to(stream="records") == 2
