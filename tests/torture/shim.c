/* Fails one system call that changes files: the TORTURE_N-th that this process makes of open (for writing), write, rename, fsync,
 * ftruncate, mkdir and unlink, with TORTURE_ERRNO. With TORTURE_HALF=1 a failing write first writes half of its bytes. The number of calls goes to the
 * file TORTURE_COUNT when the process ends. Standard output and error count only where TORTURE_STREAMS=1.
 * cc -shared -fPIC -O2 -o shim.so shim.c -ldl; LD_PRELOAD=shim.so TORTURE_N=3 ergoseq run ... */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static long calls;

static long setting(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text && *text ? atol(text) : otherwise;
}

/* Whether this call fails. */
static int fails(const char *what) {
    long n = __sync_add_and_fetch(&calls, 1);
    if (n != setting("TORTURE_N", -1)) return 0;
    const char *log = getenv("TORTURE_LOG");
    if (log) {
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
        ssize_t (*put)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
        int fd = real(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (fd >= 0) { put(fd, what, strlen(what)); put(fd, "\n", 1); close(fd); }
    }
    return 1;
}

static int error(void) { return (int)setting("TORTURE_ERRNO", ENOSPC); }

/* Whether a descriptor is of a file that counts. */
static int counts(int fd) {
    struct stat s;
    if (fd <= 2) return (int)setting("TORTURE_STREAMS", 0);
    return fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
}

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = dlsym(RTLD_NEXT, name)

static int opened(const char *name, const char *path, int flags, mode_t mode) {
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
    if ((flags & O_ACCMODE) != O_RDONLY && strncmp(path, "/dev", 4) && strncmp(path, "/proc", 5) && fails("open")) { errno = error(); return -1; }
    return real(path, flags, mode);
}
int open(const char *path, int flags, ...) { va_list a; va_start(a, flags); mode_t m = va_arg(a, int); va_end(a); return opened("open", path, flags, m); }
int open64(const char *path, int flags, ...) { va_list a; va_start(a, flags); mode_t m = va_arg(a, int); va_end(a); return opened("open64", path, flags, m); }

ssize_t write(int fd, const void *bytes, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (counts(fd) && fails("write")) { if (setting("TORTURE_HALF", 0) && size > 1) real(fd, bytes, size / 2); errno = error(); return -1; }
    return real(fd, bytes, size);
}
ssize_t writev(int fd, const struct iovec *v, int n) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    if (counts(fd) && fails("writev")) { errno = error(); return -1; }
    return real(fd, v, n);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    if (counts(fd) && fails("pwrite")) { if (setting("TORTURE_HALF", 0) && size > 1) real(fd, bytes, size / 2, at); errno = error(); return -1; }
    return real(fd, bytes, size, at);
}
ssize_t copy_file_range(int in, off64_t *a, int out, off64_t *b, size_t size, unsigned flags) {
    REAL(ssize_t, "copy_file_range", int, off64_t *, int, off64_t *, size_t, unsigned);
    if (fails("copy_file_range")) { errno = error(); return -1; }
    return real(in, a, out, b, size, flags);
}
int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    if (fails("rename")) { errno = error(); return -1; }
    return real(from, to);
}
int fsync(int fd) {
    REAL(int, "fsync", int);
    if (fails("fsync")) { errno = error(); return -1; }
    return real(fd);
}
int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    if (fails("fdatasync")) { errno = error(); return -1; }
    return real(fd);
}
int ftruncate64(int fd, off64_t size) {
    REAL(int, "ftruncate64", int, off64_t);
    if (fails("ftruncate")) { errno = error(); return -1; }
    return real(fd, size);
}
int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    if (fails("mkdir")) { errno = error(); return -1; }
    return real(path, mode);
}
int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    if (fails("unlink")) { errno = error(); return -1; }
    return real(path);
}

__attribute__((destructor)) static void told(void) {
    const char *path = getenv("TORTURE_COUNT");
    if (!path) return;
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    ssize_t (*put)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    char text[32];
    int size = snprintf(text, sizeof text, "%ld\n", calls), fd = real(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd >= 0) { if (put(fd, text, size) != size) errno = 0; close(fd); }
}
