/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/scene.h"
#include "tuners/seats.h"

#define HOUR_NS G_GINT64_CONSTANT(3600000000000)

/* Each of its vCPUs has run and waited so long. */
static void
set_times(KtDomain *domain, gint64 age_ns, gint64 time_ns, gint64 delay_ns)
{
    domain->age_ns = age_ns;
    for (guint i = 0; i < domain->vcpus->len; i++) {
        KtVcpu *vcpu = domain->vcpus->pdata[i];
        vcpu->time_ns = time_ns;
        vcpu->delay_ns = delay_ns;
    }
}

static void
test_measured(void)
{
    static const struct {
        double age, time, delay; /* hours; negative = unknown */
        double load;
    } cases[] = {
        {1000, 300, 0, 0.3},   /* what it used */
        {1000, 300, 400, 0.7}, /* and what it waited for */
        {1000, 300, -1, 0.3},  /* a kernel that doesn't say how long */
        {1000, 0.001, 0, 0.1}, /* at rest */
        {1000, 999, 800, 1},   /* no vCPU does more than a CPU's work */
        {-1, 300, 0, 1},       /* unknown since when */
        {1000, -1, -1, 1},     /* unknown how much */
        {1.0 / 60, 0, 0, 0.9}, /* a guest that has just booted may not yet do what it is for */
        {1.0 / 3, 0, 0, 0.3},  /* after twenty minutes that says more */
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scene) scene = scene_new("core:4 pu:1");
        KtDomain *domain = scene_add_guest(scene, "g", 2, "", "");
        set_times(domain, cases[i].age < 0 ? KT_ABSENT : (gint64)(cases[i].age * HOUR_NS),
                  cases[i].time < 0 ? KT_ABSENT : (gint64)(cases[i].time * HOUR_NS),
                  cases[i].delay < 0 ? KT_ABSENT : (gint64)(cases[i].delay * HOUR_NS));
        g_assert_cmpfloat_with_epsilon(kt_seats_load(domain), cases[i].load, 1e-12);
    }
}

/* What was watched in the last minutes counts alone. */
static void
test_watched(void)
{
    static const struct {
        double recent, load;
    } cases[] = {{0, 0.3}, {0.001, 0.1}, {0.84, 0.8}, {1.7, 1}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scene) scene = scene_new("core:4 pu:1");
        KtDomain *domain = scene_add_guest(scene, "g", 2, "", "");
        set_times(domain, 1000 * HOUR_NS, 300 * HOUR_NS, 0);
        domain->recent_load = cases[i].recent;
        g_assert_cmpfloat_with_epsilon(kt_seats_load(domain), cases[i].load, 1e-12);
    }
}

static void
test_mean_of_those_online(void)
{
    g_autoptr(Scene) scene = scene_new("core:4 pu:1");
    KtDomain *domain = scene_add_guest(scene, "g", 3, "", "");
    set_times(domain, 1000 * HOUR_NS, 800 * HOUR_NS, 0);
    ((KtVcpu *)domain->vcpus->pdata[1])->time_ns = 0;
    ((KtVcpu *)domain->vcpus->pdata[2])->online = false;
    ((KtVcpu *)domain->vcpus->pdata[2])->time_ns = KT_ABSENT;
    g_assert_cmpfloat_with_epsilon(kt_seats_load(domain), 0.4, 1e-12);
}

static char *
set_of(const Scene *scene, guint domain)
{
    return kt_cpuset_format(scene->plan->placement->seats[domain].vcpus[0]);
}

static void
test_busy_guest_apart(void)
{
    /* Given a busy guest and three at rest, as big as it is, on two L3s. */
    g_autoptr(Scene) scene = scene_new("l3:2 core:2 pu:1");
    for (guint i = 0; i < 4; i++) {
        g_autofree char *name = g_strdup_printf("g%u", i);
        set_times(scene_add_guest(scene, name, 2, "", ""), 1000 * HOUR_NS, i == 0 ? 900 * HOUR_NS : 0, 0);
    }

    scene_plan(scene, "[domain *]\ncpu.placement = shared-cache\n");

    /* Then it has an L3 for itself. */
    g_autofree char *busy = set_of(scene, 0);
    for (guint i = 1; i < 4; i++) {
        g_autofree char *resting = set_of(scene, i);
        g_assert_cmpstr(resting, !=, busy);
    }
    g_assert_cmpfloat_with_epsilon(scene->plan->problem->domains[0].vcpus[0].load, 0.9, 1e-12);
}

static void
test_own_cpus_are_taken(void)
{
    g_autoptr(Scene) scene = scene_new("l3:2 core:2 pu:1");
    set_times(scene_add_guest(scene, "db", 2, "", ""), 1000 * HOUR_NS, 0, 0);
    scene_plan(scene, "[domain *]\ncpu.placement = shared-cache\ncpu.exclusive = yes\n");
    g_assert_cmpfloat(scene->plan->problem->domains[0].vcpus[0].load, ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/seats-load/watched", test_watched);
    g_test_add_func("/seats-load/measured", test_measured);
    g_test_add_func("/seats-load/mean-of-those-online", test_mean_of_those_online);
    g_test_add_func("/seats-load/busy-guest-apart", test_busy_guest_apart);
    g_test_add_func("/seats-load/own-cpus-are-taken", test_own_cpus_are_taken);
    return g_test_run();
}
