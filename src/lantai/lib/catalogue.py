"""The ten classes of a dossier, their sixteen leaves, and the names scans are filed under.

Short names stand on catalogue sheets since 2012 (组通字〔2012〕28号), long names in the
《干部人事档案工作条例》 of 2018; dossiers of mobile workers are filed likewise (domain digest
§1.1). Classes 4 and 9 hold no entries themselves.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


@dataclass(frozen=True)
class Heading:
    """One of the ten classes as the catalogue sheet prints it."""

    code: str
    numeral: str
    short_name: str
    long_name: str


@dataclass(frozen=True)
class Leaf:
    """A class that holds entries. ``heading`` is the numeral 一…十 it stands under."""

    code: str
    short_name: str
    long_name: str
    heading: str


@dataclass(frozen=True)
class ScanName:
    """What the name of a scan says: class, place in the class, page of the material."""

    class_code: str
    sequence: int
    page: int

    def __str__(self) -> str:
        return f"{self.class_code}-{self.sequence}-{self.page:03d}"


HEADINGS: Final = (
    Heading("1", "一", "履历材料", "履历类材料"),
    Heading("2", "二", "自传材料", "自传和思想类材料"),
    Heading("3", "三", "鉴定、考核、考察材料", "考核鉴定类材料"),
    Heading(
        "4",
        "四",
        "学历学位、职称、学术、培训等材料",
        "学历学位、专业技术职务（职称）、学术评鉴和教育培训类材料",
    ),
    Heading("5", "五", "政审材料", "政审、审计和审核类材料"),
    Heading("6", "六", "党团材料", "党、团类材料"),
    Heading("7", "七", "奖励材料", "表彰奖励类材料"),
    Heading("8", "八", "处分材料", "违规违纪违法处理处分类材料"),
    Heading(
        "9",
        "九",
        "工资、任免、出国、会议等材料",
        "工资、任免、出国和会议代表类材料",
    ),
    Heading("10", "十", "其他材料", "其他可供组织参考的材料"),
)

_SUBCLASSES: Final = (
    ("4-1", "学历学位材料", "学历学位材料"),
    ("4-2", "专业技术职务材料", "专业技术职务（职业资格）材料"),
    ("4-3", "科研学术材料", "学术评鉴材料"),
    ("4-4", "培训材料", "教育培训材料"),
    ("9-1", "工资材料", "工资待遇审批、参加社会保险材料"),
    ("9-2", "任免材料", "录用、聘用、招用、入伍、任免、调配、转业、退休、辞职、辞退材料"),
    ("9-3", "出国（境）审批材料", "出国（境）审批材料"),
    ("9-4", "会议代表材料", "会议代表材料"),
)


def _leaves() -> tuple[Leaf, ...]:
    leaves: list[Leaf] = []
    for heading in HEADINGS:
        below = [sub for sub in _SUBCLASSES if sub[0].startswith(f"{heading.code}-")]
        whole = (heading.code, heading.short_name, heading.long_name)
        leaves.extend(Leaf(*names, heading.numeral) for names in below or [whole])
    return tuple(leaves)


LEAVES: Final[tuple[Leaf, ...]] = _leaves()

_LEAF_BY_CODE: Final = {leaf.code: leaf for leaf in LEAVES}
_NUMERALS: Final = {heading.code: heading.numeral for heading in HEADINGS}
_EXTENSIONS: Final = frozenset({"jpg", "jpeg", "tif", "tiff", "jp2", "png", "pdf"})
_SCAN_NAME: Final = re.compile(
    r"(?P<class>[0-9]+(?:-[0-9]+)?)-(?P<sequence>[0-9]+)-(?P<page>[0-9]+)"
)
_MOST: Final = 9999


def is_leaf(code: str) -> bool:
    """Tell whether a class may hold entries: one of the sixteen."""
    return code in _LEAF_BY_CODE


def leaf(code: str) -> Leaf:
    """The leaf of a code; ValueError with a sentence for any other."""
    found = _LEAF_BY_CODE.get(code)
    if found is None:
        raise ValueError(_not_a_leaf(code))
    return found


def sort_key(code: str) -> tuple[int, int]:
    """The place of a class in the catalogue: 1 … 3, 4, 4-1 … 9-4, 10. ValueError if no class."""
    if code not in _NUMERALS and code not in _LEAF_BY_CODE:
        raise ValueError(_not_a_leaf(code))
    first, _, second = code.partition("-")
    return int(first), int(second or 0)


def heading(code: str) -> str:
    """The numeral 一…十 a class or leaf stands under; ValueError if there is no such class."""
    return _NUMERALS[str(sort_key(code)[0])]


def parse_scan_name(file_name: str) -> ScanName:
    """Read ``<class>-<sequence>-<page>.<ext>`` from the right: ``4-1-2-003.jpg`` is 4-1, 2, 3.

    Raise ValueError, saying in Chinese what is wrong with the name.
    """
    stem, dot, extension = file_name.rpartition(".")
    if not dot or extension.lower() not in _EXTENSIONS:
        raise ValueError(f"文件名“{file_name}”没有图像扩展名，应为 .jpg 或 .tif")
    found = _SCAN_NAME.fullmatch(stem)
    if found is None:
        raise ValueError(f"文件名“{file_name}”不合规则，应为“类号-序号-页序”，如 4-1-2-003.jpg")
    class_code = found["class"]
    if not is_leaf(class_code):
        raise ValueError(f"文件名“{file_name}”：{_not_a_leaf(class_code)}")
    sequence, page = int(found["sequence"]), int(found["page"])
    if not (1 <= sequence <= _MOST and 1 <= page <= _MOST):
        raise ValueError(f"文件名“{file_name}”：序号和页序应在 1 至 {_MOST} 之间")
    return ScanName(class_code, sequence, page)


def _not_a_leaf(code: str) -> str:
    if code in _NUMERALS:
        below = "、".join(leaf.code for leaf in LEAVES if leaf.code.startswith(f"{code}-"))
        return f"类号“{code}”不直接存放材料，请改用其下的 {below}"
    return f"没有类号“{code}”，请改用十大类的末级类号"


class MaterialKind(StrEnum):
    """What a material is, whichever class an office filed it in.

    The same form stands in different classes in different offices, so materials that prove a fact
    are sought by kind, never by class (domain digest §1.1 c, §4.7).
    """

    SCHOOL_CARD = "school_card"
    EXAM_ENTRY = "exam_entry"
    TRANSCRIPT = "transcript"
    GRADUATE_FORM = "graduate_form"
    DIPLOMA = "diploma"
    LEAGUE_FORM = "league_form"
    LEAGUE_CARD = "league_card"
    PARTY_FORM = "party_form"
    PARTY_PAPER = "party_paper"
    HIRE_FORM = "hire_form"
    CONTRACT_HIRE_FORM = "contract_hire_form"
    ASSIGNMENT = "assignment"
    REGULAR_FORM = "regular_form"
    WAGE_FORM = "wage_form"
    WAGE_TRANSFER = "wage_transfer"
    TRANSFER_FORM = "transfer_form"
    ARMY_ENTRY = "army_entry"
    ARMY_EXIT = "army_exit"
    ARMY_PAPER = "army_paper"
    COUNTRYSIDE_FORM = "countryside_form"
    COUNTRYSIDE_RETURN = "countryside_return"
    COUNTRYSIDE_CARD = "countryside_card"
    CADRE_CONVERSION = "cadre_conversion"
    POST_FORM = "post_form"
    TITLE_FORM = "title_form"
    SKILL_FORM = "skill_form"
    LABOUR_CONTRACT = "labour_contract"
    CONTRACT_END = "contract_end"
    RESIGNATION = "resignation"
    DISMISSAL = "dismissal"
    STRIKING_OFF = "striking_off"
    WALKING_OUT = "walking_out"
    EXPULSION = "expulsion"
    JUDGMENT = "judgment"
    LABOUR_CAMP_DECISION = "labour_camp_decision"
    PENALTY = "penalty"
    PENALTY_LIFTED = "penalty_lifted"
    NAME_CHANGE = "name_change"
    BIRTH_CHANGE = "birth_change"
    HOUSEHOLD_PAPER = "household_paper"
    IDENTITY_CARD = "identity_card"
    SPECIAL_WORK_FORM = "special_work_form"
    SPECIAL_WORK_TRANSFER = "special_work_transfer"
    ALLOWANCE_FORM = "allowance_form"
    WITNESS_LETTER = "witness_letter"
    STUDY_LEAVE = "study_leave"
    RESUME = "resume"
    AUTOBIOGRAPHY = "autobiography"
    APPRAISAL = "appraisal"
    YEARLY_ASSESSMENT = "yearly_assessment"
    POLITICAL_REVIEW = "political_review"
    AUDIT_SHEET = "audit_sheet"
    TRAINING = "training"
    RESEARCH = "research"
    AWARD = "award"
    ABROAD = "abroad"
    DELEGATE = "delegate"
    INSURANCE_RECORD = "insurance_record"
    UNEMPLOYMENT_FORM = "unemployment_form"
    DEPOSIT_FORM = "deposit_form"
    UNION_FORM = "union_form"
    MEDICAL = "medical"
    RETIREMENT_FORM = "retirement_form"
    OTHER = "other"


# Tried from the top, the first that is found in the title decides: what is special stands above
# what is general (合同制招工表 above 招工表 above 劳动合同).
_KINDS: Final[tuple[tuple[MaterialKind, str, str], ...]] = (
    (MaterialKind.RETIREMENT_FORM, "退休审批表", "退休.*(审批|登记|核准|呈报)|视同缴费.*认定"),
    (MaterialKind.AUDIT_SHEET, "档案专项审核认定表", "专项审核|审核认定|档案任前审核"),
    (
        MaterialKind.BIRTH_CHANGE,
        "更改出生日期材料",
        "(更改|变更|更正|修改|认定).*(出生|年龄)|(出生|年龄).*(更改|变更|更正|修改|认定)",
    ),
    (
        MaterialKind.NAME_CHANGE,
        "更改姓名材料",
        "(更改|变更|更正).*姓名|姓名.*(更改|变更|更正)|更名|改名",
    ),
    (MaterialKind.LABOUR_CAMP_DECISION, "劳动教养决定", "劳动教养|劳教"),
    (MaterialKind.JUDGMENT, "判决书", "判决|裁定书|刑满|释放证"),
    (
        MaterialKind.PENALTY_LIFTED,
        "解除处分、甄别复查材料",
        "(解除|撤销|取消|免予).*(处分|开除|除名)|甄别|复查|平反|改正",
    ),
    (MaterialKind.EXPULSION, "开除决定", "开除"),
    (MaterialKind.STRIKING_OFF, "除名决定", "除名"),
    (MaterialKind.WALKING_OUT, "自动离职决定", "自动离职|擅自离职"),
    (MaterialKind.DISMISSAL, "辞退材料", "辞退"),
    (MaterialKind.RESIGNATION, "辞职材料", "辞职|辞去公职"),
    (MaterialKind.PENALTY, "处分材料", "处分|警告|记过|检讨"),
    (
        MaterialKind.SPECIAL_WORK_TRANSFER,
        "工种变动表",
        "工种.*(调动|变动|变更|转换)|(调动|变动|变更).*工种",
    ),
    (
        MaterialKind.WITNESS_LETTER,
        "事后证明材料",
        "(特殊工种|工种|工龄|班组|工作经历|参加工作).*证明|证明人|旁证|情况说明|证言",
    ),
    (MaterialKind.SPECIAL_WORK_FORM, "特殊工种登记表", "特殊工种|有毒有害|提前退休工种"),
    (
        MaterialKind.ALLOWANCE_FORM,
        "保健（岗位）津贴表",
        "保健(食品|津贴|费)|岗位津贴|高温津贴|井下津贴|有害.*津贴",
    ),
    (
        MaterialKind.STUDY_LEAVE,
        "带薪学习批件",
        "带薪|脱产.*(学习|进修)|(选送|保送|委托培养).*(批|审|登记)",
    ),
    (MaterialKind.COUNTRYSIDE_CARD, "知青证", "知(识)?青(年)?(证|光荣证)"),
    (
        MaterialKind.COUNTRYSIDE_RETURN,
        "知青返城材料",
        "返城|回城|(知青|知识青年|插队|下乡).*(返|抽调|病退|困退|回京)",
    ),
    (
        MaterialKind.COUNTRYSIDE_FORM,
        "上山下乡登记表",
        "上山下乡|下乡|插队|知青|知识青年|支边|(兵团|农场).*(登记|审批)",
    ),
    (
        MaterialKind.ARMY_EXIT,
        "退伍（转业、复员）登记表",
        "(退伍|退出现役|转业|复员|退役)",
    ),
    (
        MaterialKind.ARMY_ENTRY,
        "应征入伍登记表",
        "入伍|应征|征集|义务兵.*(登记|政审|政治审查)|参军",
    ),
    (MaterialKind.ARMY_PAPER, "部队材料", "士兵|军人|战士|义务兵|军官|立功|军籍|嘉奖"),
    (
        MaterialKind.CONTRACT_HIRE_FORM,
        "合同制工人招工表",
        "^(?!.*转(为|制)).*(合同制.*(招|录用|审批|登记)|(招|录用).*合同制)",
    ),
    (
        MaterialKind.CONTRACT_END,
        "解除或终止劳动合同证明",
        "(解除|终止|到期).*(合同|劳动关系|聘用)|(合同|劳动关系).*(解除|终止)|离职证明|减员|协保",
    ),
    (
        MaterialKind.ASSIGNMENT,
        "报到证（派遣证）",
        "报到|派遣|毕业生.*(分配|就业).*(通知|介绍|审批)",
    ),
    (
        MaterialKind.REGULAR_FORM,
        "转正定级审批表",
        "转正定级|定级|(学徒|试用|见习|工人|职工|熟练).*转正|转正.*(工资|审批)",
    ),
    (
        MaterialKind.CADRE_CONVERSION,
        "转干（聘干）审批表",
        "转干|聘干|录干|(录用|吸收|聘用).*(干部|国家工作人员|公务员)|工人.*转.*干部|以工代干",
    ),
    (
        MaterialKind.HIRE_FORM,
        "招工登记表",
        "招工|招收|招用|录用|新工人|招聘.*(登记|审批)|(职工|工人).*(录取|录用|招)|顶替|接班|就业登记.*(招|录)",
    ),
    (MaterialKind.PARTY_FORM, "入党志愿书", "入党志愿书|加入中国共产党志愿"),
    (
        MaterialKind.PARTY_PAPER,
        "党员材料",
        "入党|党员|^转正申请|中共|中国共产党|思想汇报|(民革|民盟|民建|民进|农工党|致公党|九三学社|台盟)",
    ),
    (
        MaterialKind.LEAGUE_FORM,
        "入团志愿书",
        "入团志愿|入团申请|加入.*共(产主义)?青(年)?团|加入.*共青团",
    ),
    (MaterialKind.LEAGUE_CARD, "团员登记材料", "团员|入团|共青团|超龄离团|退团"),
    (MaterialKind.DELEGATE, "会议代表登记表", "代表(大会)?.*(登记|审批|名单)|代表登记|委员登记"),
    (MaterialKind.ABROAD, "出国（境）审批材料", "出国|出境|因公|因私|护照|港澳"),
    (
        MaterialKind.WAGE_TRANSFER,
        "工资转移证",
        "工资.*(转移|关系|介绍)|行政.*工资.*介绍|转移工资|供给关系",
    ),
    (
        MaterialKind.TRANSFER_FORM,
        "调动登记表",
        "调动|调令|商调|调入|调出|调配|介绍信|(干部|职工|工人).*调.*(表|通知)",
    ),
    (
        MaterialKind.TITLE_FORM,
        "专业技术职务评审表",
        "职称|专业技术(职务|资格)|技术职务|任职资格|资格.*(评审|考试|认定)|评审表|职业资格",
    ),
    (
        MaterialKind.WAGE_FORM,
        "工资变动表",
        "^(?!.*考工).*(工资|调资|套改|晋级|升级|增资|级别.*(变动|审批)|薪)",
    ),
    (
        MaterialKind.POST_FORM,
        "聘用（岗位）审批表",
        "聘任|聘用|任免|任职|任命|岗位.*(审批|登记|协议|聘)|职务.*(任|免|变动)",
    ),
    (
        MaterialKind.SKILL_FORM,
        "技术等级、考工材料",
        "技术等级|考工|工人.*(考核|等级)|技师|(技能|技术).*(鉴定|考核|等级)|升级考试",
    ),
    (
        MaterialKind.UNEMPLOYMENT_FORM,
        "失业登记材料",
        "失业|待业|求职登记|下岗|再就业|就业转失业",
    ),
    (
        MaterialKind.DEPOSIT_FORM,
        "存档登记、委托存档材料",
        "存档|委托.*(保管|管理|代理)|人事代理|档案.*(转递|接收|寄存|托管)|到档",
    ),
    (
        MaterialKind.INSURANCE_RECORD,
        "养老保险材料",
        "养老保险|社会保险|社保|缴费|参保|补缴|个人账户",
    ),
    (MaterialKind.LABOUR_CONTRACT, "劳动合同", "劳动合同|聘用合同|用工合同|合同书|合同制|续订合同"),
    (
        MaterialKind.EXAM_ENTRY,
        "报考登记表",
        "报考|报名|(升学|招生|高考|中考|入学).*(登记|考试|申请)|新生.*登记|考生",
    ),
    (
        MaterialKind.GRADUATE_FORM,
        "毕业生登记表",
        "毕业(生)?.*(登记|鉴定|审查|表)|毕业生|肄业",
    ),
    (MaterialKind.TRANSCRIPT, "成绩表", "成绩|学业.*(表|单)"),
    (
        MaterialKind.SCHOOL_CARD,
        "学籍卡（学生登记表）",
        "学籍|学生.*(登记|卡|表)|(小学|中学|初中|高中).*(登记|卡)",
    ),
    (MaterialKind.DIPLOMA, "毕业、学位证书", "毕业证|学位|学历.*(认证|证)|文凭|结业证"),
    (MaterialKind.RESEARCH, "科研学术材料", "科研|论文|著作|发明|成果|博士后|学术"),
    (MaterialKind.TRAINING, "培训材料", "培训|学员|结业|进修|党校"),
    (MaterialKind.HOUSEHOLD_PAPER, "户口材料", "户口|户籍|迁移证|常住人口|农转非"),
    (MaterialKind.IDENTITY_CARD, "身份证材料", "身份证|公民身份"),
    (MaterialKind.UNION_FORM, "工会会员材料", "工会"),
    (
        MaterialKind.MEDICAL,
        "体检、伤病材料",
        "体检|体格检查|健康|工伤|劳动能力|病历|伤残|残疾|计划生育|独生",
    ),
    (MaterialKind.YEARLY_ASSESSMENT, "年度考核表", "年度考核|考核.*(登记|表)|考绩|年终.*(考|总结)"),
    (
        MaterialKind.POLITICAL_REVIEW,
        "政审材料",
        "政审|政治审查|政历|外调|历史.*(问题|结论|审查)|审查结论|社会关系|家庭.*(情况|成分)|交代|调查(报告|材料|证明)",
    ),
    (MaterialKind.AWARD, "奖励材料", "奖|先进|模范|劳模|三好|标兵|优秀|荣誉|突击手|红旗手"),
    (MaterialKind.AUTOBIOGRAPHY, "自传", "自传|个人.*(总结|报告|事项)|思想总结"),
    (MaterialKind.APPRAISAL, "鉴定材料", "鉴定|评语|考察|工作总结|实习|表现"),
    (
        MaterialKind.RESUME,
        "履历表、登记表",
        "履历|简历|(职工|工人|干部|教师|人员|公务员|企业).*(登记|卡)|登记(表|卡)$",
    ),
)

KIND_LABELS: Final[dict[MaterialKind, str]] = {
    **{kind: label for kind, label, _ in _KINDS},
    MaterialKind.OTHER: "其他材料",
}
_KIND_PATTERNS: Final = tuple((kind, re.compile(pattern)) for kind, _, pattern in _KINDS)
_DECORATION: Final = re.compile(r"[\s《》〈〉“”\"'\[\]［］【】〔〕]+")


def kind_of(title: str) -> MaterialKind:
    """The kind of material a title names; OTHER for titles that name none."""
    plain = _DECORATION.sub("", title)
    for kind, pattern in _KIND_PATTERNS:
        if pattern.search(plain):
            return kind
    return MaterialKind.OTHER
