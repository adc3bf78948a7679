/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/own_image.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "tests/unit/agent/exec/exec_scene.h"

#define XML                                                                                                  \
    "<domain type='test'><name>test</name><memory>8192</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>"

/* An image that libvirt's test driver wrote, and a disk that was written to so many seconds after it. */
typedef struct {
    ExecScene *scene;
    char *image, *disk;
} Scene;

static void
set_age(const char *path, gint64 seconds)
{
    const struct timespec times[] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    g_assert_cmpint(utimensat(AT_FDCWD, path, times, 0), ==, 0);
}

static Scene
new_scene(gint64 later)
{
    static const FakeFile files[] = {{KSM_RUN, "0"}, {NULL, NULL}};
    Scene scene = {.scene = exec_scene_with_domain(files)};
    scene.image = g_build_filename(scene.scene->host->directory, "image", NULL);
    scene.disk = g_build_filename(scene.scene->host->directory, "disk", NULL);
    virDomainPtr domain = virDomainLookupByUUIDString(scene.scene->connection, TEST_UUID);
    g_assert_cmpint(virDomainSave(domain, scene.image), ==, 0);
    virDomainFree(domain);
    g_assert_true(g_file_set_contents(scene.disk, "blocks", -1, NULL));
    set_age(scene.image, 1000000);
    set_age(scene.disk, 1000000 + later);
    return scene;
}

static void
scene_free(Scene *scene)
{
    g_free(scene->image);
    g_free(scene->disk);
    exec_scene_free(scene->scene);
}

/* Tries to resume an old image; gives the error's code. The image must still be there. */
static gint
resume(Scene *scene, const char *attributes, const char *content)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *xml = g_strdup_printf(
        "<domain type='test'><name>test</name><uuid>%s</uuid><memory>8192</memory><vcpu>2</vcpu>"
        "<os><type>hvm</type></os><devices><disk %s><source file='%s'/><target dev='vda' bus='virtio'/>%s"
        "</disk></devices></domain>",
        TEST_UUID, attributes, scene->disk, content);

    g_assert_false(kt_own_image_resume(scene->scene->connection, scene->image, xml, xml, true, &error));

    g_assert_true(g_file_test(scene->image, G_FILE_TEST_EXISTS));
    g_test_message("%s", error->message);
    return error->code;
}

/* Blocks that were written since are not thrown away. */
static void
test_written_since(void)
{
    Scene scene = new_scene(1);
    g_assert_cmpint(resume(&scene, "type='file' device='disk'", ""), ==, KT_ERROR_CONFLICT);
    scene_free(&scene);
}

static void
test_cannot_be_told(void)
{
    Scene scene = new_scene(0);
    g_assert_cmpint(resume(&scene, "type='volume' device='disk'", ""), ==, KT_ERROR_CONFLICT);
    g_assert_cmpint(g_unlink(scene.disk), ==, 0);
    g_assert_cmpint(resume(&scene, "type='file' device='disk'", ""), ==, KT_ERROR_CONFLICT);
    scene_free(&scene);
}

/* The test driver resumes no image with other XML: that it was asked shows that nothing stood in the way. */
static void
test_asked(void)
{
    Scene scene = new_scene(0);
    g_assert_cmpint(resume(&scene, "type='file' device='disk'", ""), ==, KT_ERROR_HYPERVISOR);
    set_age(scene.disk, 2000000);
    g_assert_cmpint(resume(&scene, "type='file' device='cdrom'", ""), ==, KT_ERROR_HYPERVISOR);
    g_assert_cmpint(resume(&scene, "type='file' device='disk'", "<readonly/>"), ==, KT_ERROR_HYPERVISOR);
    scene_free(&scene);
}

/* A place that there isn't, a file that is none of libvirt's, and one that has gone. */
static void
test_no_image(void)
{
    Scene scene = new_scene(0);
    g_autoptr(GError) written = NULL;
    g_autoptr(GError) read = NULL;
    g_autoptr(GError) gone = NULL;
    g_autofree char *nowhere = g_build_filename(scene.scene->host->directory, "no", "image", NULL);
    g_autoptr(virDomain) domain = virDomainLookupByUUIDString(scene.scene->connection, TEST_UUID);
    if (virDomainIsActive(domain) == 0)
        g_assert_cmpint(virDomainCreate(domain), ==, 0);

    g_assert_false(kt_own_image_write(domain, nowhere, &written));
    g_assert_nonnull(strstr(written->message, nowhere));
    g_assert_cmpint(virDomainIsActive(domain), ==, 1);

    g_assert_null(kt_own_image_read(scene.scene->connection, scene.disk, &read));
    g_assert_nonnull(strstr(read->message, scene.disk));

    g_assert_cmpint(g_unlink(scene.image), ==, 0);
    g_assert_false(kt_own_image_resume(scene.scene->connection, scene.image, XML, XML, true, &gone));
    g_assert_error(gone, KT_ERROR, KT_ERROR_IO);
    scene_free(&scene);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    virSetErrorFunc(NULL, quiet);
    g_test_add_func("/agent/exec/own_image/written-since", test_written_since);
    g_test_add_func("/agent/exec/own_image/cannot-be-told", test_cannot_be_told);
    g_test_add_func("/agent/exec/own_image/asked", test_asked);
    g_test_add_func("/agent/exec/own_image/no-image", test_no_image);
    return g_test_run();
}
