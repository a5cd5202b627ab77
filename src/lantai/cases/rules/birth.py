"""The time of birth: where card and dossier differ, the record made first prevails.

劳社部发〔1999〕8号 二（二）. "First" is the material that was formed first, not the earliest date
and not the first page. Nothing here decides; the result is a proposal to a person (digest §4.1).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from lantai.cases.rules.facts import ClaimFact, Reason
from lantai.lib.dates import Month, PartialDate

CLAUSE: Final = "劳社部发〔1999〕8号第二条第（二）项"


class BirthResult(StrEnum):
    """What comes of weighing the records against the card.

    AGREE: all agree; ID: the first record bears the card out, others do not; PROPOSE_FIRST: the
    first record differs from the card and prevails; DOUBT: a person must look.
    """

    AGREE = "agree"
    ID = "id"
    PROPOSE_FIRST = "propose_first"
    DOUBT = "doubt"


RESULT_LABELS: Final[dict[BirthResult, str]] = {
    BirthResult.AGREE: "档案与身份证一致",
    BirthResult.ID: "最早记载与身份证一致",
    BirthResult.PROPOSE_FIRST: "建议以档案最早记载为准",
    BirthResult.DOUBT: "存疑，须人工认定",
}


@dataclass(frozen=True)
class BirthFinding:
    """What the records say of the birth.

    ``proposed`` is None in doubt. ``first`` are the claims that may be the first record (several
    when their dates overlap), ``deviating`` those whose month differs from the proposal or, in
    doubt, from the card.
    """

    result: BirthResult
    proposed: PartialDate | None
    first: tuple[str, ...]
    deviating: tuple[str, ...]
    reasons: tuple[Reason, ...]


def establish(*, claims: Sequence[ClaimFact], id_birth: date | None) -> BirthFinding:
    """Weigh the records of birth against the card's date. ``claims`` are those of Fact.BIRTH."""
    dated = [claim for claim in claims if claim.since is not None]
    if not dated:
        return _doubt(
            [], [], Reason("档案中尚未登记出生时间的记载，请从最早形成的材料开始登记", CLAUSE)
        )
    remarks: list[Reason] = []
    records = [claim for claim in dated if not (claim.copy or claim.self_made)]
    unsound = not records
    if unsound:
        records = dated
    elif len(records) < len(dated):
        left = [claim for claim in dated if claim not in records]
        remarks.append(Reason("复印件和自制材料不作为认定依据", CLAUSE, _ids(left)))
    altered = [claim for claim in records if claim.altered]
    if altered:
        remarks.append(Reason("出生时间有涂改痕迹，请核对原件", CLAUSE, _ids(altered)))
    unaltered = [claim for claim in records if not claim.altered]
    card = Month(id_birth.year, id_birth.month) if id_birth else None
    if id_birth and card and unaltered and not unsound and _all_agree(unaltered, card):
        return BirthFinding(
            BirthResult.AGREE,
            PartialDate(id_birth.year, id_birth.month, id_birth.day),
            _ids(_first(records)),
            _ids(claim for claim in altered if _differs(claim, card)),
            (Reason(f"未涂改的 {len(unaltered)} 处记载与身份证年月一致", CLAUSE), *remarks),
        )
    return _by_first(records, card=card, id_birth=id_birth, remarks=remarks, unsound=unsound)


