/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/following.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/exec/page_journey.h"
#include "probes/qemu_process.h"
#include "tests/unit/agent/daemon/told.h"
#include "tests/unit/agent/exec/page_child.h"
#include "tests/unit/fake_root.h"

#define UUID "00000000-0000-0000-0000-000000000001"

/** Someone whose memory follows, and who is told of it. */
typedef struct {
    FakeHost *host;
    KtRoot *root;
    char *state;
    GMutex journal;
    KtFollowing *following;
    guint n_seen;
    char *seen;
} Scene;

static void
on_seen(const char *uuid, KtEvent event, const char *words, gpointer data)
{
    Scene *scene = data;
    g_assert_cmpint(event, ==, KT_EVENT_MEMORY_MOVED);
    g_assert_null(words);
    g_free(scene->seen);
    scene->seen = g_strdup(uuid);
    scene->n_seen++;
}

static Scene *
scene_new(void)
{
    Scene *scene = g_new0(Scene, 1);
    scene->host = fake_host_new(NULL);
    scene->root = kt_root_open("/", NULL);
    scene->state = g_build_filename(scene->host->directory, "state", NULL);
    g_mutex_init(&scene->journal);
    scene->following = kt_following_new(scene->root, scene->state, &scene->journal, on_seen, scene);
    return scene;
}

static void
scene_free(Scene *scene)
{
    kt_following_free(scene->following);
    g_mutex_clear(&scene->journal);
    kt_root_free(scene->root);
    fake_host_free(scene->host);
    g_free(scene->state);
    g_free(scene->seen);
    g_free(scene);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scene, scene_free)

/* A wish that the memory of @process goes to @node. */
static GPtrArray *
wish(const char *process, guint node)
{
    GPtrArray *steps = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journal_step_free);
    KtJournalStep *step = kt_journal_step_new(KT_STEP_PAGES);
    KtJournalAction *action = g_new0(KtJournalAction, 1);
    step->domain_name = g_strdup("a");
    step->domain_uuid = g_strdup(UUID);
    step->process = g_strdup(process);
    action->setting = g_strdup("memory.numa");
    action->item = g_strdup("pages");
    action->from = g_strdup("9");
    action->to = g_strdup_printf("%u", node);
    action->when = g_strdup("now");
    action->risk = g_strdup("low");
    action->reason = g_strdup("a reason");
    action->source = g_strdup("x.conf:1:1");
    g_ptr_array_add(step->actions, action);
    g_ptr_array_add(steps, step);
    return steps;
}

static GPtrArray *
nobody(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)kt_followed_free);
}

static void
tell(Scene *scene, GPtrArray *steps)
{
    kt_following_tell(scene->following, "x.conf", steps, nobody(), "started");
}

/* Waits until that guest is in @state; what there is to tell of it then. */
static KtFollowed *
await(Scene *scene, KtFollowingState state)
{
    for (;;) {
        g_autoptr(GPtrArray) figures = kt_following_figures(scene->following);
        const KtFollowed *first = figures->len > 0 ? figures->pdata[0] : NULL;
        if (first && first->state == state)
            return g_ptr_array_steal_index(figures, 0);
        g_usleep(1000);
    }
}

static void
await_seen(const Scene *scene, guint n)
{
    while (scene->n_seen < n)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpstr(scene->seen, ==, UUID);
}

/* How the newest run's step ended. */
static KtResult
newest_result(const Scene *scene, guint *ret_runs)
{
    for (;;) {
        g_autoptr(GError) error = NULL;
        g_autoptr(KtJournal) journal = kt_journal_open(scene->state, KT_JOURNAL_READ, &error);
        g_autoptr(GPtrArray) runs = kt_journal_runs(journal, &error);
        g_assert_no_error(error);
        const KtJournalRun *newest = runs->pdata[0];
        g_autoptr(KtJournalRun) run = kt_journal_run(journal, newest->id, &error);
        const KtJournalStep *step = run->steps->pdata[0];
        *ret_runs = runs->len;
        if (step->result != KT_RESULT_BEGUN)
            return step->result;
        g_usleep(1000);
    }
}

