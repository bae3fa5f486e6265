/* The plugin's side in the audio thread: what was heard goes to the engine, what the engine planned is played at its frame.
 *
 * A block of the host is cut where its loop ends, and each part is run as a block. In a part, first what is news of the transport,
 * then what is heard goes into the ring; then the engine's events are taken into the plan, and what is due leaves.
 */
#include "audio.h"

#include <math.h>
#include <string.h>

#define JUMP 0.02       /* quarter notes: a position that is off by more is a jump; by less, the host's rounding, or a ramp */
#define MOST_TAKEN 256  /* events of the engine for each part: whoever floods us must not stop the music of others */
#define NOTE_OFF 0x80
#define NOTE_ON 0x90
#define CONTROL 0xB0
#define PEDAL 64
#define ALL_SOUND_OFF 120

static int32_t later(uint32_t a, uint32_t b) { return (int32_t)(a - b); } /* counts go round */

static bool is_note_on(const uint8_t *bytes) { return (bytes[0] & 0xF0) == NOTE_ON && bytes[2] > 0; }
static bool is_note_off(const uint8_t *bytes) { return (bytes[0] & 0xF0) == NOTE_OFF || ((bytes[0] & 0xF0) == NOTE_ON && bytes[2] == 0); }

static int size_of(uint8_t status) { return status < 0x80 || status > 0xEF ? 0 : (status & 0xE0) == 0xC0 ? 2 : 3; }

bool is_message(const uint8_t *bytes, int size) {
    return size && size == size_of(bytes[0]) && bytes[1] < 128 && (size == 2 || bytes[2] < 128);
}

static bool sounds(const improv_plugin *p, int channel, int pitch) { return p->on[channel][pitch >> 6] >> (pitch & 63) & 1; }

/* What leaves */

static bool emit(improv_plugin *p, int offset, uint8_t a, uint8_t b, uint8_t c) {
    if (p->out_count >= p->out_room) return false;
    int size = size_of(a);
    p->out[p->out_count++] = (improv_note){offset, (uint8_t)size, {a, b, size == 3 ? c : 0}};
    return true;
}

static void ended(improv_plugin *p, int channel, int pitch) {
    p->on[channel][pitch >> 6] &= ~(1ULL << (pitch & 63));
    p->sounding--;
}

/* Note-offs for all that sounds. What finds no room follows in the next block: `closing` stays set. */
static void close_all(improv_plugin *p, int offset) {
    p->closing = false;
    for (int channel = 0; channel < 16; channel++) {
        for (int half = 0; half < 2; half++)
            while (p->on[channel][half]) {
                int pitch = half * 64;
                while (!sounds(p, channel, pitch)) pitch++;
                if (!emit(p, offset, (uint8_t)(NOTE_OFF | channel), (uint8_t)pitch, 0)) {
                    p->closing = true;
                    return;
                }
                ended(p, channel, pitch);
            }
        if (p->pedal >> channel & 1) {
            if (!emit(p, offset, (uint8_t)(CONTROL | channel), PEDAL, 0)) {
                p->closing = true;
                return;
            }
            p->pedal &= (uint16_t)~(1u << channel);
        }
    }
}

/* The plan */

static void forget_old(improv_plugin *p) { /* of the plan, what can't be played any more */
    int kept = 0;
    for (int i = 0; i < p->planned; i++) {
        plan_item *item = &p->plan[i];
        bool old = later(item->epoch, p->epoch) < 0 || (is_note_on(item->bytes) && later(item->generation, p->generation) < 0);
        if (old && is_note_on(item->bytes)) COUNT(p, taken_back, 1);
        if (!old) p->plan[kept++] = *item;
    }
    p->planned = kept;
}

static void plan(improv_plugin *p, const improv_event *e) {
    bool good = e->kind == IMPROV_MIDI && is_message(e->bytes, e->size) && e->frame >= 0 &&
                e->frame <= p->frame + (int64_t)(IMPROV_AHEAD * p->rate);
    /* The last places are for note-offs. */
    if (!good || p->planned >= (is_note_on(e->bytes) ? PLAN * 3 / 4 : PLAN)) {
        COUNT(p, refused, 1);
        return;
    }
    int at = p->planned++;
    while (at > 0 && p->plan[at - 1].frame > e->frame) {
        p->plan[at] = p->plan[at - 1];
        at--;
    }
    p->plan[at] = (plan_item){e->frame, e->epoch, e->generation, {e->bytes[0], e->bytes[1], e->size == 3 ? e->bytes[2] : 0}};
}

