"""Restrictions of categories and other terms keep their posts from becoming public."""

import io
from functools import partial
from itertools import permutations
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from blog.models import Category, Entry, Status
from tags.models import Tag
from tests.factories.types import GrowsWithLength, ImportParts
from tests.factories.wxr import category, export, exported, filed, item, items, meta, page, tag, term, write
from wordpress.importing.pipeline import import_export
from wordpress.importing.restrictions import Restrictions
from wordpress.wxr.access import restricts_term

pytestmark = pytest.mark.django_db

RESTRICTED = meta("memberful_acl", 'a:1:{s:12:"subscription";a:1:{i:0;i:7;}}', "term")


def statuses() -> dict[int, str]:
    return dict(Entry.objects.values_list("pk", "status"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("memberful_acl", 'a:1:{s:12:"subscription";a:1:{i:0;i:7;}}'),
        ("memberful_available_to_any_registered_user", "1"),
        ("wppb-content-restrict-user-status", "loggedin"),
        ("wppb-content-restrict-user-role", "subscriber"),
        ("um_content_restriction", 'a:2:{s:26:"_um_custom_access_settings";b:1;s:14:"_um_accessible";i:2;}'),
        ("rcp_restricted_meta", 'a:1:{s:9:"paid_only";s:1:"1";}'),
        ("rcp_restricted_meta", 'a:1:{s:13:"subscriptions";a:1:{i:0;i:3;}}'),
        ("rcp_restricted_meta", 'a:1:{s:12:"access_level";s:2:"10";}'),
        ("passster_activate_protection", "1"),
        ("visibility", "password"),
        ("visibility", "private"),
    ],
)
def test_posts_in_a_restricted_term_are_private(import_parts: ImportParts, key: str, value: str) -> None:
    restricting = meta(key, value, "term")
    report = import_parts(
        *(category("members", inside=restricting), tag("paid", inside=restricting)),
        *(term("topic", "inner", inside=restricting), category("news")),
        item(7, inside=[filed("category", "members"), filed("category", "news")]),
        item(8, inside=[filed("post_tag", "paid")]),
        item(9, inside=[filed("topic", "inner")]),
        item(10, inside=[filed("category", "news"), filed("post_tag", "members")]),
        item(11, status="draft", inside=[filed("category", "members")]),
        page(20, inside=[filed("category", "members")]),
    )
    assert statuses() == {7: "private", 8: "private", 9: "private", 10: "published", 11: "draft", 20: "private"}
    (text,) = {note.text for note in report.notes if note.kind == "post"}
    assert "Only subscribers or members could read it" in text
    assert "Only subscribers or members could read it or a part of it, so it is private" in report.warnings[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("memberful_acl", 'a:1:{s:12:"subscription";a:0:{}}'),
        ("wppb-content-restrict-user-status", ""),
        ("um_content_restriction", 'a:2:{s:26:"_um_custom_access_settings";b:0;s:14:"_um_accessible";i:2;}'),
        ("rcp_restricted_meta", 'a:1:{s:12:"access_level";s:4:"None";}'),
        ("rcp_restricted_meta", 'a:1:{s:12:"access_level";s:1:"0";}'),
        ("rcp_restricted_meta", 'a:1:{s:13:"subscriptions";a:0:{}}'),
        ("passster_activate_protection", "0"),
        ("visibility", "public"),
    ],
)
def test_posts_in_a_term_for_everyone_are_public(import_parts: ImportParts, key: str, value: str) -> None:
    import_parts(category("open", inside=meta(key, value, "term")), item(7, inside=[filed("category", "open")]))
    assert statuses() == {7: "published"}


@pytest.mark.parametrize(
    ("slug", "filed_under"),
    [("caf%c3%a9", filed("category", "caf%C3%A9")), ("members", filed("category", "", "For members"))],
)
def test_a_restricted_term_is_found_however_items_refer_to_it(
    import_parts: ImportParts, slug: str, filed_under: str
) -> None:
    import_parts(category(slug, "For members", inside=RESTRICTED), item(7, inside=[filed_under]))
    assert statuses() == {7: "private"}


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_order_in_the_export_does_not_matter(import_parts: ImportParts, order: tuple[int, ...]) -> None:
    parts = (
        *(category("top", inside=RESTRICTED), category("middle", parent="top"), category("below", parent="middle")),
        item(7, inside=[filed("category", "below")]),
    )
    import_parts(*(parts[index] for index in order))
    assert statuses() == {7: "private"}


def test_a_category_with_the_name_of_a_restricted_one_is_not_restricted(import_parts: ImportParts) -> None:
    import_parts(
        *(category("members", "News", inside=RESTRICTED), category("news", "News")),
        item(7, inside=[filed("category", "news", "News")]),
    )
    assert statuses() == {7: "published"}


