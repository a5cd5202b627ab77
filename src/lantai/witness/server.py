"""The witness on the network: a WSGI application over one store.

    POST /add-checkpoint                     C2SP tlog-witness
    GET  /<sha256 of the origin>/checkpoint  the last cosigned checkpoint
    GET  /evidence                           what was refused though a log had signed it (JSON)
    GET  /state                              logs and how far they were cosigned (JSON)
    GET  /                                   the same for a person

A witness is told origins, sizes and hashes: nothing about persons. It asks nobody who they are; a
log's signature is the only pass. Nothing of a caller is written down.
"""

import contextlib
import json
import re
import socket
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIEnvironment

from lantai.lib.tlog import sm2
from lantai.lib.tlog.witness import SIZE_TYPE, Refuse, Request, RequestFault
from lantai.witness.store import Cosigned, Store

MAX_BODY: Final = 256 * 1024  # bytes: 63 hashes and 64 of the longest signatures known
THREADS: Final = 32
BACKLOG: Final = 128
_CHECKPOINT: Final = re.compile(r"/([0-9a-f]{64})/checkpoint")
_PLAIN: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json"


@dataclass(frozen=True)
class Answer:
    status: HTTPStatus
    body: bytes
    type: str = _PLAIN
    allow: str = ""


class TooMuch(Exception):
    """A body is larger than any request can be."""


