"""Keep bytes, and let them go. Storing is open to all above; reading is not (``vault.queries``)."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction

from lantai.ledger import services as ledger
from lantai.vault import files, placed
from lantai.vault.audit import ACTIONS
from lantai.vault.keys import Ring
from lantai.vault.models import Blob, Movement, Placement
from lantai.vault.placed import CLOSED

_SUBJECT = "store:masters"


@transaction.atomic
def store(
    *, content: bytes, media_type: str, by: str, at: datetime, ring: Ring = Ring.PRESERVATION
) -> Blob:
    """Keep a master byte for byte and return its row; storing the same bytes again is harmless.

    The file is durable before the row commits: a crash between the two leaves a file without a
    row, which ``fsck`` reports and the next storing of the same bytes takes up. The caller's
    ledger entry names the digest; storing by itself is not an act of anyone. A master that left
    the vault and is not to be had from a package comes back, which is recorded.

    Raises files.Damaged if something else stands in the master's place; nothing is overwritten.
    Raises keys.KeyMissing, sealing.NotOpened if the key of the store is lost.
    """
    home, sha256 = settings.LANTAI_HOME, hashlib.sha256(content).hexdigest()
    known: Blob | None = Blob.objects.select_for_update().filter(sha256=sha256).first()
    left = known is not None and _way_of(known) in placed.GONE
    if known and not left and _is_whole(home, sha256):
        return known
    if known and _is_in_a_package(sha256):
        return known
    files.write_master(home, sha256, content, suite=settings.LANTAI_SEALING, ring=ring)
    if known:
        if left:
            _moved([known], Movement.Way.RETURNED, by=by, at=at)
        return known
    # Two writers may come with the same bytes; the second takes the first one's row.
    kept: Blob
    kept, _ = Blob.objects.get_or_create(
        sha256=sha256,
        defaults={
            "sm3": hashlib.new("sm3", content).hexdigest(),
            "size": len(content),
            "media_type": media_type,
            "stored_at": at,
            "stored_by": by,
        },
    )
    return kept


def keep_derivative(
    *, sha256: str, kind: str, content: bytes, ring: Ring = Ring.PRESERVATION
) -> None:
    """Keep what was made from a master for showing. It can always be made again."""
    files.write_derivative(
        settings.LANTAI_HOME, sha256, kind, content, suite=settings.LANTAI_SEALING, ring=ring
    )


@transaction.atomic
def place(
    *,
    object_id: str,
    images: Mapping[str, str],
    at: datetime,
    ring: Ring = Ring.PRESERVATION,
) -> int:
    """Enter where in a package masters stand: content path → SHA-256; return how many are new.

    Harmless if they are entered already. The caller's entry acknowledges the package; this by
    itself is not an act of anyone, and nothing is believed of it that is not read and compared.

    Raises KeyError for a digest that has no row.
    """
    blobs = Blob.objects.in_bulk(set(images.values()), field_name="sha256")
    known = set(
        Placement.objects.filter(object_id=object_id, ring=ring).values_list(
            "content_path", flat=True
        )
    )
    fresh = [
        Placement(blob=blobs[sha256], object_id=object_id, content_path=path, ring=ring, at=at)
        for path, sha256 in images.items()
        if path not in known
    ]
    Placement.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


@dataclass(frozen=True)
class Released:
    """Which masters left the vault, and why the others stay (a sentence by digest)."""

    released: tuple[str, ...]
    stays: Mapping[str, str]


def release(
    *,
    sha256s: Iterable[str],
    by: str,
    at: datetime,
    single_copy: bool = False,
) -> Released:
    """Take away the vault's own files of masters that their packages hold; record it.

    For each the package's file has just been read and is the master; so has the one in the second
    copy of the store. Where none is configured, ``single_copy`` has to say that one is enough.
    Stopped on the way it is carried on by the next call: rows first, then the files.
    """
    stays: dict[str, str] = {}
    going = []
    for sha256 in dict.fromkeys(sha256s):
        objection = _objection(sha256, single_copy=single_copy)
        if objection:
            stays[sha256] = objection
        else:
            going.append(sha256)
    _leave(going, Movement.Way.RELEASED, by=by, at=at)
    return Released(tuple(going), stays)


def shred(*, sha256s: Iterable[str], by: str, at: datetime) -> tuple[str, ...]:
    """Destroy the vault's own files of masters whose package nobody reads any more; record it.

    For masters that belong to no other dossier: the caller knows. What a package whose key still
    exists holds is not touched. Derivatives go too. Return the digests of what went.
    """
    going = [sha256 for sha256 in dict.fromkeys(sha256s) if not placed.is_given(sha256)]
    _leave(going, Movement.Way.SHREDDED, by=by, at=at)
    return tuple(going)


@transaction.atomic
def take_back(*, sha256s: Iterable[str], object_id: str, by: str, at: datetime) -> tuple[str, ...]:
    """Bring masters back into the vault that nothing but one package gives, before its key goes.

    What has a whole file of its own, or is read from another package, stays as it is. Return the
    digests of what came back; record them. Raises files.Damaged for a master that is whole
    nowhere, OSError, keys.KeyMissing, sealing.NotOpened.
    """
    home, suite = settings.LANTAI_HOME, settings.LANTAI_SEALING
    listed = Blob.objects.select_for_update().filter(sha256__in=list(sha256s)).order_by("sha256")
    back = []
    for blob in listed:
        left = _way_of(blob) in placed.GONE
        if (not left and _is_whole(home, blob.sha256)) or _is_read_beside(object_id, blob.sha256):
            continue
        content = placed.whole_in_packages(blob.sha256)
        if content is None:
            raise files.Damaged(
                f"影像母本 {blob.sha256[:12]} 另有档案使用，却没有一处读得出来；请先从备份中恢复"
            )
        put = files.replace_master if files.stands(home, blob.sha256) else files.write_master
        put(home, blob.sha256, content, suite=suite, ring=placed.ring_of(blob.sha256))
        if left:
            back.append(blob)
    if back:
        _moved(back, Movement.Way.RETURNED, by=by, at=at)
    return tuple(blob.sha256 for blob in back)


def reseal(*, sha256s: Iterable[str], ring: Ring) -> None:
    """Seal the vault's own files of some masters under the key of another ring.

    What was made from them goes: it is made again. Stopped on the way, this is done again.
    The caller's entry says why. Raises files.Damaged, OSError, and what placed.CLOSED names.
    """
    home, suite = settings.LANTAI_HOME, settings.LANTAI_SEALING
    for sha256 in sha256s:
        if files.stands(home, sha256):
            files.seal_master(home, sha256, suite=suite, ring=ring)
        files.remove_derivatives(home, sha256)


@dataclass(frozen=True)
class Repaired:
    """What a repair did: paths below the data directory, and digests of masters."""

    swept: tuple[str, ...]
    made_read_only: tuple[str, ...]
    sealed: tuple[str, ...]
    taken_away: tuple[str, ...]
    mended: tuple[str, ...]


def repair(*, by: str, at: datetime) -> Repaired:
    """Sweep what stopped writers left, make every master read-only and sealed; record it if any.

    A damaged master is put back from a package that has it whole, and only from there. A master
    whose leaving was stopped goes, if it may still. A plain derivative is swept: it is made again.
    Otherwise neither a master nor a file of unknown origin is touched.
    """
    home = settings.LANTAI_HOME
    swept, reset, sealed = [], [], []
    for path in [*files.leftovers(home), *files.plain_derivatives(home)]:
        path.unlink(missing_ok=True)
        swept.append(str(path.relative_to(home)))
    for path in files.masters(home):
        if path.stat().st_mode & 0o777 != files.MASTER_MODE:
            path.chmod(files.MASTER_MODE)
            reset.append(str(path.relative_to(home)))
        if _is_a_plain_master(home, path.name):
            files.seal_master(home, path.name, suite=settings.LANTAI_SEALING)
            sealed.append(path.name)
    mended = tuple(sha256 for sha256 in list(placed.releasable()) if _put_back(sha256))
    done = Repaired(tuple(swept), tuple(reset), tuple(sealed), _finish_leaving(), mended)
    _tell(done, by=by, at=at)
    return done


def mend(*, sha256: str, by: str, at: datetime) -> bool:
    """Put a master's damaged file back from a package that has it whole; record it if so."""
    mended = (sha256,) if _put_back(sha256) else ()
    _tell(Repaired((), (), (), (), mended), by=by, at=at)
    return bool(mended)


