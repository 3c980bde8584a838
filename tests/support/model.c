/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/model.h"

#include "tests/support/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct model_operation *choose(const struct model *model, struct test_random *random)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < model->num_operations; i++)
        sum += model->operations[i].weight;
    uint64_t number = test_random_below(random, sum);
    size_t i = 0;
    while (number >= model->operations[i].weight)
        number -= model->operations[i++].weight;
    return &model->operations[i];
}

void model_run(struct model_result *out, const struct model *model, struct test_random *random)
{
    memset(out, 0, sizeof(*out));
    while (out->step < model->steps && !out->reason) {
        out->step++;
        const struct model_operation *operation = choose(model, random);
        char note[MODEL_NOTE] = "";
        out->reason = operation->run(model->context, random, note);
        if (!out->reason && model->check)
            out->reason = model->check(model->context);
        char *line = out->history[out->step % MODEL_HISTORY];
        (void)snprintf(line, sizeof(out->history[0]), "%.30s %s", operation->name, note);
    }
}

void model_assert(const struct model *model)
{
    struct test_random random = test_random_begin(model->name);
    struct model with_steps = *model;
    struct model_result result;
    with_steps.steps = (size_t)test_number_from_environment("STRONGROOM_STEPS", model->steps);
    model_run(&result, &with_steps, &random);
    if (!result.reason)
        return;
    size_t first = result.step < MODEL_HISTORY ? 1 : result.step - MODEL_HISTORY + 1;
    for (size_t step = first; step <= result.step; step++)
        print_error("# step %zu: %s\n", step, result.history[step % MODEL_HISTORY]);
    fail_msg("%s: STRONGROOM_SEED=%" PRIu64 " step %zu: %s", model->name, random.seed, result.step,
             result.reason);
}
