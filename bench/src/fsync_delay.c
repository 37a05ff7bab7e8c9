/* Makes every fsync and fdatasync of a process slower by LANDFALL_BENCH_FSYNC_MS milliseconds, as the disks of many
 * clouds are. Loaded with LD_PRELOAD, it reaches every program that syncs through the C library. sync_file_range is
 * left alone: it promises nothing durable, and nobody acknowledges after it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

static struct timespec delay;
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void prepare(void) {
    const char *text = getenv("LANDFALL_BENCH_FSYNC_MS");
    long ms = text ? atol(text) : 0;
    delay.tv_sec = ms / 1000;
    delay.tv_nsec = ms % 1000 * 1000000;
    real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
}

static void wait_longer(void) {
    struct timespec left = delay;
    while (nanosleep(&left, &left) == -1 && errno == EINTR) {}
}

int fsync(int fd) {
    wait_longer();
    return real_fsync(fd);
}

int fdatasync(int fd) {
    wait_longer();
    return real_fdatasync(fd);
}
