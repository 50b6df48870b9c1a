/* Makes the disk fail for the segments of an outbox, as the file named by FAULTS says: "write 28", "write short", "fdatasync 5",
   and for one of them only when its name follows: "pread 5 0190....log".
   Preloaded by tests/logs/outbox/test_outbox_faults.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fault(int fd, const char *call)
{
    char path[64], target[512], text[64];
    const char *faults = getenv("FAULTS");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = 0;
    if (faults == NULL || length < 4 || (strncmp(target + length - 4, ".log", 4) && strncmp(target + length - 4, ".new", 4)))
        return 0;
    int file = (int)syscall(SYS_openat, AT_FDCWD, faults, O_RDONLY);
    if (file < 0)
        return 0;
    ssize_t size = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    text[size < 0 ? 0 : size] = 0;
    const char *only = strchr(text + strcspn(text, " ") + 1, ' ');
    if (strncmp(text, call, strlen(call)) || (only && strcmp(target + length - strlen(only + 1), only + 1)))
        return 0;
    return strstr(text, "short") ? -1 : atoi(text + strlen(call));
}

ssize_t write(int fd, const void *content, size_t count)
{
    int number = fault(fd, "write");
    if (number > 0) {
        errno = number;
        return -1;
    }
    return syscall(SYS_write, fd, content, number < 0 && count > 100 ? 100 : count);
}

/* Of records, not of the place that was reached: what takes no room, a full disk takes too. */
ssize_t pwrite64(int fd, const void *content, size_t count, off64_t at)
{
    int number = count > 100 ? fault(fd, "write") : 0;
    if (number > 0) {
        errno = number;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, content, number < 0 ? 100 : count, at);
}

ssize_t pwrite(int fd, const void *content, size_t count, off_t at)
{
    return pwrite64(fd, content, count, at);
}

int fdatasync(int fd)
{
    int number = fault(fd, "fdatasync");
    if (number > 0) {
        errno = number;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

ssize_t pread64(int fd, void *content, size_t count, off64_t at)
{
    int number = fault(fd, "pread");
    if (number > 0) {
        errno = number;
        return -1;
    }
    return syscall(SYS_pread64, fd, content, count, at);
}

ssize_t pread(int fd, void *content, size_t count, off_t at)
{
    return pread64(fd, content, count, at);
}
