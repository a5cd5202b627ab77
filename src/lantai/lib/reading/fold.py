"""Traditional characters written as simplified ones, so that old and new papers compare."""

from functools import cache
from typing import Any, Final

# Spaced or look-alike signs of engines, as the forms print them.
_SIGNS: Final = str.maketrans({"(": "（", ")": "）", ":": "：", ",": "，", "○": "〇", "◯": "〇"})


def fold(text: str) -> str:
    """Return the text in simplified characters, one for one, so that places stay true.

    What was written is evidence and must be kept beside it.
    """
    converter = _converter()
    whole = str(converter.convert(text))
    if len(whole) != len(text):
        whole = "".join(str(converter.convert(each))[:1] or each for each in text)
    return whole.translate(_SIGNS)


@cache
def _converter() -> Any:
    from opencc import OpenCC  # noqa: PLC0415 -- loaded with the engine, absent without it

    return OpenCC("t2s")
