/* SPDX-License-Identifier: Apache-2.0 */
#include "libxtsvol/src/volume/buffers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    NUM_KEPT = 16,
    ALIGNMENT = 4096
};

struct xv_buffers {
    pthread_mutex_t lock;
    size_t num_kept;
    uint8_t *kept[NUM_KEPT];
};

int xv_buffers_open(struct xv_buffers **out)
{
    *out = NULL;
    struct xv_buffers *buffers = calloc(1, sizeof(*buffers));
    if (!buffers)
        return COMMON_ERR_NO_MEMORY;
    if (pthread_mutex_init(&buffers->lock, NULL)) {
        free(buffers);
        return COMMON_ERR_NO_MEMORY;
    }
    *out = buffers;
    return 0;
}

void xv_buffers_close(struct xv_buffers **buffers)
{
    if (!*buffers)
        return;
    for (size_t i = 0; i < (*buffers)->num_kept; i++)
        free((*buffers)->kept[i]);
    (void)pthread_mutex_destroy(&(*buffers)->lock);
    free(*buffers);
    *buffers = NULL;
}

uint8_t *xv_buffer_get(struct xv_buffers *buffers)
{
    uint8_t *buffer = NULL;
    (void)pthread_mutex_lock(&buffers->lock);
    if (buffers->num_kept > 0)
        buffer = buffers->kept[--buffers->num_kept];
    (void)pthread_mutex_unlock(&buffers->lock);
    return buffer ? buffer : aligned_alloc(ALIGNMENT, XV_BUFFER_LEN);
}

void xv_buffer_put(struct xv_buffers *buffers, uint8_t *buffer)
{
    (void)pthread_mutex_lock(&buffers->lock);
    bool is_kept = buffers->num_kept < NUM_KEPT;
    if (is_kept)
        buffers->kept[buffers->num_kept++] = buffer;
    (void)pthread_mutex_unlock(&buffers->lock);
    if (!is_kept)
        free(buffer);
}
