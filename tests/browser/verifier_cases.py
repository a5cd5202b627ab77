"""Bundles, good and altered, for two verifiers that were written apart."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from lib.tlog.sealing import FILES, LOG, STATEMENT, TWIN, facts, sealed, witness

from lantai.lib import bundle, canonical
from lantai.lib.tlog import cosignature
from lantai.lib.tlog.note import FileSigner
from lantai.lib.tlog.sm2 import SM2Signer

ENTRY: Final = "entries/000000000006.json"
PROOF: Final = "proofs/000000000006.tlog-proof"
OTHER_PROOF: Final = "proofs/000000000004.tlog-proof"
PAGE: Final = "files/p001.jpg"
FORM: Final = "files/审批表.pdf"
TWIN_HEAD: Final = "checkpoint-sm"
TWIN_PROOF: Final = "proofs-sm/000000000006.tlog-proof"
KINDS: Final = (
    bundle.README,
    bundle.MANIFEST,
    bundle.STATEMENT,
    bundle.CHECKPOINT,
    ENTRY,
    PROOF,
    PAGE,
    FORM,
)
STRANGER: Final = FileSigner.from_seed(LOG.name, bytes(32))
ELSEWHERE: Final = FileSigner.from_seed("lantai.example/elsewhere/records", bytes(range(32)))
PEERS: Final = "group peers 2 w1 w2 w3\nquorum peers"
BOTH: Final = "group city any w1 w2\ngroup peers 1 w3\ngroup both all city peers\nquorum both"


@dataclass(frozen=True)
class Case:
    """A bundle, what is believed, and the thing that a refusal must name."""

    name: str
    content: bytes
    keys: tuple[str, ...] = (LOG.vkey,)
    policy: str | None = None
    thing: str = ""

    def for_browser(self) -> dict[str, Any]:
        return {
            "content": base64.b64encode(self.content).decode(),
            "keys": list(self.keys),
            "policy": self.policy,
        }


def made(**changed: Any) -> bytes:
    return bundle.build(statement=STATEMENT, entries=sealed(facts(), **changed), files=FILES)


def trust(*witnesses: int, quorum: str) -> str:
    lines = [f"log {LOG.vkey}"]
    lines += [f"witness w{number} {witness(number)[0]}" for number in witnesses]
    return "\n".join(["# who is believed", *lines, quorum, ""])


def of_many_sizes() -> bytes:
    """Files on both sides of every border of the blocks that the hashes work in."""
    files = {
        f"{size}.bin": bytes([size % 251]) * size
        for size in (0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 121, 127, 128, 129, 4097)
    }
    listed = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    statement = {"files": listed, "case": 'é\u2028😀\u0007\\"', "€": None, "\ufb33": True}
    named = {"statement_sha256": bundle.digest(statement)}
    return bundle.build(statement=statement, entries=sealed(named), files=files)


def good() -> Iterator[Case]:
    yield Case("with the key", made())
    yield Case("without a key", made(), keys=())
    yield Case("with keys of other logs beside it", made(), keys=(ELSEWHERE.vkey, LOG.vkey))
    yield Case("many sizes", of_many_sizes())
    for field in ("actor", "body", "obj"):
        if field != "body":
            yield Case(f"{field} not disclosed", made(withhold=field))
    yield Case("a log of forty", made(growth=31))
    yield Case("a log of 64", made(growth=55))
    yield Case("unknown witnesses are passed over", made(witnesses=(5, 6)))
    yield Case("quorum none", made(), policy=trust(quorum="quorum none"))
    yield Case("two of three", made(witnesses=(1, 3)), policy=trust(1, 2, 3, quorum=PEERS))
    yield Case("groups of groups", made(witnesses=(2, 3)), policy=trust(1, 2, 3, quorum=BOTH))
    yield Case("one witness", made(witnesses=(2,)), policy=trust(2, quorum="quorum w2"))
    both = (LOG.vkey, TWIN.vkey)
    yield Case("a twin, both keys", made(twin=True), keys=both)
    yield Case("a twin of a log of 64", made(twin=True, growth=55), keys=both)
    yield Case("a twin, one key", made(twin=True))
    yield Case("a twin, its key alone", made(twin=True), keys=(TWIN.vkey,))
    policy = f"log {LOG.vkey}\nlog {TWIN.vkey}\nquorum none\n"
    yield Case("a twin in the policy", made(twin=True), keys=(), policy=policy)
    yield Case("a time stamp that nobody is trusted for", _stamped(), keys=both)


def refused() -> Iterator[Case]:
    """Everything that may be done to a bundle, by a clumsy hand and by one that knows the form."""
    yield from _flipped()
    yield from _forged()
    yield from _members()
    yield from _containers()
    yield from _believed()
    yield from _twins()


def _flipped() -> Iterator[Case]:
    """A bit of the file changed where it lies: the container notices."""
    whole = made()
    for name in KINDS:
        content = bundle.unpack(whole)[name]
        start = whole.index(name.encode() + content) + len(name.encode())
        for place in (0, len(content) // 2, len(content) - 1):
            yield Case(f"bit {place} of {name}", _flip(whole, start + place), thing=name)


def _forged() -> Iterator[Case]:
    """A member changed and the manifest made to fit."""
    for name in KINDS:
        if name == bundle.MANIFEST:
            continue
        content = bundle.unpack(made())[name]
        for place in (0, len(content) // 3, len(content) - 2):
            changed = _forge({name: _flip(content, place)})
            yield Case(f"forged {name} at {place}", changed, thing=_named_by(name))
    entry = canonical.loads(bundle.unpack(made())[ENTRY])
    for field in ("actor", "body", "obj"):
        for what, wrong in (("salt", "0" * 64), ("content", "somebody")):
            opening = {**entry["openings"][field], what: wrong}
            openings = {**entry["openings"], field: opening}
            changed = _forge({ENTRY: canonical.dumps({**entry, "openings": openings})})
            yield Case(f"{what} of {field}", changed, thing=ENTRY)
    for field, wrong in (("index", 7), ("leaf", entry["leaf"].replace('"v":1', '"v":2'))):
        changed = _forge({ENTRY: canonical.dumps({**entry, field: wrong})})
        yield Case(f"{field} of the entry", changed, thing=ENTRY)
    more = {**entry, "openings": {**entry["openings"], "org": {"salt": "0" * 64, "content": ""}}}
    yield Case("an opening too many", _forge({ENTRY: canonical.dumps(more)}), thing=ENTRY)
    yield Case("a field too many", _forge({ENTRY: canonical.dumps({**entry, "x": 1})}), thing=ENTRY)
    spaced = canonical.dumps(entry).replace(b'{"index":', b'{ "index":')
    yield Case("JSON of another form", _forge({ENTRY: spaced}), thing=ENTRY)
    rounded = canonical.dumps(entry).replace(b'"index":6', b'"index":6.0')
    yield Case("a number of another form", _forge({ENTRY: rounded}), thing=ENTRY)
    doubled = canonical.dumps(entry).replace(b'{"index":6', b'{"index":6,"index":6')
    yield Case("a key twice", _forge({ENTRY: doubled}), thing=ENTRY)
    yield from _proofs()


def _proofs() -> Iterator[Case]:
    members = bundle.unpack(made())
    text = members[PROOF].decode()
    lines = text.split("\n")
    yield Case("another's proof", _forge({PROOF: members[OTHER_PROOF]}), thing=PROOF)
    shorter = "\n".join([*lines[:2], *lines[3:]])
    longer = "\n".join([*lines[:3], *lines[2:]])
    for name, wrong in (
        ("path too short", shorter),
        ("path too long", longer),
        ("index in the proof", text.replace("index 6", "index 5")),
        ("index beyond the log", text.replace("index 6", "index 9")),
        ("index with a nought before", text.replace("index 6", "index 06")),
        ("extra", text.replace("index 6", "extra aGVsbG8=\nindex 6")),
        ("header", text.replace("proof@v1", "proof@v2")),
        ("not text", text.replace("index", "ind\x00x")),
    ):
        yield Case(f"proof: {name}", _forge({PROOF: wrong.encode()}), thing=PROOF)
    other = bundle.unpack(made(growth=1))
    yield Case("proof against another head", _forge({PROOF: other[PROOF]}), thing=PROOF)
    yield Case(
        "the head of another size",
        _forge({bundle.CHECKPOINT: other[bundle.CHECKPOINT]}),
        thing=bundle.CHECKPOINT,
    )


def _members() -> Iterator[Case]:
    members = bundle.unpack(made())
    for name in KINDS:
        without = {key: held for key, held in members.items() if key != name}
        yield Case(f"{name} removed", bundle.pack(without), thing=name)
        if name not in {bundle.MANIFEST, PAGE}:  # a page that nobody names may be left out
            # Of an entry and its proof, the one that is left is named.
            thing = "000000000006" if name in {ENTRY, PROOF} else name
            yield Case(f"{name} removed, manifest fitted", _forge({name: None}), thing=thing)
    for name in ("files/p002.jpg", "entries/000000000007.json", "more.txt", "files/a/../b"):
        added = {**members, name: b"new"}
        yield Case(f"{name} added", bundle.pack(added), thing=name)
        yield Case(f"{name} added, manifest fitted", _forge({name: b"new"}), thing=name)
    swapped = _forge({PAGE: members[FORM], FORM: members[PAGE]})
    yield Case("two files exchanged", swapped, thing=PAGE)
    statement = canonical.dumps({**STATEMENT, "pages": 2})
    yield Case("another statement", _forge({bundle.STATEMENT: statement}), thing=bundle.STATEMENT)
    manifest = canonical.loads(members[bundle.MANIFEST])
    for what, wrong in (("bytes", 1), ("sha256", "0" * 64), ("sm3", "0" * 64)):
        said = {**manifest["members"], PAGE: {**manifest["members"][PAGE], what: wrong}}
        changed = _forge({bundle.MANIFEST: canonical.dumps({**manifest, "members": said})})
        yield Case(f"{what} in the manifest", changed, thing=PAGE)
    old = canonical.dumps({**manifest, "format": "lantai-bundle/v0"})
    yield Case("another format", _forge({bundle.MANIFEST: old}), thing=bundle.MANIFEST)


def _containers() -> Iterator[Case]:
    whole = made()
    members = bundle.unpack(whole)
    yield Case("empty", b"", thing="证据包")
    yield Case("a byte after the end", whole + b"\0", thing="结尾")
    yield Case("a byte before the beginning", b"\0" + whole, thing="证据包")
    yield Case("cut off", whole[:-1], thing="")
    yield Case("cut in the middle", whole[: len(whole) // 2], thing="")
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        again = io.BytesIO()
        with zipfile.ZipFile(again, "w", method) as packed:
            for member, content in sorted(members.items()):
                packed.writestr(zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0)), content, method)
        yield Case(f"packed again, {name}", again.getvalue(), thing="")
    directory = whole.index(b"PK\1\2")
    for place, what in ((4, "made by"), (12, "time"), (38, "attributes"), (42, "place")):
        yield Case(f"{what} in the directory", _flip(whole, directory + place), thing="")
    for place, what in ((4, "version"), (6, "flags"), (10, "time"), (14, "sum")):
        yield Case(f"{what} before a member", _flip(whole, place), thing="")


def _believed() -> Iterator[Case]:
    yield Case("a stranger's key", made(), keys=(STRANGER.vkey,), thing=bundle.CHECKPOINT)
    yield Case("the key of another log", made(), keys=(ELSEWHERE.vkey,), thing=bundle.CHECKPOINT)
    for name, words, policy in (
        ("one of two", (1,), trust(1, 2, 3, quorum=PEERS)),
        ("none of two", (), trust(1, 2, 3, quorum=PEERS)),
        ("one group of two", (1, 2), trust(1, 2, 3, quorum=BOTH)),
        ("not the one", (1,), trust(1, 2, quorum="quorum w2")),
        ("the same twice", (1, 1), trust(1, 2, 3, quorum=PEERS)),
    ):
        yield Case(f"quorum: {name}", made(witnesses=words), policy=policy, thing="见证不足")
    content = made(witnesses=(1,))
    signed = bundle.unpack(content)[bundle.CHECKPOINT].decode()
    first, last = signed[:-1].rsplit("\n", 1)
    name, word = last.rsplit(" ", 1)
    raw = base64.b64decode(word)
    for what, place in (("time", 11), ("signature", 40)):
        wrong = base64.b64encode(_flip(raw, place)).decode()
        checkpoint = f"{first}\n{name} {wrong}\n".encode()
        yield Case(
            f"{what} of a witness",
            _with_head(content, checkpoint),
            policy=trust(1, quorum="quorum w1"),
            thing="见证签名",
        )
    signed = bundle.unpack(made())[bundle.CHECKPOINT].decode()
    log_line = signed[:-1].rsplit("\n", 1)[1]
    yield Case(
        "signed twice",
        _with_head(made(), f"{signed}{log_line}\n".encode()),
        thing=bundle.CHECKPOINT,
    )
    yield Case(
        "a fourth line in the head",
        _with_head(made(), signed.replace("\n\n", "\nmore\n\n").encode()),
        thing=bundle.CHECKPOINT,
    )


def _twins() -> Iterator[Case]:
    whole = made(twin=True)
    both = (LOG.vkey, TWIN.vkey)
    members = bundle.unpack(whole)
    for name in (TWIN_HEAD, TWIN_PROOF):
        content = members[name]
        for place in (0, len(content) // 3, len(content) - 2):
            start = whole.index(name.encode() + content) + len(name.encode())
            yield Case(f"bit {place} of {name}", _flip(whole, start + place), both, thing=name)
            forged = _forge({name: _flip(content, place)}, whole)
            yield Case(f"forged {name} at {place}", forged, both, thing=name)
        removed = bundle.pack({key: held for key, held in members.items() if key != name})
        yield Case(f"{name} removed", removed, both, thing=name)
    yield Case("the twin's head removed", _forge({TWIN_HEAD: None}, whole), both, thing=TWIN_HEAD)
    lone = _forge({TWIN_PROOF: None}, whole)
    yield Case("one proof of the twin removed", lone, both, thing=ENTRY)
    path = members[TWIN_PROOF].decode().split("\n")
    shorter = "\n".join([*path[:2], *path[3:]]).encode()
    yield Case("the twin's path", _forge({TWIN_PROOF: shorter}, whole), both, thing=TWIN_PROOF)
    ours = _forge({TWIN_PROOF: members[PROOF]}, whole)
    yield Case("the path of the log as the twin's", ours, both, thing=TWIN_PROOF)
    other = SM2Signer.make(TWIN.name)
    yield Case("another key of the twin", whole, (LOG.vkey, other.vkey), thing=TWIN_HEAD)
    grown = bundle.unpack(made(twin=True, growth=1))
    sized = {name: grown[name] for name in grown if name.startswith(("proofs-sm/", TWIN_HEAD))}
    yield Case("a twin of another size", _forge(sized, whole), both, thing=TWIN_HEAD)
    stamped = _forge({"anchors/Not This.tsr": b"x"}, whole)
    yield Case("an anchor of another name", stamped, both, thing="anchors/Not This.tsr")
    readme = _forge({bundle.README: bundle.README_TEXT.encode()}, whole)
    yield Case("the README of version 1", readme, both, thing=bundle.README)


def _stamped() -> bytes:
    return bundle.build(
        statement=STATEMENT,
        entries=sealed(facts(), twin=True),
        files=FILES,
        anchors={"tsa-1": b"a time stamp"},
    )


def _with_head(content: bytes, checkpoint: bytes) -> bytes:
    """A bundle in which every proof leads to another checkpoint, and the manifest fits."""
    members = bundle.unpack(content)
    old = members[bundle.CHECKPOINT]
    changed: dict[str, bytes | None] = {
        name: held.replace(old, checkpoint)
        for name, held in members.items()
        if name.startswith("proofs/")
    }
    return _forge({**changed, bundle.CHECKPOINT: checkpoint}, content)


def _forge(changes: Mapping[str, bytes | None], content: bytes | None = None) -> bytes:
    members = bundle.unpack(content or made())
    for name, held in changes.items():
        members.pop(name, None)
        if held is not None:
            members[name] = held
    if bundle.MANIFEST not in changes:
        members[bundle.MANIFEST] = bundle.manifest_of(members)
    return bundle.pack(members)


def _named_by(name: str) -> str:
    """What a refusal names: a leaf that reads well but is another fails with its proof."""
    return "000000000006" if name == ENTRY else name


def _flip(content: bytes, place: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def cosigned_by_ml_dsa(*, quorum: str) -> Case:
    """A witness whose signature no browser can check, beside one whose it can."""
    content = made(witnesses=(1,))
    checkpoint = bundle.unpack(content)[bundle.CHECKPOINT].decode()
    text = checkpoint.partition("\n\n")[0] + "\n"
    private = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32)))
    word = cosignature.cosign(text, name="late.example", private=private, time=1795579290)
    key = cosignature.cosigner_key("late.example", private)
    policy = trust(1, quorum=f"witness late {key}\n{quorum}")
    whole = _with_head(content, (checkpoint + word.line).encode())
    return Case("ML-DSA", whole, policy=policy)
