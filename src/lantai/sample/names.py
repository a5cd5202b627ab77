"""The fictional city, its schools, works and offices, and the stock that names are drawn from.

No place, employer or office here exists. Division code 990101 was never given to any place, so no
living person can hold a number that begins with it.
"""

from dataclasses import dataclass
from typing import Final

CITY: Final = "兰台市"
DIVISION: Final = "990101"
DISTRICTS: Final = ("东亭区", "西麓区", "南屏区", "北苑区")
STREETS: Final = (
    "柳荫街",
    "槐树胡同",
    "前营坊",
    "石桥巷",
    "五一路",
    "新华里",
    "水磨沟",
    "工人新村",
)
VILLAGES: Final = ("清河乡上马村", "大柳镇南坊村", "石门乡杨家庄村", "白水镇河湾村")
SCHOOLS: Final = ("第四中学", "第七中学", "第十二中学", "育红中学", "第二十中学")
PRIMARY_SCHOOLS: Final = ("中心小学", "前进小学", "第三小学", "实验小学")
SURNAMES: Final = tuple(
    "王李张刘陈杨赵黄周吴徐孙马朱胡郭何高林罗郑梁宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金贾夏付方邹熊白孟秦邱侯江尹薛"
)
MALE_NAMES: Final = tuple(
    "建国 志刚 卫东 国强 永红 宝山 德福 振华 玉柱 长顺 立新 援朝 连生 少华 庆丰 树林 学军 "  # noqa: SIM905 -- reads as a line
    "广生 福来 铁柱 文斌 延河 爱民 保田 金锁 大勇 跃进 春雷 全胜 成林".split()
)
FEMALE_NAMES: Final = tuple(
    "桂兰 秀英 淑珍 玉梅 春花 凤霞 丽华 素芬 红梅 月娥 爱华 翠萍 惠芳 秋菊 晓燕 海英 雅琴 "  # noqa: SIM905 -- reads as a line
    "小红 亚男 文静 艳玲 丽娟 彩云 立平 永芳 桂芝 美荣 春燕 玉洁 冬梅".split()
)
ELDERS: Final = ("德山", "万才", "广林", "福田", "玉堂", "景云", "桂英", "淑芳", "玉珍", "秀兰")
COLLEAGUES: Final = ("国栋", "春生", "玉兰", "文秀", "志远", "维新", "守义", "明义", "敬之", "汝南")

CENTRE: Final = f"{CITY}人才服务中心"
LABOUR_BUREAU: Final = f"{CITY}劳动局"
STRANGER_UNIT: Final = f"{CITY}东方红仪表厂"


@dataclass(frozen=True)
class Trade:
    """A line of work: what the works make, the post, and the kind of special work if it is one."""

    makes: str
    post: str
    workshop: str
    special: str | None = None


TRADES: Final = (
    Trade("棉纺织", "细纱挡车工", "细纱车间"),
    Trade("机床", "车工", "金工车间"),
    Trade("搪瓷", "制坯工", "制坯车间"),
    Trade("印刷", "排字工", "排版车间"),
    Trade("无线电", "装配工", "总装车间"),
    Trade("毛巾", "织布工", "织布车间"),
    Trade("食品", "糕点工", "糕点车间"),
)
HARD_TRADES: Final = (
    Trade("轧钢", "加热炉司炉工", "热轧车间", "高温"),
    Trade("铸造", "炉前工", "熔炼车间", "高温"),
    Trade("化工", "氯碱操作工", "电解车间", "有毒有害"),
    Trade("锻压", "锻工", "锻造车间", "特别繁重体力劳动"),
)
OFFICE_TRADES: Final = (
    Trade("物资供应", "会计员", "财务科"),
    Trade("建筑设计", "技术员", "设计室"),
    Trade("外贸包装", "统计员", "计划科"),
)
WORKS_PREFIX: Final = ("第二", "东风", "前进", "永定", "朝晖", "红星", "曙光", "建新")
