"""The verifier before a bundle with a twin (SM3, SM2) and with time stamps: bundle v2."""

import dataclasses
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lib.tlog.sealing import FILES, LOG, STATEMENT, TWIN, facts, sealed
from timestamping import Authority

from lantai.lib import bundle, verify
from lantai.lib.tlog import note
from lantai.lib.tlog.proof import TlogProof
from lantai.lib.tlog.sm2 import SM2Signer
from lantai.lib.tlog.suite import SM

SOURCE = Path(verify.__file__).parents[2]
KEYS = (LOG.vkey, TWIN.vkey)
STRANGER = SM2Signer.make(TWIN.name)
PROOF = "proofs-sm/000000000006.tlog-proof"


@cache
def made() -> bytes:
    return build()


def build(**changed: Any) -> bytes:
    return bundle.build(
        statement=STATEMENT, entries=sealed(facts(), twin=True, **changed), files=FILES
    )


def judged(content: bytes, *keys: str) -> verify.Report:
    return verify.verify(content, keys=keys or KEYS)


def forged(changes: Mapping[str, bytes | None], content: bytes | None = None) -> bytes:
    """What a forger makes who knows the format: members changed, README and manifest to fit."""
    members = bundle.unpack(content or made())
    for name, held in changes.items():
        members.pop(name, None)
        if held is not None:
            members[name] = held
    members[bundle.README] = bundle.README_TEXTS[bundle.format_of(members)].encode()
    members[bundle.MANIFEST] = bundle.manifest_of(members)
    return bundle.pack(members)


def member(name: str) -> bytes:
    return bundle.unpack(made())[name]


def test_both_suites_are_proven_each_with_its_key() -> None:
    report = judged(made())

    assert report.faults == ()
    assert report.proven[:3] == (
        "12 个成员与清单逐字节一致（SHA-256 与 SM3）",
        "日志 lantai.example/yuntai/records 以给定的公钥签署了 9 条时的状态",
        "国密日志 lantai.example/yuntai/records/sm 以给定的公钥签署了 9 条时的状态",
    )
    assert "2 个条目也都在国密日志 lantai.example/yuntai/records/sm 之中（SM3）" in report.proven
    assert report.twin is not None
    assert report.twin["origin"] == TWIN.name
    assert report.twin["size"] == 9
    assert report.as_json()["twin"] == report.twin


def test_with_the_key_of_one_suite_the_other_is_not_proven() -> None:
    intl, sm = judged(made(), LOG.vkey), judged(made(), TWIN.vkey)

    assert intl.valid
    assert sm.valid
    assert not any(said.startswith("国密日志") for said in intl.proven)
    assert any(said.startswith("国密日志签名未核对：没有给出日志") for said in intl.not_proven)
    assert any(said.startswith("国密日志 ") for said in sm.proven)
    assert any(said.startswith("日志签名未核对") for said in sm.not_proven)


def test_a_bundle_of_the_first_version_says_that_it_has_no_twin() -> None:
    content = bundle.build(statement=STATEMENT, entries=sealed(facts()), files=FILES)

    report = judged(content)

    assert report.valid
    assert report.twin is None
    assert "包内没有国密（SM3、SM2）证明：只按 SHA-256 核验" in report.not_proven
    assert b'"lantai-bundle/v1"' in bundle.unpack(content)[bundle.MANIFEST]


def test_a_twin_goes_in_only_if_every_entry_has_one() -> None:
    first, second = sealed(facts(), twin=True)
    without = dataclasses.replace(first, proof_sm="")

    content = bundle.build(statement=STATEMENT, entries=[without, second], files=FILES)

    assert SM.checkpoint not in bundle.unpack(content)


def test_twins_of_two_heads_are_no_bundle() -> None:
    first, second = sealed(facts(), twin=True)
    later = sealed(facts(), twin=True, growth=1)[0]
    mixed = dataclasses.replace(first, proof_sm=later.proof_sm)

    with pytest.raises(ValueError, match="one head"):
        bundle.build(statement=STATEMENT, entries=[mixed, second], files=FILES)


@pytest.mark.parametrize("name", [SM.checkpoint, PROOF])
def test_no_bit_of_the_twin_can_be_changed_even_when_the_manifest_is_made_to_fit(name: str) -> None:
    held = member(name)
    for at in range(len(held)):
        changed = bytearray(held)
        changed[at] ^= 1 << at % 8

        report = judged(forged({name: bytes(changed)}))

        assert not report.valid, at
        assert any(SM.checkpoint in said or "-sm/" in said for said in report.faults), at


def test_every_byte_of_the_file_counts() -> None:
    content = made()
    for at in range(0, len(content), 13):
        changed = bytearray(content)
        changed[at] ^= 1
        assert not judged(bytes(changed)).valid, at


def test_a_changed_member_is_named_without_making_the_manifest_fit() -> None:
    members = bundle.unpack(made())
    members[PROOF] = members[PROOF].replace(b"index 6", b"index 7")

    assert f"成员 {PROOF} 与清单所列的字节数或摘要不符" in judged(bundle.pack(members)).faults


