"""The door: the one way for a person to an image."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core import signing
from django.db import transaction

from lantai.access import originals, queries, rules
from lantai.access.models import Grant, Opening, RefusedAttempt
from lantai.access.rules import PURPOSE_LABELS, Leave, Purpose
from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Dossier, Material, Page
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.ledger import services as ledger
from lantai.ledger.models import Entry
from lantai.lib.imagery.examine import examine
from lantai.lib.imagery.profile import load
from lantai.lib.imagery.tiles import Held, TilePack, TornPack
from lantai.lib.refusals import Conflict, Gone, NotFound, NotPermitted, Unacceptable
from lantai.vault import keys
from lantai.vault import queries as vault
from lantai.vault import services as store

_SALT = "lantai.access.opening"
DESTROYED = "这份档案的密钥已按规定销毁，影像任何人不能再读；目录和办理记录仍可查看"
GONE_DARK = "影像已关闭：调阅时间已到或授权已收回，请重新打开"


@dataclass(frozen=True)
class OpenPage:
    """A page that was opened: what the viewer needs, and the token its tiles are asked with."""

    page: Page
    opening: Opening
    token: str
    width: int
    height: int
    levels: int
    watermark: str


@dataclass(frozen=True)
class Shown:
    """Bytes on their way to the screen."""

    content: bytes
    media_type: str


@transaction.atomic
def grant(
    *,
    user: User,
    dossier: Dossier,
    purpose: Purpose,
    reason: str,
    opens_at: datetime,
    closes_at: datetime,
    by: str,
    at: datetime,
    case: str = "",
    materials: Iterable[Material] = (),
) -> Grant:
    """Give a person leave to open a dossier, or only the named materials of it."""
    if closes_at <= opens_at or closes_at <= at:
        raise Unacceptable("授权的到期时间必须晚于生效时间和现在，请改正")
    if user.person_uid and user.person_uid == dossier.person.uid:
        raise NotPermitted("不得授权本人查阅本人档案")
    named = list(materials)
    given = Grant.objects.create(
        user=user,
        dossier=dossier,
        purpose=purpose,
        case=case,
        reason=reason,
        opens_at=opens_at,
        closes_at=closes_at,
        given_by=by,
        given_at=at,
    )
    given.materials.set(named)
    ledger.record(
        at=at,
        action="access.grant.given",
        actor=by,
        subject=f"dossier:{dossier.uid}",
        facts={
            "grant": given.uid,
            "user": user.username,
            "purpose": purpose.value,
            "case": case,
            "reason": reason,
            "materials": [material.uid for material in named],
            "opens_at": opens_at.isoformat(),
            "closes_at": closes_at.isoformat(),
        },
    )
    return given


@transaction.atomic
def give_leave(
    *,
    user: User,
    dossier: Dossier,
    purpose: Purpose,
    reason: str,
    opens_at: datetime,
    closes_at: datetime,
    materials: Iterable[Material],
    by: User,
    at: datetime,
) -> Grant:
    """Give somebody else leave, on an approved request; cases give theirs by ``grant``."""
    identity.require(Act.GRANT_ACCESS, by=by, at=at, body=dossier.body)
    if user.pk == by.pk:
        raise NotPermitted("不得给本人授权，请由其他经办人办理")
    if not reason.strip():
        raise Unacceptable("请填写查阅事由")
    return grant(
        user=user,
        dossier=dossier,
        purpose=purpose,
        reason=reason.strip()[:120],
        opens_at=opens_at,
        closes_at=closes_at,
        by=by.username,
        at=at,
        materials=materials,
    )


@transaction.atomic
def revoke(*, grant_uid: str, reason: str, by: User, at: datetime) -> Grant:
    """Take leave back at once; an open viewer goes dark with its next tile."""
    identity.require(Act.REVOKE_ACCESS, by=by, at=at)
    found = Grant.objects.select_for_update().filter(uid=grant_uid).first()
    if found is None:
        raise NotFound("没有这项授权")
    return _close(found, reason=reason, by=by.username, at=at)


@transaction.atomic
def close_for_case(*, case: str, reason: str, by: str, at: datetime) -> None:
    """Take back all leave given for a case; harmless when none is open."""
    for found in Grant.objects.select_for_update().filter(case=case, revoked_at=None):
        _close(found, reason=reason, by=by, at=at)


@transaction.atomic
def open_strip(*, dossier: Dossier, by: User, at: datetime, address: str) -> str:
    """Open the thumbnails of a dossier and return the token they are asked with."""
    identity.require(Act.OPEN_PAGE, by=by, at=at)
    leave = _leave(dossier=dossier, material=None, by=by, at=at)
    opening = Opening.objects.create(grant=leave, page=None, by=by, at=at, address=address)
    _record(opening, dossier=dossier, page=None)
    return signing.dumps({"o": opening.pk, "d": dossier.pk}, salt=_SALT)


@transaction.atomic
def open_page(*, page: Page, by: User, at: datetime, address: str) -> OpenPage:
    """Open one page for a person: recorded first, shown after.

    Raises NotPermitted with every reason why not.
    """
    identity.require(Act.OPEN_PAGE, by=by, at=at)
    dossier = page.material.dossier
    leave = _leave(dossier=dossier, material=page.material, by=by, at=at)
    opening = Opening.objects.create(grant=leave, page=page, by=by, at=at, address=address)
    _record(opening, dossier=dossier, page=page)
    pack = tile_pack(sha256=page.blob.sha256)
    return OpenPage(
        page=page,
        opening=opening,
        token=signing.dumps({"o": opening.pk, "p": page.pk}, salt=_SALT),
        width=pack.width,
        height=pack.height,
        levels=pack.levels,
        watermark=f"{by.name} {by.username} {identity.office_clock(at)}",
    )


@transaction.atomic
def confirm_original(*, page: Page, by: User, at: datetime, address: str) -> Entry:
    """Read a page's master now, hold it against its row and the log, record what was found.

    Nothing of the image is shown, so whoever may see the catalogue may ask, and whoever has leave
    to open the material; nobody of the own dossier. What does not agree is recorded as well and is
    an incident for the caller to report: ``facts["agrees"]`` is False, nothing is raised.
    """
    dossier = page.material.dossier
    if by.person_uid and by.person_uid == dossier.person.uid:
        raise NotPermitted("不得查阅本人档案；如需证明，请到窗口申请出具")
    try:
        identity.require(Act.VIEW_CATALOGUE, by=by, at=at, body=dossier.body)
    except NotPermitted:
        identity.require(Act.OPEN_PAGE, by=by, at=at)
        _leave(dossier=dossier, material=page.material, by=by, at=at)
    else:
        if dossiers.is_secret(material=page.material):
            _leave(dossier=dossier, material=page.material, by=by, at=at)
    _refuse_destroyed(dossier)
    try:
        content: bytes | None = vault.read(page.blob.sha256)
    except vault.Damaged:
        content = None  # told among the differences
    word = originals.word_on(page=page)
    different = originals.differences(page=page, content=content, word=word)
    return ledger.record(
        at=at,
        action=originals.CONFIRMED,
        actor=by.username,
        subject=f"dossier:{dossier.uid}",
        facts={
            "page": page.uid,
            "agrees": not different,
            "differences": list(different),
            "sha256": page.blob.sha256,
            "found_sha256": hashlib.sha256(content).hexdigest() if content is not None else None,
            "bytes": len(content) if content is not None else None,
            "entry": f"{word.entry.stream}/{word.entry.index}" if word.entry else None,
            "address": address,
        },
        stream="access",
    )


def tile(*, token: str, level: int, column: int, row: int, by: User, at: datetime) -> Shown:
    """Return one tile of an opened page; dark once the time is over or the leave is taken back."""
    opening = _opening(token, by=by, at=at, lasts_page=True)
    _refuse_destroyed(opening.grant.dossier)
    if opening.page is None or not _still_shows(opening.grant, opening.page.material):
        raise NotPermitted(GONE_DARK)
    try:
        sha256 = opening.page.blob.sha256
        content = tile_of(sha256=sha256, level=level, column=column, row=row)
    except (KeyError, IndexError) as missing:
        raise NotFound("没有这一块影像") from missing
    return Shown(content, "image/jpeg")


def thumbnail(*, token: str, page: Page, by: User, at: datetime) -> Shown:
    """Return the thumbnail of a page of an opened dossier."""
    opening = _opening(token, by=by, at=at, lasts_page=False)
    if page.material.dossier_id != opening.grant.dossier_id:
        raise NotFound("没有这一页")
    _refuse_destroyed(opening.grant.dossier)
    allowed = set(opening.grant.materials.values_list("pk", flat=True))
    if allowed and page.material_id not in allowed:
        raise NotPermitted("授权范围不包括这份材料；如确需查阅，请申请扩大范围")
    if not _still_shows(opening.grant, page.material):
        raise NotPermitted(rules.SECRET)
    return Shown(thumbnail_of(sha256=page.blob.sha256), "image/jpeg")


def master_for_evidence(*, page: Page) -> bytes:
    """Return a page's master for freezing evidence; what goes out is recorded by the freezing.

    Raises NotPermitted for secret material: it does not go out in a bundle.
    """
    if dossiers.is_secret(material=page.material):
        raise NotPermitted(f"{page} 属涉密材料，不随证据包带出；请按涉密材料的规定单独办理")
    return master_for_digests(page=page)


def master_for_digests(*, page: Page) -> bytes:
    """Return a page's master to hold it against its digests; it goes nowhere. Raises Gone."""
    _refuse_destroyed(page.material.dossier)
    return vault.read(page.blob.sha256)