def test_categories_that_are_above_each_other_are_restricted(import_parts: ImportParts) -> None:
    above_each_other = category("a", parent="b", inside=RESTRICTED), category("b", parent="a")
    import_parts(item(7, inside=[filed("category", "b")]), *above_each_other)
    assert statuses() == {7: "private"}


def test_a_restriction_in_any_of_several_files_counts(tmp_path: Path) -> None:
    inside = [filed("category", "members")]
    documents = [
        export(category("members"), item(7, inside=inside)),
        export(category("members", inside=RESTRICTED), item(8, inside=inside)),
        export(item(9, inside=inside)),
    ]
    import_export([write(tmp_path, document, f"{index}.xml") for index, document in enumerate(documents)])
    assert statuses() == {7: "private", 8: "private", 9: "private"}


class TestRules:
    @pytest.mark.parametrize(
        ("name", "plugin"),
        [
            ("memberpressrule", "MemberPress"),
            ("cc_restriction", "Content Control"),
            ("wc_membership_plan", "WooCommerce Memberships"),
            ("aam_policy", "Advanced Access Manager"),
        ],
    )
    @pytest.mark.parametrize("dry_run", [True, False])
    def test_the_first_warning_names_the_rules_of_a_plugin(
        self, import_parts: ImportParts, name: str, plugin: str, *, dry_run: bool
    ) -> None:
        rules = [item(pk, post_type=name, title=f"All &amp; {pk}") for pk in (30, 31)]
        report = import_parts(*rules, item(7, post_password="x"), dry_run=dry_run)
        assert (
            f"rules of the plugin {plugin} restricted content to some readers: “All & 30”, “All & 31”."
            in (report.warnings[0])
        )
        assert len(report.warnings) == 2

    @pytest.mark.parametrize(
        ("status", "key", "is_named"),
        [
            ("active", "pms_content_rule_post_type_1", True),
            ("inactive", "pms_content_rule_post_type_1", False),
            ("active", "pms_subscription_plan_price", False),
        ],
    )
    def test_plans_of_paid_member_subscriptions_are_named_if_they_have_rules(
        self, import_parts: ImportParts, status: str, key: str, *, is_named: bool
    ) -> None:
        report = import_parts(
            item(30, post_type="pms-subscription", status=status, inside=[meta(key, "post")]), item(7)
        )
        assert any("Paid Member Subscriptions" in warning for warning in report.warnings) == is_named

    @pytest.mark.parametrize("status", ["draft", "trash", "private"])
    def test_rules_that_were_not_in_use_are_not_named(self, import_parts: ImportParts, status: str) -> None:
        assert not import_parts(item(30, post_type="memberpressrule", status=status), item(7)).warnings

    def test_a_warning_names_only_the_first_of_many_rules(self, import_parts: ImportParts) -> None:
        rules = [item(pk, post_type="memberpressrule", title=f"Rule {pk} " + "x" * 1000) for pk in range(30, 60)]
        (warning,) = import_parts(*rules).warnings
        assert "Rule 39" in warning
        assert "Rule 40" not in warning
        assert ", …." in warning
        assert len(warning) < 2000


