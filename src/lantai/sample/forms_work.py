"""Forms of working life: wages, curriculum, special work, appraisal, and a slip nobody listed."""

import datetime as dt

from lantai.sample import names
from lantai.sample.cells import Essay, Opinion
from lantai.sample.facts import Written
from lantai.sample.form import FormPage
from lantai.sample.forms_hire import days
from lantai.sample.forms_school import FOOT_MM, family, history, person_rows
from lantai.sample.lives import Career, Stage

# Year of the round: basis, old and new grade, old and new wage of a month in yuan.
_ROUNDS = {
    1985: ("国发〔1985〕2号文件", "二级", "三级", 41.5, 49.0),
    1990: ("劳薪字〔1989〕40号文件", "四级", "五级", 76.0, 88.5),
    1994: ("岗位技能工资制实施办法", "五级", "岗技五级", 168.0, 231.0),
    1998: ("企业工资制度改革方案", "岗技五级", "岗技六级", 412.0, 498.0),
    2001: ("企业年度调资方案", "六级", "七级", 655.0, 742.0),
}


def wage_title(year: int) -> str:
    return "企业职工工资变动审批表" if year < 1994 else "企业职工岗位技能工资审批表"


def wage(page: FormPage) -> None:
    """A wage form of the last general round before the day of the page."""
    life, reading = page.reading.life, page.reading
    year = max(y for y in _ROUNDS if y <= max(1985, reading.year))
    basis, old, new, before, after = _ROUNDS[year]
    unit = life.unit_at(reading.on)
    page.by = page.clerks[0]
    page.title(wage_title(reading.year), 23)
    page.printed(page.left, 33.5, "单位：", 3.8)
    page.fill(page.left + 11, 33.2, 70, Written(unit), 4.6)
    at = reading.on.replace(day=1)
    rows = [
        *person_rows(page),
        page.row(10.5, "参加工作时间*3.4 :first_work*5 工种岗位*2.6 :post*5"),
        page.row(9, "变动时间*4 原等级*3 原工资*3 现等级*3 现工资*3 变动原因*3"),
    ]
    earlier = at - days(720)
    steps = [
        (earlier, old, before * 0.86, old, before, "升级"),
        (at, old, before, new, after, "调资"),
    ]
    for when, grade, pay, next_grade, next_pay, why in steps:
        if when >= life.regular.replace(day=1):
            rows.append(
                page.row(
                    10.5,
                    ":when*4 :grade*3 :pay*3 :next*3 :more*3 :why*3",
                    when=reading.date(when, day=False),
                    grade=grade,
                    pay=f"{pay:.2f}",
                    next=next_grade,
                    more=f"{next_pay:.2f}",
                    why=why,
                )
            )
    rows.extend(page.row(10.5, "-*4 -*3 -*3 -*3 -*3 -*3") for _ in range(3))
    reason = (
        f"根据{basis}精神，经群众评议、单位审核，同意该同志增加工资，"
        f"自{at.year}年{at.month}月起执行。"
    )
    works = Opinion(
        "单位意见",
        "同意上报。",
        unit,
        reading.on - days(14),
        department="劳动工资科",
        signer=life.people[5],
    )
    bureau = Opinion(
        "主管部门审批", "同意。", names.LABOUR_BUREAU, reading.on, department="工资专用章", clerk=2
    )
    rows += [
        page.row(
            10.5,
            "增资额*2.6 :more*5 执行时间*2.6 :when*5",
            more=f"{after - before:.2f}元",
            when=reading.date(at, day=False),
        ),
        page.row(40, "调资依据*1.6 :reason*15", reason=Essay(reason, hand=page.clerks[1])),
        page.row(46, ":works*8 :bureau*8", works=works, bureau=bureau),
    ]
    page.table(37, rows, bottom=page.sheet.high_mm - FOOT_MM)


