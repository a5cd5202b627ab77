"""After a power cut at any moment: keys, incidents, anchors, a witness's store are old or new."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import power
import pytest

from lantai import settings as installation
from lantai.certificates import sealing
from lantai.ledger import anchors, incidents, keys
from lantai.ledger.incidents import Incident
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.suite import INTL, SM, LogSuite
from lantai.witness import keys as witness_keys
from lantai.witness.keys import Cosigner
from lantai.witness.store import Store, make

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
AT = int(NOON.timestamp())
LOG = "lantai.example/records"
INCIDENT = Incident(
    stream="records",
    witness="w1",
    status=409,
    size=3,
    why="已见证到 5 条",
    proven=True,
    asked="asked",
    shown="shown",
    at=NOON.isoformat(),
)


@pytest.mark.parametrize("suite", [INTL, SM], ids=lambda suite: suite.name)
def test_the_first_key_of_a_log_is_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suite: LogSuite
) -> None:
    origin = suite.origin(LOG)
    with power.watched(tmp_path / "home", monkeypatch) as watch:
        made = keys.signer_of(tmp_path / "home", "records", origin, may_make=True, suite=suite)
        watch.acknowledge()

    examined = 0
    for acts, home in watch.remade(tmp_path / "cut"):
        examined += 1
        signer = keys.signer_of(home, "records", origin, may_make=acts == 0, suite=suite)
        assert not acts or signer.vkey == made.vkey
        assert {path.name for path in (home / "keys").glob("*.key")} == {
            f"log-records{suite.suffix.replace('/', '-')}.key"
        }
        told = keys.verifiers_of(home, "records", origin, suite)
        assert [str(key) for key in told] == [signer.vkey]
        public = (home / "keys" / f"log-records{suite.suffix.replace('/', '-')}.vkey").read_text()
        assert public.strip() == signer.vkey

    assert examined > 10


def test_a_change_of_key_ends_with_both_keys_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys.signer_of(tmp_path / "home", "records", LOG, may_make=True)
    with power.watched(tmp_path / "home", monkeypatch) as watch:
        fresh = keys.next_of(tmp_path / "home", "records", LOG)
        watch.acknowledge()  # the log may name it from now on
        keys.put_next_in_force(tmp_path / "home", "records", INTL, until=date(2026, 12, 2))
        watch.acknowledge()

    examined = 0
    for acts, home in watch.remade(tmp_path / "cut"):
        examined += 1
        signer = keys.signer_of(home, "records", LOG, may_make=False)
        assert signer.vkey in {before.vkey, fresh.vkey}
        if signer.vkey == before.vkey:
            following = keys.next_of(home, "records", LOG)
            assert following.vkey == fresh.vkey or not acts
        keys.put_next_in_force(home, "records", INTL, until=date(2026, 12, 2))
        both = keys.signers_of(home, "records", LOG, at=NOON, may_make=False)
        assert {held.vkey for held in both} >= {before.vkey}
        if acts:
            assert both[0].vkey == fresh.vkey
            known = keys.verifiers_of(home, "records", LOG)
            assert {str(key) for key in known} == {before.vkey, fresh.vkey}

    assert examined > 20


def test_an_incident_stops_a_stream_until_it_is_lifted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with power.watched(tmp_path / "home", monkeypatch) as watch:
        incidents.keep(tmp_path / "home", INCIDENT)
        watch.acknowledge()
        incidents.stop(tmp_path / "home", INCIDENT)
        watch.acknowledge()
        incidents.lift(tmp_path / "home", "records")
        watch.acknowledge()

    examined = 0
    for acts, home in watch.remade(tmp_path / "cut"):
        examined += 1
        kept, stopped = incidents.kept(home), incidents.standing(home, "records")
        assert kept in ({(INCIDENT,)} if acts else {(), (INCIDENT,)})
        assert stopped in ((None, INCIDENT), (None, INCIDENT), (INCIDENT, None), (None,))[acts]
        incidents.keep(home, INCIDENT)
        assert incidents.kept(home) == (INCIDENT,)

    assert examined > 12


def test_a_head_anchored_today_stands_in_a_whole_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    days = [NOON, NOON + timedelta(days=1)]
    heads = [Checkpoint(LOG, size, bytes([size]) * 32) for size in (3, 9)]
    settings.LANTAI_ANCHORS = tmp_path / "home" / "anchors"
    with power.watched(tmp_path / "home", monkeypatch) as watch:
        for head, day in zip(heads, days, strict=True):
            anchors.DailyHeads().keep(stream="records", head=head, at=day)
            watch.acknowledge()

    examined = 0
    for acts, home in watch.remade(tmp_path / "cut"):
        examined += 1
        settings.LANTAI_ANCHORS = home / "anchors"
        for head, day in list(zip(heads, days, strict=True))[acts:]:
            anchors.DailyHeads().keep(stream="records", head=head, at=day)
        lines = (home / "anchors" / "records" / anchors.HEADS).read_text().splitlines()
        whole = [line.split(" ") for line in lines if line.count(" ") == 3]
        assert [(parts[1], parts[2]) for parts in whole if len(parts[3]) == 44] == [
            (LOG, "3"),
            (LOG, "9"),
        ]

    assert examined > 10


def test_a_witness_never_has_a_key_without_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cosigner = Cosigner.new("witness.example/w1", "ed25519")
    with power.watched(
        tmp_path / "home", monkeypatch, durable=lambda path: "witness.db" in path
    ) as watch:
        make(tmp_path / "home" / "witness", cosigner, at=AT)
        watch.acknowledge()

    examined = 0
    for acts, home in watch.remade(tmp_path / "cut"):
        examined += 1
        if acts or (home / "witness" / witness_keys.FILE).exists():
            (home / "witness" / witness_keys.FILE).chmod(0o600)
            assert Store.open(home / "witness").cosigner.vkey == cosigner.vkey
        else:
            make(home / "witness", cosigner, at=AT)
            assert Store.open(home / "witness").cosigner.vkey == cosigner.vkey

    assert examined > 5


def test_the_seal_of_certificates_has_both_its_files_or_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sealed(home: Path) -> bytes:
        key, certificate = sealing._keys(home, issuer="某某档案馆", at=NOON)
        assert b"PRIVATE KEY" in key.read_bytes()
        return certificate.read_bytes()

    with power.watched(tmp_path / "home", monkeypatch) as watch:
        made = sealed(tmp_path / "home")
        watch.acknowledge()

    examined = 0
    for acts, home in watch.remade(tmp_path / "cut"):
        examined += 1
        assert sealed(home) == made or not acts

    assert examined > 10


def test_the_session_key_is_whole_or_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LANTAI_SECRET")
    monkeypatch.setattr(installation, "LANTAI_HOME", tmp_path / "home")
    with power.watched(tmp_path / "home", monkeypatch) as watch:
        made = installation._secret()
        watch.acknowledge()

    examined = 0
    for acts, home in watch.remade(tmp_path / "cut"):
        examined += 1
        monkeypatch.setattr(installation, "LANTAI_HOME", home)
        assert len(installation._secret()) == len(made)
        assert not acts or installation._secret() == made

    assert examined > 3
