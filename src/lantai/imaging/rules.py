"""What the norm asks of a batch: every objection at once, every fault of a dossier at once."""

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from lantai.lib import idnumber
from lantai.lib.dates import PartialDate


class BatchState(StrEnum):
    RECEIVING = "receiving"
    INSPECTION = "inspection"
    ACCEPTED = "accepted"


BATCH_LABELS: Final[dict[BatchState, str]] = {
    BatchState.RECEIVING: "接收处理中",
    BatchState.INSPECTION: "待质检",
    BatchState.ACCEPTED: "已验收",
}


class ScanState(StrEnum):
    CURRENT = "current"
    RETURNED = "returned"
    REPLACED = "replaced"
    ASIDE = "aside"


SCAN_LABELS: Final[dict[ScanState, str]] = {
    ScanState.CURRENT: "有效",
    ScanState.RETURNED: "已退回待重扫",
    ScanState.REPLACED: "已被重扫替换",
    ScanState.ASIDE: "已剔除，不入档",
}

# Acceptance looks at no fewer than one page in twenty (DA/T 31-2017; domain digest §2.7).
SAMPLE_SHARE: Final = 0.05
# How long a look at a scan, and at the thumbnails of a dossier, lets images through.
LOOK_LASTS: Final = timedelta(minutes=15)
STRIP_LASTS: Final = timedelta(hours=2)
# How long a claimed batch is left to its worker after the last file it finished.
CLAIM_LASTS: Final = timedelta(minutes=10)
# Received paper is imaged within this time (fault Q04); an office may ask for less.
IMAGED_WITHIN: Final = timedelta(days=30)

# No dossier has more written sides than this, and no material stands further back in its class.
MOST_SIDES: Final = 9999

# What cannot be read of a dossier as a whole stands under these codes (domain digest §2.7).
COUNT, LATE, DOUBLE, OTHERS, CATALOGUE, NAMING = "Q03", "Q04", "Q05", "Q06", "Q11", "Q12"

# The catalogue of faults in a word each (domain digest §2.7).
FAULT_LABELS: Final[dict[str, str]] = {
    "Q01": "不清晰",
    "Q02": "内容不完整",
    COUNT: "数量不符",
    LATE: "数字化超期",
    DOUBLE: "重复页",
    OTHERS: "疑为他人材料",
    "Q07": "方向或倾斜",
    "Q08": "分辨率或色彩",
    "Q09": "疑经再处理",
    "Q10": "空白页",
    CATALOGUE: "目录有误",
    NAMING: "文件与目录不符",
    "Q13": "条纹或遮挡",
    "Q14": "文件损坏",
}

_ID_LIKE: Final = re.compile(r"\d{14,17}[0-9Xx]")
_UNSHOWABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FOLDER: Final = re.compile(r"^(?P<name>\D*?)[\s_＿-]*(?P<number>\d{17}[0-9Xx]|\d{15})$")


def shown_path(path: str) -> str:
    """Return a path as it may stand on a screen and in the log.

    ID numbers in folder names are masked; control and direction signs are made visible.
    """
    return _ID_LIKE.sub(lambda found: idnumber.mask(found[0]), _UNSHOWABLE.sub("\ufffd", path))


def person_of_folder(folder: str) -> tuple[str, str] | None:
    """Read 姓名 + ID number from a folder's name, as offices write it for import by hand."""
    found = _FOLDER.match(folder.strip())
    return (found["name"].strip(), found["number"].upper()) if found else None


@dataclass(frozen=True)
class PlainLine:
    """A line of the catalogue in plain values; ``place`` is class and sequence, ``4-1-2``."""

    place: str
    title: str
    page_count: int
    formed: PartialDate | None = None


@dataclass(frozen=True)
class PlainScan:
    """An image that counts; ``place`` is empty while nobody has said where it belongs."""

    key: int
    place: str
    number: int | None
    name: str
    sha256: str


@dataclass(frozen=True)
class ItemFault:
    """Something wrong with a dossier as a whole, or with one image among the others."""

    code: str
    path: str
    sentence: str
    blocks: bool = True
    scan: int | None = None
    like: int | None = None


