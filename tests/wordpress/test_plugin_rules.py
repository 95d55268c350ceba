"""Rules by which plugins restricted content keep posts and pages from becoming public."""

import io
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from blog.models import Category, Entry, Status
from tags.models import Tag
from tests.factories.types import GrowsWithLength, ImportParts
from tests.factories.wxr import category, export, exported, filed, item, meta, page, tag, term, write
from wordpress.importing.pipeline import import_export
from wordpress.importing.restrictions import Restrictions
from wordpress.importing.terms import ExportedTerms
from wordpress.models import PreservedData
from wordpress.wxr.php_values import PHPValue, serialise
from wordpress.wxr.reader import Export
from wordpress.wxr.records import Item
from wordpress.wxr.rules import NOTHING, RULE_TYPES, read_rule

pytestmark = pytest.mark.django_db

MEMBERS = category("members", "For members", id=3)


def memberpress(kind: str, content: str = "", *, regexp: str = "", pk: int = 90, **values: Any) -> str:
    """Return a rule as MemberPress stores it."""
    fields = {
        "_mepr_rules_type": kind,
        "_mepr_rules_content": content,
        "_is_mepr_rules_content_regexp": regexp,
        "_mepr_rules_drip_enabled": "",
    }
    inside = [meta(key, value) for key, value in fields.items()]
    return item(pk, **{"post_type": "memberpressrule", "title": "The rule", "inside": inside, **values})


def condition(name: str, *selected: int, negated: bool = False, **options: PHPValue) -> PHPValue:
    values: dict[int | str, PHPValue] = dict(options.items())
    if selected:
        values["selected"] = dict(enumerate(selected))
    return {"id": "x", "name": name, "notOperand": negated, "options": values, "extras": {}, "type": "rule"}


def any_of(*items: PHPValue, operator: str = "or") -> dict[int | str, PHPValue]:
    return {"logicalOperator": operator, "items": dict(enumerate(items))}


def all_of(*items: PHPValue) -> dict[int | str, PHPValue]:
    return any_of(*items, operator="and")


def group(query: PHPValue) -> PHPValue:
    return {"id": "y", "type": "group", "label": "", "query": query}


def content_control(conditions: PHPValue, *, status: str = "logged_in", pk: int = 90, **values: Any) -> str:
    """Return a restriction as Content Control stores it."""
    settings = serialise({"userStatus": status, "roleMatch": "any", "userRoles": {}, "conditions": conditions})
    inside = [meta("restriction_settings", settings), meta("data_version", "2")]
    return item(pk, **{"post_type": "cc_restriction", "title": "The rule", "inside": inside, **values})


def plan(fields: Mapping[str, str], *, pk: int = 91) -> str:
    """Return a plan of Paid Member Subscriptions with fields whose names begin with `pms_`."""
    inside = [meta(f"pms_{key}", value) for key, value in fields.items()]
    return item(pk, post_type="pms-subscription", status="active", title="Gold", inside=inside)


def blog() -> list[str]:
    """Return a small blog: posts 7 to 10 and pages 20 to 23, of which each is below the one before."""
    return [
        *(MEMBERS, category("inner", id=4, parent="members"), tag("paid", id=5), term("topic", "deep", term_id=6)),
        item(7, link="https://old.example/2014/03/01/post-7/", inside=[filed("category", "members", "For members")]),
        item(8, link="https://old.example/2014/03/01/post-8/", inside=[filed("category", "inner")]),
        item(9, link="https://old.example/members/post-9/", inside=[filed("post_tag", "paid")]),
        item(10, link="https://old.example/Caf%C3%A9/post-10/", inside=[filed("topic", "deep")]),
        page(20, link="https://old.example/page-20/"),
        page(21, link="https://old.example/page-20/page-21/", post_parent=20),
        page(22, post_parent=21, inside=[filed("category", "members", "For members")]),
    ]


def items_of(folder: Path, *parts: str) -> list[Item]:
    """Return the items of an export with these parts."""
    return [record for record in Export(write(folder, export(*parts))).records() if isinstance(record, Item)]


