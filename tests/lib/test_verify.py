"""The verifier: what it proves, what it refuses to prove, and that nothing slips past it."""

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from lib.tlog.sealing import FILES, LOG, STATEMENT, facts, sealed, witness

from lantai.lib import bundle, canonical, verify
from lantai.lib.tlog.note import FileSigner
from lantai.lib.verify import Report

SOURCE = Path(verify.__file__).parents[2]
STRANGER = FileSigner.from_seed(LOG.name, bytes(32))


def made(**changed: Any) -> bytes:
    return bundle.build(statement=STATEMENT, entries=sealed(facts(), **changed), files=FILES)


def judged(content: bytes) -> Report:
    return verify.verify(content, keys=[LOG.vkey])


def forged(changes: Mapping[str, bytes | None], content: bytes | None = None) -> bytes:
    """What a forger makes who knows the format: members changed, the manifest made to fit."""
    members = bundle.unpack(content or made())
    for name, held in changes.items():
        members.pop(name, None)
        if held is not None:
            members[name] = held
    if bundle.MANIFEST not in changes:
        members[bundle.MANIFEST] = bundle.manifest_of(members)
    return bundle.pack(members)


def policy_of(*witnesses: int, quorum: str) -> str:
    lines = [f"log {LOG.vkey}"]
    lines += [f"witness w{number} {witness(number)[0]}" for number in witnesses]
    return "\n".join([*lines, quorum, ""])


def test_a_good_bundle_is_proven_with_the_key_of_the_log() -> None:
    report = judged(made())

    assert report.valid
    assert report.faults == ()
    assert report.proven == (
        "9 个成员与清单逐字节一致（SHA-256 与 SM3）",
        "日志 lantai.example/yuntai/records 以给定的公钥签署了 9 条时的状态",
        "第 4 条（cases.case.opened，2026-11-25 04:00:00 UTC）在日志之中，公开的内容未被改动",
        "第 6 条（cases.evidence.frozen，2026-11-25 04:00:00 UTC）在日志之中，公开的内容未被改动",
        "statement.json 与第 6 条（cases.evidence.frozen）所载摘要一致",
        "files/p001.jpg 与第 6 条（cases.evidence.frozen）所载摘要一致",
        "files/审批表.pdf 与 statement.json 所载摘要一致",
    )
    assert report.not_proven == (
        "见证签名未核对：没有给出信任策略，时间只是日志自己的说法",
        "包内没有国密（SM3、SM2）证明：只按 SHA-256 核验",
        "纸质原件本身的真伪、所载内容是否属实，不在本证明之内",
    )
    assert report.head is not None
    assert report.head["origin"] == LOG.name
    assert report.head["size"] == 9


def test_without_a_key_it_says_that_nobody_is_proven_to_have_signed() -> None:
    report = verify.verify(made())

    assert report.valid
    assert report.not_proven[0] == (
        "日志签名未核对：没有给出日志 lantai.example/yuntai/records 的公钥，不能证明由谁签署"
    )
    assert not any("签署" in sentence for sentence in report.proven)


def test_the_key_of_another_log_does_not_do() -> None:
    report = verify.verify(made(), keys=[STRANGER.vkey])

    assert report.faults == ("checkpoint 没有给定公钥的签名（日志 lantai.example/yuntai/records）",)
    assert report.proven == ()


def test_witnesses_are_named_with_their_times() -> None:
    trust = policy_of(1, 2, 3, quorum="group all-of 2 w1 w2 w3\nquorum all-of")

    report = verify.verify(made(witnesses=(1, 3)), policy=trust)

    assert report.valid
    assert report.witnesses == (
        {"name": "w1.example", "at": "2026-11-25 04:01:00 UTC"},
        {"name": "w3.example", "at": "2026-11-25 04:01:01 UTC"},
    )
    assert "w1.example 于 2026-11-25 04:01:00 UTC 见证了这一状态" in report.proven


def test_too_few_witnesses_are_a_fault() -> None:
    trust = policy_of(1, 2, 3, quorum="group all-of 2 w1 w2 w3\nquorum all-of")

    report = verify.verify(made(witnesses=(1,)), policy=trust)

    assert report.faults == ("见证不足：1 家见证，未达到信任策略的法定数",)


