"""The time of birth by the record made first (劳社部发〔1999〕8号)."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from rules_factories import born

from lantai.cases.rules import birth
from lantai.cases.rules.birth import RESULT_LABELS, BirthFinding, BirthResult
from lantai.cases.rules.facts import ClaimFact
from lantai.lib.dates import PartialDate

CARD = date(1965, 3, 12)


def weigh(*claims: ClaimFact, card: date | None = CARD) -> BirthFinding:
    return birth.establish(claims=claims, id_birth=card)


def words(finding: BirthFinding) -> str:
    return "；".join(reason.sentence for reason in finding.reasons)


def test_without_any_record_the_birth_is_in_doubt() -> None:
    finding = weigh(born("无", "", "1977-09"))

    assert (finding.result, finding.proposed) == (BirthResult.DOUBT, None)
    assert "尚未登记" in words(finding)


def test_when_all_agree_to_the_month_the_day_is_that_of_the_card() -> None:
    finding = weigh(born("学籍卡", "1965-03", "1977-09"), born("招工表", "1965-03-10", "1983-09"))

    assert finding.result is BirthResult.AGREE
    assert finding.proposed == PartialDate(1965, 3, 12)
    assert finding.first == ("学籍卡",)
    assert finding.deviating == ()
    assert finding.reasons[0].clause == "劳社部发〔1999〕8号第二条第（二）项"


def test_a_later_record_of_the_year_alone_speaks_against_nothing() -> None:
    finding = weigh(born("学籍卡", "1965-03", "1977-09"), born("履历表", "1965", "1990"))

    assert finding.result is BirthResult.AGREE


def test_the_first_record_bears_the_card_out_against_later_ones() -> None:
    finding = weigh(born("学籍卡", "1965-03", "1977-09"), born("招工表", "1963-03-12", "1983-09"))

    assert finding.result is BirthResult.ID
    assert finding.proposed == PartialDate(1965, 3, 12)
    assert finding.deviating == ("招工表",)


def test_the_first_record_prevails_over_the_card() -> None:
    finding = weigh(born("学籍卡", "1964-08", "1977-09"), born("招工表", "1965-03-12", "1983-09"))

    assert finding.result is BirthResult.PROPOSE_FIRST
    assert finding.proposed == PartialDate(1964, 8)
    assert finding.deviating == ("招工表",)
    assert "1964-08" in words(finding)


def test_first_is_what_was_formed_first_and_not_the_earliest_birth_nor_the_first_page() -> None:
    finding = weigh(
        born("履历表", "1960-01", "1990"),
        born("入团志愿书", "1966-05", "1981-05"),
        born("学籍卡", "1967-01", "1977-09"),
    )

    assert finding.first == ("学籍卡",)
    assert finding.proposed == PartialDate(1967, 1)


def test_partial_dates_of_forming_are_intervals_and_an_overlap_is_a_tie() -> None:
    finding = weigh(born("学籍卡", "1964-08", "1981"), born("入团志愿书", "1965-03", "1981-05-04"))

    assert finding.result is BirthResult.DOUBT
    assert finding.first == ("入团志愿书", "学籍卡")
    assert "分不出先后" in words(finding)


def test_a_tie_that_agrees_is_no_doubt() -> None:
    finding = weigh(
        born("学籍卡", "1964-08", "1981"),
        born("入团志愿书", "1964-08-05", "1981-05-04"),
        born("招工表", "1965-03", "1983"),
    )

    assert finding.result is BirthResult.PROPOSE_FIRST
    assert finding.proposed == PartialDate(1964, 8, 5)


def test_an_altered_record_that_deviates_is_noted_and_the_others_agree() -> None:
    finding = weigh(
        born("学籍卡", "1965-03", "1977-09"), born("招工表", "1963-03", "1983", altered=True)
    )

    assert finding.result is BirthResult.AGREE
    assert finding.deviating == ("招工表",)
    assert "涂改" in words(finding)


def test_an_altered_first_record_is_in_doubt_when_the_others_do_not_agree() -> None:
    finding = weigh(
        born("学籍卡", "1964-08", "1977-09", altered=True),
        born("招工表", "1965-03", "1983"),
        born("履历表", "1966-03", "1990"),
    )

    assert finding.result is BirthResult.DOUBT
    assert "最早记载的出生时间有涂改" in words(finding)
    assert finding.deviating == ("学籍卡", "履历表")


def test_nothing_but_altered_records_is_in_doubt() -> None:
    assert weigh(born("学籍卡", "1965-03", "1977", altered=True)).result is BirthResult.DOUBT


def test_copies_and_self_made_sheets_are_left_out_while_there_are_originals() -> None:
    finding = weigh(
        born("自述", "1960-01", "1970", self_made=True),
        born("复印件", "1961-01", "1971", copy=True),
        born("学籍卡", "1965-03", "1977-09"),
    )

    assert finding.result is BirthResult.AGREE
    assert "复印件和自制材料不作为认定依据" in words(finding)


def test_nothing_but_copies_is_in_doubt_even_if_they_agree() -> None:
    finding = weigh(born("复印件", "1965-03", "1977-09", copy=True))

    assert finding.result is BirthResult.DOUBT
    assert "只有复印件" in words(finding)


def test_a_lunar_first_record_is_in_doubt_even_in_the_month_of_the_card() -> None:
    finding = weigh(born("学籍卡", "1965-03-12", "1977-09", lunar=True))

    assert finding.result is BirthResult.DOUBT
    assert "农历" in words(finding)


def test_a_lunar_record_that_is_not_the_first_is_only_noted() -> None:
    finding = weigh(
        born("学籍卡", "1965-03", "1977-09"), born("招工表", "1965-02", "1983", lunar=True)
    )

    assert (finding.result, finding.deviating) == (BirthResult.ID, ("招工表",))


def test_a_first_record_without_a_month_is_in_doubt() -> None:
    for other in ("1965-03", "1966-04"):
        finding = weigh(born("学籍卡", "1965", "1977-09"), born("招工表", other, "1983"))

        assert finding.result is BirthResult.DOUBT
        assert "没有写明月份" in words(finding)


def test_undated_records_that_agree_do_no_harm() -> None:
    finding = weigh(born("学籍卡", "1965-03", "1977-09"), born("体检表", "1965-03", ""))

    assert finding.result is BirthResult.AGREE


def test_an_undated_record_that_deviates_may_have_been_the_first() -> None:
    finding = weigh(born("学籍卡", "1965-03", "1977-09"), born("体检表", "1964-03", ""))

    assert finding.result is BirthResult.DOUBT
    assert "未注明形成时间" in words(finding)


def test_undated_records_alone_cannot_tell_which_was_first() -> None:
    finding = weigh(born("体检表", "1964-03", ""), born("卡片", "1965-03", ""))

    assert (finding.result, finding.first) == (BirthResult.DOUBT, ())
    assert "都没有形成时间" in words(finding)


def test_undated_records_that_all_agree_with_the_card_agree() -> None:
    assert weigh(born("体检表", "1965-03", "")).result is BirthResult.AGREE


def test_without_a_birth_on_the_card_the_first_record_is_proposed() -> None:
    finding = weigh(
        born("学籍卡", "1964-08", "1977-09"), born("招工表", "1965-03", "1983"), card=None
    )

    assert finding.result is BirthResult.PROPOSE_FIRST
    assert "没有可用的出生日期" in words(finding)


def test_without_a_card_a_doubt_has_nothing_to_deviate_from() -> None:
    finding = weigh(born("学籍卡", "1964-08", "1977-09", lunar=True), card=None)

    assert (finding.result, finding.deviating) == (BirthResult.DOUBT, ())


def test_every_result_has_a_label() -> None:
    assert set(RESULT_LABELS) == set(BirthResult)


FORMED = st.sampled_from(["", "1977", "1977-09", "1978-01-02", "1983", "1990-05"])
WHEN = st.sampled_from(["1965", "1965-03", "1965-03-12", "1964-08", "1966-02-03"])


@st.composite
def records(draw: st.DrawFn) -> list[ClaimFact]:
    flags = st.fixed_dictionaries(
        {name: st.booleans() for name in ("altered", "copy", "lunar", "self_made")}
    )
    return [
        born(f"c{number}", draw(WHEN), draw(FORMED), **(draw(flags) if draw(st.booleans()) else {}))
        for number in range(draw(st.integers(0, 5)))
    ]


@given(records(), st.sampled_from([CARD, None]), st.randoms())
def test_the_order_in_which_records_are_read_never_matters(
    claims: list[ClaimFact], card: date | None, chance: object
) -> None:
    shuffled = list(claims)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = weigh(*claims, card=card), weigh(*shuffled, card=card)

    assert (one.result, one.proposed, set(one.first), set(one.deviating)) == (
        other.result,
        other.proposed,
        set(other.first),
        set(other.deviating),
    )


@given(records(), st.sampled_from([CARD, None]))
def test_only_doubt_has_no_proposal_and_every_proposal_has_its_month(
    claims: list[ClaimFact], card: date | None
) -> None:
    finding = weigh(*claims, card=card)

    assert (finding.proposed is None) is (finding.result is BirthResult.DOUBT)
    assert finding.reasons
    if finding.proposed is not None:
        assert finding.proposed.as_month is not None
    if finding.result is BirthResult.PROPOSE_FIRST and card is not None:
        assert finding.proposed is not None
        assert finding.proposed.as_month != PartialDate(card.year, card.month).as_month
    if finding.result in (BirthResult.AGREE, BirthResult.ID):
        assert finding.proposed == PartialDate(1965, 3, 12)
