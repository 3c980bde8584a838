# SPDX-License-Identifier: Apache-2.0
"""Those who read and write dm-crypt's aes-xts-plain64 without the kernel, for the tests of this
directory.

The format that all of them know is LUKS: a header in front that wraps the volume key, and a data
area that is aes-xts-plain64 and nothing else. cryptsetup makes the header around our key; then what
stands in the data area is ours or theirs.

* Units of 512 bytes: QEMU's block layer and nbdkit's luks filter, each an implementation of its
  own, read and write them.
* Units of 4096 bytes: neither of the two can. cryptsetup can without the kernel: it re-encrypts in
  user space. The number of a unit counts sectors of 512 bytes there too.

Nothing here needs root, device-mapper or a loop device: all volumes are files in a directory of our
own. cryptsetup's locks are off because they would be in a directory that only root can make.
"""

import contextlib
import functools
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

SEED = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 2**32
RNG = random.Random(SEED)
KEY = RNG.randbytes(64)
TIME_LIMIT = 60

# Debian has cryptsetup where only root's PATH leads.
ENVIRONMENT = dict(os.environ, LC_ALL="C",
                   PATH=os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin")
SECTOR = 512
LARGE = 4096
# Not round, so that no implementation's buffers end where the data does.
SECTORS_LEN = 3 * 2**20 + 7 * SECTOR
LARGE_LEN = 4 * 2**20 + 3 * LARGE
# plain64 and plain differ from number 2^32 on; the data lies on both sides of it.
FAR = 2**32 - 3000

CRYPTSETUP = ["cryptsetup", "--batch-mode", "--disable-locks", "--disable-keyring",
              "--key-file", "passphrase"]
FAST_PBKDF = ["--pbkdf-force-iterations", "1000"]
CIPHER = ["--cipher", "aes-xts-plain64", "--key-size", "512"]
OFFLINE = ["--force-offline-reencrypt", "--resilience", "none", "--header", "header"]
QEMU_SECRET = ["--object", "secret,id=passphrase,file=passphrase"]


class Failed(Exception):
    pass


class Folder:
    """A fresh one for each use, so that nothing is compared that an earlier use left."""

    parent = None

    def __enter__(self):
        self.path = tempfile.mkdtemp(dir=Folder.parent)
        self.put("passphrase", b"nothing secret here")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)

    def put(self, name, data, offset=0):
        with open(os.path.join(self.path, name), "wb") as file:
            file.seek(offset)
            file.write(data)

    def get(self, name, offset=0):
        with open(os.path.join(self.path, name), "rb") as file:
            file.seek(offset)
            return file.read()

    def run(self, command, given=None):
        """Ends with what it started: nbdkit has a child, and all are one process group."""
        with subprocess.Popen(command, cwd=self.path, env=ENVIRONMENT, start_new_session=True,
                              stdin=subprocess.PIPE if given is not None else subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                out, err = process.communicate(given, timeout=TIME_LIMIT)
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
        if process.returncode != 0:
            text = err.decode(errors="replace")
            raise Failed(f"{' '.join(command)}\nended with {process.returncode}: {text}")
        return out


@functools.lru_cache(maxsize=None)
def luks1_header():
    """All that stands before the data area."""
    with Folder() as folder:
        folder.put("key", KEY)
        folder.put("volume", bytes(SECTORS_LEN))
        folder.run([*CRYPTSETUP, "luksFormat", "--type", "luks1", "--hash", "sha256", *CIPHER,
                    *FAST_PBKDF, "--volume-key-file", "key", "volume"])
        header = folder.get("volume")
    # payload-offset in LUKS On-Disk Format 1.2.3, figure 1
    payload = SECTOR * struct.unpack_from(">I", header, 104)[0]
    assert len(header) == SECTORS_LEN >= payload > 0
    return header[:payload]


def put_luks1(folder, area, first):
    """A volume whose data area begins with `first` sectors of hole."""
    header = luks1_header()
    folder.put("volume", area, len(header) + first * SECTOR)
    with open(os.path.join(folder.path, "volume"), "r+b") as volume:
        volume.write(header)
    return len(header) + first * SECTOR


class Qemu:
    name = "qemu-img"

    @staticmethod
    def part(first):
        return (f"driver=raw,offset={first * SECTOR},size={SECTORS_LEN},file.driver=luks,"
                "file.key-secret=passphrase,file.file.driver=file,file.file.filename=volume")

    @staticmethod
    def read(area, first=0):
        with Folder() as folder:
            put_luks1(folder, area, first)
            folder.run(["qemu-img", "convert", *QEMU_SECRET, "--image-opts", Qemu.part(first),
                        "-O", "raw", "plain"])
            return folder.get("plain")

    @staticmethod
    @functools.lru_cache(maxsize=None)
    def write(plain, first=0):
        with Folder() as folder:
            offset = put_luks1(folder, bytes(SECTORS_LEN), first)
            folder.put("plain", plain)
            folder.run(["qemu-img", "convert", *QEMU_SECRET, "-f", "raw", "-n",
                        "--target-image-opts", "plain", Qemu.part(first)])
            return folder.get("volume", offset)


class Nbdkit:
    name = "nbdkit"

    @staticmethod
    def serve(folder, first, client):
        folder.run(["nbdkit", "--unix", "socket", "--filter=offset", "--filter=luks", "file",
                    "volume", "passphrase=+passphrase", f"offset={first * SECTOR}",
                    f"range={SECTORS_LEN}", "--run", client])

    @staticmethod
    def read(area, first=0):
        with Folder() as folder:
            put_luks1(folder, area, first)
            Nbdkit.serve(folder, first, 'nbdcopy "$uri" plain')
            return folder.get("plain")

    @staticmethod
    @functools.lru_cache(maxsize=None)
    def write(plain, first=0):
        with Folder() as folder:
            offset = put_luks1(folder, bytes(SECTORS_LEN), first)
            folder.put("plain", plain)
            Nbdkit.serve(folder, first, 'nbdcopy plain "$uri"')
            return folder.get("volume", offset)


@functools.lru_cache(maxsize=None)
def luks2_header():
    """One whose volume is about to be decrypted. It is brought to that point once: on the way
    cryptsetup measures its PBKDF for most of a second, whatever it is told."""
    with Folder() as folder:
        folder.put("key", KEY)
        folder.put("volume", bytes(LARGE_LEN))
        folder.run([*CRYPTSETUP, "luksFormat", "--type", "luks2", "--sector-size", str(LARGE),
                    *CIPHER, "--pbkdf", "pbkdf2", *FAST_PBKDF, "--volume-key-file", "key",
                    "--header", "header", "volume"])
        folder.run([*CRYPTSETUP, "reencrypt", "--decrypt", "--init-only", *OFFLINE, "volume"])
        assert folder.get("volume") == bytes(LARGE_LEN)
        return folder.get("header")


def cryptsetup_reads(area):
    with Folder() as folder:
        folder.put("header", luks2_header())
        folder.put("volume", area)
        folder.run([*CRYPTSETUP, "reencrypt", "--resume-only", *OFFLINE, "volume"])
        return folder.get("volume")


@functools.lru_cache(maxsize=None)
def cryptsetup_writes(plain):
    """Under a key of its own choice: that and the data area."""
    with Folder() as folder:
        folder.put("volume", plain)
        folder.run([*CRYPTSETUP, "reencrypt", "--encrypt", "--type", "luks2", "--sector-size",
                    str(LARGE), *CIPHER, "--pbkdf", "pbkdf2", *FAST_PBKDF, *OFFLINE, "volume"])
        folder.run([*CRYPTSETUP, "luksDump", "--dump-volume-key", "--volume-key-file", "key",
                    "header"])
        return folder.get("key"), folder.get("volume")


def units_that_differ(found, wanted, unit):
    assert len(found) == len(wanted), f"{len(found)} bytes, not {len(wanted)}"
    return [at // unit for at in range(0, len(wanted), unit)
            if found[at:at + unit] != wanted[at:at + unit]]


def is_same(found, wanted, unit=SECTOR):
    differ = units_that_differ(found, wanted, unit)
    assert not differ, f"{len(differ)} units differ, {differ[0]} is the first"


def is_other_throughout(found, wanted, unit=SECTOR):
    num = len(wanted) // unit
    differ = units_that_differ(found, wanted, unit)
    assert len(differ) == num, f"{num - len(differ)} of {num} units are the same"


def what_is_missing():
    for tool, package in (("cryptsetup", "cryptsetup-bin"), ("qemu-img", "qemu-utils"),
                          ("nbdkit", "nbdkit"), ("nbdcopy", "libnbd-bin")):
        if not shutil.which(tool, path=ENVIRONMENT["PATH"]):
            return f"{package} is not installed"
    with Folder() as folder:
        try:
            folder.run(["nbdkit", "--filter=luks", "null", "--help"])
        except Failed:
            return "nbdkit has no luks filter"
    return None


def run_cases(cases):
    """As TAP. A case is its name and what it calls."""
    failed = False
    print(f"1..{len(cases)}")
    print(f"# seed {SEED}", flush=True)
    for index, (name, case) in enumerate(cases, 1):
        try:
            case()
            print(f"ok {index} - {name}", flush=True)
        except (AssertionError, Failed, OSError, subprocess.TimeoutExpired) as problem:
            failed = True
            print(f"not ok {index} - {name}")
            print("# " + str(problem)[:1000].replace("\n", "\n# "), flush=True)
    return 1 if failed else 0


def run_test(all_cases):
    """Of the program: all_cases gives the cases, once the directory is there."""
    # So that what was started and the directory are gone after a time limit of the caller's, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as Folder.parent:
        missing = what_is_missing()
        if missing:
            print(f"1..0 # SKIP {missing}")
            sys.exit(0)
        sys.exit(run_cases(list(all_cases())))
