#include "cext4.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <et/com_err.h>
#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>

struct cext4 {
    ext2_filsys fs;
};

struct cext4_file {
    ext2_file_t file;
};

const char *cext4_message(long error) { return error_message(error); }

int cext4_is_full(long error) {
    return error == EXT2_ET_BLOCK_ALLOC_FAIL || error == EXT2_ET_INODE_ALLOC_FAIL || error == ENOSPC;
}

long cext4_open(const char *path, struct cext4 **result) {
    initialize_ext2_error_table();
    struct cext4 *file_system = calloc(1, sizeof *file_system);
    if (file_system == NULL) return ENOMEM;
    errcode_t error = ext2fs_open2(path, NULL, EXT2_FLAG_RW | EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &file_system->fs);
    if (error == 0 && file_system->fs->blocksize != CEXT4_BLOCK) error = EXT2_ET_UNIMPLEMENTED;
    if (error == 0) error = ext2fs_read_bitmaps(file_system->fs);
    if (error != 0) {
        if (file_system->fs != NULL) ext2fs_close_free(&file_system->fs);
        free(file_system);
        return error;
    }
    *result = file_system;
    return 0;
}

long cext4_close(struct cext4 *file_system) {
    errcode_t error = ext2fs_close_free(&file_system->fs);
    if (file_system->fs != NULL) ext2fs_free(file_system->fs);
    free(file_system);
    return error;
}

// The field for nanoseconds has two more bits of the seconds.
static uint32_t extra_time(const struct cext4_attributes *attributes) {
    uint64_t epoch = ((uint64_t)attributes->seconds - (uint64_t)(int64_t)(int32_t)attributes->seconds) >> 32;
    return (uint32_t)(epoch & 3) | attributes->nanoseconds << 2;
}

static void apply(struct ext2_inode_large *inode, const struct cext4_attributes *attributes) {
    inode->i_mode = (uint16_t)attributes->mode;
    inode->i_uid = (uint16_t)attributes->uid;
    inode->osd2.linux2.l_i_uid_high = (uint16_t)(attributes->uid >> 16);
    inode->i_gid = (uint16_t)attributes->gid;
    inode->osd2.linux2.l_i_gid_high = (uint16_t)(attributes->gid >> 16);
    // Of a directory with more directories than fit, ext4 says 1.
    inode->i_links_count = attributes->links < EXT2_LINK_MAX ? (uint16_t)attributes->links : 1;
    inode->i_atime = inode->i_mtime = inode->i_ctime = inode->i_crtime = (uint32_t)attributes->seconds;
    inode->i_atime_extra = inode->i_mtime_extra = inode->i_ctime_extra = inode->i_crtime_extra = extra_time(attributes);
}

// The layout of the kernel's new_encode_dev() and old_encode_dev(), in the two places where ext4 looks for them.
static void apply_device(struct ext2_inode_large *inode, const struct cext4_attributes *attributes) {
    if (attributes->major < 256 && attributes->minor < 256) {
        inode->i_block[0] = attributes->major << 8 | attributes->minor;
        return;
    }
    inode->i_block[1] =
        (attributes->minor & 0xFF) | attributes->major << 8 | (attributes->minor & ~(uint32_t)0xFF) << 12;
}

long cext4_create(struct cext4 *file_system, uint32_t parent, const struct cext4_attributes *attributes,
                  uint32_t *result) {
    ext2_filsys fs = file_system->fs;
    ext2_ino_t ino;
    errcode_t error = ext2fs_new_inode(fs, parent, (int)attributes->mode, NULL, &ino);
    if (error != 0) return error;
    int is_directory = S_ISDIR(attributes->mode);
    int has_content = is_directory || S_ISREG(attributes->mode);
    ext2fs_inode_alloc_stats2(fs, ino, 1, is_directory);

    struct ext2_inode_large inode = {0};
    inode.i_extra_isize = sizeof inode - EXT2_GOOD_OLD_INODE_SIZE;
    apply(&inode, attributes);
    if (S_ISCHR(attributes->mode) || S_ISBLK(attributes->mode)) apply_device(&inode, attributes);
    error = ext2fs_write_inode_full(fs, ino, EXT2_INODE(&inode), sizeof inode);
    if (error != 0) return error;
    if (has_content) {
        // Opening an empty map makes it one of extents.
        ext2_extent_handle_t handle;
        error = ext2fs_extent_open2(fs, ino, EXT2_INODE(&inode), &handle);
        if (error != 0) return error;
        ext2fs_extent_free(handle);
        error = ext2fs_write_inode_full(fs, ino, EXT2_INODE(&inode), sizeof inode);
    }
    *result = ino;
    return error;
}

