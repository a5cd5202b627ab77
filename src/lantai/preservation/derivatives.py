"""What is shown of a page names its master and the steps that made it, and nothing is kept twice.

``derivatives.json``: the recipes, and for each image of the package its master and the views made
of it. ``stored`` is null: views can be made again and do not stand in the package. A derivative
that stands in one names its path, digest and program there.
"""

from collections.abc import Mapping
from typing import Final

from lantai.lib import canonical
from lantai.lib.imagery.recipes import VIEWS

FORMAT: Final = "lantai-derivatives-1"
FILE: Final = "derivatives.json"


def stated(images: Mapping[str, str]) -> bytes:
    """The derivatives of images, given as path and SHA-256 of the master."""
    return canonical.dumps(
        {
            "format": FORMAT,
            "recipes": VIEWS,
            "derivatives": [
                {"image": path, "master_sha256": sha256, "recipe": recipe, "stored": None}
                for path, sha256 in sorted(images.items())
                for recipe in VIEWS
            ],
        }
    )
