/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/random.h"

#include "common/base/ct.h"

#include <errno.h>
#include <sys/random.h>

int common_random(uint8_t *out, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t got = getrandom(out + done, len - done, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            common_wipe(out, len);
            return COMMON_ERR_IO;
        }
        done += (size_t)got;
    }
    return 0;
}
