/* Shuts an ext4 file system down as a power cut does: what was not synced is gone. */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define SHUTDOWN _IOR('X', 125, uint32_t)
#define WITHOUT_FLUSHING_THE_LOG 2

int main(int count, char **arguments)
{
    uint32_t how = WITHOUT_FLUSHING_THE_LOG;
    int folder = count == 2 ? open(arguments[1], O_RDONLY | O_DIRECTORY) : -1;

    if (folder < 0 || ioctl(folder, SHUTDOWN, &how) != 0) {
        perror("the file system cannot be shut down");
        return 1;
    }
    return 0;
}
