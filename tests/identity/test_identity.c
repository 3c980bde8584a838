/* SPDX-License-Identifier: Apache-2.0 */
/* What the four libraries have alike: version, errors, components. Built once for each, with
 * LIB (xtsvol) and LIB_UPPER (XTSVOL), its headers included by the command line, and linked with
 * its static twin. */
#include "common/base/component.h"
#include "common/base/error.h"
#include "tests/support/test.h"

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define FUNCTION(name) PASTE(LIB, name)
#define CONSTANT(name) PASTE(LIB_UPPER, name)

#include <stdio.h>
#include <string.h>

static void the_version_is_that_of_the_project(void **state)
{
    (void)state;
    char text[32];
    (void)snprintf(text, sizeof(text), "%d.%d.%d", CONSTANT(_VERSION_MAJOR),
                   CONSTANT(_VERSION_MINOR), CONSTANT(_VERSION_PATCH));
    assert_string_equal(text, STRONGROOM_VERSION);
    assert_string_equal(CONSTANT(_VERSION_STRING), STRONGROOM_VERSION);
    assert_string_equal(FUNCTION(_version_string)(), STRONGROOM_VERSION);
    assert_int_equal(FUNCTION(_version_number)(), CONSTANT(_VERSION_NUMBER));
    assert_int_equal(CONSTANT(_VERSION_NUMBER), CONSTANT(_VERSION_MAJOR) << 16 |
                                                    CONSTANT(_VERSION_MINOR) << 8 |
                                                    CONSTANT(_VERSION_PATCH));
}

static void every_error_has_a_word_and_a_sentence(void **state)
{
    (void)state;
    assert_string_equal(FUNCTION(_error_name)(CONSTANT(_OK)), "ok");
    assert_string_equal(FUNCTION(_error_name)(CONSTANT(_ERR_INVALID)), "invalid");
    assert_string_equal(FUNCTION(_error_name)(CONSTANT(_ERR_NO_SPACE)), "no-space");
    assert_string_equal(FUNCTION(_error_text)(CONSTANT(_ERR_NO_SPACE)), "no space left");
    assert_string_equal(FUNCTION(_error_name)(CONSTANT(_ERR_INTERNAL) - 1), "unknown");
    assert_string_equal(FUNCTION(_error_name)(1), "unknown");
    for (int error = CONSTANT(_ERR_INTERNAL); error < 0; error++) {
        assert_string_not_equal(FUNCTION(_error_name)(error), "unknown");
        assert_string_not_equal(FUNCTION(_error_text)(error), "unknown error");
    }
    /* The twin shows what the shared library hides. */
    assert_ptr_equal(FUNCTION(_error_text)(CONSTANT(_ERR_IO)), common_error_text(COMMON_ERR_IO));
}

static void components_are_told_one_by_one(void **state)
{
    (void)state;
    struct PASTE(LIB, _component) component;
    memset(&component, 'x', sizeof(component));
    size_t num = 0;
    while (FUNCTION(_component_get)(&component, num) == CONSTANT(_OK)) {
        assert_true(memchr(component.name, 0, sizeof(component.name)) != NULL);
        assert_true(memchr(component.version, 0, sizeof(component.version)) != NULL);
        assert_true(strcmp(component.linkage, "static") == 0 ||
                    strcmp(component.linkage, "shared") == 0);
        assert_true(component.version[0] >= '0' && component.version[0] <= '9');
        num++;
        assert_true(num < 20);
    }
    assert_true(num > 0);
    assert_int_equal(component.name[0], 0);
    assert_int_equal(component.version[0], 0);
    assert_int_equal(FUNCTION(_component_get)(&component, num), CONSTANT(_ERR_NOT_FOUND));
    assert_int_equal(FUNCTION(_component_get)(&component, SIZE_MAX), CONSTANT(_ERR_NOT_FOUND));
    assert_int_equal(FUNCTION(_component_get)(NULL, 0), CONSTANT(_ERR_INVALID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_is_that_of_the_project),
        cmocka_unit_test(every_error_has_a_word_and_a_sentence),
        cmocka_unit_test(components_are_told_one_by_one),
    };
    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
