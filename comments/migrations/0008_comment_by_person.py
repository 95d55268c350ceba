"""Index the names of authors as well, by which the queue counts the comments of those without an address."""

from django.db import migrations, models

from core.online_migrations import AddIndexOnline, RemoveIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("comments", "0007_names_of_decision_fields")]

    operations = [
        AddIndexOnline(
            model_name="comment",
            index=models.Index(fields=["email", "name", "status"], name="comment_by_person"),
        ),
        RemoveIndexOnline("comment", "comment_of_person"),
    ]