def test_a_policy_without_a_quorum_leaves_the_time_unproven() -> None:
    report = verify.verify(made(), policy=policy_of(quorum="quorum none"))

    assert report.valid
    assert "没有见证签名：时间只是日志自己的说法" in report.not_proven


def test_a_false_cosignature_of_a_known_witness_is_a_fault() -> None:
    content = made(witnesses=(1,))
    lines = bundle.unpack(content)["checkpoint"].decode().split("\n")
    lines[-2] = lines[-2][:-4] + ("AA==" if not lines[-2].endswith("AA==") else "AQ==")
    trust = policy_of(1, quorum="quorum none")

    report = verify.verify(forged({"checkpoint": "\n".join(lines).encode()}, content), policy=trust)

    assert not report.valid


def test_what_was_not_disclosed_is_said() -> None:
    report = judged(made(withhold="actor"))

    assert report.valid
    assert "第 4 条的行为人没有公开" in report.not_proven


def test_every_byte_of_the_file_counts() -> None:
    content = made()

    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        assert not judged(bytes(changed)).valid, place


def test_no_byte_of_any_member_can_be_changed_even_when_the_manifest_is_made_to_fit() -> None:
    members = bundle.unpack(made())

    for name, held in members.items():
        for place in range(len(name) % 5, len(held), 5):
            changed = bytearray(held)
            changed[place] ^= 1 << place % 8
            assert not judged(forged({name: bytes(changed)})).valid, (name, place)


def test_a_changed_member_is_named() -> None:
    for name, held in bundle.unpack(made()).items():
        members = {**bundle.unpack(made()), name: held[:-1] + bytes([held[-1] ^ 1])}

        report = judged(bundle.pack(members))

        assert any(name in fault for fault in report.faults), name


@pytest.mark.parametrize(
    "name",
    [name for name in bundle.unpack(made()) if name != bundle.MANIFEST],
)
def test_a_missing_member_is_named(name: str) -> None:
    members = bundle.unpack(made())
    del members[name]

    report = judged(bundle.pack(members))

    assert f"缺少清单所列的成员 {name}" in report.faults


@pytest.mark.parametrize(
    "name", ["files/p002.jpg", "notes.txt", "entries/000000000005.json", "../evil", "files/../evil"]
)
def test_an_added_member_is_named(name: str) -> None:
    members = {**bundle.unpack(made()), name: b"added"}

    assert f"成员 {name} 不在清单之中" in judged(bundle.pack(members)).faults
    assert any(name in fault for fault in judged(forged({name: b"added"})).faults)


def test_a_renamed_member_is_named_both_ways() -> None:
    members = bundle.unpack(made())
    members["files/p009.jpg"] = members.pop("files/p001.jpg")

    faults = judged(bundle.pack(members)).faults

    assert "缺少清单所列的成员 files/p001.jpg" in faults
    assert "成员 files/p009.jpg 不在清单之中" in faults


def test_a_file_the_statement_names_keeps_its_name() -> None:
    report = judged(forged({"files/审批表.pdf": None, "files/决定.pdf": FILES["审批表.pdf"]}))

    assert report.faults == (
        "缺少 statement.json 所列的文件 files/审批表.pdf",
        "没有条目载有 files/决定.pdf 的摘要：文件不可采信",
    )


def test_a_file_the_statement_names_cannot_be_left_out() -> None:
    report = judged(forged({"files/审批表.pdf": None}))

    assert report.faults == ("缺少 statement.json 所列的文件 files/审批表.pdf",)


def test_a_swapped_file_is_refused_even_when_the_manifest_is_made_to_fit() -> None:
    report = judged(forged({"files/p001.jpg": b"another page"}))

    assert report.faults == ("没有条目载有 files/p001.jpg 的摘要：文件不可采信",)


def test_a_rewritten_statement_is_refused_even_when_the_manifest_is_made_to_fit() -> None:
    statement = canonical.dumps({**STATEMENT, "outcome": "approve"})

    faults = judged(forged({"statement.json": statement})).faults

    assert "没有条目载有 statement.json 的摘要：说明不可采信" in faults


