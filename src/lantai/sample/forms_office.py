"""Papers of the later years: contract, release, deposit, and the register on white paper."""

from lantai.sample import names
from lantai.sample.cells import Essay, Opinion
from lantai.sample.facts import Written
from lantai.sample.form import FormPage
from lantai.sample.forms_work import autograph
from lantai.sample.lives import Interval

_FIRST_ARTICLES = (
    "根据《中华人民共和国劳动法》，甲乙双方经平等协商，自愿签订本合同，共同遵守本合同所列条款。",
    "第一条　本合同为无固定期限劳动合同，自{begins}起生效。",
    (
        "第二条　甲方根据生产（工作）需要，安排乙方从事{work}工作。乙方参加工作时间为{first_work}，"
        "在甲方的连续工龄按国家有关规定计算。"
    ),
    "第三条　甲方实行每周工作四十四小时的工时制度，按国家规定安排乙方休息休假。",
    (
        "第四条　甲方为乙方提供必要的劳动条件和劳动保护用品，进行劳动安全卫生教育。"
        "乙方应严格遵守操作规程。"
    ),
    "第五条　甲方按月以货币形式足额支付乙方工资，月工资为{pay}。",
    "第六条　甲乙双方按规定参加养老、失业等社会保险，缴纳各项社会保险费。",
    "第七条　乙方应遵守甲方依法制定的规章制度，爱护公共财物，保守商业秘密。",
)
_LAST_ARTICLES = (
    "第八条　经双方协商一致，可以变更或者解除本合同。",
    (
        "第九条　有下列情形之一的，甲方可以解除本合同：乙方严重违反劳动纪律的；严重失职，营私舞弊，"
        "对甲方利益造成重大损害的；被依法追究刑事责任的。"
    ),
    "第十条　乙方解除本合同，应当提前三十日以书面形式通知甲方。",
    "第十一条　甲方违反约定解除合同的，按国家规定支付经济补偿金。",
    "第十二条　因履行本合同发生争议，可向劳动争议仲裁委员会申请仲裁。",
    "第十三条　本合同未尽事宜，按国家和本市有关规定执行。",
    "第十四条　本合同一式三份，甲乙双方各执一份，存入乙方档案一份，自双方签字盖章之日起生效。",
)


def contract_first(page: FormPage) -> None:
    """First side of the labour contract: the parties and the first articles."""
    life, reading, hand = page.reading.life, page.reading, page.clerks[0]
    page.title("劳动合同书", 27, mm=8.6)
    y = 45.0
    for words in (
        "甲方（单位）：{unit}",
        "乙方（职工）：{name}　性别：{sex}　出生年月：{birth}",
        "居民身份证号码：{id_number}",
        "家庭住址：{address}",
    ):
        unit = life.unit_at(life.contract)
        y = page.prose(y, words, lead=10, hand=hand, indent=False, unit=unit)
    y += 2
    for words in _FIRST_ARTICLES:
        y = page.prose(
            y + 0.6,
            words,
            mm=4.2,
            lead=8.0,
            hand=hand,
            begins=reading.dated("contract", life.contract),
            work=_running(page).post,
            pay=f"{page.sheet.chance.randint(31, 52) * 10}元",
        )
    page.centred("— 1 —", page.sheet.high_mm - 13, 3.4)


def contract_second(page: FormPage) -> None:
    """Second side: the last articles, the signatures, the seal of the labour office."""
    life, reading, sheet = page.reading.life, page.reading, page.sheet
    y = 25.0
    for words in _LAST_ARTICLES:
        y = page.prose(y, words, mm=4.2, lead=8.0) + 0.8
    y += 10
    left, middle = page.left + 2, page.left + page.wide / 2
    page.printed(left, y, "甲方（盖章）", 4.2)
    page.printed(middle + 4, y, "乙方（签名）", 4.2)
    autograph(page, middle + 32, y - 1)
    page.printed(left, y + 14, "法定代表人：", 4.2)
    sheet.write(left + 27, y + 13, life.people[0], 6, page.clerks[1])
    page.press(left + 34, y + 6, life.unit_at(life.contract))
    y += 30
    signed = Written(reading.date(life.contract))
    page.fill(left + 20, y, 44, signed, 4.8, hand=page.clerks[0])
    page.fill(middle + 24, y, 44, signed, 4.8, hand=page.own_hand)
    y += 20
    page.printed(left, y, "鉴证机关意见：", 4.2)
    sheet.write(left + 34, y, "符合规定，予以鉴证。", 5.4, page.clerks[2])
    page.sign(
        page.left + page.wide - 4,
        y + 26,
        reading.on,
        names.LABOUR_BUREAU,
        department="劳动合同鉴证专用章",
        hand=page.clerks[2],
    )
    page.centred("— 2 —", sheet.high_mm - 13, 3.4)


