/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens between two steps of xv_file_open(), and what the kernel cannot be made to say here.
 * The program is linked with --wrap of what stands below.
 */
#ifndef TESTS_VOLUME_FILE_HOOKS_H
#define TESTS_VOLUME_FILE_HOOKS_H

#include <stdbool.h>
#include <sys/types.h>

struct file_hooks {
    void (*before_open)(const char *path);                 /* of each open() */
    void (*before_lock)(void);                             /* of each xv_lock_take() */
    bool (*seek)(off_t *result, off_t offset, int whence); /* true: in the place of lseek() */
    unsigned num_opens;
};

extern struct file_hooks file_hooks;

/* The shape of a cmocka teardown. */
int file_hooks_reset(void **state);

/* Descriptors of this process. */
unsigned file_num_open(void);
/* The one whose file is this, or -1. */
int file_descriptor_of(const char *path);

#endif
