"""A small world for the pages: one person in each post, and one dossier in the centre."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.test import Client

from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Dossier
from lantai.dossiers.services import NewMaterial, NewPage, NewPerson
from lantai.identity import services as identity
from lantai.identity.models import Body, User
from lantai.identity.rules import Role
from lantai.lib import idnumber
from lantai.lib.dates import PartialDate
from lantai.vault import services as vault

PASSWORD: Final = "jing-shi-yi-lan-2026"
FIRST_17: Final = "99010119700412003"


@dataclass(frozen=True)
class World:
    """The bodies, and who sits where; ``elsewhere`` is another district without a dossier."""

    city: Body
    centre: Body
    elsewhere: Body
    people: dict[Role, User]
    dossier: Dossier

    def client(self, role: Role) -> Client:
        """A browser in which the person of a post is signed in."""
        browser = Client()
        browser.force_login(self.people[role])
        return browser


def world(*, at: datetime) -> World:
    """Found two districts under a city, fill every post of the first, enter a dossier."""
    city = body("yt", "云台市人才中心", Body.Kind.CITY, None, at)
    centre = body("yt1", "东亭区人才中心", Body.Kind.DISTRICT, city, at)
    elsewhere = body("yt2", "西麓区人才中心", Body.Kind.DISTRICT, city, at)
    held = dossier(centre, name="石大川", at=at)
    people = {
        role: person(
            role.value,
            centre,
            role,
            at,
            person_uid=held.person.uid if role is Role.SUBJECT else "",
        )
        for role in Role
    }
    return World(city, centre, elsewhere, people, held)


def body(code: str, name: str, kind: str, parent: Body | None, at: datetime) -> Body:
    return identity.found_body(code=code, name=name, kind=kind, parent=parent, by="ops", at=at)


def person(username: str, place: Body, role: Role, at: datetime, *, person_uid: str = "") -> User:
    user = identity.open_account(
        username=username,
        name=f"甲{username[:4]}",
        password=PASSWORD,
        by="ops",
        at=at,
        person_uid=person_uid,
    )
    identity.give_post(user=user, body=place, role=role, by="ops", at=at)
    return user


def dossier(
    place: Body, *, name: str, at: datetime, first_17: str = FIRST_17, employer: str = ""
) -> Dossier:
    """Enter a dossier of two materials, two pages and one page."""
    materials = [
        _material("1", "职工履历表", PartialDate(1996, 5), sides=2, seed=f"{first_17}a", at=at),
        _material("9-2", "招工登记表", PartialDate(1990), sides=1, seed=f"{first_17}b", at=at),
    ]
    return dossiers.enter_dossier(
        person=NewPerson(
            name=name,
            sex="1",
            ethnic="汉族",
            id_number=first_17 + idnumber.check_digit(first_17),
        ),
        body=place,
        employer=employer,
        paper_sides=3,
        materials=materials,
        by="ops",
        at=at,
    )


def _material(
    code: str, title: str, formed: PartialDate, *, sides: int, seed: str, at: datetime
) -> NewMaterial:
    return NewMaterial(
        class_code=code,
        sequence=1,
        title=title,
        formed=formed,
        formed_text="",
        remark="",
        pages=[_page(f"{seed}{side}", at) for side in range(sides)],
    )


def _page(seed: str, at: datetime) -> NewPage:
    blob = vault.store(content=seed.encode(), media_type="image/jpeg", by="ops", at=at)
    return NewPage(
        blob=blob,
        width=2480,
        height=3508,
        dpi=300,
        scanned_by="scan_operator",
        scanned_at=at,
        device="fi-7700",
        norm="gbt33870-2017",
        batch="",
    )
