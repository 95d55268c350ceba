"""Known vulnerabilities of the installed libraries.

By default, they come from a list in OSV format that the owner has downloaded, without any request. If the owner asks
for it, they come from PyPI, which then learns what is installed, but not on which site.
Sources: ossf.github.io/osv-schema; docs.pypi.org, "JSON API".
"""

import datetime as dt
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from core.dates import time_since
from core.file_errors import describe_file_error
from core.http import FetchError, HTTPClient
from operations.checks.diagnoses import CheckOptions, Diagnosis

# When a list is too old to be useful.
_OLD: Final = dt.timedelta(days=31)
# In bytes. Records are much smaller, except for a few that list thousands of versions.
_MAX_RECORD: Final = 4 * 2**20
_PYPI: Final = "pypi.org"


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """A vulnerability of an installed library. `fixed_in` is the lowest version without it, if there is one."""

    name: str
    version: str
    identifier: str
    fixed_in: str = ""

    def __str__(self) -> str:
        fixed = _("fixed in %s") % self.fixed_in if self.fixed_in else _("not fixed yet")
        return f"{self.name} {self.version} ({self.identifier}, {fixed})"


def vulnerabilities(options: CheckOptions) -> Iterator[Diagnosis]:
    """Look up the installed versions in a list or on PyPI. Yield nothing if there is no list and PyPI isn't wanted."""
    path = Path(options.advisories) if options.advisories else settings.DATA_DIR / "advisories.zip"
    installed = installed_versions()
    if options.online:
        try:
            found = list(ask_pypi(installed))
        except FetchError as error:
            yield Diagnosis.warning(
                _("PyPI could not be queried for vulnerabilities: %s") % error,
                _("Try again later, or download a list, as docs/maintaining.md describes."),
            )
            return
    elif options.advisories or path.exists():
        try:
            found = list(look_up(read_advisories(path), installed))
            written = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
        except (OSError, zipfile.BadZipFile) as error:
            reason = describe_file_error(error, path) if isinstance(error, OSError) else error
            yield Diagnosis.warning(
                _("The list of vulnerabilities can't be read: %s") % reason,
                _("Download it again, as docs/maintaining.md describes."),
            )
            return
        if written < dt.datetime.now(dt.UTC) - _OLD:
            yield Diagnosis.warning(
                _("The list of vulnerabilities is %s old.") % time_since(written),
                _("Download it again, as docs/maintaining.md describes, or run “manage.py doctor --online”."),
            )
    else:
        return
    if found:
        yield Diagnosis.problem(
            _("Installed libraries have known vulnerabilities: %s.") % "; ".join(map(str, found)),
            _("Upgrade Broadside, as docs/maintaining.md describes. If it is the newest version, ask its authors."),
        )
    else:
        yield Diagnosis.ok(_("None of the %d libraries has a known vulnerability.") % len(installed))


def installed_versions() -> dict[str, str]:
    """Return the versions of all installed libraries, by their normalised names (PEP 503)."""
    return {canonicalize_name(each.name): each.version for each in distributions() if each.name}


def ask_pypi(installed: dict[str, str]) -> Iterator[Vulnerability]:
    """Yield what PyPI knows about these versions. Raises FetchError."""
    client = HTTPClient(hosts={_PYPI}, timeout=10, deadline=20)
    for name, version in sorted(installed.items()):
        file = io.BytesIO()
        try:
            client.download(f"https://{_PYPI}/pypi/{name}/{version}/json", file, max_bytes=_MAX_RECORD)
        except FetchError as error:
            if error.is_gone:
                # It was not installed from PyPI.
                continue
            raise
        for known in _parse(file.getvalue()).get("vulnerabilities") or ():
            if not known.get("withdrawn"):
                yield Vulnerability(name, version, str(known.get("id")), _lowest(known.get("fixed_in") or (), version))


def read_advisories(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records in an archive of JSON files. Raises OSError or BadZipFile."""
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.filename.endswith(".json") and info.file_size <= _MAX_RECORD:
                yield _parse(archive.read(info))


def look_up(advisories: Iterable[dict[str, Any]], installed: dict[str, str]) -> Iterator[Vulnerability]:
    """Yield the vulnerabilities of these versions among the records, each once per library."""
    for advisory in advisories:
        if advisory.get("withdrawn"):
            continue
        for affected in advisory.get("affected") or ():
            package = affected.get("package") or {}
            name = canonicalize_name(str(package.get("name", "")))
            version = installed.get(name)
            if package.get("ecosystem") == "PyPI" and version and _is_affected(affected, version):
                events = [event for each in affected.get("ranges") or () for event in each.get("events") or ()]
                fixed = _lowest([event["fixed"] for event in events if "fixed" in event], version)
                yield Vulnerability(name, version, str(advisory.get("id")), fixed)
                break


def _is_affected(affected: dict[str, Any], version: str) -> bool:
    """Return whether a version is listed or in one of the ranges. Source: OSV schema, "Evaluation"."""
    if version in (affected.get("versions") or ()):
        return True
    installed = _version(version)
    ranges = [each for each in affected.get("ranges") or () if each.get("type") == "ECOSYSTEM"]
    return installed is not None and any(_is_in_range(each.get("events") or (), installed) for each in ranges)


def _is_in_range(events: Iterable[dict[str, str]], installed: Version) -> bool:
    lowest = Version("0.dev0")
    dated = []
    for event in events:
        for kind, value in event.items():
            at = lowest if value == "0" else _version(value)
            if at is not None and kind in {"introduced", "fixed", "last_affected"}:
                dated.append((at, kind))
    is_affected = False
    for at, kind in sorted(dated):
        if kind == "introduced" and installed >= at:
            is_affected = True
        elif (kind == "fixed" and installed >= at) or (kind == "last_affected" and installed > at):
            is_affected = False
    return is_affected


def _lowest(versions: Iterable[str], installed: str) -> str:
    """Return the lowest version above the installed one; empty if there is none."""
    known = [version for each in versions if (version := _version(str(each))) is not None]
    current = _version(installed)
    return str(min((each for each in known if current is None or each > current), default=""))


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _parse(data: bytes) -> dict[str, Any]:
    """Parse a JSON object. Return an empty one for anything else."""
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
