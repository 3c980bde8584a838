#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: test_nbd_server.py XTSVOL PLUGIN RECORDER MIXED_VOLUME [CASE...]

The server of a volume: how it begins, what it refuses, how it ends, and what is asked of it meanwhile.
Speaks TAP.
"""

import errno
import json
import os
import random
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import time

import nbd_support
from nbd_support import ENVIRONMENT, MIB, ask, is_gone, missing, same, until

try:
    import nbd
except ImportError:
    nbd = None

SIZE = 16 * MIB


def write_some(folder, uri, byte, *more):
    folder.run("qemu-io", "-f", "raw", "-c", f"write -P {byte} 0 1M", *more, "-c", "flush", uri)


def reads_as(folder, uri, byte):
    output = folder.run("qemu-io", "-f", "raw", "-c", f"read -P {byte} 0 1M", uri)
    assert "verification failed" not in output and "failed" not in output, output


def mode_of(path):
    return os.lstat(path).st_mode


def is_socket(path):
    return os.path.lexists(path) and stat.S_ISSOCK(mode_of(path))


# What is refused, by nbdkit itself

def refused(folder, words, *arguments, **options):
    """nbdkit, which would go into the background, ends before with status 1 and one line."""
    process = folder.nbdkit(f"--unix={folder.at('socket')}", *arguments, status=1, **options)
    lines = [line for line in process.text("err").splitlines() if "error: " in line]
    assert len(lines) == 1, process.text("err")
    for word in words:
        assert word in lines[0], lines[0]


def a_wrong_key_is_refused_before_nbdkit_forks(folder):
    folder.create()
    folder.put("other", bytes(range(64)))
    before = folder.get("volume")
    refused(folder, ["volume", "key"], key_file="other")
    same(folder.get("volume"), before)
    assert not is_socket(folder.at("volume.control"))


def what_is_no_key_file_is_refused(folder):
    folder.create()
    folder.put("short", bytes(63))
    refused(folder, ["short"], key_file="short")
    refused(folder, ["none", "No such file"], key_file="none")
    refused(folder, ["fd:77"], key_file="fd:77")


def a_volume_that_is_none_is_refused(folder):
    folder.put("plain", bytes(MIB))
    refused(folder, ["plain"], name="plain")
    refused(folder, ["none"], name="none")
    folder.create()
    refused(folder, ["volume"], "header=none")
    refused(folder, ["volume", "sequence"], "min-sequence=18446744073709551615")


def a_volume_in_use_is_refused_with_its_user(folder):
    folder.create()
    served = folder.serve()
    refused(folder, ["in use by pid", str(served.nbdkit_pid)])
    again = folder.serve("--socket", "other", status=1)
    assert again.text("err") == f"xtsvol: volume: in use by pid {served.nbdkit_pid}\n", f"{again}"
    assert not os.path.exists(folder.at("other"))
    served.stop()


def parameters_are_checked(folder):
    folder.create()
    refused(folder, ["file="], name=None)
    refused(folder, ["key-file="], key_file=None)
    for parameter, word in (("more=1", "more"), ("threads=65", "threads"), ("threads=x", "threads"),
                            ("min-sequence=-1", "min-sequence"), ("read-only=maybe", "maybe"),
                            ("header=", "header"), ("allow-plaintext=perhaps", "perhaps")):
        refused(folder, [word], parameter)
    for parameter in ("threads=1", "min-sequence=1", "read-only=no", "header=x", "control=x",
                      "file=volume", "key-file=keys", "allow-plaintext=no"):
        refused(folder, ["twice", parameter.split("=")[0]], parameter, parameter)


# How nbdkit runs it

def read_pid(path):
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read() or 0)
    except FileNotFoundError:
        return 0


def it_works_in_the_background(folder):
    """Where secret memory of before the fork is empty, and relative paths lead elsewhere."""
    folder.create("volume", SIZE, "--header", "header")
    folder.nbdkit(f"--unix={folder.at('socket')}", f"--pidfile={folder.at('pid')}", "header=header",
                  status=0)
    pid = 0
    try:
        until(lambda: read_pid(folder.at("pid")), "no pidfile")
        pid = read_pid(folder.at("pid"))
        uri = f"nbd+unix:///?socket={folder.at('socket')}"
        write_some(folder, uri, 0x5a)
        reads_as(folder, uri, 0x5a)
        assert ask(folder.at("header.control"), b'{"request":"ping"}\n')["result"] == {"pid": pid}
    finally:
        if pid:
            os.kill(pid, signal.SIGTERM)
            until(lambda: is_gone(pid), "nbdkit does not end")
    assert not os.path.exists(folder.at("header.control"))


def it_works_for_a_command(folder):
    folder.create()
    output = folder.run("nbdkit", folder.tools.plugin, "volume", "key-file=keys", "--run",
                        'nbdinfo --size "$uri"')
    assert output == f"{SIZE}\n", output


def keys_may_come_from_a_pipe(folder):
    folder.create()
    server = folder.nbdkit("--foreground", f"--unix={folder.at('socket')}", key_file="-",
                           given=folder.get("keys"))
    until(lambda: is_socket(folder.at("volume.control")) or not server.is_running(),
          "not ready", server)
    write_some(folder, f"nbd+unix:///?socket={folder.at('socket')}", 1)
    server.signal(signal.SIGINT)
    assert server.wait() == 0, f"{server}"


def foreground(folder, *arguments, path):
    """nbdkit that is ready, as the plugin's own control socket at `path` says; and its URI, of a
    socket of its own, since nbdkit leaves it there."""
    name = folder.new_name("socket")
    server = folder.nbdkit("--foreground", f"--unix={name}", *arguments)
    until(lambda: not server.is_running() or is_socket(folder.at(path) if path else name),
          "not ready", server)
    assert server.is_running(), f"{server}"
    return server, f"nbd+unix:///?socket={name}"


def end(server):
    server.signal(signal.SIGTERM)
    assert server.wait() == 0, f"{server}"


def read_only_is_a_parameter_and_r_is_nbdkits(folder):
    folder.create()
    for argument in ("--readonly", "read-only=true"):
        server, uri = foreground(folder, argument, path="volume.control")
        assert json.loads(folder.run("nbdinfo", "--json", uri))["exports"][0]["is_read_only"]
        end(server)


def control_may_be_elsewhere_or_nowhere(folder):
    folder.create()
    server, _ = foreground(folder, "control=elsewhere", path="elsewhere")
    assert stat.S_IMODE(mode_of(folder.at("elsewhere"))) == 0o600
    assert "result" in ask(folder.at("elsewhere"), b'{"request":"ping"}\n')
    assert not os.path.lexists(folder.at("volume.control"))
    end(server)
    assert not os.path.lexists(folder.at("elsewhere"))

    server, uri = foreground(folder, "control=", path=None)
    until(lambda: folder.start("nbdinfo", "--size", uri).wait() == 0, "not served", server)
    assert not os.path.lexists(folder.at("volume.control"))
    end(server)

    # What was asked for must do; what was not need not.
    folder.put("mine", b"mine")
    server = folder.nbdkit("--foreground", f"--unix={folder.at('s1')}", "control=mine", status=1)
    assert "mine" in server.text("err"), f"{server}"
    same(folder.get("mine"), b"mine")
    folder.put("volume.control", b"mine")
    server, uri = foreground(folder, path=None)
    until(lambda: folder.start("nbdinfo", "--size", uri).wait() == 0, "not served", server)
    end(server)
    assert "without a control socket" in server.text("err"), f"{server}"
    same(folder.get("volume.control"), b"mine")


def the_plugin_exports_one_name_and_needs_nbdkits(folder):
    out = subprocess.run(["nm", "-D", folder.tools.plugin], capture_output=True, text=True, check=True,
                         env=ENVIRONMENT).stdout
    defined = re.findall(r"^[0-9a-f]+ [A-TV-Z] (\S+)$", out, flags=re.M)
    assert defined == ["plugin_init"], f"{defined}"
    dump = dict(line.split("=", 1) for line in folder.run(
        "nbdkit", "--dump-plugin", folder.tools.plugin).splitlines())
    wanted = {"name": "xtsvol", "magic_config_key": "file", "thread_model": "parallel",
              "max_thread_model": "parallel"}
    assert {name: dump.get(name) for name in wanted} == wanted, f"{dump}"
    assert dump["xtsvol_library_version"] == dump["version"], f"{dump}"
    help_ = folder.run("nbdkit", folder.tools.plugin, "--help")
    for name in ("file", "key-file", "header", "min-sequence", "threads", "read-only", "control",
                 "allow-plaintext"):
        assert re.search(rf"^{name}=", help_, flags=re.M), help_


# The medium: nbdkit under tests/support/preload.c, which records and fails what it does to files

RECORD_WRITE, RECORD_SYNC = 4, 7 # enum record_kind
FAULT_WRITE, FAULT_SYNC = 1 << 5, 1 << 6
FAULT_FROM_THEN_ON = 1


def recorded_nbdkit(folder, fault=None):
    """With a new volume, and a client."""
    shutil.rmtree(folder.at("root"), ignore_errors=True)
    os.mkdir(folder.at("root"))
    folder.create("root/volume", 2 * MIB)
    # The loader takes a space in a path for the end of it.
    if not os.path.lexists(folder.at("recorder.so")):
        os.symlink(folder.tools.recorder, folder.at("recorder.so"))
    environment = {**ENVIRONMENT, "LD_PRELOAD": folder.at("recorder.so")}
    if fault:
        environment["STRONGROOM_FAULT"] = ":".join(map(str, fault))
    else:
        environment |= {"STRONGROOM_RECORD_ROOT": folder.at("root"),
                        "STRONGROOM_RECORD_LOG": folder.at("log")}
    name = folder.new_name("socket")
    server = folder.nbdkit("--foreground", f"--unix={name}", name="root/volume",
                           environment=environment)
    until(lambda: not server.is_running() or is_socket(folder.at("root/volume.control")),
          "not ready", server)
    assert server.is_running(), f"{server}"
    handle = nbd.NBD()
    handle.connect_uri(f"nbd+unix:///?socket={name}")
    return server, handle


def writes_and_syncs(folder):
    """The kinds of the records so far, in order."""
    log, at, kinds = folder.get("log"), 0, []
    while at < len(log):
        kind, = struct.unpack_from("=I", log, at)
        data_len, = struct.unpack_from("=Q", log, at + 48)
        at += 568 + data_len
        if kind in (RECORD_WRITE, RECORD_SYNC):
            kinds.append(kind)
    return kinds


def flush_and_fua_reach_the_medium(folder):
    server, handle = recorded_nbdkit(folder)
    fua = nbd.CMD_FLAG_FUA
    # What is done, and does it have to be on the medium when it is answered?
    for name, call, is_durable in (
            ("write", lambda: handle.pwrite(b"1" * 5000, 100), False),
            ("flush", handle.flush, True),
            ("write, FUA", lambda: handle.pwrite(b"2" * 5000, 100, fua), True),
            ("zero", lambda: handle.zero(5000, 100), False),
            ("zero, FUA", lambda: handle.zero(5000, 100, fua), True),
            ("trim", lambda: handle.trim(8192, 0), False),
            ("trim, FUA", lambda: handle.trim(8192, 0, fua), True),
            ("write at the end", lambda: handle.pwrite(b"3" * 5000, 100), False)):
        before = len(writes_and_syncs(folder))
        call()
        kinds = writes_and_syncs(folder)[before:]
        assert (RECORD_SYNC in kinds) == is_durable, f"{name}: {kinds}"
        assert not is_durable or kinds[-1] == RECORD_SYNC, f"{name}: {kinds}"
    handle.shutdown()
    end(server)
    assert writes_and_syncs(folder)[-1] == RECORD_SYNC, "the end does not flush"


def error_of(call, *arguments):
    try:
        call(*arguments)
    except nbd.Error as error:
        return error.errnum
    return 0


def errors_of_the_medium_reach_the_client(folder):
    for number in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
        server, handle = recorded_nbdkit(folder, fault=(FAULT_WRITE, 1, FAULT_FROM_THEN_ON, number))
        wanted = errno.EIO if number == errno.EIO else errno.ENOSPC
        assert error_of(handle.pwrite, b"1" * 4096, 0) == wanted
        assert error_of(handle.zero, 4096, 0) == wanted
        assert len(handle.pread(4096, 0)) == 4096
        handle.shutdown()
        end(server)
        assert "error: write: " in server.text("err"), f"{server}"


def a_flush_that_failed_fails_for_ever(folder):
    server, handle = recorded_nbdkit(folder)
    num = writes_and_syncs(folder).count(RECORD_SYNC) # that opening takes
    handle.shutdown()
    end(server)
    server, handle = recorded_nbdkit(folder, fault=(FAULT_SYNC, num + 1, 0, errno.EIO)) # once
    handle.pwrite(b"1" * 4096, 0)
    for _ in range(3):
        assert error_of(handle.flush) == errno.EIO
    assert error_of(handle.pwrite, b"1" * 4096, 0, nbd.CMD_FLAG_FUA) == errno.EIO
    handle.shutdown()
    end(server)
    assert "the last flush failed" in server.text("err"), f"{server}"


def damage_is_told_sixteen_times(folder):
    """Of a medium that is going bad, every page that is read would be a line."""
    num = 24
    folder.put("keys", random.randbytes(64 * num))
    folder.run(folder.tools.mixed_volume, "volume", "keys")
    server = folder.nbdkit("--foreground", f"--unix={folder.at('socket')}")
    until(lambda: not server.is_running() or is_socket(folder.at("volume.control")), "not ready", server)
    handle = nbd.NBD()
    handle.connect_uri(f"nbd+unix:///?socket={folder.at('socket')}")
    for generation in range(1, num):
        assert len(handle.pread(4096, generation * 2016 * 65536)) == 4096
    handle.shutdown()
    end(server)
    lines = [line for line in server.text("err").splitlines() if "VolumeCopyDamaged" in line]
    assert len(lines) == 17 and "page" in lines[15], f"{lines}"
    assert lines[16].endswith(": more of these are left out; 'xtsvol check' finds all"), lines[16]


# xtsvol serve

def serve_tells_where_and_its_sockets_are_private(folder):
    path = folder.create()
    os.chmod(folder.path, 0o755)
    before = os.umask(0)
    try:
        served = folder.serve()
    finally:
        os.umask(before)
    assert served.socket == path + ".nbd" and served.control == path + ".control"
    assert served.uri == f"nbd+unix:///?socket={path}.nbd"
    for name in (served.socket, served.control):
        assert mode_of(name) == stat.S_IFSOCK | 0o600, oct(mode_of(name))
    write_some(folder, served.uri, 3)
    served.stop()
    assert not os.path.lexists(served.socket) and not os.path.lexists(served.control)
    assert is_gone(served.nbdkit_pid)
    assert served.process.text("err") == "", f"{served.process}"


def serve_prints_lines_for_people(folder):
    path = folder.create()
    server = folder.start(folder.tools.xtsvol, "serve", "volume", "--key-file", "keys", "--plugin",
                          folder.tools.plugin, "--store", folder.at("store"))
    text = f"nbd+unix:///?socket={path}.nbd\ncontrol socket: {path}.control\n"
    until(lambda: server.text("out") == text, "not what was expected:", server)
    server.signal(signal.SIGTERM)
    assert server.wait() == 0


def signals_end_it_in_order(folder):
    folder.create()
    for number, status in ((signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGINT, 130)):
        served = folder.serve()
        write_some(folder, served.uri, 4)
        served.stop(number, status)
        assert is_gone(served.nbdkit_pid)
        assert not os.path.lexists(served.socket) and not os.path.lexists(served.control)
    assert folder.export("volume", "--length", "1M").text("out") == "\4" * MIB


def names_may_be_odd_and_long(folder):
    odd = "a volume&of 100%+\u00e4#?"
    long_ = os.path.join("d" * 60, "e" * 60, "volume")
    os.makedirs(os.path.dirname(folder.at(long_)))
    for name in (odd, long_):
        path = folder.create(name)
        served = folder.serve(name=name)
        assert served.socket == path + ".nbd" and is_socket(served.control)
        if len(served.socket) < 108: # what libnbd can connect to
            write_some(folder, served.uri, 5)
            assert folder.run("nbdinfo", "--size", served.uri) == f"{SIZE}\n"
        assert served.ask(b'{"request":"ping"}\n') if len(served.control) < 108 else True
        served.stop()
    os.symlink("volume", folder.at("link"))
    path = folder.create()
    served = folder.serve(name="link") # the same volume, and the same sockets, as under its name
    assert served.socket == path + ".nbd" and served.control == path + ".control"
    served.stop()


def one_line(process, *words):
    lines = process.text("err").splitlines()
    assert len(lines) == 1 and lines[0].startswith("xtsvol: "), f"{process}"
    for word in words:
        assert word in lines[0], lines[0]


def serve_refuses_with_one_line(folder):
    folder.create()
    folder.put("other", bytes(range(64)))
    one_line(folder.end(folder.tools.xtsvol, "serve", "volume", "--key-file", "other", "--plugin",
                        folder.tools.plugin, status=1), "volume")
    one_line(folder.serve(name="none", status=1), "none")
    one_line(folder.serve("--plugin", "/nowhere/plugin.so", status=2))
    one_line(folder.end(folder.tools.xtsvol, "serve", "volume", "--key-file", "keys", "--plugin",
                        "/nowhere/plugin.so", status=1), "/nowhere/plugin.so", "--plugin")
    one_line(folder.end(folder.tools.xtsvol, "serve", "volume", "--key-file", "keys", "--plugin",
                        folder.tools.plugin, status=1,
                        environment={**ENVIRONMENT, "PATH": folder.path}), "nbdkit", "not installed")
    one_line(folder.serve("--socket", "none/socket", status=1), "none/socket")
    one_line(folder.serve("--socket", "s" * 200, status=1), "too long")
    # A plugin that nbdkit will not load.
    folder.put("plugin.so", b"no plugin")
    one_line(folder.end(folder.tools.xtsvol, "serve", "volume", "--key-file", "keys", "--plugin",
                        folder.at("plugin.so"), status=1), "plugin.so")
    answer = json.loads(folder.serve("--json", name="none", status=1).text("out"))
    assert answer["error"]["code"] == "not-found", f"{answer}"
    names = set(os.listdir(folder.path))
    assert not any(name.endswith((".nbd", ".control")) for name in names), f"{names}"


def serve_replaces_no_file_and_no_living_server(folder):
    folder.create()
    folder.create("second")
    folder.put("file", b"mine")
    one_line(folder.serve("--socket", "file", status=1), "file")
    same(folder.get("file"), b"mine")
    os.symlink("target", folder.at("link"))
    one_line(folder.serve("--socket", "link", status=1), "link")
    assert not os.path.lexists(folder.at("target"))
    first = folder.serve()
    one_line(folder.serve("--socket", first.socket, name="second", status=1), "another server")
    write_some(folder, first.uri, 6)
    first.stop()


def serve_does_not_wait_for_ever(folder):
    """For an nbdkit that never gets ready."""
    folder.create()
    fake = folder.put("nbdkit", b"#!/bin/sh\nexec sleep 1000\n")
    os.chmod(fake, 0o700)
    began = time.monotonic()
    one_line(folder.serve("--timeout", "1s", status=1,
                          environment={**ENVIRONMENT, "PATH": folder.path + ":/bin:/usr/bin"}),
             "not ready in time")
    assert time.monotonic() - began < 20
    assert not os.path.lexists(folder.at("volume.nbd"))


def keys_are_in_no_argument_and_no_environment(folder):
    folder.create()
    served = folder.serve()
    keys = folder.get("keys")
    for name in ("cmdline", "environ"):
        with open(f"/proc/{served.nbdkit_pid}/{name}", "rb") as file:
            text = file.read()
        assert b"fd:4" in text or name == "environ"
        for at in range(0, len(keys), 8):
            assert keys[at:at + 8] not in text
    served.stop()


# Death

def a_killed_nbdkit_is_told_and_the_volume_opens_again(folder):
    folder.create()
    served = folder.serve()
    write_some(folder, served.uri, 7)
    assert served.kill_nbdkit() == 1
    one_line(served.process, "volume", "signal 9")
    assert is_socket(served.control) # nobody was there to remove it
    again = folder.serve()
    assert again.control == served.control
    reads_as(folder, again.uri, 7)
    assert again.ask(b'{"request":"ping"}\n')["result"]["pid"] == again.nbdkit_pid
    again.stop()
    assert not os.path.lexists(again.control)


def nbdkit_ends_with_a_killed_serve(folder):
    folder.create()
    served = folder.serve()
    write_some(folder, served.uri, 8)
    served.process.signal(signal.SIGKILL)
    served.process.wait()
    until(lambda: is_gone(served.nbdkit_pid), "nbdkit does not end")
    assert is_socket(served.socket)
    again = folder.serve() # its socket is replaced
    reads_as(folder, again.uri, 8)
    again.stop()


def killed_again_and_again_while_clients_write(folder):
    folder.create()
    flushed = -1
    for byte in range(10, 16):
        served = folder.serve()
        if flushed >= 0:
            reads_as(folder, served.uri, flushed)
        write_some(folder, served.uri, byte)
        flushed = byte
        # Behind what was flushed, for ever.
        writer = folder.start("qemu-io", "-f", "raw", *(["-c", "write -q 8M 8M"] * 1000), served.uri)
        time.sleep(0.05)
        assert served.kill_nbdkit() == 1
        writer.kill()
    report = folder.xtsvol("check", "volume", "--key-file", "keys", "--json").text("out")
    assert json.loads(report)["bad"] == [], report


# The control socket

def info_is_told_while_it_is_served(folder):
    folder.create("volume", SIZE, "--sector-size", "512")
    before = json.loads(folder.run(folder.tools.xtsvol, "info", "volume", "--key-file", "keys",
                                   "--json"))
    served = folder.serve()
    answer = served.ask(b'{"request":"info"}\n')["result"]
    assert answer["server"]["pid"] == served.nbdkit_pid
    assert abs(answer["server"]["started_s"] - time.time()) < 600
    volume = answer["volume"]
    assert volume["uuid"] == before["uuid"].replace("-", "")
    for theirs, ours in (("volume_size", "size"), ("sector_size", "sector_size"), ("iv", "iv"),
                         ("extent_size", "extent_size"), ("generations", "generations"),
                         ("data_offset", "data_offset"), ("max_volume_size", "max_size")):
        assert volume[theirs] == before[ours], f"{theirs}: {volume} {before}"
    assert volume["is_verified"] is True and volume["is_read_only"] is False
    # The same document, with keys and, verified by the server, without.
    for options in (("--key-file", "keys"), ()):
        found = folder.run(folder.tools.xtsvol, "info", "volume", "--json", *options)
        assert json.loads(found) == before, f"{found} {before}"
    old = folder.end(folder.tools.xtsvol, "info", "volume", "--key-file", "keys", "--min-sequence",
                     str(before["sequence"] + 1), status=1)
    one_line(old, "volume", f"sequence {before['sequence']}, not {before['sequence'] + 1} or more")
    served.stop()
    without = json.loads(folder.run(folder.tools.xtsvol, "info", "volume", "--json"))
    assert without == {**before, "verified": False}, f"{without}"


def garbage_and_slow_clients_cost_nothing(folder):
    folder.create()
    served = folder.serve()
    idle = []
    for _ in range(100):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(served.control)
        idle.append(connection)
    idle[-1].sendall(b'{"request":')
    for line in (b"\n", b"garbage\n", os.urandom(100).replace(b"\n", b"") + b"\n", b"{}\n",
                 b'{"request":"format"}\n', b'{"request":"info","arguments":{"all":true}}\n',
                 b"x" * 65537, b"[" * 60000 + b"\n"):
        answer = served.ask(line)
        assert set(answer) == {"error"} and answer["error"]["message"], f"{answer}"
    assert served.ask(b"x" * 65537)["error"]["code"] == "limit"
    assert served.ask(b'{"request":"format"}\n')["error"]["code"] == "unsupported"
    # The volume is served all the same.
    write_some(folder, served.uri, 9)
    reads_as(folder, served.uri, 9)
    assert served.ask(b'{"request":"ping"}\n')["result"] == {"pid": served.nbdkit_pid}
    with open(f"/proc/{served.nbdkit_pid}/status", encoding="ascii") as status:
        threads = int(re.search(r"^Threads:\s*(\d+)", status.read(), flags=re.M).group(1))
    assert threads < 40 and len(os.listdir(f"/proc/{served.nbdkit_pid}/fd")) < 60
    for connection in idle:
        connection.close()
    served.stop()


CASES = [
    a_wrong_key_is_refused_before_nbdkit_forks,
    what_is_no_key_file_is_refused,
    a_volume_that_is_none_is_refused,
    a_volume_in_use_is_refused_with_its_user,
    parameters_are_checked,
    it_works_in_the_background,
    it_works_for_a_command,
    keys_may_come_from_a_pipe,
    read_only_is_a_parameter_and_r_is_nbdkits,
    control_may_be_elsewhere_or_nowhere,
    the_plugin_exports_one_name_and_needs_nbdkits,
    flush_and_fua_reach_the_medium,
    errors_of_the_medium_reach_the_client,
    a_flush_that_failed_fails_for_ever,
    damage_is_told_sixteen_times,
    serve_tells_where_and_its_sockets_are_private,
    serve_prints_lines_for_people,
    signals_end_it_in_order,
    names_may_be_odd_and_long,
    serve_refuses_with_one_line,
    serve_replaces_no_file_and_no_living_server,
    serve_does_not_wait_for_ever,
    keys_are_in_no_argument_and_no_environment,
    a_killed_nbdkit_is_told_and_the_volume_opens_again,
    nbdkit_ends_with_a_killed_serve,
    killed_again_and_again_while_clients_write,
    info_is_told_while_it_is_served,
    garbage_and_slow_clients_cost_nothing,
]

if __name__ == "__main__":
    sys.exit(nbd_support.main(CASES, "python3-libnbd is not installed" if nbd is None else missing(
        ("nbdkit", "nbdkit"), ("qemu-io", "qemu-utils"), ("nbdinfo", "libnbd-bin"))))
