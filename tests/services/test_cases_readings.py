"""Marks, claims and adopted facts: tied to a place that was looked at, and never overwritten."""

import cases_factories as make
import pytest
from cases_factories import HEIGHT, NOON, REGION, WIDTH, minutes

from lantai.cases import queries, services
from lantai.cases.models import Adoption, Case, Claim, Mark
from lantai.cases.rules.facts import Fact
from lantai.cases.services import NewClaim
from lantai.identity.models import User
from lantai.ledger.models import Entry
from lantai.lib.dates import PartialDate
from lantai.lib.refusals import Conflict, NotFound, Unacceptable

pytestmark = pytest.mark.django_db


def state(case: Case, by: User, **changes: object) -> Claim:
    said: dict[str, object] = {
        "fact": "birth",
        "written": "一九六六年五月十二日",
        "page_uid": make.page(case.dossier, make.SCHOOL).uid,
        "region": REGION,
        "since": PartialDate(1966, 5, 12),
    }
    claim = NewClaim(**{**said, **changes})  # type: ignore[arg-type]
    return services.state_claim(case_uid=case.uid, claim=claim, by=by, at=minutes(1))


def mark(case: Case, by: User, **changes: object) -> Mark:
    said: dict[str, object] = {
        "page_uid": make.page(case.dossier, make.HIRE).uid,
        "region": REGION,
        "kind": "key",
        "note": "",
    }
    return services.mark_page(
        case_uid=case.uid,
        by=by,
        at=minutes(1),
        **{**said, **changes},  # type: ignore[arg-type]
    )


def test_a_claim_keeps_the_words_the_partial_date_and_the_place() -> None:
    people = make.district()
    case = make.taken(people)

    claim = state(
        case,
        people.reviewer,
        written="六六年五月（农历）",
        since=PartialDate(1966, 5),
        region=(0, 0, WIDTH, HEIGHT),
        lunar=True,
        altered=True,
    )

    claim = Claim.objects.get(uid=claim.uid)
    assert (claim.written, claim.since, claim.until) == ("六六年五月（农历）", "1966-05-??", "")
    assert (claim.x, claim.y, claim.w, claim.h) == (0, 0, WIDTH, HEIGHT)
    assert (claim.lunar, claim.altered, claim.copy) == (True, True, False)
    assert claim.material.title == make.SCHOOL
    entry = Entry.objects.filter(action="cases.claim.stated").get()
    assert entry.facts["written"] == "六六年五月（农历）"
    assert entry.facts["region"] == [0, 0, WIDTH, HEIGHT]


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"region": (0, 0, 0, 10)}, ("请在影像上框选一个区域",)),
        ({"region": (0, 0, 10, -1)}, ("请在影像上框选一个区域",)),
        (
            {"region": (WIDTH - 5, 0, 6, 10)},
            ("框选区域超出影像（宽 620、高 877 像素），请重新框选",),
        ),
        (
            {"region": (-1, 0, 10, 10)},
            ("框选区域超出影像（宽 620、高 877 像素），请重新框选",),
        ),
        ({"fact": "shoe size"}, ("请选择所记载的事实",)),
        ({"written": " "}, ("请照原文填写记载内容",)),
        ({"written": "字" * 201}, ("原文不超过 200 字，内容和单位不超过 120 字，请精简",)),
        ({"since": None}, ("请填写时间；原文模糊处留空，至少要有年份",)),
        (
            {"fact": "service", "since": None},
            ("请填写时间；原文模糊处留空，至少要有年份",),
        ),
        (
            {"fact": "army", "since": None, "until": PartialDate(1990)},
            ("请填写时间；原文模糊处留空，至少要有年份",),
        ),
        ({"until": PartialDate(1970)}, ("出生时间只有一个时间，请去掉截止时间",)),
        (
            {"fact": "service", "until": PartialDate(1966, 4)},
            ("截止时间早于起始时间，请核对原文",),
        ),
        ({"fact": "name", "since": None}, ("请填写姓名",)),
        ({"fact": "sex", "since": None, "text": "男"}, ("性别请填写 1（男）或 2（女）",)),
        ({"kind": "army"}, ("所选种类不属于这项事实，请重新选择",)),
        ({"fact": "service", "kind": "expelled"}, ("所选种类不属于这项事实，请重新选择",)),
        ({"fact": "break"}, ("请选择离职、除名或处分的种类",)),
        ({"fact": "special_work"}, ("请选择特殊工种的种类",)),
    ],
)
def test_a_claim_that_is_none_is_refused_and_leaves_nothing(
    changes: dict[str, object], reasons: tuple[str, ...]
) -> None:
    people = make.district()
    case = make.taken(people)
    entries = Entry.objects.count()

    with pytest.raises(Unacceptable) as refused:
        state(case, people.reviewer, **changes)

    assert refused.value.reasons == reasons
    assert not Claim.objects.exists()
    assert Entry.objects.count() == entries