def test_the_twin_of_another_key_is_refused() -> None:
    other = str(note.sign(note.parse(member(SM.checkpoint)).text, [STRANGER]))
    changes: dict[str, bytes | None] = {SM.checkpoint: other.encode()}
    for name, held in bundle.unpack(made()).items():
        if name.startswith("proofs-sm/"):
            changes[name] = held.replace(member(SM.checkpoint), other.encode())

    report = judged(forged(changes))

    assert report.faults == (f"checkpoint-sm 没有给定公钥的签名（日志 {TWIN.name}）",)


def test_a_twin_of_another_size_or_log_is_refused() -> None:
    later = bundle.unpack(build(growth=1))
    renamed = note.sign(
        note.parse(member(SM.checkpoint)).text.replace("/sm", "/sn"), [SM2Signer.make("x/sn")]
    )

    for other in (later[SM.checkpoint], str(renamed).encode()):
        report = judged(forged({SM.checkpoint: other}))
        assert "checkpoint-sm 与 checkpoint 不是同一日志的同一条数" in report.faults


def test_proofs_and_head_of_the_twin_come_together() -> None:
    headless = judged(forged({SM.checkpoint: None}))
    proofless = judged(forged({PROOF: None}))
    surplus = judged(forged({"proofs-sm/000000000005.tlog-proof": member(PROOF)}))

    assert headless.faults == ("缺少 checkpoint-sm",)
    assert proofless.faults == ("entries/000000000006.json：条目与国密证明不成对",)
    assert surplus.faults == ("proofs-sm/000000000005.tlog-proof：条目与国密证明不成对",)


def test_the_path_under_sha256_is_no_path_under_sm3() -> None:
    wrong = member("proofs/000000000006.tlog-proof").replace(
        member("checkpoint"), member(SM.checkpoint)
    )

    report = judged(forged({PROOF: wrong}))

    assert len(report.faults) == 1
    assert report.faults[0].startswith(f"{PROOF}：证明不成立")


def test_a_bundle_stripped_of_its_twin_is_one_of_the_first_version() -> None:
    names = [SM.checkpoint, *(n for n in bundle.unpack(made()) if n.startswith("proofs-sm/"))]

    report = judged(forged(dict.fromkeys(names)))

    assert report.valid
    assert report.twin is None


@pytest.mark.parametrize(
    "name", ["anchors/A.tsr", "anchors/.tsr", "anchors/a/b.tsr", "anchors/a.txt", "anchors/-a.tsr"]
)
def test_what_cannot_name_an_anchor_is_refused(name: str) -> None:
    assert not bundle.is_anchor(name)
    assert f"成员 {name} 不属于证据包的格式" in judged(forged({name: b"x"})).faults


def test_an_anchor_of_another_name_is_not_put_in() -> None:
    with pytest.raises(ValueError, match="not the name of an anchor"):
        bundle.build(
            statement=STATEMENT,
            entries=sealed(facts()),
            files=FILES,
            anchors={"../a": b"x"},
        )


def test_an_anchor_nobody_is_trusted_for_is_not_proven() -> None:
    content = bundle.build(
        statement=STATEMENT, entries=sealed(facts()), files=FILES, anchors={"tsa-1": b"x"}
    )

    report = judged(content)

    assert report.valid
    assert "时间戳未核对：没有给出时间戳机构的根证书" in report.not_proven


def test_a_time_stamp_over_the_text_of_the_head_is_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    entries = sealed(facts(), twin=True)
    text = TlogProof.parse(entries[0].proof).head().text.encode()
    good, other = authority.stamp(text, "-sha256"), authority.stamp(text + b"\n", "-sha256")
    bundled = [
        bundle.build(statement=STATEMENT, entries=entries, files=FILES, anchors={"tsa-1": token})
        for token in (good, other, good[:-1] + bytes([good[-1] ^ 1]))
    ]

    told, strange, spoilt = (
        verify.verify(content, keys=KEYS, roots=authority.root) for content in bundled
    )

    assert told.valid
    assert [anchor["name"] for anchor in told.anchors] == ["anchors/tsa-1.tsr"]
    at = told.anchors[0]["at"]
    assert f"anchors/tsa-1.tsr 的时间戳证明这一状态不晚于 {at}" in told.proven
    assert strange.faults == ("anchors/tsa-1.tsr：时间戳不是对这份内容所加的",)
    assert [fault[:17] for fault in spoilt.faults] == ["anchors/tsa-1.tsr"]


def test_the_program_without_sm2_says_that_the_twin_is_not_checked(tmp_path: Path) -> None:
    held = tmp_path / "case.zip"
    held.write_bytes(made())
    program = (
        "import sys; sys.modules['gmssl_pyx'] = None\n"
        "from lantai.lib.verify import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, held, *(f"--key={key}" for key in KEYS)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(SOURCE), "PATH": ""},
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("有效")
    assert "国密日志签名未核对：本机没有 SM2 算法（gmssl_pyx）" in done.stdout
    assert "2 个条目也都在国密日志" in done.stdout