def release(page: FormPage) -> None:
    """The proof that a labour contract was ended."""
    life, reading, hand = page.reading.life, page.reading, page.clerks[0]
    last = life.jobs[-1]
    right = page.left + page.wide
    page.title("解除劳动合同证明书", 40, mm=8.6)
    page.printed(right - 62, 55, f"兰劳解字〔{life.leave.year}〕第", 4)
    page.sheet.write(right - 20, 54.6, f"{life.number * 11 + 27}", 4.8, hand)
    page.printed(right - 7, 55, "号", 4)
    y = 74.0
    for words in (
        (
            "{name}同志，性别{sex}，{birthday}出生，居民身份证号码{id_number}，系我单位职工，"
            "{first_work}参加工作，工种（岗位）为{work}。"
        ),
        "经双方协商一致，于{left}解除劳动合同。",
        "解除合同前月工资：{pay}；养老保险费缴至{paid}。",
        "特此证明。",
    ):
        y = page.prose(
            y + 2,
            words,
            mm=5,
            lead=12.5,
            hand=hand,
            work=last.post,
            left=reading.service_end(last, day=True),
            pay=f"{page.sheet.chance.randint(56, 118) * 10}元",
            paid=reading.date(life.leave, day=False),
        )
    page.sign(right - 8, y + 40, life.leave, last.unit, department="人事专用章", hand=hand)


def deposit(page: FormPage) -> None:
    """The agreement by which a person leaves the dossier with the talent centre."""
    life, reading, own = page.reading.life, page.reading, page.own_hand
    last = life.jobs[-1]
    page.title("流动人员委托存档协议书", 30, mm=7.6)
    y = 46.0
    for words in (
        f"甲方：{names.CENTRE}",
        "乙方（存档人）：{name}　性别：{sex}　出生日期：{birthday}",
        "公民身份号码：{id_number}",
        "参加工作时间：{first_work}　原工作单位：{unit}",
        "与原单位解除劳动关系时间：{left}",
    ):
        y = page.prose(
            y,
            words,
            mm=4.4,
            lead=10.5,
            hand=own,
            indent=False,
            unit=last.unit,
            left=reading.service_end(last),
        )
    for words in (
        "一、乙方自{since}起将人事档案委托甲方保管，甲方按国家有关规定提供人事代理服务。",
        "二、甲方负责档案的收集、整理、保管和转递，依据档案记载为乙方出具有关证明。",
        "三、乙方应如实提供个人情况，联系方式变更时应及时告知甲方。",
        "四、存档期间，乙方的社会保险由本人以灵活就业人员身份缴纳。",
        "五、乙方调出档案，应凭接收单位的调档函办理手续。",
        "六、本协议一式两份，甲乙双方各执一份，自签字盖章之日起生效。",
    ):
        since = reading.dated("deposit", life.intervals[-1].start)
        y = page.prose(y + 1.4, words, mm=4.4, lead=9.2, hand=own, since=since)
    y += 10
    middle = page.left + page.wide / 2
    page.printed(page.left + 2, y, "甲方（盖章）：", 4.2)
    page.printed(middle + 4, y, "乙方（签名）：", 4.2)
    autograph(page, middle + 36, y - 1)
    page.press(page.left + 44, y + 8, names.CENTRE, "存档专用章", 42)
    y += 16
    signed = Written(reading.date(life.deposit))
    page.fill(page.left + 24, y, 46, signed, 4.8, hand=page.clerks[0])
    page.fill(middle + 22, y, 46, signed, 4.8, hand=own)


def register(page: FormPage) -> None:
    """The register the centre printed from its computer, on white paper, to be signed."""
    life, reading = page.reading.life, page.reading
    last = life.jobs[-1]
    page.title("流动人员人事档案存档登记表", 24, mm=6.6)
    page.printed(page.left, 35, f"存档机构：{names.CENTRE}", 3.7)
    page.printed(page.left + page.wide - 41, 35, f"打印日期：{reading.on:%Y-%m-%d}", 3.7)
    page.printed_values = True
    rows = [
        page.row(11, "姓名*2.6 :name*5 性别*2 :sex*2 民族*2 :nation*3"),
        page.row(11, "公民身份号码*3.4 :id_number*7 出生日期*2.6 :birthday*5"),
        page.row(11, "参加工作时间*3.4 :first_work*5 文化程度*2.6 :schooling*5"),
        page.row(
            11,
            "存档类别*2.6 :kind*5 存档时间*2.6 :since*5",
            kind="个人委托",
            since=reading.dated("deposit", life.intervals[-1].start),
        ),
        page.row(
            11,
            "原工作单位*2.6 :unit*8 离职时间*2.6 :left*4",
            unit=last.unit,
            left=reading.service_end(last),
        ),
        page.row(11, "家庭住址*2.6 :address*14"),
    ]
    y = page.table(39, rows, bottom=39 + 11 * len(rows))
    spans = [page.row(10, "起止年月*5 单位*9 岗位*3")]
    spans += [
        page.row(
            10,
            ":when*5 :unit*9 :work*3",
            when=reading.service(interval),
            unit=interval.unit,
            work=interval.post,
        )
        for interval in reading.past
    ]
    y = page.table(y + 6, spans, bottom=y + 6 + 10 * len(spans))
    own = Essay("以上信息已核对无误。", heading="存档人确认", hand=page.own_hand)
    office = Opinion("存档机构", "已核对。", names.CENTRE, reading.on, department="存档专用章")
    bottom = min(page.sheet.high_mm - 20, y + 60)
    end = page.table(
        y + 6, [page.row(46, ":own*8 :office*9", own=own, office=office)], bottom=bottom
    )
    autograph(page, page.left + 30, end - 22)
    page.sheet.write(page.left + 30, end - 9, reading.date(reading.on), 4.6, page.own_hand)


def _running(page: FormPage) -> Interval:
    """The job at the day of the contract."""
    life = page.reading.life
    return [job for job in life.jobs if job.start <= life.contract][-1]
