/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/governor_figures.h"

#include <math.h>
#include <unistd.h>

static void
free_guest(gpointer data)
{
    KtGovernedGuest *guest = data;
    g_free(guest->name);
    g_free(guest->obstacle);
    g_free(guest);
}

void
kt_governor_figures_init(KtGovernorFigures *figures)
{
    *figures = (KtGovernorFigures){
        .reason = g_strdup("the profile doesn't ask for it"),
        .run = KT_ABSENT,
        .pages_to_scan = KT_ABSENT,
        .sleep_millisecs = KT_ABSENT,
        .ksmd_percent = -1,
        .ksmd_seconds = -1,
        .mib_a_cpu_second = NAN,
        .guests = g_ptr_array_new_with_free_func(free_guest),
    };
}

void
kt_governor_figures_clear(KtGovernorFigures *figures)
{
    g_clear_pointer(&figures->reason, g_free);
    g_clear_pointer(&figures->guests, g_ptr_array_unref);
}

static KtGovernedGuest *
copy_guest(const KtGovernedGuest *guest)
{
    KtGovernedGuest *copy = g_memdup2(guest, sizeof *guest);
    copy->name = g_strdup(copy->name);
    copy->obstacle = g_strdup(copy->obstacle);
    return copy;
}

KtGovernorFigures *
kt_governor_figures_copy(const KtGovernorFigures *figures)
{
    KtGovernorFigures *copy = g_memdup2(figures, sizeof *figures);
    copy->reason = g_strdup(figures->reason);
    copy->guests = g_ptr_array_new_full(figures->guests->len, free_guest);
    for (guint i = 0; i < figures->guests->len; i++)
        g_ptr_array_add(copy->guests, copy_guest(g_ptr_array_index(figures->guests, i)));
    return copy;
}

void
kt_governor_figures_free(KtGovernorFigures *figures)
{
    if (!figures)
        return;
    kt_governor_figures_clear(figures);
    g_free(figures);
}

const char *
kt_governor_state_name(KtGovernorState state)
{
    static const char *const names[] = {
        [KT_GOVERNOR_OFF] = "off",   [KT_GOVERNOR_ACTIVE] = "active", [KT_GOVERNOR_WAITING] = "waiting",
        [KT_GOVERNOR_LEFT] = "left", [KT_GOVERNOR_UNABLE] = "unable",
    };
    return names[state];
}

static KtGovernedGuest *
governed_guest(const KtKsmGuest *guest, const KtKsmProcess *process)
{
    double page_mib = (double)sysconf(_SC_PAGESIZE) / (1 << 20);
    KtGovernedGuest *governed = g_new0(KtGovernedGuest, 1);
    governed->name = g_strdup(guest->name);
    governed->obstacle = g_strdup(guest->obstacle);
    governed->merged_mib =
        process->merging_pages == KT_ABSENT ? -1 : (double)process->merging_pages * page_mib;
    governed->profit_mib =
        process->profit_bytes == KT_ABSENT ? NAN : (double)process->profit_bytes / (1 << 20);
    return governed;
}

gint64
kt_governor_figures_of_guests(KtGovernorFigures *figures, const KtRoot *root, const GPtrArray *guests)
{
    gint64 pages = guests->len == 0 ? 0 : KT_ABSENT;
    g_ptr_array_set_size(figures->guests, 0);
    for (guint i = 0; i < guests->len; i++) {
        const KtKsmGuest *guest = g_ptr_array_index(guests, i);
        KtKsmProcess process = kt_ksm_process_read(root, guest->pid);
        g_ptr_array_add(figures->guests, governed_guest(guest, &process));
        if (process.anonymous_pages == KT_ABSENT)
            continue;
        bool merges = !guest->obstacle && process.may_merge != 0;
        pages = MAX(pages, 0) + (merges ? process.anonymous_pages : 0);
    }
    return pages;
}

void
kt_governor_figures_of_ksm(KtGovernorFigures *figures, const KtKsmSight *sight, const KtKsmMark *before)
{
    const KtKsm *ksm = sight->ksm;
    figures->run = ksm->run;
    figures->pages_to_scan = ksm->pages_to_scan;
    figures->sleep_millisecs = ksm->sleep_millisecs;
    figures->saved_mib = kt_ksm_saved_mib(ksm, sight->page_kib);
    if (ksm->ksmd_cpu_usec == KT_ABSENT)
        return;
    figures->ksmd_seconds = (double)ksm->ksmd_cpu_usec / G_USEC_PER_SEC;
    if (ksm->ksmd_cpu_usec > 0)
        figures->mib_a_cpu_second = figures->saved_mib / figures->ksmd_seconds;
    gint64 passed = sight->now_usec - before->usec;
    if (before->usec > 0 && before->cpu_usec != KT_ABSENT && passed > 0)
        figures->ksmd_percent = 100.0 * (double)(ksm->ksmd_cpu_usec - before->cpu_usec) / (double)passed;
}

void
kt_governor_figures_of_course(KtGovernorFigures *figures, const KtKsmCourse *course, const KtKsmKnobs *knobs)
{
    figures->pace = course->pace;
    figures->is_short = course->is_short;
    figures->run = knobs->run;
    figures->pages_to_scan = knobs->pages_to_scan;
    figures->sleep_millisecs = knobs->sleep_millisecs;
}
