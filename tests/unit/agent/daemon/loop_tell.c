/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/daemon/loop_parts.h"
#include "tests/unit/agent/daemon/told.h"

static KtLook *
look_new(KtLookEnd end, bool sees_guests)
{
    KtLook *look = g_new0(KtLook, 1);
    look->end = end;
    look->sees_guests = sees_guests;
    look->refusals = g_ptr_array_new();
    return look;
}

/* A look at three guests, of which something is refused. */
static KtLook *
look_at_three(void)
{
    static KtLookRefusal refusal = {.setting = (char *)"cpu.emulator"};
    KtLook *look = look_new(KT_LOOK_DONE, true);
    look->n_domains = 3;
    look->n_manual = 2;
    look->n_pending = 4;
    look->n_refused = 1;
    g_ptr_array_add(look->refusals, &refusal);
    return look;
}

/* A look that failed knows nothing, which isn't nothing: what was last known is told. */
static void
test_what_is_known(void)
{
    static const KtLookEnd ends[] = {KT_LOOK_FAILED, KT_LOOK_NO_HYPERVISOR};
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autoptr(KtLook) seen = look_at_three();
        g_autoptr(KtLook) failed = look_new(ends[i], false);
        g_autoptr(KtLook) again = look_new(ends[i], false);
        kt_look_keep_known(failed, seen);
        kt_look_keep_known(again, failed);
        g_assert_cmpuint(again->n_domains, ==, 3);
        g_assert_cmpuint(again->n_manual, ==, 2);
        g_assert_cmpuint(again->n_pending, ==, 4);
        g_assert_cmpuint(again->n_refused, ==, 1);
        g_assert_cmpuint(again->refusals->len, ==, 1);

        g_autoptr(KtLook) none = look_new(KT_LOOK_DONE, true);
        kt_look_keep_known(none, again);
        g_assert_cmpuint(none->n_domains, ==, 0);
        g_assert_cmpuint(none->refusals->len, ==, 0);
    }
}

static void
test_first_look_failed(void)
{
    g_autoptr(KtLook) failed = look_new(KT_LOOK_FAILED, false);
    kt_look_keep_known(failed, NULL);
    g_assert_cmpuint(failed->n_domains, ==, 0);
}

static void
test_status_line(void)
{
    g_autoptr(KtLook) look = look_at_three();
    const KtLoop loop = {.profile_name = (char *)"x.conf", .last = look};
    const KtLoop fresh = {.profile_name = (char *)"x.conf"};
    g_autofree char *done = kt_loop_status_line(&loop);
    look->end = KT_LOOK_FAILED;
    g_autofree char *failed = kt_loop_status_line(&loop);
    look->end = KT_LOOK_NO_HYPERVISOR;
    g_autofree char *gone = kt_loop_status_line(&loop);
    g_autofree char *none = kt_loop_status_line(&fresh);
    g_assert_cmpstr(done, ==,
                    "keeps x.conf; 3 guests run, 1 settings refused, 2 manual, 4 wait for a power cycle");
    g_assert_true(g_str_has_prefix(failed, done));
    g_assert_true(g_str_has_suffix(failed, "; the last look failed"));
    g_assert_cmpstr(gone, ==, "keeps x.conf; libvirt doesn't answer");
    g_assert_cmpstr(none, ==, "keeps x.conf");
}

/* That libvirt is gone hides nothing that failed beside it; said once. */
static void
test_failed_without_libvirt(gconstpointer data)
{
    const Told *told = data;
    g_autoptr(KtLook) first = look_new(KT_LOOK_NO_HYPERVISOR, false);
    g_autoptr(KtLook) failed = look_new(KT_LOOK_NO_HYPERVISOR, false);
    KtLoop loop = {.profile_name = (char *)"x.conf", .last = first};
    first->message = g_strdup("cannot connect");
    failed->message = g_strdup("cannot connect");
    failed->failure = g_strdup("thp.enabled can't be written");
    failed->run = 7;
    failed->taken_back = true;

    told_forget(told);
    kt_loop_tell(&loop, failed);
    told_assert(told, "KVM_TUNE_RESULT", "failed");
    told_assert(told, "KVM_TUNE_RUN", "7");
    told_assert(told, "MESSAGE", "run 7 was taken back: thp.enabled can't be written");

    told_forget(told);
    loop.last = failed;
    failed->run = 0;
    failed->taken_back = false;
    kt_loop_tell(&loop, failed);
    g_assert_cmpuint(told->entries->len, ==, 0);
}

int
main(int argc, char **argv)
{
    Told told;
    g_test_init(&argc, &argv, NULL);
    told_listen(&told);
    g_test_add_func("/loop-tell/what-is-known", test_what_is_known);
    g_test_add_func("/loop-tell/first-look-failed", test_first_look_failed);
    g_test_add_func("/loop-tell/status-line", test_status_line);
    g_test_add_data_func("/loop-tell/failed-without-libvirt", &told, test_failed_without_libvirt);
    int code = g_test_run();
    g_ptr_array_unref(told.entries);
    return code;
}