def curriculum_first(page: FormPage) -> None:
    """First side of the curriculum form: the person and the family."""
    life, reading = page.reading.life, page.reading
    page.title("职工履历表", 23, mm=9)
    page.printed(page.left, 34, "单位：", 3.8)
    page.fill(page.left + 11, 33.7, 70, Written(life.unit_at(reading.on)), 4.8)
    kin = "配偶" if reading.year - life.birth.year > 24 else "姐姐"
    model = reading.year >= 1991 and life.regular.year < 1990
    prizes = "一九九〇年被评为厂级先进生产者。" if model else "无。"
    rows = [
        *person_rows(page, day=True),
        page.row(
            10.5,
            "曾用名*2.4 :former*3 家庭出身*2.6 :class_of*3 本人成份*2.6 :own*3",
            former="无",
            class_of="农民" if life.career is Career.RURAL else "工人",
            own="干部" if life.career is Career.CADRE else "工人",
        ),
        page.row(10.5, "参加工作时间*3.4 :first_work*5 工种职务*2.6 :post*5"),
        page.row(10.5, "身份证号码*3.4 :id_number*8 健康状况*2.6 :health*3", health="健康"),
        page.row(10.5, "现住址*2.6 :address*14"),
        *family(page),
        page.row(9, "-*4 :kin*2 :who*3 :work*8", kin=kin, who=life.people[6], work="本市职工"),
        page.row(9, "-*4 -*2 -*3 -*8"),
        page.row(48, "何时何地受过何种奖励*2.2 :prizes*14", prizes=Essay(prizes)),
        page.row(40, "何时何地受过何种处分*2.2 :none*14", none=Essay("无。")),
    ]
    page.table(38, rows, bottom=page.sheet.high_mm - FOOT_MM)
    page.photo(page.left + page.wide - 21, 7, 19, 25)


def curriculum_second(page: FormPage) -> None:
    """Second side: the stretches of work and the word of the office."""
    life, reading = page.reading.life, page.reading
    page.centred("工作学习经历", 20, 5.4)
    office = Opinion(
        "",
        "经审查，情况属实。",
        life.unit_at(reading.on),
        reading.on,
        department="人事科",
        signer=life.people[7],
    )
    rows = [
        *history(page, 7, blank=max(1, 8 - len(reading.past))),
        page.row(34, "备注*1.6 :remark*15", remark=Essay("以上所填属实。")),
        page.row(50, "组织审查意见*1.6 :office*15", office=office),
    ]
    end = page.table(27, rows, bottom=page.sheet.high_mm - 28)
    page.printed(page.left + page.wide - 66, end + 7, "填表人（签名）", 3.9)
    autograph(page, page.left + page.wide - 36, end + 6.5)


def autograph(page: FormPage, x: float, y: float) -> None:
    """The person's own signature, from x to the right within about three centimetres."""
    name = page.reading.life.name
    page.sheet.write(x, y, name, 7.0 if len(name) < 5 else 32 / len(name), page.own_hand)


