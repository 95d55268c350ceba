"""Importing comments and their threads."""

import datetime as dt
from pathlib import Path

import pytest
from django.db import IntegrityError
from django.test import Client

from accounts.models import User
from blog.models import Page, Post
from comments.models import Block, Comment, Token
from tests.factories.reports import counted, first, remarks
from tests.factories.types import ImportParts
from tests.factories.wxr import comment, exported, item, items, meta, page
from wordpress.importing.steps import entries

pytestmark = pytest.mark.django_db


class TestComments:
    def test_all_fields_are_imported(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(
            item(
                7,
                inside=[
                    comment(
                        55,
                        author="Rosa &amp; friends",
                        author_url="https://rosa.example/?a=1&#038;b=2&section=3",
                        content="One <em>two</em>\n\nthree",
                        user_id=1,
                    )
                ],
            )
        )
        found = Comment.objects.get(pk=55)
        assert (found.name, found.website) == ("Rosa & friends", "https://rosa.example/?a=1&b=2&section=3")
        assert (found.email, found.status, found.kind) == ("rosa@example.org", "approved", "comment")
        assert found.created_at == dt.datetime(2014, 3, 2, 10, tzinfo=dt.UTC)
        assert found.user == User.objects.get(username="anna")
        assert found.is_html
        assert found.is_imported
        assert "<em>two</em>" in found.html
        page_html = client.get("/2014/03/01/post-7/").text
        assert 'id="comment-55"' in page_html
        assert "rosa@example.org" not in page_html

    @pytest.mark.parametrize("website", ["http://rosa@example.org", "Rosa@Example.org", "http://a:b@other.example"])
    def test_e_mail_addresses_in_the_field_for_the_website_are_left_out(
        self, import_parts: ImportParts, client: Client, website: str
    ) -> None:
        report = import_parts(
            item(7, inside=[comment(55, author_url=website), comment(56, author_url="http://a.example")])
        )
        assert [found.website for found in Comment.objects.order_by("pk")] == ["", "http://a.example"]
        assert "so it was left out" in first(report.notes).text
        shown = client.get("/2014/03/01/post-7/").text.lower()
        assert "rosa@" not in shown
        assert "b@other" not in shown

    def test_ip_addresses_are_not_stored(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[comment(55)]))
        assert "192.0.2.7" not in repr(list(Comment.objects.values()))

    def test_imported_comments_are_neither_moderated_nor_learned_from(self, import_parts: ImportParts) -> None:
        Block.objects.create(text="one", verdict="spam")
        import_parts(item(7, inside=[comment(55, content="One"), comment(56, content="Two", approved="spam")]))
        assert [(found.status, found.reasons) for found in Comment.objects.order_by("pk")] == [
            ("approved", []),
            ("spam", []),
        ]
        assert not Token.objects.exists()

    @pytest.mark.parametrize(
        ("exported", "status"),
        [("1", "approved"), ("0", "pending"), ("spam", "spam"), ("trash", "trash"), ("post-trashed", "trash")],
    )
    def test_statuses_are_mapped(self, import_parts: ImportParts, exported: str, status: str) -> None:
        report = import_parts(item(7, inside=[comment(1, approved=exported)]))
        assert Comment.objects.get().status == status
        assert not report.notes

    def test_comments_trashed_with_their_post_have_their_statuses_from_before(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        statuses = meta("_wp_trash_meta_comments_status", 'a:4:{i:1;s:1:"1";i:2;s:1:"0";i:3;s:4:"spam";i:9;s:1:"1";}')
        comments = [comment(number, approved="post-trashed") for number in (1, 2, 3, 4)]
        broken = meta("_wp_trash_meta_comments_status", "a:1:{i:5;")
        import_parts(
            item(7, status="trash", inside=[statuses, *comments, comment(9, approved="trash")]),
            item(8, status="trash", inside=[broken, comment(5, approved="post-trashed")]),
        )
        expected = {1: "approved", 2: "pending", 3: "spam", 4: "trash", 5: "trash", 9: "trash"}
        assert dict(Comment.objects.values_list("pk", "status")) == expected
        again = [each for found in items(exported(tmp_path)).values() for each in found.comments]
        assert {each.id: each.approved for each in again} == expected | {1: "1", 2: "0"}

    def test_comment_with_unknown_status_is_pending_and_noted(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, inside=[comment(1, approved="maybe")]))
        assert Comment.objects.get().status == "pending"
        assert "maybe" in remarks(report)[0]

    @pytest.mark.parametrize("kind", ["pingback", "trackback", "comment"])
    def test_known_types_become_kinds(self, import_parts: ImportParts, kind: str) -> None:
        import_parts(item(7, inside=[comment(1, type=kind)]))
        assert Comment.objects.get().kind == kind

    @pytest.mark.parametrize(
        ("exported", "kind"), [("review", "comment"), ("like", "comment"), ("webmention", "pingback")]
    )
    def test_types_of_plugins_become_ordinary_kinds_and_are_noted(
        self, import_parts: ImportParts, client: Client, exported: str, kind: str
    ) -> None:
        report = import_parts(item(7, inside=[comment(1, type=exported)]))
        assert Comment.objects.get().kind == kind
        assert f"of the type “{exported}”" in remarks(report)[0]
        assert 'id="comment-1"' in client.get("/2014/03/01/post-7/").text

    @pytest.mark.parametrize("kind", ["order_note", "note", "editorial-comment", "sensei_course_status"])
    def test_internal_notes_are_skipped_with_a_reason(self, import_parts: ImportParts, kind: str) -> None:
        report = import_parts(item(7, inside=[comment(1, type=kind)]))
        assert not Comment.objects.exists()
        assert f"internal note (“{kind}”)" in first(report.skipped).text

    def test_threads_are_rebuilt_in_any_order(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[comment(3, parent=2), comment(2, parent=1), comment(1)]))
        assert dict(Comment.objects.values_list("pk", "parent")) == {1: None, 2: 1, 3: 2}

    def test_threads_are_rebuilt_if_ids_are_not_numbers(self, import_parts: ImportParts) -> None:
        first_id, second_id = "5c7d1a2be4966b0001a2b3c4", "99999999999999999999"
        thread = [
            *(comment(second_id, parent=first_id, content="Reply"), comment(first_id, content="Start")),
            comment("x", parent=second_id, content="Answer"),
            comment("y", parent="z", content="Lost"),
        ]
        report = import_parts(item(7, inside=thread))
        parents = dict(Comment.objects.values_list("text", "parent__text"))
        assert parents == {"Start": None, "Reply": "Start", "Answer": "Reply", "Lost": None}
        assert "What it replies to is not among these comments" in "".join(remarks(report))
        assert not import_parts(item(7, inside=thread)).has_changes

    def test_missing_and_circular_parents_are_noted(self, import_parts: ImportParts) -> None:
        report = import_parts(
            item(7, inside=[comment(1, parent=99), comment(2, parent=3), comment(3, parent=2), comment(4, parent=4)]),
            item(8, inside=[comment(5, parent=1)]),
        )
        assert dict(Comment.objects.values_list("pk", "parent")) == {1: None, 2: None, 3: 2, 4: None, 5: None}
        assert len(report.notes) == 4

    def test_comment_count_includes_only_approved_comments(self, import_parts: ImportParts) -> None:
        inside = [comment(1), comment(2, type="pingback"), comment(3, approved="0"), comment(4, approved="spam")]
        import_parts(item(7, inside=inside), page(20, inside=[comment(5)]))
        assert Post.objects.get().comment_count == 2
        assert Page.objects.get().comment_count == 1

    def test_comments_on_skipped_items_are_counted_as_skipped(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, post_type="attachment", inside=[comment(1), comment(2)]))
        assert counted(report, "comment") == {"skipped": 2}

    def test_comments_on_an_entry_that_cannot_be_stored_are_skipped_in_all_parts(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(rows: object) -> None:
            raise IntegrityError("refused")

        monkeypatch.setattr(entries, "MAX_COMMENTS", 2)
        monkeypatch.setattr(entries, "insert", refuse)
        report = import_parts(item(7, inside=[comment(n) for n in range(1, 6)]))
        assert counted(report, "post") == {"skipped": 1}
        assert counted(report, "comment") == {"skipped": 5}

    def test_values_that_are_too_long_are_shortened_and_noted(self, import_parts: ImportParts) -> None:
        report = import_parts(
            item(7, inside=[comment(1, author="n" * 300, author_email="e" * 300, author_url="https://x/" + "u" * 600)])
        )
        found = Comment.objects.get()
        assert [len(text) for text in (found.name, found.email, found.website)] == [245, 254, 500]
        assert len(report.notes) == 3

    def test_invalid_email_address_is_kept(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[comment(1, author_email="not an address")]))
        assert Comment.objects.get().email == "not an address"

    def test_comment_whose_id_is_taken_gets_a_new_one_and_is_noted(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[comment(1, content="first")]))
        report = import_parts(item(8, inside=[comment(1, content="second"), comment(2, parent=1, content="answer")]))
        second = Comment.objects.get(text="second")
        assert second.pk > 2
        assert Comment.objects.get(text="answer").parent == second
        assert str(second.pk) in remarks(report)[0]

    def test_comments_without_ids_are_recognised_in_any_order(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(entries, "MAX_COMMENTS", 2)
        exported = [comment(0, content=f"Text {n}", author=f"Name {n // 2}") for n in range(6)]
        import_parts(item(inside=exported[1:]))
        before = set(Comment.objects.values_list("pk", "text"))
        assert not import_parts(item(inside=exported[1:])).has_changes
        import_parts(item(inside=exported))
        new = set(Comment.objects.values_list("pk", "text")) - before
        assert [text for _pk, text in new] == ["Text 0"]
        assert Comment.objects.count() == 6

    def test_comment_without_an_id_that_was_edited_here_is_not_imported_again(self, import_parts: ImportParts) -> None:
        import_parts(item(inside=[comment(0, content="A secret")]))
        Comment.objects.update(text="[removed]", name="Anonymous")
        import_parts(item(inside=[comment(0, content="A secret")]))
        assert Comment.objects.get().text == "[removed]"

    def test_equal_comments_without_ids_are_kept_apart(self, import_parts: ImportParts) -> None:
        twice = [comment(0, author_email=f"{name}@example.org") for name in ("a", "b")]
        import_parts(item(inside=twice))
        assert not import_parts(item(inside=twice)).has_changes
        assert Comment.objects.count() == 2

    def test_comment_without_a_date_gets_the_date_of_its_post(self, import_parts: ImportParts) -> None:
        none = "0000-00-00 00:00:00"
        report = import_parts(item(7, inside=[comment(1, date=none, date_gmt=none)]))
        assert Comment.objects.get().created_at == Post.objects.get().published_at
        assert "no date" in remarks(report)[0]
