"""Documents that were stored before there was a cleaner for them are cleaned after an upgrade."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.test import Client

from core.changes import content_version
from media import recleaning, tasks
from media.apps import _clean_after_upgrade
from media.documents import store_document
from media.models import CLEANERS_VERSION, Document
from media.recleaning import Recleaning, clean_again, due_documents
from media.sandbox import clean_in_sandbox
from media.storage import StorageUnavailableError
from tests.factories import UserFactory
from tests.factories.containers import avi
from tests.factories.files import PDF, SAMPLES, pdf_file
from tests.factories.hostile_files import CLEANED, reveals
from tests.factories.revealing_files import docx, emf, packed, revealing_image
from tests.factories.types import Work

pytestmark = pytest.mark.django_db


def store_before(content: bytes, name: str, **values: Any) -> Document:
    """Store a document as an earlier version did."""
    return Document.objects.create(file=ContentFile(content, name=name), cleaned_with=0, **values)


def content_of(document: Document) -> bytes:
    with Document.objects.get(pk=document.pk).file.open() as file:
        return bytes(file.read())


def run(**options: Any) -> str:
    stdout = io.StringIO()
    call_command("clean_media", stdout=stdout, stderr=io.StringIO(), **options)
    return stdout.getvalue()


class TestCleaningAgain:
    @pytest.mark.parametrize("case", ["a PDF", "a Word file", "a video", "an MP3"])
    def test_removes_metadata_and_keeps_the_url(self, case: str) -> None:
        content, name = CLEANED[case]
        document = store_before(content, name)
        url = document.file.url
        assert clean_again(document) is Recleaning.CLEANED
        after = Document.objects.get()
        assert not reveals(content_of(document))
        assert (after.file.url, after.cleaned_with, after.uncleaned_because) == (url, CLEANERS_VERSION, "")
        assert after.size == len(content_of(document))

    @pytest.mark.parametrize("name", ["a.zip", "a.docx", "a.rtf"])
    def test_removes_metadata_in_images_that_the_first_cleaners_left(self, name: str) -> None:
        image = revealing_image("TIFF")
        content = {
            "a.zip": packed({"a.tif": image}),
            "a.docx": docx(**{"word/media/image2.jpeg": image}),
            "a.rtf": rb"{\rtf1 Text {\pict\emfblip " + emf().hex().encode() + b"}}",
        }[name]
        document = store_before(content, name)
        Document.objects.update(cleaned_with=1)
        assert reveals(content_of(document))
        tasks.clean_due_documents.func(0)
        assert not reveals(content_of(document))

    def test_a_clean_document_stays_as_it_is(self) -> None:
        document = store_document(pdf_file())
        path = Path(document.file.path)
        Document.objects.update(cleaned_with=0)
        before, version = path.stat().st_mtime_ns, content_version()
        assert clean_again(Document.objects.get()) is Recleaning.UNCHANGED
        assert (path.stat().st_mtime_ns, content_version()) == (before, version)
        assert not due_documents().exists()

    def test_a_document_that_was_cleaned_by_a_process_that_was_killed_gets_its_size(self) -> None:
        document = store_document(pdf_file())
        Document.objects.update(cleaned_with=0, size=1)
        assert clean_again(Document.objects.get()) is Recleaning.UNCHANGED
        assert Document.objects.get().size == document.size

    def test_a_document_that_cannot_be_cleaned_is_kept_with_the_reason(self) -> None:
        document = store_before(SAMPLES[".doc"], "a.doc")
        assert clean_again(document) is Recleaning.IMPOSSIBLE
        after = Document.objects.get()
        assert content_of(document) == SAMPLES[".doc"]
        assert after.uncleaned_because.startswith("Names and places can't be removed from “.doc” files.")
        assert not due_documents().exists()

    def test_a_video_that_would_be_refused_now_is_kept_with_the_reason(self) -> None:
        content = avi(b"Qx9?", b"images")
        document = store_before(content, "a.avi")
        assert clean_again(document) is Recleaning.IMPOSSIBLE
        after = Document.objects.get()
        assert content_of(document) == content
        assert "can't be cleaned: “Qx9?”" in after.uncleaned_because
        assert not due_documents().exists()

    def test_a_document_that_is_replaced_while_it_is_cleaned_is_left_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        document = store_before(*CLEANED["a PDF"])
        clean = clean_in_sandbox

        def replace_first(*args: Any) -> Any:
            Document.objects.get().replace_file(ContentFile(b"New", name="a.pdf"))
            return clean(*args)

        monkeypatch.setattr(recleaning, "clean_in_sandbox", replace_first)
        assert clean_again(document) is Recleaning.GONE
        assert content_of(document) == b"New"

    def test_a_document_whose_file_is_missing_is_no_longer_due(self) -> None:
        document = store_before(PDF, "a.pdf")
        document.file.storage.delete(str(document.file.name))
        clean_again(document)
        assert not due_documents().exists()

    def test_on_a_full_disk_the_document_is_kept_and_stays_due(self, monkeypatch: pytest.MonkeyPatch) -> None:
        document = store_before(*CLEANED["a PDF"])

        def full(*args: Any) -> Any:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(recleaning, "clean_in_sandbox", full)
        clean_again(document)
        assert content_of(document) == CLEANED["a PDF"][0]
        assert due_documents().exists()

    def test_deleted_documents_are_cleaned_because_they_can_be_restored(self) -> None:
        store_before(*CLEANED["a PDF"], deleted_at="2026-11-26T00:00:00Z")
        assert due_documents().exists()


class TestCommand:
    def test_cleans_all_and_lists_those_that_cannot_be_cleaned(self) -> None:
        documents = [store_before(*CLEANED["a PDF"]), store_before(PDF.replace(b"99 99", b"98 98"), "b.pdf")]
        store_before(SAMPLES[".doc"], "old.doc")
        text = run()
        assert "2 documents were cleaned." in text
        assert "1 document can't be cleaned and is published as it is." in text
        assert "old.doc: Names and places can't be removed" in text
        assert not any(reveals(content_of(document)) for document in documents)

    def test_does_nothing_the_second_time(self) -> None:
        store_before(*CLEANED["a PDF"])
        run()
        version = content_version()
        assert "0 documents were cleaned." in run()
        assert content_version() == version

    def test_can_clean_all_again(self) -> None:
        store_document(pdf_file())
        assert "1 document was already clean." in run(all=True)

    def test_continues_after_an_interruption(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for _number in range(3):
            store_before(*CLEANED["a PDF"])
        clean, left = clean_in_sandbox, iter(range(2))

        def interrupt(*args: Any) -> Any:
            if next(left, None) is None:
                raise KeyboardInterrupt
            return clean(*args)

        with monkeypatch.context() as patched:
            patched.setattr(recleaning, "clean_in_sandbox", interrupt)
            with pytest.raises(CommandError, match="Interrupted"):
                run()
        assert due_documents().count() == 1
        assert "1 document was cleaned." in run()

    def test_ends_if_the_storage_does_not_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        store_before(PDF, "a.pdf")

        def fail(*args: Any) -> Any:
            raise StorageUnavailableError("down")

        monkeypatch.setattr(recleaning, "clean_in_sandbox", fail)
        with pytest.raises(CommandError, match="Run it again"):
            run()
        assert due_documents().exists()


class TestWorker:
    def test_cleans_after_an_upgrade(self, work: Work) -> None:
        document = store_before(*CLEANED["a PDF"])
        _clean_after_upgrade()
        _clean_after_upgrade()
        work()
        assert not reveals(content_of(document))

    def test_has_nothing_to_do_without_old_documents(self, django_assert_num_queries: Any) -> None:
        store_document(pdf_file())
        with django_assert_num_queries(1):
            tasks.schedule_cleaning()

    def test_gives_other_tasks_their_turn(self, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
        store_before(*CLEANED["a PDF"])
        monkeypatch.setattr(tasks, "_TURN", -1)
        tasks.clean_due_documents.func(0)
        monkeypatch.undo()
        assert due_documents().exists()
        work()
        assert not due_documents().exists()


class TestDashboard:
    def test_lists_documents_that_are_due_and_those_that_cannot_be_cleaned(self, client: Client) -> None:
        client.force_login(UserFactory(is_staff=True, is_superuser=True))
        store_before(PDF, "a.pdf")
        clean_again(store_before(SAMPLES[".doc"], "a.doc"))
        page = client.get("/admin/").content.decode()
        assert "1 document has not been cleaned" in page
        assert "/admin/media/document/?cleaned=no" in page
        listed = client.get("/admin/media/document/?cleaned=no").content.decode()
        assert "a.doc" in listed
        assert "a.pdf" not in listed

    def test_the_page_of_a_document_gives_the_reason(self, client: Client) -> None:
        client.force_login(UserFactory(role="Editor"))
        document = store_before(SAMPLES[".doc"], "a.doc")
        clean_again(document)
        page = client.get(f"/admin/media/document/{document.pk}/change/").content.decode()
        assert "removed from “.doc” files" in page

    def test_replacing_the_file_clears_the_reason(self) -> None:
        document = store_before(SAMPLES[".doc"], "a.doc")
        clean_again(document)
        Document.objects.get().replace_file(ContentFile(b"New", name="a.doc"))
        assert Document.objects.get().uncleaned_because == ""
