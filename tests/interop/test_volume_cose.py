# SPDX-License-Identifier: Apache-2.0
"""Superblocks and wraps by other implementations: cbor2 and Python's cryptography. Speaks TAP.

usage: test_volume_cose.py VOLUME_COSE [SEED]

All that docs/format-volume.md says of the keys, and of digest and MAC of a superblock, is done here a
second time, from the document; and a COSE_Encrypt0 that is made here opens there.
"""

import hashlib
import hmac
import os
import random
import subprocess
import sys
import time

try:
    import cbor2
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError as problem:
    print(f"1..0 # SKIP python3-cbor2 or python3-cryptography is not installed: {problem}")
    sys.exit(0)

PROGRAM = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 2**32
NUM = 40
PRELUDE_LEN = 96


def ours(*args, lines=()):
    text = "".join(line + "\n" for line in lines)
    done = subprocess.run([PROGRAM, *args], input=text, capture_output=True, check=True, text=True)
    return done.stdout.splitlines()


def hkdf(key, uuid, info):
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=uuid, info=info).derive(key)


def id_of(generation):
    return generation.to_bytes(2, "big")


def external_aad(uuid, epoch, live, generation):
    return cbor2.dumps(["xtsvol/meta", uuid, epoch, live, generation])


def enc_structure(protected, external):
    """RFC 9052, 5.3."""
    return cbor2.dumps(["Encrypt0", protected, external])


class Volume:
    """One line of `write`."""

    def __init__(self, line):
        words = line.split(" ")
        self.deks = [bytes.fromhex(word) for word in words[0].split(",")]
        self.mac, self.super, self.map, self.intent, self.superblock = map(bytes.fromhex, words[1:])
        length = int.from_bytes(self.superblock[12:16], "little")
        self.raw_body = self.superblock[PRELUDE_LEN:PRELUDE_LEN + length]
        self.body = cbor2.loads(self.raw_body)
        self.uuid = self.body[1]
        self.epoch = self.body[2] >> 40
        self.live = ([0] if self.body[9] else []) + [entry[0] for entry in self.body[10]]

    def wraps(self):
        for dek, (generation, _, check, wrap) in zip(self.deks, self.body[10]):
            yield dek, generation, check, wrap


def volumes():
    lines = ours("write", str(SEED), str(NUM))
    assert len(lines) == NUM
    return [Volume(line) for line in lines]


def bodies_are_canonical_to_cbor2_and_have_the_fields_of_the_cddl():
    for volume in volumes():
        assert cbor2.dumps(volume.body, canonical=True) == volume.raw_body
        assert sorted(volume.body) == [*range(1, 14), 15]
        assert sorted(volume.body[8]) == [*range(1, 9)]
        assert len(volume.uuid) == 16 and len(volume.body[11]) == 32
        extents = volume.body[12] + sum(entry[1] for entry in volume.body[10])
        assert extents == -(-volume.body[3] // 2 ** volume.body[6])


def digest_and_mac_of_a_superblock_are_those_of_the_document():
    for volume in volumes():
        block = volume.superblock
        assert block[:12] == bytes.fromhex("89585453560d0a1a") + b"\x01\x00\x01\x01"
        assert len(block) % 4096 == 0 and not any(block[PRELUDE_LEN + len(volume.raw_body):])
        mac = hmac.digest(volume.super, block[:32] + volume.raw_body, "sha256")
        assert block[64:96] == mac
        assert block[32:64] == hashlib.sha256(block[:32] + mac + volume.raw_body).digest()


def keys_of_the_metadata_are_derived_as_the_document_says():
    for volume in volumes():
        assert volume.super == hkdf(volume.mac, volume.uuid, b"xtsvol/super")
        assert volume.map == hkdf(volume.mac, volume.uuid, b"xtsvol/map")
        assert volume.intent == hkdf(volume.mac, volume.uuid, b"xtsvol/intent")


def check_values_are_those_of_the_document():
    for volume in volumes():
        for dek, generation, check, _ in volume.wraps():
            key = hkdf(dek, volume.uuid, b"xtsvol/check" + volume.uuid + id_of(generation))
            assert check == hmac.digest(key, b"xtsvol/check", "sha256")[:16]


def a_wrap_of_ours_opens_as_cose_encrypt0():
    for volume in volumes():
        for dek, generation, _, wrap in volume.wraps():
            message = cbor2.loads(wrap)
            assert message.tag == 16
            protected, unprotected, sealed = message.value
            assert cbor2.loads(protected) == {1: 3, 4: id_of(generation)}
            assert list(unprotected) == [5] and len(unprotected[5]) == 12
            key = hkdf(dek, volume.uuid, b"xtsvol/meta" + volume.uuid + id_of(generation))
            aad = external_aad(volume.uuid, volume.epoch, volume.live, generation)
            opened = AESGCM(key).decrypt(unprotected[5], sealed, enc_structure(protected, aad))
            assert opened == volume.mac
            other = external_aad(volume.uuid, volume.epoch + 1, volume.live, generation)
            try:
                AESGCM(key).decrypt(unprotected[5], sealed, enc_structure(protected, other))
                raise AssertionError("it opens in another epoch")
            except InvalidTag:
                pass


def a_cose_encrypt0_of_theirs_opens_here():
    rng = random.Random(SEED)
    lines, expected = [], []
    for number in range(NUM):
        dek, uuid, mac = rng.randbytes(64), rng.randbytes(16), rng.randbytes(32)
        live = sorted(rng.sample(range(1024), rng.randrange(1, 65)))
        generation = rng.choice([entry for entry in live if entry] or [1])
        epoch = rng.randrange(1, 2**24)
        protected = cbor2.dumps({1: 3, 4: id_of(generation)})
        nonce = os.urandom(12)
        key = hkdf(dek, uuid, b"xtsvol/meta" + uuid + id_of(generation))
        aad = enc_structure(protected, external_aad(uuid, epoch, live, generation))
        sealed = AESGCM(key).encrypt(nonce, mac, aad)
        wrap = cbor2.dumps(cbor2.CBORTag(16, [protected, {5: nonce}, sealed]))
        is_elsewhere = number % 4 == 3
        lines.append(" ".join((dek.hex(), uuid.hex(), str(epoch + is_elsewhere),
                               ",".join(map(str, live)), str(generation), wrap.hex())))
        expected.append("refused" if is_elsewhere else mac.hex())
    assert ours("open", lines=lines) == expected


TESTS = [
    bodies_are_canonical_to_cbor2_and_have_the_fields_of_the_cddl,
    digest_and_mac_of_a_superblock_are_those_of_the_document,
    keys_of_the_metadata_are_derived_as_the_document_says,
    check_values_are_those_of_the_document,
    a_wrap_of_ours_opens_as_cose_encrypt0,
    a_cose_encrypt0_of_theirs_opens_here,
]


def main():
    failed = False
    print(f"1..{len(TESTS)}")
    print(f"# seed {SEED}")
    for index, test in enumerate(TESTS, 1):
        try:
            test()
            print(f"ok {index} - {test.__name__}")
        except (AssertionError, subprocess.CalledProcessError, ValueError, KeyError,
                InvalidTag) as problem:
            failed = True
            print(f"not ok {index} - {test.__name__}")
            print("# " + repr(problem)[:500].replace("\n", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
