"""`manage.py load_demo`"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from blog.models import Post
from demo.loading import demo_password, load


class Command(BaseCommand):
    help = "Fills an empty site with sample content, and shows how to log in. Running it again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        if not Post.objects.exists():
            self.stdout.write(_("Loading the sample content…"))
            load(self._show_progress)
        elif User.objects.filter(username="editor").exists():
            self.stdout.write(_("The sample content has already been loaded."))
        else:
            raise CommandError(_("This site already has posts. Choose an empty folder with BROADSIDE_DATA=…"))
        self._show_accounts()

    def _show_progress(self, label: str, done: int, total: int) -> None:
        """Print one line for each kind of content. On a terminal, it counts up."""
        if self.stdout.isatty():
            self.stdout.write(f"\r  {label}: {done}/{total}", ending="\n" if done == total else "")
            self.stdout.flush()
        elif done == total:
            self.stdout.write(f"  {label}: {total}")

    def _show_accounts(self) -> None:
        lines = [
            "",
            _("Site: %(url)s") % {"url": f"{settings.SITE_URL}/"},
            _("Admin: %(url)s") % {"url": f"{settings.SITE_URL}{reverse('admin:index')}"},
        ]
        password = demo_password()
        for user in User.objects.filter(is_staff=True).prefetch_related("groups").order_by("pk"):
            # Other users may have been added since, or may have changed their password.
            if user.check_password(password):
                roles = ", ".join(group.name for group in user.groups.all()) or _("Owner (has all permissions)")
                lines.append(f"  {user.username:<12} {password:<16} {roles}")
        self.stdout.write("\n".join([*lines, ""]))