def special(page: FormPage) -> None:
    """The register of somebody in a listed trade."""
    life, reading = page.reading.life, page.reading
    work = next(i for i in life.jobs if i.stage is Stage.WORK and i.post == life.trade.post)
    page.by = page.clerks[0]
    page.title("从事特殊工种职工登记表", 23)
    until = min(work.end or reading.on, reading.on)
    months = (until.year - work.start.year) * 12 + until.month - work.start.month + 1
    what = (
        f"该同志自定级之日起在{life.trade.workshop}一线从事{life.trade.post}工作，属{life.trade.special}岗位，"
        "按规定享受保健津贴，有原始工资表可查。"
    )
    works = Opinion(
        "单位审核意见",
        "经查原始工资卡，情况属实。",
        work.unit,
        reading.on - days(17),
        department="劳动工资科",
    )
    bureau = Opinion(
        "劳动部门备案",
        "同意备案。",
        names.LABOUR_BUREAU,
        reading.on,
        department="特殊工种专用章",
        clerk=2,
    )
    rows = [
        *person_rows(page),
        page.row(10.5, "参加工作时间*3.4 :first_work*5 身份证号码*3 :id_number*6.5"),
        page.row(10.5, "工作单位*2.6 :unit*7 工种岗位*2.6 :post*4", unit=work.unit),
        page.row(
            10.5,
            "特殊工种类别*3.4 :kind*6 所在车间*2.6 :shop*5",
            kind=life.trade.special or "其他",
            shop=life.trade.workshop,
        ),
        page.row(9, "开始时间*4 终止时间*4 累计月数*3 审核人*3"),
        page.row(
            11,
            ":begun*4 :until*4 :months*3 :checked*3",
            begun=reading.special_work(work, until),
            until="现在" if until == reading.on else reading.date(until, day=False),
            months=f"{months}个月",
            checked=life.people[2],
        ),
        *(page.row(11, "-*4 -*4 -*3 -*3") for _ in range(3)),
        page.row(42, "岗位说明*1.6 :what*15", what=Essay(what, hand=page.clerks[1])),
        page.row(48, ":works*8 :bureau*8", works=works, bureau=bureau),
    ]
    page.table(35, rows, bottom=page.sheet.high_mm - FOOT_MM)


def appraisal(page: FormPage) -> None:
    """The appraisal at the end of a year."""
    life, reading = page.reading.life, page.reading
    unit = life.unit_at(reading.on)
    page.title("年度考核登记表", 22, below=f"（{reading.year}年度）")
    own = (
        "一年来，本人认真学习党的路线方针政策，服从领导，团结同志，遵守各项规章制度。在本职岗位上"
        "钻研业务，保质保量完成各项任务，全年出满勤，无责任事故。不足之处是学习新技术不够主动，"
        "明年要加强业务学习，争取更大的进步。"
    )
    chief = Opinion(
        "主管领导评语",
        "该同志工作认真，建议评为合格。",
        unit,
        dt.date(reading.year, 12, 18),
        department=life.trade.workshop,
        clerk=1,
    )
    office = Opinion("单位考核意见", "合格。", unit, reading.on, department="人事科")
    rows = [
        *person_rows(page),
        page.row(10.5, "单位*2 :unit*8 职务岗位*2.6 :post*4", unit=unit),
        page.row(
            10.5,
            "所在部门*2.6 :shop*6 参加工作时间*3.4 :first_work*5",
            shop=life.trade.workshop,
        ),
        page.row(82, "个人总结*1.6 :own*15", own=Essay(own)),
        page.row(48, ":chief*8 :office*8", chief=chief, office=office),
        page.row(24, "本人意见*1.6 :agreed*15", agreed=Essay(f"同意。　{life.name}")),
    ]
    page.table(36, rows, bottom=page.sheet.high_mm - FOOT_MM)


def unlisted(page: FormPage) -> None:
    """A slip that somebody put into the bag and nobody entered in the catalogue."""
    life, reading, chance = page.reading.life, page.reading, page.sheet.chance
    page.by = page.clerks[1]
    page.title("职工体格检查表", 23)
    parts = ("内科", "外科", "眼科", "耳鼻喉科", "胸部透视")
    clinic = f"{names.CITY}职工医院"
    verdict = Opinion("体检结论", "合格。", clinic, reading.on, department="体检专用章")
    rows = [
        *person_rows(page),
        page.row(
            10.5,
            "身高*2 :high*4 体重*2 :heavy*4 血压*2 :blood*4",
            high=f"{chance.randint(158, 178)}厘米",
            heavy=f"{chance.randint(48, 72)}公斤",
            blood="120/80",
        ),
        *(
            page.row(12, f"{part}*3 :found*6 医师*2 :who*4", found="正常", who=life.people[place])
            for place, part in enumerate(parts)
        ),
        page.row(60, ":verdict*16", verdict=verdict),
    ]
    page.table(35, rows, bottom=page.sheet.high_mm - 40)
