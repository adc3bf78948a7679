/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/images.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/domains.h"
#include "probes/storage.h"
#include "tests/unit/fake_root.h"

#define QCOW2_HEADER 104

/* ---- headers ---- */

typedef struct {
    guint8 bytes[4096];
    gsize n;
} Header;

static void
put(Header *header, gsize at, guint64 value, gsize size)
{
    for (gsize i = 0; i < size; i++)
        header->bytes[at + i] = (guint8)(value >> 8 * (size - 1 - i));
    header->n = MAX(header->n, at + size);
}

static void
put_text(Header *header, gsize at, const char *text)
{
    memcpy(header->bytes + at, text, strlen(text));
    header->n = MAX(header->n, at + strlen(text));
}

/* A qcow2 header of 1 MiB, with a backing file where @backing isn't NULL. */
static Header
qcow2(const char *backing, const char *backing_format)
{
    Header header = {.n = 0};
    memcpy(header.bytes, "QFI\xfb", 4);
    put(&header, 4, 3, 4);
    put(&header, 20, 16, 4);
    put(&header, 24, 1024 * 1024, 8);
    put(&header, 100, QCOW2_HEADER, 4);
    gsize at = QCOW2_HEADER;
    if (backing_format) {
        put(&header, at, 0xE2792ACA, 4);
        put(&header, at + 4, strlen(backing_format), 4);
        put_text(&header, at + 8, backing_format);
        at += 8 + (strlen(backing_format) + 7) / 8 * 8;
    }
    put(&header, at, 0, 8);
    if (backing) {
        put(&header, 8, 512, 8);
        put(&header, 16, strlen(backing), 4);
        put_text(&header, 512, backing);
    }
    return header;
}

static KtImage *
parse(const Header *header)
{
    KtImage *image = g_new0(KtImage, 1);
    kt_image_parse_header(image, header->bytes, header->n);
    return image;
}

static void
test_qcow2(void)
{
    Header header = qcow2("base.img", "raw");
    put(&header, 32, 2, 4); /* LUKS */
    put(&header, 60, 3, 4);

    g_autoptr(KtImage) image = parse(&header);

    g_assert_cmpstr(image->format, ==, "qcow2");
    g_assert_cmpuint(image->version, ==, 3);
    g_assert_cmpstr(image->backing, ==, "base.img");
    g_assert_cmpstr(image->backing_format, ==, "raw");
    g_assert_true(image->encrypted);
    g_assert_cmpuint(image->snapshots, ==, 3);
    g_assert_cmpuint(image->virtual_bytes, ==, 1024 * 1024);
    g_assert_null(image->data_file);
}

static void
test_external_data(void)
{
    Header header = qcow2(NULL, NULL);
    put(&header, 72, 1 << 2, 8);
    g_autoptr(KtImage) nameless = parse(&header);
    g_assert_cmpstr(nameless->data_file, ==, "");

    put(&header, QCOW2_HEADER, 0x44415441, 4);
    put(&header, QCOW2_HEADER + 4, 5, 4);
    put_text(&header, QCOW2_HEADER + 8, "x.raw");
    g_autoptr(KtImage) named = parse(&header);
    g_assert_cmpstr(named->data_file, ==, "x.raw");
    g_assert_null(named->backing);
}

/* What a guest may write there: names and lengths that lead out of the header. */
static void
test_hostile_headers(void)
{
    static const struct {
        gsize at;
        guint64 value;
        gsize size;
    } changes[] = {
        {8, G_MAXUINT64, 8}, {8, 4090, 8},          {16, G_MAXUINT32, 4},
        {16, 1024, 4},       {100, G_MAXUINT32, 4}, {QCOW2_HEADER + 4, G_MAXUINT32, 4},
        {100, 4, 4},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
        Header header = qcow2("base.img", "raw");
        put(&header, changes[i].at, changes[i].value, changes[i].size);
        /* Behind the last byte is memory that isn't ours. */
        g_autofree guint8 *exact = g_memdup2(header.bytes, header.n);
        g_autoptr(KtImage) image = g_new0(KtImage, 1);

        kt_image_parse_header(image, exact, header.n);

        g_assert_cmpstr(image->format, ==, "qcow2");
        if (changes[i].at == 8 || changes[i].at == 16)
            g_assert_null(image->backing);
    }
}

static void
test_cut_off(void)
{
    Header header = qcow2("base.img", "raw");
    for (gsize n = 0; n < header.n; n++) {
        g_autofree guint8 *exact = g_memdup2(header.bytes, n);
        g_autoptr(KtImage) image = g_new0(KtImage, 1);

        kt_image_parse_header(image, exact, n);

        g_assert_cmpstr(image->format, ==, n < 72 ? "raw" : "qcow2");
    }
}

