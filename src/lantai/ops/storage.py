"""Is a store what the packages need? Tried, not believed: servers that speak S3 differ.

What is tried leaves nothing behind but, in a bucket, versions of a few small keys beside the
store, as long as the bucket's own retention holds them.
"""

import contextlib
import dataclasses
import os
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from lantai.lib.ocfl import disk
from lantai.lib.ocfl.bucket import Bucket
from lantai.lib.ocfl.faults import Unreachable
from lantai.lib.refusals import Unacceptable
from lantai.vault import stores
from lantai.vault.stores import Check, Place

_WRONG: Final = "A" * 43 + "="  # a SHA-256 that nothing of ours has
_Trial = Callable[[], str | None]


def probe(*, home: Path, at: datetime) -> Iterator[dict[str, Any]]:
    """Try every store that is set, and put on record what was found; a row each.

    Raises Unacceptable for an address that is none.
    """
    for place in stores.every(home):
        checks = _probe_bucket(place.bucket, at=at) if place.bucket else _probe_folder(place)
        good = stores.keep_finding(place, checks, at=at) if place.bucket else _all_good(checks)
        yield {
            "setting": place.setting,
            "store": place.address,
            "good": good,
            "checks": [dataclasses.asdict(check) for check in checks],
        }


def prepare(*, home: Path) -> Iterator[dict[str, Any]]:
    """Make the buckets that are set and not there, and let each keep versions.

    With LANTAI_S3_RETENTION_DAYS a bucket also locks what enters it for so long (COMPLIANCE). A
    row each. Raises Unacceptable where the server refuses.
    """
    for place in stores.every(home):
        if place.bucket is None:
            continue
        client = _client(place.bucket)
        try:
            made = _make(client, place.bucket.name)
            _keep_versions(client, place.bucket.name)
        except (ClientError, BotoCoreError) as refused:
            raise Unacceptable(
                f"存储桶 {place.bucket.name} 设置不成：{_told(refused)}"
            ) from refused
        days = settings.LANTAI_S3_RETENTION_DAYS
        yield {"store": place.address, "made": made, "retention_days": days}


def _make(client: Any, name: str) -> bool:
    try:
        client.head_bucket(Bucket=name)
    except ClientError as missing:
        if missing.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
        return True
    return False


def _keep_versions(client: Any, name: str) -> None:
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    if days := settings.LANTAI_S3_RETENTION_DAYS:
        rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": days}}
        client.put_object_lock_configuration(
            Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
        )


def _probe_bucket(bucket: Bucket, *, at: datetime) -> list[Check]:
    beside = f"{bucket.prefix}-probe" if bucket.prefix else "lantai-probe"
    place = dataclasses.replace(bucket, prefix=f"{beside}/{secrets.token_hex(8)}")
    trying = _Trying(place, _client(place), at)
    trials = {
        "写入后读回相同": trying.reads_back,
        "不覆盖已有的键（If-None-Match）": trying.creates_only,
        "只替换所读的那一份（If-Match）": trying.swaps_what_was_read,
        "拒收校验值不符的内容": trying.refuses_a_wrong_checksum,
        "拒绝错误的访问密钥": trying.refuses_a_wrong_secret,
        "写入、删除后立即列得出": trying.lists_at_once,
        "可以分段读取": trying.reads_ranges,
        "保留旧版本并可读出": trying.keeps_versions,
        "保留期内不能删除": trying.keeps_what_is_locked,
    }
    try:
        place.entries("")
    except Unreachable as silent:
        return [Check(name, good=False, told=str(silent)) for name in trials]
    try:
        return [_check(name, trial) for name, trial in trials.items()]
    finally:
        trying.clean_up()


