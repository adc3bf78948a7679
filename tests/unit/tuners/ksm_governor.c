/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/simulated_ksm.h"

/** KSM that is governed, and what was seen of it. */
typedef struct {
    SimulatedKsm *sim;
    KtKsmCourse course;
    KtKsmWish wish;
    gint64 next_usec;
    gint64 available_kib; /* of 16 GiB */
    double stalled_percent;
    bool hint;      /* given with the next look */
    guint sweeps;   /* begun */
    guint writes;   /* of knobs */
    double fastest; /* the most of a CPU that was taken between two looks, but in the first seconds */
} Governed;

#define TOTAL_KIB (16 << 20)

static Governed *
governed_new(void)
{
    Governed *governed = g_new0(Governed, 1);
    governed->sim = simulated_ksm_new();
    governed->wish = (KtKsmWish){KT_ABSENT, KT_ABSENT, 1};
    governed->next_usec = governed->sim->now_usec;
    governed->available_kib = TOTAL_KIB / 2;
    return governed;
}

static void
governed_free(Governed *governed)
{
    simulated_ksm_free(governed->sim);
    g_free(governed);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Governed, governed_free)

static void
take_knobs(Governed *governed, const KtKsmKnobs *knobs)
{
    KtKsm *ksm = &governed->sim->ksm;
    governed->writes += ksm->run != knobs->run || ksm->pages_to_scan != knobs->pages_to_scan ||
                        ksm->sleep_millisecs != knobs->sleep_millisecs ||
                        ksm->smart_scan != knobs->smart_scan;
    ksm->run = knobs->run;
    ksm->pages_to_scan = knobs->pages_to_scan;
    ksm->sleep_millisecs = knobs->sleep_millisecs;
    ksm->smart_scan = knobs->smart_scan;
}

static void
look(Governed *governed)
{
    KtKsm ksm = simulated_ksm_counters(governed->sim);
    KtKsmSight sight = {
        .now_usec = governed->sim->now_usec,
        .ksm = &ksm,
        .page_kib = 4,
        .total_kib = TOTAL_KIB,
        .available_kib = governed->available_kib,
        .stalled_percent = governed->stalled_percent,
        .guest_pages = governed->sim->tells_guests
                           ? (gint64)governed->sim->pages->len + governed->sim->own_pages
                           : KT_ABSENT,
        .guests_changed = governed->hint,
    };
    KtKsmPace before = governed->course.pace;
    KtKsmKnobs knobs = kt_ksm_govern(&governed->course, &governed->wish, &sight, &governed->next_usec);
    governed->sweeps += before == KT_KSM_REST && governed->course.pace == KT_KSM_SWEEP;
    governed->hint = false;
    g_assert_cmpint(governed->next_usec, >, governed->sim->now_usec);
    take_knobs(governed, &knobs);
}

/** Lets @seconds pass, with looks when they are due. */
static void
live(Governed *governed, double seconds)
{
    SimulatedKsm *sim = governed->sim;
    gint64 end = sim->now_usec + (gint64)(seconds * G_USEC_PER_SEC);
    while (sim->now_usec < end) {
        if (sim->now_usec >= governed->next_usec)
            look(governed);
        gint64 until = MIN(end, governed->next_usec);
        double cpu = sim->cpu_usec, time = (double)(until - sim->now_usec);
        simulated_ksm_run(sim, time / G_USEC_PER_SEC);
        if (sim->now_usec > 4 * G_USEC_PER_SEC)
            governed->fastest = MAX(governed->fastest, (sim->cpu_usec - cpu) / time);
    }
}

static void
assert_saved(const Governed *governed, double share)
{
    KtKsm ksm = simulated_ksm_counters(governed->sim);
    double all = (double)simulated_ksm_equal(governed->sim);
    g_assert_cmpfloat((double)ksm.pages_sharing, >=, share * all);
    g_assert_cmpfloat((double)ksm.pages_sharing, <=, all);
}

