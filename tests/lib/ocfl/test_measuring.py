"""Digests are those of the bytes, however they come."""

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib.ocfl import measuring
from lantai.lib.ocfl.measuring import Measuring

PIECES = st.lists(st.binary(max_size=50), max_size=6)
NAMES = {
    "sha256": lambda held: hashlib.sha256(held).hexdigest(),
    "sha512": lambda held: hashlib.sha512(held).hexdigest(),
    "sha512/256": lambda held: hashlib.new("sha512_256", held).hexdigest(),
    "blake2b-160": lambda held: hashlib.blake2b(held, digest_size=20).hexdigest(),
}


@given(PIECES, st.sets(st.sampled_from([*NAMES])))
def test_what_is_written_is_measured_on_the_way(pieces: list[bytes], names: set[str]) -> None:
    stream = io.BytesIO()
    through = Measuring(stream, names)
    for piece in pieces:
        assert through.write(memoryview(piece)) == len(piece)

    whole = b"".join(pieces)

    assert stream.getvalue() == whole
    assert through.digests == {name: NAMES[name](whole) for name in names}


def test_a_stream_that_takes_less_than_all_is_not_measured_further() -> None:
    class Full(io.BytesIO):
        def write(self, piece: object, /) -> int:
            return 1

    through = Measuring(Full(), ["sha256"])

    with pytest.raises(OSError, match="1 of 4 bytes"):
        through.write(b"page")


@pytest.mark.parametrize("size", [0, 1, (1 << 18) - 1, 1 << 18, (1 << 20) + 1])
@pytest.mark.parametrize("fills", [True, False], ids=["into a room", "piece by piece"])
def test_a_stream_is_measured_to_its_end(size: int, *, fills: bool) -> None:
    class Plain:
        def __init__(self, held: bytes) -> None:
            self.read = io.BytesIO(held).read

    held = bytes(size // 2) + b"\x07" * (size - size // 2)
    stream = io.BytesIO(held) if fills else Plain(held)

    found = measuring.digests(stream, NAMES)  # type: ignore[arg-type]

    assert found == {name: of(held) for name, of in NAMES.items()}


def test_an_unknown_digest_is_refused() -> None:
    with pytest.raises(ValueError, match="crc"):
        measuring.started("crc")
