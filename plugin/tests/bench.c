/* How long a block of 64 frames takes in the audio thread, in microseconds, without events and with some.
 *
 *     cd plugin; cc -std=c11 -O2 -o bench tests/bench.c bridge.c audio.c news.c plugin.c parameters.c system_posix.c -lm -pthread
 *     IMPROV_PLUGIN_SETTINGS=/none ./bench [BLOCKS]
 */
#include "../audio.h"

#include <stdio.h>
#include <stdlib.h>

static int by_size(const void *a, const void *b) {
    int64_t d = *(const int64_t *)a - *(const int64_t *)b;
    return d < 0 ? -1 : d > 0;
}

static void bench(const char *what, improv_plugin *p, improv_engine *e, int blocks, int heard, int planned) {
    static improv_note out[512];
    int64_t *took = malloc((size_t)blocks * sizeof *took), sum = 0;
    for (int i = 0; i < blocks; i++) {
        improv_transport t = {.tempo = 120, .position = (double)p->frame / 24000, .numerator = 4, .denominator = 4, .flags = IMPROV_PLAYING};
        improv_engine_beat(e);
        for (int n = 0; n < planned; n++) {
            improv_event note = {.frame = p->frame + 128 + n, .kind = IMPROV_MIDI, .size = 3, .epoch = p->epoch, .generation = p->generation};
            note.bytes[0] = n & 1 ? 0x80 : 0x90, note.bytes[1] = 60, note.bytes[2] = 80;
            improv_engine_put(e, &note, 1);
        }
        int64_t start = improv_now_ns();
        for (int n = 0; n < heard; n++) improv_plugin_heard(p, n, (const uint8_t[]){0x90, 60, 80}, 3);
        improv_plugin_run(p, &t, 64, out, 512);
        sum += took[i] = improv_now_ns() - start;
        improv_event events[64];
        while (improv_engine_take(e, events, 64) > 0) {
        }
    }
    qsort(took, (size_t)blocks, sizeof *took, by_size);
    printf("%-34s mean %.2f  median %.2f  p99 %.2f  most %.2f us\n", what, sum / 1e3 / blocks, took[blocks / 2] / 1e3, took[blocks * 99 / 100] / 1e3,
           took[blocks - 1] / 1e3);
    free(took);
}

int main(int count, char **arguments) {
    int blocks = count > 1 ? atoi(arguments[1]) : 100000;
    char why[200];
    improv_plugin *p = improv_plugin_new();
    improv_engine *e = improv_plugin_activate(p, 48000, 64) ? improv_engine_open(p->path, "bench", why, sizeof why) : NULL;
    if (!e) return 1;
    bench("without events", p, e, blocks, 0, 0);
    bench("a note on and off played", p, e, blocks, 0, 2);
    bench("a note heard, with its datagram", p, e, blocks, 1, 0);
    bench("sixteen heard, sixteen played", p, e, blocks, 16, 16);
    improv_engine_close(e);
    improv_plugin_free(p);
    return 0;
}
