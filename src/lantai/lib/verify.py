"""Check an offline bundle with nothing but this library: no network, no database, no Django.

    python -m lantai.lib.verify BUNDLE [--key VKEY]… [--policy FILE] [--roots FILE] [--json]

1. Container: an uncompressed zip of the one form that ``bundle.pack`` writes.
2. Manifest: every member, no more and no fewer, with its size, SHA-256 and SM3.
3. Head: the checkpoint is well formed; signed by the given key, cosigned as the given policy asks.
   Keys and policy come from outside, never from the bundle; without them the report says so.
   Where the twin's head is there, it is of the same log and size, and judged in the same way.
4. Entries: each leaf is well formed, the opened fields are what it commits to (both hashes), and
   its proof leads from the leaf to the head; so does the twin's, if there is a twin.
5. Statement and files: each is named by the digest in an opened entry (or a named statement);
   no file that the statement names is missing.
6. Time: leaf times are the log's own word; the witnesses' times and the time stamps bound the
   head's.

What cannot be computed here (SM2 without ``gmssl_pyx``) is said under "not proven".

Exit codes: 0 good · 1 the bundle is bad · 2 wrong use.
"""

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lantai.lib import bundle, canonical
from lantai.lib.tlog import cosignature, note, sm2
from lantai.lib.tlog import leaf as leaves
from lantai.lib.tlog import policy as policies
from lantai.lib.tlog.checkpoint import Checkpoint, CheckpointFault
from lantai.lib.tlog.merkle import ProofInvalid
from lantai.lib.tlog.note import Note, NoteFault, VerifierKey
from lantai.lib.tlog.policy import Policy
from lantai.lib.tlog.proof import ProofFault, TlogProof
from lantai.lib.tlog.suite import INTL, SM, SUITES, LogSuite

_ENTRY: Final = re.compile(r"entries/([0-9]{12,19})\.json")
_PROOFS: Final = {
    suite: re.compile(suite.proofs + r"/([0-9]{12,19})\.tlog-proof") for suite in SUITES
}
_SUITE_LABELS: Final = {INTL: "", SM: "国密"}
_FIELD_LABELS: Final = {"actor": "行为人", "body": "时间与内容", "obj": "对象"}
_SALT: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Report:
    """What was found. ``valid`` means: no fault. Read ``not_proven`` beside it.

    ``twin`` is the head under SM3 and SM2, None where the bundle has none; ``anchors`` are the
    time stamps that were checked, with name and time.
    """

    valid: bool
    proven: tuple[str, ...]
    not_proven: tuple[str, ...]
    head: Mapping[str, Any] | None
    witnesses: tuple[Mapping[str, Any], ...]
    faults: tuple[str, ...]
    twin: Mapping[str, Any] | None = None
    anchors: tuple[Mapping[str, Any], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "valid": self.valid,
            "proven": list(self.proven),
            "not_proven": list(self.not_proven),
            "head": dict(self.head) if self.head else None,
            "twin": dict(self.twin) if self.twin else None,
            "anchors": [dict(anchor) for anchor in self.anchors],
            "witnesses": [dict(witness) for witness in self.witnesses],
            "faults": list(self.faults),
        }


def verify(
    content: bytes,
    *,
    keys: Sequence[str] = (),
    policy: str | None = None,
    roots: bytes | None = None,
) -> Report:
    """Examine a bundle and report all that is proven, all that is not, and every fault.

    ``keys`` are verifier keys (name+hash+key) of believed logs, ``policy`` the text of a trust
    policy, ``roots`` the PEM certificates of trusted time-stamping authorities. Raises ValueError
    (NoteFault, PolicyFault, TimestampFault) if these are not what they should be.
    """
    known = [VerifierKey.parse(key.strip()) for key in keys]
    for key in filter(sm2.is_sm2, known):
        sm2.point_of(key)
    trust = policies.parse(policy.encode()) if policy is not None else None
    return _Examination(known, trust, roots).of(content)


