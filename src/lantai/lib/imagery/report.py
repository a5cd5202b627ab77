"""One file looked at, in the shape the command line prints."""

from typing import Any

from lantai.lib.imagery.decode import Unreadable
from lantai.lib.imagery.examine import examine
from lantai.lib.imagery.faults import Fault
from lantai.lib.imagery.profile import Profile


def check_file(content: bytes, name: str, profile: Profile) -> dict[str, Any]:
    """Return the row of ``lantai check-images`` for one file; never raises for bad content.

    What was not measured, because the file gives no page, is None.
    """
    misnamed: list[Fault] = []
    try:
        try:
            found = examine(content, name=name, profile=profile)
        except Unreadable as unreadable:
            if unreadable.code != "Q12":
                raise
            # A good picture under a wrong extension is still measured.
            misnamed = [_no_page(unreadable, measure="扩展名与内容不符")]
            found = examine(content, name="", profile=profile)
    except Unreadable as unreadable:
        nothing = dict.fromkeys(
            ("width", "height", "dpi", "colour", "skew_degrees", "turned", "blank")
        )
        fault = _no_page(unreadable, measure="无法成页")
        return {"file": name, "readable": False, **nothing, "faults": [_row(fault)]}
    return {
        "file": name,
        "readable": True,
        "width": found.width,
        "height": found.height,
        "dpi": found.dpi,
        "colour": found.colour,
        "skew_degrees": found.skew_degrees,
        "turned": found.turned,
        "blank": found.blank,
        "faults": [_row(fault) for fault in (*found.faults, *misnamed)],
    }


def _no_page(unreadable: Unreadable, *, measure: str) -> Fault:
    return Fault(
        unreadable.code, measure, "可完整解码的图像", None, unreadable.sentence, blocks=True
    )


def _row(fault: Fault) -> dict[str, Any]:
    return {
        "code": fault.code,
        "measure": fault.measure,
        "threshold": fault.threshold,
        "region": None if fault.region is None else list(fault.region),
        "sentence": fault.sentence,
        "blocks": fault.blocks,
    }
