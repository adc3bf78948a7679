/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/xml_tree.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/xmlsave.h>
#include <string.h>

#include "base/error.h"

typedef xmlParserCtxt ParserCtxt;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ParserCtxt, xmlFreeParserCtxt)

typedef xmlBuffer SaveBuffer;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SaveBuffer, xmlBufferFree)

/* libxml2's messages quote the document: they may have line breaks, control characters and broken UTF-8. */
static char *
message_line(const char *message)
{
    g_autofree char *valid = g_utf8_make_valid(message != NULL ? message : "not XML", -1);
    for (char *c = valid; *c != '\0'; c++) {
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    }
    return g_strdup(g_strstrip(valid));
}

/* Keeps the first fatal error: those that follow are mostly its consequences. libxml2 has stored the error in
 * the context before it calls this; the parameters are the same text in pieces. */
static void G_GNUC_PRINTF(2, 3) on_error(void *data, G_GNUC_UNUSED const char *format, ...)
{
    xmlParserCtxt *context = data;
    GError **error = context->_private;
    const xmlError *raised = xmlCtxtGetLastError(context);
    if (*error != NULL || raised == NULL || raised->level != XML_ERR_FATAL)
        return;
    g_autofree char *message = message_line(raised->message);
    g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "line %d: %s", raised->line, message);
}

/* Stopping here keeps libxml2 from ever reading what a document type declares. */
static void
on_document_type(void *data, G_GNUC_UNUSED const xmlChar *name, G_GNUC_UNUSED const xmlChar *external_id,
                 G_GNUC_UNUSED const xmlChar *system_id)
{
    xmlParserCtxt *context = data;
    GError **error = context->_private;
    if (*error == NULL) {
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "line %d: a document type (DOCTYPE) is not accepted",
                    xmlSAX2GetLineNumber(context));
    }
    xmlStopParser(context);
}

xmlDoc *
kt_xml_parse(const char *text, gsize max_bytes, GError **error)
{
    gsize length = strlen(text);
    if (length > MIN(max_bytes, G_MAXINT)) {
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE,
                    "%" G_GSIZE_FORMAT " bytes are too long, at most %" G_GSIZE_FORMAT " are read", length,
                    max_bytes);
        return NULL;
    }
    xmlInitParser();
    g_autoptr(GError) failure = NULL;
    g_autoptr(ParserCtxt) context = xmlNewParserCtxt();
    context->_private = &failure;
    context->sax->internalSubset = on_document_type;
    context->sax->error = on_error;
    /* Without XML_PARSE_NOENT and XML_PARSE_DTDLOAD nothing is expanded or loaded, without XML_PARSE_HUGE
     * libxml2's own limits on depth and size hold. */
    g_autoptr(xmlDoc) doc =
        xmlCtxtReadMemory(context, text, (int)length, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOWARNING);
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    if (doc == NULL || xmlDocGetRootElement(doc) == NULL) {
        g_set_error_literal(error, KT_ERROR, KT_ERROR_PARSE, "not XML");
        return NULL;
    }
    return g_steal_pointer(&doc);
}

char *
kt_xml_format(xmlDoc *doc, GError **error)
{
    /* -1 is libxml2's mark of a document that had no declaration. */
    int options = doc->standalone == -1 ? XML_SAVE_NO_DECL : 0;
    g_autoptr(SaveBuffer) buffer = xmlBufferCreate();
    xmlSaveCtxt *save = xmlSaveToBuffer(buffer, "UTF-8", options);
    bool saved = save != NULL && xmlSaveDoc(save, doc) >= 0;
    /* Closing flushes: its failure counts, and it comes in any case. */
    if (save == NULL || xmlSaveClose(save) < 0 || !saved) {
        g_set_error_literal(error, KT_ERROR, KT_ERROR_PARSE, "the XML can't be written as text");
        return NULL;
    }
    return g_strdup((const char *)xmlBufferContent(buffer));
}

bool
kt_xml_is_element(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && node->ns == NULL && xmlStrEqual(node->name, BAD_CAST name);
}

xmlNode *
kt_xml_child(const xmlNode *parent, const char *name)
{
    for (xmlNode *node = parent != NULL ? parent->children : NULL; node != NULL; node = node->next) {
        if (kt_xml_is_element(node, name))
            return node;
    }
    return NULL;
}

GPtrArray *
kt_xml_grandchildren(const xmlNode *parent, const char *group, const char *name)
{
    GPtrArray *found = g_ptr_array_new();
    for (xmlNode *node = parent->children; node != NULL; node = node->next) {
        if (!kt_xml_is_element(node, group))
            continue;
        for (xmlNode *child = node->children; child != NULL; child = child->next) {
            if (kt_xml_is_element(child, name))
                g_ptr_array_add(found, child);
        }
    }
    return found;
}

