"""The catalogue that comes and goes with scans: the workbook and the XML of exchange packages.

Names, sheets and elements are those of public systems built on GB/T 33870-2017 (domain digest
§2.6). Nothing that is read is trusted: sizes are bounded, entities and formulas are refused, and
everything wrong with a catalogue is named at once. A date stays as partial as it was written.
"""

from lantai.lib.package.exchange import read_xml, write_xml
from lantai.lib.package.shape import (
    WORKBOOK_NAME,
    XML_NAME,
    Catalogue,
    CatalogueFault,
    Entry,
    PersonCells,
    UnreadableCatalogue,
)
from lantai.lib.package.workbook import read_workbook, write_workbook

__all__ = [
    "WORKBOOK_NAME",
    "XML_NAME",
    "Catalogue",
    "CatalogueFault",
    "Entry",
    "PersonCells",
    "UnreadableCatalogue",
    "read_workbook",
    "read_xml",
    "write_workbook",
    "write_xml",
]
