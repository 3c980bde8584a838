#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: headers.py INCLUDE_DIR LIBRARY

Every public header compiles alone, twice in one file, as C11 and as C++11, with each compiler there
is, without a warning; and opens with the comment that is its page. Speaks TAP.
"""
import pathlib
import shutil
import subprocess
import sys

COMPILERS = [
    ("gcc", ["-x", "c", "-std=c11"]),
    ("clang", ["-x", "c", "-std=c11"]),
    ("g++", ["-x", "c++", "-std=c++11"]),
    ("clang++", ["-x", "c++", "-std=c++11"]),
]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wundef", "-Werror"]


def compiles(compiler, language, include_dir, name):
    source = f"#include <{name}>\n#include <{name}>\nint main(void);\nint main(void) {{ return 0; }}\n"
    run = subprocess.run(
        [compiler, *language, *WARNINGS, "-fsyntax-only", "-I", str(include_dir), "-"],
        input=source, capture_output=True, text=True, check=False)
    return run.returncode == 0, run.stderr


def main():
    include_dir, library = pathlib.Path(sys.argv[1]), sys.argv[2]
    headers = sorted(path.relative_to(include_dir) for path in include_dir.rglob("*.h"))
    lines, number = [], 0
    for header in headers:
        text = (include_dir / header).read_text()
        checks = [("lies in its own folder", header.parts[0] == library, ""),
                  ("opens with its page", f"@file {header}" in "\n".join(text.split("\n")[:4]), "")]
        for compiler, language in COMPILERS:
            what = f"compiles alone as {language[2]} with {compiler}"
            if shutil.which(compiler):
                checks.append((what, *compiles(compiler, language, include_dir, header)))
            else:
                checks.append((what, None, ""))
        for what, good, why in checks:
            number += 1
            skip = " # SKIP no such compiler" if good is None else ""
            lines.append(f"{'not ok' if good is False else 'ok'} {number} - {header} {what}{skip}")
            lines += [f"# {line}" for line in why.splitlines()]
    print(f"1..{number}", *lines, sep="\n")
    return 0 if headers else 1


sys.exit(main())