def tile_pack(*, sha256: str) -> TilePack:
    """Return the tiles of a master, made again if they are lost or torn.

    For whoever has already recorded the look. Raises vault.queries.Damaged, an incident.
    """
    kept = vault.derivative(sha256, "tiles.pack")
    if kept is not None:
        try:
            return TilePack(kept)
        except (TornPack, vault.Torn):
            pass  # a derivative is made again below, from the master that is still whole
    return TilePack(Held(_made_again(sha256, "tiles.pack")))


def tile_of(*, sha256: str, level: int, column: int, row: int) -> bytes:
    """Return one tile of a master as JPEG; the pack is made again if this part of it is torn.

    For whoever has already recorded the look. Raises KeyError for a level and IndexError for a
    place that does not exist; vault.queries.Damaged, an incident.
    """
    try:
        return tile_pack(sha256=sha256).tile(level, column, row)
    except (TornPack, vault.Torn):
        return TilePack(Held(_made_again(sha256, "tiles.pack"))).tile(level, column, row)


def thumbnail_of(*, sha256: str) -> bytes:
    """Return the thumbnail of a master as JPEG, made again if it is lost or torn."""
    kept = vault.derivative(sha256, "thumbnail.jpg")
    if kept is not None:
        try:
            return kept.whole()
        except vault.Torn:
            pass  # made again below
    return _made_again(sha256, "thumbnail.jpg")


