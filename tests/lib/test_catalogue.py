"""Classes, names of scans, and kinds of material."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib import catalogue
from lantai.lib.catalogue import HEADINGS, KIND_LABELS, LEAVES, MaterialKind, ScanName, kind_of

CODES = [
    "1", "2", "3", "4-1", "4-2", "4-3", "4-4", "5", "6", "7", "8", "9-1", "9-2", "9-3", "9-4", "10",
]  # fmt: skip


def test_the_sixteen_leaves_stand_in_their_order() -> None:
    assert [leaf.code for leaf in LEAVES] == CODES
    assert [heading.numeral for heading in HEADINGS] == list("一二三四五六七八九十")


def test_each_leaf_has_names_and_stands_under_its_numeral() -> None:
    for leaf in LEAVES:
        assert leaf.short_name
        assert leaf.long_name
        assert leaf.heading == catalogue.heading(leaf.code)
    assert catalogue.leaf("9-2").short_name == "任免材料"
    assert catalogue.heading("9-2") == catalogue.heading("9") == "九"
    assert catalogue.heading("10") == "十"


@pytest.mark.parametrize("code", CODES)
def test_leaves_may_hold_entries(code: str) -> None:
    assert catalogue.is_leaf(code)


@pytest.mark.parametrize("code", ["4", "9", "11", "4-5", "9-0", "1-1", "", "一"])
def test_other_codes_may_not(code: str) -> None:
    assert not catalogue.is_leaf(code)
    with pytest.raises(ValueError, match="类号"):
        catalogue.leaf(code)


def test_a_divided_class_names_the_leaves_to_use_instead() -> None:
    with pytest.raises(ValueError, match="4-1、4-2、4-3、4-4"):
        catalogue.leaf("4")


def test_sorting_is_by_number_and_not_by_letter() -> None:
    assert sorted(["10", "9-1", "9", "4-2", "1"], key=catalogue.sort_key) == [
        "1",
        "4-2",
        "9",
        "9-1",
        "10",
    ]
    assert sorted(set(CODES), key=catalogue.sort_key) == CODES
    assert catalogue.sort_key("9") < catalogue.sort_key("9-1") < catalogue.sort_key("10")


@pytest.mark.parametrize("code", ["11", "4-9", "x"])
def test_an_unknown_class_has_no_place(code: str) -> None:
    with pytest.raises(ValueError, match="没有类号"):
        catalogue.sort_key(code)
    with pytest.raises(ValueError, match="没有类号"):
        catalogue.heading(code)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("4-1-2-003.jpg", ScanName("4-1", 2, 3)),
        ("9-2-12-001.TIF", ScanName("9-2", 12, 1)),
        ("10-1-001.jpg", ScanName("10", 1, 1)),
        ("1-3-015.jpeg", ScanName("1", 3, 15)),
        ("6-02-7.png", ScanName("6", 2, 7)),
    ],
)
def test_scan_names_are_read_from_the_right(name: str, read: ScanName) -> None:
    assert catalogue.parse_scan_name(name) == read


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("4-1-2-003", "扩展名"),
        ("4-1-2-003.docx", "扩展名"),
        ("001.jpg", "类号-序号-页序"),
        ("1-2.jpg", "类号-序号-页序"),
        ("1-2-3-4-5.jpg", "类号-序号-页序"),
        ("../1-2-003.jpg", "类号-序号-页序"),
        ("1-２-003.jpg", "类号-序号-页序"),
        ("4-2-003.jpg", "4-1、4-2"),
        ("11-2-003.jpg", "没有类号"),
        ("1-0-003.jpg", "1 至"),
        ("1-2-000.jpg", "1 至"),
        ("1-2-10000.jpg", "1 至"),
    ],
)
def test_a_wrong_scan_name_is_told_what_is_wrong(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        catalogue.parse_scan_name(name)

    assert name in str(refused.value)


@given(code=st.sampled_from(CODES), sequence=st.integers(1, 9999), page=st.integers(1, 9999))
def test_a_written_scan_name_is_read_back(code: str, sequence: int, page: int) -> None:
    name = ScanName(code, sequence, page)

    assert catalogue.parse_scan_name(f"{name}.jpg") == name


@given(st.text(max_size=40))
def test_no_name_breaks_the_reader(name: str) -> None:
    try:
        read = catalogue.parse_scan_name(name)
    except ValueError:
        return
    assert catalogue.is_leaf(read.class_code)


TITLES = {
    MaterialKind.SCHOOL_CARD: "小学学籍卡 初中学籍表 学生登记表 高等学校学生登记表 小学生登记卡",
    MaterialKind.EXAM_ENTRY: "高等学校招生考试报名登记表 报考登记表 新生登记表 中等专业学校招生报名表",
    MaterialKind.TRANSCRIPT: "学生成绩表 成绩单 学习成绩登记表",
    MaterialKind.GRADUATE_FORM: "中学毕业生登记表 高等学校毕业生登记表 技工学校毕业生登记表 毕业鉴定表",
    MaterialKind.DIPLOMA: "毕业证书 学士学位证书 国外学历学位认证书",
    MaterialKind.LEAGUE_FORM: "入团志愿书 中国共产主义青年团入团志愿书 入团申请书",
    MaterialKind.LEAGUE_CARD: "团员登记表 共青团员登记表 超龄离团审批表",
    MaterialKind.PARTY_FORM: "入党志愿书 中国共产党入党志愿书",
    MaterialKind.PARTY_PAPER: "入党申请书 转正申请书 党员登记表 思想汇报",
    MaterialKind.HIRE_FORM: "招工登记表 招收新工人登记表 招工审批表 全民所有制单位招收工人登记表 职工录用审批表 子女顶替审批表",
    MaterialKind.CONTRACT_HIRE_FORM: "劳动合同制工人招工登记表 全民所有制工人劳动合同制招工登记表 招收合同制工人审批表",
    MaterialKind.ASSIGNMENT: "毕业生报到证 就业报到证 毕业生派遣证 中专毕业生分配通知书",
    MaterialKind.REGULAR_FORM: "学徒工转正定级审批表 转正定级表 见习期满转正定级审批表 学徒期满转正审批表 工人定级审批表",
    MaterialKind.WAGE_FORM: "企业职工工资变动审批表 调资审批表 1985年工资套改表 职工升级审批表 岗位技能工资审批表",
    MaterialKind.WAGE_TRANSFER: "工资转移证 工资关系介绍信 行政工资介绍信",
    MaterialKind.TRANSFER_FORM: "职工调动登记表 干部调动审批表 调令 干部介绍信 工人调动通知",
    MaterialKind.ARMY_ENTRY: "应征公民入伍登记表 入伍批准书 应征青年政治审查表 入伍通知书",
    MaterialKind.ARMY_EXIT: "退伍军人登记表 义务兵退出现役登记表 复员军人登记表 军队转业干部审批表",
    MaterialKind.ARMY_PAPER: "士兵登记表 革命军人登记表 立功受奖登记表",
    MaterialKind.COUNTRYSIDE_FORM: "知识青年上山下乡登记表 上山下乡审批表 插队知青登记表 支边青年登记表",
    MaterialKind.COUNTRYSIDE_RETURN: "知识青年返城审批表 知青返城证明 知青困退回城审批表",
    MaterialKind.COUNTRYSIDE_CARD: "知青证 知识青年光荣证",
    MaterialKind.CADRE_CONVERSION: "录用干部审批表 聘用制干部审批表 工人转干审批表 以工代干人员登记表",
    MaterialKind.POST_FORM: "聘任书 干部任免审批表 岗位变动审批表 岗位聘用登记表",
    MaterialKind.TITLE_FORM: "专业技术职务任职资格评审表 职称评审表 专业技术资格考试登记表",
    MaterialKind.SKILL_FORM: "技术等级考核表 工人考工升级表 技师考评表",
    MaterialKind.LABOUR_CONTRACT: "劳动合同书 劳动合同 续订劳动合同 固定职工转为劳动合同制职工审批表",
    MaterialKind.CONTRACT_END: "解除劳动合同证明书 终止（解除）劳动合同证明书 离职证明",
    MaterialKind.RESIGNATION: "辞职申请书 辞职审批表",
    MaterialKind.DISMISSAL: "辞退通知书 关于辞退某某的决定",
    MaterialKind.STRIKING_OFF: "除名决定 关于对某某予以除名的通知",
    MaterialKind.WALKING_OUT: "关于对某某按自动离职处理的决定",
    MaterialKind.EXPULSION: "关于给予某某开除处分的决定 开除厂籍决定",
    MaterialKind.JUDGMENT: "刑事判决书 刑满释放证明",
    MaterialKind.LABOUR_CAMP_DECISION: "劳动教养决定书",
    MaterialKind.PENALTY: "行政处分决定 记过处分决定",
    MaterialKind.PENALTY_LIFTED: "解除处分决定 撤销开除处分的决定 关于某某问题的复查结论",
    MaterialKind.NAME_CHANGE: "关于更改姓名的批复 更名审批表",
    MaterialKind.BIRTH_CHANGE: "更改出生日期审批表 出生日期认定表",
    MaterialKind.HOUSEHOLD_PAPER: "户口迁移证 常住人口登记表 户籍证明",
    MaterialKind.IDENTITY_CARD: "身份证复印件",
    MaterialKind.SPECIAL_WORK_FORM: "从事特殊工种职工登记表 特殊工种备案表",
    MaterialKind.SPECIAL_WORK_TRANSFER: "工种变动审批表 工种调动表",
    MaterialKind.ALLOWANCE_FORM: "保健津贴审批表 岗位津贴发放表",
    MaterialKind.WITNESS_LETTER: "特殊工种证明 关于某某工龄的证明 情况说明",
    MaterialKind.STUDY_LEAVE: "带薪学习审批表 脱产学习批件",
    MaterialKind.RESUME: "干部履历表 职工登记表 工人登记表 简历表 教师登记表",
    MaterialKind.AUTOBIOGRAPHY: "自传",
    MaterialKind.APPRAISAL: "工作鉴定 实习鉴定 考察材料",
    MaterialKind.YEARLY_ASSESSMENT: "年度考核登记表 1994年度考核表",
    MaterialKind.POLITICAL_REVIEW: "政治审查表 外调材料 家庭情况调查表",
    MaterialKind.AUDIT_SHEET: "档案专项审核认定表",
    MaterialKind.TRAINING: "培训登记表 学员登记表",
    MaterialKind.RESEARCH: "科研成果登记表 论文目录",
    MaterialKind.AWARD: "先进生产者登记表 劳动模范登记表",
    MaterialKind.ABROAD: "因公出国审批表",
    MaterialKind.DELEGATE: "党代会代表登记表",
    MaterialKind.INSURANCE_RECORD: "养老保险手册 社会保险缴费记录",
    MaterialKind.UNEMPLOYMENT_FORM: "失业登记表 求职登记表",
    MaterialKind.DEPOSIT_FORM: "流动人员人事档案存档登记表 委托存档合同 存档人员登记表",
    MaterialKind.UNION_FORM: "工会会员登记表",
    MaterialKind.MEDICAL: "体检表 工伤认定书",
    MaterialKind.RETIREMENT_FORM: "退休审批表 企业职工退休核准表 视同缴费年限认定表",
    MaterialKind.OTHER: "材料 其他 封面",
}  # fmt: skip


@pytest.mark.parametrize(
    ("title", "kind"),
    [(title, kind) for kind, titles in TITLES.items() for title in titles.split()],
)
def test_a_title_tells_the_kind_of_material(title: str, kind: MaterialKind) -> None:
    assert kind_of(title) is kind


def test_every_kind_has_a_label_and_an_example() -> None:
    assert set(KIND_LABELS) == set(MaterialKind) == set(TITLES)


def test_marks_of_quotation_and_blanks_do_not_hide_a_kind() -> None:
    assert kind_of("《入团 志愿书》") is MaterialKind.LEAGUE_FORM
    assert kind_of("［ 招工登记表 ］") is MaterialKind.HIRE_FORM


@given(st.text(max_size=60))
def test_any_title_has_a_kind(title: str) -> None:
    assert kind_of(title) in MaterialKind
