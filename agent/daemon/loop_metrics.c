/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/loop_parts.h"

void
kt_loop_count(KtLoop *loop, const KtLook *look)
{
    loop->counts.looks[look->end]++;
    loop->counts.changes += look->n_done;
}

void
kt_loop_told_clear(KtLoopTold *told)
{
    g_clear_pointer(&told->governor, kt_governor_figures_free);
    g_clear_pointer(&told->following, g_ptr_array_unref);
    g_clear_pointer(&told->load, g_ptr_array_unref);
}

/* What a scrape is told. */
static void
fill(KtMetrics *metrics, gpointer data)
{
    KtLoop *loop = data;
    const KtLook *last = loop->last;
    kt_loop_told_clear(&loop->told);
    loop->told = (KtLoopTold){.governor = kt_governing_figures(loop->governing),
                              .following = kt_following_figures(loop->following),
                              .load = kt_load_watch_figures(loop->load)};
    *metrics = (KtMetrics){
        .profile = loop->profile_name,
        .began_usec = loop->began_usec,
        .hypervisor_is_up = last && last->end != KT_LOOK_NO_HYPERVISOR,
        .looks_done = loop->counts.looks[KT_LOOK_DONE],
        .looks_locked = loop->counts.looks[KT_LOOK_LOCKED],
        .looks_failed = loop->counts.looks[KT_LOOK_FAILED],
        .looks_without_hypervisor = loop->counts.looks[KT_LOOK_NO_HYPERVISOR],
        .last_look_usec = last ? last->began_usec : 0,
        .last_look_took_usec = last ? last->took_usec : 0,
        .changes = loop->counts.changes,
        .running_domains = last ? last->n_domains : 0,
        .refused = last ? last->n_refused : 0,
        .pending = last ? last->n_pending : 0,
        .governor = loop->told.governor,
        .following = loop->told.following,
        .moved_kib = kt_following_moved_kib(loop->following),
        .load = loop->told.load,
        .replans = kt_load_watch_replans(loop->load),
    };
}

bool
kt_loop_serve_metrics(KtLoop *loop, GError **error)
{
    if (!loop->setup->metrics)
        return true;
    loop->metrics = kt_metrics_server_new(loop->setup->metrics, fill, loop, error);
    if (loop->metrics)
        g_message("tells its figures at %s", loop->setup->metrics);
    return loop->metrics != NULL;
}
