"""A small office for the tests of the case desks: people in their posts, and a dossier with images.

The person was hired in 1993, after contributions began, so nothing is deemed and the case is
simple once its papers are read.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import simplejpeg
from django.test import Client
from django.urls import reverse

from lantai.cases import services as work
from lantai.cases.models import Case
from lantai.cases.services import Application, NewClaim
from lantai.dossiers import queries as dossiers
from lantai.dossiers import services as dossier_services
from lantai.dossiers.models import Dossier, Page
from lantai.dossiers.services import NewMaterial, NewPage, NewPerson
from lantai.identity import services as identity
from lantai.identity.models import Body, User
from lantai.identity.rules import Role
from lantai.lib import idnumber
from lantai.lib.dates import Month, PartialDate
from lantai.lib.imagery.tiles import make_pack
from lantai.vault import services as vault

WIDE: Final = 700
TALL: Final = 900
PAPERS: Final = (
    # class, title, formed, sides
    ("1", "职工履历表", "1996-05", 2),
    ("4-1", "小学学籍卡", "1973-09", 1),
    ("9-2", "招工登记表", "1993-05", 1),
    ("9-2", "解除劳动合同证明", "2004-03", 1),
)
FIRST_17: Final = "99010119660312001"


@dataclass(frozen=True)
class Office:
    """Bodies and the people of the flow, by their posts."""

    centre: Body
    approval: Body
    elsewhere: Body
    people: dict[str, User]

    def __getattr__(self, name: str) -> User:
        try:
            return self.people[name]
        except KeyError as missing:
            raise AttributeError(name) from missing


def office(*, at: datetime) -> Office:
    centre = _body("yt", "云台区人才中心", Body.Kind.DISTRICT, None, at)
    approval = _body("yt-sp", "云台区审批局", Body.Kind.APPROVAL, centre, at)
    elsewhere = _body("qh", "清河区人才中心", Body.Kind.DISTRICT, None, at)
    posts = {
        "clerk": (centre, Role.WINDOW_CLERK),
        "reviewer": (centre, Role.FIRST_REVIEWER),
        "second": (centre, Role.SECOND_REVIEWER),
        "approver": (approval, Role.APPROVER),
        "archivist": (centre, Role.ARCHIVIST),
        "operator": (centre, Role.SCAN_OPERATOR),
        "stranger": (elsewhere, Role.FIRST_REVIEWER),
    }
    people = {name: _person(name, body, role, at) for name, (body, role) in posts.items()}
    return Office(centre, approval, elsewhere, people)


def dossier(*, office: Office, at: datetime) -> Dossier:
    number = FIRST_17 + idnumber.check_digit(FIRST_17)
    materials, sequences = [], dict.fromkeys((code for code, *_ in PAPERS), 0)
    for code, title, formed, sides in PAPERS:
        sequences[code] += 1
        materials.append(
            NewMaterial(
                class_code=code,
                sequence=sequences[code],
                title=title,
                formed=PartialDate.parse(formed),
                formed_text=formed,
                remark="",
                pages=[_page(f"{title}-{side}", at) for side in range(sides)],
            )
        )
    return dossier_services.enter_dossier(
        person=NewPerson(name="石大川", sex="1", ethnic="汉", id_number=number),
        body=office.centre,
        employer="云台市第二棉纺织厂",
        paper_sides=sum(sides for *_, sides in PAPERS),
        materials=materials,
        by="archivist",
        at=at,
    )


def accepted(*, office: Office, dossier: Dossier, at: datetime) -> Case:
    return work.open_case(
        dossier=dossier,
        application=Application(
            group="M60",
            mode="normal",
            wished=None,
            paid_from=Month(1993, 5),
            paid_months=380,
            phone="",
        ),
        by=office.clerk,
        at=at,
    )


def in_review(*, office: Office, dossier: Dossier, at: datetime) -> Case:
    case = accepted(office=office, dossier=dossier, at=at)
    return work.take_case(case_uid=case.uid, by=office.reviewer, at=at)


def ready_to_submit(*, office: Office, dossier: Dossier, at: datetime) -> Case:
    """A case whose pages were opened and whose birth and first work were read and settled."""
    case = in_review(office=office, dossier=dossier, at=at)
    open_all(signed_in(office.reviewer), dossier)
    state_birth_and_first_work(case=case, by=office.reviewer, at=at)
    return case


def in_confirmation(*, office: Office, dossier: Dossier, at: datetime) -> Case:
    case = ready_to_submit(office=office, dossier=dossier, at=at)
    work.submit_review(case_uid=case.uid, opinion="事实清楚，建议准予。", by=office.reviewer, at=at)
    taken = work.take_case(case_uid=case.uid, by=office.second, at=at)
    open_all(signed_in(office.second), dossier)
    return taken


def frozen(*, office: Office, dossier: Dossier, at: datetime) -> Case:
    case = in_confirmation(office=office, dossier=dossier, at=at)
    work.confirm(case_uid=case.uid, opinion="复核一致。", by=office.second, at=at)
    taken = work.take_case(case_uid=case.uid, by=office.approver, at=at)
    open_all(signed_in(office.approver), dossier)
    return taken


def approved(*, office: Office, dossier: Dossier, at: datetime) -> Case:
    case = frozen(office=office, dossier=dossier, at=at)
    work.decide(
        case_uid=case.uid, outcome="approve", reason="准予退休。", by=office.approver, at=at
    )
    case.refresh_from_db()
    return case


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    return client


def page(dossier: Dossier, title: str) -> Page:
    """The first page of the material with a title."""
    return next(page for page in dossiers.pages_of(dossier=dossier) if page.material.title == title)


def open_all(client: Client, dossier: Dossier) -> None:
    for page in dossiers.pages_of(dossier=dossier):
        assert client.post(reverse("page-open", args=[page.uid])).status_code == 200


def state_birth_and_first_work(*, case: Case, by: User, at: datetime) -> None:
    for title, fact, written in (
        ("小学学籍卡", "birth", "1966年3月12日"),
        ("招工登记表", "first_work", "1993年5月6日"),
    ):
        work.state_claim(
            case_uid=case.uid,
            claim=NewClaim(
                fact=fact,
                written=written,
                page_uid=page(case.dossier, title).uid,
                region=(100, 120, 200, 40),
                since=PartialDate.parse(written),
            ),
            by=by,
            at=at,
        )
    for fact, value in (("birth", "1966-03-12"), ("first_work", "1993-05-06")):
        work.adopt(case_uid=case.uid, fact=fact, value=value, reason="", by=by, at=at)


def claim_form(page: Page, **changes: Any) -> dict[str, Any]:
    """What the form of a claim sends."""
    return {
        "page": page.uid,
        "x": 100,
        "y": 120,
        "w": 200,
        "h": 40,
        "fact": "birth",
        "written": "1966年3月12日",
        "since": "1966-03-12",
        **changes,
    }


def _body(code: str, name: str, kind: str, parent: Body | None, at: datetime) -> Body:
    return identity.found_body(code=code, name=name, kind=kind, parent=parent, by="system", at=at)


def _person(name: str, body: Body, role: Role, at: datetime) -> User:
    user = identity.open_account(
        username=name, name=name, password="a-long-phrase-2026", by="system", at=at
    )
    identity.give_post(user=user, body=body, role=role, by="system", at=at)
    return user


def _page(seed: str, at: datetime) -> NewPage:
    shades = np.random.default_rng(sum(seed.encode())).integers(120, 250, 3)
    rgb = np.full((TALL, WIDE, 3), shades, np.uint8)
    blob = vault.store(
        content=simplejpeg.encode_jpeg(rgb, quality=90),
        media_type="image/jpeg",
        by="operator",
        at=at,
    )
    vault.keep_derivative(sha256=blob.sha256, kind="tiles.pack", content=make_pack(rgb))
    small = np.ascontiguousarray(rgb[::4, ::4])
    vault.keep_derivative(
        sha256=blob.sha256, kind="thumbnail.jpg", content=simplejpeg.encode_jpeg(small, quality=80)
    )
    return NewPage(
        blob=blob,
        width=WIDE,
        height=TALL,
        dpi=300,
        scanned_by="operator",
        scanned_at=at,
        device="平板扫描仪",
        norm="gbt33870-2017",
        batch="",
    )
