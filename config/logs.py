"""The setting LOGGING: lines or JSON on standard error, and never an IP address, a query or an e-mail address.

All records are formatted here, whatever library they come from, so none bypasses `operations.scrubbing`.
"""

import contextlib
import datetime as dt
import json
import logging
import math
import re
import sys
import threading
import time
from collections.abc import Mapping
from copy import copy
from http import HTTPStatus
from typing import Any, Final, TextIO

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.urls import Resolver404, resolve

from core.outages import is_outage
from core.serving.busy import IS_REFUSED
from operations.request_ids import current_id
from operations.scrubbing import describe, describe_with_traceback, escape_controls, scrub

_log = logging.getLogger(__name__)
# How often an outage is logged as an error, in seconds.
_OUTAGE_INTERVAL: Final = 60
# How often each kind of suspicious request is logged, in seconds, and how much of it, in characters.
_SUSPICION_INTERVAL: Final = 60
_SUSPICION_LENGTH: Final = 200

_FORMATTERS: Final = {"plain": "config.logs.LineFormatter", "json": "config.logs.JSONFormatter"}
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_URL: Final = re.compile(r"(https?://[^\s/'\"]+)/\S*")
# What granian's access log could contain about a request, besides its path.
_OF_READERS: Final = frozenset({"addr", "query_string"})


def logging_settings(form: str, level: str) -> dict[str, Any]:
    """Return the value of LOGGING. `form` is `plain` or `json`, `level` such as `INFO`. Raises ImproperlyConfigured."""
    if form not in _FORMATTERS:
        raise ImproperlyConfigured(f"LOG_FORMAT is {form!r}. It should be one of: {', '.join(_FORMATTERS)}.")
    if level not in _LEVELS:
        raise ImproperlyConfigured(f"LOG_LEVEL is {level!r}. It should be one of: {', '.join(_LEVELS)}.")
    through_root = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"scrubbed": {"()": _FORMATTERS[form]}},
        "filters": {
            "outages": {"()": "config.logs.OutageFilter"},
            "refusals": {"()": "config.logs.RefusalFilter"},
            "suspicions": {"()": "config.logs.SuspicionFilter"},
        },
        "handlers": {
            "console": {"class": "config.logs.ScrubbingHandler", "formatter": "scrubbed"},
            "suspicions": {
                "class": "config.logs.ScrubbingHandler",
                "formatter": "scrubbed",
                "filters": ["suspicions"],
            },
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # These have handlers of their own, which would write records unscrubbed.
            "django": {**through_root, "level": level},
            "django.server": {**through_root, "level": level},
            # Anyone can send such requests, for example with a wrong Host header, so few are logged.
            "django.security": {"handlers": ["suspicions"], "propagate": False, "level": level},
            "_granian": through_root,
            "granian.access": through_root,
            # Each process that loads it would log that its logger is ready.
            "pikepdf": {"level": "WARNING"},
            # Crawlers request thousands of pages that don't exist.
            "django.request": {"level": "ERROR", "filters": ["refusals", "outages"]},
        },
    }


class OutageFilter(logging.Filter):
    """Turns an error that is not the fault of the code into one line, without a traceback (core.outages).

    While the disk is full, each request may log one. The first in a minute stays an error, which is reported if that
    is set up. The others become warnings.
    """

    def __init__(self) -> None:
        super().__init__()
        self._silent_until = -math.inf

    def filter(self, record: logging.LogRecord) -> logging.LogRecord:
        error = record.exc_info[1] if record.exc_info else None
        if error is None or not is_outage(error):
            return record
        line = copy(record)
        line.msg, line.exc_info = f"{_formatted(record)}. %s", None
        line.args = (error,)
        if time.monotonic() < self._silent_until:
            line.levelno, line.levelname = logging.WARNING, "WARNING"
        else:
            self._silent_until = time.monotonic() + _OUTAGE_INTERVAL
        return line


