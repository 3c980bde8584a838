/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file xtsvol/volume.h
 * Encrypted volumes: sectors under AES-256-XTS in a file or block device, with generations of keys.
 *
 *     static int my_key(void *context, uint8_t key[XTSVOL_XTS_KEY_LEN],
 *                       const uint8_t uuid[XTSVOL_UUID_LEN], uint32_t generation);
 *
 *     struct xtsvol_volume *volume = NULL;
 *     struct xtsvol_volume_options options = xtsvol_volume_options_default();
 *     options.key = my_key;
 *     int error = xtsvol_volume_open(&volume, "disk.vol", &options);
 *     if (!error)
 *         error = xtsvol_pwrite(volume, buffer, length, offset);
 *     if (!error)
 *         error = xtsvol_flush(volume);
 *     xtsvol_volume_close(&volume);
 *
 * What it is: a data area whose sectors are dm-crypt's aes-xts-plain64, and metadata, which stands
 * before it in the same file (attached) or in a file of its own (detached). The metadata says which
 * generation of keys each extent (64 KiB to 4 MiB) is encrypted under; it is authenticated and
 * exists twice, so that neither a power loss nor one damaged copy loses it. docs/format-volume.md
 * has every byte. The data is not authenticated: that is what XTS is.
 *
 * Keys are never in the volume. A callback gives the 64 bytes of a generation, into memory that is
 * locked and wiped; a wrong key is noticed before anything is read or written.
 *
 * Durability: what was written is on the medium once xtsvol_flush() returned 0. Without it, a power
 * loss may keep any of it, in pieces of 512 bytes, as a disk does.
 *
 * Units: offsets and lengths are bytes of the volume, from 0 to its size. They need no alignment:
 * a sector that is written in part is read, changed and written again, and no other thread sees it
 * half done.
 *
 * Callbacks (keys, events, progress, what a check found) run inside a call and must not use its
 * handle.
 *
 * Threads: xtsvol_pread() to xtsvol_info_get() may be called by several threads at once on one
 * handle. Create, open and close are for one thread. The library starts threads only if
 * num_threads asks for them.
 *
 * Processes: one has a volume open for writing, or several for reading. A child of fork() must not
 * use the handle of its parent, close it apart.
 *
 * Since 0.1.
 */
#ifndef XTSVOL_VOLUME_H
#define XTSVOL_VOLUME_H

#include <xtsvol/api.h>
#include <xtsvol/error.h>
#include <xtsvol/event.h>
#include <xtsvol/xts.h>

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

XTSVOL_BEGIN_DECLS

/** Limits. Since 0.1. */
enum xtsvol_volume_limit {
    XTSVOL_UUID_LEN = 16,             /**< bytes */
    XTSVOL_GENERATION_MAX = 1023,     /**< generations are 1 to this; 0 is plaintext */
    XTSVOL_LIVE_GENERATIONS_MAX = 64, /**< at once in one volume */
    XTSVOL_EXTENT_MIN = 1 << 16,      /**< bytes */
    XTSVOL_EXTENT_MAX = 1 << 22,      /**< bytes */
    XTSVOL_VOLUME_THREADS_MAX = 64
};

/** The greatest size of a volume in bytes: 2^60. Since 0.1. */
#define XTSVOL_VOLUME_SIZE_MAX (UINT64_C(1) << 60)

/** How data units are numbered. Since 0.1. */
enum xtsvol_iv {
    XTSVOL_IV_PLAIN64 = 0, /**< by sectors of 512 bytes, whatever the sector size */
    XTSVOL_IV_LARGE = 1    /**< by sectors of the volume: dm-crypt's iv_large_sectors */
};

/**
 * Gives the key of a generation.
 *
 * @param context     key_context of the options.
 * @param key         to be filled in: data key, then tweak key. Wiped by the library.
 * @param uuid        of the volume, as it stands in metadata that is not verified yet.
 * @param generation  1 to XTSVOL_GENERATION_MAX.
 * @return            0; XTSVOL_ERR_NOT_FOUND when there is no such key; any other error, which the
 *                    call that needed the key returns.
 *
 * Called by create, open, restore and erase, in their thread. Since 0.1.
 */
