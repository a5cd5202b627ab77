"""Laying out a form: tables with printed labels and written values, opinions with seals, prose.

A ``FormPage`` is one side being filled. It notes every value it writes as a claim with the box of
its ink, in pixels of the sheet; the scanner moves the boxes later.
"""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from lantai.sample import seal
from lantai.sample.cells import Area, Cell, Essay, Gap, Label, Opinion, Row, Setting, Value
from lantai.sample.faces import Face
from lantai.sample.facts import Reading, Written
from lantai.sample.ink import (
    CARBON,
    PRINT_BLACK,
    TYPED,
    Box,
    Colour,
    Hand,
    Sheet,
    boxes_around,
    joined,
    letter_width,
    wrap,
)

LABEL_MM: Final = 4.1
_CELL: Final = re.compile(r"(\S+?)\*([\d.]+)")
_PLACE: Final = re.compile(r"([^{]*)(?:\{(\w+)\})?")
_FRAME_MM: Final = 0.42
_RULE_MM: Final = 0.18


@dataclass
class FormPage:
    """One side while it is filled in."""

    sheet: Sheet
    reading: Reading
    own_hand: Hand
    clerks: tuple[Hand, ...]
    fonts: Path | None
    claims: list[dict[str, Any]] = field(default_factory=list)
    seals: list[dict[str, Any]] = field(default_factory=list)
    scraped: list[Box] = field(default_factory=list)
    left: float = 20.0
    right: float = 12.0
    print_colour: Colour = PRINT_BLACK
    by: Hand | None = None  # who fills the table; the person where None
    printed_values: bool = False  # the values came out of a printer with their labels

    @property
    def year(self) -> int:
        return self.reading.year

    @property
    def wide(self) -> float:
        """The width of the type area in mm."""
        return self.sheet.wide_mm - self.left - self.right

    @property
    def filler(self) -> Hand:
        return self.by or self.own_hand

    def row(self, high: float, spec: str, /, **values: "str | Written | Cell") -> Row:
        """A row from a line such as ``姓名*2 :name*4 -*3``: label, value, gap, each with its share.

        A value is one handed in by that name, else a fact every form asks for.
        """
        cells: list[Cell] = []
        for words, share in _CELL.findall(spec):
            wide = float(share)
            if words == "-":
                cells.append(Gap(wide))
            elif not words.startswith(":"):
                cells.append(Label(words, wide))
            else:
                given = values.get(words[1:])
                if given is None:
                    given = self._asked_everywhere(words[1:])
                if isinstance(given, str):
                    given = Written(given)
                if isinstance(given, Written):
                    cells.append(Value(given, wide))
                else:
                    cells.append(replace(given, share=wide))
        return high, cells

    def title(self, words: str, y: float, *, mm: float | None = None, below: str = "") -> None:
        """Set the title in the middle, spread as titles are, with a smaller line below."""
        size = mm or (8.2 if len(words) < 9 else 7.0)
        pitch = 1.28 if len(words) < 9 else 1.1
        face = Face.SONG_BOLD if self.year >= 1978 else Face.SONG
        if 1994 <= self.year < 2006:
            face = Face.HEI_BOLD
        size = min(size, (self.wide - 4) / (len(words) * pitch))
        self.centred(words, y, size, face=face, pitch=pitch)
        if below:
            self.centred(below, y + size * 1.05, 3.6)

    def centred(
        self, words: str, y: float, mm: float, *, face: Face = Face.SONG, pitch: float = 1.0
    ) -> None:
        wide = self.sheet.width_of(words, mm) * pitch
        middle = self.left + self.wide / 2
        self.sheet.text(
            middle - wide / 2, y, words, mm, face=face, pitch=pitch, colour=self.print_colour
        )

    def printed(self, x: float, y: float, words: str, mm: float = LABEL_MM) -> float:
        """Set a line of print and return where it ends."""
        self.sheet.text(x, y, words, mm, colour=self.print_colour)
        return x + self.sheet.width_of(words, mm)

    def fill(
        self,
        x: float,
        y: float,
        room: float,
        written: Written,
        mm: float,
        *,
        hand: Hand | None = None,
    ) -> Box:
        """Write a value into ``room`` mm, smaller if it would not fit, and note what it claims."""
        if self.printed_values:
            return self._fill_in_print(x, y, room, written, mm)
        hand = hand or self.filler
        need = self.sheet.width_of(written.words, mm, hand) * 1.04
        size = min(mm, mm * room / need) if need else mm
        if written.before:
            return self._over_scraped(x, y, written, size, hand)
        slack = max(0.0, room - need)
        x += min(slack * 0.3, self.sheet.chance.uniform(0.2, 2.5))
        box = self.sheet.write(x, y, written.words, size, hand)
        self.note(written, box, "hand")
        return box

    def note(self, written: Written, box: Box, style: str) -> None:
        """Keep a claim with the box of its ink."""
        if written.fact and box[2] > box[0]:
            claim = {"fact": written.fact, "value": written.value, "written": written.words}
            self.claims.append({**claim, "style": style, **written.more, "box": box})

    def table(self, y: float, rows: Sequence[Row], *, bottom: float, mm: float = LABEL_MM) -> float:
        """Draw a table from y down, its rows stretched to end at ``bottom``; return its end."""
        stretch = (bottom - y) / sum(height for height, _ in rows)
        x, right, top = self.left, self.left + self.wide, y
        ink = self.print_colour
        for height, cells in rows:
            high = height * stretch
            total = sum(cell.share for cell in cells)
            at = x
            for cell in cells:
                wide = self.wide * cell.share / total
                if at > x + 0.1:
                    self.sheet.rule(at, y, at, y + high, _RULE_MM, colour=ink)
                self._cell(cell, Area(at, y, wide, high), mm)
                at += wide
            y += high
            self.sheet.rule(x, y, right, y, _RULE_MM, colour=ink)
        for ends in (
            (x, top, right, top),
            (x, y, right, y),
            (x, top, x, y),
            (right, top, right, y),
        ):
            self.sheet.rule(*ends, _FRAME_MM, colour=ink)
        return y

    def prose(
        self,
        y: float,
        words: str,
        /,
        *,
        mm: float = 4.6,
        lead: float = 8.6,
        hand: Hand | None = None,
        indent: bool = True,
        **values: str | Written,
    ) -> float:
        """Set a paragraph and return where the next begins.

        ``{key}`` stands for a value, set in the print, or in ``hand`` over a rule if one is given.
        """
        colour = TYPED if 1975 <= self.year < 1996 else self.print_colour
        x0 = self.left + 2
        setting = Setting(x0, self.left + self.wide - 2, mm, lead, colour, hand)
        at = (x0 + (2 * mm if indent else 0), y)
        for print_run, key in _PLACE.findall(words):
            at = self._run(print_run, at, setting)
            if key:
                given = values.get(key) or self._asked_everywhere(key)
                written = Written(given) if isinstance(given, str) else given
                at = self._inline(written, at, setting)
        return at[1] + lead

    def sign(
        self,
        right: float,
        y: float,
        on: dt.date,
        unit: str,
        *,
        department: str = "",
        signer: str = "",
        hand: Hand | None = None,
        printed: bool = False,
    ) -> None:
        """Date an opinion at its lower right corner and press the seal over it."""
        hand = hand or self.clerks[0]
        mm = 3.9
        word = "（盖章）" if self.year < 1996 else "（公章）"
        self.printed(right - 34, y - 8.5, word, mm)
        if printed:
            words = f"{on.year}年{on.month}月{on.day}日"
            self.sheet.text(
                right - 2 - self.sheet.width_of(words, mm), y, words, mm, colour=self.print_colour
            )
        else:
            for words, at in (("年", 22.0), ("月", 12.5), ("日", 3.5)):
                self.printed(right - at, y, words, mm)
            year = f"{on.year % 100:02d}" if self.year < 1985 else f"{on.year}"
            for words, at, room in (
                (year, 34.0, 11.5),
                (str(on.month), 18.0, 5),
                (str(on.day), 8.6, 5),
            ):
                size = min(4.8, room / max(1, len(words)) / 0.56)
                self.sheet.write(right - at, y - 0.4, words, size, hand)
        if signer:
            seal.press_square(self.sheet, right - 43, y - 6, signer, fonts=self.fonts)
        chance = self.sheet.chance
        self.press(right - 19 + chance.gauss(0, 3), y - 6 + chance.gauss(0, 2), unit, department)

    def press(
        self, x: float, y: float, unit: str, department: str = "", diameter: float | None = None
    ) -> None:
        """Press a round seal and note where."""
        size = diameter or self.sheet.chance.choice((38.0, 40.0, 40.0, 42.0))
        half = size / 2 + 1
        x = min(max(x, half), self.sheet.wide_mm - half)
        y = min(max(y, half), self.sheet.high_mm - half)
        box = seal.press_round(self.sheet, x, y, unit, department, diameter=size, fonts=self.fonts)
        self.seals.append({"words": unit + department, "box": box})

    def photo(self, x: float, y: float, wide: float = 23.0, high: float = 31.0) -> None:
        """Paste a small black-and-white portrait: nobody's face, a shape in greys."""
        sheet = self.sheet
        rows, columns = round(high * sheet.per_mm), round(wide * sheet.per_mm)
        yy = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
        xx = np.linspace(0, 1, columns, dtype=np.float32)[None]
        shade = np.full((rows, columns), 0.24, np.float32) + 0.12 * yy * (xx - 0.3)

        def oval(cx: float, cy: float, a: float, b: float) -> Any:
            return ((xx - cx) / a) ** 2 + ((yy - cy) / b) ** 2 < 1

        long_hair = self.reading.life.sex == "女"
        shade[oval(0.5, 1.06, 0.5, 0.36)] = 0.74
        shade[oval(0.5, 0.79, 0.14, 0.14)] = 0.4
        shade[oval(0.5, 0.40, 0.25, 0.28 if long_hair else 0.235)] = 0.88
        face = oval(0.5, 0.46, 0.19, 0.23)
        shade[face] = (0.36 + 0.16 * xx + 0 * yy)[face]
        shade[oval(0.5, 0.27, 0.2, 0.085)] = 0.88
        for eye in (0.42, 0.58):
            shade[oval(eye, 0.455, 0.03, 0.013)] = 0.8
        shade[oval(0.5, 0.60, 0.06, 0.012)] = 0.62
        soft = cv2.GaussianBlur(shade, (0, 0), 0.45 * sheet.per_mm)
        rim = round(1.0 * sheet.per_mm)
        mask = (np.clip(soft, 0, 1) * 235).astype(np.uint8)
        mask[:rim], mask[-rim:], mask[:, :rim], mask[:, -rim:] = 8, 8, 8, 8
        edge = max(1, round(0.12 * sheet.per_mm))
        cv2.rectangle(mask, (0, 0), (columns - 1, rows - 1), 120, edge)
        left, top = round(x * sheet.per_mm), round(y * sheet.per_mm)
        sheet.light[top : top + rows, left : left + columns] = 250
        sheet.lay(mask, left, top, (38, 34, 32))

    def _asked_everywhere(self, key: str) -> Written:
        reading, life = self.reading, self.reading.life
        match key:
            case "name" | "sex" | "nation" | "schooling" | "politics" | "id_number":
                return getattr(reading, key)
            case "birth":
                return reading.birth()
            case "birthday":
                return reading.birth(day=True)
            case "first_work":
                return reading.first_work()
            case "first_day":
                return reading.first_work(day=True)
            case "home":
                return Written(life.native_place)
            case "address":
                return Written(life.address)
            case "post":
                return Written(life.trade.post)
            case _:
                raise KeyError(key)

    def _cell(self, cell: Cell, area: Area, mm: float) -> None:
        match cell:
            case Label():
                self._label(cell.words, area, mm)
            case Value():
                middle = area.middle + self.sheet.chance.gauss(0, 0.4)
                size = min(mm * 1.42, area.high * 0.62)
                room = area.wide - 2.4
                self.fill(area.x + 1.2, middle, room, cell.written, size, hand=cell.hand)
            case Essay():
                self._essay(cell, area, mm)
            case Opinion():
                self._opinion(cell, area, mm)
            case Gap():
                pass

    def _label(self, words: str, area: Area, mm: float) -> None:
        x, y, wide, high = area
        if high > 2.2 * wide and len(words) > 1:
            pitch = min(2.0, max(1.05, (high - 8) / (len(words) * mm)))
            start = y + (high - (len(words) - 1) * mm * pitch) / 2
            self.sheet.text(
                x + wide / 2, start, words, mm, down=True, pitch=pitch, colour=self.print_colour
            )
            return
        lines = [words]
        if self.sheet.width_of(words, mm) > wide - 1.2:
            half = (len(words) + 1) // 2
            lines = [words[:half], words[half:]] if high > 2.1 * mm else [words]
        for place, line in enumerate(lines):
            natural = self.sheet.width_of(line, 1.0)
            size = min(mm, (wide - 1.0) / natural)
            spread = len(line) in {2, 3} and len(lines) == 1
            pitch = min(1.7, (wide - 3) / (natural * size)) if spread else 1.0
            pitch = max(1.0, pitch)
            left = x + (wide - natural * size * pitch) / 2
            middle = y + high / 2 + (place - (len(lines) - 1) / 2) * mm * 1.25
            self.sheet.text(left, middle, line, size, pitch=pitch, colour=self.print_colour)

    def _essay(self, cell: Essay, area: Area, mm: float) -> None:
        x, y, wide, high = area
        hand = cell.hand or self.filler
        top = y + 2.5
        if cell.heading:
            self.printed(x + 2, y + 4.6, cell.heading, mm * 0.95)
            top = y + 8.5
        size = mm * 1.34
        while True:
            lines = wrap("　　" + cell.words, wide - 5, size * 1.02, hand)
            lead = size * 1.62
            if len(lines) * lead <= y + high - top - 1 or size < 2.5:
                break
            size *= 0.94
        for place, line in enumerate(lines):
            self.sheet.write(x + 2.5, top + (place + 0.6) * lead, line, size, hand)

    def _opinion(self, cell: Opinion, area: Area, mm: float) -> None:
        x, y, wide, high = area
        hand = self.clerks[cell.clerk % len(self.clerks)]
        self.printed(x + 2, y + 4.6, cell.heading, mm * 0.95)
        size = min(mm * 1.5, (wide - 8) / max(4, len(cell.words)) * 1.6)
        lines = wrap(cell.words, wide - 9, size, hand)
        for place, line in enumerate(lines):
            self.sheet.write(x + 5, y + 12 + place * size * 1.55, line, size, hand)
        self.sign(
            x + wide - 2,
            y + high - 5.5,
            cell.on,
            cell.unit,
            department=cell.department,
            signer=cell.signer,
            hand=hand,
        )

    def _fill_in_print(self, x: float, y: float, room: float, written: Written, mm: float) -> Box:
        size = min(mm / 1.42, mm * room / max(1e-6, self.sheet.width_of(written.words, mm)))
        wide = self.sheet.width_of(written.words, size)
        left = x + (room - wide) / 2 if room < 60 else x
        box = self.sheet.text(left, y, written.words, size, colour=self.print_colour)
        self.note(written, box, "print")
        return box

    def _over_scraped(self, x: float, y: float, written: Written, size: float, hand: Hand) -> Box:
        """Leave a ghost of what was scraped off and write the new words over the light spot."""
        sheet = self.sheet
        split = next(
            (
                i
                for i, (a, b) in enumerate(zip(written.before, written.words, strict=False))
                if a != b
            ),
            0,
        )
        kept, old, new = written.words[:split], written.before[split:], written.words[split:]
        tail = ""
        while old and new and old[-1] == new[-1]:
            tail, old, new = new[-1] + tail, old[:-1], new[:-1]
        boxes = []
        if kept:
            boxes.append(sheet.write(x, y, kept, size, hand))
        x += sheet.width_of(kept, size, hand)
        ghost = Hand(
            tuple(round(222 - (222 - c) * 0.46) for c in hand.colour),  # type: ignore[arg-type]
            slope=hand.slope,
            squeeze=hand.squeeze,
            size=hand.size,
            pressure=0,
        )
        under = sheet.write(x, y, old, size, ghost)
        other = Hand(CARBON if hand.colour[2] < 100 else (34, 34, 40), slope=0.12, pressure=1)
        over = sheet.write(x + 0.3, y - 0.2, new, size * hand.size, other)
        self.scraped.append(boxes_around((under, over)))
        wide = max(sheet.width_of(old, size, hand), sheet.width_of(new, size, other))
        if tail:
            boxes.append(sheet.write(x + wide, y, tail, size, hand))
        box = joined(boxes_around(boxes) if boxes else None, over)
        self.note(written, box, "hand")
        return box

    def _run(self, words: str, at: tuple[float, float], how: Setting) -> tuple[float, float]:
        """Set print from a point on, broken into lines, and return where it ends."""
        (x, y), run = at, ""
        start = x
        for letter in words:
            wide = letter_width(letter) * how.mm
            if x + wide > how.limit and letter not in "，。、；：）”":
                self.sheet.text(start, y, run, how.mm, colour=how.colour)
                run, x, y = "", how.x0, y + how.lead
                start = x
            run += letter
            x += wide
        self.sheet.text(start, y, run, how.mm, colour=how.colour)
        return x, y

    def _inline(self, part: Written, at: tuple[float, float], how: Setting) -> tuple[float, float]:
        """Set a value within prose, whole on one line, note it, and return where it ends."""
        (x, y), hand = at, how.hand
        size = how.mm * 1.15 if hand else how.mm
        wide = self.sheet.width_of(part.words, size, hand)
        room = wide + (4 if hand else 0)
        if x + room > how.limit:
            x, y = how.x0, y + how.lead
        if hand is None:
            box = self.sheet.text(x, y, part.words, how.mm, colour=how.colour)
            self.note(part, box, "typed" if self.year < 1996 else "print")
            return x + wide, y
        base = y + how.mm * 0.62
        self.sheet.rule(x, base, x + room, base, _RULE_MM, colour=self.print_colour)
        box = self.sheet.write(x + 2, y - 0.3, part.words, size, hand)
        self.note(part, box, "hand")
        return x + room, y
