"""Dossiers enter, are found, corrected, handed out and back, and held against the log."""

import hashlib
from datetime import timedelta

import imaging_factories as factories
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from imaging_factories import NOON, Shop, id_number

from lantai.dossiers import queries, services
from lantai.dossiers.models import Custody, Dossier, Material, Page, Person, SearchToken
from lantai.dossiers.rules import State
from lantai.dossiers.services import Amendment, NewMaterial, NewPage, NewPerson
from lantai.identity.models import Body
from lantai.identity.rules import Role
from lantai.ledger import queries as ledger
from lantai.lib.dates import PartialDate
from lantai.lib.refusals import Conflict, NotFound, NotPermitted, Unacceptable
from lantai.vault import services as vault

pytestmark = pytest.mark.django_db
DAY = NOON.date()


@pytest.fixture
def shop() -> Shop:
    return factories.shop()


def page(content: str) -> NewPage:
    return NewPage(
        blob=vault.store(content=content.encode(), media_type="image/jpeg", by="t", at=NOON),
        width=2480,
        height=3508,
        dpi=300,
        scanned_by="scanner",
        scanned_at=NOON,
        device="A-01",
        norm="gbt33870-2017/1",
        batch="b1",
    )


def material(class_code: str, sequence: int, title: str, *contents: str) -> NewMaterial:
    return NewMaterial(
        class_code=class_code,
        sequence=sequence,
        title=title,
        formed=PartialDate(1988, 7),
        formed_text="1988.7",
        remark="",
        pages=[page(content) for content in contents],
    )


def enter(
    body: Body, *materials: NewMaterial, name: str = "陈大文", serial: int = 1, sides: int = 0
) -> Dossier:
    chosen = materials or (
        material("10", 1, "报到证", f"d{serial}"),
        material("9-2", 1, "招工登记表", f"c{serial}"),
        material("1", 1, "职工履历表", f"a{serial}", f"b{serial}"),
    )
    return services.enter_dossier(
        person=NewPerson(name=name, sex="1", ethnic="汉族", id_number=id_number(serial)),
        body=body,
        employer="云台机械厂",
        paper_sides=sides or sum(len(each.pages) for each in chosen),
        materials=chosen,
        by="inspector",
        at=NOON,
    )


def test_a_dossier_is_numbered_in_its_body_and_year(shop: Shop) -> None:
    first, second = enter(shop.body, serial=1), enter(shop.body, serial=2)
    elsewhere = enter(factories.shop("xl").body, serial=3)

    assert [each.number for each in (first, second, elsewhere)] == [
        "PC-2026-000001",
        "PC-2026-000002",
        "XL-2026-000001",
    ]
    assert first.state == State.IN_STORE


def test_the_catalogue_stands_in_the_order_of_its_classes(shop: Shop) -> None:
    dossier = enter(shop.body)

    assert [str(each) for each in queries.materials_of(dossier=dossier)] == ["1-1", "9-2-1", "10-1"]
    assert [str(each) for each in queries.pages_of(dossier=dossier)] == [
        "1-1-001",
        "1-1-002",
        "9-2-1-001",
        "10-1-001",
    ]


def test_the_manifest_names_every_page_with_its_digests(shop: Shop) -> None:
    dossier = enter(shop.body)

    manifest = queries.manifest(dossier=dossier)

    assert [entry["path"] for entry in manifest] == ["1-1-001", "1-1-002", "9-2-1-001", "10-1-001"]
    assert manifest[0]["sha256"] == hashlib.sha256(b"a1").hexdigest()
    assert manifest[0]["sm3"] == hashlib.new("sm3", b"a1").hexdigest()
    assert manifest[0]["bytes"] == 2
    entered = ledger.last_facts(subject=f"dossier:{dossier.uid}", action="dossiers.dossier.entered")
    assert entered is not None
    assert entered.facts is not None
    assert entered.facts["manifest"] == manifest
    assert id_number(1) not in str(entered.facts)


def test_images_that_are_not_as_many_as_the_paper_are_refused(shop: Shop) -> None:
    with pytest.raises(Unacceptable) as refused:
        enter(shop.body, sides=5)

    assert refused.value.reasons == ("影像 4 页与纸质 5 页不一致，请核对后再入库",)
    assert not Dossier.objects.exists()
    assert not Person.objects.exists()


def test_one_number_has_one_dossier_in_a_body_and_may_have_another_elsewhere(shop: Shop) -> None:
    enter(shop.body, serial=1)

    with pytest.raises(Conflict) as refused:
        enter(shop.body, serial=1)
    enter(factories.shop("xl").body, serial=1)

    assert refused.value.reasons == ("该公民身份号码在本机构已有档案，请先核对是否重复建档",)
    assert Dossier.objects.count() == 2


