// Preloaded into all processes: a disk that lacks what network folders and memory sticks lack.
//
// NO_LOCKS    files cannot be locked
// NO_MODES    files and folders take no modes
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

static int refused(const char *what, int error) {
    if (!getenv(what)) return 0;
    errno = error;
    return 1;
}

static int control(const char *name, int file, int command, void *argument) {
    int locks = command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW;
    if (locks && refused("NO_LOCKS", ENOLCK)) return -1;
    int (*real)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, name);
    return real(file, command, argument);
}

#define CONTROL(name)                              \
    int name(int file, int command, ...) {         \
        va_list rest;                              \
        va_start(rest, command);                   \
        void *argument = va_arg(rest, void *);     \
        va_end(rest);                              \
        return control(#name, file, command, argument); \
    }
CONTROL(fcntl)
CONTROL(fcntl64)

int flock(int file, int operation) {
    if (refused("NO_LOCKS", ENOLCK)) return -1;
    int (*real)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
    return real(file, operation);
}

int chmod(const char *path, mode_t mode) {
    if (refused("NO_MODES", EPERM)) return -1;
    int (*real)(const char *, mode_t) = (int (*)(const char *, mode_t))dlsym(RTLD_NEXT, "chmod");
    return real(path, mode);
}

int fchmod(int file, mode_t mode) {
    if (refused("NO_MODES", EPERM)) return -1;
    int (*real)(int, mode_t) = (int (*)(int, mode_t))dlsym(RTLD_NEXT, "fchmod");
    return real(file, mode);
}

int fchmodat(int folder, const char *path, mode_t mode, int flags) {
    if (refused("NO_MODES", EPERM)) return -1;
    int (*real)(int, const char *, mode_t, int) = (int (*)(int, const char *, mode_t, int))dlsym(RTLD_NEXT, "fchmodat");
    return real(folder, path, mode, flags);
}
