"""Dossiers enter, grow and go out: the verbs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from lantai.dossiers import audit, queries, rules
from lantai.dossiers.models import (
    Custody,
    Dossier,
    Material,
    Page,
    Person,
    SearchToken,
    Secrecy,
)
from lantai.dossiers.rules import State
from lantai.identity import services as identity
from lantai.identity.models import Body, User
from lantai.identity.rules import Act
from lantai.ledger import services as ledger
from lantai.lib import catalogue, search
from lantai.lib.dates import PartialDate
from lantai.lib.refusals import Conflict, NotFound, NotPermitted, Unacceptable
from lantai.vault import services as vault
from lantai.vault.keys import Ring
from lantai.vault.models import Blob


@dataclass(frozen=True)
class NewPage:
    """A page about to be entered: its master and how it was scanned."""

    blob: Blob
    width: int
    height: int
    dpi: int | None
    scanned_by: str
    scanned_at: datetime
    device: str
    norm: str
    batch: str


@dataclass(frozen=True)
class NewMaterial:
    """A catalogue entry about to be entered, with its pages in order."""

    class_code: str
    sequence: int
    title: str
    formed: PartialDate | None
    formed_text: str
    remark: str
    pages: Sequence[NewPage]


@dataclass(frozen=True)
class NewPerson:
    name: str
    sex: str
    ethnic: str
    id_number: str


@dataclass(frozen=True)
class Amendment:
    """What a catalogue entry is to say from now on, and why."""

    title: str
    formed: str
    remark: str
    reason: str


@transaction.atomic
def enter_dossier(
    *,
    person: NewPerson,
    body: Body,
    employer: str,
    paper_sides: int,
    materials: Sequence[NewMaterial],
    by: str,
    at: datetime,
) -> Dossier:
    """Enter a dossier whose images were accepted: person, catalogue, pages, search words."""
    holder = Body.objects.select_for_update().get(pk=body.pk)
    if person.id_number and queries.of_id_number(body=holder, id_number=person.id_number):
        raise Conflict("该公民身份号码在本机构已有档案，请先核对是否重复建档")
    pages = sum(len(material.pages) for material in materials)
    if pages != paper_sides:
        raise Unacceptable(f"影像 {pages} 页与纸质 {paper_sides} 页不一致，请核对后再入库")
    about = Person.objects.create(
        name=person.name, sex=person.sex, ethnic=person.ethnic, id_number=person.id_number
    )
    dossier = Dossier.objects.create(
        person=about,
        body=holder,
        number=queries.next_number(body=holder, year=identity.office_day(at).year),
        state=State.IN_STORE,
        employer=employer,
        paper_sides=paper_sides,
        entered_at=at,
        entered_by=by,
    )
    for material in materials:
        _enter_material(dossier, material)
    _index(dossier)
    ledger.record(
        at=at,
        action="dossiers.dossier.entered",
        actor=by,
        subject=f"dossier:{dossier.uid}",
        facts={
            "person": about.uid,
            "body": holder.code,
            "number": dossier.number,
            "employer": employer,
            "paper_sides": paper_sides,
            "person_sha256": audit.digest_of(about),
            "catalogue": [audit.said_of(entry) for entry in queries.materials_of(dossier=dossier)],
            "manifest": queries.manifest(dossier=dossier),
            "rows": audit.stated_of_dossier(dossier),
        },
    )
    return dossier


@transaction.atomic
def add_material(*, dossier: Dossier, material: NewMaterial, by: str, at: datetime) -> Material:
    """Add a material at the end of its class; nothing imaged before is renumbered."""
    held = Dossier.objects.select_for_update().get(pk=dossier.pk)
    added = _enter_material(held, material)
    held.paper_sides += len(material.pages)
    held.save(update_fields=["paper_sides"])
    _index(held)
    ledger.record(
        at=at,
        action="dossiers.material.added",
        actor=by,
        subject=f"dossier:{held.uid}",
        facts={
            **audit.said_of(added),
            "manifest": [
                audit.said_of_page(page)
                for page in added.pages.select_related("blob", "material").order_by("number")
            ],
            "rows": audit.stated_of_material(added),
        },
    )
    return added


@transaction.atomic
def amend_material(*, material_uid: str, amendment: Amendment, by: User, at: datetime) -> Material:
    """Correct what the catalogue says of a material; its place and its images stay."""
    found = _material(material_uid)
    identity.require(Act.EDIT_CATALOGUE, by=by, at=at, body=found.dossier.body)
    faults = []
    if not amendment.title.strip():
        faults.append("请填写材料名称")
    if not amendment.reason.strip():
        faults.append("请填写修改理由")
    formed = ""
    if amendment.formed.strip():
        try:
            formed = str(PartialDate.parse(amendment.formed))
        except ValueError:
            faults.append("材料形成时间请按“1978-12-03”“1978-12”或“1978”填写，不明的部分留空")
    if faults:
        raise Unacceptable(*faults)
    before = {"title": found.title, "formed": found.formed, "remark": found.remark}
    found.title, found.formed = amendment.title.strip(), formed
    found.remark = amendment.remark.strip()
    found.save(update_fields=["title", "formed", "remark"])
    _index(found.dossier)
    ledger.record(
        at=at,
        action="dossiers.material.amended",
        actor=by.username,
        subject=f"dossier:{found.dossier.uid}",
        facts={
            "material": found.uid,
            "before": before,
            "after": {"title": found.title, "formed": found.formed, "remark": found.remark},
            "reason": amendment.reason.strip(),
        },
    )
    return found


@transaction.atomic
def mark_secret(*, material_uid: str, reason: str, by: User, at: datetime) -> Secrecy:
    """Mark a material secret: from now on only leave that names it opens it.

    It is no longer found by its title. Raises NotFound, NotPermitted, Unacceptable without a
    reason, Conflict if it is marked.
    """
    found = _material(material_uid)
    identity.require(Act.MARK_SECRET, by=by, at=at, body=found.dossier.body)
    if not reason.strip():
        raise Unacceptable("请填写定密依据")
    if queries.is_secret(material=found):
        raise Conflict("这份材料已标为涉密材料，无需重复操作")
    marked = Secrecy.objects.create(
        material=found, reason=reason.strip()[:200], marked_by=by.username, marked_at=at
    )
    _index(found.dossier)
    _reseal(found, Ring.SECRET)
    _record_secrecy("dossiers.material.marked_secret", marked, by=by, at=at)
    return marked


@transaction.atomic
def lift_secrecy(*, material_uid: str, reason: str, by: User, at: datetime) -> Secrecy:
    """End the secrecy of a material somebody else marked.

    Raises NotFound, NotPermitted, Unacceptable without a reason.
    """
    found = _material(material_uid)
    identity.require(Act.LIFT_SECRECY, by=by, at=at, body=found.dossier.body)
    marked = Secrecy.objects.select_for_update().filter(material=found, lifted_at=None).first()
    if marked is None:
        raise NotFound("这份材料没有标为涉密材料，不必解密")
    if marked.marked_by == by.username:
        raise NotPermitted("不得解除本人标定的密级，请由另一名安全保密员办理")
    if not reason.strip():
        raise Unacceptable("请填写解密依据")
    marked.lift_reason, marked.lifted_by, marked.lifted_at = reason.strip()[:200], by.username, at
    marked.save(update_fields=["lift_reason", "lifted_by", "lifted_at"])
    _index(found.dossier)
    _reseal(found, Ring.PRESERVATION)
    _record_secrecy("dossiers.material.secrecy_lifted", marked, by=by, at=at)
    return marked


@transaction.atomic
def hand_paper(
    *, dossier: Dossier, way: Custody.Way, purpose: str, sides: int, to: str, by: User, at: datetime
) -> Custody:
    """Record the paper going out of the store or coming back, with the sides counted.

    A count that differs stops the hand-over: both sides count again.
    """
    identity.require(Act.HAND_PAPER, by=by, at=at, body=dossier.body)
    held = Dossier.objects.select_for_update().get(pk=dossier.pk)
    new = State.OUT_REVIEW if way == Custody.Way.OUT else State.IN_STORE
    reasons = list(rules.objections_to_state(State(held.state), new))
    if sides != held.paper_sides:
        reasons.append(f"清点 {sides} 页，登记 {held.paper_sides} 页，页数不符，请双方重新清点")
    if not to.strip():
        reasons.append("请填写交接对方姓名")
    if reasons:
        raise Conflict(*reasons)
    custody = Custody.objects.create(
        dossier=held, way=way, purpose=purpose, sides=sides, by=by.username, to=to.strip(), at=at
    )
    held.state = new
    held.save(update_fields=["state"])
    ledger.record(
        at=at,
        action="dossiers.paper.handed",
        actor=by.username,
        subject=f"dossier:{held.uid}",
        facts={
            "way": way.value,
            "purpose": purpose,
            "sides": sides,
            "to": to.strip(),
            "rows": audit.CUSTODY.stated(pk=custody.pk),
        },
    )
    return custody


@transaction.atomic
def retire(*, dossier: Dossier, case: str, by: str, at: datetime) -> Dossier:
    """Close a dossier after its retirement case: it is kept as a retired person's."""
    held = Dossier.objects.select_for_update().get(pk=dossier.pk)
    objections = rules.objections_to_state(State(held.state), State.RETIRED)
    if objections:
        raise Conflict(*objections)
    held.state = State.RETIRED
    held.save(update_fields=["state"])
    ledger.record(
        at=at,
        action="dossiers.dossier.retired",
        actor=by,
        subject=f"dossier:{held.uid}",
        facts={"case": case},
    )
    return held


