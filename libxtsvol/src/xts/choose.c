/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernel is taken. XTS_KERNELS comes from meson.build: those of this architecture. */
#include "libxtsvol/src/xts/cpu.h"
#include "libxtsvol/src/xts/kernel.h"

#include <stdio.h>
#include <string.h>

#define X(kernel) &xv_kernel_##kernel,
const struct xts_kernel *const xv_kernels[] = {XTS_KERNELS NULL};
#undef X

static bool can_run(const struct xv_cpu *cpu, const struct xts_kernel *kernel)
{
    return (kernel->needs & ~cpu->features) == 0;
}

const struct xts_kernel *xv_kernel_choose(const struct xv_cpu *cpu, uint32_t allowed)
{
    for (size_t i = 0; xv_kernels[i]; i++) {
        const struct xts_kernel *kernel = xv_kernels[i];
        if (!(kernel->id & allowed) || !can_run(cpu, kernel))
            continue;
        /* Half as wide is the better choice then, if it may be chosen; nothing below that is. */
        if (kernel->id == XTSVOL_KERNEL_VAES_AVX512 && cpu->slows_for_zmm &&
            (allowed & XTSVOL_KERNEL_VAES_AVX2))
            continue;
        return kernel;
    }
    return NULL;
}

int xtsvol_kernel_get(struct xtsvol_kernel *out, size_t index)
{
    if (!out)
        return XTSVOL_ERR_INVALID;
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i <= index; i++) {
        if (!xv_kernels[i])
            return XTSVOL_ERR_NOT_FOUND;
    }
    const struct xts_kernel *kernel = xv_kernels[index];
    const struct xv_cpu cpu = xv_cpu_probe();
    out->id = kernel->id;
    (void)snprintf(out->name, sizeof(out->name), "%s", kernel->name);
    out->is_usable = can_run(&cpu, kernel);
    out->is_preferred = kernel == xv_kernel_choose(&cpu, UINT32_MAX);
    return XTSVOL_OK;
}
