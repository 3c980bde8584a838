#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: bench.py XTSVOL

`xtsvol bench` as a process: how it ends when it is interrupted, when its output cannot be written and
when its time is up, what it shows meanwhile, and that it reads what is piped into it. Speaks TAP.
"""
import os
import signal
import subprocess
import sys
import tempfile
import time

TOOL = sys.argv[1]


def run(*words, **options):
    return subprocess.run([TOOL, "bench", *words], capture_output=True, timeout=60, check=False,
                          **options)


def interrupted(words, is_under_way):
    """Interrupts the tool once that can tell that it is at work, and not earlier: it would not have
    heard. Without the shell, since what that starts in the background ignores SIGINT."""
    with subprocess.Popen([TOOL, "bench", "--progress", "always", *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, restore_signals=True) as tool:
        held = is_under_way(tool)
        tool.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, err = tool.communicate(timeout=30)
        if held is not None:
            os.close(held)
        return (tool.returncode == 130 and out == b"" and time.monotonic() - began < 10
                and err.split(b"\n")[-2:] == [b"xtsvol: bench: interrupted", b""])


def shows_progress(tool):
    tool.stderr.read(1)


def reads_from(pipe):
    """The other end can be opened when the tool has opened this one, and is held open."""
    return lambda tool: os.open(pipe, os.O_WRONLY)


def is_full_disk_told(words):
    with open("/dev/full", "wb") as full:
        ended = subprocess.run([TOOL, "bench", *words], stdout=full, stderr=subprocess.PIPE,
                               timeout=60, check=False)
    return ended.returncode == 1 and b"No space left" in ended.stderr


def main():
    with tempfile.TemporaryDirectory() as folder:
        pipe = os.path.join(folder, "pipe")
        os.mkfifo(pipe)
        file = os.path.join(folder, "file")
        with open(file, "wb") as out:
            out.write(bytes(range(256)) * 5000)
        piped = run("--verify", "/dev/stdin", input=bytes(100001))
        late = run("--timeout", "1s")
        late_pipe = run("--verify", pipe, "--timeout", "1s")
        shown = run("--unit", "512", "--progress", "always")
        hidden = run("--verify", file)
        checks = [
            ("an interrupt ends measuring with 130", interrupted([], shows_progress)),
            ("an interrupt ends verifying with 130",
             interrupted(["--verify", "/dev/zero"], shows_progress)),
            ("an interrupt ends waiting for a pipe with 130",
             interrupted(["--verify", pipe], reads_from(pipe))),
            ("what cannot be written is told", is_full_disk_told(["--unit", "512"])),
            ("what cannot be written is told of verifying too",
             is_full_disk_told(["--verify", file])),
            ("the deadline ends measuring",
             (late.returncode, late.stdout, late.stderr)
             == (1, b"", b"xtsvol: bench: timed out\n")),
            ("the deadline ends waiting for a pipe",
             (late_pipe.returncode, late_pipe.stdout) == (1, b"") and b"timed out" in late_pipe.stderr),
            ("what is piped in is verified",
             piped.returncode == 0 and piped.stdout.endswith(b"\nverified 100001 bytes\n")),
            ("progress is shown where it is asked for",
             shown.returncode == 0 and b"measuring 100%" in shown.stderr),
            ("and not where nobody looks", hidden.returncode == 0 and hidden.stderr == b""),
        ]
    print(f"1..{len(checks)}")
    for number, (what, good) in enumerate(checks, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {what}")


main()
