"""Dossiers: found, narrowed, paged, looked through, their catalogue corrected."""

from datetime import datetime
from typing import Any, Final

import pytest
from django.test import Client
from django.urls import reverse
from web_factories import World, dossier, person, world

from lantai.dossiers.models import Dossier, Material, Person
from lantai.dossiers.rules import State
from lantai.identity.rules import Role
from lantai.ledger import queries as ledger
from lantai.lib import idnumber

pytestmark = pytest.mark.django_db

HTMX: Final = {"HX-Request": "true"}
OTHER_17: Final = "99010219680101001"


@pytest.fixture
def office(noon: datetime) -> World:
    return world(at=noon)


def _fill(office: World, at: datetime, *, many: int) -> None:
    """Put bare rows in the centre's store, for what depends on their number alone."""
    people = Person.objects.bulk_create(Person(name="江一帆") for _ in range(many))
    Dossier.objects.bulk_create(
        Dossier(
            person=someone,
            body=office.centre,
            number=f"A{place:06d}",
            state=State.IN_STORE,
            paper_sides=1,
            entered_at=at,
            entered_by="ops",
        )
        for place, someone in enumerate(people)
    )


@pytest.mark.parametrize("words", ["石大川", "大川", "shidachuan", "YT1-2026-000001", "招工登记表"])
def test_a_dossier_is_found_by_what_people_know_of_it(office: World, words: str) -> None:
    answer = office.client(Role.ARCHIVIST).get(reverse("dossiers"), {"q": words})

    assert [found.pk for found in answer.context["page"]] == [office.dossier.pk]


def test_a_dossier_is_found_by_its_id_number_which_is_shown_masked(office: World) -> None:
    number = office.dossier.person.id_number

    answer = office.client(Role.ARCHIVIST).get(reverse("dossiers"), {"q": number})

    rows = answer.content.decode().split("<tbody>")[1]
    assert idnumber.mask(number) in rows
    assert number not in rows


def test_nothing_found_says_so_and_what_to_do(office: World) -> None:
    answer = office.client(Role.ARCHIVIST).get(reverse("dossiers"), {"q": "没有此人"})

    assert answer.context["total"] == 0
    assert "没有符合条件的档案，请减少条件或核对输入" in answer.content.decode()


def test_typing_gets_the_results_alone(office: World) -> None:
    browser = office.client(Role.ARCHIVIST)

    part = browser.get(reverse("dossiers"), {"q": "石"}, headers=HTMX).content.decode()
    again = browser.get(
        reverse("dossiers"), headers=HTMX | {"HX-History-Restore-Request": "true"}
    ).content.decode()

    assert "<html" not in part
    assert "石大川" in part
    assert "<html" in again


def test_other_districts_stay_out_of_sight(office: World, noon: datetime) -> None:
    dossier(office.elsewhere, name="江一帆", at=noon, first_17=OTHER_17)

    near = office.client(Role.ARCHIVIST).get(reverse("dossiers"))

    assert [found.person.name for found in near.context["page"]] == ["石大川"]


def test_facets_narrow_and_count_what_the_other_facet_leaves(office: World, noon: datetime) -> None:
    dossier(office.elsewhere, name="江一帆", at=noon, first_17=OTHER_17)
    browser = Client()
    browser.force_login(person("zongguan", office.city, Role.ARCHIVIST, noon))

    everything = browser.get(reverse("dossiers"))
    east = browser.get(reverse("dossiers"), {"body": office.centre.code})
    retired = browser.get(reverse("dossiers"), {"state": "retired"})

    assert everything.context["total"] == 2
    assert everything.context["facets"]["bodies"] == [
        ("yt1", "东亭区人才中心", 1),
        ("yt2", "西麓区人才中心", 1),
    ]
    assert [row[3] for row in east.context["facets"]["states"]] == [1, 0, 0]
    assert retired.context["total"] == 0


