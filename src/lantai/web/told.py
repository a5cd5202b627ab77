"""The log of one dossier in the words of the people who work with it: a sentence an act."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lantai.access.rules import PURPOSE_LABELS
from lantai.cases.models import Decision, Mark
from lantai.cases.rules.facts import FACT_LABELS, ROUTE_LABELS
from lantai.certificates.rules import KIND_LABELS as CERTIFICATE_LABELS
from lantai.dossiers.rules import SECRET_TITLE
from lantai.identity.services import OFFICE_TIME
from lantai.imaging.models import Finding
from lantai.web.labels import action_label

# Acts of the program in the course of a human one; shown folded.
TECHNICAL: Final = frozenset(
    {
        "imaging.scan.entered",
        "imaging.catalogue.kept",
        "imaging.item.compared",
        "imaging.batch.processed",
        "preservation.dossier.kept",
    }
)
KINDS: Final[dict[str, str]] = {
    "imaging": "数字化",
    "dossiers": "档案与目录",
    "access": "授权与调阅",
    "cases": "退休业务",
    "certificates": "出具证明",
}
DESTROYED: Final = "（内容已按规定销毁，只留存在的证明）"

_PURPOSES: Final = {purpose.value: label for purpose, label in PURPOSE_LABELS.items()}
_FACTS: Final = {fact.value: label for fact, label in FACT_LABELS.items()}
_ROUTES: Final = {route.value: label for route, label in ROUTE_LABELS.items()}
_CERTIFICATES: Final = {kind.value: label for kind, label in CERTIFICATE_LABELS.items()}
_OUTCOMES: Final = dict(Decision.Outcome.choices)
_MARKS: Final = dict(Mark.Kind.choices)
_VERDICTS: Final = dict(Finding.Verdict.choices)


@dataclass(frozen=True)
class Names:
    """What uids are called: pages ("职工履历表 第 2 页"), materials, cases, people."""

    pages: Mapping[str, str]
    materials: Mapping[str, str]
    cases: Mapping[str, str]
    people: Mapping[str, str]

    def page(self, uid: str | None) -> str:
        return self.pages.get(uid or "", "一页影像")

    def material(self, uid: str) -> str:
        return self.materials.get(uid, "一份材料")

    def person(self, username: str) -> str:
        return self.people.get(username, username)


def sentence(action: str, facts: Mapping[str, Any] | None, *, names: Names) -> str:
    """What was done, without who and when; ``facts`` is None where the opening was destroyed."""
    if facts is None:
        return action_label(action) + DESTROYED
    told = _SENTENCES.get(action)
    if told is None:
        return action_label(action)
    try:
        return told(facts, names)
    except KeyError:  # written by a version of the program that stated less of this act
        return action_label(action)


def _because(reason: object) -> str:
    return f"，理由：{reason}" if reason else ""


def _clock(text: object) -> str:
    """A moment of the facts on the office's clock."""
    return f"{datetime.fromisoformat(str(text)).astimezone(OFFICE_TIME):%Y-%m-%d %H:%M}"


def _granted(facts: Mapping[str, Any], names: Names) -> str:
    named = "、".join(names.material(uid) for uid in facts["materials"])
    scope = f"《{named}》" if named else "全部材料"
    return (
        f"授权{names.person(facts['user'])}调阅{scope}，用途："
        f"{_PURPOSES.get(facts['purpose'], facts['purpose'])}，到 {_clock(facts['closes_at'])} 止"
    )


def _confirmed(facts: Mapping[str, Any], names: Names) -> str:
    outcome = "一致" if facts["agrees"] else f"不一致（{'；'.join(facts['differences'])}）"
    return f"对 {names.page(facts['page'])} 作原始性确认：{outcome}"


def _amended(facts: Mapping[str, Any], names: Names) -> str:
    labels = {"title": "名称", "formed": "形成时间", "remark": "备注"}
    before, after = facts["before"], facts["after"]
    changed = "，".join(
        f"{label}由“{before.get(key) or '空'}”改为“{after.get(key) or '空'}”"
        for key, label in labels.items()
        if before.get(key) != after.get(key)
    )
    title = names.material(facts["material"])
    if title == SECRET_TITLE:
        return f"修改目录：{title}"
    return f"修改目录：{title}，{changed or '内容未变'}{_because(facts['reason'])}"


def _custody(facts: Mapping[str, Any], _names: Names) -> str:
    way = "出库，交给" if facts["way"] == "out" else "归还，交回自"
    return f"实体档案{way}{facts['to']}，清点 {facts['sides']} 页，用途：{facts['purpose']}"


