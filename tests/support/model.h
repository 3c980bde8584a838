/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations against a plain model: the thing under test and a simple array or list go
 * through the same steps, and must agree.
 *
 *     static const char *put(void *context, struct test_random *random, char note[MODEL_NOTE])
 *     {
 *         struct both *both = context;
 *         uint64_t key = test_random_below(random, 100);
 *         (void)snprintf(note, MODEL_NOTE, "key %" PRIu64, key);
 *         ... does it to both ...
 *         return agree ? NULL : "put returned another result";
 *     }
 *
 *     static const struct model_operation operations[] = {{"put", 5, put}, {"delete", 1, delete}};
 *     model_assert(&(struct model){.name = "store", .operations = operations, .num_operations = 2,
 *                                  .steps = 1000, .context = &both, .check = compare_all});
 *
 * A failure prints the seed, the number of the step and the last operations with their notes. The
 * seed comes from STRONGROOM_SEED or the clock, the number of steps from STRONGROOM_STEPS where
 * set.
 */
#ifndef TESTS_SUPPORT_MODEL_H
#define TESTS_SUPPORT_MODEL_H

#include "tests/support/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MODEL_NOTE = 80,
    MODEL_HISTORY = 16
};

struct model_operation {
    const char *name;
    unsigned weight; /* how often, as against the others */
    /* NULL, or a sentence that says what does not agree. */
    const char *(*run)(void *context, struct test_random *random, char note[MODEL_NOTE]);
};

struct model {
    const char *name;
    const struct model_operation *operations;
    size_t num_operations;
    size_t steps;
    void *context;
    const char *(*check)(void *context); /* after each step; optional */
};

struct model_result {
    const char *reason;                           /* NULL: all steps agreed */
    size_t step;                                  /* the failing one, from 1 */
    char history[MODEL_HISTORY][MODEL_NOTE + 32]; /* of step n at n % MODEL_HISTORY */
};

void model_run(struct model_result *out, const struct model *model, struct test_random *random);
void model_assert(const struct model *model);

#endif
