"""Text from strangers, and titles, in e-mails."""

import email
import email.policy

import pytest

from mail import messages


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one\r\ntwo\tthree\u2028four\x85five", "one two three four five"),
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("exe.\u202egpj", "exe.gpj"),
        # A zero-width non-joiner in Persian, and a soft hyphen.
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("Donau\u00addampf", "Donau\u00addampf"),
        ("x" * 200, "x" * 149 + "…"),
    ],
)
def test_a_line_has_no_line_breaks_and_no_misleading_characters(text: str, line: str) -> None:
    assert messages.line(text) == line


def test_subjects_have_no_spaces_between_a_title_and_its_quotation_marks() -> None:
    title = messages.isolated("Папір")
    assert messages.line(f"2 нові коментарі до «{title}»") == "2 нові коментарі до «Папір»"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "encoded", ["=?utf-8?q?exe.=E2=80=AEgpj?=", "=?utf-8?b?4oCuZ3Bq?=", "=?utf-8?q?=0d=0aBcc:_a?="]
)
def test_a_title_in_a_subject_is_not_decoded(encoded: str) -> None:
    context = {"count": 1, "comments": [], "days": 1}
    message = messages.write(
        "comments/mail/pending.txt", "a@example.org", encoded, context, list_name="a", message_id="a"
    )
    sent = email.message_from_bytes(message.message().as_bytes(), policy=email.policy.default)
    assert sent["Subject"].endswith(encoded.replace("=?", "= ?"))
    assert "Bcc" not in sent
