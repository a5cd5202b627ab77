"""Forms of the way into work: army and countryside, dispatch, hiring, regularisation, transfer."""

import datetime as dt
from itertools import pairwise

from lantai.sample import names
from lantai.sample.cells import Essay, Opinion
from lantai.sample.facts import Written
from lantai.sample.form import FormPage
from lantai.sample.forms_school import FOOT_MM, family, history, person_rows
from lantai.sample.lives import Career, Interval, Life, Stage

HIRE_TITLES = {
    Career.LATE: "招收劳动合同制工人审批表",
    Career.RURAL: "招用农民合同制工人登记表",
    Career.ARMY: "招工审批表",
}
REGULAR_TITLES = {
    Career.CADRE: "毕业生见习期满转正定级审批表",
    Career.LATE: "技校毕业生转正定级审批表",
    Career.RURAL: "试用期满转正定级审批表",
}
_SOLDIERS = "中国人民解放军五四一〇一部队"


def days(count: int) -> dt.timedelta:
    return dt.timedelta(days=count)


def stretch(life: Life, stage: Stage) -> Interval:
    """The one stretch of a life in that stage; StopIteration if there is none."""
    return next(interval for interval in life.intervals if interval.stage is stage)


def moved_between(life: Life) -> tuple[Interval, Interval]:
    """The stretches before and after the first change of employer."""
    return next(pair for pair in pairwise(life.jobs) if pair[0].unit != pair[1].unit)


def enlistment(page: FormPage) -> None:
    """The form of a citizen called up."""
    life, reading = page.reading.life, page.reading
    army = stretch(life, Stage.ARMY)
    page.by = page.clerks[0]
    page.title("应征公民入伍登记表", 23)
    page.printed(page.left, 33.5, "征集地：", 3.8)
    page.fill(page.left + 14, 33.2, 50, Written(life.native_place), 4.6)
    health = "身高一米七二，体重六十一公斤，视力一点五，心肺正常。合格。"
    police = Opinion(
        "政治审查意见",
        "历史清楚，同意应征。",
        f"{life.native_place}公安分局",
        army.start - days(12),
        clerk=1,
    )
    office = Opinion(
        "征兵办公室审批", "批准入伍。", f"{names.CITY}人民武装部", army.start - days(3)
    )
    rows = [
        *person_rows(page, day=True),
        page.row(10.5, "家庭住址*2.6 :address*9 本人成份*2.6 :class_of*3", class_of="学生"),
        page.row(
            10.5,
            "入伍时间*2.6 :called*6 参加工作时间*3.4 :first_work*5",
            called=reading.service_start(army, day=True),
        ),
        *family(page),
        *history(page, 2, blank=1),
        page.row(34, "体格检查结论*2 :health*15", health=Essay(health, hand=page.clerks[1])),
        page.row(44, ":police*8 :office*8", police=police, office=office),
    ]
    page.table(37, rows, bottom=page.sheet.high_mm - FOOT_MM)
    page.photo(page.left + page.wide - 21, 7, 19, 25)


def discharge(page: FormPage) -> None:
    """The register of a soldier who leaves the army."""
    life, reading = page.reading.life, page.reading
    army = stretch(life, Stage.ARMY)
    ended = army.end or reading.on
    page.by = page.clerks[0]
    page.title("退伍军人登记表", 23)
    conduct = (
        "该同志服役期间服从命令，遵守纪律，训练刻苦，团结同志，较好地完成了各项任务，受连嘉奖一次。"
    )
    army_says = Opinion("部队意见", "同意退出现役。", _SOLDIERS, ended - days(6), clerk=1)
    office = Opinion(
        "安置部门意见",
        "同意接收安置。",
        f"{names.CITY}退伍军人安置办公室",
        ended + days(20),
        clerk=2,
    )
    rows = [
        *person_rows(page),
        page.row(
            10.5,
            "入伍时间*2.6 :called*5 退伍时间*2.6 :left*5",
            called=reading.service_start(army),
            left=reading.service_end(army, day=True),
        ),
        page.row(
            10.5,
            "部队代号*2.6 :number*6 职务*2 :rank*3 军龄*2 :years*3",
            number="五四一〇一部队",
            rank="战士",
            years=f"{ended.year - army.start.year}年",
        ),
        page.row(10.5, "家庭住址*2.6 :address*14"),
        *family(page),
        *history(page, 3, blank=0),
        page.row(50, "服役期间表现*1.6 :conduct*15", conduct=Essay(conduct, hand=page.clerks[1])),
        page.row(46, ":army*8 :office*8", army=army_says, office=office),
    ]
    page.table(35, rows, bottom=page.sheet.high_mm - FOOT_MM)


