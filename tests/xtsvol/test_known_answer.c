/* SPDX-License-Identifier: Apache-2.0 */
/* The known answers are right, and a kernel with one wrong bit does not pass. */
#include "libxtsvol/src/xts/known_answer.h"
#include "tests/kernels/machine.h"
#include "tests/kernels/oracle.h"
#include "tests/support/test.h"

static void the_answers_are_those_of_libcrypto(void **state)
{
    (void)state;
    uint8_t key[XTSVOL_XTS_KEY_LEN];
    uint8_t data[XV_KNOWN_ANSWER_LEN];
    uint8_t made[XV_KNOWN_ANSWER_LEN];
    xv_known_answer_input(key, data);
    struct oracle *oracle = oracle_new(key);
    for (size_t i = 0; i < XV_NUM_KNOWN_ANSWERS; i++) {
        const struct xv_known_answer *answer = &xv_known_answers[i];
        size_t len = answer->unit_len * answer->num_units;
        assert_true(len <= sizeof(data));
        oracle_units(oracle, XTS_ENCRYPT, made, data, answer->unit_len, answer->num_units,
                     answer->first);
        assert_int_equal(xv_known_answer_sum(made, len), answer->sum);
    }
    oracle_free(&oracle);
}

static void every_kernel_gives_them(void **state)
{
    (void)state;
    struct machine_kernels kernels = machine_kernels();
    for (size_t i = 0; i < kernels.num; i++)
        assert_int_equal(xv_known_answer_test(kernels.all[i]), 0);
}

/* A kernel that is right but for one bit, of the output of one kind of call. */
static struct {
    const struct xts_kernel *kernel;
    enum xts_direction direction;
    size_t unit_len; /* only in calls with such units */
    size_t byte;
    unsigned bit;
    unsigned num_flipped;
} fault;

static void flip(enum xts_direction direction, uint8_t *out, size_t unit_len, size_t num_units)
{
    if (direction != fault.direction || unit_len != fault.unit_len ||
        fault.byte >= unit_len * num_units)
        return;
    out[fault.byte] ^= (uint8_t)(1U << fault.bit);
    fault.num_flipped++;
}

static void encrypt(const struct xts_schedule *schedule, uint8_t *out, const uint8_t *in,
                    size_t unit_len, struct xtsvol_unit_number first, size_t num_units)
{
    fault.kernel->units[XTS_ENCRYPT](schedule, out, in, unit_len, first, num_units);
    flip(XTS_ENCRYPT, out, unit_len, num_units);
}

static void decrypt(const struct xts_schedule *schedule, uint8_t *out, const uint8_t *in,
                    size_t unit_len, struct xtsvol_unit_number first, size_t num_units)
{
    fault.kernel->units[XTS_DECRYPT](schedule, out, in, unit_len, first, num_units);
    flip(XTS_DECRYPT, out, unit_len, num_units);
}

static void expect_refusal(const struct xts_kernel *kernel)
{
    fault.num_flipped = 0;
    int error = xv_known_answer_test(kernel);
    if (error != XTSVOL_ERR_INTERNAL || fault.num_flipped != 1)
        fail_msg("%s: %d for a wrong bit %u in byte %zu of units of %zu", fault.kernel->name, error,
                 fault.bit, fault.byte, fault.unit_len);
}

/* In the first, the second or the last unit, the last block, the stolen tail, one way alone. */
static void one_wrong_bit_is_refused(void **state)
{
    (void)state;
    struct machine_kernels kernels = machine_kernels();
    for (size_t i = 0; i < kernels.num; i++) {
        struct xts_kernel wrong = *kernels.all[i];
        wrong.units[XTS_ENCRYPT] = encrypt;
        wrong.units[XTS_DECRYPT] = decrypt;
        fault.kernel = kernels.all[i];
        fault.byte = SIZE_MAX;
        assert_int_equal(xv_known_answer_test(&wrong), 0);
        for (size_t j = 0; j < XV_NUM_KNOWN_ANSWERS; j++) {
            size_t unit_len = xv_known_answers[j].unit_len;
            size_t len = unit_len * xv_known_answers[j].num_units;
            const size_t bytes[] = {
                0,        15,       16,     255, unit_len - 1, unit_len, 2 * unit_len - 1,
                len - 17, len - 16, len - 1};
            fault.unit_len = unit_len;
            for (size_t at = 0; at < 2 * ARRAY_LEN(bytes); at++) {
                fault.direction = at % 2 ? XTS_DECRYPT : XTS_ENCRYPT;
                fault.byte = bytes[at / 2];
                if (fault.byte >= len) /* one short unit */
                    continue;
                fault.bit = (unsigned)at % 8;
                expect_refusal(&wrong);
            }
        }
    }
}

