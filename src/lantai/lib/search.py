"""The words under which a dossier is found, and the words a query asks for.

A word is a prefix naming the field and the folded text: ``n:`` name, ``p:`` pinyin, ``i:`` citizen
number, ``d:`` dossier number, ``e:`` employer, ``t:`` material title. A query matches a dossier
that has every word of it. Names are indexed by single characters and by pairs, so that one and two
characters find them; other texts by pairs (scale study §2). Folding is for matching only: what is
shown stays as on the source (domain digest §6.3).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product
from typing import Final

from pypinyin import Style, pinyin

from lantai.lib import idnumber
from lantai.lib.catalogue import MaterialKind, kind_of

LONGEST: Final = 60
MOST_READINGS: Final = 8
_RUNS_UP_TO: Final = 4  # longer names are found by whole parts and by syllables

# Forms of one surname or character; the first of each set stands for all.
_VARIANTS: Final = (
    "肖萧蕭", "闫阎閻", "付傅", "兰蓝藍", "邱丘", "于於", "范範", "叶葉", "戴代", "沈瀋", "钟鍾锺",
    "谢謝",
)  # fmt: skip
_FOLD: Final = str.maketrans({other: forms[0] for forms in _VARIANTS for other in forms[1:]})
_DOTS: Final = "·•・．‧∙⋅."
_SPLIT: Final = re.compile(rf"[\s{re.escape(_DOTS)}]+")
_BLANK: Final = re.compile(r"[\s,，;；、]+")
_NO_TEXT: Final = re.compile(r"[\W_]+")
_LATIN: Final = re.compile(r"[a-z]+")
_ID: Final = re.compile(r"[0-9]{15}|[0-9]{17}[0-9X]")
_LAST_FOUR: Final = re.compile(r"[0-9]{3}[0-9X]")
_NUMBER: Final = re.compile(r"(?:[A-Z0-9]+-)*[0-9]{4}-[0-9]+|[0-9]+")
_EMPLOYER: Final = re.compile(
    r"(厂|公司|集团|学校|中学|小学|学院|大学|医院|局|研究所|研究院|中心|商店|商场|车站|银行|合作社|矿|农场)$"
)
_FORM: Final = re.compile(r"(表|卡|书|证|证明|决定|合同|材料|鉴定|自传|通知)$")
# Written before a word, these say which field is meant.
_FIELDS: Final = {
    "姓名": "n", "单位": "e", "材料": "t", "档案编号": "d", "编号": "d", "身份证": "i", "拼音": "p",
}  # fmt: skip
_FIELD: Final = re.compile(rf"({'|'.join(_FIELDS)})[:：](.+)")


@dataclass(frozen=True)
class Query:
    """What a query asks for: a dossier must have all of the words. No words find nothing sought."""

    text: str
    tokens: tuple[str, ...]


def fold_name(name: str) -> str:
    """A name as it is matched: without dots and blanks, the forms of a character as one.

    NFC with an explicit table, for NFKC would fold what must stay apart.
    """
    return "".join(_parts_of_name(name))


def tokens_of_name(name: str) -> Iterator[str]:
    """Characters, pairs, and the pinyin of a name: whole, its runs, and its initials."""
    yield from _once(_name_tokens(name))


def tokens_of_id(number: str) -> Iterator[str]:
    """A citizen number whole, in the form of 15 and of 18 characters, and its last four."""
    yield from _once(_id_tokens(number))


def tokens_of_number(number: str) -> Iterator[str]:
    """A dossier number whole, without the body's code, and its running number alone."""
    plain = _plain_number(number)
    if not plain:
        return
    parts = plain.split("-")
    tails = {"-".join(parts[first:]) for first in range(len(parts))}
    tails |= {_serial(parts[-1])}
    yield from (_token("d", tail) for tail in sorted(tails) if tail)


def tokens_of_employer(name: str) -> Iterator[str]:
    """The pairs of an employer's name."""
    yield from _once(_token("e", pair) for pair in _pairs(_plain_text(name)))


def tokens_of_title(title: str) -> Iterator[str]:
    """The pairs of a material's title."""
    yield from _once(_token("t", pair) for pair in _pairs(_plain_text(title)))


def tokens_of_query(text: str) -> Query:
    """Read what somebody typed: words parted by blanks, each for the field it looks like.

    Digits are a citizen number (15 or 18), its end (4) or a dossier number; letters are pinyin;
    characters are a name, unless they end like an employer or a form or are longer than a name. A
    word may name its field: 单位:光明, 材料:招工, 姓名:李, 编号:12.
    """
    tokens = [token for word in _BLANK.split(text.strip()) for token in _query_tokens(word)]
    return Query(text, tuple(_once(tokens)))


def _query_tokens(word: str) -> Iterable[str]:
    named = _FIELD.fullmatch(word)
    if named:
        return _BY_FIELD[_FIELDS[named[1]]](named[2])
    upper = unicodedata.normalize("NFKC", word).upper()
    if _ID.fullmatch(upper) or _LAST_FOUR.fullmatch(upper):
        return _asked_id(upper)
    if _NUMBER.fullmatch(upper):
        return _asked_number(upper)
    if _LATIN.fullmatch(_plain_latin(word)):
        return _asked_pinyin(word)
    plain = _plain_text(word)
    if _looks_like_form(plain):
        return _asked_text("t", plain)
    if _EMPLOYER.search(plain) or (len(plain) > _RUNS_UP_TO and not _SPLIT.search(word)):
        return _asked_text("e", plain)
    return _asked_name(word)


