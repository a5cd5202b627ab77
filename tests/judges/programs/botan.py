"""SM2 signatures and SM3 trees before Botan, in Debian's own Python."""

from collections.abc import Mapping, Sequence
from typing import Any

import botan2
from answering import answer_all, octets


def judge(asked: Mapping[str, Any]) -> None:
    if asked["kind"] == "sm3-tree":
        if root_of(list(map(octets, asked["entries"]))) != octets(asked["root"]):
            raise ValueError("the entries have another root")
        return
    if asked["kind"] == "sm3-inclusion":
        if not 0 <= asked["index"] < asked["size"]:
            raise ValueError("there is no such leaf")
        proof = list(map(octets, asked["proof"]))
        held = follow(octets(asked["leaf"]), asked["index"], asked["size"], proof)
        if held != octets(asked["root"]):
            raise ValueError("the proof leads to another root")
        return
    if asked["kind"] != "sm2":
        raise ValueError(asked["kind"])
    point = octets(asked["public"])
    key = botan2.PublicKey.load_sm2("sm2p256v1", f"0x{point[:32].hex()}", f"0x{point[32:].hex()}")
    verifier = botan2.PKVerify(key, f"{asked['identity']},SM3")
    verifier.update(octets(asked["message"]))
    if not verifier.check_signature(octets(asked["signature"])):
        raise ValueError("the signature does not verify")


def digest(content: bytes) -> bytes:
    function = botan2.HashFunction("SM3")
    function.update(content)
    return bytes(function.final())


def follow(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that a proof leads to, its last step being the highest."""
    if size == 1:
        if proof:
            raise ValueError("the proof is too long")
        return digest(b"\0" + leaf)
    if not proof:
        raise ValueError("the proof is too short")
    split = split_of(size)
    if index < split:
        return digest(b"\1" + follow(leaf, index, split, proof[:-1]) + proof[-1])
    return digest(b"\1" + proof[-1] + follow(leaf, index - split, size - split, proof[:-1]))


def split_of(size: int) -> int:
    split = 1
    while split * 2 < size:
        split *= 2
    return split


def root_of(entries: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, by recursion over the entries."""
    if not entries:
        return digest(b"")
    if len(entries) == 1:
        return digest(b"\0" + entries[0])
    split = split_of(len(entries))
    return digest(b"\1" + root_of(entries[:split]) + root_of(entries[split:]))


answer_all(judge)
