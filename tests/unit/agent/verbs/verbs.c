/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/verb.h"

#include <fcntl.h>
#include <libvirt/virterror.h>
#include <unistd.h>

#include "agent/view/json.h"
#include "tests/unit/fake_root.h"

/* Verbs as the user starts them: against libvirt's test driver, or a capture. */

#define UNPLACED "[host]\nthp.enabled = madvise\n"
/* The test driver has one domain with two vCPUs. */
#define STAGED "[domain test]\ndisk.cache = writeback\n"

typedef struct {
    FakeHost *fake; /* a directory for all of it */
    KtOptions options;
    char *arguments[3];
    char *profile;
} Desk;

static void
ignore_message(void *data, virErrorPtr error)
{
    (void)data, (void)error;
}

/* GLib's own for tests writes to stdout, in between the JSON. */
static void
ignore_log(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
    (void)domain, (void)level, (void)message, (void)data;
}

static Desk *
desk_new(const char *profile)
{
    Desk *desk = g_new0(Desk, 1);
    desk->fake = fake_host_new((const FakeFile[]){{"x.conf", profile}, {NULL, NULL}});
    desk->profile = g_build_filename(desk->fake->directory, "x.conf", NULL);
    desk->arguments[0] = desk->profile;
    desk->options = (KtOptions){
        .uri = (char *)"test:///default",
        .state_dir = g_build_filename(desk->fake->directory, "state", NULL),
        .json = TRUE,
        .yes = TRUE,
        .style = {.width = 80},
        .arguments = desk->arguments,
    };
    return desk;
}

static void
desk_free(Desk *desk)
{
    g_free(desk->options.state_dir);
    g_free(desk->options.capture);
    g_free(desk->profile);
    fake_host_free(desk->fake);
    g_free(desk);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Desk, desk_free)

/* A capture of two CPUs that has THP. */
static void
desk_capture(Desk *desk)
{
    hwloc_topology_t topology;
    char *xml;
    int length;
    hwloc_topology_init(&topology);
    hwloc_topology_set_synthetic(topology, "core:2 pu:1");
    hwloc_topology_load(topology);
    hwloc_topology_export_xmlbuffer(topology, &xml, &length, 0);
    fake_host_write(desk->fake, "capture/topology.xml", xml);
    hwloc_free_xmlbuffer(topology, xml);
    hwloc_topology_destroy(topology);
    fake_host_write(desk->fake, "capture/sys/kernel/mm/transparent_hugepage/enabled",
                    "[always] madvise never\n");
    fake_host_write(desk->fake, "capture/host.json", "{\"uri\": \"qemu:///system\"}");
    desk->options.capture = g_build_filename(desk->fake->directory, "capture", NULL);
    desk->options.uri = NULL;
}

/* Runs the verb with stdout in a file: what it printed, as JSON, or NULL where it isn't. */
static json_t *
run(Desk *desk, KtExit (*verb)(const KtOptions *), KtExit expected)
{
    g_autofree char *path = g_build_filename(desk->fake->directory, "stdout", NULL);
    fflush(stdout);
    int terminal = dup(STDOUT_FILENO);
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(file, STDOUT_FILENO);
    KtExit exit = verb(&desk->options);
    dup2(terminal, STDOUT_FILENO);
    close(file);
    close(terminal);
    g_assert_cmpint(exit, ==, expected);
    return json_load_file(path, 0, NULL);
}

static gint64
run_number(json_t *json)
{
    return json_integer_value(json_object_get(json, "run"));
}

static void
test_plan_says_what_differs(void)
{
    g_autoptr(Desk) desk = desk_new(UNPLACED);
    desk_capture(desk);
    g_autoptr(json_t) plan = run(desk, kt_verb_plan, KT_EXIT_DIFFERS);
    g_assert_cmpuint(json_array_size(json_object_get(plan, "actions")), ==, 1);
    g_autoptr(json_t) drift = run(desk, kt_verb_verify, KT_EXIT_DIFFERS);
    g_assert_cmpuint(json_array_size(json_object_get(drift, "drift")), ==, 1);

    fake_host_write(desk->fake, "capture/sys/kernel/mm/transparent_hugepage/enabled",
                    "always [madvise] never\n");
    g_autoptr(json_t) second = run(desk, kt_verb_plan, KT_EXIT_DONE);
    g_assert_cmpuint(json_array_size(json_object_get(second, "actions")), ==, 0);
    g_autoptr(json_t) no_drift = run(desk, kt_verb_verify, KT_EXIT_DONE);
    g_assert_nonnull(no_drift);
}

