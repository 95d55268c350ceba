"""The folder in which the processes of a web server share their counters, for `operations.metrics`."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings


def prepare_metrics() -> bool:
    """Prepare what `operations.metrics` needs when it is imported, and return whether it should be."""
    if not settings.BROADSIDE_MONITORING_TOKEN or find_spec("prometheus_client") is None:
        return False
    # The processes of a server have the same parent. When it is restarted, its counters start again.
    folder: Path = settings.BROADSIDE_METRICS_DIR / str(os.getppid())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for other in settings.BROADSIDE_METRICS_DIR.iterdir():
        if other.name.isdecimal() and not _is_alive(int(other.name)):
            shutil.rmtree(other, ignore_errors=True)
    # The library reads it when it is imported.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
