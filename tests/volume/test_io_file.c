/* SPDX-License-Identifier: Apache-2.0 */
/* A file as struct xtsvol_io, F2 of io_file.c, and what io.h says about any io. */
#include "libxtsvol/src/volume/io.h"

#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include "tests/volume/file_hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    LIMIT_S = 120,
    NUM_PIECES = 2500, /* more than two calls take */
    PIECE_MAX = 7,
};
#define ONE_MIB ((uint64_t)1 << 20)

static char volume[PATH_MAX];
static struct xtsvol_io io;
static struct xv_file file;

static int begin(void **state)
{
    (void)alarm(LIMIT_S);
    int error = tmpdir_setup(state);
    tmpdir_path(volume, *state, "volume");
    return error || xv_file_open(&io, &file, volume, XV_OPEN_CREATE);
}

static int end(void **state)
{
    (void)alarm(0);
    (void)fault_reset(state);
    (void)file_hooks_reset(state);
    xv_io_close(&io);
    return tmpdir_teardown(state);
}

static uint64_t size_now(void)
{
    uint64_t size = 0;
    assert_int_equal(xv_io_size(&io, &size, NULL), 0);
    return size;
}

static uint64_t allocated_now(void)
{
    struct stat status;
    assert_int_equal(stat(volume, &status), 0);
    return (uint64_t)status.st_blocks * 512;
}

static void fill(uint64_t offset, uint64_t len, int byte)
{
    uint8_t *bytes = malloc((size_t)len);
    assert_non_null(bytes);
    memset(bytes, byte, (size_t)len);
    const struct iovec piece = {bytes, (size_t)len};
    assert_int_equal(io.pwritev(io.context, &piece, 1, offset), 0);
    free(bytes);
}

static int byte_at(uint64_t offset)
{
    uint8_t byte = 0;
    assert_int_equal(xv_io_read(&io, &byte, 1, offset, NULL), 0);
    return byte;
}

/* Lists that together hold the same bytes, cut differently, empty pieces among them. */
struct lists {
    struct iovec out[NUM_PIECES];
    struct iovec in[NUM_PIECES];
    uint8_t written[NUM_PIECES * PIECE_MAX];
    uint8_t read[NUM_PIECES * PIECE_MAX];
    size_t len;
    size_t num_out;
    size_t num_in;
};

static size_t cut(struct iovec *list, struct iovec rest, struct test_random *random)
{
    size_t num = 0;
    while (rest.iov_len > 0 && num + 2 < NUM_PIECES) {
        size_t len = (size_t)test_random_below(random, PIECE_MAX + 1);
        len = len < rest.iov_len ? len : rest.iov_len;
        list[num++] = (struct iovec){len > 0 ? rest.iov_base : NULL, len};
        rest.iov_base = (uint8_t *)rest.iov_base + len;
        rest.iov_len -= len;
    }
    list[num++] = rest;
    list[num++] = (struct iovec){NULL, 0};
    return num;
}

static struct lists *make_lists(struct test_random *random, size_t len)
{
    struct lists *lists = calloc(1, sizeof(*lists));
    assert_non_null(lists);
    lists->len = len;
    test_random_bytes(random, lists->written, len);
    lists->num_out = cut(lists->out, (struct iovec){lists->written, len}, random);
    lists->num_in = cut(lists->in, (struct iovec){lists->read, len}, random);
    return lists;
}

static void lists_of_any_length_are_written_and_read(void **state)
{
    (void)state;
    struct test_random random = test_random_begin("io file");
    static const size_t lens[] = {0, 1, 2, 100, 3584, 8000, 12000};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct lists *lists = make_lists(&random, lens[i]);
        uint64_t offset = test_random_below(&random, 10000);
        assert_int_equal(io.pwritev(io.context, lists->out, lists->num_out, offset), 0);
        assert_int_equal(io.preadv(io.context, lists->in, lists->num_in, offset), 0);
        assert_memory_equal(lists->read, lists->written, lens[i]);
        free(lists);
    }
    assert_int_equal(io.pwritev(io.context, NULL, 0, 0), 0);
    assert_int_equal(io.preadv(io.context, NULL, 0, UINT64_MAX), 0);
}

