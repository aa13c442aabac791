"""Real images for the end-to-end tests."""

import pytest

from tools.digits import write_digits


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    root = tmp_path_factory.mktemp("digits")
    write_digits(root)
    return str(root)
