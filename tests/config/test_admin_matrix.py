"""Every admin URL for every role: who can open it, and whose POST changes anything.

The URLs come from the URL configuration, so a new one fails until NEEDS lists the permissions that it requires.
What a role may do is computed from the registered permissions (accounts.roles) and compared with what happens.
"""

import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django_tasks_db.models import DBTaskResult
from lxml import html

from accounts.roles import OWNER
from blog.models import AppearanceVersion, Redirect, Status
from comments.models import Block
from comments.models import CommentStatus as Decided
from media.documents import store_document
from media.models import Picture
from newsletter.models import Issue
from operations.models import Withdrawal, WithdrawalState
from tests.factories import PASSWORD, CategoryFactory, CommentFactory, PostFactory, TagFactory, UserFactory, at
from tests.factories.admin import client_of
from tests.factories.permissions import (
    ANYONE,
    EVERYONE,
    NOBODY,
    OWNERS,
    STAFF,
    Need,
    admin_urls,
    is_refused,
    may,
    need,
    post,
    user_of,
)
from wordpress.models import ExportJob, ExportState, FragmentKind, ImportJob, JobState, ReusableBlock

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Page:
    """The permissions to open a page, and to change something with a POST of `data`. None: there is no such request."""

    get: Need
    post: Need = None
    data: dict[str, Any] = field(default_factory=dict)
    # Whether the POST only renders something, or needs more than this test sends, such as an uploaded file.
    only_shows: bool = False


CURATE_CATEGORIES = need("blog.delete_category")
CURATE_TAGS = need("tags.delete_tag")
MODERATE = need("comments.moderate_comment")
TRANSFER = need("newsletter.transfer_subscribers")
IMPORT = need("wordpress.import_wordpress")
EXPORT = need("wordpress.export_site")
WRITE = need("blog.add_post", "blog.add_page", "blog.change_post", "blog.change_page")
UPLOAD = need("media.add_picture")
SETTINGS = need("core.change_sitesettings")
APPEARANCE = need("blog.change_siteappearance")
FAILED_TASK: Final = "mail.tasks.send_due_mail"
NOTIFIED = need("comments.moderate_comment", "blog.add_post")

