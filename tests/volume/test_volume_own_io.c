/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage of the caller's own: in memory, and with every defect that such functions can have. What
 * they return becomes one of three categories, nothing is read or written beyond what they say is
 * there, and close is called once whatever happens.
 */
#include "tests/support/random.h"
#include "tests/volume/own_memory.h"
#include "tests/volume/volume_support.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    KIB = 1024,
    EXTENT = 64 * KIB,
    VOLUME_LEN = 3 * EXTENT,
    MAX_CALLS = 4000
};

/* The volume of a test: data and header in memory, apart or in one. */
struct own {
    struct memory data;
    struct memory header;
    struct xtsvol_io data_io;
    struct xtsvol_io header_io;
    bool is_detached;
    struct keeper keeper;
    struct xtsvol_failure failure;
    struct xtsvol_volume_options options;
    struct xtsvol_volume *volume;
};

static void begin(struct own *own, bool is_detached)
{
    *own = (struct own){.is_detached = is_detached};
    own->data.bytes = calloc(1, OWN_MEMORY_CAPACITY);
    own->header.bytes = calloc(1, OWN_MEMORY_CAPACITY);
    assert_true(own->data.bytes && own->header.bytes);
    own->data_io = own_memory_io(&own->data);
    own->header_io = own_memory_io(&own->header);
    own->options = volume_options(&own->keeper, &own->failure);
    own->options.data_io = &own->data_io;
    own->options.header_io = is_detached ? &own->header_io : NULL;
}

static void end(struct own *own)
{
    xtsvol_volume_close(&own->volume);
    assert_false(own->data.is_out_of_range);
    assert_false(own->header.is_out_of_range);
    free(own->data.bytes);
    free(own->header.bytes);
}

static int create(struct own *own)
{
    struct xtsvol_create_options wanted = xtsvol_create_options_default();
    wanted.volume_size = VOLUME_LEN;
    wanted.max_volume_size = 3000ULL * EXTENT;
    wanted.extent_size = EXTENT;
    wanted.sector_size = 512;
    return xtsvol_volume_create(&own->volume, NULL, &wanted, &own->options);
}

static int open_own(struct own *own)
{
    return xtsvol_volume_open(&own->volume, NULL, &own->options);
}

static void make(struct own *own, bool is_detached)
{
    begin(own, is_detached);
    assert_volume_works(create(own), &own->failure);
}

static void a_volume_lives_in_the_memory_of_its_caller(void **state)
{
    (void)state;
    for (int is_detached = 0; is_detached < 2; is_detached++) {
        struct own own;
        uint8_t bytes[5000];
        uint8_t read[5000];
        struct test_random random = test_random_of(1);
        make(&own, is_detached);
        test_random_bytes(&random, bytes, sizeof(bytes));
        assert_int_equal(xtsvol_pwrite(own.volume, bytes, sizeof(bytes), 777), 0);
        assert_int_equal(xtsvol_flush(own.volume), 0);
        assert_int_equal(own.data.num_closed, 0);
        xtsvol_volume_close(&own.volume);
        assert_int_equal(own.data.num_closed, 1);
        assert_int_equal(own.header.num_closed, is_detached);
        if (is_detached)
            assert_int_equal(own.data.size, VOLUME_LEN);

        assert_volume_works(open_own(&own), &own.failure);
        assert_int_equal(xtsvol_pread(own.volume, read, sizeof(read), 777), 0);
        assert_memory_equal(read, bytes, sizeof(read));
        assert_int_equal(xtsvol_resize(own.volume, 2ULL * VOLUME_LEN, 0), 0);
        assert_int_equal(xtsvol_pread(own.volume, read, sizeof(read), 777), 0);
        assert_memory_equal(read, bytes, sizeof(read));
        end(&own);
        assert_int_equal(own.data.num_closed, 2);
        assert_int_equal(own.header.num_closed, is_detached ? 2 : 0);
    }
}

