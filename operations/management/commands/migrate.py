"""`manage.py migrate`: Django's command, except that on PostgreSQL it never blocks other queries for long."""

import time
from typing import Any, Final

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.database import lock_timeout

# How long a change to a table waits for its lock. Until then, new queries of the table queue behind it.
_LOCK_TIMEOUT: Final = "2s"
# The number of attempts, and the longest pause between them in seconds: about five minutes in total.
_ATTEMPTS: Final = 30
_LONGEST_PAUSE: Final = 8
# PostgreSQL's codes for a lock that was not available, and for a deadlock.
_PASSING: Final = {"55P03", "40P01"}


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        if connection.vendor != "postgresql":
            super().handle(*args, **options)
            return
        for attempt in range(_ATTEMPTS):
            try:
                with lock_timeout(connection, _LOCK_TIMEOUT):
                    super().handle(*args, **options)
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", None) not in _PASSING:
                    raise
                # Each migration is a transaction or can be repeated. The ones before it stay applied.
                if attempt < _ATTEMPTS - 1:
                    pause = min(2**attempt, _LONGEST_PAUSE)
                    text = ngettext(
                        "Something else is using the table. Trying again in %d second.",
                        "Something else is using the table. Trying again in %d seconds.",
                        pause,
                    )
                    self.stderr.write(text % pause)
                    time.sleep(pause)
            else:
                return
        raise CommandError(
            _(
                "The database was never free for the next change, so it is not complete. Stop anything that takes "
                "long, such as an import, a backup or a manual query. Then run the command again: it continues from "
                "here."
            )
        )
