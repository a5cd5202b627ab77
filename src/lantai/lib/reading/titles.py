"""The title of a material, read from its first page, with the nearest title that is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lantai.lib.catalogue import MaterialKind, kind_of
from lantai.lib.imagery.upright import Region
from lantai.lib.imagery.view import View
from lantai.lib.reading.engine import Engine, Line
from lantai.lib.reading.fold import fold
from lantai.lib.reading.headings import Place, headings, straight
from lantai.lib.reading.known import KNOWN, Known
from lantai.lib.reading.pages import stored

_TRIES: Final = 3
_SURE: Final = 0.5
_FEWEST: Final = 3
_LONGEST: Final = 30
_LARGE_MM: Final = 4.6
_LIKE: Final = 0.75
_SAME_LETTER: Final = 0.75  # of the height: two lines of one title
_NEXT_LINE: Final = 2.2  # letters between the tops of two lines of one title
_BEFORE: Final = 0.06  # each character more before a known title: a unit, a school, a year
_AFTER: Final = 0.5  # each character more behind it: that changes what it is


@dataclass(frozen=True)
class Title:
    """A title as a proposal. ``text`` is folded to simplified characters, ``written`` is not.

    ``known`` is the nearest known title, None if none is near; ``likeness`` how near, 0 to 1.
    ``region`` is in stored pixels.
    """

    text: str
    written: str
    region: Region
    confidence: float
    known: Known | None
    likeness: float

    @property
    def class_code(self) -> str | None:
        """The leaf of the catalogue materials of that title usually stand in."""
        return self.known.class_code if self.known else None

    @property
    def kind(self) -> MaterialKind:
        """What the material is, by its words; by the known title where they say nothing."""
        by_words = kind_of(self.text)
        if by_words is MaterialKind.OTHER and self.known:
            return kind_of(self.known.title)
        return by_words


def title(view: View, *, engine: Engine, known: Sequence[Known] = KNOWN) -> Title | None:
    """Read the title of a page, None where none is seen: most second pages have none.

    ``known`` are the titles an office uses, with the leaf each is filed under.
    """
    places = headings(view)
    unknown: Title | None = None
    for place in places[:_TRIES]:
        line = engine.read(straight(view.fine, place))
        if _is_title(line):
            found = _whole(view, place, line, places=places, engine=engine, known=known)
            if found.known:
                return found
            if unknown is None and _stands_out(found, place, view):
                unknown = found
    return unknown


def nearest(text: str, known: Sequence[Known] = KNOWN) -> tuple[Known | None, float]:
    """The known title nearest to a text and its likeness; None when none is near."""
    plain = "".join(each for each in text if _is_letter(each))
    seen = set(plain)
    best: tuple[float, int, Known] | None = None
    for each in known:
        if 2 * len(seen & set(each.title)) < len(set(each.title)):
            continue
        likeness = _likeness(plain, each.title)
        if best is None or (likeness, len(each.title)) > best[:2]:
            best = (likeness, len(each.title), each)
    if best is None or best[0] < _LIKE:
        return None, best[0] if best else 0.0
    return best[2], best[0]


def _whole(
    view: View,
    place: Place,
    line: Line,
    *,
    places: Sequence[Place],
    engine: Engine,
    known: Sequence[Known],
) -> Title:
    """The title with a second line of like letters right below, when both together are known."""
    one = _proposed(view, [(place, line)], known)
    if one.known and one.likeness > 0.95:
        return one
    for other in places:
        apart = other.box[1] - place.box[1]
        alike = min(other.letter, place.letter) > _SAME_LETTER * max(other.letter, place.letter)
        if alike and 0 < apart < _NEXT_LINE * place.letter:
            more = engine.read(straight(view.fine, other))
            both = _proposed(view, [(place, line), (other, more)], known)
            return both if _is_title(more) and both.likeness > one.likeness else one
    return one


def _proposed(view: View, lines: list[tuple[Place, Line]], known: Sequence[Known]) -> Title:
    written = "".join(line.text for _, line in lines).strip()
    text = fold(written).replace(" ", "")
    match, likeness = nearest(text, known)
    boxes = [place.box for place, _ in lines]
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right = max(box[0] + box[2] for box in boxes)
    bottom = max(box[1] + box[3] for box in boxes)
    return Title(
        text=text,
        written=written,
        region=stored(view, (left, top, right - left, bottom - top)),
        confidence=min(line.confidence for _, line in lines),
        known=match,
        likeness=round(likeness, 3),
    )


def _is_title(line: Line) -> bool:
    letters = [letter for letter in line.letters if _is_letter(letter.character)]
    return len(letters) >= _FEWEST and line.confidence >= _SURE


def _stands_out(found: Title, place: Place, view: View) -> bool:
    """Whether a line no list knows may be a title: short, and larger than running text."""
    return len(found.text) <= _LONGEST and place.letter >= _LARGE_MM * 2 * view.mm


def _is_letter(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff" or character.isalnum()


def _likeness(text: str, title: str) -> float:
    """1 for the title itself, less for each character changed, wanting or too many.

    What stands before the title costs little, since forms print the unit or the year there.
    """
    row = [_BEFORE * at for at in range(len(text) + 1)]
    for done, wanted in enumerate(title, 1):
        above, row = row, [float(done)]
        for at, seen in enumerate(text, 1):
            changed = above[at - 1] + (seen != wanted)
            row.append(min(changed, above[at] + 1, row[at - 1] + 1))
    cost = min(held + _AFTER * (len(text) - at) for at, held in enumerate(row))
    return max(0.0, 1 - cost / len(title))
