/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "probes/capture.h"
#include "tests/unit/probes/fake_topology.h"

#define IMAGE                                                                                                \
    "{\"format\":\"qcow2\",\"version\":3,\"backing\":\"b\",\"backing_format\":\"raw\",\"data_file\":\"\","   \
    "\"encrypted\":true,\"snapshots\":2,\"virtual_bytes\":1073741824,\"allocated_bytes\":4096,"              \
    "\"allocation\":\"sparse\",\"chain\":[\"/x/b\",\"/x/c\"],\"chain_ends\":\"/x/d can't be read\","         \
    "\"reach\":\"shared\",\"file_system\":\"nfs\"}"

/* What the probes of disks and guests found. */
static const FakeFile whole[] = {
    {"host.json",
     "{\"images\":{\"/x/a\":" IMAGE ",\"/dev/b\":{\"block_device\":true}},\"no_io_uring\":\"none\"}"},
    {"domains/d.xml", "<domain type='kvm'><name>d</name></domain>"},
    {"domains/d.stats.json", "{\"snapshots\":true,\"checkpoints\":true,\"block_jobs\":[\"vda\"],"
                             "\"unanswered\":true,\"agent_os\":\"Debian\",\"agent_virtio\":\"it says so\"}"},
    {"domains/e.xml", "<domain type='kvm'><name>e</name></domain>"},
    {NULL, NULL},
};

static KtSnapshot *
read_capture(const FakeHost *host)
{
    g_autoptr(GError) error = NULL;
    KtSnapshot *snapshot = kt_capture_read(host->directory, &error);
    g_assert_no_error(error);
    return snapshot;
}

static void
assert_whole(const KtSnapshot *snapshot)
{
    const KtImage *image = kt_images_find(snapshot->images, "/x/a");
    g_assert_nonnull(image);
    g_assert_cmpstr(image->format, ==, "qcow2");
    g_assert_cmpuint(image->version, ==, 3);
    g_assert_cmpstr(image->backing, ==, "b");
    g_assert_cmpstr(image->backing_format, ==, "raw");
    g_assert_cmpstr(image->data_file, ==, "");
    g_assert_true(image->encrypted && !image->block_device);
    g_assert_cmpuint(image->snapshots, ==, 2);
    g_assert_cmpuint(image->virtual_bytes, ==, 1073741824);
    g_assert_cmpuint(image->allocated_bytes, ==, 4096);
    g_assert_cmpint(image->allocation, ==, KT_ALLOCATED_SPARSE);
    g_assert_cmpuint(image->chain->len, ==, 2);
    g_assert_cmpstr(image->chain->pdata[1], ==, "/x/c");
    g_assert_cmpstr(image->chain_ends, ==, "/x/d can't be read");
    g_assert_cmpint(image->reach, ==, KT_REACH_SHARED);
    g_assert_cmpstr(image->file_system, ==, "nfs");
    const KtImage *device = kt_images_find(snapshot->images, "/dev/b");
    g_assert_true(device->block_device);
    g_assert_cmpint(device->reach, ==, KT_REACH_UNKNOWN);
    g_assert_cmpstr(snapshot->no_io_uring, ==, "none");
    const KtDomain *domain = kt_snapshot_find_domain(snapshot, "d");
    g_assert_true(domain->has_snapshots && domain->has_checkpoints);
    g_assert_true(g_hash_table_contains(domain->block_jobs, "vda") && domain->unanswered);
    g_assert_cmpstr(domain->agent_os, ==, "Debian");
    g_assert_cmpstr(domain->agent_virtio, ==, "it says so");
    const KtDomain *other = kt_snapshot_find_domain(snapshot, "e");
    g_assert_false(other->has_snapshots || other->has_checkpoints || other->agent_os || other->agent_virtio);
}

static void
test_written_and_read_again(void)
{
    g_autoptr(FakeHost) host = fake_topology_host("core:2 pu:1", whole);
    g_autoptr(FakeHost) copy = fake_host_new(NULL);
    g_autoptr(KtSnapshot) snapshot = read_capture(host);
    g_autoptr(GError) error = NULL;
    assert_whole(snapshot);

    g_assert_true(kt_capture_write(snapshot, host->root, copy->directory, &error));

    g_assert_no_error(error);
    g_autoptr(KtSnapshot) again = read_capture(copy);
    assert_whole(again);
}

static void
test_nothing_known(void)
{
    g_autoptr(FakeHost) host = fake_topology_host("core:2 pu:1", NULL);

    g_autoptr(KtSnapshot) snapshot = read_capture(host);

    g_assert_null(kt_images_find(snapshot->images, "/x/a"));
    g_assert_null(kt_images_find(snapshot->images, NULL));
    g_assert_null(kt_images_find(NULL, "/x/a"));
    g_assert_null(snapshot->no_io_uring);
}

static void
test_errors(void)
{
    static const struct {
        const char *file, *text, *words;
    } cases[] = {
        {"host.json", "{\"images\":[]}", "images"},
        {"host.json", "{\"images\":{\"/x\":7}}", "/x"},
        {"host.json", "{\"images\":{\"/x\":{\"format\":7}}}", "/x"},
        {"host.json", "{\"images\":{\"/x\":{\"chain\":7}}}", "chain"},
        {"host.json", "{\"images\":{\"/x\":{\"chain\":[7]}}}", "chain"},
        {"domains/d.stats.json", "{\"block_jobs\":{}}", "block_jobs"},
        {"domains/d.stats.json", "{\"block_jobs\":[7]}", "block_jobs"},
        {"domains/d.stats.json", "{\"agent_os\":7}", "String"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const FakeFile files[] = {{"domains/d.xml", "<domain type='kvm'><name>d</name></domain>"},
                                  {cases[i].file, cases[i].text},
                                  {NULL, NULL}};
        g_autoptr(FakeHost) host = fake_topology_host("core:2 pu:1", files);
        g_autoptr(GError) error = NULL;

        g_assert_null(kt_capture_read(host->directory, &error));

        g_assert_error(error, KT_ERROR, KT_ERROR_PARSE);
        g_test_message("%s", error->message);
        g_assert_nonnull(strstr(error->message, cases[i].file));
        g_assert_nonnull(strcasestr(error->message, cases[i].words));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/capture-images/written-and-read-again", test_written_and_read_again);
    g_test_add_func("/capture-images/nothing-known", test_nothing_known);
    g_test_add_func("/capture-images/errors", test_errors);
    return g_test_run();
}