# By model and name of the page, or by name of the URL.
NEEDS: Final[dict[str, Page]] = {
    "index": Page(STAFF),
    "login": Page(ANYONE),
    "logout": Page(None, ANYONE, only_shows=True),
    "password_change": Page(STAFF, STAFF, only_shows=True),
    "password_change_done": Page(STAFF),
    "jsi18n": Page(STAFF),
    # Refused without the name of a field.
    "autocomplete": Page(NOBODY),
    # Redirects to the dashboard.
    "app_list": Page(NOBODY),
    "markdownx_upload": Page(None, UPLOAD, only_shows=True),
    "media_upload": Page(None, UPLOAD, only_shows=True),
    "editor_media": Page(need("blog.add_post", "blog.change_post")),
    "editor_links": Page(WRITE),
    "markdownx_markdownify": Page(None, WRITE, {"content": "*x*"}, only_shows=True),
    "review_unsubscribe": Page(ANYONE),
    "account_login": Page(ANYONE, ANYONE, only_shows=True),
    "account_passkey_login": Page(ANYONE, ANYONE, only_shows=True),
    "account_forgot_password": Page(ANYONE, ANYONE, only_shows=True),
    "account_set_password": Page(ANYONE, ANYONE, only_shows=True),
    "account_lock": Page(ANYONE, ANYONE, only_shows=True),
    "mfa_authenticate": Page(ANYONE, ANYONE, only_shows=True),
    "account": Page(STAFF),
    "account_may_send": Page(STAFF),
    **{
        f"account_{name}": Page(STAFF, STAFF, only_shows=True)
        for name in ("confirm", "add_passkey", "add_app", "passkey", "recovery_codes")
    },
    "account_emergency_link": Page(STAFF, STAFF),
    # A GET of this and of the other buttons of “Your account” redirects there.
    "account_language": Page(STAFF, STAFF, {"language": "fr"}),
    # Changes nothing without a file.
    "own_profile": Page(None, need("blog.add_post"), only_shows=True),
    "tasks_retry": Page(None, SETTINGS, {"task": FAILED_TASK}),
    "tasks_dismiss": Page(None, SETTINGS, {"task": FAILED_TASK}),
    **{
        f"account_{name}": Page(STAFF, STAFF, only_shows=True)
        for name in ("end_session", "end_sessions", "remove_factor")
    },
    "account_policies": Page(OWNERS, OWNERS, only_shows=True),
    # A POST does the same as a GET or is refused: the audit log can't be changed.
    "accounts_auditrecord_changelist": Page(OWNERS),
    "accounts_auditrecord_export": Page(OWNERS),
    # These redirect to the form, which is refused.
    "core_sitesettings_changelist": Page(STAFF),
    "comments_commentsettings_changelist": Page(STAFF),
    "readers_readersettings_changelist": Page(STAFF),
    "readers_entrycount_changelist": Page(need("readers.view_entrycount")),
    "blog_siteappearance_changelist": Page(STAFF),
    "blog_siteappearance_again": Page(None, APPEARANCE),
    "blog_siteappearance_links": Page(APPEARANCE),
    "blog_siteappearance_stop": Page(None, APPEARANCE, only_shows=True),
    "accounts_user_add": Page(OWNERS, OWNERS, {"display_name": "New", "email": "", "role": "Author"}),
    "accounts_user_link": Page(OWNERS, OWNERS),
    "accounts_user_offboard": Page(OWNERS, OWNERS, {"confirm": "1"}),
    "accounts_user_help": Page(OWNERS, OWNERS),
    # A GET redirects to the user.
    "accounts_user_reactivate": Page(OWNERS, OWNERS),
    "operations_withdrawal_add": Page(OWNERS, OWNERS, {"name": "Ann Lee", "replacement": "A. L."}),
    "operations_withdrawal_change": Page(OWNERS, OWNERS, {"do": "undo"}),
    "media_document_restore": Page(None, need("media.delete_document"), {"pks": "1"}, only_shows=True),
    "media_picture_restore": Page(None, need("media.delete_picture"), {"pks": "1"}, only_shows=True),
    "media_picture_duplicates": Page(need("media.delete_picture"), need("media.delete_picture"), only_shows=True),
    "media_picture_merge": Page(need("media.delete_picture"), need("media.delete_picture"), only_shows=True),
    "blog_category_merge": Page(CURATE_CATEGORIES, CURATE_CATEGORIES, only_shows=True),
    "blog_categorytwins_changelist": Page(CURATE_CATEGORIES, CURATE_CATEGORIES, only_shows=True),
    "blog_categorychange_undo": Page(None, CURATE_CATEGORIES, only_shows=True),
    "tags_tagchange_undo": Page(None, CURATE_TAGS, only_shows=True),
    "tags_tag_suggest": Page(need("tags.view_tag", "tags.change_tag")),
    "tags_tag_merge": Page(CURATE_TAGS, CURATE_TAGS, only_shows=True),
    "tags_tag_delete_many": Page(CURATE_TAGS, CURATE_TAGS, only_shows=True),
    # These redirect to pages that are refused.
    "tags_tag_delete": Page(STAFF),
    "wordpress_importjob_history": Page(STAFF),
    "tags_tag_rename": Page(CURATE_TAGS, CURATE_TAGS, {"name": "New name", "confirm": "1"}, only_shows=True),
    "tags_tagtwins_changelist": Page(CURATE_TAGS, CURATE_TAGS, only_shows=True),
    **{f"comments_comment_{name}": Page(None, MODERATE) for name in ("approve", "spam", "trash")},
    "comments_comment_unapprove": Page(None, MODERATE, only_shows=True),
    "comments_comment_restore": Page(None, MODERATE, only_shows=True),
    "comments_comment_undo": Page(None, MODERATE, only_shows=True),
    "comments_queue_changelist": Page(MODERATE),
    "comments_queue_decide": Page(None, MODERATE, {"decide": "approve {comments_comment}"}),
    # Redirects to the user's own settings, which are created on demand.
    "comments_notificationpreference_changelist": Page(NOTIFIED, NOTIFIED),
    "comments_queue_undo": Page(None, MODERATE, only_shows=True),
    "comments_queue_similar": Page(MODERATE, MODERATE, only_shows=True),
    "comments_queue_statistics": Page(MODERATE),
    "wordpress_exportjob_changelist": Page(EXPORT, EXPORT, {"format": "wordpress"}, only_shows=True),
    "wordpress_exportjob_progress": Page(EXPORT),
    "wordpress_exportjob_download": Page(EXPORT),
    "wordpress_exportjob_cancel": Page(None, EXPORT, only_shows=True),
    "wordpress_exportjob_remove": Page(None, EXPORT, only_shows=True),
    **{f"wordpress_importjob_{name}": Page(None, IMPORT, only_shows=True) for name in ("start", "undo", "cancel")},
    "wordpress_importjob_take_title": Page(None, IMPORT, only_shows=True),
    "wordpress_importjob_progress": Page(IMPORT),
    "newsletter_newslettersettings_changelist": Page(STAFF),
    "newsletter_issue_import": Page(TRANSFER, TRANSFER, only_shows=True),
    "newsletter_issue_export": Page(None, TRANSFER, only_shows=True),
    "wordpress_importjob_report": Page(IMPORT),
}


