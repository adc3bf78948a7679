/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/ksm_guests.h"
#include "tuners/memory_parts.h"

/* The size that a value names; 0 = default. */
static guint64
page_wanted(const KtValue *value)
{
    if (kt_value_is(value, "hugepages-2M"))
        return KT_PAGE_2M_KIB;
    return kt_value_is(value, "hugepages-1G") ? KT_PAGE_1G_KIB : 0;
}

static const char *
pool_setting(guint64 page_kib)
{
    return page_kib == KT_PAGE_1G_KIB ? "hugepages.1G" : "hugepages.2M";
}

static void
refuse(const KtMemoryWish *wish, const KtValue *value, const char *why)
{
    kt_plan_refuse(wish->plan, (gint)wish->index, value, NULL, "%s", why);
}

/* Huge pages for single guest cells are a person's own work. */
static bool
is_by_cell(const KtDomainDef *def)
{
    if (def->pages->len > 1)
        return true;
    return def->pages->len == 1 && ((const KtPageDef *)def->pages->pdata[0])->cells != NULL;
}

/* What libvirt refuses beside <hugepages>. qemuValidateDomainDefMemory */
static const char *
find_contradiction(const KtDomainDef *def)
{
    if (g_strcmp0(def->memory_source, "file") == 0)
        return "its definition has its memory in a file (<source type='file'/>), which huge pages can't be; take "
               "that out of <memoryBacking>";
    if (g_strcmp0(def->memory_source, "anonymous") == 0)
        return "its definition wants anonymous memory (<source type='anonymous'/>), which huge pages aren't; take "
               "that out of <memoryBacking>";
    if (g_strcmp0(def->memory_allocation, "ondemand") == 0)
        return "its definition allocates memory on demand (<allocation mode='ondemand'/>), huge pages come at once; "
               "take that out of <memoryBacking>";
    if (g_strcmp0(def->memory_access, "shared") == 0 && def->cells->len == 0)
        return "libvirt shares huge pages (<access mode='shared'/>) only of guests with NUMA cells; give it one, in "
               "<cpu><numa>";
    return NULL;
}

/* The first part of guest memory that isn't a whole number of pages. */
static bool
refuse_remainder(const KtMemoryWish *wish, const KtValue *value, guint64 page_kib)
{
    const GPtrArray *cells = wish->next.cells;
    for (guint i = 0; i < MAX(cells->len, 1); i++) {
        const KtCellDef *cell = cells->len > 0 ? cells->pdata[i] : NULL;
        guint64 kib = cell != NULL ? cell->memory_kib : wish->next.memory_kib;
        if (kib % page_kib == 0 && kib > 0)
            continue;
        kt_plan_refuse(wish->plan, (gint)wish->index, value, NULL,
                       "%s memory, %" G_GUINT64_FORMAT
                       " KiB, is no whole number of pages of %" G_GUINT64_FORMAT
                       " KiB; give it a size that is",
                       cell != NULL ? "a guest cell's" : "its", kib, page_kib);
        return true;
    }
    return false;
}

static bool
is_mounted(const KtPools *pools, guint64 page_kib)
{
    for (guint i = 0; i < pools->mounts->len; i++) {
        const KtHugetlbMount *mount = pools->mounts->pdata[i];
        if (page_kib == (mount->page_kib > 0 ? mount->page_kib : pools->default_kib))
            return true;
    }
    return false;
}

/* libvirt looks for a mounted hugetlbfs of that size when it starts the guest, but for memfd. */
static bool
refuse_host(const KtMemoryWish *wish, const KtValue *value, guint64 page_kib)
{
    const KtPools *pools = wish->plan->snapshot->pools;
    bool by_file = g_strcmp0(wish->next.memory_source, "memfd") != 0;
    if (kt_pools_size(pools, page_kib) == NULL)
        kt_plan_refuse(wish->plan, (gint)wish->index, value, NULL,
                       "this host has no huge pages of %" G_GUINT64_FORMAT " KiB", page_kib);
    else if (by_file && !is_mounted(pools, page_kib))
        kt_plan_refuse(
            wish->plan, (gint)wish->index, value, NULL,
            "no hugetlbfs of pages of %" G_GUINT64_FORMAT " KiB is mounted, without one libvirt doesn't "
            "start the guest; mount it ('mount -t hugetlbfs -o pagesize=%s none DIRECTORY') and restart "
            "libvirtd",
            page_kib, page_kib == KT_PAGE_1G_KIB ? "1G" : "2M");
    else
        return false;
    return true;
}

static char *
way_out(const KtShortage *shortage, guint64 page_kib)
{
    g_autofree char *why = kt_shortage_describe(shortage);
    switch (shortage->kind) {
    case KT_SHORTAGE_POOL:
        return g_strdup_printf("%s; say %s = auto, or a count that holds it", why, pool_setting(page_kib));
    case KT_SHORTAGE_FREE:
        return g_strdup_printf("%s: the pool can't grow; power the guest off first, drop the page cache, or "
                               "reserve the pages on the kernel's command line",
                               why);
    case KT_SHORTAGE_SIZE:
    case KT_SHORTAGE_NONE:
    default:
        return g_strdup_printf("%s; make the guest smaller, or bind it elsewhere", why);
    }
}

