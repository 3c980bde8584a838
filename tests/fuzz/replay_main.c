/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays files, and the files of directories, through a fuzz target, where it is not linked with
 * libFuzzer: each file is a test of its own. A broken property or a sanitizer ends the program, and
 * the plan, which stands first, then says that tests are missing.
 */
#include "common/base/cleanup.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

struct files {
    char **paths;
    size_t num;
};

static void free_files(struct files *files)
{
    for (size_t i = 0; i < files->num; i++)
        free(files->paths[i]);
    free((void *)files->paths);
}

static int add_file(struct files *files, const char *path)
{
    char **paths = (char **)realloc((void *)files->paths, (files->num + 1) * sizeof(*paths));
    if (!paths)
        return -1;
    files->paths = paths;
    paths[files->num] = strdup(path);
    if (!paths[files->num])
        return -1;
    files->num++;
    return 0;
}

static int add_entry(struct files *files, const char *directory, const char *name)
{
    char path[PATH_MAX] = "";
    int len = snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (len < 0 || (size_t)len >= sizeof(path))
        return -1;
    return add_file(files, path);
}

static int add_directory(struct files *files, const char *path)
{
    struct dirent **entries = NULL;
    int num = scandir(path, &entries, NULL, alphasort);
    int error = num < 0 ? -1 : 0;

    for (int i = 0; i < num; i++) {
        if (entries[i]->d_name[0] != '.')
            error |= add_entry(files, path, entries[i]->d_name);
        free(entries[i]);
    }
    free((void *)entries);
    return error;
}

static int add(struct files *files, const char *path)
{
    struct stat info;
    if (stat(path, &info))
        return -1;
    return S_ISDIR(info.st_mode) ? add_directory(files, path) : add_file(files, path);
}

/* In a block of exactly its size, so that a sanitizer sees a byte read behind it. */
static int replay(const char *path)
{
    COMMON_CLEANUP_FILE FILE *file = fopen(path, "rbe");
    struct stat info;
    if (!file || fstat(fileno(file), &info))
        return -1;
    size_t size = (size_t)info.st_size;
    COMMON_CLEANUP_FREE uint8_t *data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, file) != size)
        return -1;
    return LLVMFuzzerTestOneInput(data, size);
}

static int replay_all(const struct files *files)
{
    int failed = 0;

    printf("1..%zu\n", files->num);
    for (size_t i = 0; i < files->num; i++) {
        int error = replay(files->paths[i]);
        const char *slash = strrchr(files->paths[i], '/');
        printf("%sok %zu - %s\n", error ? "not " : "", i + 1, slash ? slash + 1 : files->paths[i]);
        (void)fflush(stdout);
        failed |= error;
    }
    return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct files files = {0};
    int error = 0;

    for (int i = 1; i < argc; i++)
        error |= add(&files, argv[i]);
    if (error || files.num == 0) {
        printf("Bail out! a corpus is missing or cannot be read\n");
        error = 1;
    } else {
        error = replay_all(&files);
    }
    free_files(&files);
    return error;
}