# Log out last.
URLS: Final = sorted(set(admin_urls()), key=lambda name: (name == "logout", name))
ENTRY_URLS: Final = [name for name in URLS if name.startswith(("blog_post_", "blog_page_"))]


def default_needs(label: str) -> tuple[frozenset[str], ...]:
    app, model = label.split(".")
    view = need(f"{app}.view_{model}", f"{app}.change_{model}")
    return view, *(need(f"{app}.{action}_{model}") for action in ("add", "change", "delete"))


# The permissions to view, add, change and delete objects of a model, where they aren't the model's own.
MODELS: Final[dict[str, tuple[frozenset[str], ...]]] = {
    "core.sitesettings": (*default_needs("core.sitesettings")[:1], NOBODY, need("core.change_sitesettings"), NOBODY),
    "accounts.user": (OWNERS, OWNERS, OWNERS, NOBODY),
    "operations.withdrawal": (OWNERS, OWNERS, OWNERS, NOBODY),
    "auth.group": (OWNERS, OWNERS, OWNERS, OWNERS),
    "blog.siteappearance": (APPEARANCE, NOBODY, APPEARANCE, NOBODY),
    "blog.categorychange": (CURATE_CATEGORIES, NOBODY, NOBODY, NOBODY),
    "blog.redirect": (*default_needs("blog.redirect")[:2], NOBODY, need("blog.delete_redirect")),
    "tags.tagchange": (CURATE_TAGS, NOBODY, NOBODY, NOBODY),
    "comments.comment": (*default_needs("comments.comment")[:1], NOBODY, need("comments.change_comment"), OWNERS),
    "comments.decision": (MODERATE, NOBODY, NOBODY, OWNERS),
    "comments.erasure": (need("comments.erase_commenter"), NOBODY, NOBODY, NOBODY),
    "comments.commentsettings": (
        *default_needs("comments.commentsettings")[:1],
        NOBODY,
        need("comments.change_commentsettings"),
        NOBODY,
    ),
    "readers.readersettings": (
        *default_needs("readers.readersettings")[:1],
        NOBODY,
        need("readers.change_readersettings"),
        NOBODY,
    ),
    "comments.notificationpreference": (NOTIFIED, NOBODY, NOBODY, NOBODY),
    "newsletter.issue": (need("newsletter.view_issue"), NOBODY, NOBODY, NOBODY),
    "newsletter.newslettersettings": (
        *default_needs("newsletter.newslettersettings")[:1],
        NOBODY,
        need("newsletter.change_newslettersettings"),
        NOBODY,
    ),
    "wordpress.importjob": (IMPORT, IMPORT, IMPORT, IMPORT),
    "wordpress.reusableblock": (
        *default_needs("wordpress.reusableblock")[:1],
        NOBODY,
        need("wordpress.change_reusableblock"),
        NOBODY,
    ),
}
# Unlike the list, each object of these models is visible only to the user it belongs to, or not at all.
PRIVATE_OBJECTS: Final = {"comments.erasure", "comments.notificationpreference", "newsletter.issue"}
# URLs that are not found for any role, because there is no file or report, or no such link or passkey; and login pages,
# which redirect logged-in users to the dashboard, and the second step to the first.
WITHOUT_OBJECT: Final = {
    "wordpress_exportjob_download",
    "wordpress_importjob_report",
    "review_unsubscribe",
    "account_lock",
    "account_passkey",
    "login",
    "account_login",
    "mfa_authenticate",
}
# Forms that need more than text.
NO_PAYLOAD: Final = {"media_document_add", "media_picture_add", "wordpress_importjob_add", "wordpress_importjob_change"}
FILLED_IN: Final[dict[str, dict[str, str]]] = {
    "auth_group_add": {"name": "Translators"},
    "auth_group_change": {"name": "Translators"},
    "blog_category_add": {"name": "New"},
    "blog_category_change": {"name": "Changed"},
    "blog_siteappearance_change": {"width": "wide"},
    "blog_redirect_add": {"path": "/old/", "destination": "/category/filed/"},
    "comments_block_add": {"text": "worse"},
    "comments_block_change": {"text": "Changed"},
    "comments_comment_change": {"text": "Changed"},
    "core_sitesettings_change": {"title": "Changed"},
    "comments_commentsettings_change": {"max_links": "7"},
    "readers_readersettings_change": {"keep_months": "7"},
    "newsletter_newslettersettings_change": {"hour": "9"},
    "media_document_change": {"title": "Changed"},
    "media_picture_change": {"alt": "Changed"},
    "tags_tag_add": {"name": "New"},
    "tags_tag_change": {"name": "Changed"},
    "wordpress_reusableblock_change": {"text": "Changed"},
    "accounts_user_change": {"display_name": "Changed"},
}


