"""The application that granian runs (`--interface rsgi`). Other servers run the one in config.wsgi."""

from typing import Final

from config.lanes import has_session
from config.wsgi import application as wsgi_application
from core.serving.rsgi import RSGIApplication

# More than all lanes together have room for (config.lanes), so there is always one left for what costs nothing.
THREADS: Final = 48

application = RSGIApplication(
    wsgi_application,
    threads=THREADS,
    may_send_files=lambda headers: has_session(headers.get("cookie", "")),
)
