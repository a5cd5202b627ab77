"""Citizen numbers, GB 11643-1999: 6 division + 8 birth + 3 sequence + check (MOD 11-2).

The 15-digit form in use until 1999-10 (6 + yymmdd + 3, without check) is read as well. The division
is that of the place when the number was first given, so codes abolished long ago (110103, 110224)
stay good and only the province is looked at (domain digest §1.6). A number with faults on old paper
is evidence: these functions judge it, and nothing corrects it.
"""

import datetime as dt
import re
from typing import Final, Literal

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS: Final = "10X98765432"
_EIGHTEEN: Final = re.compile(r"[0-9]{17}[0-9X]")
_FIFTEEN: Final = re.compile(r"[0-9]{15}")
# GB/T 2260 provinces, 81–83 for residence cards of Hong Kong, Macao and Taiwan people, and 99,
# which was never given to a place and marks fictional people.
_PROVINCES: Final = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|99")
_OLDEST_BIRTH: Final = 1850  # the standard's own sample was born in 1880
_SHORT: Final = 15


def check_digit(first17: str) -> str:
    """The eighteenth character; ValueError unless given seventeen digits."""
    if not re.fullmatch(r"[0-9]{17}", first17):
        raise ValueError(f"需要 17 位数字，实为 {len(first17)} 位")
    total = sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True))
    return _CHECKS[total % 11]


def faults(number: str) -> tuple[str, ...]:
    """Return a sentence for everything wrong with a number of 15 or 18 characters; () = good."""
    if not number:
        return ("公民身份号码为空，请填写",)
    if not (_EIGHTEEN.fullmatch(number) or _FIFTEEN.fullmatch(number)):
        return (_shape_fault(number),)
    found = []
    if not _PROVINCES.fullmatch(number[:2]):
        found.append(f"公民身份号码前两位“{number[:2]}”不是省级行政区划代码，请核对")
    if birth(number) is None:
        found.append(f"公民身份号码中的出生日期“{_birth_digits(number)}”不存在，请核对")
    if len(number) != _SHORT and check_digit(number[:17]) != number[17]:
        found.append("公民身份号码的校验码不对，可能有一位写错，请与证件核对")
    return tuple(found)


def birth(number: str) -> dt.date | None:
    """The day of birth a number carries, None if it carries none. It is a claim, not the fact."""
    if not (_EIGHTEEN.fullmatch(number) or _FIFTEEN.fullmatch(number)):
        return None
    try:
        found = dt.datetime.strptime(_birth_digits(number), "%Y%m%d").date()  # noqa: DTZ007 - a day
    except ValueError:
        return None
    return found if found.year >= _OLDEST_BIRTH else None


def sex(number: str) -> Literal["1", "2"] | None:
    """``"1"`` man, ``"2"`` woman (GB/T 2261.1), None if the number has another shape."""
    if _EIGHTEEN.fullmatch(number):
        return "1" if int(number[16]) % 2 else "2"
    if _FIFTEEN.fullmatch(number):
        return "1" if int(number[14]) % 2 else "2"
    return None


def to18(number: str) -> str:
    """The 18-character form: a 15-digit number gains 19 and its check, one of 18 stays.

    Raise ValueError for any other shape.
    """
    if _EIGHTEEN.fullmatch(number):
        return number
    if _FIFTEEN.fullmatch(number):
        first17 = f"{number[:6]}19{number[6:]}"
        return first17 + check_digit(first17)
    raise ValueError(_shape_fault(number))


def mask(number: str) -> str:
    """The number with birth and first sequence digits starred: ``990101********0042``.

    What is too short to be a citizen number is starred whole.
    """
    if len(number) < _SHORT:
        return "*" * len(number)
    return f"{number[:6]}{'*' * (len(number) - 10)}{number[-4:]}"


def _birth_digits(number: str) -> str:
    return number[6:14] if len(number) != _SHORT else "19" + number[6:12]


def _shape_fault(number: str) -> str:
    if number != number.strip() or any(letter.isspace() for letter in number):
        return "公民身份号码中有空格，请删去"
    if _EIGHTEEN.fullmatch(number.upper()):
        return "公民身份号码末位的 x 应写成大写 X"
    if len(number) not in (15, 18):
        return f"公民身份号码应为 18 位（旧号 15 位），现为 {len(number)} 位，请核对"
    return "公民身份号码只能由数字组成（18 位号码末位可为 X），请核对"
