/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/progress.h"

#include "common/base/buf.h"
#include "tools/cli/duration.h"
#include "tools/cli/size.h"
#include "tools/cli/text.h"

#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)
#define BAR_EVERY_NS (SECOND_NS / 10)
#define LINE_EVERY_NS (SECOND_NS * 5)
#define MEMORY_NS (SECOND_NS * 10) /* G6 */

enum {
    DEFAULT_WIDTH = 80,
    MIN_BAR = 10,
    MAX_BAR = 40,
    LINE_SIZE = 512
};

static const char *environment(const char *name)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): a tool reads its environment before it has threads */
    const char *value = getenv(name);
    return value ? value : "";
}

static bool is_capable_terminal(FILE *stream)
{
    int fd = fileno(stream);
    const char *term = environment("TERM");
    return fd >= 0 && isatty(fd) && *term != '\0' && strcmp(term, "dumb") != 0;
}

/* Asked each time: the window may have been resized. */
static size_t terminal_width(FILE *stream)
{
    struct winsize size = {0};
    int fd = fileno(stream);
    if (fd < 0 || ioctl(fd, TIOCGWINSZ, &size) || size.ws_col == 0)
        return DEFAULT_WIDTH;
    return size.ws_col;
}

static void format_amount(char out[CLI_SIZE_SIZE], const struct cli_progress *progress,
                          uint64_t amount)
{
    if (progress->unit == CLI_PROGRESS_BYTES)
        cli_size_human(out, amount);
    else
        (void)snprintf(out, CLI_SIZE_SIZE, "%" PRIu64, amount);
}

/* `42%`, or nothing without a total. Rounded down: 100 means all. */
static void format_percent(char out[8], const struct cli_progress *progress)
{
    out[0] = '\0';
    if (progress->total == 0)
        return;
    uint64_t done = progress->done < progress->total ? progress->done : progress->total;
    uint64_t percent =
        done <= UINT64_MAX / 100 ? done * 100 / progress->total : done / (progress->total / 100);
    (void)snprintf(out, 8, "%3u%%", percent < 100 ? (unsigned)percent : 100U);
    if (done < progress->total && percent >= 100)
        (void)snprintf(out, 8, " 99%%");
}

/* Where it stands: amounts, rate and time left. */
static void format_figures(char out[LINE_SIZE], const struct cli_progress *progress)
{
    char done[CLI_SIZE_SIZE];
    char total[CLI_SIZE_SIZE];
    char rate[CLI_SIZE_SIZE];
    char left[CLI_DURATION_SIZE];
    format_amount(done, progress, progress->done);
    format_amount(total, progress, progress->total);
    uint64_t whole_rate = progress->rate < 1e18 ? (uint64_t)progress->rate : (uint64_t)1e18;
    if (progress->unit == CLI_PROGRESS_BYTES)
        cli_rate_human(rate, whole_rate);
    else
        (void)snprintf(rate, sizeof(rate), "%.1f/s", progress->rate < 1e18 ? progress->rate : 1e18);

    int n = snprintf(out, LINE_SIZE, "%s%s%s  %s", done, progress->total ? " of " : "",
                     progress->total ? total : "", rate);
    if (n < 0 || n >= LINE_SIZE || progress->done >= progress->total || progress->rate <= 0.0)
        return;
    double seconds = (double)(progress->total - progress->done) / progress->rate;
    if (seconds > 100.0 * 365 * 86400)
        return;
    cli_duration_human(left, (uint64_t)seconds + 1);
    (void)snprintf(out + n, (size_t)(LINE_SIZE - n), "  %s left", left);
}

static void append_bar(struct common_buf *line, const struct cli_progress *progress, size_t width)
{
    double part = (double)progress->done / (double)progress->total;
    size_t full = part >= 1.0 ? width : (size_t)(part * (double)width);
    (void)!common_buf_append(line, "[", 1);
    if (progress->is_colour)
        (void)!common_buf_append(line, "\x1b[32m", 5);
    for (size_t i = 0; i < width; i++) {
        if (i == full && progress->is_colour)
            (void)!common_buf_append(line, "\x1b[0m", 4);
        (void)!common_buf_append_byte(line, i < full ? '#' : '-');
    }
    if (full >= width && progress->is_colour)
        (void)!common_buf_append(line, "\x1b[0m", 4);
    (void)!common_buf_append(line, "]  ", 3);
}

