/* SPDX-License-Identifier: Apache-2.0 */
/* The start of strongroom_record.so; recorder.h says how to use it. */
#include "tests/support/fault.h"
#include "tests/support/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After the constructor that finds the real functions, which has the highest priority. */
__attribute__((constructor)) static void begin(void)
{
    const char *root = getenv("STRONGROOM_RECORD_ROOT");
    const char *log_path = getenv("STRONGROOM_RECORD_LOG");
    if (root && log_path)
        recorder_join(root, log_path);

    const char *text = getenv("STRONGROOM_FAULT");
    unsigned numbers[4] = {0};
    char *end = NULL;
    for (int i = 0; text && i < 4; i++) {
        numbers[i] = (unsigned)strtoul(text, &end, 0);
        text = *end == ':' ? end + 1 : NULL;
    }
    if (numbers[0] != 0)
        fault_arm_plan(&(struct fault_plan){.classes = numbers[0],
                                            .nth = numbers[1],
                                            .mode = (enum fault_mode)numbers[2],
                                            .error = (int)numbers[3]});
}
