"""Certificates: what stands on them, who may issue them, who can check them, what takes them back."""

import datetime as dt
import hashlib
import io
import json
from pathlib import Path

import cases_factories as make
import pytest
from cases_factories import NOON, minutes
from django.db import connection
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from lantai.certificates import queries, sealing, services
from lantai.certificates.models import Certificate
from lantai.certificates.rules import Kind
from lantai.dossiers.models import Material
from lantai.ledger.models import Entry
from lantai.lib.refusals import Conflict, NotFound, NotPermitted, Unacceptable
from lantai.vault import queries as vault

pytestmark = pytest.mark.django_db


def issued(of: make.District, *, at: dt.datetime = NOON) -> Certificate:
    case, _ = make.decided(of)
    return services.issue(
        case_uid=case.uid, kind=Kind.RECORDED, purpose="核定养老待遇", by=of.clerk, at=at
    )


def test_a_certificate_says_what_was_established_and_on_which_images() -> None:
    people = make.district()
    case, _ = make.decided(people)

    made = services.issue(
        case_uid=case.uid, kind=Kind.RECORDED, purpose=" 核定养老待遇 ", by=people.clerk, at=NOON
    )

    face = json.loads(made.face)
    assert made.number == "2026-D1-000001"
    assert face["name"] == "陈立"
    assert face["purpose"] == "核定养老待遇"
    assert face["facts"][0]["label"] == "出生时间"
    assert face["facts"][0]["value"].startswith("1966-05-12")
    assert all(fact["source"] for fact in face["facts"])
    assert made.valid_until == dt.date(2027, 5, 25)
    assert made.digest == hashlib.sha256(made.face.encode()).hexdigest()
    last = Entry.objects.filter(stream="records").order_by("-index").first()
    assert last is not None
    assert last.action == "certificates.certificate.issued"
    assert last.facts["paper"] == made.paper.sha256


def test_a_deposit_certificate_needs_no_case_and_names_the_deposit_form() -> None:
    people = make.district()
    held = make.dossier(body=people.body)
    Material.objects.filter(dossier=held, title=make.SCHOOL).update(
        title="流动人员委托存档协议书", formed="2001-07-??"
    )

    made = services.issue_deposit(dossier_uid=held.uid, purpose="求职", by=people.clerk, at=NOON)

    facts = json.loads(made.face)["facts"]
    assert facts[0]["label"] == "委托存档"
    assert facts[0]["value"] == "2001-07"
    assert facts[0]["source"].startswith("流动人员委托存档协议书 ")
    assert made.case is None


def test_certificates_are_numbered_without_gaps() -> None:
    people = make.district()
    case, _ = make.decided(people)

    numbers = [
        services.issue(
            case_uid=case.uid, kind=Kind.DEPOSIT, purpose="求职", by=people.clerk, at=minutes(later)
        ).number
        for later in range(3)
    ]

    assert numbers == ["2026-D1-000001", "2026-D1-000002", "2026-D1-000003"]


def test_the_paper_is_signed_and_a_changed_byte_breaks_the_signature(home: Path) -> None:
    people = make.district()
    made = issued(people)
    content = vault.read(made.paper.sha256)
    trusted = load_cert_from_pemder(str(sealing.certificate_file(home)))

    def intact(pdf: bytes) -> tuple[bool, bool]:
        signature = PdfFileReader(io.BytesIO(pdf)).embedded_signatures[0]
        status = validate_pdf_signature(
            signature, signer_validation_context=ValidationContext(trust_roots=[trusted])
        )
        return bool(status.intact), bool(status.trusted)

    at = content.index(b"/Producer") + 12
    changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    assert intact(content) == (True, True)
    assert intact(changed)[0] is False


@pytest.mark.parametrize("purpose", ["", "   "])
def test_a_certificate_needs_a_purpose_and_leaves_nothing_without_one(purpose: str) -> None:
    people = make.district()
    case, _ = make.decided(people)
    entries = Entry.objects.count()

    with pytest.raises(Unacceptable) as refused:
        services.issue(
            case_uid=case.uid, kind=Kind.RECORDED, purpose=purpose, by=people.clerk, at=NOON
        )

    assert refused.value.reasons == ("请填写证明用途",)
    assert not Certificate.objects.exists()
    assert Entry.objects.count() == entries


def test_recorded_facts_are_certified_only_after_approval() -> None:
    people = make.district()
    case, _ = make.decided(people, outcome="reject")

    with pytest.raises(Unacceptable) as refused:
        services.issue(
            case_uid=case.uid, kind=Kind.RECORDED, purpose="核定", by=people.clerk, at=NOON
        )

    assert refused.value.reasons == ("档案记载证明须依据已核准的退休业务，请先办结审批",)
    assert not Certificate.objects.exists()


