"""What the tests of the bench share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def cache() -> Iterator[Path]:
    """A folder of this test alone, which PostgreSQL can enter when it runs as another user: what pytest makes, only its owner can."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
