"""Personal data is never logged or reported, whatever libraries write."""

import smtplib
from typing import Any

import pytest
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from operations.scrubbing import describe, describe_with_traceback, scrub
from tests.factories.types import GrowsWithLength

# Text around an address.
AROUND = st.text(max_size=30)
# Characters before an address. Letters and digits would make it another address.
GAPS = st.sampled_from(["", " ", ":", "=", "(", "'", '"', "[", "client-", "\n", "/", "→"])


class TestText:
    @given(AROUND, GAPS, st.ip_addresses(v=4), AROUND)
    def test_no_ipv4_address_remains(self, before: str, gap: str, address: Any, after: str) -> None:
        assert str(address) not in scrub(f"{before}{gap}{address}{after}")

    @given(AROUND, GAPS, st.ip_addresses(v=6).filter(lambda address: int(address) != 0), AROUND, st.booleans())
    def test_no_ipv6_address_remains(self, before: str, gap: str, address: Any, after: str, is_long: bool) -> None:
        text = address.exploded if is_long else str(address)
        assert text not in scrub(f"{before}{gap}{text}{after}")
        assert text.upper() not in scrub(f"{before}{gap}{text.upper()}{after}")

    @given(AROUND, st.emails(), AROUND)
    def test_no_e_mail_address_remains(self, before: str, address: str, after: str) -> None:
        scrubbed = scrub(f"{before} <{address}>{after}")
        assert address not in scrubbed
        assert f"<{address.partition('@')[0]}@" not in scrubbed

    @given(AROUND, st.from_regex(r"\A[a-z]{1,5}=[A-Za-z0-9+%_-]{9,20}\Z"), AROUND)
    def test_no_query_remains(self, before: str, query: str, after: str) -> None:
        assert query not in scrub(f"{before} /archive/?{query} {after}")

    @given(st.text(st.sampled_from("a1@.:?%40[]<>\"'( \n"), max_size=60))
    def test_scrubbing_twice_changes_nothing(self, text: str) -> None:
        assert scrub(scrub(text)) == scrub(text)

    @pytest.mark.parametrize(
        ("text", "scrubbed"),
        [
            ("Not Found: /?s=who+is+she", "Not Found: /?[query]"),
            ('203.0.113.9 - "GET /?s=who HTTP/1.1" 200', '[IP address] - "GET /?[query] HTTP/1.1" 200'),
            ("no mailbox rosa@example.org.", "no mailbox [e-mail address]"),
            ("mailto:rosa%40example.org", "[e-mail address]"),
            ('"rosa luxemburg"@example.org', "[e-mail address]"),
            ("postgres://site:pass@db/site refused", "[e-mail address] refused"),
            ("from [2001:db8::7]:443", "from [[IP address]]:443"),
            ("from ::ffff:203.0.113.9", "from [IP address][IP address]"),
            ("DETAIL:  Key (email)=(rosa) exists.\nmore of the row", ""),
            ("duplicate key\nDETAIL:  Failing row contains (1, my\nwords).", "duplicate key\n"),
            ("@wraps(view) at 12:30:45 on 2026-11-27", "@wraps(view) at 12:30:45 on 2026-11-27"),
            ("What happened? Nothing.", "What happened? Nothing."),
        ],
    )
    def test_messages_of_libraries_are_scrubbed(self, text: str, scrubbed: str) -> None:
        assert scrub(text) == scrubbed

    @pytest.mark.parametrize("piece", ["a", "a@", "1.", "a:", "?", '"', "1.1.1.1 ", "%40", "::", "(", "\n"])
    def test_takes_time_in_proportion_to_the_length(self, piece: str, grows_with_length: GrowsWithLength) -> None:
        # Scrub the text in parts, because only the beginning of a long text is kept.
        assert grows_with_length(
            lambda text: [scrub(text[i : i + 20_000]) for i in range(0, len(text), 20_000)], piece * 100_000
        )


class Diagnosis:
    sqlstate, table_name, column_name, constraint_name = "23505", "accounts_user", None, "user_email"


class PostgreSQLError(Exception):
    diag = Diagnosis()


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "described"),
        [
            (
                ValueError("invalid literal for int() with base 10: 'MARKER'"),
                "ValueError: invalid literal for int() with base 10: …",
            ),
            (KeyError("MARKER"), "KeyError: …"),
            (OSError(28, "No space left on device", "/srv/MARKER"), "OSError: [Errno 28] No space left on device: …"),
            (smtplib.SMTPRecipientsRefused({"MARKER@example.org": (550, b"MARKER")}), "SMTPRecipientsRefused: …"),
            (smtplib.SMTPDataError(554, b"MARKER is not wanted"), "SMTPDataError: …"),
            (
                IntegrityError("UNIQUE constraint failed: blog_entry.slug"),
                "IntegrityError: UNIQUE constraint failed: blog_entry.slug",
            ),
            (ValueError("first\nMARKER"), "ValueError: first"),
            (ValueError(b"MARKER"), "ValueError: …"),
            (RuntimeError(), "RuntimeError"),
        ],
    )
    def test_an_error_is_described_without_the_values_in_it(self, error: Exception, described: str) -> None:
        assert describe(error) == described

    def test_a_postgresql_error_is_described_by_table_and_constraint(self) -> None:
        text = (
            'duplicate key value violates unique constraint "user_email"\nDETAIL:  Key (email)=(MARKER) already exists.'
        )
        error = IntegrityError(text)
        error.__cause__ = PostgreSQLError(text)
        described = describe(error)
        assert (
            described
            == "IntegrityError: duplicate key value violates unique constraint … (23505, accounts_user, user_email)"
        )

    def test_an_error_whose_message_cannot_be_read_is_described_by_its_type(self) -> None:
        class BrokenError(Exception):
            def __str__(self) -> str:
                raise RuntimeError

        assert describe(BrokenError()).endswith("BrokenError")

    @given(st.text(min_size=8).filter(lambda text: text.strip() == text and "\n" not in text))
    def test_no_quoted_value_remains(self, value: str) -> None:
        for quoted in (repr(value), f"“{value}”", f"({value})", f'"{value}"'):
            assert value not in describe(ValueError(f"This is wrong: {quoted}"))

    def test_a_traceback_contains_code_and_all_causes_but_no_values(self) -> None:
        def fail(secret: str) -> None:
            try:
                raise KeyError(secret)
            except KeyError as error:
                raise ValueError(f"bad value: {secret!r}") from error

        try:
            fail("MAR" + "KER")
        except ValueError as error:
            text = describe_with_traceback(error)
        assert "MARKER" not in text
        assert text.index("KeyError: …") < text.index("ValueError: bad value: …")
        assert "raise KeyError(secret)" in text

    def test_a_circular_chain_of_causes_is_described_once(self) -> None:
        error = ValueError("a")
        error.__cause__ = other = ValueError("b")
        other.__cause__ = error
        assert describe_with_traceback(error).count("ValueError") == 2
