"""The four natures of the images, tested before they are frozen."""

import json

import cases_factories as make
import pytest
from cases_factories import minutes
from django.db import connection

from lantai.cases import queries, services
from lantai.lib.refusals import Conflict

pytestmark = pytest.mark.django_db


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_four_natures_are_tested_and_frozen_with_the_scan_records() -> None:
    people = make.district()

    _case, evidence = make.frozen(people)

    held = json.loads(evidence.statement)
    assert [(one["code"], one["result"]) for one in held["natures"]] == [
        ("1-1", "pass"),
        ("1-5", "pass"),
        ("1-8", "pass"),
        ("2-1", "pass"),
        ("2-5", "pass"),
        ("2-6", "pass"),
        ("2-7", "pass"),
        ("3-3", "pass"),
        ("4-2", "unchecked"),
    ]
    assert {(one["by"], one["device"], one["dpi"], one["norm"]) for one in held["scans"]} == {
        ("scanner", "scanner", 75, "gbt33870-2017")
    }
    assert [one["page"] for one in held["scans"]] == [one["page"] for one in held["pages"]]


NATURES: dict[str, tuple[str, str, str]] = {
    "sm3": (
        "update vault_blob set sm3 = sha256 where id = (select min(id) from vault_blob)",
        "1-1",
        "第 4-1-1-001 页影像与登记的 SM3 摘要不符，请报告安全保密员",
    ),
    "date": (
        "update dossiers_material set formed = '2027-01-??' where title = '入团志愿书'",
        "1-5",
        "《入团志愿书》的形成时间 2027-01-?? 晚于扫描时间，请核对目录",
    ),
    "double": (
        "update dossiers_page set blob_id = (select min(id) from vault_blob) where number = 2",
        "1-8",
        "第 4-1-1-001、9-2-1-002 页是同一影像，请核对是否重复扫描",
    ),
    "paper": (
        "update dossiers_dossier set paper_sides = 6",
        "2-1",
        "影像 5 页与纸质 6 页不一致，请核对后再固定",
    ),
    "catalogue": (
        "update dossiers_material set page_count = 3 where title = '招工登记表'",
        "2-1",
        "《招工登记表》目录 3 页，影像 2 页，请核对后再固定",
    ),
    "record": (
        "update dossiers_page set norm = '' where number = 2",
        "2-5",
        "第 9-2-1-002 页没有扫描人或规范版本，请补查扫描记录",
    ),
    "gap": (
        "update dossiers_material set sequence = 4 where title = '解除劳动合同证明书'",
        "2-6",
        "9-2 类材料序号不连续：1、4",
    ),
    "format": (
        "update vault_blob set media_type = 'image/bmp' where id = (select min(id) from vault_blob)",
        "3-3",
        "第 4-1-1-001 页格式为 image/bmp，不是长期保存格式",
    ),
}


@pytest.mark.parametrize("what", NATURES)
def test_each_nature_that_fails_says_where_and_what_to_do(what: str) -> None:
    people = make.district()
    held = make.dossier(body=people.body)
    statement, code, sentence = NATURES[what]
    sql(statement)
    held.refresh_from_db()

    failed = [one for one in queries.four_natures(dossier=held) if one.result == "fail"]

    assert [(one.code, one.notes) for one in failed] == [(code, (sentence,))]


def test_a_dossier_short_of_a_page_is_not_frozen() -> None:
    people = make.district()
    case = make.in_confirmation(people)
    sql("update dossiers_dossier set paper_sides = 6")
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        services.confirm(case_uid=case.uid, opinion="同意", by=people.second, at=minutes(1))

    assert refused.value.reasons == ("影像 5 页与纸质 6 页不一致，请核对后再固定",)
    assert make.everything() == before
