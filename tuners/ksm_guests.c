/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/ksm_guests.h"

bool
kt_ksm_is_shared_memory(const KtDomainDef *def)
{
    return g_strcmp0(def->memory_access, "shared") == 0 || g_strcmp0(def->memory_source, "memfd") == 0 ||
           g_strcmp0(def->memory_source, "file") == 0;
}

char *
kt_ksm_guest_obstacle(const KtDomain *domain)
{
    const KtDomainDef *def = kt_domain_def(domain);
    if (def != NULL && def->nosharepages)
        return g_strdup("its definition says <nosharepages/> (memory.ksm = no)");
    if (def != NULL && def->hugepages)
        return g_strdup("its memory is huge pages from a pool, which are never merged");
    if (def != NULL && kt_ksm_is_shared_memory(def))
        return g_strdup("its memory is in files, memfd or shared with others, which is never merged");
    if (domain->ksm.may_merge == 0)
        return g_strdup("QEMU has marked no memory for merging (mem-merge=off, or memory of another kind)");
    return NULL;
}

static void
free_guest(gpointer data)
{
    KtKsmGuest *guest = data;
    g_free(guest->name);
    g_free(guest->uuid);
    g_free(guest->obstacle);
    g_free(guest);
}

GPtrArray *
kt_ksm_guests(const KtSnapshot *snapshot)
{
    GPtrArray *guests = g_ptr_array_new_with_free_func(free_guest);
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = g_ptr_array_index(snapshot->domains, i);
        if (!domain->active)
            continue;
        KtKsmGuest *guest = g_new0(KtKsmGuest, 1);
        guest->name = g_strdup(domain->name);
        guest->uuid = g_strdup(domain->uuid);
        guest->pid = domain->pid;
        guest->obstacle = kt_ksm_guest_obstacle(domain);
        g_ptr_array_add(guests, guest);
    }
    return guests;
}
