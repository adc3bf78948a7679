/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/load_judge.h"

#include <string.h>

#define BAD_PERCENT 10.0
#define WELL_PERCENT 5.0
/* Whose vCPUs together do less, as part of a CPU, is paused: a guest at rest has its clock to look after. */
#define STILL 1e-5
/* Samples that the load is the mean over: five minutes of one a minute. */
#define SAMPLES 6

const KtLoadTimes kt_load_times = {
    .every_usec = G_TIME_SPAN_MINUTE,
    .bad_usec = 3 * G_TIME_SPAN_MINUTE,
    .hold_off_usec = 10 * G_TIME_SPAN_MINUTE,
    .most_usec = 8 * G_TIME_SPAN_HOUR,
};

/* What all its threads together had run and waited. */
typedef struct {
    gint64 usec, demand_ns;
} Mark;

typedef struct {
    KtLoadFigures figures;
    char *process;
    Mark marks[SAMPLES]; /* the newest first */
    guint n_marks;
    GArray *delay_ns; /* gint64 by thread, at the newest */
    gint64 well_usec; /* since when it is well, 0 = it isn't */
    gint64 told_usec; /* when it was last told of */
    bool decided;     /* it is to be planned again for it, and wasn't yet */
} Guest;

struct KtLoadJudge {
    const KtLoadTimes *times;
    GHashTable *guests; /* UUID → Guest */
    gint64 next_usec;   /* no plan before that */
};

static void
clear_figures(KtLoadFigures *figures)
{
    g_free(figures->uuid);
    g_free(figures->name);
}

void
kt_load_figures_free(KtLoadFigures *figures)
{
    if (!figures)
        return;
    clear_figures(figures);
    g_free(figures);
}

static void
guest_free(gpointer data)
{
    Guest *guest = data;
    clear_figures(&guest->figures);
    g_free(guest->process);
    g_array_unref(guest->delay_ns);
    g_free(guest);
}

KtLoadJudge *
kt_load_judge_new(const KtLoadTimes *times)
{
    KtLoadJudge *judge = g_new0(KtLoadJudge, 1);
    judge->times = times;
    judge->guests = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, guest_free);
    judge->next_usec = G_MININT64;
    return judge;
}

void
kt_load_judge_free(KtLoadJudge *judge)
{
    if (!judge)
        return;
    g_hash_table_unref(judge->guests);
    g_free(judge);
}

const char *
kt_load_state_name(KtLoadState state)
{
    static const char *const names[] = {
        [KT_LOAD_UNKNOWN] = "unknown", [KT_LOAD_WELL] = "well",   [KT_LOAD_WAITS] = "waits",
        [KT_LOAD_BAD] = "bad",         [KT_LOAD_TRIED] = "tried",
    };
    return names[state];
}

static Guest *
guest_new(const KtLoadSample *sample)
{
    Guest *guest = g_new0(Guest, 1);
    guest->figures.uuid = g_strdup(sample->uuid);
    guest->figures.delay_percent = -1;
    guest->process = g_strdup(sample->process);
    guest->delay_ns = g_array_new(FALSE, FALSE, sizeof(gint64));
    return guest;
}

/* The guest of @sample, forgotten where it is another run of it, or has other vCPUs. */
static Guest *
find_guest(KtLoadJudge *judge, const KtLoadSample *sample)
{
    Guest *guest = g_hash_table_lookup(judge->guests, sample->uuid);
    if (guest && (g_strcmp0(guest->process, sample->process) != 0 ||
                  (guest->n_marks > 0 && guest->delay_ns->len != sample->n))) {
        g_hash_table_remove(judge->guests, sample->uuid);
        guest = NULL;
    }
    if (!guest) {
        guest = guest_new(sample);
        g_hash_table_insert(judge->guests, guest->figures.uuid, guest);
    }
    return guest;
}

/* Of the thread that waits most, percent of the time since the sample before. */
static double
worst_delay(const Guest *guest, const KtLoadSample *sample)
{
    double usec = (double)(sample->now_usec - guest->marks[0].usec), worst = 0;
    for (guint i = 0; i < sample->n; i++) {
        double waited_ns = (double)(sample->delay_ns[i] - g_array_index(guest->delay_ns, gint64, i));
        worst = MAX(worst, waited_ns / 10 / usec);
    }
    return worst;
}

static gint64
demand_of(const KtLoadSample *sample)
{
    gint64 demand_ns = 0;
    for (guint i = 0; i < sample->n; i++)
        demand_ns += sample->time_ns[i] + sample->delay_ns[i];
    return demand_ns;
}

static bool
was_paused(const Guest *guest, const KtLoadSample *sample)
{
    double did_usec = (double)(demand_of(sample) - guest->marks[0].demand_ns) / 1e3;
    return did_usec < STILL * (double)(sample->now_usec - guest->marks[0].usec);
}