def _decided(facts: Mapping[str, Any], _names: Names) -> str:
    outcome = _OUTCOMES.get(facts["outcome"], facts["outcome"])
    return f"审批：{outcome}（依据固定影像第 {facts['version']} 版）{_opinion(facts)}"


def _opinion(facts: Mapping[str, Any]) -> str:
    return f"，意见：{facts['opinion']}" if facts.get("opinion") else ""


def _stated(facts: Mapping[str, Any], names: Names) -> str:
    value = facts["written"] or facts["text"] or facts["since"]
    return (
        f"登记记载：{_FACTS.get(facts['fact'], facts['fact'])}“{value}”，"
        f"见 {names.page(facts['page'])}"
    )


def _judged(facts: Mapping[str, Any], _names: Names) -> str:
    verdict = _VERDICTS.get(facts["verdict"], facts["verdict"])
    return f"判定质检问题 {facts['code']}：{verdict}{_because(facts['reason'])}"


def _handed(facts: Mapping[str, Any], _names: Names) -> str:
    way = "交付扫描" if facts["way"] == "to_shop" else "扫描后归还"
    return f"纸质档案{way}，交接对方：{facts['to']}，清点 {facts['sides']} 页"


def _made(facts: Mapping[str, Any], names: Names) -> str:
    note = f"：{facts['note']}" if facts["note"] else ""
    return f"在 {names.page(facts['page'])} 作{_MARKS.get(facts['kind'], '')}标记{note}"


def _opened(facts: Mapping[str, Any], names: Names) -> str:
    return f"打开 {names.page(facts['page'])}，用途：{facts['purpose']}"


def _added(facts: Mapping[str, Any], names: Names) -> str:
    veiled = names.material(facts["material"]) == SECRET_TITLE
    title = SECRET_TITLE if veiled else facts["title"]
    return f"归入材料：{title}，{len(facts['manifest'])} 页"


def _entered(facts: Mapping[str, Any], _names: Names) -> str:
    sides, images = facts["paper_sides"], len(facts["manifest"])
    return f"档案入库：纸质 {sides} 页，影像 {images} 页，一一对应"


