"""The files of a batch become scans, one by one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import transaction
from django.db.models import F, Q

from lantai.db import new_uid
from lantai.imaging import audit, checks, folder, queries, rules
from lantai.imaging.folder import Unfit
from lantai.imaging.models import Batch, Finding, Incoming, Item, Quarantined, Scan
from lantai.imaging.rules import BatchState, ItemFault
from lantai.ledger import services as ledger
from lantai.lib.imagery.decode import Unreadable
from lantai.lib.imagery.examine import Examined
from lantai.lib.imagery.faults import Fault
from lantai.lib.refusals import Conflict
from lantai.vault import services as vault
from lantai.vault.models import Blob

# What cannot be read as a page is kept up to this size; a larger file stays in its folder.
_KEPT: Final = 64 * 1024 * 1024
# A workbook is named by what contains it: its own type is longer than the column.
_CATALOGUE_TYPES: Final = {"xml": "application/xml", "xlsx": "application/zip"}


class ClaimLost(Conflict):
    """Somebody else works through the batch now: whoever holds the old claim has to stop."""


@dataclass(frozen=True)
class Outcome:
    """What became of one file, or what keeps a dossier from acceptance.

    ``status`` is accepted or quarantined; ``path`` may be shown.
    """

    path: str
    status: str
    code: str = ""
    sentence: str = ""
    faults: tuple[Fault, ...] = ()


def claim_next(*, at: datetime) -> Batch | None:
    """Take the oldest batch with files to work through that nobody works on; None if none.

    A claim lasts CLAIM_LASTS after the last finished file; then the batch is free again, and
    whoever held it finds it out with the next file (``ClaimLost``).
    """
    free = Q(claimed_at=None) | Q(claimed_at__lt=at - rules.CLAIM_LASTS)
    waiting = Batch.objects.filter(free, state=BatchState.RECEIVING)
    for batch in waiting.order_by("received_at", "pk")[:20]:
        claim = new_uid()
        if waiting.filter(pk=batch.pk, claim=batch.claim).update(claim=claim, claimed_at=at):
            batch.claim, batch.claimed_at = claim, at
            return batch
    return None


def process(
    *, batch: Batch, at: datetime, clock: Callable[[], datetime] | None = None
) -> Iterator[Outcome]:
    """Work through the files of a batch, one transaction and one ledger entry each.

    Can be stopped anywhere and begun again: what is done stays done, nothing is done twice. It
    takes the batch over from whoever worked on it, who then stops with ClaimLost. ``clock`` gives
    the moment of each file; without it all happen at ``at``. When the last file is done each
    dossier is compared with its catalogue and the batch goes to inspection.
    """
    now = clock or (lambda: at)
    claim = new_uid()
    taken = Batch.objects.filter(pk=batch.pk, state=BatchState.RECEIVING)
    if not taken.update(claim=claim, claimed_at=at):
        return
    held = Batch.objects.select_related("operator", "body").get(pk=batch.pk)
    root = queries.folder_of(held)
    waiting = held.incoming.filter(done_at=None).order_by("pk").values_list("pk", flat=True)
    for pk in list(waiting):
        yield _take_file(pk, batch=held, claim=claim, root=root, at=now())
    for item in held.items.filter(checked_at=None).order_by("pk"):
        doubled = checks.doubles(item=item)
        yield from _compare_item(item, doubled, batch=held, claim=claim, at=now())
    _hand_to_inspection(held, claim=claim, at=now())


def _take_file(pk: int, *, batch: Batch, claim: str, root: Path, at: datetime) -> Outcome:
    """Turn one file into a scan, or keep it apart with the sentence why not."""
    incoming = Incoming.objects.select_related("item__batch", "line").get(pk=pk)
    content = None
    try:
        content = folder.read(root, incoming.path)
        _refuse_if_odd(incoming)
        if incoming.is_catalogue:
            return _keep_catalogue(incoming, content, batch=batch, claim=claim, at=at)
        name = incoming.path.rpartition("/")[2]
        examined = checks.measure(content, name=name, norm=batch.norm)
    except Unfit as unfit:
        # What was odd in the listing says more than that it could not be opened either.
        code, sentence = incoming.odd_code or unfit.code, incoming.odd or str(unfit)
    except Unreadable as unreadable:
        code, sentence = unreadable.code, unreadable.sentence
    else:
        return _accept(incoming, content, examined, batch=batch, claim=claim, at=at)
    return _quarantine(
        incoming, content, code=code, sentence=sentence, batch=batch, claim=claim, at=at
    )


def _refuse_if_odd(incoming: Incoming) -> None:
    if incoming.odd:
        raise Unfit(incoming.odd, code=incoming.odd_code)
    if incoming.item is None:
        raise Unfit("不属于任何一份档案，请移入该人的文件夹后重新送入")


@transaction.atomic
def _accept(
    incoming: Incoming,
    content: bytes,
    examined: Examined,
    *,
    batch: Batch,
    claim: str,
    at: datetime,
) -> Outcome:
    _hold(batch, claim=claim, at=at, done=1)
    blob = vault.store(
        content=content,
        media_type=checks.media_type_of(content),
        by=batch.operator.username,
        at=at,
    )
    item = _item_of(incoming)
    scan = checks.enter_scan(
        item=item,
        line=incoming.line,
        number=incoming.number,
        file_name=incoming.path.rpartition("/")[2],
        blob=blob,
        examined=examined,
        by=batch.operator,
        at=at,
    )
    _done(incoming, at=at)
    ledger.record(
        at=at,
        action="imaging.scan.entered",
        actor=batch.operator.username,
        subject=f"batch:{batch.uid}",
        facts={
            "item": item.uid,
            "scan": scan.uid,
            "file": incoming.shown,
            "sha256": blob.sha256,
            "sm3": blob.sm3,
            "bytes": blob.size,
            "device": batch.device,
            "norm": batch.norm,
            "faults": [fault.code for fault in examined.faults],
            "rows": audit.stated_of_scan(scan),
        },
    )
    return Outcome(incoming.shown, "accepted", faults=tuple(examined.faults))


@transaction.atomic
def _keep_catalogue(
    incoming: Incoming, content: bytes, *, batch: Batch, claim: str, at: datetime
) -> Outcome:
    """Keep a catalogue as it came, byte for byte; its lines stand in the database already."""
    _hold(batch, claim=claim, at=at, done=1)
    blob = vault.store(
        content=content,
        media_type=_CATALOGUE_TYPES[incoming.path.rpartition(".")[2]],
        by=batch.operator.username,
        at=at,
    )
    item = _item_of(incoming)
    Item.objects.filter(pk=item.pk).update(catalogue=blob)
    _done(incoming, at=at)
    ledger.record(
        at=at,
        action="imaging.catalogue.kept",
        actor=batch.operator.username,
        subject=f"batch:{batch.uid}",
        facts={
            "item": item.uid,
            "file": incoming.shown,
            "sha256": blob.sha256,
            "sm3": blob.sm3,
            "bytes": blob.size,
            "rows": audit.ITEM.stated(pk=item.pk),
        },
    )
    return Outcome(incoming.shown, "accepted")


@transaction.atomic
def _quarantine(
    incoming: Incoming,
    content: bytes | None,
    *,
    code: str,
    sentence: str,
    batch: Batch,
    claim: str,
    at: datetime,
) -> Outcome:
    _hold(batch, claim=claim, at=at, done=1)
    blob: Blob | None = None
    if content is not None and len(content) <= _KEPT:
        blob = vault.store(
            content=content,
            media_type=checks.media_type_of(content),
            by=batch.operator.username,
            at=at,
        )
    sentence = rules.shown_path(sentence)[:500]
    apart = Quarantined.objects.create(
        batch=batch,
        item=incoming.item,
        path=incoming.shown,
        blob=blob,
        code=code,
        sentence=sentence,
        at=at,
    )
    stated = audit.QUARANTINED.stated(pk=apart.pk)
    if incoming.item and code == rules.DOUBLE:
        double = Finding.objects.create(
            item=incoming.item, code=code, path=incoming.shown, sentence=sentence, blocks=True
        )
        stated += audit.FINDING.stated(pk=double.pk)
    _done(incoming, at=at)
    ledger.record(
        at=at,
        action="imaging.file.quarantined",
        actor=batch.operator.username,
        subject=f"batch:{batch.uid}",
        facts={
            "item": incoming.item.uid if incoming.item else None,
            "file": incoming.shown,
            "sha256": blob.sha256 if blob else None,
            "code": code,
            "sentence": sentence,
            "rows": stated,
        },
    )
    return Outcome(incoming.shown, "quarantined", code=code, sentence=sentence)


@transaction.atomic
def _compare_item(
    item: Item, doubled: list[ItemFault], *, batch: Batch, claim: str, at: datetime
) -> list[Outcome]:
    """Compare a dossier whose files are all done with its catalogue: what blocks it."""
    _hold(batch, claim=claim, at=at, done=0)
    item.batch = batch
    held = checks.compare(item=item, at=at, doubled=doubled)
    item.checked_at = at
    item.save(update_fields=["checked_at"])
    ledger.record(
        at=at,
        action="imaging.item.compared",
        actor=batch.operator.username,
        subject=f"batch:{batch.uid}",
        facts={
            "item": item.uid,
            "images": item.scans.count(),
            "faults": sorted(finding.code for finding in held),
            "rows": audit.stated_of_item(item),
        },
    )
    read = item.findings.filter(compared=False, scan=None, blocks=True).exclude(code=rules.DOUBLE)
    return [_stopped(item, finding) for finding in (*read, *held) if finding.blocks]


def _stopped(item: Item, finding: Finding) -> Outcome:
    """What keeps a dossier from acceptance, told like a file that was kept apart."""
    place = rules.shown_path("/".join(part for part in (item.folder, finding.path) if part))
    return Outcome(place, "quarantined", code=finding.code, sentence=finding.sentence)


@transaction.atomic
def _hand_to_inspection(batch: Batch, *, claim: str, at: datetime) -> None:
    _hold(batch, claim=claim, at=at, done=0)
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.INSPECTION, claim="", claimed_at=None)
    ledger.record(
        at=at,
        action="imaging.batch.processed",
        actor=batch.operator.username,
        subject=f"batch:{batch.uid}",
        facts={
            "scans": Scan.objects.filter(item__batch=batch).count(),
            "quarantined": batch.quarantined.count(),
            "rows": audit.BATCH.stated(pk=batch.pk),
        },
    )


def _hold(batch: Batch, *, claim: str, at: datetime, done: int) -> None:
    """Take the batch's row for this transaction, or stop if somebody else works on it now."""
    held = Batch.objects.filter(pk=batch.pk, claim=claim, state=BatchState.RECEIVING)
    if not held.update(claimed_at=at, files_done=F("files_done") + done):
        raise ClaimLost("该批次已由另一处理进程接手，本进程停止处理")


def _done(incoming: Incoming, *, at: datetime) -> None:
    incoming.done_at = at
    incoming.save(update_fields=["done_at"])


def _item_of(incoming: Incoming) -> Item:
    """The dossier of a file that came this far; one without was refused before."""
    if incoming.item is None:
        raise RuntimeError(f"{incoming.shown} belongs to no dossier")
    return incoming.item
