/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing here or in recorder_hooks.c allocates once recording began, and all file calls are the
 * real ones: the recorder neither records itself nor meets armed faults.
 */
#include "tests/support/recorder.h"

#include "tests/support/interpose.h"
#include "tests/support/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOG_FLAGS = O_RDWR | O_APPEND | O_CLOEXEC,
    CHUNK = 65536
};

static struct {
    char root[PATH_MAX];
    size_t root_len;
    uint64_t device;
    int log_fd;
} recording = {.log_fd = -1};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void record_give_up(const char *what)
{
    (void)dprintf(STDERR_FILENO, "recorder: %s: %s\n", what, strerror(errno));
    abort();
}

void record_lock(void)
{
    (void)pthread_mutex_lock(&lock);
}

void record_unlock(void)
{
    (void)pthread_mutex_unlock(&lock);
}

/* A child must not inherit a lock that a thread of the parent holds. */
__attribute__((constructor)) static void follow_forks(void)
{
    (void)pthread_atfork(record_lock, record_unlock, record_unlock);
}

bool record_is_inside(const char *path)
{
    return strncmp(path, recording.root, recording.root_len) == 0 &&
           (path[recording.root_len] == '/' || path[recording.root_len] == 0);
}

bool record_is_on_root_device(uint64_t device)
{
    return device == recording.device;
}

static uint64_t end_of(int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        record_give_up("log");
    return (uint64_t)status.st_size;
}

uint64_t record_position(void)
{
    return recording.log_fd < 0 ? 0 : end_of(recording.log_fd);
}

static void write_all(int fd, const void *data, size_t len)
{
    if (REAL(write)(fd, data, len) != (ssize_t)len)
        record_give_up("log");
}

/* One call where possible, so that the records of several processes do not mix. */
void record_append(const struct record *record, const struct iovec *pieces, int num_pieces)
{
    enum {
        FEW = 128
    };
    if (recording.log_fd < 0)
        return; /* stopped while the call was under way */
    struct iovec all[FEW];
    if (num_pieces >= FEW) {
        write_all(recording.log_fd, record, sizeof(*record));
        size_t left = record->data_len;
        for (int i = 0; left > 0; i++) {
            size_t len = pieces[i].iov_len < left ? pieces[i].iov_len : left;
            write_all(recording.log_fd, pieces[i].iov_base, len);
            left -= len;
        }
        return;
    }
    all[0] = (struct iovec){interpose_unconst(record), sizeof(*record)};
    size_t left = record->data_len;
    int used = 1;
    for (int i = 0; i < num_pieces && left > 0; i++) {
        all[used] = pieces[i];
        if (all[used].iov_len > left)
            all[used].iov_len = left;
        left -= all[used].iov_len;
        used++;
    }
    ssize_t expected = (ssize_t)(sizeof(*record) + record->data_len);
    if (REAL(writev)(recording.log_fd, all, used) != expected)
        record_give_up("log");
}

static void snapshot_file(int dir_fd, const char *name, struct record *node)
{
    static char chunk[CHUNK];
    int fd = REAL(openat64)(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (fd < 0)
        record_give_up(name);
    write_all(recording.log_fd, node, sizeof(*node));
    for (uint64_t done = 0; done < node->data_len;) {
        ssize_t len = REAL(read)(fd, chunk, sizeof(chunk));
        if (len <= 0)
            record_give_up(name);
        write_all(recording.log_fd, chunk, (size_t)len);
        done += (uint64_t)len;
    }
    (void)close(fd);
}

static void snapshot_link(int dir_fd, const char *name, struct record *node)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(dir_fd, name, target, sizeof(target));
    if (len < 0)
        record_give_up(name);
    node->data_len = (uint64_t)len;
    record_append(node, &(struct iovec){target, (size_t)len}, 1);
}

static void snapshot_directory(int dir_fd, uint64_t inode);

static void snapshot_entry(int dir_fd, uint64_t dir_inode, const char *name)
{
    struct stat status;
    if (fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        record_give_up(name);
    struct record node = {
        .kind = RECORD_NODE, .inode = status.st_ino, .mode = (uint32_t)status.st_mode};
    if (S_ISREG(status.st_mode)) {
        node.data_len = (uint64_t)status.st_size;
        snapshot_file(dir_fd, name, &node);
    } else if (S_ISLNK(status.st_mode)) {
        snapshot_link(dir_fd, name, &node);
    } else if (S_ISDIR(status.st_mode)) {
        record_append(&node, NULL, 0);
        int fd = REAL(openat64)(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
        snapshot_directory(fd, status.st_ino);
    } else {
        return; /* a socket or FIFO carries nothing over a power loss */
    }
    struct record entry = {.kind = RECORD_ENTRY, .inode = status.st_ino, .dir = dir_inode};
    (void)snprintf(entry.name, sizeof(entry.name), "%s", name);
    record_append(&entry, NULL, 0);
}

/* Closes the descriptor. */
static void snapshot_directory(int dir_fd, uint64_t inode)
{
    DIR *dir = dir_fd < 0 ? NULL : fdopendir(dir_fd);
    if (!dir)
        record_give_up("directory");
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            snapshot_entry(dir_fd, inode, entry->d_name);
    (void)closedir(dir);
}

static void snapshot(void)
{
    struct stat status;
    if (stat(recording.root, &status) != 0)
        record_give_up(recording.root);
    record_append(&(struct record){.kind = RECORD_START,
                                   .inode = status.st_ino,
                                   .mode = (uint32_t)status.st_mode},
                  NULL, 0);
    int fd = REAL(open64)(recording.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snapshot_directory(fd, status.st_ino);
    record_append(&(struct record){.kind = RECORD_READY}, NULL, 0);
}

void recorder_join(const char *root, const char *log_path)
{
    struct stat status;
    if (recording.log_fd >= 0 || !realpath(root, recording.root) ||
        stat(recording.root, &status) != 0)
        record_give_up(root);
    recording.root_len = strlen(recording.root);
    recording.device = status.st_dev;
    recording.log_fd = REAL(open64)(log_path, LOG_FLAGS | O_CREAT, 0600);
    if (recording.log_fd < 0)
        record_give_up(log_path);
    if (end_of(recording.log_fd) == 0)
        snapshot();
    atomic_store(&interpose_recording, true);
}

void recorder_start(const char *root, const char *log_path)
{
    if (REAL(unlinkat)(AT_FDCWD, log_path, 0) != 0 && errno != ENOENT)
        record_give_up(log_path);
    recorder_join(root, log_path);
}

void recorder_stop(void)
{
    atomic_store(&interpose_recording, false);
    record_lock();
    if (recording.log_fd >= 0)
        (void)close(recording.log_fd);
    recording.log_fd = -1;
    record_unlock();
}

void recorder_mark(uint64_t number)
{
    record_lock();
    record_append(&(struct record){.kind = RECORD_MARK, .value = number}, NULL, 0);
    record_unlock();
}

void recorder_mark_log(const char *log_path, uint64_t number)
{
    struct record record = {.kind = RECORD_MARK, .value = number};
    int fd = REAL(open64)(log_path, LOG_FLAGS);
    if (fd < 0)
        record_give_up(log_path);
    write_all(fd, &record, sizeof(record));
    (void)close(fd);
}
