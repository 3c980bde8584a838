/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/uuid.h"
#include "tests/support/test.h"

/* The example of RFC 9562, A.3. */
static const char text[] = "919108f7-52d1-4320-9bac-f847db4148a8";
static const uint8_t uuid[COMMON_UUID_LEN] = {0x91, 0x91, 0x08, 0xf7, 0x52, 0xd1, 0x43, 0x20,
                                              0x9b, 0xac, 0xf8, 0x47, 0xdb, 0x41, 0x48, 0xa8};

static void a_uuid_is_read_in_either_case_and_written_in_lower(void **state)
{
    (void)state;
    uint8_t got[COMMON_UUID_LEN];
    char back[COMMON_UUID_SIZE];
    assert_int_equal(common_uuid_parse(got, text), 0);
    assert_memory_equal(got, uuid, COMMON_UUID_LEN);
    assert_int_equal(common_uuid_parse(got, "919108F7-52D1-4320-9BAC-F847DB4148A8"), 0);
    assert_memory_equal(got, uuid, COMMON_UUID_LEN);
    common_uuid_format(back, got);
    assert_string_equal(back, text);
}

static void what_is_no_uuid_is_refused_and_gives_zeroes(void **state)
{
    (void)state;
    static const uint8_t zeroes[COMMON_UUID_LEN];
    static const char *const wrong[] = {
        "",
        "919108f7",
        "919108f752d143209bacf847db4148a8",
        "919108f7-52d1-4320-9bac-f847db4148a",
        "919108f7-52d1-4320-9bac-f847db4148a81",
        "919108f7-52d1-4320-9bac-f847db4148a8 ",
        " 919108f7-52d1-4320-9bac-f847db4148a8",
        "{919108f7-52d1-4320-9bac-f847db4148a8}",
        "g19108f7-52d1-4320-9bac-f847db4148a8",
        "919108f7-52d1-4320-9bac-f847db4148ag",
        "919108f75-2d1-4320-9bac-f847db4148a8",
        "919108f7-52d1-4320-9bac_f847db4148a8",
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        uint8_t got[COMMON_UUID_LEN] = {1, 2, 3};
        if (common_uuid_parse(got, wrong[i]) != COMMON_ERR_INVALID)
            fail_msg("%s was taken", wrong[i]);
        assert_memory_equal(got, zeroes, COMMON_UUID_LEN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_uuid_is_read_in_either_case_and_written_in_lower),
        cmocka_unit_test(what_is_no_uuid_is_refused_and_gives_zeroes),
    };
    return cmocka_run_group_tests_name("uuid", tests, NULL, NULL);
}
