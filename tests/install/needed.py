#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: needed.py LIBRARY SHARED_OBJECT LIST

The NEEDED entries of the shared object are exactly those of the list, in which a * stands for the
part of a soname that differs from one distribution to the next, and its soname is the one that was
promised. Speaks TAP.
"""
import fnmatch
import re
import subprocess
import sys


def expected_of(list_file, library):
    with open(list_file, encoding="ascii") as lines:
        for line in lines:
            words = line.split("#")[0].split()
            if words and words[0] == f"lib{library}:":
                return words[1:]
    sys.exit(f"{list_file} has no line for lib{library}")


def are_those_of(needed, patterns):
    """Each entry fits one pattern, and each pattern one entry."""
    return all(sum(fnmatch.fnmatchcase(name, pattern) for pattern in patterns) == 1
               for name in needed) and \
        all(sum(fnmatch.fnmatchcase(name, pattern) for name in needed) == 1
            for pattern in patterns)


def main():
    library, shared_object, list_file = sys.argv[1:4]
    dynamic = subprocess.run(["readelf", "-dW", shared_object], capture_output=True, text=True,
                             check=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    soname = re.findall(r"\(SONAME\).*\[(.*)\]", dynamic)
    expected = expected_of(list_file, library)
    checks = [
        ("needs exactly the libraries of the list", are_those_of(needed, expected),
         f"needs {needed}, the list says {expected}"),
        ("has its soname", soname == [f"lib{library}.so.0"], f"soname {soname}"),
        ("is bound at start", re.search(r"FLAGS.*NOW", dynamic) is not None, dynamic),
        ("has no text relocations", "TEXTREL" not in dynamic, dynamic),
    ]
    print(f"1..{len(checks)}")
    for number, (what, good, why) in enumerate(checks, 1):
        print(f"{'ok' if good else 'not ok'} {number} - lib{library} {what}")
        if not good:
            print(*[f"# {line}" for line in why.splitlines()], sep="\n")


main()
