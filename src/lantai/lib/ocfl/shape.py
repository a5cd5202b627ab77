"""The shape of an inventory, every breach by the code of OCFL 1.1 §3.5."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

TYPE: Final = "https://ocfl.io/1.1/spec/#inventory"
OLDER: Final = "https://ocfl.io/1.0/spec/#inventory"
# The names OCFL 1.1 §2 and its extension 0009 give, with the length of the digest in hex.
DIGESTS: Final = {
    "md5": 32,
    "sha1": 40,
    "sha256": 64,
    "sha512": 128,
    "blake2b-512": 128,
    "blake2b-160": 40,
    "blake2b-256": 64,
    "blake2b-384": 96,
    "sha512/256": 64,
}
ADDRESSING: Final = ("sha512", "sha256")
_KEYS: Final = frozenset(
    {"id", "type", "digestAlgorithm", "head", "manifest", "versions", "fixity", "contentDirectory"}
)
_VERSION: Final = re.compile(r"v(0{0,9})([1-9][0-9]{0,8})")
_CREATED: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")

Breach = tuple[str, str]


def examine(raw: bytes) -> tuple[dict[str, Any], list[Breach]]:
    """Return what an inventory states, and every breach: its code and a sentence."""
    try:
        stated = json.loads(raw.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as wrong:
        return {}, [("E033", f"清单不是合法的 JSON：{wrong}")]
    if not isinstance(stated, dict):
        return {}, [("E034", "清单不是一个 JSON 对象")]
    faults = list(_of_heading(stated))
    manifest, versions = stated.get("manifest"), stated.get("versions")
    if not isinstance(manifest, dict):
        faults.append(("E041", "清单缺少 manifest，或不是对象"))
    if not isinstance(versions, dict):
        faults.append(("E044" if "versions" in stated else "E043", "清单缺少 versions，或不是对象"))
    if isinstance(manifest, dict) and isinstance(versions, dict):
        faults += _of_versions(stated, versions)
        content = stated.get("contentDirectory", "content")
        faults += _of_manifest(manifest, versions, stated.get("digestAlgorithm"), content)
        faults += _of_states(manifest, versions)
        faults += _of_fixity(stated.get("fixity", {}), manifest)
    return stated, faults


def clash_among(paths: Iterable[str]) -> str | None:
    """The first path that stands twice, or is both a file and a folder of another."""
    seen: set[str] = set()
    folders: set[str] = set()
    listed = list(paths)
    for path in listed:
        if path in seen:
            return path
        seen.add(path)
        parts = path.split("/")
        folders.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
    return next((path for path in listed if path in folders), None)


def _of_heading(stated: Mapping[str, Any]) -> Iterator[Breach]:
    for name in sorted(_KEYS - {"manifest", "versions", "fixity", "contentDirectory"}):
        if name not in stated:
            yield "E036", f"清单缺少 {name}"
    for name in sorted(stated.keys() - _KEYS):
        yield "E102", f"清单含有规范没有的项目 {name}"
    if "id" in stated and (not isinstance(stated["id"], str) or not stated["id"]):
        yield "E037", "清单的 id 不是文本，或为空"
    if "type" in stated and stated["type"] != TYPE:
        yield "E038", "清单的 type 不是 OCFL 1.1"
    if "digestAlgorithm" in stated and stated["digestAlgorithm"] not in ADDRESSING:
        yield "E025", "清单的摘要算法不是 sha512 或 sha256"
    if "contentDirectory" in stated:
        name = stated["contentDirectory"]
        if not isinstance(name, str) or not name or "/" in name:
            yield "E017", "内容目录的名称不是文本，或含有斜杠"
        elif name in {".", ".."}:
            yield "E018", "内容目录的名称不能是 . 或 .."


def _of_versions(stated: Mapping[str, Any], versions: Mapping[str, Any]) -> Iterator[Breach]:
    if not versions:
        yield "E008", "清单没有任何版本"
    numbers, widths = [], set()
    for name, version in versions.items():
        if not (found := _VERSION.fullmatch(name)):
            yield "E046", f"版本名 {name!r} 不合规则"
            continue
        numbers.append(int(found[2]))
        widths.add(len(name) if found[1] else 0)
        yield from _of_version(name, version)
    if sorted(numbers) != list(range(1, len(numbers) + 1)):
        yield "E010" if 1 in numbers else "E009", "版本号没有从 1 起逐一递增"
    if len(widths) > 1:
        yield "E011", "版本号补零的位数不一致"
    newest = max(
        versions, key=lambda name: int(f"0{re.sub('[^0-9]', '', name)[:18]}"), default=None
    )
    if "head" in stated and newest is not None and stated["head"] != newest:
        yield "E040", f"head 写的是 {stated['head']!r}，不是最新版本 {newest}"


def _of_version(name: str, version: Any) -> Iterator[Breach]:
    if not isinstance(version, dict):
        yield "E047", f"版本 {name} 不是对象"
        return
    for key in sorted(version.keys() - {"created", "message", "user", "state"}):
        yield "E102", f"版本 {name} 含有规范没有的项目 {key}"
    created = version.get("created")
    if "created" not in version:
        yield "E048", f"版本 {name} 没有 created"
    elif not isinstance(created, str) or not _is_moment(created):
        yield "E049", f"版本 {name} 的 created 不是带时区、到秒的时刻"
    if not isinstance(version.get("message", ""), str):
        yield "E094", f"版本 {name} 的 message 不是文本"
    user = version.get("user", {"name": "x"})
    if not isinstance(user, dict) or not isinstance(user.get("name"), str) or not user["name"]:
        yield "E054", f"版本 {name} 的 user 没有 name"
    elif not isinstance(user.get("address", ""), str):
        yield "E054", f"版本 {name} 的 user 的 address 不是文本"
    if "state" not in version:
        yield "E048", f"版本 {name} 没有 state"
    elif not isinstance(version["state"], dict):
        yield "E050", f"版本 {name} 的 state 不是对象"


def _of_manifest(
    manifest: Mapping[str, Any], versions: Mapping[str, Any], algorithm: Any, content: Any
) -> Iterator[Breach]:
    yield from _twice(manifest, "E096", "manifest")
    paths: list[str] = []
    for digest, listed in manifest.items():
        if not _is_digest(digest, algorithm):
            yield "E025", f"manifest 的摘要 {digest[:16]!r} 不合 {algorithm} 的形式"
        if not _are_texts(listed) or not listed:
            yield "E092", f"manifest 的 {digest[:16]} 没有列出内容路径"
            continue
        for path in listed:
            yield from _of_content_path(path)
            version, _, rest = path.partition("/")
            if version not in versions or not rest.startswith(f"{content}/"):
                yield "E042", f"内容路径 {path!r} 不在任何版本的内容目录里"
        paths += listed
    if clash := clash_among(paths):
        yield "E101", f"内容路径 {clash!r} 重复，或既是文件又是目录"
    used = {
        digest.lower()
        for version in versions.values()
        if isinstance(version, dict) and isinstance(version.get("state"), dict)
        for digest in version["state"]
    }
    for digest in manifest:
        if digest.lower() not in used:
            yield "E107", f"manifest 的 {digest[:16]} 不属于任何版本"


def _of_content_path(path: str) -> Iterator[Breach]:
    if path.startswith("/") or path.endswith("/"):
        yield "E100", f"内容路径 {path!r} 以斜杠开头或结尾"
    if any(part in {"", ".", ".."} for part in path.strip("/").split("/")):
        yield "E099", f"内容路径 {path!r} 含有 . 或 .. 或空的一段"


def _of_states(manifest: Mapping[str, Any], versions: Mapping[str, Any]) -> Iterator[Breach]:
    for name, version in versions.items():
        if not isinstance(version, dict) or not isinstance(version.get("state"), dict):
            continue
        paths: list[str] = []
        for digest, listed in version["state"].items():
            if digest not in manifest:
                yield "E050", f"版本 {name} 的摘要 {digest[:16]!r} 不在 manifest 里"
            if not _are_texts(listed):
                yield "E050", f"版本 {name} 的 {digest[:16]} 没有列出路径"
                continue
            for path in listed:
                if path.startswith("/") or path.endswith("/"):
                    yield "E053", f"版本 {name} 的路径 {path!r} 以斜杠开头或结尾"
                if any(part in {"", ".", ".."} for part in path.strip("/").split("/")):
                    yield "E052", f"版本 {name} 的路径 {path!r} 含有 . 或 .. 或空的一段"
            paths += listed
        if clash := clash_among(paths):
            yield "E095", f"版本 {name} 的路径 {clash!r} 重复，或既是文件又是目录"


def _of_fixity(fixity: Any, manifest: Mapping[str, Any]) -> Iterator[Breach]:
    if not isinstance(fixity, dict):
        yield "E111", "fixity 不是对象"
        return
    held = {path for listed in manifest.values() if _are_texts(listed) for path in listed}
    for algorithm, block in fixity.items():
        if algorithm not in DIGESTS:
            yield "E056", f"fixity 用了 OCFL 词表没有的算法 {algorithm!r}"
        if not isinstance(block, dict):
            yield "E057", f"fixity 的 {algorithm} 不是对象"
            continue
        yield from _twice(block, "E097", f"fixity 的 {algorithm}")
        for digest, listed in block.items():
            if algorithm in DIGESTS and not _is_digest(digest, algorithm):
                yield "E057", f"fixity 的 {digest[:16]!r} 不合 {algorithm} 的形式"
            if not _are_texts(listed):
                yield "E057", f"fixity 的 {digest[:16]} 没有列出内容路径"
                continue
            for path in listed:
                yield from _of_content_path(path)
                if path not in held:
                    yield "E057", f"fixity 的内容路径 {path!r} 不在 manifest 里"


def _twice(block: Mapping[str, Any], code: str, where: str) -> Iterator[Breach]:
    seen: set[str] = set()
    for digest in block:
        if digest.lower() in seen:
            yield code, f"{where} 的摘要 {digest[:16]} 以大小写不同的写法出现了两次"
        seen.add(digest.lower())


def _is_digest(text: str, algorithm: Any) -> bool:
    length = DIGESTS.get(algorithm) if isinstance(algorithm, str) else None
    return length is None or re.fullmatch(f"[0-9a-fA-F]{{{length}}}", text) is not None


def _are_texts(listed: Any) -> bool:
    return isinstance(listed, list) and all(isinstance(path, str) for path in listed)


def _is_moment(text: str) -> bool:
    if not _CREATED.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"not a number: {text}")
