/* The core on this system without Python: an instance, and an engine in a thread of its own that echoes, each with what is asked of the
 * system: folder, mapped file, locks, datagram, clock, threads. For systems on which no host of ours runs, as Windows under Wine:
 *
 *     python -m ziglang cc -target x86_64-windows-gnu -std=c11 -o stand.exe tests/stand.c bridge.c audio.c news.c plugin.c parameters.c \
 *         system_posix.c system_windows.c -lws2_32 -lbcrypt        # in plugin/
 *     wine stand.exe [improv.dll]
 *
 * With the built plugin, it is loaded as a host loads it, and runs as CLAP and as VST3 are asked to.
 *
 * Each line says what was tried. Exit code 1 where one failed.
 */
#define _GNU_SOURCE
#include "../audio.h"
#include "../clap.h"
#include "../vst3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#else
#include <arpa/inet.h>
#include <dlfcn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#endif

#define BLOCK 256
#define KEYS 200
#define AHEAD 60 /* blocks: what a busy machine may stand still */

static int failed;

static void must(bool good, const char *what) {
    printf("%s  %s\n", good ? "ok    " : "FAILED", what);
    failed |= !good;
}

typedef struct {
    improv_engine *e;
    long long bell; /* a socket */
    int rung;
    _Atomic int over;
} echo;

