"""Injects faults into a site while people use it, and records what they see and what is lost. See README.md."""

import random
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from html import unescape

import faulty_site  # isort: split

import fault_surfaces
from django.core.management import call_command
from fault_surfaces import SURFACES, Attempt, HalfError
from faulty_site import Cache, Database, MailServer, Site, options
from plain_browser import Answer, Browser
from processes import PROJECT

type Fault = Callable[[Site], AbstractContextManager[object]]

DOCUMENT = PROJECT / "docs/reliability.md"
# In seconds. The table mentions anything slower.
SLOW = 10
POWER_CUTS = ("publish", "comment", "upload", "backup")


@dataclass
class Seen:
    """What was seen of one surface in one fault, and whether it broke a promise."""

    text: str
    is_broken: bool = False


@dataclass
class Round:
    """One fault: what was seen of each surface, what was acknowledged and lost, and when all was well again."""

    title: str
    seen: dict[str, Seen] = field(default_factory=dict)
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    back_after: float = 0.0


# Faults. Each is a context manager that takes the site; the fault lasts for the block.


@contextmanager
def read_only(site: Site) -> Iterator[None]:
    # An open file stays writable, so the site restarts with a file that it may only read.
    restarts = site.database.is_file
    if restarts:
        site.stop()
    site.database.let_only_read(True)
    if restarts:
        site.start()
    yield
    if restarts:
        site.stop()
    site.database.let_only_read(False)
    if restarts:
        site.start()


@contextmanager
def stopped(server: MailServer | Cache | Database) -> Iterator[None]:
    server.stop()
    yield
    server.start()


@contextmanager
def database_restarted(site: Site) -> Iterator[None]:
    site.database.stop()
    site.database.start()
    yield


@contextmanager
def mail_slow(site: Site) -> Iterator[None]:
    site.mail.is_slow = True
    yield
    site.mail.is_slow = False


@contextmanager
def clock_set_back(site: Site) -> Iterator[None]:
    site.stop()
    site.start(fake_clock=True)
    faulty_site.set_clock(-365)
    yield
    faulty_site.set_clock(0)


FAULTS: dict[str, tuple[str, Fault]] = {
    "none": ("no fault", nullcontext),
    "full-disk": ("disk full", Site.full_disk),
    "read-only": ("database read-only", read_only),
    "database-down": ("PostgreSQL down", lambda site: stopped(site.database)),
    "database-restarted": ("PostgreSQL restarted", database_restarted),
    "cache-down": ("Valkey down", lambda site: stopped(site.cache)),
    "mail-down": ("mail server down", lambda site: stopped(site.mail)),
    "mail-slow": ("mail server slow", mail_slow),
    "clock": ("clock a year back", clock_set_back),
}


def is_possible(name: str) -> bool:
    if name.startswith("database-"):
        return bool(options.database == "postgresql")
    if name == "full-disk" and not faulty_site.HAS_DISK:
        print("NOT TRIED: only root can mount a small disk that can be full.")
        return False
    if name == "clock" and not faulty_site.has_fake_clock():
        print("NOT TRIED: install faketime to set the clock back.")
        return False
    return True


def describe(answer: Answer, attempt: Attempt) -> Seen:
    """Return what was seen, in a few words of the legend in docs/reliability.md."""
    slow = f" ({answer.seconds:.0f} s)" if answer.seconds > SLOW else ""
    if not answer.content_type:
        # A command.
        if answer.status == 0:
            return Seen(f"works{slow}")
        return Seen("TRACEBACK", True) if "Traceback" in answer.body else Seen(f"says so{slow}")
    if _asks_who_it_is(answer):
        return Seen(f"asks for the password{slow}")
    if 0 < answer.status < 400:
        return Seen(f"works{slow}")
    if answer.status == 503 and attempt.is_program:
        return Seen(f"503{slow}")
    is_in_design = "<h1" in answer.body and ("css/site" in answer.body or "admin-broadside/tokens" in answer.body)
    if answer.status != 503 or not is_in_design:
        return Seen(f"BROKEN: {answer.status}{'' if is_in_design else ', plain'}{slow}", True)
    if not attempt.typed:
        return Seen(f"says so{slow}")
    text = unescape(answer.body).replace("\r\n", "\n")
    if all(typed in text for typed in attempt.typed):
        return Seen(f"says so, text kept{slow}")
    return Seen(f"TEXT LOST{slow}", True)


def _asks_who_it_is(answer: Answer) -> bool:
    return answer.status == 302 and ("/admin/login/" in answer.location or "/account/confirm/" in answer.location)


def run_fault(site: Site, title: str, fault: Fault, surfaces: list[str]) -> Round:
    found = Round(title)
    attempts = {name: SURFACES[name]() for name in surfaces}
    faulty_site.close_connections()
    answers: dict[str, Answer] = {}
    with fault(site):
        for name, attempt in attempts.items():
            answers[name] = answer = attempt.send()
            found.seen[name] = describe(answer, attempt)
            if found.seen[name].is_broken or (fault is nullcontext and found.seen[name].text != "works"):
                show_broken(name, answer)
        started = time.monotonic()
    found.back_after = time.monotonic() - started + wait_until_all_is_well()
    for name, attempt in attempts.items():
        check(name, attempt, answers[name], found)
    return found


