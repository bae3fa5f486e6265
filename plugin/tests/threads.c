/* Host and engine at once on one file, for ThreadSanitizer: what was put into a ring comes out of it, once and in order.
 *
 *     threads [BLOCKS]
 *
 * Three threads: the audio thread runs blocks; the engine hears numbered messages, and plans numbered notes; a third thread asks for
 * parameters, texts and the state as a host's other threads do. (A fourth, the plugin's own, looks after the engine.)
 */
#include "../audio.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Atomic bool over;
static improv_plugin *p;
static improv_engine *e;
static long heard, planned;

static void fail(const char *what, long a, long b) {
    printf("%s: %ld, expected %ld", what, a, b);
    if (p && p->map.file)
        printf(" (frame %lld, epoch %u, refused %u, dropped %u, late %u, planned %d)", (long long)p->frame, p->epoch,
               (unsigned)p->map.file->refused, (unsigned)p->map.file->dropped, (unsigned)p->map.file->late, p->planned);
    printf("\n");
    exit(1);
}

/* A number as a message of key pressure, which means nothing to the core: 14 bits. */
static int number_of(const uint8_t *bytes) { return bytes[1] << 7 | bytes[2]; }

static void *engine(void *none) {
    long next = 0;
    int64_t frame = 0;
    while (!atomic_load(&over)) {
        improv_event events[64];
        improv_transport t;
        int64_t to = improv_engine_heard_to(e);
        for (int count; (count = improv_engine_take(e, events, 64)) > 0;)
            for (int i = 0; i < count; i++)
                if (events[i].kind == IMPROV_MIDI) {
                    if (number_of(events[i].bytes) != (next & 16383)) fail("heard", number_of(events[i].bytes), next & 16383);
                    next++, heard++;
                }
        if (improv_engine_look(e, &t) && t.frame > frame) {
            if (t.block != 64 || t.rate != 48000.0 || t.position != (double)t.frame / 24000) fail("a torn transport", (long)t.frame, t.block);
            frame = t.frame;
        }
        while (improv_engine_room(e) > 0 && planned < to / 8) {
            improv_event note = {.frame = to + 64, .kind = IMPROV_MIDI, .size = 3, .epoch = improv_engine_epoch(e)};
            note.bytes[0] = 0xA1, note.bytes[1] = planned >> 7 & 127, note.bytes[2] = planned & 127;
            if (!improv_engine_put(e, &note, 1)) break;
            planned++;
        }
        improv_engine_say(e, IMPROV_ENGINE_PLAYS, "plays");
        improv_engine_put_text(e, "0123456789abcdef", 10 + (int)(next & 3));
        improv_engine_planned_to(e, to);
    }
    return none;
}

static void *others(void *none) {
    static char text[IMPROV_TEXT];
    while (!atomic_load(&over)) {
        improv_plugin_want(p, 3, 1.5);
        improv_plugin_get(p, 3);
        improv_plugin_text(p, text, sizeof text);
        int length = improv_plugin_state(p, text, sizeof text);
        if (length < 0) fail("state", length, 0);
        improv_plugin_put_state(p, text, length);
        short_sleep(200);
    }
    return none;
}

int main(int count, char **arguments) {
    long blocks = count > 1 ? atol(arguments[1]) : 20000, put = 0, got = 0;
    char why[200];
    static improv_note out[2048];
    pthread_t a, b;
    p = improv_plugin_new();
    if (!improv_plugin_activate(p, 48000, 64) || !(e = improv_engine_open(p->path, "test", why, sizeof why))) fail("no file", 0, 1);
    improv_engine_beat(e);
    PUT(p->map.file->engine_ns, (uint64_t)INT64_MAX / 2); /* on a busy machine the engine may rest for longer than 100 ms */
    pthread_create(&a, NULL, engine, NULL);
    pthread_create(&b, NULL, others, NULL);
    for (long i = 0; i < blocks; i++) {
        improv_transport t = {.tempo = 120, .position = (double)p->frame / 24000, .numerator = 4, .denominator = 4, .flags = IMPROV_PLAYING};
        if (p->map.file->in_put.at - p->map.file->in_taken.at < 512)
            for (int n = 0; n < 3; n++, put++) {
                uint8_t bytes[3] = {0xA0, put >> 7 & 127, put & 127};
                improv_plugin_heard(p, n, bytes, 3);
            }
        int played = improv_plugin_run(p, &t, 64, out, 2048);
        for (int n = 0; n < played; n++, got++)
            if (number_of(out[n].bytes) != (got & 16383)) fail("played", number_of(out[n].bytes), got & 16383);
        short_sleep(20);
    }
    atomic_store(&over, true);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    if (p->map.file->dropped || p->map.file->refused) fail("dropped", p->map.file->dropped, p->map.file->refused);
    printf("%ld blocks: %ld heard of %ld, %ld played of %ld\n", blocks, heard, put, got, planned);
    improv_engine_close(e);
    improv_plugin_free(p);
    return heard > 0 && got > 0 ? 0 : 1;
}
