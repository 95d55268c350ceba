#!/usr/bin/env python3
"""Install a release of Broadside, or upgrade a site to it: `upgrade.py install|upgrade ARCHIVE`.

It needs nothing but Python 3.11.4, because it runs before the packages of the release are installed.
docs/maintaining.md ("Upgrading") describes what it does; the code is in `releases`.
"""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from releases.archives import DEFAULT_SIGNERS, Source
from releases.errors import UpgradeError
from releases.installing import install
from releases.layout import Layout
from releases.programs import Account
from releases.site import Site
from releases.upgrading import upgrade

ROOT = Path("/srv/broadside")
SETTINGS = Path("/etc/broadside/settings")
USER = "broadside"
# Unlike “systemctl reload”, it doesn't wait: whether the new version answers is checked afterwards.
RELOAD = "systemctl kill --signal=HUP --kill-whom=main broadside"
# The exit status after Ctrl-C in a shell.
INTERRUPTED = 130


def main() -> int:
    options = _parse()
    # A lost connection or a system shutdown ends it in the same way as Ctrl-C.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    os.umask(0o022)
    try:
        layout = Layout(options.root.absolute(), options.settings.absolute())
        account = Account.named(options.user)
        source = Source(options.archive, options.signers, is_unsigned_allowed=options.unsigned)
        with layout.locked():
            if options.command == "install":
                install(layout, account, source)
            else:
                site = Site(options.address, options.reload, options.patience)
                upgrade(layout, account, source, site, with_backup=not options.without_backup)
    except UpgradeError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The site is unchanged. Run the command again whenever you like.", file=sys.stderr)
        return INTERRUPTED
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Installs a release of Broadside, or upgrades a site to it.")
    parser.add_argument("command", choices=["install", "upgrade"])
    parser.add_argument("archive", help="broadside-VERSION.tar.gz: a file, or a URL that starts with https://")
    default = "(default: %(default)s)"
    parser.add_argument("--root", type=Path, default=ROOT, help=f"where releases are installed {default}")
    parser.add_argument("--settings", type=Path, default=SETTINGS, help=f"the settings of the site {default}")
    parser.add_argument("--signers", type=Path, default=DEFAULT_SIGNERS, help=f"who may sign releases {default}")
    parser.add_argument(
        "--unsigned", action="store_true", help="install a download even if its signature can't be checked"
    )
    parser.add_argument("--user", default=USER, help=f"the user that the site runs as, if you are root {default}")
    parser.add_argument(
        "--address", default="127.0.0.1:8000", help=f"where the site listens, or the path of its socket {default}"
    )
    parser.add_argument("--reload", default=RELOAD, help=f"the command that replaces its processes {default}")
    parser.add_argument(
        "--patience", type=float, default=120, help=f"how many seconds the new version has to respond {default}"
    )
    parser.add_argument("--without-backup", action="store_true", help="make no backup first (BACKUP_URL)")
    return parser.parse_args()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
