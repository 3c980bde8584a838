/* SPDX-License-Identifier: Apache-2.0 */
/* A process that knows nothing of recorders: test_preload.c runs it. Replaces the file "config" in
 * the directory, and answers on its output when that is done. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 2 || chdir(argv[1]) != 0)
        return 2;
    int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = open("config.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (dir < 0 || fd < 0 || write(fd, "new", 3) != 3 || write(fd, "er", 2) != 2)
        return 1;
    if (fsync(fd) != 0 || rename("config.new", "config") != 0 || fsync(dir) != 0)
        return 1;
    if (write(STDOUT_FILENO, "done\n", 5) != 5)
        return 1;
    (void)close(fd);
    (void)close(dir);
    return 0;
}
