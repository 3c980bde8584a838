#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: manual.py TOOL PATH MAN_DIR COMPLETION_BASH

What the tool's help says, its manual pages say too, and the reverse: commands and options at every
level, each option of a command in the part of the page that is about that command. And bash completes
each of them. Speaks TAP.
"""
import os
import pathlib
import re
import subprocess
import sys


def help_of(tool, words):
    return subprocess.run([tool, *words, "--help"], capture_output=True, text=True,
                          check=True).stdout


def part(text, title):
    found = re.search(rf"^{title}:\n(.*?)(?:\n\n|\Z)", text, flags=re.S | re.M)
    return found.group(1) if found else ""


def options_in(text):
    return set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", text, flags=re.M))


def walk(tool, words=()):
    """(words, its own options, common options) of each command, top down."""
    text = help_of(tool, words)
    yield words, options_in(part(text, "Options")), options_in(part(text, "Common options"))
    for name in re.findall(r"^  ([a-z][a-z0-9-]*)", part(text, "Commands"), flags=re.M):
        yield from walk(tool, (*words, name))


def bold_options(text):
    return set(re.findall(r"\*(--[a-z-]+)\*", text))


def commands_part(page):
    return page.split("\n# COMMANDS\n", 1)[1].split("\n# ", 1)[0]


def section_of(page, name, words):
    """What stands below `*tool words*` at the left margin, up to the next such line."""
    found = re.search(rf"^\*{name} {' '.join(words)}\*.*?\n(.*?)(?=^\S|\Z)", commands_part(page),
                      flags=re.S | re.M)
    return found.group(1) if found else None


def completed(bash_file, tool, words):
    script = (f'. "{bash_file}"; COMP_WORDS=({" ".join(words)}); '
              f"COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _strongroom; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    environment = {**os.environ, "PATH": f"{pathlib.Path(tool).parent}:{os.environ['PATH']}"}
    output = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True,
                            env=environment).stdout
    return set(output.split())


def main():
    name, tool, man_dir, bash_file = sys.argv[1:5]
    page = pathlib.Path(man_dir, f"{name}.1.scd").read_text()
    shared = pathlib.Path(man_dir, "strongroom.7.scd").read_text()
    checks = []
    all_options, all_common = set(), set()
    for words, own, common in walk(tool):
        what = " ".join((name, *words))
        all_options |= own
        all_common |= common
        if own:
            section = section_of(page, name, words)
            checks.append((f"the page describes the options of '{what}'",
                           section is not None and own <= bold_options(section)))
        if words:
            checks.append((f"the page has '{what}'", section_of(page, name, words) is not None))
        checks.append((f"bash completes the options of '{what}'",
                       completed(bash_file, tool, [name, *words, "--"]) == own | common))
        children = {child[-1] for child, _, _ in walk(tool, words) if len(child) == len(words) + 1}
        if children:
            checks.append((f"bash completes the words after '{what}'",
                           completed(bash_file, tool, [name, *words, '""']) >= children))
    checks.append(("strongroom(7) describes the common options", all_common <= bold_options(shared)))
    described = bold_options(commands_part(page)) - {"--json"}
    checks.append(("the page describes no option that there is not",
                   described <= all_options | all_common))
    checks.append(("bash completes the words of an option",
                   completed(bash_file, tool, [name, "events", "test", "--severity", "w"])
                   == {"warning"}))
    checks.append(("bash looks past options and their values",
                   completed(bash_file, tool, [name, "--json", "--store", "/tmp", "events", "te"])
                   == {"test"}))
    checks.append(("bash offers no files where none are meant",
                   completed(bash_file, tool, [name, "events", "--since", '""']) == set()))
    print(f"1..{len(checks)}")
    for number, (what, good) in enumerate(checks, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {what}")


main()
