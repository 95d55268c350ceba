"""Notes of files that are being stored, replaced or deleted. `tests.operations.test_kills` kills their processes."""

import pytest
from django.conf import settings

from media import unfinished
from media.documents import store_document
from tests.factories.files import pdf_file

pytestmark = pytest.mark.django_db(transaction=True)


def test_nothing_is_left_of_the_note_of_a_file_that_was_stored() -> None:
    store_document(pdf_file())
    assert list(settings.BROADSIDE_UNFINISHED_DIR.iterdir()) == []


def test_notes_that_another_user_of_the_machine_made_do_not_keep_the_site_from_starting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.BROADSIDE_UNFINISHED_DIR.mkdir(parents=True)
    (settings.BROADSIDE_UNFINISHED_DIR / "note").write_text("{}")

    def refuse(*args: object) -> None:
        raise PermissionError

    monkeypatch.setattr(unfinished, "_read", refuse)
    unfinished.finish()
    assert "can't be looked for" in caplog.text
