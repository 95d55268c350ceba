"""A warning if many of the posts and pages that were public on the old site would be hidden here."""

import pytest

from tests.factories.types import ImportParts
from tests.factories.wxr import item, page

pytestmark = pytest.mark.django_db

UNDATED = {"post_date": "", "post_date_gmt": ""}
START = "Readers will not see"


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (UNDATED, "It has no date and therefore no URL, so it is a draft. (2)"),
        ({"status": ""}, "The export does not say whether it was public, so it is a draft. (2)"),
        (
            {"status": "visible"},
            "Its status “visible” is unknown, so it is a draft. The status is kept and exported again. (2)",
        ),
        ({"post_date": "2199-01-01 00:00:00"}, "Its date is in the future, so it is scheduled. (2)"),
        ({"post_password": "x"}, "It has a password, so readers see a form in place of its content. (2)"),
        ({"content": "x" * 3_000_000}, "(2)"),
    ],
)
def test_the_warning_comes_first_and_names_the_reasons(
    import_parts: ImportParts, values: dict[str, str], reason: str, dry_run: bool
) -> None:
    report = import_parts(item(7, **values), item(8, **values), item(9), page(20), dry_run=dry_run, version="9.9")
    assert report.warnings[0].startswith(f"{START} 2 of the 4 posts and pages that were public on the old site.")
    assert reason in report.warnings[0]


@pytest.mark.parametrize(("hidden", "is_warning"), [(1, False), (2, True)])
def test_the_warning_appears_if_more_than_a_tenth_is_hidden(
    import_parts: ImportParts, hidden: int, is_warning: bool
) -> None:
    parts = [item(n, **(UNDATED if n < hidden else {})) for n in range(10)]
    assert bool(import_parts(*parts).warnings) is is_warning


@pytest.mark.parametrize("status", ["draft", "pending", "private", "trash", "future", "auto-draft", "inherit"])
def test_entries_that_were_not_public_do_not_count(import_parts: ImportParts, status: str) -> None:
    drafts = [item(n, status=status, post_password="x") for n in range(7, 10)]
    assert import_parts(*drafts, item(10), page(20)).warnings == []
