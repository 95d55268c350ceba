"""A database connection that fails immediately while the server is known to be down.

Finding out that a server is down may take seconds. If each request did so, a few would block all threads of this
process, and it could not even send error pages, or responses that need no database.
"""

import time
from typing import Any, Final

from django.db.backends.postgresql import base
from psycopg import OperationalError

# In seconds. After a failure that took longer than SLOW, only one thread tries again, once per PAUSE.
SLOW: Final = 0.5
PAUSE: Final = 2

# By database: when its server may be tried again, in seconds of the monotonic clock, and the pool's count of failed
# connections when it was last checked. Shared by all threads.
_away_until: dict[str, float] = {}
_seen_failures: dict[str, int] = {}


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection. Raises OperationalError immediately if another thread has just failed to connect."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        started = time.monotonic()
        if self.alias in _away_until:
            if started < _away_until[self.alias]:
                raise OperationalError("The server did not answer a moment ago.")
            # Until this attempt is over, the other threads fail immediately.
            _away_until[self.alias] = started + PAUSE + conn_params.get("connect_timeout", 0)
        try:
            connection = super().get_new_connection(conn_params)
        except OperationalError:
            failed = time.monotonic()
            if failed - started > SLOW and self._has_failed_to_connect():
                _away_until[self.alias] = failed + PAUSE
            raise
        _away_until.pop(self.alias, None)
        return connection

    def _has_failed_to_connect(self) -> bool:
        """Return whether the server is to blame, and not a pool whose connections are all in use."""
        if not self.pool:
            return True
        failures = self.pool.get_stats().get("connections_errors", 0)
        has_failed: bool = failures > _seen_failures.get(self.alias, 0)
        _seen_failures[self.alias] = failures
        return has_failed
