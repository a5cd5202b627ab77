"""What a witness remembers, and what it refuses to begin again."""

import sqlite3
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from witness_factories import GrowingLog

from lantai.lib.refusals import Conflict, Unacceptable
from lantai.lib.tlog import cosignature, note, sm2
from lantai.lib.tlog.note import FileSigner, NoteFault, VerifierKey
from lantai.lib.tlog.sm2 import SM2Signer
from lantai.lib.tlog.witness import Contradiction, Refuse, Request
from lantai.witness import keys, store
from lantai.witness.keys import Cosigner
from lantai.witness.store import Cosigned, Retired, Store

FORCED = ("journal_mode", "synchronous")
AT = 1_795_579_260
LOG = GrowingLog()
OTHER = GrowingLog("lantai.example/other/records", bytes([7] * 32))


@pytest.fixture
def opened(tmp_path: Path) -> Store:
    return begun(tmp_path / "w", LOG)


def begun(home: Path, *logs: GrowingLog, algorithm: str = "ed25519") -> Store:
    store.make(home, Cosigner.new("w1.example", algorithm), at=AT)
    opened = Store.open(home)
    if logs:
        opened.trust([log.vkey for log in logs], at=AT)
    return opened


def add(
    opened: Store, old: int, size: int, *, log: GrowingLog = LOG, at: int = AT
) -> Cosigned | Refuse:
    return opened.add_checkpoint(Request.parse(log.request(old=old, size=size)), at=at)


def contents(home: Path) -> list[str]:
    with sqlite3.connect(home / store.FILE) as database:
        return list(database.iterdump())


# Five histories: entries of the true one up to a place, of another one after it.
HISTORIES = [
    LOG,
    *(GrowingLog(entries=[*LOG.entries[:at], *[b"else"] * 64]) for at in (1, 3, 4, 9)),
]
TOLD = st.tuples(st.sampled_from(range(5)), st.integers(0, 12), st.integers(0, 12))