def page_of(name: str) -> Page:
    """Return the permissions that the URL requires."""
    if name in NEEDS:
        return NEEDS[name]
    app, model, action = name.split("_", 2)
    label = f"{app}.{model}"
    view, add, change, delete = MODELS.get(label) or default_needs(label)
    of_object = NOBODY if label in PRIVATE_OBJECTS else view
    chosen = {"action": "delete_selected", "_selected_action": f"{{{app}_{model}}}", "post": "yes"}
    return {
        "changelist": Page(view, delete, chosen),
        "add": Page(add, add),
        "change": Page(of_object, change),
        "delete": Page(delete, delete, {"post": "yes"}),
        "history": Page(of_object),
    }[action]


@pytest.fixture
def objects() -> dict[str, Any]:
    """One object of each model, none of which belongs to the users who make the requests."""
    author = UserFactory(role="Author", password="x" * 12)
    UserFactory(is_superuser=True, password=PASSWORD)
    post = PostFactory(author=author, status=Status.DRAFT, markup="html", source="<p>Text</p>")
    comment = CommentFactory(status=Decided.PENDING, user=None)
    decided = comment.decisions.create(moderator=author, was="approved", became="pending")
    category, tag = CategoryFactory(name="filed"), TagFactory()
    failed = {"status": "FAILED", "finished_at": at(2020, 1, 1), "run_after": at(2020, 1, 1)}
    DBTaskResult.objects.create(task_path=FAILED_TASK, args_kwargs={"args": [], "kwargs": {}}, **failed)
    change = {"kind": "merge", "summary": "x", "data": {}, "undone_at": at(2020, 1, 1)}
    return {
        "core_sitesettings": 1,
        "comments_commentsettings": 1,
        "readers_readersettings": 1,
        "blog_siteappearance": 1,
        "blog_appearanceversion": AppearanceVersion.objects.create().pk,
        "accounts_user": author.pk,
        "auth_group": Group.objects.create(name="Other").pk,
        "operations_withdrawal": Withdrawal.objects.create(state=WithdrawalState.DONE).pk,
        "media_document": store_document(SimpleUploadedFile("words.txt", b"Words."), title="Words", by=author).pk,
        "media_picture": Picture.objects.create(file="pictures/x.png", width=1, height=1).pk,
        "blog_category": category.pk,
        "blog_categorychange": apps.get_model("blog", "CategoryChange").objects.create(**change).pk,
        "blog_redirect": Redirect.objects.create(path="/x/", category=category).pk,
        "tags_tag": tag.pk,
        "tags_tagchange": apps.get_model("tags", "TagChange").objects.create(**change).pk,
        "comments_comment": comment.pk,
        "comments_decision": decided.pk,
        "comments_erasure": 1,
        "comments_block": Block.objects.create(text="bad").pk,
        "comments_notificationpreference": apps.get_model("comments", "NotificationPreference")
        .objects.create(user=author)
        .pk,
        "newsletter_newslettersettings": 1,
        "newsletter_issue": Issue.objects.create(frequency="daily").pk,
        "wordpress_importjob": ImportJob.objects.create(state=JobState.READY, file_names=["blog.xml"]).pk,
        "wordpress_exportjob": ExportJob.objects.create(state=ExportState.EXPIRED, format="wordpress").pk,
        "wordpress_reusableblock": ReusableBlock.objects.create(kind=FragmentKind.BLOCK, name="7", text="x").pk,
        "post": post.pk,
    }


