"""What a worker does with an import: `manage.py db_worker` takes it from the queue."""

import time
from typing import Any, Final

from django.core.management import call_command
from django.tasks import task
from django.utils.translation import gettext as _

from wordpress import imports
from wordpress.archives import Unpacked, unpacked
from wordpress.authors import authors_of
from wordpress.files import whole_file
from wordpress.folders import Folder, Mark
from wordpress.importing import import_export
from wordpress.mending import ExportRefused
from wordpress.models import Import, State, Step
from wordpress.plain import plain
from wordpress.survey import Progress, Stage, take_survey

# Seconds between two words to those who watch.
_PAUSE: Final = 0.5

# The state that a step ends in, and what else there is to store.
type Result = tuple[State, dict[str, Any]]


class Stopped(KeyboardInterrupt):
    """Somebody pressed Cancel: it is taken as Ctrl-C is, so what is whole by then stays."""


@task()
def run(key: str) -> None:
    """Do the step that the import `key` waits for, unless another worker has done it or it was cancelled."""
    found = Import.objects.filter(pk=key, state=State.WAITING).first()
    if found is None:
        return
    folder = Folder(found.pk)
    folder.make()
    with folder.held():
        if imports.claim(found):
            _do(found, folder)


@task()
def forget() -> None:
    """Delete uploads that nobody goes on with, and the results of tasks long done."""
    imports.forget_old()
    call_command("prune_db_task_results", verbosity=0)


def _do(found: Import, folder: Folder) -> None:
    step = _read if found.step == Step.READING else _import
    state = State.INTERRUPTED
    result: dict[str, Any] = {"problem": _("Something went wrong that nobody foresaw: the worker's log says more.")}
    try:
        if not folder.files():
            raise ExportRefused(_("Its files are gone: upload them again."))
        with unpacked(folder.files(), folder.path) as exports:
            state, result = step(found, exports, _Teller(folder))
    except ExportRefused as refusal:
        # What was read once is a whole export: then the choices were wrong, and others can be made.
        state = State.REFUSED if found.step == Step.READING else State.INTERRUPTED
        result = {"problem": folder.name(_("%s Nothing was imported.") % refusal)}
    except Stopped:
        result = {"problem": _("It was cancelled. Nothing was changed here.")}
    finally:
        imports.finish(found, state, result)
    if state in {State.DONE, State.REFUSED}:
        folder.remove_uploads()


def _read(found: Import, exports: Unpacked, progress: Progress) -> Result:
    survey = take_survey(exports.paths, progress)
    authors = [[login, plain(author.display_name)] for login, author in authors_of(survey).items()]
    folder = Folder(found.pk)
    warnings = [folder.name(exports.name(text)) for text in survey.warnings]
    return State.READY, {"found": {"items": dict(survey.items), "authors": authors, "warnings": warnings}}


def _import(found: Import, exports: Unpacked, progress: Progress) -> Result:
    trial = found.step == Step.TRIAL
    report = import_export(exports.paths, dry_run=trial, progress=progress, **found.options)
    exports.name_in(report)
    folder = Folder(found.pk)
    report.files = found.names
    report.warnings = [folder.name(text) for text in report.warnings]
    with whole_file(folder.report) as file:
        report.write(file)
    result = {"report": report.summary()}
    if report.interrupted:
        problem = _("It was cancelled. The texts are here, some files are still to come: start again to go on.")
        return State.INTERRUPTED, {**result, "problem": problem}
    return (State.READY if trial else State.DONE), result


class _Teller:
    """Writes down how far a step is and hears whether it shall stop: as a stage begins, then now and then."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._stage: Stage | None = None
        self._began = self._told = 0.0

    def __call__(self, stage: Stage, done: int, total: int) -> None:
        now = time.time()
        if stage == self._stage and now - self._told < _PAUSE:
            return
        if stage != self._stage:
            self._stage, self._began = stage, now
        self._told = now
        if self._folder.is_asked_to_stop():
            raise Stopped
        self._folder.tell(Mark(stage, done, total, self._began, now))