/* libxml2's allocator may be another than GLib's. */
static char *
take_string(xmlChar *string)
{
    char *copy = string != NULL && *string != '\0' ? g_strdup((const char *)string) : NULL;
    xmlFree(string);
    return copy;
}

char *
kt_xml_attr(const xmlNode *node, const char *name)
{
    return node != NULL ? take_string(xmlGetNoNsProp(node, BAD_CAST name)) : NULL;
}

char *
kt_xml_raw_text(const xmlNode *node)
{
    return node != NULL ? take_string(xmlNodeGetContent(node)) : NULL;
}

char *
kt_xml_text(const xmlNode *node)
{
    g_autofree char *text = kt_xml_raw_text(node);
    if (text == NULL || *g_strstrip(text) == '\0')
        return NULL;
    return g_steal_pointer(&text);
}

bool
kt_xml_attr_number(const xmlNode *node, const char *name, guint max, guint *ret_number)
{
    g_autofree char *text = kt_xml_attr(node, name);
    guint64 number = 0;
    if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 0, max, &number, NULL))
        return false;
    *ret_number = (guint)number;
    return true;
}

bool
kt_xml_is_empty(const xmlNode *node)
{
    for (const xmlNode *child = node->children; child != NULL; child = child->next) {
        if (child->type != XML_TEXT_NODE || !xmlIsBlankNode(child))
            return false;
    }
    return true;
}

xmlNode *
kt_xml_last_child_of(const xmlNode *parent, const char *const *names)
{
    for (xmlNode *node = parent->last; node != NULL; node = node->prev) {
        for (const char *const *name = names; *name != NULL; name++) {
            if (kt_xml_is_element(node, *name))
                return node;
        }
    }
    return NULL;
}

/* The line break and indentation at the end of a text node of only white space, "" where there is no line
 * break. */
static const char *
line_start(const xmlNode *node)
{
    if (node == NULL || node->type != XML_TEXT_NODE || !xmlIsBlankNode(node))
        return "";
    const char *newline = strrchr((const char *)node->content, '\n');
    return newline != NULL ? newline : "";
}

static void
put_text_before(xmlNode *node, const char *text)
{
    if (*text != '\0')
        xmlAddPrevSibling(node, xmlNewDocText(node->doc, BAD_CAST text));
}

/* libvirt indents by two spaces a level. */
static void
fill_empty(xmlNode *parent, xmlNode *node)
{
    while (parent->children != NULL) {
        xmlNode *blank = parent->children;
        xmlUnlinkNode(blank);
        xmlFreeNode(blank);
    }
    xmlAddChild(parent, node);
    const char *outer = line_start(parent->prev);
    if (*outer != '\0') {
        g_autofree char *inner = g_strconcat(outer, "  ", NULL);
        put_text_before(node, inner);
        xmlAddChild(parent, xmlNewDocText(parent->doc, BAD_CAST outer));
    }
}

xmlNode *
kt_xml_insert(xmlNode *parent, xmlNode *after, const char *name)
{
    xmlNode *node = xmlNewDocNode(parent->doc, NULL, BAD_CAST name, NULL);
    if (kt_xml_is_empty(parent)) {
        fill_empty(parent, node);
        return node;
    }
    const char *start = after != NULL ? line_start(after->prev) : "";
    g_autofree char *text = g_strdup(*start != '\0' ? start : line_start(parent->children));
    /* The element goes in before its line break: libxml2 would merge that into a text beside it. */
    if (after != NULL) {
        xmlAddNextSibling(after, node);
    } else {
        xmlAddPrevSibling(parent->children, node);
    }
    put_text_before(node, text);
    return node;
}

void
kt_xml_remove(xmlNode *node)
{
    xmlNode *blank = node->prev;
    gsize drop = strlen(line_start(blank));
    if (drop > 0) {
        g_autofree char *rest = g_strdup((const char *)blank->content);
        rest[strlen(rest) - drop] = '\0';
        if (*rest != '\0') {
            xmlNodeSetContent(blank, BAD_CAST rest);
        } else {
            xmlUnlinkNode(blank);
            xmlFreeNode(blank);
        }
    }
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}

void
kt_xml_set_attr(xmlNode *node, const char *name, const char *value, const char *const *after)
{
    bool is_new = xmlHasNsProp(node, BAD_CAST name, NULL) == NULL;
    xmlAttr *attr = xmlSetNsProp(node, NULL, BAD_CAST name, BAD_CAST value);
    if (!is_new || attr == NULL || node->properties == attr)
        return;
    xmlAttr *anchor = NULL;
    for (const char *const *word = after; *word != NULL; word++) {
        xmlAttr *found = xmlHasNsProp(node, BAD_CAST * word, NULL);
        anchor = found != NULL ? found : anchor;
    }
    if (anchor != NULL) {
        xmlAddNextSibling((xmlNode *)anchor, (xmlNode *)attr);
    } else {
        xmlAddPrevSibling((xmlNode *)node->properties, (xmlNode *)attr);
    }
}
