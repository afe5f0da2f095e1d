#!/usr/bin/python3
"""Does everything that the source and its documents cite exist?

    scripts/citations.py

Prints FILE:LINE and what is wrong, and fails, for each of these that does not resolve:

- a Markdown file that is named (docs/sleep.md), and behind its name a section by number
  (docs/protocol.md §4) or by title (docs/server.md "The clock");
- a trap of docs/bluez.md, an invariant of ARCHITECTURE.md;
- a relative link of a Markdown file, with its anchor;
- a path or a `make` target that a Markdown file, or a comment, sets as code;
- a citation of a document that is not in the repository at all.

What git does not know of yet is not there.

It tries itself first, on a sample of each.
"""

import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

TEXT = {
    "", ".css", ".ftl", ".html", ".js", ".md", ".mjs", ".py", ".rs", ".service", ".sh",
    ".sql", ".svelte", ".toml", ".ts", ".xml", ".yaml", ".yml", ".conf",
}
# What others wrote, what is made, and the scripts whose samples name what is not there.
SKIPPED = (
    "LICENSE", "scripts/citations.py", "scripts/translations.py", "gui/package-lock.json",
)

# The leader of a comment's line, so that a citation may be broken over two.
LEADER = re.compile(r"^[ \t]*(?:///?!?|\*|#+|--|;)[ \t]", re.M)
MARKDOWN = re.compile(r"(?<![\w/.$-])((?:\.{1,2}/)*(?:[\w-]+/)*[\w-]+\.md)\b")
SECTION = re.compile(r",?\s+§\s?(\d+)")
MORE_SECTIONS = re.compile(r"(?:,| and)\s+§\s?(\d+)")
TITLE = re.compile(r',?\s+"([A-Z][^"\n]*(?:\n[^"\n]*)?)"')
TRAP = re.compile(r"\btrap\s+(\d+)", re.I)
INVARIANT = re.compile(r"\binvariant\s+(\d+)", re.I)
STRAY = re.compile(r"\bprotocol\s+§\s?\d+|\brequirements?\s+R\d+|\((?:R\d+(?:, )?)+[):]", re.I)
LINK = re.compile(r"\]\(([^()\s]+)\)|\b(?:src|href)=\"([^\"]+)\"")
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
MAKE = re.compile(r"^make ((?:[a-z][a-z0-9-]*(?: |$))+)")
PATH = re.compile(r"^[\w.@{},*-]+(?:/[\w.@{},*-]+)*/?$")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$")
TARGET = re.compile(r"^([a-z][a-z0-9-]*):", re.M)


class Repository:
    """What can be cited."""

    def __init__(self, texts, is_made=lambda path: False):
        self.files = set(texts)
        self.folders = {str(it) for name in texts for it in PurePosixPath(name).parents}
        self.headings = {
            name: headings(text) for name, text in texts.items() if name.endswith(".md")
        }
        self.is_made = is_made
        makefile = texts.get("Makefile", "")
        self.targets = set(TARGET.findall(makefile))
        for names in re.findall(r"^SETUPS := (.*)$", makefile, re.M):
            self.targets.update(names.split())
        architecture = texts.get("ARCHITECTURE.md", "")
        invariants = architecture.partition("\n## Invariants")[2].partition("\n## ")[0]
        self.invariants = set(re.findall(r"^(\d+)\. ", invariants, re.M))

    def has(self, path):
        path = path.rstrip("/")
        return path in self.files or path in self.folders

    def ends(self, path):
        """Whether `path` is the end of something that is there."""
        path = path.rstrip("/")
        return any(name == path or name.endswith(f"/{path}") for name in self.files | self.folders)

    def find(self, name, citing):
        """The file that `citing` means by `name`: from the root, docs/, or beside it."""
        beside = PurePosixPath(citing).parent
        for folder in ("", "docs", str(beside)):
            path = normal(PurePosixPath(folder) / name)
            if path in self.files:
                return path
        return None


