"""The permissions for requests without a form of their own: list actions, uploads, merges, undo, decisions by status.

Each request is complete and concerns objects of other users, so it changes something for the roles that may make it.
For all others it is refused and changes nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, Final

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, reverse

from accounts.models import Session, User
from accounts.roles import OWNER
from blog import curation as category_curation
from blog.models import Post, Redirect
from comments.models import Block, CommentStatus
from comments.moderation import decisions
from media import trash
from media.documents import store_document
from media.models import Document, Picture
from media.pictures import store_picture
from tags import curation as tag_curation
from tests.factories import CategoryFactory, CommentFactory, PostFactory, TagFactory, UserFactory
from tests.factories.admin import client_of
from tests.factories.files import pdf_file, picture_file
from tests.factories.import_jobs import export_file
from tests.factories.permissions import EVERYONE, OWNERS, is_refused, may, need, post, user_of
from wordpress.models import ImportJob, JobState, JobStep
from wordpress.uploads.folder import JobFolder

pytestmark = pytest.mark.django_db

CURATE_CATEGORIES, CURATE_TAGS = need("blog.delete_category"), need("tags.delete_tag")
MODERATE, IMPORT = need("comments.moderate_comment"), need("wordpress.import_wordpress")
UPLOAD, WRITE = need("media.add_picture"), need("blog.add_post", "blog.change_post")
DELETE_PICTURE, DELETE_DOCUMENT = need("media.delete_picture"), need("media.delete_document")

type Objects = Any


@dataclass(frozen=True)
class Case:
    """A request that changes something or, with `shows`, renders the page with that template."""

    needs: frozenset[str]
    # The name of the URL, and the object that it concerns.
    url: str
    about: Callable[[Objects], Any] | None = None
    data: Callable[[Objects], dict[str, Any]] = field(default=lambda objects: {})
    query: Callable[[Objects], str] = field(default=lambda objects: "")
    shows: str = ""


def chosen(action: str, *names: str, **data: Any) -> Callable[[Objects], dict[str, Any]]:
    """Return the form data of a list action with the named objects selected."""
    return lambda objects: {"action": action, "_selected_action": [getattr(objects, name) for name in names], **data}


def action(
    needs: frozenset[str], model: str, name: str, *selected: str, query: str = "", shows: str = "", **data: Any
) -> Case:
    """Return the case for a list action."""
    return Case(needs, f"{model}_changelist", None, chosen(name, *selected, **data), lambda objects: query, shows)


# All list actions by model and name, except those for posts and pages (test_entry_matrix).
ACTIONS: Final = {
    ("auth_group", "delete_selected"): action(OWNERS, "auth_group", "delete_selected", "group", post="yes"),
    **{
        (f"media_{kind}", "delete_selected"): action(needs, f"media_{kind}", "delete_selected", kind, post="yes")
        for kind, needs in (("picture", DELETE_PICTURE), ("document", DELETE_DOCUMENT))
    },
    **{
        (f"media_{kind}", "restore_selected"): action(
            needs, f"media_{kind}", "restore_selected", f"deleted_{kind}", query="?deleted=yes"
        )
        for kind, needs in (("picture", DELETE_PICTURE), ("document", DELETE_DOCUMENT))
    },
    ("media_picture", "merge_selected"): action(
        DELETE_PICTURE,
        "media_picture",
        "merge_selected",
        "picture",
        "other_picture",
        shows="admin/media/picture/merge.html",
    ),
    ("blog_category", "delete_selected"): action(
        CURATE_CATEGORIES, "blog_category", "delete_selected", "category", post="yes"
    ),
    ("blog_category", "merge_selected"): action(
        CURATE_CATEGORIES,
        "blog_category",
        "merge_selected",
        "category",
        "other_category",
        shows="admin/blog/merge_categories.html",
    ),
    ("blog_redirect", "delete_selected"): action(
        need("blog.delete_redirect"), "blog_redirect", "delete_selected", "redirect", post="yes"
    ),
    ("tags_tag", "merge_selected"): action(
        CURATE_TAGS, "tags_tag", "merge_selected", "tag", "other_tag", shows="admin/tags/merge.html"
    ),
    ("tags_tag", "delete_selected"): action(
        CURATE_TAGS, "tags_tag", "delete_selected", "tag", shows="admin/tags/delete.html"
    ),
    ("comments_block", "delete_selected"): action(
        need("comments.delete_block"), "comments_block", "delete_selected", "block", post="yes"
    ),
    ("comments_comment", "delete_selected"): action(
        OWNERS, "comments_comment", "delete_selected", "trash", query="?status__exact=trash", post="yes"
    ),
    **{
        ("comments_comment", f"{name}_selected"): action(
            MODERATE, "comments_comment", f"{name}_selected", comment, query=f"?status__exact={comment}"
        )
        for name, comment in (
            ("approve", "pending"),
            ("unapprove", "approved"),
            ("spam", "approved"),
            ("trash", "spam"),
            ("restore", "trash"),
        )
    },
    ("wordpress_importjob", "delete_selected"): action(
        IMPORT, "wordpress_importjob", "delete_selected", "job", post="yes"
    ),
}
# Lists for which Django offers actions, but whose pages are our own and have none.
WITHOUT_ACTIONS: Final = {"blog_categorytwins", "tags_tagtwins", "wordpress_exportjob"}

CASES: Final = {
    "upload a picture while writing": Case(
        UPLOAD, "markdownx_upload", data=lambda objects: {"image": picture_file("new.png")}
    ),
    "upload a document while writing": Case(
        UPLOAD, "markdownx_upload", data=lambda objects: {"image": pdf_file(name="new.pdf")}
    ),
    "upload to the library": Case(UPLOAD, "media_upload", data=lambda objects: {"files": picture_file("new.png")}),
    "add a picture": Case(UPLOAD, "media_picture_add", data=lambda objects: {"file": picture_file("new.png")}),
    "add a document": Case(
        need("media.add_document"), "media_document_add", data=lambda objects: {"file": pdf_file(name="new.pdf")}
    ),
    "restore a picture": Case(
        DELETE_PICTURE, "media_picture_restore", query=lambda objects: f"?ids={objects.deleted_picture}"
    ),
    "restore a document": Case(
        DELETE_DOCUMENT, "media_document_restore", query=lambda objects: f"?ids={objects.deleted_document}"
    ),
    "merge pictures": Case(
        DELETE_PICTURE,
        "media_picture_merge",
        data=lambda objects: {
            "ids": [objects.picture, objects.other_picture],
            "target": objects.picture,
            "confirm": objects.picture,
        },
    ),
    "say that pictures differ": Case(
        DELETE_PICTURE,
        "media_picture_duplicates",
        data=lambda objects: {"different": "1", "ids": [objects.picture, objects.other_picture]},
    ),
    "merge categories": Case(
        CURATE_CATEGORIES,
        "blog_category_merge",
        data=lambda objects: {
            "categories": [objects.category, objects.other_category],
            "target": objects.category,
            "confirm": f"{objects.category} False",
        },
    ),
    "say that categories differ": Case(
        CURATE_CATEGORIES,
        "blog_categorytwins_changelist",
        data=lambda objects: {"different": f"{objects.category},{objects.other_category}"},
    ),
    "undo a merge of categories": Case(
        CURATE_CATEGORIES, "blog_categorychange_undo", lambda objects: objects.category_change
    ),
    "merge tags": Case(
        CURATE_TAGS,
        "tags_tag_merge",
        data=lambda objects: {
            "tags": f"{objects.tag},{objects.other_tag}",
            "target": objects.tag,
            "other": "",
            "confirm": objects.tag,
        },
    ),
    "rename a tag": Case(
        CURATE_TAGS,
        "tags_tag_rename",
        attrgetter("tag"),
        lambda objects: {"name": "new", "slug": "new", "confirm": "new new"},
    ),
    "delete tags": Case(
        CURATE_TAGS, "tags_tag_delete_many", data=lambda objects: {"tags": objects.tag, "confirm": "0"}
    ),
    "say that tags differ": Case(
        CURATE_TAGS,
        "tags_tagtwins_changelist",
        data=lambda objects: {"different": f"{objects.tag},{objects.other_tag}"},
    ),
    "undo a merge of tags": Case(CURATE_TAGS, "tags_tagchange_undo", attrgetter("tag_change")),
    "undo a decision": Case(MODERATE, "comments_comment_undo", attrgetter("batch")),
    "undo a decision in the queue": Case(MODERATE, "comments_queue_undo", attrgetter("batch")),
    "reply in the queue": Case(
        MODERATE,
        "comments_queue_decide",
        data=lambda objects: {"decide": f"reply {objects.pending}", f"reply-{objects.pending}": "Thanks."},
    ),
    "edit in the queue": Case(
        need("comments.change_comment"),
        "comments_queue_decide",
        data=lambda objects: {"decide": f"edit {objects.pending}", f"edit-{objects.pending}": "Changed."},
    ),
    "block in the queue": Case(
        need("comments.add_block"),
        "comments_queue_similar",
        data=lambda objects: {"verdict": "spam"},
        query=lambda objects: "?kind=word&text=worse",
    ),
    "start an import": Case(
        IMPORT, "wordpress_importjob_start", attrgetter("ready_job"), lambda objects: {"step": JobStep.READ}
    ),
    "cancel an import": Case(IMPORT, "wordpress_importjob_cancel", attrgetter("waiting_job")),
    # The available decisions depend on the status.
    **{
        f"{name} what is {status}": Case(MODERATE, f"comments_comment_{name}", attrgetter(status))
        for status in CommentStatus.values
        for name, becomes in (("approve", "approved"), ("spam", "spam"), ("trash", "trash"), ("restore", "pending"))
        if status != becomes and (name != "restore" or status in {"spam", "trash"})
    },
    "unapprove what is approved": Case(MODERATE, "comments_comment_unapprove", attrgetter("approved")),
    "delete permanently what is in the trash": Case(
        OWNERS, "comments_comment_delete", attrgetter("trash"), lambda objects: {"post": "yes"}
    ),
}


@pytest.fixture
def objects() -> Objects:
    """The keys, by name, of objects that belong to other users than the ones who make the requests."""
    other: User = UserFactory(role="Editor")
    pictures = [store_picture(picture_file(f"{n}.png"), by=other).pk for n in range(2)]
    documents = [store_document(pdf_file(name=f"{n}.pdf"), by=other).pk for n in range(2)]
    deleted = store_picture(picture_file("deleted.png"), by=other).pk
    trash.delete(Picture, [deleted])
    trash.delete(Document, documents[1:])
    categories = [CategoryFactory(name=name).pk for name in ("One", "Ones", "Two", "Three")]
    tags = [TagFactory(name=name).pk for name in ("one", "ones", "two", "three")]
    PostFactory(tags=["two"], author=other)
    decided = CommentFactory(status=CommentStatus.PENDING, user=None)
    jobs = [
        ImportJob.objects.create(state=state, file_names=["blog.xml"])
        for state in (JobState.READY, JobState.WAITING, JobState.READY)
    ]
    # Only the job that no request deletes has a file: a rollback would not bring it back.
    folder = JobFolder(jobs[2].pk)
    folder.create()
    folder.store([export_file()])
    return SimpleNamespace(
        group=Group.objects.create(name="Other").pk,
        picture=pictures[0],
        other_picture=pictures[1],
        deleted_picture=deleted,
        document=documents[0],
        deleted_document=documents[1],
        category=categories[0],
        other_category=categories[1],
        category_change=category_curation.merge([categories[3]], categories[2], other).pk,
        redirect=Redirect.objects.create(path="/x/", category_id=categories[0]).pk,
        tag=tags[0],
        other_tag=tags[1],
        tag_change=tag_curation.merge([tags[3]], tags[2], other).pk,
        block=Block.objects.create(text="bad").pk,
        batch=decisions.approve([decided], other).batch,
        job=jobs[0].pk,
        waiting_job=jobs[1].pk,
        ready_job=jobs[2].pk,
        **{status: CommentFactory(status=status, user=None).pk for status in CommentStatus.values},
    )


def url_of(case: Case, objects: Objects) -> str:
    args = [case.about(objects)] if case.about else []
    for name in (case.url, f"admin:{case.url}"):
        with suppress(NoReverseMatch):
            return reverse(name, args=args) + case.query(objects)
    raise AssertionError(f"{case.url} takes other arguments")


def check(case: Case, role: str, client: Client, objects: Objects) -> str:
    """Return what goes wrong when this role makes the request, or an empty string."""
    url, data = url_of(case, objects), case.data(objects)
    is_allowed = may(role, case.needs)
    if case.shows:
        response = client.post(url, data)
        template = getattr(response, "template_name", "")
        is_shown = template == case.shows or case.shows in template
        return "" if is_shown == is_allowed else f"shows {template or response.status_code}"
    refused, wrote = post(client, url, data)
    if wrote != is_allowed:
        return "wrote" if wrote else f"wrote nothing{', refused' if refused else ''}"
    return ""


@pytest.mark.parametrize("role", EVERYONE)
def test_only_roles_with_permission_can_make_each_request(role: str, objects: Objects) -> None:
    client = client_of(user_of(role))
    named = {**{" ".join(key): case for key, case in ACTIONS.items()}, **CASES}
    wrong = {name: problem for name, case in named.items() if (problem := check(case, role, client, objects))}
    assert wrong == {}


def actions_of_lists(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """Yield the model and the name of each list action that is offered to an owner."""
    for model, model_admin in admin.site._registry.items():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        for query in ("", "?deleted=yes", "?state=trash"):
            request.GET = RequestFactory().get(f"/{query}").GET
            yield from ((name, each) for each in model_admin.get_actions(request))


def test_every_list_action_has_a_case(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = UserFactory(is_superuser=True, is_staff=True)
    found = set(actions_of_lists(request))
    elsewhere = {*WITHOUT_ACTIONS, "blog_post", "blog_page"}
    assert {pair for pair in found if pair[0] not in elsewhere} == set(ACTIONS)


@pytest.mark.parametrize("role", EVERYONE)
def test_lists_without_actions_ignore_actions_that_are_sent(role: str) -> None:
    client, filed = client_of(user_of(role)), PostFactory(tags=["one"], categories=[CategoryFactory()])
    job = ImportJob.objects.create(state=JobState.READY, file_names=["blog.xml"])
    chosen = [each.pk for each in (filed, job, *filed.tags.all(), *filed.categories.all())]
    for name in sorted(WITHOUT_ACTIONS):
        data = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
        before = {model: model.objects.count() for model in (Post, ImportJob)}
        client.post(reverse(f"admin:{name}_changelist"), data)
        assert {model: model.objects.count() for model in before} == before


# What users can do with their own account: the page, the object that it concerns, and the data.
ACCOUNT_REQUESTS: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    ("account_end_session", "session", {}),
    ("account_passkey", "passkey", {"name": "Renamed"}),
    ("account_remove_factor", "passkey", {}),
)


def account_of(user: User) -> dict[str, Any]:
    """Log `user` in elsewhere, and return the keys of that session and of one of two new passkeys."""
    client_of(user)
    data = {"name": "Laptop", "credential": {}}
    passkeys = [Authenticator.objects.create(user=user, type="webauthn", data=data) for _ in range(2)]
    session = Session.objects.filter(user=user).latest("started_at")
    return {"session": session.public_id, "passkey": passkeys[0].pk}


@pytest.mark.parametrize("role", EVERYONE)
def test_users_can_change_only_their_own_account(role: str) -> None:
    user, other = user_of(role), user_of(OWNER)
    assert other
    own = account_of(user) if user else {}
    others = account_of(other)
    client = client_of(user)
    for name, about, data in ACCOUNT_REQUESTS:
        url = reverse(name, args=[others[about]])
        response = client.post(url, data)
        assert is_refused(response), name
        if user:
            assert response.status_code == 404, name
            before = list(Authenticator.objects.filter(user=user).values_list("pk", "data"))
            sessions = Session.objects.filter(user=user).count()
            assert client.post(reverse(name, args=[own[about]]), data).status_code == 302
            after = list(Authenticator.objects.filter(user=user).values_list("pk", "data"))
            assert after != before or Session.objects.filter(user=user).count() < sessions, name
    assert Session.objects.filter(public_id=others["session"]).exists()
    assert Authenticator.objects.get(pk=others["passkey"]).data["name"] == "Laptop"