/* F2. */
static void what_is_moved_in_part_goes_on(void **state)
{
    (void)state;
    struct test_random random = test_random_begin("io file");
    static const enum fault_mode modes[] = {FAULT_SHORT, FAULT_ONCE};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct lists *lists = make_lists(&random, 11000);
        FAULT_EACH (loop, FAULT_READ | FAULT_WRITE, modes[i], EINTR) {
            memset(lists->read, 0, lists->len);
            assert_int_equal(truncate(volume, 0), 0);
            fault_loop_arm(&loop);
            int wrote = io.pwritev(io.context, lists->out, lists->num_out, 5);
            int read = io.preadv(io.context, lists->in, lists->num_in, 5);
            (void)fault_loop_disarm(&loop);
            assert_int_equal(wrote, 0);
            assert_int_equal(read, 0);
            assert_memory_equal(lists->read, lists->written, lists->len);
        }
        free(lists);
    }
}

/* Half, and half of what is left, ...: one byte at the end. */
static void what_is_moved_in_part_again_and_again_goes_on(void **state)
{
    (void)state;
    uint8_t written[1000];
    uint8_t read[1000] = {0};
    struct test_random random = test_random_begin("io file");
    test_random_bytes(&random, written, sizeof(written));
    struct iovec out[] = {{written, 300}, {written + 300, 1}, {written + 301, 699}};
    struct iovec in[] = {{read, 999}, {read + 999, 1}};
    for (unsigned nth = 1; nth <= 3; nth++) {
        fault_arm_plan(&(struct fault_plan){
            .classes = FAULT_WRITE, .nth = nth, .error = EINTR, .mode = FAULT_SHORT});
        assert_int_equal(io.pwritev(io.context, out, 3, 0), 0);
        fault_arm_plan(&(struct fault_plan){
            .classes = FAULT_READ, .nth = nth, .error = EINTR, .mode = FAULT_SHORT});
        assert_int_equal(io.preadv(io.context, in, 2, 0), 0);
        (void)fault_disarm();
        assert_memory_equal(read, written, sizeof(written));
    }
}

static int do_all(void *context)
{
    (void)context;
    char bytes[8];
    int error = xv_io_write(&io, "abcdefgh", 8, 0, NULL);
    if (!error)
        error = xv_io_read(&io, bytes, 8, 0, NULL);
    return error ? error : xv_io_flush(&io, NULL);
}

static void every_error_of_the_medium_is_told(void **state)
{
    (void)state;
    static const struct {
        int native_error;
        int error;
    } cases[] = {
        {EIO, COMMON_ERR_IO},         {ENOSPC, COMMON_ERR_NO_SPACE},  {EDQUOT, COMMON_ERR_NO_SPACE},
        {EFBIG, COMMON_ERR_NO_SPACE}, {ENOMEM, COMMON_ERR_NO_MEMORY}, {EINVAL, COMMON_ERR_IO},
        {EAGAIN, COMMON_ERR_IO},      {ENODATA, COMMON_ERR_IO},       {EREMOTEIO, COMMON_ERR_IO},
    };
    assert_int_equal(io.set_size(io.context, 100), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        FAULT_EACH (loop, FAULT_READ | FAULT_WRITE | FAULT_SYNC, FAULT_ONCE,
                    cases[i].native_error) {
            fault_loop_arm(&loop);
            int error = do_all(NULL);
            bool fired = fault_loop_disarm(&loop);
            assert_int_equal(error, fired ? cases[i].error : 0);
        }
        int native_error = 0;
        fault_arm(FAULT_SYNC, 1, cases[i].native_error);
        assert_int_equal(xv_io_flush(&io, &native_error), cases[i].error);
        (void)fault_disarm();
        assert_int_equal(native_error, cases[i].native_error);
        assert_int_equal(xv_io_flush(&io, &native_error), 0);
        assert_int_equal(native_error, 0);
    }
}

