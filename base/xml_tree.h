/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libxml/tree.h>
#include <stdbool.h>

/**
 * libxml2's tree as kvm-tune uses it: texts from outside are read safely, and elements are put in and taken
 * out without disturbing the lines around them. Names are without namespace: what has one isn't libvirt's.
 */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

/**
 * Reads @text, at most @max_bytes. Nothing is loaded, no entity is expanded, a document type is refused.
 * Errors: parse, with the line.
 */
xmlDoc *kt_xml_parse(const char *text, gsize max_bytes, GError **error);

/** The document as text in UTF-8, with an XML declaration only where it came with one. Owned. */
char *kt_xml_format(xmlDoc *doc, GError **error);

/** The first child element called @name, or NULL. @parent may be NULL. */
xmlNode *kt_xml_child(const xmlNode *parent, const char *name);

/** All elements @name in all children @group of @parent, in the document's order. Borrowed from the tree. */
GPtrArray *kt_xml_grandchildren(const xmlNode *parent, const char *group, const char *name);

bool kt_xml_is_element(const xmlNode *node, const char *name);

/** The attribute, NULL where it is absent or empty or @node is NULL. Owned. */
char *kt_xml_attr(const xmlNode *node, const char *name);

/** The text inside @node as it is, NULL where there is none or @node is NULL. Owned. */
char *kt_xml_raw_text(const xmlNode *node);

/** The text inside @node without the white space around it, NULL where there is none or @node is NULL. Owned.
 */
char *kt_xml_text(const xmlNode *node);

/** The attribute as a decimal number of at most @max; false where it is absent or anything else. */
bool kt_xml_attr_number(const xmlNode *node, const char *name, guint max, guint *ret_number);

/** Whether nothing is in @node but white space, attributes aside. */
bool kt_xml_is_empty(const xmlNode *node);

/** The last child element of @parent that @names (NULL-terminated) has, or NULL. */
xmlNode *kt_xml_last_child_of(const xmlNode *parent, const char *const *names);

/**
 * Makes an element @name in @parent behind its child @after (NULL: as the first). Where the elements around
 * it have lines of their own, so has the new one, indented like them. Borrowed.
 */
xmlNode *kt_xml_insert(xmlNode *parent, xmlNode *after, const char *name);

/** Takes @node out and frees it, with the line break and indentation before it: the inverse of
 * kt_xml_insert(). */
void kt_xml_remove(xmlNode *node);

/** Sets the attribute. A new one comes behind the last of those in @after (NULL-terminated), else first. */
void kt_xml_set_attr(xmlNode *node, const char *name, const char *value, const char *const *after);
