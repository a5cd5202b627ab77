"""The engine: absent it is told in a sentence, present it reads without any network."""

import subprocess
import sys

import numpy as np
import pytest
from tests.lib.reading.paper import page, view_of

from lantai.lib.reading import EngineMissing, load, loading, pp_ocr
from lantai.lib.reading.fold import fold


def test_without_its_libraries_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loading, "_NEEDED", ("onnxruntime", "no_such_library"))

    with pytest.raises(EngineMissing, match="no_such_library") as refused:
        load.__wrapped__()

    assert "请安装 lantai[ocr]" in refused.value.reasons[0]


def test_another_model_than_the_measured_one_is_refused() -> None:
    with pytest.raises(EngineMissing, match="重新安装"):
        pp_ocr._session("PP-OCRv6_rec_small.onnx", "0" * 64)


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    code = (
        "import sys, lantai.lib.reading;"
        "print([m for m in ('onnxruntime', 'rapidocr', 'opencc') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_page_is_read_where_every_socket_is_refused() -> None:
    """The models come in the wheel; code that could fetch others is never imported."""
    content = page("contract").content
    code = (
        "import socket, sys, pathlib\n"
        "def refuse(*a, **k): raise AssertionError('a socket was opened')\n"
        "socket.socket.connect = socket.socket.connect_ex = refuse\n"
        "socket.getaddrinfo = socket.create_connection = refuse\n"
        "from lantai.lib import reading\n"
        "from lantai.lib.imagery import decode\n"
        "from lantai.lib.imagery.view import look\n"
        "p = decode.scaled(sys.stdin.buffer.read(), factor=2)\n"
        "v = look(p, levels=(p.rgb,))\n"
        "sys.stdout.buffer.write(reading.title(v, engine=reading.load()).text.encode())\n"
        "assert len(reading.text(v, engine=reading.load())) > 10\n"
        "assert not {'rapidocr', 'requests', 'urllib3', 'httpx'} & set(sys.modules)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], input=content, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode() == "劳动合同书"


def test_reading_twice_gives_the_same() -> None:
    view = view_of(page("contract").content)
    line = np.ascontiguousarray(view.fine[120:220, 300:900])

    assert load().read(line) == load().read(line)


def test_an_empty_picture_says_nothing_with_no_confidence() -> None:
    found = load().read(np.full((40, 300), 255, np.uint8))

    assert (found.text, found.confidence) == ("", 0.0)


def test_letters_stand_from_left_to_right_inside_their_line() -> None:
    view = view_of(page("contract").content)
    boxes = load().find(view.fine)

    for x, y, wide, tall in boxes:
        letters = load().read(np.ascontiguousarray(view.fine[y : y + tall, x : x + wide])).letters
        places = [letter.left for letter in letters]
        assert places == sorted(places)
        assert all(0 <= each.left < each.right <= wide + 8 * wide for each in letters)
        assert all(0 <= each.confidence <= 1 for each in letters)


def test_the_record_names_the_models() -> None:
    assert load().name == "PP-OCRv6 small 6f327246/090f04ab"


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [("勞動合同書", "劳动合同书"), ("姓名:陳國強", "姓名：陈国强"), ("職工", "职工"), ("", "")],
)
def test_traditional_characters_fold_one_for_one(traditional: str, simplified: str) -> None:
    assert fold(traditional) == simplified