@transaction.atomic
def note_refused(*, by: str, what: str, reasons: Iterable[str], at: datetime) -> RefusedAttempt:
    """Record an attempt that was refused, after its own transaction was rolled back."""
    listed = list(reasons)
    attempt = RefusedAttempt.objects.create(
        by=by, what=what[:120], reasons="\n".join(listed), at=at
    )
    ledger.record(
        at=at,
        action="access.attempt.refused",
        actor=by,
        subject=f"attempt:{attempt.pk}",
        facts={"what": what, "reasons": listed},
        stream="access",
    )
    return attempt


def _leave(*, dossier: Dossier, material: Material | None, by: User, at: datetime) -> Grant:
    """The grant that opens a material, or the strip. Raises NotPermitted with all reasons."""
    leave = queries.leave_for(user=by, dossier=dossier, material=material, at=at)
    objections = rules.objections_to_opening(
        leave=_plain(leave) if leave else None,
        user=by.pk,
        user_is_subject=bool(by.person_uid) and by.person_uid == dossier.person.uid,
        dossier=dossier.pk,
        material=material.pk if material else None,
        secret=material is not None and dossiers.is_secret(material=material),
        at=at,
    )
    if leave is None or objections:
        raise NotPermitted(*objections)
    _refuse_destroyed(dossier)
    return leave