def item_faults(
    *,
    name: str,
    id_number: str,
    folder: str,
    lines: Sequence[PlainLine],
    scans: Sequence[PlainScan],
    elsewhere: Collection[str],
    today: date,
) -> tuple[ItemFault, ...]:
    """Return everything wrong between the person, the catalogue and the images of a dossier.

    ``elsewhere`` holds the digests of images that also stand in another dossier.
    """
    return (
        *_faults_of_person(name, id_number, folder),
        *_faults_of_lines(lines, id_number, today),
        *_faults_of_pages(lines, scans),
        *_faults_of_doubles(scans, elsewhere),
    )


def _faults_of_person(name: str, id_number: str, folder: str) -> list[ItemFault]:
    faults = [
        ItemFault(CATALOGUE, "公民身份号码", sentence) for sentence in idnumber.faults(id_number)
    ]
    if not name:
        faults.append(ItemFault(CATALOGUE, "姓名", "目录中没有姓名，请补录基本信息"))
    said = person_of_folder(folder)
    if said is None:
        return faults
    called, number = said
    if name and called and called != name:
        sentence = f"文件夹名写的是“{called}”，目录写的是“{name}”，请核对影像是否放错"
        faults.append(ItemFault(CATALOGUE, "姓名", sentence))
    if id_number and not _same_number(number, id_number):
        sentence = "文件夹名与目录的公民身份号码不一致，请核对影像是否放错"
        faults.append(ItemFault(CATALOGUE, "公民身份号码", sentence))
    return faults


def _same_number(one: str, other: str) -> bool:
    try:
        return idnumber.to18(one) == idnumber.to18(other)
    except ValueError:
        return one == other


def _faults_of_lines(
    lines: Sequence[PlainLine], id_number: str, today: date
) -> Iterator[ItemFault]:
    born = idnumber.birth(id_number)
    for line in lines:
        if line.formed is None:
            continue
        if line.formed.first_day > today:
            sentence = f"{line.place}《{line.title}》的形成时间晚于扫描日期，请更正目录"
            yield ItemFault(CATALOGUE, line.place, sentence)
        if born and line.formed.last_day < born:
            sentence = (
                f"{line.place}《{line.title}》的形成时间早于出生日期，请核对目录或影像是否放错"
            )
            yield ItemFault(CATALOGUE, line.place, sentence)


def _faults_of_pages(lines: Sequence[PlainLine], scans: Sequence[PlainScan]) -> Iterator[ItemFault]:
    """Compare what the catalogue lists with what is there, one to one (domain digest §2.2)."""
    if not scans:
        yield ItemFault(COUNT, "文件夹", "文件夹中没有一页影像，请补扫后送入，或将该份整份搁置")
    there: dict[str, set[int]] = defaultdict(set)
    for scan in scans:
        if scan.number is not None:
            there[scan.place].add(scan.number)
    listed = {line.place: line.page_count for line in lines}
    for line in lines:
        for number in sorted(set(range(1, line.page_count + 1)) - there[line.place]):
            yield ItemFault(
                NAMING,
                page_name(line.place, number),
                f"目录列有 {line.place}《{line.title}》第 {number} 页，但没有收到影像，"
                "请补扫该页或更正目录页数",
            )
    if not lines:
        yield ItemFault(CATALOGUE, "目录", "没有可用的目录，请档案管理员补录目录并为影像指定页序")
    for scan in scans if lines else ():
        if scan.number is None:
            sentence = f"目录没有列出“{scan.name}”，请为它补录目录、指定页序，或剔除"
            yield ItemFault(NAMING, scan.name, sentence, scan=scan.key)
        elif scan.number > listed.get(scan.place, 0):
            yield ItemFault(
                NAMING,
                scan.name,
                f"“{scan.name}”是 {scan.place} 的第 {scan.number} 页，超出目录所列 "
                f"{listed.get(scan.place, 0)} 页，请更正目录页数或剔除该页",
                scan=scan.key,
            )