@dataclass
class _Examination:
    keys: Sequence[VerifierKey]
    trust: Policy | None
    roots: bytes | None = None
    proven: list[str] = field(default_factory=list)
    not_proven: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    heads: dict[LogSuite, Checkpoint] = field(default_factory=dict)
    witnesses: list[dict[str, Any]] = field(default_factory=list)
    anchors: list[dict[str, Any]] = field(default_factory=list)
    named: dict[str, str] = field(default_factory=dict)
    leaves: dict[str, bytes] = field(default_factory=dict)

    def of(self, content: bytes) -> Report:
        try:
            members = bundle.unpack(content)
        except bundle.BundleFault as broken:
            self.faults.append(str(broken))
            members = {}
        else:
            self._manifest(members)
            if bundle.pack(members) != content:
                self.faults.append("证据包被重新打包过：容器与本程序写出的形式不符")
            self._head(members)
            self._twin(members)
            self._anchors(members)
            self._entries(members)
            self._statement_and_files(members)
        self.not_proven.append("纸质原件本身的真伪、所载内容是否属实，不在本证明之内")
        return Report(
            valid=not self.faults,
            proven=tuple(self.proven) if not self.faults else (),
            not_proven=tuple(self.not_proven),
            head=_shown(self.heads.get(INTL)),
            witnesses=tuple(self.witnesses),
            faults=tuple(self.faults),
            twin=_shown(self.heads.get(SM)),
            anchors=tuple(self.anchors),
        )

    def _manifest(self, members: Mapping[str, bytes]) -> None:
        before = len(self.faults)
        said = self._json(members, bundle.MANIFEST)
        listed = said.get("members") if isinstance(said, dict) else None
        version = bundle.format_of(members)
        if not isinstance(listed, dict) or said.get("format") != version or len(said) != 2:
            self.faults.append(f"{bundle.MANIFEST} 不是 {version} 的清单")
            return
        for name in sorted(set(listed) - set(members)):
            self.faults.append(f"缺少清单所列的成员 {name}")
        for name in sorted(set(members) - set(listed) - {bundle.MANIFEST}):
            self.faults.append(f"成员 {name} 不在清单之中")
        true = canonical.loads(bundle.manifest_of(members))["members"]
        for name in sorted(set(listed) & set(true)):
            if listed[name] != true[name]:
                self.faults.append(f"成员 {name} 与清单所列的字节数或摘要不符")
        for name in sorted(members):
            if not _belongs(name):
                self.faults.append(f"成员 {name} 不属于证据包的格式")
        if members.get(bundle.README) != bundle.README_TEXTS[version].encode():
            self.faults.append(f"成员 {bundle.README} 与本格式的说明不符")
        if len(self.faults) == before:
            self.proven.append(f"{len(true)} 个成员与清单逐字节一致（SHA-256 与 SM3）")

    def _head(self, members: Mapping[str, bytes]) -> None:
        if INTL.checkpoint not in members:
            self.faults.append(f"缺少 {INTL.checkpoint}")
            return
        signed = self._checkpoint(members, INTL)
        if signed is not None:
            self._log_signature(signed, INTL)
            self._witness_signatures(signed)

    def _twin(self, members: Mapping[str, bytes]) -> None:
        """Judge the twin's head; what the twin does not prove is no fault of the bundle."""
        if SM.checkpoint not in members:
            if any(_PROOFS[SM].fullmatch(name) for name in members):
                self.faults.append(f"缺少 {SM.checkpoint}")
            else:
                self.not_proven.append("包内没有国密（SM3、SM2）证明：只按 SHA-256 核验")
            return
        signed = self._checkpoint(members, SM)
        if signed is None:
            return
        head, twin = self.heads.get(INTL), self.heads[SM]
        if head and (twin.origin, twin.size) != (SM.origin(head.origin), head.size):
            self.faults.append(f"{SM.checkpoint} 与 {INTL.checkpoint} 不是同一日志的同一条数")
            return
        self._log_signature(signed, SM)

    def _checkpoint(self, members: Mapping[str, bytes], suite: LogSuite) -> Note | None:
        try:
            signed = note.parse(members[suite.checkpoint])
            self.heads[suite] = Checkpoint.parse(signed.text)
        except (NoteFault, CheckpointFault) as wrong:
            self.faults.append(f"{suite.checkpoint} 不是签名检查点：{wrong}")
            return None
        return signed

    def _log_signature(self, signed: Note, suite: LogSuite) -> None:
        head, label = self.heads[suite], _SUITE_LABELS[suite]
        given = [*self.keys, *(self.trust.logs if self.trust else ())]
        known = [key for key in given if suite.speaks(key)]
        if not known:
            self.not_proven.append(
                f"{label}日志签名未核对：没有给出日志 {head.origin} 的公钥，不能证明由谁签署"
            )
            return
        try:
            signers = note.verified(
                signed, [key for key in known if key.name == head.origin], checks=suite.checks
            )
        except NoteFault as wrong:
            self.faults.append(f"{suite.checkpoint} 的日志签名无效：{wrong}")
            return
        except sm2.Unavailable:
            self.not_proven.append(
                f"{label}日志签名未核对：本机没有 SM2 算法（gmssl_pyx），不能证明由谁签署"
            )
            return
        if not signers:
            self.faults.append(f"{suite.checkpoint} 没有给定公钥的签名（日志 {head.origin}）")
            return
        self.proven.append(f"{label}日志 {head.origin} 以给定的公钥签署了 {head.size} 条时的状态")

    def _anchors(self, members: Mapping[str, bytes]) -> None:
        """Check the time stamps over the text of the head, if somebody is trusted for them."""
        named = sorted(filter(bundle.is_anchor, members))
        head = self.heads.get(INTL)
        if not named or head is None:
            return
        if self.roots is None:
            self.not_proven.append("时间戳未核对：没有给出时间戳机构的根证书")
            return
        try:
            from lantai.lib import timestamp  # noqa: PLC0415 -- a library of its own, may be absent
        except ImportError:
            self.not_proven.append("时间戳未核对：本机没有核验时间戳的程序（rfc3161-client）")
            return
        trusted = timestamp.read_roots(self.roots)
        for name in named:
            try:
                at = timestamp.verify_token(members[name], head.text.encode(), trusted)
            except timestamp.TimestampFault as wrong:
                self.faults.append(f"{name}：{wrong}")
                continue
            shown = f"{at:%Y-%m-%d %H:%M:%S} UTC"
            self.anchors.append({"name": name, "at": shown})
            self.proven.append(f"{name} 的时间戳证明这一状态不晚于 {shown}")

    def _witness_signatures(self, signed: Note) -> None:
        if self.trust is None:
            self.not_proven.append("见证签名未核对：没有给出信任策略，时间只是日志自己的说法")
            return
        try:
            words = cosignature.cosignatures(signed, tuple(self.trust.witnesses.values()))
        except NoteFault as wrong:
            self.faults.append(f"{INTL.checkpoint} 的见证签名无效：{wrong}")
            return
        for word in words:
            at = _utc(word.time)
            self.witnesses.append({"name": word.key.name, "at": at})
            self.proven.append(f"{word.key.name} 于 {at} 见证了这一状态")
        if not self.trust.satisfied_by(word.key for word in words):
            self.faults.append(f"见证不足：{len(words)} 家见证，未达到信任策略的法定数")
        elif not words:
            self.not_proven.append("没有见证签名：时间只是日志自己的说法")

    def _entries(self, members: Mapping[str, bytes]) -> None:
        entries = {found[1]: name for name in members if (found := _ENTRY.fullmatch(name))}
        proofs = _proofs_in(members, INTL)
        if not entries:
            self.faults.append("证据包中没有日志条目")
        for place in sorted(set(entries) ^ set(proofs)):
            name = entries.get(place) or proofs[place]
            self.faults.append(f"{name}：条目与证明不成对")
        for place in sorted(set(entries) & set(proofs)):
            try:
                self._entry(members, entries[place], proofs[place], index=int(place))
            except leaves.LeafFault as wrong:
                self.faults.append(f"{entries[place]}：条目与日志所载不符（{wrong}）")
        if SM in self.heads:
            self._twin_proofs(members, entries)

    def _twin_proofs(self, members: Mapping[str, bytes], entries: Mapping[str, str]) -> None:
        proofs, before = _proofs_in(members, SM), len(self.faults)
        for place in sorted(set(entries) ^ set(proofs)):
            name = entries.get(place) or proofs[place]
            self.faults.append(f"{name}：条目与国密证明不成对")
        for place in sorted(set(proofs) & set(self.leaves)):
            self._proven(members, proofs[place], self.leaves[place], index=int(place), suite=SM)
        if len(self.faults) == before:
            self.proven.append(
                f"{len(proofs)} 个条目也都在国密日志 {self.heads[SM].origin} 之中（SM3）"
            )
            self.not_proven.append(
                "说明和文件与条目之间只有 SHA-256 摘要相连：国密证明到条目及其公开内容为止"
            )

    def _entry(
        self, members: Mapping[str, bytes], entry: str, proof_name: str, *, index: int
    ) -> None:
        said = self._json(members, entry)
        if not isinstance(said, dict) or set(said) != {"index", "leaf", "openings"}:
            raise leaves.LeafFault("不是条目的格式")
        if said["index"] != index or entry != f"entries/{index:012d}.json":
            raise leaves.LeafFault("序号与文件名不符")
        if not isinstance(said["leaf"], str) or not isinstance(said["openings"], dict):
            raise leaves.LeafFault("不是条目的格式")
        leaf = said["leaf"].encode()
        fields = leaves.read(leaf)
        self.leaves[f"{index:012d}"] = leaf
        if not self._proven(members, proof_name, leaf, index=index, suite=INTL):
            return
        self._openings(fields, said["openings"], index=index)
        self.proven.append(
            f"第 {index} 条（{fields['type']}，{_utc(fields['t'])}）在日志之中，公开的内容未被改动"
        )

    def _openings(
        self, fields: Mapping[str, Any], openings: Mapping[str, Any], *, index: int
    ) -> None:
        for name, opening in openings.items():
            if not isinstance(opening, dict) or set(opening) != {"salt", "content"}:
                raise leaves.LeafFault(f"{name} 不是公开内容的格式")
            if not isinstance(opening["salt"], str) or not _SALT.fullmatch(opening["salt"]):
                raise leaves.LeafFault(f"{name} 的盐值不是 32 字节")
            leaves.check_opening(
                fields,
                field=name,
                field_salt=bytes.fromhex(opening["salt"]),
                content=opening["content"],
            )
        for name in leaves.FIELDS:
            if name not in openings:
                self.not_proven.append(f"第 {index} 条的{_FIELD_LABELS[name]}没有公开")
        body = openings.get("body", {}).get("content", {})
        if isinstance(body, dict):
            for found in bundle.digests_in(body.get("facts")):
                self.named.setdefault(found, f"第 {index} 条（{fields['type']}）")

    def _proven(
        self, members: Mapping[str, bytes], name: str, leaf: bytes, *, index: int, suite: LogSuite
    ) -> bool:
        """Tell whether a proof leads from a leaf to the head of its suite; note why not."""
        try:
            self._proof(members, name, leaf, index=index, suite=suite)
        except (ProofFault, NoteFault, CheckpointFault) as wrong:
            self.faults.append(f"{name}：不是合格的证明（{wrong}）")
        except ProofInvalid as wrong:
            self.faults.append(f"{name}：证明不成立，条目不在日志之中（{wrong}）")
        else:
            return True
        return False

    def _proof(
        self, members: Mapping[str, bytes], name: str, leaf: bytes, *, index: int, suite: LogSuite
    ) -> None:
        try:
            proof = TlogProof.parse(members[name].decode())
        except UnicodeDecodeError as strange:
            raise ProofFault("不是文本") from strange
        if str(proof).encode() != members[name]:
            raise ProofFault("不是唯一的写法")
        if proof.extra is not None:
            raise ProofFault("带有不受证明保护的附加内容")
        if proof.index != index or name != f"{suite.proofs}/{index:012d}.tlog-proof":
            raise ProofFault("证明的是另一条")
        if proof.checkpoint.encode() != members.get(suite.checkpoint):
            raise ProofFault(f"所依的检查点与 {suite.checkpoint} 不同")
        proof.verify(leaf, suite=suite.tree)

    def _statement_and_files(self, members: Mapping[str, bytes]) -> None:
        statement = self._json(members, bundle.STATEMENT)
        if not isinstance(statement, dict):
            self.faults.append(f"{bundle.STATEMENT} 不是说明的格式")
            return
        by = self.named.get(hashlib.sha256(members[bundle.STATEMENT]).hexdigest())
        if by is None:
            self.faults.append(f"没有条目载有 {bundle.STATEMENT} 的摘要：说明不可采信")
            listed: Mapping[str, Any] = {}
        else:
            self.proven.append(f"{bundle.STATEMENT} 与{by}所载摘要一致")
            listed = bundle.files_named_in(statement)
        for name in sorted(listed):
            if f"files/{name}" not in members:
                self.faults.append(f"缺少 {bundle.STATEMENT} 所列的文件 files/{name}")
        for name in sorted(members):
            if name.startswith("files/"):
                self._file(name, members[name], listed)

    def _file(self, name: str, content: bytes, listed: Mapping[str, Any]) -> None:
        sha256 = hashlib.sha256(content).hexdigest()
        by, own = self.named.get(sha256), listed.get(name.removeprefix("files/"))
        if own not in (None, sha256):
            self.faults.append(f"{name} 与 {bundle.STATEMENT} 所载摘要不符：不是同名的文件")
        elif by is not None:
            self.proven.append(f"{name} 与{by}所载摘要一致")
        elif own is not None:
            self.proven.append(f"{name} 与 {bundle.STATEMENT} 所载摘要一致")
        else:
            self.faults.append(f"没有条目载有 {name} 的摘要：文件不可采信")

    def _json(self, members: Mapping[str, bytes], name: str) -> Any:
        """Read a member as canonical JSON, noting what is wrong; None then."""
        if name not in members:
            self.faults.append(f"缺少 {name}")
            return None
        try:
            return canonical.loads(members[name])
        except ValueError:
            self.faults.append(f"{name} 不是规范的 JSON（RFC 8785）")
            return None


