"""Which documents are accepted, and what their files are called."""

import re
from pathlib import PurePath

import pytest
from django.core.exceptions import ValidationError

from media import documents
from media.documents import clean_document, store_document
from media.models import Document
from tests.factories import UserFactory
from tests.factories.files import PDF, pdf_file


class TestNames:
    @pytest.mark.parametrize(
        ("name", "safe_name"),
        [
            ("A-HRC-21-18_en.pdf", "a-hrc-21-18_en.pdf"),
            ("Annual Report (2019).PDF", "annual-report-2019.pdf"),
            ("Défenseurs des droits.pdf", "defenseurs-des-droits.pdf"),
            ("تقرير.pdf", "تقرير.pdf"),
            ("page.html", "page.pdf"),
            ("x.pdf.html", "x-pdf.pdf"),
            ("🎉.pdf", "document.pdf"),
            ("a" * 300 + ".pdf", "a" * 80 + ".pdf"),
        ],
    )
    def test_are_safe_and_resemble_the_original_names(self, name: str, safe_name: str) -> None:
        assert clean_document(pdf_file(name=name)).name == safe_name

    def test_a_clean_name_is_kept(self) -> None:
        once = clean_document(pdf_file()).read()
        assert clean_document(pdf_file(once)).read() == once


class TestInvalidDocuments:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"words",
            b"<script>alert(1)</script>%%EOF",
            PDF[:-8],
            b"words\n" + PDF,
            b"PK\x03\x04%%EOF",
            PDF[:20] + b"%%EOF",
        ],
        ids=["empty", "text", "html", "cut off", "something in front", "zip", "no pages"],
    )
    def test_files_that_are_not_pdf_are_rejected(self, content: bytes) -> None:
        with pytest.raises(ValidationError, match=r"is incomplete, or not of the type|damaged"):
            clean_document(pdf_file(content))

    def test_files_that_are_too_large_are_rejected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(documents, "MAX_BYTES", len(PDF) - 1)
        with pytest.raises(ValidationError, match=f"larger than {len(PDF) - 1}"):
            clean_document(pdf_file())


@pytest.mark.django_db
class TestStoring:
    def test_stores_the_size_and_the_uploader(self) -> None:
        amina = UserFactory()
        store_document(pdf_file(name="Our report.pdf"), by=amina)
        document = Document.objects.get()
        assert (document.title, document.size, document.uploaded_by) == ("Our report", document.file.size, amina)
        assert str(document.file.name).endswith("/our-report.pdf")

    def test_the_url_cannot_be_guessed_before_it_is_published(self) -> None:
        first, second = store_document(pdf_file()), store_document(pdf_file())
        assert PurePath(str(first.file.name)).name == PurePath(str(second.file.name)).name
        assert re.fullmatch(r"documents/[0-9]{4}/[0-9]{2}/[0-9a-f]{12}/[^/]+\.pdf", str(first.file.name))
        assert first.file.name != second.file.name

    def test_a_second_file_with_the_same_name_does_not_replace_the_first(self) -> None:
        first, second = store_document(pdf_file()), store_document(pdf_file())
        assert first.file.name != second.file.name
        assert str(second.file.name).endswith(".pdf")

    def test_the_title_can_be_changed_if_the_file_is_missing(self) -> None:
        document = store_document(pdf_file())
        document.file.storage.delete(str(document.file.name))
        document.title = "Lost"
        document.save()
        assert Document.objects.get().size == document.size