static void take_events(improv_plugin *p) {
    improv_file *f = p->map.file;
    uint32_t taken = atomic_load_explicit(&f->out_taken.at, memory_order_relaxed), put = GET(f->out_put.at);
    if (put - taken > IMPROV_EVENTS) { /* no ring of ours */
        PUT(f->out_taken.at, put);
        COUNT(p, refused, 1);
        p->closing = true;
        return;
    }
    int count = 0;
    for (; taken != put && count < MOST_TAKEN; taken++, count++) {
        improv_event e;
        memcpy(&e, &f->out[taken % IMPROV_EVENTS], sizeof e);
        if (e.kind == IMPROV_PREPARED)
            prepare(p, &e);
        else
            plan(p, &e);
    }
    if (count) PUT(f->out_taken.at, taken);
    uint32_t generation = GET(f->generation);
    if (generation != p->generation) {
        p->generation = generation;
        forget_old(p);
    }
}

/* One event of the plan. False: there is no room for it in this block. */
static bool play(improv_plugin *p, const plan_item *item, int offset, bool delayed) {
    const uint8_t *b = item->bytes;
    int channel = b[0] & 15, pitch = b[1];
    bool current = item->epoch == p->epoch;
    if (is_note_on(b)) {
        if (!current || item->generation != p->generation) {
            COUNT(p, taken_back, 1);
            return true;
        }
        if (p->frame - item->frame > (int64_t)(IMPROV_LATE * p->rate)) {
            COUNT(p, late, 1);
            return true;
        }
        if (p->out_room - p->out_count < 2) return false;
        if (sounds(p, channel, pitch)) {
            emit(p, offset, (uint8_t)(NOTE_OFF | channel), (uint8_t)pitch, 0);
            ended(p, channel, pitch);
        }
        emit(p, offset, b[0], b[1], b[2]);
        p->on[channel][pitch >> 6] |= 1ULL << (pitch & 63);
        p->born[channel][pitch] = item->generation;
        p->sounding++;
        COUNT(p, played, 1);
    } else if (is_note_off(b)) {
        /* Epochs: all that sounds is of the current one; what was to end after a loop's end may be of the next. */
        if (!sounds(p, channel, pitch) || later(item->epoch, p->epoch) < 0 || later(item->generation, p->born[channel][pitch]) < 0) return true;
        if (!emit(p, offset, (uint8_t)(NOTE_OFF | channel), (uint8_t)pitch, b[2])) return false;
        ended(p, channel, pitch);
    } else if (current) {
        if (!emit(p, offset, b[0], b[1], b[2])) return false;
        if ((b[0] & 0xF0) == CONTROL && b[1] == PEDAL) {
            if (b[2] >= 64)
                p->pedal |= (uint16_t)(1u << channel);
            else
                p->pedal &= (uint16_t)~(1u << channel);
        }
    }
    if (delayed) COUNT(p, delayed, 1);
    return true;
}

static void play_due(improv_plugin *p, int base, int frames) {
    int done = 0;
    for (; done < p->planned; done++) {
        int64_t in = p->plan[done].frame - p->frame;
        if (in >= frames || !play(p, &p->plan[done], base + (in < 0 ? 0 : (int)in), in < 0)) break;
    }
    if (done) {
        p->planned -= done;
        memmove(p->plan, p->plan + done, (size_t)p->planned * sizeof *p->plan);
    }
}

/* What goes to the engine */

static bool tell(improv_plugin *p, improv_event e, int reserve) { /* reserve: places that must stay free after it */
    improv_file *f = p->map.file;
    uint32_t put = atomic_load_explicit(&f->in_put.at, memory_order_relaxed), used = put - GET(f->in_taken.at);
    if (used == 0) p->wake = true;
    if (used > IMPROV_EVENTS || (int)used + reserve >= IMPROV_EVENTS) {
        COUNT(p, dropped, 1);
        p->lost = true;
        return false;
    }
    e.generation = p->generation;
    e.epoch = p->epoch;
    f->in[put % IMPROV_EVENTS] = e;
    PUT(f->in_put.at, put + 1);
    if (e.kind == IMPROV_PARAMETER || e.kind == IMPROV_RESTORED) p->settled_at = put + 1;
    return true;
}