def private() -> set[int]:
    """Return the IDs of the entries that are private. All others are public."""
    assert not Entry.objects.exclude(status__in=[Status.PRIVATE, Status.PUBLISHED]).exists()
    return set(Entry.objects.filter(status=Status.PRIVATE).values_list("pk", flat=True))


POSTS, PAGES = {7, 8, 9, 10}, {20, 21, 22}


class TestMemberPress:
    @pytest.mark.parametrize(
        ("kind", "content", "restricted"),
        [
            ("all", "", POSTS | PAGES),
            ("all", "7, 20,\n21", {8, 9, 10, 22}),
            ("all_posts", "", POSTS),
            ("all_posts", "8,9", {7, 10}),
            ("all_post", "", POSTS),
            ("all_pages", "20", {21, 22}),
            ("all_courses", "", set()),
            ("single_post", "8", {8}),
            ("single_page", "8", set()),
            ("single_page", "21", {21}),
            ("parent_page", "20", {21, 22}),
            ("parent_page", "21", {22}),
            ("category", "3", {7, 22}),
            ("category", "members", {7, 22}),
            ("category", "For members", {7, 22}),
            ("tag", "5", {9}),
            ("tag", "paid", {9}),
            ("all_tax_category", "3", {7, 22}),
            ("all_tax_topic", "6", {10}),
            ("tax_topic||cpt_post", "6", {10}),
            ("tax_topic||cpt_page", "6", set()),
            ("tax_category||cpt_page", "3", {22}),
            ("custom", "/members/", {9}),
            ("custom", "/MEMBERS/", set()),
            ("custom", "/Caf%c3%a9/", {10}),
            ("custom", "members", set()),
            ("partial", "", set()),
        ],
    )
    def test_a_rule_restricts_what_it_says(
        self, import_parts: ImportParts, kind: str, content: str, restricted: set[int]
    ) -> None:
        import_parts(*blog(), memberpress(kind, content))
        assert private() == restricted

    @pytest.mark.parametrize(
        ("regexp", "restricted"),
        [
            ("^/members/.*", {9}),
            ("^/MEMBERS/[a-z]+", {9}),
            (r"/post\-[89]/?$", POSTS),
            ("^/members.?/", {9}),
            ("^/Caf%C3%A9?/", {10}),
            ("/page-2?1", {20, 21}),
            (".*post-8", {8}),
            ("^.*post-8", {8}),
            ("^post-8", set()),
            (".*", POSTS | PAGES),
            ("^/(.*)$", POSTS | PAGES),
            ("", POSTS | PAGES),
        ],
    )
    def test_a_regular_expression_restricts_at_least_what_it_matches(
        self, import_parts: ImportParts, regexp: str, restricted: set[int]
    ) -> None:
        report = import_parts(*blog(), memberpress("custom", regexp, regexp="1"))
        assert private() == restricted
        assert "become private here" in report.warnings[0]

    @pytest.mark.parametrize("regexp", ["/(a|b)/", "(?i)members", "|", "[a-z]", "(", r"\d+"])
    def test_a_regular_expression_that_may_match_anything_is_named(
        self, import_parts: ImportParts, regexp: str
    ) -> None:
        report = import_parts(*blog(), memberpress("custom", regexp, regexp="1"))
        if regexp:
            assert not private()
            assert (
                "MemberPress restricted content to some readers: “The rule”. The export doesn't say exactly"
                in (report.warnings[0])
            )
        else:
            assert private() == POSTS | PAGES

    @pytest.mark.parametrize(
        ("kind", "content"),
        [("", ""), ("single_post", "x"), ("single_post", ""), ("category", "77"), ("custom", ""), ("mystery", "7")],
    )
    def test_a_rule_that_cannot_be_applied_is_named(self, import_parts: ImportParts, kind: str, content: str) -> None:
        report = import_parts(*blog(), memberpress(kind, content))
        assert not private()
        assert "so some of it may become public" in report.warnings[0]

    @pytest.mark.parametrize("status", ["draft", "trash", "pending", "private", "future"])
    def test_rules_that_were_not_in_use_are_ignored(self, import_parts: ImportParts, status: str) -> None:
        report = import_parts(*blog(), memberpress("all", status=status))
        assert not private()
        assert not report.warnings


