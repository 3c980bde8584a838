/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct test_random test_random_of(uint64_t seed)
{
    return (struct test_random){.seed = seed, .state = seed};
}

uint64_t test_number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    if (!text || !*text)
        return otherwise;
    char *end = NULL;
    uint64_t value = strtoull(text, &end, 0);
    if (*end != 0) {
        (void)fprintf(stderr, "%s=%s is not a number\n", name, text);
        abort();
    }
    return value;
}

struct test_random test_random_begin(const char *what)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t clock = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
    struct test_random start = test_random_of(clock ^ (uint64_t)getpid() << 48);
    uint64_t seed = test_number_from_environment("STRONGROOM_SEED", test_random_next(&start));
    (void)printf("# %s: seed %" PRIu64 " (repeat with STRONGROOM_SEED=%" PRIu64 ")\n", what, seed,
                 seed);
    (void)fflush(stdout);
    return test_random_of(seed);
}

uint64_t test_random_next(struct test_random *random)
{
    random->state += 0x9e3779b97f4a7c15U;
    uint64_t z = random->state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

/* The topmost incomplete run of `bound` values is drawn again, or small values would be favoured.
 */
uint64_t test_random_below(struct test_random *random, uint64_t bound)
{
    if (bound == 0)
        abort();
    uint64_t excess = UINT64_MAX % bound + 1;
    uint64_t limit = excess == bound ? UINT64_MAX : UINT64_MAX - excess;
    uint64_t value = test_random_next(random);
    while (value > limit)
        value = test_random_next(random);
    return value % bound;
}

uint64_t test_random_range(struct test_random *random, uint64_t low, uint64_t high)
{
    if (low == 0 && high == UINT64_MAX)
        return test_random_next(random);
    return low + test_random_below(random, high - low + 1);
}

bool test_random_chance(struct test_random *random, unsigned percent)
{
    return test_random_below(random, 100) < percent;
}

void test_random_bytes(struct test_random *random, void *out, size_t len)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < len;) {
        uint64_t value = test_random_next(random);
        for (unsigned j = 0; j < 8 && i < len; j++)
            bytes[i++] = (uint8_t)(value >> 8 * j);
    }
}