static void
test_refusals_alone_are_no_difference(void)
{
    /* given a test driver: its host's settings aren't ours to set */
    g_autoptr(Desk) desk = desk_new(UNPLACED);
    g_autoptr(json_t) plan = run(desk, kt_verb_plan, KT_EXIT_DONE);
    g_assert_cmpuint(json_array_size(json_object_get(plan, "refused")), ==, 1);
}

static void
test_bad_profile_has_places(void)
{
    g_autoptr(Desk) desk = desk_new("[host]\nthp.enbled = madvise\n[nonsense]\n");
    g_autoptr(json_t) json = run(desk, kt_verb_plan, KT_EXIT_ERROR);
    json_t *errors = json_object_get(json, "errors");
    g_assert_cmpuint(json_array_size(errors), ==, 2);
    json_t *first = json_array_get(errors, 0);
    g_assert_cmpstr(json_string_value(json_object_get(first, "file")), ==, desk->profile);
    g_assert_cmpint(json_integer_value(json_object_get(first, "line")), ==, 2);
    g_assert_cmpint(json_integer_value(json_object_get(first, "column")), ==, 1);
    g_assert_cmpstr(json_string_value(json_object_get(first, "suggestion")), ==, "thp.enabled");
}

static void
test_no_hypervisor(void)
{
    g_autoptr(Desk) desk = desk_new(UNPLACED);
    desk->options.uri = (char *)"test:///no/such/file.xml";
    g_autoptr(json_t) plan = run(desk, kt_verb_plan, KT_EXIT_ERROR);
    json_t *error = json_array_get(json_object_get(plan, "errors"), 0);
    g_assert_true(json_is_null(json_object_get(error, "file")));
    g_assert_nonnull(strstr(json_string_value(json_object_get(error, "message")), "doesn't answer"));
    /* The host is shown all the same. */
    desk->arguments[0] = NULL;
    g_autoptr(json_t) status = run(desk, kt_verb_status, KT_EXIT_ERROR);
    g_assert_true(json_is_object(json_object_get(status, "host")));
    g_assert_true(json_is_string(json_object_get(json_object_get(status, "hypervisor"), "error")));
    g_autoptr(json_t) check = run(desk, kt_verb_check, KT_EXIT_DIFFERS);
    g_assert_cmpuint(json_array_size(json_object_get(check, "findings")), >, 4);
}

static void
test_unknown_domain(void)
{
    g_autoptr(Desk) desk = desk_new(STAGED);
    desk->options.domains = (char *[]){(char *)"te*", (char *)"tset", NULL};
    g_autoptr(json_t) plan = run(desk, kt_verb_plan, KT_EXIT_ERROR);
    g_assert_nonnull(strstr(
        json_string_value(json_object_get(json_array_get(json_object_get(plan, "errors"), 0), "message")),
        "did you mean 'test'?"));
    desk->arguments[0] = (char *)"nosuch";
    g_autoptr(json_t) status = run(desk, kt_verb_status, KT_EXIT_ERROR);
    g_assert_nonnull(json_object_get(status, "errors"));
}