def test_a_class_that_holds_no_material_is_refused(shop: Shop) -> None:
    with pytest.raises(Unacceptable) as refused:
        enter(shop.body, material("4", 1, "学籍卡", "x"))

    assert refused.value.reasons == ("类号 4 不是目录的末级类号，请改正目录",)
    assert not Material.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "陈大文",
        "大文",
        "陈",
        "chendawen",
        "cdw",
        "PC-2026-000001",
        "招工登记表",
        id_number(1),
        "云台机械厂",
    ],
)
def test_a_dossier_is_found_by_what_people_know_of_it(shop: Shop, text: str) -> None:
    sought = enter(shop.body, serial=1)
    enter(shop.body, material("1", 1, "履历表", "z"), name="李小红", serial=2)

    found = queries.find(text=text, user=shop.archivist, on=DAY)

    assert sought in found
    assert found.count() == (2 if text == "云台机械厂" else 1)


def test_a_dossier_of_another_district_is_not_found(shop: Shop) -> None:
    dossier = enter(shop.body)
    elsewhere = factories.shop("xl")

    assert not queries.find(text="陈大文", user=elsewhere.archivist, on=DAY).exists()
    assert queries.by_uid(uid=dossier.uid, user=elsewhere.archivist, on=DAY) is None
    assert queries.by_uid(uid=dossier.uid, user=shop.archivist, on=DAY) == dossier


def test_a_page_of_five_hundred_dossiers_is_one_question(shop: Shop) -> None:
    people = Person.objects.bulk_create(
        Person(name=f"人{number}", id_number=f"{number:018d}") for number in range(500)
    )
    made = Dossier.objects.bulk_create(
        Dossier(
            person=person,
            body=shop.body,
            number=f"PC-2025-{number:06d}",
            state=State.IN_STORE,
            paper_sides=1,
            entered_at=NOON,
            entered_by="t",
        )
        for number, person in enumerate(people)
    )
    SearchToken.objects.bulk_create(SearchToken(token="t:履历", dossier=each) for each in made)
    listed = queries.find(text="", user=shop.archivist, on=DAY)[: queries.PAGE_ROWS]

    with CaptureQueriesContext(connection) as asked:
        shown = [(each.number, each.person.name, each.body.name) for each in listed]

    assert len(asked) == 1
    assert len(shown) == 30


def test_an_added_material_stands_at_the_end_of_its_class(shop: Shop) -> None:
    dossier = enter(shop.body)
    sequence = services.next_sequence(dossier=dossier, class_code="9-2")

    services.add_material(
        dossier=dossier,
        material=material("9-2", sequence, "退休审批表", "new"),
        by="archivist",
        at=NOON,
    )

    dossier.refresh_from_db()
    assert sequence == 2
    assert dossier.paper_sides == 5
    assert str(queries.pages_of(dossier=dossier)[3]) == "9-2-2-001"
    assert list(queries.check_rows()) == []
    assert queries.find(text="退休审批表", user=shop.archivist, on=DAY).exists()


def amendment(**changed: str) -> Amendment:
    said = {"title": "招工审批表", "formed": "1988-07-03", "remark": "复印件", "reason": "题名有误"}
    return Amendment(**{**said, **changed})


def test_a_corrected_line_is_logged_before_and_after_and_found_anew(shop: Shop) -> None:
    dossier = enter(shop.body)
    entry = dossier.materials.get(class_code="9-2")

    services.amend_material(
        material_uid=entry.uid, amendment=amendment(), by=shop.archivist, at=NOON
    )

    entry.refresh_from_db()
    assert (entry.title, entry.formed, entry.remark) == ("招工审批表", "1988-07-03", "复印件")
    logged = ledger.entries(action="dossiers.material.amended").get()
    assert logged.facts["before"]["title"] == "招工登记表"
    assert queries.find(text="招工审批表", user=shop.archivist, on=DAY).exists()
    assert not queries.find(text="招工登记表", user=shop.archivist, on=DAY).exists()


def test_a_correction_is_refused_with_every_reason_and_changes_nothing(shop: Shop) -> None:
    dossier = enter(shop.body)
    entry = dossier.materials.get(class_code="9-2")

    with pytest.raises(Unacceptable) as refused:
        services.amend_material(
            material_uid=entry.uid,
            amendment=amendment(title=" ", formed="七月", reason=""),
            by=shop.archivist,
            at=NOON,
        )
    with pytest.raises(NotPermitted):
        services.amend_material(
            material_uid=entry.uid, amendment=amendment(), by=shop.operator, at=NOON
        )
    with pytest.raises(NotFound):
        services.amend_material(
            material_uid="0" * 16, amendment=amendment(), by=shop.archivist, at=NOON
        )

    assert len(refused.value.reasons) == 3
    entry.refresh_from_db()
    assert entry.title == "招工登记表"
    assert not ledger.entries(action="dossiers.material.amended").exists()


