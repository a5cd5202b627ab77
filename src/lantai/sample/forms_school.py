"""Forms of school days: school card, league application, graduation."""

import datetime as dt
from typing import Final

from lantai.sample.cells import Essay, Opinion, Row
from lantai.sample.facts import Written
from lantai.sample.form import FormPage
from lantai.sample.lives import Career

FOOT_MM: Final = 15.0  # left free below a table


def person_rows(page: FormPage, *, day: bool = False) -> list[Row]:
    """Name, sex, nation, birth, native place, schooling, politics: the head of most forms."""
    birth = ":birthday*5.4" if day else ":birth*4.4"
    return [
        page.row(10.5, f"姓名*2 :name*4 性别*1.5 :sex*1.5 民族*1.5 :nation*2 出生年月*2.4 {birth}"),
        page.row(10.5, "籍贯*2 :home*5 文化程度*2.6 :schooling*3 政治面貌*2.6 :politics*3.4"),
    ]


def family(page: FormPage, heading: str = "家庭主要成员") -> list[Row]:
    """Parents, as nearly every form asks for them."""
    life = page.reading.life
    father, mother = ("务农", "务农") if life.career is Career.RURAL else ("本市工人", "家务")
    return [
        page.row(8, f"{heading}*4 称谓*2 姓名*3 工作单位及职务*8"),
        page.row(9, "-*4 :kin*2 :who*3 :work*8", kin="父亲", who=life.father, work=father),
        page.row(9, "-*4 :kin*2 :who*3 :work*8", kin="母亲", who=life.mother, work=mother),
    ]


def history(page: FormPage, rows: int, *, blank: int = 1) -> list[Row]:
    """The person's own account, stretch by stretch: the latest ``rows`` of them."""
    life, reading = page.reading.life, page.reading
    out = [page.row(8, "起止年月*5 在何地何单位学习或工作*9 任何职*3 证明人*3")]
    for place, interval in enumerate(reading.past[-rows:]):
        out.append(
            page.row(
                9.5,
                ":when*5 :where*9 :what*3 :witness*3",
                when=reading.service(interval),
                where=interval.unit,
                what=interval.post,
                witness=life.people[place % len(life.people)],
            )
        )
    out.extend(page.row(9.5, "-*5 -*9 -*3 -*3") for _ in range(blank))
    return out


def school_card(page: FormPage) -> None:
    """The card a school kept of a pupil, written at entry by the class teacher."""
    life, reading, chance = page.reading.life, page.reading, page.sheet.chance
    page.by = page.clerks[0]
    study = next(i for i in life.intervals if i.unit == life.middle_school)
    page.centred(life.middle_school, 16, 5.2)
    page.title("学生学籍卡", 26, mm=8.6)
    page.printed(page.left, 36.5, f"学号 {study.start.year % 100:02d}", 3.8)
    page.sheet.write(page.left + 16, 36.2, f"{chance.randint(101, 489):03d}", 4.8, page.filler)
    page.printed(page.left + 34, 36.5, "入学时间", 3.8)
    entry = Written(reading.date(study.start, day=False))
    page.fill(page.left + 50, 36.2, 34, entry, 4.6)
    class_of = "农民" if life.career is Career.RURAL else "工人"
    rows = [
        page.row(11, "姓名*2 :name*4 性别*1.6 :sex*1.6 民族*1.6 :nation*2.4"),
        page.row(11, "出生年月日*3.2 :birthday*6 籍贯*2 :home*5"),
        page.row(
            11,
            "原毕业学校*3.2 :before*6 家庭出身*2.6 :class_of*4.4",
            before=life.primary_school,
            class_of=class_of,
        ),
        page.row(11, "现住址*3.2 :address*13"),
        *family(page, "家长"),
    ]
    end = page.table(40.5, rows, bottom=122)
    marks = [
        page.row(
            8, "学年*2.6 语文*1.6 数学*1.6 外语*1.6 政治*1.6 物理*1.6 化学*1.6 体育*1.6 操行*1.6"
        )
    ]
    for term in ("初一上", "初一下", "初二上", "初二下", "初三上", "初三下"):
        scores = {f"m{place}": str(chance.randint(66, 97)) for place in range(7)}
        conduct = chance.choice(("优", "良", "良"))
        spec = " ".join([f"{term}*2.6", *(f":m{place}*1.6" for place in range(7)), ":conduct*1.6"])
        marks.append(page.row(8.4, spec, conduct=conduct, **scores))
    end = page.table(end + 3, marks, bottom=end + 70)
    remark = Essay("学习努力，遵守纪律，热爱劳动，团结同学。", heading="奖惩及评语")
    # Marks are added term by term; the card is signed once, when the pupil is entered.
    verdict = Opinion(
        "学校意见", "准予注册入学。", life.middle_school, reading.on, department="教导处"
    )
    page.table(
        end + 3,
        [page.row(46, ":remark*8 :verdict*9", remark=remark, verdict=verdict)],
        bottom=page.sheet.high_mm - FOOT_MM,
    )
    page.photo(page.left + page.wide - 23, 8, 21, 28)


