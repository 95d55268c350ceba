"""Two people with the same form of the admin: the second one to save is told, and overwrites nothing unknowingly."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.test import Client

from accounts.models import Portrait, User
from accounts.preferences import person_inlines
from comments.models import Block, CommentSettings
from core.models import SiteSettings
from core.versioned_form import VersionedForm
from core.versioned_rows import VersionedFormSet
from media.models import Document
from newsletter.models import NewsletterSettings
from readers.models import ReaderSettings
from tags.models import Tag
from tests.factories import CategoryFactory, TagFactory, UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.files import pdf_file, picture
from tests.factories.responses import one, read, text
from tests.factories.types import AtOnce

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Client:
    return client_of(user_in_role("superuser"))


def opened(client: Client, obj: Model) -> tuple[str, dict[str, Any]]:
    """Return the URL of the form of `obj`, and what the browser would submit if nothing were entered."""
    url = f"/admin/{obj._meta.app_label}/{obj._meta.model_name}/{obj.pk}/change/"
    return url, values_of(client.get(url))


def values_of(response: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in one(read(response), f"#{response.context['opts'].model_name}_form").form_values():
        # Browsers leave out the line break with which text areas start.
        values.setdefault(name, []).append(value.removeprefix("\n"))
    return values


CASES: list[tuple[Callable[[], Model], dict[str, Any], dict[str, Any]]] = [
    (SiteSettings.current, {"title": "Theirs"}, {"tagline": "Mine"}),
    (CommentSettings.current, {"close_comments_after_days": 30}, {"links_allowed": 3}),
    (ReaderSettings.current, {"count_readers": "on"}, {"keep_months": 3}),
    (NewsletterSettings.current, {"hour": 6}, {"hour": 9}),
    (CategoryFactory, {"name": "Theirs"}, {"description": "Mine"}),
    (TagFactory, {"description": "Theirs"}, {"description": "Mine"}),
    (UserFactory, {"bio": "Theirs"}, {"role": "Editor"}),
    (lambda: UserFactory(role="Author"), {"role": "Editor"}, {"bio": "Mine"}),
    (lambda: Group.objects.create(name="Helpers"), {"granted": ["comments.moderation"]}, {"name": "Mine"}),
    (lambda: Block.objects.create(kind="word", text="casino", key="casino"), {"verdict": "spam"}, {"text": "poker"}),
    (lambda: Document.objects.create(title="Report", file="report.pdf"), {"title": "Theirs"}, {"title": "Mine"}),
]


@pytest.mark.parametrize(("create", "theirs", "mine"), CASES)
def test_who_saves_second_is_told_and_can_then_save(
    owner: Client, create: Callable[[], Model], theirs: dict[str, Any], mine: dict[str, Any]
) -> None:
    url, values = opened(owner, create())
    assert owner.post(url, values | theirs).status_code == 302
    response = owner.post(url, values | mine)
    assert response.status_code == 200
    assert "Someone else saved this while you were editing" in text(one(read(response), ".conflict"))
    again = values_of(response)
    ((name, value),) = mine.items()
    assert again.get(name, [""]) == [str(value)]
    assert owner.post(url, again).status_code == 302


class TestMerging:
    def test_what_only_one_of_two_people_changed_is_merged_and_saved_once_it_has_been_seen(self, owner: Client) -> None:
        parent = CategoryFactory()
        category = CategoryFactory(name="Before", description="One.\nTwo.", parent=None)
        url, values = opened(owner, category)
        owner.post(url, values | {"name": "Theirs", "parent": parent.pk})
        response = owner.post(url, values | {"slug": "mine", "description": "One.\r\nThree."})
        page = read(response)
        assert "The changes don't overlap, so the form has both." in text(page)
        assert "Nothing was saved yet." in text(one(page, ".conflict"))
        # The heading says that already.
        assert "This was changed elsewhere" not in text(page)
        assert "correct" not in text(page)
        assert not [*page.find_class("errornote"), *page.find_class("errorlist")]
        assert owner.post(url, values_of(response)).status_code == 302
        category.refresh_from_db()
        assert (category.name, category.slug, category.parent) == ("Theirs", "mine", parent)
        assert category.description.splitlines() == ["One.", "Three."]

    def test_every_kind_of_field_is_merged(self, owner: Client) -> None:
        url, values = opened(owner, SiteSettings.current())
        owner.post(url, values | {"tagline": "Theirs", "show_author": ["on"], "entries_per_page": 5})
        response = owner.post(url, values | {"title": "Mine", "show_excerpts": ["on"], "entries_per_feed": 7})
        assert owner.post(url, values_of(response)).status_code == 302
        stored = SiteSettings.current()
        assert (stored.title, stored.tagline) == ("Mine", "Theirs")
        assert (stored.show_author, stored.show_excerpts) == (True, True)
        assert (stored.entries_per_page, stored.entries_per_feed) == (5, 7)

    def test_where_both_changed_the_same_field_both_versions_are_shown(self, owner: Client) -> None:
        url, values = opened(owner, UserFactory(role="Author", bio="Before"))
        owner.post(url, values | {"bio": "Theirs <b>", "role": "Editor"})
        response = owner.post(url, values | {"bio": "Mine", "role": "Moderator"})
        conflict = one(read(response), ".conflict")
        assert "You both changed what is shown here." in text(conflict)
        for shown in ("Biography", "Theirs <b>", "Mine", "Role", "Editor", "Moderator"):
            assert shown in text(conflict)
        assert "<span" not in text(conflict)
        assert values_of(response)["bio"] == ["Mine"]

    def test_a_file_has_to_be_chosen_again(self, owner: Client) -> None:
        url, values = opened(owner, Document.objects.create(title="Report", file="report.pdf"))
        owner.post(url, values | {"title": "Theirs"})
        response = owner.post(url, values | {"replacement": pdf_file()})
        assert "The files couldn't be kept. Choose them again." in text(one(read(response), ".conflict"))
        assert values_of(response)["title"] == ["Theirs"]

    def test_what_else_is_wrong_is_listed_as_well(self, owner: Client) -> None:
        url, values = opened(owner, CategoryFactory())
        owner.post(url, values | {"description": "Theirs"})
        page = read(owner.post(url, values | {"name": ""}))
        assert "Someone else saved this while you were editing" in text(page)
        assert "This field is required." in text(page)

    @pytest.mark.parametrize("version", ["x", "[]", "{}", '{"name": [1], "parent": {}, "granted": 1}', "[" * 10_000])
    def test_if_it_is_unknown_what_the_form_showed_all_differences_are_shown(self, owner: Client, version: str) -> None:
        for obj in (CategoryFactory(name="Theirs"), Group.objects.create(name="Theirs")):
            url, values = opened(owner, obj)
            response = owner.post(url, values | {"version": version, "name": "Mine"})
            conflict = text(one(read(response), ".conflict"))
            assert "Theirs" in conflict
            assert "Mine" in conflict


@pytest.mark.parametrize("create", [CategoryFactory, TagFactory])
def test_the_text_of_a_form_whose_object_was_deleted_can_still_be_copied(
    owner: Client, create: Callable[[], Model]
) -> None:
    obj = create()
    url, values = opened(owner, obj)
    obj.delete()
    response = owner.post(url, values | {"description": "What I had\nwritten <b>"})
    assert response.status_code == 404
    (field,) = read(response).xpath("//textarea[@name='description']")
    assert field.text.strip() == "What I had\nwritten <b>"
    assert "Nothing was saved" in text(read(response))
    assert "Send again" not in text(read(response))
    # Without a text, there is nothing to show.
    assert owner.post(url, {"description": ""}).status_code == 302


class TestFormerSlugs:
    """Those of a tag are rows of its form."""

    @pytest.fixture
    def tag(self) -> Tag:
        tag: Tag = TagFactory()
        for slug in ("kept", "renamed", "removed"):
            tag.aliases.create(slug=slug)
        return tag

    def changed(self, values: dict[str, Any], *added: str, **changes: str | None) -> dict[str, Any]:
        """Return the form with new slugs, changed ones, and without those that become None."""
        values = dict(values)
        count = int(values["aliases-TOTAL_FORMS"][0])
        for index in range(count):
            (slug,) = values.get(f"aliases-{index}-slug", [""])
            if slug in changes:
                key = "DELETE" if changes[slug] is None else "slug"
                values[f"aliases-{index}-{key}"] = [changes[slug] or "on"]
        for index, slug in enumerate(added, start=count):
            values[f"aliases-{index}-slug"] = [slug]
        return values | {"aliases-TOTAL_FORMS": [str(count + len(added))]}

    def slugs(self, tag: Tag) -> set[str]:
        return set(tag.aliases.values_list("slug", flat=True))

    def test_that_two_people_change_are_merged(self, owner: Client, tag: Tag) -> None:
        url, values = opened(owner, tag)
        owner.post(url, self.changed(values, "theirs", removed=None))
        response = owner.post(url, self.changed(values, "mine", renamed="mine-too"))
        assert response.status_code == 200
        page = read(response)
        assert "This was changed elsewhere after you opened it." in text(page)
        assert "Nothing was saved yet." in text(one(page, ".conflict"))
        assert text(page).count("This was changed elsewhere after you opened it.") == 1
        assert not page.find_class("errornote")
        assert self.slugs(tag) == {"kept", "renamed", "theirs"}
        assert owner.post(url, values_of(response)).status_code == 302
        assert self.slugs(tag) == {"kept", "theirs", "mine", "mine-too"}

    def test_that_both_changed_are_shown_in_both_versions(self, owner: Client, tag: Tag) -> None:
        url, values = opened(owner, tag)
        owner.post(url, self.changed(values, renamed="theirs", removed=None))
        response = owner.post(url, self.changed(values, renamed="mine", removed="kept-by-me"))
        conflict = text(one(read(response), ".conflict"))
        assert "You both changed what is shown here." in conflict
        assert "theirs" in conflict
        assert owner.post(url, values_of(response)).status_code == 302
        assert self.slugs(tag) == {"kept", "mine", "kept-by-me"}

    def test_can_be_added_without_scripts(self, owner: Client) -> None:
        tag = TagFactory()
        url, values = opened(owner, tag)
        assert owner.post(url, values | {"aliases-0-slug": "older"}).status_code == 302
        assert self.slugs(tag) == {"older"}

    def test_that_only_someone_else_changed_stay_as_they_are(self, owner: Client, tag: Tag) -> None:
        url, values = opened(owner, tag)
        owner.post(url, self.changed(values, "theirs", renamed="theirs-too", removed=None))
        assert owner.post(url, values | {"description": "Mine"}).status_code == 302
        assert self.slugs(tag) == {"kept", "theirs", "theirs-too"}

    def test_that_only_someone_else_changed_are_mentioned(self, owner: Client, tag: Tag) -> None:
        url, values = opened(owner, tag)
        owner.post(url, self.changed(values, "theirs", renamed="theirs-too", removed=None))
        page = text(read(owner.post(url, values | {"description": "Mine"}, follow=True)))
        assert "Someone else changed something here after you opened it. It was kept:" in page
        for change in ("Former slug: theirs;", "Former slug: theirs-too;", "Former slug: removed (removed)."):
            assert change in page
        page = text(read(owner.post(url, opened(owner, tag)[1] | {"description": "Again"}, follow=True)))
        assert "Someone else" not in page

    def test_that_only_someone_else_changed_are_shown_beside_errors(self, owner: Client) -> None:
        url, values = opened(owner, person := UserFactory(role="Author"))
        owner.post(url, values | {"portrait-0-upload": chosen("red")})
        response = owner.post(url, values | {"username": ""})
        assert "Portrait changed" in text(one(read(response), ".conflict"))
        assert owner.post(url, values_of(response) | {"username": person.username}).status_code == 302

    def test_that_are_submitted_twice_are_no_conflict(self, owner: Client, tag: Tag) -> None:
        url, values = opened(owner, tag)
        owner.post(url, values | {"description": "Once"})
        assert owner.post(url, values | {"description": "Once"}).status_code == 302

    @pytest.mark.parametrize("version", ["", "x", "[]", '{"1": 2}', '{"1": {"slug": []}}'])
    def test_whose_version_is_malformed_are_refused_or_saved(self, owner: Client, tag: Tag, version: str) -> None:
        url, values = opened(owner, tag)
        response = owner.post(url, self.changed(values, "mine") | {"aliases-version": version})
        assert response.status_code == (200 if version else 302)


def chosen(colour: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("portrait.png", picture(colour=colour), content_type="image/png")


class TestPortraits:
    """That of a person is a row of their form."""

    @pytest.fixture
    def person(self) -> User:
        person: User = UserFactory(role="Author")
        return person

    def test_that_two_people_choose_are_compared(self, owner: Client, person: User) -> None:
        url, values = opened(owner, person)
        assert owner.post(url, values | {"portrait-0-upload": chosen("red")}).status_code == 302
        theirs = Portrait.objects.get().digest
        response = owner.post(url, values | {"portrait-0-upload": chosen("blue")})
        assert response.status_code == 200
        page = text(read(response))
        assert "This was changed elsewhere after you opened it." in page
        assert page.count("The files couldn't be kept. Choose them again.") == 1
        assert Portrait.objects.get().digest == theirs
        again = values_of(response)
        assert owner.post(url, again | {"portrait-0-upload": chosen("blue")}).status_code == 302
        assert Portrait.objects.get().digest != theirs

    def test_that_someone_else_removed_stay_removed(self, owner: Client, person: User) -> None:
        url, values = opened(owner, person)
        owner.post(url, values | {"portrait-0-upload": chosen("red")})
        url, values = opened(owner, person)
        owner.post(url, values | {"portrait-0-upload-clear": "on"})
        assert owner.post(url, values | {"bio": "Mine"}).status_code == 302
        assert not Portrait.objects.exists()

    def test_that_someone_else_replaced_are_not_removed_unseen(self, owner: Client, person: User) -> None:
        url, values = opened(owner, person)
        owner.post(url, values | {"portrait-0-upload": chosen("red")})
        url, values = opened(owner, person)
        owner.post(url, values | {"portrait-0-upload": chosen("blue")})
        response = owner.post(url, values | {"portrait-0-upload-clear": "on"})
        assert response.status_code == 200
        assert Portrait.objects.exists()
        # They see the other portrait now, and can decide again. The form has what they wanted.
        assert "Portrait The other version changed You removed" in text(one(read(response), ".conflict"))
        again = values_of(response)
        assert again["portrait-0-upload-clear"] == ["on"]
        assert "portrait-0-upload-clear" not in opened(owner, person)[1]
        assert owner.post(url, again).status_code == 302
        assert not Portrait.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("create", "name"),
    [
        (SiteSettings.current, "title"),
        (CommentSettings.current, "links_allowed"),
        (NewsletterSettings.current, "hour"),
        (CategoryFactory, "description"),
        (TagFactory, "description"),
        (UserFactory, "bio"),
        (lambda: Group.objects.create(name="Helpers"), "name"),
        (lambda: Block.objects.create(kind="word", text="casino", key="casino"), "text"),
        (lambda: Document.objects.create(title="Report", file="report.pdf"), "title"),
    ],
)
def test_only_one_of_several_simultaneous_saves_succeeds(
    create: Callable[[], Model], name: str, at_once: AtOnce
) -> None:
    obj = create()
    clients = [client_of(user_in_role("superuser")) for _ in range(4)]
    url, values = opened(clients[0], obj)
    responses = at_once(
        *[
            lambda client=client, value=value: client.post(url, values | {name: value})
            for value, client in enumerate(clients, start=3)
        ]
    )
    assert sorted(response.status_code for response in responses) == [200, 200, 200, 302]
    (winner,) = (value for value, response in enumerate(responses, start=3) if response.status_code == 302)
    assert str(getattr(type(obj)._default_manager.get(pk=obj.pk), name)) == str(winner)


def test_a_form_that_is_submitted_twice_is_no_conflict(owner: Client) -> None:
    url, values = opened(owner, CategoryFactory())
    for _click in range(2):
        assert owner.post(url, values | {"name": "Once"}).status_code == 302


def test_a_form_without_a_version_such_as_that_of_a_script_is_saved(owner: Client) -> None:
    url, values = opened(owner, CategoryFactory())
    owner.post(url, values | {"description": "Theirs"})
    assert owner.post(url, values | {"version": "", "description": "Mine"}).status_code == 302


def test_every_form_of_the_admin_notices_conflicts() -> None:
    inlines = [*(each for made in admin.site._registry.values() for each in made.inlines), *person_inlines.values()]
    assert all(issubclass(each.formset, VersionedFormSet) for each in inlines)
    unversioned = {
        each.__name__ for each, made in admin.site._registry.items() if not issubclass(made.form, VersionedForm)
    }
    # Comments have marks, which the moderation queue compares too; everyone sees only their own notifications; and
    # redirects can't be changed.
    assert unversioned == {"Comment", "NotificationPreference", "Redirect"}
