"""Blocking all writes while the site is moved to another release (`manage.py upgrade_database`).

Requests and the worker are inside the gate while they may write. `closed` waits until all have left and lets none in,
so nothing is acknowledged and then lost. While it is closed, the site is read as usual, and writes are refused with
BeingUpdatedError, like writes to any database that can't store anything. The gate consists of two locks on files in the
data folder, which end with the process that holds them, so it can't stay closed after an upgrade that was killed.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from core.disk import try_lock
from core.middleware import Middleware

# Statements that change nothing. All others are refused.
_READING: Final = ("SELECT", "WITH", "EXPLAIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "SET ", "SHOW", "FETCH", "CLOSE")
_PAUSE: Final = 0.05


class BeingUpdatedError(OperationalError):
    """Nothing can be stored, because the site is being moved to another release."""


class GateError(Exception):
    """Not everyone inside the gate left in time."""


def is_being_updated() -> bool:
    """Whether the gate is closed. This takes a few microseconds."""
    try:
        descriptor = os.open(_flag(), os.O_RDONLY)
    except OSError:
        # There is no such file.
        return False
    try:
        return not try_lock(descriptor, is_shared=True)
    finally:
        os.close(descriptor)


def update_token() -> str:
    """Return the token of the running upgrade, for monitoring its progress; empty if there is none."""
    if not is_being_updated():
        return ""
    with suppress(OSError):
        return Path(_flag()).read_text(encoding="ascii")
    return ""


@contextmanager
def inside_the_gate() -> Iterator[bool]:
    """Yield whether writing is allowed. If it is, it stays so until the end of the block."""
    try:
        descriptor = os.open(_gate(), os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        # On a disk that is full or read-only, an upgrade can't start either.
        yield not is_being_updated()
        return
    try:
        # In this order, because `closed` creates the flag first, and then waits for this lock.
        is_inside = try_lock(descriptor, is_shared=True)
        if is_inside and is_being_updated():
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            is_inside = False
        yield is_inside
    finally:
        os.close(descriptor)


@contextmanager
def closed(token: str, patience: float) -> Iterator[None]:
    """Close the gate. Raises GateError, and opens it again, if not everyone leaves within `patience` seconds."""
    new = Path(f"{_flag()}.new")
    new.unlink(missing_ok=True)
    flag = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    gate = os.open(_gate(), os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(flag, token.encode("ascii"))
        fcntl.flock(flag, fcntl.LOCK_EX)
        # It is locked before others can see it. An unlocked one was left behind by an upgrade that was killed.
        os.replace(new, _flag())
        deadline = time.monotonic() + patience
        while not try_lock(gate):
            if time.monotonic() > deadline:
                raise GateError
            time.sleep(_PAUSE)
        yield
    finally:
        Path(_flag()).unlink(missing_ok=True)
        os.close(gate)
        os.close(flag)


class GateMiddleware(Middleware):
    """Handles each request inside the gate or, if that is closed, read-only."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with inside_the_gate() as may_write:
            if may_write:
                return self.get_response(request)
            with connection.execute_wrapper(_refuse_writes):
                return self.get_response(request)


def _refuse_writes(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    statement = sql.lstrip(" \n(")
    # On SQLite, transactions start with BEGIN IMMEDIATE, which takes the write lock.
    if statement[:10].upper().startswith(_READING) or statement == "BEGIN":
        return execute(sql, params, many, context)
    raise BeingUpdatedError(gettext("This site is being updated."))


# As strings, because every request opens both files, and Python would take longer to make a Path than to open it.
def _flag() -> str:
    return f"{settings.DATA_DIR}/being-updated"


def _gate() -> str:
    return f"{settings.DATA_DIR}/gate.lock"