static void
test_other_formats(void)
{
    static const struct {
        const char *start;
        gsize n;
        const char *format;
    } starts[] = {
        {"", 0, "raw"},
        {"\x55\xaa", 2, "raw"},
        {"QED\0", 4, "qed"},
        {"KDMV", 4, "vmdk"},
        {"vhdxfile", 8, "vhdx"},
        {"LUKS\xba\xbe", 6, "luks"},
        /* A version that nobody knows. */
        {"QFI\xfb\0\0\0\x09", 8, "raw"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(starts); i++) {
        Header header = {.n = 512};
        memcpy(header.bytes, starts[i].start, starts[i].n);
        g_autoptr(KtImage) image = parse(&header);
        g_assert_cmpstr(image->format, ==, starts[i].format);
        g_assert_true(image->encrypted == g_str_equal(starts[i].format, "luks"));
    }
}

/* ---- files ---- */

typedef struct {
    FakeHost *host;
    GPtrArray *domains;
} Scene;

static void
scene_free(Scene *scene)
{
    g_ptr_array_unref(scene->domains);
    fake_host_free(scene->host);
    g_free(scene);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scene, scene_free)

static Scene *
scene_new(void)
{
    Scene *scene = g_new0(Scene, 1);
    scene->host = fake_host_new(NULL);
    scene->domains = g_ptr_array_new_with_free_func((GDestroyNotify)kt_domain_free);
    return scene;
}

static char *
path_of(const Scene *scene, const char *name)
{
    return g_build_filename(scene->host->directory, name, NULL);
}

static void
write_image(const Scene *scene, const char *name, const Header *header)
{
    g_autofree char *path = path_of(scene, name);
    g_autofree char *folder = g_path_get_dirname(path);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    g_assert_true(g_file_set_contents(path, (const char *)header->bytes, (gssize)header->n, NULL));
}

static void
add_disk(Scene *scene, const char *device, const char *format, const char *name)
{
    g_autofree char *path = path_of(scene, name);
    g_autofree char *xml = g_strdup_printf(
        "<domain type='kvm'><name>x</name><devices><disk type='file' device='%s'><driver type='%s'/>"
        "<source file='%s'/><target dev='vda'/></disk></devices></domain>",
        device, format, path);
    KtDomain *domain = kt_domain_new("x", "");
    domain->inactive = kt_domain_def_parse(xml, NULL);
    g_assert_nonnull(domain->inactive);
    g_ptr_array_add(scene->domains, domain);
}

static const KtImage *
find(const Scene *scene, GHashTable *images, const char *name)
{
    g_autofree char *path = path_of(scene, name);
    return kt_images_find(images, path);
}

static void
test_chain(void)
{
    g_autoptr(Scene) scene = scene_new();
    Header top = qcow2("../mid/mid.qcow2", "qcow2"), mid = qcow2("base.raw", "raw");
    /* The last one's guest has written a header of its own: it says raw and isn't followed. */
    Header base = qcow2("/etc/passwd", "raw");
    write_image(scene, "top/top.qcow2", &top);
    write_image(scene, "mid/mid.qcow2", &mid);
    write_image(scene, "mid/base.raw", &base);
    add_disk(scene, "disk", "qcow2", "top/top.qcow2");

    g_autoptr(GHashTable) images = kt_images_probe(scene->domains);

    const KtImage *image = find(scene, images, "top/top.qcow2");
    g_assert_nonnull(image);
    g_assert_cmpstr(image->backing, ==, "../mid/mid.qcow2");
    g_assert_cmpuint(image->chain->len, ==, 2);
    g_assert_true(g_str_has_suffix(image->chain->pdata[0], "top/../mid/mid.qcow2"));
    g_assert_true(g_str_has_suffix(image->chain->pdata[1], "mid/base.raw"));
    g_assert_null(image->chain_ends);
    g_assert_cmpint(image->allocation, ==, KT_ALLOCATED_SPARSE);
    g_assert_cmpuint(g_hash_table_size(images), ==, 1);
}

static void
test_chains_that_end(void)
{
    static const struct {
        const char *backing, *format, *words;
        guint length;
    } ends[] = {
        {"top.qcow2", "qcow2", "below itself", 0},
        {"link", "qcow2", "below itself", 0},
        {"nothing.qcow2", "qcow2", "can't be read", 0},
        {"folder", "raw", "can't be read", 0},
        {"/dev/null", "raw", "can't be read", 0},
        {"nbd://host/export", "raw", "elsewhere", 0},
        {"json:{\"file.filename\":\"/x\"}", "qcow2", "elsewhere", 0},
        {"other.qcow2", NULL, "doesn't tell its format", 1},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autoptr(Scene) scene = scene_new();
        Header top = qcow2(ends[i].backing, ends[i].format), other = qcow2("top.qcow2", "qcow2");
        write_image(scene, "top.qcow2", &top);
        write_image(scene, "other.qcow2", &other);
        write_image(scene, "folder/x", &other);
        g_autofree char *link = path_of(scene, "link"), *at = path_of(scene, "top.qcow2");
        g_assert_cmpint(symlink(at, link), ==, 0);
        add_disk(scene, "disk", "qcow2", "top.qcow2");

        g_autoptr(GHashTable) images = kt_images_probe(scene->domains);

        const KtImage *image = find(scene, images, "top.qcow2");
        g_assert_nonnull(image);
        g_test_message("%s: %s", ends[i].backing, image->chain_ends);
        g_assert_nonnull(image->chain_ends);
        g_assert_nonnull(strstr(image->chain_ends, ends[i].words));
        g_assert_cmpuint(image->chain->len, ==, ends[i].length);
    }
}

static void
test_long_chain(void)
{
    g_autoptr(Scene) scene = scene_new();
    for (guint i = 0; i < KT_IMAGE_CHAIN_MAX + 5; i++) {
        g_autofree char *name = g_strdup_printf("%u", i), *below = g_strdup_printf("%u", i + 1);
        Header header = qcow2(below, "qcow2");
        write_image(scene, name, &header);
    }
    add_disk(scene, "disk", "qcow2", "0");

    g_autoptr(GHashTable) images = kt_images_probe(scene->domains);

    const KtImage *image = find(scene, images, "0");
    g_assert_cmpuint(image->chain->len, ==, KT_IMAGE_CHAIN_MAX);
    g_assert_nonnull(strstr(image->chain_ends, "more than 32"));
}

/* The guest of a raw disk can write any header into it. */
static void
test_raw_is_not_followed(void)
{
    g_autoptr(Scene) scene = scene_new();
    Header header = qcow2("base.raw", "raw");
    write_image(scene, "disk.raw", &header);
    write_image(scene, "base.raw", &header);
    add_disk(scene, "disk", "raw", "disk.raw");

    g_autoptr(GHashTable) images = kt_images_probe(scene->domains);

    const KtImage *image = find(scene, images, "disk.raw");
    g_assert_cmpstr(image->format, ==, "qcow2");
    g_assert_cmpuint(image->chain->len, ==, 0);
    g_assert_null(image->chain_ends);
}

static void
test_what_is_no_image(void)
{
    g_autoptr(Scene) scene = scene_new();
    g_autofree char *fifo = path_of(scene, "fifo");
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    add_disk(scene, "disk", "raw", "fifo");
    add_disk(scene, "disk", "raw", "gone");
    add_disk(scene, "disk", "raw", "../.."); /* a directory */

    g_autoptr(GHashTable) images = kt_images_probe(scene->domains);

    g_assert_cmpuint(g_hash_table_size(images), ==, 0);
}

static void
test_medium(void)
{
    g_autoptr(Scene) scene = scene_new();
    add_disk(scene, "cdrom", "raw", "gone.iso");

    g_autoptr(GHashTable) images = kt_images_probe(scene->domains);

    const KtImage *image = find(scene, images, "gone.iso");
    g_assert_nonnull(image);
    g_assert_null(image->format);
    g_assert_cmpint(image->reach, ==, KT_REACH_LOCAL);
}

static void
test_sizes(void)
{
    g_autoptr(Scene) scene = scene_new();
    g_autofree char *sparse = path_of(scene, "sparse"), *full = path_of(scene, "full");
    g_autofree char *tables = path_of(scene, "tables");
    g_autofree char *ones = g_strnfill(1024 * 1024, 'x');
    Header header = qcow2(NULL, NULL);
    g_assert_true(g_file_set_contents(sparse, "x", 1, NULL) && truncate(sparse, 1024 * 1024) == 0);
    g_assert_true(g_file_set_contents(full, ones, 1024 * 1024, NULL));
    write_image(scene, "tables", &header);
    g_assert_cmpint(truncate(tables, 2 * 1024 * 1024), ==, 0);
    add_disk(scene, "disk", "raw", "sparse");
    add_disk(scene, "disk", "raw", "full");
    add_disk(scene, "disk", "qcow2", "tables");

    g_autoptr(GHashTable) images = kt_images_probe(scene->domains);

    g_assert_cmpint(find(scene, images, "sparse")->allocation, ==, KT_ALLOCATED_SPARSE);
    g_assert_cmpint(find(scene, images, "full")->allocation, ==, KT_ALLOCATED_FULL);
    g_assert_cmpint(find(scene, images, "tables")->allocation, ==, KT_ALLOCATED_METADATA);
    g_assert_cmpuint(find(scene, images, "sparse")->virtual_bytes, ==, 1024 * 1024);
    g_assert_cmpint(find(scene, images, "full")->reach, ==, KT_REACH_LOCAL);
}

/* The directories of a backing chain are asked for O_DIRECT too. */
static void
test_chain_directories(void)
{
    g_autoptr(Scene) scene = scene_new();
    Header top = qcow2("../base/base.raw", "raw"), base = {.n = 512};
    write_image(scene, "top/top.qcow2", &top);
    write_image(scene, "base/base.raw", &base);
    add_disk(scene, "disk", "qcow2", "top/top.qcow2");
    g_autoptr(GHashTable) images = kt_images_probe(scene->domains);
    g_autoptr(GHashTable) directories = kt_storage_probe_o_direct(scene->domains);
    guint before = g_hash_table_size(directories);

    kt_storage_probe_chains(directories, images);

    g_assert_cmpuint(g_hash_table_size(directories), ==, before + 1);
    g_autofree char *directory = path_of(scene, "top/../base");
    g_assert_true(g_hash_table_contains(directories, directory));
}

static void
run(const char *const *command)
{
    g_autoptr(GError) error = NULL;
    gint status = -1;
    g_autofree char *out = NULL, *err = NULL;
    g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &err, &status, &error);
    g_assert_no_error(error);
    if (!g_spawn_check_wait_status(status, NULL))
        g_error("%s: %s", command[0], err);
}

