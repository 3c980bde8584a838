/* SPDX-License-Identifier: Apache-2.0 */
/*
 * K4, of the key schedule too: what a call leaves behind does not depend on a secret. Each call is
 * made twice on the same stack, filled alike before, with other keys and other data at the same
 * addresses: not one byte of the stack, and not one bit of the vector registers, may differ
 * afterwards.
 */
#include "libxtsvol/src/xts/cpu.h"
#include "libxtsvol/src/xts/kernels/bitslice.h"
#include "libxtsvol/src/xts/xts.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#include <string.h>
#include <ucontext.h>

enum {
    STACK_LEN = 128 * 1024,
    DATA_LEN = 3 * 1041,
    NUM_REGISTERS = 32,
    VECTOR_LEN = 64, /* as wide as they may be */
    REGISTERS_LEN = NUM_REGISTERS * VECTOR_LEN,
    STACK_ALIGNMENT = 16
};

/* All that is secret. */
struct secrets {
    struct xts_key_memory memory;
    uint8_t data[DATA_LEN];
    uint8_t tweak[XTS_BLOCK_LEN];
};

typedef void call_fn(const struct xts_kernel *kernel, struct secrets *secrets);

struct remains {
    uint8_t stack[STACK_LEN];
    uint8_t registers[REGISTERS_LEN];
};

static uint8_t call_stack[STACK_LEN] __attribute__((aligned(64)));
static uint8_t registers[REGISTERS_LEN] __attribute__((aligned(64)));
static uint32_t cpu_features;
static ucontext_t test_context;
static ucontext_t call_context;
static struct {
    call_fn *make;
    const struct xts_kernel *kernel;
    struct secrets secrets;
} call;

#if defined(__x86_64__)
static inline __attribute__((always_inline)) void take_zmm(void)
{
    __asm__ volatile("vmovdqa64 %%zmm0, 0(%0)\n\tvmovdqa64 %%zmm1, 64(%0)\n\t"
                     "vmovdqa64 %%zmm2, 128(%0)\n\tvmovdqa64 %%zmm3, 192(%0)\n\t"
                     "vmovdqa64 %%zmm4, 256(%0)\n\tvmovdqa64 %%zmm5, 320(%0)\n\t"
                     "vmovdqa64 %%zmm6, 384(%0)\n\tvmovdqa64 %%zmm7, 448(%0)\n\t"
                     "vmovdqa64 %%zmm8, 512(%0)\n\tvmovdqa64 %%zmm9, 576(%0)\n\t"
                     "vmovdqa64 %%zmm10, 640(%0)\n\tvmovdqa64 %%zmm11, 704(%0)\n\t"
                     "vmovdqa64 %%zmm12, 768(%0)\n\tvmovdqa64 %%zmm13, 832(%0)\n\t"
                     "vmovdqa64 %%zmm14, 896(%0)\n\tvmovdqa64 %%zmm15, 960(%0)\n\t"
                     "vmovdqa64 %%zmm16, 1024(%0)\n\tvmovdqa64 %%zmm17, 1088(%0)\n\t"
                     "vmovdqa64 %%zmm18, 1152(%0)\n\tvmovdqa64 %%zmm19, 1216(%0)\n\t"
                     "vmovdqa64 %%zmm20, 1280(%0)\n\tvmovdqa64 %%zmm21, 1344(%0)\n\t"
                     "vmovdqa64 %%zmm22, 1408(%0)\n\tvmovdqa64 %%zmm23, 1472(%0)\n\t"
                     "vmovdqa64 %%zmm24, 1536(%0)\n\tvmovdqa64 %%zmm25, 1600(%0)\n\t"
                     "vmovdqa64 %%zmm26, 1664(%0)\n\tvmovdqa64 %%zmm27, 1728(%0)\n\t"
                     "vmovdqa64 %%zmm28, 1792(%0)\n\tvmovdqa64 %%zmm29, 1856(%0)\n\t"
                     "vmovdqa64 %%zmm30, 1920(%0)\n\tvmovdqa64 %%zmm31, 1984(%0)"
                     :
                     : "r"(registers)
                     : "memory");
}

