"""Setting the language of many posts or pages in the admin."""

from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from accounts.models import AuditRecord, User
from blog.models import Entry, Page, Post, Status
from tests.factories import PageFactory, PostFactory, UserFactory
from tests.factories.admin import client_of
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(editor: User) -> Client:
    return client_of(editor)


def act(client: Client, *entries: Post | Page, path: str = "/admin/blog/post/", **data: str) -> Any:
    selected = [entry.pk for entry in entries]
    return client.post(path, {"action": "set_language", "_selected_action": selected, **data}, follow=True)


def messages(response: Any) -> list[str]:
    return [text(message).removesuffix(" Undo") for message in find(read(response), "ul.messagelist li")]


class TestSetLanguage:
    def test_first_asks_for_the_language(self, client: Client) -> None:
        page = read(act(client, PostFactory()))
        assert one(page, "[name=language]").tag == "select"
        assert find(page, "[name=confirm]") == []

    def test_then_lists_what_will_change_and_changes_nothing(self, client: Client) -> None:
        none, french, arabic = PostFactory(title="A"), PostFactory(title="B", language="fr"), PostFactory(language="ar")
        page = read(act(client, none, french, arabic, language="ar"))
        assert [text(line) for line in find(page, "#content form li")] == ["A (not set)", "B (French)"]
        assert "2 texts will change" in text(page)
        assert set(Post.objects.values_list("language", flat=True)) == {"", "fr", "ar"}

    def test_sets_it_when_that_is_confirmed(self, client: Client, editor: User) -> None:
        posts = PostFactory.create_batch(2)
        other = PostFactory(title="Other")
        response = act(client, *posts, language="ar", confirm="1")
        assert messages(response) == ["The language of 2 posts was set."]
        assert list(Post.objects.filter(language="ar").order_by("pk")) == posts
        assert other.language == ""
        assert [each.details for each in AuditRecord.objects.filter(kind="blog.post")] == ["Language: Arabic."] * 2

    def test_pages_expire_and_show_it(self, client: Client, django_capture_on_commit_callbacks: Any) -> None:
        page = PageFactory(title="About")
        Client().get("/about/")
        with django_capture_on_commit_callbacks(execute=True):
            act(client, page, path="/admin/blog/page/", language="ar", confirm="1")
        article = one(read(Client().get("/about/")), "article.entry")
        assert (article.get("lang"), article.get("dir")) == ("ar", "rtl")

    def test_keeps_the_time_of_the_last_change_so_that_imports_still_update_the_text(self, client: Client) -> None:
        post = PostFactory()
        act(client, post, language="ar", confirm="1")
        assert Entry.objects.get().modified_at == post.modified_at

    def test_can_remove_the_language(self, client: Client) -> None:
        act(client, PostFactory(language="fr"), language="", confirm="1")
        assert Post.objects.get().language == ""

    def test_works_for_everything_in_the_list(self, client: Client) -> None:
        posts = PostFactory.create_batch(3)
        page = read(act(client, posts[0], select_across="1", language="fr"))
        assert one(page, "[name=select_across]").get("value") == "1"
        act(client, posts[0], select_across="1", language="fr", confirm="1")
        assert Post.objects.filter(language="fr").count() == 3

    def test_leaves_texts_alone_that_the_user_may_not_change(self) -> None:
        author = UserFactory(role="Author")
        draft = PostFactory(author=author, status=Status.DRAFT)
        published = PostFactory(author=author)
        response = act(client_of(author), draft, published, language="fr", confirm="1")
        assert [message.partition(":")[0] for message in messages(response)] == [
            "One post was not changed",
            "The language of one post was set. Preview post",
        ]
        assert list(Post.objects.filter(language="fr")) == [draft]

    def test_takes_the_same_number_of_queries_for_any_number(
        self, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        # Once in each process, Django looks up how the log refers to posts.
        ContentType.objects.get_for_model(Post, for_concrete_model=False)
        counts = []
        for number in (2, 20):
            posts = PostFactory.create_batch(number)
            with django_assert_max_num_queries(60) as queries:
                act(client, *posts, language="fr", confirm="1")
            counts.append(len(queries))
        assert counts[0] == counts[1]
