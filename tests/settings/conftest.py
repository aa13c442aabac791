"""Search files are read by the hundred here."""

import pytest

from paddle_transfer.settings import ineffective_keys


@pytest.fixture(autouse=True)
def few_points(request, monkeypatch):
    """Most of the time of reading a search file goes into comparing its points, which
    test_ineffective_keys.py is about."""
    if not request.path.name.startswith("test_ineffective"):
        monkeypatch.setattr(ineffective_keys, "POINTS", 4)
