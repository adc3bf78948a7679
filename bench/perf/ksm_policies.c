/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/ksm_policies.h"

#include "agent/daemon/governor.h"
#include "probes/memory.h"
#include "tuners/ksm.h"

void
ksm_set(const KtRoot *root, const char *name, gint64 value)
{
    g_autofree char *path = g_strconcat(KT_KSM, name, NULL);
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, value);
    g_autoptr(GError) error = NULL;
    if (!kt_root_write(root, path, text, &error))
        g_error("%s", error->message);
}

/* ---- the governor, as the daemon runs it, with its journal ---- */

typedef struct {
    KtGovernor *governor;
    gint64 next_usec;
} Governed;

static void
free_guest(gpointer data)
{
    KtKsmGuest *guest = data;
    g_free(guest->name);
    g_free(guest);
}

static void
tell_guests(Governed *governed, const KsmLoad *load)
{
    GPtrArray *guests = g_ptr_array_new_with_free_func(free_guest);
    for (guint i = 0; i < KSM_LOAD_MAX; i++) {
        if (load->processes[i].pid <= 0)
            continue;
        KtKsmGuest *guest = g_new0(KtKsmGuest, 1);
        guest->name = g_strdup_printf("load-%u", i);
        guest->pid = load->processes[i].pid;
        g_ptr_array_add(guests, guest);
    }
    kt_governor_guests(governed->governor, guests);
    governed->next_usec = 0;
}

static gpointer
begin_governor(const KtRoot *root, const KsmLoad *load, const char *state_dir)
{
    static const KtKsmWish wish = {KT_ABSENT, KT_ABSENT, KT_ABSENT};
    Governed *governed = g_new0(Governed, 1);
    governed->governor = kt_governor_new(root, state_dir);
    kt_governor_wish(governed->governor, "bench", &wish);
    tell_guests(governed, load);
    return governed;
}

static void
step_governor(gpointer policy, const KsmLoad *load, bool changed, gint64 now_usec)
{
    Governed *governed = policy;
    if (changed)
        tell_guests(governed, load);
    if (now_usec >= governed->next_usec)
        governed->next_usec = kt_governor_look(governed->governor, now_usec);
}

static void
end_governor(gpointer policy)
{
    Governed *governed = policy;
    kt_governor_free(governed->governor);
    g_free(governed);
}

/* ---- ksmtuned, by its published rules: here memory is always short, else it would stop KSM ---- */

#define NPAGES_BOOST 300
#define NPAGES_MIN 64
#define NPAGES_MAX 1250
#define SLEEP_MSEC 10 /* for 16 GiB; less memory sleeps longer, more doesn't sleep shorter */
#define INTERVAL_USEC (60 * G_USEC_PER_SEC)

typedef struct {
    const KtRoot *root;
    gint64 npages;
    gint64 sleep_msec;
    gint64 next_usec;
} Ksmtuned;

static gint64
ksmtuned_sleep(const KtRoot *root)
{
    KtMeminfo now;
    if (!kt_meminfo_read(root, &now, NULL) || now.total_kib <= 0)
        return SLEEP_MSEC;
    return MAX(SLEEP_MSEC * (G_GINT64_CONSTANT(16) << 20) / now.total_kib, SLEEP_MSEC);
}

static gpointer
begin_ksmtuned(const KtRoot *root, const KsmLoad *load, const char *state_dir)
{
    (void)load, (void)state_dir;
    Ksmtuned *tuned = g_new0(Ksmtuned, 1);
    tuned->root = root;
    tuned->sleep_msec = ksmtuned_sleep(root);
    return tuned;
}

/* As after some minutes of short memory. */
static gpointer
begin_most(const KtRoot *root, const KsmLoad *load, const char *state_dir)
{
    Ksmtuned *tuned = begin_ksmtuned(root, load, state_dir);
    tuned->npages = NPAGES_MAX;
    return tuned;
}

static void
step_ksmtuned(gpointer policy, const KsmLoad *load, bool changed, gint64 now_usec)
{
    (void)load;
    Ksmtuned *tuned = policy;
    /* It is sent SIGUSR1 when a guest starts or stops, and then adjusts. */
    if (now_usec < tuned->next_usec && !changed)
        return;
    tuned->npages = CLAMP(tuned->npages + NPAGES_BOOST, NPAGES_MIN, NPAGES_MAX);
    ksm_set(tuned->root, "pages_to_scan", tuned->npages);
    ksm_set(tuned->root, "sleep_millisecs", tuned->sleep_msec);
    ksm_set(tuned->root, "run", KT_KSM_ON);
    tuned->next_usec = now_usec + INTERVAL_USEC;
}

/* ---- the kernel's advisor, as it comes ---- */

static gpointer
begin_advisor(const KtRoot *root, const KsmLoad *load, const char *state_dir)
{
    (void)load, (void)state_dir;
    g_autoptr(GError) error = NULL;
    if (!kt_root_write(root, KT_KSM "advisor_mode", KT_KSM_ADVISOR, &error))
        g_error("%s", error->message);
    ksm_set(root, "run", KT_KSM_ON);
    return g_new0(char, 1);
}

static void
step_advisor(gpointer policy, const KsmLoad *load, bool changed, gint64 now_usec)
{
    (void)policy, (void)load, (void)changed, (void)now_usec;
}

const KsmPolicy ksm_policies[] = {
    {"governor", "kvm-tune's governor, ksm.max-cpu as it comes", begin_governor, step_governor, end_governor},
    {"most", "ksmtuned at its maximum", begin_most, step_ksmtuned, g_free},
    {"ksmtuned", "ksmtuned from its beginning", begin_ksmtuned, step_ksmtuned, g_free},
    {"advisor", "the kernel's advisor", begin_advisor, step_advisor, g_free},
};

const guint ksm_n_policies = G_N_ELEMENTS(ksm_policies);
