/* SPDX-License-Identifier: MIT */
/*
 * The line editor: Emacs keys, cursor keys (ECMA-48 "CSI" sequences), history,
 * completion.  It draws by three means alone: text, backspace, and CSI K,
 * which clears to the end of the line.
 */
#include "monitor/line_edit.h"

#include <string.h>

#define LINE_MAX_BYTES 4095
#define HISTORY_LINES  64

#define CTRL(c) ((c)&0x1f)
#define KEY_ESC 0x1b
#define KEY_DEL 0x7f

typedef enum EscapeState {
    ESC_NONE,
    ESC_ESC, /* after ESC */
    ESC_CSI, /* after ESC [ */
    ESC_SS3, /* after ESC O */
} EscapeState;

struct LineEdit {
    char *prompt;
    const LineEditOps *ops;
    void *opaque;
    GString *line;
    size_t cursor;      /* 0 to line->len */
    GPtrArray *history; /* char *, NULL-terminated */
    guint history_pos;  /* entry shown; count: the new line */
    char *saved_line;   /* the new line while an entry is shown */
    EscapeState escape;
    unsigned csi_param;
};

LineEdit *line_edit_new(const char *prompt, const LineEditOps *ops,
                        void *opaque)
{
    LineEdit *e = g_new0(LineEdit, 1);

    e->prompt = g_strdup(prompt);
    e->ops = ops;
    e->opaque = opaque;
    e->line = g_string_new(NULL);
    e->history = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(e->history, NULL);
    return e;
}

void line_edit_free(LineEdit *e)
{
    g_string_free(e->line, TRUE);
    g_ptr_array_free(e->history, TRUE);
    g_free(e->saved_line);
    g_free(e->prompt);
    g_free(e);
}

char **line_edit_history(LineEdit *e)
{
    return (char **)e->history->pdata;
}

static guint history_count(const LineEdit *e)
{
    return e->history->len - 1;
}

/* --- drawing --- */

static void put(LineEdit *e, const char *text)
{
    e->ops->write(e->opaque, text, strlen(text));
}

static void move_left(LineEdit *e, size_t n)
{
    while (n--) {
        put(e, "\b");
    }
}

/* Draw from the cursor to the end again, and come back. */
static void draw_tail(LineEdit *e)
{
    put(e, e->line->str + e->cursor);
    put(e, "\033[K");
    move_left(e, e->line->len - e->cursor);
}

void line_edit_prompt(LineEdit *e)
{
    put(e, e->prompt);
    put(e, e->line->str);
    move_left(e, e->line->len - e->cursor);
}

void line_edit_reset(LineEdit *e)
{
    g_string_truncate(e->line, 0);
    e->cursor = 0;
    e->escape = ESC_NONE;
    e->history_pos = history_count(e);
}

/* --- editing --- */

static void insert(LineEdit *e, const char *text, size_t len)
{
    if (e->line->len + len > LINE_MAX_BYTES) {
        put(e, "\a");
        return;
    }
    g_string_insert_len(e->line, e->cursor, text, len);
    e->cursor += len;
    e->ops->write(e->opaque, text, len);
    if (e->cursor < e->line->len) {
        draw_tail(e);
    }
}

static void move_to(LineEdit *e, size_t pos)
{
    if (pos < e->cursor) {
        move_left(e, e->cursor - pos);
    } else {
        e->ops->write(e->opaque, e->line->str + e->cursor, pos - e->cursor);
    }
    e->cursor = pos;
}

/* Remove what lies between @pos and the cursor, whichever is first. */
static void erase_to(LineEdit *e, size_t pos)
{
    size_t from = MIN(pos, e->cursor), to = MAX(pos, e->cursor);

    if (from == to) {
        return;
    }
    move_to(e, from);
    g_string_erase(e->line, from, to - from);
    draw_tail(e);
}

static size_t word_start(const LineEdit *e)
{
    size_t pos = e->cursor;

    while (pos > 0 && e->line->str[pos - 1] == ' ') {
        pos--;
    }
    while (pos > 0 && e->line->str[pos - 1] != ' ') {
        pos--;
    }
    return pos;
}

static void replace_line(LineEdit *e, const char *text)
{
    move_to(e, 0);
    g_string_assign(e->line, text);
    put(e, e->line->str);
    put(e, "\033[K");
    e->cursor = e->line->len;
}

/* --- history --- */

static void history_show(LineEdit *e, guint pos)
{
    if (pos > history_count(e)) {
        return;
    }
    if (e->history_pos == history_count(e)) {
        g_free(e->saved_line);
        e->saved_line = g_strdup(e->line->str);
    }
    e->history_pos = pos;
    replace_line(e, pos == history_count(e)
                        ? e->saved_line
                        : g_ptr_array_index(e->history, pos));
}

static void history_up(LineEdit *e)
{
    if (e->history_pos > 0) {
        history_show(e, e->history_pos - 1);
    }
}

static void history_down(LineEdit *e)
{
    if (e->history_pos < history_count(e)) {
        history_show(e, e->history_pos + 1);
    }
}

/* A line that was entered before moves to the end. */
static void history_add(LineEdit *e, const char *line)
{
    guint count = history_count(e);

    if (*line == '\0') {
        return;
    }
    for (guint i = 0; i < count; i++) {
        if (strcmp(g_ptr_array_index(e->history, i), line) == 0) {
            g_ptr_array_remove_index(e->history, i);
            break;
        }
    }
    if (history_count(e) >= HISTORY_LINES) {
        g_ptr_array_remove_index(e->history, 0);
    }
    g_ptr_array_insert(e->history, history_count(e), g_strdup(line));
}

