"""How strong a policy is: counted on its groups, and by trying every set of witnesses."""

import itertools
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib.tlog import cosignature, policy
from lantai.lib.tlog.note import VerifierKey
from lantai.lib.tlog.policy import Policy, weak_against

KEYS = {
    f"w{number}": cosignature.cosigner_key(
        f"w{number}.example", Ed25519PrivateKey.from_private_bytes(bytes([number] * 32))
    )
    for number in range(1, 11)
}


def read(text: str) -> Policy:
    return policy.parse(text.encode())


def peers(count: int, least: int) -> Policy:
    """Equal witnesses, so many of which are enough."""
    names = list(KEYS)[:count]
    lines = [f"witness {name} {KEYS[name]}" for name in names]
    return read("\n".join([*lines, f"group all-of {least} {' '.join(names)}", "quorum all-of", ""]))


def sets(found: Policy) -> Iterator[tuple[VerifierKey, ...]]:
    """Every set of witnesses."""
    keys = tuple(found.witnesses.values())
    for count in range(len(keys) + 1):
        yield from itertools.combinations(keys, count)


def quorums(found: Policy) -> list[frozenset[str]]:
    return [
        frozenset(key.name for key in chosen)
        for chosen in sets(found)
        if found.satisfied_by(chosen)
    ]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Groups of groups: names are joined two or more at a time until one is left, or a few are."""
    free = list(KEYS)[: draw(st.integers(1, 7))]
    lines = [f"witness {name} {KEYS[name]}" for name in free]
    for number in range(draw(st.integers(0, 4))):
        count = draw(st.integers(1, len(free)))
        members = draw(st.permutations(free))[:count]
        least = draw(st.integers(1, count))
        lines.append(f"group g{number} {least} {' '.join(members)}")
        free = [name for name in free if name not in members] + [f"g{number}"]
    lines.append(f"quorum {draw(st.sampled_from(free))}")
    return read("\n".join([*lines, ""]))


@given(policies())
def test_what_the_groups_say_is_what_trying_every_set_finds(found: Policy) -> None:
    every = quorums(found)
    names = {key.name for key in found.witnesses.values()}
    gone = [{key.name for key in chosen} for chosen in sets(found)]
    blocking = [len(each) for each in gone if not any(quorum <= names - each for quorum in every)]

    assert found.needed == min(len(quorum) for quorum in every)
    assert found.overlap == min(len(one & two) for one in every for two in every)
    assert found.spare == min(blocking) - 1


@given(policies(), st.integers(0, 7))
def test_a_policy_is_weak_exactly_if_two_quorums_share_dishonest_witnesses_only(
    found: Policy, dishonest: int
) -> None:
    every = quorums(found)

    disjoint_but_for = any(len(one & two) <= dishonest for one in every for two in every)

    assert weak_against(found, dishonest) == disjoint_but_for


@pytest.mark.parametrize(
    ("count", "least"),
    [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (8, 6), (9, 7), (10, 7)],
)
def test_more_than_two_thirds_of_equal_witnesses_are_enough_and_no_fewer(
    count: int, least: int
) -> None:
    enough, fewer = peers(count, least), peers(count, max(1, least - 1))

    assert not weak_against(enough, enough.spare)
    assert count == 1 or weak_against(fewer, fewer.spare)


def test_any_of_a_group_weakens_the_whole() -> None:
    lines = [f"witness {name} {KEYS[name]}" for name in ("w1", "w2", "w3", "w4")]
    text = "\n".join(
        [*lines, "group city any w1 w2", "group peers all w3 w4", "group both all city peers"]
    )

    both = read(f"{text}\nquorum both\n")
    city = read(f"{text}\nquorum city\n")

    assert (both.needed, both.overlap, both.spare) == (3, 2, 0)
    assert (city.needed, city.overlap, city.spare) == (1, 0, 1)
    assert weak_against(city, 0)
    assert not weak_against(both, 0)


def test_where_no_quorum_is_needed_nothing_holds_two_histories_apart() -> None:
    found = read(f"witness w1 {KEYS['w1']}\nquorum none\n")

    assert (found.needed, found.overlap, found.spare) == (0, 0, 0)
    assert weak_against(found, 0)


def test_the_addresses_of_witnesses_are_kept() -> None:
    found = read(
        f"witness w1 {KEYS['w1']} https://w1.example/\nwitness w2 {KEYS['w2']}\nquorum w1\n"
    )

    assert found.addresses == {"w1": "https://w1.example/"}
