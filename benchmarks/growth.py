"""Measures how the cost of pages grows with the blog: from 1,000 to 100,000 posts. See README.md."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

from processes import PROJECT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--empty", default="", help="data folder of an empty site, to avoid migrating each blog")
    options = parser.parse_args()
    costs: dict[str, list[float]] = {}
    for posts in options.posts:
        for name, cost in measure(posts, options.seconds, options.rounds, options.empty).items():
            costs.setdefault(name, []).append(cost)
    print(f"{'CPU in b, by posts':<24}{''.join(f'{posts:>12,}' for posts in options.posts)}{'last / first':>14}")
    for name, values in costs.items():
        print(f"{name:<24}{''.join(f'{value:>12.1f}' for value in values)}{values[-1] / values[0]:>14.2f}")
    ratio = costs["tag, last page"][-1] / costs["tag, first page"][-1]
    print(
        f"With {options.posts[-1]:,} posts, the last page of the most used tag costs {ratio:.2f} times its first page."
    )


def measure(posts: int, seconds: float, rounds: int, empty: str) -> dict[str, float]:
    """Run `pages.py` on a new blog, and return the cost of each page in units of the bare view."""
    with tempfile.TemporaryDirectory(prefix="broadside-benchmark-") as folder:
        command = [sys.executable, "benchmarks/pages.py", "--plain", "--posts", str(posts)]
        command += ["--seconds", str(seconds), "--rounds", str(rounds)]
        if empty:
            shutil.copytree(empty, folder, dirs_exist_ok=True)
        environment = os.environ | {"BROADSIDE_DATA": folder}
        run = subprocess.run(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603  # our own command
    return {name: float(cost) for name, cost in (line.split("\t") for line in run.stdout.splitlines())}


if __name__ == "__main__":
    main()
