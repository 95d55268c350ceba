"""The first installation of a site."""

from releases.archives import Source
from releases.errors import UpgradeError
from releases.layout import Layout
from releases.preparing import check_settings, prepare
from releases.programs import Account, say


def install(layout: Layout, account: Account, source: Source) -> None:
    """Install a release where there is none. Raises UpgradeError. Can be interrupted and run again."""
    if version := layout.current_version():
        raise UpgradeError(
            f"Version {version} is already installed in {layout.root}. To switch to another version, use “upgrade”."
        )
    check_settings(layout)
    with source.obtain() as archive:
        release = prepare(layout, archive)
    say("Preparing the database …")
    release.manage(account, "migrate", "--no-input", "--verbosity=0")
    release.manage(account, "check", "--database=default")
    layout.switch(archive.version)
    say(f"Broadside {archive.version} is installed in {layout.current}.")
