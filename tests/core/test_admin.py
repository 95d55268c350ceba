"""Every page of the admin says where the user is and what has just happened."""

import re
from dataclasses import fields
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from lxml.html import HtmlElement

from blog.models import Category, Redirect, Status
from comments.models import Block
from core.admin import BaseAdmin
from core.kind_messages import KindMessages
from core.models import SiteSettings
from tags.models import Tag
from tests.factories import CategoryFactory, CommentFactory, PostFactory, TagFactory, UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db

CATEGORIES = "/admin/blog/category/"
NEW_CATEGORY = {"name": "Awards", "slug": "", "parent": "", "description": ""}


@pytest.fixture
def owner() -> Client:
    return client_of(user_in_role("superuser"))


def message(response: Any) -> HtmlElement:
    return one(read(response), ".messagelist li")


def heading(client: Client, path: str) -> str:
    return text(one(read(client.get(path, follow=True)), "h1"))


def test_every_admin_has_the_same_base() -> None:
    assert [model for model, admin in site._registry.items() if not isinstance(admin, BaseAdmin)] == []


def test_no_form_loads_or_needs_jquery_and_the_messages_of_djangos_scripts(owner: Client) -> None:
    entry, category = PostFactory(), CategoryFactory()
    own = f"/admin/blog/post/{entry.pk}/change/", f"/admin/blog/category/{category.pk}/change/"
    rows = f"/admin/tags/tag/{TagFactory().pk}/change/", f"/admin/accounts/user/{entry.author_id}/change/"
    admins: list[Any] = list(site._registry.values())
    added = [admin for admin in admins if not admin.has_only_own_views]
    for path in (*own, *rows, *(admin._url("add") for admin in added)):
        response = owner.get(path)
        if response.status_code == 200:
            html = response.content.decode()
            assert (
                re.findall(r"jquery|jsi18n|RelatedObject|prepopulate|vDateField|selectfilter|related-widget", html)
                == []
            )


def test_names_of_fields_are_translated() -> None:
    untranslated = set()
    for model, admin in site._registry.items():
        filtered: Any = [each for each in admin.list_filter if isinstance(each, str | tuple)]
        filtered = [each if isinstance(each, str) else each[0] for each in filtered]
        in_forms = flatten_fieldsets(admin.fieldsets) if admin.fieldsets else admin.fields or admin.form.base_fields
        shown = [*admin.list_display, *filtered, *admin.readonly_fields, *in_forms]
        own: Any = {field.name: field for field in model._meta.fields}
        untranslated |= {own[name] for name in shown if name in own and isinstance(own[name].verbose_name, str)}
    assert untranslated == set()


def test_messages_name_the_object_exactly_if_they_are_about_one() -> None:
    about_one = {"added", "saved", "deleted", "question"}
    for admin in site._registry.values():
        for field in fields(KindMessages):
            message = str(getattr(admin.kind_messages, field.name))  # type: ignore[attr-defined]  # each is a BaseAdmin
            assert not message or ("{object}" in message) == (field.name in about_one), message


def test_a_form_with_errors_focuses_the_first_invalid_field(owner: Client) -> None:
    SiteSettings.current().save()
    sent = {"title": "Ours", "entries_per_page": "-5", "entries_per_feed": "none"}
    page = read(owner.post("/admin/core/sitesettings/1/change/", sent))
    assert [field.get("name") for field in page.xpath("//*[@autofocus]")] == ["entries_per_page"]


def test_a_number_below_the_minimum_is_refused_and_the_minimum_is_named(owner: Client) -> None:
    SiteSettings.current().save()
    form = owner.get("/admin/core/sitesettings/1/change/")
    assert one(read(form), "#id_entries_per_page").get("min") == "1"
    errors = owner.post("/admin/core/sitesettings/1/change/", {"entries_per_page": "-5"}).context["errors"]
    assert ["Ensure this value is greater than or equal to 1."] in errors


def test_settings_are_saved_with_one_button_and_shown_again(owner: Client) -> None:
    SiteSettings.current().save()
    url = "/admin/core/sitesettings/1/change/"
    buttons = find(read(owner.get(url)), ".submit-row [type=submit]")
    assert [button.get("name") for button in buttons] == ["_save"]
    sent = {"title": "Ours", "entries_per_page": "5", "entries_per_feed": "5"}
    page = read(owner.post(url, sent, follow=True))
    assert text(one(page, ".messagelist")) == "Settings saved."
    assert one(page, "#id_title").get("value") == "Ours"


