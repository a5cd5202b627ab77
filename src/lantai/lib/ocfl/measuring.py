"""Digests of what is written, taken on the way, and of what stands in a store.

By the thread that writes: a second one that takes a digest beside it gained nothing where it was
measured, and on a busy machine it costs what it takes.
"""

import hashlib
from collections.abc import Iterable
from typing import BinaryIO, Final

# Large enough that a call costs nothing, small enough to stay in the cache until it is hashed.
_PIECE: Final = 1 << 18


class Measuring:
    """A stream that takes the digests of what is written through it."""

    def __init__(self, stream: BinaryIO, algorithms: Iterable[str]) -> None:
        self._stream = stream
        self._running = {name: started(name) for name in algorithms}

    def write(self, piece: bytes | memoryview) -> int:
        for running in self._running.values():
            running.update(piece)
        written = self._stream.write(piece)
        if written != len(piece):
            raise OSError(f"{written} of {len(piece)} bytes were written")
        return written

    @property
    def digests(self) -> dict[str, str]:
        """The digest so far by each algorithm."""
        return {name: running.hexdigest() for name, running in self._running.items()}


def digests(stream: BinaryIO, algorithms: Iterable[str]) -> dict[str, str]:
    """The digests of a stream to its end, read once. Raises OSError."""
    hashes = {name: started(name) for name in algorithms}
    room = bytearray(_PIECE)
    view = memoryview(room)
    # Not every stream fills a room; memory fresh from the system for each piece is slower.
    fill = getattr(stream, "readinto", None)
    if fill is None:
        while piece := stream.read(_PIECE):
            for running in hashes.values():
                running.update(piece)
    else:
        while length := fill(room):
            for running in hashes.values():
                running.update(view[:length])
    return {name: running.hexdigest() for name, running in hashes.items()}


def started(algorithm: str) -> "hashlib._Hash | hashlib.blake2b":
    """A digest to be taken, by its name in OCFL. Raises ValueError for one that is unknown."""
    if algorithm.startswith("blake2b-"):
        return hashlib.blake2b(digest_size=int(algorithm.removeprefix("blake2b-")) // 8)
    return hashlib.new(algorithm.replace("/", "_"))
