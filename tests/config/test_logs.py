"""The log: plain lines or JSON, with the ID of the request, but nothing about who sent it."""

import io
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from config.logs import JSONFormatter, LineFormatter, ScrubbingHandler, SuspicionFilter, logging_settings
from operations.request_ids import working_on
from tests.factories.made_once import CopyDatabase
from tests.factories.programs import run

FORMATTERS = pytest.mark.parametrize("formatter", [LineFormatter(), JSONFormatter()])


def record(message: object, *values: object, name: str = "django.request", **extra: object) -> logging.LogRecord:
    return logging.getLogger("made").makeRecord(
        name, logging.ERROR, "file.py", 1, message, values, sys.exc_info(), extra=extra
    )


class TestFormats:
    def test_plain_records_are_single_lines_for_people(self) -> None:
        with working_on("0123456789abcdef"):
            line = LineFormatter().format(record("The cache failed (%d).", 3, name="core.cache"))
        assert line.endswith(" ERROR core.cache [0123456789abcdef]: The cache failed (3).")

    def test_json_records_have_fields_for_programs(self) -> None:
        with working_on("0123456789abcdef"):
            fields = json.loads(JSONFormatter().format(record("The cache failed (%d).", 3, name="core.cache")))
        assert fields.pop("time").endswith("+00:00")
        assert fields == {
            "level": "ERROR",
            "logger": "core.cache",
            "message": "The cache failed (3).",
            "request_id": "0123456789abcdef",
        }

    def test_an_unknown_format_is_refused(self) -> None:
        with pytest.raises(ImproperlyConfigured, match=r"LOG_FORMAT is 'xml'. It should be one of: plain, json"):
            logging_settings("xml", "INFO")

    def test_an_unknown_level_is_refused(self) -> None:
        with pytest.raises(ImproperlyConfigured, match=r"LOG_LEVEL is 'LOUD'. It should be one of: DEBUG, INFO"):
            logging_settings("plain", "LOUD")

    @given(st.text())
    def test_a_record_is_one_line(self, message: str) -> None:
        assert len(LineFormatter().format(record("%s", message)).splitlines()) == 1
        assert len(JSONFormatter().format(record("%s", message)).split("\n")) == 1

    @given(st.text(), st.lists(st.one_of(st.text(), st.integers(), st.none())))
    def test_any_message_and_values_can_be_formatted(self, message: str, values: list[Any]) -> None:
        for formatter in (LineFormatter(), JSONFormatter()):
            assert formatter.format(record(message, *values))

    @given(st.text(st.characters(categories=["Cc", "Cs", "Zl", "Zp", "L"])))
    def test_an_exception_cannot_forge_lines(self, message: str) -> None:
        try:
            raise ValueError(message)
        except ValueError:
            line = LineFormatter().format(record("It failed."))
        assert len(line.splitlines()) <= 5
        line.encode()


class Unwritable:
    def __str__(self) -> str:
        raise RuntimeError("MAR" + "KER")

    __repr__ = __str__


def test_a_message_that_cannot_be_formatted_is_not_printed_unformatted(capsys: pytest.CaptureFixture[str]) -> None:
    handler = ScrubbingHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    handler.handle(record("%s and %s", Unwritable(), "MARKER", name="someone"))
    assert capsys.readouterr().err == "A message of someone could not be written to the log.\n"


