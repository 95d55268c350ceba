import json

from django.db import migrations

_BATCH = 1000
_ACTIONS = {1: "added", 2: "changed", 3: "deleted"}
# Of other objects, such as blocked e-mail addresses, the audit log keeps no names.
_NAMED = {
    *("blog.post", "blog.page", "blog.category", "blog.redirect", "tags.tag"),
    *("media.picture", "media.document", "auth.group"),
}


def move_log(apps, schema_editor):
    """Move what the admin has logged into the audit log, in batches. Nothing said in which role people did it."""
    alias = schema_editor.connection.alias
    log = apps.get_model("admin", "LogEntry").objects.using(alias)
    record_model = apps.get_model("accounts", "AuditRecord")
    labels = _labels(apps, alias)
    while entries := list(log.order_by("pk")[:_BATCH]):
        records = []
        for entry in entries:
            kind = labels.get(entry.content_type_id, "")
            records.append(
                record_model(
                    at=entry.action_time,
                    person_id=entry.user_id,
                    action=_ACTIONS.get(entry.action_flag, "changed"),
                    kind=kind,
                    object_id=(entry.object_id or "")[:150],
                    title=entry.object_repr if kind in _NAMED else "",
                    details=_details(entry.change_message),
                )
            )
        record_model._base_manager.using(alias).bulk_create(records)
        log.filter(pk__in=[entry.pk for entry in entries]).delete()


def move_back(apps, schema_editor):
    """Give the admin's own log what people did to objects. It can't hold anything else."""
    alias = schema_editor.connection.alias
    log_model = apps.get_model("admin", "LogEntry")
    records = apps.get_model("accounts", "AuditRecord")._base_manager.using(alias)
    people = set(apps.get_model("accounts", "User")._base_manager.using(alias).values_list("pk", flat=True))
    types = {label: pk for pk, label in _labels(apps, alias).items()}
    flags = {"added": 1, "deleted": 3}
    last = 0
    while batch := list(records.filter(pk__gt=last).order_by("pk")[:_BATCH]):
        log_model.objects.using(alias).bulk_create(
            log_model(
                action_time=record.at,
                user_id=record.person_id,
                content_type_id=types[record.kind],
                object_id=record.object_id,
                object_repr=record.title or record.object_id,
                action_flag=flags.get(record.action, 2),
                change_message=record.details,
            )
            for record in batch
            if record.person_id in people and record.kind in types
        )
        last = batch[-1].pk


def _labels(apps, alias):
    """Return the label of the model of each content type, by its ID."""
    types = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    return {pk: f"{app}.{model}" for pk, app, model in types.values_list("pk", "app_label", "model")}


def _details(message):
    """Return the names of the changed fields in Django's own format, or the sentence that is there instead."""
    try:
        parts = json.loads(message) if message.startswith("[") else None
        if parts is None:
            return message[:1000]
        return ", ".join(name for part in parts for about in part.values() for name in about.get("fields", ()))[:1000]
    except (ValueError, AttributeError, TypeError):
        return ""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_audit_log'),
        ('admin', '0003_logentry_add_action_flag_choices'),
        ('contenttypes', '0002_remove_content_type_name'),
    ]

    operations = [
        migrations.RunPython(move_log, move_back),
    ]
