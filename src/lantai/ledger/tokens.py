"""A log's Ed25519 key in a PKCS#11 token: made in there, used in there, and never coming out.

In ``keys/`` stands only where it is, ``log-<stream>.pkcs11`` (TOML)::

    module = "/usr/lib/softhsm/libsofthsm2.so"
    token = "lantai"
    label = "records"
    vkey = "<public key>"

The public key stands there so that whoever only verifies needs no token, and so that no other key
under the same label ever signs. The PIN is in ``LANTAI_PKCS11_PIN``, or in ``keys/pkcs11.pin``
that only its owner can read.

The module is brought up for each signature and put down after it: nothing of it is carried into
a process that was forked, and a token that was taken out and put back is found again.
"""

import hashlib
import json
import os
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lantai.lib.tlog.note import (
    ED25519,
    NoteFault,
    Signature,
    VerifierKey,
    check_name,
    check_text,
    verify_ed25519,
)

if TYPE_CHECKING:
    from pkcs11 import Session

PIN_FILE: Final = "pkcs11.pin"
# PrintableString: the only spelling of the curve that SoftHSM 2.6 takes.
_EDWARDS25519: Final = b"\x13\x0cedwards25519"
_KEY_BYTES: Final = 32
_UNSIGNED: Final = "未签名"
_TRIAL: Final = "lantai token trial\n"  # no head: a head has three lines
_IN_USE: Final = threading.Lock()  # a module knows one login a process
_REFUSED: Final[set[bytes]] = set()


class KeyFault(RuntimeError):
    """A signing key is missing or foreign: nothing is signed until a person has looked."""


@dataclass(frozen=True)
class Place:
    """Where a key is: the module's file, the token by its label, the key by its own."""

    module: str
    token: str
    label: str


@dataclass(frozen=True)
class TokenSigner:
    """A key in a token, under the public half it must have; ``folder`` may hold the PIN."""

    place: Place
    key: VerifierKey
    folder: Path

    @classmethod
    def read(cls, path: Path) -> "TokenSigner":
        """Raises KeyFault; asks no token."""
        try:
            said = tomllib.loads(path.read_text())
            module, token, label, vkey = (
                str(said[name]) for name in ("module", "token", "label", "vkey")
            )
            key = VerifierKey.parse(vkey)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, NoteFault) as strange:
            raise KeyFault(
                f"密钥所在的说明 keys/{path.name} 读不懂，请从密钥备份中恢复；未签名"
            ) from strange
        if key.type != ED25519 or len(key.public) != _KEY_BYTES:
            raise KeyFault(f"密钥所在的说明 keys/{path.name} 所记公钥不是 Ed25519；未签名")
        return cls(Place(module, token, label), key, path.parent)

    @property
    def name(self) -> str:
        return self.key.name

    @property
    def vkey(self) -> str:
        return str(self.key)

    @property
    def written(self) -> str:
        """What the file in ``keys/`` says; holds no secret."""
        place = self.place
        lines = (
            ("module", place.module),
            ("token", place.token),
            ("label", place.label),
            ("vkey", self.vkey),
        )
        return "\n".join(f"{name} = {json.dumps(value)}" for name, value in lines)

    def sign(self, text: str) -> Signature:
        """Raises KeyFault if the token is not there, not opened, or signs with another key."""
        check_text(text)
        with opened(self.place, self.folder) as session:
            private, _ = _found(session, self.place)
            value = bytes(private.sign(text.encode()))
        try:
            verify_ed25519(self.key, text, value)
        except NoteFault as foreign:
            raise KeyFault(
                f"令牌 {self.place.token} 中的密钥 {self.place.label} 与登记的公钥不符，未签名；"
                "请核对令牌是否被更换"
            ) from foreign
        return Signature(self.name, self.key.id, value)


def make(name: str, place: Place, folder: Path) -> TokenSigner:
    """Make a key in a token, or take the one of that label, and try it. Raises KeyFault.

    The private key is sensitive and cannot be extracted; one that can be is refused.
    """
    check_name(name)
    with opened(place, folder, write=True) as session:
        if not _holds(session, place):
            _generate(session, place)
        private, public = _found(session, place)
        _refuse_if_loose(private, place)
    signer = TokenSigner(place, VerifierKey(name, bytes([ED25519]) + public), folder)
    signer.sign(_TRIAL)
    return signer