static void an_error_after_a_part_is_told(void **state)
{
    (void)state;
    assert_int_equal(io.set_size(io.context, 100), 0);
    static const unsigned classes[] = {FAULT_READ, FAULT_WRITE};
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        int native_error = 0;
        fault_arm_plan(&(struct fault_plan){
            .classes = classes[i], .nth = 1, .error = ENOSPC, .mode = FAULT_SHORT_THEN_FAIL});
        assert_int_not_equal(do_all(NULL), 0);
        assert_true(fault_disarm().fired);
        fault_arm_plan(&(struct fault_plan){
            .classes = FAULT_WRITE, .nth = 1, .error = ENOSPC, .mode = FAULT_SHORT_THEN_FAIL});
        assert_int_equal(xv_io_write(&io, "abcd", 4, 0, &native_error), COMMON_ERR_NO_SPACE);
        (void)fault_disarm();
        assert_int_equal(native_error, ENOSPC);
    }
}

static void a_flush_that_a_signal_stops_is_done_again(void **state)
{
    (void)state;
    fault_arm(FAULT_SYNC, 1, EINTR);
    assert_int_equal(xv_io_flush(&io, NULL), 0);
    assert_int_equal(fault_disarm().seen, 2);
}

static void what_is_beyond_the_end_is_corrupt(void **state)
{
    (void)state;
    static const struct {
        uint64_t offset;
        size_t len;
    } cases[] = {{100, 1}, {99, 2}, {0, 101}, {101, 0}, {UINT64_MAX, 1}, {UINT64_MAX - 3, 8}};
    uint8_t bytes[200] = {0};
    fill(0, 100, 'x');
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int native_error = 0;
        assert_int_equal(xv_io_read(&io, bytes, cases[i].len, cases[i].offset, &native_error),
                         COMMON_ERR_CORRUPT);
        assert_int_equal(native_error, XV_IO_BEYOND_END);
        assert_int_equal(xv_io_write(&io, bytes, cases[i].len, cases[i].offset, NULL),
                         COMMON_ERR_CORRUPT);
    }
    assert_int_equal(size_now(), 100);
    assert_int_equal(xv_io_read(&io, bytes, 0, 100, NULL), 0);
    assert_int_equal(xv_io_read(&io, bytes, 1, 99, NULL), 0);
    assert_int_equal(xv_io_write(&io, bytes, 100, 0, NULL), 0);
    /* It became shorter after it was asked for its size. */
    const struct iovec pieces[] = {{bytes, 90}, {bytes, 11}};
    assert_int_equal(io.preadv(io.context, pieces, 2, 0), XV_IO_BEYOND_END);
    assert_int_equal(io.preadv(io.context, pieces, 2, 5000), XV_IO_BEYOND_END);
    assert_int_equal(xv_io_error(XV_IO_BEYOND_END), COMMON_ERR_CORRUPT);
    /* An offset that the system has no number for. */
    assert_int_not_equal(io.preadv(io.context, pieces, 2, UINT64_MAX - 5), 0);
    assert_int_not_equal(io.pwritev(io.context, pieces, 2, UINT64_MAX - 5), 0);
}

static void a_file_that_grows_takes_no_room(void **state)
{
    (void)state;
    fill(0, 10, 'x');
    uint64_t before = allocated_now();
    assert_int_equal(io.set_size(io.context, 50 * ONE_MIB), 0);
    assert_int_equal(size_now(), 50 * ONE_MIB);
    assert_int_equal(allocated_now(), before);
    assert_int_equal(byte_at(9), 'x');
    assert_int_equal(byte_at(50 * ONE_MIB - 1), 0);
    assert_int_equal(io.set_size(io.context, 5), 0);
    assert_int_equal(size_now(), 5);
}

