"""Counting readers: a thread of each web process does it every few seconds, so that no request waits for it.

If a process is killed, the readings that it has not stored are lost: those of `_INTERVAL` at most.
"""

import logging
import threading
from collections.abc import Callable
from multiprocessing.util import Finalize
from typing import Final

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from core.models import SiteSettings
from core.updating import inside_the_gate
from readers.bots import is_bot
from readers.counting import Tally, store
from readers.models import ReaderSettings
from readers.nginx_log import NginxLog
from readers.requests import Answer, Notebook

# How often readings are counted, in seconds.
_INTERVAL: Final = 5.0

_log = logging.getLogger(__name__)


class Recorder:
    """Counts the readers of pages that `watched` applications or nginx send."""

    def __init__(self) -> None:
        self._notebook = Notebook()
        self.watched: Callable[[Answer], Answer] = self._notebook.watched
        self._tally = Tally()
        folder = settings.BROADSIDE_PAGES_FOLDER
        self._nginx_log = NginxLog(folder) if folder else None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Count from now on, until the process ends."""
        # Processes of the web server don't run `atexit` functions, but they run these.
        Finalize(None, self._end, exitpriority=1)
        threading.Thread(target=self._run, daemon=True, name="readers").start()

    def _run(self) -> None:
        while True:
            self._notebook.is_full_enough.wait(_INTERVAL)
            self._try_to_record()

    def _end(self) -> None:
        self._try_to_record()
        if self._nginx_log:
            # Other processes create the folder again. If there are none, nginx must not go on writing.
            self._nginx_log.close()

    def _try_to_record(self) -> None:
        close_old_connections()
        try:
            self.record()
        except (DatabaseError, OSError) as error:
            # The counts are kept in memory, and stored the next time.
            _log.warning("Readings could not be counted. %s", error)
        finally:
            close_old_connections()

    def record(self) -> None:
        """Count the readings noted since the last time, and store the counts. Raises DatabaseError and OSError."""
        with self._lock:
            readings = self._notebook.take()
            if not (readings or self._tally or self._nginx_log):
                return
            site = SiteSettings.remembered()
            if not ReaderSettings.of(site).count_readers:
                self._tally.clear()
                if self._nginx_log:
                    self._nginx_log.close()
                return
            today, version = timezone.localdate(), site.entries_version
            try:
                for reading in readings:
                    self._tally.add(reading, today, version)
                if self._nginx_log:
                    self._nginx_log.open()
                    for day, reading in self._nginx_log.take():
                        self._tally.add(reading, day, version)
            finally:
                # The cache contains user agents, which must not be kept for longer.
                is_bot.cache_clear()
            if self._tally:
                with inside_the_gate() as may_write:
                    if may_write:
                        store(self._tally)
                        self._tally.clear()
