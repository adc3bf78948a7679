/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * Power that goes away at any moment: a run of apply and one of rollback are recorded down to each write and
 * sync of state.db and its journal, and then every state in which the files may be found afterwards is given
 * to a new start. Whatever of the effects had happened: rollback puts all back, and apply works again.
 */

#include "agent/exec/journal_prune.h"
#include "tests/unit/agent/exec/exec_scene.h"
#include "tests/unit/agent/exec/recording_vfs.h"

#define SECTOR 512
#define MOST_PENDING 64

static const char *const paths[] = {KSM_RUN, THP_ENABLED};
static const char *const before[] = {"0", "madvise"};
static const char *const wanted[] = {"1", "never"};
static const FakeFile files[] = {{KSM_RUN, "0"}, {THP_ENABLED, "madvise"}, {NULL, NULL}};

/** What the host's files hold, one line. */
static gpointer
world_now(gpointer user_data)
{
    const ExecScene *scene = user_data;
    if (!scene->host)
        return g_strdup("0 madvise");
    g_autofree char *ksm = fake_host_text(scene->host, paths[0]);
    g_autofree char *thp = fake_host_text(scene->host, paths[1]);
    return g_strdup_printf("%s %s", ksm, thp);
}

static void
set_world(const ExecScene *scene, const char *world)
{
    g_auto(GStrv) values = g_strsplit(world, " ", 2);
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
        fake_host_write(scene->host, paths[i], values[i]);
}

static void
assert_world(const ExecScene *scene, const char *const *values)
{
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
        assert_file(scene, paths[i], values[i]);
}

/** Puts an operation on the content of its file; @torn: of a write only the first sector has arrived. */
static void
put(GByteArray *const *contents, const VfsOp *op, bool torn)
{
    GByteArray *content = contents[op->file];
    gsize length = 0;
    const guint8 *bytes = op->bytes ? g_bytes_get_data(op->bytes, &length) : NULL;
    if (op->kind == VFS_SYNC)
        return;
    if (torn)
        length = MIN(length, SECTOR);
    gsize size = op->kind == VFS_TRUNCATE ? (gsize)op->offset : MAX(content->len, op->offset + length);
    gsize old = content->len;
    g_byte_array_set_size(content, size);
    if (size > old)
        memset(content->data + old, 0, size - old);
    if (bytes)
        memcpy(content->data + op->offset, bytes, length);
}

/** Whether @op, which happened before number @end, was surely on the disk by then. */
static bool
is_durable(const GPtrArray *ops, guint number, guint end)
{
    const VfsOp *op = ops->pdata[number];
    for (guint i = number + 1; i < end; i++) {
        const VfsOp *later = ops->pdata[i];
        if (later->file == op->file && later->kind == VFS_SYNC)
            return true;
    }
    return false;
}

/** The numbers of the operations before @end that may or may not be on the disk. */
static GArray *
pending_at(const GPtrArray *ops, guint end)
{
    GArray *pending = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint i = 0; i < end; i++)
        if (((const VfsOp *)ops->pdata[i])->kind != VFS_SYNC && !is_durable(ops, i, end))
            g_array_append_val(pending, i);
    g_assert_cmpuint(pending->len, <=, MOST_PENDING);
    return pending;
}

/** Which of @n pending operations have arrived: sets of bits that have the newest, since those without it
 * were there before it. All of a few; of many all, and some with one missing or with any. */
static GArray *
choices(guint n, GRand *random)
{
    GArray *sets = g_array_new(FALSE, FALSE, sizeof(guint64));
    guint64 newest = n > 0 ? (guint64)1 << (n - 1) : 0;
    guint64 all = n > 0 ? newest | (newest - 1) : 0;
    if (n <= 3) {
        for (guint64 set = newest; set <= all; set++)
            g_array_append_val(sets, set);
        return sets;
    }
    g_array_append_val(sets, all);
    for (guint i = 0; i < 2; i++) {
        guint64 one = (guint64)1 << g_rand_int_range(random, 0, (gint)n - 1);
        guint64 some = ((guint64)g_rand_int(random) << 32) | g_rand_int(random);
        guint64 without = all & ~one, any = (some & all) | newest;
        g_array_append_val(sets, without);
        g_array_append_val(sets, any);
    }
    return sets;
}

/** Writes the files as they are found when of the operations before @end the durable ones and those in @set
 * of
 * @pending have arrived; @torn: the last of these only in part. */