class TestContentControl:
    @pytest.mark.parametrize(
        ("conditions", "restricted"),
        [
            (any_of(condition("entire_site")), POSTS | PAGES),
            (any_of(condition("content_is_post")), POSTS),
            (any_of(condition("content_is_selected_post", 7, 9, 20)), {7, 9}),
            (any_of(condition("content_is_page_with_id", selected="20, 22")), {20, 22}),
            (any_of(condition("content_is_child_of_page", 20)), {21}),
            (any_of(condition("content_is_ancestor_of_page", 20)), {21, 22}),
            (any_of(condition("content_is_post_with_category", 3)), {7}),
            (any_of(condition("content_is_post_with_category")), {7, 8}),
            (any_of(condition("content_is_post_with_topic", 6)), {10}),
            (any_of(condition("content_is_selected_post", 7), condition("content_is_page")), {7} | PAGES),
            (all_of(condition("content_is_post"), condition("content_is_selected_post", 7, negated=True)), {8, 9, 10}),
            (all_of(condition("entire_site"), condition("user_is_logged_in", negated=True)), POSTS | PAGES),
            (all_of(condition("entire_site"), condition("user_is_logged_in")), set()),
            (all_of(condition("content_is_page"), condition("made_by_another_plugin")), PAGES),
            (any_of(condition("content_is_post_archive"), condition("content_is_selected_tax_category", 3)), set()),
            (any_of(group(all_of(condition("content_is_page"), condition("entire_site"))), condition("x")), PAGES),
            (any_of(), set()),
        ],
    )
    def test_a_restriction_hides_what_it_says(
        self, import_parts: ImportParts, conditions: PHPValue, restricted: set[int]
    ) -> None:
        import_parts(*blog(), content_control(conditions))
        assert private() == restricted

    @pytest.mark.parametrize(
        ("status", "restricted"), [("logged_in", POSTS), ("", POSTS), ("other", POSTS), ("logged_out", set())]
    )
    def test_restrictions_for_those_who_are_logged_in_do_not_hide_anything(
        self, import_parts: ImportParts, status: str, restricted: set[int]
    ) -> None:
        import_parts(*blog(), content_control(any_of(condition("content_is_post")), status=status))
        assert private() == restricted

    def test_a_restriction_with_an_unknown_condition_is_named(self, import_parts: ImportParts) -> None:
        either = any_of(condition("content_is_selected_post", 7), condition("made_by_another_plugin"))
        report = import_parts(*blog(), content_control(either))
        assert private() == {7}
        assert "so some of it may become public" in report.warnings[0]
        assert "become private here" in report.warnings[1]


class TestPaidMemberSubscriptions:
    @pytest.mark.parametrize(
        ("fields", "restricted"),
        [
            ({"content_rule_post_type_1": "post"}, POSTS),
            (
                {
                    "content_rule_post_type_1": "post",
                    "content_rule_taxonomies_1": "category,post_tag",
                    "content_rule_tax_terms_post_category": "3,4",
                },
                {7, 8, 9},
            ),
            ({"content_rule_post_type_1": "", "content_rule_post_type_2": "page"}, PAGES),
            ({"subscription_plan_price": "5"}, set()),
        ],
    )
    def test_a_plan_restricts_what_its_rules_say(
        self, import_parts: ImportParts, fields: dict[str, str], restricted: set[int]
    ) -> None:
        import_parts(*blog(), plan(fields))
        assert private() == restricted


@pytest.mark.parametrize(
    ("name", "status", "plugin"),
    [
        ("wc_membership_plan", "publish", "WooCommerce Memberships"),
        ("aam_policy", "publish", "Advanced Access Manager"),
        ("ms_membership", "private", "Membership 2"),
    ],
)
def test_rules_of_which_the_export_has_only_the_names_are_named(
    import_parts: ImportParts, name: str, status: str, plugin: str
) -> None:
    report = import_parts(*blog(), item(90, post_type=name, status=status, title="Gold"))
    assert not private()
    assert f"rules of the plugin {plugin} restricted content to some readers: “Gold”." in report.warnings[0]


