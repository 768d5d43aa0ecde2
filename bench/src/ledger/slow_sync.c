// Preloaded into a server whose disk is to be slow: each sync takes so many microseconds longer.
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void wait_a_little(void) {
    const char *microseconds = getenv("SLOW_SYNC_US");
    if (microseconds) usleep((useconds_t)atoi(microseconds));
}

int fdatasync(int fd) {
    wait_a_little();
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd) {
    wait_a_little();
    return (int)syscall(SYS_fsync, fd);
}
