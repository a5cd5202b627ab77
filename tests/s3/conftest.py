"""Every test has a bucket of its own, on the one server of the run."""

from pathlib import Path

import pytest
import seaweed
from s3_stores import PREFIX

from lantai.lib.ocfl.layout import Store


@pytest.fixture
def bucket() -> str:
    return seaweed.server().bucket()


@pytest.fixture
def store(tmp_path: Path, bucket: str) -> Store:
    return seaweed.server().store(tmp_path / "stage-of-bucket", bucket, PREFIX)