@transaction.atomic
def _tell(done: Repaired, *, by: str, at: datetime) -> None:
    """Record a repair that did anything."""
    facts = {name: list(listed) for name, listed in asdict(done).items()}
    if any(facts.values()):
        ledger.record(at=at, action="vault.store.repaired", actor=by, subject=_SUBJECT, facts=facts)


def _is_a_plain_master(home: Path, sha256: str) -> bool:
    """Is there an older plain file, and is it whole? What cannot be read is named by fsck."""
    try:
        return not files.is_sealed(home, sha256) and files.digest_of(home, sha256) == sha256
    except OSError:
        return False


def _objection(sha256: str, *, single_copy: bool) -> str:
    """Why a master has to stay; an empty text if it may go."""
    objection = "还没有归档，只有影像库中的这一份"
    for place in Placement.objects.filter(blob__sha256=sha256).order_by("-pk"):
        objection = _objection_at(place, sha256, single_copy=single_copy)
        if not objection:
            break
    return objection


def _objection_at(place: Placement, sha256: str, *, single_copy: bool) -> str:
    """Why what stands at one place is not enough for the vault to let its own file go."""
    copy = placed.copy_of(place.ring)
    if copy is None and not single_copy:
        return "没有配置第二份副本，撤出后归档包就是唯一的一份"
    stores = {"归档包": placed.store_of(place.ring)} | ({"第二份副本": copy} if copy else {})
    for name, held in stores.items():
        try:
            same = placed.digest_in(place, held) == sha256
        except (OSError, *CLOSED) as closed:
            return f"{name}中读不出来：{closed}"
        if not same:
            return f"{name}中的内容不是这份母本"
    return ""


