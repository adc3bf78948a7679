/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/governor.h"

#include <string.h>
#include <unistd.h>

#include "agent/daemon/decisions.h"
#include "agent/daemon/governor_figures.h"
#include "agent/daemon/governor_knobs.h"
#include "base/error.h"
#include "probes/kernel.h"
#include "probes/memory.h"
#include "probes/qemu_process.h"
#include "tuners/ksm.h"

/* While another kvm-tune is at work, and while something of KSM can't be read. */
#define BUSY_USEC (2 * G_USEC_PER_SEC)
/* While there is only something to tell. */
#define TELL_USEC (60 * G_USEC_PER_SEC)

struct KtGovernor {
    const KtRoot *root;
    const char *state_dir;
    char *profile;
    bool wanted;
    KtKsmWish wish;
    GPtrArray *guests; /* KtKsmGuest */
    bool guests_changed;
    bool resumes;      /* of a former daemon the run is taken up, if nobody has touched its values since */
    bool locked_out;   /* another kvm-tune had the journal just now */
    KtJournalRun *run; /* the governor's own, NULL = not looked for yet, or none */
    KtKsm ksm;
    KtKsmCourse course;
    KtGovernorFigures figures;
};

KtGovernor *
kt_governor_new(const KtRoot *root, const char *state_dir)
{
    KtGovernor *governor = g_new0(KtGovernor, 1);
    governor->root = root;
    governor->state_dir = state_dir;
    governor->resumes = true;
    governor->guests = g_ptr_array_new();
    kt_ksm_init(&governor->ksm);
    kt_governor_figures_init(&governor->figures);
    return governor;
}

void
kt_governor_free(KtGovernor *governor)
{
    if (!governor)
        return;
    kt_journal_run_free(governor->run);
    g_ptr_array_unref(governor->guests);
    kt_ksm_clear(&governor->ksm);
    kt_governor_figures_clear(&governor->figures);
    g_free(governor->profile);
    g_free(governor);
}

static gint64
run_number(const KtGovernor *governor)
{
    return governor->run ? governor->run->id : 0;
}

static void
set_state(KtGovernor *governor, KtGovernorState state, const char *reason)
{
    KtGovernorFigures *figures = &governor->figures;
    if (figures->state != state || (state != KT_GOVERNOR_ACTIVE && g_strcmp0(figures->reason, reason) != 0))
        kt_decision_log_governor(kt_governor_state_name(state), reason, run_number(governor));
    figures->state = state;
    g_free(figures->reason);
    figures->reason = g_strdup(reason);
}

/* What is there now is taken over with the next look. */
static void
start_anew(KtGovernor *governor)
{
    g_clear_pointer(&governor->run, kt_journal_run_free);
    governor->course = (KtKsmCourse){0};
    governor->guests_changed = true;
}

void
kt_governor_wish(KtGovernor *governor, const char *profile, const KtKsmWish *wish)
{
    g_free(governor->profile);
    governor->profile = g_strdup(profile);
    if (wish)
        governor->wish = *wish;
    if (governor->wanted == (wish != NULL))
        return;
    governor->wanted = wish != NULL;
    if (!wish) {
        /* The next look hands over what was governed. */
        governor->resumes = false;
        set_state(governor, KT_GOVERNOR_OFF, "the profile doesn't ask for it");
    } else {
        start_anew(governor);
    }
}

void
kt_governor_take(KtGovernor *governor)
{
    if (governor->figures.state != KT_GOVERNOR_LEFT)
        return;
    governor->resumes = false;
    start_anew(governor);
    set_state(governor, KT_GOVERNOR_WAITING, "given back, it goes on with the next look");
}

static bool
has_guest(const GPtrArray *guests, const KtKsmGuest *wanted)
{
    for (guint i = 0; i < guests->len; i++) {
        const KtKsmGuest *guest = g_ptr_array_index(guests, i);
        if (guest->pid == wanted->pid && g_strcmp0(guest->name, wanted->name) == 0)
            return true;
    }
    return false;
}

void
kt_governor_guests(KtGovernor *governor, GPtrArray *guests)
{
    governor->guests_changed |= guests->len != governor->guests->len;
    for (guint i = 0; i < guests->len; i++)
        governor->guests_changed |= !has_guest(governor->guests, g_ptr_array_index(guests, i));
    g_ptr_array_unref(governor->guests);
    governor->guests = guests;
}