def test_results_come_in_pages_and_the_count_is_capped(office: World, noon: datetime) -> None:
    _fill(office, noon, many=1000)
    browser = office.client(Role.ARCHIVIST)

    second = browser.get(reverse("dossiers"), {"page": 2})
    beyond = browser.get(reverse("dossiers"), {"page": 99})

    assert [found.number for found in second.context["page"]][:2] == ["A000030", "A000031"]
    assert len(second.context["page"]) == 30
    assert second.context["total"] == 1000
    assert '<b class="lt-num">1000+</b>' in second.content.decode()
    assert "只列出前 1000 份" in second.content.decode()
    assert beyond.context["page"].number == 34


def test_a_search_asks_few_questions_however_many_are_found(
    office: World, noon: datetime, django_assert_max_num_queries: Any
) -> None:
    _fill(office, noon, many=40)
    browser = office.client(Role.ARCHIVIST)

    with django_assert_max_num_queries(20):
        browser.get(reverse("dossiers"))


def test_the_catalogue_stands_in_the_order_of_its_classes_with_its_numbers(
    office: World,
) -> None:
    answer = office.client(Role.ARCHIVIST).get(reverse("dossier", args=[office.dossier.uid]))

    assert [
        (group["leaf"].heading, group["leaf"].code, group["sides"])
        for group in answer.context["classes"]
    ] == [("一", "1", 2), ("九", "9-2", 1)]
    assert (answer.context["materials"], answer.context["images"]) == (2, 3)
    assert "纸质与影像一一对应" in answer.content.decode()


def test_only_the_archivist_is_offered_to_correct_the_catalogue(office: World) -> None:
    page = reverse("dossier", args=[office.dossier.uid])

    keeper = office.client(Role.ARCHIVIST).get(page).content.decode()
    reviewer = office.client(Role.FIRST_REVIEWER).get(page).content.decode()

    assert "/edit/" in keeper
    assert "/edit/" not in reviewer


def test_an_entry_is_corrected_with_a_reason_and_recorded(office: World) -> None:
    browser = office.client(Role.ARCHIVIST)
    material = office.dossier.materials.get(class_code="9-2")
    form = reverse("dossier-material-edit", args=[office.dossier.uid, material.uid])

    shown = browser.get(form)
    answer = browser.post(
        form,
        {"title": "新工人登记表", "formed": "1990年8月", "remark": "", "reason": "与原件核对"},
    )

    material.refresh_from_db()
    entry = ledger.entries(action="dossiers.material.amended").get()
    assert "招工登记表" in shown.content.decode()
    assert answer["Location"] == reverse("dossier", args=[office.dossier.uid])
    assert (material.title, material.formed) == ("新工人登记表", "1990-08-??")
    assert entry.facts["reason"] == "与原件核对"


def test_a_form_sent_by_part_of_a_page_moves_the_whole_window_on(office: World) -> None:
    material = office.dossier.materials.get(class_code="9-2")

    answer = office.client(Role.ARCHIVIST).post(
        reverse("dossier-material-edit", args=[office.dossier.uid, material.uid]),
        {"title": "招工登记表", "formed": "", "remark": "", "reason": "日期不清"},
        headers=HTMX,
    )

    assert answer["HX-Redirect"] == reverse("dossier", args=[office.dossier.uid])


def test_an_entry_of_another_dossier_cannot_be_reached_through_this_one(
    office: World, noon: datetime
) -> None:
    other = dossier(office.elsewhere, name="江一帆", at=noon, first_17=OTHER_17)
    foreign = other.materials.get(class_code="1")

    answer = office.client(Role.ARCHIVIST).post(
        reverse("dossier-material-edit", args=[office.dossier.uid, foreign.uid]),
        {"title": "改掉", "formed": "", "remark": "", "reason": "试"},
    )

    assert answer.status_code == 404
    assert Material.objects.get(pk=foreign.pk).title == "职工履历表"


def test_without_leave_the_page_says_how_to_get_it(office: World) -> None:
    answer = office.client(Role.FIRST_REVIEWER).get(reverse("dossier", args=[office.dossier.uid]))

    assert answer.context["leave"] is None
    assert "您没有这份档案的调阅授权" in answer.content.decode()
