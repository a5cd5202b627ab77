"""What is kept, and how well it is watched, as those who oversee it are told."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import copies_factories as make
import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now
from web_factories import World, world

from lantai.identity.rules import Role
from lantai.preservation import patrol
from lantai.preservation.models import Kept, Patrolled, Watched

pytestmark = pytest.mark.django_db
OVERSEERS = (Role.SUPERVISOR, Role.AUDIT_ADMIN)


@pytest.fixture
def office(noon: datetime) -> World:
    return world(at=noon)


@pytest.fixture
def second(settings: Any, tmp_path: Path) -> Path:
    return make.set_copy(settings, tmp_path / "copy")


def told(client: Client, name: str = "preservation") -> str:
    """The words of a page, without its tags."""
    answer = client.get(reverse(name))
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.mark.parametrize("role", [role for role in Role if role not in OVERSEERS])
def test_only_those_who_may_see_the_log_see_the_store(office: World, role: Role) -> None:
    assert office.client(role).get(reverse("preservation")).status_code == 403


@pytest.mark.parametrize("role", OVERSEERS)
def test_an_empty_store_without_a_copy_says_who_has_to_do_what(office: World, role: Role) -> None:
    page = told(office.client(role))

    assert "档案 0 份，0 版" in page
    assert "1 份档案待归档，由后台依次归档" in page
    assert "请通知系统运维人员设置" in page
    assert "归档后开始" in page
    assert "没有发现过损坏" in page


def test_numbers_of_the_store_its_copy_and_its_patrol(office: World, second: Path) -> None:
    make.kept_and_copied(office.dossier)
    make.amend(office.dossier, "履历表（一）")
    make.keep(office.dossier)
    Patrolled.objects.filter(place="copy").update(seen_at=now() - timedelta(days=91))

    page = told(office.client(Role.SUPERVISOR))

    assert "档案 1 份，2 版" in page
    assert "全部档案均已归档" in page
    assert "已有 1 版" in page
    assert "落后 1 版" in page
    assert "90 天内核对 50%" in page
    assert "逾期 1 个" in page
    assert "核对逾期" in page


def test_a_secret_store_without_a_copy_is_told(office: World, second: Path) -> None:
    make.kept_and_copied(office.dossier)
    kept = Kept.objects.get()
    whole = told(office.client(Role.SUPERVISOR))
    again = Kept(**{field.attname: getattr(kept, field.attname) for field in kept._meta.fields})
    again.pk, again.store = None, Watched.SECRET
    again.save()

    page = told(office.client(Role.SUPERVISOR))

    assert "涉密库没有第二副本" not in whole
    assert "涉密库没有第二副本，请通知系统运维人员设置" in page


def test_damage_is_told_with_what_was_done_and_when(office: World, second: Path) -> None:
    make.kept_and_copied(office.dossier)
    image = make.an_image(Watched.STORE, office.dossier)
    make.flip(Watched.STORE, office.dossier, image)
    make.visit(Watched.STORE, office.dossier)
    client = office.client(Role.SUPERVISOR)

    page, desk = told(client), told(client, "desk")

    assert (
        f"{office.dossier.number} 文件内容与归档时的登记不符 文件位置 {image} 已由第二副本修复"
        in page
    )
    assert "未能修复" not in page
    assert "保存告警" not in desk


def test_damage_nobody_could_put_right_stands_first_on_the_desk(
    office: World, second: Path
) -> None:
    make.kept_and_copied(office.dossier)
    image = make.an_image(Watched.STORE, office.dossier)
    for place in (Watched.STORE, Watched.COPY):
        make.flip(place, office.dossier, image, bit=len(place))
    make.visit(Watched.COPY, office.dossier)
    client = office.client(Role.SUPERVISOR)

    page, desk = told(client), told(client, "desk")

    assert "1 处损坏未能修复" in page
    assert (
        f"第二副本 {office.dossier.number} 文件内容与归档时的登记不符 文件位置 {image} 未修复"
        in page
    )
    assert "保存告警" in desk
    assert "文件内容与归档时的登记不符" in desk


def test_a_medium_that_is_not_there_is_told_as_one_incident(office: World, second: Path) -> None:
    make.kept_and_copied(office.dossier)
    second.rename(second.with_name("away"))
    patrol.look_at_store(place=Watched.COPY, by="patrol", at=now())
    client = office.client(Role.SUPERVISOR)

    page, desk = told(client), told(client, "desk")

    assert "第二副本 无法核对 第二副本的存储根不在：请检查介质是否已挂载" in page
    assert "整个存储" in page
    assert "第二副本的存储根不在" in desk