def test_only_the_window_issues_and_only_for_its_own_body() -> None:
    people, others = make.district("d1"), make.district("d2")
    case, _ = make.decided(people)

    with pytest.raises(NotPermitted):
        services.issue(
            case_uid=case.uid, kind=Kind.DEPOSIT, purpose="求职", by=people.approver, at=NOON
        )
    with pytest.raises(NotFound):
        services.issue(
            case_uid=case.uid, kind=Kind.DEPOSIT, purpose="求职", by=others.clerk, at=NOON
        )

    assert not Certificate.objects.exists()


def test_anyone_holding_number_and_code_can_check_and_nobody_else() -> None:
    people = make.district()
    made = issued(people)

    assert queries.by_code(number=made.number.lower(), code=made.code) == made
    assert queries.by_code(number=made.number, code=made.code.replace("-", " ").lower()) == made
    assert queries.by_code(number=made.number, code=made.code[:-1] + "2") != made or (
        made.code.endswith("2")
    )
    assert queries.by_code(number="2026-D1-000009", code=made.code) is None


def test_a_revoked_certificate_is_told_as_such_and_cannot_be_revoked_twice() -> None:
    people = make.district()
    made = issued(people)

    services.revoke(number=made.number, reason="姓名有误", by=people.clerk, at=minutes(1))
    with pytest.raises(Conflict) as again:
        services.revoke(number=made.number, reason="姓名有误", by=people.clerk, at=minutes(2))

    made.refresh_from_db()
    assert again.value.reasons == ("证明已经撤销，无需重复操作",)
    assert made.revoked_at == minutes(1)
    assert queries.state(certificate=made, on=NOON.date()) == "revoked"


def test_a_certificate_is_good_through_its_last_day() -> None:
    people = make.district()
    made = issued(people)

    assert queries.state(certificate=made, on=made.valid_until) == "valid"
    assert queries.state(certificate=made, on=made.valid_until + dt.timedelta(days=1)) == "expired"


def test_each_handing_out_is_recorded() -> None:
    people = make.district()
    made = issued(people)

    content = services.hand_out(number=made.number, by=people.clerk, at=minutes(5))

    last = Entry.objects.filter(stream="access").order_by("-index").first()
    assert content.startswith(b"%PDF-")
    assert last is not None
    assert (last.action, last.actor) == (
        "certificates.certificate.handed-out",
        people.clerk.username,
    )


@pytest.mark.parametrize(
    ("column", "value", "field"),
    [
        ("face", '{"name":"别人"}', "face"),
        ("number", "2026-D1-000777", "number"),
        ("valid_until", "2036-01-01", "valid_until"),
        ("revoke_reason", "x", ""),
    ],
)
def test_a_certificate_edited_behind_the_programs_back_is_found(
    column: str, value: str, field: str
) -> None:
    people = make.district()
    made = issued(people)
    assert list(queries.check_rows()) == []

    with connection.cursor() as raw:
        if column == "revoke_reason":
            raw.execute(
                "UPDATE certificates_certificate SET revoke_reason=%s, revoked_at=%s,"
                " revoked_by_id=%s WHERE id=%s",
                [value, NOON, people.clerk.pk, made.pk],
            )
        else:
            statement = f"UPDATE certificates_certificate SET {column}=%s WHERE id=%s"  # noqa: S608 -- fixed words
            raw.execute(statement, [value, made.pk])

    found = list(queries.check_rows())
    assert [row.field for row in found] == [field]
    assert found[0].table == "certificates_certificate"


def test_a_certificate_removed_behind_the_programs_back_is_found() -> None:
    people = make.district()
    made = issued(people)

    with connection.cursor() as raw:
        raw.execute("DELETE FROM certificates_certificate WHERE id=%s", [made.pk])

    assert [row.key for row in queries.check_rows()] == [f"certificate:{made.uid}"]


def test_the_list_costs_the_same_however_long_it_is(
    django_assert_num_queries: pytest.FixtureRequest,
) -> None:
    people = make.district()
    first = issued(people)
    Certificate.objects.bulk_create(
        Certificate(
            number=f"2026-D1-{number:06d}",
            code=f"AAAA-AAAA-AAAA-{number:04d}",
            kind=Kind.DEPOSIT,
            body=first.body,
            dossier=first.dossier,
            purpose="求职",
            face=first.face,
            digest=first.digest,
            paper=first.paper,
            issued_by=people.clerk,
            issued_at=NOON,
            valid_until=first.valid_until,
        )
        for number in range(2, 702)
    )

    with django_assert_num_queries(4):  # posts, two steps of the tree of bodies, the rows  # type: ignore[operator]
        page = list(queries.in_scope(user=people.clerk, at=NOON)[:30])
        names = {row.dossier.person.name for row in page}

    assert (len(page), names) == (30, {"陈立"})
