"""The bundle's container: one form, plain names, nothing that names nothing."""

import hashlib
import io
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lib.tlog.sealing import FILES, STATEMENT, facts, sealed

from lantai.lib import bundle

MEMBERS = st.dictionaries(
    st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=20),
    st.binary(max_size=200),
    max_size=12,
)


def made() -> bytes:
    return bundle.build(statement=STATEMENT, entries=sealed(facts()), files=FILES)


def test_the_same_content_gives_the_same_bytes() -> None:
    assert made() == made()


def test_a_bundle_has_exactly_the_members_of_its_format() -> None:
    assert sorted(bundle.unpack(made())) == [
        "README.txt",
        "checkpoint",
        "entries/000000000004.json",
        "entries/000000000006.json",
        "files/p001.jpg",
        "files/审批表.pdf",
        "manifest.json",
        "proofs/000000000004.tlog-proof",
        "proofs/000000000006.tlog-proof",
        "statement.json",
    ]


def test_any_unzip_program_reads_it() -> None:
    with zipfile.ZipFile(io.BytesIO(made())) as archive:
        assert archive.testzip() is None
        assert archive.read("files/p001.jpg") == FILES["p001.jpg"]


def test_the_salt_of_the_entry_itself_stays_at_home() -> None:
    entry = sealed(facts())[0]

    content = made()

    assert entry.salt.hex().encode() not in content
    assert entry.salt not in content


@given(MEMBERS)
def test_what_is_packed_is_unpacked(members: dict[str, bytes]) -> None:
    content = bundle.pack(members)

    assert bundle.unpack(content) == members
    assert bundle.pack(bundle.unpack(content)) == content


def test_what_was_deflated_is_refused_before_it_is_inflated() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("files/p001.jpg", bytes(50_000_000))

    with pytest.raises(bundle.BundleFault, match=r"成员 files/p001.jpg 是压缩过的"):
        bundle.unpack(bomb.getvalue())


def test_members_that_lie_over_one_another_are_refused() -> None:
    content = bundle.pack({"a": bytes(100), "b": bytes(100)})
    at = content.rindex(b"PK\1\2")
    first = content.index(b"PK\1\2")
    # The second record points to the first member's bytes under its name: both read one stretch.
    swollen = bytearray(content)
    for place in (first, at):
        swollen[place + 20 : place + 28] = (150).to_bytes(4, "little") * 2

    with pytest.raises(bundle.BundleFault):
        bundle.unpack(bytes(swollen))


def test_a_member_twice_is_refused() -> None:
    once = bundle.pack({"aa": b"1", "ab": b"2"})

    with pytest.raises(bundle.BundleFault, match="成员 aa 出现两次"):
        bundle.unpack(once.replace(b"ab", b"aa"))


@pytest.mark.parametrize("cut", [1, 22, 40, 200])
def test_a_cut_bundle_is_refused(cut: int) -> None:
    with pytest.raises(bundle.BundleFault):
        bundle.unpack(made()[:-cut])


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        bundle.unpack(content + bundle.pack({})[-22:])
    except bundle.BundleFault:
        return


@pytest.mark.parametrize(
    "name",
    [
        "../p001.jpg",
        "/etc/passwd",
        "a/../../b",
        "a//b",
        "",
        ".hidden",
        "a\\b",
        "c:evil",
        "a\nb",
        "a/",
        "e\u0301.pdf",
        "x" * 122,
        "a/b/c/d/e/f",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    content = b"content"
    named = facts(more={"sha256": hashlib.sha256(content).hexdigest()})

    assert not bundle.is_plain_name(name)
    with pytest.raises(ValueError, match="plain name"):
        bundle.build(statement=STATEMENT, entries=sealed(named), files={**FILES, name: content})


def test_a_file_that_no_entry_names_is_refused() -> None:
    with pytest.raises(ValueError, match=r"names the file other\.pdf"):
        bundle.build(
            statement=STATEMENT, entries=sealed(facts()), files={**FILES, "other.pdf": b"other"}
        )


def test_a_file_that_the_statement_names_may_not_be_left_out() -> None:
    with pytest.raises(ValueError, match=r"not given: 审批表\.pdf"):
        bundle.build(
            statement=STATEMENT,
            entries=sealed(facts()),
            files={"p001.jpg": FILES["p001.jpg"]},
        )


def test_a_statement_that_no_entry_names_is_refused() -> None:
    with pytest.raises(ValueError, match="names the statement"):
        bundle.build(
            statement={**STATEMENT, "outcome": "approve"}, entries=sealed(facts()), files=FILES
        )


def test_a_digest_counts_only_under_a_key_that_says_so() -> None:
    one = "ab" * 32

    assert list(bundle.digests_in({"reason": one, "note": [one]})) == []
    assert list(bundle.digests_in({"pages": [{"sha256": one}]})) == [one]
    assert list(bundle.digests_in({"sha256": {"p001.jpg": one}, "statement_sha256": one})) == [
        one,
        one,
    ]
    assert list(bundle.digests_in({"sha256": "short"})) == []


def test_a_bundle_without_an_entry_proves_nothing_and_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one entry"):
        bundle.build(statement=STATEMENT, entries=[], files={})


def test_proofs_against_two_heads_are_refused() -> None:
    first, second = sealed(facts())
    later = replace(second, proof=sealed(facts(), growth=3)[1].proof)

    with pytest.raises(ValueError, match="one head"):
        bundle.build(statement=STATEMENT, entries=[first, later], files=FILES)
