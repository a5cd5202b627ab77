"""A small district with its people and ready dossiers, made by calling services."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import cv2
import numpy as np
import simplejpeg
from django.db import models

from lantai.access import services as access
from lantai.access.models import Grant
from lantai.cases import queries, services
from lantai.cases.models import (
    Adoption,
    Case,
    Claim,
    Decision,
    Evidence,
    Filing,
    Mark,
    PaperCall,
    Step,
)
from lantai.cases.rules.facts import Fact
from lantai.cases.services import Application, NewClaim
from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Custody, Dossier, Material, Page
from lantai.dossiers.services import NewMaterial, NewPage, NewPerson
from lantai.identity import services as identity
from lantai.identity.models import Body, User
from lantai.identity.rules import Role
from lantai.ledger.models import Entry
from lantai.lib import idnumber
from lantai.lib.dates import Month, PartialDate
from lantai.lib.imagery import tiles
from lantai.vault import services as vault

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)  # twelve o'clock in the office, a Wednesday
LONG_AGO = NOON - timedelta(days=400)
WIDTH, HEIGHT = 620, 877
REGION = (40, 60, 200, 30)


@dataclass(frozen=True)
class District:
    """A district centre, its approval office, and one person in each post."""

    body: Body
    clerk: User
    reviewer: User
    second: User
    approver: User
    archivist: User
    supervisor: User
    subject: User

    def holding(self, role: Role) -> User:
        return {
            Role.WINDOW_CLERK: self.clerk,
            Role.FIRST_REVIEWER: self.reviewer,
            Role.SECOND_REVIEWER: self.second,
            Role.APPROVER: self.approver,
            Role.ARCHIVIST: self.archivist,
            Role.SUPERVISOR: self.supervisor,
            Role.SUBJECT: self.subject,
        }[role]


TABLES: tuple[type[models.Model], ...] = (
    Case,
    Mark,
    Claim,
    Adoption,
    Step,
    Evidence,
    PaperCall,
    Decision,
    Filing,
    Dossier,
    Material,
    Page,
    Custody,
    Grant,
    Entry,
)


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows that a verb on a case could touch, to be held against themselves later."""
    return {
        table.__name__: list(table._default_manager.order_by("pk").values()) for table in TABLES
    }


def minutes(count: int) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=count)


def user(username: str, *, body: Body, role: Role, person_uid: str = "") -> User:
    """An account with one post."""
    made = identity.open_account(
        username=username,
        name=f"{username}甲",
        password="lantai-test-2026",
        by="installer",
        at=LONG_AGO,
        person_uid=person_uid,
    )
    identity.give_post(user=made, body=body, role=role, by="installer", at=LONG_AGO)
    return made


def district(code: str = "d1") -> District:
    """A district with its people; names begin with the code of the body."""
    body = identity.found_body(
        code=code, name=f"云台{code}中心", kind="district", parent=None, by="installer", at=LONG_AGO
    )
    office = identity.found_body(
        code=f"{code}-sp",
        name=f"云台{code}审批局",
        kind="approval",
        parent=body,
        by="installer",
        at=LONG_AGO,
    )
    return District(
        body=body,
        clerk=user(f"{code}-clerk", body=body, role=Role.WINDOW_CLERK),
        reviewer=user(f"{code}-reviewer", body=body, role=Role.FIRST_REVIEWER),
        second=user(f"{code}-second", body=body, role=Role.SECOND_REVIEWER),
        approver=user(f"{code}-approver", body=office, role=Role.APPROVER),
        archivist=user(f"{code}-archivist", body=body, role=Role.ARCHIVIST),
        supervisor=user(f"{code}-supervisor", body=body, role=Role.SUPERVISOR),
        subject=user(f"{code}-subject", body=body, role=Role.SUBJECT),
    )


def citizen_number(born: date, *, order: int = 1) -> str:
    """A number of the division that was never given; odd ``order`` for men."""
    first17 = f"990101{born:%Y%m%d}{order:03d}"
    return first17 + idnumber.check_digit(first17)