def hand(
    dossier: Dossier, way: Custody.Way, shop: Shop, *, sides: int = 4, to: str = "王审批"
) -> None:
    services.hand_paper(
        dossier=dossier, way=way, purpose="退休审批", sides=sides, to=to, by=shop.archivist, at=NOON
    )


def test_the_paper_goes_out_and_comes_back_counted(shop: Shop) -> None:
    dossier = enter(shop.body)

    hand(dossier, Custody.Way.OUT, shop)
    dossier.refresh_from_db()
    out = dossier.state
    hand(dossier, Custody.Way.BACK, shop)
    dossier.refresh_from_db()

    assert (out, dossier.state) == (State.OUT_REVIEW, State.IN_STORE)
    assert list(dossier.custody.order_by("pk").values_list("way", "sides")) == [
        ("out", 4),
        ("back", 4),
    ]
    assert list(queries.check_rows()) == []


def test_paper_that_is_short_or_not_out_is_not_taken_back(shop: Shop) -> None:
    dossier = enter(shop.body)

    with pytest.raises(Conflict) as refused:
        hand(dossier, Custody.Way.BACK, shop, sides=3, to=" ")

    assert refused.value.reasons == (
        "档案现为“在库”，不能转为“在库”，请先核对档案状态",
        "清点 3 页，登记 4 页，页数不符，请双方重新清点",
        "请填写交接对方姓名",
    )
    assert not Custody.objects.exists()


def test_a_dossier_is_retired_once_and_never_while_it_is_out(shop: Shop) -> None:
    dossier = enter(shop.body)
    hand(dossier, Custody.Way.OUT, shop)

    with pytest.raises(Conflict):
        services.retire(dossier=dossier, case="c1", by="archivist", at=NOON)
    hand(dossier, Custody.Way.BACK, shop)
    services.retire(dossier=dossier, case="c1", by="archivist", at=NOON)
    with pytest.raises(Conflict):
        services.retire(dossier=dossier, case="c1", by="archivist", at=NOON)

    dossier.refresh_from_db()
    assert dossier.state == State.RETIRED
    assert list(queries.check_rows()) == []


def test_what_a_hand_in_the_database_changed_is_found(shop: Shop) -> None:
    dossier = enter(shop.body)
    other = enter(shop.body, serial=2)
    first = queries.pages_of(dossier=dossier)[0]
    Person.objects.filter(pk=dossier.person_id).update(name="陈小文")
    Material.objects.filter(dossier=dossier, class_code="9-2").update(formed="1978-07-??")
    Dossier.objects.filter(pk=dossier.pk).update(state=State.RETIRED)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE dossiers_page SET number = 9 WHERE id = %s", [first.pk])

    found = {(each.table, each.field, each.expected, each.found) for each in queries.check_rows()}

    assert ("dossiers_material", "formed", "1988-07-??", "1978-07-??") in found
    assert ("dossiers_dossier", "state", "in_store", "retired") in found
    assert ("dossiers_page", "path", "1-1-001", "1-1-009") in found
    assert [each[1] for each in found if each[0] == "dossiers_person"] == ["sha256"]
    assert len(found) == 4
    assert other.uid not in str(found)


def test_a_page_taken_out_or_put_in_behind_the_log_is_found(shop: Shop) -> None:
    dossier = enter(shop.body)
    pages = queries.pages_of(dossier=dossier)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM dossiers_page WHERE id = %s", [pages[1].pk])
    added = Page.objects.create(
        material=pages[0].material,
        number=7,
        blob=page("forged").blob,
        width=1,
        height=1,
        scanned_by="x",
        scanned_at=NOON + timedelta(days=1),
        norm="x",
    )

    found = {(each.key, each.found) for each in queries.check_rows()}

    assert found == {(pages[1].uid, "（无）"), (added.uid, "日志中没有这一行的来历")}


def test_only_archivists_hand_paper_over(shop: Shop) -> None:
    dossier = enter(shop.body)
    clerk = factories.officer(Role.WINDOW_CLERK, body=shop.body, username="clerk")

    with pytest.raises(NotPermitted):
        services.hand_paper(
            dossier=dossier,
            way=Custody.Way.OUT,
            purpose="x",
            sides=4,
            to="y",
            by=clerk,
            at=NOON,
        )

    assert not Custody.objects.exists()