static void a_size_that_cannot_be_is_refused(void **state)
{
    (void)state;
    static const int errors[] = {EFBIG, ENOSPC, EIO, EPERM};
    assert_int_equal(xv_io_error(io.set_size(io.context, UINT64_MAX)), COMMON_ERR_NO_SPACE);
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        fault_arm(FAULT_METADATA, 1, errors[i]);
        int error = io.set_size(io.context, 4096);
        (void)fault_disarm();
        assert_int_equal(error, errors[i]);
        assert_int_equal(size_now(), 0);
    }
    fault_arm(FAULT_METADATA, 1, EINTR);
    assert_int_equal(io.set_size(io.context, 4096), 0);
    (void)fault_disarm();
    assert_int_equal(size_now(), 4096);
}

static void what_is_discarded_is_given_back(void **state)
{
    (void)state;
    fill(0, 4 * ONE_MIB, 'x');
    assert_int_equal(io.flush(io.context), 0);
    uint64_t before = allocated_now();
    assert_int_equal(io.discard(io.context, ONE_MIB, 2 * ONE_MIB), 0);
    assert_true(allocated_now() <= before - 2 * ONE_MIB);
    assert_int_equal(size_now(), 4 * ONE_MIB);
    assert_int_equal(byte_at(ONE_MIB - 1), 'x');
    assert_int_equal(byte_at(ONE_MIB), 0);
    assert_int_equal(byte_at(3 * ONE_MIB - 1), 0);
    assert_int_equal(byte_at(3 * ONE_MIB), 'x');
    /* The last one does not make the file shorter, nor one behind the end longer. */
    assert_int_equal(io.discard(io.context, 3 * ONE_MIB, 5 * ONE_MIB), 0);
    assert_int_equal(size_now(), 4 * ONE_MIB);
}

static void a_medium_that_cannot_discard_is_none_the_worse(void **state)
{
    (void)state;
    static const struct {
        int native_error;
        int expected;
    } cases[] = {{EOPNOTSUPP, 0}, {ENOSYS, 0}, {EINTR, 0}, {EIO, EIO}, {ENOSPC, ENOSPC}};
    fill(0, 100, 'x');
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fault_arm(FAULT_METADATA, 1, cases[i].native_error);
        int error = io.discard(io.context, 10, 10);
        struct fault_report report = fault_disarm();
        assert_true(report.fired);
        assert_int_equal(report.seen, cases[i].native_error == EINTR ? 2 : 1);
        assert_int_equal(error, cases[i].expected);
    }
    assert_int_equal(io.discard(io.context, 10, 0), 0);
    assert_int_equal(io.discard(io.context, UINT64_MAX, 10), EINVAL);
    assert_int_equal(io.discard(io.context, 10, UINT64_MAX), EINVAL);
}

static void assert_run(uint64_t offset, uint64_t end_of_run, int is_hole)
{
    uint64_t found = 0;
    int found_hole = 2;
    assert_int_equal(io.next_hole(io.context, offset, &found, &found_hole), 0);
    assert_int_equal(found, end_of_run);
    assert_int_equal(found_hole, is_hole);
}

static void holes_are_found(void **state)
{
    (void)state;
    uint64_t found = 0;
    int is_hole = 0;
    assert_int_equal(io.next_hole(io.context, 0, &found, &is_hole), EINVAL);
    fill(ONE_MIB, ONE_MIB, 'x');
    fill(3 * ONE_MIB, 100, 'x');
    assert_int_equal(io.set_size(io.context, 5 * ONE_MIB), 0);
    assert_run(0, ONE_MIB, 1);
    assert_run(ONE_MIB - 1, ONE_MIB, 1);
    assert_run(ONE_MIB, 2 * ONE_MIB, 0);
    assert_run(ONE_MIB + 5, 2 * ONE_MIB, 0);
    assert_run(2 * ONE_MIB, 3 * ONE_MIB, 1);
    assert_run(4 * ONE_MIB, 5 * ONE_MIB, 1);
    assert_run(5 * ONE_MIB - 1, 5 * ONE_MIB, 1);
    assert_int_equal(io.next_hole(io.context, 5 * ONE_MIB, &found, &is_hole), EINVAL);
    assert_int_equal(io.next_hole(io.context, UINT64_MAX, &found, &is_hole), EINVAL);
    fill(4 * ONE_MIB, ONE_MIB, 'x');
    assert_run(4 * ONE_MIB, 5 * ONE_MIB, 0);
}

