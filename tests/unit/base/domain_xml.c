/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/domain_xml.h"

#include <string.h>

#include "base/error.h"
#include "tests/unit/base/domain_corpus.h"
#include "tests/unit/base/domain_sample.h"

static KtDomainDef *
parse(const char *xml)
{
    g_autoptr(GError) error = NULL;
    KtDomainDef *def = kt_domain_def_parse(xml, &error);
    g_assert_no_error(error);
    return def;
}

/* A domain that says only @inside. */
static KtDomainDef *
parse_inside(const char *inside)
{
    g_autofree char *xml = g_strdup_printf("<domain><name>d</name>%s</domain>", inside);
    return parse(xml);
}

static void
assert_list(const KtCpuset *set, const char *list)
{
    g_assert_nonnull(set);
    g_autofree char *text = kt_cpuset_format(set);
    g_assert_cmpstr(text, ==, list);
}

static void
assert_refused(const char *xml, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(kt_domain_def_parse(xml, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_PARSE);
    if (strstr(error->message, message) == NULL)
        g_error("wanted '%s' in '%s'", message, error->message);
}

static void
test_identity(void)
{
    g_autoptr(KtDomainDef) def = parse(KT_SAMPLE_DOMAIN);

    g_assert_cmpstr(def->type, ==, "kvm");
    g_assert_cmpstr(def->name, ==, "db-1");
    g_assert_cmpstr(def->uuid, ==, "c7a5fdbd-edaf-9455-926a-d65c16db1809");
    g_assert_cmpstr(def->title, ==, "Orders & stock");
    g_assert_cmpstr(def->arch, ==, "x86_64");
    g_assert_cmpstr(def->machine, ==, "pc-q35-7.2");
    g_assert_cmpstr(def->os_id, ==, "http://debian.org/debian/12");
    g_assert_true(def->has_agent_channel);
}

static void
test_cpus(void)
{
    g_autoptr(KtDomainDef) def = parse(KT_SAMPLE_DOMAIN);

    g_assert_cmpuint(def->vcpus, ==, 4);
    assert_list(def->vcpus_online, "0-1,3");
    g_assert_cmpstr(def->vcpu_placement, ==, "static");
    assert_list(def->vcpu_cpuset, "0-2,4-15");
    g_assert_cmpuint(def->vcpu_pins->len, ==, 2);
    assert_list(kt_domain_def_find_vcpu_pin(def, 0)->cpus, "4-5");
    assert_list(kt_domain_def_find_vcpu_pin(def, 2)->cpus, "6,8-9");
    g_assert_null(kt_domain_def_find_vcpu_pin(def, 1));
    assert_list(def->emulator_pin, "0-1");
    g_assert_cmpuint(def->iothreads, ==, 3);
    assert_list(def->iothread_ids, "1-2,7");
    assert_list(kt_domain_def_find_iothread_pin(def, 2)->cpus, "2");
    g_assert_null(kt_domain_def_find_iothread_pin(def, 7));
    g_assert_cmpuint(def->shares, ==, 2048);
    g_assert_cmpuint(def->sockets, ==, 1);
    g_assert_cmpuint(def->dies, ==, 1);
    g_assert_cmpuint(def->cores, ==, 2);
    g_assert_cmpuint(def->threads, ==, 2);
}

static void
test_memory(void)
{
    g_autoptr(KtDomainDef) def = parse(KT_SAMPLE_DOMAIN);

    g_assert_cmpuint(def->memory_kib, ==, 4194304);
    g_assert_cmpuint(def->current_memory_kib, ==, 2097152);
    g_assert_cmpuint(def->cells->len, ==, 2);
    const KtCellDef *cell = def->cells->pdata[0];
    g_assert_cmpuint(cell->memory_kib, ==, 2097152);
    assert_list(cell->vcpus, "0-1");
    cell = def->cells->pdata[1];
    g_assert_cmpuint(cell->id, ==, 1);
    g_assert_cmpuint(cell->memory_kib, ==, 2097152);
    g_assert_cmpstr(def->numatune_mode, ==, "strict");
    g_assert_cmpstr(def->numatune_nodeset, ==, "0-1");
    g_assert_cmpuint(def->memnodes->len, ==, 1);
    const KtMemnodeDef *memnode = def->memnodes->pdata[0];
    g_assert_cmpuint(memnode->cell, ==, 0);
    g_assert_cmpstr(memnode->mode, ==, "preferred");
    g_assert_cmpstr(memnode->nodeset, ==, "1");
    g_assert_true(def->hugepages);
    g_assert_cmpuint(def->hugepage_kib, ==, 1048576);
    g_assert_true(def->nosharepages);
    g_assert_true(def->locked);
    g_assert_cmpstr(def->memory_source, ==, "memfd");
    g_assert_cmpstr(def->memory_access, ==, "shared");
}

static void
test_disks(void)
{
    g_autoptr(KtDomainDef) def = parse(KT_SAMPLE_DOMAIN);

    g_assert_cmpuint(def->disks->len, ==, 3);
    const KtDiskDef *vda = kt_domain_def_find_disk(def, "vda");
    g_assert_cmpstr(vda->type, ==, "file");
    g_assert_cmpstr(vda->device, ==, "disk");
    g_assert_cmpstr(vda->bus, ==, "virtio");
    g_assert_cmpstr(vda->source, ==, "/var/lib/libvirt/images/db \"1\".qcow2");
    g_assert_cmpstr(vda->driver, ==, "qemu");
    g_assert_cmpstr(vda->format, ==, "qcow2");
    g_assert_cmpstr(vda->cache, ==, "writeback");
    g_assert_cmpstr(vda->io, ==, "threads");
    g_assert_cmpstr(vda->discard, ==, "unmap");
    g_assert_cmpstr(vda->alias, ==, "virtio-disk0");
    g_assert_cmpuint(vda->iothread, ==, 2);
    g_assert_true(vda->mirror);
    g_assert_true(vda->chain_ends);
    g_assert_false(vda->readonly || vda->shareable || vda->transient_disk);

    const KtDiskDef *vdb = kt_domain_def_find_disk(def, "vdb");
    g_assert_cmpstr(vdb->type, ==, "volume");
    g_assert_cmpstr(vdb->device, ==, "disk");
    g_assert_cmpstr(vdb->source, ==, "logs");
    g_assert_null(vdb->driver);
    g_assert_null(vdb->cache);
    g_assert_true(vdb->shareable && vdb->transient_disk);

    const KtDiskDef *sda = kt_domain_def_find_disk(def, "sda");
    g_assert_cmpstr(sda->device, ==, "cdrom");
    g_assert_null(sda->source);
    g_assert_true(sda->readonly);
    g_assert_null(kt_domain_def_find_disk(def, "vdc"));
}

static void
test_nics(void)
{
    g_autoptr(KtDomainDef) def = parse(KT_SAMPLE_DOMAIN);

    g_assert_cmpuint(def->nics->len, ==, 4);
    const KtNicDef *nic = kt_domain_def_find_nic(def, "52:54:00:aa:BB:01");
    g_assert_cmpstr(nic->mac, ==, "52:54:00:aa:bb:01");
    g_assert_cmpstr(nic->type, ==, "network");
    g_assert_cmpstr(nic->source, ==, "default");
    g_assert_cmpstr(nic->model, ==, "e1000");
    g_assert_cmpstr(nic->target, ==, "vnet0");
    g_assert_cmpstr(nic->alias, ==, "net0");
    g_assert_cmpuint(nic->queues, ==, 4);
    g_assert_cmpuint(nic->boot_order, ==, 2);
    /* Two NICs share this MAC: neither can be addressed. */
    g_assert_null(kt_domain_def_find_nic(def, "52:54:00:aa:bb:03"));
    g_assert_null(kt_domain_def_find_nic(def, "52:54:00:aa:bb:ff"));
}

static void
test_hostdevs(void)
{
    g_autoptr(KtDomainDef) def = parse(KT_SAMPLE_DOMAIN);

    g_assert_cmpuint(def->hostdevs->len, ==, 2);
    const KtHostdevDef *hostdev = def->hostdevs->pdata[0];
    g_assert_cmpstr(hostdev->address, ==, "10000:af:1f.7");
    hostdev = def->hostdevs->pdata[1];
    g_assert_cmpstr(hostdev->address, ==, "0000:3b:02.1");
}

static void
test_bad_hostdevs_are_left_out(void)
{
    static const char *const addresses[] = {
        "",
        "<address/>",
        "<address bus='256' slot='1'/>",
        "<address bus='-1' slot='1'/>",
        "<address bus=' 1' slot='1'/>",
        "<address bus='0x' slot='1'/>",
        "<address bus='1' slot='0x20'/>",
        "<address bus='1' slot='1' function='8'/>",
        "<address type='usb' bus='1' slot='1'/>",
        "<address domain='0x100000000' bus='1' slot='1'/>",
    };
    for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
        g_autofree char *inside = g_strdup_printf(
            "<devices><hostdev type='pci'><source>%s</source></hostdev></devices>", addresses[i]);
        g_autoptr(KtDomainDef) def = parse_inside(inside);
        if (def->hostdevs->len != 0)
            g_error("'%s' was read as a PCI address", addresses[i]);
    }
}

