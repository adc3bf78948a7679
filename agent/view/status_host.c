/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/plan_parts.h"
#include "agent/view/status_parts.h"
#include "base/diagnostic.h"

#define FIELD_WIDTH 8
#define ABSENT "not in this kernel, or not captured"

static void
print_field(GString *out, const KtStyle *style, const char *field, const char *text)
{
    kt_pad(out, style, KT_INK_HEADING, field, FIELD_WIDTH);
    kt_wrap(out, style, KT_INK_PLAIN, FIELD_WIDTH, FIELD_WIDTH, text);
}

static void
print_host(GString *out, const KtStyle *style, const KtSnapshot *snapshot)
{
    g_autofree char *line = kt_view_host_line(snapshot->topology);
    print_field(out, style, "host", line);
    if (snapshot->topology->note) {
        g_autofree char *note = g_strconcat("note: ", snapshot->topology->note, NULL);
        print_field(out, style, "", note);
    }
    if (snapshot->uri == NULL)
        return;
    g_autoptr(GString) text = g_string_new(NULL);
    if (snapshot->libvirt)
        g_string_append_printf(text, "libvirt %s", snapshot->libvirt);
    if (snapshot->qemu)
        g_string_append_printf(text, "%sQEMU %s", text->len ? ", " : "", snapshot->qemu);
    g_string_append_printf(text, "%s%s", text->len ? ", " : "", snapshot->uri);
    g_autofree char *safe = kt_printable(text->str);
    print_field(out, style, "", safe);
}

static void
append_word(GString *text, const char *name, const char *word)
{
    if (word) {
        g_autofree char *safe = kt_printable(word);
        g_string_append_printf(text, "%s%s %s", text->len ? ", " : "", name, safe);
    }
}

/* Sizes besides the usual one that some memory gets: all others are never used. */
static void
append_thp_sizes(GString *text, const KtThp *thp)
{
    for (guint i = 0; thp->sizes && i < thp->sizes->len; i++) {
        const KtThpSize *size = thp->sizes->pdata[i];
        if (size->enabled == NULL || g_str_equal(size->enabled, "never"))
            continue;
        g_autofree char *name = kt_size(size->size_kib);
        append_word(text, name, size->enabled);
    }
}

static void
print_thp(GString *out, const KtStyle *style, const KtThp *thp)
{
    g_autoptr(GString) text = g_string_new(NULL);
    append_word(text, "enabled", thp->enabled);
    append_word(text, "defrag", thp->defrag);
    append_word(text, "shmem", thp->shmem);
    append_thp_sizes(text, thp);
    print_field(out, style, "THP", text->len ? text->str : ABSENT);
}

static void
append_advisor(GString *text, const KtKsm *ksm)
{
    if (ksm->full_scans != KT_ABSENT && ksm->full_scans > 0)
        g_string_append_printf(text, ", %" G_GINT64_FORMAT " full scan%s", ksm->full_scans,
                               ksm->full_scans == 1 ? "" : "s");
    if (ksm->advisor_mode && !g_str_equal(ksm->advisor_mode, "none")) {
        g_string_append_printf(text, ", advisor %s", ksm->advisor_mode);
        if (ksm->advisor_max_cpu != KT_ABSENT)
            g_string_append_printf(text, " up to %" G_GINT64_FORMAT " %% of a CPU", ksm->advisor_max_cpu);
    } else if (ksm->pages_to_scan != KT_ABSENT && ksm->sleep_millisecs != KT_ABSENT) {
        g_string_append_printf(text, ", %" G_GINT64_FORMAT " pages every %" G_GINT64_FORMAT " ms",
                               ksm->pages_to_scan, ksm->sleep_millisecs);
    }
    if (ksm->smart_scan == 1)
        g_string_append(text, ", smart scan");
}

static void
print_ksm(GString *out, const KtStyle *style, const KtMemory *memory)
{
    const char *mode = kt_status_ksm_mode(&memory->ksm);
    g_autoptr(GString) text = g_string_new(mode ? mode : ABSENT);
    gint64 saved = kt_status_ksm_saved_mib(memory);
    if (saved > 0 || memory->ksm.run == 1) {
        g_autofree char *size = kt_size((guint64)MAX(saved, 0) * 1024);
        g_string_append_printf(text, ", %s saved", size);
    }
    gint64 profit = memory->ksm.general_profit;
    if (profit != KT_ABSENT && profit < 0)
        g_string_append(text, memory->ksm.run == 1 ? ", but its own bookkeeping costs more than it saves"
                                                   : ", but what it kept of its scans still takes memory");
    if (memory->ksm.run == 1)
        append_advisor(text, &memory->ksm);
    print_field(out, style, "KSM", text->str);
}

static void
append_pool(GString *text, const KtPool *pool, const char *page)
{
    bool first = text->len == 0;
    g_string_append_printf(text, "%s%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT, first ? "" : ", ", pool->free,
                           pool->total);
    if (first)
        g_string_append_printf(text, " pages of %s free", page);
    g_string_append_printf(text, " on node %u", pool->node);
}

/* "256 of 512 pages of 2 MiB free on node 0, 512 of 512 on node 1"; nodes without any are left out. */
static void
print_pools(GString *out, const KtStyle *style, const KtPools *pools)
{
    for (guint i = 0; pools && i < pools->sizes->len; i++) {
        const KtPageSize *size = &g_array_index(pools->sizes, KtPageSize, i);
        if (size->total == KT_ABSENT || size->total == 0)
            continue;
        g_autofree char *page = kt_size(size->page_kib);
        g_autoptr(GString) text = g_string_new(NULL);
        for (guint k = 0; k < pools->pools->len; k++) {
            const KtPool *pool = &g_array_index(pools->pools, KtPool, k);
            if (pool->page_kib == size->page_kib && pool->total > 0 && pool->free != KT_ABSENT)
                append_pool(text, pool, page);
        }
        if (size->reserved != KT_ABSENT && size->reserved > 0)
            g_string_append_printf(text, ", %" G_GINT64_FORMAT " of them reserved", size->reserved);
        print_field(out, style, "pools", text->str);
    }
}

static void
append_pressure(GString *text, const char *name, const KtPressure *pressure)
{
    if (pressure->some_avg10 >= 0)
        g_string_append_printf(text, "%s%s %.1f %%", text->len ? ", " : "", name, pressure->some_avg10);
}

static void
print_pressure(GString *out, const KtStyle *style, const KtKernel *kernel)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (kernel == NULL)
        return;
    append_pressure(text, "CPU", &kernel->cpu);
    append_pressure(text, "memory", &kernel->memory);
    append_pressure(text, "I/O", &kernel->io);
    if (text->len == 0)
        return;
    g_string_append(text, " of the last 10 s");
    print_field(out, style, "waits", text->str);
}

static void
print_tuners(GString *out, const KtStyle *style, const GPtrArray *tuners)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; tuners && i < tuners->len; i++) {
        const KtOtherTuner *tuner = tuners->pdata[i];
        g_string_append_printf(text, "%s%s sets %s", text->len ? "; " : "", tuner->name, tuner->knobs);
    }
    if (text->len > 0)
        print_field(out, style, "tuners", text->str);
}

void
kt_view_status_host(GString *out, const KtStyle *style, const KtSnapshot *snapshot)
{
    print_host(out, style, snapshot);
    print_thp(out, style, &snapshot->memory->thp);
    print_pools(out, style, snapshot->pools);
    print_ksm(out, style, snapshot->memory);
    print_pressure(out, style, snapshot->kernel);
    print_tuners(out, style, snapshot->other_tuners);
}