def test_a_rewritten_fact_is_refused() -> None:
    name = "entries/000000000004.json"
    entry = canonical.loads(bundle.unpack(made())[name])
    entry["openings"]["body"]["content"]["facts"]["group"] = "F50"

    report = judged(forged({name: canonical.dumps(entry)}))

    assert report.faults == (
        f"{name}：条目与日志所载不符（the opened body is not what the leaf commits to）",
    )


def test_an_entry_of_another_log_is_refused() -> None:
    other = bundle.unpack(made(growth=5))
    name = "proofs/000000000004.tlog-proof"

    report = judged(forged({name: other[name]}))

    assert report.faults == (f"{name}：不是合格的证明（所依的检查点与 checkpoint 不同）",)


def test_a_log_rewritten_whole_is_refused_by_the_key() -> None:
    """A forger without the log's key can make everything fit, but for the signature."""
    checkpoint = bundle.unpack(made())["checkpoint"].decode()
    signature = STRANGER.sign(checkpoint.split("\n\n")[0] + "\n").line
    members = {
        name: held.replace(checkpoint.split("\n\n")[1].encode(), signature.encode())
        for name, held in bundle.unpack(made()).items()
        if name != bundle.MANIFEST
    }
    rewritten = bundle.pack({**members, bundle.MANIFEST: bundle.manifest_of(members)})

    assert verify.verify(rewritten).valid
    assert judged(rewritten).faults == (
        "checkpoint 没有给定公钥的签名（日志 lantai.example/yuntai/records）",
    )


def test_bytes_nobody_proves_may_not_ride_along_in_a_proof() -> None:
    name = "proofs/000000000004.tlog-proof"
    proof = bundle.unpack(made())[name].replace(b"index 4", b"extra AAAA\nindex 4")

    assert "附加内容" in judged(forged({name: proof})).faults[0]


def test_a_repacked_bundle_is_refused() -> None:
    repacked = io.BytesIO()
    with zipfile.ZipFile(repacked, "w") as archive:
        for name, held in bundle.unpack(made()).items():
            archive.writestr(name, held)

    assert judged(repacked.getvalue()).faults == ("证据包被重新打包过：容器与本程序写出的形式不符",)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content + b"\0",
        lambda content: b"\0" + content,
        lambda content: content[:-1],
        lambda content: b"",
        lambda content: b"PK\5\6" + bytes(18),
        lambda content: content + content,
    ],
    ids=["added behind", "added before", "cut", "nothing", "empty zip", "twice"],
)
def test_a_file_that_is_no_bundle_is_refused(change: Callable[[bytes], bytes]) -> None:
    report = judged(change(made()))

    assert not report.valid
    assert report.faults


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("manifest.json", b"{}"),
        ("manifest.json", b"[]"),
        ("manifest.json", b'{"format":"lantai-bundle/v1","members":[]}'),
        ("manifest.json", b'{"format":"lantai-bundle/v2","members":{}}'),
        ("statement.json", b"[]"),
        ("statement.json", b'{ "case": 1}'),
        ("checkpoint", b"nothing"),
        ("checkpoint", b"\xff"),
        ("entries/000000000004.json", b"{}"),
        ("entries/000000000004.json", b"1"),
        ("entries/000000000004.json", b'{"index":4,"leaf":1,"openings":{}}'),
        ("entries/000000000004.json", b'{"index":4,"leaf":"{}","openings":[]}'),
        ("entries/000000000004.json", b'{"index":5,"leaf":"{}","openings":{}}'),
        ("entries/000000000004.json", b'{"index":4,"leaf":"{}","openings":{}}'),
        ("proofs/000000000004.tlog-proof", b"\xff"),
        ("proofs/000000000004.tlog-proof", b""),
        ("README.txt", b"all is well"),
    ],
    ids=range(17),
)
def test_a_member_that_is_not_of_its_form_is_refused(name: str, held: bytes) -> None:
    report = judged(forged({name: held}))

    assert not report.valid
    assert any(name in fault for fault in report.faults)