static bool listen_for(echo *o, const char *path) {
#ifdef _WIN32
    (void)path;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int length = sizeof at;
    DWORD patience = 20;
    o->bell = (long long)socket(AF_INET, SOCK_DGRAM, 0);
    if (bind((SOCKET)o->bell, (struct sockaddr *)&at, sizeof at) || getsockname((SOCKET)o->bell, (struct sockaddr *)&at, &length)) return false;
    setsockopt((SOCKET)o->bell, SOL_SOCKET, SO_RCVTIMEO, (char *)&patience, sizeof patience);
    improv_engine_port(o->e, ntohs(at.sin_port));
#else
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct timeval patience = {0, 20000};
    snprintf(at.sun_path, sizeof at.sun_path, "%.*ssock", (int)strlen(path) - 4, path);
    o->bell = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (bind((int)o->bell, (struct sockaddr *)&at, sizeof at)) return false;
    setsockopt((int)o->bell, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
#endif
    return true;
}

static void echo_once(void *with) {
    echo *o = with;
    improv_event events[64];
    char byte;
#ifdef _WIN32
    o->rung += recv((SOCKET)o->bell, &byte, 1, 0) == 1;
#else
    o->rung += recv((int)o->bell, &byte, 1, 0) == 1;
#endif
    improv_engine_beat(o->e);
    int count = improv_engine_take(o->e, events, 64), kept = 0;
    for (int i = 0; i < count; i++)
        if (events[i].kind == IMPROV_MIDI) {
            events[kept] = events[i];
            events[kept].epoch = improv_engine_epoch(o->e), events[kept].frame += AHEAD * BLOCK;
            events[kept++].generation = 1;
        }
    improv_engine_put(o->e, events, kept);
}

static void play(improv_plugin *p, improv_engine *e) { /* its heart is kept beating: whether a busy machine stops it is not what is tried */
    improv_note out[256];
    int on_time = 0, all = 0;
    double position = 0;
    for (int block = 0; block < KEYS + AHEAD + 20; block++) {
        improv_transport t = {.tempo = 120, .position = position, .bar_start = 0, .numerator = 4, .denominator = 4, .flags = IMPROV_PLAYING};
        uint8_t key[3] = {(uint8_t)(block & 1 ? 0x80 : 0x90), 60, 90};
        if (block < KEYS) improv_plugin_heard(p, block % BLOCK, key, 3);
        improv_engine_beat(e);
        int count = improv_plugin_run(p, &t, BLOCK, out, 256);
        for (int i = 0; i < count; i++) {
            all++;
            on_time += out[i].offset == (block - AHEAD) % BLOCK;
        }
        position += BLOCK * 2.0 / 48000.0;
        short_sleep(5333);
    }
    printf("        %d of %d echoes on their frames\n", on_time, KEYS);
    must(on_time == KEYS && all == KEYS, "each key comes back, on its frame");
}

/* The built plugin */

static void *found(const char *path, const char *name) {
#ifdef _WIN32
    HMODULE library = LoadLibraryA(path);
    return library ? (void *)GetProcAddress(library, name) : NULL;
#else
    void *library = dlopen(path, RTLD_NOW);
    return library ? dlsym(library, name) : NULL;
#endif
}

static const void *CLAP_CALL no_extension(const clap_host *host, const char *id) {
    (void)host, (void)id;
    return NULL;
}

static void CLAP_CALL no_call(const clap_host *host) { (void)host; }

static uint32_t CLAP_CALL no_events(const clap_events_in *in) {
    (void)in;
    return 0;
}

static bool CLAP_CALL no_room(const clap_events_out *out, const clap_header *e) {
    (void)out, (void)e;
    return false;
}

static void load(const char *path) {
    const clap_entry_table *entry = found(path, "clap_entry");
    const void *(VST3_CALL *get)(void) = (const void *(VST3_CALL *)(void))found(path, "GetPluginFactory");
    must(entry && get && found(path, "lv2_descriptor"), "the built plugin loads");
    if (!entry || !get) return;
    clap_host host = {CLAP_RELEASE, NULL, "stand", "", "", "1", no_extension, no_call, no_call, no_call};
    entry->init(path);
    const clap_factory *factory = entry->factory(CLAP_FACTORY);
    const clap_plugin *plugin = factory ? factory->create(factory, &host, factory->about(factory, 0)->id) : NULL;
    must(plugin && plugin->init(plugin) && plugin->activate(plugin, 48000, 1, BLOCK), "it is made and activated as CLAP");
    if (!plugin) return;
    clap_events_in in = {NULL, no_events, NULL};
    clap_events_out out = {NULL, no_room};
    clap_block block = {0, BLOCK, NULL, NULL, NULL, 0, 0, &in, &out};
    int done = 0;
    for (int i = 0; i < 1000; i++) done += plugin->run(plugin, &block);
    must(done == 1000, "a thousand blocks");
    plugin->deactivate(plugin);
    plugin->destroy(plugin);
    const vst3_factory **vst3 = (const vst3_factory **)(uintptr_t)get();
    must((*vst3)->count((void *)vst3) == 1, "it has one class as VST3");
}

int main(int count, char **arguments) {
    char text[4096], why[256], path[4200], state[2 * IMPROV_TEXT];
    must(improv_folder(text, sizeof text) > 0, "a folder of the user's own");
    printf("        %s\n", text);
    must(improv_settings_path(path, sizeof path) > 0, "where the settings are");
    int64_t start = improv_now_ns();
    short_sleep(20000);
    int64_t slept = improv_now_ns() - start;
    must(slept > 15000000 && slept < 500000000, "the clock goes on while it sleeps");
    improv_plugin *p = improv_plugin_new();
    must(p && improv_plugin_activate(p, 48000, BLOCK), "an instance makes its file");
    snprintf(path, sizeof path, "%s/%s.ring", text, improv_plugin_instance(p));
    echo o = {.e = improv_engine_open(path, "stand", why, sizeof why)};
    must(o.e != NULL, o.e ? "an engine opens it" : why);
    if (!o.e) return 1;
    must(!improv_engine_open(path, "second", why, sizeof why), "a second engine is refused");
    printf("        %s\n", why);
    must(listen_for(&o, path), "the engine listens");
    improv_engine_say(o.e, IMPROV_ENGINE_READY, "stand");
    improv_thread *thread = thread_start(echo_once, &o, 1);
    must(thread != NULL, "a thread");
    short_sleep(200000);
    must(improv_plugin_status(p) == IMPROV_READY, "the plugin sees that it is ready");
    play(p, o.e);
    thread_end(thread);
    printf("        rung %d times\n", o.rung);
    must(o.rung > KEYS / 2, "the plugin wakes the engine");
    must(improv_engine_life(o.e) == IMPROV_ACTIVE, "the engine sees that the plugin lives");
    improv_plugin_want(p, NUMBER_seed, 4711);
    int length = improv_plugin_state(p, state, sizeof state);
    improv_plugin *other = improv_plugin_new();
    must(length > 0 && improv_plugin_put_state(other, state, length) && improv_plugin_get(other, NUMBER_seed) == 4711, "the state goes round");
    must(improv_plugin_activate(other, 48000, BLOCK), "a copy of it is activated");
    must(strcmp(improv_plugin_instance(other), improv_plugin_instance(p)) != 0, "and has another name");
    improv_plugin_free(other);
    improv_plugin_free(p);
    must(improv_engine_life(o.e) == IMPROV_GONE, "the engine sees that the plugin has gone");
    improv_engine_close(o.e);
    FILE *left = fopen(path, "rb");
    must(!left, "nothing is left");
    if (left) fclose(left);
    if (count > 1) load(arguments[1]);
    return failed;
}
