"""What a check found wrong with a scan."""

from dataclasses import dataclass

from lantai.lib.imagery.upright import Region


@dataclass(frozen=True)
class Fault:
    """One fault of the catalogue Q01–Q14.

    ``measure`` and ``threshold`` say what was found and what is allowed, with their units;
    ``region`` is where, in stored pixels, None when it is the page as a whole; ``sentence`` says
    in Chinese what is wrong and what to do; ``blocks`` whether it stops acceptance.
    """

    code: str
    measure: str
    threshold: str
    region: Region | None
    sentence: str
    blocks: bool
