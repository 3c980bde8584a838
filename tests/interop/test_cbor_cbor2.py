# SPDX-License-Identifier: Apache-2.0
"""Our CBOR against python's cbor2. Usage: test_cbor_cbor2.py CBOR_LINES [SEED]

cbor2's canonical mode is that of RFC 7049: it sorts keys by the length of their encodings first.
RFC 8949, and we, sort by the bytes alone. The two agree where all keys are of one major type (the
head of a longer integer or string is larger), and differ between types: 1000 stands before -1 in
ours, behind it in theirs. So maps of mixed keys are put into our order before cbor2 encodes them,
without its canonical mode, and one test holds that its own order is refused.
"""

import math
import random
import struct
import subprocess
import sys
import time

try:
    import cbor2
except ImportError:
    print("1..0 # SKIP python3-cbor2 is not installed")
    sys.exit(0)

PROGRAM = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 2**32
NUM = 300


def ours(*args, lines=()):
    text = "".join(line + "\n" for line in lines)
    done = subprocess.run([PROGRAM, *args], input=text, capture_output=True, check=True, text=True)
    return done.stdout.splitlines()


def shortest_float(value):
    """The encoding of RFC 8949, by struct: cbor2 5.4.6 writes 53856.0 as a single, which is a half."""
    if math.isnan(value):
        return b"\xf9\x7e\x00"
    for head, form in ((b"\xf9", ">e"), (b"\xfa", ">f")):
        try:
            packed = struct.pack(form, value)
        except OverflowError:
            continue
        if struct.unpack(form, packed)[0] == value:
            return head + packed
    return b"\xfb" + struct.pack(">d", value)


def encode(value):
    """Deterministic encoding: cbor2's for all that has no items inside."""
    if isinstance(value, float):
        return shortest_float(value)
    if isinstance(value, list):
        return head(0x80, len(value)) + b"".join(encode(item) for item in value)
    if isinstance(value, dict):
        pairs = sorted((encode(key), encode(item)) for key, item in value.items())
        return head(0xA0, len(value)) + b"".join(key + item for key, item in pairs)
    if isinstance(value, cbor2.CBORTag):
        return head(0xC0, value.tag) + encode(value.value)
    return cbor2.dumps(value)


def head(major, argument):
    encoded = bytearray(cbor2.dumps(argument))
    encoded[0] |= major
    return bytes(encoded)


def number(value):
    """As tests/support/cbor_text.c prints it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = next(t for t in (f"{value:.{p}g}" for p in range(1, 18)) if float(t) == value)
    return text if "." in text or "e" in text else text + ".0"


def text_of(value):
    """Diagnostic notation, with the keys in our order."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if value is cbor2.undefined:
        return "undefined"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, bytes):
        return f"h'{value.hex()}'"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(text_of(item) for item in value) + "]"
    if isinstance(value, dict):
        pairs = sorted(value.items(), key=lambda pair: encode(pair[0]))
        return "{" + ", ".join(f"{text_of(k)}: {text_of(v)}" for k, v in pairs) + "}"
    if isinstance(value, cbor2.CBORTag):
        return f"{value.tag}({text_of(value.value)})"
    return str(value)


def any_float(rng):
    kind = rng.randrange(4)
    if kind == 0:
        return struct.unpack(">e", rng.randbytes(2))[0]
    if kind == 1:
        return struct.unpack(">f", rng.randbytes(4))[0]
    return struct.unpack(">d", rng.randbytes(8))[0] if kind == 2 else rng.uniform(-1e6, 1e6)


def any_integer(rng):
    value = rng.getrandbits(rng.randrange(65))
    return value if rng.randrange(2) else -1 - value


def any_text(rng):
    return "".join(rng.choice('abc"\\é水𐅑') for _ in range(rng.randrange(rng.choice((5, 300)))))


def any_key(rng):
    """Of many types; bool is left out, as True == 1 in a dictionary of python."""
    return rng.choice((any_integer, any_text, lambda r: r.randbytes(r.randrange(9))))(rng)


