/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/migration.h"

#define N_REASONS 4

/* As in a plan; the reason comes last. */
typedef KtMigrationReason Reason;

static KtDomainPlan
planned_with(const Reason *reasons)
{
    KtDomainPlan planned = {.migration =
                                g_ptr_array_new_with_free_func((GDestroyNotify)kt_migration_reason_free)};
    for (guint i = 0; i < N_REASONS && reasons[i].reason; i++) {
        KtMigrationReason *reason = g_memdup2(&reasons[i], sizeof reasons[i]);
        reason->reason = g_strdup(reasons[i].reason);
        g_ptr_array_add(planned.migration, reason);
    }
    return planned;
}

/* clang-format off */
#define STOPS(when, text) {KT_MIGRATION_STOPS, KT_MIGRATION_##when, false, (char *)text}
#define NEEDS(when, text) {KT_MIGRATION_NEEDS, KT_MIGRATION_##when, false, (char *)text}
#define PLANNED(when, text) {KT_MIGRATION_NEEDS, KT_MIGRATION_##when, true, (char *)text}

static const struct {
    Reason reasons[N_REASONS];
    bool all;
    const char *text;
} cases[] = {
    {{{0}}, true, "yes"},
    {{{0}}, false, "yes"},
    {{NEEDS(ALWAYS, "CPUs 1")}, false, "yes, where the destination has what it needs"},
    {{PLANNED(ALWAYS, "CPUs 1")}, false, "yes; the destination needs: CPUs 1"},
    {{PLANNED(ALWAYS, "CPUs 1"), NEEDS(ALWAYS, "x")}, false,
     "yes, where the destination has what it needs; now also CPUs 1"},
    {{NEEDS(ALWAYS, "CPUs 1"), NEEDS(ALWAYS, "x")}, true, "yes; the destination needs: CPUs 1; x"},
    {{STOPS(ALWAYS, "A"), STOPS(ALWAYS, "B")}, false, "no: A; B"},
    {{STOPS(ALWAYS, "A"), NEEDS(ALWAYS, "x")}, false, "no: A"},
    {{STOPS(UNTIL_NEXT_BOOT, "A")}, false, "only from its next power-on; until then A"},
    {{STOPS(UNTIL_NEXT_BOOT, "A"), STOPS(ALWAYS, "B")}, false, "no: B; and until its next power-on: A"},
    {{STOPS(FROM_NEXT_BOOT, "A")}, false, "yes, but from its next power-on no more: A"},
    {{STOPS(ALWAYS, "A"), STOPS(FROM_NEXT_BOOT, "B")}, false, "no: A; and from its next power-on: B"},
    {{STOPS(UNTIL_NEXT_BOOT, "A"), STOPS(FROM_NEXT_BOOT, "B")}, false,
     "no: until its next power-on A; and from its next power-on: B"},
    {{NEEDS(FROM_NEXT_BOOT, "io_uring")}, false, "yes; from its next power-on the destination needs: io_uring"},
    {{NEEDS(UNTIL_NEXT_BOOT, "x")}, true, "yes; the destination needs, until its next power-on: x"},
};
/* clang-format on */

static void
test_text(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        KtDomainPlan planned = planned_with(cases[i].reasons);

        g_autofree char *text = kt_migration_text(&planned, cases[i].all);

        g_assert_cmpstr(text, ==, cases[i].text);
        g_ptr_array_unref(planned.migration);
    }
}

static void
test_json(void)
{
    static const Reason reasons[N_REASONS] = {STOPS(ALWAYS, "A"), NEEDS(FROM_NEXT_BOOT, "B")};
    KtDomainPlan planned = planned_with(reasons);

    g_autoptr(json_t) json = kt_migration_json(&planned);

    char *text = json_dumps(json, JSON_COMPACT);
    g_assert_cmpstr(text, ==,
                    "[{\"weight\":\"stops\",\"when\":\"always\",\"planned\":false,\"reason\":\"A\"},"
                    "{\"weight\":\"needs\",\"when\":\"from-next-boot\",\"planned\":false,\"reason\":\"B\"}]");
    free(text);
    g_ptr_array_unref(planned.migration);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/migration-view/text", test_text);
    g_test_add_func("/migration-view/json", test_json);
    return g_test_run();
}
