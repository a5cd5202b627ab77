"""Real witness processes, one down, one that dribbles; a directory put back; a stop half-way."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ledger_factories import NOON, differences, publish, record, roll_back_to
from quorum_factories import forget_the_files, key_of, lines_under, policy_text, set_policy
from witness_factories import RunningWitness, lantai_witness, new_witness, running_witness, serving

from lantai.ledger import finality, incidents, queries, services, witnesses
from lantai.ledger.models import STREAMS, Entry, Head
from lantai.ledger.queries import RolledBack
from lantai.lib.tlog.note import VerifierKey
from lantai.ops.sealing import Sealer, ask_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def peers(settings: Any, tmp_path: Path) -> Iterator[list[RunningWitness]]:
    """Three witness processes that know our keys, and a policy that wants all of them."""
    record()
    record(stream="access")
    services.publish(at=NOON)
    logs = [queries.verifier_key(stream=stream) for stream in STREAMS]
    with ExitStack() as running:
        made = [
            running.enter_context(
                running_witness(tmp_path / f"w{number}", name=f"w{number}.example", logs=logs)
            )
            for number in (1, 2, 3)
        ]
        set_policy(settings, policy_text(made))
        yield made


@dataclass
class Place:
    """An address of no witness."""

    key: VerifierKey
    address: str


@contextlib.contextmanager
def dribbling() -> Iterator[Place]:
    """A server that answers a byte at a time and comes to no end."""
    listening = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def dribble() -> None:
        with contextlib.suppress(OSError):
            talking, _ = listening.accept()
            with talking:
                talking.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while not ended.wait(0.2):
                    talking.sendall(b"\xe2")

    thread = threading.Thread(target=dribble)
    thread.start()
    try:
        yield Place(key_of("slow.example"), f"http://127.0.0.1:{listening.getsockname()[1]}")
    finally:
        ended.set()
        listening.close()
        thread.join()


def test_real_witnesses_make_an_entry_final_and_the_bundle_of_proofs_carries_them(
    peers: list[RunningWitness], home: Path
) -> None:
    entry = record(300)
    Sealer().seal()

    standing = finality.standing_of(entry)

    assert standing.said == "已见证（3/3）"
    assert lines_under((home / "log/records/checkpoint").read_text()) == 4
    assert lines_under((home / "log/access/checkpoint").read_text()) == 4
    assert finality.provisional_since() is None
    assert differences() == []


def test_a_witness_that_is_down_is_named_and_catches_up(
    peers: list[RunningWitness], tmp_path: Path, settings: Any
) -> None:
    Sealer().seal()
    peers[2].kill()
    entry = record(5)
    row = ask_now()
    without = finality.standing_of(entry)
    with serving(tmp_path / "w3", peers[2].vkey) as back:
        set_policy(settings, policy_text([*peers[:2], back]))

        after = ask_now()

    assert not row["final"]
    assert [state["error"] for state in row["witnesses"]] == [
        *["", "", "", ""],
        "见证方没有应答：连接被拒绝",
        "见证方没有应答：连接被拒绝",
    ]
    assert without.said == "暂定（见证 2/3，待法定数）"
    assert after["final"]
    assert finality.standing_of(entry).final


def test_a_directory_put_back_whole_is_found_out_before_it_signs(
    peers: list[RunningWitness], home: Path
) -> None:
    record(4)
    Sealer().seal()
    roll_back_to(2)
    forget_the_files(home)
    publish()  # as the old backup stood, with its own checkpoint
    record(stream="records")

    with pytest.raises(RolledBack, match="见证方称已见证到 5 条，而本日志只有 2 条"):
        Sealer().seal()

    assert [head.size for head in Head.objects.filter(stream="records")] == [2, 1]
    assert {each.witness for each in incidents.kept(home) if each.proven} == {"w1", "w2", "w3"}
    assert Entry.objects.filter(action="ledger.witness.refused").count() == 3


def test_a_witness_that_dribbles_is_cut_off_and_the_others_count(
    peers: list[RunningWitness], settings: Any
) -> None:
    entry = record()
    publish()
    with dribbling() as slow:
        set_policy(settings, policy_text([slow, *peers], least="3"))
        began = time.monotonic()

        heard = witnesses.collect(stream="records", at=NOON)

        took = time.monotonic() - began
    assert heard.cosigned == ("w1", "w2", "w3")
    assert heard.words[0].error == "见证方没有应答：5 秒内未答复"
    assert took < 2 * witnesses.LONGEST_WAIT
    assert finality.standing_of(entry).said == "已见证（3/4）"


def test_a_witness_that_does_not_know_the_log_says_what_to_do(
    peers: list[RunningWitness], settings: Any, tmp_path: Path
) -> None:
    entry = record()
    publish()
    new_witness(tmp_path / "w4", name="w4.example")
    with serving(tmp_path / "w4", _vkey(tmp_path / "w4")) as stranger:
        set_policy(settings, policy_text([*peers, stranger]))

        heard = witnesses.collect(stream="records", at=NOON)

    assert "尚未登记本日志" in heard.words[3].error
    assert finality.standing_of(entry).said == "暂定（见证 3/4，待法定数）"


def _vkey(home: Path) -> str:
    return str(json.loads(lantai_witness("state", home, "--json").stdout)["vkey"])
