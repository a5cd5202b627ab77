r"""The key-encryption keys of a ring: in a file, or in a PKCS#11 token that never gives it out.

``<ring>.key`` holds a key a line, the newest first. For one in a token stands ``<ring>.pkcs11``
(TOML) in its place::

    module = "/usr/lib/softhsm/libsofthsm2.so"
    token = "lantai"
    label = "preservation"
    mark = "<32 hex digits>"

The mark is the CKA_ID of the AES key in the token: another key under the same label is not taken
for it. Keys are wrapped in there by AES-256-GCM, written as ``lib.sealing`` writes them. While a
ring changes its key, ``[before]`` names the one in a token before it, or the file is still there.
"""

import base64
import json
import secrets
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lantai.ledger import tokens
from lantai.ledger.tokens import Place
from lantai.lib import canonical, sealing
from lantai.lib.sealing import Key, Suite

if TYPE_CHECKING:
    from pkcs11 import Session

_UNDONE: Final = "未取得密钥"
_NONCE: Final = 12
_TAG_BITS: Final = 128
_MARK_BYTES: Final = 16
_MOST_KEPT: Final = 4096
# What tokens opened for this process: a look at a page must not wait for the hardware each time.
_KEPT: Final[dict[tuple[str, str], Key]] = {}


NO_SM4: Final = (
    "国密配置（sm4-gcm）的密钥须由 SM4 主密钥保护，而 PKCS#11 令牌接口没有 SM4 的标准机制；"
    "主密钥请留在文件中，或改用 aes-256-gcm"
)


class KeyMissing(RuntimeError):
    """A key that was used is not there: nothing is made in its place until a person has looked."""


@lru_cache(maxsize=_MOST_KEPT)
def _unwrapped(above: Key, text: str, purpose: str) -> Key:
    return sealing.unwrap(text, under=above, purpose=purpose)


@dataclass(frozen=True)
class InFile:
    """A key that stands in a file.

    ``wrapped`` and ``opened`` take many keys, which a token does in one sitting, each with its
    purpose; opening raises sealing.WrongKey, Tampered.
    """

    key: Key

    @property
    def mark(self) -> bytes:
        return self.key.mark

    def look(self) -> None:
        """Make sure that the key is at hand: it is."""

    def wrapped(self, keys: Sequence[tuple[Key, str]]) -> list[str]:
        return [sealing.wrap(key, under=self.key, purpose=purpose) for key, purpose in keys]

    def opened(self, texts: Sequence[tuple[str, str]]) -> list[Key]:
        return [_unwrapped(self.key, text, purpose) for text, purpose in texts]


@dataclass(frozen=True)
class InToken:
    """A key in a token; ``folder`` may hold the PIN. Whatever the token refuses is a KeyMissing."""

    place: Place
    mark: bytes
    folder: Path

    def look(self) -> None:
        """Make sure that the key is at hand. Raises KeyMissing."""
        with _session(self.place, self.folder) as session:
            self._found(session)

    def wrapped(self, keys: Sequence[tuple[Key, str]]) -> list[str]:
        if any(key.suite is not Suite.AES for key, _ in keys):
            raise KeyMissing(NO_SM4)
        made = []
        with _session(self.place, self.folder) as session:
            inside = self._found(session)
            for key, purpose in keys:
                nonce = secrets.token_bytes(_NONCE)
                held = nonce + inside.encrypt(key.secret, **_gcm(nonce, purpose))
                stated = {
                    "under": self.mark.hex(),
                    "suite": str(key.suite),
                    "wrapped": base64.b64encode(held).decode(),
                }
                made.append(canonical.dumps(stated).decode())
        return made

    def opened(self, texts: Sequence[tuple[str, str]]) -> list[Key]:
        kept = [key for each in texts if (key := _KEPT.get(each))]
        if len(kept) == len(texts):
            return kept
        found = []
        parsed = [(*self._parsed(text), purpose) for text, purpose in texts]
        with _session(self.place, self.folder) as session:
            inside = self._found(session)
            for suite, wrapped, purpose in parsed:
                found.append(_opened(inside, suite, wrapped, purpose))
        if len(_KEPT) + len(texts) > _MOST_KEPT:
            _KEPT.clear()
        _KEPT.update(zip(texts, found, strict=True))
        return found

    def _parsed(self, text: str) -> tuple[Suite, bytes]:
        try:
            stated = canonical.loads(text.encode())
            suite, mark = Suite(stated["suite"]), bytes.fromhex(stated["under"])
            wrapped = base64.b64decode(stated["wrapped"], validate=True)
        except (ValueError, KeyError, TypeError) as strange:
            raise sealing.Tampered("密钥文件的写法不对，请从密钥备份中恢复") from strange
        if mark != self.mark:
            raise sealing.WrongKey("密钥文件由另一把主密钥保护，请换用当时的主密钥")
        return suite, wrapped

    def _found(self, session: "Session") -> Any:
        """The key under the label. Raises KeyMissing unless it is the one that is registered."""
        from pkcs11 import Attribute  # noqa: PLC0415 -- an office without a token does without it

        inside = _labelled(session, self.place)
        if bytes(inside[Attribute.ID]) != self.mark:
            raise KeyMissing(
                f"令牌 {self.place.token} 中的主密钥 {self.place.label} 与登记的不符，{_UNDONE}；"
                "请核对令牌是否被更换"
            )
        return inside


Above = InFile | InToken


