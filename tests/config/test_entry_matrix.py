"""The admin URLs for posts and pages: GET and POST by every role, for own and others' entries in every status."""

import uuid
from contextlib import suppress
from itertools import product
from typing import Any, Final

import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.urls import NoReverseMatch, reverse

from accounts.models import User
from accounts.roles import OWNER, ROLES, permissions_of
from blog.editing import preview_links
from blog.models import Entry, Post, ReviewNote, Revision, Status, TranslatedVersion
from blog.models import Page as BlogPage
from tests.factories import PageFactory, PostFactory, UserFactory
from tests.factories.admin import client_of, form_data
from tests.factories.permissions import EVERYONE, admin_urls, is_refused, post, undone, user_of

pytestmark = pytest.mark.django_db

ENTRY_URLS: Final = [name for name in sorted(set(admin_urls())) if name.startswith(("blog_post_", "blog_page_"))]

FACTORIES: Final = {"post": PostFactory, "page": PageFactory}

# For posts and pages, the permissions depend on the author and the status.

SEE, CHANGE, ADD, DELETE, DELETE_OLDER, NOTE, LIST = "see", "change", "add", "delete", "delete older", "note", "list"
PUBLISH, EDIT_NOTES, RESTORE, DUPLICATE = "publish", "edit the notes of others", "restore", "duplicate"
# By last part of the URL's name: the permission for a GET, the one for a POST (None: no such request), and its data.
ENTRY_PAGES: Final[dict[str, tuple[str | None, str | None, dict[str, Any]]]] = {
    "change": (SEE, CHANGE, {"title": "Changed"}),
    "delete": (DELETE, DELETE, {"post": "yes"}),
    "history": (SEE, None, {}),
    "notes": (SEE, NOTE, {"text": "A note"}),
    "revisions": (SEE, DELETE_OLDER, {"delete": "1", "revision": "{revision}"}),
    "convert": (CHANGE, CHANGE, {"version": "{version}"}),
    "quick": (CHANGE, CHANGE, {"title": "Changed"}),
    "translations": (CHANGE, None, {}),
    "original": (CHANGE, CHANGE, {}),
    "trash": (None, CHANGE, {}),
    "restore": (None, None, {}),
    "duplicate": (None, DUPLICATE, {}),
    "preview_links": (CHANGE, CHANGE, {"days": "7"}),
}
# POSTs that render submitted data or need the form being edited: first with an entry, then without one.
SUBMITTED: Final = {"autosave": CHANGE, "preview": CHANGE, "advice": CHANGE}
SUBMITTED_NEW: Final = {
    **dict.fromkeys(("autosave_new", "preview_new", "advice_new"), ADD),
    "undo": "change any",
}
# The list, whose POST is one of ACTIONS, and the form for a new entry.
WITHOUT_ENTRY: Final = {"changelist", "add"}

# Other buttons on these pages: the page, the data, and the permission.
BUTTONS: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("restore", {}, RESTORE),
    ("revisions", {"revision": "{revision}", "version": "{version}"}, CHANGE),
    ("preview_links", {"revoke": "{link}"}, CHANGE),
    ("translations", {"_link": "{draft}"}, CHANGE),
    ("notes", {"answer": "{note}", "answer-{note}": "An answer"}, NOTE),
    ("notes", {"resolve": "{note}"}, NOTE),
    ("notes", {"delete": "{note}"}, EDIT_NOTES),
)
# The list actions: the statuses in which they change anything, their data, and the permission.
LIVE: Final = set(Status) - {Status.TRASH}
ACTIONS: Final[dict[str, tuple[set[Status], dict[str, Any], str]]] = {
    "publish": (LIVE - {Status.PUBLISHED}, {}, PUBLISH),
    "unpublish": (LIVE - {Status.DRAFT}, {}, CHANGE),
    "trash": (LIVE, {}, CHANGE),
    "restore": ({Status.TRASH}, {}, RESTORE),
    "delete_selected": ({Status.TRASH}, {"post": "yes"}, DELETE),
    "bulk_edit": (LIVE, {"edit": "1", "confirm": "1", "comments": "closed"}, CHANGE),
    "set_language": (LIVE, {"language": "fa", "confirm": "1"}, CHANGE),
}


