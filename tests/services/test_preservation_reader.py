"""A package opened by somebody who has the store, the keys and one page of documentation.

``docs/reference/preservation-package.md`` is all this reader knows: the standard library, the
ciphers of ``cryptography``, nothing of ours.
"""

import base64
import hashlib
import hmac
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES256, SM4
from django.conf import LazySettings
from ledger_factories import publish, record
from preservation_factories import LATER, add_late_material, new_dossier, preserve

from lantai.ledger import queries as ledger
from lantai.lib.sealing import Suite
from lantai.vault import queries as vault
from lantai.vault.models import Blob

pytestmark = pytest.mark.django_db(transaction=True)

# --- the reader: from here to the next line of dashes it knows only the documentation ---


def decrypt(suite: int, key: bytes, nonce: bytes, sealed: bytes, tied: bytes) -> bytes:
    cipher = AES256(key) if suite == 1 else SM4(key)
    opening = Cipher(cipher, modes.GCM(nonce, sealed[-16:])).decryptor()
    opening.authenticate_additional_data(tied)
    return opening.update(sealed[:-16]) + opening.finalize()


def canonical(said: Any) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def unwrap(keys: Path, uid: str) -> tuple[int, bytes]:
    """The dossier's key: suite and bytes, out of the folder of keys."""
    name, text = (keys / "preservation.key").read_text().splitlines()[0].split(" ")
    held = json.loads((keys / "preservation" / uid[:2] / f"{uid}.key").read_text())
    wrapped = base64.b64decode(held["wrapped"])
    above = 1 if name == "aes-256-gcm" else 2
    key = decrypt(
        above, base64.b64decode(text), wrapped[:12], wrapped[12:], f"dossier:{uid}".encode()
    )
    return (1 if held["suite"] == "aes-256-gcm" else 2), key


def opened(path: Path, content: str, uid: str, key: bytes) -> bytes:
    """A sealed file in plain text; ``content`` is its path in the object (v1/content/…)."""
    version, _, inside = content.split("/", 2)
    place = canonical({"dossier": uid, "path": inside, "version": int(version[1:])})
    raw = path.read_bytes()
    magic, suite, chunk, size, mark, where = struct.unpack(">8sBIQ16s32s", raw[:69])
    assert magic == b"LTSEAL1\n"
    assert mark == hmac.digest(key, b"lantai key mark", "sha256")[:16]
    assert where == hashlib.sha256(place).digest()
    start = 69 + 12 + (32 if suite == 1 else 16) + 16
    data_key = decrypt(suite, key, raw[69:81], raw[81:start], raw[:69] + place)
    tied, plain, at, number = hashlib.sha256(raw[:start]).digest(), b"", start, 0
    while at < len(raw):
        piece = raw[at : at + chunk + 16]
        plain += decrypt(suite, data_key, number.to_bytes(12, "big"), piece, tied)
        at, number = at + len(piece), number + 1
    assert len(plain) == size
    return plain


def root_over(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 9162 §2.1.3.2: the root that a leaf and its path lead to."""
    held, last = hashlib.sha256(b"\0" + leaf).digest(), size - 1
    for one in path:
        if index % 2 or index == last:
            held = hashlib.sha256(b"\1" + one + held).digest()
            while not index % 2 and index:
                index, last = index >> 1, last >> 1
        else:
            held = hashlib.sha256(b"\1" + held + one).digest()
        index, last = index >> 1, last >> 1
    return held


def signed(checkpoint: str, vkey: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint, if the key signed it."""
    text, _, signatures = checkpoint.partition("\n\n")
    name, mark, key = vkey.split("+", 2)
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:])
    line = next(one for one in signatures.splitlines() if one.startswith(f"— {name} "))
    blob = base64.b64decode(line.rsplit(" ", 1)[1])
    assert blob[:4].hex() == mark
    public.verify(blob[4:], f"{text}\n".encode())
    _, size, root = text.split("\n")[:3]
    return int(size), base64.b64decode(root)


def committed(salt: bytes, field: str, content: bytes) -> str:
    """The commitment of a leaf to a field of its entry."""
    own = hmac.digest(salt, b"lantai/salt/v1\0" + field.encode(), "sha256")
    return hashlib.sha256(b"lantai/commit/v1\0" + own + content).hexdigest()


# ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", Suite)
def test_a_package_is_read_with_the_documentation_alone(
    home: Path, settings: LazySettings, suite: Suite
) -> None:
    settings.LANTAI_SEALING = suite
    dossier = new_dossier()
    preserve(dossier)
    record(20)
    add_late_material(dossier)
    publish()
    preserve(dossier, LATER)
    vkey = ledger.verifier_key(stream="records")
    masters = {blob.sha256: vault.read(blob.sha256) for blob in Blob.objects.all()}

    (inventory,) = (home / "preserved" / "root").glob("???/???/???/*/inventory.json")
    listed = json.loads(inventory.read_text())
    uid = listed["id"].removeprefix("urn:lantai:dossier:")
    _, key = unwrap(home / "keys", uid)
    files = {}
    for digest, paths in listed["versions"][listed["head"]]["state"].items():
        (content,) = listed["manifest"][digest]
        for path in paths:
            files[path] = opened(inventory.parent / content, content, uid, key)

    catalogue = json.loads(files["catalogue.json"])
    assert catalogue["format"] == "lantai-dossier-1"
    assert catalogue["person"]["name"] == "石大川"
    pages = [page for line in catalogue["materials"] for page in line["pages"]]
    assert len(pages) == 6
    for page in pages:
        image = files[page["image"]]
        assert hashlib.sha256(image).hexdigest() == page["master"]["sha256"]
        assert image == masters[page["master"]["sha256"]]
    events = json.loads(files["events.json"])
    assert [event["action"] for event in events["events"]] == [
        "dossiers.dossier.entered",
        "preservation.dossier.kept",
        "dossiers.material.added",
    ]
    for event in events["events"]:
        leaf, salt = base64.b64decode(event["leaf"]), base64.b64decode(event["salt"])
        stated = json.loads(leaf)
        for field, content in (
            ("obj", canonical(event["subject"])),
            ("actor", canonical(event["actor"])),
            ("body", event["content"].encode()),
        ):
            assert committed(salt, field, content) == stated[field]["sha256"]
        size, root = signed(events["heads"][event["proof"]["head"]]["checkpoint"], vkey)
        path = [base64.b64decode(events["hashes"][at]) for at in event["proof"]["path"]]
        assert root_over(leaf, event["index"], size, path) == root