static inline __attribute__((always_inline)) void take_ymm(void)
{
    __asm__ volatile("vmovdqa %%ymm0, 0(%0)\n\tvmovdqa %%ymm1, 32(%0)\n\t"
                     "vmovdqa %%ymm2, 64(%0)\n\tvmovdqa %%ymm3, 96(%0)\n\t"
                     "vmovdqa %%ymm4, 128(%0)\n\tvmovdqa %%ymm5, 160(%0)\n\t"
                     "vmovdqa %%ymm6, 192(%0)\n\tvmovdqa %%ymm7, 224(%0)\n\t"
                     "vmovdqa %%ymm8, 256(%0)\n\tvmovdqa %%ymm9, 288(%0)\n\t"
                     "vmovdqa %%ymm10, 320(%0)\n\tvmovdqa %%ymm11, 352(%0)\n\t"
                     "vmovdqa %%ymm12, 384(%0)\n\tvmovdqa %%ymm13, 416(%0)\n\t"
                     "vmovdqa %%ymm14, 448(%0)\n\tvmovdqa %%ymm15, 480(%0)"
                     :
                     : "r"(registers)
                     : "memory");
}

static inline __attribute__((always_inline)) void take_xmm(void)
{
    __asm__ volatile("movdqa %%xmm0, 0(%0)\n\tmovdqa %%xmm1, 16(%0)\n\t"
                     "movdqa %%xmm2, 32(%0)\n\tmovdqa %%xmm3, 48(%0)\n\t"
                     "movdqa %%xmm4, 64(%0)\n\tmovdqa %%xmm5, 80(%0)\n\t"
                     "movdqa %%xmm6, 96(%0)\n\tmovdqa %%xmm7, 112(%0)\n\t"
                     "movdqa %%xmm8, 128(%0)\n\tmovdqa %%xmm9, 144(%0)\n\t"
                     "movdqa %%xmm10, 160(%0)\n\tmovdqa %%xmm11, 176(%0)\n\t"
                     "movdqa %%xmm12, 192(%0)\n\tmovdqa %%xmm13, 208(%0)\n\t"
                     "movdqa %%xmm14, 224(%0)\n\tmovdqa %%xmm15, 240(%0)"
                     :
                     : "r"(registers)
                     : "memory");
}
#endif

static inline __attribute__((always_inline)) void take_registers(void)
{
#if defined(__x86_64__)
    if (cpu_features & XV_CPU_VAES_AVX512)
        take_zmm();
    else if (cpu_features & XV_CPU_VAES_AVX2)
        take_ymm();
    else
        take_xmm();
#elif defined(__aarch64__)
    __asm__ volatile("stp q0, q1, [%0, #0]\n\tstp q2, q3, [%0, #32]\n\t"
                     "stp q4, q5, [%0, #64]\n\tstp q6, q7, [%0, #96]\n\t"
                     "stp q8, q9, [%0, #128]\n\tstp q10, q11, [%0, #160]\n\t"
                     "stp q12, q13, [%0, #192]\n\tstp q14, q15, [%0, #224]\n\t"
                     "stp q16, q17, [%0, #256]\n\tstp q18, q19, [%0, #288]\n\t"
                     "stp q20, q21, [%0, #320]\n\tstp q22, q23, [%0, #352]\n\t"
                     "stp q24, q25, [%0, #384]\n\tstp q26, q27, [%0, #416]\n\t"
                     "stp q28, q29, [%0, #448]\n\tstp q30, q31, [%0, #480]"
                     :
                     : "r"(registers)
                     : "memory");
#endif
}

/* Older compilers cannot clear registers (residue.h): nothing is promised about them there. */
static const bool registers_are_cleared =
#if defined(__has_attribute) && __has_attribute(zero_call_used_regs)
    true;
#else
    false;
#endif

static __attribute__((noinline)) void on_call_stack(void)
{
    call.make(call.kernel, &call.secrets);
    take_registers();
}

/* What this program has in registers that a call must keep would be found on the stack, saved. */
static void forget_registers(ucontext_t *context)
{
#if defined(__x86_64__)
    static const int kept[] = {REG_RBX, REG_RBP, REG_R12, REG_R13, REG_R14, REG_R15};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        context->uc_mcontext.gregs[kept[i]] = 0;
#elif defined(__aarch64__)
    for (size_t i = 19; i < 30; i++)
        context->uc_mcontext.regs[i] = 0;
#else
    (void)context;
#endif
}