long cext4_set_attributes(struct cext4 *file_system, uint32_t ino, const struct cext4_attributes *attributes) {
    struct ext2_inode_large inode = {0};
    errcode_t error = ext2fs_read_inode_full(file_system->fs, ino, EXT2_INODE(&inode), sizeof inode);
    if (error != 0) return error;
    apply(&inode, attributes);
    return ext2fs_write_inode_full(file_system->fs, ino, EXT2_INODE(&inode), sizeof inode);
}

static uint8_t entry_type(uint32_t mode) {
    switch (mode & S_IFMT) {
    case S_IFREG: return EXT2_FT_REG_FILE;
    case S_IFDIR: return EXT2_FT_DIR;
    case S_IFCHR: return EXT2_FT_CHRDEV;
    case S_IFBLK: return EXT2_FT_BLKDEV;
    case S_IFIFO: return EXT2_FT_FIFO;
    case S_IFLNK: return EXT2_FT_SYMLINK;
    default: return EXT2_FT_UNKNOWN;
    }
}

// A directory that is written block by block.
struct directory {
    ext2_filsys fs;
    ext2_ino_t ino;
    struct ext2_inode inode;
    char block[CEXT4_BLOCK];
    // Bytes of a block that may hold entries.
    size_t capacity;
    size_t used;
    struct ext2_dir_entry *last;
    blk64_t count;
};

static errcode_t flush(struct directory *directory) {
    ext2_filsys fs = directory->fs;
    blk64_t block;
    // The last entry of a block reaches to its end.
    directory->last->rec_len = (uint16_t)(directory->capacity - (size_t)((char *)directory->last - directory->block));
    if (directory->capacity < CEXT4_BLOCK)
        ext2fs_initialize_dirent_tail(fs, EXT2_DIRENT_TAIL(directory->block, CEXT4_BLOCK));
    errcode_t error = ext2fs_bmap2(
        fs, directory->ino, &directory->inode, NULL, BMAP_ALLOC, directory->count, NULL, &block);
    if (error == 0) error = ext2fs_write_dir_block4(fs, block, directory->block, 0, directory->ino);
    directory->count++;
    directory->used = 0;
    memset(directory->block, 0, sizeof directory->block);
    return error;
}

static errcode_t append(struct directory *directory, const struct cext4_entry *entry) {
    size_t length = (8 + entry->length + 3) & ~(size_t)3;
    if (entry->length == 0 || entry->length > EXT2_NAME_LEN) return EXT2_ET_INVALID_ARGUMENT;
    if (directory->used + length > directory->capacity) {
        errcode_t error = flush(directory);
        if (error != 0) return error;
    }
    struct ext2_dir_entry *place = (struct ext2_dir_entry *)(directory->block + directory->used);
    place->inode = entry->inode;
    place->rec_len = (uint16_t)length;
    ext2fs_dirent_set_name_len(place, (int)entry->length);
    ext2fs_dirent_set_file_type(place, entry_type(entry->mode));
    memcpy(place->name, entry->name, entry->length);
    directory->last = place;
    directory->used += length;
    return 0;
}

