"""How what is shown of a page is made from its master, in words that another program can follow.

Nothing made so is kept for good: a view is made again from its master at any time. A recipe that
changes takes another name, so that what was made by the older one stays described.
"""

from typing import Any, Final

from lantai.lib.imagery import examine, tiles

VIEWS: Final[dict[str, dict[str, Any]]] = {
    "thumbnail/1": {
        "media_type": "image/jpeg",
        "steps": [
            {"step": "decode", "orientation": "as stored"},
            {"step": "halve", "filter": "mean of 2 by 2 pixels", "while": "longer side at least"},
            {
                "step": "resize",
                "filter": "area",
                "longer_side": examine.THUMBNAIL,
                "never_larger": True,
            },
            {
                "step": "encode",
                "as": "JPEG",
                "quality": examine.THUMBNAIL_QUALITY,
                "chroma": "4:2:0",
            },
        ],
    },
    "tiles/1": {
        "media_type": "application/octet-stream",
        "steps": [
            {"step": "decode", "orientation": "as stored"},
            {
                "step": "halve",
                "filter": "mean of 2 by 2 pixels",
                "until": "one tile holds the page",
            },
            {"step": "cut", "tile": tiles.TILE, "overlap": 0, "padding": 0},
            {"step": "encode", "as": "JPEG", "quality": tiles.QUALITY, "chroma": "4:2:0"},
        ],
    },
}
