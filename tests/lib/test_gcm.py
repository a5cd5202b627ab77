"""GCM of both suites, by every library that is here, gives the published answers."""

import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib import gcm
from lantai.lib.gcm import Gcm

# RFC 8998, A.2.1 (SM4-GCM), and The Galois/Counter Mode of Operation, test case 16 (AES-256).
TIED = "feedfacedeadbeeffeedfacedeadbeefabaddad2"
SM4 = (
    "0123456789abcdeffedcba9876543210",
    "00001234567800000000abcd",
    (
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
        "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
    ),
    TIED,
    (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    ),
)
AES = (
    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
    "cafebabefacedbaddecaf888",
    (
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    ),
    TIED,
    (
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    ),
)


def plain_sm4(secret: bytes) -> Gcm:
    """SM4 without libgcrypt."""
    return gcm.sm4(secret, library="libnowhere.so.1")


@pytest.mark.parametrize(
    ("made", "case"),
    [(gcm.aes, AES), (gcm.sm4, SM4), (plain_sm4, SM4)],
    ids=["aes", "sm4 by the fastest", "sm4 by cryptography"],
)
def test_the_published_answer_is_given(
    made: Callable[[bytes], Gcm], case: tuple[str, str, str, str, str]
) -> None:
    secret, nonce, plain, tied, held = (bytes.fromhex(part) for part in case)

    cipher = made(secret)

    assert cipher.encrypt(nonce, plain, tied) == held
    assert cipher.decrypt(nonce, held, tied) == plain
    assert cipher.decrypt(nonce, held, tied[1:]) is None
    assert cipher.decrypt(nonce, held[:-1] + bytes([held[-1] ^ 1]), tied) is None
    assert cipher.decrypt(nonce, held[:15], tied) is None


PIECES = st.one_of(st.binary(max_size=100), st.integers(0, 70000).map(os.urandom))


@given(st.binary(min_size=16, max_size=16), st.lists(PIECES, max_size=4), st.binary(max_size=40))
def test_both_libraries_of_sm4_make_the_same_and_open_what_the_other_made(
    secret: bytes, pieces: list[bytes], tied: bytes
) -> None:
    quick, plain = gcm.sm4(secret), plain_sm4(secret)

    for number, piece in enumerate(pieces):
        nonce = number.to_bytes(gcm.NONCE, "big")
        held = quick.encrypt(nonce, piece, tied)
        assert held == plain.encrypt(nonce, piece, tied)
        assert quick.decrypt(nonce, memoryview(held), tied) == piece
        assert plain.decrypt(nonce, memoryview(held), tied) == piece


@given(st.binary(max_size=200), st.data())
def test_neither_library_of_sm4_opens_a_changed_bit(plain: bytes, chance: st.DataObject) -> None:
    secret, nonce = bytes(16), bytes(gcm.NONCE)
    held = bytearray(gcm.sm4(secret).encrypt(nonce, plain, b""))
    at = chance.draw(st.integers(0, len(held) * 8 - 1))
    held[at // 8] ^= 1 << (at % 8)

    assert gcm.sm4(secret).decrypt(nonce, bytes(held), b"") is None
    assert plain_sm4(secret).decrypt(nonce, bytes(held), b"") is None


def test_the_library_is_named() -> None:
    assert gcm.sm4_by().split()[0] in {"cryptography", "libgcrypt"}


@pytest.mark.parametrize("library", ["libnowhere.so.1", "libc.so.6"])
def test_a_library_that_is_missing_or_another_is_not_taken(library: str) -> None:
    assert gcm.sm4_by(library) == "cryptography"
