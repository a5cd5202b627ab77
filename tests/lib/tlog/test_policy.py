"""The trust policy: who is believed, and how many are enough."""

import itertools

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lantai.lib.tlog import cosignature, policy
from lantai.lib.tlog.note import FileSigner, VerifierKey
from lantai.lib.tlog.policy import Policy, PolicyFault

LOG = FileSigner.from_seed("lantai.example/yuntai/records", bytes(32)).vkey


def witness(number: int) -> VerifierKey:
    private = Ed25519PrivateKey.from_private_bytes(bytes([number] * 32))
    return cosignature.cosigner_key(f"w{number}.example", private)


def read(text: str) -> Policy:
    return policy.parse(text.encode())


CITY = f"""
# believed by the district
log {LOG} https://log.example/
witness c1 {witness(1)}
witness c2 {witness(2)} https://w2.example/
\twitness c3 {witness(3)}
witness 审批 {witness(4)}

group peers 2 c1 c2 c3
group city any 审批
group both all peers city
quorum both
"""


def test_a_policy_names_logs_witnesses_and_groups() -> None:
    found = read(CITY)

    assert [str(log) for log in found.logs] == [LOG]
    assert list(found.witnesses) == ["c1", "c2", "c3", "审批"]
    assert found.quorum == "both"


def test_every_set_of_witnesses_is_judged_as_the_groups_say() -> None:
    found = read(CITY)

    for count in range(5):
        for chosen in itertools.combinations((1, 2, 3, 4), count):
            enough = 4 in chosen and len(set(chosen) & {1, 2, 3}) >= 2
            assert found.satisfied_by(map(witness, chosen)) is enough


def test_a_stranger_adds_nothing() -> None:
    assert not read(CITY).satisfied_by([witness(1), witness(9), witness(4)])


def test_one_witness_may_be_the_quorum_and_none_may_be_asked_for() -> None:
    assert read(f"witness a {witness(1)}\nquorum a\n").satisfied_by([witness(1)])
    assert not read(f"witness a {witness(1)}\nquorum a\n").satisfied_by([])
    assert read("quorum none\n").satisfied_by([])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "one quorum"),
        ("quorum none\nquorum none\n", "line 2: a policy has one quorum"),
        ("quorum nobody\n", "no witness or group above called nobody"),
        ("quorum none", "line feed"),
        ("watcher a b\nquorum none\n", "line 1: not a line"),
        ("log nonsense\nquorum none\n", "line 1: not a verifier key"),
        (f"log {witness(1)}\nquorum none\n", "type 04 has no place"),
        (f"witness a {LOG}\nquorum none\n", "type 01 has no place"),
        (f"log {LOG}\nlog {LOG}\nquorum none\n", "stands twice"),
        (f"witness a {witness(1)}\nwitness b {witness(1)}\nquorum a\n", "stands twice"),
        (f"witness a {witness(1)}\nwitness a {witness(2)}\nquorum a\n", "name is taken"),
        (f"witness none {witness(1)}\nquorum none\n", "name is taken"),
        (f"witness a {witness(1)}\ngroup g all a a\nquorum g\n", "member already"),
        (f"witness a {witness(1)}\ngroup g 2 a\nquorum g\n", "2 of 1"),
        (f"witness a {witness(1)}\ngroup g 0 a\nquorum g\n", "not a number"),
        (f"witness a {witness(1)}\ngroup g most a\nquorum g\n", "not a number"),
        ("group g all\nquorum g\n", "line 1: not a line"),
        ("group g all g\nquorum g\n", "no witness or group above"),
        ("quorum none\r\n", "control characters"),
        ("#\n" * 4096 + "quorum none\n", "at most 4096 lines"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(PolicyFault, match=says):
        read(text)
