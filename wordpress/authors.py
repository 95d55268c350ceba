"""Who wrote what: the authors of an export as people here, who cannot log in until somebody gives them a password."""

from collections.abc import Iterable, Mapping
from itertools import count
from types import MappingProxyType

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.slugs import free_slug, slugify
from wordpress.former import FormerAddresses
from wordpress.lookups import highest_key
from wordpress.memory import Left, Memory, of_author, of_row
from wordpress.mending import ExportRefused
from wordpress.plain import plain, usable_slug
from wordpress.records import Author
from wordpress.reports import AUTHORS, Outcome, Report
from wordpress.survey import Survey

_MAX_NAME_LENGTH = 150
_MAX_EMAIL_LENGTH = 254
# The author of items that name none.
_NOBODY = "unknown-author"
# So many names stand in a message.
_NAMED = 50


class Authors:
    """Leads from the names in an export to accounts."""

    def __init__(
        self,
        memory: Memory,
        former: FormerAddresses,
        report: Report,
        mapped: Mapping[str, User] = MappingProxyType({}),
    ) -> None:
        """`mapped` names those who are somebody here already, by their login there."""
        self._memory = memory
        self._former = former
        self._report = report
        self._mapped = mapped
        self._by_name: dict[str, int] = {}
        self._free = count(1)
        self._by_id: dict[int, int] = {}

    def bring_in(self, survey: Survey) -> None:
        """Make an account for each author that has none, and update those that changed.

        An account that was here before, or that its owner uses since, stays as it is.
        """
        known = authors_of(survey)
        self._free = count(max([highest_key(User), *(author.id for author in known.values())]) + 1)
        usernames = {login: _username(login) for login in known if login not in self._mapped}
        here = {user.username: user for user in User.objects.filter(username__in=usernames.values())}
        left = self._memory.recall(AUTHORS, (user.pk for user in here.values()))
        accounts: dict[str, int] = {}
        for login, author in known.items():
            if user := self._mapped.get(login):
                self._by_name[login] = self._by_id[author.id] = self._map(user, login, author)
                continue
            username = usernames[login]
            if username not in accounts:
                user = here.get(username)
                if user is None:
                    user = self._make(username, author)
                elif user.pk in left and left[user.pk].exported != of_author(author):
                    self._renew(user, author, left[user.pk])
                else:
                    self._report.count(AUTHORS, Outcome.UNCHANGED)
                accounts[username] = user.pk
            self._by_name[login] = accounts[username]
            self._by_id[author.id] = accounts[username]
        for login, author in known.items():
            self._by_name.setdefault(author.display_name, self._by_name[login])

    def of_item(self, creator: str) -> int:
        """The key of the account that an item's creator has."""
        return self._by_name[creator]

    def of_file(self, creator: str) -> int | None:
        """The key of the account that uploaded a file, if it was an author of the export."""
        return self._by_name.get(creator)

    def of_comment(self, user_id: int) -> int | None:
        """The key of the account that wrote a comment, if it was an author of the export."""
        return self._by_id.get(user_id) if user_id else None

    def _map(self, user: User, login: str, author: Author) -> int:
        self._report.count(AUTHORS, Outcome.UNCHANGED)
        self._report.note(AUTHORS, author.id, login, _("Here it is “%s”, as you said.") % user.username)
        self._former.of_author(user, author)
        return user.pk

    def _make(self, username: str, author: Author) -> User:
        slug = usable_slug(author.slug)
        user = User(username=username, bio=author.bio, slug=free_slug(slug, User.objects.all(), max_length=200))
        # WordPress's own number, which old addresses name; or one that no other author of the export wants.
        is_free = author.id and not User.objects.filter(pk=author.id).exists()
        user.pk = author.id if is_free else next(self._free)
        self._describe(user, author)
        if username != author.login and author.login:
            self._note(author, _("The user name here is “%s”.") % username)
        user.set_unusable_password()
        user.save(force_insert=True)
        self._report.count(AUTHORS, Outcome.IMPORTED)
        self._remember(user, author)
        return user

    def _renew(self, user: User, author: Author, left: Left) -> None:
        if _left(user) != left.here or user.is_staff or user.has_usable_password():
            # The address of somebody who may log in must not be changed by a file.
            reason = _("It was changed in the export, and here it is in use or was changed: here it stays as it is.")
            self._report.skip(AUTHORS, author.id, author.login, reason)
            return
        self._describe(user, author)
        user.save()
        self._report.count(AUTHORS, Outcome.UPDATED)
        self._remember(user, author)

    def _describe(self, user: User, author: Author) -> None:
        """Give `user` the names and the address that the export says."""
        name = plain(author.display_name) or ("" if user.username == author.login else author.login)
        user.display_name = name[:_MAX_NAME_LENGTH]
        user.email = author.email if len(author.email) <= _MAX_EMAIL_LENGTH else ""
        user.first_name, user.last_name = (plain(part)[:150] for part in (author.first_name, author.last_name))
        if user.email != author.email:
            self._note(author, _("The e-mail address is too long and was left out."))
        if len(name) > _MAX_NAME_LENGTH:
            self._note(author, _("The name is too long and was cut."))

    def _remember(self, user: User, author: Author) -> None:
        self._memory.remember(AUTHORS, author.id, user.pk, Left(of_author(author), _left(user)))
        self._former.of_author(user, author)

    def _note(self, author: Author, text: str) -> None:
        self._report.note(AUTHORS, author.id, author.login, text)


def _left(user: User) -> str:
    return of_row(user.display_name, user.email, user.first_name, user.last_name)


def authors_of(survey: Survey) -> dict[str, Author]:
    """Everybody whom an export names as an author, by login; in WXR 1.0 by the name that its items give."""
    known = dict(survey.authors)
    display_names = {author.display_name for author in known.values()}
    for creator in sorted(survey.creators):
        # WXR 1.0 has no list of authors, and its items give the name that readers see.
        if creator not in known and creator not in display_names:
            known[creator] = Author(0, creator, "", creator or _("Unknown author"))
    return known


def people_named(usernames: Mapping[str, str]) -> dict[str, User]:
    """The people whom `usernames` (by login there) names. Raises ExportRefused if one of them is not here."""
    people = {user.username: user for user in User.objects.filter(username__in=usernames.values())}
    for username in usernames.values():
        if username not in people:
            known = User.objects.order_by("username").values_list("username", flat=True)
            text = _("There is no person “%(name)s” here. There are: %(known)s.")
            raise ExportRefused(text % {"name": username, "known": _some(known)})
    return {login: people[username] for login, username in usernames.items()}


def demand_authors(survey: Survey, logins: Iterable[str]) -> None:
    """Raise ExportRefused if one of `logins` is nobody in the export."""
    known = authors_of(survey)
    for login in logins:
        if login not in known:
            text = _("There is no author “%(name)s” in the export. There are: %(known)s.")
            raise ExportRefused(text % {"name": login, "known": _some(known)})


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")


def _username(login: str) -> str:
    try:
        UnicodeUsernameValidator()(login)
    except ValidationError:
        login = slugify(login) or _NOBODY
    return login[:_MAX_NAME_LENGTH]
