"""Upgrading to another release.

Readers are served all the time. A copy of the database is migrated twice: first while the site runs as always, to see
whether it works and how long it takes, and then while nothing can be written. The second copy replaces the database in
one step. Until then, the site is unchanged. Afterwards, the site is switched to the new release, and if that doesn't
answer, both are reverted.
"""

import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from releases.archives import Source
from releases.database import DatabaseUpgrade
from releases.errors import UpgradeError
from releases.layout import Layout
from releases.preparing import prepare
from releases.programs import Account, Release, say
from releases.site import Site
from releases.versions import order


def upgrade(layout: Layout, account: Account, source: Source, site: Site, *, with_backup: bool) -> None:
    """Upgrade a site. If this raises UpgradeError or KeyboardInterrupt, the site is unchanged.

    If it is killed, running it again finishes the upgrade.
    """
    before = layout.current_version()
    if not before:
        raise UpgradeError(f"Nothing is installed in {layout.root}. For the first release, use “install”.")
    started = time.monotonic()
    with source.obtain() as archive:
        version = archive.version
        if order(version) < order(before):
            raise UpgradeError(
                f"Version {version} is older than {before}, which is in use, and can't read its database. To go back, "
                "restore the backup that was made before the upgrade, as docs/backups.md describes. "
                "Nothing was changed."
            )
        release = prepare(layout, archive)
    if version == before:
        say(f"Version {version} is already in use. Checking that it is complete …")
    elif with_backup:
        say("Making a backup …")
        Release(layout.release(before)).manage(account, "backup")
    say("Trying the migration and the new version on a copy of the database …")
    failure = f"Version {version} does not work with a copy of the database (see above). Nothing was changed."
    release.manage(account, "upgrade_database", "--rehearse", f"--patience={site.patience}", failure=failure)
    _switch(layout, account, site, before, version)
    removed = layout.remove_old()
    if removed:
        say(f"Removed from {layout.root / 'releases'}: {', '.join(removed)}.")
    say(f"Version {version} is in use, {time.monotonic() - started:.0f} seconds after the start.")


def _switch(layout: Layout, account: Account, site: Site, before: str, version: str) -> None:
    """Migrate the database and switch to the new release, or revert both."""
    say("Updating the site. Readers can keep using it; comments and changes have to wait …")
    token = secrets.token_urlsafe(24)
    is_running = site.is_running()
    with DatabaseUpgrade(layout, Release(layout.release(version)), account, token) as database:
        database.wait_until_replaced()
        with _uninterrupted():
            layout.switch(version)
            if is_running:
                try:
                    site.reload()
                    site.wait_until_ready(version, token)
                except UpgradeError as error:
                    say(f"{error} Going back to version {before} …")
                    _go_back(layout, site, database, before)
                    raise UpgradeError(f"{error} The site is unchanged, with version {before}.") from error
            else:
                say("The site is not running, so it was only tested whether it can start. Start it now.")
            database.keep()


def _go_back(layout: Layout, site: Site, database: DatabaseUpgrade, before: str) -> None:
    layout.switch(before)
    try:
        database.undo()
    finally:
        site.reload()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ignore signals during the block, which takes a moment and can't be left half done."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)
