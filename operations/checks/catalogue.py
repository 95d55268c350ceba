"""All checks, in the order in which they are reported."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from operations.checks import backups, configuration, database, machine, outside, vulnerabilities, work
from operations.checks.diagnoses import DAILY, MONTHLY, Check

CHECKS: Final[dict[str, Check]] = {
    "debug": Check(_("Debug mode"), configuration.debug),
    "secret-key": Check(_("Secret key"), configuration.secret_key),
    "hosts": Check(_("URL of the site"), configuration.hosts),
    "proxy": Check(_("Proxy"), configuration.proxy),
    "deployment": Check(_("Settings"), configuration.deployment, valid_for=DAILY),
    "templates": Check(_("Templates"), configuration.templates),
    "migrations": Check(_("Migrations"), database.migrations),
    "database": Check(_("Database version"), database.version),
    "writing": Check(_("Writing to the database"), database.writable, valid_for=DAILY),
    "permissions": Check(_("File permissions"), machine.permissions),
    "code": Check(_("Code protection"), machine.code),
    "disk": Check(_("Disk"), machine.disk),
    "media": Check(_("Media"), machine.media, valid_for=DAILY),
    "cache": Check(_("Cache"), machine.cache, valid_for=DAILY),
    "worker": Check(_("Worker"), work.worker),
    "tasks": Check(_("Tasks"), work.tasks),
    "outbox": Check(_("Outgoing mail"), work.outbox),
    "mail": Check(_("Mail server"), work.mail, valid_for=DAILY),
    "clock": Check(_("Clock"), machine.clock),
    "dates": Check(_("Dates in the database"), database.clock),
    "https": Check(_("HTTPS"), outside.https, valid_for=DAILY),
    "headers": Check(_("Security headers"), outside.headers, valid_for=DAILY),
    "styles": Check(_("Styles and scripts"), outside.styles, valid_for=DAILY),
    "files": Check(_("Private files"), outside.files, valid_for=DAILY),
    "outside-clock": Check(_("Proxy clock"), outside.clock, valid_for=DAILY),
    "backups": Check(_("Backups"), backups.backups),
    "versions": Check(_("Versions"), machine.versions),
    "vulnerabilities": Check(_("Known vulnerabilities"), vulnerabilities.vulnerabilities, valid_for=MONTHLY),
}
