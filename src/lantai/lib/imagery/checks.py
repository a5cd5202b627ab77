"""From measurements to faults: each beyond its limit gives one fault with its sentence."""

from dataclasses import dataclass
from typing import Final

from lantai.lib.imagery.decode import Colour, Picture
from lantai.lib.imagery.faults import Fault
from lantai.lib.imagery.light import Light
from lantai.lib.imagery.marks import Cut
from lantai.lib.imagery.profile import Limit, Profile
from lantai.lib.imagery.skew import Skew
from lantai.lib.imagery.upright import Region

_COLOURS: Final = {
    Colour.COLOUR: "彩色",
    Colour.GREY: "灰度",
    Colour.BITONAL: "黑白二值",
}
_MM_AN_INCH: Final = 25.4
_CERTAINLY_CUT: Final = 3
_TURNS: Final = {90: "逆时针转了 90 度", 180: "上下颠倒", 270: "顺时针转了 90 度"}


@dataclass(frozen=True)
class Measured:
    """What was measured on one scan.

    ``edge_width`` is in pixels at 300 dpi, None when nothing could be judged; ``cut_region`` and
    ``blurred_region`` are in stored pixels.
    """

    picture: Picture
    dpi: float
    stated: bool
    skew: Skew
    turned: int
    marks: int
    edge_width: float | None
    blurred_region: Region | None
    light: Light
    cut: Cut
    cut_region: Region | None


def faults(seen: Measured, profile: Profile) -> tuple[Fault, ...]:
    """Return every fault of a scan, by code."""
    found = [
        *_unclear(seen, profile),
        *_incomplete(seen, profile),
        *_crooked(seen, profile),
        *_resolution(seen, profile),
        *_size(seen, profile),
        *_colour(seen, profile),
        *_rewritten(seen, profile),
        *_blank(seen, profile),
    ]
    return tuple(sorted(found, key=lambda fault: fault.code))


def _unclear(seen: Measured, profile: Profile) -> list[Fault]:
    found = []
    limit = profile.edge_width_max
    if seen.edge_width is not None and seen.edge_width > limit.value and seen.marks:
        found.append(
            Fault(
                "Q01",
                f"笔画边缘宽 {seen.edge_width:.1f} 像素",
                f"不超过 {limit}（300 dpi）",
                seen.blurred_region,
                "影像不清晰，笔画边缘发虚；请清洁扫描仪玻璃、压平纸张后重新扫描该页",
                limit.blocks,
            )
        )
    light, dark = seen.light, profile.paper_level_min
    if light.paper < dark.value:
        found.append(
            Fault(
                "Q01",
                f"纸面亮度 {light.paper:.0f}",
                f"不低于 {dark}",
                None,
                "影像过暗，难以辨认；请提高扫描亮度后重新扫描，若为牛皮纸等深色纸请人工确认",
                dark.blocks,
            )
        )
    pale = profile.ink_contrast_min
    if light.ink is not None and seen.marks and light.ink < pale.value:
        found.append(
            Fault(
                "Q01",
                f"字迹与纸面相差 {light.ink:.0f}",
                f"不低于 {pale}",
                None,
                "字迹过浅，与纸面难以区分；请降低亮度、提高对比度后重新扫描，原件褪色的请在备注中说明",
                pale.blocks,
            )
        )
    burnt = profile.burnt_max
    if light.burnt > burnt.value and seen.picture.colour is not Colour.BITONAL:
        found.append(
            Fault(
                "Q01",
                f"纸面有 {light.burnt:.0%} 为纯白",
                f"不超过 {burnt.value:.0%}",
                None,
                "纸面没有层次，曝光过度或经过去底色处理；请关闭去底色、降低亮度后重新扫描，保留纸张原貌",
                burnt.blocks,
            )
        )
    return found


def _incomplete(seen: Measured, profile: Profile) -> list[Fault]:
    limit, cut = profile.cut_marks_max, seen.cut
    if cut.marks > limit.value:
        return [
            Fault(
                "Q02",
                f"有 {cut.marks} 处字迹被图像边缘切断",
                f"不超过 {limit}",
                seen.cut_region,
                "内容不完整，字迹伸出图像之外；请放正纸张、扩大扫描范围后重新扫描该页",
                # One or two may be specks of the lid or the edge of a book; a person looks.
                limit.blocks and cut.marks >= _CERTAINLY_CUT,
            )
        ]
    if cut.open_sides:
        sides = "、".join(cut.open_sides)
        return [
            Fault(
                "Q02",
                f"{sides}侧看不到纸边",
                "四边都在图像之内",
                None,
                f"纸张{sides}侧边缘不在图像之内；请核对有无内容缺失，必要时放正纸张后重新扫描",
                profile.open_sides.blocks,
            )
        ]
    return []