static void
keep_delays(Guest *guest, const KtLoadSample *sample)
{
    g_array_set_size(guest->delay_ns, 0);
    g_array_append_vals(guest->delay_ns, sample->delay_ns, sample->n);
}

/* A time that says nothing of it is as if it had not been. */
static void
leave_out(Guest *guest, const KtLoadSample *sample)
{
    gint64 usec = sample->now_usec - guest->marks[0].usec;
    gint64 demand_ns = demand_of(sample) - guest->marks[0].demand_ns;
    for (guint i = 0; i < guest->n_marks; i++) {
        guest->marks[i].usec += usec;
        guest->marks[i].demand_ns += demand_ns;
    }
    keep_delays(guest, sample);
    guest->figures.delay_percent = -1;
    guest->figures.since_usec = 0;
    guest->well_usec = 0;
    guest->figures.state = KT_LOAD_UNKNOWN;
}

static void
add_mark(Guest *guest, const KtLoadSample *sample)
{
    Mark mark = {.usec = sample->now_usec, .demand_ns = demand_of(sample)};
    memmove(guest->marks + 1, guest->marks, (SAMPLES - 1) * sizeof *guest->marks);
    guest->marks[0] = mark;
    guest->n_marks = MIN(guest->n_marks + 1, SAMPLES);
    keep_delays(guest, sample);
    const Mark *oldest = &guest->marks[guest->n_marks - 1];
    if (guest->n_marks > 1 && sample->n > 0)
        guest->figures.load = (double)(mark.demand_ns - oldest->demand_ns) / 1e3 /
                              (double)(mark.usec - oldest->usec) / sample->n;
}

/* Since when it fares how. */
static void
fare(const KtLoadJudge *judge, Guest *guest, gint64 before_usec, gint64 now_usec)
{
    KtLoadFigures *figures = &guest->figures;
    if (figures->delay_percent >= BAD_PERCENT)
        figures->since_usec = figures->since_usec ? figures->since_usec : before_usec;
    else
        figures->since_usec = 0;
    if (figures->delay_percent < WELL_PERCENT)
        guest->well_usec = guest->well_usec ? guest->well_usec : before_usec;
    else
        guest->well_usec = 0;
    if (guest->well_usec && now_usec - guest->well_usec >= judge->times->bad_usec) {
        figures->tries = 0;
        figures->not_before_usec = 0;
    }
}

/* Whether it waits too much, for long enough. */
static bool
is_bad(const KtLoadJudge *judge, const KtLoadFigures *figures, gint64 now_usec)
{
    return figures->since_usec && now_usec - figures->since_usec >= judge->times->bad_usec;
}

static KtLoadState
state_of(const KtLoadJudge *judge, const KtLoadFigures *figures, gint64 now_usec)
{
    if (figures->delay_percent < 0)
        return KT_LOAD_UNKNOWN;
    if (!figures->since_usec)
        return KT_LOAD_WELL;
    if (figures->tries > 0 && now_usec < figures->not_before_usec)
        return KT_LOAD_TRIED;
    return figures->placed && is_bad(judge, figures, now_usec) ? KT_LOAD_BAD : KT_LOAD_WAITS;
}

void
kt_load_judge_add(KtLoadJudge *judge, const KtLoadSample *sample)
{
    Guest *guest = find_guest(judge, sample);
    guest->told_usec = sample->now_usec;
    gint64 before_usec = guest->marks[0].usec;
    bool comparable = guest->n_marks > 0 && sample->now_usec > before_usec;
    if (guest->n_marks > 0 && !comparable)
        return;
    g_free(guest->figures.name);
    guest->figures.name = g_strdup(sample->name);
    guest->figures.placed = sample->placed;
    if (comparable && was_paused(guest, sample)) {
        leave_out(guest, sample);
        return;
    }
    if (comparable)
        guest->figures.delay_percent = worst_delay(guest, sample);
    add_mark(guest, sample);
    if (comparable)
        fare(judge, guest, before_usec, sample->now_usec);
    guest->figures.state = state_of(judge, &guest->figures, sample->now_usec);
}

void
kt_load_judge_keep(KtLoadJudge *judge, const char *uuid, gint64 now_usec)
{
    Guest *guest = g_hash_table_lookup(judge->guests, uuid);
    if (guest)
        guest->told_usec = now_usec;
}

void
kt_load_judge_forget(KtLoadJudge *judge, gint64 usec)
{
    GHashTableIter iter;
    gpointer guest;
    g_hash_table_iter_init(&iter, judge->guests);
    while (g_hash_table_iter_next(&iter, NULL, &guest))
        if (((const Guest *)guest)->told_usec < usec)
            g_hash_table_iter_remove(&iter);
}

