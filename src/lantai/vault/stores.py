"""The stores this installation was given: where each stands, and whether it was proved.

An address is the path of a folder, or ``s3://bucket/prefix``. A bucket is opened only when
``lantai storage probe`` has found that it does what a store has to: servers that speak S3 differ
in silence. The finding is kept in the data directory, ``stores/<name>/probe.json``.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings

from lantai.lib import canonical
from lantai.lib.ocfl import disk
from lantai.lib.ocfl.bucket import Bucket
from lantai.lib.ocfl.layout import Store
from lantai.lib.ocfl.s3 import Credentials
from lantai.lib.refusals import Unacceptable

_BUCKET: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*")


@dataclass(frozen=True)
class Place:
    """Where a store stands, by the setting that says so."""

    setting: str
    address: str
    folder: Path | None
    bucket: Bucket | None
    stage: Path

    @property
    def store(self) -> Store:
        return Store(self.stage, self.bucket)


@dataclass(frozen=True)
class Check:
    """One thing a store was tried for: what, whether it does it, and what was seen."""

    name: str
    good: bool
    told: str = ""


def primary(home: Path) -> Place:
    return _place("LANTAI_STORE", settings.LANTAI_STORE or str(home / "preserved"), home)


def secret(home: Path) -> Place:
    """The store of secret material, apart from the other."""
    return _place("LANTAI_SECRET_STORE", settings.LANTAI_SECRET_STORE or str(home / "secret"), home)


def copy(home: Path) -> Place | None:
    """The second copy, None where there is none."""
    return _place("LANTAI_COPY", settings.LANTAI_COPY, home) if settings.LANTAI_COPY else None


def secret_copy(home: Path) -> Place | None:
    """The second copy of the secret store, None where there is none."""
    address = settings.LANTAI_SECRET_COPY
    return _place("LANTAI_SECRET_COPY", address, home) if address else None


def every(home: Path) -> list[Place]:
    """All stores that are set, the primary first."""
    found = (primary(home), copy(home), secret(home), secret_copy(home))
    return [place for place in found if place]


def opened(place: Place) -> Store:
    """The store at a place. Raises Unacceptable for a bucket that was not proved."""
    if place.bucket and not _is_proved(place):
        raise Unacceptable(
            f"存储 {place.address}（{place.setting}）还没有通过检验，不能使用；"
            "请先运行 lantai storage probe"
        )
    return place.store


def keep_finding(place: Place, checks: Sequence[Check], *, at: datetime) -> bool:
    """Put a probe's finding on record; return whether the store may be used."""
    good = all(check.good for check in checks)
    record = {
        **_required(place),
        "at": at.isoformat(),
        "good": good,
        "checks": [asdict(check) for check in checks],
    }
    disk.make_folder(place.stage)
    staged = place.stage / ".probe.json"
    staged.unlink(missing_ok=True)
    with disk.create(staged) as stream:
        stream.write(canonical.dumps(record))
    disk.move(staged, place.stage / "probe.json")
    disk.force_all(place.stage)
    return good


def _required(place: Place) -> dict[str, str | int]:
    """What a finding is about: another server, or a longer retention, has to be tried anew."""
    endpoint = place.bucket.credentials.endpoint if place.bucket else ""
    return {
        "address": place.address,
        "endpoint": endpoint,
        "retention_days": settings.LANTAI_S3_RETENTION_DAYS if place.bucket else 0,
    }


def _is_proved(place: Place) -> bool:
    try:
        record = json.loads((place.stage / "probe.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    required = {**_required(place), "good": True}
    return {name: record.get(name) for name in required} == required


def _place(setting: str, address: str, home: Path) -> Place:
    """Read an address. Raises Unacceptable for one that is none."""
    if not address.startswith("s3:"):
        folder = Path(address)
        return Place(setting, address, folder, None, folder)
    shape = _BUCKET.fullmatch(address.rstrip("/"))
    prefix = (shape[2] or "") if shape else ""
    if not shape or (prefix and (not _PREFIX.fullmatch(prefix) or ".." in prefix)):
        raise Unacceptable(f"{setting}={address} 不是存储的地址；应写作 s3://存储桶/前缀")
    stated = settings.LANTAI_COPY_S3 if setting.endswith("_COPY") else settings.LANTAI_S3
    if not stated["key"] or not stated["secret"]:
        raise Unacceptable(
            f"{setting} 是存储桶，但没有访问密钥；请设置 LANTAI_S3_KEY 和 LANTAI_S3_SECRET"
        )
    name = hashlib.sha256(f"{stated['endpoint']}\n{address}".encode()).hexdigest()[:16]
    credentials = Credentials(
        key=stated["key"],
        secret=stated["secret"],
        endpoint=stated["endpoint"],
        region=stated["region"],
        timeout=settings.LANTAI_S3_TIMEOUT,
    )
    bucket = Bucket(shape[1], prefix, credentials)
    return Place(setting, address, None, bucket, home / "stores" / name)
