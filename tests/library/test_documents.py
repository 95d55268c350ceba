"""Which documents are let in, and under what name."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from library import documents
from library.documents import NotADocument, clean_document, store_document
from library.models import Document
from tests.factories import UserFactory

PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"


def upload(content: bytes = PDF, name: str = "report.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="application/pdf")


class TestNames:
    @pytest.mark.parametrize(
        ("given", "kept"),
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
    def test_name_is_safe_and_still_says_what_it_is(self, given: str, kept: str) -> None:
        assert clean_document(upload(name=given)).name == kept

    def test_content_is_left_as_it_is(self) -> None:
        assert clean_document(upload()).read() == PDF


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "content",
        [b"", b"words", b"<script>alert(1)</script>%%EOF", PDF[:-8], b"\n" + PDF, b"PK\x03\x04%%EOF"],
        ids=["empty", "text", "html", "cut off", "something in front", "zip"],
    )
    def test_no_pdf(self, content: bytes) -> None:
        with pytest.raises(NotADocument, match="not a PDF, or not a whole one"):
            clean_document(upload(content))

    def test_too_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(documents, "MAX_BYTES", 50)
        with pytest.raises(NotADocument, match="larger than 50"):
            clean_document(upload())


@pytest.mark.django_db
class TestTheLibrary:
    def test_document_is_stored_with_its_size_and_who_brought_it(self) -> None:
        amina = UserFactory()
        store_document(upload(name="Our report.pdf"), by=amina)
        document = Document.objects.get()
        assert (document.title, document.size, document.uploaded_by) == ("Our report", len(PDF), amina)
        assert str(document.file.name).endswith("/our-report.pdf")

    def test_second_of_a_name_does_not_take_the_place_of_the_first(self) -> None:
        first, second = store_document(upload()), store_document(upload())
        assert first.file.name != second.file.name
        assert str(second.file.name).endswith(".pdf")

    def test_title_can_be_changed_when_the_file_is_gone(self) -> None:
        document = store_document(upload())
        document.file.storage.delete(str(document.file.name))
        document.title = "Lost"
        document.save()
        assert Document.objects.get().size == len(PDF)