/* The stack begins `down` bytes further down. */
static void run_once(struct remains *out, struct test_random *random, size_t down)
{
    uint8_t key[XTSVOL_XTS_KEY_LEN];
    test_random_bytes(random, key, sizeof(key));
    xv_schedule_expand(&call.secrets.memory.schedule, key);
    call.secrets.memory.mark = XTS_KEY_MARK;
    test_random_bytes(random, call.secrets.data, sizeof(call.secrets.data));
    test_random_bytes(random, call.secrets.tweak, sizeof(call.secrets.tweak));

    memset(call_stack, 0xa5, sizeof(call_stack));
    memset(registers, 0, sizeof(registers));
    /* cppcheck-suppress getcontextCalled ; a thread of its own would leave more on the stack */
    assert_int_equal(getcontext(&call_context), 0);
    forget_registers(&call_context);
    call_context.uc_stack.ss_sp = call_stack;
    call_context.uc_stack.ss_size = sizeof(call_stack) - down;
    call_context.uc_link = &test_context;
    /* cppcheck-suppress makecontextCalled */
    makecontext(&call_context, on_call_stack, 0);
    /* cppcheck-suppress swapcontextCalled */
    assert_int_equal(swapcontext(&test_context, &call_context), 0);
    memcpy(out->stack, call_stack, sizeof(call_stack));
    memcpy(out->registers, registers, sizeof(registers));
}

enum {
    STACK_DIFFERS = 1,
    REGISTERS_DIFFER = 2
};

static unsigned what_differs_at(size_t down)
{
    static struct remains first;
    static struct remains second;
    struct test_random random = test_random_begin("residue");
    /* Once for what only the first call leaves, such as how libc found its memset(). All alike to
     * the last argument: a kernel saves registers of its caller on the stack. */
    run_once(&second, &random, down);
    run_once(&second, &random, down);
    memcpy(&first, &second, sizeof(first));
    run_once(&second, &random, down);
    return (memcmp(first.stack, second.stack, STACK_LEN) != 0 ? STACK_DIFFERS : 0U) |
           (memcmp(first.registers, second.registers, REGISTERS_LEN) != 0 ? REGISTERS_DIFFER : 0U);
}

/* Frames that hold vectors begin at a multiple of their length: how far down a frame reaches, and
 * how far the wipe of it, depends on where the caller's ends. */
static unsigned what_differs(call_fn *make, const struct xts_kernel *kernel)
{
    unsigned differs = 0;
    call.make = make;
    call.kernel = kernel;
    for (size_t down = 0; down < VECTOR_LEN; down += STACK_ALIGNMENT)
        differs |= what_differs_at(down);
    return differs;
}

static void encrypts_units(const struct xts_kernel *kernel, struct secrets *s)
{
    kernel->units[XTS_ENCRYPT](&s->memory.schedule, s->data, s->data, 512, xtsvol_unit(1), 5);
}

static void decrypts_units(const struct xts_kernel *kernel, struct secrets *s)
{
    kernel->units[XTS_DECRYPT](&s->memory.schedule, s->data, s->data, 48, xtsvol_unit(1), 60);
}

static void encrypts_one_unit(const struct xts_kernel *kernel, struct secrets *s)
{
    kernel->units[XTS_ENCRYPT](&s->memory.schedule, s->data, s->data, 2048 + 48, xtsvol_unit(1), 1);
}

static void decrypts_one_unit(const struct xts_kernel *kernel, struct secrets *s)
{
    kernel->units[XTS_DECRYPT](&s->memory.schedule, s->data, s->data, 2048 + 48, xtsvol_unit(1), 1);
}

static void encrypts_whole_groups(const struct xts_kernel *kernel, struct secrets *s)
{
    kernel->units[XTS_ENCRYPT](&s->memory.schedule, s->data, s->data, 2048, xtsvol_unit(1), 1);
}

static void decrypts_whole_groups(const struct xts_kernel *kernel, struct secrets *s)
{
    kernel->units[XTS_DECRYPT](&s->memory.schedule, s->data, s->data, 2048, xtsvol_unit(1), 1);
}

static void encrypts_with_stealing(const struct xts_kernel *kernel, struct secrets *s)
{
    kernel->units[XTS_ENCRYPT](&s->memory.schedule, s->data, s->data, 1041, xtsvol_unit(1), 3);
}

static void decrypts_with_stealing(const struct xts_kernel *kernel, struct secrets *s)
{
    kernel->units[XTS_DECRYPT](&s->memory.schedule, s->data, s->data, 1041, xtsvol_unit(1), 3);
}

static void encrypts_blocks(const struct xts_kernel *kernel, struct secrets *s)
{
    kernel->blocks[XTS_ENCRYPT](&s->memory.schedule, s->tweak, s->data, s->data, 29);
}