static bool tell_transport(improv_plugin *p, const improv_transport *t, int why, int prepared) {
    improv_event e = {.frame = p->frame, .kind = IMPROV_TRANSPORT, .size = (uint16_t)t->flags};
    e.bytes[0] = (uint8_t)t->numerator, e.bytes[1] = (uint8_t)t->denominator, e.bytes[2] = (uint8_t)why, e.bytes[3] = (uint8_t)prepared;
    e.value[0] = t->position, e.value[1] = t->tempo, e.value[2] = t->bar_start, e.value[3] = t->loop_start, e.value[4] = t->loop_end;
    return tell(p, e, 64);
}

static void tell_heard(improv_plugin *p, const heard_item *h, int base, int64_t frame) {
    improv_event e = {.frame = frame + h->offset - base};
    if (h->size == 0) {
        e.kind = IMPROV_PARAMETER, e.size = h->number, e.value[0] = h->value;
        tell(p, e, 96);
        return;
    }
    e.kind = IMPROV_MIDI, e.size = h->size;
    memcpy(e.bytes, h->bytes, h->size);
    tell(p, e, is_note_off(h->bytes) ? 4 : 128);
    if (p->value[THRU].now >= 0.5 && !(p->flags & IMPROV_BYPASSED)) emit(p, h->offset, h->bytes[0], h->bytes[1], h->bytes[2]);
    if ((h->bytes[0] & 0xF0) == CONTROL && h->bytes[1] == ALL_SOUND_OFF) close_all(p, h->offset);
}

/* The transport */

double beats(const improv_plugin *p, double tempo, int64_t frames) { return (double)frames * tempo / (60.0 * p->rate); }

/* Why a new epoch begins here, or IMPROV_WENT_ON. news: whether the engine must be told in any case. */
static int why_now(improv_plugin *p, const improv_transport *t, bool *news) {
    const improv_transport *last = &p->last;
    *news = true;
    if (!p->has_last) return IMPROV_SWITCHED;
    if ((t->flags ^ last->flags) & IMPROV_PLAYING) return t->flags & IMPROV_PLAYING ? IMPROV_STARTED : IMPROV_STOPPED;
    if ((t->flags ^ last->flags) & (IMPROV_BYPASSED | IMPROV_OFFLINE)) return IMPROV_SWITCHED;
    int64_t since = p->frame - last->frame;
    double moved = t->flags & IMPROV_PLAYING ? beats(p, last->tempo, since) : 0.0, off = t->position - last->position - moved;
    double ramp = fabs(beats(p, t->tempo - last->tempo, since));
    if (fabs(off) > JUMP + ramp) {
        double after = t->position - t->loop_start;
        bool looped = (t->flags & IMPROV_LOOPING) && off < 0 && after >= -JUMP && after < moved + JUMP;
        return looped ? IMPROV_LOOPED : IMPROV_JUMPED;
    }
    double gone = t->flags & IMPROV_PLAYING ? beats(p, p->told.tempo, p->frame - p->told.frame) : 0.0;
    *news = t->flags != last->flags || t->tempo != last->tempo || t->numerator != last->numerator || t->denominator != last->denominator ||
            fabs(t->position - p->told.position - gone) > beats(p, t->tempo, 1) || t->loop_start != last->loop_start ||
            t->loop_end != last->loop_end;
    return IMPROV_WENT_ON;
}

static double bar_of(double position, double bar_start, const improv_transport *t) {
    double bar = 4.0 * t->numerator / t->denominator, from = isfinite(bar_start) ? bar_start : 0.0;
    return from + bar * floor((position - from) / bar + 1e-9);
}

/* The host's transport, with sense made of what it leaves out or gets wrong. */
static improv_transport read_transport(improv_plugin *p, const improv_transport *now, int64_t ns) {
    improv_transport t = *now;
    t.frame = p->frame, t.ns = ns, t.rate = p->rate, t.longest = p->longest, t.spare = 0;
    if (!(t.tempo > 1.0 && t.tempo < 10000.0)) { /* the host says none: then its place in the song says nothing either */
        t.tempo = t.position = 0.0;
        t.flags &= ~(uint32_t)IMPROV_LOOPING;
    }
    if (!(fabs(t.position) < 1e9)) t.position = 0.0;
    if (t.numerator < 1 || t.numerator > 64) t.numerator = 4;
    if (t.denominator < 1 || t.denominator > 64) t.denominator = 4;
    if (!(fabs(t.loop_start) < 1e9) || !(fabs(t.loop_end) < 1e9) || !(t.loop_end > t.loop_start)) {
        t.loop_start = t.loop_end = 0.0;
        t.flags &= ~(uint32_t)IMPROV_LOOPING;
    }
    if (!(fabs(t.bar_start - t.position) < 1e4)) t.bar_start = bar_of(t.position, 0.0, &t);
    if (p->value[BYPASS].now >= 0.5) t.flags |= IMPROV_BYPASSED;
    return t;
}

