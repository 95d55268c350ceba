from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("operations", "0003_withdrawals"),
    ]

    operations = [
        migrations.CreateModel(
            name="CheckResult",
            fields=[
                ("name", models.CharField(max_length=50, primary_key=True, serialize=False)),
                ("checked_at", models.DateTimeField()),
                ("diagnoses", models.JSONField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="FreeSpace",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("bytes", models.BigIntegerField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
    ]
