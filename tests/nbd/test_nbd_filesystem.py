#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: test_nbd_filesystem.py XTSVOL PLUGIN RECORDER MIXED_VOLUME [CASE...]

A file system on a served volume, and what is left of it when the server is killed under load: as much
as on a plain file that nbdkit's own plugin serves. Needs root, for loop devices and mounts: the NBD
disk becomes a file by nbdfuse and that a block device by losetup, where the kernel's own client is
not to be had. Speaks TAP.
"""

import contextlib
import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import time

import nbd_support
from nbd_support import ENVIRONMENT, MIB, Failed, is_gone, missing, until

SIZE = 192 * MIB
LOAD_S = 2.0
KILLS = 3


def quietly(*command, limit=30):
    """One step of clearing up: whatever comes of it, the next one is tried."""
    with contextlib.suppress(subprocess.TimeoutExpired, OSError):
        return subprocess.run(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, timeout=limit,
                              capture_output=True, check=False).returncode
    return -1


class PlainServer:
    """nbdkit's own file plugin, in the place of ours."""

    def __init__(self, folder):
        name = folder.new_name("socket")
        self.process = folder.start("nbdkit", "--foreground", f"--unix={name}", "file", "plain")
        self.nbdkit_pid = self.process.pid
        self.uri = f"nbd+unix:///?socket={name}"
        until(lambda: folder.start("nbdinfo", "--size", self.uri).wait() == 0, "not served")

    def kill_nbdkit(self):
        os.kill(self.nbdkit_pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.signal(signal.SIGTERM)
        self.process.wait()


class Disk:
    """The NBD disk as a block device."""

    def __init__(self, folder, uri):
        self.folder = folder
        self.mount_point = folder.new_name("mnt")
        self.fuse_dir = folder.new_name("fuse")
        self.loop = None
        self.is_mounted = False
        os.mkdir(self.fuse_dir)
        os.mkdir(self.mount_point)
        disk = os.path.join(self.fuse_dir, "disk")
        self.fuse = folder.start("nbdfuse", disk, uri)
        folder.at_end.callback(self.clear_up)
        until(lambda: os.path.exists(disk) or not self.fuse.is_running(), "nbdfuse is not ready")
        if not self.fuse.is_running():
            raise Failed(f"{self.fuse}")
        self.loop = folder.run("losetup", "--find", "--show", disk).strip()

    def mount(self, *options):
        self.folder.run("mount", "-t", "ext4", *options, self.loop, self.mount_point)
        self.is_mounted = True

    def umount(self):
        self.folder.run("umount", self.mount_point)
        self.is_mounted = False

    def close(self):
        """In order."""
        if self.is_mounted:
            self.umount()
        self.folder.run("losetup", "--detach", self.loop)
        self.loop = None
        # It detaches when the last user is gone.
        until(lambda: quietly("umount", self.fuse_dir) == 0, "the disk is in use")
        self.fuse.wait()

    def clear_up(self):
        """Also what hangs because nobody answers: nbdfuse goes first, so that requests fail."""
        self.fuse.kill()
        quietly("umount", "--lazy", self.mount_point)
        if self.loop:
            quietly("losetup", "--detach", self.loop)
        quietly("umount", "--lazy", self.fuse_dir)


def write_files(folder, count, prefix="file"):
    """Files of which the last byte is on the medium, as far as fsync(2) says so: their digests."""
    digests = {}
    for index in range(count):
        data = random.randbytes(random.choice((10, 4096, 5000, 300000)))
        name = f"{prefix}{index}"
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        digests[name] = hashlib.sha256(data).hexdigest()
    return digests


def check_files(folder, digests):
    for name, digest in digests.items():
        with open(os.path.join(folder, name), "rb") as file:
            found = hashlib.sha256(file.read()).hexdigest()
        assert found == digest, f"{name} is not what was synced"


LOAD = r'''
import hashlib, os, random, sys
folder, acknowledged, seed = sys.argv[1:]
random.seed(seed)
log = open(acknowledged, "w")
index = 0
written = 0
while True:
    # On a fast machine the large ones would fill the disk before the server is killed.
    lens = (10, 4096, 5000, 70000, 400000) if written < (24 << 20) else (10, 4096)
    data = random.randbytes(random.choice(lens))
    written += len(data)
    name = f"load{index}"
    index += 1
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    directory = os.open(folder, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
    log.write(f"{name} {hashlib.sha256(data).hexdigest()}\n")
    log.flush()
    if index % 5 == 4:
        gone = f"load{index - 3}"
        log.write(f"{gone} removed\n")
        log.flush()
        os.unlink(os.path.join(folder, gone))
'''


def acknowledged_in(path):
    digests = {}
    with open(path, encoding="ascii") as log:
        for line in log.read().split("\n")[:-1]:
            name, digest = line.split(" ")
            if digest == "removed":
                del digests[name]
            else:
                digests[name] = digest
    return digests


def a_file_system_is_kept(folder):
    folder.create(size=SIZE)
    served = folder.serve("--threads", "2")
    disk = Disk(folder, served.uri)
    folder.run("mkfs.ext4", "-q", "-F", disk.loop)
    disk.mount("-o", "discard")
    digests = write_files(disk.mount_point, 60)
    os.mkdir(os.path.join(disk.mount_point, "d"))
    digests.update({f"d/{name}": digest for name, digest in
                    write_files(os.path.join(disk.mount_point, "d"), 20).items()})
    for index in range(0, 60, 3):
        os.unlink(os.path.join(disk.mount_point, f"file{index}"))
        del digests[f"file{index}"]
    check_files(disk.mount_point, digests)
    disk.umount()
    folder.run("e2fsck", "-f", "-n", disk.loop)
    disk.mount("-o", "ro")
    check_files(disk.mount_point, digests)
    disk.close()
    served.stop()
    served = folder.serve()
    disk = Disk(folder, served.uri)
    folder.run("e2fsck", "-f", "-n", disk.loop)
    disk.mount("-o", "ro")
    check_files(disk.mount_point, digests)
    disk.close()
    served.stop()


def survive_a_kill(folder, serve, round_):
    """Load, kill -9 of the server, and a new one: how many files were acknowledged; all are there."""
    server = serve()
    disk = Disk(folder, server.uri)
    disk.mount()
    log = folder.new_name("acknowledged")
    where = os.path.join(disk.mount_point, f"round{round_}")
    os.mkdir(where)
    load = folder.start(sys.executable, "-c", LOAD, where, log, str(random.random()))
    time.sleep(LOAD_S * random.uniform(0.6, 1.4))
    assert load.is_running(), f"{load}"
    server.kill_nbdkit()
    assert is_gone(server.nbdkit_pid)
    # It ends by an error of its file system, or hangs until nbdfuse is gone.
    disk.clear_up()
    load.kill()
    until(lambda: disk.loop not in folder.run("losetup", "--list", "--noheadings", "--output", "NAME"),
          "the loop device stays")

    server = serve()
    disk = Disk(folder, server.uri)
    disk.mount() # replays the journal
    digests = acknowledged_in(log)
    check_files(os.path.join(disk.mount_point, f"round{round_}"), digests)
    disk.umount()
    folder.run("e2fsck", "-f", "-n", disk.loop)
    disk.close()
    server.stop()
    return len(digests)


def survive_kills(folder, serve):
    server = serve()
    disk = Disk(folder, server.uri)
    folder.run("mkfs.ext4", "-q", "-F", disk.loop)
    disk.close()
    server.stop()
    numbers = [survive_a_kill(folder, serve, round_) for round_ in range(KILLS)]
    print(f"# acknowledged before each kill: {numbers}", flush=True)
    assert all(number >= 5 for number in numbers), f"too little load: {numbers}"


def a_killed_server_costs_a_file_system_nothing(folder):
    folder.create(size=SIZE)
    survive_kills(folder, folder.serve)
    report = folder.xtsvol("check", "volume", "--key-file", "keys", "--json").text("out")
    assert '"bad": []' in report, report


def nor_does_it_on_a_plain_file(folder):
    """That the same comes of nbdkit's own plugin: what the one before is measured by."""
    with open(folder.at("plain"), "wb") as file:
        file.truncate(SIZE)
    survive_kills(folder, lambda: PlainServer(folder))


def a_full_medium_is_told_as_such(folder):
    small = folder.new_name("small")
    os.mkdir(small)
    folder.run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", small)
    folder.at_end.callback(quietly, "umount", "--lazy", small)
    folder.create(os.path.join(small, "volume"), 64 * MIB)
    served = folder.serve(name=os.path.join(small, "volume"))
    output = folder.start("qemu-io", "-f", "raw", "-c", "write -P 1 0 8M", "-c", "flush", "-c",
                          "write -P 2 8M 56M", "-c", "read -P 1 0 8M", served.uri)
    output.wait()
    text = output.text("out") + output.text("err")
    assert "No space left on device" in text, text
    assert "verification failed" not in text and len(re.findall("^read 8388608/", text, re.M)) == 1, text
    served.stop()
    # What was flushed before is still there for the next one.
    served = folder.serve(name=os.path.join(small, "volume"))
    text = folder.run("qemu-io", "-f", "raw", "-c", "read -P 1 0 8M", served.uri)
    assert "verification failed" not in text, text


CASES = [
    a_file_system_is_kept,
    a_killed_server_costs_a_file_system_nothing,
    nor_does_it_on_a_plain_file,
    a_full_medium_is_told_as_such,
]


def reason_to_skip():
    if os.geteuid() != 0:
        return "needs root"
    reason = missing(("nbdkit", "nbdkit"), ("nbdfuse", "libnbd-bin"), ("losetup", "util-linux"),
                     ("mkfs.ext4", "e2fsprogs"), ("fusermount3", "fuse3"), ("qemu-io", "qemu-utils"))
    if reason:
        return reason
    for device in ("/dev/fuse", "/dev/loop-control"):
        if not os.path.exists(device):
            return f"no {device}"
    return None


if __name__ == "__main__":
    sys.exit(nbd_support.main(CASES, reason_to_skip()))