@FORMATTERS
class TestPrivacy:
    def test_an_exception_is_logged_without_its_values(self, formatter: logging.Formatter) -> None:
        try:
            int("MAR" + "KER")
        except ValueError:
            text = formatter.format(record("This failed."))
        assert "ValueError: invalid literal for int() with base 10: …" in text
        assert "MARKER" not in text

    def test_an_exception_among_the_values_is_logged_by_its_type(self, formatter: logging.Formatter) -> None:
        text = formatter.format(record("The cache failed: %s", KeyError("MARKER")))
        assert "The cache failed: KeyError: …" in text
        assert "MARKER" not in formatter.format(record(KeyError("MARKER")))

    @pytest.mark.parametrize(
        "path", ["/search/MARKER/", "/comments/own/MARKER/", "/MARKER/no/such/page", "/2020/05/17/MARKER/"]
    )
    def test_a_path_becomes_the_pattern_of_its_view(self, path: str, formatter: logging.Formatter) -> None:
        request = RequestFactory().get(path, {"s": "MARKER"}, REMOTE_ADDR="203.0.113.9")
        text = formatter.format(record("Internal Server Error: %s", path, request=request))
        assert "Internal Server Error: " in text
        assert "MARKER" not in text
        assert "203.0.113" not in text

    def test_the_pattern_of_a_file_shows_that_it_is_one(self, formatter: logging.Formatter) -> None:
        request = RequestFactory().get("/media/pictures/MARKER.png")
        text = formatter.format(record("Service Unavailable: %s", request.path, request=request))
        assert "media/(P<path>.+)" in text
        assert "MARKER" not in text

    def test_the_url_of_the_page_with_the_form_is_left_out(self, formatter: logging.Formatter) -> None:
        reason = "Referer checking failed - https://blog.example.org/comments/own/MARKER/ does not match."
        request = RequestFactory().post("/admin/login/")
        text = formatter.format(record("Forbidden (%s): %s", reason, "/admin/login/", request=request))
        assert "https://blog.example.org/…" in text
        assert "MARKER" not in text

    def test_the_access_log_of_granian_identifies_no_reader(self, formatter: logging.Formatter) -> None:
        values = {"addr": "203.0.113.9", "method": "GET", "path": "/search/MARKER/", "query_string": "s=MARKER"}
        made = record("%(addr)s %(method)s %(path)s %(query_string)s", name="granian.access")
        made.args = values
        text = formatter.format(made)
        assert "- GET /search/" in text
        assert "MARKER" not in text

    def test_surplus_values_are_left_out(self, formatter: logging.Formatter) -> None:
        text = formatter.format(record("There is nothing to fill in.", "MARKER"))
        assert "There is nothing to fill in." in text
        assert "MARKER" not in text

    def test_the_record_is_not_changed(self, formatter: logging.Formatter) -> None:
        made = record("A %s", "rosa@example.org")
        formatter.format(made)
        assert (made.msg, made.args) == ("A %s", ("rosa@example.org",))


@pytest.mark.django_db
def test_suspicious_requests_are_logged_once_a_minute_in_a_line(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger, written = logging.getLogger("django.security"), io.StringIO()
    (handler,) = (each for each in logger.handlers if isinstance(each, ScrubbingHandler))
    assert not logger.propagate
    # Other tests may have sent such requests in the last minute.
    monkeypatch.setattr(handler, "filters", [SuspicionFilter()])
    monkeypatch.setattr(handler, "stream", written)
    for _ in range(3):
        assert client.get("/", headers={"host": f"{'a' * 2000}.example"}).status_code == 400
        assert client.get(f"/{'a' * 20_000}").status_code == 400
    hosts, paths = written.getvalue().splitlines()
    assert len(hosts) < 400
    assert "WARNING django.security.DisallowedHost" in hosts
    assert "Invalid HTTP_HOST header: 'aaa" in hosts
    assert "WARNING django.security.DisallowedRedirect" in paths


def test_nothing_gets_past_the_formatter(tmp_path: Path, copy_database: CopyDatabase) -> None:
    """Runs in its own process, where libraries have attached handlers to loggers before the settings are read."""
    copy_database(tmp_path)
    code = """
import logging, logging.config, threading, sys
from granian.log import LOGGING_CONFIG
logging.config.dictConfig(LOGGING_CONFIG)
import django
django.setup()
from django.test import Client
for name in ("", "django", "django.server", "django.request", "django.security.DisallowedHost", "_granian",
             "granian.access", "granian", "asyncio", "psycopg.pool", "someone.elses"):
    logging.getLogger(name).error("%s asked for /?s=MARKER and is MARKER@example.org", "203.0.113.77")
from config import wsgi
def fail():
    raise ValueError("this is wrong: '" + "MAR" + "KER'")
thread = threading.Thread(target=fail); thread.start(); thread.join()
from unittest import mock
client = Client(raise_request_exception=False, headers={"host": "localhost"})
with mock.patch("blog.views.listing_response", side_effect=ValueError("no 'MARKER' here")):
    response = client.get("/?a=MARKER", REMOTE_ADDR="203.0.113.77", HTTP_USER_AGENT="MARKER/1.0")
print(response.status_code, response.headers["X-Request-ID"] in response.text)
Client().get("/?s=MARKER", headers={"host": "MARKER.203.0.113.77"})
"""
    for form in ("plain", "json"):
        result = run(tmp_path, code, SECRET_KEY="x", LOG_FORMAT=form, SITE_URL="http://localhost")
        assert result.returncode == 0, result.stderr
        assert result.stdout.splitlines()[-1] == "500 True"
        assert result.stderr.count("asked for /?[query] and is [e-mail address]") == 11
        assert "A thread ended with an error." in result.stderr
        assert "ValueError: no …" in result.stderr
        written = result.stdout + result.stderr
        assert "203.0.113.77" not in written
        assert "MARKER@" not in written
        # The Host header, which anyone can send, is logged unless it is an address.
        assert "MARKER" not in "\n".join(line for line in written.splitlines() if "HTTP_HOST" not in line)
