/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <string.h>

#include "tuners/ksm.h"
#include "tuners/ksm_governor.h"

/**
 * Counters as KSM's would move, to feed the governor with: what it really does is measured on the kernel's
 * own (bench/perf). Pages are looked at in order; one that was looked at before and hasn't changed merges
 * with others of its content that were found in the same pass, or with merged ones. What is written to counts
 * as merged until ksmd comes by.
 */
typedef struct {
    guint content; /* equal where equal */
    bool known, unchanged, waiting, merged, written;
} SimulatedPage;

typedef struct {
    GArray *pages; /* SimulatedPage */
    guint cursor;
    GHashTable *stable, *unstable; /* contents: how many share; the page that waits + 1 */
    KtKsm ksm;
    double page_usec; /* what a page costs */
    double credit;    /* pages that could have been looked at */
    double cpu_usec;
    gint64 now_usec;
    gint64 own_pages; /* QEMU's, which are in no list */
    bool tells_scanned, tells_profit, tells_cpu, tells_guests;
} SimulatedKsm;

static inline SimulatedKsm *
simulated_ksm_new(void)
{
    SimulatedKsm *sim = g_new0(SimulatedKsm, 1);
    sim->pages = g_array_new(FALSE, TRUE, sizeof(SimulatedPage));
    sim->stable = g_hash_table_new(NULL, NULL);
    sim->unstable = g_hash_table_new(NULL, NULL);
    sim->page_usec = 2;
    sim->now_usec = G_USEC_PER_SEC;
    sim->tells_scanned = sim->tells_profit = sim->tells_cpu = sim->tells_guests = true;
    kt_ksm_init(&sim->ksm);
    sim->ksm.run = KT_KSM_OFF;
    sim->ksm.pages_to_scan = 100;
    sim->ksm.sleep_millisecs = 20;
    sim->ksm.full_scans = 0;
    sim->ksm.smart_scan = 1;
    sim->ksm.advisor_mode = (char *)KT_KSM_NO_ADVISOR;
    return sim;
}

static inline void
simulated_ksm_free(SimulatedKsm *sim)
{
    g_array_unref(sim->pages);
    g_hash_table_unref(sim->stable);
    g_hash_table_unref(sim->unstable);
    g_free(sim);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimulatedKsm, simulated_ksm_free)

/** Adds a guest of @n pages, @percent of them equal to those of all other such guests. */
static inline void
simulated_ksm_add_guest(SimulatedKsm *sim, guint n, guint percent)
{
    guint first = sim->pages->len;
    for (guint i = 0; i < n; i++) {
        bool equal = i % 100 < percent;
        SimulatedPage page = {.content = equal ? i + 1 : 0x1000000 + first + i};
        g_array_append_val(sim->pages, page);
    }
}

static inline gint64
shared_by(const SimulatedKsm *sim, guint content)
{
    return GPOINTER_TO_INT(g_hash_table_lookup(sim->stable, GUINT_TO_POINTER(content)));
}

static inline void
change_sharers(SimulatedKsm *sim, guint content, gint by)
{
    gint64 n = shared_by(sim, content) + by;
    if (n > 0)
        g_hash_table_insert(sim->stable, GUINT_TO_POINTER(content), GINT_TO_POINTER((gint)n));
    else
        g_hash_table_remove(sim->stable, GUINT_TO_POINTER(content));
}

/** The guest writes @content to the page. */
static inline void
simulated_ksm_write(SimulatedKsm *sim, guint index, guint content)
{
    SimulatedPage *page = &g_array_index(sim->pages, SimulatedPage, index);
    if (page->merged && !page->written)
        page->written = true;
    if (!page->merged)
        page->content = content;
    else {
        change_sharers(sim, page->content, -1);
        page->content = content;
    }
    page->unchanged = false;
}

static inline void
compare_page(SimulatedKsm *sim, guint index)
{
    SimulatedPage *page = &g_array_index(sim->pages, SimulatedPage, index);
    gpointer content = GUINT_TO_POINTER(page->content);
    page->known = true;
    page->waiting = false;
    if (page->written)
        page->written = page->merged = false;
    if (page->merged)
        return;
    guint other = GPOINTER_TO_UINT(g_hash_table_lookup(sim->unstable, content));
    if (shared_by(sim, page->content) > 0) {
        page->merged = true;
        change_sharers(sim, page->content, 1);
    } else if (!page->unchanged) {
        page->unchanged = true;
    } else if (other > 0 && g_array_index(sim->pages, SimulatedPage, other - 1).content == page->content) {
        SimulatedPage *twin = &g_array_index(sim->pages, SimulatedPage, other - 1);
        twin->waiting = false;
        page->merged = twin->merged = true;
        change_sharers(sim, page->content, 2);
        g_hash_table_remove(sim->unstable, content);
    } else {
        page->waiting = true;
        g_hash_table_insert(sim->unstable, content, GUINT_TO_POINTER(index + 1));
    }
}

/** Lets @seconds pass. */
static inline void
simulated_ksm_run(SimulatedKsm *sim, double seconds)
{
    sim->now_usec += (gint64)(seconds * G_USEC_PER_SEC);
    if (sim->ksm.run != KT_KSM_ON || sim->pages->len == 0)
        return;
    double round_usec =
        (double)sim->ksm.sleep_millisecs * 1000 + (double)sim->ksm.pages_to_scan * sim->page_usec;
    sim->credit += seconds * G_USEC_PER_SEC / round_usec * (double)sim->ksm.pages_to_scan;
    for (; sim->credit >= 1; sim->credit--) {
        compare_page(sim, sim->cursor);
        sim->cpu_usec += sim->page_usec;
        sim->ksm.pages_scanned = MAX(sim->ksm.pages_scanned, 0) + 1;
        if (++sim->cursor < sim->pages->len)
            continue;
        sim->cursor = 0;
        sim->ksm.full_scans++;
        g_hash_table_remove_all(sim->unstable);
    }
}

/** The counters as the kernel would tell them now. */
static inline KtKsm
simulated_ksm_counters(const SimulatedKsm *sim)
{
    KtKsm ksm = sim->ksm;
    gint64 merged = 0, known = 0;
    ksm.pages_shared = g_hash_table_size(sim->stable);
    ksm.pages_unshared = 0;
    for (guint i = 0; i < sim->pages->len; i++) {
        const SimulatedPage *page = &g_array_index(sim->pages, SimulatedPage, i);
        merged += page->merged;
        known += page->known;
        ksm.pages_unshared += page->waiting;
    }
    ksm.pages_sharing = MAX(merged - ksm.pages_shared, 0);
    ksm.pages_volatile = MAX(known - merged - ksm.pages_unshared, 0);
    ksm.general_profit = sim->tells_profit ? ksm.pages_sharing * 4096 - known * 64 : KT_ABSENT;
    if (!sim->tells_scanned)
        ksm.pages_scanned = KT_ABSENT;
    ksm.ksmd_cpu_usec = sim->tells_cpu ? (gint64)sim->cpu_usec : KT_ABSENT;
    return ksm;
}

/** What saving all that is equal would come to, pages. */
static inline gint64
simulated_ksm_equal(const SimulatedKsm *sim)
{
    g_autoptr(GHashTable) contents = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < sim->pages->len; i++)
        g_hash_table_add(contents, GUINT_TO_POINTER(g_array_index(sim->pages, SimulatedPage, i).content));
    return (gint64)sim->pages->len - (gint64)g_hash_table_size(contents);
}