static guint
first_node(void)
{
    g_autoptr(GArray) nodes = nodes_with_room();
    return nodes->len > 0 ? g_array_index(nodes, guint, 0) : 0;
}

static bool
has_nodes(void)
{
    g_autoptr(KtRoot) root = kt_root_open("/", NULL);
    g_autoptr(GArray) nodes = nodes_with_room();
    bool has = nodes->len > 0 && kt_root_exists(root, "proc/self/numa_maps");
    if (has && (nodes->len == 1 || !child_has_more()))
        return true;
    g_test_skip(has ? "the sanitizer has memory of its own" : "this kernel knows no memory nodes");
    return false;
}

/* Where there are several nodes it is moved from each to each. */
static void
test_arrives(void)
{
    if (!has_nodes())
        return;
    g_autoptr(Scene) scene = scene_new();
    g_autoptr(GArray) nodes = nodes_with_room();
    pid_t pid = start_child(FALSE);
    g_autofree char *process = kt_qemu_process_identity(scene->root, pid);
    guint runs = 0;
    for (guint i = 0; i < nodes->len; i++) {
        guint node = g_array_index(nodes, guint, i);
        g_autoptr(GPtrArray) again = wish(process, node);
        g_assert_false(kt_following_knows(scene->following, again));
        tell(scene, wish(process, node));
        g_assert_true(kt_following_knows(scene->following, again));
        await_seen(scene, i + 1);
        g_autoptr(KtFollowed) followed = await(scene, KT_FOLLOWING_THERE);
        g_autoptr(KtCpuset) now = kt_qemu_process_nodes(scene->root, pid);
        g_assert_true(hwloc_bitmap_isset(now, node));
        g_assert_cmpint(hwloc_bitmap_weight(now), ==, 1);
        g_assert_cmpint(newest_result(scene, &runs), ==, KT_RESULT_DONE);
        g_test_message("to node %u: %" G_GINT64_FORMAT " KiB moved", node, followed->moved_kib);
    }
    /* The same once more: that has just been done. */
    tell(scene, wish(process, g_array_index(nodes, guint, nodes->len - 1)));
    tell(scene, wish("1:1", 0));
    await_seen(scene, nodes->len + 1);
    newest_result(scene, &runs);
    g_assert_cmpuint(runs, ==, nodes->len + 1);
    end_child(pid);
}

/* A process that has ended has no memory to move. */
static void
test_gone(void)
{
    g_autoptr(Scene) scene = scene_new();
    guint runs;
    tell(scene, wish("1:1", first_node()));
    await_seen(scene, 1);
    g_autoptr(KtFollowed) followed = await(scene, KT_FOLLOWING_LEFT);
    g_assert_nonnull(strstr(followed->reason, "does not run in that process any more"));
    /* Whether that is still wanted is to be judged anew. */
    g_autoptr(GPtrArray) again = wish("1:1", first_node());
    g_assert_false(kt_following_knows(scene->following, again));
    g_assert_cmpint(newest_result(scene, &runs), ==, KT_RESULT_SKIPPED);
}

/* What can't be recorded isn't begun, and that is told. */
static void
test_cannot_begin(gconstpointer data)
{
    const Told *told = data;
    g_autoptr(Scene) scene = scene_new();
    told_forget(told);
    g_autofree char *lock = g_build_filename(scene->state, "lock", NULL);
    g_assert_cmpint(mkdir(scene->state, 0700), ==, 0);
    g_assert_cmpint(symlink("/dev/null", lock), ==, 0);
    tell(scene, wish("1:1", first_node()));
    await_seen(scene, 1);
    g_autoptr(KtFollowed) followed = await(scene, KT_FOLLOWING_STAYS);
    told_assert(told, "KVM_TUNE_DOMAIN_UUID", UUID);
    told_assert(told, "KVM_TUNE_RESULT", "failed");
    told_assert(told, "KVM_TUNE_SEEN", "started");
    g_assert_nonnull(strstr(told_field(told, "MESSAGE"), followed->reason));
}

