"""Proofs and what becomes of them when one thing about them is changed.

Each family begins with the good proof and goes on with wrong ones: other places and sizes, roots
put elsewhere, changed bits, steps left out, put in, doubled, turned, and garbage at either end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from lantai.lib.tlog import merkle
from lantai.lib.tlog.merkle import SHA256, ProofInvalid, Suite

GARBAGE: Final = (b"\x00" * 32, b"\xff" * 32, bytes(range(32)))


class Claim(Protocol):
    """What a proof says; ``check`` raises ProofInvalid, ``asked`` puts it to a judge."""

    what: str

    def check(self) -> None: ...

    def asked(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Inclusion:
    what: str
    index: int
    size: int
    leaf: bytes
    proof: tuple[bytes, ...]
    root: bytes
    suite: Suite = SHA256

    def check(self) -> None:
        merkle.verify_inclusion(
            index=self.index,
            size=self.size,
            leaf_hash=self.suite.leaf(self.leaf),
            proof=self.proof,
            root=self.root,
            suite=self.suite,
        )

    def asked(self) -> dict[str, Any]:
        return {
            "kind": "inclusion",
            "index": self.index,
            "size": self.size,
            "leaf": self.leaf,
            "proof": list(self.proof),
            "root": self.root,
        }


@dataclass(frozen=True)
class Consistency:
    what: str
    old: int
    new: int
    old_root: bytes
    root: bytes
    proof: tuple[bytes, ...]
    suite: Suite = SHA256

    def check(self) -> None:
        merkle.verify_consistency(
            old=self.old,
            new=self.new,
            old_root=self.old_root,
            new_root=self.root,
            proof=self.proof,
            suite=self.suite,
        )

    def asked(self) -> dict[str, Any]:
        return {
            "kind": "consistency",
            "old": self.old,
            "size": self.new,
            "old_root": self.old_root,
            "root": self.root,
            "proof": list(self.proof),
        }


def inclusions(
    index: int, entries: Sequence[bytes], *, suite: Suite = SHA256
) -> tuple[Inclusion, list[Inclusion]]:
    """The good proof of an entry, and wrong ones made of it."""
    size = len(entries)
    nodes = merkle.nodes_over([suite.leaf(entry) for entry in entries], suite=suite)
    good = Inclusion(
        "as it is",
        index,
        size,
        entries[index],
        tuple(merkle.inclusion_proof(index, size, nodes, suite=suite)),
        merkle.range_root(0, size, nodes, suite=suite),
        suite,
    )
    wrong = [
        *(replace(good, what=f"index {other}", index=other) for other in _others(index)),
        *(
            replace(good, what=f"size {other}", size=other)
            for other in (size * 2, size // 2)
            if _path(index, other) != _path(index, size)
        ),
        replace(good, what="size 0", size=0),
        replace(good, what="other entry", leaf=good.leaf + b"."),
        replace(good, what="no entry", leaf=b"" if good.leaf else b"."),
        replace(good, what="empty root", root=suite.empty_root),
        *(replace(good, what=f"root {at}", root=garbage) for at, garbage in enumerate(GARBAGE)),
        *(
            replace(good, what=f"root, bit {bit}", root=flipped(good.root, bit))
            for bit in (0, 7, 128, 255)
        ),
        *(
            replace(good, what=what, proof=proof)
            for what, proof in _misshapen(good.proof, good.root)
        ),
    ]
    return good, wrong


def consistencies(
    old: int, entries: Sequence[bytes], *, suite: Suite = SHA256
) -> tuple[Consistency, list[Consistency]]:
    """The good proof that a tree only grew, and wrong ones made of it; 0 < old < new."""
    new = len(entries)
    nodes = merkle.nodes_over([suite.leaf(entry) for entry in entries], suite=suite)
    good = Consistency(
        "as it is",
        old,
        new,
        merkle.range_root(0, old, nodes, suite=suite),
        merkle.range_root(0, new, nodes, suite=suite),
        tuple(merkle.consistency_proof(old, new, nodes, suite=suite)),
        suite,
    )
    wrong = [
        *(replace(good, what=f"old {other}", old=other) for other in _others(old) if other),
        *(
            replace(good, what=f"new {other}", new=other)
            for other in (new * 2, new // 2)
            if other > old and _steps(old, other) != _steps(old, new)
        ),
        replace(good, what="smaller than before", old=new + 1),
        replace(good, what="roots changed about", old_root=good.root, root=good.old_root),
        replace(good, what="old root empty", old_root=suite.empty_root),
        replace(good, what="new root empty", root=suite.empty_root),
        *(
            replace(good, what=f"old root, bit {bit}", old_root=flipped(good.old_root, bit))
            for bit in (0, 7, 128, 255)
        ),
        *(
            replace(good, what=f"new root, bit {bit}", root=flipped(good.root, bit))
            for bit in (0, 7, 128, 255)
        ),
        *(
            replace(good, what=what, proof=proof)
            for what, proof in _misshapen(good.proof, good.root)
        ),
        replace(good, what="old root before", proof=(good.old_root, *good.proof)),
        replace(good, what="old root behind", proof=(*good.proof, good.old_root)),
    ]
    return good, wrong


def accepted(claim: Claim) -> bool:
    """Whether the product believes a claim."""
    try:
        claim.check()
    except ProofInvalid:
        return False
    return True


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _misshapen(proof: tuple[bytes, ...], root: bytes) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    for at, step in enumerate(proof):
        yield f"step {at} left out", (*proof[:at], *proof[at + 1 :])
        yield f"step {at} doubled", (*proof[: at + 1], *proof[at:])
        for bit in (0, 3, 77, 255):
            yield f"step {at}, bit {bit}", (*proof[:at], flipped(step, bit), *proof[at + 1 :])
        for number, garbage in enumerate(GARBAGE):
            yield f"garbage {number} before step {at}", (*proof[:at], garbage, *proof[at:])
    for number, garbage in enumerate(GARBAGE):
        yield f"garbage {number} behind", (*proof, garbage)
    yield "root before", (root, *proof)
    yield "root behind", (*proof, root)
    yield "far too long", (*proof, *GARBAGE * 30)
    if proof:
        yield "empty", ()
    if len(set(proof)) > 1:
        yield "turned", proof[::-1]
        yield "first step last", (*proof[1:], proof[0])


def _others(number: int) -> Iterator[int]:
    """Neighbours of a number and what one bit makes of it, none of them negative."""
    seen = {number}
    for other in (number - 1, number + 1, number ^ 2, number ^ 4, number * 2, number + 1024):
        if other >= 0 and other not in seen:
            seen.add(other)
            yield other


def _path(index: int, size: int) -> list[bool] | None:
    """On which side each step of a leaf's path joins: what a size decides of a proof."""
    if not 0 <= index < size:
        return None
    sides, start, end = [], 0, size
    while end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        sides.append(index < middle)
        start, end = (start, middle) if index < middle else (middle, end)
    return sides


def _steps(old: int, new: int) -> list[bool]:
    """On which side each step of a consistency proof joins."""
    sides, start, end = [], 0, new
    while old != end:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        sides.append(old <= middle)
        start, end = (start, middle) if old <= middle else (middle, end)
    return [*sides, start == 0]