def headings(text):
    found, in_code = [], False
    for line in text.split("\n"):
        if line.startswith(("```", "~~~")):
            in_code = not in_code
        elif not in_code and (match := HEADING.match(line)):
            found.append(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", match[1]).replace("`", ""))
    return found


def anchors(titles):
    """The anchors that GitHub and GitLab give to `titles`."""
    seen = {}
    for title in titles:
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        yield f"{slug}-{count}" if count else slug


def normal(path):
    parts = []
    for part in PurePosixPath(path).parts:
        if part == ".." and parts:
            parts.pop()
        elif part not in (".", "/"):
            parts.append(part)
    return "/".join(parts)


def expanded(path):
    """`a/{b,c}` names two."""
    match = re.search(r"\{([^{}]*)\}", path)
    if not match:
        return [path]
    return [
        each
        for choice in match[1].split(",")
        for each in expanded(path[: match.start()] + choice + path[match.end() :])
    ]


def faults(name, text, repository):
    """What `text`, the file `name`, cites in vain: lines and words."""
    found = []

    def fault(at, words):
        found.append((text.count("\n", 0, at) + 1, words))

    is_markdown = name.endswith(".md")
    # As long as the text, so that places in it are places in the text.
    flat = text if is_markdown else LEADER.sub(lambda it: " " * len(it[0]), text)
    for match in MARKDOWN.finditer(flat):
        if flat[: match.start()].endswith(("](", "://", "<")) or "{" in match[1]:
            continue
        path = repository.find(match[1], name)
        if path is None:
            fault(match.start(), f"there is no {match[1]}")
            continue
        titles = repository.headings[path]
        # In a link's text the section stands before its closing bracket.
        at = match.end()
        if section := SECTION.match(flat, at):
            while section:
                if not any(title.startswith(f"{section[1]}. ") for title in titles):
                    fault(section.start(), f"{path} has no §{section[1]}")
                section = MORE_SECTIONS.match(flat, section.end())
        elif title := TITLE.match(flat, at):
            wanted = " ".join(title[1].split())
            if wanted not in titles:
                fault(match.start(), f'{path} has no section "{wanted}"')
    for match in TRAP.finditer(flat):
        traps = repository.headings.get("docs/bluez.md", [])
        if not any(title.startswith(f"Trap {match[1]}:") for title in traps):
            fault(match.start(), f"docs/bluez.md has no trap {match[1]}")
    for match in INVARIANT.finditer(flat):
        if match[1] not in repository.invariants:
            fault(match.start(), f"ARCHITECTURE.md has no invariant {match[1]}")
    for match in STRAY.finditer(flat):
        words = " ".join(match[0].split())
        fault(match.start(), f'"{words}" names no document of the repository')
    if is_markdown:
        for match in LINK.finditer(without_code(text)):
            check_link(match[1] or match[2], name, repository, lambda it, at=match: fault(at.start(), it))
    for at, code in code_in(text, is_markdown):
        check_code(code, name, is_markdown, repository, lambda it, at=at: fault(at, it))
    return found


def without_code(text):
    text = re.sub(r"^```.*?^```", lambda it: re.sub(r"[^\n]", " ", it[0]), text, flags=re.M | re.S)
    return CODE.sub(lambda it: " " * len(it[0]), text)


def code_in(text, is_markdown):
    for match in CODE.finditer(text):
        yield match.start(), match[1]
    if is_markdown:
        for match in re.finditer(r"^(?: {4,}|\t)((?:sudo )?make [a-z].*)$", text, re.M):
            yield match.start(), match[1].removeprefix("sudo ").partition("#")[0].strip()


def check_link(link, name, repository, fault):
    if re.match(r"[a-z]+:", link):
        return
    path, _, anchor = link.partition("#")
    path = normal(PurePosixPath(name).parent / path) if path else name
    if not repository.has(path):
        fault(f"the link {link} leads nowhere")
    elif anchor and anchor not in anchors(repository.headings.get(path, [])):
        fault(f"the link {link} leads to no heading of {path}")


def check_code(code, name, is_markdown, repository, fault):
    if match := MAKE.match(code):
        for target in match[1].split():
            if target not in repository.targets:
                fault(f"there is no target `make {target}`")
        return
    path = code.split()[0] if code.split() else ""
    # In sources, code is mostly of other things than this repository.
    if not PATH.match(path) or "*" in path or (not is_markdown and "/" not in path):
        return
    top = path.split("/")[0]
    for each in expanded(path):
        if "/" in path and top in repository.folders and not top.startswith("."):
            # `tests/uml` may also be meant from where it is named.
            beside = normal(PurePosixPath(name).parent / each)
            if not (repository.has(each) or repository.has(beside) or repository.ends(each)):
                # `radio/replay` is the module, in replay.rs.
                if not (repository.has(f"{each}.rs") or repository.is_made(each)):
                    fault(f"there is no {each}")
        elif is_markdown and each.endswith(".rs") and not repository.ends(each):
            fault(f"there is no {each}")


def try_itself():
    """Finds one fault in each of these, and none in the one that has none."""
    texts = {
        "Makefile": "test: build\n\techo\n",
        "ARCHITECTURE.md": "# A\n\n## Invariants: what\n\n1. One.\n2. Two.\n",
        "docs/protocol.md": "# P\n\n## 1. Keys\n\n## 3. Matching: `it`\n",
        "docs/bluez.md": "# B\n\n### Trap 2: two\n",
        "daemon/src/main.rs": "",
        "tests/uml/run.sh": "",
    }
    good = {
        "a.rs": "/// (docs/protocol.md §1, §3), docs/bluez.md, trap 2; invariant 2 of\n"
        "/// ARCHITECTURE.md. See docs/protocol.md\n/// §3. RFC 9110 §8.8. `tests/uml` and `make test`.\n",
        "docs/b.md": "[one](protocol.md#3-matching-it) [protocol.md §1](protocol.md#1-keys) `daemon/src/{main.rs}`\n",
    }
    bad = {
        "docs/gone.md": "// docs/gone.md says more\n",
        "§2": "// docs/protocol.md\n// §2\n",
        "§4": "// docs/protocol.md §1, §4\n",
        "Nothing": '// docs/protocol.md "Nothing such"\n',
        "trap 3": "// Trap 3 of docs/bluez.md\n",
        "invariant 9": "// (invariant 9)\n",
        "spec/bluez.md": "// see spec/bluez.md\n",
        "names no document": "// (protocol §1)\n",
        "R8": "// (requirement R8)\n",
        "leads nowhere": "[a](b.md)\n",
        "no heading": "[a](docs/protocol.md#4-none)\n",
        "target": "`make tset`\n",
        "make tset": "    make tset\n",
        "daemon/src/mian.rs": "`daemon/src/mian.rs`\n",
        "own.rs": "`tracer/own.rs`\n",
    }
    repository = Repository(texts)
    for name, text in good.items():
        assert not (it := faults(name, text, repository)), it
    for words, text in bad.items():
        name = "a.rs" if text.startswith("//") else "a.md"
        it = faults(name, text, repository)
        assert it and any(words in each for _, each in it), (words, it)


def main():
    try_itself()
    root = Path(__file__).resolve().parent.parent
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True
    )
    names = [name for name in listed.stdout.decode().split("\0") if (root / name).is_file()]
    texts = {}
    for name in names:
        texts[name] = ""
        if PurePosixPath(name).suffix in TEXT:
            texts[name] = (root / name).read_text(encoding="utf-8", errors="ignore")

    def is_made(path):
        return not subprocess.run(["git", "check-ignore", "--quiet", path], cwd=root).returncode

    repository = Repository(texts, is_made)
    wrong = 0
    for name, text in sorted(texts.items()):
        if name in SKIPPED:
            continue
        for line, words in sorted(faults(name, text, repository)):
            print(f"{name}:{line}: {words}", file=sys.stderr)
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