static bool cannot_tell(off_t *result, off_t offset, int whence)
{
    (void)offset;
    (void)whence;
    errno = EINVAL;
    *result = -1;
    return true;
}

static bool fails(off_t *result, off_t offset, int whence)
{
    (void)offset;
    (void)whence;
    errno = EIO;
    *result = -1;
    return true;
}

static bool fails_later(off_t *result, off_t offset, int whence)
{
    *result = offset;
    return whence == SEEK_DATA || fails(result, offset, whence);
}

/* It was punched between the two calls. */
static bool is_a_hole_now(off_t *result, off_t offset, int whence)
{
    (void)whence;
    *result = offset;
    return true;
}

/* It was cut between the two calls. */
static bool is_cut_now(off_t *result, off_t offset, int whence)
{
    *result = whence == SEEK_DATA ? offset : -1;
    errno = ENXIO;
    return true;
}

static void what_is_not_known_is_allocated(void **state)
{
    (void)state;
    uint64_t found = 0;
    int is_hole = 0;
    assert_int_equal(io.set_size(io.context, ONE_MIB), 0);
    file_hooks.seek = cannot_tell;
    assert_run(10, ONE_MIB, 0);
    file_hooks.seek = is_a_hole_now;
    assert_run(10, ONE_MIB, 0);
    file_hooks.seek = is_cut_now;
    assert_run(10, ONE_MIB, 0);
    file_hooks.seek = fails;
    assert_int_equal(io.next_hole(io.context, 10, &found, &is_hole), EIO);
    file_hooks.seek = fails_later;
    assert_int_equal(io.next_hole(io.context, 10, &found, &is_hole), EIO);
}

/* A caller's io, which counts. */
struct own {
    unsigned num_reads;
    unsigned num_closed;
    int size_error;
};

static int own_move(void *context, const struct iovec *iov, size_t num_iov, uint64_t offset)
{
    (void)iov;
    (void)num_iov;
    ((struct own *)context)->num_reads++;
    return offset == 7 ? EIO : 0;
}

static int own_flush(void *context)
{
    (void)context;
    return -EIO; /* not a positive one, as it should be */
}

static int own_size(void *context, uint64_t *size)
{
    *size = 1000;
    return ((struct own *)context)->size_error;
}

static void own_close(void *context)
{
    ((struct own *)context)->num_closed++;
}

static struct xtsvol_io own_io(struct own *own)
{
    return (struct xtsvol_io){.size = sizeof(struct xtsvol_io),
                              .context = own,
                              .preadv = own_move,
                              .pwritev = own_move,
                              .flush = own_flush,
                              .get_size = own_size,
                              .close = own_close};
}

