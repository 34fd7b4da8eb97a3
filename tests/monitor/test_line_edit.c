/* SPDX-License-Identifier: MIT */
/*
 * The line editor: keys in, lines out; and the screen that its output draws,
 * on a terminal of one line that knows text, CR, BS and CSI K.
 */
#include <string.h>

#include "monitor/line_edit.h"

#define UP    "\033[A"
#define DOWN  "\033[B"
#define RIGHT "\033[C"
#define LEFT  "\033[D"
#define HOME  "\033[H"
#define END   "\033OF"
#define DEL   "\033[3~"

typedef struct Terminal {
    GString *screen; /* of the current line */
    size_t cursor;
    GString *pending; /* an escape sequence that is not complete */
    GPtrArray *lines;
    LineEdit *editor;
} Terminal;

static void terminal_char(Terminal *t, char c)
{
    if (t->cursor < t->screen->len) {
        t->screen->str[t->cursor] = c;
    } else {
        g_string_append_c(t->screen, c);
    }
    t->cursor++;
}

static void terminal_write(void *opaque, const char *text, size_t len)
{
    Terminal *t = opaque;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (t->pending->len > 0 || c == '\033') {
            g_string_append_c(t->pending, c);
            if (strcmp(t->pending->str, "\033[K") == 0) {
                g_string_truncate(t->screen, t->cursor);
                g_string_truncate(t->pending, 0);
            }
            g_assert_cmpuint(t->pending->len, <, 3);
        } else if (c == '\b') {
            g_assert_cmpuint(t->cursor, >, 0);
            t->cursor--;
        } else if (c == '\r') {
            t->cursor = 0;
        } else if (c == '\n') {
            g_string_truncate(t->screen, 0);
        } else if (c != '\a') {
            terminal_char(t, c);
        }
    }
}

static void terminal_line(void *opaque, const char *line)
{
    Terminal *t = opaque;

    g_ptr_array_add(t->lines, g_strdup(line));
    line_edit_prompt(t->editor);
}

static char **terminal_complete(void *opaque, const char *before,
                                const char *prefix)
{
    static const char *const words[] = {"stop", "system_reset",
                                        "system_powerdown", NULL};
    GPtrArray *found = g_ptr_array_new();

    for (unsigned i = 0; !*before && words[i]; i++) {
        if (g_str_has_prefix(words[i], prefix)) {
            g_ptr_array_add(found, g_strdup(words[i]));
        }
    }
    g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(found, FALSE);
}

static const LineEditOps ops = {
    .write = terminal_write,
    .line = terminal_line,
    .complete = terminal_complete,
};

static void setup(Terminal *t, gconstpointer unused)
{
    t->screen = g_string_new(NULL);
    t->pending = g_string_new(NULL);
    t->lines = g_ptr_array_new_with_free_func(g_free);
    t->editor = line_edit_new("> ", &ops, t);
    line_edit_prompt(t->editor);
}

static void teardown(Terminal *t, gconstpointer unused)
{
    line_edit_free(t->editor);
    g_ptr_array_free(t->lines, TRUE);
    g_string_free(t->pending, TRUE);
    g_string_free(t->screen, TRUE);
}

static void type(Terminal *t, const char *keys)
{
    for (; *keys; keys++) {
        line_edit_input(t->editor, *keys);
    }
}

/* Type @keys: the screen shows the prompt and @shown, the cursor after
 * @column characters of it. */
static void assert_shows(Terminal *t, const char *keys, const char *shown,
                         size_t column)
{
    g_autofree char *full = g_strconcat("> ", shown, NULL);

    type(t, keys);
    g_assert_cmpstr(t->screen->str, ==, full);
    g_assert_cmpuint(t->cursor, ==, column + 2);
}

static void assert_last_line(Terminal *t, const char *expected)
{
    g_assert_cmpuint(t->lines->len, >, 0);
    g_assert_cmpstr(g_ptr_array_index(t->lines, t->lines->len - 1), ==,
                    expected);
}

static void test_editing(Terminal *t, gconstpointer unused)
{
    assert_shows(t, "abc", "abc", 3);
    assert_shows(t, LEFT LEFT "X", "aXbc", 2);
    assert_shows(t, "\177", "abc", 1);
    assert_shows(t, DEL, "ac", 1);
    assert_shows(t, HOME "1", "1ac", 1);
    assert_shows(t, END "2", "1ac2", 4);
    assert_shows(t, "\001\004", "ac2", 0);
    assert_shows(t, RIGHT "\013", "a", 1);
    assert_shows(t, " word next", "a word next", 11);
    assert_shows(t, "\027", "a word ", 7);
    assert_shows(t, "\002\002\025", "d ", 0);
    assert_shows(t, LEFT "\b", "d ", 0); /* at the start: nothing happens */
    type(t, "\r");
    assert_last_line(t, "d ");
}

static void test_history(Terminal *t, gconstpointer unused)
{
    type(t, "one\rtwo\rone\r");
    assert_shows(t, "dra", "dra", 3);
    assert_shows(t, UP, "one", 3);
    assert_shows(t, UP, "two", 3);
    assert_shows(t, UP, "two", 3); /* "one" moved to the end */
    assert_shows(t, DOWN, "one", 3);
    assert_shows(t, DOWN, "dra", 3);
    assert_shows(t, DOWN, "dra", 3);
    g_assert_cmpstr(line_edit_history(t->editor)[0], ==, "two");
    g_assert_cmpstr(line_edit_history(t->editor)[1], ==, "one");
    g_assert_null(line_edit_history(t->editor)[2]);
}

static void test_history_bound(Terminal *t, gconstpointer unused)
{
    for (unsigned i = 0; i < 1000; i++) {
        g_autofree char *line = g_strdup_printf("%u\r", i);

        type(t, line);
    }
    g_assert_cmpuint(g_strv_length(line_edit_history(t->editor)), ==, 64);
    assert_shows(t, UP, "999", 3);
}

static void test_completion(Terminal *t, gconstpointer unused)
{
    assert_shows(t, "st\t", "stop ", 5);
    assert_shows(t, "\025sys\t", "system_", 7);
    assert_shows(t, "\t", "system_", 7); /* the choices, then the line again */
    assert_shows(t, "r\t", "system_reset ", 13);
    assert_shows(t, "\025nope\t", "nope", 4);
}

/* Unknown sequences are swallowed whole; a line's length is bounded. */
static void test_hostile(Terminal *t, gconstpointer unused)
{
    assert_shows(t, "a\033[99;99;99Zb\033Zc\033[1;5Cd", "abcd", 4);
    type(t, "\025");
    for (unsigned i = 0; i < 10000; i++) {
        line_edit_input(t->editor, 'x');
    }
    type(t, "\r");
    g_assert_cmpuint(strlen(g_ptr_array_index(t->lines, 0)), ==, 4095);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, fn) g_test_add(name, Terminal, NULL, setup, fn, teardown)
    ADD("/line-edit/editing", test_editing);
    ADD("/line-edit/history", test_history);
    ADD("/line-edit/history-bound", test_history_bound);
    ADD("/line-edit/completion", test_completion);
    ADD("/line-edit/hostile", test_hostile);
    return g_test_run();
}