def _refuse_destroyed(dossier: Dossier) -> None:
    """Raise Gone where the key of a dossier was destroyed: nobody reads it any more."""
    if keys.is_destroyed(settings.LANTAI_HOME, dossier.uid):
        raise Gone(DESTROYED)


def _still_shows(leave: Grant, material: Material) -> bool:
    """Whether leave that opened a material still does, should it have become secret since."""
    if not dossiers.is_secret(material=material):
        return True
    named = leave.materials.filter(pk=material.pk).exists()
    return named and leave.given_by != leave.user.username


def _plain(leave: Grant) -> Leave:
    return Leave(
        user=leave.user_id,
        dossier=leave.dossier_id,
        materials=frozenset(leave.materials.values_list("pk", flat=True)),
        opens_at=leave.opens_at.astimezone(identity.OFFICE_TIME),
        closes_at=leave.closes_at.astimezone(identity.OFFICE_TIME),
        revoked=leave.revoked_at is not None,
        given_by_another=leave.given_by != leave.user.username,
    )


def _opening(token: str, *, by: User, at: datetime, lasts_page: bool) -> Opening:
    """Find the opening a token speaks of, for the person it was given to, while it lasts."""
    try:
        said = signing.loads(token, salt=_SALT)
    except signing.BadSignature as forged:
        raise NotPermitted(GONE_DARK) from forged
    opening: Opening | None = (
        Opening.objects.select_related("grant__dossier", "page__blob", "page__material")
        .filter(pk=said["o"], by=by, page__isnull=not lasts_page)
        .first()
    )
    lasts = rules.OPENING_LASTS if lasts_page else rules.STRIP_LASTS
    if opening is None or at >= opening.at + lasts:
        raise NotPermitted(GONE_DARK)
    leave = opening.grant
    if leave.revoked_at is not None or at >= leave.closes_at:
        raise NotPermitted(GONE_DARK)
    return opening


def _made_again(sha256: str, kind: str) -> bytes:
    """Make a derivative from its master and keep it in the place of the lost or torn one."""
    examined = examine(vault.read(sha256), name="", profile=load())
    content = examined.pack if kind == "tiles.pack" else examined.thumbnail
    store.keep_derivative(sha256=sha256, kind=kind, content=content, ring=vault.ring_of(sha256))
    return content


def _record(opening: Opening, *, dossier: Dossier, page: Page | None) -> None:
    purpose = PURPOSE_LABELS[Purpose(opening.grant.purpose)]
    ledger.record(
        at=opening.at,
        action="access.page.opened" if page else "access.strip.opened",
        actor=opening.by.username,
        subject=f"dossier:{dossier.uid}",
        facts={
            "opening": opening.uid,
            "grant": opening.grant.uid,
            "case": opening.grant.case,
            "purpose": purpose,
            "page": page.uid if page else None,
            "sha256": page.blob.sha256 if page else None,
            "address": opening.address,
        },
        stream="access",
    )


def _close(found: Grant, *, reason: str, by: str, at: datetime) -> Grant:
    if found.revoked_at is not None:
        raise Conflict("这项授权已经收回，无需重复操作")
    found.revoked_at, found.revoked_by = at, by
    found.save(update_fields=["revoked_at", "revoked_by"])
    ledger.record(
        at=at,
        action="access.grant.revoked",
        actor=by,
        subject=f"dossier:{found.dossier.uid}",
        facts={"grant": found.uid, "reason": reason},
    )
    return found