def _faults_of_doubles(
    scans: Sequence[PlainScan], elsewhere: Collection[str]
) -> Iterator[ItemFault]:
    first: dict[str, PlainScan] = {}
    for scan in scans:
        if scan.sha256 in elsewhere:
            yield ItemFault(
                OTHERS,
                scan.name,
                f"“{scan.name}”与另一份档案中的影像完全相同，"
                "请核对是否放错；放错的请剔除，两份都有的请判为不属实",
                scan=scan.key,
            )
        earlier = first.setdefault(scan.sha256, scan)
        if earlier is not scan:
            yield ItemFault(
                DOUBLE,
                scan.name,
                f"“{scan.name}”与“{earlier.name}”是完全相同的文件，"
                "请核对是否重复送入，重扫正确的一页或剔除",
                scan=scan.key,
            )


def double_fault(*, scan: PlainScan, earlier: PlainScan) -> ItemFault:
    """Two images that are not the same file but show the same sheet."""
    return ItemFault(
        DOUBLE,
        scan.name,
        f"“{scan.name}”与“{earlier.name}”像是同一页扫了两次，请对照查看；"
        "确为重复请剔除，确为两页请判为不属实",
        scan=scan.key,
        like=earlier.key,
    )


def page_name(place: str, number: int) -> str:
    """The name of a page's scan without its ending: ``4-1-2-003``."""
    return f"{place}-{number:03d}"


@dataclass(frozen=True)
class Count:
    """One dossier's numbers at acceptance."""

    name: str
    paper_sides: int | None
    images: int
    catalogue_pages: int
    uneven_materials: tuple[str, ...]
    open_findings: int
    returned_scans: int
    unlooked_faulty: int
    looked: int
    unplaced: int = 0
    already_held: bool = False

    @property
    def sample(self) -> int:
        """How many pages acceptance has to look at."""
        return math.ceil(self.images * SAMPLE_SHARE)


def objections_to_acceptance(
    *, state: BatchState, dossiers: int, inspector_scanned: bool, inspector_counted: bool
) -> tuple[str, ...]:
    """Return every reason not to accept a batch that lies in the batch as a whole.

    Nobody accepts the own scans, nor what the own count vouches for.
    """
    if state is BatchState.ACCEPTED:
        return ("批次已经验收，无需重复操作",)
    reasons = []
    if state is BatchState.RECEIVING:
        reasons.append("批次还在接收处理，请等全部文件处理完再验收")
    if inspector_scanned:
        reasons.append("不得验收本人扫描的影像，请由其他质检员验收")
    if inspector_counted:
        reasons.append("清点纸质页数的人不得验收同一批次，请由其他质检员验收")
    if not dossiers:
        reasons.append("批次中没有可以验收的档案")
    return tuple(reasons)


def objections_to_dossier(count: Count) -> tuple[str, ...]:
    """Return every reason why one dossier of a batch is not ready; each names the dossier.

    Images equal paper sides, one to one, per dossier and per material (GB/T 33870-2017 完整性;
    domain digest §2.2); a sample was looked at (DA/T 31-2017).
    """
    who = count.name or "（未署名）"
    reasons = []
    if count.already_held:
        reasons.append(f"{who}：本机构已有该公民身份号码的档案，请核对；重复送入的请整份搁置")
    if count.paper_sides is None:
        reasons.append(f"{who}：尚未清点纸质页数，请档案管理员清点后录入")
    elif count.paper_sides != count.images:
        reasons.append(
            f"{who}：纸质 {count.paper_sides} 页，影像 {count.images} 页，"
            "数量不符，请补扫或重新清点"
        )
    if count.images == 0:
        reasons.append(f"{who}：没有影像，请补扫或整份搁置")
    if count.unplaced:
        reasons.append(f"{who}：还有 {count.unplaced} 页未归入目录，请补录目录或剔除")
    if count.uneven_materials:
        reasons.append(
            f"{who}：目录页数与影像页数不符的材料有 {'、'.join(count.uneven_materials)}，"
            "请核对目录或补扫"
        )
    if count.open_findings:
        reasons.append(
            f"{who}：还有 {count.open_findings} 项阻断问题未了结，"
            "请逐项判为不属实，或退回重扫、更正目录"
        )
    if count.returned_scans:
        reasons.append(f"{who}：还有 {count.returned_scans} 页退回后未重扫，请等待补交")
    if count.unlooked_faulty:
        reasons.append(f"{who}：有问题的影像中还有 {count.unlooked_faulty} 页未查看，请逐页查看")
    if count.looked < count.sample:
        reasons.append(
            f"{who}：抽检应不少于 {count.sample} 页，现已查看 {count.looked} 页，请继续抽检"
        )
    return tuple(reasons)


