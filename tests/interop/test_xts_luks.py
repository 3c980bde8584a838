# SPDX-License-Identifier: Apache-2.0
"""Others read our AES-256-XTS and we read theirs: luks_peers.py has who they are.
Usage: test_xts_luks.py XTS_FILTER [SEED]
"""

import functools
import os
import sys

sys.dont_write_bytecode = True
from luks_peers import (FAR, KEY, LARGE, LARGE_LEN, RNG, SECTOR, SECTORS_LEN, Folder, Nbdkit, Qemu,
                        cryptsetup_reads, cryptsetup_writes, is_other_throughout, is_same, run_test)

PROGRAM = os.path.abspath(sys.argv[1])
ANY_KERNEL = 2**32 - 1
PLAIN = RNG.randbytes(SECTORS_LEN)
LARGE_PLAIN = RNG.randbytes(LARGE_LEN)


def ours(what, data, kernels=ANY_KERNEL, key=None, unit=SECTOR, first=0, step=None):
    with Folder() as folder:
        folder.put("key", key or KEY)
        step = unit // SECTOR if step is None else step
        return folder.run([PROGRAM, what, str(kernels), "key", str(unit), str(first), str(step)],
                          given=data)


def swapped(key):
    return key[32:] + key[:32]


def they_read(peer, kernels, first):
    is_same(peer.read(ours("encrypt", PLAIN, kernels, first=first), first), PLAIN)


def we_read(peer, kernels, first):
    area = peer.write(PLAIN, first)
    is_other_throughout(area, PLAIN)
    is_same(ours("decrypt", area, kernels, first=first), PLAIN)


def cryptsetup_decrypts(kernels):
    is_same(cryptsetup_reads(ours("encrypt", LARGE_PLAIN, kernels, unit=LARGE)), LARGE_PLAIN, LARGE)


def we_decrypt(kernels):
    key, area = cryptsetup_writes(LARGE_PLAIN)
    is_other_throughout(area, LARGE_PLAIN, LARGE)
    is_same(ours("decrypt", area, kernels, key=key, unit=LARGE), LARGE_PLAIN, LARGE)


def they_do_not_read(peer, **wrong):
    is_other_throughout(peer.read(ours("encrypt", PLAIN, **wrong)), PLAIN)


def we_do_not_read(peer, **wrong):
    is_other_throughout(ours("decrypt", peer.write(PLAIN), **wrong), PLAIN)


def cryptsetup_does_not_decrypt(**wrong):
    area = ours("encrypt", LARGE_PLAIN, unit=LARGE, **wrong)
    is_other_throughout(cryptsetup_reads(area), LARGE_PLAIN, LARGE)


def we_do_not_decrypt(first=0, swap=False):
    key, area = cryptsetup_writes(LARGE_PLAIN)
    plain = ours("decrypt", area, key=swapped(key) if swap else key, unit=LARGE, first=first)
    is_other_throughout(plain, LARGE_PLAIN, LARGE)


def only_the_first_unit_is_read():
    plain = cryptsetup_reads(ours("encrypt", LARGE_PLAIN, unit=LARGE, step=1))
    is_same(plain[:LARGE], LARGE_PLAIN[:LARGE], LARGE)
    is_other_throughout(plain[LARGE:], LARGE_PLAIN[LARGE:], LARGE)


def cases_of(number, kernel):
    for peer in (Qemu, Nbdkit):
        for first, where in ((0, "from 0 on"), (FAR, "around 2^32")):
            yield (f"{kernel}: {peer.name} reads the 512-byte units {where} that we encrypted",
                   functools.partial(they_read, peer, number, first))
            yield (f"{kernel}: we read the 512-byte units {where} that {peer.name} encrypted",
                   functools.partial(we_read, peer, number, first))
    yield (f"{kernel}: cryptsetup reads the 4096-byte units that we encrypted",
           functools.partial(cryptsetup_decrypts, number))
    yield (f"{kernel}: we read the 4096-byte units that cryptsetup encrypted",
           functools.partial(we_decrypt, number))


def cases_that_are_wrong():
    """These show that the comparison can fail."""
    for peer in (Qemu, Nbdkit):
        for what, wrong in (("numbers that are one too high", {"first": 1}),
                            ("the halves of the key swapped", {"key": swapped(KEY)})):
            yield (f"with {what} {peer.name} reads nothing of ours",
                   functools.partial(they_do_not_read, peer, **wrong))
            yield (f"with {what} we read nothing of {peer.name}'s",
                   functools.partial(we_do_not_read, peer, **wrong))
    yield ("with numbers that are one too high cryptsetup reads nothing of ours",
           functools.partial(cryptsetup_does_not_decrypt, first=1))
    yield ("with the halves of the key swapped cryptsetup reads nothing of ours",
           functools.partial(cryptsetup_does_not_decrypt, key=swapped(KEY)))
    yield ("with numbers that are one too high we read nothing of cryptsetup's",
           functools.partial(we_do_not_decrypt, first=1))
    yield ("with the halves of the key swapped we read nothing of cryptsetup's",
           functools.partial(we_do_not_decrypt, swap=True))
    yield ("with numbers that count 4096-byte units cryptsetup reads only the first",
           only_the_first_unit_is_read)


def all_cases():
    with Folder() as folder:
        kernels = [line.split() for line in folder.run([PROGRAM, "kernels"]).decode().splitlines()]
    assert "portable" in [name for _, name in kernels]
    for number, name in kernels:
        yield from cases_of(number, name)
    yield from cases_that_are_wrong()


if __name__ == "__main__":
    run_test(all_cases)
