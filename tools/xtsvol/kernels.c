/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/kernels.h"

const char *const bench_op_names[BENCH_NUM_OPS] = {"encrypt", "decrypt"};

static int open_one(struct bench_kernel *kernel, const uint8_t key[XTSVOL_XTS_KEY_LEN])
{
    struct xtsvol_xts_options options = xtsvol_xts_options_default();
    options.kernels = kernel->info.id;
    int error = xtsvol_xts_open(&kernel->xts, &options);
    if (!error)
        error = xtsvol_xts_key_new(&kernel->key, kernel->xts, key, XTSVOL_XTS_KEY_LEN);
    return error;
}

int bench_kernels_open(struct bench_kernels *out, const uint8_t key[XTSVOL_XTS_KEY_LEN])
{
    *out = (struct bench_kernels){0};
    struct xtsvol_kernel info;
    for (size_t i = 0; out->num < BENCH_MAX_KERNELS && xtsvol_kernel_get(&info, i) == 0; i++) {
        if (!info.is_usable)
            continue;
        struct bench_kernel *kernel = &out->list[out->num++];
        kernel->info = info;
        int error = open_one(kernel, key);
        if (error)
            return error;
    }
    return out->num ? 0 : COMMON_ERR_UNSUPPORTED;
}

void bench_kernels_close(struct bench_kernels *kernels)
{
    for (size_t i = 0; i < kernels->num; i++) {
        xtsvol_xts_key_free(&kernels->list[i].key);
        xtsvol_xts_close(&kernels->list[i].xts);
    }
    kernels->num = 0;
}

int bench_kernel_crypt(void *context, enum bench_op op, uint8_t *out, const uint8_t *in, size_t len,
                       size_t unit_len, uint64_t first)
{
    const struct bench_kernel *kernel = context;
    return op == BENCH_ENCRYPT
               ? xtsvol_xts_encrypt(kernel->key, out, in, len, unit_len, xtsvol_unit(first))
               : xtsvol_xts_decrypt(kernel->key, out, in, len, unit_len, xtsvol_unit(first));
}
