"""``lantai bench ingest``: what taking pages in costs.

Decoding, all checks, thumbnail, tile pack, vault, log and rows, against the bare control: read,
SHA-256, thumbnail, one row for each page. Same files, same run.
"""

import hashlib
import os
import sqlite3
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Final

from lantai import sample
from lantai.ops.bench import empty_home, machine, timed

PAGES: Final = 24
SEED: Final = 7
ROUNDS: Final = 3
THUMBNAIL: Final = 480  # pixels of the longer side


def ingest(pages: int) -> dict[str, Any]:
    """Measure and return ``name, ratios, figures, machine``; times are CPU seconds a page."""
    with tempfile.TemporaryDirectory(prefix="lantai-bench-") as place:
        folder = Path(place)
        scans = folder / "scans"
        dossiers = max(1, -(-pages // 12))
        for _ in sample.generate(scans, dossiers=dossiers, seed=SEED, workers=os.cpu_count() or 1):
            pass
        files = sorted(scans.rglob("*.jpg"))
        os.environ.pop("DATABASE_URL", None)
        empty_home(str(folder / "home"))
        bare = [timed(partial(_bare, files, folder / f"bare{turn}")) for turn in range(ROUNDS)]
        full, wall = _full(scans, len(files))
    control = statistics.median(cpu for cpu, _ in bare) / len(files)
    return {
        "name": "ingest",
        "ratios": {
            "bare / ingest": round(control / full, 3),
            "ingest / bare": round(full / control, 2),
        },
        "figures": {
            "pages": len(files),
            "bare cpu ms/page": round(control * 1000, 1),
            "ingest cpu ms/page": round(full * 1000, 1),
            "ingest wall ms/page": round(wall * 1000, 1),
        },
        "machine": machine(),
    }


def _full(scans: Path, pages: int) -> tuple[float, float]:
    """CPU and wall seconds a page for the real intake, processing only."""
    from lantai.ops import intake  # noqa: PLC0415 -- models load after set-up

    cpu, wall = timed(lambda: list(intake.take_in(scans, username=None, name="bench", device="")))
    return cpu / pages, wall / pages


def _bare(files: list[Path], place: Path) -> None:
    """The least that taking in can be: read, digest, thumbnail, one committed row each."""
    import cv2  # noqa: PLC0415 -- beside its use
    import simplejpeg  # noqa: PLC0415

    from lantai.lib.imagery import decode  # noqa: PLC0415

    place.mkdir()
    rows = sqlite3.connect(place / "rows.db", isolation_level=None)
    rows.execute("PRAGMA journal_mode=WAL")
    rows.execute("PRAGMA synchronous=FULL")
    rows.execute("CREATE TABLE page (name TEXT, sha256 TEXT)")
    for number, path in enumerate(files):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        rgb = decode.scaled(content, factor=4).rgb
        scale = THUMBNAIL / max(rgb.shape[:2])
        small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        (place / f"{number}.jpg").write_bytes(simplejpeg.encode_jpeg(small, quality=85))
        rows.execute("INSERT INTO page VALUES (?, ?)", (path.name, digest))
    rows.close()
