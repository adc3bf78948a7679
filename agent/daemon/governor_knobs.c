/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/governor_knobs.h"

#include "tuners/ksm.h"

#define SETTING "ksm.mode"
#define REASON "the daemon governs KSM: it changes this as it pays"

/* What ksmd sleeps where nobody says otherwise; the advisor sets only how much it looks at. */
#define DEFAULT_SLEEP_MSEC 20

typedef struct {
    const char *name; /* the file */
    const char *path;
    const char *item; /* in the journal */
    gsize present;    /* gint64 in KtKsm; of the advisor: char * */
} Knob;

static const Knob knobs[KT_N_KNOBS] = {
    [KT_KNOB_PAGES] = {"pages_to_scan", KT_KSM "pages_to_scan", "pages to scan",
                       offsetof(KtKsm, pages_to_scan)},
    [KT_KNOB_SLEEP] = {"sleep_millisecs", KT_KSM "sleep_millisecs", "sleep",
                       offsetof(KtKsm, sleep_millisecs)},
    [KT_KNOB_SMART_SCAN] = {"smart_scan", KT_KSM "smart_scan", "smart scan", offsetof(KtKsm, smart_scan)},
    [KT_KNOB_MAX_CPU] = {"advisor_max_cpu", KT_KSM "advisor_max_cpu", "advisor's ceiling",
                         offsetof(KtKsm, advisor_max_cpu)},
    [KT_KNOB_RUN] = {"run", KT_KSM "run", "run", offsetof(KtKsm, run)},
    [KT_KNOB_ADVISOR] = {"advisor_mode", KT_KSM "advisor_mode", "advisor", offsetof(KtKsm, advisor_mode)},
};

const char *
kt_knob_name(KtKsmKnob knob)
{
    return knobs[knob].name;
}

void
kt_knob_values_clear(KtKnobValues *values)
{
    for (guint i = 0; i < KT_N_KNOBS; i++)
        g_clear_pointer(&values->values[i], g_free);
}

static char *
number_text(gint64 number)
{
    return number == KT_ABSENT ? NULL : g_strdup_printf("%" G_GINT64_FORMAT, number);
}

KtKnobValues
kt_knob_values_of(const KtKsm *ksm)
{
    KtKnobValues values = {{NULL}};
    for (guint i = 0; i < KT_KNOB_ADVISOR; i++)
        values.values[i] = number_text(G_STRUCT_MEMBER(gint64, ksm, knobs[i].present));
    values.values[KT_KNOB_ADVISOR] = g_strdup(ksm->advisor_mode);
    return values;
}

KtKnobValues
kt_knob_values_wanted(const KtKsmKnobs *wanted)
{
    return (KtKnobValues){{
        [KT_KNOB_PAGES] = number_text(wanted->pages_to_scan),
        [KT_KNOB_SLEEP] = number_text(wanted->sleep_millisecs),
        [KT_KNOB_SMART_SCAN] = number_text(wanted->smart_scan),
        [KT_KNOB_RUN] = number_text(wanted->run),
        [KT_KNOB_ADVISOR] = g_strdup(wanted->advisor_mode),
    }};
}

KtKnobValues
kt_knob_values_for_advisor(const KtKsmWish *wish, const KtKsm *ksm)
{
    gint64 sleep = wish->sleep_millisecs == KT_ABSENT ? DEFAULT_SLEEP_MSEC : wish->sleep_millisecs;
    return (KtKnobValues){{
        [KT_KNOB_PAGES] = number_text(KT_KSM_DEFAULT_PAGES_TO_SCAN),
        [KT_KNOB_SLEEP] = number_text(sleep),
        [KT_KNOB_SMART_SCAN] = number_text(ksm->smart_scan == KT_ABSENT ? KT_ABSENT : wish->smart_scan),
        [KT_KNOB_MAX_CPU] = number_text(wish->max_cpu_percent),
        [KT_KNOB_RUN] = number_text(KT_KSM_ON),
        [KT_KNOB_ADVISOR] = g_strdup(KT_KSM_ADVISOR),
    }};
}

KtJournalStep *
kt_knob_step(const KtJournalRun *run, KtKsmKnob knob)
{
    for (guint i = 0; i < run->steps->len; i++) {
        KtJournalStep *step = g_ptr_array_index(run->steps, i);
        if (g_strcmp0(step->path, knobs[knob].path) == 0)
            return step;
    }
    return NULL;
}

