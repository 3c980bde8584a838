/* SPDX-License-Identifier: Apache-2.0 */
/* What a buffer leaves in the blocks that it gives back. */
#include "common/base/buf.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

static const void *watched; /* the block that is expected to be given back */
static size_t watched_len;
static bool was_freed;
static bool had_bytes;

/* The names are the linker's, --wrap=free. NOLINTBEGIN(bugprone-reserved-identifier) */
void __real_free(void *block);
void __wrap_free(void *block);

void __wrap_free(void *block)
{
    if (block && block == watched) {
        const uint8_t *bytes = block;
        was_freed = true;
        for (size_t i = 0; i < watched_len; i++)
            had_bytes = had_bytes || bytes[i] != 0;
        watched = NULL;
    }
    __real_free(block);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static void watch(const struct common_buf *buf)
{
    watched = buf->data;
    watched_len = buf->cap;
    was_freed = false;
    had_bytes = false;
}

static void growing_wipes_the_block_that_was_too_small(void **state)
{
    (void)state;
    static const uint8_t secret[60] = {0xaa, [59] = 0xbb};
    struct common_buf buf = common_buf_growing(1000);
    assert_int_equal(common_buf_append(&buf, secret, sizeof(secret)), 0);
    watch(&buf);
    assert_int_equal(common_buf_append(&buf, secret, sizeof(secret)), 0);
    assert_true(was_freed);
    assert_false(had_bytes);
    assert_memory_equal(buf.data, secret, sizeof(secret));
    common_buf_wipe(&buf);
}

static void wiping_leaves_nothing_in_the_block(void **state)
{
    (void)state;
    struct common_buf buf = common_buf_growing(1000);
    assert_int_equal(common_buf_append(&buf, "secret", 6), 0);
    watch(&buf);
    /* All of the block: bytes behind the end may have been written and taken back. */
    memset(buf.data, 0xaa, buf.cap);
    common_buf_wipe(&buf);
    assert_true(was_freed);
    assert_false(had_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growing_wipes_the_block_that_was_too_small),
        cmocka_unit_test(wiping_leaves_nothing_in_the_block),
    };
    return cmocka_run_group_tests_name("buf_wipe", tests, NULL, NULL);
}
