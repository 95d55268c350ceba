"""Who wrote what: the authors of an export as people here, who cannot log in until somebody gives them a password."""

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.slugs import slugify
from wordpress.addresses import remember_new
from wordpress.plain import plain
from wordpress.records import Author
from wordpress.reports import AUTHORS, Outcome, Report
from wordpress.survey import Survey

_MAX_NAME_LENGTH = 150
_MAX_EMAIL_LENGTH = 254
# The author of items that name none.
_NOBODY = "unknown-author"


class Authors:
    """Leads from the names in an export to accounts."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._by_name: dict[str, int] = {}
        self._by_id: dict[int, int] = {}

    def bring_in(self, survey: Survey) -> None:
        """Make an account for each author that has none. One that is here already stays as it is."""
        known = dict(survey.authors)
        display_names = {author.display_name for author in known.values()}
        for creator in sorted(survey.creators):
            # WXR 1.0 has no list of authors, and its items give the name that readers see.
            if creator not in known and creator not in display_names:
                known[creator] = Author(0, creator, "", creator or _("Unknown author"))
        usernames = {login: _username(login) for login in known}
        accounts = dict(User.objects.filter(username__in=usernames.values()).values_list("username", "pk"))
        self._report.count(AUTHORS, Outcome.UNCHANGED, len(accounts))
        for login, author in known.items():
            username = usernames[login]
            if username not in accounts:
                accounts[username] = self._make(username, author)
                self._report.count(AUTHORS, Outcome.IMPORTED)
            self._by_name[login] = accounts[username]
            self._by_id[author.id] = accounts[username]
        for login, author in known.items():
            self._by_name.setdefault(author.display_name, self._by_name[login])
        remember_new(
            (f"/?author={number}", User(pk=pk)) for number, pk in self._by_id.items() if number and number != pk
        )

    def of_item(self, creator: str) -> int:
        """The key of the account that an item's creator has."""
        return self._by_name[creator]

    def of_file(self, creator: str) -> int | None:
        """The key of the account that uploaded a file, if it was an author of the export."""
        return self._by_name.get(creator)

    def of_comment(self, user_id: int) -> int | None:
        """The key of the account that wrote a comment, if it was an author of the export."""
        return self._by_id.get(user_id) if user_id else None

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


def _username(login: str) -> str:
    try:
        UnicodeUsernameValidator()(login)
    except ValidationError:
        login = slugify(login) or _NOBODY
    return login[:_MAX_NAME_LENGTH]