def _proofs_in(members: Mapping[str, bytes], suite: LogSuite) -> dict[str, str]:
    return {found[1]: name for name in members if (found := _PROOFS[suite].fullmatch(name))}


def _belongs(name: str) -> bool:
    fixed = (bundle.README, bundle.MANIFEST, bundle.STATEMENT, INTL.checkpoint, SM.checkpoint)
    if name in fixed or _ENTRY.fullmatch(name) or bundle.is_anchor(name):
        return True
    if any(proof.fullmatch(name) for proof in _PROOFS.values()):
        return True
    return name.startswith("files/") and bundle.is_plain_name(name.removeprefix("files/"))


def _shown(head: Checkpoint | None) -> dict[str, Any] | None:
    if head is None:
        return None
    return {"origin": head.origin, "size": head.size, "root": head.root.hex()}


def _utc(seconds: int) -> str:
    """A moment as text; a number beyond the calendar as itself."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s"


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m lantai.lib.verify",
        description="离线核验证据包 · Check an offline evidence bundle",
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("--key", action="append", default=[], metavar="VKEY")
    parser.add_argument("--policy", type=Path, metavar="FILE")
    parser.add_argument("--roots", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(words)
    try:
        text = asked.policy.read_text() if asked.policy else None
        roots = asked.roots.read_bytes() if asked.roots else None
        report = verify(asked.bundle.read_bytes(), keys=asked.key, policy=text, roots=roots)
    except OSError as missing:
        parser.error(f"无法读取：{missing.filename}")
    except ValueError as wrong:
        parser.error(f"公钥或信任策略不可用：{wrong}")
    if asked.json:
        sys.stdout.write(json.dumps(report.as_json(), ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(told(report))
    return 0 if report.valid else 1


def told(report: Report) -> str:
    """The report for a person to read."""
    lines = ["有效" if report.valid else "无效"]
    for title, found in (
        ("不符之处", report.faults),
        ("已证明", report.proven),
        ("未证明", report.not_proven),
    ):
        if found:
            lines += [f"{title}：", *(f"  · {sentence}" for sentence in found)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