static void
test_nothing_said(void)
{
    g_autoptr(KtDomainDef) def = parse_inside("");

    g_assert_cmpstr(def->name, ==, "d");
    g_assert_null(def->type);
    g_assert_null(def->uuid);
    g_assert_null(def->os_id);
    g_assert_null(def->vcpu_cpuset);
    g_assert_null(def->emulator_pin);
    g_assert_null(def->numatune_mode);
    /* libvirt's default. */
    g_assert_cmpuint(def->vcpus, ==, 1);
    assert_list(def->vcpus_online, "0");
    g_assert_cmpuint(def->iothreads, ==, 0);
    assert_list(def->iothread_ids, "");
    g_assert_cmpuint(def->memory_kib, ==, 0);
    g_assert_cmpuint(def->disks->len + def->nics->len + def->hostdevs->len, ==, 0);
    g_assert_false(def->hugepages || def->nosharepages || def->locked || def->has_agent_channel);
}

static void
test_sizes(void)
{
    static const struct {
        const char *element;
        guint64 kib;
    } sizes[] = {
        {"<memory>219136</memory>", 219136},
        {"<memory>\n 219136 \n</memory>", 219136},
        {"<memory unit='b'>2049</memory>", 3},
        {"<memory unit='bytes'>1024</memory>", 1},
        {"<memory unit='KB'>1024</memory>", 1000},
        {"<memory unit='k'>5</memory>", 5},
        {"<memory unit='KiB'>5</memory>", 5},
        {"<memory unit='MB'>1</memory>", 977},
        {"<memory unit='M'>2</memory>", 2048},
        {"<memory unit='mib'>2</memory>", 2048},
        {"<memory unit='GB'>1</memory>", 976563},
        {"<memory unit='G'>1</memory>", 1048576},
        {"<memory unit='GiB'>1</memory>", 1048576},
        {"<memory unit='T'>1</memory>", 1073741824},
        {"<memory unit='TiB'>1</memory>", 1073741824},
        {"<memory unit='EiB'>1</memory>", G_GUINT64_CONSTANT(1) << 50},
        {"<memory unit='EiB'>16</memory>", 0},
        {"<memory>18014398509481984</memory>", 0},
        {"<memory>18446744073709551616</memory>", 0},
        {"<memory unit='KiBi'>1</memory>", 0},
        {"<memory unit='iB'>1</memory>", 0},
        {"<memory unit='x'>1</memory>", 0},
        {"<memory>-1</memory>", 0},
        {"<memory>0x10</memory>", 0},
        {"<memory>1.5</memory>", 0},
        {"<memory></memory>", 0},
    };
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(KtDomainDef) def = parse_inside(sizes[i].element);
        g_test_message("%s", sizes[i].element);
        g_assert_cmpuint(def->memory_kib, ==, sizes[i].kib);
    }
}