@dataclasses.dataclass(frozen=True)
class _Trying:
    """The trials of a bucket; each returns a remark, or raises _Failed with what was seen."""

    bucket: Bucket
    client: Any
    at: datetime

    def reads_back(self) -> None:
        held = os.urandom(200_000)
        self.bucket.create("plain", held)
        if self.bucket.held("plain")[0] != held:
            raise _Failed("读回的内容不同")

    def creates_only(self) -> None:
        self.bucket.create("once", b"first")
        with contextlib.suppress(disk.Busy):
            self.bucket.create("once", b"second")
            raise _Failed("写了两次都被接受")
        if self.bucket.held("once")[0] != b"first":
            raise _Failed("说是拒绝，内容却被覆盖")

    def swaps_what_was_read(self) -> None:
        self.bucket.create("swapped", b"first")
        _, tag = self.bucket.held("swapped")
        self.bucket.swap("swapped", b"second", tag=tag)
        with contextlib.suppress(disk.Busy):
            self.bucket.swap("swapped", b"third", tag=tag)
            raise _Failed("内容已变，旧的凭据仍被接受")
        if self.bucket.held("swapped")[0] != b"second":
            raise _Failed("说是拒绝，内容却被覆盖")

    def refuses_a_wrong_checksum(self) -> None:
        with contextlib.suppress(ClientError):
            self._put("damaged", b"damaged on the way", ChecksumSHA256=_WRONG)
            raise _Failed("损坏的内容被接受")
        if self.bucket.held("damaged")[0] is not None:
            raise _Failed("说是拒绝，损坏的内容却已存入")

    def refuses_a_wrong_secret(self) -> None:
        self.bucket.create("closed", b"closed")
        wrong = dataclasses.replace(self.bucket.credentials, secret=secrets.token_hex(20))
        stranger = dataclasses.replace(self.bucket, credentials=wrong)
        with contextlib.suppress(Unreachable):
            stranger.held("closed")
            raise _Failed("用错误的密钥也能读")
        with contextlib.suppress(Unreachable):
            stranger.create("strange", b"strange")
            raise _Failed("用错误的密钥也能写")

    def lists_at_once(self) -> None:
        names = [f"{number:02d}" for number in range(4)]
        for name in names:
            self.bucket.create(f"listed/{name}", name.encode())
        if [entry.name for entry in self.bucket.entries("listed")] != names:
            raise _Failed("刚写入的键没有全部列出")
        self.bucket.delete("listed/00")
        if [entry.name for entry in self.bucket.entries("listed")] != names[1:]:
            raise _Failed("已删除的键仍被列出")

    def reads_ranges(self) -> None:
        held = os.urandom(100_000)
        self.bucket.create("long", held)
        answer = self._get("long", Range="bytes=70000-79999")
        if answer["Body"].read() != held[70_000:80_000]:
            raise _Failed("分段读到的内容不对")

    def keeps_versions(self) -> None:
        self._put("kept", b"old")
        old = self._versions("kept")
        self._put("kept", b"new")
        self.client.delete_object(Bucket=self.bucket.name, Key=self._key("kept"))
        if len(old) != 1 or len(self._versions("kept")) != 2:
            raise _Failed("没有保留旧版本；请为存储桶打开版本控制")
        if self._get("kept", VersionId=old[0])["Body"].read() != b"old":
            raise _Failed("旧版本读出的内容不对")

    def keeps_what_is_locked(self) -> str | None:
        days = settings.LANTAI_S3_RETENTION_DAYS
        if not days:
            return "没有要求保留期（LANTAI_S3_RETENTION_DAYS）"
        self._put("locked", b"locked")
        version = self._versions("locked")[0]
        said = self._get("locked", VersionId=version)
        until = said.get("ObjectLockRetainUntilDate")
        if said.get("ObjectLockMode") != "COMPLIANCE" or not until:
            raise _Failed("写入的内容没有 COMPLIANCE 保留期；请设置存储桶的默认保留期")
        if until < self.at + timedelta(days=days) - timedelta(hours=1):
            raise _Failed(f"保留到 {until:%Y-%m-%d}，不足 {days} 天")
        with contextlib.suppress(ClientError):
            self._delete_version("locked", version)
            raise _Failed("保留期内的版本被删除")
        if self._get("locked", VersionId=version)["Body"].read() != b"locked":
            raise _Failed("说是拒绝，内容却已不在")
        return None

    def clean_up(self) -> None:
        """Delete what was tried, as far as the bucket lets it go."""
        place = {"Bucket": self.bucket.name, "Prefix": f"{self.bucket.prefix}/"}
        with contextlib.suppress(ClientError, BotoCoreError):
            found = self.client.list_object_versions(**place)
            for held in [*found.get("Versions", ()), *found.get("DeleteMarkers", ())]:
                which = {"Key": held["Key"], "VersionId": held["VersionId"]}
                with contextlib.suppress(ClientError):
                    self.client.delete_object(Bucket=self.bucket.name, **which)
            for held in self.client.list_objects_v2(**place).get("Contents", ()):
                self.client.delete_object(Bucket=self.bucket.name, Key=held["Key"])

    def _key(self, path: str) -> str:
        return f"{self.bucket.prefix}/{path}"

    def _put(self, path: str, held: bytes, **more: Any) -> None:
        self.client.put_object(Bucket=self.bucket.name, Key=self._key(path), Body=held, **more)

    def _get(self, path: str, **more: Any) -> Any:
        return self.client.get_object(Bucket=self.bucket.name, Key=self._key(path), **more)

    def _versions(self, path: str) -> list[str]:
        """The versions of a key by their ids, the newest first."""
        found = self.client.list_object_versions(Bucket=self.bucket.name, Prefix=self._key(path))
        return [held["VersionId"] for held in found.get("Versions", ())]

    def _delete_version(self, path: str, version: str) -> None:
        which = {"Key": self._key(path), "VersionId": version}
        self.client.delete_object(Bucket=self.bucket.name, **which)