def _looks_like_form(plain: str) -> bool:
    return bool(_FORM.search(plain)) and kind_of(plain) is not MaterialKind.OTHER


def _asked_name(word: str) -> Iterable[str]:
    parts = _parts_of_name(word)
    return [
        _token("n", piece)
        for part in parts
        for piece in (_pairs(part) if len(part) > 1 else [part])
    ]


def _asked_pinyin(word: str) -> Iterable[str]:
    plain = _plain_latin(word)
    return [_token("p", plain)] if plain else []


def _asked_id(word: str) -> Iterable[str]:
    return [_token("i", word.strip().upper())]


def _asked_number(word: str) -> Iterable[str]:
    plain = _plain_number(word)
    return [_token("d", plain if "-" in plain else _serial(plain))] if plain else []


def _asked_text(field: str, word: str) -> Iterable[str]:
    plain = _plain_text(word)
    return [_token(field, pair) for pair in _pairs(plain)]


_BY_FIELD: Final[dict[str, Callable[[str], Iterable[str]]]] = {
    "n": _asked_name,
    "p": _asked_pinyin,
    "i": _asked_id,
    "d": _asked_number,
    "e": lambda word: _asked_text("e", word),
    "t": lambda word: _asked_text("t", word),
}


def _name_tokens(name: str) -> Iterator[str]:
    parts = _parts_of_name(name)
    whole = "".join(parts)
    yield from (_token("n", letter) for letter in whole)
    yield from (_token("n", pair) for pair in _neighbours(whole))
    if _LATIN.fullmatch(whole):
        yield from (_token("p", part) for part in (whole, *parts))
    for part in (whole, *parts):
        yield from _pinyin_tokens(part)


def _pinyin_tokens(part: str) -> Iterator[str]:
    syllables = [readings for letter in part if (readings := _readings(letter))]
    yield from (_token("p", reading) for readings in syllables for reading in readings)
    for said in _spoken(syllables):
        length = len(said)
        if length > _RUNS_UP_TO:
            yield _token("p", "".join(said))
            yield _token("p", "".join(syllable[0] for syllable in said))
            continue
        for first in range(length):
            for last in range(first + 1, length + 1):
                yield _token("p", "".join(said[first:last]))
                if last - first > 1:
                    yield _token("p", "".join(syllable[0] for syllable in said[first:last]))


def _spoken(syllables: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The ways to say a name, the usual first, at most MOST_READINGS of them."""
    if not syllables:
        return []
    if len(syllables) > _RUNS_UP_TO:
        return [tuple(readings[0] for readings in syllables)]
    ways = product(*(list(enumerate(readings)) for readings in syllables))
    ranked = sorted(ways, key=lambda way: sum(rank for rank, _ in way))
    return [tuple(reading for _, reading in way) for way in ranked[:MOST_READINGS]]


@lru_cache(maxsize=20_000)
def _readings(letter: str) -> tuple[str, ...]:
    """How a character is read, the usual first; () for one without a known reading."""
    found = pinyin(letter, style=Style.NORMAL, heteronym=True, errors="ignore")
    readings = []
    for reading in found[0] if found else ():
        plain = reading.replace("ü", "v")
        if _LATIN.fullmatch(plain):
            readings.append(plain)
            if "v" in plain:
                readings.append(plain.replace("v", "yu"))  # 吕: lv as typed, lyu in passports
    return tuple(dict.fromkeys(readings))


def _id_tokens(number: str) -> Iterator[str]:
    upper = number.strip().upper()
    if not upper:
        return
    yield _token("i", upper)
    if _ID.fullmatch(upper):
        whole = idnumber.to18(upper)
        yield from (_token("i", form) for form in (whole, whole[-4:], upper[-4:]))
        if whole[6:8] == "19":
            yield _token("i", whole[:6] + whole[8:17])


def _parts_of_name(name: str) -> list[str]:
    plain = "".join(_plain_letter(letter) for letter in unicodedata.normalize("NFC", name))
    return [part for part in _SPLIT.split(plain.lower().translate(_FOLD)) if part]


def _plain_letter(letter: str) -> str:
    """Kangxi radicals as the characters they show; marks without a shape of their own dropped."""
    if "⼀" <= letter <= "⿕":
        return unicodedata.normalize("NFKC", letter)
    return (
        ""
        if unicodedata.category(letter) in ("Cf", "Cc", "Mn") and letter not in "\t\n"
        else letter
    )


def _plain_text(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).lower().translate(_FOLD)
    return _NO_TEXT.sub("", folded)


def _plain_latin(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).lower().replace("ü", "v")
    return re.sub(r"[\s'’-]", "", folded)


def _plain_number(number: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", number)).upper()


def _serial(digits: str) -> str:
    return digits.lstrip("0") or digits[-1:]


def _neighbours(text: str) -> list[str]:
    """The pairs of neighbouring characters: 彭建国 → 彭建, 建国."""
    return [first + second for first, second in pairwise(text)]


def _pairs(text: str) -> list[str]:
    """The pairs of a text; a single character stands for itself."""
    return _neighbours(text) or ([text] if text else [])


def _token(field: str, text: str) -> str:
    return f"{field}:{text}"[:LONGEST]


def _once(tokens: Iterable[str]) -> Iterator[str]:
    yield from dict.fromkeys(tokens)
