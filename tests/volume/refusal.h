/* SPDX-License-Identifier: Apache-2.0 */
/* A volume that is to be refused: why it was is said, and nothing is changed. */
#ifndef TESTS_VOLUME_REFUSAL_H
#define TESTS_VOLUME_REFUSAL_H

#include "tests/volume/surgery.h"

/* A volume in the test's directory. */
struct scene {
    const struct tmpdir *dir;
    char path[PATH_MAX];
    char header[PATH_MAX]; /* "": attached */
    struct keeper keeper;
    struct xtsvol_failure failure;
    struct xtsvol_volume_options options;
    struct seen seen;
};

/* Bytes of the volume; its extents are the smallest. */
#define SCENE_SIZE (UINT64_C(16) * XTSVOL_EXTENT_MIN)

/* Makes the volume, and closes it. *state is a struct tmpdir. */
void scene_begin(struct scene *scene, void **state, bool is_detached);
/* Opens it, which must work. */
struct xtsvol_volume *scene_open(struct scene *scene, bool is_read_only);
/* What it is now; to be freed. */
void scene_state(struct xv_superblock *out, const struct scene *scene);

enum refused_how {
    REFUSED_TO_WRITERS = 1,
    REFUSED_TO_READERS = 2,
    REFUSED_TO_ALL = 3
};

/* Opening by scene->options fails with that error and a sentence that has `words` in it, leaves
 * nothing open, and changes neither file. */
void assert_refused(struct scene *scene, enum refused_how how, int error, const char *words);

/* *failure tells of that error, in a sentence with these words. */
void assert_told(const struct xtsvol_failure *failure, int error, const char *words);

#endif
