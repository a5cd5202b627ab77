"""Requests to an S3 server: who asks, how an answer is read, what it means if it is none."""

import errno
import io
import mmap
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from obstore.exceptions import BaseError
from obstore.store import S3Store

if TYPE_CHECKING:  # obstore has it for type checkers only
    from obstore.store import S3Config

_LARGEST: Final = 5 << 30  # what S3 takes in one request, and so with one digest


@dataclass(frozen=True)
class Credentials:
    """How a server is reached, and by whom. Times are seconds: a request's, and all its repeats'.

    Without an endpoint the server is Amazon's in that region.
    """

    key: str
    secret: str = field(repr=False)
    endpoint: str = ""
    region: str = "us-east-1"
    timeout: float = 60.0
    patience: float = 120.0


@lru_cache(maxsize=8)
def client(name: str, credentials: Credentials, process: int) -> S3Store:
    config: S3Config = {
        "region": credentials.region,
        "access_key_id": credentials.key,
        "secret_access_key": credentials.secret,
        "checksum_algorithm": "SHA256",
        "conditional_put": "etag",
    }
    if credentials.endpoint:
        config["endpoint"] = credentials.endpoint
    return S3Store(
        name,
        config=config,
        client_options={
            "allow_http": credentials.endpoint.startswith("http://"),
            "timeout": timedelta(seconds=credentials.timeout),
            "connect_timeout": timedelta(seconds=min(credentials.timeout, 10.0)),
        },
        retry_config={
            "max_retries": 4,
            "retry_timeout": timedelta(seconds=credentials.patience),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=5),
                "base": 2,
            },
        },
    )


class Incoming(io.RawIOBase):
    """The body of an answer as a stream; a body that ends too early is an error."""

    def __init__(
        self, pieces: Iterable[bytes], size: int, failure: Callable[[Exception], Exception]
    ) -> None:
        self._pieces: Iterator[bytes] = iter(pieces)
        self._rest = memoryview(b"")
        self._missing = size
        self._failure = failure

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        if not self._rest:
            self._rest = self._next()
        view = memoryview(target)
        length = min(len(view), len(self._rest))
        view[:length] = self._rest[:length]
        self._rest = self._rest[length:]
        return length

    def _next(self) -> memoryview:
        try:
            piece = memoryview(next(self._pieces, b""))
        except (BaseError, OSError) as cut:
            raise self._failure(cut) from None
        self._missing -= len(piece)
        if not piece and self._missing > 0:
            raise self._failure(EOFError())
        return piece


class bytes_of:  # noqa: N801 -- used as a function
    """The bytes of a file without reading them into memory."""

    def __init__(self, source: Path | bytes) -> None:
        self._source = source
        self._mapped: mmap.mmap | None = None

    def __enter__(self) -> bytes | mmap.mmap:
        if not isinstance(self._source, Path):
            return self._source
        size = self._source.stat().st_size
        if size == 0:
            return b""
        if size > _LARGEST:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        with self._source.open("rb") as stream:
            self._mapped = mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ)
        return self._mapped

    def __exit__(self, *raised: object) -> None:
        # The mapping ends when the last who looks at it lets go.
        self._mapped = None


def status(failed: Exception) -> str:
    """The status a server answered with; an empty text if it did not."""
    found = re.search(r"status code: ([0-9]{3})", str(failed))
    return found[1] if found else ""