/* What functions may return that was meant otherwise, and what it has to become. */
static const struct {
    int native;
    int error;
} errors[] = {
    {EIO, XTSVOL_ERR_IO},           {ENOSPC, XTSVOL_ERR_NO_SPACE},
    {EDQUOT, XTSVOL_ERR_NO_SPACE},  {EFBIG, XTSVOL_ERR_NO_SPACE},
    {ENOMEM, XTSVOL_ERR_NO_MEMORY}, {EINTR, XTSVOL_ERR_IO},
    {EINVAL, XTSVOL_ERR_IO},        {EAGAIN, XTSVOL_ERR_IO},
    {EBUSY, XTSVOL_ERR_IO},         {ENOENT, XTSVOL_ERR_IO},
    {EACCES, XTSVOL_ERR_IO},        {EEXIST, XTSVOL_ERR_IO},
    {ENOSYS, XTSVOL_ERR_IO},        {-1, XTSVOL_ERR_IO},
    {INT_MIN, XTSVOL_ERR_IO},       {INT_MAX, XTSVOL_ERR_IO},
};

typedef int call_fn(struct own *own);

static int read_some(struct own *own)
{
    uint8_t bytes[1000];
    memset(bytes, 0xee, sizeof(bytes));
    int error = xtsvol_pread(own->volume, bytes, sizeof(bytes), 100);
    for (size_t i = 0; error && i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], 0);
    return error;
}

static int write_some(struct own *own)
{
    uint8_t bytes[1000] = {1};
    return xtsvol_pwrite(own->volume, bytes, sizeof(bytes), 100);
}

static int flush(struct own *own)
{
    return xtsvol_flush(own->volume);
}

static int discard(struct own *own)
{
    return xtsvol_discard(own->volume, 4096, 4096);
}

static int look_for_a_hole(struct own *own)
{
    uint64_t hole_end = 1;
    int is_hole = 1;
    own->data.hole_end = own->data.size;
    int error = xtsvol_next_hole(own->volume, &hole_end, &is_hole, 4096);
    if (error)
        assert_int_equal(hole_end, 0);
    return error;
}

static int grow(struct own *own)
{
    return xtsvol_resize(own->volume, 2ULL * VOLUME_LEN, 0);
}

static const struct {
    call_fn *call;
    enum function function;
    bool is_of_data;      /* it is called where the data is, also when the header is apart */
    bool may_be_got_over; /* what failed has a second copy */
} calls[] = {
    {read_some, PREADV, true, false},    {read_some, GET_SIZE, true, false},
    {write_some, PREADV, true, false},   {write_some, PWRITEV, true, false},
    {write_some, GET_SIZE, true, false}, {flush, FLUSH, true, false},
    {discard, DISCARD, true, false},     {look_for_a_hole, NEXT_HOLE, true, false},
    {grow, SET_SIZE, true, false},       {grow, GET_SIZE, true, true},
    {grow, PWRITEV, false, true},        {grow, FLUSH, true, true},
    {create, GET_SIZE, true, false},     {create, SET_SIZE, true, false},
    {create, PWRITEV, false, false},     {create, FLUSH, true, false},
    {open_own, PREADV, false, true},     {open_own, GET_SIZE, true, true},
    {open_own, FLUSH, true, false},
};

