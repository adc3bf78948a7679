/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/domains.h"
#include "tests/unit/fake_root.h"

static KtDomain *
domain_with_disk(const char *device, const char *type, const char *attribute, const char *source)
{
    g_autofree char *xml = g_strdup_printf(
        "<domain type='kvm'><name>x</name><devices><disk type='%s' device='%s'><source %s='%s'/>"
        "<target dev='vda'/></disk></devices></domain>",
        type, device, attribute, source);
    KtDomain *domain = kt_domain_new("x", "");
    domain->inactive = kt_domain_def_parse(xml, NULL);
    g_assert_nonnull(domain->inactive);
    return domain;
}

static GPtrArray *
new_domains(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)kt_domain_free);
}

static void
test_asks_the_file_system(void)
{
    static const FakeFile files[] = {{"images/a.img", "x"}, {NULL, NULL}};
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(GPtrArray) domains = new_domains();
    g_autofree char *folder = g_build_filename(host->directory, "images", NULL);
    g_autofree char *missing = g_build_filename(folder, "missing.img", NULL);
    g_autofree char *image = g_build_filename(folder, "a.img", NULL);
    int fd = open(image, O_RDONLY | O_DIRECT | O_CLOEXEC);
    bool takes = fd >= 0;
    g_assert_true(takes || errno == EINVAL);
    if (fd >= 0)
        close(fd);
    g_ptr_array_add(domains, domain_with_disk("disk", "file", "file", missing));
    g_ptr_array_add(domains, domain_with_disk("disk", "file", "file", image));

    g_autoptr(GHashTable) found = kt_storage_probe_o_direct(domains);

    g_assert_cmpuint(g_hash_table_size(found), ==, 1);
    g_assert_true(g_hash_table_contains(found, folder));
    g_assert_cmpint(GPOINTER_TO_INT(g_hash_table_lookup(found, folder)), ==, takes);
}

static void
test_file_system_that_refuses(void)
{
    /* A file of /proc is a regular one, and takes no O_DIRECT on any kernel. */
    g_autoptr(GPtrArray) domains = new_domains();
    g_ptr_array_add(domains, domain_with_disk("disk", "file", "file", "/proc/version"));

    g_autoptr(GHashTable) found = kt_storage_probe_o_direct(domains);

    g_assert_true(g_hash_table_contains(found, "/proc"));
    g_assert_cmpint(GPOINTER_TO_INT(g_hash_table_lookup(found, "/proc")), ==, 0);
}

static void
test_not_known(void)
{
    static const FakeFile files[] = {{"cd/a.iso", "x"}, {NULL, NULL}};
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(GPtrArray) domains = new_domains();
    g_autofree char *iso = g_build_filename(host->directory, "cd/a.iso", NULL);
    g_autofree char *fifo = g_build_filename(host->directory, "fifo", NULL);
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    g_ptr_array_add(domains, domain_with_disk("cdrom", "file", "file", iso));
    g_ptr_array_add(domains, domain_with_disk("disk", "file", "file", fifo));
    g_ptr_array_add(domains, domain_with_disk("disk", "file", "file", "relative.img"));
    g_ptr_array_add(domains, domain_with_disk("disk", "network", "name", "/pool/volume"));
    g_ptr_array_add(domains, domain_with_disk("disk", "block", "dev", "/dev/null"));
    g_ptr_array_add(domains, domain_with_disk("disk", "file", "file", host->directory));

    g_autoptr(GHashTable) found = kt_storage_probe_o_direct(domains);

    g_assert_cmpuint(g_hash_table_size(found), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage/asks", test_asks_the_file_system);
    g_test_add_func("/storage/refuses", test_file_system_that_refuses);
    g_test_add_func("/storage/not-known", test_not_known);
    return g_test_run();
}
