#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: bench_nbd.py XTSVOL PLUGIN [--size MIB] [--rounds N] [--dir DIR]

A volume as a network block device, beside nbdkit's luks filter, nbdkit's file plugin without encryption, and
qemu-img on the same LUKS image: nbdcopy out and in, and random reads of 4 KiB at a depth of 32 (fio). Each
round runs all of them one after another; the ratios are medians over the rounds, above 1 where the volume
is faster. JSON on stdout, a table on stderr.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = pathlib.Path(folder)
        self.make()

    def path(self, name):
        return str(self.folder / name)

    def make(self):
        size = self.options.size << 20
        pathlib.Path(self.path("key")).write_bytes(os.urandom(64))
        os.chmod(self.path("key"), 0o600)
        pathlib.Path(self.path("pass")).write_text("benchmark", encoding="ascii")
        with open(self.path("plain"), "wb") as plain:
            for _ in range(self.options.size):
                plain.write(os.urandom(1 << 20))
        subprocess.run([self.options.xtsvol, "create", self.path("volume"), "--size", str(size),
                        "--key-file", self.path("key")], check=True, stdout=subprocess.DEVNULL)
        with open(self.path("luks"), "wb") as luks:
            luks.truncate(size + (2 << 20))
        subprocess.run(["cryptsetup", "luksFormat", "-q", "--type", "luks1", "--cipher", "aes-xts-plain64",
                        "--key-size", "512", "--hash", "sha256", "--pbkdf-force-iterations", "1000",
                        "--key-file", self.path("pass"), self.path("luks")], check=True)
        with open(self.path("raw"), "wb") as raw:
            raw.truncate(size)

    def server(self, who):
        return {
            "volume": [self.options.plugin, f"file={self.path('volume')}", f"key-file={self.path('key')}"],
            "luks filter": ["file", f"file={self.path('luks')}", "--filter=luks",
                            f"passphrase=+{self.path('pass')}"],
            "file plugin": ["file", f"file={self.path('raw')}"],
        }[who]

    def serve(self, who, command):
        done = subprocess.run(["nbdkit", "-U", "-", *self.server(who), "--run", command], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=600)
        return done.stdout

    def seconds(self, work):
        began = time.monotonic()
        work()
        return time.monotonic() - began

    def copy(self, who, way):
        plain = self.path("plain" if way == "write" else "out")
        if who == "qemu-img":
            luks = f"driver=luks,key-secret=s,file.driver=file,file.filename={self.path('luks')}"
            names = (["-f", "raw", plain, "-n", "--target-image-opts", luks] if way == "write"
                     else ["--image-opts", luks, "-O", "raw", plain])
            secret = ["--object", f"secret,id=s,file={self.path('pass')}"]
            return self.seconds(lambda: subprocess.run(["qemu-img", "convert", *secret, *names],
                                                       check=True, timeout=600))
        words = f'nbdcopy "{plain}" "$uri"' if way == "write" else f'nbdcopy "$uri" "{plain}"'
        return self.seconds(lambda: self.serve(who, words))

    def random_reads(self, who):
        """Seconds for one, so that less is better everywhere."""
        text = self.serve(who, 'fio --name=r --ioengine=nbd --uri="$uri" --rw=randread --bs=4k '
                               f'--iodepth=32 --time_based --runtime={self.options.seconds} '
                               f'--size={self.options.size}M --output-format=json')
        document = json.loads(text[text.index(b"{"):])
        return 1 / document["jobs"][0]["read"]["iops"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("xtsvol")
    parser.add_argument("plugin")
    parser.add_argument("--size", type=int, default=1024, help="MiB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of random reads")
    parser.add_argument("--dir", default="/dev/shm")
    options = parser.parse_args()
    # In comes first: from then on all have the same contents and no holes.
    works = {
        "nbdcopy in": (("volume", "luks filter", "file plugin", "qemu-img"),
                       lambda bench, who: bench.copy(who, "write")),
        "nbdcopy out": (("volume", "luks filter", "file plugin", "qemu-img"),
                        lambda bench, who: bench.copy(who, "read")),
        "4 KiB random reads": (("volume", "luks filter", "file plugin"), Bench.random_reads),
    }
    times = {(work, who): [] for work, (parties, _) in works.items() for who in parties}
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        bench = Bench(options, folder)
        for _ in range(options.rounds):
            for work, (parties, run) in works.items():
                for who in parties:
                    times[work, who].append(run(bench, who))
    document = {}
    for work, (parties, _) in works.items():
        document[work] = {}
        for who in parties[1:]:
            ratio = statistics.median(theirs / ours for ours, theirs in
                                      zip(times[work, "volume"], times[work, who]))
            document[work][who] = round(ratio, 2)
            print(f"{work}: {ratio:.2f} times {who}", file=sys.stderr)
    json.dump(document, sys.stdout, indent=1)
    print()


main()