def make(place: Place, folder: Path) -> InToken:
    """Make a key in a token, or take the one of that label, and try it. Raises KeyMissing.

    It is sensitive and cannot be extracted; one that can be is refused.
    """
    with _session(place, folder, write=True) as session:
        from pkcs11 import Attribute  # noqa: PLC0415 -- as above

        if not _holds(session, place):
            _generate(session, place)
        inside = _labelled(session, place)
        if inside[Attribute.EXTRACTABLE] or not inside[Attribute.SENSITIVE]:
            raise KeyMissing(
                f"令牌 {place.token} 中的密钥 {place.label} 可以导出，不能作主密钥；请另取名称新造"
            )
        mark = bytes(inside[Attribute.ID])
    if len(mark) != _MARK_BYTES:
        raise KeyMissing(
            f"令牌 {place.token} 中的密钥 {place.label} 不是本系统所造，不能作主密钥；"
            "请另取名称新造"
        )
    made = InToken(place, mark, folder)
    trial = sealing.new_key(Suite.AES)
    if made.opened([(made.wrapped([(trial, "trial")])[0], "trial")]) != [trial]:
        raise KeyMissing(f"令牌 {place.token} 解不开自己所封的密钥，不能用；请检查令牌")
    return made


def read_file(path: Path) -> tuple[InFile, ...]:
    """The keys of a key file, the newest first. Raises KeyMissing if it was cut or edited."""
    try:
        found = tuple(InFile(sealing.parse_key(line)) for line in path.read_text().splitlines())
    except (ValueError, FileNotFoundError) as strange:
        raise KeyMissing(_unreadable(path)) from strange
    if not found:
        raise KeyMissing(_unreadable(path))
    return found


def read_places(path: Path) -> tuple[InToken, ...]:
    """The keys in tokens that ``<ring>.pkcs11`` names, the newest first. Raises KeyMissing."""
    try:
        said = tomllib.loads(path.read_text())
        tables = (said, said["before"]) if "before" in said else (said,)
        return tuple(_read_place(table, path.parent) for table in tables)
    except (ValueError, KeyError, TypeError, FileNotFoundError) as strange:
        raise KeyMissing(_unreadable(path)) from strange


def written(now: InToken, before: InToken | None = None) -> str:
    """What ``<ring>.pkcs11`` says; holds no secret."""
    said = _lines(now)
    return said if before is None else f"{said}\n[before]\n{_lines(before)}"


def _lines(key: InToken) -> str:
    place = key.place
    pairs = (
        ("module", place.module),
        ("token", place.token),
        ("label", place.label),
        ("mark", key.mark.hex()),
    )
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in pairs)


def _read_place(table: Mapping[str, Any], folder: Path) -> InToken:
    module, token, label, mark = (table[name] for name in ("module", "token", "label", "mark"))
    if not all(isinstance(value, str) for value in (module, token, label, mark)):
        raise TypeError(label)
    found = bytes.fromhex(mark)
    if len(found) != _MARK_BYTES:
        raise ValueError(mark)
    return InToken(Place(module, token, label), found, folder)


def _unreadable(path: Path) -> str:
    return f"主密钥 keys/{path.name} 读不懂，请从密钥备份中恢复，不要另造"


@contextmanager
def _session(place: Place, folder: Path, *, write: bool = False) -> Iterator["Session"]:
    """A sitting with a token; what is wrong with it is a KeyMissing."""
    try:
        with tokens.opened(place, folder, write=write, undone=_UNDONE) as session:
            yield session
    except tokens.KeyFault as fault:
        raise KeyMissing(str(fault)) from fault


def _gcm(nonce: bytes, purpose: str) -> dict[str, Any]:
    from pkcs11 import GCMParams, Mechanism  # noqa: PLC0415 -- as above

    return {
        "mechanism": Mechanism.AES_GCM,
        "mechanism_param": GCMParams(nonce, purpose.encode(), _TAG_BITS),
    }


def _opened(inside: Any, suite: Suite, wrapped: bytes, purpose: str) -> Key:
    from pkcs11 import PKCS11Error  # noqa: PLC0415 -- as above

    try:
        secret = inside.decrypt(wrapped[_NONCE:], **_gcm(wrapped[:_NONCE], purpose))
        return Key(suite, bytes(secret))
    except (PKCS11Error, ValueError) as refused:
        raise sealing.Tampered("密钥文件被改动，或属于另一份档案，请从密钥备份中恢复") from refused


def _holds(session: "Session", place: Place) -> bool:
    from pkcs11 import Attribute, ObjectClass  # noqa: PLC0415 -- as above

    wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: place.label}
    return any(True for _ in session.get_objects(wanted))


def _labelled(session: "Session", place: Place) -> Any:
    from pkcs11 import MultipleObjectsReturned, NoSuchKey, ObjectClass  # noqa: PLC0415 -- as above

    try:
        return session.get_key(ObjectClass.SECRET_KEY, label=place.label)
    except NoSuchKey as missing:
        raise KeyMissing(
            f"令牌 {place.token} 中没有主密钥 {place.label}，{_UNDONE}；请核对令牌是否被更换"
        ) from missing
    except MultipleObjectsReturned as twice:
        raise KeyMissing(
            f"令牌 {place.token} 中名为 {place.label} 的密钥不止一个，{_UNDONE}；请只留一个"
        ) from twice


def _generate(session: "Session", place: Place) -> None:
    from pkcs11 import Attribute, KeyType  # noqa: PLC0415 -- as above

    may = dict.fromkeys((Attribute.PRIVATE, Attribute.SENSITIVE), True)
    may |= dict.fromkeys((Attribute.ENCRYPT, Attribute.DECRYPT), True)
    may |= dict.fromkeys((Attribute.SIGN, Attribute.VERIFY, Attribute.EXTRACTABLE), False)
    may |= dict.fromkeys((Attribute.WRAP, Attribute.UNWRAP), False)
    session.generate_key(
        KeyType.AES,
        Suite.AES.key_bytes * 8,
        store=True,
        label=place.label,
        id=secrets.token_bytes(_MARK_BYTES),
        template=may,
    )
