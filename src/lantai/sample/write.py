"""Writing a scanner folder: every dossier's pages, its catalogue, and the truth about all of it."""

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import cv2

from lantai.lib import package
from lantai.lib.dates import PartialDate
from lantai.sample import script
from lantai.sample.lives import Life, lives
from lantai.sample.page import DrawnPage, PageOrder, draw
from lantai.sample.plants import PLANTS, Planted, assign
from lantai.sample.scan import huge_png
from lantai.sample.script import Script, Side, Substitute

Truth = dict[str, Any]
Progress = Callable[[int, int], None]
Pending = Future[DrawnPage] | PageOrder  # being drawn elsewhere, or still to be drawn here

IMAGES: Final = "原始图像数据"
TRUTH: Final = "truth.json"
_EMPTY: Final = "未扫描"
_NO_PICTURE: Final = "扫描仪连接中断，本页未能生成图像。\n请检查后重新扫描。\n".encode()
_TAIL: Final = "\n]}\n"
_AHEAD: Final = 2  # dossiers whose pages are ordered before the first of them is asked for


def write(
    out: Path,
    *,
    dossiers: int,
    seed: int,
    plant: Sequence[str] = (),
    workers: int = 1,
    progress: Progress | None = None,
    fonts: Path | None = None,
    dpi: int = 300,
) -> None:
    """Fill ``out`` with that many dossiers; see ``generate``, of which this is the whole run."""
    for _ in generate(
        out,
        dossiers=dossiers,
        seed=seed,
        plant=plant,
        workers=workers,
        progress=progress,
        fonts=fonts,
        dpi=dpi,
    ):
        pass


def generate(
    out: Path,
    *,
    dossiers: int,
    seed: int,
    plant: Sequence[str] = (),
    workers: int = 1,
    progress: Progress | None = None,
    fonts: Path | None = None,
    dpi: int = 300,
) -> Iterator[Truth]:
    """Write dossier after dossier and yield the truth of each once its folder is whole.

    ``out`` must not exist or be empty. ``plant`` names what to plant (``PLANTS``), ``NAME@3`` for
    dossier 3. ``fonts`` is a ``node_modules`` folder with pen hands and bold faces; without one the
    two locked fonts serve. ``progress`` is told pages done and pages in all. ``truth.json`` grows
    with every dossier, so what stands in it stands on disk. Pages are drawn at ``dpi`` (50–300).
    The same arguments give the same bytes, whatever ``workers`` is.

    Raise ValueError, in Chinese, for arguments that cannot be (more plants than a dossier has pages
    for are among them), FileExistsError for a full folder; nothing is written then.
    """
    if not 1 <= dossiers <= 9999:
        raise ValueError("案卷数应在 1 至 9999 之间")
    if not 50 <= dpi <= 300:
        raise ValueError("分辨率应在 50 至 300 之间")
    planted = assign(plant, dossiers=dossiers)
    scripts = [
        script.of(life, frozenset(p.name for p in planted if p.dossier == life.number))
        for life in lives(seed=seed, count=dossiers)
    ]
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"文件夹“{out}”不是空的，请另选一个")
    return _written(
        out,
        scripts,
        planted,
        workers=workers,
        progress=progress,
        fonts=fonts,
        dpi=dpi,
    )


def _written(
    out: Path,
    scripts: Sequence[Script],
    planted: Sequence[Planted],
    *,
    workers: int,
    progress: Progress | None,
    fonts: Path | None,
    dpi: int,
) -> Iterator[Truth]:
    out.mkdir(parents=True, exist_ok=True)
    empty = _empty_folders(out, len(scripts), planted)
    _begin_truth(out / TRUTH, seed=scripts[0].life.seed, dpi=dpi, planted=planted, empty=empty)
    done, total = 0, sum(len(each.sides) for each in scripts)
    with _pool(workers) as pool:
        waiting: deque[tuple[Script, list[Pending]]] = deque()
        queue = iter(scripts)
        try:
            while True:
                while len(waiting) <= _AHEAD and (upcoming := next(queue, None)) is not None:
                    orders = [_order(upcoming.life, side, fonts, dpi) for side in upcoming.sides]
                    waiting.append((upcoming, [_begin(pool, order) for order in orders]))
                if not waiting:
                    return
                current, pending = waiting[0]
                drawn = []
                for page in pending:
                    drawn.append(draw(page) if isinstance(page, PageOrder) else page.result())
                    done += 1
                    if progress is not None:
                        progress(done, total)
                waiting.popleft()
                truth = _store(out, current, drawn)
                _add_truth(out / TRUTH, truth)
                yield truth
        finally:  # whoever stops early need not wait for pages nobody wants
            for _, pending in waiting:
                for page in pending:
                    if not isinstance(page, PageOrder):
                        page.cancel()


def _empty_folders(out: Path, dossiers: int, planted: Sequence[Planted]) -> list[str]:
    names: list[str] = []
    for each in planted:
        if each.name == "empty-folder":
            name = f"{dossiers + len(names) + 1:03d}-{_EMPTY}"
            (out / name).mkdir()
            names.append(name)
    return names


def _begin_truth(
    path: Path, *, seed: int, dpi: int, planted: Sequence[Planted], empty: Sequence[str]
) -> None:
    """Write the truth of the batch, with no dossier in it yet."""
    head = {
        "seed": seed,
        "dpi": dpi,
        "planted": [
            {"name": p.name, "dossier": p.dossier, "sentence": PLANTS[p.name]} for p in planted
        ],
        "empty_folders": list(empty),
        "dossiers": [],
    }
    path.write_text(json.dumps(head, ensure_ascii=False, indent=1)[: -len("[]\n}")] + "[" + _TAIL)