def next_sequence(*, dossier: Dossier, class_code: str) -> int:
    """The sequence a new material takes at the end of a class."""
    last = dossier.materials.filter(class_code=class_code).aggregate(last=Max("sequence"))["last"]
    return (last or 0) + 1


def index(*, dossier: Dossier) -> None:
    """Write again the words under which a dossier is found, as after its rows were rebuilt."""
    _index(dossier)


def _material(uid: str) -> Material:
    """A material, held; with its dossier and body. Raises NotFound."""
    found = (
        Material.objects.select_for_update(of=("self",))
        .select_related("dossier__body", "dossier__person")
        .filter(uid=uid)
        .first()
    )
    if found is None:
        raise NotFound("没有这份材料")
    return found


def _reseal(material: Material, ring: Ring) -> None:
    """Seal what the vault itself has of a material's images under the key of a ring.

    Done before the entry, so that no stop leaves secret images under the ordinary key; which key
    a file is under, the file says.
    """
    masters = material.pages.order_by("number").values_list("blob__sha256", flat=True)
    vault.reseal(sha256s=list(masters), ring=ring)


def _record_secrecy(action: str, said: Secrecy, *, by: User, at: datetime) -> None:
    """The entry says which material and why; not its title."""
    ledger.record(
        at=at,
        action=action,
        actor=by.username,
        subject=f"dossier:{said.material.dossier.uid}",
        facts={
            "material": said.material.uid,
            "reason": said.lift_reason or said.reason,
            "rows": audit.SECRECY.stated(pk=said.pk),
        },
    )


def _enter_material(dossier: Dossier, material: NewMaterial) -> Material:
    if not catalogue.is_leaf(material.class_code):
        raise Unacceptable(f"类号 {material.class_code} 不是目录的末级类号，请改正目录")
    entered = Material.objects.create(
        dossier=dossier,
        class_code=material.class_code,
        sequence=material.sequence,
        title=material.title,
        formed=str(material.formed) if material.formed else "",
        formed_text=material.formed_text,
        page_count=len(material.pages),
        remark=material.remark,
    )
    Page.objects.bulk_create(
        Page(
            material=entered,
            number=number,
            blob=page.blob,
            width=page.width,
            height=page.height,
            dpi=page.dpi,
            scanned_by=page.scanned_by,
            scanned_at=page.scanned_at,
            device=page.device,
            norm=page.norm,
            batch=page.batch,
        )
        for number, page in enumerate(material.pages, start=1)
    )
    return entered


def _index(dossier: Dossier) -> None:
    """Write the words under which a dossier is found."""
    words = set(_words(dossier))
    dossier.search_tokens.exclude(token__in=words).delete()
    SearchToken.objects.bulk_create(
        (SearchToken(token=word, dossier=dossier) for word in sorted(words)), ignore_conflicts=True
    )


def _words(dossier: Dossier) -> Iterable[str]:
    yield from search.tokens_of_name(dossier.person.name)
    yield from search.tokens_of_id(dossier.person.id_number)
    yield from search.tokens_of_number(dossier.number)
    yield from search.tokens_of_employer(dossier.employer)
    secret = queries.secret_materials(dossier=dossier)
    for title in dossier.materials.exclude(pk__in=secret).values_list("title", flat=True):
        yield from search.tokens_of_title(title)
