/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/active_profile.h"

#include <glib/gstdio.h>

#include "base/error.h"
#include "tests/unit/fake_root.h"

/** A state directory in a directory of the test's own. */
typedef struct {
    FakeHost *host;
    char *state;
    char *file;
} Place;

static Place *
place_new(void)
{
    Place *place = g_new0(Place, 1);
    place->host = fake_host_new((FakeFile[]){{NULL, NULL}});
    place->state = g_build_filename(place->host->directory, "state", NULL);
    place->file = g_build_filename(place->state, "profile", NULL);
    return place;
}

static void
place_free(Place *place)
{
    g_free(place->state);
    g_free(place->file);
    fake_host_free(place->host);
    g_free(place);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Place, place_free)

static void
assert_named(const Place *place, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;
    kt_active_profile_read(place->state, &name, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(name, ==, expected);
}

static void
test_named_and_named_anew(void)
{
    g_autoptr(Place) place = place_new();
    g_autoptr(GError) error = NULL;
    assert_named(place, NULL);
    kt_active_profile_write(place->state, "balanced", &error);
    g_assert_no_error(error);
    assert_named(place, "balanced");
    kt_active_profile_write(place->state, "/etc/a b.conf", &error);
    g_assert_no_error(error);
    assert_named(place, "/etc/a b.conf");
}

static void
assert_refused(const Place *place, KtErrorCode code)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;
    g_assert_false(kt_active_profile_read(place->state, &name, &error));
    g_assert_error(error, KT_ERROR, (gint)code);
    g_assert_null(name);
}

static void
test_not_a_name(void)
{
    g_autoptr(Place) place = place_new();
    g_assert_true(kt_active_profile_write(place->state, "a\nb", NULL));
    assert_refused(place, KT_ERROR_PARSE);
    g_assert_true(kt_active_profile_write(place->state, "", NULL));
    assert_refused(place, KT_ERROR_PARSE);
}

static void
test_others_could_write_it(void)
{
    g_autoptr(Place) place = place_new();
    g_assert_true(kt_active_profile_write(place->state, "balanced", NULL));
    g_assert_cmpint(g_chmod(place->file, 0666), ==, 0);
    assert_refused(place, KT_ERROR_ACCESS);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/active-profile/named-and-named-anew", test_named_and_named_anew);
    g_test_add_func("/active-profile/not-a-name", test_not_a_name);
    g_test_add_func("/active-profile/others-could-write-it", test_others_could_write_it);
    return g_test_run();
}
