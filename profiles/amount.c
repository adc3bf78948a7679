/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/amount.h"

#include <string.h>

#include "base/error.h"
#include "base/nearest.h"

#define MAX_UNITS 3

/* The units of one kind of number, smallest first. */
typedef struct {
    const char *names[MAX_UNITS + 1]; /* NULL-terminated; none: a bare number */
    gint64 scales[MAX_UNITS];         /* in the kind's own unit */
} Units;

static const Units *
units_of(KtValueKind kind)
{
    static const Units none = {0};
    static const Units time = {{"us", "ms", "s"}, {1, 1000, 1000 * 1000}};
    static const Units percent = {{"%"}, {1}};
    static const Units size = {{"KiB", "MiB", "GiB"}, {1, 1024, 1024 * 1024}};
    if (kind == KT_VALUE_TIME)
        return &time;
    if (kind == KT_VALUE_PERCENT)
        return &percent;
    return kind == KT_VALUE_SIZE ? &size : &none;
}

/* The digits that @text begins with, and where they end. */
static bool
read_digits(const char *text, gint64 *ret_number, const char **ret_end, GError **error)
{
    const char *end = text + (*text == '-');
    end += strspn(end, "0123456789");
    g_autofree char *digits = g_strndup(text, (gsize)(end - text));
    g_autoptr(GError) fault = NULL;
    *ret_end = end;
    if (*end == '.')
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "'%s' is no whole number; take a smaller unit", text);
    else if (g_ascii_string_to_signed(digits, 10, G_MININT64, G_MAXINT64, ret_number, &fault))
        return true;
    else if (g_error_matches(fault, G_NUMBER_PARSER_ERROR, G_NUMBER_PARSER_ERROR_OUT_OF_BOUNDS))
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "%s is too great a number", digits);
    else
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "'%s' does not begin with a number", text);
    return false;
}

/* What a wrong @unit is told. */
static bool
fail_unit(const Units *units, const char *text, const char *unit, KtAmountFault *fault, GError **error)
{
    g_autofree char *names = g_strjoinv(", ", (char **)units->names);
    fault->wrong = unit;
    fault->suggestion = *unit ? kt_nearest(unit, units->names) : NULL;
    if (*names == '\0')
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "'%s' after the number: it takes no unit", unit);
    else if (*unit == '\0')
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "'%s' has no unit: %s", text, names);
    else
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "'%s' is no unit of it: %s", unit, names);
    return false;
}

bool
kt_amount_read(KtValueKind kind, const char *text, gint64 *ret_number, KtAmountFault *ret_fault,
               GError **error)
{
    const Units *units = units_of(kind);
    gint64 number;
    const char *unit;
    *ret_fault = (KtAmountFault){.wrong = text};
    if (!read_digits(text, &number, &unit, error))
        return false;
    unit += strspn(unit, " \t");

    guint i = 0;
    while (units->names[i] && !g_str_equal(units->names[i], unit))
        i++;
    bool bare = !units->names[0] && *unit == '\0';
    if (!units->names[i] && !bare)
        return fail_unit(units, text, unit, ret_fault, error);
    if (__builtin_mul_overflow(number, bare ? 1 : units->scales[i], &number)) {
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "%s is too great a number", text);
        return false;
    }
    *ret_number = number;
    return true;
}

char *
kt_amount_format(KtValueKind kind, gint64 number)
{
    const Units *units = units_of(kind);
    if (!units->names[0])
        return g_strdup_printf("%" G_GINT64_FORMAT, number);
    guint best = 0;
    for (guint i = 1; units->names[i]; i++)
        if (number != 0 && number % units->scales[i] == 0)
            best = i;
    return g_strdup_printf("%" G_GINT64_FORMAT "%s", number / units->scales[best], units->names[best]);
}