def _by_first(
    records: Sequence[ClaimFact],
    *,
    card: Month | None,
    id_birth: date | None,
    remarks: list[Reason],
    unsound: bool,
) -> BirthFinding:
    first = _first(records)
    doubts = _doubts(first, records, unsound=unsound)
    value = first[0].since if first else None
    month = value.as_month if value else None
    if doubts or value is None or month is None:
        against = [claim for claim in records if card is not None and _differs(claim, card)]
        return _doubt(first, against, *doubts, *remarks)
    if card is not None and id_birth is not None and month == card:
        others = [claim for claim in records if not _confirms(claim, card)]
        reason = Reason(
            f"最早形成的{first[0].source}所载出生年月与身份证一致，其他材料不一致",
            CLAUSE,
            _ids([*first, *others]),
        )
        proposed = PartialDate(id_birth.year, id_birth.month, id_birth.day)
        return BirthFinding(BirthResult.ID, proposed, _ids(first), _ids(others), (reason, *remarks))
    others = [claim for claim in records if _differs(claim, month)]
    against_card = f"与身份证 {card} 不一致" if card else "身份证号码没有可用的出生日期"
    reason = Reason(
        f"最早形成的{first[0].source}记载出生时间为 {value}，{against_card}，建议以最早记载为准",
        CLAUSE,
        _ids(first),
    )
    return BirthFinding(
        BirthResult.PROPOSE_FIRST, value, _ids(first), _ids(others), (reason, *remarks)
    )


def _first(records: Sequence[ClaimFact]) -> list[ClaimFact]:
    """The records no other was surely made before, oldest first; undated ones stand aside."""
    dated = [(claim.formed, claim) for claim in records if claim.formed is not None]
    first = [
        (formed.last_day, formed.first_day, claim.id, claim)
        for formed, claim in dated
        if not any(other.surely_before(formed) for other, _ in dated)
    ]
    return [claim for *_, claim in sorted(first, key=lambda one: one[:3])]


def _doubts(
    first: Sequence[ClaimFact], records: Sequence[ClaimFact], *, unsound: bool
) -> list[Reason]:
    """Every reason why the first record cannot carry a proposal."""
    undated = [claim for claim in records if claim.formed is None]
    if not first:
        return [
            Reason("记载出生时间的材料都没有形成时间，无法判断哪一份最早", CLAUSE, _ids(undated))
        ]
    doubts = []
    if unsound:
        doubts.append(Reason("最早记载只有复印件或自制材料，请调阅原件", CLAUSE, _ids(first)))
    altered = [claim for claim in first if claim.altered]
    if altered:
        doubts.append(Reason("最早记载的出生时间有涂改", CLAUSE, _ids(altered)))
    lunar = [claim for claim in first if claim.lunar]
    if lunar:
        doubts.append(Reason("最早记载为农历日期，须人工换算并核对公历年月", CLAUSE, _ids(lunar)))
    months = {claim.since.as_month for claim in first if claim.since is not None}
    if None in months:
        vague = [claim for claim in first if claim.since and claim.since.as_month is None]
        doubts.append(Reason("最早记载没有写明月份，不能据以计算退休年月", CLAUSE, _ids(vague)))
    if len(months) > 1:
        doubts.append(
            Reason(
                "形成时间分不出先后的材料所载出生年月不同，请核对哪一份最早", CLAUSE, _ids(first)
            )
        )
    apart = [claim for claim in undated if not {claim.since and claim.since.as_month} <= months]
    if apart:
        doubts.append(
            Reason("有未注明形成时间的材料记载不同，可能早于其他材料", CLAUSE, _ids(apart))
        )
    return doubts


def _doubt(
    first: Sequence[ClaimFact], deviating: Sequence[ClaimFact], *reasons: Reason
) -> BirthFinding:
    return BirthFinding(BirthResult.DOUBT, None, _ids(first), _ids(deviating), reasons)


def _all_agree(records: Sequence[ClaimFact], month: Month) -> bool:
    """No record speaks against the month, and whatever may be the first names it."""
    return all(not claim.lunar and not _differs(claim, month) for claim in records) and all(
        _confirms(claim, month) for claim in _first(records) or records
    )


def _confirms(claim: ClaimFact, month: Month) -> bool:
    """The record names this very month of the solar calendar."""
    return not claim.lunar and claim.since is not None and claim.since.as_month == month


def _differs(claim: ClaimFact, month: Month) -> bool:
    """The record cannot mean this month."""
    return claim.since is not None and not claim.since.overlaps(
        PartialDate(month.year, month.month)
    )


def _ids(claims: Iterable[ClaimFact]) -> tuple[str, ...]:
    return tuple(claim.id for claim in claims)