typedef int xtsvol_key_fn(void *context, uint8_t key[XTSVOL_XTS_KEY_LEN],
                          const uint8_t uuid[XTSVOL_UUID_LEN], uint32_t generation);

/**
 * Destroys the key of a generation for good: for xtsvol_volume_erase().
 *
 * @return  0, also when it was gone before; any error, which ends the erasure.
 *
 * Since 0.1.
 */
typedef int xtsvol_destroy_key_fn(void *context, const uint8_t uuid[XTSVOL_UUID_LEN],
                                  uint32_t generation);

/**
 * Storage of the caller's own, in place of a file. Every function returns 0 or a positive errno
 * value, moves all the bytes that it was asked for or fails, and may be called by several threads
 * at once. The library copies the struct; the context has to stay valid until the handle is closed.
 * That nobody else writes to it is the caller's to see to: there is no lock as there is on a file.
 * Without set_size it is taken for a device: create makes a volume in it unless there is one.
 * Since 0.1.
 */
struct xtsvol_io {
    size_t size; /**< sizeof(struct xtsvol_io) */
    void *context;
    /** Reads all of the list from offset. Never called beyond get_size(). */
    int (*preadv)(void *context, const struct iovec *iov, size_t num_iov, uint64_t offset);
    /** Writes all of the list to offset. */
    int (*pwritev)(void *context, const struct iovec *iov, size_t num_iov, uint64_t offset);
    /** All that was written before is on the medium when it returns 0. */
    int (*flush)(void *context);
    /** The size in bytes. */
    int (*get_size)(void *context, uint64_t *size);
    /** Makes it that long: new bytes read as anything. NULL: the size is fixed (EINVAL). */
    int (*set_size)(void *context, uint64_t size);
    /** The range is not needed any more; what it reads as is open. NULL: not done. */
    int (*discard)(void *context, uint64_t offset, uint64_t length);
    /** The end of the run, beginning at offset, that is allocated (*is_hole 0) or not (1). NULL,
     * or an end that is not behind offset: all is allocated. */
    int (*next_hole)(void *context, uint64_t offset, uint64_t *end, int *is_hole);
    /** Called once when the library is done with it, whether the call that it was given to failed
     * or not, unless this struct itself cannot be used. May be NULL. */
    void (*close)(void *context);
};

/** Why a call failed, for a person and for a program. Since 0.1. */
struct xtsvol_failure {
    int error;           /**< what the call returned, 0 if nothing failed */
    int native_error;    /**< errno, 0 if there is none */
    int64_t holder_pid;  /**< XTSVOL_ERR_BUSY: the process that has the volume, 0 if unknown */
    uint32_t generation; /**< of the key that is missing or wrong, 0 if it is not about a key */
    char message[256]; /**< one sentence without a full stop; never a secret; ends in a zero byte */
};

/** Options of create and open. Since 0.1. */
struct xtsvol_volume_options {
    size_t size;                       /**< sizeof(struct xtsvol_volume_options) */
    const char *header_path;           /**< where the metadata is, when detached; NULL: attached */
    const struct xtsvol_io *data_io;   /**< in place of the path of the data; may be NULL */
    const struct xtsvol_io *header_io; /**< in place of header_path; may be NULL */
    int is_read_only;                  /**< 1: nothing is ever written, not even a repair */
    uint64_t min_sequence; /**< refuse metadata with a lower sequence: an older state put back */
    const uint8_t *expected_uuid; /**< XTSVOL_UUID_LEN bytes: refuse another volume; NULL: any */
    /** 1: some of the volume may be plaintext (an encryption in place that is under way). Without
     * it such metadata is refused: who puts back an old state of that time would be sent plaintext.
     */
    int allow_plaintext;
    xtsvol_key_fn *key; /**< must be set */
    void *key_context;
    uint32_t num_threads;   /**< threads that help with requests of 2 MiB and more; 0 by default */
    uint32_t kernels;       /**< as in struct xtsvol_xts_options; all by default */
    int require_protection; /**< as in struct xtsvol_xts_options */
    size_t max_map_memory;  /**< bytes of the extent map kept in memory, 1 MiB to 1 GiB; 64 MiB */
    struct xtsvol_failure *failure; /**< filled in when create or open fails; may be NULL */
    xtsvol_event_fn *event;         /**< told of events; may be NULL */
    void *event_context;            /**< has to stay valid until the handle is closed */
};