def objections_to_count(
    *, state: BatchState, counter_scanned: bool, aside: bool
) -> tuple[str, ...]:
    """Return every reason why a person may not enter the paper count of a dossier.

    Whoever scanned does not count, so that two people's numbers meet.
    """
    reasons = [*_closed(state, aside=aside)]
    if counter_scanned:
        reasons.append("扫描人不得清点本人扫描的档案，请由其他档案管理员清点")
    return tuple(reasons)


def objections_to_change(
    *, state: BatchState, aside: bool, receiving_too: bool = False
) -> tuple[str, ...]:
    """Return every reason why nothing in a dossier of a batch may be changed any more."""
    reasons = [*_closed(state, aside=aside)]
    if state is BatchState.RECEIVING and not receiving_too:
        reasons.append("批次还在接收处理，请等全部文件处理完再办理")
    return tuple(reasons)


def objections_to_return(
    *, state: BatchState, aside: bool, scan: ScanState, own: bool, reason: str
) -> tuple[str, ...]:
    """Return every reason why an inspector may not send a scan back."""
    reasons = [*objections_to_change(state=state, aside=aside)]
    if scan is not ScanState.CURRENT:
        reasons.append(f"该影像{SCAN_LABELS[scan]}，不能退回，请刷新页面查看现状")
    if own:
        reasons.append("不得质检本人扫描的影像，请由其他质检员办理")
    if not reason.strip():
        reasons.append("请填写退回理由，让扫描员知道怎样重扫")
    return tuple(reasons)


def objections_to_rescan(
    *, state: BatchState, aside: bool, scan: ScanState, same_bytes: bool
) -> tuple[str, ...]:
    """Return every reason why a new image may not take the place of a scan."""
    reasons = [*objections_to_change(state=state, aside=aside)]
    if scan is not ScanState.RETURNED:
        reasons.append(f"该影像{SCAN_LABELS[scan]}，只有退回的影像可以重扫补交")
    if same_bytes:
        reasons.append("补交的文件与被退回的完全相同，请重新扫描后再补交")
    return tuple(reasons)


def objections_to_judging(
    *, state: BatchState, aside: bool, settled: bool, own: bool, looked: bool, reason: str
) -> tuple[str, ...]:
    """Return every reason why a person may not say whether a finding is true."""
    reasons = [*objections_to_change(state=state, aside=aside)]
    if settled:
        reasons.append("该问题已经解决，无需判定")
    if own:
        reasons.append("不得质检本人扫描的影像，请由其他质检员办理")
    if not looked:
        reasons.append("判定前请先打开影像查看")
    if not reason.strip():
        reasons.append("请填写判定理由")
    return tuple(reasons)


def objections_to_handover(
    *, out: bool, away: bool, sides: int, counted: int | None, to: str
) -> tuple[str, ...]:
    """Return every reason why the paper may not go out to be scanned, or come back.

    The count of those who hand over must meet the count at intake, each way.
    """
    reasons = []
    if counted is None:
        reasons.append("尚未清点纸质页数，请先清点录入再交接")
    elif sides != counted:
        reasons.append(f"清点 {sides} 页，登记 {counted} 页，页数不符，请双方重新清点")
    if out and away:
        reasons.append("该份档案已交付扫描，尚未归还，请先办理归还")
    if not out and not away:
        reasons.append("该份档案没有交付扫描的记录，请先登记交付")
    if not to.strip():
        reasons.append("请填写交接对方姓名")
    return tuple(reasons)


def overdue_days(*, received_at: datetime, at: datetime) -> int:
    """How many days a batch is past its time; 0 while it is not (fault Q04)."""
    late = at - received_at - IMAGED_WITHIN
    return max(0, late.days + 1) if late > timedelta() else 0


def _closed(state: BatchState, *, aside: bool) -> Iterator[str]:
    if state is BatchState.ACCEPTED:
        yield "批次已经验收，不能再改动"
    if aside:
        yield "该份档案已整份搁置，不能再改动；如需继续请先恢复"