/* Wrong alike both ways, so that what it encrypts comes back: only the sums see it. */
static void encrypt_as_the_next(const struct xts_schedule *schedule, uint8_t *out,
                                const uint8_t *in, size_t unit_len, struct xtsvol_unit_number first,
                                size_t num_units)
{
    first.low += unit_len == fault.unit_len;
    fault.kernel->units[XTS_ENCRYPT](schedule, out, in, unit_len, first, num_units);
}

static void decrypt_as_the_next(const struct xts_schedule *schedule, uint8_t *out,
                                const uint8_t *in, size_t unit_len, struct xtsvol_unit_number first,
                                size_t num_units)
{
    first.low += unit_len == fault.unit_len;
    fault.kernel->units[XTS_DECRYPT](schedule, out, in, unit_len, first, num_units);
}

static void a_wrong_answer_that_decrypts_is_refused(void **state)
{
    (void)state;
    struct machine_kernels kernels = machine_kernels();
    for (size_t i = 0; i < kernels.num; i++) {
        struct xts_kernel wrong = *kernels.all[i];
        wrong.units[XTS_ENCRYPT] = encrypt_as_the_next;
        wrong.units[XTS_DECRYPT] = decrypt_as_the_next;
        fault.kernel = kernels.all[i];
        for (size_t j = 0; j < XV_NUM_KNOWN_ANSWERS; j++) {
            fault.unit_len = xv_known_answers[j].unit_len;
            assert_int_equal(xv_known_answer_test(&wrong), XTSVOL_ERR_INTERNAL);
        }
    }
}

/* What lists of buffers use: the first tweak, and runs of whole blocks. */
static void wrong_blocks(const struct xts_schedule *schedule, uint8_t tweak[XTS_BLOCK_LEN],
                         uint8_t *out, const uint8_t *in, size_t num_blocks)
{
    fault.kernel->blocks[fault.direction](schedule, tweak, out, in, num_blocks);
    if (num_blocks * XTS_BLOCK_LEN > fault.byte)
        out[fault.byte] ^= 1;
}

static void wrong_tweak_behind(const struct xts_schedule *schedule, uint8_t tweak[XTS_BLOCK_LEN],
                               uint8_t *out, const uint8_t *in, size_t num_blocks)
{
    fault.kernel->blocks[fault.direction](schedule, tweak, out, in, num_blocks);
    tweak[15] ^= 0x80;
}

static void wrong_first_tweak(const struct xts_schedule *schedule, uint8_t tweak[XTS_BLOCK_LEN],
                              struct xtsvol_unit_number number)
{
    fault.kernel->first_tweak(schedule, tweak, number);
    tweak[7] ^= 2;
}

static void one_wrong_bit_in_blocks_or_a_tweak_is_refused(void **state)
{
    (void)state;
    struct machine_kernels kernels = machine_kernels();
    for (size_t i = 0; i < kernels.num; i++) {
        fault.kernel = kernels.all[i];
        struct xts_kernel wrong = *kernels.all[i];
        wrong.first_tweak = wrong_first_tweak;
        assert_int_equal(xv_known_answer_test(&wrong), XTSVOL_ERR_INTERNAL);
        for (enum xts_direction way = XTS_ENCRYPT; way < XTS_NUM_DIRECTIONS; way++) {
            static const size_t bytes[] = {0, 15, 16, 255, 495};
            fault.direction = way;
            for (size_t j = 0; j < ARRAY_LEN(bytes); j++) {
                wrong = *kernels.all[i];
                wrong.blocks[way] = wrong_blocks;
                fault.byte = bytes[j];
                assert_int_equal(xv_known_answer_test(&wrong), XTSVOL_ERR_INTERNAL);
            }
            wrong.blocks[way] = wrong_tweak_behind;
            assert_int_equal(xv_known_answer_test(&wrong), XTSVOL_ERR_INTERNAL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answers_are_those_of_libcrypto),
        cmocka_unit_test(every_kernel_gives_them),
        cmocka_unit_test(one_wrong_bit_is_refused),
        cmocka_unit_test(a_wrong_answer_that_decrypts_is_refused),
        cmocka_unit_test(one_wrong_bit_in_blocks_or_a_tweak_is_refused),
    };
    return cmocka_run_group_tests_name("known_answer", tests, NULL, NULL);
}
