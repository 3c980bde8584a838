/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file xtsvol/xts.h
 * AES-256-XTS (IEEE Std 1619-2018, NIST SP 800-38E) for storage: whole data units, many in a call.
 *
 *     struct xtsvol_xts *xts = NULL;
 *     struct xtsvol_xts_key *key = NULL;
 *     int error = xtsvol_xts_open(&xts, NULL);
 *     if (!error)
 *         error = xtsvol_xts_key_new(&key, xts, bytes, XTSVOL_XTS_KEY_LEN);
 *     if (!error)
 *         error = xtsvol_xts_encrypt(key, buffer, buffer, 64 * 4096, 4096, xtsvol_unit(first));
 *     xtsvol_xts_key_free(&key);
 *     xtsvol_xts_close(&xts);
 *
 * What it is: a data unit (a sector, say) of 16 bytes to 16 MiB is encrypted under the key and the
 * number of the unit. The same plaintext in the same unit under the same key gives the same
 * ciphertext, and nothing is authenticated: that is what XTS is, no more. A ciphertext that was
 * changed decrypts to something else without an error. How much data lies under one key is not
 * counted: 2^64 blocks of 16 bytes are allowed (IEEE 1619-2018, 5.1), 2^44 by the edition of 2025.
 *
 * Lengths: a data unit that is not a multiple of 16 bytes ends with ciphertext stealing (IEEE 1619,
 * 5.3.2 and 5.4.2), the order of blocks as in the standard. Units of one call are all of the same
 * length, and their numbers count up by one. dm-crypt's aes-xts-plain64 numbers its units by
 * sectors of 512 bytes: with longer ones each is a call of its own (0, 8, 16, ... for 4096 bytes),
 * unless dm-crypt was told iv_large_sectors.
 *
 * Speed: many units a call, at the begin of a cache line, of a multiple of 256 bytes are fastest.
 * Units of 520 or 528 bytes take two to four times as long as those of 512, on the widest kernel.
 *
 * Kernels: the AES is done by one of several implementations, and the handle takes the best one
 * that this CPU and operating system can run. xtsvol_kernel_name() tells which, and the options can
 * leave some out. All give the same bytes, and none looks anything up in memory by a secret index
 * or branches on a secret. xtsvol_xts_open() tries the kernel on known answers first.
 *
 * Ownership: a handle and a key belong to the caller until close and free. A key holds on to what
 * it needs of its handle, so the two may end in either order. Expanded keys live between guard
 * pages and are wiped in the end; as far as the system grants it (require_protection) their memory
 * is locked, left out of core dumps and zero in a forked child. The caller wipes his own copy of
 * the 64 bytes.
 *
 * Threads: a handle may be used by several threads at once. A key is constant once it is made: any
 * number of threads may encrypt and decrypt with it at once, and none may while it is freed.
 *
 * Fork: a child makes handles and keys of its own; what it inherited it may close and free, and
 * nothing else. The keys of the parent are zero in the child, and calls with them fail with
 * XTSVOL_ERR_STATE; only where the system did not grant that (require_protection) do they work as
 * in the parent. daemon(3) forks: open and make keys after it.
 *
 * Since 0.1.
 */
#ifndef XTSVOL_XTS_H
#define XTSVOL_XTS_H

#include <xtsvol/api.h>
#include <xtsvol/error.h>
#include <xtsvol/event.h>

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

XTSVOL_BEGIN_DECLS

/** Limits. Since 0.1. */
enum xtsvol_xts_limit {
    XTSVOL_XTS_KEY_LEN = 64,       /**< bytes: data key, then tweak key */
    XTSVOL_XTS_UNIT_MIN = 16,      /**< bytes in a data unit */
    XTSVOL_XTS_UNIT_MAX = 1 << 24, /**< bytes in a data unit: 2^20 blocks (SP 800-38E) */
    XTSVOL_XTS_IOV_MAX = 1 << 16   /**< buffers in a list */
};

/** The kernels, as a set. The numbers are part of the ABI and only ever added to. Since 0.1. */
enum xtsvol_kernel_id {
    XTSVOL_KERNEL_PORTABLE = 1,    /**< bit-sliced C, on any machine: "portable" */
    XTSVOL_KERNEL_AESNI = 2,       /**< x86 AES instructions: "aesni" */
    XTSVOL_KERNEL_VAES_AVX2 = 4,   /**< x86 VAES on 256 bits: "vaes-avx2" */
    XTSVOL_KERNEL_VAES_AVX512 = 8, /**< x86 VAES on 512 bits: "vaes-avx512" */
    XTSVOL_KERNEL_ARMV8_CE = 16    /**< ARMv8 Cryptographic Extension: "armv8-ce" */
};