/** What a new volume is to be. Since 0.1. */
struct xtsvol_create_options {
    size_t size;              /**< sizeof(struct xtsvol_create_options) */
    uint64_t volume_size;     /**< bytes of data, a multiple of sector_size; must be set */
    uint64_t max_volume_size; /**< to which it can grow; 0: 8 times that, at least 2^19 extents */
    uint32_t sector_size;     /**< 512 or 4096, the default */
    uint32_t extent_size;     /**< a power of two, XTSVOL_EXTENT_MIN to _MAX; 1 MiB */
    enum xtsvol_iv iv;        /**< XTSVOL_IV_PLAIN64 by default; LARGE needs 4096 */
    uint8_t uuid[XTSVOL_UUID_LEN]; /**< all zero: a random one (RFC 9562, version 4) */
    int may_replace; /**< 1: a file with contents, or a device with a volume on it, is overwritten
                      */
};

/** An open volume. */
struct xtsvol_volume;

/** A generation that extents are encrypted under. Since 0.1. */
struct xtsvol_generation_info {
    uint32_t generation;
    uint32_t reserved;
    uint64_t num_extents;
};

/** What a volume is. Since 0.1. */
struct xtsvol_volume_info {
    uint8_t uuid[XTSVOL_UUID_LEN];
    uint64_t volume_size; /**< bytes */
    uint32_t sector_size;
    uint32_t extent_size;
    enum xtsvol_iv iv;
    int is_attached;
    uint64_t data_offset; /**< of the data area in its file, bytes */
    uint64_t sequence;    /**< of the metadata: grows with every change of it */
    uint64_t max_volume_size;
    int64_t created_s;     /**< seconds since 1970 */
    int plaintext_allowed; /**< some extents may be of generation 0 */
    int is_verified;       /**< 0: read without a key, by xtsvol_volume_peek() */
    int is_read_only;
    int discard_gives_zeroes; /**< always 0: a discarded sector reads as anything */
    uint32_t num_generations; /**< of the next, ascending; 0 is there only if extents are of it */
    struct xtsvol_generation_info generations[XTSVOL_LIVE_GENERATIONS_MAX + 1];
};

/** A run of extents of one generation. Since 0.1. */
struct xtsvol_run {
    uint64_t offset; /**< bytes of the volume */
    uint64_t length;
    uint32_t generation;
};

/** What xtsvol_volume_check() found. Since 0.1. */
struct xtsvol_check_report {
    uint64_t num_pages;       /**< of the metadata that were looked at, each copy counts */
    uint64_t num_bad_copies;  /**< damaged, while the other copy is good */
    uint64_t num_repaired;    /**< of these, written anew */
    uint64_t num_bad_pages;   /**< both copies damaged: extents cannot be read */
    uint64_t num_bad_sectors; /**< of the data, that the medium does not give */
};

/** The record of an erasure. Since 0.1. */
struct xtsvol_erasure {
    uint8_t uuid[XTSVOL_UUID_LEN];
    int64_t erased_s;   /**< seconds since 1970 */
    int keys_destroyed; /**< 1: the callback reported it of every generation */
    uint32_t num_generations;
    uint32_t generations[XTSVOL_LIVE_GENERATIONS_MAX];
    char method[65];
};

/** Fills in the default options; as xtsvol_xts_options_init(). Any thread. Since 0.1. */
XTSVOL_API void xtsvol_volume_options_init(struct xtsvol_volume_options *options, size_t size);

/** The default options, as this header has them. Any thread. Since 0.1. */
static inline struct xtsvol_volume_options xtsvol_volume_options_default(void)
{
    struct xtsvol_volume_options options;
    xtsvol_volume_options_init(&options, sizeof(options));
    return options;
}

/** Fills in the default options; as xtsvol_xts_options_init(). Any thread. Since 0.1. */
XTSVOL_API void xtsvol_create_options_init(struct xtsvol_create_options *options, size_t size);

/** The default options, as this header has them. Any thread. Since 0.1. */
static inline struct xtsvol_create_options xtsvol_create_options_default(void)
{
    struct xtsvol_create_options options;
    xtsvol_create_options_init(&options, sizeof(options));
    return options;
}