def test_text_fields_take_the_direction_of_their_text(owner: Client) -> None:
    SiteSettings.current().save()
    page = read(owner.get("/admin/core/sitesettings/1/change/"))
    assert {one(page, f"#id_{name}").get("dir") for name in ("title", "tagline", "footer")} == {"auto"}
    page = read(owner.get(f"/admin/accounts/user/{UserFactory().pk}/change/"))
    assert {one(page, f"#id_{name}").get("dir") for name in ("display_name", "bio")} == {"auto"}
    assert one(page, "#id_email").get("dir") is None


def test_nothing_can_be_saved_as_a_copy(owner: Client) -> None:
    category = CategoryFactory()
    response = owner.post(f"{CATEGORIES}{category.pk}/change/", NEW_CATEGORY | {"_saveasnew": "1"})
    assert response.status_code == 400
    assert Category.objects.get() == category


def test_a_popup_closes_after_its_object_is_deleted(owner: Client) -> None:
    category = CategoryFactory()
    response = owner.post(f"{CATEGORIES}{category.pk}/delete/", {"post": "yes", "_popup": "1"})
    assert response.templates[0].name == "admin/popup_response.html"
    assert not Category.objects.exists()


def test_no_url_leads_from_the_id_of_an_object_to_its_page(owner: Client) -> None:
    draft, writer = PostFactory(title="Whistleblower", status=Status.DRAFT), UserFactory(slug="writer")
    kind = ContentType.objects.get_for_model(draft)
    for client in (owner, client_of(user_in_role("Moderator"))):
        assert client.get(f"/admin/r/{kind.pk}/{draft.pk}/").status_code == 404
    page = read(owner.get(f"/admin/accounts/user/{writer.pk}/change/"))
    assert find(page, '.object-tools a[href="/author/writer/"]')


class TestTitles:
    @pytest.mark.parametrize(
        ("path", "title"),
        [
            ("/admin/blog/post/", "Posts"),
            ("/admin/blog/post/add/", "Add post"),
            ("/admin/comments/block/", "Blocklist entries"),
            ("/admin/accounts/user/add/", "Invite someone"),
            ("/admin/core/sitesettings/", "Site settings"),
            ("/admin/comments/commentsettings/", "Comment settings"),
        ],
    )
    def test_they_name_the_task(self, owner: Client, path: str, title: str) -> None:
        assert heading(owner, path) == title

    def test_the_title_of_a_form_says_whether_it_can_be_edited(self, owner: Client) -> None:
        path = f"{CATEGORIES}{CategoryFactory().pk}/change/"
        assert heading(owner, path) == "Edit category"
        assert heading(client_of(user_in_role("Author")), path) == "View category"

    def test_history_and_delete_pages_have_titles(self, owner: Client) -> None:
        category = CategoryFactory()
        assert heading(owner, f"{CATEGORIES}{category.pk}/history/") == "History"
        assert heading(owner, f"{CATEGORIES}{category.pk}/delete/") == "Delete category"
        selected = {"action": "delete_selected", "_selected_action": category.pk}
        assert text(one(read(owner.post(CATEGORIES, selected)), "h1")) == "Delete category"

    def test_the_browser_tab_names_the_object_and_the_page(self, owner: Client) -> None:
        def tab(path: str) -> str:
            return text(one(read(owner.get(path)), "title"))

        category, post = CategoryFactory(name="Awards"), PostFactory(title="First words", language="en")
        assert tab(f"{CATEGORIES}{category.pk}/history/") == "Awards – History – Broadside"
        for page, title in (
            ("revisions", "Revisions"),
            ("preview-links", "Preview links"),
            ("translations", "Translations"),
        ):
            assert tab(f"/admin/blog/post/{post.pk}/{page}/") == f"First words – {title} – Broadside"


