/* What the engine says beside notes, in the audio thread: a beginning that it prepared, and parameters that it changed by itself. */
#include "audio.h"

#include <math.h>
#include <string.h>

/* A beginning: while the transport stands, the engine thinks of what it would play first. It can't know when the host will start, so
   this waits here, and a note on the very first sample needs nobody any more. */

void prepare(improv_plugin *p, const improv_event *e) {
    int at = p->prepared.count;
    if (e->size == 0) {
        bool good = e->bytes[3] && e->frame >= 0 && e->frame <= PREPARED;
        p->prepared.number = good ? e->bytes[3] : 0;
        p->prepared.count = 0, p->prepared.expected = good ? (int)e->frame : 0;
        p->prepared.numerator = e->bytes[0], p->prepared.denominator = e->bytes[1];
        p->prepared.position = e->value[0], p->prepared.tempo = e->value[1];
        p->prepared.epoch = e->epoch, p->prepared.taken = e->generation;
        return;
    }
    bool good = p->prepared.number && e->bytes[3] == p->prepared.number && at < p->prepared.expected && is_message(e->bytes, e->size) &&
                e->frame >= (at ? p->prepared.notes[at - 1].frame : 0) && e->frame <= (int64_t)(IMPROV_AHEAD * p->rate);
    if (!good) {
        p->prepared.number = 0;
        COUNT(p, refused, 1);
        return;
    }
    p->prepared.notes[at] = (plan_item){.frame = e->frame, .bytes = {e->bytes[0], e->bytes[1], e->size == 3 ? e->bytes[2] : 0}};
    p->prepared.count++;
}

/* The new epoch has begun. Nothing may be planned before it: then what is prepared is all there is. */
int prepared_for(improv_plugin *p, const improv_transport *t) {
    bool fits = p->prepared.number && p->prepared.count == p->prepared.expected && p->prepared.epoch + 2 == p->epoch && !p->planned &&
                (int32_t)(p->prepared.taken - p->settled_at) >= 0 && p->prepared.tempo == t->tempo &&
                p->prepared.numerator == t->numerator && p->prepared.denominator == t->denominator &&
                fabs(p->prepared.position - t->position) < beats(p, t->tempo, 1) / 2 && !(t->flags & (IMPROV_OFFLINE | IMPROV_BYPASSED));
    return fits ? p->prepared.number : 0;
}

void begin_prepared(improv_plugin *p) {
    for (int i = 0; i < p->prepared.count; i++) {
        plan_item *item = &p->plan[p->planned++];
        *item = p->prepared.notes[i];
        item->frame += p->frame;
        item->epoch = p->epoch, item->generation = p->generation;
    }
}

/* Parameters that the engine changed: they are the host's now, and the shell tells it. The engine knows them already. */

void take_changes(improv_plugin *p) {
    improv_file *f = p->map.file;
    uint32_t changes = GET(f->engine_changes);
    if (changes == p->changes) return;
    p->changes = changes;
    for (int i = 0; i < PARAMETER_COUNT; i++) {
        uint64_t bits = GET(f->engine_value[i]);
        if (bits == p->engine_seen[i]) continue;
        p->engine_seen[i] = bits;
        double value = within(i, double_of(bits));
        if (value == p->value[i].now) continue;
        p->value[i].now = value;
        PUT(p->value[i].wanted, bits_of(value));
        PUT(f->host_value[i], bits_of(value));
        p->moved |= 1ULL << i;
    }
}

int improv_plugin_moved(improv_plugin *p, int *numbers, int most) {
    int count = 0;
    for (int i = 0; p->moved && i < PARAMETER_COUNT && count < most; i++)
        if (p->moved >> i & 1) {
            numbers[count++] = i;
            p->moved &= ~(1ULL << i);
        }
    return count;
}

void improv_plugin_tells(improv_plugin *p, int how) { p->tells = how; }