static void
assert_reason(const Governed *governed, const char *part)
{
    g_autofree char *reason = kt_ksm_reason(&governed->course);
    if (!strstr(reason, part))
        g_error("reason '%s' does not have '%s'", reason, part);
}

/** Share of a CPU that ksmd takes over the next @seconds. */
static double
share_over(Governed *governed, double seconds)
{
    double before = governed->sim->cpu_usec;
    live(governed, seconds);
    return (governed->sim->cpu_usec - before) / (seconds * G_USEC_PER_SEC);
}

/* 4 guests of 256 MiB, 60 % of them equal: about two passes are needed, and not much more is spent. */
static void
test_sweeps_and_rests(void)
{
    g_autoptr(Governed) governed = governed_new();
    for (guint i = 0; i < 4; i++)
        simulated_ksm_add_guest(governed->sim, 65536, 60);

    look(governed);
    g_assert_cmpint(governed->course.pace, ==, KT_KSM_SWEEP);
    g_assert_cmpint(governed->sim->ksm.smart_scan, ==, 0);
    assert_reason(governed, "1024 MiB were never compared");
    live(governed, 10);

    assert_saved(governed, 0.99);
    g_assert_cmpint(governed->course.pace, ==, KT_KSM_REST);
    assert_reason(governed, "rests: all memory has been compared");
    g_assert_cmpfloat(governed->sim->cpu_usec, <, 2.3 * 4 * 65536 * governed->sim->page_usec);
    g_assert_cmpint(governed->sim->ksm.smart_scan, ==, 1);
    g_assert_cmpfloat(share_over(governed, 600), <, 0.01);
}

/* Once all is merged nothing moves any more: a sweep, and no knob written in an hour. */
static void
test_stays_at_rest(void)
{
    g_autoptr(Governed) governed = governed_new();
    for (guint i = 0; i < 4; i++)
        simulated_ksm_add_guest(governed->sim, 4096, 60);
    live(governed, 120);
    guint writes = governed->writes;

    live(governed, 3600);

    g_assert_cmpuint(governed->sweeps, ==, 1);
    g_assert_cmpuint(governed->writes, ==, writes);
}

/* Guests that have nothing in common cost one sweep each time there are as many again, at most. */
static void
test_nothing_equal(void)
{
    g_autoptr(Governed) governed = governed_new();
    simulated_ksm_add_guest(governed->sim, 20000, 0);

    live(governed, 60);
    g_assert_cmpint(governed->course.pace, ==, KT_KSM_REST);
    g_assert_cmpfloat(share_over(governed, 3600), <, 0.005);

    g_assert_cmpuint(governed->sweeps, ==, 1);
    g_assert_cmpuint(governed->course.caution, ==, 1);
}

/* ... and the bar is higher right after a sweep in vain. */
static void
test_cautious_after_a_sweep_in_vain(void)
{
    g_autoptr(Governed) governed = governed_new();
    simulated_ksm_add_guest(governed->sim, 20000, 0);
    live(governed, 60);
    g_assert_cmpuint(governed->course.caution, ==, 2);
    double share = governed->course.merge_share;
    g_assert_cmpfloat(share, <, 0.2);

    simulated_ksm_add_guest(governed->sim, 2000, 0);
    live(governed, 300);

    g_assert_cmpuint(governed->sweeps, ==, 1);
}

static void
test_ceiling(void)
{
    static const gint64 percents[] = {1, 5, 20, 70, 100};
    for (gsize i = 0; i < G_N_ELEMENTS(percents); i++) {
        g_autoptr(Governed) governed = governed_new();
        governed->wish.max_cpu_percent = percents[i];
        governed->sim->page_usec = 20; /* dearer than is supposed before it is measured */
        simulated_ksm_add_guest(governed->sim, 80000, 60);
        simulated_ksm_add_guest(governed->sim, 80000, 60);

        live(governed, 30);

        g_assert_cmpfloat(governed->fastest, <=, 1.11 * (double)percents[i] / 100);
        g_assert_cmpfloat(governed->fastest, >=, MIN(0.65 * (double)percents[i] / 100, 0.6));
    }
}