class TestImportingAgain:
    def test_restricted_posts_stay_private_when_they_change(self, import_parts: ImportParts) -> None:
        members = category("members", inside=RESTRICTED)
        import_parts(members, item(7, inside=[filed("category", "members")]))
        assert not import_parts(members, item(7, inside=[filed("category", "members")])).has_changes
        import_parts(members, item(7, title="Changed", inside=[filed("category", "members")]))
        assert Entry.objects.get().title == "Changed"
        assert statuses() == {7: "private"}

    @pytest.mark.parametrize("taxonomy", ["category", "post_tag", "topic"])
    def test_an_export_of_some_posts_does_not_publish_them(self, import_parts: ImportParts, taxonomy: str) -> None:
        element = partial(term, "topic")
        if taxonomy != "topic":
            element = partial(category if taxonomy == "category" else tag)
        restricted = element("members", inside=RESTRICTED)
        import_parts(restricted, item(7, inside=[filed(taxonomy, "members")]))
        import_parts(*(item(pk, title="New", inside=[filed(taxonomy, "members")]) for pk in (7, 8)))
        assert statuses() == {7: "private", 8: "private"}

    def test_an_export_of_one_category_does_not_publish_what_the_one_above_restricts(
        self, import_parts: ImportParts
    ) -> None:
        below = category("below", parent="top")
        import_parts(category("top", inside=RESTRICTED), below, item(7, inside=[filed("category", "below")]))
        new = category("new", parent="top"), item(8, inside=[filed("category", "new")])
        import_parts(below, item(7, title="New", inside=[filed("category", "below")]), *new)
        assert statuses() == {7: "private", 8: "private"}

    @pytest.mark.parametrize("taxonomy", ["category", "post_tag"])
    def test_a_term_whose_slug_was_changed_here_is_found(self, import_parts: ImportParts, taxonomy: str) -> None:
        restricted = (category if taxonomy == "category" else tag)("members", inside=RESTRICTED)
        import_parts(restricted, item(7, inside=[filed(taxonomy, "members")]))
        renamed = Category.objects.get() if taxonomy == "category" else Tag.objects.get()
        renamed.slug = "friends"
        renamed.save()
        import_parts(item(7, title="New", inside=[filed(taxonomy, "members")]))
        assert Entry.objects.get().title == "New"
        assert statuses() == {7: "private"}

    def test_a_category_that_is_open_to_everyone_now_is_not_restricted(self, import_parts: ImportParts) -> None:
        import_parts(category("news", inside=RESTRICTED), item(7, inside=[filed("category", "news")]))
        import_parts(category("news"), *(item(pk, inside=[filed("category", "news")]) for pk in (7, 8)))
        assert statuses() == {7: "published", 8: "published"}

    def test_a_post_that_an_editor_has_published_stays_public(self, import_parts: ImportParts) -> None:
        parts = category("members", inside=RESTRICTED), item(7, inside=[filed("category", "members")])
        import_parts(*parts)
        post = Entry.objects.get()
        post.status = Status.PUBLISHED
        post.save()
        import_parts(*parts)
        assert statuses() == {7: "published"}

    def test_posts_that_an_earlier_version_published_become_private(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parts = category("members", inside=RESTRICTED), item(7, inside=[filed("category", "members")])
        with monkeypatch.context() as earlier:
            earlier.setattr(Restrictions, "apply_terms", lambda self, item: item)
            import_parts(*parts)
        assert statuses() == {7: "published"}
        import_parts(*parts)
        assert statuses() == {7: "private"}

    def test_restrictions_of_another_blog_do_not_count(self, import_parts: ImportParts) -> None:
        import_parts(category("news", inside=RESTRICTED), item(7, inside=[filed("category", "news")]))
        other = {"site": "https://other.example", "dry_run": False}
        import_parts(item(8, guid="https://other.example/?p=8", inside=[filed("category", "news")]), **other)
        assert statuses() == {7: "private", 8: "published"}


class TestExporting:
    def test_restricted_posts_are_exported_as_private(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(category("members", inside=RESTRICTED), item(7, inside=[filed("category", "members")]))
        path = exported(tmp_path)
        assert items(path)["post", 7].status == "private"
        assert "memberful_acl" in path.read_text(encoding="utf-8")

    @pytest.mark.parametrize("taxonomy", ["category", "post_tag"])
    def test_a_term_with_a_post_that_an_editor_has_published_is_exported_without_restriction(
        self, import_parts: ImportParts, tmp_path: Path, taxonomy: str
    ) -> None:
        restricted = {"category": category, "post_tag": tag}[taxonomy]("members", inside=RESTRICTED)
        import_parts(restricted, *(item(pk, inside=[filed(taxonomy, "members")]) for pk in (7, 8)))
        Entry.objects.filter(pk=7).update(status=Status.PUBLISHED)
        path = exported(tmp_path)
        assert "memberful_acl" not in path.read_text(encoding="utf-8")
        assert [items(path)["post", pk].status for pk in (7, 8)] == ["publish", "private"]
        Entry.objects.all().delete()
        import_export([path])
        assert statuses() == {7: "published", 8: "private"}


@pytest.mark.parametrize("is_first", [True, False])
def test_restricted_posts_must_not_be_visible(import_parts: ImportParts, tmp_path: Path, *, is_first: bool) -> None:
    gated = item(7, link="https://old.example/2014/03/01/post-7/", inside=[filed("category", "members")])
    parts = [category("members", inside=RESTRICTED), gated][:: 1 if is_first else -1]
    path = write(tmp_path, export(*parts))
    import_parts(*parts)
    call_command("verify_import", str(path), stdout=io.StringIO(), stderr=io.StringIO())
    Entry.objects.update(status=Status.PUBLISHED)
    with pytest.raises(CommandError, match="2 problems found"):
        call_command("verify_import", str(path), stdout=io.StringIO(), stderr=io.StringIO())


@pytest.mark.parametrize(
    "part", ['"subscriptions";a:', '"', 's:12:"access_level";s:', "a:1:{", " private", 's:1:"', 's:1:"a";', "s:1111"]
)
def test_hostile_values_take_linear_time(part: str, grows_with_length: GrowsWithLength) -> None:
    keys = "rcp_restricted_meta", "visibility", "memberful_acl", "um_content_restriction", "post_protection_roles"
    assert grows_with_length(lambda value: [restricts_term(key, value) for key in keys], part * 200_000)
