"""A dossier's key is destroyed: one person asks, another confirms, then nobody reads it again.

What is sealed under the key is lost, in the store and in every copy of it. Backups of keys have
their own time to be kept; ``keys.put_back`` brings a destroyed key back from none of them.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from lantai.access import queries as access
from lantai.dossiers.models import Dossier, Page
from lantai.dossiers.rules import State
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.ledger import services as ledger
from lantai.lib.refusals import Conflict, NotFound, NotPermitted, Unacceptable
from lantai.lib.sealing import NotOpened
from lantai.preservation import audit
from lantai.preservation.models import KeyDestruction
from lantai.vault import keys, packages
from lantai.vault import services as vault
from lantai.vault.files import Damaged

_STOPPING: Final = (OSError, Damaged, keys.KeyMissing, NotOpened)


@transaction.atomic
def ask(*, dossier_uid: str, reason: str, by: User, at: datetime) -> KeyDestruction:
    """Ask that the key of a dossier be destroyed; nothing changes until another confirms it.

    Raises NotFound, NotPermitted, Unacceptable without a reason, Conflict where there is nothing
    to destroy or it cannot be now.
    """
    dossier = (
        Dossier.objects.select_for_update(of=("self",))
        .select_related("body", "person")
        .filter(uid=dossier_uid)
        .first()
    )
    if dossier is None:
        raise NotFound("没有这份档案")
    identity.require(Act.ASK_KEY_DESTROYED, by=by, at=at, body=dossier.body)
    if by.person_uid and by.person_uid == dossier.person.uid:
        raise NotPermitted("不得申请销毁本人档案的密钥，请由其他档案管理员办理")
    if not reason.strip():
        raise Unacceptable("请填写销毁依据（批准文号、鉴定意见或法律条款）")
    if objections := [*_settled_before(dossier), *_in_use(dossier, at=at)]:
        raise Conflict(*objections)
    asked = KeyDestruction.objects.create(
        dossier=dossier,
        reason=reason.strip()[:200],
        images=Page.objects.filter(material__dossier=dossier).count(),
        asked_by=by,
        asked_at=at,
    )
    _record("preservation.key_destruction.asked", asked, by=by, at=at)
    return asked


@transaction.atomic
def withdraw(*, request: str, by: User, at: datetime) -> KeyDestruction:
    """Take back what was asked for, while nobody has settled it."""
    asked = _waiting(request)
    if asked.asked_by_id != by.pk:
        raise NotPermitted("只有申请人本人可以撤回销毁申请")
    _settle(asked, KeyDestruction.Outcome.WITHDRAWN, note="", by=by, at=at)
    _record("preservation.key_destruction.withdrawn", asked, by=by, at=at)
    return asked


@transaction.atomic
def settle(*, request: str, outcome: str, note: str, by: User, at: datetime) -> KeyDestruction:
    """Confirm what somebody else asked for, and the key is destroyed; or decline it.

    The key goes once the confirmation is certain. Stopped between the two, ``carry_out_waiting``
    carries it on.
    """
    asked = _waiting(request)
    identity.require(Act.CONFIRM_KEY_DESTROYED, by=by, at=at, body=asked.dossier.body)
    if by.pk == asked.asked_by_id:
        raise NotPermitted("不得审核本人提出的销毁申请，请由其他安全保密员办理")
    if by.person_uid and by.person_uid == asked.dossier.person.uid:
        raise NotPermitted("不得审核销毁本人档案密钥的申请，请由其他安全保密员办理")
    if outcome not in {KeyDestruction.Outcome.CONFIRMED, KeyDestruction.Outcome.DECLINED}:
        raise Unacceptable("请选择同意或不同意")
    confirmed = outcome == KeyDestruction.Outcome.CONFIRMED
    if not confirmed and not note.strip():
        raise Unacceptable("不同意请写明理由")
    if confirmed and (objections := list(_in_use(asked.dossier, at=at))):
        raise Conflict(*objections)
    _settle(asked, outcome, note=note.strip()[:200], by=by, at=at)
    _record("preservation.key_destruction.settled", asked, by=by, at=at)
    if confirmed:
        # What fails here is told in the log of the program and is carried on by the worker.
        transaction.on_commit(lambda: carry_out(request=asked.uid, at=at), robust=True)
    return asked


def carry_out(*, request: str, at: datetime) -> KeyDestruction:
    """Destroy the key of a confirmed request and the vault's own images; harmless when repeated.

    What another dossier has too, and only this one's package gives, comes back into the vault
    first. Raises NotFound for a request that is not confirmed, and _STOPPING: then the key stands.
    """
    found = (
        KeyDestruction.objects.select_related("dossier", "settled_by", "asked_by")
        .filter(uid=request, outcome=KeyDestruction.Outcome.CONFIRMED)
        .first()
    )
    if found is None or found.settled_by is None:
        raise NotFound("没有这项已经同意的销毁申请")
    if found.destroyed_at is not None:
        return found
    uid, by = found.dossier.uid, found.settled_by.username
    own = _own_masters(found.dossier)
    if not keys.is_destroyed(settings.LANTAI_HOME, uid):
        shared = _masters(found.dossier) - set(own)
        vault.take_back(sha256s=sorted(shared), object_id=packages.object_id(uid), by=by, at=at)
    keys.destroy(settings.LANTAI_HOME, uid)
    vault.shred(sha256s=own, by=by, at=at)
    return _acknowledge(found, at=at)


def carry_out_waiting(*, at: datetime) -> list[str]:
    """Carry on what was confirmed and stopped before the key was gone; return the dossiers.

    One that fails keeps no other from it; the first failure is raised when all were tried.
    """
    waiting = KeyDestruction.objects.filter(
        outcome=KeyDestruction.Outcome.CONFIRMED, destroyed_at=None
    ).order_by("settled_at", "pk")
    done, failed = [], list[Exception]()
    for each in waiting:
        try:
            done.append(carry_out(request=each.uid, at=at).dossier.uid)
        except _STOPPING as failure:
            failed.append(failure)
    if failed:
        raise failed[0]
    return done


def _settled_before(dossier: Dossier) -> Iterator[str]:
    """Why there is nothing to ask for."""
    if dossier.key_destructions.filter(outcome=KeyDestruction.Outcome.CONFIRMED).exists():
        yield "这份档案的密钥已经销毁，无需重复申请"
    elif dossier.key_destructions.filter(settled_at=None).exists():
        yield "这份档案已有待审核的销毁申请，请等待安全保密员审核"
    elif not keys.has_key(settings.LANTAI_HOME, dossier.uid):
        yield "这份档案还没有归档到保存库，没有档案密钥可销毁；请先归档"


def _in_use(dossier: Dossier, *, at: datetime) -> Iterator[str]:
    """Why the dossier is still needed. A case that is worked on keeps leave in force."""
    if dossier.state == State.OUT_REVIEW:
        yield "档案实体正在出库，业务没有办完，现在不能销毁密钥；请待归还后再办"
    if leave := access.grants_in_force(at=at).filter(dossier=dossier).count():
        yield f"这份档案有 {leave} 项调阅授权尚未到期，业务没有办完；请待办结或收回授权后再办"


def _waiting(uid: str) -> KeyDestruction:
    asked = (
        KeyDestruction.objects.select_for_update(of=("self",))
        .select_related("dossier__person", "dossier__body", "asked_by")
        .filter(uid=uid)
        .first()
    )
    if asked is None:
        raise NotFound("没有这项销毁申请，请刷新后重新选择")
    if asked.settled_at is not None:
        raise Conflict("这项销毁申请已经办结，无需重复操作")
    return asked


def _settle(asked: KeyDestruction, outcome: str, *, note: str, by: User, at: datetime) -> None:
    asked.outcome, asked.note = outcome, note
    asked.settled_by, asked.settled_at = by, at
    asked.save(update_fields=["outcome", "note", "settled_by", "settled_at"])


def _masters(dossier: Dossier) -> set[str]:
    pages = Page.objects.filter(material__dossier=dossier)
    return set(pages.values_list("blob__sha256", flat=True))


def _own_masters(dossier: Dossier) -> list[str]:
    """The masters of a dossier that are a page of no other."""
    held = _masters(dossier)
    others = Page.objects.exclude(material__dossier=dossier).filter(blob__sha256__in=held)
    return sorted(held - set(others.values_list("blob__sha256", flat=True)))


@transaction.atomic
def _acknowledge(found: KeyDestruction, *, at: datetime) -> KeyDestruction:
    held = (
        KeyDestruction.objects.select_for_update(of=("self",))
        .select_related("dossier", "settled_by")
        .get(pk=found.pk)
    )
    if held.destroyed_at is None and held.settled_by is not None:
        held.destroyed_at = at
        held.save(update_fields=["destroyed_at"])
        _record("preservation.key.destroyed", held, by=held.settled_by, at=at)
    return held


def _record(action: str, about: KeyDestruction, *, by: User, at: datetime) -> None:
    ledger.record(
        at=at,
        action=action,
        actor=by.username,
        subject=f"dossier:{about.dossier.uid}",
        facts={
            "request": about.uid,
            "reason": about.reason,
            "images": about.images,
            "outcome": about.outcome,
            "note": about.note,
            "rows": audit.DESTRUCTION.stated(pk=about.pk),
        },
    )