def test_the_end_of_a_service_alone_counts_for_its_month_and_no_more() -> None:
    people = make.district()
    case = make.taken(people)

    claim = state(
        case, people.reviewer, fact="service", since=None, until=PartialDate(1989, 6), unit="云台厂"
    )

    (served,) = queries.assessment(case=case).service.served
    assert (claim.since, claim.until) == ("", "1989-06-??")
    assert served.claim == claim.uid
    assert (str(served.possible.first), str(served.possible.last)) == ("1989-06", "1989-06")


def test_a_page_that_was_not_opened_for_the_case_cannot_be_read_or_marked() -> None:
    people = make.district()
    case = make.opened(people)
    case = services.take_case(case_uid=case.uid, by=people.reviewer, at=NOON)
    sentence = "您还没有为本业务打开过这一页，请先打开影像再标记或摘录"

    with pytest.raises(Conflict) as unread:
        state(case, people.reviewer)
    with pytest.raises(Conflict) as unmarked:
        mark(case, people.reviewer)

    assert unread.value.reasons == unmarked.value.reasons == (sentence,)
    assert not Claim.objects.exists()
    assert not Mark.objects.exists()


def test_a_page_another_officer_opened_does_not_count_as_opened() -> None:
    people = make.district()
    case = make.submitted(people)
    case = services.take_case(case_uid=case.uid, by=people.second, at=NOON)

    with pytest.raises(Conflict) as refused:
        mark(case, people.second)

    assert refused.value.reasons == ("您还没有为本业务打开过这一页，请先打开影像再标记或摘录",)
    assert not Mark.objects.exists()


def test_a_page_of_another_dossier_is_not_there() -> None:
    people = make.district()
    case = make.taken(people)
    other = make.dossier(body=people.body, name="王平", order=2)

    with pytest.raises(NotFound):
        state(case, people.reviewer, page_uid=make.page(other, make.SCHOOL).uid)

    assert not Claim.objects.exists()


def test_a_claim_is_withdrawn_by_its_reader_and_stays_in_the_table() -> None:
    people = make.district()
    case = make.taken(people)
    claim = state(case, people.reviewer)

    services.withdraw_claim(
        case_uid=case.uid, claim_uid=claim.uid, by=people.reviewer, at=minutes(2)
    )

    assert queries.claims_of(case=case) == []
    assert queries.claims_withdrawn(case=case) == [claim]
    with pytest.raises(Conflict) as refused:
        services.withdraw_claim(
            case_uid=case.uid, claim_uid=claim.uid, by=people.reviewer, at=minutes(3)
        )
    assert refused.value.reasons == ("已经撤销，无需重复操作",)


def test_a_mark_of_somebody_else_is_not_withdrawn() -> None:
    people = make.district()
    case = make.reviewed(people)
    made = mark(case, people.reviewer)
    services.submit_review(case_uid=case.uid, opinion="同意", by=people.reviewer, at=minutes(2))
    services.take_case(case_uid=case.uid, by=people.second, at=minutes(3))

    with pytest.raises(Conflict) as refused:
        services.withdraw_mark(
            case_uid=case.uid, mark_uid=made.uid, by=people.second, at=minutes(4)
        )

    assert refused.value.reasons == ("这是d1-reviewer甲所作，只能由本人撤销",)
    assert queries.marks_of(case=case) == [made]


def test_marks_and_claims_of_another_case_are_not_withdrawn_through_this_one() -> None:
    people = make.district()
    case = make.taken(people)
    other = make.taken(people, name="王平", order=2)
    made, claim = mark(other, people.reviewer), state(other, people.reviewer)

    with pytest.raises(NotFound):
        services.withdraw_mark(
            case_uid=case.uid, mark_uid=made.uid, by=people.reviewer, at=minutes(2)
        )
    with pytest.raises(NotFound):
        services.withdraw_claim(
            case_uid=case.uid, claim_uid=claim.uid, by=people.reviewer, at=minutes(2)
        )

    assert queries.marks_of(case=other) == [made]
    assert queries.claims_of(case=other) == [claim]


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"kind": "star"}, ("请选择标记类别",)),
        ({"kind": "doubt"}, ("疑点和备注请写明内容",)),
        ({"kind": "note", "note": " "}, ("疑点和备注请写明内容",)),
        ({"note": "字" * 201}, ("标记说明不超过 200 字，请精简",)),
    ],
)
def test_a_mark_that_is_none_is_refused(
    changes: dict[str, object], reasons: tuple[str, ...]
) -> None:
    people = make.district()
    case = make.taken(people)

    with pytest.raises(Unacceptable) as refused:
        mark(case, people.reviewer, **changes)

    assert refused.value.reasons == reasons
    assert not Mark.objects.exists()


