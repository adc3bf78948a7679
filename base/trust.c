/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/trust.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* As many as the kernel follows. */
#define LINKS_MAX 40

/* The way to a path: what was looked at already, and what is still to be walked. */
typedef struct {
    char *done;  /* absolute, without links */
    GQueue rest; /* components, owned */
    guint links;
} Walk;

static void
walk_clear(Walk *walk)
{
    g_free(walk->done);
    g_queue_clear_full(&walk->rest, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walk, walk_clear)

/* Puts @path before what is still to be walked; an absolute one begins at the root again. */
static void
walk_enter(Walk *walk, const char *path)
{
    if (*path == '/') {
        g_free(walk->done);
        walk->done = g_strdup("/");
    }
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    for (guint i = g_strv_length(parts); i > 0; i--) {
        if (*parts[i - 1] != '\0' && !g_str_equal(parts[i - 1], "."))
            g_queue_push_head(&walk->rest, g_strdup(parts[i - 1]));
    }
}

static bool
check_owner(const char *path, const struct stat *status, GError **error)
{
    if (status->st_uid == 0 || status->st_uid == geteuid())
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_ACCESS,
                "%s: belongs to user %u (mode %04o): wanted one that belongs to root%s", path,
                (unsigned)status->st_uid, (unsigned)status->st_mode & 07777,
                geteuid() == 0 ? "" : " or to you");
    return false;
}

static bool
check_mode(const char *path, const struct stat *status, GError **error)
{
    bool shared = S_ISDIR(status->st_mode) && (status->st_mode & S_ISVTX);
    if (shared || !(status->st_mode & (S_IWGRP | S_IWOTH)))
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_ACCESS, "%s: mode is %04o: others can write it (chmod go-w '%s')",
                path, (unsigned)status->st_mode & 07777, path);
    return false;
}

/* Goes on where the link at @path leads. */
static bool
follow_link(Walk *walk, const char *path, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autofree char *target = g_file_read_link(path, &why);
    if (!target || ++walk->links > LINKS_MAX) {
        g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s: %s", path,
                    why ? why->message : "too many links to follow");
        return false;
    }
    walk_enter(walk, target);
    return true;
}

/* Checks @path, and makes it what is done; a link is followed. */
static bool
walk_step(Walk *walk, const char *path, GError **error)
{
    struct stat status;
    if (lstat(path, &status) < 0) {
        kt_set_error_errno(error, errno, "%s", path);
        return false;
    }
    if (!check_owner(path, &status, error))
        return false;
    if (S_ISLNK(status.st_mode))
        return follow_link(walk, path, error);
    if (!check_mode(path, &status, error))
        return false;
    g_free(walk->done);
    walk->done = g_strdup(path);
    return true;
}

bool
kt_trust_check(const char *path, GError **error)
{
    g_auto(Walk) walk = {.rest = G_QUEUE_INIT};
    g_autofree char *here = *path == '/' ? NULL : g_get_current_dir();
    walk_enter(&walk, path);
    walk_enter(&walk, here ? here : "/");
    if (!walk_step(&walk, "/", error))
        return false;
    while (!g_queue_is_empty(&walk.rest)) {
        g_autofree char *name = g_queue_pop_head(&walk.rest);
        g_autofree char *next =
            g_str_equal(name, "..") ? g_path_get_dirname(walk.done) : g_build_filename(walk.done, name, NULL);
        if (!walk_step(&walk, next, error))
            return false;
    }
    return true;
}
