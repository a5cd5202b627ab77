"""The offline bundle: what was recorded, the proof that it was, and the files it speaks of.

A zip without compression, the same bytes for the same content, of exactly these members (the
format is written down in docs/reference/log-and-bundle.md):

    README.txt                what this is, in Chinese and English; the same in every bundle
    manifest.json             size, SHA-256 and SM3 of every other member
    statement.json            what the bundle is about
    checkpoint                the signed head that every proof leads to
    entries/<index>.json      a leaf, and what it commits to: content and salt of each field
    proofs/<index>.tlog-proof that the leaf stands in the head
    files/<name>              the files

Version 2 has more than that, where there is more; what has none of it is of version 1:

    checkpoint-sm                the signed head of the twin (SM3, SM2), of the same size
    proofs-sm/<index>.tlog-proof that the leaf stands in the twin's head
    anchors/<name>.tsr           RFC 3161 time stamps over the text of the head

Everything hangs on the head: the statement and every file must be named by the opened facts of
one of the entries. A digest counts if it stands, as 64 hexadecimal digits, under a key with
``sha256`` in its name: ``{"statement_sha256": digest(statement), "pages": [{"sha256": …}]}``. A
file may also be named in the statement: ``{"files": {"<name>": "<sha256>"}}``; then it keeps its
name, and may not be missing.
"""

import hashlib
import re
import struct
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lantai.lib import canonical
from lantai.lib.tlog import leaf as leaves
from lantai.lib.tlog.proof import TlogProof
from lantai.lib.tlog.suite import INTL, SM

FORMAT: Final = "lantai-bundle/v1"
FORMAT_2: Final = "lantai-bundle/v2"
MANIFEST: Final = "manifest.json"
STATEMENT: Final = "statement.json"
CHECKPOINT: Final = INTL.checkpoint
README: Final = "README.txt"
MAX_BYTES: Final = 2**32 - 1
MAX_MEMBERS: Final = 2**16 - 2
_ANCHOR: Final = re.compile(r"anchors/[a-z0-9][a-z0-9.-]{0,39}\.tsr")
_FILE: Final = re.compile(r"[\w][\w.@() -]{0,120}(/[\w][\w.@() -]{0,120}){0,4}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")

README_TEXT: Final = """\
兰台离线证据包（lantai-bundle/v1）

包内有什么
  statement.json   说明：本包所述何事
  files/           所涉文件，与保存时逐字节相同
  entries/         日志条目及其公开内容（内容与盐值）
  proofs/          每个条目在日志之中的证明（C2SP tlog-proof）
  checkpoint       日志的签名检查点（C2SP tlog-checkpoint）
  manifest.json    其他各成员的字节数、SHA-256、SM3

怎样核验
  python -m lantai.lib.verify 证据包.zip --key 日志公钥
  或者 --policy 信任策略文件。不需要联网，不需要登录任何系统。
  日志公钥和信任策略不在包内，须从出具单位或见证单位另行取得；未给出时，只能证明
  包内各部分相互一致，不能证明由谁签署。

能证明什么：这些文件和记载，在检查点签署之时已经存在于该日志，此后一字未改。
不能证明什么：纸质原件本身的真伪，记载内容是否属实。

--------------------------------------------------------------------------------

Lantai offline evidence bundle (lantai-bundle/v1)

What is inside
  statement.json   what this bundle is about
  files/           the files spoken of, byte for byte as they were kept
  entries/         log entries and what they commit to (content and salts)
  proofs/          that each entry stands in the log (C2SP tlog-proof)
  checkpoint       the signed head of the log (C2SP tlog-checkpoint)
  manifest.json    size, SHA-256 and SM3 of every other member

How to check it
  python -m lantai.lib.verify BUNDLE.zip --key VKEY
  or --policy FILE. It needs no network and no sign-in.
  Neither the log's key nor a trust policy is inside; get them from the issuing body or a
  witness. Without them only the agreement of the parts can be shown, not who signed.

What it proves: these files and facts stood in that log when the checkpoint was signed and have
not changed since. What it does not prove: that the paper is genuine, or that what was written
is true.
"""

