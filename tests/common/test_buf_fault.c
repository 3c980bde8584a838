/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers, and the CBOR writer on top of one, when an allocation is refused. */
#include "common/base/buf.h"
#include "common/cbor/writer.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

static void a_buffer_that_cannot_grow_keeps_what_it_has(void **state)
{
    (void)state;
    static const uint8_t piece[100] = {7};
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(10000);
        size_t len_before = 0;
        int error = 0;
        fault_loop_arm(&loop);
        for (unsigned i = 0; i < 50 && !error; i++) {
            len_before = buf.len;
            error = common_buf_append(&buf, piece, sizeof(piece));
        }
        bool fired = fault_loop_disarm(&loop);
        if (!fired) {
            assert_int_equal(error, 0);
            assert_int_equal(buf.len, 5000);
            continue;
        }
        assert_int_equal(error, COMMON_ERR_NO_MEMORY);
        assert_int_equal(buf.len, len_before);
        for (size_t at = 0; at < buf.len; at++)
            assert_int_equal(buf.data[at], at % sizeof(piece) == 0 ? 7 : 0);
        /* It sticks although memory is there again, and taking gives nothing. */
        uint8_t *taken = NULL;
        size_t taken_len = 1;
        assert_int_equal(common_buf_append(&buf, piece, 1), COMMON_ERR_NO_MEMORY);
        assert_int_equal(common_buf_take(&buf, &taken, &taken_len), COMMON_ERR_NO_MEMORY);
        assert_null(taken);
        assert_int_equal(taken_len, 0);
    }
}

static int write_document(struct common_buf *buf)
{
    static const uint8_t secret[300] = {0xaa, 0xbb};
    struct common_cbor_writer writer = common_cbor_writer(buf);
    common_cbor_begin_array(&writer, 20);
    for (unsigned i = 0; i < 20; i++)
        common_cbor_put_bytes(&writer, secret, sizeof(secret));
    common_cbor_end(&writer);
    return common_cbor_writer_finish(&writer);
}

static void a_document_that_cannot_be_finished_leaves_nothing(void **state)
{
    (void)state;
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(100000);
        assert_int_equal(common_buf_append(&buf, "before", 6), 0);
        fault_loop_arm(&loop);
        int error = write_document(&buf);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error, fired ? COMMON_ERR_NO_MEMORY : 0);
        assert_int_equal(buf.len, fired ? 6 : 6 + 1 + 20 * 303);
        assert_memory_equal(buf.data, "before", 6);
        /* Nor is what had been written left behind the end. */
        if (fired)
            assert_null(memmem(buf.data, buf.cap, "\xaa\xbb", 2));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_that_cannot_grow_keeps_what_it_has),
        cmocka_unit_test(a_document_that_cannot_be_finished_leaves_nothing),
    };
    return cmocka_run_group_tests_name("buf_fault", tests, NULL, NULL);
}
