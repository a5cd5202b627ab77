"""Notes, proofs and tiles before tlog-scales."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from answering import answer_all, octets, text
from tlog_scales import backend, reader, tiles, tlog
from tlog_scales.signing import Vkey


def judge(asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
    match asked["kind"]:
        case "note":
            head = tlog.Checkpoint.from_text(octets(asked["note"]).decode())
            for vkey in asked["vkeys"]:
                head.verify(Vkey.from_string(vkey))
        case "inclusion":
            proof = tlog.InclusionProof(
                asked["index"], asked["size"], list(map(octets, asked["proof"]))
            )
            proof.check(tiles.leaf_hash(octets(asked["leaf"])), octets(asked["root"]))
        case "consistency":
            grown = tlog.ConsistencyProof(
                asked["old"], asked["size"], list(map(octets, asked["proof"]))
            )
            grown.check(octets(asked["old_root"]), octets(asked["root"]))
        case "tiles":
            return _read(asked)
        case kind:
            raise ValueError(kind)
    return None


def _read(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Rebuild the root, then proofs, and look at every entry."""
    log = reader.TilesReader(backend.LocalBackend(Path(asked["folder"])))
    log.set_size(asked["size"])
    root = octets(asked["root"])
    if log.calculate_root_hash() != root:
        raise ValueError("the tiles have another root")
    inclusion = log.get_inclusion_proof(asked["index"], asked["size"])
    consistency = log.get_consistency_proof(asked["old"], asked["size"])
    if asked["size"] <= 1000:
        for index in range(asked["size"]):
            proof = log.get_inclusion_proof(index, asked["size"])
            proof.check(tiles.leaf_hash(log.get_entry(index)), root)
    else:
        inclusion.check(tiles.leaf_hash(log.get_entry(asked["index"])), root)
    return {
        "inclusion": list(map(text, inclusion.node_hashes)),
        "consistency": list(map(text, consistency.node_hashes)),
    }


answer_all(judge)