@dataclass(frozen=True)
class Application:
    """Answers for one store; ``now`` gives the POSIX second, ``held`` keeps its file open."""

    store: Store
    now: Callable[[], int]
    held: sqlite3.Connection

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        try:
            answer = self._answer(environ)
        except (sqlite3.Error, sm2.Unavailable) as failure:
            # Not kept, so not cosigned: the caller may come again, the operator must look.
            environ["wsgi.errors"].write(f"见证无法作证：{failure}\n")
            answer = Answer(HTTPStatus.SERVICE_UNAVAILABLE, b"the witness cannot keep its word\n")
        headers = [
            ("Content-Type", answer.type),
            ("Content-Length", str(len(answer.body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        if answer.allow:
            headers.append(("Allow", answer.allow))
        start(f"{answer.status.value} {answer.status.phrase}", headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if path == "/add-checkpoint":
            return self._add(environ) if method == "POST" else _wrong_method("POST")
        if (read := self._reading(path)) is None:
            return _said(HTTPStatus.NOT_FOUND, "there is nothing here")
        return read() if method in ("GET", "HEAD") else _wrong_method("GET, HEAD")

    def _reading(self, path: str) -> Callable[[], Answer] | None:
        plain = {"/": self._told, "/state": self._state, "/evidence": self._evidence}
        if path in plain:
            return plain[path]
        found = _CHECKPOINT.fullmatch(path)
        return (lambda: self._checkpoint(found[1])) if found else None

    def _add(self, environ: WSGIEnvironment) -> Answer:
        try:
            body = _body(environ)
        except TooMuch:
            hear_no_more(environ["gunicorn.socket"])  # nor read to its end by the server
            return _said(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MAX_BODY} bytes")
        try:
            request = Request.parse(body)
        except RequestFault as strange:
            return _said(HTTPStatus.BAD_REQUEST, str(strange))
        verdict = self.store.add_checkpoint(request, at=self.now())
        if isinstance(verdict, Cosigned):
            return Answer(HTTPStatus.OK, verdict.lines.encode())
        return _refused(verdict)

    def _checkpoint(self, address: str) -> Answer:
        text = self.store.checkpoint_at(address)
        if text is None:
            return _said(HTTPStatus.NOT_FOUND, "no checkpoint of this log was cosigned here")
        return Answer(HTTPStatus.OK, text.encode())

    def _evidence(self) -> Answer:
        return _as_json(evidence_of(self.store))

    def _state(self) -> Answer:
        return _as_json(state_of(self.store))

    def _told(self) -> Answer:
        return Answer(HTTPStatus.OK, told(state_of(self.store)).encode())


def application(home: str) -> Application:
    """For gunicorn: the application over a home. Raises Retired if it may not cosign."""
    store = Store.open(Path(home))
    return Application(store, now=lambda: int(time.time()), held=store.hold())


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen, for a process to come; 0 takes a free port. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    listening.set_inheritable(True)
    return listening


def hear_no_more(caller: socket.socket) -> None:
    """Let every read of the socket end from now on."""
    with contextlib.suppress(OSError):  # it has hung up already
        caller.shutdown(socket.SHUT_RD)


def command(home: Path, listening: socket.socket, *, python: str) -> list[str]:
    """The words that start the server on a socket already listening."""
    return [
        *(python, "-m", "gunicorn", f"lantai.witness.server:application({str(home)!r})"),
        *("--bind", f"fd://{listening.fileno()}", "--workers", "1", "--no-control-socket"),
        *("--worker-class", "lantai.witness.worker.Worker", "--threads", str(THREADS)),
        *("--limit-request-line", "512", "--limit-request-fields", "40"),
        *("--keep-alive", "30"),
        *("--limit-request-field_size", "2048", "--log-level", "error"),
        *("--graceful-timeout", "5"),
    ]


def state_of(store: Store) -> dict[str, Any]:
    """The logs and how far they were cosigned, ready for JSON."""
    return {
        "name": store.cosigner.name,
        "vkey": store.cosigner.vkey,
        "logs": [
            {
                "origin": log.origin,
                "keys": list(log.keys),
                "size": log.size,
                "root": log.root.hex() if log.root is not None else None,
                "at": _moment(log.at) if log.at is not None else None,
            }
            for log in store.logs()
        ],
        "evidence": store.evidence_count(),
    }


def evidence_of(store: Store) -> dict[str, Any]:
    """The kept contradictions, the newest first, ready for JSON."""
    rows = [
        {
            **asdict(kept),
            "root": kept.root.hex(),
            "first_at": _moment(kept.first_at),
            "last_at": _moment(kept.last_at),
        }
        for kept in store.evidence()
    ]
    return {"vkey": store.cosigner.vkey, "total": store.evidence_count(), "evidence": rows}


def told(state: dict[str, Any]) -> str:
    """The state in sentences."""
    lines = [f"兰台日志见证 {state['name']}", f"公钥 {state['vkey']}", ""]
    for log in state["logs"]:
        force = "" if log["keys"] else "（已不再信任其公钥）"
        if log["size"] is None:
            lines.append(f"日志 {log['origin']}{force}：尚未见证")
        else:
            lines.append(
                f"日志 {log['origin']}{force}：已见证 {log['size']} 条，"
                f"根 {log['root'][:16]}…，{log['at']}"
            )
    if not state["logs"]:
        lines.append("尚未信任任何日志；请执行 lantai witness trust")
    kept = state["evidence"]
    lines += ["", f"留存的矛盾请求 {kept} 件" + ("：见 /evidence，请报告监督单位" if kept else "")]
    return "\n".join(lines) + "\n"


def _refused(verdict: Refuse) -> Answer:
    if verdict.size is not None:
        return Answer(verdict.status, f"{verdict.size}\n".encode(), SIZE_TYPE)
    return _said(verdict.status, verdict.why)


def _body(environ: WSGIEnvironment) -> bytes:
    """Read the body, whole or as far as it came in time. Raises TooMuch."""
    declared = environ.get("CONTENT_LENGTH") or "0"
    if declared.isdecimal() and int(declared) > MAX_BODY:
        raise TooMuch
    whole: bytes = environ["wsgi.input"].read(MAX_BODY + 1)
    if len(whole) > MAX_BODY:
        raise TooMuch
    return whole


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _said(status: HTTPStatus, why: str) -> Answer:
    return Answer(status, f"{why}\n".encode())


def _wrong_method(allowed: str) -> Answer:
    return Answer(HTTPStatus.METHOD_NOT_ALLOWED, f"only {allowed}\n".encode(), allow=allowed)


def _as_json(row: dict[str, Any]) -> Answer:
    return Answer(HTTPStatus.OK, json.dumps(row, ensure_ascii=False).encode(), _JSON)
