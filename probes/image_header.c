/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "probes/images.h"

#define QCOW2_HEADER_V2 72
#define QCOW2_HEADER_V3 104
#define QCOW2_NAME_MAX 1023
#define QCOW2_EXTERNAL_DATA (G_GUINT64_CONSTANT(1) << 2)
#define QCOW2_BACKING_FORMAT 0xE2792ACA
#define QCOW2_DATA_FILE 0x44415441

/** The first bytes of a file. */
typedef struct {
    const guint8 *bytes;
    gsize n;
} Header;

/* A big-endian number at @at; 0 beyond the end. */
static guint64
number(const Header *header, gsize at, gsize size)
{
    guint64 value = 0;
    for (gsize i = 0; i < size; i++)
        value = value << 8 | (at + i < header->n ? header->bytes[at + i] : 0);
    return value;
}

/* @length bytes at @at as text, up to a NUL; NULL where they aren't all there. */
static char *
text(const Header *header, guint64 at, guint64 length)
{
    if (length == 0 || length > QCOW2_NAME_MAX || at > header->n || length > header->n - at)
        return NULL;
    return g_strndup((const char *)header->bytes + at, length);
}

/* Extensions follow the header: type, length, data padded to 8 bytes, until a type of 0. */
static void
read_extensions(KtImage *image, const Header *header, gsize at)
{
    while (at + 8 <= header->n) {
        guint64 type = number(header, at, 4), length = number(header, at + 4, 4);
        if (type == 0)
            return;
        if (type == QCOW2_BACKING_FORMAT && !image->backing_format)
            image->backing_format = text(header, at + 8, length);
        else if (type == QCOW2_DATA_FILE && image->data_file && !*image->data_file) {
            char *name = text(header, at + 8, length);
            if (name) {
                g_free(image->data_file);
                image->data_file = name;
            }
        }
        at += 8 + (length + 7) / 8 * 8;
    }
}

static void
read_qcow2(KtImage *image, const Header *header)
{
    image->format = g_strdup("qcow2");
    image->version = (guint)number(header, 4, 4);
    image->backing = text(header, number(header, 8, 8), number(header, 16, 4));
    image->virtual_bytes = number(header, 24, 8);
    image->encrypted = number(header, 32, 4) != 0;
    image->snapshots = (guint)number(header, 60, 4);
    gsize extensions = QCOW2_HEADER_V2;
    if (image->version >= 3) {
        if (number(header, 72, 8) & QCOW2_EXTERNAL_DATA)
            image->data_file = g_strdup("");
        extensions = MAX(QCOW2_HEADER_V3, (gsize)number(header, 100, 4));
    }
    read_extensions(image, header, extensions);
}

void
kt_image_parse_header(KtImage *image, const guint8 *bytes, gsize n_bytes)
{
    static const struct {
        gsize at;
        const char *magic;
        gsize length;
        const char *format;
    } formats[] = {
        {0, "QED\0", 4, "qed"},     {0, "KDMV", 4, "vmdk"},    {0x40, "\x7f\x10\xda\xbe", 4, "vdi"},
        {0, "vhdxfile", 8, "vhdx"}, {0, "conectix", 8, "vpc"}, {0, "LUKS\xba\xbe", 6, "luks"},
    };
    const Header header = {.bytes = bytes, .n = n_bytes};
    guint64 version = number(&header, 4, 4);
    if (n_bytes >= QCOW2_HEADER_V2 && memcmp(bytes, "QFI\xfb", 4) == 0 && version >= 2 && version <= 3) {
        read_qcow2(image, &header);
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(formats) && !image->format; i++) {
        if (n_bytes >= formats[i].at + formats[i].length &&
            memcmp(bytes + formats[i].at, formats[i].magic, formats[i].length) == 0)
            image->format = g_strdup(formats[i].format);
    }
    if (!image->format)
        image->format = g_strdup("raw");
    image->encrypted = g_str_equal(image->format, "luks");
}
