"""Paper out: Typst templates to PDF/A for issue, SVG for preview, PNG for the images of a dossier.

One template gives all three, so the preview is the print. Data goes in as JSON, pictures as SVG
text; nothing is ever pasted into markup, so no value can become an instruction.
"""

import datetime as dt
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import pylopdf_fonts_zh_cn
import segno
import typst

Kind = Literal["pdf", "svg", "png"]
TEMPLATES: Final = ("certificate", "approval")
PDF_STANDARD: Final = "a-2b"  # ISO 19005-2 level B: looks the same in years to come
_FOLDER: Final = Path(__file__).parent
_EPOCH: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def render(
    template: str,
    data: Mapping[str, Any],
    *,
    kind: Kind,
    dpi: int = 144,
    fonts: Path | None = None,
    at: dt.datetime | None = None,
) -> list[bytes]:
    """Set a template with data and return its pages; a PDF is one piece.

    ``fonts`` is a folder of licensed fonts, taken before the free ones. ``at`` is the time the PDF
    says it was made; the same data and time give the same bytes. Raises ValueError for an unknown
    template and ``typst.TypstError`` when data lacks a field the template names.
    """
    if template not in TEMPLATES:
        raise ValueError(f"no such template: {template}")
    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    if address := data.get("check_address"):
        inputs["qr"] = qr(str(address))
    made = _compiler(fonts).compile(
        _FOLDER / f"{template}.typ",
        format=kind,
        ppi=float(dpi),
        sys_inputs=inputs,
        pdf_standards=[PDF_STANDARD] if kind == "pdf" else [],
        timestamp=(at or _EPOCH).replace(microsecond=0),
    )
    return [made] if isinstance(made, bytes) else list(made or [])


def qr(text: str) -> str:
    """Return a QR code (ISO/IEC 18004, level M) as SVG text."""
    code: str = segno.make(text, error="m", micro=False).svg_inline(border=0, scale=4)
    return code.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)


@cache
def _compiler(fonts: Path | None) -> typst.Compiler:
    """One compiler for each set of fonts: reading 17 MB of fonts is most of a first rendering."""
    folders = [str(Path(pylopdf_fonts_zh_cn.__file__).parent)]
    if fonts is not None:
        folders.insert(0, str(fonts))
    return typst.Compiler(
        root=_FOLDER,
        font_paths=typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=True, font_paths=folders
        ),
    )
