"""Whether a page surely carries another person: a hint that it lies in the wrong dossier (Q06).

It speaks only when it is sure: a page that names the person anywhere is the person's, a number
must be whole and differ in more than a misread or an altered birth would change, and a name must
share no character with any name the person is known by.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from lantai.lib import idnumber
from lantai.lib.imagery.upright import Region
from lantai.lib.reading.fold import fold
from lantai.lib.reading.labelled import Field

_SURE: Final = 0.9
_SURE_NAME: Final = 0.97
_FEWEST_DIGITS: Final = 5  # of eighteen: other division, birth and sequence, not a slip


@dataclass(frozen=True)
class Stranger:
    """Another person on a page. ``sentence`` tells it with numbers masked, ``by`` what told it."""

    by: str  # "id_number" or "name"
    sentence: str
    region: Region
    confidence: float


def stranger(
    found: Sequence[Field], *, names: Collection[str], id_numbers: Collection[str] = ()
) -> Stranger | None:
    """Say whether a page carries another person than the one expected.

    ``found`` are the fields of one page, from the top; ``names`` all names the person is known by,
    former ones too, ``id_numbers`` those known, of 15 or 18 places. Without any, nothing is said.
    """
    expected = {_whole(each) for each in id_numbers if not idnumber.faults(each)}
    ours = {fold(each) for each in names if each}
    numbers = [
        (each, _whole(each.value))
        for each in found
        if each.fact == "id_number" and not each.faults and each.confidence >= _SURE
    ]
    called = [each for each in found if each.fact == "name" and each.label]
    if any(number in expected for _, number in numbers) or any(
        _may_be(each.value, ours) for each in called
    ):
        return None
    for field, number in numbers:
        if expected and min(_apart(number, one) for one in expected) >= _FEWEST_DIGITS:
            return Stranger(
                by="id_number",
                sentence=(
                    f"本页写有另一个公民身份号码 {idnumber.mask(field.value)}，与本卷不符；"
                    "请核对是否装错卷"
                ),
                region=field.region,
                confidence=field.confidence,
            )
    if ours and called and called[0].confidence >= _SURE_NAME:
        return Stranger(
            by="name",
            sentence=f"本页姓名读作“{called[0].written}”，与本卷不符；请核对是否装错卷",
            region=called[0].region,
            confidence=called[0].confidence,
        )
    return None


def _whole(number: str) -> str:
    return idnumber.to18(number)


def _apart(one: str, other: str) -> int:
    """In how many places two numbers differ, the check character aside."""
    return sum(a != b for a, b in zip(one[:17], other[:17], strict=True))


def _may_be(name: str, ours: Collection[str]) -> bool:
    """Whether a name as read may be one of the person's: it shares a character with it."""
    return any(set(name) & set(one) for one in ours)
