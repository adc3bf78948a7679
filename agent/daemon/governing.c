/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/governing.h"

#include "agent/daemon/governor_figures.h"

/* While a run of the daemon's is under way. */
#define BUSY_USEC G_USEC_PER_SEC

struct KtGoverning {
    GThread *thread;
    GMutex *journal;
    KtGovernor *governor; /* only the thread touches it */
    GMutex mutex;         /* of what follows */
    GCond told;
    bool stopping;
    bool news; /* something was told that the thread doesn't know yet */
    bool take;
    char *profile;
    bool wanted;
    KtKsmWish wish;
    GPtrArray *guests; /* NULL: as before */
    KtGovernorFigures *figures;
};

/* Gives the governor what was told; with the mutex held. */
static void
pass_on(KtGoverning *governing)
{
    governing->news = false;
    if (governing->guests)
        kt_governor_guests(governing->governor, g_steal_pointer(&governing->guests));
    kt_governor_wish(governing->governor, governing->profile, governing->wanted ? &governing->wish : NULL);
    if (governing->take)
        kt_governor_take(governing->governor);
    governing->take = false;
}

/* Waits until something is told, or it is time. */
static void
wait(KtGoverning *governing, gint64 until_usec)
{
    while (!governing->stopping && !governing->news) {
        if (until_usec == G_MAXINT64)
            g_cond_wait(&governing->told, &governing->mutex);
        else if (!g_cond_wait_until(&governing->told, &governing->mutex, until_usec))
            break;
    }
}

/* A look, unless a run of the daemon's is under way. */
static gint64
look(KtGoverning *governing)
{
    gint64 now = g_get_monotonic_time();
    if (!g_mutex_trylock(governing->journal))
        return now + BUSY_USEC;
    gint64 next = kt_governor_look(governing->governor, now);
    g_mutex_unlock(governing->journal);
    return next;
}

static gpointer
govern(gpointer data)
{
    KtGoverning *governing = data;
    gint64 next = G_MAXINT64;
    g_mutex_lock(&governing->mutex);
    for (wait(governing, next); !governing->stopping; wait(governing, next)) {
        pass_on(governing);
        g_mutex_unlock(&governing->mutex);
        next = look(governing);
        g_mutex_lock(&governing->mutex);
        kt_governor_figures_free(governing->figures);
        governing->figures = kt_governor_figures_copy(kt_governor_figures(governing->governor));
    }
    g_mutex_unlock(&governing->mutex);
    return NULL;
}

KtGoverning *
kt_governing_new(const KtRoot *root, const char *state_dir, GMutex *journal)
{
    KtGoverning *governing = g_new0(KtGoverning, 1);
    governing->journal = journal;
    governing->governor = kt_governor_new(root, state_dir);
    governing->figures = kt_governor_figures_copy(kt_governor_figures(governing->governor));
    g_mutex_init(&governing->mutex);
    g_cond_init(&governing->told);
    governing->thread = g_thread_new("governor", govern, governing);
    return governing;
}

static void
hand_over(KtGoverning *governing)
{
    g_autoptr(GError) error = NULL;
    g_mutex_lock(governing->journal);
    if (!kt_governor_hand_over(governing->governor, &error))
        g_warning("KSM stays as the governor has set it last: %s", error->message);
    g_mutex_unlock(governing->journal);
}

void
kt_governing_free(KtGoverning *governing)
{
    if (!governing)
        return;
    g_mutex_lock(&governing->mutex);
    governing->stopping = true;
    g_cond_signal(&governing->told);
    g_mutex_unlock(&governing->mutex);
    g_thread_join(governing->thread);
    hand_over(governing);
    kt_governor_free(governing->governor);
    kt_governor_figures_free(governing->figures);
    g_clear_pointer(&governing->guests, g_ptr_array_unref);
    g_mutex_clear(&governing->mutex);
    g_cond_clear(&governing->told);
    g_free(governing->profile);
    g_free(governing);
}

/* With the mutex held. */
static void
announce(KtGoverning *governing)
{
    governing->news = true;
    g_cond_signal(&governing->told);
}

void
kt_governing_tell(KtGoverning *governing, const char *profile, const KtKsmWish *wish, GPtrArray *guests)
{
    g_mutex_lock(&governing->mutex);
    g_free(governing->profile);
    governing->profile = g_strdup(profile);
    governing->wanted = wish != NULL;
    if (wish)
        governing->wish = *wish;
    if (guests) {
        g_clear_pointer(&governing->guests, g_ptr_array_unref);
        governing->guests = guests;
    }
    announce(governing);
    g_mutex_unlock(&governing->mutex);
}

void
kt_governing_take(KtGoverning *governing)
{
    g_mutex_lock(&governing->mutex);
    governing->take = true;
    announce(governing);
    g_mutex_unlock(&governing->mutex);
}

KtGovernorFigures *
kt_governing_figures(KtGoverning *governing)
{
    g_mutex_lock(&governing->mutex);
    KtGovernorFigures *copy = kt_governor_figures_copy(governing->figures);
    g_mutex_unlock(&governing->mutex);
    return copy;
}