def any_value(rng, depth):
    makers = [
        any_integer,
        any_float,
        any_text,
        lambda r: r.randbytes(r.randrange(r.choice((5, 300)))),
        lambda r: r.choice((True, False, None, cbor2.undefined)),
    ]
    if depth > 0 and rng.randrange(2):
        size = rng.randrange(12)
        makers = [
            lambda r: [any_value(r, depth - 1) for _ in range(size)],
            lambda r: {any_key(r): any_value(r, depth - 1) for _ in range(size)},
            lambda r: cbor2.CBORTag(r.randrange(70000, 2**64), any_value(r, depth - 1)),
        ]
    return rng.choice(makers)(rng)


def what_we_write_is_the_same_value_to_cbor2():
    lines = ours("write", str(SEED), str(NUM))
    assert len(lines) == NUM
    answers = ours("read", lines=lines)
    for line, answer in zip(lines, answers):
        value = cbor2.loads(bytes.fromhex(line))
        assert answer == "ok " + text_of(value), f"{line}: {answer}"


def what_we_write_is_what_cbor2_writes_of_that_value():
    for line in ours("write", str(SEED), str(NUM)):
        assert encode(cbor2.loads(bytes.fromhex(line))).hex() == line, line


def what_cbor2_writes_of_random_values_is_the_same_to_us():
    rng = random.Random(SEED)
    values = [any_value(rng, 5) for _ in range(NUM)]
    answers = ours("read", lines=[encode(value).hex() for value in values])
    assert len(answers) == NUM
    for value, answer in zip(values, answers):
        assert answer == "ok " + text_of(value), f"{encode(value).hex()}: {answer}"


def cbor2_in_canonical_mode_is_read_where_keys_are_of_one_type():
    rng = random.Random(SEED)
    lines, expected = [], []
    for _ in range(NUM):
        makers = [lambda r: r.getrandbits(r.randrange(65)), any_text, lambda r: r.randbytes(3)]
        make = rng.choice(makers)
        leaves = (any_integer, any_text)
        value = {make(rng): rng.choice(leaves)(rng) for _ in range(rng.randrange(30))}
        lines.append(cbor2.dumps(value, canonical=True).hex())
        expected.append("ok " + text_of(value))
    for line, answer, wanted in zip(lines, ours("read", lines=lines), expected):
        assert answer == wanted, f"{line}: {answer}"


def the_length_first_order_of_rfc7049_is_refused():
    line = cbor2.dumps({1000: 0, -1: 0}, canonical=True).hex()
    assert line == "a220001903e800"
    assert ours("read", lines=[line]) == ["refused UNSORTED_KEYS"]
    assert ours("read", lines=["a21903e8002000"]) == ["ok {1000: 0, -1: 0}"]


def what_cbor2_writes_without_canonical_mode_is_refused_where_it_is_not_shortest():
    assert ours("read", lines=[cbor2.dumps(1.5).hex()]) == ["refused NOT_SHORTEST"]


TESTS = [
    what_we_write_is_the_same_value_to_cbor2,
    what_we_write_is_what_cbor2_writes_of_that_value,
    what_cbor2_writes_of_random_values_is_the_same_to_us,
    cbor2_in_canonical_mode_is_read_where_keys_are_of_one_type,
    the_length_first_order_of_rfc7049_is_refused,
    what_cbor2_writes_without_canonical_mode_is_refused_where_it_is_not_shortest,
]


def main():
    failed = False
    print(f"1..{len(TESTS)}")
    print(f"# seed {SEED}")
    for index, test in enumerate(TESTS, 1):
        try:
            test()
            print(f"ok {index} - {test.__name__}")
        except (AssertionError, subprocess.CalledProcessError, ValueError) as problem:
            failed = True
            print(f"not ok {index} - {test.__name__}")
            print("# " + str(problem)[:500].replace("\n", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
