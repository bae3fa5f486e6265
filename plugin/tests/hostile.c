/* What a hostile engine or a torn file may put anywhere: the plugin must not fall, and play nothing that is no message of a channel.
 *
 *     hostile [ROUNDS [SEED ...]]
 *
 * Built with AddressSanitizer and UndefinedBehaviorSanitizer, and with no patience for an engine that does not answer. Random bytes, and
 * random numbers near the edges, go into the mapped file, the state and the host's transport between blocks.
 */
#include "../audio.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint32_t draw(uint32_t below) { /* xorshift64*, Vigna 2016 */
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return (uint32_t)((state * 2685821657736338717ULL) >> 32) % below;
}

static double draw_number(void) {
    static const double edges[] = {0, -0.0, 1, -1, 120, 1e-300, 1e300, -1e18, 4294967296.0, NAN, INFINITY, -INFINITY, 0.999999999};
    return draw(3) ? edges[draw(sizeof edges / sizeof *edges)] : (draw(2000001) - 1e6) / (1 + draw(1000));
}

static void scribble(improv_file *f) {
    static const uint32_t words[] = {0, 1, 255, 1023, 1024, 1025, 0x7FFFFFFF, 0x80000000u, 0xFFFFFFFFu};
    char *bytes = (char *)f;
    for (uint32_t n = draw(60); n; n--) {
        /* its own words, which a torn file has wrong as well, are here too */
        uint32_t at = draw(3) ? draw(2048) : draw(IMPROV_SIZE), word = draw(2) ? draw(0xFFFFFFFFu) : words[draw(9)];
        if (draw(2))
            bytes[at] = (char)draw(256);
        else
            memcpy(bytes + (at & ~3u), &word, 4);
    }
}

static void plan_near(improv_file *f, int64_t frame, uint32_t epoch) { /* what looks like an engine's events */
    uint32_t put = f->out_put.at;
    for (uint32_t n = draw(300); n; n--) {
        improv_event e = {.frame = frame + (int64_t)draw(4000) - 1000, .generation = f->generation - draw(2), .kind = draw(8) ? IMPROV_MIDI : (uint16_t)draw(9), .value = {draw_number(), draw(2) ? 120 : draw_number()},
                          .size = (uint16_t)(draw(8) ? 3 : draw(9)), .epoch = epoch - 1 + draw(3)};
        e.bytes[0] = (uint8_t)(draw(8) ? 0x80 + draw(0x50) : draw(256)), e.bytes[1] = (uint8_t)draw(140), e.bytes[2] = (uint8_t)draw(140);
        f->out[put++ % IMPROV_EVENTS] = e;
    }
    f->out_put.at = put;
}

static void check(const improv_note *out, int count, int frames) {
    for (int i = 0; i < count; i++) {
        const improv_note *n = &out[i];
        bool good = n->offset >= 0 && n->offset < frames && (i == 0 || out[i - 1].offset <= n->offset) && n->bytes[0] >= 0x80 &&
                    n->bytes[0] < 0xF0 && n->bytes[1] < 128 && n->bytes[2] < 128 && (n->size == 2 || n->size == 3);
        if (!good) {
            printf("event %d of %d: offset %d of %d, size %d, %02x %02x %02x\n", i, count, n->offset, frames, n->size, n->bytes[0],
                   n->bytes[1], n->bytes[2]);
            exit(1);
        }
    }
}

static void tear_state(improv_plugin *p) {
    static char text[2 * IMPROV_TEXT];
    int length = improv_plugin_state(p, text, (int)(draw(4) ? sizeof text : 1 + draw(2000)));
    if (length < 0) length = (int)draw(2000);
    for (uint32_t n = draw(8); n && length > 0; n--) text[draw((uint32_t)length)] = (char)draw(256);
    improv_plugin_put_state(p, text, draw(4) ? length : (int)draw((uint32_t)length + 1));
}

static void one(uint64_t seed, int rounds) {
    static improv_note out[300];
    state = seed * 0x9E3779B97F4A7C15ULL + 1;
    improv_plugin *p = improv_plugin_new();
    if (!improv_plugin_activate(p, 48000, 512)) exit(2);
    for (int i = 0; i < rounds; i++) {
        improv_transport t = {.tempo = draw(4) ? 120 : draw_number(), .position = draw(4) ? (double)i * 0.01 : draw_number(), .bar_start = draw_number(),
                              .loop_start = draw(2) ? 0 : draw_number(), .loop_end = draw(2) ? 4 : draw_number(),
                              .numerator = (int)draw(70) - 2, .denominator = (int)draw(70) - 2, .flags = draw(64)};
        int frames = draw(8) ? 64 : (int)draw(3000) - 10, most = draw(4) ? 300 : (int)draw(300);
        for (uint32_t n = draw(4); n; n--) {
            uint8_t bytes[3] = {(uint8_t)draw(256), (uint8_t)draw(256), (uint8_t)draw(256)};
            improv_plugin_heard(p, (int)draw(3000) - 100, bytes, (int)draw(4));
        }
        if (!draw(3)) improv_plugin_set(p, (int)draw(600) - 10, (int)draw(30) - 3, draw_number());
        if (!draw(3)) improv_plugin_want(p, (int)draw(30) - 3, draw_number());
        if (draw(2)) plan_near(p->map.file, p->frame, p->epoch);
        int moved[PARAMETER_COUNT];
        improv_plugin_moved(p, moved, (int)draw(PARAMETER_COUNT + 1));
        if (draw(2)) scribble(p->map.file);
        check(out, improv_plugin_run(p, &t, frames, out, most), frames);
        if (!draw(50)) tear_state(p);
        if (!draw(200)) improv_plugin_activate(p, draw_number(), (int)draw(4096) - 5);
        if (!draw(100)) {
            char why[40], text[400];
            improv_engine *e = improv_engine_open(p->path, "hostile", why, sizeof why);
            improv_event events[100];
            if (e) {
                improv_engine_take(e, events, 100);
                improv_engine_text(e, text, sizeof text);
                improv_engine_close(e);
            }
            improv_plugin_text(p, text, (int)draw(400));
        }
    }
    improv_plugin_free(p);
}

int main(int count, char **arguments) {
    int rounds = count > 1 ? atoi(arguments[1]) : 2000;
    for (int i = 2; i < (count > 2 ? count : 3); i++) one(count > 2 ? (uint64_t)atoll(arguments[i]) : 1, rounds);
    printf("%d rounds of each of %d seeds\n", rounds, count > 2 ? count - 2 : 1);
    return 0;
}
