/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/manual.h"

#include <string.h>

#include "tests/unit/tuners/scene.h"

static const KtStyle style = {.color = false, .utf8 = true, .width = 100};

#define UUID "00000000-0000-0000-0000-000000000001"

/* A daemon whose last look is @last, as text of JSON. */
static char *
view_of(const KtSnapshot *snapshot, const char *last, const GPtrArray *manual, char *const *names)
{
    json_error_t mistake;
    g_autofree char *text =
        g_strdup_printf("{\"profile\": \"x.conf\", \"since\": 0, \"busy\": false, \"last\": %s}", last);
    json_t *daemon = json_loads(text, 0, &mistake);
    g_assert_nonnull(daemon);
    const KtKept kept = {daemon, manual, snapshot};
    GString *out = g_string_new(NULL);
    kt_view_kept(out, &style, &kept, names);
    json_decref(daemon);
    return g_string_free(out, FALSE);
}

static char *
view(const char *last, const GPtrArray *manual, char *const *names)
{
    return view_of(NULL, last, manual, names);
}

/* Whether it is there, however it is wrapped. */
static bool
says(const char *text, const char *words)
{
    g_auto(GStrv) parts = g_strsplit_set(text, " \n", -1);
    g_autoptr(GString) line = g_string_new(NULL);
    for (guint i = 0; parts[i]; i++)
        if (*parts[i])
            g_string_append_printf(line, "%s%s", line->len > 0 ? " " : "", parts[i]);
    return strstr(line->str, words) != NULL;
}

#define LOOK(result, message, counts)                                                                        \
    "{\"result\": \"" result "\", \"message\": " message ", \"why\": \"started; 1 domain\", \"began\": 0, "  \
    "\"run\": null, " counts "}"
#define COUNTS(changes, refused, pending, manual)                                                            \
    "\"changes\": " #changes ", \"refused\": " #refused ", \"pending\": " #pending ", \"manual\": " #manual

static void
test_done(void)
{
    g_autofree char *quiet = view(LOOK("done", "null", COUNTS(0, 0, 0, 0)), NULL, NULL);
    g_autofree char *busy = view(LOOK("done", "null", COUNTS(1, 1, 2, 3)), NULL, NULL);
    g_assert_true(g_str_has_suffix(quiet, "(started; 1 domain): done\n"));
    g_assert_true(says(
        busy, "(started; 1 domain): done; 1 change; 1 refused; 2 values wait for a power cycle; 3 manual"));
}

static void
test_in_the_way(void)
{
    g_autofree char *gone = view(LOOK("no-hypervisor", "\"cannot connect\"", COUNTS(0, 0, 0, 0)), NULL, NULL);
    g_autofree char *locked = view(LOOK("locked", "\"held by apply\"", COUNTS(0, 0, 0, 0)), NULL, NULL);
    g_autofree char *failed = view(LOOK("failed", "\"disk full\"", COUNTS(0, 0, 0, 0)), NULL, NULL);
    g_assert_true(says(gone, "domain): cannot connect; guests stay as they are, and it is tried again"));
    g_assert_true(says(locked, "domain): waits for another kvm-tune: held by apply"));
    g_assert_true(says(failed, "domain): failed: disk full; it is tried again"));
}

#define REFUSAL(name, reason)                                                                                \
    "{\"target\": \"domain:" name "\", \"setting\": \"cpu.emulator\", \"item\": \"emulator\", "              \
    "\"reason\": \"" reason "\", \"source\": \"x.conf:3:1\"}"

/* Who is asked about, and no more of them than a page holds. */
static void
test_refused(void)
{
    static const char two[] = LOOK(
        "done", "null",
        COUNTS(0, 2, 0, 0) ", \"refusals\": [" REFUSAL("a", "no CPU 64") ", " REFUSAL("b", "no CPU 65") "]");
    static const char *const names[] = {"b", NULL};
    static const char *const uuids[] = {UUID, NULL};
    g_autoptr(Scene) scene = scene_new("core:1 pu:1");
    g_autofree char *all = view(two, NULL, NULL);
    g_autofree char *one = view(two, NULL, (char *const *)names);
    g_assert_true(says(all, "refused a: cpu.emulator emulator: no CPU 64 (x.conf:3:1) b: cpu.emulator"));
    g_assert_false(says(one, "a: cpu.emulator"));
    g_assert_true(says(one, "refused b: cpu.emulator emulator: no CPU 65 (x.conf:3:1)"));

    scene_add_guest(scene, "b", 1, "", "");
    KtDomain *domain = scene->snapshot->domains->pdata[0];
    g_free(domain->uuid);
    domain->uuid = g_strdup(UUID);
    g_autofree char *by_uuid = view_of(scene->snapshot, two, NULL, (char *const *)uuids);
    g_assert_cmpstr(by_uuid, ==, one);

    g_autoptr(GString) many = g_string_new(NULL);
    for (guint i = 0; i < 12; i++)
        g_string_append_printf(many, "%s%s", i > 0 ? ", " : "", REFUSAL("a", "no CPU"));
    g_autofree char *last = g_strdup_printf("{\"result\": \"done\", \"refusals\": [%s]}", many->str);
    g_autofree char *page = view(last, NULL, NULL);
    g_assert_true(says(page, "and 2 more: 'kvm-tune status --json' shows them"));
}

/* Nobody has to make sense of "-19 MiB saved". */
static void
test_governor(void)
{
    static const struct {
        double saved;
        const char *words;
    } cases[] = {
        {0, "KSM active: ksmd rests; ksmd takes 1.50 % of a CPU"},
        {-19, "; its bookkeeping takes 19 MiB more than it saves; ksmd takes"},
        {210, "; 210 MiB saved; ksmd takes 1.50 % of a CPU, 42 MiB a CPU-second"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        json_t *daemon =
            json_pack("{s:s, s:i, s:n, s:{s:s, s:s, s:f, s:f, s:f}}", "profile", "x.conf", "since", 0, "last",
                      "governor", "state", "active", "reason", "ksmd rests", "saved_mib", cases[i].saved,
                      "ksmd_percent", 1.5, "mib_a_cpu_second", cases[i].saved / 5);
        const KtKept kept = {.daemon = daemon};
        g_autoptr(GString) out = g_string_new(NULL);
        kt_view_kept(out, &style, &kept, NULL);
        json_decref(daemon);
        g_assert_true(says(out->str, cases[i].words));
    }
}

static void
test_marks(void)
{
    KtManual mark = {.domain_uuid = (char *)"u",
                     .domain_name = (char *)"a",
                     .setting = (char *)"cpu.emulator",
                     .item = (char *)"emulator",
                     .left = (char *)"0",
                     .found = (char *)"1"};
    g_autoptr(GPtrArray) manual = g_ptr_array_new();
    g_ptr_array_add(manual, &mark);
    const KtKept kept = {.manual = manual};
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_kept(out, &style, &kept, NULL);
    g_assert_true(says(out->str, "manual a: cpu.emulator emulator: changed from '0' to '1', seen"));
    g_assert_true(says(out->str, "gives back what is manual"));

    mark.released = true;
    g_string_truncate(out, 0);
    kt_view_kept(out, &style, &kept, NULL);
    g_assert_cmpstr(out->str, ==, "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/manual-view/done", test_done);
    g_test_add_func("/manual-view/in-the-way", test_in_the_way);
    g_test_add_func("/manual-view/refused", test_refused);
    g_test_add_func("/manual-view/governor", test_governor);
    g_test_add_func("/manual-view/marks", test_marks);
    return g_test_run();
}