def may_with(role: str, what: str, entry: Post | BlogPage, *, own: bool) -> bool:
    """Return whether the registered permissions of a role allow this for an entry. Restates blog.permissions."""
    if role == OWNER:
        held, everything = {"*"}, True
    else:
        held = permissions_of(role) if role in ROLES else set()
        everything = False
    kind, is_post = entry.kind, isinstance(entry, Post)

    def has(action: str) -> bool:
        return everything or f"blog.{action}_{kind}" in held

    edits = not is_post or has("edit_others")
    concerned = edits or own
    in_trash = entry.status == Status.TRASH
    sees = (has("change") and concerned) or (has("view") and (concerned or has("view_others")) and not in_trash)
    changes = has("change") and (edits or (own and entry.status in {Status.DRAFT, Status.PENDING}))
    return {
        LIST: has("view") or has("change"),
        ADD: has("add"),
        SEE: sees,
        DUPLICATE: sees and has("add"),
        CHANGE: changes,
        "change any": has("change"),
        PUBLISH: changes and (has("publish") if is_post else True),
        EDIT_NOTES: has("change") and edits and not in_trash,
        RESTORE: has("change") and concerned and in_trash,
        NOTE: sees and not in_trash,
        DELETE: has("delete") and concerned and in_trash,
        DELETE_OLDER: changes and has("delete") and concerned,
    }[what]


def entry_url(name: str, entry: Post | BlogPage) -> str:
    for args in ([], [entry.pk], [uuid.uuid4()]):
        with suppress(NoReverseMatch):
            return reverse(f"admin:{name}", args=args)
    raise AssertionError(f"{name} takes other arguments")


def authors_for(user: User | None) -> list[tuple[bool, User]]:
    """Return the authors whose entries `user` tries to change, each after whether it is the user."""
    return [*([(True, user)] if user else []), (False, UserFactory())]


def translate(original: Post | BlogPage, entry: Post | BlogPage) -> None:
    """Make `entry` a translation of a version of `original`."""
    Entry.objects.filter(pk__in=[original.pk, entry.pk]).update(translation_group=uuid.uuid4())
    version = Revision.objects.create(**revision_values(original, "Original"))
    TranslatedVersion.objects.create(entry_id=entry.pk, revision=version)


def test_the_permissions_of_every_page_for_posts_and_pages_are_known() -> None:
    known = {
        f"blog_{kind}_{page}"
        for kind in ("post", "page")
        for page in (*ENTRY_PAGES, *SUBMITTED, *SUBMITTED_NEW, *WITHOUT_ENTRY)
    }
    assert set(ENTRY_URLS) - {"blog_post_calendar"} == known


@pytest.mark.parametrize("kind", ["post", "page"])
@pytest.mark.parametrize("role", EVERYONE)
def test_entry_pages_follow_the_permissions_in_every_status(role: str, kind: str) -> None:
    user = user_of(role)
    client, factory = client_of(user), FACTORIES[kind]
    wrong: list[tuple[Any, ...]] = []
    for own, author in authors_for(user):
        for status in Status:
            entry = factory(markup="html", source="<p>Text</p>", status=status, author=author)
            revisions = [Revision.objects.create(**revision_values(entry, title)) for title in ("One", "Two")]
            translate(factory(language="en", author=author), entry)
            known = {"version": entry.modified_at.isoformat(), "revision": revisions[1].pk}
            for page, (get, change, data) in ENTRY_PAGES.items():
                url = entry_url(f"blog_{kind}_{page}", entry)
                case = (page, status, "own" if own else "other")
                if get is not None and is_refused(client.get(url)) == may_with(role, get, entry, own=own):
                    wrong.append((*case, "GET"))
                if change is None:
                    continue
                sent = form_data(entry, **data) if page in {"change", "quick"} else data
                sent = {key: value.format(**known) if isinstance(value, str) else value for key, value in sent.items()}
                # An entry in the trash can't be moved there again.
                is_done = status == Status.TRASH and page == "trash"
                if post(client, url, sent)[1] != (may_with(role, change, entry, own=own) and not is_done):
                    wrong.append((*case, "POST"))
            for page, what in SUBMITTED.items():
                refused, _written = post(client, entry_url(f"blog_{kind}_{page}", entry), form_data(entry))
                if refused == may_with(role, what, entry, own=own):
                    wrong.append((page, status, own, "POST"))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("kind", ["post", "page"])