@contextmanager
def opened(
    place: Place, folder: Path, *, write: bool = False, undone: str = _UNSIGNED
) -> Iterator["Session"]:
    """Open a token with its PIN, for one thing at a time; whatever goes wrong is a KeyFault.

    ``folder`` may hold the PIN; ``undone`` is how a sentence says what was not done for it.
    """
    try:
        import pkcs11  # noqa: PLC0415 -- an office without a token does without it
    except ImportError as missing:
        raise KeyFault(
            f"本机没有 python-pkcs11，不能使用令牌中的密钥；请安装本系统的 hsm 附加依赖，{undone}"
        ) from missing
    pin = _pin(folder, undone)
    tried = hashlib.sha256(f"{place.module}\0{place.token}\0{pin}".encode()).digest()
    with _IN_USE:
        if tried in _REFUSED:
            raise _wrong_pin(place, undone)
        if not Path(place.module).is_file():
            raise KeyFault(f"PKCS#11 模块 {place.module} 不在本机，{undone}；请检查驱动是否安装")
        module: Any = None
        try:
            module = pkcs11.lib(place.module)
            with module.get_token(token_label=place.token).open(rw=write, user_pin=pin) as session:
                yield session
        except (pkcs11.NoSuchToken, pkcs11.TokenNotPresent) as missing:
            raise KeyFault(f"找不到令牌 {place.token}，{undone}；请检查令牌是否插好") from missing
        except pkcs11.MultipleTokensReturned as twice:
            raise KeyFault(f"名为 {place.token} 的令牌不止一个，{undone}；请只留一个") from twice
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange) as refused:
            _REFUSED.add(tried)
            raise _wrong_pin(place, undone) from refused
        except pkcs11.PinLocked as locked:
            raise KeyFault(f"令牌 {place.token} 已锁死，{undone}；请用管理员口令解锁") from locked
        except pkcs11.PKCS11Error as failed:
            said = str(failed) or type(failed).__name__
            raise KeyFault(f"令牌 {place.token} 不能使用（{said}），{undone}") from failed
        finally:
            if module is not None and module.initialized:
                with suppress(pkcs11.PKCS11Error):
                    module.finalize()


def _wrong_pin(place: Place, undone: str) -> KeyFault:
    """A PIN is tried once a process: a token locks itself after a few wrong ones."""
    return KeyFault(
        f"令牌 {place.token} 的口令不对，{undone}，也不再用它重试，以免锁死令牌；"
        "请改正 LANTAI_PKCS11_PIN 后重新启动"
    )


def _pin(folder: Path, undone: str) -> str:
    if given := os.environ.get("LANTAI_PKCS11_PIN"):
        return given
    kept = folder / PIN_FILE
    if not kept.is_file():
        raise KeyFault(
            f"没有令牌口令，{undone}；请设置 LANTAI_PKCS11_PIN，或把口令写入 keys/{PIN_FILE}"
        )
    if kept.stat().st_mode & 0o077:
        raise KeyFault(f"口令文件 keys/{PIN_FILE} 他人可读，{undone}；请把权限改为 0600 并更换口令")
    return kept.read_text().strip()


def _holds(session: "Session", place: Place) -> bool:
    from pkcs11 import Attribute, ObjectClass  # noqa: PLC0415 -- as above

    wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: place.label}
    return any(True for _ in session.get_objects(wanted))


def _found(session: "Session", place: Place) -> tuple[Any, bytes]:
    """The private key of a label and the 32 bytes of its public half. Raises KeyFault."""
    from pkcs11 import (  # noqa: PLC0415 -- as above
        Attribute,
        MultipleObjectsReturned,
        NoSuchKey,
        ObjectClass,
    )

    try:
        private = session.get_key(ObjectClass.PRIVATE_KEY, label=place.label)
        public: Any = session.get_key(ObjectClass.PUBLIC_KEY, label=place.label)
    except NoSuchKey as missing:
        raise KeyFault(
            f"令牌 {place.token} 中没有密钥 {place.label}，未签名；请核对令牌是否被更换"
        ) from missing
    except MultipleObjectsReturned as twice:
        raise KeyFault(f"令牌 {place.token} 中名为 {place.label} 的密钥不止一个，未签名") from twice
    point = bytes(public[Attribute.EC_POINT])
    if len(point) == 2 + _KEY_BYTES and point[:2] == bytes([0x04, _KEY_BYTES]):
        point = point[2:]  # an OCTET STRING, as the standard asks; some give the bytes alone
    if len(point) != _KEY_BYTES:
        raise KeyFault(f"令牌 {place.token} 中的密钥 {place.label} 不是 Ed25519，未签名")
    return private, point


def _refuse_if_loose(private: Any, place: Place) -> None:
    from pkcs11 import Attribute  # noqa: PLC0415 -- as above

    if private[Attribute.EXTRACTABLE] or not private[Attribute.SENSITIVE]:
        raise KeyFault(
            f"令牌 {place.token} 中的密钥 {place.label} 可以导出，不能用来签署日志；请另取名称新造"
        )


def _generate(session: "Session", place: Place) -> None:
    from pkcs11 import Attribute, KeyType  # noqa: PLC0415 -- as above

    curve: Any = session.create_domain_parameters(
        KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: _EDWARDS25519}, local=True
    )
    curve.generate_keypair(
        store=True,
        label=place.label,
        id=hashlib.sha256(place.label.encode()).digest()[:8],
        private_template={
            Attribute.PRIVATE: True,
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
        },
    )