/* --- completion --- */

/* How many bytes all the words share. */
static size_t common_prefix(char **words)
{
    size_t len = strlen(words[0]);

    for (unsigned i = 1; words[i]; i++) {
        size_t n = 0;

        while (n < len && words[i][n] == words[0][n]) {
            n++;
        }
        len = n;
    }
    return len;
}

static void list_words(LineEdit *e, char **words)
{
    put(e, "\r\n");
    for (unsigned i = 0; words[i]; i++) {
        put(e, words[i]);
        put(e, words[i + 1] ? "  " : "\r\n");
    }
    line_edit_prompt(e);
}

static void complete(LineEdit *e)
{
    size_t start = e->cursor, shared;
    g_autofree char *prefix = NULL, *before = NULL;
    g_auto(GStrv) words = NULL;

    while (start > 0 && e->line->str[start - 1] != ' ') {
        start--;
    }
    prefix = g_strndup(e->line->str + start, e->cursor - start);
    before = g_strndup(e->line->str, start);
    words = e->ops->complete ? e->ops->complete(e->opaque, before, prefix)
                             : NULL;
    if (!words || !words[0]) {
        return;
    }
    shared = common_prefix(words);
    if (shared > strlen(prefix)) {
        insert(e, words[0] + strlen(prefix), shared - strlen(prefix));
    } else if (words[1]) {
        list_words(e, words);
    }
    /* A folder is not the end of a name. */
    if (!words[1] && !g_str_has_suffix(words[0], "/")) {
        insert(e, " ", 1);
    }
}

/* --- keys --- */

static void enter(LineEdit *e)
{
    g_autofree char *line = g_strdup(e->line->str);

    put(e, "\r\n");
    history_add(e, line);
    line_edit_reset(e);
    e->ops->line(e->opaque, line);
}

static void key_cursor(LineEdit *e, uint8_t final)
{
    switch (final) {
    case 'A':
        history_up(e);
        break;
    case 'B':
        history_down(e);
        break;
    case 'C':
        move_to(e, MIN(e->cursor + 1, e->line->len));
        break;
    case 'D':
        move_to(e, e->cursor - (e->cursor > 0));
        break;
    case 'H':
        move_to(e, 0);
        break;
    case 'F':
        move_to(e, e->line->len);
        break;
    default:
        break;
    }
}

/* CSI number ~ : the keys of the block above the cursor keys. */
static void key_numbered(LineEdit *e, unsigned number)
{
    switch (number) {
    case 1:
    case 7:
        move_to(e, 0);
        break;
    case 3:
        erase_to(e, MIN(e->cursor + 1, e->line->len));
        break;
    case 4:
    case 8:
        move_to(e, e->line->len);
        break;
    default:
        break;
    }
}

static void escape_byte(LineEdit *e, uint8_t byte)
{
    switch (e->escape) {
    case ESC_ESC:
        e->escape = byte == '[' ? ESC_CSI : byte == 'O' ? ESC_SS3 : ESC_NONE;
        e->csi_param = 0;
        break;
    case ESC_CSI:
        if (byte >= '0' && byte <= '9') {
            e->csi_param = MIN(e->csi_param * 10 + (byte - '0'), 999);
        } else if (byte == ';') {
            e->csi_param = 0; /* modifiers do not matter */
        } else {
            e->escape = ESC_NONE;
            if (byte == '~') {
                key_numbered(e, e->csi_param);
            } else {
                key_cursor(e, byte);
            }
        }
        break;
    case ESC_SS3:
        e->escape = ESC_NONE;
        key_cursor(e, byte);
        break;
    case ESC_NONE:
        break;
    }
}

static void key_control(LineEdit *e, uint8_t byte)
{
    switch (byte) {
    case CTRL('A'):
        move_to(e, 0);
        break;
    case CTRL('B'):
        key_cursor(e, 'D');
        break;
    case CTRL('D'):
        key_numbered(e, 3);
        break;
    case CTRL('E'):
        move_to(e, e->line->len);
        break;
    case CTRL('F'):
        key_cursor(e, 'C');
        break;
    case CTRL('H'):
    case KEY_DEL:
        erase_to(e, e->cursor - (e->cursor > 0));
        break;
    case '\t':
        complete(e);
        break;
    case '\n':
    case '\r':
        enter(e);
        break;
    case CTRL('K'):
        erase_to(e, e->line->len);
        break;
    case CTRL('L'):
        put(e, "\033[H\033[J");
        line_edit_prompt(e);
        break;
    case CTRL('N'):
        history_down(e);
        break;
    case CTRL('P'):
        history_up(e);
        break;
    case CTRL('U'):
        erase_to(e, 0);
        break;
    case CTRL('W'):
        erase_to(e, word_start(e));
        break;
    case KEY_ESC:
        e->escape = ESC_ESC;
        break;
    default:
        break;
    }
}

void line_edit_input(LineEdit *e, uint8_t byte)
{
    if (e->escape != ESC_NONE) {
        escape_byte(e, byte);
    } else if (byte < ' ' || byte == KEY_DEL) {
        key_control(e, byte);
    } else {
        insert(e, (const char *)&byte, 1);
    }
}
