/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/step_parts.h"
#include "agent/view/view.h"
#include "base/diagnostic.h"

#define OTHER_COLUMNS 58 /* of the table of runs, besides the profile */

static bool
is_unfinished(const KtJournalRun *run)
{
    return run->finished_usec == 0 && run->n_to_undo > 0;
}

const char *
kt_view_run_state(const KtJournalRun *run)
{
    if (is_unfinished(run) || run->is_under_way)
        return "unfinished";
    if (run->undone)
        return "undone";
    /* A run that did nothing failed, or found others' values. */
    if (g_strcmp0(run->verb, "rollback") != 0 && run->n_to_undo == 0 && !run->has_done)
        return "no effect";
    return "done";
}

char *
kt_view_unfinished(const KtJournalRun *run, bool locked)
{
    if (!is_unfinished(run))
        return NULL;
    g_autofree char *profile = run->profile ? kt_printable(run->profile) : g_strdup("");
    g_autofree char *verb = kt_printable(run->verb);
    g_autofree char *name =
        g_strdup_printf("run %" G_GINT64_FORMAT " (%s%s%s)", run->id, verb, *profile ? " " : "", profile);
    g_autofree char *count = kt_count(run->n_to_undo, "step", "steps");
    if (g_strcmp0(run->verb, "rollback") == 0)
        return g_strdup_printf("%s %s with %s left: 'kvm-tune rollback' goes on with it", name,
                               locked
                                   ? "was interrupted"
                                   : "isn't at its end: unless it is at work right now, it was interrupted",
                               count);
    if (locked)
        return g_strdup_printf("%s was interrupted after it had begun %s: 'kvm-tune rollback' undoes it",
                               name, count);
    return g_strdup_printf("%s has begun %s and not finished: unless it is at work right now, it was "
                           "interrupted, and 'kvm-tune rollback' undoes it",
                           name, count);
}

/* A damaged journal may have times that no calendar has. */
static char *
local_time(gint64 usec)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(usec / G_USEC_PER_SEC);
    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup("at no known time");
}

static KtInk
state_ink(const KtJournalRun *run)
{
    if (is_unfinished(run))
        return KT_INK_BAD;
    return run->undone ? KT_INK_DIM : KT_INK_PLAIN;
}

static void
print_run_row(GString *out, const KtStyle *style, const KtJournalRun *run, guint profile_width)
{
    g_autofree char *time = local_time(run->started_usec);
    g_autofree char *verb = kt_printable(run->verb);
    g_autofree char *profile = kt_printable(run->profile ? run->profile : "");
    g_autofree char *shown = kt_shorten(style, profile, profile_width);
    g_string_append_printf(out, "%4" G_GINT64_FORMAT "  %s  ", run->id, time);
    kt_pad(out, style, KT_INK_PLAIN, verb, 10);
    kt_pad(out, style, KT_INK_PLAIN, shown, profile_width + 2);
    g_string_append_printf(out, "%7u  ", run->n_actions);
    kt_ink(out, style, state_ink(run), "%s", kt_view_run_state(run));
    g_string_append_c(out, '\n');
}

/* What is no longer in the list, and what that means for the rest. */
static void
print_pruned(GString *out, const KtStyle *style, const KtPruned *pruned)
{
    if (pruned->upto == 0)
        return;
    g_autofree char *count = kt_count((guint)pruned->n_runs, "run", "runs");
    kt_ink(out, style, KT_INK_DIM,
           "%s up to run %" G_GINT64_FORMAT " left out: nothing of them can still be undone, or what was "
           "changed again later is one change now\n'kvm-tune rollback RUN' of any run up to that one undoes "
           "everything, as --all does",
           count, pruned->upto);
    g_string_append_c(out, '\n');
}

void
kt_view_runs(GString *out, const KtStyle *style, GPtrArray *runs, const KtPruned *pruned)
{
    if (runs->len == 0) {
        g_string_append(out, "no runs yet: kvm-tune has changed nothing on this host\n");
        return;
    }
    guint profile_width = 7;
    for (guint i = 0; i < runs->len; i++) {
        const KtJournalRun *run = runs->pdata[i];
        profile_width = MAX(profile_width, run->profile ? kt_columns(run->profile) : 0);
    }
    profile_width = MIN(profile_width, style->width - OTHER_COLUMNS);
    g_autoptr(GString) head = g_string_new(" run  when                 verb      ");
    g_string_append_printf(head, "%-*s  changes  state", (int)profile_width, "profile");
    kt_ink(out, style, KT_INK_HEADING, "%s", head->str);
    g_string_append_c(out, '\n');
    for (guint i = 0; i < runs->len; i++)
        print_run_row(out, style, runs->pdata[i], profile_width);
    print_pruned(out, style, pruned);
}

void
kt_view_run(GString *out, const KtStyle *style, const KtJournalRun *run)
{
    g_autofree char *time = local_time(run->started_usec);
    g_autofree char *count = kt_count(run->n_actions, "change", "changes");
    g_autofree char *profile = run->profile ? kt_printable(run->profile) : g_strdup("");
    g_autofree char *verb = kt_printable(run->verb);
    kt_ink(out, style, KT_INK_HEADING, "run %" G_GINT64_FORMAT, run->id);
    g_string_append_printf(out, ": %s%s%s, %s, %s, ", verb, *profile ? " " : "", profile, time, count);
    kt_ink(out, style, state_ink(run), "%s", kt_view_run_state(run));
    g_string_append_c(out, '\n');
    bool rollback = g_strcmp0(run->verb, "rollback") == 0;
    guint n = run->steps ? run->steps->len : 0;
    g_autofree KtShownStep *shown = g_new0(KtShownStep, n + 1);
    g_autoptr(GPtrArray) details = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < n; i++) {
        const KtJournalStep *step = run->steps->pdata[i];
        bool plain = step->result == (rollback ? KT_RESULT_UNDONE : KT_RESULT_DONE);
        char *detail = kt_view_step_detail(step);
        g_ptr_array_add(details, detail);
        shown[i] = (KtShownStep){step, plain ? NULL : kt_result_name(step->result), detail, !rollback};
    }
    kt_view_steps(out, style, shown, n);
}
