"""Notes, proofs and files of the log before programs that nobody here wrote.

What they accept must be what was written, and what was altered they must refuse: each judge on
its own, and always with the same verdict as the product's own verification.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from judges import panel
from ledger_factories import publish, record
from lib.tlog import wrong_proofs
from lib.tlog.wrong_proofs import Claim, flipped

from lantai.ledger import files, queries
from lantai.ledger.models import Entry
from lantai.lib.tlog import cosignature, merkle, note, tiles
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.merkle import SHA256
from lantai.lib.tlog.note import FileSigner, Note, Signature
from lantai.lib.tlog.sm2 import SM2Signer

LOG: Final = FileSigner.from_seed("lantai.example/judged/records", bytes(range(32)))
HEAD: Final = Checkpoint(LOG.name, 601, SHA256.leaf(b"some root"))
WITNESS: Final = Ed25519PrivateKey.from_private_bytes(bytes([7] * 32))
LATER: Final = MLDSA44PrivateKey.from_seed_bytes(bytes([9] * 32))
TIME: Final = 1_795_579_200


def test_which_judges_are_here() -> None:
    known = {judge.name for judge in panel.JUDGES}
    absent = {judge.name: judge.absent for judge in panel.JUDGES if judge.absent}

    assert panel.called_for() <= known
    assert {name: absent[name] for name in panel.called_for() & set(absent)} == {}


def test_a_head_is_opened_and_an_altered_one_is_not() -> None:
    signed = note.sign(HEAD.text, [LOG])

    for judge in panel.here("note"):
        assert _verdicts(judge, [_opened(signed, LOG.vkey)]) == [True]
        assert not any(
            _verdicts(judge, [_opened(changed, LOG.vkey) for changed in _altered(signed)])
        )


def test_a_head_under_another_key_is_not_opened() -> None:
    other = FileSigner.from_seed(LOG.name, bytes(32))
    signed = note.sign(HEAD.text, [LOG])

    for judge in panel.here("note"):
        assert _verdicts(judge, [_opened(signed, other.vkey)]) == [False]


@pytest.mark.parametrize("private", [WITNESS, LATER], ids=["type 04", "type 06"])
def test_a_cosigned_head_is_opened_and_an_altered_one_is_not(
    private: Ed25519PrivateKey | MLDSA44PrivateKey,
) -> None:
    kind = "note" if private is WITNESS else "ml-dsa note"
    key = cosignature.cosigner_key("w.example", private)
    word = cosignature.cosign(HEAD.text, name="w.example", private=private, time=TIME)
    signed = note.sign(HEAD.text, [LOG])
    signed = Note(signed.text, (*signed.signatures, word))

    for judge in panel.here(kind):
        vkeys = (LOG.vkey, str(key))
        assert _verdicts(judge, [_opened(signed, *vkeys)]) == [True]
        assert not any(_verdicts(judge, [_opened(bad, *vkeys) for bad in _altered(signed)]))


def test_lines_of_unknown_keys_do_not_trouble_the_others() -> None:
    stranger = FileSigner.from_seed("stranger.example", bytes([3] * 32))
    signed = note.sign(HEAD.text, [stranger, LOG, SM2Signer.make("chinese.example")])

    for judge in panel.here("note"):
        assert _verdicts(judge, [_opened(signed, LOG.vkey)]) == [True]


@pytest.mark.parametrize(
    ("kind", "family"),
    [("inclusion", wrong_proofs.inclusions), ("consistency", wrong_proofs.consistencies)],
    ids=["inclusion", "consistency"],
)
def test_of_every_family_of_proofs_the_judges_believe_the_good_one_alone(
    kind: str, family: Callable[[int, Sequence[bytes]], tuple[Claim, Sequence[Claim]]]
) -> None:
    entries = [b"entry %d" % index for index in range(300)]
    good: list[dict[str, Any]] = []
    wrong: list[dict[str, Any]] = []
    for size in (2, 3, 5, 7, 8, 9, 33, 64, 100, 255, 256, 257, 300):
        for place in sorted({1, size // 2, size - 1}):
            true, false = family(place, entries[:size])
            good.append(true.asked())
            wrong.extend(claim.asked() for claim in false)

    for judge in panel.here(kind):
        assert _verdicts(judge, good) == [True] * len(good)
        put = [asked for asked in wrong if judge.takes(asked)]
        believed = [asked for asked, told in zip(put, _verdicts(judge, put), strict=True) if told]
        assert believed == []


@pytest.mark.django_db
def test_the_published_log_is_read_and_its_proofs_are_rebuilt_alike(home: Path) -> None:
    sizes = (5, 300, 601)
    for before, size in zip((0, *sizes), sizes, strict=False):
        record(size - before)
        head = publish()
    folder = home / "log/records"
    asked = _reading(folder, size=601, root=bytes(head.root), index=299, old=300)
    proof = queries.sealed(Entry.objects.get(stream="records", index=299)).proof

    for judge in panel.here("tiles"):
        (told,) = judge.ask([asked])
        assert told["accepted"], told["why"]
        assert [f"{held}\n" for held in told["inclusion"]] == proof.splitlines(True)[2:-6]
        assert told == {**told, **_expected(folder, asked)}
    for judge in panel.here("note"):
        published = note.parse((folder / "checkpoint").read_text())
        vkey = queries.verifier_key(stream="records")
        assert _verdicts(judge, [_opened(published, vkey)]) == [True]


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    ],
)
def test_an_altered_file_of_the_log_is_found(tmp_path: Path, path: str) -> None:
    root = _write(tmp_path / "whole", 300)
    questions = []
    for bit in (0, 13, 260, 5_000):
        folder = tmp_path / f"bit{bit}"
        shutil.copytree(tmp_path / "whole", folder)
        content = (folder / path).read_bytes()
        (folder / path).write_bytes(flipped(content, bit % (len(content) * 8)))
        questions.append(_reading(folder, size=300, root=root, index=290, old=256))
    shutil.copytree(tmp_path / "whole", tmp_path / "gone")
    (tmp_path / "gone" / path).unlink()
    questions.append(_reading(tmp_path / "gone", size=300, root=root, index=290, old=256))
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    (tmp_path / "cut" / path).write_bytes((tmp_path / "whole" / path).read_bytes()[:-1])
    questions.append(_reading(tmp_path / "cut", size=300, root=root, index=290, old=256))

    for judge in panel.here("tiles"):
        whole = _reading(tmp_path / "whole", size=300, root=root, index=290, old=256)
        assert _verdicts(judge, [whole]) == [True]
        assert _verdicts(judge, questions) == [False] * len(questions)


def test_a_log_of_three_levels_is_read_and_its_proofs_are_rebuilt_alike(tmp_path: Path) -> None:
    size = 66_000
    root = _write(tmp_path, size)
    questions = [
        _reading(tmp_path, size=size, root=root, index=index, old=old)
        for index, old in ((0, 1), (65_535, 65_536), (65_999, 65_537), (40_000, 40_001))
    ]

    for judge in panel.here("tiles"):
        for asked, told in zip(questions, judge.ask(questions), strict=True):
            assert told["accepted"], told["why"]
            assert told == {**told, **_expected(tmp_path, asked)}


def _verdicts(judge: panel.Judge, questions: Sequence[panel.Question]) -> list[bool]:
    return [told["accepted"] for told in judge.ask(questions)]


def _opened(signed: Note | bytes, *vkeys: str) -> dict[str, Any]:
    content = signed if isinstance(signed, bytes) else str(signed).encode()
    return {"kind": "note", "note": content, "vkeys": list(vkeys)}


def _altered(signed: Note) -> list[bytes]:
    """The note with one bit changed of what its signatures cover, or of one of them.

    A signature is changed in its bytes, not in its letters: base64 has several spellings of one
    value, and not every reader minds.
    """
    text = signed.text.encode()
    whole = str(signed).encode()
    changed = [
        flipped(text, bit) + whole[len(text) :]
        for bit in range(0, len(text) * 8, 5)
        if flipped(text, bit).isascii()
    ]
    for at, signature in enumerate(signed.signatures):
        for bit in range(0, len(signature.value) * 8, len(signature.value) // 8 - 1):
            bad = Signature(signature.name, signature.key_id, flipped(signature.value, bit))
            lines = (*signed.signatures[:at], bad, *signed.signatures[at + 1 :])
            changed.append(str(Note(signed.text, lines)).encode())
    return changed


def _reading(folder: Path, *, size: int, root: bytes, index: int, old: int) -> dict[str, Any]:
    return {
        "kind": "tiles",
        "folder": str(folder),
        "size": size,
        "root": root,
        "index": index,
        "old": old,
    }


def _expected(folder: Path, asked: panel.Question) -> dict[str, Any]:
    """The proofs that the product makes of the files."""
    nodes = tiles.nodes_in(lambda tile: files.read_tile(folder, tile), asked["size"])
    inclusion = merkle.inclusion_proof(asked["index"], asked["size"], nodes)
    consistency = merkle.consistency_proof(asked["old"], asked["size"], nodes)
    told = {"inclusion": inclusion, "consistency": consistency}
    return {name: [panel.base64_of(held) for held in held] for name, held in told.items() if held}


def _write(folder: Path, size: int) -> bytes:
    """Write a log of invented entries, without a database; return its root."""
    entries = [b"entry %d of the log" % index for index in range(size)]
    hashes = [SHA256.leaf(entry) for entry in entries]
    files.make_directories(folder)
    files.write_tiles(
        folder,
        old=0,
        new=size,
        rows=lambda first, count: list(
            zip(entries[first : first + count], hashes[first : first + count], strict=True)
        ),
    )
    return merkle.root_of(hashes)
