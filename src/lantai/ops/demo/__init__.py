"""The demo: sample dossiers through the real pipeline, and a desk for every role.

Nothing is written into the tables by hand: scans are drawn into the inbox, and from there on the
same services work on them that the pages use, each by the person whose task it is.
"""

import json
import os
import shutil
import sys
import urllib.request
from pathlib import Path

from django.conf import settings

from lantai.lib.refusals import Conflict
from lantai.ops import home as data_directory
from lantai.ops.site import Site

STATE = "demo.json"
PASSWORD = "lantai-demo-2026"  # noqa: S105 -- printed for whoever tries the demo


def prepare_environment(*, host: str, port: int) -> None:
    """Say before the settings are read that this is the demo, and where it is reached."""
    os.environ["LANTAI_DEMO"] = "1"
    os.environ["LANTAI_DEMO_PASSWORD"] = PASSWORD
    os.environ.setdefault("LANTAI_WATERMARK", "示例")
    os.environ.setdefault("LANTAI_ADDRESS", f"http://{host}:{port}")
    place = Path(os.environ.get("LANTAI_HOME", Path.cwd() / "var" / "demo")).absolute()
    os.environ["LANTAI_HOME"] = str(place)
    state = _state(place)
    if state is not None and not state["complete"]:
        # A loading that was cut off is begun again; all there is in it was drawn by the demo.
        shutil.rmtree(place)


def run(*, host: str, port: int, once: bool, workers: int) -> int:
    """Load what is not loaded, serve it, and with ``once`` end when the first page answers."""
    from lantai.ops.demo import people, story  # noqa: PLC0415 -- models load after set-up

    place: Path = settings.LANTAI_HOME
    state = _state(place)
    if state is None and data_directory.holds_records():
        raise Conflict(f"数据目录 {place} 已有正式数据，示例不能写入；请用 --home 指定另一个目录")
    if state is None:
        note(done=0, total=story.STEPS, sentence="正在建立机构与账户", complete=False)
        people.settle()
    print(people.told(), flush=True)
    if once:
        if state is None:
            story.load(workers=workers, tell=_bar)
        with Site(host=host, port=port) as site:
            return _first_page(site)
    with Site(host=host, port=port) as site:
        print(f"\n兰台已启动：{site.address}（按 Ctrl+C 停止）", flush=True)
        if state is None:
            story.load(workers=workers, tell=_bar)
        return site.wait()


def note(*, done: int, total: int, sentence: str, complete: bool) -> None:
    """Keep how far the loading is, for the pages and for a later start."""
    place: Path = settings.LANTAI_HOME
    fresh = place / f".{STATE}"
    fresh.write_text(
        json.dumps(
            {"done": done, "total": total, "sentence": sentence, "complete": complete},
            ensure_ascii=False,
        )
    )
    fresh.replace(place / STATE)


def _state(place: Path) -> dict[str, object] | None:
    try:
        found: dict[str, object] = json.loads((place / STATE).read_text())
    except FileNotFoundError:
        return None
    return found


def _bar(done: int, total: int, sentence: str) -> None:
    """Show and keep the progress."""
    note(done=done, total=total, sentence=sentence, complete=done == total)
    if sys.stdout.isatty():
        filled = round(30 * done / total)
        end = "\n" if done == total else ""
        print(
            f"\r[{'█' * filled}{'·' * (30 - filled)}] {done}/{total} {sentence}\033[K",
            end=end,
            flush=True,
        )
    else:
        print(f"{done}/{total} {sentence}", flush=True)


def _first_page(site: Site) -> int:
    with urllib.request.urlopen(  # noqa: S310 -- our own address
        f"{site.address}/accounts/login/", timeout=20
    ) as answer:
        text = answer.read().decode()
    if "兰台" not in text:
        print("首页没有应有的内容，请查看上面的日志", file=sys.stderr)
        return 1
    print("首页可用", flush=True)
    return 0
