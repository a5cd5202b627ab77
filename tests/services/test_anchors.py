"""Heads kept outside the program's reach, and what they tell when history was rewritten."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from ledger_factories import NOON, publish, record, rewrite
from timestamping import Authority

from lantai.ledger import anchors
from lantai.ledger.anchors import AnchorFault, DailyHeads, TimeStamps
from lantai.ledger.models import Head, SigningIntent
from lantai.lib import timestamp

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stamps") / "authority")


@contextmanager
def answering(authority: Authority) -> Iterator[str]:
    """The authority at an address of its own."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == timestamp.QUERY_TYPE
            content = authority.answer(question)
            self.send_response(200)
            self.send_header("Content-Type", timestamp.REPLY_TYPE)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def kept(*by: anchors.Anchor, days: int = 0) -> list[tuple[str, int, str, bool]]:
    found = anchors.anchor(anchors=by, at=NOON + timedelta(days=days))
    return [(one.stream, one.size, one.by, one.fresh) for one in found]


def test_a_day_has_one_line_and_lines_are_only_added(home: Path) -> None:
    record(3)
    head = publish()

    first = kept(DailyHeads())
    record()
    publish()
    again = kept(DailyHeads())
    next_day = kept(DailyHeads(), days=1)

    assert first == [("records", 3, "heads", True)]
    assert again == [("records", 4, "heads", False)]
    assert next_day == [("records", 4, "heads", True)]
    lines = (home / "log/records/anchors/heads").read_text().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("2026-11-25T04:00:00.123456+00:00 lantai.example/yuntai/records 3 ")
    assert lines[0].endswith(head.note.split("\n")[2])
    assert list(anchors.check_anchors()) == []


def test_a_torn_line_is_told_and_the_next_begins_on_its_own(home: Path) -> None:
    record(3)
    publish()
    kept(DailyHeads())
    path = home / "log/records/anchors/heads"
    path.write_text(path.read_text() + "2026-11-26T04:00")

    kept(DailyHeads(), days=2)

    assert len(path.read_text().splitlines()) == 3
    assert [(one.table, one.key, one.field) for one in anchors.check_anchors()] == [
        ("anchor", "records/heads:2", "line")
    ]


def test_a_history_signed_anew_differs_from_what_was_anchored(authority: Authority) -> None:
    record(3)
    publish()
    stamps = TimeStamps(authority.answer, timestamp.read_roots(authority.root))
    kept(DailyHeads(), stamps)
    rewrite(Head, {"size": 3}, root=bytes(32))
    rewrite(SigningIntent, {"size": 3}, root=bytes(32))

    found = list(anchors.check_anchors())

    assert [(one.table, one.key, one.field) for one in found] == [
        ("anchor", "records/heads:1", "head")
    ]
    assert found[0].since == "2026-11-25T04:00:00.123456+00:00"
    assert found[0].found.endswith("AAAAAAAAAAA=\n")


def test_a_stamp_is_asked_for_over_http_checked_and_kept_once(
    authority: Authority, settings: Any, home: Path
) -> None:
    record(3)
    head = publish()
    settings.LANTAI_TSA_ROOTS = authority.folder / "root.pem"
    with answering(authority) as address:
        settings.LANTAI_TSA = address

        first = kept(*anchors.configured())
        again = kept(*anchors.configured())

    assert ("records", 3, "rfc3161", True) in first
    assert ("records", 3, "rfc3161", False) in again
    token = anchors.token_for(stream="records", size=3)
    assert token == (home / "log/records/anchors/3.tsr").read_bytes()
    message = head.note.partition("\n\n")[0].encode() + b"\n"
    assert timestamp.verify_token(token, message, anchors.trusted_roots())
    assert anchors.token_for(stream="records", size=2) is None
    assert list(anchors.check_anchors()) == []


def test_a_stamp_over_another_history_is_told(authority: Authority, settings: Any) -> None:
    record(3)
    publish()
    settings.LANTAI_TSA_ROOTS = authority.folder / "root.pem"
    kept(TimeStamps(authority.answer, anchors.trusted_roots()))
    rewrite(Head, {"size": 3}, root=bytes(32))

    (found,) = anchors.check_anchors()

    assert (found.table, found.key, found.field) == ("anchor", "records/3.tsr", "token")
    assert "不是对这份内容所加" in found.found


def test_an_answer_that_proves_nothing_is_not_kept(
    authority: Authority, tmp_path: Path, home: Path
) -> None:
    record(3)
    publish()
    stranger = Authority(tmp_path / "stranger")

    with pytest.raises(AnchorFault, match="时间戳没有取得"):
        kept(TimeStamps(stranger.answer, timestamp.read_roots(authority.root)))

    assert not list(home.rglob("*.tsr"))


def test_an_authority_that_is_away_stops_nothing_else(home: Path) -> None:
    record(3)
    publish()
    away = anchors.over_http("http://127.0.0.1:9/")

    with pytest.raises(AnchorFault, match="时间戳没有取得"):
        kept(DailyHeads(), TimeStamps(away, ()))

    assert (home / "log/records/anchors/heads").exists()
    record()
    assert publish().size == 4


def test_settings_that_cannot_be_worked_by_are_refused(settings: Any, tmp_path: Path) -> None:
    settings.LANTAI_TSA = "http://127.0.0.1:9/"
    with pytest.raises(AnchorFault, match="LANTAI_TSA_ROOTS"):
        anchors.configured()
    settings.LANTAI_TSA_ROOTS = tmp_path / "absent.pem"
    with pytest.raises(AnchorFault, match="不可用"):
        anchors.configured()
    with pytest.raises(AnchorFault, match="http"):
        anchors.over_http("ftp://example/")


def test_anchors_may_stand_on_another_medium(settings: Any, tmp_path: Path) -> None:
    record(3)
    publish()
    settings.LANTAI_ANCHORS = tmp_path / "medium"

    kept(DailyHeads())

    assert (tmp_path / "medium/records/heads").exists()
