"""Ratios measured in one run, since machines are noisy.

``ingest``: taking pages in, with decoding, all checks, thumbnail, tile pack, vault, log and rows,
against the bare control: read, SHA-256, thumbnail, one row for each page. Same files, same run.
"""

import hashlib
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from lantai import sample

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
        _set_up(folder / "home")
        bare = [
            _timed(lambda turn=turn: _bare(files, folder / f"bare{turn}")) for turn in range(ROUNDS)
        ]
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
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load": round(os.getloadavg()[0], 1),
        },
    }


def _set_up(home: Path) -> None:
    os.environ["LANTAI_HOME"] = str(home)
    os.environ.pop("DATABASE_URL", None)
    from lantai.ops import home as data_directory  # noqa: PLC0415 -- models load after set-up

    data_directory.ready()


def _full(scans: Path, pages: int) -> tuple[float, float]:
    """CPU and wall seconds a page for the real intake, processing only."""
    from lantai.ops import intake  # noqa: PLC0415 -- models load after set-up

    cpu, wall = _timed(lambda: list(intake.take_in(scans, username=None, name="bench", device="")))
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


def _timed(work: Any) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall
