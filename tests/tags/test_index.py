"""The index of tags: its letters, the most used tags, its search, and a page in its place."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import html
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from blog.models import Page, Post, Redirect, Status
from core.models import SiteSettings
from tags import curation, index
from tags.models import Tag, TaggedPost
from tags.names import NAME_FIELDS, keys_of
from tests.factories import PageFactory, PostFactory, TagFactory, UserFactory, at
from tests.factories.copies import insert_copies
from tests.factories.plans import plan_of
from tests.factories.rollback import rolled_back
from tests.factories.types import ImportParts
from tests.factories.wxr import filed, item, tag

pytestmark = pytest.mark.django_db


def parsed(client: Client, path: str) -> Any:
    response = client.get(path)
    assert response.status_code == 200, path
    return html.fromstring(response.content)


def links(client: Client, path: str) -> dict[str, str]:
    """Return the tags that are listed at `path`, each with its number of posts."""
    items = parsed(client, path).xpath('//*[@class="tag-index"]/li')
    texts = [" ".join(item.text_content().split()) for item in items]
    return {match[1]: match[2] for text in texts if (match := re.fullmatch(r"(.*) \(([0-9]+)\)", text))}


def letters(client: Client, path: str = "/tags/") -> dict[str, str]:
    """Return the letters that the page at `path` links to, with the number of their tags."""
    found = parsed(client, path).xpath('//*[@class="tag-letters"]//a')
    return dict(link.text_content().split() for link in found)


class TestLetters:
    def test_cover_the_tags_of_public_posts_and_show_their_number(self, client: Client) -> None:
        PostFactory(tags=["apple", "Élan", "east", "الحرية", "Мир", "2011"])
        PostFactory(tags=["hidden"], status=Status.DRAFT)
        PostFactory(tags=["later"], published_at=timezone.now() + dt.timedelta(days=1))
        TagFactory(name="unused")
        assert letters(client) == {"A": "1", "E": "2", "М": "1", "ح": "1", "#": "1"}

    def test_each_has_a_page_with_its_tags_and_their_numbers_of_public_posts(self, client: Client) -> None:
        PostFactory(tags=["east", "Élan", "apple"])
        PostFactory(tags=["east"])
        PostFactory(tags=["east", "empty"], status=Status.DRAFT)
        assert links(client, "/tags/e/") == {"east": "2", "Élan": "1"}

    @pytest.mark.parametrize(
        ("name", "path"),
        [("Élan", "/tags/e/"), ("2011", "/tags/0-9/"), ("人权", "/tags/%E6%B1%89/"), ("Мир", "/tags/%D0%BC/")],
    )
    def test_have_readable_urls(self, client: Client, name: str, path: str) -> None:
        PostFactory(tags=[name])
        assert links(client, path) == {name: "1"}
        assert path in client.get("/tags/").content.decode()

    @pytest.mark.parametrize(
        ("path", "url"), [("/tags/E/", "/tags/e/"), ("/tags/é/", "/tags/e/"), ("/tags/e", "/tags/e/")]
    )
    def test_other_spellings_redirect(self, client: Client, path: str, url: str) -> None:
        PostFactory(tags=["east"])
        response = client.get(path)
        assert (response.status_code, response.headers["Location"]) == (301, url)

    @pytest.mark.parametrize("path", ["/tags/x/", "/tags/0-9/", "/tags/%22/", "/tags/east/"])
    def test_without_tags_have_no_page(self, client: Client, path: str) -> None:
        PostFactory(tags=["east"])
        assert client.get(path).status_code == 404

    def test_with_many_tags_have_several_pages(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(index, "TAGS_PER_PAGE", 2)
        PostFactory(tags=["ea", "eb", "ec", "ed", "ee"])
        assert [list(links(client, f"/tags/e/{page}")) for page in ("", "page/2/", "page/3/")] == [
            ["ea", "eb"],
            ["ec", "ed"],
            ["ee"],
        ]
        assert client.get("/tags/e/page/1/").headers["Location"] == "/tags/e/"
        assert client.get("/tags/e/page/2/").context["canonical_url"].endswith("/tags/e/page/2/")
        assert "/tags/e/page/3/" in client.get("/tags/e/").content.decode()

    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9), max_size=30))
    def test_every_tag_is_on_exactly_one_page_of_one_letter(self, names: list[str]) -> None:
        client, found = Client(), Counter[str]()
        with rolled_back():
            PostFactory(tags=[name for name in names if name.strip() and "," not in name])
            for url in parsed(client, "/tags/").xpath('//*[@class="tag-letters"]//a/@href'):
                found.update(parsed(client, url).xpath('//*[@class="tag-index"]//a/@href'))
            assert found == Counter(each.get_absolute_url() for each in Tag.objects.all())


class TestKeys:
    """The columns that are derived from a name are correct, however the name is written."""

    @pytest.fixture(autouse=True)
    def _all_are_correct(self, db: None) -> Iterator[None]:
        yield
        assert Tag.objects.exists()
        for each in Tag.objects.all():
            assert {name: getattr(each, name) for name in NAME_FIELDS} == {"name": each.name, **keys_of(each.name)}

    def test_when_it_is_created_for_a_post_or_on_its_own(self) -> None:
        PostFactory(tags=["Élan", "الحرية"])
        TagFactory(name="Öl")

    def test_when_it_is_renamed_and_the_renaming_is_undone(self) -> None:
        owner = UserFactory(role="Editor")
        change = curation.rename(TagFactory(name="Élan").pk, "Zeal", "zeal", owner)
        assert Tag.objects.get().initial == "z"
        curation.undo(change.pk, owner)
        assert Tag.objects.get().initial == "e"

    def test_when_it_comes_back_after_a_merge_or_a_deletion(self) -> None:
        owner = UserFactory(role="Editor")
        first, second = TagFactory(name="Élan"), TagFactory(name="zeal")
        curation.undo(curation.merge([first.pk], second.pk, owner).pk, owner)
        curation.undo(curation.delete([first.pk], owner, expected_uses=0).pk, owner)
        assert Tag.objects.count() == 2

    def test_when_it_is_imported_and_imported_again_with_another_name(self, import_parts: ImportParts) -> None:
        import_parts(tag("elan", "Élan"), item(5, inside=[filed("post_tag", "elan", "Élan")]))
        import_parts(tag("elan", "Öl"), item(5, inside=[filed("post_tag", "elan", "Öl")]))
        assert Tag.objects.get().initial == "o"


class TestFrontPage:
    def test_shows_the_most_used_tags_first(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        for names in (["b", "a", "c"], ["c"]):
            PostFactory(tags=names)
        PostFactory(tags=["a", "b"], status=Status.DRAFT)
        assert list(links(client, "/tags/").items()) == [("c", "2"), ("a", "1"), ("b", "1")]

    def test_shows_changes_immediately(self, client: Client) -> None:
        post = PostFactory(tags=["peace"])
        assert links(client, "/tags/") == {"peace": "1"}
        post.tags.set(["war"])
        assert (links(client, "/tags/"), letters(client)) == ({"war": "1"}, {"W": "1"})
        post.status = Status.TRASH
        post.save()
        assert (links(client, "/tags/"), letters(client)) == ({}, {})

    def test_says_that_there_are_no_tags(self, client: Client) -> None:
        assert "There are no tags yet." in client.get("/tags/").content.decode()

    def test_accepts_no_post_requests(self, client: Client) -> None:
        assert client.post("/tags/", {"post_password": "x"}).status_code == 405


class TestSearch:
    @pytest.mark.parametrize("words", ["Élan", "ELAN", " vit elan ", "lan"])
    def test_finds_tags_by_parts_of_all_words_without_case_and_accents(self, client: Client, words: str) -> None:
        PostFactory(tags=["élan vital", "vital"])
        PostFactory(tags=["elan hidden"], status=Status.DRAFT)
        assert links(client, f"/tags/?q={words}") == {"élan vital": "1"}

    @pytest.mark.parametrize("words", ["%", "_", "\\", "'", "a" * 300, "x y z u v w %00", "<script>"])
    def test_takes_every_character_literally(self, client: Client, words: str) -> None:
        PostFactory(tags=["peace"])
        response = client.get("/tags/", {"q": words})
        assert response.status_code == 200
        assert "<script>" not in response.content.decode()
        assert "No tag contains these words" in response.content.decode()

    def test_without_words_shows_the_front_page(self, client: Client) -> None:
        PostFactory(tags=["peace"])
        assert links(client, "/tags/?q=+") == links(client, "/tags/") == {"peace": "1"}

    def test_says_if_there_are_more_results(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(index, "TAGS_PER_PAGE", 1)
        PostFactory(tags=["peace", "peaceful"])
        assert "There are more." in client.get("/tags/?q=peace").content.decode()

    def test_is_not_for_search_engines(self, client: Client) -> None:
        PostFactory(tags=["peace"])
        assert client.get("/tags/?q=peace").headers["X-Robots-Tag"] == "noindex"
        assert "X-Robots-Tag" not in client.get("/tags/").headers


class TestPageInItsPlace:
    """An existing page at `/tags/`, or a redirect from there, takes precedence."""

    def test_is_shown_with_its_further_pages_subpages_and_feed(self, client: Client) -> None:
        PostFactory(tags=["peace"])
        page = PageFactory(title="Our labels", slug="tags", source="One\n\n<!--nextpage-->\n\nTwo")
        PageFactory(title="Letter P", slug="p", parent=page)
        assert "Our labels" in client.get("/tags/").content.decode()
        assert "Two" in client.get("/tags/2/").content.decode()
        assert "Letter P" in client.get("/tags/p/").content.decode()
        assert client.get("/tags/feed/").status_code == 200
        assert client.get("/tags/e/").status_code == 404

    def test_accepts_its_password(self, client: Client) -> None:
        PageFactory(slug="tags", source="Hidden words", password="secret")
        response = client.post("/tags/", {"post_password": "secret"}, headers={"origin": "http://testserver"})
        assert "Hidden words" in response.content.decode()

    def test_replaces_the_link_to_the_index_in_the_sidebar(self, client: Client) -> None:
        PostFactory(tags=["peace"])
        PageFactory(title="Our labels", slug="tags")
        menu = parsed(client, "/").xpath('//a[@href="/tags/"]')
        assert [" ".join(link.text_content().split()) for link in menu] == ["Our labels"]

    def test_that_is_not_published_does_not_hide_the_index(self, client: Client) -> None:
        PostFactory(tags=["peace"])
        PageFactory(title="Our labels", slug="tags", status=Status.DRAFT)
        assert links(client, "/tags/") == {"peace": "1"}

    def test_appears_when_it_is_due(self, client: Client) -> None:
        PostFactory(tags=["peace"])
        page = PageFactory(title="Our labels", slug="tags", published_at=timezone.now() + dt.timedelta(hours=1))
        assert links(client, "/tags/") == {"peace": "1"}
        page.published_at = timezone.now()
        page.save()
        assert "Our labels" in client.get("/tags/").content.decode()

    def test_redirects_when_it_has_moved(self, client: Client) -> None:
        PostFactory(tags=["peace"])
        Redirect.objects.create(path="/tags/", entry=PageFactory(slug="labels"))
        response = client.get("/tags/")
        assert (response.status_code, response.headers["Location"]) == (301, "/labels/")
        assert 'href="/tags/"' not in client.get("/").content.decode()

    def test_can_be_imported_without_a_warning(self, import_parts: ImportParts, client: Client) -> None:
        report = import_parts(item(7, post_type="page", post_name="tags", title="Our labels"))
        assert "reserved" not in str(report)
        assert "Our labels" in client.get("/tags/").content.decode()

    def test_stays_valid_but_cannot_be_created(self) -> None:
        with pytest.raises(ValidationError, match="reserved"):
            Page(title="Tags", author=UserFactory()).clean()
        page = PageFactory(slug="tags")
        page.title = "Still here"
        page.clean()


class TestLinkInTheSidebar:
    def test_exists_if_there_are_tags(self, client: Client) -> None:
        PostFactory(tags=["peace"])
        page = parsed(client, "/")
        assert page.xpath('//*[@id="menu-tags"]/a/@href') == ["/tags/"]

    def test_does_not_exist_without_tags_of_public_posts(self, client: Client) -> None:
        PostFactory(tags=["peace"], status=Status.DRAFT)
        assert "menu-tags" not in client.get("/").content.decode()

    def test_is_marked_as_the_current_page(self, client: Client) -> None:
        PostFactory(tags=["peace"])
        page = parsed(client, "/tags/")
        assert page.xpath('//*[@id="menu-tags"]/a/@aria-current') == ["page"]


class TestCost:
    @pytest.mark.parametrize(("path", "count"), [("/tags/", 2), ("/tags/e/", 3), ("/tags/?q=east", 3)])
    def test_a_page_takes_a_fixed_number_of_queries(
        self, client: Client, path: str, count: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        """One for the content version, and one for the tags, unless they are remembered."""
        PostFactory(tags=["east", "earth"])
        client.get(path)
        with django_assert_num_queries(count):
            client.get(path, headers={"cache-control": "no-store"})

    def test_counting_takes_two_more_queries_after_a_change(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        PostFactory(tags=["east", "earth"])
        site = SiteSettings.current()
        assert site.seconds_to_next_change
        with django_assert_num_queries(3):
            index.count_by_letter(site)
            index._most_used_tags()

    def test_the_list_of_sitemaps_looks_up_no_tags(self, client: Client) -> None:
        PostFactory(tags=["east"], published_at=at(2020, 1, 1))
        PostFactory(published_at=at(2021, 1, 1))
        client.get("/sitemap.xml")
        with CaptureQueriesContext(connection) as queries:
            found = client.get("/sitemap.xml", headers={"cache-control": "no-store"}).content.decode()
        assert re.search(r"/sitemap-tags.xml</loc>\s*<lastmod>2020-01-01", found)
        assert not [query["sql"] for query in queries if '"tags_tag"' in query["sql"]]


@pytest.fixture(scope="class")
def many_tags(class_db: None) -> None:
    """5,000 tags, each with one post."""
    author: User = UserFactory()
    now = timezone.now() - dt.timedelta(days=1)
    posts = insert_copies(
        Post(title="x", author=author, status="published", published_at=now, published_on=now.date()),
        ({"slug": f"p{n}"} for n in range(20)),
    )
    names = [f"{chr(97 + n % 26)}{n:05}" for n in range(5_000)]
    tags = insert_copies(Tag(), ({"name": name, "slug": name, **keys_of(name)} for name in names))
    rows = ({"tag": pk, "content_object": posts[n % 20]} for n, pk in enumerate(tags))
    insert_copies(TaggedPost(published_at=now), rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@pytest.mark.usefixtures("many_tags")
class TestPlan:
    def plan(self, prepared: Any, *values: Any, **shape: int) -> str:
        build = prepared._build
        return plan_of(build(*values, **shape))

    def is_read_by_tag(self, plan: str) -> bool:
        """Return whether an index that starts with the tag is used. PostgreSQL has two of about the same cost."""
        other = connection.vendor == "postgresql" and "tags_taggedpost_tag_id" in plan
        return "tag_newest_first" in plan or other

    def test_a_letter_is_read_in_the_order_of_its_index(self) -> None:
        plan = self.plan(index.tags_of_letter, timezone.now(), "e", start=0, stop=250)
        assert "tag_by_letter" in plan
        assert self.is_read_by_tag(plan)
        assert "TEMP B-TREE" not in plan
        assert "Seq Scan" not in plan

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads all names at once, in any order.")
    def test_a_search_reads_names_from_an_index_that_has_its_order(self) -> None:
        plan = self.plan(index.tags_with_words, timezone.now(), "nothing", stop=251)
        assert "tags_tag_search_key" in plan
        assert self.is_read_by_tag(plan)
        assert "TEMP B-TREE" not in plan

    def test_letters_and_uses_are_counted_from_indexes_only(self) -> None:
        assert self.is_read_by_tag(self.plan(index.letter_counts, timezone.now()))
        uses = self.plan(index.most_used, timezone.now())
        if connection.vendor == "sqlite":
            assert "COVERING INDEX tag_newest_first" in uses