class _Failed(Exception):
    """What was seen instead of what a store must do."""


def _probe_folder(place: Place) -> list[Check]:
    store = place.store
    disk.make_folder(store.stage)
    work = store.stage / f"probe-{secrets.token_hex(8)}"
    disk.make_folder(work)
    try:
        return [
            _check("制作处与存储根在同一文件系统", lambda: _same_file_system(place)),
            _check("不覆盖已有的文件", lambda: _creates_only(work)),
            _check("目录与文件可以一步改名", lambda: _moves(work)),
            _check("可以强制写入磁盘（syncfs、fsync）", lambda: _forces(work)),
            _check("锁对另一个打开者有效", lambda: _locks(work)),
        ]
    finally:
        disk.remove(work)


def _same_file_system(place: Place) -> None:
    store = place.store
    root = store.root if store.root.exists() else store.home
    if root.stat().st_dev != store.stage.stat().st_dev:
        raise _Failed(f"{root} 与 {store.stage} 不在同一文件系统，不能一步改名")


def _creates_only(work: Path) -> None:
    with disk.create(work / "once") as stream:
        stream.write(b"first")
    with contextlib.suppress(FileExistsError), disk.create(work / "once") as stream:
        stream.write(b"second")
        raise _Failed("写了两次都被接受")
    if (work / "once").read_bytes() != b"first":
        raise _Failed("说是拒绝，内容却被覆盖")


def _moves(work: Path) -> None:
    disk.make_folder(work / "from" / "inside")
    disk.move(work / "from", work / "to")
    for name, held in (("old", b"old"), ("new", b"new")):
        with disk.create(work / name) as stream:
            stream.write(held)
    disk.move(work / "new", work / "old")
    if not (work / "to" / "inside").is_dir() or (work / "old").read_bytes() != b"new":
        raise _Failed("改名后的内容不对")


def _forces(work: Path) -> None:
    disk.force_all(work)
    disk.force_folder(work)


def _locks(work: Path) -> None:
    with disk.alone(work / "lock"), contextlib.suppress(disk.Busy), disk.alone(work / "lock"):
        raise _Failed("两处同时得到了锁")


def _check(name: str, trial: _Trial) -> Check:
    try:
        remark = trial()
    except _Failed as seen:
        return Check(name, good=False, told=str(seen))
    except (Unreachable, disk.Busy, OSError, ClientError, BotoCoreError) as failed:
        return Check(name, good=False, told=_told(failed))
    return Check(name, good=True, told=remark or "")


def _told(failed: Exception) -> str:
    if isinstance(failed, ClientError):
        error = failed.response.get("Error", {})
        return f"服务器答复 {error.get('Code', '?')}：{error.get('Message', '')}".rstrip("：")
    return str(failed)


def _all_good(checks: list[Check]) -> bool:
    return all(check.good for check in checks)


@cache
def _session() -> Any:
    return botocore.session.get_session()


def _client(bucket: Bucket) -> Any:
    said = bucket.credentials
    style = {"addressing_style": "path"} if said.endpoint else {}
    return _session().create_client(
        "s3",
        endpoint_url=said.endpoint or None,
        region_name=said.region,
        aws_access_key_id=said.key,
        aws_secret_access_key=said.secret,
        config=Config(
            s3=style,
            connect_timeout=min(said.timeout, 10.0),
            read_timeout=said.timeout,
            retries={"total_max_attempts": 3},
        ),
    )