/* What the real program writes. */
static void
test_qemu_img(void)
{
    g_autofree char *program = g_find_program_in_path("qemu-img");
    if (!program) {
        g_test_skip("no qemu-img");
        return;
    }
    g_autoptr(Scene) scene = scene_new();
    g_autofree char *base = path_of(scene, "base.raw"), *full = path_of(scene, "full.qcow2");
    g_autofree char *top = path_of(scene, "top.qcow2"), *tables = path_of(scene, "tables.qcow2");
    const char *const commands[][12] = {
        {"qemu-img", "create", "-q", "-f", "raw", base, "8M"},
        {"qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "base.raw", top},
        {"qemu-img", "snapshot", "-c", "one", top},
        {"qemu-img", "create", "-q", "-f", "qcow2", "-o", "preallocation=full", full, "8M"},
        {"qemu-img", "create", "-q", "-f", "qcow2", "-o", "preallocation=metadata", tables, "8M"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        run(commands[i]);
    add_disk(scene, "disk", "qcow2", "top.qcow2");
    add_disk(scene, "disk", "qcow2", "full.qcow2");
    add_disk(scene, "disk", "qcow2", "tables.qcow2");

    g_autoptr(GHashTable) images = kt_images_probe(scene->domains);

    const KtImage *image = find(scene, images, "top.qcow2");
    g_assert_cmpstr(image->backing, ==, "base.raw");
    g_assert_cmpstr(image->backing_format, ==, "raw");
    g_assert_cmpuint(image->chain->len, ==, 1);
    g_assert_cmpuint(image->snapshots, ==, 1);
    g_assert_cmpuint(image->virtual_bytes, ==, 8 * 1024 * 1024);
    g_assert_cmpint(image->allocation, ==, KT_ALLOCATED_SPARSE);
    g_assert_cmpint(find(scene, images, "full.qcow2")->allocation, ==, KT_ALLOCATED_FULL);
    g_assert_cmpint(find(scene, images, "tables.qcow2")->allocation, ==, KT_ALLOCATED_METADATA);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/images/qcow2", test_qcow2);
    g_test_add_func("/images/external-data", test_external_data);
    g_test_add_func("/images/hostile-headers", test_hostile_headers);
    g_test_add_func("/images/cut-off", test_cut_off);
    g_test_add_func("/images/other-formats", test_other_formats);
    g_test_add_func("/images/chain", test_chain);
    g_test_add_func("/images/chains-that-end", test_chains_that_end);
    g_test_add_func("/images/long-chain", test_long_chain);
    g_test_add_func("/images/raw-is-not-followed", test_raw_is_not_followed);
    g_test_add_func("/images/what-is-no-image", test_what_is_no_image);
    g_test_add_func("/images/medium", test_medium);
    g_test_add_func("/images/sizes", test_sizes);
    g_test_add_func("/images/chain-directories", test_chain_directories);
    g_test_add_func("/images/qemu-img", test_qemu_img);
    return g_test_run();
}