/* While a run of the daemon's has the journal it waits; what isn't wanted any more by then is never begun. */
static void
test_waits_for_the_journal(void)
{
    g_autoptr(Scene) scene = scene_new();
    g_mutex_lock(&scene->journal);
    tell(scene, wish("1:1", first_node()));
    for (bool waits = false; !waits;) {
        g_autoptr(KtFollowed) followed = await(scene, KT_FOLLOWING_WAITS);
        waits = strstr(followed->reason, "waits for a run of the daemon") != NULL;
    }
    g_autoptr(GPtrArray) none = wish("1:1", 0);
    g_ptr_array_set_size(none, 0);
    tell(scene, g_steal_pointer(&none));
    g_autoptr(KtFollowed) followed = await(scene, KT_FOLLOWING_LEFT);
    g_assert_cmpstr(followed->reason, ==, "it is no longer wanted there");
    g_mutex_unlock(&scene->journal);
    g_assert_false(g_file_test(scene->state, G_FILE_TEST_EXISTS));
}

/* As a daemon that is killed leaves it: begun. */
static void
leave_begun(const Scene *scene, guint node)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) steps = wish("1:1", node);
    g_autoptr(KtJournal) journal = kt_journal_open(scene->state, KT_JOURNAL_WRITE, &error);
    g_assert_no_error(error);
    g_assert_true(kt_page_journey_begin(journal, "x.conf", steps->pdata[0], &error));
    g_assert_no_error(error);
}

/* The next daemon goes on where another was killed, in the same run. */
static void
test_killed_goes_on(void)
{
    g_autoptr(Scene) scene = scene_new();
    guint runs;
    leave_begun(scene, first_node());
    tell(scene, wish("1:1", first_node()));
    await_seen(scene, 1);
    g_assert_cmpint(newest_result(scene, &runs), ==, KT_RESULT_SKIPPED);
    g_assert_cmpuint(runs, ==, 1);
}

/* Or ends it, where nobody wants that any more; as soon as it gets at the journal. */
static void
test_killed_is_not_wanted(void)
{
    g_autoptr(Scene) scene = scene_new();
    guint runs;
    leave_begun(scene, first_node());
    g_mutex_lock(&scene->journal);
    g_autoptr(GPtrArray) none = wish("1:1", 0);
    g_ptr_array_set_size(none, 0);
    tell(scene, g_steal_pointer(&none));
    g_usleep(G_USEC_PER_SEC / 10);
    g_mutex_unlock(&scene->journal);
    g_assert_cmpint(newest_result(scene, &runs), ==, KT_RESULT_SKIPPED);
    g_assert_cmpuint(runs, ==, 1);
}

/* Whose memory can't be moved is told, and nothing is done about it. */
static void
test_stays(void)
{
    g_autoptr(Scene) scene = scene_new();
    GPtrArray *staying = nobody(), *none = wish("1:1", 0);
    KtFollowed *huge = g_new0(KtFollowed, 1);
    huge->name = g_strdup("h");
    huge->state = KT_FOLLOWING_STAYS;
    huge->reason = g_strdup("it has huge pages");
    g_ptr_array_add(staying, huge);
    g_ptr_array_set_size(none, 0);
    kt_following_tell(scene->following, "x.conf", none, staying, "started");
    g_autoptr(KtFollowed) followed = await(scene, KT_FOLLOWING_STAYS);
    g_assert_cmpstr(followed->name, ==, "h");
    g_assert_cmpstr(followed->reason, ==, "it has huge pages");
    g_assert_cmpstr(followed->to, ==, NULL);
}

int
main(int argc, char **argv)
{
    Told told;
    g_test_init(&argc, &argv, NULL);
    told_listen(&told);
    g_test_add_func("/following/arrives", test_arrives);
    g_test_add_func("/following/gone", test_gone);
    g_test_add_data_func("/following/cannot-begin", &told, test_cannot_begin);
    g_test_add_func("/following/waits-for-the-journal", test_waits_for_the_journal);
    g_test_add_func("/following/killed-goes-on", test_killed_goes_on);
    g_test_add_func("/following/killed-is-not-wanted", test_killed_is_not_wanted);
    g_test_add_func("/following/stays", test_stays);
    int code = g_test_run();
    g_ptr_array_unref(told.entries);
    return code;
}
