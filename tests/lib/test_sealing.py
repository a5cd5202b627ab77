"""Sealed files open with their key in their place, whole, and not otherwise."""

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib import sealing
from lantai.lib.sealing import Key, Place, Suite

HERE = Place("a1b2", 1, "images/1-1-001.jpg")
SUITES = st.sampled_from(Suite)
KEYS = {suite: Key(suite, bytes(range(suite.key_bytes))) for suite in Suite}
HEADER = 69 + 12 + 16  # fixed part, nonce and tag; the wrapped key is as long as a key


def sealed(plain: bytes, *, under: Key, place: Place = HERE) -> bytes:
    target = io.BytesIO()
    sealing.seal(io.BytesIO(plain), target, size=len(plain), under=under, place=place)
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


def test_memory_does_not_grow_with_the_file() -> None:
    class Zeros(io.RawIOBase):
        left = 64 << 20

        def read(self, size: int = -1, /) -> bytes:
            size = min(size, self.left)
            self.left -= size
            return bytes(size)

    class Nowhere:
        def write(self, piece: bytes) -> int:
            return len(piece)

    source = Zeros()
    tracemalloc.start()
    sealing.seal(source, Nowhere(), size=64 << 20, under=KEYS[Suite.AES], place=HERE)  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert source.left == 0
    assert peak < 8 << 20


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
