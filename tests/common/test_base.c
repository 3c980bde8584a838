/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/buf.h"
#include "common/base/checked.h"
#include "common/base/cleanup.h"
#include "common/base/component.h"
#include "common/base/ct.h"
#include "common/base/endian.h"
#include "common/base/error.h"
#include "common/base/utf8.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static void sums_and_products_that_wrap_are_refused(void **state)
{
    (void)state;
    size_t size = 7;
    assert_int_equal(common_size_add(&size, SIZE_MAX - 1, 1), 0);
    assert_true(size == SIZE_MAX);
    assert_int_equal(common_size_add(&size, SIZE_MAX, 1), COMMON_ERR_LIMIT);
    assert_int_equal(size, 0);
    assert_int_equal(common_size_mul(&size, SIZE_MAX / 2, 2), 0);
    assert_int_equal(common_size_mul(&size, SIZE_MAX / 2 + 1, 2), COMMON_ERR_LIMIT);
    assert_int_equal(size, 0);

    uint64_t u64 = 7;
    assert_int_equal(common_u64_add(&u64, UINT64_MAX, 0), 0);
    assert_int_equal(common_u64_add(&u64, UINT64_MAX, 1), COMMON_ERR_LIMIT);
    assert_int_equal(u64, 0);
    assert_int_equal(common_u64_mul(&u64, 1ULL << 32, 1ULL << 31), 0);
    assert_int_equal(common_u64_mul(&u64, 1ULL << 32, 1ULL << 32), COMMON_ERR_LIMIT);
    assert_int_equal(u64, 0);
}

static void rounding_up_stops_at_the_top(void **state)
{
    (void)state;
    size_t size = 0;
    assert_int_equal(common_size_round_up(&size, 0, 64), 0);
    assert_int_equal(size, 0);
    assert_int_equal(common_size_round_up(&size, 1, 64), 0);
    assert_int_equal(size, 64);
    assert_int_equal(common_size_round_up(&size, 64, 64), 0);
    assert_int_equal(size, 64);
    assert_int_equal(common_size_round_up(&size, SIZE_MAX - 62, 64), COMMON_ERR_LIMIT);
    assert_int_equal(size, 0);
}

static void a_range_fits_only_inside(void **state)
{
    (void)state;
    assert_true(common_range_fits(0, 0, 0));
    assert_true(common_range_fits(10, 0, 10));
    assert_true(common_range_fits(4, 6, 10));
    assert_false(common_range_fits(4, 7, 10));
    assert_false(common_range_fits(11, 0, 10));
    assert_false(common_range_fits(5, UINT64_MAX - 2, 10)); /* the sum wraps to 2 */
}

static void powers_of_two_are_told_apart(void **state)
{
    (void)state;
    assert_false(common_is_power_of_two(0));
    assert_true(common_is_power_of_two(1));
    assert_false(common_is_power_of_two(3));
    assert_true(common_is_power_of_two(1ULL << 63));
}

