# SPDX-License-Identifier: Apache-2.0
"""What the tests of served volumes share: a folder, processes that end with it, volumes, TAP.

Everything that is started is in Folder.processes, in a process group of its own, and is killed by its
number when the folder goes. Each wait has an end.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TIME_LIMIT = 60
MIB = 1 << 20
ENVIRONMENT = dict(os.environ, LC_ALL="C",
                   PATH=os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin")


class Failed(Exception):
    pass


# Who started the tests may ignore them, as a shell does for what runs in the background and nohup(1)
# for all; children would do so too.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Process:
    """One in the background. What it prints goes to files, so that no pipe can fill up."""

    def __init__(self, folder, command, given=None, environment=None, **options):
        self.name = folder.new_name("process")
        self.command = command
        with open(self.name + ".out", "wb") as out, open(self.name + ".err", "wb") as err:
            self.popen = subprocess.Popen(  # pylint: disable=consider-using-with
                command, cwd=folder.path, env=environment or ENVIRONMENT, start_new_session=True,
                stdin=subprocess.PIPE if given is not None else subprocess.DEVNULL, stdout=out,
                stderr=err, **options)
        if given is not None:
            self.popen.stdin.write(given)
            self.popen.stdin.close()
        folder.processes.append(self)
        self.pid = self.popen.pid

    def text(self, stream):
        with open(f"{self.name}.{stream}", encoding="utf-8", errors="replace") as file:
            return file.read()

    def is_running(self):
        return self.popen.poll() is None

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, limit=TIME_LIMIT):
        return self.popen.wait(timeout=limit)

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait(timeout=TIME_LIMIT)

    def __str__(self):
        return f"{' '.join(map(str, self.command))}: {self.text('err')}"


class Folder:
    def __init__(self, tools):
        self.tools = tools
        self.processes = []
        self.num_names = 0

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="nbd")
        self.at_end = contextlib.ExitStack()
        self.put("keys", random.randbytes(3 * 64))
        return self

    def __exit__(self, *_):
        try:
            self.at_end.close()
        finally:
            for process in reversed(self.processes):
                process.kill()
            shutil.rmtree(self.path)

    def new_name(self, what):
        self.num_names += 1
        return os.path.join(self.path, f"{what}{self.num_names}")

    def at(self, name):
        return os.path.join(self.path, name)

    def put(self, name, data):
        with open(os.open(self.at(name), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
        return self.at(name)

    def get(self, name):
        with open(self.at(name), "rb") as file:
            return file.read()

    def start(self, *command, **options):
        return Process(self, command, **options)

    def end(self, *command, status=0, **options):
        """Runs to its end: the process, whose status must be that one."""
        process = self.start(*command, **options)
        found = process.wait()
        if found != status:
            raise Failed(f"status {found}: {process} {process.text('out')}")
        return process

    def run(self, *command, **options):
        return self.end(*command, **options).text("out")

    def xtsvol(self, *arguments, **options):
        return self.end(self.tools.xtsvol, *arguments, "--store", self.at("store"), **options)

    def create(self, name="volume", size=16 * MIB, *options):
        self.xtsvol("create", name, "--size", str(size), "--key-file", "keys", *options)
        return self.at(name)

    def export(self, name="volume", *options):
        return self.xtsvol("export", name, "--key-file", "keys", *options)

    def serve(self, *options, name="volume", status=None, **more):
        """Served; with a status, it must end with that before it is ready."""
        return Served(self, name, options) if status is None else self.xtsvol(
            "serve", name, "--key-file", "keys", "--plugin", self.tools.plugin, *options,
            status=status, **more)

    def nbdkit(self, *arguments, key_file="keys", name="volume", status=None, **options):
        """nbdkit itself, without `xtsvol serve`."""
        command = ["nbdkit", *(a for a in arguments if a.startswith("-")), self.tools.plugin]
        command += [f"file={name}"] if name else []
        command += [f"key-file={key_file}"] if key_file else []
        command += [a for a in arguments if not a.startswith("-")]
        return (self.start(*command, **options) if status is None
                else self.end(*command, status=status, **options))


class Served:
    """`xtsvol serve` that has said it is ready."""

    def __init__(self, folder, name, options):
        self.process = folder.start(
            folder.tools.xtsvol, "serve", name, "--key-file", "keys", "--plugin", folder.tools.plugin,
            "--store", folder.at("store"), "--json", *options)
        until(lambda: not self.process.is_running() or self.process.text("out").endswith("}\n"),
              "the server is not ready", self.process)
        if not self.process.is_running():
            raise Failed(f"ended: {self.process}")
        ready = json.loads(self.process.text("out"))
        self.uri, self.socket = ready["uri"], ready["socket"]
        self.control, self.nbdkit_pid = ready["control"], ready["pid"]

    def stop(self, number=signal.SIGTERM, status=0):
        self.process.signal(number)
        found = self.process.wait()
        assert found == status, f"ended with {found}, not {status}: {self.process}"

    def kill_nbdkit(self):
        os.kill(self.nbdkit_pid, signal.SIGKILL)
        return self.process.wait()

    def ask(self, line):
        return ask(self.control, line)


def ask(path, line, limit=TIME_LIMIT):
    """What the control socket answers to these bytes; None when it hangs up."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(limit)
        connection.connect(path)
        answer = b""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(line)
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                answer += part
        return json.loads(answer) if answer else None


def until(condition, what, *about, limit=TIME_LIMIT):
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"{what} {' '.join(map(str, about))}")
        time.sleep(0.01)


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def same(found, wanted, what="bytes"):
    if found != wanted:
        at = next((i for i, (a, b) in enumerate(zip(found, wanted)) if a != b),
                  min(len(found), len(wanted)))
        raise Failed(f"{what} differ: {len(found)} and {len(wanted)} long, first at {at}")


def missing(*tools):
    for tool, package in tools:
        if not shutil.which(tool, path=ENVIRONMENT["PATH"]):
            return f"{package} is not installed"
    return None


class Tools:
    def __init__(self, arguments):
        self.xtsvol, self.plugin, self.recorder, self.mixed_volume = map(os.path.abspath, arguments[:4])


def main(cases, reason_to_skip=None):
    """cases: functions of a Folder, named after what they show."""
    if len(sys.argv) > 2 and not sys.argv[2]:
        reason_to_skip = "built without nbdkit-plugin-dev"
    if reason_to_skip:
        print(f"1..0 # SKIP {reason_to_skip}")
        return 0
    seed = int(os.environ.get("STRONGROOM_SEED", time.time_ns() % 2**32))
    tools = Tools(sys.argv[1:])
    wanted = sys.argv[5:]
    # So that folders and processes go when the caller's time is over, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    cases = [case for case in cases if not wanted or case.__name__ in wanted]
    failed = False
    print(f"1..{len(cases)}\n# seed {seed}", flush=True)
    for index, case in enumerate(cases, 1):
        random.seed(seed)
        began = time.monotonic()
        try:
            with Folder(tools) as folder:
                case(folder)
            print(f"ok {index} - {case.__name__}\n# {time.monotonic() - began:.1f} s", flush=True)
        except (AssertionError, Failed, OSError, KeyError, TypeError, ValueError,
                subprocess.TimeoutExpired) as problem:
            failed = True
            print(f"not ok {index} - {case.__name__}")
            text = f"{type(problem).__name__}: {problem}"[:2000]
            line = problem.__traceback__
            while line.tb_next:
                line = line.tb_next
            print("# " + text.replace("\n", "\n# "))
            print(f"# {line.tb_frame.f_code.co_filename}:{line.tb_lineno}", flush=True)
    return 1 if failed else 0
