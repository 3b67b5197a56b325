"""What simulations share: a place to leave the figure that was found."""

from collections.abc import Callable

import pytest

Record = Callable[[str, float], None]


@pytest.fixture
def record(
    record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> Record:
    """Print a figure and put it into the test report."""

    def keep(name: str, figure: float) -> None:
        record_property(name, float(figure))  # a NumPy number cannot travel between processes
        with capsys.disabled():
            print(f"\n  {name}: {figure:.4f}", end="")  # noqa: T201 - the figure is the result

    return keep
