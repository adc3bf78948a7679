/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

/**
 * A file system below SQLite that notes all that reaches it, so that a test can build every state in which a
 * power loss may leave the files: what was synced is there, of what was not any part may be.
 * Nothing is really synced. https://www.sqlite.org/vfs.html
 */

typedef enum { VFS_WRITE, VFS_TRUNCATE, VFS_SYNC } VfsOpKind;

/** Files by what SQLite does with them. */
enum { VFS_DATABASE, VFS_JOURNAL, VFS_N_FILES };

typedef struct {
    VfsOpKind kind;
    guint file;
    gint64 offset; /* WRITE; TRUNCATE: the new size */
    GBytes *bytes; /* WRITE */
    gpointer note; /* what the test wanted to remember of the moment before it */
} VfsOp;

typedef struct {
    sqlite3_vfs vfs; /* first: SQLite gives us this one back */
    sqlite3_vfs *real;
    GPtrArray *ops; /* VfsOp */
    bool recording;
    gpointer (*take_note)(gpointer user_data);
    gpointer user_data;
} RecordingVfs;

typedef struct {
    sqlite3_file base;
    RecordingVfs *recorder;
    guint number;
    sqlite3_file *real; /* behind this struct */
} RecordedFile;

static inline void
vfs_op_free(gpointer data)
{
    VfsOp *op = data;
    g_clear_pointer(&op->bytes, g_bytes_unref);
    g_free(op->note);
    g_free(op);
}

static inline void
vfs_note(RecordingVfs *recorder, guint file, VfsOpKind kind, gint64 offset, GBytes *bytes)
{
    if (!recorder->recording) {
        g_clear_pointer(&bytes, g_bytes_unref);
        return;
    }
    VfsOp *op = g_new0(VfsOp, 1);
    op->kind = kind;
    op->file = file;
    op->offset = offset;
    op->bytes = bytes;
    op->note = recorder->take_note(recorder->user_data);
    g_ptr_array_add(recorder->ops, op);
}

static inline RecordedFile *
recorded(sqlite3_file *file)
{
    return (RecordedFile *)file;
}

static inline int
vfs_close(sqlite3_file *file)
{
    return recorded(file)->real->pMethods->xClose(recorded(file)->real);
}

static inline int
vfs_read(sqlite3_file *file, void *buffer, int length, sqlite3_int64 offset)
{
    return recorded(file)->real->pMethods->xRead(recorded(file)->real, buffer, length, offset);
}

static inline int
vfs_write(sqlite3_file *file, const void *buffer, int length, sqlite3_int64 offset)
{
    vfs_note(recorded(file)->recorder, recorded(file)->number, VFS_WRITE, offset,
             g_bytes_new(buffer, length));
    return recorded(file)->real->pMethods->xWrite(recorded(file)->real, buffer, length, offset);
}

static inline int
vfs_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    vfs_note(recorded(file)->recorder, recorded(file)->number, VFS_TRUNCATE, size, NULL);
    return recorded(file)->real->pMethods->xTruncate(recorded(file)->real, size);
}

static inline int
vfs_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    vfs_note(recorded(file)->recorder, recorded(file)->number, VFS_SYNC, 0, NULL);
    return SQLITE_OK;
}

static inline int
vfs_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return recorded(file)->real->pMethods->xFileSize(recorded(file)->real, size);
}

static inline int
vfs_lock(sqlite3_file *file, int lock)
{
    return recorded(file)->real->pMethods->xLock(recorded(file)->real, lock);
}

static inline int
vfs_unlock(sqlite3_file *file, int lock)
{
    return recorded(file)->real->pMethods->xUnlock(recorded(file)->real, lock);
}

static inline int
vfs_check_lock(sqlite3_file *file, int *result)
{
    return recorded(file)->real->pMethods->xCheckReservedLock(recorded(file)->real, result);
}

static inline int
vfs_control(sqlite3_file *file, int operation, void *argument)
{
    return recorded(file)->real->pMethods->xFileControl(recorded(file)->real, operation, argument);
}

static inline int
vfs_sector_size(sqlite3_file *file)
{
    return recorded(file)->real->pMethods->xSectorSize(recorded(file)->real);
}

/** No promise that writes are whole or in order. */
static inline int
vfs_characteristics(sqlite3_file *file)
{
    (void)file;
    return 0;
}

/** Version 1: without shared memory there is no WAL, and without mapping no write goes past us. */
static const sqlite3_io_methods vfs_methods = {
    1,
    vfs_close,
    vfs_read,
    vfs_write,
    vfs_truncate,
    vfs_sync,
    vfs_file_size,
    vfs_lock,
    vfs_unlock,
    vfs_check_lock,
    vfs_control,
    vfs_sector_size,
    vfs_characteristics,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
};

static inline int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    RecordingVfs *recorder = (RecordingVfs *)vfs;
    RecordedFile *ours = recorded(file);
    ours->recorder = recorder;
    ours->number = flags & SQLITE_OPEN_MAIN_JOURNAL ? VFS_JOURNAL : VFS_DATABASE;
    ours->real = (sqlite3_file *)(ours + 1);
    int result = recorder->real->xOpen(recorder->real, name, ours->real, flags, out_flags);
    ours->base.pMethods = ours->real->pMethods ? &vfs_methods : NULL;
    return result;
}

/** For SQLite a journal that isn't there is one that is empty. */
static inline int
vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    RecordingVfs *recorder = (RecordingVfs *)vfs;
    if (g_str_has_suffix(name, "-journal"))
        vfs_note(recorder, VFS_JOURNAL, VFS_TRUNCATE, 0, NULL);
    return recorder->real->xDelete(recorder->real, name, sync_directory);
}

/** Puts it below all databases that are opened from now on; records until ->recording is cleared. @take_note
 * gives what is to be remembered with each operation, owned. */
static inline RecordingVfs *
recording_vfs_start(gpointer (*take_note)(gpointer user_data), gpointer user_data)
{
    RecordingVfs *recorder = g_new0(RecordingVfs, 1);
    recorder->real = sqlite3_vfs_find(NULL);
    recorder->vfs = *recorder->real;
    recorder->vfs.zName = "recording";
    recorder->vfs.szOsFile = (int)sizeof(RecordedFile) + recorder->real->szOsFile;
    recorder->vfs.xOpen = vfs_open;
    recorder->vfs.xDelete = vfs_delete;
    recorder->ops = g_ptr_array_new_with_free_func(vfs_op_free);
    recorder->recording = true;
    recorder->take_note = take_note;
    recorder->user_data = user_data;
    g_assert_cmpint(sqlite3_vfs_register(&recorder->vfs, 1), ==, SQLITE_OK);
    return recorder;
}

static inline void
recording_vfs_stop(RecordingVfs *recorder)
{
    sqlite3_vfs_unregister(&recorder->vfs);
    sqlite3_vfs_register(recorder->real, 1);
    g_ptr_array_unref(recorder->ops);
    g_free(recorder);
}
