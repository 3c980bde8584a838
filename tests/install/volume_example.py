#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: volume_example.py PROGRAM SOURCE PAGE

The example of the manual page does what it says, and the page shows it as it was compiled. Speaks TAP.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SIZE = 3 << 20


def shown_in(page):
    """The last literal block, as scdoc shows it: a backslash stands for the character behind it."""
    literal = page.read_text().split("\n# EXAMPLE\n", 1)[1].split("```\n")[1]
    return re.sub(r"\\(.)", r"\1", literal)


def main():
    program, source, page = (pathlib.Path(word) for word in sys.argv[1:4])
    checks = []
    with tempfile.TemporaryDirectory() as folder:
        volume, key, other_key = (str(pathlib.Path(folder, name)) for name in ("volume", "key", "other"))
        pathlib.Path(key).write_bytes(os.urandom(64))
        pathlib.Path(other_key).write_bytes(os.urandom(64))

        def run(*words, data=b""):
            done = subprocess.run([program, *words], input=data, timeout=60, capture_output=True,
                                  check=False)
            return done.returncode, done.stdout, done.stderr

        data = os.urandom(1234567)
        checks.append(("creates", run("create", volume, key, str(SIZE))[0] == 0))
        checks.append(("does not create over it", run("create", volume, key, str(SIZE))[0] == 1))
        checks.append(("writes", run("write", volume, key, "777", data=data)[0] == 0))
        checks.append(("reads what was written",
                       run("read", volume, key, "777", str(len(data)))[:2] == (0, data)))
        checks.append(("stores no plaintext", data[:16] not in pathlib.Path(volume).read_bytes()))
        status, out, said = run("read", volume, other_key, "777", "512")
        checks.append(("refuses another key, and says why",
                       (status, out) == (1, b"") and b"generation 1 is not that of this volume" in said))
        status, out, said = run("read", volume, key, str(SIZE), "1")
        checks.append(("refuses what is behind the end, and says why",
                       (status, out) == (1, b"") and b"not inside of the volume" in said))
        checks.append(("says how it is used", run("read")[0] == 2))
    body = source.read_text().split("\n", 1)[1]
    checks.append(("the page shows what was compiled", shown_in(page) == body))
    print(f"1..{len(checks)}")
    for number, (what, good) in enumerate(checks, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {what}")


main()