/* Books the pages. */
static bool
take(KtMemoryWish *wish, const KtValue *value, guint64 page_kib)
{
    g_auto(KtShortage) shortage = {0};
    g_autoptr(GPtrArray) pages = g_ptr_array_new();
    KtPageDef page = {.page_kib = page_kib};
    KtDomainDef next = wish->next;
    if (page_kib > 0)
        g_ptr_array_add(pages, &page);
    next.hugepages = page_kib > 0;
    next.pages = pages;
    g_autoptr(GPtrArray) needs = kt_memory_needs(wish->plan, wish->index, &next);
    if (kt_ledger_take(wish->plan->ledger, wish->index, needs, &shortage))
        return true;
    g_autofree char *why = way_out(&shortage, page_kib);
    refuse(wish, value, why);
    return false;
}

static void
note_consequences(const KtMemoryWish *wish, guint64 page_kib)
{
    const KtDomain *domain = wish->domain;
    if (!domain->active && !domain->autostart)
        kt_plan_note(
            wish->plan, (gint)wish->index,
            "it doesn't start by itself, so no pool has pages set aside for it: without %" G_GUINT64_FORMAT
            " free ones it won't start",
            wish->next.memory_kib / page_kib);
    if (wish->next.current_memory_kib > 0 && wish->next.current_memory_kib < wish->next.memory_kib)
        kt_plan_note(wish->plan, (gint)wish->index,
                     "huge pages aren't given back by the balloon: all %" G_GUINT64_FORMAT " MiB are taken",
                     wish->next.memory_kib / 1024);
}

static void
stage_pages(KtMemoryWish *wish, const KtValue *value, guint64 page_kib)
{
    const KtDomainDef *def = kt_domain_next_def(wish->domain);
    const char *contradiction = find_contradiction(def);
    if (refuse_host(wish, value, page_kib))
        return;
    if (contradiction != NULL) {
        refuse(wish, value, contradiction);
        return;
    }
    if (refuse_remainder(wish, value, page_kib) || !take(wish, value, page_kib))
        return;
    note_consequences(wish, page_kib);
    wish->next.hugepages = true;
    kt_memory_stage(wish, value, KT_XML_HUGEPAGES, NULL, value->word, KT_RISK_MEDIUM,
                    g_strdup_printf("%" G_GUINT64_FORMAT
                                    " huge pages of the host's pool: fewer page table walks; "
                                    "without free ones the guest doesn't start",
                                    def->memory_kib / page_kib));
}

static bool
is_so(const KtMemoryWish *wish, const KtDomainDef *def, guint64 page_kib)
{
    guint64 present = def->hugepage_kib > 0 ? def->hugepage_kib : wish->plan->snapshot->pools->default_kib;
    return page_kib == 0 ? !def->hugepages : def->hugepages && present == page_kib;
}

void
kt_memory_tune_backing(KtMemoryWish *wish)
{
    const KtValue *value = kt_desired_domain(wish->desired, wish->index, KT_SETTING_MEMORY_BACKING, NULL);
    if (value == NULL || !kt_plan_may_carry(wish->plan, (gint)wish->index, value, NULL))
        return;
    const KtDomainDef *def = kt_domain_next_def(wish->domain);
    guint64 page_kib = page_wanted(value);
    if (is_by_cell(def)) {
        refuse(
            wish, value,
            "its definition gives huge pages to single guest cells, which is left as it is; take <hugepages> "
            "out of it to have it set here");
        return;
    }
    if (is_so(wish, def, page_kib))
        return;
    if (page_kib > 0) {
        stage_pages(wish, value, page_kib);
        return;
    }
    if (!take(wish, value, 0))
        return;
    wish->next.hugepages = false;
    kt_memory_stage(wish, value, KT_XML_HUGEPAGES, NULL, NULL, KT_RISK_NONE,
                    g_strdup("ordinary pages, which KSM can merge and the host can swap"));
}

/* ---- KSM ---- */

static bool
is_ksm_wanted(const KtDesired *desired, const KtValue *value)
{
    const KtValue *mode = kt_desired_host(desired, KT_SETTING_KSM_MODE);
    if (value != NULL)
        return value->number != 0;
    return kt_value_is(mode, "on") || kt_value_is(mode, "auto");
}

static void
note_unmergeable(const KtMemoryWish *wish)
{
    const KtDomainDef *next = &wish->next;
    if (next->hugepages)
        kt_plan_note(wish->plan, (gint)wish->index,
                     "huge pages never merge: KSM saves nothing of this guest");
    else if (kt_ksm_is_shared_memory(next))
        kt_plan_note(
            wish->plan, (gint)wish->index,
            "memory in files, memfd or shared with others never merges: KSM saves nothing of this guest");
}

void
kt_memory_tune_ksm(KtMemoryWish *wish)
{
    const KtValue *value = kt_desired_domain(wish->desired, wish->index, KT_SETTING_MEMORY_KSM, NULL);
    bool wanted = is_ksm_wanted(wish->desired, value);
    if (wanted)
        note_unmergeable(wish);
    if (value == NULL || !kt_plan_may_carry(wish->plan, (gint)wish->index, value, NULL) ||
        kt_domain_next_def(wish->domain)->nosharepages == !wanted)
        return;
    if (wanted)
        kt_memory_stage(wish, value, KT_XML_NOSHAREPAGES, NULL, NULL, KT_RISK_LOW,
                        g_strdup("KSM may merge its pages; between guests of different owners that is a side "
                                 "channel"));
    else
        kt_memory_stage(wish, value, KT_XML_NOSHAREPAGES, NULL, "no", KT_RISK_NONE,
                        g_strdup("KSM leaves its pages alone: no side channel, and nothing saved"));
}
