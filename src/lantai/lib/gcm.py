"""Authenticated encryption with GCM (SP 800-38D): AES-256, and SM4 of GM/T 0002.

SM4 is taken from libgcrypt where that is installed and gives the answer of RFC 8998: it is some
times faster there than in ``cryptography``. Which library was used cannot be seen in what it made.
"""

import ctypes
import functools
from abc import ABC, abstractmethod
from ctypes import addressof, byref, c_char, c_char_p, c_int, c_size_t, c_uint, c_void_p
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

NONCE: Final = 12
TAG: Final = 16
LIBGCRYPT: Final = "libgcrypt.so.20"
Piece = bytes | memoryview


class Gcm(ABC):
    """A key in use. ``held`` is the cipher text with its tag behind it."""

    def encrypt(self, nonce: bytes, plain: Piece, tied: bytes) -> bytes:
        """Cipher text and tag."""
        room = bytearray(len(plain) + TAG)
        self.encrypt_into(nonce, plain, tied, memoryview(room))
        return bytes(room)

    @abstractmethod
    def encrypt_into(self, nonce: bytes, plain: Piece, tied: bytes, room: memoryview) -> None:
        """Put cipher text and tag into a room of just that length."""

    @abstractmethod
    def decrypt(self, nonce: bytes, held: Piece, tied: bytes) -> bytes | None:
        """The plain text, or None if it is not authentic."""


def aes(secret: bytes) -> Gcm:
    """AES-256."""
    return _Aes(secret)


def sm4(secret: bytes, *, library: str = LIBGCRYPT) -> Gcm:
    """SM4, by the library named if it is here and right, else by ``cryptography``."""
    quick = _libgcrypt(library)
    return _PlainSm4(secret) if quick is None else _QuickSm4(quick, secret)


def sm4_by(library: str = LIBGCRYPT) -> str:
    """Which library ``sm4`` takes, with its version."""
    quick = _libgcrypt(library)
    return "cryptography" if quick is None else f"libgcrypt {quick.version}"


class _Aes(Gcm):
    def __init__(self, secret: bytes) -> None:
        self._running = AESGCM(secret)

    def encrypt(self, nonce: bytes, plain: Piece, tied: bytes) -> bytes:
        return self._running.encrypt(nonce, plain, tied)

    def encrypt_into(self, nonce: bytes, plain: Piece, tied: bytes, room: memoryview) -> None:
        self._running.encrypt_into(nonce, plain, tied, room)

    def decrypt(self, nonce: bytes, held: Piece, tied: bytes) -> bytes | None:
        try:
            return self._running.decrypt(nonce, held, tied)
        except InvalidTag:
            return None


class _PlainSm4(Gcm):
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def encrypt_into(self, nonce: bytes, plain: Piece, tied: bytes, room: memoryview) -> None:
        running = Cipher(SM4(self._secret), GCM(nonce)).encryptor()
        running.authenticate_additional_data(tied)
        running.update_into(plain, room)
        running.finalize()
        room[len(plain) :] = running.tag

    def decrypt(self, nonce: bytes, held: Piece, tied: bytes) -> bytes | None:
        if len(held) < TAG:
            return None
        running = Cipher(SM4(self._secret), GCM(nonce, bytes(held[-TAG:]))).decryptor()
        running.authenticate_additional_data(tied)
        try:
            return running.update(memoryview(held)[:-TAG]) + running.finalize()
        except InvalidTag:
            return None


