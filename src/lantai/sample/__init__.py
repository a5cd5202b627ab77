"""Fictional dossiers as scans, with the truth beside them.

``write`` fills a scanner folder; ``generate`` does the same and hands over each dossier's truth as
soon as its folder is whole. The same seed gives the same bytes, with any number of workers.
Nobody in them lives: names, places and employers are invented, and every citizen number begins with
the division 990101, which was never given to a place.

``truth.json``: ``seed``, ``dpi``, ``planted``, ``empty_folders``, ``dossiers``. A dossier has

- ``number``, ``folder``, ``catalogue``, ``catalogue_id_number``, ``person``, ``career``, ``group``;
- ``facts``: the life to the day, with its ``intervals`` (stage, start, end, unit, post);
- ``paper_sides``: what a person counting the paper finds; ``materials``: the catalogue;
- ``planted``: for each plant its ``name``, ``sentence`` and, by kind, ``file``, ``fact``, ``true``,
  ``shown``;
- ``pages``: for each image ``file``, ``path``, ``present``, ``listed``, ``material``, ``key``,
  ``title``, ``page``, ``planted``, ``width``, ``height``, ``dpi``, ``colour``, ``skew_degrees``
  (clockwise positive), ``turned`` (counter-clockwise), ``blank``, ``sheet``, ``seals``, ``claims``;
- ``claims``: those of all pages together, each with its ``file`` and ``material``.

A claim is what a page says: ``fact`` (birth, first_work, name, sex, nation, id_number, schooling,
service, service_start, service_end, special_work, regular, contract, deposit), ``value`` (dates as
``lib.dates`` writes them), ``written`` (the words), ``style`` (hand, typed, print), ``region``
(x, y, width, height in pixels of the image, around the ink). Service and special work carry
``start``, ``end`` (null: going on), ``unit``, ``post``, ``stage``; an altered birth ``altered`` and
``before``, a lunar one ``calendar``. Regions are true for skewed, turned, cut and reduced pages; a
claim that was cut off is left out, and an image that cannot be read has none.
"""

from lantai.sample.plants import PLANTS
from lantai.sample.write import generate, write

__all__ = ["PLANTS", "generate", "write"]
