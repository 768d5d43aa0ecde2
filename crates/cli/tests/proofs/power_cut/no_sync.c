/* Preloaded into a program, says that everything was synced and syncs nothing. */

int fsync(int file)
{
    (void)file;
    return 0;
}

int fdatasync(int file)
{
    (void)file;
    return 0;
}
