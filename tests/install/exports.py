#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: exports.py LIBRARY INCLUDE_DIR MAP SHARED_OBJECT MAN_DIR

The functions that the headers declare, the version script lists and the shared object exports are the
same ones; and where there are manual pages of section 3, these describe them all. Speaks TAP.
"""
import pathlib
import re
import subprocess
import sys


def declared(include_dir, library):
    """Functions in the preprocessed headers: what the compiler sees, not what a comment says."""
    headers = sorted(include_dir.rglob("*.h"))
    source = "".join(f"#include <{path.relative_to(include_dir)}>\n" for path in headers)
    text = subprocess.run(["cc", "-E", "-P", "-I", str(include_dir), "-"], input=source,
                          capture_output=True, text=True, check=True).stdout
    # A declaration of ours carries the visibility attribute of the export macro.
    names = set()
    for statement in text.replace("\n", " ").split(";"):
        if 'visibility("default")' in statement:
            found = re.search(rf"\b({library}_\w+)\s*\(", statement)
            if found:
                names.add(found.group(1))
    return names


def listed(map_file):
    text = re.sub(r"/\*.*?\*/", "", map_file.read_text(), flags=re.S)
    names = set()
    for block in re.findall(r"global:(.*?)(?:local:|\})", text, flags=re.S):
        names |= {name.strip() for name in block.split(";") if name.strip()}
    return names


def exported(shared_object):
    output = subprocess.run(["nm", "-D", "--defined-only", shared_object], capture_output=True,
                            text=True, check=True).stdout
    return {line.split()[2].split("@")[0] for line in output.splitlines() if " A " not in line}


def described(man_dir, library):
    """Functions in the SYNOPSIS of pages of section 3; None while the library has no such page."""
    pages = [*man_dir.glob(f"lib{library}.3.scd"), *man_dir.glob(f"{library}*.3.scd")]
    if not pages:
        return None
    names = set()
    for page in pages:
        text = page.read_text().replace("\\", "")
        synopsis = text.split("# SYNOPSIS", 1)[1].split("\n# ", 1)[0]
        names |= set(re.findall(rf"\b({library}_\w+)\*?\(", synopsis))
    return names


def main():
    library, include_dir, map_file, shared_object, man_dir = sys.argv[1:6]
    in_headers = declared(pathlib.Path(include_dir), library)
    checks = [
        ("the version script lists what the headers declare", listed(pathlib.Path(map_file))),
        ("the shared object exports what the headers declare", exported(shared_object)),
    ]
    in_pages = described(pathlib.Path(man_dir), library)
    if in_pages is not None:
        checks.append(("the manual describes what the headers declare", in_pages))
    print(f"1..{len(checks)}")
    for number, (what, found) in enumerate(checks, 1):
        good = bool(in_headers) and in_headers == found
        print(f"{'ok' if good else 'not ok'} {number} - lib{library}: {what}")
        if not good:
            print(f"# only declared: {sorted(in_headers - found)}")
            print(f"# not declared: {sorted(found - in_headers)}")


main()
