/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes and names in memory, and writing them out as files. */
#include "tests/support/replay_internal.h"
#include "tests/support/tmpdir.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void image_wipe(struct image *image)
{
    free(image->data);
    *image = (struct image){0};
}

void image_resize(struct image *image, size_t len)
{
    if (len > image->cap) {
        size_t cap = len + len / 2 + REPLAY_SECTOR;
        uint8_t *data = realloc(image->data, cap);
        if (!data)
            replay_give_up("out of memory");
        image->data = data;
        image->cap = cap;
    }
    if (len > image->len)
        memset(image->data + image->len, 0, len - image->len);
    image->len = len;
}

void image_copy(struct image *to, const struct image *from)
{
    to->len = 0;
    image_resize(to, from->len);
    if (from->len)
        memcpy(to->data, from->data, from->len);
}

void directory_wipe(struct directory *directory)
{
    free(directory->entries);
    *directory = (struct directory){0};
}

void directory_copy(struct directory *to, const struct directory *from)
{
    directory_wipe(to);
    to->entries = replay_allocate(from->num_entries, sizeof(*to->entries));
    to->num_entries = from->num_entries;
    if (from->num_entries)
        memcpy(to->entries, from->entries, from->num_entries * sizeof(*to->entries));
}

void directory_set(struct directory *directory, const char *name, int node)
{
    size_t i = 0;
    while (i < directory->num_entries && strcmp(directory->entries[i].name, name) != 0)
        i++;
    if (node == REPLAY_NOTHING) {
        if (i < directory->num_entries)
            directory->entries[i] = directory->entries[--directory->num_entries];
        return;
    }
    if (i == directory->num_entries) {
        struct entry *entries = realloc(directory->entries, (i + 1) * sizeof(*entries));
        if (!entries)
            replay_give_up("out of memory");
        directory->entries = entries;
        directory->num_entries++;
    }
    directory->entries[i] = (struct entry){.name = name, .node = node};
}

struct writing {
    const struct node *nodes;
    const struct remains *remains;
    char (*first_path)[PATH_MAX]; /* by node: where a file was written, for its other names */
};

static bool is_zero(const uint8_t *data, size_t len)
{
    return data[0] == 0 && memcmp(data, data + 1, len - 1) == 0;
}

/* Blocks of zeroes stay holes: a volume of a few used extents is written fast. */
static void write_file(const char *path, const struct image *image, uint32_t mode)
{
    enum {
        BLOCK = 4096
    };
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || fchmod(fd, (mode & 0777) | 0600) != 0 || ftruncate(fd, (off_t)image->len) != 0)
        replay_give_up(path);
    for (size_t at = 0; at < image->len;) {
        size_t end = at;
        while (end < image->len) {
            size_t len = image->len - end < BLOCK ? image->len - end : BLOCK;
            if (is_zero(image->data + end, len))
                break;
            end += len;
        }
        if (end > at && pwrite(fd, image->data + at, end - at, (off_t)at) != (ssize_t)(end - at))
            replay_give_up(path);
        at = end + BLOCK;
    }
    (void)close(fd);
}

static void write_link(const char *path, const struct image *target)
{
    char text[PATH_MAX];
    (void)snprintf(text, sizeof(text), "%.*s", (int)target->len, (const char *)target->data);
    if (symlink(text, path) != 0)
        replay_give_up(path);
}

static void write_directory(const struct writing *writing, const char *path, int node,
                            unsigned depth);

static void write_entry(const struct writing *writing, const char *path, int index, unsigned depth)
{
    const struct node *node = &writing->nodes[index];
    char *first = writing->first_path[index];
    if (S_ISDIR(node->mode)) {
        write_directory(writing, path, index, depth + 1);
    } else if (S_ISLNK(node->mode)) {
        write_link(path, &node->image);
    } else if (first[0] != 0) {
        if (link(first, path) != 0)
            replay_give_up(path);
    } else {
        write_file(path, &writing->remains->image[index], node->mode);
        (void)snprintf(first, PATH_MAX, "%s", path);
    }
}

static void write_directory(const struct writing *writing, const char *path, int node,
                            unsigned depth)
{
    enum {
        MAX_DEPTH = 32 /* half-durable renames of directories can make a circle */
    };
    if (depth > MAX_DEPTH)
        return;
    if (mkdir(path, 0700) != 0)
        replay_give_up(path);
    const struct directory *directory = &writing->remains->directory[node];
    for (size_t i = 0; i < directory->num_entries; i++) {
        char below[PATH_MAX];
        int len = snprintf(below, sizeof(below), "%s/%s", path, directory->entries[i].name);
        if (len < 0 || len >= PATH_MAX)
            replay_give_up("path too long");
        write_entry(writing, below, directory->entries[i].node, depth);
    }
}

void tree_write(const char *out_dir, const struct node *nodes, size_t num_nodes, int root,
                const struct remains *remains)
{
    struct writing writing = {
        .nodes = nodes, .remains = remains, .first_path = replay_allocate(num_nodes, PATH_MAX)};
    tree_remove(out_dir);
    write_directory(&writing, out_dir, root, 0);
    free(writing.first_path);
}