/* One write for the whole line, so that it does not flicker. */
static void draw_bar(struct cli_progress *progress)
{
    uint8_t storage[4 * LINE_SIZE];
    struct common_buf line = common_buf_fixed(storage, sizeof(storage));
    char percent[8];
    char figures[LINE_SIZE];
    format_percent(percent, progress);
    format_figures(figures, progress);
    size_t room = terminal_width(progress->cli->err);
    room = room > 1 && room < LINE_SIZE ? room - 1 : DEFAULT_WIDTH - 1; /* G4 */

    (void)!common_buf_append_byte(&line, '\r');
    size_t label_len = cli_text_fit(progress->label, strlen(progress->label), room);
    (void)!cli_text_append(&line, progress->label, label_len);
    (void)!common_buf_append(&line, "  ", *percent ? 1 : 2);
    (void)!common_buf_append(&line, percent, strlen(percent));
    (void)!common_buf_append(&line, "  ", *percent ? 2 : 0);
    size_t used = cli_text_width((const char *)storage + 1, line.len - 1);
    size_t needed = used + strlen(figures);
    size_t bar = needed + 4 < room ? room - needed - 4 : 0;
    if (bar > MAX_BAR)
        bar = MAX_BAR;
    if (bar >= MIN_BAR && progress->total != 0) {
        append_bar(&line, progress, bar);
        used += bar + 4;
    }
    (void)!common_buf_append(&line, figures, strlen(figures));
    used += strlen(figures);
    if (used > room) {
        common_buf_truncate(&line, 1 + cli_text_fit((const char *)storage + 1, line.len - 1, room));
        used = room;
    }
    for (; used < room; used++) /* over what the last, longer line left behind */
        (void)!common_buf_append_byte(&line, ' ');
    (void)fwrite(storage, 1, line.len, progress->cli->err);
    (void)fflush(progress->cli->err);
    progress->cli->is_line_open = true;
}

static void put_line(const struct cli_progress *progress)
{
    char percent[8];
    char figures[LINE_SIZE];
    format_percent(percent, progress);
    format_figures(figures, progress);
    FILE *err = progress->cli->err;
    (void)fprintf(err, "%s: ", progress->cli->tool->root->name);
    cli_text_put(err, progress->label);
    (void)fprintf(err, ":%s%s  %s\n", *percent ? " " : "", percent, figures);
    (void)fflush(err);
}

static void show(struct cli_progress *progress)
{
    if (progress->is_bar)
        draw_bar(progress);
    else
        put_line(progress);
    progress->is_told = true;
}

/* A moving average whose memory is the same however often it is asked. */
static void estimate(struct cli_progress *progress, uint64_t now_ns)
{
    if (now_ns <= progress->last_ns)
        return;
    double passed_ns = (double)(now_ns - progress->last_ns);
    uint64_t done = progress->done > progress->last_done ? progress->done - progress->last_done : 0;
    double rate = (double)done * (double)SECOND_NS / passed_ns;
    double weight = progress->rate <= 0.0 ? 1.0 : passed_ns / (passed_ns + (double)MEMORY_NS);
    progress->rate += weight * (rate - progress->rate);
    progress->last_ns = now_ns;
    progress->last_done = progress->done;
}

void cli_progress_begin(struct cli_progress *progress, struct cli *cli, const char *label,
                        enum cli_progress_unit unit, uint64_t total, uint64_t done)
{
    bool is_terminal = is_capable_terminal(cli->err);
    uint64_t now_ns = cli_monotonic_ns(cli);
    *progress = (struct cli_progress){
        .cli = cli,
        .label = label,
        .unit = unit,
        .total = total,
        .done = done,
        .is_bar = cli->progress == CLI_PROGRESS_ALWAYS || is_terminal,
        .is_quiet = cli->progress == CLI_PROGRESS_NEVER,
        .is_colour = is_terminal && *environment("NO_COLOR") == '\0',
        .last_ns = now_ns,
        .last_done = done,
    };
    progress->next_ns = now_ns + (progress->is_bar ? BAR_EVERY_NS : LINE_EVERY_NS);
}

void cli_progress_update(struct cli_progress *progress, uint64_t done)
{
    progress->done = done;
    if (progress->is_quiet)
        return;
    uint64_t now_ns = cli_monotonic_ns(progress->cli);
    if (now_ns < progress->next_ns)
        return;
    progress->next_ns = now_ns + (progress->is_bar ? BAR_EVERY_NS : LINE_EVERY_NS);
    estimate(progress, now_ns);
    show(progress);
}

/* Work that was over before the first line was due stays without one, unless there is a bar. */
void cli_progress_end(struct cli_progress *progress)
{
    if (progress->is_quiet || !(progress->is_bar || progress->is_told))
        return;
    estimate(progress, cli_monotonic_ns(progress->cli));
    show(progress);
    if (progress->is_bar)
        (void)fputc('\n', progress->cli->err);
    progress->cli->is_line_open = false;
}
