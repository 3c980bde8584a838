# SPDX-License-Identifier: Apache-2.0
"""Others read the data area of our volumes and we read theirs. luks_peers.py has who they are.
Usage: test_volume_luks.py VOLUME_FILTER [SEED]

The data file of a volume with a detached header is the ciphertext and nothing else. So it becomes
theirs by a header of LUKS put around the same key, and theirs becomes ours by a header of ours, which
is made without a write to the data.

Sectors of 4096 bytes that are numbered one by one (iv_large_sectors) no LUKS has and, without the
kernel, no tool: there Python's cryptography (OpenSSL) encrypts sector by sector, by the text of
IEEE 1619 and dm-crypt's documentation.
"""

import functools
import os
import sys

sys.dont_write_bytecode = True
from luks_peers import (KEY, LARGE, LARGE_LEN, RNG, SECTOR, SECTORS_LEN, Failed, Folder,
                        Nbdkit, Qemu, cryptsetup_reads, cryptsetup_writes, is_other_throughout,
                        is_same, run_test)
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PROGRAM = os.path.abspath(sys.argv[1])
EXTENT = 65536
PLAIN = RNG.randbytes(SECTORS_LEN)
LARGE_PLAIN = RNG.randbytes(LARGE_LEN)
# Parts of sectors at both ends, and more than one extent.
PATCH_AT = EXTENT - 777
PATCH = RNG.randbytes(2 * EXTENT + 100)


class Volume:
    """One of ours in a folder."""

    def __init__(self, folder, key=KEY, header="header"):
        self.folder = folder
        self.header = header
        folder.put("key", key)

    def create(self, size, sector, iv="plain64"):
        self.size = size
        return int(self.folder.run([PROGRAM, "create", "data", self.header, "key", str(size),
                                    str(sector), iv]))

    def write(self, plain, offset=0):
        self.folder.run([PROGRAM, "write", "data", self.header, "key", str(offset)], given=plain)

    def read(self):
        return self.folder.run([PROGRAM, "read", "data", self.header, "key", "0", str(self.size)])


def area_of(plain, sector, iv="plain64", patch=False):
    """What a volume of ours makes of it on the disk."""
    with Folder() as folder:
        volume = Volume(folder)
        assert volume.create(len(plain), sector, iv) == 0
        volume.write(plain)
        if patch:
            volume.write(PATCH, PATCH_AT)
        is_same(volume.read(), patched(plain) if patch else plain)
        area = folder.get("data")
    assert len(area) == len(plain), "the data file has more in it than the data area"
    return area


def plain_of(area, sector, iv="plain64", key=KEY):
    """What a volume of ours makes of it that is put around it."""
    with Folder() as folder:
        folder.put("data", area)
        volume = Volume(folder, key)
        volume.create(len(area), sector, iv)
        is_same(folder.get("data"), area)  # it is taken as it is
        plain = volume.read()
        is_same(folder.get("data"), area)
    return plain


def patched(plain):
    return plain[:PATCH_AT] + PATCH + plain[PATCH_AT + len(PATCH):]


