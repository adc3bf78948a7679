/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/domain_xml.h"
#include "base/error.h"

static inline char *
edit(const char *xml, KtXmlField field, const char *item, const char *value)
{
    g_autoptr(GError) error = NULL;
    const KtXmlEdit one = {.field = field, .item = item, .value = value};
    char *edited = kt_domain_xml_edit(xml, &one, 1, &error);
    g_assert_no_error(error);
    return edited;
}

/** The same text as libxml2 writes it: what edits are compared with. */
static inline char *
unedited(const char *xml)
{
    g_autoptr(GError) error = NULL;
    char *text = kt_domain_xml_edit(xml, NULL, 0, &error);
    g_assert_no_error(error);
    return text;
}

static inline char *
get(const char *xml, KtXmlField field, const char *item)
{
    g_autoptr(GError) error = NULL;
    char *value = (char *)"untouched";
    kt_domain_xml_get(xml, field, item, &value, &error);
    g_assert_no_error(error);
    return value;
}

static inline void
assert_value(const char *xml, KtXmlField field, const char *item, const char *wanted)
{
    g_autofree char *value = get(xml, field, item);
    g_assert_cmpstr(value, ==, wanted);
}

/** @text with its one @old as @new. */
static inline char *
with(const char *text, const char *old, const char *new)
{
    const char *place = strstr(text, old);
    if (place == NULL || strstr(place + 1, old) != NULL)
        g_error("'%s' isn't there just once", old);
    return g_strdup_printf("%.*s%s%s", (int)(place - text), text, new, place + strlen(old));
}

/** Making the edit turns just @old into @new, and the edit back gives the same text again. */
static inline void
assert_edit(const char *xml, KtXmlField field, const char *item, const char *value, const char *old,
            const char *new)
{
    g_autofree char *before = unedited(xml);
    g_autofree char *wanted = with(before, old, new);
    g_autofree char *present = get(xml, field, item);

    g_autofree char *edited = edit(xml, field, item, value);
    g_assert_cmpstr(edited, ==, wanted);
    assert_value(edited, field, item, value);

    g_autofree char *back = edit(edited, field, item, present);
    g_assert_cmpstr(back, ==, before);
}

/** The edit is no edit of this definition; the message says @words. */
static inline void
assert_refused(const char *xml, KtXmlField field, const char *item, const char *value, const char *words)
{
    g_autoptr(GError) error = NULL;
    const KtXmlEdit one = {.field = field, .item = item, .value = value};
    g_autofree char *edited = kt_domain_xml_edit(xml, &one, 1, &error);
    g_assert_null(edited);
    g_assert_error(error, KT_ERROR, KT_ERROR_INVALID);
    if (strstr(error->message, words) == NULL)
        g_error("'%s' isn't in: %s", words, error->message);
}

static inline int
compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static inline char *
sorted_lines(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    qsort(lines, g_strv_length(lines), sizeof(*lines), compare_lines);
    return g_strjoinv("\n", lines);
}

/** Set and set back is as before byte for byte; removed and set back too, but for the order. */
static inline void
try_there_and_back(const char *path, const char *xml, KtXmlField field, const char *item, const char *value)
{
    g_autofree char *present = NULL;
    if (!kt_domain_xml_get(xml, field, item, &present, NULL))
        return;
    g_autofree char *set = edit(xml, field, item, value);
    assert_value(set, field, item, value);
    g_autofree char *set_back = edit(set, field, item, present);
    g_autofree char *removed = edit(xml, field, item, NULL);
    assert_value(removed, field, item, NULL);
    g_autofree char *removed_back = edit(removed, field, item, present);
    if (strcmp(set_back, xml) != 0)
        g_error("%s: %s set and set back isn't as before:\n%s", path, item, set_back);
    /* What a person wrote in another order than libvirt comes back in libvirt's. */
    g_autofree char *lines_before = sorted_lines(xml);
    g_autofree char *lines_after = sorted_lines(removed_back);
    if (strcmp(lines_before, lines_after) != 0)
        g_error("%s: %s removed and set back isn't as before:\n%s", path, item, removed_back);
}
