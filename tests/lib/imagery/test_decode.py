"""Bytes become the page they are, or a sentence."""

import io
import struct
import zlib

import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st
from lib.imagery.paper import as_jpeg
from PIL import Image

from lantai.lib.imagery.decode import Colour, Format, Picture, Unreadable, decode, scaled


def picture(wide: int = 90, tall: int = 70) -> np.ndarray:
    rows, columns = np.mgrid[0:tall, 0:wide]
    return np.stack([rows * 3, columns * 2, 255 - rows * 2], axis=-1).astype(np.uint8)


def saved(kind: str, mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture()).convert(mode).save(out, kind, **options)
    return out.getvalue()


JPEG = as_jpeg(picture(), dpi=300)


def page_or_refusal(content: bytes, name: str = "") -> Picture | Unreadable:
    try:
        return decode(content, name=name)
    except Unreadable as refused:
        return refused


def sentence(content: bytes, name: str = "") -> tuple[str, str]:
    with pytest.raises(Unreadable) as refused:
        decode(content, name=name)
    assert refused.value.reasons == (refused.value.sentence,)
    return refused.value.code, refused.value.sentence


@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_a_lossless_file_comes_out_pixel_for_pixel(kind: str) -> None:
    read = decode(saved(kind, dpi=(300, 300)), name=f"1-1-001.{kind.lower()}")

    assert (read.rgb == picture()).all()
    assert (read.format, read.width, read.height) == (Format(kind), 90, 70)
    assert read.dpi is not None
    assert round(read.dpi[0]) == 300


def test_a_jpeg_tells_its_resolution_quality_and_colour() -> None:
    read = decode(JPEG, name="1-1-001.jpg")

    assert (read.dpi, read.quality, read.colour) == ((300, 300), 90, Colour.COLOUR)
    assert np.abs(read.rgb.astype(int) - picture()).mean() < 4


@pytest.mark.parametrize(("mode", "colour"), [("L", Colour.GREY), ("1", Colour.BITONAL)])
def test_grey_and_bitonal_are_told_from_colour(mode: str, colour: Colour) -> None:
    assert decode(saved("TIFF", mode)).colour is colour
    assert decode(saved("PNG", mode)).colour is colour


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_scaled_reading_rounds_sizes_up_and_keeps_the_size_of_the_file(factor: int) -> None:
    for content in (JPEG, saved("PNG")):
        read = scaled(content, factor=factor)
        assert read.rgb.shape == (-(-70 // factor), -(-90 // factor), 3)
        assert (read.width, read.height) == (90, 70)
    with pytest.raises(ValueError, match="factor"):
        scaled(JPEG, factor=3)


REFUSED = {
    "nothing": (b"", "空文件"),
    "text": ("照片在哪里".encode(), "文本文件"),
    "a web page": (b"<!DOCTYPE html><p>", "网页"),
    "a PDF": (b"%PDF-1.7 ...", "PDF"),
    "a GIF": (b"GIF89a" + bytes(20), "GIF"),
    "half a JPEG": (JPEG[: len(JPEG) // 2], "不完整"),
    "a JPEG without its end": (JPEG[:-2], "不完整"),
    "half a JPEG with an end": (JPEG[: len(JPEG) // 2] + b"\xff\xd9", "损坏"),
    "a JPEG and a script": (JPEG + b"<script>", "8 字节来历不明"),
    "two JPEGs in one": (JPEG + JPEG, "来历不明"),
    "a PNG and five bytes": (saved("PNG") + bytes(5), "5 字节来历不明"),
    "a cut PNG": (saved("PNG")[:-20], "不完整"),
    "a PNG without its end": (saved("PNG")[:-12], "没有结束标记"),
    "a PNG with a changed byte": (saved("PNG").replace(b"IDATx", b"IDATy"), "校验和不符"),
    "a cut TIFF": (saved("TIFF")[:-2000], "损坏"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_whole_page_is_refused_with_what_it_is(what: str) -> None:
    content, said = REFUSED[what]

    code, told = sentence(content)

    assert code == "Q14"
    assert said in told
    assert "请" in told


def test_name_and_content_must_agree_whatever_the_content() -> None:
    code, told = sentence(JPEG, "1-1-001.png")

    assert code == "Q12"
    assert "1-1-001.png" in told
    assert "JPEG" in told
    assert sentence(JPEG, "1-1-001")[0] == "Q12"


def png_claiming(wide: int, tall: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", wide, tall, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((wide + 7) // 8 + 1) * min(tall, 2))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def test_a_bomb_is_refused_by_its_header_before_anything_is_made_of_it() -> None:
    code, told = sentence(png_claiming(60_000, 60_000), "1-1-001.png")

    assert code == "Q14"
    assert "60000×60000" in told


def test_several_pages_in_one_tiff_are_refused_with_the_way_to_split_them() -> None:
    out = io.BytesIO()
    pages = [Image.fromarray(picture()) for _ in range(3)]
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:])

    assert "每页一个文件" in sentence(out.getvalue())[1]


@given(at=st.integers(0, len(JPEG) - 1), bit=st.integers(0, 7))
def test_a_damaged_jpeg_is_a_page_of_its_size_or_a_sentence_and_nothing_else(
    at: int, bit: int
) -> None:
    broken = bytearray(JPEG)
    broken[at] ^= 1 << bit

    outcome = page_or_refusal(bytes(broken), "x.jpg")

    if isinstance(outcome, Unreadable):
        assert outcome.code in {"Q12", "Q14"}
    else:
        assert outcome.rgb.shape == (outcome.height, outcome.width, 3)


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"II*\0", b"MM\0*", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]),
)
def test_any_bytes_at_all_end_in_a_page_or_a_sentence(body: bytes, start: bytes) -> None:
    outcome = page_or_refusal(start + body)

    assert outcome.sentence if isinstance(outcome, Unreadable) else outcome.rgb.size


def test_cmyk_comes_out_as_the_colours_it_means() -> None:
    inks = np.asarray(Image.fromarray(picture()).convert("CMYK"))
    out = io.BytesIO()
    Image.fromarray(inks, "CMYK").save(out, "JPEG", quality=95)

    read = decode(out.getvalue())

    assert np.abs(read.rgb.astype(int) - picture()).mean() < 6
    assert simplejpeg.decode_jpeg_header(out.getvalue())[:2] == (70, 90)