def oracle(plain, sector, step, key=KEY):
    """IEEE 1619, a sector a data unit; its number grows by `step` from one to the next."""
    out = bytearray()
    for index in range(0, len(plain) // sector):
        tweak = (index * step).to_bytes(16, "little")
        encryptor = Cipher(algorithms.AES(key), modes.XTS(tweak)).encryptor()
        out += encryptor.update(plain[index * sector:(index + 1) * sector]) + encryptor.finalize()
    return bytes(out)


def they_read(peer):
    is_same(peer.read(area_of(PLAIN, SECTOR)), PLAIN)


def they_read_what_was_changed(peer):
    is_same(peer.read(area_of(PLAIN, SECTOR, patch=True)), patched(PLAIN))


def we_read(peer):
    area = peer.write(PLAIN)
    is_other_throughout(area, PLAIN)
    is_same(plain_of(area, SECTOR), PLAIN)


def we_change_what_they_wrote(peer):
    with Folder() as folder:
        folder.put("data", peer.write(PLAIN))
        volume = Volume(folder)
        volume.create(SECTORS_LEN, SECTOR)
        volume.write(PATCH, PATCH_AT)
        area = folder.get("data")
    is_same(peer.read(area), patched(PLAIN))


def cryptsetup_decrypts(patch):
    area = area_of(LARGE_PLAIN, LARGE, patch=patch)
    is_same(cryptsetup_reads(area), patched(LARGE_PLAIN) if patch else LARGE_PLAIN, LARGE)


def we_decrypt():
    key, area = cryptsetup_writes(LARGE_PLAIN)
    is_other_throughout(area, LARGE_PLAIN, LARGE)
    is_same(plain_of(area, LARGE, key=key), LARGE_PLAIN, LARGE)


FORMS = {"512-byte sectors": (SECTOR, "plain64", 1),
         "4096-byte sectors": (LARGE, "plain64", LARGE // SECTOR),
         "4096-byte sectors with large numbers": (LARGE, "large", 1)}


def the_oracle_agrees(form):
    sector, iv, step = FORMS[form]
    is_same(area_of(LARGE_PLAIN, sector, iv), oracle(LARGE_PLAIN, sector, step), sector)
    is_same(area_of(LARGE_PLAIN, sector, iv, patch=True),
            oracle(patched(LARGE_PLAIN), sector, step), sector)
    is_same(plain_of(oracle(LARGE_PLAIN, sector, step), sector, iv), LARGE_PLAIN, sector)


def attached_is_the_same_ciphertext(form):
    sector, iv, step = FORMS[form]
    with Folder() as folder:
        volume = Volume(folder, header="-")
        offset = volume.create(LARGE_LEN, sector, iv)
        volume.write(LARGE_PLAIN)
        assert offset > 0 and offset % 2**20 == 0
        is_same(folder.get("data", offset), oracle(LARGE_PLAIN, sector, step), sector)


def only_the_first_sector_is_the_same(one, other):
    first = area_of(LARGE_PLAIN, *FORMS[one][:2])
    second = area_of(LARGE_PLAIN, *FORMS[other][:2])
    is_same(first[:LARGE], second[:LARGE])
    is_other_throughout(first[LARGE:], second[LARGE:], LARGE)


def they_do_not_read(peer, area):
    is_other_throughout(peer.read(area), PLAIN)


def another_key_is_refused():
    with Folder() as folder:
        volume = Volume(folder)
        volume.create(SECTORS_LEN, SECTOR)
        folder.put("key", RNG.randbytes(64))
        try:
            volume.read()
        except Failed as refusal:
            assert "denied" in str(refusal), str(refusal)
            return
    raise AssertionError("a key that is not this volume's was taken")


def all_cases():
    for peer in (Qemu, Nbdkit):
        name = peer.name
        yield (f"{name} reads the data of a volume of 512-byte sectors",
               functools.partial(they_read, peer))
        yield (f"{name} reads what was changed in parts of sectors",
               functools.partial(they_read_what_was_changed, peer))
        yield (f"a header of ours makes a volume of what {name} encrypted",
               functools.partial(we_read, peer))
        yield (f"{name} reads what we changed in its own ciphertext",
               functools.partial(we_change_what_they_wrote, peer))
    yield "cryptsetup decrypts a volume of 4096-byte sectors", lambda: cryptsetup_decrypts(False)
    yield ("cryptsetup decrypts one that was changed in parts of sectors",
           lambda: cryptsetup_decrypts(True))
    yield "a header of ours makes a volume of what cryptsetup encrypted", we_decrypt
    for form in FORMS:
        yield f"{form}: as OpenSSL encrypts them", functools.partial(the_oracle_agrees, form)
        yield (f"{form}: with the metadata in front the ciphertext is the same",
               functools.partial(attached_is_the_same_ciphertext, form))
    # These show that the comparisons can fail.
    yield ("the two ways to number 4096-byte sectors share the first one alone",
           lambda: only_the_first_sector_is_the_same("4096-byte sectors",
                                                     "4096-byte sectors with large numbers"))
    for peer in (Qemu, Nbdkit):
        yield (f"{peer.name} reads nothing of one with another key",
               functools.partial(they_do_not_read, peer, oracle(PLAIN, SECTOR, 1, KEY[::-1])))
    yield "another key is refused", another_key_is_refused


if __name__ == "__main__":
    run_test(all_cases)
