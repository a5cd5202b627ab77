"""The benches run, and say what they promise to say; how fast the machine is they cannot promise."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def bench(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "lantai.ops.main", "bench", *words, "--json"],
        env={**environment, "LANTAI_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_log_is_measured_against_two_hashes_an_entry(tmp_path: Path) -> None:
    done = bench(tmp_path, "ledger", "--entries", "8192")

    assert (done.returncode, done.stderr) == (0, "")
    row = json.loads(done.stdout)
    assert row["name"] == "ledger"
    assert set(row["ratios"]) == {
        "append / two hashes",
        "append late / early",
        "record late / early",
        "publish late / early",
    }
    assert 0 < row["ratios"]["append / two hashes"] < 1
    assert row["figures"]["entries"] == 8192
    assert row["figures"]["tlog-proof bytes, 3 cosignatures"] <= 2000
    assert {"cores", "load"} <= set(row["machine"])


def test_a_log_too_short_to_be_measured_is_refused(tmp_path: Path) -> None:
    done = bench(tmp_path, "ledger", "--entries", "100")

    assert done.returncode == 2
    assert "至少为 8192" in done.stderr


def test_the_vault_is_measured_against_the_bare_loop(tmp_path: Path) -> None:
    done = bench(tmp_path, "vault", "--pages", "72", "--size", "5000", "--objects", "300")

    assert (done.returncode, done.stderr) == (0, "")
    row = json.loads(done.stdout)
    assert row["name"] == "vault"
    assert {name for name in row["ratios"] if "small" not in name} == {
        f"{ratio}, {clock}"
        for ratio in (
            "bare loop / store",
            "bare loop back / read back",
            "plain SHA-256 / patrol",
        )
        for clock in ("cpu", "wall")
    }
    assert {name for name in row["ratios"] if "small" in name} == {
        f"small {work} {clock}, first / last"
        for work in ("store", "read back", "patrol")
        for clock in ("cpu", "wall")
    }
    assert all(ratio > 0 for ratio in row["ratios"].values())
    assert (row["figures"]["pages"], row["figures"]["suite"]) == (72, "aes-256-gcm")


@pytest.mark.parametrize(
    ("words", "said"), [(("--pages", "0"), "至少为 1"), (("--objects", "50"), "至少为 300")]
)
def test_a_vault_too_small_to_be_measured_is_refused(
    tmp_path: Path, words: tuple[str, str], said: str
) -> None:
    done = bench(tmp_path, "vault", *words)

    assert done.returncode == 2
    assert said in done.stderr
