"""What roles demand of the people who have them."""

from typing import Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.roles import role_label


class RolePolicy(models.Model):
    """What a role demands of people who log in. Roles without a row have the defaults."""

    # The longest that a browser stays logged in, in hours.
    DEFAULT_HOURS: Final = 14 * 24
    OWNER_HOURS: Final = 24
    MAX_HOURS: Final = 24 * 90

    # OWNER, or the name of a group.
    role = models.CharField(_("role"), max_length=150, primary_key=True)
    needs_second_factor = models.BooleanField(_("require a second step"), default=False)
    session_hours = models.PositiveSmallIntegerField(
        _("log out after"), default=DEFAULT_HOURS, validators=[MinValueValidator(1), MaxValueValidator(MAX_HOURS)]
    )

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return role_label(self.role)