def wait_until_all_is_well() -> float:
    """Wait until readers can read and comment again, and return the seconds that took."""
    started = time.monotonic()
    while time.monotonic() - started < faulty_site.PATIENCE:
        page = Browser(faulty_site.PORT).get("/", **{"Cache-Control": "no-store"})
        if page.status == 200 and SURFACES["comment"]().send().status == 302:
            break
        time.sleep(0.2)
    else:
        raise SystemExit("The site did not recover.")
    return time.monotonic() - started


def check(name: str, attempt: Attempt, answer: Answer, found: Round) -> None:
    """Record what was acknowledged, and whether it is there."""
    if attempt.is_stored is None:
        return
    is_acknowledged = 0 < answer.status < 400 if answer.content_type else answer.status == 0
    is_acknowledged = is_acknowledged and not _asks_who_it_is(answer)
    found.acknowledged += is_acknowledged
    try:
        is_stored = attempt.is_stored()
    except HalfError as error:
        found.lost.append(f"{name}: {error}")
        return
    if is_acknowledged and not is_stored:
        found.lost.append(name)
        show_broken(name, answer)


def show_broken(name: str, answer: Answer) -> None:
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.body))[:400]
    print(f"  {name}: {answer.status} {text}", file=sys.stderr)


# Power cuts


@dataclass
class Cuts:
    """What was found after power cuts at random times during one action."""

    action: str
    count: int = 0
    acknowledged: int = 0
    unsaid: int = 0
    lost: list[str] = field(default_factory=list)


def cut_power(site: Site, action: str, kills: int, rng: random.Random) -> Cuts:
    found = Cuts(action)
    prepare = SURFACES[action]
    longest = max(prepare().send().seconds for _ in range(2)) * 1.2
    for _ in range(kills):
        attempt = prepare()
        answers: list[Answer] = []
        sender = threading.Thread(target=lambda: answers.append(attempt.send()))  # noqa: B023  # it ends in this round
        sender.start()
        time.sleep(rng.uniform(0, longest))
        # A later response does not count as an acknowledgement.
        is_acknowledged = bool(answers) and answers[0].status in {0, 200, 302}
        site.kill()
        sender.join()
        site.database.start()
        site.start()
        wait_until_all_is_well()
        found.count += 1
        found.acknowledged += is_acknowledged
        try:
            is_stored = attempt.is_stored is None or attempt.is_stored()
        except HalfError as error:
            found.lost.append(str(error))
            continue
        if is_acknowledged and not is_stored:
            found.lost.append("what was acknowledged")
        found.unsaid += is_stored and not is_acknowledged
    return found


# Output


def table(rounds: list[Round], surfaces: list[str]) -> str:
    lines = ["| | " + " | ".join(each.title for each in rounds) + " |", "| --- |" + " --- |" * len(rounds)]
    lines += [f"| {name} | " + " | ".join(each.seen[name].text for each in rounds) + " |" for name in surfaces]
    lines.append("| **acknowledged** | " + " | ".join(str(each.acknowledged) for each in rounds) + " |")
    lost = [", ".join(each.lost) or "nothing" for each in rounds]
    lines.append("| **lost** | " + " | ".join(f"**{each}**" for each in lost) + " |")
    lines.append("| all is well after | " + " | ".join(f"{each.back_after:.1f} s" for each in rounds) + " |")
    return "\n".join(lines)


def table_of_cuts(cuts: list[Cuts]) -> str:
    lines = [
        "| power cut during | times | acknowledged | stored without saying so | lost |",
        "| --- |" + " --: |" * 3 + " --- |",
    ]
    for each in cuts:
        lost = ", ".join(each.lost) or "nothing"
        lines.append(f"| {each.action} | {each.count} | {each.acknowledged} | {each.unsaid} | **{lost}** |")
    return "\n".join(lines)


def show(name: str, text: str) -> None:
    """Print a text and, with `--write`, put it between its markers in the document."""
    print(text, end="\n\n", flush=True)
    if not options.write:
        return
    start, end = f"<!-- faults: {name} -->", f"<!-- end of faults: {name} -->"
    document = DOCUMENT.read_text()
    before, rest = document.split(start)
    DOCUMENT.write_text(f"{before}{start}\n\n{text}\n\n{end}{rest.split(end)[1]}")


def main() -> None:
    seed = random.randrange(2**32) if options.seed is None else options.seed  # noqa: S311  # random times need no secrecy
    print(f"The seed is {seed}.", file=sys.stderr)
    surfaces = [name for name in SURFACES if options.surfaces is None or name in options.surfaces]
    names = [name for name in FAULTS if (options.faults is None or name in options.faults) and is_possible(name)]
    site = Site()
    try:
        site.mail.start()
        site.cache.start()
        site.database.start()
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        fault_surfaces.prepare_site()
        site.start()
        rounds = []
        for name in names:
            print(f"{name} …", file=sys.stderr)
            rounds.append(run_fault(site, *FAULTS[name], surfaces))
        if rounds:
            show(options.database, table(rounds, surfaces))
        cuts = []
        for action in POWER_CUTS if options.kills else ():
            print(f"power cuts during {action} …", file=sys.stderr)
            cuts.append(cut_power(site, action, options.kills, random.Random(seed)))  # noqa: S311  # as above
            show(f"{options.database}, power cuts", table_of_cuts(cuts))
    finally:
        site.end()
    broken = [seen for each in rounds for seen in each.seen.values() if seen.is_broken]
    if broken or any(each.lost for each in rounds) or any(each.lost for each in cuts):
        raise SystemExit("Failed: a promise was broken.")


if __name__ == "__main__":
    main()
