"""Verify an import: does this site answer every URL of an export with what was there?"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wordpress.verifying.expectations import Expectations, is_checked, is_public, read_expectations, read_records
from wordpress.verifying.site_checker import SiteChecker, SiteProblem
from wordpress.verifying.site_client import SiteClient
from wordpress.wxr.records import Item


@dataclass(slots=True)
class Verification:
    """The result so far. `missing_files` are those of attachments; until they are imported, the old site has them."""

    checked: int = 0
    problems: list[SiteProblem] = field(default_factory=list)
    missing_files: list[SiteProblem] = field(default_factory=list)


def verify(
    paths: Iterable[Path],
    client: SiteClient,
    result: Verification,
    *,
    now: dt.datetime,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Request everything that the exports contain. `result` is updated as it goes, in case this is interrupted.

    `now` is on the clock of the old site. Raises InvalidExportError.
    """
    paths = list(paths)
    expected = read_expectations(paths, now)
    for problems, missing_files in _check_all(paths, SiteChecker(client, expected), expected, now):
        result.problems += list(problems)
        result.missing_files += list(missing_files)
        result.checked += 1
        progress(result.checked, expected.total)


def _check_all(
    paths: list[Path], checker: SiteChecker, expected: Expectations, now: dt.datetime
) -> Iterator[tuple[Iterable[SiteProblem], Iterable[SiteProblem]]]:
    """Return the problems and the missing files of one item after the other."""
    yield checker.check_site_feed(), ()
    for login, name in expected.authors.items():
        yield checker.check_author(login, name), ()
    for (taxonomy, _slug), (exported_slug, name) in expected.terms.items():
        yield checker.check_term(taxonomy, exported_slug, name), ()
    for record in read_records(paths):
        if not isinstance(record, Item) or not is_checked(record):
            continue
        if record.type == "attachment":
            yield (), checker.find_missing_files(record)
        elif is_public(record, now):
            yield checker.check_public_entry(record), ()
        else:
            yield checker.check_hidden_entry(record), ()
