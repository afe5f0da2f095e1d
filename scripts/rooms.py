#!/usr/bin/env python3
"""Looks whether the rooms of a crate import each other in a circle, and whether what is to
be pure depends on anything that does I/O.

A room is a module directly below a crate's `src/`; what names it is `crate::room`. The
tests of a module may look anywhere. A circle is two rooms that are one: neither can be
understood, tried or moved without the other.
"""

import re
import subprocess
import sys
from pathlib import Path


def imports(source: str, is_door: bool) -> set[str]:
    """The rooms that a file names, its tests aside. In the file that is the room itself,
    `super` is the crate."""
    code = source.split("#[cfg(test)]\nmod tests")[0]
    code = re.sub(r"^\s*//.*$", "", code, flags=re.MULTILINE)
    root = r"\b(?:crate|super)" if is_door else r"\bcrate"
    return set(re.findall(root + r"::([a-z_0-9]+)\b", code)) | grouped(code)


def grouped(code: str) -> set[str]:
    """Those of `use crate::{a, b::c}`."""
    groups = re.findall(r"\buse crate::\{(.*?)\};", code, flags=re.DOTALL)
    return {name for group in groups for name in re.findall(r"(?:^|[,{]\s*)([a-z_0-9]+)(?=::|,|\s|$)", group)}


def rooms_of(crate: Path) -> dict[str, set[str]]:
    """Which rooms of a crate each room names."""
    rooms: dict[str, set[str]] = {}
    for file in sorted((crate / "src").rglob("*.rs")):
        place = file.relative_to(crate / "src").parts
        room = place[0].removesuffix(".rs")
        if room in ("bin", "lib", "main") or "tests" in place or file.name == "tests.rs":
            continue
        is_door = place[1:] in ((), ("mod.rs",))
        rooms.setdefault(room, set()).update(imports(file.read_text(), is_door))
    return {room: (named & rooms.keys()) - {room} for room, named in rooms.items()}


def circles(rooms: dict[str, set[str]]) -> list[list[str]]:
    """The sets of rooms that reach each other, by Tarjan's algorithm."""
    found, index, low, stack = [], {}, {}, []

    def visit(room: str) -> None:
        index[room] = low[room] = len(index)
        stack.append(room)
        for other in sorted(rooms[room]):
            if other not in index:
                visit(other)
            if other in stack:
                low[room] = min(low[room], low[other])
        if low[room] == index[room]:
            circle = stack[stack.index(room):]
            del stack[stack.index(room):]
            if len(circle) > 1:
                found.append(sorted(circle))

    for room in sorted(rooms):
        if room not in index:
            visit(room)
    return found


# What decides or is the protocol, and must be without I/O (ARCHITECTURE.md, invariants 1
# and 2).
PURE = ("gaen", "guidance", "capture", "sesshoku-core")
# The ways to files, sockets, buses, clocks and databases that this project has.
IO = {
    "bluer", "hyper", "mio", "nix", "reqwest", "rusqlite", "rustix", "socket2", "tokio", "zbus",
    "sesshokud", "sesshoku-dbus-api", "sesshoku-server", "settings",
}


def does_io(package: str) -> list[str]:
    """What a package depends on that does I/O."""
    tree = ["cargo", "tree", "--locked", "--package", package, "--edges", "normal", "--prefix", "none"]
    lines = subprocess.run(tree, check=True, capture_output=True, text=True).stdout.splitlines()
    return sorted(IO & {line.split()[0] for line in lines if line})


def main() -> int:
    manifests = subprocess.run(
        ["git", "ls-files", "*Cargo.toml"], check=True, capture_output=True, text=True
    ).stdout.split()
    failed = False
    for manifest in manifests:
        crate = Path(manifest).parent
        rooms = rooms_of(crate) if (crate / "src").is_dir() else {}
        for circle in circles(rooms):
            failed = True
            print(f"{crate}: {', '.join(circle)} import each other in a circle:", file=sys.stderr)
            for room in circle:
                print(f"  {room} names {', '.join(sorted(rooms[room] & set(circle)))}", file=sys.stderr)
    for package in PURE:
        for other in does_io(package):
            failed = True
            print(f"{package} is to be without I/O, and depends on {other}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