def scan(seed: int, *, by: str = "scanner", at: datetime = LONG_AGO) -> NewPage:
    """A page with some strokes of its own, kept in the vault with what the viewer shows of it."""
    chance = np.random.default_rng(seed)
    sheet = np.full((HEIGHT, WIDTH, 3), 244, np.uint8)
    for row in range(60, HEIGHT - 60, 28):
        for _ in range(6):
            left = int(chance.integers(40, WIDTH - 120))
            cv2.line(
                sheet, (left, row), (left + int(chance.integers(20, 80)), row), (40, 40, 60), 2
            )
    content = simplejpeg.encode_jpeg(sheet, quality=88, colorspace="RGB")
    blob = vault.store(content=content, media_type="image/jpeg", by=by, at=at)
    small = cv2.resize(sheet, (WIDTH // 2, HEIGHT // 2))
    vault.keep_derivative(
        sha256=blob.sha256,
        kind="thumbnail.jpg",
        content=simplejpeg.encode_jpeg(small, quality=80, colorspace="RGB"),
    )
    vault.keep_derivative(sha256=blob.sha256, kind="tiles.pack", content=tiles.make_pack(sheet))
    return NewPage(
        blob=blob,
        width=WIDTH,
        height=HEIGHT,
        dpi=75,
        scanned_by=by,
        scanned_at=at,
        device="scanner",
        norm="gbt33870-2017",
        batch="",
    )


SCHOOL, LEAGUE, HIRE, CONTRACT_END = "小学学籍卡", "入团志愿书", "招工登记表", "解除劳动合同证明书"


def dossier(
    *,
    body: Body,
    name: str = "陈立",
    order: int = 1,
    born: date = date(1966, 5, 12),
    hired: str = "1996-09",
) -> Dossier:
    """A dossier of four materials and five pages: school card, league form, hire form, release."""
    plan = (
        ("4-1", 1, SCHOOL, "1973-09", 1),
        ("6", 1, LEAGUE, "1982-05", 1),
        ("9-2", 1, HIRE, hired, 2),
        ("9-2", 2, CONTRACT_END, "2020-12-31", 1),
    )
    materials = [
        NewMaterial(
            class_code=class_code,
            sequence=sequence,
            title=title,
            formed=PartialDate.parse(formed),
            formed_text=formed,
            remark="",
            pages=[scan(order * 1000 + place * 10 + number) for number in range(1, page_count + 1)],
        )
        for place, (class_code, sequence, title, formed, page_count) in enumerate(plan)
    ]
    return dossiers.enter_dossier(
        person=NewPerson(
            name=name, sex="1", ethnic="汉", id_number=citizen_number(born, order=order * 2 - 1)
        ),
        body=body,
        employer="云台机械厂",
        paper_sides=sum(len(material.pages) for material in materials),
        materials=materials,
        by="inspector",
        at=LONG_AGO,
    )


def page(of: Dossier, title: str, number: int = 1) -> Page:
    """A page of the material of that title."""
    return Page.objects.select_related("material__dossier__person", "blob").get(
        material__dossier=of, material__title=title, number=number
    )


def application(**changes: object) -> Application:
    """A man of the first group at his statutory age, paying since he was hired."""
    said: dict[str, object] = {
        "group": "M60",
        "mode": "normal",
        "wished": None,
        "paid_from": Month(1996, 9),
        "paid_months": 292,
        "phone": "010-00000000",
    }
    return Application(**{**said, **changes})  # type: ignore[arg-type]


def opened(of: District, *, at: datetime = NOON, **changes: object) -> Case:
    """A case just accepted for a fresh dossier."""
    held = dossier(body=of.body, **changes)  # type: ignore[arg-type]
    return services.open_case(dossier=held, application=application(), by=of.clerk, at=at)


def look(seen: Page, *, by: User, at: datetime) -> None:
    """Open a page through the door, as the viewer does."""
    access.open_page(page=seen, by=by, at=at, address="10.0.0.1")


def look_at_key_pages(case: Case, *, by: User, at: datetime) -> None:
    """Open every page a person has still to open."""
    wanted = set(queries.unopened_key_pages(case=case, user=by))
    for one in Page.objects.filter(material__dossier=case.dossier).select_related(
        "material__dossier__person", "blob"
    ):
        if str(one) in wanted:
            look(one, by=by, at=at)


def claim(case: Case, fact: Fact, title: str, since: str = "", **more: object) -> NewClaim:
    """A claim on the first page of the material of that title."""
    return NewClaim(
        fact=fact,
        written=since or str(more.get("text", "")),
        page_uid=page(case.dossier, title).uid,
        region=REGION,
        since=PartialDate.parse(since) if since else None,
        **more,  # type: ignore[arg-type]
    )


def taken(of: District, *, at: datetime = NOON, **changes: object) -> Case:
    """A case in review, its key pages opened by the reviewer."""
    case = opened(of, at=at, **changes)
    case = services.take_case(case_uid=case.uid, by=of.reviewer, at=at)
    look_at_key_pages(case, by=of.reviewer, at=at)
    return case


def reading(
    of: District, case: Case, *, hired: str = "1996-09", at: datetime = NOON
) -> list[Claim]:
    """The claims a reviewer takes from the dossier of ``dossier``."""
    claims = (
        claim(case, Fact.BIRTH, SCHOOL, "1966-05-12"),
        claim(case, Fact.BIRTH, LEAGUE, "1966-05"),
        claim(case, Fact.FIRST_WORK, HIRE, hired),
        claim(
            case,
            Fact.SERVICE,
            HIRE,
            hired,
            until=PartialDate(2020, 12, 31),
            unit="云台机械厂",
        ),
    )
    return [
        services.state_claim(case_uid=case.uid, claim=one, by=of.reviewer, at=at) for one in claims
    ]


def reviewed(of: District, *, at: datetime = NOON, **changes: object) -> Case:
    """A case whose review is ready to be handed on."""
    case = taken(of, at=at, **changes)
    reading(of, case, hired=str(changes.get("hired", "1996-09")), at=at)
    return case


def submitted(of: District, *, at: datetime = NOON, **changes: object) -> Case:
    """A case that waits for the second reviewer."""
    case = reviewed(of, at=at, **changes)
    return services.submit_review(
        case_uid=case.uid, opinion="材料齐全，同意上报", by=of.reviewer, at=at
    )


def in_confirmation(of: District, *, at: datetime = NOON, **changes: object) -> Case:
    """A case the second reviewer took, with its pages opened."""
    case = submitted(of, at=at, **changes)
    case = services.take_case(case_uid=case.uid, by=of.second, at=at)
    look_at_key_pages(case, by=of.second, at=at)
    return case


def frozen(of: District, *, at: datetime = NOON, **changes: object) -> tuple[Case, Evidence]:
    """A case whose evidence is fixed."""
    case = in_confirmation(of, at=at, **changes)
    evidence = services.confirm(case_uid=case.uid, opinion="复核无误", by=of.second, at=at)
    case.refresh_from_db()
    return case, evidence


def in_approval(of: District, *, at: datetime = NOON, **changes: object) -> tuple[Case, Evidence]:
    """A case the approver took, with the pages it rests on opened."""
    case, evidence = frozen(of, at=at, **changes)
    case = services.take_case(case_uid=case.uid, by=of.approver, at=at)
    look_at_key_pages(case, by=of.approver, at=at)
    return case, evidence


def decided(
    of: District, *, outcome: str = "approve", at: datetime = NOON, **changes: object
) -> tuple[Case, Decision]:
    """A case with its final decision."""
    case, _evidence = in_approval(of, at=at, **changes)
    decision = services.decide(
        case_uid=case.uid, outcome=outcome, reason="符合规定", by=of.approver, at=at
    )
    case.refresh_from_db()
    return case, decision


def paper_round(of: District, case: Case, *, by: User, at: datetime = NOON) -> None:
    """Call the paper, hand it out, see it and take it back, complete."""
    sides = case.dossier.paper_sides
    services.call_paper(case_uid=case.uid, reason="核对招工登记表原件", by=by, at=at)
    services.hand_paper_out(case_uid=case.uid, sides=sides, to=by.name, by=of.archivist, at=at)
    services.see_paper(case_uid=case.uid, findings="与影像一致。", by=by, at=at)
    services.hand_paper_back(case_uid=case.uid, sides=sides, to=by.name, by=of.archivist, at=at)