class _Libgcrypt:
    """The calls of libgcrypt that are used. Raises OSError if the library is not here."""

    _INITIALIZATION_FINISHED: Final = 38
    _GCM: Final = 9

    def __init__(self, library: str) -> None:
        calls = ctypes.CDLL(library)
        calls.gcry_check_version.argtypes = [c_char_p]
        calls.gcry_check_version.restype = c_char_p
        calls.gcry_control.argtypes = [c_int]
        calls.gcry_cipher_map_name.argtypes = [c_char_p]
        calls.gcry_cipher_open.argtypes = [c_void_p, c_int, c_int, c_uint]
        calls.gcry_cipher_close.argtypes = [c_void_p]
        calls.gcry_cipher_close.restype = None
        for name in ("setkey", "setiv", "authenticate"):
            getattr(calls, f"gcry_cipher_{name}").argtypes = [c_void_p, c_char_p, c_size_t]
        for name in ("encrypt", "decrypt"):
            getattr(calls, f"gcry_cipher_{name}").argtypes = [
                c_void_p,
                c_void_p,
                c_size_t,
                c_char_p,
                c_size_t,
            ]
        calls.gcry_cipher_gettag.argtypes = [c_void_p, c_void_p, c_size_t]
        calls.gcry_cipher_checktag.argtypes = [c_void_p, c_char_p, c_size_t]
        # The library asks to be initialised by this call before any other.
        self.version = (calls.gcry_check_version(None) or b"?").decode()
        calls.gcry_control(self._INITIALIZATION_FINISHED, c_int(0))
        self.calls: Any = calls
        self._cipher = calls.gcry_cipher_map_name(b"SM4")

    def opened(self, secret: bytes) -> c_void_p:
        """Return a handle. Raises OSError, also where the library has no SM4 or may not use it."""
        handle = c_void_p()
        self.done(self.calls.gcry_cipher_open(byref(handle), self._cipher, self._GCM, 0))
        self.done(self.calls.gcry_cipher_setkey(handle, secret, len(secret)))
        return handle

    @staticmethod
    def done(code: int) -> None:
        if code != 0:
            raise OSError(f"libgcrypt answers {code & 0xFFFF}")


class _QuickSm4(Gcm):
    def __init__(self, library: _Libgcrypt, secret: bytes) -> None:
        self._library = library
        self._handle = library.opened(secret)
        self._made = bytearray()

    def __del__(self) -> None:
        if handle := getattr(self, "_handle", None):
            self._library.calls.gcry_cipher_close(handle)

    def encrypt_into(self, nonce: bytes, plain: Piece, tied: bytes, room: memoryview) -> None:
        calls, done = self._library.calls, self._library.done
        self._begin(nonce, tied)
        length = len(plain)
        address = addressof(c_char.from_buffer(room))
        done(calls.gcry_cipher_encrypt(self._handle, address, length, bytes(plain), length))
        done(calls.gcry_cipher_gettag(self._handle, address + length, TAG))

    def decrypt(self, nonce: bytes, held: Piece, tied: bytes) -> bytes | None:
        if len(held) < TAG:
            return None
        calls, done = self._library.calls, self._library.done
        self._begin(nonce, tied)
        length = len(held) - TAG
        # Kept and used again: memory fresh from the system costs more than the cipher.
        if len(self._made) < length + 1:
            self._made = bytearray(length + 1)
        address = addressof(c_char.from_buffer(self._made))
        done(calls.gcry_cipher_decrypt(self._handle, address, length, bytes(held), length))
        if calls.gcry_cipher_checktag(self._handle, bytes(held[-TAG:]), TAG) != 0:
            return None
        return bytes(memoryview(self._made)[:length])

    def _begin(self, nonce: bytes, tied: bytes) -> None:
        calls, done = self._library.calls, self._library.done
        done(calls.gcry_cipher_setiv(self._handle, nonce, len(nonce)))
        done(calls.gcry_cipher_authenticate(self._handle, tied, len(tied)))


@functools.cache
def _libgcrypt(name: str) -> _Libgcrypt | None:
    """The library, if it is here and gives the answer of RFC 8998, A.2.1."""
    try:
        library = _Libgcrypt(name)
        running = _QuickSm4(library, _SECRET)
        right = running.encrypt(_IV, _PLAIN, _TIED) == _HELD
        right = right and running.decrypt(_IV, _HELD, _TIED) == _PLAIN
        right = right and running.decrypt(_IV, _HELD, _TIED[1:]) is None
    except (OSError, AttributeError):
        return None
    return library if right else None


_SECRET: Final = bytes.fromhex("0123456789abcdeffedcba9876543210")
_IV: Final = bytes.fromhex("00001234567800000000abcd")
_TIED: Final = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
_PLAIN: Final = bytes.fromhex("".join(digit * 16 for digit in "abcdef") + "e" * 16 + "a" * 16)
_HELD: Final = bytes.fromhex(
    "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
    "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    "83de3541e4c2b58177e065a9bf7b62ec"
)
