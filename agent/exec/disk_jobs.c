/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/disk_jobs.h"

#include <libvirt/virterror.h>

#include "probes/patience.h"

#define UNTOLD "disk %s: whether a block job is at work on it can't be told: "

/** What is asked, and the answers. */
typedef struct {
    virDomain *domain;
    GPtrArray *disks;
    GHashTable *obstacles;
} Question;

static void
question_free(gpointer data)
{
    Question *question = data;
    virDomainFree(question->domain);
    g_ptr_array_unref(question->disks);
    g_hash_table_unref(question->obstacles);
    g_free(question);
}

static gpointer
copy_name(gconstpointer name, gpointer user_data)
{
    (void)user_data;
    return g_strdup(name);
}

static Question *
question_new(virDomain *domain, const GPtrArray *disks)
{
    Question *question = g_new0(Question, 1);
    /* Its own of everything: it may outlive who asked. */
    virDomainRef(domain);
    question->domain = domain;
    question->disks = g_ptr_array_copy((GPtrArray *)disks, copy_name, NULL);
    g_ptr_array_set_free_func(question->disks, g_free);
    question->obstacles = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return question;
}

/** Why not, or NULL. Owned. */
static char *
obstacle(virDomain *domain, const char *disk)
{
    virDomainBlockJobInfo job;
    int found = virDomainGetBlockJobInfo(domain, disk, &job, 0);
    int code = found < 0 ? virGetLastErrorCode() : VIR_ERR_OK;
    if (found == 0 || code == VIR_ERR_NO_SUPPORT || code == VIR_ERR_INVALID_ARG ||
        code == VIR_ERR_OPERATION_INVALID || code == VIR_ERR_NO_DOMAIN)
        return NULL; /* no such disk in the running guest, or it doesn't run any more */
    if (found < 0)
        return g_strdup_printf(UNTOLD "%s", disk, virGetLastErrorMessage());
    return g_strdup_printf("disk %s: a block job is at work on it; try again when it has ended", disk);
}

static void
ask(gpointer data)
{
    Question *question = data;
    for (guint i = 0; i < question->disks->len; i++) {
        const char *disk = question->disks->pdata[i];
        char *text = obstacle(question->domain, disk);
        if (text)
            g_hash_table_replace(question->obstacles, g_strdup(disk), text);
    }
}

static GHashTable *
all_untold(const GPtrArray *disks)
{
    GHashTable *obstacles = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; i < disks->len; i++) {
        const char *disk = disks->pdata[i];
        g_hash_table_replace(
            obstacles, g_strdup(disk),
            g_strdup_printf(UNTOLD "its QEMU has not answered for %d s", disk, KT_DISK_JOBS_SECONDS));
    }
    return obstacles;
}

GHashTable *
kt_disk_jobs_ask(virDomain *domain, const GPtrArray *disks)
{
    Question *question = question_new(domain, disks);
    if (!kt_patience_run(ask, question, question_free, KT_DISK_JOBS_SECONDS))
        return all_untold(disks);
    GHashTable *obstacles = g_hash_table_ref(question->obstacles);
    question_free(question);
    return obstacles;
}