static void
write_state(const ExecScene *scene, const GPtrArray *ops, guint end, const GArray *pending, guint64 set,
            bool torn)
{
    static const char *const names[VFS_N_FILES] = {"state.db", "state.db-journal"};
    g_autoptr(GByteArray) database = g_byte_array_new();
    g_autoptr(GByteArray) journal = g_byte_array_new();
    GByteArray *const contents[VFS_N_FILES] = {database, journal};
    guint at = 0;
    for (guint i = 0; i < end; i++) {
        bool is_pending = at < pending->len && g_array_index(pending, guint, at) == i;
        bool last = is_pending && (set >> at) == 1;
        if (!is_pending || (set >> at) & 1)
            put(contents, ops->pdata[i], torn && last);
        at += is_pending;
    }
    for (guint i = 0; i < VFS_N_FILES; i++) {
        g_autofree char *path = g_build_filename(scene->state, names[i], NULL);
        g_assert_true(g_file_set_contents_full(path, (char *)contents[i]->data, contents[i]->len,
                                               G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    }
}

static void
make_plan(ExecScene *scene)
{
    kt_plan_free(scene->plan);
    scene->plan = kt_plan_new(scene->snapshot);
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
        plan_file(scene, paths[i], before[i], wanted[i]);
}

static void
must_roll_back(ExecScene *scene)
{
    g_autoptr(KtReport) report = rollback(scene);
    g_assert_false(report->partial);
    assert_world(scene, before);
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

/** A new start finds @world and the files. */
static void
start_again(ExecScene *scene, const char *world, bool apply_again)
{
    set_world(scene, world);
    exec_scene_open_journal(scene);
    must_roll_back(scene);
    if (apply_again) {
        make_plan(scene);
        must_apply(scene);
        assert_world(scene, wanted);
        must_roll_back(scene);
    }
    g_clear_pointer(&scene->journal, kt_journal_close);
}

/** All that a power loss before operation @end may leave. What is in the world then: effects don't go by way
 * of SQLite, so what happened between two operations may have happened or not; and a reboot takes away what
 * is only in the kernel (@reboots). Gives how many states that were. */
static guint
lose_power(ExecScene *scene, const GPtrArray *ops, guint end, bool reboots, GRand *random)
{
    g_autoptr(GArray) pending = pending_at(ops, end);
    g_autoptr(GArray) sets = choices(pending->len, random);
    const VfsOp *last = ops->pdata[end - 1];
    const VfsOp *next = end < ops->len ? ops->pdata[end] : last;
    const char *const worlds[] = {"0 madvise", last->note, next->note};
    guint n = 0;
    for (guint i = 0; i < sets->len; i++) {
        for (guint k = reboots ? 0 : 1; k < G_N_ELEMENTS(worlds); k++) {
            if (k > 0 && g_str_equal(worlds[k], worlds[k - 1]))
                continue;
            bool torn = n++ % 3 == 2;
            write_state(scene, ops, end, pending, g_array_index(sets, guint64, i), torn);
            start_again(scene, worlds[k], n % 8 == 0);
        }
    }
    return n;
}

static void
test_at_every_write(void)
{
    ExecScene nowhere = {0};
    RecordingVfs *recorder = recording_vfs_start(world_now, &nowhere);
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    recorder->user_data = scene;
    make_plan(scene);
    must_apply(scene);
    must_roll_back(scene);
    g_clear_pointer(&scene->journal, kt_journal_close);
    recorder->recording = false;

    guint n = 0;
    g_autoptr(GRand) random = g_rand_new_with_seed(20261122);
    for (guint end = 1; end <= recorder->ops->len; end++)
        n += lose_power(scene, recorder->ops, end, true, random);

    g_test_message("%u operations, %u states", recorder->ops->len, n);
    g_assert_cmpuint(n, >, 500);
    recording_vfs_stop(recorder);
}

/** Two runs of which one value was changed twice, and then they are pruned. */
static void
prune_two(ExecScene *scene, RecordingVfs *recorder, guint *ret_begin)
{
    g_autoptr(GHashTable) domains = g_hash_table_new(g_str_hash, g_str_equal);
    const KtLiving living = {.domains = domains};
    make_plan(scene);
    must_apply(scene);
    kt_plan_free(scene->plan);
    scene->plan = kt_plan_new(scene->snapshot);
    plan_file(scene, THP_ENABLED, wanted[1], "always");
    must_apply(scene);
    *ret_begin = recorder->ops->len;
    g_assert_true(kt_journal_prune_upto(scene->journal, 2, &living, NULL));
    g_assert_cmpuint(runs_to_undo(scene), ==, 2);
}

/** What is pruned is so as a whole or not at all: rollback always puts back what was there first. */
static void
test_while_pruning(void)
{
    ExecScene nowhere = {0};
    guint begin = 0, n = 0;
    RecordingVfs *recorder = recording_vfs_start(world_now, &nowhere);
    g_autoptr(ExecScene) scene = exec_scene_new(files);
    recorder->user_data = scene;
    prune_two(scene, recorder, &begin);
    g_clear_pointer(&scene->journal, kt_journal_close);
    recorder->recording = false;

    g_autoptr(GRand) random = g_rand_new_with_seed(20261122);
    for (guint end = begin + 1; end <= recorder->ops->len; end++)
        n += lose_power(scene, recorder->ops, end, false, random);

    g_test_message("%u operations, %u states", recorder->ops->len - begin, n);
    g_assert_cmpuint(n, >, 20);
    recording_vfs_stop(recorder);
}

int
main(int argc, char **argv)
{
    /* Thousands of files are written anew: in memory, where that is to be had. */
    if (g_file_test("/dev/shm", G_FILE_TEST_IS_DIR))
        g_setenv("TMPDIR", "/dev/shm", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/power-loss/at-every-write", test_at_every_write);
    g_test_add_func("/power-loss/while-pruning", test_while_pruning);
    return g_test_run();
}
