// Fills an empty ext4 file system in a file, without mounting it and without privileges, through libext2fs.
// Every function that returns `long` returns 0 or an error for cext4_message().
#pragma once

#include <stddef.h>
#include <stdint.h>

struct cext4;
struct cext4_file;

// What the file system keeps of an inode besides its content.
struct cext4_attributes {
    // Type and permissions, as in st_mode.
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    int64_t seconds;
    uint32_t nanoseconds;
    // The number of names; for a directory, 2 and one for each directory in it.
    uint32_t links;
    // Of a device.
    uint32_t major;
    uint32_t minor;
};

struct cext4_entry {
    const uint8_t *name;
    // At most 255.
    size_t length;
    uint32_t inode;
    uint32_t mode;
};

struct cext4_xattr {
    // With its namespace, for example "user.mime".
    const char *name;
    const uint8_t *value;
    size_t length;
};

enum { CEXT4_ROOT = 2, CEXT4_BLOCK = 4096 };

const char *cext4_message(long error);
// Whether the error says that the file system has too few blocks or inodes.
int cext4_is_full(long error);

// Opens a file system that mke2fs made, with blocks of CEXT4_BLOCK.
long cext4_open(const char *path, struct cext4 **result);
// Writes what is pending and closes. `file_system` is gone afterwards, whatever the result.
long cext4_close(struct cext4 *file_system);

// Takes an inode near the directory `parent`, empty.
long cext4_create(struct cext4 *file_system, uint32_t parent, const struct cext4_attributes *attributes,
                  uint32_t *inode);
long cext4_set_attributes(struct cext4 *file_system, uint32_t inode, const struct cext4_attributes *attributes);

// Writes the whole content of a directory: `.`, `..` and the entries.
long cext4_write_directory(struct cext4 *file_system, uint32_t inode, uint32_t parent,
                           const struct cext4_entry *entries, size_t count);
long cext4_write_symlink(struct cext4 *file_system, uint32_t inode, const uint8_t *target, size_t length);
long cext4_write_xattrs(struct cext4 *file_system, uint32_t inode, const struct cext4_xattr *xattrs, size_t count);

// Content of a regular file. What is not written is a hole. `file` is gone after cext4_file_close(), whatever the result.
long cext4_file_open(struct cext4 *file_system, uint32_t inode, struct cext4_file **result);
long cext4_file_write(struct cext4_file *file, uint64_t offset, const void *bytes, size_t length);
long cext4_file_close(struct cext4_file *file, uint64_t size);
