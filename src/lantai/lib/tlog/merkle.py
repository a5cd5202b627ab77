"""The Merkle tree of RFC 6962, checked as RFC 9162 checks it, under any 32-byte hash.

    empty root  H("")
    leaf        H(00 ‖ entry)
    node        H(01 ‖ left ‖ right), split at the largest power of two smaller than the count

Proofs are made over ``Nodes``, a function from (level, index) to the root of the complete
subtree that spans the leaves index·2^level … (index+1)·2^level - 1. Where nodes come from (a list,
tiles) is its business.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

HASH_BYTES: Final = 32
Nodes = Callable[[int, int], bytes]


class ProofInvalid(ValueError):
    """A proof does not prove what it was given for."""


@dataclass(frozen=True)
class Suite:
    """A hash function for the tree: the same code serves each."""

    name: str
    # A prepared state is copied faster than a hash is looked up by name.
    _leaf: "hashlib._Hash" = field(repr=False, compare=False)
    _node: "hashlib._Hash" = field(repr=False, compare=False)
    empty_root: bytes = field(repr=False)

    @classmethod
    def of(cls, name: str) -> Self:
        return cls(
            name,
            hashlib.new(name, b"\0"),
            hashlib.new(name, b"\1"),
            hashlib.new(name, b"").digest(),
        )

    def leaf(self, entry: bytes) -> bytes:
        state = self._leaf.copy()
        state.update(entry)
        return state.digest()

    def leaves(self, entries: Iterable[bytes]) -> list[bytes]:
        """The leaf hashes of many entries."""
        copy = self._leaf.copy
        made = []
        for entry in entries:
            state = copy()
            state.update(entry)
            made.append(state.digest())
        return made

    def node(self, left: bytes, right: bytes) -> bytes:
        state = self._node.copy()
        state.update(left + right)
        return state.digest()

    def row_above(self, row: Sequence[bytes]) -> list[bytes]:
        """The nodes over a row of hashes, two by two; one left over at the end has none yet."""
        copy = self._node.copy
        made = []
        for left, right in zip(row[::2], row[1::2], strict=False):
            state = copy()
            state.update(left + right)
            made.append(state.digest())
        return made


SHA256: Final = Suite.of("sha256")
SM3: Final = Suite.of("sm3")


@dataclass
class Frontier:
    """The complete subtrees of a growing tree, largest first: all that an append needs to know."""

    suite: Suite = SHA256
    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    @classmethod
    def restore(cls, packed: bytes, *, size: int, suite: Suite = SHA256) -> Self:
        """Read back what ``packed`` wrote. Raises ValueError if it does not fit the size."""
        if len(packed) != size.bit_count() * HASH_BYTES:
            raise ValueError(f"not the frontier of a tree of {size}: {len(packed)} bytes")
        peaks = [packed[at : at + HASH_BYTES] for at in range(0, len(packed), HASH_BYTES)]
        return cls(suite=suite, size=size, peaks=peaks)

    @property
    def packed(self) -> bytes:
        return b"".join(self.peaks)

    def append(self, leaf_hash: bytes) -> None:
        """Add a leaf; two hashes an entry in all, counting its own."""
        carried, peaks = leaf_hash, self.peaks
        rest = self.size
        while rest & 1:
            carried = self.suite.node(peaks.pop(), carried)
            rest >>= 1
        peaks.append(carried)
        self.size += 1

    def root(self) -> bytes:
        if not self.peaks:
            return self.suite.empty_root
        held = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            held = self.suite.node(peak, held)
        return held


def root_of(leaf_hashes: Iterable[bytes], *, suite: Suite = SHA256) -> bytes:
    """The root over leaf hashes in order."""
    row = list(leaf_hashes)
    if not row:
        return suite.empty_root
    while len(row) > 1:
        alone = row[-1:] if len(row) % 2 else []  # joins the tree where it finds a neighbour
        row = suite.row_above(row) + alone
    return row[0]


def nodes_over(leaf_hashes: Sequence[bytes], *, suite: Suite = SHA256) -> Nodes:
    """Nodes of a tree held in memory."""
    held: list[list[bytes]] = [list(leaf_hashes)]
    while len(held[-1]) > 1:
        held.append(suite.row_above(held[-1]))
    return lambda level, index: held[level][index]


def range_root(start: int, end: int, nodes: Nodes, *, suite: Suite = SHA256) -> bytes:
    """MTH(D[start:end]) for a range as RFC 6962 cuts them; the empty root for an empty range."""
    if start == end:
        return suite.empty_root
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return nodes(level, start >> level)
    middle = start + _split(count)
    return suite.node(
        range_root(start, middle, nodes, suite=suite), range_root(middle, end, nodes, suite=suite)
    )


def inclusion_proof(index: int, size: int, nodes: Nodes, *, suite: Suite = SHA256) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1, from the leaf upwards."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(range_root(middle, end, nodes, suite=suite))
            end = middle
        else:
            proof.append(range_root(start, middle, nodes, suite=suite))
            start = middle
    return proof[::-1]


def consistency_proof(old: int, new: int, nodes: Nodes, *, suite: Suite = SHA256) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962 §2.1.2; empty for an empty or an equal old tree."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} does not grow to one of {new}")
    if old in (0, new):
        return []
    proof: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(range_root(middle, end, nodes, suite=suite))
            end = middle
        else:
            proof.append(range_root(start, middle, nodes, suite=suite))
            start, whole = middle, False
    if not whole:
        proof.append(range_root(start, end, nodes, suite=suite))
    return proof[::-1]


def verify_inclusion(
    *,
    index: int,
    size: int,
    leaf_hash: bytes,
    proof: Sequence[bytes],
    root: bytes,
    suite: Suite = SHA256,
) -> None:
    """Check a proof by RFC 9162 §2.1.3.2; raise ProofInvalid."""
    if not 0 <= index < size:
        raise ProofInvalid(f"there is no leaf {index} in a tree of {size}")
    _check_lengths(leaf_hash, root, *proof)
    node, last, held = index, size - 1, leaf_hash
    for step in proof:
        if last == 0:
            raise ProofInvalid("the inclusion proof is too long")
        if node & 1 or node == last:
            held = suite.node(step, held)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            held = suite.node(held, step)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofInvalid("the inclusion proof is too short")
    if not hmac.compare_digest(held, root):
        raise ProofInvalid("the inclusion proof leads to another root")


def verify_consistency(
    *,
    old: int,
    new: int,
    old_root: bytes,
    new_root: bytes,
    proof: Sequence[bytes],
    suite: Suite = SHA256,
) -> None:
    """Check by RFC 9162 §2.1.4.2 that the new tree only adds to the old; raise ProofInvalid."""
    if not 0 <= old <= new:
        raise ProofInvalid(f"a tree of {old} does not grow to one of {new}")
    if old == 0:
        _check_lengths(old_root, new_root)
    if old in (0, new):
        if proof:
            raise ProofInvalid("the consistency proof is too long")
        if old == 0 and old_root != suite.empty_root:
            raise ProofInvalid("the old root is not that of the empty tree")
        if old == new and old_root != new_root:
            raise ProofInvalid("two roots at one size")
        return
    _check_lengths(old_root, new_root, *proof)
    if not proof:
        raise ProofInvalid("the consistency proof is too short")
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    held_old = held_new = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise ProofInvalid("the consistency proof is too long")
        if node & 1 or node == last:
            held_old, held_new = suite.node(step, held_old), suite.node(step, held_new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            held_new = suite.node(held_new, step)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofInvalid("the consistency proof is too short")
    if not hmac.compare_digest(held_old, old_root):
        raise ProofInvalid("the consistency proof leads to another old root")
    if not hmac.compare_digest(held_new, new_root):
        raise ProofInvalid("the consistency proof leads to another new root")


def levels_over(hashes: Sequence[bytes], *, suite: Suite = SHA256) -> Iterator[list[bytes]]:
    """The complete rows above a row of hashes, the row itself first."""
    row = list(hashes)
    while row:
        yield row
        row = suite.row_above(row)


def _split(count: int) -> int:
    """The largest power of two smaller than the count."""
    return 1 << (count - 1).bit_length() - 1


def _check_lengths(*hashes: bytes) -> None:
    if any(len(held) != HASH_BYTES for held in hashes):
        raise ProofInvalid(f"a hash has {HASH_BYTES} bytes")