static void decrypts_blocks(const struct xts_kernel *kernel, struct secrets *s)
{
    kernel->blocks[XTS_DECRYPT](&s->memory.schedule, s->tweak, s->data, s->data, 29);
}

/* Units that are cut within a block, between blocks and within the tail. */
static void crypt_lists(const struct xts_kernel *kernel, struct secrets *s,
                        enum xts_direction direction)
{
    const struct xtsvol_xts_key key = {.kernel = kernel, .memory = &s->memory};
    const struct iovec list[] = {
        {s->data, 1000}, {s->data + 1000, 37}, {s->data + 1037, 1056}, {s->data + 2093, 1030}};
    int error = direction == XTS_ENCRYPT
                    ? xtsvol_xts_encryptv(&key, list, 4, list, 4, 1041, xtsvol_unit(1))
                    : xtsvol_xts_decryptv(&key, list, 4, list, 4, 1041, xtsvol_unit(1));
    if (error)
        fail_msg("lists: error %d", error);
}

static void encrypts_lists(const struct xts_kernel *kernel, struct secrets *s)
{
    crypt_lists(kernel, s, XTS_ENCRYPT);
}

static void decrypts_lists(const struct xts_kernel *kernel, struct secrets *s)
{
    crypt_lists(kernel, s, XTS_DECRYPT);
}

static void makes_a_tweak(const struct xts_kernel *kernel, struct secrets *s)
{
    kernel->first_tweak(&s->memory.schedule, s->tweak, xtsvol_unit(1));
}

static void expands_a_key(const struct xts_kernel *kernel, struct secrets *s)
{
    (void)kernel;
    xv_schedule_expand(&s->memory.schedule, s->data);
}

static void expanding_leaves_nothing_of_the_key(void **state)
{
    (void)state;
    unsigned left = what_differs(expands_a_key, NULL);
    assert_false(left & STACK_DIFFERS);
    assert_false(registers_are_cleared && left & REGISTERS_DIFFER);
}

static void nothing_of_a_secret_is_left(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        call_fn *make;
    } calls[] = {
        {"encrypting units", encrypts_units},
        {"decrypting units", decrypts_units},
        {"encrypting one unit", encrypts_one_unit},
        {"decrypting one unit", decrypts_one_unit},
        {"encrypting one unit of whole groups", encrypts_whole_groups},
        {"decrypting one unit of whole groups", decrypts_whole_groups},
        {"encrypting with stealing", encrypts_with_stealing},
        {"decrypting with stealing", decrypts_with_stealing},
        {"encrypting blocks", encrypts_blocks},
        {"decrypting blocks", decrypts_blocks},
        {"encrypting lists", encrypts_lists},
        {"decrypting lists", decrypts_lists},
        {"a first tweak", makes_a_tweak},
    };
    struct xtsvol_kernel told;
    size_t num_tried = 0;
    for (size_t i = 0; xtsvol_kernel_get(&told, i) == XTSVOL_OK; i++) {
        if (!told.is_usable)
            continue;
        for (size_t j = 0; j < ARRAY_LEN(calls); j++) {
            unsigned left = what_differs(calls[j].make, xv_kernels[i]);
            if (left & STACK_DIFFERS)
                fail_msg("%s, %s: the stack tells", told.name, calls[j].name);
            if (registers_are_cleared && left & REGISTERS_DIFFER)
                fail_msg("%s, %s: the registers tell", told.name, calls[j].name);
        }
        num_tried++;
    }
    assert_true(num_tried > 0);
}

/* What a kernel would leave that does not clean up. */
static void careless(const struct xts_kernel *kernel, struct secrets *s)
{
    (void)kernel;
    struct sliced_keys keys;
    bitslice_keys(&keys, s->memory.schedule.encrypt, XTS_ENCRYPT);
    bitslice_blocks(&keys, s->data, XTS_ENCRYPT);
    __asm__ volatile("" : : "r"(&keys) : "memory");
}

static void what_is_left_would_be_seen(void **state)
{
    (void)state;
    assert_true(what_differs(careless, NULL) & STACK_DIFFERS);
}

int main(void)
{
    cpu_features = xv_cpu_probe().features;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_a_secret_is_left),
        cmocka_unit_test(expanding_leaves_nothing_of_the_key),
        cmocka_unit_test(what_is_left_would_be_seen),
    };
    return cmocka_run_group_tests_name("residue", tests, NULL, NULL);
}