/** What a kernel is called and whether it can run here. Since 0.1. */
struct xtsvol_kernel {
    uint32_t id;      /**< one of enum xtsvol_kernel_id */
    char name[20];    /**< ends in a zero byte */
    int is_usable;    /**< 1 when this CPU and operating system can run it, else 0 */
    int is_preferred; /**< 1 for the one that xtsvol_xts_open() takes of its own accord, else 0 */
};

/** Options of a handle. Since 0.1. */
struct xtsvol_xts_options {
    size_t size; /**< sizeof(struct xtsvol_xts_options): which fields the caller knows */
    /** Which kernels may be taken, a set of enum xtsvol_kernel_id. Bits that are no kernel, or none
     * of this build, are ignored. All, by default. */
    uint32_t kernels;
    /** 1: fail with XTSVOL_ERR_DENIED rather than keep a key in memory that the system would not
     * lock or keep out of dumps and children. 0, the default: tell it with an event. */
    int require_protection;
    /** Ceiling in bytes on the memory of keys, which grows by 16 KiB (a page, where that is more)
     * for 16 keys: below that there is room for none. 64 MiB, by default. */
    size_t max_key_memory;
    xtsvol_event_fn *event; /**< told of events; may be NULL, the default */
    void *event_context;    /**< handed to it; has to stay valid as long as the handle or a key */
};

/** The number of a data unit, 128 bits: high * 2^64 + low. Since 0.1. */
struct xtsvol_unit_number {
    uint64_t low;
    uint64_t high;
};

/** A cipher: a kernel, and the memory of keys. */
struct xtsvol_xts;

/** An expanded key. */
struct xtsvol_xts_key;

/** The number of a data unit that fits in 64 bits, as all sectors of a disk do. Since 0.1. */
static inline struct xtsvol_unit_number xtsvol_unit(uint64_t number)
{
    struct xtsvol_unit_number unit;
    unit.low = number;
    unit.high = 0;
    return unit;
}

/**
 * Fills in the default options.
 *
 * @param options  belongs to the caller; NULL does nothing.
 * @param size     sizeof(*options) as the caller was compiled: no byte behind it is touched, so
 *                 that a library with more options can be used. Becomes options->size.
 *
 * Cannot fail. Any thread. Since 0.1.
 */
XTSVOL_API void xtsvol_xts_options_init(struct xtsvol_xts_options *options, size_t size);

/** The default options, as this header has them: what to begin with. Any thread. Since 0.1. */
static inline struct xtsvol_xts_options xtsvol_xts_options_default(void)
{
    struct xtsvol_xts_options options;
    xtsvol_xts_options_init(&options, sizeof(options));
    return options;
}

/**
 * The kernels that this build has, those that are fastest as a rule first.
 *
 * @param out    filled in; belongs to the caller. All zero on failure.
 * @param index  0, 1, ... until the call fails.
 * @return       0; XTSVOL_ERR_NOT_FOUND past the last one; XTSVOL_ERR_INVALID when out is NULL.
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_kernel_get(struct xtsvol_kernel *out, size_t index);

/**
 * Makes a handle: takes the best of the kernels that the options allow and the CPU can run, and
 * tries it on known answers (some tens of microseconds; 300 for the portable one).
 *
 * @param out      the handle, to be ended with xtsvol_xts_close(). NULL on failure.
 * @param options  NULL for the default; may be freed after the call.
 * @return         0; XTSVOL_ERR_INVALID (out is NULL, options->size is none that a version had,
 *                 max_key_memory is 0); XTSVOL_ERR_UNSUPPORTED (no allowed kernel can run here, or
 *                 an option is set that this version does not know); XTSVOL_ERR_INTERNAL (the
 *                 kernel gave a wrong answer: do not use this machine); XTSVOL_ERR_NO_MEMORY.
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_xts_open(struct xtsvol_xts **out,
                                               const struct xtsvol_xts_options *options);

/**
 * Ends a handle and sets the pointer to NULL. NULL, or a pointer to NULL, is allowed. Keys that
 * were made with it stay usable until they are freed.
 *
 * No other thread may use the handle any more. Since 0.1.
 */
XTSVOL_API void xtsvol_xts_close(struct xtsvol_xts **xts);

