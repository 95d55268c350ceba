"""Reports to Sentry contain nothing about readers, whatever a library could find out about them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.factories.made_once import CopyDatabase
from tests.factories.programs import run

DSN = "https://key@sentry.example.org/1"
# Replaces the transport of the library, so that nothing is sent.
PRELUDE = """
import json, logging, sys
import django
sent = []
import sentry_sdk
from sentry_sdk.transport import HttpTransport
HttpTransport.capture_envelope = lambda self, envelope: sent.append(envelope.serialize().decode())
django.setup()
"""
ATTACK = (
    PRELUDE
    + """
from unittest import mock
from django.db import IntegrityError
from django.test import Client, RequestFactory
from operations.request_ids import working_on
import smtplib
M = "MAR" + "KER"
ip, mail = "203.0.113.77", f"{M}@example.org"

scope = sentry_sdk.get_isolation_scope()
scope.set_user({"id": M, "email": mail, "ip_address": ip, "username": M})
scope.set_tag("tag", M)
scope.set_extra("extra", M)
scope.set_context("context", {"value": M})
scope.add_attachment(bytes=M.encode(), filename=M)
scope.set_transaction_name(f"/search/{M}/")
scope.fingerprint = [M]
sentry_sdk.add_breadcrumb(message=M, data={"url": f"/?s={M}"})

def fail(comment, password):
    secret = M
    try:
        raise KeyError(M)
    except KeyError as error:
        raise ValueError(f"wrong: {comment!r} from {ip} <{mail}> ?s={M}") from error

# Each way in which an error can be logged.
with mock.patch("blog.views.listing_response", side_effect=lambda *a, **o: fail(M, M)):
    headers = {"host": "localhost", "cookie": f"a={M}", "x-forwarded-for": ip, "user-agent": M, "authorization": M}
    client = Client(raise_request_exception=False, headers=headers | {"referer": f"http://localhost/{M}"})
    response = client.get("/", {"comment": M, "password": M}, REMOTE_ADDR=ip)
    assert response.status_code == 500, response.status_code
log = logging.getLogger("made.up")
detail = f"duplicate key\\nDETAIL:  Key (email)=({mail}) exists."
refused = smtplib.SMTPRecipientsRefused({mail: (550, M.encode())})
for error in (refused, IntegrityError(detail), OSError(2, "none", f"/media/{M}")):
    try:
        raise error
    except Exception:
        extra = {"comment": M, "request": RequestFactory().get(f"/{M}")}
        log.exception("This failed for %s from %s", mail, ip, extra=extra)
        sentry_sdk.capture_exception()
log.error("No error, but %s with %s", M, mail, stack_info=True)
log.error(f"The address {mail} of {ip} asked for /?s={M}")
with working_on("0123456789abcdef"):
    log.error("This has an ID.")
sentry_sdk.capture_message(f"/?s={M} {mail}")
try:
    fail(M, M)
except ValueError as error:
    error.add_note(M)
    group = ExceptionGroup("several (" + M + ")", [error])
    try:
        raise group
    except ExceptionGroup:
        log.exception("A group")
with sentry_sdk.start_transaction(name=M, op=M):
    pass
sentry_sdk.flush()
from django.conf import settings
print(json.dumps({"sent": sent, "csp": settings.SECURE_CSP}))
"""
)


@pytest.fixture(scope="module")
def with_dsn(tmp_path_factory: pytest.TempPathFactory, copy_database: CopyDatabase) -> dict[str, Any]:
    """What a site with errors sends to Sentry, and its Content-Security-Policy."""
    folder = tmp_path_factory.mktemp("data")
    copy_database(folder)
    return reported(folder, ATTACK, SITE_URL="http://localhost", SENTRY_DSN=DSN)


@pytest.fixture(scope="module")
def without_dsn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Whether the library is imported by a site that has no DSN, and its Content-Security-Policy."""
    code = """
import json, sys
import django; django.setup()
from config import wsgi
from django.conf import settings
print(json.dumps({"is_imported": "sentry_sdk" in sys.modules, "csp": settings.SECURE_CSP}))
"""
    return reported(tmp_path_factory.mktemp("data"), code)


def reported(folder: Path, code: str, **environment: str) -> Any:
    """Run the code, and return its JSON output."""
    result = run(folder, code, SECRET_KEY="x", **environment)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_reports_contain_no_planted_marker(with_dsn: dict[str, Any]) -> None:
    envelopes = with_dsn["sent"]
    sent = "\n".join(envelopes)
    assert len(envelopes) >= 12
    assert "MARKER" not in sent
    assert "203.0.113" not in sent
    assert "@example.org" not in sent
    # The reports are still useful.
    assert '"ValueError"' in sent
    assert '"blog.views"' in sent
    assert '"0123456789abcdef"' in sent
    # The name of the machine and the location of the code are not reported, either.
    assert "server_name" not in sent
    assert not re.search(r'"abs_path"|"vars"|"context_line"|"user"|"request"|"breadcrumbs"|"extra"', sent)


def test_without_a_dsn_the_library_is_not_imported(without_dsn: dict[str, Any]) -> None:
    assert without_dsn["is_imported"] is False


def test_a_dsn_without_the_library_is_explained(tmp_path: Path) -> None:
    code = """
import importlib.util, sys
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *a: None if name == "sentry_sdk" else find_spec(name, *a)
import django; django.setup()
from django.core import checks
print([each.msg for each in checks.run_checks() if each.id.startswith("core")], "sentry_sdk" in sys.modules)
"""
    result = run(tmp_path, code, SECRET_KEY="x", SENTRY_DSN=DSN)
    assert "uv sync --extra sentry" in result.stdout
    assert result.stdout.strip().endswith("False")


@pytest.mark.parametrize("site", ["with_dsn", "without_dsn"])
def test_pages_allow_no_requests_to_sentry(site: str, request: pytest.FixtureRequest) -> None:
    csp = json.dumps(request.getfixturevalue(site)["csp"])
    assert "sentry" not in csp
    assert "connect-src" in csp