static void
test_vcpus(void)
{
    static const struct {
        const char *element;
        guint vcpus;
        const char *online;
    } counts[] = {
        {"<vcpu>\n4\n</vcpu>", 4, "0-3"},
        {"<vcpu current='2'>4</vcpu>", 4, "0-1"},
        {"<vcpu current='9'>4</vcpu>", 4, "0-3"},
        {"<vcpu current='0'>4</vcpu>", 4, "0"},
        {"<vcpu current='many'>4</vcpu>", 4, "0-3"},
        {"<vcpu>4096</vcpu>", 4096, "0-4095"},
        {"<vcpu>4294967295</vcpu>", 4096, "0-4095"},
        {"<vcpu>99999999999999999999</vcpu>", 1, "0"},
        {"<vcpu>0</vcpu>", 1, "0"},
        {"<vcpu>4 or 5</vcpu>", 1, "0"},
        {"<vcpu current='1'>2</vcpu><vcpus><vcpu id='1' enabled='yes'/><vcpu id='7' enabled='yes'/></vcpus>",
         2, "1"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(counts); i++) {
        g_autoptr(KtDomainDef) def = parse_inside(counts[i].element);
        g_test_message("%s", counts[i].element);
        g_assert_cmpuint(def->vcpus, ==, counts[i].vcpus);
        assert_list(def->vcpus_online, counts[i].online);
    }
}

static void
test_bad_pins_are_left_out(void)
{
    g_autoptr(KtDomainDef) def = parse_inside("<vcpu>2</vcpu><cputune><vcpupin vcpu='1' cpuset='1'/>"
                                              "<vcpupin vcpu='1' cpuset='2'/><vcpupin vcpu='2' cpuset='3'/>"
                                              "<vcpupin cpuset='4'/><vcpupin vcpu='0'/>"
                                              "<vcpupin vcpu='0' cpuset='x'/></cputune>");

    g_assert_cmpuint(def->vcpu_pins->len, ==, 1);
    assert_list(kt_domain_def_find_vcpu_pin(def, 1)->cpus, "1");
}

static void
test_iothread_count(void)
{
    g_autoptr(KtDomainDef) listed =
        parse_inside("<iothreadids><iothread id='3'/><iothread id='4'/></iothreadids>");
    g_assert_cmpuint(listed->iothreads, ==, 2);
    assert_list(listed->iothread_ids, "3-4");

    g_autoptr(KtDomainDef) counted =
        parse_inside("<iothreads>3</iothreads><iothreadids><iothread id='9'/></iothreadids>");
    g_assert_cmpuint(counted->iothreads, ==, 3);
    assert_list(counted->iothread_ids, "1-2,9");
}

static void
test_cells_without_numbers(void)
{
    g_autoptr(KtDomainDef) def =
        parse_inside("<cpu><numa><cell cpus='0' memory='10'/><cell memory='20'/><cell id='1' cpus='3'/>"
                     "<cell id='4096' cpus='1'/></numa></cpu>");

    g_assert_cmpuint(def->cells->len, ==, 2);
    const KtCellDef *cell = def->cells->pdata[1];
    g_assert_cmpuint(cell->id, ==, 1);
    g_assert_cmpuint(cell->memory_kib, ==, 20);
    assert_list(cell->vcpus, "");
}

static void
test_foreign_elements_are_not_ours(void)
{
    g_autoptr(KtDomainDef) def =
        parse_inside("<metadata xmlns:o='urn:other'><x><o:os id='wrong'/><os id='wrong'/></x></metadata>"
                     "<o:vcpu xmlns:o='urn:other'>8</o:vcpu><undeclared:vcpu>8</undeclared:vcpu>");

    g_assert_null(def->os_id);
    g_assert_cmpuint(def->vcpus, ==, 1);
}

static void
test_not_a_domain(void)
{
    assert_refused("", "domain XML: ");
    assert_refused("hello", "line 1: ");
    assert_refused("<domain><name>x</name>\n\n<devices></domain>", "line 3: Opening and ending tag mismatch");
    assert_refused("<network><name>x</name></network>", "wanted a <domain>, found <network>");
    assert_refused("<d:domain xmlns:d='urn:d'><name>x</name></d:domain>", "wanted a <domain>");
    assert_refused("<domain/>", "no <name>");
    assert_refused("<domain><name> \n</name></domain>", "no <name>");
    assert_refused("<domain><name>\xff</name></domain>", "line 1: ");
    assert_refused("<domain><name>&other;</name></domain>", "line 1: Entity 'other' not defined");
}

static void
test_document_types_are_refused(void)
{
    assert_refused("<!DOCTYPE domain>\n<domain><name>x</name></domain>", "line 1: a document type");
    assert_refused("<?xml version='1.0'?>\n<!DOCTYPE d [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]>"
                   "<domain><name>&b;</name></domain>",
                   "line 2: a document type");
    assert_refused(
        "<!DOCTYPE d [<!ENTITY f SYSTEM 'file:///etc/hostname'>]><domain><name>&f;</name></domain>",
        "a document type");
    assert_refused("<!DOCTYPE d SYSTEM 'http://127.0.0.1:1/d.dtd'><domain><name>x</name></domain>",
                   "a document type");
}

static void
test_limits(void)
{
    g_autofree char *blanks = g_strnfill(KT_DOMAIN_XML_MAX, ' ');
    g_autofree char *huge = g_strconcat("<domain><name>x</name>", blanks, "</domain>", NULL);
    assert_refused(huge, "bytes are too long, at most 16777216");

    GString *deep = g_string_new("<domain><name>x</name>");
    for (guint i = 0; i < 100000; i++)
        g_string_append(deep, "<a>");
    g_autofree char *text = g_string_free(deep, FALSE);
    assert_refused(text, "line 1: ");
}

/* Every beginning of a definition is refused, none crashes. */
static void
test_cut_off(void)
{
    for (gsize length = 0; length < strlen(KT_SAMPLE_DOMAIN) - strlen("</domain>\n"); length += 7) {
        g_autofree char *text = g_strndup(KT_SAMPLE_DOMAIN, length);
        assert_refused(text, "domain XML: ");
    }
}

static void
read_corpus_file(const char *path, const char *xml)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtDomainDef) def = kt_domain_def_parse(xml, &error);
    if (def == NULL)
        g_error("%s: %s", path, error->message);
    g_assert_nonnull(def->type);
    g_assert_nonnull(def->name);
    g_assert_false(hwloc_bitmap_iszero(def->vcpus_online));
    g_assert_cmpint(hwloc_bitmap_last(def->vcpus_online), <, (int)def->vcpus);
    for (guint i = 0; i < def->disks->len; i++)
        g_assert_nonnull(((const KtDiskDef *)def->disks->pdata[i])->device);
    for (guint i = 0; i < def->nics->len; i++)
        g_assert_nonnull(((const KtNicDef *)def->nics->pdata[i])->type);
}