static void
test_sleep_of_the_profile(void)
{
    g_autoptr(Governed) governed = governed_new();
    governed->wish.sleep_millisecs = 50;
    simulated_ksm_add_guest(governed->sim, 20000, 60);
    simulated_ksm_add_guest(governed->sim, 20000, 60);

    look(governed);
    g_assert_cmpint(governed->sim->ksm.sleep_millisecs, ==, 50);
    live(governed, 60);

    assert_saved(governed, 0.99);
    g_assert_cmpint(governed->sim->ksm.sleep_millisecs, ==, 50);
    g_assert_cmpfloat(share_over(governed, 60), <, 0.01);
}

/* A third of what is merged is written to, by all alike: resting ksmd finds that out. */
static void
test_written_to(void)
{
    g_autoptr(Governed) governed = governed_new();
    for (guint i = 0; i < 4; i++)
        simulated_ksm_add_guest(governed->sim, 16384, 60);
    live(governed, 60);

    for (guint i = 0; i < 4 * 16384; i++)
        if (i % 16384 % 100 < 20)
            simulated_ksm_write(governed->sim, i, 0x2000000 + i % 16384);
    live(governed, 90);

    g_assert_cmpuint(governed->sweeps, ==, 2);
    assert_saved(governed, 0.99);
    g_assert_cmpint(governed->course.pace, ==, KT_KSM_REST);
}

/* A guest that starts fills its memory: ksmd waits until that is over, then compares all of it. */
static void
test_waits_for_guests_to_settle(void)
{
    g_autoptr(Governed) governed = governed_new();
    simulated_ksm_add_guest(governed->sim, 8192, 60);
    live(governed, 60);
    guint sweeps = governed->sweeps;

    for (guint i = 0; i < 4; i++) {
        simulated_ksm_add_guest(governed->sim, 2048, 60);
        governed->next_usec = governed->sim->now_usec;
        live(governed, 5);
        g_assert_cmpuint(governed->sweeps, ==, sweeps);
    }
    assert_reason(governed, "still filling their memory");
    live(governed, 20);

    g_assert_cmpuint(governed->sweeps, ==, sweeps + 1);
}

/* ... but not for ever. */
static void
test_guests_that_never_settle(void)
{
    g_autoptr(Governed) governed = governed_new();
    simulated_ksm_add_guest(governed->sim, 8192, 60);
    live(governed, 60);

    for (guint i = 0; i < 20; i++) {
        simulated_ksm_add_guest(governed->sim, 4096, 60);
        governed->next_usec = governed->sim->now_usec;
        live(governed, 5);
    }

    g_assert_cmpuint(governed->sweeps, >=, 2);
}

/* 4 % more memory is no reason to compare everything anew, unless memory is short. */
static void
test_short_of_memory(void)
{
    for (guint is_short = 0; is_short < 2; is_short++) {
        g_autoptr(Governed) governed = governed_new();
        simulated_ksm_add_guest(governed->sim, 40000, 20);
        simulated_ksm_add_guest(governed->sim, 40000, 20);
        live(governed, 60);
        guint sweeps = governed->sweeps;

        simulated_ksm_add_guest(governed->sim, 3000, 20);
        if (is_short)
            governed->available_kib = TOTAL_KIB / 10;
        live(governed, 45);

        g_assert_cmpuint(governed->sweeps - sweeps, ==, is_short);
        g_assert_true(governed->course.is_short == (is_short == 1));
    }
}

/* Between the two bounds it stays what it is. */
static void
test_shortage_has_two_bounds(void)
{
    g_autoptr(Governed) governed = governed_new();
    simulated_ksm_add_guest(governed->sim, 100, 0);
    static const struct {
        gint64 available_percent;
        double stalled;
        bool is_short;
    } steps[] = {{22, 0, false}, {19, 0, true}, {22, 0, true},  {26, 0, false},
                 {26, 12, true}, {26, 5, true}, {26, 1, false}, {26, -1, false}};
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        governed->available_kib = TOTAL_KIB / 100 * steps[i].available_percent;
        governed->stalled_percent = steps[i].stalled;
        look(governed);
        g_assert_true(governed->course.is_short == steps[i].is_short);
    }
}