/* One call, of which the nth call of a function fails. Was there an nth? */
static bool fails_at(size_t call, size_t error, unsigned nth, bool is_detached, bool is_in_header)
{
    struct own own;
    bool is_apart = calls[call].call == create || calls[call].call == open_own;
    begin(&own, is_detached);
    if (calls[call].call != create)
        assert_volume_works(create(&own), &own.failure);
    if (calls[call].call == open_own)
        xtsvol_volume_close(&own.volume);
    struct memory *memory = is_in_header ? &own.header : &own.data;
    unsigned num_closed = own.data.num_closed;
    memory->failing = calls[call].function;
    memory->nth = nth;
    memory->error = errors[error].native;

    int result = calls[call].call(&own);
    bool did = memory->num_failed > 0;
    if (result != (did ? errors[error].error : 0) && (result || !calls[call].may_be_got_over))
        fail_msg("call %zu: %d became %s at %u", call, errors[error].native,
                 xtsvol_error_name(result), nth);
    if (is_apart) {
        assert_int_equal(own.volume == NULL, result != 0);
        assert_int_equal(own.data.num_closed, num_closed + (result != 0));
        assert_int_equal(own.header.num_closed, is_detached ? own.data.num_closed : 0);
        assert_int_equal(own.failure.error, result);
    } else if (result) {
        struct xtsvol_failure failure;
        xtsvol_volume_failure(own.volume, &failure);
        assert_int_equal(failure.error, result);
        assert_int_equal(failure.native_error, errors[error].native);
    }
    end(&own);
    return did;
}

static void errors_of_the_callers_functions_have_their_category(void **state)
{
    (void)state;
    for (size_t call = 0; call < ARRAY_LEN(calls); call++) {
        for (unsigned where = 0; where < 3; where++) {
            unsigned num_hit = 0;
            for (size_t error = 0; error < ARRAY_LEN(errors); error++) {
                unsigned nth = 1;
                while (fails_at(call, error, nth, where > 0, where == 2)) {
                    num_hit++;
                    nth++;
                    assert_true(nth < MAX_CALLS);
                }
            }
            if (where == 0 || (where == 1 && calls[call].is_of_data))
                assert_true(num_hit > 0);
        }
    }
}