class TestReport:
    @pytest.mark.parametrize("dry_run", [True, False])
    def test_it_says_how_many_are_private_and_why(self, import_parts: ImportParts, *, dry_run: bool) -> None:
        report = import_parts(*blog(), memberpress("all_posts", title="A &amp; B"), dry_run=dry_run)
        assert "“A & B”. Posts and pages that they restricted become private here." in report.warnings[0]
        (reason,) = [each for each in report.summary()["notes"]["shown"] if "MemberPress" in each["text"]]
        assert reason["count"] == 4
        assert "Readers will not see 4 of the 7 posts and pages that were public" in report.warnings[1]
        assert report.warnings[1].endswith("Publish it if everyone may read it. (4)")
        assert "so it is private. Publish it if everyone may read it." in reason["text"]

    def test_posts_that_are_hidden_for_two_reasons_are_counted_once(self, import_parts: ImportParts) -> None:
        restricted = category("closed", inside=meta("visibility", "private", "term"))
        itself = item(7, inside=[meta("rcp_access_level", "3")])
        report = import_parts(restricted, itself, item(8, inside=[filed("category", "closed")]), memberpress("all"))
        assert "Readers will not see 2 of the 2 posts and pages" in report.warnings[1]

    def test_drafts_and_private_posts_are_what_they_were(self, import_parts: ImportParts) -> None:
        report = import_parts(memberpress("all"), item(7, status="draft"), item(8, status="private"))
        assert dict(Entry.objects.values_list("pk", "status")) == {7: "draft", 8: "private"}
        assert not any("MemberPress" in note.text for note in report.notes)


class TestWhereRulesAre:
    @pytest.mark.parametrize("order", list(permutations(range(4))))
    def test_the_order_in_the_export_does_not_matter(self, import_parts: ImportParts, order: tuple[int, ...]) -> None:
        parts = MEMBERS, memberpress("category", "3"), item(7, inside=[filed("category", "members")]), item(8)
        import_parts(*(parts[index] for index in order))
        assert private() == {7}

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_rules_terms_and_posts_may_be_in_different_files(self, tmp_path: Path, order: tuple[int, ...]) -> None:
        files = [
            export(item(7, inside=[filed("category", "members")]), page(21, post_parent=20)),
            export(memberpress("category", "3"), memberpress("parent_page", "19", pk=91)),
            export(MEMBERS, page(20, post_parent=19)),
        ]
        paths = [write(tmp_path, files[index], f"{position}.xml") for position, index in enumerate(order)]
        import_export(paths)
        assert private() == {7, 20, 21}

    @pytest.mark.parametrize(
        ("kind", "content"),
        [("all_posts", "10"), ("category", "3"), ("tag", "5"), ("tax_topic||cpt_post", "6"), ("single_post", "8")],
    )
    def test_a_rule_of_an_earlier_import_still_holds(self, import_parts: ImportParts, kind: str, content: str) -> None:
        terms = MEMBERS, tag("paid", id=5), term("topic", "deep", term_id=6)
        import_parts(*terms, item(7), memberpress(kind, content))
        filed_under = [filed("category", "members"), filed("post_tag", "paid"), filed("topic", "deep")]
        report = import_parts(item(8, inside=filed_under), item(10))
        assert private() - {7} == {8}
        assert "“The rule”" in report.warnings[0]

    def test_rules_of_all_plugins_are_kept(self, import_parts: ImportParts) -> None:
        restriction = content_control(any_of(condition("content_is_post_with_category", 3)))
        import_parts(MEMBERS, restriction, plan({"content_rule_post_type_1": "page"}))
        import_parts(item(7), item(8, inside=[filed("category", "members")]), page(20))
        assert private() == {8, 20}

    @pytest.mark.parametrize("taxonomy", ["category", "post_tag"])
    def test_a_term_whose_slug_was_changed_here_is_found(self, import_parts: ImportParts, taxonomy: str) -> None:
        element = category if taxonomy == "category" else tag
        kind = "category" if taxonomy == "category" else "tag"
        import_parts(element("members", id=3), memberpress(kind, "3"), item(7, inside=[filed(taxonomy, "members")]))
        renamed = Category.objects.get() if taxonomy == "category" else Tag.objects.get()
        renamed.slug = "friends"
        renamed.save()
        import_parts(item(8, inside=[filed(taxonomy, "members")]))
        assert private() == {7, 8}

    def test_pages_below_a_page_of_an_earlier_import_are_restricted(self, import_parts: ImportParts) -> None:
        import_parts(page(20), page(21, post_parent=20), page(31, post_parent=30), memberpress("parent_page", "20"))
        import_parts(page(22, post_parent=21), memberpress("parent_page", "30", pk=91), page(32, post_parent=31))
        assert private() == {21, 22, 32}

    def test_a_rule_that_is_not_in_use_any_more_does_not_count(self, import_parts: ImportParts) -> None:
        import_parts(memberpress("all"), item(7))
        import_parts(memberpress("all", status="trash"), item(8))
        assert private() == {7}

    def test_rules_of_another_blog_do_not_count(self, import_parts: ImportParts) -> None:
        import_parts(memberpress("all"), item(7))
        import_parts(item(8, guid="https://other.example/?p=8"), site="https://other.example")
        assert private() == {7}

    def test_a_post_that_an_editor_has_published_stays_public(self, import_parts: ImportParts) -> None:
        parts = memberpress("all"), item(7)
        import_parts(*parts)
        post = Entry.objects.get()
        post.status = Status.PUBLISHED
        post.save()
        import_parts(*parts)
        assert not private()

    def test_posts_that_were_public_become_private_with_a_new_rule(self, import_parts: ImportParts) -> None:
        import_parts(item(7))
        import_parts(item(7), memberpress("all"))
        assert private() == {7}


