#include "crypto/fingerprint.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648 §6, lower case */

const char *fingerprint(const uint8_t key[NOISE_KEY_BYTES], char out[FINGERPRINT_BYTES])
{
    uint8_t hash[NOISE_PRINT_BYTES];
    uint32_t bits = 0;
    unsigned have = 0;
    size_t at = 0, digits = 0;

    noise_print(hash, key);
    for (size_t i = 0; i < sizeof(hash); i++) {
        bits = bits << 8 | hash[i];
        for (have += 8; have >= 5; have -= 5) {
            if (digits > 0 && digits % FINGERPRINT_GROUP == 0)
                out[at++] = '-';
            out[at++] = alphabet[bits >> (have - 5) & 31];
            digits++;
        }
    }
    out[at] = '\0';
    return out;
}

bool fingerprint_parse(const char *text, uint8_t print[NOISE_PRINT_BYTES])
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t used = 0;

    for (; *text != '\0'; text++) {
        if (*text == '-' || *text == ' ' || *text == ':')
            continue;
        const char *digit = strchr(alphabet, tolower((unsigned char)*text));

        if (digit == NULL || used == NOISE_PRINT_BYTES)
            return false;
        bits = bits << 5 | (uint32_t)(digit - alphabet);
        have += 5;
        if (have >= 8) {
            have -= 8;
            print[used++] = (uint8_t)(bits >> have);
        }
    }
    return used == NOISE_PRINT_BYTES && have == 0;
}