def _crooked(seen: Measured, profile: Profile) -> list[Fault]:
    found = []
    if seen.turned:
        found.append(
            Fault(
                "Q07",
                f"内容{_TURNS[seen.turned]}",
                "方向符合阅读习惯",
                None,
                f"页面方向不正，内容{_TURNS[seen.turned]}；请在优化图像中转正，原始图像保持不变",
                profile.direction.blocks,
            )
        )
    limit, tilt = profile.skew_max, seen.skew.degrees
    if seen.skew.sure and seen.marks and abs(tilt) > limit.value:
        way = "顺时针" if tilt > 0 else "逆时针"
        found.append(
            Fault(
                "Q07",
                f"{way}倾斜 {abs(tilt):.2f} 度",
                f"不超过 {limit}",
                None,
                f"页面{way}倾斜 {abs(tilt):.1f} 度；请在优化图像中纠正，原始图像保持不变",
                limit.blocks,
            )
        )
    return found


def _resolution(seen: Measured, profile: Profile) -> list[Fault]:
    limit, stated = profile.dpi_min, seen.picture.dpi
    if stated is not None and seen.stated:
        if round(min(stated)) >= limit.value:
            return []
        return [
            Fault(
                "Q08",
                f"{min(stated):.0f} dpi",
                f"不低于 {limit}",
                None,
                f"分辨率只有 {min(stated):.0f} dpi；请按 {limit} 以上重新扫描，不得放大充数",
                limit.blocks,
            )
        ]
    what = "没有写明分辨率" if stated is None else f"写明的 {min(stated):.0f} dpi 与像素数不符"
    enough = seen.dpi >= limit.value - 1
    way_out = (
        "按 A4 折算达到要求；请在扫描软件中写入分辨率，并核对纸张幅面"
        if enough
        else f"按 A4 折算只有约 {seen.dpi:.0f} dpi；请按 {limit} 以上重新扫描并写入分辨率"
    )
    return [
        Fault(
            "Q08",
            f"未写明，按 A4 折算约 {seen.dpi:.0f} dpi",
            f"不低于 {limit}",
            None,
            f"图像文件{what}；{way_out}",
            limit.blocks and not enough,
        )
    ]


def _size(seen: Measured, profile: Profile) -> list[Fault]:
    limit = profile.side_min
    shorter = min(seen.picture.width, seen.picture.height) / seen.dpi * _MM_AN_INCH
    if not seen.stated or shorter >= limit.value:
        return []
    return [
        Fault(
            "Q08",
            f"短边 {shorter:.0f} 毫米",
            f"不短于 {limit}",
            None,
            f"图像短边只有 {shorter:.0f} 毫米；请核对分辨率是否写错、纸面是否扫描完整",
            limit.blocks,
        )
    ]


def _colour(seen: Measured, profile: Profile) -> list[Fault]:
    limit: Limit[str] = profile.colour
    if seen.picture.colour.value == limit.value or not seen.light.sheet:
        return []
    return [
        Fault(
            "Q08",
            f"{_COLOURS[seen.picture.colour]}图像",
            _COLOURS[Colour(limit.value)],
            None,
            f"图像是{_COLOURS[seen.picture.colour]}的，印章和涂改看不出颜色；"
            "请改为彩色（24 位）重新扫描",
            limit.blocks,
        )
    ]


def _rewritten(seen: Measured, profile: Profile) -> list[Fault]:
    found = []
    editors = profile.editors
    used = [
        tool
        for tool in seen.picture.tools
        if any(editor in tool.casefold() for editor in editors.value)
    ]
    if used:
        found.append(
            Fault(
                "Q09",
                f"图像中留有“{used[0][:30]}”的痕迹",
                "未经图像软件改动",
                None,
                "原始图像经图像处理软件保存过；请提交扫描仪直接生成的原始文件，或重新扫描该页",
                editors.blocks,
            )
        )
    limit, quality = profile.quality_min, seen.picture.quality
    if quality is not None and quality < limit.value:
        found.append(
            Fault(
                "Q09",
                f"JPEG 质量约 {quality}",
                f"不低于 {limit}",
                None,
                f"图像压缩过重（质量约 {quality}），可能经过二次压缩；"
                "请提交原始文件，或提高压缩质量后重新扫描",
                limit.blocks,
            )
        )
    return found


def _blank(seen: Measured, profile: Profile) -> list[Fault]:
    if seen.marks:
        return []
    return [
        Fault(
            "Q10",
            "没有字迹",
            "有内容的页",
            None,
            "这是空白页；若纸面确无内容，请确认是否编入页数，否则请检查是否放反后重新扫描",
            profile.blank.blocks,
        )
    ]
