"""Why a verb is refused: four eyes, missing words, pages not looked at, paper not back."""

from collections.abc import Callable
from datetime import date, datetime

import cases_factories as make
import pytest
from cases_factories import NOON, District, minutes
from django.db import IntegrityError, transaction

from lantai.cases import services
from lantai.cases.models import Case
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Role
from lantai.lib.refusals import Conflict, Unacceptable

pytestmark = pytest.mark.django_db


def give(user: User, role: Role, people: District) -> None:
    identity.give_post(user=user, body=people.body, role=role, by="installer", at=make.LONG_AGO)


def test_no_officer_takes_two_steps_of_a_case() -> None:
    people = make.district()
    case = make.submitted(people)
    give(people.reviewer, Role.SECOND_REVIEWER, people)
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        services.take_case(case_uid=case.uid, by=people.reviewer, at=minutes(1))

    assert refused.value.reasons == ("您是本件的初审人，不得再任复核，请由其他人员办理",)
    assert make.everything() == before


def test_the_second_reviewer_does_not_decide_the_case() -> None:
    people = make.district()
    case, _evidence = make.frozen(people)
    give(people.second, Role.APPROVER, people)
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        services.take_case(case_uid=case.uid, by=people.second, at=minutes(1))

    assert refused.value.reasons == ("您是本件的复核人，不得再任审批，请由其他人员办理",)
    assert make.everything() == before


def test_the_clerk_who_accepted_a_case_does_not_review_it() -> None:
    people = make.district()
    case = make.opened(people)
    give(people.clerk, Role.FIRST_REVIEWER, people)
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        services.take_case(case_uid=case.uid, by=people.clerk, at=minutes(1))

    assert refused.value.reasons == ("您是本件的受理人，不得再任初审，请由其他人员办理",)
    assert make.everything() == before


@pytest.mark.parametrize(
    ("seat", "holder"),
    [
        ("first_reviewer", "clerk"),
        ("second_reviewer", "reviewer"),
        ("approver", "reviewer"),
        ("second_reviewer", "clerk"),
        ("approver", "clerk"),
    ],
)
def test_the_database_itself_holds_four_eyes(seat: str, holder: str) -> None:
    people = make.district()
    case = make.submitted(people)

    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(**{seat: getattr(people, holder)})


def test_nobody_works_on_the_own_dossier() -> None:
    people = make.district()
    held = make.dossier(body=people.body)
    User.objects.filter(pk=people.clerk.pk).update(person_uid=held.person.uid)
    people.clerk.refresh_from_db()
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        services.open_case(dossier=held, application=make.application(), by=people.clerk, at=NOON)

    assert refused.value.reasons == ("这是您本人的档案，不得办理本人业务，请交由他人办理",)
    assert make.everything() == before


def test_a_reviewer_does_not_take_the_case_of_the_own_dossier() -> None:
    people = make.district()
    case = make.opened(people)
    User.objects.filter(pk=people.reviewer.pk).update(person_uid=case.dossier.person.uid)
    people.reviewer.refresh_from_db()
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        services.take_case(case_uid=case.uid, by=people.reviewer, at=minutes(1))

    assert refused.value.reasons == ("这是您本人的档案，不得办理本人业务，请交由他人办理",)
    assert make.everything() == before


def test_another_officer_does_not_work_on_a_step_that_is_taken() -> None:
    people = make.district()
    case = make.reviewed(people)
    other = make.user("d1-other", body=people.body, role=Role.FIRST_REVIEWER)
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        services.submit_review(case_uid=case.uid, opinion="同意", by=other, at=minutes(1))

    assert "本件的初审由他人承办，您不能提交复核" in refused.value.reasons
    assert make.everything() == before


def test_a_second_case_for_the_same_dossier_waits_for_the_first() -> None:
    people = make.district()
    case = make.opened(people)
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        services.open_case(
            dossier=case.dossier, application=make.application(), by=people.clerk, at=NOON
        )

    assert refused.value.reasons == ("这份档案已有在办业务 TX-2026-000001，请办结后再受理",)
    assert make.everything() == before


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"group": "M55"}, ("请选择人员类别",)),
        ({"mode": "soon"}, ("请选择退休方式",)),
        ({"mode": "early"}, ("弹性提前或延迟退休请填写申请退休年月",)),
        ({"paid_months": -1}, ("实际缴费月数不能是负数，请按社保缴费记录填写",)),
        ({"paid_from": None}, ("请填写实际缴费起始年月",)),
        ({"cohort": "pirate"}, ("请选择缴费身份",)),
        (
            {"group": "", "mode": "late", "paid_months": -3},
            (
                "请选择人员类别",
                "弹性提前或延迟退休请填写申请退休年月",
                "实际缴费月数不能是负数，请按社保缴费记录填写",
            ),
        ),
    ],
)
def test_an_application_that_lacks_something_is_refused_with_every_fault(
    changes: dict[str, object], reasons: tuple[str, ...]
) -> None:
    people = make.district()
    held = make.dossier(body=people.body)
    before = make.everything()

    with pytest.raises(Unacceptable) as refused:
        services.open_case(
            dossier=held, application=make.application(**changes), by=people.clerk, at=NOON
        )

    assert refused.value.reasons == reasons
    assert make.everything() == before


