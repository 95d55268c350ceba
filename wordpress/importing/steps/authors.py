"""The authors of an export. Each becomes an account that can't be used to log in until it is given a password."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from core.slugs import SlugNumbers, TriedNumbers, slugify
from wordpress.importing.analysis import Analysis, authors_in
from wordpress.importing.batches import write_batches
from wordpress.importing.co_authors import people_in
from wordpress.importing.context import ImportContext
from wordpress.importing.ledger import Recorded, fingerprint_of
from wordpress.importing.limits import max_length
from wordpress.importing.report import AUTHORS, Outcome
from wordpress.wxr.records import Author
from wordpress.wxr.repair import InvalidExportError
from wordpress.wxr.values import plain_line, usable_slug

# The maximum length of a username before the numbers that tell it from another one.
_MAX_BEFORE_ID: Final = max_length(User, "username") - 30
# How many names a message lists.
_MAX_LISTED: Final = 50


def import_authors(context: ImportContext) -> None:
    """Create an account for each author who has none, and update those that have changed.

    Accounts that existed before the import, or that are in use by now, are not changed.
    """
    authors = authors_in(context.analysis)
    tried: TriedNumbers = Counter()
    write_batches(context, authors.items(), partial(_import, context, tried, _usernames(authors)))
    for author in authors.values():
        # Items of WXR 1.0 name authors by their display name.
        context.author_ids.setdefault(author.display_name, context.author_ids[author.login])
    users = User.objects.in_bulk({*context.author_ids.values()})
    names_here = {login: str(users[pk]) for login, pk in context.author_ids.items()}
    context.people = people_in(context.analysis, names_here)


def users_named(usernames: Mapping[str, str]) -> dict[str, User]:
    """Return the users with these usernames, by login in the export. Raises InvalidExportError if one is missing."""
    users = User.objects.in_bulk(usernames.values(), field_name="username")
    if missing := [username for username in usernames.values() if username not in users]:
        known = User.objects.order_by("username").values_list("username", flat=True)
        text = _("There is no user “%(name)s” here. The users are: %(known)s.")
        raise InvalidExportError(text % {"name": missing[0], "known": _listed(known)})
    return {login: users[username] for login, username in usernames.items()}


def check_authors(analysis: Analysis, logins: Iterable[str]) -> None:
    """Raise InvalidExportError if one of `logins` is not an author of the export."""
    known = authors_in(analysis)
    if unknown := [login for login in logins if login not in known]:
        text = _("There is no author “%(name)s” in the export. The authors are: %(known)s.")
        raise InvalidExportError(text % {"name": unknown[0], "known": _listed(known)})


def _import(
    context: ImportContext, tried: TriedNumbers, usernames: Mapping[str, str], batch: Sequence[tuple[str, Author]]
) -> None:
    usernames = {login: usernames[login] for login, _author in batch if login not in context.mapped_authors}
    users = User.objects.in_bulk(usernames.values(), field_name="username")
    recorded = context.ledger.recorded(AUTHORS, (user.pk for user in users.values()))
    imported: set[str] = set()
    for login, author in batch:
        username = usernames.get(login, "")
        if user := context.mapped_authors.get(login):
            context.report.count(AUTHORS, Outcome.UNCHANGED)
            _note(context, author, _("As you chose, the author is the user “%s” here.") % user.username)
            context.old_urls.add_author(user, author, is_new=False)
        elif user := users.get(username):
            # Two names without IDs may result in the same username.
            if username not in imported:
                _update(context, user, author, recorded.get(user.pk))
        else:
            user = users[username] = _create(context, username, author, tried)
        imported.add(username)
        context.author_ids[login] = user.pk
        if author.id:
            context.commenter_ids[author.id] = user.pk


def _create(context: ImportContext, username: str, author: Author, tried: TriedNumbers) -> User:
    # If the export has no slug, WordPress's was made from the login. An e-mail address must not be in links: the logins
    # of Squarespace are such addresses.
    name = author.display_name if "@" in author.login else author.login
    wanted = (usable_slug(author.slug) or slugify(name) or usable_slug(username)).strip("-") or "author"
    slug = wanted[: max_length(User, "slug")]
    if User.objects.filter(slug=slug).exists():
        slug = SlugNumbers(max_length(User, "slug"), tried).next_free(slug, User.objects.all())
    (pk,) = context.new_ids.assign(User, [author.id])
    user = User(pk=pk, username=username, bio=author.bio, slug=slug, date_joined=context.run.started_at)
    user.set_unusable_password()
    _save(context, user, author, is_new=True)
    if username != author.login and author.login:
        _note(context, author, _("The username here is “%s”.") % username)
    return user


def _update(context: ImportContext, user: User, author: Author, recorded: Recorded | None) -> None:
    if recorded is None or recorded.exported == fingerprint_of(author):
        context.report.count(AUTHORS, Outcome.UNCHANGED)
    elif fingerprint_of(user) != recorded.stored or user.is_staff or user.has_credentials:
        # An export must not change the e-mail address of someone who can log in.
        reason = _("It was changed in the export, but here it is in use or was changed too, so it stays as it is.")
        context.report.skip(AUTHORS, author.id, author.login, reason)
    else:
        _save(context, user, author, is_new=False)


def _save(context: ImportContext, user: User, author: Author, *, is_new: bool) -> None:
    """Save an account with the names and the e-mail address from the export."""
    name = plain_line(author.display_name) or ("" if user.username == author.login else author.login)
    user.display_name = name[: max_length(User, "display_name")]
    user.email = author.email if len(author.email) <= max_length(User, "email") else ""
    user.first_name = plain_line(author.first_name)[: max_length(User, "first_name")]
    user.last_name = plain_line(author.last_name)[: max_length(User, "last_name")]
    if user.email != author.email:
        _note(context, author, _("The e-mail address was too long and was skipped."))
    if user.display_name != name:
        _note(context, author, _("The name was too long and was shortened."))
    user.save(force_insert=is_new)
    context.record(AUTHORS, author, user, is_new=is_new)
    context.old_urls.add_author(user, author, is_new=is_new)


def _usernames(authors: Mapping[str, Author]) -> dict[str, str]:
    """Return the username of each author, by login. Authors with IDs, who are different people, never share one."""
    usernames: dict[str, str] = {}
    taken: set[str] = set()
    further: Counter[str] = Counter()
    # Those whose logins can be usernames keep them.
    for login, author in sorted(authors.items(), key=lambda each: _username(each[0]) != each[0]):
        username = _username(login)
        if author.id:
            with_id = f"{username[:_MAX_BEFORE_ID]}-{author.id}"
            username = with_id if username in taken else username
            while username in taken:
                further[with_id] += 1
                username = f"{with_id}-{further[with_id]}"
            taken.add(username)
        usernames[login] = username
    return usernames


def _username(login: str) -> str:
    try:
        UnicodeUsernameValidator()(login)
    except ValidationError:
        # Nothing but their code points distinguishes names such as `🎉`.
        codes = "-".join(f"{ord(character):x}" for character in login.strip())
        login = slugify(login) or (f"author-{codes}" if codes else "unknown-author")
    return login[: max_length(User, "username")]


def _note(context: ImportContext, author: Author, text: str) -> None:
    context.report.note(AUTHORS, author.id, author.login, text)


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:_MAX_LISTED]) + (" …" if len(names) > _MAX_LISTED else "")