static int frames_to_loop(const improv_plugin *p, const improv_transport *t, int frames) {
    if ((t->flags & (IMPROV_PLAYING | IMPROV_LOOPING)) != (IMPROV_PLAYING | IMPROV_LOOPING) || t->position >= t->loop_end) return frames;
    double in = ceil((t->loop_end - t->position) * 60.0 * p->rate / t->tempo - 1e-3);
    return in >= 1.0 && in < frames ? (int)in : frames;
}

/* Blocks */

static bool engine_answers(improv_plugin *p, int64_t ns) {
    improv_file *f = p->map.file;
    return GET(f->engine_layout) == IMPROV_LAYOUT && age_of(f, ns) < IMPROV_DEAD;
}

/* A bounce waits until the engine has planned up to `frame`. Whoever was waited for in vain is not waited for again until he answers. */
static void wait_for_engine(improv_plugin *p, int64_t frame) {
    improv_file *f = p->map.file;
    int64_t planned = (int64_t)GET(f->planned_to), until = improv_now_ns() + IMPROV_PATIENCE;
    if (p->given_up && planned == p->given_up_at) return;
    if (GET(f->status) == IMPROV_STARTING) until += STARTS;
    p->given_up = false;
    for (int pause = 5; planned < frame; planned = (int64_t)GET(f->planned_to)) {
        bool comes = GET(f->engine_layout) == IMPROV_LAYOUT ? GET(f->engine_state) != IMPROV_ENGINE_FAILS : GET(f->status) == IMPROV_STARTING;
        if (!comes || improv_now_ns() > until) {
            p->given_up = true;
            p->given_up_at = planned;
            return;
        }
        short_sleep(pause);
        if (pause < 200) pause += pause / 4 + 1;
        take_events(p); /* the ring must not fill while we wait */
    }
}

static void part(improv_plugin *p, const improv_transport *t, int base, int frames, int *heard) {
    improv_file *f = p->map.file;
    bool news;
    int why = why_now(p, t, &news);
    if (why != IMPROV_WENT_ON) {
        p->epoch += why == IMPROV_LOOPED ? 1 : 2; /* what was planned for after a loop is for nowhere else */
        PUT(f->epoch, p->epoch);
        close_all(p, base);
        forget_old(p);
    }
    p->flags = t->flags;
    if (why != IMPROV_WENT_ON) p->owed = why; /* told until it finds room: an engine that slept must not miss that the host plays */
    int prepared = why == IMPROV_STARTED ? prepared_for(p, t) : 0;
    if ((news || p->owed != IMPROV_WENT_ON) && !p->activated && tell_transport(p, t, p->owed, prepared)) {
        p->owed = IMPROV_WENT_ON;
        p->told = *t;
        if (prepared) begin_prepared(p);
    }
    if (why != IMPROV_WENT_ON) p->prepared.number = 0;
    p->last = *t;
    p->has_last = true;
    for (; *heard < p->heard_count && p->heard[*heard].offset < base + frames; ++*heard) tell_heard(p, &p->heard[*heard], base, p->frame);

    improv_transport told = *t;
    told.block = frames;
    told.epoch = p->epoch;
    seq_write(&f->transport_count, f->transport, &told, sizeof told);
    PUT(f->heard_to, (uint64_t)(p->frame + frames));
    bool offline = t->flags & IMPROV_OFFLINE;
    if (p->wake || offline) wake_send(&p->waker, (int)GET(f->port));
    p->wake = false;

    take_events(p);
    if (offline) {
        wait_for_engine(p, p->frame + frames);
        take_events(p);
    } else if (!engine_answers(p, t->ns)) {
        if (p->sounding || p->pedal) close_all(p, base);
        p->planned = 0;
    }
    if (p->closing) close_all(p, base);
    if (t->flags & IMPROV_BYPASSED) p->planned = 0;
    play_due(p, base, frames);
    p->frame += frames;
}

