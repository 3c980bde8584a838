#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: hardening.py NAME BINARY fortified|plain COMPILER...

What compiler and linker were asked for is in the binary: a shared object, a program, or an archive, of
which only the code counts. What a toolchain does not give, the last item, is seen from what it makes of an
empty file. Speaks TAP.
"""
import os
import re
import subprocess
import sys
import tempfile


def run(*words):
    # Its own language: what is looked for is in English.
    return subprocess.run(words, capture_output=True, text=True, check=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout


def notes(binary):
    found = re.search(r"x86 feature: (.*)|AArch64 feature: (.*)", run("readelf", "-nW", binary))
    return found.group(0) if found else "none"


def notes_of_toolchain(compiler):
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "empty.c")
        with open(source, "w", encoding="ascii") as file:
            file.write("int empty(void) { return 0; }\n")
        for flag in ("-fcf-protection", "-mbranch-protection=standard"):
            made = subprocess.run([*compiler, flag, "-shared", "-fPIC", "-o", source + ".so", source],
                                  capture_output=True, check=False)
            if made.returncode == 0:
                return notes(source + ".so")
    return "none"


def of_code(binary, fortified):
    """Mbed TLS alone is large enough to be sure of a buffer that fortification checks."""
    symbols = run("nm", binary) if binary.endswith(".a") else run("nm", "-D", binary)
    protected = len(re.findall(r"U __stack_chk_fail", symbols))
    yield "checks its stack frames", protected > (10 if binary.endswith(".a") else 0), symbols[-500:]
    if binary.endswith(".a"):
        checked = re.findall(r"U __(?!stack)\w+_chk\b", symbols)
        yield "checks its buffers", bool(checked) == fortified, str(checked)
    if os.uname().machine == "x86_64" and "elf64-x86-64" in run("objdump", "-f", binary):
        code = run("objdump", "-d", "--no-show-raw-insn", binary)
        landings = len(re.findall(r"\bendbr64\b", code))
        # An archive is looked at before the linker adds its own, which may have some.
        functions = len(re.findall(r"^[0-9a-f]+ <[^>]*>:$", code, re.M))
        yield "marks where jumps may land", landings * 8 > functions, f"{landings} of {functions}"


def of_linking(binary, compiler):
    dynamic = run("readelf", "-dW", binary)
    segments = run("readelf", "-lW", binary)
    stack = re.search(r"GNU_STACK.*", segments)
    yield "has no writable table of addresses", "GNU_RELRO" in segments, segments
    yield "is bound at start", re.search(r"FLAGS.*NOW", dynamic) is not None, dynamic
    yield "has no executable stack", stack is not None and " RW " in stack.group(0), segments
    yield "can lie anywhere", re.search(r"file type is DYN", segments) is not None, segments
    yield "has no text relocations", "TEXTREL" not in dynamic, dynamic
    expected = notes_of_toolchain(compiler)
    yield "tells the kernel what the toolchain can", notes(binary) == expected, \
        f"{notes(binary)}, an empty file: {expected}"


def main():
    name, binary, fortified, compiler = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    checks = list(of_code(binary, fortified == "fortified"))
    if not binary.endswith(".a"):
        checks += of_linking(binary, compiler)
    print(f"1..{len(checks)}")
    for number, (what, good, why) in enumerate(checks, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {name} {what}")
        if not good:
            print(*[f"# {line}" for line in why.splitlines()], sep="\n")


main()