static bool
is_advised(const KtKsm *ksm)
{
    return ksm->advisor_mode && !g_str_equal(ksm->advisor_mode, KT_KSM_NO_ADVISOR);
}

static void
add_step(GPtrArray *steps, KtKsmKnob knob, const char *present)
{
    if (present)
        g_ptr_array_add(steps, kt_moving_step(knobs[knob].path, present, SETTING, knobs[knob].item, REASON));
}

/* They are undone in reverse. The advisor lets nobody set pages_to_scan and forgets what it was: where it is
 * at work it is the last to come back, with the pages that the kernel leaves without it; else the first to
 * go. */
static GPtrArray *
steps_of(const KtKsm *ksm)
{
    GPtrArray *steps = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journal_step_free);
    g_auto(KtKnobValues) present = kt_knob_values_of(ksm);
    bool advised = is_advised(ksm);
    if (advised) {
        add_step(steps, KT_KNOB_ADVISOR, present.values[KT_KNOB_ADVISOR]);
        g_free(present.values[KT_KNOB_PAGES]);
        present.values[KT_KNOB_PAGES] = number_text(KT_KSM_DEFAULT_PAGES_TO_SCAN);
    }
    for (guint i = 0; i < KT_KNOB_ADVISOR; i++)
        add_step(steps, (KtKsmKnob)i, present.values[i]);
    if (!advised)
        add_step(steps, KT_KNOB_ADVISOR, present.values[KT_KNOB_ADVISOR]);
    return steps;
}

KtJournalRun *
kt_knobs_begin(KtJournal *journal, const char *verb, const char *profile, const KtKsm *ksm, GError **error)
{
    g_autoptr(GPtrArray) steps = steps_of(ksm);
    KtJournalRun *run = NULL;
    if (!kt_moving_begin(journal, verb, profile, steps, error) ||
        !kt_moving_find(journal, verb, 0, &run, error))
        return NULL;
    return run;
}

/* What the advisor sets by itself. */
static bool
is_advisors(const KtKsm *ksm, KtKsmKnob knob)
{
    return knob == KT_KNOB_PAGES && is_advised(ksm);
}

KtKsmKnob
kt_knobs_find_foreign(const KtJournalRun *run, const KtKsm *ksm)
{
    g_auto(KtKnobValues) present = kt_knob_values_of(ksm);
    for (guint i = 0; i < KT_N_KNOBS; i++) {
        const KtJournalStep *step = kt_knob_step(run, (KtKsmKnob)i);
        if (step && !is_advisors(ksm, (KtKsmKnob)i) && !kt_moving_is_ours(step, present.values[i]))
            return (KtKsmKnob)i;
    }
    return KT_N_KNOBS;
}

/* The values to be written, the advisor first where it is turned off: while it is at work others are refused.
 */
static guint
collect_moves(const KtJournalRun *run, const KtKsm *ksm, const KtKnobValues *wanted, KtMove *moves)
{
    g_auto(KtKnobValues) present = kt_knob_values_of(ksm);
    bool off = g_strcmp0(wanted->values[KT_KNOB_ADVISOR], KT_KSM_NO_ADVISOR) == 0;
    guint n = 0;
    for (guint i = 0; i < KT_N_KNOBS; i++) {
        guint knob = off ? (i + KT_KNOB_ADVISOR) % KT_N_KNOBS : i;
        KtJournalStep *step = kt_knob_step(run, (KtKsmKnob)knob);
        const char *value = wanted->values[knob];
        bool advised = is_advised(ksm) && knob == KT_KNOB_PAGES;
        if (step && value && (advised ? off : g_strcmp0(present.values[knob], value) != 0))
            moves[n++] = (KtMove){.step = step, .value = value};
    }
    return n;
}

bool
kt_knobs_differ(const KtJournalRun *run, const KtKsm *ksm, const KtKnobValues *wanted)
{
    KtMove moves[KT_N_KNOBS];
    return collect_moves(run, ksm, wanted, moves) > 0;
}

bool
kt_knobs_write(const KtRoot *root, KtJournal *journal, const KtJournalRun *run, const KtKsm *ksm,
               const KtKnobValues *wanted, GError **error)
{
    KtMove moves[KT_N_KNOBS];
    guint n = collect_moves(run, ksm, wanted, moves);
    return n == 0 || kt_moving_write(root, journal, moves, n, error);
}