static void
test_apply_then_rollback(void)
{
    g_autoptr(Desk) desk = desk_new(STAGED);
    /* The test driver's domains live as long as a connection. */
    virConnectPtr keep = virConnectOpen("test:///default");
    g_autoptr(json_t) applied = run(desk, kt_verb_apply, KT_EXIT_DONE);
    g_assert_cmpint(run_number(applied), ==, 1);
    json_t *action = json_array_get(json_object_get(applied, "actions"), 0);
    g_assert_cmpstr(json_string_value(json_object_get(action, "result")), ==, "done");

    g_autoptr(json_t) again = run(desk, kt_verb_apply, KT_EXIT_DONE);
    g_assert_true(json_is_null(json_object_get(again, "run")));
    g_autoptr(json_t) drift = run(desk, kt_verb_verify, KT_EXIT_DONE);
    g_assert_cmpuint(json_array_size(json_object_get(drift, "pending")), ==, 1);

    desk->arguments[0] = NULL;
    g_autoptr(json_t) undone = run(desk, kt_verb_rollback, KT_EXIT_DONE);
    g_assert_cmpint(run_number(undone), ==, 2);
    g_autoptr(json_t) history = run(desk, kt_verb_history, KT_EXIT_DONE);
    json_t *first = json_array_get(json_object_get(history, "runs"), 1);
    g_assert_cmpstr(json_string_value(json_object_get(first, "state")), ==, "undone");
    g_autoptr(json_t) nothing = run(desk, kt_verb_rollback, KT_EXIT_DONE);
    g_assert_true(json_is_null(json_object_get(nothing, "run")));
    virConnectClose(keep);
}

static void
test_rollback_of_nothing_leaves_nothing(void)
{
    g_autoptr(Desk) desk = desk_new(STAGED);
    desk->arguments[0] = NULL;
    g_autoptr(json_t) nothing = run(desk, kt_verb_rollback, KT_EXIT_DONE);
    g_assert_true(json_is_null(json_object_get(nothing, "run")));
    g_assert_false(g_file_test(desk->options.state_dir, G_FILE_TEST_EXISTS));
}

static void
test_rollback_of_wrong_runs(void)
{
    g_autoptr(Desk) desk = desk_new(STAGED);
    static const char *const wrong[] = {"0", "-1", "x", "77", "1x"};
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        desk->arguments[0] = (char *)wrong[i];
        g_autoptr(json_t) json = run(desk, kt_verb_rollback, KT_EXIT_ERROR);
        g_assert_nonnull(json_object_get(json, "errors"));
    }
    desk->arguments[0] = (char *)"1";
    desk->options.all = TRUE;
    g_autoptr(json_t) both = run(desk, kt_verb_rollback, KT_EXIT_ERROR);
    g_assert_nonnull(both);
}

static void
test_nobody_to_ask(void)
{
    g_autoptr(Desk) desk = desk_new(STAGED);
    desk->options.yes = FALSE;
    int before = dup(STDIN_FILENO);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    g_autoptr(json_t) json = run(desk, kt_verb_apply, KT_EXIT_REFUSED);
    dup2(before, STDIN_FILENO);
    close(before);
    close(null);
    g_assert_nonnull(json_object_get(json, "errors"));
    /* Nothing was begun. */
    desk->arguments[0] = NULL;
    g_autoptr(json_t) history = run(desk, kt_verb_history, KT_EXIT_DONE);
    g_assert_cmpuint(json_array_size(json_object_get(history, "runs")), ==, 0);
}

static void
test_lock_is_held(void)
{
    g_autoptr(Desk) desk = desk_new(STAGED);
    g_autoptr(KtJournal) holder = kt_journal_open(desk->options.state_dir, KT_JOURNAL_WRITE, NULL);
    g_assert_nonnull(holder);
    g_autoptr(json_t) json = run(desk, kt_verb_apply, KT_EXIT_REFUSED);
    g_assert_nonnull(json_object_get(json, "errors"));
    desk->arguments[0] = NULL;
    g_autoptr(json_t) rollback = run(desk, kt_verb_rollback, KT_EXIT_REFUSED);
    g_assert_nonnull(rollback);
    /* Looking is always allowed. */
    g_autoptr(json_t) history = run(desk, kt_verb_history, KT_EXIT_DONE);
    g_assert_nonnull(history);
}

