"""Whole letters as they go over the wire; the folder of a case names the test.

``COURTESY_GOLDEN=write`` writes what comes out now; read the difference before committing it.
"""

import os
from collections.abc import Callable
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import msgspec
import pytest

from courtesy.stages.messages.channels.mime import compose
from courtesy.stages.messages.links import Links
from courtesy.stages.messages.policy import Policy
from courtesy.stages.messages.render import render
from courtesy.stages.messages.template import check_template

CASES = sorted((Path(__file__).parent / "golden").iterdir())
LINKS = Links(b"k" * 32, "https://brand.example")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_letter(case: Path, make_policy: Callable[..., Policy], noon: datetime) -> None:
    message = msgspec.json.decode((case / "message.json").read_bytes(), type=dict[str, Any])
    text = (case / "template.mjml").read_text(encoding="utf-8")
    template = check_template("reward", "template.mjml", text, None)
    letter = render(message, template, make_policy(), LINKS, noon)
    parsed = message_from_bytes(compose(letter), policy=default)
    assert isinstance(parsed, EmailMessage)
    same(case / "headers.txt", "".join(f"{name}: {value}\n" for name, value in parsed.items()))
    same(case / "letter.txt", body(parsed, "plain"))
    same(case / "letter.html", body(parsed, "html"))


def body(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def same(golden: Path, found: str) -> None:
    if os.environ.get("COURTESY_GOLDEN") == "write":
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")
