"""Scanner folders small enough for a test: real A4 pages at 300 dpi, made once and reused."""

import io
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pylopdf_fonts_zh_cn
from PIL import Image, ImageDraw, ImageFont

from lantai.identity import services as identity
from lantai.identity.models import Body, User
from lantai.identity.rules import Role
from lantai.imaging import services
from lantai.imaging.models import Batch
from lantai.imaging.services import Outcome
from lantai.lib import idnumber, package
from lantai.lib.dates import PartialDate
from lantai.lib.package import Catalogue, Entry, PersonCells

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)  # twelve o'clock in the office
A4 = (2480, 3508)
_WORDS = "兹有职工同志经组织批准录用为正式工人从事机械修理工作表现良好特此登记备查年月日单位盖章"


@dataclass(frozen=True)
class Shop:
    """A district centre and the people of its production."""

    body: Body
    operator: User
    inspector: User
    archivist: User


def officer(role: Role, *, body: Body, username: str) -> User:
    """An account with one post."""
    user = identity.open_account(
        username=username, name=f"测试{username}", password="lantai-2026-x", by="test", at=NOON
    )
    identity.give_post(user=user, body=body, role=role, by="test", at=NOON)
    return user


def shop(code: str = "pc") -> Shop:
    body = identity.found_body(
        code=code, name=f"{code}区中心", kind=Body.Kind.DISTRICT, parent=None, by="test", at=NOON
    )
    return Shop(
        body=body,
        operator=officer(Role.SCAN_OPERATOR, body=body, username=f"{code}-scanner"),
        inspector=officer(Role.QUALITY_INSPECTOR, body=body, username=f"{code}-inspector"),
        archivist=officer(Role.ARCHIVIST, body=body, username=f"{code}-archivist"),
    )


@cache
def page(number: int, *, quality: int = 92) -> bytes:
    """One A4 page at 300 dpi in colour: lines of print on paper, all its own."""
    chance = random.Random(number)
    width, height = A4
    paper = np.full((height // 4, width // 4, 3), (232, 226, 208), np.int16)
    paper += np.random.default_rng(number).integers(-3, 4, paper.shape, dtype=np.int16)
    image = Image.fromarray(paper.astype(np.uint8)).resize(A4, Image.Resampling.BILINEAR)
    pen = ImageDraw.Draw(image)
    folder = Path(pylopdf_fonts_zh_cn.__file__).parent
    font = ImageFont.truetype(next(folder.glob("NotoSansSC-Regular*")), 64)
    pen.text((700, 260), f"职工登记表 第 {number} 号", font=font, fill=(40, 38, 36))
    for line in range(22):
        text = "".join(chance.choice(_WORDS) for _ in range(chance.randint(12, 26)))
        pen.text((320, 520 + line * 118), text, font=font, fill=(40, 38, 36))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, subsampling=0, dpi=(300, 300))
    return out.getvalue()


def id_number(serial: int, *, birth: str = "19680315") -> str:
    """A fictional citizen number whose check digit is right."""
    first = f"990101{birth}{serial:03d}"
    return first + idnumber.check_digit(first)


def entry(
    class_code: str, sequence: int, pages: int, *, title: str = "", formed: str = "1988-07"
) -> Entry:
    return Entry(
        class_code=class_code,
        sequence=sequence,
        title=title or f"登记表{class_code}-{sequence}",
        formed=PartialDate.parse(formed),
        formed_text=formed,
        page_count=pages,
    )


def catalogue(*entries: Entry, name: str = "陈大文", number: str = "") -> Catalogue:
    number = number or id_number(1)
    return Catalogue(
        person=PersonCells(
            name=name,
            sex="女" if idnumber.sex(number) == "2" else "男",
            ethnic="汉族",
            birth_text="19680315",
            id_number=number,
            employer="云台机械厂",
        ),
        entries=entries,
    )


def dossier_folder(
    folder: Path, *entries: Entry, name: str = "陈大文", number: str = "", first_page: int = 1
) -> Path:
    """A dossier with its workbook and one image for every page the catalogue lists."""
    images = folder / "原始图像数据"
    images.mkdir(parents=True)
    said = catalogue(*entries, name=name, number=number)
    (folder / package.WORKBOOK_NAME).write_bytes(package.write_workbook(said))
    serial = first_page
    for line in entries:
        for place in range(1, line.page_count + 1):
            path = images / f"{line.class_code}-{line.sequence}-{place:03d}.jpg"
            path.write_bytes(page(serial))
            serial += 1
    return folder


def receive(shop: Shop, folder: Path, *, name: str = "测试批次") -> Batch:
    return services.receive_folder(
        folder=folder, name=name, body=shop.body, device="扫描仪 A-01", by=shop.operator, at=NOON
    )


def take_in(shop: Shop, folder: Path) -> tuple[Batch, list[Outcome]]:
    """Receive a folder and work through all its files."""
    batch = receive(shop, folder)
    outcomes = list(services.process(batch=batch, at=NOON))
    batch.refresh_from_db()
    return batch, outcomes


def count_all(shop: Shop, batch: Batch) -> None:
    """Enter for every dossier as many paper sides as it has images that count."""
    for item in batch.items.filter(aside_at=None):
        sides = item.scans.filter(state__in=("current", "returned")).count()
        services.count_paper(item_uid=item.uid, sides=sides, by=shop.archivist, at=NOON)


def look_at_all(shop: Shop, batch: Batch) -> None:
    for item in batch.items.filter(aside_at=None):
        for scan in item.scans.filter(state="current"):
            services.look_at_scan(scan_uid=scan.uid, by=shop.inspector, at=NOON)