static void
test_corpus(void)
{
    domain_corpus_each(read_corpus_file);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domain-xml/identity", test_identity);
    g_test_add_func("/domain-xml/cpus", test_cpus);
    g_test_add_func("/domain-xml/memory", test_memory);
    g_test_add_func("/domain-xml/disks", test_disks);
    g_test_add_func("/domain-xml/nics", test_nics);
    g_test_add_func("/domain-xml/hostdevs", test_hostdevs);
    g_test_add_func("/domain-xml/bad-hostdevs-are-left-out", test_bad_hostdevs_are_left_out);
    g_test_add_func("/domain-xml/nothing-said", test_nothing_said);
    g_test_add_func("/domain-xml/sizes", test_sizes);
    g_test_add_func("/domain-xml/vcpus", test_vcpus);
    g_test_add_func("/domain-xml/bad-pins-are-left-out", test_bad_pins_are_left_out);
    g_test_add_func("/domain-xml/iothread-count", test_iothread_count);
    g_test_add_func("/domain-xml/cells-without-numbers", test_cells_without_numbers);
    g_test_add_func("/domain-xml/foreign-elements-are-not-ours", test_foreign_elements_are_not_ours);
    g_test_add_func("/domain-xml/not-a-domain", test_not_a_domain);
    g_test_add_func("/domain-xml/document-types-are-refused", test_document_types_are_refused);
    g_test_add_func("/domain-xml/limits", test_limits);
    g_test_add_func("/domain-xml/cut-off", test_cut_off);
    g_test_add_func("/domain-xml/corpus", test_corpus);
    return g_test_run();
}
