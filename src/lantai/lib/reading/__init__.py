"""Reading what pages say, as proposals: nothing read here is filled in without a person.

``title`` reads the title of a form's first page and names the nearest known title; ``fields`` reads
names, numbers and dates beside their labels; ``text`` reads everything, with places; ``stranger``
says when a page surely carries another person. Each takes an ``Engine``; ``load`` gives the one
installed, or a sentence. Regions are in stored pixels, like the findings of the image checks.
"""

from lantai.lib.reading.engine import Engine, EngineMissing, Letter, Line
from lantai.lib.reading.known import KNOWN, Known
from lantai.lib.reading.labelled import Field, fields, fields_in
from lantai.lib.reading.loading import load, missing
from lantai.lib.reading.pages import PageLine, text
from lantai.lib.reading.strangers import Stranger, stranger
from lantai.lib.reading.titles import Title, nearest, title

__all__ = [
    "KNOWN",
    "Engine",
    "EngineMissing",
    "Field",
    "Known",
    "Letter",
    "Line",
    "PageLine",
    "Stranger",
    "Title",
    "fields",
    "fields_in",
    "load",
    "missing",
    "nearest",
    "stranger",
    "text",
    "title",
]
