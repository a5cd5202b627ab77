"""Which post may do what. One table; the test walks every cell of it."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """The posts of ``mission.md``."""

    SCAN_OPERATOR = "scan_operator"
    QUALITY_INSPECTOR = "quality_inspector"
    ARCHIVIST = "archivist"
    WINDOW_CLERK = "window_clerk"
    FIRST_REVIEWER = "first_reviewer"
    SECOND_REVIEWER = "second_reviewer"
    APPROVER = "approver"
    CONSULTANT = "consultant"
    SUBJECT = "subject"
    SUPERVISOR = "supervisor"
    SYSTEM_ADMIN = "system_admin"
    SECURITY_ADMIN = "security_admin"
    AUDIT_ADMIN = "audit_admin"


ROLE_LABELS: Final[dict[Role, str]] = {
    Role.SCAN_OPERATOR: "扫描员",
    Role.QUALITY_INSPECTOR: "质检员",
    Role.ARCHIVIST: "档案管理员",
    Role.WINDOW_CLERK: "窗口经办",
    Role.FIRST_REVIEWER: "初审员",
    Role.SECOND_REVIEWER: "复核员",
    Role.APPROVER: "审批员",
    Role.CONSULTANT: "外单位查阅人",
    Role.SUBJECT: "存档人",
    Role.SUPERVISOR: "监管员",
    Role.SYSTEM_ADMIN: "系统管理员",
    Role.SECURITY_ADMIN: "安全保密员",
    Role.AUDIT_ADMIN: "安全审计员",
}


class Act(StrEnum):
    """What can be done, as ``app.noun.verb``."""

    RECEIVE_BATCH = "imaging.batch.receive"
    VIEW_BATCH = "imaging.batch.view"
    COUNT_PAPER = "imaging.paper.count"
    VIEW_SCAN = "imaging.scan.view"
    JUDGE_FINDING = "imaging.finding.judge"
    RETURN_SCAN = "imaging.scan.return"
    RESCAN = "imaging.scan.replace"
    ACCEPT_BATCH = "imaging.batch.accept"
    SEARCH_DOSSIERS = "dossiers.dossier.search"
    VIEW_CATALOGUE = "dossiers.catalogue.view"
    EDIT_CATALOGUE = "dossiers.catalogue.edit"
    MARK_SECRET = "dossiers.material.mark_secret"  # noqa: S105 -- an act, no password
    LIFT_SECRECY = "dossiers.material.lift_secrecy"
    OPEN_CASE = "cases.case.open"
    REVIEW_CASE = "cases.case.review"
    WITHDRAW_CASE = "cases.case.withdraw"
    SUSPEND_CASE = "cases.case.suspend"
    CONFIRM_CASE = "cases.case.confirm"
    DECIDE_CASE = "cases.case.decide"
    CALL_PAPER = "cases.paper.call"
    HAND_PAPER = "cases.paper.hand"
    FILE_CASE = "cases.case.file"
    EXPORT_EVIDENCE = "cases.evidence.export"
    ISSUE_CERTIFICATE = "certificates.certificate.issue"
    REVOKE_CERTIFICATE = "certificates.certificate.revoke"
    FOLLOW_OWN_CASE = "cases.own.view"
    GRANT_ACCESS = "access.grant.give"
    REVOKE_ACCESS = "access.grant.revoke"
    OPEN_PAGE = "access.page.open"
    VIEW_FIGURES = "web.figures.view"
    VIEW_OPENINGS = "access.opening.list"
    VIEW_LOG = "ledger.entry.list"
    VIEW_ACCOUNTS = "identity.account.list"
    KEEP_ACCOUNTS = "identity.account.keep"
    CONFIRM_POST = "identity.post.confirm"
    VIEW_KEYS = "preservation.key.view"
    ASK_KEY_DESTROYED = "preservation.key.ask_destroyed"
    CONFIRM_KEY_DESTROYED = "preservation.key.confirm_destroyed"


MAY: Final[dict[Act, frozenset[Role]]] = {
    Act.RECEIVE_BATCH: frozenset({Role.SCAN_OPERATOR}),
    Act.VIEW_BATCH: frozenset({Role.SCAN_OPERATOR, Role.QUALITY_INSPECTOR, Role.ARCHIVIST}),
    Act.COUNT_PAPER: frozenset({Role.ARCHIVIST}),
    # The archivist, too: what came without a catalogue is catalogued by looking at it.
    Act.VIEW_SCAN: frozenset({Role.SCAN_OPERATOR, Role.QUALITY_INSPECTOR, Role.ARCHIVIST}),
    Act.JUDGE_FINDING: frozenset({Role.QUALITY_INSPECTOR}),
    Act.RETURN_SCAN: frozenset({Role.QUALITY_INSPECTOR}),
    Act.RESCAN: frozenset({Role.SCAN_OPERATOR}),
    Act.ACCEPT_BATCH: frozenset({Role.QUALITY_INSPECTOR}),
    Act.SEARCH_DOSSIERS: frozenset(
        {Role.ARCHIVIST, Role.WINDOW_CLERK, Role.FIRST_REVIEWER, Role.SECOND_REVIEWER}
    ),
    Act.VIEW_CATALOGUE: frozenset(
        {
            Role.ARCHIVIST,
            Role.WINDOW_CLERK,
            Role.FIRST_REVIEWER,
            Role.SECOND_REVIEWER,
            Role.APPROVER,
        }
    ),
    Act.EDIT_CATALOGUE: frozenset({Role.ARCHIVIST}),
    # Whoever knows the paper may shut it; to open it again is for another.
    Act.MARK_SECRET: frozenset({Role.ARCHIVIST}),
    Act.LIFT_SECRECY: frozenset({Role.SECURITY_ADMIN}),
    Act.OPEN_CASE: frozenset({Role.WINDOW_CLERK}),
    Act.REVIEW_CASE: frozenset({Role.FIRST_REVIEWER}),
    # The applicant comes to the window; a standstill is for the officer of the step.
    Act.WITHDRAW_CASE: frozenset({Role.WINDOW_CLERK}),
    Act.SUSPEND_CASE: frozenset({Role.FIRST_REVIEWER, Role.SECOND_REVIEWER, Role.APPROVER}),
    Act.CONFIRM_CASE: frozenset({Role.SECOND_REVIEWER}),
    Act.DECIDE_CASE: frozenset({Role.APPROVER}),
    Act.CALL_PAPER: frozenset({Role.APPROVER, Role.FIRST_REVIEWER, Role.SECOND_REVIEWER}),
    Act.HAND_PAPER: frozenset({Role.ARCHIVIST}),
    Act.FILE_CASE: frozenset({Role.ARCHIVIST}),
    # Petitions and courts ask after the decision, when nobody's leave to look is open any more.
    Act.EXPORT_EVIDENCE: frozenset({Role.ARCHIVIST, Role.APPROVER, Role.SUPERVISOR}),
    Act.ISSUE_CERTIFICATE: frozenset({Role.WINDOW_CLERK}),
    Act.REVOKE_CERTIFICATE: frozenset({Role.WINDOW_CLERK}),
    Act.FOLLOW_OWN_CASE: frozenset({Role.SUBJECT}),
    Act.GRANT_ACCESS: frozenset({Role.ARCHIVIST, Role.WINDOW_CLERK}),
    Act.REVOKE_ACCESS: frozenset({Role.ARCHIVIST, Role.SECURITY_ADMIN}),
    Act.OPEN_PAGE: frozenset(
        {
            Role.ARCHIVIST,
            Role.FIRST_REVIEWER,
            Role.SECOND_REVIEWER,
            Role.APPROVER,
            Role.CONSULTANT,
        }
    ),
    Act.VIEW_FIGURES: frozenset({Role.SUPERVISOR}),
    Act.VIEW_OPENINGS: frozenset({Role.SUPERVISOR, Role.SECURITY_ADMIN}),
    Act.VIEW_LOG: frozenset({Role.AUDIT_ADMIN, Role.SUPERVISOR}),
    Act.VIEW_ACCOUNTS: frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN}),
    Act.KEEP_ACCOUNTS: frozenset({Role.SYSTEM_ADMIN}),
    # A post is a right: who asks for one does not give it.
    Act.CONFIRM_POST: frozenset({Role.SECURITY_ADMIN}),
    Act.VIEW_KEYS: frozenset({Role.ARCHIVIST, Role.SECURITY_ADMIN}),
    # What is destroyed is gone for all time: one asks, another confirms.
    Act.ASK_KEY_DESTROYED: frozenset({Role.ARCHIVIST}),
    Act.CONFIRM_KEY_DESTROYED: frozenset({Role.SECURITY_ADMIN}),
}

ACT_LABELS: Final[dict[Act, str]] = {
    Act.RECEIVE_BATCH: "接收扫描批次",
    Act.VIEW_BATCH: "查看扫描批次",
    Act.COUNT_PAPER: "清点纸质页数",
    Act.VIEW_SCAN: "查看待检影像",
    Act.JUDGE_FINDING: "判定质检问题",
    Act.RETURN_SCAN: "退回影像重扫",
    Act.RESCAN: "重扫补交影像",
    Act.ACCEPT_BATCH: "验收批次",
    Act.SEARCH_DOSSIERS: "查询档案",
    Act.VIEW_CATALOGUE: "查看档案目录",
    Act.EDIT_CATALOGUE: "修改档案目录",
    Act.MARK_SECRET: "标定涉密材料",
    Act.LIFT_SECRECY: "解除涉密材料",
    Act.OPEN_CASE: "受理退休业务",
    Act.REVIEW_CASE: "初审退休业务",
    Act.WITHDRAW_CASE: "撤回退休申请",
    Act.SUSPEND_CASE: "中止或恢复退休业务",
    Act.CONFIRM_CASE: "复核退休业务",
    Act.DECIDE_CASE: "审批退休业务",
    Act.CALL_PAPER: "调阅实体档案",
    Act.HAND_PAPER: "交接实体档案",
    Act.FILE_CASE: "审批表归档",
    Act.EXPORT_EVIDENCE: "导出证据包",
    Act.ISSUE_CERTIFICATE: "出具证明",
    Act.REVOKE_CERTIFICATE: "撤销证明",
    Act.FOLLOW_OWN_CASE: "查看本人业务",
    Act.GRANT_ACCESS: "授予查阅权限",
    Act.REVOKE_ACCESS: "收回查阅权限",
    Act.OPEN_PAGE: "调阅档案影像",
    Act.VIEW_FIGURES: "查看监管数据",
    Act.VIEW_OPENINGS: "查看调阅记录",
    Act.VIEW_LOG: "查看存证日志",
    Act.VIEW_ACCOUNTS: "查看账户与岗位",
    Act.KEEP_ACCOUNTS: "管理账户",
    Act.CONFIRM_POST: "审核任职申请",
    Act.VIEW_KEYS: "查看密钥与涉密材料",
    Act.ASK_KEY_DESTROYED: "申请销毁档案密钥",
    Act.CONFIRM_KEY_DESTROYED: "审核档案密钥的销毁",
}


# Each holds one key of three; together they would be the superuser there is none of.
ADMINISTRATORS: Final = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})


def objections_to_holding(role: Role, *, held: frozenset[Role]) -> tuple[str, ...]:
    """Return why somebody who holds these posts may not be given one more."""
    others = held - {role}
    if others and (role in ADMINISTRATORS or others & ADMINISTRATORS):
        now = "、".join(ROLE_LABELS[each] for each in Role if each in others)
        return (f"三类管理员各自独立，也不兼任业务岗位；该账户现任{now}，请先免去或另选人员",)
    return ()


def objections_to(act: Act, *, roles: frozenset[Role]) -> tuple[str, ...]:
    """Return why somebody holding these posts may not do this; none means they may."""
    if MAY[act] & roles:
        return ()
    able = "、".join(ROLE_LABELS[role] for role in Role if role in MAY[act])
    return (f"您的岗位不能{ACT_LABELS[act]}，请由{able}办理",)
