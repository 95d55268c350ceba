import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_language")]

    operations = [
        migrations.CreateModel(
            name="Portrait",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(blank=True, editable=False, max_length=150, verbose_name="name that readers see"),
                ),
                ("image", models.BinaryField()),
                ("digest", models.CharField(editable=False, max_length=16)),
                (
                    "person",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="portrait",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "portrait",
                "verbose_name_plural": "portraits",
                "default_permissions": (),
            },
        )
    ]