def _add_truth(path: Path, truth: Truth) -> None:
    """Put one dossier more at the end of the list, so that the file is whole after each."""
    with path.open("r+b") as file:
        end = file.seek(-len(_TAIL), 2)
        file.seek(end - 1)
        comma = "" if file.read(1) == b"[" else ","
        file.seek(end)
        file.write(f"{comma}\n{json.dumps(truth, ensure_ascii=False)}{_TAIL}".encode())


@contextmanager
def _pool(workers: int) -> Iterator[Executor | None]:
    """Processes to draw in; None for one worker, which draws here, page by page as needed."""
    if workers <= 1:
        yield None
        return
    # Fresh processes: a forked one would inherit connections, locks and threads.
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=cv2.setNumThreads, initargs=(1,)
    ) as pool:
        yield pool


def _begin(pool: Executor | None, order: PageOrder) -> Pending:
    return order if pool is None else pool.submit(draw, order)


def _order(life: Life, side: Side, fonts: Path | None, dpi: int) -> PageOrder:
    return PageOrder(
        life=side.life or life,
        material=side.material,
        side=side.drawn_side,
        dpi=dpi,
        fonts=fonts,
        twist=side.twist,
        mistakes=side.mistakes,
        blank=side.blank,
        again=side.again,
    )


def _store(out: Path, current: Script, drawn: Sequence[DrawnPage]) -> Truth:
    """Write one dossier's folder and return its truth."""
    life = current.life
    name = f"{life.number:03d}-{life.name}"
    images = out / name / IMAGES
    images.mkdir(parents=True)
    pages = []
    for side, page in zip(current.sides, drawn, strict=True):
        truth, content = dict(page.truth), page.content
        file_name = side.file_name
        match side.substitute:
            case Substitute.NOTHING:
                pass
            case Substitute.TRUNCATED:
                content = content[: len(content) * 6 // 10]
            case Substitute.TEXT:
                content = _NO_PICTURE
            case Substitute.HUGE:
                content = huge_png()
            case Substitute.MISSING:
                content = b""
        if side.substitute is not Substitute.NOTHING:
            truth.update(claims=[], seals=[])
        if side.substitute is not Substitute.MISSING:
            (images / file_name).write_bytes(content)
        pages.append(
            {
                "file": file_name,
                "path": f"{name}/{IMAGES}/{file_name}",
                "present": side.substitute is not Substitute.MISSING,
                "listed": side.listed,
                "material": side.material.name,
                "key": side.material.key,
                "title": side.material.title,
                "page": side.page,
                "planted": list(side.planted),
                **truth,
            }
        )
    catalogue, content = _catalogue(current)
    (out / name / catalogue).write_bytes(content)
    return _truth(current, name, catalogue, pages)


def _catalogue(current: Script) -> tuple[str, bytes]:
    life = current.life
    entries = []
    for material in current.materials:
        sides = [s for s in current.sides if s.listed and s.material == material]
        day = material.formed
        entries.append(
            package.Entry(
                class_code=material.class_code,
                sequence=material.sequence,
                title=material.title,
                formed=PartialDate(day.year, day.month, day.day),
                formed_text=f"{day:%Y%m%d}",
                page_count=len(sides),
                remark="",
                files=tuple(side.file_name for side in sides),
            )
        )
    birth = life.birth
    person = package.PersonCells(
        name=life.name,
        sex=life.sex,
        ethnic=life.nation,
        birth_text=f"{birth:%Y%m%d}",
        id_number=current.catalogue_id,
        employer=life.jobs[-1].unit,
    )
    whole = package.Catalogue(person=person, entries=tuple(entries), faults=())
    if life.number % 2 == 0:
        return package.WORKBOOK_NAME, package.write_workbook(whole)
    return package.XML_NAME, package.write_xml(whole)


def _truth(current: Script, name: str, catalogue: str, pages: list[Truth]) -> Truth:
    life = current.life
    claims = [
        {"file": page["file"], "material": page["material"], **claim}
        for page in pages
        for claim in page["claims"]
    ]
    return {
        "number": life.number,
        "folder": name,
        "catalogue": catalogue,
        "catalogue_id_number": current.catalogue_id,
        "person": {
            "name": life.name,
            "sex": "1" if life.sex == "男" else "2",
            "nation": life.nation,
            "birth": life.birth.isoformat(),
            "id_number": life.id18,
            "employer": life.jobs[-1].unit,
        },
        "career": life.career.value,
        "group": life.group.value,
        "facts": {
            "birth": life.birth.isoformat(),
            "first_work": life.first_work.isoformat(),
            "regular": life.regular.isoformat(),
            "contract": life.contract.isoformat(),
            "leave": life.leave.isoformat(),
            "deposit": life.deposit.isoformat(),
            "special": life.trade.special,
            "intervals": [
                {
                    "stage": interval.stage.value,
                    "start": interval.start.isoformat(),
                    "end": interval.end.isoformat() if interval.end else None,
                    "unit": interval.unit,
                    "post": interval.post,
                }
                for interval in life.intervals
            ],
        },
        "paper_sides": current.paper_sides,
        "planted": [
            {"name": name, "sentence": PLANTS[name], **current.details.get(name, {})}
            for name in sorted(current.planted)
        ],
        "materials": [
            {
                "class_code": material.class_code,
                "sequence": material.sequence,
                "key": material.key,
                "title": material.title,
                "formed": material.formed.isoformat(),
                "page_count": sum(s.listed and s.material == material for s in current.sides),
                "files": [
                    s.file_name for s in current.sides if s.listed and s.material == material
                ],
            }
            for material in current.materials
        ],
        "pages": pages,
        "claims": claims,
    }