/* When this kernel was started, wall clock, µs; 0 where it isn't known. What was set before is gone. */
static gint64
boot_usec(const KtRoot *root)
{
    g_autofree char *text = NULL;
    if (!kt_root_read(root, "proc/stat", &text, NULL) || !text)
        return 0;
    const char *line = strstr(text, "\nbtime ");
    return line ? g_ascii_strtoll(line + strlen("\nbtime "), NULL, 10) * G_USEC_PER_SEC : 0;
}

/* Finds the run of a former daemon. Where somebody has set a knob since, it is left to them. */
static bool
find_run(KtGovernor *governor, GError **error)
{
    g_autoptr(KtJournal) journal = kt_journal_open(governor->state_dir, KT_JOURNAL_READ, error);
    return journal &&
           kt_moving_find(journal, KT_GOVERNOR_VERB, boot_usec(governor->root), &governor->run, error);
}

/* For writing; NULL also while another kvm-tune has it. */
static KtJournal *
open_journal(KtGovernor *governor, GError **error)
{
    g_autoptr(GError) failure = NULL;
    KtJournal *journal = kt_journal_open(governor->state_dir, KT_JOURNAL_WRITE, &failure);
    governor->locked_out = g_error_matches(failure, KT_ERROR, KT_ERROR_HELD);
    if (!journal)
        g_propagate_error(error, g_steal_pointer(&failure));
    return journal;
}

static bool
begin_run(KtGovernor *governor, GError **error)
{
    g_autoptr(KtJournal) journal = open_journal(governor, error);
    if (!journal)
        return false;
    governor->run = kt_knobs_begin(journal, KT_GOVERNOR_VERB, governor->profile, &governor->ksm, error);
    return governor->run != NULL;
}

static bool
have_run(KtGovernor *governor, GError **error)
{
    if (governor->run)
        return true;
    if (governor->resumes && !find_run(governor, error))
        return false;
    governor->resumes = false;
    return governor->run || begin_run(governor, error);
}

/* A guest that was looked at while it was just starting may have been seen without its process. */
static void
find_processes(const KtGovernor *governor)
{
    g_autoptr(KtQemuProcesses) processes = NULL;
    for (guint i = 0; i < governor->guests->len; i++) {
        KtKsmGuest *guest = g_ptr_array_index(governor->guests, i);
        if (guest->pid != 0 || !guest->uuid)
            continue;
        if (!processes)
            processes = kt_qemu_processes_find(governor->root);
        guest->pid = kt_qemu_processes_pid(processes, guest->name, guest->uuid);
    }
}

/* What a look sees. */
static bool
see(KtGovernor *governor, gint64 now_usec, KtKsmSight *ret_sight, GError **error)
{
    KtPressure pressure;
    KtMeminfo now;
    find_processes(governor);
    *ret_sight = (KtKsmSight){
        .now_usec = now_usec,
        .ksm = &governor->ksm,
        .page_kib = (guint64)sysconf(_SC_PAGESIZE) / 1024,
        .guest_pages = kt_governor_figures_of_guests(&governor->figures, governor->root, governor->guests),
        .guests_changed = governor->guests_changed,
    };
    if (!kt_meminfo_read(governor->root, &now, error) ||
        !kt_memory_pressure_read(governor->root, &pressure, error))
        return false;
    ret_sight->total_kib = now.total_kib;
    ret_sight->available_kib = now.available_kib;
    ret_sight->stalled_percent = pressure.some_avg10;
    return true;
}

static bool
write_knobs(KtGovernor *governor, const KtKnobValues *wanted, GError **error)
{
    if (!kt_knobs_differ(governor->run, &governor->ksm, wanted))
        return true;
    g_autoptr(KtJournal) journal = open_journal(governor, error);
    return journal && kt_knobs_write(governor->root, journal, governor->run, &governor->ksm, wanted, error);
}

static void
leave_to_somebody(KtGovernor *governor, KtKsmKnob knob)
{
    g_autofree char *reason = g_strdup_printf(
        "somebody has set KSM's %s: it is left alone, 'kvm-tune release --host' gives it back",
        kt_knob_name(knob));
    set_state(governor, KT_GOVERNOR_LEFT, reason);
}

