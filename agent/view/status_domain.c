/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/migration.h"
#include "agent/view/plan_parts.h"
#include "agent/view/status_parts.h"
#include "base/diagnostic.h"

#define ITEM_WIDTH 12 /* "IOThread 1" and two spaces */

static char *
memory_line(const KtDomain *domain, const KtTopology *topology)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; domain->memory_kib && i < MIN(domain->n_memory, topology->n_nodes); i++) {
        if (domain->memory_kib[i] <= 0)
            continue;
        g_autofree char *size = kt_size((guint64)domain->memory_kib[i]);
        g_string_append_printf(text, "%s%s on node %u", text->len ? ", " : "", size, topology->nodes[i].os);
    }
    return g_strdup(text->str);
}

static void
print_field(GString *out, const KtStyle *style, const char *field, KtInk ink, const char *text)
{
    g_string_append(out, "  ");
    kt_pad(out, style, KT_INK_DIM, field, ITEM_WIDTH);
    kt_wrap(out, style, ink, 2 + ITEM_WIDTH, 2 + ITEM_WIDTH, text);
}

static void
append_part(GString *text, const KtStyle *style, const char *part)
{
    if (*part)
        g_string_append_printf(text, "%s%s%s%s", text->len ? " " : "",
                               text->len ? kt_sign(style, KT_SIGN_DOT) : "", text->len ? " " : "", part);
}

/* Where the vCPUs may run, how much they did and how long they waited there, and where their memory is. */
static void
print_vcpus(GString *out, const KtStyle *style, const KtSitter *sitter, const KtDomain *domain,
            const KtTopology *topology)
{
    bool floats = hwloc_bitmap_iszero(sitter->seated);
    g_autofree char *cpus = kt_sitter_cpus(sitter);
    g_autofree char *place = g_strdup_printf("%s %s", floats ? "float over" : "on", *cpus ? cpus : "no CPU");
    double percent = kt_status_delay_percent(domain);
    g_autofree char *delay =
        percent < 0 ? g_strdup("") : g_strdup_printf("waited for a CPU %.1f %%", percent);
    double percent_busy = kt_status_busy_percent(domain);
    g_autofree char *busy = percent_busy < 0 ? g_strdup("") : g_strdup_printf("busy %.0f %%", percent_busy);
    g_autofree char *memory = memory_line(domain, topology);
    g_autoptr(GString) text = g_string_new(NULL);
    append_part(text, style, place);
    append_part(text, style, busy);
    append_part(text, style, delay);
    append_part(text, style, memory);
    print_field(out, style, "vCPUs", KT_INK_PLAIN, text->str);
}

static void
print_threads(GString *out, const KtStyle *style, const KtDomain *domain, const KtTopology *topology)
{
    if (domain->emulator && !hwloc_bitmap_isincluded(topology->placeable, domain->emulator)) {
        g_autofree char *cpus = kt_cpuset_format(domain->emulator);
        g_autofree char *text = g_strdup_printf("on %s", cpus);
        print_field(out, style, "emulator", KT_INK_PLAIN, text);
    }
    for (guint i = 0; domain->iothreads && i < domain->iothreads->len; i++) {
        const KtIoThread *iothread = domain->iothreads->pdata[i];
        g_autofree char *name = g_strdup_printf("IOThread %u", iothread->id);
        g_autofree char *cpus = kt_cpuset_format(iothread->affinity);
        g_autofree char *text = g_strdup_printf("on %s", cpus);
        print_field(out, style, name, KT_INK_PLAIN, text);
    }
}

static void
print_disk(GString *out, const KtStyle *style, const KtDiskDef *disk)
{
    /* A drive without a medium does nothing. */
    if (disk->source == NULL)
        return;
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, "%s", disk->bus ? disk->bus : "no bus");
    if (disk->device && !g_str_equal(disk->device, "disk"))
        g_string_append_printf(text, " %s", disk->device);
    if (disk->format)
        g_string_append_printf(text, " %s", disk->format);
    g_string_append_printf(text, ", cache %s", disk->cache ? disk->cache : "default");
    if (disk->io)
        g_string_append_printf(text, ", io %s", disk->io);
    g_string_append_printf(text, ", %s", disk->source);
    g_autofree char *safe = kt_printable(text->str);
    g_autofree char *target = kt_printable(disk->target ? disk->target : "disk");
    print_field(out, style, target, KT_INK_PLAIN, safe);
}

static void
print_nic(GString *out, const KtStyle *style, const KtNicDef *nic)
{
    const char *parts[] = {nic->model ? nic->model : "default model", nic->type, nic->source, nic->target,
                           nic->mac};
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        /* "network default" is one part. */
        if (parts[i])
            g_string_append_printf(text, "%s%s",
                                   i == 0                    ? ""
                                   : parts[i] == nic->source ? " "
                                                             : ", ",
                                   parts[i]);
    }
    g_autofree char *safe = kt_printable(text->str);
    print_field(out, style, "nic", KT_INK_PLAIN, safe);
}

static void
print_heading(GString *out, const KtStyle *style, const KtSitter *sitter, const KtDomain *domain)
{
    g_autofree char *name = kt_printable(domain->name);
    g_autofree char *line = kt_view_domain_line(domain);
    guint used = kt_columns(name) + 2;
    if (sitter && sitter->letter) {
        kt_ink(out, style, KT_INK_GOOD, "%c ", sitter->letter);
        used += 2;
    }
    kt_ink(out, style, KT_INK_HEADING, "%s", name);
    g_string_append(out, "  ");
    kt_wrap(out, style, domain->active ? KT_INK_PLAIN : KT_INK_DIM, used, 4, line);
}

/* What a destination needs is a long list: for those who ask for this domain. */
static void
print_migration(GString *out, const KtStyle *style, const KtDomainPlan *planned, bool named)
{
    g_autofree char *text = kt_migration_text(planned, named);
    g_autofree char *safe = kt_printable(text);
    print_field(out, style, "migration", KT_INK_PLAIN, safe);
}

void
kt_view_domain(GString *out, const KtStyle *style, const KtSnapshot *snapshot, const KtSitter *sitter,
               const KtDomain *domain, const KtDomainPlan *planned, bool named)
{
    print_heading(out, style, sitter, domain);
    if (sitter) {
        print_vcpus(out, style, sitter, domain, snapshot->topology);
        print_threads(out, style, domain, snapshot->topology);
    }
    const KtDomainDef *def = kt_domain_def(domain);
    for (guint i = 0; def && i < def->disks->len; i++)
        print_disk(out, style, def->disks->pdata[i]);
    for (guint i = 0; def && i < def->nics->len; i++)
        print_nic(out, style, def->nics->pdata[i]);
    print_migration(out, style, planned, named);
    for (guint i = 0; i < planned->pending->len; i++) {
        g_autofree char *text = kt_pending_text(planned->pending->pdata[i]);
        print_field(out, style, "pending", KT_INK_WARN, text);
    }
}
