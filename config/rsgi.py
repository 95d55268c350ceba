"""The application that granian runs (`--interface rsgi`). Other servers run the one in config.wsgi."""

from config.lanes import LANES, has_session, lane_of
from config.wsgi import application as wsgi_application
from config.wsgi import page_cache
from core.serving.rsgi import RSGIApplication

application = RSGIApplication(
    wsgi_application,
    immediate=page_cache.answer_from_memory,
    ready=page_cache.answer_hit,
    lane_of=lane_of,
    lanes=LANES,
    may_send_files=lambda headers: has_session(headers.get("cookie", "")),
)
