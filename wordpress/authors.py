"""Who wrote what: the authors of an export as people here, who cannot log in until somebody gives them a password."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.slugs import slugify
from wordpress.mending import ExportRefused
from wordpress.plain import plain
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

    def __init__(self, report: Report, mapped: Mapping[str, User] = MappingProxyType({})) -> None:
        """`mapped` names those who are somebody here already, by their login there."""
        self._report = report
        self._mapped = mapped
        self._by_name: dict[str, int] = {}
        self._by_id: dict[int, int] = {}

    def bring_in(self, survey: Survey) -> None:
        """Make an account for each author that has none. One that is here already stays as it is."""
        known = authors_of(survey)
        usernames = {login: _username(login) for login in known if login not in self._mapped}
        accounts = dict(User.objects.filter(username__in=usernames.values()).values_list("username", "pk"))
        self._report.count(AUTHORS, Outcome.UNCHANGED, len(accounts))
        for login, author in known.items():
            self._by_name[login] = self._by_id[author.id] = self._account(login, author, usernames, accounts)
        for login, author in known.items():
            self._by_name.setdefault(author.display_name, self._by_name[login])

    def of_item(self, creator: str) -> int:
        """The key of the account that an item's creator has."""
        return self._by_name[creator]

    def of_comment(self, user_id: int) -> int | None:
        """The key of the account that wrote a comment, if it was an author of the export."""
        return self._by_id.get(user_id) if user_id else None

    def _account(self, login: str, author: Author, usernames: dict[str, str], accounts: dict[str, int]) -> int:
        if user := self._mapped.get(login):
            self._report.count(AUTHORS, Outcome.UNCHANGED)
            self._report.note(AUTHORS, author.id, login, _("Here it is “%s”, as you said.") % user.username)
            return user.pk
        username = usernames[login]
        if username not in accounts:
            accounts[username] = self._make(username, author)
            self._report.count(AUTHORS, Outcome.IMPORTED)
        return accounts[username]

    def _make(self, username: str, author: Author) -> int:
        name = plain(author.display_name) or author.login
        user = User(username=username, email=author.email, display_name=name[:_MAX_NAME_LENGTH])
        if len(author.email) > _MAX_EMAIL_LENGTH:
            user.email = ""
            self._report.note(AUTHORS, author.id, author.login, _("The e-mail address is too long and was left out."))
        if len(name) > _MAX_NAME_LENGTH:
            self._report.note(AUTHORS, author.id, author.login, _("The name is too long and was cut."))
        if username != author.login and author.login:
            self._report.note(AUTHORS, author.id, author.login, _("The user name here is “%s”.") % username)
        user.set_unusable_password()
        user.save()
        return user.pk


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
