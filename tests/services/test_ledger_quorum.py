"""The policy in force: refused at start if it cannot be worked by, or is worth nothing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from quorum_factories import key_of, set_policy

from lantai.ledger import quorum
from lantai.ledger.quorum import PolicyUnusable

LINES = "".join(
    f"witness w{number} {key_of(f'w{number}.example')} http://127.0.0.1:{8030 + number}\n"
    for number in range(1, 5)
)


def test_without_a_policy_nobody_is_needed() -> None:
    assert quorum.in_force() is None
    assert quorum.in_words(None) == "未设见证：日志仅由本机构签名"


def test_the_policy_of_the_data_directory_is_in_force(home: Path) -> None:
    (home / "witnesses.policy").write_text(f"{LINES}group peers 3 w1 w2 w3 w4\nquorum peers\n")

    policy = quorum.in_force()

    assert policy is not None
    assert quorum.in_words(policy) == "w1、w2、w3、w4 中至少 3 个"
    assert (policy.spare, policy.needed) == (1, 3)


def test_a_rule_of_groups_is_put_in_words() -> None:
    text = (
        f"{LINES}group city all w1 w2\ngroup one any w3\ngroup both all city one w4\nquorum both\n"
    )

    policy = quorum.judge(text.encode(), name="x")

    assert quorum.in_words(policy) == "（w1、w2 全部）、w3、w4 全部"


def test_a_policy_that_needs_nobody_is_called_so() -> None:
    policy = quorum.judge(f"{LINES}quorum none\n".encode(), name="x")

    assert quorum.in_words(policy) == "见证签名仅供参考，不设法定数"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("witness\nquorum none\n", "不能用（line 1: not a line of a policy: witness）"),
        (f"{LINES}", "不能用（a policy has one quorum line）"),
        (
            f"witness w1 {key_of('w1.example')} ftp://w1.example\nquorum w1\n",
            "w1 的地址不是 http 或 https 地址",
        ),
        (f"witness w1 {key_of('w1.example')} w1.example\nquorum w1\n", "的地址不是"),
        (f"{LINES}group peers any w1 w2 w3 w4\nquorum peers\n", "两批互不相同的见证方"),
        (f"{LINES}group peers 2 w1 w2 w3 w4\nquorum peers\n", "两批互不相同的见证方"),
        (f"{LINES}group peers 2 w1 w2 w3\nquorum peers\n", "允许 1 个见证方缺席"),
        (
            f"{LINES}group a any w1 w2\ngroup b any w3 w4\ngroup both all a b\nquorum both\n",
            "两批互不相同的见证方",
        ),
    ],
    ids=["line", "no-quorum", "ftp", "no-scheme", "any", "half", "two-of-three", "any-of-groups"],
)
def test_a_policy_that_is_wrong_or_weak_is_refused(settings: Any, text: str, words: str) -> None:
    set_policy(settings, text)

    with pytest.raises(PolicyUnusable) as refused:
        quorum.in_force()

    assert words in str(refused.value)


def test_a_policy_that_was_named_and_is_not_there_is_refused(settings: Any, home: Path) -> None:
    settings.LANTAI_POLICY = home / "gone.policy"

    with pytest.raises(PolicyUnusable, match="不存在"):
        quorum.in_force()


def test_the_program_does_not_start_under_a_weak_policy(home: Path) -> None:
    (home / "witnesses.policy").write_text(f"{LINES}group peers 2 w1 w2 w3 w4\nquorum peers\n")

    ended = subprocess.run(
        [sys.executable, "-m", "lantai.ops.main", "witnesses", "--home", str(home)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ended.returncode == 2
    assert ended.stderr.startswith("见证策略 witnesses.policy 的法定数太低")
    assert "Traceback" not in ended.stderr
    assert not (home / "lantai.db").exists()


def test_the_command_tells_where_everything_stands(home: Path) -> None:
    (home / "witnesses.policy").write_text(
        f"witness w1 {key_of('w1.example')} http://127.0.0.1:9/\nquorum w1\n"
    )

    ended = subprocess.run(
        [sys.executable, "-m", "lantai.ops.main", "witnesses", "--json", "--home", str(home)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    row = json.loads(ended.stdout)
    assert ended.returncode == 0, ended.stderr  # nothing was recorded, so nothing is provisional
    assert row["rule"] == "w1"
    assert [(each["witness"], each["stream"]) for each in row["witnesses"]] == [
        ("w1", "records"),
        ("w1", "access"),
    ]
    assert row["log"] == [
        {"stream": "records", "size": 0, "final": 0},
        {"stream": "access", "size": 0, "final": 0},
    ]