static gint64
wait_of(const KtLoadTimes *times, guint tries)
{
    gint64 wait = times->hold_off_usec;
    for (guint i = 0; i < tries && wait < times->most_usec; i++)
        wait *= 2;
    return MIN(wait, times->most_usec);
}

static char *
describe(const KtLoadFigures *worst, guint n, gint64 now_usec)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, "%s waits for a CPU %.0f %% of the time, for %" G_GINT64_FORMAT " s",
                           worst->name, worst->delay_percent,
                           (now_usec - worst->since_usec) / G_USEC_PER_SEC);
    if (n > 1)
        g_string_append_printf(text, "; %u guests do", n);
    if (worst->tries > 0)
        g_string_append_printf(text, "; planned again %u time%s before", worst->tries,
                               worst->tries == 1 ? "" : "s");
    return g_strdup(text->str);
}

/* Guest: those for whom it is to be planned again, borrowed. */
static GPtrArray *
list_due(const KtLoadJudge *judge, gint64 now_usec)
{
    GPtrArray *due = g_ptr_array_new();
    GHashTableIter iter;
    gpointer guest;
    g_hash_table_iter_init(&iter, judge->guests);
    while (now_usec >= judge->next_usec && g_hash_table_iter_next(&iter, NULL, &guest)) {
        const KtLoadFigures *figures = &((const Guest *)guest)->figures;
        if (figures->placed && is_bad(judge, figures, now_usec) && now_usec >= figures->not_before_usec)
            g_ptr_array_add(due, guest);
    }
    return due;
}

bool
kt_load_judge_is_due(const KtLoadJudge *judge, gint64 now_usec, char **ret_seen)
{
    g_autoptr(GPtrArray) due = list_due(judge, now_usec);
    const KtLoadFigures *worst = NULL;
    for (guint i = 0; i < due->len; i++) {
        const KtLoadFigures *figures = &((const Guest *)due->pdata[i])->figures;
        worst = !worst || figures->delay_percent > worst->delay_percent ? figures : worst;
    }
    if (worst)
        *ret_seen = describe(worst, due->len, now_usec);
    return worst != NULL;
}

void
kt_load_judge_decide(KtLoadJudge *judge, gint64 now_usec)
{
    g_autoptr(GPtrArray) due = list_due(judge, now_usec);
    for (guint i = 0; i < due->len; i++)
        ((Guest *)due->pdata[i])->decided = true;
}

static void
note_tried(const KtLoadJudge *judge, KtLoadFigures *figures, gint64 now_usec)
{
    figures->tries++;
    figures->not_before_usec = now_usec + wait_of(judge->times, figures->tries);
    if (figures->state == KT_LOAD_BAD)
        figures->state = KT_LOAD_TRIED;
}

void
kt_load_judge_note_tried(KtLoadJudge *judge, gint64 now_usec)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, judge->guests);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Guest *guest = value;
        if (guest->decided)
            note_tried(judge, &guest->figures, now_usec);
        guest->decided = false;
    }
    judge->next_usec = now_usec + judge->times->hold_off_usec;
}

static KtMeasuredLoad *
load_of(const Guest *guest)
{
    KtMeasuredLoad *load = g_new0(KtMeasuredLoad, 1);
    load->uuid = g_strdup(guest->figures.uuid);
    load->process = g_strdup(guest->process);
    load->vcpus = guest->delay_ns->len;
    load->load = guest->figures.load;
    return load;
}

GPtrArray *
kt_load_judge_loads(const KtLoadJudge *judge)
{
    GPtrArray *loads = g_ptr_array_new_with_free_func((GDestroyNotify)kt_measured_load_free);
    GHashTableIter iter;
    gpointer guest;
    g_hash_table_iter_init(&iter, judge->guests);
    while (g_hash_table_iter_next(&iter, NULL, &guest))
        g_ptr_array_add(loads, load_of(guest));
    return loads;
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
    const KtLoadFigures *one = *(const KtLoadFigures *const *)a, *other = *(const KtLoadFigures *const *)b;
    return g_strcmp0(one->name, other->name);
}

GPtrArray *
kt_load_judge_figures(const KtLoadJudge *judge)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)kt_load_figures_free);
    GHashTableIter iter;
    gpointer guest;
    g_hash_table_iter_init(&iter, judge->guests);
    while (g_hash_table_iter_next(&iter, NULL, &guest)) {
        KtLoadFigures *twin = g_memdup2(&((const Guest *)guest)->figures, sizeof *twin);
        twin->uuid = g_strdup(twin->uuid);
        twin->name = g_strdup(twin->name);
        g_ptr_array_add(all, twin);
    }
    g_ptr_array_sort(all, compare_names);
    return all;
}