static void an_io_of_the_caller_is_asked_for_nothing_beyond_its_end(void **state)
{
    (void)state;
    struct own own = {0};
    struct xtsvol_io caller = own_io(&own);
    struct xtsvol_io taken;
    uint8_t bytes[1000];
    uint64_t size = 5;
    assert_int_equal(xv_io_take(&taken, &caller), 0);
    memset(&caller, 0xff, sizeof(caller)); /* it was copied */
    assert_int_equal(xv_io_read(&taken, bytes, 1000, 1, NULL), COMMON_ERR_CORRUPT);
    assert_int_equal(xv_io_write(&taken, bytes, 1, 1000, NULL), COMMON_ERR_CORRUPT);
    assert_int_equal(xv_io_read(&taken, bytes, 0, 1000, NULL), 0);
    assert_int_equal(own.num_reads, 0);
    assert_int_equal(xv_io_read(&taken, bytes, 1000, 0, NULL), 0);
    assert_int_equal(xv_io_read(&taken, bytes, 1, 7, NULL), COMMON_ERR_IO);
    assert_int_equal(own.num_reads, 2);
    assert_int_equal(xv_io_flush(&taken, NULL), COMMON_ERR_IO);
    assert_int_equal(xv_io_size(&taken, &size, NULL), 0);
    assert_int_equal(size, 1000);
    own.size_error = EIO;
    assert_int_equal(xv_io_size(&taken, &size, NULL), COMMON_ERR_IO);
    assert_int_equal(size, 0);
    assert_int_equal(xv_io_read(&taken, bytes, 1, 0, NULL), COMMON_ERR_IO);
    assert_int_equal(own.num_reads, 2);
    xv_io_close(&taken);
    xv_io_close(&taken);
    assert_int_equal(own.num_closed, 1);
}

static void assert_not_taken(const struct xtsvol_io *caller)
{
    static const struct xtsvol_io none;
    struct xtsvol_io taken = {.size = 1};
    assert_int_equal(xv_io_take(&taken, caller), COMMON_ERR_INVALID);
    assert_memory_equal(&taken, &none, sizeof(taken));
}

static void an_io_without_what_must_be_there_is_refused(void **state)
{
    (void)state;
    struct own own = {0};
    struct xtsvol_io cases[6];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        cases[i] = own_io(&own);
    cases[0].preadv = NULL;
    cases[1].pwritev = NULL;
    cases[2].flush = NULL;
    cases[3].get_size = NULL;
    cases[4].size = 0;
    cases[5].size--;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_not_taken(&cases[i]);
    assert_not_taken(NULL);
    assert_int_equal(own.num_closed, 0);
}

static void an_io_of_a_later_version_is_taken_if_it_asks_for_nothing_new(void **state)
{
    (void)state;
    struct own own = {0};
    struct {
        struct xtsvol_io io;
        uint8_t more[16];
    } later = {.io = own_io(&own)};
    later.io.size = sizeof(later);
    struct xtsvol_io taken;
    assert_int_equal(xv_io_take(&taken, &later.io), 0);
    assert_int_equal(taken.size, sizeof(taken));
    later.more[15] = 1;
    assert_not_taken(&later.io);
    later.more[15] = 0;
    later.io.size = SIZE_MAX;
    assert_not_taken(&later.io);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(lists_of_any_length_are_written_and_read),
        WITH_FILE(what_is_moved_in_part_goes_on),
        WITH_FILE(what_is_moved_in_part_again_and_again_goes_on),
        WITH_FILE(every_error_of_the_medium_is_told),
        WITH_FILE(an_error_after_a_part_is_told),
        WITH_FILE(a_flush_that_a_signal_stops_is_done_again),
        WITH_FILE(what_is_beyond_the_end_is_corrupt),
        WITH_FILE(a_file_that_grows_takes_no_room),
        WITH_FILE(a_size_that_cannot_be_is_refused),
        WITH_FILE(what_is_discarded_is_given_back),
        WITH_FILE(a_medium_that_cannot_discard_is_none_the_worse),
        WITH_FILE(holes_are_found),
        WITH_FILE(what_is_not_known_is_allocated),
        cmocka_unit_test(an_io_of_the_caller_is_asked_for_nothing_beyond_its_end),
        cmocka_unit_test(an_io_without_what_must_be_there_is_refused),
        cmocka_unit_test(an_io_of_a_later_version_is_taken_if_it_asks_for_nothing_new),
    };
    return cmocka_run_group_tests_name("io_file", tests, NULL, NULL);
}