_Sentence = Callable[[Mapping[str, Any], Names], str]
_SENTENCES: Final[dict[str, _Sentence]] = {
    "access.grant.given": _granted,
    "access.grant.revoked": lambda facts, _: f"收回调阅授权{_because(facts['reason'])}",
    "access.page.opened": _opened,
    "access.strip.opened": lambda facts, _: f"打开全卷缩略图，用途：{facts['purpose']}",
    "access.original.confirmed": _confirmed,
    "dossiers.dossier.entered": _entered,
    "dossiers.material.added": _added,
    "dossiers.material.amended": _amended,
    "dossiers.material.marked_secret": lambda facts, names: (
        f"标为涉密材料：{names.material(facts['material'])}{_because(facts['reason'])}"
    ),
    "dossiers.material.secrecy_lifted": lambda facts, names: (
        f"解密：{names.material(facts['material'])}{_because(facts['reason'])}"
    ),
    "preservation.key_destruction.asked": lambda facts, _: (
        f"申请销毁档案密钥，影像 {facts['images']} 页{_because(facts['reason'])}"
    ),
    "preservation.key_destruction.withdrawn": lambda _facts, _: "撤回销毁档案密钥的申请",
    "preservation.key_destruction.settled": lambda facts, _: (
        ("同意" if facts["outcome"] == "confirmed" else "不同意")
        + "销毁档案密钥"
        + (f"，意见：{facts['note']}" if facts["note"] else "")
    ),
    "preservation.key.destroyed": lambda facts, _: (
        f"档案密钥已销毁，影像 {facts['images']} 页任何人不能再读{_because(facts['reason'])}"
    ),
    "dossiers.paper.handed": _custody,
    "dossiers.dossier.retired": lambda _facts, _: "退休办结，档案转为退休档案",
    "cases.case.opened": lambda facts, _: f"受理退休业务 {facts['number']}",
    "cases.case.taken": lambda _facts, _: "领取退休业务，取得调阅授权",
    "cases.claim.stated": _stated,
    "cases.claim.withdrawn": lambda _facts, _: "撤销一条记载",
    "cases.mark.made": _made,
    "cases.mark.withdrawn": lambda _facts, _: "撤销一处标记",
    "cases.fact.adopted": lambda facts, _: (
        f"认定{_FACTS.get(facts['fact'], facts['fact'])}为“{facts['value']}”"
        f"{_because(facts['reason'])}"
    ),
    "cases.route.raised": lambda facts, _: (
        f"改为{_ROUTES.get(facts['route'], facts['route'])}{_opinion(facts)}"
    ),
    "cases.review.submitted": lambda facts, _: f"提交初审{_opinion(facts)}",
    "cases.review.returned": lambda facts, _: f"复核退回{_opinion(facts)}",
    "cases.evidence.fixed": lambda facts, _: (
        f"复核通过，固定影像证据第 {facts['version']} 版，共 {facts['pages']} 页{_opinion(facts)}"
    ),
    "cases.evidence.exported": lambda facts, _: (
        f"导出固定影像第 {facts['version']} 版，{len(facts['pages'])} 页{_because(facts['reason'])}"
    ),
    "cases.paper.called": lambda facts, _: f"申请调阅实体档案{_because(facts['reason'])}",
    "cases.paper.handed-out": lambda facts, _: (
        f"实体档案出库，交给{facts['to']}，清点 {facts['sides']} 页"
    ),
    "cases.paper.seen": lambda facts, _: f"核对实体档案：{facts['findings']}",
    "cases.paper.handed-back": lambda facts, _: f"实体档案归还，清点 {facts['sides']} 页",
    "cases.decision.made": _decided,
    "cases.case.withdrawn": lambda facts, _: f"申请人撤回：{facts['reason']}",
    "cases.case.suspended": lambda facts, _: f"中止办理：{facts['reason']}",
    "cases.case.resumed": lambda facts, _: f"恢复办理：{facts['reason']}",
    "cases.case.filed": lambda facts, names: f"审批表归档为{names.material(facts['material'])}",
    "certificates.certificate.issued": lambda facts, _: (
        f"出具{_CERTIFICATES.get(facts['kind'], '证明')} {facts['number']}，"
        f"用途：{facts['purpose']}"
    ),
    "certificates.certificate.handed-out": lambda facts, _: f"打印证明 {facts['number']}",
    "certificates.certificate.revoked": lambda facts, _: (
        f"撤销证明 {facts['number']}{_because(facts['reason'])}"
    ),
    "imaging.batch.received": lambda facts, _: (
        f"接收扫描批次 {facts['name']}，{facts['items']} 卷 {facts['files']} 个文件"
    ),
    "imaging.batch.accepted": lambda facts, _: (
        f"验收批次，{len(facts['dossiers'])} 卷入库，依据 {facts['norm']}"
    ),
    "imaging.paper.counted": lambda facts, _: f"清点纸质档案 {facts['sides']} 页",
    "imaging.paper.handed": _handed,
    "imaging.item.looked-at": lambda _facts, _: "查看待检影像缩略图",
    "imaging.scan.looked-at": lambda _facts, _: "查看一页待检影像",
    "imaging.finding.judged": _judged,
    "imaging.scan.returned": lambda facts, _: f"退回一页重扫{_because(facts['reason'])}",
    "imaging.scan.replaced": lambda facts, _: f"重扫一页：{facts['file']}",
    "imaging.scan.supplied": lambda facts, _: f"补扫一页：{facts['file']}",
    "imaging.scan.placed": lambda facts, _: f"调整一页的位置：放在 {facts['after']}",
    "imaging.scan.set-aside": lambda facts, _: f"剔除一页影像{_because(facts['reason'])}",
    "imaging.scan.entered": lambda facts, _: f"影像入库待检：{facts['file']}",
    "imaging.file.quarantined": lambda facts, _: f"文件隔离：{facts['file']}，{facts['sentence']}",
    "imaging.catalogue.kept": lambda facts, _: f"保存目录文件：{facts['file']}",
    "imaging.item.compared": lambda facts, _: f"与目录比对：影像 {facts['images']} 页",
    "imaging.batch.processed": lambda facts, _: f"批次处理完毕：影像 {facts['scans']} 页",
    "imaging.item.set-aside": lambda facts, _: f"整份搁置{_because(facts['reason'])}",
    "imaging.item.taken-up": lambda facts, _: f"恢复办理{_because(facts['reason'])}",
    "imaging.line.entered": lambda facts, _: f"录入目录 {facts['line']} {facts['title']}",
    "imaging.line.corrected": lambda facts, _: f"更正目录 {facts['line']} {facts['title']}",
    "imaging.line.removed": lambda facts, _: f"删除目录 {facts['line']}",
    "imaging.item.described": lambda _facts, _: "更正姓名、证号等卷面信息",
}
