"""A witness process asked over the network."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from witness_factories import (
    Answered,
    GrowingLog,
    RunningWitness,
    lantai_witness,
    new_witness,
    running_witness,
    serving,
)

from lantai.lib.tlog import cosignature, note, witness
from lantai.witness import server, store, worker

OTHER = GrowingLog("lantai.example/stranger/records", bytes([7] * 32))
SIZE_TYPE = "text/x.tlog.size"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWitness]:
    home = tmp_path_factory.mktemp("witness") / "w1"
    with running_witness(home, name="w1.example") as running:
        yield running


@pytest.fixture
def log(process: RunningWitness, request: pytest.FixtureRequest) -> GrowingLog:
    """A log of this test alone, trusted by the running witness."""
    fresh = GrowingLog(f"lantai.example/{request.node.name}/records")
    trusted = lantai_witness("trust", process.home, fresh.vkey)
    assert trusted.returncode == 0, trusted.stderr
    return fresh


def evidence_of(process: RunningWitness, log: GrowingLog) -> list[dict[str, object]]:
    return [row for row in process.read("/evidence").row["evidence"] if row["origin"] == log.origin]


def size_of(process: RunningWitness, log: GrowingLog) -> int | None:
    (found,) = (row for row in process.read("/state").row["logs"] if row["origin"] == log.origin)
    size: int | None = found["size"]
    return size


def test_growth_is_cosigned(process: RunningWitness, log: GrowingLog) -> None:
    for old, size in ((0, 0), (0, 5), (5, 5), (5, 13), (13, 64)):
        answer = process.ask(log.request(old=old, size=size))

        assert answer.status == 200
        assert process.cosigned(answer, log.text(size))


def test_the_last_cosigned_checkpoint_is_shown_with_both_signatures(
    process: RunningWitness, log: GrowingLog
) -> None:
    assert process.read(log.address).status == 404

    answer = process.ask(log.request(old=0, size=5))

    shown = process.read(log.address)
    assert shown.status == 200
    read = note.parse(shown.body)
    assert note.verified(read, [log.signer.key]) == (log.signer.key,)
    assert len(cosignature.cosignatures(read, (process.key,))) == 1
    assert shown.body.endswith(answer.body)


def test_a_rewritten_entry_is_refused_and_kept(process: RunningWitness, log: GrowingLog) -> None:
    process.ask(log.request(old=0, size=5))

    answer = process.ask(log.change(2).request(old=5, size=13))

    assert answer.status == 422
    (kept,) = evidence_of(process, log)
    assert (kept["kind"], kept["size"]) == ("inconsistent", 13)
    assert kept["request"] == log.change(2).request(old=5, size=13).decode()
    assert kept["against"] == str(log.head(5))
    assert size_of(process, log) == 5


def test_a_fork_at_the_same_size_is_refused_and_proves_itself(
    process: RunningWitness, log: GrowingLog
) -> None:
    process.ask(log.request(old=0, size=5))

    answer = process.ask(log.change(2).request(old=5, size=5))

    assert answer.status == 422
    (kept,) = evidence_of(process, log)
    assert kept["kind"] == "fork"
    one = note.parse(str(kept["against"]))
    other = witness.Request.parse(str(kept["request"]).encode())
    for signed in (one, other.note):
        assert note.verified(signed, [log.signer.key]) == (log.signer.key,)
    assert one.text != other.note.text
    assert other.checkpoint.size == 5


def test_a_log_that_went_back_is_told_the_size(process: RunningWitness, log: GrowingLog) -> None:
    process.ask(log.request(old=0, size=13))

    answer = process.ask(log.request(old=3, size=5))

    assert answer == Answered(409, SIZE_TYPE, b"13\n")
    (kept,) = evidence_of(process, log)
    assert (kept["kind"], kept["size"], kept["status"]) == ("rollback", 5, 409)
    assert size_of(process, log) == 13


def test_a_log_that_forgot_the_size_is_told_it_and_goes_on(
    process: RunningWitness, log: GrowingLog
) -> None:
    process.ask(log.request(old=0, size=5))

    told = process.ask(log.request(old=0, size=13))

    assert told == Answered(409, SIZE_TYPE, b"5\n")
    assert evidence_of(process, log) == []
    assert process.ask(log.request(old=int(told.body), size=13)).status == 200


def test_of_two_histories_sent_at_once_one_is_cosigned(
    process: RunningWitness, log: GrowingLog
) -> None:
    process.ask(log.request(old=0, size=5))
    histories = [log, *(log.change(at) for at in range(5, 12))]

    with ThreadPoolExecutor(len(histories)) as callers:
        answers = list(callers.map(lambda one: process.ask(one.request(old=5, size=13)), histories))

    assert sorted(answer.status for answer in answers) == [200] + [409] * 7
    won = next(at for at, answer in enumerate(answers) if answer.status == 200)
    assert process.cosigned(answers[won], histories[won].text(13))
    assert note.parse(process.read(log.address).body).text == histories[won].text(13)
    assert {row["kind"] for row in evidence_of(process, log)} == {"fork"}
    assert len(evidence_of(process, log)) == 7


def test_an_unknown_log_and_a_foreign_signature_leave_no_trace(
    process: RunningWitness, log: GrowingLog
) -> None:
    before = process.read("/evidence").body

    forger = GrowingLog(log.origin, bytes([9] * 32))
    assert process.ask(OTHER.request(old=0, size=5)).status == 404
    assert process.ask(forger.request(old=0, size=5)).status == 403

    assert process.read("/evidence").body == before
    assert size_of(process, log) is None


@pytest.mark.parametrize("body", [b"", b"garbage", b"\xff\xfe\x00", b"old 5\n\n", b"\n" * 1000])
def test_garbage_is_malformed(process: RunningWitness, body: bytes) -> None:
    assert process.ask(body).status == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_heads_are_only_posted(process: RunningWitness, method: str) -> None:
    assert process.call(method, "/add-checkpoint").status == 405


@pytest.mark.parametrize("path", ["/", "/state", "/evidence", f"/{'0' * 64}/checkpoint"])
def test_what_is_read_is_not_written(process: RunningWitness, path: str) -> None:
    assert process.call("POST", path, b"x").status == 405


@pytest.mark.parametrize("path", ["/nothing", "/../etc", f"/{'A' * 64}/checkpoint", "/checkpoint"])
def test_there_is_nothing_else(process: RunningWitness, path: str) -> None:
    assert process.read(path).status == 404


def test_a_body_larger_than_any_request_is_not_read(
    process: RunningWitness, log: GrowingLog
) -> None:
    declared = process.ask(b"x" * (server.MAX_BODY + 1))
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=30)
    with contextlib.closing(connection):
        pieces = (b"x" * 4096 for _ in range(server.MAX_BODY // 4096 + 1))
        with contextlib.suppress(ConnectionError):  # it may hang up before all is sent
            connection.request("POST", "/add-checkpoint", pieces, encode_chunked=True)
        undeclared = connection.getresponse().status

    assert (declared.status, undeclared) == (413, 413)
    assert process.ask(log.request(old=0, size=5)).status == 200


def test_callers_who_fall_silent_do_not_keep_others_waiting_for_long(
    process: RunningWitness, log: GrowingLog
) -> None:
    half = [b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n"]
    half.append(half[0] + b"Content-Length: 1000\r\n\r\nold 5")
    with contextlib.ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection(("127.0.0.1", process.port)))
            for _ in range(server.THREADS)
        ]
        for at, caller in enumerate(silent):
            caller.sendall(half[at % 2])

        started = time.monotonic()
        for old, size in ((0, 5), (5, 8), (8, 13)):
            assert process.ask(log.request(old=old, size=size)).status == 200
        assert time.monotonic() - started < worker.WITHIN + 2


def test_a_caller_who_does_not_hang_up_keeps_nobody_waiting(
    process: RunningWitness, log: GrowingLog
) -> None:
    asked = b"GET /state HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n"
    with contextlib.ExitStack() as stack:
        started = time.monotonic()
        for _ in range(8):
            caller = stack.enter_context(socket.create_connection(("127.0.0.1", process.port)))
            caller.sendall(asked)
            assert caller.recv(12) == b"HTTP/1.1 200"

        assert process.ask(log.request(old=0, size=5)).status == 200
        assert time.monotonic() - started < 2


def test_one_connection_carries_many_requests(process: RunningWitness, log: GrowingLog) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=30)
    with contextlib.closing(connection):
        connection.connect()
        used = connection.sock
        for old, size in ((0, 5), (5, 13), (13, 21)):
            connection.request("POST", "/add-checkpoint", log.request(old=old, size=size))
            answer = connection.getresponse()
            assert (answer.status, len(answer.read()) > 0) == (200, True)

        assert connection.sock is used


def test_the_state_is_told_to_people_and_to_the_command_line(
    process: RunningWitness, log: GrowingLog
) -> None:
    process.ask(log.request(old=0, size=5))
    process.ask(log.change(2).request(old=5, size=5))

    page = process.read("/").body.decode()
    state = json.loads(lantai_witness("state", process.home, "--json").stdout)
    rows = lantai_witness("evidence", process.home, "--json").stdout.splitlines()
    told = lantai_witness("evidence", process.home).stdout

    assert f"日志 {log.origin}：已见证 5 条" in page
    assert process.vkey in page
    assert state == process.read("/state").row
    assert [json.loads(row) for row in rows] == process.read("/evidence").row["evidence"]
    assert f"{log.origin}：分叉" in told


def test_a_key_out_of_force_is_refused_with_the_next_request(
    process: RunningWitness, log: GrowingLog
) -> None:
    fresh = GrowingLog(log.origin, bytes([9] * 32))
    process.ask(log.request(old=0, size=5))

    assert lantai_witness("trust", process.home, fresh.vkey).returncode == 0
    assert process.ask(fresh.request(old=5, size=8)).status == 200
    assert lantai_witness("distrust", process.home, log.vkey).returncode == 0

    assert process.ask(log.request(old=8, size=13)).status == 403
    assert process.ask(fresh.request(old=8, size=13)).status == 200


def test_a_witness_whose_store_is_taken_away_cosigns_nothing_more(tmp_path: Path) -> None:
    log = GrowingLog()
    home = tmp_path / "w"
    with running_witness(home, name="w.example", logs=[log.vkey]) as process:
        assert process.ask(log.request(old=0, size=5)).status == 200
        (home / store.FILE).unlink()

        assert process.ask(log.request(old=5, size=13)).status == 503
        assert process.ask(log.change(2).request(old=0, size=13)).status == 503

    again = lantai_witness("serve", home, "--port", "0")
    assert again.returncode == 1
    assert "另立见证" in again.stderr
    assert not (home / store.FILE).exists()


def test_a_witness_stopped_and_served_again_remembers(tmp_path: Path) -> None:
    log = GrowingLog()
    home = tmp_path / "w"
    vkey = new_witness(home, name="w.example", logs=[log.vkey], algorithm="ml-dsa-44")
    with serving(home, vkey) as process:
        assert process.ask(log.request(old=0, size=5)).status == 200

    with serving(home, vkey) as process:
        assert process.ask(log.change(2).request(old=5, size=13)).status == 422
        answer = process.ask(log.request(old=5, size=13))
        assert answer.status == 200
        assert process.cosigned(answer, log.text(13))


def test_a_witness_needs_nothing_of_the_application(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['django'] = None;"
        "from lantai.ops.main import main; import lantai.witness.worker;"
        f"code = main(['witness', 'init', '--home', {str(tmp_path / 'w')!r}, '--name', 'w']);"
        "code += main(['witness', 'state', '--home', sys.argv[1]]);"
        "print([name for name in sys.modules if name.endswith(('.models', '.settings'))]);"
        "sys.exit(code)"
    )
    application = tmp_path / "application"
    application.mkdir()

    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "w")],
        env={**os.environ, "LANTAI_HOME": str(application)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "[]"
    assert list(application.iterdir()) == []


def test_a_port_that_is_taken_is_wrong_use(process: RunningWitness) -> None:
    second = lantai_witness("serve", process.home, "--port", str(process.port))

    assert second.returncode == 2
    assert "换一个端口" in second.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["init"], "--name"),
        (["init", "--name", "two words"], "不能用"),
        (["trust"], "VKEY"),
        (["trust", "nonsense"], "init"),
        (["state"], "init"),
        (["fly"], "fly"),
    ],
)
def test_wrong_use_is_told(tmp_path: Path, words: list[str], said: str) -> None:
    ended = lantai_witness(words[0], tmp_path / "none", *words[1:])

    assert ended.returncode in (1, 2)
    assert said in ended.stderr
    assert not (tmp_path / "none" / store.FILE).exists()