static void
test_profile(void)
{
    g_autoptr(Desk) desk =
        desk_new("[profile]\nsummary = S\n[host]\nthp.enabled = never\nthp.defrag = madvise\n"
                 "[host]\nthp.enabled = madvise\nthp.defrag = keep\n[domain a]\npriority = 1\n");
    desk->arguments[1] = desk->profile;
    desk->arguments[0] = (char *)"show";
    g_autoptr(json_t) shown = run(desk, kt_verb_profile, KT_EXIT_DONE);
    /* The last one counts, and what is un-named is gone. */
    json_t *host = json_object_get(shown, "host");
    g_assert_cmpuint(json_array_size(host), ==, 1);
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(host, 0), "value")), ==, "madvise");
    desk->arguments[0] = (char *)"check";
    g_autoptr(json_t) checked = run(desk, kt_verb_profile, KT_EXIT_DONE);
    g_assert_nonnull(checked);
    desk->arguments[0] = (char *)"shwo";
    g_autoptr(json_t) wrong = run(desk, kt_verb_profile, KT_EXIT_ERROR);
    g_assert_nonnull(json_object_get(wrong, "errors"));
    desk->arguments[0] = (char *)"list";
    desk->arguments[1] = NULL;
    g_autoptr(json_t) list = run(desk, kt_verb_profile, KT_EXIT_DONE);
    g_assert_true(json_is_array(json_object_get(list, "profiles")));
}

static void
test_capture_plans_alike(void)
{
    g_autoptr(Desk) desk = desk_new(STAGED);
    g_autoptr(json_t) live = run(desk, kt_verb_plan, KT_EXIT_DIFFERS);
    g_autofree char *directory = g_build_filename(desk->fake->directory, "saved", NULL);
    desk->arguments[0] = directory;
    g_autoptr(json_t) saved = run(desk, kt_verb_capture, KT_EXIT_DONE);
    g_assert_nonnull(saved);
    /* It must be new or empty. */
    g_autoptr(json_t) twice = run(desk, kt_verb_capture, KT_EXIT_ERROR);
    g_assert_nonnull(json_object_get(twice, "errors"));

    desk->arguments[0] = desk->profile;
    desk->options.capture = g_strdup(directory);
    g_autoptr(json_t) elsewhere = run(desk, kt_verb_plan, KT_EXIT_DIFFERS);

    g_assert_true(json_equal(json_object_get(live, "actions"), json_object_get(elsewhere, "actions")));
}

static void
test_full_disk_is_an_error(void)
{
    g_autoptr(Desk) desk = desk_new(UNPLACED);
    desk_capture(desk);
    fflush(stdout);
    int terminal = dup(STDOUT_FILENO);
    int full = open("/dev/full", O_WRONLY);
    dup2(full, STDOUT_FILENO);
    KtExit exit = kt_verb_plan(&desk->options);
    dup2(terminal, STDOUT_FILENO);
    close(full);
    close(terminal);
    clearerr(stdout);
    g_assert_cmpint(exit, ==, KT_EXIT_ERROR);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    virSetErrorFunc(NULL, ignore_message);
    g_log_set_default_handler(ignore_log, NULL);
    g_test_add_func("/verbs/plan", test_plan_says_what_differs);
    g_test_add_func("/verbs/refusals", test_refusals_alone_are_no_difference);
    g_test_add_func("/verbs/bad-profile", test_bad_profile_has_places);
    g_test_add_func("/verbs/no-hypervisor", test_no_hypervisor);
    g_test_add_func("/verbs/unknown-domain", test_unknown_domain);
    g_test_add_func("/verbs/apply-rollback", test_apply_then_rollback);
    g_test_add_func("/verbs/rollback-nothing", test_rollback_of_nothing_leaves_nothing);
    g_test_add_func("/verbs/wrong-runs", test_rollback_of_wrong_runs);
    g_test_add_func("/verbs/nobody-to-ask", test_nobody_to_ask);
    g_test_add_func("/verbs/lock", test_lock_is_held);
    g_test_add_func("/verbs/profile", test_profile);
    g_test_add_func("/verbs/capture", test_capture_plans_alike);
    g_test_add_func("/verbs/full-disk", test_full_disk_is_an_error);
    return g_test_run();
}
