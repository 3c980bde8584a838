/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cbor/float.h"

/* An IEEE 754 format: sign, exponent, fraction, from the highest bit down. */
struct format {
    size_t width;
    unsigned exponent_bits;
    unsigned fraction_bits;
};

/* From narrow to wide. */
static const struct format formats[] = {{2, 5, 10}, {4, 8, 23}, {8, 11, 52}};

static const uint64_t canonical_nan = 0x7e00;

static uint64_t ones(unsigned num)
{
    return (1ULL << num) - 1;
}

static int bias(const struct format *format)
{
    return (1 << (format->exponent_bits - 1)) - 1;
}

/* Moves the fraction down by `by` bits, if all of them are zero. */
static bool drop(uint64_t *fraction, unsigned by)
{
    if (by > 63 || (*fraction & ones(by)) != 0)
        return false;
    *fraction >>= by;
    return true;
}

/* The same value in a narrower format, if that can hold it. No NaN comes here, and a subnormal
 * number of the wider format is too small for the narrower one. */
static bool narrow(uint64_t *out, uint64_t bits, const struct format *from, const struct format *to)
{
    uint64_t sign = bits >> (from->exponent_bits + from->fraction_bits);
    uint64_t biased = bits >> from->fraction_bits & ones(from->exponent_bits);
    uint64_t fraction = bits & ones(from->fraction_bits);
    unsigned surplus = from->fraction_bits - to->fraction_bits;
    uint64_t narrowed = 0;

    *out = 0;
    if (biased == ones(from->exponent_bits)) {
        narrowed = ones(to->exponent_bits) << to->fraction_bits;
    } else if (biased == 0) {
        if (fraction != 0)
            return false;
    } else {
        int exponent = (int)biased - bias(from);
        if (exponent > bias(to))
            return false;
        if (exponent > -bias(to)) {
            if (!drop(&fraction, surplus))
                return false;
            narrowed = (uint64_t)(exponent + bias(to)) << to->fraction_bits | fraction;
        } else {
            /* Subnormal there: the leading one becomes visible. */
            fraction |= 1ULL << from->fraction_bits;
            if (!drop(&fraction, surplus + (unsigned)(1 - bias(to) - exponent)))
                return false;
            narrowed = fraction;
        }
    }
    *out = narrowed | sign << (to->exponent_bits + to->fraction_bits);
    return true;
}

static bool is_nan(uint64_t bits, const struct format *format)
{
    uint64_t exponent = ones(format->exponent_bits) << format->fraction_bits;
    return (bits & exponent) == exponent && (bits & ones(format->fraction_bits)) != 0;
}

struct common_cbor_float common_cbor_float_shortest(struct common_cbor_float from)
{
    size_t at = from.width == 8 ? 2 : from.width == 4 ? 1 : 0;
    uint64_t bits = from.bits;

    if (is_nan(bits, &formats[at]))
        return (struct common_cbor_float){.width = formats[0].width, .bits = canonical_nan};
    for (uint64_t narrower = 0; at > 0; at--) {
        if (!narrow(&narrower, bits, &formats[at], &formats[at - 1]))
            break;
        bits = narrower;
    }
    return (struct common_cbor_float){.width = formats[at].width, .bits = bits};
}