@pytest.mark.parametrize("role", EVERYONE)
def test_lists_and_forms_for_new_entries_follow_the_permissions(role: str, kind: str) -> None:
    """The list for each status, with own and others' entries; and the forms for new ones, which name an author."""
    user = user_of(role)
    client, factory = client_of(user), FACTORIES[kind]
    wrong: list[tuple[Any, ...]] = []
    add_url = reverse(f"admin:blog_{kind}_add")
    for own, author in authors_for(user):
        entries = [factory(status=status, author=author) for status in Status]
        adds = may_with(role, ADD, entries[0], own=own)
        if is_refused(client.get(add_url)) == adds:
            wrong.append(("add", own, "GET"))
        if post(client, add_url, form_data(title="New", menu_order=0, author=author.pk))[1] != adds:
            wrong.append(("add", own, "POST"))
        for page, what in SUBMITTED_NEW.items():
            refused, _written = post(client, entry_url(f"blog_{kind}_{page}", entries[0]), form_data(entries[0]))
            if refused == may_with(role, what, entries[0], own=own):
                wrong.append((page, own, "POST"))
    for status in Status:
        url = f"{reverse(f'admin:blog_{kind}_changelist')}?state={status}"
        if is_refused(client.get(url)) == may_with(role, LIST, entries[0], own=False):
            wrong.append(("changelist", status, "GET"))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("kind", ["post", "page"])
@pytest.mark.parametrize("role", EVERYONE)
def test_buttons_follow_the_permissions_in_every_status(role: str, kind: str) -> None:
    user = user_of(role)
    client, factory = client_of(user), FACTORIES[kind]
    wrong: list[tuple[Any, ...]] = []
    for own, author in authors_for(user):
        draft = factory(status=Status.DRAFT, author=author, language="de")
        for status in Status:
            entry = factory(status=status, author=author, language="en")
            revisions = [Revision.objects.create(**revision_values(entry, title)) for title in ("One", "Two")]
            known = {
                "version": entry.modified_at.isoformat(),
                "revision": revisions[0].pk,
                "draft": draft.pk,
                "link": preview_links.create(entry, author, 7).pk,
                "note": ReviewNote.objects.create(entry=entry, author=UserFactory(), text="A note").pk,
            }
            for page, data, what in BUTTONS:
                sent = {key.format(**known): str(value).format(**known) for key, value in data.items()}
                _refused, wrote = post(client, entry_url(f"blog_{kind}_{page}", entry), sent)
                if wrote != may_with(role, what, entry, own=own):
                    wrong.append((page, *data, status, own))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("kind", ["post", "page"])
@pytest.mark.parametrize("role", EVERYONE)
def test_actions_change_only_the_selected_entries_that_the_role_may_change(role: str, kind: str) -> None:
    """Entries in all statuses of a list are selected together, and the permissions decide about each."""
    user = user_of(role)
    client = client_of(user)
    wrong: list[tuple[Any, ...]] = []
    lists: tuple[tuple[str, set[Status]], ...] = (("?all=1", LIVE), ("?state=trash", {Status.TRASH}))
    for (own, author), (query, in_list) in product(authors_for(user), lists):
        values = {"author": author, "comments_open": True, "language": "en"}
        entries = [FACTORIES[kind](status=status, **values) for status in Status if status in in_list]
        pks = [entry.pk for entry in entries]
        rows = Entry.objects.filter(pk__in=pks).order_by("pk")
        before = list(rows.values())
        for name, (statuses, data, what) in ACTIONS.items():
            url = reverse(f"admin:blog_{kind}_changelist") + query
            with undone() as writes:
                client.post(url, {"action": name, "_selected_action": pks, **data})
                after = list(rows.values())
            changed = {row["id"] for row in before if row not in after}
            allowed = {e.pk for e in entries if e.status in statuses and may_with(role, what, e, own=own)}
            if changed != allowed or bool(writes) != bool(allowed):
                wrong.append((name, query, own, [entry.status for entry in entries if entry.pk in changed ^ allowed]))
    assert not wrong, "\n".join(map(str, wrong))


def test_the_permissions_of_every_list_action_are_known(rf: RequestFactory) -> None:
    for model, query in product((Post, BlogPage), ("/", "/?state=trash")):
        request = rf.get(query)
        request.user = UserFactory(is_superuser=True, is_staff=True)
        offered = set(admin.site._registry[model].get_actions(request))
        in_trash = "trash" in query
        assert offered == {name for name, (in_, *_rest) in ACTIONS.items() if (Status.TRASH in in_) == in_trash}


def revision_values(entry: Post | BlogPage, title: str) -> dict[str, Any]:
    """Return the fields of a revision of `entry` with another title."""
    revision = Revision.of(entry, by=None)
    fields = {field.name: getattr(revision, field.name) for field in Revision._meta.fields if field.name != "id"}
    return fields | {"title": title, "digest": title}