def _is_read_beside(object_id: str, sha256: str) -> bool:
    """Is a master read from a package other than this one?"""
    others = Placement.objects.filter(blob__sha256=sha256).exclude(object_id=object_id)
    return any(not _objection_at(place, sha256, single_copy=True) for place in others)


def _is_in_a_package(sha256: str) -> bool:
    try:
        return placed.digest_in_packages(sha256) == sha256
    except (OSError, *CLOSED):
        return False


def _leave(sha256s: list[str], way: Movement.Way, *, by: str, at: datetime) -> None:
    """Say that masters leave, then take their files away; who has left before is not told again.

    The rows are certain before a file goes: stopped between, the next call takes the file.
    """
    with transaction.atomic():
        listed = Blob.objects.select_for_update().filter(sha256__in=sha256s).order_by("sha256")
        blobs = [blob for blob in listed if _way_of(blob) != way]
        if blobs:
            _moved(blobs, way, by=by, at=at)
        transaction.on_commit(partial(_take_away, sha256s, way))


def _take_away(sha256s: list[str], way: Movement.Way) -> None:
    """Take away the files of masters that went this way, unless they came back meanwhile."""
    home = settings.LANTAI_HOME
    with transaction.atomic():
        listed = Blob.objects.select_for_update().filter(sha256__in=sha256s).order_by("sha256")
        for blob in listed:
            if _way_of(blob) == way:
                files.remove_master(home, blob.sha256)
                if way == Movement.Way.SHREDDED:
                    files.remove_derivatives(home, blob.sha256)


def _moved(blobs: list[Blob], way: Movement.Way, *, by: str, at: datetime) -> None:
    Movement.objects.bulk_create(Movement(blob=blob, way=way, by=by, at=at) for blob in blobs)
    ledger.record(
        at=at,
        action=ACTIONS[way],
        actor=by,
        subject=_SUBJECT,
        facts={"masters": [blob.sha256 for blob in blobs]},
    )


def _way_of(blob: Blob) -> str:
    last = blob.movements.order_by("-pk").first()
    return str(last.way) if last else ""


def _put_back(sha256: str) -> bool:
    """Put a damaged file of the vault's own right from a package that has it whole."""
    home, suite = settings.LANTAI_HOME, settings.LANTAI_SEALING
    if not files.stands(home, sha256) or _is_whole(home, sha256):
        return False
    content = placed.whole_in_packages(sha256)
    if content is None:
        return False
    files.replace_master(home, sha256, content, suite=suite, ring=placed.ring_of(sha256))
    return True


def _is_whole(home: Path, sha256: str) -> bool:
    try:
        return files.digest_of(home, sha256) == sha256
    except (OSError, *CLOSED):
        return False


def _finish_leaving() -> tuple[str, ...]:
    """Take away the files of masters that have left and whose files still stand."""
    home = settings.LANTAI_HOME
    standing = [
        (blob.sha256, blob.way)
        for blob in placed.with_ways().filter(way__in=placed.GONE).order_by("sha256")
        if files.stands(home, blob.sha256)
    ]
    gone = []
    for sha256, way in standing:
        # What has left for its package is only dropped while the package gives it.
        if way == Movement.Way.SHREDDED or _is_in_a_package(sha256):
            _take_away([sha256], Movement.Way(way))
            gone.append(sha256)
    return tuple(gone)