/**
 * Makes a volume of generation 1 and opens it for writing.
 *
 * The data area is not written: a sector reads as whatever the medium holds, decrypted. A file is
 * made if there is none, and removed again when the call fails; it is sparse.
 *
 * @param out      the handle, to be ended with xtsvol_volume_close(). NULL on failure.
 * @param path     a file or block device for the data (and the metadata, when attached). May be
 * NULL if options->data_io is set.
 * @param create   what it is to be; read during the call only.
 * @param options  read during the call only, but for the contexts in it.
 * @return         0; XTSVOL_ERR_INVALID (sizes, a missing key callback); XTSVOL_ERR_EXISTS (there
 * is something, and may_replace is 0); XTSVOL_ERR_BUSY; XTSVOL_ERR_DENIED (equal key halves;
 * permissions); XTSVOL_ERR_NOT_FOUND (no key, no such folder); XTSVOL_ERR_LIMIT (descriptors,
 * threads); XTSVOL_ERR_NO_SPACE, XTSVOL_ERR_IO, XTSVOL_ERR_NO_MEMORY; what the key callback
 * returned. Then nothing is left of it, but on a
 * device, or in a file that was there, what may_replace allowed to be overwritten.
 *
 * When it returns 0, the volume is on the medium. Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_volume_create(struct xtsvol_volume **out, const char *path,
                                                    const struct xtsvol_create_options *create,
                                                    const struct xtsvol_volume_options *options);

/**
 * Opens a volume. For writing, it first makes good what a power loss or one damaged copy of the
 * metadata left behind; each is told by an event.
 *
 * @param out      the handle, to be ended with xtsvol_volume_close(). NULL on failure.
 * @param path     the data (and the metadata, when attached).
 * @param options  read during the call only, but for the contexts in it.
 * @return         0; XTSVOL_ERR_NOT_FOUND (no such file; a live generation has no key);
 *                 XTSVOL_ERR_DENIED (a key is not the one of this volume; permissions);
 *                 XTSVOL_ERR_CORRUPT (no volume, damaged or forged metadata, a file shorter than
 *                 its metadata says); XTSVOL_ERR_UNSUPPORTED (an unknown version);
 *                 XTSVOL_ERR_STATE (a sequence below min_sequence; the volume was erased);
 *                 XTSVOL_ERR_BUSY (options->failure has the process); XTSVOL_ERR_LIMIT
 *                 (descriptors, threads); XTSVOL_ERR_INVALID, XTSVOL_ERR_IO (also when neither
 *                 copy of the metadata can be read), XTSVOL_ERR_NO_SPACE, XTSVOL_ERR_NO_MEMORY;
 * what the key callback returned. Nothing was changed, but for metadata made good.
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_volume_open(struct xtsvol_volume **out, const char *path,
                                                  const struct xtsvol_volume_options *options);

/**
 * Ends a handle and sets the pointer to NULL. NULL, or a pointer to NULL, is allowed. It does not
 * flush: what has to be there was flushed before.
 *
 * No other thread may use the handle any more. Since 0.1.
 */
XTSVOL_API void xtsvol_volume_close(struct xtsvol_volume **volume);

/**
 * Reads and decrypts.
 *
 * @param buffer  length bytes, of any alignment. On failure it holds zeroes, unless the list of
 *                buffers was refused.
 * @param length  bytes; 0 does nothing.
 * @param offset  bytes from the start of the volume; offset + length is at most its size.
 * @return        0; XTSVOL_ERR_INVALID (the range); XTSVOL_ERR_CORRUPT (the map of that extent is
 *                damaged); XTSVOL_ERR_IO; XTSVOL_ERR_NO_MEMORY; XTSVOL_ERR_STATE (a forked child).
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_pread(struct xtsvol_volume *volume, void *buffer,
                                            size_t length, uint64_t offset);

/**
 * Encrypts and writes.
 *
 * @return  as xtsvol_pread(), and XTSVOL_ERR_NO_SPACE, XTSVOL_ERR_STATE (opened for reading).
 *          After XTSVOL_ERR_INVALID or _STATE nothing was changed; after the others, pieces of 512
 *          bytes of the range hold the old or the new bytes, and the rest of the volume is as it
 *          was.
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_pwrite(struct xtsvol_volume *volume, const void *buffer,
                                             size_t length, uint64_t offset);

/**
 * Reads into a list of buffers, as preadv(2); otherwise as xtsvol_pread().
 *
 * @param num_iov  0 to XTSVOL_XTS_IOV_MAX; buffers may be empty.
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_preadv(struct xtsvol_volume *volume, const struct iovec *iov,
                                             size_t num_iov, uint64_t offset);

/** Writes from a list of buffers, as pwritev(2); otherwise as xtsvol_pwrite(). Any thread. Since
 * 0.1. */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_pwritev(struct xtsvol_volume *volume, const struct iovec *iov,
                                              size_t num_iov, uint64_t offset);

