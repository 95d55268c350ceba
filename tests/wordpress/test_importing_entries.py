"""Importing posts and pages: their texts, statuses and URLs."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from blog.models import Entry, Page, Post, Status
from tags.models import Tag
from tests.factories import PostFactory
from tests.factories.reports import counted, first, remarks
from tests.factories.types import ImportParts
from tests.factories.wxr import VERSIONS, cdata, comment, exported, filed, item, meta, page, tag
from wordpress.importing import batches
from wordpress.models import ImportedItem
from wordpress.wxr.records import Item

pytestmark = pytest.mark.django_db

# Whether the field is used, and for whom: 0 for everyone, 1 without and 2 with an account.
_ULTIMATE_MEMBER = 'a:2:{s:26:"_um_custom_access_settings";s:1:"%d";s:14:"_um_accessible";s:1:"%d";}'

# Attributes of blocks that only some readers could see.
_FOR_SOME = (
    '"contentControls":{"enabled":true,"rules":{"user":{"userStatus":"logged_in","userRoles":[],"roleMatch":"any"}}}',
    '"um_is_restrict":true,"um_who_access":"1","um_roles_access":["editor"]',
    '"visibilityBlockEnabled":true,"segment":"logged_in"',
    '"pmsContentRestriction":{"subscription_plans":["34"],"display_to":"","not_subscribed":false}',
    '"wppbContentRestriction":{"user_roles":["editor"],"users_ids":"","display_to":"","panel_open":true}',
    '"blockPermissionsCondition":"=","blockPermissionsType":"role","blockPermissionsRoles":["editor"]',
)


class TestPosts:
    def test_post_keeps_its_url(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(item(7, title="Star &amp; power", post_name="star-power", content="One\n\nTwo"))
        page_html = client.get("/2014/03/01/star-power/").text
        assert "Star &amp; power" in page_html
        assert '<p dir="auto">One</p>\n<p dir="auto">Two</p>' in page_html
        assert client.get("/?p=7").headers["Location"] == "/2014/03/01/star-power/"

    def test_source_is_kept_byte_for_byte(self, import_parts: ImportParts) -> None:
        content = ' <p>One  "two"</p>\r\n\r\n<!--more-->\t[x]\n&amp;&nbsp;é\u200b '
        import_parts(item(7, content=content))
        post = Post.objects.get(pk=7)
        # An XML parser turns every line end into `\n`.
        assert post.source == content.replace("\r\n", "\n")
        assert post.markup == "wordpress"

    def test_all_fields_are_imported(self, import_parts: ImportParts) -> None:
        import_parts(
            item(
                7,
                excerpt="Short &amp; good",
                guid="http://old.example/?p=7",
                is_sticky=1,
                comment_status="closed",
                post_modified="2015-05-05 05:05:05",
                post_modified_gmt="2015-05-05 05:05:05",
            )
        )
        post = Post.objects.get(pk=7)
        assert (post.excerpt, post.guid, post.sticky, post.comments_open) == (
            "Short & good",
            "http://old.example/?p=7",
            True,
            False,
        )
        assert post.author.username == "anna"
        assert post.created_at == post.published_at == dt.datetime(2014, 3, 1, 9, 30, tzinfo=dt.UTC)
        assert post.modified_at == dt.datetime(2015, 5, 5, 5, 5, 5, tzinfo=dt.UTC)

    @pytest.mark.parametrize(("modified", "is_update"), [("2014-03-02 09:29:00", False), ("2014-03-02 09:31:00", True)])
    def test_a_change_more_than_a_day_after_publication_is_an_update(
        self, modified: str, is_update: bool, import_parts: ImportParts
    ) -> None:
        import_parts(item(7, post_modified=modified, post_modified_gmt=modified))
        post = Post.objects.get(pk=7)
        assert post.text_changed_at == (post.modified_at if is_update else None)

    def test_modification_date_defaults_to_the_creation_date(self, import_parts: ImportParts) -> None:
        import_parts(item(7))
        post = Post.objects.get(pk=7)
        assert post.modified_at == post.created_at == post.published_at

    def test_day_in_the_url_does_not_depend_on_the_time_zone(
        self, import_parts: ImportParts, settings: Settings, client: Client
    ) -> None:
        settings.TIME_ZONE = "Pacific/Auckland"
        import_parts(item(7, post_name="late", post_date="2014-03-01 23:59:00", post_date_gmt="2014-03-02 07:59:00"))
        assert client.get("/2014/03/01/late/").status_code == 200
        assert timezone.localtime(Post.objects.get(pk=7).published_at).hour == 23

    @pytest.mark.parametrize(
        ("exported", "kept"),
        [
            ("%e2%80%8b%e2%80%8bmartin-2021", "\u200b\u200bmartin-2021"),
            ("%D9%85%D8%B1%D8%AD%D8%A8%D8%A7", "مرحبا"),
            ("Upper_case-", "Upper_case-"),
            ("cafe%CC%81", "café"),
        ],
    )
    def test_slugs_are_kept(self, import_parts: ImportParts, exported: str, kept: str) -> None:
        report = import_parts(item(7, post_name=exported))
        assert Post.objects.get(pk=7).slug == kept
        assert not report.notes

    def test_slugs_that_cannot_be_in_a_url_are_changed_and_noted(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, post_name="a%2fb c"), item(8, post_name="x" * 300))
        assert Post.objects.get(pk=7).slug == "a-b-c"
        assert Post.objects.get(pk=8).slug == "x" * 200
        assert len([text for text in remarks(report) if "slug can't be kept" in text]) == 2

    def test_urls_with_unusable_slugs_redirect_to_the_new_ones(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(
            item(7, post_name="Two Words"),
            item(8, post_name="a/b?"),
            item(9, post_name="Two Words", status="draft", post_date="2014-03-02 09:30:00"),
            page(20, post_name="The page"),
            page(21, post_name="Two Words", post_parent=20),
        )
        for url, target in (
            ("/2014/03/01/Two%20Words/", "/2014/03/01/two-words/"),
            ("/2014/03/01/a/b%3F/", "/2014/03/01/a-b/"),
            ("/The%20page/", "/the-page/"),
            ("/the-page/Two%20Words/", "/the-page/two-words/"),
        ):
            assert client.get(url).headers["Location"] == target
        assert client.get("/2014/03/02/Two%20Words/").status_code == 404

    @pytest.mark.parametrize(("title", "slug"), [("Some words", "some-words"), ("", "post"), ("🎉", "post")])
    def test_missing_slug_is_made_from_the_title(self, import_parts: ImportParts, title: str, slug: str) -> None:
        import_parts(item(7, title=title, post_name=""))
        assert Post.objects.get(pk=7).slug == slug

    def test_duplicate_slugs_on_one_day_are_numbered_and_noted(self, import_parts: ImportParts) -> None:
        PostFactory(pk=500, slug="same", published_at=dt.datetime(2014, 3, 1, 1, tzinfo=dt.UTC))
        report = import_parts(item(7, post_name="same"), item(8, post_name="same"), item(9, post_name="same-2"))
        slugs = dict(Post.objects.filter(pk__in=[7, 8, 9]).values_list("pk", "slug"))
        assert slugs == {7: "same-2", 8: "same-3", 9: "same-2-2"}
        assert len(report.notes) == 3

    @pytest.mark.parametrize("path", ["/2014/", "/2014/03", "/feed/", "/privacy/"])
    def test_an_old_url_that_is_a_page_of_this_site_is_noted(
        self, import_parts: ImportParts, client: Client, path: str
    ) -> None:
        report = import_parts(item(7, link=f"https://old.example{path}"))
        (text,) = remarks(report)
        assert f"https://old.example{path}" in text
        assert "Change them to /2014/03/01/post-7/" in text
        assert client.get(path, follow=True).redirect_chain[-1:] != [("/2014/03/01/post-7/", 301)]

    @pytest.mark.parametrize("path", ["/2013/", "/2014/04/", "/archive/", "/x/", "/tag/", "/search/"])
    def test_any_other_old_url_redirects_to_the_post(
        self, import_parts: ImportParts, client: Client, path: str
    ) -> None:
        assert remarks(import_parts(item(7, link=f"https://old.example{path}"))) == []
        assert client.get(path).headers["Location"] == "/2014/03/01/post-7/"

    def test_posts_of_different_days_can_have_the_same_slug(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, post_name="same"), item(8, post_name="same", post_date="2014-03-02 09:30:00"))
        assert set(Post.objects.values_list("slug", flat=True)) == {"same"}
        assert not report.notes

    @pytest.mark.parametrize(
        ("slug", "language"), [("ar", "ar"), ("pt-BR", "pt-br"), ("php", ""), ("unknown-language", "")]
    )
    def test_language_is_taken_from_the_polylang_taxonomy(
        self, import_parts: ImportParts, slug: str, language: str
    ) -> None:
        report = import_parts(item(7, inside=[filed("language", slug)]), page(8, inside=[filed("language", slug)]))
        assert (Post.objects.get().language, Page.objects.get().language) == (language, language)
        assert bool(remarks(report)) == (not language)

    def test_markup_in_titles_and_excerpts_is_removed_and_noted(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, title="On <em>a &lt; b</em> &amp; 1 < 2", excerpt="<p>One</p><p>Two</p>"))
        post = Post.objects.get(pk=7)
        assert (post.title, post.excerpt) == ("On a < b & 1 < 2", "One\nTwo")
        assert len(report.notes) == 2

    @pytest.mark.parametrize("version", VERSIONS)
    def test_every_version_of_the_format_is_read(self, import_parts: ImportParts, version: str) -> None:
        tags = {"1.0": [filed("tag", "", "NGO"), filed("tag", "ngo", "NGO")]}.get(
            version, [filed("post_tag", "ngo", "NGO")]
        )
        import_parts(tag("ngo", "NGO"), item(7, inside=[*tags, comment(1)]), version=version)
        post = Post.objects.get(pk=7)
        assert [found.name for found in post.tags.all()] == ["NGO"]
        assert post.comment_count == 1
        assert post.author.username == "anna"

    @pytest.mark.parametrize("here", [False, True])
    def test_first_of_several_items_with_the_same_id_keeps_the_urls_with_that_id(
        self, import_parts: ImportParts, client: Client, here: bool
    ) -> None:
        if here:
            PostFactory(pk=7)
        rest = [item(7, guid=f"urn:{name}", post_name=name) for name in "bc"]
        import_parts(item(7, guid="urn:a", post_name="a"), *rest, page(7))
        assert client.get("/?p=7").headers["Location"] == "/2014/03/01/a/"
        assert client.get("/?page_id=7").headers["Location"] == "/2014/03/01/a/"

    def test_new_objects_get_ids_above_the_imported_ones(self, import_parts: ImportParts) -> None:
        import_parts(item(700), page(900), tag("t"))
        assert PostFactory(tags=["new"]).pk > 700
        assert User.objects.create_user("zoe").pk


class TestStatuses:
    @pytest.mark.parametrize(
        ("exported", "here"),
        [
            ("publish", Status.PUBLISHED),
            ("draft", Status.DRAFT),
            ("pending", Status.PENDING),
            ("private", Status.PRIVATE),
            ("trash", Status.TRASH),
        ],
    )
    def test_statuses_are_kept(self, import_parts: ImportParts, exported: str, here: Status) -> None:
        report = import_parts(item(7, status=exported))
        assert Post.objects.get(pk=7).status == here
        assert not report.notes

    def test_scheduled_post_stays_scheduled(self, import_parts: ImportParts) -> None:
        import_parts(item(7, status="future", post_date="2199-01-01 00:00:00"))
        assert Post.objects.get(pk=7).is_scheduled

    def test_scheduled_post_whose_time_has_passed_is_pending_review(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, status="future"))
        post = Post.objects.get(pk=7)
        assert (post.status, post.published_on) == (Status.PENDING, dt.date(2014, 3, 1))
        assert "pending review" in remarks(report)[0]

    @pytest.mark.parametrize(
        ("exported", "here"),
        [("publish", Status.PUBLISHED), ("draft", Status.DRAFT), ("pending", Status.PENDING), ("trash", Status.TRASH)],
    )
    def test_passwords_and_the_status_are_kept(self, import_parts: ImportParts, exported: str, here: Status) -> None:
        values = {"status": exported, "post_password": " open sesame\n"}
        report = import_parts(item(7, **values), page(20, **values))
        for entry in (Post.objects.get(), Page.objects.get()):
            assert (entry.status, entry.password) == (here, "open sesame")
        assert not report.notes

    @pytest.mark.parametrize("password", ["\n\t\t\t", " ", "\u00a0"])
    def test_a_password_of_whitespace_is_ignored(self, import_parts: ImportParts, password: str) -> None:
        report = import_parts(item(7, post_password=password))
        assert (Post.objects.get().status, Post.objects.get().password) == (Status.PUBLISHED, "")
        assert not report.warnings

    def test_a_password_that_is_too_long_is_shortened(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, post_password="x" * 300))
        assert Post.objects.get().password == "x" * 255
        assert remarks(report) == ["post 7: Its password was too long and was shortened."]

    def test_post_with_unknown_status_becomes_a_draft(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, status="acf-disabled"))
        assert Post.objects.get(pk=7).status == Status.DRAFT
        assert "acf-disabled" in remarks(report)[0]

    def test_published_post_without_a_date_becomes_a_draft(self, import_parts: ImportParts) -> None:
        none = "0000-00-00 00:00:00"
        report = import_parts(item(7, post_date=none, post_date_gmt=none))
        post = Post.objects.get(pk=7)
        assert (post.status, post.published_at, post.published_on) == (Status.DRAFT, None, None)
        assert "no date" in remarks(report)[0]

    def test_a_date_that_can_be_read_in_two_ways_is_reported_and_not_guessed(self, import_parts: ImportParts) -> None:
        unclear = {"post_date": "3/4/2019 5:30 PM", "post_date_gmt": ""}
        commented = comment(1, date="4/3/2019", date_gmt="")
        report = import_parts(item(7, **unclear), page(20, **unclear), item(8, inside=[commented]))
        post = Post.objects.get(pk=7)
        assert (post.status, post.published_at) == (Status.DRAFT, None)
        first = "Its date, “3/4/2019 5:30 PM”, can't be read with certainty, so it counts as missing."
        found = remarks(report)
        assert {f"post 7: {first}", "post 7: It has no date and therefore no URL, so it is a draft."} <= {*found}
        assert {f"page 20: {first}", "page 20: It has no date in the export, so it got the date of the import."} <= {
            *found
        }
        assert any("“4/3/2019”" in remark for remark in found)

    def test_published_page_needs_no_date(self, import_parts: ImportParts, client: Client) -> None:
        undated = page(20, post_date="", post_date_gmt="")
        report = import_parts(undated)
        assert client.get("/page-20/").status_code == 200
        assert remarks(report) == ["page 20: It has no date in the export, so it got the date of the import."]
        before = Page.objects.get().published_at
        assert counted(import_parts(undated), "page") == {"unchanged": 1}
        assert Page.objects.get().published_at == before

    @pytest.mark.parametrize("date", ["9999-12-31 23:59:59", "1000-01-01 00:00:00"])
    @pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
    def test_extreme_dates_do_not_break_listings_and_feeds(
        self, import_parts: ImportParts, client: Client, settings: Settings, zone: str, date: str
    ) -> None:
        settings.TIME_ZONE = zone
        import_parts(
            item(7, post_date=date), item(8, post_date="", post_date_gmt=date), item(9, post_date=date, status="future")
        )
        assert client.get("/").status_code == client.get("/feed/").status_code == 200

    def test_missing_date_is_derived_from_the_utc_date(self, import_parts: ImportParts) -> None:
        import_parts(item(7, post_date="0000-00-00 00:00:00"))
        assert Post.objects.get(pk=7).published_on == dt.date(2014, 3, 1)

    @pytest.mark.parametrize("status", ["draft", "pending", "private"])
    @pytest.mark.parametrize("runs", [1, 2])
    @pytest.mark.parametrize("at_once", [1, 100])
    def test_a_public_post_gets_its_url_whatever_has_the_slug(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch, status: str, runs: int, at_once: int
    ) -> None:
        monkeypatch.setattr(batches, "MAX_ENTRIES", at_once)
        parts = [item(7, post_name="one", status=status), item(8, post_name="one")]
        runs_of_parts = [parts] if runs == 1 else [[part] for part in parts]
        reports = [import_parts(*each) for each in runs_of_parts]
        assert dict(Post.objects.values_list("pk", "slug")) == {7: "one-2", 8: "one"}
        assert [text for text in remarks(reports[-1]) if text.startswith("post 7: ") and "“one-2”" in text]
        assert not [text for text in remarks(reports[-1]) if text.startswith("post 8: ")]
        assert not import_parts(*parts).has_changes
        assert dict(Post.objects.values_list("pk", "slug")) == {7: "one-2", 8: "one"}

    def test_a_post_that_was_published_since_the_last_import_gets_its_url(self, import_parts: ImportParts) -> None:
        draft, public = item(7, post_name="one", status="draft"), item(8, post_name="one")
        import_parts(draft, item(8, post_name="one", status="draft"))
        assert dict(Post.objects.values_list("pk", "slug")) == {7: "one", 8: "one-2"}
        import_parts(draft, public)
        assert dict(Post.objects.values_list("pk", "slug")) == {7: "one-3", 8: "one"}

    def test_a_public_post_leaves_drafts_of_other_days_alone(self, import_parts: ImportParts) -> None:
        date = {"post_date": "2014-03-02 09:30:00", "post_date_gmt": "2014-03-02 09:30:00"}
        import_parts(item(7, post_name="one", status="draft", **date), item(8, post_name="two", status="draft"))
        import_parts(item(9, post_name="one"), item(10, post_name="two", **date))
        assert set(Post.objects.values_list("pk", "slug")) == {(7, "one"), (8, "two"), (9, "one"), (10, "two")}

    def test_draft_that_never_had_a_date_stays_undated_and_without_a_slug(self, import_parts: ImportParts) -> None:
        import_parts(item(7, status="draft", post_name="", post_date_gmt="0000-00-00 00:00:00"))
        post = Post.objects.get(pk=7)
        assert (post.published_at, post.published_on, post.slug) == (None, None, "")

    @pytest.mark.parametrize("status", ["inherit", "auto-draft"])
    def test_revisions_are_skipped(self, import_parts: ImportParts, status: str) -> None:
        report = import_parts(item(7, status=status))
        assert not Post.objects.exists()
        assert counted(report, "post") == {"skipped": 1}

    @pytest.mark.parametrize(
        ("key", "value", "content"),
        [
            ("_jetpack_newsletter_access", "subscribers", ""),
            ("_jetpack_newsletter_access", "paid_subscribers_all_tiers", ""),
            ("_members_access_role", "editor", ""),
            ("_wpmem_block", "1", ""),
            ("rcp_subscription_level", "any-paid", ""),
            ("rcp_access_level", "3", ""),
            ("rcp_user_level", 'a:1:{i:0;s:3:"all";}', ""),
            ("rcUserLevel", "Subscriber", ""),
            ("groups-read", "4", ""),
            ("groups-groups_read_post", "members", ""),
            ("um_content_restriction", _ULTIMATE_MEMBER % (1, 2), ""),
            ("um_content_restriction", 'a:2:{s:26:"_um_custom_access_settings";b:1;s:14:"_um_accessible";i:2;}', ""),
            ("pms-content-restrict-user-status", "loggedin", ""),
            ("pms-content-restrict-subscription-plan", "34", ""),
            ("wppb-content-restrict-user-role", "subscriber", ""),
            ("patreon-level", "5", ""),
            ("memberful_acl", 'a:1:{s:12:"subscription";a:1:{i:0;i:7;}}', ""),
            ("memberful_available_to_any_registered_user", "1", ""),
            ("_issuem_leaky_paywall_visibility", 'a:1:{s:15:"visibility_type";s:4:"only";}', ""),
            *(("_is_paid", "1", ""), ("arm_access_plan", "0", ""), ("arm_is_paid_post", "1", "")),
            *(("_llms_is_restricted", "yes", ""), ("passster_activate_protection", "1", "")),
            *(("ihc_mb_who", "2,3", ""), ("_yith_wcmbs_restrict_access", "all_members", "")),
            ("_yith_wcmbs_restrict_access_plan", 'a:1:{i:0;s:2:"12";}', ""),
            ("s2member_ccaps_req", 'a:1:{i:0;s:5:"music";}', ""),
            ("wp_protect_password_multiple_passwords", 'a:1:{i:0;s:6:"secret";}', ""),
            ("post_protection_roles", 'a:2:{s:6:"author";s:0:"";s:6:"editor";s:6:"secret";}', ""),
            ("", "", "<!-- wp:pmpro/membership -->\nx\n<!-- /wp:pmpro/membership -->"),
            ("", "", "<!-- wp:groups/groups-member -->\nx\n<!-- /wp:groups/groups-member -->"),
            ("", "", "<!-- wp:pms/content-restriction-start /-->x<!-- wp:pms/content-restriction-end /-->"),
            *(
                ("", "", f"<!-- wp:paragraph {{{attributes}}} --><p>x</p><!-- /wp:paragraph -->")
                for attributes in _FOR_SOME
            ),
            ("", "", '<!-- wp:memberpress/protected-content {"rule":9} -->x<!-- /wp:memberpress/protected-content -->'),
            ("", "", "[passster password='x']x[/passster]"),
            ("", "", '[groups_member group="Staff"]x[/groups_member]'),
            ("", "", "[pms-restrict]x[/pms-restrict]"),
            ("", "", "<!-- wp:premium-content/container -->\nx\n<!-- /wp:premium-content/container -->"),
            ("", "", "Come <!-- wp:jetpack/paywall /--> in"),
            ("", "", '[restrict userlevel="editor"]x[/restrict]'),
            ("", "", '[su_members message="Log in"]x[/su_members]'),
        ],
    )
    def test_posts_that_only_some_readers_could_see_are_private(
        self, import_parts: ImportParts, key: str, value: str, content: str
    ) -> None:
        gated: Any = {"content": content, "inside": [meta(key, value)]}
        report = import_parts(item(7, **gated), page(20, **gated), item(8, status="draft", **gated))
        assert dict(Entry.objects.values_list("pk", "status")) == {7: "private", 20: "private", 8: "draft"}
        (text,) = {note.text for note in report.notes if note.kind in {"post", "page"}}
        assert "Only subscribers or members could read it" in text
        assert "Only subscribers or members could read it" in report.warnings[0]

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            *(("_jetpack_newsletter_access", "everybody"), ("_jetpack_newsletter_access", ""), ("_wpmem_block", "0")),
            *(("rcUserLevel", "None"), ("rcp_access_level", "0"), ("rcp_user_level", "All"), ("patreon-level", "0")),
            ("rcp_subscription_level", "a:0:{}"),
            *(("um_content_restriction", _ULTIMATE_MEMBER % choice) for choice in [(0, 2), (1, 0), (1, 1)]),
            ("pms-content-restrict-user-status", "loggedout"),
            ("memberful_acl", 'a:2:{s:7:"product";a:0:{}s:12:"subscription";a:0:{}}'),
            ("_issuem_leaky_paywall_visibility", 'a:1:{s:15:"visibility_type";s:6:"always";}'),
            *(("ihc_mb_who", ""), ("ihc_mb_who", "-1"), ("_yith_wcmbs_restrict_access_plan", "a:0:{}")),
            ("_yith_wcmbs_restrict_access", "non_members"),
            *(("_is_paid", ""), ("_llms_is_restricted", "no"), ("passster_activate_protection", "0")),
            *(("s2member_ccaps_req", 'a:1:{i:0;s:0:"";}'), ("wp_protect_password_multiple_passwords", "a:0:{}")),
            ("post_protection_roles", 'a:2:{s:6:"author";s:0:"";s:6:"editor";s:0:"";}'),
        ],
    )
    def test_posts_that_every_reader_could_see_stay_public(
        self, import_parts: ImportParts, key: str, value: str
    ) -> None:
        import_parts(item(7, content="[restrict] is a word", inside=[meta(key, value)]))
        assert Post.objects.published().exists()

    @pytest.mark.parametrize(
        "attributes",
        [
            '"contentControls":{"enabled":false,"rules":{"user":{"userStatus":"logged_in","userRoles":[]}}}',
            '"contentControls":{"enabled":true,"rules":{"device":{"hideOn":{"mobile":true}}}}',
            '"pmsContentRestriction":{"subscription_plans":[],"display_to":"not_logged_in","not_subscribed":false}',
            *('"um_is_restrict":true,"um_who_access":"0"', '"um_is_restrict":true,"um_who_access":"2"'),
            '"um_is_restrict":false,"um_who_access":"1"',
        ],
    )
    def test_blocks_that_every_reader_could_see_stay_public(self, import_parts: ImportParts, attributes: str) -> None:
        quoted = f"<p>{', '.join(_FOR_SOME)}</p>"
        import_parts(
            item(7, content=f"<!-- wp:paragraph {{{attributes}}} --><p>x</p><!-- /wp:paragraph -->"),
            item(8, content=quoted),
        )
        assert Post.objects.published().count() == 2

    def test_posts_restricted_to_subscribers_later_become_private(self, import_parts: ImportParts) -> None:
        import_parts(item(7))
        import_parts(item(7, inside=[meta("_jetpack_newsletter_access", "subscribers")]))
        assert Post.objects.get().status == Status.PRIVATE

    def test_restricted_posts_that_an_earlier_version_published_become_private(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gated = item(7, content="Come <!-- wp:jetpack/paywall /--> in")
        with monkeypatch.context() as earlier:
            earlier.setattr(Item, "is_for_members", False)
            import_parts(gated)
        assert Post.objects.get().status == Status.PUBLISHED
        import_parts(gated)
        assert Post.objects.get().status == Status.PRIVATE
        assert not import_parts(gated).has_changes

    @pytest.mark.parametrize("status", ["draft", "pending", "private", "trash"])
    def test_hidden_posts_are_not_shown_anywhere(self, import_parts: ImportParts, client: Client, status: str) -> None:
        import_parts(
            item(7, status=status, title="Secret title", inside=[filed("post_tag", "t")]), item(8, post_name="seen")
        )
        for url in ("/", "/2014/03/01/post-7/", "/?p=7", "/tag/t/", "/feed/"):
            assert "Secret title" not in client.get(url, follow=True).text


class TestPages:
    def test_parents_may_come_after_their_children(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(
            page(22, post_name="grandchild", post_parent=21),
            page(21, post_name="child", post_parent=20),
            page(20, post_name="about", menu_order=3, title="About us"),
        )
        assert [p.path for p in Page.objects.order_by("pk")] == ["about", "about/child", "about/child/grandchild"]
        assert Page.objects.get(pk=22).parent == Page.objects.get(pk=21)
        assert Page.objects.get(pk=20).menu_order == 3
        assert client.get("/about/child/grandchild/").status_code == 200

    def test_missing_parent_is_noted(self, import_parts: ImportParts) -> None:
        report = import_parts(page(21, post_name="orphan", post_parent=999))
        assert Page.objects.get(pk=21).path == "orphan"
        assert "parent is not in the export" in remarks(report)[0]

    @pytest.mark.parametrize("order", [[20, 21, 22], [22, 21, 20], [21, 20, 22], [21, 22, 20]])
    def test_parents_are_found_across_several_exports(
        self, import_parts: ImportParts, client: Client, order: list[int]
    ) -> None:
        before: dict[int, dt.datetime] = {}
        for pk in order:
            import_parts(page(pk, post_parent=pk - 1 if pk > 20 else 0))
            before[pk] = Page.objects.get(pk=pk).modified_at
        assert list(Page.objects.order_by("pk").values_list("path", flat=True)) == [
            *("page-20", "page-20/page-21", "page-20/page-21/page-22")
        ]
        assert dict(Page.objects.values_list("pk", "modified_at")) == before
        for pk in order:
            assert (
                client.get(f"/page-{pk}/").headers.get("Location", f"/page-{pk}/")
                == Page.objects.get(pk=pk).get_absolute_url()
            )
        assert not any(import_parts(page(pk, post_parent=pk - 1 if pk > 20 else 0)).has_changes for pk in order)
        assert not ImportedItem.objects.filter(kind="missing parent").exists()

    def test_a_page_that_moves_below_its_parent_later_is_noted(self, import_parts: ImportParts) -> None:
        import_parts(page(21, post_parent=20, title="Below"))
        report = import_parts(page(20))
        assert [(note.id, note.title) for note in report.notes] == [(21, "Below")]
        assert "now below its parent" in first(report.notes).text

    @pytest.mark.parametrize("parent", [0, 21])
    def test_a_page_does_not_move_if_it_changed_here_or_would_be_its_own_ancestor(
        self, import_parts: ImportParts, parent: int
    ) -> None:
        import_parts(page(21, post_parent=20))
        if parent == 0:
            Page.objects.get().save()
        import_parts(page(20, post_parent=parent))
        assert Page.objects.get(pk=21).parent is None

    def test_cycles_of_parents_are_broken_and_noted(self, import_parts: ImportParts) -> None:
        report = import_parts(
            page(20, post_parent=22), page(21, post_parent=20), page(22, post_parent=21), page(23, post_parent=23)
        )
        assert {p.pk: p.parent_id for p in Page.objects.all()} == {20: None, 21: 20, 22: 21, 23: None}
        assert len([text for text in remarks(report) if "its own ancestor" in text]) == 2

    @pytest.mark.parametrize("status", ["publish", "private"])
    def test_a_page_with_a_slug_takes_precedence_over_one_without(self, import_parts: ImportParts, status: str) -> None:
        import_parts(page(20, title="About", post_name="", status=status), page(21, post_name="about", status=status))
        assert dict(Page.objects.values_list("pk", "slug")) == {20: "about-2", 21: "about"}

    def test_duplicate_slugs_are_numbered_and_the_public_page_keeps_its_slug(self, import_parts: ImportParts) -> None:
        report = import_parts(page(20, post_name="about", status="draft"), page(21, post_name="about"))
        assert dict(Page.objects.values_list("pk", "path")) == {21: "about", 20: "about-2"}
        assert "about-2" in remarks(report)[0]

    @pytest.mark.parametrize("parent", [0, 30])
    def test_a_public_page_gets_its_url_even_if_an_earlier_import_has_given_it_to_a_draft(
        self, import_parts: ImportParts, parent: int
    ) -> None:
        hidden = page(20, post_name="about", status="draft", post_parent=parent)
        import_parts(page(30, post_name="above"), hidden, page(22, post_name="team", post_parent=20))
        public = page(21, post_name="about", post_parent=parent)
        report = import_parts(page(30, post_name="above"), public)
        above = "above/" if parent else ""
        paths = {21: f"{above}about", 20: f"{above}about-2", 22: f"{above}about/team", 30: "above"}
        assert dict(Page.objects.values_list("pk", "path")) == paths
        assert "page 20: Its URL now belongs to a public page. Its slug is “about-2” here." in remarks(report)
        assert not import_parts(hidden, public).has_changes

    def test_a_page_that_was_published_since_the_last_import_gets_its_url(self, import_parts: ImportParts) -> None:
        hidden, public = page(20, post_name="about", status="draft"), page(21, post_name="about")
        import_parts(hidden, page(21, post_name="about", status="draft", post_parent=20))
        import_parts(page(22, post_name="about-2"), hidden, public)
        assert dict(Page.objects.values_list("pk", "path")) == {21: "about", 20: "about-3", 22: "about-2"}

    def test_child_of_a_renamed_page_gets_a_matching_path(self, import_parts: ImportParts) -> None:
        import_parts(
            page(20, post_name="about"), page(21, post_name="about"), page(22, post_name="team", post_parent=21)
        )
        assert Page.objects.get(pk=22).path == "about-2/team"

    def test_pages_that_are_nested_too_deeply_move_to_the_top_level(self, import_parts: ImportParts) -> None:
        pages = [page(n, post_name="x" * 190, post_parent=n - 1 if n > 20 else 0) for n in range(20, 26)]
        report = import_parts(*pages)
        assert all(len(path) <= 600 for path in Page.objects.values_list("path", flat=True))
        assert any("too deep" in text for text in remarks(report))

    @pytest.mark.parametrize(
        ("slug", "below", "reached"),
        [
            ("media", "a", ["/media/", "/media/a/"]),
            ("files", "a", ["/files/", "/files/a/"]),
            ("feed", "a", ["/feed/a/"]),
            ("2014", "05", []),
            ("2014", "a", ["/2014/a/"]),
            ("tag", "a", ["/tag/"]),
            ("search", "a", ["/search/"]),
            ("12345", "a", ["/12345/", "/12345/a/"]),
        ],
    )
    def test_a_page_that_its_url_does_not_lead_to_is_noted(
        self, import_parts: ImportParts, client: Client, slug: str, below: str, reached: list[str]
    ) -> None:
        pages = page(20, post_name=slug, title="Of old"), page(21, post_name=below, post_parent=20, title="Of old")
        notes = remarks(import_parts(*pages, page(23)))
        urls = {20: f"/{slug}/", 21: f"/{slug}/{below}/"}
        for url in urls.values():
            response = client.get(url)
            assert (response.status_code == 200 and "Of old" in response.text) is (url in reached), url
        assert notes == [
            f"page {pk}: Its URL here, {url}, is used by the site itself, so readers can't reach the page. "
            f"Change the slug “{slug}”."
            for pk, url in urls.items()
            if url not in reached
        ]

    @pytest.mark.parametrize("slug", ["tag", "12345"])
    def test_a_page_with_a_slug_that_pages_cannot_choose_can_be_edited(
        self, import_parts: ImportParts, slug: str
    ) -> None:
        import_parts(page(20, post_name=slug), page(21))
        Page.objects.get(pk=20).full_clean()
        other = Page.objects.get(pk=21)
        other.slug = slug
        with pytest.raises(ValidationError, match="is reserved for the site itself"):
            other.full_clean()

    @pytest.mark.parametrize("slug", ["archive", "authors"])
    def test_a_page_keeps_the_url_of_an_overview(self, import_parts: ImportParts, client: Client, slug: str) -> None:
        assert remarks(import_parts(page(20, post_name=slug, title="Of old"))) == []
        assert "Of old" in client.get(f"/{slug}/").text

    def test_terms_of_pages_are_skipped_and_noted(self, import_parts: ImportParts) -> None:
        assert "no categories and tags" in remarks(import_parts(page(20, inside=[filed("post_tag", "x")])))[0]
        assert not Tag.objects.exists()


class TestHidingFromSearchEngines:
    @pytest.mark.parametrize("key", ["_yoast_wpseo_meta-robots-noindex", "jetpack_seo_noindex"])
    @pytest.mark.parametrize(("value", "expected"), [("1", True), ("2", False), ("0", False), ("", False)])
    def test_is_imported_from_plug_ins(self, import_parts: ImportParts, key: str, value: str, expected: bool) -> None:
        report = import_parts(item(inside=[meta(key, value)]))
        assert Post.objects.get().noindex is expected
        assert key not in str(report.notes)

    @pytest.mark.parametrize(
        ("key", "value", "expected"),
        [
            ("rank_math_robots", 'a:2:{i:0;s:7:"noindex";i:1;s:8:"nofollow";}', True),
            ("rank_math_robots", 'a:1:{i:0;s:5:"index";}', False),
            ("_aioseop_noindex", "on", True),
            ("_seopress_robots_index", "yes", True),
            ("_genesis_noindex", "1", True),
            ("_genesis_noindex", "0", False),
        ],
    )
    def test_is_imported_from_other_plug_ins_and_exported_while_it_applies(
        self, import_parts: ImportParts, tmp_path: Path, key: str, value: str, expected: bool
    ) -> None:
        import_parts(item(inside=[meta(key, value)]))
        post = Post.objects.get()
        assert post.noindex is expected
        assert exported(tmp_path).read_text().count(cdata(value)) == 1
        assert "_yoast_wpseo" not in exported(tmp_path).read_text()
        post.noindex = not expected
        post.save()
        assert (cdata(value) in exported(tmp_path).read_text()) is not expected
        assert ("_yoast_wpseo" in exported(tmp_path).read_text()) is not expected

    def test_follows_the_export(self, import_parts: ImportParts) -> None:
        for value, expected in (("1", True), ("0", False), ("1", True)):
            import_parts(item(inside=[meta("_yoast_wpseo_meta-robots-noindex", value)]))
            assert Post.objects.get().noindex is expected

    @pytest.mark.parametrize("key", ["_yoast_wpseo_meta-robots-noindex", "jetpack_seo_noindex"])
    def test_is_exported_to_the_same_plug_in_while_it_applies(
        self, import_parts: ImportParts, tmp_path: Path, key: str
    ) -> None:
        import_parts(item(inside=[meta(key, "1")]))
        assert key in exported(tmp_path).read_text()
        post = Post.objects.get()
        post.noindex = False
        post.save()
        assert key not in exported(tmp_path).read_text()
