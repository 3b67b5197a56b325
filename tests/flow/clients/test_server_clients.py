"""Libraries of servers, unmodified: the programs of docs/clients.md, with our host and key."""

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import HERE, Served, block

ALL = {"identify": 1, "Order Completed": 40}


@pytest.mark.parametrize("title", ["Node: Segment", "Node: RudderStack"])
def test_a_client_for_node(packages: Path, served: Served, title: str) -> None:
    assert packages.is_dir()
    program, customer = block(title, served.url)
    command = ["node", "--input-type=module", "--eval", program]
    subprocess.run(command, cwd=HERE, check=True, timeout=60)
    assert served.names(customer, 41) == ALL


@pytest.mark.parametrize("title", ["Python: Segment", "Python: RudderStack"])
def test_a_client_for_python(served: Served, title: str) -> None:
    program, customer = block(title, served.url)
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert served.names(customer, 41) == ALL


def test_the_provider_of_openfeature_for_python(served: Served) -> None:
    program, _ = block("Python: flags with OpenFeature", served.url)
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.strip() in {"button: blue", "button: green"}