/* What a failure means: another is at work, a rollback has taken the run back, or it doesn't work here. */
static gint64
take_failure(KtGovernor *governor, const GError *error, gint64 now_usec)
{
    if (g_error_matches(error, KT_ERROR, KT_ERROR_CONFLICT))
        set_state(governor, KT_GOVERNOR_LEFT, error->message);
    else if (governor->locked_out)
        set_state(governor, KT_GOVERNOR_WAITING, error->message);
    else
        set_state(governor, KT_GOVERNOR_UNABLE, error->message);
    return now_usec + (governor->figures.state == KT_GOVERNOR_WAITING ? BUSY_USEC : TELL_USEC);
}

/* Governs: a look of which everything that it needs is known. */
static bool
govern(KtGovernor *governor, const KtKsmSight *sight, gint64 *ret_next_usec, GError **error)
{
    const KtJournalStep *smart = kt_knob_step(governor->run, KT_KNOB_SMART_SCAN);
    KtKsmPace before = governor->course.pace;
    governor->wish.smart_scan = smart ? g_ascii_strtoll(smart->before, NULL, 10) : KT_ABSENT;
    KtKsmKnobs knobs = kt_ksm_govern(&governor->course, &governor->wish, sight, ret_next_usec);
    g_auto(KtKnobValues) wanted = kt_knob_values_wanted(&knobs);
    g_autofree char *reason = kt_ksm_reason(&governor->course);
    governor->guests_changed = false;
    if (governor->course.pace != before)
        kt_decision_log_governor(kt_ksm_pace_name(governor->course.pace), reason, run_number(governor));
    governor->figures.sweeps += before == KT_KSM_REST && governor->course.pace == KT_KSM_SWEEP;
    kt_governor_figures_of_course(&governor->figures, &governor->course, &knobs);
    if (!write_knobs(governor, &wanted, error))
        return false;
    set_state(governor, KT_GOVERNOR_ACTIVE, reason);
    return true;
}

bool
kt_governor_hand_over(KtGovernor *governor, GError **error)
{
    if (!governor->run || governor->figures.state == KT_GOVERNOR_LEFT)
        return true;
    if (!kt_ksm_read(governor->root, &governor->ksm, error))
        return false;
    if (kt_knobs_find_foreign(governor->run, &governor->ksm) != KT_N_KNOBS)
        return true;
    KtKsmKnobs resting = kt_ksm_resting(&governor->course, &governor->wish, &governor->ksm);
    g_auto(KtKnobValues) wanted = governor->ksm.advisor_mode
                                      ? kt_knob_values_for_advisor(&governor->wish, &governor->ksm)
                                      : kt_knob_values_wanted(&resting);
    return write_knobs(governor, &wanted, error);
}

/* Nobody wants it any more: KSM is left as at a daemon's end. */
static gint64
let_go(KtGovernor *governor, gint64 now_usec)
{
    g_autoptr(GError) error = NULL;
    governor->locked_out = false;
    if (!kt_governor_hand_over(governor, &error) && governor->locked_out)
        return now_usec + BUSY_USEC;
    if (error)
        g_warning("KSM stays as the governor has set it last: %s", error->message);
    start_anew(governor);
    return G_MAXINT64;
}

gint64
kt_governor_look(KtGovernor *governor, gint64 now_usec)
{
    g_autoptr(GError) error = NULL;
    KtKsmSight sight;
    gint64 next;
    if (!governor->wanted)
        return let_go(governor, now_usec);
    governor->locked_out = false;
    if (!kt_ksm_read(governor->root, &governor->ksm, &error) || !see(governor, now_usec, &sight, &error))
        return take_failure(governor, error, now_usec);
    kt_governor_figures_of_ksm(&governor->figures, &sight, &governor->course.last);
    if (governor->ksm.run == KT_ABSENT) {
        set_state(governor, KT_GOVERNOR_UNABLE, "this kernel has no KSM");
        return G_MAXINT64;
    }
    if (governor->figures.state == KT_GOVERNOR_LEFT)
        return now_usec + TELL_USEC;
    if (!have_run(governor, &error))
        return take_failure(governor, error, now_usec);
    KtKsmKnob foreign = kt_knobs_find_foreign(governor->run, &governor->ksm);
    if (foreign != KT_N_KNOBS) {
        leave_to_somebody(governor, foreign);
        return now_usec + TELL_USEC;
    }
    return govern(governor, &sight, &next, &error) ? next : take_failure(governor, error, now_usec);
}

const KtGovernorFigures *
kt_governor_figures(const KtGovernor *governor)
{
    return &governor->figures;
}
