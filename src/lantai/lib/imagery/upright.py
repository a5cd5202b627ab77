"""The eight ways a camera or scanner may have laid a picture down (Exif orientation 1–8).

The stored pixels are never changed. Measuring looks at upright pixels; what it finds is told in
stored pixels, so that a region stays right whatever a viewer does with the orientation.
"""

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Region = tuple[int, int, int, int]  # x, y, width, height in pixels


def turn_upright(pixels: Pixels, *, orientation: int) -> Pixels:
    """Return stored pixels as they are meant to be seen (a view, not a copy)."""
    match orientation:
        case 2:
            return pixels[:, ::-1]
        case 3:
            return pixels[::-1, ::-1]
        case 4:
            return pixels[::-1]
        case 5:
            return pixels.swapaxes(0, 1)
        case 6:
            return pixels[::-1].swapaxes(0, 1)
        case 7:
            return pixels[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return pixels[:, ::-1].swapaxes(0, 1)
        case _:
            return pixels


def lay_down(pixels: Pixels, *, orientation: int) -> Pixels:
    """Undo ``turn_upright``: every way is its own reverse, but for the two quarter turns."""
    reverse = {6: 8, 8: 6}.get(orientation, orientation)
    return turn_upright(pixels, orientation=reverse)


def stored_region(region: Region, *, orientation: int, width: int, height: int) -> Region:
    """Return where a region of the upright picture lies in the stored one of that size."""
    x, y, wide, high = region
    if orientation >= 5:
        x, y, wide, high = y, x, high, wide
    if orientation in {2, 3, 7, 8}:
        x = width - x - wide
    if orientation in {3, 4, 6, 7}:
        y = height - y - high
    return x, y, wide, high
