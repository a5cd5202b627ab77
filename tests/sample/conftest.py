"""One small batch with every plant in it, drawn once for the whole room."""

import pytest
from sample.written import DPI, Batch

from lantai import sample


@pytest.fixture(scope="session")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """Nine dossiers, one of each career, at 100 dpi, every plant somewhere, in the two locked fonts."""
    root = tmp_path_factory.mktemp("sample") / "batch"
    sample.write(root, dossiers=9, seed=5, plant=tuple(sample.PLANTS), dpi=DPI)
    return Batch(root)
