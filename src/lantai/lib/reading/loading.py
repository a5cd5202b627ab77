"""The engine of this process, loaded when something is read for the first time."""

from functools import cache
from importlib.util import find_spec
from typing import Final

from lantai.lib.reading.engine import Engine, EngineMissing

_NEEDED: Final = ("onnxruntime", "rapidocr", "opencc")


def missing() -> tuple[str, ...]:
    """Return the libraries that are not installed; () when reading is possible."""
    return tuple(name for name in _NEEDED if find_spec(name) is None)


@cache
def load() -> Engine:
    """Return the engine of this process; loading takes about a second, once.

    Raise EngineMissing with what to install. The models come with the libraries: nothing is ever
    fetched.
    """
    absent = missing()
    if absent:
        raise EngineMissing(
            f"没有安装文字识别组件（缺 {'、'.join(absent)}），题名与字段只能由人录入；"
            "需要时请安装 lantai[ocr] 后重新启动"
        )
    from lantai.lib.reading.pp_ocr import PpOcr  # noqa: PLC0415 -- the libraries may be absent

    return PpOcr()