/* What kernels before 6.6 don't tell isn't missed: neither pages_scanned nor general_profit, advisor,
 * smart_scan.
 */
static void
test_old_kernel(void)
{
    g_autoptr(Governed) governed = governed_new();
    governed->sim->tells_scanned = governed->sim->tells_profit = false;
    governed->sim->ksm.advisor_mode = NULL;
    governed->sim->ksm.smart_scan = KT_ABSENT;
    governed->wish.smart_scan = KT_ABSENT;
    for (guint i = 0; i < 4; i++)
        simulated_ksm_add_guest(governed->sim, 32768, 60);

    live(governed, 30);

    assert_saved(governed, 0.99);
    g_assert_cmpint(governed->course.pace, ==, KT_KSM_REST);
    g_assert_cmpint(governed->sim->ksm.smart_scan, ==, KT_ABSENT);
    g_assert_cmpfloat(governed->fastest, <=, 0.8);
    g_assert_cmpfloat(share_over(governed, 600), <, 0.01);
}

/* In a container ksmd can't be seen: sweeps end by what the counters say. */
static void
test_without_cpu_time(void)
{
    g_autoptr(Governed) governed = governed_new();
    governed->sim->tells_cpu = false;
    for (guint i = 0; i < 4; i++)
        simulated_ksm_add_guest(governed->sim, 16384, 60);

    live(governed, 30);

    assert_saved(governed, 0.99);
    g_assert_cmpint(governed->course.pace, ==, KT_KSM_REST);
    g_assert_cmpfloat(share_over(governed, 600), <, 0.01);
}

/* Whose memory it is isn't known: that guests have changed is reason enough, once. */
static void
test_hint(void)
{
    g_autoptr(Governed) governed = governed_new();
    governed->sim->tells_guests = false;
    for (guint i = 0; i < 4; i++)
        simulated_ksm_add_guest(governed->sim, 16384, 60);

    live(governed, 60);
    g_assert_cmpuint(governed->sweeps, ==, 0);
    governed->hint = true;
    live(governed, 60);

    g_assert_cmpuint(governed->sweeps, ==, 1);
    assert_saved(governed, 0.99);
    g_assert_cmpint(governed->course.pace, ==, KT_KSM_REST);
}

/* What resting ksmd merges by the way has more of its kind behind it. */
static void
test_found_by_the_way(void)
{
    g_autoptr(Governed) governed = governed_new();
    governed->sim->tells_guests = false;
    for (guint i = 0; i < 8; i++)
        simulated_ksm_add_guest(governed->sim, 8192, 90);

    live(governed, 600);

    g_assert_cmpuint(governed->sweeps, ==, 1);
    assert_saved(governed, 0.99);
}

/* QEMU's own memory is never marked: it isn't waited for, nor taken for memory that has come. */
static void
test_memory_that_is_never_known(void)
{
    g_autoptr(Governed) governed = governed_new();
    for (guint i = 0; i < 4; i++)
        simulated_ksm_add_guest(governed->sim, 8192, 60);
    governed->sim->own_pages = 8192;

    live(governed, 900);

    g_assert_cmpuint(governed->sweeps, ==, 1);
    assert_saved(governed, 0.99);
    g_assert_cmpint(governed->course.pace, ==, KT_KSM_REST);
}

static void
test_no_memory(void)
{
    g_autoptr(Governed) governed = governed_new();

    live(governed, 120);

    g_assert_cmpuint(governed->sweeps, ==, 0);
    assert_reason(governed, "no guest has memory that may be merged");
    g_assert_cmpint(governed->sim->ksm.run, ==, KT_KSM_ON);

    simulated_ksm_add_guest(governed->sim, 4096, 60);
    simulated_ksm_add_guest(governed->sim, 4096, 60);
    live(governed, 120);
    assert_saved(governed, 0.99);
}

