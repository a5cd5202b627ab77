"""Sealed files open with their key in their place, whole, and not otherwise."""

import io
import tracemalloc
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib import sealing
from lantai.lib.sealing import Key, Place, Suite

HERE = Place("a1b2", 1, "images/1-1-001.jpg")
SUITES = st.sampled_from(Suite)
KEYS = {suite: Key(suite, bytes(range(suite.key_bytes))) for suite in Suite}
HEADER = 69 + 12 + 16  # fixed part, nonce and tag; the wrapped key is as long as a key


def sealed(plain: bytes, *, under: Key, place: Place = HERE, chunk: int = sealing.CHUNK) -> bytes:
    source, target = io.BytesIO(plain), io.BytesIO()
    sealing.seal(source, target, size=len(plain), under=under, place=place, chunk=chunk)
    return target.getvalue()


def opened(held: bytes, *, under: Key, place: Place = HERE) -> bytes:
    return b"".join(sealing.opened(io.BytesIO(held), under=under, place=place))


@pytest.mark.parametrize("suite", Suite)
@pytest.mark.parametrize("size", [0, 1, 16, 65537, sealing.CHUNK, sealing.CHUNK + 1, 3 << 20])
def test_what_was_sealed_is_opened(suite: Suite, size: int) -> None:
    plain = bytes(size // 2) + b"\x07" * (size - size // 2)

    held = sealed(plain, under=KEYS[suite])

    assert opened(held, under=KEYS[suite]) == plain
    chunks = max(1, -(-size // sealing.CHUNK))
    assert len(held) == HEADER + suite.key_bytes + size + 16 * chunks


@given(SUITES, st.binary(min_size=16, max_size=200))
def test_a_sealed_file_does_not_show_its_content_or_key(suite: Suite, plain: bytes) -> None:
    held = sealed(plain, under=KEYS[suite])

    assert plain not in held
    assert KEYS[suite].secret not in held
    assert sealed(plain, under=KEYS[suite]) != held


@given(SUITES, st.binary(max_size=100), st.data())
def test_no_changed_bit_is_opened(suite: Suite, plain: bytes, chance: st.DataObject) -> None:
    held = bytearray(sealed(plain, under=KEYS[suite]))
    at = chance.draw(st.integers(0, len(held) * 8 - 1))
    held[at // 8] ^= 1 << (at % 8)

    with pytest.raises(sealing.NotOpened):
        opened(bytes(held), under=KEYS[suite])


@given(SUITES, st.binary(max_size=100), st.data())
def test_a_cut_file_is_called_truncated(suite: Suite, plain: bytes, chance: st.DataObject) -> None:
    held = sealed(plain, under=KEYS[suite])
    length = chance.draw(st.integers(0, len(held) - 1))

    with pytest.raises(sealing.Truncated):
        opened(held[:length], under=KEYS[suite])


def test_a_file_cut_between_two_chunks_is_called_truncated() -> None:
    plain = bytes(2 * sealing.CHUNK)
    held = sealed(plain, under=KEYS[Suite.AES])

    with pytest.raises(sealing.Truncated):
        opened(held[: -(sealing.CHUNK + 16)], under=KEYS[Suite.AES])


def test_chunks_cannot_change_places() -> None:
    plain = bytes(sealing.CHUNK) + b"\x01" * sealing.CHUNK
    held = sealed(plain, under=KEYS[Suite.AES])
    start, length = HEADER + 32, sealing.CHUNK + 16
    first, second = held[start : start + length], held[start + length :]

    with pytest.raises(sealing.Tampered):
        opened(held[:start] + second + first, under=KEYS[Suite.AES])


def test_chunks_of_another_file_under_the_same_key_do_not_fit() -> None:
    one, other = (sealed(byte * 100, under=KEYS[Suite.AES]) for byte in (b"1", b"2"))
    start = HEADER + 32

    with pytest.raises(sealing.Tampered):
        opened(one[:start] + other[start:], under=KEYS[Suite.AES])


def test_bytes_behind_the_end_are_not_passed_over() -> None:
    held = sealed(b"page", under=KEYS[Suite.AES])

    with pytest.raises(sealing.Tampered):
        opened(held + b"x", under=KEYS[Suite.AES])


@given(SUITES, SUITES)
def test_another_key_is_called_wrong(suite: Suite, other: Suite) -> None:
    held = sealed(b"page", under=KEYS[suite])

    with pytest.raises(sealing.WrongKey):
        opened(held, under=sealing.new_key(other))


@pytest.mark.parametrize(
    "place",
    [
        Place("a1b3", 1, "images/1-1-001.jpg"),
        Place("a1b2", 2, "images/1-1-001.jpg"),
        Place("a1b2", 1, "images/1-1-002.jpg"),
    ],
)
def test_a_file_put_in_another_place_is_called_misplaced(place: Place) -> None:
    held = sealed(b"page", under=KEYS[Suite.AES])

    with pytest.raises(sealing.Misplaced):
        opened(held, under=KEYS[Suite.AES], place=place)


def test_a_place_written_into_the_header_does_not_open_it_there() -> None:
    other = Place("a1b2", 2, "images/1-1-001.jpg")
    held = sealed(b"page", under=KEYS[Suite.AES])
    elsewhere = sealed(b"other", under=KEYS[Suite.AES], place=other)

    with pytest.raises(sealing.Tampered):
        opened(held[:37] + elsewhere[37:69] + held[69:], under=KEYS[Suite.AES], place=other)


def test_what_is_no_sealed_file_is_called_so() -> None:
    with pytest.raises(sealing.Tampered):
        opened(b"\xff\xd8\xff\xe0" + bytes(100), under=KEYS[Suite.AES])


@pytest.mark.parametrize("size", [3, 5])
def test_a_source_of_another_size_is_not_sealed(size: int) -> None:
    with pytest.raises(ValueError, match="than was said"):
        sealing.seal(
            io.BytesIO(b"page"), io.BytesIO(), size=size, under=KEYS[Suite.AES], place=HERE
        )


class Zeros(io.RawIOBase):
    """A stream of so many bytes, that holds none of them."""

    def __init__(self, left: int) -> None:
        self.left = left

    def read(self, size: int = -1, /) -> bytes:
        size = min(size, self.left)
        self.left -= size
        return bytes(size)


LARGE = 200 << 20


@pytest.mark.parametrize("suite", Suite)
def test_memory_does_not_grow_with_the_file_that_is_sealed(suite: Suite) -> None:
    class Nowhere:
        length = 0

        def write(self, piece: bytes | memoryview) -> int:
            self.length += len(piece)
            return len(piece)

    source, target = Zeros(LARGE), Nowhere()
    tracemalloc.start()
    sealing.seal(source, target, size=LARGE, under=KEYS[suite], place=HERE)  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert source.left == 0
    assert target.length == sealing.sealed_size(LARGE, suite=suite)
    assert peak < 8 << 20


@pytest.mark.parametrize("suite", Suite)
def test_memory_does_not_grow_with_the_file_that_is_opened(tmp_path: Path, suite: Suite) -> None:
    with (tmp_path / "sealed").open("wb") as target:
        sealing.seal(Zeros(LARGE), target, size=LARGE, under=KEYS[suite], place=HERE)  # type: ignore[arg-type]

    with (tmp_path / "sealed").open("rb") as source:
        tracemalloc.start()
        length = sum(len(p) for p in sealing.opened(source, under=KEYS[suite], place=HERE))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert length == LARGE
    assert peak < 8 << 20


PLAIN = st.binary(max_size=200)
CHUNKS = st.integers(1, 40)


@given(SUITES, PLAIN, CHUNKS)
def test_a_file_is_opened_whatever_its_chunk(suite: Suite, plain: bytes, chunk: int) -> None:
    held = sealed(plain, under=KEYS[suite], chunk=chunk)

    assert opened(held, under=KEYS[suite]) == plain
    assert len(held) == sealing.sealed_size(len(plain), suite=suite, chunk=chunk)


@pytest.mark.parametrize("chunk", [0, -1, (1 << 24) + 1])
def test_a_chunk_of_no_use_is_refused_before_anything_is_written(chunk: int) -> None:
    target = io.BytesIO()

    with pytest.raises(ValueError, match="a chunk has"):
        sealing.seal(
            io.BytesIO(b"a"), target, size=1, under=KEYS[Suite.AES], place=HERE, chunk=chunk
        )

    assert target.getvalue() == b""


RANGES = st.lists(st.tuples(st.integers(0, 250), st.integers(0, 250)), max_size=8)


@given(SUITES, PLAIN, CHUNKS, RANGES)
def test_ranges_are_slices_of_the_plain_text(
    suite: Suite, plain: bytes, chunk: int, ranges: list[tuple[int, int]]
) -> None:
    stream = io.BytesIO(sealed(plain, under=KEYS[suite], chunk=chunk))

    ranged = sealing.Ranged(stream, under=KEYS[suite], place=HERE)

    assert ranged.size == len(plain)
    for start, length in ranges:
        assert ranged.read(start, length) == plain[start : start + length]


@given(SUITES, st.binary(min_size=1, max_size=200), CHUNKS, st.data())
def test_no_changed_byte_is_read_and_other_chunks_still_are(
    suite: Suite, plain: bytes, chunk: int, chance: st.DataObject
) -> None:
    held = bytearray(sealed(plain, under=KEYS[suite], chunk=chunk))
    first = HEADER + suite.key_bytes
    at = chance.draw(st.integers(first, len(held) - 1))
    held[at] ^= chance.draw(st.integers(1, 255))
    touched = (at - first) // (chunk + 16)

    ranged = sealing.Ranged(io.BytesIO(bytes(held)), under=KEYS[suite], place=HERE)

    for index in range(-(-len(plain) // chunk)):
        if index == touched:
            with pytest.raises(sealing.Tampered):
                ranged.read(index * chunk, chunk)
        else:
            whole = plain[index * chunk : (index + 1) * chunk]
            assert ranged.read(index * chunk, chunk) == whole


@given(SUITES, PLAIN, CHUNKS, st.data())
def test_nothing_is_read_of_a_file_whose_head_or_length_is_changed(
    suite: Suite, plain: bytes, chunk: int, chance: st.DataObject
) -> None:
    held = bytearray(sealed(plain, under=KEYS[suite], chunk=chunk))
    cut = held[: chance.draw(st.integers(0, len(held) - 1))]
    at = chance.draw(st.integers(0, HEADER + suite.key_bytes - 1))
    changed = bytes(held[:at]) + bytes([held[at] ^ 1]) + bytes(held[at + 1 :])

    with pytest.raises(sealing.Truncated):
        sealing.Ranged(io.BytesIO(cut), under=KEYS[suite], place=HERE)
    with pytest.raises(sealing.Tampered):
        sealing.Ranged(io.BytesIO(bytes(held) + b"x"), under=KEYS[suite], place=HERE)
    with pytest.raises(sealing.NotOpened):
        sealing.Ranged(io.BytesIO(changed), under=KEYS[suite], place=HERE)


def test_a_range_is_read_only_with_its_key_in_its_place() -> None:
    stream = io.BytesIO(sealed(b"page", under=KEYS[Suite.AES]))

    with pytest.raises(sealing.WrongKey):
        sealing.Ranged(stream, under=sealing.new_key(Suite.AES), place=HERE)
    with pytest.raises(sealing.Misplaced):
        sealing.Ranged(stream, under=KEYS[Suite.AES], place=Place("b", 1, "x"))


@pytest.mark.parametrize(("start", "length"), [(-1, 1), (0, -1)])
def test_a_range_below_the_beginning_is_refused(start: int, length: int) -> None:
    stream = io.BytesIO(sealed(b"page", under=KEYS[Suite.AES]))
    ranged = sealing.Ranged(stream, under=KEYS[Suite.AES], place=HERE)

    with pytest.raises(ValueError, match="a range begins"):
        ranged.read(start, length)


class Plain:
    """A stream that can be read and sought and nothing else."""

    def __init__(self, held: bytes) -> None:
        stream = io.BytesIO(held)
        self.read, self.seek, self.tell = stream.read, stream.seek, stream.tell


class Slow(io.BytesIO):
    """A stream that gives a few bytes at a time, as one from far away may."""

    def readinto(self, room: memoryview, /) -> int:  # type: ignore[override]
        return super().readinto(room[:7])


@pytest.mark.parametrize("stream", [Plain, Slow])
@given(SUITES, PLAIN, CHUNKS)
def test_any_stream_is_opened_whole(
    stream: Callable[[bytes], BinaryIO], suite: Suite, plain: bytes, chunk: int
) -> None:
    held = sealed(plain, under=KEYS[suite], chunk=chunk)

    whole = b"".join(sealing.opened(stream(held), under=KEYS[suite], place=HERE))
    ranged = sealing.Ranged(stream(held), under=KEYS[suite], place=HERE)

    assert whole == plain
    assert ranged.read(0, len(plain)) == plain
    if plain:
        with pytest.raises(sealing.Truncated):
            b"".join(sealing.opened(stream(held[:-1]), under=KEYS[suite], place=HERE))


@given(SUITES, PLAIN, PLAIN, CHUNKS)
def test_files_opened_by_turns_do_not_mix(
    suite: Suite, one: bytes, other: bytes, chunk: int
) -> None:
    streams = [
        sealing.opened(
            io.BytesIO(sealed(plain, under=KEYS[suite], chunk=chunk)),
            under=KEYS[suite],
            place=HERE,
        )
        for plain in (one, other)
    ]

    pieces = [*zip_longest(*streams, fillvalue=b"")]

    assert b"".join(first for first, _ in pieces) == one
    assert b"".join(second for _, second in pieces) == other


def test_only_the_chunks_of_a_range_are_read_from_the_stream() -> None:
    class Watched(io.BytesIO):
        read_bytes = 0

        def readinto(self, room: object, /) -> int:
            length = super().readinto(room)  # type: ignore[arg-type]
            self.read_bytes += length
            return length

    stream = Watched(sealed(bytes(100 << 10), under=KEYS[Suite.AES], chunk=1 << 10))
    ranged = sealing.Ranged(stream, under=KEYS[Suite.AES], place=HERE)
    stream.read_bytes = 0

    for start in range(50 << 10, 51 << 10, 100):
        ranged.read(start, 10)

    assert stream.read_bytes == (1 << 10) + 16


@given(SUITES, SUITES)
def test_a_wrapped_key_is_opened_for_its_purpose_only(suite: Suite, above: Suite) -> None:
    key, under = sealing.new_key(suite), sealing.new_key(above)

    wrapped = sealing.wrap(key, under=under, purpose="dossier:a")

    assert sealing.unwrap(wrapped, under=under, purpose="dossier:a") == key
    with pytest.raises(sealing.Tampered):
        sealing.unwrap(wrapped, under=under, purpose="dossier:b")
    with pytest.raises(sealing.WrongKey):
        sealing.unwrap(wrapped, under=sealing.new_key(above), purpose="dossier:a")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"suite":"rot13"}', "\x00"])
def test_what_is_no_wrapped_key_is_refused(text: str) -> None:
    with pytest.raises(sealing.Tampered):
        sealing.unwrap(text, under=KEYS[Suite.AES], purpose="dossier:a")


@given(SUITES)
def test_a_key_file_is_read_again_and_a_key_does_not_print_itself(suite: Suite) -> None:
    key = sealing.new_key(suite)

    assert sealing.parse_key(key.dumps()) == key
    assert key.secret.hex() not in repr(key)
    assert str(key.secret) not in repr(key)


@pytest.mark.parametrize("line", ["", "aes-256-gcm", "aes-256-gcm !!", "sm4-gcm AAAA", "des AAAA"])
def test_what_is_no_key_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        sealing.parse_key(line)
