from django.db import migrations, models


def name_people(apps, schema_editor):
    """Readers have seen the username of people without a display name. Store it as such, so that they still do."""
    people = apps.get_model("accounts", "User")._base_manager.using(schema_editor.connection.alias)
    people.filter(display_name="").update(display_name=models.F("username"))


def give_one_role(apps, schema_editor):
    """Give each person one role, with exactly the permissions that they had through several.

    If one of their groups has all of these, it is the role. Otherwise they get a new one for the combination.
    """
    alias = schema_editor.connection.alias
    people = apps.get_model("accounts", "User")._base_manager.using(alias)
    groups = apps.get_model("auth", "Group").objects.using(alias)
    for owner in people.filter(is_superuser=True, groups__isnull=False).distinct():
        owner.groups.clear()
    several = people.annotate(count=models.Count("groups")).filter(count__gt=1).order_by("pk")
    for person in several:
        held = {group: set(group.permissions.values_list("pk", flat=True)) for group in person.groups.order_by("name")}
        everything = set().union(*held.values())
        role = next((group for group, permissions in held.items() if permissions == everything), None)
        if role is None:
            name = ", ".join(group.name for group in held)[:150]
            role, is_new = groups.get_or_create(name=name)
            if not is_new and set(role.permissions.values_list("pk", flat=True)) != everything:
                role = groups.create(name=f"{name[:130]} ({person.pk})")
            role.permissions.set(everything)
        person.groups.set([role])


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_password_links'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.RunPython(name_people, migrations.RunPython.noop),
        migrations.RunPython(give_one_role, migrations.RunPython.noop),
    ]