/* The advisor would overwrite pages_to_scan; a kernel that has none is asked for none. */
static void
test_advisor_is_off(void)
{
    KtKsm ksm;
    KtKsmCourse course = {0};
    KtKsmWish wish = {KT_ABSENT, KT_ABSENT, KT_ABSENT};
    gint64 next;
    kt_ksm_init(&ksm);
    ksm.advisor_mode = (char *)KT_KSM_ADVISOR;
    KtKsmSight sight = {.now_usec = 1, .ksm = &ksm, .page_kib = 4, .guest_pages = 5000};

    g_assert_cmpstr(kt_ksm_govern(&course, &wish, &sight, &next).advisor_mode, ==, KT_KSM_NO_ADVISOR);
    ksm.advisor_mode = NULL;
    g_assert_null(kt_ksm_govern(&course, &wish, &sight, &next).advisor_mode);
}

/* Whatever happens: ksmd doesn't take more than it may, there are hardly more sweeps than events, and when
 * nothing happens any more it comes to rest. */
static void
test_random_lives(void)
{
    for (guint32 seed = 1; seed <= 20; seed++) {
        g_autoptr(Governed) governed = governed_new();
        g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
        guint events = (guint)g_rand_int_range(rand, 3, 12);
        governed->sim->page_usec = g_rand_double_range(rand, 0.5, 10);
        for (guint i = 0; i < events; i++) {
            guint n = governed->sim->pages->len;
            if (n == 0 || g_rand_boolean(rand))
                simulated_ksm_add_guest(governed->sim, (guint)g_rand_int_range(rand, 500, 8000),
                                        (guint)g_rand_int_range(rand, 0, 100));
            else
                for (guint k = n / 2; k < n; k += 3)
                    simulated_ksm_write(governed->sim, k, 0x3000000 + k % 100);
            governed->available_kib = g_rand_boolean(rand) ? TOTAL_KIB / 2 : TOTAL_KIB / 8;
            live(governed, g_rand_double_range(rand, 1, 400));
        }
        live(governed, 900);
        g_assert_cmpuint(governed->sweeps, <=, 2 * events + 1);
        g_assert_cmpfloat(governed->fastest, <=, 0.8);
        guint sweeps = governed->sweeps;
        g_assert_cmpfloat(share_over(governed, 1200), <, 0.025);
        g_assert_cmpuint(governed->sweeps, ==, sweeps);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ksm-governor/sweeps-and-rests", test_sweeps_and_rests);
    g_test_add_func("/ksm-governor/stays-at-rest", test_stays_at_rest);
    g_test_add_func("/ksm-governor/nothing-equal", test_nothing_equal);
    g_test_add_func("/ksm-governor/cautious-after-a-sweep-in-vain", test_cautious_after_a_sweep_in_vain);
    g_test_add_func("/ksm-governor/ceiling", test_ceiling);
    g_test_add_func("/ksm-governor/sleep-of-the-profile", test_sleep_of_the_profile);
    g_test_add_func("/ksm-governor/written-to", test_written_to);
    g_test_add_func("/ksm-governor/settling/waits", test_waits_for_guests_to_settle);
    g_test_add_func("/ksm-governor/settling/never", test_guests_that_never_settle);
    g_test_add_func("/ksm-governor/short-of-memory", test_short_of_memory);
    g_test_add_func("/ksm-governor/shortage-has-two-bounds", test_shortage_has_two_bounds);
    g_test_add_func("/ksm-governor/old-kernel", test_old_kernel);
    g_test_add_func("/ksm-governor/without-cpu-time", test_without_cpu_time);
    g_test_add_func("/ksm-governor/hint", test_hint);
    g_test_add_func("/ksm-governor/found-by-the-way", test_found_by_the_way);
    g_test_add_func("/ksm-governor/memory-that-is-never-known", test_memory_that_is_never_known);
    g_test_add_func("/ksm-governor/no-memory", test_no_memory);
    g_test_add_func("/ksm-governor/advisor-is-off", test_advisor_is_off);
    g_test_add_func("/ksm-governor/random-lives", test_random_lives);
    return g_test_run();
}
