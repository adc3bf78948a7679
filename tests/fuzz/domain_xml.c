/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/domain_xml.h"

#include "tests/fuzz/fuzz.h"

/**
 * A domain's definition: read, and edited in one place, which the first byte chooses. What an edit sets is
 * what is read there then; taken out again nothing is there.
 */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_be_quiet();
    return 0;
}

/** What the program sets at each place. */
static const struct {
    KtXmlField field;
    const char *value;
} edits[] = {
    {KT_XML_VCPU_PIN, "0-3,8"},      {KT_XML_EMULATOR_PIN, "0"},         {KT_XML_IOTHREAD_PIN, "2"},
    {KT_XML_DISK_CACHE, "none"},     {KT_XML_NIC_MODEL, "virtio"},       {KT_XML_SHARES, "2048"},
    {KT_XML_NUMATUNE, "strict 0"},   {KT_XML_HUGEPAGES, "hugepages-2M"}, {KT_XML_NOSHAREPAGES, "no"},
    {KT_XML_DISK_IO, "native"},      {KT_XML_DISK_DISCARD, "unmap"},     {KT_XML_DISK_IOTHREAD, "1"},
    {KT_XML_IOTHREADS, "2"},         {KT_XML_NIC_QUEUES, "4"},           {KT_XML_NUMATUNE, "preferred 1"},
    {KT_XML_HUGEPAGES, "hugepages"}, {KT_XML_MEMNODE, "strict 0"},
};

/** The name of an item of the definition at that place; NULL where the place has no items, "" where it has
 * none here. Owned. */
static char *
item_of(KtXmlField field, const KtDomainDef *def)
{
    switch (field) {
    case KT_XML_VCPU_PIN:
        return g_strdup_printf("vcpu %u", def->vcpus - 1);
    case KT_XML_EMULATOR_PIN:
        return g_strdup("emulator");
    case KT_XML_IOTHREAD_PIN:
        return g_strdup_printf("iothread %d", hwloc_bitmap_last(def->iothread_ids));
    case KT_XML_DISK_CACHE:
    case KT_XML_DISK_IO:
    case KT_XML_DISK_DISCARD:
    case KT_XML_DISK_IOTHREAD:
        return def->disks->len > 0 ? g_strdup_printf("disk %s", ((KtDiskDef *)def->disks->pdata[0])->target)
                                   : g_strdup("");
    case KT_XML_NIC_MODEL:
    case KT_XML_NIC_QUEUES:
        return def->nics->len > 0 ? g_strdup_printf("nic %s", ((KtNicDef *)def->nics->pdata[0])->mac)
                                  : g_strdup("");
    case KT_XML_MEMNODE:
        return def->cells->len > 0 ? g_strdup_printf("cell %u", ((KtCellDef *)def->cells->pdata[0])->id)
                                   : g_strdup("");
    case KT_XML_NONE:
    case KT_XML_SHARES:
    case KT_XML_NUMATUNE:
    case KT_XML_HUGEPAGES:
    case KT_XML_NOSHAREPAGES:
    case KT_XML_IOTHREADS:
    default:
        return NULL;
    }
}

static void
check_value(const char *xml, const KtXmlEdit *edit)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *found = NULL;
    bool read = kt_domain_xml_get(xml, edit->field, edit->item, &found, &error);
    /* An IOThread that was there for the edit may have gone with it. */
    if (!read && edit->value == NULL)
        return;
    g_assert_no_error(error);
    g_assert_cmpstr(found, ==, edit->value);
}

/** Makes the edit; NULL where it is refused. Owned. */
static char *
edited(const char *xml, const KtXmlEdit *edit)
{
    g_autoptr(GError) error = NULL;
    char *result = kt_domain_xml_edit(xml, edit, 1, &error);
    fuzz_check_error(result != NULL, error);
    if (result) {
        check_value(result, edit);
        g_autoptr(KtDomainDef) def = kt_domain_def_parse(result, &error);
        g_assert_no_error(error);
        g_assert_nonnull(def);
    }
    return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    g_autofree char *xml = fuzz_text(data + 1, size - 1);
    g_autoptr(GError) error = NULL;
    g_autoptr(KtDomainDef) def = kt_domain_def_parse(xml, &error);
    fuzz_check_error(def != NULL, error);
    if (!def)
        return 0;
    guint which = data[0] % G_N_ELEMENTS(edits);
    g_autofree char *item = item_of(edits[which].field, def);
    KtXmlEdit edit = {.field = edits[which].field, .item = item, .value = edits[which].value};
    g_autofree char *with = edited(xml, &edit);
    if (with) {
        edit.value = NULL;
        g_autofree char *without = edited(with, &edit);
        g_assert_nonnull(without);
    }
    return 0;
}
