#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: test_volume_tool.py XTSVOL

The commands for volumes as their user meets them: the built tool on real files, with good and bad
input. What is refused must name the reason in one line and change nothing. Speaks TAP.
"""
import calendar
import ctypes
import errno
import hashlib
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TOOL = os.path.abspath(sys.argv[1])
MIB = 1 << 20
UUID = "919108f7-52d1-4320-9bac-f847db4148a8"
cases = []


def case(function):
    cases.append(function)
    return function


# Who started the tests may ignore it, as a shell does for what runs in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Place:
    """A directory with a key file of two keys and a store, and the tool in it."""

    def __init__(self, folder):
        self.folder = folder
        self.random = random.Random(int(os.environ.get("STRONGROOM_SEED", "1")))
        self.keys = self.random.randbytes(128)
        self.write("keys", self.keys)
        self.store = os.path.join(folder, "store")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data, mode=0o600):
        with open(self.path(name), "wb") as file:
            file.write(data)
        os.chmod(self.path(name), mode)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def start(self, *words, **options):
        """Names of files are relative to the folder; without a terminal. A slow disk would show a line
        of progress, unless that is what is asked for."""
        if "--progress" not in words:
            words = (*words, "--progress", "never")
        environment = {**os.environ, "STRONGROOM_STORE": self.store, **options.pop("env", {})}
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                   "stderr": subprocess.PIPE, **options}
        return subprocess.Popen([TOOL, *words], cwd=self.folder, env=environment,
                                start_new_session=True, **options)

    def run(self, *words, data=None, **options):
        if data is not None:
            options["stdin"] = subprocess.PIPE
        with self.start(*words, **options) as tool:
            out, err = tool.communicate(data, timeout=120)
        return tool.returncode, out, err.decode()

    def good(self, *words, **options):
        status, out, err = self.run(*words, **options)
        assert status == 0, f"{words} ended with {status}: {err}"
        assert err == "", f"{words} said {err}"
        return out

    def json(self, *words, **options):
        return json.loads(self.good(*words, "--json", **options))

    def bad(self, status, message, *words, **options):
        """Refused, in one line, with nothing on stdout and no file changed."""
        before = self.sums()
        got, out, err = self.run(*words, **options)
        assert got == status, f"{words} ended with {got}, not {status}: {err}"
        assert err.startswith("xtsvol: ") and err.count("\n") == 1, f"{words} said {err!r}"
        assert re.search(message, err), f"{words} said {err!r}, not {message!r}"
        assert out == b"", f"{words} printed {out[:100]!r}"
        assert self.sums() == before, f"{words} changed something"
        return err

    def sums(self):
        sums = {}
        for name in sorted(os.listdir(self.folder)):
            path = self.path(name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    sums[name] = hashlib.sha256(file.read()).digest()
        return sums

    def create(self, name="v", size="8M", *words):
        return self.json("create", name, "--size", str(size), "--key-file", "keys", *words)

    def filled(self, name="v", size=8 * MIB, *words):
        """A volume with random bytes in it, and these."""
        self.create(name, size, *words)
        data = self.random.randbytes(size)
        self.put(data, name, *header_of(words))
        return data

    def put(self, data, name="v", *words):
        return self.good("import", name, "--key-file", "keys", *words, data=data)

    def get(self, name="v", *words):
        return self.good("export", name, "--key-file", "keys", *words)

    def events(self):
        path = os.path.join(self.store, "events.jsonl")
        if not os.path.exists(path):
            return []
        with open(path, encoding="ascii") as file:
            return [json.loads(line) for line in file]


def header_of(words):
    return words[words.index("--header"):words.index("--header") + 2] if "--header" in words else ()


def wait_for(condition, what):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"waited for {what} in vain")


def on_terminal(place, words, answer=None, cwd=None):
    """The tool with a terminal as its input, output and errors; status and all that it showed."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(cwd or place.folder)
        os.environ["STRONGROOM_STORE"] = place.store
        os.execv(TOOL, [TOOL, *words])
    shown = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.1)[0]:
            try:
                part = os.read(master, 4096)
            except OSError as error:
                assert error.errno == errno.EIO
                break
            if not part:
                break
            shown += part
            if answer is not None and b"(yes/[no]): " in shown:
                os.write(master, answer)
                answer = None
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(master)
    return status, shown.decode()


class Libcrypto:
    """AES-256-XTS of somebody else."""

    def __init__(self):
        lib = self.lib = ctypes.CDLL("libcrypto.so.3")
        for name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_xts"):
            getattr(lib, name).restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(lib.EVP_CIPHER_CTX_new())
        self.cipher = ctypes.c_void_p(lib.EVP_aes_256_xts())

    def decrypt(self, key, number, data):
        out = ctypes.create_string_buffer(len(data))
        length = ctypes.c_int(0)
        assert self.lib.EVP_DecryptInit_ex(self.context, self.cipher, None, key,
                                           number.to_bytes(16, "little")) == 1
        assert self.lib.EVP_DecryptUpdate(self.context, out, ctypes.byref(length), data,
                                          len(data)) == 1
        return out.raw


@case
def every_level_has_help(place):
    for words in ([], ["create"], ["info"], ["import"], ["export"], ["check"], ["header"],
                  ["header", "backup"], ["header", "restore"], ["resize"], ["erase"], ["dmtable"]):
        out = place.good(*words, "--help").decode()
        assert out.startswith("Usage: xtsvol") or "\nUsage: xtsvol" in out
        assert max(map(len, out.splitlines())) <= 80
        assert place.good(*words, "--version").startswith(b"xtsvol (Strongroom) ")