def countryside(page: FormPage) -> None:
    """The form of an educated youth sent to the countryside."""
    life, reading = page.reading.life, page.reading
    stay = stretch(life, Stage.COUNTRYSIDE)
    page.title("知识青年上山下乡登记表", 23)
    wish = "我坚决响应党的号召，到农村去，接受贫下中农的再教育，在广阔天地里锻炼成长，请领导批准。"
    school = Opinion("学校意见", "同意该生下乡。", life.school, stay.start - days(15))
    office = Opinion(
        "知青办审批",
        "批准下乡插队。",
        f"{names.CITY}知识青年上山下乡办公室",
        stay.start - days(6),
        clerk=1,
    )
    rows = [
        *person_rows(page, day=True),
        page.row(
            10.5,
            "毕业学校*2.6 :school*6 毕业时间*2.6 :left*5",
            school=life.school,
            left=reading.date(life.graduated, day=False),
        ),
        page.row(10.5, "家庭住址*2.6 :address*13.6"),
        page.row(
            10.5,
            "下乡地点*2.6 :where*6.6 下乡时间*2.6 :when*5",
            where=stay.unit,
            when=reading.service_start(stay, day=True),
        ),
        *family(page),
        *history(page, 2, blank=0),
        page.row(44, "本人申请*1.6 :wish*15", wish=Essay(wish)),
        page.row(
            22,
            "家长意见*1.6 :parent*15",
            parent=Essay(f"同意。　家长：{life.father}", hand=page.clerks[1]),
        ),
        page.row(46, ":school*8 :office*8", school=school, office=office),
    ]
    page.table(35, rows, bottom=page.sheet.high_mm - FOOT_MM)


def dispatch(page: FormPage) -> None:
    """The letter that sends a graduate to the first post, and by which the post is taken up."""
    life, reading = page.reading.life, page.reading
    job, typist = life.jobs[0], page.clerks[0]
    college = life.schooling == "大学本科"
    kind = "全国普通高等学校毕业生就业" if college else "普通中等专业学校毕业生就业"
    page.title(f"{kind}派遣报到证", 36, mm=6.6)
    page.printed(page.left + page.wide - 56, 48, f"（{life.graduated.year}）兰人派字第", 3.8)
    number = f"{page.sheet.chance.randint(100, 980)}"
    page.sheet.write(page.left + page.wide - 20, 47.6, number, 4.6, typist)
    page.printed(page.left + page.wide - 8, 48, "号", 3.8)
    y = page.prose(64, "{unit}：", mm=5, hand=typist, indent=False, unit=job.unit)
    y = page.prose(
        y + 4,
        "今有{school}毕业生{name}（性别{sex}，出生年月{birth}，学历{schooling}）到你单位报到，请接洽。",
        mm=5,
        lead=12,
        hand=typist,
        school=life.school,
    )
    y = page.prose(
        y + 3,
        "报到期限：自{first}至{last}。",
        mm=5,
        lead=12,
        hand=typist,
        first=reading.date(life.graduated + days(10)),
        last=reading.date(life.graduated + days(45)),
    )
    y = page.prose(
        y + 3,
        "该毕业生于{came}报到，参加工作时间从{first_work}算起。",
        mm=5,
        lead=12,
        hand=page.clerks[1],
        came=reading.service_start(job, day=True),
    )
    y = page.prose(y + 3, "档案、户口关系随后转递。", mm=5, lead=12)
    office = f"{names.CITY}人事局"
    right = page.left + page.wide - 8
    page.sign(right, y + 34, life.graduated + days(8), office, department="毕业生分配专用章")


def hire(page: FormPage) -> None:
    """The form by which the labour office let works take somebody on."""
    life, reading = page.reading.life, page.reading
    job = life.jobs[0]
    page.by = page.clerks[0]
    title = HIRE_TITLES.get(life.career, "招收新工人登记表")
    page.title(title, 22, below="（存入本人档案）")
    fixed = job.start.year < 1987
    rural = life.career is Career.RURAL
    bound = "劳动合同制" if rural or life.career is Career.LATE else "全民合同制"
    local = f"{life.native_place.removeprefix(names.CITY)}{'乡人民政府' if rural else '街道办事处'}"
    street = Opinion("街道乡镇意见", "情况属实，同意推荐。", local, job.start - days(24), clerk=1)
    works = Opinion(
        "招工单位意见",
        "经体检考核合格，同意录用。",
        job.unit,
        job.start - days(15),
        department="劳动工资科",
    )
    bureau = Opinion(
        "劳动部门审批",
        "同意招收。",
        names.LABOUR_BUREAU,
        job.start - days(6),
        department="招工专用章",
        clerk=2,
    )
    rows = [
        *person_rows(page, day=True),
        page.row(10.5, "家庭住址*2.8 :address*8 健康状况*2.6 :health*3", health="健康"),
        page.row(
            10.5,
            "招工单位*2.8 :unit*7 工种*2 :trade*5",
            unit=job.unit,
            trade=f"{life.trade.post}（{job.post}）",
        ),
        page.row(
            10.5,
            "参加工作时间*3.4 :first_day*5.4 报到时间*2.6 :came*5",
            came=reading.service_start(job, day=True),
        ),
        page.row(
            10.5,
            "用工形式*2.8 :bound*5 批准文号*2.6 :number*6",
            bound="全民固定工" if fixed else bound,
            number=f"兰劳招字{job.start.year % 100}—{life.number * 7 + 13}号",
        ),
        *family(page),
        *history(page, 3, blank=1),
        page.row(40, ":street*8 :works*8", street=street, works=works),
        page.row(40, ":bureau*16", bureau=bureau),
    ]
    page.table(35, rows, bottom=page.sheet.high_mm - FOOT_MM)
    page.photo(page.left + page.wide - 21, 7, 19, 25)