README_TEXT_2: Final = """\
兰台离线证据包（lantai-bundle/v2）

包内有什么
  statement.json   说明：本包所述何事
  files/           所涉文件，与保存时逐字节相同
  entries/         日志条目及其公开内容（内容与盐值）
  proofs/          每个条目在日志之中的证明（SHA-256，C2SP tlog-proof）
  checkpoint       日志的签名检查点（Ed25519，C2SP tlog-checkpoint）
  proofs-sm/       同一条目在国密日志之中的证明（SM3），有则全有
  checkpoint-sm    国密日志的签名检查点（SM2），与 checkpoint 条数相同
  anchors/         第三方时间戳（RFC 3161），加在 checkpoint 的正文上，可有可无
  manifest.json    其他各成员的字节数、SHA-256、SM3

怎样核验
  python -m lantai.lib.verify 证据包.zip --key 日志公钥 --key 国密日志公钥
  或者 --policy 信任策略文件。不需要联网，不需要登录任何系统。
  日志公钥、信任策略、时间戳根证书不在包内，须从出具单位、见证单位或时间戳机构另行取得；
  未给出时，只能证明包内各部分相互一致，不能证明由谁签署。

能证明什么：这些文件和记载，在检查点签署之时已经存在于该日志，此后一字未改。
不能证明什么：纸质原件本身的真伪，记载内容是否属实。

--------------------------------------------------------------------------------

Lantai offline evidence bundle (lantai-bundle/v2)

What is inside
  statement.json   what this bundle is about
  files/           the files spoken of, byte for byte as they were kept
  entries/         log entries and what they commit to (content and salts)
  proofs/          that each entry stands in the log (SHA-256, C2SP tlog-proof)
  checkpoint       the signed head of the log (Ed25519, C2SP tlog-checkpoint)
  proofs-sm/       that the same entries stand in its twin (SM3); for all of them or for none
  checkpoint-sm    the signed head of the twin (SM2), of the same size as checkpoint
  anchors/         time stamps of others (RFC 3161) over the text of checkpoint, if any
  manifest.json    size, SHA-256 and SM3 of every other member

How to check it
  python -m lantai.lib.verify BUNDLE.zip --key VKEY --key VKEY-OF-THE-TWIN
  or --policy FILE. It needs no network and no sign-in.
  No key, trust policy or certificate is inside; get them from the issuing body, a witness or the
  time-stamping authority. Without them only the agreement of the parts can be shown, not who
  signed.

What it proves: these files and facts stood in that log when the checkpoint was signed and have
not changed since. What it does not prove: that the paper is genuine, or that what was written
is true.
"""

README_TEXTS: Final = {FORMAT: README_TEXT, FORMAT_2: README_TEXT_2}


class BundleFault(ValueError):
    """Bytes are not a bundle's container."""


@dataclass(frozen=True)
class Sealed:
    """An entry of the log, opened and proven.

    ``content`` gives what each field of the leaf commits to: ``obj`` ("noun:uid"), ``actor``, and
    ``body`` ({"at", "facts"}); a field left out stays undisclosed. ``salt`` is the entry's own,
    which never goes into a bundle; the salts of the disclosed fields are derived from it.
    ``proof`` is the text of a tlog-proof; ``proof_sm`` the same against the twin's head, or empty
    where the log has no twin.
    """

    index: int
    leaf: bytes
    salt: bytes
    content: Mapping[str, Any]
    proof: str
    proof_sm: str = ""


def digest(statement: Mapping[str, Any]) -> str:
    """The SHA-256 of a statement as it stands in a bundle; what an entry's facts have to name."""
    return hashlib.sha256(canonical.dumps(statement)).hexdigest()


def digests_in(facts: object, *, named: bool = False) -> Iterator[str]:
    """Every digest that facts name: 64 hexadecimal digits under a key with ``sha256`` in it."""
    match facts:
        case str():
            if named and _DIGEST.fullmatch(facts):
                yield facts
        case Mapping():
            for key, held in facts.items():
                yield from digests_in(held, named=named or "sha256" in key)
        case list() | tuple():
            for held in facts:
                yield from digests_in(held, named=named)


