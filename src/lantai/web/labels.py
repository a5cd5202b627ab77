"""What the acts of the log are called on screen."""

from typing import Final

STREAM_LABELS: Final = {"records": "业务日志", "access": "调阅日志"}

ACTION_LABELS: Final[dict[str, str]] = {
    "access.attempt.refused": "拒绝的操作",
    "access.grant.given": "授予调阅权限",
    "access.grant.revoked": "收回调阅权限",
    "access.page.opened": "调阅影像页",
    "access.strip.opened": "打开缩略图",
    "cases.case.approved": "批准退休业务",
    "cases.case.filed": "审批表归档",
    "cases.case.opened": "受理业务",
    "cases.case.rejected": "不予批准",
    "cases.case.returned": "审批退回",
    "cases.case.taken": "领取业务",
    "cases.claim.stated": "登记记载",
    "cases.claim.withdrawn": "撤销记载",
    "cases.evidence.frozen": "固定影像证据",
    "cases.fact.adopted": "采信事实",
    "cases.mark.made": "标记影像",
    "cases.mark.withdrawn": "撤销标记",
    "cases.paper.called": "申请调阅实体",
    "cases.paper.handed-back": "实体归还",
    "cases.paper.handed-out": "实体出库",
    "cases.paper.seen": "核对实体",
    "cases.review.confirmed": "复核通过",
    "cases.review.returned": "复核退回",
    "cases.review.submitted": "提交初审",
    "cases.route.raised": "转为复杂件",
    "certificates.certificate.handed-out": "交付证明",
    "certificates.certificate.issued": "出具证明",
    "certificates.certificate.revoked": "撤销证明",
    "dossiers.dossier.entered": "档案入库",
    "dossiers.dossier.retired": "转退休存档",
    "dossiers.material.added": "新增材料",
    "dossiers.material.amended": "修改目录",
    "dossiers.paper.handed": "实体交接",
    "identity.account.opened": "开立账户",
    "identity.body.founded": "登记机构",
    "identity.post.given": "任命岗位",
    "imaging.batch.accepted": "验收批次",
    "imaging.batch.processed": "批次处理完成",
    "imaging.batch.received": "接收批次",
    "imaging.file.quarantined": "文件隔离",
    "imaging.finding.judged": "判定问题",
    "imaging.item.compared": "核对目录",
    "imaging.paper.counted": "清点纸质页数",
    "imaging.scan.entered": "扫描件入批",
    "imaging.scan.looked": "查看扫描件",
    "imaging.scan.replaced": "重扫替换",
    "imaging.scan.returned": "退回重扫",
    "ledger.opening.destroyed": "销毁日志内容",
}


def action_label(action: str) -> str:
    """The name of an act; its code where it has none."""
    return ACTION_LABELS.get(action, action)