/* Whatever it is that ends the call, before the storage is looked at or after. */
static void storage_is_closed_once_whatever_fails(void **state)
{
    (void)state;
    struct own own;
    make(&own, true);
    xtsvol_volume_close(&own.volume);
    unsigned num_closed = own.data.num_closed;

    struct xtsvol_volume_options options = own.options;
    own.options.key = NULL;
    assert_int_equal(open_own(&own), XTSVOL_ERR_INVALID);
    assert_int_equal(own.data.num_closed, ++num_closed);
    assert_int_equal(create(&own), XTSVOL_ERR_INVALID);
    assert_int_equal(own.data.num_closed, ++num_closed);

    own.options = options;
    own.options.max_map_memory = 1;
    assert_int_equal(open_own(&own), XTSVOL_ERR_INVALID);
    assert_int_equal(own.data.num_closed, ++num_closed);

    own.options = options;
    own.keeper.error = XTSVOL_ERR_TIMEOUT;
    assert_int_equal(open_own(&own), XTSVOL_ERR_TIMEOUT);
    assert_int_equal(own.data.num_closed, ++num_closed);
    assert_int_equal(create(&own), XTSVOL_ERR_TIMEOUT);
    assert_int_equal(own.data.num_closed, ++num_closed);
    own.keeper.error = 0;

    /* One of the two cannot be used: the other one is closed all the same. */
    own.header_io.preadv = NULL;
    assert_int_equal(open_own(&own), XTSVOL_ERR_INVALID);
    assert_int_equal(own.data.num_closed, ++num_closed);
    own.header_io = own_memory_io(&own.header);
    unsigned num_header_closed = own.header.num_closed;
    own.data_io.flush = NULL;
    assert_int_equal(open_own(&own), XTSVOL_ERR_INVALID);
    assert_int_equal(own.data.num_closed, num_closed);
    assert_int_equal(own.header.num_closed, ++num_header_closed);
    own.data_io = own_memory_io(&own.data);

    struct xtsvol_erasure erasure;
    own.options.key = NULL;
    assert_int_equal(xtsvol_volume_erase(&erasure, sizeof(erasure), NULL, &own.options,
                                         keeper_destroy, &own.keeper),
                     XTSVOL_ERR_INVALID);
    assert_int_equal(own.data.num_closed, ++num_closed);
    assert_int_equal(xtsvol_header_restore(NULL, "nowhere", &own.options, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(own.data.num_closed, ++num_closed);
    own.options = options;
    assert_int_equal(xtsvol_header_restore(NULL, "/nowhere/at/all", &own.options, 0),
                     XTSVOL_ERR_NOT_FOUND);
    assert_int_equal(own.data.num_closed, ++num_closed);
    assert_int_equal(own.header.num_closed, own.data.num_closed);
    end(&own);
}

static void refuses_what_lacks_a_function(void **state)
{
    (void)state;
    for (unsigned missing = 0; missing < 7; missing++) {
        struct own own;
        begin(&own, false);
        if (missing == 0)
            own.data_io.preadv = NULL;
        else if (missing == 1)
            own.data_io.pwritev = NULL;
        else if (missing == 2)
            own.data_io.flush = NULL;
        else if (missing == 3)
            own.data_io.get_size = NULL;
        else if (missing == 4)
            own.data_io.size = 0;
        else if (missing == 5)
            own.data_io.size = SIZE_MAX;
        else
            own.data_io.size = sizeof(struct xtsvol_io) - 1;
        assert_int_equal(create(&own), XTSVOL_ERR_INVALID);
        assert_null(own.volume);
        assert_int_equal(open_own(&own), XTSVOL_ERR_INVALID);
        assert_null(own.volume);
        assert_int_equal(own.data.num_closed, 0);
        end(&own);
    }
}

/* Those that may be missing. */
static void does_without_what_may_be_missing(void **state)
{
    (void)state;
    struct own own;
    begin(&own, false);
    own.data_io.set_size = NULL;
    own.data_io.discard = NULL;
    own.data_io.next_hole = NULL;
    own.data_io.close = NULL;
    assert_int_equal(create(&own), XTSVOL_ERR_NO_SPACE); /* of 0 bytes, and it stays so */
    /* Nobody can say of it that it is empty: it is free while no volume is in it. */
    own.data.size = OWN_MEMORY_CAPACITY;
    assert_int_equal(create(&own), 0);
    xtsvol_volume_close(&own.volume);
    assert_int_equal(create(&own), XTSVOL_ERR_EXISTS);
    struct xtsvol_create_options wanted = xtsvol_create_options_default();
    wanted.volume_size = VOLUME_LEN;
    wanted.max_volume_size = 2 * (uint64_t)OWN_MEMORY_CAPACITY;
    wanted.may_replace = 1;
    assert_volume_works(xtsvol_volume_create(&own.volume, NULL, &wanted, &own.options),
                        &own.failure);
    uint64_t hole_end = 0;
    int is_hole = 1;
    assert_int_equal(xtsvol_next_hole(own.volume, &hole_end, &is_hole, 1), 0);
    assert_int_equal(hole_end, VOLUME_LEN);
    assert_int_equal(is_hole, 0);
    assert_int_equal(write_some(&own), 0);
    assert_int_equal(xtsvol_discard(own.volume, VOLUME_LEN, 0), 0);
    uint8_t byte = 0;
    assert_int_equal(xtsvol_pread(own.volume, &byte, 1, 100), 0);
    assert_int_equal(byte, 1); /* it was not discarded */
    assert_int_equal(xtsvol_resize(own.volume, OWN_MEMORY_CAPACITY, 0), XTSVOL_ERR_NO_SPACE);
    assert_int_equal(xtsvol_resize(own.volume, VOLUME_LEN / 2, 1), 0);
    assert_int_equal(xtsvol_resize(own.volume, VOLUME_LEN, 0), 0);
    end(&own);
}

static void does_not_believe_where_holes_end(void **state)
{
    (void)state;
    struct own own;
    make(&own, false);
    struct xtsvol_volume_info info;
    assert_int_equal(xtsvol_info_get(own.volume, &info, sizeof(info)), 0);
    const struct {
        uint64_t says;
        uint64_t end;
        int says_hole;
        int is_hole;
    } cases[] = {
        {info.data_offset + 8192, 8192, 1, 1},
        {info.data_offset + 8192, 8192, 0, 0},
        {info.data_offset + 8192, 8192, 77, 1},
        {info.data_offset + 8192, 8192, -1, 1},
        {UINT64_MAX, VOLUME_LEN, 1, 1},
        {info.data_offset + VOLUME_LEN, VOLUME_LEN, 1, 1},
        /* Not behind where it was asked for: no answer, so that all has to be taken as in use. */
        {info.data_offset + 4096, VOLUME_LEN, 1, 0},
        {info.data_offset, VOLUME_LEN, 1, 0},
        {0, VOLUME_LEN, 1, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t hole_end = 0;
        int is_hole = -5;
        own.data.hole_end = cases[i].says;
        own.data.is_hole = cases[i].says_hole;
        assert_int_equal(xtsvol_next_hole(own.volume, &hole_end, &is_hole, 4096), 0);
        assert_int_equal(hole_end, cases[i].end);
        assert_int_equal(is_hole, cases[i].is_hole);
    }
    end(&own);
}

/* The storage says another size than it has, or than it said: nothing outside of the lesser of the
 * two is touched (memory_preadv() would know), and calls fail, or not, without harm. */
static void does_not_go_beyond_the_size_that_is_told(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {
        0, 1, 511, 4096, 300ULL * KIB, 4096ULL * KIB + 100, 5120ULL * KIB};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct own own;
        make(&own, false);
        own.data_io.set_size = NULL;
        own.data.size = sizes[i];
        assert_int_equal(read_some(&own), XTSVOL_ERR_CORRUPT);
        assert_int_equal(write_some(&own), XTSVOL_ERR_CORRUPT);
        struct xtsvol_check_report report;
        assert_int_equal(xtsvol_volume_check(own.volume, &report, 0, NULL, NULL, NULL), 0);
        assert_int_equal(report.num_bad_sectors, VOLUME_LEN / 512);
        xtsvol_volume_close(&own.volume);
        assert_int_equal(open_own(&own), XTSVOL_ERR_CORRUPT);
        assert_null(own.volume);
        end(&own);
    }
}

static int says_too_much(void *context, uint64_t *size)
{
    (void)context;
    *size = UINT64_MAX;
    return 0;
}

/* It says that it has more than it has: its own functions then refuse, which is an error of I/O. */
static void a_size_that_is_not_there_is_an_error_of_input_and_output(void **state)
{
    (void)state;
    struct own own;
    begin(&own, false);
    own.data_io.get_size = says_too_much;
    struct xtsvol_create_options wanted = xtsvol_create_options_default();
    wanted.volume_size = VOLUME_LEN;
    wanted.may_replace = 1;
    assert_int_equal(xtsvol_volume_create(&own.volume, NULL, &wanted, &own.options), XTSVOL_ERR_IO);
    assert_null(own.volume);
    assert_int_equal(open_own(&own), XTSVOL_ERR_IO);
    assert_null(own.volume);
    assert_true(own.data.is_out_of_range);
    own.data.is_out_of_range = false;
    end(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_volume_lives_in_the_memory_of_its_caller),
        cmocka_unit_test(errors_of_the_callers_functions_have_their_category),
        cmocka_unit_test(storage_is_closed_once_whatever_fails),
        cmocka_unit_test(refuses_what_lacks_a_function),
        cmocka_unit_test(does_without_what_may_be_missing),
        cmocka_unit_test(does_not_believe_where_holes_end),
        cmocka_unit_test(does_not_go_beyond_the_size_that_is_told),
        cmocka_unit_test(a_size_that_is_not_there_is_an_error_of_input_and_output),
    };
    return cmocka_run_group_tests_name("volume_own_io", tests, NULL, NULL);
}
