/* The parameters, from the rows of parameters.h, and numbers as text: with a point in every locale. */
#include "audio.h"

#include <math.h>
#include <string.h>

const parameter_row PARAMETER_ROWS[PARAMETER_COUNT] = {
#define ROW(number, symbol, label, unit, lowest, highest, standard, whole, words)                                                     \
    [number] = {#symbol, label, unit, words, lowest, highest, standard, whole},
    PARAMETERS(ROW)
#undef ROW
};
_Static_assert(PARAMETER_COUNT <= IMPROV_PARAMETERS, "parameters");

double within(int number, double value) {
    const parameter_row *row = &PARAMETER_ROWS[number];
    if (!(value == value)) value = row->standard;
    value = value < row->lowest ? row->lowest : value > row->highest ? row->highest : value;
    /* 1.1 as a float, or as a share of a range, is 1.1 again: so all formats ask for the same music. */
    return row->whole ? floor(value + 0.5) : floor(value * 1e6 + 0.5) / 1e6;
}

int write_number(double value, char *text, int room) {
    char digits[32];
    int count = 0, length = 0;
    if (!(fabs(value) < 1e9)) value = 0;
    bool negative = value < 0;
    long long whole = (long long)(fabs(value) * 1e6 + 0.5), rest = whole % 1000000;
    whole /= 1000000;
    if (negative && (whole || rest)) text[length++] = '-';
    do digits[count++] = (char)('0' + whole % 10);
    while (whole /= 10);
    if (count + 10 > room) return -1;
    while (count) text[length++] = digits[--count];
    if (rest) {
        text[length++] = '.';
        for (long long place = 100000; rest; rest %= place, place /= 10) text[length++] = (char)('0' + rest / place);
    }
    text[length] = 0;
    return length;
}

bool read_number(const char *text, int length, double *value) {
    double whole = 0, scale = 1;
    int at = 0, digits = 0;
    bool negative = at < length && text[at] == '-', point = false;
    for (at += negative; at < length; at++) {
        if ((text[at] == '.' || text[at] == ',') && !point) {
            point = true;
            continue;
        }
        if (text[at] < '0' || text[at] > '9' || digits >= 15) break;
        whole = whole * 10 + (text[at] - '0');
        digits++;
        if (point) scale *= 10;
    }
    while (at < length && text[at] == ' ') at++;
    if (!digits || at < length) return false;
    *value = (negative ? -whole : whole) / scale;
    return true;
}

int word_of(int number, double value, char *text, int room) {
    const char *word = PARAMETER_ROWS[number].words;
    value = within(number, value);
    if (!*word) return write_number(value, text, room);
    for (int at = (int)value; at > 0; at--) word = strchr(word, '\n') + 1;
    int length = (int)(strchr(word, '\n') - word);
    if (length >= room) return -1;
    memcpy(text, word, (size_t)length);
    text[length] = 0;
    return length;
}

bool value_of(int number, const char *text, int length, double *value) {
    const char *word = PARAMETER_ROWS[number].words;
    double index = 0;
    for (; *word; word = strchr(word, '\n') + 1, index++)
        if ((int)(strchr(word, '\n') - word) == length && !memcmp(word, text, (size_t)length)) {
            *value = index;
            return true;
        }
    if (!read_number(text, length, value)) return false;
    *value = within(number, *value);
    return true;
}
