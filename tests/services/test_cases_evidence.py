"""What is frozen, that it can be checked by anyone, and that a hand in the database is found."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import cases_factories as make
import pytest
from cases_factories import NOON, minutes
from django.db import connection, transaction

from lantai.cases import queries, services
from lantai.cases.models import Case, Decision, Evidence
from lantai.cases.rules.facts import Fact
from lantai.identity.rules import Role
from lantai.ledger import queries as ledger
from lantai.ledger import services as log
from lantai.ledger.models import Entry
from lantai.ledger.queries import NotYetSealed
from lantai.lib import bundle, canonical
from lantai.lib.refusals import Conflict, NotFound, NotPermitted
from lantai.lib.verify import verify
from lantai.vault.files import master_path
from lantai.vault.models import Blob
from lantai.vault.queries import Damaged

pytestmark = pytest.mark.django_db


def sql(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def held_in(evidence: Evidence) -> dict[str, object]:
    said: dict[str, object] = json.loads(evidence.statement)
    return said


def test_what_is_frozen_names_every_page_claim_officer_look_and_the_policy() -> None:
    people = make.district()

    case, evidence = make.frozen(people)

    held = held_in(evidence)
    assert sorted(held) == [
        "adoptions",
        "application",
        "assessment",
        "at",
        "case",
        "catalogue",
        "catalogue_sha256",
        "claims",
        "dossier",
        "files",
        "format",
        "log_head",
        "marks",
        "natures",
        "officers",
        "openings",
        "pages",
        "papers",
        "person",
        "policy",
        "route",
        "scans",
        "steps",
    ]
    assert [page["path"] for page in held["pages"]] == [
        "4-1-1-001",
        "6-1-001",
        "9-2-1-001",
        "9-2-1-002",
        "9-2-2-001",
    ]
    for page in held["pages"]:
        blob = Blob.objects.get(sha256=page["sha256"])
        assert (page["sm3"], page["bytes"]) == (blob.sm3, blob.size)
    assert [(one["fact"], one["since"], one["region"]) for one in held["claims"]] == [
        ("birth", "1966-05-12", [40, 60, 200, 30]),
        ("birth", "1966-05-??", [40, 60, 200, 30]),
        ("first_work", "1996-09-??", [40, 60, 200, 30]),
        ("service", "1996-09-??", [40, 60, 200, 30]),
    ]
    assert held["policy"] == "beijing-2025.1"
    assert held["officers"]["second_reviewer"]["username"] == "d1-second"
    assert [step["verb"] for step in held["steps"]] == [
        "open",
        "take",
        "submit_review",
        "take",
        "confirm",
    ]
    assert {look["by"] for look in held["openings"]} == {"d1-reviewer", "d1-second"}
    assert held["person"]["id_masked"] == "990101********0012"
    assert case.dossier.person.id_number not in evidence.statement


def test_a_case_raised_after_the_freezing_says_so_on_its_form() -> None:
    people = make.district()
    case, _evidence = make.in_approval(people)
    services.raise_route(case_uid=case.uid, reason="墨色可疑", by=people.approver, at=minutes(1))
    make.paper_round(people, case, by=people.approver, at=minutes(2))
    services.decide(
        case_uid=case.uid, outcome="approve", reason="已核实体", by=people.approver, at=minutes(3)
    )
    case.refresh_from_db()

    form = queries.approval_form(case=case)

    assert form["route"] == "复杂件，须核对实体档案"
    assert form["route_reasons"] == ["审批人员转为复杂件：墨色可疑"]


def test_the_digests_are_those_of_the_canonical_text_and_stand_in_the_log() -> None:
    people = make.district()

    case, evidence = make.frozen(people)

    content = evidence.statement.encode()
    assert canonical.dumps(json.loads(content)) == content
    assert evidence.sha256 == hashlib.sha256(content).hexdigest()
    assert evidence.sm3 == hashlib.new("sm3", content).hexdigest()
    entry = Entry.objects.get(stream="records", index=evidence.entry)
    assert (entry.action, entry.subject) == ("cases.evidence.fixed", f"case:{case.uid}")
    assert entry.facts["statement_sha256"] == evidence.sha256
    assert entry.facts["statement_sm3"] == evidence.sm3
    assert queries.faults_of(evidence=evidence) == ()
    assert queries.changes_since_fixed(case=case) == ()


@pytest.mark.django_db(transaction=True)
def test_the_bundle_is_checked_by_anyone_with_the_key_and_no_access() -> None:
    people = make.district()
    case, _evidence = make.frozen(people)
    log.publish(at=minutes(1))

    content = queries.bundle(case=case)

    report = verify(content, keys=[ledger.verifier_key(stream="records")])
    assert report.faults == ()
    assert report.valid
    members = bundle.unpack(content)
    images = sorted(name for name in members if name.startswith("files/"))
    assert images == [
        "files/images/4-1-1-001.jpg",
        "files/images/6-1-001.jpg",
        "files/images/9-2-1-001.jpg",
        "files/images/9-2-1-002.jpg",
        "files/images/9-2-2-001.jpg",
    ]
    assert queries.bundle(case=case) == content


@pytest.mark.django_db(transaction=True)
def test_the_bundle_of_a_decided_case_holds_the_decision_too() -> None:
    people = make.district()
    case, _decision = make.decided(people)
    log.publish(at=minutes(1))

    members = bundle.unpack(queries.bundle(case=case))

    opened = [json.loads(members[name]) for name in members if name.startswith("entries/")]
    said = [one["openings"]["body"]["content"]["facts"] for one in opened]
    assert [facts["outcome"] for facts in said if "outcome" in facts] == ["approve"]


def test_before_a_signed_head_covers_it_the_bundle_is_refused_with_a_sentence() -> None:
    people = make.district()
    case, _evidence = make.frozen(people)

    with pytest.raises(NotYetSealed) as refused:
        queries.bundle(case=case)

    assert refused.value.reasons == ("这条记录尚未进入已签名的日志，请稍候片刻再试",)


def test_before_anything_is_frozen_there_is_no_bundle() -> None:
    people = make.district()
    case = make.reviewed(people)

    with pytest.raises(NotFound):
        queries.bundle(case=case)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["archivist", "approver", "supervisor"])
def test_the_evidence_is_taken_out_after_the_decision_with_its_reason_on_record(who: str) -> None:
    people = make.district()
    case, decision = make.decided(people)
    log.publish(at=minutes(1))

    content = services.export_evidence(
        case_uid=case.uid,
        reason=" 区法院来函 ",
        by=getattr(people, who),
        at=minutes(2),
        address="10.0.0.7",
    )

    assert verify(content, keys=[ledger.verifier_key(stream="records")]).valid
    (entry,) = queries.exports_of(case=case)
    assert (entry.stream, entry.actor, entry.at) == ("access", f"d1-{who}", minutes(2))
    assert entry.facts == {
        "version": 1,
        "evidence_sha256": decision.evidence.sha256,
        "bundle_sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "pages": [page["page"] for page in held_in(decision.evidence)["pages"]],
        "reason": "区法院来函",
        "address": "10.0.0.7",
    }
    assert len(entry.facts["pages"]) == 5


def test_no_evidence_is_taken_out_without_a_reason_or_before_it_is_sealed() -> None:
    people = make.district()
    case, _evidence = make.frozen(people)
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        services.export_evidence(case_uid=case.uid, reason=" ", by=people.archivist, at=minutes(1))
    with pytest.raises(NotYetSealed):
        services.export_evidence(case_uid=case.uid, reason="函", by=people.archivist, at=minutes(1))

    assert refused.value.reasons == ("请写明导出事由和接收单位，如信访答复、行政复议、诉讼举证",)
    assert make.everything() == before


def test_the_evidence_of_another_district_or_of_oneself_is_not_taken_out() -> None:
    people, elsewhere = make.district(), make.district("d2")
    case, _evidence = make.frozen(people)
    own = make.user(
        "own", body=people.body, role=Role.ARCHIVIST, person_uid=case.dossier.person.uid
    )
    log.publish(at=minutes(1))
    before = make.everything()

    for by, no in (
        (elsewhere.archivist, NotPermitted),
        (people.clerk, NotPermitted),
        (own, Conflict),
    ):
        with pytest.raises(no):
            services.export_evidence(case_uid=case.uid, reason="函", by=by, at=minutes(2))

    assert make.everything() == before


SWAPPED = (
    "update dossiers_page set blob_id = (select max(blob_id) from dossiers_page where material_id"
    " <> (select id from dossiers_material where title = '招工登记表')) where number = 2"
)
TAMPERED: dict[str, tuple[str, str]] = {
    "a claim's date": (
        "update cases_claim set since = '1964-05-12' where since = '1966-05-12'",
        "固定的影像证据校验不通过，不得据此审批；请退回初审并报告安全保密员",
    ),
    "a claim's region": (
        "update cases_claim set x = 1 where fact = 'first_work'",
        "固定的影像证据校验不通过，不得据此审批；请退回初审并报告安全保密员",
    ),
    "a claim removed": (
        "delete from cases_claim where fact = 'service'",
        "固定的影像证据校验不通过，不得据此审批；请退回初审并报告安全保密员",
    ),
    "the months paid": (
        "update cases_case set paid_months = 400",
        "固定的影像证据校验不通过，不得据此审批；请退回初审并报告安全保密员",
    ),
    "the statement": (
        "update cases_evidence set statement = replace(statement, '1966-05-12', '1964-05-12')",
        "固定的影像证据校验不通过，不得据此审批；请退回初审并报告安全保密员",
    ),
    "the manifest": (
        "update cases_evidence set manifest = '[]'",
        "固定的影像证据校验不通过，不得据此审批；请退回初审并报告安全保密员",
    ),
    "a digest": (
        "update cases_evidence set sha256 = sm3",
        "固定的影像证据校验不通过，不得据此审批；请退回初审并报告安全保密员",
    ),
    "a blob's digest": (
        "update vault_blob set sm3 = sha256 where id = (select min(id) from vault_blob)",
        "固定之后有 1 页影像发生变化，请退回初审重新核对",
    ),
    "a page's image": (SWAPPED, "固定之后有 1 页影像发生变化，请退回初审重新核对"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_decision_is_refused_on_evidence_that_was_changed_in_the_database(what: str) -> None:
    people = make.district()
    case, _evidence = make.in_approval(people)
    statement, sentence = TAMPERED[what]
    sql(statement)
    entries = Entry.objects.count()

    with pytest.raises(Conflict) as refused:
        services.decide(
            case_uid=case.uid, outcome="approve", reason="同意", by=people.approver, at=minutes(1)
        )

    assert sentence in refused.value.reasons
    assert not Decision.objects.exists()
    assert Entry.objects.count() == entries
    assert Case.objects.get(pk=case.pk).state == "frozen"


def test_evidence_rewritten_with_fitting_digests_does_not_agree_with_the_log() -> None:
    people = make.district()
    case, evidence = make.in_approval(people)
    forged = evidence.statement.replace("1966-05-12", "1964-05-12")
    sha256, sm3 = queries.digests(forged)
    sql("update cases_evidence set statement = %s, sha256 = %s, sm3 = %s", forged, sha256, sm3)

    with pytest.raises(Conflict):
        services.decide(
            case_uid=case.uid, outcome="approve", reason="同意", by=people.approver, at=minutes(1)
        )

    rewritten = Evidence.objects.get(pk=evidence.pk)
    assert "存证日志中没有相同摘要的固定记录" in queries.faults_of(evidence=rewritten)
    assert not Decision.objects.exists()


def test_evidence_that_does_not_verify_can_still_be_sent_back() -> None:
    people = make.district()
    case, _evidence = make.in_approval(people)
    sql("update cases_claim set since = '1964-05-12' where since = '1966-05-12'")

    services.decide(
        case_uid=case.uid,
        outcome="return",
        code="R-AUT",
        reason="记载被改动",
        by=people.approver,
        at=minutes(1),
    )

    case.refresh_from_db()
    assert case.state == "returned"


def _cut(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("harm", [_cut, Path.unlink], ids=["cut", "gone"])
def test_a_damaged_master_is_an_incident_and_nothing_is_decided_on_it(
    harm: Callable[[Path], None], home: Path
) -> None:
    people = make.district()
    case, _evidence = make.in_approval(people)
    blob = make.page(case.dossier, make.CONTRACT_END).blob
    harm(master_path(home, blob.sha256))

    with pytest.raises(Damaged), transaction.atomic():
        services.decide(
            case_uid=case.uid, outcome="approve", reason="同意", by=people.approver, at=minutes(1)
        )

    assert not Decision.objects.exists()


def test_a_damaged_master_stops_the_freezing_before_it_begins(home: Path) -> None:
    people = make.district()
    case = make.in_confirmation(people)
    blob = make.page(case.dossier, make.CONTRACT_END).blob
    _cut(master_path(home, blob.sha256))

    with pytest.raises(Damaged), transaction.atomic():
        services.confirm(case_uid=case.uid, opinion="同意", by=people.second, at=minutes(1))

    case.refresh_from_db()
    assert case.state == "in_confirmation"
    assert not Evidence.objects.exists()


def test_material_added_after_the_freezing_is_told_but_does_not_stop_the_decision() -> None:
    people = make.district()
    case, _evidence = make.in_approval(people)
    make.dossiers.add_material(
        dossier=case.dossier,
        material=make.NewMaterial(
            class_code="10",
            sequence=1,
            title="补充材料",
            formed=None,
            formed_text="",
            remark="",
            pages=[make.scan(99)],
        ),
        by="inspector",
        at=minutes(1),
    )

    assert queries.changes_since_fixed(case=case) == ()
    assert queries.added_since_fixed(case=case) == 1
    services.decide(
        case_uid=case.uid, outcome="approve", reason="同意", by=people.approver, at=minutes(2)
    )
    assert Decision.objects.get().outcome == "approve"


def test_the_form_is_drawn_from_what_was_frozen() -> None:
    people = make.district()
    case, decision = make.decided(people)

    form = queries.approval_form(case=case)

    assert form == {
        "case_number": "TX-2026-000001",
        "name": "陈立",
        "sex": "男",
        "id_masked": "990101********0012",
        "dossier_number": case.dossier.number,
        "organisation": "云台d1中心",
        "birth": {
            "value": "1966-05-12",
            "rule": "劳社部发〔1999〕8号第二条第（二）项",
            "source": "《小学学籍卡》4-1-1-001",
        },
        "first_work": {
            "value": "1996-09",
            "rule": "证据权重表：参加工作时间",
            "source": "《招工登记表》9-2-1-001",
        },
        "service": [
            {
                "span": "1996-09 至 2020-12",
                "unit": "云台机械厂",
                "months": 292,
                "source": "《招工登记表》9-2-1-001",
            }
        ],
        "deemed_months": 0,
        "total_months": 292,
        "minimum_months": 180,
        "statutory_month": "2026-10",
        "retirement_month": "2026-10",
        "route": "简单件，可凭影像审批",
        "route_reasons": ["没有视同缴费年限，可凭影像审批"],
        "first_review": {
            "text": "材料齐全，同意上报",
            "name": "d1-reviewer甲",
            "at": "2026-11-25 12:00",
        },
        "second_review": {"text": "复核无误", "name": "d1-second甲", "at": "2026-11-25 12:00"},
        "approval": {"text": "符合规定", "name": "d1-approver甲", "at": "2026-11-25 12:00"},
        "outcome": "批准",
        "evidence_digest": decision.evidence.sha256,
        "ledger_index": decision.evidence.entry,
        "approving_organisation": "云台d1审批局",
        "date": "2026年11月25日",
    }


def test_the_form_comes_out_as_pdf_and_only_after_the_decision() -> None:
    people = make.district()
    case, _decision = make.decided(people)
    other = make.reviewed(people, name="王平", order=2)

    assert queries.approval_pdf(case=case).startswith(b"%PDF-")
    with pytest.raises(Conflict) as refused:
        queries.approval_pdf(case=other)

    assert refused.value.reasons == ("本业务还没有最终决定，没有审批表；请先完成审批",)


def test_another_adoption_than_the_proposed_one_is_frozen_with_its_reason() -> None:
    people = make.district()
    case = make.reviewed(people)
    services.adopt(
        case_uid=case.uid,
        fact=Fact.BIRTH,
        value="1966-06-12",
        reason="户籍更正证明",
        by=people.reviewer,
        at=NOON,
    )

    services.submit_review(case_uid=case.uid, opinion="同意", by=people.reviewer, at=NOON)
    case = services.take_case(case_uid=case.uid, by=people.second, at=NOON)
    make.look_at_key_pages(case, by=people.second, at=NOON)
    evidence = services.confirm(case_uid=case.uid, opinion="同意", by=people.second, at=NOON)

    (adopted,) = held_in(evidence)["adoptions"]
    assert (adopted["value"], adopted["proposed"], adopted["reason"]) == (
        "1966-06-12",
        "1966-05-12",
        "户籍更正证明",
    )
    assert held_in(evidence)["assessment"]["born"] == "1966-06-12"