def url_of(name: str, objects: dict[str, Any]) -> str:
    """Return the URL with this name for the object of its model."""
    if name in {"markdownx_upload", "media_upload", "editor_media", "editor_links", "markdownx_markdownify"}:
        return reverse(name)
    if name == "accounts_auditrecord_export":
        return reverse(f"admin:{name}", args=["csv"])
    if name == "blog_siteappearance_again":
        return reverse(f"admin:{name}", args=[objects["blog_appearanceversion"]])
    if name == "app_list":
        return reverse("admin:app_list", args=["blog"])
    pk = objects.get("_".join(name.split("_")[:2]))
    for full_name in (f"admin:{name}", name):
        for args in ([], [pk], [uuid.uuid4()], [1], ["x"]):
            with suppress(NoReverseMatch):
                return reverse(full_name, args=args)
    raise AssertionError(f"{name} takes other arguments")


def payload_of(name: str, objects: dict[str, Any], owner: Client) -> dict[str, Any]:
    """Return realistic POST data: the form as an owner sees it, with one change."""
    page = page_of(name)
    if page.data or name in NEEDS or not name.endswith(("_add", "_change")):
        return {key: value.format(**objects) for key, value in page.data.items()}
    response = owner.get(url_of(name, objects))
    if response.status_code != 200 or name in NO_PAYLOAD or not (page.post or NOBODY):
        return {}
    tree: Any = html.document_fromstring(response.content)
    (form,) = [form for form in tree.forms if form.get("id", "").endswith("_form")]
    fields: dict[str, Any] = {}
    for key, value in form.form_values():
        fields.setdefault(key, []).append(value)
    return fields | FILLED_IN[name]


def test_the_permissions_of_every_url_are_known() -> None:
    for name in URLS:
        if name not in ENTRY_URLS:
            page_of(name)
    assert set(NEEDS) - set(URLS) == set()
    assert len(URLS) > 100


@pytest.mark.parametrize("role", EVERYONE)
def test_pages_open_only_for_roles_with_permission(role: str, objects: dict[str, Any]) -> None:
    client = client_of(user_of(role))
    wrong: list[tuple[Any, ...]] = []
    for name in URLS:
        if name in ENTRY_URLS:
            continue
        needed = page_of(name).get
        response = client.get(url_of(name, objects))
        if needed is None:
            if response.status_code != 405 and not is_refused(response):
                wrong.append((name, response.status_code))
        elif is_refused(response) == may(role, needed) and name not in WITHOUT_OBJECT:
            wrong.append((name, response.status_code, response.get("Location", "")))
    assert not wrong, "\n".join(map(str, wrong))


def test_logging_in_leads_to_a_page_wherever_a_form_was_sent(objects: dict[str, Any]) -> None:
    owner, wrong, count = client_of(user_of(OWNER)), [], 0
    for name in URLS:
        url = url_of(name, objects)
        if owner.get(url).status_code == 405:
            count += 1
            page = owner.get(url, headers={"accept": "text/html,*/*"}, follow=True)
            if page.status_code != 200:
                wrong.append((name, page.status_code, *page.redirect_chain))
    assert not wrong, "\n".join(map(str, wrong))
    assert count > 30


def test_forms_change_something_only_for_roles_with_permission(objects: dict[str, Any]) -> None:
    owner, clients = client_of(user_of(OWNER)), {role: client_of(user_of(role)) for role in EVERYONE}
    wrong: list[tuple[Any, ...]] = []
    for name in URLS:
        if name in ENTRY_URLS:
            continue
        page, url, data = page_of(name), url_of(name, objects), payload_of(name, objects, owner)
        is_complete = not page.only_shows and name not in NO_PAYLOAD and name != "comments_comment_changelist"
        for role, client in clients.items():
            allowed = page.post is not None and may(role, page.post)
            refused, written = post(client, url, data)
            if written and not allowed:
                wrong.append((role, name, "wrote"))
            elif allowed and is_complete and not written and not name.endswith("changelist"):
                wrong.append((role, name, "wrote nothing"))
            elif page.only_shows and not allowed and not refused:
                wrong.append((role, name, "not refused"))
    assert not wrong, "\n".join(map(str, wrong))
