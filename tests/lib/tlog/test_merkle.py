"""The tree against the text of RFC 6962, written down again as plainly as it reads."""

import hashlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lib.tlog import wrong_proofs
from lib.tlog.wrong_proofs import Claim, flipped

from lantai.lib.tlog import merkle
from lantai.lib.tlog.merkle import SHA256, SM3, Frontier, ProofInvalid, Suite

CLASSIC = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
LARGEST = 600


def entries(count: int) -> list[bytes]:
    return [b"entry %d" % index for index in range(count)]


def naive_root(given_entries: list[bytes], hash_name: str = "sha256") -> bytes:
    """MTH of RFC 6962 §2.1, by recursion over the entries."""

    def digest(content: bytes) -> bytes:
        return hashlib.new(hash_name, content).digest()

    if not given_entries:
        return digest(b"")
    if len(given_entries) == 1:
        return digest(b"\x00" + given_entries[0])
    split = 1
    while split * 2 < len(given_entries):
        split *= 2
    left, right = given_entries[:split], given_entries[split:]
    return digest(b"\x01" + naive_root(left, hash_name) + naive_root(right, hash_name))


def naive_path(index: int, given_entries: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1, by recursion over the entries."""
    if len(given_entries) == 1:
        return []
    split = 1
    while split * 2 < len(given_entries):
        split *= 2
    left, right = given_entries[:split], given_entries[split:]
    if index < split:
        return [*naive_path(index, left), naive_root(right)]
    return [*naive_path(index - split, right), naive_root(left)]


def naive_proof(old: int, given_entries: list[bytes], *, whole: bool = True) -> list[bytes]:
    """PROOF and SUBPROOF of RFC 6962 §2.1.2, by recursion over the entries."""
    if old == len(given_entries):
        return [] if whole else [naive_root(given_entries)]
    split = 1
    while split * 2 < len(given_entries):
        split *= 2
    left, right = given_entries[:split], given_entries[split:]
    if old <= split:
        return [*naive_proof(old, left, whole=whole), naive_root(right)]
    return [*naive_proof(old - split, right, whole=False), naive_root(left)]


def tree(count: int, suite: Suite = SHA256) -> tuple[list[bytes], merkle.Nodes]:
    leaf_hashes = [suite.leaf(entry) for entry in entries(count)]
    return leaf_hashes, merkle.nodes_over(leaf_hashes, suite=suite)


@pytest.mark.parametrize(
    ("suite", "root"),
    [
        (SHA256, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        (SM3, "bc48ba7a709184b5f2a631e1adeb8dc2a0d4c018c1d6cc89b5664fe154c93b38"),
    ],
    ids=lambda value: value.name if isinstance(value, Suite) else value[:8],
)
def test_the_eight_classic_entries_have_the_published_root(suite: Suite, root: str) -> None:
    assert merkle.root_of(map(suite.leaf, CLASSIC), suite=suite).hex() == root


def test_the_roots_of_the_classic_entries_one_after_another_are_the_published_ones() -> None:
    frontier = Frontier()
    roots = [frontier.root().hex()]

    for entry in CLASSIC:
        frontier.append(SHA256.leaf(entry))
        roots.append(frontier.root().hex())

    assert roots == [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]


@pytest.mark.parametrize("suite", [SHA256, SM3], ids=lambda suite: suite.name)
def test_every_size_agrees_with_the_recursion_of_the_rfc(suite: Suite) -> None:
    frontier = Frontier(suite)
    leaf_hashes, nodes = tree(LARGEST, suite)

    for size in range(LARGEST + 1):
        expected = naive_root(entries(size), suite.name)
        assert frontier.root() == expected
        assert merkle.range_root(0, size, nodes, suite=suite) == expected
        if size < LARGEST:
            frontier.append(leaf_hashes[size])


def test_every_leaf_of_every_size_is_proven() -> None:
    leaf_hashes, nodes = tree(LARGEST)

    for size in range(1, LARGEST + 1):
        root = merkle.range_root(0, size, nodes)
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, nodes)
            merkle.verify_inclusion(
                index=index, size=size, leaf_hash=leaf_hashes[index], proof=proof, root=root
            )


def test_every_size_is_proven_consistent_with_every_smaller_one() -> None:
    _, nodes = tree(LARGEST)
    roots = [merkle.range_root(0, size, nodes) for size in range(LARGEST + 1)]

    for new in range(LARGEST + 1):
        for old in range(new + 1):
            proof = merkle.consistency_proof(old, new, nodes)
            merkle.verify_consistency(
                old=old, new=new, old_root=roots[old], new_root=roots[new], proof=proof
            )


def test_every_proof_of_the_small_trees_is_that_of_the_recursion() -> None:
    for size in range(1, 41):
        leaves = entries(size)
        _, nodes = tree(size)
        for index in range(size):
            assert merkle.inclusion_proof(index, size, nodes) == naive_path(index, leaves)
            assert merkle.consistency_proof(index + 1, size, nodes) == naive_proof(
                index + 1, leaves
            )


@pytest.mark.parametrize("suite", [SHA256, SM3], ids=lambda suite: suite.name)
def test_of_every_family_of_proofs_the_good_one_alone_is_believed(suite: Suite) -> None:
    for size in [*range(1, 18), 31, 32, 33, 64, 65, 100, 255, 256, 257, LARGEST]:
        leaves = entries(size)
        for place in sorted({0, 1, 2, 3, size // 2, size - 2, size - 1}):
            families: list[tuple[Claim, Sequence[Claim]]] = []
            if 0 <= place < size:
                families.append(wrong_proofs.inclusions(place, leaves, suite=suite))
            if 0 < place < size:
                families.append(wrong_proofs.consistencies(place, leaves, suite=suite))
            for good, wrong in families:
                assert wrong_proofs.accepted(good), (place, size)
                believed = [claim.what for claim in wrong if wrong_proofs.accepted(claim)]
                assert believed == [], (type(good), place, size)


def test_the_published_proofs_of_rfc_6962_come_out() -> None:
    """The example of RFC 6962 §2.1.3: seven leaves, and which nodes each proof is made of."""
    leaf_hashes, nodes = tree(7)
    a, b, c, d, e, f, j = leaf_hashes
    g, h, i = SHA256.node(a, b), SHA256.node(c, d), SHA256.node(e, f)
    k, ell = SHA256.node(g, h), SHA256.node(i, j)

    assert merkle.inclusion_proof(0, 7, nodes) == [b, h, ell]
    assert merkle.inclusion_proof(3, 7, nodes) == [c, g, ell]
    assert merkle.inclusion_proof(4, 7, nodes) == [f, j, k]
    assert merkle.inclusion_proof(6, 7, nodes) == [i, k]
    assert merkle.consistency_proof(3, 7, nodes) == [c, d, g, ell]
    assert merkle.consistency_proof(4, 7, nodes) == [ell]
    assert merkle.consistency_proof(6, 7, nodes) == [i, j, k]


@given(st.data())
def test_no_changed_bit_of_an_inclusion_proof_passes(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, LARGEST), "size")
    index = data.draw(st.integers(0, size - 1), "index")
    leaf_hashes, nodes = tree(size)
    parts = [
        leaf_hashes[index],
        merkle.range_root(0, size, nodes),
        *merkle.inclusion_proof(index, size, nodes),
    ]
    part = data.draw(st.integers(0, len(parts) - 1), "part")
    parts[part] = flipped(parts[part], data.draw(st.integers(0, 255), "bit"))

    with pytest.raises(ProofInvalid):
        merkle.verify_inclusion(
            index=index, size=size, leaf_hash=parts[0], proof=parts[2:], root=parts[1]
        )


@given(st.data())
def test_no_changed_bit_of_a_consistency_proof_passes(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, LARGEST), "new")
    old = data.draw(st.integers(1, new - 1), "old")
    _, nodes = tree(new)
    parts = [
        merkle.range_root(0, old, nodes),
        merkle.range_root(0, new, nodes),
        *merkle.consistency_proof(old, new, nodes),
    ]
    part = data.draw(st.integers(0, len(parts) - 1), "part")
    parts[part] = flipped(parts[part], data.draw(st.integers(0, 255), "bit"))

    with pytest.raises(ProofInvalid):
        merkle.verify_consistency(
            old=old, new=new, old_root=parts[0], new_root=parts[1], proof=parts[2:]
        )


@given(st.data())
def test_a_proof_serves_no_other_place_and_no_other_size(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 64), "size")
    index = data.draw(st.integers(0, size - 1), "index")
    leaf_hashes, nodes = tree(size)
    root = merkle.range_root(0, size, nodes)
    proof = merkle.inclusion_proof(index, size, nodes)
    other = data.draw(st.integers(-1, size + 1).filter(lambda place: place != index), "other")

    with pytest.raises(ProofInvalid):
        merkle.verify_inclusion(
            index=other, size=size, leaf_hash=leaf_hashes[index], proof=proof, root=root
        )


@pytest.mark.parametrize(
    "change",
    [
        lambda proof: proof[:-1],
        lambda proof: [*proof, proof[-1]],
        lambda proof: proof[::-1],
        lambda proof: [proof[0][:-1], *proof[1:]],
        lambda proof: [],
    ],
    ids=["short", "long", "turned", "cut", "empty"],
)
def test_a_misshapen_proof_is_refused(change: Callable[[list[bytes]], list[bytes]]) -> None:
    leaf_hashes, nodes = tree(13)
    root = merkle.range_root(0, 13, nodes)
    inclusion = merkle.inclusion_proof(5, 13, nodes)
    consistency = merkle.consistency_proof(6, 13, nodes)

    with pytest.raises(ProofInvalid):
        merkle.verify_inclusion(
            index=5, size=13, leaf_hash=leaf_hashes[5], proof=change(inclusion), root=root
        )
    with pytest.raises(ProofInvalid):
        merkle.verify_consistency(
            old=6,
            new=13,
            old_root=merkle.range_root(0, 6, nodes),
            new_root=root,
            proof=change(consistency),
        )


def test_two_roots_at_one_size_are_refused() -> None:
    root, other = SHA256.leaf(b"one"), SHA256.leaf(b"other")

    merkle.verify_consistency(old=1, new=1, old_root=root, new_root=root, proof=[])
    with pytest.raises(ProofInvalid, match="two roots"):
        merkle.verify_consistency(old=1, new=1, old_root=root, new_root=other, proof=[])


def test_the_empty_tree_is_the_beginning_of_every_tree_but_has_one_root_only() -> None:
    root = SHA256.leaf(b"one")

    merkle.verify_consistency(old=0, new=1, old_root=SHA256.empty_root, new_root=root, proof=[])
    with pytest.raises(ProofInvalid, match="empty tree"):
        merkle.verify_consistency(old=0, new=1, old_root=root, new_root=root, proof=[])
    with pytest.raises(ProofInvalid, match="too long"):
        merkle.verify_consistency(
            old=0, new=1, old_root=SHA256.empty_root, new_root=root, proof=[root]
        )


def test_a_tree_does_not_shrink() -> None:
    root = SHA256.leaf(b"one")

    with pytest.raises(ProofInvalid, match="does not grow"):
        merkle.verify_consistency(old=2, new=1, old_root=root, new_root=root, proof=[])


def test_what_is_not_in_the_tree_cannot_be_asked_for() -> None:
    _, nodes = tree(3)

    with pytest.raises(ValueError, match="no leaf 3"):
        merkle.inclusion_proof(3, 3, nodes)
    with pytest.raises(ValueError, match="does not grow"):
        merkle.consistency_proof(4, 3, nodes)


@given(st.integers(0, LARGEST))
def test_a_frontier_is_taken_up_where_it_was_put_down(size: int) -> None:
    leaf_hashes, _ = tree(size)
    frontier = Frontier()
    for leaf_hash in leaf_hashes:
        frontier.append(leaf_hash)

    taken_up = Frontier.restore(frontier.packed, size=size)
    taken_up.append(SHA256.leaf(b"next"))

    assert taken_up.root() == naive_root([*entries(size), b"next"])


def test_a_frontier_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="not the frontier"):
        Frontier.restore(bytes(32), size=3)