def test_a_marked_page_has_to_be_opened_by_those_who_come_after() -> None:
    people = make.district()
    case = make.reviewed(people)
    mark(
        case,
        people.reviewer,
        page_uid=make.page(case.dossier, make.CONTRACT_END).uid,
        kind="doubt",
        note="日期有改动",
    )

    services.submit_review(case_uid=case.uid, opinion="同意", by=people.reviewer, at=minutes(2))
    case = services.take_case(case_uid=case.uid, by=people.second, at=minutes(3))

    assert queries.unopened_key_pages(case=case, user=people.second) == (
        "4-1-1-001",
        "6-1-001",
        "9-2-1-001",
        "9-2-2-001",
    )


def adopt(case: Case, by: User, *, fact: str, value: str, reason: str = "") -> Adoption:
    return services.adopt(
        case_uid=case.uid, fact=fact, value=value, reason=reason, by=by, at=minutes(2)
    )


def test_what_is_proposed_is_adopted_without_a_reason() -> None:
    people = make.district()
    case = make.reviewed(people)

    adopted = adopt(case, people.reviewer, fact="birth", value="19660512")

    assert (adopted.value, adopted.proposed, adopted.reason) == ("1966-05-12", "1966-05-12", "")
    assert adopted.rule == "劳社部发〔1999〕8号第二条第（二）项"


@pytest.mark.parametrize(
    ("fact", "value", "reasons"),
    [
        ("birth", "1966-06-12", ("采信与系统建议不同，请填写理由",)),
        ("first_work", "1995-09", ("采信与系统建议不同，请填写理由",)),
        ("identity", "干部", ("采信与系统建议不同，请填写理由",)),
        ("weight", "90", ("没有这一项事实，请从列表中选择",)),
    ],
)
def test_nothing_else_is_adopted_in_silence(
    fact: str, value: str, reasons: tuple[str, ...]
) -> None:
    people = make.district()
    case = make.reviewed(people)

    with pytest.raises(Unacceptable) as refused:
        adopt(case, people.reviewer, fact=fact, value=value)

    assert refused.value.reasons == reasons
    assert not Adoption.objects.exists()


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("birth", ""),
        ("birth", "昨天"),
        ("birth", "1966-02-30"),
        ("service", "counts"),
        ("service", "0000000000000000=out"),
        ("break", "0000000000000000=loses"),
    ],
)
def test_a_value_that_cannot_be_one_is_not_adopted(fact: str, value: str) -> None:
    people = make.district()
    case = make.reviewed(people)

    with pytest.raises(Unacceptable):
        adopt(case, people.reviewer, fact=fact, value=value, reason="理由")

    assert not Adoption.objects.exists()


def test_a_stretch_is_left_out_by_an_officers_word_and_the_finding_follows() -> None:
    people = make.district()
    case = make.reviewed(people, hired="1984-09")
    (claim,) = [one for one in queries.claims_of(case=case) if one.fact == "service"]
    # 1984-09 to 1992-09, both counted.
    assert queries.assessment(case=case).service.deemed_months == 97

    adopted = adopt(
        case, people.reviewer, fact="service", value=f"{claim.uid}=out", reason="实为学生"
    )

    assert adopted.proposed == f"{claim.uid}=counts"
    assert queries.assessment(case=case).service.deemed_months == 0


def test_the_newest_word_on_a_fact_counts_and_the_older_ones_stay() -> None:
    people = make.district()
    case = make.reviewed(people)
    adopt(case, people.reviewer, fact="birth", value="1966-06-12", reason="户籍证明")

    adopt(case, people.reviewer, fact="birth", value="1966-05-12")

    assert [one.value for one in queries.adoptions_of(case=case)] == ["1966-06-12", "1966-05-12"]
    assert str(queries.assessment(case=case).born) == "1966-05-12"


def test_the_proposal_is_made_as_if_nothing_had_been_adopted() -> None:
    people = make.district()
    case = make.reviewed(people)
    adopt(case, people.reviewer, fact="birth", value="1966-06-12", reason="户籍证明")

    assert queries.proposal(case=case, fact=Fact.BIRTH).value == "1966-05-12"
    assert queries.proposal(case=case, fact=Fact.FIRST_WORK).value == "1996-09-??"
