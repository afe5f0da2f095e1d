#!/usr/bin/python3
"""Do translated documents say the same as those they are translations of?

    scripts/translations.py

README.ja.md is held to README.md, and each docs/ja/NAME.md to docs/NAME.md: they have the
same headings by level, the same commands and settings (comments aside), the same names in
`code`, and lead to the same places. So a command, a setting or a section that one gets, the
other has to get, too. What the desktop, software centres and polkit show is there in each
language that the desktop file has. Prints FILE and what differs, and fails. Whether sentences
say the same, only who reads both can tell.

It tries itself first, on a sample.
"""

import re
import sys
from collections import Counter
from pathlib import Path, PurePosixPath

HEADING = re.compile(r"^(#{1,6}) ", re.M)
FENCED = re.compile(r"^```.*?^```$", re.M | re.S)
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^()\s]+)\)|\b(?:src|href)=\"([^\"]+)\"")
# To each other, by the name of the language.
ELSEWHERE = re.compile(r"^\[(?:English|日本語)\]\([^)]*\)$", re.M)
COMMENT = re.compile(r"(?:^|\s+)# .*$")
DESKTOP = "desktop/org.sesshoku.Sesshoku.desktop"
SAID_IN_ALL = ("desktop/org.sesshoku.Sesshoku.metainfo.xml", "polkit/org.sesshoku.policy")
# A drawing has words in it.
DRAWN = "─"


def blocks(text):
    """The lines of commands and settings, without their comments."""
    found = []
    for part in re.split(r"\n\s*\n", text):
        # Inside a list it is indented by as much more.
        lines = part.split("\n")
        if not all(line.startswith("    ") for line in lines if line.strip()):
            continue
        if DRAWN in part:
            continue
        lines = (COMMENT.sub("", line).strip() for line in lines)
        found.extend(line for line in lines if line)
    return found


def places(text, name, is_translation):
    """Where links lead, from the root; a part of a page is its page."""
    found = Counter()
    for match in LINK.finditer(text):
        target = (match[1] or match[2]).partition("#")[0]
        if not target or "://" in target:
            continue
        parts = []
        for part in (PurePosixPath(name).parent / target).parts:
            if part == "..":
                parts.pop()
            else:
                parts.append(part)
        path = "/".join(parts)
        found[path.replace("docs/ja/", "docs/") if is_translation else path] += 1
    return set(found)


def said(text, name, is_translation):
    text = ELSEWHERE.sub("", text)
    prose = FENCED.sub("", text)
    return {
        "headings": [len(it) for it in HEADING.findall(prose)],
        "commands and settings": blocks(prose),
        "names in code": sorted(set(CODE.findall(prose))),
        "links": sorted(places(prose, name, is_translation)),
    }


def differences(original, translation):
    """What differs, of two pages given as (name, text)."""
    one = said(original[1], original[0], False)
    other = said(translation[1], translation[0], True)
    for what in one:
        if one[what] == other[what]:
            continue
        missing = [str(it) for it in one[what] if it not in other[what]]
        more = [str(it) for it in other[what] if it not in one[what]]
        yield (
            f"{translation[0]}: {what} differ from {original[0]}: "
            f"missing {missing}, more {more}" + ("" if missing or more else ", or their order")
        )


def try_itself():
    original = ("docs/a.md", "# A\n\nSee `x` and [b](b.md#c).\n\n    run it   # so\n")
    same = ("docs/ja/a.md", "# あ\n\n[English](../a.md)\n\n`x` と [b](b.md)。\n\n    run it   # こう\n")
    assert not list(differences(original, same)), list(differences(original, same))
    wanted = languages("Name=A\nName[ja]=B\nName[zh_CN]=C\n")
    both = '<p xml:lang="ja">B</p>\n<p xml:lang="zh_CN">C</p>'
    assert not list(gaps("a.xml", both, wanted))
    assert len(list(gaps("a.xml", both + '<p xml:lang="ja">B</p>', wanted))) == 1
    for wrong in (
        same[1].replace("# あ", "## あ"),
        same[1].replace("run it", "run that"),
        same[1].replace("`x`", "`y`"),
        same[1].replace("](b.md)", "](c.md)"),
    ):
        assert len(list(differences(original, ("docs/ja/a.md", wrong)))) == 1, wrong


def languages(desktop):
    """The languages of the desktop file, as their locales name them."""
    return set(re.findall(r"^Name\[(\w+)\]=", desktop, re.M))


def gaps(name, xml, wanted):
    """Elements of `xml` that are said in some language and not in each of those wanted."""
    said = Counter()
    for tag, language in re.findall(r"<(\w+) xml:lang=\"(\w+)\">", xml):
        said[tag, language] += 1
    for tag in sorted({tag for tag, _ in said}):
        counts = {language: said[tag, language] for language in sorted(wanted)}
        if len(set(counts.values())) > 1:
            yield f"{name}: <{tag}> is not said as often in each language: {counts}"


def main():
    try_itself()
    root = Path(__file__).resolve().parent.parent
    pairs = [("README.md", "README.ja.md")]
    pairs += [
        (f"docs/{it.name}", f"docs/ja/{it.name}")
        for it in sorted((root / "docs/ja").glob("*.md"))
    ]
    faults = []
    for names in pairs:
        one, other = ((name, (root / name).read_text(encoding="utf-8")) for name in names)
        faults += differences(one, other)
    packaging = root / "packaging"
    wanted = languages((packaging / DESKTOP).read_text(encoding="utf-8"))
    for name in SAID_IN_ALL:
        faults += gaps(name, (packaging / name).read_text(encoding="utf-8"), wanted)
    print("\n".join(faults), end="\n" if faults else "")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
