#!/usr/bin/env python
"""Broadside's command line: `manage.py help` lists what it can do."""

import gc
import os
import resource
import sys

if __name__ == "__main__":
    # Loading the site creates hundreds of thousands of objects, and hardly any garbage. Enabled again once it is loaded
    # (operations.apps).
    gc.disable()
    # If a process crashes, the system must not write its memory to a file. `serve` passes that on to its processes.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        # Here, because Ctrl-C must not print a traceback in this half second either.
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db import OperationalError

        try:
            execute_from_command_line(sys.argv)
        except ImproperlyConfigured as error:
            if "--traceback" in sys.argv:
                raise
            sys.exit(f"Error: {error}")
        except OperationalError as error:
            if "--traceback" in sys.argv:
                raise
            sys.exit(f"Error: the database can't be used: {error}\nRun `manage.py doctor`, which says what to do.")
    except KeyboardInterrupt:
        # The status after Ctrl-C in a shell.
        sys.stderr.write("\nInterrupted.\n")
        sys.exit(130)