def regular(page: FormPage) -> None:
    """The form that ends the apprenticeship or trial and sets the first grade."""
    life, reading = page.reading.life, page.reading
    job, office = life.jobs[0], life.career is Career.CADRE
    page.by = page.clerks[0]
    page.title(REGULAR_TITLES.get(life.career, "学徒工转正定级审批表"), 23)
    months = (life.regular.year - job.start.year) * 12 + life.regular.month - job.start.month
    pay = 19.0 if life.regular.year < 1986 else 34.0 if life.regular.year < 1992 else 120.0
    own = (
        f"自到单位以来，在师傅{life.people[0]}的帮助下，努力学习{life.trade.post}的业务技术，遵守劳动纪律和"
        "安全规程，能独立完成任务，出勤率百分之九十八。今后要继续钻研业务，为四化建设多做贡献。"
    )
    shop = Opinion(
        "科室意见" if office else "车间意见",
        "经考核合格，同意转正。",
        job.unit,
        life.regular - days(9),
        department=life.trade.workshop,
        clerk=1,
        signer=life.people[4],
    )
    works = Opinion(
        "单位审批意见", "同意转正定级。", job.unit, life.regular, department="劳动工资科"
    )
    above = f"{names.CITY}人事局" if office else names.LABOUR_BUREAU
    bureau = Opinion("主管部门意见", "同意。", above, life.regular + days(12), clerk=2)
    rows = [
        *person_rows(page),
        page.row(10.5, "工作单位*2.6 :unit*7 工种岗位*2.6 :post*4", unit=job.unit),
        page.row(
            10.5,
            "参加工作时间*3.4 :first_work*5 到岗时间*2.6 :came*5",
            came=reading.service_start(job),
        ),
        page.row(
            10.5,
            "学徒（见习）期限*4 :term*4 转正定级时间*3.4 :when*5",
            term=f"{months // 12}年" if months % 12 == 0 else f"{months}个月",
            when=reading.dated("regular", life.regular),
        ),
        page.row(
            10.5,
            "现工资*2.4 :pay*4 拟定等级*2.6 :grade*4 月工资*2 :next*4",
            pay=f"{pay:.2f}元",
            grade="行政二十五级" if office else "二级工",
            next=f"{pay * 1.6:.2f}元",
        ),
        page.row(60, "本人总结*1.6 :own*15", own=Essay(own, hand=page.own_hand)),
        page.row(44, ":shop*8 :works*8", shop=shop, works=works),
        page.row(38, ":bureau*16", bureau=bureau),
    ]
    page.table(35, rows, bottom=page.sheet.high_mm - FOOT_MM)


def transfer(page: FormPage) -> None:
    """The form that moves somebody from one works to another without a break."""
    life, reading = page.reading.life, page.reading
    before, after = moved_between(life)
    page.by = page.clerks[0]
    page.title("职工调动审批表", 23)
    why = "因工作需要，并照顾职工上下班路途困难，申请调动。"
    leaves = Opinion(
        "调出单位意见", "同意调出。", before.unit, after.start - days(20), department="劳动人事科"
    )
    takes = Opinion(
        "调入单位意见",
        "同意接收。",
        after.unit,
        after.start - days(14),
        department="劳动人事科",
        clerk=1,
    )
    bureau = Opinion(
        "劳动部门审批", "同意调动。", names.LABOUR_BUREAU, after.start - days(5), clerk=2
    )
    rows = [
        *person_rows(page),
        page.row(10.5, "参加工作时间*3.4 :first_work*5 工种岗位*2.6 :post*5"),
        page.row(
            10.5,
            "调出单位*2.6 :unit*7 离岗时间*2.6 :left*5",
            unit=before.unit,
            left=reading.service_end(before, day=True),
        ),
        page.row(
            10.5,
            "调入单位*2.6 :unit*7 报到时间*2.6 :came*5",
            unit=after.unit,
            came=reading.service_start(after, day=True),
        ),
        page.row(
            10.5,
            "工资发至*2.6 :paid*6 工资等级*2.6 :grade*6",
            paid=reading.date(before.end, day=False),
            grade="四级　76.00元",
        ),
        *history(page, 4, blank=1),
        page.row(30, "调动原因*1.6 :why*15", why=Essay(why, hand=page.own_hand)),
        page.row(44, ":leaves*8 :takes*8", leaves=leaves, takes=takes),
        page.row(40, ":bureau*16", bureau=bureau),
    ]
    page.table(35, rows, bottom=page.sheet.high_mm - FOOT_MM)