class TestLists:
    def test_each_cell_has_the_label_of_its_column(self, owner: Client) -> None:
        TagFactory(name='<td class="field-slug">')
        PostFactory(title="Words", categories=[CategoryFactory()])

        def labels(path: str) -> list[str | None]:
            cells = find(read(owner.get(path)), "#result_list td")
            return [cell.get("data-label") for cell in cells]

        # The first cell has the checkbox that selects the row.
        assert labels("/admin/tags/tag/") == [None, "Slug", "Posts (including drafts)", "First used", "Last used"]
        assert labels("/admin/blog/post/")[:5] == [None, "Title", "Author", "Categories", "Date"]

    def test_the_row_count_says_items_instead_of_inflecting_the_model_name(self, owner: Client) -> None:
        for name, shown in (("Awards", "1 item"), ("News", "2 items")):
            CategoryFactory(name=name)
            assert text(one(read(owner.get(CATEGORIES)), ".paginator .quiet")) == shown


class TestLoggingInAndOut:
    def test_the_login_page_has_the_title_of_the_site_and_explains_a_refusal(self) -> None:
        SiteSettings.objects.update_or_create(pk=1, defaults={"title": "Lamp & Ledger"})
        page = read(Client().post("/admin/login/", {"username": "x", "password": "y"}))
        assert text(one(page, "title")) == "Error: Log in – Lamp & Ledger"
        assert "The username or password is wrong" in text(one(page, ".errornote"))

    def test_the_page_after_logging_out_has_no_navigation(self, owner: Client) -> None:
        CommentFactory(status="pending")
        page = read(owner.post("/admin/logout/"))
        assert find(page, ".navigation") == []
        assert "You are logged out." in text(one(page, "#content"))


class TestEmptyLists:
    def test_say_so_and_offer_no_actions(self, owner: Client) -> None:
        page = read(owner.get(CATEGORIES))
        assert text(one(page, ".list-empty")) == "No categories yet. Add category"
        assert one(page, ".list-empty a").get("href") == "/admin/blog/category/add/"
        assert find(page, "[name=action]") == []

    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("/admin/blog/post/", "No posts yet. Add post"),
            ("/admin/blog/page/", "No pages yet. Add page"),
            ("/admin/comments/block/", "Nothing is blocked yet. Add blocklist entry"),
            ("/admin/comments/comment/", "No comments yet."),
            ("/admin/comments/decision/", "There is nothing here yet."),
            ("/admin/operations/withdrawal/", "There is nothing here yet. Withdraw a name"),
            ("/admin/wordpress/importjob/", "There is nothing here yet. Import from WordPress"),
        ],
    )
    def test_say_what_would_be_there_and_link_to_adding_it(self, owner: Client, path: str, expected: str) -> None:
        assert text(one(read(owner.get(path)), ".list-empty")) == expected

    def test_offer_adding_only_to_those_who_may(self) -> None:
        page = read(client_of(UserFactory(role="Moderator")).get("/admin/comments/comment/"))
        assert find(page, ".list-empty a") == []

    def test_a_search_without_results_has_its_own_message(self, owner: Client) -> None:
        CategoryFactory(name="Awards")
        assert "Nothing matches." in owner.get(f"{CATEGORIES}?q=other").content.decode()

    def test_only_a_search_shows_a_number_of_results(self, owner: Client) -> None:
        CategoryFactory(name="Awards"), CategoryFactory(name="News")
        for path, is_search in (("/admin/blog/redirect/", False), (f"{CATEGORIES}?q=award", True)):
            assert ("result" in text(one(read(owner.get(path)), "#changelist-search"))) == is_search


