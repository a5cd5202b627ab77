"""What a page's master has to be: as its row says, and as the log said when the page came."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from lantai.dossiers.models import Page
from lantai.ledger import queries as ledger
from lantai.ledger.models import Entry, OpeningDestroyed
from lantai.ledger.queries import LogDamaged, NotYetSealed
from lantai.lib.tlog import leaf as leaves
from lantai.lib.tlog.leaf import LeafFault

CONFIRMED: Final = "access.original.confirmed"
_STATING: Final = ("dossiers.dossier.entered", "dossiers.material.added")


@dataclass(frozen=True)
class Word:
    """The log's word on a page: the entry that brought it, the digest it gives, what is wrong."""

    entry: Entry | None
    sha256: str
    faults: tuple[str, ...]


def word_on(*, page: Page) -> Word:
    """Find what the log says of a page and hold the entry against its leaf and its proof."""
    destroyed = False
    for entry in _stating(page):
        try:
            said = _page_in(entry.facts, page)
        except OpeningDestroyed:
            destroyed = True
            continue
        if said is not None:
            return Word(entry, str(said["sha256"]), tuple(_faults_of(entry)))
    if destroyed:
        return Word(None, "", ("日志中记载本页的内容已按规定销毁，无从比对",))
    return Word(None, "", ("日志中没有本页的来历",))


def differences(*, page: Page, content: bytes | None, word: Word) -> tuple[str, ...]:
    """Every way in which master, row and log do not agree; none means the page is as it came."""
    found = list(word.faults)
    if content is None:
        found.append("影像母本缺失、读不出来或与入库时不一致")
    elif hashlib.sha256(content).hexdigest() != page.blob.sha256:
        found.append("影像母本的摘要与数据库登记的不同")
    if word.entry is not None and word.sha256 != page.blob.sha256:
        found.append("数据库登记的摘要与日志所载的不同")
    if content is not None and len(content) != page.blob.size:
        found.append("影像母本的字节数与数据库登记的不同")
    return tuple(found)


def confirmation(*, index: int) -> Entry | None:
    """A confirmation that was recorded, by its place in the access stream."""
    return ledger.entries(stream="access", action=CONFIRMED).filter(index=index).first()


def confirmed_page(*, uid: str) -> Page | None:
    """The page a confirmation speaks of."""
    return (
        Page.objects.select_related("blob", "material__dossier__person", "material__dossier__body")
        .filter(uid=uid)
        .first()
    )


def _stating(page: Page) -> list[Entry]:
    subject = f"dossier:{page.material.dossier.uid}"
    found = ledger.entries(stream="records", subject=subject).filter(action__in=_STATING)
    return list(found.order_by("index"))


def _page_in(facts: dict[str, Any], page: Page) -> dict[str, Any] | None:
    return next((said for said in facts["manifest"] if said["page"] == page.uid), None)


def _faults_of(entry: Entry) -> list[str]:
    """What is wrong with an entry: its opening, its proof. Not sealed yet is no fault."""
    place = f"日志 {entry.stream} 第 {entry.index} 条"
    found = []
    opening = entry.opening
    try:
        leaves.check_opening(
            leaves.read(bytes(entry.leaf)),
            field="body",
            field_salt=leaves.derived_salt(bytes(opening.salt), "body"),
            content=opening.body,
        )
    except LeafFault:
        found.append(f"{place}的内容与它的承诺不符")
    try:
        ledger.sealed(entry)
    except NotYetSealed:
        pass  # the next signature covers it
    except LogDamaged as damage:
        found.append(str(damage))
    return found
