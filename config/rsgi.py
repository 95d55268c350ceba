"""The application that granian runs (`--interface rsgi`). Other servers run the one in config.wsgi."""

from collections.abc import Callable, Iterable
from typing import Any, cast
from wsgiref.types import WSGIApplication

from config.lanes import LANES, has_session, lane_of
from config.wsgi import answer_from_memory, answer_hit, refuse
from config.wsgi import application as wsgi_application
from core.serving.rsgi import RSGIApplication
from readers.recording import Recorder


def answer_at_once(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes] | None:
    """Answer monitoring and requests for cached pages, which wait for no others. Return None for all others."""
    answer = wsgi_application.answer(environ, start_response)
    return cast("Iterable[bytes] | None", answer_hit(environ, start_response)) if answer is None else answer


recorder = Recorder()
recorder.start()
application = RSGIApplication(
    cast("WSGIApplication", recorder.watched(wsgi_application)),
    immediate=recorder.watched(answer_from_memory),
    ready=recorder.watched(answer_at_once),
    busy=refuse,
    lane_of=lane_of,
    lanes=LANES,
    may_send_files=lambda headers: has_session(headers.get("cookie", "")),
)
