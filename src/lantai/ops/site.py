"""The running site: a web server and a worker, started together and stopped together."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from types import TracebackType
from typing import Self

from django.conf import settings

ANSWERS_WITHIN = 60.0  # seconds
STOPS_WITHIN = 15.0
LOOKS_EVERY = 5.0
THREADS = 4
_LOCAL = "127.0.0.1"


class Site:
    """gunicorn with threads, and ``lantai worker`` beside it, as children of this process."""

    def __init__(self, *, host: str, port: int, worker: bool = True) -> None:
        self.host = host
        self.port = port or _free_port(host)
        self._with_worker = worker
        self._children: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.port}"

    def __enter__(self) -> Self:
        self._children.append(
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn", "lantai.wsgi", "--no-control-socket"),
                    *("--bind", f"{self.host}:{self.port}", "--workers", "2"),
                    *("--worker-class", "gthread", "--threads", str(THREADS)),
                    *("--log-level", "warning", "--graceful-timeout", "5"),
                ],
                env=_environment(),
            )
        )
        if self._with_worker:
            self._children.append(self._start_worker())
        try:
            self._wait_for_answer()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for child in self._children:
            child.terminate()
        for child in self._children:
            try:
                child.wait(timeout=STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def wait(self) -> int:
        """Wait until the web server ends or somebody stops it; return its exit code."""
        try:
            while True:
                try:
                    return self._children[0].wait(timeout=LOOKS_EVERY)
                except subprocess.TimeoutExpired:
                    self._revive_worker()
        except KeyboardInterrupt:
            return 0

    def _start_worker(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "lantai.ops.main", "worker"], env=_environment()
        )

    def _revive_worker(self) -> None:
        """Start the worker again if it ended; why it ended stands in its own output."""
        for place, child in enumerate(self._children[1:], start=1):
            if (code := child.poll()) is not None:
                print(f"后台处理已退出（{code}），重新启动", file=sys.stderr, flush=True)
                self._children[place] = self._start_worker()

    def _wait_for_answer(self) -> None:
        until = time.monotonic() + ANSWERS_WITHIN
        while True:
            try:
                with urllib.request.urlopen(
                    f"http://{_LOCAL}:{self.port}/health/", timeout=5
                ) as answer:
                    if answer.status == HTTPStatus.OK:
                        return
            except (urllib.error.URLError, OSError) as silent:
                ended = self._children[0].poll() is not None
                if ended or time.monotonic() > until:
                    raise RuntimeError(
                        f"端口 {self.port} 上的网站没有启动；请检查端口是否被占用"
                    ) from silent
                _wait_for_child(self._children[0])


def stop_when_told() -> None:
    """Let SIGTERM end this process as Ctrl+C does, so that the children end with it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "LANTAI_HOME": str(settings.LANTAI_HOME),
        "DJANGO_SETTINGS_MODULE": "lantai.settings",
    }


def _wait_for_child(child: subprocess.Popen[bytes]) -> None:
    """Give the server a tenth of a second, or less if it ends."""
    try:
        child.wait(timeout=0.1)
    except subprocess.TimeoutExpired:
        return


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
