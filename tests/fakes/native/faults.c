// Preloaded into an engine's process: a computation of llama.cpp that faults as native code does, by a real fault.
//
// FAULT       segv, ill, bus or fpe
// FAULT_ON    the steps of the ladder (SPECTRA_KERNELS) on which it happens, between commas; absent: on all
// FAULT_WHEN  a file: nothing happens before it exists; absent: at the first computation
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int is_due(void) {
    const char *on = getenv("FAULT_ON"), *step = getenv("SPECTRA_KERNELS"), *when = getenv("FAULT_WHEN");
    char wanted[256], here[256];
    if (!getenv("FAULT") || !step) return 0;
    if (on) {
        snprintf(wanted, sizeof wanted, ",%s,", on);
        snprintf(here, sizeof here, ",%s,", step);
        if (!strstr(wanted, here)) return 0;
    }
    return !when || access(when, F_OK) == 0;
}

static void fault(void) {
    const char *kind = getenv("FAULT");
    if (!strcmp(kind, "segv")) *(volatile int *)8 = 1;
    if (!strcmp(kind, "ill")) __builtin_trap();
    if (!strcmp(kind, "fpe")) {
        volatile int seven = 7, zero = 0;
        seven = seven / zero;
        raise(SIGFPE);  // processors that divide by zero
    }
    if (!strcmp(kind, "bus")) {  // a mapped file that has become shorter
        FILE *file = tmpfile();
        if (ftruncate(fileno(file), 4096)) abort();
        volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
        if (ftruncate(fileno(file), 0)) abort();
        (void)*page;
    }
}

int ggml_backend_sched_graph_compute_async(void *scheduler, void *graph) {
    static int (*real)(void *, void *);
    if (is_due()) fault();
    if (!real) {  // the library was opened for llama.cpp alone, so that RTLD_NEXT does not find it
        void *library = dlopen("libggml-base.so.0", RTLD_LAZY | RTLD_NOLOAD);
        if (!library) library = dlopen("libggml-base.so", RTLD_LAZY | RTLD_NOLOAD);
        if (library) real = (int (*)(void *, void *))dlsym(library, "ggml_backend_sched_graph_compute_async");
        if (!real) abort();
    }
    return real(scheduler, graph);
}