@pytest.mark.parametrize(
    "opening",
    [
        1,
        {},
        {"content": "wang", "salt": 1},
        {"content": "wang", "salt": "zz" * 32},
        {"content": "wang", "salt": "00"},
        {"content": "wang", "salt": "00" * 32, "more": 1},
    ],
    ids=range(6),
)
def test_an_opening_that_is_not_of_its_form_is_refused(opening: object) -> None:
    name = "entries/000000000004.json"
    entry = canonical.loads(bundle.unpack(made())[name])
    entry["openings"]["actor"] = opening

    assert judged(forged({name: canonical.dumps(entry)})).faults[0].startswith(f"{name}：")


def test_an_opening_of_a_field_the_leaf_has_not_is_refused() -> None:
    name = "entries/000000000004.json"
    entry = canonical.loads(bundle.unpack(made())[name])
    entry["openings"]["org"] = entry["openings"]["actor"]

    assert "no commitment called 'org'" in judged(forged({name: canonical.dumps(entry)})).faults[0]


def test_a_bundle_stripped_of_its_entries_is_refused() -> None:
    names = [name for name in bundle.unpack(made()) if name.startswith(("entries", "proofs"))]

    faults = judged(forged(dict.fromkeys(names))).faults

    assert faults[0] == "证据包中没有日志条目"


def command(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the verifier as a program on a machine that has no Django."""
    start = (
        "import runpy, sys\n"
        "sys.modules['django'] = None\n"
        "sys.argv = ['verify', *sys.argv[1:]]\n"
        "runpy.run_module('lantai.lib.verify', run_name='__main__')\n"
    )
    return subprocess.run(
        [sys.executable, "-c", start, *map(str, words)],
        cwd=cwd,
        env={"PYTHONPATH": str(SOURCE), "PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_program_runs_without_django_and_ends_as_it_found(tmp_path: Path) -> None:
    good, bad, rules = tmp_path / "good.zip", tmp_path / "bad.zip", tmp_path / "policy"
    good.write_bytes(made(witnesses=(1,)))
    bad.write_bytes(forged({"files/p001.jpg": b"another page"}))
    rules.write_text(f"log {LOG.vkey}\nwitness a {witness(1)[0]}\nquorum a\n")

    with_key = command(good, "--key", LOG.vkey, "--json", cwd=tmp_path)
    with_policy = command(good, "--policy", rules, cwd=tmp_path)
    refused = command(bad, "--json", cwd=tmp_path)

    assert (with_key.returncode, with_key.stderr) == (0, "")
    assert json.loads(with_key.stdout) == judged(good.read_bytes()).as_json()
    assert (with_policy.returncode, with_policy.stderr) == (0, "")
    assert "w1.example 于 2026-11-25 04:01:00 UTC 见证了这一状态" in with_policy.stdout
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["valid"] is False


def test_the_program_says_when_it_is_used_wrongly(tmp_path: Path) -> None:
    good, rules = tmp_path / "good.zip", tmp_path / "policy"
    good.write_bytes(made())
    rules.write_text("quorum nobody\n")

    assert command(cwd=tmp_path).returncode == 2
    assert command(tmp_path / "none.zip", cwd=tmp_path).returncode == 2
    assert command(good, "--key", "nonsense", cwd=tmp_path).returncode == 2
    assert command(good, "--policy", rules, cwd=tmp_path).returncode == 2


def test_keys_and_policies_that_are_none_are_not_passed_over() -> None:
    with pytest.raises(ValueError, match="not a verifier key"):
        verify.verify(made(), keys=["nonsense"])
    with pytest.raises(ValueError, match="one quorum line"):
        verify.verify(made(), policy="")


def test_a_person_reads_the_verdict_first() -> None:
    text = verify.told(judged(made()))

    assert text.startswith("有效\n已证明：\n  · 9 个成员")
    assert verify.told(judged(b"")).startswith("无效\n不符之处：\n")


def test_the_digest_of_a_statement_is_that_of_its_member() -> None:
    member = bundle.unpack(made())["statement.json"]

    assert bundle.digest(STATEMENT) == hashlib.sha256(member).hexdigest()
