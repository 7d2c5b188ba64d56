// Preloaded into a program and all that it starts: writes down what is connected to or looked up, and lets it happen.
//
// CONNECTS  the file that each is a line of: "unix PATH", "inet ADDRESS PORT", "lookup NAME"
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void note(const char *line, int length) {
    const char *path = getenv("CONNECTS");
    int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    if (file < 0) return;
    if (write(file, line, length) < 0) abort();
    close(file);
}

static void note_address(const struct sockaddr *address, socklen_t size) {
    char line[512], text[INET6_ADDRSTRLEN] = "";
    int length = 0;
    if (!address || size < sizeof(sa_family_t)) return;
    if (address->sa_family == AF_UNIX) {
        const struct sockaddr_un *local = (const struct sockaddr_un *)address;
        int most = (int)(size - offsetof(struct sockaddr_un, sun_path));
        length = snprintf(line, sizeof line, "unix %.*s\n", most, local->sun_path[0] ? local->sun_path : "(abstract)");
    } else if (address->sa_family == AF_INET) {
        const struct sockaddr_in *inet = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &inet->sin_addr, text, sizeof text);
        length = snprintf(line, sizeof line, "inet %s %d\n", text, ntohs(inet->sin_port));
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *inet = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &inet->sin6_addr, text, sizeof text);
        length = snprintf(line, sizeof line, "inet %s %d\n", text, ntohs(inet->sin6_port));
    }
    if (length > 0) note(line, length);
}

int connect(int descriptor, const struct sockaddr *address, socklen_t size) {
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    note_address(address, size);
    return real(descriptor, address, size);
}

ssize_t sendto(int descriptor, const void *data, size_t length, int flags, const struct sockaddr *address,
               socklen_t size) {
    ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
    if (address) note_address(address, size);
    return real(descriptor, data, length, flags, address, size);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    char line[512];
    int length = snprintf(line, sizeof line, "lookup %s\n", name ? name : "");
    note(line, length < (int)sizeof line ? length : (int)sizeof line - 1);
    return real(name, service, hints, found);
}