/**
 * Writes zeroes, encrypted like any data; otherwise as xtsvol_pwrite().
 *
 * @param length  bytes, of any size.
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_write_zeroes(struct xtsvol_volume *volume, uint64_t length,
                                                   uint64_t offset);

/**
 * All that calls which had returned before wrote is on the medium when it returns 0.
 *
 * @return  0; XTSVOL_ERR_IO, XTSVOL_ERR_NO_SPACE, XTSVOL_ERR_NO_MEMORY: then it is not known what
 * is there, and every later flush fails in the same way, since the system forgets which pages it
 * lost. So it does when a sync failed in another call, as in xtsvol_resize().
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_flush(struct xtsvol_volume *volume);

/**
 * Tells the medium that the whole sectors of a range are not needed any more. They read as anything
 * afterwards, not as zeroes. It shows who has the medium which sectors are in use.
 *
 * @return  0, also when the medium cannot discard; otherwise as xtsvol_pwrite().
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_discard(struct xtsvol_volume *volume, uint64_t length,
                                              uint64_t offset);

/**
 * Where the run that begins at offset ends, all of it allocated on the medium or all of it not.
 * What is not allocated reads as anything.
 *
 * @param out_end      at most the size of the volume.
 * @param out_is_hole  1: not allocated.
 * @return             0; XTSVOL_ERR_INVALID (offset not below the size); XTSVOL_ERR_IO,
 *                     XTSVOL_ERR_NO_MEMORY.
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_next_hole(struct xtsvol_volume *volume, uint64_t *out_end,
                                                int *out_is_hole, uint64_t offset);

/**
 * What the volume is now.
 *
 * @param out       filled in; belongs to the caller. All zero on failure.
 * @param out_size  sizeof(*out) as the caller was compiled.
 * @return          0; XTSVOL_ERR_INVALID.
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_info_get(struct xtsvol_volume *volume,
                                               struct xtsvol_volume_info *out, size_t out_size);

/**
 * What a volume says of itself, without a key: nothing of it is verified (is_verified is 0).
 *
 * @param path  where the metadata is: the volume, or its detached header.
 * @return      0; as xtsvol_volume_open(). XTSVOL_ERR_STATE: it was erased, *out_erasure tells.
 *
 * out_erasure and failure may be NULL. Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_volume_peek(struct xtsvol_volume_info *out, size_t out_size,
                                                  struct xtsvol_erasure *out_erasure,
                                                  size_t out_erasure_size, const char *path,
                                                  struct xtsvol_failure *failure);

/**
 * The run of extents of one generation that begins at offset, as far as it goes: what a table for
 * the device mapper, or a copy of one generation, is made of.
 *
 * @param offset  bytes, a multiple of the extent size below the size of the volume.
 * @return        0; XTSVOL_ERR_INVALID; XTSVOL_ERR_CORRUPT (the map); XTSVOL_ERR_IO.
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_run_get(struct xtsvol_volume *volume, struct xtsvol_run *out,
                                              uint64_t offset);

/**
 * Makes the volume longer or shorter. Growing needs room: the file is made longer, a device has to
 * have it. New sectors read as anything. Shrinking loses what is behind the new end.
 *
 * @param volume_size  bytes, a multiple of the sector size, at most max_volume_size.
 * @param may_shrink   1: a size below the present one is meant.
 * @return             0, and it is on the medium; XTSVOL_ERR_INVALID (the size, or a smaller one
 *                     without may_shrink); XTSVOL_ERR_LIMIT (above max_volume_size);
 *                     XTSVOL_ERR_NO_SPACE, XTSVOL_ERR_IO, XTSVOL_ERR_STATE, XTSVOL_ERR_NO_MEMORY:
 *                     the volume has its old size, unless every call that would write fails with
 *                     XTSVOL_ERR_STATE from then on: then only the next opening tells.
 *
 * Any thread; waits for requests that are under way. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_resize(struct xtsvol_volume *volume, uint64_t volume_size,
                                             int may_shrink);

/** Something that xtsvol_volume_check() found: sectors that cannot be read. Since 0.1. */
typedef void xtsvol_check_fn(void *context, uint64_t offset, uint64_t length);

