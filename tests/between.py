"""A relay between a client of S3 and its server, that goes wrong on purpose.

Every request passes through ``rule``, which says what becomes of it: it is passed on, with or
without a header; answered by the relay itself; passed on and then not answered. A request whose
headers change is signed anew, as the server it stands for would never have looked at them.
"""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import seaweed
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    number: int
    method: str
    path: str
    headers: dict[str, str]

    @property
    def key(self) -> str:
        """The key in the bucket, without what is asked of it."""
        return urlsplit(self.path).path.split("/", 2)[-1]


@dataclass(frozen=True)
class Answer:
    """The relay's own answer; the server never hears of the request."""

    status: int
    body: bytes = b""


@dataclass(frozen=True)
class Without:
    """The request without some headers, signed anew."""

    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cut:
    """The server does what it was asked, but its answer ends after so many bytes of the body.

    ``before_status`` ends it before anything was said.
    """

    after: int = 0
    before_status: bool = False
    then: Callable[[], None] | None = None


Rule = Callable[[Asked], Answer | Without | Cut | None]


@dataclass
class Relay:
    """A relay that runs; what was asked is in ``asked``, in the order it came."""

    address: str
    rule: Rule
    asked: list[Asked] = field(default_factory=list)

    def puts(self) -> list[str]:
        return [one.key for one in self.asked if one.method == "PUT"]


@contextmanager
def relay(to: str, rule: Rule = lambda asked: None) -> Iterator[Relay]:
    """Run a relay to a server."""
    lock = threading.Lock()
    target = urlsplit(to).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            with lock:
                asked = Asked(len(running.asked), self.command, self.path, dict(self.headers))
                running.asked.append(asked)
            try:
                self._answer(running.rule(asked), asked, body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client has gone

        def _answer(self, ruled: Answer | Without | Cut | None, asked: Asked, body: bytes) -> None:
            if isinstance(ruled, Answer):
                self._say(ruled.status, {}, ruled.body)
                return
            headers = asked.headers
            if isinstance(ruled, Without):
                headers = _signed_anew(asked, body, to, ruled.headers)
            status, told, held = _ask(target, asked, headers, body)
            if isinstance(ruled, Cut):
                if ruled.then:
                    ruled.then()
                if not ruled.before_status:
                    self._say(status, told, held, cut=ruled.after)
                self.close_connection = True
                self.connection.close()
                return
            self._say(status, told, held)

        def _say(
            self, status: int, told: dict[str, str], held: bytes, *, cut: int | None = None
        ) -> None:
            self.send_response(status)
            for name, value in told.items():
                if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                    self.send_header(name, value)
            length = told.get("Content-Length", "0") if self.command == "HEAD" else str(len(held))
            if status != 204:
                self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(held if cut is None else held[:cut])

        def log_message(self, format: str, *words: object) -> None:  # noqa: A002 -- its name there
            pass

    for method in ("GET", "PUT", "HEAD", "POST", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._pass)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        running = Relay(f"http://127.0.0.1:{listening.server_address[1]}", rule)
        turning = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
        turning.start()
        try:
            yield running
        finally:
            listening.shutdown()
            turning.join()


def _ask(
    target: str, asked: Asked, headers: dict[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(target, timeout=30)
    try:
        connection.putrequest(asked.method, asked.path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def _signed_anew(asked: Asked, body: bytes, to: str, without: tuple[str, ...]) -> dict[str, str]:
    dropped = {
        "authorization",
        "connection",
        "host",
        "x-amz-date",
        "x-amz-content-sha256",
        *without,
    }
    kept = {name: value for name, value in asked.headers.items() if name.lower() not in dropped}
    kept["Host"] = urlsplit(to).netloc
    request = AWSRequest(asked.method, f"{to}{asked.path}", headers=kept, data=body)
    signing = S3SigV4Auth(Credentials(seaweed.KEY, seaweed.SECRET), "s3", seaweed.REGION)
    signing.add_auth(request)
    return dict(request.headers.items())
