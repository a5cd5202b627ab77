"""The leaf of one act: codes and salted commitments, no personal data.

Canonical JSON with the fields

    v      1
    type   the action, ``app.noun.past-participle``
    org    code of the body that keeps the log
    t      log time, UTC seconds
    obj    commitment to what was acted upon, ``noun:uid``
    actor  commitment to who acted
    body   commitment to the moment and the facts

A commitment is H("lantai/commit/v1" ‖ 00 ‖ 32-byte salt ‖ canonical content), given under SHA-256
and SM3, so that the fall of one hash does not void old evidence. One random salt is kept an
entry; each commitment is salted with its own key derived from it, so that one can be opened
without the others: HMAC-SHA-256(salt, "lantai/salt/v1" ‖ 00 ‖ field).
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, Final

from lantai.lib import canonical

VERSION: Final = 1
SALT_BYTES: Final = 32
MAX_BYTES: Final = 16_384
FIELDS: Final = ("actor", "body", "obj")
_COMMIT: Final = b"lantai/commit/v1\0"
_SALT: Final = b"lantai/salt/v1\0"
_OWN_SALTS: Final = tuple(_SALT + field.encode() for field in FIELDS)
_ACTION: Final = re.compile(r"[a-z]+\.[a-z][a-z_-]*\.[a-z][a-z_-]*")
_ORG: Final = re.compile(r"[A-Za-z0-9._-]{1,40}")
_HEX: Final = re.compile(r"[0-9a-f]{64}")
# A million entries are committed to again in an audit: prepared states and pads cost a fraction of
# what looking the functions up by name does, and give the same digests.
_SHA256: Final = hashlib.sha256(_COMMIT)
_SM3: Final = hashlib.new("sm3", _COMMIT)
_BLOCK: Final = 64  # bytes SHA-256 takes at a time
_INNER: Final = bytes(octet ^ 0x36 for octet in range(256))
_OUTER: Final = bytes(octet ^ 0x5C for octet in range(256))


class LeafFault(ValueError):
    """A leaf or an opening is not what the format says, or they do not belong together."""


def moment(at: datetime) -> str:
    """Write a moment as the body of an entry gives it: UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def seconds(at: datetime) -> int:
    """Log time: whole UTC seconds, rounded down."""
    return int(at.timestamp() // 1)


def body_of(*, at: datetime, facts: Mapping[str, Any]) -> bytes:
    """The content that ``body`` commits to."""
    return canonical.dumps({"at": moment(at), "facts": facts})


def derived_salt(salt: bytes, field: str) -> bytes:
    """The salt of one commitment of an entry."""
    (derived,) = _derived_salts(salt, _SALT + field.encode())
    return derived


def commitment(field_salt: bytes, content: bytes) -> dict[str, str]:
    """Commit to canonical content under a salt of its own."""
    marks: dict[str, str] = json.loads(_mark(field_salt + content))
    return marks


def build(
    *, action: str, org: str, at: datetime, actor: str, subject: str, body: bytes, salt: bytes
) -> bytes:
    """Return the leaf. Raises ValueError for an action or body code that is no code."""
    _check_codes(action, org)
    actor_salt, body_salt, subject_salt = _derived_salts(salt, *_OWN_SALTS)
    # Every value is a code, a number or a digest, so this text is canonical as it stands; a test
    # compares it with RFC 8785's own writer. It is several times faster.
    return (
        f'{{"actor":{_mark(actor_salt + _quoted(actor))},"body":{_mark(body_salt + body)},'
        f'"obj":{_mark(subject_salt + _quoted(subject))},'
        f'"org":"{org}","t":{seconds(at)},"type":"{action}","v":{VERSION}}}'
    ).encode()


def read(leaf: bytes) -> dict[str, Any]:
    """Read a leaf; raise LeafFault if it is not exactly of this format."""
    if len(leaf) > MAX_BYTES:
        raise LeafFault(f"a leaf has at most {MAX_BYTES} bytes, not {len(leaf)}")
    try:
        said = canonical.loads(leaf)
    except ValueError as strange:
        raise LeafFault(f"the leaf is not canonical JSON: {strange}") from strange
    if not isinstance(said, dict) or set(said) != {"v", "type", "org", "t", *FIELDS}:
        raise LeafFault("the leaf does not have the fields of this format")
    if said["v"] != VERSION or isinstance(said["v"], bool):
        raise LeafFault(f"the leaf has version {said['v']!r}, not {VERSION}")
    if not isinstance(said["t"], int) or isinstance(said["t"], bool) or said["t"] < 0:
        raise LeafFault("the leaf's time is not a number of seconds")
    for code, form in ((said["type"], _ACTION), (said["org"], _ORG)):
        if not isinstance(code, str) or not form.fullmatch(code):
            raise LeafFault(f"not a code: {code!r}")
    for field in FIELDS:
        _check_commitment(field, said[field])
    return said


def check_opening(
    said: Mapping[str, Any], *, field: str, field_salt: bytes, content: object
) -> None:
    """Raise LeafFault unless the content is what a field of a leaf (``read``) commits to."""
    if field not in FIELDS:
        raise LeafFault(f"a leaf has no commitment called {field!r}")
    if len(field_salt) != SALT_BYTES:
        raise LeafFault(f"a salt has {SALT_BYTES} bytes, not {len(field_salt)}")
    if commitment(field_salt, canonical.dumps(content)) != said[field]:
        raise LeafFault(f"the opened {field} is not what the leaf commits to")


def _mark(preimage: bytes) -> str:
    """A commitment as the leaf writes it."""
    sha256, sm3 = _SHA256.copy(), _SM3.copy()
    sha256.update(preimage)
    sm3.update(preimage)
    return f'{{"sha256":"{sha256.hexdigest()}","sm3":"{sm3.hexdigest()}"}}'


def _derived_salts(salt: bytes, *messages: bytes) -> list[bytes]:
    """HMAC-SHA-256 under a salt as RFC 2104 writes it, the padding of the salt done once."""
    if len(salt) != SALT_BYTES:
        raise LeafFault(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    padded = salt.ljust(_BLOCK, b"\0")
    inner, outer = padded.translate(_INNER), padded.translate(_OUTER)
    sha256 = hashlib.sha256
    return [sha256(outer + sha256(inner + message).digest()).digest() for message in messages]


def _quoted(text: str) -> bytes:
    """A text as canonical JSON writes it; the standard encoder escapes exactly what RFC 8785 does.

    Raises ValueError for a lone surrogate.
    """
    return encode_basestring(text).encode()


@lru_cache(maxsize=1024)  # the actions of the program and the body that runs it
def _check_codes(action: str, org: str) -> None:
    if not _ACTION.fullmatch(action):
        raise LeafFault(f"an action reads app.noun.past-participle, not {action!r}")
    if not _ORG.fullmatch(org):
        raise LeafFault(f"not the code of a body: {org!r}")


def _check_commitment(field: str, given: object) -> None:
    if not isinstance(given, dict) or set(given) != {"sha256", "sm3"}:
        raise LeafFault(f"{field} is not a commitment")
    if not all(isinstance(digest, str) and _HEX.fullmatch(digest) for digest in given.values()):
        raise LeafFault(f"{field} is not a commitment")