/** How far it is, bytes of `total`; another value than 0 cancels. Since 0.1. */
typedef int xtsvol_progress_fn(void *context, uint64_t done, uint64_t total);

/**
 * Looks at every page of the metadata in both copies, and reads all of the data.
 *
 * @param repair    1: a damaged copy of metadata is written anew from the good one. Nothing else.
 * @param bad       told of each run of bytes that cannot be read; may be NULL.
 * @param progress  may be NULL.
 * @return          0, when it could look: *out says what it found; XTSVOL_ERR_CANCELLED;
 *                  XTSVOL_ERR_STATE (repair of a volume opened for reading, or whose metadata
 *                  could not be changed before); XTSVOL_ERR_IO, XTSVOL_ERR_NO_SPACE (of a repair);
 *                  XTSVOL_ERR_NO_MEMORY.
 *
 * Any thread; others may use the volume meanwhile. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_volume_check(struct xtsvol_volume *volume,
                                                   struct xtsvol_check_report *out, int repair,
                                                   xtsvol_check_fn *bad,
                                                   xtsvol_progress_fn *progress, void *context);

/**
 * Copies the metadata into a new file, which can be used as a detached header, or restored. It
 * holds no key. It is out of date as soon as extents change their generation.
 *
 * @param path  a file that does not exist.
 * @return      0, and it is on the medium; XTSVOL_ERR_EXISTS; XTSVOL_ERR_NO_SPACE; XTSVOL_ERR_IO;
 * ... Then there is no such file.
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_header_backup(struct xtsvol_volume *volume, const char *path);

/**
 * Puts the metadata of a backup into a volume. The keys of the backup's generations are needed.
 *
 * @param path         the volume's data (attached), or NULL with options->header_path or header_io.
 * @param backup_path  made by xtsvol_header_backup().
 * @param may_go_back  1: also when the volume's own metadata is readable and newer. Extents that
 *                     were re-encrypted since then cannot be read afterwards.
 * @return             0, and it is on the medium; XTSVOL_ERR_STATE (newer metadata is there);
 *                     XTSVOL_ERR_INVALID (the backup is of another volume); otherwise as
 *                     xtsvol_volume_open(), of the backup. Nothing was changed.
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_header_restore(const char *path, const char *backup_path,
                                                     const struct xtsvol_volume_options *options,
                                                     int may_go_back);

/**
 * Makes a volume unreadable: has the keys of all its generations destroyed, then overwrites its
 * metadata and leaves a record of the erasure in its place. May be repeated after it was cut short.
 *
 * @param out      the record. All zero on failure.
 * @param path     the data, or the metadata alone (options->header_path is used if it is set).
 * @param options  of these, header_path, data_io, header_io, failure and the events are used; and
 *                 key, if it is set: keys that are not this volume's are then refused.
 * @param destroy  NULL: keys are left alone, and the record says so. What is encrypted stays
 *                 readable to whoever has the keys.
 * @return         0, and it is on the medium; XTSVOL_ERR_DENIED (a key is not this volume's); what
 *                 destroy returned; otherwise as xtsvol_volume_open().
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_volume_erase(struct xtsvol_erasure *out, size_t out_size,
                                                   const char *path,
                                                   const struct xtsvol_volume_options *options,
                                                   xtsvol_destroy_key_fn *destroy,
                                                   void *destroy_context);

/**
 * Why the last call on this handle failed that did.
 *
 * @param out  filled in; belongs to the caller. All zero if none did.
 *
 * Cannot fail. Any thread. Since 0.1.
 */
XTSVOL_API void xtsvol_volume_failure(struct xtsvol_volume *volume, struct xtsvol_failure *out);

XTSVOL_END_DECLS

#endif