long cext4_write_directory(struct cext4 *file_system, uint32_t ino, uint32_t parent,
                           const struct cext4_entry *entries, size_t count) {
    struct directory *directory = calloc(1, sizeof *directory);
    if (directory == NULL) return ENOMEM;
    directory->fs = file_system->fs;
    directory->ino = ino;
    directory->capacity = CEXT4_BLOCK;
    if (ext2fs_has_feature_metadata_csum(file_system->fs->super))
        directory->capacity -= sizeof(struct ext2_dir_entry_tail);
    errcode_t error = ext2fs_read_inode(directory->fs, ino, &directory->inode);
    const struct cext4_entry own[] = {
        {.name = (const uint8_t *)".", .length = 1, .inode = ino, .mode = S_IFDIR},
        {.name = (const uint8_t *)"..", .length = 2, .inode = parent, .mode = S_IFDIR},
    };
    for (size_t index = 0; index < 2 && error == 0; index++) error = append(directory, &own[index]);
    for (size_t index = 0; index < count && error == 0; index++) error = append(directory, &entries[index]);
    if (error == 0) error = flush(directory);
    if (error == 0) error = ext2fs_inode_size_set(directory->fs, &directory->inode, directory->count * CEXT4_BLOCK);
    if (error == 0) error = ext2fs_write_inode(directory->fs, ino, &directory->inode);
    free(directory);
    return error;
}

long cext4_write_symlink(struct cext4 *file_system, uint32_t ino, const uint8_t *target, size_t length) {
    ext2_filsys fs = file_system->fs;
    struct ext2_inode inode;
    errcode_t error = ext2fs_read_inode(fs, ino, &inode);
    if (error != 0) return error;
    if (length < sizeof inode.i_block) {
        memcpy(inode.i_block, target, length);
        inode.i_size = (uint32_t)length;
        return ext2fs_write_inode(fs, ino, &inode);
    }
    if (length >= CEXT4_BLOCK) return EXT2_ET_INVALID_ARGUMENT;
    char block[CEXT4_BLOCK] = {0};
    memcpy(block, target, length);
    ext2_extent_handle_t handle;
    error = ext2fs_extent_open2(fs, ino, &inode, &handle);
    if (error != 0) return error;
    ext2fs_extent_free(handle);
    blk64_t physical;
    error = ext2fs_bmap2(fs, ino, &inode, NULL, BMAP_ALLOC, 0, NULL, &physical);
    if (error == 0) error = io_channel_write_blk64(fs->io, physical, 1, block);
    if (error != 0) return error;
    inode.i_size = (uint32_t)length;
    return ext2fs_write_inode(fs, ino, &inode);
}

long cext4_write_xattrs(struct cext4 *file_system, uint32_t ino, const struct cext4_xattr *xattrs, size_t count) {
    struct ext2_xattr_handle *handle;
    errcode_t error = ext2fs_xattrs_open(file_system->fs, ino, &handle);
    if (error != 0) return error;
    error = ext2fs_xattrs_read(handle);
    for (size_t index = 0; index < count && error == 0; index++)
        error = ext2fs_xattr_set(handle, xattrs[index].name, xattrs[index].value, xattrs[index].length);
    errcode_t close_error = ext2fs_xattrs_close(&handle);
    return error != 0 ? error : close_error;
}

long cext4_file_open(struct cext4 *file_system, uint32_t ino, struct cext4_file **result) {
    struct cext4_file *file = calloc(1, sizeof *file);
    if (file == NULL) return ENOMEM;
    errcode_t error = ext2fs_file_open2(file_system->fs, ino, NULL, EXT2_FILE_WRITE, &file->file);
    if (error != 0) {
        free(file);
        return error;
    }
    *result = file;
    return 0;
}

long cext4_file_write(struct cext4_file *file, uint64_t offset, const void *bytes, size_t length) {
    errcode_t error = ext2fs_file_llseek(file->file, offset, EXT2_SEEK_SET, NULL);
    const char *rest = bytes;
    while (length > 0 && error == 0) {
        unsigned piece = length > 1u << 30 ? 1u << 30 : (unsigned)length;
        unsigned written = 0;
        error = ext2fs_file_write(file->file, rest, piece, &written);
        rest += written;
        length -= written;
    }
    return error;
}

long cext4_file_close(struct cext4_file *file, uint64_t size) {
    errcode_t error = ext2fs_file_set_size2(file->file, size);
    errcode_t close_error = ext2fs_file_close(file->file);
    free(file);
    return error != 0 ? error : close_error;
}
