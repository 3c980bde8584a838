#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: example.py PROGRAM SOURCE PAGE VECTORS

The example of the manual page does what it says, with the vectors of IEEE 1619, and the page shows it as
it was compiled. Speaks TAP.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

SECTOR_LEN = 512


def vectors_of(path):
    """(key, plaintext, number, ciphertext) of each vector; keys and plaintexts hold until the next."""
    key = plain = number = None
    for name, value in re.findall(r"^\[?(Key|PT|Number|CT) = (\w+)\]?$", path.read_text(), flags=re.M):
        if name == "Key":
            key = bytes.fromhex(value)
        elif name == "PT":
            plain = bytes.fromhex(value)
        elif name == "Number":
            number = int(value)
        else:
            yield key, plain, number, bytes.fromhex(value)


def shown_in(page):
    """The last literal block, as scdoc shows it: a backslash stands for the character behind it."""
    literal = page.read_text().split("\n# EXAMPLE\n", 1)[1].split("```\n")[1]
    return re.sub(r"\\(.)", r"\1", literal)


def main():
    program, source, page, vectors = (pathlib.Path(word) for word in sys.argv[1:5])
    with tempfile.TemporaryDirectory() as folder:
        key_file = pathlib.Path(folder, "key")

        def run(verb, key, first, data):
            key_file.write_bytes(key)
            done = subprocess.run([program, verb, key_file, str(first)], input=data, timeout=60,
                                  capture_output=True, check=False)
            return done.returncode, done.stdout, done.stderr

        checks = []
        for key, plain, number, ciphertext in vectors_of(vectors):
            checks.append((f"encrypts sector {number}",
                           run("encrypt", key, number, plain)[:2] == (0, ciphertext)))
            checks.append((f"decrypts sector {number}",
                           run("decrypt", key, number, ciphertext)[:2] == (0, plain)))
        checks.append(("there are vectors", len(checks) > 0))
        # More than a batch, which has to go on with the right number.
        many = bytes(range(256)) * (700 * SECTOR_LEN // 256)
        ciphertext = run("encrypt", key, 1000, many)[1]
        part = slice(600 * SECTOR_LEN, 601 * SECTOR_LEN)
        checks.append(("numbers go on in a long input",
                       run("decrypt", key, 1600, ciphertext[part])[:2] == (0, many[part])))
        status, written, said = run("encrypt", key[:32] * 2, 0, plain)
        checks.append(("a key with equal halves is refused, and why is told",
                       (status, written) == (1, b"") and b"not allowed" in said))
        checks.append(("part of a sector is refused", run("encrypt", key, 0, plain[1:])[:2] == (1, b"")))
        checks.append(("a number that is none is a mistake in the command line",
                       run("encrypt", key, "1x", plain)[:2] == (2, b"")))
    body = source.read_text().split("\n", 1)[1]
    checks.append(("the page shows what was compiled", shown_in(page) == body))
    print(f"1..{len(checks)}")
    for number, (what, good) in enumerate(checks, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {what}")


main()