@case
def what_create_makes_is_what_info_shows(place):
    made = place.create("v", "8M", "--uuid", UUID.upper(), "--extent-size", "64K", "--max-size", "1G")
    assert made == place.json("info", "v", "--key-file", "keys")
    created = made.pop("created")
    assert abs(time.time() - calendar.timegm(time.strptime(created, "%Y-%m-%dT%H:%M:%S.000Z"))) < 60
    offset = made.pop("data_offset")
    assert offset % MIB == 0 and os.path.getsize(place.path("v")) == offset + 8 * MIB
    assert made.pop("sequence") >> 40 == 1
    assert made == {
        "uuid": UUID, "size": 8 * MIB, "sector_size": 4096, "iv": "plain64", "extent_size": 65536,
        "generations": [{"id": 1, "extents": 128}], "state": "encrypted", "progress": 1.0,
        "attached": True, "max_size": 1 << 30, "verified": True}
    assert os.stat(place.path("v")).st_mode & 0o077 == 0
    peeked = place.json("info", "v")
    assert peeked["verified"] is False and peeked["uuid"] == UUID
    assert "no: read without a key" in place.good("info", "v").decode()


@case
def two_volumes_have_two_names(place):
    assert place.create("a")["uuid"] != place.create("b")["uuid"]
    out = place.good("create", "c", "--size", "1M", "--key-file", "keys").decode()
    assert re.fullmatch(r"c: made, 1\.0 MiB, uuid [0-9a-f-]{36}\n", out)


@case
def what_was_imported_is_exported(place):
    kinds = [(), ("--sector-size", "512"), ("--iv", "large"),
             ("--extent-size", "64K", "--header", "h"),
             ("--sector-size", "512", "--header", "h2", "--extent-size", "4M")]
    for number, words in enumerate(kinds):
        name = f"v{number}"
        size = 9 * MIB + (512 if "512" in words else 4096)
        data = place.filled(name, size, *words)
        assert place.get(name, *header_of(words)) == data, words
        assert place.get(name, *header_of(words), "--threads", "2") == data, words


@case
def ranges_of_any_offset_and_length_are_moved(place):
    data = bytearray(place.filled("v", 5 * MIB))
    for offset, length in ((0, 1), (4095, 2), (1, 5 * MIB - 2), (MIB - 7, 9), (5 * MIB - 1, 1),
                           (5 * MIB, 0), (0, 0), (4 * MIB - 511, MIB)):
        new = place.random.randbytes(length)
        place.put(new, "v", "--offset", str(offset), "--threads", "1")
        data[offset:offset + length] = new
        got = place.get("v", "--offset", str(offset), "--length", str(length))
        assert got == new, (offset, length)
    assert place.get() == data
    assert place.get("v", "--offset", "3M") == data[3 * MIB:]


@case
def a_file_and_a_slow_pipe_are_imported_alike(place):
    place.create("v", 5 * MIB)
    data = place.random.randbytes(3 * MIB + 777)
    place.write("data", data)
    with open(place.path("data"), "rb") as file:
        told = json.loads(place.good("import", "v", "--key-file", "keys", "--json", stdin=file))
    assert told == {"offset": 0, "length": len(data)}
    assert place.get("v", "--length", str(len(data))) == data
    with place.start("import", "v", "--key-file", "keys", "--offset", "1M",
                     stdin=subprocess.PIPE) as tool:
        for at in range(0, 100000, 9973):
            tool.stdin.write(data[at:min(at + 9973, 100000)])
            tool.stdin.flush()
        out, err = tool.communicate(timeout=60)
    assert (tool.returncode, err) == (0, b"")
    assert out == b"v: 100000 bytes written, from offset 1048576 on\n"
    assert place.get("v", "--offset", "1M", "--length", "100000") == data[:100000]


@case
def length_leaves_the_rest_of_the_input_unread(place):
    place.create("v", 5 * MIB)
    place.write("data", b"a" * 1000 + b"b" * 1000)
    with open(place.path("data"), "rb", buffering=0) as file:
        place.good("import", "v", "--key-file", "keys", "--length", "1000", stdin=file)
        assert file.read() == b"b" * 1000
    assert place.get("v", "--length", "1000") == b"a" * 1000


@case
def input_longer_than_the_volume_is_refused(place):
    data = place.filled("v", MIB)
    place.write("data", bytes(MIB + 1))
    with open(place.path("data"), "rb") as file:
        place.bad(1, r"standard input: has 1048577 bytes, and v has room for 1048576 from offset 0 on; "
                     "nothing was written", "import", "v", "--key-file", "keys", stdin=file)
    with open(place.path("data"), "rb") as file:
        place.bad(1, "room for 1047576 from offset 1000", "import", "v", "--key-file", "keys",
                  "--offset", "1000", stdin=file)
    assert place.get() == data
    new = place.random.randbytes(2 * MIB)
    status, out, err = place.run("import", "v", "--key-file", "keys", "--offset", "4097", data=new)
    assert (status, out) == (1, b"")
    assert err == ("xtsvol: standard input: is longer than the room in the volume; 'xtsvol resize' makes "
                   "more; 1044479 bytes were written, from offset 4097 on\n"), err
    assert place.get() == data[:4097] + new[:MIB - 4097]