@given(st.lists(TOLD, max_size=25))
def test_whatever_is_asked_in_whatever_order_one_history_is_cosigned(
    told: list[tuple[int, int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        opened = begun(Path(folder), LOG)
        cosigned: list[tuple[bytes, ...]] = [()]
        for which, *sizes in told:
            old, size = sorted(sizes)
            log = HISTORIES[which]
            entries = tuple(log.entries[:size])
            before = cosigned[-1]

            answer = add(opened, old, size, log=log)

            follows = old == len(before) and entries[:old] == before
            assert isinstance(answer, Cosigned) is follows
            if follows:
                cosigned.append(entries)
            assert [log.size or 0 for log in opened.logs()] == [len(cosigned[-1])]


def test_every_commit_is_forced_to_disk(opened: Store) -> None:
    with opened._writing() as database:
        asked = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in FORCED]

    assert asked == ["wal", 2]  # 2 is FULL: the journal is synchronised at each commit


@pytest.mark.parametrize("algorithm", ["ed25519", "ml-dsa-44"])
def test_growth_is_cosigned_and_the_last_checkpoint_is_shown(
    tmp_path: Path, algorithm: str
) -> None:
    opened = begun(tmp_path / "w", LOG, algorithm=algorithm)

    add(opened, 0, 5)
    add(opened, 5, 13, at=AT + 1)

    shown = note.parse(opened.checkpoint_at(store.address_of(LOG.origin)) or "")
    key = VerifierKey.parse(opened.cosigner.vkey)
    assert shown.text == LOG.text(13)
    assert note.verified(shown, [LOG.signer.key]) == (LOG.signer.key,)
    assert [word.time for word in cosignature.cosignatures(shown, (key,))] == [AT + 1]
    assert key.type == {"ed25519": 4, "ml-dsa-44": 6}[algorithm]


def test_before_the_first_cosignature_nothing_is_shown(opened: Store) -> None:
    assert opened.checkpoint_at(store.address_of(LOG.origin)) is None
    assert [(log.origin, log.size) for log in opened.logs()] == [(LOG.origin, None)]


def test_the_same_head_again_is_cosigned_again_with_the_new_time(opened: Store) -> None:
    add(opened, 0, 5)
    again = add(opened, 5, 5, at=AT + 60)

    assert isinstance(again, Cosigned)
    assert [(log.size, log.root, log.at) for log in opened.logs()] == [(5, LOG.root(5), AT + 60)]


def test_a_clock_that_went_back_gives_no_cosignature(opened: Store) -> None:
    add(opened, 0, 5, at=AT + 60)
    before = contents(opened.home)

    refused = add(opened, 5, 13, at=AT + 59)

    assert isinstance(refused, Refuse)
    assert refused.status == 503
    assert contents(opened.home) == before
    assert isinstance(add(opened, 5, 13, at=AT + 60), Cosigned)


def test_a_witness_does_not_witness_itself(tmp_path: Path) -> None:
    opened = begun(tmp_path / "w", algorithm="ml-dsa-44")

    with pytest.raises(Unacceptable, match="自己"):
        opened.trust([LOG.vkey, opened.cosigner.vkey], at=AT)

    assert opened.logs() == []


def test_two_logs_do_not_mix(opened: Store) -> None:
    opened.trust([OTHER.vkey], at=AT)
    add(opened, 0, 5)

    assert isinstance(add(opened, 0, 7, log=OTHER), Cosigned)
    assert [(log.origin, log.size) for log in opened.logs()] == [(OTHER.origin, 7), (LOG.origin, 5)]


@pytest.mark.parametrize(
    ("sizes", "log", "status", "kind"),
    [
        ((5, 13), LOG.change(2), 422, Contradiction.INCONSISTENT),
        ((5, 5), LOG.change(2), 422, Contradiction.FORK),
        ((0, 5), LOG.change(2), 409, Contradiction.FORK),
        ((0, 3), LOG.change(2), 409, Contradiction.FORK),
        ((0, 4), LOG, 409, Contradiction.ROLLBACK),
    ],
)
def test_a_contradiction_is_refused_kept_and_changes_no_head(
    opened: Store, sizes: tuple[int, int], log: GrowingLog, status: int, kind: Contradiction
) -> None:
    old, size = sizes
    add(opened, 0, 3)
    add(opened, 3, 5)
    before = opened.logs()

    verdict = add(opened, old, size, log=log, at=AT + 9)

    assert isinstance(verdict, Refuse)
    assert verdict.status == status
    (kept,) = opened.evidence()
    assert (kept.origin, kept.size, kept.root) == (LOG.origin, size, log.root(size))
    assert (kept.kind, kept.status, kept.first_at, kept.times) == (kind, status, AT + 9, 1)
    assert Request.parse(kept.request.encode()) == Request.parse(log.request(old=old, size=size))
    compared = size if kind == Contradiction.FORK else 5
    assert kept.against == str(LOG.head(compared))
    assert opened.logs() == before


def test_the_same_contradiction_again_is_only_counted(opened: Store) -> None:
    add(opened, 0, 5)
    for later in range(3):
        add(opened, 5, 5, log=LOG.change(2), at=AT + later)

    (kept,) = opened.evidence()
    assert (kept.times, kept.first_at, kept.last_at) == (3, AT, AT + 2)
    assert opened.evidence_count() == 1


def test_a_stolen_key_cannot_fill_the_disk(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_KEPT", 3)
    add(opened, 0, 5)

    said = [add(opened, 5, 5, log=LOG.change(index)) for index in range(5)]

    assert all(isinstance(answer, Refuse) and answer.status == 422 for answer in said)
    assert [kept.root for kept in opened.evidence()] == [
        LOG.change(index).root(5) for index in (2, 1, 0)
    ]


def test_a_head_refused_for_its_proof_and_cosigned_later_is_told_apart(opened: Store) -> None:
    add(opened, 0, 5)
    good = Request.parse(LOG.request(old=5, size=13))
    opened.add_checkpoint(Request(5, good.proof[:-1], good.note, good.checkpoint), at=AT)
    assert [kept.since_cosigned for kept in opened.evidence()] == [False]

    add(opened, 5, 13)

    assert [kept.since_cosigned for kept in opened.evidence()] == [True]


@pytest.mark.parametrize(
    "request_body",
    [
        OTHER.request(old=0, size=5),
        GrowingLog(LOG.origin, bytes([9] * 32)).request(old=0, size=5),
        LOG.request(old=3, size=9),
    ],
)
def test_what_no_trusted_log_signed_or_what_is_only_late_leaves_no_trace(
    opened: Store, request_body: bytes
) -> None:
    add(opened, 0, 5)
    before = contents(opened.home)

    assert isinstance(opened.add_checkpoint(Request.parse(request_body), at=AT), Refuse)
    assert contents(opened.home) == before


def test_a_key_out_of_force_signs_no_more_and_the_heads_stay(opened: Store) -> None:
    fresh = FileSigner.from_seed(LOG.origin, bytes([9] * 32))
    opened.trust([fresh.vkey], at=AT)
    add(opened, 0, 5)

    opened.distrust([LOG.vkey], at=AT + 1)

    refused = add(opened, 5, 13)
    assert isinstance(refused, Refuse)
    assert refused.status == 403
    (log,) = opened.logs()
    assert (log.keys, log.size) == ((fresh.vkey,), 5)
    grown = GrowingLog(LOG.origin, bytes([9] * 32))
    assert isinstance(add(opened, 5, 13, log=grown), Cosigned)


def test_a_key_may_come_back_into_force(opened: Store) -> None:
    opened.distrust([LOG.vkey], at=AT)
    opened.trust([LOG.vkey], at=AT + 1)

    assert isinstance(add(opened, 0, 5), Cosigned)


def test_what_is_no_key_of_a_log_is_not_trusted(opened: Store) -> None:
    before = contents(opened.home)

    with pytest.raises(Unacceptable) as refused:
        opened.trust([OTHER.vkey, "nonsense", opened.cosigner.vkey], at=AT)

    assert len(refused.value.reasons) == 2
    assert contents(opened.home) == before


def test_a_log_under_sm2_is_trusted_and_never_mixed_with_another_suite(opened: Store) -> None:
    opened.trust([SM2Signer.make(f"{LOG.origin}/sm").vkey], at=AT)
    before = contents(opened.home)

    with pytest.raises(Unacceptable, match="两套算法"):
        opened.trust([SM2Signer.make(LOG.origin).vkey], at=AT)

    assert contents(opened.home) == before
    assert [log.origin for log in opened.logs()] == [LOG.origin, f"{LOG.origin}/sm"]


def test_where_sm2_cannot_be_checked_no_such_log_is_trusted(
    opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    vkey = SM2Signer.make(f"{LOG.origin}/sm").vkey
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    sm2._library.cache_clear()
    try:
        with pytest.raises(Unacceptable, match="gmssl_pyx"):
            opened.trust([vkey], at=AT)
    finally:
        sm2._library.cache_clear()


def test_a_key_never_trusted_cannot_be_distrusted(opened: Store) -> None:
    with pytest.raises(Unacceptable, match=OTHER.origin):
        opened.distrust([LOG.vkey, OTHER.vkey], at=AT)

    assert isinstance(add(opened, 0, 5), Cosigned)


def test_the_table_itself_holds_one_root_a_size(opened: Store) -> None:
    add(opened, 0, 3)
    add(opened, 3, 5)

    with sqlite3.connect(opened.home / store.FILE) as database:
        for statement in (
            "UPDATE head SET root = zeroblob(32)",
            "DELETE FROM head",
            "UPDATE latest SET root = zeroblob(32)",
            "UPDATE latest SET size = 3",
            "INSERT INTO head SELECT origin, size, zeroblob(32), signed, at FROM head",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                database.execute(statement)


def test_key_and_store_are_readable_by_their_owner_only(opened: Store) -> None:
    assert (opened.home / keys.FILE).stat().st_mode & 0o777 == 0o600
    assert (opened.home / store.FILE).stat().st_mode & 0o777 == 0o600
    assert opened.home.stat().st_mode & 0o777 == 0o700


def test_the_key_is_never_shown(opened: Store) -> None:
    seed = (opened.home / keys.FILE).read_text().split()[-1]

    assert seed not in repr(opened)
    assert seed not in "".join(contents(opened.home))


def test_a_witness_is_begun_once(opened: Store) -> None:
    before = contents(opened.home)

    with pytest.raises(Conflict):
        store.make(opened.home, Cosigner.new("w1.example", "ed25519"), at=AT)

    assert contents(opened.home) == before
    assert Store.open(opened.home) == opened


def test_a_witness_that_lost_its_store_is_retired_and_not_begun_again(opened: Store) -> None:
    add(opened, 0, 5)
    (opened.home / store.FILE).unlink()

    with pytest.raises(Retired, match="另立见证"):
        Store.open(opened.home)
    with pytest.raises(Conflict):
        store.make(opened.home, Cosigner.new("w1.example", "ed25519"), at=AT)
    with pytest.raises(sqlite3.OperationalError):
        add(opened, 0, 5)
    assert not (opened.home / store.FILE).exists()


def test_a_witness_that_cosigned_and_lost_its_key_is_not_begun_again(opened: Store) -> None:
    add(opened, 0, 5)
    (opened.home / keys.FILE).unlink()

    with pytest.raises(Conflict, match="停用"):
        store.make(opened.home, Cosigner.new("w1.example", "ed25519"), at=AT)
    with pytest.raises(Conflict):
        Store.open(opened.home)
    assert len(contents(opened.home)) > 0


def test_a_beginning_that_was_stopped_before_the_key_can_be_made_again(tmp_path: Path) -> None:
    home = tmp_path / "w"
    begun(home)
    (home / keys.FILE).unlink()
    (home / f".{keys.FILE}.incoming").write_text("half")

    opened = begun(home, LOG)

    assert isinstance(add(opened, 0, 5), Cosigned)


def test_the_store_of_another_key_is_not_taken(tmp_path: Path, opened: Store) -> None:
    other = begun(tmp_path / "other")
    (other.home / keys.FILE).replace(opened.home / keys.FILE)

    with pytest.raises(Retired, match="另一个私钥"):
        Store.open(opened.home)


@pytest.mark.parametrize("length", [0, 100, 5000])
def test_a_damaged_store_is_not_taken(opened: Store, length: int) -> None:
    path = opened.home / store.FILE
    path.write_bytes(path.read_bytes()[:length])

    with pytest.raises(Retired):
        Store.open(opened.home)


@pytest.mark.parametrize(
    ("text", "said"), [("", "损坏"), ("LANTAI WITNESS KEY w 04 AAAA\n", "损坏"), ("\xff", "损坏")]
)
def test_a_damaged_key_is_not_taken(opened: Store, text: str, said: str) -> None:
    (opened.home / keys.FILE).write_text(text)

    with pytest.raises(Conflict, match=said):
        Store.open(opened.home)


def test_a_key_that_others_may_read_is_not_used(opened: Store) -> None:
    (opened.home / keys.FILE).chmod(0o644)

    with pytest.raises(Conflict, match="chmod 600"):
        Store.open(opened.home)


def test_a_name_that_no_key_may_bear_is_refused() -> None:
    for name in ("", "two words", "a+b", "tab\t"):
        with pytest.raises(NoteFault):
            Cosigner.new(name, "ed25519")


def test_a_cosignature_without_a_time_is_not_given(opened: Store) -> None:
    with pytest.raises(NoteFault):
        add(opened, 0, 5, at=0)

    assert [log.size for log in opened.logs()] == [None]
