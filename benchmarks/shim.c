/* A process's system calls, made to fail on demand: preloaded with LD_PRELOAD, made by shim.py.
 *
 * What is to fail stands in a page that whoever started the process shares with it: a file, named
 * by BROKEN_CONTROL. An operation counts if its kind is asked for and it touches a file in the
 * folder that is named there, or an internet socket; those numbered from `first` on fail, `times`
 * of them. The wall clock is shifted by `clock` seconds. The layout is that of Control in shim.py.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Declared by hand: the headers would rename open to open64 and the like, and both are wanted. */
typedef long off_type;
struct sockaddr;
struct msghdr;
struct iovec;
struct addrinfo;
struct timespec_type {
    long seconds, nanoseconds;
};
struct timeval_type {
    long seconds, microseconds;
};
extern void *mmap(void *, size_t, int, int, int, off_type);
extern int getsockopt(int, int, int, void *, unsigned *);

enum { OPEN = 1, WRITE = 2, FLUSH = 4, RENAME = 8, TRUNCATE = 16, REMOVE = 32, MAKE = 64, READ = 128 };
enum { CONNECT = 256, SEND = 512, RECEIVE = 1024, RESOLVE = 2048 };

static struct control {
    int64_t clock;
    int32_t kinds, first, times, error, seen, failed, last;
    char folder[512];
} *control;

__attribute__((constructor)) static void share_control(void) {
    const char *path = getenv("BROKEN_CONTROL");
    int file = path ? (int)syscall(SYS_openat, -100, path, 02, 0) : -1;
    if (file < 0)
        return;
    void *page = mmap(NULL, sizeof *control, 3, 1, file, 0);
    syscall(SYS_close, file);
    if (page != (void *)-1)
        control = page;
}

/* Whether this operation, which is one that counts, is to fail. */
static int strikes(int kind) {
    int nth = __atomic_add_fetch(&control->seen, 1, __ATOMIC_SEQ_CST);
    int first = control->first, times = control->times;
    if (!first || nth < first || (times && nth >= first + times))
        return 0;
    __atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
    control->last = kind;
    errno = control->error;
    return 1;
}

static int in_folder(const char *path) {
    size_t length = strlen(control->folder);
    if (!length || !path || strncmp(path, control->folder, length))
        return 0;
    return path[length] == '/' || !path[length];
}

static int path_fails(int kind, const char *path) {
    return control && (control->kinds & kind) && in_folder(path) && strikes(kind);
}

static int file_fails(int kind, int file) {
    if (!control || !(control->kinds & kind))
        return 0;
    char link[32] = "/proc/self/fd/", path[PATH_MAX];
    char digits[12];
    int count = 0, number = file;
    if (file < 0)
        return 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    for (size_t end = strlen(link); count; link[end] = 0)
        link[end++] = digits[--count];
    int before = errno;
    long length = syscall(SYS_readlinkat, -100, link, path, sizeof path - 1);
    errno = before;
    if (length < 0)
        return 0;
    path[length] = 0;
    return in_folder(path) && strikes(kind);
}

/* The self-pipe of an event loop is a socket too, and is to work. */
static int socket_fails(int kind, int file) {
    if (!control || !(control->kinds & kind))
        return 0;
    int family = 0, before = errno;
    unsigned size = sizeof family;
    int known = getsockopt(file, 1 /* SOL_SOCKET */, 39 /* SO_DOMAIN */, &family, &size);
    errno = before;
    return !known && (family == 2 || family == 10) && strikes(kind);
}

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

#define CALL(name, type, ...) ((type)cached(&name##_found, #name))(__VA_ARGS__)
#define CACHE(name) static void *name##_found
static void *cached(void **found, const char *name) { return *found ? *found : (*found = real(name)); }

/* Files */

#define OPENING(name)                                                                              \
    CACHE(name);                                                                                   \
    int name(const char *path, int flags, ...) {                                                   \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        unsigned mode = va_arg(more, unsigned);                                                    \
        va_end(more);                                                                              \
        int writing = (flags & 3) || (flags & 0100);                                               \
        if (writing && path_fails(OPEN, path))                                                     \
            return -1;                                                                             \
        return CALL(name, int (*)(const char *, int, ...), path, flags, mode);                     \
    }
OPENING(open)
OPENING(open64)

#define OPENING_AT(name)                                                                           \
    CACHE(name);                                                                                   \
    int name(int folder, const char *path, int flags, ...) {                                       \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        unsigned mode = va_arg(more, unsigned);                                                    \
        va_end(more);                                                                              \
        int writing = (flags & 3) || (flags & 0100);                                               \
        if (writing && path_fails(OPEN, path))                                                     \
            return -1;                                                                             \
        return CALL(name, int (*)(int, const char *, int, ...), folder, path, flags, mode);        \
    }
OPENING_AT(openat)
OPENING_AT(openat64)

/* A disk that fills up takes a part first: half of what is given is written. */
CACHE(write);
ssize_t write(int file, const void *data, size_t size) {
    if (file_fails(WRITE, file)) {
        if (size > 1)
            CALL(write, ssize_t (*)(int, const void *, size_t), file, data, size / 2);
        errno = control->error;
        return -1;
    }
    return CALL(write, ssize_t (*)(int, const void *, size_t), file, data, size);
}

