"""``courtesy preview`` and ``courtesy send-test``: a letter before anybody gets it."""

from pathlib import Path
from typing import Annotated

import typer

from courtesy.doors.cli.frame import Json, answer, opened
from courtesy.flow.preview import preview as preview_letter
from courtesy.flow.preview import send_test as send_test_letter

Name = Annotated[str, typer.Argument(help="A journey (its first letter) or a template.")]
Person = Annotated[str, typer.Option(help="For whom: a user id, an anonymous id or a person_id.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write the HTML part to this file.")
]
Tester = Annotated[str, typer.Option("--to", help="A tester's address, of testers in policy.yaml.")]


def preview(
    context: typer.Context, name: Name, person: Person, output: Output = None, json: Json = False
) -> None:
    """Show a letter as one person would get it; nothing is sent and nothing is counted."""
    with opened(context) as app:
        letter = preview_letter(app, name, person)
    if output:
        output.write_text(letter.html, encoding="utf-8")
    data = {"subject": letter.subject, "to": letter.address, "text": letter.text}
    data |= {"file": str(output)} if output else {"html": letter.html}
    where = f"\nThe HTML part stands in {output}." if output else ""
    said = f"To: {letter.address}\nSubject: {letter.subject}\n\n{letter.text.rstrip()}{where}"
    answer(data, json=json, text=lambda: said)


def send_test(
    context: typer.Context, name: Name, person: Person, to: Tester, json: Json = False
) -> None:
    """Send a letter as one person would get it to a tester; nothing of it is counted."""
    with opened(context) as app:
        receipt = send_test_letter(app, name, person, to)
    said = f"Sent to {to}: {receipt.detail}"
    answer({"to": to, "answer": receipt.detail}, json=json, text=lambda: said)