def league(page: FormPage) -> None:
    """The application for the Communist Youth League with the decision of the branch."""
    life = page.reading.life
    school = next(
        i.unit for i in reversed(life.intervals) if i.post == "学生" and i.start <= life.league
    )
    page.title("入团志愿书", 23, mm=9)
    wish = (
        "敬爱的团组织：我志愿加入中国共产主义青年团，坚决拥护中国共产党的领导，遵守团的章程，"
        "执行团的决议，履行团员义务，严守团的纪律，勤奋学习，积极工作，吃苦在前，享受在后，"
        "为共产主义事业而奋斗。请团组织在实际中考验我。"
    )
    praise = (
        f"{life.name}同学思想进步，学习努力，团结同学，我们愿意介绍其加入中国共产主义青年团。"
        f"　介绍人：{life.people[1]}　{life.people[2]}"
    )
    branch = Opinion(
        "", "经支部大会讨论，一致同意接收为团员。", school, life.league, department="团支部"
    )
    above = Opinion(
        "", "批准。", school, life.league + dt.timedelta(days=11), department="团委", clerk=1
    )
    rows = [
        *person_rows(page, day=True),
        page.row(10.5, "现在何校何班*3.6 :school*13", school=f"{school}三（2）班"),
        page.row(10.5, "家庭住址*3.6 :address*13"),
        page.row(76, "入团志愿*1.5 :wish*15", wish=Essay(wish)),
        page.row(30, "介绍人意见*1.5 :praise*15", praise=Essay(praise, hand=page.clerks[1])),
        page.row(42, "支部大会决议*1.5 :branch*15", branch=branch),
        page.row(38, "上级团委意见*1.5 :above*15", above=above),
    ]
    page.table(34, rows, bottom=page.sheet.high_mm - FOOT_MM)


def graduation(page: FormPage) -> None:
    """The form of a pupil or student who leaves school."""
    life = page.reading.life
    kind = {"大学本科": "高等学校", "中专": "中等专业学校"}.get(life.schooling, life.schooling)
    page.title(f"{kind}毕业生登记表", 22)
    page.printed(page.left, 32.5, "学校：", 3.8)
    page.fill(page.left + 11, 32.2, 60, Written(life.school), 4.6)
    own = (
        "我热爱中国共产党，热爱社会主义祖国。在校期间学习努力，积极参加集体活动和公益劳动，"
        "尊敬师长，团结同学，遵守纪律。缺点是有时不够大胆，今后要努力克服，愿到祖国最需要的地方去。"
    )
    teacher = Opinion(
        "班主任意见",
        "该生在校表现良好，成绩合格。",
        life.school,
        life.graduated,
        department="教务处",
        signer=life.people[3],
    )
    verdict = Opinion(
        "学校意见", "准予毕业。", life.school, life.graduated + dt.timedelta(days=2), clerk=1
    )
    rows = [
        *person_rows(page),
        page.row(10.5, "家庭住址*2.6 :address*9 健康状况*2.6 :health*3", health="良好"),
        *family(page),
        *history(page, 3, blank=0),
        page.row(50, "自我鉴定*1.6 :own*15", own=Essay(own)),
        page.row(44, ":teacher*8 :verdict*8", teacher=teacher, verdict=verdict),
    ]
    page.table(36, rows, bottom=page.sheet.high_mm - FOOT_MM)