static void integers_have_the_documented_byte_order(void **state)
{
    (void)state;
    uint8_t bytes[9] = {0};
    uint8_t *odd = bytes + 1; /* misaligned on purpose */

    common_put_le64(odd, 0x0102030405060708ULL);
    assert_memory_equal(odd, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
    assert_true(common_get_le64(odd) == 0x0102030405060708ULL);
    assert_true(common_get_be64(odd) == 0x0807060504030201ULL);
    common_put_be64(odd, 0xf102030405060708ULL);
    assert_memory_equal(odd, "\xf1\x02\x03\x04\x05\x06\x07\x08", 8);
    assert_true(common_get_be64(odd) == 0xf102030405060708ULL);
    common_put_le32(odd, 0xf1020304U);
    assert_memory_equal(odd, "\x04\x03\x02\xf1", 4);
    assert_true(common_get_le32(odd) == 0xf1020304U);
    common_put_be32(odd, 0xf1020304U);
    assert_memory_equal(odd, "\xf1\x02\x03\x04", 4);
    assert_true(common_get_be32(odd) == 0xf1020304U);
    common_put_le16(odd, 0xf102U);
    assert_memory_equal(odd, "\x02\xf1", 2);
    assert_int_equal(common_get_le16(odd), 0xf102);
    common_put_be16(odd, 0xf102U);
    assert_memory_equal(odd, "\xf1\x02", 2);
    assert_int_equal(common_get_be16(odd), 0xf102);
}

static void one_flipped_bit_anywhere_is_unequal(void **state)
{
    (void)state;
    uint8_t a[67];
    uint8_t b[67];
    memset(a, 0xa5, sizeof(a));
    memcpy(b, a, sizeof(b));
    assert_true(common_ct_equal(a, b, sizeof(a)));
    assert_true(common_ct_equal(a, b, 0));
    for (size_t bit = 0; bit < sizeof(a) * 8; bit++) {
        b[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_false(common_ct_equal(a, b, sizeof(a)));
        b[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    /* Differences must not cancel out. */
    b[0] ^= 1;
    b[1] ^= 1;
    assert_false(common_ct_equal(a, b, sizeof(a)));
}

static void wiped_memory_is_zero(void **state)
{
    (void)state;
    uint8_t secret[33];
    memset(secret, 0xff, sizeof(secret));
    common_wipe(secret, sizeof(secret) - 1);
    assert_true(common_ct_is_zero(secret, sizeof(secret) - 1));
    assert_false(common_ct_is_zero(secret, sizeof(secret)));
    common_wipe(NULL, 0);
}

static void a_buffer_grows_to_its_ceiling_and_no_further(void **state)
{
    (void)state;
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(1000);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(common_buf_append_byte(&buf, (uint8_t)i), 0);
    assert_int_equal(buf.len, 1000);
    assert_true(buf.cap <= 1000);
    assert_int_equal(common_buf_append_byte(&buf, 0), COMMON_ERR_LIMIT);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(buf.data[i], (uint8_t)i);
}

static void the_first_failure_of_a_buffer_sticks(void **state)
{
    (void)state;
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(10);
    uint8_t *place = NULL;
    assert_int_equal(common_buf_append(&buf, "12345678901", 11), COMMON_ERR_LIMIT);
    assert_int_equal(common_buf_append(&buf, "1", 1), COMMON_ERR_LIMIT);
    assert_int_equal(common_buf_reserve(&buf, &place, 1), COMMON_ERR_LIMIT);
    assert_null(place);
    uint8_t *bytes = (uint8_t *)&buf;
    size_t len = 1;
    assert_int_equal(common_buf_take(&buf, &bytes, &len), COMMON_ERR_LIMIT);
    assert_null(bytes);
    assert_int_equal(len, 0);
    common_buf_wipe(&buf);
    assert_int_equal(common_buf_append(&buf, "1", 1), 0);
}

static void a_length_that_wraps_is_refused_by_a_buffer(void **state)
{
    (void)state;
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(SIZE_MAX);
    assert_int_equal(common_buf_append(&buf, "12", 2), 0);
    uint8_t *place = NULL;
    assert_int_equal(common_buf_reserve(&buf, &place, SIZE_MAX - 1), COMMON_ERR_LIMIT);
    assert_null(place);
}

static void a_fixed_buffer_stays_in_its_storage(void **state)
{
    (void)state;
    uint8_t storage[5] = {9, 9, 9, 9, 9};
    struct common_buf buf = common_buf_fixed(storage, 4);
    assert_int_equal(common_buf_append(&buf, "abcd", 4), 0);
    assert_memory_equal(storage, "abcd\x09", 5);
    common_buf_truncate(&buf, 2);
    assert_memory_equal(storage, "ab\0\0\x09", 5);
    uint8_t *bytes = NULL;
    size_t len = 0;
    assert_int_equal(common_buf_take(&buf, &bytes, &len), COMMON_ERR_STATE);
    assert_int_equal(common_buf_append(&buf, "cde", 3), COMMON_ERR_LIMIT);
    common_buf_wipe(&buf);
    assert_memory_equal(storage, "\0\0\0\0\x09", 5);
    assert_int_equal(common_buf_append(&buf, "wxyz", 4), 0);
}

static void committing_more_than_was_reserved_is_an_error(void **state)
{
    (void)state;
    uint8_t storage[4];
    struct common_buf buf = common_buf_fixed(storage, sizeof(storage));
    common_buf_commit(&buf, 5);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.error, COMMON_ERR_INTERNAL);
}

static void taking_empties_the_buffer(void **state)
{
    (void)state;
    struct common_buf buf = common_buf_growing(100);
    uint8_t *bytes = NULL;
    size_t len = 0;
    assert_int_equal(common_buf_append(&buf, "secret", 6), 0);
    assert_int_equal(common_buf_take(&buf, &bytes, &len), 0);
    assert_int_equal(len, 6);
    assert_memory_equal(bytes, "secret", 6);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    free(bytes);
    common_buf_wipe(&buf);
}

static void every_error_has_its_word_and_its_sentence(void **state)
{
    (void)state;
    assert_string_equal(common_error_name(0), "ok");
    assert_string_equal(common_error_name(COMMON_ERR_NOT_FOUND), "not-found");
    assert_string_equal(common_error_name(-1000), "unknown");
    assert_string_equal(common_error_name(1), "unknown");
    for (int a = COMMON_ERR_INTERNAL; a < 0; a++) {
        assert_string_not_equal(common_error_name(a), "unknown");
        assert_string_not_equal(common_error_text(a), "unknown error");
        for (int b = COMMON_ERR_INTERNAL; b < a; b++)
            assert_string_not_equal(common_error_name(a), common_error_name(b));
    }
}

static void errno_values_fall_into_categories(void **state)
{
    (void)state;
    assert_int_equal(common_error_from_errno(0), COMMON_OK);
    assert_int_equal(common_error_from_errno(ENOSPC), COMMON_ERR_NO_SPACE);
    assert_int_equal(common_error_from_errno(EDQUOT), COMMON_ERR_NO_SPACE);
    assert_int_equal(common_error_from_errno(EACCES), COMMON_ERR_DENIED);
    assert_int_equal(common_error_from_errno(EIO), COMMON_ERR_IO);
    assert_int_equal(common_error_from_errno(123456), COMMON_ERR_IO);
}

static void malformed_utf8_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_valid;
    } cases[] = {
        {"", true},
        {"plain", true},
        {"\xc3\xa9", true},
        {"\xe2\x82\xac", true},
        {"\xf0\x9f\x94\x91", true},
        {"\xf4\x8f\xbf\xbf", true},  /* U+10FFFF */
        {"\xf4\x90\x80\x80", false}, /* one above */
        {"\xc0\x80", false},         /* overlong NUL */
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xed\xa0\x80", false}, /* surrogate */
        {"\xed\xbf\xbf", false},
        {"\xee\x80\x80", true},
        {"\x80", false}, /* continuation first */
        {"\xc3", false}, /* cut short */
        {"\xe2\x82", false},
        {"\xf0\x9f\x94", false},
        {"\xc3(", false},
        {"\xf8\x88\x80\x80\x80", false},
        {"\xff", false},
        {"good\xff", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const uint8_t *text = (const uint8_t *)cases[i].text;
        if (common_utf8_is_valid(text, strlen(cases[i].text)) != cases[i].is_valid)
            fail_msg("case %zu: %s", i, cases[i].text);
    }
    assert_true(common_utf8_is_valid((const uint8_t *)"a\0b", 3));
}

static void component_strings_are_cut_and_terminated(void **state)
{
    (void)state;
    struct common_component component;
    memset(&component, 'x', sizeof(component));
    common_component_set(&component, "a name of more than sixteen", "1.2.3", "static");
    assert_string_equal(component.name, "a name of more ");
    assert_string_equal(component.version, "1.2.3");
    assert_string_equal(component.linkage, "static");
}

static int open_and_fail(int *fd_was)
{
    COMMON_CLEANUP_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    COMMON_CLEANUP_FREE char *text = strdup("freed at the end of the scope");
    COMMON_CLEANUP_FILE FILE *file = fopen("/dev/null", "re");
    assert_true(fd >= 0);
    assert_string_equal(text, "freed at the end of the scope");
    assert_non_null(file);
    *fd_was = fd;
    errno = EXDEV;
    return -1;
}

static void cleanups_run_and_keep_errno(void **state)
{
    (void)state;
    int fd = -1;
    assert_int_equal(open_and_fail(&fd), -1);
    assert_int_equal(errno, EXDEV);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void what_was_taken_is_not_cleaned_up(void **state)
{
    (void)state;
    char *kept = NULL;
    int kept_fd = -1;
    {
        COMMON_CLEANUP_FREE char *text = strdup("kept");
        COMMON_CLEANUP_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        kept = COMMON_TAKE_PTR(text);
        kept_fd = COMMON_TAKE_FD(fd);
        assert_null(text);
        assert_int_equal(fd, -1);
    }
    assert_string_equal(kept, "kept");
    assert_int_equal(close(kept_fd), 0);
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_and_products_that_wrap_are_refused),
        cmocka_unit_test(rounding_up_stops_at_the_top),
        cmocka_unit_test(a_range_fits_only_inside),
        cmocka_unit_test(powers_of_two_are_told_apart),
        cmocka_unit_test(integers_have_the_documented_byte_order),
        cmocka_unit_test(one_flipped_bit_anywhere_is_unequal),
        cmocka_unit_test(wiped_memory_is_zero),
        cmocka_unit_test(a_buffer_grows_to_its_ceiling_and_no_further),
        cmocka_unit_test(the_first_failure_of_a_buffer_sticks),
        cmocka_unit_test(a_length_that_wraps_is_refused_by_a_buffer),
        cmocka_unit_test(a_fixed_buffer_stays_in_its_storage),
        cmocka_unit_test(committing_more_than_was_reserved_is_an_error),
        cmocka_unit_test(taking_empties_the_buffer),
        cmocka_unit_test(every_error_has_its_word_and_its_sentence),
        cmocka_unit_test(errno_values_fall_into_categories),
        cmocka_unit_test(malformed_utf8_is_refused),
        cmocka_unit_test(component_strings_are_cut_and_terminated),
        cmocka_unit_test(cleanups_run_and_keep_errno),
        cmocka_unit_test(what_was_taken_is_not_cleaned_up),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
