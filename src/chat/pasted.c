#include "chat/pasted.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define FILE_NAME "%s/pasted-%u.txt"
#define DIR_NAME "/duet-XXXXXX"
#define FILE_NAME_BYTES 20 /* what FILE_NAME adds to the directory */
#define MORE_BYTES 32

void pasted_dispose(struct pasted *p)
{
    char path[PASTED_PATH_BYTES];

    while (p->count > 0)
        pasted_drop(p);
    for (unsigned i = 1; i <= p->files; i++) {
        snprintf(path, sizeof(path), FILE_NAME, p->dir, i);
        unlink(path);
    }
    if (p->dir[0] != '\0')
        rmdir(p->dir);
    *p = (struct pasted){0};
}

bool pasted_add(struct pasted *p, char *text)
{
    if (p->count == PASTED_MAX)
        return false;
    p->texts[p->count++] = text;
    return true;
}

const char *pasted_first(const struct pasted *p)
{
    return p->count > 0 ? p->texts[0] : NULL;
}

void pasted_drop(struct pasted *p)
{
    free(p->texts[0]);
    p->count--;
    memmove(p->texts, p->texts + 1, p->count * sizeof(p->texts[0]));
}

static size_t count_lines(const char *text)
{
    size_t lines = 1;

    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    return lines;
}

const char *pasted_question(const struct pasted *p, size_t columns, char out[PASTED_QUESTION_BYTES])
{
    char size[TEXT_SIZE_BYTES];
    const char *text = pasted_first(p);
    const size_t lines = count_lines(text);

    snprintf(out, PASTED_QUESTION_BYTES, "send %zu pasted lines (%s)? y: yes, f: as a file, n: keep for ^Y ", lines,
             text_size(strlen(text), size));
    if (strlen(out) > columns)
        snprintf(out, PASTED_QUESTION_BYTES, "send %zu pasted lines? (y/file/n) ", lines);
    if (strlen(out) > columns)
        snprintf(out, PASTED_QUESTION_BYTES, "%zu lines? y/f/n ", lines);
    return out;
}

char *pasted_preview(const struct pasted *p)
{
    const char *text = pasted_first(p);
    const size_t lines = count_lines(text);
    const char *end = text;
    char *out = NULL;
    char more[MORE_BYTES] = "";

    assert(text != NULL); /* one waits */
    for (size_t i = 0; i < PASTED_PREVIEW && end != NULL; i++)
        end = strchr(i == 0 ? end : end + 1, '\n');
    if (lines > PASTED_PREVIEW)
        snprintf(more, sizeof(more), "\n... %zu more", lines - PASTED_PREVIEW);
    const size_t len = end == NULL ? strlen(text) : (size_t)(end - text);

    return asprintf(&out, "pasted:\n%.*s%s", (int)len, text, more) < 0 ? NULL : out;
}

/* The directory is ours alone; nobody can have put a link there. */
static int make_dir(struct pasted *p)
{
    const char *tmp = getenv("TMPDIR");

    if (p->dir[0] != '\0')
        return 0;
    if (tmp == NULL || tmp[0] == '\0')
        tmp = "/tmp";
    if (strlen(tmp) + sizeof(DIR_NAME) + FILE_NAME_BYTES > PASTED_PATH_BYTES) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(p->dir, sizeof(p->dir), "%s" DIR_NAME, tmp);
    if (mkdtemp(p->dir) != NULL)
        return 0;
    p->dir[0] = '\0';
    return -1;
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        const ssize_t used = write(fd, text, len);

        if (used < 0 && errno == EINTR)
            continue;
        if (used < 0)
            return false;
        text += used;
        len -= (size_t)used;
    }
    return true;
}

int pasted_write(struct pasted *p, char path[PASTED_PATH_BYTES], char error[PASTED_ERROR_BYTES])
{
    const char *text = pasted_first(p);

    if (p->files == PASTED_FILES) {
        snprintf(error, PASTED_ERROR_BYTES, "%u pasted texts have been sent as files already, and that is the limit",
                 p->files);
        return -1;
    }
    if (make_dir(p) < 0) {
        snprintf(error, PASTED_ERROR_BYTES, "cannot create a directory for the pasted text: %s", strerror(errno));
        return -1;
    }
    snprintf(path, PASTED_PATH_BYTES, FILE_NAME, p->dir, p->files + 1);
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool written = fd >= 0;

    if (written) {
        p->files++;
        written = write_all(fd, text, strlen(text)) && write_all(fd, "\n", 1);
        written = close(fd) == 0 && written;
    }
    if (!written)
        snprintf(error, PASTED_ERROR_BYTES, "%s: %s", path, strerror(errno));
    return written ? 0 : -1;
}