class RefusalFilter(logging.Filter):
    """Drops the records of requests that are refused because the server is busy, or for something that isn't offered.

    A flood of them is not an error, and must not fill the disk.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        is_refused = isinstance(request, HttpRequest) and IS_REFUSED in request.META
        return not is_refused and getattr(record, "status_code", None) != HTTPStatus.NOT_IMPLEMENTED


class SuspicionFilter(logging.Filter):
    """Turns the records of suspicious requests into one short line a minute for each kind, without a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self._silent_until: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> logging.LogRecord | bool:
        now = time.monotonic()
        if now < self._silent_until.get(record.name, -math.inf):
            return False
        self._silent_until[record.name] = now + _SUSPICION_INTERVAL
        line = copy(record)
        line.msg, line.args, line.exc_info = _formatted(record)[:_SUSPICION_LENGTH], (), None
        line.levelno, line.levelname = logging.WARNING, "WARNING"
        return line


class ScrubbingHandler(logging.StreamHandler[TextIO]):
    """Writes to standard error. If that failed, Python would print the message with all its values."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  Python's own name
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"A message of {record.name} could not be written to the log.\n")


class _ScrubbingFormatter(logging.Formatter):
    """Formats records from their attributes, without changing them."""

    def message(self, record: logging.LogRecord) -> str:
        """Return the message without anything about a reader, on one line."""
        request = getattr(record, "request", None)
        text = _formatted(record)
        if isinstance(request, HttpRequest):
            # A path may be a search or a secret link, and the reason for a refusal may contain another URL.
            escaped = request.path.encode("unicode_escape").decode("ascii")
            if len(escaped) > 1:
                text = text.replace(escaped, _route(request.path_info))
            text = _URL.sub(r"\1/…", text)
        return escape_controls(scrub(text))

    def error(self, record: logging.LogRecord) -> str:
        """Return the traceback of the logged error, without values; empty if there is none."""
        if not record.exc_info or record.exc_info[1] is None:
            return ""
        return describe_with_traceback(record.exc_info[1])


class LineFormatter(_ScrubbingFormatter):
    """Formats a record as one line for people, followed by its error on several lines."""

    def format(self, record: logging.LogRecord) -> str:
        working_on = f" [{current}]" if (current := current_id()) else ""
        line = f"{self.formatTime(record)} {record.levelname} {record.name}{working_on}: {self.message(record)}"
        error = self.error(record)
        return f"{line}\n{error}" if error else line


class JSONFormatter(_ScrubbingFormatter):
    """Formats a record as one line of JSON, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self.message(record),
            "request_id": current_id(),
            "error": self.error(record),
        }
        return json.dumps({name: value for name, value in fields.items() if value}, ensure_ascii=False)


def _formatted(record: logging.LogRecord) -> str:
    """Return the message with its values. Errors among them are described."""
    values: Any = record.args
    if isinstance(values, Mapping):
        values = {name: _value(name, value) for name, value in values.items()}
    elif values:
        values = tuple(_value("", value) for value in values)
    message = describe(record.msg) if isinstance(record.msg, BaseException) else str(record.msg)
    try:
        return message % values if values else message
    except (TypeError, ValueError, KeyError):
        # Logging must not fail. Values that don't match the message are left out, because they may not be harmless.
        return message


def _value(name: str, value: object) -> object:
    if isinstance(value, BaseException):
        return describe(value)
    if name in _OF_READERS:
        return "-"
    return _route(str(value)) if name == "path" else value


def _route(path: str) -> str:
    """Return the pattern of the URL, which shows what kind of page was requested."""
    try:
        # Question marks, which regular expressions contain, would look like the beginning of a query.
        return f"/{resolve(path).route.replace('?', '')}"
    except Resolver404:
        return "a URL that doesn't exist"


def log_thread_error(arguments: threading.ExceptHookArgs) -> None:
    """Log an error that ends a thread (threading.excepthook). Python would print it with all its values."""
    _log.error("A thread ended with an error.", exc_info=arguments.exc_value)
