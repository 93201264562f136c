"""The repository's files, as the gates in this folder see them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def files(*suffixes):
    """Paths (relative to ROOT) git tracks or would add; a source archive's whole tree without git."""
    if (ROOT / ".git").exists():
        listing = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z",
             "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
        paths = {Path(p) for p in listing if p}
    else:
        paths = {p.relative_to(ROOT) for p in ROOT.rglob("*")
                 if p.relative_to(ROOT).parts[0] != "build"}
    return sorted(p for p in paths
                  if (ROOT / p).is_file() and (not suffixes or p.suffix in suffixes))


def text_of(path):
    """The file's text, or None for a binary file."""
    data = (ROOT / path).read_bytes()
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def report(name, problems):
    """Prints the problems and exits: 0 without any, 1 otherwise."""
    for problem in problems:
        print(problem)
    print(f"{name}: {len(problems)} problem(s)" if problems else f"{name}: ok")
    sys.exit(1 if problems else 0)


def skip(name, why):
    """Ends a gate that cannot run here: skipped by name, but a failure under CI=true."""
    if os.environ.get("CI") == "true":
        print(f"{name}: {why}, which is a failure under CI=true")
        sys.exit(1)
    print(f"{name}: skipped: {why}")
    sys.exit(77)