#define WRITING_AT(name)                                                                           \
    CACHE(name);                                                                                   \
    ssize_t name(int file, const void *data, size_t size, off_type place) {                        \
        if (file_fails(WRITE, file))                                                               \
            return -1;                                                                             \
        return CALL(name, ssize_t (*)(int, const void *, size_t, off_type), file, data, size,      \
                    place);                                                                        \
    }
WRITING_AT(pwrite)
WRITING_AT(pwrite64)

#define READING_AT(name)                                                                           \
    CACHE(name);                                                                                   \
    ssize_t name(int file, void *data, size_t size, off_type place) {                              \
        if (file_fails(READ, file))                                                                \
            return -1;                                                                             \
        return CALL(name, ssize_t (*)(int, void *, size_t, off_type), file, data, size, place);    \
    }
READING_AT(pread)
READING_AT(pread64)

CACHE(read);
ssize_t read(int file, void *data, size_t size) {
    if (file_fails(READ, file))
        return -1;
    return CALL(read, ssize_t (*)(int, void *, size_t), file, data, size);
}

#define ON_FILE(name, kind)                                                                        \
    CACHE(name);                                                                                   \
    int name(int file) {                                                                           \
        if (file_fails(kind, file))                                                                \
            return -1;                                                                             \
        return CALL(name, int (*)(int), file);                                                     \
    }
ON_FILE(fsync, FLUSH)
ON_FILE(fdatasync, FLUSH)

#define TRUNCATING(name)                                                                           \
    CACHE(name);                                                                                   \
    int name(int file, off_type size) {                                                            \
        if (file_fails(TRUNCATE, file))                                                            \
            return -1;                                                                             \
        return CALL(name, int (*)(int, off_type), file, size);                                     \
    }
TRUNCATING(ftruncate)
TRUNCATING(ftruncate64)

#define TRUNCATING_PATH(name)                                                                      \
    CACHE(name);                                                                                   \
    int name(const char *path, off_type size) {                                                    \
        if (path_fails(TRUNCATE, path))                                                            \
            return -1;                                                                             \
        return CALL(name, int (*)(const char *, off_type), path, size);                            \
    }
TRUNCATING_PATH(truncate)
TRUNCATING_PATH(truncate64)

CACHE(rename);
int rename(const char *from, const char *to) {
    if (path_fails(RENAME, to))
        return -1;
    return CALL(rename, int (*)(const char *, const char *), from, to);
}

CACHE(unlink);
int unlink(const char *path) {
    if (path_fails(REMOVE, path))
        return -1;
    return CALL(unlink, int (*)(const char *), path);
}

CACHE(mkdir);
int mkdir(const char *path, unsigned mode) {
    if (path_fails(MAKE, path))
        return -1;
    return CALL(mkdir, int (*)(const char *, unsigned), path, mode);
}

/* Sockets */

CACHE(connect);
int connect(int file, const struct sockaddr *to, unsigned size) {
    if (socket_fails(CONNECT, file))
        return -1;
    return CALL(connect, int (*)(int, const struct sockaddr *, unsigned), file, to, size);
}

CACHE(send);
ssize_t send(int file, const void *data, size_t size, int flags) {
    if (socket_fails(SEND, file))
        return -1;
    return CALL(send, ssize_t (*)(int, const void *, size_t, int), file, data, size, flags);
}

CACHE(sendmsg);
ssize_t sendmsg(int file, const struct msghdr *message, int flags) {
    if (socket_fails(SEND, file))
        return -1;
    return CALL(sendmsg, ssize_t (*)(int, const struct msghdr *, int), file, message, flags);
}

CACHE(recv);
ssize_t recv(int file, void *data, size_t size, int flags) {
    if (socket_fails(RECEIVE, file))
        return -1;
    return CALL(recv, ssize_t (*)(int, void *, size_t, int), file, data, size, flags);
}

CACHE(getaddrinfo);
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    if (control && (control->kinds & RESOLVE) && strikes(RESOLVE))
        return -3; /* EAI_AGAIN: temporary failure in name resolution */
    return CALL(getaddrinfo,
                int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **),
                name, service, hints, found);
}

/* The clock: wall time alone; what measures durations goes on as it is. */

CACHE(clock_gettime);
int clock_gettime(int clock, struct timespec_type *now) {
    int done = CALL(clock_gettime, int (*)(int, struct timespec_type *), clock, now);
    if (!done && control && (clock == 0 || clock == 5)) /* CLOCK_REALTIME, and its coarse one */
        now->seconds += control->clock;
    return done;
}

CACHE(gettimeofday);
int gettimeofday(struct timeval_type *now, void *zone) {
    int done = CALL(gettimeofday, int (*)(struct timeval_type *, void *), now, zone);
    if (!done && control)
        now->seconds += control->clock;
    return done;
}

CACHE(time);
long time(long *now) {
    long seconds = CALL(time, long (*)(long *), NULL) + (control ? control->clock : 0);
    if (now)
        *now = seconds;
    return seconds;
}
