/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seeded generator for tests (splitmix64): the same seed gives the same test on every machine.
 * Not for secrets.
 *
 *     struct test_random random = test_random_begin("volume map");
 *
 * takes the seed from STRONGROOM_SEED, or from the clock, and prints it as a TAP diagnostic, so
 * that a failure can be repeated: STRONGROOM_SEED=... meson test volume_map.
 */
#ifndef TESTS_SUPPORT_RANDOM_H
#define TESTS_SUPPORT_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test_random {
    uint64_t seed; /* what it began with */
    uint64_t state;
};

struct test_random test_random_begin(const char *what);
struct test_random test_random_of(uint64_t seed);

uint64_t test_random_next(struct test_random *random);
/* 0 <= result < bound, all alike; bound > 0. */
uint64_t test_random_below(struct test_random *random, uint64_t bound);
/* low <= result <= high. */
uint64_t test_random_range(struct test_random *random, uint64_t low, uint64_t high);
/* True in `percent` of 100 cases. */
bool test_random_chance(struct test_random *random, unsigned percent);
void test_random_bytes(struct test_random *random, void *out, size_t len);

/* An element of an array. */
#define TEST_RANDOM_CHOOSE(random, array)                                                          \
    ((array)[test_random_below((random), sizeof(array) / sizeof((array)[0]))])

/* A number from the environment, or what is given where the variable is not set: STRONGROOM_STATES
 * says how many states of a crash test to try. */
uint64_t test_number_from_environment(const char *name, uint64_t otherwise);

#endif
