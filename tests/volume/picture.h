/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes of a released format, kept as text (tests/data/volume-v1/):
 *
 *     # what it is
 *     file volume 15728640              a file and its length
 *     000000: 895853...                 bytes at an offset, both hexadecimal; the rest is zeroes
 *
 * and what everybody who reads them has to know: the key of generation g is 64 bytes, byte i of it
 * 37 * g + 11 * i + 5 modulo 256; wherever a volume was written, byte n of it is n modulo 251.
 */
#ifndef TESTS_VOLUME_PICTURE_H
#define TESTS_VOLUME_PICTURE_H

#include "tests/volume/volume_support.h"

enum {
    PICTURE_MODULUS = 251,
    PICTURE_WRITTEN = 1024 /* bytes at each place that was written */
};

int picture_key(void *context, uint8_t key[XTSVOL_XTS_KEY_LEN], const uint8_t uuid[XTSVOL_UUID_LEN],
                uint32_t generation);

/* Makes the files that the text is of, in the directory. */
void picture_load(const char *text_path, const char *dir);
/* Appends a file to the text. */
void picture_save(FILE *text, const char *path, const char *name);

#endif
