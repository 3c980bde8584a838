#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: quick.py BENCH_XTS [PEER]

Runs the benchmark with hardly any time to measure: is its document whole, and, with PEER, did that
one take part and agree? A peer that was not there at build time was not tried. Speaks TAP.
"""
import json
import subprocess
import sys


def is_line(line, peers, in_cache):
    names = {kernel["kernel"] for kernel in line["kernels"]}
    limits = [kernel["ratio_to_limit"] for kernel in line["kernels"] if kernel["kernel"] != "portable"]
    return (line["best_kernel"] in names and line["clock_ghz"] > 0
            and [peer["peer"] for peer in line["peers"]] == peers
            and all(peer["gb_per_s"] > 0 and peer["bytes_per_cycle"] > 0 for peer in line["peers"])
            and all(kernel["gb_per_s"] > 0 and kernel["bytes_per_cycle"] > 0
                    and list(kernel["ratio_to_peers"]) == peers for kernel in line["kernels"])
            and all((ratio is not None) == in_cache for ratio in limits)
            and ("ratio_to_best_peer" in line) == bool(peers))


def units_and_ops(lines):
    return [(line["unit"], line["op"]) for line in lines]


def main():
    program, *wanted = sys.argv[1:]
    run = subprocess.run([program, "--quick"], capture_output=True, text=True, check=False)
    document = json.loads(run.stdout) if run.returncode == 0 else {"peers": []}
    peers = [peer["peer"] for peer in document["peers"]]
    if wanted and run.returncode == 0 and wanted[0] not in peers:
        print(f"1..0 # SKIP {wanted[0]} was not there when the benchmark was built")
        return
    checks = [("it ends well", run.returncode == 0)]
    if run.returncode == 0:
        every = [(unit, op) for unit in (512, 4096, 65536) for op in ("encrypt", "decrypt")]
        for part in ("in_cache", "in_memory"):
            checks.append((f"{part} has every unit and both ways",
                           units_and_ops(document[part]) == every))
            checks.append((f"lines of {part} are whole",
                           all(is_line(line, peers, part == "in_cache") for line in document[part])))
        kernels = [kernel["kernel"] for kernel in document["in_cache"][0]["kernels"]]
        checks.append(("one-unit calls are there for each kernel",
                       [(line["kernel"], line["unit"], line["op"]) for line in document["one_unit_calls"]]
                       == [(kernel, *line) for kernel in kernels for line in every[:4]]))
        checks.append(("each peer has a version", all(peer["version"] for peer in document["peers"])))
    if wanted:
        checks.append((f"{wanted[0]} took part", wanted[0] in peers))
    print(f"1..{len(checks)}")
    for number, (what, good) in enumerate(checks, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {what}")
    if run.returncode:
        print("".join(f"# {line}\n" for line in run.stderr.splitlines()), end="")


main()
