"""What a catalogue is, whichever file it stands in."""

from dataclasses import dataclass
from typing import Final

from lantai.lib.dates import PartialDate
from lantai.lib.refusals import Unacceptable

WORKBOOK_NAME: Final = "干部基本信息和档案目录.xlsx"
XML_NAME: Final = "数字档案.xml"


class UnreadableCatalogue(Unacceptable):
    """The file cannot be read as a catalogue at all."""


@dataclass(frozen=True)
class PersonCells:
    """The person as written: ``sex`` is 男 or 女, ``birth_text`` is kept as text."""

    name: str = ""
    sex: str = ""
    ethnic: str = ""
    birth_text: str = ""
    id_number: str = ""
    employer: str = ""


@dataclass(frozen=True)
class Entry:
    """One line of the catalogue.

    A ``sequence`` or ``page_count`` that is no number is 0, a ``formed`` that is no date is None;
    the catalogue's faults say so. ``files`` are names of original images in the order of the
    pages, ``optimised`` of processed ones; the workbook lists neither.
    """

    class_code: str
    sequence: int
    title: str
    formed: PartialDate | None
    formed_text: str
    page_count: int
    remark: str = ""
    files: tuple[str, ...] = ()
    optimised: tuple[str, ...] = ()


@dataclass(frozen=True)
class CatalogueFault:
    """Something wrong: ``Q11`` with what the catalogue says, ``Q12`` with the files it names."""

    code: str
    where: str
    sentence: str


@dataclass(frozen=True)
class Catalogue:
    """A catalogue as read, with everything that is wrong with it."""

    person: PersonCells
    entries: tuple[Entry, ...]
    faults: tuple[CatalogueFault, ...] = ()
