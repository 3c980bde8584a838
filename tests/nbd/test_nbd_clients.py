#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: test_nbd_clients.py XTSVOL PLUGIN RECORDER MIXED_VOLUME [CASE...]

A served volume as others use a disk: QEMU's block layer, libnbd and its tools, fio. Speaks TAP.
"""

import errno
import json
import random
import sys
import threading

import nbd_support
from nbd_support import MIB, Failed, missing, same

try:
    import nbd
except ImportError:
    nbd = None

SIZE = 64 * MIB
FORMS = {
    "4096": (),
    "512": ("--sector-size", "512"),
    "large": ("--iv", "large"),
    "small_extents": ("--sector-size", "512", "--extent-size", "64K"),
}


def qemu_io(folder, uri, *commands):
    words = [word for command in commands for word in ("-c", command)]
    # qemu-io tells of most failures in words alone.
    output = folder.run("qemu-io", "-f", "raw", *words, uri)
    for sign in ("failed", "rror"):
        if sign in output:
            raise Failed(output)
    return output


def connect(uri):
    handle = nbd.NBD()
    handle.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
    handle.connect_uri(uri)
    return handle


def qemu_reads_what_it_wrote(folder):
    for name, options in FORMS.items():
        folder.create(name, SIZE, *options)
        served = folder.serve(name=name)
        qemu_io(folder, served.uri, "write -P 0x11 0 1M", "write -P 0x22 4k 512",
                "write -P 0x33 1000 3001", "write -f -P 0x44 63M 1M", "flush",
                "write -P 0x55 131073 70001", "aio_write -P 0x66 8M 2M", "aio_write -P 0x77 10M 2M",
                "aio_flush")
        qemu_io(folder, served.uri, "read -P 0x11 0 1000", "read -P 0x33 1000 3001",
                "read -P 0x11 4001 95", "read -P 0x22 4096 512", "read -P 0x11 4608 126465",
                "read -P 0x55 131073 70001", "read -P 0x66 8M 2M", "read -P 0x77 10M 2M",
                "read -P 0x44 63M 1M")
        served.stop()


def qemu_discards_and_writes_zeroes(folder):
    folder.create("volume", SIZE)
    served = folder.serve()
    qemu_io(folder, served.uri, "write -P 0x11 0 8M", "write -z 1M 1M", "write -z 2097153 5000",
            "write -z -u 4M 64k", "discard 6M 1M", "flush")
    qemu_io(folder, served.uri, "read -P 0x11 0 1M", "read -P 0 1M 1M", "read -P 0x11 2097152 1",
            "read -P 0 2097153 5000", "read -P 0x11 2102153 1000", "read -P 0 4M 64k",
            "read -P 0x11 4259840 1M", "read -P 0x11 5M 1M", "read -P 0x11 7M 1M")


def nbdcopy_brings_in_and_out(folder):
    data = random.randbytes(SIZE)
    source = folder.put("source", data)
    for name, options in FORMS.items():
        path = folder.create(name, SIZE, *options)
        served = folder.serve(name=name)
        folder.run("nbdcopy", "--flush", source, served.uri)
        folder.run("nbdcopy", served.uri, "copy")
        same(folder.get("copy"), data)
        served.stop()
        area = folder.get(path)[-SIZE:]
        assert all(area[at:at + 4096] != data[at:at + 4096] for at in range(0, SIZE, 4096)), \
            "a sector is plain"


def the_tool_reads_what_was_served(folder):
    data = random.randbytes(4 * MIB)
    source = folder.put("source", data)
    folder.create(size=4 * MIB)
    served = folder.serve()
    folder.run("nbdcopy", "--flush", source, served.uri)
    served.stop()
    exported = folder.export()
    with open(exported.name + ".out", "rb") as out:
        same(out.read(), data)


def with_a_detached_header_the_file_is_the_ciphertext(folder):
    data = random.randbytes(8 * MIB)
    source = folder.put("source", data)
    folder.create("volume", 8 * MIB, "--header", "header")
    served = folder.serve("--header", "header", "--threads", "2")
    folder.run("nbdcopy", "--flush", source, served.uri)
    folder.run("nbdcopy", served.uri, "copy")
    same(folder.get("copy"), data)
    area = folder.get("volume")
    assert len(area) == len(data)
    assert all(area[at:at + 4096] != data[at:at + 4096] for at in range(0, len(data), 4096))


def the_export_says_what_it_can(folder):
    folder.create("volume", SIZE, "--sector-size", "512")
    served = folder.serve()
    info = json.loads(folder.run("nbdinfo", "--json", served.uri))["exports"]
    assert len(info) == 1, info
    info = info[0]
    wanted = {
        "export-name": "", "description": "encrypted volume", "export-size": SIZE,
        "is_read_only": False, "is_rotational": False, "can_cache": True, "can_fast_zero": True,
        "can_flush": True, "can_fua": True, "can_multi_conn": True, "can_trim": True,
        "can_zero": True, "block_size_minimum": 1, "block_size_preferred": 4096,
        "block_size_maximum": 32 * MIB,
    }
    found = {name: info.get(name) for name in wanted}
    assert found == wanted, f"{found}"


def holes_are_known_and_are_not_zeroes(folder):
    folder.create("volume", SIZE)
    served = folder.serve()
    handle = connect(served.uri)
    handle.pwrite(b"\1" * MIB, 8 * MIB)
    handle.flush()
    extents = []
    handle.block_status(SIZE, 0, lambda _name, _offset, list_, _error: extents.extend(list_) or 0)
    runs, at = {}, 0
    for length, kind in zip(extents[::2], extents[1::2]):
        for unit in range(at, at + length, MIB):
            runs[unit // MIB] = runs.get(unit // MIB, 0) | kind
        at += length
    assert at == SIZE, f"{at}"
    assert runs[8] == 0 and runs[0] == runs[63] == nbd.STATE_HOLE, f"{runs}"
    assert not any(kind & nbd.STATE_ZERO for kind in runs.values())
    one = []
    handle.block_status(SIZE, 0, lambda _name, _offset, list_, _error: one.extend(list_) or 0,
                        nbd.CMD_FLAG_REQ_ONE)
    assert len(one) == 2 and one[1] == nbd.STATE_HOLE, f"{one}"


def a_trimmed_range_is_a_hole(folder):
    folder.create("volume", SIZE)
    served = folder.serve()
    handle = connect(served.uri)
    handle.pwrite(b"\1" * (4 * MIB), 0)
    handle.flush()
    handle.trim(MIB, MIB, nbd.CMD_FLAG_FUA)
    extents = []
    handle.block_status(4 * MIB, 0, lambda _name, _offset, list_, _error: extents.extend(list_) or 0)
    assert extents == [MIB, 0, MIB, nbd.STATE_HOLE, 2 * MIB, 0], f"{extents}"
    same(handle.pread(MIB, 0), b"\1" * MIB)
    same(handle.pread(2 * MIB, 2 * MIB), b"\1" * (2 * MIB))


def error_of(call, *arguments):
    try:
        call(*arguments)
    except nbd.Error as error:
        return error.errnum
    return 0


def fast_zeroes_are_refused_at_once(folder):
    folder.create("volume", SIZE)
    handle = connect(folder.serve().uri)
    handle.pwrite(b"\1" * MIB, 0)
    assert error_of(handle.zero, 32 * MIB, 0, nbd.CMD_FLAG_FAST_ZERO) == errno.ENOTSUP
    same(handle.pread(MIB, 0), b"\1" * MIB)
    handle.zero(MIB // 2, 0)
    same(handle.pread(MIB, 0), b"\0" * (MIB // 2) + b"\1" * (MIB // 2))


def requests_beyond_the_end_are_refused(folder):
    folder.create("volume", SIZE)
    handle = connect(folder.serve().uri)
    handle.set_strict_mode(0)
    handle.pwrite(b"\1" * 4096, SIZE - 4096)
    assert error_of(handle.pread, 2, SIZE - 1) == errno.EINVAL
    assert error_of(handle.pwrite, b"\2" * 8192, SIZE - 4096) in (errno.ENOSPC, errno.EINVAL)
    assert error_of(handle.trim, 8192, SIZE - 4096) in (errno.ENOSPC, errno.EINVAL)
    assert error_of(handle.zero, 8192, SIZE - 4096) in (errno.ENOSPC, errno.EINVAL)
    same(handle.pread(4096, SIZE - 4096), b"\1" * 4096)


class Model:
    """A part of the disk as it should be, beside the disk."""

    def __init__(self, handle, offset, length, seed):
        self.handle, self.offset = handle, offset
        self.random = random.Random(seed)
        self.bytes = bytearray(self.random.randbytes(length))
        handle.pwrite(bytes(self.bytes), offset)

    def step(self):
        at = self.random.randrange(len(self.bytes))
        length = min(self.random.choice((1, 511, 512, 4096, 70000, 300000)), len(self.bytes) - at)
        flags = nbd.CMD_FLAG_FUA if self.random.random() < 0.1 else 0
        what = self.random.choice(("write", "write", "zero", "read", "flush", "cache"))
        if what == "write":
            data = self.random.randbytes(length)
            self.handle.pwrite(data, self.offset + at, flags)
            self.bytes[at:at + length] = data
        elif what == "zero":
            self.handle.zero(length, self.offset + at, flags)
            self.bytes[at:at + length] = bytes(length)
        elif what == "read":
            same(self.handle.pread(length, self.offset + at), self.bytes[at:at + length], f"at {at}")
        elif what == "cache":
            self.handle.cache(length, self.offset + at)
        else:
            self.handle.flush()

    def check(self):
        same(self.handle.pread(len(self.bytes), self.offset), self.bytes)


def random_requests_agree_with_an_array(folder):
    for name in ("512", "4096"):
        folder.create(name, 8 * MIB, *FORMS[name])
        handle = connect(folder.serve(name=name).uri)
        model = Model(handle, 333, 3 * MIB, random.random())
        for _ in range(400):
            model.step()
        model.check()


def four_connections_do_not_disturb_each_other(folder):
    """Their parts of the disk meet in the middle of sectors."""
    folder.create("volume", 16 * MIB)
    served = folder.serve("--threads", "2")
    part = 3 * MIB + 777
    problems = []

    def use(index):
        try:
            model = Model(connect(served.uri), 100 + index * part, part, index)
            for _ in range(150):
                model.step()
            models[index] = model
        except (nbd.Error, Failed) as problem:
            problems.append(f"{index}: {problem}")

    models = [None] * 4
    threads = [threading.Thread(target=use, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(nbd_support.TIME_LIMIT)
    assert not problems, "; ".join(problems)
    for model in models:
        model.check()
    # What one wrote is there for a new connection, once any of them has flushed.
    models[0].handle.flush()
    handle = connect(served.uri)
    for model in models:
        same(handle.pread(len(model.bytes), model.offset), model.bytes)


def fio_verifies_what_it_wrote(folder):
    folder.create("volume", SIZE)
    served = folder.serve("--threads", "2")
    for name, options in (("random", ("--rw=randwrite", "--bsrange=512-128k", "--bs_unaligned=1")),
                          ("mixed", ("--rw=randrw", "--bs=4k", "--iodepth=32"))):
        folder.run("fio", f"--name={name}", "--ioengine=nbd", f"--uri={served.uri}", "--size=48M",
                   *options, "--verify=crc32c", "--verify_fatal=1", "--do_verify=1",
                   "--fsync=50", "--output-format=json")


def readers_share_a_volume_and_cannot_write(folder):
    folder.create("volume", SIZE)
    served = folder.serve()
    connect(served.uri).pwrite(b"\1" * 4096, 0)
    served.stop()
    readers = [folder.serve("--read-only", "--socket", f"socket{i}") for i in range(2)]
    # The control socket is the first one's; the other serves without.
    assert readers[0].control and not readers[1].control
    for reader in readers:
        handle = connect(reader.uri)
        assert handle.is_read_only()
        handle.set_strict_mode(0)
        same(handle.pread(4096, 0), b"\1" * 4096)
        assert error_of(handle.pwrite, b"\2" * 512, 0) in (errno.EPERM, errno.EROFS)
        assert error_of(handle.trim, 4096, 0) in (errno.EPERM, errno.EROFS, errno.EINVAL)
        same(handle.pread(4096, 0), b"\1" * 4096)
    refused = folder.serve("--socket", "socket3", status=1)
    assert "in use by" in refused.text("err"), f"{refused}"


CASES = [
    qemu_reads_what_it_wrote,
    qemu_discards_and_writes_zeroes,
    nbdcopy_brings_in_and_out,
    the_tool_reads_what_was_served,
    with_a_detached_header_the_file_is_the_ciphertext,
    the_export_says_what_it_can,
    holes_are_known_and_are_not_zeroes,
    a_trimmed_range_is_a_hole,
    fast_zeroes_are_refused_at_once,
    requests_beyond_the_end_are_refused,
    random_requests_agree_with_an_array,
    four_connections_do_not_disturb_each_other,
    fio_verifies_what_it_wrote,
    readers_share_a_volume_and_cannot_write,
]

if __name__ == "__main__":
    sys.exit(nbd_support.main(CASES, "python3-libnbd is not installed" if nbd is None else missing(
        ("nbdkit", "nbdkit"), ("qemu-io", "qemu-utils"), ("nbdcopy", "libnbd-bin"),
        ("fio", "fio"))))
