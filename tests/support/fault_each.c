/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fault.h"
#include "tests/support/test.h"

enum {
    DEFAULT_CEILING = 20000
};

/* The last round must have been an undisturbed one: by then each class has to have fired. */
static void finish(const struct fault_loop *loop)
{
    unsigned absent = loop->plan.classes & ~loop->fired_classes & ~loop->may_be_absent;
    if (absent)
        fail_msg("no call of fault class 0x%x was made: nothing is proven", absent);
}

bool fault_loop_next(struct fault_loop *loop)
{
    (void)fault_disarm();
    if (loop->plan.nth != 0) {
        if (!loop->was_armed || loop->is_armed)
            fail_msg("round %u was not armed and disarmed", loop->plan.nth);
        if (!loop->fired) {
            finish(loop);
            return false;
        }
    }
    unsigned ceiling = loop->ceiling ? loop->ceiling : DEFAULT_CEILING;
    if (loop->plan.nth == ceiling)
        fail_msg("a fault still fires in round %u", ceiling);
    loop->plan.nth++;
    loop->was_armed = false;
    loop->fired = false;
    return true;
}

void fault_loop_arm(struct fault_loop *loop)
{
    loop->is_armed = true;
    loop->was_armed = true;
    fault_arm_plan(&loop->plan);
}

bool fault_loop_disarm(struct fault_loop *loop)
{
    struct fault_report report = fault_disarm();
    loop->is_armed = false;
    loop->fired = loop->fired || report.fired;
    loop->fired_classes |= report.fired_classes;
    return report.fired;
}

static void check_plainly(int result, bool fired, unsigned nth)
{
    if (fired && result == 0)
        fail_msg("the failure of call %u was swallowed", nth);
    if (!fired && result != 0)
        fail_msg("result %d although nothing failed", result);
}

void fault_each(const struct fault_case *fault_case)
{
    struct fault_loop loop = {.plan = {.classes = fault_case->classes,
                                       .mode = fault_case->mode,
                                       .error = fault_case->error},
                              .may_be_absent = fault_case->may_be_absent};
    while (fault_loop_next(&loop)) {
        if (fault_case->setup)
            fault_case->setup(fault_case->context);
        fault_loop_arm(&loop);
        int result = fault_case->operation(fault_case->context);
        bool fired = fault_loop_disarm(&loop);
        if (fault_case->check)
            fault_case->check(fault_case->context, result, fired);
        else
            check_plainly(result, fired, loop.plan.nth);
    }
}