/**
 * Which kernel the handle took: "vaes-avx512", "vaes-avx2", "aesni", "armv8-ce" or "portable".
 *
 * @return  never NULL, static storage; "none" when xts is NULL.
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API const char *xtsvol_kernel_name(const struct xtsvol_xts *xts);

/**
 * Expands a key.
 *
 * @param out      the key, to be ended with xtsvol_xts_key_free(). NULL on failure.
 * @param xts      stays the caller's.
 * @param key      the data key (Key1 of IEEE 1619), then the tweak key (Key2); read only, and not
 *                 needed after the call.
 * @param key_len  XTSVOL_XTS_KEY_LEN.
 * @return         0; XTSVOL_ERR_INVALID (a NULL, or another length); XTSVOL_ERR_DENIED (the halves
 *                 are equal, which the guidance for FIPS 140-3 forbids (C.I): who then sees a
 *                 chosen ciphertext decrypted learns the tweaks of its unit; or memory could not be
 *                 protected and that was required); XTSVOL_ERR_LIMIT (max_key_memory);
 *                 XTSVOL_ERR_NO_MEMORY.
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_xts_key_new(struct xtsvol_xts_key **out,
                                                  struct xtsvol_xts *xts, const uint8_t *key,
                                                  size_t key_len);

/**
 * Wipes and frees a key and sets the pointer to NULL. NULL, or a pointer to NULL, is allowed.
 *
 * No other thread may use the key any more. Since 0.1.
 */
XTSVOL_API void xtsvol_xts_key_free(struct xtsvol_xts_key **key);

/**
 * Encrypts consecutive data units (IEEE 1619, 5.3).
 *
 * @param key       any number of threads may use it at once.
 * @param out       len bytes of ciphertext, of any alignment: the very buffer `in`, or one that
 * does not overlap with it. On failure nothing was written.
 * @param in        len bytes of plaintext, of any alignment.
 * @param len       in bytes, a multiple of unit_len; 0 does nothing, and the buffers may be NULL.
 * @param unit_len  bytes in a data unit, XTSVOL_XTS_UNIT_MIN to XTSVOL_XTS_UNIT_MAX.
 * @param first     number of the first unit; the others count up from there.
 * @return          0; XTSVOL_ERR_INVALID (a NULL, a length out of range, buffers that overlap but
 *                  are not the same, numbers that would pass 2^128 - 1); XTSVOL_ERR_STATE (the key
 *                  is that of the process from which this one was forked).
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_xts_encrypt(const struct xtsvol_xts_key *key, uint8_t *out,
                                                  const uint8_t *in, size_t len, size_t unit_len,
                                                  struct xtsvol_unit_number first);

/**
 * Decrypts consecutive data units (IEEE 1619, 5.4); otherwise as xtsvol_xts_encrypt().
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_xts_decrypt(const struct xtsvol_xts_key *key, uint8_t *out,
                                                  const uint8_t *in, size_t len, size_t unit_len,
                                                  struct xtsvol_unit_number first);

/**
 * Encrypts consecutive data units that lie in lists of buffers, as readv() and writev() have them.
 * A unit may begin in one buffer and end in another, and the two lists may be cut in different
 * places.
 *
 * @param out      room for the ciphertext, as many bytes in all as `in`. Each buffer of it is
 * either at the very place of the input that it replaces (the same list given twice, say), or
 * overlaps with no buffer of either list; this is not checked. On failure nothing was written.
 * @param num_out  0 to XTSVOL_XTS_IOV_MAX; buffers may be empty.
 * @param in       the plaintext, a multiple of unit_len in all.
 * @param num_in   as num_out.
 * @return         as xtsvol_xts_encrypt(), overlaps apart; XTSVOL_ERR_INVALID also when the sums
 *                 differ or a list is too long.
 *
 * unit_len and first are those of xtsvol_xts_encrypt(). Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_xts_encryptv(const struct xtsvol_xts_key *key,
                                                   const struct iovec *out, size_t num_out,
                                                   const struct iovec *in, size_t num_in,
                                                   size_t unit_len,
                                                   struct xtsvol_unit_number first);

/**
 * Decrypts consecutive data units in lists of buffers; otherwise as xtsvol_xts_encryptv().
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_xts_decryptv(const struct xtsvol_xts_key *key,
                                                   const struct iovec *out, size_t num_out,
                                                   const struct iovec *in, size_t num_in,
                                                   size_t unit_len,
                                                   struct xtsvol_unit_number first);

XTSVOL_END_DECLS

#endif