Verb = Callable[[Case, User, datetime], object]
# A verb with blank words → the place it is done at, and the sentence that asks for the words.
WORDLESS: dict[str, tuple[str, str, Verb]] = {
    "raise": (
        "review",
        "请填写转为复杂件的理由",
        lambda case, by, at: services.raise_route(case_uid=case.uid, reason="", by=by, at=at),
    ),
    "submit": (
        "review",
        "请填写初审意见",
        lambda case, by, at: services.submit_review(case_uid=case.uid, opinion=" ", by=by, at=at),
    ),
    "call": (
        "review",
        "请写明要在实体档案上核对什么",
        lambda case, by, at: services.call_paper(case_uid=case.uid, reason="", by=by, at=at),
    ),
    "return": (
        "confirmation",
        "请填写退回理由",
        lambda case, by, at: services.return_to_reviewer(
            case_uid=case.uid, reason="", by=by, at=at
        ),
    ),
    "confirm": (
        "confirmation",
        "请填写复核意见",
        lambda case, by, at: services.confirm(case_uid=case.uid, opinion="", by=by, at=at),
    ),
    "approve": (
        "approval",
        "请填写审批意见",
        lambda case, by, at: services.decide(
            case_uid=case.uid, outcome="approve", reason="", by=by, at=at
        ),
    ),
    "reject": (
        "approval",
        "请填写不予批准的理由",
        lambda case, by, at: services.decide(
            case_uid=case.uid, outcome="reject", reason="", by=by, at=at
        ),
    ),
    "send back": (
        "approval",
        "请填写退回理由",
        lambda case, by, at: services.decide(
            case_uid=case.uid, outcome="return", code="R-BIR", reason="", by=by, at=at
        ),
    ),
}


@pytest.mark.parametrize("name", WORDLESS)
def test_a_step_without_its_words_is_refused(name: str) -> None:
    people = make.district()
    place, sentence, verb = WORDLESS[name]
    case, officer = {
        "review": lambda: (make.reviewed(people), people.reviewer),
        "confirmation": lambda: (make.in_confirmation(people), people.second),
        "approval": lambda: (make.in_approval(people)[0], people.approver),
    }[place]()
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        verb(case, officer, minutes(1))

    assert refused.value.reasons == (sentence,)
    assert make.everything() == before


@pytest.mark.parametrize(
    ("outcome", "code", "reasons"),
    [
        ("maybe", "", ("请选择审批结论：批准、不予批准或退回",)),
        ("return", "", ("退回请选择退回原因代码",)),
        ("return", "R-ZZZ", ("退回请选择退回原因代码",)),
        ("approve", "R-IMG", ("只有退回才填写退回原因代码，请去掉代码",)),
    ],
)
def test_a_decision_of_another_shape_is_refused(
    outcome: str, code: str, reasons: tuple[str, ...]
) -> None:
    people = make.district()
    case, _evidence = make.in_approval(people)
    before = make.everything()

    with pytest.raises(Unacceptable) as refused:
        services.decide(
            case_uid=case.uid,
            outcome=outcome,
            code=code,
            reason="同意",
            by=people.approver,
            at=minutes(1),
        )

    assert refused.value.reasons == reasons
    assert make.everything() == before


def test_a_review_is_not_handed_on_before_every_deciding_page_was_opened() -> None:
    people = make.district()
    case = make.opened(people)
    case = services.take_case(case_uid=case.uid, by=people.reviewer, at=NOON)
    make.look(make.page(case.dossier, make.SCHOOL), by=people.reviewer, at=NOON)
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        services.submit_review(case_uid=case.uid, opinion="同意", by=people.reviewer, at=minutes(1))

    assert refused.value.reasons == (
        "出生时间尚未认定，请登记记载并采信",
        "参加工作时间尚未认定，请登记记载并采信",
        "还有 4 页关键材料未打开查看，请逐页查看后再提交复核",
    )
    assert make.everything() == before


def test_an_approver_who_did_not_look_does_not_decide() -> None:
    people = make.district()
    case, _evidence = make.frozen(people)
    services.take_case(case_uid=case.uid, by=people.approver, at=NOON)
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        services.decide(
            case_uid=case.uid, outcome="approve", reason="同意", by=people.approver, at=minutes(1)
        )

    assert refused.value.reasons == ("还有 3 页关键材料未打开查看，请逐页查看后再准予退休",)
    assert make.everything() == before


def test_a_complex_case_is_not_approved_without_the_paper() -> None:
    people = make.district()
    case, _evidence = make.in_approval(people, born=date(1966, 7, 12))
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        services.decide(
            case_uid=case.uid, outcome="approve", reason="同意", by=people.approver, at=minutes(1)
        )

    assert refused.value.reasons == ("复杂件须先核对实体档案，请调阅实体档案后再审批",)
    assert make.everything() == before


def test_paper_that_comes_back_short_is_not_taken_back() -> None:
    people = make.district()
    case, _evidence = make.in_approval(people)
    services.call_paper(case_uid=case.uid, reason="核对", by=people.approver, at=minutes(1))
    services.hand_paper_out(case_uid=case.uid, sides=5, to="甲", by=people.archivist, at=minutes(2))
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        services.hand_paper_back(
            case_uid=case.uid, sides=4, to="甲", by=people.archivist, at=minutes(3)
        )

    assert refused.value.reasons == ("清点 4 页，登记 5 页，页数不符，请双方重新清点",)
    assert make.everything() == before


def test_a_case_is_raised_once() -> None:
    people = make.district()
    case = make.reviewed(people)
    services.raise_route(case_uid=case.uid, reason="存疑", by=people.reviewer, at=minutes(1))
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        services.raise_route(case_uid=case.uid, reason="存疑", by=people.reviewer, at=minutes(2))

    assert refused.value.reasons == ("本件已转为复杂件，无需重复操作",)
    assert make.everything() == before
