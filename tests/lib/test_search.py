"""What is indexed is found again by the queries people type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib import search

HANZI = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
NAMES = st.text(alphabet=HANZI, min_size=2, max_size=4)


def found(query: str, tokens: object) -> bool:
    asked = search.tokens_of_query(query).tokens
    return bool(asked) and set(asked) <= set(tokens)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "query",
    [
        "彭建国", "彭", "建国", "国", "pengjianguo", "peng", "pjg", "jianguo", "jg", "PengJianGuo",
        "peng jianguo", "彭 建国", "姓名:建国", "拼音：pjg",
    ],
)  # fmt: skip
def test_a_name_is_found_by_its_characters_its_pinyin_and_its_initials(query: str) -> None:
    assert found(query, search.tokens_of_name("彭建国"))


@pytest.mark.parametrize("query", ["彭国", "建军", "pjk", "张", "国建"])
def test_another_name_is_not_found(query: str) -> None:
    assert not found(query, search.tokens_of_name("彭建国"))


@pytest.mark.parametrize(
    ("kept", "query"),
    [
        ("肖红", "萧红"), ("萧红", "肖红"), ("蕭红", "肖红"), ("闫立", "阎立"), ("付军", "傅军"),
        ("兰平", "蓝平"), ("邱云", "丘云"), ("于海", "於海"), ("范明", "範明"), ("叶文", "葉文"),
        ("戴宁", "代宁"), ("沈力", "瀋力"), ("钟强", "鍾强"), ("谢东", "謝东"),
    ],
)  # fmt: skip
def test_forms_of_one_surname_find_each_other(kept: str, query: str) -> None:
    assert found(query, search.tokens_of_name(kept))
    assert search.fold_name(kept) == search.fold_name(query)


@pytest.mark.parametrize(
    "query",
    ["阿依古丽·买买提", "阿依古丽•买买提", "阿依古丽・买买提", "阿依古丽．买买提", "买买提", "阿依古丽",
     "ayiguli", "maimaiti", "ayigulimaimaiti", "古丽 买买提"],
)  # fmt: skip
def test_a_name_with_a_middle_dot_is_found_however_the_dot_is_typed(query: str) -> None:
    assert found(query, search.tokens_of_name("阿依古丽·买买提"))


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("𠮷野", "𠮷"), ("𠮷野", "𠮷野"), ("李㛃文", "㛃"), ("李㛃文", "㛃文"), ("李䶮", "李䶮"),
        ("龘龘", "龘"), ("⼀凡", "一凡"), ("李欸", "李欸"), ("李欸", "liai"), ("⿰亻尔林", "⿰亻尔林"),
    ],
)  # fmt: skip
def test_rare_characters_are_found_as_they_are(name: str, query: str) -> None:
    assert found(query, search.tokens_of_name(name))


@pytest.mark.parametrize(
    "query", ["shan", "dan", "chan", "zeng", "ceng", "shanzeng", "danceng", "sz"]
)
def test_every_reading_of_a_name_finds_it(query: str) -> None:
    assert found(query, search.tokens_of_name("单曾"))


@pytest.mark.parametrize("query", ["lv", "lyu", "lü", "lvping", "lyuping", "LÜ PING"])
def test_the_ways_of_typing_an_umlaut_find_it(query: str) -> None:
    assert found(query, search.tokens_of_name("吕萍"))


def test_a_name_in_letters_is_found_by_its_letters() -> None:
    tokens = list(search.tokens_of_name("Anna Smith"))

    assert found("smith", tokens)
    assert found("Anna Smith", tokens)


def test_a_name_of_many_readings_gives_a_bounded_number_of_words() -> None:
    assert len(list(search.tokens_of_name("单曾长乐行"))) < 200
    assert len(list(search.tokens_of_name("行" * 30))) < 100


@pytest.mark.parametrize(
    "query",
    [
        "990101196503120042",
        "0042",
        "身份证:990101196503120042",
        "９９０１０１１９６５０３１２００４２",
    ],
)
def test_a_citizen_number_is_found_whole_and_by_its_end(query: str) -> None:
    assert found(query, search.tokens_of_id("990101196503120042"))


@pytest.mark.parametrize("query", ["110103640229301", "110103196402293019", "3019", "9301"])
@pytest.mark.parametrize("kept", ["110103640229301", "110103196402293019"])
def test_the_old_and_the_new_form_of_a_number_find_each_other(kept: str, query: str) -> None:
    if query == "9301" and len(kept) == 18:
        assert not found(query, search.tokens_of_id(kept))
    else:
        assert found(query, search.tokens_of_id(kept))


def test_a_lower_x_is_the_same_as_an_upper_one() -> None:
    assert found("11010119650101123x", search.tokens_of_id("11010119650101123X"))


def test_a_faulty_number_is_found_only_as_written() -> None:
    assert list(search.tokens_of_id("12345")) == ["i:12345"]
    assert list(search.tokens_of_id("  ")) == []


def test_a_number_of_another_century_has_no_short_form() -> None:
    assert list(search.tokens_of_id("440524188001010014")) == ["i:440524188001010014", "i:0014"]


@pytest.mark.parametrize(
    "query",
    ["DT-2026-000012", "dt-2026-000012", "2026-000012", "000012", "编号:12", "档案编号：000012", "00012"],
)  # fmt: skip
def test_a_dossier_number_is_found_with_and_without_its_prefix(query: str) -> None:
    assert found(query, search.tokens_of_number("DT-2026-000012"))


def test_a_dossier_number_of_an_office_with_a_dash_is_found_by_every_tail() -> None:
    assert set(search.tokens_of_number("CITY-A-2026-000012")) == {
        "d:CITY-A-2026-000012", "d:A-2026-000012", "d:2026-000012", "d:000012", "d:12",
    }  # fmt: skip
    assert list(search.tokens_of_number(" ")) == []


@pytest.mark.parametrize("query", ["曙光印刷厂", "单位:曙光", "单位：印刷", "北京市曙光印刷厂"])
def test_an_employer_is_found_by_a_part_of_its_name(query: str) -> None:
    assert found(query, search.tokens_of_employer("北京市曙光印刷厂"))


@pytest.mark.parametrize("query", ["招工登记表", "材料:招工", "《招工登记表》", "材料：登记"])
def test_a_material_is_found_by_a_part_of_its_title(query: str) -> None:
    assert found(query, search.tokens_of_title("招工登记表"))


@pytest.mark.parametrize(
    ("query", "tokens"),
    [
        ("", ()),
        ("  ", ()),
        ("·", ()),
        ("王", ("n:王",)),
        ("李书", ("n:李书",)),
        ("彭建国 0042", ("n:彭建", "n:建国", "i:0042")),
        ("王·王", ("n:王",)),
        ("拼音:", ("n:拼音", "n:音:")),
        ("编号: ", ("n:编号", "n:号:")),
    ],
)
def test_what_a_query_asks_for(query: str, tokens: tuple[str, ...]) -> None:
    assert search.tokens_of_query(query).tokens == tokens


def test_a_field_without_anything_to_ask_asks_nothing() -> None:
    assert search.tokens_of_query("拼音:'").tokens == ()
    assert search.tokens_of_query("编号:\u3000").tokens == search.tokens_of_query("编号:").tokens


@given(NAMES, st.data())
def test_any_part_of_a_name_finds_it(name: str, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(name) - 1))
    last = data.draw(st.integers(first + 1, len(name)))

    assert found(f"姓名:{name[first:last]}", search.tokens_of_name(name))


@given(st.text(max_size=80))
def test_no_text_breaks_the_words_and_none_is_too_long(text: str) -> None:
    makers = (
        search.tokens_of_name,
        search.tokens_of_id,
        search.tokens_of_number,
        search.tokens_of_employer,
        search.tokens_of_title,
    )
    words = [word for make in makers for word in make(text)]
    words += search.tokens_of_query(text).tokens

    assert all(0 < len(word) <= search.LONGEST for word in words)
    assert all(word[:2] in {"n:", "p:", "i:", "d:", "e:", "t:"} for word in words)


@given(st.text(max_size=30))
def test_words_are_given_once(text: str) -> None:
    for make in (search.tokens_of_name, search.tokens_of_employer, search.tokens_of_title):
        words = list(make(text))
        assert len(words) == len(set(words))
