#include "ui/term.h"

#include <curses.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"

#define PASTE_ON "\x1b[?2004h"
#define PASTE_OFF "\x1b[?2004l"
#define RESTORE_BYTES 128

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
#define CRASH_COUNT (sizeof crash_signals / sizeof crash_signals[0])

/* Process-wide, like the terminal itself; a crash handler must find it. */
static struct {
    bool started, shown, colors, exit_hooked;
    SCREEN *screen;
    struct termios before;
    char restore[RESTORE_BYTES]; /* what a crash writes: no curses then */
    size_t restore_len;
    struct sigaction old[CRASH_COUNT];
} term;

/* Only async-signal-safe calls; then the signal takes its former course. */
static void on_crash(int number)
{
    if (term.shown) {
        term.shown = false;
        if (write(STDOUT_FILENO, term.restore, term.restore_len) < 0)
            _exit(128 + number);
        tcsetattr(STDIN_FILENO, TCSANOW, &term.before);
    }
    for (size_t i = 0; i < CRASH_COUNT; i++)
        if (crash_signals[i] == number)
            sigaction(number, &term.old[i], NULL);
    raise(number);
}

/* Terminfo strings may carry "$<5>" delays, which only tputs understands. */
static void add_restore(const char *text)
{
    if (!text || text == (const char *)-1)
        return;
    for (; *text && term.restore_len < RESTORE_BYTES; text++) {
        if (text[0] == '$' && text[1] == '<' && strchr(text, '>'))
            text = strchr(text, '>');
        else
            term.restore[term.restore_len++] = *text;
    }
}

static void hook_crashes(void)
{
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND};

    term.restore_len = 0;
    add_restore(PASTE_OFF);
    add_restore(tigetstr("sgr0"));
    add_restore(tigetstr("cnorm"));
    add_restore(tigetstr("rmcup"));
    for (size_t i = 0; i < CRASH_COUNT; i++)
        sigaction(crash_signals[i], &action, &term.old[i]);
}

static void write_now(const char *text)
{
    fputs(text, stdout);
    fflush(stdout);
}

/* A "dumb" terminal, or one that prints on paper, would show the sequences, or one line over the
 * other. */
static const char *what_is_missing(void)
{
    int known = 0;

    if (setupterm(NULL, STDOUT_FILENO, &known) != OK)
        return "the terminal type (TERM) is unknown";
    const char *position = tigetstr("cup");
    const bool can = position != NULL && position != (const char *)-1;

    del_curterm(cur_term);
    return can ? NULL : "this terminal (TERM) cannot position its cursor";
}

int term_start(bool colors, const char **why)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &term.before) < 0) {
        *why = "not a terminal";
        return DUET_ESYS;
    }
    const char *missing = what_is_missing();

    if (missing != NULL) {
        *why = missing;
        return DUET_ESYS;
    }
    term.screen = newterm(NULL, stdout, stdin);
    if (!term.screen) {
        *why = "the terminal cannot be set up";
        return DUET_ESYS;
    }
    set_term(term.screen);
    /* Not curses' handlers: the caller takes these signals, and suspends with term_suspend. */
    signal(SIGTSTP, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    raw();
    noecho();
    nonl();
    leaveok(stdscr, FALSE);
    scrollok(stdscr, FALSE);
    term.colors = colors && has_colors() && start_color() == OK && use_default_colors() == OK;
    term.started = true;
    term.shown = true;
    hook_crashes();
    if (!term.exit_hooked)
        term.exit_hooked = atexit(term_stop) == 0;
    write_now(PASTE_ON);
    return 0;
}

void term_suspend(void)
{
    if (!term.shown)
        return;
    write_now(PASTE_OFF);
    endwin();
    tcsetattr(STDIN_FILENO, TCSANOW, &term.before);
    term.shown = false;
}

void term_resume(void)
{
    if (!term.started || term.shown)
        return;
    raw();
    noecho();
    nonl();
    term.shown = true;
    term_resize();
    clearok(curscr, TRUE);
    refresh();
    write_now(PASTE_ON);
}

void term_stop(void)
{
    if (!term.started)
        return;
    if (term.shown)
        tcflush(STDIN_FILENO, TCIFLUSH); /* what was typed for us is no command for the shell */
    term_suspend();
    term.started = false;
    for (size_t i = 0; i < CRASH_COUNT; i++)
        sigaction(crash_signals[i], &term.old[i], NULL);
    delscreen(term.screen);
    term.screen = NULL;
}

void term_resize(void)
{
    struct winsize size;

    if (!term.shown || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
        return;
    resizeterm(size.ws_row, size.ws_col);
}

void term_redraw(void)
{
    if (term.shown)
        clearok(curscr, TRUE);
}

bool term_colors(void)
{
    return term.colors;
}