class TestMessages:
    def test_adding_links_to_the_form_and_to_the_site(self, owner: Client) -> None:
        shown = message(owner.post(f"{CATEGORIES}add/", NEW_CATEGORY, follow=True))
        assert text(shown) == "Category “Awards” added. View category"
        category = Category.objects.get()
        links = [link.get("href") for link in find(shown, "a")]
        assert links[0] == f"{CATEGORIES}{category.pk}/change/"
        assert links[1] == category.get_absolute_url()

    @pytest.mark.parametrize(
        ("button", "path"),
        [("_save", CATEGORIES), ("_continue", f"{CATEGORIES}{{pk}}/change/"), ("_addanother", f"{CATEGORIES}add/")],
    )
    def test_saving_leads_to_the_page_that_belongs_to_the_button(self, owner: Client, button: str, path: str) -> None:
        category = CategoryFactory()
        url = f"{CATEGORIES}{category.pk}/change/"
        response = owner.post(url, NEW_CATEGORY | {button: "1"}, follow=True)
        assert response.redirect_chain == [(path.format(pk=category.pk), 302)]
        assert text(message(response)) == "Category “Awards” saved. View category"

    def test_filters_of_the_list_are_kept(self, owner: Client) -> None:
        url = f"{CATEGORIES}{CategoryFactory().pk}/change/?_changelist_filters=q%3Dawards"
        assert owner.post(url, NEW_CATEGORY)["Location"] == f"{CATEGORIES}?q=awards"

    def test_names_are_escaped(self, owner: Client) -> None:
        shown = message(owner.post(f"{CATEGORIES}add/", NEW_CATEGORY | {"name": "<b>{0}</b> %s"}, follow=True))
        assert "“<b>{0}</b> %s” added" in text(shown)

    def test_an_object_without_a_public_page_has_no_view_link(self, owner: Client) -> None:
        data = {"path": "/old/", "destination": CategoryFactory().get_absolute_url()}
        shown = message(owner.post("/admin/blog/redirect/add/", data, follow=True))
        assert text(shown) == f"Redirect “{Redirect.objects.get()}” added."

    @pytest.mark.parametrize("name", ["{0} {object.__class__} %s", "<b>"])
    def test_a_confirmation_question_repeats_the_name_verbatim(self, owner: Client, name: str) -> None:
        page = read(owner.get(f"{CATEGORIES}{CategoryFactory(name=name).pk}/delete/"))
        assert f"Delete the category “{name}” permanently?" in text(page)

    def test_models_without_their_own_messages_are_named_in_generic_ones(self, owner: Client) -> None:
        page = read(owner.get(f"/admin/comments/block/{Block.objects.create(text='casino').pk}/delete/"))
        assert "Delete the blocklist entry “" in text(page)
        assert text(one(read(owner.get("/admin/comments/block/")), ".addlink")) == "Add blocklist entry"

    def test_deleting_an_object(self, owner: Client) -> None:
        category = CategoryFactory(name="Awards")
        shown = message(owner.post(f"{CATEGORIES}{category.pk}/delete/", {"post": "yes"}, follow=True))
        assert text(shown) == "Category “Awards” deleted."

    def test_deleting_several_objects(self, owner: Client) -> None:
        pks = [Block.objects.create(text=word).pk for word in ("casino", "pills")]
        data = {"action": "delete_selected", "_selected_action": pks, "post": "yes"}
        assert text(message(owner.post("/admin/comments/block/", data, follow=True))) == "2 blocklist entries deleted."
        assert not Block.objects.exists()

    def test_deleting_several_objects_requires_the_permission(self) -> None:
        tag = TagFactory()
        data = {"action": "delete_selected", "_selected_action": tag.pk, "post": "yes"}
        client_of(user_in_role("Author")).post("/admin/tags/tag/", data)
        assert Tag.objects.exists()


class TestDeleting:
    def test_rows_of_join_tables_are_not_listed(self, owner: Client) -> None:
        category = CategoryFactory(name="Awards")
        PostFactory(categories=[category])
        page = owner.get(f"{CATEGORIES}{category.pk}/delete/").text
        assert "Category: " in page
        assert "object (" not in page
        assert "relationship" not in page

    def test_a_long_list_is_truncated(self, owner: Client) -> None:
        post = PostFactory(status=Status.TRASH)
        CommentFactory.create_batch(30, entry=post)
        page = read(owner.get(f"/admin/blog/post/{post.pk}/delete/"))
        assert len(find(page, "#deleted-objects li")) < 25


class TestPeople:
    def test_the_form_links_to_a_new_password_and_reveals_nothing_about_the_hash(self, owner: Client) -> None:
        person = UserFactory(password="x" * 12)
        page = owner.get(f"/admin/accounts/user/{person.pk}/change/")
        link = f"/admin/accounts/user/{person.pk}/link/"
        assert link in page.text
        assert "New password…" in page.text
        for word in ("algorithm", "iterations", "salt", "sha256", "md5"):
            assert word not in page.text
        person.set_unusable_password()
        person.save()
        page = owner.get(f"/admin/accounts/user/{person.pk}/change/")
        assert link in page.text
        assert "Send invitation…" in page.text