def files_named_in(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    """The files a statement names, with their digests."""
    named = statement.get("files", {})
    return named if isinstance(named, Mapping) else {}


def build(
    *,
    statement: Mapping[str, Any],
    entries: Sequence[Sealed],
    files: Mapping[str, bytes],
    anchors: Mapping[str, bytes] | None = None,
) -> bytes:
    """Put a bundle together; the same content gives the same bytes.

    The twin's proofs go in if every entry has one. ``anchors`` are RFC 3161 answers over the text
    of the head, by short names ("tsa-1").

    Raises ValueError for what ``verify`` would refuse: proofs against different heads, a statement
    or a file whose digest no entry names, a file name that is no plain relative path.
    """
    if not entries:
        raise ValueError("a bundle holds at least one entry of the log")
    _check_named(statement, entries, files)
    members = {
        STATEMENT: canonical.dumps(statement),
        CHECKPOINT: _head_of([entry.proof for entry in entries]),
        **{f"files/{name}": content for name, content in files.items()},
        **{f"anchors/{name}.tsr": content for name, content in (anchors or {}).items()},
    }
    for entry in entries:
        members[f"entries/{entry.index:012d}.json"] = _opened(entry)
        members[f"proofs/{entry.index:012d}.tlog-proof"] = entry.proof.encode()
    if all(entry.proof_sm for entry in entries):
        members[SM.checkpoint] = _head_of([entry.proof_sm for entry in entries])
        for entry in entries:
            members[f"{SM.proofs}/{entry.index:012d}.tlog-proof"] = entry.proof_sm.encode()
    for name in members:
        if name.startswith("anchors/") and not is_anchor(name):
            raise ValueError(f"not the name of an anchor: {name}")
    members[README] = README_TEXTS[format_of(members)].encode()
    members[MANIFEST] = manifest_of(members)
    return pack(members)


def format_of(members: Iterable[str]) -> str:
    """The version of the format that a bundle of these members has."""
    more = (SM.checkpoint, f"{SM.proofs}/", "anchors/")
    return FORMAT_2 if any(name.startswith(more) for name in members) else FORMAT


def is_anchor(name: str) -> bool:
    """Tell whether a member is an anchor, by its name."""
    return bool(_ANCHOR.fullmatch(name))


def manifest_of(members: Mapping[str, bytes]) -> bytes:
    """The manifest of every member but itself."""
    return canonical.dumps(
        {
            "format": format_of(members),
            "members": {
                name: {
                    "bytes": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "sm3": hashlib.new("sm3", content).hexdigest(),
                }
                for name, content in members.items()
                if name != MANIFEST
            },
        }
    )


def is_plain_name(name: str) -> bool:
    """Tell whether a name may stand under ``files/``: a relative path that leads nowhere else."""
    return bool(_FILE.fullmatch(name)) and name == unicodedata.normalize("NFC", name)


# The container. Zip's own freedoms (order, dates, compression, comments, gaps) are all fixed, so
# that a bundle has one form only and no byte of it can be changed unseen.
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_UTF8: Final = 0x0800
_NEW_YEAR_1980: Final = 0x0021
_PLAIN_FILE: Final = 0o100644 << 16


def pack(members: Mapping[str, bytes]) -> bytes:
    """Write members as a zip of one form: by name, uncompressed, undated."""
    if len(members) > MAX_MEMBERS:
        raise ValueError(f"a bundle has at most {MAX_MEMBERS} members")
    if sum(map(len, members.values())) + 400 * len(members) > MAX_BYTES:
        raise ValueError("a bundle has at most 4 GB")
    body, directory = bytearray(), bytearray()
    for name in sorted(members):
        content, label, at = members[name], name.encode(), len(body)
        checked = (zlib.crc32(content), len(content), len(content), len(label))
        body += _LOCAL.pack(b"PK\3\4", 20, _UTF8, 0, 0, _NEW_YEAR_1980, *checked, 0)
        body += label + content
        directory += _CENTRAL.pack(
            b"PK\1\2",
            0x0314,
            20,
            _UTF8,
            0,
            0,
            _NEW_YEAR_1980,
            *checked,
            0,
            0,
            0,
            0,
            _PLAIN_FILE,
            at,
        )
        directory += label
    end = _END.pack(b"PK\5\6", 0, 0, len(members), len(members), len(directory), len(body), 0)
    return bytes(body + directory + end)


def unpack(content: bytes) -> dict[str, bytes]:
    """Read the members of an uncompressed zip. Raises BundleFault.

    No member can be larger than the bytes that stand for it, and nothing is written anywhere.
    Whether the container has the one form of ``pack`` is for the caller to compare.
    """
    at = len(content) - _END.size
    if at < 0 or content[at : at + 4] != b"PK\5\6":
        raise BundleFault("文件末尾不是证据包的结尾：文件被截断、追加或重新打包过")
    _, _, _, _, count, length, start, _ = _END.unpack_from(content, at)
    if start + length != at:
        raise BundleFault("证据包的目录不在应有的位置")
    members: dict[str, bytes] = {}
    taken, place = 0, start
    for _ in range(count):
        if place + _CENTRAL.size > at or content[place : place + 4] != b"PK\1\2":
            raise BundleFault("证据包的目录不完整")
        record = _CENTRAL.unpack_from(content, place)
        method, crc, size, whole, label, extra, comment = record[4], *record[7:13]
        offset = record[16]
        name = _text(content[place + _CENTRAL.size : place + _CENTRAL.size + label])
        place += _CENTRAL.size + label + extra + comment
        if name in members:
            raise BundleFault(f"成员 {name} 出现两次")
        if method != 0 or size != whole:
            raise BundleFault(f"成员 {name} 是压缩过的：证据包不压缩，请索取原件")
        taken += size
        if taken > start:
            raise BundleFault(f"成员 {name} 的长度不可能：超出文件本身")
        members[name] = _member(content, name, offset=offset, size=size, crc=crc, end=start)
    if place != at:
        raise BundleFault("证据包的目录之后有多余内容")
    return members


def _member(content: bytes, name: str, *, offset: int, size: int, crc: int, end: int) -> bytes:
    if offset + _LOCAL.size > end or content[offset : offset + 4] != b"PK\3\4":
        raise BundleFault(f"成员 {name} 不在目录所指的位置")
    local = _LOCAL.unpack_from(content, offset)
    first = offset + _LOCAL.size + local[9] + local[10]
    if first + size > end:
        raise BundleFault(f"成员 {name} 不完整")
    if _text(content[offset + _LOCAL.size : offset + _LOCAL.size + local[9]]) != name:
        raise BundleFault(f"成员 {name} 与目录中的名称不一致")
    held = content[first : first + size]
    if zlib.crc32(held) != crc:
        raise BundleFault(f"成员 {name} 的内容已损坏（校验码不符）")
    return held


def _text(label: bytes) -> str:
    try:
        return label.decode()
    except UnicodeDecodeError as strange:
        raise BundleFault("证据包中有名称无法识别的成员") from strange


def _head_of(proofs: Sequence[str]) -> bytes:
    heads = {TlogProof.parse(proof).checkpoint for proof in proofs}
    if len(heads) != 1:
        raise ValueError("the proofs of a bundle lead to one head: use sealed_together")
    return heads.pop().encode()


def _opened(entry: Sealed) -> bytes:
    return canonical.dumps(
        {
            "index": entry.index,
            "leaf": entry.leaf.decode(),
            "openings": {
                field: {"salt": leaves.derived_salt(entry.salt, field).hex(), "content": held}
                for field, held in entry.content.items()
            },
        }
    )


def _check_named(
    statement: Mapping[str, Any], entries: Sequence[Sealed], files: Mapping[str, bytes]
) -> None:
    named = {
        found
        for entry in entries
        for found in digests_in(entry.content.get("body", {}).get("facts", {}))
    }
    if digest(statement) not in named:
        raise ValueError(
            "no entry of the bundle names the statement: record its bundle.digest(statement) "
            'in the facts, under a key like "statement_sha256"'
        )
    listed = files_named_in(statement)
    if missing := sorted(set(listed) - set(files)):
        raise ValueError(f"the statement names files that are not given: {', '.join(missing)}")
    for name, content in files.items():
        if not is_plain_name(name):
            raise ValueError(f"not a plain name for a file of a bundle: {name!r}")
        sha256 = hashlib.sha256(content).hexdigest()
        if listed.get(name, sha256) != sha256:
            raise ValueError(f"the statement names another file as {name}")
        if sha256 not in named and name not in listed:
            raise ValueError(f"no entry of the bundle and no statement names the file {name}")
