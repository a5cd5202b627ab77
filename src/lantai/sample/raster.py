"""The few picture operations used here, with the types OpenCV does not tell."""

from typing import Any, Final, TypeVar, cast

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]
Raster = TypeVar("Raster", Pixels, Floats)

SHIFT: Final = 3  # drawing calls take points in eighths of a pixel


def blurred(picture: Raster, sigma: float) -> Raster:
    return cast("Raster", cv2.GaussianBlur(picture, (0, 0), sigma))


def averaged(picture: Pixels) -> Pixels:
    """The mean of each pixel and its eight neighbours."""
    return cast("Pixels", cv2.blur(picture, (3, 3)))


def enlarged(picture: Raster, wide: int, high: int) -> Raster:
    return cast("Raster", cv2.resize(picture, (wide, high), interpolation=cv2.INTER_LINEAR))


def bent(points: Floats, wide: int, high: int) -> Floats:
    """A few points drawn out to a smooth field."""
    field = cv2.resize(points, (wide, high), interpolation=cv2.INTER_CUBIC)
    return cast("Floats", field)


def reduced(picture: Pixels, wide: int, high: int) -> Pixels:
    return cast("Pixels", cv2.resize(picture, (wide, high), interpolation=cv2.INTER_AREA))


def through(picture: Pixels, light: Pixels) -> Pixels:
    """The picture as seen through another, 255 being clear."""
    return cast("Pixels", cv2.multiply(picture, light, scale=1 / 255))


def moved(
    picture: Pixels, way: Matrix, wide: int, high: int, *, around: tuple[int, int, int] = (0, 0, 0)
) -> Pixels:
    """The picture moved by a 2×3 matrix onto a ground of that size."""
    on_ground = cv2.warpAffine(
        picture,
        way,
        (wide, high),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=around,
    )
    return cast("Pixels", on_ground)


def framed(picture: Pixels, rim: int, colour: tuple[int, int, int]) -> Pixels:
    """The picture with a rim of one colour around it."""
    around = cv2.copyMakeBorder(
        picture, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=(*colour, 0)
    )
    return cast("Pixels", around)


def sampled(picture: Pixels, across: Floats, along: Floats) -> Pixels:
    """The picture read at the places the two fields tell."""
    return cast("Pixels", cv2.remap(picture, across, along, cv2.INTER_LINEAR))


def extent(mask: Pixels, above: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of what is above a level; all 0 if nothing is."""
    left, top, wide, high = cv2.boundingRect((mask > above).view(np.uint8))
    return int(left), int(top), int(wide), int(high)


def add_noise(picture: Pixels, noise: Pixels, mean: int) -> None:
    """Take unsigned noise of that mean away and give the mean back, in place."""
    cv2.subtract(picture, noise, dst=picture)
    level: Any = (mean, mean, mean, 0)
    cv2.add(picture, level, dst=picture)  # unlike numpy's, it stops at white


def see_through(picture: Pixels, light: Pixels) -> None:
    """Like ``through``, in place."""
    cv2.multiply(picture, light, dst=picture, scale=1 / 255)


def line(mask: Pixels, ends: tuple[float, float, float, float], thick: int) -> None:
    """Draw a soft-edged line of full ink into a mask."""
    x0, y0, x1, y1 = (round(place * 2**SHIFT) for place in ends)
    cv2.line(mask, (x0, y0), (x1, y1), 255, thick, cv2.LINE_AA, SHIFT)


def disc(mask: Pixels, x: float, y: float, radius: float, *, ink: int = 255) -> None:
    """Draw a soft-edged disc into a mask."""
    _circle(mask, x, y, radius, ink=ink, thick=-1)


def ring(mask: Pixels, x: float, y: float, radius: float, thick: int) -> None:
    """Draw a soft-edged ring of full ink into a mask."""
    _circle(mask, x, y, radius, ink=255, thick=thick)


def _circle(mask: Pixels, x: float, y: float, radius: float, *, ink: int, thick: int) -> None:
    centre = (round(x * 2**SHIFT), round(y * 2**SHIFT))
    cv2.circle(mask, centre, round(radius * 2**SHIFT), ink, thick, cv2.LINE_AA, SHIFT)
