"""Let owners choose how the site looks."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("blog", "0018_noindex"),
        ("core", "0004_show_excerpts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SiteAppearance",
            fields=[
                (
                    "site",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="appearance",
                        serialize=False,
                        to="core.sitesettings",
                    ),
                ),
                ("document", models.JSONField(default=dict)),
                ("draft", models.JSONField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "appearance",
                "verbose_name_plural": "appearance",
                "default_permissions": ("change",),
                "constraints": [models.CheckConstraint(condition=models.Q(("pk", 1)), name="site_appearance_one_row")],
            },
        ),
        migrations.CreateModel(
            name="AppearanceVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("document", models.JSONField(default=dict)),
                ("published_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "published_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"ordering": ("-pk",), "default_permissions": ()},
        ),
    ]
