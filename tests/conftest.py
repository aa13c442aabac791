"""What the tests of all rooms share: trainings on every engine that is here."""

import os

import pytest

from tests.helpers.bridge import Trainings

CHECKOUT = os.environ.get("PADDLECLAS_HOME")


@pytest.fixture(scope="session", params=["wheel", "checkout"])
def trainings(request):
    """In one process: to start one takes longer than most trainings."""
    if request.param == "checkout" and not CHECKOUT:
        pytest.skip("PADDLECLAS_HOME names no checkout of PaddleClas")
    with Trainings(CHECKOUT if request.param == "checkout" else None) as made:
        yield made
