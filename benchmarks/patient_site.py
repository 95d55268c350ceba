"""The application of config.rsgi, in which as many requests as wrk sends wait for each other.

The site itself turns away most of 16 requests for the same uncached page, which is measured by siege.py.
"""

from config.lanes import LANES, has_session, lane_of
from config.rsgi import answer_at_once
from config.wsgi import answer_from_memory, refuse
from config.wsgi import application as wsgi_application
from core.serving.admission import Lane
from core.serving.rsgi import RSGIApplication

PATIENT = {lane: Lane(lane.at_once, waiting=100, patience=60) for lane in LANES}

application = RSGIApplication(
    wsgi_application,
    immediate=answer_from_memory,
    ready=answer_at_once,
    busy=refuse,
    lane_of=lambda environ: PATIENT[lane_of(environ)],
    lanes=tuple(PATIENT.values()),
    may_send_files=lambda headers: has_session(headers.get("cookie", "")),
)