@pytest.mark.parametrize("is_earlier", [True, False])
def test_verifying_finds_restricted_posts_that_readers_can_see(
    import_parts: ImportParts, tmp_path: Path, *, is_earlier: bool
) -> None:
    post, rule = item(7, link="https://old.example/2014/03/01/post-7/"), memberpress("all_posts")
    import_parts(post, rule)
    path = write(tmp_path, export(post, *([] if is_earlier else [rule])))
    call_command("verify_import", str(path), stdout=io.StringIO(), stderr=io.StringIO())
    Entry.objects.update(status=Status.PUBLISHED)
    with pytest.raises(CommandError, match=" problems found"):
        call_command("verify_import", str(path), stdout=io.StringIO(), stderr=io.StringIO())


class TestOwnExports:
    def test_what_an_editor_has_published_stays_public(self, import_parts: ImportParts, tmp_path: Path) -> None:
        inside = meta("visibility", "private", "term")
        restricted = term("topic", "deep", term_id=6, inside=inside), memberpress("all_pages"), memberpress("", pk=91)
        import_parts(*restricted, *(item(pk, inside=[filed("topic", "deep")]) for pk in (7, 8)), page(20), page(21))
        assert private() == {7, 8, 20, 21}
        Entry.objects.filter(pk__in=[7, 20]).update(status=Status.PUBLISHED)
        path = exported(tmp_path)
        Entry.objects.all().delete()
        report = import_export([path])
        assert private() == {8, 21}
        assert not any("MemberPress" in text for text in report.warnings)

    def test_rules_in_them_apply_to_later_exports_of_wordpress(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(memberpress("all_posts"), site="http://testserver")
        path = exported(tmp_path)
        PreservedData.objects.all().delete()
        import_export([path])
        import_parts(item(7), site="http://testserver")
        assert private() == {7}


class TestCost:
    @staticmethod
    def query_count(folder: Path, count: int) -> int:
        """Return the number of queries for what earlier exports of a blog restricted, and for which posts that are."""
        posts = items_of(folder, *(item(pk, inside=[filed("category", f"x{count}-0")]) for pk in range(1, 101)))
        restrictions, terms = Restrictions(), ExportedTerms()
        with CaptureQueriesContext(connection) as caught:
            restrictions.add_stored(f"https://{count}.example", terms)
            assert all(restrictions.apply(post).is_restricted for post in posts)
        return len(caught)

    def test_more_rules_take_no_more_queries(self, import_parts: ImportParts, tmp_path: Path) -> None:
        def query_count(count: int) -> int:
            parts = []
            for number in range(count):
                pk = 1000 * count + 10 * number
                name = f"x{count}-{number}"
                parts += [category(name, id=pk), tag(name, id=pk), term("topic", name, term_id=pk)]
                kinds = "category", "tag", "all_tax_topic", "parent_page"
                parts += [memberpress(kind, str(pk), pk=pk + index) for index, kind in enumerate(kinds)]
            import_parts(*parts, site=f"https://{count}.example")
            return self.query_count(tmp_path, count)

        assert query_count(2) == query_count(40)

    def test_more_restricted_terms_take_no_more_queries(self, import_parts: ImportParts, tmp_path: Path) -> None:
        def query_count(count: int) -> int:
            names = [f"x{count}-{number}" for number in range(count)]
            inside = meta("visibility", "private", "term")
            terms = [element(name, inside=inside) for name in names for element in (category, tag)]
            import_parts(*terms, site=f"https://{count}.example")
            return self.query_count(tmp_path, count)

        assert query_count(2) == query_count(40)

    @pytest.mark.parametrize(
        "part",
        [
            *("a:1:{i:0;", 's:5:"items";a:9:{', "i:1;", "b:1;", "a:999999999:{", 's:1:"x";'),
            *("7,", "\\", "(.*)", ".*", "^", "/a", "%", "[", "7 ", "_with_", "content_is_selected_"),
        ],
    )
    def test_hostile_values_take_linear_time(self, part: str, grows_with_length: GrowsWithLength) -> None:
        def read(value: str) -> None:
            for kind in ("custom", "all", "single_post", "category", value):
                for regexp in ("", "1"):
                    fields = (("_mepr_rules_type", kind), ("_mepr_rules_content", value))
                    read_rule("memberpressrule", "publish", (*fields, ("_is_mepr_rules_content_regexp", regexp)))
            read_rule("cc_restriction", "publish", (("restriction_settings", value),))
            named = serialise({"conditions": any_of(condition(value, selected=value))})
            read_rule("cc_restriction", "publish", (("restriction_settings", named),))
            rule = ("pms_content_rule_post_type_1", "post"), ("pms_content_rule_taxonomies_1", value)
            read_rule("pms-subscription", "active", rule)

        assert grows_with_length(read, part * 20_000)

    def test_more_complicated_rules_than_any_site_has_restrict_everything(self, import_parts: ImportParts) -> None:
        both = all_of(condition("content_is_post"), condition("content_is_selected_post", 99))
        rules = [content_control(any_of(*[group(both)] * 40), pk=pk) for pk in range(100, 110)]
        import_parts(*rules, item(7))
        assert private() == {7}


class TestHostileRules:
    @given(
        post_type=st.sampled_from(RULE_TYPES),
        fields=st.lists(
            st.tuples(
                st.sampled_from(
                    [
                        *("_mepr_rules_type", "_mepr_rules_content", "_is_mepr_rules_content_regexp"),
                        *("restriction_settings", "pms_content_rule_post_type_1", "pms_content_rule_taxonomies_1"),
                        "pms_content_rule_tax_terms_post_category",
                    ]
                ),
                st.text()
                | st.sampled_from(["all", "custom", "category", "tax_a||cpt_b", "all_tax_", "single_", "parent_"]),
            )
        ),
    )
    def test_any_fields_are_read(self, post_type: str, fields: list[tuple[str, str]]) -> None:
        for status in ("publish", "active", "private"):
            read_rule(post_type, status, tuple(fields))

    @given(
        value=st.recursive(
            st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
            lambda children: st.dictionaries(
                st.integers(0, 3) | st.sampled_from(["items", "query", "name", "options", "selected", "type"]), children
            ),
        )
    )
    def test_any_value_of_a_restriction_is_read(self, value: PHPValue) -> None:
        either: PHPValue = {"conditions": {"logicalOperator": "or", "items": value}}
        conditions: PHPValue = {"conditions": value}
        for settings in (value, conditions, either):
            rule = read_rule("cc_restriction", "publish", (("restriction_settings", serialise(settings)),))
            assert rule is not None


def test_an_item_that_is_no_rule_is_none() -> None:
    assert read_rule("post", "publish", ()) is None
    rule = read_rule("memberpressrule", "publish", (("_mepr_rules_type", "partial"),))
    assert rule is not None
    assert rule.condition == NOTHING
