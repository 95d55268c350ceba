"""Reporting errors to Sentry, for owners who set SENTRY_DSN: where an error was raised, and nothing about people.

Events are not searched for what must not be sent. They are rebuilt from the few fields that can't contain any of it.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final, cast

import sentry_sdk
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.types import Event

from operations.request_ids import current_id
from operations.scrubbing import scrub, shorten

_FIELDS: Final = ("event_id", "timestamp", "platform", "level", "logger")
# Paths are relative to Python's search path. Local variables and lines of code are left out.
_FRAME_FIELDS: Final = ("filename", "function", "module", "lineno", "in_app")


def start_error_tracking(dsn: str) -> None:
    """Report whatever is logged as an error from now on, in web servers, the worker and commands."""
    sentry_sdk.init(
        dsn=dsn,
        # Errors of requests and tasks are logged. Nothing else that the library could collect is wanted.
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
        before_send=scrub_event,
        before_send_transaction=lambda event, hint: None,
        before_breadcrumb=lambda breadcrumb, hint: None,
        auto_session_tracking=False,
        include_local_variables=False,
        include_source_context=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        propagate_traces=False,
        send_client_reports=False,
        send_default_pii=False,
        server_name="",
    )


def scrub_event(event: Event, hint: dict[str, Any]) -> Event:
    """Return an event with the harmless parts of `event`, and the ID by which the owner finds more in the log."""
    # Attachments would be sent along with the event.
    hint["attachments"] = []
    found = cast("Mapping[str, Any]", event)
    errors = (found.get("exception") or {}).get("values") or []
    # The format string, without its values.
    message = (found.get("logentry") or {}).get("message") or found.get("message") or ""
    scrubbed = {
        **{name: found[name] for name in _FIELDS if name in found},
        "message": scrub(str(message)),
        "exception": {"values": [_scrub_error(error) for error in errors]},
        "tags": {"request_id": current_id()},
    }
    return cast("Event", scrubbed)


def _scrub_error(error: Mapping[str, Any]) -> dict[str, Any]:
    frames = (error.get("stacktrace") or {}).get("frames") or []
    return {
        "type": error.get("type"),
        "module": error.get("module"),
        "value": shorten(str(error.get("value") or "")),
        "stacktrace": {"frames": [{name: frame.get(name) for name in _FRAME_FIELDS} for frame in frames]},
    }
