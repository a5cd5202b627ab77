"""Proofs of inclusion before sigstore, which checks them for entries of Rekor."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from answering import answer_all, octets
from sigstore._internal.merkle import verify_merkle_inclusion


def judge(asked: Mapping[str, Any]) -> None:
    if asked["kind"] != "inclusion":
        raise ValueError(asked["kind"])
    proof = SimpleNamespace(
        log_index=asked["index"],
        tree_size=asked["size"],
        hashes=list(map(octets, asked["proof"])),
        root_hash=octets(asked["root"]),
    )
    entry = SimpleNamespace(canonicalized_body=octets(asked["leaf"]), inclusion_proof=proof)
    verify_merkle_inclusion(SimpleNamespace(_inner=entry))


answer_all(judge)