@case
def input_that_ends_too_early_is_told(place):
    data = place.filled("v", MIB)
    status, _, err = place.run("import", "v", "--key-file", "keys", "--length", "5000", data=b"x" * 10)
    assert status == 1
    assert err == ("xtsvol: standard input: ended before the 5000 bytes of --length; 10 bytes were written, "
                   "from offset 0 on\n")
    assert place.get() == b"x" * 10 + data[10:]
    place.write("data", b"y" * 10)
    with open(place.path("data"), "rb") as file:
        place.bad(1, "has 10 bytes, less than --length; nothing was written", "import", "v",
                  "--key-file", "keys", "--length", "11", stdin=file)


@case
def ranges_beyond_the_end_are_refused(place):
    place.filled("v", MIB)
    for words in (("--offset", "1048577"), ("--offset", "2T"), ("--offset", "1", "--length", "1M"),
                  ("--length", "1048577")):
        place.bad(1, "v: has [0-9]+ bytes", "export", "v", "--key-file", "keys", *words)
        place.bad(1, "v: has [0-9]+ bytes", "import", "v", "--key-file", "keys", *words, data=b"x")


@case
def detached_data_is_the_ciphertext_of_dm_crypt_and_nothing_else(place):
    libcrypto = Libcrypto()
    key = place.keys[:64]
    for sector, iv, step in ((512, "plain64", 1), (4096, "plain64", 8), (4096, "large", 1)):
        name, header = f"v{sector}{iv}", f"h{sector}{iv}"
        data = place.filled(name, MIB, "--sector-size", str(sector), "--iv", iv, "--header", header)
        ciphertext = place.read(name)
        assert len(ciphertext) == MIB
        plain = b"".join(libcrypto.decrypt(key, at // sector * step, ciphertext[at:at + sector])
                         for at in range(0, MIB, sector))
        assert plain == data, (sector, iv)
        table = place.good("dmtable", name, "--header", header, "--key-file", "keys", "--device",
                           "/dev/vdb").decode()
        uuid = place.json("info", name, "--header", header)["uuid"]
        options = {(512, "plain64"): "", (4096, "plain64"): " 1 sector_size:4096",
                   (4096, "large"): " 2 sector_size:4096 iv_large_sectors"}[sector, iv]
        assert table == (f"0 2048 crypt aes-xts-plain64 :64:logon:xtsvol:{uuid}:1 0 /dev/vdb 0"
                         f"{options}\n"), table


@case
def a_table_of_an_attached_volume_counts_from_the_data(place):
    info = place.create("v", 3 * MIB)
    out = place.good("dmtable", "v", "--key-file", "keys").decode().split()
    assert out[:2] == ["0", "6144"] and out[5] == "0"
    assert out[6:8] == [os.path.realpath(place.path("v")), str(info["data_offset"] // 512)]


@case
def keys_are_shown_in_hexadecimal_to_who_said_yes(place):
    place.create()
    place.bad(1, "v: .*there is no terminal to ask on: add --yes", "dmtable", "v", "--key-file",
              "keys", "--show-keys")
    out = place.good("dmtable", "v", "--key-file", "keys", "--show-keys", "--yes", "--device",
                     "/dev/vdb").decode()
    assert out.startswith(f"0 16384 crypt aes-xts-plain64 {place.keys[:64].hex()} 0 /dev/vdb ")
    status, shown = on_terminal(place, ["dmtable", "v", "--key-file", "keys", "--show-keys", "--yes"])
    assert status == 2 and "would show keys on a terminal" in shown
    assert place.keys[:64].hex() not in shown


@case
def keys_that_are_not_the_volumes_are_refused(place):
    place.filled("v", MIB)
    place.write("wrong", place.random.randbytes(64))
    place.write("empty", b"")
    place.write("short", place.keys[:63])
    place.write("odd", place.keys[:65])
    place.write("long", bytes(65536))
    for name, message in (
            ("wrong", r"v: the key of generation 1 is not that of this volume \(from wrong\)"),
            ("empty", "empty: the key file must be of 64 to 65472 bytes"),
            ("short", "short: the key file must be of 64 to 65472 bytes"),
            ("odd", "odd: is no list of whole keys: each one is 64 raw bytes"),
            ("long", "long: the key file must be of 64 to 65472 bytes"),
            ("none", "none: No such file or directory"),
            (".", "[.]: is a directory"), ("/dev/zero", "/dev/zero: is not a regular file"),
            ("fd:99", "fd:99: Bad file descriptor"), ("fd:x", "is not the number of a descriptor"),
            ("credential:k", "CREDENTIALS_DIRECTORY is not set")):
        for words in (("info",), ("export",), ("check",), ("dmtable",), ("resize", "--size", "2M"),
                      ("erase", "--yes")):
            if words[0] == "erase" and name == "wrong":
                message = r"v: the key of generation 1 is not that of this volume.*; if an erasure"
            place.bad(1, message, words[0], "v", *words[1:], "--key-file", name)
        place.bad(1, message.replace(".*; if an erasure", ""), "import", "v", "--key-file", name,
                  data=b"x" * 100)


@case
def a_key_with_equal_halves_makes_no_volume(place):
    place.write("equal", place.keys[:32] * 2)
    place.bad(1, r"v: .*generation 1.*halves.*\(from equal\)", "create", "v", "--size", "1M",
              "--key-file", "equal")
    place.bad(1, "v: .*halves", "create", "v", "--size", "1M", "--key-file", "equal", "--header", "h")
    place.write("zero", bytes(64))
    place.bad(1, "v: needs the key of generation 1, which in zero is all zero bytes", "create", "v",
              "--size", "1M", "--key-file", "zero")


@case
def keys_come_from_descriptors_and_credentials_too(place):
    data = place.filled("v", MIB)
    assert place.good("export", "v", "--key-file", "-", data=place.keys) == data
    read_end, write_end = os.pipe()
    os.write(write_end, place.keys)
    os.close(write_end)
    assert place.good("export", "v", "--key-file", f"fd:{read_end}", pass_fds=[read_end]) == data
    os.close(read_end)
    assert place.good("export", "v", "--key-file", "credential:keys",
                      env={"CREDENTIALS_DIRECTORY": place.folder}) == data
    place.bad(2, "standard input is the data", "import", "v", "--key-file", "-", data=b"x")
    place.bad(2, "standard input is the data", "import", "v", "--key-file", "fd:0", data=b"x")


@case
def a_lax_mode_of_the_key_file_is_warned_about(place):
    place.create()
    os.chmod(place.path("keys"), 0o644)
    status, _, err = place.run("info", "v", "--key-file", "keys")
    assert status == 0
    assert err == ("xtsvol: warning: keys: holds a secret and others may access it (mode 0644); use chmod "
                   "600\n")


@case
def mistakes_in_the_command_line_are_told_with_status_2(place):
    place.create()
    key = ("--key-file", "keys")
    for message, words in (
            ("--size", ("create", "n", *key)),
            ("--key-file", ("create", "n", "--size", "1M")),
            ("--key-file", ("export", "v")), ("--key-file", ("check", "v")),
            ("FILE", ("info",)), ("FILE", ("import", *key)), ("OUT", ("header", "backup", "v", *key)),
            ("BACKUP", ("header", "restore", "v", *key)), ("FILE", ("info", "", *key)),
            ("--size", ("create", "n", "--size", "1M1", *key)),
            ("--size", ("create", "n", "--size", "0", *key)),
            ("--size", ("create", "n", "--size", "-1", *key)),
            ("--size", ("create", "n", "--size", "2000000T", *key)),
            ("--size: 4097 is no multiple of the sector size, 4096",
             ("create", "n", "--size", "4097", *key)),
            ("--size: 1000 is no multiple of the sector size, 512",
             ("create", "n", "--size", "1000", "--sector-size", "512", *key)),
            ("--sector-size", ("create", "n", "--size", "1M", "--sector-size", "1024", *key)),
            ("--extent-size", ("create", "n", "--size", "1M", "--extent-size", "32K", *key)),
            ("--extent-size", ("create", "n", "--size", "1M", "--extent-size", "8M", *key)),
            ("--extent-size: must be a power of two",
             ("create", "n", "--size", "1M", "--extent-size", "96K", *key)),
            ("--iv", ("create", "n", "--size", "1M", "--iv", "essiv", *key)),
            ("--iv: large", ("create", "n", "--size", "1M", "--iv", "large", "--sector-size", "512",
                             *key)),
            ("--max-size: must not be below", ("create", "n", "--size", "2M", "--max-size", "1M",
                                               *key)),
            ("--uuid", ("create", "n", "--size", "1M", "--uuid", "1234", *key)),
            ("--threads", ("export", "v", "--threads", "65", *key)),
            ("--min-sequence", ("info", "v", "--min-sequence", "x", *key)),
            ("--offset", ("export", "v", "--offset", "-1", *key)),
            ("too many|one argument|b", ("info", "v", "b", *key)),
            ("--repare", ("check", "v", "--repare", *key)),
            ("--show-keys: does not go with --json", None)):
        if words is not None:
            place.bad(2, message, *words)
    status, out, err = place.run("dmtable", "v", "--show-keys", "--yes", "--json", *key)
    assert status == 2 and "does not go with --json" in err
    assert json.loads(out)["error"]["code"] == "usage"
    assert not os.path.exists(place.path("n"))


@case
def a_file_with_contents_is_not_overwritten(place):
    place.write("full", b"precious")
    place.write("empty", b"")
    os.mkfifo(place.path("fifo"))
    key = ("--key-file", "keys")
    place.bad(1, "full: .*contents already; nothing is overwritten", "create", "full", "--size", "1M",
              *key)
    place.bad(1, "full: .*contents already", "create", "n", "--size", "1M", *key, "--header", "full")
    place.bad(1, "full: .*contents already", "create", "full", "--size", "1M", *key, "--header", "n")
    os.mkdir(place.path("folder"))
    place.bad(1, "folder: ", "create", "folder", "--size", "1M", *key)
    place.bad(1, "fifo: ", "create", "fifo", "--size", "1M", *key)
    place.bad(1, "none/n: No such file or directory", "create", "none/n", "--size", "1M", *key)
    assert not os.path.exists(place.path("n"))
    place.create("empty", "1M")
    place.bad(1, "empty: .*already; nothing is overwritten", "create", "empty", "--size", "1M", *key)


@case
def what_is_no_volume_is_refused(place):
    place.write("noise", place.random.randbytes(9 * MIB))
    place.write("empty", b"")
    for name, message in (("noise", "noise: no encrypted volume"), ("empty", "empty: "),
                          ("none", "none: No such file or directory"), (".", "[.]: ")):
        for words in (("info", name), ("info", name, "--key-file", "keys"),
                      ("export", name, "--key-file", "keys"), ("check", name, "--key-file", "keys"),
                      ("erase", name, "--yes")):
            place.bad(1, message, *words)
    data = place.filled("v", MIB, "--header", "h")
    place.bad(1, "v: .*metadata that is apart is named with --header", "export", "v", "--key-file",
              "keys")
    place.bad(1, "v: .*the metadata is in the --header, where", "export", "v", "--key-file", "keys",
              "--header", "noise")
    place.bad(1, "none: No such file", "export", "v", "--key-file", "keys", "--header", "none")
    place.bad(1, "h: it is a detached header", "export", "h", "--key-file", "keys")
    assert place.get("v", "--header", "h") == data


@case
def a_file_that_was_cut_is_refused(place):
    place.filled("v", MIB)
    os.truncate(place.path("v"), os.path.getsize(place.path("v")) - 4096)
    place.bad(1, "v: it is shorter than its metadata says$", "export", "v", "--key-file", "keys")
    place.bad(1, "v: it is shorter than its metadata says$", "import", "v", "--key-file", "keys",
              data=b"x")


def damage(place, name, offset):
    with open(place.path(name), "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


@case
def one_damaged_copy_is_told_and_repaired(place):
    data = place.filled("v", MIB)
    damage(place, "v", 4 * MIB + 200)
    before = place.sums()
    status, out, err = place.run("export", "v", "--key-file", "keys")
    assert (status, out) == (0, data) and "xtsvol: warning: v: " in err
    status, out, err = place.run("check", "v", "--key-file", "keys", "--json")
    report = json.loads(out)
    assert status == 0 and report["bad"] == [] and report["bad_copies"] >= 1 and report["repaired"] == 0
    assert "run 'xtsvol check --repair'" in err
    assert place.sums() == before
    status, out, err = place.run("check", "v", "--key-file", "keys", "--repair", "--json")
    assert status == 0
    assert place.sums() != before
    clean = place.json("check", "v", "--key-file", "keys")
    assert clean["bad_copies"] == 0 and clean["pages"] > 0
    assert place.get() == data
    assert "VolumeCopyDamaged" in {event["event"] for event in place.events()}


@case
def metadata_with_both_copies_damaged_is_refused(place):
    place.filled("v", MIB)
    place.good("header", "backup", "v", "b", "--key-file", "keys")
    damage(place, "v", 200)
    damage(place, "v", 4 * MIB + 200)
    for words in (("info", "v"), ("export", "v", "--key-file", "keys"),
                  ("check", "v", "--key-file", "keys")):
        place.bad(1, "v: .*; metadata that is apart .*'xtsvol header restore' puts a backup in place",
                  *words)


@case
def an_older_state_is_refused_by_its_sequence(place):
    sequence = place.create("v", MIB)["sequence"]
    place.bad(1, f"v: .*sequence {sequence}, not {sequence + 1} or more", "export", "v", "--key-file",
              "keys", "--min-sequence", str(sequence + 1))
    place.good("export", "v", "--key-file", "keys", "--min-sequence", str(sequence))
    place.good("resize", "v", "--size", "2M", "--key-file", "keys")
    later = place.json("info", "v", "--key-file", "keys")["sequence"]
    assert later > sequence
    place.good("info", "v", "--key-file", "keys", "--min-sequence", str(later))
    place.good("info", "v", "--min-sequence", str(later))
    refused = place.bad(1, f"sequence {later}, not {later + 1} or more", "info", "v", "--key-file", "keys",
                        "--min-sequence", str(later + 1))
    without = place.bad(1, "v: ", "info", "v", "--min-sequence", str(later + 1))
    assert without == refused[:-1] + ", as it says itself: it was read without a key\n", without


@case
def a_volume_in_use_names_the_process(place):
    place.filled("v", 8 * MIB)
    before = place.sums()
    with place.start("import", "v", "--key-file", "keys", stdin=subprocess.PIPE) as holder:
        holder.stdin.write(bytes(5 * MIB))
        holder.stdin.flush()
        wait_for(lambda: place.sums() != before, "the first of its writes")
        for words in (("info", "v", "--key-file", "keys"), ("export", "v", "--key-file", "keys"),
                      ("check", "v", "--key-file", "keys"), ("erase", "v", "--yes"),
                      ("resize", "v", "--size", "9M", "--key-file", "keys")):
            err = place.bad(1, "in use", *words)
            assert err == f"xtsvol: v: in use by pid {holder.pid}\n", err
        holder.communicate(timeout=60)
    assert holder.returncode == 0
    with place.start("export", "v", "--key-file", "keys") as reader:
        assert reader.stdout.read(1)
        place.good("check", "v", "--key-file", "keys")
        place.bad(1, f"v: in use by pid {reader.pid}", "import", "v", "--key-file", "keys", data=b"x")
        reader.communicate(timeout=60)


@case
def a_socket_beside_a_volume_that_nobody_has_open_is_not_asked(place):
    made = place.create("v", MIB)
    listener = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(place.folder) # the name of a socket must be short
    try:
        listener.bind("v.control")
    finally:
        os.chdir(here)
    listener.listen(4)
    with listener:
        assert place.json("info", "v") == {**made, "verified": False}
        assert place.json("info", "v", "--key-file", "keys") == made
        assert not select.select([listener], [], [], 0)[0], "somebody came"


@case
def a_volume_grows_and_keeps_its_data(place):
    data = place.filled("v", 3 * MIB)
    told = place.json("resize", "v", "--size", "5M", "--key-file", "keys")
    assert told == {"size": 5 * MIB, "old_size": 3 * MIB}
    assert place.get("v", "--length", "3M") == data
    more = place.random.randbytes(2 * MIB)
    place.put(more, "v", "--offset", "3M")
    assert place.get() == data + more


@case
def shrinking_asks_first(place):
    data = place.filled("v", 3 * MIB)
    key = ("--key-file", "keys")
    place.bad(1, "v: cannot be undone and there is no terminal", "resize", "v", "--size", "1M", *key)
    place.bad(1, "v: --size 5000 is no multiple", "resize", "v", "--size", "5000", *key)
    place.bad(1, "v: cannot become longer than", "resize", "v", "--size", "8T", *key)
    status, shown = on_terminal(place, ["resize", "v", "--size", "1M", *key], b"no\n")
    assert status == 1 and "its last 2097152 bytes will be lost" in shown
    assert "not confirmed with 'yes'; nothing was changed" in shown
    assert place.get() == data
    status, shown = on_terminal(place, ["resize", "v", "--size", "2M", *key], b"yes\n")
    assert status == 0, shown
    assert place.get() == data[:2 * MIB]
    place.good("resize", "v", "--size", "1M", "--yes", *key)
    assert place.get() == data[:MIB]


@case
def a_backup_is_restored(place):
    data = place.filled("v", MIB)
    key = ("--key-file", "keys")
    info = place.json("info", "v", *key)
    told = place.json("header", "backup", "v", "b", *key)
    assert told == {"uuid": info["uuid"], "sequence": info["sequence"]}
    assert os.stat(place.path("b")).st_mode & 0o077 == 0
    assert place.keys[:32] not in place.read("b") and place.keys[32:64] not in place.read("b")
    place.bad(1, "xtsvol: b: exists already; a backup makes a new file", "header", "backup", "v", "b", *key)
    with open(place.path("v"), "r+b") as file:
        for offset in (0, 4 * MIB):
            file.seek(offset)
            file.write(bytes(65536))
    place.bad(1, "v: no encrypted volume", "export", "v", *key)
    place.bad(1, "add --yes to confirm", "header", "restore", "v", "b", *key)
    place.write("wrong", place.random.randbytes(64))
    place.bad(1, "generation 1", "header", "restore", "v", "b", "--yes", "--key-file", "wrong")
    place.bad(1, "none: No such file", "header", "restore", "v", "none", "--yes", *key)
    place.good("header", "restore", "v", "b", "--yes", *key)
    assert place.get() == data
    assert [event["event"] for event in place.events()][-1] == "VolumeHeaderRestored"


@case
def an_older_backup_needs_to_be_meant(place):
    data = place.filled("v", MIB)
    key = ("--key-file", "keys")
    place.good("header", "backup", "v", "b", *key)
    place.good("resize", "v", "--size", "2M", *key)
    place.bad(1, "v: .*newer than the backup; see --older", "header", "restore", "v", "b", "--yes", *key)
    place.good("header", "restore", "v", "b", "--yes", "--older", *key)
    assert place.get() == data
    place.create("w", "1M")
    place.bad(1, "w: the backup is of another volume", "header", "restore", "w", "b", "--yes", *key)


@case
def a_detached_header_is_backed_up_and_restored(place):
    data = place.filled("v", MIB, "--header", "h")
    words = ("--header", "h", "--key-file", "keys")
    place.good("header", "backup", "v", "b", *words)
    assert place.get("v", "--header", "b") == data
    with open(place.path("h"), "r+b") as file:
        file.write(bytes(8 * MIB))
    place.good("header", "restore", "v", "b", "--yes", *words)
    assert place.get("v", "--header", "h") == data


@case
def erase_destroys_keys_and_metadata(place):
    place.filled("v", MIB)
    info = place.json("info", "v", "--key-file", "keys")
    place.write("copy", place.keys)
    backup = place.read("v")[:8 * MIB]
    place.bad(1, "add --yes to confirm", "erase", "v", "--key-file", "keys")
    record = place.json("erase", "v", "--key-file", "keys", "--yes")
    assert record["uuid"] == info["uuid"] and record["state"] == "erased"
    assert record["generations"] == [1] and record["keys_destroyed"] is True
    assert record["method"] == "keys destroyed, metadata overwritten"
    keys = place.read("keys")
    assert keys == bytes(64) + place.keys[64:]
    assert place.json("info", "v") == record
    assert place.json("info", "v", "--key-file", "copy") == record
    place.bad(1, "v: it was erased", "export", "v", "--key-file", "copy")
    left = place.read("v")[:8 * MIB]
    assert not any(backup[at:at + 64] in left for at in range(0, 65536, 64) if any(backup[at:at + 64]))
    event = place.events()[-1]
    assert (event["event"], event["severity"]) == ("VolumeErased", "warning")
    assert event["object"] == os.path.realpath(place.path("v"))
    assert event["detail"] == {"uuid": info["uuid"]}
    place.bad(1, "generation 1 is there, and cannot be compared any more .from copy.; nothing was changed: "
                 "leave --key-file out to finish, and destroy that file by other means",
              "erase", "v", "--key-file", "copy", "--yes")
    again = place.json("erase", "v", "--yes")
    assert again["keys_destroyed"] is False and again["uuid"] == info["uuid"]


@case
def a_record_of_an_erasure_that_somebody_made_costs_no_key_and_proves_none_destroyed(place):
    """Who can write to the medium has erased a volume of his own, and puts its metadata there."""
    place.filled("v", MIB)
    place.write("his", place.random.randbytes(128))
    place.json("create", "w", "--size", "1M", "--key-file", "his")
    place.json("erase", "w", "--key-file", "his", "--yes")
    with open(place.path("v"), "r+b") as file:
        file.write(place.read("w")[:8 * MIB])
    place.bad(1, "generation 1 is there, and cannot be compared any more .from keys.; nothing was changed",
              "erase", "v", "--key-file", "keys", "--yes")
    assert place.json("erase", "v", "--yes")["keys_destroyed"] is False


@case
def an_erasure_that_was_cut_short_ends_with_the_same_key_file(place):
    """After the keys were destroyed, after the first of the two superblocks, and before all that."""
    def cut_after(num_syncs):
        place.filled("v", MIB)
        backup = place.read("v")[:8 * MIB]
        place.json("erase", "v", "--key-file", "keys", "--yes")
        assert place.read("keys") == bytes(64) + place.keys[64:]
        with open(place.path("v"), "r+b") as file:
            for copy in (0, 1)[num_syncs:]:
                file.seek(copy * 4 * MIB)
                file.write(backup[copy * 4 * MIB:(copy + 1) * 4 * MIB])
        return backup

    for num_syncs in (0, 1):
        place.write("keys", place.keys)
        if os.path.exists(place.path("v")):
            os.unlink(place.path("v"))
        backup = cut_after(num_syncs)
        record = place.json("erase", "v", "--key-file", "keys", "--yes")
        assert record["state"] == "erased" and record["generations"] == [1]
        assert place.json("info", "v")["state"] == "erased"
        left = place.read("v")[:8 * MIB]
        assert not any(backup[at:at + 64] in left for at in range(0, 65536, 64)
                       if any(backup[at:at + 64]))
        assert place.read("keys") == bytes(64) + place.keys[64:]
    # The keys were not reached, and one half of the metadata was overwritten: it goes on with them.
    place.write("keys", place.keys)
    os.unlink(place.path("v"))
    place.filled("v", MIB)
    backup = place.read("v")[:8 * MIB]
    place.json("erase", "v", "--yes")
    with open(place.path("v"), "r+b") as file:
        file.seek(4 * MIB)
        file.write(backup[4 * MIB:])
    assert place.json("erase", "v", "--key-file", "keys", "--yes")["keys_destroyed"] is True
    assert place.read("keys") == bytes(64) + place.keys[64:]


@case
def erase_without_a_key_file_leaves_the_keys_alone(place):
    place.filled("v", MIB, "--header", "h")
    out = place.good("erase", "v", "--header", "h", "--yes").decode()
    assert "left alone" in out and place.read("keys") == place.keys
    place.bad(1, "generation 1 is there, and cannot be compared any more", "erase", "v", "--header", "h",
              "--yes", "--key-file", "keys")
    place.create("w")
    place.bad(1, "keys are destroyed only in a file that is named by its path", "erase", "w", "--yes",
              "--key-file", "-", data=place.keys)


@case
def erasing_a_backup_does_not_destroy_the_keys_of_the_volume(place):
    data = place.filled("v", MIB)
    detached = place.filled("d", MIB, "--header", "h")
    place.good("header", "backup", "v", "b", "--key-file", "keys")
    place.good("header", "backup", "d", "c", "--header", "h", "--key-file", "keys")
    place.bad(1, "b: .*backup", "erase", "b", "--key-file", "keys", "--yes")
    place.bad(1, "backup", "erase", "d", "--header", "c", "--key-file", "keys", "--yes")
    assert place.get("v") == data and place.get("d", "--header", "h") == detached
    assert place.json("erase", "b", "--yes")["keys_destroyed"] is False
    assert place.json("info", "b")["state"] == "erased"
    assert place.get("v") == data


@case
def data_is_neither_shown_on_nor_taken_from_a_terminal(place):
    place.filled("v", MIB)
    status, shown = on_terminal(place, ["export", "v", "--key-file", "keys"])
    assert status == 2 and "standard output: is a terminal" in shown and len(shown) < 300
    status, shown = on_terminal(place, ["import", "v", "--key-file", "keys"])
    assert status == 2 and "standard input: is a terminal" in shown


@case
def output_that_cannot_be_written_is_told(place):
    place.filled("v", MIB)
    with open("/dev/full", "wb") as full:
        status, _, err = place.run("export", "v", "--key-file", "keys", stdout=full)
    assert status == 1 and "standard output: No space left on device" in err
    with place.start("export", "v", "--key-file", "keys") as tool:
        assert len(tool.stdout.read(10)) == 10
        tool.stdout.close()
        tool.wait(timeout=60)
        assert (tool.returncode, tool.stderr.read()) == (1, b"")


@case
def a_full_disk_is_told_and_the_volume_stays_readable(place):
    """The limit of file sizes is what every user can set."""
    data = place.filled("v", MIB)
    limit = os.path.getsize(place.path("v")) - MIB // 2

    def limited():
        import resource
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    new = place.random.randbytes(MIB)
    status, _, err = place.run("import", "v", "--key-file", "keys", data=new, preexec_fn=limited)
    assert status == 1 and err.startswith("xtsvol: v: ") and "bytes before it were written" in err
    got = place.get()
    assert len(got) == MIB and got[MIB // 2:] == data[MIB // 2:]
    for at in range(0, MIB // 2, 4096):
        assert got[at:at + 4096] in (new[at:at + 4096], data[at:at + 4096])


@case
def an_interrupt_ends_an_import_with_130_and_says_how_far_it_was(place):
    place.filled("v", 16 * MIB)
    part = place.random.randbytes(5 * MIB)
    with place.start("import", "v", "--key-file", "keys", "--progress", "always",
                     stdin=subprocess.PIPE, restore_signals=True) as tool:
        tool.stdin.write(part)
        tool.stdin.flush()
        tool.send_signal(signal.SIGINT)
        out, err = tool.communicate(timeout=60)
    assert tool.returncode == 130 and out == b""
    assert err.endswith(b"xtsvol: standard input: interrupted; 4194304 bytes were written, from "
                        b"offset 0 on\n"), err
    assert place.get("v", "--length", "4M") == part[:4 * MIB]


@case
def the_deadline_ends_what_waits_for_others(place):
    place.filled("v", MIB)
    with place.start("import", "v", "--key-file", "keys", "--timeout", "1s",
                     stdin=subprocess.PIPE) as tool:
        tool.wait(timeout=30)
        assert tool.returncode == 1
        assert tool.stderr.read() == b"xtsvol: standard input: timed out; nothing was written\n"
        tool.stdin.close()
    with place.start("export", "v", "--key-file", "keys", "--timeout", "1s") as tool:
        tool.wait(timeout=30)
        assert tool.returncode == 1 and b"standard output: timed out; about" in tool.stderr.read()


@case
def a_failure_puts_no_document_behind_data(place):
    data = place.filled("v", MIB)
    with place.start("export", "v", "--key-file", "keys", "--json", "--timeout", "1s") as tool:
        tool.wait(timeout=30)
        out = tool.stdout.read()
        assert tool.returncode == 1 and b"timed out" in tool.stderr.read()
    assert out and data.startswith(out), out[-100:]


@case
def progress_is_shown_where_it_is_asked_for(place):
    place.create("v", "8M")
    for words in (("import", "v", "--key-file", "keys"), ("check", "v", "--key-file", "keys"),
                  ("export", "v", "--key-file", "keys")):
        status, _, err = place.run(*words, "--progress", "always", data=bytes(MIB))
        assert status == 0 and "\r" in err and err.endswith("\n"), err
        status, _, err = place.run(*words, "--progress", "never", data=bytes(MIB))
        assert (status, err) == (0, "")


@case
def a_failure_as_json_is_one_document(place):
    place.create()
    status, out, err = place.run("export", "none", "--key-file", "keys", "--json")
    error = json.loads(out)["error"]
    assert status == 1 and error["code"] == "not-found" and error["object"] == "none"
    assert error["message"] in err
    place.write("wrong", place.random.randbytes(64))
    status, out, _ = place.run("info", "v", "--key-file", "wrong", "--json")
    assert status == 1 and json.loads(out)["error"]["code"] == "denied"


@case
def a_name_cannot_speak_to_the_terminal(place):
    name = "v\x1b[31m\nv"
    place.create(name, "1M")
    out = place.good("import", name, "--key-file", "keys", data=b"x").decode()
    assert out.startswith("v\\x1b[31m\\x0av: 1 bytes written")
    place.bad(1, r"v\\x1b\[31m\\x0av: --size", "resize", name, "--size", "5000", "--key-file", "keys")
    place.bad(2, "has no place in a table", "dmtable", name, "--key-file", "keys")


@case
def what_was_done_is_in_the_event_log(place):
    uuid = place.create("v", MIB)["uuid"]
    place.good("resize", "v", "--size", "2M", "--key-file", "keys")
    place.good("resize", "v", "--size", "2M", "--key-file", "keys")
    events = place.events()
    assert [event["event"] for event in events] == ["VolumeCreated", "VolumeResized"]
    for event in events:
        assert event["tool"] == "xtsvol" and event["detail"]["uuid"] == uuid
        assert event["object"] == os.path.realpath(place.path("v"))
    assert events[1]["reason"] == "resized from 1048576 to 2097152 bytes"
    place.write("file", b"")
    status, _, err = place.run("create", "w", "--size", "1M", "--key-file", "keys", "--store", "file")
    assert status == 0 and "xtsvol: warning: VolumeCreated: is not in the event log\n" in err
    assert place.json("info", "w", "--key-file", "keys")["size"] == MIB


def main():
    print(f"1..{len(cases)}")
    for number, function in enumerate(cases, 1):
        folder = tempfile.mkdtemp(prefix="volume_tool.")
        good = True
        try:
            function(Place(folder))
        except (AssertionError, OSError, ValueError, KeyError, IndexError,
                subprocess.SubprocessError) as error:
            good = False
            where = error.__traceback__
            while where.tb_next and where.tb_next.tb_frame.f_code.co_filename == __file__:
                where = where.tb_next
            print("# " + f"line {where.tb_lineno}: {error!r}"[:1500].replace("\n", "\n# "))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        print(f"{'ok' if good else 'not ok'} {number} - {function.__name__}", flush=True)
    return 0


sys.exit(main())
