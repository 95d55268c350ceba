"""`manage.py load_demo`: a site to try things on."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from demo.loading import SiteNotEmpty, demo_password, is_loaded, load


class Command(BaseCommand):
    help = "Fills an empty site with sample content and says how to log in. A second run leaves all as it is."

    def handle(self, *args: Any, **options: Any) -> None:
        if is_loaded():
            self.stdout.write(_("The sample content is there already."))
        else:
            self.stdout.write(_("Loading the sample content …"))
            try:
                load(self._show)
            except SiteNotEmpty as error:
                raise CommandError(str(error)) from error
        self._say_how_to_log_in()

    def _show(self, what: str, done: int, total: int) -> None:
        """One line for each kind of thing; on a terminal it counts as it goes."""
        if self.stdout.isatty():
            self.stdout.write(f"\r  {what}: {done}/{total}", ending="\n" if done == total else "")
            self.stdout.flush()
        elif done == total:
            self.stdout.write(f"  {what}: {total}")

    def _say_how_to_log_in(self) -> None:
        lines = ["", _("Readers: %(url)s") % {"url": f"{settings.SITE_URL}/"}]
        lines.append(_("Writers: %(url)s") % {"url": f"{settings.SITE_URL}{reverse('admin:index')}"})
        for user in User.objects.filter(is_staff=True).prefetch_related("groups").order_by("pk"):
            roles = ", ".join(group.name for group in user.groups.all()) or _("owner, may do everything")
            lines.append(f"  {user.username:<12} {demo_password():<16} {roles}")
        self.stdout.write("\n".join([*lines, ""]))