static void take_wishes(improv_plugin *p) { /* what other threads set */
    improv_file *f = p->map.file;
    for (int i = 0; i < PARAMETER_COUNT; i++) {
        double wanted = double_of(GET(p->value[i].wanted));
        if (wanted == p->value[i].now) continue;
        p->value[i].now = wanted;
        improv_event e = {.frame = p->frame, .kind = IMPROV_PARAMETER, .size = (uint16_t)i, .value = {wanted}};
        PUT(f->host_value[i], bits_of(wanted));
        tell(p, e, 96);
    }
    if (atomic_exchange_explicit(&p->restored, false, memory_order_acquire))
        tell(p, (improv_event){.frame = p->frame, .kind = IMPROV_RESTORED}, 4);
}

/* What was passed on, closed and played stands in this order: by time it is one list. */
static void sort_out(improv_plugin *p) {
    for (int i = 1; i < p->out_count; i++) {
        improv_note note = p->out[i];
        int at = i;
        for (; at > 0 && p->out[at - 1].offset > note.offset; at--) p->out[at] = p->out[at - 1];
        p->out[at] = note;
    }
}

int improv_plugin_run(improv_plugin *p, const improv_transport *now, int frames, improv_note *out, int most) {
    improv_file *f = p->map.file;
    p->out = out, p->out_room = most, p->out_count = 0;
    if (!p->active || frames <= 0) {
        if (!p->active) p->heard_count = 0;
        return 0;
    }
    int64_t ns = improv_now_ns();
    for (int i = p->heard_count - 1; i >= 0 && p->heard[i].offset >= frames; i--) p->heard[i].offset = frames - 1; /* a host's slip */
    PUT(f->plugin_ns, (uint64_t)ns);
    atomic_store_explicit(&p->ran, true, memory_order_relaxed);
    take_changes(p);
    if (p->activated) p->activated = !tell(p, (improv_event){.frame = p->frame, .kind = IMPROV_ACTIVATED, .value = {p->rate, p->longest}}, 64);
    take_wishes(p);
    if (p->lost) {
        p->lost = false;
        tell(p, (improv_event){.frame = p->frame, .kind = IMPROV_LOST}, 0);
    }
    improv_transport t = read_transport(p, now, ns);
    int heard = 0;
    for (int base = 0; base < frames;) {
        int length = frames_to_loop(p, &t, frames - base);
        part(p, &t, base, length, &heard);
        base += length;
        t.ns += (int64_t)(length * 1e9 / p->rate);
        t.frame = p->frame;
        if (t.flags & IMPROV_PLAYING) {
            t.position = base < frames ? t.loop_start : t.position;
            t.bar_start = bar_of(t.position, t.bar_start, &t);
        }
    }
    p->heard_count = 0;
    PUT(f->sounding, (uint32_t)p->sounding);
    sort_out(p);
    return p->out_count;
}

/* What is heard in the block that comes, in order of time; `run` reads it. */
static void hear(improv_plugin *p, heard_item h) {
    if (p->heard_count >= HEARD) {
        p->lost = true;
        return;
    }
    int at = p->heard_count++;
    for (; at > 0 && p->heard[at - 1].offset > h.offset; at--) p->heard[at] = p->heard[at - 1];
    p->heard[at] = h;
}

void improv_plugin_heard(improv_plugin *p, int offset, const uint8_t *bytes, int size) {
    heard_item h = {.offset = offset < 0 ? 0 : offset, .size = (uint8_t)(size > 0 ? size_of(bytes[0]) : 0)};
    if (!h.size || size < h.size) return;
    for (int i = 0; i < h.size; i++) h.bytes[i] = i ? bytes[i] & 0x7F : bytes[i];
    hear(p, h);
}

void improv_plugin_set(improv_plugin *p, int offset, int number, double value) {
    if (number < 0 || number >= PARAMETER_COUNT) return;
    value = within(number, value);
    PUT(p->value[number].wanted, bits_of(value));
    if (!p->active || value == p->value[number].now) return;
    p->value[number].now = value;
    PUT(p->map.file->host_value[number], bits_of(value));
    hear(p, (heard_item){.offset = offset < 0 ? 0 : offset, .number = (uint16_t)number, .value = value});
}
